"""What the runs of a topic come to, counted from their rows or over many runs.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from statistics import fmean, stdev
from typing import Final

import pandas as pd

from dsys_lab.brokers.topic import DeliveryPolicy, Subscription, Topic
from dsys_lab.scenarios.publish_subscribe.uploads import (
    LISTENERS,
    PLACES,
    fan_out,
    filtering,
    isolation,
    order,
    policy_of,
)
from dsys_lab.simulation import Measured, over_seeds, to_us
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.trace import Trace

RUNS: Final = 8
OUTAGES: Final = 2_000
BURST: Final = 200


# ------------------------------------------------------------------------------------------ from one trace
def heard(trace: Trace, *names: str) -> dict[str, int]:
    """Return how many different messages each listener carried out."""
    counted = Counter(place for place, _ in {(row.place, row.message) for row in trace.of("effect")})
    return {name: counted[name] for name in names or LISTENERS}


def who_heard(trace: Trace) -> dict[str, list[bool]]:
    """Return for each listener whether it carried out each message, in the order in which they were published."""
    messages = list(dict.fromkeys(row.message for row in trace.of("publish")))
    did = {(row.place, row.message) for row in trace.of("effect")}
    return {name: [(name, message) in did for message in messages] for name in LISTENERS}


def delays_s(trace: Trace, place: str) -> list[float]:
    """Return for each effect of a listener how long after its message was due to be published it came, in seconds."""
    published_us = {row.message: row.time_us for row in reversed(trace.of("publish"))}
    done = trace.of("effect", place=place)
    return [int(row.fields.get("waited_us") or row.time_us - published_us[row.message]) / 1e6 for row in done]


def slowest_feels(trace: Trace, quick: Trace) -> str:
    """Say who waits longer in `trace`, where billing is slow, than in `quick`, where it is not."""
    waits = [name for name in LISTENERS[:2] if fmean(delays_s(trace, name)) > 2 * fmean(delays_s(quick, name))]
    return "all three" if len(waits) == 2 else "billing alone" if not waits else f"billing and {waits[0]}"


def mean_delays(runs: Mapping[str, Trace]) -> dict[str, float]:
    """Return the mean delay in seconds of what each listener did in each run."""
    return {f"{name}: {place}": fmean(delays_s(run, place)) for name, run in runs.items() for place in LISTENERS}


def billings_copies(trace: Trace) -> dict[str, int]:
    """Return what became of billing's copies; of those that were given up some were done all the same."""
    published = len({row.message for row in trace.of("publish")})
    never = published - heard(trace)["billing"]
    return {
        "done, and answered in time": published - lost(trace),
        "given up, done all the same": lost(trace) - never,
        "given up, never done": never,
        "done again": repeats(trace),
    }


def lost(trace: Trace) -> int:
    """Return how many copies were dropped."""
    return len(trace.of("drop"))


def repeats(trace: Trace) -> int:
    """Return how many effects were carried out that had been carried out before."""
    return len(trace.of("effect")) - len({(row.place, row.message) for row in trace.of("effect")})


def overtaken(trace: Trace, *, groups: int = 2) -> int:
    """Return how many messages were first carried out after a later one of their group."""
    first: dict[str | None, None] = dict.fromkeys(row.message for row in trace.of("effect"))
    latest: dict[int, int] = {}
    late = 0
    for message in first:
        number = int(str(message)[1:])
        group = number % groups
        late += number < latest.get(group, 0)
        latest[group] = max(number, latest.get(group, 0))
    return late


