"""Exercises of lab 11: blocks that a range reads, the encoding of a column, and where the rows of joined tables lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, Final, NamedTuple

import numpy as np

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.column_store import nights, sorting
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.warehouse import All, Cluster, Distribution, Even, Key, Warehouse
from dsys_lab.stores.warehouse.moving import Side, decide
from dsys_lab.structures.encoding import CHOSEN
from dsys_lab.structures.schema import Schema
from dsys_lab.views import charts

LAB: Final = 11
Block = tuple[int | None, int | None]


# ------------------------------------------------------------------------------------------ (a) blocks touched
def blocks_touched(zones: Sequence[Block], low: int, high: int) -> int:
    """Return how many blocks a range must read."""
    return sum(first is not None and last is not None and first <= high and last >= low for first, last in zones)


class Asked(NamedTuple):
    """A table of one column, which may be NULL, in some order, and a range of it."""

    name: str
    values: Any
    low: int
    high: int


def _pairs() -> list[Asked]:
    """Return five orders with a predicate each, and a few made to catch a slip."""
    told = []
    for number, order in enumerate(("by date", *nights.ORDERS)):
        column = "person_id" if order == "by person" else "date_key"
        values = np.ma.masked_array(nights.in_order(order, nights=3_000, seed=111 + number)[column]).astype(np.int64)
        middle = int(np.median(np.ma.getdata(values)))
        told.append(Asked(order, values, middle, middle + (0 if number else 5)))
    gap = np.ma.masked_array(np.repeat([10, 20, 30], 300), np.repeat([False, True, False], 300))
    return [*told, Asked("with a block of NULLs", gap, 0, 99), Asked("nothing there", gap, 11, 29)]


def _read(asked: Asked) -> tuple[list[Block], int]:
    """Return the zone maps of a table, and how many blocks the warehouse really read."""
    lab = Warehouse(Cluster(1, 1), block_bytes=832)
    lab.create_table("t", Schema.of("x i64?"), encodings={"x": "plain"})
    lab.copy("t", [{"x": asked.values}])
    answer = lab.query(f"SELECT count(x) FROM t WHERE x BETWEEN {asked.low} AND {asked.high}")  # noqa: S608  numbers
    zones = [(block.low, block.high) for block in lab.blocks("t") if block.column == "x"]
    return zones, answer.blocks_read["t.x"]  # type: ignore[return-value]


def check_blocks_touched(function: Callable[..., Any]) -> Verdict:
    """Hold the function against what the warehouse read, for hidden orders and ranges."""
    for asked in _pairs():
        zones, right = _read(asked)
        said = function(list(zones), asked.low, asked.high)
        if isinstance(said, bool) or not isinstance(said, int | np.integer):
            raise Misuse(f"it returned {brief(said)}; give how many blocks are read, a whole number")
        if said != right:
            told = f"{asked.name}, {asked.low} to {asked.high}: you said {said}, {right} of {len(zones)} were read."
            return Verdict(passed=False, saw=f"{told} {_zone_slip(int(said), zones, asked)}".strip())
    return Verdict(passed=True, saw=f"Exact for {len(_pairs())} tables, one with a block of NULLs.")


def _zone_slip(said: int, zones: Sequence[Block], asked: Asked) -> str:
    known = [(first, last) for first, last in zones if first is not None and last is not None]
    low, high = asked.low, asked.high
    if said == sum(low <= first <= high or low <= last <= high for first, last in known):
        return "A wide block may begin before the range and end behind it: neither end lies in it."
    if said == sum(first >= low and last <= high for first, last in known):
        return "A block whose values reach beyond the range may hold some of it, too: it is enough that they overlap."
    if said == sum(first < high and last > low for first, last in known):
        return "Both ends belong to the range, and to the zone map: a block that ends where the range begins is read."
    if said == blocks_touched(known, low, high) + len(zones) - len(known):
        return "A block of NULLs alone has no smallest value: no range can meet it."
    return ""


BLOCKS: Final = Exercise(
    lab=LAB,
    name="blocks_touched",
    title="Which blocks are read?",
    statement="""
`zones` says of each block of a column its smallest and its largest value, `(low, high)`; of a block that holds nothing
but NULL `(None, None)`.

