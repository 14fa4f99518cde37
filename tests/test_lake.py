"""A table on plain files: what each promise of the log, of the table and of its upkeep means, and what is refused."""
from __future__ import annotations

import json
import threading
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Damaged, DsysLabError, MayHaveHappened, Misuse, Refused
from dsys_lab.stores.lake import (
    Add,
    CommitConflict,
    Fields,
    JsonLines,
    LakeTable,
    Protocol,
    Read,
    Remove,
    Snapshot,
    Stats,
    TableLog,
    Transaction,
    VersionGone,
    actions,
    after,
    conflict,
    partitions,
)
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.table import Between
from dsys_lab.structures.disk import PowerCut, VolatileDisk

NIGHTS = Fields.of("id long, minutes integer?, city string?")


def store():
    return JournaledStore(VolatileDisk())


def table(where=None, *, checkpoint_every=10, **more):
    log = TableLog(where or store(), "nights", JsonLines(), checkpoint_every=checkpoint_every)
    return LakeTable.create(log, NIGHTS, **more)


def again(other, writer="other"):
    """Somebody else at the same table."""
    return LakeTable(other.log, writer=writer)


def nights(*ids, minutes=400):
    return {"id": list(ids), "minutes": [minutes + one for one in ids], "city": ["Oslo"] * len(ids)}


def ids(one, **more):
    return sorted(one.read("id", **more).columns["id"])


# ------------------------------------------------------------------------------------------ actions and snapshots
def test_actions_come_back_as_they_were_written():
    told = (Protocol(), actions.Metadata("t", NIGHTS, 5, {"delta.appendOnly": "false"}),
            Add("part one.parquet", 10, 3, Stats(2, {"id": 1}, {"id": 9}, {"id": 0})),
            Remove("b", 4, changes_data=False),
            Transaction("loader", 17), actions.CommitInfo("WRITE", 9, {"mode": "Append"}))
    assert actions.decode(actions.encode(told)) == told


def test_words_that_are_not_known_are_left_alone():
    assert actions.decode(b'{"domainMetadata":{"domain":"d"}}\n{"add":null,"txn":{"appId":"a","version":1}}\n') == (
        Transaction("a", 1),)


@pytest.mark.parametrize("line", [b"{", b"[]", b"7", b'{"add":{"path":"a"}}', b'{"protocol":{}}', b"\xff"])
def test_what_is_no_action_is_damage_with_its_line(line):
    with pytest.raises(Damaged, match="line 2"):
        actions.decode(b'{"txn":{"appId":"a","version":1}}\n' + line)


@pytest.mark.parametrize(("line", "told"), [
    ({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}}, "reader version 3"),
    ({"metaData": {"id": "t", "format": {"provider": "parquet"}, "partitionColumns": [], "schemaString": json.dumps(
        {"fields": [{"name": "a", "type": {"type": "array"}, "nullable": True}]})}}, "'a'"),
])
def test_a_table_that_asks_for_more_is_refused(line, told):
    with pytest.raises(Refused, match=told):
        after(Snapshot(), 0, actions.decode(json.dumps(line).encode()))


PATHS = st.sampled_from("abcdef")
ACTIONS = st.one_of(
    st.builds(Add, PATHS, st.integers(1, 9)), st.builds(Remove, PATHS, st.integers(0, 9)),
    st.builds(Transaction, st.sampled_from("xy"), st.integers(0, 9)),
)


