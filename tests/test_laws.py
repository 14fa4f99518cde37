"""Every law against its figure, its domain, and the simulation, within three standard errors.

Which standard error: for the mean of an M/M/1 queue the law's own (`laws.relative_standard_error`); everywhere else the
spread of independent runs, one mean a seed (the plainest kind of batch means).
"""

from __future__ import annotations

import math
from functools import cache
from itertools import chain
from random import Random

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.not_consumed_in_time.bursts import blocking, fair_shares, hockey_stick
from dsys_lab.scenarios.not_consumed_in_time.counts import passed_a_second
from dsys_lab.simulation.chance import SERVICE_SHAPES, SQUARED_VARIATION

SEEDS = range(101, 109)
CUSTOMERS = 10_000


@cache
def sojourns_s(utilisation, *, shape="exponential", servers=1, customers=CUSTOMERS):
    """One sorted list of sojourns a seed."""
    return [
        sorted(row.fields["sojourn_us"] / 1e6 for row in run.of("finish"))
        for run in (
            hockey_stick(seed=seed, utilisation=utilisation, service_shape=shape, servers=servers, customers=customers)
            for seed in SEEDS
        )
    ]


def mean(values):
    return math.fsum(values) / len(values)


def assert_near(measured, law):
    """Hold the mean of one number a seed to its law, within three standard errors of that mean."""
    middle = mean(measured)
    error = math.sqrt(mean([(one - middle) ** 2 for one in measured]) / (len(measured) - 1))
    assert abs(middle - law) <= 3 * error, f"{middle:.4f} against {law:.4f}, standard error {error:.4f}"


# ------------------------------------------------------------------------------------------ L1 Little
@pytest.mark.parametrize("servers", [1, 3])
def test_little_holds_exactly_in_any_run_that_ends_empty(servers):
    run = hockey_stick(seed=1, utilisation=0.9, servers=servers, customers=2000)
    inside, area_us, before_us = 0, 0, 0
    for row in run.of("publish", "finish"):
        area_us += inside * (row.time_us - before_us)
        inside, before_us = inside + (1 if row.kind == "publish" else -1), row.time_us
    seconds = before_us / 1e6
    sojourn_s = mean([row.fields["sojourn_us"] / 1e6 for row in run.of("finish")])
    assert laws.little(2000 / seconds, sojourn_s) == pytest.approx(area_us / before_us, rel=1e-9)


# ------------------------------------------------------------------------------------------ L2 M/M/1
@pytest.mark.parametrize(("utilisation", "law_s"), [(0.5, 0.2), (0.8, 0.5), (0.9, 1.0)])
def test_the_mean_sojourn_of_mm1(utilisation, law_s):
    law = laws.mm1_sojourn_s(10 * utilisation, 10)
    assert law == pytest.approx(law_s)
    measured = mean(list(chain.from_iterable(sojourns_s(utilisation))))
    error = laws.relative_standard_error(utilisation, customers=CUSTOMERS * len(SEEDS))
    assert abs(measured - law) <= 3 * error * law


def test_the_99th_percentile_of_mm1_is_4_6_means():
    law = laws.mm1_sojourn_quantile_s(8, 10, share=0.99)
    assert law == pytest.approx(2.30, abs=0.005)
    assert law == pytest.approx(4.605 * laws.mm1_sojourn_s(8, 10), rel=1e-4)
    assert_near([one[int(0.99 * len(one))] for one in sojourns_s(0.8)], law)


def test_the_relative_standard_error_is_how_far_means_really_stray():
    """Its figure is the curriculum's; forty short runs spread by it, or a little less, for it is on the wide side."""
    assert laws.relative_standard_error(0.9, customers=200_000) == pytest.approx(0.044, abs=0.0005)
    assert laws.relative_standard_error(0.95, customers=200_000) == pytest.approx(0.088, abs=0.0005)
    means = []
    for seed in range(40):
        counters = hockey_stick.count(seed=seed, utilisation=0.5, customers=1500)
        means.append(counters.sum("finish", "sojourn_us") / 1500 / 1e6)
    spread = math.sqrt(mean([(one - mean(means)) ** 2 for one in means])) / mean(means)
    assert 0.5 < spread / laws.relative_standard_error(0.5, customers=1500) < 1.2


# ------------------------------------------------------------------------------------------ L3 M/G/1
@pytest.mark.parametrize("shape", SERVICE_SHAPES)
def test_the_mean_sojourn_of_mg1_grows_with_the_variation_of_the_service(shape):
    law = laws.mg1_sojourn_s(8, 10, squared_variation=SQUARED_VARIATION[shape])
    assert_near(list(map(mean, sojourns_s(0.8, shape=shape))), law)


