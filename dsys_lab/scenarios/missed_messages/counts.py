"""What the runs come to: what was missed, who noticed and when, and what a repair reads again.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from statistics import fmean, stdev
from typing import Any, Final

import pandas as pd

from dsys_lab import laws
from dsys_lab.errors import require_choice
from dsys_lab.scenarios.missed_messages.readers import away, falling_off
from dsys_lab.scenarios.missed_messages.tape import POLL_S
from dsys_lab.scenarios.missed_messages.watchers import GATE, LEAKS, LOG, PHONE, PINGS, READER, TAPS
from dsys_lab.scenarios.missed_messages.watching import DETECTORS, detection_delays_s
from dsys_lab.scenarios.scenario import Scenario
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.trace import Trace

RUNS: Final = 4
DOWN_S: Final = 5.0
WHICH: Final = ("one in between", "the last of the night")
LOST_SHARE: Final = 0.2
"""Of the pings in between."""
MINUTE: Final = range(61)
NIGHTS: Final = 200
"""Of each the last ping is lost."""


# ------------------------------------------------------------------------------------------ from one trace
def sent(trace: Trace) -> dict[str, int]:
    """Return the messages that were offered, each with when it was first."""
    times: dict[str, int] = {}
    for row in trace.of("publish"):
        times.setdefault(str(row.message), row.time_us)
    return times


def carried_out(trace: Trace) -> dict[str, int]:
    """Return the messages that were carried out, each with how often."""
    return dict(Counter(str(row.message) for row in trace.of("effect")))


def settled(trace: Trace) -> set[str]:
    """Return the messages that were carried out, or set aside where they can be seen."""
    return carried_out(trace).keys() | {str(row.message) for row in trace.of("dead")}


def missed(trace: Trace) -> list[str]:
    """Return the messages of which an outline stands that was never filled."""
    filled = {row.message for row in trace.of("mend")}
    return [str(row.message) for row in trace.of("hole") if row.message not in filled]


def leaked(trace: Trace) -> dict[str, int]:
    """Return how many were lost at each tap."""
    counts = Counter(str(row.fields["to"]) for row in trace.of("hole"))
    return {leak: counts[TAPS[leak]] for leak in LEAKS}


def taps(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each run: how many were lost at each tap, how many of them are known, and how many are there."""
    told = {
        name: {**leaked(run), "known": len(run.of("detect")), "there again": len(run.of("mend"))}
        for name, run in runs.items()
    }
    return pd.DataFrame.from_dict(told, orient="index")


def signs(trace: Trace) -> pd.DataFrame:
    """Return for each tap what the path itself writes down of its losses, and where, or "nothing"."""
    of = {
        "gives up": ("publish_fail", PHONE, "it was given up, at the phone"),
        "unheard": ("drop", PINGS, "it was handed to nobody, at the topic"),
        "overflow": ("drop", GATE, "there was no room for it, at the gate"),
        "too old": ("expire", LOG, "it became too old, at the log"),
        "ack first": ("drop", READER, "it was let go, at the reader"),
        "skipped": ("fail", READER, "it could not be carried out, at the reader"),
    }
    there = {(row.kind, row.place) for row in trace}
    said = {leak: words if (kind, place) in there else "nothing" for leak, (kind, place, words) in of.items()}
    return _column("what is written down, and where", said)


def told_the_sender(trace: Trace) -> int:
    """Return at how many taps the phone had an error for everything that was lost there."""
    failed = {row.message for row in trace.of("publish_fail")}
    quiet = {row.fields["to"] for row in trace.of("hole") if row.message not in failed}
    return len({row.fields["to"] for row in trace.of("hole")} - quiet)


def which_is_right(runs: Mapping[str, Trace]) -> str:
    """Say by which order nothing is missed and nothing done again."""
    right = [order for order, run in runs.items() if both_zero(run) == "neither"]
    return right[0] if len(right) == 1 else "both" if right else "neither"


def best_way(table: pd.DataFrame) -> str:
    """Return the policy by which nothing is missed, the order is kept, and the fewest had to wait for the mend."""
    good = table[(table["missed"] == 0) & (table["out of order"] == 0)]
    return str(good["not done at the mend"].idxmin())


