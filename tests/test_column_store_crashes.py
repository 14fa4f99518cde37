"""The power goes before every durable step: what was acknowledged is there, the rest is there whole or not at all."""
from __future__ import annotations

import copy
import random
from collections.abc import Callable
from functools import cache
from itertools import chain, repeat
from typing import NamedTuple

import pytest

from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.schema import Schema

SCHEMA = Schema.of("id u32, minutes u16?, city text")
LAYOUTS = ["columns", "row_groups"]
Held = dict[int, tuple]


def row(key: int, minutes: int | None = 7) -> tuple:
    return (key, minutes, "Oslo" if key % 2 else "a note too long for one sector " * (key % 5))


def opened(disk: VolatileDisk, layout: str) -> ColumnStore:
    return ColumnStore(disk, SCHEMA, layout=layout, row_group_rows=4, merge_rows=5)


def everything() -> Callable[[], float]:
    """The luck by which all survives: first every name, then every sector."""
    return chain([0.999], repeat(0.0)).__next__


def _append(keys: range) -> tuple[Callable, Callable]:
    rows = [row(key) for key in keys]
    return lambda table: table.append(rows), lambda held: held.update({each[0]: each for each in rows})


def _update(key: int) -> tuple[Callable, Callable]:
    return lambda table: table.update(key, {"minutes": None}), lambda held: held.update({key: row(key, None)})


def _delete(key: int) -> tuple[Callable, Callable]:
    return lambda table: table.delete(key), lambda held: held.pop(key)


def _nothing(verb: str) -> tuple[Callable, Callable]:
    return lambda table: getattr(table, verb)(), lambda held: None


STORY = [
    _append(range(1)), _append(range(1, 4)), _update(2), _append(range(4, 16)), _delete(0), _delete(9), _update(9 + 1),
    _append(range(16, 18)), _delete(16), _append(range(18, 20)), _update(1), _nothing("checkpoint"), _delete(3),
    _nothing("compact"), _append(range(20, 21)), _append(range(21, 30)), _update(29), _nothing("compact"), _delete(29),
]  # fmt: skip
"""Each verb, and what it does to a dictionary: merges at the threshold, loads, marks in the log, whole files anew."""


class Frame(NamedTuple):
    """The moment before a durable step: the disk, what was acknowledged, and that with the act that is under way."""

    disk: VolatileDisk
    acknowledged: Held
    wanted: Held


class Filmed(VolatileDisk):
    """A disk that keeps a picture of itself before every step, so that a story need be lived only once."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[dict] = []

    def picture(self) -> None:
        there = {name: value for name, value in vars(self).items() if name != "pictures"}
        self.pictures.append(copy.deepcopy(there))

    def _step(self) -> None:
        self.picture()
        super()._step()


@cache
def film(layout: str) -> tuple[Frame, ...]:
    """Live the story, and return the moment before each step, and the last one."""
    disk, frames = Filmed(), []
    acknowledged: Held = {}
    wanted: Held = {}

    def developed() -> None:
        for picture in disk.pictures[len(frames) :]:
            frames.append(Frame(VolatileDisk(), acknowledged, wanted))
            vars(frames[-1].disk).update(picture)

    table = opened(disk, layout)
    developed()
    for act, remember in STORY:
        wanted = dict(acknowledged)
        remember(wanted)
        act(table)
        developed()
        acknowledged = wanted
    disk.picture()
    developed()
    return tuple(frames)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("luck", ["nothing unsynced survives", "all of it does", "some"])
def test_a_loss_of_power_at_any_step_takes_nothing_back(layout: str, luck: str) -> None:
    assert len(film(layout)) > 100
    for step, (before, acknowledged, wanted) in enumerate(film(layout)):
        disk = copy.deepcopy(before)
        chance = {"nothing unsynced survives": lambda: 0.999, "all of it does": everything()}.get(luck)
        disk.crash(chance or random.Random(f"{luck} {step}").random)
        table = opened(disk, layout)
        found = {each[0]: each for each in table.scan()}
        assert found in (acknowledged, wanted), f"step {step}"
        assert all(table.get(key) == each for key, each in list(found.items())[step % 3 :: 3])
        table.append([row(99)])
        disk.crash(lambda: 0.999)
        assert {each[0]: each for each in opened(disk, layout).scan()} == {**found, 99: row(99)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_loss_of_power_while_it_comes_back_takes_nothing_back_either(layout: str) -> None:
    again = 0
    frames = film(layout)[::3]
    for step, (before, acknowledged, wanted) in enumerate(frames):
        for later in range(step % 2, 12, 2):
            chance = random.Random(f"{step} {later}").random
            disk = copy.deepcopy(before)
            disk.crash(chance)
            disk.power_cut_before = disk.steps + later
            try:
                opened(disk, layout)
            except PowerCut:
                again += 1
            disk.crash(chance)
            assert {each[0]: each for each in opened(disk, layout).scan()} in (acknowledged, wanted), (step, later)
    assert again > len(frames)


def test_a_crash_in_a_merge_leaves_old_and_new_chunks_and_the_manifest_says_which_count() -> None:
    disk = VolatileDisk()
    table = opened(disk, "columns")
    table.append([row(key) for key in range(8)])
    table.append([row(8)])
    swap = disk.steps + 1 + 2 * 3
    disk.power_cut_before = swap
    with pytest.raises(PowerCut):
        table.checkpoint()
    disk.crash(everything())
    longer = disk.size_bytes("00-id.0")
    table = opened(disk, "columns")
    assert disk.size_bytes("00-id.0") < longer, "the new chunk that no manifest knows is cut off"
    assert sorted(each[0] for each in table.scan()) == list(range(9)), "the ninth row comes from the log"


def test_files_of_a_compaction_that_did_not_end_are_taken_away() -> None:
    disk = VolatileDisk()
    table = opened(disk, "columns")
    table.append([row(key) for key in range(8)])
    disk.power_cut_before = disk.steps + 5
    with pytest.raises(PowerCut):
        table.compact()
    disk.crash(everything())
    assert "00-id.1" in disk.names()
    opened(disk, "columns")
    assert "00-id.1" not in disk.names()
