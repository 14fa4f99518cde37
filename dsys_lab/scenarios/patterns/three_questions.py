"""Three questions to a company's data, and what an answer costs.

The same nights, friendships and purchases lie in six stores (`six_stores`). Of each answer two things are counted:
*calls*, what a client asks one after the other, and the *share* of what concerns the question that was looked at. That
gives one of four words for each: many calls are "call by call", however little each looks at; else it is "a little", "a
part", or "nearly all".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.workloads.slumber import Slumber, ties
from dsys_lab.workloads.slumber.nights import minutes

SEED: Final = 7
NIGHTS: Final = 2_000
WHO: Final = 217
PRODUCT: Final = 3
QUESTIONS: Final = {
    "Q1": f"the last night of sleeper {WHO}",
    "Q2": "the mean sleep by city, weekdays and weekends",
    "Q3": f"friends of friends of {WHO} who bought product {PRODUCT}",
}
WORDS: Final = ("a little", "a part", "nearly all", "call by call")
LITTLE, PART, MANY_CALLS = 0.1, 0.5, 10
"""Up to which share it is a little, up to which a part; from how many calls it is call by call."""


class Night(NamedTuple):
    """A night of one sleeper."""

    person: int
    day: int
    city: int
    weekend: int
    minutes: int
    bed: int
    woke: int
    pulse: int


@dataclass(frozen=True, slots=True)
class World:
    """What all six stores are given.

    Attributes
    ----------
    nights : list of Night
    friends : dict
        Sleeper -> those whom they know.
    bought : dict
        Sleeper -> products.
    """

    nights: list[Night]
    friends: dict[int, list[int]]
    bought: dict[int, list[int]]

    def sleepers(self) -> list[dict[str, Any]]:
        """Return a document a sleeper, with all that is theirs inside."""
        nights = defaultdict(list)
        for night in self.nights:
            nights[night.person].append(night._asdict())
        return [
            {"_id": who, "nights": nights[who], "friends": self.friends[who], "bought": self.bought[who]}
            for who in self.friends
        ]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer took.

    Attributes
    ----------
    answer : object
        The same from every store.
    calls : int
    share : float
        Of what concerns the question, how much was looked at.
    """

    answer: Any
    calls: int
    share: float

    @property
    def word(self) -> str:
        """One of `WORDS`."""
        if self.calls >= MANY_CALLS:
            return "call by call"
        return "a little" if self.share <= LITTLE else "a part" if self.share <= PART else "nearly all"


@lru_cache(maxsize=1)
def world() -> World:
    """Return Slumber's first nights and everybody in them."""
    slumber = Slumber(seed=SEED, nights=NIGHTS)
    night, people = slumber.read("night"), len(slumber.read("person")["person_id"])
    slept = minutes(night).filled(0).tolist()
    columns = (night[name].tolist() for name in ("person_id", "date_key", "city_id", "bed_min", "awakenings", "avg_hr"))
    nights = [
        Night(who, day, city, int(day % 7 > 4), long, bed, woke, pulse)
        for who, day, city, bed, woke, pulse, long in zip(*columns, slept, strict=True)
    ]
    friends: dict[int, set[int]] = {who: set() for who in range(people)}
    for one, other in ties(SEED, people).tolist():
        friends[one].add(other)
        friends[other].add(one)
    orders, lines = slumber.read("orders"), slumber.read("order_line")
    buyer = dict(zip(orders["order_id"].tolist(), orders["person_id"].tolist(), strict=True))
    bought: dict[int, set[int]] = {who: set() for who in range(people)}
    for order, product in zip(lines["order_id"].tolist(), lines["product_id"].tolist(), strict=True):
        bought[buyer[order]].add(product)
    return World(nights, *({who: sorted(those) for who, those in each.items()} for each in (friends, bought)))


def pairs(of: Mapping[int, Iterable[int]]) -> list[tuple[int, int]]:
    """Return each sleeper with each of those whom they know, or of what they bought."""
    return [(who, other) for who, those in of.items() for other in those]


def mean_by_city(rows: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, float]]:
    """Return (city, weekend, mean) of rows of city, weekend and minutes."""
    found = defaultdict(list)
    for city, weekend, long in rows:
        found[city, weekend].append(long)
    return sorted((*key, round(sum(all_) / len(all_), 6)) for key, all_ in found.items())
