"""In which order do the nights arrive, and which arrive twice?

A night *happens* when the sleeper wakes (`woke_s`, event time) and *arrives* when the phone next has a network
(`arrived_s`): nine in ten within ten minutes, one in a hundred up to two weeks later. One in 200 is delivered a second
time within the hour after the first. Both copies carry the same `event_id`, the number of the night, which is what a
consumer needs in order to keep one.

`deliveries` gives the deliveries of some nights as they come from the table; `event_stream` gives all of them sorted by
arrival, as a broker would see them.

The stream promises
-------------------
1. Sorted by (`arrived_s`, `event_id`, `copy`), and the same whatever the size of its blocks.
2. Memory is bounded by the nights that are still on their way: about three weeks of them, and one block.

How: nights are made day by day, and no night of a later day can arrive before that day's evening. So whatever arrives
before the next night's evening is complete, is sorted and let go; the rest waits (a watermark, as in stream
processors).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from dsys_lab.errors import require_positive
from dsys_lab.workloads.slumber.faults import Faults
from dsys_lab.workloads.slumber.luck import Columns, Ints, Mask, Stream, luck, uniform
from dsys_lab.workloads.slumber.nights import EVENING_MIN, bed_s, night_table
from dsys_lab.workloads.slumber.records import record
from dsys_lab.workloads.slumber.size_law import day_of_night

EVENT: Final = record(
    "event_id:u8 copy:u1 status:u1 date_key:u2 person_id:u4 minutes_sleep:u2 fw:u1 woke_s:i8 arrived_s:i8"
)
_DAY_S: Final = 86_400


def delivered_twice(seed: int, night: Ints) -> Mask:
    """Return which nights are delivered twice even without the fault `dups`: one in 200."""
    return uniform(luck(seed, Stream.DELIVERED_TWICE, night), 200) == 0


def deliveries(seed: int, first: int, last: int, faults: Faults | None = None) -> Columns:
    """Return what the phones delivered of the nights `first` to `last` - 1, in the order of the nights.

    Returns
    -------
    Columns
        `event_id` (the night's number), `copy` (0, or 1 for the second delivery), `status`, `date_key`, `person_id`,
        `minutes_sleep`, `fw`, `woke_s` and `arrived_s` (seconds of local time after midnight of day 0).
    """
    nights = night_table(seed, first, last)
    woke_s = bed_s(nights) + nights["minutes_sleep"].astype(np.int64) * 60  # when, whatever the device says of it
    if faults:
        faults.spoil(nights, seed, first, last)
    number = np.arange(first, last)
    twice = delivered_twice(seed, number)
    if faults:
        twice |= faults.struck("dups", seed, first, last)
    which = np.repeat(np.arange(last - first), 1 + twice)
    copy = np.zeros(which.size, np.uint8)
    copy[1:] = which[1:] == which[:-1]
    again_s = 1 + uniform(luck(seed, Stream.SECOND_DELIVERY, number), 3600)
    arrived_s = (woke_s + nights["sync_lag_s"])[which] + again_s[which] * copy
    kept = ("status", "date_key", "person_id", "minutes_sleep", "fw")
    return {
        "event_id": nights["night_id"][which],
        "copy": copy,
        **{name: nights[name][which] for name in kept},
        "woke_s": woke_s[which],
        "arrived_s": arrived_s,
    }


def event_stream(seed: int, nights: int, faults: Faults | None = None, *, rows: int = 1 << 16) -> Iterator[Columns]:
    """Yield all deliveries of the first `nights` nights by arrival, in blocks of about `rows`."""
    require_positive(rows=rows)
    waiting: Columns | None = None
    for first in range(0, nights, rows):
        last = min(first + rows, nights)
        fresh = deliveries(seed, first, last, faults)
        waiting = fresh if waiting is None else {name: np.concatenate([waiting[name], fresh[name]]) for name in fresh}
        watermark_s = day_of_night(last) * _DAY_S + EVENING_MIN * 60
        ready = waiting["arrived_s"] < watermark_s if last < nights else np.ones(len(waiting["copy"]), np.bool_)
        if ready.any():
            yield _by_arrival({name: column[ready] for name, column in waiting.items()})
        waiting = {name: column[~ready] for name, column in waiting.items()}


def _by_arrival(events: Columns) -> Columns:
    order = np.lexsort((events["copy"], events["event_id"], events["arrived_s"]))
    return {name: column[order] for name, column in events.items()}
