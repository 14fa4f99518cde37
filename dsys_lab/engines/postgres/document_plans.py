"""Which index does PostgreSQL use for a question about JSON? It depends on how the question is written.

`spellings` asks for the same documents in several spellings, over the same table with one GIN index and one B-tree
expression index, and reads EXPLAIN (ANALYZE, BUFFERS) back. `array_pitfall` asks GIN for *a ring with firmware 3*, and
counts what it hands over and what PostgreSQL then throws away. `one_field_changed` changes a number in a large body and
counts the log.

Counters and not times: pages of the table and of indexes, rows that were candidates, rows that are left.

Source: PostgreSQL 18 documentation, "jsonb Indexing", "Using EXPLAIN".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab.engines.postgres.documents import PostgresDocuments
from dsys_lab.engines.postgres.wal import WalUse, wal_of
from dsys_lab.errors import EngineMissing, require_positive
from dsys_lab.stores.document_store.documents import Document


@dataclass(frozen=True, slots=True)
class Asked:
    """What one spelling of a question cost.

    Attributes
    ----------
    way : str
        The index that was used, or "whole table".
    candidates : int
        Rows that were looked at: handed over by the index, or all of the table.
    rows : int
        Rows of the answer.
    pages : int
        Pages that were touched, in the cache or not.
    """

    way: str
    candidates: int
    rows: int
    pages: int


def asked(store: PostgresDocuments, condition: str) -> Asked:
    """Ask for the documents that meet a condition of SQL about `body`, and return what it cost.

    Raises
    ------
    BadParameter
        If it is no SQL.
    EngineMissing
        If this PostgreSQL names its counters otherwise.
    """
    sql = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT body FROM profile WHERE {condition}"  # noqa: S608
    plan = store.database.run(sql)[0][0][0]["Plan"]
    try:
        steps = list(_steps(plan))
        removed = sum(one.get(f"Rows Removed by {by}", 0) for one in steps for by in ("Filter", "Index Recheck"))
        way = next((one["Index Name"] for one in steps if "Index Name" in one), "whole table")
        rows, pages = round(plan["Actual Rows"]), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    except KeyError as error:
        raise EngineMissing(f"this PostgreSQL tells no {error} of a plan: version 18 does") from None
    return Asked(WAYS.get(way, way), rows + round(removed), rows, pages)


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _steps(below)


WAYS: Final = {"by_everything": "GIN", "by_minutes": "B-tree of an expression", "by_id": "B-tree of _id"}
CITY: Final = {
    "body->>'city' = 'Lisbon'": "body->>'city' = 'Lisbon'",
    'body @> \'{"city": "Lisbon"}\'': 'body @> \'{"city": "Lisbon"}\'',
    "body @? '$.city ? (@ == \"Lisbon\")'": "body @? '$.city ? (@ == \"Lisbon\")'",
}
"""Three spellings of one question."""
RANGES: Final = {
    "(body #>> '{sleep,minutes}')::int < 350": "(body #>> '{sleep,minutes}')::int < 350",
    "body @? '$.sleep.minutes ? (@ < 350)'": "body @? '$.sleep.minutes ? (@ < 350)'",
}
"""Two of another, about a range."""


def filled(documents: Sequence[Document]) -> PostgresDocuments:
    """Return a table of documents with a GIN index over all paths, and a B-tree over the minutes of sleep."""
    store = PostgresDocuments()
    store.insert_many(documents)
    store.create_gin()
    store.database.run("CREATE INDEX by_minutes ON profile (((body #>> '{sleep,minutes}')::int))")
    store.analyze()
    return store


def spellings(documents: Sequence[Document]) -> dict[str, Asked]:
    """Ask the same things in several spellings, and return what each cost.

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there.
    """
    with filled(documents) as store:
        return {name: asked(store, condition) for name, condition in {**CITY, **RANGES}.items()}


def array_pitfall(documents: Sequence[Document], kind: str = "ring", firmware: int = 3) -> dict[str, Asked]:
    """Ask GIN for a device of a kind and a firmware: on one device, and on any two.

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there.
    """
    same = json.dumps({"devices": [{"kind": kind, "fw": firmware}]})
    any_two = json.dumps({"devices": [{"kind": kind}, {"fw": firmware}]})
    with filled(documents) as store:
        store.database.run("SET enable_seqscan = off")  # the question is what GIN hands over
        return {
            "one device is both": asked(store, f"body @> '{same}'"),
            "one is this, one is that": asked(store, f"body @> '{any_two}'"),
        }


def one_field_changed(*, note_bytes: int = 20_000) -> tuple[WalUse, WalUse]:
    """Change one number in a body of so many bytes: right after a checkpoint, and once more.

    The note is stored apart (TOAST), uncompressed as it is; the body is one value, so all of it is written again.

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there, or has no pg_walinspect.
    Refused
        If the user may not make a checkpoint.
    """
    require_positive(note_bytes=note_bytes)
    with PostgresDocuments() as store:
        store.database.run("ALTER TABLE profile ALTER COLUMN body SET STORAGE EXTERNAL")
        store.insert({"_id": 1, "fw": 1, "note": "x" * note_bytes})
        store.database.run("CHECKPOINT")
        change = "UPDATE profile SET body = jsonb_set(body, '{fw}', to_jsonb((body->>'fw')::int + 1))"
        return wal_of(store.database, change), wal_of(store.database, change)
