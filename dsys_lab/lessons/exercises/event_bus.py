"""Exercises of lab 21: a matcher, two transformers, and whose events deserve a bus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.event_bus import Event, Transformer
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.lessons.exercises.web_hooks import VERIFY
from dsys_lab.scenarios.event_bus import routing
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 21
Json = dict[str, Any]


# ------------------------------------------------------------------------------------------ (a) does it match?
def matches(pattern: Json, event: Json) -> bool:
    """Return whether every field of the pattern has a value that one of its wishes likes."""
    for name, wanted in pattern.items():
        found = event.get(name, [])
        if isinstance(wanted, dict):
            if not matches(wanted, found if isinstance(found, dict) else {}):
                return False
        else:
            values = found if isinstance(found, list) else [found]
            if not any(_likes(wish, values) for wish in wanted):
                return False
    return True


def _likes(wish: Any, values: list[Any]) -> bool:
    if not isinstance(wish, dict):
        return wish in values
    [(operator, given)] = wish.items()
    if operator == "exists":
        return bool(values) is given
    if operator == "prefix":
        return any(isinstance(value, str) and value.startswith(given) for value in values)
    if operator == "anything-but":
        return any(value not in given for value in values)
    sign, bound = given
    compare = {"<": lambda value: value < bound, ">": lambda value: value > bound, "=": lambda value: value == bound}
    return any(isinstance(value, int | float) and compare[sign](value) for value in values)


class _Case(NamedTuple):
    pattern: Json
    event: Json
    lesson: str


_NIGHT: Final[Json] = {
    "source": "wearable", "detail": {"hours": 4.5, "tags": ["nap", "snore"], "city": None, "words": "4.5"},
}  # fmt: skip
_CHOSEN: Final = (
    _Case({"source": ["wearable"]}, _NIGHT, "A plain value is equal or not."),
    _Case({"source": ["shop", "wearable"]}, _NIGHT, "Of the wishes in one list, one is enough."),
    _Case({"source": ["wearable"], "detail": {"hours": [7]}}, _NIGHT, "All fields must hold, not just one."),
    _Case({"detail": {"tags": ["snore"]}}, _NIGHT, "If the event has a list, any of its values will do."),
    _Case({"detail": {"tags": ["dream"]}}, _NIGHT, "A list is looked through, not compared as a whole."),
    _Case({"detail": {"city": [None]}}, _NIGHT, "null is a value, and equal to null."),
    _Case({"detail": {"mood": [None]}}, _NIGHT, "What is missing is not null."),
    _Case({"detail": {"city": [{"exists": True}]}}, _NIGHT, "null is there: it exists."),
    _Case({"detail": {"mood": [{"exists": False}]}}, _NIGHT, "exists with false wants that there is no value."),
    _Case({"nowhere": {"mood": [{"exists": False}]}}, _NIGHT, "Nor is there a value where the object is missing."),
    _Case({"detail": {"mood": [{"anything-but": ["good"]}]}}, _NIGHT, "anything-but wants a value, only another one."),
    _Case({"detail": {"tags": [{"anything-but": ["nap"]}]}}, _NIGHT, "Of a list, one other value will do."),
    _Case({"detail": {"hours": [{"numeric": ["<", 5]}]}}, _NIGHT, "numeric compares with the bound."),
    _Case({"detail": {"hours": [{"numeric": [">", 4.5]}]}}, _NIGHT, "Greater is not equal."),
    _Case({"detail": {"words": [{"numeric": ["<", 5]}]}}, _NIGHT, "A text is no number, whatever it says."),
    _Case({"detail": {"hours": [{"prefix": "4"}]}}, _NIGHT, "A number has no prefix."),
    _Case({"detail": {"tags": [{"prefix": "sn"}]}}, _NIGHT, "A prefix of any value of the list will do."),
    _Case({"detail": {"hours": [7, {"numeric": ["=", 4.5]}]}}, _NIGHT, "Values and operators stand in one list."),
    _Case({"source": {"deeper": ["x"]}}, _NIGHT, "Where the pattern goes deeper and the event does not, nothing is."),
    _Case({"detail": {"mood": ["good"]}}, _NIGHT, "A field that the event has not is no error; it just does not hold."),
)
_WISHES: Final = (4.5, "snore", None, {"exists": True}, {"exists": False}, {"prefix": "s"},
                  {"anything-but": ["nap", "snore"]}, {"numeric": ["<", 5]})  # fmt: skip
CASES: Final = 60


@lru_cache(maxsize=1)
def _cases() -> tuple[_Case, ...]:
    drawn = []
    for number in range(CASES - len(_CHOSEN)):
        luck = stream(2101, f"case/{number}")
        one = lambda of: of[int(luck() * len(of))]  # noqa: B023, E731
        event = {name: one((4.5, "snore", "nap", None, ["nap", "snore"], [7, 4.5])) for name in "abc" if luck() < 0.8}
        wanted = {name: [one(_WISHES) for _ in range(1 + int(2 * luck()))] for name in "abc" if luck() < 0.6}
        drawn.append(_Case({"detail": wanted or {"a": ["snore"]}}, {"detail": event}, ""))
    return (*_CHOSEN, *drawn)


def check_matches(function: Callable[..., Any]) -> Verdict:
    """Hold the function against sixty patterns and events that the bus's matcher was asked of."""
    for case in _cases():
        said, truth = function(json.loads(json.dumps(case.pattern)), json.loads(json.dumps(case.event))), _truth(case)
        if not isinstance(said, bool):
            raise Misuse(f"it returned {brief(said)}; give True or False")
        if said != truth:
            does = "picks" if truth else "does not pick"
            told = f"{json.dumps(case.pattern)} {does} {json.dumps(case.event)}. {case.lesson or _slip(case)}"
            return Verdict(passed=False, saw=told.strip())
    return Verdict(passed=True, saw=f"Right for {CASES} patterns and events.")