Return how many blocks `WHERE x BETWEEN low AND high` must read. Both ends belong to the range.""",
    skeleton="def blocks_touched(zones, low, high):\n    ...",
    example="`blocks_touched([(0, 9), (10, 19), (None, None)], 9, 9)` is `1`.",
    hints=(
        "A block is left alone only if all of its values lie before the range, or all behind it.",
        "Turned round: it is read if it begins before the range ends *and* ends behind where the range begins.",
        "`first <= high and last >= low`, and None is neither.",
    ),
    check=check_blocks_touched,
    play=lambda function: (),
    picture=lambda function: charts.zone_maps(**sorting.drawn(0.01, 0.5)),
    is_pure=True,
    answer=blocks_touched,
)


# ------------------------------------------------------------------------------------------ (b) the encoding
def choose_encoding(values: Sequence[int]) -> str:
    """Return the encoding that makes whole numbers of 8 bytes smallest."""
    rows, different = len(values), len(set(values))
    runs = 1 + sum(one != other for one, other in pairwise(values))
    steps = [other - one for one, other in pairwise(values)] or [0]
    bits, step_bits = ((max(some) - min(some)).bit_length() for some in (values, steps))
    sizes = {
        "plain": rows * 8,
        "run_length": runs * (8 + 4),
        "dictionary": rows * (1 if different <= 256 else 2 if different <= 65_536 else 4) + different * 8,
        "frame": 8 + rows * bits / 8,
        "delta": 16 + rows * step_bits / 8,
    }
    return min(sizes, key=lambda name: sizes[name])


WITHIN: Final = 1.05
CODECS: Final = {codec.name: codec for codec in CHOSEN}


def _columns() -> dict[str, Any]:
    """Return hidden columns, some of nights and some made up."""
    chance = np.random.default_rng(1111)
    columns = nights.in_order("by date", nights=4_000, seed=1111)
    told = {name: np.ma.getdata(columns[name]).astype(np.int64) for name in ("night_id", "date_key", "city_id")}
    told["person_id, by person"] = nights.in_order("by person", nights=4_000, seed=1112)["person_id"].astype(np.int64)
    told["a hash"] = chance.integers(-(2**62), 2**62, 4_000)
    told["prices far apart"] = chance.choice(chance.integers(0, 2**50, 90), 4_000)
    told["a clock that jitters"] = np.cumsum(chance.integers(55, 66, 4_000)) + 10**12
    return told


def check_choose_encoding(function: Callable[..., Any]) -> Verdict:
    """Encode hidden columns as the function says, and compare the bytes with the best."""
    given = best = 0
    worst: tuple[float, str] = (1.0, "")
    for name, values in _columns().items():
        said = function(values.tolist())
        if said not in CODECS:
            raise Misuse(f"it returned {brief(said)}; give one of {', '.join(CODECS)}")
        sizes = {codec: len(CODECS[codec].encode(values)) for codec in CODECS}
        right = min(sizes, key=lambda codec: sizes[codec])
        given, best = given + sizes[said], best + sizes[right]
        if sizes[said] / sizes[right] > worst[0]:
            worst = sizes[said] / sizes[right], (
                f"Worst is {name}: {said} takes {sizes[said]:,} bytes, {right} {sizes[right]:,}. {_WHY[right]}"
            )
    if given > WITHIN * best:
        return Verdict(passed=False, saw=f"{given:,} bytes in all, {best:,} is the least. {worst[1]}")
    return Verdict(passed=True, saw=f"{given:,} bytes in all, {best:,} is the least.")


_WHY: Final = {
    "plain": "Nothing in it repeats or is near.",
    "run_length": "Equal values stand side by side: few runs.",
    "dictionary": "Few values are different, but they are far apart and mixed.",
    "frame": "All lie near each other: few bits hold the distance from the smallest.",
    "delta": "Each step is about as large as the one before: few bits hold it.",
}


def _sizes_chart(function: Callable[..., Any]) -> charts.Chart:
    sizes = {
        f"{name}: {said}": len(CODECS[said].encode(values)) / (8 * len(values))
        for name, values in _columns().items() for said in [function(values.tolist())]
    }  # fmt: skip
    return charts.bars(sizes, title="Your choices", unit="share of the plain bytes")


ENCODING: Final = Exercise(
    lab=LAB,
    name="choose_encoding",
    title="An encoding for each column",
    statement="""
`values` is a column, a list of whole numbers, 8 bytes each when they are plain.

