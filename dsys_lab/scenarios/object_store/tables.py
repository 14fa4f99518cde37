"""What is asked of a bucket that is full: a folder renamed, and the flights of a week as dated objects.

Every number is counted: requests by the store's own count, bytes as they were really put and read. Prices come from
`facts.toml`.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any, Final

import duckdb

from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.facts import fact
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.workloads import flights

WRITES: Final = ("put", "copy", "begin_upload", "put_part", "complete", "list")
READS: Final = ("get", "head")
LAYOUTS: Final = ("an object a flight", "an object a day", "an object a week")


class _Stopped(Exception):
    """Who renames is gone."""


def renamed(objects: int = 40, *, size_bytes: int = 1_000, stops_after: int | None = None) -> dict[str, int]:
    """Rename a folder of so many objects, the only way there is; return what it took, and what is there afterwards.

    Parameters
    ----------
    stops_after : int, optional
        Whoever renames is gone after so many copies.
    """
    require_positive(objects=objects)
    require_not_negative(size_bytes=size_bytes, stops_after=stops_after or 0)
    store = JournaledStore(VolatileDisk())
    for number in range(objects):
        store.put(f"old/{number:04d}", bytes(size_bytes))
    before, copied = dict(store.status().requests), 0
    with suppress(_Stopped):
        names = [facts.key for facts in every(store, "old/")]
        for number, name in enumerate(names):
            if number == stops_after:
                raise _Stopped
            store.copy(name, f"new/{name[4:]}")
            copied += size_bytes
        for name in names:
            store.delete(name)
    after = store.status().requests
    return {
        "requests": sum(count - before.get(verb, 0) for verb, count in after.items()),
        "bytes copied": copied,
        "under old/": sum(1 for _ in every(store, "old/")),
        "under new/": sum(1 for _ in every(store, "new/")),
    }


def price_usd(requests: dict[str, int]) -> float:
    """Return what requests cost, by the prices of `facts.toml`."""
    writes, reads = (sum(requests.get(verb, 0) for verb in verbs) for verbs in (WRITES, READS))
    return (writes * fact("s3_price_put").value + reads * fact("s3_price_get").value) / 1_000


@cache
def _week() -> list[tuple[int, bytes]]:
    """Return (day, its line of CSV) of every flight in the first seven days of July, in order of the days."""
    names = ("month", "day", "carrier", "flight", "origin", "dest")
    found = flights.columns(duckdb, "flights", *names)
    rows = sorted(row for row in zip(*(found[name].tolist() for name in names), strict=True) if row[0] == 7)
    return [(row[1], ",".join(map(str, row)).encode() + b"\n") for row in rows if row[1] <= 7]


def flight_objects(layout: str) -> dict[str, Any]:
    """Put a week of flights as dated objects, and read one day of it; return what it took.

    Parameters
    ----------
    layout : str
        One of `LAYOUTS`.
    """
    require_choice("layout", layout, LAYOUTS)
    store = JournaledStore(VolatileDisk(), checkpoint_records=1_000_000)
    grouped: dict[str, list[bytes]] = {}
    for number, (day, line) in enumerate(_week()):
        grouped.setdefault(_key(layout, day, number), []).append(line)
    for key, lines in grouped.items():
        store.put(key, b"".join(lines))
    put = dict(store.status().requests)
    prefix = "flights/2013/07" if layout == LAYOUTS[2] else "flights/2013/07/04"
    got = [store.get(facts.key) for facts in every(store, prefix)]
    asked = {verb: count - put.get(verb, 0) for verb, count in store.status().requests.items()}
    return {
        "objects": len(grouped),
        "USD to put them, a thousand times": 1_000 * price_usd(put),
        "requests for a day": sum(asked.values()),
        "bytes read for a day": sum(found.size_bytes for found in got if found is not None),
        "USD for a day, a thousand times": 1_000 * price_usd(asked),
    }


def _key(layout: str, day: int, number: int) -> str:
    """Return the key under which a flight lies."""
    words = {LAYOUTS[0]: f"/{day:02d}/{number:06d}", LAYOUTS[1]: f"/{day:02d}", LAYOUTS[2]: ""}
    return f"flights/2013/07{words[layout]}.csv"
