"""The wall on the flights: sums over the departures from New York, asked at read time or kept at write time.

The year 2013 up to Christmas Eve is there; the flights of the last week are written one by one, in the order in which
they were to leave. Somebody asks how many flights there were, and how many minutes late in all: from an airport, to an
airport, in a month, any of the three left open. Two steps lead from a flight to an answer, and the wall stands in one
of three places:

=====  ====================  ===============================  ===================================================
wall   is kept               a write touches                  a read touches
=====  ====================  ===============================  ===================================================
0      nothing               no sum                           every flight, then every sum by pair and month
1      by pair and month     the sum of its pair and month    every sum by pair and month
2      every sum             that one, and the seven that     one sum
                             leave something open
=====  ====================  ===============================  ===================================================

The flight itself is stored in all three, and not counted. What the law takes for the sizes is asked of DuckDB, and so
are the answers: the three have to agree with it.

Source: the flights of `dsys_lab.workloads.flights`; the sums with something left open are the cube of Gray et al.,
"Data cube", ICDE 1996 (lab 05).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

import duckdb

from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.laws import break_even_reads
from dsys_lab.simulation.chance import stream
from dsys_lab.workloads import flights

STEPS: Final = ("by pair and month", "every sum")
WALLS: Final = ("nothing", *STEPS)
"""What is kept, for each place of the wall."""
OPEN: Final = None
_LAST_WEEK: Final = "month = 12 and day > 24"
_ORDER: Final = "month, day, sched_dep_time, carrier, flight"

Key = tuple[str | None, str | None, int | None]
"""From, to, month; `OPEN` where any will do."""
Sums = dict[Key, tuple[int, int]]
"""How many flights, and how many minutes late in all, by key."""


class Flight(NamedTuple):
    """As much of a departure as is asked for: its pair and month, and how many minutes it was late."""

    key: Key
    late: int


@contextmanager
def _attached() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")  # on a slow machine it would draw one into the notebook
        flights.attach(connection)
        yield connection


@lru_cache(maxsize=1)
def _flights() -> tuple[tuple[Flight, ...], tuple[Flight, ...]]:
    """Return the flights that are there, and those of the last week; who never left was 0 minutes late."""
    with _attached() as connection:
        columns = "origin, dest, month::int, coalesce(dep_delay, 0)::int"
        there, week = (
            connection.execute(f"select {columns} from flights where {where} order by {_ORDER}").fetchall()  # noqa: S608
            for where in (f"not ({_LAST_WEEK})", _LAST_WEEK)
        )
    return tuple(Flight(one[:3], one[3]) for one in there), tuple(Flight(one[:3], one[3]) for one in week)


def openings(key: Key) -> Iterator[Key]:
    """Return the eight keys under which a flight is asked for: the first is its own, with nothing left open."""
    return product(*((part, OPEN) for part in key))  # type: ignore[return-value]


def _add(sums: Sums, key: Key, count: int, late: int) -> None:
    before = sums.get(key, (0, 0))
    sums[key] = before[0] + count, before[1] + late


def _by_pair(rows: Iterable[Flight]) -> Sums:
    counts, late = defaultdict[Key, int](int), defaultdict[Key, int](int)
    for flight in rows:
        counts[flight.key] += 1
        late[flight.key] += flight.late
    return {key: (count, late[key]) for key, count in counts.items()}


@lru_cache(maxsize=1)
def _at_christmas() -> tuple[Sums, Sums, Sums]:
    """Return what each wall keeps when the week begins."""
    pairs, every = _by_pair(_flights()[0]), Sums()
    for pair, sums in pairs.items():
        for key in openings(pair):
            _add(every, key, *sums)
    return {}, pairs, every


class Departures:
    """The flights, and the sums that are kept of them.

    Parameters
    ----------
    wall : int
        Behind how many of `STEPS` it stands.
    """

    def __init__(self, wall: int) -> None:
        if type(wall) is not int or not 0 <= wall <= len(STEPS):
            raise BadParameter(f"wall = {wall!r}: give 0 ({WALLS[0]}), 1 ({WALLS[1]}) or 2 ({WALLS[2]})")
        self.wall, self.flights, self.sums = wall, list(_flights()[0]), dict(_at_christmas()[wall])
        self.touched = [0, 0]  # at each step

    def write(self, flight: Flight) -> None:
        """Store a flight, and bring what is kept up to date."""
        self.flights.append(flight)
        for place, key in enumerate(openings(flight.key)):
            if self.wall > (place > 0):
                self.touched[place > 0] += 1
                _add(self.sums, key, 1, flight.late)

    def read(self, key: Key) -> tuple[int, int]:
        """Return how many flights there were, and how many minutes late in all."""
        if self.wall == 2:
            self.touched[1] += 1
            return self.sums.get(key, (0, 0))
        pairs = self.sums
        if self.wall == 0:
            self.touched[0] += len(self.flights)
            pairs = _by_pair(self.flights)
        self.touched[1] += len(pairs)
        origin, dest, month = key
        found = [
            sums for pair, sums in pairs.items()
            if (origin is OPEN or origin == pair[0]) and (dest is OPEN or dest == pair[1])
            and (month is OPEN or month == pair[2])
        ]  # fmt: skip
        return sum(count for count, _ in found), sum(late for _, late in found)


def questions(count: int, seed: int = 7) -> list[Key]:
    """Return so many questions: those of a flight drawn at random, each part left open half of the time."""
    there, luck = _flights()[0], stream(seed, "questions")
    return [list(openings(there[int(luck() * len(there))].key))[int(luck() * 8)] for _ in range(count)]


# ---------------------------------------------------------------- what the law takes, and the truth
@lru_cache(maxsize=1)
def sizes() -> dict[str, int]:
    """Return how many flights there are at Christmas, and how many sums by pair and month, as DuckDB counts them."""
    with _attached() as connection:
        told = connection.execute(
            f"select count(*), count(distinct (origin, dest, month)) from flights where not ({_LAST_WEEK})"  # noqa: S608
        ).fetchall()[0]
    return {"flights": int(told[0]), "sums by pair and month": int(told[1])}


def costs(wall: int) -> tuple[float, float]:
    """Return the rows that a write and a read touch by the law: from the sizes alone, before anybody writes."""
    size = sizes()
    a_read = (size["flights"] + size["sums by pair and month"], size["sums by pair and month"], 1)
    return (0.0, 1.0, 8.0)[wall], float(a_read[wall])


def rows_by_law(wall: int) -> Callable[[float], float]:
    """Return the law of a wall: questions a flight -> rows touched a flight."""
    a_write, a_read = costs(wall)
    return lambda questions: a_write + questions * a_read


def by_sql(key: Key) -> tuple[int, int]:
    """Return the answer of DuckDB over the whole year."""
    parts = [(name, value) for name, value in zip(("origin", "dest", "month"), key, strict=True) if value is not OPEN]
    where = " and ".join(f"{name} = ?" for name, _ in parts) or "true"
    with _attached() as connection:
        count, late = connection.execute(
            f"select count(*), coalesce(sum(dep_delay), 0) from flights where {where}",  # noqa: S608
            [value for _, value in parts],
        ).fetchall()[0]
    return int(count), int(late)


# ---------------------------------------------------------------- the week is written, and somebody asks
@dataclass(frozen=True, slots=True)
class Week:
    """What the last week of the year came to.

    Attributes
    ----------
    wall, writes, reads : int
    at_writes, at_reads : tuple of int
        Rows touched at each step.
    answers : tuple
        To the questions, in order.
    """

    wall: int
    writes: int
    reads: int
    at_writes: tuple[int, ...]
    at_reads: tuple[int, ...]
    answers: tuple[tuple[int, int], ...]

    @property
    def a_write(self) -> float:
        """Rows touched for each flight that was written, its own work and that of the reads that fall to it."""
        return (sum(self.at_writes) + sum(self.at_reads)) / self.writes


@lru_cache(maxsize=32)
def week(wall: int, reads: int, seed: int = 7) -> Week:
    """Write the flights of the last week, and ask so many questions, evenly between them."""
    require_positive(reads=reads)
    kept, coming, asked = Departures(wall), _flights()[1], questions(reads, seed)
    answers: list[tuple[int, int]] = []
    at_writes, at_reads = [0, 0], [0, 0]
    for number, flight in enumerate(coming, 1):
        before = list(kept.touched)
        kept.write(flight)
        at_writes = [sum_ + now - was for sum_, now, was in zip(at_writes, kept.touched, before, strict=True)]
        before = list(kept.touched)
        while len(answers) < number * reads // len(coming):
            answers.append(kept.read(asked[len(answers)]))
        at_reads = [sum_ + now - was for sum_, now, was in zip(at_reads, kept.touched, before, strict=True)]
    return Week(wall, len(coming), reads, tuple(at_writes), tuple(at_reads), tuple(answers))


READS: Final = ((1, 3), (2, 20, 200), (2, 20, 200, 2_000))
"""How many questions are asked of each wall for a chart: of the first few, for each reads every flight."""


def even_at(one: int, other: int) -> float:
    """Return from how many questions a flight on the second wall is the cheaper, as the weeks counted."""
    cost = [(sum(found.at_writes) / found.writes, sum(found.at_reads) / found.reads)
            for found in (week(wall, READS[wall][-1]) for wall in (one, other))]  # fmt: skip
    return (cost[1][0] - cost[0][0]) / (cost[0][1] - cost[1][1])


def even_by_law(one: int, other: int) -> float:
    """Return the same by the law, from the sizes alone."""
    (write, read), (write_more, read_less) = costs(one), costs(other)
    return break_even_reads(write_cost=write_more - write, read_cost=read - read_less)


def answers_of_all(reads: int) -> dict[str, tuple[int, int]]:
    """Return the last of so many answers, (flights, minutes late) at the end of the year, by each wall and by SQL."""
    told = {f"kept: {name}": week(wall, reads).answers[-1] for wall, name in enumerate(WALLS)}
    return {**told, "SQL": by_sql(questions(reads)[-1])}


def courses() -> dict[str, list[tuple[float, float, float]]]:
    """Return for each wall (questions a flight, rows touched a flight, 0): there is but one such week."""
    return {name: [(reads / found.writes, found.a_write, 0.0) for reads in READS[wall] for found in [week(wall, reads)]]
            for wall, name in enumerate(WALLS)}  # fmt: skip


def drawn(wall: int, reads_a_write: float) -> dict[str, Any]:
    """Return what a picture of the wall needs, a flight written each second."""
    require_positive(reads_a_write=reads_a_write)
    weeks = [week(one, READS[one][1]) for one in range(len(WALLS))]
    by_write = [[touched / one.writes for touched in one.at_writes] for one in weeks]
    by_read = [[touched / one.reads * reads_a_write for touched in one.at_reads] for one in weeks]
    if type(wall) is not int or not 0 <= wall < len(WALLS):
        raise BadParameter(f"wall = {wall!r}: give 0 to {len(STEPS)}")
    return {
        "steps": STEPS,
        "wall": wall,
        "rows": [written + read for written, read in zip(by_write[wall], by_read[wall], strict=True)],
        "meters": {
            "by writes": [sum(one) for one in by_write],
            "by reads": [sum(one) for one in by_read],
            "both together": [sum(one) + sum(other) for one, other in zip(by_write, by_read, strict=True)],
        },
        "ends": ("flight", "answer"),
    }
