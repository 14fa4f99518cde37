"""What the object store promises beyond its verbs: versions, parts, shards, ranges of keys; and what it refuses."""
from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from reedsolo import RSCodec

from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Misuse, Refused
from dsys_lab.stores.object_store import (
    BadParts,
    ErasureCode,
    JournaledStore,
    KeyRanges,
    Limits,
    NegativeCache,
    NoSuchUpload,
    Part,
    ShardedBlobs,
    SlowDown,
    Upload,
    every,
    median_key,
)
from dsys_lab.structures.disk import RealDisk, VolatileDisk
from dsys_lab.trace import Trace

SECOND_US = 1_000_000
MB = 1 << 20


def store_of(**given: Any) -> JournaledStore:
    return JournaledStore(VolatileDisk(), **given)


# ------------------------------------------------------------------------------------------ misuse
def twice(store: JournaledStore) -> None:
    upload = store.begin_upload("k")
    store.abort(upload)
    store.put_part(upload, 1, b"x")


def foreign(store: JournaledStore) -> None:
    upload = store.begin_upload("k")
    store.complete(Upload(upload.upload, "other"), [Part(1, "")])


def closed(store: JournaledStore) -> None:
    store.close()
    store.get("k")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda s: s.put("", b""), BadParameter, "1 to 1,024"),
        (lambda s: s.put("k" * 1_025, b""), BadParameter, "1,025 bytes"),
        (lambda s: s.put("ü" * 513, b""), BadParameter, "1,026 bytes"),
        (lambda s: s.put("\ud800", b""), BadParameter, "no UTF-8"),
        (lambda s: s.put(b"k", b""), BadParameter, "give a word"),
        (lambda s: s.put("k", "text"), BadParameter, "give bytes"),
        (lambda s: s.put("k", None), BadParameter, "NoneType"),
        (lambda s: s.put("k", b"", if_absent=True, if_match="x"), BadParameter, "one of them"),
        (lambda s: s.put("k", b"", if_match=7), BadParameter, "if_match = 7"),
        (lambda s: s.put("k", b"", metadata={"a": 1}), BadParameter, "ASCII"),
        (lambda s: s.put("k", b"", metadata={"ä": "1"}), BadParameter, "ASCII"),
        (lambda s: s.put("k", b"", metadata={"abc": "1" * 2_046}), BadParameter, "2,049 bytes: give 2,048"),
        (lambda s: s.put("k", b"", metadata=5), BadParameter, "metadata = 5"),
        (lambda s: s.put("k", b"", metadata={"a": "1\n2"}), BadParameter, "printed"),
        (lambda s: s.put("k", b"", metadata={"a\x7f": "1"}), BadParameter, "printed"),
        (lambda s: s.put("k", b"", metadata={"Night": "1"}), BadParameter, "small letters"),
        (lambda s: s.put("k", b"", metadata={"": "1"}), BadParameter, "small letters"),
        (lambda s: s.list("\ud800"), BadParameter, "UTF-8"),
        (lambda s: s.list(after="\ud800"), BadParameter, "UTF-8"),
        (lambda s: s.versions(5), BadParameter, "prefix = 5"),
        (lambda s: s.versions("\ud800"), BadParameter, "UTF-8"),
        (lambda s: s.complete(s.begin_upload("a"), (part for part in ())), BadParameter, "give a list"),
        (lambda s: s.complete(s.begin_upload("a"), [Part("1", "x")]), BadParameter, "part '1'"),
        (lambda s: s.abort(Upload([], "k")), NoSuchUpload, "not open"),
        (lambda s: s.put("k", b"", metadata="abc"), BadParameter, "metadata = 'abc'"),
        (lambda s: s.get("k", version=""), BadParameter, "version = ''"),
        (lambda s: s.head("k", version=5), BadParameter, "version = 5"),
        (lambda s: s.delete("k", version=""), BadParameter, "version = ''"),
        (lambda s: s.complete(s.begin_upload("k"), [1]), BadParameter, "put_part"),
        (lambda s: s.get("k", first=-1), BadParameter, "first = -1"),
        (lambda s: s.get("k", size_bytes=0), BadParameter, "size_bytes = 0"),
        (lambda s: s.get("k", first=1.5), BadParameter, "whole number"),
        (lambda s: s.get("k", first=True), BadParameter, "whole number"),
        (lambda s: s.list(limit=0), BadParameter, "1 to 1,000"),
        (lambda s: s.list(limit=1_001), BadParameter, "1 to 1,000"),
        (lambda s: s.list(None), BadParameter, "prefix = None"),
        (lambda s: s.list(delimiter=None), BadParameter, "delimiter = None"),
        (lambda s: s.put_part(s.begin_upload("k"), 0, b""), BadParameter, "1 to 10,000"),
        (lambda s: s.put_part(s.begin_upload("k"), 10_001, b""), BadParameter, "1 to 10,000"),
        (lambda s: s.put_part("u", 1, b""), NoSuchUpload, "'u' is not open"),
        (lambda s: s.complete(s.begin_upload("k"), []), BadParts, "at least one"),
        (lambda s: s.complete(s.begin_upload("k"), [Part(1, "x")]), BadParts, "has not come"),
        (lambda s: s.abort(Upload("u9", "k")), NoSuchUpload, "is not open"),
        (twice, NoSuchUpload, "is not open"),
        (foreign, NoSuchUpload, "is not open"),
        (closed, Refused, "closed"),
        (lambda s: store_of(part_bytes_min=0), BadParameter, "part_bytes_min"),
        (lambda s: store_of(checkpoint_records=-1), BadParameter, "checkpoint_records"),
        (lambda s: ErasureCode(0, 2), BadParameter, "data_shards = 0"),
        (lambda s: ErasureCode(3, 0), BadParameter, "parity_shards = 0"),
        (lambda s: ErasureCode(200, 56), BadParameter, "255"),
        (lambda s: ErasureCode(1.5, 2), BadParameter, "whole number"),
        (lambda s: ShardedBlobs([VolatileDisk()], ErasureCode(1, 1)), BadParameter, "1 drives for 2"),
        (lambda s: ShardedBlobs([VolatileDisk()] * 2, ErasureCode(1, 1), zones=()), BadParameter, "zones"),
        (lambda s: ShardedBlobs([VolatileDisk()] * 2, ErasureCode(1, 1)).take_away(2), Misuse, "0 to 1"),
        (lambda s: Limits(writes=0), BadParameter, "writes"),
        (lambda s: Limits(split_after_s=0), BadParameter, "split_after_s"),
        (lambda s: KeyRanges(cuts=["b", "a"]), BadParameter, "rising"),
        (lambda s: KeyRanges(cuts=[""]), BadParameter, "rising"),
        (lambda s: KeyRanges(cuts=[1, "a"]), BadParameter, "give keys"),
        (lambda s: ErasureCode(2, 1).decode([b"a", b"b"], 2), BadParameter, "2 shards: give 3"),
        (lambda s: ErasureCode(2, 1).decode([b"a", None, b"bc"], 2), BadParameter, "of one size"),
        (lambda s: ErasureCode(2, 1).rebuild([b"a", None, b"b"], [3]), BadParameter, "0 to 2"),
        (lambda s: ErasureCode(2, 1).rebuild([b"a", None, b"b"], [-1]), BadParameter, "0 to 2"),
        (lambda s: KeyRanges().admit(0, "k", "lists"), BadParameter, "writes, reads"),
        (lambda s: NegativeCache(s, stale_us=-1), BadParameter, "stale_us"),
    ],
)
def test_misuse_is_told_and_changes_nothing(
    call: Callable[[JournaledStore], object], error: type[Exception], says: str
) -> None:
    store = store_of()
    store.put("there", b"as it was")
    with pytest.raises(error, match=says):
        call(store)
    if call is not closed:
        assert [facts.key for facts in every(store)] == ["there"]
        assert store.get("there").data == b"as it was"


