"""The model says of a query what Flink says, window by window; skipped where `make flink` has not prepared it.

It takes minutes and 0.9 GB, so continuous integration does not prepare it.
"""

from __future__ import annotations

import pytest
from test_streaming_sql import ORDERS, PAID, PINGS, PRICES, QUERIES, rounded, run, world

from dsys_lab.dataflows.streaming_sql import Catalog, folded
from dsys_lab.engines.flink import SETTING, Flink
from dsys_lab.errors import BadParameter, EngineMissing, Refused
from dsys_lab.scenarios.streaming_sql import ask
from dsys_lab.scenarios.streaming_sql.queries import QUERIES as EXAMPLES
from dsys_lab.scenarios.streaming_sql.queries import WINDOWED

MS = 1_000
TIMED = "CREATE TABLE pings (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
TUMBLE = "TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end"


@pytest.fixture(scope="module")
def flink():
    try:
        made = Flink()
    except EngineMissing as missing:
        pytest.skip(str(missing))
    with made:
        yield made


@pytest.fixture(scope="module")
def streams(flink):
    """All tables of `test_streaming_sql`, their rows by arrival, and the same in Flink."""
    catalog = Catalog()
    for sql in (PINGS, ORDERS, PAID, PRICES):
        catalog.execute(sql)
    rows = [(now, table, (*row[:-1], row[-1] // MS * MS)) for now, table, row in world(7, 120)]
    by_table = {name: [row for _, table, row in rows if table == name] for name in catalog.tables}
    with flink.over(catalog, by_table) as tables:
        yield catalog, rows, tables


@pytest.mark.parametrize("name", ["cumulate", "many aggregates", "for ever", "interval join", "temporal join",
                                  "windows, then for ever", "window top-n"])  # fmt: skip
def test_within_the_bound_flink_says_the_same_changes(name, streams):
    catalog, rows, tables = streams
    theirs, ours = tables.changes(QUERIES[name]), run(catalog.query(QUERIES[name]), rows)
    assert rounded(folded(theirs)) == rounded(folded(ours))
    assert sorted(change.op for change in theirs) == sorted(change.op for change in ours)


@pytest.mark.parametrize("name", WINDOWED)
def test_what_comes_too_late_is_late_for_flink_as_well_row_by_row(name, flink):
    answer = ask(WINDOWED[name], flink.over, bound_s=2, seconds=120)
    assert answer.agrees, (answer.batch - answer.table, answer.table - answer.batch)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - set(WINDOWED)))
def test_flink_takes_every_query_of_the_lab_as_it_stands(name, flink):
    assert ask(EXAMPLES[name], flink.over, bound_s=900, seconds=40).agrees


def told(flink, seconds, sql):
    """What the model and Flink say of pings at these seconds, in this order."""
    catalog = Catalog()
    catalog.execute(TIMED)
    rows = [(number, round(second * 1_000_000)) for number, second in enumerate(seconds)]
    query = catalog.query(sql)
    ours = [change for row in rows for change in query.on_row(row[1], "pings", row)] + query.finish(0)
    with flink.over(catalog, {"pings": rows}) as tables:
        return sorted(folded(ours).elements()), sorted(tables.answer(sql).elements())


def test_a_window_ends_a_millisecond_earlier_in_flink(flink):
    sql = f"SELECT window_start, COUNT(*) AS n FROM {TUMBLE}"
    for third, same in ((14.998, True), (14.999, False), (15, True)):
        ours, theirs = told(flink, (1, third, 9, 30), sql)
        assert (ours == theirs) == same, third


def test_sessions_that_just_touch_are_one_in_flink(flink):
    sql = """SELECT window_start, window_end, COUNT(*) AS n
        FROM TABLE(SESSION(TABLE pings, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end"""
    ours, theirs = told(flink, (1, 6, 30), sql)
    assert [n for *_, n in ours] == [1, 1, 1]
    assert [n for *_, n in theirs] == [2, 1]


def test_a_top_n_for_ever_says_less_in_flink_and_ends_alike(streams):
    catalog, rows, tables = streams
    theirs, ours = tables.changes(QUERIES["top-n for ever"]), run(catalog.query(QUERIES["top-n for ever"]), rows)
    assert folded(theirs) == folded(ours)
    assert len(theirs) < len(ours)


def test_flink_cuts_the_fraction_of_a_mean_of_whole_numbers(flink, streams):
    sql = f"SELECT AVG(person) AS n FROM {TUMBLE}"
    with pytest.raises(BadParameter, match="AVG of whole numbers"):
        streams[0].query(sql)
    assert all(type(n) is int for (n,) in streams[2].answer(sql))


@pytest.mark.parametrize(("sql", "why"), [
    (f"SELECT COUNT(*) AS n FROM {TUMBLE.replace('10', '120')}", r"exceeds precision of SECOND\(2\)"),
    ("SELECT city AS one FROM pings", '"one" at line 1, column 16'),
    ("SELECT town FROM pings", "'town' not found"),
    ("SELECT * FORM pings", "Encountered"),
])  # fmt: skip
def test_what_flink_refuses_is_told_in_its_own_words_and_it_goes_on(sql, why, streams):
    with pytest.raises(Refused, match=why):
        streams[2].answer(sql)
    assert streams[2].answer("SELECT person FROM pings WHERE person > 99") == {}


def test_half_a_millisecond_is_refused(flink):
    catalog = Catalog()
    catalog.execute(TIMED)
    with pytest.raises(BadParameter, match="give whole ones"):
        flink.over(catalog, {"pings": [(1, 500)]})


# ------------------------------------------------------------------------------------------ where it is not there
def test_a_python_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv(SETTING, "/no/such/python")
    with pytest.raises(EngineMissing, match="no such file"):
        Flink()


def test_where_it_is_not_prepared_the_error_says_how(monkeypatch, tmp_path):
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setattr("dsys_lab.engines.flink.engine.PREPARED", tmp_path)
    with pytest.raises(EngineMissing, match="make flink"):
        Flink()


def test_a_python_without_flink_does_not_start_and_its_last_words_are_told(monkeypatch):
    import sys

    monkeypatch.setenv(SETTING, sys.executable)
    with pytest.raises(EngineMissing, match=r"ModuleNotFoundError.*make flink"):
        Flink()
