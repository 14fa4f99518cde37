"""Exercises of lab 04: the shortest period, two folds that can be taken apart, and twelve computations before a cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache
from statistics import fmean
from typing import Any, Final, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.cut_computations import COMPUTATIONS, KINDS, key_of_kinds
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.stream_and_batch import pings
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 4


# ------------------------------------------------------------------------------------------ (a) the shortest period
def period_min(rate: float, setup_s: float, per_record_s: float) -> float | None:
    """Return the period at which a run takes just as long as its file is open; None where no period is long enough."""
    busy = rate * per_record_s
    return None if busy >= 1 else setup_s / (1 - busy)


class _Job(NamedTuple):
    rate: float
    setup_s: float
    per_record_s: float

    def __str__(self) -> str:
        return f"{self.rate:g} records a second, setup {self.setup_s:g} s, {self.per_record_s:g} s a record"


@lru_cache(maxsize=1)
def _jobs() -> tuple[_Job, ...]:
    chance, jobs = stream(401, "jobs"), []
    for _ in range(50):
        rate, setup_s = float(1 + int(chance() * 200)), round(0.01 + chance(), 2)
        jobs.append(_Job(rate, setup_s, round((0.1 + 1.1 * chance()) / rate, 4)))
    jobs.sort(key=lambda job: job.rate * job.per_record_s >= 1)  # those without a shortest period come last
    return (*jobs, _Job(100.0, 0.5, 0.01), _Job(4.0, 0.0, 0.125))


def _behind_s(job: _Job, period_s: float, files: int = 400) -> float:
    """Work through files that come evenly, and return by how much the last run begins after its file was closed."""
    free_s = 0.0
    for number in range(1, files + 1):
        free_s = max(free_s, number * period_s) + job.setup_s + job.per_record_s * job.rate * period_s
    return free_s - (files * period_s + job.setup_s + job.per_record_s * job.rate * period_s)


def check_period_min(function: Callable[..., Any]) -> Verdict:
    """Work through files at a period just above what the function says, and just below."""
    for job in _jobs():
        said = function(*job)
        if said is not None and (isinstance(said, bool) or not isinstance(said, int | float) or not said >= 0):
            raise Misuse(f"it returned {brief(said)}; give a number of seconds, or None")
        slip = _slip_of_period(job, said)
        if slip:
            return Verdict(passed=False, saw=f"{job}: you said {said if said is None else f'{said:g} s'}. {slip}")
    return Verdict(passed=True, saw=f"Right for {len(_jobs())} jobs: just above it they keep up, below they do not.")


def _slip_of_period(job: _Job, said: float | None) -> str:
    keeps_up_somewhere = _behind_s(job, 1e6 * max(job.setup_s, 0.001), files=40) <= 1e-6
    if said is None:
        return "With long files this job keeps up: there is a shortest period." if keeps_up_somewhere else ""
    if not keeps_up_somewhere:
        return "A second's records take a second of work or more: no period is long enough, however long."
    if said and not math.isfinite(said):
        return "A period that never ends has no answer: give None where no period is long enough."
    above, below = 1.01 * said + 1e-6, 0.99 * said - 1e-6
    if _behind_s(job, above) > 1e-6:
        return f"At {above:.3g} s the job falls behind: a run takes longer than its file was open."
    if below > 0 and _behind_s(job, below) <= 1e-6:
        return f"At {below:.3g} s it still keeps up: a shorter period will do."
    return ""


def _chart_of_periods(function: Callable[..., Any]) -> charts.Chart:
    """Draw what the function says for rising rates beside the reference."""
    rates = [10, 30, 50, 70, 90]
    told = {f"{rate} a second": period_min(rate, 0.1, 0.01) or 0.0 for rate in rates}
    said = {f"{rate} a second": float(function(rate, 0.1, 0.01) or 0) for rate in rates}
    return charts.bars(told, title="The shortest period, setup 0.1 s, 0.01 s a record", unit="s", predicted=said)


def _played(function: Callable[..., Any]) -> list[Any]:
    """Run the lab's job at the period that the reader gives, and at half of it."""
    said = float(function(50, 0.1, 0.01))
    return [pings(period_s=said, seconds=10), pings(period_s=said / 2, seconds=10)]


PERIOD_MIN: Final = Exercise(
    lab=LAB,
    name="period_min",
    title="How short may the period be?",
    statement="""
Records come at `rate` a second. A run of the batch job takes `setup_s`, and `per_record_s` for each record of its file;
a file holds what came in one period, and the next run waits until this one is over.

Return the shortest period, in seconds, at which the job does not fall behind; `None` if it falls behind at every
period. Luck is left out: the records come evenly.""",
    skeleton="def period_min(rate, setup_s, per_record_s):\n    ...",
    example="`period_min(50, 0.1, 0.01)` is 0.2: a file holds ten records, and a run takes 0.1 + 0.1 s.",
    hints=(
        "How many records are in a file of `T` seconds, and how long does its run take?",
        "The run must not take longer than `T`: `setup_s + per_record_s * rate * T <= T`. Solve it for `T`.",
        "`setup_s / (1 - rate * per_record_s)`; and if `rate * per_record_s` is 1 or more, None.",
    ),
    check=check_period_min,
    play=_played,
    picture=_chart_of_periods,
    is_pure=True,
    answer=period_min,
)

