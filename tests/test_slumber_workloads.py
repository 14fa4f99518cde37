"""What is asked: keys follow their law, the answers of three witnesses agree, arrivals are what they are named."""

from __future__ import annotations

import doctest
import itertools
import sqlite3
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.workloads import arrivals, keys, operations
from dsys_lab.workloads.operations import Aggregate, Between, Insert, PointRead, Question, answer, answer_digest, sql
from dsys_lab.workloads.slumber import Slumber, minutes

DRAWS = 50_000
WAYS = {
    "uniform": keys.uniform(100),
    "zipf": keys.zipf(1000, 1.0),
    "zipf scattered": keys.zipf(1000, 1.2, scattered=True),
    "zipf 0": keys.zipf(100, 0.0),
    "hot": keys.hot(1000, hot_keys=0.2, hot_requests=0.8),
    "hot scattered": keys.hot(997, scattered=True),
    "all hot": keys.hot(10, hot_keys=1.0),
    "one key": keys.zipf(1),
}


# ------------------------------------------------------------------------------------------ keys
@pytest.mark.parametrize("way", WAYS)
def test_the_hottest_keys_get_what_the_law_says(way: str) -> None:
    chosen = WAYS[way]
    drawn = np.bincount(chosen.draw(7, "app", 0, DRAWS), minlength=chosen.count)
    assert len(drawn) == chosen.count
    assert chosen.shares.sum() == pytest.approx(1)
    counted = drawn[chosen.of_rank(np.arange(chosen.count))]
    for most in (1, chosen.count // 10 + 1, chosen.count // 2 + 1):
        law = chosen.shares[:most].sum()
        assert abs(counted[:most].sum() / DRAWS - law) <= 3.5 * (law * (1 - law) / DRAWS) ** 0.5 + 1e-9


def test_the_shares_are_those_of_the_books() -> None:
    assert keys.zipf(1000, 1.0).shares[0] == pytest.approx(1 / sum(1 / rank for rank in range(1, 1001)), rel=1e-9)
    assert keys.zipf(100, 0.0).shares == pytest.approx(keys.uniform(100).shares)
    assert keys.hot(1000).shares[:200].sum() == pytest.approx(0.8)


@given(st.integers(1, 5000))
def test_scattering_visits_every_key_once(count: int) -> None:
    scattered = keys.hot(count, scattered=True).of_rank(np.arange(count))
    assert len(np.unique(scattered)) == count


@settings(deadline=None)
@given(first=st.integers(0, 10**12), cut=st.integers(0, 50))
def test_a_draw_depends_on_its_number_alone(first: int, cut: int) -> None:
    chosen = WAYS["zipf"]
    whole = chosen.draw(7, "app", first, first + 50)
    parts = [chosen.draw(7, "app", first, first + cut), chosen.draw(7, "app", first + cut, first + 50)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(chosen.draw(7, "other", first, first + 50), whole)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: keys.uniform(0),
        lambda: keys.uniform(2.5),
        lambda: keys.zipf(10, -1),
        lambda: keys.zipf(10, float("nan")),
        lambda: keys.hot(10, hot_keys=1.5),
        lambda: keys.hot(10, hot_keys=0.5, hot_requests=0.4),
        lambda: keys.hot(10, hot_requests=0.0),
        lambda: keys.uniform(10).draw(7, "app", 5, 4),
        lambda: keys.uniform(10).draw(-7, "app", 0, 4),
    ],
)
def test_keys_that_cannot_be_drawn_are_refused(ask: Any) -> None:
    with pytest.raises(BadParameter, match="give "):
        ask()


# ------------------------------------------------------------------------------------------ three witnesses
def nights() -> dict[str, Any]:
    table = Slumber(nights=3000).read("night")
    return table | {"minutes_sleep": minutes(table)}


