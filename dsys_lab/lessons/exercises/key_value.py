"""Exercises of lab 09: what a call costs, over how many keys to spread a hot one, and how to read from a quorum."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.key_value.cards import hot_key
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.key_value.partitioned import Gate, query_units, read_units, write_units
from dsys_lab.trace import Trace
from dsys_lab.views import charts

LAB: Final = 9
WAYS: Final = ("eventual", "strong", "transactional")


# ------------------------------------------------------------------------------------------ (a) what a call costs
def units(call: str, sizes: Sequence[int], way: str) -> float:
    """Return the units of a call: "get", "query" or "put", of items of these sizes."""
    if call == "put":
        begun = max(1, -(-max(sizes) // 1024))
        return begun * (2 if way == "transactional" else 1)
    begun = max(1, -(-sum(sizes) // 4096))
    return begun * {"eventual": 0.5, "strong": 1, "transactional": 2}[way]


def by_model(call: str, sizes: Sequence[int], way: str) -> float:
    """Return what the model counts."""
    if call == "put":
        return write_units(*sizes, transactional=way == "transactional")
    if call == "get":
        return read_units(sizes[0], consistency=way)
    return query_units(sizes, consistency=way)


def _calls() -> list[tuple[str, tuple[int, ...], str]]:
    """Return 200 calls: the plain ones first, then by luck; a put is given the size before and after."""
    chance = stream(1009, "calls")
    calls: list[tuple[str, tuple[int, ...], str]] = [
        ("put", (0, 3_000), "strong"), ("put", (0, 3_000), "transactional"), ("get", (20_480,), "strong"),
        ("query", (3_045,) * 18, "strong"), ("query", (3_045,) * 18, "eventual"), ("query", (), "strong"),
        ("put", (5_000, 10), "strong"), ("get", (0,), "eventual"), ("put", (0, 1_024), "strong"),
        ("get", (4_097,), "strong"),
    ]  # fmt: skip
    while len(calls) < 200:
        call, way = ("get", "query", "put")[int(chance() * 3)], WAYS[int(chance() * 3)]
        if call == "query" and way == "transactional":
            continue
        count = {"get": 1, "put": 2, "query": 1 + int(chance() * 30)}[call]
        calls.append((call, tuple(int(10 ** (1 + 4 * chance())) for _ in range(count)), way))
    return calls


def check_units(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the model in 200 calls."""
    for call, sizes, way in _calls():
        said, truth = _number(function(call, list(sizes), way)), by_model(call, sizes, way)
        if said != truth:
            told = f"{call} of {brief(list(sizes))} bytes, {way}: you said {said:g}, it is {truth:g}"
            return Verdict(passed=False, saw=f"{told}. {_slip(call, sizes, way, said)}".strip())
    return Verdict(passed=True, saw="Right in 200 calls, puts that shrink an item and empty queries among them.")


def _slip(call: str, sizes: Sequence[int], way: str, said: float) -> str:
    """Name the usual slip that gives this number, if one does."""
    factor = {"eventual": 0.5, "strong": 1, "transactional": 2}[way]
    each = sum(read_units(size, consistency=way) for size in sizes) if call == "query" else -1
    slips = {
        each: "A query sums the sizes first and rounds once.",
        math.ceil(sum(sizes) / 4000) * factor: "A KB has 1,024 bytes here.",
        sum(sizes) / 4096 * factor: "A unit that was begun is paid whole.",
        0.0: "There is a least: one unit is begun even if nothing is found.",
    }
    if call == "put":
        slips = {
            math.ceil(sizes[-1] / 1024) * max(1, factor): "The larger of before and after counts.",
            math.ceil(sum(sizes) / 1024): "The larger of before and after counts, not their sum.",
            math.ceil(max(sizes) / 4096): "A write unit is 1 KB; 4 KB is a read unit.",
            sum(sizes) / 4096: "A write unit is 1 KB, and one that was begun is paid whole.",
            max(sizes) / 1024: "A unit that was begun is paid whole.",
        }
    return slips.get(said, "")


