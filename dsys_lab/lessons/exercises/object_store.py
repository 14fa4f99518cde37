"""Exercises of lab 07: how large is a part, how does one append without a lock, and how much is refused?"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from dsys_lab.errors import MayHaveHappened, Misuse
from dsys_lab.laws import accepted_units, least_part_bytes
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.object_store import ConditionFailed, Facts, Found, JournaledStore
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.views import charts

LAB: Final = 7
MIB: Final = 1 << 20
GIB: Final = 1 << 30


# ------------------------------------------------------------------------------------------ (a) how large is a part
class Line(NamedTuple):
    """An object, and the line that it goes over."""

    size_bytes: int
    request_s: float
    rate: float
    failures_per_byte: float

    def __str__(self) -> str:
        told = f"{self.size_bytes / GIB:.3g} GiB at {self.rate / MIB:g} MiB/s, {self.request_s:g} s a request"
        return f"{told}, {self.failures_per_byte * GIB:g} failures a GiB"


LINES: Final = (
    Line(10 * GIB, 0.1, 50 * MIB, 10 / GIB), Line(1024 * GIB, 0.05, 100 * MIB, 1 / GIB),
    Line(1 * GIB, 0.2, 5 * MIB, 0.0), Line(1 * GIB, 0.01, 100 * MIB, 500 / GIB), Line(3 * MIB, 0.1, 10 * MIB, 5 / GIB),
)  # fmt: skip


def part_bytes(size_bytes: int, request_s: float, rate: float, failures_per_byte: float) -> int:
    """Return the legal size of a part with which an upload, one part after the other, is expected to be shortest."""
    least, most = max(5 * 2**20, math.ceil(size_bytes / 10_000)), 5 * 2**30
    if failures_per_byte == 0:
        return most
    half = request_s * rate / 2
    best = math.sqrt(half**2 + request_s * rate / failures_per_byte) - half
    return min(most, max(least, round(best)))


def expected_s(line: Line, part: int) -> float:
    """Return how long an upload is expected to take: a part that fails is sent again from its beginning."""
    full, rest = divmod(line.size_bytes, part)
    return sum(count * _part_s(line, size) for count, size in ((full, part), (1, rest)) if count and size)


def _part_s(line: Line, size: int) -> float:
    """Return how long one part is expected to take: without end where no float would hold it."""
    failures = line.failures_per_byte * size
    return (line.request_s + size / line.rate) * math.exp(failures) if failures < 700 else math.inf


def check_part_bytes(function: Callable[..., Any]) -> Verdict:
    """Hold the part against what is legal, and the time against the best, for hidden lines."""
    luck = stream(701, "lines")
    hidden = [
        Line(int(10 ** (7 + 5 * luck())), 10 ** (-2 + 2 * luck()), 10 ** (6 + 2 * luck()), 10 ** (3 * luck()) / GIB)
        for _ in range(60)
    ]
    for line in (*LINES, *hidden):
        said, least = function(*line), least_part_bytes(line.size_bytes)
        if isinstance(said, bool) or not isinstance(said, int):
            raise Misuse(f"it returned {brief(said)}; give a whole number of bytes")
        if said < 5 * MIB or said > 5 * GIB:
            return Verdict(passed=False, saw=f"{line}: {said:,} bytes; a part has 5 MiB to 5 GiB.")
        if said < least:
            parts = math.ceil(line.size_bytes / said)
            return Verdict(passed=False, saw=f"{line}: {said:,} bytes are {parts:,} parts, and 10,000 are the most.")
        took, best = expected_s(line, said), expected_s(line, part_bytes(*line))
        if took > 1.1 * best:
            why = "what fails is sent again" if said > part_bytes(*line) else "each part is a request"
            yours = "without end" if math.isinf(took) else f"{took:,.0f} s"
            told = f"{line}: {yours} with your parts, {best:,.0f} s are possible"
            return Verdict(passed=False, saw=f"{told}: {why}.")
    return Verdict(passed=True, saw=f"Legal, and within a tenth of the best, on {len(LINES) + len(hidden)} lines.")


def _parts_chart(function: Callable[..., Any]) -> charts.Chart:
    line, yours = LINES[0], int(function(*LINES[0]))
    sizes = {"parts of 5 MiB": 5 * MIB, f"yours, of {yours / MIB:,.0f} MiB": yours, "parts of 256 MiB": 256 * MIB}
    seconds = {name: expected_s(line, size) for name, size in sizes.items()}
    return charts.bars(seconds, unit="seconds expected", title="10 GiB over a line that fails")


PARTS: Final = Exercise(
    lab=LAB,
    name="part_bytes",
    title="How large is a part?",
    statement="""
