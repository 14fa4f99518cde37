"""What a rebuild heals and what it copies, what a view notices of its changes, and what a cache is asked in a lab.

`two_bugs`: a mistake in what a view does, and the same mistake in what the table was told. `noticed`: a change that is
skipped, told twice or told too late, and which views see it. `asked`: the same reads and writes for any cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.dataflows.derived_view import Cached, CacheStatus, Counts, KeepsEntries, View
from dsys_lab.errors import Misuse, require_fraction, require_positive
from dsys_lab.scenarios.authoritative_and_derived.counts import VIEWS, changes_of, nights
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import Change
from dsys_lab.structures.schema import Value
from dsys_lab.workloads.keys import zipf

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake, and how many of the groups of a view are wrong because of it.

    Attributes
    ----------
    where : str
    wrong, wrong_after : int
        Groups of the sum by cities: while the mistake was made, and after it was mended and the view rebuilt.
    """

    where: str
    wrong: int
    wrong_after: int


def two_bugs(*, rows: int = 500, seed: int = 7) -> list[Mistake]:
    """Take hours for minutes in one night of ten, first in the view, then in the table; mend it, and rebuild."""
    truth = nights(rows, seed)
    mistaken = {number: _in_hours(night) if number % 10 == 0 else night for number, night in truth.items()}
    return [_rebuilt("in the view", truth, mistaken, then=truth), _rebuilt("in the table", truth, mistaken, mistaken)]


def _rebuilt(where: str, truth: dict[int, Row], read: dict[int, Row], then: dict[int, Row]) -> Mistake:
    """Let one view read these rows, and be made anew from those; hold both against sums that no view has made."""
    right: Counter[Any] = Counter()
    for night in truth.values():
        right[night["city"]] += night["minutes"]
    view, wrong = Counts("nights", by="city", of="minutes"), []
    for table in (read, then):
        view.rebuild(table.values(), len(table))
        wrong.append(_differing(right, {city: group["sum"] for city, group in view.state().items()}))
    return Mistake(where, *wrong)


def _in_hours(night: Row) -> Row:
    return night | {"minutes": night["minutes"] // 60}


def _differing(right: dict[Any, Any], found: dict[Any, Any]) -> int:
    return sum(right.get(group) != found.get(group) for group in right.keys() | found.keys())


# ---------------------------------------------------------------- changes that do not come as they should
ACCIDENTS: Final[dict[str, Callable[[Sequence[Change]], list[tuple[int, Change]]]]] = {
    "an insert is skipped": lambda told: [one for one in enumerate(told, 1) if one[0] != 1],
    "a deletion is skipped": lambda told: [one for one in enumerate(told, 1) if one[0] != 2],
    "an insert comes twice": lambda told: [(1, told[0]), *enumerate(told, 1)],
    "the two change places": lambda told: [(2, told[1]), (1, told[0]), *list(enumerate(told, 1))[2:]],
}
"""What becomes of a list of changes with their positions; the first two insert a night and delete it."""


def noticed(*, seed: int = 7) -> dict[str, dict[str, str]]:
    """Tell each view the same changes with an accident; return whether it is right, wrong, or refuses.

    A night comes and is deleted; then others come.
    """
    first, *others = nights(12, seed).values()
    told = [Change("nights", None, first), Change("nights", first, None)]
    told += [Change("nights", None, night) for night in others]
    truth = {name: _fed(make(), list(enumerate(told, 1))) for name, make in VIEWS.items()}
    return {
        name: {
            accident: _judged(make(), change(told), truth[name]) for accident, change in ACCIDENTS.items()
        }
        for name, make in VIEWS.items()
    }  # fmt: skip


LOOKS: Final = {"right": ("done", "✓"), "refuses": ("lost", "✕"), "wrong, and silent": ("late", "≠")}
"""A verdict as a box of a grid."""


def noticed_grid() -> dict[tuple[str, str], tuple[str, str]]:
    """Return what came of each accident with each view, as boxes of a grid."""
    table = noticed()
    return {(what, name): LOOKS[table[name][what]] for what in ACCIDENTS for name in table}


def _fed(view: View, told: list[tuple[int, Change]]) -> int:
    for position, change in told:
        view.apply(change, position)
    return view.digest()


def _judged(view: View, told: list[tuple[int, Change]], truth: int) -> str:
    try:
        return "right" if _fed(view, told) == truth else "wrong, and silent"
    except Misuse:
        return "refuses"


# ---------------------------------------------------------------- the same for any cache
class AnyCache(KeepsEntries, Protocol):
    """A cache with books."""

    def status(self) -> CacheStatus:
        """Return what it has, and what became of what it was asked."""


def asked(
    cache: AnyCache, *, keys: int = 60, reads: int = 500, write_share: float = 0.1, seed: int = 7
) -> CacheStatus:
    """Read a table through a cache, popular keys more often, and write now and then; return the cache's books."""
    require_positive(reads=reads, keys=keys)
    require_fraction(write_share=write_share)
    positions: dict[Value, int] = {}

    def write(key: Value, value: object) -> int:
        positions[key] = positions.get(key, 0) + 1
        return positions[key]

    table = Cached(cache, read=lambda key: (positions.get(key, 0), positions.get(key, 0)), write=write)
    luck = stream(seed, "asked")
    for key in zipf(keys, 0.9).draw(seed, "asked/keys", 0, reads).tolist():
        if luck() < write_share:
            table.write(0, key, None)
        else:
            table.read(0, key)
    return cache.status()


def nights_and_changes(*, rows: int = 2_000, changes: int = 50, seed: int = 7) -> tuple[list[Row], list[Change]]:
    """Return nights, and changes to them, as a real database is told them."""
    table = nights(rows, seed)
    return list(table.values()), changes_of(dict(table), changes, seed=seed)
