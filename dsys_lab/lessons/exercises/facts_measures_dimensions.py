"""Exercises of lab 05: which numbers may be added, a variance of two parts, and what of a cube is worth keeping."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.facts_measures_dimensions.cells import night_lattice, nights_by_column
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.star_schema import AGGREGATES, Lattice
from dsys_lab.views import charts
from dsys_lab.workloads.slumber import Slumber

LAB: Final = 5


# ------------------------------------------------------------------------------------------ (a) may it be added?
def may_add(number: str, along: str) -> bool:
    """Return whether the parts of a number, one for each label of a dimension, add up to the whole."""
    if number == "stock":
        return along == "warehouse"
    return number in {"nights", "minutes", "awakenings"}


Rows = Sequence[Mapping[str, Any]]
NIGHTS: Final = 40_000


def _level(rows: Rows) -> float:
    """Return what lies on all these shelves on the last day of theirs."""
    last = rows[-1]["day"]
    return sum(row["level"] for row in rows if row["day"] == last)


NUMBERS: Final[dict[str, tuple[tuple[str, ...], Callable[[Rows], float]]]] = {
    "nights": (("day", "city"), len),
    "minutes": (("day", "city"), lambda rows: sum(row["minutes"] for row in rows)),
    "awakenings": (("day", "city"), lambda rows: sum(row["awakenings"] for row in rows)),
    "sleepers": (("day", "city"), lambda rows: len({row["person"] for row in rows})),
    "average minutes": (("day", "city"), lambda rows: statistics.fmean(row["minutes"] for row in rows)),
    "median minutes": (("day", "city"), lambda rows: statistics.median(row["minutes"] for row in rows)),
    "share under 6 hours": (("day", "city"), lambda rows: sum(row["minutes"] < 360 for row in rows) / len(rows)),
    "longest night": (("day", "city"), lambda rows: max(row["minutes"] for row in rows)),
    "stock": (("day", "warehouse"), _level),
}
"""Each number: the dimensions along which it is asked, and how it is worked out of facts."""
WHY: Final = {
    "sleepers": "somebody who is in two parts is one person in the whole",
    "average minutes": "averages are not added: their sums are, and their counts",
    "median minutes": "the middle of a whole is no sum of middles",
    "share under 6 hours": "a ratio is made of two sums: add those, then divide",
    "longest night": "the longest of all is the longest of the parts' longest, and not their sum",
    "stock": "a level is not a flow: what lies there today lay there yesterday, too; add it over places, not over days",
}


@lru_cache(maxsize=1)
def _facts() -> dict[str, Rows]:
    """Return hidden nights, late enough that somebody has moved, and a few days of stock, the last day last."""
    world = Slumber(seed=1051, nights=NIGHTS)
    night = {name: column.tolist() for name, column in world.read("night").items()}
    names = ("date_key", "city_id", "person_id", "minutes_sleep", "awakenings", "status")
    rows = [
        {"day": day, "city": city, "person": person, "minutes": minutes, "awakenings": awakenings}
        for day, city, person, minutes, awakenings, off in zip(*(night[name] for name in names), strict=True)
        if not off
    ]
    stock = {name: column.tolist() for name, column in world.read("stock", 0, 5).items()}
    shelves = [
        {"day": day, "warehouse": warehouse, "level": level}
        for day, warehouse, level in zip(stock["date_key"], stock["warehouse"], stock["level"], strict=True)
    ]
    return {name: shelves if name == "stock" else rows for name in NUMBERS}


@lru_cache(maxsize=1)
def sums() -> dict[tuple[str, str], tuple[float, float]]:
    """Return for each number and dimension what its parts add up to, and the whole; both counted."""
    found = {}
    for name, (dimensions, worked_out) in NUMBERS.items():
        rows = _facts()[name]
        whole = float(worked_out(rows))
        for along in dimensions:
            parts: dict[Any, list[Any]] = {}
            for row in rows:
                parts.setdefault(row[along], []).append(row)
            found[name, along] = (math.fsum(worked_out(part) for part in parts.values()), whole)
    return found


def check_may_add(function: Callable[..., Any]) -> Verdict:
    """Hold each answer against what the parts of hidden facts really add up to."""
    for (name, along), (parts, whole) in sums().items():
        said = function(name, along)
        if not isinstance(said, bool):
            raise Misuse(f"it returned {brief(said)}; give True or False")
        if said != math.isclose(parts, whole, rel_tol=1e-12):
            told = f"{name!r} along {along!r}: the parts add up to {parts:,.6g}, the whole is {whole:,.6g}"
            why = WHY[name] if said else "it counts things that happened, each once: its parts add up"
            if name == "stock" and not said:
                why = "on one day, what lies in one place lies in no other"
            return Verdict(passed=False, saw=f"{told}: {why}.")
    return Verdict(passed=True, saw=f"Right for {len(sums())} pairs, each added up over facts that you have not seen.")


def _sums_chart(function: Callable[..., Any]) -> charts.Chart:
    """Return how many times the whole the parts along the day come to, and the reader's 1 where they said so."""
    days = {name: parts / whole for (name, along), (parts, whole) in sums().items() if along == "day"}
    said = {name: 1.0 for name in days if function(name, "day")}
    title = "Parts along the day, added up"
    return charts.bars(days, title=title, unit="times the whole", predicted=said)


