"""Lab 08: what its notebook says holds for every seed that is tried; its exercises know right from almost right."""

from __future__ import annotations

import itertools
import math
from statistics import mean, stdev

import pandas as pd
import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises import find
from dsys_lab.lessons.exercises import relational as exercises
from dsys_lab.scenarios.relational import log, restart
from dsys_lab.scenarios.relational import people as lab
from dsys_lab.stores.relational import LEVELS
from dsys_lab.trace import Trace, lamps
from dsys_lab.views import charts
from dsys_lab.workloads import anomalies

SEEDS = range(1, 7)


# ------------------------------------------------------------------------------------------ 1. versions
def test_a_snapshot_sees_one_version_of_each_row_and_readers_never_wait() -> None:
    for level in LEVELS[1:]:
        trace = lab.versions(level=level)
        told = str(charts.version_chains(trace)).splitlines()
        looks = [line for line in told if " looks at " in line]
        assert len(looks) == len(trace.of("snapshot"))
        assert all(line.count("north = ") == line.count("south = ") == 1 for line in looks)
        assert not trace.of("must_wait")


def test_the_picture_says_of_each_version_what_became_of_it() -> None:
    told = str(charts.version_chains(lab.versions()))
    assert "north = 9: made at 9 ms, came to nothing" in told
    assert "north = 2: made at 0 ms, the latest until 7 ms" in told
    assert "dan looks at 12 ms: north = 5, south = 7" in told
    with pytest.raises(BadParameter, match="no row of the trace makes a version"):
        charts.version_chains(Trace())


def test_at_repeatable_read_ada_takes_one_snapshot_and_at_read_committed_one_a_statement() -> None:
    counts = {level: len(lab.versions(level=level).of("snapshot", place="ada")) for level in LEVELS[1:]}
    assert counts == {"read committed": 4, "repeatable read": 2, "serializable": 2}


# ------------------------------------------------------------------------------------------ 2. accidents
@pytest.mark.parametrize("name", anomalies.names())
@pytest.mark.parametrize("level", LEVELS)
def test_an_accident_happens_where_the_law_allows_it_and_its_lamp_is_red_there(name: str, level: str) -> None:
    trace = lab.accident(script=name, level=level)
    (lamp,) = lamps(trace)
    assert lamp.held is not laws.is_allowed(name, level)
    assert (lab.how_it_ends(name, level) == "it goes wrong") is laws.is_allowed(name, level)


def test_a_statement_stays_with_its_person_until_it_is_answered() -> None:
    trace = lab.accident(script="lost_update", level="read committed")
    (waits,) = trace.of("must_wait")
    said = [row for row in trace.of("says", place="ben") if row.seq < waits.seq][-1]
    told = next(row for row in trace.of("hears", place="ben") if row.message == said.message)
    committed = trace.of("transaction_commit", place="ada")[0]
    assert said.seq < waits.seq < committed.seq < told.seq


def test_in_the_grid_nine_cells_go_wrong_and_each_level_takes_some_away() -> None:
    cells = pd.DataFrame(lab.verdicts())
    wrong = [(cells[level] == "it goes wrong").sum() for level in LEVELS]
    assert wrong == [4, 4, 1, 0]
    assert sum(wrong) == sum(map(len, laws.ALLOWED.values()))


@pytest.mark.parametrize("writers", [1, 2, 5, 12])
def test_beginning_anew_costs_what_the_law_says_and_one_statement_costs_one_attempt(writers: int) -> None:
    assert lab.attempts(writers) == laws.attempts_first_wins(writers)
    assert lab.attempts(writers, how="in one statement") == writers


# ------------------------------------------------------------------------------------------ 3. a long report
@pytest.mark.parametrize("seed", SEEDS)
def test_an_open_report_keeps_what_dies_and_without_it_a_sweep_takes_all(seed: int) -> None:
    held, free = (lab.dead_at_most(report=report, seed=seed) for report in (True, False))
    assert free == 4, "what has died since the last sweep of five"
    assert 0.6 * 60 <= held <= 0.6 * 60 + 5
    after = [dead for sale, dead in lab.dead_over_time(report=True, seed=seed) if sale >= 46]
    assert max(after) == 4, "as soon as it is closed the next sweep takes all of it"


