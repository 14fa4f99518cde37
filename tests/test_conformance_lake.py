"""The model writes Delta tables that delta-rs and DuckDB read, and reads theirs; Iceberg's tree is as it is told."""
from __future__ import annotations

import os
import threading
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_stories import TWO_WRITERS, appended_by_threads

from dsys_lab import laws
from dsys_lab.engines.lakehouse import FolderStore, Parquet, ask
from dsys_lab.engines.lakehouse import flight_table as flight_tables
from dsys_lab.engines.lakehouse.delta import DeltaRs
from dsys_lab.engines.lakehouse.flight_table import flight_table, opened
from dsys_lab.engines.lakehouse.iceberg import IcebergTable
from dsys_lab.engines.lakehouse.layouts import layouts
from dsys_lab.engines.lakehouse.race import two_writers
from dsys_lab.errors import BadParameter, Damaged, Misuse, Refused
from dsys_lab.scenarios.lake_and_warehouse.river import ALL_SHAPES, documents
from dsys_lab.stores.lake import (
    CommitConflict,
    CommitInfo,
    Fields,
    LakeTable,
    Snapshot,
    TableLog,
    VersionGone,
)
from dsys_lab.stores.object_store import ConditionFailed, every
from dsys_lab.stores.table import Between
from dsys_lab.workloads import flights

FIELDS = Fields.of("id long, minutes integer?, hours double?, city string?, day date?, known boolean?, fw short?")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lake"


def model(folder, *, create=True, checkpoint_every=10):
    log = TableLog(FolderStore(folder), "nights", Parquet(), checkpoint_every=checkpoint_every)
    return LakeTable.create(log, FIELDS) if create else LakeTable(log, writer="again")


def engine(folder):
    return DeltaRs(folder / "nights")


def nights(*ids):
    return {
        "id": list(ids), "minutes": [None if one % 5 == 0 else 400 + one for one in ids],
        "hours": [one / 8 for one in ids], "city": [None if one % 3 == 0 else f"Łódź '{one}'" for one in ids],
        "day": [f"2017-01-{one % 28 + 1:02d}" for one in ids], "known": [one % 2 == 0 for one in ids],
        "fw": [1 + one % 3 for one in ids],
    }


def rows(columns):
    return sorted(zip(*([str(one) if name == "day" else one for one in values] for name, values in columns.items()),
                      strict=True))


# ------------------------------------------------------------------------------------------ one writes, the other reads
def test_what_the_model_writes_is_read_by_delta_rs_and_duckdb_at_every_version(folder):
    one = model(folder, checkpoint_every=3)
    one.append(nights(1, 2, 3))
    one.append(nights(4, 5))
    one.delete(Between("id", 2, 3))
    one.append(nights(6, 7))
    one.compact()
    other = engine(folder)
    assert other.version() == one.status().version == 5
    assert other.fields() == FIELDS
    for version in range(6):
        assert rows(other.read(version=version)) == rows(one.read(version=version).columns)
    assert other.operations() == [row["operation"] for row in one.history()]


def test_what_delta_rs_writes_is_read_by_the_model_at_every_version(folder):
    folder.mkdir()
    other = DeltaRs.create(folder / "nights", FIELDS)
    other.append(nights(1, 2, 3))
    other.append(nights(4, 5))
    other.delete(Between("id", 2, 4))
    other.checkpoint()
    other.append(nights(6))
    one = model(folder, create=False)
    for version in range(5):
        assert rows(one.read(version=version).columns) == rows(other.read(version=version))
    assert one.read(where=Between("id", 6, 6)).files_skipped >= 1, "their numbers of a file let it be skipped, too"


def test_the_model_begins_at_their_checkpoint_and_they_at_the_models(folder):
    one, other = model(folder, checkpoint_every=2), engine(folder)
    for number in range(1, 6):
        one.append(nights(number))
    one.delete(Between("id", 4, 4))
    for version in range(5):
        (folder / "nights" / "_delta_log" / f"{version:020d}.json").unlink()
    assert rows(other.read()) == rows(one.read().columns)
    other.append(nights(9))
    other.checkpoint()
    for version in range(8):
        (folder / "nights" / "_delta_log" / f"{version:020d}.json").unlink(missing_ok=True)
    assert sorted(one.read("id").columns["id"]) == [1, 2, 3, 5, 9]


