"""What the runs of an overflowing buffer come to, counted from their rows: over many runs for a chart, or from one.

A function that takes `*values` returns (value, mean, standard error) for each of them, over eight seeds. Such an error
is itself an estimate: three of them hold the true mean in some forty-nine cases of fifty (Student's t, seven degrees).

A queue that starts empty is too short for a while, and near saturation it forgets slowly. So `waits` lets in the more
customers the busier the server is, and leaves the first of them out: the same luck is run twice, once with the first
ones only, and what they waited is taken off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from dsys_lab.laws import mg1_sojourn_s
from dsys_lab.scenarios.not_consumed_in_time.bursts import INBOX, blocking, hockey_stick
from dsys_lab.scenarios.not_consumed_in_time.closed_airport import GATES, HOUR_S
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.chance import SQUARED_VARIATION
from dsys_lab.trace import Trace, balance, depths, outcome

SEEDS: Final = 8
CUSTOMERS: Final = 50
"""How many customers count at each point, times `1 / (1 - rho)**2`: the error is then the same share everywhere."""
CUSTOMERS_LEAST: Final = 1_000
WARM_UP: Final = 0.1
"""How many come before them, as a share of those."""
ABOUT: Final = 0.05
"""Two numbers are about the same when they differ by less than this share."""


# ------------------------------------------------------------------------------------------ over many runs
def waits(*utilisations: float, service_shape: str = "exponential", customers: int = CUSTOMERS) -> list[Measured]:
    """Return the mean time in the system at each utilisation, in seconds, once the line is as long as it will be."""

    def mean_s(*, utilisation: float, seed: int) -> float:
        counted = max(CUSTOMERS_LEAST, round(customers / (1 - utilisation) ** 2))
        first = round(WARM_UP * counted)

        def waited_us(customers: int) -> float:
            run = hockey_stick.count(
                utilisation=utilisation, service_shape=service_shape, customers=customers, seed=seed
            )
            return run.sum("finish", "sojourn_us")

        return (waited_us(first + counted) - waited_us(first)) / counted / 1e6

    return over_seeds(mean_s, seeds=SEEDS, utilisation=utilisations)


def law_of_waits(service_shape: str) -> Callable[[float], float]:
    """Return the law of Pollaczek and Khinchine for `waits`: utilisation -> mean seconds in the system."""
    variation = SQUARED_VARIATION[service_shape]
    service_rate = hockey_stick.defaults["service_rate"]
    return lambda busy: mg1_sojourn_s(busy * service_rate, service_rate, squared_variation=variation)


def losses(*capacities: int, utilisation: float = 0.9, customers: int = 1_500) -> list[Measured]:
    """Return the share of the customers that find no room, at each capacity."""

    def share(**point: Any) -> float:
        counted = blocking.count(utilisation=utilisation, customers=customers, **point)
        return counted.count("drop") / counted.count("publish")

    return over_seeds(share, seeds=SEEDS, capacity=capacities)


# ------------------------------------------------------------------------------------------ from one trace
def drained_after_s(trace: Trace) -> float:
    """Return how long after the burst nobody waits for the first time; infinite if somebody always does."""
    return _empty_after_s(trace, INBOX, trace.header.params["burst_to_s"])


def cleared_after_h(trace: Trace) -> float:
    """Return how many hours after the runway opened nobody waits for the first time."""
    (opened,) = trace.of("steady")
    return _empty_after_s(trace, GATES, opened.time_us / 1e6) / HOUR_S


def _empty_after_s(trace: Trace, place: str, since_s: float) -> float:
    return next((at - since_s for at, waiting in depths(trace, place) if at >= since_s and not waiting), math.inf)


def passed_a_second(trace: Trace, *, from_s: float) -> dict[str, float]:
    """Return how many messages a second of each tenant the gate let through, from `from_s` on."""
    tenants = [row.fields["tenant"] for row in trace.of("finish") if row.time_us >= from_s * 1e6]
    seconds = trace.end_us / 1e6 - from_s
    return {name: tenants.count(name) / seconds for name in ("tenant-a", "tenant-b")}


def late_goodput(trace: Trace, *, last_s: int = 30) -> tuple[float, float]:
    """Return, a second, the calls made late in a storm (but in time for all attempts) and those answered in time."""
    patience_s = (trace.header.params["retries"] + 1) * trace.header.params["timeout_s"]
    to_us = trace.end_us - patience_s * 1e6
    calls = [row for row in trace.of("publish") if row.fields["attempt"] == 1]
    late = {row.message for row in calls if to_us - last_s * 1e6 <= row.time_us < to_us}
    answered = late & {row.message for row in trace.of("publish_ok")}
    return len(late) / last_s, len(answered) / last_s


def calls_and_attempts(trace: Trace) -> dict[str, int]:
    """Return what became of the calls of a storm, and of the attempts that they took."""
    book, answered, given_up = balance(trace), len(trace.of("publish_ok")), {row.message for row in trace.of("abandon")}
    return {
        "calls": len({row.message for row in trace.of("publish")}),
        "calls answered in time": answered,
        "calls given up": len(given_up),
        "attempts": book.offered,
        "attempts done": book.done,
        "of these, the answer came too late": len(given_up & {row.message for row in trace.of("finish")}),
        "attempts expired": book.expired,
        "attempts that still wait": book.stored,
    }


def story(trace: Trace) -> list[tuple[str, str, str | None]]:
    """Return what happened to which message and where, in order, without the times."""
    return [(row.kind, row.place, row.message) for row in trace]


def lost_by(trace: Trace) -> dict[str, int]:
    """Return how many were lost to each reason, the most frequent first."""
    why = [str(row.fields["why"]) for row in trace.of("drop", "lost")]
    return dict(sorted(((reason, why.count(reason)) for reason in set(why)), key=lambda pair: (-pair[1], pair[0])))


# ------------------------------------------------------------------------------------------ which of them?
def sooner(*runs: Trace) -> str:
    """Return the policy under which 99 in 100 of the served have left sooner, or "about the same"."""
    (soonest, least), (_, next_s), *_ = sorted(
        ((str(run.header.params["policy"]), outcome(run).p99_s) for run in runs), key=lambda pair: pair[1]
    )
    return "about the same" if _about(least, next_s) else soonest


def more_done(held: Trace, free: Trace) -> str:
    """Return what holding back does to the number that is done: "fewer", "about as many" or "more"."""
    before, after = outcome(free).done, outcome(held).done
    if _about(before, after):
        return "about as many"
    return "more" if after > before else "fewer"


def equal_under(shares: dict[str, dict[str, float]]) -> str:
    """Return under which rule of feeling for the limit the two tenants come to about the same."""
    halve, take_one_off = (_about(*shares[rule].values(), within=0.1) for rule in ("aimd", "aiad"))
    if halve == take_one_off:
        return "both" if halve else "neither"
    return "only when they halve" if halve else "only when they take one off"


def _about(one: float, other: float, *, within: float = ABOUT) -> bool:
    return abs(one - other) <= within * max(one, other)
