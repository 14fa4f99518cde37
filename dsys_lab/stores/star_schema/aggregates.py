"""What must be kept of many values, so that two parts can still be made into the whole?

An aggregate keeps a *state*, and answers from it. Gray et al. name three classes of aggregates, by the smallest state
that two parts can be made into the whole of:

=============  ==================================================  ============================================
class          that state is                                       here
=============  ==================================================  ============================================
distributive   the answer itself                                   count, sum, min, max
algebraic      a fixed number of numbers                           avg (sum, n); var (n, mean, M2)
holistic       all values: no bound on its size                    median, distinct
=============  ==================================================  ============================================

The class is that of the question. For a holistic one there are three things to keep: the answer alone (`median`,
`distinct`), and two answers are not one, so `merge` raises `NotDecomposable`; all values (`median_of_all`), which
merge, and grow with the facts; or a *sketch* (`median_sketch`, `distinct_sketch`), which merges in little room and
answers with an error that is known: no fourth class, but a stand-in for a holistic one.

NULL (None) is not a value: it is left out before anything is counted, as in SQL.

Sources: Gray et al., "Data cube", Data Mining and Knowledge Discovery 1, 1997; Chan, Golub and LeVeque, "Updating
formulae and a pairwise algorithm for computing sample variances", 1979.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.errors import Misuse, require_choice
from dsys_lab.stores.star_schema.sketches import HyperLogLog, QuantileSketch

CLASSES: Final = ("distributive", "algebraic", "holistic")


class NotDecomposable(Misuse):
    """Stored answers of a holistic aggregate were to be made into one: the values themselves are needed."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One way to make many values into one.

    Attributes
    ----------
    name : str
    kind : str
        One of `CLASSES`.
    keeps : str
        What its state is, in words.
    of : callable
        Values without NULL -> state.
    joined : callable or None
        Two states -> the state of both; None where there is none to be had.
    final : callable
        State -> answer.
    """

    name: str
    kind: str
    keeps: str
    of: Callable[[Sequence[Any]], Any]
    joined: Callable[[Any, Any], Any] | None
    final: Callable[[Any], Any]

    def merge(self, one: Any, other: Any) -> Any:
        """Return the state of both parts.

        Raises
        ------
        NotDecomposable
            If the answers alone were kept.
        """
        if self.joined is None:
            raise NotDecomposable(
                f"{self.name} is holistic: of two stored answers no third follows; ask the facts, "
                f"or keep {' or '.join(_MERGING_KIN[self.name])}"
            )
        return self.joined(one, other)


def _sum(values: Sequence[Any]) -> Any:
    """Return the sum, exact for whole numbers; None of no values."""
    if not values:
        return None
    return sum(values) if all(isinstance(value, int) for value in values) else math.fsum(values)


def _either(choose: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return `choose`, for which a part without values changes nothing."""
    return lambda one, other: other if one is None else one if other is None else choose(one, other)


def _spread(values: Sequence[Any]) -> tuple[int, float, float]:
    if not values:
        return 0, 0.0, 0.0
    mean = math.fsum(values) / len(values)
    return len(values), mean, math.fsum((value - mean) ** 2 for value in values)


def _joined_spread(one: tuple[int, float, float], other: tuple[int, float, float]) -> tuple[int, float, float]:
    (n_one, mean_one, m2_one), (n_other, mean_other, m2_other) = one, other
    n = n_one + n_other
    if not n:
        return one
    apart = mean_other - mean_one
    return n, mean_one + apart * n_other / n, m2_one + m2_other + apart * apart * n_one * n_other / n


def _median(values: Sequence[Any]) -> float | None:
    return statistics.median(values) if values else None


def _same(state: Any) -> Any:
    return state


_MERGING_KIN: Final = {"median": ("median_of_all", "median_sketch"), "distinct": ("distinct_sketch",)}
"""What answers the same and merges."""
_ADDED: Final = _either(lambda one, other: one + other)
AGGREGATES: Final = {
    each.name: each
    for each in (
        Aggregate("count", "distributive", "its answer", len, lambda one, other: one + other, _same),
        Aggregate("sum", "distributive", "its answer", _sum, _ADDED, _same),
        Aggregate("min", "distributive", "its answer", lambda values: min(values, default=None), _either(min), _same),
        Aggregate("max", "distributive", "its answer", lambda values: max(values, default=None), _either(max), _same),
        Aggregate(
            "avg",
            "algebraic",
            "sum and count",
            lambda values: (_sum(values), len(values)),
            lambda one, other: (_ADDED(one[0], other[0]), one[1] + other[1]),
            lambda state: state[0] / state[1] if state[1] else None,
        ),
        Aggregate(
            "var",
            "algebraic",
            "count, mean, squared distances",
            _spread,
            _joined_spread,
            lambda state: state[2] / state[0] if state[0] else None,
        ),
        Aggregate("median", "holistic", "its answer", _median, None, _same),
        Aggregate("distinct", "holistic", "its answer", lambda values: len(frozenset(values)), None, _same),
        Aggregate("median_of_all", "holistic", "all values", tuple, lambda one, other: one + other, _median),
        Aggregate(
            "median_sketch",
            "holistic",
            "a sketch",
            QuantileSketch.of,
            QuantileSketch.merge,
            lambda state: state.quantile(0.5),
        ),
        Aggregate(
            "distinct_sketch", "holistic", "a sketch", HyperLogLog.of, HyperLogLog.merge, HyperLogLog.estimate
        ),
    )
}
"""Every aggregate by name; `var` is that of the whole population, not of a sample."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An aggregate over a stored value: what a BI tool calls a measure.

    Examples
    --------
    >>> str(Measured("avg", "minutes"))
    'avg(minutes)'
    """

    how: str
    column: str

    def __post_init__(self) -> None:
        require_choice("how", self.how, tuple(AGGREGATES))

    def __str__(self) -> str:
        return f"{self.how}({self.column})"

    @property
    def aggregate(self) -> Aggregate:
        """How it is worked out."""
        return AGGREGATES[self.how]