@pytest.mark.parametrize("sweep_every", [1, 3, 20])
def test_sweeping_more_often_does_not_help_while_the_report_is_open(sweep_every: int) -> None:
    assert lab.dead_at_most(sweep_every=sweep_every) >= 0.6 * 60 - 2


def test_a_table_that_is_never_swept_has_the_pages_of_the_law() -> None:
    shop = lab.database()
    seller = lab.stocked(shop, 50, "n" * 200)
    for _ in range(12):
        seller.execute("UPDATE stock SET left_over = left_over - 1")
    version_bytes = 16 + 4 + 4 + 200  # the stamp, two numbers, the note
    assert shop.status().tables["stock"].pages == laws.bloated_pages(50, 600, version_bytes)


# ------------------------------------------------------------------------------------------ 4. the log
def test_the_shape_that_the_notebook_names() -> None:
    assert log.stock_shape().heap_pages == 53


def test_whole_pages_in_the_log_are_what_the_law_says_within_three_standard_errors() -> None:
    updates = (10, 50, 100, 300)
    runs = [log.log_growth(*updates, seed=seed) for seed in SEEDS]
    for place, (number, law) in enumerate(log.law_of_images(*updates)):
        counted = [run[place].images for run in runs]
        error = max(stdev(counted) / math.sqrt(len(counted)), 0.5)
        assert abs(mean(counted) - law) <= 3 * error + 1, (number, counted, law)  # 1: a page that begins or not


def test_the_log_bends_for_its_images_and_goes_straight_for_its_records() -> None:
    first, second = log.log_growth(100, 200)
    assert first.images > 3 * (second.images - first.images)
    assert second.record_bytes == pytest.approx(2 * first.record_bytes, rel=0.05)
    with pytest.raises(BadParameter, match="in order"):
        log.log_growth(5, 3)


def test_six_times_the_log_is_less_than_two_mirrors_of_the_pages() -> None:
    sent = log.shipped()
    assert 2 < sent["pages, to two mirrors"] / sent["the log alone, to six copies"] < 50


def test_narrow_rows_share_a_page_and_a_page_leaves_once_for_many_of_them() -> None:
    sent = [log.shipped(note_chars=chars) for chars in (0, 400, 1_000)]
    times = [one["pages, to two mirrors"] / one["the log alone, to six copies"] for one in sent]
    assert 1 < times[0] < times[1] < times[2]
    with pytest.raises(BadParameter, match="note_chars"):
        log.shipped(note_chars=-1)


# ------------------------------------------------------------------------------------------ 5. the power
@pytest.mark.parametrize("seed", [1, 2])
def test_after_every_power_cut_the_committed_is_there_and_nothing_is_half_there(seed: int) -> None:
    cuts = log.power_cuts(moves=6, seed=seed)
    assert all(cut.opened and cut.lost == cut.half == 0 for cut in cuts)
    assert max(cut.committed for cut in cuts) == 6


def test_a_commit_that_does_not_wait_loses_the_last_ones_and_never_a_half() -> None:
    cuts = log.power_cuts(moves=6, synced=False)
    assert sum(cut.lost for cut in cuts) > 0
    assert all(cut.opened and not cut.half for cut in cuts)


def test_without_whole_pages_a_torn_one_is_found_and_the_database_does_not_open() -> None:
    cuts = log.power_cuts(moves=9, full_page_images=False)
    refused = [cut for cut in cuts if not cut.opened]
    assert refused
    assert all("checksum" in cut.said for cut in refused)
    assert all(cut.lost == cut.half == 0 for cut in cuts if cut.opened), "and what it opens is right"


