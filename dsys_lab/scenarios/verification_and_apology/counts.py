"""What launches, settlements and audits come to, counted from their rows: of one run, or of many for a chart.

Each function that takes `*values` returns (value, mean, standard error) for each of them. A sale in `RUSH` is short, as
only the time around the last pillow matters; as many buyers come as its end needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, Final

import pandas as pd

from dsys_lab import laws
from dsys_lab.dataflows.verification import Call, Outcome, crashed_everywhere
from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.scenarios.verification_and_apology.audited import SILENT, audited
from dsys_lab.scenarios.verification_and_apology.launch import HOP_S, launch
from dsys_lab.simulation import Measured, grid, over_seeds, sweep
from dsys_lab.trace import Counters, Trace

RUSH: Final[dict[str, Any]] = {"pillows": 30, "rate": 20.0, "gates": 4}
SEEDS: Final = 24


def rush(news_s: float, **more: Any) -> dict[str, Any]:
    """Return the parameters of a sale that lasts until all is sold and all gates have heard of it."""
    return {**RUSH, "news_s": news_s, "sale_s": RUSH["pillows"] / RUSH["rate"] + 2 * news_s + 2, **more}


def seen(news_s: float) -> float:
    """Return the law's mean for a sale in `RUSH`: what is promised between an order's coming and its news."""
    return laws.promised_unseen(RUSH["rate"], news_s, HOP_S)


# ------------------------------------------------------------------------------------------ from one run
def outcome(run: Trace | Counters) -> dict[str, int]:
    """Return how a sale ended: counts of buyers. (Counters alone count one who is told of twice as two.)"""
    counters = run.counters() if isinstance(run, Trace) else run
    buyers = len({row.message for row in run.of("publish")}) if isinstance(run, Trace) else run.count("publish")
    sold, sorry, left = (counters.count(kind) for kind in ("confirm", "apologise", "abandon"))
    return {"buyers": buyers, "sold": sold, "apologies": sorry, "left without an answer": left}


def money(run: Trace | Counters, *, apology: float) -> float:
    """Return what a sale earned, in margins: one for each pillow sold, less the apologies."""
    came_to = outcome(run)
    return came_to["sold"] - apology * came_to["apologies"]


def compared(runs: Mapping[Any, Trace], pillows: int) -> pd.DataFrame:
    """Return a row for each run: how it ended, and the pillows that nobody has."""
    rows = {name: {**outcome(run), "pillows unsold": pillows - outcome(run)["sold"]} for name, run in runs.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def counters_gap(trace: Trace) -> dict[str, list[tuple[float, float]]]:
    """Return how many pillows are left, by the stock's count and as the first gate believes, over time in seconds."""
    gauges = {"left": "by the stock", "believed": "as gate-1 believes"}
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in gauges.values()}
    for row in trace.of("gauge"):
        name = str(row.fields["name"])
        if name in gauges and row.place in ("stock", "gate-1"):
            told[gauges[name]].append((row.time_us / 1e6, float(row.fields["value"] or 0)))
    return told


# ------------------------------------------------------------------------------------------ over many runs
def _count(kind: str, seeds: int, points: Sequence[float], run: Any) -> list[Measured]:
    def counted(*, value: float, seed: int) -> float:
        return float(launch.count(seed=seed, **run(value)).count(kind))

    return over_seeds(counted, seeds=seeds, value=points)


def apologies(*news_s: float, seeds: int = SEEDS, reserve: int = 0) -> list[Measured]:
    """Return the apologies of a sale at each age of the news."""
    return _count("apologise", seeds, news_s, lambda value: rush(value, reserve=reserve))


def reserves(*kept: int, news_s: float = 0.5, seeds: int = SEEDS) -> dict[str, list[Measured]]:
    """Return the apologies of a sale and the pillows that stay unsold, at each reserve."""
    def ended(*, reserve: int, seed: int) -> tuple[float, float]:
        run = outcome(launch.count(seed=seed, **rush(news_s, reserve=reserve)))
        return run["apologies"], RUSH["pillows"] - run["sold"]

    runs = sweep(ended, grid(reserve=kept, seed=range(1, seeds + 1)))
    by_reserve = [runs[at : at + seeds] for at in range(0, len(runs), seeds)]
    return {
        name: [_mean(value, [run[which] for run in row]) for value, row in zip(kept, by_reserve, strict=True)]
        for which, name in enumerate(("apologies", "pillows unsold"))
    }


