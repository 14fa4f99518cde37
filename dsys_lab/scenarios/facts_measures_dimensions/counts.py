"""What lab 05 counts, experiment by experiment.

1. `fan`: nights and order lines are joined, then hours are summed.
2. `averages`: an answer for each city, made of answers for smaller groups.
3. (`narrow_tables.pages_by_layout`, and `dsys_lab.engines.postgres.narrow`)
4. `cube_sizes`, `cells_by_nights`: how many cells there are.
5. (`cells.night_lattice`) and `by_chance`: what to keep.
6. `then_and_now`: two answers to "in which city?".
7. `distinct_errors`, `median_errors`: sketches, their bytes, and two of them merged.

Trouble: `spoiled`, `back_filled`, `told_late`.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import combinations
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import require_positive
from dsys_lab.scenarios.facts_measures_dimensions.cells import DIMENSIONS, MINUTES, NIGHTS, nights_by_column
from dsys_lab.scenarios.facts_measures_dimensions.night_star import moved_nights, night_star
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.star_schema import (
    UNKNOWN,
    Cuboid,
    Dimension,
    FactTable,
    HyperLogLog,
    Lattice,
    Measured,
    QuantileSketch,
    drill_across,
)
from dsys_lab.workloads.slumber import Faults, Slumber

Points = list[tuple[float, float, float]]


# ------------------------------------------------------------------------------------------ 1. two grains
def fan(nights: int = 10_000, *, seed: int = 7) -> dict[str, Any]:
    """Join nights with the order lines of the same person, and sum the hours of the rows; then ask each alone.

    Returns
    -------
    dict
        What was counted, and "times too large, by law" from the lines of each sleeper without a join.
    """
    slept, lines = _slept(nights, seed), _lines(nights, seed)
    joined = [(person, minutes) for person, minutes in slept for _ in range(lines[person])]
    rows = Cuboid.of({"person": [p for p, _ in joined], MINUTES: [m for _, m in joined]}, (), _SUM)
    hours = Cuboid.of({"person": [p for p, _ in slept], MINUTES: [m for _, m in slept]}, ("person",), _SUM)
    bought = Cuboid.of({"person": list(lines.elements()), "line": list(lines.elements())}, ("person",), _COUNT)
    beside = drill_across(hours, bought)
    buyers = sum(minutes for _, minutes, count in beside if count and minutes)
    return {
        "nights": len(slept),
        "order lines": lines.total(),
        "rows of the join": len(joined),
        "hours, joined": round(rows.answers()[0][0] / 60),
        "hours, of who bought": round(buyers / 60),
        "hours, of all": round(sum(minutes for _, minutes, _ in beside if minutes) / 60),
        "times too large": rows.answers()[0][0] / buyers,
        "times too large, by law": laws.fan_trap([m for _, m in slept], [lines[p] for p, _ in slept]),
    }


_SUM: Final = [Measured("sum", MINUTES)]
_COUNT: Final = [Measured("count", "line")]


def _slept(nights: int, seed: int) -> list[tuple[int, int]]:
    columns = nights_by_column(nights, seed=seed)
    pairs = zip(columns["person"], columns[MINUTES], strict=True)
    return [(person, minutes) for person, minutes in pairs if minutes is not None]


def _lines(nights: int, seed: int) -> Counter[int]:
    """Return how many order lines each person has."""
    orders = Slumber(seed=seed, nights=nights).read("orders")
    lines: Counter[int] = Counter()
    for person, count in zip(orders["person_id"].tolist(), orders["lines"].tolist(), strict=True):
        lines[person] += count
    return lines


# ------------------------------------------------------------------------------------------ 2. answers of answers
def averages(nights: int = NIGHTS, *, seed: int = 7) -> dict[str, float]:
    """Return how far an answer by city strays, at most, if it is made of answers by city, band, week and weekend.

    Returns
    -------
    dict
        Way -> minutes off in the city where that is most.
    """
    columns = nights_by_column(nights, seed=seed)
    asked = [Measured(how, MINUTES) for how in ("avg", "median", "min")]
    fine = Cuboid.of(columns, DIMENSIONS, asked)
    true = _by_city(Cuboid.of(columns, ("city",), asked).answers())
    parts: dict[str, list[tuple[float, ...]]] = {}
    for city, *_, average, median, least in fine.answers():
        if average is not None:
            parts.setdefault(city, []).append((average, median, least))
    merged = _by_city(Cuboid.of(columns, DIMENSIONS, asked[:1]).rollup(("city",)).answers())
    ways: dict[str, Callable[[str], float]] = {
        "median of medians": lambda city: statistics.median(one[1] for one in parts[city]) - true[city][1],
        "average of averages": lambda city: statistics.fmean(one[0] for one in parts[city]) - true[city][0],
        "sum over count, both summed": lambda city: merged[city][0] - true[city][0],
        "least of the least": lambda city: min(one[2] for one in parts[city]) - true[city][2],
    }
    return {name: round(max(abs(off(city)) for city in true), 9) for name, off in ways.items()}


def _by_city(answers: Sequence[tuple[Any, ...]]) -> dict[str, tuple[float, ...]]:
    return {city: tuple(said) for city, *said in answers if None not in said}


# ------------------------------------------------------------------------------------------ 4. how many cells
def cube_sizes(nights: int = NIGHTS, *, seed: int = 7) -> Points:
    """Return (dimensions, cells of all cuboids, 0), the dimensions added one at a time, the last of them first."""
    columns = nights_by_column(nights, seed=seed)
    counted = []
    for dimensions in range(1, len(DIMENSIONS) + 1):
        lattice = Lattice.of({name: columns[name] for name in DIMENSIONS[-dimensions:]})
        counted.append((float(dimensions), float(sum(lattice.cells.values())), 0.0))
    return counted


def cells_by_nights(*sizes: int, seed: int = 7) -> dict[str, list[tuple[float, float]]]:
    """Return by nights the cells of the finest cuboid, and the law's for nights that fall anywhere alike."""
    counted, law = [], []
    for nights in sizes:
        columns = nights_by_column(nights, seed=seed)
        cells = len(set(zip(*(columns[name] for name in DIMENSIONS), strict=True)))
        room = math.prod(len(set(columns[name])) for name in DIMENSIONS)
        counted.append((float(nights), float(cells)))
        law.append((float(nights), laws.cells_filled(room, nights)))
    return {"counted": counted, "if all were alike": law}


