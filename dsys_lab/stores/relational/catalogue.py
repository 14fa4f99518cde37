"""Which tables are there? That stands in a table, too: rows of JSON in a heap of their own, under the same log.

To make a table is a transaction of its own, at once and durably: its files first, then its row here, which is the
moment from which it is there. A crash in between leaves an empty file that nobody leads to.

Left out: CREATE inside a transaction (PostgreSQL can take it back); DROP.
"""

from __future__ import annotations

import json
from typing import Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.stores.relational.index_keys import index_key
from dsys_lab.stores.relational.sql import TYPE_NAMES, CreateIndex, CreateTable
from dsys_lab.stores.relational.table import Table
from dsys_lab.stores.row_store.heap_file import HeapFile
from dsys_lab.structures.b_tree import BTree
from dsys_lab.structures.journaled_file import JournaledFile
from dsys_lab.structures.journaled_pages import JournaledPages
from dsys_lab.structures.page import PAGE_BYTES
from dsys_lab.structures.schema import Schema

_PAGES_A_COMMIT_MAX: Final = 8
_COLUMNS_BYTES_MAX: Final = 6_000


class Catalogue:
    """The tables of a database, by name."""

    def __init__(self, journal: JournaledPages, pages: JournaledFile) -> None:
        self.journal = journal
        self._heap = HeapFile(pages)
        self.tables: dict[str, Table] = {}
        self._indexes: set[str] = set()
        for number in range(len(pages)):
            for _, (data, _) in self._heap.read_page(number, PAGE_BYTES):
                self._take_in(json.loads(data))

    def table(self, name: str) -> Table:
        """Return a table.

        Raises
        ------
        BadParameter
            If there is none of this name.
        """
        if name not in self.tables:
            raise BadParameter(f"SQL: there is no table {name}; there are {', '.join(self.tables) or 'none yet'}")
        return self.tables[name]

    def create_table(self, asked: CreateTable) -> None:
        """Make a table, durably."""
        if asked.table in self.tables:
            columns = ", ".join(f"{one.name} {TYPE_NAMES[one.type]}" for one in self.tables[asked.table].schema.columns)
            raise BadParameter(f"SQL: there is a table {asked.table} already: ({columns})")
        columns = str(asked.schema)
        if (size_bytes := len(json.dumps(columns))) > _COLUMNS_BYTES_MAX:
            count = len(asked.schema.columns)
            raise BadParameter(
                f"SQL: {count} columns need {size_bytes:,} bytes in the catalogue; at most {_COLUMNS_BYTES_MAX:,} fit "
                "its page: give fewer, or shorter names"
            )
        self._keep({
            "table": asked.table, "schema": columns, "key": asked.key, "heap": self._new_file(f"{asked.table}.heap"),
            "index": self._new_file(f"{asked.table}.by_{asked.key}") if asked.key else "",
        })  # fmt: skip

    def create_index(self, asked: CreateIndex) -> None:
        """Make an index over all versions that are there, durably."""
        table = self.table(asked.table)
        table.schema.position(asked.column)
        if asked.index in self._indexes or asked.column in table.indexes:
            raise BadParameter(f"SQL: there is an index {asked.index}, or one on {asked.table}.{asked.column}, already")
        name = self._new_file(f"{asked.table}.by_{asked.column}")
        tree = BTree(self._file(name), unique=False)
        with self.journal.all_or_nothing():
            for version in table.versions():
                if (value := table.value(table.row(version), asked.column)) is not None:
                    tree.insert(index_key(value), version.rid)
                if self.journal.changing >= _PAGES_A_COMMIT_MAX:
                    self.journal.commit()
        self._keep({"index": asked.index, "on": asked.table, "column": asked.column, "file": name})

    def _keep(self, entry: dict[str, Any]) -> None:
        with self.journal.all_or_nothing():
            self._heap.insert((json.dumps(entry).encode(), False))
        self.journal.sync()
        self._take_in(entry)

    def _take_in(self, entry: dict[str, Any]) -> None:
        if "table" in entry:
            table = Table(entry["table"], Schema.of(entry["schema"]), entry["key"], self._file(entry["heap"]))
            if table.key:
                table.indexes[table.key] = BTree(self._file(entry["index"]), unique=False)
            self.tables[table.name] = table
        else:
            self._indexes.add(entry["index"])
            self.tables[entry["on"]].indexes[entry["column"]] = BTree(self._file(entry["file"]), unique=False)

    def _file(self, name: str) -> JournaledFile:
        return next(file for file in self.journal.files if file.name == name)

    def _new_file(self, name: str) -> str:
        """Add a file under a name that no file has; return the name."""
        there = [file.name for file in self.journal.files]
        name = next(
            one for one in (name, *(f"{name}_{count}" for count in range(2, len(there) + 3))) if one not in there
        )
        self.journal.add_file(name)
        return name
