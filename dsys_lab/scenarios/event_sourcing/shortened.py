"""A log that lets its oldest records go: what does a load make of what is left?"""

from __future__ import annotations

from typing import NamedTuple

from dsys_lab.dataflows.event_sourcing import NIGHT, TYPES, Appended, EventStore, EventTypes, Handler
from dsys_lab.errors import Refused, require_positive
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.scenarios.scenario import DEFAULT_SEED


class LoadedFrom(NamedTuple):
    """What a load came to, in a word, and what it said."""

    verdict: str
    words: str


def loaded_from(store: EventStore, *, commits: int, seed: int = DEFAULT_SEED) -> LoadedFrom:
    """Append a night of so many commits of one event to an empty store, and load it."""
    require_positive(commits=commits)
    true = filled(a_house(), commits, seed=seed)
    for one in true.store.load("n1"):
        answer = store.append("n1", [one.written], expected=one.version - 1)
        assert isinstance(answer, Appended)
    try:
        state = Handler(store, EventTypes(TYPES), NIGHT).load("n1").state
    except Refused as no:
        return LoadedFrom("it refuses", str(no))
    is_right = state == true.load("n1").state
    return LoadedFrom("the right state" if is_right else "a wrong state", f"{state.free} beds are free")
