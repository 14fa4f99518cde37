"""Copies, quorums and their price: when is a write stopped, how long is it waited for, what does it cost?

Failures are independent: each zone is down with one probability, each copy in a zone that is up with another. The
states are enumerated, not approximated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from statistics import NormalDist

from dsys_lab.errors import BadParameter, require_fraction, require_positive


# ------------------------------------------------------------------------------------------ how likely is it stopped
def zone_sizes(copies: int, zones: int) -> tuple[int, ...]:
    """Copies in each zone, spread as evenly as they can be.

    >>> zone_sizes(6, 3), zone_sizes(5, 3)
    ((2, 2, 2), (2, 2, 1))
    """
    if not 1 <= zones <= copies:
        raise BadParameter(f"zones = {zones!r} of {copies} copies: give 1 to {copies}")
    return tuple(copies // zones + (zone < copies % zones) for zone in range(zones))


def quorum_is_safe(copies: int, write: int, read: int) -> bool:
    """Whether a read quorum meets every write quorum, and any two write quorums meet (Gifford 1979)."""
    return read + write > copies and 2 * write > copies


def quorum_missing(
    copies: int, needed: int, *, zones: int, node_share: float, zone_share: float, zones_down: int | None = None
) -> float:
    """Probability that fewer than `needed` copies are up.

    Parameters
    ----------
    node_share, zone_share : float
        Of the time that a copy, or a zone with all its copies, is down.
    zones_down : int, optional
        Given that exactly the first so many zones are down; by default any may be.
    """
    require_fraction(node_share=node_share, zone_share=zone_share)
    if not 1 <= needed <= copies:
        raise BadParameter(f"needed = {needed!r} of {copies} copies: give 1 to {copies}")
    sizes = zone_sizes(copies, zones)
    if zones_down is not None:
        if not 0 <= zones_down <= zones:
            raise BadParameter(f"zones_down = {zones_down!r}: give 0 to {zones}")
        return _fewer_up(sum(sizes[zones_down:]), needed, node_share)
    missing = []
    for up in product((True, False), repeat=zones):
        likely = math.prod(1 - zone_share if zone else zone_share for zone in up)
        left = sum(size for size, zone in zip(sizes, up, strict=True) if zone)
        missing.append(likely * _fewer_up(left, needed, node_share))
    return math.fsum(missing)


def _fewer_up(copies: int, needed: int, node_share: float) -> float:
    """Binomial: fewer than `needed` of so many copies are up."""
    states = (
        math.comb(copies, up) * (1 - node_share) ** up * node_share ** (copies - up)
        for up in range(min(needed, copies + 1))
    )
    return min(1.0, math.fsum(states))


def least_quorum(*, zones: int, copies_max: int = 12) -> tuple[int, int, int]:
    """Return the fewest copies, and quorums for them, with which writes go on without a zone, reads without one more.

    Of several quorums for so many copies the one with the smallest write quorum. The zone that is lost is the largest.

    >>> least_quorum(zones=3)
    (6, 4, 3)
    """
    for copies in range(zones, copies_max + 1):
        left = copies - max(zone_sizes(copies, zones))
        for write in range(1, left + 1):
            read = copies - write + 1
            if quorum_is_safe(copies, write, read) and read <= left - 1:
                return copies, write, read
    raise BadParameter(f"zones = {zones!r}: no quorum of up to {copies_max} copies outlives a zone and one more")


# ------------------------------------------------------------------------------------------ how long is it waited for
Share = Callable[[float], float]
"""Which share of the answers has come after so many seconds."""


def answered_within(
    median_s: float, sigma: float, *, straggler_share: float = 0.0, straggler_factor: float = 1.0
) -> Share:
    """Return the distribution of one answer: lognormal, and a share of them so many times slower."""
    require_positive(median_s=median_s, sigma=sigma, straggler_factor=straggler_factor)
    require_fraction(straggler_share=straggler_share)
    normal = NormalDist(0, sigma).cdf

    def share(seconds: float) -> float:
        if seconds <= 0:
            return 0.0
        usual, slow = math.log(seconds / median_s), math.log(seconds / median_s / straggler_factor)
        return (1 - straggler_share) * normal(usual) + straggler_share * normal(slow)

    return share


def order_statistic_share(share: float, needed: int, copies: int) -> float:
    """Probability that `needed` of so many independent answers have come, when each has come with probability `share`.

    `sum over j >= k of C(n, j) F**j (1 - F)**(n - j)` (David and Nagaraja, *Order Statistics*, 2003, sec. 2.1).
    """
    require_fraction(share=share)
    return 1 - _fewer_up(copies, needed, 1 - share)


def quorum_quantile_s(quantile: float, needed: int, copies: int, answered: Share) -> float:
    """Return after how many seconds `needed` answers of `copies` have come, for this share of the writes."""
    if not 0 < quantile < 1:
        raise BadParameter(f"quantile = {quantile!r}: give a share between 0 and 1, such as 0.99")
    if not 1 <= needed <= copies:
        raise BadParameter(f"needed = {needed!r} of {copies} copies: give 1 to {copies}")
    low, high = 0.0, 1.0
    while order_statistic_share(answered(high), needed, copies) < quantile:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        enough = order_statistic_share(answered(middle), needed, copies) >= quantile
        low, high = (low, middle) if enough else (middle, high)
    return high


# ------------------------------------------------------------------------------------------ what it costs
def repair_s(size_bytes: float, bits_per_s: float) -> float:
    """Seconds to copy a segment: 10 GB at 10 Gb/s take 8. For so long one failure more must not meet it."""
    require_positive(size_bytes=size_bytes, bits_per_s=bits_per_s)
    return 8 * size_bytes / bits_per_s


def break_even_utilisation(price_provisioned: float, price_serverless: float) -> float:
    """Mean capacity in use, as a share of the provisioned one, above which the provisioned one is cheaper.

    `u* = p / s`, prices for the same memory and hour. Above 1: serverless is always cheaper.
    """
    require_positive(price_provisioned=price_provisioned, price_serverless=price_serverless)
    return price_provisioned / price_serverless
