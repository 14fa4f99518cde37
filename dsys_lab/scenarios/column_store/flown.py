"""The flights of 2013 in a warehouse: nobody arranged them for an example.

1. `orders`: blocks that a day and a plane cost, by the order in which the flights lie; the file's own order is one.
2. `rows_by_slice`, `carriers`: what lies where if the airline is the key, or the plane, and who waits for whom.
3. `joins`: flights and planes, by where both lie.
4. `packed`: how small the columns become, in the file's order and sorted by day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import duckdb
import numpy as np

from dsys_lab import laws
from dsys_lab.errors import require_choice
from dsys_lab.scenarios.column_store.sorting import share
from dsys_lab.stores.warehouse import All, Cluster, Distribution, Even, Key, Warehouse
from dsys_lab.structures.schema import Schema
from dsys_lab.workloads import flights

FLIGHT: Final = Schema.of("month i32, day i32, carrier text, tailnum text?, origin text, dest text, dep_delay i32?, "
                          "distance i32")  # fmt: skip
PLANE: Final = Schema.of("tailnum text, year i32?, manufacturer text, seats i32")
PLAIN: Final = ("month", "day", "tailnum")
EVERY: Final = 10
"""Each so-many-th flight is taken, for the model is written in Python."""
DAY: Final = "SELECT count(dep_delay), avg(dep_delay) FROM flights WHERE month = 2 AND day = 8"
PLANE_OF: Final = "SELECT count(dest) FROM flights WHERE tailnum = 'N14228'"
BY_MAKER: Final = (
    "SELECT manufacturer, count(*), avg(distance) FROM flights f JOIN planes p ON f.tailnum = p.tailnum "
    "GROUP BY manufacturer"
)
BY_CARRIER: Final = "SELECT carrier, count(*), sum(dep_delay), avg(distance) FROM flights GROUP BY carrier"
ORDERS: Final = {"as in the file": (), "by day": ("month", "day"), "by plane": ("tailnum",)}


@lru_cache(maxsize=1)
def tables() -> Mapping[str, tuple[Schema, Mapping[str, Any]]]:
    """Return flights and planes as schema and columns."""
    with duckdb.connect() as connection:
        flown = flights.columns(connection, "flights", *FLIGHT.names)
        planes = flights.columns(connection, "planes", *PLANE.names)
    return {
        "flights": (FLIGHT, {name: column[::EVERY] for name, column in flown.items()}), "planes": (PLANE, planes),
    }  # fmt: skip


def warehouse(
    *, cluster: Cluster | None = None, styles: Mapping[str, Distribution] | None = None, sort_key: Sequence[str] = (),
    columns: Sequence[str] = FLIGHT.names, planes: Sequence[str] = (), plain: bool = True,
) -> Warehouse:  # fmt: skip
    """Return a warehouse of these columns of the flights, and of the planes, if any of theirs are named."""
    lab = Warehouse(cluster or Cluster(1, 1), block_bytes=4_096)
    for name, chosen in (("flights", columns), ("planes", planes)):
        if not chosen:
            continue
        whole, values = tables()[name]
        schema = Schema(tuple(whole.columns[whole.position(column)] for column in chosen))
        encodings = {column: "plain" for column in PLAIN if column in chosen} if plain and name == "flights" else None
        lab.create_table(
            name, schema, distribution=(styles or {}).get(name), sort_key=sort_key if name == "flights" else (),
            encodings=encodings,
        )  # fmt: skip
        lab.copy(name, [{column: values[column] for column in chosen}])
    return lab


def orders() -> dict[str, dict[str, float]]:
    """Return the share of blocks that a day and a plane read, in three orders."""
    told = {}
    for order, key in ORDERS.items():
        lab = warehouse(sort_key=key, columns=("month", "day", "tailnum", "dest", "dep_delay"))
        day, plane = lab.query(DAY), lab.query(PLANE_OF)
        told[order] = {
            "8 February: share of the day's blocks": share(day, "flights.day"),
            "one plane: share of the planes' blocks": share(plane, "flights.tailnum"),
        }
    return told


@lru_cache(maxsize=4)
def rows_by_slice(key: str, slices: int = 16) -> tuple[int, ...]:
    """Return how many flights each slice works on, if a column is the key."""
    require_choice("key", key, ("carrier", "tailnum"))
    named = ("carrier", "tailnum", "dep_delay", "distance")
    lab = warehouse(cluster=Cluster(slices, 1), styles={"flights": Key(key)}, columns=named)
    return lab.query(BY_CARRIER).worked_rows


def carriers(slices: int = 16) -> dict[str, dict[str, Any]]:
    """Return by key how many values it has, the share of the most frequent, and what the fullest slice makes wait."""
    _, columns = tables()["flights"]
    told = {}
    for key in ("carrier", "tailnum"):
        named = np.ma.masked_array(columns[key])
        counts = np.unique(named.compressed(), return_counts=True)[1]
        worked = rows_by_slice(key, slices)
        told[key] = {
            "different": len(counts), "largest share": f"{counts.max() / counts.sum():.1%}",
            "empty slices": worked.count(0), "times the mean": round(laws.straggler_ratio(worked), 2),
        }  # fmt: skip
    return told


def joins(nodes: int = 4) -> dict[str, dict[str, Any]]:
    """Return what a join of flights and planes moves, by where both lie; the answers are the same."""
    ways: dict[str, dict[str, Distribution]] = {
        "both by plane": {"flights": Key("tailnum"), "planes": Key("tailnum")},
        "planes on every node": {"flights": Even(), "planes": All()},
        "both in turn": {"flights": Even(), "planes": Even()},
    }
    told = {}
    for way, styles in ways.items():
        lab = warehouse(
            cluster=Cluster(nodes, 1), styles=styles, columns=("tailnum", "distance"),
            planes=("tailnum", "manufacturer"),
        )  # fmt: skip
        answer = lab.query(BY_MAKER)
        told[way] = {"label": answer.label, "bytes": answer.shuffled_bytes, "answer": answer.digest()}
    return told


def packed() -> dict[str, dict[str, int]]:
    """Return the bytes of each column in two orders, each block with the encoding that is chosen for it."""
    told: dict[str, dict[str, int]] = {}
    for order in ("as in the file", "by day", "by plane"):
        lab = warehouse(sort_key=ORDERS[order], plain=False)
        for block in lab.blocks("flights"):
            if block.column in FLIGHT.names:
                sizes = told.setdefault(block.column, {})
                sizes[order] = sizes.get(order, 0) + block.size_bytes
    return told
