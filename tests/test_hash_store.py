"""The hash store: what lies where, what a merge leaves, what a crash or damage anywhere costs."""
from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Refused
from dsys_lab.stores.key_value import HashStore
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.disk import PowerCut, RealDisk, VolatileDisk
from dsys_lab.trace import Counters

RECORD_BYTES = 30  # of head, around key and value


def filled(disk: VolatileDisk, keys: int = 20, versions: int = 3, **more: object) -> HashStore:
    store = HashStore(disk, **{"merge_at": None, **more})
    for version in range(versions):
        for key in range(keys):
            store.put(b"key-%03d" % key, b"version-%d" % version)
    return store


# ------------------------------------------------------------------------------------------------------------- costs

def test_a_put_writes_its_bytes_and_one_head_and_a_get_reads_as_many() -> None:
    counted = Counters()
    store = HashStore(VolatileDisk(), recorder=counted)
    store.put(b"k" * 10, b"v" * 60)
    assert store.get(b"k" * 10) == b"v" * 60
    assert store.get(b"absent") is None
    assert counted.sum("log_append", "size_bytes") == counted.sum("page_read", "size_bytes") == 70 + RECORD_BYTES
    assert counted.count("page_read") == 1, "an absent key costs no read"


@pytest.mark.parametrize("keys", [50, 500])
def test_a_get_costs_the_same_whatever_the_store_holds(keys: int) -> None:
    counted = Counters()
    store = filled(VolatileDisk(), keys, versions=1, recorder=counted)
    for key in range(0, keys, 5):
        store.get(b"key-%03d" % key)
    assert counted.count("page_read") == keys // 5
    assert counted.sum("page_read", "size_bytes") == keys // 5 * (7 + 9 + RECORD_BYTES)


# ------------------------------------------------------------------------------------------------------------- merging

def test_a_merge_leaves_one_record_a_key_and_nothing_else() -> None:
    disk = VolatileDisk()
    store = filled(disk)
    store.delete(b"key-000")
    assert store.status().dead_fraction > 0.6
    store.merge()
    assert (store.status().keys, store.status().dead_fraction) == (19, 0)
    assert store.status().size_bytes == sum(disk.size_bytes(name) for name in disk.names() if "hint" not in name)
    assert dict(store.scan()) == {b"key-%03d" % key: b"version-2" for key in range(1, 20)}
    store.merge()
    store.put(b"key-000", b"again")
    store.merge()
    assert len(disk.names()) == 3, "one data file, its hint, one empty segment"
    assert HashStore(disk).get(b"key-000") == b"again"


def test_it_merges_by_itself_before_garbage_is_more_than_it_was_told() -> None:
    store = filled(VolatileDisk(), versions=30, segment_bytes=1_500, merge_at=0.5)
    assert store.status().merged_lsn > 0
    assert store.status().dead_fraction <= 0.5
    assert {store.get(b"key-%03d" % key) for key in range(20)} == {b"version-29"}


def test_opening_after_a_merge_reads_the_hint_and_no_value() -> None:
    disk = VolatileDisk()
    filled(disk).merge()
    hint, data = (next(name for name in disk.names() if name.endswith(end)) for end in (".hint", ".data"))
    seen = []
    read = disk.read
    disk.read = lambda name, *more: seen.append(name) or read(name, *more)
    store = HashStore(disk)
    assert hint in seen
    assert data not in seen
    assert store.get(b"key-007") == b"version-2"


# ------------------------------------------------------------------------------------------------- crashes and damage

def test_the_power_may_go_before_any_step() -> None:
    def run(disk: VolatileDisk, acknowledged: list[dict[bytes, bytes]]) -> None:
        luck = Random(5)
        store = HashStore(disk, segment_bytes=1_200)
        for _ in range(70):
            key, value = b"k%d" % luck.randrange(9), bytes(luck.randrange(200))
            after = {name: old for name, old in acknowledged[-1].items() if name != key}
            if luck.random() < 0.8:
                after[key] = value
            acknowledged.append(after)
            store.put(key, value) if key in after else store.delete(key)
            acknowledged[:] = acknowledged[-1:]

    whole = VolatileDisk()
    run(whole, [{}])
    removed = 0
    for step in range(whole.steps + 1):
        disk, states = VolatileDisk(power_cut_before=step), [{}]
        with suppress(PowerCut):
            run(disk, states)
        disk.crash(Random(step).random)
        store = HashStore(disk, segment_bytes=1_200)
        assert dict(store.scan()) in states, f"power cut before step {step}"
        removed += bool(store.status().removed)
    assert removed > 5, "some merges were cut short"


def test_with_lazy_syncs_only_the_end_is_lost() -> None:
    for seed in range(20):
        disk = VolatileDisk()
        store = HashStore(disk, fsync=NEVER)
        for key in range(200):
            store.put(b"%03d" % key, bytes(90))
        disk.crash(Random(seed).random)
        keys = [key for key, _ in HashStore(disk).scan()]
        assert keys == [b"%03d" % key for key in range(len(keys))]


