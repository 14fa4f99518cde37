"""Tables by row and by column, and the world that fills them."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from dsys_lab.benchmark.rivals import Rival, compare

VALUES: Final = 10_000_000
READS: Final = 2_000


def columns() -> None:
    """A sum, and a sum by group, over ten million values: in memory, on one thread, the same answers."""
    import numpy as np

    from dsys_lab.engines.duckdb import DuckdbTable
    from dsys_lab.stores.column_store import ColumnStore
    from dsys_lab.stores.table import Measure
    from dsys_lab.structures.disk import VolatileDisk
    from dsys_lab.structures.schema import Schema

    schema = Schema.of("id u32, minutes u16, city u8")
    ids = np.arange(VALUES, dtype=np.uint32)
    minutes = (ids * np.uint32(2_654_435_761) >> 22).astype(np.uint16)
    given = {"id": ids, "minutes": minutes, "city": (ids * np.uint32(40_503) >> 8).astype(np.uint8) % 50}
    total = [Measure("sum", "minutes")]
    stores: dict[str, Any] = {
        f"column store, {name}": ColumnStore(VolatileDisk(), schema, codec=codec)
        for name, codec in (("plain", "plain"), ("packed", None))
    }
    with DuckdbTable("nights", schema, key="id") as duckdb:
        stores["DuckDB, one thread"] = duckdb
        for store in stores.values():
            store.append_columns(given)
            store.checkpoint()

        def rival(name: str, by: str | None) -> Rival:
            def run() -> float:
                stores[name].aggregate(total, by=by)
                return VALUES / 1e6

            assert stores[name].aggregate(total, by=by) == duckdb.aggregate(total, by=by)
            return Rival(name, run)

        def floor() -> float:
            minutes.sum(dtype=np.int64)
            return VALUES / 1e6

        sums = [*(rival(name, None) for name in stores), Rival("numpy.sum of the array", floor)]
        compare("A sum over ten million values", "million values", sums, rounds=9)
        compare("A sum by city", "million values", [rival(name, "city") for name in stores], rounds=9)


def point_reads() -> None:
    """One row by its key, a hundred thousand nights, all in memory; SQLite is called from Python, as we are."""
    from dsys_lab.scenarios.oltp_and_analytics.night_tables import NIGHT, night_rows, night_table

    nights = 100_000
    table = night_table("rows", nights=nights)
    names = ", ".join(f"{name}{' integer primary key' * (name == 'night_id')}" for name in NIGHT.names)
    database = sqlite3.connect(":memory:")
    database.execute(f"create table night ({names})")
    marks = ", ".join("?" * len(NIGHT.names))
    database.executemany(f"insert into night values ({marks})", night_rows(0, nights))  # noqa: S608  marks only
    keys = [number * 7_919 % nights for number in range(READS)]

    def ours() -> float:
        for key in keys:
            table.get(key)
        return READS

    def theirs() -> float:
        for key in keys:
            database.execute("select * from night where night_id = ?", (key,)).fetchone()
        return READS

    assert table.get(17) == database.execute("select * from night where night_id = 17").fetchone()
    compare("One night by its key", "reads", [Rival("row store", ours), Rival("SQLite, in memory", theirs)], rounds=9)


def slumber() -> None:
    """Nights made out of a hash, on one core, against as many columns of NumPy's own luck."""
    import numpy as np

    from dsys_lab.workloads.slumber import Slumber

    nights = 1_000_000
    world, luck = Slumber(nights=nights), np.random.default_rng(7)

    def made() -> float:
        return sum(len(chunk["night_id"]) for chunk in world.chunks("night"))

    def drawn() -> float:
        for _ in range(12):
            luck.integers(0, 720, nights, dtype=np.int64)
        return nights

    rivals = [
        Rival("nights, thirteen columns that hang together", made),
        Rival("twelve columns of random numbers", drawn),
    ]
    compare("Slumber", "nights", rivals)
