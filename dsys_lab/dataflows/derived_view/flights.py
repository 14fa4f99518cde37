"""Many miss the same key at the same moment: how many of them go to the source?

A hot key is invalidated, or grows too old, and all who read it miss: a *thundering herd*. Each asks the source for the
same row, which is slower the more ask, so that still more miss before the first has filled. With a *single flight* the
first one goes, and who misses meanwhile waits for what it brings: one read, however many ask.

Price: when the one who went dies, all wait. Whoever runs it lets the flight `land` on a failure, too.

Sources: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (leases); Go,
`golang.org/x/sync/singleflight`.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.errors import Misuse
from dsys_lab.structures.schema import Value


@dataclass(frozen=True, slots=True)
class FlightStatus:
    """How many went to the source, how many waited for another, and which keys are on the way now."""

    went: int
    waited: int
    under_way: int


class Flights:
    """Who goes to the source for a key, and who waits.

    Parameters
    ----------
    single : bool
        False lets everybody go.

    Examples
    --------
    >>> flights = Flights()
    >>> flights.goes("anna", "reader 1"), flights.goes("anna", "reader 2")
    (True, False)
    >>> flights.land("anna")
    ('reader 2',)
    """

    def __init__(self, *, single: bool = True) -> None:
        self.single = single
        self._waiting: dict[Value, list[str]] = {}
        self._going: dict[Value, int] = {}
        self._went = self._waited = 0

    def goes(self, key: Value, who: str) -> bool:
        """Return whether this one goes to the source; if not, it waits until somebody lands."""
        if self.single and key in self._going:
            self._waiting[key].append(who)
            self._waited += 1
            return False
        self._going[key] = self._going.get(key, 0) + 1
        self._waiting.setdefault(key, [])
        self._went += 1
        return True

    def land(self, key: Value) -> tuple[str, ...]:
        """Return who waited for this key, in the order in which they came: the one who went is back."""
        if key not in self._going:
            raise Misuse(f"nobody is under way for {key!r}: ask `goes` first")
        self._going[key] -= 1
        waiting, self._waiting[key] = tuple(self._waiting[key]), []
        if not self._going[key]:
            del self._going[key], self._waiting[key]
        return waiting

    def status(self) -> FlightStatus:
        """Return how many went, waited, and are under way."""
        return FlightStatus(self._went, self._waited, sum(self._going.values()))
