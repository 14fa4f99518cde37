"""Exercises of lab 10: how many keys a question examines, the same device, and how large a bucket should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.document import along_the_shelf
from dsys_lab.scenarios.document.growing import cost_bytes
from dsys_lab.scenarios.document.profiles import QUESTIONS, profiles_of
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.document_store import Collection
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.views import charts

LAB: Final = 10


# ------------------------------------------------------------------------------------------ (a) keys examined
Asked = dict[str, Any]


def keys_examined(index: Sequence[str], asked: Asked, documents: Sequence[Asked]) -> int:
    """Return how many cards a question looks at: those of the equal paths in front, and of the range behind them."""
    narrow = list(documents)
    for path in index:
        if path not in asked:
            break
        wanted = asked[path]
        if isinstance(wanted, tuple):
            return sum(wanted[0] <= one[path] < wanted[1] for one in narrow)
        narrow = [one for one in narrow if one[path] == wanted]
    return len(narrow)


class _Case(NamedTuple):
    """An index and a question."""

    paths: tuple[str, ...]
    asked: Asked


PATHS: Final = ("city", "date", "minutes")


@lru_cache(maxsize=1)
def _nights() -> tuple[Asked, ...]:
    chance = stream(1013, "nights")
    cities = ("Oslo", "Rome", "Lima", "Cairo")
    return tuple(
        {"_id": n, "city": cities[int(chance() * 4)], "date": int(chance() * 20), "minutes": 300 + int(chance() * 200)}
        for n in range(300)
    )


def _cases() -> list[_Case]:
    oslo, late, short = {"city": "Oslo"}, {"date": (10, 15)}, {"minutes": (300, 400)}
    cases = [
        _Case(("city", "date", "minutes"), {**oslo, **late}), _Case(("city", "minutes", "date"), {**oslo, **late}),
        _Case(("date", "city", "minutes"), {**oslo, **late}), _Case(("minutes", "city", "date"), {**oslo, **late}),
        _Case(("city", "date", "minutes"), {**oslo, **late, **short}),
        _Case(("city", "date", "minutes"), {**oslo, "date": 3, **short}),
    ]  # fmt: skip
    chance = stream(1014, "questions")
    while len(cases) < 60:
        order = tuple(sorted(PATHS, key=lambda _: chance()))[: 1 + int(chance() * 3)]
        asked: Asked = {}
        if chance() < 0.7:
            asked["city"] = ("Oslo", "Rome", "Lima")[int(chance() * 3)]
        if chance() < 0.7:
            low = int(chance() * 15)
            asked["date"] = low if chance() < 0.5 else (low, low + 5)
        if chance() < 0.4:
            asked["minutes"] = (350, 450)
        cases.append(_Case(order, asked))
    return cases


def by_model(case: _Case) -> int:
    """Return what the store counts."""
    collection = Collection(VolatileDisk(), fsync=NEVER)
    for night in _nights():
        collection.insert(night)
    name = collection.create_index(*case.paths)
    spelled = {
        path: {"$gte": wanted[0], "$lt": wanted[1]} if isinstance(wanted, tuple) else wanted
        for path, wanted in case.asked.items()
    }
    return collection.explain(spelled, hint=name).keys_examined


@lru_cache(maxsize=1)
def _truths() -> tuple[int, ...]:
    return tuple(map(by_model, _cases()))


def check_keys(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the counted keys of sixty questions."""
    for case, truth in zip(_cases(), _truths(), strict=True):
        said = function(list(case.paths), dict(case.asked), [dict(one) for one in _nights()])
        if isinstance(said, bool) or not isinstance(said, int):
            raise Misuse(f"it returned {brief(said)}; give a whole number of cards")
        if said != truth:
            told = f"index ({', '.join(case.paths)}), asked {case.asked}: you said {said}, it looks at {truth} cards"
            return Verdict(passed=False, saw=f"{told}. {_keys_slip(case, said)}".strip())
    return Verdict(passed=True, saw=f"Right for {len(_cases())} questions, each counted by the store.")


