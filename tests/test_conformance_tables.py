"""The models and the real engines answer alike: row store, column store, SQLite, DuckDB."""
from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dsys_lab.engines import duckdb, sqlite
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore
from dsys_lab.stores.table import Between, Measure, Table
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import NO_TRACE, Counters, Trace

SCHEMA = Schema.of("id u32, age u8?, score f64?, owed i64, city text?")
ROWS = [
    (1, 40, 7.5, -3, "Oslo"), (2, None, None, 10, "Lagos"), (3, 62, 6.5, 0, None),
    (4, 40, -2.0, 2**40, "Oslo"), (5, 0, 0.25, -(2**40), "Århus"),
]  # fmt: skip
ALL = ("row_store", "column_store", "sqlite", "duckdb")


def _make(kind: str, schema: Schema = SCHEMA, recorder: Any = NO_TRACE) -> Any:
    if kind == "row_store":
        return RowStore(VolatileDisk(), "sleep", schema, key="id", recorder=recorder)
    if kind == "column_store":
        return ColumnStore(VolatileDisk(), schema, key="id", row_group_rows=64, merge_rows=64, recorder=recorder)
    engine = sqlite.SqliteTable if kind == "sqlite" else duckdb.DuckdbTable
    return engine("sleep", schema, key="id", recorder=recorder)


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def one(kind: str, *args: Any, **more: Any) -> Any:
        made.append(_make(kind, *args, **more))
        return made[-1]

    yield one
    for table in made:
        if hasattr(table, "close"):
            table.close()


@pytest.fixture(params=ALL)
def table(request: pytest.FixtureRequest, make: Callable[..., Any]) -> Table:
    filled = make(request.param)
    assert filled.append(ROWS) == 5
    return filled


def alike(one: Any, other: Any) -> bool:
    """Whether two answers agree; a sum of floats may differ in its last digits."""
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


# --------------------------------------------------------------------------------------- one verb at a time

def test_a_row_is_found_by_its_key_as_it_was_given(table: Table) -> None:
    assert [table.get(row[0]) for row in ROWS] == ROWS
    assert table.get(99) is None


def test_a_scan_gives_the_columns_that_were_asked_for_of_every_row(table: Table) -> None:
    assert sorted(table.scan(["id", "city"])) == [(row[0], row[4]) for row in ROWS]
    assert sorted(table.scan()) == ROWS


@pytest.mark.parametrize(("where", "ids"), [
    (Between("age", 40, 62), [1, 3, 4]),
    (Between("age", 40, None), [1, 3, 4]),
    (Between("age", None, 39.5), [5]),
    (Between("age", 39.5, 40.5), [1, 4]),
    (Between("age", 256, None), []),
    (Between("age", None, -1), []),
    (Between("age", None, 10**30), [1, 3, 4, 5]),
    (Between("age", -math.inf, math.inf), [1, 3, 4, 5]),
    (Between("age"), [1, 3, 4, 5]),
    (Between("age", 50, 41), []),
    (Between("score", 0, 7), [3, 5]),
    (Between("owed", -(2**40), -1), [1, 5]),
    (Between("owed", -(10**30), 0), [1, 3, 5]),
    (Between("city", "Oslo", None), [1, 4, 5]),
    (Between("city", "M", "P"), [1, 4]),
])  # fmt: skip
def test_a_filter_keeps_both_ends_and_no_null(table: Table, where: Between, ids: list[int]) -> None:
    assert sorted(row[0] for row in table.scan(["id"], where)) == ids


@pytest.mark.parametrize(("where", "ids"), [
    (Between("x", 2**53 + 1, None), [2]),
    (Between("x", None, 2**53 + 1), [1, 3]),
    (Between("x", 10**400, None), []),
    (Between("x", -(10**400), 10**400), [1, 2, 3]),
])  # fmt: skip
@pytest.mark.parametrize("kind", ALL)
def test_a_whole_bound_that_no_float_is_keeps_both_ends(
    make: Callable[..., Any], kind: str, where: Between, ids: list[int]
) -> None:
    table = make(kind, Schema.of("id u32, x f64"))
    table.append([(1, 2.0**53), (2, 2.0**53 + 2), (3, -1.5)])
    assert sorted(row[0] for row in table.scan(["id"], where)) == ids


@pytest.mark.parametrize("how", ["count", "sum", "avg", "min", "max"])
def test_null_enters_no_measure(table: Table, how: str) -> None:
    ages, scores = [40, 62, 40, 0], [7.5, 6.5, -2.0, 0.25]
    of = {"count": len, "sum": sum, "avg": lambda xs: sum(xs) / len(xs), "min": min, "max": max}[how]
    [answer] = table.aggregate([Measure(how, "age"), Measure(how, "score")])
    assert alike(answer, (of(ages), of(scores)))


def test_over_nothing_a_count_is_zero_and_all_else_is_null(table: Table) -> None:
    measures = [Measure(how, "age") for how in ("count", "sum", "avg", "min", "max")]
    assert table.aggregate(measures, where=Between("id", 77, 99)) == [(0, None, None, None, None)]
    assert table.aggregate(measures, where=Between("id", 77, 99), by="city") == []


def test_groups_come_in_the_order_of_their_value_with_null_first(table: Table) -> None:
    answer = table.aggregate([Measure("sum", "owed"), Measure("count", "age")], by="city")
    assert answer == [(None, 0, 1), ("Lagos", 10, 0), ("Oslo", 2**40 - 3, 2), ("Århus", -(2**40), 1)]


