"""What do many small Parquet files cost a reader against few large ones, and how are they made few again?

The same rows lie in folders of one, ten, a hundred … files, and DuckDB asks each the same question. What is measured is
a ratio on this machine's own disk; a bucket adds a request a file, which `dsys_lab.laws.small_files_s` prices.

A *compaction* writes small files as one. With a table of the lake it is one commit: who reads sees the files before it
or the one after it. Without one, somebody deletes and somebody writes, and a reader between the two sees rows twice, or
not at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.engines.lakehouse.parquet import Parquet
from dsys_lab.stores.lake import Fields, LakeTable, TableLog
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.structures import VolatileDisk

ROWS: Final = 40_000
QUESTION: Final = "select count(*), avg(pulse) from '{folder}/*.parquet'"


@contextmanager
def folder_of(files: int, rows: int = ROWS) -> Iterator[Path]:
    """Write the same pings as so many Parquet files, and give the folder."""
    with TemporaryDirectory() as folder, connected(threads=2) as connection:
        connection.execute("create table pings as select i as id, i % 97 as pulse from range(?) r(i)", [rows])
        each = -(-rows // files)
        for number in range(files):
            first = number * each
            wanted = f"select * from pings where id >= {first} and id < {first + each}"  # noqa: S608  numbers of ours
            connection.execute(f"copy ({wanted}) to '{folder}/{number:05d}.parquet' (format parquet)")
        yield Path(folder)


def reading_s(folder: Path) -> float:
    """Return how long DuckDB takes for the question, in seconds."""
    with connected(threads=2) as connection:
        began_s = time.perf_counter()
        connection.execute(QUESTION.format(folder=folder)).fetchall()
        return time.perf_counter() - began_s


def times_as_long(files: int, *, rounds: int = 5) -> list[float]:
    """Return how many times as long so many files take as one file of the same rows, in each of some rounds."""
    with folder_of(1) as one, folder_of(files) as many:
        reading_s(one)
        return [reading_s(many) / reading_s(one) for _ in range(rounds)]


# ------------------------------------------------------------------------------------------ compaction
class Seen(NamedTuple):
    """What a reader finds at a moment: how many rows, in how many files."""

    rows: int
    files: int


def compaction_by_hand(files: int = 12, rows_a_file: int = 10) -> list[Seen]:
    """Replace many files in a folder by one, the new one first, and look after each step."""
    rows = files * rows_a_file
    with folder_of(files, rows) as folder, connected() as connection:
        seen = [_look(connection, folder)]
        small = sorted(folder.glob("*.parquet"))
        question = f"select * from '{folder}/*.parquet'"  # noqa: S608  a folder of ours
        connection.execute(f"copy ({question}) to '{folder}/all.parquet' (format parquet)")
        seen.append(_look(connection, folder))
        for path in small:
            path.unlink()
            seen.append(_look(connection, folder))
    return seen


def reader_finds(seen: list[Seen]) -> str:
    """Say what is the worst that a reader meets in between."""
    rows = seen[0].rows
    most, least = max(one.rows for one in seen), min(one.rows for one in seen)
    return "some rows missing" if least < rows else "some rows twice" if most > rows else "every row once"


def rows_found(seen: list[Seen]) -> list[tuple[float, float]]:
    """Return (percent of the steps that are done, rows that a reader finds)."""
    return [(100 * step / (len(seen) - 1), one.rows) for step, one in enumerate(seen)]


def _look(connection: Any, folder: Path) -> Seen:
    [(rows,)] = connection.execute(f"select count(*) from '{folder}/*.parquet'").fetchall()  # noqa: S608  of ours
    return Seen(rows, len(list(folder.glob("*.parquet"))))


def compaction_by_commit(files: int = 12, rows_a_file: int = 10) -> list[Seen]:
    """Do the same in a table of the lake, and look after each object that is put: the last is the commit."""
    seen: list[Seen] = []
    store, codec, fields = _Watched(), Parquet(), Fields.of("id long, pulse long")
    table = LakeTable.create(TableLog(store, "pings", codec), fields)
    for number in range(files):
        ids = list(range(number * rows_a_file, (number + 1) * rows_a_file))
        table.append({"id": ids, "pulse": [one % 97 for one in ids]})

    def look() -> None:
        reader = TableLog(store, "pings", codec).snapshot()
        rows = len(LakeTable(TableLog(store, "pings", codec)).read("id").rows)
        seen.append(Seen(rows, len(reader.files)))

    look()
    store.after_put = look
    table.compact()
    return seen


class _Watched(JournaledStore):
    """A bucket that calls somebody after each put."""

    def __init__(self) -> None:
        super().__init__(VolatileDisk())
        self.after_put: Any = None

    def put(self, *given: Any, **named: Any) -> Any:
        """Put, then let somebody look."""
        told = super().put(*given, **named)
        if self.after_put is not None:
            self.after_put()
        return told
