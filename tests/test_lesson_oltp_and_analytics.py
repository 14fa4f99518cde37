"""Lab 02 teaches six things. Each is true of every size and seed that is tried, and of real engines, too.

The tests are the lab's claims in its own order. What is measured is pages, bytes and calls, and never seconds.
"""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path
from statistics import median

import pytest

from dsys_lab import laws
from dsys_lab.engines.duckdb import DuckdbTable
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises import find
from dsys_lab.lessons.exercises import oltp_and_analytics as exercises
from dsys_lab.scenarios.oltp_and_analytics import counts
from dsys_lab.scenarios.oltp_and_analytics import layouts as lab
from dsys_lab.scenarios.oltp_and_analytics.flight_tables import FLIGHT, fill_flights, flight_columns, flight_table
from dsys_lab.scenarios.oltp_and_analytics.night_tables import (
    KEY,
    LAYOUTS,
    NIGHT,
    TABLE,
    WIDTH_BYTES,
    carry_out,
    fill,
    kib_told,
    night_columns,
    night_rows,
    night_table,
    side_by_side,
)
from dsys_lab.simulation.devices import DEVICES, Priced
from dsys_lab.trace import Trace, lamps
from dsys_lab.workloads.operations import (
    Aggregate,
    Between,
    Insert,
    PointRead,
    Question,
    answer,
    answer_digest,
)

SEEDS = range(1, 7)
SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "src" / "02_oltp_and_analytics.py"


# ------------------------------------------------------------------------------------------ 1. few columns
@pytest.mark.parametrize("nights", [1, 119, 120, 121, 5_000, 24_000])
def test_by_row_every_page_is_read_and_by_column_those_of_the_columns(nights):
    for k in (1, 5, 13):
        by_row = lab.columns_asked.count(layout="rows", columns=k, nights=nights)
        by_column = lab.columns_asked.count(layout="columns", columns=k, nights=nights)
        assert counts.pages_read(by_row) == laws.row_pages(nights, 64)
        widths = [WIDTH_BYTES[name] for name in lab.ASKED[:k]]
        assert abs(counts.pages_read(by_column) - laws.column_pages(nights, *widths)) <= k


def test_what_is_asked_for_is_a_thread_by_row_and_all_by_column():
    row, column = (lab.columns_asked(layout=layout).counters() for layout in LAYOUTS)
    assert row.sum("page_read", "used_bytes") / row.sum("page_read", "size_bytes") == pytest.approx(0.0284, abs=0.0005)
    assert column.sum("page_read", "used_bytes") == column.sum("page_read", "size_bytes")


def test_every_page_of_the_table_is_in_the_picture():
    for layout in LAYOUTS:
        trace = lab.columns_asked(layout=layout, columns=3)
        pages = [(row.fields["file"], row.fields.get("page", row.fields.get("block"))) for row in trace]
        assert len(pages) == len(set(pages)) == {"rows": 243, "columns": 203}[layout]


def test_packed_columns_are_read_in_less_than_a_third():
    plain, packed = (counts.pages_by_columns(13, codec=codec)["by columns"][0][1] for codec in ("plain", "packed"))
    assert packed < plain / 3


# ------------------------------------------------------------------------------------------ 2. one row, all rows
def test_each_layout_has_its_question():
    pages = counts.two_by_two()
    assert pages["one night"]["by rows"] == laws.tree_height(24_000) + 1 == 3
    assert pages["one night"]["by columns"] > 20 * pages["one night"]["by rows"]
    assert pages["every night"]["by rows"] > 20 * pages["every night"]["by columns"]


def test_small_row_groups_are_rows_and_large_ones_are_columns():
    sizes = (120, 512, 2_048, 8_192)
    found = {question: [pages for _, pages, _ in dots] for question, dots in counts.pages_by_group(*sizes).items()}
    assert found["one night"] == sorted(found["one night"])
    assert found["every night"] == sorted(found["every night"], reverse=True)
    assert (found["one night"][0], found["every night"][0]) == (1, 200)
    assert found["one night"][-1] > 20 > found["every night"][-1]
    assert found["one night"][2] == found["every night"][2]  # both cost the same, where the lab lets the reader look


def test_a_row_of_a_row_group_is_fetched_in_one_stretch():
    def ended_us(layout, on):
        return lab.one_or_all(layout=layout, on=on).of("page_read")[-1].time_us

    assert ended_us("row_groups", "hdd") < ended_us("columns", "hdd") / 5