MAY_ADD: Final = Exercise(
    lab=LAB,
    name="may_add",
    title="May it be added?",
    statement="""
Nine numbers of *Slumber*. Of people: `nights`, `minutes` slept, `awakenings`, `sleepers` (different people),
`average minutes`, `median minutes`, `share under 6 hours`, `longest night`; along `day` or `city`. Of the shop:
`stock`, the things that lie on the shelves at the end of the time that is asked for; along `day` or `warehouse`.

Somebody has the number for each label of a dimension, each day for example, and wants it for all. Return whether it
suffices to add.""",
    skeleton="def may_add(number, along):\n    ...",
    example='`may_add("minutes", "city")` is True: the minutes of all cities, added, are the minutes of all.',
    hints=(
        "Additive numbers add up along every dimension, semi-additive ones along some, the others along none.",
        "A *level* is true at a moment. Along which dimension is the same thing counted twice?",
        "People move. Who slept in two cities is one sleeper.",
    ),
    check=check_may_add,
    play=lambda function: (),
    picture=_sums_chart,
    is_pure=True,
    answer=may_add,
)


# ------------------------------------------------------------------------------------------ (b) a variance of parts
Spread = tuple[int, float, float]
STATE: Final = ("count", "mean", "sum of squared distances")


def merged(one: Spread, other: Spread) -> Spread:
    """Return count, mean and sum of squared distances of two parts together."""
    (n_one, mean_one, m2_one), (n_other, mean_other, m2_other) = one, other
    n = n_one + n_other
    if n == 0:
        return one
    apart = mean_other - mean_one
    mean = mean_one + apart * n_other / n
    return n, mean, m2_one + m2_other + apart * apart * n_one * n_other / n


def _spread(values: Sequence[float]) -> Spread:
    found: Spread = AGGREGATES["var"].of(values)
    return found


def _parts() -> list[tuple[list[float], list[float]]]:
    chance = stream(1052, "parts")
    sizes = [(3, 3), (1, 40), (40, 1), (7, 20), (0, 5), (5, 0), (0, 0), (1, 1), (200, 300), (30, 30)]
    pairs = []
    for place, (few, more) in enumerate(sizes):
        far = 1e6 if place == len(sizes) - 1 else 0.0
        one = [far + 400 + 60 * chance() for _ in range(few)]
        pairs.append((one, [far + 440 + 90 * chance() for _ in range(more)]))
    return pairs


def check_merged(function: Callable[..., Any]) -> Verdict:
    """Hold the merged state against that of all values, to nine digits."""
    for one, other in _parts():
        said, true = function(_spread(one), _spread(other)), _spread([*one, *other])
        if not isinstance(said, tuple | list) or len(said) != 3:
            raise Misuse(f"it returned {brief(said)}; give (count, mean, sum of squared distances)")
        for name, got in zip(STATE, said, strict=True):
            if isinstance(got, bool) or not isinstance(got, int | float) or not math.isfinite(got):
                raise Misuse(f"its {name} is {brief(got)}; give a finite number")
        for name, got, right in zip(STATE, said, true, strict=True):
            if not math.isclose(got, right, rel_tol=1e-9, abs_tol=1e-9):
                told = f"{len(one)} and {len(other)} values: your {name} is {got:.10g}, of all it is {right:.10g}"
                return Verdict(passed=False, saw=f"{told}. {_merge_slip(name, got, _spread(one), _spread(other))}")
    return Verdict(passed=True, saw=f"Right to nine digits for {len(_parts())} pairs, empty and far ones among them.")


