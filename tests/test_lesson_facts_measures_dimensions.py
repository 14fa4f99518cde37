"""What lab 05 claims, over many seeds: cells that are poured, two grains, pages, cubes, moves, sketches, trouble."""
from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.engines.postgres.narrow import heap_pages
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.facts_measures_dimensions import (
    LAYOUTS,
    cells,
    counts,
    fan_trap,
    flights_star,
    moved_nights,
    narrow_tables,
    night_star,
    pages_by_layout,
    pouring,
)
from dsys_lab.scenarios.facts_measures_dimensions.narrow_tables import COLUMN
from dsys_lab.stores.star_schema import Cube, Cuboid, Lattice, Measured
from dsys_lab.trace import Trace, lamps
from dsys_lab.views import charts
from dsys_lab.views.charts import cube as cube_chart
from dsys_lab.workloads.slumber import Slumber

LATTICE = Lattice.of({"a": [1, 2], "b": [1, 1]})
NIGHTS = 12_000


@pytest.fixture(scope="module")
def pages() -> dict[str, int]:
    return pages_by_layout(SqliteTable, nights=NIGHTS)


def test_a_narrow_table_helps_a_row_store_and_is_no_column(pages: dict[str, int]) -> None:
    wide, star, vertical, index, column = (pages[name] for name in (*LAYOUTS, COLUMN))
    assert wide > 4 * star > 4 * vertical > 12 * column, "each step saves; the last is the longest"
    assert vertical / 2 < index < vertical * 1.5, "an index on the value is a narrow table, too"


def test_the_column_has_the_pages_of_its_law(pages: dict[str, int]) -> None:
    assert pages[COLUMN] == pytest.approx(laws.column_pages(NIGHTS, 2.125), abs=2)


def test_no_nights_are_refused() -> None:
    with pytest.raises(BadParameter, match="nights = 0"):
        pages_by_layout(SqliteTable, nights=0)


def test_the_city_of_then_is_the_one_that_the_world_wrote_and_now_differs_after_moves() -> None:
    nights = 40_000
    star, world = night_star(nights), Slumber(nights=nights)
    night, person = world.read("night"), world.read("person")
    assert star.status().facts == nights
    then = star.read("person.city", "city_then")
    assert then["person.city"] == then["city_then"] == world.read("city")["city"][night["city_id"]].tolist()
    last, who = int(night["date_key"].max()), night["person_id"]
    now = np.where(person["move_day"] <= last, person["moved_city_id"], person["city_id"])[who]
    assert moved_nights(star) == int((now != night["city_id"]).sum()) > 0


# ------------------------------------------------------------------------------------------ what is played
@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("how", ["sum", "avg", "median", "median_of_all"])
def test_the_last_cell_says_what_the_facts_say(how: str, seed: int) -> None:
    trace = pouring(how=how, seed=seed, late=bool(seed % 2), spoiled=bool(seed % 3))
    (lamp,) = lamps(trace)
    assert lamp.held
    assert bool(trace.of("lock")) == (how == "median"), "only a median stays shut"
    assert bool(trace.of("pour")) == (how != "median")


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_row_of_the_table_is_a_fact_or_put_aside(seed: int) -> None:
    trace = pouring(seed=seed, spoiled=True)
    given = [row for row in trace.of("fact") if row.place == "the notes' table"]
    loaded = [row for row in trace.of("fact") if row.place == "night"]
    aside = trace.of("quarantined")
    assert (len(given), len(loaded), len(aside)) == (9, 7, 2)
    assert {row.fields["rule"] for row in aside} == {"grain", "bounds"}


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_late_sleeper_moves_a_night_from_unknown_and_no_total(seed: int) -> None:
    late, soon = pouring(seed=seed, late=True), pouring(seed=seed)
    falls = [row.place for row in late.of("fall") if row.message == "7"]
    assert falls[0] == "by city, age/(unknown)"
    assert falls[1] == soon.of("fall")[-1].place
    assert late.of("check")[-1].fields["got"] == soon.of("check")[-1].fields["got"]


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_join_of_two_grains_sums_an_hour_as_often_as_there_are_lines(seed: int) -> None:
    joined, summed = fan_trap(seed=seed, way="joined first"), fan_trap(seed=seed, way="summed first")
    (right,) = summed.of("check")
    (wrong,) = joined.of("check")
    assert right.fields["ok"]
    lines = [int(row.fields["values"].split()[-1]) for row in joined.of("fact") if row.place == "order lines"]
    hours = [float(row.fields["values"].split()[2]) for row in joined.of("fact") if row.place == "nights"]
    assert wrong.fields["got"] == sum(hours[person - 1] for person in lines)
    assert wrong.fields["ok"] == (wrong.fields["got"] == sum(hours))


