"""What if the power fails while a page is half written? The real PostgreSQL tells, on a cluster that may break.

PostgreSQL's page has 8,192 bytes, a disk's sector 4,096 or 512: after a crash the file may hold the first half of the
new page and the second half of the old one. To redo the log upon such a page is to change a page that never was. So the
first change after a checkpoint puts the whole page into the log (`full_page_writes`), and recovery begins from there.

`torn_page` makes that crash by hand:

1. Rows are written, and a checkpoint.
2. Page 0 of their table is copied from its file: the old page.
3. Some rows are changed, and the changed page is driven out of the cache into the file: the new page.
4. The server is stopped at once, as by a crash.
5. The second half of the old page is put over the second half of the new one: the torn page.
6. The server is started, and redoes the log from the checkpoint on.

The cluster is a scratch one with a server of its own, whatever `DSYS_LAB_POSTGRES` says, and goes with it. Nothing in
it is synced: the machine goes on, so what was written is there, and only step 5 loses anything.

Cost: two starts and an `initdb`: about two seconds.

Source: PostgreSQL 18 documentation, "Reliability", "Write Ahead Log" (`full_page_writes`), "pg_buffercache".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from dsys_lab.engines.kept_process import KeptProcess
from dsys_lab.engines.postgres.connection import ask
from dsys_lab.engines.postgres.server import PostgresServer
from dsys_lab.errors import EngineMissing

PAGE_BYTES: Final = 8192
TORN_FROM: Final = PAGE_BYTES // 2
ROWS: Final = 10
CHANGED: Final = 9


@dataclass(frozen=True, slots=True)
class TornPage:
    """How a server started on a torn page.

    Attributes
    ----------
    full_page_writes : bool
        Whether the log had the whole page.
    recovered : bool
        Whether the server started.
    expected, found : int or None
        The sum of what was committed, and what the recovered server finds; None if it refuses to start.
    said : tuple of str
        The last lines of its log, as it wrote them.
    """

    full_page_writes: bool
    recovered: bool
    expected: int
    found: int | None
    said: tuple[str, ...]


def torn_page(*, full_page_writes: bool = True) -> TornPage:
    """Tear a page under a crashed server, start the server, and return what it says.

    Raises
    ------
    EngineMissing
        If the wheel is not installed, or the first start fails.
    """
    setting = "on" if full_page_writes else "off"
    with _scratch_folder() as folder:
        server = PostgresServer(folder / "data", full_page_writes=setting, fsync="off")
        try:
            with psycopg.connect(server.url, autocommit=True) as client:
                file, expected, old = _change_a_page(client, folder / "data")
        finally:
            server.stop()
        _tear(file, old)
        try:
            server = PostgresServer(folder / "data", full_page_writes=setting, fsync="off")
        except EngineMissing as refused:
            log = tuple(line.strip() for line in str(refused).splitlines() if line.startswith("  "))
            return TornPage(full_page_writes, recovered=False, expected=expected, found=None, said=log)
        try:
            with psycopg.connect(server.url) as client:
                found = ask(client, "SELECT sum(hours) FROM nights")[0][0]
            return TornPage(full_page_writes, True, expected, found, tuple(server.last_lines()))
        finally:
            server.stop()


def _change_a_page(client: psycopg.Connection, data: Path) -> tuple[Path, int, bytes]:
    """Do steps 1 to 3; return the table's file, the sum of its rows, and the old page."""
    ask(client, "CREATE EXTENSION pg_buffercache")
    ask(client, "CREATE TABLE nights (id int, hours int) WITH (autovacuum_enabled = off)")
    ask(client, "INSERT INTO nights SELECT n, 1 FROM generate_series(1, %s) n", (ROWS,))
    ask(client, "CHECKPOINT")
    file = data / ask(client, "SELECT pg_relation_filepath('nights')")[0][0]
    old = file.read_bytes()[:PAGE_BYTES]
    ask(client, "UPDATE nights SET hours = hours + 1 WHERE id <= %s", (CHANGED,))
    ask(
        client,
        "SELECT pg_buffercache_evict(bufferid) FROM pg_buffercache "
        "WHERE relfilenode = pg_relation_filenode('nights') AND relforknumber = 0 AND relblocknumber = 0",
    )
    assert file.read_bytes()[:PAGE_BYTES] != old, "the changed page is in the file"
    return file, ask(client, "SELECT sum(hours) FROM nights")[0][0], old


def _tear(file: Path, old: bytes) -> None:
    with file.open("r+b") as torn:
        torn.seek(TORN_FROM)
        torn.write(old[TORN_FROM:])


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    """Keep a folder for several starts of a server; a keeper removes it even if this process is killed."""
    waiting = KeptProcess(lambda _: [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"])
    try:
        yield waiting.folder
    finally:
        waiting.stop()