def test_a_column_that_is_searched_for_the_key_was_not_asked_for():
    run = lab.one_or_all(layout="columns")
    keys = [row.fields for row in run.of("page_read") if row.fields["file"] == "00-night_id.0"]
    assert sum(fields["size_bytes"] for fields in keys) > 8 * 8_000
    assert sum(fields["used_bytes"] for fields in keys) == 8


# ------------------------------------------------------------------------------------------ 3. new rows
def test_written_together_a_night_costs_the_law():
    for size, pages, _ in counts.pages_written("columns", 1, 4, 16, 64):
        law = laws.merge_pages_per_row(13, pages_per_chunk=1, merge_rows=int(size))
        assert law <= pages <= 1.5 * law  # now and then a column goes on on its next page
    (_, alone, _), (_, together, _) = counts.pages_written("rows", 1, 64)
    assert alone == pytest.approx(2, abs=0.1)
    assert together < 0.1
    (_, grouped, _), _ = counts.pages_written("row_groups", 1, 64)
    assert grouped == pytest.approx(1, abs=0.1)


def test_a_picture_of_writing_shows_what_is_written_and_counts_it():
    for layout in LAYOUTS:
        run = lab.taking_in(layout=layout)
        assert run.counters().count("page_read") == 0
        assert [row.fields["value"] for row in run.of("gauge")][-1] == run.counters().count("page_write") > 0


# ------------------------------------------------------------------------------------------ 4. some rows
def test_scattered_rows_hit_about_as_many_pages_as_the_law_says_and_neighbours_few():
    for rows, pages, _ in counts.pages_by_people(1, 3, 10):
        assert pages == pytest.approx(laws.pages_hit(200, rows), rel=0.08)
    (rows, pages, _) = counts.pages_by_people(10, by="date_key")[0]
    assert pages < laws.pages_hit(200, rows) / 15
    assert pages == math.ceil(rows / 120)


def test_the_more_people_are_asked_for_the_later_the_index_wins():
    first = [counts.columns_until_the_index_wins(people) for people in (1, 2, 3)]
    assert first == [10, 12, 13]
    for columns in (first[0] - 1, first[0]):
        pages = counts.pages_of_a_question(people=1, columns=columns)
        assert (pages["by row, through the index"] < pages["by column"]) == (columns == first[0])


def test_nine_pages_of_ten_are_needed_for_a_few_nights_of_a_hundred():
    rows = counts.nights_that_need(180)
    (_, before, _), (at, pages, _) = counts.pages_by_people(14, 15)
    assert (rows, before < 180 <= pages) == (at, True)
    assert counts.law_of_nights_that_need(180) < rows < 0.04 * 24_000  # not thrown quite by chance


# ------------------------------------------------------------------------------------------ 5. both at once
@pytest.mark.parametrize("seed", SEEDS)
def test_a_scan_slows_reads_down_unless_the_pool_resists(seed):
    policies = ("lru", "clock", "scan_resistant")
    runs = {policy: lab.interference(seed=seed, policy=policy) for policy in policies}
    calm = median(counts.waits_ms(runs["lru"], from_ms=10, to_ms=30))
    typical = {policy: median(counts.waits_ms(run)) for policy, run in runs.items()}
    assert min(typical["lru"], typical["clock"]) > 5 * calm
    assert typical["scan_resistant"] < 2.5 * calm
    assert counts.slower_in_words(runs["lru"]) == counts.SLOWER[2]
    assert counts.slower_in_words(runs["scan_resistant"]) in counts.SLOWER[:2]


@pytest.mark.parametrize("policy", ["lru", "clock", "scan_resistant"])
def test_no_more_pages_are_in_the_picture_than_there_are_frames(policy):
    inside: set[tuple] = set()
    full, hot = [], []
    run = lab.interference(policy=policy)
    for row in run:
        page = row.fields.get("file"), row.fields.get("page")
        if row.kind == "page_evict":
            inside.remove(page)
        elif row.kind == "page_read":
            assert page in inside or row.fields["source"] == "disk"
            inside.add(page)
            full.append(len(inside) <= 64 + 3)  # a read brings up to three before the next row says who left
        elif row.kind == "gauge" and 40_000 < row.time_us < 55_000:
            assert len(inside) == 64
            hot.append(sum(file == "night.heap" and number < 20 for file, number in inside))
    assert all(full)
    assert (min(hot) > 15) == (policy == "scan_resistant")  # the tenth that the app wants is on the first 20 pages


