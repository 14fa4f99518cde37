"""Should one ask at all? A breaker remembers that nobody answered, and refuses in the server's stead.

A caller whose calls all fail does nobody a favour with the next one: it waits for its timeout, and the server, if it is
there at all, gets work for a caller who will have left. So count the failures, and after some in a row stop asking::

                 `failures` in a row                    open_s have passed
      closed ------------------------> open ------------------------------> half-open: one probe
        ^                               ^                                        |
        |                               +---- the probe fails, or is silent -----+
        +------------------------------------ the probe is answered -------------+

`CircuitBreaker` decides and does nothing: whoever calls asks it first, and tells it how the call went.

The breaker promises
--------------------
1. It opens after `failures` failures in a row and not before; one success among them begins the count anew.
2. While it is open it lets nothing through for `open_s`, and then one call at a time: the *probe*.
3. Only the probe of the present period closes it or opens it again: the late news of a call that was let through before
   it opened says nothing about now, and changes nothing.
4. A probe of which nothing is heard for `probe_within_s` has failed, and the breaker is open from that moment on,
   though it learns of it (and writes its row) only when somebody speaks to it next. Without that time (None) a lost
   probe keeps the breaker half-open for ever, and everybody out: it is *stuck open*.

Cost: calls that are refused although the server would have answered: it is well again before the probe finds out, and
five unlucky calls open it although nothing was the matter. What it buys is quiet, in which a queue of work for nobody
can drain. It does not know why calls fail: five bad requests of one caller shut out everybody who shares it.

Left out: a share of failures within a window of time in place of a count in a row, and several probes at once.

Sources: Nygard, *Release It!*, 2007, "Circuit Breaker"; Azure Architecture Center, "Circuit Breaker pattern".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import NO_TRACE, Recorder

CLOSED: Final = "closed"
OPEN: Final = "open"
HALF_OPEN: Final = "half-open"


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; its outcome is told with it.

    Attributes
    ----------
    period : int
        How often the breaker had changed its state when it was given.
    is_probe : bool
        Whether all depends on this call.
    """

    period: int
    is_probe: bool


@dataclass(frozen=True, slots=True)
class Status:
    """How the breaker stood when it was last spoken to, and its books.

    Attributes
    ----------
    state : str
        "closed", "open" or "half-open".
    failures_in_a_row : int
        Since the last success, while closed.
    admitted, refused, probes, opened : int
        Counted since it was made; probes are among the admitted.
    """

    state: str
    failures_in_a_row: int
    admitted: int
    refused: int
    probes: int
    opened: int


class CircuitBreaker:
    """Says whether to call, from how the calls before went.

    Parameters
    ----------
    failures : int
        So many in a row open it.
    open_s : float
        For how long nothing passes then.
    probe_within_s : float or None
        A probe that is silent for so long has failed. None: it is waited for, for ever.
    place : str
        The name under which its rows appear.
    recorder : Recorder

    Examples
    --------
    >>> breaker = CircuitBreaker(failures=2, open_s=5)
    >>> for _ in range(2):
    ...     breaker.failed(0, breaker.admit(0))
    >>> breaker.admit(1_000_000) is None, breaker.admit(5_000_000)
    (True, Permit(period=2, is_probe=True))
    >>> breaker.status().state
    'half-open'
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        open_s: float = 5.0,
        probe_within_s: float | None = 1.0,
        place: str = "breaker",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        if not isinstance(failures, int) or isinstance(failures, bool) or failures < 1:
            raise BadParameter(f"failures = {failures!r}: give a whole number, 1 or more")
        self.failures, self.place, self.recorder = failures, place, recorder
        self._open_us = _microseconds(open_s=open_s)
        self._probe_us = None if probe_within_s is None else _microseconds(probe_within_s=probe_within_s)
        self._state, self._since_us, self._period = CLOSED, 0, 0
        self._in_a_row = self._admitted = self._refused = self._probes = self._opened = 0

    # ------------------------------------------------------------ before a call
    def admit(self, now_us: int, message: str | None = None) -> Permit | None:
        """Give leave to call, or None: fail at once, and ask nobody."""
        self.tick(now_us)
        if self._state == OPEN and now_us >= self._since_us + self._open_us:
            self._turn(HALF_OPEN, now_us)
            self._probes += 1
            self.recorder.emit(now_us, "breaker_probe", self.place, message)
        elif self._state != CLOSED:
            self._refused += 1
            return None
        self._admitted += 1
        return Permit(self._period, self._state == HALF_OPEN)

    def tick(self, now_us: int) -> None:
        """Let time pass: a probe that was silent for too long has failed, and the breaker is open since then."""
        if self._state == HALF_OPEN and self._probe_us is not None and now_us >= self._since_us + self._probe_us:
            self._in_a_row += 1
            self._open(now_us, since_us=self._since_us + self._probe_us)

    # ------------------------------------------------------------ after it
    def went_well(self, now_us: int, permit: Permit) -> None:
        """Hear that a call was answered."""
        if not self._is_news(now_us, permit):
            return
        self._in_a_row = 0
        if permit.is_probe:
            self._turn(CLOSED, now_us)
            self.recorder.emit(now_us, "breaker_closed", self.place)

    def failed(self, now_us: int, permit: Permit) -> None:
        """Hear that a call failed: it was told no, or nothing at all in time."""
        if not self._is_news(now_us, permit):
            return
        self._in_a_row += 1
        if permit.is_probe or self._in_a_row >= self.failures:
            self._open(now_us, since_us=now_us)

    def _is_news(self, now_us: int, permit: Permit) -> bool:
        if not isinstance(permit, Permit) or permit.period > self._period:
            raise BadParameter(f"permit = {permit!r}: give what `admit` gave for this call")
        self.tick(now_us)
        return permit.period == self._period

    # ------------------------------------------------------------ its state
    def _open(self, now_us: int, *, since_us: int) -> None:
        self.recorder.emit(now_us, "breaker_open", self.place, failures=self._in_a_row)
        self._turn(OPEN, since_us)
        self._opened += 1
        self._in_a_row = 0

    def _turn(self, state: str, now_us: int) -> None:
        self._state, self._since_us = state, now_us
        self._period += 1

    def status(self) -> Status:
        """Return how it stands, and its books."""
        return Status(self._state, self._in_a_row, self._admitted, self._refused, self._probes, self._opened)


def _microseconds(**seconds: float) -> int:
    """Return a time of the breaker's in microseconds."""
    ((name, value),) = seconds.items()
    if not 1e-6 <= value < math.inf:
        raise BadParameter(f"{name} = {value!r}: give seconds, a millionth or more")
    return round(value * 1e6)
