"""Exercises of lab 19: what a plan of hints comes to, hints for two readers, a transform and a courier."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.brokers.delivery_stream import DeliveryStream, Dropped, Entry, Failed, Given, Lines, Ok, Settings
from dsys_lab.brokers.delivery_stream.transforms import Fate
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises.deliveries import DELIVER
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.delivery_stream import glass, spoiled
from dsys_lab.scenarios.delivery_stream.counts import filled
from dsys_lab.simulation.chance import stream
from dsys_lab.structures import VolatileDisk

LAB: Final = 19
MIB: Final = 1 << 20

# ------------------------------------------------------------------------------------------ (a) what a plan comes to
Plan = tuple[float, float, float]


def flush_plan(rate: float, size_bytes: float, interval_s: float) -> Plan:
    """Return seconds between crates, bytes of a crate, and crates a day."""
    gap_s = min(interval_s, size_bytes / rate)
    return gap_s, rate * gap_s, 86_400 / gap_s


@lru_cache(maxsize=1)
def _plans() -> tuple[tuple[float, float, float], ...]:
    luck = stream(1901, "plans")
    drawn = [(10 ** (2 + 5 * luck()), round((1 + 127 * luck()) * MIB), 1 + round(899 * luck())) for _ in range(40)]
    return (*drawn, (1_000.0, 300_000, 300))


def check_flush_plan(function: Callable[..., Any]) -> Verdict:
    """Hold the function against forty plans."""
    for rate, size_bytes, interval_s in _plans():
        said = function(rate, size_bytes, interval_s)
        if not isinstance(said, tuple) or len(said) != 3 or not all(isinstance(one, int | float) for one in said):
            raise Misuse(f"it returned {brief(said)}; give (seconds, bytes, crates a day)")
        truth = (
            laws.crate_gap_s(rate, size_bytes, interval_s), laws.crate_bytes(rate, size_bytes, interval_s),
            laws.crates_a_day(rate, size_bytes, interval_s),
        )  # fmt: skip
        for name, one, true in zip(("seconds", "bytes", "crates a day"), said, truth, strict=True):
            if abs(one - true) > 1e-6 * true:
                told = f"{rate:,.0f} bytes a second, {size_bytes:,} bytes or {interval_s} s"
                saw = f"{told}: {true:,.6g} {name}, you said {one:,.6g}. {_slip(name, one, true)}"
                return Verdict(passed=False, saw=saw.strip())
    return Verdict(passed=True, saw=f"Right for {len(_plans())} plans, by size and by time.")


def _slip(name: str, said: float, true: float) -> str:
    if name == "seconds" and said > true:
        return "Whichever is full first seals: the shorter of the two."
    if name == "bytes" and said > true:
        return "The hourglass was empty before the glass was full: it holds what came until then."
    return ""


FLUSH_PLAN: Final = Exercise(
    lab=LAB,
    name="flush_plan",
    title="What does a plan come to?",
    statement="""
Bytes come at a steady `rate` a second, in records that are small. A crate is sealed at `size_bytes`, or when its oldest
record has waited for `interval_s`.

Return a tuple: the seconds between two crates, the bytes of a crate, and how many crates a day has.""",
    skeleton="def flush_plan(rate, size_bytes, interval_s):\n    ...",
    example="`flush_plan(100, 1_000, 20)` is `(10.0, 1_000.0, 8_640.0)`.",
    hints=(
        "How long does it take until the glass is full? And how long until the hourglass is empty?",
        "The shorter of `size_bytes / rate` and `interval_s`; what came in that time is in the crate.",
        "`gap = min(interval_s, size_bytes / rate)`; then `rate * gap` and `86_400 / gap`.",
    ),
    check=check_flush_plan,
    play=lambda function: [glass(every_s=1.0), glass(every_s=4.0)],
    is_pure=True,
    answer=flush_plan,
)


# ------------------------------------------------------------------------------------------ (b) hints for two readers
class Wish(NamedTuple):
    """What a reader wants of the crates."""

    words: str
    rates_mib: tuple[float, ...]
    age_s: float
    size_mib: float


DAY_MIB, NIGHT_MIB = 0.5, 0.05
"""MiB a second."""
SCALE: Final = 16
"""A crate of so many times less, filled so many times as slowly, is as old."""
WISHES: Final = {
    "dashboard": Wish("sees every ping within 15 s, by day and by night", (DAY_MIB, NIGHT_MIB), 15.0, 0.0),
    "archive": Wish("has objects of at least 64 MiB by day", (DAY_MIB,), float("inf"), 64.0),
}


def hints() -> dict[str, tuple[float, float]]:
    """Return (MiB, seconds) for each reader."""
    return {"dashboard": (128, 10), "archive": (70, 900)}


def check_hints(function: Callable[..., Any]) -> Verdict:
    """Let records come by day and by night under each pair of hints, and look at the crates."""
    said = function()
    if not isinstance(said, dict) or said.keys() != WISHES.keys():
        raise Misuse(f"it returned {brief(said)}; give a dict with (MiB, seconds) for each of {', '.join(WISHES)}")
    for name, wish in WISHES.items():
        try:
            size_mib, interval_s = said[name]
            Settings(size_bytes=round(size_mib * MIB), interval_s=interval_s)
        except (BadParameter, TypeError, ValueError) as error:
            return Verdict(passed=False, saw=f"{name}: {error}")
        if size_mib < 1 or interval_s <= 0:
            return Verdict(passed=False, saw=f"{name}: give 1 MiB at least, and more than 0 s")
        came = [crate for rate in wish.rates_mib for crate in filled(rate / SCALE, size_mib / SCALE, float(interval_s))]
        oldest_s, smallest = max(age for age, _ in came), min(size for _, size in came) / MIB * SCALE
        if oldest_s > wish.age_s:
            return Verdict(passed=False, saw=f"{name} {wish.words}: a ping waited {oldest_s:.0f} s for its crate.")
        if smallest < wish.size_mib:
            by = "the hourglass" if oldest_s >= interval_s * 0.999 else "the glass"
            saw = f"{name} {wish.words}: one had {smallest:.1f} MiB, for {by} sealed it."
            return Verdict(passed=False, saw=saw)
    return Verdict(passed=True, saw="Both have what they want; one pair of hints could not give it to both.")


HINTS: Final = Exercise(
    lab=LAB,
    name="hints",
    title="Hints for two readers",
    statement="""
