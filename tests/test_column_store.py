"""The column store answers as a plain list does, touches the pages that the laws say, and names what is damaged."""
from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Refused
from dsys_lab.stores.column_store import ColumnStore, tuple_at_a_time, vector_at_a_time
from dsys_lab.stores.table import Between, Measure
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import RealDisk, VolatileDisk
from dsys_lab.structures.encoding import CODECS
from dsys_lab.structures.schema import WIDTHS, Schema
from dsys_lab.trace import Counters, Trace
from dsys_lab.workloads.slumber import Slumber, minutes

SCHEMA = Schema.of("id u32, minutes u16?, temperature f64?, change i64, city text?")
NIGHTS = Schema.of("night_id u64, person_id u32, date_key u16, city_id u8, age u8, minutes_sleep u16?")
LAYOUTS = ["columns", "row_groups"]


def rows(count: int, seed: int = 1, first: int = 0) -> list[tuple]:
    """Return rows of `SCHEMA` with NULLs, runs and extremes."""
    chance = random.Random(seed)
    return [
        (
            first + number,
            chance.choice([None, 0, 420, 65_535, chance.randrange(120, 720)]),
            chance.choice([None, -0.5, 36.6, chance.uniform(-40, 40)]),
            chance.choice([-(2**63), 2**63 - 1, 0, chance.randrange(-5, 5)]),
            chance.choice([None, "", "Oslo", "São Paulo", f"city {chance.randrange(10**6)}", "long " * 9]),
        )
        for number in range(count)
    ]


def store(disk: VolatileDisk | RealDisk | None = None, schema: Schema = SCHEMA, **settings: object) -> ColumnStore:
    """Return a store with small row groups."""
    return ColumnStore(disk or VolatileDisk(), schema, **{"row_group_rows": 16, "merge_rows": 8, **settings})


def nights(count: int) -> dict[str, np.ndarray]:
    """Return the nights of Slumber as `NIGHTS` has them."""
    table = Slumber(nights=count).read("night")
    table["minutes_sleep"] = minutes(table)
    return {name: table[name] for name in NIGHTS.names}


# ------------------------------------------------------------------------------------------------------ same answers
@pytest.mark.parametrize(("type_", "values"), [
    ("u64", [2**64 - 1, 2**64 - 2, None, 2**64 - 1]),
    ("u64", [0, 5, None, 2**64 - 1]),
    ("i64", [-(2**63), 1 - 2**63, None, -(2**63)]),
    ("i64", [2**63 - 1, 2**63 - 2, None, -(2**63)]),
    ("i32", [-(2**31), 1 - 2**31, None, 2**31 - 1]),
    ("u8", [250, 255, None, 250]),
])  # fmt: skip
@pytest.mark.parametrize("merge_rows", [1, 99])
def test_groups_and_sums_hold_to_the_ends_of_every_type(type_: str, values: list[int | None], merge_rows: int) -> None:
    table = store(schema=Schema.of(f"id u32, x {type_}?"), merge_rows=merge_rows)
    table.append(list(enumerate(values)))
    there = [value for value in values if value is not None]
    groups = [(None, 1, None), *((x, there.count(x), x * there.count(x)) for x in sorted(set(there)))]
    assert table.aggregate([Measure("count", "id"), Measure("sum", "x")], by="x") == groups
    ends = [Measure(how, "x") for how in ("sum", "min", "max")]
    assert table.aggregate(ends) == [(sum(there), min(there), max(there))]


@pytest.mark.parametrize(("type_", "keys"), [
    ("i64", [-(2**63), -1, 0, 2**63 - 1]), ("i32", [-(2**31), -1, 0, 2**31 - 1]), ("u64", [0, 2**63, 2**64 - 1, 7]),
])  # fmt: skip
@pytest.mark.parametrize("merge_rows", [1, 99])
def test_keys_at_the_ends_of_their_type_come_and_go_and_are_gone_after_a_crash(
    type_: str, keys: list[int], merge_rows: int
) -> None:
    disk, schema = VolatileDisk(), Schema.of(f"id {type_}, x u8")
    table = store(disk, schema, merge_rows=merge_rows)
    table.append([(key, 1) for key in keys])
    assert table.delete(keys[0])
    assert table.update(keys[1], {"x": 2})
    assert table.delete(keys[2])
    disk.crash(lambda: 0.9)
    again = store(disk, schema, merge_rows=merge_rows)
    assert sorted(again.scan()) == sorted([(keys[1], 2), (keys[3], 1)])
    assert [again.get(key) for key in keys] == [None, (keys[1], 2), None, (keys[3], 1)]
    with pytest.raises(Refused):
        again.append([(keys[3], 9)])


