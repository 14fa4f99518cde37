"""To poll or to be called: what each costs and misses, how long an id must be remembered, what a crash takes."""

from __future__ import annotations

import math

from dsys_lab.errors import require_not_negative, require_positive


def wasted_polls(events_a_second: float, interval_s: float) -> float:
    """Share of polls that find nothing new: `exp(-lambda P)`.

    Events are a Poisson stream, and each poll brings all that happened since the last.
    """
    require_not_negative(events_a_second=events_a_second)
    require_positive(interval_s=interval_s)
    return math.exp(-events_a_second * interval_s)


def pushes_missed(events_a_second: float, outage_s: float, retries_last_s: float) -> float:
    """Events of which we never hear, on average, since we were down: `lambda max(0, D - L)`.

    A partner makes the last attempt for an event L seconds after the first (its pauses, and the time for which it waits
    for an answer before each), so what happens in the last L seconds of an outage of D is heard afterwards.
    """
    require_not_negative(events_a_second=events_a_second, outage_s=outage_s, retries_last_s=retries_last_s)
    return events_a_second * max(0.0, outage_s - retries_last_s)


def remembered_least_s(age_s: float) -> float:
    """Seconds that an id must be remembered after it came, so that no copy of the call passes: `2 A`.

    A call is good while its timestamp is within A of our clock, on either side; signed A ahead of it, for 2 A.
    """
    require_positive(age_s=age_s)
    return 2 * age_s


def refused_for_a_clock(skew_s: float, age_s: float) -> float:
    """Share of the good calls that a door refuses whose clock is so far off: all where it is further than the age."""
    require_positive(age_s=age_s)
    return float(abs(skew_s) > age_s)


def answered_and_lost(events_a_second: float, stored_every_s: float) -> float:
    """Events that a crash takes, on average, of those that were answered before they were stored: `lambda F / 2`.

    What was answered is stored every F seconds, and the crash comes at any moment alike.
    """
    require_not_negative(events_a_second=events_a_second)
    require_positive(stored_every_s=stored_every_s)
    return events_a_second * stored_every_s / 2
