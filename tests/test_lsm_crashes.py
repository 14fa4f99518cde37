"""The power goes before every step of flushes and compactions: acknowledged ⊆ visible ⊆ acknowledged or in flight."""
from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from dsys_lab.stores.key_value import Leveled, LsmStore, Tiered
from dsys_lab.stores.key_value.lsm import manifest
from dsys_lab.structures.append_log import EVERY_RECORD, NEVER, Fsync
from dsys_lab.structures.disk import PowerCut, VolatileDisk

Known = dict[bytes, bytes]
KEYS = [b"k%d" % number for number in range(20)]
POLICIES = {"leveled": Leveled(2), "tiered": Tiered(3)}


def opened(disk: VolatileDisk, policy: str, fsync: Fsync = EVERY_RECORD) -> LsmStore:
    return LsmStore(disk, policy=POLICIES[policy], memtable_bytes_max=700, block_bytes=250, fsync=fsync)


def work(disk: VolatileDisk, policy: str, states: list[Known], count: int = 60, fsync: Fsync = EVERY_RECORD) -> None:
    """Put and delete; `states` ends with what was acknowledged and, in the midst of an operation, what will be."""
    luck, store = Random(8), opened(disk, policy, fsync)
    for _ in range(count):
        key, value = luck.choice(KEYS), luck.randbytes(luck.randrange(130))
        after = {name: old for name, old in states[-1].items() if name != key}
        if luck.random() < 0.75:
            after[key] = value
        states.append(after)
        store.put(key, value) if key in after else store.delete(key)
        if fsync is EVERY_RECORD:
            del states[:-1]


def check(disk: VolatileDisk, policy: str, states: list[Known]) -> LsmStore:
    """Open what the crash left; every verb must agree on one of the states, and no file may be left over."""
    store = opened(disk, policy)
    found = dict(store.scan())
    assert found in states
    assert {key: store.get(key) for key in KEYS} == {key: found.get(key) for key in KEYS}
    counts = manifest.newest(disk)
    files = [counts.name, *(run.file for run in counts.runs)] if counts else []
    assert sorted(name for name in disk.names() if not name.endswith(".log")) == sorted(files)
    return store


@pytest.mark.parametrize("policy", POLICIES)
def test_the_power_may_go_before_any_step(policy: str) -> None:
    whole = VolatileDisk()
    work(whole, policy, [{}])
    orphaned = 0
    for step in range(whole.steps + 1):
        disk, states = VolatileDisk(power_cut_before=step), [{}]
        with suppress(PowerCut):
            work(disk, policy, states)
        disk.crash(Random(step).random)
        removed = check(disk, policy, states).status().removed
        orphaned += any(name.startswith("run-") for name in removed)
    assert orphaned > 20, "runs were being written, or merged, when the power went"


@pytest.mark.parametrize("policy", POLICIES)
def test_the_power_may_go_again_while_the_store_is_opened(policy: str) -> None:
    whole, again = VolatileDisk(), 0
    work(whole, policy, [{}])
    for first in range(60, whole.steps, 9):
        for second in range(12):
            disk, states = VolatileDisk(power_cut_before=first), [{}]
            with suppress(PowerCut):
                work(disk, policy, states)
            disk.crash(Random(first).random)
            disk.power_cut_before = disk.steps + second
            try:
                opened(disk, policy)
            except PowerCut:
                again += 1
                disk.crash(Random(second).random)
                check(disk, policy, states)
            else:
                break
    assert again > 30


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_written_after_a_crash_is_kept_too(policy: str) -> None:
    for step in range(100, 220, 3):
        disk, states = VolatileDisk(power_cut_before=step), [{}]
        with suppress(PowerCut):
            work(disk, policy, states)
        disk.crash(Random(step).random)
        known = dict(check(disk, policy, states).scan())
        states = [known]
        work(disk, policy, states, count=25)
        disk.crash(Random(step).random)
        check(disk, policy, states[-1:])


@pytest.mark.parametrize("policy", POLICIES)
def test_with_lazy_syncs_only_the_end_is_lost(policy: str) -> None:
    lost = 0
    for step in range(20, 170, 3):
        disk, states = VolatileDisk(power_cut_before=step), [{}]
        with suppress(PowerCut):
            work(disk, policy, states, fsync=NEVER)
        disk.crash(Random(step).random)
        found = dict(check(disk, policy, states).scan())
        lost += found not in states[-2:]
    assert lost > 5, "that is what `NEVER` means"
