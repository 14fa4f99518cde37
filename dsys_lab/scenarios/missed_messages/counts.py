"""What the runs come to: what was missed, who noticed and when, and what a repair reads again.

Each function that takes `*values` returns (value, mean, standard error) for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from statistics import fmean, stdev
from typing import Any, Final

import pandas as pd

from dsys_lab.brokers.audit import Kept, Plan, patch, replay, resend
from dsys_lab.errors import require_choice
from dsys_lab.scenarios.missed_messages.path import path
from dsys_lab.scenarios.missed_messages.readers import away, falling_off, seam
from dsys_lab.scenarios.missed_messages.tape import ORDERS, TapeReader
from dsys_lab.scenarios.missed_messages.watchers import HOLE_COPY, LEAKS, PHONE, READER, TAPS
from dsys_lab.scenarios.missed_messages.watching import detection_delays_s
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.trace import Trace

RUNS: Final = 4
READS_A_SECOND: Final = 500
"""For the time of a repair: how many records a second somebody reads who only looks what they are."""


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


def signs(trace: Trace) -> dict[str, str]:
    """Return for each tap which row of the path itself speaks of its losses: the kind and the place, or "nothing"."""
    of = {
        "gives up": ("publish_fail", PHONE),
        "unheard": ("drop", "pings"),
        "overflow": ("drop", "gate"),
        "too old": ("expire", "log"),
        "ack first": ("drop", READER),
        "skipped": ("fail", READER),
    }
    there = Counter((row.kind, row.place) for row in trace)
    return {leak: f"{row[0]} at {row[1]}" if there[row] else "nothing" for leak, row in of.items()}


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


def known_after(trace: Trace) -> list[float]:
    """Return how long each loss that was seen was not known, in seconds."""
    return [int(row.fields["after_us"] or 0) / 1e6 for row in trace.of("detect")]


def watched(runs: Mapping[str, Trace]) -> pd.DataFrame:
    """Return a row for each run: how many were lost, how many are known at its end, and after how long on average."""
    told = {}
    for name, run in runs.items():
        after = known_after(run)
        mean = f"{fmean(after):.1f} s" if after else ""
        told[name] = {"lost": len(run.of("hole")), "known": len(after), "known after, on average": mean}
    return pd.DataFrame.from_dict(told, orient="index")


def repeated_share(trace: Trace, repair: str) -> float:
    """Return which share of what a repair reads again had been settled before."""
    plan = REPAIRS[repair](kept_by(trace), missed(trace))
    return plan.repeats(settled(trace)) / len(plan.records)


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


def catch_up_s(*outages_s: float, every_s: float = 0.1, work_s: float = 0.05) -> list[Measured]:
    """Return how long a reader with a position takes, after an outage of so long, until nothing waits for it."""

    def counted(*, outage_s: float, seed: int) -> float:
        down = {"do": "crash", "target": READER, "at_s": 5.0, "lasts_s": outage_s}
        until_s, busy = 15 + 3 * outage_s, {"every_s": every_s, "work_s": work_s, "mtbf_s": 1e9, "mttr_s": 0.001}
        run = away(seed=seed, listens="from its position", until_s=until_s, faults=[down], **busy)
        back_us = next(row.time_us for row in run.of("restart"))
        soon_us = (TapeReader.POLL_S + work_s) * 1e6  # it found nothing, slept, and then found this one
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
def last_known_s(detector: str, *, days: int = 200, rate: float = 0.2) -> tuple[float | None, ...]:
    """Return for each of some days after how long its last message, which is lost, is known; None: never."""
    delays = (detection_delays_s(detector, seed=day, messages=30, tail=True, rate=rate) for day in range(days))
    return tuple(of_day[max(of_day)] for of_day in delays)


def never_known(detector: str, *, days: int = 200) -> float:
    """Return on which share of the days the very last message, which is lost, is never known to be missing."""
    return last_known_s(detector, days=days).count(None) / days


def tail_known_s(detector: str, *, days: int = 200) -> Measured:
    """Return after how long the last message of a day is known to be missing: 0, the mean, its standard error."""
    known = [seconds for seconds in last_known_s(detector, days=days) if seconds is not None]
    return 0.0, fmean(known), stdev(known) / len(known) ** 0.5


def falls_off(*reads: float, retention_s: float = 20.0) -> list[Measured]:
    """Return when a reader first misses something that reads such a share of what comes."""

    def counted(*, reads: float, seed: int) -> float:
        until_s = 1.3 * retention_s / (1 - reads) + 10
        return first_lost_s(falling_off(seed=seed, reads=reads, retention_s=retention_s, until_s=until_s))

    return [(share, counted(reads=share, seed=1), 0.0) for share in reads]


@lru_cache(maxsize=32)
def _seams(order: str, page: int, seed: int) -> tuple[int, int]:
    run = seam(seed=seed, order=order, page=page, crash_share=0.01, records=600)
    done = carried_out(run)
    wrong = sum(done.values()) - len(done) if order == ORDERS[1] else len(sent(run)) - len(done)
    return wrong, len(run.of("crash"))


def at_the_seam(*pages: int, order: str) -> list[Measured]:
    """Return how many records a crash costs at each size of a page: missed, or done again."""
    require_choice("order", order, ORDERS)
    told = []
    for page in pages:
        runs = [_seams(order, page, seed) for seed in range(1, RUNS + 1)]
        crashes = sum(crashed for _, crashed in runs)
        mean = sum(wrong for wrong, _ in runs) / crashes
        told.append((float(page), mean, _spread_of_a_crash(page) / crashes**0.5))
    return told


def _spread_of_a_crash(page: int) -> float:
    """Return the standard deviation of where in a page of so many a crash comes, anywhere alike."""
    return ((page**2 - 1) / 12) ** 0.5


# ------------------------------------------------------------------------------------------ repairs
def kept_by(trace: Trace) -> list[Kept]:
    """Return all that the phone has sent, in the order of sending: it keeps everything."""
    keys = {str(row.message): str(row.fields["key"]) for row in trace.of("publish")}
    pings = [message for message in sent(trace) if keys[message] != "beat"]
    return [Kept(at, keys[message], int(message[1:]), message) for at, message in enumerate(pings)]


Repair = Callable[[list[Kept], list[str]], Plan]


def _replay_all(kept: list[Kept], lost: list[str]) -> Plan:
    return replay(kept, position=0)


def _replay_window(kept: list[Kept], lost: list[str]) -> Plan:
    at = [record.position for record in kept if record.message in set(lost)]
    return replay(kept, position=min(at, default=0), until=max(at, default=-1) + 1)


def _resend_keys(kept: list[Kept], lost: list[str]) -> Plan:
    first: dict[str, int] = {}
    for record in kept:
        if record.message in set(lost):
            first.setdefault(record.key, record.number)
    plans = [resend(kept, key=key, number=number) for key, number in first.items()]
    return Plan(tuple(sorted((one for plan in plans for one in plan.records), key=lambda one: one.position)))


def _patch(kept: list[Kept], lost: list[str]) -> Plan:
    return patch(kept, messages=set(lost))


REPAIRS: Final[dict[str, Repair]] = {
    "replay all": _replay_all,
    "replay the window": _replay_window,
    "resend each key": _resend_keys,
    "patch": _patch,
}
"""Four repairs: from what is kept and what is missing to what is read again."""


def reread(trace: Trace) -> dict[str, int]:
    """Return how many records each repair reads again for the losses of a run."""
    kept, lost = kept_by(trace), missed(trace)
    return {name: len(plan(kept, lost).records) for name, plan in REPAIRS.items()}


def reread_of(runs: Mapping[str, Trace]) -> dict[str, int]:
    """Return how many records each repair reads again, for each of several runs."""
    return {f"{name}: {repair}": count for name, run in runs.items() for repair, count in reread(run).items()}


def repairs(trace: Trace) -> pd.DataFrame:
    """Return a row for each repair of the losses of a run: what it reads, what for nothing, what it brings back."""
    kept, lost, done = kept_by(trace), missed(trace), settled(trace)
    told = {}
    for name, repair in REPAIRS.items():
        plan = repair(kept, lost)
        told[name] = {
            "read again": len(plan.records),
            "of these settled before": plan.repeats(done),
            "brought back": plan.brings_back(lost),
            "still missing": len(set(lost)) - plan.brings_back(lost),
        }
    return pd.DataFrame.from_dict(told, orient="index")


def scattered_and_together() -> dict[str, Trace]:
    """Return a run whose losses lie all over it, and one whose losses lie together."""
    return {"scattered": path(leak="gives up", every_s=0.8), "together": path(leak="overflow", every_s=0.8)}


def least_reread(trace: Trace) -> str:
    """Say which repair reads fewest records again."""
    counts = reread(trace)
    return min(counts, key=counts.__getitem__)


def holes(rows: Iterable[Any]) -> int:
    """Return how many outlines were drawn."""
    return sum(row.kind == "hole" and row.fields.get("copy") == HOLE_COPY for row in rows)
