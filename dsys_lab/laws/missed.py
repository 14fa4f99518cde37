"""What is missed: how much, and how long until somebody knows."""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_not_negative, require_positive


def missed_while_down(mtbf_s: float, mttr_s: float) -> float:
    """Share of the messages that a reader misses which hears only what comes while it is up: `MTTR / (MTBF + MTTR)`.

    Messages come at random (Poisson), so they see the share of the time that it is down.
    """
    require_positive(mtbf_s=mtbf_s)
    require_not_negative(mttr_s=mttr_s)
    return mttr_s / (mtbf_s + mttr_s)


def known_by_numbers_s(rate: float, *, lost_share: float = 0.0, reorder: int = 0) -> float:
    """Seconds until a gap in the numbers of a key is seen, on average: `(k + 1 / (1 - p)) / rate`.

    At random times (Poisson) the sender sends `rate` messages of the key a second. One is sent that is lost; what shows
    it is the first to arrive that stands more than `reorder` = k above it, and each is lost itself with probability
    `lost_share` = p. The last message of all is never known.
    """
    require_positive(rate=rate)
    require_not_negative(reorder=reorder)
    if not 0 <= lost_share < 1:
        raise BadParameter(f"lost_share = {lost_share!r}: give a share below 1; where all is lost nothing tells of it")
    return (reorder + 1 / (1 - lost_share)) / rate


def known_by_heartbeat_s(rate: float, every_s: float) -> float:
    """Seconds until a loss is known by the next number or the next heartbeat, whichever is first, on average.

    The next message of the key comes after an exponential time of mean `1 / rate`, the next beat after a uniform one of
    0 to H: `1/r - (1 - exp(-r H)) / (r^2 H)`. A key that sends nothing more (rate 0) is known by the beat alone: H / 2.
    The beats come on the same way as the messages, behind them, so that they need no grace.
    """
    require_positive(every_s=every_s)
    require_not_negative(rate=rate)
    if rate == 0:
        return every_s / 2
    return 1 / rate + math.expm1(-rate * every_s) / (rate**2 * every_s)


def known_later_than(seconds: float, rate: float, every_s: float | None) -> float:
    """Share of the losses that are not known after so long, with numbers and a heartbeat: `exp(-r t) (1 - t / H)`.

    Nought from H on; without a heartbeat (None) `exp(-r t)`. The same assumptions as `known_by_heartbeat_s`.
    """
    require_not_negative(seconds=seconds, rate=rate)
    no_ping = math.exp(-rate * seconds)
    if every_s is None:
        return no_ping
    require_positive(every_s=every_s)
    return no_ping * max(0.0, 1 - seconds / every_s)


def known_by_comparison_s(every_s: float, *, settle_s: float = 0.0) -> float:
    """Seconds until a comparison of both ends finds a loss, on average: `P / 2 + settle`.

    A comparison every P leaves out what is younger than `settle_s`, for it may be under way. Exact where the buckets'
    length divides both.
    """
    require_positive(every_s=every_s)
    require_not_negative(settle_s=settle_s)
    return every_s / 2 + settle_s


def compared_later_than(seconds: float, every_s: float, *, settle_s: float = 0.0) -> float:
    """Share of the losses that no comparison has found after so long: `1 - (t - settle) / P`, from 1 down to nought.

    The same assumptions as `known_by_comparison_s`.
    """
    require_positive(every_s=every_s)
    require_not_negative(seconds=seconds, settle_s=settle_s)
    return min(1.0, max(0.0, 1 - (seconds - settle_s) / every_s))


def lost_unread(away_s: float, retention_s: float, *, rate: float = 1.0) -> float:
    """Messages that a queue lets go unread while its reader is away: those of the time beyond the retention."""
    require_positive(retention_s=retention_s, rate=rate)
    require_not_negative(away_s=away_s)
    return rate * max(0.0, away_s - retention_s)


def lost_at_failover(rate: float, delay_s: float) -> float:
    """Records that are acknowledged and lost when a leader dies whose follower has each of them `delay_s` later."""
    require_positive(rate=rate)
    require_not_negative(delay_s=delay_s)
    return rate * delay_s


def lost_to_a_jump(ahead_s: float, retention_s: float, comes_every_s: float, *, rate: float = 1.0) -> float:
    """Records that a clock's jump ahead takes from a reader who comes every so often, the worst moment assumed.

    Just before a visit the unread are up to `comes_every_s` old, and by the new clock `ahead_s` older.
    """
    require_positive(retention_s=retention_s, comes_every_s=comes_every_s, rate=rate)
    require_not_negative(ahead_s=ahead_s)
    return rate * min(comes_every_s, max(0.0, comes_every_s + ahead_s - retention_s))


def hashes_compared_most(differing: int, leaves: int, *, fan_out: int = 2) -> int:
    """The most hashes that are compared to find `differing` leaves in a tree over `leaves`: `1 + d f ceil(log_f n)`."""
    require_positive(leaves=leaves)
    require_not_negative(differing=differing)
    if fan_out < 2:
        raise BadParameter(f"fan_out = {fan_out!r}: give 2 or more")
    depth, width = 0, 1
    while width < leaves:
        depth, width = depth + 1, width * fan_out
    return 1 + differing * fan_out * depth