NIGHTS = nights()
ASKED = {
    "a row": PointRead(17),
    "some of a row": PointRead(17, ("age", "minutes_sleep")),
    "a null": PointRead(int(NIGHTS["night_id"][NIGHTS["status"] == 1][0]), ("minutes_sleep",)),
    "no row": PointRead(10**6),
    "rows": Question((Aggregate("count"),)),
    "mean": Question((Aggregate("sum", "minutes_sleep"), Aggregate("count", "minutes_sleep"), Aggregate("count"))),
    "by city": Question((Aggregate("count"), Aggregate("max", "minutes_sleep")), by="city_id"),
    "by minutes": Question((Aggregate("count"),), by="minutes_sleep"),
    "filtered": Question((Aggregate("min", "age"),), (Between("date_key", 3, 9), Between("age", 30, 50)), by="city_id"),
    "filter on nulls": Question((Aggregate("count"),), (Between("minutes_sleep", 0, 720),)),
    "nothing": Question((Aggregate("sum", "age"), Aggregate("count", "age")), (Between("age", 200, 300),)),
    "no groups": Question((Aggregate("sum", "age"),), (Between("age", 200, 300),), by="city_id"),
}


@pytest.fixture(scope="module")
def sqlite() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"create table night ({', '.join(NIGHTS)})")
    rows = zip(*(column.tolist() for column in NIGHTS.values()), strict=True)
    connection.executemany(f"insert into night values ({', '.join('?' * len(NIGHTS))})", rows)
    return connection


@pytest.mark.parametrize("asked", ASKED)
def test_numpy_sqlite_and_duckdb_give_the_same_answer(asked: str, sqlite: sqlite3.Connection) -> None:
    duckdb = pytest.importorskip("duckdb")
    text = sql(ASKED[asked], "night", key="night_id")
    with duckdb.connect() as connection:
        connection.register("night", NIGHTS)
        from_duckdb = connection.execute(text).fetchall()
    from_sqlite, ours = sqlite.execute(text).fetchall(), answer(ASKED[asked], NIGHTS, key="night_id")
    assert answer_digest(ours) == answer_digest(from_sqlite) == answer_digest(from_duckdb)
    assert sorted(map(repr, ours)) == sorted(map(repr, from_sqlite))


def test_an_answers_digest_leaves_out_order_and_nothing_else() -> None:
    rows = [(1, "a"), (2, None), (2, None)]
    assert answer_digest(rows) == answer_digest(rows[::-1]) == answer_digest([(np.int64(1), "a"), (2, None), (2, None)])
    others = [rows[:2], [(1, "a"), (2, None), (2, 0)], [(1, "b"), *rows[1:]], [("1", "a"), *rows[1:]]]
    assert answer_digest(rows) not in map(answer_digest, others)
    with pytest.raises(Misuse, match=r"0\.5 is a float"):
        answer_digest([(0.5,)])


def test_a_question_names_the_columns_that_it_touches() -> None:
    assert ASKED["filtered"].columns == ("age", "date_key", "city_id")
    assert ASKED["rows"].columns == ()


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(BadParameter, match="function = 'median': give one of count, sum"):
        Aggregate("median", "age")
    with pytest.raises(BadParameter, match="sum of nothing"):
        Aggregate("sum")
    for asked in (PointRead(1, ("height",)), Question((Aggregate("sum", "height"),))):
        with pytest.raises(BadParameter, match="column = 'height'"):
            answer(asked, NIGHTS, key="night_id")
    assert sql(PointRead(1, ('a"b',)), "t", key="k") == 'select "a""b" from "t" where "k" = 1'


@pytest.mark.parametrize("values", [np.array([0.5, 1.5]), np.array(["a", "b"], object)])
@pytest.mark.parametrize("function", ["sum", "min", "max"])
def test_what_is_not_whole_is_counted_and_never_cut(values: np.ndarray, function: str) -> None:
    table = {"k": np.arange(2), "x": values}
    assert answer(Question((Aggregate("count", "x"),)), table, key="k") == [(2,)]
    with pytest.raises(BadParameter, match=f"{function} of 'x', a column of {values.dtype}"):
        answer(Question((Aggregate(function, "x"),)), table, key="k")