An object of `size_bytes` goes over a line in parts, one after the other. Each request takes `request_s` seconds before
its first byte; then bytes flow at `rate` a second. A part of x bytes fails so often that it is expected to be sent
`exp(failures_per_byte * x)` times.

Return the size of a part, in bytes: a legal one (5 MiB to 5 GiB, at most 10,000 parts), with which the upload takes at
most a tenth longer than with the best.""",
    skeleton="def part_bytes(size_bytes, request_s, rate, failures_per_byte):\n    ...",
    example="1 TiB needs parts of at least 109,951,163 bytes, however bad the line is.",
    hints=(
        "Small parts cost requests, large ones are sent again. Write down the expected time for each byte.",
        (
            "`(request_s / x + 1 / rate) * exp(failures_per_byte * x)` is smallest in between; trying sizes is fair. "
            "Compare logarithms, `log(request_s / x + 1 / rate) + failures_per_byte * x`: no float holds `exp(710)`."
        ),
        "From `max(5 * 2**20, ceil(size_bytes / 10_000))` to `5 * 2**30`, in steps of a tenth, take the smallest.",
    ),
    check=check_part_bytes,
    play=lambda function: (),
    picture=_parts_chart,
    is_pure=True,
    answer=part_bytes,
)


# ------------------------------------------------------------------------------------------ (b) append without a lock
NO_ANSWER: Final = "no answer came: look whether it happened"


class BusyStore:
    """A store at which others write between any two of your calls, and whose answers are sometimes lost."""

    def __init__(self, seed: int, *, lost_answers: float = 0.25, busy: float = 0.4) -> None:
        self._store, self._luck = JournaledStore(VolatileDisk()), stream(seed, "busy store")
        self._lost_answers, self._busy = lost_answers, busy
        self.others: list[bytes] = []
        self.calls = 0

    def __repr__(self) -> str:
        return "a busy store"

    def get(self, key: str) -> Found | None:
        """Return the object."""
        self._call()
        return self._store.get(key)

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> Facts:
        """Put, after somebody else perhaps did; the answer may be lost."""
        self._call()
        if self._luck() < self._busy and len(self.others) < 200:
            line = b"other %d" % len(self.others)
            found = self._store.get(key)
            self._store.put(key, (found.data if found is not None else b"") + line + b"\n")
            self.others.append(line)
        lost = self._luck() < self._lost_answers
        if lost and self._luck() < 0.5:  # it is the question that was lost, which looks the same
            raise MayHaveHappened(NO_ANSWER)
        told = self._store.put(key, data, if_absent=if_absent, if_match=if_match)
        if lost:
            raise MayHaveHappened(NO_ANSWER)
        return told

    def lines(self, key: str) -> list[bytes]:
        """Return what the object has."""
        found = self._store.get(key)
        return [] if found is None else found.data.splitlines()

    def _call(self) -> None:
        self.calls += 1
        if self.calls > 5_000:
            raise Misuse("5,000 calls and no end: return when the line is there")


def cas_append(store: Any, key: str, line: bytes) -> None:
    """Add a line to the object, once, whoever else writes and whatever answers are lost."""
    while True:
        found = store.get(key)
        before = found.data if found is not None else b""
        if line in before.splitlines():
            return
        condition = {"if_absent": True} if found is None else {"if_match": found.etag}
        try:
            store.put(key, before + line + b"\n", **condition)
        except (ConditionFailed, MayHaveHappened):
            continue
        return


def appended(function: Callable[..., Any], seed: int, *, count: int = 16) -> tuple[BusyStore, list[bytes], list[bytes]]:
    """Let so many lines be appended to a busy store; return it, what it has, and what it should have."""
    store, mine = BusyStore(seed), [b"line %d" % number for number in reversed(range(count))]
    for line in mine:
        function(store, "log", line)
    return store, store.lines("log"), [*mine, *store.others]


def check_cas_append(function: Callable[..., Any]) -> Verdict:
    """Append under hidden interference: every line once, the others' too."""
    for seed in range(20):
        try:
            store, has, should = appended(function, 1_700 + seed)
        except (ConditionFailed, MayHaveHappened) as error:
            told = f"It let {type(error).__name__} out, which `put` raised ({error})"
            return Verdict(passed=False, saw=f"{told}: catch it with `try` and `except`, read again, and decide anew.")
        missing, twice = [line for line in should if line not in has], [line for line in has if has.count(line) > 1]
        if missing:
            whose = "of others" if missing[0] in store.others else "of yours"
            told = f"{len(missing)} lines are gone, {missing[0].decode()!r} {whose} the first"
            why = (
                "Somebody wrote between your get and your put, or yours never arrived, or a longer line has it in it: "
                "put on a condition until it holds, and look for the whole line"
            )
            return Verdict(passed=False, saw=f"{told}. {why}.")
        if twice:
            told = f"{twice[0].decode()!r} is there {has.count(twice[0])} times"
            why = "An answer was lost, and the put had happened: look before you repeat"
            return Verdict(passed=False, saw=f"{told}. {why}.")
    return Verdict(passed=True, saw="320 lines, each once, and all of the others'; a quarter of the puts got none.")


