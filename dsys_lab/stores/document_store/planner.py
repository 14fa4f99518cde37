"""By which shelf is a question answered?

For each index the planner works out which stretch of its shelf can hold answers, counts the cards there, and takes the
cheapest way; to open every document (*COLLSCAN*) is always one of the ways. It is a pure function of the question and
the shelves, and its result says why: `considered` has what each way would cost.

The compound rule
-----------------
Cards are sorted by the first path, then by the second, and so on. So a stretch is narrow for as long as each path is
*equal* to something; the first *range* still ends it; what comes after a range lies scattered through the stretch.
Therefore: paths that are equal first, then the one to sort by, then the ranges (*equality, sort, range*). A stretch in
the order that was asked for needs no SORT. What the card says of later paths is tested on the card, before a document
is opened for it.

Arrays weaken it. Cards of one document come from different elements, so two conditions on paths through an array may be
met by two cards: only one of them may narrow the stretch, unless `$elemMatch` says that it is about one element.

Cost of a way: a card looked at, a document opened and a document sorted count one each.

Left out: statistics (the shelf is counted, which a sorted list does in O(log n)), plans that join two indexes, answers
from the cards alone, the gain of a limit.

Sources: MongoDB manual, "The ESR guideline", "Multikey index bounds"; Selinger et al., "Access path selection in a
relational database management system", SIGMOD 1979.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.stores.document_store.documents import names_of
from dsys_lab.stores.document_store.filters import All, Compare, Exists, Not, OfKind, SameElement
from dsys_lab.stores.document_store.index_keys import WHOLE, Interval, interval_of, key_of
from dsys_lab.stores.document_store.indexes import PathIndex, Shelf

COLLSCAN: Final = "COLLSCAN"


@dataclass(frozen=True, slots=True)
class Query:
    """A question: which documents, in which order, how many.

    Attributes
    ----------
    filter : All
    sort : list or tuple of str
        Paths; a dash in front of all of them turns the order about.
    limit : int or None
    """

    filter: All
    sort: Sequence[str] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.sort, list | tuple) or not all(isinstance(path, str) for path in self.sort):
            raise BadParameter(f"sort = {self.sort!r:.60}: give paths, ('city', 'minutes') or ('-minutes',) to fall")
        for path in self.sort_paths:
            names_of(path)
        if len({path.startswith("-") for path in self.sort}) > 1:
            raise BadParameter(f"sort = {self.sort!r}: all paths rise, or all fall; falling ones begin with a dash")
        if self.limit is not None and (type(self.limit) is not int or self.limit < 1):
            raise BadParameter(f"limit = {self.limit!r}: give a whole number, 1 or more")

    @property
    def sort_paths(self) -> tuple[str, ...]:
        """The paths to sort by."""
        return tuple(path.removeprefix("-") for path in self.sort)

    @property
    def falls(self) -> bool:
        """Whether the largest comes first."""
        return bool(self.sort) and self.sort[0].startswith("-")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to answer.

    Attributes
    ----------
    index : PathIndex or None
        None opens every document.
    intervals : tuple of Interval
        Where on the shelf, from left to right.
    on_card : tuple of (int, Compare)
        What is tested on a card: which of its values, and how.
    equal_paths : int
        How many of the first paths are equal to something.
    in_order : bool
        Whether documents come as the question wants them sorted.
    keys : int
        Cards in the intervals.
    cost : int
    """

    index: PathIndex | None
    intervals: tuple[Interval, ...]
    on_card: tuple[tuple[int, Compare], ...]
    equal_paths: int
    in_order: bool
    keys: int
    cost: int

    @property
    def name(self) -> str:
        """Of the index, or COLLSCAN."""
        return self.index.name if self.index else COLLSCAN


@dataclass(frozen=True, slots=True)
class Choice:
    """What the planner chose, and what each way would have cost."""

    way: Way
    considered: tuple[tuple[str, int], ...]


def plan(query: Query, shelves: Mapping[str, Shelf], documents: int, *, hint: str | None = None) -> Choice:
    """Choose the cheapest way; of equal ones the one that is first in `shelves`, and COLLSCAN last.

    Parameters
    ----------
    documents : int
        How many there are.
    hint : str, optional
        The name of the index to take, or "COLLSCAN".

    Raises
    ------
    BadParameter
        If there is no such index, or it is sparse and does not know of all documents that are asked for.
    """
    ways = [way for shelf in shelves.values() if (way := _way(query, shelf)) is not None]
    unsorted = bool(query.sort)
    ways.append(Way(None, (), (), 0, not unsorted, 0, documents * (2 if unsorted else 1)))
    considered = tuple((way.name, way.cost) for way in ways)
    if hint is not None:
        require_choice("hint", hint, (*shelves, COLLSCAN))
        ways = [way for way in ways if way.name == hint]
        if not ways:
            raise BadParameter(
                f"hint = {hint!r}: it is sparse, and documents without its paths are asked for, too; give another"
            )
    return Choice(min(ways, key=lambda way: way.cost), considered)


