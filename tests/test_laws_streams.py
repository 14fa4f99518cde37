"""The laws of streams: each against its figure, its domain, and what the rooms count."""

from __future__ import annotations

import math
from random import Random

import pytest

from dsys_lab import laws
from dsys_lab.dataflows.batch import COUNT, DISTINCT, BatchJob, Record, sessions
from dsys_lab.dataflows.streaming_sql import Catalog
from dsys_lab.dataflows.windows import Cumulating, Emission, Hopping, Tumbling, WindowedStream
from dsys_lab.errors import BadParameter

S = 1_000_000
ZIPF = [1 / rank for rank in range(1, 201)]


@pytest.mark.parametrize(("law", "figure"), [
    (lambda: laws.least_period_s(50, 0.1, 0.01), 0.2),
    (lambda: laws.least_period_s(50, 0, 0.01), 0),
    (lambda: laws.batch_delay_s(0.5, 50, 0.1, 0.01), 0.6),
    (lambda: laws.batch_delay_s(1, 50, 0.1, 0.01), 1.1),
    (lambda: laws.machine_s_per_record(1, 50, 0.1, 0.01), 0.012),
    (lambda: laws.cut_share(30, 60), 0.4323),
    (lambda: laws.cut_share(30, 1), 0.9835),
    (lambda: laws.cut_share(30, 600), 0.05),
    (lambda: laws.distinct_again_factor([1.0], 1, 1), 1),
    (lambda: laws.on_time_share(10, 60, 0), 0.8337),
    (lambda: laws.on_time_share(10, 60, 10), 0.9388),
    (lambda: laws.on_time_share(10, 60, 30), 0.9917),
    (lambda: laws.watermark_behind_s(5, [2]), 5.5),
    (lambda: laws.watermark_behind_s(0, [1, 1]), 1.5),
    (lambda: laws.joined_rows_kept(3, 2, -10, 10, 0), 50),
    (lambda: laws.joined_rows_kept(3, 2, 0, 10, 5), 55),
    (lambda: laws.windows_kept_most(10, 10, 0), 2),
    (lambda: laws.windows_kept_most(60, 10, 5, 30), 10),
    (lambda: laws.two_phase_delay_s(10), 5),
])  # fmt: skip
def test_a_law_gives_its_figure(law, figure):
    assert law() == pytest.approx(figure, rel=2e-3)


@pytest.mark.parametrize("wrong", [
    lambda: laws.least_period_s(100, 0.1, 0.01),
    lambda: laws.least_period_s(0, 0.1, 0.01),
    lambda: laws.batch_delay_s(0.1, 50, 0.1, 0.01),
    lambda: laws.machine_s_per_record(0, 50, 0.1, 0.01),
    lambda: laws.cut_share(0, 1),
    lambda: laws.distinct_again_factor([], 1, 1),
    lambda: laws.distinct_again_factor([0], 1, 1),
    lambda: laws.on_time_share(1, 1, -1),
    lambda: laws.watermark_behind_s(1, []),
    lambda: laws.joined_rows_kept(1, 1, 5, -5, 0),
    lambda: laws.joined_rows_kept(1, 1, 5, 9, 0),
    lambda: laws.windows_kept_most(1, 0, 0),
    lambda: laws.two_phase_delay_s(0),
])  # fmt: skip
def test_outside_its_domain_a_law_says_so(wrong):
    with pytest.raises(BadParameter):
        wrong()


# ------------------------------------------------------------------------------------------ held against the rooms
def within_three_errors(found, law):
    mean = math.fsum(found) / len(found)
    error = math.sqrt(math.fsum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))
    assert abs(mean - law) <= 3 * error + 1e-9, f"{mean:.4f} against {law:.4f}, a standard error is {error:.4f}"


def poisson(rng, rate, seconds):
    at, times = rng.expovariate(rate), []
    while at < seconds:
        times.append(at)
        at += rng.expovariate(rate)
    return times


@pytest.mark.parametrize("period_s", [20, 60, 300])
def test_the_share_of_sessions_that_a_cut_goes_through(period_s):
    rng, cut = Random(3), []
    for number in range(800):
        begins, length = 1_000 * number + rng.random() * 600, rng.expovariate(1 / 30)
        steps = math.ceil(length / 4) + 1
        times = [begins + length * step / (steps - 1) for step in range(steps)]
        records = [Record(round(at * S), round(at * S), "k") for at in times]
        run = BatchJob(sessions(5), period_us=period_s * S).run(records)
        cut.append(run.again("k") > run.merged("k"))
    within_three_errors(cut, laws.cut_share(30, period_s))


