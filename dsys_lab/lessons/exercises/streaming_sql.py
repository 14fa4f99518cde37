"""Exercises of lab 18: the bound that a promise needs, changes that fold to the answer, how long a query remembers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from dsys_lab.dataflows.batch import COUNT, Record
from dsys_lab.dataflows.streaming_sql import Change, folded
from dsys_lab.dataflows.windows import Tumbling, WindowedStream
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.streaming_sql.counts import PAID
from dsys_lab.scenarios.streaming_sql.world import catalog
from dsys_lab.simulation.chance import Stream, exponential, mixture, stream
from dsys_lab.views import charts

LAB: Final = 18
SIZE_S: Final = 10
Ping = tuple[int, int]


# ------------------------------------------------------------------------------------------ (a) the bound for a promise
def bound_for(pings: Sequence[Ping], completeness: float) -> int:
    """Ask each ping which bound it would have needed, and take the smallest that is enough for so many."""
    latest, needed = 0, []
    for happened, _ in pings:
        end = happened // 10 * 10 + 10
        needed.append(max(0, latest - end + 1))
        latest = max(latest, happened)
    return sorted(needed)[math.ceil(completeness * len(pings)) - 1] if pings else 0


def pings_of(seed: int, count: int = 120) -> list[Ping]:
    """Return hidden pings, (happened, came) in whole seconds, in the order in which they came."""
    draw = stream(seed, "exercise/pings")
    delay = mixture(0.15, exponential(3), exponential(25))
    found, at_s = [], 0.0
    for _ in range(count):
        at_s += exponential(1)(draw)
        found.append((int(at_s), int(at_s + delay(draw))))
    return sorted(found, key=lambda ping: (ping[1], ping[0]))


def in_time(pings: Sequence[Ping], bound_s: int) -> float:
    """Return the share of the pings that windows of ten seconds with this bound hear of, by the room itself."""
    windows = WindowedStream(Tumbling(SIZE_S), COUNT, bound_us=bound_s)
    for happened, came in pings:
        windows.on_record(came, Record(happened, came, "all"))
    return 1 - windows.status().late_drops / len(pings)


CASES: Final = ((1, 0.5), (2, 0.9), (3, 0.95), (4, 0.99), (5, 1.0))


def check_bound_for(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the windows themselves."""
    for seed, completeness in CASES:
        pings = pings_of(seed)
        said = function(list(pings), completeness)
        if not isinstance(said, int) or isinstance(said, bool) or said < 0:
            raise Misuse(f"it returned {brief(said)}; give a whole number of seconds, 0 or more")
        share = in_time(pings, said)
        told = f"{len(pings)} pings, {completeness:.0%} of them in time: you said {said} s,"
        if share < completeness:
            why = f"{told} and {share:.1%} are. {_slip_of_bound(pings, said)}"
            return Verdict(passed=False, saw=why.strip())
        if said and in_time(pings, said - 1) >= completeness:
            least = next(bound for bound in range(said) if in_time(pings, bound) >= completeness)
            hint = "A ping late by a minute is in time if its window is still open." if said > least + 1 else ""
            return Verdict(passed=False, saw=f"{told} and {least} s are enough. {hint}".strip())
    empty = function([], 0.9)
    if empty != 0:
        return Verdict(passed=False, saw=f"Of no pings none is late: 0 s are enough, you said {brief(empty)}.")
    return Verdict(passed=True, saw=f"The smallest bound for {len(CASES)} streams, and for no ping at all.")


def _slip_of_bound(pings: Sequence[Ping], said: int) -> str:
    if in_time(pings, said + 1) > in_time(pings, said):
        return "A window closes when the watermark has *reached* its end, not when it is past it."
    return ""