def test_duckdb_asks_the_table_at_every_version(folder):
    one = model(folder)
    one.append(nights(1, 2))
    one.add_columns("spo2 integer?")
    one.append({"id": [3], "spo2": [97]})
    assert ask(one, "select count(*), max(spo2) from this") == [(3, 97)]
    assert ask(one, "select count(*) from this", version=1) == [(2,)]
    for wrong in (lambda: ask(one, "select spo3 from this"), lambda: ask(one, "select 1 from this", version=0)):
        with pytest.raises(BadParameter):
            wrong()


STEPS = st.lists(st.tuples(st.sampled_from(["append", "delete", "compact"]), st.booleans(), st.integers(0, 9)),
                 min_size=1, max_size=7)  # fmt: skip


@given(STEPS)
@settings(max_examples=8, deadline=None)
def test_both_may_write_in_turns(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("lake")
    one, expected = model(folder, checkpoint_every=3), []
    other = engine(folder)
    for do, ours, number in steps:
        who = one if ours else other
        if do == "append":
            who.append(nights(number, number + 10))
            expected += [number, number + 10]
        elif do == "delete":
            who.delete(Between("id", number, number + 2))
            expected = [one_id for one_id in expected if not number <= one_id <= number + 2]
        else:
            who.compact()
        assert sorted(one.read("id").columns["id"]) == sorted(expected) == sorted(other.read("id")["id"])
    other.close()


# ------------------------------------------------------------------------------------------ races and upkeep
def test_a_race_between_the_two_is_lost_by_who_comes_second(folder):
    one, other = model(folder), engine(folder)
    one.append(nights(1, 2, 3))
    seen = one.log.snapshot()
    other.delete(Between("id", 1, 1))
    with pytest.raises(CommitConflict, match="commit 2 was first"):
        one.delete(Between("id", 2, 2), seen=seen)
    before = other.version()
    one.delete(Between("id", 2, 2))
    with pytest.raises(CommitConflict, match="delta-rs"):
        other.delete(Between("id", 3, 3), seen=before)
    assert rows(other.read("id")) == rows(one.read("id").columns) == [(3,)]


def test_two_appends_go_through_whoever_is_first(folder):
    one, other = model(folder), engine(folder)
    seen = one.log.snapshot()
    other.append(nights(1))
    assert one.append(nights(2), seen=seen).tries == 2
    assert rows(other.read("id")) == [(1,), (2,)]


def test_of_two_writers_one_is_told_of_the_conflict(folder):
    assert [row["is told"] for row in two_writers(FolderStore(folder))] == TWO_WRITERS


def test_threads_that_append_at_once_lose_nothing(folder):
    assert appended_by_threads(FolderStore(folder)) == ([1, 2, 3, 4], [0, 1, 2, 3])


@pytest.mark.parametrize("by", ["model", "engine"])
def test_after_a_vacuum_of_either_neither_reads_the_old_version(folder, by):
    one, other = model(folder), engine(folder)
    one.append(nights(1, 2))
    one.delete(Between("id", 1, 1), now_ms=5)
    gone = one.vacuum(now_ms=5, retention_ms=0).tombstones if by == "model" else other.vacuum()
    assert len(gone) == 1
    assert rows(other.read("id")) == [(2,)]
    for read in (lambda: one.read(version=1), lambda: other.read(version=1)):
        with pytest.raises(VersionGone):
            read()


def test_a_table_of_theirs_that_asks_for_more_is_refused(folder):
    from deltalake import write_deltalake

    other = DeltaRs.create(folder / "nights", FIELDS)
    write_deltalake(str(folder / "times"), duckdb.sql("select timestamp '2017-01-01' as at"))
    with pytest.raises(Refused, match="not known here"):
        TableLog(FolderStore(folder), "times", Parquet()).snapshot()
    other.close()


CITIES = ["Oslo", None, "São Paulo/x", "a b=c%'\"", "Oslo"]
PARTED = {"id": [1, 2, 3, 4, 5], "city": CITIES, "day": ["2017-01-01", "2017-01-02"] * 2 + [None],
          "minutes": [400, None, 420, 430, 440]}  # fmt: skip
BY_CITY = Fields.of("id long, city string?, day date?, minutes integer?")


def test_a_partitioned_table_is_the_same_to_all_three_whoever_wrote_it(folder):
    log = TableLog(FolderStore(folder), "nights", Parquet(), checkpoint_every=3)
    one = LakeTable.create(log, BY_CITY, partition_by=["city", "day"])
    other = engine(folder)
    one.append(PARTED)
    other.append({**PARTED, "id": [6, 7, 8, 9, 10]})
    one.append({**PARTED, "id": [11, 12, 13, 14, 15]})
    ours = rows(one.read().columns)
    assert len(ours) == 15
    for theirs in (other.read(), dict(zip(BY_CITY.names, zip(*other.select("select * from this"), strict=True),
                                          strict=True)), dict(zip(BY_CITY.names, zip(*ask(one, "from this select id, "
                                          "city, day, minutes"), strict=True), strict=True))):  # fmt: skip
        assert rows({name: [None if v is None else v for v in values] for name, values in theirs.items()}) == ours
    oslo = one.read("id", where=Between("city", "Oslo", "Oslo"))
    assert sorted(oslo.columns["id"]) == [1, 5, 6, 10, 11, 15]
    assert (oslo.files_read, oslo.files_skipped) == (6, 9), "pruned by the values in the log, theirs as ours"
    one.compact()
    assert one.status().files == 5
    assert rows(one.read().columns) == rows(other.read()) == ours


def test_a_partitioned_table_of_theirs_is_read_deleted_from_and_written_by_the_model(folder):
    other = DeltaRs.create(folder / "nights", BY_CITY, partition_by=["city"])
    other.append(PARTED)
    other.checkpoint()
    one = LakeTable(TableLog(FolderStore(folder), "nights", Parquet()), writer="ours")
    assert rows(one.read().columns) == rows(other.read())
    one.delete(Between("city", "Oslo", "Oslo"))
    one.append({"id": [9], "city": ["Bergen"]})
    assert rows(other.read("id", "city")) == rows(one.read("id", "city").columns)
    assert sorted(other.select("select id from this")) == [(2,), (3,), (4,), (9,)]


def test_delta_rs_lets_a_drift_change_the_table_when_it_is_told_to_merge(folder):
    from deltalake import write_deltalake

    one = model(folder)
    one.append(nights(1))
    drifted = duckdb.sql("select 2::bigint as id, 97::integer as spo2")
    write_deltalake(str(folder / "nights"), drifted, mode="append", schema_mode="merge")
    assert one.log.snapshot().fields.names == (*FIELDS.names, "spo2")
    assert sorted(one.read("id", "spo2", "city").rows) == [(1, None, "Łódź '1'"), (2, 97, None)]


def test_delta_rs_writes_a_checkpoint_at_the_hundredth_commit(folder):
    one, other = model(folder, checkpoint_every=1_000), engine(folder)
    for version in range(98):
        one.log.commit(Snapshot(version), [CommitInfo("NOTHING")])
    other.append(nights(1))
    checkpoints = [path.name[:20] for path in (folder / "nights" / "_delta_log").glob("*.checkpoint.parquet")]
    assert checkpoints == [f"{99:020d}"]
    assert rows(one.read("id").columns) == [(1,)]


def test_delta_rs_takes_files_that_no_commit_names_in_its_full_mode_only(folder):
    from deltalake import DeltaTable

    one = model(folder)
    one.append(nights(1))
    one.log.store.put("nights/part-lost.parquet", b"")
    table = DeltaTable(str(folder / "nights"))
    found = [table.vacuum(0, enforce_retention_duration=False, full=full) for full in (False, True)]
    assert found == [[], ["part-lost.parquet"]]
    young = one.log.store.written_ms("nights/part-lost.parquet")
    for now_ms, orphans in ((young + 4, ()), (young + 5, ("part-lost.parquet",))):
        told = one.vacuum(now_ms=now_ms, retention_ms=5, written_ms=one.log.store.written_ms)
        assert told.orphans == orphans
    assert one.log.store.written_ms("nights/part-lost.parquet") is None


# ------------------------------------------------------------------------------------------ the codec and the folder
def test_rows_come_back_through_parquet():
    codec = Parquet()
    told = nights(*range(40))
    assert codec.decode(codec.encode(FIELDS, told), FIELDS, FIELDS.names) == told
    assert codec.decode(codec.encode(FIELDS, {name: [] for name in FIELDS.names}), FIELDS, ["id"]) == {"id": []}


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"x" * 60 + b"PAR1"])
def test_what_is_no_parquet_is_damage(data):
    with pytest.raises(Damaged, match="copy"):
        Parquet().decode(data, FIELDS, ["id"])
    with pytest.raises(Damaged):
        Parquet().decode_actions(data)