@pytest.mark.parametrize("codec", [None, *CODECS])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_come_back_in_every_codec_and_layout(codec: str | None, layout: str) -> None:
    table, data = store(codec=codec, layout=layout), rows(100)
    table.append(data[:90])
    for row in data[90:]:
        table.append([row])
    assert sorted(table.scan()) == data
    assert [table.get(row[0]) for row in data] == data
    assert table.get(100) is None


WHERE = [
    None, Between("minutes", 200, 500), Between("minutes", None, 420), Between("minutes", 420.5, 1e9),
    Between("temperature", 0, None), Between("temperature", -40, 2**70), Between("change", -3, 3.5),
    Between("change", -(2**70), -1), Between("city", "O", "P"), Between("city", "long long long lo", None),
    Between("id", 7, 7), Between("minutes", 500, 200), Between("id", 2**40, None), Between("change", float("inf")),
]  # fmt: skip
NUMBERS, HOWS = ("minutes", "temperature", "change"), ("count", "sum", "avg", "min", "max")
MEASURES = [Measure(how, name) for name in NUMBERS for how in HOWS]
MEASURES += [Measure("count", "city"), Measure("count", "id")]


def expected(data: list[tuple], measure: Measure) -> object:
    """Return a measure as a few lines of Python say it."""
    values = [row[SCHEMA.position(measure.column)] for row in data]
    values = [value for value in values if value is not None]
    if measure.how == "count":
        return len(values)
    if not values:
        return None
    answers = {"sum": sum(values), "avg": sum(values) / len(values), "min": min(values), "max": max(values)}
    return pytest.approx(answers[measure.how]) if measure.column == "temperature" else answers[measure.how]


FORMS = [(layout, codec) for layout in LAYOUTS for codec in (None, "plain", "dictionary")]


@pytest.fixture(scope="module", params=FORMS, ids=str)
def lived_in(request: pytest.FixtureRequest) -> tuple[ColumnStore, list[tuple]]:
    """A table after loads, merges, updates and deletes, some rows waiting; and what it should hold."""
    layout, codec = request.param
    table, data = store(layout=layout, codec=codec), rows(150)
    table.append(data[:100])
    for row in data[100:]:
        table.append([row])
    for key in (3, 17, 18, 120, 149):
        assert table.update(key, {"minutes": 7, "city": "Oslo"})
        data[key] = (key, 7, *data[key][2:4], "Oslo")
    for key in (*range(32, 48), 50, 148):
        assert table.delete(key)
    late = rows(5, seed=3, first=150)
    table.checkpoint()
    table.append(late)
    assert table.update(99, {"minutes": None})
    data[99] = (99, None, *data[99][2:])
    assert table.status().waiting_rows == 6
    return table, [row for row in data if row[0] not in {*range(32, 48), 50, 148}] + late