Pings come at random, half a MiB a second by day and a tenth of that by night. A *dashboard* wants to see every ping
within 15 s, always; an *archive* wants objects of at least 64 MiB by day. Each has a delivery stream of its own.

Return a dict: for `dashboard` and for `archive` the two hints, `(MiB, seconds)`. Sizes go from 1 to 128 MiB, intervals
up to 900 s.""",
    skeleton="def hints():\n    return {}",
    example='`{"dashboard": (5, 300), "archive": (5, 300)}` are the defaults: 5 MiB, or 300 s.',
    hints=(
        "Which of the two hints decides for the dashboard, and which for the archive?",
        "An interval seals the dashboard's crate before 15 s; the archive's hourglass must last longer than its glass.",
        "64 MiB at half a MiB a second are 128 s, a little more or less; leave some room on both sides.",
    ),
    check=check_hints,
    play=lambda function: [glass(every_s=1.0, interval_s=5.0), glass(every_s=1.0, interval_s=60.0)],
    answer=hints,
)

# ------------------------------------------------------------------------------------------ (c) nothing vanishes
NAMES: Final = {"Ok": Ok, "Dropped": Dropped, "Failed": Failed}


def transform(records: Sequence[tuple[int, bytes]]) -> dict[int, tuple[Any, ...]]:
    """Return what becomes of each record, by its number."""
    fates: dict[int, tuple[Any, ...]] = {}
    for number, data in records:
        try:
            ping = json.loads(data)
            pulse = ping["pulse"]
        except (ValueError, KeyError, TypeError) as error:
            fates[number] = ("Failed", f"{type(error).__name__}: {error}")
            continue
        if ping.get("test"):
            fates[number] = ("Dropped",)
        elif isinstance(pulse, bool) or not isinstance(pulse, int):
            fates[number] = ("Failed", "the pulse is no whole number")
        else:
            fates[number] = ("Ok", json.dumps({**ping, "fast": pulse > 100}).encode())
    return fates


@lru_cache(maxsize=1)
def _records() -> tuple[tuple[bytes, str], ...]:
    """Return records, and what should become of each."""
    luck = stream(1903, "records")
    told = list[tuple[bytes, str]]()
    for number in range(60):
        ping: dict[str, Any] = {"id": f"p{number}", "pulse": 50 + int(luck() * 90)}
        kind = luck()
        if kind < 0.15:
            ping["test"] = True
        elif kind < 0.3:
            ping["pulse"] = "?"
        fate = "Dropped" if "test" in ping else "Failed" if ping["pulse"] == "?" else "Ok"
        told.append((json.dumps(ping).encode(), fate))
    bad = (b"not json", b'{"id": "p60"}', b"[1, 2]", b'{"id": "a", "pulse": 61')
    return (*told[:30], *((data, "Failed") for data in bad), *told[30:])


def _run(function: Callable[..., Any]) -> tuple[dict[str, str], list[bytes]]:
    """Let a stream carry the records through the transform; return each one's end, and what was delivered."""
    seen: list[str] = []

    def carried(records: Sequence[Given]) -> Mapping[int, Fate]:
        answer = function([(record.number, record.data) for record in records])
        if not isinstance(answer, dict):
            seen.append(f"it returned {brief(answer)}; give a dict of numbers to fates")
            raise Misuse(seen[-1])
        return {number: _fate(fate, seen) for number, fate in answer.items()}

    settings = Settings(size_bytes=600, interval_s=60, limits=None)
    made = DeliveryStream("pings", VolatileDisk(), settings, transform=carried, form=Lines())
    ends: dict[str, str] = {}
    delivered: list[bytes] = []
    sent = [f"m{number}" for number in range(len(_records()))]
    for number, (data, _) in enumerate(_records()):
        made.put(number, Entry(sent[number], data))
    for attempt in made.attempts(61_000_000):
        ends |= dict.fromkeys(attempt.messages, "Ok" if attempt.to == "destination" else "Failed")
        if attempt.to == "destination":
            delivered += attempt.data.splitlines()
        made.delivered(61_000_000, attempt.number)
    if seen:
        raise Misuse(seen[0])
    return {one: ends.get(one, "Dropped") for one in sent}, delivered