# ------------------------------------------------------------------------------------------ the laws
def test_the_laws_of_the_log_at_their_ends() -> None:
    shape = {"heap_pages": 50, "index_pages": 3, "versions_a_page": 19}
    assert laws.images_after_checkpoint(0, **shape) == 0
    assert laws.images_after_checkpoint(1, **shape) == pytest.approx(4)
    assert laws.images_after_checkpoint(10_000, **shape) == pytest.approx(50 + math.ceil(10_000 / 19) + 3 + 1)
    assert laws.page_ship_bytes(1, 100) == 2 * (2 * 8_192 + 100)
    assert laws.log_ship_bytes(100) == 600
    assert laws.replay_s(1e6, bytes_a_s=1e5) == 10
    for wrong in (
        lambda: laws.replay_s(1, bytes_a_s=0), lambda: laws.log_ship_bytes(-1), lambda: laws.is_allowed("x", LEVELS[0]),
        lambda: laws.is_allowed("phantom", "snapshot"), lambda: laws.attempts_first_wins(0),
    ):  # fmt: skip
        with pytest.raises(BadParameter):
            wrong()


# ------------------------------------------------------------------------------------------ exercises
@pytest.mark.parametrize("task", exercises.TASKS[:3], ids=lambda task: task.name)
def test_a_reference_answer_passes_and_is_played(task: exercises.Exercise) -> None:
    assert find(task.key) is task
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert all(len(trace) for trace in task.play(task.answer))


@pytest.mark.parametrize(("answer", "saw"), [
    (lambda zones, more: (2 * zones, zones + 1, zones),
     "1 zone, 0 machines more: you said (2, 2, 1). There is no such number: without its one zone nothing is left."),
    (lambda zones, more: exercises.least_copies(zones, 0), "a read needs"),
    (lambda zones, more: (3, 2, 2) if zones >= 3 else None, "a read needs 2"),
    (lambda zones, more: (6, 3, 4) if zones >= 3 else None, "two writes can miss each other"),
    (lambda zones, more: (6, 4, 2) if zones >= 3 else None, "can miss the latest write"),
    (lambda zones, more: (6, 4, 3) if zones >= 3 else None, "3 copies are enough"),
])
def test_almost_right_copies_are_told_what_was_lost(answer: object, saw: str) -> None:
    verdict = exercises.check_least_copies(answer)  # type: ignore[arg-type]
    assert not verdict.passed
    assert saw in verdict.saw


@pytest.mark.parametrize("said", [7, (6, 4), (6, 4, 3.5), (99, 50, 50), (6, 7, 3), "643"])
def test_what_are_no_copies_is_refused(said: object) -> None:
    with pytest.raises(Misuse, match=r"give three|at most"):
        exercises.check_least_copies(lambda zones, more: said)


def test_the_classic_answer_is_among_them() -> None:
    assert exercises.least_copies(3, 1) == (6, 4, 3)
    assert exercises.least_copies(2, 0) is None


@pytest.mark.parametrize(("answer", "saw"), [
    (lambda accident, level: accident == "write_skew", "read_skew at read uncommitted: it happens"),
    (lambda accident, level: level != "serializable" and accident != "dirty_read", "at repeatable read"),
    (lambda accident, level: laws.is_allowed(accident, level) or (accident, level) == ("lost_update", LEVELS[2]),
     "ben was let down"),
    (lambda accident, level: level in LEVELS[:2], "Cells that you have wrong besides: 2."),
])
def test_a_wrong_cell_of_the_grid_is_told_by_its_run(answer: object, saw: str) -> None:
    verdict = exercises.check_happens(answer)  # type: ignore[arg-type]
    assert not verdict.passed
    assert saw in verdict.saw
    with pytest.raises(Misuse, match="True or False"):
        exercises.check_happens(lambda accident, level: 1)


def _highest_seen(groups: dict[str, list[exercises.Segment]]) -> int:
    return max(exercises._seen(groups), default=0)


def _without_holes_ignored(groups: dict[str, list[exercises.Segment]]) -> int | None:
    seen, point = exercises._seen(groups), 0
    ends = {r for segments in groups.values() for segment in segments or () for r, _, e in segment or () if e}
    while point + 1 in seen:
        point += 1
    return max((one for one in ends if one <= point), default=0)


def _never_refuses(groups: dict[str, list[exercises.Segment]]) -> int | None:
    filled = {name: [segment or [] for segment in segments] for name, segments in groups.items()}
    return exercises.recovery_point(filled)  # type: ignore[arg-type]


