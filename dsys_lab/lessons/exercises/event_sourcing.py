"""Exercises of lab 24: a fold of one's own, bytes of three schemas, and the moment at which readers may be led over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any, Final

from dsys_lab.dataflows.event_sourcing import NIGHT, Night
from dsys_lab.dataflows.service import Version, decode, encode
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.event_sourcing.unrolled import WORDS
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 24
Fact = tuple[str, dict[str, Any]]
Beds = dict[int, tuple[str, str] | None]


# ------------------------------------------------------------------------------------------ (a) a fold of one's own
def evolve(beds: Beds, event: Fact) -> Beds:
    """Return the beds after a fact, and leave the ones before it as they are."""
    kind, says = event
    if kind == "NightOpened":
        return dict.fromkeys(range(1, says["beds"] + 1))
    if kind == "BedHeld":
        return {**beds, says["bed"]: ("held", says["guest"])}
    if kind == "BedBooked":
        return {**beds, says["bed"]: ("booked", says["guest"])}
    if kind in {"BedReleased", "BookingCancelled"}:
        return {**beds, says["bed"]: None}
    return beds


@lru_cache(maxsize=8)
def facts_of(seed: int, count: int = 60) -> tuple[Fact, ...]:
    """Return the facts of a hidden night, and one of a kind that says nothing about beds."""
    house = filled(a_house(beds=6), count, seed=seed)
    facts = [house.types.read(one.written) for one in house.store.load("n1")]
    told: list[Fact] = [(fact.kind, dict(fact.says)) for fact in facts]
    return (*told[: count // 2], ("NightInspected", {"by": "the porter"}), *told[count // 2 :])


def beds_of(night: Night) -> Beds:
    """Return the night of the room as the exercise says it."""
    beds: Beds = dict.fromkeys(range(1, night.beds + 1))
    for bed, (guest, cents) in night.taken.items():
        beds[bed] = ("held" if cents is None else "booked", guest)
    return beds


SEEDS: Final = (3, 8, 21)


def check_evolve(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the room's own fold, after every fact."""
    from dsys_lab.dataflows.event_sourcing import Event

    for seed in SEEDS:
        night, beds = NIGHT.initial, Beds()
        for number, (kind, says) in enumerate(facts_of(seed), 1):
            before, fact = deepcopy(beds), (kind, dict(says))
            found = function(beds, fact)
            if not isinstance(found, dict):
                raise Misuse(f"it returned {brief(found)} after {kind}; give a dict, bed -> None or (word, guest)")
            if beds != before or fact[1] != says:
                why = "it changed what it was given. Somebody may still look at that: make a new dict."
                return Verdict(passed=False, saw=f"fact {number}, {kind}: {why}")
            night = NIGHT.evolve(night, Event(kind, says))
            if found != beds_of(night):
                return Verdict(passed=False, saw=_slip_of_fold(number, kind, says, found, beds_of(night)))
            beds = found
    many = sum(len(facts_of(seed)) for seed in SEEDS)
    return Verdict(passed=True, saw=f"Right after each of {many} facts, and nothing was changed in place.")


def _slip_of_fold(number: int, kind: str, says: Mapping[str, Any], found: Beds, right: Beds) -> str:
    if kind not in WORDS:
        return f"fact {number} is a {kind}, which says nothing about beds: the state stays as it is."
    wrong = next((bed for bed in {**right, **found} if found.get(bed, 0) != right.get(bed, 0)), None)
    about = ", ".join(f"{name} {value}" for name, value in says.items() if name in {"bed", "guest", "beds"})
    here, there = brief(found.get(wrong or 0)), right.get(wrong or 0)
    return f"after fact {number}, {kind} ({about}), you have {here} for bed {wrong}; it is {there}."