def _merge_slip(name: str, got: float, one: Spread, other: Spread) -> str:
    if name == "mean" and math.isclose(got, (one[1] + other[1]) / 2):
        return "That is the mean of the means: the larger part weighs more."
    if name.startswith("sum") and math.isclose(got, one[2] + other[2]):
        return "What is missing is how far the two means lie apart: every value is farther from the common mean."
    if one[1] > 1e5:
        return "Differences of large squares lose their digits: work with the difference of the means."
    return "Where do the squared distances to the common mean come from? Write (x - a) as (x - b) + (b - a)."


def _merge_chart(function: Callable[..., Any]) -> charts.Chart:
    """Return the standard deviation of the nights, week by week poured together, and of all at once."""
    columns = nights_by_column(5_000)
    weeks: dict[str, list[float]] = {}
    for week, minutes in zip(columns["week"], columns["minutes"], strict=True):
        if minutes is not None:
            weeks.setdefault(week, []).append(minutes)
    told, state = {}, _spread([])
    for week, values in weeks.items():
        state = function(state, _spread(values))
        told[f"up to {week}"] = math.sqrt(max(0.0, state[2]) / max(1, state[0]))
    every = _spread([one for values in weeks.values() for one in values])
    return charts.bars(told, title="Weeks poured together", unit="minutes, standard deviation",
                       references={"of all facts at once": math.sqrt(every[2] / every[0])})  # fmt: skip


MERGED: Final = Exercise(
    lab=LAB,
    name="merged",
    title="A variance that pours",
    statement="""
A cell keeps of its values `(n, mean, M2)`: how many there are, their mean, and the sum of their squared distances from
it. The variance is `M2 / n`. Two cells are poured into one.

Return `(n, mean, M2)` of all values together, from the two states alone. A part may be empty: `(0, 0.0, 0.0)`. Nine
digits must be right, also where the mean is a million and the values differ by minutes.""",
    skeleton="def merged(one, other):\n    ...",
    example="`merged((2, 5.0, 2.0), (2, 7.0, 2.0))` is `(4, 6.0, 8.0)`: the values 4, 6 and 6, 8.",
    hints=(
        "The mean of both is not the mean of the means. Who weighs how much?",
        "Each value of the first part is farther from the common mean than from its own, all by the same shift.",
        "With d the difference of the means: `M2 = M2_one + M2_other + d * d * n_one * n_other / n`.",
    ),
    check=check_merged,
    play=lambda function: (),
    picture=_merge_chart,
    is_pure=True,
    answer=merged,
)


# ------------------------------------------------------------------------------------------ (c) what to keep
Cells = Mapping[tuple[str, ...], int]


def first_three(cells: Cells) -> list[tuple[str, ...]]:
    """Return the three cuboids that are worth keeping beside the finest, best first."""
    top = max(cells, key=len)

    def cost(kept: list[tuple[str, ...]]) -> int:
        return sum(min(cells[one] for one in kept if set(by) <= set(one)) for by in cells)

    kept = [top]
    for _ in range(3):
        kept.append(min(cells, key=lambda by: cost([*kept, by])))
    return kept[1:]


@lru_cache(maxsize=1)
def _lattices() -> tuple[Lattice, ...]:
    """Return hidden lattices: nights of other worlds, and facts of dimensions that hang together or not."""
    chance = stream(1053, "lattices")
    made = [night_lattice(nights, seed=seed) for nights, seed in ((3_000, 1054), (20_000, 1055))]
    for labels in ((40, 6, 12, 2), (5, 5, 5, 5), (200, 3, 20, 4), (9, 30, 2, 15)):
        rows = [[int(chance() ** 2 * count) for count in labels] for _ in range(1_500)]
        names = ("shop", "day", "kind", "till")
        made.append(Lattice.of({name: [row[at] for row in rows] for at, name in enumerate(names)}))
    return tuple(made)


