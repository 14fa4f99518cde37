"""Two eyes on the same facts: how many beds are free, and what was taken in.

Neither was thought of when the first event was written. Each is a fold of its own over all streams, and keeps only what
it is asked.
"""

from __future__ import annotations

from collections import Counter

from dsys_lab.stores.relational import Change


class FreeBeds:
    """How many beds of each night nobody has.

    Examples
    --------
    >>> view = FreeBeds()
    >>> view.apply(Change("NightOpened", None, {"beds": 3, "stream": "n1", "version": 1}))
    >>> view.apply(Change("BedHeld", None, {"bed": 1, "guest": "g1", "stream": "n1", "version": 2}))
    >>> dict(view.free)
    {'n1': 2}
    """

    def __init__(self) -> None:
        self.free: Counter[str] = Counter()

    def apply(self, change: Change) -> None:
        """Take one event in."""
        says = change.after or {}
        beds = {"NightOpened": int(says.get("beds") or 0), "BedHeld": -1, "BedReleased": 1, "BookingCancelled": 1}
        self.free[str(says["stream"])] += beds.get(change.table, 0)


class Takings:
    """What was taken in for each night, in cents.

    Parameters
    ----------
    refunds : int
        -1: what is given back is taken off. +1 is the mistake of the lab: it is added.

    Attributes
    ----------
    cents : Counter
        By stream.
    events : int
        That it has taken in.
    """

    def __init__(self, *, refunds: int = -1) -> None:
        self.refunds, self.cents, self.events = refunds, Counter[str](), 0

    def apply(self, change: Change) -> None:
        """Take one event in."""
        says = change.after or {}
        self.events += 1
        if change.table == "BedBooked":
            self.cents[str(says["stream"])] += int(says["cents"] or 0)
        elif change.table == "BookingCancelled":
            self.cents[str(says["stream"])] += self.refunds * int(says["refund_cents"] or 0)

    @property
    def total(self) -> int:
        """Of all nights."""
        return self.cents.total()