def _truth(case: _Case) -> bool:
    return Pattern(case.pattern).matches(case.event)


def _slip(case: _Case) -> str:
    """Return what each field comes to."""
    judged = Pattern(case.pattern).judge(case.event)
    return "; ".join(f"{one.path}: found {list(one.found)}, {'holds' if one.holds else 'does not'}" for one in judged)


def _chart_of_matches(function: Callable[..., Any]) -> charts.Chart:
    """Draw how many of two sorts of case the function sees as the matcher does."""
    sorts = {"plain values": [], "a list in the event": [], "missing, or null": [], "numeric": []}  # type: dict[str, list[_Case]]
    for case in _cases():
        words = json.dumps(case.pattern)
        if "numeric" in words:
            sorts["numeric"].append(case)
        elif "exists" in words or "null" in words:
            sorts["missing, or null"].append(case)
        elif "[" in json.dumps(case.event):
            sorts["a list in the event"].append(case)
        else:
            sorts["plain values"].append(case)
    picked = {name: float(sum(_truth(case) for case in cases)) for name, cases in sorts.items()}
    said = {name: float(sum(bool(function(*case[:2])) for case in cases)) for name, cases in sorts.items()}
    return charts.bars(picked, title="How many events are picked, of each sort of pattern?", unit="events",
                       predicted=said)  # fmt: skip


