"""The laws of derived copies: each against its figure and its domain; the lessons hold them against what is counted."""

from __future__ import annotations

import math

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.workloads.keys import uniform, zipf


@pytest.mark.parametrize(("law", "figure"), [
    (lambda: laws.stale_hit_share(0.1, 20), 0.5677),
    (lambda: laws.stale_hit_share(0.02, 5.17), 0.05),
    (lambda: laws.stale_hit_share(0, 20), 0),
    (lambda: laws.stale_hit_share(1e-9, 1), 0.5e-9),
    (lambda: laws.stale_hit_share(100, 100), 0.9999),
    (lambda: laws.overtaken_share(0, 5), 0),
    (lambda: laws.overtaken_share(5, 0), 0),
    (lambda: laws.overtaken_share(0.001, 1), 0.0005),
    (lambda: laws.ttl_hit_share(1, 10), 10 / 11),
    (lambda: laws.ttl_hit_share(1, 0), 0),
    (lambda: laws.lru_hit_share(zipf(2000, 0.9).shares.tolist(), 200), 0.5048),
    (lambda: laws.lru_hit_share(uniform(1000).shares.tolist(), 100), 0.1),
    (lambda: laws.lru_hit_share([0.5, 0.5], 2), 1),
    (lambda: laws.random_hit_share(zipf(400, 0.9).shares.tolist(), 75), 0.5049),
    (lambda: laws.random_hit_share(uniform(1000).shares.tolist(), 100), 0.1),
    (lambda: laws.stale_own_read(1, 1), 0.3679),
    (lambda: laws.stale_own_read(0, 1), 1),
    (lambda: laws.stale_after_lost_words(0, 1, 1), 0),
    (lambda: laws.stale_after_lost_words(1, 1, 9), 1),
    (lambda: laws.stale_after_lost_words(0.1, 0.1, 1), 0.09174),
    (lambda: laws.extremes_rows_read(50, 0, 400), 50),
    (lambda: laws.extremes_rows_read(50, 1, 400), 20_050),
    (lambda: laws.held_s(0, 0.1), 0.1),
    (lambda: laws.held_s(0.1, 0.1), 0.03679),
    (lambda: laws.herd_went(200, 0.05), 11),
    (lambda: laws.push_touches(11.471, 1), 12.471),
    (lambda: laws.pull_touches(11.471, 1), 12.471),
    (lambda: laws.push_touches(11.471, 10), 21.471),
    (lambda: laws.pull_touches(11.471, 10), 115.71),
    (lambda: laws.break_even_reads(write_cost=3, read_cost=2), 1.5),
    (lambda: laws.fan_out_s(2000, 500), 4),
])  # fmt: skip
def test_a_law_gives_its_figure(law, figure):
    assert law() == pytest.approx(figure, rel=1e-3)


def test_first_come_first_out_comes_to_what_any_one_out_does():
    popular, kept, hits = zipf(400, 0.9), {}, 0
    for number, key in enumerate(popular.draw(7, "fifo", 0, 23_000).tolist()):
        hits += key in kept and number >= 3_000
        if key not in kept:
            kept[key] = None
            if len(kept) > 75:
                del kept[next(iter(kept))]
    law = laws.random_hit_share(popular.shares.tolist(), 75)
    assert abs(hits / 20_000 - law) <= 3 * math.sqrt(law * (1 - law) / 20_000)


def test_at_the_break_even_both_cost_the_same_however_many_follow():
    write_cost, read_cost = 3.0, 2.0
    reads = laws.break_even_reads(write_cost=write_cost, read_cost=read_cost)
    for followers in (2, 11.5, 2000):
        push = followers * write_cost + reads * read_cost
        pull = write_cost + reads * followers * read_cost
        assert push == pytest.approx(pull)


@pytest.mark.parametrize("wrong", [
    lambda: laws.stale_hit_share(1, 0),
    lambda: laws.stale_hit_share(-1, 1),
    lambda: laws.overtaken_share(1, -1),
    lambda: laws.overtaken_share(-1, 1),
    lambda: laws.ttl_hit_share(-1, 1),
    lambda: laws.lru_hit_share([], 1),
    lambda: laws.lru_hit_share([0.5, 0.4], 1),
    lambda: laws.lru_hit_share([1.0, 0.0], 1),
    lambda: laws.lru_hit_share([0.5, 0.5], 0),
    lambda: laws.random_hit_share([0.5, 0.4], 1),
    lambda: laws.stale_own_read(1, 0),
    lambda: laws.stale_own_read(-1, 1),
    lambda: laws.stale_after_lost_words(2, 1, 1),
    lambda: laws.stale_after_lost_words(0.1, 0, 1),
    lambda: laws.extremes_rows_read(1, -1, 1),
    lambda: laws.herd_went(-1, 1),
    lambda: laws.push_touches(-1, 1),
    lambda: laws.pull_touches(1, -1),
    lambda: laws.break_even_reads(write_cost=0, read_cost=1),
    lambda: laws.fan_out_s(1, 0),
    lambda: laws.fan_out_s(1, math.nan),
])  # fmt: skip
def test_outside_its_domain_a_law_says_so(wrong):
    with pytest.raises(BadParameter):
        wrong()
