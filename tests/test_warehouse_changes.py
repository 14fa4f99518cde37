"""Deletes, merges and losses keep the warehouse's promises: whole or not at all, and never a wrong answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter, Damaged, DidNotHappen, Refused
from dsys_lab.scenarios.column_store.processes import OneDies
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.table import Between
from dsys_lab.stores.warehouse import All, Cluster, Even, Key, ManagedStorage, Warehouse, digest
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import Trace

NIGHT = Schema.of("id u32?, day u16, minutes u16?, city text")
CITY = Schema.of("city text, country text")
PLAIN = {"id": "plain", "day": "plain", "minutes": "plain"}
BY_CITY = "SELECT country, count(*), sum(minutes) FROM night n JOIN city c ON n.city = c.city GROUP BY country"
ASKED = ("SELECT id, day, minutes, city FROM night", "SELECT city, count(*) FROM night GROUP BY city", BY_CITY)


def nights(first: int, rows: int, *, minutes: int = 400) -> dict[str, Any]:
    ids = list(range(first, first + rows))
    cities = ["Oslo", "Lima", "Århus"]
    return {"id": ids, "day": [n // 10 for n in ids], "minutes": [minutes + n % 7 for n in ids],
            "city": [cities[n % 3] for n in ids]}  # fmt: skip


def made(rows: int = 400, *, distribution: Any = None, cluster: Cluster | None = None, **more: Any) -> Warehouse:
    lab = Warehouse(cluster or Cluster(2, 2), block_bytes=128, **more)
    lab.create_table("night", NIGHT, distribution=distribution, sort_key=["day"], encodings=PLAIN)
    lab.create_table("city", CITY)
    lab.copy("night", [nights(0, rows)])
    lab.copy("city", [{"city": ["Oslo", "Lima", "Århus"], "country": ["NO", "PE", "DK"]}])
    return lab


def with_staging(lab: Warehouse, *files: dict[str, Any]) -> Warehouse:
    lab.create_table("staging", NIGHT)
    lab.copy("staging", files)
    return lab


def answers(lab: Warehouse) -> list[str]:
    return [lab.query(sql).digest() for sql in ASKED]


# --------------------------------------------------------------------------------------- delete looks as a query does


@pytest.mark.parametrize("distribution", [Even(), Key("id"), All()], ids=str)
def test_a_delete_reads_the_blocks_that_a_query_would_and_says_which(distribution: Any) -> None:
    told = [Trace(), Trace()]
    asked, changed = (made(1_000, distribution=distribution, recorder=trace) for trace in told)
    asked.query("SELECT count(day) FROM night WHERE day BETWEEN 10 AND 11")
    assert changed.delete("night", Between("day", 10, 11)) == 20
    read = [
        {(row.place, row.fields["page"]) for row in trace.of("page_read") if row.fields["file"] == "night.day"}
        for trace in told
    ]
    skipped = [len([row for row in trace.of("block_skip") if row.fields["file"] == "night.day"]) for trace in told]
    assert read[0] <= read[1], "of a table on every node a question reads one copy, a delete all"
    assert len(read[1]) < skipped[1]
    if not isinstance(distribution, All):
        assert (read[0], skipped[0]) == (read[1], skipped[1])


def test_a_delete_that_meets_no_zone_map_reads_nothing() -> None:
    trace = Trace()
    lab = made(recorder=trace)
    assert lab.delete("night", Between("day", 900, 999)) == 0
    assert not trace.of("page_read")


# --------------------------------------------------------------------------------------- staging and merge


@pytest.mark.parametrize("distribution", [Even(), Key("id"), All()], ids=str)
def test_a_load_that_came_twice_counts_once_after_a_merge(distribution: Any) -> None:
    twice, mended = made(distribution=distribution), made(distribution=distribution)
    before = answers(mended)
    twice.copy("night", [nights(100, 50)])
    assert twice.query("SELECT count(*) FROM night").rows == [(450,)]
    with_staging(mended, nights(100, 50))
    merged = mended.merge("night", "staging", on="id")
    assert (merged.updated, merged.inserted) == (50, 0)
    assert answers(mended) == before
    assert mended.status().tables["night"].rows == 400


def test_a_merge_changes_the_rows_that_are_there_and_adds_the_others() -> None:
    lab = with_staging(made(), nights(390, 20, minutes=100), {"id": [None], "day": [1], "minutes": [1], "city": ["x"]})
    told = lab.merge("night", "staging", on="id")
    assert (told.updated, told.inserted) == (10, 11)
    files = nights(0, 390), nights(390, 20, minutes=100)
    rows = [row for file in files for row in zip(*file.values(), strict=True)] + [(None, 1, 1, "x")]
    assert lab.query(ASKED[0]).digest() == digest(rows)
    lab.vacuum("night")
    assert lab.query(ASKED[0]).digest() == digest(rows)
    assert lab.query("SELECT count(*) FROM staging").rows == [(21,)]


def test_a_merge_by_text_reads_only_blocks_that_may_hold_a_key() -> None:
    trace = Trace()
    lab = Warehouse(Cluster(1, 1), block_bytes=128, recorder=trace)
    for name in ("t", "new"):
        lab.create_table(name, Schema.of("k text, v u8"), sort_key=["k"], encodings={"k": "plain"})
    lab.copy("t", [{"k": [f"{n:04}" for n in range(300)], "v": [0] * 300}])
    lab.copy("new", [{"k": ["0280", "0281", "9999"], "v": [1, 1, 1]}])
    lab.merge("t", "new", on="k")
    read, skipped = (
        [row for row in trace.of(kind) if row.fields["file"] == "t.k"] for kind in ("page_read", "block_skip")
    )
    assert 0 < len(read) < len(skipped)
    assert lab.query("SELECT v, count(*) FROM t GROUP BY v").rows == [(0, 298), (1, 3)]


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_merge_that_is_cut_off_anywhere_never_happened(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsys_lab.stores.warehouse.slices import Slice

    lab = with_staging(made(40), nights(30, 20, minutes=100))
    before = answers(lab)
    calls = 0

    def counted(real: Any) -> Any:
        def wrapped(self: Slice, *given: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == cut:
                raise KeyboardInterrupt
            return real(self, *given, **named)

        return wrapped

    with monkeypatch.context() as patched:
        patched.setattr(Slice, "deleted", counted(Slice.deleted))
        patched.setattr(Slice, "loaded", counted(Slice.loaded))
        with pytest.raises(KeyboardInterrupt):
            lab.merge("night", "staging", on="id")
    assert answers(lab) == before
    assert lab.status().tables["night"].rows == 40
    assert lab.merge("night", "staging", on="id").inserted == 10


@pytest.mark.parametrize(("wrong", "why"), [
    (lambda lab: lab.merge("night", "night", on="id"), "with itself"),
    (lambda lab: lab.merge("night", "city", on="id"), "other columns"),
    (lambda lab: lab.merge("night", "stagin", on="id"), "no table 'stagin'"),
    (lambda lab: lab.merge("nigth", "staging", on="id"), "no table 'nigth'"),
    (lambda lab: lab.merge("night", "staging", on="idd"), "did you mean id"),
    (lambda lab: lab.merge("night", "staging", on="day"), "day 40 stands 5 times"),
    (lambda lab: lab.analyze("x"), "no table 'x'"), (lambda lab: lab.blocks("x"), "no table 'x'"),
    (lambda lab: lab.drop_table("x"), "no table 'x'"), (lambda lab: lab.lose_slice(4), "slice 4: give 0 to 3"),
    (lambda lab: lab.lose_slice("1"), "slice '1'"),
])  # fmt: skip
def test_a_wrong_call_is_told_so_and_changes_nothing(wrong: Any, why: str) -> None:
    lab = with_staging(made(), nights(400, 5))
    before = answers(lab)
    with pytest.raises(BadParameter, match=why):
        wrong(lab)
    assert answers(lab) == before


def test_a_change_tells_which_blocks_it_wrote() -> None:
    trace = Trace()
    lab = Warehouse(Cluster(1, 1), block_bytes=200, recorder=trace)
    lab.create_table("t", Schema.of("day u16"), sort_key=["day"], encodings={"day": "plain"})
    lab.copy("t", [{"day": list(range(300))}])
    told = [len([row for row in trace.of("page_write") if row.fields["file"] == "t.day"])]
    lab.copy("t", [{"day": [300, 301]}])
    lab.copy("t", [{"day": [7]}])
    lab.vacuum("t")
    rows = [row for row in trace.of("page_write") if row.fields["file"] == "t.day"]
    assert told == [3]
    assert [(row.fields["page"], row.fields["source"]) for row in rows[3:]] == [
        (2, "sorted"), (3, "sorted"), (0, "unsorted"), (0, "sorted"), (1, "sorted"), (2, "sorted"), (3, "sorted"),
    ], "the last block is written anew"  # fmt: skip


# --------------------------------------------------------------------------------------- statistics


def test_a_planner_that_knows_old_counts_sends_more_and_answers_the_same() -> None:
    lab = Warehouse(Cluster(4, 1))
    lab.create_table("fact", Schema.of("k u32, x u32"))
    lab.create_table("dim", Schema.of("k u32, plan u8"))
    lab.copy("fact", [{"k": np.arange(20_000) % 9_000, "x": np.arange(20_000)}])
    lab.copy("dim", [{"k": [0], "plan": [1]}])
    lab.copy("dim", [{"k": np.arange(1, 30_000), "plan": np.arange(1, 30_000) % 3}])
    sql = "SELECT plan, count(*), sum(x) FROM fact f JOIN dim d ON f.k = d.k GROUP BY plan"
    stale = lab.query(sql)
    assert "XN Seq Scan on dim d  (rows=1)" in lab.explain(sql)
    lab.analyze("dim")
    fresh = lab.query(sql)
    assert (stale.label, fresh.label) == ("DS_BCAST_INNER", "DS_DIST_BOTH")
    assert stale.digest() == fresh.digest()
    assert stale.shuffled_bytes > 1.5 * fresh.shuffled_bytes
    assert stale.shuffled_bytes == laws.broadcast_bytes(30_000 * 5, 4)


# --------------------------------------------------------------------------------------- a slice is lost


@pytest.fixture
def storage() -> ManagedStorage:
    return ManagedStorage(JournaledStore(VolatileDisk()))


def test_what_a_lost_slice_held_comes_back_block_by_block_as_it_is_asked_for(storage: ManagedStorage) -> None:
    lab = made(storage=storage)
    expected = answers(lab)
    for at in range(lab.cluster.slices):
        lab.lose_slice(at)
    assert not any(block.is_here for block in lab.blocks("night"))
    narrow = "SELECT sum(minutes) FROM night WHERE day BETWEEN 10 AND 11"
    first, again = lab.query(narrow), lab.query(narrow)
    assert first.rows == again.rows == made().query(narrow).rows
    here = [block for block in lab.blocks("night") if block.is_here]
    assert 0 < first.fetched_bytes == sum(block.size_bytes for block in here)
    assert {block.column for block in here} <= {"day", "minutes"}
    assert len(here) < len(lab.blocks("night")) / 4
    assert again.fetched_bytes == 0
    assert answers(lab) == expected
    assert lab.status().lost == (0, 1, 2, 3)


def test_a_slice_may_be_lost_after_any_change_and_no_object_is_left_over(storage: ManagedStorage) -> None:
    lab, twin = made(60, storage=storage), made(60)
    changes: list[Any] = [
        lambda one: one.copy("night", [nights(20, 15)]), lambda one: one.delete("night", Between("day", 2, 3)),
        lambda one: with_staging(one, nights(10, 30, minutes=1)), lambda one: one.merge("city", "cities", on="city"),
        lambda one: one.vacuum("night"), lambda one: one.drop_table("cities"),
    ]  # fmt: skip
    for one in (lab, twin):
        one.create_table("cities", CITY)
        one.copy("cities", [{"city": ["Lima"], "country": ["Peru"]}])
    for number, change in enumerate(changes):
        for one in (lab, twin):
            change(one)
        lab.lose_slice(number % 4)
        lab.lose_slice((number + 1) % 4)
        assert answers(lab) == answers(twin)
    needed = sum(len(lab.blocks(name)) for name in lab.status().tables)
    assert len(list(every(storage.store))) == needed


def test_a_failed_load_leaves_what_was_there_before_a_loss(storage: ManagedStorage) -> None:
    lab = made(60, storage=storage)
    expected = answers(lab)
    with pytest.raises(BadParameter):
        lab.copy("night", [nights(60, 10), {**nights(70, 2), "day": [1, -1]}])
    for at in range(4):
        lab.lose_slice(at)
    assert answers(lab) == expected


def test_a_load_that_cannot_be_kept_never_happened(storage: ManagedStorage) -> None:
    lab = made(60, storage=storage)
    expected = answers(lab)
    real = storage.store
    storage.store = JournaledStore(VolatileDisk())
    storage.store.close()  # type: ignore[attr-defined]
    with pytest.raises((DidNotHappen, BadParameter)):
        lab.copy("night", [nights(60, 10)])
    storage.store = real
    assert answers(lab) == expected
    lab.copy("night", [nights(60, 10)])
    for at in range(4):
        lab.lose_slice(at)
    assert lab.query("SELECT count(*) FROM night").rows == [(70,)]


def test_without_storage_a_question_that_needs_what_is_lost_is_told_so() -> None:
    lab = made(distribution=Key("city"))
    whole = {slice_ for slice_ in range(4) if lab.status().tables["night"].rows_by_slice[slice_]}
    lab.lose_slice(min(whole))
    with pytest.raises(Damaged, match="is lost with its slice"):
        lab.query(ASKED[1])
    assert lab.query("SELECT count(day) FROM night WHERE day > 999").rows == [(0,)]


# --------------------------------------------------------------------------------------- a process dies


def test_a_process_that_is_killed_at_work_is_told_and_the_answer_is_the_same_with_another() -> None:
    lab = made(200)
    expected = answers(lab)
    executor = OneDies(7)
    lab.executor = executor
    with pytest.raises(Refused, match="process died at work"):
        lab.query(BY_CITY)  # four pieces of work send, four finish
    with pytest.raises(Refused, match="nothing changed"):
        lab.delete("night", Between("day", 2, 9))
    executor.shutdown()
    with ThreadPoolExecutor(1) as another:
        lab.executor = another
        assert answers(lab) == expected
        assert lab.delete("night", Between("day", 2, 9)) == 80