def test_of_many_threads_one_puts_the_absent_key(tmp_path):
    store, won, lost = FolderStore(tmp_path), [], []

    def put(number):
        try:
            store.put("log/0", b"%d" % number, if_absent=True)
            won.append(number)
        except ConditionFailed:
            lost.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert store.get("log/0").data == b"%d" % won[0]
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["0"], "nothing half is left"


def test_a_file_that_goes_while_it_is_listed_is_left_out(tmp_path, monkeypatch):
    store, stat = FolderStore(tmp_path), Path.stat
    store.put("a", b"1")
    store.put("b", b"2")

    def deleted_meanwhile(path, **given):
        if path.name == "a":
            raise FileNotFoundError(path)
        return stat(path, **given)

    monkeypatch.setattr(Path, "stat", deleted_meanwhile)
    assert [facts.key for facts in store.list().objects] == ["b"]


def test_a_folder_lists_page_by_page_in_order_and_forgets(tmp_path):
    store = FolderStore(tmp_path)
    for key in ("b/2", "a", "b/1", "b-"):
        store.put(key, b"x")
    assert [facts.key for facts in every(store, page_keys=2)] == ["a", "b-", "b/1", "b/2"]
    assert store.list("b/").keys == ("b/1", "b/2")
    store.delete("b/1")
    store.delete("b/1")
    assert store.get("b/1") is None
    assert store.get("b") is None