def _append_chart(function: Callable[..., Any]) -> charts.Chart:
    def blind(store: Any, key: str, line: bytes) -> None:
        found = store.get(key)
        try:
            store.put(key, (found.data if found is not None else b"") + line + b"\n")
        except MayHaveHappened:
            return

    kept = {}
    for name, way in {"a blind put": blind, "yours": function}.items():
        _, has, should = appended(way, 1_799)
        kept[name] = 100 * sum(line in has for line in should) / len(should)
    return charts.bars(kept, unit="% of the lines are there", title="A log that several append to")


APPEND: Final = Exercise(
    lab=LAB,
    name="cas_append",
    title="Append without a lock",
    statement="""
An object is a log: lines of bytes, each ending in a newline. Others append to it, too. `store` has two verbs:
`get(key)`, which gives None or an object with `data` and `etag`; and `put(key, data, if_absent=True)` or
`put(key, data, if_match=etag)`, which raises `ConditionFailed` if the condition does not hold. An answer may be lost:
then `put` raises `MayHaveHappened`, and it did happen, or not.

Add `line` to the object, exactly once, without losing what others add. No two lines are alike. Both errors are to be
imported: `from dsys_lab.errors import MayHaveHappened`, `from dsys_lab.stores.object_store import ConditionFailed`.""",
    skeleton="def cas_append(store, key, line):\n    ...",
    example='After `cas_append(store, "log", b"x")` the object has the line `b"x"`, and all that it had before.',
    hints=(
        "A loop: read, put on the condition that it is still what you read; if it is not, read again.",
        "The first line finds no object: then the condition is `if_absent=True`.",
        "After `MayHaveHappened`, read: if your line is among `found.data.splitlines()`, you are done.",
    ),
    check=check_cas_append,
    play=lambda function: (),
    picture=_append_chart,
    answer=cas_append,
)


# ------------------------------------------------------------------------------------------ (c) how much is refused
def refused(rates: Mapping[str, float], cuts: Sequence[str], limit: float) -> float:
    """Return the share of the writes that is refused, by ranges of keys that begin at the cuts."""
    loads = [0.0] * (len(cuts) + 1)
    for key, rate in rates.items():
        loads[bisect_right(cuts, key)] += rate
    return 1 - sum(min(load, limit) for load in loads) / sum(loads)


def _lines_of_keys() -> list[tuple[dict[str, float], list[str], float]]:
    luck = stream(702, "keys")
    cases: list[tuple[dict[str, float], list[str], float]] = [
        ({"2017-01-01": 20_000.0}, ["2016", "2018"], 3_500.0), ({"a": 10.0, "b": 10.0}, ["b"], 10.0),
        ({"a": 10.0, "b": 10.0}, [], 10.0), ({"b": 40.0, "a": 1.0}, ["b"], 10.0),
    ]  # fmt: skip
    letters = "abcdefghijklmnopqrstuvwxyz"
    while len(cases) < 100:
        rates = {letters[int(luck() * 26)] + letters[int(luck() * 26)]: 10 ** (4 * luck()) for _ in range(12)}
        cuts = sorted({letters[int(luck() * 26)] for _ in range(int(luck() * 6))})
        cases.append((rates, cuts, 3_500.0))
    return cases


def check_refused(function: Callable[..., Any]) -> Verdict:
    """Hold the share against the law, for hidden lines of keys."""
    for rates, cuts, limit in _lines_of_keys():
        said, truth = function(dict(rates), list(cuts), limit), refused(rates, cuts, limit)
        if isinstance(said, bool) or not isinstance(said, int | float):
            raise Misuse(f"it returned {brief(said)}; give a share between 0 and 1")
        if not abs(said - truth) <= 1e-6:
            told = f"{brief(rates)} with cuts {brief(cuts)} and a limit of {limit:,.0f}: you said {said:.3f}"
            return Verdict(passed=False, saw=f"{told}, it is {truth:.3f}. {_slip(rates, cuts, limit, said)}".strip())
    return Verdict(passed=True, saw="Right on 100 lines of keys, those with a key at a cut among them.")


