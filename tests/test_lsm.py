"""The LSM store: what lies in which file, what is read and what is left unread, and what the laws say of it."""
from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.key_value.entry import decode, encode, value_of
from dsys_lab.stores.key_value.lsm import BloomFilter, Compaction, Leveled, Levels, LsmStore, Tiered, block, manifest
from dsys_lab.stores.key_value.lsm.bloom_filter import hash_of
from dsys_lab.stores.key_value.lsm.manifest import Manifest, RunInfo
from dsys_lab.stores.key_value.lsm.memtable import Memtable
from dsys_lab.stores.key_value.lsm.merging import merged
from dsys_lab.structures.append_log import EVERY_RECORD, NEVER
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Counters, Trace


class NoPolicy:
    """Lets runs gather: what every flush left stays to be seen."""

    def decide(self, levels: Levels) -> Compaction | None:
        return None


def filled(keys: int, *, disk: VolatileDisk | None = None, seed: int = 1, **more: object) -> LsmStore:
    """A store with keys `000000`, `000002`, ... in random order, each with a value of 20 bytes."""
    store = LsmStore(disk or VolatileDisk(), **{"fsync": NEVER, **more})
    order = list(range(keys))
    Random(seed).shuffle(order)
    for key in order:
        store.put(b"%06d" % (2 * key), b"value of 20 bytes: %d" % (key % 10))
    return store


# ------------------------------------------------------------------------------------------------------ parts of files

def test_an_entry_is_read_as_it_was_written() -> None:
    for key, value in ((b"k", b""), (b"k", None), (b"\xff" * 1024, b"\xff" * 999), (b"\x00", b"\x00")):
        assert decode(encode(key, value)) == (key, value)
        assert value_of(encode(key, value)) == value


def test_a_block_finds_its_keys_and_denies_others() -> None:
    keys = [b"%03d" % number * (1 + number % 3) for number in range(1, 60)]
    content = block.encode([encode(key, key) for key in keys])
    found = block.Block(content)
    assert [value_of(found.get(key)) for key in keys] == keys
    assert [found.get(key) for key in (b"", b"000", b"0010", b"059059", b"zzz")] == [None] * 5
    assert [key for key, _ in found.entries()] == keys
    assert [key for key, _ in found.entries(b"0580")] == [key for key in keys if key >= b"0580"]


def test_a_block_with_any_bit_changed_is_not_whole() -> None:
    content = block.encode([encode(b"k%d" % number, b"v") for number in range(5)])
    assert block.is_whole(content)
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        assert not block.is_whole(bytes(changed))
    assert not block.is_whole(content[:-1])
    assert not block.is_whole(b"")


def test_a_filter_never_denies_what_was_added() -> None:
    for bits_per_key in (0, 1, 5, 10, 33):
        bloom = BloomFilter.of([b"%d" % number for number in range(500)], bits_per_key=bits_per_key)
        assert all(bloom.may_hold(hash_of(b"%d" % number)) for number in range(500))
        assert math.isclose(len(bloom.bits), bits_per_key * 500 / 8, abs_tol=1)


def test_a_manifest_is_read_as_it_was_written_or_not_at_all() -> None:
    runs = (RunInfo(8, 0, 5, 1, 90, 130, 160, b"\x00", b"\xff"), RunInfo(3, 2, 50, 9, 900, 1_300, 1_600, b"a", b"b"))
    content = Manifest(12, 345, 9, runs).encode()
    assert manifest.decode(content) == Manifest(12, 345, 9, runs)
    for cut in range(len(content)):
        assert manifest.decode(content[:cut]) is None
    assert manifest.decode(content.replace(b"345", b"346")) is None


def test_a_view_of_a_memtable_stands_still() -> None:
    luck, memtable, views = Random(4), Memtable(), []
    known: dict[bytes, bytes] = {}
    for number in range(300):
        key = b"%d" % luck.randrange(30)
        memtable.put(key, b"%d" % number)
        known[key] = b"%d" % number
        if number % 40 == 0:
            views.append((memtable.view(), sorted(known.items())))
    for view, then in views:
        assert list(view.entries()) == then
        assert list(view.entries(b"15", b"25")) == [(key, value) for key, value in then if b"15" <= key < b"25"]
        assert [view.get(b"%d" % key) for key in range(31)] == [dict(then).get(b"%d" % key) for key in range(31)]


