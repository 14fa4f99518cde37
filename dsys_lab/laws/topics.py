"""A topic: how many copies it makes, which outages its retries survive, how often a repeated call is carried out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def copies_made(messages: int, wanted: Sequence[float]) -> float:
    """Copies that a topic hands on, on average: `messages * sum(wanted)`, where each seat wants its share of them."""
    require_not_negative(messages=messages)
    for number, share in enumerate(wanted):
        require_fraction(**{f"wanted[{number}]": share})
    return messages * math.fsum(wanted)


def lost_in_outage(lasts_s: float, mean_outage_s: float) -> float:
    """Share of the messages that come during an outage and are given up before it ends: `exp(-lasts / mean)`.

    Outages are exponential, so however long one has lasted, what is left of it has the same mean. `lasts_s` is how long
    the retries go on; between two of them it may end without anybody noticing, so the law is a lower bound.
    """
    require_not_negative(lasts_s=lasts_s)
    require_positive(mean_outage_s=mean_outage_s)
    return math.exp(-lasts_s / mean_outage_s)


def effects_of_a_call(fails: float) -> float:
    """How often a call is carried out that is repeated until its answer comes: `(1 - p/2) / (1 - p)`.

    A call fails with probability `fails`, half the time on its way there and half the time on its way back; the second
    half was carried out.
    """
    if not 0 <= fails < 1:
        raise BadParameter(f"fails = {fails!r}: give a share below 1; a call that always fails never ends")
    return (1 - fails / 2) / (1 - fails)