@pytest.mark.parametrize("where", WHERE, ids=repr)
def test_every_question_is_answered_as_by_a_list(
    lived_in: tuple[ColumnStore, list[tuple]], where: Between | None
) -> None:
    table, data = lived_in
    passing = [row for row in data if where is None or where.holds(row[SCHEMA.position(where.column)])]
    assert sorted(table.scan(where=where)) == passing
    assert list(table.aggregate(MEASURES, where=where)[0]) == [expected(passing, measure) for measure in MEASURES]
    for at, by in enumerate(SCHEMA.names):
        if where is not None and at != WHERE.index(where) % len(SCHEMA.names):
            continue  # all groups of all rows; of the rows of a filter, one kind each
        labels = sorted({row[at] for row in passing}, key=lambda value: (value is not None, value))
        groups = [[row for row in passing if row[at] == label] for label in labels]
        wanted = [
            (label, *(expected(group, one) for one in MEASURES)) for label, group in zip(labels, groups, strict=True)
        ]
        assert table.aggregate(MEASURES, where=where, by=by) == wanted


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_verbs_in_any_order_with_crashes_leave_what_a_dictionary_holds(data: st.DataObject) -> None:
    disk, held = VolatileDisk(), {}
    table = store(disk, layout=data.draw(st.sampled_from(LAYOUTS)))
    fresh = iter(rows(1_000, seed=data.draw(st.integers(0, 99))))
    for _ in range(data.draw(st.integers(1, 25))):
        verb = data.draw(st.sampled_from(["append", "many", "update", "delete", "checkpoint", "compact", "crash"]))
        key = data.draw(st.integers(0, max(held, default=0) + 1))
        if verb in {"append", "many"}:
            new = [next(fresh) for _ in range(1 if verb == "append" else 20)]
            table.append(new)
            held.update((row[0], row) for row in new)
        elif verb == "update":
            assert table.update(key, {"minutes": 1}) == (key in held)
            if key in held:
                held[key] = (key, 1, *held[key][2:])
        elif verb == "delete":
            assert table.delete(key) == (held.pop(key, None) is not None)
        elif verb == "crash":
            disk.crash(random.Random(key).random)
            table = store(disk, layout=table.layout)
        else:
            getattr(table, verb)()
        assert sorted(table.scan()) == sorted(held.values())
    assert table.status().rows == len(held)


def test_sums_of_whole_numbers_are_exact_where_numpy_wraps_around() -> None:
    table = store(schema=Schema.of("id u32, big u64, k u8"))
    big = np.full(100, 2**64 - 1, np.uint64)
    table.append_columns({"id": np.arange(100), "big": big, "k": np.arange(100) % 3})
    assert table.aggregate([Measure("sum", "big")]) == [(100 * (2**64 - 1),)]
    assert table.aggregate([Measure("sum", "big")], by="k")[0] == (0, 34 * (2**64 - 1))
    assert int(big.sum()) != 100 * (2**64 - 1)


@pytest.mark.parametrize("codec", ["plain", None])
def test_many_groups_of_numbers_far_apart_are_told_apart(codec: str | None) -> None:
    table = ColumnStore(VolatileDisk(), Schema.of("id u32, far i64, near f64"), codec=codec)
    far = (np.arange(60_000) % 20_000 - 10_000) * 10**14
    table.append_columns({"id": np.arange(60_000), "far": far, "near": far / 2**50 + 1})
    found = table.aggregate([Measure("count", "id"), Measure("max", "id")], by="far")
    assert [row[0] for row in found] == sorted(set(far.tolist()))
    assert {row[1] for row in found} == {3}
    assert all(far[row[2]] == row[0] for row in found)
    assert len(table.aggregate([Measure("sum", "far")], by="near")) == len(set((far / 2**50 + 1).tolist()))


def test_a_null_is_not_a_zero() -> None:
    table = ColumnStore(VolatileDisk(), NIGHTS)
    table.append_columns(nights(20_000))
    asked = [Measure(how, "minutes_sleep") for how in ("avg", "sum", "count")] + [Measure("count", "night_id")]
    average, total, there, every = table.aggregate(asked)[0]
    assert average == total / there
    assert total / every == pytest.approx(0.97 * average, rel=0.005), "3 % of the devices were off"


# ------------------------------------------------------------------------------------------------------ bytes touched
@pytest.mark.parametrize("count", [1_000, 100_000])
def test_a_question_reads_the_pages_of_its_columns_and_no_others(count: int) -> None:
    counters = Counters()
    table = ColumnStore(VolatileDisk(), NIGHTS, codec="plain", recorder=counters)
    data = nights(count)
    data["minutes_sleep"] = np.ma.filled(data["minutes_sleep"], 0)
    table.append_columns(data)
    for touched in (["minutes_sleep"], ["minutes_sleep", "city_id"], list(NIGHTS.names)):
        counters.counts.clear()
        table.aggregate([Measure("sum", name) for name in touched])
        widths = [WIDTHS[NIGHTS.columns[NIGHTS.position(name)].type] for name in touched]
        assert counters.count("page_read") == laws.column_pages(count, *widths)