@pytest.mark.parametrize("period_s", [1, 60])
def test_different_keys_of_files_added_up_are_too_many_by_the_factor(period_s):
    rates = [weight / sum(ZIPF) for weight in ZIPF]
    ratios = []
    for seed in range(8):
        rng = Random(seed)
        times = poisson(rng, 1, 600)
        keys = rng.choices(range(200), weights=ZIPF, k=len(times))
        records = [Record(round(at * S), round(at * S), "all", key) for at, key in zip(times, keys, strict=True)]
        run = BatchJob(DISTINCT, period_us=period_s * S).run(records)
        ratios.append(run.again("all") / run.merged("all"))
    within_three_errors(ratios, laws.distinct_again_factor(rates, period_s, 600))


@pytest.mark.parametrize("bound_s", [0, 5, 20])
def test_the_share_that_is_in_time_of_a_file_of_events_and_at_least_so_many_of_a_window(bound_s):
    in_files, in_windows = [], []
    for seed in range(12):
        rng = Random(seed)
        records = [Record(round(at * S), round((at + rng.expovariate(0.1)) * S), "k") for at in poisson(rng, 2, 600)]
        records.sort(key=lambda record: record.arrived_us)
        job = BatchJob(COUNT, period_us=60 * S, grace_us=bound_s * S, cut="event")
        in_files.append(1 - job.run(records).missing / len(records))
        stream = WindowedStream(Tumbling(60 * S), COUNT, bound_us=bound_s * S)
        for record in records:
            stream.on_record(record.arrived_us, record)
        in_windows.append(1 - stream.status().late_drops / len(records))
    law = laws.on_time_share(10, 60, bound_s)
    within_three_errors(in_files, law)
    assert sum(in_windows) / len(in_windows) > law


def test_rows_that_a_join_keeps():
    catalog = Catalog()
    for name in ("a", "b"):
        catalog.execute(
            f"CREATE TABLE {name} (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
        )
    sql = """SELECT a.id AS id FROM a JOIN b ON a.id = b.id
        AND b.ts BETWEEN a.ts - INTERVAL '4' SECOND AND a.ts + INTERVAL '9' SECOND"""
    kept = []
    for seed in range(20):
        rng, query = Random(seed), catalog.query(sql)
        rows = [(at, "a") for at in poisson(rng, 6, 60)] + [(at, "b") for at in poisson(rng, 3, 60)]
        for at, table in sorted(rows):
            query.on_row(round(at * S), table, (rng.randrange(1_000), round(at * S)))
        query.tick(60 * S)
        kept.append(query.status().kept_in_all)
    within_three_errors(kept, laws.joined_rows_kept(6, 3, -4, 9, laws.watermark_behind_s(2, [6, 3])))


@pytest.mark.parametrize(("slide_s", "lateness_s"), [(10, 0), (5, 0), (5, 12)])
def test_no_key_keeps_more_windows_than_the_law_and_some_moment_reaches_it(slide_s, lateness_s):
    stream = WindowedStream(Hopping(slide_s * S, 10 * S), COUNT, Emission(lateness_us=lateness_s * S), bound_us=4 * S)
    most = 0
    for tenth in range(1, 1_000):
        stream.on_record(tenth * S // 10, Record(tenth * S // 10, tenth * S // 10, "k"))
        most = max(most, stream.status().kept)
    assert most == laws.windows_kept_most(10, slide_s, 4, lateness_s)


def test_in_how_many_windows_an_event_lies():
    for size_s, step_s in [(30, 5), (12, 3), (10, 10)]:
        times = range(size_s * 10)  # every tenth of a second of one size
        for assigner, law in [(Hopping(step_s * S, size_s * S), laws.windows_an_event),
                              (Cumulating(step_s * S, size_s * S), laws.windows_an_event_cumulating)]:  # fmt: skip
            counted = [len(list(assigner.windows(tenth * S // 10))) for tenth in times]
            assert sum(counted) / len(counted) == law(size_s, step_s)
