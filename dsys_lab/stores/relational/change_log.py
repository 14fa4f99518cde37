"""What did each transaction change, in the order in which they committed?

The log already knows, for it was written so that a crash loses nothing. But it speaks of bytes on pages, and also of
transactions that came to nothing. So where somebody wants to listen, each record carries a *note* of what it means.
Reading the notes in order gives the *changes*: held back until their transaction commits, dropped if it never does.
That is *logical decoding*, and who follows it need not ask the tables again. ::

    the log      4: note 7 wards ∅ -> (north, 2)    5: note 8 wards ...    6: note 8 commits    7: note 7 commits
    the changes  6: what 8 did                      7: what 7 did

A commit's *position* is the number of its record in the log, so positions rise in the order of commits, which is not
the order in which the rows were changed, nor that of the transactions' numbers. The note of a commit also says from
where on the log must be read to decode all that commits later: where the oldest transaction that then ran had its first
note.

Left out: changes of tables' columns; streaming a transaction that has not committed yet.

Sources: PostgreSQL documentation, ch. 47 "Logical decoding", `pg_replication_slots.restart_lsn`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dsys_lab.structures.journal_records import note_of
from dsys_lab.structures.schema import Value


@dataclass(frozen=True, slots=True)
class Change:
    """One row that was added, changed or deleted.

    Attributes
    ----------
    table : str
    before : dict or None
        The row as it was, column by column; None of one that was added. PostgreSQL writes it down only for a table
        with `REPLICA IDENTITY FULL`; else it has nothing but the key, and that only where it changed or the row went.
    after : dict or None
        The row as it is; None of one that was deleted.
    """

    table: str
    before: dict[str, Value] | None
    after: dict[str, Value] | None

    @property
    def kind(self) -> str:
        """What was done: "insert", "update" or "delete"."""
        if self.after is None:
            return "delete"
        return "insert" if self.before is None else "update"


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction did.

    Attributes
    ----------
    position : int
        Where in the log it committed: later commits have higher ones.
    xid : int
    changes : tuple of Change
        In the order in which they were made.
    """

    position: int
    xid: int
    changes: tuple[Change, ...]


def row_note(xid: int, table: str, before: dict[str, Value] | None, after: dict[str, Value] | None) -> bytes:
    """Return the note of a row that a transaction changes."""
    return _encoded({"xid": xid, "table": table, "before": before, "after": after})


def commit_note(xid: int, read_from: int) -> bytes:
    """Return the note of a commit, and of the oldest record that later ones still need."""
    return _encoded({"xid": xid, "read_from": read_from})


def _encoded(note: dict[str, Any]) -> bytes:
    return json.dumps(note, separators=(",", ":")).encode()


def decoded(records: Iterable[tuple[int, bytes]], after: int) -> Iterator[tuple[Commit, int]]:
    """Give the transactions that committed after position `after`, each with where to read on once it is done with.

    Parameters
    ----------
    records : iterable of (int, bytes)
        Numbers and records of the log, from where the oldest of these transactions began.
    after : int
    """
    open_changes: dict[int, list[Change]] = {}
    for lsn, payload in records:
        note = json.loads(note_of(payload) or "{}")
        if "table" in note:
            change = Change(note["table"], note["before"], note["after"])
            open_changes.setdefault(note["xid"], []).append(change)
        elif "read_from" in note:
            changes = open_changes.pop(note["xid"], [])
            if lsn > after and changes:
                yield Commit(lsn, note["xid"], tuple(changes)), note["read_from"]
