"""The warehouse keeps its promises: loads whole or not at all, answers that depend on no knob, bytes really counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import All, Answer, Cluster, Even, Key, Warehouse, digest
from dsys_lab.stores.warehouse.distribution import slice_of
from dsys_lab.stores.warehouse.moving import Side, decide
from dsys_lab.structures.schema import Column, Schema
from dsys_lab.trace import Trace

NIGHT = Schema.of("id u64, person u32?, day u16, minutes u16?, score f64?, city text?")
PERSON = Schema.of("person i32, plan u8, name text")
QUESTIONS = (
    "SELECT count(*), sum(minutes), avg(minutes), min(score), max(score), count(city) FROM night",
    "SELECT city, count(*), sum(minutes) FROM night WHERE day BETWEEN 3 AND 9 GROUP BY city",
    "SELECT id, city FROM night WHERE day >= 4 AND day < 6 AND minutes > 200",
    "SELECT plan, count(*), sum(n.minutes) FROM night n JOIN person p ON n.person = p.person GROUP BY plan",
    "SELECT p.name, n.day, n.id FROM night n JOIN person p ON n.person = p.person WHERE p.plan = 1 AND n.day <= 5",
    "SELECT count(*), sum(minutes) FROM night WHERE day = 77",
    "SELECT a.day, count(*) FROM night a JOIN night b ON a.person = b.person WHERE b.day = 2 GROUP BY a.day",
)


def nights(rows: int, seed: int = 1) -> dict[str, Any]:
    """Return made-up columns with NULLs in most."""
    chance = np.random.default_rng(seed)

    def some(values: list[Any]) -> list[Any]:
        return [None if gone else value for value, gone in zip(values, chance.random(rows) < 0.1, strict=True)]

    return {
        "id": list(range(rows)),
        "person": some(chance.integers(0, 40, rows).tolist()),
        "day": np.sort(chance.integers(0, 12, rows)).tolist(),
        "minutes": some(chance.integers(100, 700, rows).tolist()),
        "score": some((chance.integers(-8, 8, rows) / 4).tolist()),
        "city": some(chance.choice(["Oslo", "Lima", "Århus"], rows).tolist()),
    }


PEOPLE = {"person": list(range(-3, 30)), "plan": [n % 3 for n in range(33)], "name": [f"p{n}" for n in range(33)]}


def parts(columns: dict[str, Any], files: int) -> list[dict[str, Any]]:
    """Return the columns as files, every so-many-th row in each."""
    return [{name: values[at::files] for name, values in columns.items()} for at in range(files)]


def made(
    *, cluster: Cluster | None = None, block_bytes: int = 256, night: Any = None, person: Any = None,
    sort_key: tuple[str, ...] = ("day",), rows: int = 600, **more: Any,
) -> Warehouse:  # fmt: skip
    """Return a warehouse of two tables."""
    lab = Warehouse(cluster, block_bytes=block_bytes, **more)
    lab.create_table("night", NIGHT, distribution=night, sort_key=sort_key)
    lab.create_table("person", PERSON, distribution=person)
    lab.copy("night", parts(nights(rows), 3))
    lab.copy("person", [PEOPLE])
    return lab


@pytest.fixture(scope="module")
def expected() -> list[str]:
    """Return what DuckDB answers, as digests."""
    con = duckdb.connect()
    con.execute("create table night (id ubigint, person uinteger, day usmallint, minutes usmallint, score double, "
                "city varchar)")  # fmt: skip
    con.execute("create table person (person integer, plan utinyint, name varchar)")
    con.executemany("insert into night values (?, ?, ?, ?, ?, ?)", list(zip(*nights(600).values(), strict=True)))
    con.executemany("insert into person values (?, ?, ?)", list(zip(*PEOPLE.values(), strict=True)))
    return [digest(con.execute(question).fetchall()) for question in QUESTIONS]


@pytest.fixture
def processes() -> Iterator[Callable[[int], ProcessPoolExecutor]]:
    started: list[ProcessPoolExecutor] = []

    def start(count: int) -> ProcessPoolExecutor:
        started.append(ProcessPoolExecutor(count, mp_context=get_context("spawn")))
        return started[-1]

    yield start
    for executor in started:
        executor.shutdown()


def digests(lab: Warehouse) -> list[str]:
    return [lab.query(question).digest() for question in QUESTIONS]


# --------------------------------------------------------------------------------------- answers depend on no knob


@pytest.mark.parametrize("night", [Even(), Key("person"), Key("city"), All()], ids=str)
@pytest.mark.parametrize("person", [Even(), Key("person"), All()], ids=str)
def test_an_answer_does_not_depend_on_where_rows_lie(night: Any, person: Any, expected: list[str]) -> None:
    assert digests(made(night=night, person=person, cluster=Cluster(3, 2))) == expected


@pytest.mark.parametrize("knobs", [
    {"sort_key": ()}, {"sort_key": ("city", "minutes")}, {"block_bytes": 64}, {"block_bytes": 1 << 14},
    {"cluster": Cluster(1, 1)}, {"cluster": Cluster(5, 1)},
], ids=str)  # fmt: skip
def test_an_answer_does_not_depend_on_order_blocks_or_slices(knobs: dict[str, Any], expected: list[str]) -> None:
    lab = made(**knobs)
    assert digests(lab) == expected
    lab.vacuum("night")
    assert digests(lab) == expected


def test_an_answer_does_not_depend_on_the_number_of_processes(processes: Any, expected: list[str]) -> None:
    assert digests(made(executor=processes(2), person=Even())) == expected


@settings(max_examples=20, deadline=None)
@given(
    loads=st.lists(st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(-5, 5))), max_size=12),
                   max_size=5),
    low=st.integers(-1, 30), width=st.integers(0, 12), sort=st.sampled_from([(), ("a",), ("b", "a")]),
    style=st.sampled_from([Even(), Key("a"), Key("b"), All()]), swept=st.booleans(),
)  # fmt: skip
def test_any_loads_and_a_delete_are_seen_as_they_were(
    *, loads: list[Any], low: int, width: int, sort: Any, style: Any, swept: bool
) -> None:
    lab = Warehouse(Cluster(2, 2), block_bytes=64)
    lab.create_table("t", Schema.of("a u8, b i32?"), sort_key=sort, distribution=style)
    for rows in loads:
        lab.copy("t", [{"a": [a for a, _ in rows], "b": [b for _, b in rows]}])
    left = [row for rows in loads for row in rows if not low <= row[0] <= low + width]
    assert lab.delete("t", Between("a", low, low + width)) == sum(map(len, loads)) - len(left)
    if swept:
        lab.vacuum("t")
    assert digest(lab.query("SELECT a, b FROM t").rows) == digest(left)
    assert lab.status().tables["t"].rows == len(left)
    chosen = [row for row in left if row[1] is not None and 0 <= row[1] <= 3]
    assert digest(lab.query("SELECT a, b FROM t WHERE b BETWEEN 0 AND 3").rows) == digest(chosen)


# --------------------------------------------------------------------------------------- whole or not at all


def test_a_load_that_fails_at_its_third_file_leaves_nothing_to_see(expected: list[str]) -> None:
    lab = made()
    bad = parts(nights(90, seed=5), 3)
    bad[2]["day"][4] = 70_000
    with pytest.raises(BadParameter, match="file 2: row 4: column 'day': 70,000 is out of range"):
        lab.copy("night", bad)
    assert digests(lab) == expected
    status = lab.status()
    assert status.aborted == (3,)
    assert status.tables["night"].rows == 600 < sum(status.tables["night"].rows_by_slice)
    assert lab.vacuum("night").rows_gone == 60
    assert digests(lab) == expected
    assert sum(lab.status().tables["night"].rows_by_slice) == 600


def test_a_load_that_is_cut_off_anywhere_is_seen_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from dsys_lab.stores.warehouse.slices import Slice

    real = Slice.loaded
    seen = set()
    for cut in range(1, 14):
        calls = 0

        def loaded(self: Slice, columns: Any, *, xid: int, at: int = cut) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            return real(self, columns, xid=xid)

        lab = made(rows=30)
        monkeypatch.setattr(Slice, "loaded", loaded)
        with suppress(KeyboardInterrupt):
            lab.copy("night", parts(nights(30), 3))
        monkeypatch.setattr(Slice, "loaded", real)
        seen.add((cut < 13, *lab.query("SELECT count(*) FROM night").rows[0]))
    assert seen == {(True, 30), (False, 60)}


def test_rows_of_a_running_load_are_not_seen_and_not_swept() -> None:
    lab = made(rows=30)
    during: list[Any] = []

    def files() -> Iterator[dict[str, Any]]:
        yield nights(10)
        during.append(lab.query("SELECT count(*) FROM night").rows)
        with pytest.raises(Refused, match="transaction 3 is running"):
            lab.vacuum("night")
        yield nights(10)

    lab.copy("night", files())
    assert during == [[(30,)]]
    assert lab.query("SELECT count(*) FROM night").rows == [(50,)]


def test_what_is_loaded_twice_counts_twice() -> None:
    lab = made(rows=30)
    lab.copy("night", [nights(30)])
    assert lab.query("SELECT count(*) FROM night").rows == [(60,)]


# --------------------------------------------------------------------------------------- blocks


def test_a_filter_reads_only_blocks_that_may_hold_it_and_the_trace_says_which() -> None:
    trace = Trace()
    lab = Warehouse(Cluster(1, 1), block_bytes=200, recorder=trace)
    lab.create_table("t", Schema.of("day u16, x u32"), sort_key=["day"], encodings={"day": "plain", "x": "plain"})
    lab.copy("t", [{"day": list(range(1_000)), "x": list(range(1_000))}])
    answer = lab.query("SELECT sum(x) FROM t WHERE day BETWEEN 150 AND 199")
    assert answer.rows == [(sum(range(150, 200)),)]
    assert answer.blocks_read == {"t.day": 1, "t.x": 1}
    assert answer.blocks_skipped == {"t.day": 9, "t.x": 19}
    assert answer.read_bytes == 400
    assert [(row.fields["file"], row.fields["page"]) for row in trace.of("page_read")] == [("t.day", 1), ("t.x", 3)]
    assert len(trace.of("block_skip")) == 28
    assert lab.query("SELECT sum(x) FROM t WHERE day > 999").read_bytes == 0


def test_a_block_never_exceeds_its_size_and_a_value_that_does_is_refused() -> None:
    lab = made(block_bytes=64)
    for table in lab._tables.values():
        for part in table.slices:
            for region in part.regions:
                for blocks in region.blocks.values():
                    assert all(len(block.data) <= 64 for block in blocks)
                    assert [block.first for block in blocks[1:]] == [block.end for block in blocks[:-1]]
                    assert [block.chunk.block for block in blocks] == list(range(len(blocks)))
    with pytest.raises(Refused, match="a value needs 104 bytes, a block has 64"):
        lab.copy("person", [{"person": [1], "plan": [1], "name": ["x" * 100]}])
    assert lab.query("SELECT count(*) FROM person").rows == [(33,)]


def test_late_rows_lie_unsorted_until_a_vacuum_and_rows_that_go_on_do_not() -> None:
    lab = Warehouse(Cluster(1, 1))
    lab.create_table("t", Schema.of("day u16"), sort_key=["day"])
    for days, unsorted in ([5, 6], 0), ([6, 7], 0), ([3], 1), ([9], 2):
        lab.copy("t", [{"day": days}])
        assert lab.status().tables["t"].unsorted_rows == unsorted
    lab.vacuum("t")
    assert lab.status().tables["t"].unsorted_rows == 0
    assert lab._tables["t"].slices[0].sorted.load(Column("day", "u16")).values.tolist() == [
        3, 5, 6, 6, 7, 9,
    ]  # fmt: skip


def test_rows_of_a_load_lie_in_the_order_of_the_key_although_they_came_in_none() -> None:
    lab = Warehouse(Cluster(1, 1), block_bytes=64)
    lab.create_table("t", Schema.of("day u16, x u16"), sort_key=["day"], encodings={"day": "plain", "x": "plain"})
    days = [number * 37 % 256 for number in range(256)]
    lab.copy("t", [{"day": days, "x": days}])
    answer = lab.query("SELECT x FROM t WHERE day BETWEEN 64 AND 95")
    assert answer.rows == [(x,) for x in range(64, 96)]
    assert answer.blocks_read == {"t.day": 1, "t.x": 1}


def test_rows_in_turn_go_on_where_the_load_before_ended() -> None:
    lab = Warehouse(Cluster(2, 2))
    lab.create_table("t", Schema.of("x u16"))
    for number in range(6):
        lab.copy("t", [{"x": [number]}])
    assert lab.status().tables["t"].rows_by_slice == (2, 2, 1, 1)


def test_a_damaged_block_is_named_before_a_value_of_it_is_used() -> None:
    lab = made(cluster=Cluster(1, 1), sort_key=("day",))
    table = lab._tables["night"]
    region = table.slices[0].sorted
    first, *rest = region.blocks["day"]
    broken = replace(first, data=bytes([first.data[0] ^ 1]) + first.data[1:])
    part = replace(table.slices[0], sorted=replace(region, blocks={**region.blocks, "day": (broken, *rest)}))
    lab._tables["night"] = replace(table, slices=(part,))
    with pytest.raises(Damaged, match="block 0 of column 'day'"):
        lab.query("SELECT sum(day) FROM night")
    assert lab.query("SELECT count(minutes) FROM night").rows[0][0] > 0


# --------------------------------------------------------------------------------------- what travels


def test_equal_numbers_of_any_width_meet_and_nulls_go_to_slice_0() -> None:
    kinds = [np.array([3, 17, 200], kind) for kind in ("<u1", "<u2", "<u4", "<u8", "<i4", "<i8")]
    assert len({tuple(slice_of(Filled(values), 16).tolist()) for values in kinds}) == 1
    assert slice_of(Filled(np.array([5, 5]), np.array([True, False])), 16).tolist()[0] == 0
    assert (
        slice_of(Filled(np.array(["Oslo", "Oslo"], object)), 1 << 20).tolist()
        == [slice_of(Filled(np.array(["Oslo"], object)), 1 << 20)[0]] * 2
    )


@pytest.mark.parametrize(("first", "second", "label", "inner"), [
    (Side(Key("k"), "k", 900), Side(Key("k"), "k", 90), "DS_DIST_NONE", 1),
    (Side(Key("k"), "k", 90), Side(Key("k"), "k", 900), "DS_DIST_NONE", 0),
    (Side(Even(), "k", 900), Side(All(), "k", 90), "DS_DIST_ALL_NONE", 1),
    (Side(All(), "k", 90), Side(Key("x"), "k", 900), "DS_DIST_ALL_NONE", 0),
    (Side(Key("k"), "k", 900), Side(Key("x"), "k", 90), "DS_DIST_INNER", 1),
    (Side(Even(), "k", 900), Side(Even(), "k", 90), "DS_BCAST_INNER", 1),
    (Side(Even(), "k", 100), Side(Even(), "k", 90), "DS_DIST_BOTH", 1),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_the_way_with_the_fewest_bytes_is_taken(first: Side, second: Side, label: str, inner: int) -> None:
    move = decide(first, second, nodes=4)
    assert (move.label, move.inner) == (label, inner)


@pytest.mark.parametrize(("night", "person", "label"), [
    (Key("person"), Key("person"), "DS_DIST_NONE"), (Even(), All(), "DS_DIST_ALL_NONE"),
    (Key("person"), Even(), "DS_DIST_INNER"), (Even(), Even(), "DS_BCAST_INNER"),
], ids=str)  # fmt: skip
def test_explain_prints_the_label_that_the_answer_was_made_by(night: Any, person: Any, label: str) -> None:
    lab = made(night=night, person=person)
    sql = "SELECT plan, count(*) FROM night n JOIN person p ON n.person = p.person WHERE day >= 3 GROUP BY plan"
    answer = lab.query(sql)
    assert answer.label == label
    assert f"Hash Join {label}" in lab.explain(f"EXPLAIN {sql}")
    assert (answer.shuffled_bytes == 0) == (label in {"DS_DIST_NONE", "DS_DIST_ALL_NONE"})


def test_a_plan_reads_as_redshift_prints_it() -> None:
    lab = made(night=Key("person"), person=Even())
    assert lab.explain("SELECT plan, count(*) FROM night n JOIN person p ON n.person = p.person "
                       "WHERE day >= 3 AND plan = 1 GROUP BY plan") == """\
