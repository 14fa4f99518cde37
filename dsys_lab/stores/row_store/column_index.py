"""A tree that finds rows by the value of one integer column.

The tree's keys are u64, so a signed value is moved up by 2**63: the order stays. NULL is in no index.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from dsys_lab.errors import BadParameter
from dsys_lab.structures.b_tree import BTree, Rid
from dsys_lab.structures.page import Pages
from dsys_lab.structures.schema import Schema, Values


class ColumnIndex:
    """Where the rows are that have a value in one column."""

    def __init__(self, pages: Pages, schema: Schema, column: str, *, unique: bool) -> None:
        self.tree = BTree(pages, unique=unique)
        self.column = column
        self._place = schema.position(column)
        self._shift = 2**63 if schema.columns[self._place].type[0] == "i" else 0

    # ------------------------------------------------------------ write path
    def insert(self, row: Values, rid: Rid) -> None:
        """Add a row."""
        if (value := self.value(row)) is not None:
            self.tree.insert(value + self._shift, rid)

    def delete(self, row: Values, rid: Rid) -> None:
        """Take a row away."""
        if (value := self.value(row)) is not None:
            self.tree.delete(value + self._shift, rid)

    def move(self, old: Values, old_rid: Rid, new: Values, new_rid: Rid) -> None:
        """Follow a row that changed, and may now be elsewhere."""
        if (self.value(old), old_rid) != (self.value(new), new_rid):
            self.delete(old, old_rid)
            self.insert(new, new_rid)

    def value(self, row: Values) -> int | None:
        """Return the value of a row in this column."""
        value = row[self._place]
        assert value is None or isinstance(value, int), "the schema lets nothing else into a column of integers"
        return value

    # ------------------------------------------------------------ read path
    def get(self, value: int) -> Rid | None:
        """Return where the row with `value` is, or None: `height` page reads."""
        return self.tree.get(value + self._shift)

    def is_beyond_all(self, value: int) -> bool:
        """Whether `value` is above every value that is indexed, as far as one look can tell."""
        return value + self._shift > self.tree.last_key()

    def between(self, low: float | None, high: float | None) -> Iterator[Rid]:
        """Give the places of the rows whose value is from `low` to `high`, in its order; None leaves that side open."""
        if low == math.inf or high == -math.inf:
            return iter(())
        first = None if low is None or low == -math.inf else math.ceil(low) + self._shift
        last = None if high is None or high == math.inf else math.floor(high) + self._shift
        return (rid for _, rid in self.tree.range(first, last))


def indexed_columns(schema: Schema, key: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to index, the key first.

    Raises
    ------
    BadParameter
        If one is unknown, named twice, not of integers, or if the key may be NULL.
    """
    columns = (key, *others)
    for number, name in enumerate(columns):
        column = schema.columns[schema.position(name)]
        if column.type in ("text", "f64"):
            raise BadParameter(f"column {name!r} is a {column.type}; only columns of integers are indexed")
        if name in columns[:number]:
            raise BadParameter(f"column {name!r} would be indexed twice; name each once (the key always is)")
    if schema.columns[schema.position(key)].nullable:
        raise BadParameter(f"key {key!r} may be NULL; declare it without the question mark")
    return columns
