"""Exercises of lab 13: how long a backlog takes, who pays when the buffer is full, and how to survive a storm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from statistics import fmean, stdev
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.brokers.overflow import Answer, Policy, Request, oldest_first
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.storm_causes import cause
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.not_consumed_in_time.bursts import INBOX, burst, retry_storm
from dsys_lab.scenarios.not_consumed_in_time.counts import drained_after_s
from dsys_lab.trace import Trace, depths, lamp, quantile, sojourns_s
from dsys_lab.views.charts import Chart, lines, number

LAB: Final = 13
HIDDEN_SEEDS: Final = range(1001, 1021)


# ------------------------------------------------------------------------------------------ (a) how long does it take
class Burst(NamedTuple):
    """A burst: how many a second come in it, after it, and can be served; and how long it lasts."""

    burst_rate: float
    rate: float
    service_rate: float
    burst_s: float

    def __str__(self) -> str:
        during = f"{self.burst_rate:g}/s for {self.burst_s:g} s"
        return f"{during} and {self.rate:g}/s afterwards, with {self.service_rate:g}/s served"


EXAMPLE: Final = Burst(30, 8, 10, 20)
BURSTS: Final = (EXAMPLE, Burst(25, 2, 10, 40), Burst(16, 5, 12, 60))
FROM_S: Final = 10.0
NEVER_WAITS, NEVER_ENDS = Burst(9, 5, 10, 30), Burst(30, 12, 10, 20)


def drain_time(burst_rate: float, rate: float, service_rate: float, burst_s: float) -> float:
    """Return the seconds from the end of the burst until its backlog is gone."""
    backlog = max(0.0, burst_rate - service_rate) * burst_s
    if backlog == 0:
        return 0.0
    return backlog / (service_rate - rate) if rate < service_rate else math.inf


def _burst(case: Burst, seed: int) -> Trace:
    """Return a burst that begins at `FROM_S` and is followed for three times as long as its backlog should take."""
    law = laws.drain_s(laws.backlog(case.burst_rate, case.service_rate, case.burst_s), case.rate, case.service_rate)
    over_s = FROM_S + case.burst_s
    return burst(seed=seed, rate=case.rate, burst_rate=case.burst_rate, service_rate=case.service_rate,
                 burst_from_s=FROM_S, burst_to_s=over_s, until_s=over_s + 3 * law)  # fmt: skip


def check_drain_time(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the example, simulated bursts, and then what is special."""
    for case in BURSTS:
        fault = _missed(case, _seconds(function(*case)))
        if fault:
            return Verdict(passed=False, saw=fault)
    for case, truth in ((NEVER_WAITS, 0.0), (NEVER_ENDS, math.inf)):
        said = _seconds(function(*case))
        if said != truth:
            why = "nothing piles up: give 0" if truth == 0 else "the backlog only grows: give math.inf"
            return Verdict(passed=False, saw=f"For {case} you said {_told(said)}. But here {why}.")
    return Verdict(
        passed=True, saw=f"In {len(BURSTS)} bursts, 12 hidden runs of each, the backlog was gone when you said."
    )


@cache
def _hidden_runs(case: Burst) -> list[float]:
    return [drained_after_s(_burst(case, seed)) for seed in HIDDEN_SEEDS[:12]]


def _missed(case: Burst, said: float) -> str:
    """Say how far from 12 simulated bursts it lies, beyond three standard errors of their mean; "" if it does not."""
    runs = _hidden_runs(case)
    mean, error = fmean(runs), stdev(runs) / math.sqrt(len(runs))
    if abs(said - mean) <= 3 * error:
        return ""
    took = f"{len(runs)} hidden runs took {number(mean)} s, give or take {number(3 * error)}"
    return f"For {case} you said {_told(said)}; {took}. {_slip(case, said)}".strip()


def _told(said: float) -> str:
    return f"{number(said)} s" if math.isfinite(said) else f"{said!r}"


