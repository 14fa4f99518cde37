"""A delivery stream: how many crates of which size, what an outage costs, what is put twice and what is set aside."""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive

DAY_S = 86_400


def crate_gap_s(bytes_a_second: float, size_bytes: float, interval_s: float) -> float:
    """Seconds that a buffer fills before it is sealed: `min(T, B / r)`.

    It is also the age of the oldest byte when its crate goes out. Records are small against B and rT: a crate by size
    is up to one record larger, and one by time begins with its first record.
    """
    require_positive(bytes_a_second=bytes_a_second, size_bytes=size_bytes)
    require_not_negative(interval_s=interval_s)
    return min(interval_s, size_bytes / bytes_a_second)


def crate_bytes(
    bytes_a_second: float, size_bytes: float, interval_s: float, partitions: int = 1, *, record_bytes: float = 0
) -> float:
    """Bytes of a crate: `min(B, r T / P + c)`, for P folders among which the records spread evenly.

    Parameters
    ----------
    record_bytes : float
        Of the record that starts the hourglass: c, to be left out where it is small.
    """
    require_positive(partitions=partitions)
    require_not_negative(record_bytes=record_bytes)
    share = bytes_a_second / partitions
    filled = share * crate_gap_s(share, size_bytes, interval_s)
    return min(size_bytes, filled + record_bytes)


def crates_a_day(bytes_a_second: float, size_bytes: float, interval_s: float, partitions: int = 1) -> float:
    """Objects that a day makes: `86,400 P / min(T, B P / r)`."""
    require_positive(partitions=partitions)
    gap_s = crate_gap_s(bytes_a_second / partitions, size_bytes, interval_s)
    if gap_s == 0:
        raise BadParameter(f"interval_s = {interval_s!r}: every call makes a crate; give more than 0")
    return partitions * DAY_S / gap_s


def expired_s(outage_s: float, hold_s: float) -> float:
    """Seconds of data that an outage costs: `max(0, outage - hold)`.

    Up to an interval and a pause between attempts more: what was in the buffer as it began is older than the outage,
    and the first attempt after it comes up to a pause late.
    """
    require_not_negative(outage_s=outage_s, hold_s=hold_s)
    return max(0.0, outage_s - hold_s)


def puts_a_record(answers_lost: float) -> float:
    """How often a record is put whose producer puts again until it hears: `1 / (1 - p)`.

    Each put is accepted; p is the share of the answers that are lost, each for itself.
    """
    require_fraction(answers_lost=answers_lost)
    if answers_lost == 1:
        raise BadParameter("answers_lost = 1: nobody ever hears; give less")
    return 1 / (1 - answers_lost)


def set_aside_share(bad: float, records_a_crate: float = 1) -> float:
    """Share of the records set aside if a crate with one bad record is set aside whole: `1 - (1 - p) ^ n`.

    With n = 1 it is p: each record is judged for itself.
    """
    require_fraction(bad=bad)
    require_positive(records_a_crate=records_a_crate)
    return float(1 - (1 - bad) ** records_a_crate)


def in_another_hour_share(lag_h: float) -> float:
    """Share of the records that arrive in another hour than their own: `m (1 - exp(-1 / m))`.

    For moments anywhere in the hour alike and an exponential lag of mean m hours; crates that fill for minutes lie in
    the hour of their first record, which makes it a little less.
    """
    require_positive(lag_h=lag_h)
    return lag_h * (1 - math.exp(-1 / lag_h))