def _keys_slip(case: _Case, said: int) -> str:
    matching = sum(all(_fits(one[path], wanted) for path, wanted in case.asked.items()) for one in _nights())
    if said == len(_nights()):
        return "The whole shelf is looked at only where its first path is not asked for."
    if said == matching:
        return (
            "That is how many match; the cards in between are looked at, too: a path behind a range, or behind one "
            "that is not asked for, narrows nothing."
        )
    return "Go from the left: equal, equal, … then one range, and there it ends."


def _fits(value: Any, wanted: Any) -> bool:
    return bool(wanted[0] <= value < wanted[1]) if isinstance(wanted, tuple) else bool(value == wanted)


def _keys_chart(function: Callable[..., Any]) -> charts.Chart:
    cases = {_in_short(case): case for case in _cases()[:6]}
    return charts.bars(
        dict(zip(cases, _truths(), strict=False)), title="Six questions; … is a range", unit="cards looked at",
        predicted={
            name: float(function(list(case.paths), dict(case.asked), list(_nights()))) for name, case in cases.items()
        },
    )  # fmt: skip


def _in_short(case: _Case) -> str:
    """Return the first letters of the index, and what is asked for."""
    asked = (path + "…" * isinstance(wanted, tuple) for path, wanted in case.asked.items())
    return f"{'-'.join(path[0] for path in case.paths)}: {', '.join(asked)}"


KEYS: Final = Exercise(
    lab=LAB,
    name="keys_examined",
    title="How many cards does a question look at?",
    statement="""
`documents` are 300 flat nights with `city`, `date` and `minutes`. `index` is a list of paths, the first decides first.
`asked` maps a path to a value (equal to it) or to a pair `(low, high)`, from and up to but not with.

Return how many cards of the index's shelf are looked at, whatever else is then tested on them. Nothing is sorted,
nothing cut.""",
    skeleton="def keys_examined(index, asked, documents):\n    ...",
    example='For the index `["city", "date"]` and `{"city": "Oslo"}` it is the number of nights in Oslo.',
    hints=(
        "Cards are sorted by the first path, then by the second. Which of them lie in one stretch?",
        "Go through `index` from the left and narrow `documents`: for as long as each path is *equal* to something.",
        "A range still narrows, and ends it. A path that is not asked for ends it, too, and narrows nothing.",
    ),
    check=check_keys,
    play=lambda function: (),
    picture=_keys_chart,
    is_pure=True,
    answer=keys_examined,
)


# ------------------------------------------------------------------------------------------ (b) the same device
def same_device(kind: str, firmware: int) -> Asked:
    """Return the filter for a device that is of a kind and runs a firmware."""
    return {"devices": {"$elemMatch": {"kind": kind, "fw": firmware}}}


def check_same_device(function: Callable[..., Any]) -> Verdict:
    """Ask hidden profiles for each kind and firmware, and hold the answer against a look at each device."""
    for seed in (1015, 1016):
        people = profiles_of(300, seed=seed)
        collection = Collection(VolatileDisk(), fsync=NEVER)
        for one in people:
            collection.insert(one)
        for kind in ("ring", "watch", "mat"):
            for firmware in (1, 2, 3):
                asked = function(kind, firmware)
                if not isinstance(asked, dict):
                    raise Misuse(f"it returned {brief(asked)}; give a filter, a dict")
                found = {one["_id"] for one in collection.find(asked)}
                truth = {
                    one["_id"] for one in people
                    if any(device["kind"] == kind and device["fw"] == firmware for device in one["devices"])
                }  # fmt: skip
                if found != truth:
                    return Verdict(passed=False, saw=_device_slip(kind, firmware, found, truth, people))
    return Verdict(passed=True, saw="Right for nine devices in two towns of 300 people that you have not seen.")


