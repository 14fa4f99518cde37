"""What the runs of a door come to, counted from their rows or over many runs.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import fmean
from typing import Final

import pandas as pd

from dsys_lab.scenarios.event_bus.attack_script import GOOD, GUARDS, KINDS
from dsys_lab.scenarios.event_bus.hook_machines import ANSWER_WITHIN_S
from dsys_lab.scenarios.event_bus.web_hooks import NOTHING, SCHEDULES, attack, crash_at_the_door, hear_of_it
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.trace import Trace

RUNS: Final = 5
LONG_MINUTES: Final = 120.0


# ------------------------------------------------------------------------------------------ from one trace
def delays_s(trace: Trace) -> list[float]:
    """Return for each event of which we heard how long after it happened that was, in seconds."""
    happened_us = {row.message: row.time_us for row in trace.of("change")}
    heard_us: dict[str | None, int] = {}
    for row in trace.of("enqueue"):
        heard_us.setdefault(row.message, row.time_us)
    return [(at_us - happened_us[message]) / 1e6 for message, at_us in heard_us.items()]


def never_heard(trace: Trace) -> int:
    """Return how many events happened of which we never heard."""
    return len({row.message for row in trace.of("change")} - {row.message for row in trace.of("enqueue")})


def asked(trace: Trace) -> int:
    """Return how often we asked for the list, for as long as there was something to hear of."""
    end_us = _end_us(trace)
    return sum(row.fields["type"] == "ask" and row.time_us < end_us for row in trace.of("send"))


def asked_in_vain(trace: Trace) -> int:
    """Return how many of these questions found nothing."""
    end_us = _end_us(trace)
    return sum(row.time_us < end_us for row in trace.of("empty"))


def share_in_vain(trace: Trace) -> float:
    """Return the share of our questions that found nothing."""
    return asked_in_vain(trace) / asked(trace) if asked(trace) else 0.0


def _end_us(trace: Trace) -> float:
    """Return when the last night may be recorded, or was heard of after an outage: later all is asked in vain."""
    end_us = float(str(trace.header.params["minutes"])) * 60e6
    return max([end_us, *(row.time_us for row in trace.of("enqueue") if trace.header.params["down_s"])])


def ways(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each way to hear of events: how late, how many calls, in vain, and what was never heard of."""
    told = {}
    for name, run in runs.items():
        late_s = delays_s(run)
        told[name] = {
            "events": len(run.of("change")),
            "mean delay, s": round(fmean(late_s), 2),
            "longest, s": round(max(late_s), 2),
            "questions": asked(run),
            "in vain": asked_in_vain(run),
            "never heard of": never_heard(run),
        }
    return pd.DataFrame.from_dict(told, orient="index")


def effects(trace: Trace) -> dict[str, int]:
    """Return how many effects each sort of call had."""
    counted = Counter(str(row.fields["sort"]) for row in trace.of("effect"))
    return {kind: counted[kind] for kind in (GOOD, *KINDS)}


def foreign_effects(trace: Trace) -> int:
    """Return how many effects the partner did not mean: all but the first of what it sent, in time."""
    return sum(count for kind, count in effects(trace).items() if kind != GOOD)


def answers(trace: Trace) -> pd.DataFrame:
    """Return a row for each sort of call: how many of it were told what."""
    sort_of = {(row.message, row.fields["copy"]): str(row.fields["sort"]) for row in trace.of("publish")}
    counted = Counter((sort_of[row.message, row.fields["copy"]], str(row.fields["why"])) for row in trace.of("verify"))
    words = list(dict.fromkeys(why for _, why in sorted(counted)))
    table = {kind: {why: counted[kind, why] for why in words} for kind in (GOOD, *KINDS)}
    return pd.DataFrame.from_dict(table, orient="index")


def promised_and_lost(trace: Trace) -> int:
    """Return how many events the partner was told are safe that never took effect."""
    promised = {row.message for row in trace.of("publish_ok")}
    return len(promised - {row.message for row in trace.of("effect")})


