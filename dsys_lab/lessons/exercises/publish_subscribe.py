"""Exercises of lab 15: who hears what, which outages a policy survives, and five filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic import DeliveryPolicy, Published, Subscription, Topic
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.publish_subscribe import outage, seats
from dsys_lab.scenarios.publish_subscribe.uploads import POLICIES
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 15

# ------------------------------------------------------------------------------------------ (a) who hears what
Event = tuple[str, ...]


def who_hears(events: Sequence[Event]) -> dict[str, list[str]]:
    """Return what each name hears: who is subscribed when a message is published, and wants its kind."""
    wants: dict[str, str] = {}
    heard: dict[str, list[str]] = {}
    for what, *rest in events:
        if what == "subscribe":
            name, kind = rest
            wants[name] = kind
            heard.setdefault(name, [])
        elif what == "unsubscribe":
            del wants[rest[0]]
        else:
            message, kind = rest
            for name, wanted in wants.items():
                if wanted in ("", kind):
                    heard[name].append(message)
    return heard


NAMES: Final = ("ann", "bob", "cy")
STORIES: Final = 60


@lru_cache(maxsize=1)
def _stories() -> tuple[tuple[Event, ...], ...]:
    told = []
    for number in range(STORIES):
        chance = stream(1501, f"story/{number}")
        events: list[Event] = []
        there: set[str] = set()
        for step in range(4 + number // 3):
            name, kind = NAMES[int(chance() * 3)], ("film", "clip")[int(chance() * 2)]
            if chance() < 0.6:
                events.append(("publish", f"m{step}", kind))
            elif name in there:
                there.discard(name)
                events.append(("unsubscribe", name))
            else:
                there.add(name)
                events.append(("subscribe", name, kind if chance() < 0.5 else ""))
        told.append(tuple(events))
    return tuple(told)


def _by_topic(events: Sequence[Event]) -> dict[str, list[str]]:
    """Let the topic itself hear the story."""
    topic, heard = Topic("uploads"), dict[str, list[str]]()
    for what, *rest in events:
        if what == "subscribe":
            only = Pattern({"kind": [rest[1]]}) if rest[1] else None
            topic.subscribe(0, Subscription(name=rest[0], only=only))
            heard.setdefault(rest[0], [])
        elif what == "unsubscribe":
            topic.unsubscribe(0, rest[0])
        else:
            answer = topic.publish(0, rest[0], attributes={"kind": rest[1]})
            assert isinstance(answer, Published)
            for name in answer.to:
                heard[name].append(rest[0])
    return heard


def check_who_hears(function: Callable[..., Any]) -> Verdict:
    """Hold the function against sixty stories told to a topic."""
    for events in _stories():
        said, truth = function([tuple(event) for event in events]), _by_topic(events)
        if not isinstance(said, dict) or not all(isinstance(heard, list) for heard in said.values()):
            raise Misuse(f"it returned {brief(said)}; give a dict of names to lists of messages")
        if said != truth:
            return Verdict(passed=False, saw=_slip_of_hearing(events, said, truth))
    return Verdict(passed=True, saw=f"Right in {STORIES} stories, each told to a topic as well.")


def _slip_of_hearing(events: Sequence[Event], said: dict[str, list[str]], truth: dict[str, list[str]]) -> str:
    if said.keys() != truth.keys():
        missing = sorted(truth.keys() ^ said.keys())
        return f"Names differ: {', '.join(missing)}. Everyone who was ever subscribed is in it, with [] if need be."
    name = next(name for name in truth if said[name] != truth[name])
    told = f"{name} hears {truth[name]}, you said {said[name]}, in: {'; '.join(' '.join(one) for one in events)}."
    more = [message for message in said[name] if message not in truth[name]]
    if more:
        return f"{told} When {more[0]} was published {name} was not there, or wanted another kind."
    if sorted(said[name]) == sorted(truth[name]):
        return f"{told} In the order of publishing."
    return f"{told} Who comes back hears again; what was heard before is not unheard."


WHO_HEARS: Final = Exercise(
    lab=LAB,
    name="who_hears",
    title="Who hears what?",
    statement="""
