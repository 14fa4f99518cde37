"""What lab 11 claims holds under many seeds, its laws hold for what was counted, its pictures say what they show."""
from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.column_store import days, distributing, encodings, flown, load, loading, nights, scan, shuffle
from dsys_lab.scenarios.column_store import sorting as order
from dsys_lab.structures.encoding import CHOSEN
from dsys_lab.trace.kinds import KINDS
from dsys_lab.views import charts

GOLDEN = Path(__file__).parent / "golden"
SEEDS = range(1, 4)


# ------------------------------------------------------------------------------------------ 1: order
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("where", order.WHERE)
def test_blocks_are_read_as_the_law_of_strays_says(seed, where):
    for displaced in (0.0, 1e-3, 1e-2):
        law = order.touched_by_law(displaced, where)
        blocks = order.ROWS // order.BLOCK_ROWS
        allowed = 3 * math.sqrt(law * (1 - law) / blocks) + 2 / blocks
        assert abs(order.touched(displaced, where, seed=seed) - law) <= allowed


@pytest.mark.parametrize("seed", SEEDS)
def test_one_stray_in_a_block_kills_pruning_in_the_middle_and_hardly_at_the_end(seed):
    assert order.touched(1e-3, seed=seed) > 10 * order.touched(1e-3, "the recent end", seed=seed)


def test_what_is_drawn_is_what_was_read():
    for displaced in (0.0, 0.01, 0.2):
        told = order.drawn(displaced, 0.5)
        low, high = told["bands"]["moment"]
        for first, last, state in told["columns"]["moment"]:
            meets = last >= low and first < high
            assert (state != "skipped") == meets
            if state == "in vain":
                assert first < low
                assert last >= high
    assert all(state != "in vain" for *_, state in order.drawn(0.0)["columns"]["moment"])


def test_real_lateness_reads_more_than_its_share_and_a_vacuum_ends_it():
    came, swept = order.as_they_arrived(), order.as_they_arrived(vacuumed=True)
    assert came["rows asked for"] == swept["rows asked for"]
    assert came["blocks read"] > 3 * came["rows asked for"]
    assert swept["blocks read"] < came["rows asked for"] + 2 * 250 / 100_000 + 1e-9


def test_a_table_has_one_order():
    told = order.three_orders()
    for sorted_by, cheap, dear in (("by date", "a day", "a person"), ("by person", "a person", "a day")):
        one = told[sorted_by]
        assert one[f"{cheap}: blocks read"] < 0.3 * one[f"{cheap}: of"]
        assert one[f"{dear}: blocks read"] > 0.8 * one[f"{dear}: of"]
    assert told["shuffled"]["date_key: bytes"] > 30 * told["by date"]["date_key: bytes"]


# ------------------------------------------------------------------------------------------ 3: encodings
def test_the_laws_of_runs_and_bits_hold_for_the_blocks():
    for column in encodings.COLUMNS:
        law, counted = encodings.by_law(column), encodings.table()[column]
        assert counted["run_length"] == pytest.approx(law["run_length"], rel=0.05, abs=200)
        assert counted["frame"] <= law["frame"] * 1.11 + 100, "blocks of a climbing column need fewer bits each"


def test_what_is_chosen_by_block_is_never_far_from_the_smallest():
    for one in encodings.winners().values():
        assert one["chosen by block"] <= 1.05 * one["bytes"]
    kinds = {one["smallest"] for one in encodings.winners().values()}
    assert len(kinds) >= 3
    assert kinds <= {codec.name for codec in CHOSEN}


# ------------------------------------------------------------------------------------------ 4, 5: what travels
@pytest.mark.parametrize("nodes", [3, 5])
def test_bytes_travel_as_the_laws_say(nodes):
    told = distributing.joins(nodes, nights=20_000)
    assert [one["label"] for one in told.values()] == [
        "DS_DIST_NONE", "DS_DIST_ALL_NONE", "DS_DIST_INNER", "DS_BCAST_INNER", "DS_DIST_BOTH",
    ]  # fmt: skip
    for way, one in told.items():
        exact = way in {"both by person", "people on every node", "both in turn"}
        assert one["bytes"] == pytest.approx(one["by law"], rel=0 if exact else 0.06)


