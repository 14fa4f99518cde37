"""A breaker whose only rule is a function of somebody's own: may this call be made, after how those before it went?

The function is told what a caller can know: when each call that is over ended, and whether well; and since when each
that is not over is on its way. It keeps nothing itself, so whatever it does can be said from these two lists.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from dsys_lab.brokers.circuit_breaker import Permit
from dsys_lab.errors import BadParameter
from dsys_lab.trace import NO_TRACE, Recorder


class Ended(NamedTuple):
    """A call that is over.

    Attributes
    ----------
    at_s : float
        When it ended.
    well : bool
        Whether it was answered in time.
    """

    at_s: float
    well: bool


MayCall = Callable[[Sequence[Ended], Sequence[float], float], bool]
"""`(ended, on_their_way, now_s)` -> whether to call."""
REMEMBERED: Final = 50
"""How many calls that are over the function is told of."""


class OwnBreaker:
    """Asks a function before each call, and says in rows when it begins to refuse and when it ends.

    Parameters
    ----------
    may_call : callable
        See `MayCall`.
    """

    def __init__(self, may_call: MayCall, *, place: str = "breaker", recorder: Recorder = NO_TRACE) -> None:
        self.may_call, self.place, self.recorder = may_call, place, recorder
        self._ended: deque[Ended] = deque(maxlen=REMEMBERED)
        self._on_their_way: dict[Permit, float] = {}
        self._given = 0
        self._is_open = False

    def admit(self, now_us: int, message: str | None = None) -> Permit | None:
        """Ask the function."""
        now_s = now_us / 1e6
        ended, out = tuple(self._ended), tuple(self._on_their_way.values())
        if not self.may_call(ended, out, now_s):
            if not self._is_open:
                self._is_open = True
                self.recorder.emit(now_us, "breaker_open", self.place, failures=_failures_in_a_row(ended))
            return None
        if self._is_open:
            self.recorder.emit(now_us, "breaker_probe", self.place, message)
        self._given += 1
        permit = Permit(self._given, is_probe=self._is_open)
        self._on_their_way[permit] = now_s
        return permit

    def went_well(self, now_us: int, permit: Permit) -> None:
        """Hear that a call was answered.

        Raises
        ------
        BadParameter
            If this call is not on its way.
        """
        self._end(now_us, permit, well=True)
        if permit.is_probe and self._is_open:
            self._is_open = False
            self.recorder.emit(now_us, "breaker_closed", self.place)

    def failed(self, now_us: int, permit: Permit) -> None:
        """Hear that a call was told no, or nothing at all in time; it must be on its way, too."""
        self._end(now_us, permit, well=False)

    def _end(self, now_us: int, permit: Permit, *, well: bool) -> None:
        if permit not in self._on_their_way:
            raise BadParameter(f"permit = {permit!r}: give what `admit` gave for a call, and once, when it is over")
        del self._on_their_way[permit]
        self._ended.append(Ended(now_us / 1e6, well))


def _failures_in_a_row(ended: Sequence[Ended]) -> int:
    return next((number for number, call in enumerate(reversed(ended)) if call.well), len(ended))
