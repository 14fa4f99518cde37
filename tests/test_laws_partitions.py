"""The laws of a store in partitions: each against its figure, its domain, and what was counted."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned import KeySchema, PartitionedTable, Settings

KEYS = KeySchema("k")


@pytest.mark.parametrize(
    ("law", "figure"),
    [
        (lambda: laws.accepted_units([1386, 700, 100], [1000] * 3), 1800),
        (lambda: laws.accepted_units([], []), 0),
        (lambda: laws.burst_lasts_s(150, 200, saved_s=300), 900),
        (lambda: laws.burst_lasts_s(150, 150, saved_s=300), math.inf),
        (lambda: laws.moved_by_ring(10), 1 / 11),
        (lambda: laws.moved_by_modulo(10), 10 / 11),
        (lambda: laws.moved_by_split(8), 1 / 16),
        (lambda: laws.quorums_overlap(3, 2, 2), 1),
        (lambda: laws.quorums_overlap(3, 1, 1), 0),
        (lambda: laws.suffixes_needed(4500, 2, 1000), 9),
        (lambda: laws.suffixes_needed(1000, 1, 1000), 1),
        (lambda: laws.suffixes_needed(1001, 1, 1000), 2),
        (lambda: laws.index_backlog(50, 10, 8), 320),
        (lambda: laws.index_backlog(10, 50, 8), 0),
        (lambda: laws.counted_too_often(0.5), 2),
        (lambda: laws.counted_too_often(0), 1),
        (lambda: laws.stale_at_follower(0, 1), 0),
        (lambda: laws.stale_at_follower(math.log(2), 1), 0.5),
    ],
)
def test_a_law_gives_its_figure(law, figure):
    assert law() == pytest.approx(figure)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: laws.accepted_units([-1], [1]),
        lambda: laws.burst_lasts_s(0, 1, saved_s=1),
        lambda: laws.moved_by_ring(0),
        lambda: laws.moved_by_modulo(0),
        lambda: laws.moved_by_split(0),
        lambda: laws.quorums_overlap(3, 4, 1),
        lambda: laws.stale_after_write(3, 1, 0),
        lambda: laws.stale_at_follower(-1, 1),
        lambda: laws.suffixes_needed(1, 1, 0),
        lambda: laws.index_backlog(0, 1, 1),
        lambda: laws.counted_too_often(1),
        lambda: laws.counted_too_often(1.2),
    ],
)
def test_outside_its_domain_a_law_gives_nothing(wrong):
    with pytest.raises(BadParameter):
        wrong()


@pytest.mark.parametrize(("n", "r", "w"), [(3, 1, 1), (3, 1, 2), (3, 2, 2), (5, 2, 2), (5, 3, 1)])
def test_the_stale_share_is_counted_over_all_ways_to_ask(n, r, w):
    has_it = set(range(w))
    asked = list(combinations(range(n), r))
    assert laws.stale_after_write(n, r, w) == pytest.approx(sum(has_it.isdisjoint(them) for them in asked) / len(asked))


def test_a_follower_misses_what_the_law_says():
    def share(seed):
        luck, rate = Random(seed), 8.0
        table = PartitionedTable("t", KEYS, Settings(split=None), lag=lambda follower: {1: 1_000, 2: 51_000}[follower])
        writes, now_us, stale, asked = [], 0, 0, 0
        while now_us < 20_000_000:
            now_us += int(luck.expovariate(rate) * 1e6) + 1
            writes.append(now_us)
        reads = sorted(luck.randrange(1_000_000, 20_000_000) for _ in range(300))
        for at_us, is_read in sorted([(at, False) for at in writes] + [(at, True) for at in reads]):
            if is_read:
                new = table.get(at_us, {"k": "x"}, strong=True).item
                old = table.get(at_us, {"k": "x"}, replica=2).item
                stale, asked = stale + (new != old), asked + 1
            else:
                table.put(at_us, {"k": "x", "at": at_us})
        return stale / asked

    shares = [share(seed) for seed in range(101, 113)]
    mean = sum(shares) / len(shares)
    error = math.sqrt(sum((one - mean) ** 2 for one in shares) / (len(shares) - 1) / len(shares))
    assert abs(mean - laws.stale_at_follower(8.0, 0.05)) <= 3 * error