XN HashAggregate
  ->  XN Hash Join DS_DIST_INNER  (bytes=82)
        Hash Cond: (n.person = p.person)
        ->  XN Seq Scan on night n  (rows=600)
              Filter: (n.day >= 3)
        ->  XN Hash
              ->  XN Seq Scan on person p  (rows=33)
                    Filter: (p.plan = 1)"""  # fmt: skip


def test_both_tables_travel_where_neither_is_small() -> None:
    lab = made(cluster=Cluster(4, 1))
    answer = lab.query("SELECT count(*) FROM night a JOIN night b ON a.id = b.id")
    assert answer.label == "DS_DIST_BOTH"
    assert answer.rows == [(600,)]
    assert sum(answer.shuffled.values()) % 8 == 0
    assert all(source != target for source, target in answer.shuffled)


# --------------------------------------------------------------------------------------- misuse


@pytest.mark.parametrize(("sql", "why"), [
    ("SELECT", "SQL"), ("SELEC 1", "left out|cannot be read"), ("DELETE FROM night", "DELETE"),
    ("SELECT 1", "without FROM"),
    ("SELECT id FROM night; SELECT id FROM night", "2 statements"),
    ("SELECT id FROM nights", "no table 'nights'"), ("SELECT idd FROM night", "no column 'idd'; did you mean id"),
    ("SELECT * FROM night", "STAR"), ("SELECT DISTINCT id FROM night", "DISTINCT"),
    ("SELECT id FROM night ORDER BY id", "ORDER"), ("SELECT id FROM night LIMIT 3", "LIMIT"),
    ("SELECT day, count(*) FROM night GROUP BY day HAVING count(*) > 1", "HAVING"),
    ("SELECT id FROM night WHERE id = 1 OR id = 2", "OR"), ("SELECT id FROM night WHERE id IN (1)", "IN"),
    ("SELECT id FROM night WHERE city IS NULL", "IS"), ("SELECT id FROM night WHERE NOT id = 1", "NOT"),
    ("SELECT id FROM night WHERE id = day", "anything but a number or a text"),
    ("SELECT id FROM night WHERE city < 'P'", "< or > of a text"),
    ("SELECT id FROM night WHERE city = 3", "cannot be compared with a text"),
    ("SELECT id + 1 FROM night", "ADD"), ("SELECT sum(id + 1) FROM night", "ADD"),
    ("SELECT sum(city) FROM night", "only be"),
    ("SELECT count(DISTINCT id) FROM night", "DISTINCT"), ("SELECT median(id) FROM night", "MEDIAN"),
    ("SELECT id, count(*) FROM night", "neither measured nor in GROUP BY"),
    ("SELECT count(*) FROM night n LEFT JOIN person p ON n.person = p.person", "LEFT"),
    ("SELECT count(*) FROM night n JOIN person p USING (person)", "USING"),
    ("SELECT count(*) FROM night n, person p", "a join but for"),
    ("SELECT count(*) FROM night n JOIN person p ON n.person > p.person", "a join but for"),
    ("SELECT count(*) FROM night n JOIN person p ON n.person = p.name", "n.person is a u32 and p.name a text"),
    ("SELECT count(*) FROM night n JOIN person p ON n.id = p.person", "n.id is a u64 and p.person a i32"),
    ("SELECT count(*) FROM night JOIN night ON night.id = night.id", "two tables go by 'night'"),
    ("SELECT person FROM night n JOIN person p ON n.person = p.person", "is in n and in p"),
    ("SELECT x.id FROM night n", "no table goes by 'x'"),
    ("SELECT count(*) FROM night a JOIN night b ON a.id = b.id JOIN night c ON a.id = c.id", "more than two tables"),
    ("SELECT id FROM (SELECT id FROM night) s", "SUBQUERY"), ("WITH x AS (SELECT 1) SELECT id FROM night", "WITH"),
    ("SELECT id FROM night UNION SELECT id FROM night", "UNION"),
])  # fmt: skip
def test_what_sql_asks_beyond_is_refused_by_its_name(sql: str, why: str) -> None:
    lab = made(rows=3)
    for ask in (lab.query, lab.explain):
        with pytest.raises(BadParameter, match=why):
            ask(sql)


@pytest.mark.parametrize(("wrong", "why"), [
    (lambda lab: Cluster(0, 1), "nodes = 0"), (lambda lab: Cluster(1, 1.5), "slices_a_node = 1.5"),
    (lambda lab: Warehouse(block_bytes=1).create_table("t", NIGHT), "block_bytes = 1"),
    (lambda lab: lab.create_table("night", NIGHT), "is there already"),
    (lambda lab: lab.create_table("a b", NIGHT), "table name"),
    (lambda lab: lab.create_table("t", NIGHT, sort_key=["dya"]), "did you mean day"),
    (lambda lab: lab.create_table("t", NIGHT, distribution=Key("persn")), "did you mean person"),
    (lambda lab: lab.create_table("t", NIGHT, distribution=Key("score")), "is an f64"),
    (lambda lab: lab.create_table("t", NIGHT, encodings={"day": "zip"}), "give one of plain"),
    (lambda lab: lab.create_table("t", NIGHT, encodings={"city": "delta"}), "delta is not for a text"),
    (lambda lab: lab.create_table("t", Schema.of("row_id u8")), "hidden"),
    (lambda lab: lab.copy("nigth", []), "no table 'nigth'"), (lambda lab: lab.vacuum("x"), "no table 'x'"),
    (lambda lab: lab.copy("person", [{"person": [1]}]), "file 0: column 'plan' is missing"),
    (lambda lab: lab.delete("night", Between("x")), "no column 'x'"),
    (lambda lab: lab.delete("night", Between("day", "a")), "cannot be compared"),
])  # fmt: skip
def test_a_wrong_call_is_told_so(wrong: Any, why: str) -> None:
    with pytest.raises(BadParameter, match=why):
        wrong(made(rows=3))


def test_an_executor_that_takes_no_work_is_told_so(processes: Any) -> None:
    lab = made(rows=3, executor=processes(1))
    lab.executor.shutdown()  # type: ignore[union-attr]
    with pytest.raises(Refused, match="is shut down"):
        lab.query("SELECT count(*) FROM night")
    lab.executor = None
    assert isinstance(lab.query("SELECT count(*) FROM night"), Answer)
