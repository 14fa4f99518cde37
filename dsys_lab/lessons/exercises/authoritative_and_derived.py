"""Exercises of lab 03: what must be backed up, an average that follows, and the longest time to live."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab import laws
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.authoritative_and_derived import cached
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import Change
from dsys_lab.views import charts

LAB: Final = 3

# ------------------------------------------------------------------------------------------ (a) what must be backed up
Contents = tuple[int, ...]
Makers = Mapping[str, tuple[Callable[..., Contents], tuple[str, ...]]]


def back_up(copies: Mapping[str, Contents], makers: Makers) -> set[str]:
    """Return a smallest set of copies from which all others come back: drop each one that the rest can still make."""
    is_true = {
        name for name, (make, sources) in makers.items() if make(*map(copies.__getitem__, sources)) == copies[name]
    }
    kept = set(copies)
    for name in sorted(copies):
        have = kept - {name}
        for _ in copies:  # as many rounds as a chain of makers may be long
            have |= {other for other in is_true if have.issuperset(makers[other][1])}
        if have == set(copies):
            kept.remove(name)
    return kept


class _Systems(NamedTuple):
    """Copies, and what could make them."""

    copies: dict[str, Contents]
    makers: dict[str, tuple[Callable[..., Contents], tuple[str, ...]]]
    words: dict[str, str]


def _same(rows: Contents) -> Contents:
    return rows


def _total(rows: Contents) -> Contents:
    return (sum(rows),)


def _sorted(rows: Contents) -> Contents:
    return tuple(sorted(rows))


def _both(one: Contents, other: Contents) -> Contents:
    return (*one, *other)


WORDS: Final = {_same: "a replica", _total: "the total", _sorted: "an index, sorted", _both: "one behind the other"}


@lru_cache(maxsize=1)
def _systems() -> tuple[_Systems, ...]:
    return tuple(_drawn(stream(301, f"systems/{number}"), 3 + number // 6) for number in range(40))


def _drawn(luck: Callable[[], float], count: int) -> _Systems:
    copies: dict[str, Contents] = {"orders": _rows(luck), "nights": _rows(luck)}
    makers: dict[str, tuple[Callable[..., Contents], tuple[str, ...]]] = {}
    for number in range(count):
        name, known = f"copy {number + 1}", list(copies)
        make = (_same, _total, _sorted, _both)[int(luck() * 4)]
        sources = tuple(known[int(luck() * len(known))] for _ in range(2 if make is _both else 1))
        made = make(*(copies[source] for source in sources))
        chance = luck()
        copies[name] = (*made[:-1], made[-1] + 1) if chance < 0.25 else made  # somebody else wrote into it
        makers[name] = make, sources
        if make is _same and chance >= 0.25 and sources[0] not in makers:
            makers[sources[0]] = _same, (name,)  # and back: one of the two is enough
    return _Systems(copies, makers, {name: WORDS[make] for name, (make, _) in makers.items()})


def _rows(luck: Callable[[], float]) -> Contents:
    return tuple(int(luck() * 900) + 2 for _ in range(4))


def _made_from(have: set[str], systems: _Systems) -> set[str]:
    """Return what is there, and what comes back from it."""
    have = set(have)
    for _ in systems.copies:
        for name, (make, sources) in systems.makers.items():
            if name not in have and have.issuperset(sources):
                made = make(*(systems.copies[source] for source in sources))
                if made == systems.copies[name]:
                    have.add(name)
    return have


def check_back_up(function: Callable[..., Any]) -> Verdict:
    """Delete all that the reader does not keep, make it anew, and see what is missing, or kept in vain."""
    for systems in _systems():
        said = function(dict(systems.copies), dict(systems.makers))
        if not isinstance(said, set | frozenset) or not said <= systems.copies.keys():
            raise Misuse(f"it returned {brief(said)}; give a set of names out of {', '.join(systems.copies)}")
        missing = [name for name in systems.copies if name not in _made_from(set(said), systems)]
        if missing:
            return Verdict(passed=False, saw=_lost(missing[0], set(said), systems))
        for name in sorted(said):
            if name in _made_from(set(said) - {name}, systems):
                saw = f"{_told(systems)} You keep {_names(said)}; {name} comes back from the others to the last bit."
                return Verdict(passed=False, saw=saw)
    return Verdict(passed=True, saw=f"Nothing lost and nothing kept in vain, for {len(_systems())} sets of copies.")


def _lost(name: str, said: set[str], systems: _Systems) -> str:
    told = f"{_told(systems)} You keep {_names(said)}, and {name} is lost: "
    if name not in systems.makers:
        return f"{told}nothing makes it."
    make, sources = systems.makers[name]
    if make(*(systems.copies[source] for source in sources)) != systems.copies[name]:
        return f"{told}what its maker makes is not what stands in it. Run the maker, and compare."
    gone = next(source for source in sources if source not in _made_from(said, systems))
    return f"{told}it is made from {gone}, and that is not there either. Two that make each other need one of them."


def _names(said: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(said)) or "nothing"


def _told(systems: _Systems) -> str:
    made = [f"{name} ({systems.words[name]} of {' and '.join(of)})" for name, (_, of) in systems.makers.items()]
    return f"Of {', '.join(systems.copies)} these have makers: {'; '.join(made)}."


BACK_UP: Final = Exercise(
    lab=LAB,
    name="back_up",
    title="What must be backed up?",
    statement="""