# ------------------------------------------------------------------------------------------ (b) two monoids
Four = tuple[Callable[..., Any], ...]
WANTED: Final = ("mean", "last")


def merges() -> dict[str, Four]:
    """Return zero, add, merge and finish for the mean, and for the value that is last by event time."""

    def mean_of(state: tuple[int, float]) -> float | None:
        count, total = state
        return total / count if count else None

    def later(one: Any, other: Any) -> Any:
        return other if one is None else one if other is None else max(one, other)

    mean = (
        lambda: (0, 0),
        lambda state, record: (state[0] + 1, state[1] + record[1]),
        lambda one, other: (one[0] + other[0], one[1] + other[1]),
        mean_of,
    )
    last = (lambda: None, later, later, lambda state: None if state is None else state[1])
    return {"mean": mean, "last": last}


@lru_cache(maxsize=1)
def _inputs() -> tuple[tuple[tuple[int, int], ...], ...]:
    chance, told = stream(402, "inputs"), []
    for number in range(40):
        size = 1 + int(chance() * 9) if number else 0
        told.append(tuple((int(chance() * 6), int(chance() * 20) - 9) for _ in range(size)))
    return tuple(told)


def _truth(name: str, records: Sequence[tuple[int, int]]) -> Any:
    if not records:
        return None
    return fmean(value for _, value in records) if name == "mean" else max(records)[1]


def check_merges(function: Callable[..., Any]) -> Verdict:
    """Hold both folds against the definition, wherever the input is cut."""
    given = function()
    if not isinstance(given, dict) or set(given) != set(WANTED):
        raise Misuse(f"it returned {brief(given)}; give a dict with the keys {', '.join(WANTED)}")
    for name in WANTED:
        four = given[name]
        if not isinstance(four, tuple | list) or len(four) != 4 or not all(map(callable, four)):
            raise Misuse(f"{name}: given {brief(four)}; give the four functions (zero, add, merge, finish)")
        for records in _inputs():
            slip = _slip_of_merging(name, tuple(four), records)
            if slip:
                return Verdict(passed=False, saw=f"{name} of {list(records)}: {slip}")
    return Verdict(passed=True, saw=f"Right for {len(_inputs())} inputs, wherever they are cut in three.")


def _slip_of_merging(name: str, four: Four, records: Sequence[tuple[int, int]]) -> str:
    zero, _, merge, finish = four
    truth = _truth(name, records)

    def fold(part: Sequence[tuple[int, int]]) -> Any:
        state = zero()
        for record in part:
            state = four[1](state, record)
        return state

    whole = finish(fold(records))
    if not _alike(whole, truth):
        return f"folded at once you say {brief(whole)}, it is {brief(truth)}. {_hint(name, records)}"
    for first in range(len(records) + 1):
        for second in range(first, len(records) + 1):
            a, b, c = (fold(part) for part in (records[:first], records[first:second], records[second:]))
            before = deepcopy((a, b, c))
            left, right = finish(merge(merge(a, b), c)), finish(merge(a, merge(b, c)))
            where = f"cut into {first}, {second - first} and {len(records) - second} records"
            if (a, b, c) != before:
                return f"{where}: merge changed a state that it was given; a file's state may be needed again."
            if not _alike(left, truth) or not _alike(right, truth):
                return f"{where} and merged you say {brief(left)} or {brief(right)}, it is {brief(truth)}. {_why(name)}"
    return ""


