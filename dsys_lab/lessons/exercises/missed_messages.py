"""Exercises of lab 14: which tap leaked, a gap in the numbers, and how often to beat and to compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.audit import SequenceGap
from dsys_lab.errors import Misuse
from dsys_lab.laws import known_later_than
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.missed_messages import path
from dsys_lab.scenarios.missed_messages.watchers import LEAKS
from dsys_lab.simulation.chance import stream
from dsys_lab.trace import Trace
from dsys_lab.views import charts

LAB: Final = 14

# ------------------------------------------------------------------------------------------ (a) name the leak
HIDDEN: Final = ("hole", "detect", "mend", "answer", "answered", "answer_lost", "publish_ok")
"""Rows that no system on a path could write, and those about answers."""
Clue = tuple[str, str]


def name_the_leak(rows: Sequence[Clue]) -> str:
    """Return the tap by the last row of the path about a message that was missed."""
    kind, place = rows[-1]
    if kind == "publish_fail":
        return "gives up"
    if kind == "drop":
        return "unheard" if place == "pings" else "overflow"
    if kind == "expire":
        return "too old"
    return "skipped" if kind == "fail" else "ack first"


class _Case(NamedTuple):
    """The rows of one message that was missed, and by which tap it went."""

    rows: tuple[Clue, ...]
    leak: str


@lru_cache(maxsize=1)
def _cases() -> tuple[_Case, ...]:
    """Return messages that were missed, with what the path's own rows say of each, and the reader's crashes."""
    cases = []
    for leak, seed in product(LEAKS, (1401, 1402, 1403)):
        run = path(leak=leak, detector="nobody", every_s=1.5, seed=seed)
        lost = dict.fromkeys(str(row.message) for row in run.of("hole"))
        cases += [_Case(rows_of(run, message), leak) for message in list(lost)[:4]]
    return tuple(cases)


def rows_of(run: Trace, message: str) -> tuple[Clue, ...]:
    """Return (kind, place) of each row of the path about a message."""
    return tuple((row.kind, row.place) for row in run.of(message=message) if row.kind not in HIDDEN)


def check_name_the_leak(function: Callable[..., Any]) -> Verdict:
    """Ask the function about messages that were missed in runs with one open tap each."""
    for rows, leak in _cases():
        said = function(list(rows))
        if said not in LEAKS:
            raise Misuse(f"it returned {brief(said)}; give one of {', '.join(LEAKS)}")
        if said != leak:
            last = ", ".join(f"{kind} at {place}" for kind, place in rows[-3:])
            return Verdict(passed=False, saw=f"You said {said!r}; it was {leak!r}. It ends: {last}. {_WHY[leak]}")
    return Verdict(passed=True, saw=f"Right for {len(_cases())} messages, missed at six taps.")


_WHY: Final = {
    "gives up": "The phone says so itself.",
    "unheard": "The topic made no copy, for nobody sits there.",
    "overflow": "The gate turned it away: its rows say drop, at the gate.",
    "too old": "The log let it go by its age.",
    "ack first": "It lies in the log, somebody read beyond it, and no row says that anything went wrong.",
    "skipped": "The reader failed at it, and went on.",
}

NAME_THE_LEAK: Final = Exercise(
    lab=LAB,
    name="name_the_leak",
    title="By which tap did it go?",
    statement=f"""
A message was missed on the path of this lab. You get what the path itself wrote about it, from the first row to the
last: a list of `(kind, place)`, such as `("publish", "phone")`, `("enqueue", "gate")`, `("append", "log")`. Nobody has
told you of its outline.

Return the tap: one of {", ".join(f'`"{leak}"`' for leak in LEAKS)}.""",
    skeleton="def name_the_leak(rows):\n    ...",
    example='`name_the_leak([("publish", "phone"), …, ("publish_fail", "phone")])` is `"gives up"`.',
    hints=(
        "How does each story end? The last row is nearly enough.",
        "Two of them end with a `drop`, at different places.",
        "One ends as if nothing were wrong: the record is in the log. That silence is its sign.",
    ),
    check=check_name_the_leak,
    play=lambda function: [path(leak=leak, every_s=1.5) for leak in ("ack first", "skipped")],
    answer=name_the_leak,
)


# ------------------------------------------------------------------------------------------ (b) gaps
def missing_numbers(came: Sequence[int], reorder: int) -> list[int]:
    """Return the numbers that are missing by now: what is more than `reorder` below the highest, and has not come."""
    return [number for number in range(1, max(came, default=0) - reorder) if number not in came]


@lru_cache(maxsize=1)
def _lines() -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return deliveries with losses, repetitions and a bounded disorder, each with its bound."""
    chance = stream(1404, "lines")
    lines: list[tuple[tuple[int, ...], int]] = [((), 0), ((1,), 0), ((2,), 0), ((1, 4), 0), ((1, 4), 2), ((5, 1), 4)]
    for length in range(4, 64):
        reorder = int(chance() * 4)
        late = {n: n + int(chance() * (reorder + 1)) for n in range(1, length + 1) if chance() > 0.2}
        order = sorted(late, key=lambda n: (late[n], -n))
        lines.append((tuple(n for n in order for _ in range(1 + (chance() < 0.1))), reorder))
    return tuple(lines)