def test_bytes_are_read_from_disk_once_and_then_from_memory() -> None:
    trace = Trace()
    table = ColumnStore(VolatileDisk(), NIGHTS, codec="plain", recorder=trace)
    table.append_columns(nights(20_000))
    table.aggregate([Measure("sum", "age")])
    table.aggregate([Measure("sum", "age")])
    sources = [row.fields["source"] for row in trace.of("page_read")]
    assert sources == ["disk"] * 3 + ["cache"] * 3
    assert sum(row.fields["used_bytes"] for row in trace.of("page_read")) == 2 * 20_000
    table.drop_cache()
    table.aggregate([Measure("sum", "age")])
    assert trace.of("page_read")[-1].fields["source"] == "disk"


def test_a_cache_that_is_too_small_keeps_the_last_files_used() -> None:
    table = ColumnStore(VolatileDisk(), NIGHTS, codec="plain", cache_bytes=60_000)
    table.append_columns(nights(20_000))
    table.aggregate([Measure("sum", name) for name in NIGHTS.names])
    assert 0 < table.status().cached_bytes <= 60_000


def test_row_groups_in_which_no_row_can_pass_are_skipped() -> None:
    trace = Trace()
    table = ColumnStore(VolatileDisk(), NIGHTS, row_group_rows=1_000, recorder=trace)
    table.append_columns(nights(10_000))
    table.aggregate([Measure("avg", "minutes_sleep")], where=Between("night_id", 2_500, 2_600))
    skipped = trace.of("block_skip")
    assert {row.fields["block"] for row in skipped} == set(range(10)) - {2}
    assert {row.fields["why"] for row in skipped} == {"zone map"}


def test_columns_are_read_only_where_a_row_passes() -> None:
    trace = Trace()
    schema = Schema.of("id u32, k u32, v u32")
    table = ColumnStore(VolatileDisk(), schema, row_group_rows=1_000, codec="plain", recorder=trace)
    k = np.arange(10_000) % 2 * 1_000
    k[4_321] = 500
    table.append_columns({"id": np.arange(10_000), "k": k, "v": k})
    assert list(table.scan(["id"], Between("k", 400, 600))) == [(4_321,)]
    assert len([row for row in trace.of("block_skip") if row.fields["why"] == "no row passes"]) == 9
    assert len([row for row in trace.of("page_read") if row.fields["file"].startswith("00-id")]) == 2


def test_the_smallest_and_the_largest_are_in_the_zone_maps() -> None:
    counters = Counters()
    table = ColumnStore(VolatileDisk(), NIGHTS, recorder=counters)
    table.append_columns(nights(10_000))
    ends = table.aggregate([Measure("min", "night_id"), Measure("max", "night_id"), Measure("count", "minutes_sleep")])
    assert ends[0][:2] == (0, 9_999)
    assert counters.count("page_read") == 0


def test_a_point_read_touches_one_chunk_of_every_column() -> None:
    trace = Trace()
    table = ColumnStore(VolatileDisk(), NIGHTS, codec="plain", recorder=trace)
    table.append_columns(nights(100_000))
    assert table.get(50_000)[0] == 50_000
    touched = {row.fields["file"] for row in trace.of("page_read")}
    assert len(touched) == len(NIGHTS.names)
    assert sum(row.fields["used_bytes"] for row in trace.of("page_read")) < 70_000, "all keys of one group, and one row"