@pytest.mark.parametrize(("answer", "saw"), [
    (_highest_seen, "is there, but one before it is not"), (_never_refuses, "fewer than 3 answers"),
    (lambda groups: None, "are enough"), (lambda groups: 0, "acknowledged"),
    (_without_holes_ignored, "hole"),
])
def test_a_wrong_end_of_the_log_is_told_by_its_case(answer: object, saw: str) -> None:
    verdict = exercises.check_recovery_point(answer)  # type: ignore[arg-type]
    assert not verdict.passed
    assert saw in verdict.saw
    with pytest.raises(Misuse, match="the number of a record"):
        exercises.check_recovery_point(lambda groups: "three")


def test_the_example_of_the_recovery_point() -> None:
    whole: exercises.Segment = [(1, 0, True), (2, 1, False)]
    assert exercises.recovery_point({"a": [whole, whole, whole, None, None, None]}) == 1
    assert exercises.recovery_point({"a": [whole, whole, None, None, None, None]}) is None


# ------------------------------------------------------------------------------------------ the power goes
@pytest.mark.parametrize("seed", range(2))
def test_a_restart_replays_all_since_the_checkpoint_and_a_volume_only_what_no_page_has_yet(seed: int) -> None:
    updates = (1, 20, 75, 160)
    machine, segments = restart.restarts(*updates, seed=seed), restart.volume_restarts(*updates, seed=seed)
    assert [one.records for one in machine] == [laws.records_to_replay(number) for number in updates]
    assert all(a.log_bytes < b.log_bytes for a, b in itertools.pairwise(machine))
    assert all(0 < one.records <= 50 for one in segments)
    assert [one.records for one in segments][:2] == [1, 20], "nothing was made into pages yet"
    assert segments[-1].log_bytes < machine[-1].log_bytes / 50


def test_a_restart_costs_an_access_for_the_log_and_one_for_each_page() -> None:
    one = restart.Restart(updates=1, records=2, log_bytes=1_500_000, pages=3)
    assert one.seconds("hdd") == pytest.approx(0.008 + 0.010 + 3 * 0.008 + 3 * 8_192 / 150e6)
    assert restart.Restart(1, 0, 0).seconds() == 0
    for wrong in ((), (0, 1), (5, 5), (7, 3)):
        with pytest.raises(BadParameter, match="give some numbers from 1 on, in order"):
            restart.volume_restarts(*wrong)


# ------------------------------------------------------------------------------------------ the picture of an accident
def test_the_picture_of_a_lost_update_says_who_read_what_and_whose_write_is_lost() -> None:
    old, hers, his = "products before/pillow, 10", *(f"products after/pillow, 9 by {who}" for who in ("ada", "ben"))
    lost, saved = (lab.accident(script="lost_update", level=level) for level in LEVELS[1:3])
    for trace in (lost, saved):
        assert [(row.place, row.fields["to"]) for row in trace.of("send")] == [
            (old, "ada"), (old, "ben"), ("ada", hers), *([("ben", his)] if trace is lost else [])
        ]
    (gone,) = lost.of("drop")
    assert (gone.place, gone.fields["why"]) == (hers, "ben wrote over it without having seen it")
    assert len(lost.of("must_wait")) == 1
    assert len(saved.of("drop")) == 0
    assert [row.place for row in saved.of("let_down")] == ["ben"]
    assert [(row.place, row.fields["source"]) for row in saved.of("answered")] == [("ben", old)]


@pytest.mark.parametrize("script", ["write_skew", "read_skew", "phantom", "dirty_read"])
def test_in_no_other_accident_is_a_write_lost(script: str) -> None:
    for level in LEVELS:
        assert len(lab.accident(script=script, level=level).of("drop")) == 0


def test_who_comes_to_nothing_leaves_no_version_in_the_picture() -> None:
    skewed, saved = (lab.accident(script="write_skew", level=level) for level in ("repeatable read", "serializable"))
    assert not skewed.of("rolled_back"), "both have committed"
    assert [(row.place, row.fields["by"]) for row in saved.of("rolled_back")] == [("nurses after/Ben, 0 by ben", "ben")]
