"""A table: its versions in a heap, and trees that lead to them.

Every version has its entry in every index, so an index leads to old and new ones alike, and whoever comes by it looks
at the version's stamp before believing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dsys_lab.stores.relational.expressions import Range
from dsys_lab.stores.relational.index_keys import index_key
from dsys_lab.stores.relational.versions import Version, VersionHeap, versions_on
from dsys_lab.stores.row_store.row_format import RowFormat
from dsys_lab.structures.b_tree import BTree, Rid
from dsys_lab.structures.journaled_file import JournaledFile
from dsys_lab.structures.schema import Schema, Value, Values


@dataclass(slots=True)
class Table:
    """A table of the catalogue, with its pages.

    Attributes
    ----------
    name, key : str
        `key` is the column of the primary key, or "".
    schema : Schema
    file : JournaledFile
        The heap's.
    indexes : dict
        The tree of each indexed column, the key's first.
    """

    name: str
    schema: Schema
    key: str
    file: JournaledFile
    indexes: dict[str, BTree] = field(default_factory=dict)
    heap: VersionHeap = field(init=False)
    rows: RowFormat = field(init=False)
    _places: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.heap, self.rows = VersionHeap(self.file), RowFormat(self.schema)
        self._places = {name: place for place, name in enumerate(self.schema.names)}

    # ------------------------------------------------------------ write path
    def add(self, xmin: int, row: Values) -> Rid:
        """Add a version, to the heap and to every index."""
        rid = self.heap.insert(xmin, self.rows.encode(row))
        for column, tree in self.indexes.items():
            if (value := self.value(row, column)) is not None:
                tree.insert(index_key(value), rid)
        return rid

    def remove(self, version: Version) -> None:
        """Take a version away, out of every index and out of the heap."""
        row = self.row(version)
        for column, tree in self.indexes.items():
            if (value := self.value(row, column)) is not None:
                tree.delete(index_key(value), version.rid)
        self.heap.remove(version.rid)

    # ------------------------------------------------------------ read path
    def row(self, version: Version) -> Values:
        """Return the row of a version."""
        return self.rows.decode(version.data, version.has_nulls)

    def value(self, row: Values, column: str) -> Value:
        """Return the value of a column."""
        return row[self._places[column]]

    def versions(self, wanted: Range | None = None) -> Iterator[Version]:
        """Give all versions as they lie; or by an index those in a range, and a few more where keys agree."""
        if wanted is None:
            for number in range(len(self.file)):
                yield from self.heap.read_page(number)
            return
        low = None if wanted.low is None else index_key(wanted.low)
        high = None if wanted.high is None else index_key(wanted.high)
        for _, rid in list(self.indexes[wanted.column].range(low, high)):
            version = self.heap.read(rid)
            if version is not None:
                yield version

    def at_rest(self) -> Iterator[Version]:
        """Give all versions without leaving rows in the trace: for counting and checking."""
        for number in range(len(self.file)):
            yield from versions_on(number, self.file.journal.pool.fetch(self.file, number)[0])

    def violations(self) -> list[str]:
        """Return what does not agree, in words."""
        wrong = []
        rows = {version.rid: self.row(version) for version in self.at_rest()}
        for column, tree in self.indexes.items():
            wrong += [f"{self.name}, index of {column}: {text}" for text in tree.violations()]
            expected = sorted(
                (index_key(value), rid) for rid, row in rows.items() if (value := self.value(row, column)) is not None
            )
            if sorted(tree.range()) != expected:
                wrong.append(f"{self.name}, index of {column}: does not lead to every version once")
        return wrong