def test_of_equal_keys_the_newest_counts() -> None:
    luck = Random(6)
    layers = [{b"%d" % luck.randrange(40): b"%d" % age for _ in range(luck.randrange(25))} for age in range(5)]
    expected: dict[bytes, bytes] = {}
    for layer in reversed(layers):
        expected |= layer
    assert list(merged([sorted(layer.items()) for layer in layers])) == sorted(expected.items())


# ----------------------------------------------------------------------------------------------------------- policies

@pytest.mark.parametrize(("runs", "leveled", "tiered"), [
    (((),), None, None),
    (((100,),), Compaction(0, with_next=True), None),
    (((), (399,)), None, None),
    (((), (400,)), Compaction(1, with_next=True), None),
    (((), (399,), (1_599,)), None, None),
    (((), (100,), (1_600,)), Compaction(2, with_next=True), None),
    (((100,) * 4, (1_600,)), Compaction(0, with_next=True), Compaction(0, with_next=False)),
    (((100,) * 3, (400,) * 4), Compaction(0, with_next=True), Compaction(1, with_next=False)),
    (((), (10, 10)), Compaction(1, with_next=True), None),
])  # fmt: skip
def test_a_policy_decides_from_the_sizes_alone(
    runs: tuple[tuple[int, ...], ...], leveled: Compaction | None, tiered: Compaction | None
) -> None:
    levels = Levels(flush_bytes=100, runs=runs)
    assert (Leveled(4).decide(levels), Tiered(4).decide(levels)) == (leveled, tiered)


def test_the_policy_may_change_at_every_opening() -> None:
    disk, known = VolatileDisk(), {}
    for number, policy in enumerate([Leveled(2), Tiered(4), NoPolicy(), Leveled(3), Tiered(2)]):
        store = LsmStore(disk, policy=policy, memtable_bytes_max=500, block_bytes=200)
        for key in range(60):
            store.put(b"%d" % (key * number % 83), b"%d" % number)
            known[b"%d" % (key * number % 83)] = b"%d" % number
        assert list(store.scan()) == sorted(known.items())
        assert {key: store.get(key) for key in known} == known
        store.close()


@pytest.mark.parametrize("settings", [
    {"policy": Leveled}, {"policy": "leveled"}, {"memtable_bytes_max": 0}, {"block_bytes": -1}, {"bits_per_key": -1},
])  # fmt: skip
def test_parameters_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BadParameter, match=next(iter(settings))):
        LsmStore(VolatileDisk(), **settings)


@pytest.mark.parametrize("size_ratio", [1, 0, -3, 2.5, "4"])
def test_a_size_ratio_is_a_whole_number_of_two_or_more(size_ratio: object) -> None:
    for policy in (Leveled, Tiered):
        with pytest.raises(BadParameter, match="size_ratio"):
            policy(size_ratio)


# ------------------------------------------------------------------------------------ what is read, what is left unread

def test_a_key_that_is_there_costs_one_block_and_an_absent_one_almost_none() -> None:
    counted = Counters()
    store = filled(2_000, memtable_bytes_max=8_000, policy=Tiered(10), recorder=counted)
    store.flush()
    runs = sum(level.runs for level in store.status().levels)
    assert runs > 4
    before = counted.count("page_read")
    for key in range(2_000):
        assert store.get(b"%06d" % (2 * key)) is not None
    present = counted.count("page_read") - before
    assert 2_000 <= present < 2_000 * (1 + 0.02 * runs)
    for key in range(2_000):
        assert store.get(b"%06d" % (2 * key + 1)) is None
    assert counted.count("page_read") - before - present < 2_000 * 0.02 * runs


def test_the_trace_says_why_a_block_was_left_unread() -> None:
    trace = Trace()
    store = LsmStore(VolatileDisk(), policy=NoPolicy(), recorder=trace, fsync=NEVER)
    for low in (0, 100):
        for key in range(low, low + 100):
            store.put(b"%03d" % key, b"v")
        store.flush()
    first = len(trace)
    assert store.get(b"150") == b"v"
    assert store.get(b"050x") is None
    assert store.get(b"042") == b"v"
    told = [(row.kind, row.place, row.fields.get("why")) for row in trace][first:]
    assert told == [
        ("page_read", "lsm/level-0/run-2", None),
        ("block_skip", "lsm/level-0/run-2", "range"), ("block_skip", "lsm/level-0/run-1", "bloom"),
        ("block_skip", "lsm/level-0/run-2", "range"), ("page_read", "lsm/level-0/run-1", None),
    ]  # fmt: skip