def _seconds(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise Misuse(f"it returned {brief(said)}; give a number of seconds")
    return float(said)


def _slip(case: Burst, said: float) -> str:
    """Name the usual slip that gives this number, if one does."""
    backlog = (case.burst_rate - case.service_rate) * case.burst_s
    slips = {
        backlog: "That is how many wait when the burst ends, not how long they take.",
        backlog / case.service_rate: "While the backlog is worked off, new ones keep coming.",
        case.burst_rate * case.burst_s / (case.service_rate - case.rate): "During the burst the scorer works, too.",
        backlog / (case.service_rate - case.rate) + case.burst_s: "Count from the end of the burst.",
    }
    return next((words for value, words in slips.items() if math.isclose(said, value, rel_tol=0.01)), "")


def _shown(function: Callable[..., Any]) -> tuple[Burst, float]:
    """Return the first burst that the reader missed, or the example, and what the reader said of it."""
    case = next((case for case in BURSTS if _missed(case, _seconds(function(*case)))), EXAMPLE)
    return case, _seconds(function(*case))


def play_drain_time(function: Callable[..., Any]) -> list[Trace]:
    """Play the first burst that the reader missed."""
    case, _ = _shown(function)
    trace = _burst(case, seed=HIDDEN_SEEDS[0])
    trace.header.title = str(case)
    return [trace]


def picture_drain_time(function: Callable[..., Any]) -> Chart:
    """Draw what waits in that burst, and when the reader says that nothing waits any more."""
    case, said = _shown(function)
    over_s = FROM_S + case.burst_s
    waiting = depths(_burst(case, seed=HIDDEN_SEEDS[0]), INBOX)
    top = float(max(depth for _, depth in waiting))
    answer = [(over_s + said, 0.0), (over_s + said, top)] if 0 <= said < math.inf else []
    return lines({"a hidden run": waiting}, bands={"the burst": (FROM_S, over_s)}, predicted=answer, steps=True,
                 title=f"You say: gone {_told(said)} after the burst", y="messages waiting")  # fmt: skip


DRAIN_TIME: Final = Exercise(
    lab=LAB,
    name="drain_time",
    title="How long until the backlog is gone",
    statement="""
A burst of `burst_rate` messages a second lasts `burst_s` seconds. Before and after it, `rate` a second come in; the
scorer does `service_rate` a second. The buffer is unbounded.

Return how many seconds **after the burst** the backlog is gone: 0 if there is none, `math.inf` if it never goes.""",
    skeleton="def drain_time(burst_rate, rate, service_rate, burst_s):\n    ...",
    example="`drain_time(30, 8, 10, 20)` is `200`: 400 wait when the burst ends.",
    hints=(
        "Think of a bath: first how much water is in it when the tap is turned down, then how fast it falls.",
        "While the burst lasts, the bath fills by what comes in minus what goes out, every second.",
        "After the burst it falls by `service_rate - rate` a second, not by `service_rate`.",
    ),
    check=check_drain_time,
    play=play_drain_time,
    picture=picture_drain_time,
    is_pure=True,
    answer=drain_time,
)


# ------------------------------------------------------------------------------------------ (b) who pays
ROOM: Final = 50
P99_MOST_S: Final = 6.0
SLOW_SCORER: Final = ({"do": "slow", "target": "scorer", "at_s": 30.0, "value": 0.7, "lasts_s": 10.0},)
MINE: Final = "yours"


def overflow(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
    """Drop the oldest that nobody waits for: what stays is fresh, and what matters stays."""
    if len(waiting) < capacity:
        return None
    return next((i for i, request in enumerate(waiting) if request.priority == 0), 0)


def _as_policy(function: Callable[..., Any]) -> Policy:
    """Make the reader's function a policy that the buffer can use, and refuse answers that it cannot."""

    def victim(waiting: Sequence[Request], newcomer: Request, capacity: int, chance: float) -> int | Answer | None:
        said = function(tuple(waiting), newcomer, capacity, chance)
        is_full = len(waiting) >= capacity
        if said is Answer.MUST_WAIT:
            raise Misuse("it made the producer wait; here the wearables cannot: say who is dropped")
        is_position = isinstance(said, int) and not isinstance(said, bool)
        if not (
            said is None or said in (Answer.DROPPED, Answer.REJECTED) or (is_position and 0 <= said < len(waiting))
        ):
            given = f"{brief(said)} with {len(waiting)} waiting"
            raise Misuse(f"it returned {given}; give None, Answer.DROPPED or a position in waiting")
        if is_full and said is None:
            full = f"{len(waiting)} waited and there is room for {capacity}"
            raise Misuse(f"it let {newcomer.message} in while {full}: somebody must go")
        if not is_full and said is not None:
            raise Misuse(
                f"it dropped somebody while only {len(waiting)} of {capacity} places were taken: let everybody in"
            )
        return said

    return Policy(MINE, victim, oldest_first)


def _run_mine(function: Callable[..., Any], **more: Any) -> Trace:
    return burst(policy=_as_policy(function), capacity=ROOM, **more)


def check_overflow(function: Callable[..., Any]) -> Verdict:
    """Run the policy through hidden bursts, half of them with a scorer that slows down."""
    waits: list[float] = []
    for number_, seed in enumerate(HIDDEN_SEEDS[:12]):
        faults = SLOW_SCORER if number_ % 2 else ()
        case = f"Hidden seed {seed}{', with a scorer that slows down to 70% for 10 s' if faults else ''}: "
        try:
            trace = _run_mine(function, seed=seed, faults=faults)
        except Misuse as error:
            return Verdict(passed=False, saw=f"{case}{error}.")
        lost = lamp(trace, "important kept", priority="high").rows
        if lost:
            first = trace[lost[0]]
            where = f"the first at {first.time_us / 1e6:.1f} s ({first.message})"
            return Verdict(passed=False, saw=f"{case}{len(lost)} messages of high priority were lost, {where}.")
        waits += sojourns_s(trace)
    p99 = quantile(waits, 0.99)
    if p99 > P99_MOST_S:
        late = f"p99 over 12 hidden runs is {number(p99)} s, above {P99_MOST_S:g} s"
        return Verdict(passed=False, saw=f"Nothing that matters was lost, but {late}: what stays has waited too long.")
    return Verdict(
        passed=True,
        saw=f"In 12 hidden runs, 6 with a slow scorer, no high priority was lost and p99 is {number(p99)} s.",
    )


OVERFLOW: Final = Exercise(
    lab=LAB,
    name="overflow",
    title="Who pays when the buffer is full",
    statement="""
The buffer has `capacity` places. For every `newcomer` it asks your function who pays. `waiting` holds those inside, the
oldest first; each has `.message`, `.priority` (1: somebody waits for it, 0: nobody does) and `.offered_us`.

Return `None` to let the newcomer in, a **position in `waiting`** to drop that one for it, or `Answer.DROPPED` to drop
the newcomer. While there is room, everybody is let in.

Keep 99 of 100 waits within 6 s and lose nothing of priority 1, also when the scorer slows down.""",
    skeleton="""
from dsys_lab.brokers.overflow import Answer

def overflow(waiting, newcomer, capacity, chance):
    ...""",
    example="With 50 places, 50 waiting and a newcomer, somebody must go. With 49 waiting the answer is `None`.",
    hints=(
        "`show_source(newest_pays)` and `show_source(oldest_pays)` have the right form; each fails one of the wishes.",
        "If the newcomer goes, those who stay are old, and only what waited longest is served. Who else could go?",
        "Look through `waiting` from the oldest on for one with `.priority == 0`; its position is the answer.",
    ),
    check=check_overflow,
    play=lambda function: [_run_mine(function), burst(policy="drop_newest", capacity=ROOM)],
    answer=overflow,
)


# ------------------------------------------------------------------------------------------ (c) the storm
SETTINGS: Final = ("retries", "policy", "capacity", "budget")
AFTER_S: Final = (60.0, 115.0)
GOODPUT_LEAST: Final = 0.95
TROUBLE: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "a calm network": (),
    "a network that loses 5%": ({"do": "loss", "target": "network", "at_s": 0.0, "value": 0.05},),
    "a scorer that stands still for 5 s after the spike": (
        {"do": "slow", "target": "scorer", "at_s": 45.0, "value": 0.0, "lasts_s": 5.0},
    ),
}


def storm_proof() -> dict[str, Any]:
    """Return settings under which the system heals: a short queue, and retries on a budget."""
    return {"retries": 3, "policy": "drop_oldest", "capacity": 8, "budget": 0.2}


def _goodput(trace: Trace) -> float:
    """Return the share of the calls made in the window after the spike that were answered in time."""
    start_us, end_us = (at * 1e6 for at in AFTER_S)
    made = {
        row.message for row in trace.of("publish") if row.fields["attempt"] == 1 and start_us <= row.time_us < end_us
    }
    answered = {row.message for row in trace.of("publish_ok")}
    return len(made & answered) / len(made)


def _settings(function: Callable[..., Any]) -> dict[str, Any]:
    said = function()
    if not isinstance(said, dict):
        raise Misuse(f"it returned {brief(said)}; give a dict with some of {', '.join(SETTINGS)}")
    unknown = sorted(set(said) - set(SETTINGS))
    if unknown:
        raise Misuse(f"it set {unknown[0]!r}; give only {', '.join(SETTINGS)}")
    return said


def check_storm_proof(function: Callable[..., Any]) -> Verdict:
    """Run the settings through hidden storms: 20 seeds, three kinds of trouble."""
    settings = _settings(function)
    worst = 1.0
    for number_, seed in enumerate(HIDDEN_SEEDS):
        trouble = list(TROUBLE)[number_ % len(TROUBLE)]
        trace = retry_storm(seed=seed, faults=TROUBLE[trouble], **settings)
        goodput = _goodput(trace)
        if goodput < GOODPUT_LEAST:
            window = f"from {AFTER_S[0]:g} s to {AFTER_S[1]:g} s"
            share = f"{int(goodput * 100)}% of the calls were answered in time"
            saw = f"Hidden seed {seed}, with {trouble}: {window} only {share}."
            return Verdict(passed=False, saw=f"{saw} {cause(trace, AFTER_S)}")
        worst = min(worst, goodput)
    return Verdict(
        passed=True,
        saw=f"In 20 hidden storms of three kinds, at least {int(worst * 100)}% of the calls were answered.",
    )


def play_storm_proof(function: Callable[..., Any]) -> list[Trace]:
    """Play the reader's settings beside the defaults, both with the scorer's stand-still."""
    *_, trouble = TROUBLE.values()
    mine, usual = retry_storm(faults=trouble, **_settings(function)), retry_storm(faults=trouble)
    mine.header.title, usual.header.title = "your settings", "the usual settings"
    return [mine, usual]


STORM_PROOF: Final = Exercise(
    lab=LAB,
    name="storm_proof",
    title="Settings that survive a retry storm",
    statement="""
Calls come at half of what the scorer can do, and at three times that from 30 s to 40 s. Each client waits 1 s and then
tries again. Return a dict with your choice of `retries` (0 to 5), `policy` and `capacity` of the inbox, and `budget`
(retries as a share of first attempts, or `None`).

From 60 s to 115 s at least 95% of the calls must be answered in time, in each of 20 hidden runs: some with a network
that loses messages, some with a scorer that stands still for a while.""",
    skeleton='def storm_proof():\n    return {"retries": 3, "policy": "unbounded", "capacity": 8, "budget": None}',
    example="What the skeleton returns are the defaults: with them the system stays down for ever.",
    hints=(
        "A call whose client has left is a ghost, and costs as much as a real one. How long may the queue be?",
        "The client waits 1 s and the scorer does 10 a second. A message behind 10 others comes too late.",
        "Bound the queue below 10 and drop what overflows. Keep a retry, for messages get lost; budget the rest.",
    ),
    check=check_storm_proof,
    play=play_storm_proof,
    answer=storm_proof,
)

# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Buffer, lose or throttle?",
    statement="""
Three systems are about to be offered more than they can do: a receiver of partner wearables' web-hooks, a payment call
at the pillow shop, and an agent that ships metrics from every machine.

For each: would you buffer, lose or throttle? Who pays, who is told, and what is the bound of every queue?""",
    model_answer="""
**Web-hooks: buffer, on disk, then throttle.** The partner calls once and may not call again, so take the message, write
it to a durable queue and answer at once; work on it later. The bound is the disk, or the age at which a message is
worth nothing. When it is near, answer 429 or 503: most partners then try again with backoff. They pay, and are told.

**Payment: throttle.** Somebody stands there and waits. A queue longer than their patience is full of ghosts, so let in
only what can be answered in time and tell the others at once, before any money moves. Retries carry an idempotency key,
for an answer that is lost must not pay twice. The customer pays with a second try, and is told.

**Metrics: lose.** A newer reading is worth more than an older one, and the machine that is watched must not suffer from
being watched. Keep a small ring in memory, drop the oldest, and count what was dropped: that count is a metric, too.
The graph pays with a gap, and its reader is told by the count.""",
)

TASKS: Final = (DRAIN_TIME, OVERFLOW, STORM_PROOF, DESIGN)
"""The tasks of this lab, in the order of the notebook."""
