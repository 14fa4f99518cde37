"""An exercise of lab 26: write the rule of a circuit breaker, and let callers live by it through a storm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.patterns import storm
from dsys_lab.scenarios.patterns.circuit_breaker import WEARABLES, goodput_after, refused_in_vain
from dsys_lab.scenarios.patterns.own_breaker import Ended
from dsys_lab.trace import Trace, gauge
from dsys_lab.views import charts

SEEDS: Final = (2621, 2622, 2623)
SPIKE: Final[dict[str, Any]] = {"spike_from_s": 10.0, "spike_to_s": 20.0, "until_s": 80.0}
CUT_FROM_S, CUT_S, FAILING_S = 10.0, 30.0, 5.0
"""When the network goes, for how long, and after how much of that a rule must have seen that calls fail."""
CALM: Final[dict[str, Any]] = {
    "spike": 1.0, "spike_from_s": 20.0, "spike_to_s": 40.0, "until_s": 90.0,
    "faults": [{"do": "split", "target": WEARABLES, "at_s": CUT_FROM_S, "lasts_s": CUT_S}],
}  # fmt: skip
"""No spike, but nobody there: the calls of the last thirty seconds must be answered again."""
SHARE: Final = 0.95
IN_CALM_MOST: Final = 3
IN_VAIN_MOST: Final = 60
INTO_NOTHING_MOST: Final = 14


def may_call(ended: Sequence[Ended], on_their_way: Sequence[float], now_s: float) -> bool:
    """Ask nobody for five seconds after five failures in a row; then let one call try."""
    last = ended[-5:]
    if len(last) < 5 or any(call.well for call in last):
        return True
    opens_s = last[-1].at_s + 5
    return now_s >= opens_s and not any(since_s >= opens_s for since_s in on_their_way)


def _decided(function: Callable[..., Any]) -> Callable[..., bool]:
    def decide(ended: Sequence[Ended], on_their_way: Sequence[float], now_s: float) -> bool:
        said = function(ended, on_their_way, now_s)
        if not isinstance(said, bool):
            raise Misuse(f"may_call returned {brief(said)}; give True or False")
        return said

    decide.__name__ = "yours"
    return decide


def _run(function: Callable[..., Any], seed: int, luck: Mapping[str, Any] = SPIKE) -> Trace:
    return storm(seed=seed, breaker=_decided(function), **luck)


def _fault_in_storm(trace: Trace) -> str:
    """Say what is the matter with a storm; "" if nothing is."""
    calls, answered = goodput_after(trace)
    if answered < SHARE * calls:
        return f"{answered} of {calls} calls that began 20 s after the spike or later were answered in time"
    in_calm = sum(row.place == WEARABLES and row.time_us < SPIKE["spike_from_s"] * 1e6 for row in trace.of("reject"))
    if in_calm > IN_CALM_MOST:
        return f"{in_calm} calls were refused before the spike, when all was well"
    _, in_vain = refused_in_vain(trace)
    if in_vain > IN_VAIN_MOST:
        return f"{in_vain} calls were refused that the server would have answered in time"
    return ""


def _fault_when_cut(trace: Trace) -> str:
    """Say what is the matter with a run whose network is gone for a while; "" if nothing is."""
    from_us, until_us = (CUT_FROM_S + FAILING_S) * 1e6, (CUT_FROM_S + CUT_S) * 1e6
    made = sum(row.place == WEARABLES and from_us <= row.time_us < until_us for row in trace.of("send"))
    if made > INTO_NOTHING_MOST:
        return f"after the first {FAILING_S:g} s {made} calls were made all the same"
    calls, answered = goodput_after(trace)
    return f"of {calls} calls 20 s after it and later {answered} were answered" if answered < SHARE * calls else ""


def check_breaker(function: Callable[..., Any]) -> Verdict:
    """Let callers live by the rule through three storms, and three times through a network that is gone."""
    for seed in SEEDS:
        fault = _fault_in_storm(_run(function, seed))
        if fault:
            return Verdict(passed=False, saw=f"In a hidden storm {fault}.")
    for seed in SEEDS:
        fault = _fault_when_cut(_run(function, seed, CALM))
        if fault:
            return Verdict(passed=False, saw=f"The network was cut for {CUT_S:g} s, and {fault}.")
    saw = "In three hidden storms the callers came back, and when the network was gone hardly anybody called into it."
    return Verdict(passed=True, saw=saw)


def _goodput(function: Callable[..., Any]) -> charts.Chart:
    """Draw what was answered in time each second, with the rule and without any."""
    runs = {"no breaker": storm(seed=SEEDS[0], breaker="none", **SPIKE), "yours": _run(function, SEEDS[0])}
    return charts.lines(
        {name: list(zip(*gauge(trace, "goodput"), strict=True)) for name, trace in runs.items()},
        title="Answered in time, in the first hidden storm", x="s", y="a second",
    )  # fmt: skip


BREAKER: Final = Exercise(
    lab=26,
    name="breaker",
    title="A breaker of your own",
    statement=f"""
Callers ask a server, wait a second, and try again up to three times. For ten seconds three times as many come as
usual; after that, without a breaker, nobody is ever answered in time again.

Write its rule. `may_call(ended, on_their_way, now_s)` is asked before each call: `ended` are the last 50 calls that are
over, oldest first, each with `.at_s` (when it ended) and `.well` (whether it was answered in time); `on_their_way` says
since when each call that is not over is out; all in seconds. Return whether to call.

At least {SHARE:.0%} of the calls that begin 20 s after the spike or later must be answered in time, at most
{IN_CALM_MOST} may be refused before it, and at most {IN_VAIN_MOST} of those refused may be such as the server would
have answered. And when the network is gone for {CUT_S:g} s, at most {INTO_NOTHING_MOST} calls may be made into it after
the first {FAILING_S:g} s. Nothing but the two lists is yours to remember.""",
    skeleton="def may_call(ended, on_their_way, now_s):\n    return True",
    example="What the skeleton does is no breaker: see what becomes of it.",
    hints=(
        "How do you see in `ended` that the last five calls all failed? And when did the last of them?",
        "For some seconds after that, nobody: what waits at the server must drain. And then? Somebody has to find out.",
        ("After the pause let one try: nobody of `on_their_way` may have set out since it was over. If that one fails "
        "it stands in `ended`, and the pause begins anew by itself."),
    ),
    check=check_breaker,
    play=lambda function: (_run(function, SEEDS[0]),),
    picture=_goodput,
    answer=may_call,
)
