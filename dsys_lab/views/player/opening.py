"""The moment at which a picture opens: the one that tells most, for a still and for a player before it is played.

1. The one that the run itself names (`poster_us` of its header); where a fault was added, only if that is felt then.
2. Soon after the first fault, while it lasts: the fullest moment of that time; or, where it takes longer until a
   promise is broken for it, that moment.
3. The fullest moment: most copies in the picture, and of several such moments the last; on tapes, which only grow,
   the moment at which most lies before those who read; the last moment of all where no message moves, for what was
   read and written only grows.

Lanes that stand beside each other are there for their difference. Where they look the same at that moment, the picture
opens later: at the first row from there on that breaks a promise, else where they differ at least half as much as they
ever do.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from dsys_lab.trace import KINDS, Row, Trace, lamps
from dsys_lab.views.player.fold import Fold

SOON: Final = 0.08
"""Of the whole run: so far after a fault a picture opens at most."""
LOOKS: Final = 80
"""At so many moments lanes are compared."""
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

    def is_felt(self, at_us: int) -> bool:
        """Whether the first fault lasts at that time, or has ended soon before."""
        return self.struck_us is not None and self.struck_us <= at_us <= self.until_us + SOON * self.span_us

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
    if not lanes:
        return None
    fullness = [_Fullness(trace) for trace in lanes]
    if told and (not any(trace.header.faults for trace in lanes) or any(one.is_felt(told[0]) for one in fullness)):
        chosen = Opening(told[0], "The moment to look at")
    else:
        chosen = _chosen(lanes, fullness)
    return _where_they_differ(lanes, chosen) or chosen


def _chosen(lanes: list[Trace], fullness: list[_Fullness]) -> Opening:
    """Return the moment that tells most where no run names one."""
    struck = [lane for lane in fullness if lane.struck_us is not None]
    if struck:
        first = min(struck, key=lambda lane: lane.struck_us or 0)
        start_us = first.struck_us or 0
        until_us = max(start_us, min(first.until_us, start_us + SOON * first.span_us))
        broken = [time_us for time_us in _broken_us(lanes) if start_us <= time_us <= first.until_us]
        if broken and min(broken) > until_us:
            return Opening(min(broken), BROKEN)
        return Opening(first.fullest(start_us, until_us)[1], "Soon after the first fault")
    (copies, _), time_us = max((lane.fullest() for lane in fullness), key=lambda found: found[0])
    end_us = max(lane.times[-1] for lane in fullness)
    return Opening(time_us, "The fullest moment") if copies else Opening(end_us, "The last moment")


def _where_they_differ(lanes: list[Trace], chosen: Opening) -> Opening | None:
    """Return a later moment, if the lanes look the same at the chosen one and not for ever."""
    if len(lanes) < 2 or _apart(lanes, [chosen.time_us])[0]:
        return None
    rows = sorted({row.time_us for trace in lanes for row in trace if row.time_us > chosen.time_us})
    broken = [time_us for time_us in _broken_us(lanes) if time_us > chosen.time_us]
    times = sorted({*rows[:: max(1, len(rows) // LOOKS)], *rows[-1:], *broken})
    apart = dict(zip(times, _apart(lanes, times), strict=True))
    seen = [time_us for time_us in sorted(broken) if apart[time_us]]
    if seen:
        return Opening(seen[0], BROKEN)
    far = [time_us for time_us, by in apart.items() if by and 2 * by >= max(apart.values())]
    return Opening(far[0], "Where the lanes differ") if far else None


def _broken_us(lanes: list[Trace]) -> list[int]:
    """Return the times of all rows that break a promise."""
    return [trace[seq].time_us for trace in lanes for lamp in lamps(trace) for seq in lamp.rows]


def _apart(lanes: list[Trace], times: list[int]) -> list[int]:
    """Return how much the lanes' pictures differ, but for who is who, at each of these times in order."""
    first, *others = [_looks(trace, times) for trace in lanes]
    return [
        sum(abs(look[what] - one[what]) for one in at_once for what in look.keys() | one.keys())
        for look, *at_once in zip(first, *others, strict=True)
    ]


def _looks(trace: Trace, times: list[int]) -> Iterator[Counter[object]]:
    """Yield what a picture shows at each of these times: how much of what, where."""
    fold, pages, rows = Fold(), Counter[object](), iter(trace)
    row = next(rows, None)
    for until_us in times:
        while row is not None and row.time_us <= until_us:
            fold.apply(row)
            if KINDS[row.kind].verb in ("touch", "skip"):
                pages[page_of(row), row.kind] = 1
            row = next(rows, None)
        look: Counter[object] = Counter(fold.where.values()) + pages
        for what in ("done", "skipped", "lost", "refused"):
            look.update({(what, place): count for place, count in getattr(fold, what).items()})
        look.update((place, words) for place, states in fold.states.items() for words in states.values())
        look.update({(place, who): at for place, carets in fold.carets.items() for who, at in carets.items()})
        yield look


def page_of(row: Row) -> tuple[object, ...]:
    """Return the page of a file that a row is about."""
    return row.place, row.fields.get("file"), row.fields.get("page", row.fields.get("block"))
