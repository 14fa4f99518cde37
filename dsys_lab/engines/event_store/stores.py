"""The three stores by their names, and two clients who are in a hurry at each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple

from dsys_lab.dataflows.event_sourcing import (
    NIGHT,
    TYPES,
    Conflict,
    EventLog,
    EventStore,
    EventTypes,
    Handler,
    Hold,
    Open,
)
from dsys_lab.errors import require_choice
from dsys_lab.structures.disk import VolatileDisk


@contextmanager
def _model() -> Iterator[EventStore]:
    yield EventLog(VolatileDisk())


@contextmanager
def _jetstream() -> Iterator[EventStore]:
    from dsys_lab.engines.nats.event_store import JetStreamEvents

    with JetStreamEvents() as store:
        yield store


@contextmanager
def _postgres() -> Iterator[EventStore]:
    from dsys_lab.engines.postgres.event_store import PostgresEvents

    with PostgresEvents() as store:
        yield store


STORES: Final[dict[str, Callable[[], AbstractContextManager[EventStore]]]] = {
    "model": _model,
    "jetstream": _jetstream,
    "postgres": _postgres,
}
"""How each is opened: `with opened(name) as store`."""


@contextmanager
def opened(name: str) -> Iterator[EventStore]:
    """Give an empty store of this name, and remove it afterwards."""
    require_choice("store", name, tuple(STORES))
    with STORES[name]() as store:
        yield store


class TooLate(NamedTuple):
    """What became of two clients who held beds of one night, each on the version that both had seen."""

    store: str
    first: str
    second: str
    version: int
    after_reading_on: str


def who_is_too_late(name: str) -> TooLate:
    """Let two clients decide on one version, at the store of this name, and the second read on and decide again."""
    with opened(name) as store:
        anna, ben = (Handler(store, EventTypes(TYPES), NIGHT) for _ in range(2))
        anna.handle("n1", Open(3))
        seen = anna.load("n1"), ben.load("n1")
        first = anna.decide_on("n1", seen[0], Hold(1, "anna"))
        second = ben.decide_on("n1", seen[1], Hold(2, "ben"))
        version = second.version
        ben.catch_up("n1", seen[1])
        again = ben.decide_on("n1", seen[1], Hold(2, "ben"))
    said = ["too late" if isinstance(one, Conflict) else f"version {one.version}" for one in (first, second, again)]
    return TooLate(name, said[0], said[1], version, said[2])
