"""What a query over streams says folds to what DuckDB answers over the same rows, in whatever order they came."""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.dataflows.streaming_sql import Catalog, Change, folded
from dsys_lab.dataflows.streaming_sql.joins import IntervalJoin
from dsys_lab.dataflows.windows import Emission
from dsys_lab.engines.duckdb import DuckdbBatch
from dsys_lab.errors import BadParameter

S = 1_000_000
BOUND_S = 8
PINGS = """CREATE TABLE pings (city STRING, person BIGINT, hours DOUBLE, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '8' SECOND) WITH ('connector' = 'datagen')"""
ORDERS = """CREATE TABLE orders (id BIGINT, item STRING, amount BIGINT, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '8' SECOND)"""
PAID = """CREATE TABLE paid (id BIGINT, cents BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '8' SECOND)"""
PRICES = """CREATE TABLE prices (item STRING, price BIGINT, ts TIMESTAMP(3), PRIMARY KEY (item) NOT ENFORCED,
    WATERMARK FOR ts AS ts - INTERVAL '8' SECOND)"""

WINDOWED = "SELECT window_start, window_end, city, COUNT(*) AS n, SUM(person) AS total FROM TABLE({}) {} "
GROUPED = "GROUP BY window_start, window_end, city"
QUERIES = {
    "tumble": WINDOWED.format("TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND)", "") + GROUPED,
    "hop": WINDOWED.format("HOP(TABLE pings, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)", "") + GROUPED,
    "cumulate": WINDOWED.format("CUMULATE(TABLE pings, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)", "")
    + GROUPED,
    "session": WINDOWED.format("SESSION(TABLE pings PARTITION BY city, DESCRIPTOR(ts), INTERVAL '7' SECOND)", "")
    + GROUPED,
    "filtered": WINDOWED.format("TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND)",
                                "WHERE hours > 3 AND (city <> 'Oslo' OR person IN (1, 2))") + GROUPED,
    "having": WINDOWED.format("TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND)", "") + GROUPED
    + " HAVING COUNT(*) > 1 AND MAX(hours) < 9",
    "many aggregates": """SELECT window_end, COUNT(hours) AS known, COUNT(DISTINCT person) AS people,
        MIN(hours) AS least, MAX(ts) AS last, SUM(person + 1) * 2 AS twice, AVG(hours) AS mean
        FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end""",
    "for ever": "SELECT city, COUNT(*) AS n, MAX(person) AS largest FROM pings GROUP BY city",
    "a filter": "SELECT city, person * 2 AS twice, ts FROM pings WHERE hours IS NOT NULL AND person % 2 = 0",
    "rows with windows": """SELECT person, window_start
        FROM TABLE(HOP(TABLE pings, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) WHERE person > 1""",
    "interval join": """SELECT o.id AS id, o.amount AS amount, p.cents AS cents FROM orders AS o JOIN paid AS p
        ON o.id = p.id AND p.ts BETWEEN o.ts - INTERVAL '3' SECOND AND o.ts + INTERVAL '10' SECOND""",
    "interval join, other words": """SELECT o.id AS id, p.cents AS cents FROM paid p JOIN orders o
        ON o.id = p.id AND p.ts >= o.ts AND p.ts < o.ts + INTERVAL '6' SECOND AND o.amount < p.cents""",
    "a join with itself": """SELECT a.person AS mine, b.person AS theirs FROM pings AS a JOIN pings AS b
        ON a.city = b.city AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '2' SECOND WHERE a.person < 3""",
    "windows, then for ever": """SELECT city, MAX(n) AS most FROM (SELECT window_start, window_end, city, COUNT(*) AS n
        FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY window_start, window_end, city) GROUP BY city""",
    "temporal join": """SELECT o.id AS id, o.amount * v.price AS cents FROM orders AS o
        JOIN prices FOR SYSTEM_TIME AS OF o.ts AS v ON o.item = v.item""",
    "window top-n": """SELECT window_start, city, n, place FROM (SELECT *, ROW_NUMBER() OVER (
        PARTITION BY window_start, window_end ORDER BY n DESC, city) AS place FROM (
        SELECT window_start, window_end, city, COUNT(*) AS n
        FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY window_start, window_end, city)) WHERE place <= 2""",
    "top-n for ever": """SELECT * FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, city) AS place FROM (
        SELECT city, COUNT(*) AS n FROM pings GROUP BY city)) WHERE place <= 2""",
}  # fmt: skip