def _chart_of_bounds(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw what each bound hears of, and where the reader's bound for 95% lies."""
    pings = pings_of(3)
    said = int(function(list(pings), 0.95))
    at = sorted({*range(0, 61, 2), said})
    return charts.lines(
        {"in time": [(bound, in_time(pings, bound)) for bound in at]}, title="What does each bound hear of?",
        x="bound, s", y="share of the pings", references={"promised": 0.95}, bands={"your bound": (said, said + 0.5)},
    )  # fmt: skip


BOUND_FOR: Final = Exercise(
    lab=LAB,
    name="bound_for",
    title="Which bound keeps a promise?",
    statement="""
`pings` is a list of `(happened, came)`, in whole seconds, in the order in which they came. Windows are ten seconds long
([0, 10), [10, 20) and so on). The watermark is the latest `happened` that came so far, less a bound; a ping is late if
the watermark had reached the end of its window before the ping came.

Return the smallest bound, in whole seconds, with which at least the share `completeness` of the pings is in time. Of no
pings at all it is 0.""",
    skeleton="def bound_for(pings, completeness):\n    ...",
    example="""`bound_for([(1, 1), (14, 14), (9, 15)], 1.0)` is 5: with 4 the watermark stands at 10 when the ping of
second 9 comes.""",
    hints=(
        "Walk through the pings in their order and keep the latest `happened` so far.",
        "Which bound would this ping have needed to be in time? 0, if the latest is before its window's end.",
        "It needs `latest - end + 1`. Sort what all of them need: the promise says how far you have to go.",
    ),
    check=check_bound_for,
    play=lambda function: (),
    picture=_chart_of_bounds,
    is_pure=True,
    answer=bound_for,
)


# ------------------------------------------------------------------------------------------ (b) changes that fold
def changes_of(answers: Sequence[tuple[str, int | None]]) -> list[tuple[str, tuple[str, int]]]:
    """Remember what stands for each key: what is new, other or gone is said, what is the same is not."""
    stands: dict[str, int] = {}
    said: list[tuple[str, tuple[str, int]]] = []
    for key, value in answers:
        old = stands.get(key)
        if value == old:
            continue
        if value is None:
            said.append(("-D", (key, stands.pop(key))))
            continue
        if old is None:
            said.append(("+I", (key, value)))
        else:
            said += [("-U", (key, old)), ("+U", (key, value))]
        stands[key] = value
    return said


def answers_of(seed: int, count: int = 40) -> list[tuple[str, int | None]]:
    """Return hidden answers: some new, some the same again, some gone."""
    draw: Stream = stream(seed, "exercise/answers")
    return [
        (("Oslo", "Rome", "Bonn")[int(3 * draw())], None if draw() < 0.2 else int(4 * draw())) for _ in range(count)
    ]


def check_changes_of(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the definition, and its fold against the last answers."""
    for seed in (1, 2, 3):
        for count in range(41):
            answers = answers_of(seed)[:count]
            said = function(list(answers))
            if not isinstance(said, list) or not all(isinstance(one, tuple) and len(one) == 2 for one in said):
                raise Misuse(f"it returned {brief(said)}; give a list of (op, (key, value))")
            truth = changes_of(answers)
            if said != truth:
                return Verdict(passed=False, saw=_slip_of_changes(answers, said, truth))
    return Verdict(passed=True, saw="What you say folds to what stands, and says no row twice and nothing for nothing.")


def _slip_of_changes(answers: list[Any], said: list[Any], truth: list[Any]) -> str:
    at = next((n for n, (one, other) in enumerate(zip(said, truth, strict=False)) if one != other),
              min(len(said), len(truth)))  # fmt: skip
    told = f"After {brief(answers[-1])} you have said {brief(said[at:])}, and due was {brief(truth[at:])}."
    try:
        found = folded(Change(*one) for one in said)
    except (BadParameter, TypeError) as error:
        return f"{told} {str(error).split('; ')[0]}."
    stands = {key: value for key, value in answers if value is not None}
    gone = {key for key, value in dict(answers).items() if value is None}
    if found != Counter({row: 1 for row in stands.items() if row[0] not in gone}):
        return f"{told} Folded, it is {brief(dict(found))}: an old row must go before a new one comes."
    return f"{told} It folds to the right table, but what is the same need not be said, and ops have their meaning."


CHANGES_OF: Final = Exercise(
    lab=LAB,
    name="changes_of",
    title="Which changes does a query say?",
    statement="""
A query has one row for each key. `answers` is a list of `(key, value)`: from now on the row of this key has this value;
a value of `None` says that the row is gone.

Return the changes as a list of `(op, (key, value))`: `+I` for a row that was not there, `-U` of the old row and then
`+U` of the new one where the value is another, `-D` of a row that goes. Nothing is said where nothing changes.""",
    skeleton="def changes_of(answers):\n    ...",
    example="""`changes_of([("Oslo", 1), ("Oslo", 2), ("Oslo", 2), ("Oslo", None)])` is
`[("+I", ("Oslo", 1)), ("-U", ("Oslo", 1)), ("+U", ("Oslo", 2)), ("-D", ("Oslo", 2))]`.""",
    hints=(
        "Keep a dict: what stands for each key.",
        "Four cases: the same as what stands, nothing stood, something else stood, and None.",
        "`-U` and `-D` carry the *old* row. After `-D` comes `+I` again, and None for what is not there says nothing.",
    ),
    check=check_changes_of,
    play=lambda function: (),
    is_pure=True,
    answer=changes_of,
)  # fmt: skip


# ------------------------------------------------------------------------------------------ (c) how long it remembers
_COUNTED: Final = "SELECT window_start, COUNT(*) AS n FROM TABLE({}) GROUP BY window_start, window_end"
REMEMBERING: Final = {
    "a filter": "SELECT city, hours FROM pings WHERE hours < 5",
    "a minute": _COUNTED.format("TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '60' SECOND)"),
    "sliding": _COUNTED.format("HOP(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '40' SECOND)"),
    "paid": PAID.format(within=30),
    "a city": "SELECT city, COUNT(*) AS n FROM pings GROUP BY city",
}
"""Five queries; the bound of every table is 5 s."""
FOR_EVER_S: Final = 120


def remembers_s() -> dict[str, float]:
    """Give what the watermark must pass, and how far behind the latest event it is."""
    return {"a filter": 0, "a minute": 60 + 5, "sliding": 40 + 5, "paid": 30 + 5, "a city": math.inf}


@lru_cache(maxsize=8)
def forgotten_after_s(name: str) -> float:
    """Return after how many seconds a query has forgotten a row of second 0, counted from what it keeps."""
    last = next((at_s for at_s in range(FOR_EVER_S, 0, -1) if _kept(name, 0, at_s) > _kept(name, at_s)), -1)
    return math.inf if last == FOR_EVER_S else last + 1


def _kept(name: str, *seconds: int) -> int:
    """Return what a query keeps that heard of a row of each table at these seconds, each of a city of its own."""
    query = catalog(5).query(REMEMBERING[name])
    for at_s in dict.fromkeys(seconds):
        us = at_s * 1_000_000
        ping, order, payment = (f"city {at_s}", at_s, 4.0, us), (at_s, "mask", 1, us), (-1 - at_s, 9, us)
        rows = {"pings": ping, "orders": order, "payments": payment}
        for table in query.tables:
            query.on_row(us, table, rows[table])
    return query.status().kept_in_all


def check_remembers_s(function: Callable[..., Any]) -> Verdict:
    """Hold the reader's numbers against what the queries keep; a second more or less does not matter."""
    said = function()
    if not isinstance(said, dict) or set(said) != set(REMEMBERING):
        raise Misuse(f"it returned {brief(said)}; give a dict with the keys {', '.join(map(repr, REMEMBERING))}")
    for name, given in said.items():
        if isinstance(given, bool) or not isinstance(given, int | float) or math.isnan(given):
            raise Misuse(f"{name!r}: {brief(given)}; give seconds, or math.inf")
        counted = forgotten_after_s(name)
        if given != counted and not abs(given - counted) <= 1:
            return Verdict(passed=False, saw=f"{name!r}: {_slip_of_memory(name, given, counted)}")
    return Verdict(passed=True, saw="So long each of them remembers, counted from what it keeps.")


def _slip_of_memory(name: str, given: float, counted: float) -> str:
    if math.isinf(counted):
        return f"you said {given:g} s, but no watermark ends a group of it. It is still there after {FOR_EVER_S} s."
    if math.isinf(given):
        return "its memory ends: what does the watermark have to pass?"
    if abs(given + 5 - counted) <= 1:
        return f"you said {given:g} s, but the watermark is 5 s behind the latest event."
    return f"you said {given:g} s; a row of second 0 is forgotten {'sooner' if given > counted else 'later'}."


REMEMBERS_S: Final = Exercise(
    lab=LAB,
    name="remembers_s",
    title="How long does a query remember?",
    statement=f"""
Five queries, over tables whose watermarks are 5 s behind the latest event:

{chr(10).join(f"- `{name}`: `{' '.join(sql.split())}`" for name, sql in REMEMBERING.items())}

A row of each table that the query reads happens in second 0 (for `paid`, an order and somebody else's payment). How
many seconds later must rows happen until nothing of the first is in memory any more? Return a dict, name -> seconds,
and `math.inf` where it is never. A second more or less does not matter.""",
    skeleton="import math\n\n\ndef remembers_s():\n    return {}",
    example='`remembers_s()["a filter"]` is 0: it looks at each row once.',
    hints=(
        "A window is kept until the watermark has reached its end; an order until no payment for it can come any more.",
        "Of several windows that hold the row the last one counts.",
        "What the watermark must pass, and 5 s. One of the five has nothing that it could pass.",
    ),
    check=check_remembers_s,
    play=lambda function: (),
    answer=remembers_s,
)


# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="a leaderboard that pays prizes",
    statement="""
*Slumber* shows live who slept longest this week, a thousand changes a second, on a wall in each office. On Sunday at
midnight the first three win a prize. Phones may be offline for a day.

Which windows, which bound, which lateness, and which sink? What is shown, what is paid, and what do you say to somebody
whose phone comes back on Tuesday?""",
    model_answer="""
Two answers with two promises, out of one query. The **wall** gets an update stream with early answers, a small bound
and an upsert sink keyed by place: it may be wrong, is corrected in view of all, and repeats do no harm.

The **prize** is paid once and cannot be taken back, so it must not hang on a retraction: a window of the week, a bound
(or lateness) of more than a day, chosen from the counted delays, and a two-phase sink, or an upsert with the week and
place for a key, which the payer asks before paying. Its delay, two days, is stated in the rules.

Who comes later than that is *late*: the row goes to a table of its own and is not dropped in silence; a person decides,
and apologises (lab 25). A phone whose clock is ahead must not close the week for all: cap how far ahead an event is
believed. And the memory of a week times all sleepers is bounded only because the window ends.""",
)

TASKS: Final = (BOUND_FOR, CHANGES_OF, REMEMBERS_S, DESIGN)
