"""A log stream keeps what was put, in order by key, for everybody who asks, until it is too old."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from dsys_lab.brokers.log_stream import (
    HASHES,
    Entry,
    Limits,
    LogStream,
    Settings,
    Stored,
    Throttled,
    even_ranges,
    hash_of,
)
from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Misuse, Refused
from dsys_lab.structures import NEVER, Fsync, RealDisk, VolatileDisk
from dsys_lab.structures.part_of_disk import PartOfDisk
from dsys_lab.trace import Trace, lamp

S = 1_000_000
MIB = 1 << 20


def made(shards=1, *, disk=None, recorder=None, fsync=None, segment_bytes=1 << 20, **given):
    more = {"recorder": recorder} if recorder is not None else {}
    more |= {"fsync": fsync} if fsync is not None else {}
    settings = Settings(shards=shards, **{"limits": None, **given})
    return LogStream("nights", disk or VolatileDisk(), settings, segment_bytes=segment_bytes, **more)


def fill(stream, count, *, key="anna", every_us=S, begin=0):
    for number in range(begin, begin + count):
        stream.recorder.emit(number * every_us, "publish", "phone", f"m{number}", attempt=1)
        stream.put(number * every_us, Entry(f"m{number}", key, b"x" * 10))


def read_all(stream, now_us, shard, kind="TRIM_HORIZON", **given):
    page = stream.read(now_us, stream.iterator(now_us, shard, kind, **given))
    return [record.message for record in page.records]


# ------------------------------------------------------------------------------------------ keys and shards
def test_a_key_lies_where_its_md5_says_and_explicit_hashes_go_where_they_say():
    stream = made(4)
    for number in range(50):
        key = f"cart-{number}"
        quarter = int(hashlib.md5(key.encode()).hexdigest(), 16) >> 126
        assert stream.put(0, Entry("m", key)).shard == f"shard-00{quarter}"
    assert stream.put(0, Entry("m", "x", hash_key=HASHES - 1)).shard == "shard-003"
    assert stream.put(0, Entry("m", "x", hash_key=HASHES // 4)).shard == "shard-001"


@pytest.mark.parametrize("count", [1, 3, 7, 64])
def test_even_ranges_tile_all_hashes(count):
    ranges = even_ranges(count)
    assert (ranges[0].low, ranges[-1].high) == (0, HASHES)
    assert all(low.high == high.low for low, high in pairwise(ranges))
    sizes = [keys.high - keys.low for keys in ranges]
    assert max(sizes) - min(sizes) <= 1


def test_after_a_split_a_key_goes_on_with_higher_numbers_on_the_child_and_the_parent_says_where():
    stream = made()
    fill(stream, 3)
    below, above = stream.split(3 * S, "shard-000")
    child = below if hash_of("anna") < HASHES // 2 else above
    assert stream.put(4 * S, Entry("m3", "anna")) == Stored(child, 3)
    page = stream.read(4 * S, stream.iterator(4 * S, "shard-000", "TRIM_HORIZON"))
    assert (page.next, page.children) == (None, (below, above))
    assert [record.sequence for record in page.records] == [0, 1, 2]
    assert [(shard.name, shard.is_open, shard.parents) for shard in stream.shards()] == [
        ("shard-000", False, ()), (below, True, ("shard-000",)), (above, True, ("shard-000",))]


def test_a_merge_joins_neighbours_only_and_goes_on_above_both():
    stream = made(3)
    for number in range(9):
        stream.put(0, Entry(f"m{number}", "k", hash_key=0 if number % 3 else HASHES // 2))
    with pytest.raises(BadParameter, match="no neighbours"):
        stream.merge(0, "shard-000", "shard-002")
    child = stream.merge(0, "shard-001", "shard-000")
    assert stream.put(0, Entry("m9", "k", hash_key=5)) == Stored(child, 6)
    assert stream.shards()[-1].parents == ("shard-001", "shard-000")


@pytest.mark.parametrize("at", [0, HASHES, -1])
def test_a_split_leaves_none_empty(at):
    with pytest.raises(BadParameter, match="so that both get some"):
        made().split(0, "shard-000", at)


def test_a_closed_shard_is_not_split_or_merged_again():
    stream = made(2)
    stream.split(0, "shard-000")
    for again in (lambda: stream.split(1, "shard-000"), lambda: stream.merge(1, "shard-000", "shard-001")):
        with pytest.raises(Refused, match="its keys went to shard-002, shard-003"):
            again()


# ------------------------------------------------------------------------------------------ positions
def test_each_kind_of_iterator_begins_where_its_name_says():
    stream = made()
    fill(stream, 6)
    names = [f"m{number}" for number in range(6)]
    assert read_all(stream, 6 * S, "shard-000") == names
    assert read_all(stream, 6 * S, "shard-000", "LATEST") == []
    assert read_all(stream, 6 * S, "shard-000", "AT_SEQUENCE_NUMBER", sequence=2) == names[2:]
    assert read_all(stream, 6 * S, "shard-000", "AFTER_SEQUENCE_NUMBER", sequence=2) == names[3:]
    assert read_all(stream, 6 * S, "shard-000", "AT_TIMESTAMP", at_us=4 * S) == names[4:]
    assert read_all(stream, 6 * S, "shard-000", "AT_TIMESTAMP", at_us=4 * S + 1) == names[5:]
    assert read_all(stream, 6 * S, "shard-000", "AT_TIMESTAMP", at_us=9 * S) == []


def test_pages_tile_a_shard_and_say_how_far_behind_they_are():
    stream = made()
    fill(stream, 10)
    iterator, sequences, behind = stream.iterator(10 * S, "shard-000", "TRIM_HORIZON"), [], []
    for _ in range(4):
        page = stream.read(10 * S, iterator, limit=3)
        sequences += [record.sequence for record in page.records]
        behind.append(page.behind_us)
        iterator = page.next
    assert sequences == list(range(10))
    assert behind == [7 * S, 4 * S, 1 * S, 0]


def test_reading_changes_nothing_for_anybody_else():
    stream = made()
    fill(stream, 5)
    iterator = stream.iterator(5 * S, "shard-000", "TRIM_HORIZON")
    assert stream.read(5 * S, iterator).records == stream.read(5 * S, iterator).records
    assert stream.status().stored == 5


def test_a_page_holds_no_more_than_ten_mebibytes_but_always_one_record():
    stream = made(record_max_bytes=10 * MIB)
    for size in (6, 5, 4, 10):
        stream.put(0, Entry("m", "k", b"x" * (size * MIB - 1)))
    iterator, counts = stream.iterator(0, "shard-000", "TRIM_HORIZON"), []
    while (page := stream.read(0, iterator)).records:
        counts.append(len(page.records))
        iterator = page.next
    assert counts == [1, 2, 1]


def test_an_iterator_expires_and_a_new_one_goes_on():
    stream = made()
    fill(stream, 2)
    iterator = stream.iterator(2 * S, "shard-000", "TRIM_HORIZON")
    assert stream.read(302 * S, iterator).records
    with pytest.raises(Refused, match="ask anew"):
        stream.read(303 * S, iterator)


# ------------------------------------------------------------------------------------------ retention
def test_at_its_retention_a_record_is_gone_and_who_was_too_slow_learns_how_many():
    trace = Trace()
    stream = made(recorder=trace, retention_s=100)
    fill(stream, 5)
    slow = stream.iterator(5 * S, "shard-000", "TRIM_HORIZON")
    assert read_all(stream, 100 * S - 1, "shard-000") == ["m0", "m1", "m2", "m3", "m4"]
    assert read_all(stream, 102 * S, "shard-000") == ["m3", "m4"]
    page = stream.read(102 * S, slow)
    assert (page.skipped, [record.message for record in page.records]) == (3, ["m3", "m4"])
    assert stream.status().expired == 3
    assert [(row.message, row.fields["age_us"]) for row in trace if row.kind == "expire"] == [
        ("m0", 102 * S), ("m1", 101 * S), ("m2", 100 * S)]
    assert lamp(trace, "conservation").held


def test_whole_segments_go_and_numbers_stay():
    disk = VolatileDisk()
    stream = made(disk=disk, retention_s=50, segment_bytes=300)
    fill(stream, 200)
    assert stream.shards()[0].segments <= 15
    reopened = LogStream("nights", disk, now_us=200 * S)
    page = reopened.read(200 * S, reopened.iterator(200 * S, "shard-000", "TRIM_HORIZON"))
    assert [record.sequence for record in page.records] == list(range(151, 200))


def test_a_longer_retention_brings_nothing_back_not_even_after_a_restart():
    disk = VolatileDisk()
    stream = made(disk=disk, retention_s=10)
    fill(stream, 20)
    stream.set_retention(20 * S, 1_000)
    kept = read_all(stream, 20 * S, "shard-000")
    assert kept == [f"m{number}" for number in range(11, 20)]
    assert read_all(LogStream("nights", disk, now_us=20 * S), 20 * S, "shard-000") == kept
    stream.set_retention(21 * S, 3)
    assert read_all(stream, 21 * S, "shard-000") == ["m19"]


def test_a_closed_shard_leaves_with_its_last_record_and_its_files_with_it():
    disk = VolatileDisk()
    stream = made(disk=disk, retention_s=100)
    fill(stream, 3)
    stream.split(50 * S, "shard-000")
    stream.tick(150 * S - 1)
    assert len(stream.shards()) == 3
    assert stream.deadline_us() == 150 * S
    stream.tick(150 * S)
    assert [(shard.name, shard.parents) for shard in stream.shards()] == [("shard-001", ()), ("shard-002", ())]
    assert not [name for name in disk.names() if name.startswith("shard-000")]
    assert len(LogStream("nights", disk, now_us=151 * S).shards()) == 2


# ------------------------------------------------------------------------------------------ syncs
def test_one_sync_a_shard_serves_a_call_of_many():
    disk = VolatileDisk()
    stream = made(4, disk=disk)
    before = disk.steps
    answers = stream.put_many(0, [Entry(f"m{number}", f"k{number}") for number in range(100)])
    touched = {answer.shard for answer in answers}
    assert len(touched) == 4
    assert disk.steps - before == 100 + len(touched)


def test_under_group_commit_nobody_reads_or_is_told_what_is_not_durable():
    trace = Trace()
    stream = made(fsync=Fsync(after_s=0.01), recorder=trace)
    first, second = stream.put(0, Entry("m1", "k")), stream.put(4_000, Entry("m2", "k"))
    assert not stream.is_durable(first)
    assert read_all(stream, 5_000, "shard-000") == []
    latest = stream.iterator(5_000, "shard-000", "LATEST")
    assert not [row for row in trace if row.kind == "append"]
    assert stream.deadline_us() == 10_000
    stream.tick(10_000)
    assert stream.is_durable(first)
    assert stream.is_durable(second)
    assert [record.message for record in stream.read(10_000, latest).records] == ["m1", "m2"]
    assert [row.message for row in trace if row.kind == "append"] == ["m1", "m2"]


def test_it_takes_up_in_a_real_folder(tmp_path):
    for day in range(3):
        disk = RealDisk(tmp_path)
        stream = LogStream("nights", disk, Settings(shards=2), now_us=day * S)
        stream.put(day * S, Entry(f"m{day}", "anna", bytes([day])))
        disk.close()
    stream = LogStream("nights", RealDisk(tmp_path), now_us=3 * S)
    page = stream.read(3 * S, stream.iterator(3 * S, stream.put(3 * S, Entry("m3", "anna")).shard, "TRIM_HORIZON"))
    assert [(record.message, record.data) for record in page.records] == [
        ("m0", b"\x00"), ("m1", b"\x01"), ("m2", b"\x02"), ("m3", b"")]


def test_a_failing_disk_stops_the_shard_and_does_not_lose_what_was_durable(monkeypatch):
    stream = made()
    fill(stream, 2)
    monkeypatch.setattr(VolatileDisk, "sync", lambda *_: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(MayHaveHappened, match="disk failed at records 2 to 2"):
        stream.put(2 * S, Entry("m2", "anna"))
    with pytest.raises(Refused, match="open it anew"):
        stream.put(2 * S, Entry("m3", "anna"))
    assert read_all(stream, 2 * S, "shard-000") == ["m0", "m1"]


def test_damage_is_named_with_its_file():
    disk = VolatileDisk()
    stream = made(disk=disk)
    fill(stream, 3)
    disk.flip("shard-000.00000000000000000000.log", 30)
    with pytest.raises(Damaged, match=r"shard-000.0+\.log, byte 0: record 0"):
        read_all(stream, 3 * S, "shard-000")
    with pytest.raises(Damaged):
        LogStream("nights", disk)


# ------------------------------------------------------------------------------------------ limits
def test_over_a_limit_a_record_is_turned_away_for_itself_alone():
    stream = made(2, limits=Limits(write_records=3))
    entries = [Entry(f"m{number}", "k", hash_key=0 if number % 4 else HASHES - 1) for number in range(8)]
    answers = stream.put_many(0, entries)
    assert [type(answer) for answer in answers] == [Stored] * 5 + [Throttled] * 3
    assert answers[5] == Throttled("shard-000", "write records")
    retried = stream.put_many(S, [entry for entry, answer in zip(entries, answers, strict=True)
                                  if isinstance(answer, Throttled)])
    assert [answer.sequence for answer in retried] == [3, 4, 5]
    assert stream.status().throttled == 3


def test_reads_share_a_shards_five_calls():
    stream = made(limits=Limits())
    iterator = stream.iterator(0, "shard-000", "TRIM_HORIZON")
    answers = [stream.read(0, iterator) for _ in range(6)]
    assert answers[5] == Throttled("shard-000", "read calls")
    assert Throttled not in map(type, answers[:5])
    assert not isinstance(stream.read(200_000, iterator), Throttled)


def test_after_a_full_page_the_shard_reads_nothing_for_five_seconds():
    stream = made(limits=Limits(write_bytes=100 * MIB), record_max_bytes=10 * MIB)
    for _ in range(3):
        stream.put(0, Entry("m", "k", b"x" * (6 * MIB)))
    page = stream.read(0, stream.iterator(0, "shard-000", "TRIM_HORIZON"))
    assert len(page.records) == 1
    assert stream.read(5 * S - 1, page.next) == Throttled("shard-000", "read bytes")
    assert len(stream.read(5 * S, page.next).records) == 1


# ------------------------------------------------------------------------------------------ wrong calls
@pytest.mark.parametrize(("call", "words"), [
    (lambda stream: stream.put(9, Entry("m", "")), "give 1 to 256 characters"),
    (lambda stream: stream.put(9, Entry("m", "k" * 257)), "give 1 to 256 characters"),
    (lambda stream: stream.put(9, Entry("m", "k", "text")), "data as bytes"),
    (lambda stream: stream.put(9, Entry("m", "k", b"x" * MIB)), "1,048,577 bytes with its key: give up to 1,048,576"),
    (lambda stream: stream.put(9, Entry("m", "k", hash_key=HASHES)), "hash_key"),
    (lambda stream: stream.put_many(9, []), "0 records"),
    (lambda stream: stream.put_many(9, [Entry("m", "k")] * 501), "501 records"),
    (lambda stream: stream.put_many(9, [Entry("m", "k", b"x" * (MIB - 1))] * 11), "give 1 to 500"),
    (lambda stream: stream.iterator(9, "shard-007", "LATEST"), "shard = 'shard-007': give one of shard-000"),
    (lambda stream: stream.iterator(9, "shard-000", "NEWEST"), "kind = 'NEWEST': give one of TRIM_HORIZON"),
    (lambda stream: stream.iterator(9, "shard-000", "AT_TIMESTAMP"), "at_us with AT_TIMESTAMP"),
    (lambda stream: stream.iterator(9, "shard-000", "LATEST", sequence=1), "and neither with the others"),
    (lambda stream: stream.iterator(9, "shard-000", "AT_SEQUENCE_NUMBER", sequence=1), "give 0 to 0"),
    (lambda stream: stream.read(9, stream.iterator(9, "shard-000", "LATEST"), limit=0), "limit = 0: give 1 to 10,000"),
    (lambda stream: stream.set_retention(9, 0), "retention_s = 0"),
    (lambda stream: stream.tick(0), "time cannot run back"),
])  # fmt: skip
def test_a_wrong_call_says_what_is_allowed_and_changes_nothing(call, words):
    stream = made()
    stream.put(5, Entry("m0", "k"))
    with pytest.raises(Misuse, match=words):
        call(stream)
    assert (stream.status().stored, stream.status().put) == (1, 1)


@pytest.mark.parametrize("wrong", [{"shards": 0}, {"retention_s": 0}, {"record_max_bytes": 11 * MIB},
                                   {"iterator_life_s": 0}])
def test_settings_that_no_stream_has_are_refused(wrong):
    with pytest.raises(BadParameter, match=next(iter(wrong))):
        Settings(**wrong)


def test_another_stream_on_the_same_disk_is_refused():
    disk = VolatileDisk()
    made(2, disk=disk)
    with pytest.raises(BadParameter, match="was made with"):
        LogStream("nights", disk, Settings(shards=3))


def test_a_part_of_a_disk_sees_its_own_files_only(tmp_path):
    for disk in (VolatileDisk(), RealDisk(tmp_path)):
        one, two = PartOfDisk(disk, "one."), PartOfDisk(disk, "two.")
        one.append("f", b"abc")
        two.write("f", 1, b"z")
        assert (one.names(), one.read("f", 1, 1), two.read("f"), two.size_bytes("f")) == (["f"], b"b", b"\x00z", 2)
        one.cut("f", 1)
        one.sync("f")
        one.sync_names()
        two.remove("f")
        assert (disk.names(), one.read("f")) == (["one.f"], b"a")


def test_nothing_is_synced_unasked_under_never():
    disk = VolatileDisk()
    stream = made(disk=disk, fsync=NEVER)
    stored = stream.put(0, Entry("m", "k"))
    assert not stream.is_durable(stored)
    stream.sync(1)
    assert stream.is_durable(stored)