def test_silence_changes_no_answer() -> None:
    columns = {"city": ["Oslo", "Lima", "Oslo"], "band": ["a", "a", "b"], "hours": [7, 8, 6]}
    trace = Trace()
    loud = Cuboid.of(columns, ("city", "band"), [Measured("avg", "hours")], recorder=trace)
    quiet = Cuboid.of(columns, ("city", "band"), [Measured("avg", "hours")])
    assert loud == quiet
    assert loud.rollup(("city",)) == quiet.rollup(("city",))
    assert [row.place for row in trace.of("fall")] == [
        "by city, band/Oslo a", "by city, band/Lima a", "by city, band/Oslo b"]
    assert [(row.place, row.message) for row in trace.of("pour")] == [
        ("by city/Oslo", "Oslo a"), ("by city/Lima", "Lima a"), ("by city/Oslo", "Oslo b")]


# ------------------------------------------------------------------------------------------ what is counted
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fan_is_as_wide_as_its_law(seed: int) -> None:
    told = counts.fan(3_000, seed=seed)
    assert told["times too large"] == pytest.approx(told["times too large, by law"], rel=1e-12)
    assert told["times too large"] > 2
    assert told["hours, of who bought"] < told["hours, of all"] < told["hours, joined"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_only_states_that_merge_give_the_answer_of_the_facts(seed: int) -> None:
    off = counts.averages(12_000, seed=seed)
    assert off["sum over count, both summed"] == off["least of the least"] == 0
    assert off["average of averages"] > 3
    assert off["median of medians"] > 3


def test_cells_are_fewer_than_there_could_be() -> None:
    columns, sizes = cells.nights_by_column(20_000), counts.cube_sizes(20_000)
    labels = [len(set(columns[name])) for name in cells.DIMENSIONS]
    for dimensions, counted, _ in sizes:
        assert 2**dimensions <= counted <= laws.cube_cells_most(*labels[-int(dimensions) :])
    assert sizes[0][1] == labels[-1] + 1, "one dimension: every label, and all"
    by_nights = counts.cells_by_nights(1_000, 10_000)
    for (_, counted), (_, law) in zip(by_nights["counted"], by_nights["if all were alike"], strict=True):
        assert counted < law, "skewed and correlated nights fill fewer"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_greedy_saves_at_least_its_share_of_the_best(seed: int) -> None:
    lattice = cells.night_lattice(20_000, seed=seed)
    for kept in (1, 2, 3):
        greedy = lattice.cost([one.by for one in lattice.greedy(kept)])
        _, best = counts.best_of_all(lattice, kept)
        assert best <= greedy <= counts.by_chance(lattice, kept, draws=50) <= lattice.cost()
        assert lattice.cost() - greedy >= laws.greedy_share_least(kept) * (lattice.cost() - best)


def test_the_cube_reads_what_the_lattice_says() -> None:
    columns = cells.nights_by_column(5_000)
    lattice = cells.night_lattice(5_000)
    cube = Cube(Cuboid.of(columns, cells.DIMENSIONS, [Measured("sum", "minutes")]))
    kept = [one.by for one in lattice.greedy(3)]
    cube.keep(kept)
    assert sum(cube.answer(by).cells_read for by in lattice.cells) == lattice.cost(kept)


def test_as_many_nights_change_their_city_as_the_world_says() -> None:
    told = counts.then_and_now(24_000)
    assert told["another city"] == counts.before_a_move(24_000) > 30
    most = list(counts.changed_most(told["by city"]).values())
    assert most == sorted(most, reverse=True)
    assert max(abs(one - 1) for one in most) > 10 * told["another city"] / told["nights"], "far more by city"
    assert counts.before_a_move(10_000) / 10_000 < told["another city"] / told["nights"], "every month adds some"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_star_and_its_world_agree_on_moves(seed: int) -> None:
    assert counts.then_and_now(16_000, seed=seed)["another city"] == counts.before_a_move(16_000, seed=seed)


def test_a_sketch_is_as_wrong_as_its_law_and_merges_to_the_same() -> None:
    for registers, error, its_error in counts.distinct_errors(6, 8, rounds=20, values=4_000):
        assert abs(error - laws.hyperloglog_error(int(registers))) < 3 * its_error
    told = counts.merged_distinct(nights=20_000)
    assert told["one sketch of all"] == told["a sketch a city, merged"]
    assert told["sum over the cities"] >= told["sleepers"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_median_of_merged_sketches_is_far_better_than_its_bound(seed: int) -> None:
    off = counts.median_errors(16, 256, nights=10_000, seeds=6, seed=seed)
    typically, worst, most, size = ([value for _, value in points] for points in off.values())
    for place in (0, 1):
        assert 0 < typically[place] < worst[place] < most[place] / 2
    assert typically[0] > 3 * typically[1], "the more it keeps, the nearer"
    assert size[0] < size[1] < 8 * 9_000, "less than all values"


def test_nothing_that_is_spoiled_is_lost_and_every_cuboid_has_the_same_total() -> None:
    for missing, told in counts.spoiled(3_000).items():
        aside = sum(count for name, count in told.items() if name.startswith("put aside"))
        assert told["rows given"] == told["facts"] + aside
        assert told["minutes"] == told["minutes, by city and summed"]
        assert (told["put aside: orphan"] > 0) == (missing == "quarantine") == (told["facts of nobody"] == 0)
        assert told["put aside: bounds"] > 0


def test_details_that_come_late_change_labels_only() -> None:
    before, after = counts.back_filled(3_000).values()
    assert before["facts of nobody"] > 0 == after["facts of nobody"]
    assert before["members inferred"] > 0 == after["members inferred"]
    assert (before["minutes"], before["facts"]) == (after["minutes"], after["facts"])


# ------------------------------------------------------------------------------------------ pictures
@pytest.mark.parametrize("layers", [0, 1, 2])
def test_what_was_poured_is_the_sum_of_its_layers(layers: int) -> None:
    shown = cells.poured("sum", layers, nights=20_000)
    first = sorted({month for _, _, month in shown["cells"]})[:layers]
    for (city, age), (total, count, _) in shown["face"].items():
        parts = [held for (c, a, month), held in shown["cells"].items() if (c, a) == (city, age) and month in first]
        assert total == pytest.approx(sum(held[0] for held in parts))
        assert count == sum(held[1] for held in parts)
    assert f"{layers} of {len(cells.months(20_000))} layers poured" in str(charts.poured_cube(**shown))


def test_a_median_is_shut_unless_nothing_has_to_merge() -> None:
    assert "shut" in str(charts.poured_cube(**cells.poured("median", 1, nights=20_000)))
    alone = cells.poured("median", only="month 01", nights=20_000)
    assert len(alone["face"]) == 9
    assert "only month 01" in str(charts.poured_cube(**alone))


def test_a_lattice_is_drawn_with_its_cost() -> None:
    lattice = cells.night_lattice(5_000)
    kept = [one.by for one in lattice.greedy(2)]
    assert f"{lattice.cost(kept):,} cells read" in str(charts.lattice(lattice.cells, kept=kept))


@pytest.mark.parametrize("more", range(5))
def test_no_line_of_a_lattice_goes_through_another_s_name(more: int) -> None:
    lattice = cells.night_lattice(5_000)
    kept = [lattice.top, *(one.by for one in lattice.greedy(more))]
    places = cube_chart._places(list(lattice.cells))
    for by in lattice.cells:
        source = min((one for one in kept if set(by) <= set(one)), key=lambda one: lattice.cells[one])
        corners = list(zip(*cube_chart._way(by, source, places), strict=True)) if by != source else []
        for (x, y), (u, v) in pairwise(corners):
            for other, (at, here) in places.items():
                beside_name = min(y, v) < here and max(y, v) > here - cube_chart._NAME_HIGH
                if beside_name and other not in (by, source):
                    assert min(abs(x - at), abs(u - at)) >= 0.4, (by, source, other)


@pytest.mark.usefixtures("postgres")
def test_in_postgresql_the_value_alone_still_pays_for_a_whole_row() -> None:
    pages = heap_pages(narrow_tables.by_columns(4_000))
    wide, star, vertical, alone = pages.values()
    assert wide > 2 * star > 2 * vertical > 2 * alone > star
    assert alone == -(-4_000 // (8_168 // 36)), "header 24, a number on eight bytes, a pointer of 4"
    assert vertical == -(-4_000 // (8_168 // 44)), "the key is eight bytes more"


@pytest.mark.parametrize("call", [
    lambda: pouring(how="mean"), lambda: pouring(sleepers=1), lambda: pouring(sleepers=40), lambda: fan_trap(way="?"),
    lambda: fan_trap(people=0), lambda: fan_trap(lines_most=9), lambda: flights_star(13), lambda: counts.fan(0),
    lambda: cells.poured("mean"), lambda: cells.poured(layers=9, nights=5_000), lambda: cells.poured(only="May"),
    lambda: narrow_tables.by_columns(0), lambda: heap_pages({}), lambda: counts.best_of_all(LATTICE, 0),
    lambda: charts.lattice({("a",): 1, (): 1}, kept=[("b",)]),
    lambda: charts.poured_cube({}, {}, names=("a", "b", "c"), how="sum", layers=0),
    lambda: charts.poured_cube({("a", "b", "c"): (1, 1, 1)}, {}, names=("a", "b", "c"), how="sum", layers=2),
], ids=range(17))  # fmt: skip
def test_a_wrong_parameter_is_told(call: Callable[[], object]) -> None:
    with pytest.raises(BadParameter, match="give"):
        call()