@given(st.lists(st.lists(ACTIONS, max_size=4), max_size=8), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_the_actions_of_a_snapshot_fold_to_it_and_it_can_be_folded_further(commits, cut):
    whole, early = Snapshot(), Snapshot()
    for number, commit in enumerate(commits):
        whole = after(whole, number, commit)
        if number < cut:
            early = after(early, number, commit)
    resumed = after(Snapshot(), early.version, early.actions())
    assert resumed == early
    for number, commit in list(enumerate(commits))[cut:]:
        resumed = after(resumed, number, commit)
    assert (resumed.files, resumed.tombstones, resumed.batches) == (whole.files, whole.tombstones, whole.batches)
    assert not resumed.files.keys() & resumed.tombstones.keys()


# ------------------------------------------------------------------------------------------ rows
def test_rows_come_back_from_every_version():
    one = table()
    one.append(nights(1, 2, 3))
    one.append(nights(4))
    one.delete(Between("id", 2, 3))
    assert [ids(one, version=version) for version in range(4)] == [[], [1, 2, 3], [1, 2, 3, 4], [1, 4]]
    assert [row["operation"] for row in one.history()] == ["CREATE TABLE", "WRITE", "WRITE", "DELETE"]
    assert one.status().rows == 2


def test_files_that_cannot_have_the_rows_are_not_opened():
    one = table()
    for first in (0, 10, 20):
        one.append(nights(*range(first, first + 10)))
    answer = one.read("city", where=Between("id", 12, 14))
    assert (answer.files_read, answer.files_skipped, answer.columns) == (1, 2, {"city": ["Oslo"] * 3})
    assert one.read(where=Between("id", 99, None)).files_read == 0


def test_a_column_of_nulls_passes_no_range_and_a_file_without_numbers_is_opened():
    stats = Stats(3, {}, {}, {"minutes": 3})
    assert not stats.may_hold(Between("minutes", 0, 9))
    assert stats.may_hold(Between("id", 0, 9))
    assert Stats().may_hold(Between("id", 0, 9))


def test_a_new_column_is_null_in_the_rows_that_are_there():
    one = table()
    one.append(nights(1))
    before = one.status().files
    one.add_columns("spo2 integer?")
    one.append({"id": [2], "spo2": [97]})
    assert sorted(one.read("id", "spo2").rows) == [(1, None), (2, 97)]
    assert one.status().files == before + 1


def test_a_compaction_changes_files_and_no_rows():
    one = table()
    for number in range(6):
        one.append(nights(number))
    one.compact()
    assert ids(one) == [0, 1, 2, 3, 4, 5]
    assert one.status().files == 1
    assert one.compact().tries == 0


def test_what_was_is_brought_back_by_a_new_version():
    one = table()
    one.append(nights(1, 2))
    one.append(nights(9, minutes=99_999))
    one.restore(1)
    assert ids(one) == [1, 2]
    assert one.status().version == 3
    assert ids(one, version=2) == [1, 2, 9]


# ------------------------------------------------------------------------------------------ partitions
def by_city(*, fields=NIGHTS, by=("city",)):
    one = LakeTable.create(TableLog(store(), "nights", JsonLines(), checkpoint_every=3), fields, partition_by=by)
    one.append({"id": [1, 2, 3, 4], "minutes": [410, 420, 430, 440], "city": ["Oslo", "Bergen", None, "Oslo"]})
    return one


def test_each_partition_has_files_of_its_own_and_the_others_are_not_opened():
    one = by_city()
    one.append({"id": [5], "city": ["Bergen"]})
    assert sorted(one.read().rows, key=str) == [
        (1, 410, "Oslo"), (2, 420, "Bergen"), (3, 430, None), (4, 440, "Oslo"), (5, None, "Bergen")]
    answer = one.read("id", where=Between("city", "Bergen", "Bergen"))
    assert (answer.rows, answer.files_read, answer.files_skipped) == ([(2,), (5,)], 2, 2)
    assert one.read("city", where=Between("city", "P", None)).rows == []
    files = [facts.key for facts in every(one.log.store, "nights/city")]
    assert {name.split("/")[1] for name in files} == {"city=Bergen", "city=Oslo", "city=__HIVE_DEFAULT_PARTITION__"}
    assert all(b"city" not in one.log.store.get(name).data for name in files)


def test_a_delete_of_a_partition_opens_no_file_and_one_within_it_writes_it_anew():
    one = by_city()
    before = one.log.store.status().requests["get"]
    one.delete(Between("city", "Bergen", "Bergen"))
    assert one.log.store.status().requests["get"] - before < 4, "the log, and nothing else"
    one.delete(Between("id", 4, 4))
    assert ids(one) == [1, 3]
    assert one.read("city", where=Between("id", 1, 1)).rows == [("Oslo",)]


def test_a_compaction_keeps_the_partitions_apart():
    one = by_city()
    one.append({"id": [5, 6], "city": ["Oslo", "Bergen"]})
    one.compact()
    assert one.status().files == 3
    assert ids(one) == [1, 2, 3, 4, 5, 6]
    assert one.compact().tries == 0


def test_writers_of_different_partitions_are_no_matter_to_each_other():
    one = by_city()
    seen = one.log.snapshot()
    one.append({"id": [9], "city": ["Bergen"]})
    assert again(one).delete(Between("city", "Oslo", "Oslo"), seen=seen).tries == 2
    with pytest.raises(CommitConflict, match="was added"):
        again(one).delete(Between("city", "Bergen", "Bergen"), seen=seen)


@pytest.mark.parametrize("wrong", [
    lambda: by_city(by="city"), lambda: by_city(by=["town"]), lambda: by_city(by=["city", "city"]),
    lambda: by_city(by=NIGHTS.names), lambda: by_city().append({"id": [5], "city": [""]}),
    lambda: by_city().read(where=Between("city", 1, 2)), lambda: by_city().delete(Between("city", 1, 2)),
])  # fmt: skip
def test_a_partition_that_is_none_is_refused(wrong):
    with pytest.raises(BadParameter):
        wrong()


def test_columns_that_are_added_and_versions_that_come_back_stay_partitioned():
    one = by_city()
    one.add_columns("spo2 integer?")
    one.append({"id": [5], "city": ["Oslo"], "spo2": [97]})
    one.restore(2)
    one.append({"id": [6], "city": ["Oslo"]})
    assert one.read("id", where=Between("city", "Oslo", "Oslo")).rows == [(1,), (4,), (6,)]


VALUES = {"long": st.integers(-(1 << 63), (1 << 63) - 1), "double": st.floats(allow_nan=False, allow_infinity=False),
          "boolean": st.booleans(), "string": st.sampled_from(["7", "a=b", "Łódź %"])}  # fmt: skip


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), st.none() | VALUES[kind])))
@settings(max_examples=30, deadline=None)
def test_a_value_comes_back_from_its_text(told):
    kind, value = told
    assert partitions.value_of(kind, partitions.text_of(value)) == value
    if value is not None and kind != "boolean":
        assert partitions.may_pass(partitions.text_of(value), Between("c", value, value))


