"""Twelve computations over nights, of lab 04's third exercise: which of them stand a cut, tried and not typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from statistics import fmean, median
from typing import Any, Final, NamedTuple

from dsys_lab.simulation.chance import stream

Night = tuple[str, str, float]
KINDS: Final = ("stateless", "mergeable", "carried")


class Computation(NamedTuple):
    """A computation over nights (sleeper, city, hours), and how the answers of files would be put together."""

    words: str
    whole: Callable[[list[Night]], Any]
    again: Callable[[list[Any]], Any]


def _joined(answers: list[Any]) -> list[Any]:
    return [one for answer in answers for one in answer]


def _firsts(nights: list[Night]) -> list[str]:
    return list({name: None for name, _, _ in nights})


def _changes(nights: list[Night]) -> list[float]:
    last: dict[str, float] = {}
    told = []
    for name, _, hours in nights:
        if name in last:
            told.append(hours - last[name])
        last[name] = hours
    return told


def _counted(answers: list[Counter[str]]) -> Counter[str]:
    return sum(answers, Counter())


COMPUTATIONS: Final[dict[str, Computation]] = {
    "minutes": Computation("each night's hours in minutes", lambda n: [60 * h for _, _, h in n], _joined),
    "count": Computation("how many nights", len, sum),
    "mean": Computation("the mean of the hours", lambda n: fmean(h for *_, h in n), fmean),
    "long": Computation("only the nights of more than eight hours", lambda n: [x for x in n if x[2] > 8], _joined),
    "sleepers": Computation("how many different sleepers", lambda n: len({x[0] for x in n}), sum),
    "longest": Computation("the longest night", lambda n: max(h for *_, h in n), max),
    "welcome": Computation("whoever sleeps for the first time ever, to be greeted once", _firsts, _joined),
    "cities": Computation("how many nights in each city", lambda n: Counter(x[1] for x in n), _counted),
    "median": Computation("the median of the hours", lambda n: median(h for *_, h in n), median),
    "initials": Computation("each night without its sleeper's name", lambda n: [x[1:] for x in n], _joined),
    "change": Computation("each night's hours less those of the same sleeper's night before", _changes, _joined),
    "hours": Computation("all hours together", lambda n: sum(h for *_, h in n), sum),
}
"""Every computation by its name."""


@lru_cache(maxsize=1)
def _nights() -> tuple[Night, ...]:
    chance = stream(403, "nights")
    names, cities = ("ann", "ben", "cleo", "dan"), ("Oslo", "Rome")
    return tuple((names[int(chance() * 4)], cities[int(chance() * 2)], 4 + int(chance() * 24) / 4) for _ in range(40))


@lru_cache(maxsize=1)
def key_of_kinds() -> dict[str, str]:
    """Return what each computation is, as it shows when nights are cut into files: tried, and not typed."""
    nights = list(_nights())
    cuts = [[nights[at : at + size] for at in range(0, len(nights), size)] for size in (3, 7, 20)]
    key = {}
    for name, one in COMPUTATIONS.items():
        truth = one.whole(nights)
        alone = _joined([one.whole([night]) for night in nights]) if isinstance(truth, list) else None
        holds = all(one.again([one.whole(file) for file in files]) == truth for files in cuts)
        key[name] = "stateless" if alone == truth else "mergeable" if holds else "carried"
    return key
