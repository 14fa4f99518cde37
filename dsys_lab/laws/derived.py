"""Derived copies: how often they are stale, or asked in vain, and whether it is dearer to write or to read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def stale_hit_share(writes_a_second: float, ttl_s: float) -> float:
    """Share of a cache's hits that are stale when nobody invalidates: `1 - (1 - e^(-w T)) / (w T)`.

    Of one key, whose writes and reads come at random (Poisson): a hit comes at any time of the T seconds alike, and is
    stale if a write came between the fill and it. The rate of the reads does not matter.
    """
    require_positive(ttl_s=ttl_s)
    require_not_negative(writes_a_second=writes_a_second)
    x = writes_a_second * ttl_s
    return 1 + math.expm1(-x) / x if x else 0.0


def overtaken_share(writes_a_second: float, way_s: float) -> float:
    """Share of the keys that a copy has wrong for good when it takes what came last: `1 - (1 - e^(-w m)) / (w m)`.

    Each key is written `w` times a second at random, and word of each write travels for an exponential time of mean m.
    Once all is quiet a key is wrong if an older word came after that of the last write. That was under way for T; the
    older ones that come still later are on average `w m e^(-T/m)`, where `e^(-T/m)` is anything from 0 to 1 alike. The
    law of the ttl, with the way in place of the ttl.
    """
    require_not_negative(way_s=way_s)
    return stale_hit_share(writes_a_second, way_s) if way_s else 0.0


def stale_after_lost_words(lost_share: float, writes_a_second: float, reads_a_second: float) -> float:
    """Share of reads that are stale where writers invalidate and a share `p` of their words is lost, without a ttl.

    `p a / (1 - p (1 - a))`, where `a = l / (l + w)` is the chance that somebody reads between two writes: a read is
    stale if the last write's word was lost and it found an entry there, which stays until a word arrives.
    """
    require_fraction(lost_share=lost_share)
    require_positive(writes_a_second=writes_a_second, reads_a_second=reads_a_second)
    read_between = reads_a_second / (reads_a_second + writes_a_second)
    return lost_share * read_between / (1 - lost_share * (1 - read_between))


def ttl_hit_share(reads_a_second: float, ttl_s: float) -> float:
    """Share of the reads of a key that hit, when it is kept for `ttl_s` after its fill: `l T / (1 + l T)`.

    Reads come at random (Poisson), and there is room for all: of each miss, which fills, come l T hits.
    """
    require_not_negative(reads_a_second=reads_a_second, ttl_s=ttl_s)
    return reads_a_second * ttl_s / (1 + reads_a_second * ttl_s)


def lru_hit_share(shares: Sequence[float], capacity: int) -> float:
    """Share of the reads that hit in a cache of `capacity` entries that throws out what was read longest ago.

    Che's approximation: every key stays for the same time t after it was read, so `sum p (1 - e^(-p t))` hit, with t
    such that `sum (1 - e^(-p t))` is the capacity. Reads independent of each other; good from some tens of entries on.

    Parameters
    ----------
    shares : sequence of float
        Of the reads, that of each key; they sum to 1.

    References
    ----------
    Che, Tung and Wang, "Hierarchical web caching systems", IEEE JSAC 2002; Fricker, Robert and Roberts, "A versatile
    and accurate approximation for LRU cache performance", ITC 2012.
    """
    return _hit_share(shares, capacity, lambda x: -math.expm1(-x))


def random_hit_share(shares: Sequence[float], capacity: int) -> float:
    """Share of the reads that hit in a cache of `capacity` entries that throws out any one of them.

    As `lru_hit_share`, but how long a key stays is exponential, and to read it does not help: a key is there for a
    share `p t / (1 + p t)` of the time. First come, first out comes to the same.

    References
    ----------
    Fricker, Robert and Roberts, ITC 2012, section 4; Gelenbe, "A unified approach to the evaluation of a class of
    replacement algorithms", IEEE Transactions on Computers 1973.
    """
    return _hit_share(shares, capacity, lambda x: x / (1 + x))


def _hit_share(shares: Sequence[float], capacity: int, there: Callable[[float], float]) -> float:
    """Return `sum p there(p t)` at the t at which `sum there(p t)` is the capacity."""
    require_positive(capacity=capacity)
    if not len(shares) or min(shares) <= 0 or not math.isclose(math.fsum(shares), 1, rel_tol=1e-6):
        raise BadParameter("shares: give the share of each key, above 0, that sum to 1")
    if capacity >= len(shares):
        return 1.0

    def kept(time: float) -> float:
        return math.fsum(there(share * time) for share in shares)

    low, high = 0.0, 1.0
    while kept(high) < capacity:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) < capacity else (low, middle)
    return math.fsum(share * there(share * high) for share in shares)


def stale_own_read(waited_s: float, lag_mean_s: float) -> float:
    """Share of reads that do not see the reader's own write, `waited_s` after it: `e^(-d / l)`.

    Where a change takes an exponential time of mean l to the copy that is read.
    """
    require_positive(lag_mean_s=lag_mean_s)
    require_not_negative(waited_s=waited_s)
    return math.exp(-waited_s / lag_mean_s)


def held_s(waited_s: float, lag_mean_s: float) -> float:
    """Seconds that a reader who wants to see their own write is held on average, `waited_s` after it: `l e^(-d/l)`.

    As `stale_own_read`: who comes too early waits for the rest of an exponential time, which has the same mean again.
    """
    return lag_mean_s * stale_own_read(waited_s, lag_mean_s)


def extremes_rows_read(changes: float, extreme_share: float, group_rows: float) -> float:
    """Rows that a view of extremes reads for so many changes: `n (1 + s g)`.

    Each change is one row; a share `s` of them takes away the smallest or the largest of a group, whose `g` rows are
    looked at again.
    """
    require_not_negative(changes=changes, extreme_share=extreme_share, group_rows=group_rows)
    return changes * (1 + extreme_share * group_rows)


def herd_went(readers_a_second: float, read_s: float) -> float:
    """Readers who go to the source for a key that was thrown out, until the first of them fills: `1 + l t`.

    Readers come at random, `l` a second; the first one's read takes `t`, and who comes meanwhile misses too.
    """
    require_not_negative(readers_a_second=readers_a_second, read_s=read_s)
    return 1 + readers_a_second * read_s


def push_touches(followers: float, reads_a_post: float) -> float:
    """Lists touched for each post that is copied to its followers when written: `f + r`.

    Followers and followed are as many, and all alike; each reader reads `reads_a_post` times in the time in which an
    author posts once.
    """
    require_not_negative(followers=followers, reads_a_post=reads_a_post)
    return followers + reads_a_post


def pull_touches(followers: float, reads_a_post: float) -> float:
    """Lists touched for each post that is gathered when somebody reads: `1 + r f`; as `push_touches`."""
    require_not_negative(followers=followers, reads_a_post=reads_a_post)
    return 1 + reads_a_post * followers


def break_even_reads(*, write_cost: float, read_cost: float) -> float:
    """From how many reads a post on copying is the cheaper: `c_write / c_read`, however many followers there are.

    `f c_w + r c_r = c_w + r f c_r`, whose followers cancel out for any f above 1.
    """
    require_positive(write_cost=write_cost, read_cost=read_cost)
    return write_cost / read_cost


def fan_out_s(followers: float, copies_a_second: float) -> float:
    """Seconds until the last follower has a post, when nothing else waits: `f / mu`."""
    require_positive(copies_a_second=copies_a_second)
    require_not_negative(followers=followers)
    return followers / copies_a_second
