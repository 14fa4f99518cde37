"""Tables to ask: the nights of some sleepers by every access path, and the flights of New York by every key.

The nights are Slumber's own (`dsys_lab.workloads.slumber`); the flights are real (`dsys_lab.workloads.flights`).
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.laws import accepted_units
from dsys_lab.stores.key_value.partitioned import (
    Compare,
    Gate,
    GlobalIndex,
    KeySchema,
    LocalIndex,
    Page,
    PartitionedTable,
    Range,
    Settings,
)
from dsys_lab.stores.key_value.partitioned.keys import hash_of
from dsys_lab.stores.key_value.partitioned.verbs import pages
from dsys_lab.structures.hash_ring import POSITIONS
from dsys_lab.workloads import flights
from dsys_lab.workloads.slumber.nights import night_table

NIGHTS: Final = KeySchema("person", "night")
BY_CITY: Final = GlobalIndex("by_city", KeySchema("city", "night"))
BY_MINUTES: Final = LocalIndex("by_minutes", "minutes")
QUESTIONS: Final = ("last night of 17", "shortest night of 17", "all in city 3 in the last week")
PATHS: Final = ("get", "query", "local index", "global index", "scan")
LATER_US: Final = 60_000_000
"""When it is asked: by then the index by city has taken everything in."""
FLIGHT_KEYS: Final = ("origin", "carrier", "dest", "tailnum", "flight and day")


# ------------------------------------------------------------------------------------------ access paths
@lru_cache(maxsize=1)
def night_cards(nights: int = 4_650, seed: int = 7) -> PartitionedTable:
    """Return a table of Slumber's first nights, each an item of some 90 bytes, with both kinds of index."""
    much: dict[str, Any] = {"write_rate": 1e9, "write_limit": 1e9, "read_rate": 1e9, "read_limit": 1e9}
    table = PartitionedTable(
        "nights", NIGHTS,
        Settings(partitions=4, local_indexes=(BY_MINUTES,), global_indexes=(BY_CITY,), split=None, **much),
    )  # fmt: skip
    columns = night_table(seed, 0, nights)
    names = ("person_id", "date_key", "city_id", "minutes_sleep", "awakenings", "avg_hr", "bed_min")
    for person, day, city, minutes, woke, heart, bed in zip(*(columns[name].tolist() for name in names), strict=True):
        table.put(0, {
            "person": str(person), "night": f"{day:04d}", "city": f"city {city}", "minutes": minutes,
            "awakenings": woke, "heart_rate": heart, "bed_minute": bed, "firmware": "1.0.7",
        })  # fmt: skip
    table.tick(LATER_US)
    return table


def ask(question: str, path: str) -> dict[str, float] | None:
    """Answer a question by an access path; return what was examined, returned and paid, or None if it cannot.

    Returns
    -------
    dict
        `calls`, `examined` and `returned` items, `units` (eventual reads).
    """
    require_choice("question", question, QUESTIONS)
    require_choice("path", path, PATHS)
    table = night_cards()
    last = max(key.sort for partition in table.partitions for key, _ in partition.group.read(strong=True))
    week = f"{int(last) - 6:04d}"
    newest = pages(table.query, LATER_US, "17", descending=True)[0].items[0]["night"]
    told: list[Page] | None = None
    match question, path:
        case "last night of 17", "get":
            read = table.get(LATER_US, {"person": "17", "night": newest})
            return {"calls": 1, "examined": 1, "returned": 1, "units": read.units}
        case "last night of 17", "query":
            told = [table.query(LATER_US, "17", descending=True, limit=1)]
        case "shortest night of 17", "query":
            told = pages(table.query, LATER_US, "17")
            return _told(told, returned=1)
        case "shortest night of 17", "local index":
            told = [table.query(LATER_US, "17", index="by_minutes", limit=1)]
        case "all in city 3 in the last week", "global index":
            told = pages(table.query, LATER_US, "city 3", Range(low=week), index="by_city")
        case _, "scan":
            wanted = Compare("city", "=", "city 3") & Compare("night", ">=", week)
            if "17" in question:
                wanted = Compare("person", "=", "17") & Compare("night", "=", newest)
            told = pages(table.scan, LATER_US, filtered=wanted)
            if question == "shortest night of 17":
                return _told(pages(table.scan, LATER_US, filtered=Compare("person", "=", "17")), returned=1)
    return None if told is None else _told(told)


def _told(told: list[Page], *, returned: int | None = None) -> dict[str, float]:
    return {
        "calls": len(told),
        "examined": sum(page.examined for page in told),
        "returned": sum(len(page.items) for page in told) if returned is None else returned,
        "units": sum(page.units for page in told),
    }


def access_paths(question: str) -> dict[str, dict[str, float]]:
    """Return what each access path that can answer a question costs."""
    found = {path: ask(question, path) for path in PATHS}
    return {path: told for path, told in found.items() if told is not None}


# ------------------------------------------------------------------------------------------ the real flights
@lru_cache(maxsize=1)
def _flights() -> dict[str, Any]:
    with duckdb.connect() as connection:
        names = ("month", "day", "origin", "carrier", "dest", "tailnum", "flight")
        return flights.columns(connection, "flights", *names)


def flight_keys(key: str) -> list[str | None]:
    """Return the partition key of each flight of 2013 under a scheme; None where the flight has none."""
    require_choice("key", key, FLIGHT_KEYS)
    told = _flights()
    if key == "flight and day":
        parts = (told[name].tolist() for name in ("carrier", "flight", "month", "day"))
        return [f"{carrier}{flight}/{month}-{day}" for carrier, flight, month, day in zip(*parts, strict=True)]
    column = told[key]
    missing = np.ma.getmaskarray(column)
    return [None if gone else str(value) for value, gone in zip(np.ma.getdata(column).tolist(), missing, strict=True)]


def flight_loads(
    key: str, *, partitions: int = 8, offered: float = 6_000.0, limit: float = 1_000.0
) -> dict[str, float]:
    """Return how the flights, written at `offered` units a second, fall on partitions if this is their key.

    Returns
    -------
    dict
        `keys`: different ones; `hottest`: flights with the most frequent one; `without`: flights that have
        none and cannot be stored; `law` and `counted`: the share that passes.
    """
    if partitions < 1:
        raise BadParameter(f"partitions = {partitions!r}: give 1 or more")
    every = flight_keys(key)
    there = [one for one in every if one is not None]
    counts = Counter(there)
    on = Counter[int]()
    for one, count in counts.items():
        on[hash_of(one) * partitions // POSITIONS] += count
    offered_to = [offered * on[number] / len(there) for number in range(partitions)]
    names = [f"p{number}" for number in range(partitions)]
    gate = Gate(rate=offered, mode="global", kind="Write", partitions=names, limit=limit, saved=0.0)
    for name in names:  # the buckets begin with a second's worth: empty them first
        while not gate.admit(0, name, 5):
            pass
    before = sum(use.passed for use in gate.status().values())
    chosen = np.random.RandomState(2013).randint(0, len(there), 6_000).tolist()
    for number, which in enumerate(chosen):
        gate.admit(int(number * 20 / offered * 1e6), names[hash_of(there[which]) * partitions // POSITIONS], 20)
    passed = (sum(use.passed for use in gate.status().values()) - before) / (20 * len(chosen))
    return {
        "keys": len(counts), "hottest": max(counts.values()), "without": len(every) - len(there),
        "law": accepted_units(offered_to, [limit] * partitions) / offered, "counted": passed,
    }  # fmt: skip
