"""Real time for a trace: rows of an engine are stamped when they are written."""

from __future__ import annotations

import time

from dsys_lab.trace import NO_TRACE, Recorder, Scalar


class WallClock:
    """Stamps rows with the microseconds since it was made, and hands them to a recorder.

    A model is told the time; an engine lives in it. All who write rows of one run share one clock.

    Attributes
    ----------
    recorder : Recorder
        Where the rows go; `NO_TRACE` if nobody wants them.
    """

    def __init__(self, recorder: Recorder = NO_TRACE) -> None:
        self.recorder = recorder
        self._start_ns = time.perf_counter_ns()

    @property
    def now_us(self) -> int:
        """Microseconds since the start."""
        return (time.perf_counter_ns() - self._start_ns) // 1000

    @property
    def is_recorded(self) -> bool:
        """Whether anybody keeps the rows: what is asked only to write a row need not be asked otherwise."""
        return self.recorder is not NO_TRACE

    def emit(self, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Record that `kind` happened just now."""
        self.recorder.emit(self.now_us, kind, place, message, **fields)
