"""A log stream: what polling costs, what a hot key leaves of the shards, what a crash repeats, what one sync serves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.facts import fact


def polling_delay_s(interval_s: float) -> float:
    """Seconds that a record waits to be asked for, on average: `T / 2`.

    It comes at any moment of the interval alike, and each poll brings all that there is.
    """
    require_positive(interval_s=interval_s)
    return interval_s / 2


def polls_refused(
    readers: float, interval_s: float, *, calls_a_second: float = fact("kinesis_shard_read_calls").value
) -> float:
    """Share of the polls of one shard that are over its limit of calls: `max(0, 1 - limit T / C)`.

    In the long run; who was refused asks again at the next interval.
    """
    require_positive(readers=readers, interval_s=interval_s, calls_a_second=calls_a_second)
    return max(0.0, 1 - calls_a_second * interval_s / readers)


def pollers_most(
    written_bytes: float, interval_s: float, *, calls_a_second: float = fact("kinesis_shard_read_calls").value,
    read_bytes: float = fact("kinesis_shard_read_bytes").value,
) -> int:  # fmt: skip
    """How many readers can poll one shard and keep up: `floor(min(calls T, read bytes / written bytes))`.

    Parameters
    ----------
    written_bytes : float
        A second, to this shard; each reader reads them all.
    """
    require_positive(written_bytes=written_bytes, interval_s=interval_s)
    return math.floor(min(calls_a_second * interval_s, read_bytes / written_bytes) + 1e-9)


def usable_share(shares: Sequence[float]) -> float:
    """Share of all shards' capacity that can be used before the hottest is full: `1 / (S * hottest)`.

    Parameters
    ----------
    shares : sequence of float
        Of the records, by shard; together 1.
    """
    require_not_negative(**{f"shares[{number}]": share for number, share in enumerate(shares)})
    if not math.isclose(math.fsum(shares), 1, rel_tol=1e-6):
        raise BadParameter(f"shares add up to {math.fsum(shares):g}: give one for each shard, 1 together")
    return 1 / (len(shares) * max(shares))


def shards_needed(
    records_a_second: float, bytes_a_second: float, *,
    write_records: float = fact("kinesis_shard_write_records").value,
    write_bytes: float = fact("kinesis_shard_write_bytes").value,
) -> int:  # fmt: skip
    """How many shards take so much if keys spread evenly: the larger of `records / 1,000` and `bytes / 1 MiB`.

    A single key that needs more than one shard's limit cannot be helped by any number.
    """
    require_not_negative(records_a_second=records_a_second, bytes_a_second=bytes_a_second)
    return max(1, math.ceil(max(records_a_second / write_records, bytes_a_second / write_bytes) - 1e-9))


def repeated_after_crash(checkpoint_every: int) -> float:
    """Records worked on twice, on average, if a worker crashes that checkpoints *after* every C: `(C - 1) / 2`.

    It crashes while it works on any of the C alike, before the effect of that one.
    """
    require_positive(checkpoint_every=checkpoint_every)
    return (checkpoint_every - 1) / 2


def missed_after_crash(checkpoint_every: int) -> float:
    """Records never worked on, on average, if it checkpoints *before* every C: `(C + 1) / 2`; the same crash."""
    require_positive(checkpoint_every=checkpoint_every)
    return (checkpoint_every + 1) / 2


def takeover_most_s(lease_s: float, turn_s: float) -> float:
    """Seconds from a worker's crash until another takes its shard over, at most: `lease + 2 turns`.

    Workers look at the table every `turn_s`. One turn may pass until the last sign of life is seen, and one more until
    it is seen that the lease has gone by since.
    """
    require_positive(lease_s=lease_s, turn_s=turn_s)
    return lease_s + 2 * turn_s


def records_a_sync(records_a_second: float, window_s: float) -> float:
    """Records that one sync serves under group commit, on average: `1 + lambda w`.

    The first that comes opens a window of w seconds, and at its end all that came are synced; they come at random
    (Poisson).
    """
    require_not_negative(records_a_second=records_a_second, window_s=window_s)
    return 1 + records_a_second * window_s


def follows_within_s(rate: float, capacity: float, *, times: float, adapts_s: float) -> float:
    """Seconds until on-demand capacity has followed a jump to `rate`: `adapts_s * ceil(log_times(rate / capacity))`.

    Each `adapts_s` the capacity is `times` what was let in, and until then what is let in is the capacity; 0 if it was
    enough at once.
    """
    require_positive(rate=rate, capacity=capacity, adapts_s=adapts_s)
    if times <= 1:
        raise BadParameter(f"times = {times!r}: give more than 1, or it never follows")
    return adapts_s * max(0, math.ceil(math.log(rate / capacity, times) - 1e-9))


def left_out_by_a_slow_clock(slow_s: float, *, rate: float = 1.0) -> float:
    """Records that a reader does not get who asks for all since a moment by a right clock, of a stream whose is slow.

    What came within `slow_s` behind that moment bears an earlier time.
    """
    require_not_negative(slow_s=slow_s)
    require_positive(rate=rate)
    return rate * slow_s
