"""Exercises of lab 26: name a pattern by its trace, the fewest that do, eighteen costs to predict, what stores lose."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.breaker import BREAKER
from dsys_lab.lessons.exercises.pattern_costs import PRICE
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.patterns.cards import PATTERNS
from dsys_lab.scenarios.patterns.six_stores import STORES, all_asked
from dsys_lab.scenarios.patterns.smallest import AT_HAND, IN_TIME_S, TRIES, WISHES, against, smallest
from dsys_lab.scenarios.patterns.smallest import run as run_with
from dsys_lab.scenarios.patterns.three_questions import LITTLE, MANY_CALLS, QUESTIONS, WORDS, Cost
from dsys_lab.trace import Trace
from dsys_lab.views import charts

LAB: Final = 26

# ------------------------------------------------------------------------------------------ (a) name it
TOLD_BY_TRACE: Final = (
    "Queue-Based Load Leveling", "Throttling", "Publisher/Subscriber", "Anti-Corruption Layer",
    "External Configuration Store", "Retry", "Idempotent Consumer", "Heartbeat", "Leader Election", "Cache-Aside",
)  # fmt: skip
HIDDEN_SEED: Final = 2601


def name_it(without: Mapping[str, int], with_it: Mapping[str, int]) -> str:
    """Name a pattern by the rows of two runs: what is there with it and was not without."""

    def more(kind: str) -> int:
        return with_it.get(kind, 0) - without.get(kind, 0)

    appears = {
        "hit": "Cache-Aside", "transform": "Anti-Corruption Layer", "detect": "Heartbeat", "lease": "Leader Election",
        "look": "External Configuration Store", "fan_out": "Publisher/Subscriber",
    }  # fmt: skip
    for kind, name in appears.items():
        if more(kind) > 0:
            return name
    if more("reject"):
        return "Throttling" if more("reject") > 0 else "Queue-Based Load Leveling"
    return "Retry" if more("publish_fail") < 0 else "Idempotent Consumer"


@lru_cache(maxsize=1)
def _pairs() -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    told = {}
    asked = random.Random(HIDDEN_SEED).sample(TOLD_BY_TRACE, len(TOLD_BY_TRACE))  # in another order than they are told
    for seed, name in enumerate(asked, HIDDEN_SEED):
        bare, clad = (dict(Counter(row.kind for row in trace)) for trace in PATTERNS[name].runs(seed=seed))
        told[name] = bare, clad
    return told


def check_name_it(function: Callable[..., Any]) -> Verdict:
    """Give the function the rows of ten pairs of runs."""
    for name, (bare, clad) in _pairs().items():
        said = function(dict(bare), dict(clad))
        if said not in TOLD_BY_TRACE:
            raise Misuse(f"it returned {brief(said)}; give one of {', '.join(TOLD_BY_TRACE)}")
        if said != name:
            return Verdict(passed=False, saw=f"A pair that is {name} was called {said}. {_differ(bare, clad)}")
    return Verdict(passed=True, saw=f"All {len(TOLD_BY_TRACE)} pairs have their names, under seeds not seen before.")


def _differ(bare: Mapping[str, int], clad: Mapping[str, int]) -> str:
    """Say in which kinds two runs differ most."""
    kinds = sorted({*bare, *clad}, key=lambda kind: (-abs(clad.get(kind, 0) - bare.get(kind, 0)), kind))
    most = [f"{kind} {bare.get(kind, 0)} -> {clad.get(kind, 0)}" for kind in kinds[:4]]
    return f"Its rows differ most in {', '.join(most)}."


def _played_pair(function: Callable[..., Any]) -> Sequence[Trace]:
    """Play the pair that the function names first wrongly; if none, the first."""
    wrong = [name for name, pair in _pairs().items() if function(*map(dict, pair)) != name]
    return PATTERNS[(wrong or TOLD_BY_TRACE)[0]].runs()


NAME_IT: Final = Exercise(
    lab=LAB,
    name="name_it",
    title="Which pattern is it?",
    statement=f"""
