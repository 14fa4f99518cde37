"""Promises on old news: how many are too many, how much to hold back, who leaves while waiting, when a fault is found.

What is promised too much is what was promised in the time that the news was on its way: with random (Poisson) arrivals
its number is Poisson of mean `rate * (news + hop)`, where `hop` is an order's way to the stock. Domain: the sale does
not end before all is sold, and all gates hear each change equally late.
"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_not_negative, require_positive


def promised_unseen(rate: float, news_s: float, hop_s: float = 0.0) -> float:
    """Mean number of orders promised while the news of the last pillow is on its way: `rate * (news + hop)`."""
    require_not_negative(rate=rate, news_s=news_s, hop_s=hop_s)
    return rate * (news_s + hop_s)


def poisson_share(mean: float, count: int) -> float:
    """Share of a Poisson number of this mean that is exactly `count`."""
    require_not_negative(mean=mean, count=count)
    if mean == 0:
        return float(count == 0)
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def poisson_at_most(mean: float, count: int) -> float:
    """Share of a Poisson number of this mean that is `count` or less."""
    return min(1.0, sum(poisson_share(mean, n) for n in range(count + 1)))


def apologies_due(mean: float, reserve: int = 0) -> float:
    """Mean number of apologies, `E[(X - s)+]` for Poisson X of this mean and a reserve of s pillows."""
    require_not_negative(mean=mean, reserve=reserve)
    return mean - reserve + reserve_unsold(mean, reserve)


def reserve_unsold(mean: float, reserve: int) -> float:
    """Mean number of pillows that a reserve leaves unsold, `E[(s - X)+]`."""
    require_not_negative(mean=mean, reserve=reserve)
    return sum((reserve - n) * poisson_share(mean, n) for n in range(reserve))


def reserve_cost(mean: float, reserve: int, *, apology: float, margin: float) -> float:
    """Mean cost of a reserve: `apology * E[(X - s)+] + margin * E[(s - X)+]`, in the unit of the two prices."""
    require_not_negative(apology=apology, margin=margin)
    return apology * apologies_due(mean, reserve) + margin * reserve_unsold(mean, reserve)


def best_reserve(mean: float, *, apology: float, margin: float) -> int:
    """The reserve that costs least: the smallest s with `P(X <= s) >= apology / (apology + margin)`.

    One pillow more held back saves an apology with the chance that it is needed, P(X > s), and else loses a margin.
    Source: the newsvendor's problem; Arrow, Harris and Marschak, "Optimal inventory policy", Econometrica 1951.
    """
    require_not_negative(mean=mean, apology=apology)
    require_positive(margin=margin)
    if not math.isfinite(apology):
        raise BadParameter(f"apology = {apology!r}: no reserve is certain; give a price")
    share, reserve, reached = apology / (apology + margin), 0, poisson_share(mean, 0)
    while reached < share:
        reserve += 1
        reached += poisson_share(mean, reserve)
        if reserve > mean + 40 * math.sqrt(mean) + 100:  # what is left of the sum is smaller than a float can say
            break
    return reserve


def leaves_share(answer_s: float, patience_s: float, *, stages: int = 2) -> float:
    """Share of those who wait that leave before their answer: `1 - (1 + L / (k tau))**-k`.

    The answer takes L on average in k exponential stages (Erlang; the way there and the way back are two), patience is
    exponential of mean tau. It is `1 - E[exp(-L / tau)]` for any L.
    """
    require_not_negative(answer_s=answer_s)
    require_positive(patience_s=patience_s, stages=stages)
    return 1 - (1 + answer_s / (stages * patience_s)) ** -stages


def found_after_s(every_s: float, within_s: float = 0.0) -> float:
    """Mean time from a silent fault to the audit that finds it: `within + every / 2`.

    The fault comes at any moment alike; what is missing can be called so only after `within_s`, what is there twice at
    once (`within_s` = 0).
    """
    require_positive(every_s=every_s)
    require_not_negative(within_s=within_s)
    return within_s + every_s / 2


def price_of_promising(sold_by_asking: float, sold_by_promising: float, sorry: float) -> float:
    """The price of an apology, in margins, up to which promising earns more than asking: `(P - A) / sorry`."""
    require_positive(sorry=sorry)
    return (sold_by_promising - sold_by_asking) / sorry