`copies` says what stands in each copy: a name, and a tuple of numbers. `makers` says for some names what is *said* to
make them: a function, and the names of the copies that it is given, in order. Do not believe it: somebody may have
written into a copy by hand, and then it is not what its maker makes.

A copy comes back if its maker, given what is kept or came back before, returns exactly what stood in it. Return a set
of names: keep these, delete all others, and all come back. Keep nothing in vain: no name may come back from the
rest.""",
    skeleton="def back_up(copies, makers):\n    return set(copies)",
    example="With a table, its replica (each made from the other) and a total of the replica, one name is enough.",
    hints=(
        "Begin with all of them, and try to do without one after the other.",
        "What comes back from a set? Go round the makers until nothing new comes; compare what is made with `copies`.",
        "Two copies that make each other: whichever you drop first, the other one has to stay.",
    ),
    check=check_back_up,
    play=lambda function: (),
    is_pure=True,
    answer=back_up,
)

# ------------------------------------------------------------------------------------------ (b) an average that follows
Groups = dict[Any, tuple[Any, Any]]
CITIES: Final = ("Oslo", "Lima", "Cairo")


def adjust(groups: Groups, change: Change) -> Groups:
    """Return the groups after a change: the old row subtracted, the new one added, an empty group gone."""
    groups = dict(groups)
    for row, sign in ((change.before, -1), (change.after, 1)):
        if row is not None:
            minutes: Any = row["minutes"]
            count, total = groups.pop(row["city"], (0, 0))
            if count + sign:
                groups[row["city"]] = count + sign, total + sign * minutes
    return groups


@lru_cache(maxsize=1)
def _histories() -> tuple[tuple[Change, ...], ...]:
    return tuple(_history(stream(302, f"history/{number}"), 4 + number) for number in range(30))


def _history(luck: Callable[[], float], length: int) -> tuple[Change, ...]:
    rows: list[dict[str, Any]] = []
    told: list[Change] = []
    for _ in range(length):
        row: dict[str, Any] = {"city": CITIES[int(luck() * len(CITIES))], "minutes": 300 + int(luck() * 240)}
        act = luck()
        before = rows.pop(int(luck() * len(rows))) if rows and act < 0.6 else None
        after = None if before is not None and act < 0.3 else row
        if after is not None:
            rows.append(after)
        told.append(Change("nights", before, after))
    return tuple(told)


def _recomputed(rows: list[dict[str, Any]]) -> Groups:
    cities = dict.fromkeys(row["city"] for row in rows)
    of = {city: [row["minutes"] for row in rows if row["city"] == city] for city in cities}
    return {city: (len(minutes), sum(minutes)) for city, minutes in of.items()}


def check_adjust(function: Callable[..., Any]) -> Verdict:
    """Tell the function thirty histories, and hold the groups against all rows after every change."""
    for history in _histories():
        rows: list[dict[str, Any]] = []
        groups: Any = {}
        for change in history:
            if change.before is not None:
                rows.remove(dict(change.before))
            if change.after is not None:
                rows.append(dict(change.after))
            was, groups = groups, function(dict(groups), change)
            if not isinstance(groups, dict) or not all(map(_is_pair, groups.values())):
                raise Misuse(f"it returned {brief(groups)}; give a dict of cities to (count, sum), two numbers each")
            truth = _recomputed(rows)
            if groups != truth:
                return Verdict(passed=False, saw=_slip_of_adding(change, was, groups, truth))
    return Verdict(passed=True, saw=f"After each change what all rows say, in {len(_histories())} histories.")


def _is_pair(group: object) -> bool:
    return isinstance(group, tuple) and len(group) == 2


def _slip_of_adding(change: Change, was: Groups, said: Groups, truth: Groups) -> str:
    city = next(city for city in (*truth, *said) if said.get(city) != truth.get(city))
    told = f"{_of(change)}, with {was}: {city} is {truth.get(city, 'gone')}, you said {said.get(city, 'nothing')}."
    if city not in truth:
        return f"{told} A group without rows is no group."
    if change.before is not None and change.after is not None and change.before["city"] != change.after["city"]:
        return f"{told} The night moved: one group loses it, another gets it."
    if change.before is not None:
        return f"{told} What the row was has to be taken out."
    return f"{told} A city may be new."


def _of(change: Change) -> str:
    rows = [f"{dict(row)}" if row is not None else "nothing" for row in (change.before, change.after)]
    return f"{rows[0]} becomes {rows[1]}"


ADJUST: Final = Exercise(
    lab=LAB,
    name="adjust",
    title="An average that follows",
    statement="""