def _mean(value: float, row: Sequence[float]) -> Measured:
    if len(row) < 2:
        raise BadParameter(f"{value:g} was counted {len(row)} times: give two seeds or more, a mean needs its error")
    return value, fmean(row), stdev(row) / len(row) ** 0.5


def cost_of(reserve: int, *, apology: float, news_s: float = 0.5, seeds: Iterable[int] = range(1, SEEDS + 1)) -> float:
    """Return what a reserve cost on average, in margins, on these seeds: unsold pillows and apologies."""
    runs = [outcome(launch.count(seed=seed, **rush(news_s, reserve=reserve))) for seed in seeds]
    return fmean(RUSH["pillows"] - run["sold"] + apology * run["apologies"] for run in runs)


def costs(*kept: int, apology: float, news_s: float = 0.5, seeds: int = SEEDS) -> list[Measured]:
    """Return what a sale loses at each reserve, in margins: unsold pillows, and apologies at this price."""
    def cost(*, value: int, seed: int) -> float:
        return cost_of(value, apology=apology, news_s=news_s, seeds=[seed])

    return over_seeds(cost, seeds=seeds, value=kept)


def cheapest(counted: Sequence[Measured]) -> float:
    """Return where the least was counted."""
    return min(counted, key=lambda point: point[1])[0]


def leaving(*answer_s: float, patience_s: float = 8.0, seeds: int = 8, **more: Any) -> list[Measured]:
    """Return the share of the buyers who leave before they have their answer, at each mean time to it."""
    def share(*, value: float, seed: int) -> float:
        came_to = outcome(launch.count(seed=seed, **asking(value, patience_s=patience_s, **more)))
        return came_to["left without an answer"] / came_to["buyers"]

    return over_seeds(share, seeds=seeds, value=answer_s)


def asking(answer_s: float, **more: Any) -> dict[str, Any]:
    """Return the parameters of a sale in which gates ask first: 200 buyers or so for 150 pillows."""
    return {"way": "ask", "pillows": 150, "rate": 20.0, "sale_s": 10.0, "answer_s": answer_s, **more}


def idle_holds(*answer_s: float, ttl_s: float | None = None, seeds: int = 8) -> list[Measured]:
    """Return the pillows that stay unsold, though more are wanted than there are, at each mean time to the answer."""
    def unsold(*, value: float, seed: int) -> float:
        run = asking(value, ttl_s=ttl_s)
        came_to = outcome(launch.count(seed=seed, **run))
        return run["pillows"] - came_to["sold"]

    return over_seeds(unsold, seeds=seeds, value=answer_s)


def ways(
    answer_s: float = 1.5, news_s: float = 1.0, *, reserve: int = 0, seeds: int = 8
) -> dict[str, tuple[float, float]]:
    """Return, for three ways of selling the same pillows to the same buyers, the pillows sold and the apologies."""
    plans: dict[str, dict[str, Any]] = {
        "promise now": {**asking(answer_s), "way": "promise", "news_s": news_s, "reserve": reserve},
        "ask first": asking(answer_s),
        "ask first, holds end": asking(answer_s, ttl_s=4 * answer_s),
    }
    told = {}
    for name, plan in plans.items():
        runs = [outcome(launch.count(seed=seed, **plan)) for seed in range(1, seeds + 1)]
        told[name] = fmean(run["sold"] for run in runs), fmean(run["apologies"] for run in runs)
    return told


def earned(sold: Mapping[str, tuple[float, float]], *prices: float) -> dict[str, list[tuple[float, float]]]:
    """Return for each way of selling what it earns, in margins, at each price of an apology."""
    return {name: [(a, sold_ - a * sorry) for a in prices] for name, (sold_, sorry) in sold.items()}


# ------------------------------------------------------------------------------------------ losses and splits
def split_when(left: int, way: str = "promise", *, lasts_s: float = 3.0, seed: int = 7, **more: Any) -> Trace:
    """Return a sale in which the stock is cut off from all gates for a while, from when so many pillows are left.

    Its picture opens when that is about to end.
    """
    row = {"kind": "gauge", "place": "stock", "name": "left", "value": left}
    cut = {"do": "split", "target": "stock", "on": row, "lasts_s": lasts_s}
    trace = launch(seed=seed, way=way, faults=[cut], **more)
    trace.header.poster_us = trace.of("split")[0].time_us + round(0.9e6 * lasts_s)
    return trace


