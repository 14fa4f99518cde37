"""What does the app know of a sleeper, in one document?

A profile has what every sleeper has, what some have, and a list of devices that is longer for some than for others::

    {"_id": 17, "name": "Ada Berg", "city": "Oslo", "plan": "plus", "referred_by": 3,
     "sleep": {"minutes": 435, "goal": 480},
     "devices": [{"kind": "ring", "fw": 3, "battery": 71}, {"kind": "watch", "fw": 1, "battery": 40}]}

Of ten sleepers one has no device, five have one, three have two and one has three; rings, watches and mats come about
as often, and of ten devices five run firmware 1, three 2 and two 3. `referred_by` is absent for who came alone.

Promise: a profile is a pure function of (seed, person), like every row of this world; devices of one person share no
luck, so *a ring* and *firmware 3* are met by one device as often as chance has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from dsys_lab.workloads.slumber.cities import CITIES
from dsys_lab.workloads.slumber.luck import Ints, Stream, luck, pick, uniform
from dsys_lab.workloads.slumber.people import NOBODY, PLANS, people_table, sleepers

DEVICES_MOST: Final = 3
USUAL_MINUTES: Final = 440
"""Around which people sleep (`nights`)."""
DEVICE_KINDS: Final = ("ring", "watch", "mat")
_HOW_MANY: Final[Ints] = np.cumsum([1, 5, 3, 1])
_FIRMWARE: Final[Ints] = np.cumsum([5, 3, 2])


def profiles(seed: int, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yield the profiles of the persons `first` to `last` - 1."""
    person = np.arange(first, last)
    table = people_table(seed, first, last)
    minutes = USUAL_MINUTES + sleepers(seed, last).usual_minutes[first:last]
    devices = pick(luck(seed, Stream.DEVICES, person), _HOW_MANY)
    number = np.repeat(person, DEVICES_MOST) * DEVICES_MOST + np.tile(np.arange(DEVICES_MOST), person.size)
    kind = uniform(luck(seed, Stream.DEVICE_KIND, number), len(DEVICE_KINDS)).reshape(-1, DEVICES_MOST)
    firmware = 1 + pick(luck(seed, Stream.DEVICE_FIRMWARE, number), _FIRMWARE).reshape(-1, DEVICES_MOST)
    battery = uniform(luck(seed, Stream.DEVICE_BATTERY, number), 101).reshape(-1, DEVICES_MOST)
    for place in range(person.size):
        referred_by = int(table["referred_by"][place])
        yield {
            "_id": int(person[place]),
            "name": str(table["name"][place]),
            "city": CITIES[table["city_id"][place]],
            "plan": PLANS[table["plan"][place]],
            **({} if referred_by == NOBODY else {"referred_by": referred_by}),
            "sleep": {"minutes": int(minutes[place]), "goal": 480},
            "devices": [
                {"kind": DEVICE_KINDS[k], "fw": int(f), "battery": int(b)}
                for k, f, b in zip(kind[place], firmware[place], battery[place], strict=True)
            ][: int(devices[place])],
        }