@pytest.mark.parametrize("bits_per_key", [4, 8, 10])
def test_filters_let_as_many_absent_keys_pass_as_the_law_says(bits_per_key: int) -> None:
    counted, asked = Counters(), 12_000
    store = filled(6_000, memtable_bytes_max=1 << 30, bits_per_key=bits_per_key, policy=NoPolicy(), recorder=counted)
    store.flush()
    for number in range(asked):
        store.get(b"%06dx" % (number % 11_990))
    share = laws.bloom_false_positives(bits_per_key, laws.bloom_best_hashes(bits_per_key))
    assert abs(counted.count("page_read") / asked - share) < 3 * math.sqrt(share * (1 - share) / asked)
    assert counted.count("page_read") + counted.count("block_skip") == asked


def test_without_filters_every_run_in_range_is_read() -> None:
    counted = Counters()
    store = filled(500, memtable_bytes_max=6_000, bits_per_key=0, policy=NoPolicy(), recorder=counted)
    store.flush()
    inside = [b"%06dx" % number for number in range(100, 800)]
    for key in inside:
        assert store.get(key) is None
    assert counted.count("page_read") == len(inside) * store.status().levels[0].runs


def test_a_scan_reads_only_the_blocks_that_overlap() -> None:
    counted = Counters()
    store = filled(5_000, block_bytes=400, policy=NoPolicy(), memtable_bytes_max=1 << 30, recorder=counted)
    store.flush()
    assert len(list(store.scan(b"004000", b"004100"))) == 50
    assert counted.sum("page_read", "used_bytes") == 50 * 32
    assert counted.count("page_read") <= 50 * 32 / 400 + 2


def test_a_scan_up_to_the_first_key_of_a_block_does_not_read_that_block() -> None:
    trace = Trace()
    store = filled(100, block_bytes=320, policy=NoPolicy(), memtable_bytes_max=1 << 20, recorder=trace)
    store.flush()
    for high, pages in ((b"000038", [0, 1]), (b"000040", [0, 1]), (b"000042", [0, 1, 2])):  # ten entries a block
        before = len(trace)
        assert len(list(store.scan(high=high))) == int(high) / 2
        assert [row.fields["page"] for row in list(trace)[before:] if row.kind == "page_read"] == pages


def test_a_scan_up_to_the_first_key_of_a_run_leaves_the_whole_run_unread() -> None:
    disk = VolatileDisk()
    store = LsmStore(disk, policy=NoPolicy())
    for key in (b"a", b"m"):
        store.put(key, b"v")
        store.flush()
    disk.flip("run-000002", disk.size_bytes("run-000002") - 3)
    opened = LsmStore(disk, policy=NoPolicy())
    assert list(opened.scan(high=b"m")) == [(b"a", b"v")]
    with pytest.raises(Damaged, match="run-000002"):
        list(opened.scan(high=b"m\x00"))


# ------------------------------------------------------------------------------------------------------ amplification

def written(trace: Trace) -> float:
    """Return the entries that all runs were made of, for each entry that was flushed."""
    runs = trace.of("run")
    flushed = sum(row.fields["count"] for row in runs if row.fields["of"] == "memtable")
    return sum(row.fields["count"] for row in runs) / flushed


@pytest.mark.parametrize(("policy", "law"), [
    (Leveled(10), laws.leveled_write_amplification), (Tiered(10), laws.tiered_write_amplification),
    (Leveled(4), laws.leveled_write_amplification), (Tiered(4), laws.tiered_write_amplification),
])  # fmt: skip
def test_entries_are_rewritten_exactly_as_often_as_the_law_says(policy: Leveled | Tiered, law) -> None:
    trace = Trace()
    flushes, a_flush = 131, 2 * 32
    filled(2 * flushes, policy=policy, memtable_bytes_max=a_flush, recorder=trace)
    assert len([row for row in trace.of("run") if row.fields["of"] == "memtable"]) == flushes
    assert math.isclose(written(trace), law(flushes, policy.size_ratio), rel_tol=1e-12)
    assert written(trace) <= laws.leveled_write_amplification_most(flushes, policy.size_ratio)


def test_bytes_follow_entries() -> None:
    counted = Counters()
    filled(64 * 40, policy=Leveled(4), memtable_bytes_max=40 * 32, block_bytes=256, recorder=counted)
    sums = counted.sums.items()
    by_place = {place: size for (kind, place, name), size in sums if (kind, name) == ("page_write", "size_bytes")}
    flushed = sum(size for place, size in by_place.items() if "/level-0/" in place)
    assert math.isclose(sum(by_place.values()) / flushed, laws.leveled_write_amplification(64, 4), rel_tol=0.03)