def watched(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each run: how many were lost and are known, after how long, and since when none is known.

    The last column says how long before the end of the run the first of those was lost that are not known.
    """
    told = {}
    for name, run in runs.items():
        after = [int(row.fields["after_us"] or 0) / 1e6 for row in run.of("detect")]
        known = {row.message for row in run.of("detect")}
        lost_us = [row.time_us for row in run.of("hole") if row.message not in known]
        told[name] = {
            "lost": len(run.of("hole")),
            "known": len(after),
            "known after, on average": f"{fmean(after):.1f} s" if after else "",
            "not known: lost in the last": f"{(run.end_us - min(lost_us)) / 1e6:.0f} s" if lost_us else "",
        }
    return pd.DataFrame.from_dict(told, orient="index")


def noticed(trace: Trace) -> pd.DataFrame:
    """Return what a cut of the network between phone and topic came to, in words and counts."""
    return _column("pings, and copies of them", {
        "copies lost on their way": len(trace.of("lost")),
        "answers lost on their way back": len(trace.of("answer_lost")),
        "came a second time, and were skipped": len(trace.of("effect_skip")),
        "missed": len(trace.of("hole")),
    })  # fmt: skip


def heard(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each run: how many were sent, carried out, and missed."""
    told = {}
    for name, run in runs.items():
        offered, done = len(sent(run)), len(carried_out(run))
        told[name] = {"sent": offered, "carried out": done, "missed": offered - done}
    return pd.DataFrame.from_dict(told, orient="index")


def in_neither(trace: Trace) -> int:
    """Return how many were neither carried out nor set aside where they can be seen."""
    return len(sent(trace).keys() - settled(trace))


def _column(name: str, told: Mapping[str, object]) -> pd.DataFrame:
    return pd.Series(told, name=name).to_frame()


def inversions(trace: Trace) -> int:
    """Return how many were carried out after a later one of their key."""
    key_of = {row.message: row.fields["key"] for row in trace.of("append")}
    furthest: dict[object, int] = {}
    count = 0
    for row in trace.of("effect"):
        number, key = int(str(row.message)[1:]), key_of[row.message]
        count += number < furthest.get(key, 0)
        furthest[key] = max(number, furthest.get(key, 0))
    return count


def done_by(trace: Trace, seconds: float) -> int:
    """Return how many different messages were carried out by then."""
    return len({row.message for row in trace.of("effect") if row.time_us <= seconds * 1e6})


def poisoned(runs: Mapping[str, Trace], *, mended_s: float = 70.0) -> pd.DataFrame:
    """Return a row for each policy: what is missed, how many had to wait for the mend, and what came out of order."""
    told = {}
    for name, run in runs.items():
        before = sum(us <= mended_s * 1e6 for us in sent(run).values())
        longest = max(int(row.fields["waited_us"] or 0) for row in run.of("effect")) / 1e6
        told[name] = {
            "missed": len(sent(run)) - len(carried_out(run)),
            "not done at the mend": before - done_by(run, mended_s),
            "longest wait, s": round(longest),
            "out of order": inversions(run),
        }
    return pd.DataFrame.from_dict(told, orient="index")


def first_lost_s(trace: Trace) -> float:
    """Return when the first record was too old before anybody had read it."""
    return next((row.time_us / 1e6 for row in trace.of("expire")), float("inf"))


def seams(runs: Mapping[Any, Trace]) -> pd.DataFrame:
    """Return a row for each run: how often the reader crashed, what it missed, what it did again."""
    told = {}
    for name, run in runs.items():
        done = carried_out(run)
        told[name] = {
            "crashes": len(run.of("crash")),
            "missed": len(sent(run)) - len(done),
            "done again": sum(done.values()) - len(done),
        }
    return pd.DataFrame.from_dict(told, orient="index")


def both_zero(trace: Trace) -> str:
    """Say what a run has: something missed, something done again, both, or neither."""
    done = carried_out(trace)
    lost, again = len(done) < len(sent(trace)), sum(done.values()) > len(done)
    return "both" if lost and again else "some are missed" if lost else "some are done again" if again else "neither"


# ------------------------------------------------------------------------------------------ over many runs
def missed_shares(*mttr_s: float, listens: str = "live", until_s: float = 2_500.0) -> list[Measured]:
    """Return the share of the messages that a reader misses which is down for so long on average, and up for 95 s."""

    def counted(*, mttr_s: float, seed: int) -> float:
        run = away.count(seed=seed, listens=listens, mttr_s=mttr_s, until_s=until_s)
        offered = run.count("publish")
        return (offered - run.count("effect")) / offered

    return over_seeds(counted, seeds=RUNS, mttr_s=mttr_s)


def outage(outage_s: float, *, every_s: float = 0.1, work_s: float = 0.05, seed: int = 1, until_s: float = 0) -> Trace:
    """Return the run of a reader with a position that is down once, from `DOWN_S` on."""
    down = {"do": "crash", "target": READER, "at_s": DOWN_S, "lasts_s": outage_s}
    busy = {"every_s": every_s, "work_s": work_s, "mtbf_s": 1e9, "mttr_s": 0.001}
    until_s = until_s or 15 + 3 * outage_s
    return away(seed=seed, listens="from its position", until_s=until_s, faults=[down], **busy)


def catch_up_s(*outages_s: float, work_s: float = 0.05) -> list[Measured]:
    """Return how long a reader with a position takes, after an outage of so long, until nothing waits for it."""

    def counted(*, outage_s: float, seed: int) -> float:
        run = outage(outage_s, work_s=work_s, seed=seed)
        back_us = next(row.time_us for row in run.of("restart"))
        soon_us = (POLL_S + work_s) * 1e6  # it found nothing, slept, and then found this one
        caught_up = (r for r in run.of("effect") if r.time_us > back_us and int(r.fields["waited_us"] or 0) < soon_us)
        return (next(caught_up).time_us - back_us) / 1e6

    return over_seeds(counted, seeds=RUNS, outage_s=outages_s)


def known_after_s(axis: str, *values: float, detector: str = "numbers", **given: Any) -> list[Measured]:
    """Return the mean time from a loss until it is known, at each value of one parameter of `detection_delays_s`."""
    told = []
    for value in values:
        delays = [d for d in detection_delays_s(detector, **{**given, axis: value}).values() if d is not None]
        told.append((value, fmean(delays), stdev(delays) / len(delays) ** 0.5))
    return told


@lru_cache(maxsize=32)
def last_known_s(detector: str, *, days: int = NIGHTS, **given: Any) -> tuple[float | None, ...]:
    """Return for each of some days after how long its last message, which is lost, is known; None: never."""
    delays = (detection_delays_s(detector, seed=day, messages=30, tail=True, **given) for day in range(days))
    return tuple(of_day[max(of_day)] for of_day in delays)


def not_known_yet(
    *detectors: str, which: str = WHICH[0], gap_s: float = 20.0, heartbeat_s: float = 5.0, compare_s: float = 20.0
) -> dict[str, list[tuple[float, float]]]:
    """Return for each watcher, over the minute after a loss, which share of the losses it does not know of yet.

    Parameters
    ----------
    detectors : str
        Of `DETECTORS`; numbers and heartbeat if none is given.
    which : str
        One of `WHICH`: a ping in between, or the last one of a night.
    gap_s, heartbeat_s, compare_s : float
        Mean seconds between two pings, seconds between two beats, between two comparisons.
    """
    require_choice("which", which, WHICH)
    given = {"rate": 1 / gap_s, "heartbeat_s": heartbeat_s, "compare_s": compare_s}
    curves = {}
    for name in detectors or DETECTORS[:2]:
        delays = last_known_s(name, **given) if which == WHICH[1] else _losses(name, **given)
        known = sorted(delay for delay in delays if delay is not None)
        curves[name] = [(float(t), 1 - bisect_right(known, t) / len(delays)) for t in MINUTE]
    return curves


def not_known_by_law(
    *detectors: str, which: str = WHICH[0], gap_s: float = 20.0, heartbeat_s: float = 5.0, compare_s: float = 20.0
) -> dict[str, list[tuple[float, float]]]:
    """Return the same by law: behind the last of the night no ping comes that could tell."""
    arrive = 0 if which == WHICH[1] else (1 - LOST_SHARE) / gap_s
    by_law: dict[str, Callable[[float], float]] = {
        "numbers": lambda t: laws.known_later_than(t, arrive, None),
        "heartbeat": lambda t: laws.known_later_than(t, arrive, heartbeat_s),
        "comparison": lambda t: laws.compared_later_than(t, compare_s),
    }
    return {f"law, {name}": [(float(t), by_law[name](t)) for t in MINUTE] for name in detectors or DETECTORS[:2]}


@lru_cache(maxsize=64)
def _losses(detector: str, **given: Any) -> tuple[float | None, ...]:
    return tuple(detection_delays_s(detector, messages=2_000, lost_share=LOST_SHARE, **given).values())


def never_known(detector: str, *, days: int = NIGHTS) -> float:
    """Return on which share of the days the very last message, which is lost, is never known to be missing."""
    return last_known_s(detector, days=days).count(None) / days


def tail_known_s(detector: str, *, days: int = NIGHTS) -> Measured:
    """Return after how long the last message of a day is known to be missing: 0, the mean, its standard error."""
    known = [seconds for seconds in last_known_s(detector, days=days) if seconds is not None]
    return 0.0, fmean(known), stdev(known) / len(known) ** 0.5


def missed_mean(run: Scenario, *, seeds: int = RUNS, **axis: Sequence[float]) -> list[Measured]:
    """Return how many of its messages a scenario never carries out, at each value of one of its parameters."""

    def counted(*, seed: int, **value: Any) -> float:
        trace = run(seed=seed, **value)
        return float(len(sent(trace)) - len(carried_out(trace)))

    return over_seeds(counted, seeds=seeds, **axis)


def falls_off(*reads: float, retention_s: float = 20.0) -> list[Measured]:
    """Return when a reader first misses something that reads such a share of what comes."""

    def counted(*, reads: float, seed: int) -> float:
        until_s = 1.3 * retention_s / (1 - reads) + 10
        return first_lost_s(falling_off(seed=seed, reads=reads, retention_s=retention_s, until_s=until_s))

    return [(share, counted(reads=share, seed=1), 0.0) for share in reads]
