"""The relational model against PostgreSQL and SQLite, and the commit through six copies against one through one.

All three are called from Python, by one person: the model and SQLite in this process, PostgreSQL over its socket. A row
is a number of 10 bytes and a note of 100. The model parses each statement that it has not seen before, as the others
do, so every rival gets its values inside the words of the statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.postgres import PostgresDatabase
from dsys_lab.stores.relational import RelationalDatabase
from dsys_lab.stores.relational.shared_volume import AURORA, Quorum, SharedVolume
from dsys_lab.structures.append_log import EVERY_RECORD, AppendLog
from dsys_lab.structures.disk import RealDisk, VolatileDisk

ROWS: Final = 2_000
COMMITS: Final = 300
READS: Final = 300
SCANS: Final = 3
RECORDS: Final = 2_000
TABLE: Final = "CREATE TABLE orders (id integer PRIMARY KEY, amount integer NOT NULL, note text)"

Run = Callable[[str], object]
"""Runs one statement, which is a transaction of its own."""


def relational() -> None:
    """A scan, reads by the key, and commits of one row that wait for the disk and that do not."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="dsys_lab-")))
        quick = _rivals(stack, folder / "quick", durable=False)
        durable = _rivals(stack, folder / "durable", durable=True)
        for run in (*quick.values(), *durable.values()):
            _fill(run)
        compare(f"A sum over {ROWS:,} rows", "thousand rows", _turns(quick, _scans))
        compare("One row by its key", "reads", _turns(quick, _reads))
        key = count(ROWS)
        for title, rivals in (("that do not wait for the disk", quick), ("that wait for the disk", durable)):
            compare(f"Transactions of one row {title}", "commits", _turns(rivals, lambda run: _commits(run, key)))


def volume() -> None:
    """Records a second through six copies, through one, and into a log on a disk in memory."""
    key = count()

    def through(quorum: Quorum) -> float:
        volume = SharedVolume(quorum)
        for _ in range(RECORDS):
            assert volume.commit({f"order-{next(key)}": "n" * 100})
        return RECORDS

    def appended() -> float:
        log = AppendLog(VolatileDisk(), fsync=EVERY_RECORD)
        for _ in range(RECORDS):
            log.append(0, b"n" * 150)
        return RECORDS

    compare("Commits of one record, in memory", "records", [
        Rival("six copies, four answers", partial(through, AURORA)),
        Rival("one copy, one answer", partial(through, Quorum(1, 1, 1, 1))),
        Rival("a log of this package, synced each time", appended),
    ])  # fmt: skip


def _rivals(stack: ExitStack, folder: Path, *, durable: bool) -> dict[str, Run]:
    model = stack.enter_context(RelationalDatabase(RealDisk(folder), durable=durable))
    sqlite = sqlite3.connect(folder.with_suffix(".sqlite"), isolation_level=None)
    stack.callback(sqlite.close)
    sqlite.execute("PRAGMA journal_mode = wal")
    sqlite.execute(f"PRAGMA synchronous = {'full' if durable else 'off'}")
    postgres = stack.enter_context(PostgresDatabase())
    postgres.run(f"SET synchronous_commit = {'on' if durable else 'off'}")
    return {
        "relational model": model.session("ada").execute,
        "SQLite": lambda sql: sqlite.execute(sql).fetchall(),
        postgres.engine: postgres.run,
    }


def _turns(rivals: dict[str, Run], work: Callable[[Run], float]) -> list[Rival]:
    return [Rival(name, partial(work, run)) for name, run in rivals.items()]


def _fill(run: Run) -> None:
    run(TABLE)
    run("INSERT INTO orders VALUES " + ", ".join(_row(key) for key in range(ROWS)))  # noqa: S608  numbers only


def _row(key: int) -> str:
    return f"({key}, {key % 97}, '{'n' * 100}')"


def _commits(run: Run, key: Any) -> float:
    for _ in range(COMMITS):
        run(f"INSERT INTO orders VALUES {_row(next(key))}")  # noqa: S608
    return COMMITS


def _reads(run: Run) -> float:
    for number in range(READS):
        run(f"SELECT amount FROM orders WHERE id = {number * 7_919 % ROWS}")  # noqa: S608
    return READS


def _scans(run: Run) -> float:
    for _ in range(SCANS):
        run("SELECT sum(amount) FROM orders")
    return SCANS * ROWS / 1e3