Events, in order: `("subscribe", name, kind)`, where `kind` is what that name wants, or `""` for everything;
`("unsubscribe", name)`; `("publish", message, kind)`. A name may come back later and want something else.

Return a dict: for everyone who was ever subscribed the list of the messages heard, in order.""",
    skeleton="def who_hears(events):\n    ...",
    example=(
        '`who_hears([("publish", "m1", "film"), ("subscribe", "ann", "film"), ("publish", "m2", "film")])` '
        'is `{"ann": ["m2"]}`.'
    ),
    hints=(
        "What must be remembered between two events: who is there now, and what each of them wants.",
        "`for what, *rest in events:` and three branches. Keep what was heard apart from who is there.",
        "Whoever leaves is taken from who is there, and keeps what was heard.",
    ),
    check=check_who_hears,
    play=lambda function: [seats(), seats(archive="a day")],
    answer=who_hears,
)


# ------------------------------------------------------------------------------------------ (b) which outages
def survives(policy: DeliveryPolicy, outage_s: float) -> bool:
    """Return whether the last retry comes after the endpoint is back: the pauses, one after the other."""
    growing_s = []
    for step in range(policy.backoff):
        way = step / (policy.backoff - 1) if policy.backoff > 1 else 1
        growing_s.append(policy.shortest_s + way * (policy.longest_s - policy.shortest_s))
    pauses_s = policy.pre_backoff * policy.shortest_s + sum(growing_s) + policy.post_backoff * policy.longest_s
    return bool(pauses_s >= outage_s)


class _Case(NamedTuple):
    """A policy with a pause that grows evenly, and an outage."""

    policy: DeliveryPolicy
    outage_s: float

    def __str__(self) -> str:
        p = self.policy
        return (
            f"{p.immediate} at once, {p.pre_backoff} before, {p.backoff} growing, {p.post_backoff} after the backoff; "
            f"pauses from {p.shortest_s:g} to {p.longest_s:g} s; down for {self.outage_s:g} s"
        )


@lru_cache(maxsize=1)
def _outages() -> tuple[_Case, ...]:
    chance = stream(1502, "outages")
    cases = []
    for _ in range(60):
        shortest_s = 1 + int(chance() * 5)
        policy = DeliveryPolicy(
            int(chance() * 4), int(chance() * 4), int(chance() * 6), int(chance() * 5),
            float(shortest_s), float(shortest_s + int(chance() * 20)), "linear",
        )  # fmt: skip
        cases.append(_Case(policy, round(policy.lasts_s * (0.6 + 0.8 * chance()), 1)))
    return (*cases, _Case(DeliveryPolicy(3), 0.5), _Case(DeliveryPolicy(0, 2, 0, 0, 1.0, 1.0), 2.0))


def check_survives(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the attempts of a topic."""
    for case in _outages():
        said, truth = function(case.policy, case.outage_s), case.policy.survives(case.outage_s)
        if not isinstance(said, bool):
            raise Misuse(f"it returned {brief(said)}; give True or False")
        if said != truth:
            told = "it hears the message" if truth else "it does not"
            return Verdict(passed=False, saw=f"{case}: {told}. {_slip_of_pauses(case)}".strip())
    return Verdict(passed=True, saw=f"Right for {len(_outages())} policies and outages.")


def _slip_of_pauses(case: _Case) -> str:
    policy = case.policy
    if policy.retries * policy.longest_s >= case.outage_s > policy.lasts_s:
        return f"Not every pause is the longest: together they are {policy.lasts_s:g} s."
    if case.outage_s == policy.lasts_s:
        return "The last attempt comes just then, and finds it up."
    return f"The pauses add up to {policy.lasts_s:g} s; those retries at once have none."