class _Usable(NamedTuple):
    """A condition on a path of the index, and the array whose one element it is about, if it is."""

    compare: Compare
    element_of: tuple[str, ...] | None


def _conditions(
    filter_: All, prefix: tuple[str, ...] = (), element: tuple[str, ...] | None = None
) -> Iterator[_Usable]:
    for one in filter_.conditions:
        match one:
            case Compare():
                yield _Usable(Compare(prefix + one.path, one.operator, one.values), element)
            case Not(Exists(path)):  # absent stands as null on a card, and the document is asked which it is
                yield _Usable(Compare(prefix + path, "$eq", (None,)), element)
            case SameElement() if element is None:
                yield from _conditions(one.filter, prefix + one.path, one.path)
            case All():
                yield from _conditions(one, prefix, element)


def _way(query: Query, shelf: Shelf) -> Way | None:
    """Return the way over one shelf; None, where it does not know of all that is asked for."""
    index = shelf.index
    paths = [names_of(path) for path in index.paths]
    by_path = {path: [one for one in _conditions(query.filter) if one.compare.path == path] for path in paths}
    if index.sparse and not _excludes_absent(query.filter, paths):
        return None
    if shelf.is_multikey:
        by_path = _one_element(by_path, [paths[place] for place in sorted(shelf.multikey_paths)])
    prefixes, used, ranges = [b""], 0, list[Interval]()
    single = True
    for path in paths:
        equal = next((one.compare for one in by_path[path] if one.compare.operator == "$eq"), None)
        if equal is None:
            ranges = [_narrowed(prefix, [one.compare for one in by_path[path]]) for prefix in prefixes]
            break
        wanted = sorted({key_of(value) for value in equal.values})
        prefixes, used = [prefix + key for prefix in prefixes for key in wanted], used + 1
        single = single and len(wanted) == 1
    intervals = tuple(ranges) if ranges else tuple(Interval(prefix, prefix + b"\xff") for prefix in prefixes)
    on_card = tuple((place, one.compare) for place, path in enumerate(paths) for one in by_path[path])
    in_order = not query.sort or (not shelf.is_multikey and single and _is_sorted(query, index, used))
    keys = sum(len(shelf.span(interval)) for interval in intervals)
    return Way(index, intervals, on_card, used, in_order, keys, keys * (2 if in_order else 3))


def _one_element(
    by_path: dict[tuple[str, ...], list[_Usable]], multikey: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], list[_Usable]]:
    """Leave out what might be met by another card of the same document."""
    first = next((one for path in multikey for one in by_path[path]), None)
    together = next((one for path in multikey for one in by_path[path] if one.element_of is not None), None)

    def may_stay(one: _Usable) -> bool:
        return one is first if together is None else one.element_of == together.element_of

    return {path: [one for one in usable if path not in multikey or may_stay(one)] for path, usable in by_path.items()}


def _narrowed(prefix: bytes, compares: Sequence[Compare]) -> Interval:
    """Return the stretch where all ranges hold."""
    low, high = prefix + WHOLE.low, prefix + WHOLE.high
    for one in compares:
        interval = interval_of(prefix, one.operator, one.values[0])
        low, high = max(low, interval.low), min(high, interval.high)
    return Interval(low, max(low, high))


def _excludes_absent(filter_: All, paths: Sequence[tuple[str, ...]]) -> bool:
    """Whether every document that is asked for has a value at one of the paths."""
    for one in filter_.conditions:
        match one:
            case Compare() if one.path in paths and None not in one.values:
                return True
            case OfKind() if one.path in paths and one.kind != "null":
                return True
            case SameElement() if any(
                use.compare.path in paths and None not in use.compare.values for use in _conditions(All((one,)))
            ):
                return True
            case All() if _excludes_absent(one, paths):
                return True
    return False


def _is_sorted(query: Query, index: PathIndex, equal_paths: int) -> bool:
    """Whether cards of one stretch come in the order that is asked for: equal paths need no sorting."""
    fixed = index.paths[:equal_paths]
    wanted = [path for path in query.sort_paths if path not in fixed]
    return list(index.paths[equal_paths : equal_paths + len(wanted)]) == wanted
