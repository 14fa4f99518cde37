"""What the wall comes to in each of its seven places, and where it is the cheapest.

The same lines are written and the same pages are read seven times. For each place it is counted how many rows a write
touches and how many a read, step by step; so the cost a second follows for any number of writes and reads. A line can
be *seen* when all that is left of the wall is done with it: one worker does that, so many rows a second, one line after
the other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import fmean, pvariance, stdev
from typing import Any, Final

import pandas as pd

from dsys_lab.dataflows.derived_view import STEPS, Wall, digest_of
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.laws import break_even_reads, mg1_sojourn_s
from dsys_lab.scenarios.write_path_and_read_path.walking import line_of
from dsys_lab.scenarios.write_path_and_read_path.world import followers
from dsys_lab.simulation.chance import exponential, stream

ROWS_A_SECOND: Final = 5_000.0
"""How many rows the worker touches that does what is left of the wall."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a wall stands, and what it comes to.

    Attributes
    ----------
    eager : int
        How many steps are done when something is written.
    last : str
        The last of them; "nothing" of a wall before all of them.
    a_write, a_read : float
        Rows touched.
    pages : int
        A digest of all readers' pages in the end.
    wrote : tuple of int
        Rows that each write touched, in order.
    by_step : dict
        Rows at each step, of a write if it stands left of the wall and of a read if it stands right of it.
    """

    eager: int
    last: str
    a_write: float
    a_read: float
    pages: int
    wrote: tuple[int, ...]
    by_step: Mapping[str, float]

    def a_second(self, *, writes: float, reads: float) -> float:
        """Return the rows touched a second for so many writes and reads a second."""
        return writes * self.a_write + reads * self.a_read

    def seen_after_s(
        self, *, writes: float, rows_a_second: float = ROWS_A_SECOND, lines: int = 4_000, seed: int = 7
    ) -> float:
        """Return how long a line takes to be seen, on average over `lines`; for ever if they come too fast.

        Lines come at random, and one worker takes them one after the other, each for as long as the rows take that one
        of those touched that were written.
        """
        require_positive(writes=writes, rows_a_second=rows_a_second, lines=lines)
        if writes * self.a_write >= rows_a_second:
            return math.inf
        luck, which, gap_s = stream(seed, "seen"), stream(seed, "which"), exponential(1 / writes)
        now_s = free_s = 0.0
        took_s = []
        for _ in range(lines):
            now_s += gap_s(luck)
            free_s = max(free_s, now_s) + self.wrote[int(which() * len(self.wrote))] / rows_a_second
            took_s.append(free_s - now_s)
        return fmean(took_s)

    def seen_after_law_s(self, *, writes: float, rows_a_second: float = ROWS_A_SECOND) -> float:
        """Return the same by the law of a queue with one server and work that varies."""
        return mg1_sojourn_s(
            writes, rows_a_second / self.a_write, squared_variation=pvariance(self.wrote) / self.a_write**2
        )


@lru_cache(maxsize=8)
def _standings(users: int, writes: int, reads: int, seed: int) -> tuple[Standing, ...]:
    graph = followers(users, seed=seed)
    return tuple(_standing(graph, eager, writes, reads, seed) for eager in range(len(STEPS) + 1))


def _standing(graph: dict[str, list[str]], eager: int, writes: int, reads: int, seed: int) -> Standing:
    names, wall = list(graph), Wall(graph, eager=eager)
    luck, looks = stream(seed, "lines"), stream(seed, "looks")
    wrote: list[int] = []
    at_write, at_read = Counter[str](), Counter[str]()
    for number in range(max(writes, reads)):
        if number * writes % max(writes, reads) < writes:
            wall.write(line_of(number, names, luck()))
            wrote.append(wall.touched.total())
            at_write += wall.touched
        if number * reads % max(writes, reads) < reads:
            wall.read(names[int(looks() * len(names))])
            at_read += wall.touched
    by_step = {step: at_write[step] / writes if place < eager else at_read[step] / reads
               for place, step in enumerate(STEPS)}  # fmt: skip
    pages = digest_of({name: wall.read(name) for name in names})
    return Standing(eager, STEPS[eager - 1] if eager else "nothing", at_write.total() / writes,
                    at_read.total() / reads, pages, tuple(wrote), by_step)  # fmt: skip


def standings(*, users: int = 100, writes: int = 300, reads: int = 300, seed: int = 7) -> list[Standing]:
    """Write and read the same with the wall in each of its seven places; a read comes after each write, in turn."""
    require_positive(writes=writes, reads=reads)
    if reads % writes and writes % reads:
        raise BadParameter(f"writes = {writes}, reads = {reads}: give one as a multiple of the other")
    return list(_standings(users, writes, reads, seed))


def cheapest(reads_a_write: float, **more: Any) -> Standing:
    """Return the standing that touches the fewest rows for so many reads of each write."""
    return min(standings(**more), key=lambda one: one.a_second(writes=1, reads=reads_a_write))


def courses(**more: Any) -> dict[str, list[tuple[float, float]]]:
    """Return for each wall (reads a write, rows touched for each write), by the last step of the write path."""
    ratios = [10 ** (step / 3) for step in range(-9, 10)]
    return {one.last: [(reads, one.a_second(writes=1, reads=reads)) for reads in ratios] for one in standings(**more)}


def moves(**more: Any) -> dict[str, tuple[float, float, float]]:
    """Return for each step the rows that it costs a write and saves a read, and from how many reads a write it pays."""
    told = {}
    for before, after in pairwise(standings(**more)):
        costs, saves = after.a_write - before.a_write, before.a_read - after.a_read
        told[after.last] = costs, saves, break_even_reads(write_cost=costs, read_cost=saves)
    return told


def moves_table(**more: Any) -> pd.DataFrame:
    """Return `moves` as a table."""
    rows = {step: [f"{cost:.4g}", f"{saved:.4g}", f"{even:.2g}"] for step, (cost, saved, even) in moves(**more).items()}
    columns = ["w: rows more a write", "r: rows fewer a read", "pays from, reads a write"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def lateness(*writes: float, seeds: int = 4, **more: Any) -> dict[str, list[tuple[float, float, float]]]:
    """Return (lines a second, ms until a line is seen, its standard error) for each wall from `index` on."""
    told: dict[str, list[tuple[float, float, float]]] = {}
    for one in standings(**more)[3:]:
        for rate in writes:
            found = [1e3 * one.seen_after_s(writes=rate, seed=seed, lines=10_000) for seed in range(seeds)]
            told.setdefault(one.last, []).append((rate, fmean(found), stdev(found) / seeds**0.5))
    return told


def lateness_by_law(*names: str, **more: Any) -> dict[str, Callable[[float], float]]:
    """Return for each wall of these the law: lines a second -> ms until a line is seen."""
    by_name = {one.last: one for one in standings(**more)}

    def law_of(standing: Standing) -> Callable[[float], float]:
        return lambda writes: 1e3 * standing.seen_after_law_s(writes=writes)

    return {name: law_of(by_name[name]) for name in names}


def rows_at_steps(touched: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Return a table of the rows that were touched at each step, a dash where none was."""
    rows = {what: [counted.get(step, 0) or "–" for step in STEPS] + [sum(counted.values())]
            for what, counted in touched.items()}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*STEPS, "together"])


def drawn(wall: int, reads_a_write: float, *, writes: float = 10.0, **more: Any) -> dict[str, Any]:
    """Return what a picture of the wall behind its first `wall` steps needs, for `writes` lines a second."""
    found = standings(**more)
    if type(wall) is not int or not 0 <= wall < len(found):
        raise BadParameter(f"wall = {wall!r}: give behind how many steps it stands, 0 to {len(found) - 1}")
    return {
        "steps": STEPS,
        "wall": wall,
        "rows": _a_second(found[wall], writes, writes * reads_a_write),
        "meters": {
            "by writes": [writes * one.a_write for one in found],
            "by reads": [writes * reads_a_write * one.a_read for one in found],
            "both together": [one.a_second(writes=writes, reads=writes * reads_a_write) for one in found],
        },
        "late": ("a line is seen after", [1e3 * one.seen_after_s(writes=writes) for one in found]),
    }


def _a_second(standing: Standing, writes: float, reads: float) -> Sequence[float]:
    return [rows * (writes if place < standing.eager else reads)
            for place, rows in enumerate(standing.by_step.values())]  # fmt: skip
