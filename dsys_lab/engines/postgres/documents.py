"""A collection in PostgreSQL: a table of one JSONB column, under the verbs of `stores.document_store`.

`find`, `insert`, `update_one`, `replace_one`, `delete_one` and `create_index` are translated (`document_sql`), and one
statement each: an update finds its document, locks it, works the new body out and writes it, all inside of PostgreSQL.
Nothing is read into Python in between, so two of them cannot undo each other.

An index of paths is a B-tree over `body #> path`; `create_gin` makes one GIN index over everything. What it does not
imitate is in `DOCUMENT_DIFFERENCES`.

Source: PostgreSQL 18 documentation, "JSON Types", "jsonb Indexing".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any, Final, Self

from dsys_lab.engines.difference import Difference
from dsys_lab.engines.postgres.connection import Connection
from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.document_sql import FUNCTIONS, new_body, where
from dsys_lab.errors import Refused, require_choice
from dsys_lab.stores.document_store.collection import Changed
from dsys_lab.stores.document_store.documents import Document, names_of, require_document
from dsys_lab.stores.document_store.filters import read_filter
from dsys_lab.stores.document_store.indexes import PathIndex
from dsys_lab.stores.document_store.planner import Query
from dsys_lab.stores.document_store.tlv import encode_document
from dsys_lab.stores.document_store.updates import read_update

DOCUMENT_DIFFERENCES: Final = (
    Difference(
        "an index of a path has a card for each element of an array",
        "PostgreSQL: a B-tree has one entry a document, the whole array; GIN has one for each element",
        "So a unique index here sees whole arrays, and only GIN answers *any element will do*.",
        ("a_unique_card_of_an_array_is_taken_by_each_element",),
    ),
    Difference(
        "GIN: none; each path that is to be found needs an index of its own",
        "PostgreSQL: one GIN index (jsonb_path_ops) over all paths, for equality only",
        "It knows that a value is at a path, not in which element; PostgreSQL tests each candidate again.",
    ),
    Difference(
        "null < number < string < object < array < boolean",
        "PostgreSQL: null < string < number < boolean < array < object",
        "A sort over values of several kinds comes in another order.",
        ("kinds_are_sorted_by_their_brackets",),
    ),
    Difference(
        "whole numbers have 64 bits, others are f64; 1e22 stays an f64",
        "PostgreSQL: decimal numbers of any size; 1e22 comes back as a whole number",
        "An $inc beyond 64 bits, or beyond every f64, is refused by the model only.",
        ("an_inc_beyond_64_bits_is_refused",),
    ),
    Difference(
        "$elemMatch asks for an array",
        "PostgreSQL: lax paths take a document for an array of one",
        "Where a path holds a document in one profile and an array in another, both are found.",
        ("elem_match_wants_an_array",),
    ),
    Difference(
        "up to 16 MB a document, by our encoding",
        "PostgreSQL: up to 255 MB of JSONB; over 2 KB it is compressed and stored aside (TOAST)",
        "The limit of 16 MB is kept before PostgreSQL is asked.",
    ),
)
"""What PostgreSQL does otherwise than the model."""


class PostgresDocuments:
    """Documents with an `_id` in a table of PostgreSQL.

    Parameters
    ----------
    shared : Connection, optional
        Whose server it is; by default the one that the process shares.

    Attributes
    ----------
    database : PostgresDatabase
        For what looks inside: plans, pages, the log.

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there.
    """

    TABLE: Final = "profile"

    def __init__(self, shared: Connection | None = None) -> None:
        self.database = PostgresDatabase(shared)
        self.engine = self.database.engine
        for function in FUNCTIONS.split(";\nCREATE "):
            self.database.run(function if function.lstrip().startswith("CREATE") else f"CREATE {function}")
        self.database.run("CREATE TABLE profile (number bigint GENERATED ALWAYS AS IDENTITY, body jsonb NOT NULL)")
        self.database.run("CREATE UNIQUE INDEX by_id ON profile ((body -> '_id'))")
        self._indexes, self._numbers = {"_id": "by_id"}, count(1)

    # ------------------------------------------------------------ write path
    def insert(self, document: Document) -> Changed:
        """Add a document.

        Raises
        ------
        BadParameter
            If it is none.
        Refused
            If its `_id` or a unique value is taken, or it is too large.
        """
        size = _size(document)
        self.database.run("INSERT INTO profile (body) VALUES (%s::jsonb)", (json.dumps(document),))
        return Changed(1, size)

    def insert_many(self, documents: Sequence[Document]) -> None:
        """Add documents in one statement: all, or none."""
        for document in documents:
            _size(document)
        sql = "INSERT INTO profile (body) SELECT * FROM jsonb_array_elements(%s::jsonb)"
        self.database.run(sql, (json.dumps(list(documents)),))

    def update_one(self, filter_: Document, update: Document) -> Changed:
        """Change the first document that matches; `matched` is 0 if there is none."""
        sql, given = new_body(read_update(update))
        return self._one(filter_, f"UPDATE profile SET body = {sql}", given)  # noqa: S608

    def replace_one(self, filter_: Document, document: Document) -> Changed:
        """Put a whole document in the place of the first that matches; its `_id` must be the same.

        Raises
        ------
        Refused
            If it has another `_id`.
        """
        _size(document)
        spelled = json.dumps(document)
        same = "of_kind(CASE WHEN body -> '_id' = %s::jsonb -> '_id' THEN %s::jsonb ELSE '[]' END, 'object', NULL)"
        return self._one(filter_, f"UPDATE profile SET body = {same}", [spelled, spelled])  # noqa: S608

    def delete_one(self, filter_: Document) -> Changed:
        """Remove the first document that matches."""
        return self._one(filter_, "DELETE FROM profile", [])

    def _one(self, filter_: Document, statement: str, given: Sequence[Any]) -> Changed:
        wanted, more = where(read_filter(filter_))
        first = f"SELECT number FROM profile WHERE {wanted} ORDER BY number LIMIT 1 FOR UPDATE"  # noqa: S608
        done = self.database.run(f"{statement} WHERE number = ({first}) RETURNING 1", [*given, *more])
        return Changed(len(done))

    # ------------------------------------------------------------ read path
    def find(
        self, filter_: Document | None = None, *, sort: Sequence[str] = (), limit: int | None = None
    ) -> list[Document]:
        """Return the documents that match, sorted by paths."""
        query = Query(read_filter({} if filter_ is None else filter_), sort, limit)
        wanted, given = where(query.filter)
        order = "DESC NULLS LAST" if query.falls else "ASC NULLS FIRST"
        by = [f"body #> %s {order}" for _ in query.sort_paths] + ["number"]
        names = [list(names_of(path)) for path in query.sort_paths]
        sql = f"SELECT body FROM profile WHERE {wanted} ORDER BY {', '.join(by)} LIMIT %s"  # noqa: S608
        return [body for (body,) in self.database.run(sql, [*given, *names, query.limit])]

    # ------------------------------------------------------------ rules
    def create_index(self, *paths: str, unique: bool = False, sparse: bool = False) -> str:
        """Make a B-tree over paths, and return its name.

        Raises
        ------
        Refused
            If there is one of these paths, or documents that are there do not fit it.
        """
        index = PathIndex(paths, unique=unique, sparse=sparse)
        if index.name in self._indexes:
            raise Refused(f"there is an index of {index.name}: drop it first, or use it")
        columns = [f"((body #> {_literal(names_of(path))}))" for path in paths]
        name = f"by_path_{next(self._numbers)}"
        kept = f" WHERE {' OR '.join(f'{column} IS NOT NULL' for column in columns)}" if sparse else ""
        words = "UNIQUE INDEX" if unique else "INDEX"
        distinct = " NULLS NOT DISTINCT" if unique else ""
        self.database.run(f"CREATE {words} {name} ON profile ({', '.join(columns)}){distinct}{kept}")
        self._indexes[index.name] = name
        return index.name

    def create_gin(self) -> None:
        """Make one GIN index over every path and value, for equality."""
        self.database.run("CREATE INDEX by_everything ON profile USING gin (body jsonb_path_ops)")

    def drop_index(self, name: str) -> None:
        """Take an index down.

        Raises
        ------
        BadParameter
            If there is none of this name.
        """
        require_choice("index", name, tuple(self._indexes))
        self.database.run(f"DROP INDEX {self._indexes[name]}")
        del self._indexes[name]

    # ------------------------------------------------------------ upkeep
    def analyze(self) -> None:
        """Let PostgreSQL look at the table, so that its planner knows it, and empty GIN's list of what is pending."""
        self.database.run("VACUUM ANALYZE profile")

    def close(self) -> None:
        """Drop the table."""
        self.database.close()

    def __enter__(self) -> Self:
        """Use it in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _literal(names: Sequence[str]) -> str:
    """Return names as an array of SQL, in quotes."""
    return "'" + f"{{{','.join(map(json.dumps, names))}}}".replace("'", "''") + "'"


def _size(document: Document) -> int:
    """Return the bytes of a document in our encoding, after asking whether it may be."""
    require_document(document)
    return len(encode_document(document))
