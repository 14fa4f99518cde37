"""Messages on loan: how often is a message lent, and what does asking in vain cost?"""

from __future__ import annotations

import itertools
import math

from dsys_lab.errors import require_fraction, require_not_negative, require_positive


def exponential_within(visibility_s: float, work_mean_s: float) -> float:
    """Share F(V) of exponential work that ends within the visibility timeout: `1 - exp(-V/m)`."""
    require_positive(visibility_s=visibility_s, work_mean_s=work_mean_s)
    return 1 - math.exp(-visibility_s / work_mean_s)


def deliveries_newest(share_within: float) -> float:
    """Mean deliveries of a message when only the newest handle acknowledges: `1 / F(V)`.

    Every delivery is a fresh draw of the work, a worker is always free when the message shows again, and the work is
    not remembered. Geometric: P(more than k) = (1 - F)**k.
    """
    require_fraction(share_within=share_within)
    require_positive(share_within=share_within)
    return 1 / share_within


def deliveries_any(visibility_s: float, work_mean_s: float) -> float:
    """Mean deliveries when any handle acknowledges, exponential work: `1 + sum over n of exp(-V n (n+1) / 2m)`.

    The n-th redelivery happens only if all earlier workers, who go on, are still at it.
    """
    require_positive(visibility_s=visibility_s, work_mean_s=work_mean_s)
    ratio = visibility_s / work_mean_s
    terms = (math.exp(-ratio * n * (n + 1) / 2) for n in range(1, 10_000))
    that_count = itertools.takewhile(lambda term: term > 1e-12, terms)
    return 1 + math.fsum(that_count)


def falsely_dead(share_within: float, max_receives: int) -> float:
    """Share of healthy messages set aside as poison though every attempt did the work: `(1 - F(V))**R`."""
    require_fraction(share_within=share_within)
    require_positive(max_receives=max_receives)
    return (1 - share_within) ** max_receives


def poison_load(poison_share: float, max_receives: int) -> float:
    """Factor by which poison raises the work: `1 - p + p R`, for each poisoned message is tried R times."""
    require_fraction(poison_share=poison_share)
    require_positive(max_receives=max_receives)
    return 1 - poison_share + poison_share * max_receives


def empty_receives_a_day(arrival_rate: float, *, wait_s: float = 0.0, every_s: float = 1.0) -> float:
    """Receives that find nothing, a day and waiter, with Poisson arrivals.

    Long poll of `wait_s`: `86,400 lambda e**(-lambda w) / (1 - e**(-lambda w))`. Short poll (`wait_s` = 0) once every
    `every_s`: `86,400 / T * e**(-lambda T)`.
    """
    require_positive(arrival_rate=arrival_rate, every_s=every_s)
    require_not_negative(wait_s=wait_s)
    day_s = 86_400
    if not wait_s:
        return day_s / every_s * math.exp(-arrival_rate * every_s)
    none = math.exp(-arrival_rate * wait_s)
    return day_s * arrival_rate * none / (1 - none)