def test_mg1_at_90_percent_has_the_figures_of_the_table():
    assert laws.mg1_sojourn_s(9, 10, squared_variation=0) == pytest.approx(0.550)
    assert laws.mg1_sojourn_s(9, 10, squared_variation=0.25) == pytest.approx(0.6625)
    assert laws.mg1_sojourn_s(9, 10, squared_variation=1) == pytest.approx(laws.mm1_sojourn_s(9, 10))


def test_at_equal_intervals_one_waits_less_than_at_random_and_as_often_as_is_counted():
    luck = Random(5)
    for service_s in (0.5, 0.8):
        waited_s, sojourn_s, count = 0.0, [], 60_000
        for _ in range(count):
            work_s = luck.expovariate(1 / service_s)
            sojourn_s.append(waited_s + work_s)
            waited_s = max(0.0, waited_s + work_s - 1)
        assert mean(sojourn_s) == pytest.approx(laws.dm1_sojourn_s(1, service_s), rel=0.03)
        assert service_s < laws.dm1_sojourn_s(1, service_s) < laws.mm1_sojourn_s(1, 1 / service_s)


# ------------------------------------------------------------------------------------------ L4 M/M/c
def test_the_mean_sojourn_of_four_servers():
    law = laws.mmc_sojourn_s(36, 10, servers=4)
    assert law == pytest.approx(0.2969, abs=5e-5)
    assert_near(list(map(mean, sojourns_s(0.9, servers=4))), law)


def test_one_server_is_mm1_and_erlang_c_has_its_known_values():
    assert laws.mmc_sojourn_s(8, 10, servers=1) == pytest.approx(laws.mm1_sojourn_s(8, 10))
    assert laws.erlang_c(1, 0.8) == pytest.approx(0.8)
    assert laws.erlang_c(2, 1.0) == pytest.approx(1 / 3)
    by_sum = 3.6**4 / 24 / 0.1 / (sum(3.6**n / math.factorial(n) for n in range(4)) + 3.6**4 / 24 / 0.1)
    assert laws.erlang_c(4, 3.6) == pytest.approx(by_sum)


# ------------------------------------------------------------------------------------------ L5 M/M/1/K
@pytest.mark.parametrize(("utilisation", "law_share"), [(0.9, 0.0508), (1.0, 1 / 11), (1.2, 0.1926)])
def test_the_share_lost_with_room_for_ten(utilisation, law_share):
    law = laws.mm1k_blocking(utilisation, 10)
    assert law == pytest.approx(law_share, abs=5e-5)
    lost = [blocking.count(seed=seed, utilisation=utilisation, customers=5000).count("drop") / 5000 for seed in SEEDS]
    assert_near(lost, law)


def test_blocking_is_smooth_at_saturation_and_finite_far_from_it():
    assert laws.mm1k_blocking(1 - 1e-7, 10) == pytest.approx(laws.mm1k_blocking(1.0, 10), rel=1e-5)
    assert laws.mm1k_blocking(1 + 1e-7, 10) == pytest.approx(laws.mm1k_blocking(1.0, 10), rel=1e-5)
    assert laws.mm1k_blocking(2.0, 5000) == pytest.approx(0.5)
    assert laws.mm1k_blocking(0.1, 5000) == 0


# ------------------------------------------------------------------------------------------ L6 backlog and drain
def drained_s(utilisation, seed):
    """Seconds from the end of a pause of 60 s to the first moment at which nothing waits; 100 a second are served."""
    pause = {"do": "slow", "target": "scorer", "value": 0, "at_s": 10, "lasts_s": 60}
    customers = int(utilisation * 100 * (75 + 1.5 * laws.outage_drain_s(60, utilisation * 100, 100)))
    run = hockey_stick(seed=seed, utilisation=utilisation, service_rate=100, customers=customers, faults=[pause])
    inside = 0
    for row in run.of("publish", "finish"):
        inside += 1 if row.kind == "publish" else -1
        if row.time_us > 70e6 and not inside:
            return row.time_us / 1e6 - 70
    return math.nan


@pytest.mark.parametrize(("utilisation", "law_s"), [(0.5, 60), (0.8, 240)])
def test_an_outage_of_a_minute_is_paid_for_long_after(utilisation, law_s):
    law = laws.outage_drain_s(60, utilisation * 100, 100)
    assert law == pytest.approx(law_s)
    assert_near([drained_s(utilisation, seed) for seed in SEEDS[:6]], law)


