"""Who sleeps, and who knows whom?

Person p joins on day `p // 20` and is, like every row of this world, a pure function of (seed, p). Two columns change
the meaning of others later on: on `move_day` the person moves from `city_id` to `moved_city_id` (the slowly changing
dimension), and the plan is more common among the older (the confounder: older people sleep less, `plus` sleeps more).
`chronotype` has no effect on any night: it is there for those who look for one.

Friends follow the copying model: each person who joins makes three ties to earlier people, half the time to one chosen
evenly, half the time to whoever stands at the other end of an earlier tie. The well-known become better known, and the
degrees grow a power-law tail: among 6,320 people the best known has 523 ties, the median 4.

Fraud is planted: in one group of four neighbours in 200 all four pay with the card of the first, nine rings among
6,320.

Promises
--------
1. Ties and referrals point to earlier people only, so any prefix of the people is whole.
2. Person 0 knows nobody when joining, and nobody referred them.

Cost: 16 words of luck a person.

Sources: Kumar et al., "Stochastic models for the web graph", FOCS 2000 (the copying model).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsys_lab.workloads.slumber.cities import CITY_WEIGHTS
from dsys_lab.workloads.slumber.luck import Columns, Ints, Stream, bell, luck, pick, uniform
from dsys_lab.workloads.slumber.records import record
from dsys_lab.workloads.slumber.size_law import JOINING_A_DAY

PLANS: Final = ("free", "plus")
CHRONOTYPES: Final = ("lark", "neither", "owl")
NOBODY: Final = -1
"""In `referred_by`, for those who came by themselves: four in ten, and person 0."""
FRIENDS_A_PERSON: Final = 3
PERSON: Final = record(
    "person_id:u4 joined:u2 name:S24 birth_date:i8 city_id:u1 move_day:u4 moved_city_id:u1 chronotype:u1 plan:u1 "
    "email:S40 card_id:u4 referred_by:i4"
)
FRIEND: Final = record("person_id:u4 tie:u1 friend_id:u4")
_COPY_DEPTH: Final = 40
_GIVEN: Final = (
    "Ada", "Bela", "Chidi", "Dora", "Emil", "Farah", "Goro", "Hana", "Ivo", "Jun", "Kofi", "Lena", "Mika", "Nadia",
    "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Uma", "Vera", "Wen", "Ximena", "Yara", "Zane",
)  # fmt: skip
_FAMILY: Final = (
    "Abe", "Berg", "Costa", "Diaz", "Eriksen", "Fischer", "Gupta", "Haddad", "Ito", "Jansen", "Kim", "Lopez", "Mbeki",
    "Novak", "Okafor", "Petrov", "Qureshi", "Rossi", "Silva", "Tanaka", "Usman", "Vogel", "Wang", "Xu", "Yilmaz",
    "Zhang",
)  # fmt: skip


class Sleepers(NamedTuple):
    """What a night asks of its sleeper: one entry a person."""

    birth_year: Ints
    birthday: Ints
    """Days after 1 January, 0 to 364."""
    city: Ints
    move_day: Ints
    moved_city: Ints
    usual_minutes: Ints
    """How much longer than others this person sleeps, without the plan's effect."""
    plus: Ints
    """1 for the plan `plus`."""


def sleepers(seed: int, at_least: int) -> Sleepers:
    """Return the first people, `at_least` so many."""
    return _sleepers(seed, 1 << max(at_least - 1, 0).bit_length())


@lru_cache(maxsize=4)
def _sleepers(seed: int, count: int) -> Sleepers:
    """Return the first `count` people; kept, for every block of nights asks for them again."""
    person = np.arange(count)
    birth_year = np.clip(bell(luck(seed, Stream.BIRTH_YEAR, person), 1980, 14), 1930, 2005)
    plus_percent = 10 + np.clip(2020 - birth_year - 20, 0, 60) // 2
    return Sleepers(
        birth_year=birth_year,
        birthday=uniform(luck(seed, Stream.BIRTHDAY, person), 365),
        city=pick(luck(seed, Stream.CITY, person), CITY_WEIGHTS),
        move_day=person // JOINING_A_DAY + uniform(luck(seed, Stream.MOVE_DAY, person), 2400) + 30,
        moved_city=pick(luck(seed, Stream.SECOND_CITY, person), CITY_WEIGHTS),
        usual_minutes=bell(luck(seed, Stream.USUAL_LENGTH, person), 0, 35),
        plus=(uniform(luck(seed, Stream.PLAN, person), 100) < plus_percent).astype(np.int64),
    )