# ------------------------------------------------------------------------------------------ damage and failing disks
def test_a_flipped_bit_is_found_and_other_objects_stay_readable() -> None:
    disk = VolatileDisk()
    store = JournaledStore(disk)
    store.put("good", b"good")
    before = set(disk.names())
    store.put("bad", b"b" * 40_000)
    name = next(name for name in disk.names() if name not in before)
    disk.flip(name, 20_000)
    with pytest.raises(Damaged, match=f"{name}, byte 16388"):
        store.get("bad")
    assert store.get("bad", first=0, size_bytes=16_384).data == b"b" * 16_384, "the first block is whole"
    assert store.get("good").data == b"good"
    with pytest.raises(Damaged, match="cannot be brought back"):
        store.repair()
    disk.remove(name)
    with pytest.raises(Damaged, match="missing"):
        store.get("bad")


def test_a_damaged_or_missing_journal_is_refused() -> None:
    disk = VolatileDisk()
    store = JournaledStore(disk, checkpoint_records=3)
    for number in range(8):
        store.put(f"k{number}", b"x")
    journal = next(name for name in disk.names() if name.endswith(".log"))
    disk.flip(journal, 30)
    with pytest.raises(Damaged, match=journal):
        JournaledStore(disk)
    disk.flip(journal, 30)
    content = disk.read(journal)
    disk.remove(journal)
    disk.append(journal, content[24 + int.from_bytes(content[:4], "big") :])
    with pytest.raises(Damaged):
        JournaledStore(disk)