def test_a_skewed_key_makes_all_wait_and_more_slices_do_not_help():
    for slices in (4, 16, 64):
        assert distributing.skew("city_id", slices) >= max(1.0, 0.95 * slices * distributing.largest_share("city_id"))
        assert distributing.skew("night_id", slices) < 1.2
    assert distributing.skew("city_id", 64) > 3 * distributing.skew("city_id", 16) > 3 * 2


def test_what_the_questions_of_the_lab_say_is_so():
    assert len(nights.small_tables(distributing.NIGHTS)["person"][1]["person_id"]) == 1_260
    assert len(nights.small_tables(distributing.NIGHTS)["city"][1]["city_id"]) == 50
    assert 0.17 < distributing.largest_share("city_id") < 0.23
    assert sum(column.type != "text" for column in nights.NIGHT.columns) == 12
    days_there = nights.night_columns(nights.NIGHTS)["date_key"]
    assert days_there.min() < 60 < days_there.max()


def test_old_counts_send_more_and_answer_the_same():
    old, new = distributing.stale().values()
    assert old["bytes"] / new["bytes"] == pytest.approx(distributing.stale_by_law(), rel=0.02)
    assert old["answer"] == new["answer"]
    assert (old["label"], new["label"]) == ("DS_BCAST_INNER", "DS_DIST_BOTH")
    assert old["bytes"] > new["bytes"]


# ------------------------------------------------------------------------------------------ 6, 7: tiny tables, loads
@pytest.mark.parametrize(("slices", "unsorted"), [(4, True), (4, False), (2, True)])
def test_a_tiny_table_takes_what_the_law_says(slices, unsorted):
    told = loading.tiny(slices=slices, unsorted_too=unsorted)
    assert told["MiB on disk"] == told["by law"] > 1_000 * told["MiB of values in them"]


def test_a_row_at_a_time_writes_a_block_of_every_column():
    one, all_ = loading.one_by_one().values()
    assert one["a row"] == len(nights.NIGHT.columns) + 3
    assert all_["a row"] < one["a row"] / 8


def test_rows_that_come_at_once_share_the_blocks_as_the_law_says():
    for at_once, blocks, _ in loading.blocks_a_row(1, 2, 4, 8, 20, 40):
        assert blocks == pytest.approx(loading.insert_by_law(at_once))


@pytest.mark.parametrize("files", [1, 4, 5, 8, 9])
def test_files_that_are_no_multiple_of_the_slices_idle_some(files):
    told = loading.files(files)
    assert told["rounds"] == told["by law"]
    assert (told["slices idle in the last round"] == 0) == (files % 4 == 0)


def test_late_rows_cost_blocks_until_a_vacuum_and_a_vacuum_costs_more_at_once():
    never, weekly = loading.late_days(0.01), loading.late_days(0.01, vacuum_every=7)
    blocks = [sum(value for _, value in told["blocks read"]) for told in (never, weekly)]
    assert blocks[0] > blocks[1]
    assert never["unsorted"][-1][1] > 0.8
    assert weekly["unsorted"][27][1] == 0
    assert weekly["blocks of vacuums"][-1][1] > blocks[0] - blocks[1]
    assert loading.late_days(0.0, 14)["unsorted"][-1][1] == 0


@pytest.mark.parametrize("late", [0.0, 0.002, 0.01, 0.2])
def test_rows_are_unsorted_as_the_law_says(late):
    counted = []
    for seed in range(20):
        lab = loading._table()
        for one in loading.daily_loads(10, late, rows=100, seed=seed):
            lab.copy("night", [one])
        status = lab.status().tables["night"]
        counted.append(status.unsorted_rows / status.rows)
    error = 3 * stdev(counted) / math.sqrt(len(counted))
    assert abs(fmean(counted) - loading.unsorted_by_law(late, 10, rows=100)) <= error + 1e-9


def test_a_load_that_comes_twice_counts_twice_unless_it_is_merged():
    once, twice, merged = loading.twice().values()
    assert twice["nights"] == once["nights"] + 500
    assert merged == once


def test_a_load_that_is_cut_off_is_seen_whole_or_not_at_all():
    told = loading.cuts()
    assert told["some"] == 0 < told["nothing"]
    assert told["whole"] == 1
    assert told["rows left in the blocks"] > 0


