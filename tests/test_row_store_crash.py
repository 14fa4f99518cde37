"""The power goes before every step of a workload: what was acknowledged is there, the rest is whole or absent."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from dsys_lab.errors import BadParameter, Damaged, DsysLabError, MayHaveHappened
from dsys_lab.stores.row_store import RowStore
from dsys_lab.stores.table import Between
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.page import PAGE_BYTES, Page
from dsys_lab.structures.schema import Schema, Values

NIGHT = Schema.of("night_id u32, person_id u32, minutes_sleep u16?, note text")
Operation = Callable[[RowStore], object]
Rows = dict[int, Values]


def night(key: int, minutes: int | None = 440, note_bytes: int = 300) -> Values:
    return (key, key % 5, minutes, chr(97 + key % 26) * note_bytes)


def opened(disk: VolatileDisk, frames: int = 32) -> RowStore:
    return RowStore(disk, "night", NIGHT, key="night_id", indexes=["person_id"], pool=BufferPool(frames))


def workload() -> list[tuple[Operation, Callable[[Rows], Rows]]]:
    """Operations, each with what it does to a dict of rows."""
    luck, steps, keys = Random(3), [], list(range(200))
    luck.shuffle(keys)

    def append(rows: list[Values]) -> None:
        steps.append((lambda store: store.append(rows), lambda was: {**was, **{row[0]: row for row in rows}}))

    def update(key: int, note_bytes: int) -> None:
        change = {"person_id": 9, "note": "u" * note_bytes}
        steps.append(
            (
                lambda store: store.update(key, change),
                lambda was: {**was, key: (key, 9, was[key][2], change["note"])},
            )
        )

    def delete(key: int) -> None:
        steps.append((lambda store: store.delete(key), lambda was: {k: row for k, row in was.items() if k != key}))

    append([night(key) for key in keys[:30]])
    update(keys[0], 2000)  # must move
    append([night(keys[30], None)])
    steps.append((RowStore.checkpoint, dict))
    update(keys[1], 10)  # the first change after a checkpoint: an image
    update(keys[1], 20)
    delete(keys[2])
    append([night(key, note_bytes=700) for key in keys[31:90]])
    steps.append((RowStore.checkpoint, dict))
    delete(keys[40])
    append([night(key) for key in keys[90:100]])
    append([night(key, note_bytes=3000) for key in keys[100:190]])  # more pages than frames, in several commits
    for key in keys[100:190:9]:
        update(key, 3500)
    delete(keys[101])
    append([night(key) for key in keys[190:]])
    return steps


def run(disk: VolatileDisk, frames: int = 32) -> tuple[Rows, Rows, bool]:
    """Run the workload until the power goes; return what was acknowledged, what may be there, and if it got through."""
    acked: Rows = {}
    after = acked
    try:
        store = opened(disk, frames)
        for operation, effect in workload():
            after = effect(acked)
            operation(store)
            acked = after
    except PowerCut:
        return acked, after, False
    return acked, after, True


def stored(store: RowStore) -> Rows:
    return {row[0]: row for row in store.scan()}


def assert_oracle(found: Rows, acked: Rows, after: Rows) -> None:
    """Each row is as acknowledged, or as the operation in flight would have it; new rows came in their order."""
    for key in acked.keys() | after.keys() | found.keys():
        assert found.get(key) in (acked.get(key), after.get(key)), f"row {key} is neither old nor new"
    new = [key for key in after if key not in acked]
    there = [key in found for key in new]
    assert there == sorted(there, reverse=True), "of two rows of one append the earlier is there if the later is"


DISK = VolatileDisk()
run(DISK)
STEPS_IN_ALL = DISK.steps


def test_the_workload_has_every_kind_of_step() -> None:
    disk = VolatileDisk()
    acked, _, through = run(disk)
    assert through
    assert stored(opened(disk)) == acked
    assert STEPS_IN_ALL > 100
    assert opened(disk).status().heap_pages > 32


@pytest.mark.parametrize("seed", range(3))
def test_after_a_power_cut_at_every_step_the_promises_hold(seed: int) -> None:
    for step in range(STEPS_IN_ALL + 1):
        disk = VolatileDisk(power_cut_before=step)
        acked, after, _ = run(disk)
        disk.crash(Random(f"{seed}/{step}").random)
        store = opened(disk)
        assert_oracle(stored(store), acked, after)
        assert store.violations() == []
        assert store.append([night(999)]) == 1
        assert store.get(999) == night(999)


def test_without_waiting_for_the_disk_a_crash_leaves_an_earlier_state_and_never_a_mixture() -> None:
    keys = list(range(0, 900, 3))
    Random(8).shuffle(keys)
    lost = 0
    for step in range(0, 200, 2):
        disk = VolatileDisk(power_cut_before=step)
        acked = 0
        try:
            store = RowStore(
                disk, "night", NIGHT, key="night_id", indexes=["person_id"], pool=BufferPool(32), durable=False
            )
            for key in keys:
                store.append([night(key, note_bytes=2000)])
                acked += 1
                if acked == 150:
                    store.checkpoint()
        except PowerCut:
            disk.crash(Random(step).random)
            store = opened(disk)
            found = stored(store)
            assert found == {key: night(key, note_bytes=2000) for key in keys[: len(found)]}
            assert store.violations() == []
            lost += len(found) < acked
    assert lost > 10, "else the test shows nothing"


def test_a_page_never_overtakes_the_log() -> None:
    rows = [night(key, note_bytes=2000) for key in range(160)]  # 40 pages, more than frames
    order = list(range(160))
    Random(4).shuffle(order)
    for cut in range(1, 60, 2):
        disk = VolatileDisk()
        store = RowStore(
            disk, "night", NIGHT, key="night_id", indexes=["person_id"], pool=BufferPool(32), durable=False
        )
        store.append(rows)
        store.checkpoint()
        disk.power_cut_before = disk.steps + cut
        try:
            for key in order:
                store.update(key, {"minutes_sleep": 1})
        except PowerCut:
            disk.crash(Random(cut).random)
        updated = {key for key, row in stored(opened(disk)).items() if row[2] == 1}
        assert updated == set(order[: len(updated)]), "a later update is there and an earlier one is not"


def test_a_power_cut_during_recovery_changes_nothing() -> None:
    for step in range(0, STEPS_IN_ALL, 7):
        disk = VolatileDisk(power_cut_before=step)
        acked, after, _ = run(disk)
        disk.crash(Random(step).random)
        for again in range(0, 60, 4):
            disk.power_cut_before = disk.steps + again
            try:
                store = opened(disk, frames=32)
                store.checkpoint()
            except PowerCut:
                disk.crash(Random(f"{step}/{again}").random)
                continue
            disk.power_cut_before = None
            break
        store = opened(disk)
        assert_oracle(stored(store), acked, after)
        assert store.violations() == []


def test_a_page_that_tears_at_its_writing_is_repaired_from_its_image() -> None:
    torn = 0
    for seed in range(40):
        disk = VolatileDisk()
        store = opened(disk)
        store.append([night(key) for key in range(40)])
        store.checkpoint()
        assert store.update(3, {"note": "new" * 100})
        store.pool.flush(store.heap.pages)  # written, and not synced
        disk.crash(Random(seed).random)
        torn += _is_torn(disk)
        reopened = opened(disk)
        assert reopened.get(3) == (3, 3, 440, "new" * 100)
        assert reopened.violations() == []
    assert torn > 3, "else the test shows nothing"


def _is_torn(disk: VolatileDisk) -> bool:
    try:
        Page.load(disk.read("night.heap", 0, PAGE_BYTES), "night.heap", 0)
    except Damaged:
        return True
    return False


# ------------------------------------------------------------------------------------------------------------ damage


def filled(rows: int = 200) -> VolatileDisk:
    disk = VolatileDisk()
    store = opened(disk)
    store.append([night(key) for key in range(rows)])
    store.checkpoint()
    return disk


@pytest.mark.parametrize(("file", "page"), [("night.heap", 4), ("night.by_night_id", 0), ("night.by_person_id", 0)])
def test_a_flipped_bit_is_found_and_named_and_the_rest_stays_readable(file: str, page: int) -> None:
    disk = filled()
    disk.flip(file, page * PAGE_BYTES + 5000, bit=3)
    store = opened(disk)
    with pytest.raises(Damaged, match=rf"{file}, page {page}"):
        list(store.scan()) if file == "night.heap" else [store.get(1), store.violations(), _by_person(store)]
    assert any(f"{file}, page {page}" in wrong for wrong in store.violations())
    if file == "night.heap":
        assert store.get(0) == night(0)
        assert store.get(199) == night(199)


def _by_person(store: RowStore) -> list[Values]:
    return list(store.scan(where=Between("person_id", 1, 1), via="index"))


def test_an_error_in_the_midst_of_a_change_leaves_everything_as_it_was() -> None:
    disk = filled()
    disk.flip("night.by_person_id", 5000)
    store = opened(disk)
    before = stored(store)
    for attempt in (
        lambda: store.append([night(500), night(501)]),
        lambda: store.delete(7),
        lambda: store.update(7, {"person_id": 4}),
    ):
        with pytest.raises(Damaged, match=r"night\.by_person_id, page 0"):
            attempt()
        assert stored(store) == before
        assert store.status().rows == 200
        assert store.get(500) is None
    disk.flip("night.by_person_id", 5000)  # mended
    store.append([night(500)])
    assert store.violations() == []
    assert stored(opened(disk)) == {**before, 500: night(500)}


def test_the_books_go_back_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(filled(rows=10))
    insert, calls = store.heap.insert, []

    def fails_at_the_third(record: tuple[bytes, bool]) -> object:
        calls.append(record)
        if len(calls) == 3:
            raise Damaged("night.heap, page 0: as if")
        return insert(record)

    monkeypatch.setattr(store.heap, "insert", fails_at_the_third)
    with pytest.raises(Damaged):
        store.append([night(key) for key in range(50, 60)])
    assert store.status().rows == 10
    assert store.violations() == []


def test_a_file_cut_short_is_named_at_opening() -> None:
    disk = filled()
    disk.cut("night.heap", 3 * PAGE_BYTES + 100)
    with pytest.raises(Damaged, match=r"night\.heap, page 3: the file ends here"):
        opened(disk)


def test_a_missing_file_is_named_at_opening() -> None:
    disk = filled()
    disk.remove("night.by_night_id")
    with pytest.raises(Damaged, match=r"night\.by_night_id, page 0"):
        opened(disk)


def test_a_missing_log_is_not_taken_for_an_empty_table() -> None:
    disk = filled()
    for name in disk.names():
        if name.endswith(".log"):
            disk.remove(name)
    with pytest.raises(Damaged, match="its log is not"):
        opened(disk)


def test_a_damaged_log_is_named() -> None:
    disk = filled()
    store = opened(disk)
    for key in range(300, 310):
        store.append([night(key)])
    log = next(name for name in disk.names() if name.endswith(".log"))
    disk.flip(log, disk.size_bytes(log) // 2)
    with pytest.raises(Damaged, match=log):
        opened(disk)


def test_a_disk_with_another_table_is_refused() -> None:
    disk = filled()
    with pytest.raises(BadParameter, match="holds"):
        RowStore(disk, "night", Schema.of("night_id u32, hours f64"), key="night_id")
    with pytest.raises(BadParameter, match="holds"):
        RowStore(disk, "people", NIGHT, key="night_id")


class FullDisk(VolatileDisk):
    """Has no room any more once it is told so."""

    is_full = False

    def append(self, name: str, data: bytes) -> None:
        if self.is_full and data:
            raise OSError(28, "No space left on device")
        super().append(name, data)

    def write(self, name: str, offset: int, data: bytes) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        super().write(name, offset, data)


@pytest.mark.parametrize("operation", [lambda store: store.append([night(7)]), RowStore.checkpoint])
def test_a_full_disk_is_an_honest_do_not_know_and_nothing_acknowledged_is_lost(operation: Operation) -> None:
    disk = FullDisk()
    store = opened(disk)
    store.append([night(1)])
    disk.is_full = True
    with pytest.raises(MayHaveHappened):
        operation(store)
    disk.is_full = False
    with pytest.raises(DsysLabError):
        store.append([night(8)])
    assert stored(opened(disk)) == {1: night(1)}
