"""What the runs of a bus come to, counted from their rows or over many runs.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from statistics import fmean, stdev
from typing import Final

import pandas as pd

from dsys_lab.brokers.event_bus import Entry, EventBus, Index, Loop, Matcher, Rule, Target
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.scenarios.event_bus import hook_counts
from dsys_lab.scenarios.event_bus.nights import NIGHTS, ON_CALL, RETRIES, ROUND_S, loop, renamed
from dsys_lab.scenarios.event_bus.sieves import envelope
from dsys_lab.scenarios.event_bus.web_hooks import attack
from dsys_lab.simulation import Measured, over_seeds, to_us
from dsys_lab.simulation.chance import stream
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import Trace

RUNS: Final = 8
ARRIVALS: Final = 250
LATE_S: Final = 5.0
"""What takes longer from the bus to its effect came late."""
DEVICES: Final = 100
JUDGES: Final = ("signature", "age", "id")
"""The checks of the door that look at who calls, and when."""


# ------------------------------------------------------------------------------------------ from one trace
def fates(trace: Trace) -> dict[str, int]:
    """Return what became of the copies for a target: done in time, done late, set aside, lost."""
    waited_s = [int(row.fields["waited_us"] or 0) / 1e6 for row in trace.of("effect")]
    late = sum(waited > LATE_S for waited in waited_s)
    return {"in time": len(waited_s) - late, "late": late, "dead letters": len(trace.of("dead")),
            "lost": len(trace.of("drop"))}  # fmt: skip


def fates_of(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return `fates` of each run, a row each."""
    return pd.DataFrame.from_dict({name: fates(run) for name, run in runs.items()}, orient="index")


def who_loses(runs: Mapping[str, Trace]) -> str:
    """Say which of the runs lose something."""
    losing = [name for name, run in runs.items() if fates(run)["lost"]]
    return "all" if len(losing) == len(runs) else " and ".join(losing) or "none"


def effects(trace: Trace) -> dict[str, int]:
    """Return how many effects each service carried out."""
    return dict(Counter(row.place for row in trace.of("effect")))


def done_again(trace: Trace) -> int:
    """Return how many effects were carried out that the same service had carried out before."""
    return len(trace.of("effect")) - len({row.fields["key"] for row in trace.of("effect")})


def effects_of(runs: Mapping[str, Trace], *services: str) -> pd.DataFrame:
    """Return the effects of each service in each run, those that were skipped for their key, and those done again."""
    told = {}
    for name, run in runs.items():
        did = effects(run)
        told[name] = {
            **{service: did.get(service, 0) for service in services or did},
            "skipped": len(run.of("effect_skip")),
            "done again": done_again(run),
        }
    return pd.DataFrame.from_dict(told, orient="index")


def came_as(trace: Trace, service: str = "search") -> list[int]:
    """Return the numbers of the events in the order in which a service carried them out."""
    return [int(str(row.message)[1:]) for row in trace.of("effect", place=service)]


def taken(trace: Trace) -> int:
    """Return how many events were put on the bus."""
    return len(trace.of("publish"))


def told_of_it(trace: Trace) -> str:
    """Say who was told that a pattern picks nothing any more."""
    return ON_CALL if trace.of("note") or trace.of("effect", place=ON_CALL) else "nobody"


def told_after_s(trace: Trace, renamed_s: float = 40.0) -> float | None:
    """Return how long after a field was renamed somebody was told, in seconds; None: never."""
    told = [row.time_us for row in trace if row.kind == "note" or (row.kind, row.place) == ("effect", ON_CALL)]
    return round(min(told) / 1e6 - renamed_s, 1) if told else None


def kept_out_by(sort: str) -> str:
    """Say which check of the door, left out, lets a sort of call take effect."""
    return " and ".join(check for check in JUDGES if hook_counts.effects(attack(without=check))[sort])


