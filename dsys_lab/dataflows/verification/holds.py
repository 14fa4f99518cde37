"""And if we ask first? Then a pillow is held for whoever asks, and somebody must let it go again.

`hold` sets a pillow aside, `keep` makes the hold a sale. In between the buyer waits for an answer, and may have left
when it comes. Nobody tells the stock of that, so such a hold stays; with a *time to live* it ends by itself, and the
pillow can be had again. (That, too, is a promise taken back later: to a buyer who was only slow, it needs an apology.)

Pure. Where it lies is its owner's affair: a hold without a time to live, and every sale, must outlive a crash.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.errors import BadParameter, require_positive


@dataclass(frozen=True, slots=True)
class HoldsStatus:
    """Where the pillows are: free, held, sold; and how many holds ended by themselves."""

    free: int
    held: int
    sold: int
    ended: int


class Holds:
    """Pillows that are free, held or sold.

    Parameters
    ----------
    pillows : int
    ttl_s : float, optional
        How long a hold lasts; without it, until it is kept.

    Examples
    --------
    >>> holds = Holds(1, ttl_s=10)
    >>> holds.hold(0, "o1"), holds.hold(5, "o2")
    (True, False)
    >>> holds.tick(10_000_000)
    ['o1']
    >>> holds.hold(10_000_000, "o2"), holds.keep(11_000_000, "o1"), holds.keep(11_000_000, "o2")
    (True, False, True)
    """

    def __init__(self, pillows: int, *, ttl_s: float | None = None) -> None:
        if not isinstance(pillows, int) or isinstance(pillows, bool) or pillows < 0:
            raise BadParameter(f"pillows = {pillows!r}: give a whole number, 0 or more")
        if ttl_s is not None:
            require_positive(ttl_s=ttl_s)
        self._ttl_us = None if ttl_s is None else round(ttl_s * 1e6)
        self._free, self._ended = pillows, 0
        self._held: dict[str, int] = {}  # since when, the oldest first
        self._sold: dict[str, None] = {}

    def hold(self, now_us: int, order: str) -> bool:
        """Set a pillow aside for an order, or say that there is none; asked again, it answers the same."""
        self.tick(now_us)
        if order in self._held or order in self._sold:
            return True
        if not self._free:
            return False
        self._free -= 1
        self._held[order] = now_us
        return True

    def keep(self, now_us: int, order: str) -> bool:
        """Make a hold a sale; say whether it still stood."""
        self.tick(now_us)
        if order in self._held:
            del self._held[order]
            self._sold[order] = None
        return order in self._sold

    def tick(self, now_us: int) -> list[str]:
        """End the holds whose time is over; return their orders."""
        over = []
        while (deadline_us := self.deadline_us()) is not None and deadline_us <= now_us:
            order = next(iter(self._held))
            del self._held[order]
            self._free += 1
            self._ended += 1
            over.append(order)
        return over

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed."""
        if self._ttl_us is None or not self._held:
            return None
        return next(iter(self._held.values())) + self._ttl_us

    def status(self) -> HoldsStatus:
        """Return where the pillows are."""
        return HoldsStatus(self._free, len(self._held), len(self._sold), self._ended)