# ------------------------------------------------------------------------------------------ what must come out
def expected_effects(
    without: str, *, each: int = 4, events: int = 40, remember_s: float | None = None
) -> dict[str, int]:
    """Return what each sort has for effects, by what each check keeps out.

    A sort has an effect if all that guards it is left out, or if `seen` has forgotten the id by then. Of a good call
    that was changed on its way the original comes second: with `seen` it is taken for the repetition.
    """
    left_out = set(without.split(", "))
    forgets = {"copied late": 900.0, "repeated late": 2_105.0}
    fails = {
        kind: all(
            check in left_out or (check == "id" and remember_s is not None and remember_s < forgets.get(kind, 0))
            for check in GUARDS[kind]
        )
        for kind in KINDS
    }
    good = events - (each if fails["changed"] and "id" not in left_out else 0)
    return {GOOD: good, **{kind: each if fails[kind] else 0 for kind in KINDS}}


def effects_without(
    *left_out: str, each: int = 4, remember_s: float | None = None, seed: int = 7
) -> dict[str, dict[str, int]]:
    """Return for each check that is left out the effects of each sort that should have none."""
    given = attack.defaults["remember_s"] if remember_s is None else remember_s
    runs = {name: attack(without=name, each=each, seed=seed, remember_s=given) for name in left_out or (NOTHING,)}
    return {without: {kind: effects(run)[kind] for kind in KINDS} for without, run in runs.items()}


def effects_table(*left_out: str, each: int = 4, remember_s: float | None = None, seed: int = 7) -> pd.DataFrame:
    """Return `effects_without` as a table: a row for each sort of call, a column for each check that is left out."""
    told = effects_without(*left_out, each=each, remember_s=remember_s, seed=seed)
    return pd.DataFrame({f"without {name}": column for name, column in told.items()}).loc[list(KINDS)]


# ------------------------------------------------------------------------------------------ over many runs
def asked_delays_s(*ask_every_s: float) -> list[Measured]:
    """Return the mean delay of events of which we hear by asking, at each interval."""

    def counted(*, ask_every_s: float, seed: int) -> float:
        return fmean(delays_s(hear_of_it(seed=seed, way="ask", ask_every_s=ask_every_s, minutes=LONG_MINUTES)))

    return over_seeds(counted, seeds=RUNS, ask_every_s=ask_every_s)


def shares_in_vain(*ask_every_s: float, events_per_minute: float = 1.0) -> list[Measured]:
    """Return the share of questions that find nothing, at each interval."""

    def counted(*, ask_every_s: float, seed: int) -> float:
        run = hear_of_it(seed=seed, way="ask", ask_every_s=ask_every_s, events_per_minute=events_per_minute,
                         minutes=LONG_MINUTES)  # fmt: skip
        return share_in_vain(run)

    return over_seeds(counted, seeds=RUNS, ask_every_s=ask_every_s)


def missed_in_outage(*down_s: float, way: str = "be called", tries: str = "three attempts") -> list[Measured]:
    """Return how many events are never heard of, at each length of an outage, with six events a minute."""

    def counted(*, down_s: float, seed: int) -> float:
        run = hear_of_it(seed=seed, way=way, down_s=down_s, tries=tries, events_per_minute=6.0, down_at_s=60.0,
                         minutes=2 + down_s / 60)  # fmt: skip
        return never_heard(run)

    return over_seeds(counted, seeds=4 * RUNS, down_s=down_s)


def lost_by_crash(*stored_every_s: float, events_per_minute: float = 30.0) -> list[Measured]:
    """Return how many events a crash takes that were answered before they were stored, over moments of the crash."""

    def counted(*, stored_every_s: float, seed: int) -> float:
        crash_at_s = 60.0 + stored_every_s * (seed - 0.5) / (4 * RUNS)
        run = crash_at_the_door(seed=seed, order="answer, then store", stored_every_s=stored_every_s,
                                events_per_minute=events_per_minute, crash_at_s=crash_at_s)  # fmt: skip
        return promised_and_lost(run)

    return over_seeds(counted, seeds=4 * RUNS, stored_every_s=stored_every_s)


def refused_by_clock(*skews_s: float, seed: int = 7, events: int = 14) -> list[Measured]:
    """Return the share of the good calls that a door refuses whose clock is so many seconds ahead."""
    shares = []
    for skew_s in skews_s:
        run = attack(seed=seed, skew_s=skew_s, events=events, each=1)
        shares.append((skew_s, 1 - effects(run)[GOOD] / events, 0.0))
    return shares


def tries_last_s(tries: str) -> float:
    """Return how long a partner tries an event of whom nobody answers: its pauses, and the waits before each."""
    pauses_s = SCHEDULES[tries].pauses_s
    return sum(pauses_s) + len(pauses_s) * ANSWER_WITHIN_S