def test_rows_wait_in_the_log_and_are_merged_by_the_group() -> None:
    counters = Counters()
    sizes = {"row_group_rows": 1_000, "merge_rows": 1_000}
    table = ColumnStore(VolatileDisk(), NIGHTS, **sizes, codec="plain", recorder=counters)
    table.append_columns({name: column[:1_000] for name, column in nights(3_000).items()})
    before = counters.count("page_write")
    for row in zip(*(column[1_000:].tolist() for column in nights(3_000).values()), strict=True):
        table.append([row])
    assert counters.count("log_sync", "column_store/log") >= 2_000
    assert counters.count("flush") == 3
    written = (counters.count("page_write") - before) / 2_000
    assert written == pytest.approx(laws.merge_pages_per_row(6, pages_per_chunk=1.4, merge_rows=1_000), rel=0.2)
    assert table.status().waiting_rows == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_answers_are_the_same_whoever_listens(layout: str) -> None:
    answers = []
    for recorder in (Trace(), Counters(), None):
        table = store(layout=layout, **({"recorder": recorder} if recorder is not None else {}))
        table.append(rows(100))
        answers.append((list(table.scan(where=Between("minutes", 1, 500))), table.aggregate(MEASURES, by="city")))
    assert answers[0] == answers[1] == answers[2]


# ------------------------------------------------------------------------------------------------------ calls
@pytest.mark.parametrize("vector_rows", [1, 7, 2_048, 100_000])
def test_a_plan_by_vectors_answers_as_a_plan_by_rows(vector_rows: int) -> None:
    table, where = ColumnStore(VolatileDisk(), NIGHTS), Between("age", 30, 39)
    table.append_columns(nights(10_000))
    total, count = table.aggregate([Measure("sum", "minutes_sleep"), Measure("count", "minutes_sleep")], where=where)[0]
    by_rows = tuple_at_a_time(table, "minutes_sleep", where)
    by_vectors = vector_at_a_time(table, "minutes_sleep", where, vector_rows=vector_rows)
    assert (by_rows.sum, by_rows.count) == (by_vectors.sum, by_vectors.count) == (total, count)


def test_vectors_make_calls_rare_as_the_law_says() -> None:
    table, everything = ColumnStore(VolatileDisk(), NIGHTS), Between("age", 0, None)
    table.append_columns(nights(100_000))
    by_rows = tuple_at_a_time(table, "minutes_sleep", everything)
    by_vectors = vector_at_a_time(table, "minutes_sleep", everything)
    assert by_rows.calls == laws.calls_by_vector(100_000, 2, vector_rows=1) == 200_002
    assert by_vectors.calls == laws.calls_by_vector(100_000, 2, vector_rows=2_048) == 100


# ------------------------------------------------------------------------------------------------------ damage
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_flipped_bit_is_named_and_other_columns_stay_readable(layout: str) -> None:
    disk = VolatileDisk()
    store(disk, layout=layout).append(rows(64))
    table = store(disk, layout=layout)
    chunk = table._groups[2].chunks["minutes"]
    disk.flip(chunk.file, chunk.offset + 5)
    with pytest.raises(Damaged, match=rf"^{chunk.file}, chunk 2 of column 'minutes'"):
        table.aggregate([Measure("sum", "minutes")])
    with pytest.raises(Damaged, match="chunk 2 of column 'minutes'"):
        table.get(40)
    assert table.get(5) == rows(64)[5]
    assert table.aggregate([Measure("sum", "change")]) == [(sum(row[3] for row in rows(64)),)]
    disk.flip(chunk.file, chunk.offset + 5)
    assert table.aggregate([Measure("count", "minutes")]) is not None
    assert table.get(40) == rows(64)[40], "mended on disk, read again"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_cut_short_or_gone_is_named(layout: str) -> None:
    disk = VolatileDisk()
    store(disk, layout=layout).append(rows(64))
    chunk = store(disk, layout=layout)._groups[3].chunks["city"]
    disk.cut(chunk.file, chunk.offset + 3)
    table = store(disk, layout=layout)
    assert table.get(5) == rows(64)[5]
    with pytest.raises(Damaged, match=f"chunk 3 of column 'city'.*the file ends at byte {chunk.offset + 3:,}"):
        list(table.scan())
    disk.remove(chunk.file)
    with pytest.raises(Damaged, match="the file ends at byte 0"):
        store(disk, layout=layout).get(5)