MATCHES: Final = Exercise(
    lab=LAB,
    name="matches",
    title="Does it match?",
    statement="""
`pattern` and `event` are dicts, as JSON makes them. A field of the pattern is a dict (of deeper fields) or a list of
wishes. Every field must hold; it holds if any wish likes any value that the event has there. The event may have one
value, a list of values, or none.

A wish is a value (text, number, `None`), or an operator: `{"prefix": "ab"}`, `{"anything-but": [values]}`,
`{"numeric": ["<", 5]}` with one of `<`, `>`, `=`, and `{"exists": true}` or `false`.

Return whether the pattern picks the event.""",
    skeleton="def matches(pattern, event):\n    ...",
    example='`matches({"detail": {"hours": [{"numeric": ["<", 5]}]}}, {"detail": {"hours": 4}})` is True.',
    hints=(
        "Make a list of the values first: none if the field is missing, one, or the list itself.",
        "Recursion for dicts: `matches(wanted, found)`, with `{}` where the event has no object.",
        "`exists` with false is the only wish that likes an empty list of values.",
    ),
    check=check_matches,
    play=lambda function: [routing()],
    picture=_chart_of_matches,
    is_pure=True,
    answer=matches,
)

# ------------------------------------------------------------------------------------------ (c) one shape of two
PARTNERS: Final = ("partner.ring", "partner.mat")
WANTED: Final[dict[str, tuple[type, ...]]] = {"sleeper": (str,), "hours": (int, float), "text": (str,)}
"""The shape that the coach knows: each field with its type in Python."""


def shapes() -> dict[str, dict[str, Any]]:
    """Return paths and a template for each partner."""
    template = '{"sleeper": <who>, "hours": <hours>, "text": "<who> slept <hours> h"}'
    return {
        "partner.ring": {"paths": {"who": "$.detail.user", "hours": "$.detail.sleep.hours"}, "template": template},
        "partner.mat": {"paths": {"who": "$.detail.person.id", "hours": "$.detail.nights[0].h"}, "template": template},
    }


def _detail(partner: str, who: str, hours: float) -> Json:
    if partner == PARTNERS[0]:
        return {"user": who, "sleep": {"hours": hours, "deep": round(hours / 4, 2)}, "battery": 80}
    return {"person": {"id": who, "city": "Oslo"}, "nights": [{"h": hours}, {"h": 1}]}


@lru_cache(maxsize=1)
def _events() -> tuple[tuple[str, str, float], ...]:
    luck = stream(2103, "events")
    names = ("ann", "bob", "cy", 'Dan "D" Dee')
    return tuple((PARTNERS[n % 2], names[int(4 * luck())], 3 + int(luck() * 13) / 2) for n in range(40))


def check_shapes(function: Callable[..., Any]) -> Verdict:
    """Let forty events of both partners pass the reader's transformers."""
    said = function()
    if not isinstance(said, Mapping) or set(said) != set(PARTNERS):
        raise Misuse(f"it returned {brief(said)}; give a dict with {' and '.join(PARTNERS)}")
    made = {}
    for partner, one in said.items():
        if not isinstance(one, Mapping) or set(one) != {"paths", "template"}:
            raise Misuse(f"{partner}: {brief(one)}; give a dict with paths and template")
        try:
            made[partner] = Transformer(**one)
        except BadParameter as error:
            return Verdict(passed=False, saw=f"{partner}: {error}")
    for partner, who, hours in _events():
        event = Event("e", partner, "Night", _detail(partner, who, hours), 0)
        if wrong := _wrong(made[partner].of(event.envelope()), who, hours):
            return Verdict(passed=False, saw=f"{partner}, {json.dumps(event.detail)}: {wrong}")
    return Verdict(passed=True, saw=f"{len(_events())} events of two partners came out in one shape.")


def _wrong(given: str, who: str, hours: float) -> str:
    """Say what is wrong with what the coach is given, or nothing."""
    try:
        shape = json.loads(given)
    except ValueError:
        return f"{given} is no JSON. A hole that is a text needs no quotes of its own: it takes them along."
    if not isinstance(shape, dict) or set(shape) != set(WANTED):
        return f"the coach is given {given}, and wants {', '.join(WANTED)}."
    for name, kinds in WANTED.items():
        if not isinstance(shape[name], kinds):
            advice = "A hole within quotes becomes a text" if isinstance(shape[name], str) else "Look at its path"
            return f"{name} is {json.dumps(shape[name])}, and should be a {kinds[-1].__name__}. {advice}."
    truth = {"sleeper": who, "hours": hours, "text": f"{who} slept {hours} h"}
    slips = [name for name in WANTED if shape[name] != truth[name]]
    return f"{slips[0]} is {json.dumps(shape[slips[0]])}, and should be {json.dumps(truth[slips[0]])}." if slips else ""