def test_the_share_that_was_found_in_memory_falls_and_comes_back():
    found = dict(counts.found_in_memory(lab.interference()))
    assert max(found[at] for at in (36, 40, 44)) < 0.75 < min(found[at] for at in (20, 24, 28, 72, 76))


def test_with_room_for_the_whole_table_nobody_suffers():
    run = lab.interference(frames=300)
    assert median(counts.waits_ms(run)) < 0.05
    assert all(lamp.held for lamp in lamps(run))


# ------------------------------------------------------------------------------------------ 6. calls
@pytest.mark.parametrize("vector_rows", [1, 7, 64, 2_048, 100_000])
def test_calls_are_the_law_and_the_answer_is_the_same(vector_rows):
    made, minutes = lab.calls(vector_rows=vector_rows)
    assert made == laws.calls_by_vector(24_000, 2, vector_rows=vector_rows)
    assert minutes == 5 * int(night_columns(0, 24_000)["awakenings"].sum())


# ------------------------------------------------------------------------------------------ what goes wrong
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_power_cut_takes_back_what_was_acknowledged(layout):
    lost = lab.every_power_cut(layout=layout)
    assert len(lost) > 20
    assert sum(lost) == 0
    assert sum(lab.every_power_cut(layout=layout, synced=False)) > 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_what_was_nowhere_but_in_memory_is_lost(layout, seed):
    assert all(lamp.held for lamp in lamps(lab.taking_in(layout=layout, power_cut_after=40, seed=seed)))
    careless = lab.taking_in(layout=layout, power_cut_after=40, synced=False, seed=seed)
    assert careless.counters().count("drop") <= 8
    assert len(lab.taking_in(layout=layout)) > 0


def test_a_power_cut_loses_nights_that_were_acknowledged_in_memory():
    runs = [lab.taking_in(power_cut_after=40, synced=False, seed=seed) for seed in SEEDS]
    assert sum(run.counters().count("drop") for run in runs) > 0


def test_a_flipped_bit_is_named_and_the_other_columns_can_be_read():
    said = lab.after_a_flipped_bit(layout="columns", file="06-minutes_sleep.0", offset=1_000, nights=2_000)
    assert "minutes_sleep" in said.pop("minutes_sleep")
    assert set(said.values()) == {"2,000 rows"}
    by_row = lab.after_a_flipped_bit(layout="rows", file="night.heap", offset=50_000, nights=2_000)
    assert all("night.heap, page 6" in words for words in by_row.values())
    with pytest.raises(BadParameter, match="heap"):
        lab.after_a_flipped_bit(layout="rows", file="night.heap", offset=10**9, nights=2_000)


# ------------------------------------------------------------------------------------------ the witnesses
QUESTIONS = (
    PointRead(17),
    PointRead(17, ("city_id", "note")),
    PointRead(10**9),
    Question((Aggregate("sum", "minutes_sleep"), Aggregate("count", "minutes_sleep")), by="city_id"),
    Question((Aggregate("count"),), by="minutes_sleep"),
    Question((Aggregate("min", "age"), Aggregate("max", "age")), (Between("date_key", 3, 9),)),
    Question((Aggregate("sum", "age"),), (Between("date_key", 900, 999),)),
)


@pytest.mark.parametrize("operation", QUESTIONS, ids=str)
def test_models_engines_and_numpy_give_one_answer(operation):
    nights = 3_000
    with SqliteTable(TABLE, NIGHT, key=KEY) as sqlite, DuckdbTable(TABLE, NIGHT, key=KEY) as duckdb:
        tables = [night_table(layout, nights=nights) for layout in LAYOUTS]
        tables += [fill(sqlite, nights=nights), fill(duckdb, nights=nights)]
        digests = {answer_digest(carry_out(table, operation)) for table in tables}
    assert digests == {answer_digest(answer(operation, dict(night_columns(0, nights)), key=KEY))}


def test_an_insert_is_the_same_everywhere():
    with SqliteTable(TABLE, NIGHT, key=KEY) as sqlite, DuckdbTable(TABLE, NIGHT, key=KEY) as duckdb:
        tables = [night_table(layout, nights=100) for layout in LAYOUTS]
        for table in [*tables, fill(sqlite, nights=100), fill(duckdb, nights=100)]:
            assert carry_out(table, Insert(100, 130)) == [(30,)]
            assert table.get(129) == night_rows(129, 130)[0]


