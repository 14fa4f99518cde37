"""One fact, three ways: what a caller, a reader and a group of consumers may expect of a table, a service and a log.

What a broker's readers owe after an outage stands with the queues (`outage_drain_s`), what an acknowledgement repeats
with the logs (`repeated_after_crash`, `missed_after_crash`).
"""

from __future__ import annotations

from collections.abc import Iterable

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def chain_availability(availability: float, hops: int) -> float:
    """Share of calls that succeed through n services, each of which is up for a share a of the time: `a**n`.

    They fail independently, and nobody tries again: 0.999 five times is 0.99501.
    """
    require_fraction(availability=availability)
    if hops < 1:
        raise BadParameter(f"hops = {hops!r}: give 1 or more")
    return float(availability**hops)


def calls_failed(calls_a_second: float, outage_s: float, *, asked_for_s: float = 0.0) -> float:
    """Calls that fail, on average, while a service is down for T: `lambda max(0, T - L)`.

    A caller asks for the last time L after it asked first, and finds the service up if that is after the outage.
    """
    require_not_negative(calls_a_second=calls_a_second, outage_s=outage_s, asked_for_s=asked_for_s)
    return calls_a_second * max(0.0, outage_s - asked_for_s)


def waiting_after_outage(records_a_second: float, outage_s: float) -> float:
    """Records that a broker holds for a reader that was down for T: `lambda T`.

    At 100 a second and 30 s, 3,000; `outage_drain_s` says for how long they are felt.
    """
    require_not_negative(records_a_second=records_a_second, outage_s=outage_s)
    return records_a_second * outage_s


def messages_missing(crash_share: float, writes: int) -> float:
    """Messages that are never published, on average, of n that are committed first: `q n`.

    q is the share of the times that the program dies between the two steps. With an outbox none is missing, and as many
    relays die after publishing, so q n is then how often something is published again.
    """
    require_fraction(crash_share=crash_share)
    require_not_negative(writes=writes)
    return crash_share * writes


def readers_broken(readers: Iterable[Iterable[str]], removed: Iterable[str]) -> int:
    """Readers of a table that stop when columns are removed: those who name one of them."""
    gone = frozenset(removed)
    return sum(not gone.isdisjoint(fields) for fields in readers)


def group_throughput(records_a_second: float, each_a_second: float, consumers: int, partitions: int) -> float:
    """Records a second that a group of c consumers works off: `min(lambda, mu min(c, P))`.

    A partition has one consumer at a time, and keys fall evenly: where c < P that needs P to be a multiple of c, for
    the consumer with the most partitions is the last to be done.
    """
    require_positive(each_a_second=each_a_second, consumers=consumers, partitions=partitions)
    require_not_negative(records_a_second=records_a_second)
    return min(records_a_second, each_a_second * min(consumers, partitions))


def hot_key_throughput(records_a_second: float, each_a_second: float, partitions: int, hot_share: float) -> float:
    """Records a second that are worked off, a consumer for each partition, if a share h of the records has one key.

    One partition gets `lambda (h + (1 - h) / P)`, each other `lambda (1 - h) / P`; each is worked off at mu at most.
    """
    require_positive(each_a_second=each_a_second, partitions=partitions)
    require_not_negative(records_a_second=records_a_second)
    require_fraction(hot_share=hot_share)
    even = records_a_second * (1 - hot_share) / partitions
    hot = even + records_a_second * hot_share
    return min(each_a_second, hot) + (partitions - 1) * min(each_a_second, even)