def _chart_of_policies(function: Callable[..., Any]) -> charts.Chart:
    """Draw how long the reader's function lets each policy last, beside how long it does."""
    cases = {"to HTTP": POLICIES["http"], "5 growing": DeliveryPolicy(0, 0, 5, 0, 2.0, 10.0, "linear"),
             "3 at once, 2 after": DeliveryPolicy(3, 0, 0, 2, 1.0, 15.0, "linear")}  # fmt: skip
    return charts.bars(
        {name: policy.lasts_s for name, policy in cases.items()}, title="Which outages does a policy survive?",
        unit="seconds", predicted={name: _longest(function, policy) for name, policy in cases.items()},
    )  # fmt: skip


def _longest(function: Callable[..., Any], policy: DeliveryPolicy) -> float:
    """Return the longest outage, in whole seconds up to two minutes, that the function says is survived."""
    return float(max((s for s in range(121) if function(policy, float(s))), default=0))


SURVIVES: Final = Exercise(
    lab=LAB,
    name="survives",
    title="Which outage does a policy survive?",
    statement="""
A policy has `immediate`, `pre_backoff`, `backoff` and `post_backoff` retries, and the pauses `shortest_s` and
`longest_s`. Before an immediate retry there is no pause, before those of the pre-backoff the shortest, before those of
the post-backoff the longest; those of the backoff grow from the shortest to the longest in equal steps (a single one is
the longest). All attempts fail at once while the endpoint is down.

Return whether a message that comes just as the endpoint goes down for `outage_s` seconds is heard after all.""",
    skeleton="def survives(policy, outage_s):\n    ...",
    example="Three retries 20 s apart: an outage of 60 s is survived, one of 61 s is not.",
    hints=(
        "When does the last attempt come? That is the sum of all pauses.",
        "The growing ones: `shortest + k / (n - 1) * (longest - shortest)` for k = 0 … n - 1; beware of n = 1.",
        "`sum >= outage_s`: an attempt that comes just when it is back finds it up.",
    ),
    check=check_survives,
    play=lambda function: [outage(down_s=50.0), outage(down_s=90.0)],
    picture=_chart_of_policies,
    is_pure=True,
    answer=survives,
)

# ------------------------------------------------------------------------------------------ (c) five filters
Message = dict[str, Any]
RULES: Final[dict[str, tuple[str, Callable[[Message], bool]]]] = {
    "films": ("films and series", lambda m: m.get("kind") in ("film", "series")),
    "dear": ("what costs more than 10 and up to 50", lambda m: "price" in m and 10 < m["price"] <= 50),
    "not trailers": (
        "every kind but trailers; what has no kind is not wanted",
        lambda m: m.get("kind", "trailer") != "trailer",
    ),
    "free": ("what has no price at all", lambda m: "price" not in m),
    "nordic": (
        "films from a country whose code begins with N",
        lambda m: m.get("kind") == "film" and m["country"][0] == "N",
    ),
}
SEATS: Final = "\n".join(f"- `{name}`: {words}" for name, (words, _) in RULES.items())
MESSAGES: Final = 200


def policies() -> dict[str, dict[str, list[Any]]]:
    """Return a filter policy for each of the five rules."""
    return {
        "films": {"kind": ["film", "series"]},
        "dear": {"price": [{"numeric": [">", 10, "<=", 50]}]},
        "not trailers": {"kind": [{"anything-but": "trailer"}]},
        "free": {"price": [{"exists": False}]},
        "nordic": {"kind": ["film"], "country": [{"prefix": "N"}]},
    }


@lru_cache(maxsize=1)
def _messages() -> tuple[Message, ...]:
    chance = stream(1503, "messages")
    kinds, countries = ("film", "series", "trailer", "clip"), ("NO", "NL", "DE", "FI", "IN")
    told = []
    for _ in range(MESSAGES):
        message: Message = {"country": countries[int(chance() * 5)]}
        if chance() < 0.9:
            message["kind"] = kinds[int(chance() * 4)]
        if chance() < 0.7:
            message["price"] = int(chance() * 8) * 10
        told.append(message)
    return tuple(told)