def test_nothing_is_written_behind_a_file_that_is_cut_short() -> None:
    disk = VolatileDisk()
    store(disk).append(rows(64))
    chunk = store(disk)._groups[3].chunks["city"]
    disk.cut(chunk.file, chunk.offset)
    table = store(disk)
    for count in (1, 64):
        with pytest.raises(Damaged, match=rf"^{chunk.file} ends at byte"):
            table.append(rows(count, first=64))
    assert disk.size_bytes("00-id.0") == store(disk).files.sizes["00-id.0"]


def test_every_flipped_bit_of_every_file_is_found_and_the_file_is_named() -> None:
    disk = VolatileDisk()
    table = store(disk)
    table.append(rows(20))
    held = rows(20)
    for name in [name for name in disk.names() if disk.size_bytes(name)]:
        chunks = [chunk for group in table._groups for chunk in group.chunks.values() if chunk.file == name]
        used = [at for chunk in chunks for at in range(chunk.offset, chunk.end)]
        for offset in used or range(disk.size_bytes(name)):
            disk.flip(name, offset, bit=offset % 8)
            with pytest.raises(Damaged, match=name):
                list(store(disk).scan())
            disk.flip(name, offset, bit=offset % 8)
    assert sorted(store(disk).scan()) == held


def test_a_damaged_manifest_is_named_and_a_missing_one_too() -> None:
    disk = VolatileDisk()
    store(disk).append(rows(20))
    (manifest,) = [name for name in disk.names() if name.startswith("manifest")]
    disk.flip(manifest, 30)
    with pytest.raises(Damaged, match=manifest):
        store(disk)
    disk.remove(manifest)
    with pytest.raises(Damaged, match="the manifest is missing"):
        store(disk)


def test_a_chunk_of_which_a_page_is_read_again_is_checked_again() -> None:
    disk = VolatileDisk()
    table = store(disk, Schema.of("id u32, minutes u16"), codec="plain")
    table.append([(key, key) for key in range(16)])
    assert table.aggregate([Measure("sum", "minutes")]) == [(120,)]
    disk.flip("01-minutes.0", 3)
    table.append([(key, key) for key in range(16, 32)])
    with pytest.raises(Damaged, match=r"^01-minutes\.0, chunk 0 of column 'minutes'"):
        table.aggregate([Measure("sum", "minutes")])


def test_a_log_that_is_gone_is_damage_and_once_it_is_restored_all_is_well() -> None:
    for held in (3, 9):  # waiting in the log; merged, and one more waiting
        disk = VolatileDisk()
        table = store(disk)
        for row in rows(held):
            table.append([row])
        (log,) = [name for name in disk.names() if name.endswith(".log")]
        copy = disk.read(log)
        disk.remove(log)
        before = disk.names()
        with pytest.raises(Damaged, match=r"manifest-00000\d is there, but the log is not"):
            store(disk)
        assert disk.names() == before
        disk.append(log, copy)
        assert sorted(store(disk).scan()) == rows(held)


@pytest.mark.parametrize("first_lsn", [3, 90])
def test_a_log_that_does_not_go_on_where_the_manifest_ends_is_damage(first_lsn: int) -> None:
    disk = VolatileDisk()
    table = store(disk)
    for row in rows(9):
        table.append([row])
    (log,) = [name for name in disk.names() if name.endswith(".log")]
    disk.remove(log)
    disk.append(f"{first_lsn:020d}.log", b"")
    with pytest.raises(Damaged, match="the manifest holds all up to log record 7, and the log holds"):
        store(disk)


# ------------------------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(("bad", "says"), [
    ((1, 2, 3.0, 4), "4 values for 5 columns"),
    ((1, 70_000, 3.0, 4, "x"), "70,000 is out of range"),
    ((1, 2.5, 3.0, 4, "x"), "2.5 is a float"),
    ((None, 2, 3.0, 4, "x"), "NULL"),
    ((1, 2, float("nan"), 4, "x"), "nan"),
    ((1, 2, 3.0, 2**63, "x"), "out of range"),
    ((1, 2, 3.0, 4, "x" * 4_001), "4,001 bytes"),
    ((True, 2, 3.0, 4, "x"), "bool"),
])  # fmt: skip
def test_a_bad_row_is_refused_and_nothing_is_written(bad: tuple, says: str) -> None:
    disk = VolatileDisk()
    table = store(disk)
    steps = disk.steps
    for batch in ([rows(1, first=9)[0], bad], [*rows(20, first=9), bad]):
        with pytest.raises(BadParameter, match=says):
            table.append(batch)
    assert disk.steps == steps
    assert list(table.scan()) == []


