"""The power goes before each step of a night: what was acknowledged is there, what was not wholly or not at all."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random

import pytest

from dsys_lab.dataflows.event_sourcing import (
    NIGHT,
    TYPES,
    Book,
    Cancel,
    Checkpoints,
    Done,
    EventLog,
    EventSource,
    EventTypes,
    Handler,
    Hold,
    KeyRing,
    Open,
    Postman,
    Takings,
    projection,
)
from dsys_lab.errors import Refused
from dsys_lab.stores.relational import Change
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk

ORDERS = [
    Open(3), Hold(1, "g1"), Book(1, "g1", "Ada", "Byron", 9_000), Hold(2, "g2"), Cancel(1, "g1"),
    Book(2, "g2", "Ben", "Ode", 8_000), Hold(1, "g3"), Book(1, "g3", "Cleo", "Fox", 7_000),
]  # fmt: skip
KEEPS = [1.0, 0.0, 0.49]
"""What a crash keeps of what was not synced: nothing, everything, or as chance has it."""


class House:
    """Everything on one disk: the log, checkpoints, a view, a postman; letters are out in the world."""

    def __init__(self, disk: VolatileDisk, letters: Counter[str]) -> None:
        log = EventLog(PartOfDisk(disk, "log."), segment_bytes=600)
        types = EventTypes(TYPES)
        checkpoints = Checkpoints(PartOfDisk(disk, "saved."), every=3)
        self.handler = Handler(log, types, NIGHT, checkpoints=checkpoints)
        self.view = projection(PartOfDisk(disk, "view."), Takings, log, types)
        self.postman = Postman(PartOfDisk(disk, "postman."), EventSource(log, types), wants=is_booking,
                               carry_out=lambda key, _: letters.update([key]))  # fmt: skip

    def work(self, acknowledged: list[int], done: int = 0) -> None:
        for number in range(done, len(ORDERS)):
            answer = self.handler.handle("n1", ORDERS[number], command_id=f"c{number}")
            assert isinstance(answer, Done)
            acknowledged.append(answer.version)
            self.view.follow()
            self.postman.work()


def is_booking(change: Change) -> bool:
    return change.table == "BedBooked"


def steps_of_all() -> int:
    disk = VolatileDisk()
    House(disk, Counter()).work([])
    return disk.steps


@pytest.mark.parametrize("chance", KEEPS)
def test_wherever_the_power_goes_nothing_acknowledged_is_lost_and_all_goes_on(chance: float):
    whole = House(VolatileDisk(), letters_at_once := Counter[str]())
    whole.work([])
    luck = Random(7)
    for step in range(steps_of_all() + 1):
        disk, letters, acknowledged = VolatileDisk(power_cut_before=step), Counter[str](), list[int]()
        with suppress(PowerCut):
            House(disk, letters).work(acknowledged)
        disk.crash(lambda: luck.random() if chance == 0.49 else chance)
        house = House(disk, letters)
        folded = house.handler.load("n1")
        assert len(acknowledged) <= folded.version <= len(acknowledged) + 1, step
        assert [one.version for one in house.handler.store.load("n1")] == list(range(1, folded.version + 1))
        house.work([], done=len(acknowledged))  # the first of these may be there already: same id
        house.view.follow()
        house.postman.work()
        assert house.handler.load("n1").state == whole.handler.load("n1").state, step
        assert house.view.view.cents == whole.view.view.cents, step
        assert set(letters) == set(letters_at_once), step
        assert letters.total() <= len(letters) + 1, "one at most went again, by its key"


def test_a_checkpoint_that_a_crash_took_costs_nothing_but_time():
    disk = VolatileDisk()
    House(disk, Counter()).work([])
    disk.crash(lambda: 1.0)  # checkpoints are never synced by themselves: whatever was not is gone
    folded = House(disk, Counter()).handler.load("n1")
    assert folded.version == len(ORDERS)
    assert NIGHT.fold([]) != folded.state


@pytest.mark.parametrize("chance", KEEPS)
def test_a_key_that_was_thrown_away_never_comes_back(chance: float):
    luck = Random(7)

    def run(disk: VolatileDisk, sealed: dict[str, str], forgotten: list[str]) -> None:
        ring = KeyRing(disk, Random(1).randbytes)
        for guest in ("g1", "g2", "g3"):
            sealed[guest] = ring.seal(guest, "first", "Ada")
            if guest != "g3":
                ring.forget(guest)
                forgotten.append(guest)

    counted = VolatileDisk()
    run(counted, {}, [])
    for step in range(counted.steps + 1):
        disk, sealed, forgotten = VolatileDisk(power_cut_before=step), dict[str, str](), list[str]()
        with suppress(PowerCut):
            run(disk, sealed, forgotten)
        disk.crash(lambda: luck.random() if chance == 0.49 else chance)
        ring = KeyRing(disk, Random(2).randbytes)
        for guest, text in sealed.items():
            opened = ring.open(guest, "first", text)
            assert opened == "(forgotten)" if guest in forgotten else opened in ("Ada", "(forgotten)"), (step, guest)
        for guest in forgotten:
            with pytest.raises(Refused, match="was forgotten"):
                ring.seal(guest, "first", "Ada")