A view keeps `groups`: for each city `(count, sum)`, of which the average is the quotient. A `change` has `before` and
`after`: rows with `city` and `minutes`, or None where the night comes or goes.

Return the groups after the change. You have no table to look at. A city without nights is not among them.""",
    skeleton="def adjust(groups, change):\n    ...",
    example='`{"Oslo": (2, 860)}`, and a night of 430 is deleted in Oslo: `{"Oslo": (1, 430)}`.',
    hints=(
        "An average alone cannot be adjusted. A count and a sum can.",
        "Subtract what was, where it was; then add what is, where it is. Either may be missing.",
        "`groups.get(city, (0, 0))` for a city that is new; throw out what comes to a count of 0.",
    ),
    check=check_adjust,
    play=lambda function: (),
    is_pure=True,
    answer=adjust,
)


# ------------------------------------------------------------------------------------------ (c) the longest ttl
def longest_ttl(writes_a_second: float, stale_share: float) -> float:
    """Return the ttl at which the law says this share of stale hits: the law only grows, so halve the stretch."""
    low, high = 0.0, 1.0
    while 1 - (1 - math.exp(-writes_a_second * high)) / (writes_a_second * high) < stale_share:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        x = writes_a_second * middle
        if 1 - (1 - math.exp(-x)) / x < stale_share:
            low = middle
        else:
            high = middle
    return high


class _Wish(NamedTuple):
    """How often a row is written, and which share of the hits may be stale."""

    writes_a_second: float
    stale_share: float


@lru_cache(maxsize=1)
def _wishes() -> tuple[_Wish, ...]:
    luck = stream(303, "wishes")
    drawn = [_Wish(round(10 ** (3 * luck() - 2.5), 4), round(0.01 + 0.7 * luck(), 3)) for _ in range(30)]
    return (_Wish(0.02, 0.05), *drawn)


WITHIN: Final = 0.02


def check_longest_ttl(function: Callable[..., Any]) -> Verdict:
    """Hold the reader's ttl against the law, within 2 %."""
    for wish in _wishes():
        said = function(*wish)
        if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or said <= 0:
            raise Misuse(f"it returned {brief(said)}; give a number of seconds above 0")
        found = laws.stale_hit_share(wish.writes_a_second, said)
        low, high = (laws.stale_hit_share(wish.writes_a_second, said * way) for way in (1 - WITHIN, 1 + WITHIN))
        if not low <= wish.stale_share <= high:
            return Verdict(passed=False, saw=_slip_of_ttl(wish, float(said), found))
    return Verdict(passed=True, saw=f"Within 2 % of what the law asks, for {len(_wishes())} rows.")