# ------------------------------------------------------------------------------------------ upkeep
def test_a_vacuum_lets_old_versions_go_and_says_so_to_who_reads_them():
    one = table()
    one.append(nights(1, 2), now_ms=1)
    one.delete(Between("id", 1, 1), now_ms=10)
    old = one.log.snapshot(1)
    assert one.vacuum(now_ms=12, retention_ms=5).tombstones == ()
    assert len(one.vacuum(now_ms=15, retention_ms=5, dry_run=True).tombstones) == 1
    assert ids(one, version=1) == [1, 2], "a dry run deletes nothing"
    assert len(one.vacuum(now_ms=15, retention_ms=5).tombstones) == 1
    assert ids(one) == [2]
    for gone in (lambda: one.read(version=1), lambda: one.read_at(old), lambda: one.restore(1)):
        with pytest.raises(VersionGone, match="version 1 needs part-"):
            gone()


def test_a_file_without_a_commit_is_taken_once_it_is_known_to_be_as_old():
    one, put = table(), {"nights/part-00001-gone-00000.jsonl": 10}
    one.log.store.put("nights/part-00001-gone-00000.jsonl", b"{}\n")
    one.log.store.put("nights/part-of-another.jsonl", b"{}\n")
    assert one.vacuum(now_ms=99, retention_ms=0).orphans == ()
    assert one.vacuum(now_ms=14, retention_ms=5, written_ms=put.get).orphans == ()
    assert one.vacuum(now_ms=15, retention_ms=5, written_ms=put.get).orphans == ("part-00001-gone-00000.jsonl",)
    assert one.log.store.get("nights/part-of-another.jsonl"), "nobody knows how old it is"
    assert ids(one) == []


def test_a_snapshot_from_a_checkpoint_is_the_one_from_the_commits():
    one = table(checkpoint_every=4)
    for number in range(11):
        one.append(nights(number), batch=number)
    one.delete(Between("id", 3, 5))
    slow = TableLog(one.log.store, "nights", JsonLines())
    slow.store.delete("nights/_delta_log/_last_checkpoint")
    by_commits = slow.snapshot()
    one.log.checkpoint()
    assert one.log.snapshot() == by_commits
    assert ids(one, version=2) == [0, 1], "a version before the checkpoint is folded from the beginning"


def test_a_checkpoint_saves_gets():
    one = table(checkpoint_every=8)
    for number in range(19):
        one.append(nights(number))
    before = one.log.store.status().requests["get"]
    one.log.snapshot()
    assert one.log.store.status().requests["get"] - before == 2 + 19 % 8


@pytest.mark.parametrize("hint", [b"", b"{", b"7", b'{"version":999}', b'{"version":"x"}'])
def test_a_hint_that_leads_nowhere_is_none(hint):
    one = table(checkpoint_every=2)
    for number in range(4):
        one.append(nights(number))
    one.log.store.put("nights/_delta_log/_last_checkpoint", hint)
    assert ids(one) == [0, 1, 2, 3]


def test_a_commit_that_is_missing_is_damage_and_not_a_shorter_table():
    one = table()
    for number in range(4):
        one.append(nights(number))
    one.log.store.delete(one.log.key(2))
    with pytest.raises(Damaged, match="commit 2 of nights is missing"):
        one.read()