Two runs under the same luck, one without a pattern and one with it. You are given how many rows of each kind they
have: two dictionaries, kind -> number (a kind that a run does not have is not in it).

Return the name of the pattern. It is one of {"; ".join(TOLD_BY_TRACE)}.""",
    skeleton="def name_it(without, with_it):\n    ...",
    example='`name_it({"reject": 188, "finish": 476}, {"finish": 664})` is "Queue-Based Load Leveling".',
    hints=(
        ("For most of them a kind of row appears that was not there: *hit*, *transform*, *detect*, *lease*, *look*, "
        "*fan_out*."),
        "Two of them differ in *reject* only, one way and the other. And *publish_fail* says that an attempt failed.",
        ("Look for the rare kinds first: a run with *detect* also has more of *fan_out*. What is left at the end is "
        "the Idempotent Consumer."),
    ),
    check=check_name_it,
    play=_played_pair,
    answer=name_it,
    is_pure=True,
)


# ------------------------------------------------------------------------------------------ (b) the fewest that do
LUCKS: Final = (2611, 2612, 2613, 2614)
"""The seeds under which sets of patterns are tried."""
WISHED: Final = tuple(names for size in (1, 2, 3) for names in combinations(WISHES, size))


def fewest(wishes: Collection[str]) -> set[str]:
    """Return the smallest set of patterns that does what is wished."""
    if "in time" not in wishes:
        return set()  # what is given to nobody again is not done twice, and pesters nobody
    names = {"Competing Consumers", "Lease"}
    if "once" in wishes:
        names.add("Idempotent Consumer")
    if "in peace" in wishes:
        names.add("Dead Letter Channel")
    return names


def check_fewest(function: Callable[..., Any]) -> Verdict:
    """Run what the function chose for each set of wishes, and search whether fewer would do."""
    for wishes in WISHED:
        said = function(frozenset(wishes))
        if not isinstance(said, Collection) or isinstance(said, str) or not set(said) <= set(AT_HAND):
            raise Misuse(f"it returned {brief(said)}; give a set of {', '.join(AT_HAND)}")
        missed = against(said, wishes, seeds=LUCKS)
        if missed:
            wish, count = next(iter(missed.items()))
            saw = f"Wished: {_listed(wishes)}. You chose {_listed(said)}, and {COUNTED[wish].format(count)}."
            return Verdict(passed=False, saw=saw)
        fewest_that_do = smallest(wishes, seeds=LUCKS)
        if fewest_that_do is not None and len(set(said)) > len(fewest_that_do):
            saw = f"Wished: {_listed(wishes)}. You chose {_listed(said)}, which does it; a set of fewer does it, too."
            return Verdict(passed=False, saw=saw)
    return Verdict(passed=True, saw=f"For all {len(WISHED)} sets of wishes, and none of the 16 sets has fewer.")


def _listed(names: Collection[str]) -> str:
    return ", ".join(name for name in (*WISHES, *AT_HAND) if name in names) or "none of them"


def _played_sets(function: Callable[..., Any]) -> Sequence[Trace]:
    """Play what the function chose for all wishes, beside a run without any pattern."""
    return run_with([], seed=LUCKS[0]), run_with(function(frozenset(WISHES)), seed=LUCKS[0])


COUNTED: Final = {
    "in time": "{} clips were late or never done",
    "once": "{} clips were done more than once",
    "in peace": "{} clips were given out again and again",
}
FEWEST: Final = Exercise(
    lab=LAB,
    name="fewest",
    title="The fewest patterns that do",
    statement=f"""
One encoder takes clips from a queue, and twice as many come as it can do. In the middle of a clip it dies, for good.
A clip that was given out comes back only after ten minutes. One clip in twenty can be encoded by nobody.

At hand are four patterns: **Competing Consumers** (four encoders; the others live), **Lease** (a clip that nobody has
finished after 5 s is given to another), **Idempotent Consumer** (who does a clip looks whether it was done), **Dead
Letter Channel** (what was given out {TRIES} times is set aside). And three wishes: *in time* (each clip that can be
encoded is done {IN_TIME_S:g} s after it came, or before), *once* (none is done twice), *in peace* (none is given out
more than {TRIES} times).