def test_backlog_and_drain_have_the_figures_of_the_table():
    assert laws.outage_drain_s(60, 90, 100) == pytest.approx(540)
    assert laws.backlog(30, 10, 20) == 400
    assert laws.backlog(8, 10, 20) == 0
    assert laws.drain_s(400, 8, 10) == 200
    assert laws.drain_s(400, 0, 10) == 40  # nothing new comes


# ------------------------------------------------------------------------------------------ L7 retention
def test_a_slow_reader_loses_when_its_lag_reaches_the_retention():
    assert laws.retention_lasts_s(4 * 86_400, 10, 0) == 4 * 86_400
    assert laws.retention_lasts_s(3600, 10, 9) == pytest.approx(36_000)
    # by hand, as a fluid: after t seconds it reads what was written at t * mu / lambda; the age of that reaches R
    t = laws.retention_lasts_s(3600, 10, 4)
    assert t - t * 4 / 10 == pytest.approx(3600)


# ------------------------------------------------------------------------------------------ L8 to L10
def test_retries_multiply_and_layers_multiply_again():
    assert laws.attempts_per_call(0.5, 3) == 1.875
    assert laws.attempts_per_call(1, 2, layers=5) == 243  # three tries in each of five layers
    assert laws.attempts_per_call(0, 9) == 1
    assert laws.attempts_per_call(1 - 1e-12, 3) == pytest.approx(laws.attempts_per_call(1, 3))


def test_a_token_bucket_lets_through_its_rate_and_its_burst():
    assert laws.token_bucket_most(10, 20, 60) == 620
    per_tenant = passed_a_second(fair_shares(control="token_bucket", until_s=60), from_s=30)
    assert per_tenant["tenant-a"] <= laws.token_bucket_most(25, 25, 30) / 30


@pytest.mark.parametrize("seed", SEEDS)
def test_aimd_uses_three_quarters_of_a_shared_limit(seed):
    passed = passed_a_second(fair_shares(control="aimd", until_s=200, seed=seed), from_s=100)
    assert sum(passed.values()) / 50 == pytest.approx(laws.AIMD_UTILISATION, abs=0.03)  # steps of 2 against 50


def test_no_discipline_serves_more_in_time_than_there_is_capacity_for():
    assert laws.in_time_most(1.5) == pytest.approx(2 / 3)
    assert laws.in_time_most(0.5) == 1


# ------------------------------------------------------------------------------------------ domains
OUTSIDE = {
    "a queue that grows for ever": (lambda: laws.mm1_sojourn_s(10, 10), r"grows for ever.*backlog"),
    "and at equal intervals": (lambda: laws.dm1_sojourn_s(1, 1.1), r"1/s come in and 0.909091/s"),
    "and with general service": (lambda: laws.mg1_sojourn_s(11, 10, squared_variation=1), r"11/s come in and 10/s"),
    "and with many servers": (lambda: laws.mmc_sojourn_s(41, 10, servers=4), r"41/s come in and 40/s"),
    "more load than servers": (lambda: laws.erlang_c(4, 4), r"grows for ever"),
    "nobody comes": (lambda: laws.mm1_sojourn_s(0, 10), r"arrival_rate = 0"),
    "no servers": (lambda: laws.mmc_sojourn_s(1, 10, servers=0), r"servers = 0"),
    "a negative variation": (lambda: laws.mg1_sojourn_s(1, 10, squared_variation=-1), r"squared_variation = -1"),
    "within which all leave": (lambda: laws.mm1_sojourn_quantile_s(1, 10, share=1), r"share = 1"),
    "no room": (lambda: laws.mm1k_blocking(0.5, 0), r"capacity = 0"),
    "a backlog that never drains": (lambda: laws.drain_s(400, 10, 10), r"grows for ever"),
    "a server that does nothing": (lambda: laws.drain_s(400, 0, 0), r"service_rate = 0"),
    "a reader that keeps up": (lambda: laws.retention_lasts_s(60, 10, 10), r"keeps up"),
    "a share above one": (lambda: laws.attempts_per_call(1.5, 3), r"failure_share = 1.5"),
    "fewer than no retries": (lambda: laws.attempts_per_call(0.5, -1), r"retries = -1"),
    "a window before it began": (lambda: laws.token_bucket_most(1, 1, -1), r"seconds = -1"),
    "nothing offered": (lambda: laws.in_time_most(0), r"utilisation = 0"),
    "a run without customers": (lambda: laws.relative_standard_error(0.5, customers=0), r"customers = 0"),
    "a burst that ends before it begins": (lambda: laws.backlog(30, 10, -1), r"seconds = -1"),
    "fewer than nobody waiting": (lambda: laws.drain_s(-1, 8, 10), r"waiting = -1"),
    "dead before the first try": (lambda: laws.falsely_dead(0.5, 0), r"max_receives = 0"),
    "poison that is never tried": (lambda: laws.poison_load(0.01, 0), r"max_receives = 0"),
    "a poll without a pause": (lambda: laws.empty_receives_a_day(1, every_s=0), r"every_s = 0"),
    "a wait before it began": (lambda: laws.empty_receives_a_day(1, wait_s=-1), r"wait_s = -1"),
    "a full server": (lambda: laws.relative_standard_error(1.0, customers=9), r"grows for ever"),
}