def _chart_of_fold(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw a night as the reader's fold sees it."""
    beds, facts = Beds(), [fact for fact in facts_of(3) if fact[0] in WORDS][:24]
    for fact in facts:
        beds = function(beds, fact)
    cards = [(f"bed {bed}", one[0] if one else "free", ", ".join(one or ("free",))) for bed, one in beds.items()]
    told = [(kind, WORDS[kind].format(**says)) for kind, says in facts]
    return charts.fact_tape(told, len(facts), cards, title="A night, as your fold sees it")


EVOLVE: Final = Exercise(
    lab=LAB,
    name="evolve",
    title="A fold of your own",
    statement="""
`beds` is a dict: for each bed `None` if it is free, or `("held", guest)`, or `("booked", guest)`. Before the first fact
it is empty. `event` is `(kind, says)`:

- `NightOpened` says `beds`: beds 1 to so many are there, all free;
- `BedHeld` says `bed` and `guest`: the bed is held;
- `BedBooked` says `bed`, `guest` and more: the bed is booked;
- `BedReleased` and `BookingCancelled` say `bed` and more: the bed is free.

A fact of any other kind changes nothing. Return the beds after the fact; do not change the dict that you are given.""",
    skeleton="def evolve(beds, event):\n    ...",
    example='`evolve({1: None, 2: None}, ("BedHeld", {"bed": 2, "guest": "ben"}))` is `{1: None, 2: ("held", "ben")}`.',
    hints=(
        "`kind, says = event`, and one case for each kind.",
        "A new dict that differs in one key: `{**beds, bed: ...}`.",
        "`dict.fromkeys(range(1, says['beds'] + 1))` has None for each. What you do not know you give back as it is.",
    ),
    check=check_evolve,
    play=lambda function: (),
    picture=_chart_of_fold,
    is_pure=True,
    answer=evolve,
)


# ------------------------------------------------------------------------------------------ (b) three schemas
SCHEMAS: Final = (
    Version.of("schema 1", "1 person u32, 2 hours f64, 3 city text = nowhere"),
    Version.of("schema 2", "1 person u32, 3 city text = nowhere, 4 minutes u16"),
    Version.of("schema 3", "1 person u32, 4 minutes u16, 5 place text, 6 source text"),
)


def lifted(schema: int, says: Mapping[str, Any]) -> dict[str, Any]:
    """Lift step by step: what one schema says, as the next one says it."""
    told = dict(says)
    if schema == 1:
        told["minutes"] = round(told.pop("hours") * 60)
    if schema <= 2:
        city = told.pop("city")
        told["place"] = "unknown" if city == "nowhere" else city
        told["source"] = "typed in"
    return told


NIGHTS: Final = (
    (1, {"person": 17, "hours": 7.25, "city": "Oslo"}), (1, {"person": 18, "hours": 4.1}),
    (1, {"person": 19, "hours": 0.0, "city": "Turku"}), (1, {"person": 20, "hours": 6.66, "city": "Lima"}),
    (2, {"person": 21, "minutes": 435, "city": "Quito"}), (2, {"person": 22, "minutes": 0}),
    (3, {"person": 23, "minutes": 441, "place": "Cairo", "source": "watch"}),
    (3, {"person": 24, "minutes": 400, "place": "nowhere", "source": "watch"}),
)  # fmt: skip
"""Hidden nights: by which schema each was written, and what it said."""
TRUE: Final = (
    (17, 435, "Oslo", "typed in"), (18, 246, "unknown", "typed in"), (19, 0, "Turku", "typed in"),
    (20, 400, "Lima", "typed in"), (21, 435, "Quito", "typed in"), (22, 0, "unknown", "typed in"),
    (23, 441, "Cairo", "watch"), (24, 400, "nowhere", "watch"),
)  # fmt: skip
"""What they are in schema 3."""


def check_lifted(function: Callable[..., Any]) -> Verdict:
    """Write old bytes, read them in their schema, hand them to the function, and write them anew."""
    newest = SCHEMAS[2]
    for (schema, wrote), (person, minutes, place, source) in zip(NIGHTS, TRUE, strict=True):
        written = SCHEMAS[schema - 1]
        data = encode(written, wrote, form="number")  # type: ignore[arg-type]
        says = decode(written, data, form="number")
        given = dict(says)
        found = function(schema, given)
        if not isinstance(found, dict):
            raise Misuse(f"it returned {brief(found)}; give a dict with person, minutes, place and source")
        told = f"{brief(says)} of schema {schema}:"
        if given != says:
            return Verdict(passed=False, saw=f"{told} it changed what it was given; make a new dict.")
        right = {"person": person, "minutes": minutes, "place": place, "source": source}
        if found != right:
            return Verdict(passed=False, saw=f"{told} you said {brief(found)}. {_slip_of_lift(schema, found, right)}")
        try:
            encode(newest, found, form="number")
        except BadParameter as error:
            return Verdict(passed=False, saw=f"{told} no writer of schema 3 takes that: {error}")
    return Verdict(passed=True, saw=f"{len(NIGHTS)} nights of three schemas, decoded from their bytes and lifted.")


def _slip_of_lift(schema: int, found: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    if more := [name for name in found if name not in right]:
        return f"Schema 3 has no {more[0]!r}."
    if less := [name for name in right if name not in found]:
        return f"There is no {less[0]!r}."
    if schema == 3:
        return "It is of the newest schema already: there *nowhere* is what somebody said."
    if found["minutes"] != right["minutes"]:
        return "To the nearest minute: a float of hours is often a hair below, and `int` cuts."
    name = next(name for name in right if found[name] != right[name])
    return f"{name!r} is {right[name]!r} there."


LIFTED: Final = Exercise(
    lab=LAB,
    name="lifted",
    title="From any schema to the newest",
    statement="""
A log has nights in three schemas:

- schema 1: `person`, `hours` (a float), `city`, which is `"nowhere"` if nobody said;
- schema 2: `person`, `minutes` instead of the hours, as a whole number, and `city` as before;
- schema 3: `person`, `minutes`, `place` instead of the city, which is `"unknown"` if nobody said, and `source`. Nights
  of the first two schemas were all `"typed in"`.

`says` is what was decoded by its own `schema`, with the default where nothing was said. Return it as schema 3 says it;
minutes are those nearest to the hours. Do not change the dict that you are given.""",
    skeleton="def lifted(schema, says):\n    ...",
    example='`lifted(2, {"person": 5, "minutes": 430, "city": "nowhere"})` is `{"person": 5, "minutes": 430, '
    '"place": "unknown", "source": "typed in"}`.',
    hints=(
        "One step after the other: from 1 to 2 if it is of schema 1, and then from 2 to 3 unless it is of schema 3.",
        "`round(4.1 * 60)`: the float is 245.99999999999997.",
        "Take a copy, `dict(says)`, and `pop` what has another name from now on.",
    ),
    check=check_lifted,
    play=lambda function: (),
    is_pure=True,
    answer=lifted,
)


# ------------------------------------------------------------------------------------------ (c) when to swap
Read = tuple[float, str, int]


def swap_at(reads: Sequence[Read]) -> float | None:
    """Follow both, and remember the furthest that was ever shown."""
    shown = coming = 0
    for second, view, position in reads:
        if view == "v1":
            shown = max(shown, position)
        else:
            coming = position
        if coming >= shown:
            return second
    return None


def reads_of(seed: int, *, crashes: bool = True) -> list[Read]:
    """Return how far both views had come, read by read: hidden, with a crash of each after which it is further back."""
    luck, reads = stream(seed, "exercise/swap"), list[Read]()
    newest, old, new, at_s = 40.0, 40, 0, 0.0
    for number in range(90):
        at_s += 0.1 + luck() * 0.3
        newest += luck() * 1.2
        if number % 2 == 0:
            old = old - 6 if crashes and number == 30 else min(int(newest), old + 4)
            reads.append((round(at_s, 2), "v1", old))
        else:
            new = max(0, new - 12) if crashes and number == 25 else min(int(newest), new + 3)
            reads.append((round(at_s, 2), "v2", new))
    return reads


HURRIED: Final = [(1.0, "v1", 50), (2.0, "v2", 45), (3.0, "v1", 42), (4.0, "v2", 44), (5.0, "v1", 50), (6.0, "v2", 50)]
"""v1 crashed, and is behind v2 for a moment; but readers had been shown more."""
CASES: Final = (HURRIED, reads_of(1), reads_of(2), reads_of(5, crashes=False), reads_of(3)[:20], [(1.0, "v1", 5)])


def true_swap(reads: Sequence[Read]) -> float | None:
    """Return the first moment at which whoever was led over would see no earlier position than was shown before."""
    for at, (second, _, _) in enumerate(reads):
        would_see = next((position for _, view, position in reversed(reads[: at + 1]) if view == "v2"), 0)
        if all(position <= would_see for _, view, position in reads[: at + 1] if view == "v1"):
            return second
    return None


def check_swap_at(function: Callable[..., Any]) -> Verdict:
    """Hold the function against what readers would be shown."""
    for reads in CASES:
        said, truth = function(list(reads)), true_swap(reads)
        if said is not None and (isinstance(said, bool) or not isinstance(said, int | float)):
            raise Misuse(f"it returned {brief(said)}; give the second of a read, or None")
        if said != truth:
            return Verdict(passed=False, saw=_slip_of_swap(reads, said, truth))
    return Verdict(passed=True, saw=f"Right for {len(CASES)} rebuilds, with crashes, and for two that never catch up.")


def _slip_of_swap(reads: Sequence[Read], said: float | None, truth: float | None) -> str:
    if said is None:
        return f"from second {truth:g} on v2 has seen as much as any reader was shown; you said never."
    if said not in [second for second, _, _ in reads]:
        return f"you said {said:g}, and nobody read at that moment: give the second of one of the reads."
    if truth is None or said < truth:
        shown = max((position for second, view, position in reads if view == "v1" and second <= said), default=0)
        there = next((position for second, view, position in reversed(reads) if view == "v2" and second <= said), 0)
        return f"at second {said:g} v2 is at {there}, and readers had seen {shown}: they would be led back in time."
    return f"you said second {said:g}; at {truth:g} v2 had seen as much already."


def _chart_of_swap(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw both positions, and the reader's moment."""
    reads, bands = CASES[1], {}
    if (said := function(list(reads))) is not None:
        bands = {"your swap": (float(said), float(said) + 0.15)}
    lines = {name: [(second, position) for second, view, position in reads if view == name] for name in ("v1", "v2")}
    title = "When may readers be led to v2?"
    return charts.lines(lines, title=title, x="seconds", y="position", bands=bands, steps=True)


SWAP_AT: Final = Exercise(
    lab=LAB,
    name="swap_at",
    title="When may readers be led to the new view?",
    statement="""
A view *v1* answers, and *v2* is being rebuilt beside it. `reads` is a list of `(second, view, position)` in the order
of time: how far a view has come. After a crash a view begins again at its checkpoint, so positions may fall.

Return the second of the first read from which on readers may be led to *v2*, so that nobody is shown an earlier
position than *v1* has had before. `None` if that moment does not come.""",
    skeleton="def swap_at(reads):\n    ...",
    example='`swap_at([(1, "v1", 7), (2, "v2", 6), (3, "v2", 7)])` is 3.',
    hints=(
        "Walk through the reads, and keep where each of the two is.",
        "As much is enough: `>=`.",
        "*v1* may crash and fall back. What its readers have seen they have seen: keep its highest position.",
    ),
    check=check_swap_at,
    play=lambda function: (),
    picture=_chart_of_swap,
    is_pure=True,
    answer=swap_at,
)


# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="which part of the shop?",
    statement="""
*Slumber*'s shop has: a catalogue of pillows with texts and pictures; prices; baskets; orders and payments; the stock in
the warehouse; the profiles of customers; reviews.

Which of these would you keep as events, which as a plain table, which as a table with an audit column or change
capture? Say for two of them what the stream is, what the expected version protects, and what must be sealed.""",
    model_answer="""
**Orders and payments**: events. Somebody will ask why, for years; they are a conversation with a beginning and an end,
so a stream is an order, short by nature (no checkpoint needed). The expected version protects against two decisions on
one order: paid and cancelled at once. Name and address are sealed under the customer's key; amounts and dates are not,
for the books must add up after somebody was forgotten, and the law wants them kept.

**Stock**: events as well, a stream for each item and warehouse, because "where did the nine pillows go?" is asked every
month. It is hot: conflicts by the law, so the stream is per item, not per shop, and where one item is very hot its
stock is divided into shares. A checkpoint every few hundred.

**Prices**: a fact with two times (valid from, recorded), so that an order can be checked later; a table with both
columns is enough.

**Catalogue, profiles, reviews**: tables. Nobody decides on their past; who changed what is an audit column, and the
search index follows by change capture. Event sourcing there would buy schema evolution and erasure for nothing.

**Baskets**: a table, or a cache; if marketing wants to know what was taken out again, that is analytics, and may get
lost.""",
)

TASKS: Final = (EVOLVE, LIFTED, SWAP_AT, DESIGN)
