"""The row store against a dict of rows, its counters against the laws, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.row_store import RowStore
from dsys_lab.stores.row_store.row_format import RowFormat
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.buffer_pool import POLICIES, BufferPool
from dsys_lab.structures.disk import RealDisk, VolatileDisk
from dsys_lab.structures.schema import Schema, Value, Values
from dsys_lab.trace import Counters, Trace
from dsys_lab.workloads.slumber.nights import night_table

NIGHT = Schema.of(
    "night_id u64, person_id u32, date_key u16, city_id u8, age u8, bed_min u16, minutes_sleep u16?, awakenings u8, "
    "avg_hr u8, fw u8, status u8, sync_lag_s u32, note text"
)
MIXED = Schema.of("k i64, n i32?, x f64?, a text, b text?, c text")
SLEEP = Schema.of("id u32, hours_sleep f64?, age u8, city text")


def nights(count: int) -> list[Values]:
    """Nights of 64 bytes: the device was off in 3 % of them."""
    columns = [column.tolist() for column in night_table(7, 0, count).values()]
    return [(*row[:6], None if row[10] & 1 else row[6], *row[7:12], "x" * 36) for row in zip(*columns, strict=True)]


def filled(count: int, **options: object) -> RowStore:
    store = RowStore(VolatileDisk(), "night", NIGHT, key="night_id", **{"pool": BufferPool(2048), **options})
    store.append(nights(count))
    store.checkpoint()
    return store


def sleep_store(rows: list[Values] | None = None) -> RowStore:
    store = RowStore(VolatileDisk(), "sleep", SLEEP, key="id")
    store.append(rows or [(1, 7.5, 40, "Oslo"), (2, None, 31, "Lagos"), (3, 6.5, 62, "Oslo")])
    return store


# ------------------------------------------------------------------------------------------------------ bytes of a row

TEXTS = st.text(max_size=40)
ROWS = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.none() | TEXTS,
    TEXTS,
)


@given(ROWS)
@settings(deadline=None)
def test_a_row_comes_back_from_its_bytes(row: Values) -> None:
    rows = RowFormat(MIXED)
    record, has_nulls = rows.encode(row)
    assert rows.decode(record, has_nulls) == row
    assert has_nulls == (None in row)
    sizes = [8, 4, 8, *(len(str(text).encode()) for text in row[3:])]
    expected = sum(size for size, value in zip(sizes, row, strict=True) if value is not None)
    assert rows.used_bytes(record, has_nulls, range(6)) == expected


def test_a_night_is_64_bytes_with_and_without_null() -> None:
    rows = RowFormat(NIGHT)
    night = nights(1)[0]
    assert [len(rows.encode((*night[:6], minutes, *night[7:]))[0]) for minutes in (400, None)] == [64, 64]


# ------------------------------------------------------------------------------------------------------ a dict of rows


class StoreIsADict(RuleBasedStateMachine):
    """Any order of verbs, crashes and openings, on few frames, beside a dict."""

    keys = st.integers(-5, 40) | st.integers(-(2**63), 2**63 - 1)
    numbers = st.none() | st.integers(-3, 3)
    texts = st.sampled_from(["", "x", "xyz" * 50, "w" * 1500, "å" * 900])

    @initialize(policy=st.sampled_from(list(POLICIES)), seed=st.integers(0, 2**32))
    def begin(self, policy: str, seed: int) -> None:
        self.disk, self.luck, self.policy, self.rows = VolatileDisk(), Random(seed), policy, {}
        self.open()

    def open(self) -> None:
        pool = BufferPool(32, self.policy)
        self.store = RowStore(self.disk, "mixed", MIXED, key="k", indexes=["n"], pool=pool)

    @rule(keys=st.lists(keys, max_size=12), n=numbers, a=texts, b=st.none() | texts, x=st.none() | st.just(0.5))
    def append(self, keys: list[int], n: Value, a: str, b: Value, x: Value) -> None:
        rows = [(key, n, x, a, b, "end") for key in keys]
        if len(set(keys)) < len(keys) or not self.rows.keys().isdisjoint(keys):
            with pytest.raises(Refused):
                self.store.append(rows)
        else:
            assert self.store.append(rows) == len(rows)
            self.rows.update({row[0]: row for row in rows})

    @rule(key=keys, n=numbers, a=texts, pick=st.booleans())
    def update(self, key: int, n: Value, a: str, pick: bool) -> None:
        key = self.luck.choice(sorted(self.rows)) if pick and self.rows else key
        assert self.store.update(key, {"n": n, "a": a}) == (key in self.rows)
        if key in self.rows:
            _, _, x, _, b, c = self.rows[key]
            self.rows[key] = (key, n, x, a, b, c)

    @rule(key=keys, pick=st.booleans())
    def delete(self, key: int, pick: bool) -> None:
        key = self.luck.choice(sorted(self.rows)) if pick and self.rows else key
        assert self.store.delete(key) == (self.rows.pop(key, None) is not None)

    @rule()
    def checkpoint(self) -> None:
        self.store.checkpoint()

    @rule()
    def crash(self) -> None:
        self.disk.crash(self.luck.random)
        self.open()

    @rule(low=numbers, high=numbers, via=st.sampled_from(["scan", "index"]))
    def scan(self, low: int | None, high: int | None, via: str) -> None:
        found = self.store.scan(["k", "n"], Between("n", low, high), via=via)
        assert sorted(found) == sorted(
            (row[0], row[1]) for row in self.rows.values() if Between("n", low, high).holds(row[1])
        )

    @rule(key=keys)
    def get(self, key: int) -> None:
        assert self.store.get(key) == self.rows.get(key)

    @invariant()
    def everything_agrees(self) -> None:
        if hasattr(self, "store"):
            assert self.store.violations() == []
            assert {row[0]: row for row in self.store.scan()} == self.rows
            assert self.store.status().rows == len(self.rows)


StoreIsADict.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestStoreIsADict = StoreIsADict.TestCase


def test_a_store_in_a_folder_is_there_for_the_next_process(tmp_path: Path) -> None:
    for first in (0, 100):
        store = RowStore(RealDisk(tmp_path), "night", NIGHT, key="night_id")
        store.append(nights(200)[first : first + 100])
        if not first:
            store.checkpoint()
    store = RowStore(RealDisk(tmp_path), "night", NIGHT, key="night_id")
    assert sorted(store.scan()) == nights(200)
    assert store.violations() == []


def test_a_log_that_grows_long_is_a_reason_for_a_checkpoint() -> None:
    store = RowStore(VolatileDisk(), "night", NIGHT, key="night_id", checkpoint_bytes=100_000)
    for first in range(0, 2000, 100):
        store.append(nights(2000)[first : first + 100])
    assert store.status().log_bytes < 200_000
    assert store.violations() == []


# ------------------------------------------------------------------------------------------------------------ answers


def test_null_passes_no_filter_and_enters_no_measure() -> None:
    store = sleep_store()
    assert list(store.scan(["id"], Between("hours_sleep"))) == [(1,), (3,)]
    measures = [Measure(how, "hours_sleep") for how in ("count", "sum", "avg", "min", "max")]
    assert store.aggregate(measures) == [(2, 14.0, 7.0, 6.5, 7.5)]
    assert store.aggregate(measures, where=Between("id", 2, 2)) == [(0, None, None, None, None)]
    assert store.aggregate([Measure("count", "id"), Measure("count", "city")]) == [(3, 3)]


def test_a_null_is_a_group_of_its_own_and_the_first() -> None:
    assert sleep_store().aggregate([Measure("sum", "age")], by="hours_sleep") == [(None, 31), (6.5, 62), (7.5, 40)]


def test_groups_and_a_filter_agree_with_a_plain_loop() -> None:
    rows = nights(3000)
    groups: dict[int, list[int]] = {}
    for row in rows:
        if 30 <= row[4] <= 39:
            groups.setdefault(row[3], []).append(row[6])
    expected = []
    for city, minutes in sorted(groups.items()):
        known = [value for value in minutes if value is not None]
        expected.append((city, len(minutes), sum(known) if known else None, sum(known) / len(known) if known else None))
    measures = [Measure("count", "night_id"), Measure("sum", "minutes_sleep"), Measure("avg", "minutes_sleep")]
    assert filled(3000).aggregate(measures, where=Between("age", 30, 39), by="city_id") == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2, 2, [2]),
        (1.5, 2.5, [2]),
        (-math.inf, 2, [1, 2]),
        (2, math.inf, [2, 3]),
        (None, None, [1, 2, 3]),
        (-9, -1, []),
        (3, 2, []),
    ],
)
def test_both_ways_find_the_same_rows_whatever_the_bounds(low: float, high: float, expected: list[int]) -> None:
    for via in ("scan", "index"):
        assert [key for (key,) in sleep_store().scan(["id"], Between("id", low, high), via=via)] == expected


def test_an_empty_table_answers() -> None:
    store = RowStore(VolatileDisk(), "sleep", SLEEP, key="id")
    assert store.append([]) == 0
    assert (store.get(1), list(store.scan()), store.delete(1), store.update(1, {})) == (None, [], False, False)
    assert store.aggregate([Measure("avg", "age"), Measure("count", "id")]) == [(None, 0)]
    assert store.aggregate([Measure("avg", "age")], by="city") == []
    assert store.violations() == []


# ------------------------------------------------------------------------------------------------ counters and the laws


def reads(store: RowStore, question: Callable[[RowStore], object]) -> Counters:
    counted = Counters()
    store._pages.recorder = store._pages.log.recorder = counted
    question(store)
    return counted


@pytest.mark.parametrize("count", [1, 120, 121, 3000])
def test_a_scan_reads_every_page_whatever_it_asks_for(count: int) -> None:
    store = filled(count)
    for columns in (["minutes_sleep"], ["minutes_sleep", "city_id"], None):
        counted = reads(store, lambda store, columns=columns: list(store.scan(columns)))
        assert counted.count("page_read", "night/heap") == laws.row_pages(count, 64)
    assert counted.sum("page_read", "size_bytes") == laws.row_pages(count, 64) * 8192


def test_the_bytes_that_were_asked_for_are_those_of_the_columns() -> None:
    store, missing = filled(1200), sum(night[6] is None for night in nights(1200))
    used = {
        columns: reads(store, lambda store, columns=columns: list(store.scan(columns))).sum("page_read", "used_bytes")
        for columns in (("age",), ("age", "note"), ("minutes_sleep",))
    }
    assert used == {("age",): 1200, ("age", "note"): 1200 * 37, ("minutes_sleep",): 2 * (1200 - missing)}


def test_a_point_read_is_the_height_and_one() -> None:
    store = filled(3000)
    counted = reads(store, lambda store: [store.get(key) for key in (0, 582, 583, 2999)])
    assert counted.count("page_read") == 4 * (laws.tree_height(3000) + 1)
    assert counted.sum("page_read", "used_bytes", "night/heap") == 4 * 64


@pytest.mark.parametrize("wanted", [5, 40, 400])
def test_rows_by_index_are_on_as_many_pages_as_cardenas_says(wanted: int) -> None:
    schema, luck, draws, rows = Schema.of("id u32, pick u16, note text"), Random(3), 30, 7_200
    labels = [number // wanted for number in range(rows)]
    luck.shuffle(labels)
    store = RowStore(VolatileDisk(), "t", schema, key="id", indexes=["pick"], pool=BufferPool(2048))
    store.append([(number, label, "x" * 58) for number, label in enumerate(labels)])
    pages = store.status().heap_pages
    assert pages == laws.row_pages(rows, 64)
    counts = []
    for draw in range(min(draws, rows // wanted)):
        question = Between("pick", draw, draw)
        counts.append(reads(store, lambda store, q=question: list(store.scan(["id"], q, via="index"))).count(
            "page_read", "t/heap"
        ))  # fmt: skip
    mean = sum(counts) / len(counts)
    tolerance = 3 * laws.pages_hit_standard_error(pages, wanted) / math.sqrt(len(counts))
    # Drawing without putting back hits a little more pages than the law says: at most k / N of what it misses.
    assert abs(mean - laws.pages_hit(pages, wanted)) <= tolerance + pages * wanted / rows


def test_one_row_dirties_a_page_of_the_heap_and_one_of_the_index_and_writes_a_log_record() -> None:
    store = filled(3010)
    counted = reads(store, lambda store: store.append([(9000, *nights(1)[0][1:])]))
    assert store.status().pool.dirty == 2
    assert (counted.count("page_write"), counted.count("log_append"), counted.count("log_sync")) == (0, 1, 1)


def test_the_first_change_after_a_checkpoint_logs_the_page_and_the_next_a_few_bytes() -> None:
    store = filled(3000)
    sizes = [
        reads(store, lambda store, minutes=minutes: store.update(5, {"minutes_sleep": minutes})).sum(
            "log_append", "size_bytes"
        )
        for minutes in (300, 301)
    ]
    assert sizes[0] > 8000
    assert sizes[1] < 200


@pytest.mark.parametrize(("policy", "survives"), [("lru", False), ("clock", False), ("scan_resistant", True)])
def test_a_scan_takes_the_pages_of_the_point_reads_unless_the_pool_resists(policy: str, survives: bool) -> None:
    disk = VolatileDisk()
    RowStore(disk, "night", NIGHT, key="night_id").append(nights(12_000))
    store = RowStore(disk, "night", NIGHT, key="night_id", pool=BufferPool(32, policy))
    store.checkpoint()
    hot = [key * 600 for key in range(8)]
    cursor = store.cursor(["minutes_sleep"])
    trace = Trace()
    for _ in range(3):
        [store.get(key) for key in hot]
    store._pages.recorder = trace
    for now_us in range(0, 100, 10):
        for _ in range(10):
            cursor.step(now_us)
        store.get(hot[now_us // 10 % 8], now_us=now_us)
    gets = {row.fields["op"] for row in trace.of("begin") if row.fields["name"] == "get"}
    sources = [row.fields["source"] for row in trace.of("page_read") if row.fields["op"] in gets]
    assert (sources.count("disk") == 0) == survives


def test_a_scan_of_many_steps_is_one_operation_and_others_come_in_between() -> None:
    store, trace = filled(600), Trace()
    store._pages.recorder = trace
    cursor, found, now_us = store.cursor(["night_id"]), 0, 0
    while (rows := cursor.step(now_us)) is not None:
        found, now_us = found + len(rows), now_us + 1
        store.get(1, now_us=now_us)
    assert found == 600
    scans = [row.fields["op"] for row in trace.of("begin") if row.fields["name"] == "scan"]
    assert len(scans) == 1
    assert [row.fields["ok"] for row in trace.of("end") if row.fields["op"] == scans[0]] == [True]
    assert len([row for row in trace.of("page_read") if row.fields["op"] == scans[0]]) == 5


def test_every_recorder_sees_the_same_answers_and_the_same_disk() -> None:
    disks = []
    for recorder in (None, Counters(), Trace()):
        disk = VolatileDisk()
        options = {"recorder": recorder} if recorder is not None else {}
        store = RowStore(disk, "night", NIGHT, key="night_id", pool=BufferPool(16), **options)
        store.append(nights(3000))
        store.update(7, {"age": 9})
        store.checkpoint()
        disks.append(({name: disk.read(name) for name in disk.names()}, store.get(7)))
    assert disks[0] == disks[1] == disks[2]


# ----------------------------------------------------------------------------------------------------- golden traces


def an_image_once_then_a_few_bytes(store: Callable[[int], RowStore], disk: VolatileDisk) -> None:
    """The first change after a checkpoint logs the page, the next one the row; a crash takes neither."""
    sleep = store(0)
    sleep.append([(number, 7.5, 40, "x" * 180) for number in range(40)], now_us=10)
    sleep.checkpoint(now_us=20)
    sleep.update(5, {"age": 41}, now_us=30)
    sleep.update(5, {"age": 42}, now_us=40)
    disk.crash(Random(1).random)
    assert store(50).get(5, now_us=60) == (5, 7.5, 42, "x" * 180)


def a_point_read_twice(store: Callable[[int], RowStore], disk: VolatileDisk) -> None:
    """First from the disk, then from memory: as many pages, and 8,192 bytes each for the few that were wanted."""
    sleep = store(0)
    sleep.append([(1, 7.5, 40, "Oslo"), (2, None, 31, "Lagos")], now_us=10)
    sleep.checkpoint(now_us=20)
    again = store(30)
    again.get(2, now_us=40)
    again.get(2, now_us=50)


@pytest.mark.parametrize("lesson", [an_image_once_then_a_few_bytes, a_point_read_twice])
def test_a_golden_trace_tells_its_lesson(lesson: Callable[..., None]) -> None:
    disk, trace = VolatileDisk(), Trace()

    def store(now_us: int) -> RowStore:
        return RowStore(disk, "sleep", SLEEP, key="id", pool=BufferPool(16), recorder=trace, now_us=now_us)

    lesson(store, disk)
    golden = Path(__file__).parent / "golden" / f"row_store_{lesson.__name__}.txt"
    if not golden.exists():
        golden.write_text(trace.text() + "\n", encoding="utf-8")
        pytest.fail(f"{golden.name} was missing and is written now: read it, then run again")
    assert trace.text() + "\n" == golden.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(4, 7.0, 300, "Oslo")], r"row 0: column 'age': 300 is out of range"),
        ([(4, 7.0, 30, "Oslo"), (5, 7.0, 30)], r"row 1: a row of 3 values for 4 columns"),
        ([(4, float("nan"), 30, "Oslo")], r"row 0: column 'hours_sleep': nan"),
        ([(4, 7.0, 30, "x" * 4001)], r"row 0: column 'city': 4,001 bytes"),
        ([(4, 7.0, "30", "Oslo")], r"row 0: column 'age': '30' is a str"),
        ([(4, 7.0, None, "Oslo")], r"row 0: column 'age': NULL"),
        ([(-1, 7.0, 30, "Oslo")], r"row 0: column 'id': -1 is out of range"),
        ([(True, 7.0, 30, "Oslo")], r"row 0: column 'id'"),
    ],
)
def test_bad_rows_are_refused_whole(rows: list[Values], says: str) -> None:
    store = sleep_store()
    before = list(store.scan())
    with pytest.raises(BadParameter, match=says):
        store.append([(100, 1.0, 1, "good"), *rows][1:] if says.startswith("row 0") else rows)
    with pytest.raises(BadParameter):
        store.append([(100, 1.0, 1, "good"), *rows])
    assert list(store.scan()) == before


@pytest.mark.parametrize("keys", [[2], [9, 9], [9, 2], [7, 1, 8]])
def test_a_key_that_is_there_is_refused_with_all_its_company(keys: list[int]) -> None:
    store = sleep_store()
    before = list(store.scan())
    with pytest.raises(Refused, match="is there already; nothing was added"):
        store.append([(key, None, 1, "x") for key in keys])
    assert list(store.scan()) == before


def test_a_row_longer_than_a_page_is_refused_before_anything_is_written() -> None:
    store = RowStore(VolatileDisk(), "long", Schema.of("k u32, a text, b text, c text"), key="k")
    with pytest.raises(BadParameter, match="row 1: a row of 12,008 bytes; at most 8,164"):
        store.append([(1, "", "", ""), (2, "x" * 4000, "y" * 4000, "z" * 4000)])
    store.append([(1, "", "", "")])
    with pytest.raises(BadParameter, match="key 1: a row of"):
        store.update(1, {"a": "x" * 4000, "b": "y" * 4000, "c": "z" * 4000})
    assert list(store.scan()) == [(1, "", "", "")]
    assert store.violations() == []


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (lambda s: s.scan(["hours"]), "no column 'hours'; did you mean hours_sleep"),
        (lambda s: s.scan(where=Between("town", 1, 2)), "no column 'town'"),
        (lambda s: s.scan(where=Between("age", "a", None)), "cannot be compared"),
        (lambda s: s.scan(where=Between("age", float("nan"), None)), "cannot be compared"),
        (lambda s: s.scan(via="hash"), "scan, index"),
        (lambda s: s.scan(where=Between("age", 1, 2), via="index"), "indexed column: id"),
        (lambda s: s.scan(via="index"), "indexed column: id"),
        (lambda s: s.aggregate([Measure("avg", "city")]), "a text can only be counted"),
        (lambda s: s.aggregate([Measure("avg", "age")], by="town"), "no column 'town'"),
        (lambda s: s.get("1"), "is a str; give a u32"),
        (lambda s: s.get(-1), "out of range"),
        (lambda s: s.update(1, {"id": 5}), "stays"),
        (lambda s: s.update(1, {"age": 999}), "out of range"),
        (lambda s: s.update(1, {"old": 9}), "no column 'old'"),
        (lambda s: s.delete(None), "NULL"),
        (lambda s: Measure("median", "age"), "count, sum, avg, min, max"),
    ],
)
def test_a_bad_question_is_refused_when_it_is_asked(question: Callable[[RowStore], object], says: str) -> None:
    store = sleep_store()
    with pytest.raises(BadParameter, match=says):
        question(store)
    assert store.status().rows == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"key": "city"}, "only columns of integers"),
        ({"key": "hours_sleep"}, "only columns of integers"),
        ({"key": "nope"}, "no column 'nope'"),
        ({"key": "id", "indexes": ["age", "age"]}, "twice"),
        ({"key": "id", "indexes": ["id"]}, "twice"),
        ({"key": "id", "pool": BufferPool(8)}, "give 16"),
        ({"key": "id", "checkpoint_bytes": 0}, "checkpoint_bytes"),
    ],
)
def test_a_table_that_cannot_be_is_refused(options: dict, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        RowStore(VolatileDisk(), "sleep", SLEEP, **options)
    with pytest.raises(BadParameter, match="table name"):
        RowStore(VolatileDisk(), "../sleep", SLEEP, key="id")
    with pytest.raises(BadParameter, match="may be NULL"):
        RowStore(VolatileDisk(), "sleep", Schema.of("id u32?"), key="id")


def test_a_row_that_outgrows_its_page_moves_and_is_found_by_every_index() -> None:
    store = RowStore(VolatileDisk(), "t", Schema.of("id u32, tag u8, note text"), key="id", indexes=["tag"])
    store.append([(number, number % 3, "x" * 200) for number in range(80)])
    assert store.update(5, {"note": "y" * 3000})
    assert store.get(5) == (5, 2, "y" * 3000)
    assert (5,) in set(store.scan(["id"], Between("tag", 2, 2), via="index"))
    assert store.violations() == []
