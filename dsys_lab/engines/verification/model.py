"""The model as a running shop: all on one disk, and time that passes when nothing else is left to do."""

from __future__ import annotations

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import (
    PATIENCE,
    Books,
    Desk,
    DeskStatus,
    Line,
    LogJournal,
    Saga,
    by_hand,
    work,
    world,
)
from dsys_lab.dataflows.verification.troubles import Plan
from dsys_lab.engines.verification.verbs import no_trouble
from dsys_lab.errors import Misuse
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk


class ModelShop:
    """See the Protocol `RunningShop`."""

    def __init__(self, pillows: int, *, trouble: Plan = no_trouble, patience: RetryPolicy = PATIENCE) -> None:
        self._disk = VolatileDisk()
        self._world = world(self._disk, pillows=pillows)
        self._patience = patience
        self._desk = self._opened()
        self.parties = self._world.parties
        self._lines = {name: Line(party, trouble) for name, party in self._world.parties.items()}
        self._now_us = 0
        self._skipped = set[str]()

    def _opened(self) -> Desk:
        return Desk("desk", LogJournal(PartOfDisk(self._disk, "desk.")), patience=self._patience)

    def promise(self, order: str) -> bool:
        """Write a promise down; say whether it is new."""
        before = len(self._world.promises.entries)
        self._world.promise(self._now_us, order)
        return len(self._world.promises.entries) > before

    def work(self, calls: int | None = None) -> int:
        """Let the desk work."""
        promises = self._world.promises.entries
        for number in range(self._desk.position, len(promises)):
            entry = promises[number]
            if entry.order not in self._skipped:
                self._desk.take_in(self._now_us, number, entry.order, entry.at_us)
        made = 0
        while (due_us := self._desk.deadline_us()) is not None and made != calls:
            self._now_us = max(self._now_us, due_us)
            made += work(self._desk, self._lines, self._now_us, calls_max=None if calls is None else calls - made)
        return made

    def crash(self) -> None:
        """Let the desk lose what it has in memory."""
        self._desk = self._opened()

    def by_hand(self, order: str) -> Saga:
        """Let a person do an act."""
        return by_hand(self._desk, self._world.parties, self._now_us, order)

    def skip(self, order: str) -> None:
        """Drop the next promise on its way to the desk."""
        promises = [entry.order for entry in self._world.promises.entries]
        waiting = [one for one in promises[self._desk.position :] if one not in self._skipped]
        if waiting[:1] != [order]:
            raise Misuse(f"{order} is not the next promise: skip the one that is")
        self._skipped.add(order)

    def status(self) -> DeskStatus:
        """Return the desk's counts."""
        return self._desk.status()

    def saga(self, order: str) -> Saga:
        """Return how far a promise has come."""
        return self._desk.saga(order)

    def books(self) -> Books:
        """Return what an auditor reads."""
        return self._world.books()

    def close(self) -> None:
        """Let go of nothing: it was memory."""