def test_a_damaged_record_is_named_and_the_others_stay_readable() -> None:
    disk = VolatileDisk()
    store = filled(disk)
    store.merge()
    name = next(name for name in disk.names() if name.endswith(".data"))
    disk.flip(name, 5 * 46 + 40)
    for opened in (store, HashStore(disk, merge_at=None)):
        with pytest.raises(Damaged, match=rf"{name}, byte 230: .*key-005"):
            opened.get(b"key-005")
        assert [opened.get(b"key-%03d" % key) for key in (4, 6, 19)] == [b"version-2"] * 3
    store.put(b"key-001", b"new")
    store.merge()
    with pytest.raises(Damaged, match="key-005"):
        store.get(b"key-005")
    store.put(b"key-005", b"put anew")
    assert store.get(b"key-005") == b"put anew"


def test_a_damaged_hint_is_replaced_by_reading_the_data() -> None:
    disk = VolatileDisk()
    filled(disk).merge()
    disk.flip(next(name for name in disk.names() if name.endswith(".hint")), 3)
    assert {value for _, value in HashStore(disk).scan()} == {b"version-2"}
    disk.flip(next(name for name in disk.names() if name.endswith(".data")), 3)
    with pytest.raises(Damaged, match=r"merged-\d+.data, byte 0"):
        HashStore(disk)


def test_a_damaged_log_is_refused() -> None:
    disk = VolatileDisk()
    filled(disk)
    disk.flip(disk.names()[0], 100)
    with pytest.raises(Damaged, match=r"\.log, byte 92"):
        HashStore(disk)


def test_a_missing_file_is_refused_and_named_by_its_records() -> None:
    disk = VolatileDisk()
    filled(disk).merge()
    disk.remove(next(name for name in disk.names() if name.endswith(".data")))
    with pytest.raises(Damaged, match="records 0 to 59 are missing"):
        HashStore(disk)

    disk = VolatileDisk()
    filled(disk).merge()
    disk.remove(next(name for name in disk.names() if name.endswith(".log")))
    for _ in range(2):
        with pytest.raises(Damaged, match="the log from record 60 on is missing"):
            HashStore(disk)


def test_a_disk_that_fails_leaves_no_doubt_about_what_is_known() -> None:
    disk = VolatileDisk()
    store = filled(disk)

    def fails(*_: object) -> None:
        raise OSError("no space left on device")

    disk.append, kept = fails, disk.append
    with pytest.raises(MayHaveHappened, match="no space left"):
        store.put(b"k", b"v")
    disk.append = kept
    with pytest.raises(Refused, match="writes nothing more"):
        store.put(b"k", b"v")
    assert store.get(b"key-001") == b"version-2"
    assert HashStore(disk).get(b"k") is None


def test_parameters_out_of_range_are_refused() -> None:
    for merge_at in (0, 1, -0.5, 2):
        with pytest.raises(BadParameter, match="merge_at"):
            HashStore(VolatileDisk(), merge_at=merge_at)
    with pytest.raises(BadParameter, match="segment_bytes"):
        HashStore(VolatileDisk(), segment_bytes=0)


def test_it_lives_in_a_folder_too(tmp_path) -> None:
    with_files = filled(RealDisk(tmp_path), segment_bytes=1_000)
    with_files.merge()
    with_files.close()
    assert HashStore(RealDisk(tmp_path)).get(b"key-010") == b"version-2"


def test_a_hint_without_a_log_is_never_taken_for_an_empty_store() -> None:
    disk = VolatileDisk()
    store = filled(disk, versions=3)
    store.merge()
    store.close()
    for name in disk.names():
        if not name.endswith(".hint"):
            disk.remove(name)
    before = disk.names()
    with pytest.raises(Damaged, match="log from record 0 on is missing"):
        HashStore(disk)
    assert disk.names() == before


def _merge_cut_short(steps: int) -> VolatileDisk:
    """Six records in a segment each, and the power gone after so many steps of their merge."""
    disk = VolatileDisk()
    store = HashStore(disk, segment_bytes=60, merge_at=None)
    for number in range(6):
        store.put(b"k%d" % number, b"v" * 30)
    disk.power_cut_before = disk.steps + steps
    with pytest.raises(PowerCut):
        store.merge()
    disk.crash(lambda: 0.99)
    return disk


def test_a_log_that_ends_before_the_merged_file_is_refused() -> None:
    disk = _merge_cut_short(8)
    for name in disk.names():
        if name.endswith(".log") and int(name[:20]) >= 3:
            disk.remove(name)
    with pytest.raises(Damaged, match="the log ends before record 3"):
        HashStore(disk, segment_bytes=60)


def test_an_unfinished_merge_never_stands_for_a_log_that_is_missing() -> None:
    disk = _merge_cut_short(4)
    disk.append("merged-00000000000000000006.data", b"")
    disk.remove("00000000000000000000.log")
    logs = [name for name in disk.names() if name.endswith(".log")]
    with pytest.raises(Damaged, match="has no hint beside it"):
        HashStore(disk, segment_bytes=60)
    assert [name for name in disk.names() if name.endswith(".log")] == logs, "nothing was taken away"
