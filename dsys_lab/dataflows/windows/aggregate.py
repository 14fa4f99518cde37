"""What does an operator keep for its windows, when does it speak, and when may it forget?

For each key and window: the state of the fold, what was said last, and whether there is news since. Two moments of the
watermark end a window's life: its end (it speaks, on time) and its end plus lateness (it is forgotten). They wait in a
heap, so that a watermark costs no more than the windows that it passes. A session that was joined with another leaves
its entry in the heap; nobody is found under it any more.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.dataflows.windows.assigners import Assigner, Session, Window
from dsys_lab.dataflows.windows.emission import Emission
from dsys_lab.dataflows.windows.panes import Pane
from dsys_lab.dataflows.windows.watermarks import BEFORE_ALL
from dsys_lab.errors import BadParameter
from dsys_lab.trace import NO_TRACE, Recorder, Scalar


@dataclass(frozen=True, slots=True)
class WindowStatus:
    """What an operator keeps, and what it has done.

    Attributes
    ----------
    open : int
        Windows (each with its key) that have not spoken on time.
    spoken : int
        Those that have, and are kept for what is late.
    forgotten : int
    assigned : int
        Times that an event was put into a window.
    joined : int
        Sessions that were joined into another.
    late_updates, late_drops : int
        Times that a window heard of a late event, and was no longer there to hear.
    """

    open: int
    spoken: int
    forgotten: int
    assigned: int
    joined: int
    late_updates: int
    late_drops: int

    @property
    def kept(self) -> int:
        """Windows in memory."""
        return self.open + self.spoken


@dataclass(slots=True)
class _Kept:
    state: Any
    said: Any = None
    has_said: bool = False
    has_news: bool = False
    has_spoken_on_time: bool = False


class WindowedAggregate:
    """Folds events by key and window.

    Parameters
    ----------
    assigner : Assigner
    monoid : Monoid
    emission : Emission
    """

    def __init__(
        self,
        assigner: Assigner,
        monoid: Monoid,
        emission: Emission | None = None,
        *,
        place: str = "operator",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.assigner, self.monoid, self.emission = assigner, monoid, emission or Emission()
        if isinstance(assigner, Session) and self.emission.speaks_again and self.emission.mode != "retract":
            raise BadParameter(
                f"mode = {self.emission.mode!r} of sessions that speak again: a session that grows has another window, "
                "so the old answer would stand beside the new one; give mode='retract'"
            )
        self.place, self.recorder = place, recorder
        self.at_us = BEFORE_ALL
        self._kept: dict[tuple[Any, Window], _Kept] = {}
        self._sessions: dict[Any, list[Window]] = {}
        self._due: list[tuple[int, int, Any, Window]] = []
        self._early_us: int | None = None
        self._entries = self._forgotten = self._assigned = self._joined = self._updates = self._drops = 0

    # ------------------------------------------------------------ what happens
    def on_record(self, now_us: int, record: Record) -> list[Pane]:
        """Fold an event into its windows; return what late corrections they say."""
        said: list[Pane] = []
        value = self.monoid.of(record)
        for alone in self.assigner.windows(record.event_us):
            window = alone
            if isinstance(self.assigner, Session):
                window = self._with_neighbours(record.key, alone)
            if window.end_us + self.emission.lateness_us <= self.at_us:
                self._drops += 1
                self._tell_late(now_us, record, window, "drop")
                continue
            kept = self._place(now_us, record.key, alone, window, said)
            kept.state, kept.has_news = self.monoid.add(kept.state, value), True
            self._assigned += 1
            if window.end_us <= self.at_us:
                self._updates += 1
                self._tell_late(now_us, record, window, "update")
                said += self._speak(now_us, record.key, window, kept, "late")
                kept.has_spoken_on_time = True
            elif self.emission.early_us is not None and self._early_us is None:
                self._early_us = now_us + self.emission.early_us
        return said

    def on_watermark(self, now_us: int, at_us: int) -> list[Pane]:
        """Let windows speak whose end has passed, and forget those whose lateness is over."""
        said: list[Pane] = []
        self.at_us = max(at_us, self.at_us)
        while self._due and self._due[0][0] <= self.at_us:
            due_us, _, key, window = heapq.heappop(self._due)
            kept = self._kept.get((key, window))
            if kept is None:
                continue
            if not kept.has_spoken_on_time:
                said += self._speak(now_us, key, window, kept, "on_time")
                kept.has_spoken_on_time = True
            if due_us >= window.end_us + self.emission.lateness_us:
                self._forget(now_us, key, window)
            else:
                self._wait(window.end_us + self.emission.lateness_us, key, window)
        return said

    def tick(self, now_us: int) -> list[Pane]:
        """Let windows with news speak early, if it is time."""
        said: list[Pane] = []
        if self._early_us is not None and now_us >= self._early_us:
            self._early_us = None
            for (key, window), kept in self._kept.items():
                if not kept.has_spoken_on_time:
                    said += self._speak(now_us, key, window, kept, "early")
        return said

    def deadline_us(self) -> int | None:
        """Return when `tick` is next needed."""
        return self._early_us

    def status(self) -> WindowStatus:
        """Return what is kept, and what was done."""
        spoken = sum(kept.has_spoken_on_time for kept in self._kept.values())
        return WindowStatus(
            len(self._kept) - spoken, spoken, self._forgotten, self._assigned, self._joined, self._updates, self._drops
        )

    # ------------------------------------------------------------ what survives a crash
    def snapshot(self) -> Any:
        """Return all that it keeps, as plain values."""
        kept = [
            (key, tuple(window), one.state, one.said, one.has_said, one.has_news, one.has_spoken_on_time)
            for (key, window), one in self._kept.items()
        ]
        counts = self._forgotten, self._assigned, self._joined, self._updates, self._drops
        return self.at_us, self._early_us, kept, counts

    def restore(self, snapshot: Any) -> None:
        """Keep again what a snapshot kept."""
        self.at_us, self._early_us, kept, counts = snapshot
        self._forgotten, self._assigned, self._joined, self._updates, self._drops = counts
        self._kept, self._sessions, self._due = {}, {}, []
        for key, (start_us, end_us), *values in kept:
            window = Window(start_us, end_us)
            self._kept[key, window] = _Kept(*values)
            if isinstance(self.assigner, Session):
                self._sessions.setdefault(key, []).append(window)
            self._wait(end_us + self.emission.lateness_us if values[-1] else end_us, key, window)

    # ------------------------------------------------------------ windows come, are joined, and go
    def _with_neighbours(self, key: Any, window: Window) -> Window:
        """Return the session that an event would make of those that its window overlaps."""
        for other in self._sessions.get(key, ()):
            if other.start_us < window.end_us and window.start_us < other.end_us:
                window = Window(min(window.start_us, other.start_us), max(window.end_us, other.end_us))
        return window

    def _place(self, now_us: int, key: Any, alone: Window, window: Window, said: list[Pane]) -> _Kept:
        kept = self._kept.get((key, window))
        if kept is not None:
            return kept
        state = self.monoid.zero()
        if isinstance(self.assigner, Session):
            others = self._sessions.setdefault(key, [])
            for other in [one for one in others if window.start_us <= one.start_us and one.end_us <= window.end_us]:
                grown = self._kept.pop((key, other))
                others.remove(other)
                state = self.monoid.merge(state, grown.state)
                self._joined += 1
                if grown.has_said:
                    when = "late" if grown.has_spoken_on_time else "early"
                    said.append(self._take_back(now_us, key, other, grown, when))
                self._tell_window(now_us, "drop", key, other)
            others.append(window)
        self._tell_window(now_us, "open", key, window)
        kept = self._kept[key, window] = _Kept(state)
        self._wait(window.end_us, key, window)
        return kept

    def _wait(self, due_us: int, key: Any, window: Window) -> None:
        self._entries += 1
        heapq.heappush(self._due, (due_us, self._entries, key, window))

    def _forget(self, now_us: int, key: Any, window: Window) -> None:
        kept = self._kept.pop((key, window))
        if isinstance(self.assigner, Session):
            self._sessions[key].remove(window)
            if not self._sessions[key]:
                del self._sessions[key]
        self._forgotten += 1
        self._tell_window(now_us, "close", key, window, kept.said)

    # ------------------------------------------------------------ what is said
    def _speak(self, now_us: int, key: Any, window: Window, kept: _Kept, when: str) -> list[Pane]:
        if not kept.has_news:
            return []
        said, mode = [], self.emission.mode
        if kept.has_said and mode == "retract":
            said.append(self._take_back(now_us, key, window, kept, when))
        value = self.monoid.finish(kept.state)
        said.append(Pane(False, key, window, value, when))
        self._tell(now_us, said[-1])
        self._tell_window(now_us, "open", key, window, value)
        kept.said, kept.has_said, kept.has_news = value, True, False
        if mode == "discard":
            kept.state = self.monoid.zero()
        return said

    def _take_back(self, now_us: int, key: Any, window: Window, kept: _Kept, when: str) -> Pane:
        pane = Pane(True, key, window, kept.said, when)
        self._tell(now_us, pane)
        return pane

    def _tell(self, now_us: int, pane: Pane) -> None:
        if self.recorder is not NO_TRACE:
            start_us, end_us = pane.window
            self.recorder.emit(
                now_us, "retract" if pane.is_taken_back else "result", self.place, key=str(pane.key),
                start_us=start_us, end_us=end_us, value=_scalar(pane.value), pane=pane.when,
            )  # fmt: skip

    def _tell_window(self, now_us: int, op: str, key: Any, window: Window, value: Any = None) -> None:
        if self.recorder is not NO_TRACE:
            start_us, end_us = window
            said = {} if value is None else {"value": _scalar(value)}
            self.recorder.emit(
                now_us, "window", self.place, op=op, key=str(key), start_us=start_us, end_us=end_us, **said
            )

    def _tell_late(self, now_us: int, record: Record, window: Window, action: str) -> None:
        self.recorder.emit(
            now_us, "late", self.place, record.message or None, by_us=self.at_us - record.event_us, action=action,
            start_us=window.start_us, end_us=window.end_us,
        )  # fmt: skip


def _scalar(value: Any) -> Scalar:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