# ------------------------------------------------------------------------------------------ over many runs
@cache
def lost_share(retry: str, down_s: float) -> Measured:
    """Return the share that is given up of what comes evenly during an outage."""
    luck = stream(21, f"outage/{retry}/{down_s:g}")
    gone = [not _comes_through(retry, down_s * luck(), down_s) for _ in range(ARRIVALS)]
    return down_s, fmean(gone), stdev(gone) / ARRIVALS**0.5 if any(gone) else 0.0


def _comes_through(retry: str, put_s: float, up_s: float) -> bool:
    """Put an event at a time for a target that is down until `up_s`, carry out what is due, look whether it arrives."""
    bus, up_us = EventBus("bus"), to_us(up_s)
    bus.put_rule(0, Rule("nights", NIGHTS, [Target("coach", retry=RETRIES[retry])]))
    bus.put(to_us(put_s), [Entry("wearable", "Night", {"hours": 7})])
    while (due_us := bus.deadline_us()) is not None:
        [attempt] = bus.attempts(due_us)
        if due_us >= up_us:
            return True
        bus.failed(due_us, attempt.number, "down")
    return False


def lost_shares(*down_s: float, retry: str = "newer") -> list[Measured]:
    """Return `lost_share` at each outage."""
    return [lost_share(retry, one_s) for one_s in down_s]


def after_rounds(rounds: int, first: int = 3) -> float:
    """Return a time by which the loop went round so often, and no more often, in seconds."""
    return 0.5 * first + rounds * (ROUND_S + 3 * DELAY_S) + 0.4


def looped(*writes: float, rounds: int = 5) -> list[Measured]:
    """Return how many events there are after so many rounds, at each number written for each."""

    def counted(*, writes: float, seed: int) -> float:
        return loop.count(seed=seed, writes=writes, until_s=after_rounds(rounds)).count("publish")

    return over_seeds(counted, seeds=RUNS, writes=writes)


def rounds_of(*rounds: int, writes: float = 2.0, guard: str = "none") -> list[Measured]:
    """Return how many events there are after each number of rounds."""

    def counted(*, rounds: int, seed: int) -> float:
        run = loop.count(seed=seed, writes=writes, guard=guard, until_s=after_rounds(rounds))
        return run.count("publish")

    return over_seeds(counted, seeds=2, rounds=rounds)


def told_after(watch: str, *every_s: float, runs: int = 100) -> list[Measured]:
    """Return how long after the change somebody is told, at each gap between nights: the change comes at any moment.

    The gap of a run is up to a tenth shorter or longer, so that nights keep no step with whoever looks.
    """

    def counted(*, every_s: float, seed: int) -> float:
        luck = stream(seed, f"renamed/{watch}/{every_s:g}")
        renamed_s, gap_s = 40 + 60 * luck(), every_s * (0.9 + 0.2 * luck())
        run = renamed(watch=watch, every_s=gap_s, renamed_s=renamed_s, until_s=160.0)
        after_s = told_after_s(run, renamed_s)
        assert after_s is not None, "there are minutes left for it"
        return after_s

    return over_seeds(counted, seeds=runs, every_s=every_s)


def asked(rules: int, matcher: Matcher, events: int = 20) -> float:
    """Return how many patterns are asked of an event, if the rules are spread over a hundred devices."""
    for number in range(rules):
        wanted = {"detail-type": ["Night"], "detail": {"device": [f"ring-{number % DEVICES}"]}}
        matcher.add(f"r{number}", Pattern(wanted))
    for number in range(events):
        device = f"ring-{number % DEVICES}"
        list(matcher.verdicts(envelope(Entry("wearable", "Night", {"device": device}))))
    return matcher.asked / events


def asked_by(*rules: int, how: str = "index") -> list[Measured]:
    """Return `asked` at each number of rules, by an "index" or a "loop"."""
    return [(number, asked(number, Index() if how == "index" else Loop()), 0.0) for number in rules]