def _device_slip(kind: str, firmware: int, found: set[Any], truth: set[Any], people: Sequence[Asked]) -> str:
    told = f"A {kind} with firmware {firmware}: {len(truth)} people have one, your filter finds {len(found)}"
    wrong = sorted(found - truth)
    if wrong:
        devices = people[wrong[0]]["devices"]
        halves = any(one["kind"] == kind for one in devices) and any(one["fw"] == firmware for one in devices)
        why = "two devices, each with half of it" if halves else "none of them has both"
        return f"{told}. Person {wrong[0]} has {devices}: {why}."
    missed = sorted(truth - found)
    return f"{told}. Person {missed[0]} is missing, who has {people[missed[0]]['devices']}."


def _device_chart(function: Callable[..., Any]) -> charts.Chart | None:
    """Return the reader's own filter over the small town of experiment 3, where it is one of that lab's questions."""
    asked = function("ring", 3)
    words = next((words for words, question in QUESTIONS.items() if question == asked), None)
    if words is None:
        return None
    return charts.shelf_and_trees(along_the_shelf(question=words, index="kind, firmware", seed=5))


SAME_DEVICE: Final = Exercise(
    lab=LAB,
    name="same_device",
    title="The same device",
    statement="""
Each profile has a list `devices`, each of them with a `kind` and a firmware `fw`. Firmware 3 of the ring has a fault,
and whoever wears such a ring is to be told; nobody else.

Return the filter that finds the people with *one device* that is of this kind and runs this firmware.""",
    skeleton="def same_device(kind, firmware):\n    ...",
    example='`same_device("ring", 3)` returns a dict, to be handed to `find`.',
    hints=(
        "`{'devices.kind': kind, 'devices.fw': firmware}` holds if some element is the one and some element the other.",
        "There is an operator whose operand is a filter for *one* element.",
        "`{'devices': {'$elemMatch': {…}}}`; inside of it paths begin at the element.",
    ),
    check=check_same_device,
    play=lambda function: (),
    picture=_device_chart,
    is_pure=True,
    answer=same_device,
)


# ------------------------------------------------------------------------------------------ (c) a bucket
class Growing(NamedTuple):
    """What is done to a list that grows."""

    appends: int
    reads: int
    newest: int
    head_bytes: int
    element_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.appends:,} appends and {self.reads:,} read{'s' * (self.reads != 1)} of the newest {self.newest} "
            f"(head {self.head_bytes} bytes, element {self.element_bytes})"
        )


BUCKETS: Final = (1, 2, 5, 10, 20, 30, 50, 100, 200, 500, 1_000)
GROWINGS: Final = (
    Growing(10_000, 1, 30, 60, 52), Growing(100, 100_000, 30, 60, 52), Growing(1_000, 1_000, 200, 60, 52),
    Growing(1_000, 1_000, 1, 2_000, 100),
)  # fmt: skip