class Full(VolatileDisk):
    """A disk that is full from some write on."""

    full = False

    def append(self, name: str, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().append(name, data)


def test_a_full_disk_may_have_happened_and_the_store_is_opened_anew() -> None:
    disk = Full()
    store = JournaledStore(disk)
    store.put("k", b"old")
    disk.full = True
    with pytest.raises(MayHaveHappened, match="No space left"):
        store.put("k", b"new")
    disk.full = False
    with pytest.raises(Refused, match="open it anew"):
        store.put("k", b"newer")
    assert JournaledStore(disk).get("k").data == b"old"


def test_real_files_hold_what_was_put(tmp_path: Any) -> None:
    disk = RealDisk(tmp_path)
    store = JournaledStore(disk)
    store.put("a", os.urandom(100_000))
    tag = store.put("b", b"b").etag
    disk.close()
    again = JournaledStore(RealDisk(tmp_path))
    assert again.head("a").size_bytes == 100_000
    assert again.head("b").etag == tag


def test_a_checkpoint_keeps_versions_and_open_uploads_and_shortens_the_journal() -> None:
    disk = VolatileDisk()
    store = JournaledStore(disk, part_bytes_min=1)
    store.keep_versions()
    for number in range(50):
        store.put("k", b"%d" % number)
    store.delete("k")
    upload = store.begin_upload("big")
    part = store.put_part(upload, 3, b"part")
    versions = store.versions()
    before = sum(disk.size_bytes(name) for name in disk.names() if name.endswith(".log"))
    store.checkpoint()
    again = JournaledStore(disk, part_bytes_min=1)
    after = sum(disk.size_bytes(name) for name in disk.names() if name.endswith(".log"))
    assert again.versions() == versions
    assert len(versions) == 51
    assert again.parts(upload) == (part,)
    assert again.complete(upload, [part]).size_bytes == 4
    assert after < before


# ------------------------------------------------------------------------------------------ codes and drives
@pytest.mark.parametrize(("data", "parity"), [(5, 4), (1, 2), (8, 3), (2, 1)])
def test_any_k_shards_bring_all_back_and_the_code_is_the_librarys(data: int, parity: int) -> None:
    code, content = ErasureCode(data, parity), Random(1).randbytes(data * 7 - min(3, data - 1))
    shards = code.encode(content)
    for column in range(len(shards[0])):
        word = bytes(shard[column] for shard in shards)
        assert bytes(RSCodec(parity, nsize=data + parity).encode(word[:data])) == word
    for lost in itertools.combinations(range(data + parity), parity):
        left = [None if number in lost else shard for number, shard in enumerate(shards)]
        assert code.decode(left, len(content)) == content
        assert code.rebuild(left, range(code.shards)) == shards
    with pytest.raises(Damaged, match=f"{data - 1} of {data + parity} shards"):
        code.decode([None] * (parity + 1) + shards[parity + 1 :], len(content))


def sharded(count: int = 9, recorder: Any = None) -> tuple[JournaledStore, ShardedBlobs]:
    more = {} if recorder is None else {"recorder": recorder}
    blobs = ShardedBlobs([VolatileDisk() for _ in range(count)], ErasureCode(5, 4), **more)
    return store_of(blobs=blobs), blobs


def test_a_zone_may_be_away_and_objects_are_read_and_put() -> None:
    store, blobs = sharded()
    data = Random(2).randbytes(100_001)
    store.put("before", data)
    for drive in (0, 3, 6):
        blobs.take_away(drive)
    assert {blobs.drives[drive].zone for drive in (0, 3, 6)} == {"a"}
    assert store.get("before").data == data
    assert store.get("before", first=70_000, size_bytes=9).data == data[70_000:70_009]
    store.put("meanwhile", data)
    for drive in (0, 3, 6):
        blobs.bring_back(drive)
    assert store.repair() == 3, "the shards that were not written meanwhile"
    assert store.repair() == 0


def test_a_put_is_refused_when_one_loss_more_would_lose_it_and_a_get_when_too_many_are_away() -> None:
    store, blobs = sharded()
    store.put("k", b"x" * 1_000)
    for drive in (0, 1, 2):
        blobs.take_away(drive)
    store.put("six are enough", b"x")
    blobs.take_away(3)
    with pytest.raises(Refused, match="5 of 9 drives"):
        store.put("five are not", b"x")
    assert store.get("k").data == b"x" * 1_000
    blobs.take_away(4)
    with pytest.raises(Damaged, match="4 of 9 shards"):
        store.get("k")
    blobs.bring_back(4)
    assert store.get("k").data == b"x" * 1_000
    assert [facts.key for facts in every(store)] == ["k", "six are enough"]


def test_bit_rot_is_repaired_from_the_other_shards() -> None:
    store, blobs = sharded()
    store.put("k", b"night" * 2_000)
    for drive in blobs.drives[:4]:
        drive.disk.flip(drive.disk.names()[0], 100)
    assert store.get("k").data == b"night" * 2_000
    assert store.repair() == 4
    for drive in blobs.drives[4:8]:
        drive.disk.remove(drive.disk.names()[0])
    assert store.get("k").data == b"night" * 2_000, "the repaired ones are good"


def test_an_empty_drive_in_the_place_of_a_dead_one_is_filled() -> None:
    store, blobs = sharded(count=12)
    for number in range(12):
        store.put(f"k{number}", b"%d" % number * 50)
    blobs.bring_back(4, VolatileDisk())
    assert store.repair() == 9, "twelve drives, nine shards each: a drive has nine of twelve"
    assert store.repair() == 0


def test_what_could_not_be_brought_back_is_named_and_all_else_is_repaired() -> None:
    store, blobs = sharded(count=18)
    for number in range(18):
        store.put(f"k{number}", b"%d" % number * 50)
    for drive in range(5):
        blobs.bring_back(drive, VolatileDisk())
    with pytest.raises(Damaged, match="cannot be brought back"):
        store.repair()
    lost = 0
    for number in range(18):
        try:
            assert store.get(f"k{number}").data == b"%d" % number * 50
        except Damaged:
            lost += 1
    assert lost == 5, "of those whose nine neighbours include all five"


def test_a_drive_that_was_away_does_not_bring_back_the_bytes_of_another_blob() -> None:
    disk, disks = VolatileDisk(), [VolatileDisk() for _ in range(9)]

    def opened() -> tuple[JournaledStore, ShardedBlobs]:
        blobs = ShardedBlobs(disks, ErasureCode(5, 4))
        return JournaledStore(disk, blobs=blobs), blobs

    store, blobs = opened()
    store._journal.keep(b"never acknowledged" * 9, 0)
    for _ in range(3):
        store, blobs = opened()
        blobs.take_away(0)
        store.put("k", b"acknowledged" * 9)
        blobs.bring_back(0)
        assert store.get("k").data == b"acknowledged" * 9


def test_a_range_reads_the_blocks_that_it_touches_and_a_degraded_one_k_shards() -> None:
    trace = Trace()
    store, blobs = sharded(recorder=trace)
    store.put("k", bytes(5 * 40_000))
    store.get("k", first=45_000, size_bytes=10)
    whole = sum(row.fields["size_bytes"] for row in trace.of("page_read"))
    assert whole == 16_384 + 4
    blobs.take_away(blobs.homes(next(iter(blobs.stored())))[1])
    store.get("k", first=45_000, size_bytes=10)
    degraded = sum(row.fields["used_bytes"] for row in trace.of("page_read")[1:])
    assert degraded == 5 * 40_000


# ------------------------------------------------------------------------------------------ ranges of keys
def test_a_range_gives_what_drips_in_and_its_neighbour_is_not_asked() -> None:
    line = KeyRanges(Limits(writes=10, burst_s=0.1, split_after_s=None), cuts=["m"])
    refused = 0
    for number in range(500):
        try:
            line.admit(number * SECOND_US // 50, f"a{number}", "writes")
        except SlowDown:
            refused += 1
    first, second = line.status()
    assert first.passed == pytest.approx(100, abs=2)
    assert refused == first.refused == 500 - first.passed
    assert second.passed == 0
    line.admit(10 * SECOND_US, "z", "writes")
    line.admit(10 * SECOND_US, "a", "reads")


def test_a_busy_range_is_cut_at_its_median_after_so_many_seconds_in_a_row() -> None:
    trace = Trace()
    line = KeyRanges(Limits(writes=10, burst_s=0.1, split_after_s=3), recorder=trace)
    for number in range(40 * 5):
        with suppress(SlowDown):
            line.admit(number * SECOND_US // 40, "abcd"[number % 4], "writes")
    assert [one.low for one in line.status()] == ["", "c"]
    cut = trace.of("shard")[0]
    assert cut.time_us == 3 * SECOND_US
    assert cut.fields["parents"] == "range-1"


def test_a_pause_begins_the_count_anew_and_a_single_key_is_never_cut() -> None:
    line = KeyRanges(Limits(writes=1, burst_s=1, split_after_s=2))
    for second in (0, 2, 4, 6, 8):
        for key in "ab" * 5:
            with suppress(SlowDown):
                line.admit(second * SECOND_US, key, "writes")
    assert len(line.status()) == 1
    for second in range(10, 20):
        for _ in range(10):
            with suppress(SlowDown):
                line.admit(second * SECOND_US, "a", "writes")
    assert len(line.status()) == 1
    assert median_key({}) is None


def test_a_refused_request_changed_nothing() -> None:
    store = store_of(ranges=KeyRanges(Limits(writes=1, burst_s=1)))
    store.put("a", b"first")
    with pytest.raises(SlowDown, match="wait, and try again"):
        store.put("a", b"second")
    assert store.get("a").data == b"first"
    store.put("a", b"second", now_us=SECOND_US)
    assert store.get("a", now_us=SECOND_US).data == b"second"
    assert store.status().requests == {"put": 3, "get": 2}


# ------------------------------------------------------------------------------------------ before December 2020
def test_who_asked_too_early_was_told_so_for_a_while() -> None:
    old, new = (NegativeCache(store_of(), stale_us=stale) for stale in (SECOND_US, 0))
    for front in (old, new):
        assert front.get(0, "k") is None
        assert front.keys(0) == ()
        front.put(1, "k", b"x")
    assert old.get(SECOND_US - 1, "k") is None
    assert old.keys(SECOND_US - 1) == ()
    assert old.get(SECOND_US, "k").data == b"x"
    assert old.keys(SECOND_US) == ("k",)
    assert new.get(1, "k").data == b"x"
    assert new.keys(1) == ("k",)


def test_a_cache_lists_every_page_at_the_time_it_is_asked() -> None:
    store = JournaledStore(VolatileDisk(), ranges=KeyRanges(Limits(writes=10_000, reads=2, burst_s=1)))
    front = NegativeCache(store, stale_us=0)
    for number in range(1_001):
        front.put(0, f"{number:04d}", b"")
    assert [front.get(0, "0000"), front.get(0, "0001")].count(None) == 0, "all that may be read in this second"
    assert len(front.keys(SECOND_US)) == 1_001


def test_a_list_by_folders_ends_whatever_the_keys_are() -> None:
    store = JournaledStore(VolatileDisk())
    last = chr(0x10FFFF)
    for key in ("a", "a/1", f"a/{last}", f"a/{last}x", f"a/{last * 255}x", "b"):
        store.put(key, b"")
    pages, after = [], ""
    while after is not None and len(pages) < 9:
        page = store.list(delimiter="/", after=after, limit=1)
        pages, after = [*pages, (*page.folders, *page.keys)], page.next_after
    assert pages == [("a",), ("a/",), ("b",)]


def test_what_is_told_of_an_object_is_the_readers_own() -> None:
    store = JournaledStore(VolatileDisk())
    store.put("k", b"", metadata={"night": "1"})
    for told in (store.head("k"), store.get("k")):
        told.metadata["night"] = "2"
    assert store.head("k").metadata == {"night": "1"}


class Unreadable(VolatileDisk):
    """A drive that answers every read with an error."""

    def read(self, *args: object, **given: object) -> bytes:
        raise OSError(5, "Input/output error")


def test_a_drive_that_cannot_be_read_is_as_good_as_lost() -> None:
    drives = [VolatileDisk() for _ in range(9)]
    blobs = ShardedBlobs(drives, ErasureCode(5, 4))
    store = JournaledStore(VolatileDisk(), blobs=blobs)
    store.put("night", b"435 minutes" * 50)
    for drive in range(4):
        blobs.drives[drive].disk = Unreadable()
    assert store.get("night").data == b"435 minutes" * 50


def test_a_drive_that_fails_at_a_write_lacks_a_shard_and_the_store_goes_on() -> None:
    drives = [Full() for _ in range(9)]
    store = JournaledStore(VolatileDisk(), blobs=ShardedBlobs(drives, ErasureCode(5, 4)))
    for drive in drives[:3]:
        drive.full = True
    store.put("night", b"435 minutes" * 50)
    store.put("night", b"417 minutes" * 50)
    assert store.get("night").data == b"417 minutes" * 50
    for drive in drives[:3]:
        drive.full = False
    assert store.repair() == 3
    assert store.repair() == 0


def test_a_put_that_too_many_drives_fail_at_is_not_acknowledged() -> None:
    drives, journal = [Full() for _ in range(9)], VolatileDisk()
    store = JournaledStore(journal, blobs=ShardedBlobs(drives, ErasureCode(5, 4)))
    for drive in drives[:4]:
        drive.full = True
    with pytest.raises(MayHaveHappened):
        store.put("night", b"435 minutes" * 50)
    assert JournaledStore(journal, blobs=ShardedBlobs(drives, ErasureCode(5, 4))).get("night") is None


def test_a_file_of_somebody_else_on_a_drive_is_let_be() -> None:
    disk, drives = VolatileDisk(), [VolatileDisk() for _ in range(9)]
    JournaledStore(disk, blobs=ShardedBlobs(drives, ErasureCode(5, 4))).put("night", b"435")
    drives[0].append("notes.txt", b"do not eject")
    again = JournaledStore(disk, blobs=ShardedBlobs(drives, ErasureCode(5, 4)))
    assert again.get("night").data == b"435"
    assert "notes.txt" in drives[0].names()