def check_policies(function: Callable[..., Any]) -> Verdict:
    """Publish two hundred messages to five seats with the reader's filters."""
    said = function()
    if not isinstance(said, dict) or said.keys() != RULES.keys():
        raise Misuse(f"it returned {brief(said)}; give a dict with a policy for each of {', '.join(RULES)}")
    for name, (words, holds) in RULES.items():
        try:
            heard = Subscription(name=name, only=Pattern(said[name]))
        except BadParameter as error:
            return Verdict(passed=False, saw=f"{name}: {error}")
        wrong = [one for one in _messages() if heard.hears(one, "") != holds(one)]
        if wrong:
            does = "does not hear" if holds(wrong[0]) else "hears"
            saw = f"{name} ({words}) {does} {wrong[0]}, and {len(wrong) - 1} more of {MESSAGES} are wrong."
            return Verdict(passed=False, saw=saw)
    return Verdict(passed=True, saw=f"Five seats heard what they wanted of {MESSAGES} messages, and nothing else.")


def _chart_of_filters(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw how many messages each filter lets through, beside how many the rule wants."""
    wanted = {name: float(sum(holds(one) for one in _messages())) for name, (_, holds) in RULES.items()}
    try:
        heard = {name: Pattern(policy) for name, policy in function().items()}
    except (BadParameter, AttributeError):
        return None
    let_through = {name: float(sum(heard[name].matches(one) for one in _messages())) for name in wanted}
    return charts.bars(
        wanted, title="How many messages does each filter let through?", unit="messages", predicted=let_through
    )


FILTERS: Final = Exercise(
    lab=LAB,
    name="policies",
    title="Five filters",
    statement=f"""
Messages have the attribute `country` (a code such as `NO`), nearly all a `kind` (`film`, `series`, `trailer`, `clip`),
and most a `price`, a number.

Return a dict with a filter policy (a dict, as in experiment 5) for each of these seats:

{SEATS}""",
    skeleton="def policies():\n    return {}",
    example='`{"kind": ["clip"]}` would be the policy of a seat that hears clips.',
    hints=(
        "Fields that must all hold stand side by side; values of which one must hold stand in one list.",
        'An operator stands in the list as an object: `[{"numeric": [">", 10]}]`; `exists`, `anything-but`, `prefix`.',
        "`anything-but` wants a value; `exists` with false wants none.",
    ),
    check=check_policies,
    play=lambda function: (),
    picture=_chart_of_filters,
    answer=policies,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="A new video",
    statement="""
A sleeper uploads a video. Four teams care: *mail* tells the friends, *thumbnail* makes a picture, *billing* charges for
the gigabytes, *search* makes it findable.

Who gets a queue, who may be called directly, who may miss a message? What does the message say, who owns its shape, and
how does *search* hear of the videos of last year?""",
    model_answer=f"""
*billing* gets a queue with dead letters and an alarm on the age of its oldest message, and works idempotently by the
video's id: a charge that is lost or made twice is money. *thumbnail* gets a queue as well, not for safety but because
its work is long and comes in bursts; a queue lets it grow by the number of workers. *search* gets a queue, for its
cluster is down for an hour now and then. *mail* could be called directly: {POLICIES["people"].retries} tries over six
hours are the service's own, and a mail that comes a day late is worse than none.

One topic, one queue for *each*, never one queue for two: they would compete, and each would miss half. Filters at the
topic where a team wants one kind only, and an alarm on a seat that hears *nothing*: that is what a typo looks like.

The message is an *event*, what happened, with the id, the owner, the size, the kind and where the video lies (not the
video); who uploads owns its shape, adds fields and never changes one. It is not a command: the publisher does not know
who makes pictures.

Last year's videos were never on the topic for a team that comes today. Either the topic keeps an archive that can be
replayed (FIFO topics do, up to a year), or the team reads a list from the store that owns the videos, and takes what
the topic says from then on: first subscribe, then read the list, for the other order leaves a gap.""",
)

TASKS: Final = (WHO_HEARS, SURVIVES, FILTERS, DESIGN)