def test_sums_are_exact_where_numpy_wraps_around() -> None:
    for dtype, values in (("u8", [2**64 - 1, 2**64 - 1, 5]), ("i8", [-(2**63), -1, -1]), ("u1", [255, 255])):
        table = {"k": np.arange(len(values)), "x": np.array(values, dtype)}
        wanted = (sum(values), min(values), max(values))
        question = Question(tuple(Aggregate(function, "x") for function in ("sum", "min", "max")))
        assert answer(question, table, key="k") == [wanted]


@pytest.mark.parametrize("ask", [
    lambda: Between("x", 1.5, 2), lambda: Between("x", 1, None), lambda: operations.inserts(0, rows=0),
    lambda: operations.inserts(-1),
])  # fmt: skip
def test_half_bounds_and_inserts_of_nothing_are_refused_at_once(ask: Any) -> None:
    with pytest.raises(BadParameter, match="give "):
        ask()


# ------------------------------------------------------------------------------------------ mixes and arrivals
def mixed(seed: int) -> list[Any]:
    reads = operations.point_reads(WAYS["zipf"], seed=seed, name="app")
    parts = [(95, reads), (5, operations.inserts(1000, rows=10))]
    return list(itertools.islice(operations.mixed(parts, seed=seed, name="app"), 5000))


def test_a_mix_has_its_shares_and_the_same_luck_again() -> None:
    drawn = mixed(7)
    inserted = [operation for operation in drawn if isinstance(operation, Insert)]
    assert abs(len(inserted) / len(drawn) - 0.05) < 3 * (0.05 * 0.95 / len(drawn)) ** 0.5
    assert [insert.first for insert in inserted[:3]] == [1000, 1010, 1020]
    assert (mixed(7) == drawn, mixed(8) == drawn) == (True, False)
    assert Counter(op.key for op in drawn if isinstance(op, PointRead)).most_common(1)[0][0] == 0


def test_a_mix_ends_with_its_part_and_refuses_no_weights() -> None:
    assert len(list(operations.mixed([(1, iter([PointRead(1)] * 3))], seed=7, name="app"))) == 3
    for weights in ([], [0.0], [-1.0, 2.0]):
        with pytest.raises(BadParameter, match="weights"):
            operations.mixed([(weight, iter(())) for weight in weights], seed=7, name="app")


def test_arrivals_are_what_they_are_named() -> None:
    steady = list(itertools.islice(arrivals.steady(50_000), 3))
    assert steady == [0, 20, 40]
    assert list(arrivals.together(3, at_us=7)) == [7, 7, 7]
    times = list(itertools.islice(arrivals.poisson(1000, seed=7, name="app"), 20_000))
    gaps = np.diff(times)
    assert (gaps >= 0).all()
    assert gaps.mean() == pytest.approx(1000, rel=0.03)
    assert gaps.std() == pytest.approx(1000, rel=0.05)
    assert times[:5] == list(itertools.islice(arrivals.poisson(1000, seed=7, name="app"), 5))
    with pytest.raises(BadParameter, match="rate_per_s = 0"):
        arrivals.poisson(0, seed=7, name="app")


def test_operations_get_times_until_one_of_the_two_ends() -> None:
    reads = [PointRead(1), PointRead(2)]
    assert list(arrivals.timed(reads, arrivals.steady(1000))) == [(0, reads[0]), (1000, reads[1])]
    assert len(list(arrivals.timed(operations.inserts(0), arrivals.together(4)))) == 4


def test_the_examples_in_the_chapters_are_true() -> None:
    found = doctest.testmod(sys.modules[operations.__name__])
    assert (found.attempted > 0, found.failed) == (True, 0)
