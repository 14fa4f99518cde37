"""Which answers can be put together from the answers to parts?

`again` says what somebody does who has the *finished* answers of files and nothing else: adds up counts, takes the
largest of maxima, averages means. For the first two that is right, for the last it is not, for the state was thrown
away. `merge` has the state and is right for all of them.

A state belongs to whoever folds: `add` may change it in place; `merge` leaves both of its states as they are.

>>> halves = [DISTINCT.fold("ab"), DISTINCT.fold("bc")]
>>> DISTINCT.again([DISTINCT.finish(half) for half in halves]), DISTINCT.finish(DISTINCT.merge(*halves))
(4, 3)
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from dsys_lab.dataflows.batch.records import Record
from dsys_lab.errors import require_positive


@dataclass(frozen=True, slots=True)
class Monoid:
    """A fold that can be taken apart.

    Attributes
    ----------
    name : str
    zero : callable
        Returns the state before anything was seen.
    add : callable
        Takes a state and one value; returns the state with it.
    merge : callable
        Takes two states; returns the state of both together.
    finish : callable
        Takes a state; returns the answer.
    again : callable
        Takes a list of answers of parts; returns what one would take for the answer of the whole without any state.
    of : callable
        Takes a record; returns the value that is added.
    """

    name: str
    zero: Callable[[], Any]
    add: Callable[[Any, Any], Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[[Any], Any]
    again: Callable[[list[Any]], Any]
    of: Callable[[Record], Any] = operator.attrgetter("value")

    def fold(self, values: Iterable[Any]) -> Any:
        """Return the state after these values."""
        state, add = self.zero(), self.add
        for value in values:
            state = add(state, value)
        return state


def _of_two(choose: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return `choose` for states that may be None, which is the state of nothing."""
    return lambda one, other: other if one is None else one if other is None else choose(one, other)


def _nothing() -> None:
    return None


def _same(state: Any) -> Any:
    return state


def _choosing(name: str, choose: Callable[[Any, Any], Any], again: Callable[[list[Any]], Any]) -> Monoid:
    return Monoid(name, _nothing, _of_two(choose), _of_two(choose), _same, again)


def _with(members: set[Any], value: Any) -> set[Any]:
    members.add(value)
    return members


COUNT: Final = Monoid("count", int, lambda count, _: count + 1, operator.add, _same, sum)
"""How many."""
SUM: Final = _choosing("sum", operator.add, sum)
"""All together; None of nothing."""
MAX: Final = _choosing("max", max, max)
"""The largest; None of nothing."""
MIN: Final = _choosing("min", min, min)
"""The smallest; None of nothing."""
DISTINCT: Final = Monoid("distinct", set, _with, operator.or_, len, sum)
"""How many different ones: the state holds each of them."""
MEAN: Final = Monoid(
    "mean",
    lambda: (0, 0),
    lambda state, value: (state[0] + 1, state[1] + value),
    lambda one, other: (one[0] + other[0], one[1] + other[1]),
    lambda state: state[1] / state[0] if state[0] else None,
    lambda means: sum(means) / len(means) if means else None,
)
"""The average; None of nothing."""
LAST: Final = Monoid(
    "last", _nothing, _of_two(max), _of_two(max), lambda state: None if state is None else state[1],
    lambda answers: answers[-1] if answers else None, lambda record: (record.event_us, record.value),
)  # fmt: skip
"""The value with the latest event time, whenever it came; of two at the same time the larger."""

Stretches = list[tuple[int, int]]
"""From the first to the last event of each session, in order, at least the gap from each other."""


@cache
def sessions(gap_s: float) -> Monoid:
    """Return the monoid that counts sessions: events that are less than `gap_s` from the next belong together."""
    require_positive(gap_s=gap_s)
    gap_us = round(gap_s * 1e6) - 1  # a whole gap is silence enough

    def add(stretches: Stretches, event_us: int) -> Stretches:
        return _put(stretches, (event_us, event_us), gap_us)

    def merge(one: Stretches, other: Stretches) -> Stretches:
        merged = list(one)
        for stretch in other:
            merged = _put(merged, stretch, gap_us)
        return merged

    return Monoid("sessions", list, add, merge, len, sum, operator.attrgetter("event_us"))


def _put(stretches: Stretches, stretch: tuple[int, int], gap_us: int) -> Stretches:
    """Put a stretch among others, joined with those that it touches."""
    first = bisect_left(stretches, stretch[0] - gap_us, key=operator.itemgetter(1))
    last = first
    start_us, end_us = stretch
    while last < len(stretches) and stretches[last][0] <= end_us + gap_us:
        start_us, end_us = min(start_us, stretches[last][0]), max(end_us, stretches[last][1])
        last += 1
    stretches[first:last] = [(start_us, end_us)]
    return stretches


MONOIDS: Final = {monoid.name: monoid for monoid in (COUNT, SUM, MAX, MIN, DISTINCT, MEAN, LAST, sessions(30))}
"""Every fold by its name; sessions end after half a minute."""