def _alike(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return isinstance(one, int | float) and math.isclose(one, other, abs_tol=1e-9)


def _hint(name: str, records: Sequence[tuple[int, int]]) -> str:
    if not records:
        return "Of nothing it is None."
    if name == "last":
        return "The latest by event time, the first of the pair, not by arrival; of two at one time the larger value."
    return "The value is the second of the pair."


def _why(name: str) -> str:
    if name == "mean":
        return "A mean of means forgets how many records each of them had: the state needs the count and the sum."
    return "Which of two values is later cannot be said from the values: the state needs the time as well."


MERGES: Final = Exercise(
    lab=LAB,
    name="merges",
    title="Two folds that can be taken apart",
    statement="""
Records are pairs `(event_time, value)`, in the order in which they came. Return a dict: under `"mean"` the four
functions `(zero, add, merge, finish)` for the mean of the values, under `"last"` those for the value with the latest
event time; of two at the same time it is the larger value. Of nothing both are `None`.

`zero()` gives a state, `add(state, record)` and `merge(state, state)` give one, `finish(state)` the answer. Wherever
the input is cut, the merged states must finish as the whole does, and `merge` leaves what it is given as it is.""",
    skeleton="def merges():\n    ...",
    example=(
        'For the count it would be `{"count": (lambda: 0, lambda state, record: state + 1, lambda a, b: a + b, '
        "lambda state: state)}`."
    ),
    hints=(
        "What must be kept of a file so that another one can be joined to it? More than its answer.",
        "For the mean: how many and how much. For the last: the pair, not the value alone.",
        "Pairs compare by their first, then by their second: `max(a, b)`. None is the state of nothing.",
    ),
    check=check_merges,
    play=lambda function: [pings(way="batch", seconds=5), pings(way="stream", seconds=5)],
    answer=merges,
)

# ------------------------------------------------------------------------------------------ (c) twelve computations
def kinds_of_state() -> dict[str, str]:
    """Return what each computation needs."""
    return {
        "minutes": "stateless", "long": "stateless", "initials": "stateless",
        "count": "mergeable", "longest": "mergeable", "cities": "mergeable", "hours": "mergeable",
        "mean": "carried", "sleepers": "carried", "welcome": "carried", "median": "carried", "change": "carried",
    }  # fmt: skip


def check_kinds_of_state(function: Callable[..., Any]) -> Verdict:
    """Hold the marks against what cutting the nights into files shows."""
    said = function()
    if not isinstance(said, dict) or set(said) != set(COMPUTATIONS) or not set(said.values()) <= set(KINDS):
        raise Misuse(f"it returned {brief(said)}; give each of the {len(COMPUTATIONS)} names one of {', '.join(KINDS)}")
    key = key_of_kinds()
    wrong = [name for name in COMPUTATIONS if said[name] != key[name]]
    if not wrong:
        return Verdict(passed=True, saw=f"All {len(key)} right, each tried on nights cut into files.")
    name, right = wrong[0], len(key) - len(wrong)
    slip = _slip_of_kind(name, said[name], key[name])
    return Verdict(passed=False, saw=f"{right} of {len(key)} right. {name}, {slip}")


def _slip_of_kind(name: str, said: str, truth: str) -> str:
    words = f"{COMPUTATIONS[name].words}: not {said}."
    if truth == "stateless":
        return f"{words} One night is enough to say it; no other is asked for."
    if truth == "mergeable":
        together = "Put the answers of the files together: it is right."
        return f"{words} {'One night does not say it.' if said == 'stateless' else together}"
    return f"{words} Cut the nights into files and put their answers together: it is not that of the whole."


LISTED: Final = "\n".join(f"- `{name}`: {one.words}" for name, one in COMPUTATIONS.items())

KINDS_OF_STATE: Final = Exercise(
    lab=LAB,
    name="kinds_of_state",
    title="What must be carried across the cut?",
    statement=f"""
Nights come in files. What does each of these need, so that the answer is that of the whole?

{LISTED}

Return a dict from each name to `"stateless"` (one night is enough to say what comes of it), `"mergeable"` (the finished
*answers* of the files can be put together) or `"carried"` (more than the answers must be kept from file to file).""",
    skeleton="def kinds_of_state():\n    ...",
    example='`{"minutes": "stateless", ...}`',
    hints=(
        "Three questions, in this order: is one night enough? Are the files' answers enough? Else it is carried.",
        "Imagine two files, one night each, of the same sleeper.",
        "Three are stateless, four are mergeable, five are carried.",
    ),
    check=check_kinds_of_state,
    play=lambda function: [pings(way="batch", seconds=5), pings(way="stream", seconds=5)],
    answer=kinds_of_state,
)

DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Two answers from one stream of clicks",
    statement="""
Every click on *Slumber*'s advertisements is billed at the end of the month, and the bill must be exact. Fraud (one
machine that clicks a thousand times) must be seen within two seconds. Both come from one stream of clicks, which
arrive up to two days late, and sometimes twice. Draw the two paths. Where do they part, what does each of them keep,
and where do their two answers meet?""",
    model_answer="""
**One log, first.** All clicks go into one log under an id that the page gives them, and a copy of the log goes into an
object store, which keeps it for years. Here the paths part, and nothing else is written twice.

**Fraud** is a stream job: clicks a machine in hopping windows of a few seconds, by processing time or with a bound of a
second, for who waits longer than two seconds has lost. What is late is dropped, and a click that came twice is
harmless. Its state is small and forgotten after a minute; after a crash it may begin with nothing.

**Bills** are a fold over event time with a long patience: the month's window stays open for three more days. Each id
counts once, so the state (or the batch over the copy) must know the ids. It can be a batch, run again as often as one
likes, or a stream with carried state; with the same functions both say the same.

**They meet** in the clicks that fraud has marked: it writes its marks, with the ids, into a log of its own, and the
bill leaves out what is marked by the time when it is made. Fraud may be wrong and correct itself until then. And once
a day the stream's count is compared with the batch's over the same closed windows: where they differ, somebody is
told.""",
)

TASKS: Final = (PERIOD_MIN, MERGES, KINDS_OF_STATE, DESIGN)