def check_missing_numbers(function: Callable[..., Any]) -> Verdict:
    """Hold the function against `SequenceGap` after every arrival."""
    for whole, reorder in _lines():
        for count in range(len(whole) + 1):
            came, gaps = whole[:count], SequenceGap(reorder=reorder)
            for number in came:
                gaps.observe("anna", number)
            truth = [n for gap in gaps.missing() for n in range(gap.first, gap.last + 1)]
            said = function(list(came), reorder)
            if not isinstance(said, list):
                raise Misuse(f"it returned {brief(said)}; give a list of numbers")
            if said != truth:
                return Verdict(passed=False, saw=_slip_of_gaps(came, reorder, said, truth))
    return Verdict(passed=True, saw=f"Right after every arrival of {len(_lines())} lines.")


def _slip_of_gaps(came: Sequence[int], reorder: int, said: list[int], truth: list[int]) -> str:
    told = f"After {list(came)} with reorder = {reorder}, {truth} is missing; you said {said}."
    alarm = [number for number in said if number not in truth]
    if alarm and alarm[0] in came:
        return f"{told} {alarm[0]} has come."
    if alarm:
        return f"{told} {alarm[0]} may still come: nothing more than {reorder} above it is here. A false alarm."
    if sorted(said) == truth or len(set(said)) < len(said):
        return f"{told} Each once, in order."
    left = next(number for number in truth if number not in said)
    return f"{told} {left} cannot come any more: {max(came)} is more than {reorder} above it."


MISSING_NUMBERS: Final = Exercise(
    lab=LAB,
    name="missing_numbers",
    title="A gap in the numbers",
    statement="""
The messages of a sleeper are numbered 1, 2, 3 and so on. `came` lists the numbers that have come so far, in the order
of coming; some came twice. The network may deliver out of order, but not by more than `reorder`: message n comes before
any message above n + `reorder`, or never.

Return the list, in order, of the numbers that are certainly missing *by now*.""",
    skeleton="def missing_numbers(came, reorder):\n    ...",
    example="`missing_numbers([1, 4], 0)` is `[2, 3]`; with `reorder = 2` it is `[]`: both may still come.",
    hints=(
        "When can 3 not come any more? When something above 3 + `reorder` is here.",
        "So only the highest number counts, and what lies more than `reorder` below it.",
        "`range(1, max(came) - reorder)`; and think of the moment when nothing has come.",
    ),
    check=check_missing_numbers,
    play=lambda function: [path(leak="gives up", detector="numbers")],
    is_pure=True,
    answer=missing_numbers,
)

# ------------------------------------------------------------------------------------------ (c) H and P
WITHIN_S: Final = 10.0
LATE_MOST: Final = 0.01
BEATS_S: Final = (1, 2, 3, 5, 8, 10, 12, 15, 20, 30, 60)
COMPARISONS_S: Final = (5, 10, 20, 60, 300)
BEAT_COST: Final = 1.0
COMPARISON_COST: Final = 20.0
"""What a beat costs, and a comparison: it says a count and a hash for each bucket, and both ends keep every id."""


def known_late(rate: float, heartbeat_s: float | None, compare_s: float | None) -> float:
    """Return the share of losses that are not known within ten seconds.

    With a heartbeat: by the next number or beat. With a comparison every P seconds, at a moment of its own: by either.
    """
    late = known_later_than(WITHIN_S, rate, heartbeat_s) if heartbeat_s else math.exp(-rate * WITHIN_S)
    return late * (max(0.0, 1 - WITHIN_S / compare_s) if compare_s else 1.0)


def cost_a_minute(heartbeat_s: float | None, compare_s: float | None) -> float:
    """Return what beats and comparisons cost a minute."""
    return 60 * ((BEAT_COST / heartbeat_s if heartbeat_s else 0) + (COMPARISON_COST / compare_s if compare_s else 0))