def test_a_list_walks_only_below_its_prefix(tmp_path, monkeypatch):
    store, walked, scandir = FolderStore(tmp_path), [], os.scandir
    for key in ("a/_log/1", "a/_log/2", "a/part-1", "ab/1", "b/c/1", "b/[x]/1"):
        store.put(key, b"x")
    monkeypatch.setattr(os, "scandir", lambda path: walked.append(Path(path).name) or scandir(path))
    told = {prefix: store.list(prefix).keys for prefix in ("a/_log/", "a/p", "a", "b/[x]/", "/a", "../", "nowhere/")}
    assert told == {"a/_log/": ("a/_log/1", "a/_log/2"), "a/p": ("a/part-1",),
                    "a": ("a/_log/1", "a/_log/2", "a/part-1", "ab/1"), "b/[x]/": ("b/[x]/1",),
                    "/a": (), "../": (), "nowhere/": ()}
    walked.clear()
    store.list("a/_log/")
    assert walked == ["_log"]


@pytest.mark.parametrize("key", ["", "../a", "/a", "a//b", "a/./b", "x.half", "a\\b", 7])
def test_a_key_that_leaves_the_folder_is_refused(tmp_path, key):
    with pytest.raises(Misuse):
        FolderStore(tmp_path).put(key, b"")


def test_delta_rs_refuses_what_does_not_fit(folder):
    other = DeltaRs.create(folder / "nights", FIELDS)
    for wrong in ({"id": ["1"]}, {"spo2": [97]}, {"id": [1, 2], "fw": [1]}):
        with pytest.raises(BadParameter):
            other.append(wrong)
    with pytest.raises(BadParameter):
        other.read("spo2")
    with pytest.raises(Refused):
        DeltaRs(folder / "nowhere").version()
    other.close()


