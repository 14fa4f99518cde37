"""Stores of events: folds beside a plain loop, a checkpoint beside a replay, appends to our log and to two servers."""

from __future__ import annotations

from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.dataflows.event_sourcing import (
    NIGHT,
    Appended,
    Checkpoints,
    Event,
    EventLog,
    EventStore,
    Handler,
    Night,
    Written,
)
from dsys_lab.engines.event_store import opened
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.structures.disk import VolatileDisk

FACTS, APPENDS = 1_050, 100
_HELD: Final = Written("BedHeld", 1, b'{"bed":1,"guest":"g1"}')


def grown(facts: int = FACTS) -> Handler[Night]:
    """Return a house whose night has so many facts."""
    return filled(a_house(), facts, seed=7)


def decoded(house: Handler[Night]) -> list[Event]:
    """Return all facts of the night, read from their bytes."""
    return [house.types.read(one.written) for one in house.store.load("n1")]


def by_fold(events: list[Event]) -> float:
    """Fold events at hand, purely."""
    NIGHT.fold(events)
    return len(events)


def by_loop(events: list[Event]) -> float:
    """Do the same by a loop that changes one dictionary in place."""
    taken = dict[object, tuple[object, object]]()
    for event in events:
        says = event.says
        if event.kind == "BedHeld":
            taken[says["bed"]] = says["guest"], None
        elif event.kind == "BedBooked":
            taken[says["bed"]] = says["guest"], says["cents"]
        elif event.kind in {"BedReleased", "BookingCancelled"}:
            del taken[says["bed"]]
    return len(events)


def by_replay(house: Handler[Night]) -> float:
    """Load the night from its first fact: bytes are read, decoded, lifted and folded."""
    return house.load("n1").folded_events


def with_checkpoints(house: Handler[Night], every: int = 100) -> Handler[Night]:
    """Return a handler of the same log that has kept a checkpoint every so many facts."""
    copy = Handler(EventLog(VolatileDisk()), house.types, NIGHT, checkpoints=Checkpoints(VolatileDisk(), every=every))
    for one in house.store.load("n1"):
        copy.store.append("n1", [one.written], expected=one.version - 1)
        if one.version % every == 0:
            copy.load("n1")
    return copy


def append_to(store: EventStore, appends: int = APPENDS) -> float:
    """Append so many commits of one event, each on the version before."""
    version = len(store.load("bench"))
    for number in range(appends):
        answer = store.append("bench", [_HELD], expected=version + number)
        assert isinstance(answer, Appended)
    return appends


def folds() -> None:
    """Fold facts, and load a night."""
    house = grown()
    events, saved = decoded(house), with_checkpoints(house)
    compare("Facts folded, at hand", "facts", [
        Rival("evolve, a new state each time", lambda: by_fold(events)),
        Rival("a loop over one dictionary", lambda: by_loop(events)),
    ])  # fmt: skip
    compare(f"A night of {FACTS:,} facts loaded", "nights", [
        Rival("with a checkpoint every 100", lambda: bool(saved.load("n1"))),
        Rival("from the first fact", lambda: bool(house.load("n1"))),
    ])  # fmt: skip


def appends() -> None:
    """Append commits to the model's log and to two servers."""
    with opened("model") as model, opened("jetstream") as jetstream, opened("postgres") as postgres:
        compare("Events appended, each on the version before", "events", [
            Rival("our log, in memory", lambda: append_to(model)),
            Rival("JetStream, expected last sequence", lambda: append_to(jetstream)),
            Rival("PostgreSQL, unique (stream, version)", lambda: append_to(postgres)),
        ])  # fmt: skip