def _grid() -> list[tuple[float | None, float | None]]:
    return list(product((None, *BEATS_S), (None, *COMPARISONS_S)))


def choose_intervals(rate: float) -> tuple[float | None, float | None]:
    """Return the cheapest pair of the grid by which 99 % of the losses are known within ten seconds."""
    good = [pair for pair in _grid() if known_late(rate, *pair) <= LATE_MOST]
    return min(good, key=lambda pair: cost_a_minute(*pair))


RATES: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.47, 0.6, 1.0, 5.0)


def check_choose_intervals(function: Callable[..., Any]) -> Verdict:
    """Hold the choice against the whole grid, for sleepers who send seldom and often."""
    for rate in RATES:
        said = function(rate)
        if not isinstance(said, tuple | list) or tuple(said) not in _grid():
            raise Misuse(f"it returned {brief(said)}; give (H, P), of {BEATS_S} and {COMPARISONS_S}, or None for never")
        best, pair = choose_intervals(rate), tuple(said)
        late, cost, least = known_late(rate, *pair), cost_a_minute(*pair), cost_a_minute(*best)
        here = f"At {rate:g} pings a second, {pair}:"
        if late > LATE_MOST:
            return Verdict(passed=False, saw=f"{here} {late:.1%} of the losses are known later than after 10 s.")
        if cost > least + 1e-9:
            why = "Numbers alone do it there." if best == (None, None) else "It need not be so often."
            return Verdict(passed=False, saw=f"{here} it costs {cost:.1f} a minute, and {least:.1f} would do. {why}")
    return Verdict(passed=True, saw=f"In time, and as cheap as can be, at {len(RATES)} rates.")


def _chart_of_choices(function: Callable[..., Any]) -> charts.Chart:
    rates = (0.0, 0.1, 0.3, 0.45, 1.0)
    return charts.bars(
        {f"{rate:g}/s": cost_a_minute(*choose_intervals(rate)) for rate in rates},
        title="What does it cost to know in time?", unit="a minute",
        predicted={f"{rate:g}/s": cost_a_minute(*function(rate)) for rate in rates},
    )  # fmt: skip


CHOOSE_INTERVALS: Final = Exercise(
    lab=LAB,
    name="choose_intervals",
    title="How often to beat, how often to compare?",
    statement=f"""
A sleeper's wearable sends `rate` numbered pings a second, at random times (0: nothing more comes). 99 % of the losses
are to be known within 10 s, as cheaply as can be.

Return `(H, P)`: a heartbeat every H seconds, of {BEATS_S}, and a comparison every P seconds, of {COMPARISONS_S}; None
for never. A beat costs {BEAT_COST:g}, a comparison {COMPARISON_COST:g}; numbers cost nothing. Everything comes at once
(nothing has to settle); beats and comparisons come at moments of their own, and a loss is known by the first of them.
""",
    skeleton="def choose_intervals(rate):\n    return 5, 60",
    example="`(5, None)` is in time at any rate: after 5 s a beat has come. But is it the cheapest?",
    hints=(
        "Not known after t: no number, exp(-rate t), *and* no beat, 1 - t / H, *and* no comparison, 1 - t / P.",
        "`known_later_than(10, rate, H)` of `dsys_lab.laws` is the first two together; never a beat: only the first.",
        "Try every pair of the grid, keep those with at most 0.01, take the cheapest.",
    ),
    check=check_choose_intervals,
    play=lambda function: [path(detector="heartbeat", heartbeat_s=float(function(0.4)[0] or 60))],
    picture=_chart_of_choices,
    is_pure=True,
    answer=choose_intervals,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="“We have dead letters”",
    statement="""
A colleague says: "We have a queue with dead letters, so we cannot lose messages." Answer in five lines, with two
counter-examples, and say what you would build.""",
    model_answer="""
Dead letters hold what was *received* too often without being acknowledged. What never came to the queue they have
never seen: the producer that gave up after a timeout, the topic at which the queue was not subscribed, the filter with
a typo. And what was acknowledged is done, for the queue: a worker that acknowledges first and crashes leaves nothing
behind. Nor do dead letters last: they, too, have a retention.

So: number what is sent, for each key; say the last number in a heartbeat; look at the far end, behind the effect, and
raise an alarm on a gap. Compare counts and hashes of both ends once an hour, for what nobody numbered. Keep the source
long enough to send again, and give each effect a key, so that sending again is safe.""",
)

TASKS: Final = (NAME_THE_LEAK, MISSING_NUMBERS, CHOOSE_INTERVALS, DESIGN)


