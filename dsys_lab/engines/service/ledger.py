"""The ledger of a service in a file of SQLite: an effect and its key are one transaction and outlive the program.

`journal_mode = WAL` and `synchronous = FULL`: a commit is on the disk before `write` returns.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dsys_lab.dataflows.service import Effect


class SqliteLedger:
    """See the Protocol `Ledger`."""

    def __init__(self, path: Path) -> None:
        self._client = sqlite3.connect(path, isolation_level=None)
        self._client.execute("PRAGMA journal_mode = WAL")
        self._client.execute("PRAGMA synchronous = FULL")
        self._client.execute(
            "CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, digest TEXT, record BLOB, said TEXT)"
        )

    def find(self, key: str) -> Effect | None:
        """Return what was done under this key, if anything was."""
        row = self._client.execute("SELECT key, digest, record, said FROM effects WHERE key = ?", (key,)).fetchone()
        return None if row is None else Effect(*row)

    def write(self, effect: Effect) -> None:
        """Write an effect and its key, both or neither."""
        self._client.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", effect)

    def __len__(self) -> int:
        """Return how many there are."""
        return int(self._client.execute("SELECT count(*) FROM effects").fetchone()[0])
