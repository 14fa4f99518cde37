"""What does a night look like before anybody has agreed on a shape?

Each firmware sends JSON of its own, and the three live side by side, because each wearable updates on a day of its own:

firmware 1, from the start           {"id":17,"d":"2017-01-01","p":17,"hours_sleep":"7.25","city":"Oslo"}
firmware 2, from day 14 + p mod 7    {"id":17,"d":"2017-01-15","p":17,"sleep_minutes":435}
firmware 3, from day 60 + p mod 7    {"id":17,"d":"2017-03-02","person":17,"sleep":{"minutes":435,"awake":3},"spo2":96}

Hours as a text, then minutes as a number, then nested and renamed: a loader that infers a type from the first thousand
lines is wrong by the end of the month. Without the fault `drift` all three send the first shape. `id` is the number of
the night; a null night has null where its length would be.

Promise: whatever the shape, the minutes come back exactly: hours have two digits after the point, and sixty times the
rounding is below half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsys_lab.workloads.slumber.cities import CITIES
from dsys_lab.workloads.slumber.faults import DEVICE_OFF, Faults
from dsys_lab.workloads.slumber.luck import Stream, luck, uniform
from dsys_lab.workloads.slumber.nights import night_table
from dsys_lab.workloads.slumber.size_law import FIRST_DATE


def raw_documents(seed: int, first: int, last: int, faults: Faults | None = None) -> Iterator[str]:
    """Yield the documents of the nights `first` to `last` - 1, one line of JSON each, without line ends."""
    nights = night_table(seed, first, last, faults)
    drift = faults is not None and faults.drift
    spo2 = 94 + uniform(luck(seed, Stream.BLOOD_OXYGEN, np.arange(first, last)), 6)
    names = ("night_id", "date_key", "person_id", "minutes_sleep", "status", "fw", "city_id", "awakenings")
    columns = [nights[name].tolist() for name in names]
    for number, day, person, minutes, status, fw, city, awake, oxygen in zip(*columns, spo2.tolist(), strict=True):
        head = f'{{"id":{number},"d":"{FIRST_DATE + day}",'
        off = status & DEVICE_OFF
        length = "null" if off else minutes
        if not drift or fw == 1:
            hours = "null" if off else f'"{_hours(minutes)}"'
            yield f'{head}"p":{person},"hours_sleep":{hours},"city":"{CITIES[city]}"}}'
        elif fw == 2:
            yield f'{head}"p":{person},"sleep_minutes":{length}}}'
        else:
            yield f'{head}"person":{person},"sleep":{{"minutes":{length},"awake":{awake}}},"spo2":{oxygen}}}'


def _hours(minutes: int) -> str:
    """Return hours with two digits after the point, rounded, from whole minutes and in whole numbers."""
    hundredths = (minutes * 100 + 30) // 60
    return f"{hundredths // 100}.{hundredths % 100:02d}"
