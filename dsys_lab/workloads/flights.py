"""What happens to all this on data that nobody made up?

The second witness: every flight that left New York's three airports in 2013, with its plane, its airline, the airports
and the hourly weather. Five tables as Parquet files under `data/`; `data/README.md` says where they come from.

Nothing was repaired. Flights name planes and airports that the other tables do not have, cancelled flights have no
departure, one gust of wind blew at 1,048 miles an hour, and the months stand in the order of their names as text: 1,
10, 11, 12, 2. `GAPS` holds these as numbers, each with the question that finds it.

Promise: bytes that are not those that were committed are never read: each file's SHA-256 is compared first, and the one
that is damaged or missing is named (15 ms for the largest).

The files are read through a DuckDB connection that the caller brings, so that this room knows no engine:

    flights.attach(connection)                          the five tables as views
    flights.columns(connection, "flights", "tailnum")   columns, with nulls masked

Left out: the tables joined into one; years other than 2013.

Source: the R package nycflights13 (Hadley Wickham), from the Bureau of Transportation Statistics, the FAA and ASOS.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from dsys_lab.errors import Damaged, require_choice
from dsys_lab.workloads.slumber.luck import Columns

FOLDER: Final = Path(__file__).resolve().parents[2] / "data"


class Connection(Protocol):
    """As much of a DuckDB connection as is needed here; the module `duckdb` itself will do."""

    def execute(self, query: str) -> Any:
        """Run SQL."""


@dataclass(frozen=True, slots=True)
class File:
    """What a file must be."""

    rows: int
    size_bytes: int
    sha256: str


FILES: Final = {
    "flights": File(336_776, 5_813_077, "00028ffe51e3d60191e05b47e655f9714a1913e83f59a10e2cf1da861249caaf"),
    "weather": File(26_115, 241_952, "d1d330b23f6e69a6f203fbe95f47f47908657ec9dcc2f56f7508a177787c0175"),
    "planes": File(3_322, 20_322, "12ec7c4c438e3d47f9b9a7d0237e0a2cd661df0d225dc5de494eab7364922b8d"),
    "airports": File(1_458, 43_125, "18f7211eae855181023f87781b5ff2abbdae3197901725028c432ced4077fcf6"),
    "airlines": File(16, 674, "0804d28ab397420090edb5e81283cda7f2e12319067da38551375cd2be5195a7"),
}
"""The five tables by name."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that real data has and tidy data has not: what, how many, and the SQL that counts it."""

    claim: str
    count: int
    sql: str


_NO_PLANE: Final = "from flights f anti join planes p on f.tailnum = p.tailnum where f.tailnum is not null"
_NO_AIRPORT: Final = "from flights f anti join airports a on f.dest = a.faa"
GAPS: Final = {
    "cancelled": Gap("flights that never departed", 8_255, "select count(*) from flights where dep_time is null"),
    "not arrived": Gap("flights that departed and have no arrival", 458,
                       "select count(*) from flights where dep_time is not null and arr_time is null"),
    "no air time": Gap("flights that arrived and have no air time, most likely diverted", 717,
                       "select count(*) from flights where arr_time is not null and air_time is null"),
    "tail numbers without a plane": Gap("of 4,043 tail numbers", 721, f"select count(distinct f.tailnum) {_NO_PLANE}"),
    "flights without a plane": Gap("flights whose tail number has no plane", 50_094, f"select count(*) {_NO_PLANE}"),
    "no tail number": Gap("flights without a tail number, all cancelled", 2_512,
                          "select count(*) from flights where tailnum is null and dep_time is null"),
    "destinations without an airport": Gap("of 105 destinations: BQN, PSE, SJU, STT", 4,
                                           f"select count(distinct f.dest) {_NO_AIRPORT}"),
    "flights without an airport": Gap("flights to Puerto Rico and the Virgin Islands", 7_602,
                                      f"select count(*) {_NO_AIRPORT}"),
    "flights without weather": Gap("flights in an hour that has no weather", 1_556,
                                   "select count(*) from flights f anti join weather w using (origin, time_hour)"),
    "hours without weather": Gap("of 3 * 8,760 hours, 72 of them on 31 December", 165,
                                 "select 3 * 8760 - count(*) from weather"),
    "an hour twice": Gap("local hours that came twice, when the clocks went back on 3 November", 3,
                         "select count(*) from (from weather select origin, month, day, hour "
                         "group by all having count(*) > 1)"),
    "impossible wind": Gap("wind of 1,048 miles an hour, Newark, 12 February, 03:00", 1,
                           "select count(*) from weather where wind_speed > 200"),
    "blizzard": Gap("of 930 flights on 8 February, cancelled", 472,
                    "select count(*) from flights where month = 2 and day = 8 and dep_time is null"),
    "after the blizzard": Gap("of 684 flights on 9 February, cancelled", 393,
                              "select count(*) from flights where month = 2 and day = 9 and dep_time is null"),
}  # fmt: skip
"""The known gaps, by name."""


def path(table: str) -> Path:
    """Return where the table's file is, after comparing its bytes with those that were committed.

    Raises
    ------
    Damaged
        If the file is missing, or its bytes are others.
    BadParameter
        If there is no such table.
    """
    require_choice("table", table, tuple(FILES))
    file, expected = FOLDER / f"{table}.parquet", FILES[table]
    name, cure = f"data/{file.name}", f"get it back with `git checkout -- data/{file.name}`"
    try:
        found = file.read_bytes()
    except OSError as error:
        raise Damaged(f"{name} cannot be read ({error.strerror}): {cure}, in a checkout of the repository") from None
    if len(found) != expected.size_bytes:
        raise Damaged(f"{name} has {len(found):,} bytes, expected {expected.size_bytes:,}: {cure}")
    sha256 = hashlib.sha256(found).hexdigest()
    if sha256 != expected.sha256:
        raise Damaged(f"{name} has the SHA-256 {sha256}, expected {expected.sha256}: {cure}")
    return file


def attach(connection: Connection) -> None:
    """Make the five tables views of the connection, under their names.

    Raises
    ------
    Damaged
        If a file is missing, or its bytes are others.
    """
    for table in FILES:
        connection.execute(f"create or replace view {table} as {_select(table)}")


def columns(connection: Connection, table: str, *names: str) -> Columns:
    """Return the named columns of a table, or all.

    Returns
    -------
    Columns
        Whole numbers as int32, texts as objects, `time_hour` in UTC; a column that has nulls is a masked array.

    Raises
    ------
    Damaged
        If the file is missing, or its bytes are others.
    """
    return dict(connection.execute(_select(table, *names)).fetchnumpy())


def _select(table: str, *names: str) -> str:
    chosen = ", ".join(f'"{name}"' for name in names) or "*"
    source = str(path(table)).replace("'", "''")
    return f"select {chosen} from read_parquet('{source}')"  # noqa: S608  our own file, its quotes doubled