def test_real_flights_give_one_answer_with_their_real_nulls():
    late = Question((Aggregate("sum", "arr_delay"), Aggregate("count", "arr_delay"), Aggregate("count")), by="carrier")
    makers = {layout: lambda recorder, layout=layout: flight_table(layout, recorder=recorder) for layout in LAYOUTS}
    makers["SQLite"] = lambda recorder: fill_flights(SqliteTable("flights", FLIGHT, key="id", recorder=recorder))
    makers["DuckDB"] = lambda recorder: fill_flights(DuckdbTable("flights", FLIGHT, key="id", recorder=recorder))
    told = side_by_side(makers, {"late": late})["late"]
    digest = f"{answer_digest(answer(late, dict(flight_columns()), key='id')):016x}"
    assert [one.digest for one in told.values()] == [digest] * 4
    assert told["rows"].kib == 1_432
    with pytest.raises(BadParameter, match="13"):
        flight_columns(13)


def test_what_is_not_told_is_not_called_zero():
    def make(recorder):
        return fill(DuckdbTable(TABLE, NIGHT, key=KEY, recorder=recorder), nights=500)

    told = side_by_side({"DuckDB": make}, {"one": PointRead(17)})
    assert told["one"]["DuckDB"].kib is None
    assert kib_told(told["one"]) == {}


def test_two_filters_are_refused_and_not_one_of_them_forgotten():
    both = Question((Aggregate("count"),), (Between("age", 1, 9), Between("date_key", 1, 9)))
    with pytest.raises(BadParameter, match="2 filters"):
        carry_out(night_table("rows", nights=100), both)


@pytest.mark.parametrize("bad", [
    {"layout": "diagonals"}, {"columns": 0}, {"columns": 14}, {"codec": "zip"}, {"on": "tape"}, {"nights": 0},
])  # fmt: skip
def test_a_parameter_that_means_nothing_is_refused(bad):
    with pytest.raises(BadParameter):
        lab.columns_asked(**bad)


@pytest.mark.parametrize(
    "scenario", [lab.columns_asked, lab.one_or_all, lab.rows_asked, lab.taking_in, lab.interference], ids=str
)
def test_a_fault_that_can_strike_nothing_here_is_refused_and_not_ignored(scenario):
    with pytest.raises(BadParameter, match="no machine"):
        scenario(faults=[{"do": "crash", "target": "night", "at_s": 0.0}])


def test_a_device_prices_pages_and_reads_ahead():
    trace = Trace()
    priced = Priced(trace, DEVICES["hdd"])
    for page in (0, 1, 2, 9):
        priced.emit(0, "page_read", "t", file="heap", page=page, size_bytes=8192, used_bytes=0, source="disk")
    priced.emit(0, "page_read", "t", file="heap", page=9, size_bytes=8192, used_bytes=0, source="cache")
    byte_us = 8192 / 150
    costs = [8_000 + byte_us, 8_000 + 2 * byte_us, 8_000 + 3 * byte_us, 16_000 + 4 * byte_us, 16_000 + 4 * byte_us]
    assert [row.time_us for row in trace] == [round(cost) for cost in costs]


# ------------------------------------------------------------------------------------------ what the notebook says
def test_the_numbers_that_a_question_begins_with_were_counted():
    asked = " ".join(_predictions())
    one = {layout: counts.pages_read(lab.columns_asked.count(layout=layout)) for layout in LAYOUTS}
    assert f"{one['rows']} pages by row, {one['columns']} by column" in asked
    assert f"by row it is {counts.two_by_two()['one night']['by rows']} pages" in asked
    ((rows, _, _),) = counts.pages_by_people(1)
    assert f"All nights of one person, {rows} of 24,000" in asked
    assert f"24,000 nights on {laws.row_pages(24_000, 64)} pages" in asked
    assert f"that is {lab.calls(vector_rows=1)[0]:,} calls" in asked


def test_the_real_data_are_as_many_flights_as_the_notebook_says():
    assert f"{len(flight_columns()['id']):,} flights left New York" in SOURCE.read_text(encoding="utf-8")


def test_all_that_is_predicted_is_revealed_and_no_two_keys_are_alike():
    keys = [call.args[0].value for call in _calls("predict")]
    assert len(keys) == len(set(keys)) == len(_calls("reveal"))


