"""What goes wrong with data on its way, as switches with a known answer.

Each switch spoils a share of the nights, chosen by luck of its own: switching one on leaves every other row and every
other fault as it was. Each spoils in a way that can be found and undone, and `struck` says which rows it hit: the key
against which a loader, a quarantine or a reader's repair is marked.

==============  ============================================================  ======================================
switch          what happens                                                  how it shows, and what undoes it
==============  ============================================================  ======================================
`drift`         each firmware writes documents of its own shape               three shapes; read by the fields present
`dups=p`        the night is delivered a second time                          same `event_id`; keep one
`late=p`        it arrives 15 to 45 days after waking                         `sync_lag_s` from 1,296,000 up
`orphans=p`     the night names a person whom nobody knows                    `person_id` from 4,000,000,000: subtract
`nulls=p`       the device was off                                            status bit 0; the minutes are gone
`bad_units=p`   `minutes_sleep` holds hours, cut to whole ones                below 60; the minutes are gone
==============  ============================================================  ======================================

Some trouble is always there, as in life: 3 % of the nights are null, 1 % arrive up to 14 days late, one in 200 is
delivered twice. The switches add to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dsys_lab.errors import require_choice, require_fraction
from dsys_lab.workloads.slumber.luck import Columns, Mask, Stream, luck, strikes, uniform

DEVICE_OFF: Final = 1
"""The bit of `status` that makes the night's minutes null."""
ORPHANS_FROM: Final = 4_000_000_000
"""Added to the `person_id` of an orphan: no person is ever called so."""
LATE_FROM_S: Final = 15 * 86_400
LATE_SPREAD_S: Final = 30 * 86_400
SANE_MINUTES: Final = (60, 960)
"""What a night may last: anything outside is in another unit."""

_STREAMS: Final = {
    "dups": Stream.FAULT_DUPS,
    "late": Stream.FAULT_LATE,
    "orphans": Stream.FAULT_ORPHANS,
    "nulls": Stream.FAULT_NULLS,
    "bad_units": Stream.FAULT_BAD_UNITS,
}


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults are on. Shares are of nights, 0 to 1."""

    drift: bool = False
    dups: float = 0.0
    late: float = 0.0
    orphans: float = 0.0
    nulls: float = 0.0
    bad_units: float = 0.0

    def __post_init__(self) -> None:
        require_fraction(**{name: getattr(self, name) for name in _STREAMS})

    def struck(self, fault: str, seed: int, first: int, last: int) -> Mask:
        """Return which of the nights `first` to `last` - 1 the fault of this name hits.

        Raises
        ------
        BadParameter
            If `fault` is not one of dups, late, orphans, nulls, bad_units.
        """
        require_choice("fault", fault, tuple(_STREAMS))
        share = getattr(self, fault)
        if not share:
            return np.zeros(last - first, np.bool_)
        return strikes(luck(seed, _STREAMS[fault], np.arange(first, last)), share)

    def spoil(self, nights: Columns, seed: int, first: int, last: int) -> None:
        """Spoil the columns of the nights `first` to `last` - 1 in place."""
        if self.late:
            late = self.struck("late", seed, first, last)
            by_s = LATE_FROM_S + uniform(luck(seed, Stream.FAULT_LATE_BY, np.arange(first, last)), LATE_SPREAD_S)
            nights["sync_lag_s"][late] = by_s[late]
        if self.orphans:
            nights["person_id"][self.struck("orphans", seed, first, last)] += np.uint32(ORPHANS_FROM)
        if self.bad_units:
            nights["minutes_sleep"][self.struck("bad_units", seed, first, last)] //= np.uint16(60)
        if self.nulls:
            off = self.struck("nulls", seed, first, last)
            nights["status"][off] |= np.uint8(DEVICE_OFF)
            nights["minutes_sleep"][off] = 0