@pytest.fixture(scope="module")
def catalog():
    made = Catalog()
    for sql in (PINGS, ORDERS, PAID, PRICES):
        made.execute(sql)
    return made


def world(seed, count):
    """Rows of all tables by arrival, none later than the bound after a later one of its table."""
    rng, rows = random.Random(seed), []
    for number in range(count):
        at = rng.randrange(0, 100 * S, S // 2)
        came = at + rng.randrange(0, BOUND_S * S + 1, S // 2)
        table, row = rng.choice([
            ("pings", (rng.choice(["Oslo", "Rome", None]), rng.randrange(5), rng.choice([None, 2.5, 4.0, 9.5]), at)),
            ("orders", (rng.randrange(6), rng.choice("ab"), rng.randrange(1, 9), at)),
            ("paid", (rng.randrange(6), rng.randrange(10), at)),
            ("prices", (rng.choice("ab"), rng.randrange(1, 50), at + number)),
        ])  # fmt: skip
        rows.append((came + number % 3, table, row))
    return sorted(rows, key=lambda row: row[0])


def run(query, rows, *, ticks=False):
    said = []
    for now_us, table, row in rows:
        said += query.tick(now_us) if ticks else []
        said += query.on_row(now_us, table, row) if table in query.tables else []
    return said + query.finish(200 * S)


def rounded(table):
    return {tuple(round(x, 6) if isinstance(x, float) else x for x in row): n for row, n in table.items()}


def truth(catalog, sql, rows):
    by_table = {name: [row for _, table, row in rows if table == name] for name in catalog.tables}
    with DuckdbBatch(catalog, by_table) as batch:
        return rounded(batch.answer(sql))


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 120))
def test_the_fold_of_what_is_said_is_the_batch_answer_in_any_order_within_the_bound(name, catalog, seed, count):
    rows, sql = world(seed, count), QUERIES[name]
    query = catalog.query(sql)
    said = run(query, rows)
    assert rounded(folded(said)) == truth(catalog, sql, rows)
    if query.plan.adds_only:
        assert {change.op for change in said} <= {"+I"}
    assert query.status().changes == len(said)
    if "for ever" not in query.explain() and "temporal" not in name:
        assert query.status().kept_in_all == 0


@pytest.mark.parametrize("name", ["tumble", "session", "window top-n"])
@pytest.mark.parametrize("seed", [1, 833])
def test_early_answers_are_taken_back_until_the_batch_answer_stands(name, catalog, seed):
    rows, sql = world(seed, 120), QUERIES[name]
    said = run(catalog.query(sql, emission=Emission(early_us=2 * S)), rows, ticks=True)
    assert rounded(folded(said)) == truth(catalog, sql, rows)
    assert {"-U", "-D"} & {change.op for change in said}


@pytest.mark.parametrize("name", ["tumble", "hop", "session"])
def test_late_rows_correct_what_was_said_for_as_long_as_is_allowed(name, catalog):
    rows = [(now, table, (*row[:-1], row[-1] - (30 * S if n % 7 == 0 else 0)))
            for n, (now, table, row) in enumerate(world(3, 300))]
    sql = QUERIES[name]
    said = run(catalog.query(sql, emission=Emission(lateness_us=60 * S)), rows)
    assert rounded(folded(said)) == truth(catalog, sql, rows)
    dropping = folded(run(catalog.query(sql), rows))
    assert sum(row[3] * n for row, n in dropping.items()) < sum(row[3] * n for row, n in folded(said).items())


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_is_restored_goes_on_as_if_nothing_had_been(name, catalog):
    rows = world(5, 150)
    for at in (0, 90):
        one, other = catalog.query(QUERIES[name]), catalog.query(QUERIES[name])
        for now_us, table, row in rows[:at]:
            one.on_row(now_us, table, row) if table in one.tables else None
        other.restore(copy.deepcopy(one.snapshot()))
        assert run(other, rows[at:]) == run(one, rows[at:])
        assert other.status() == one.status()


def test_explain_says_what_is_kept_and_for_how_long(catalog):
    assert "WindowTopN(first 2 by n DESC, city" in catalog.query(QUERIES["window top-n"]).explain()
    for name, kept in [("for ever", "a state a key, for ever"), ("interval join", "13 s and the bound"),
                       ("tumble", "open window"), ("a filter", "keeps nothing"), ("top-n for ever", "all rows")]:
        assert kept in catalog.query(QUERIES[name]).explain()