# ------------------------------------------------------------------------------------------ 5. what to keep
def best_of_all(lattice: Lattice, cuboids: int) -> tuple[tuple[tuple[str, ...], ...], int]:
    """Return the cuboids that save most of all choices of so many, and what all questions then cost."""
    require_positive(cuboids=cuboids)
    able = [by for by in lattice.cells if by != lattice.top]
    best = min(combinations(able, cuboids), key=lattice.cost)
    return best, lattice.cost(best)


def by_chance(lattice: Lattice, cuboids: int, *, draws: int = 200, seed: int = 7) -> float:
    """Return what all questions cost on average where so many cuboids are kept at random."""
    require_positive(cuboids=cuboids, draws=draws)
    chance = stream(seed, "cuboids")
    able = [by for by in lattice.cells if by != lattice.top]
    return statistics.fmean(lattice.cost(sorted(able, key=lambda _: chance())[:cuboids]) for _ in range(draws))


# ------------------------------------------------------------------------------------------ 6. then and now
def then_and_now(nights: int = 40_000, *, seed: int = 7) -> dict[str, Any]:
    """Return how many nights count for another city now than then, and by city its nights now for each one then."""
    star = night_star(nights, seed=seed)
    then, now = (_nights_by_city(star, as_of) for as_of in ("then", "now"))
    return {
        "nights": star.status().facts,
        "another city": moved_nights(star),
        "by city": {city: now.get(city, 0) / count for city, count in then.items()},
    }


def changed_most(by_city: Mapping[str, float], cities: int = 5) -> dict[str, float]:
    """Return those of which most is gained or lost, from the largest gain to the largest loss."""
    most = sorted(by_city, key=lambda city: -abs(by_city[city] - 1))[:cities]
    return {city: by_city[city] for city in sorted(most, key=lambda city: -by_city[city])}


def _nights_by_city(star: FactTable, as_of: str) -> dict[Any, int]:
    columns = star.read("person.city", "day", as_of=as_of)
    return dict(Cuboid.of(columns, ("person.city",), [Measured("count", "day")]).answers())


def before_a_move(nights: int = 40_000, *, seed: int = 7) -> int:
    """Return the nights before a move that has happened by the last night, by the world's own word."""
    world = Slumber(seed=seed, nights=nights)
    night, person = world.read("night"), world.read("person")
    day, who = night["date_key"], night["person_id"]
    moves, leads = person["move_day"][who], person["city_id"][who] != person["moved_city_id"][who]
    return int(((moves <= day.max()) & (day < moves) & leads).sum())


# ------------------------------------------------------------------------------------------ 7. sketches
def distinct_errors(*bits: int, values: int = 10_000, rounds: int = 12) -> Points:
    """Return (bytes, error as a share, its own standard error) of HyperLogLog with 2**p registers.

    The error is the root of the mean square over `rounds` sets of so many different values.
    """
    points = []
    for p in bits:
        off = [
            HyperLogLog.of(range(values * number, values * (number + 1)), p=p).estimate() / values - 1
            for number in range(rounds)
        ]
        rms = math.sqrt(statistics.fmean(one * one for one in off))
        points.append((float(1 << p), rms, rms / math.sqrt(2 * rounds)))
    return points


