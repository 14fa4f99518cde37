"""Lab 26's own small scenarios: what each pattern buys, what it costs, and what breaks it. True of many runs.

Each section is one pattern. The claims are those of the scenario's docstring, counted from the rows.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import fmean, stdev
from typing import Any

import pytest

from dsys_lab import laws
from dsys_lab.scenarios import find
from dsys_lab.scenarios.patterns import bulkhead
from dsys_lab.scenarios.patterns import circuit_breaker as storms
from dsys_lab.trace import Trace, lamps, quantile

SEEDS = (1, 2, 3)


@lru_cache(maxsize=32)
def cached(name: str, seed: int, params: tuple[tuple[str, Any], ...]) -> Trace:
    return find("patterns", name)(seed=seed, **dict(params))


def run(name: str, seed: int, **params: Any) -> Trace:
    return cached(name, seed, tuple(params.items()))


def red(trace: Trace) -> set[str]:
    return {lamp.name for lamp in lamps(trace) if not lamp.held}


# ------------------------------------------------------------------------------------------ circuit breaker
EARLY = {"spike_from_s": 10.0, "spike_to_s": 20.0, "until_s": 80.0}
CUT = {"do": "split", "target": "wearables", "on": {"kind": "breaker_probe"}, "lasts_s": 0.5}


@pytest.mark.parametrize("seed", SEEDS)
class TestCallersWhoStopAskingLetTheServerRecover:
    def test_without_a_breaker_the_goodput_never_comes_back(self, seed: int) -> None:
        trace = run("storm", seed, breaker="none", **EARLY)
        calls, in_time = storms.goodput_after(trace)
        assert (calls > 150, in_time) == (True, 0)
        assert red(trace) == {"comes back"}

    def test_with_one_at_least_95_percent_are_answered_after_the_spike(self, seed: int) -> None:
        trace = run("storm", seed, **EARLY)
        calls, in_time = storms.goodput_after(trace)
        assert in_time >= 0.95 * calls > 150
        assert red(trace) == set()

    def test_it_costs_calls_that_the_server_would_have_answered(self, seed: int) -> None:
        refused, in_vain = storms.refused_in_vain(run("storm", seed, **EARLY))
        assert 20 < in_vain < refused < 150

    def test_a_lost_probe_without_a_timeout_shuts_everybody_out_for_ever(self, seed: int) -> None:
        stuck = storms.storm(seed=seed, breaker="probe without a timeout", faults=[CUT], **EARLY)
        assert storms.goodput_after(stuck)[1] == 0
        assert red(stuck) == {"comes back"}
        assert stuck.of("breaker_closed") == []
        sound = storms.storm(seed=seed, faults=[CUT], **EARLY)
        assert red(sound) == set()
        assert len(sound.of("breaker_probe")) == 2


# ------------------------------------------------------------------------------------------ bulkhead
@pytest.mark.parametrize("seed", SEEDS)
class TestWorkersOfOnesOwnKeepTheQuietTenantSafe:
    def test_in_one_pool_the_quiet_tenant_waits_as_long_as_the_noisy(self, seed: int) -> None:
        trace = run("pools", seed, pools="one for all")
        assert red(trace) == {"kept waiting at most"}
        quiet, noisy = (quantile(bulkhead.waits_s(trace, tenant), 0.99) for tenant in bulkhead.TENANTS)
        assert quiet > 0.8 * noisy > 10

    def test_with_workers_of_its_own_it_does_not_even_notice(self, seed: int) -> None:
        noisy, calm = run("pools", seed), run("pools", seed, noise=1.0)
        assert bulkhead.waits_s(noisy, "quiet") == bulkhead.waits_s(calm, "quiet")
        assert red(noisy) == red(calm) == set()

    def test_it_costs_idle_workers_beside_a_line_and_a_longer_mean_in_noise_and_without(self, seed: int) -> None:
        for noise in (1.0, 4.0):
            pooled, split = (run("pools", seed, pools=ways, noise=noise) for ways in bulkhead.POOLS)
            assert fmean(bulkhead.waits_s(split)) > fmean(bulkhead.waits_s(pooled))
            assert bulkhead.idle_beside_a_line_s(split) > 20 > bulkhead.idle_beside_a_line_s(pooled) == 0
            assert len(bulkhead.waits_s(split)) == len(bulkhead.waits_s(pooled))

    def test_a_crash_of_one_pool_is_one_tenants_affair(self, seed: int) -> None:
        def tenants_hit(pools: str, pool: str) -> set[str]:
            crash = {"do": "crash", "target": pool, "at_s": 30, "lasts_s": 5}
            return {row.message[0] for row in bulkhead.pools(seed=seed, pools=pools, faults=[crash]).of("drop")}

        assert tenants_hit("one each", "noisy-workers") == {"n"}
        assert tenants_hit("one for all", "workers") == {"n", "q"}


@pytest.mark.parametrize(("ways", "law"), [("one for all", laws.pooled_sojourn_s), ("one each", laws.split_sojourn_s)])
def test_the_mean_without_noise_is_the_laws(ways: str, law: Any) -> None:
    means = [bulkhead.mean_wait_s(pools_are=ways, seed=seed, noise=1.0, until_s=150.0) for seed in range(11, 19)]
    expected = law(5.6, 5.6, service_rate=2.0, servers=8)
    assert abs(fmean(means) - expected) <= 3 * stdev(means) / len(means) ** 0.5