# ------------------------------------------------------------------------------------------ two writers
def test_two_appends_that_began_at_the_same_version_are_both_there():
    one = table()
    other, seen = again(one), one.log.snapshot()
    assert one.append(nights(1), seen=seen).tries == 1
    assert other.append(nights(2), seen=seen).tries == 2
    assert ids(one) == [1, 2]


def test_of_two_deletes_of_one_file_the_second_is_told():
    one = table()
    one.append(nights(1, 2, 3))
    seen = one.log.snapshot()
    one.delete(Between("id", 1, 1), seen=seen)
    with pytest.raises(CommitConflict, match="was removed"):
        again(one).delete(Between("id", 2, 2), seen=seen)
    assert ids(one) == [2, 3]


def test_a_delete_is_told_of_rows_that_it_should_have_deleted_and_not_of_others():
    one = table()
    one.append(nights(1, 2))
    seen = one.log.snapshot()
    one.append(nights(50))
    assert again(one).delete(Between("id", 1, 1), seen=seen).tries == 2
    seen = one.log.snapshot()
    one.append(nights(3))
    with pytest.raises(CommitConflict, match="was added"):
        again(one).delete(Between("id", 2, 9), seen=seen)


def test_a_compaction_goes_on_beside_an_append_and_not_beside_a_delete():
    one = table()
    one.append(nights(1, 2))
    one.append(nights(3))
    seen = one.log.snapshot()
    one.append(nights(4))
    assert again(one).compact(seen=seen).tries == 2
    assert ids(one) == [1, 2, 3, 4]
    seen = one.log.snapshot()
    one.delete(Between("id", 1, 1))
    with pytest.raises(CommitConflict):
        again(one).compact(seen=seen)


def test_nobody_writes_by_columns_that_are_no_longer_so():
    one = table()
    seen = one.log.snapshot()
    one.add_columns("spo2 integer?")
    with pytest.raises(CommitConflict, match="columns"):
        again(one).append(nights(1), seen=seen)
    with pytest.raises(CommitConflict):
        table(one.log.store)


def test_a_compaction_hides_no_rows_from_a_delete():
    files = [Remove("a", changes_data=False), Add("b", 1, stats=Stats(1, {"id": 1}, {"id": 1}), changes_data=False)]
    assert conflict([Remove("a")], Read(frozenset({"a"}), (Between("id", 1, 1),)), files) == (
        "a was removed, and this change read it")


def test_many_threads_that_append_lose_nothing():
    one, lock = table(), threading.Lock()

    class Locked:
        def __getattr__(self, verb):
            def ask(*given, **named):
                with lock:
                    return getattr(one.log.store, verb)(*given, **named)
            return ask

    def write(number):
        log = TableLog(Locked(), "nights", JsonLines(), checkpoint_every=4)
        for turn in range(5):
            LakeTable(log, writer=f"w{number}_{turn}").append(nights(number * 100 + turn))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(one) == sorted(number * 100 + turn for number in range(4) for turn in range(5))
    assert one.status().version == 20


# ------------------------------------------------------------------------------------------ crashes
class Deaf:
    """A store that does what it is asked and then does not answer, once."""

    def __init__(self, behind, key):
        self.behind, self.key = behind, key

    def __getattr__(self, verb):
        return getattr(self.behind, verb)

    def put(self, key, data, **more):
        told = self.behind.put(key, data, **more)
        if key.endswith(self.key):
            self.key = "nothing"
            raise MayHaveHappened("no answer")
        return told


@pytest.mark.parametrize("batch", [None, 5])
def test_without_an_answer_a_batch_is_there_once_and_rows_without_a_batch_are_there_twice(batch):
    one = table()
    deaf = LakeTable(TableLog(Deaf(one.log.store, "1.json"), "nights", JsonLines()), writer="loader")
    with pytest.raises(MayHaveHappened):
        deaf.append(nights(7), batch=batch)
    deaf.append(nights(7), batch=batch)
    assert ids(one) == ([7] if batch else [7, 7])


def test_a_batch_that_lost_its_answer_is_known_again_in_the_race():
    one = table(writer="loader")
    seen = one.log.snapshot()
    one.append(nights(1), batch=1, seen=seen)
    assert one.append(nights(1), batch=1, seen=seen).tries == 0
    assert ids(one) == [1]
    assert one.append(nights(0), batch=0).tries == 0, "an older batch was there before"


