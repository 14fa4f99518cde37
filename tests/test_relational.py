"""Sessions over tables: what a statement does, who waits, what fails; the model, SQLite and PostgreSQL alike."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsys_lab.engines import postgres, sqlite
from dsys_lab.errors import BadParameter, DsysLabError, Misuse
from dsys_lab.stores.relational import Database, Done, Failed, RelationalDatabase, Rows, Session, Waits
from dsys_lab.stores.relational.index_keys import index_key
from dsys_lab.stores.relational.sessions import (
    DEADLOCK,
    DIVISION_BY_ZERO,
    DUPLICATE_KEY,
    NOT_NULL,
    OUT_OF_RANGE,
    SERIALIZATION_FAILURE,
    TRANSACTION_IS_LOST,
)
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import NO_TRACE, Counters, Trace

WARDS = "CREATE TABLE wards (id integer PRIMARY KEY, name text, free integer NOT NULL, share double precision)"
FILL = "INSERT INTO wards VALUES (1, 'north', 2, 0.5), (2, 'south', 1, NULL), (3, NULL, 0, -1.5)"

Talk = Callable[[str], Any]


@pytest.fixture(params=["model", "sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    case = request.node.originalname.removeprefix("test_")
    differences = {"sqlite": sqlite.SESSION_DIFFERENCES, "postgres": postgres.SESSION_DIFFERENCES, "model": ()}
    if any(word in case for difference in differences[request.param] for word in difference.skips):
        pytest.skip(f"a difference of {request.param}'s, and named as one")
    makes: dict[str, Callable[[], Database]] = {
        "model": lambda: RelationalDatabase(VolatileDisk()), "sqlite": sqlite.SqliteDatabase,
        "postgres": lambda: postgres.PostgresDatabase(request.getfixturevalue("postgres")),
    }  # fmt: skip
    with makes[request.param]() as made:
        yield made


@pytest.fixture
def ada(database: Database) -> Session:
    session = database.session("ada")
    assert session.execute(WARDS) == Done("CREATE TABLE")
    assert session.execute(FILL) == Done("INSERT", 3)
    return session


@pytest.fixture
def ben(database: Database, ada: Session) -> Session:
    return database.session("ben")


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    answer = session.execute(sql)
    assert isinstance(answer, Rows), answer
    return list(answer.rows)


# -------------------------------------------------------------------------------------------------- one at a time

@pytest.mark.parametrize(("where", "ids"), [
    ("", [1, 2, 3]), ("WHERE id = 2", [2]), ("WHERE name = 'north'", [1]), ("WHERE free > 0 AND free < 2", [2]),
    ("WHERE free = 2 OR name IS NULL", [1, 3]), ("WHERE NOT free = 0", [1, 2]), ("WHERE share > -2", [1, 3]),
    ("WHERE id BETWEEN 2 AND 9", [2, 3]), ("WHERE id IN (1, 3)", [1, 3]), ("WHERE name <> 'north'", [2]),
    ("WHERE name = NULL", []), ("WHERE name IN ('south', NULL)", [2]), ("WHERE share IS NOT NULL AND id <> 1", [3]),
    ("WHERE free - 1 = id / 2", []), ("WHERE id >= 2.5", [3]), ("WHERE 2 > id", [1]), ("WHERE id % 2 = 1", [1, 3]),
    ("WHERE id > 1 AND id < 3", [2]), ("WHERE NOT (share > 0)", [3]), ("WHERE id = 2 AND id = 3", []),
])
def test_a_filter_passes_what_is_true_and_not_what_is_unknown(ada: Session, where: str, ids: list[int]) -> None:
    assert rows(ada, f"SELECT id FROM wards {where} ORDER BY id") == [(one,) for one in ids]


def test_columns_folds_order_and_limit(ada: Session) -> None:
    assert rows(ada, "SELECT * FROM wards WHERE id = 1") == [(1, "north", 2, 0.5)]
    assert rows(ada, "SELECT id + 10, free * 2 - 1 AS odd FROM wards WHERE id = 1") == [(11, 3)]
    assert rows(ada, "SELECT id FROM wards ORDER BY free DESC, id LIMIT 2") == [(1,), (2,)]
    assert rows(ada, "SELECT count(*), count(name), sum(free), min(name), max(share) FROM wards") == [
        (3, 2, 3, "north", 0.5)]
    assert rows(ada, "SELECT count(*), sum(free) FROM wards WHERE id > 9") == [(0, None)]
    answer = ada.execute("SELECT name, free AS beds, count(*) FROM wards" .replace(", count(*)", ""))
    assert isinstance(answer, Rows)
    assert answer.columns == ("name", "beds")


def test_a_statement_counts_what_it_changed(ada: Session) -> None:
    assert ada.execute("UPDATE wards SET free = free + 1, name = 'x' WHERE free > 0") == Done("UPDATE", 2)
    assert rows(ada, "SELECT id, name, free FROM wards ORDER BY id") == [(1, "x", 3), (2, "x", 2), (3, None, 0)]
    assert ada.execute("UPDATE wards SET id = id + 10 WHERE id = 3") == Done("UPDATE", 1)
    assert ada.execute("DELETE FROM wards WHERE id = 13") == Done("DELETE", 1)
    assert ada.execute("DELETE FROM wards WHERE id = 13") == Done("DELETE", 0)
    assert ada.execute("INSERT INTO wards (free, id) VALUES (7, 3)") == Done("INSERT", 1)
    assert rows(ada, "SELECT * FROM wards WHERE id = 3") == [(3, None, 7, None)]


def test_an_update_does_not_meet_its_own_new_rows(ada: Session) -> None:
    assert ada.execute("UPDATE wards SET id = id + 100") == Done("UPDATE", 3)
    assert rows(ada, "SELECT id FROM wards ORDER BY id") == [(101,), (102,), (103,)]


def test_an_index_made_later_leads_to_the_same_rows(ada: Session) -> None:
    before = rows(ada, "SELECT id FROM wards WHERE name = 'south'")
    assert ada.execute("CREATE INDEX by_name ON wards (name)") == Done("CREATE INDEX")
    ada.execute("UPDATE wards SET name = 'north-west' WHERE id = 3")
    assert rows(ada, "SELECT id FROM wards WHERE name = 'south'") == before == [(2,)]
    assert rows(ada, "SELECT id FROM wards WHERE name >= 'north' AND name <= 'north-west' ORDER BY id") == [(1,), (3,)]


# ---------------------------------------------------------------------------------------------------- transactions

def test_one_sees_ones_own_work_and_others_see_it_after_the_commit(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 9 WHERE id = 1")
    assert rows(ada, "SELECT free FROM wards WHERE id = 1") == [(9,)]
    assert rows(ben, "SELECT free FROM wards WHERE id = 1") == [(2,)]
    assert ada.execute("COMMIT") == Done("COMMIT")
    assert rows(ben, "SELECT free FROM wards WHERE id = 1") == [(9,)]


def test_what_is_rolled_back_never_was(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("DELETE FROM wards")
    ada.execute("INSERT INTO wards VALUES (1, 'new', 5, NULL)")
    assert ada.execute("ROLLBACK") == Done("ROLLBACK")
    assert rows(ben, "SELECT count(*), sum(free) FROM wards") == [(3, 3)]


def test_a_second_writer_of_a_row_waits_and_goes_on_after_a_rollback(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 9 WHERE id = 1")
    assert ben.execute("UPDATE wards SET free = free + 1 WHERE id = 1") == Waits(("ada",))
    assert ben.proceed() == Waits(("ada",))
    with pytest.raises(Misuse, match="still waits"):
        ben.execute("SELECT free FROM wards")
    ada.execute("ROLLBACK")
    assert ben.proceed() == Done("UPDATE", 1)
    assert rows(ben, "SELECT free FROM wards WHERE id = 1") == [(3,)]


def test_a_statement_by_itself_that_waited_counts_on_from_what_was_committed(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 9 WHERE id = 1")
    assert ben.execute("UPDATE wards SET free = free + 1 WHERE id = 1") == Waits(("ada",))
    ada.execute("COMMIT")
    assert ben.proceed() == Done("UPDATE", 1)
    assert rows(ada, "SELECT free FROM wards WHERE id = 1") == [(10,)]


def test_after_waiting_the_filter_is_asked_again(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 0 WHERE id = 1")
    assert ben.execute("UPDATE wards SET free = free - 1 WHERE free > 0 AND id = 1") == Waits(("ada",))
    ada.execute("COMMIT")
    assert ben.proceed() == Done("UPDATE", 0)
    assert rows(ben, "SELECT free FROM wards WHERE id = 1") == [(0,)], "no bed is given away twice"


def test_weak_levels_who_waited_for_one_row_looks_at_the_others_again(
    database: Database, ada: Session, ben: Session
) -> None:
    """Found with the first of its rows still held, the others may be changed until their turn comes."""
    cem = database.session("cem")
    for changed, then, expected in (
        ("UPDATE wards SET free = 100 WHERE id = 2", "UPDATE wards SET free = free + 1", [(1, 8), (2, 101), (3, 1)]),
        ("DELETE FROM wards WHERE id = 2", "UPDATE wards SET free = free + 1", [(1, 8), (3, 2)]),
        ("UPDATE wards SET free = -1 WHERE id = 3", "DELETE FROM wards WHERE free > 0", [(3, -1)]),
    ):
        ada.execute("BEGIN")
        ada.execute("UPDATE wards SET free = 7 WHERE id = 1")
        assert ben.execute(then) == Waits(("ada",))
        assert isinstance(cem.execute(changed), Done)
        ada.execute("COMMIT")
        assert isinstance(ben.proceed(), Done)
        assert rows(ada, "SELECT id, free FROM wards ORDER BY id") == expected


def test_above_weak_levels_who_waited_is_let_down_by_a_row_that_came_to_be_changed_meanwhile(
    database: Database, ada: Session, ben: Session
) -> None:
    cem = database.session("cem")
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 7 WHERE id = 1")
    ben.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert ben.execute("SELECT free FROM wards ORDER BY id FOR UPDATE") == Waits(("ada",))
    cem.execute("UPDATE wards SET free = 100 WHERE id = 2")
    ada.execute("ROLLBACK")
    answer = ben.proceed()
    assert isinstance(answer, Failed)
    assert answer.sqlstate == SERIALIZATION_FAILURE


def test_weak_levels_for_update_with_a_limit_holds_no_more_rows(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    assert rows(ada, "SELECT id FROM wards ORDER BY id DESC LIMIT 1 FOR UPDATE") == [(3,)]
    assert ben.execute("UPDATE wards SET free = 4 WHERE id = 2") == Done("UPDATE", 1)
    assert ben.execute("UPDATE wards SET free = 4 WHERE id = 3") == Waits(("ada",))


def test_weak_levels_for_update_with_a_limit_goes_on_past_a_row_that_is_gone(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("DELETE FROM wards WHERE id = 1")
    assert ben.execute("SELECT id FROM wards ORDER BY id LIMIT 1 FOR UPDATE") == Waits(("ada",))
    ada.execute("COMMIT")
    assert ben.proceed() == Rows(("id",), ((2,),))


def test_types_a_number_as_written_is_rounded_away_from_zero_and_a_double_to_the_even_one(ada: Session) -> None:
    ada.execute("INSERT INTO wards VALUES (4, 'x', 2.5, 2.5), (5, 'y', -2.5, 3.5)")
    assert rows(ada, "SELECT free FROM wards WHERE id > 3 ORDER BY id") == [(3,), (-3,)]
    ada.execute("UPDATE wards SET free = share WHERE id > 3")
    assert rows(ada, "SELECT free FROM wards WHERE id > 3 ORDER BY id") == [(2,), (4,)]


def test_types_the_remainder_of_a_fraction_is_one_and_has_the_sign_of_what_is_divided(ada: Session) -> None:
    assert rows(ada, "SELECT 5.5 % 2, -7 % 3, -7 / 3, 7 % -3 FROM wards WHERE id = 1") == [(1.5, -1, -2, 1)]


def test_names_are_the_same_in_large_and_small_letters(database: Database) -> None:
    ada = database.session("ada")
    assert ada.execute("CREATE TABLE Beds (Id integer PRIMARY KEY, Free integer)") == Done("CREATE TABLE")
    assert ada.execute("CREATE TABLE Halls (Id integer, PRIMARY KEY (ID))") == Done("CREATE TABLE")
    assert ada.execute("INSERT INTO beds (ID) VALUES (1)") == Done("INSERT", 1)
    assert isinstance(ada.execute("INSERT INTO BEDS (id) VALUES (1)"), Failed)


def test_two_writers_of_different_rows_do_not_meet(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ben.execute("BEGIN")
    assert ada.execute("UPDATE wards SET free = 8 WHERE id = 1") == Done("UPDATE", 1)
    assert ben.execute("UPDATE wards SET free = 8 WHERE id = 2") == Done("UPDATE", 1)


def test_weak_levels_a_row_deleted_meanwhile_is_gone_below_and_a_conflict_above(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ada.execute("DELETE FROM wards WHERE id = 1")
    ben.execute("BEGIN")
    assert ben.execute("UPDATE wards SET free = 1 WHERE id = 1") == Waits(("ada",))
    ada.execute("COMMIT")
    assert ben.proceed() == Done("UPDATE", 0)
    ben.execute("ROLLBACK")
    ben.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert rows(ben, "SELECT id FROM wards WHERE id = 2") == [(2,)]
    ada.execute("DELETE FROM wards WHERE id = 2")
    answer = ben.execute("DELETE FROM wards WHERE id = 2")
    assert answer == Failed(SERIALIZATION_FAILURE, "could not serialize access due to concurrent delete")


def test_a_snapshot_stays_whatever_others_do(ada: Session, ben: Session) -> None:
    ben.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    before = rows(ben, "SELECT * FROM wards ORDER BY id")
    ada.execute("UPDATE wards SET free = 77")
    ada.execute("DELETE FROM wards WHERE id = 1")
    ada.execute("INSERT INTO wards VALUES (9, 'new', 1, NULL)")
    assert rows(ben, "SELECT * FROM wards ORDER BY id") == before
    ben.execute("COMMIT")
    assert rows(ben, "SELECT id, free FROM wards ORDER BY id") == [(2, 77), (3, 77), (9, 1)]


def test_two_who_insert_the_same_key_wait_and_one_fails(ada: Session, ben: Session) -> None:
    for ends, expected in (("ROLLBACK", Done("INSERT", 1)), ("COMMIT", DUPLICATE_KEY)):
        ada.execute("BEGIN")
        assert ada.execute("INSERT INTO wards VALUES (7, 'a', 1, NULL)") == Done("INSERT", 1)
        assert ben.execute("INSERT INTO wards VALUES (7, 'b', 1, NULL)") == Waits(("ada",))
        ada.execute(ends)
        answer = ben.proceed()
        assert (answer.sqlstate if isinstance(answer, Failed) else answer) == expected
        ada.execute("DELETE FROM wards WHERE id = 7")


def test_a_deadlock_lets_down_who_closes_the_circle(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    ben.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 5 WHERE id = 1")
    ben.execute("UPDATE wards SET free = 5 WHERE id = 2")
    assert ada.execute("UPDATE wards SET free = 6 WHERE id = 2") == Waits(("ben",))
    answer = ben.execute("UPDATE wards SET free = 6 WHERE id = 1")
    assert isinstance(answer, Failed)
    assert answer.sqlstate == DEADLOCK
    assert ada.proceed() == Done("UPDATE", 1), "the other goes on at once, before the ROLLBACK"
    assert ben.execute("ROLLBACK") == Done("ROLLBACK")


def test_for_update_holds_a_row_until_the_end(ada: Session, ben: Session) -> None:
    ada.execute("BEGIN")
    assert rows(ada, "SELECT free FROM wards WHERE id = 1 FOR UPDATE") == [(2,)]
    assert rows(ben, "SELECT free FROM wards WHERE id = 1") == [(2,)], "a reader does not wait"
    assert ben.execute("SELECT free FROM wards WHERE id = 1 FOR UPDATE") == Waits(("ada",))
    ada.execute("UPDATE wards SET free = free - 1 WHERE id = 1")
    ada.execute("COMMIT")
    assert ben.proceed() == Rows(("free",), ((1,),)), "and then sees what was written"


def test_for_update_without_a_change_leaves_the_row_as_it_was(ada: Session, ben: Session) -> None:
    for ends in ("COMMIT", "ROLLBACK"):
        ada.execute("BEGIN")
        ada.execute("SELECT free FROM wards WHERE id = 1 FOR UPDATE")
        ada.execute(ends)
        ben.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert ben.execute("UPDATE wards SET free = 3 WHERE id = 1") == Done("UPDATE", 1)
        assert ben.execute("COMMIT") == Done("COMMIT")


# ----------------------------------------------------------------------------------------------------- what fails

@pytest.mark.parametrize(("sql", "sqlstate"), [
    ("INSERT INTO wards VALUES (1, 'again', 1, NULL)", DUPLICATE_KEY),
    ("INSERT INTO wards VALUES (8, 'x', NULL, NULL)", NOT_NULL),
    ("UPDATE wards SET free = NULL WHERE id = 1", NOT_NULL),
    ("UPDATE wards SET id = 2 WHERE id = 1", DUPLICATE_KEY),
])
def test_a_failed_statement_takes_its_transaction_with_it(ada: Session, ben: Session, sql: str, sqlstate: str) -> None:
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 50 WHERE id = 3")
    answer = ada.execute(sql)
    assert isinstance(answer, Failed)
    assert answer.sqlstate == sqlstate
    assert ben.execute("UPDATE wards SET free = 4 WHERE id = 3") == Done("UPDATE", 1), "it holds nothing any more"
    lost = ada.execute("SELECT free FROM wards")
    assert isinstance(lost, Failed)
    assert lost.sqlstate == TRANSACTION_IS_LOST
    assert ada.execute("COMMIT") == Done("ROLLBACK")
    assert rows(ada, "SELECT free FROM wards WHERE id = 3") == [(4,)]
    assert isinstance(ada.execute(sql), Failed), "by itself it fails as well"
    assert rows(ada, "SELECT count(*) FROM wards") == [(3,)], "and nothing is lost afterwards"


@pytest.mark.parametrize(("sql", "sqlstate"), [
    ("UPDATE wards SET free = 1 / free", DIVISION_BY_ZERO),
    ("SELECT id % free FROM wards", DIVISION_BY_ZERO),
    ("INSERT INTO wards VALUES (3000000000, 'x', 1, NULL)", OUT_OF_RANGE),
    ("UPDATE wards SET free = 2147483647 + id", OUT_OF_RANGE),
    ("UPDATE wards SET share = share * 1.7e308 * 1.7e308 WHERE id = 1", OUT_OF_RANGE),
    ("SELECT id * 9223372036854775807 FROM wards", OUT_OF_RANGE),
    ("UPDATE wards SET free = 9223372036854775807", OUT_OF_RANGE),
])
def test_types_a_value_that_does_not_fit_fails_the_statement(ada: Session, sql: str, sqlstate: str) -> None:
    answer = ada.execute(sql)
    assert isinstance(answer, Failed)
    assert answer.sqlstate == sqlstate
    assert rows(ada, "SELECT sum(free) FROM wards") == [(3,)]


@pytest.mark.parametrize(("sql", "place"), [
    ("SELECT nope FROM wards", "column 8, at 'nope"),
    ("SELECT id FROM wards WHERE\n name = 3", "line 2, column 9, at '3'"),
    ("SELECT id FROM wards WHERE name + 1 = 2", "a text, where a number is meant"),
    ("SELECT id FROM wards WHERE free", "a number, where a truth value is meant"),
    ("UPDATE wards SET name = 3", "name takes a text"),
    ("UPDATE wards SET nope = 3", "no column 'nope'"),
    ("INSERT INTO wards VALUES (1, 2)", "2 values for the 4 columns"),
    ("INSERT INTO wards VALUES (id, 'x', 1, 1)", "there is no row here"),
    ("INSERT INTO wards (id, nope) VALUES (1, 2)", "no column 'nope'"),
    ("SELECT id, count(*) FROM wards", "without GROUP BY"),
    ("SELECT avg(free) FROM wards", "AVG is left out"),
    ("SELECT count(DISTINCT name) FROM wards", "COUNT is left out"),
    ("SELECT sum(name) FROM wards", "sum takes a number"),
    ("SELECT upper(name) FROM wards", "UPPER is left out"),
    ("SELECT id FROM wards ORDER BY id + 1", "ORDER BY names columns"),
    ("SELECT id FROM wards ORDER BY nope", "no column 'nope'"),
    ("SELECT id FROM wards LIMIT 1.5", "LIMIT takes a whole number"),
    ("SELECT id FROM wards w", "plain name"),
    ("SELECT wards.id FROM wards", "a column goes by its name alone here: id"),
    ("SELECT FROM wards", "SELECT needs columns, or *"),
    ("SELECT id FROM wards ORDER BY name NULLS FIRST", "NULLs come last, with DESC first"),
    ("SELECT id FROM wards ORDER BY name DESC NULLS LAST", "NULLs come last, with DESC first"),
    ("SELECT id FROM wards WHERE id < 1e400", "at '1e400': a number out of range"),
    (f"SELECT id FROM wards WHERE share < 1{'0' * 400}", "a number out of range: give up to 9,223,372,036,854,775,808"),
    ("SELECT id FROM wards WHERE name = 'a\0b'", "holds a zero byte"),
    ("SELECT id FROM wards FOR NO KEY UPDATE", "only FOR UPDATE"),
    ("SELECT id FROM wards FOR UPDATE OF wards", "only FOR UPDATE"),
    ("SELECT count(*) FROM wards FOR UPDATE", "FOR UPDATE holds rows"),
    ("SELECT count(*) + 1 FROM wards", "count folds a table"),
    ("SELECT id FROM wards WHERE sum(free) > 1", "sum folds a table"),
    ("INSERT INTO wards VALUES ()", "0 values for the 4 columns"),
    ("UPDATE wards SET free = 1, name = 'x', free = 2", "SET gives each column one value"),
    ('CREATE TABLE "../beds" (id integer)', "the name '../beds' is no plain one"),
    (f"CREATE TABLE {'b' * 64} (id integer)", "is no plain one"),
    (f"CREATE TABLE t ({', '.join(f'a_column_{n} integer' for n in range(500))})", "500 columns need"),
    ('CREATE TABLE t ("a, b" integer)', "column name 'a, b'"),
    ("CREATE INDEX i ON wards (name) WHERE free > 1", "WHERE is left out"),
    ("CREATE INDEX i ON wards USING hash (name)", "USING is left out"),
    ("CREATE INDEX i ON wards (name DESC)", "one column, in its order"),
    ("SELECT id FROM beds", "there is no table beds; there are wards"),
    ("SELECT id FROM wards JOIN beds ON 1 = 1", "joins are left out"),
    ("SELECT id FROM (SELECT 1)", "plain name"),
    ("SELECT id FROM wards GROUP BY id", "GROUP is left out"),
    ("SELECT id FROM wards WHERE id = (SELECT 1)", "SUBQUERY is left out"),
    ("SELECT id FROM wards WHERE name LIKE 'n%'", "LIKE is left out"),
    ("SELECT 1", "SELECT needs FROM"),
    ("SELECT id FRM wards WHERE", "column 15"),
    ("SELECT 'x", "cannot be read"),
    ("", "give one statement"),
    ("SELECT id FROM wards; DELETE FROM wards", "give one statement"),
    ("DROP TABLE wards", "DROP is left out"),
    ("CREATE TABLE wards (id integer)", "a table wards already"),
    ("CREATE TABLE t (id integer, id text)", "stands twice"),
    ("CREATE TABLE t (id varchar(3))", "the type of id is one of integer, bigint"),
    ("CREATE TABLE t (id integer REFERENCES wards (id))", "only PRIMARY KEY and NOT NULL"),
    ("CREATE TABLE t (a integer PRIMARY KEY, b integer PRIMARY KEY)", "one PRIMARY KEY"),
    ("CREATE TABLE t (a integer, b integer, PRIMARY KEY (a, b))", "several columns"),
    ("CREATE UNIQUE INDEX i ON wards (name)", "UNIQUE is left out"),
    ("CREATE INDEX i ON wards (name, free)", "one column"),
    ("CREATE INDEX i ON wards (nope)", "no column 'nope'"),
    ("CREATE INDEX i ON wards (id)", "already"),
    ("CREATE VIEW v AS SELECT 1", "only CREATE TABLE"),
    ("BEGIN ISOLATION LEVEL SNAPSHOT", "'snapshot'; give one of read uncommitted"),
    ("VACUUM beds", "there is no table beds"),
    ("VACUUM FULL wards", "VACUUM is not meant like this"),
    ("EXPLAIN SELECT 1", "EXPLAIN is not meant like this"),
    ("SELECT id FROM wards FOR UPDATE SKIP LOCKED", "only FOR UPDATE"),
    ("INSERT INTO wards VALUES (9, 'x', 1, 1) ON CONFLICT DO NOTHING", "CONFLICT is left out"),
    ("UPDATE wards SET free = 1 RETURNING id", "RETURNING is left out"),
])
def test_what_is_outside_the_subset_is_pointed_at_and_changes_nothing(sql: str, place: str) -> None:
    ada = RelationalDatabase(VolatileDisk()).session("ada")
    ada.execute(WARDS)
    ada.execute(FILL)
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 4 WHERE id = 1")
    if not sql.startswith(("CREATE", "BEGIN", "VACUUM")):
        with pytest.raises(BadParameter, match=r"SQL|column") as told:
            ada.execute(sql)
        assert place in str(told.value)
    assert ada.execute("COMMIT") == Done("COMMIT"), "the transaction is as it was"
    with pytest.raises(BadParameter) as told:
        ada.execute(sql)
    assert place in str(told.value)
    assert rows(ada, "SELECT sum(free) FROM wards") == [(5,)]


@pytest.mark.parametrize("sql", ["SELECT nope FROM wards", "SELEC 1", "INSERT INTO wards (nope) VALUES (1)"])
def test_a_slip_is_raised_and_not_answered(ada: Session, sql: str) -> None:
    with pytest.raises(BadParameter):
        ada.execute(sql)
    assert rows(ada, "SELECT count(*) FROM wards") == [(3,)]


def test_sessions_have_names_and_an_end(database: Database, ada: Session, ben: Session) -> None:
    with pytest.raises(Misuse, match="'ada' is open"):
        database.session("ada")
    with pytest.raises(Misuse, match="waits"):
        ada.proceed()
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 9 WHERE id = 1")
    ada.close()
    assert ben.execute("UPDATE wards SET free = 4 WHERE id = 1") == Done("UPDATE", 1), "closing rolls back"
    with pytest.raises(Misuse, match="closed"):
        ada.execute("SELECT free FROM wards")
    assert rows(database.session("ada"), "SELECT free FROM wards WHERE id = 1") == [(4,)]


def test_commit_and_rollback_without_a_transaction_say_so(ada: Session) -> None:
    assert ada.execute("COMMIT") == Done("COMMIT")
    assert ada.execute("ROLLBACK") == Done("ROLLBACK")
    assert rows(ada, "SELECT count(*) FROM wards") == [(3,)]


def test_begin_twice_is_a_slip(ada: Session) -> None:
    ada.execute("BEGIN")
    with pytest.raises(DsysLabError):
        ada.execute("BEGIN")
    assert rows(ada, "SELECT count(*) FROM wards") == [(3,)]


# ------------------------------------------------------------------------------------------ versions, of the model only

def filled(count: int = 20, recorder: Any = NO_TRACE, **settings: Any) -> tuple[RelationalDatabase, Session]:
    database = RelationalDatabase(VolatileDisk(), recorder=recorder, **settings)
    ada = database.session("ada")
    ada.execute("CREATE TABLE stock (id integer PRIMARY KEY, left_over integer NOT NULL)")
    ada.execute("INSERT INTO stock VALUES " + ", ".join(f"({key}, 100)" for key in range(count)))
    return database, ada


def test_every_update_leaves_a_dead_version_and_a_sweep_takes_all_of_them() -> None:
    database, ada = filled(20)
    for _ in range(5):
        ada.execute("UPDATE stock SET left_over = left_over - 1")
    status = database.status().tables["stock"]
    assert (status.live, status.dead, status.held) == (20, 100, 0)
    assert ada.execute("VACUUM stock") == Done("VACUUM", 100)
    status = database.status().tables["stock"]
    assert (status.live, status.dead) == (20, 0)
    assert rows(ada, "SELECT count(*), sum(left_over) FROM stock") == [(20, 1900)]
    assert database.violations() == []


def test_a_text_that_is_too_long_fails_the_statement() -> None:
    database = RelationalDatabase(VolatileDisk())
    ada = database.session("ada")
    ada.execute(WARDS)
    answer = ada.execute(f"INSERT INTO wards VALUES (1, '{'x' * 4001}', 1, NULL)")
    assert isinstance(answer, Failed)
    assert (answer.sqlstate, "at most 4,000 fit" in answer.why) == (OUT_OF_RANGE, True)


def test_a_rolled_back_insert_is_dead_at_once() -> None:
    database, ada = filled(5)
    ada.execute("BEGIN")
    ada.execute("INSERT INTO stock VALUES (99, 1)")
    assert database.status().tables["stock"].dead == 0
    ada.execute("ROLLBACK")
    assert database.status().tables["stock"].dead == 1
    assert database.vacuum() == 1


def test_one_long_snapshot_holds_back_every_sweep_until_it_ends() -> None:
    sizes = {}
    for with_reader in (False, True):
        database, ada = filled(20)
        reader = database.session("report")
        if with_reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            assert rows(reader, "SELECT sum(left_over) FROM stock") == [(2000,)]
        for _ in range(30):
            ada.execute("UPDATE stock SET left_over = left_over - 1")
            ada.execute("VACUUM")
        status = database.status().tables["stock"]
        sizes[with_reader] = status.pages
        assert (status.dead, status.held) == ((600, 600) if with_reader else (0, 0))
        if with_reader:
            assert rows(reader, "SELECT sum(left_over) FROM stock") == [(2000,)], "and it still sees what it saw"
            reader.execute("COMMIT")
            assert ada.execute("VACUUM") == Done("VACUUM", 600)
    assert sizes[True] >= 3 * sizes[False], "the file keeps the size that it had to have"


def test_swept_room_is_used_again() -> None:
    database, ada = filled(100)
    for _ in range(40):
        ada.execute("UPDATE stock SET left_over = left_over - 1")
        ada.execute("VACUUM")
    assert database.status().tables["stock"].pages <= 2, "4,100 versions of 28 bytes would need 16 pages"
    assert rows(ada, "SELECT count(*), sum(left_over) FROM stock") == [(100, 6000)]


def test_a_reader_walks_over_the_dead() -> None:
    counted = {}
    for sweeps in (True, False):
        counters = Counters()
        database, ada = filled(100, recorder=counters)
        for _ in range(20):
            ada.execute("UPDATE stock SET left_over = 1")
            if sweeps:
                ada.execute("VACUUM")
        before = counters.count("page_read")
        ada.execute("SELECT count(*) FROM stock")
        counted[sweeps] = counters.count("page_read") - before
        assert database.violations() == []
    assert counted[False] >= 4 * counted[True]


def test_a_read_only_transaction_writes_nothing_and_needs_no_number() -> None:
    trace = Trace()
    database, ada = filled(5, recorder=trace)
    before, rows_before = database.status(), len(trace)
    ada.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
    ada.execute("SELECT count(*) FROM stock")
    ada.execute("COMMIT")
    assert database.status().next_xid == before.next_xid
    assert not [row for row in list(trace)[rows_before:] if row.kind in {"log_append", "log_sync", "page_write"}]


def test_a_commit_is_one_sync_however_many_rows_it_changed() -> None:
    counters = Counters()
    database, ada = filled(50, recorder=counters)
    before = counters.count("log_sync")
    ada.execute("UPDATE stock SET left_over = 0")
    assert counters.count("log_sync") - before == 1
    assert database.status().open_transactions == 0


def test_results_are_the_same_with_every_recorder() -> None:
    answers = []
    for recorder in (NO_TRACE, Counters(), Trace()):
        database, ada = filled(10, recorder=recorder)
        ada.execute("UPDATE stock SET left_over = id")
        answers.append((rows(ada, "SELECT * FROM stock"), database.status().log_bytes))
    assert answers[0] == answers[1] == answers[2]


def test_a_pool_that_is_too_small_is_refused() -> None:
    with pytest.raises(BadParameter, match="a pool of 8 frames"):
        RelationalDatabase(VolatileDisk(), pool=BufferPool(8))


# ------------------------------------------------------------------------ the model, where engines differ or hide it

def people(*names: str) -> tuple[RelationalDatabase, list[Session]]:
    database = RelationalDatabase(VolatileDisk())
    sessions: list[Session] = [database.session(name) for name in names]
    sessions[0].execute(WARDS)
    sessions[0].execute(FILL)
    sessions[0].execute("INSERT INTO wards VALUES (4, 'west', 4, NULL)")
    return database, sessions


def test_who_has_changed_something_holds_back_the_sweep_also_between_two_statements() -> None:
    database, (ada, ben) = people("ada", "ben")
    ada.execute("BEGIN")
    ada.execute("UPDATE wards SET free = 1 WHERE id = 1")
    ben.execute("UPDATE wards SET free = 2 WHERE id = 2")
    assert database.vacuum() == 0
    ada.execute("COMMIT")
    assert database.vacuum() == 2


def test_who_is_gone_waits_for_nobody_and_closes_no_circle() -> None:
    _, (ada, ben, cem) = people("ada", "ben", "cem")
    for who, row in ((ada, 1), (ben, 2), (cem, 3)):
        who.execute("BEGIN")
        who.execute(f"UPDATE wards SET free = 9 WHERE id = {row}")
    assert ben.execute("UPDATE wards SET free = 8 WHERE id = 3") == Waits(("cem",))
    assert ada.execute("UPDATE wards SET free = 8 WHERE id = 2") == Waits(("ben",))
    ben.close()
    assert cem.execute("UPDATE wards SET free = 7 WHERE id = 1") == Waits(("ada",)), "ada waits for one who is gone"
    assert ada.proceed() == Done("UPDATE", 1)
    ada.execute("COMMIT")
    assert cem.proceed() == Done("UPDATE", 1)


def test_to_hold_a_row_twice_logs_nothing_more() -> None:
    database, (ada,) = people("ada")
    ada.execute("BEGIN")
    sizes = []
    for _ in range(3):
        ada.execute("SELECT id FROM wards WHERE id = 1 FOR UPDATE")
        sizes.append(database.status().log_bytes)
    assert sizes[0] == sizes[1] == sizes[2]


def serializable(*sessions: Session) -> None:
    for session in sessions:
        session.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")


def fails(answer: Any) -> bool:
    return isinstance(answer, Failed) and answer.sqlstate == SERIALIZATION_FAILURE


def test_serializable_a_key_that_was_free_is_something_that_was_read() -> None:
    _, (ada, ben) = people("ada", "ben")
    ada.execute("CREATE INDEX by_name ON wards (name)")
    serializable(ada, ben)
    ben.execute("SELECT free FROM wards WHERE id = 1")
    ada.execute("INSERT INTO wards VALUES (9, 'x', 1, NULL)")
    ada.execute("DELETE FROM wards WHERE name = 'x'")  # found by the name: the key was read by the INSERT only
    ada.execute("UPDATE wards SET free = 7 WHERE id = 1")
    ada.execute("COMMIT")
    assert fails(ben.execute("INSERT INTO wards VALUES (9, 'y', 1, NULL)")), "ada is before ben, and ben before ada"


def test_serializable_a_row_that_is_deleted_was_read_by_its_key() -> None:
    _, (ada, ben) = people("ada", "ben")
    serializable(ada, ben)
    ada.execute("SELECT free FROM wards WHERE id = 1")
    ben.execute("SELECT free FROM wards WHERE id = 2")
    ada.execute("DELETE FROM wards WHERE id = 2")
    answers = [ben.execute("DELETE FROM wards WHERE id = 1"), ada.execute("COMMIT"), ben.execute("COMMIT")]
    assert any(fails(answer) for answer in answers)


def test_serializable_two_edges_in_a_row_do_no_harm_unless_the_last_commits_first() -> None:
    read, write = "SELECT free FROM wards WHERE id = {}", "UPDATE wards SET free = 9 WHERE id = {}"
    begin, commit = "BEGIN ISOLATION LEVEL SERIALIZABLE", "COMMIT"
    stories = {
        "the first only reads, and looked before the last committed": [
            ("ada", read, 1), ("ben", read, 2), ("cem", write, 2), ("cem", commit, 0), ("ada", commit, 0),
            ("ben", write, 1), ("ben", commit, 0)],
        "the pivot commits before the last": [
            ("ada", read, 3), ("ben", read, 2), ("ben", write, 1), ("cem", write, 2), ("ben", commit, 0),
            ("cem", commit, 0), ("ada", read, 1), ("ada", commit, 0)],
        "the first commits before the last": [
            ("ben", read, 2), ("ada", read, 1), ("ada", write, 3), ("ada", commit, 0), ("cem", write, 2),
            ("cem", commit, 0), ("ben", write, 1), ("ben", commit, 0)],
        "found from the pivot: the first only reads": [
            ("ben", read, 3), ("ada", read, 1), ("cem", write, 2), ("cem", commit, 0), ("ada", commit, 0),
            ("ben", write, 1), ("ben", read, 2), ("ben", commit, 0)],
        "found from the pivot: the first commits before the last": [
            ("ben", read, 3), ("ada", read, 1), ("ada", write, 4), ("ada", commit, 0), ("cem", write, 2),
            ("cem", commit, 0), ("ben", write, 1), ("ben", read, 2), ("ben", commit, 0)],
    }  # fmt: skip
    for story, steps in stories.items():
        _, sessions = people("ada", "ben", "cem")
        by_name, begun = {session.name: session for session in sessions}, set()
        for who, sql, row in steps:
            if who not in begun:
                by_name[who].execute(begin)
                begun.add(who)
            answer = by_name[who].execute(sql.format(row))
            assert not isinstance(answer, Failed | Waits), (story, who, sql.format(row), answer)


def test_serializable_who_rolled_back_stands_in_nobodys_way() -> None:
    _, (ada, ben, cem) = people("ada", "ben", "cem")
    serializable(ada, ben, cem)
    ada.execute("SELECT free FROM wards WHERE id = 1")
    ben.execute("SELECT free FROM wards WHERE id = 2")
    assert ben.execute("UPDATE wards SET free = 9 WHERE id = 1") == Done("UPDATE", 1)  # ada is before ben
    ada.execute("ROLLBACK")
    assert cem.execute("UPDATE wards SET free = 9 WHERE id = 2") == Done("UPDATE", 1)  # ben is before cem
    assert [cem.execute("COMMIT"), ben.execute("COMMIT")] == [Done("COMMIT")] * 2


def test_a_log_that_has_grown_long_is_a_reason_for_a_checkpoint() -> None:
    database = RelationalDatabase(VolatileDisk(), checkpoint_bytes=40_000)
    ada = database.session("ada")
    ada.execute(WARDS)
    ada.execute(FILL)
    sizes = []
    for free in range(60):
        ada.execute(f"UPDATE wards SET free = {free}, name = '{'n' * 900}' WHERE id = 1")
        sizes.append(database.status().log_bytes)
    assert max(sizes) < 80_000
    assert sizes != sorted(sizes)


def test_room_that_a_sweep_did_not_free_in_the_end_is_not_used() -> None:
    database, (ada,) = people("ada")
    table = database.catalogue.table("wards")
    with contextlib.suppress(ZeroDivisionError), database.journal.all_or_nothing():
        table.remove(next(iter(table.at_rest())))
        _ = 1 / 0
    ada.execute("INSERT INTO wards VALUES (5, 'new', 1, NULL)")
    assert rows(ada, "SELECT count(*), sum(id) FROM wards") == [(5, 15)]
    assert database.violations() == []


@example((-0.0, 0.0))
@given(st.one_of(
    *(st.tuples(one, one) for one in (
        st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1), st.text(max_size=12),
    )),
))
def test_the_key_of_an_index_sorts_as_the_values_do(pair: tuple[Any, Any]) -> None:
    low, high = sorted(pair)
    assert index_key(low) <= index_key(high)
    assert isinstance(low, str) or (index_key(low) == index_key(high)) == (low == high)
