"""The pad asks the reader's own SQL, says whether a batch agrees, and points at what it cannot take."""

from __future__ import annotations

from functools import partial

import pytest

from dsys_lab.dataflows.streaming_sql import Catalog
from dsys_lab.engines.duckdb import DuckdbBatch
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.lessons import sql_pad, where_there
from dsys_lab.lessons.sql_pad import supported
from dsys_lab.scenarios.streaming_sql import ask
from dsys_lab.scenarios.streaming_sql.queries import QUERIES

asked = partial(ask, batch=DuckdbBatch, seconds=30)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_to_begin_with_is_taken_and_agrees_with_the_batch_when_nothing_is_late(name):
    told = sql_pad(asked, {name: QUERIES[name]}, at={"bound_s": 900}, bound_s=(0, 900)).answered()
    assert "are those of a batch" in told.text


def test_what_came_too_late_is_told():
    pad = sql_pad(asked, QUERIES, bound_s=(0, 60))
    assert "are not there" in pad.answered().text
    pad.values = {"bound_s": 900}
    assert "are those of a batch" in pad.answered().text


@pytest.mark.parametrize(("sql", "line", "column"), [
    ("SELECT city\nFROM nights", 1, 5),
    ("SELECT town, city\nFROM pings", 0, 7),
    ("SELECT city\nFROM pings\nORDER BY city", 2, None),
])  # fmt: skip
def test_a_mark_stands_under_the_place(sql, line, column):
    pad = sql_pad(asked, {"mine": sql}, bound_s=(0, 60))
    told = pad.answered()
    marked = told.text.splitlines()[-len(sql.splitlines()) - 1 :]
    assert "▲" in marked[line + 1]
    assert column is None or marked[line + 1].index("▲") == column
    assert "SESSION" in told.html


def test_no_text_at_all_is_an_error_and_no_crash():
    for sql in ("", "   ", ";", "SELECT", "DROP TABLE pings", "1" * 400):
        assert "✗" in sql_pad(asked, {"mine": sql}).answered().html


def test_what_is_typed_cannot_become_part_of_the_page():
    told = sql_pad(asked, {"mine": 'SELECT city AS "<script>x</script>" FROM pings'}).answered()
    assert "<script>" not in told.html


def test_the_live_pad_runs_what_is_typed_and_begins_anew_from_the_menu(monkeypatch):
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    pad = sql_pad(asked, QUERIES, at={"bound_s": 60}, bound_s=(0, 900))
    bar, text, bound, answer = pad.widget.children[1:5]
    menu, run = bar.children
    text.value = "SELECT town FROM pings"
    run.click()
    assert "Line 1, column 8" in answer.value
    menu.value = "a filter"
    assert text.value == QUERIES["a filter"]
    assert "are those of a batch" in answer.value
    before, bound.value = answer.value, 900
    assert pad.values == {"bound_s": 900}
    assert "✓" in before


def test_the_grammar_that_is_shown_is_the_rooms():
    assert all(word in supported() for word in ("TUMBLE", "HOP", "CUMULATE", "SESSION", "FOR SYSTEM_TIME AS OF"))
    assert supported().startswith("CREATE TABLE")


@pytest.mark.parametrize("wrong", [
    lambda: sql_pad(asked, {}),
    lambda: sql_pad(asked, QUERIES, bound_s=3),
    lambda: sql_pad(asked, QUERIES, at={"bound": 3}, bound_s=(0, 9)),
])  # fmt: skip
def test_a_pad_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match="give"):
        wrong()


# ------------------------------------------------------------------------------------------ engines one may not have
def absent():
    raise EngineMissing("it is not there: `make it`")


def test_an_engine_that_is_missing_says_how_to_get_it_and_one_that_is_there_answers(monkeypatch):
    there = partial(DuckdbBatch, Catalog(), {})
    for view, engine, expected in (("live", there, 2), ("live", absent, "it is not there: `make it`. Then: two"),
                                   ("still", there, "two"), ("still", absent, "two")):  # fmt: skip
        monkeypatch.setenv("DSYS_LAB_VIEW", view)
        assert where_there(engine, lambda _: 2, usually="two") == expected