def test_a_lost_slice_fetches_what_it_is_asked_for_and_without_storage_says_so():
    kept, gone = loading.lost(), loading.lost(kept=False)
    assert 0 < kept["a day: bytes fetched"] < kept["bytes of the table"] / 4
    assert kept["a day again: bytes fetched"] == 0
    assert all(kept[f"{name}: same answer"] for name in ("a day", "a day again", "all days"))
    assert "is lost with its slice" in gone["a day"]


def test_no_order_no_place_and_no_encoding_changes_a_sum():
    assert len(loading.sums_are_the_same(nights=4_000)) == 1


# ------------------------------------------------------------------------------------------ to be played
@pytest.mark.parametrize("asked", ["a day", "a person"])
def test_a_scan_shows_every_block_once_and_its_order_decides(asked):
    read = {}
    for how in nights.ORDERS:
        trace = scan(order=how, asked=asked)
        seen = [(row.place, row.fields["file"], row.fields.get("page", row.fields.get("block")))
                for kind in ("page_read", "block_skip") for row in trace.of(kind)]  # fmt: skip
        assert len(seen) == len({*seen})
        read[how] = len(trace.of("page_read"))
    assert read["by date" if asked == "a day" else "by person"] == min(read.values())
    assert read["shuffled"] > 4 * min(read.values())


@pytest.mark.parametrize("slices", [1, 3])
@pytest.mark.parametrize("how", nights.ORDERS)
def test_a_scan_says_of_its_blocks_what_was_asked_for(how, slices):
    asked_for = 0
    for row in scan(order=how, slices=slices).of("page_read"):
        assert 0 <= row.fields["used_bytes"] <= row.fields["size_bytes"] == 1_024
        asked_for += row.fields["used_bytes"] if row.fields["file"].startswith("date_key") else 0
    dates = nights.in_order(how, nights=10_000)["date_key"]
    assert asked_for == 2 * int((dates == int(np.median(dates))).sum()), "two bytes for each night of the day"


def test_a_picture_opens_where_some_have_done_and_some_work():
    for trace in (shuffle(way="nights by city"), load()):
        until = [row for row in trace if row.time_us <= trace.header.poster_us]
        started, done = (sum(row.kind == kind for row in until) for kind in ("start", "finish"))
        assert started
        assert done
        assert trace.header.poster_us < trace.header.end_us


@pytest.mark.parametrize("way", distributing.WAYS)
def test_all_slices_answer_and_the_fullest_comes_last(way):
    trace = shuffle(way=way)
    assert all(row.fields["ok"] for row in trace.of("check"))
    starts = {row.place: row.time_us for row in trace.of("start")}
    work = {row.place: row.fields["rows"] for row in trace.of("start")}
    assert sorted(work.values()) == sorted(distributing.drawn(way)["rows"])
    sent = {row.place: row.time_us for row in trace.of("send") if row.place in starts and row.fields["to"] == "leader"}
    for place, value in work.items():
        assert sent[place] - starts[place] == pytest.approx(1e6 * value / distributing.ROWS_A_S, abs=2)
    travels = [row for row in trace.of("send") if row.fields["type"].endswith("bytes")]
    assert bool(travels) == bool(distributing.drawn(way)["arcs"])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_load_waits_for_its_last_file(seed):
    even, odd = load(files=4, seed=seed), load(files=5, seed=seed)
    assert all(row.fields["ok"] for trace in (even, odd) for row in trace.of("check"))
    assert [row.time_us for row in odd.of("transaction_commit")] == [odd.of("finish")[-1].time_us]
    assert odd.header.end_us > 1.3 * even.header.end_us


def test_the_days_show_what_is_written_and_what_is_read():
    late, none = days(late=0.05), days(late=0.0)
    assert {row.fields["file"] for row in none.of("page_write")} == {"in order"}
    assert "came late, unsorted" in {row.fields["file"] for row in late.of("page_write")}
    swept = days(late=0.05, vacuum="after twelve days")
    assert late.of("gauge")[-1].fields["value"] > swept.of("gauge")[-1].fields["value"]