def work(disk, acknowledged):
    one = LakeTable(TableLog(JournaledStore(disk), "nights", JsonLines(), checkpoint_every=2), writer="w")
    if one.log.snapshot().version < 0:
        LakeTable.create(one.log, NIGHTS)
    steps = [lambda: one.append(nights(1, 2)), lambda: one.append(nights(3)), lambda: one.delete(Between("id", 2, 2)),
             one.compact, lambda: one.vacuum(now_ms=9, retention_ms=0)]
    for number, step in enumerate(steps):
        step()
        acknowledged.append(number)


TRUE_AFTER = [[], [1, 2], [1, 2, 3], [1, 3], [1, 3], [1, 3]]


def test_cut_short_at_any_step_a_change_is_there_wholly_or_not_at_all():
    whole = VolatileDisk()
    work(whole, [])
    orphans = 0
    for step in range(whole.steps + 1):
        disk, acknowledged = VolatileDisk(power_cut_before=step), []
        with suppress(PowerCut):
            work(disk, acknowledged)
        disk.crash(Random(step).random)
        opened = JournaledStore(disk)
        log = TableLog(opened, "nights", JsonLines(), checkpoint_every=2)
        if log.snapshot().version < 0:
            assert not acknowledged
            continue
        one = LakeTable(log)
        assert ids(one) in TRUE_AFTER[len(acknowledged):len(acknowledged) + 2]
        orphans += len(one.vacuum(now_ms=0, retention_ms=0, written_ms=lambda key: 0).orphans)
        one.append(nights(77))
        assert 77 in ids(one)
    assert orphans, "some cut must have come between a file and its commit"


# ------------------------------------------------------------------------------------------ what is refused
@pytest.mark.parametrize("wrong", [
    lambda one: one.append({"id": [None]}), lambda one: one.append({"id": ["1"]}),
    lambda one: one.append({"id": [True]}),
    lambda one: one.append({"id": [1 << 63]}), lambda one: one.append({"id": [1, 2], "minutes": [1]}),
    lambda one: one.append({"id": [1], "spo2": [97]}), lambda one: one.append([1]),
    lambda one: one.append({"minutes": [3]}),
    lambda one: one.append({"id": [1], "minutes": [1 << 31]}), lambda one: one.append({"id": [1], "minutes": [4.5]}),
    lambda one: one.delete(Between("spo2", 1, 2)), lambda one: one.read("spo2"), lambda one: one.read(version=9),
    lambda one: one.read(version=-1), lambda one: one.read(version=True), lambda one: one.restore(9),
    lambda one: one.vacuum(now_ms=0, retention_ms=-1), lambda one: one.compact(below_bytes=0),
    lambda one: one.add_columns("spo2 integer"), lambda one: one.add_columns("id long?"),
    lambda one: one.add_columns("spo2 u8?"), lambda one: LakeTable(one.log, writer="a/b"),
    lambda one: TableLog(one.log.store, "nights/", JsonLines()),
    lambda one: TableLog(one.log.store, "nights", JsonLines(), checkpoint_every=0),
    lambda one: Fields.of("id"), lambda one: Fields.of("a b c"), lambda one: Fields(()),
])
def test_a_wrong_call_is_refused_and_leaves_nothing(wrong):
    one = table()
    one.append(nights(1))
    before = [facts.key for facts in every(one.log.store)]
    with pytest.raises(Misuse):
        wrong(one)
    assert [facts.key for facts in every(one.log.store)] == before


def test_no_table_is_said():
    with pytest.raises(DsysLabError):
        LakeTable(TableLog(store(), "nowhere", JsonLines())).read()
    with pytest.raises(BadParameter, match="there is no table yet"):
        TableLog(store(), "nowhere", JsonLines()).snapshot(0)


def test_a_file_that_cannot_be_read_is_damage():
    one = table()
    one.append(nights(1))
    (path,) = one.log.snapshot().files
    one.log.store.put(f"nights/{path}", b"{")
    with pytest.raises(Damaged, match="copy"):
        one.read()


# ------------------------------------------------------------------------------------------ laws
@pytest.mark.parametrize("every_commits", [3, 8])
def test_the_law_of_the_log_is_what_a_reader_gets(every_commits):
    one = table(checkpoint_every=every_commits)
    one.log.snapshot()
    for number in range(12):
        before = one.log.store.status().requests["get"]
        version = one.log.snapshot().version
        assert one.log.store.status().requests["get"] - before == laws.log_gets(version, every_commits)
        one.append(nights(number))


@pytest.mark.parametrize("writers", [1, 2, 5])
def test_the_law_of_a_race_is_what_writers_try_who_all_began_at_once(writers):
    one = table()
    seen = one.log.snapshot()
    tries = [again(one, f"w{number}").append(nights(number), seen=seen).tries for number in range(writers)]
    assert sum(tries) == laws.race_tries(writers)