def _calls(name):
    calls = (node for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return [call for call in calls if name in {getattr(call.func, "id", ""), getattr(call.func, "attr", "")}]


def _predictions():
    return [call.args[1].value for call in _calls("predict")]


# ------------------------------------------------------------------------------------------ the exercises
@pytest.mark.parametrize("task", exercises.TASKS[:3], ids=lambda task: task.name)
def test_the_reference_answer_passes_and_plays(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert all(len(trace) for trace in task.play(task.answer))
    assert len(task.hints) == 3


def without_slots(rows, widths, asked, page_bytes):
    return -(-rows // ((page_bytes - 24) // sum(widths))), exercises.pages_to_read(rows, widths, asked, page_bytes)[1]


def without_header(rows, widths, asked, page_bytes):
    by_column = sum(-(-rows * widths[column] // page_bytes) for column in asked)
    return exercises.pages_to_read(rows, widths, asked, page_bytes)[0], by_column


def as_one_file(rows, widths, asked, page_bytes):
    wide = sum(widths[column] for column in asked)
    return exercises.pages_to_read(rows, widths, asked, page_bytes)[0], -(-rows * wide // (page_bytes - 24))


def whole_values(rows, widths, asked, page_bytes):
    by_column = sum(-(-rows // ((page_bytes - 24) // widths[column])) for column in asked)
    return exercises.pages_to_read(rows, widths, asked, page_bytes)[0], by_column


def all_columns(rows, widths, asked, page_bytes):
    return exercises.pages_to_read(rows, widths, range(len(widths)), page_bytes)


def rounded_down(rows, widths, asked, page_bytes):
    room = page_bytes - 24
    return rows // (room // (sum(widths) + 4)), sum(rows * widths[column] // room for column in asked)


@pytest.mark.parametrize(("wrong", "hint"), [
    (without_slots, "slot"), (without_header, "24"), (as_one_file, "file"), (all_columns, "asked for"),
    (rounded_down, "last page"), (whole_values, "end on the next"),
])  # fmt: skip
def test_the_usual_slips_with_pages_are_named(wrong, hint):
    verdict = find("02/pages_to_read").check(wrong)
    assert not verdict.passed
    assert hint in verdict.saw


@pytest.mark.parametrize("wrong", [lambda *_: 5, lambda *_: (1, 2, 3), lambda *_: (1.5, 2), lambda *_: None])
def test_pages_that_are_no_numbers_are_refused(wrong):
    with pytest.raises(Misuse):
        find("02/pages_to_read").check(wrong)


def test_forgetting_the_column_of_the_filter_is_found():
    def forgetful(nights, rows):
        hit = laws.pages_hit(laws.row_pages(nights, 64), rows)
        fits = (k for k in range(1, 13) if hit < laws.column_pages(nights, *(WIDTH_BYTES[n] for n in lab.ASKED[:k])))
        return next(fits, None)

    verdict = find("02/smallest_k").check(forgetful)
    assert not verdict.passed
    assert "person_id" in verdict.saw


@pytest.mark.parametrize("wrong", [lambda nights, rows: 1, lambda nights, rows: None, lambda nights, rows: 12])
def test_one_answer_for_all_questions_fails(wrong):
    assert not find("02/smallest_k").check(wrong).passed


def test_where_the_exercise_says_that_they_meet_two_stores_that_really_read_agree():
    k = exercises.smallest_k(24_000, 49)
    assert k is not None
    assert abs(k - 10) <= 2  # the law leaves the index's own pages out


def only_the_first_level(profile):
    scans = [one for one in profile["operator"] if one["type"] == "TABLE_SCAN"]
    return (0, 0, 0) if not scans else (0, scans[0]["rows_scanned"], scans[0]["intermediate_rows"])


def only_one_scan(profile):
    one = profile["operator"][0]
    while one["type"] != "TABLE_SCAN":
        one = one["children"][0]
    skipped = one["total_row_groups_to_scan"] - one["row_groups_scanned"]
    return skipped, one["rows_scanned"], one["intermediate_rows"]


@pytest.mark.parametrize("wrong", [only_the_first_level, only_one_scan])
def test_a_plan_is_a_tree_and_may_have_two_scans(wrong):
    verdict = find("02/read_profile").check(wrong)
    assert not verdict.passed


def test_the_profiles_show_what_they_are_to_teach():
    read = {name: exercises.read_profile(json.loads(text)) for name, text in exercises.profiles().items()}
    assert read["one column of every night"] == (0, 400_000, 400_000)
    skipped, scanned, out = read["three days"]
    assert (skipped, out) == (3, 3_000)
    assert scanned < 50_000
    assert read["a filter that no zone map helps"][:2] == (0, 400_000)