GOOD = {
    "id": np.arange(3), "minutes": [1, None, 3], "temperature": [0.5, 1, 2], "change": np.arange(3),
    "city": ["a", None, "b"],
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "says"), [
    ({"minutes": [1, 2]}, "different lengths"),
    ({"minutes": None}, "missing"),
    ({"minute": [1, 2, 3]}, "did you mean minutes"),
    ({"minutes": np.array([1, 2, 70_000])}, "row 2.*out of range"),
    ({"minutes": np.array([1.0, 2, 3])}, "float"),
    ({"minutes": np.array([True, False, True])}, "bool"),
    ({"temperature": np.array([1, np.nan, 2])}, "row 1.*nan"),
    ({"temperature": np.array([1, np.inf, 2])}, "row 1.*inf"),
    ({"change": np.ma.masked_array([1, 2, 3], [False, True, False])}, "NULL"),
    ({"change": np.zeros((3, 2), int)}, "shape"),
    ({"city": np.array([1, 2, 3])}, "is a int"),
    ({"city": ["a", "b", "x" * 5_000]}, "row 2"),
])  # fmt: skip
def test_a_bad_column_is_refused_and_nothing_is_written(wrong: dict, says: str) -> None:
    disk = VolatileDisk()
    table = store(disk)
    steps = disk.steps
    columns = {name: column for name, column in {**GOOD, **wrong}.items() if column is not None}
    with pytest.raises(BadParameter, match=says):
        table.append_columns(columns)
    assert disk.steps == steps
    assert table.append_columns(GOOD) == 3
    assert sorted(table.scan())[1] == (1, None, 1.0, 1, None)


def test_an_empty_table_answers() -> None:
    table = store()
    assert list(table.scan()) == []
    assert table.aggregate([Measure("sum", "minutes"), Measure("count", "id")]) == [(None, 0)]
    assert table.aggregate([Measure("sum", "minutes")], by="city") == []
    assert table.append([]) == 0
    assert table.append_columns({name: [] for name in SCHEMA.names}) == 0
    table.checkpoint()
    table.compact()
    assert table.status().rows == 0


def test_a_key_twice_is_refused_wherever_the_first_one_is() -> None:
    table = store()
    table.append(rows(20))
    table.append(rows(3, first=20))
    for batch in (rows(1, first=5), rows(1, first=21), rows(9, first=15), rows(1, first=50) * 2, rows(9, first=22)):
        with pytest.raises(Refused, match="key"):
            table.append(batch)
    assert table.status().rows == 23
    assert table.delete(5)
    assert table.append(rows(1, first=5)) == 1


@pytest.mark.parametrize(("settings", "says"), [
    ({"key": "minutes"}, "u16 that may be NULL"), ({"key": "city"}, "text"), ({"key": "ide"}, "did you mean id"),
    ({"layout": "diagonal"}, "columns, row_groups"), ({"codec": "zip"}, "plain"), ({"row_group_rows": 0}, "above 0"),
    ({"merge_rows": 0}, "above 0"),
])  # fmt: skip
def test_settings_that_mean_nothing_are_refused(settings: dict, says: str) -> None:
    disk = VolatileDisk()
    with pytest.raises(BadParameter, match=says):
        store(disk, **settings)
    assert disk.names() == []


def test_a_table_is_opened_only_as_what_it_is() -> None:
    disk = VolatileDisk()
    store(disk).append(rows(20))
    with pytest.raises(BadParameter, match="schema"):
        store(disk, schema=Schema.of("id u32"))
    with pytest.raises(BadParameter, match="layout"):
        store(disk, layout="row_groups")
    assert store(disk).status().rows == 20


