"""A store in partitions: what it lets through, what moves when it grows, who overlaps with whom."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def accepted_units(loads: Sequence[float], limits: Sequence[float]) -> float:
    """Units a second that partitions let through, each up to its limit: the sum of `min(load_j, limit_j)`.

    In the long run, when nothing was saved up; what one partition does not use helps no other.
    """
    require_not_negative(**{f"loads[{n}]": load for n, load in enumerate(loads)})
    return math.fsum(min(load, limit) for load, limit in zip(loads, limits, strict=True))


def burst_lasts_s(rate: float, offered: float, *, saved_s: float) -> float:
    """Seconds for which what was saved up covers an excess: `rate * saved / (offered - rate)`; inf without one."""
    require_positive(rate=rate)
    require_not_negative(offered=offered, saved_s=saved_s)
    return math.inf if offered <= rate else rate * saved_s / (offered - rate)


def moved_by_ring(machines: int) -> float:
    """Share of the keys that move on a hash ring when one machine joins `machines`, on average: `1 / (n + 1)`."""
    require_positive(machines=machines)
    return 1 / (machines + 1)


def moved_by_modulo(machines: int) -> float:
    """Share of the keys that move when a hash is taken modulo n + 1 instead of n: `n / (n + 1)`.

    A key stays where both remainders are the same: for n of the n (n + 1) pairs of remainders.
    """
    require_positive(machines=machines)
    return machines / (machines + 1)


def moved_by_split(partitions: int) -> float:
    """Share of the keys that move when one of `partitions` equal ranges is cut in the middle: half of its share."""
    require_positive(partitions=partitions)
    return 1 / (2 * partitions)


def quorums_overlap(n: int, r: int, w: int) -> int:
    """In how many machines, at the least, those that are asked and those that have a write overlap: `R + W - N`."""
    _require_quorums(n, r, w)
    return max(0, r + w - n)


def stale_after_write(n: int, r: int, w: int) -> float:
    """Share of reads that miss a write just acknowledged, the R asked drawn by luck: `C(N - W, R) / C(N, R)`.

    Exactly W machines have it, and nobody stands in for another. Bailis et al., VLDB 2012, equation 1.
    """
    _require_quorums(n, r, w)
    return math.comb(n - w, r) / math.comb(n, r)


def stale_at_follower(writes_a_second: float, behind_s: float) -> float:
    """Share of reads at a replica `behind_s` behind that miss the newest write of a key: `1 - exp(-w d)`.

    Writes of the key come at random (Poisson); a read is stale if one was committed within the time that the replica
    is behind.
    """
    require_not_negative(writes_a_second=writes_a_second, behind_s=behind_s)
    return 1 - math.exp(-writes_a_second * behind_s)


def suffixes_needed(writes_a_second: float, units_a_write: float, limit: float) -> int:
    """Into how many keys one key must be cut so that each stays within a partition's limit: `ceil(w u / limit)`."""
    require_positive(writes_a_second=writes_a_second, units_a_write=units_a_write, limit=limit)
    return math.ceil(writes_a_second * units_a_write / limit - 1e-9)


def index_backlog(base_rate: float, index_rate: float, seconds: float) -> float:
    """Changes that wait for a global index after so long: `(base - index) * t`, and none if the index keeps up."""
    require_positive(base_rate=base_rate, index_rate=index_rate)
    require_not_negative(seconds=seconds)
    return max(0.0, base_rate - index_rate) * seconds


def counted_too_often(lost_answers: float) -> float:
    """Factor by which an `ADD` sent again after each lost answer counts too much: `1 / (1 - p)`.

    Every attempt is carried out, and its answer is lost with probability p; the client goes on until one comes.
    """
    require_fraction(lost_answers=lost_answers)
    if lost_answers == 1:
        raise BadParameter("lost_answers = 1: the client never stops; give less than 1")
    return 1 / (1 - lost_answers)


def _require_quorums(n: int, r: int, w: int) -> None:
    if not (1 <= r <= n and 1 <= w <= n):
        raise BadParameter(f"n = {n!r}, r = {r!r}, w = {w!r}: give 1 or more copies, and 1 to n for r and w")