def _slip(rates: Mapping[str, float], cuts: Sequence[str], limit: float, said: float) -> str:
    """Name the usual slip that gives this number, if one does."""
    total, ranges = sum(rates.values()), len(cuts) + 1
    loads = [0.0] * ranges
    for key, rate in rates.items():
        loads[sum(cut < key for cut in cuts)] += rate
    slips = {
        max(0.0, 1 - limit * ranges / total): "What one range does not use helps no other.",
        1 - accepted_units(list(rates.values()), [limit] * len(rates)) / total: "Keys of one range share its limit.",
        1 - accepted_units(loads, [limit] * ranges) / total: "A key that is equal to a cut belongs behind it.",
        1 - refused(rates, cuts, limit): "That is the share that passes.",
    }
    return next((words for share, words in slips.items() if abs(share - said) < 1e-6), "")


def _refused_chart(function: Callable[..., Any]) -> charts.Chart:
    hours = {f"2017-01-01T{hour:02d}": 20_000.0 if hour == 7 else 0.0 for hour in range(24)}
    spread = {f"{number:02x}": 20_000.0 / 256 for number in range(256)}
    shown = {"time first": (hours, ["2017-01-01T06", "2017-01-01T12", "2017-01-01T18"], 3_500.0),
             "hash first": (spread, ["40", "80", "c0"], 3_500.0)}  # fmt: skip
    return charts.bars(
        {name: 100 * refused(*given) for name, given in shown.items()}, unit="% refused", title="20,000 a second",
        predicted={name: 100 * float(function(*given)) for name, given in shown.items()},
    )  # fmt: skip


REFUSED: Final = Exercise(
    lab=LAB,
    name="refused",
    title="How much is refused?",
    statement="""
`rates` says how many writes a second each key gets. The line of keys is cut at `cuts` (in order): the first range ends
before the first cut, and a key that is equal to a cut is the first of the range behind it. A range does `limit` writes
a second, nothing was saved up, and nothing is cut further.

Return the share of all writes that is refused, from 0 to 1.""",
    skeleton="def refused(rates, cuts, limit):\n    ...",
    example='`refused({"a": 10, "b": 10}, [], 10)` is 0.5, and `refused({"a": 10, "b": 10}, ["b"], 10)` is 0.',
    hints=(
        "First add up the load of each range; then see what each lets through.",
        "`bisect.bisect_right(cuts, key)` is the number of a key's range.",
        "`1 - sum(min(load, limit) for load in loads) / sum(loads)`.",
    ),
    check=check_refused,
    play=lambda function: (),
    picture=_refused_chart,
    is_pure=True,
    answer=refused,
)


# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="A billion files of pings",
    statement="""
A million wearables each send a file of pings at every waking: 20 kB, most of them between six and eight in the morning.
Analysts read them by the day, support reads the last week of one person, and the law wants a person's data gone a month
after he asks for it.

Under which keys do you put them? How large is an object? Who deletes, when, and how do you know that it was done?""",
    model_answer="""
*Keys.* A million puts in two hours are 140 a second: no range is hot on an ordinary day, and thousands a second on New
Year's morning are hot for a key that begins with the time. `pings/<two digits of a hash of the person>/<day>/<person>`
is spread, a day is some 1,024 lists (four pages for each of 256 prefixes), and a person's week is seven gets under
known keys. `<day>/…` alone is a thousand lists, one after the other, and one range.

*Size.* A billion objects of 20 kB cost 5,000 USD to put, at the price in this lab, and each query of a day a million
gets. So a job gathers each day's files of one hash prefix into one object of some eighty megabytes (Parquet, sorted by
person, so that a person is a range), in parts, and commits with a put if absent. The small ones go after a week.

*Deletion.* By a rule on the prefix and the age, never by a loop over keys. A person's data: the small files by their
keys; the large ones are rewritten without him by a job that runs each week. Where versions are kept, a delete is only a
marker: the rule must also end old versions. And a rule aborts uploads that were never completed.

*How do you know?* A list of what is there (an inventory), compared with the list of who asked: not the log of the
deletes.""",
)

TASKS: Final = (PARTS, APPEND, REFUSED, DESIGN)