Return the encoding that makes it small, one of `"plain"`, `"run_length"`, `"dictionary"`, `"frame"`, `"delta"`. Over
all hidden columns together you should be within 5% of the least bytes. (Bytes of n values: run_length 12 for each run;
dictionary 1, 2 or 4 for each value and 8 for each different one; frame 8 + n × bits of the range / 8; delta 16 + n ×
bits of the range of the *steps* / 8.)""",
    skeleton="def choose_encoding(values):\n    ...",
    example='`choose_encoding([7] * 1000)` is `"frame"`: no bit at all for each value.',
    hints=(
        "Measure the column: how many runs, how many different values, which range, which range of the steps?",
        "Write a formula for each encoding into a dict, and take the smallest.",
        "`(max(values) - min(values)).bit_length()` is the bits of `frame`; the same of the steps is `delta`.",
    ),
    check=check_choose_encoding,
    play=lambda function: (),
    picture=_sizes_chart,
    is_pure=True,
    answer=choose_encoding,
)


# ------------------------------------------------------------------------------------------ (c) where rows lie
Join = tuple[str, str, str, str]
"""Table, its column, the other table, its column."""


def distribute(tables: Mapping[str, int], joins: Sequence[Join], nodes: int, room: int) -> dict[str, str]:
    """Return for each table "EVEN", "ALL" or the column that is its key, so that the joins move the fewest bytes."""
    choices = {
        name: ["EVEN", "ALL", *sorted({c for a, x, b, y in joins for t, c in ((a, x), (b, y)) if t == name})]
        for name in tables
    }
    best: dict[str, str] = {}
    least = float("inf")
    for chosen in product(*choices.values()):
        styles = dict(zip(tables, chosen, strict=True))
        if sum(tables[name] * (nodes - 1) for name, style in styles.items() if style == "ALL") > room:
            continue
        moved = sum(_moved_bytes(styles, tables, join, nodes) for join in joins)
        if moved < least:
            best, least = styles, moved
    return best


def _moved_bytes(styles: Mapping[str, str], tables: Mapping[str, int], join: Join, nodes: int) -> float:
    one, column, other, its = join
    if "ALL" in {styles[one], styles[other]}:
        return 0
    lies = [styles[one] == column, styles[other] == its]
    sizes = tables[one], tables[other]
    if all(lies):
        return 0
    ways = [min(sizes) * (nodes - 1), sum(sizes) * (1 - 1 / nodes)]
    ways += [sizes[1 - at] * (1 - 1 / nodes) for at in (0, 1) if lies[at]]
    return min(ways)


class Plan(NamedTuple):
    """Tables, joins, nodes, and the bytes that copies may take."""

    tables: dict[str, int]
    joins: list[Join]
    nodes: int
    room: int


def _plans() -> list[Plan]:
    """Return a star, two large tables with two keys, a star with room for one copy, and random ones."""
    star = Plan({"night": 9_000_000, "person": 60_000, "city": 500},
                [("night", "person_id", "person", "person_id"), ("night", "city_id", "city", "city_id")], 4, 10_000)
    large = Plan({"night": 9_000_000, "event": 12_000_000, "person": 60_000},
                 [("night", "night_id", "event", "event_id"), ("night", "person_id", "person", "person_id"),
                  ("event", "person_id", "person", "person_id")], 8, 0)
    close = Plan({"night": 9_000_000, "person": 60_000, "product": 50_000, "city": 40_000},
                 [("night", f"{name}_id", name, f"{name}_id") for name in ("person", "product", "city")], 4, 150_000)
    told, luck = [star, large, close], stream(11, "plans")
    for _ in range(8):
        names = ["a", "b", "c", "d"]
        tables = {name: int(10 ** (2 + 5 * luck())) for name in names}
        joins = []
        for _ in range(3):
            one = names[int(luck() * 4)]
            other = [name for name in names if name != one][int(luck() * 3)]
            joins.append((one, f"k{int(luck() * 2)}", other, f"k{int(luck() * 2)}"))
        nodes = 2 + int(luck() * 7)
        told.append(Plan(tables, joins, nodes, int(sorted(tables.values())[1] * nodes * luck() * 1.5)))
    return told


def check_distribute(function: Callable[..., Any]) -> Verdict:
    """Let the planner of the warehouse say what the choices move, and compare with the best of all choices."""
    for plan in _plans():
        said = function(dict(plan.tables), list(plan.joins), plan.nodes, plan.room)
        styles = _styles(said, plan)
        copies = sum(plan.tables[name] * (plan.nodes - 1) for name, style in styles.items() if isinstance(style, All))
        about = f"{plan.nodes} nodes, tables {plan.tables}, joins {plan.joins}"
        if copies > plan.room:
            told = f"{about}: the copies of your ALL tables take {copies:,} bytes, there is room for {plan.room:,}."
            return Verdict(passed=False, saw=f"{told} ALL is for small tables.")
        mine = _planned(styles, plan)
        best = distribute(*plan)
        least = _planned(_styles(best, plan), plan)
        if mine > least + 0.5:
            told = f"{about}: {said} moves {mine:,.0f} bytes, {best} {least:,.0f}."
            return Verdict(passed=False, saw=f"{told} {_place_slip(styles, best, plan)}".strip())
    return Verdict(passed=True, saw=f"The fewest bytes in {len(_plans())} hidden warehouses.")


def _styles(said: Any, plan: Plan) -> dict[str, Distribution]:
    is_dict = isinstance(said, dict) and {*said} == {*plan.tables}
    if not is_dict or not all(isinstance(style, str) for style in said.values()):
        raise Misuse(f"it returned {brief(said)}; give a dict, for each table 'EVEN', 'ALL' or the name of a column")
    named: dict[str, Distribution] = {"EVEN": Even(), "ALL": All()}
    return {name: named.get(style) or Key(style) for name, style in said.items()}


def _planned(styles: Mapping[str, Distribution], plan: Plan) -> float:
    total = 0.0
    for one, column, other, its in plan.joins:
        sides = (Side(styles[name], by, plan.tables[name]) for name, by in ((one, column), (other, its)))
        total += decide(*sides, nodes=plan.nodes).size_bytes
    return total


def _place_slip(styles: Mapping[str, Distribution], best: Mapping[str, str], plan: Plan) -> str:
    for name, style in best.items():
        if style == "ALL" and not isinstance(styles[name], All):
            return f"There is room for copies of {name}: with ALL its joins move nothing."
    for name, style in best.items():
        if style not in {"ALL", "EVEN"} and styles[name] != Key(style):
            return f"A table has one key: for {name} take the column of the join that would move the most."
    return ""


def _moved_chart(function: Callable[..., Any]) -> charts.Chart:
    plan = _plans()[0]
    mine = _planned(_styles(function(*plan), plan), plan)
    even = _planned({name: Even() for name in plan.tables}, plan)
    return charts.bars({"all in turn": even, "yours": mine}, title="A star of three tables, four nodes", unit="bytes")


DISTRIBUTE: Final = Exercise(
    lab=LAB,
    name="distribute",
    title="Where should the rows lie?",
    statement="""