def _number(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise Misuse(f"it returned {brief(said)}; give a number of units")
    return float(said)


def _units_chart(function: Callable[..., Any]) -> charts.Chart:
    shown = {"put 3,000 B": ("put", [0, 3_000], "strong"), "query 18 × 3,045 B": ("query", [3_045] * 18, "strong"),
             "get 20 KB, eventual": ("get", [20_480], "eventual")}  # fmt: skip
    return charts.bars(
        {name: by_model(*call) for name, call in shown.items()}, unit="units", title="What three calls cost",
        predicted={name: float(function(*call)) for name, call in shown.items()},
    )  # fmt: skip


UNITS: Final = Exercise(
    lab=LAB,
    name="units",
    title="What does a call cost?",
    statement="""
`call` is `"get"`, `"query"` or `"put"`. `sizes` are bytes: of the item that was found (a get; 0 if there is none), of
all items that were examined (a query; perhaps none), or of the item before and after (a put). `way` is `"eventual"`,
`"strong"` or `"transactional"`; a put that is not transactional comes as `"strong"` or `"eventual"`, which is the same.

Return the units: a read unit is 4 KB, a write unit 1 KB, a KB is 1,024 bytes.""",
    skeleton="def units(call, sizes, way):\n    ...",
    example='`units("query", [3045] * 18, "strong")` is 14; `units("put", [0, 3000], "transactional")` is 6.',
    hints=(
        "A unit that was begun is paid whole: round up. `-(-a // b)` rounds up.",
        "A query is *one* read of the sum of its sizes. Eventual is half of strong, transactional twice.",
        "A put counts the larger of the two sizes. And nothing is free: at least one unit is begun.",
    ),
    check=check_units,
    play=lambda function: (),
    picture=_units_chart,
    is_pure=True,
    answer=units,
)


# ------------------------------------------------------------------------------------------ (b) a key spread
class Hot(NamedTuple):
    """So many writes a second of so many bytes, all of them to one logical key."""

    writes: float
    item_bytes: int

    def __str__(self) -> str:
        return f"{self.writes:,.0f} writes a second of {self.item_bytes:,} bytes"


LIMIT: Final = 1_000
HOTS: Final = (Hot(4_500, 1_536), Hot(1_000, 1_024), Hot(1_001, 1_024), Hot(20, 400), Hot(3_000, 1_025))


def suffixes(writes: float, item_bytes: int) -> int:
    """Return into how many keys one must be spread, so that each stays within a partition's 1,000 units a second."""
    units_a_write = -(-item_bytes // 1024)
    return max(1, math.ceil(writes * units_a_write / 1_000))


def _hidden_hots() -> list[Hot]:
    chance = stream(1010, "hot keys")
    return [*HOTS, *(Hot(round(10 ** (1 + 3 * chance())), 1 + int(4_000 * chance())) for _ in range(40))]


def passes(hot: Hot, count: int) -> float:
    """Count the share of the writes that passes for two seconds, each key alone on a partition, nothing saved up."""
    names = [f"p{number}" for number in range(count)]
    cost = write_units(0, hot.item_bytes)
    gate = Gate(rate=1e9, mode="global", kind="Write", partitions=names, limit=LIMIT)
    for name in names:
        while not gate.admit(0, name, cost):
            pass
    took = [
        not gate.admit(int(number / hot.writes * 1e6), names[number % count], cost)
        for number in range(int(2 * hot.writes))
    ]
    return sum(took) / len(took)


def check_suffixes(function: Callable[..., Any]) -> Verdict:
    """Hold the function against buckets that really run dry, for hidden keys."""
    for hot in _hidden_hots():
        said, least = function(*hot), suffixes(*hot)
        if isinstance(said, bool) or not isinstance(said, int) or said < 1:
            raise Misuse(f"it returned {brief(said)}; give a whole number of keys, 1 or more")
        if said < least:
            cost = write_units(0, hot.item_bytes)
            told = f"{hot}, spread over {said}: each key is asked for {hot.writes * cost / said:,.0f} units a second"
            return Verdict(passed=False, saw=f"{told}, and a partition does 1,000. One write of it is {cost:g} units.")
        if said > least * 4 / 3 + 1:
            told = f"{hot}: {least} would do, and you spread it over {said}"
            return Verdict(passed=False, saw=f"{told}. Whoever reads it reads {said} keys each time.")
    spread = passes(HOTS[0], suffixes(*HOTS[0]))
    return Verdict(
        passed=True,
        saw=f"Right for {len(_hidden_hots())} keys; over 9 keys {spread:.0%} of 4,500 writes a second pass, over 8 "
        f"{passes(HOTS[0], 8):.0%}. A read of the whole is 9 reads.",
    )


def _spread(function: Callable[..., Any]) -> list[Trace]:
    """Play one key alone, and spread as the reader says; a partition of the picture does 20 units a second."""
    count = min(8, max(1, int(function(2_000, 1_024))))
    run: dict[str, Any] = {"keys": 1, "mode": "global", "rate": 40, "promised": 80, "seconds": 8}
    return [hot_key(**run), hot_key(**run, suffixes=count)]


SUFFIXES: Final = Exercise(
    lab=LAB,
    name="suffixes",
    title="Over how many keys is a hot key to be spread?",
    statement="""
All New Year's counters are written to one key: `writes` a second, each item `item_bytes` bytes. One key is one
partition, and a partition does 1,000 write units a second. So the key is spread: `counter.0`, `counter.1`, …, each
write to one of them in turn.

Return the smallest number of keys that can take all the writes (a third more, for headroom, passes too). Whoever reads
the counter must read them all, so do not spread further than needed.""",
    skeleton="def suffixes(writes, item_bytes):\n    ...",
    example="4,500 writes a second of 1,536 bytes: 9.",
    hints=(
        "What does one write cost? Not its bytes, but the kilobytes that it begins.",
        "Units a second in all: writes times units. How many thousands is that, rounded up?",
        "`math.ceil(writes * -(-item_bytes // 1024) / 1000)`, and at least 1.",
    ),
    check=check_suffixes,
    play=_spread,
    answer=suffixes,
)


# ------------------------------------------------------------------------------------------ (c) reading a quorum
def quorum_read(replies: Sequence[tuple[str, int, str]]) -> tuple[str, list[str]]:
    """Return the newest value among the replies, and which machines lack it."""
    newest = max(replies, key=lambda reply: reply[1])
    return newest[2], [machine for machine, version, _ in replies if version < newest[1]]


def stale_share(function: Callable[..., Any], *, repairs: bool = True) -> float:
    """Let 5 machines keep one key, 3 asked and 3 written each time; return the share of reads that were old."""
    luck, stale, reads = stream(1011, "quorum"), 0, 300
    names = [f"machine-{number}" for number in range(5)]
    kept = dict.fromkeys(names, (0, "v0"))
    for version in range(1, reads + 1):
        for machine in sorted(names, key=lambda _: luck())[:3]:
            kept[machine] = (version, f"v{version}")
        asked = sorted(names, key=lambda _: luck())[:3]
        value, behind = _answer(function([(machine, *kept[machine]) for machine in asked]), asked)
        stale += value != f"v{version}"
        for machine in behind if repairs else ():
            kept[machine] = max(kept[one] for one in asked)
    return stale / reads


def _answer(said: Any, asked: Sequence[str]) -> tuple[str, list[str]]:
    if not isinstance(said, tuple) or len(said) != 2 or not isinstance(said[0], str):
        raise Misuse(f"it returned {brief(said)}; give (value, machines to repair)")
    behind = list(said[1])
    if not {*behind} <= {*asked}:
        raise Misuse(f"it repairs {brief(behind)}; give some of those that answered: {list(asked)}")
    return said[0], behind


def check_quorum_read(function: Callable[..., Any]) -> Verdict:
    """Inject stale replicas in hidden orders: the newest value, and exactly those that lack it."""
    luck = stream(1012, "replies")
    for _ in range(120):
        replies = [(f"machine-{n}", int(luck() * 12), "") for n in range(2 + int(luck() * 4))]
        replies = [(machine, version, f"v{version}") for machine, version, _ in replies]
        value, behind = _answer(function(list(replies)), [machine for machine, _, _ in replies])
        truth, lacking = quorum_read(replies)
        if value != truth:
            return Verdict(passed=False, saw=f"Of {replies} you returned {value!r}; the newest is {truth!r}.")
        if sorted(behind) != sorted(lacking):
            told = f"Of {replies} {sorted(lacking) or 'nobody'} lacks {truth!r}"
            return Verdict(passed=False, saw=f"{told}; you repair {sorted(behind) or 'nobody'}.")
    share = stale_share(function)
    return Verdict(passed=share == 0, saw=f"Right in 120 quorums; 300 reads of 3 of 5 machines: {share:.0%} were old.")


def _quorum_chart(function: Callable[..., Any]) -> charts.Chart:
    return charts.bars(
        {"the first reply": stale_share(lambda replies: (replies[0][2], [])), "yours": stale_share(function)},
        unit="of the reads are old", title="Three of five machines written, three asked",
    )  # fmt: skip


QUORUM: Final = Exercise(
    lab=LAB,
    name="quorum_read",
    title="Reading from a quorum",
    statement="""
R machines have answered: `replies` is a list of `(machine, version, value)`, in no order. Versions are whole numbers
from one writer, so the larger is the newer. Some machines were out of reach when others were written.

Return `(value, behind)`: the newest value, and a list of the machines that have an older version. They will be sent the
newest one: that is the *read repair*.""",
    skeleton="def quorum_read(replies):\n    ...",
    example='`quorum_read([("a", 3, "v3"), ("b", 1, "v1")])` is `("v3", ["b"])`.',
    hints=(
        "The first to answer is not the one who knows most.",
        "`max(replies, key=lambda reply: reply[1])` is a newest reply.",
        "Behind is who has a smaller version than that; one with the same version has nothing to repair.",
    ),
    check=check_quorum_read,
    play=lambda function: (),
    picture=_quorum_chart,
    is_pure=True,
    answer=quorum_read,
)


# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="One table for three things",
    statement="""
Slumber keeps in one table: who is signed in (a session, read at every call, gone after a day), the card with last
night's sleep (written once a morning, read often, by friends too), and the leader board of each city (the hundred
longest sleepers, read by everybody in the city on New Year's morning).

List every access path first. Then: which partition key and sort key has each, which index is needed, what is hot and
when, and which reads must be strong?""",
    model_answer="""
*Access paths.* Session by its token; card of a person for last night; cards of a person for a month; board of a city
for a day; all sessions of a person, to sign out everywhere.

*Keys.* `PK = session#<token>`, no range needed, expiry as an attribute. `PK = person#17`, `SK = night#2017-01-01` for
cards: a month is one query. `PK = board#<city>#<day>#<suffix>`, `SK = <minutes, padded>#<person>`: the board is a
query, descending, limit 100. Sessions of a person: a sparse global index with `PK = person#17` on the sessions only.

*Hot.* A city's board is one partition key: its writes come within an hour of waking, so spread it over a few suffixes
and let the reader merge them. Its reads on New Year's morning are all for the same hundred items: no key design helps
against that, a cache in front does, and it may be a minute old. Cards of one person are never hot, until a celebrity's
is; then the same cache.

*Strong?* The session, right after signing in, if the next call may come within milliseconds; the rest may be
eventual, at half the price. "Sign out everywhere" must not trust the index alone, for it lags: mark the person's item
with the time, and compare it strongly when a session is used.

*And the counter?* How many slept more than eight hours in a city: `ADD` to the board's header counts twice after a lost
answer. Put the night and the counter into one transaction with the night's id as its token.""",
)

TASKS: Final = (UNITS, SUFFIXES, QUORUM, DESIGN)
