"""The power goes before every step of puts, parts, completions, checkpoints and repairs: nothing acknowledged is lost,
nothing is half there."""
from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from dsys_lab.stores.object_store import ErasureCode, JournaledStore, ShardedBlobs, every
from dsys_lab.structures.disk import PowerCut, VolatileDisk

Objects = dict[str, bytes]
CODE = ErasureCode(3, 2)


class Wired(VolatileDisk):
    """One of several disks on the same plug: their steps are counted together."""

    def __init__(self, plug: list[int], cut_before: int | None) -> None:
        super().__init__()
        self.plug, self.cut_before = plug, cut_before

    def _step(self) -> None:
        if self.cut_before is not None and self.plug[0] >= self.cut_before:
            raise PowerCut(f"before step {self.plug[0]}")
        self.plug[0] += 1


@dataclass
class Site:
    """A disk for the journal, and five drives or none."""

    sharded: bool
    cut_before: int | None = None
    plug: list[int] = field(default_factory=lambda: [0])
    disks: list[Wired] = field(init=False)

    def __post_init__(self) -> None:
        self.disks = [Wired(self.plug, self.cut_before) for _ in range(6 if self.sharded else 1)]

    def opened(self) -> JournaledStore:
        blobs = ShardedBlobs(self.disks[1:], CODE) if self.sharded else None
        return JournaledStore(self.disks[0], blobs=blobs, part_bytes_min=1, checkpoint_records=7)

    def crash(self, seed: int) -> None:
        chance = Random(seed).random
        for disk in self.disks:
            disk.crash(chance)
            disk.cut_before = None

    def files(self) -> list[str]:
        return sorted(name for disk in self.disks for name in disk.names() if not name.endswith(".log"))


@dataclass
class Told:
    """What was acknowledged, and what an operation that is going on would make of it."""

    before: Objects = field(default_factory=dict)
    after: Objects = field(default_factory=dict)

    def begin(self, change: Callable[[Objects], None]) -> None:
        self.after = dict(self.before)
        change(self.after)

    def done(self) -> None:
        self.before = self.after


def work(site: Site, told: Told, *, rounds: int = 5, seed: int = 3) -> None:
    """Put, overwrite, delete, and bring objects in parts, one of them given up."""
    luck, store = Random(seed), site.opened()
    for number in range(rounds):
        key, data = f"k{luck.randrange(3)}", luck.randbytes(luck.randrange(6_000))
        told.begin(lambda there, key=key, data=data: there.__setitem__(key, data))
        store.put(key, data)
        told.done()
        halves = [luck.randbytes(40), luck.randbytes(30), luck.randbytes(20)]
        upload = store.begin_upload("parts")
        parts = [store.put_part(upload, at, half) for at, half in enumerate(halves, start=1)]
        told.begin(lambda there, halves=halves: there.__setitem__("parts", halves[0] + halves[2]))
        if number % 2:
            store.complete(upload, [parts[0], parts[2]])
            told.done()
        else:
            told.after = dict(told.before)
            store.abort(upload)
        told.begin(lambda there, key=key: there.pop(key))
        if number == 2:
            store.delete(key)
            told.done()
        else:
            told.after = dict(told.before)


def check(site: Site, told: Told) -> JournaledStore:
    """Open what the crash left: one of the two states, whole; and no file that nobody refers to."""
    store = site.opened()
    found = {facts.key: store.get(facts.key).data for facts in every(store)}
    assert found in (told.before, told.after)
    blobs = store.status().blobs
    assert len({name[:16] for name in site.files()}) == blobs, "every file belongs to a blob that a record names"
    return store


@pytest.mark.parametrize("sharded", [False, True], ids=["files", "shards"])
def test_the_power_may_go_before_any_step(sharded: bool) -> None:
    whole = Site(sharded)
    work(whole, Told())
    orphans = 0
    for step in range(whole.plug[0] + 1):
        site, told = Site(sharded, step), Told()
        with suppress(PowerCut):
            work(site, told)
        site.crash(step)
        orphans += check(site, told).status().orphans
    assert orphans > 10, "blobs were being written when the power went"


@pytest.mark.parametrize("sharded", [False, True], ids=["files", "shards"])
def test_the_power_may_go_again_while_the_store_is_opened_and_what_is_put_then_is_kept(sharded: bool) -> None:
    whole = Site(sharded)
    work(whole, Told())
    again = 0
    for step in range(11, whole.plug[0], 13):
        for later in range(6):
            site, told = Site(sharded, step), Told()
            with suppress(PowerCut):
                work(site, told)
            site.crash(step)
            for disk in site.disks:
                disk.cut_before = site.plug[0] + later
            try:
                site.opened()
            except PowerCut:
                again += 1
            site.crash(later)
            store = check(site, told)
            store.put("new", b"after the crash")
            site.crash(later)
            assert site.opened().get("new").data == b"after the crash"
    assert again > 20


def test_a_repair_that_is_cut_short_loses_nothing() -> None:
    def prepared(site: Site, luck: Random) -> Objects:
        store, told = site.opened(), {}
        for number in range(3):
            told[f"k{number}"] = luck.randbytes(200)
            store.put(f"k{number}", told[f"k{number}"])
        for name in site.disks[2].names():
            site.disks[2].flip(name, 9)
        return told

    steps = 0
    while True:
        site = Site(sharded=True)
        told = prepared(site, Random(5))
        store = site.opened()
        for disk in site.disks:
            disk.cut_before = site.plug[0] + steps
        try:
            store.repair()
        except PowerCut:
            site.crash(steps)
        else:
            break
        store = site.opened()
        assert {facts.key: store.get(facts.key).data for facts in every(store)} == told
        store.repair()
        assert store.repair() == 0
        steps += 1
    assert steps > 9