def test_a_changed_row_is_new_in_its_columns_only(table: Table) -> None:
    assert table.update(2, {"age": 31, "city": None}) is True
    assert table.get(2) == (2, 31, None, 10, None)
    assert table.update(99, {"age": 1}) is False
    assert table.update(1, {}) is True


def test_a_deleted_row_is_gone_and_its_key_is_free(table: Table) -> None:
    assert (table.delete(3), table.delete(3), table.get(3)) == (True, False, None)
    assert table.append([(3, 1, 1.0, 1, "Quito")]) == 1
    assert table.get(3) == (3, 1, 1.0, 1, "Quito")


def test_a_key_that_is_there_refuses_all_of_its_rows(table: Table) -> None:
    for rows in ([(9, 1, 1.0, 1, ""), (2, 1, 1.0, 1, "")], [(9, 1, 1.0, 1, ""), (9, 1, 1.0, 1, "")]):
        with pytest.raises(Refused):
            table.append(rows)
        assert table.get(9) is None
    many = [(key, 1, 1.0, 1, "") for key in range(1000, 1100)]
    with pytest.raises(Refused):
        table.append([*many, many[0]])
    assert table.get(1000) is None


@pytest.mark.parametrize("row", [
    (7,), (7, 256, 1.0, 1, ""), (7, 1, math.nan, 1, ""), (None, 1, 1.0, 1, ""), (7, 1, 1.0, None, ""),
    (7, 1, 1.0, 1, 5),
])  # fmt: skip
def test_a_row_that_does_not_fit_refuses_all_of_its_rows(table: Table, row: tuple[Any, ...]) -> None:
    with pytest.raises(BadParameter):
        table.append([(8, 1, 1.0, 1, ""), row])
    assert table.get(8) is None


@pytest.mark.parametrize("ask", [
    lambda table: list(table.scan(["nowhere"])),
    lambda table: list(table.scan(where=Between("city", 1, 2))),
    lambda table: list(table.scan(where=Between("age", "a", None))),
    lambda table: table.aggregate([Measure("sum", "city")]),
    lambda table: table.aggregate([], by="nowhere"),
    lambda table: table.update(1, {"nowhere": 1}),
    lambda table: table.update(1, {"id": 2}),
    lambda table: table.update(1, {"age": -1}),
    lambda table: table.get("one"),
])  # fmt: skip
def test_a_question_about_what_is_not_there_is_refused(table: Table, ask: Callable[[Table], Any]) -> None:
    with pytest.raises(BadParameter):
        ask(table)


def test_an_empty_table_answers(make: Callable[..., Any]) -> None:
    for kind in ALL:
        empty = make(kind)
        assert (empty.append([]), list(empty.scan()), empty.get(1)) == (0, [], None)
        assert empty.aggregate([Measure("count", "id"), Measure("avg", "age")]) == [(0, None)]
        assert empty.status().rows == 0


def test_a_checkpoint_changes_no_answer(table: Table) -> None:
    table.update(1, {"age": 41})
    table.delete(5)
    before = sorted(table.scan())
    table.checkpoint()
    assert sorted(table.scan()) == before
    assert table.status().rows == 4


# --------------------------------------------------------------------------------------- any verbs in any order

@pytest.mark.parametrize("seed", range(6))
def test_any_verbs_in_any_order_leave_the_same_table_everywhere(make: Callable[..., Any], seed: int) -> None:
    luck, tables, truth = random.Random(seed), [make(kind) for kind in ALL], {}
    for _ in range(60):
        key, age, score = luck.randrange(40), luck.randrange(256), luck.randrange(-8, 8) / 4
        city = luck.choice([None, "Oslo", "Lima", ""])
        row = (key, luck.choice([None, age]), luck.choice([None, score]), luck.randrange(-9, 9), city)
        match luck.choice(["append", "append", "update", "delete", "many", "checkpoint"]):
            case "append":
                outcomes = [_outcome(lambda t=t, row=row: t.append([row])) for t in tables]
                if key not in truth:
                    truth[key] = row
            case "many":
                first = 1000 * luck.randrange(1, 9)
                rows = [(first + n, n % 90, None, n, "many") for n in range(30)]
                outcomes = [_outcome(lambda t=t, rows=rows: t.append(rows)) for t in tables]
                if rows[0][0] not in truth:
                    truth |= {one[0]: one for one in rows}
            case "update":
                outcomes = [t.update(key, {"owed": row[3], "city": row[4]}) for t in tables]
                if key in truth:
                    truth[key] = (*truth[key][:3], row[3], row[4])
            case "delete":
                outcomes = [t.delete(key) for t in tables]
                truth.pop(key, None)
            case "checkpoint":
                outcomes = [t.checkpoint() for t in tables]
        assert len(set(map(str, outcomes))) == 1, outcomes
    where, measures = Between("owed", -4, 5), [Measure(how, "age") for how in ("count", "sum", "avg", "min", "max")]
    for t in tables:
        assert sorted(t.scan(), key=lambda one: one[0]) == [truth[key] for key in sorted(truth)]
    answers = [t.aggregate(measures, where=where, by="city") for t in tables]
    assert all(alike(answer, answers[0]) for answer in answers), answers


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Refused:
        return "refused"


# --------------------------------------------------------------------------------------- what they leave behind

@pytest.mark.parametrize("kind", ALL)
def test_the_answers_are_the_same_whoever_listens(kind: str, make: Callable[..., Any]) -> None:
    answers = []
    for recorder in (NO_TRACE, Counters(), Trace()):
        one = make(kind, recorder=recorder)
        one.append(ROWS)
        one.checkpoint()
        answers.append((one.get(3), one.aggregate([Measure("sum", "owed")], by="city")))
    assert answers[0] == answers[1] == answers[2]