def _ping(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        raise Misuse(f"{brief(line)} was delivered, and is no ping: give JSON, as bytes") from None


def _fate(said: Any, seen: list[str]) -> Fate:
    if isinstance(said, tuple) and said and said[0] in NAMES:
        try:
            return NAMES[said[0]](*said[1:])
        except TypeError:
            pass
    seen.append(f"{brief(said)} is no fate; give ('Ok', bytes), ('Dropped',) or ('Failed', why)")
    raise Misuse(seen[-1])


def check_transform(function: Callable[..., Any]) -> Verdict:
    """Carry sixty records through a stream with the transform."""
    ends, delivered = _run(function)
    for number, (data, truth) in enumerate(_records()):
        if (end := ends[f"m{number}"]) != truth:
            saw = f"{data.decode()} ended as {end}, and should be {truth}. {_lesson(end, truth)}"
            return Verdict(passed=False, saw=saw.strip())
    wrong = [ping for ping in map(_ping, delivered) if ping.get("fast") != (ping["pulse"] > 100)]
    if wrong:
        return Verdict(passed=False, saw=f"{wrong[0]} was delivered: `fast` says whether the pulse is above 100.")
    counted = {name: list(ends.values()).count(name) for name in NAMES}
    saw = f"Of {len(ends)} records {counted['Ok']} were delivered, {counted['Dropped']} dropped on purpose, "
    return Verdict(passed=True, saw=f"{saw}{counted['Failed']} set aside with the reason: none is missing.")


def _lesson(end: str, truth: str) -> str:
    if end == "Failed":
        return "If the transform raises, all records of its crate fail; one that it does not answer for fails, too."
    if end == "Dropped" and truth == "Failed":
        return "Dropped is for what nobody wants; what cannot be read must be found again."
    return ""


TRANSFORM: Final = Exercise(
    lab=LAB,
    name="transform",
    title="A transform that loses nothing",
    statement="""
`records` is a list of `(number, data)`, data as bytes. Most are JSON such as `b'{"id": "p7", "pulse": 61}'`; some have
`"test": true`, in some the pulse is no whole number or is missing, and some are no JSON.

Return a dict: each number -> its fate, a tuple. `("Ok", bytes)`: the ping as JSON with one field more, `fast`: whether
the pulse is above 100. `("Dropped",)`: it is a test. `("Failed", why)`: it cannot be read. Nothing may vanish.""",
    skeleton="def transform(records):\n    ...",
    example='`transform([(0, b"oops")])` is `{0: ("Failed", "no JSON")}`.',
    hints=(
        "One bad record must not touch another: the `try` stands inside the loop.",
        "`json.loads` raises `ValueError`; a list has no `pulse`; `ping.get('test')` first, then the pulse.",
        '`("Ok", json.dumps({**ping, "fast": ping["pulse"] > 100}).encode())`.',
    ),
    check=check_transform,
    play=lambda function: [spoiled(judged="each ping"), spoiled(judged="a whole crate")],
    answer=transform,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Exactly one row",
    statement="""
The warehouse loads what the delivery stream lands. The wearables put again, the stream delivers again, and the loader
may be stopped anywhere and started again.

How does every ping become exactly one row? What does the loader write down, where and when? What does it cost, and what
happens to a ping that comes a second time after a week?""",
    model_answer="""
Each stage delivers *at least* once, so the rows are made one at the end, by a key that the first of all gave: the
wearable numbers its pings, and `(wearable, number)` travels in the record. No name of an object and no number of the
stream will do, for a ping that was put twice has two of them.

The loader works by object. In *one transaction* of the warehouse it merges the object's rows by the key (insert what is
not there) and writes the object's name into a table `loaded`. Stopped before the commit, neither happened; after it the
name says so, and the object is skipped. Two loaders: the name is unique in that table, and one of them fails.

With a lake it is a commit that names the batch (lab 06), and the merge becomes a rewrite of the files it touches.

The merge must look the key up: sorted or partitioned by day it looks at the days of the object only. That is the cost,
and the limit: one decides how late a repetition may come (a week, say), and looks back so far. What comes later lands
as a second row, and a monthly count of distinct keys against rows says how many those are.

Cheaper and often enough: load all rows, and let readers take the distinct ones in a view, until the nightly job has
written them once.""",
)

TASKS: Final = (FLUSH_PLAN, HINTS, TRANSFORM, DELIVER, DESIGN)
