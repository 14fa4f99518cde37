"""A destination that is asked in SQL: a warehouse is filled through a bucket.

Firehose puts a crate into a bucket first and then tells Amazon Redshift to `COPY` it; only if both went well is the
crate delivered. So a warehouse that is down, or refuses a row, loses nothing: the object is there, and the crate is
tried again, or goes to the backup with the others. But the load of a crate that comes twice is made twice, and a
warehouse enforces no primary key. Two ways to load:

=========  =================================================================================================
`copy`     add all rows of the object, in one transaction: a crate that comes twice counts twice
`merge`    load them beside the table, one of each id, and let each take the place of the row with its id: it counts
           once
=========  =================================================================================================

The same two ways in the model of lab 06 and in DuckDB, from the same Parquet objects.

Sources: Amazon Data Firehose Developer Guide, "Understand data delivery" (Amazon Redshift); Amazon Redshift Database
Developer Guide, "COPY" and "MERGE", read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

import pandas as pd

from dsys_lab.brokers.delivery_stream import Destination
from dsys_lab.engines.delivery_stream.parquet import ParquetCrates
from dsys_lab.engines.duckdb.connection import connected
from dsys_lab.errors import Refused, require_choice
from dsys_lab.stores.lake import Columns
from dsys_lab.stores.warehouse import Warehouse
from dsys_lab.structures.schema import Schema

COLUMNS: Final = "id string, customer string, at_us long, pulse integer"
PINGS: Final = ParquetCrates(COLUMNS)
"""The columns of a ping."""
WAYS: Final = ("copy", "merge")


class Loads(Protocol):
    """A warehouse with a table `pings`."""

    def load(self, data: bytes, by: str) -> None:
        """Take in the rows of an object, all or none."""

    def count(self) -> int:
        """Return how many rows there are."""

    def mean_pulse(self) -> float:
        """Return the mean of `pulse` over all rows."""


class ModelWarehouse:
    """The warehouse of lab 06."""

    SCHEMA: Final = Schema.of("id text, customer text, at_us i64, pulse i32")

    def __init__(self) -> None:
        self.warehouse = Warehouse()
        self.warehouse.create_table("pings", self.SCHEMA)

    def load(self, data: bytes, by: str) -> None:
        """Take in the rows of an object, all or none."""
        rows = PINGS.rows(data)
        if by == "copy":
            self.warehouse.copy("pings", [rows])
            return
        self.warehouse.create_table("staging", self.SCHEMA)
        try:
            self.warehouse.copy("staging", [one_of_each(rows)])
            self.warehouse.merge("pings", "staging", on="id")
        finally:
            self.warehouse.drop_table("staging")

    def count(self) -> int:
        """Return how many rows there are."""
        [(rows,)] = self.warehouse.query("SELECT count(*) FROM pings").rows
        return int(rows or 0)

    def mean_pulse(self) -> float:
        """Return the mean of `pulse` over all rows."""
        [(pulse,)] = self.warehouse.query("SELECT avg(pulse) FROM pings").rows
        return float(pulse or 0)


class DuckWarehouse:
    """A table of DuckDB."""

    def __init__(self) -> None:
        self._connection = connected(threads=1)
        self._connection.execute("create table pings (id varchar, customer varchar, at_us bigint, pulse integer)")

    def load(self, data: bytes, by: str) -> None:
        """Take in the rows of an object, all or none."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "object.parquet")
            path.write_bytes(data)
            if by == "copy":
                self._connection.execute("insert into pings by name from read_parquet(?)", [str(path)])
            else:
                self._connection.execute(
                    "merge into pings using (select distinct on (id) * from read_parquet(?)) staging using (id) "
                    "when matched then update when not matched then insert by name", [str(path)]
                )  # fmt: skip

    def count(self) -> int:
        """Return how many rows there are."""
        [(rows,)] = self._connection.execute("select count(*) from pings").fetchall()
        return int(rows)

    def mean_pulse(self) -> float:
        """Return the mean of `pulse` over all rows."""
        [(pulse,)] = self._connection.execute("select avg(pulse) from pings").fetchall()
        return float(pulse or 0)


class ThroughBucket:
    """A destination: the object into the bucket, then its rows into the warehouse.

    Parameters
    ----------
    bucket : Destination
        What stands there stays, whatever becomes of the load.
    warehouse : Loads
    by : str
        "copy" or "merge".

    Attributes
    ----------
    is_up : bool
        Whether the warehouse can be reached; the bucket always can.
    """

    def __init__(self, bucket: Destination, warehouse: Loads, *, by: str = "copy") -> None:
        require_choice("by", by, WAYS)
        self.bucket, self.warehouse, self.by, self.is_up = bucket, warehouse, by, True

    def put(self, key: str, data: bytes, /) -> None:
        """Put the object, then load it.

        Raises
        ------
        Refused
            If the warehouse is down: the object is in the bucket.
        """
        self.bucket.put(key, data)
        if not self.is_up:
            raise Refused("the warehouse is down")
        self.warehouse.load(data, self.by)


def one_of_each(rows: Columns) -> Columns:
    """Return the first row of each id: who merges may not bring a key twice."""
    first = {name: at for at, name in reversed(list(enumerate(rows["id"])))}
    return {column: [values[at] for at in sorted(first.values())] for column, values in rows.items()}


def loaded(objects: Mapping[str, bytes]) -> pd.DataFrame:
    """Load what landed, object by object, into each warehouse in each way; return rows and mean pulse of each.

    Parameters
    ----------
    objects : mapping
        Of pings, as Parquet or a line of JSON each.
    """
    told = []
    for by in WAYS:
        for name, warehouse in (("the model", ModelWarehouse()), ("DuckDB", DuckWarehouse())):
            for data in objects.values():
                warehouse.load(data if data.startswith(b"PAR1") else PINGS.pack(data.splitlines()), by)
            told.append({"loaded by": by, "warehouse": name, "rows": warehouse.count(),
                         "mean pulse": round(warehouse.mean_pulse(), 3)})  # fmt: skip
    return pd.DataFrame(told).set_index(["loaded by", "warehouse"])


def counts_twice(told: pd.DataFrame, pings: int) -> str:
    """Say which way of loading has more rows than there are pings: "copy", "merge", "both" or "neither"."""
    ways = [by for by in WAYS if (told.loc[by]["rows"] > pings).any()]
    return ways[0] if len(ways) == 1 else "both" if ways else "neither"