def people_table(seed: int, first: int, last: int) -> Columns:
    """Return the people `first` to `last` - 1.

    Returns
    -------
    Columns
        `person_id`, `joined` (date_key), `name`, `birth_date`, `city_id`, `move_day` (date_key), `moved_city_id`,
        `chronotype` (into `CHRONOTYPES`), `plan` (into `PLANS`), `email`, `card_id`, `referred_by` (`NOBODY` or an
        earlier person).
    """
    person = np.arange(first, last)
    known = Sleepers(*(column[first:last] for column in sleepers(seed, last)))
    named = luck(seed, Stream.NAME, person)
    given, family = uniform(named, len(_GIVEN)), (named & np.uint64(0xFFFF)).astype(np.int64) % len(_FAMILY)
    names = [(_GIVEN[g], _FAMILY[f]) for g, f in zip(given, family, strict=True)]
    emails = [f"{g}.{f}.{p}@example.org".lower() for (g, f), p in zip(names, person, strict=True)]
    birth = (known.birth_year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + known.birthday
    return {
        "person_id": person.astype(np.uint32),
        "joined": (person // JOINING_A_DAY).astype(np.uint16),
        "name": np.array([f"{g} {f}" for g, f in names], dtype=object),
        "birth_date": birth.astype("datetime64[us]"),
        "city_id": known.city.astype(np.uint8),
        "move_day": known.move_day.astype(np.uint32),
        "moved_city_id": known.moved_city.astype(np.uint8),
        "chronotype": uniform(luck(seed, Stream.CHRONOTYPE, person), len(CHRONOTYPES)).astype(np.uint8),
        "plan": known.plus.astype(np.uint8),
        "email": np.array(emails, dtype=object),
        "card_id": card_of(seed, person).astype(np.uint32),
        "referred_by": referrer(seed, person).astype(np.int32),
    }


def card_of(seed: int, person: NDArray[Any]) -> Ints:
    """Return the card that each person pays with: their own number, or in a ring that of the first of four."""
    group = person // 4
    return np.where(uniform(luck(seed, Stream.SHARED_CARD, group), 200) == 0, group * 4, person)


def friend(seed: int, person: NDArray[Any], tie: NDArray[Any]) -> Ints:
    """Return whom each person befriended with tie number `tie` (0 to 2) on joining; 0 for person 0 too.

    A tie that copies asks for the tie that it copies, and so on: half of them end at each step, and one that has not
    ended after 40 steps ends at person 0.
    """
    asking, which = np.array(person, dtype=np.int64), np.array(tie, dtype=np.int64)
    found = np.zeros(asking.shape, np.int64)
    open_ties = np.arange(asking.size)
    for _ in range(_COPY_DEPTH):
        edge = asking * FRIENDS_A_PERSON + which
        target = uniform(luck(seed, Stream.FRIEND_OF, edge), np.maximum(asking, 1))
        copies = ((luck(seed, Stream.FRIEND_COPIES, edge) & np.uint64(1)) == 1) & (target > 0)
        found[open_ties[~copies]] = target[~copies]
        if not copies.any():
            break
        open_ties, asking = open_ties[copies], target[copies]
        which = uniform(luck(seed, Stream.FRIEND_WHICH, edge[copies]), FRIENDS_A_PERSON)
    return found


def friends_table(seed: int, first: int, last: int) -> Columns:
    """Return the ties that the people `first` to `last` - 1 made: `person_id`, `tie` (0 to 2), `friend_id`.

    A person may tie to the same friend twice; person 0 has no ties.
    """
    person = np.repeat(np.arange(max(first, 1), max(last, 1)), FRIENDS_A_PERSON)
    tie = np.tile(np.arange(FRIENDS_A_PERSON), person.size // FRIENDS_A_PERSON)
    return {
        "person_id": person.astype(np.uint32),
        "tie": tie.astype(np.uint8),
        "friend_id": friend(seed, person, tie).astype(np.uint32),
    }


def ties(seed: int, people: int) -> Ints:
    """Return who knows whom among the first `people`: a row of two for each tie, the later person first, each once."""
    table = friends_table(seed, 0, people)
    return np.unique(np.stack([table["person_id"], table["friend_id"]], axis=1).astype(np.int64), axis=0)


def rings(seed: int, people: int) -> list[tuple[int, ...]]:
    """Return the planted groups of people who pay with one card."""
    person = np.arange(people)
    cards = card_of(seed, person)
    shared, counts = np.unique(cards, return_counts=True)
    return [tuple(person[cards == card].tolist()) for card in shared[counts > 1].tolist()]


def referrer(seed: int, person: NDArray[Any]) -> Ints:
    """Return who brought each person: for six in ten their first friend, for the others `NOBODY`."""
    brought = (uniform(luck(seed, Stream.REFERRED, person), 10) < 6) & (person > 0)
    return np.where(brought, friend(seed, person, np.zeros(person.size, np.int64)), NOBODY)