# ------------------------------------------------------------------------------------------ layouts and real flights
def test_columns_and_files_that_are_skipped_multiply():
    told = layouts(documents(), ALL_SHAPES, first="2017-03-01", last="2017-03-07")
    read = [one["read"] for one in told.values()]
    assert read[0] > read[1] > read[2] > read[4]
    assert told["Parquet, files with all days"]["files"] == 1
    by_day = told["Parquet, files by day"]
    law = laws.read_share(by_day["columns"], by_day["files"]) * by_day["bytes"]
    assert by_day["read"] == pytest.approx(law, rel=0.25), "the columns are not the same share of every file"
    assert by_day["files"] < 0.4


def test_a_year_of_flights_is_a_table_that_delta_rs_reads(folder):
    table = flight_table(folder)
    february = table.read("dep_delay", where=Between("month", 2, 2))
    assert (february.files_read, february.files_skipped) == (1, 11)
    assert len(february.rows) == 24_951
    other = DeltaRs(folder / "flights")
    assert len(other.files()) == 12
    delays = other.read("dep_delay")["dep_delay"]
    assert len(delays) == flights.FILES["flights"].rows == table.status().rows
    assert delays.count(None) == flights.GAPS["cancelled"].count
    other.close()


def test_a_partition_serves_its_own_question_and_costs_the_others_files(folder, monkeypatch):
    first = dict(list(flight_tables.months().items())[:2])
    monkeypatch.setattr(flight_tables, "months", lambda: first)
    questions = {"October": Between("month", 10, 10), "United": Between("carrier", "UA", "UA")}
    united_flights = sum(told["carrier"].count("UA") for told in first.values())
    parted = flight_table(folder, name="parted", partition_by=["carrier"])
    october, united = opened({"parted": parted}, questions)
    assert (october["flights"], united["flights"]) == (len(first[10]["month"]), united_flights)
    assert united["files opened"] == 2
    assert 12 < october["files opened"] <= 16
    assert 28 < united["of"] <= 2 * 16
    told = ask(parted, "select count(*) from this where carrier = 'UA'")
    assert told == DeltaRs(folder / "parted").select("select count(*) from this where carrier = 'UA'")
    assert told == [(united_flights,)]


# ------------------------------------------------------------------------------------------ Iceberg
@pytest.fixture
def iceberg(tmp_path):
    one = IcebergTable(tmp_path / "ice", Fields.of("id long?, city string?"))
    yield one
    one.close()


def test_in_iceberg_a_column_is_its_number(iceberg):
    first = iceberg.append({"id": [1, 2], "city": ["Oslo", None]})
    iceberg.rename("id", "night")
    iceberg.add_column("id", "long")
    iceberg.append({"night": [3], "id": [9]})
    assert sorted(zip(iceberg.read()["night"], iceberg.read()["id"], strict=True)) == [(1, None), (2, None), (3, 9)]
    assert iceberg.read(snapshot=first) == {"id": [1, 2], "city": ["Oslo", None]}
    assert iceberg.fields.names == ("night", "city", "id")


def test_an_iceberg_table_is_a_tree_that_is_written_anew_at_its_top(iceberg):
    before = set(iceberg.metadata_files())
    iceberg.append({"id": [1]})
    new = sorted(name.split(".", 1)[1] for name in set(iceberg.metadata_files()) - before)
    assert new == ["avro", "avro", "metadata.json"]
    assert iceberg.read()["id"] == [1]


def test_an_iceberg_writer_that_comes_second_loses_no_rows(iceberg):
    seen = iceberg.table()
    iceberg.append({"id": [1]})
    iceberg.append({"id": [2]}, seen=seen)
    assert sorted(iceberg.read()["id"]) == [1, 2], "PyIceberg tries again by itself"


def test_iceberg_refuses_what_does_not_fit(iceberg, tmp_path):
    for wrong in ({"id": ["1"]}, {"spo2": [97]}):
        with pytest.raises(BadParameter):
            iceberg.append(wrong)
    with pytest.raises(BadParameter, match="byte"):
        IcebergTable(tmp_path / "other", Fields.of("id byte"))