def check_first_three(function: Callable[..., Any]) -> Verdict:
    """Hold each step against the most that could be saved then."""
    for lattice in _lattices():
        said = function(dict(lattice.cells))
        if not isinstance(said, list | tuple) or len(said) != 3 or not all(isinstance(one, tuple) for one in said):
            raise Misuse(f"it returned {brief(said)}; give a list of three of the keys of `cells`, which are tuples")
        if strange := [one for one in said if one not in lattice.cells]:
            raise Misuse(f"it returned {brief(strange[0])}; give keys of `cells`, as they stand there")
        for place in range(3):
            before = lattice.cost(said[:place])
            costs = {by: lattice.cost([*said[:place], by]) for by in lattice.cells}
            best = min(costs, key=lambda by: costs[by])
            if costs[said[place]] > costs[best]:
                saved, most = before - costs[said[place]], before - costs[best]
                cells = lattice.cells[said[place]]
                size = "1 cell" if cells == 1 else f"{cells:,} cells"
                told = f"Choice {place + 1}, {_named(said[place])} of {size}, saves {saved:,}"
                slip = _keeping_slip(lattice, said, place)
                return Verdict(passed=False, saw=f"{told}; {_named(best)} saves {most:,}. {slip}")
    return Verdict(passed=True, saw=f"The most is saved at each step, in {len(_lattices())} cubes unseen before.")


def _named(by: tuple[str, ...]) -> str:
    return f"({', '.join(by) or 'in all'})"


def _keeping_slip(lattice: Lattice, said: Sequence[tuple[str, ...]], place: int) -> str:
    if said[place] == lattice.top:
        return "The finest is kept anyway."
    by_itself = sorted(lattice.cells, key=lambda by: lattice.cost([by]))
    if place and said[place] in by_itself[: place + 1]:
        return "It would save much if nothing else were kept; what is kept already answers most of it."
    if lattice.cells[said[place]] <= sorted(lattice.cells.values())[2]:
        return "It is small, but hardly any other question can be answered from it."
    return "Count for each choice what *all* questions cost then, and take the choice where that is least."


def _lattice_chart(function: Callable[..., Any]) -> charts.Chart:
    cells = night_lattice(5_000).cells
    return charts.lattice(cells, kept=list(function(dict(cells))), title="Your three")


FIRST_THREE: Final = Exercise(
    lab=LAB,
    name="first_three",
    title="What is worth keeping?",
    statement="""
`cells` maps each of the sixteen cuboids, a tuple of its dimensions, to its number of cells. The finest is kept. A
question by some dimensions reads the smallest kept cuboid that has all of these; each of the sixteen is asked as often.

Return the three cuboids to keep beside it, chosen greedily: first the one that saves most, then the one that saves most
given the first, then the third. Where several save the same, any of them is right.""",
    skeleton="def first_three(cells):\n    ...",
    example='For two dimensions the keys are `("city", "band")`, `("city",)`, `("band",)` and `()`.',
    hints=(
        "Write `cost(kept)`: for each of the sixteen, the smallest kept one that can answer it; then the sum.",
        "One can answer another if it has all of its dimensions: `set(by) <= set(one)`.",
        "Three times: add the cuboid for which `cost([*kept, by])` is least.",
    ),
    check=check_first_three,
    play=lambda function: (),
    picture=_lattice_chart,
    is_pure=True,
    answer=first_three,
)


# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="A star for nights and the shop",
    statement="""
The company asks: *do people who sleep badly buy more?* There are nights, order lines, and the stock of each product in
each warehouse at the end of a day.

Which fact tables, each with its grain in one sentence? Which dimensions do they share? Where does the age at the time
of the purchase live, where the price that was paid, where the price of today?""",
    model_answer="""
*Three fact tables, for there are three grains.* Night: one row for each person and day. Order line: one row for each
product in an order. Stock: one row for each product, warehouse and day; a level, to be added over warehouses and
products and averaged over days. Nothing is joined fact to fact: each is summed to what both have, person and month for
example, and laid side by side.

*Conformed dimensions*: person, day and product are the same tables, with the same surrogate keys, for all that use
them. Only then does "Oslo, January" mean the same beside each other.

*Age at the purchase* follows from the birth date and the day, but nobody groups by it like that: a band of age stands
on the fact, as a small dimension of its own, given at load time. As an attribute of the person it would be today's.

*City* is historic in person (SCD 2): an order points at the version of its day. *Name* and *e-mail* are overwritten.

*The price that was paid* is a fact: it stands on the order line. *The price of today* is an attribute of the product,
and no sum over the past may use it.

*Do bad sleepers buy more?* By person and month: median minutes, worked out of the nights, and order lines, counted.
Then compare; and remember that the old sleep less and buy more.""",
)

TASKS: Final = (MAY_ADD, MERGED, FIRST_THREE, DESIGN)