`tables` gives the bytes of each table, `joins` the queries: `("night", "person_id", "person", "person_id")` joins
nights with people by these columns. The planner takes for each join the cheapest of the ways in this lab.

Return a dict that says for each table `"EVEN"`, `"ALL"`, or the name of the column that is its key, so that all joins
together move the fewest bytes between `nodes` nodes. The *additional* copies of ALL tables, bytes × (nodes − 1), may
take `room` bytes in all.""",
    skeleton="def distribute(tables, joins, nodes, room):\n    ...",
    example=(
        '`distribute({"n": 900, "p": 90}, [("n", "k", "p", "k")], 4, 0)` is `{"n": "k", "p": "k"}`: there is no room '
        "for copies, and rows that lie by the same column meet at home."
    ),
    hints=(
        "A join moves nothing if one side is ALL, or both lie by the columns that join them.",
        "Else it costs the least of: small × (n − 1); both × (1 − 1/n); if one side lies right, the other × (1 − 1/n).",
        "There are few tables: try every combination of EVEN, ALL and its join columns (`itertools.product`).",
    ),
    check=check_distribute,
    play=lambda function: (),
    picture=_moved_chart,
    is_pure=True,
    answer=distribute,
)


DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Fourteen days late",
    statement="""
Nights arrive up to fourteen days late: nine in ten within minutes, one in a hundred after days. Most questions are
about the last week; some about a whole year. Which sort key do you choose, how often do you vacuum, or do you keep the
nights as files in folders by day, outside the warehouse? Say what each costs, in blocks.""",
    model_answer="""
*Sort by the day on which the night happened*, for that is what is asked for. A load with a single late row goes to the
unsorted region, with all that comes after, until a vacuum. That costs less than it sounds: each load is in order
within itself, so of a load only the block with its late rows has a wide zone map. A question about a day reads its own
blocks and about one more for each load of the two weeks behind it.

*Vacuum* reads and writes the whole table. In experiment 7 one vacuum costs more blocks than it spares in weeks of one
question a day; with thousands of questions a day it pays at once. So its cadence follows from questions, not from
rows; and it should touch only what is new (a vacuum of the last weeks: keep old months in tables of their own, or
folders, and join them with UNION ALL).

*Sort by arrival* instead, and no load is ever out of order, but a question by day must look two weeks further:
`arrived BETWEEN day AND day + 14 AND date_key = day`. The zone map of arrival does the skipping; it is exact, costs no
vacuum, and somebody will forget to write it.

*Folders by day* (a partitioned external table): a late night is one more small file in its folder. Skipping is by name,
exact at once; the price is small files, which somebody must merge. Per byte read, as Spectrum and Athena bill, that
merging is money.""",
)

TASKS: Final = (BLOCKS, ENCODING, DISTRIBUTE, DESIGN)
