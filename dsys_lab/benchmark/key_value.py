"""Keys and values: the models in Python against RocksDB and SQLite, which are called from Python as well.

All in temporary folders, no write waits for the disk, 10 bytes of key and 100 of value in random order; memtables and
files of 1 MiB on either side.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.rocksdb import RocksdbStore
from dsys_lab.stores.key_value import HashStore, Leveled, LsmStore, Tiered
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import RealDisk

KEYS: Final = 50_000
READS: Final = 4_000
SCANS: Final = 100
SCANNED: Final = 100
VALUE: Final = bytes(range(100))

Make = Callable[[Path], Any]


def lsm() -> None:
    """Puts, gets of keys that are there and that are not, and scans, against RocksDB."""
    makers: dict[str, Make] = {
        "LSM, leveled": lambda folder: LsmStore(RealDisk(folder), policy=Leveled(), fsync=NEVER),
        "RocksDB, leveled": lambda folder: RocksdbStore(folder, policy=Leveled(), durable=False),
        "LSM, tiered": lambda folder: LsmStore(RealDisk(folder), policy=Tiered(), fsync=NEVER),
        "RocksDB, universal": lambda folder: RocksdbStore(folder, policy=Tiered(), durable=False),
    }
    _compare_all("the LSM store and RocksDB", makers, scans=True)


def hash_store() -> None:
    """The same for the hash store, against a table of SQLite with one transaction a put."""
    makers: dict[str, Make] = {
        "hash store": lambda folder: HashStore(RealDisk(folder), fsync=NEVER, segment_bytes=16 << 20),
        "SQLite": _Sqlite,
    }
    _compare_all("the hash store and SQLite", makers, scans=False)


def _compare_all(title: str, makers: dict[str, Make], *, scans: bool) -> None:
    order = list(range(KEYS))
    Random(1).shuffle(order)
    keys = [b"k%09d" % (2 * number) for number in order]
    absent = [b"k%09d" % (2 * number + 1) for number in order[:READS]]
    with TemporaryDirectory(prefix="dsys_lab-") as name:
        folders = iter(Path(name) / str(number) for number in range(1_000))

        def filled(make: Make) -> Any:
            store = make(next(folders))
            for key in keys:
                store.put(key, VALUE)
            return store

        def puts(make: Make) -> Callable[[], float]:
            def run() -> float:
                filled(make).close()
                return KEYS

            return run

        compare(f"{KEYS:,} puts: {title}", "puts", [Rival(one, puts(make)) for one, make in makers.items()])
        stores = {one: filled(make) for one, make in makers.items()}

        def reads(wanted: Sequence[bytes]) -> list[Rival]:
            return [Rival(one, partial(_got, store, wanted)) for one, store in stores.items()]

        compare(f"Gets of keys that are there: {title}", "gets", reads(keys[:READS]))
        compare(f"Gets of absent keys: {title}", "gets", reads(absent))
        if scans:
            rivals = [Rival(one, partial(_scanned, store, keys)) for one, store in stores.items()]
            compare(f"Scans of {SCANNED} pairs: {title}", "scans", rivals)
        for store in stores.values():
            store.close()


def _got(store: Any, keys: Sequence[bytes]) -> float:
    for key in keys:
        store.get(key)
    return len(keys)


def _scanned(store: Any, keys: Sequence[bytes]) -> float:
    for key in keys[:SCANS]:
        for _ in zip(range(SCANNED), store.scan(key), strict=False):
            pass
    return SCANS


class _Sqlite:
    """A table of keys and values; what it is given is not checked."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._database = sqlite3.connect(folder / "pairs.sqlite", isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = off")
        self._database.execute("create table pair (key blob primary key, value blob not null) without rowid")

    def put(self, key: bytes, value: bytes, *, now_us: int = 0) -> None:
        self._database.execute("insert or replace into pair values (?, ?)", (key, value))

    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        found = self._database.execute("select value from pair where key = ?", (key,)).fetchone()
        return found[0] if found else None

    def close(self) -> None:
        self._database.close()