@pytest.mark.parametrize(("call", "says"), OUTSIDE.values(), ids=list(OUTSIDE))
def test_a_law_outside_its_domain_gives_no_number(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


# ------------------------------------------------------------------------------------------ tables by row


def test_rows_on_pages_have_the_figures_of_the_table():
    assert laws.rows_on_page(64) == 120
    assert laws.row_pages(1_000_000, 64) == 8_334
    assert laws.row_pages(0, 64) == 0
    heights = {1: 1, 583: 1, 584: 2, 10**5: 2, 10**6: 3, 10**8: 3, 2 * 10**8: 4}
    assert {entries: laws.tree_height(entries) for entries in heights} == heights
    assert laws.tree_height(10**6, fill=math.log(2)) == 3


@pytest.mark.parametrize(("rows_wanted", "expected"), [(100, 95.9), (599, 470.2), (12_254, 1_184.0)])
def test_cardenas_has_the_figures_that_were_held_against_postgresql(rows_wanted, expected):
    assert laws.pages_hit(1_184, rows_wanted) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rows_wanted", [1, 20, 100, 1_000])
def test_cardenas_is_what_chance_does(rows_wanted):
    luck, pages, draws = Random(7), 200, 400
    counted = [len({luck.randrange(pages) for _ in range(rows_wanted)}) for _ in range(draws)]
    tolerance = 3 * laws.pages_hit_standard_error(pages, rows_wanted) / math.sqrt(draws)
    assert abs(mean(counted) - laws.pages_hit(pages, rows_wanted)) <= tolerance + 1e-9


@pytest.mark.parametrize(
    "call",
    [
        lambda: laws.rows_on_page(0),
        lambda: laws.row_pages(-1, 64),
        lambda: laws.row_pages(1, 9_000),
        lambda: laws.tree_height(0),
        lambda: laws.tree_height(10, fan_out=583, fill=0.001),
        lambda: laws.pages_hit(0, 1),
        lambda: laws.pages_hit(10, -1),
    ],
)
def test_a_law_of_rows_outside_its_domain_gives_no_number(call):
    with pytest.raises(BadParameter, match=r"give|a tree needs"):
        call()


# ------------------------------------------------------------------------------------------ tables by column


def test_columns_on_pages_have_the_figures_of_the_table():
    assert laws.column_pages(1_000_000, 2) == 245
    assert laws.column_pages(1_000_000, 2, 1) == 368
    assert laws.column_pages(0, 2) == 0
    assert round(laws.row_pages(1_000_000, 64) / laws.column_pages(1_000_000, 2)) == 34


def test_encodings_have_the_bytes_of_their_formulas():
    assert laws.run_length_bytes(runs=32, width_bytes=1) == 160
    assert laws.packed_bytes(8_192, value_range=600) == 8_192 * 10 / 8
    assert laws.packed_bytes(8_192, value_range=0) == 0
    assert laws.dictionary_bytes(8_192, 50, width_bytes=8) == 8_192 + 400
    assert laws.dictionary_bytes(8_192, 257, width_bytes=8) == 2 * 8_192 + 2_056


def test_rows_that_wait_share_the_pages_that_they_dirty():
    assert laws.merge_pages_per_row(13, pages_per_chunk=1, merge_rows=1) == 13
    assert laws.merge_pages_per_row(13, pages_per_chunk=2, merge_rows=8_192) == pytest.approx(0.0032, abs=1e-4)


def test_vectors_make_calls_rare():
    assert laws.calls_by_vector(1_000_000, 2, vector_rows=1) == 2_000_002
    assert laws.calls_by_vector(1_000_000, 2, vector_rows=2_048) == 980


@pytest.mark.parametrize(
    "call",
    [
        lambda: laws.column_pages(-1, 2),
        lambda: laws.packed_bytes(1, value_range=-1),
        lambda: laws.dictionary_bytes(1, 0, width_bytes=2),
        lambda: laws.merge_pages_per_row(13, pages_per_chunk=1, merge_rows=0),
        lambda: laws.calls_by_vector(1, 2, vector_rows=0),
    ],
)
def test_a_law_of_columns_outside_its_domain_gives_no_number(call):
    with pytest.raises(BadParameter, match="give"):
        call()
