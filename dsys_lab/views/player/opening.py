"""The moment at which a picture opens: the one that tells most, for a still and for a player before it is played.

1. The one that the run itself names (`poster_us` of its header).
2. Soon after the first fault, while it lasts: the fullest moment of that time; or, where it takes longer until a
   promise is broken for it, that moment.
3. The fullest moment: most copies in the picture, and of several such moments the last; on tapes, which only grow,
   the moment at which most lies before those who read; the last moment of all where no message moves, for what was
   read and written only grows.

Lanes that stand beside each other are there for their difference. Where they look the same at that moment, the picture
opens later: at the first row from there on that breaks a promise, else soon after they part.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from dsys_lab.trace import KINDS, Row, Trace, lamps
from dsys_lab.views.player.fold import Fold, folded

SOON: Final = 0.08
"""Of the whole run: so far after a fault, or after the lanes part, a picture opens at most."""
BROKEN: Final = "The first promise that is broken"


class Opening(NamedTuple):
    """A moment, and why it was chosen."""

    time_us: int
    why: str


class _Fullness:
    """How much stands in a picture after each row, and when the first fault strikes and ends."""

    def __init__(self, trace: Trace) -> None:
        self.times = [row.time_us for row in trace]
        self.span_us = trace.end_us - self.times[0]
        self.shown: list[tuple[int, int]] = []
        self.struck_us: int | None = None
        self.until_us = float("inf")
        fold, pages = Fold(), set[tuple[object, ...]]()
        is_tape = any(KINDS[row.kind].caret for row in trace)
        for row in trace:
            kind = KINDS[row.kind]
            fold.apply(row)
            if kind.verb in ("touch", "skip"):
                pages.add(page_of(row))
            self.shown.append((fold.behind if is_tape else len(fold.where), len(pages)))
            if self.struck_us is None and kind.strikes:
                self.struck_us = row.time_us
            elif self.struck_us is not None and kind.ends and not kind.state:
                self.until_us = min(self.until_us, row.time_us - 1)

    def fullest(self, from_us: float = 0, until_us: float = float("inf")) -> tuple[tuple[int, int], int]:
        """Return how much stands in the fullest picture of that time, and when it last stood so."""
        low, high = bisect_left(self.times, from_us), bisect_right(self.times, until_us)
        if low >= high:
            return (0, 0), int(from_us)
        most, last = max((self.shown[at], at) for at in range(low, high))
        return most, self.times[last]


def opening(traces: Sequence[Trace]) -> Opening | None:
    """Return the moment at which a picture of these runs opens, or None where there is nothing to see."""
    lanes = [trace for trace in traces if len(trace)]
    told = [trace.header.poster_us for trace in lanes if trace.header.poster_us is not None]
    if told:
        return Opening(told[0], "The moment to look at")
    if not lanes:
        return None
    fullness = [_Fullness(trace) for trace in lanes]
    struck = [lane for lane in fullness if lane.struck_us is not None]
    if struck:
        first = min(struck, key=lambda lane: lane.struck_us or 0)
        start_us = first.struck_us or 0
        until_us = max(start_us, min(first.until_us, start_us + SOON * first.span_us))
        broken = [time_us for time_us in _broken_us(lanes) if start_us <= time_us <= first.until_us]
        if broken and min(broken) > until_us:
            chosen = Opening(min(broken), BROKEN)
        else:
            chosen = Opening(first.fullest(start_us, until_us)[1], "Soon after the first fault")
    else:
        (copies, _), time_us = max((lane.fullest() for lane in fullness), key=lambda found: found[0])
        end_us = max(lane.times[-1] for lane in fullness)
        chosen = Opening(time_us, "The fullest moment") if copies else Opening(end_us, "The last moment")
    return _where_they_part(lanes, fullness, chosen) or chosen


def _where_they_part(lanes: list[Trace], fullness: list[_Fullness], chosen: Opening) -> Opening | None:
    """Return a later moment, if the lanes look the same at the chosen one."""
    if len(lanes) < 2 or len({_picture(trace, chosen.time_us) for trace in lanes}) > 1:
        return None
    later = [time_us for time_us in _broken_us(lanes) if time_us >= chosen.time_us]
    if later:
        return Opening(min(later), BROKEN)
    parted_us = _parted_us(lanes)
    if parted_us is None:
        return None
    until_us = max(parted_us, chosen.time_us) + SOON * max(lane.span_us for lane in fullness)
    seen = [time_us for lane in fullness for time_us in lane.times[: bisect_right(lane.times, until_us)]]
    return Opening(max(seen), "Soon after the lanes part")


def _broken_us(lanes: list[Trace]) -> list[int]:
    """Return the times of all rows that break a promise."""
    return [trace[seq].time_us for trace in lanes for lamp in lamps(trace) for seq in lamp.rows]


def _picture(trace: Trace, until_us: int) -> tuple[object, ...]:
    """Return what a picture of this moment shows, but for who is who."""
    rows = [row for row in trace if row.time_us <= until_us]
    fold = folded(rows)
    counts = (Counter(fold.where.values()), fold.done, fold.lost, fold.refused)
    pages = {(page_of(row), row.kind) for row in rows if KINDS[row.kind].verb in ("touch", "skip")}
    states = {place: tuple(words) for place, words in fold.states.items() if words}
    return *(frozenset(count.items()) for count in counts), frozenset(pages), frozenset(states.items())


def _parted_us(lanes: list[Trace]) -> int | None:
    """Return the time of the first row that is not the same in every lane."""
    for rows in zip_longest(*lanes):
        if any(_what(row) != _what(rows[0]) for row in rows[1:]):
            return min(row.time_us for row in rows if row is not None)
    return None


def _what(row: Row | None) -> tuple[object, ...] | None:
    return None if row is None else (row.time_us, row.kind, row.place, row.message)


def page_of(row: Row) -> tuple[object, ...]:
    """Return the page of a file that a row is about."""
    return row.place, row.fields.get("file"), row.fields.get("page", row.fields.get("block"))