def test_what_speaks_twice_is_told_in_the_plan_and_not_let_into_what_counts_once(catalog):
    emission = Emission(lateness_us=S)
    assert "update stream" not in catalog.query(QUERIES["window top-n"]).explain()
    assert catalog.query(QUERIES["window top-n"], emission=emission).explain().count("update stream") >= 3
    with pytest.raises(BadParameter, match=r"GroupAggregate.* would count twice"):
        catalog.query(QUERIES["windows, then for ever"], emission=emission)


def test_an_interval_join_keeps_no_row_for_longer_than_its_partner_can_come(catalog):
    query, most = catalog.query(QUERIES["interval join"]), 0
    for second in range(300):
        query.on_row(second * S, "orders", (second, "a", 1, second * S))
        query.on_row(second * S, "paid", (second, 1, second * S))
        most = max(most, query.status().kept_in_all)
    assert 13 < most <= 13 + 2 * BOUND_S + 4


@pytest.mark.parametrize(("apart", "meets"), [(-4, False), (-3, True), (0, True), (10, True), (11, False)])
def test_two_rows_meet_from_the_low_bound_to_the_high_one_whichever_comes_first(apart, meets):
    for left_first in (True, False):
        join = IntervalJoin(([0], [0]), (1, 1), -3, 10)
        rows = [(0, ("k", 100)), (1, ("k", 100 + apart))]
        said = [join.on_change(0, Change("+I", row), side) for side, row in (rows if left_first else rows[::-1])]
        assert said == [[], [Change("+I", ("k", 100, "k", 100 + apart))] if meets else []]


def test_what_goes_into_a_table_can_be_asked_again(catalog):
    made = Catalog()
    made.execute(PINGS)
    made.execute("""CREATE TABLE counts (start_at TIMESTAMP(3), end_at TIMESTAMP(3), city STRING, n BIGINT,
        total BIGINT, WATERMARK FOR end_at AS end_at)""")
    first = made.query("INSERT INTO counts " + QUERIES["tumble"])
    second = made.query("""SELECT window_start, MAX(n) AS most
        FROM TABLE(TUMBLE(TABLE counts, DESCRIPTOR(end_at), INTERVAL '30' SECOND)) GROUP BY window_start, window_end""")
    rows, said = [row for row in world(2, 300) if row[1] == "pings"], []
    for now_us, table, row in rows:
        for change in first.on_row(now_us, table, row):
            said += second.on_row(now_us, first.sink, change.row)
    for change in first.finish(200 * S):
        said += second.on_row(200 * S, first.sink, change.row)
    said += second.finish(200 * S)
    counts = truth(catalog, QUERIES["tumble"], rows)
    expected = {}
    for _, end, _, n, _ in counts:
        start = end - end % (30 * S)
        expected[start] = max(n, expected.get(start, 0))
    assert dict(folded(said)) == dict.fromkeys(expected.items(), 1)


TUMBLE = "TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))"