def _chart_of_shapes(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw a card of each partner before the reader's transformers."""
    try:
        made = {partner: Transformer(**one) for partner, one in function().items()}
        event = Event("e", PARTNERS[1], "Night", _detail(PARTNERS[1], "ann", 7.5), 0).envelope()
        found = {partner: Pattern({"source": [partner]}) for partner in made}
        card = {"source": event["source"]} | {f"detail.{name}": json.dumps(it) for name, it in event["detail"].items()}
        return charts.sieves(
            card,
            {partner: ([(one.path, one.wanted, one.holds) for one in pattern.judge(event)],
                       made[partner].of(event) if pattern.matches(event) else None)
             for partner, pattern in found.items()},
            title="What is the coach given?",
        )  # fmt: skip
    except (BadParameter, AttributeError, TypeError):
        return None


SHAPES: Final = Exercise(
    lab=LAB,
    name="shapes",
    title="Two partners, one shape",
    statement=f"""
*partner.ring* says `{json.dumps(_detail(PARTNERS[0], "ann", 7.5))}`, and *partner.mat* says
`{json.dumps(_detail(PARTNERS[1], "ann", 7.5))}`, where the last night comes first. The coach knows one shape only:
`{{"sleeper": "ann", "hours": 7.5, "text": "ann slept 7.5 h"}}`.

Return a dict with `"partner.ring"` and `"partner.mat"`, each a dict with `paths` (name of a hole -> path such as
`$.detail.x`) and `template` (a text with `<name>` for each hole).""",
    skeleton="def shapes():\n    return {}",
    example='`{"paths": {"w": "$.source"}, "template": \'{"from": <w>}\'}` would make `{"from": "partner.ring"}`.',
    hints=(
        "One template serves both; only the paths differ.",
        "A hole outside of quotes takes the value as JSON (a text brings its quotes), one within quotes its text.",
        "The first of a list is `[0]`: `$.detail.nights[0].h`.",
    ),
    check=check_shapes,
    play=lambda function: (),
    picture=_chart_of_shapes,
    answer=shapes,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Whose events deserve the bus?",
    statement="""
*Slumber* has 40 services and twelve partners. Wearables ping every second; nights, orders, payments and changes of a
password are rare. Everybody would like to add rules.

Which of these go over the bus, which over a topic, a queue or a log? Who may add a rule, and who must hear of it if a
field changes its name?""",
    model_answer="""
*Nights and orders* go over the bus: few, of interest to many, and who that is changes. *Pings* do not: each event is
priced and matched, nobody wants single ones, and order matters; they belong into a log (lab 17), and at most "the phone
was offline for an hour" becomes an event. A *payment* is a command to one service that must be done once: a queue with
a key (lab 16); that it *was* paid is an event. A *changed password* goes over the bus without the password; what an
event says, every rule can read.

Partners come in at one door that checks the signature, the age and the id (experiment 4), and turns what they say into
events of our own; no rule but the translator's may name a partner's field.

A team adds rules for its own targets, by review: a pattern that is too wide costs others nothing and itself everything,
and one that writes what it picks is a loop. Each rule needs dead letters, an alarm on them, and an alarm on *no match
for a day*. What an event says belongs to whoever puts it: fields are added, never renamed; a new meaning is a new
`detail-type` or a version in the detail, put beside the old one until no rule names it. A schema in a registry, checked
where the event is put, finds the slip before it is silence.""",
)

TASKS: Final = (MATCHES, VERIFY, SHAPES, DESIGN)
