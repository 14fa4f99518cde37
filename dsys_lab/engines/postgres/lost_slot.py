"""A replication slot that fell off the log: PostgreSQL's own way to miss a message for good.

A *slot* is a reader's position in the write-ahead log: PostgreSQL keeps the log from there on. A reader that is away
would fill the disk; so `max_slot_wal_keep_size` says how much is kept at most. Beyond that the next checkpoint takes
the log away and the slot is *lost*: it can never be read again. What is left is to take a snapshot and begin anew.

The server here is one of its own, for the setting holds for all slots of a server.

Sources: PostgreSQL 18 documentation, "Replication slots", `pg_replication_slots.wal_status`, `max_slot_wal_keep_size`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from dsys_lab.engines.postgres.connection import ANSWER_WITHIN_S, ask
from dsys_lab.engines.postgres.server import PostgresServer
from dsys_lab.errors import Misuse, Refused, require_positive

SEGMENTS_MOST: Final = 40
"""Segments of the log, 16 MiB each, after which we give up waiting for the slot to be lost."""
SLOT: Final = "reader"
CHANGES: Final = "SELECT data FROM pg_logical_slot_get_changes(%s, NULL, NULL) WHERE data LIKE 'table%%'"


@dataclass(frozen=True, slots=True)
class LostSlot:
    """What became of a slot that nobody read.

    Attributes
    ----------
    heard : int
        Changes that its reader got while it was there.
    states : tuple of str
        `wal_status` as it changed: reserved, extended, unreserved, lost.
    segments : int
        After how many segments of the log it was lost.
    said : str
        What PostgreSQL says to the reader that comes back.
    missed : int
        Changes that it will never see.
    snapshot : int
        Rows that a snapshot of the table holds.
    heard_again : int
        Changes that a new slot hears, made after it.
    """

    heard: int
    states: tuple[str, ...]
    segments: int
    said: str
    missed: int
    snapshot: int
    heard_again: int

    @property
    def told(self) -> str:
        """What the reader was told when it came back: "an error", or "nothing"."""
        return "an error" if self.said else "nothing"


@contextmanager
def _server(keep: str) -> Iterator[psycopg.Connection]:
    server = PostgresServer(
        wal_level="logical", max_slot_wal_keep_size=keep, min_wal_size="32MB", max_wal_size="32MB"
    )
    try:
        with psycopg.connect(server.url, autocommit=True, connect_timeout=ANSWER_WITHIN_S) as client:
            yield client
    finally:
        server.stop()


def lost_slot(*, keep: str = "32MB", heard: int = 3, missed: int = 5) -> LostSlot:
    """Let a reader hear a few changes and stay away while the log goes on, until its slot is lost.

    Parameters
    ----------
    keep : str
        The server's `max_slot_wal_keep_size`.
    heard, missed : int
        How many pings are written while the reader is there, and while it is not.

    Raises
    ------
    EngineMissing
        If PostgreSQL is not there.
    Misuse
        If so much is kept that the slot does not fall off within some forty segments.
    """
    require_positive(heard=heard, missed=missed)
    with _server(keep) as client:
        ask(client, "CREATE TABLE pings (id int PRIMARY KEY)")
        ask(client, "SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (SLOT,))
        _write(client, 0, heard)
        got = len(ask(client, CHANGES, (SLOT,)))
        _write(client, heard, missed)
        states, segments = _until_lost(client, keep)
        said = ""
        try:
            ask(client, CHANGES, (SLOT,))
        except Refused as refused:
            said = str(refused)
        ask(client, "SELECT pg_drop_replication_slot(%s)", (SLOT,))
        ask(client, "SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (SLOT,))
        snapshot = int(ask(client, "SELECT count(*) FROM pings")[0][0])
        _write(client, heard + missed, 2)
        again = len(ask(client, CHANGES, (SLOT,)))
    return LostSlot(got, tuple(states), segments, said, missed, snapshot, again)


def _write(client: psycopg.Connection, first: int, count: int) -> None:
    ask(client, "INSERT INTO pings SELECT n FROM generate_series(%s::int, %s::int) n", (first + 1, first + count))


def _status(client: psycopg.Connection) -> str:
    return str(ask(client, "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", (SLOT,))[0][0])


def _until_lost(client: psycopg.Connection, keep: str) -> tuple[list[str], int]:
    """Fill one segment of the log after the other; return the states of the slot, and how many it took."""
    states = [_status(client)]
    for segment in range(1, SEGMENTS_MOST + 1):
        ask(client, "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000))")
        ask(client, "SELECT pg_switch_wal()")
        for act in ("", "CHECKPOINT"):
            if act:
                ask(client, act)
            if (now := _status(client)) != states[-1]:
                states.append(now)
        if states[-1] == "lost":
            return states, segment
    raise Misuse(f"keep = {keep!r}: the slot is still {states[-1]} after {SEGMENTS_MOST} segments; give '32MB'")