@pytest.mark.parametrize("vacuum", loading.VACUUMS)
def test_the_days_say_of_their_blocks_what_was_asked_for(vacuum):
    trace = days(late=0.05, vacuum=vacuum, rows=300, seed=2)
    loads = [one["date_key"] for one in loading.daily_loads(12, 0.05, rows=300, seed=2)]
    wanted = [sum(int((load == 7 + day).sum()) for load in loads[:day]) for day in range(1, 13)]
    asked_for, told = 0, []
    for row in trace:
        asked_for += row.fields["used_bytes"] if row.kind == "page_read" else 0
        if row.kind == "gauge":
            told.append(asked_for // 2)
            asked_for = 0
    assert told == wanted


def test_the_story_of_a_load_reads_as_a_lesson():
    told = "\n".join(_line(row) for row in load(files=3, slices=2, nights=400, seed=3)) + "\n"
    golden = GOLDEN / "column_store_load.txt"
    if not golden.exists():
        golden.write_text(told, encoding="utf-8")
        pytest.fail(f"{golden.name} was not there: it is written now; read it")
    assert told == golden.read_text(encoding="utf-8")


def _line(row):
    words = KINDS[row.kind].sentence.format(place=row.place, message=row.message, **row.fields)
    return f"{row.time_us / 1000:6.0f} ms  {words}"


# ------------------------------------------------------------------------------------------ on real data
def test_flights_lie_by_day_in_their_file_and_a_plane_is_everywhere():
    day, plane = zip(*(one.values() for one in flown.orders().values()), strict=True)
    assert day[0] < 0.1
    assert plane[0] > 0.9
    assert day[2] > 0.9
    assert plane[2] < 0.1


def test_an_airline_is_no_key_and_flights_join_planes_where_they_lie():
    carrier, plane = flown.carriers().values()
    assert carrier["different"] == 16
    assert carrier["empty slices"] > plane["empty slices"] == 0
    assert carrier["times the mean"] > 2 * plane["times the mean"]
    joins = flown.joins(2)
    assert len({one["answer"] for one in joins.values()}) == 1
    assert [one["bytes"] > 0 for one in joins.values()] == [False, False, True]


# ------------------------------------------------------------------------------------------ misuse, and pictures
@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: scan(order="by luck"), "by date"), (lambda: scan(asked="all"), "a day, a person"),
        (lambda: scan(slices=9), "slices = 9"), (lambda: shuffle(way="x"), "both by person"),
        (lambda: shuffle(nodes=9), "nodes = 9"), (lambda: load(files=99), "files = 99"),
        (lambda: load(files=0), "files"), (lambda: days(days=99), "days = 99"), (lambda: days(late=2.0), "late"),
        (lambda: days(vacuum="x"), "never, every day"), (lambda: nights.night_columns(3), "nights = 3"),
        (lambda: order.touched(0.1, "the end"), "the middle"), (lambda: order.touched(2.0), "displaced"),
        (lambda: order.drawn(blocks=500), "blocks = 500"), (lambda: order.drawn(middle=3), "middle"),
        (lambda: order.ordered_tiles("x"), "by date"), (lambda: distributing.skew("age", 4), "night_id"),
        (lambda: loading.files(0), "files = 0"),
        (lambda: charts.zone_maps({}), "give a column"), (lambda: charts.zone_maps({"a": []}), "column 'a'"),
        (lambda: charts.zone_maps({"a": [(2, 1, "read")]}), "column 'a'"),
        (lambda: charts.zone_maps({"a": [(1, 2, "seen")]}), "in vain"),
        (lambda: charts.slice_lanes([], {}, slices_a_node=1), "whole nodes"),
        (lambda: charts.slice_lanes([1, 2, 3], {}, slices_a_node=2), "whole nodes"),
        (lambda: charts.slice_lanes([1, 2], {(0, 5): 1}, slices_a_node=1), "nodes from 0 to 1"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_told(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


def test_pictures_say_what_they_show():
    told = order.drawn(0.02, 0.5)
    chart = charts.zone_maps(**told)
    states = [state for *_, state in told["columns"]["moment"]]
    assert f"{states.count('in vain')} in vain" in chart.summary
    assert chart.png != charts.zone_maps(**order.drawn(0.0, 0.5)).png
    lanes = charts.slice_lanes([10, 30], {(0, 1): 500, (1, 0): 0}, slices_a_node=1)
    assert "500 bytes between 2 nodes" in lanes.alt
    assert lanes.summary.splitlines()[-1] == "rows a slice: 10, 30; mean 20"
    assert laws.straggler_ratio([10, 30]) == 1.5
