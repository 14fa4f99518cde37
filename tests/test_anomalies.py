"""Five accidents at four levels: the same scripts on the model, on SQLite and (in its own file) on PostgreSQL."""
from __future__ import annotations

from pathlib import Path

import pytest

from dsys_lab.engines.sqlite import SqliteDatabase
from dsys_lab.errors import BadParameter, DsysLabError
from dsys_lab.scenarios.relational.interleaving import grid, run
from dsys_lab.stores.relational import LEVELS, RelationalDatabase
from dsys_lab.stores.relational.sessions import DEADLOCK, SERIALIZATION_FAILURE
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Trace
from dsys_lab.workloads.anomalies import load, names, parse
from dsys_lab.workloads.anomalies.script import holds

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = {  # PostgreSQL 18.6, measured; read uncommitted behaves as read committed
    "dirty_read": ("right", "right", "right", "right"),
    "read_skew": ("anomaly", "anomaly", "right", "right"),
    "phantom": ("anomaly", "anomaly", "right", "right"),
    "lost_update": ("anomaly", "anomaly", "aborted", "aborted"),
    "write_skew": ("anomaly", "anomaly", "anomaly", "aborted"),
}
SQLITE = {**dict.fromkeys(EXPECTED, ("right",) * 4), **dict.fromkeys(("lost_update", "write_skew"), ("aborted",) * 4)}


def model(recorder: object = None) -> RelationalDatabase:
    return RelationalDatabase(VolatileDisk(), **({"recorder": recorder} if recorder is not None else {}))


@pytest.mark.parametrize(("make", "expected"), [(model, EXPECTED), (SqliteDatabase, SQLITE)])
def test_which_accident_happens_at_which_level(make: object, expected: dict[str, tuple[str, ...]]) -> None:
    found = grid([load(name) for name in names()], make)  # type: ignore[arg-type]
    assert {name: tuple(found[name, level].verdict for level in LEVELS) for name in names()} == expected
    codes = {failure.sqlstate for outcome in found.values() for failure in outcome.failed.values()}
    assert codes == {SERIALIZATION_FAILURE}, "and who is let down may simply try again"


@pytest.mark.parametrize("name", names())
def test_a_script_reads_as_a_lesson_and_its_runs_tell_it(name: str) -> None:
    script = load(name)
    assert script.title.count(".") <= 1
    assert len(script.lesson.split()) > 40, "a lesson, not a label"
    runs = {level: run(script, model(), level).text() for level in LEVELS[1:]}
    told = "\n\n".join(f"# {level}\n{text}" for level, text in runs.items()) + "\n"
    golden = GOLDEN / f"anomaly_{name}.txt"
    if not golden.exists():
        golden.write_text(told, encoding="utf-8")
        pytest.fail(f"{golden.name} was not there: it is written now; read it")
    assert told == golden.read_text(encoding="utf-8")


def test_the_trace_of_write_skew_shows_who_reads_before_whom() -> None:
    trace = Trace()
    run(load("write_skew"), model(trace), "serializable")
    edges = [(row.fields["reader"], row.fields["writer"]) for row in trace if row.kind == "reads_before"]
    assert len(edges) == len(set(edges)) == 2
    assert edges[0] == edges[1][::-1], "each has read what the other wrote"
    assert [row.place for row in trace if row.kind == "transaction_abort"] == ["database/ben"]


def test_two_who_wait_for_each_other_do_not_wait_for_ever() -> None:
    script = parse("deadlock", """# Deadlock: each holds what the other wants.
    setup: CREATE TABLE wards (name text PRIMARY KEY, free integer)
    setup: INSERT INTO wards VALUES ('north', 2), ('south', 1)
    ada: BEGIN
    ben: BEGIN
    ada: UPDATE wards SET free = 0 WHERE name = 'north'
    ben: UPDATE wards SET free = 0 WHERE name = 'south'
    ada: UPDATE wards SET free = 7 WHERE name = 'south'
    ben: UPDATE wards SET free = 7 WHERE name = 'north'
    ada: COMMIT
    ben: COMMIT
    after: north = SELECT free FROM wards WHERE name = 'north'
    after: south = SELECT free FROM wards WHERE name = 'south'
    anomaly: after.north == after.south
    """.replace("\n    ", "\n"))
    for level in LEVELS:
        outcome = run(script, model(), level)
        assert outcome.failed["ben"].sqlstate == DEADLOCK
        assert "ben -> ada -> ben" in outcome.failed["ben"].why
        assert (outcome.seen["after.north"], outcome.seen["after.south"]) == (0, 7)


# ------------------------------------------------------------------------------------------------- how they are written

@pytest.mark.parametrize(("text", "complaint"), [
    ("# A title\nada: BEGIN", "one line 'anomaly"),
    ("ada: BEGIN\nanomaly: 1 == 1", "a title after '#'"),
    ("# A title\nwhat is this\nanomaly: 1 == 1", "line 2: 'what is this'"),
])
def test_a_script_that_cannot_be_read_says_where(text: str, complaint: str) -> None:
    with pytest.raises(BadParameter, match=complaint):
        parse("new", text)


def test_an_unknown_script_and_an_unknown_level_name_those_that_there_are() -> None:
    with pytest.raises(BadParameter, match="give one of dirty_read, read_skew"):
        load("dirty_reed")
    with pytest.raises(BadParameter, match="repeatable read"):
        run(load("phantom"), model(), "snapshot")


@pytest.mark.parametrize(("condition", "seen", "result"), [
    ("ada.a + ada.b != 3", {"ada.a": 1, "ada.b": 2}, False),
    ("ada.a - 1 < 1 and ada.b >= 2", {"ada.a": 1, "ada.b": 2}, True),
    ("ada.a == 'x' or ada.b == 2", {"ada.a": "y", "ada.b": 2}, True),
    ("ada.a != 1", {}, False),
    ("ada.a != 1", {"ada.a": None}, False),
])
def test_a_condition_is_about_what_was_seen(condition: str, seen: dict[str, int | str | None], result: bool) -> None:
    assert holds(condition, seen) is result


@pytest.mark.parametrize("condition", ["a b", "__import__('os')", "f(1)", "a ** 2 == 4", "[a][0]", "a == 1.5"])
def test_a_condition_is_no_program(condition: str) -> None:
    with pytest.raises(BadParameter, match="compare numbers"):
        holds(condition, {"a": 1})


def test_who_waits_for_somebody_that_never_ends_is_named() -> None:
    script = parse("stuck", """# Stuck: somebody goes to lunch with the row in hand.
setup: CREATE TABLE t (a integer PRIMARY KEY)
setup: INSERT INTO t VALUES (1)
ada: BEGIN
ada: UPDATE t SET a = 2
ben: UPDATE t SET a = 3
anomaly: ada.x == 1""")
    with pytest.raises(DsysLabError, match="ben wait for ever"):
        run(script, model(), "read committed")


def test_a_value_is_quoted_into_sql_and_one_that_was_not_seen_is_null() -> None:
    step = parse("quoting", "# Q\nada: INSERT INTO t VALUES ({a}, {b})\nanomaly: 1 == 1").steps[0]
    assert step.sql_with({"a": "O'Neil"}) == "INSERT INTO t VALUES ('O''Neil', NULL)"
