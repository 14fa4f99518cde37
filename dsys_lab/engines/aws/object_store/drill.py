"""One story for every object store, model or real: what each call came to, line by line.

The engines and the model must tell the same story; where they do not, `S3` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from dsys_lab.engines.aws.object_store.bucket import S3Bucket
from dsys_lab.engines.aws.object_store.endpoint import SeaweedConnection
from dsys_lab.errors import DsysLabError, require_choice
from dsys_lab.stores.object_store import JournaledStore, ObjectStore
from dsys_lab.structures.disk import VolatileDisk

ENGINES: Final = ("model", "s3", "seaweedfs")
KEY: Final = "pings/2017-01-01/17"


def drill(engine: str) -> list[tuple[str, str]]:
    """Return (call, outcome) of a dozen calls on a fresh bucket.

    Parameters
    ----------
    engine : str
        "model", "s3" (moto, or where the setting says) or "seaweedfs".
    """
    with opened(engine) as store:
        return [(name, _outcome(partial(call, store))) for name, call in CALLS.items()]


def cycles(engine: str, *, count: int = 30) -> None:
    """Put and get so many small objects, one after the other."""
    with opened(engine) as store:
        for number in range(count):
            store.put(f"pings/{number}", b"435 minutes")
            store.get(f"pings/{number}")


@contextmanager
def opened(engine: str) -> Iterator[ObjectStore]:
    """Open an empty store of this kind; afterwards it is gone."""
    require_choice("engine", engine, ENGINES)
    if engine == "model":
        yield JournaledStore(VolatileDisk())
        return
    with S3Bucket(over=SeaweedConnection.shared() if engine == "seaweedfs" else None) as bucket:
        yield bucket


def _outcome(call: Callable[[], object]) -> str:
    try:
        return str(call())
    except DsysLabError as error:
        return type(error).__name__


def _parts(store: ObjectStore, *sizes: int) -> str:
    """Upload parts of these sizes, and complete."""
    upload = store.begin_upload("night.parquet")
    parts = [store.put_part(upload, number, bytes(size)) for number, size in enumerate(sizes, start=1)]
    before = store.head("night.parquet")
    try:
        whole = store.complete(upload, parts)
    except DsysLabError as error:
        left = [part.number for part in store.parts(upload)]
        store.abort(upload)
        return f"{type(error).__name__}; parts {left} are still there"
    return f"not there, then {whole.size_bytes:,} bytes at once" if before is None else "there too early"


def _stale(store: ObjectStore) -> object:
    """Read, let somebody else write, and write on the condition that nobody did."""
    read = store.put("counter", b"1").etag
    store.put("counter", b"2")
    return store.put("counter", b"2", if_match=read)


def _marked(store: ObjectStore) -> str:
    """Keep versions, overwrite, delete; what is there, and what is kept?"""
    store.keep_versions()
    store.put(KEY, b"440 minutes")
    store.delete(KEY)
    found = ["marker" if one.is_marker else f"{one.size_bytes} bytes" for one in store.versions(KEY)]
    return f"{store.get(KEY)}; kept: {', '.join(found)}"


CALLS: Final[dict[str, Callable[[ObjectStore], object]]] = {
    "get what is not there": lambda store: store.get(KEY),
    "put if absent": lambda store: store.put(KEY, b"435 minutes", if_absent=True).size_bytes,
    "put if absent, again": lambda store: store.put(KEY, b"0", if_absent=True),
    "get bytes 4 to 6": lambda store: (found := store.get(KEY, first=4, size_bytes=3)) and found.data,
    "put on an old tag": _stale,
    "delete what is not there": lambda store: store.delete("nothing"),
    "list with a delimiter": lambda store: store.list("pings/", delimiter="/").folders,
    "parts of 5 MiB and 1 byte": lambda store: _parts(store, 5 << 20, 1),
    "parts of 1 byte and 5 MiB": lambda store: _parts(store, 1, 5 << 20),
    "part 10,001": lambda store: store.put_part(store.begin_upload("x"), 10_001, b""),
    "keep versions, put, delete": _marked,
}