@pytest.mark.parametrize(("sql", "where", "why"), [
    ("SELECT * FORM pings", "line 1, column", "cannot|Expect|Invalid"),
    ("SELECT *\nFROM nights", "line 2, column 6", "no table nights, only pings"),
    ("SELECT town FROM pings", "line 1, column 8", "no column town, only city"),
    ("SELECT city FROM pings ORDER BY city", "line 1", "ORDER is left out"),
    ("SELECT city FROM pings LIMIT 3", "line 1", "LIMIT is left out"),
    ("SELECT DISTINCT city FROM pings", "line 1", "DISTINCT is left out"),
    ("SELECT city FROM pings WHERE person > 'x'", "line 1, column 39", "text"),
    ("SELECT city FROM pings WHERE person + 1", "line 1, column 30", "where a condition is meant"),
    ("SELECT city > 'a' FROM pings", "line 1, column 8", "GT is no column"),
    ("SELECT UPPER(city) FROM pings", "line 1", "UPPER is left out"),
    ("SELECT city, city FROM pings", "line 1, column 14", "another name by AS"),
    ("SELECT city, COUNT(*) AS n FROM pings", "line 1, column 8", "no column city"),
    (f"SELECT COUNT(*) AS n FROM {TUMBLE} GROUP BY window_start", "column 27", "without window_end no group would end"),
    (f"SELECT AVG(person) AS n FROM {TUMBLE} GROUP BY window_start, window_end", "column", "AVG of whole numbers"),
    (f"SELECT STDDEV(hours) AS n FROM {TUMBLE} GROUP BY window_start, window_end", "column", "there are COUNT, SUM"),
    (f"SELECT SUM(city) AS n FROM {TUMBLE} GROUP BY window_start, window_end", "column", "give numbers"),
    ("SELECT * FROM TABLE(TUMBEL(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' SECOND))", "column 21", "TUMBLE, HOP"),
    ("SELECT * FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts)))", "column 21", "takes 1 intervals, not 0"),
    ("SELECT * FROM TABLE(TUMBLE(pings, ts, 10))", "column 21", "DESCRIPTOR"),
    ("SELECT * FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' WEEK))", "column", "counts in SECOND"),
    ("SELECT * FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(hours), INTERVAL '1' SECOND))", "column", "event time is ts"),
    ("SELECT * FROM TABLE(HOP(TABLE pings, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '10' SECOND))", "column",
     "no multiple"),
    ("SELECT * FROM TABLE(SESSION(TABLE pings, DESCRIPTOR(ts), INTERVAL '4' SECOND))", "column", "GROUP BY"),
    ("SELECT o.id FROM orders o JOIN paid p ON o.id = p.id", "column 32", "without bounds on both sides"),
    ("SELECT o.id FROM orders o JOIN paid p ON p.ts BETWEEN o.ts AND o.ts", "column 32", "a.x = b.y"),
    ("SELECT o.id FROM orders o LEFT JOIN paid p ON o.id = p.id AND p.ts = o.ts", "column", "LEFT is left out"),
    ("SELECT id FROM orders o JOIN paid p ON o.id = p.id AND p.ts = o.ts", "column 8", "in two tables: say which"),
    ("SELECT o.id FROM orders o JOIN paid FOR SYSTEM_TIME AS OF o.ts AS p ON o.id = p.id", "column", "PRIMARY KEY"),
    ("SELECT * FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY hours) AS r FROM pings) WHERE city = 'x'", "column",
     "WHERE r <= 3 is meant"),
    ("SELECT n, COUNT(*) AS m FROM (SELECT city, COUNT(*) AS n FROM pings GROUP BY city) GROUP BY n", "column",
     "over an update stream"),
    ("SELECT 1; SELECT 2", "2 statements", "give one"),
    ("DELETE FROM pings", "line 1", "DELETE is left out"),
])  # fmt: skip
def test_what_is_not_supported_is_refused_by_its_place(catalog, sql, where, why):
    with pytest.raises(BadParameter) as refused:
        catalog.query(sql)
    assert where in str(refused.value)
    assert any(part in str(refused.value) for part in why.split("|")), str(refused.value)


@pytest.mark.parametrize(("sql", "why"), [
    ("CREATE TABLE t (a FLOAT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)", "STRING, INT, BIGINT"),
    ("CREATE TABLE t (a INT, WATERMARK FOR ts AS ts)", "no TIMESTAMP"),
    ("CREATE TABLE t (a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS a)", "the watermark of ts is ts"),
    ("CREATE TABLE t (a INT, a INT)", "two columns"),
    ("CREATE VIEW v AS SELECT 1 AS a", "is meant"),
    (PINGS, "already"),
])  # fmt: skip
def test_a_table_that_makes_no_sense_is_not_made(sql, why):
    made = Catalog()
    made.execute(PINGS)
    with pytest.raises(BadParameter, match=why):
        made.execute(sql)


@pytest.mark.parametrize(("table", "row", "why"), [
    ("orders", (1, "a", 2, 3), "reads pings"),
    ("pings", ("Oslo", 1, 2.0), "3 values"),
    ("pings", ("Oslo", "1", 2.0, 3), "pings.person"),
    ("pings", ("Oslo", True, 2.0, 3), "pings.person"),
    ("pings", ("Oslo", 1, float("nan"), 3), "pings.hours"),
    ("pings", ("Oslo", 1, 2.0, None), "microseconds"),
    ("pings", {"city": "Oslo", "person": 1, "ts": 3}, "'hours' is missing"),
])  # fmt: skip
def test_a_row_that_does_not_fit_is_refused_and_changes_nothing(catalog, table, row, why):
    query = catalog.query(QUERIES["tumble"])
    before = query.snapshot()
    with pytest.raises(BadParameter, match=why):
        query.on_row(0, table, row)
    assert query.snapshot() == before
