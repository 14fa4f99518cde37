"""How do answers of several grains lie in one table, and what does an empty label mean there?

`GROUP BY GROUPING SETS ((city, age), (city), ())` asks for three cuboids at once; `CUBE` is short for all sets of some
dimensions (`lattice.groupings`), `ROLLUP` for their prefixes. All rows have the same columns, so a dimension that a
set leaves out is empty, NULL. And NULL is also the label of facts whose city nobody knows: ::

    city   age    minutes   GROUPING(city, age)
    Oslo   20s        480                  0 0
    NULL   20s        440                  0 0     people of twenty whose city is not known
    NULL   20s        920                  1 0     people of twenty, of all cities: a subtotal
    NULL   NULL       920                  1 1     all of them

`GROUPING` says which: for each dimension a bit, the first the highest, 1 where the set leaves it out. Who takes NULL
for "all" adds a subtotal to its own parts, or reads the wrong row.

Sources: Gray et al., "Data cube", 1997, section 3.3 (there it is the label ALL); PostgreSQL 18 documentation, "GROUPING
SETS, CUBE, and ROLLUP" and "Grouping operations".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dsys_lab.errors import BadParameter

Grouping = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupedRow:
    """A cell as a row of a table that holds several cuboids.

    Attributes
    ----------
    labels : tuple
        One for each dimension; None where it was left out, and where the facts have none.
    left_out : int
        What `GROUPING` says: a bit for each dimension, the first the highest, 1 where it was left out.
    answers : tuple
        One for each measure.
    """

    labels: tuple[Any, ...]
    left_out: int
    answers: tuple[Any, ...]


def prefixes(dimensions: Sequence[str]) -> list[Grouping]:
    """Return the sets of `ROLLUP`, finest first.

    >>> prefixes(("country", "city"))
    [('country', 'city'), ('country',), ()]
    """
    return [tuple(dimensions[:count]) for count in range(len(dimensions), -1, -1)]


def left_out(dimensions: Sequence[str], by: Iterable[str]) -> int:
    """Return what `GROUPING` says of a row by some of the dimensions.

    >>> left_out(("city", "age"), ("age",))
    2
    """
    bits = 0
    for name in dimensions:
        bits = bits << 1 | (name not in by)
    return bits


def told_apart(dimensions: Sequence[str], rows: Iterable[GroupedRow]) -> dict[Grouping, list[tuple[Any, ...]]]:
    """Return each cuboid by itself: its dimensions -> labels and answers of its cells."""
    found: dict[Grouping, list[tuple[Any, ...]]] = {}
    for row in rows:
        stays = [place for place in range(len(dimensions)) if not row.left_out >> (len(dimensions) - 1 - place) & 1]
        answers = found.setdefault(tuple(dimensions[place] for place in stays), [])
        answers.append((*(row.labels[place] for place in stays), *row.answers))
    return found


def dimensions_of(sets: Sequence[Sequence[str]]) -> Grouping:
    """Return the dimensions of these sets, in the order in which they are first named: the columns of the table.

    Raises
    ------
    BadParameter
        If there is no set, one is there twice, or has a dimension twice.
    """
    for by in sets:
        if isinstance(by, str) or len(set(by)) < len(by):
            raise BadParameter(f"grouping set {by!r}: give a tuple of dimensions, each once")
    if not sets or len(set(map(frozenset, sets))) < len(sets):
        raise BadParameter(f"grouping sets {list(sets)}: give at least one, and each once")
    return tuple(dict.fromkeys(name for by in sets for name in by))


def in_order(labels: Iterable[Any]) -> tuple[Any, ...]:
    """Return what labels are sorted by, so that None comes first."""
    return tuple((label is not None, label) for label in labels)


def finest_first(row: GroupedRow) -> tuple[Any, ...]:
    """Return what rows are sorted by: cuboids of many dimensions first, in each the labels in order."""
    return row.left_out.bit_count(), row.left_out, in_order(row.labels)
