"""The nights: what do we know about each, and what is true of them?

A night is a record of 64 bytes, thirteen columns:

    0        8     12    14  15  16      18            20  21  22  23      24          28                       64
    +--------+-----+-----+---+---+-------+-------------+---+---+---+-------+-----------+------------------------+
    |night_id|person|date|city|age|bed_min|minutes_sleep|awk|hr |fw |status |sync_lag_s | note                   |
    |  u64   | u32 | u16 |u8 |u8 | u16   |    u16      |u8 |u8 |u8 |  u8   |   u32     | 36 characters, empty   |
    +--------+-----+-----+---+---+-------+-------------+---+---+---+-------+-----------+------------------------+

How long a night is has causes, planted so that every answer can be marked:

    440 + person's habit + 6 if on plus + 35 at weekends - 0.6 a year over 40 + the city's -20 to 20 + a bell of sd 45,
    and 150 less on one night in 20; the whole cut to 120 to 720 minutes

Bit 0 of `status` says that the device was off: then `minutes_sleep` is null and holds 0 (3 % of the nights; `minutes`
gives them as a masked array). `city_id` and `age` are what they were *that night*. Each night of 96 five-minute slots
has 96 pings from the wearable.

Promises
--------
1. Night i is a pure function of (seed, i), so any prefix, block or order of blocks gives the same rows.
2. (`person_id`, `date_key`) is unique: everybody sleeps once a night. (Person s * 1,000,003 + r modulo the number of
   people: 1,000,003 is prime, so the days' order of people is a permutation.)

Cost: seven words of luck and some thirty passes over a block of 16,384 nights, which stays in the cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.workloads.slumber.cities import CITY_EFFECT_MINUTES
from dsys_lab.workloads.slumber.faults import DEVICE_OFF, Faults
from dsys_lab.workloads.slumber.luck import Columns, Ints, Stream, bell, luck, uniform
from dsys_lab.workloads.slumber.people import sleepers
from dsys_lab.workloads.slumber.records import record
from dsys_lab.workloads.slumber.size_law import FIRST_DATE, JOINING_A_DAY, day_of_night

NIGHT: Final = record(
    "night_id:u8 person_id:u4 date_key:u2 city_id:u1 age:u1 bed_min:u2 minutes_sleep:u2 awakenings:u1 avg_hr:u1 fw:u1 "
    "status:u1 sync_lag_s:u4 note:S36"
)
"""The 64-byte record. `bed_min` is minutes after midnight, 1,080 to 1,439 on the evening of `date_key`, 0 to 179 on the
morning after; `fw` the firmware, 1 to 3; `sync_lag_s` seconds from waking until the phone delivered the night."""
PING: Final = record("ping_id:u8 night_id:u8 ts_s:i8 slot:u1 hr:u1 motion:u1")
PINGS_A_NIGHT: Final = 96
EVENING_MIN: Final = 1080
"""A `bed_min` below this is after midnight, on the morning after `date_key`."""
_BLOCK: Final = 16_384
_STRIDE: Final = 1_000_003


def night_table(seed: int, first: int, last: int, faults: Faults | None = None) -> Columns:
    """Return the nights `first` to `last` - 1 as thirteen contiguous columns, of the types of `NIGHT`."""
    nights: Columns = {name: np.empty(last - first, NIGHT[name]) for name in NIGHT.names or () if name != "note"}
    for start in range(first, last, _BLOCK):
        stop = min(start + _BLOCK, last)
        _fill({name: column[start - first : stop - first] for name, column in nights.items()}, seed, start, stop)
    if faults:
        faults.spoil(nights, seed, first, last)
    nights["note"] = np.full(last - first, "", dtype=object)
    return nights


def _fill(out: Columns, seed: int, first: int, last: int) -> None:
    """Fill one block. What depends on the day alone is worked out once a day, then repeated over its nights."""
    night = np.arange(first, last)
    days = np.arange(day_of_night(first), day_of_night(last - 1) + 1)
    starts = JOINING_A_DAY // 2 * days * (days + 1)
    people = JOINING_A_DAY * (days + 1)
    rotation = uniform(luck(seed, Stream.WHO_SLEEPS, days), people)
    weekend = np.where((days + 6) % 7 >= 5, 35, 0)
    which = np.repeat(np.arange(days.size), np.minimum(starts + people, last) - np.maximum(starts, first))
    day = days[which]

    person = ((night - starts[which]) * _STRIDE + rotation[which]) % people[which]
    known = sleepers(seed, int(people[-1]))
    moved = day >= known.move_day[person]
    city = np.where(moved, known.moved_city[person], known.city[person])
    year, day_of_year = _calendar(days)
    age = year[which] - known.birth_year[person] - (day_of_year[which] < known.birthday[person])
    np.clip(age, 10, 120, out=age)

    minutes = bell(luck(seed, Stream.NIGHT_LENGTH, night), 440, 45)
    minutes += known.usual_minutes[person] + 6 * known.plus[person] + weekend[which] + CITY_EFFECT_MINUTES[city]
    minutes -= (age - 40) * 3 // 5
    minutes -= np.where(uniform(luck(seed, Stream.BAD_NIGHT, night), 20) == 0, 150, 0)
    np.clip(minutes, 120, 720, out=minutes)
    off = uniform(luck(seed, Stream.DEVICE_OFF, night), 100) < 3
    minutes[off] = 0

    out["night_id"][:] = night
    out["person_id"][:] = person
    out["date_key"][:] = day
    out["city_id"][:] = city
    out["age"][:] = age
    out["bed_min"][:] = np.clip(bell(luck(seed, Stream.BED_TIME, night), 1380, 60), 1080, 1619) % 1440
    out["minutes_sleep"][:] = minutes
    out["awakenings"][:] = np.clip(bell(luck(seed, Stream.AWAKENINGS, night), 3, 2), 0, 12)
    out["avg_hr"][:] = np.clip(bell(luck(seed, Stream.HEART_RATE, night), 60, 7) + (age - 40) // 10, 38, 110)
    out["fw"][:] = 1 + (day >= 14 + person % 7) + (day >= 60 + person % 7)
    out["status"][:] = off * DEVICE_OFF
    out["sync_lag_s"][:] = _lag_s(seed, night)


def _calendar(days: Ints) -> tuple[Ints, Ints]:
    """Return the year of each day, and how many days of it have passed."""
    date = FIRST_DATE + days
    year = date.astype("datetime64[Y]")
    return year.astype(np.int64) + 1970, (date - year).astype(np.int64)


def _lag_s(seed: int, night: Ints) -> Ints:
    """Return how late each night is delivered: 90 % within 10 minutes, 9 % within 12 hours, 1 % within 14 days."""
    word = luck(seed, Stream.SYNC_LAG, night)
    out_of_1000, seconds = uniform(word, 1000), (word & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return seconds % np.where(out_of_1000 < 900, 600, np.where(out_of_1000 < 990, 43_200, 1_209_600))


# ------------------------------------------------------------------------------------------ readings of a night
def minutes(nights: Columns) -> np.ma.MaskedArray:
    """Return `minutes_sleep` with its nulls masked, which is how DuckDB takes them for NULL."""
    return np.ma.masked_array(nights["minutes_sleep"], (nights["status"] & DEVICE_OFF).astype(np.bool_))


def bed_s(nights: Columns) -> Ints:
    """Return when each sleeper went to bed, in seconds of local time after midnight of day 0."""
    bed_min = nights["bed_min"].astype(np.int64)
    return (nights["date_key"].astype(np.int64) * 1440 + bed_min + 1440 * (bed_min < EVENING_MIN)) * 60


# ------------------------------------------------------------------------------------------ pings
def ping_table(seed: int, first: int, last: int) -> Columns:
    """Return the pings of the nights `first` to `last` - 1.

    Returns
    -------
    Columns
        `ping_id` (`night_id` * 96 + `slot`), `night_id`, `slot`, `ts_s` (seconds of local time after midnight of
        day 0), `hr` (beats a minute), `motion` (0 to 7 asleep, 20 to 79 awake).
    """
    nights = night_table(seed, first, last)
    night = np.repeat(np.arange(first, last), PINGS_A_NIGHT)
    slot = np.tile(np.arange(PINGS_A_NIGHT), last - first)
    ping = night * PINGS_A_NIGHT + slot
    asleep = slot * 5 < np.repeat(nights["minutes_sleep"], PINGS_A_NIGHT)
    usual = np.repeat(nights["avg_hr"].astype(np.int64), PINGS_A_NIGHT)
    deep = slot // 18 % 2 == 1
    hr = usual - 3 * deep + bell(luck(seed, Stream.PING_HEART_RATE, ping), 0, 4)
    motion = luck(seed, Stream.PING_MOTION, ping)
    return {
        "ping_id": ping.astype(np.uint64),
        "night_id": night.astype(np.uint64),
        "slot": slot.astype(np.uint8),
        "ts_s": np.repeat(bed_s(nights), PINGS_A_NIGHT) + slot * 300,
        "hr": np.clip(hr, 35, 140).astype(np.uint8),
        "motion": np.where(asleep, uniform(motion, 8), 20 + uniform(motion, 60)).astype(np.uint8),
    }
