"""The flights of New York as documents: what has no value is not there, and a plane's flights are found by its number.

A flight that was cancelled has no departure, and so no field for it: `{"$exists": False}` finds what a column of a
table would hold as NULL.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import duckdb

from dsys_lab.errors import BadParameter
from dsys_lab.stores.document_store import COLLSCAN, Collection
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.workloads import flights

FIELDS: Final = (
    "month", "day", "dep_time", "dep_delay", "arr_delay", "carrier", "tailnum", "origin", "dest", "distance",
)  # fmt: skip
INDEXES: Final = (("dest", "dep_delay"), ("tailnum",))
QUESTIONS: Final[dict[str, dict[str, Any]]] = {
    "to Honolulu": {"dest": "HNL"},
    "to Chicago, over two hours late": {"dest": "ORD", "dep_delay": {"$gt": 120}},
    "plane N518MQ": {"tailnum": "N518MQ"},
    "no plane assigned": {"tailnum": {"$exists": False}},
    "cancelled": {"dep_time": {"$exists": False}},
}


@lru_cache(maxsize=1)
def flight_collection(day: int = 8, month: int = 2, days: int = 3) -> Collection:
    """Return the flights of some days as documents, with two indexes; by default about the blizzard of 8 February.

    Raises
    ------
    BadParameter
        If there are no flights on these days.
    """
    with duckdb.connect() as connection:
        columns = flights.columns(connection, "flights", *FIELDS)
    collection = Collection(VolatileDisk(), fsync=NEVER, place="flights")
    rows = zip(*(columns[name].tolist() for name in FIELDS), strict=True)
    for number, values in enumerate(rows):
        if values[0] == month and day <= values[1] < day + days:
            flight = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
            collection.insert({"_id": number, **flight})
    if not collection.status().documents:
        raise BadParameter(f"no flights on {days} days from 2013-{month:02d}-{day:02d} on: give a day of 2013")
    for paths in INDEXES:
        collection.create_index(*paths)
    return collection


def asked_of_flights() -> dict[str, dict[str, Any]]:
    """Ask each question; return the way that the planner took and what was looked at."""
    collection = flight_collection()
    told = {}
    for words, asked in QUESTIONS.items():
        one = collection.explain(asked)
        way = next((stage.on for stage in one.stages if stage.name == "IXSCAN"), COLLSCAN)
        told[words] = {"way": way, "keys": one.keys_examined, "documents": one.docs_examined, "returned": one.returned}
    return told


def sizes() -> dict[str, float]:
    """Return how many flights there are, bytes a flight as a document, and how many of these are names and tags."""
    collection = flight_collection()
    documents = collection.documents()
    names = sum(2 + len(name) for one in documents for name in one)
    return {
        "flights": len(documents),
        "bytes a document": round(collection.status().document_bytes / len(documents), 1),
        "of these names and tags": round(names / len(documents), 1),
    }
