"""Many rows, a few numbers: count, sum, avg, min and max over a stream of rows, tuple at a time.

A fold keeps four numbers for each measure and group, whatever the number of rows: how many values, their sum, the
smallest and the largest. NULL does not enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsys_lab.stores.table import Measure
from dsys_lab.structures.schema import Value, Values


class _Tally:
    """What is known of the values of one measure in one group."""

    __slots__ = ("count", "max", "min", "sum")

    def __init__(self) -> None:
        self.count, self.sum = 0, 0.0
        self.min: float | None = None
        self.max: float | None = None

    def add(self, value: float) -> None:
        """Take in one number."""
        if self.min is None or self.max is None:
            self.count, self.sum, self.min, self.max = 1, value, value, value
            return
        self.count += 1
        self.sum += value
        if value < self.min:
            self.min = value
        elif value > self.max:
            self.max = value

    def answer(self, how: str) -> Value:
        """Return the measure."""
        if how == "count":
            return self.count
        if not self.count:
            return None
        return self.sum / self.count if how == "avg" else getattr(self, how)


def fold(rows: Iterable[Values], measures: Sequence[Measure], *, grouped: bool) -> list[Values]:
    """Return the measures of `rows`, which hold the group's value, if `grouped`, and then one value a measure.

    Examples
    --------
    >>> fold([("Oslo", 7), ("Lagos", 6), ("Oslo", 8)], [Measure("avg", "hours")], grouped=True)
    [('Lagos', 6.0), ('Oslo', 7.5)]
    """
    groups: dict[Value, list[_Tally]] = {} if grouped else {None: [_Tally() for _ in measures]}
    for row in rows:
        group, values = (row[0], row[1:]) if grouped else (None, row)
        tallies = groups.get(group)
        if tallies is None:
            tallies = groups[group] = [_Tally() for _ in measures]
        for tally, value in zip(tallies, values, strict=True):
            if isinstance(value, str):
                tally.count += 1
            elif value is not None:
                tally.add(value)
    answers = {
        group: tuple(tally.answer(measure.how) for tally, measure in zip(tallies, measures, strict=True))
        for group, tallies in groups.items()
    }
    if not grouped:
        return [answers[None]]
    return [(group, *answers[group]) for group in sorted(answers, key=_null_first)]


def _null_first(value: Value) -> tuple[bool, Value]:
    return value is not None, value if value is not None else 0
