"""Laws of quorums: the figures of the table, and what chance does, within three standard errors."""

from __future__ import annotations

import itertools
import random

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.simulation.chance import lognormal, stream

RARE = {"zones": 3, "node_share": 1e-3, "zone_share": 1e-4}


def test_the_shares_of_failure_have_the_figures_of_the_table():
    assert laws.quorum_missing(3, 2, **RARE) == pytest.approx(3.63e-6, rel=2e-3)
    assert laws.quorum_missing(6, 4, **RARE) == pytest.approx(1.25e-6, rel=2e-3)
    assert laws.quorum_missing(6, 3, **RARE) == pytest.approx(3.18e-8, rel=2e-3)
    given = [laws.quorum_missing(v, k, zones_down=1, **RARE) for v, k in ((6, 4), (6, 3), (3, 2))]
    assert given == pytest.approx([3.99e-3, 6.0e-6, 2.0e-3], rel=2e-3)


@pytest.mark.parametrize(("copies", "needed", "zones"), [(6, 4, 3), (6, 3, 3), (5, 3, 3), (3, 2, 3), (4, 3, 2)])
def test_the_shares_of_failure_are_what_chance_does(copies, needed, zones):
    luck, tries, node, zone = random.Random(copies * 10 + needed), 15_000, 0.1, 0.05
    homes = [zone for zone, size in enumerate(laws.zone_sizes(copies, zones)) for _ in range(size)]
    stopped = 0
    for _ in range(tries):
        dark = [luck.random() < zone for _ in range(zones)]
        stopped += sum(not dark[home] and luck.random() >= node for home in homes) < needed
    law = laws.quorum_missing(copies, needed, zones=zones, node_share=node, zone_share=zone)
    assert abs(stopped / tries - law) <= 3 * (law * (1 - law) / tries) ** 0.5


def test_six_copies_are_the_fewest_that_outlive_a_zone_and_one_more():
    """By brute force over every quorum, every lost zone, and every other copy that is lost with it."""

    def outlives(copies, write, read):
        homes = [zone for zone, size in enumerate(laws.zone_sizes(copies, 3)) for _ in range(size)]
        for zone in range(3):
            left = [copy for copy in range(copies) if homes[copy] != zone]
            if len(left) < write or any(len(left) - 1 < read for _ in left):
                return False
        return laws.quorum_is_safe(copies, write, read)

    for copies in range(3, 6):
        assert not any(outlives(copies, w, r) for w, r in itertools.product(range(1, copies + 1), repeat=2))
    assert [(w, r) for w, r in itertools.product(range(1, 7), repeat=2) if outlives(6, w, r)] == [(4, 3)]
    assert laws.least_quorum(zones=3) == (6, 4, 3)
    assert laws.least_quorum(zones=4) == (4, 3, 2)


def stragglers():
    return laws.answered_within(1, 0.5, straggler_share=0.01, straggler_factor=20)


def test_the_tail_of_a_quorum_has_the_figures_of_the_table():
    p99 = [laws.quorum_quantile_s(0.99, k, n, stragglers()) for k, n in ((1, 1), (2, 3), (4, 6), (6, 6))]
    assert p99 == pytest.approx([6.35, 2.28, 2.05, 32.4], rel=2e-3)


@pytest.mark.parametrize(("needed", "copies"), [(1, 1), (2, 3), (4, 6), (6, 6)])
def test_the_tail_of_a_quorum_is_what_chance_does(needed, copies):
    """Of so many writes the share answered within the law's 99th percentile is 99 %."""
    draw, luck, tries = lognormal(1, 3.2), stream(1, f"{needed}/{copies}"), 8_000
    assert draw(lambda: 0.99) == pytest.approx(3.2)  # sigma 0.5: exp(0.5 * 2.326)
    within_s = laws.quorum_quantile_s(0.99, needed, copies, stragglers())
    answers = ([draw(luck) * (20 if luck() < 0.01 else 1) for _ in range(copies)] for _ in range(tries))
    share = sum(sorted(answer)[needed - 1] <= within_s for answer in answers) / tries
    assert abs(share - 0.99) <= 3 * (0.99 * 0.01 / tries) ** 0.5


def test_a_repair_of_ten_gigabytes_takes_eight_seconds():
    assert laws.repair_s(10e9, 10e9) == 8


def test_serverless_is_cheaper_below_the_break_even():
    for used in (0.1, 0.5):
        serverless, provisioned = 8 * used * 0.12, 0.26
        assert (serverless < provisioned) == (used < laws.break_even_utilisation(0.26 / 8, 0.12))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: laws.zone_sizes(2, 3), "zones = 3 of 2 copies"),
        (lambda: laws.quorum_missing(6, 7, **RARE), "needed = 7 of 6 copies: give 1 to 6"),
        (lambda: laws.quorum_missing(6, 4, zones_down=4, **RARE), "zones_down = 4: give 0 to 3"),
        (lambda: laws.quorum_missing(6, 4, zones=3, node_share=2, zone_share=0), "node_share = 2: give a share"),
        (lambda: laws.least_quorum(zones=1), "no quorum of up to 12 copies outlives a zone"),
        (lambda: laws.quorum_quantile_s(1, 1, 1, stragglers()), "quantile = 1: give a share"),
        (lambda: laws.quorum_quantile_s(0.5, 3, 2, stragglers()), "needed = 3 of 2 copies"),
        (lambda: laws.answered_within(0, 1), "median_s = 0"),
        (lambda: laws.order_statistic_share(1.5, 1, 2), "share = 1.5"),
        (lambda: laws.repair_s(0, 1), "size_bytes = 0"),
        (lambda: laws.break_even_utilisation(1, 0), "price_serverless = 0"),
    ],
)
def test_a_law_outside_its_domain_gives_no_number(call, says):
    with pytest.raises(BadParameter, match=says):
        call()
