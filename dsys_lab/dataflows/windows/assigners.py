"""In which windows does an event lie?

>>> Tumbling(10).windows(13), Hopping(5, 10).windows(13)
((Window(start_us=10, end_us=20),), (Window(start_us=5, end_us=15), Window(start_us=10, end_us=20)))
>>> Cumulating(5, 15).windows(8)
(Window(start_us=0, end_us=10), Window(start_us=0, end_us=15))

A session is no stretch of the calendar but of the events: one event opens a window as long as the gap, and windows that
overlap are joined. So its length is not known before it is over.

Windows are counted from time 0, as in Flink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.errors import BadParameter, require_positive


class Window(NamedTuple):
    """A stretch of event time: from `start_us`, and up to but not with `end_us`."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Tumbling:
    """One window after the other, each event in one."""

    size_us: int

    def __post_init__(self) -> None:
        require_positive(size_us=self.size_us)

    def windows(self, event_us: int) -> tuple[Window, ...]:
        """Return the window that an event lies in."""
        start_us = event_us - event_us % self.size_us
        return (Window(start_us, start_us + self.size_us),)


@dataclass(frozen=True, slots=True)
class Hopping:
    """A window of `size_us` begins every `slide_us`: each event lies in size / slide of them."""

    slide_us: int
    size_us: int

    def __post_init__(self) -> None:
        require_positive(slide_us=self.slide_us, size_us=self.size_us)
        _require_multiple("slide_us", self.slide_us, self.size_us)

    def windows(self, event_us: int) -> tuple[Window, ...]:
        """Return the windows that an event lies in, the earliest first."""
        last_us = event_us - event_us % self.slide_us
        starts = range(last_us - self.size_us + self.slide_us, last_us + 1, self.slide_us)
        return tuple(Window(start_us, start_us + self.size_us) for start_us in starts)


@dataclass(frozen=True, slots=True)
class Cumulating:
    """Windows that begin together every `size_us` and end one after another, `step_us` apart: the day so far."""

    step_us: int
    size_us: int

    def __post_init__(self) -> None:
        require_positive(step_us=self.step_us, size_us=self.size_us)
        _require_multiple("step_us", self.step_us, self.size_us)

    def windows(self, event_us: int) -> tuple[Window, ...]:
        """Return the windows that an event lies in, the shortest first."""
        start_us = event_us - event_us % self.size_us
        first_us = event_us - event_us % self.step_us + self.step_us
        return tuple(Window(start_us, end) for end in range(first_us, start_us + self.size_us + 1, self.step_us))


@dataclass(frozen=True, slots=True)
class Session:
    """Events that are less than `gap_us` apart lie in one window, which ends a gap after the last of them."""

    gap_us: int

    def __post_init__(self) -> None:
        require_positive(gap_us=self.gap_us)

    def windows(self, event_us: int) -> tuple[Window, ...]:
        """Return the window that an event opens, before it is joined with those that it overlaps."""
        return (Window(event_us, event_us + self.gap_us),)


Assigner = Tumbling | Hopping | Cumulating | Session


def _require_multiple(name: str, part_us: int, size_us: int) -> None:
    if size_us % part_us:
        raise BadParameter(f"size_us = {size_us} is no multiple of {name} = {part_us}: give a size that is")
