"""What runs come to, counted: loads with checkpoints, decisions in vain, rebuilds, letters."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev
from typing import Any, NamedTuple

from dsys_lab.dataflows.event_sourcing import Checkpoints, EventLog, Handler, Night
from dsys_lab.errors import require_positive
from dsys_lab.scenarios.event_sourcing.booking import DESK, booking
from dsys_lab.scenarios.event_sourcing.rebuilding import rebuilding
from dsys_lab.scenarios.event_sourcing.replaying import GUESTS, replaying
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Trace

Point = tuple[float, float, float]
"""x, the mean, and its standard error."""


# ------------------------------------------------------------------------------------------ loads
class Load(NamedTuple):
    """What loading one stream at many of its versions came to.

    Attributes
    ----------
    every : int or None
        Events between two checkpoints.
    folded_mean : float
        Events folded for a load.
    checkpoints : int
        That were written in all.
    """

    every: int | None
    folded_mean: float
    checkpoints: int


def loaded(*every: int | None, facts: int = 400, seed: int = DEFAULT_SEED) -> list[Load]:
    """Let a stream grow to so many facts, and load it once at each version of its second half."""
    grown = filled(a_house(), facts, seed=seed)
    return [_loaded(grown, one) for one in every]


def _loaded(grown: Handler[Night], every: int | None) -> Load:
    facts = grown.store.load("n1")
    saved = None if every is None else Checkpoints(VolatileDisk(), every=every)
    house = Handler(EventLog(VolatileDisk()), grown.types, grown.decider, checkpoints=saved)
    folded = []
    for one in facts:
        house.store.append("n1", [one.written], expected=one.version - 1)
        if every is not None and one.version % every == 0:
            house.load("n1")  # whoever writes keeps the checkpoints, too
        if one.version > len(facts) // 2:
            folded.append(house.load("n1").folded_events)
    return Load(every, fmean(folded), saved.status().saved if saved else 0)


# ------------------------------------------------------------------------------------------ decisions in vain
def in_vain(
    *rates: float, think_s: float = 0.1, streams: int = 1, orders: int = 600, seed: int = DEFAULT_SEED
) -> list[Point]:
    """Return for each rate which share of the decisions came too late, none of which is tried again."""
    require_positive(orders=orders)
    points = []
    for rate in rates:
        run = booking.count(rate=rate, think_s=think_s, streams=streams, seconds=orders / rate, seed=seed)
        late, done = run.count("reject", DESK), run.count("append") - streams
        share = late / (late + done)
        points.append((rate, share, sqrt(share * (1 - share) / (late + done))))
    return points


class Retried(NamedTuple):
    """What trying again came to: decisions made for each order that went through, and orders that never did."""

    retries: int
    decisions_an_order: float
    given_up_share: float


def retried(
    *retries: int, rate: float = 5.0, think_s: float = 0.1, orders: int = 400, seed: int = DEFAULT_SEED
) -> list[Retried]:
    """Let orders that came too late decide again, so many times at most."""
    told = []
    for most in retries:
        run = booking.count(rate=rate, think_s=think_s, retries=most, seconds=orders / rate, seed=seed)
        done, given_up, again = run.count("append") - 1, run.count("reject", DESK), run.count("fail", DESK)
        told.append(Retried(most, (done + given_up + again) / done, given_up / (done + given_up)))
    return told


# ------------------------------------------------------------------------------------------ rebuilds
class Mended(NamedTuple):
    """What a way to mend the view came to.

    Attributes
    ----------
    way : str
    wrong : int
        Wrong answers that the office had after the mended code was there.
    off_by_eur : float
        By how much the last answer was wrong.
    caught_up_s : float
        How long the rebuild took; nan without one.
    """

    way: str
    wrong: int
    off_by_eur: float
    caught_up_s: float


def mended(way: str, *, seed: int = DEFAULT_SEED, **more: Any) -> Mended:
    """Run `rebuilding` in one way, and count what the office read."""
    trace = rebuilding(way=way, seed=seed, **more)
    said = {str(row.fields["name"]): [] for row in trace.of("gauge")}  # type: dict[str, list[tuple[int, float]]]
    for row in trace.of("gauge"):
        said[str(row.fields["name"])].append((row.time_us, float(row.fields["value"] or 0)))
    [mended_us] = [row.time_us for row in trace.of("note")]
    before = max((value for at, value in said["wrong answers"] if at < mended_us), default=0)
    return Mended(way, int(said["wrong answers"][-1][1] - before), said["off by"][-1][1], caught_up_s(trace))


def caught_up_s(trace: Trace) -> float:
    """Return how long a rebuild took, from its begin until it had caught up."""
    phases = {str(row.fields["phase"]): row.time_us for row in trace.of("rebuild")}
    return (phases["has caught up"] - phases["begins"]) / 1e6 if phases else float("nan")


def rebuilt(
    *rates: float, history: int = 120, rebuild_rate: float = 20.0, many: int = 4, seed: int = DEFAULT_SEED
) -> list[Point]:
    """Return for each rate of live facts how long a rebuild of so long a history took, over several seeds."""
    points = []
    for rate in rates:
        lasts_s = 1.6 * history / max(1.0, rebuild_rate - rate)
        about: dict[str, Any] = {"history": history, "rate": rate, "rebuild_rate": rebuild_rate}
        about |= {"mended_s": 0.0, "seconds": lasts_s, "mistaken": False}
        found = [caught_up_s(rebuilding(seed=seed + one, **about)) for one in range(many if rate else 2)]
        points.append((rate, fmean(found), stdev(found) / sqrt(len(found))))
    return points


# ------------------------------------------------------------------------------------------ letters
def letters(way: str, **more: Any) -> int:
    """Return how many letters the guests got, and opened."""
    return replaying.count(way=way, **more).count("effect", GUESTS)