def bucket(appends: int, reads: int, newest: int, head_bytes: int, element_bytes: int) -> int:
    """Return the bucket that moves the fewest bytes."""

    def moved(size: int) -> float:
        full = head_bytes + size * element_bytes
        append = head_bytes + element_bytes * (size + 1) / 2
        return appends * append + reads * -(-newest // size) * -(-full // 8_192) * 8_192

    return min(BUCKETS, key=moved)


def _cost(size: int, one: Growing) -> float:
    return cost_bytes(size, **one._asdict())


def _hidden_growings() -> list[Growing]:
    chance = stream(1017, "growing")
    return [
        *GROWINGS,
        *(
            Growing(
                round(10 ** (1 + 4 * chance())), round(10 ** (1 + 4 * chance())), 1 + int(chance() * 300),
                40 + int(chance() * 400), 30 + int(chance() * 200),
            )
            for _ in range(40)
        ),
    ]  # fmt: skip


def check_bucket(function: Callable[..., Any]) -> Verdict:
    """Hold the choice against the bytes that each of the choices moves."""
    for one in _hidden_growings():
        said = function(*one)
        if isinstance(said, bool) or said not in BUCKETS:
            raise Misuse(f"it returned {brief(said)}; give one of the choices, {list(BUCKETS)}")
        best = min(_cost(size, one) for size in BUCKETS)
        if _cost(said, one) > best:
            right = min(BUCKETS, key=lambda size: _cost(size, one))
            times = _cost(said, one) / best
            why = (
                "each append writes a bucket that is half full on average" if said > right
                else "each read opens a bucket for every few of the newest, each at least a page of 8,192 bytes"
            )  # fmt: skip
            return Verdict(
                passed=False, saw=f"{one}: buckets of {said} move {times:.3g} times what buckets of {right} do; {why}."
            )
    return Verdict(passed=True, saw=f"The fewest bytes in {len(_hidden_growings())} cases.")


def _bucket_chart(function: Callable[..., Any]) -> charts.Chart:
    """Return what each choice moves in three cases, and the reader's choice in the last of them."""
    moved = {
        f"{one.appends:,} appends, {one.reads:,} of {one.newest}": [
            (float(size), _cost(size, one) / 1e6, 0.0) for size in BUCKETS
        ]
        for one in GROWINGS[:3]
    }
    said = function(*GROWINGS[2])
    return charts.against_law(
        moved, laws={}, title="Moved, by appends and reads of the newest", x="elements a bucket", y="megabytes",
        predicted=(said, _cost(said, GROWINGS[2]) / 1e6), log_x=True, log_y=True,
    )  # fmt: skip


BUCKET: Final = Exercise(
    lab=LAB,
    name="bucket",
    title="How large should a bucket be?",
    statement="""
A list grows by `appends` elements of `element_bytes`; `reads` times somebody reads the `newest` of them. It is kept in
buckets: documents with a head of `head_bytes` and up to B elements.

An append writes its bucket anew: the head, and on average (B + 1) / 2 elements. A read of the newest opens as many full
buckets as they fill, rounded up; each is read in whole pages of 8,192 bytes.

Return the B that moves the fewest bytes in all: 1, 2, 5, 10, 20, 30, 50, 100, 200, 500 or 1,000.""",
    skeleton="def bucket(appends, reads, newest, head_bytes, element_bytes):\n    ...",
    example="10,000 appends and hardly a read: 1. Hardly an append and 100,000 reads of the newest 30: 30 or more.",
    hints=(
        "Write down the bytes of one append, and of one read, for a given B. Then `min((1, 2, 5, …), key=…)`.",
        "A read: `-(-newest // B)` buckets, each of `-(-(head_bytes + B * element_bytes) // 8192)` pages.",
        "An append: `head_bytes + element_bytes * (B + 1) / 2`. Multiply by how often, add.",
    ),
    check=check_bucket,
    play=lambda function: (),
    picture=_bucket_chart,
    is_pure=True,
    answer=bucket,
)


# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="What belongs into a profile?",
    statement="""
Slumber keeps for each sleeper: name, city and plan; the devices (a few, changed now and then); the nights (one more
every day, for ten years); the friends (a few hundred at most for nearly all, a million for one).

What is embedded in the profile, what is referred to, what goes into buckets? Which indexes? What is atomic then, and
what is not?""",
    model_answer="""
*Embed* what is read with the profile, is small, and has a bound: name, city, plan, devices. A device and its firmware
change in one call, whole. An index of `(devices.kind, devices.fw)` finds a faulty model, if one asks with `$elemMatch`.

*Bucket* the nights, by person and month: a night is appended to one document of about thirty; a month on the screen is
one read. Embedded they would be written again every day with all that went before, and ten years of them are what
everybody drags along who wants the name.

*Refer* to friends: a document a tie, `{person, friend}`, unique, with an index the other way round. The one with a
million friends would hit 16 MB, and long before that each new friend would write megabytes. "How many friends?" is a
number in the profile, changed by `$inc`, and may be off by the ties that were made while a crash came between: two
documents are two calls. If it must be right, it is a transaction, or counted.

*Last night's minutes* may be copied into the profile, for the list of friends shows them: derived, with a date, made
again from the bucket whenever in doubt.

*Indexes*: `_id`; unique `email`; `(person, month)` on buckets, unique, so that two watches that sync at once do not
make two buckets; `(devices.kind, devices.fw)`. Not more: each is written at every insert.""",
)

TASKS: Final = (KEYS, SAME_DEVICE, BUCKET, DESIGN)
