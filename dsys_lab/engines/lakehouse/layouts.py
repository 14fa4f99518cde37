"""The same nights in five layouts: how many bytes must be read to answer one question?

The question is of one column over the days from `first` to `last`. Whoever has lines must read them all, for who knows
what stands in them. Parquet has each column apart, and says where; a table of files says of each file which days are in
it (`dsys_lab.stores.lake`), which helps if each file has few days, and not at all if it has some of each.

Bytes are those of files that were really written; those of columns are told by DuckDB's `parquet_metadata`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from dsys_lab.engines.lakehouse.parquet import Parquet
from dsys_lab.errors import require_positive
from dsys_lab.stores.lake import Columns, Fields, LakeTable, Snapshot, TableLog
from dsys_lab.stores.lake.schema_on_read import Wanted, read
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.stores.table import Between
from dsys_lab.structures.disk import VolatileDisk

NIGHTS: Final = Fields.of(
    "id long, day string, person long, minutes integer?, city string?, awake integer?, spo2 integer?"
)
ASKED: Final = ("day", "minutes")


def layouts(
    lines: Sequence[str], schema: Sequence[Wanted], *, first: str, last: str, files: int = 13
) -> dict[str, dict[str, float]]:
    """Return, for each layout, the bytes that it has and those that the question reads.

    Parameters
    ----------
    lines : sequence of str
        Documents, which a reader with `schema` can make rows of the columns `NIGHTS` of.
    first, last : str
        The days that are asked for.
    files : int
        Into how many the tables are cut.
    """
    require_positive(files=files)
    told = read(lines, schema)
    columns: Columns = {name: told.column(name) for name in NIGHTS.names}
    raw, comma = sum(len(line.encode()) + 1 for line in lines), len(_csv(columns))
    one, spread, by_day = table_of(columns, 1), table_of(columns, files), table_of(columns, files, order="day")
    where = Between("day", first, last)
    return {
        "JSON lines": {"bytes": raw, "read": raw, "columns": 1.0, "files": 1.0},
        "CSV": {"bytes": comma, "read": comma, "columns": 1.0, "files": 1.0},
        "Parquet": _asked(one, where),
        "Parquet, files with all days": _asked(spread, where),
        "Parquet, files by day": _asked(by_day, where),
    }


def table_of(columns: Columns, files: int, *, order: str = "") -> LakeTable:
    """Return a table of these rows in so many files: neighbours by `day` together, or dealt out in turn."""
    log = TableLog(JournaledStore(VolatileDisk()), "nights", Parquet())
    table, rows = LakeTable.create(log, NIGHTS), len(columns["day"])
    places = sorted(range(rows), key=lambda row: columns["day"][row])
    size = -(-rows // files)
    for number in range(files):
        mine = places[number * size : (number + 1) * size] if order == "day" else places[number::files]
        table.append({name: [values[row] for row in mine] for name, values in columns.items()})
    return table


def _asked(table: LakeTable, where: Between) -> dict[str, float]:
    """Return a table's bytes, and those of the columns asked for in the files that may have rows."""
    seen = table.log.snapshot()
    chosen = [path for path, one in seen.files.items() if one.may_hold(where)]
    wanted = sum(_column_bytes(table, path) for path in chosen)
    all_wanted = sum(_column_bytes(table, path) for path in seen.files)
    return {"bytes": seen.size_bytes, "read": wanted, "columns": all_wanted / seen.size_bytes,
            "files": _share(seen, chosen)}  # fmt: skip


def _share(seen: Snapshot, chosen: Sequence[str]) -> float:
    return sum(seen.files[path].size_bytes for path in chosen) / seen.size_bytes


def _column_bytes(table: LakeTable, path: str) -> int:
    found = table.log.store.get(f"{table.log.place}/{path}")
    assert found is not None, "it was just written"
    assert isinstance(table.log.codec, Parquet), "by `table_of`"
    sizes = table.log.codec.column_bytes(found.data)
    return sum(sizes[name] for name in ASKED)


def _csv(columns: Columns) -> bytes:
    out = io.StringIO()
    writer: Any = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue().encode()