@pytest.mark.parametrize("ask", [
    lambda table: table.scan(["ids"]), lambda table: table.scan(where=Between("minutes", "a")),
    lambda table: table.scan(where=Between("city", 3)), lambda table: table.aggregate([Measure("sum", "city")]),
    lambda table: table.aggregate([Measure("sum", "minutes")], by="town"), lambda table: table.update(1, {"nap": 3}),
    lambda table: table.update(1, {"id": 3}), lambda table: table.update(1, {"minutes": -1}),
    lambda table: table.get("1"),
    lambda table: table.vectors(["nap"], vector_rows=4).__next__(),
])  # fmt: skip
def test_a_bad_question_is_refused(ask: object) -> None:
    table = store()
    table.append(rows(20))
    with pytest.raises(BadParameter):
        ask(table)


# ------------------------------------------------------------------------------------------------------ files
def test_a_folder_serves_as_well(tmp_path: object) -> None:
    disk = RealDisk(tmp_path)
    table = store(disk)
    table.append(rows(50))
    table.append(rows(3, first=50))
    disk.close()
    again = store(RealDisk(tmp_path))
    assert sorted(again.scan()) == rows(50) + rows(3, first=50)
    again.compact()
    assert sorted(again.scan()) == rows(50) + rows(3, first=50)
    again.files.disk.close()


def test_compaction_gives_back_the_room_of_deleted_rows() -> None:
    table = ColumnStore(VolatileDisk(), NIGHTS)
    table.append_columns(nights(10_000))
    before = sum(table.status().size_bytes.values())
    for key in range(3_000):
        table.delete(key)
    assert table.status().deleted_rows == 3_000
    scan = table.scan(["night_id"])
    next(scan)
    table.compact()
    assert table.status().deleted_rows == 0
    assert sum(table.status().size_bytes.values()) < 0.72 * before
    assert table.get(2_999) is None
    assert table.get(3_000) is not None
    with pytest.raises(Refused, match="scan it again"):
        list(scan)


def test_small_merges_do_not_change_what_is_there() -> None:
    table = store(merge_rows=1_000)
    for number in range(30):
        table.append(rows(1, seed=number, first=number))
        table.checkpoint()
    assert table.status().groups == 30
    table.compact()
    assert table.status().groups == 2
    assert [row[0] for row in table.scan()] == list(range(30))


class FailingDisk(VolatileDisk):
    """A disk whose next sync fails when it is told."""

    failing = False

    def sync(self, name: str) -> None:
        if self.failing:
            raise OSError("no space left")
        super().sync(name)


@pytest.mark.parametrize("count", [1, 20])
def test_after_a_failure_of_the_disk_nothing_more_is_written(count: int) -> None:
    disk = FailingDisk()
    table = store(disk)
    table.append(rows(5))
    disk.failing = True
    with pytest.raises(MayHaveHappened):
        table.append(rows(count, first=5))
    disk.failing = False
    with pytest.raises(Refused, match="anew"):
        table.append(rows(1, first=99))
    assert sorted(store(disk).scan())[:5] == rows(5)


class FailingLog(VolatileDisk):
    """A disk that cannot add to the log when it is told."""

    failing = False

    def append(self, name: str, data: bytes) -> None:
        if self.failing and name.endswith(".log"):
            raise OSError("no space left")
        super().append(name, data)


def test_after_a_failure_of_the_log_a_load_is_refused_and_really_did_not_happen() -> None:
    disk = FailingLog()
    table = store(disk)
    disk.failing = True
    with pytest.raises(MayHaveHappened):
        table.append(rows(1))
    disk.failing = False
    for load in (lambda: table.append(rows(20, first=100)), table.compact):
        with pytest.raises(Refused, match="anew"):
            load()
    assert list(store(disk).scan()) == []


def test_what_waits_unsynced_may_go_but_never_what_was_merged() -> None:
    disk = VolatileDisk()
    table = store(disk, fsync=NEVER, merge_rows=10)
    for row in rows(25):
        table.append([row])
    disk.crash(lambda: 0.9)
    assert sorted(store(disk).scan()) == rows(25)[:20]
    table = store(disk)
    table.append(rows(1, seed=5, first=77))
    disk.crash(lambda: 0.9)
    assert store(disk).get(77) == rows(1, seed=5, first=77)[0]
