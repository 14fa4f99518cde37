"""The detectors alone: at random times messages are sent, some are lost, and each detector is asked when it knew."""

from __future__ import annotations

from heapq import merge
from typing import Final

from dsys_lab.brokers.audit import Heartbeat, Missing, SequenceGap, Tally, differing
from dsys_lab.errors import require_choice, require_fraction, require_positive
from dsys_lab.simulation import to_us
from dsys_lab.simulation.chance import exponential, stream

DETECTORS: Final = ("numbers", "heartbeat", "comparison")
KEY: Final = "anna"
BUCKETS_A_COMPARISON: Final = 4


def detection_delays_s(
    detector: str,
    *,
    rate: float = 0.2,
    heartbeat_s: float = 5.0,
    compare_s: float = 60.0,
    settle_s: float = 0.0,
    lost_share: float = 0.05,
    messages: int = 12_000,
    tail: bool = False,
    seed: int = 14,
) -> dict[int, float | None]:
    """Return for each number that is lost how long after it was sent it was known to be missing; None: never.

    Parameters
    ----------
    detector : str
        "numbers", "heartbeat" (with the numbers), or "comparison".
    rate : float
        Messages of the key a second, at random.
    heartbeat_s : float
        How often the sender says its last number.
    compare_s : float
        How often both ends compare, in buckets of a quarter of that.
    settle_s : float
        What is younger is left out of a comparison.
    lost_share : float
    tail : bool
        Whether the last message is lost too.

    Examples
    --------
    >>> detection_delays_s("numbers", messages=3, lost_share=0, tail=True)
    {3: None}
    """
    require_choice("detector", detector, DETECTORS)
    require_positive(rate=rate, heartbeat_s=heartbeat_s, compare_s=compare_s, messages=messages)
    require_fraction(lost_share=lost_share)
    draw, luck, fate = exponential(1 / rate), stream(seed, "watching/gaps"), stream(seed, "watching/fate")
    now_s, sent = 0.0, []
    for number in range(1, messages + 1):
        now_s += draw(luck)
        is_lost = fate() < lost_share or (tail and number == messages)
        sent.append((to_us(now_s), number, is_lost and (tail or number < messages)))
    watch = _compare if detector == "comparison" else _listen
    every_us = to_us(compare_s if detector == "comparison" else heartbeat_s)
    known = watch(sent, every_us, to_us(settle_s), beats=detector == "heartbeat")
    lost_us = {number: at_us for at_us, number, is_lost in sent if is_lost}
    return {n: (known[n] - at_us) / 1e6 if n in known else None for n, at_us in lost_us.items()}


Sent = list[tuple[int, int, bool]]
"""When, which number, and whether it is lost."""


def _listen(sent: Sent, every_us: int, settle_us: int, *, beats: bool) -> dict[int, int]:
    """Return when each number was known to be missing by the next one, or by a beat that comes behind the messages."""
    gaps, known = SequenceGap(), dict[int, int]()
    heart = Heartbeat(gaps, every_s=every_us / 1e6, grace_s=0)
    beat_us = range(every_us, sent[-1][0] + 2 * every_us, every_us) if beats else ()
    last = 0
    for at_us, number, is_lost in merge(sent, ((us, 0, False) for us in beat_us), key=lambda event: event[0]):
        found: tuple[Missing, ...] = ()
        if number:
            last = number
            found = () if is_lost else gaps.observe(KEY, number)
        else:
            heart.beat(at_us, {KEY: last})
            found = heart.due(at_us)
        known |= {n: at_us for gap in found for n in range(gap.first, gap.last + 1)}
    return known


def _compare(sent: Sent, every_us: int, settle_us: int, *, beats: bool) -> dict[int, int]:
    """Return when each number was known to be missing by a comparison of both ends' tallies."""
    bucket_s = every_us / 1e6 / BUCKETS_A_COMPARISON
    ours, theirs, known, at = Tally(bucket_s), Tally(bucket_s), dict[int, int](), 0
    for now_us in range(every_us, sent[-1][0] + settle_us + 3 * every_us, every_us):
        while at < len(sent) and sent[at][0] < now_us:
            at_us, number, is_lost = sent[at]
            ours.add(at_us, str(number))
            if not is_lost:
                theirs.add(at_us, str(number))
            at += 1
        before_us = now_us - settle_us
        for bucket in differing(ours, theirs, before_us=before_us):
            known |= {int(number): now_us for number in ours.not_in(theirs, bucket)}
        ours.forget(before_us)
        theirs.forget(before_us)
    return known
