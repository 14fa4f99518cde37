"""Objects: the store in Python against plain files, and its erasure code against the library that it asks.

All in temporary folders of the same disk. Plain files are written with as many syncs as they need to survive a crash,
to a new name that then replaces the old one; so both keep the same promise.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reedsolo import RSCodec

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.stores.object_store import ErasureCode, JournaledStore, ShardedBlobs
from dsys_lab.structures.disk import RealDisk

MB: Final = 1_000_000
SIZES: Final = {"1 kB": 1_000, "1 MB": MB}
COUNT: Final = 40
CODED: Final = 4 * MB
SHORT: Final = 100_000
"""The library alone is slow: it gets less to do, and both are told in megabytes a second."""


def objects() -> None:
    """Puts and gets of small and large objects, durable when acknowledged."""
    for size, size_bytes in SIZES.items():
        data = os.urandom(size_bytes)
        with TemporaryDirectory(prefix="dsys_lab-") as name:
            folders = iter(Path(name) / str(number) for number in range(1_000))

            def store(*, sharded: bool = False) -> JournaledStore:
                folder = next(folders)  # noqa: B023  # it is called before the next size
                drives = [RealDisk(folder / str(drive)) for drive in range(9)] if sharded else []
                blobs = ShardedBlobs(drives, ErasureCode(5, 4)) if sharded else None
                return JournaledStore(RealDisk(folder / "journal"), blobs=blobs)

            stores = {"object store": store(), "object store, 5 + 4 shards": store(sharded=True)}
            files = next(folders)
            files.mkdir()

            def puts(put: Callable[[str, bytes], object], data: bytes = data) -> Callable[[], float]:
                def run() -> float:
                    for number in range(COUNT):
                        put(f"k{number}", data)
                    return COUNT

                return run

            def gets(get: Callable[[str], object]) -> Callable[[], float]:
                def run() -> float:
                    for number in range(COUNT):
                        get(f"k{number}")
                    return COUNT

                return run

            written: dict[str, Callable[[str, bytes], object]] = {"plain files": partial(_replace, files)}
            written |= {one: made.put for one, made in stores.items()}
            read: dict[str, Callable[[str], object]] = {"plain files": partial(_read, files)}
            read |= {one: made.get for one, made in stores.items()}
            compare(f"{COUNT} durable puts of {size}", "puts", [Rival(one, puts(put)) for one, put in written.items()])
            compare(f"{COUNT} gets of {size}", "gets", [Rival(one, gets(get)) for one, get in read.items()])


def erasure() -> None:
    """Megabytes a second that are coded into 5 + 4 shards, and brought back where four of the data's are gone."""
    code, library = ErasureCode(5, 4), RSCodec(4, nsize=9)
    data = os.urandom(CODED)
    shards = code.encode(data)
    left = [None, None, None, None, *shards[4:]]

    def encoded() -> float:
        code.encode(data)
        return CODED / MB

    def decoded() -> float:
        code.decode(left, CODED)
        return CODED / MB

    def by_library() -> float:
        library.encode(data[:SHORT])
        return SHORT / MB

    rivals = [Rival("reedsolo alone", by_library), Rival("its constants, numpy", encoded)]
    compare("Coding 5 + 4", "MB", [*rivals, Rival("bringing back four of nine", decoded)])


def _read(folder: Path, key: str) -> bytes:
    return (folder / key).read_bytes()


def _replace(folder: Path, key: str, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    path, fresh = folder / key, folder / f"{key}.new"
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    names = os.open(folder, os.O_RDONLY)
    os.fsync(names)
    os.close(names)
