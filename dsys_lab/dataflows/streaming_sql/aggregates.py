"""COUNT, SUM, AVG, MIN, MAX as the monoids of a batch, several side by side, with SQL's NULL.

NULL is not counted, not added, not compared; SUM of nothing is NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from dsys_lab.dataflows.batch.monoids import COUNT, DISTINCT, MAX, MEAN, MIN, SUM, Monoid
from dsys_lab.dataflows.streaming_sql.changes import Row

AGGREGATES: Final = {"COUNT": COUNT, "SUM": SUM, "AVG": MEAN, "MIN": MIN, "MAX": MAX, "COUNT DISTINCT": DISTINCT}
"""Which monoid stands behind a name."""
Take = Callable[[Row], Any]


def together(aggregates: Sequence[tuple[str, Take | None]]) -> Monoid:
    """Return one monoid over rows that folds several at once; a `Take` of None counts every row."""
    monoids = [AGGREGATES[name] for name, _ in aggregates]
    steps = [(place, monoids[place].add, take) for place, (_, take) in enumerate(aggregates)]

    def add(state: list[Any], row: Row) -> list[Any]:
        for place, fold, take in steps:
            value = True if take is None else take(row)
            if value is not None:
                state[place] = fold(state[place], value)
        return state

    def merge(one: list[Any], other: list[Any]) -> list[Any]:
        return [monoid.merge(mine, yours) for monoid, mine, yours in zip(monoids, one, other, strict=True)]

    def finish(state: list[Any]) -> Row:
        return tuple(monoid.finish(mine) for monoid, mine in zip(monoids, state, strict=True))

    return Monoid("aggregates", lambda: [monoid.zero() for monoid in monoids], add, merge, finish, list)