@pytest.mark.parametrize("flushes", [1, 9, 27, 100])
def test_the_tree_is_the_number_of_flushes_written_in_base_t(flushes: int) -> None:
    for policy, law in ((Leveled(3), laws.leveled_runs), (Tiered(3), laws.tiered_runs)):
        store = filled(4 * flushes, policy=policy, memtable_bytes_max=4 * 32)
        assert sum(level.runs for level in store.status().levels) == law(flushes, 3)


def test_ten_times_the_data_costs_a_put_one_level_more_and_a_get_no_block_more() -> None:
    writes, reads = [], []
    for keys in (100, 1_000):
        trace, counted = Trace(), Counters()
        disk = VolatileDisk()
        filled(keys, disk=disk, policy=Leveled(10), memtable_bytes_max=10 * 32, recorder=trace).close()
        writes.append(written(trace))
        store = LsmStore(disk, recorder=counted)
        for key in range(0, keys, 10):
            store.get(b"%06d" % (2 * key))
        reads.append(counted.count("page_read") / (keys // 10))
    assert math.isclose(writes[1] - writes[0], (10 + 1) / 2)
    assert all(1 <= read < 1.05 for read in reads)


# ----------------------------------------------------------------------------------------------- tombstones, snapshots

def entries_in(store: LsmStore) -> int:
    return sum(level.entries for level in store.status().levels)


def test_a_tombstone_goes_only_when_no_older_run_can_have_its_key() -> None:
    store = LsmStore(VolatileDisk(), policy=NoPolicy())

    def flushed(*keys: bytes, gone: bool = False) -> None:
        for key in keys:
            store.delete(key) if gone else store.put(key, b"v")
        store.flush()

    flushed(b"a", b"c")
    store.policy = Tiered(2)
    flushed(b"m", b"p")  # two runs of level 0 become one of level 1
    flushed(b"b", b"z", gone=True)
    flushed(b"n", gone=True)
    assert [level.runs for level in store.status().levels] == [0, 0, 1]
    assert entries_in(store) == 4, "all three tombstones went at the bottom"

    flushed(b"a", gone=True)
    flushed(b"x", gone=True)
    assert [level.runs for level in store.status().levels] == [0, 1, 1]
    assert entries_in(store) == 5, "that of b'a' must stay above the run that has it; that of b'x' hides nothing"
    assert [key for key, _ in store.scan()] == [b"c", b"m", b"p"]


def test_to_delete_everything_leaves_nothing() -> None:
    disk = VolatileDisk()
    store = filled(200, disk=disk, policy=Leveled(2), memtable_bytes_max=2_000)
    for key in range(200):
        store.delete(b"%06d" % (2 * key))
    store.flush()
    store.policy = type("Everything", (), {"decide": lambda self, levels: next(
        (Compaction(number, with_next=True) for number, runs in enumerate(levels.runs[:-1]) if runs), None)})()
    store.compact()
    assert list(store.scan()) == []
    assert entries_in(store) == 0


def test_a_snapshot_keeps_its_files_until_it_is_let_go() -> None:
    disk = VolatileDisk()
    store = filled(300, disk=disk, policy=Leveled(2), memtable_bytes_max=2_000)
    then, snapshot = dict(store.scan()), store.snapshot()
    begun = store.scan(b"000100")
    for key in range(300):
        store.put(b"%06d" % key, b"later" * 9)
    held = {run.info.file for run in snapshot.runs}
    scanned, got, rest = dict(snapshot.scan()), {key: snapshot.get(key) for key in (*then, b"000001")}, dict(begun)
    assert scanned == then
    assert got == {**then, b"000001": None}
    assert rest == {key: value for key, value in then.items() if key >= b"000100"}
    outdated = held - {run.file for run in manifest.newest(disk).runs}
    assert outdated
    assert held <= set(disk.names())
    del snapshot, begun
    store.compact()
    assert not outdated & set(disk.names())


# -------------------------------------------------------------------------------------------------------------- damage

def test_a_damaged_block_is_named_and_the_others_stay_readable() -> None:
    disk = VolatileDisk()
    store = filled(200, disk=disk, block_bytes=500, memtable_bytes_max=1 << 20, policy=NoPolicy())
    store.flush()
    disk.flip("run-000001", 700)
    wrong = []
    for key in range(200):
        try:
            assert store.get(b"%06d" % (2 * key)) is not None
        except Damaged as error:
            wrong.append(str(error))
    assert 10 < len(wrong) < 20
    assert set(wrong) == {wrong[0]}
    assert "run-000001, block 1" in wrong[0]
    with pytest.raises(Damaged, match="block 1"):
        list(store.scan())
    assert len(list(store.scan(b"000200"))) == 100


def test_a_damaged_index_costs_the_keys_of_its_run_and_no_others() -> None:
    disk = VolatileDisk()
    store = LsmStore(disk, policy=NoPolicy())
    for low in (b"a", b"m"):
        for number in range(20):
            store.put(low + b"%d" % number, b"v")
        store.flush()
    disk.flip("run-000001", disk.size_bytes("run-000001") - 3)
    opened = LsmStore(disk, policy=NoPolicy())
    assert opened.get(b"m7") == b"v"
    assert opened.get(b"b") is None
    with pytest.raises(Damaged, match=r"run-000001, byte .*keys outside its range stay readable"):
        opened.get(b"a7")


def test_a_merge_that_meets_damage_stops_merging_and_nothing_else() -> None:
    disk = VolatileDisk()
    store = filled(100, disk=disk, policy=NoPolicy(), memtable_bytes_max=1_000, block_bytes=200)
    disk.flip("run-000001", 10)
    store.policy = Leveled(2)
    store.compact()
    assert "run-000001, block 0" in store.status().halted
    assert {name for name in disk.names() if name.startswith("run-")} == {
        f"run-{number:06d}" for number in range(1, 1 + store.status().levels[0].runs)
    }
    for key in range(100):
        store.put(b"later-%d" % key, b"v" * 30)
    assert {store.get(b"later-%d" % key) for key in range(100)} == {b"v" * 30}
    assert LsmStore(disk).get(b"later-99") == b"v" * 30


@pytest.mark.parametrize(("harm", "says"), [
    (lambda disk, names: disk.flip(names["manifest"], 60), "manifest-.*: its checksum does not match"),
    (lambda disk, names: disk.remove(names["manifest"]), "no manifest goes with it"),
    (lambda disk, names: disk.remove(names["run"]), "run-.*: manifest-.* counts on it, but it is missing"),
    (lambda disk, names: disk.remove(names["log"]), "the log from record 96 on is missing"),
])  # fmt: skip
def test_a_store_whose_books_are_broken_is_refused(harm, says: str) -> None:
    disk = VolatileDisk()
    filled(100, disk=disk, memtable_bytes_max=1_000, fsync=NEVER).close()
    names = {kind: next(name for name in disk.names() if kind in name) for kind in ("manifest", "run", "log")}
    harm(disk, names)
    left = disk.names()
    for _ in range(2):
        with pytest.raises(Damaged, match=says):
            LsmStore(disk)
        assert disk.names() == left, "what is not understood is not touched"


def test_levels_are_given_from_the_newest_to_the_oldest() -> None:
    disk = VolatileDisk()
    filled(290, disk=disk, policy=Tiered(4), memtable_bytes_max=600).close()
    runs = manifest.newest(disk).runs
    assert len(runs) > 3
    assert all(above.level < below.level or above.number > below.number for above, below in pairwise(runs))


# ---------------------------------------------------------------------------------------------------------- bad inputs

@pytest.mark.parametrize("bits_per_key", [-1, 101, 400, math.inf, math.nan])
def test_a_filter_that_no_run_could_hold_is_refused_before_anything_is_written(bits_per_key: float) -> None:
    disk = VolatileDisk()
    with pytest.raises(BadParameter, match=r"bits_per_key.*0 to 100"):
        LsmStore(disk, bits_per_key=bits_per_key)
    assert disk.names() == []
    store = filled(50, bits_per_key=100, memtable_bytes_max=1_000)
    assert store.get(b"000002") is not None


@pytest.mark.parametrize("broken_too", [False, True])
def test_runs_without_a_log_are_never_taken_for_an_empty_store(broken_too: bool) -> None:
    disk = VolatileDisk()
    filled(100, disk=disk, memtable_bytes_max=1_000).close()
    for name in disk.names():
        if name.endswith(".log") or (name.startswith("manifest-") and not broken_too):
            disk.remove(name)
        elif name.startswith("manifest-"):
            disk.write(name, 3, b"?")
    before = disk.names()
    with pytest.raises(Damaged, match="log from record 0 on is missing"):
        LsmStore(disk)
    assert disk.names() == before, "what is left is not taken away"


def test_a_store_whose_disk_failed_is_let_go_without_a_word() -> None:
    store = filled(3, fsync=EVERY_RECORD)
    store._log.give_up()
    store.close()
    store.close()
    with pytest.raises(Refused, match="closed"):
        store.get(b"000000")