def merged_distinct(p: int = 10, *, nights: int = NIGHTS, seed: int = 7) -> dict[str, int]:
    """Return how many sleepers there were: counted, by one sketch, and by one sketch a city, merged."""
    columns = nights_by_column(nights, seed=seed)
    by_city: dict[str, set[int]] = {}
    for city, person in zip(columns["city"], columns["person"], strict=True):
        by_city.setdefault(city, set()).add(person)
    parts = [HyperLogLog.of(people, p=p) for people in by_city.values()]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merge(part)
    everybody = set(columns["person"])
    return {
        "sleepers": len(everybody),
        "sum over the cities": sum(map(len, by_city.values())),
        "one sketch of all": HyperLogLog.of(everybody, p=p).estimate(),
        "a sketch a city, merged": whole.estimate(),
        "bytes of a sketch": whole.size_bytes,
    }


def median_errors(
    *ks: int, seeds: int = 12, nights: int = 20_000, seed: int = 7
) -> dict[str, list[tuple[float, float]]]:
    """Return by k how far the median of merged sketches, one a week, is off in rank, as a share of all; and bytes.

    Each of `seeds` runs throws its coins anew. So that each night has a rank of its own, a tiny part of its number is
    added to its minutes.

    Returns
    -------
    dict
        "typically" (the root of the mean square), "the worst of N", "for certain at most", and "bytes", that there is
        room for in the merged sketch.
    """
    require_positive(seeds=seeds)
    columns = nights_by_column(nights, seed=seed)
    weeks: dict[str, list[float]] = {}
    for night, (week, minutes) in enumerate(zip(columns["week"], columns[MINUTES], strict=True)):
        if minutes is not None:
            weeks.setdefault(week, []).append(minutes + night / nights)
    every = sorted(minutes for values in weeks.values() for minutes in values)
    found: dict[str, list[tuple[float, float]]] = {}
    for k in ks:
        merged = [_merged_weeks(weeks, k, coins) for coins in range(seeds)]
        off = [abs(bisect_right(every, one.quantile(0.5) or 0) / len(every) - 0.5) for one in merged]
        said = {
            "typically": math.sqrt(statistics.fmean(one * one for one in off)),
            f"the worst of {seeds}": max(off),
            "for certain at most": max(one.rank_error_most for one in merged) / len(every),
            "bytes": float(merged[0].room_bytes),
        }
        for name, value in said.items():
            found.setdefault(name, []).append((float(k), value))
    return found


def _merged_weeks(weeks: Mapping[str, Sequence[float]], k: int, coins: int) -> QuantileSketch:
    sketches = [QuantileSketch.of(values, k=k, seed=coins) for values in weeks.values()]
    return reduce(QuantileSketch.merge, sketches)


# ------------------------------------------------------------------------------------------ trouble
def spoiled(nights: int = 5_000, *, seed: int = 7) -> dict[str, dict[str, int]]:
    """Load nights of which some have no known sleeper, some no minutes, some hours instead; then 100 of them again.

    Returns
    -------
    dict
        What becomes of an orphan -> what came of all rows.
    """
    told = {}
    for missing in ("unknown", "infer", "quarantine"):
        star = night_star(nights, seed=seed, missing=missing, faults=_FAULTS, again=100)
        status = star.status()
        minutes = star.read("minutes", "person.city")
        cities = Cuboid.of(minutes, ("person.city",), [Measured("sum", "minutes")])
        told[missing] = {
            "rows given": nights + 100,
            "facts": status.facts,
            **{f"put aside: {rule}": status.quarantined.get(rule, 0) for rule in ("bounds", "grain", "orphan")},
            "facts of nobody": minutes["person.city"].count(UNKNOWN),
            "minutes": sum(one for one in minutes["minutes"] if one is not None),
            "minutes, by city and summed": cities.rollup(()).answers()[0][0],
        }
    return told


_FAULTS: Final = Faults(orphans=0.02, nulls=0.02, bad_units=0.02)


def back_filled(nights: int = 5_000, *, seed: int = 7) -> dict[str, dict[str, int]]:
    """Let the unknown sleepers' details come after their nights; return labels and totals before and after."""
    star = night_star(nights, seed=seed, missing="infer", faults=_FAULTS)
    person = star.links["person"].dimension
    told = {"before": _labels(star, person)}
    inferred = [one for one in map(person.version, range(1, person.status().versions + 1)) if one.inferred]
    for one in inferred:
        person.put(one.key, {"city": "Oslo", "name": "came late"}, at=one.valid_from)
    return told | {"after": _labels(star, person)}


def _labels(star: FactTable, person: Dimension) -> dict[str, int]:
    read = star.read("person.city", "minutes")
    return {
        "members inferred": person.status().inferred,
        "facts of nobody": read["person.city"].count(UNKNOWN),
        "facts": len(read["minutes"]),
        "minutes": sum(one for one in read["minutes"] if one is not None),
    }