def what_came(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each run: how many messages came out of order, were repeated, and how long they took, in s."""
    told = {
        name: {
            "overtaken": overtaken(run),
            "repeated": repeats(run),
            "mean delay, s": round(fmean(delays_s(run, "billing")), 2),
            "longest, s": round(max(delays_s(run, "billing")), 2),
        }
        for name, run in runs.items()
    }
    return pd.DataFrame.from_dict(told, orient="index")


def which_keeps_order(runs: Mapping[str, Trace]) -> str:
    """Say which of the two kinds of topic carries out no message after a later one of its group."""
    kept = [name for name, run in runs.items() if not overtaken(run)]
    return kept[0] if len(kept) == 1 else "both" if kept else "neither"


def which_repeats(runs: Mapping[str, Trace]) -> str:
    """Say which of the two kinds of topic has messages carried out twice."""
    again = [name for name, run in runs.items() if repeats(run)]
    return again[0] if len(again) == 1 else "both" if again else "neither"


def told_of_it(trace: Trace) -> str:
    """Say whether anything in the trace of a filter with a typo speaks of trouble."""
    return "an error" if trace.of("reject", "fail", "dead", "drop") else "nobody"


def handed_to_billing(trace: Trace) -> int:
    """Return how many copies the topic handed to billing."""
    return sum(row.fields["to"] == "billing" for row in trace.of("push"))


def traffic(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each run: what the topic handed to billing, what billing did, and what it threw away."""
    told = {
        name: {
            "handed to billing": handed_to_billing(run),
            "billing did": len(run.of("effect", place="billing")),
            "billing threw away": len(run.of("nomatch", place="billing")),
        }
        for name, run in runs.items()
    }
    return pd.DataFrame.from_dict(told, orient="index")


def share_saved(there: Trace, here: Trace) -> float:
    """Return the share of the copies to billing that a filter at the topic saves against one at billing."""
    return 1 - handed_to_billing(there) / handed_to_billing(here)


# ------------------------------------------------------------------------------------------ over many runs
def copies(*wanted: float, subscribers: int = 5) -> list[Measured]:
    """Return the copies a message at each share of the kinds that every subscriber wants."""

    def counted(*, wanted: float, seed: int) -> float:
        run = fan_out.count(seed=seed, wanted=wanted, subscribers=subscribers, messages=BURST, every_s=0.1)
        return run.count("match") / BURST

    return over_seeds(counted, seeds=RUNS, wanted=wanted)


def saved_shares(*wanted: float) -> list[Measured]:
    """Return the share of the copies to billing that a filter at the topic saves, at each share that billing wants."""

    def counted(*, wanted: float, seed: int) -> float:
        there, here = (filtering(seed=seed, at=at, wanted=wanted, messages=BURST, every_s=0.3) for at in PLACES)
        return share_saved(there, here)

    return over_seeds(counted, seeds=RUNS, wanted=wanted)


def _survives(policy: DeliveryPolicy, down_s: float) -> bool:
    """Publish a message to an endpoint that has just gone down, carry out what is due, and look whether it arrives."""
    topic, up_us = Topic("uploads"), to_us(down_s)
    topic.subscribe(0, Subscription(name="billing", policy=policy))
    topic.publish(0, "v1")
    while (due_us := topic.deadline_us()) is not None:
        for attempt in topic.attempts(due_us):
            if due_us >= up_us:
                topic.delivered(due_us, attempt.number)
                return True
            topic.failed(due_us, attempt.number, "down")
    return False


@cache
def lost_share(endpoint: str, mean_outage_s: float) -> Measured:
    """Return the share of messages lost that come during an exponential outage, over two thousand outages."""
    draw, luck = exponential(mean_outage_s), stream(15, f"outages/{endpoint}")
    gone = [not _survives(policy_of(endpoint), draw(luck)) for _ in range(OUTAGES)]
    return mean_outage_s, fmean(gone), stdev(gone) / OUTAGES**0.5 if any(gone) else 0.0


def lost_shares(*means_s: float, endpoint: str = "http") -> list[Measured]:
    """Return `lost_share` at each mean outage."""
    return [lost_share(endpoint, mean_s) for mean_s in means_s]


def effects_a_message(*fails: float, kind: str = "standard") -> list[Measured]:
    """Return how often a message is carried out at each share of calls that fail."""

    def counted(*, fails: float, seed: int) -> float:
        return order.count(seed=seed, kind=kind, fails=fails, messages=BURST).count("effect") / BURST

    return over_seeds(counted, seeds=RUNS, fails=fails)


def wired(*wirings: str, slow_work_s: float = 5.0) -> dict[str, Trace]:
    """Return the run of each wiring with a slow billing."""
    return {wiring: isolation(wiring=wiring, slow_work_s=slow_work_s) for wiring in wirings}


def same_times(one: Trace, other: Trace, place: str) -> int:
    """Return how many effects a listener carried out at the same microsecond in both runs."""
    done = [{(row.time_us, row.message) for row in run.of("effect", place=place)} for run in (one, other)]
    return len(done[0] & done[1])


def untouched(slow: Mapping[str, Trace], quick: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each wiring: of how many messages two listeners do not feel at all whether billing is slow."""
    told = {
        wiring: {
            place: f"{same_times(run, quick[wiring], place)} of {len(run.of('effect', place=place))}"
            for place in LISTENERS[:2]
        }
        for wiring, run in slow.items()
    }
    return pd.DataFrame.from_dict(told, orient="index")