`fewest(wishes)` is given a set of wishes. Return the smallest set of patterns that fulfils them. It is run, and held
against all 16 sets.""",
    skeleton="def fewest(wishes):\n    ...",
    example='`fewest({"in time"})` may return {"Competing Consumers", ...}.',
    hints=(
        "What happens to the clip that the dead encoder has in its hands, with each of the four, and without any?",
        "Which of the patterns *makes* what another one is there to heal?",
        "Whoever does not wish for *in time* may let clips lie. How often is a clip given out then, and done?",
    ),
    check=check_fewest,
    play=_played_sets,
    answer=fewest,
)

# ------------------------------------------------------------------------------------------ (c) decide
NEEDED: Final = 15
_TABLE: Final = {
    "Q1": dict.fromkeys(STORES, "a little") | {"column store": "a part"},
    "Q2": dict.fromkeys(STORES, "nearly all") | {"column store": "a part", "object store": "call by call"},
    "Q3": dict.fromkeys(STORES, "a little")
    | {"object store": "call by call", "key-value": "call by call", "column store": "nearly all"},
}


def decide(question: str, store: str) -> str:
    """Say what an answer takes, before it is asked."""
    return _TABLE[question][store]


@lru_cache(maxsize=1)
def _counted() -> dict[str, dict[str, Cost]]:
    return all_asked()


def check_decide(function: Callable[..., Any]) -> Verdict:
    """Hold eighteen predictions against what is counted in the six stores."""
    wrong = []
    for question, stores in _counted().items():
        for store, cost in stores.items():
            said = function(question, store)
            if said not in WORDS:
                raise Misuse(f"decide({question!r}, {store!r}) returned {brief(said)}; give one of {', '.join(WORDS)}")
            if said != cost.word:
                wrong.append(f"{question} to the {store}: you said *{said}*, and it is {_told(cost)}")
    right = len(QUESTIONS) * len(STORES) - len(wrong)
    saw = f"{right} of {len(QUESTIONS) * len(STORES)} as counted."
    if wrong:
        saw += f" The first that is not: {wrong[0]}."
    return Verdict(passed=right >= NEEDED, saw=saw)


def _told(cost: Cost) -> str:
    return f"*{cost.word}*: {cost.calls} calls, {cost.share:.0%} of what concerns it looked at"


def _shares(function: Callable[..., Any]) -> charts.Chart | None:
    """Draw which share each store looks at, for the question over all; not before the eighteen are said."""
    if not check_decide(function).passed:
        return None
    shares = {store: 100 * cost.share for store, cost in _counted()["Q2"].items()}
    return charts.bars(shares, title=f"Looked at for Q2, {QUESTIONS['Q2']}", unit="%")


DECIDE: Final = Exercise(
    lab=LAB,
    name="decide",
    title="Eighteen costs, before they are counted",
    statement=f"""
The same data lie in six stores: {", ".join(STORES)}. An object and a document hold a sleeper with all nights,
friends and purchases; rows have an index by sleeper; items lie under their sleeper's key; the columns are sorted by
day; the graph has an edge for each night, friendship and purchase. Three questions: {"; ".join(f"**{q}** {words}" for
q, words in QUESTIONS.items())}.

