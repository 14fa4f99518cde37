"""Collections of Slumber's profiles, filled, and the questions that this lab asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.stores.document_store import Collection
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import NO_TRACE, Recorder
from dsys_lab.workloads.slumber import Slumber

PLACE: Final = "profiles"
SAME: Final[dict[str, Any]] = {"devices": {"$elemMatch": {"kind": "ring", "fw": 3}}}
ANY_TWO: Final[dict[str, Any]] = {"devices.kind": "ring", "devices.fw": 3}
QUESTIONS: Final[dict[str, dict[str, Any]]] = {
    "lives in Oslo": {"city": "Oslo"},
    "sleeps under 400 minutes": {"sleep.minutes": {"$lt": 400}},
    "Oslo, under 425 minutes": {"city": "Oslo", "sleep.minutes": {"$lt": 425}},
    "has a ring": {"devices.kind": "ring"},
    "a ring, and some firmware 3": ANY_TWO,
    "a ring with firmware 3": SAME,
}
"""Questions of the pictures, by what they ask."""
INDEXES: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "city": ("city",),
    "city, minutes": ("city", "sleep.minutes"),
    "minutes, city": ("sleep.minutes", "city"),
    "kind of device": ("devices.kind",),
    "kind, firmware": ("devices.kind", "devices.fw"),
}
"""Indexes of the pictures, by what they are called there."""


@lru_cache(maxsize=8)
def _profiles(people: int, seed: int) -> tuple[dict[str, Any], ...]:
    nights = 10 * (people // 20 + 2) ** 2
    return tuple(Slumber(seed=seed, nights=nights).profiles(0, people))


def profiles_of(people: int, *, seed: int = 7) -> Sequence[dict[str, Any]]:
    """Return the profiles of the first `people` of Slumber."""
    require_positive(people=people)
    return _profiles(people, seed)


def collection_of(
    people: int, *indexes: tuple[str, ...], seed: int = 7, recorder: Recorder = NO_TRACE, place: str = PLACE
) -> Collection:
    """Return a collection of profiles with these indexes; the recorder is told of what comes after."""
    collection = Collection(VolatileDisk(), fsync=NEVER, place=place)
    for profile in profiles_of(people, seed=seed):
        collection.insert(profile)
    for paths in indexes:
        collection.create_index(*paths)
    collection.recorder = recorder
    return collection


def question_of(words: str) -> dict[str, Any]:
    """Return the filter of a question."""
    require_choice("question", words, tuple(QUESTIONS))
    return QUESTIONS[words]


def paths_of(words: str) -> tuple[str, ...]:
    """Return the paths of an index."""
    require_choice("index", words, tuple(INDEXES))
    return INDEXES[words]
