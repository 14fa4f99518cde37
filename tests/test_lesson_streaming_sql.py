"""What lab 18 claims holds for several seeds: of queries, bounds, modes, silence, joins, prices, crashes and clocks."""

from __future__ import annotations

import itertools
import math
import re
from statistics import fmean

import pytest

from dsys_lab import laws
from dsys_lab.dataflows.streaming_sql import Catalog
from dsys_lab.engines.duckdb import DuckdbBatch
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.streaming_sql import (
    ask,
    changes_table,
    counts,
    flights_asked,
    many_runs,
    queries,
    surviving,
    windows,
)
from dsys_lab.scenarios.streaming_sql.beside import beside
from dsys_lab.trace import lamps

SEEDS = (7, 11, 23)
RUNS = {
    "plain": {},
    "early and late": {"early_s": 2.0, "lateness_s": 20.0},
    "sessions": {"kind": "session", "lateness_s": 10.0},
    "differences": {"mode": "discard", "early_s": 3.0},
    "hopping": {"kind": "hopping", "mode": "accumulate", "lateness_s": 9.0},
    "cumulating": {"kind": "cumulating", "bound_s": 0.0},
    "silent, idle": {"silent_from_s": 20.0, "idle_s": 5.0},
    "ahead": {"clock_ahead_s": 60.0, "partitions": 1},
}
TOP = """SELECT window_start, city, n, place FROM (SELECT *, ROW_NUMBER() OVER (
    PARTITION BY window_start, window_end ORDER BY n DESC, city) AS place FROM (
    SELECT window_start, window_end, city, COUNT(*) AS n
    FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end, city))
    WHERE place <= 2"""


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_run_of_windows_keeps_its_invariants_and_ends_as_the_batch(name, seed):
    trace = windows(seed=seed, **RUNS[name])
    assert [lamp.name for lamp in lamps(trace) if not lamp.held] == []
    assert len(trace.of("publish")) == len(trace.of("finish")) + len(trace.of("drop"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_query_misses_what_comes_later_than_its_bound_and_nothing_with_bound_enough(seed):
    for sql in (counts.PER_CITY, TOP):
        hasty, patient = (ask(sql, DuckdbBatch, seed=seed, bound_s=wait, seconds=120) for wait in (2, 900))
        assert not hasty.agrees
        assert hasty.missing
        assert patient.agrees
        assert hasty.by_op().keys() == {"+I"}
    corrected = ask(counts.PER_CITY, DuckdbBatch, seed=seed, bound_s=2, lateness_s=900, seconds=120)
    assert corrected.agrees
    assert corrected.by_op()["-U"] == corrected.by_op()["+U"] > 0


def test_an_answer_can_be_looked_at():
    answer = ask(counts.PER_CITY, DuckdbBatch, seconds=40, bound_s=900)
    assert list(answer.frame().columns) == ["window_start", "window_end", "city", "n"]
    assert answer.frame()["n"].sum() == answer.rows == answer.status.rows
    assert list(answer.changes(3)["op"]) == ["+I"] * 3
    assert set(answer.frame()["window_start"] % 10) == {0}


@pytest.mark.parametrize("seed", SEEDS)
def test_retracting_and_accumulating_end_right_and_differences_only_where_they_can_be_added(seed):
    found = {one.mode: one for one in counts.modes(seed=seed)}
    assert [found[mode].right_counts for mode in ("discard", "accumulate", "retract")] == [1, 1, 1]
    assert found["accumulate"].right_means == found["retract"].right_means == 1 > found["discard"].right_means
    assert found["retract"].taken_back > 0 == found["accumulate"].taken_back
    assert found["retract"].answers == found["accumulate"].answers


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_of_a_kind_cost_what_the_kind_says(seed):
    found = {one.kind: one for one in counts.kinds(seed=seed)}
    assert found["tumbling"].windows_a_ping == 1
    assert found["hopping"].windows_a_ping == 6
    assert found["cumulating"].windows_a_ping == pytest.approx(3.5, abs=0.4)
    assert found["session"].windows_a_ping == 1
    assert found["session"].joined > 0 == found["hopping"].joined


@pytest.mark.parametrize("seed", SEEDS)
def test_a_silent_phone_stops_all_windows_unless_it_is_taken_for_idle(seed):
    never, soon = counts.silence(None, 5.0, seed=seed)
    assert never.answers <= 2
    assert soon.answers >= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_clock_that_is_ahead_drops_the_others_pings_unless_it_is_capped(seed):
    right, wrong = counts.clock_ahead(0, 600, seed=seed)
    assert right[1] < 0.1
    assert wrong[1] > 0.4
    assert counts.clock_ahead(600, seed=seed, cap_s=1.0)[0][1] < 0.1
    assert counts.clock_ahead(600, seed=seed, partitions=2)[0][1] < 0.02


def test_a_join_keeps_what_the_law_says_and_finds_more_the_longer_it_waits():
    for width_s in (5, 20):
        found = [counts.join_state(width_s, seed=seed)[0] for seed in range(5)]
        kept = [one.kept for one in found]
        error = math.sqrt(sum((x - fmean(kept)) ** 2 for x in kept) / 4 / 5)
        assert abs(fmean(kept) - found[0].law) <= 3 * error + 0.02 * found[0].law
        assert fmean(one.found for one in found) == pytest.approx(1 - math.exp(-width_s / 8), abs=0.04)


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_joined_by_arrival_are_wrong_and_by_event_time_never(seed):
    little, much = counts.wrong_prices(1, 10, seed=seed)
    assert 0 < little[1] < much[1]
    assert little[2] == much[2] == 0


@pytest.mark.parametrize("kind", ["plain", "upsert", "two-phase"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_crash_repeats_and_what_it_costs_to_see_it_once(kind, seed):
    found = counts.crashed(kind, 200, seed=seed, seconds=100)
    assert found.replayed < 200
    assert found.lost == 0
    assert (found.delay_s > 1) == (kind == "two-phase")
    if kind != "plain":
        assert found.repeated == 0


def test_replay_and_delay_grow_with_the_distance_of_checkpoints_as_the_laws_say():
    for every in (40, 160):
        found = [counts.crashed("two-phase", every, seed=seed, seconds=120) for seed in range(8)]
        replayed = [one.replayed for one in found]
        error = math.sqrt(sum((x - fmean(replayed)) ** 2 for x in replayed) / 7 / 8)
        assert abs(fmean(replayed) - laws.repeated_after_crash(every)) <= 3 * error
        delays = [one.delay_s for one in found]
        assert fmean(delays) == pytest.approx(laws.two_phase_delay_s(every / 4), rel=0.25)
    assert any(counts.crashed("plain", 200, seed=seed, seconds=100).repeated for seed in range(5))


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_buy_completeness_and_cost_delay(seed):
    for less, more in itertools.pairwise(counts.patience(0, 10, 30, seed=seed)):
        assert less.window_share < more.window_share
        assert less.window_delay_s < more.window_delay_s


@pytest.mark.parametrize("wrong", [
    lambda: windows(kind="square"),
    lambda: windows(partitions=3),
    lambda: windows(rate=1e4),
    lambda: windows(kind="session", lateness_s=5.0, mode="accumulate"),
    lambda: counts.crashed("magic"),
    lambda: ask("SELECT * FROM pings", DuckdbBatch, bound_s=-1),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(BadParameter, match=r"give|INTERVAL"):
        wrong()


def test_real_departures_agree_with_the_batch_when_the_watermark_waits_for_the_latest_of_them():
    hasty, patient = flights_asked.asked(DuckdbBatch, bound_min=60), flights_asked.asked(DuckdbBatch, bound_min=1_500)
    assert hasty.rows == patient.rows == 458 + 291
    assert not hasty.agrees
    assert patient.agrees
    assert flights_asked.asked(DuckdbBatch, bound_min=60, lateness_s=86_400).agrees


@pytest.mark.parametrize("kind", ["plain", "upsert", "two-phase"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_job_that_loses_its_power_reads_again_and_its_rows_are_right_but_in_a_plain_sink(kind, seed):
    dies = {"do": "crash", "target": "job", "on": {"kind": "read", "first": 75}, "lasts_s": 5}
    trace = surviving(seed=seed, kind=kind, faults=[dies])
    firsts = [row.fields["first"] for row in trace.of("read")]
    assert len(firsts) - len(set(firsts)) == 36
    assert lamps(trace)[0].held == (kind != "plain")
    assert lamps(surviving(seed=seed, kind=kind))[0].held


# ------------------------------------------------------------------------------------------ what the notebook says
def test_what_many_runs_count_lies_by_the_laws():
    for bound_s, share, error in many_runs.in_time(0, 10):
        assert laws.on_time_share(10, 60, bound_s) - 3 * error <= share <= laws.on_time_share(10, 60, bound_s) + 0.06
    (_, kept, error), = many_runs.rows_kept(20)  # fmt: skip
    assert abs(kept - many_runs.rows_kept_law(20)) <= 3 * error
    (_, seen_s, error), = many_runs.seen_after_s(100)  # fmt: skip
    assert abs(seen_s - laws.two_phase_delay_s(25)) <= 3 * error + 0.5
    (_, by_arrival, _), (_, by_event, _) = many_runs.wrong_by_arrival(10) + many_runs.wrong_by_event(10)
    assert by_event == 0
    assert by_arrival > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mean_comes_out_right_in_two_modes_and_a_crash_shows_in_one_sink(seed):
    assert [one.mode for one in counts.modes(seed=seed) if one.right_means == 1] == ["accumulate", "retract"]
    crashed = [counts.crashed(kind, seed=seed) for kind in ("plain", "upsert", "two-phase")]
    assert {one.sink for one in crashed if one.repeated} <= {"plain"}
    assert len({one.replayed for one in crashed}) == 1


def test_what_stands_again_after_a_crash_is_counted_of_the_runs_that_are_played():
    dies = [{"do": "crash", "target": "job", "on": {"kind": "read", "first": 75}, "lasts_s": 5}]
    again = counts.stand_again({kind: surviving(kind=kind, faults=dies) for kind in ("plain", "upsert", "two-phase")})
    assert again["plain"] > 0
    assert again["upsert"] == again["two-phase"] == 0


def test_what_people_write_is_refused_by_its_place():
    said = queries.mistakes()
    assert list(said) == list(queries.MISTAKES)
    assert all(re.match(r"SQL, line \d+, column \d+, at ", why) for why in said.values())


def test_an_engine_beside_the_model_is_compared_row_by_row():
    batch = beside(DuckdbBatch, bound_s=900, seconds=30)
    assert set(batch["rows not in both"]) == {0}
    late = beside(DuckdbBatch, bound_s=1, seconds=60)
    assert late["rows not in both"].min() > 0


def test_hours_that_were_counted_wrong_are_named_and_calm_days_need_hours_too():
    answer = flights_asked.asked(DuckdbBatch)
    wrong = flights_asked.apart(answer)
    assert len(wrong) == answer.missing.total() - sum(
        row[:4] in {one[:4] for one in answer.table} for row in answer.missing
    )
    assert (wrong["the query says"].fillna(0) < wrong["the batch says"]).all()
    calm = {"month": 9, "first_day": 17, "last_day": 18}
    for days in ({}, calm):
        shares = [share for _, share in flights_asked.wrong_hours(DuckdbBatch, 60, 480, **days)]
        assert shares[0] > 0.1 > shares[1]


def test_a_job_that_is_played_opens_after_its_crash_and_reads_a_tape():
    dies = {"do": "crash", "target": "job", "on": {"kind": "read", "first": 75}, "lasts_s": 5}
    trace = surviving(kind="plain", faults=[dies])
    [crash] = trace.of("crash")
    assert 0 < trace.header.poster_us - crash.time_us < 6_000_000
    assert [row.fields["offset"] for row in trace.of("append")] == list(range(len(trace.of("publish"))))


def test_what_a_query_says_by_hand_is_a_table_of_seconds() -> None:
    tables = Catalog()
    tables.execute("CREATE TABLE pings (city STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)")
    query = tables.query("SELECT city, ts FROM pings")
    told = changes_table(query, query.on_row(3_000_000, "pings", ("Oslo", 2_000_000)))
    assert [*told.itertuples(name=None)] == [("+I", "Oslo", 2)]
    assert list(changes_table(query, []).index) == ["nothing is said"]
