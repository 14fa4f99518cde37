"""One operator, from records to what is said: its inputs, their watermark and its windows, in this order.

An event is folded before it moves the watermark: it is never late because of itself.

>>> from dsys_lab.dataflows.batch import COUNT
>>> from dsys_lab.dataflows.windows import Tumbling
>>> stream = WindowedStream(Tumbling(10), COUNT, bound_us=3)
>>> for at in (1, 8, 14):
...     said = stream.on_record(at, Record(at, at, "k"))
>>> said
[Pane(is_taken_back=False, key='k', window=Window(start_us=0, end_us=10), value=2, when='on_time')]
"""

from __future__ import annotations

from collections.abc import Iterable

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.dataflows.windows.aggregate import WindowedAggregate, WindowStatus
from dsys_lab.dataflows.windows.assigners import Assigner
from dsys_lab.dataflows.windows.emission import Emission
from dsys_lab.dataflows.windows.panes import Pane
from dsys_lab.dataflows.windows.watermarks import Watermarks
from dsys_lab.trace import NO_TRACE, Recorder


class WindowedStream:
    """Windows over one input or several.

    Parameters
    ----------
    assigner : Assigner
    monoid : Monoid
    emission : Emission, optional
    inputs, bound_us, idle_us, ahead_us
        See `Watermarks`.
    """

    def __init__(
        self,
        assigner: Assigner,
        monoid: Monoid,
        emission: Emission | None = None,
        *,
        inputs: Iterable[str] = ("input",),
        bound_us: int,
        idle_us: int | None = None,
        ahead_us: int | None = None,
        now_us: int = 0,
        place: str = "operator",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.watermarks = Watermarks(
            inputs, bound_us=bound_us, idle_us=idle_us, ahead_us=ahead_us, now_us=now_us, place=place, recorder=recorder
        )
        self.aggregate = WindowedAggregate(assigner, monoid, emission, place=place, recorder=recorder)
        self._first = self.watermarks.inputs[0]

    def on_record(self, now_us: int, record: Record, source: str | None = None) -> list[Pane]:
        """Fold an event of an input (the first, if none is named), then hear what it says of time."""
        said = self.aggregate.on_record(now_us, record)
        moved = self.watermarks.on_event(now_us, self._first if source is None else source, record.event_us)
        return said + self.aggregate.on_watermark(now_us, self.watermarks.at_us) if moved else said

    def tick(self, now_us: int) -> list[Pane]:
        """Let time pass: inputs fall idle, windows speak early."""
        said = self.aggregate.on_watermark(now_us, self.watermarks.at_us) if self.watermarks.tick(now_us) else []
        return said + self.aggregate.tick(now_us)

    def advance(self, now_us: int, at_us: int) -> list[Pane]:
        """Hear from every input that nothing from before `at_us` is to come."""
        for source in self.watermarks.inputs:
            self.watermarks.on_watermark(now_us, source, at_us)
        return self.aggregate.on_watermark(now_us, self.watermarks.at_us)

    def finish(self, now_us: int) -> list[Pane]:
        """Come to the end of a bounded input: nothing is to come, so all windows speak."""
        return self.aggregate.on_watermark(now_us, 1 << 62)

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed."""
        due = [at_us for at_us in (self.watermarks.deadline_us(), self.aggregate.deadline_us()) if at_us is not None]
        return min(due, default=None)

    def status(self) -> WindowStatus:
        """Return what its windows keep, and what they did."""
        return self.aggregate.status()
