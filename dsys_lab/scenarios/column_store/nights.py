"""The nights of Slumber in a warehouse, in whatever order and wherever they are wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.stores.warehouse import Cluster, Distribution, Warehouse
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import NO_TRACE, Recorder
from dsys_lab.workloads.slumber import Slumber, minutes
from dsys_lab.workloads.slumber.delivery import deliveries

SEED: Final = 7
NIGHTS: Final = 60_000
NIGHTS_MOST: Final = 400_000
NIGHT: Final = Schema.of(
    "night_id u64, person_id u32, date_key u16, city_id u8, age u8, bed_min u16, minutes_sleep u16?, awakenings u8, "
    "avg_hr u8, fw u8, status u8, sync_lag_s u32, note text"
)
"""A night, all thirteen columns."""
NARROW: Final = Schema.of("night_id u32, person_id u32, date_key u16, city_id u8, minutes_sleep u16?")
PERSON: Final = Schema.of("person_id u32, name text, plan u8")
CITY: Final = Schema.of("city_id u8, city text, country text")
ORDERS: Final = ("by date", "by person", "shuffled", "as they arrived")


@lru_cache(maxsize=4)
def night_columns(nights: int = NIGHTS, seed: int = SEED) -> Mapping[str, Any]:
    """Return the nights by column, in the order in which they happened; NULL is masked."""
    if not isinstance(nights, int) or not 100 <= nights <= NIGHTS_MOST:
        raise BadParameter(f"nights = {nights!r}: give 100 to {NIGHTS_MOST:,}")
    read = dict(Slumber(seed, nights).read("night"))
    read["minutes_sleep"] = minutes(read)
    return {name: read[name] for name in NIGHT.names}


@lru_cache(maxsize=8)
def order_of(order: str, nights: int = NIGHTS, seed: int = SEED) -> Any:
    """Return the positions of the nights in an order of `ORDERS`."""
    require_choice("order", order, ORDERS)
    if order == "by date":
        return np.arange(nights)
    if order == "by person":
        return np.argsort(night_columns(nights, seed)["person_id"], kind="stable")
    if order == "shuffled":
        return np.random.default_rng([seed, nights]).permutation(nights)
    came = deliveries(seed, 0, nights)
    first = came["copy"] == 0
    return came["event_id"][first][np.argsort(came["arrived_s"][first], kind="stable")].astype(np.int64)


def in_order(order: str, schema: Schema = NARROW, nights: int = NIGHTS, seed: int = SEED) -> dict[str, Any]:
    """Return columns of the nights in an order, as `copy` takes them."""
    columns, positions = night_columns(nights, seed), order_of(order, nights, seed)
    return {name: columns[name][positions] for name in schema.names}


def files_of(columns: Mapping[str, Any], files: int) -> list[dict[str, Any]]:
    """Return the columns cut into as many files, each with neighbouring rows."""
    rows = len(next(iter(columns.values())))
    if not 1 <= files <= rows:
        raise BadParameter(f"files = {files!r}: give 1 to {rows:,}")
    ends = np.linspace(0, rows, files + 1).astype(int)
    return [{name: values[a:b] for name, values in columns.items()} for a, b in pairwise(ends)]


def small_tables(nights: int = NIGHTS, seed: int = SEED) -> dict[str, tuple[Schema, dict[str, Any]]]:
    """Return the people and the cities, as schema and columns by name."""
    world = Slumber(seed, nights)
    return {
        name: (schema, {column: world.read(name)[column] for column in schema.names})
        for name, schema in (("person", PERSON), ("city", CITY))
    }


def warehouse(
    *, cluster: Cluster | None = None, nights: int = NIGHTS, distribution: Mapping[str, Distribution] | None = None,
    sort_key: Sequence[str] = (), order: str = "by date", block_bytes: int = 1 << 14, recorder: Recorder = NO_TRACE,
    executor: Any = None,
) -> Warehouse:  # fmt: skip
    """Return a warehouse with nights, people and cities."""
    lab = Warehouse(cluster, block_bytes=block_bytes, recorder=recorder, executor=executor)
    styles = distribution or {}
    lab.create_table("night", NARROW, distribution=styles.get("night"), sort_key=sort_key)
    lab.copy("night", [in_order(order, nights=nights)])
    for name, (schema, columns) in small_tables(nights).items():
        lab.create_table(name, schema, distribution=styles.get(name))
        lab.copy(name, [columns])
    return lab