def taken_twice(loss: float, *, keyed: bool, seed: int = 7) -> Trace:
    """Return a sale over a network that loses this share of all messages, answers included."""
    lossy = [{"do": "loss", "target": "network", "at_s": 0.0, "value": loss}]
    return launch(seed=seed, keyed=keyed, faults=lossy)


def decisions(trace: Trace) -> dict[str, int]:
    """Return how often the stock decided, for how many orders, and how often it saw that it had decided before."""
    decided = [row.message for row in trace if row.place == "stock" and row.kind in ("confirm", "push")]
    return {
        "orders decided": len(set(decided)),
        "decided twice or more": sum(decided.count(order) > 1 for order in set(decided)),
        "seen before": len(trace.of("duplicate")),
    }


# ------------------------------------------------------------------------------------------ crashes
def crash_table(outcomes: Mapping[str, Sequence[Outcome]]) -> pd.DataFrame:
    """Return a row for each memory: the moments tried, in how many something was done twice, or is left open."""
    rows = {
        memory: {
            "moments": len(told),
            "something twice": sum(o.twice > 0 for o in told),
            "something open": sum(o.open > 0 for o in told),
            "the auditor finds something": sum(o.found > 0 for o in told),
            "calls after the cut, mean": round(fmean(o.calls_after for o in told), 1),
        }
        for memory, told in outcomes.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def ends_told(outcomes: Sequence[Outcome]) -> str:
    """Say in a line each how a story ended, and after how many of the moments at which it was struck."""
    ends = Counter((o.kept, o.apologised, o.twice, o.open) for o in outcomes)
    lines = (
        f"after each of {moments} moments: {kept} kept, {apologised} apologised, {twice} done twice, {left} open"
        for (kept, apologised, twice, left), moments in ends.most_common()
    )
    return "\n".join(lines)


def enough(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Say which of the two memories settles every promise once, alone, whenever the power goes."""
    alone = {memory: not any(o.twice or o.open for o in outcomes[memory]) for memory in ("keys only", "journal only")}
    return {(True, True): "either", (True, False): "the keys", (False, True): "the journal", (False, False): "neither"}[
        alone["keys only"], alone["journal only"]
    ]


def dearer(early: Trace, late: Trace) -> str:
    """Say which of two splits cost more apologies."""
    one, other = outcome(early)["apologies"], outcome(late)["apologies"]
    return "the early one" if one > other else "the late one" if other > one else "both the same"


def crashes(*memories: str) -> dict[str, list[Outcome]]:
    """Return what a power cut at every step comes to, for each memory; the first try of a refund does not come through.

    With a lost answer on top nobody without keys would need a crash to pay twice.
    """
    def fails_once(call: Call, attempt: int) -> str:
        return "down" if call.verb == "refund" and attempt == 1 else ""

    return {memory: crashed_everywhere(memory, plan=fails_once) for memory in memories}


# ------------------------------------------------------------------------------------------ audits
def found(trace: Trace) -> pd.DataFrame:
    """Return a row for each silent fault of a run: what a witness saw, and what the auditor called it, and when."""
    named: dict[str, list[str]] = {}
    for row in trace.of("finding"):
        named.setdefault(str(row.message), []).append(str(row.fields["what"]))
    after = {row.message: int(row.fields["after_us"] or 0) / 1e6 for row in trace.of("detect")}
    rows = [
        {"order": hole.message, "what happened": hole.fields["why"],
         "found as": ", ".join(named.get(str(hole.message), ["nothing"])), "after s": after.get(hole.message)}
        for hole in trace.of("hole")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["order", "what happened", "found as", "after s"]).set_index("order").round(1)


def found_after(*every_s: float, fault: str, within_s: float = 4.0, seeds: int = 8) -> list[Measured]:
    """Return how long a fault of this kind stays unknown, in seconds, at each time between two audits."""
    require_choice("fault", fault, tuple(SILENT))
    told = []
    for every in every_s:
        after = [
            int(row.fields["after_us"] or 0) / 1e6
            for seed in range(1, seeds + 1)
            for row in audited(
                seed=seed, every_s=every, within_s=within_s, fault=fault, fault_share=0.2, until_s=4 * every,
                orders_a_s=40 / every, pillows=0 if SILENT[fault].sold_out else 10_000,
            ).of("detect")
        ]  # fmt: skip
        told.append(_mean(every, after))
    return told