def _slip_of_ttl(wish: _Wish, said: float, found: float) -> str:
    told = (
        f"{wish.writes_a_second:g} writes a second, at most {wish.stale_share:.1%} of the hits stale: with your "
        f"{said:.4g} s it is {found:.1%}."
    )
    w, share = wish
    if math.isclose(said, share / w, rel_tol=0.01):
        return f"{told} That is the ttl in which so many writes come; a hit comes half-way through it on average."
    if math.isclose(said, 2 * share / w, rel_tol=0.01):
        return f"{told} 2 s / w is right while both are small; then the curve bends."
    if math.isclose(said, -math.log(1 - share) / w, rel_tol=0.01):
        return f"{told} That is when an entry *at its end* is stale so often; hits come all along its life."
    return f"{told} {'Shorter' if found > share else 'Longer'}: the share grows with the ttl, so halve the stretch."


def _chart_of_ttls(function: Callable[..., Any]) -> charts.Chart:
    """Draw the reader's ttl for a few rows beside what the law asks."""
    wishes = {f"{wish.writes_a_second:g} a second, {wish.stale_share:.0%}": wish for wish in _wishes()[:6]}
    return charts.bars(
        {name: longest_ttl(*wish) for name, wish in wishes.items()}, title="How long may an entry live?",
        unit="seconds", predicted={name: float(function(*wish)) for name, wish in wishes.items()}, log=True,
    )  # fmt: skip


LONGEST_TTL: Final = Exercise(
    lab=LAB,
    name="longest_ttl",
    title="How long may it live?",
    statement="""
A row is written `writes_a_second` times a second, at random, and nobody tells the cache. Of the hits at most the share
`stale_share` may be stale, above 0 and below 1.

Return the longest time to live in seconds, to within 2 %. Experiment 2 has the law; it cannot be solved for the ttl by
hand.""",
    skeleton="def longest_ttl(writes_a_second, stale_share):\n    ...",
    example="`longest_ttl(0.02, 0.05)` is about 5.17.",
    hints=(
        "The share grows with the ttl, from 0 towards 1. So there is one ttl at which it is just right.",
        "Find a ttl that is too long by doubling; then halve the stretch between too short and too long.",
        "`1 - (1 - math.exp(-x)) / x` with `x = writes_a_second * ttl_s`; sixty halvings are plenty.",
    ),
    check=check_longest_ttl,
    play=lambda function: [cached(ttl_s=min(60.0, float(function(0.2, 0.1)))), cached(ttl_s=20.0)],
    picture=_chart_of_ttls,
    is_pure=True,
    answer=longest_ttl,
)

# ------------------------------------------------------------------------------------------ a design of your own
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Likes, on three surfaces",
    statement="""
Sleepers *like* each other's nights. The number of likes stands under the night itself, on a board of the week's best,
and in a mail that is sent once a day. A like can be taken back.

What is authoritative? What may lag on each surface, and by how much? Who keeps the numbers up, and how is it found out
that one of them is wrong?""",
    model_answer="""
Authoritative is the *set* of likes: who likes which night, a row each, with a key of both, so that a second tap
changes nothing. Every number is derived: delete it, count again.

Under the night one wants to see one's *own* tap at once. The others' may lag for some seconds, and nobody knows. So
the number comes from a cache with a short ttl, and the page adds what this reader has just done; or it reads at the
position of the own write. A night that suddenly everybody looks at needs a single flight.

The board is a sum by nights over the log of likes: +1 and -1, each change once, in order, with the position kept beside
the sums. A minute of lag is nothing. The *best* are an extreme: when a like is taken back from the tenth, the eleventh
must be known, so keep all sums, in order, and not only ten.

The mail is a batch: count the set at six in the morning. It is the rebuild that the others are held against.

How is drift found? Each night digests of the counted set and of the sums by ranges of nights, compared as a tree;
ranges that differ are counted again, and their number is a graph with an alarm, for a drift that is healed silently
comes back. A sum that a bug broke is healed by a rebuild; likes that a bug *wrote* are not, and stand in the digests as
the truth.""",
)

TASKS: Final = (BACK_UP, ADJUST, LONGEST_TTL, DESIGN)