`decide(question, store)` returns what the answer takes: *a little* (up to a tenth of what concerns the question is
looked at), *a part* (up to half), *nearly all*, or *call by call* (a client must ask ten times or more, one after the
other). At least {NEEDED} of 18 must be as they are counted.""",
    skeleton="def decide(question, store):\n    ...",
    example='`decide("Q1", "key-value")` is "a little": the last item under one key.',
    hints=(
        "Which store has an order in which the answer lies together? Who has no such order looks at all.",
        ("A column store reads a few columns of all rows: that is good for Q2, and a waste for Q1. An object store "
        "gives whole objects, one a call."),
        ("Friends of friends: only who can follow an edge by itself (a join over an index, a graph, or `$in` for many "
        "at once) does it in few calls."),
    ),
    check=check_decide,
    play=lambda _: (),
    picture=_shares,
    answer=decide,
    is_pure=True,
)


# ------------------------------------------------------------------------------------------ (d) what each loses
COUNTERS: Final = ("calls", "share")
FAR: Final = 2.0
"""How many times as much as the best store makes a loss, if it is not little in itself."""


def loses() -> dict[str, tuple[str, str]]:
    """Return for each store a question that it loses, and the counter that shows it."""
    return {
        "object store": ("Q2", "calls"), "relational": ("Q2", "share"), "key-value": ("Q3", "calls"),
        "document": ("Q2", "share"), "column store": ("Q1", "share"), "graph": ("Q2", "share"),
    }  # fmt: skip


def check_loses(function: Callable[..., Any]) -> Verdict:
    """Look up what each store takes for the question that it is said to lose, and what the best one takes."""
    said = function()
    if not isinstance(said, Mapping) or set(said) != set(STORES):
        raise Misuse(f"it returned {brief(said)}; give a dictionary with {', '.join(STORES)}")
    for store, pair in said.items():
        if not (isinstance(pair, tuple) and len(pair) == 2 and pair[0] in QUESTIONS and pair[1] in COUNTERS):
            raise Misuse(f"{store}: {brief(pair)}; give (question, counter), such as ('Q1', 'calls')")
        question, counter = pair
        took = {one: getattr(cost, counter) for one, cost in _counted()[question].items()}
        best = min(took, key=lambda one: took[one])
        little = took[store] < MANY_CALLS if counter == "calls" else took[store] <= LITTLE
        if little or took[store] < FAR * took[best]:
            return Verdict(
                passed=False,
                saw=f"{store}, {question}, {counter}: it takes {took[store]:.3g}, and the best, the {best}, "
                f"{took[best]:.3g}. {'That is little.' if little else f'That is no loss of {FAR:g} times or more.'}",
            )
    return Verdict(passed=True, saw="Each of the six loses what you say it does, by that counter.")


LOSES: Final = Exercise(
    lab=LAB,
    name="loses",
    title="What does each store lose?",
    statement=f"""
No store is best at everything. For each of the six return a question that it loses, and the counter that shows it:
*calls* (how often it is asked), or *share* (how much of what concerns the question it looks at). It loses if that is
not little (under {MANY_CALLS} calls, or up to a tenth), and {FAR:g} times as much as the best store takes, or more.""",
    skeleton="def loses():\n    return {}",
    example='`{"object store": ("Q3", "calls"), ...}`: it is asked once for every friend of a friend.',
    hints=(
        "Begin with the question over all nights: which stores look at everything, and which does not have to?",
        "The column store does well there. What does it read for a single night?",
        "The key-value table answers Q1 with one item, and cannot follow an edge by itself.",
    ),
    check=check_loses,
    play=lambda _: (),
    picture=lambda _: charts.bars(
        {store: cost.calls for store, cost in _counted()["Q3"].items()}, title="Calls for Q3", unit="calls"
    ),
    answer=loses,
    is_pure=True,
)

# ------------------------------------------------------------------------------------------ think
YOURS: Final = OpenQuestion(
    lab=LAB,
    name="yours",
    title="One page of your own architecture",
    statement="""
Take one page of your own: a click and what it sets going. Which patterns are in it, which of them by intention? For
each, name the counter that would be worse without it, and the one that is worse because of it. Which of them would
you take out again, and what would you measure first?""",
    model_answer="""
There is no answer to copy, but a form. For each arrow: *who waits, who keeps, who notices.* Who waits tells of
queues, throttles and breakers; who keeps, of outboxes, caches, views and logs; who notices, of monitors, supervisors
and auditors.

A pattern earns its place by two numbers of your own, not of this page: what goes wrong a day without it, and what it
costs a day. A retry without a limit, a cache without an answer to *how old*, a queue without an age that somebody
looks at and a breaker that nobody sees open are patterns by name only. What cannot name its counter is taken out
first.""",
)

TASKS: Final = (NAME_IT, PRICE, BREAKER, FEWEST, DECIDE, LOSES, YOURS)
