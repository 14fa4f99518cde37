"""The power goes at every step of a workload of transactions: what was committed is there, of the others nothing is."""
from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from random import Random

import pytest

from dsys_lab.errors import Damaged, DsysLabError, MayHaveHappened
from dsys_lab.stores.relational import Done, Failed, RelationalDatabase, Rows, Waits
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.page import PAGE_BYTES, Page
from dsys_lab.trace import Trace

Books = dict[int, tuple[int, str]]
CREATE = "CREATE TABLE beds (id integer PRIMARY KEY, free integer NOT NULL, note text)"
LONG = "n" * 700


def opened(disk: VolatileDisk, **settings: object) -> RelationalDatabase:
    return RelationalDatabase(disk, pool=BufferPool(32), **settings)  # type: ignore[arg-type]


def workload() -> Iterator[tuple[str, str, dict[int, tuple[int, str] | None]]]:
    """Who says what, and what it will have done to the books when it commits."""
    yield "ada", CREATE, {}
    for first in range(0, 20, 10):
        rows = dict.fromkeys(range(first, first + 10), (3, LONG))
        yield "ada", f"INSERT INTO beds VALUES {', '.join(f'({key}, 3, {LONG!r})' for key in rows)}", rows
    yield "ada", "CREATE INDEX by_free ON beds (free)", {}
    yield "ada", "CHECKPOINT", {}
    yield "ada", "BEGIN", {}
    yield "ben", "BEGIN ISOLATION LEVEL SERIALIZABLE", {}
    yield "ada", "UPDATE beds SET free = free - 1 WHERE id = 1", {1: (2, LONG)}
    yield "ben", "UPDATE beds SET free = 7, note = 'short' WHERE id = 2", {2: (7, "short")}
    yield "ada", "DELETE FROM beds WHERE id = 3", {3: None}
    yield "ben", "INSERT INTO beds VALUES (100, 1, 'new')", {100: (1, "new")}
    yield "ben", "COMMIT", {}
    yield "ada", "UPDATE beds SET free = 0 WHERE id = 2", {2: (0, "short")}
    yield "ada", "COMMIT", {}
    yield "cem", "BEGIN", {}
    yield "cem", "UPDATE beds SET free = 99 WHERE id > 14", dict.fromkeys(range(15, 20), (99, LONG))
    yield "cem", "ROLLBACK", {}
    yield "ada", "VACUUM beds", {}
    yield "ada", "UPDATE beds SET free = 5 WHERE id >= 15 AND id < 100", dict.fromkeys(range(15, 20), (5, LONG))
    yield "cem", "BEGIN", {}
    yield "cem", "UPDATE beds SET free = 98 WHERE id < 5", {}  # stays open
    yield "ada", "CHECKPOINT", {}
    yield "ada", "UPDATE beds SET free = 6 WHERE id = 19", {19: (6, LONG)}
    yield "ada", "VACUUM", {}


def run(disk: VolatileDisk) -> tuple[Books, Books]:
    """Run the workload until the power goes; return what was committed, and what the commit in flight would add."""
    acked: Books = {}
    inside: dict[str, dict[int, tuple[int, str] | None]] = {}
    after = acked
    try:
        database = opened(disk, checkpoint_bytes=30_000)
        sessions = {name: database.session(name) for name in ("ada", "ben", "cem")}
        for who, sql, effect in workload():
            ends = sql == "COMMIT" or who not in inside
            effects = {**inside.get(who, {}), **effect}
            after = applied(acked, effects) if ends else acked
            answer = sessions[who].execute(sql)
            assert isinstance(answer, Done), (sql, answer)
            acked = after
            if sql.startswith("BEGIN"):
                inside[who] = {}
            elif sql in {"COMMIT", "ROLLBACK"}:
                del inside[who]
            elif who in inside:
                inside[who] = effects
    except PowerCut:
        pass
    return acked, after


def applied(books: Books, effects: dict[int, tuple[int, str] | None]) -> Books:
    merged = {**books, **effects}
    return {key: row for key, row in merged.items() if row is not None}


def stored(database: RelationalDatabase) -> Books:
    if "beds" not in database.catalogue.tables:
        return {}
    answer = database.session("looks").execute("SELECT id, free, note FROM beds")
    assert isinstance(answer, Rows)
    database.session("looks too").close()
    return {key: (free, note) for key, free, note in answer.rows}  # type: ignore[misc]


DISK = VolatileDisk()
THROUGH, _ = run(DISK)
STEPS_IN_ALL = DISK.steps


def test_the_workload_gets_through_and_says_what_it_did() -> None:
    disk = VolatileDisk()
    run(disk)
    assert stored(opened(disk)) == THROUGH
    assert len(THROUGH) == 20
    assert STEPS_IN_ALL > 100


@pytest.mark.parametrize("seed", range(2))
def test_after_a_power_cut_at_every_step_the_committed_is_there_and_nothing_else(seed: int) -> None:
    for step in range(seed, STEPS_IN_ALL + 1, 1 + 2 * seed):  # every step with one luck, a third of them with another
        disk = VolatileDisk(power_cut_before=step)
        acked, after = run(disk)
        disk.crash(Random(f"{seed}/{step}").random)
        database = opened(disk)
        assert stored(database) in (acked, after), f"before step {step}"
        assert database.violations() == []
        if "beds" not in database.catalogue.tables:
            database.session("ada").execute(CREATE)
        assert database.session("ben").execute("INSERT INTO beds VALUES (999, 1, 'after')") == Done("INSERT", 1)
        assert database.session("cem").execute("VACUUM").verb == "VACUUM"  # type: ignore[union-attr]
        assert database.violations() == []
        assert database.status().tables["beds"].dead == 0


def test_a_power_cut_during_recovery_changes_nothing() -> None:
    for step in range(5, STEPS_IN_ALL, 11):
        disk = VolatileDisk(power_cut_before=step)
        acked, after = run(disk)
        disk.crash(Random(step).random)
        for again in range(1, 40, 5):
            disk.power_cut_before = disk.steps + again
            try:
                opened(disk).checkpoint()
            except PowerCut:
                disk.crash(Random(f"{step}/{again}").random)
        disk.power_cut_before = None
        assert stored(opened(disk)) in (acked, after)


# ------------------------------------------------------------------------------------------------------ the torn page


def torn(disk: VolatileDisk, luck: int, **settings: object) -> bool:
    """Change nine rows after a checkpoint, and let the power go while their page is written; return if it tore."""
    database = opened(disk, **settings)
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute(f"INSERT INTO beds VALUES {', '.join(f'({key}, 1, {LONG[:500]!r})' for key in range(8))}")
    database.checkpoint()
    ada.execute("UPDATE beds SET free = 2 WHERE id < 6")
    database.pool.flush(database.catalogue.table("beds").file)  # written, and not synced
    disk.crash(Random(luck).random)
    try:
        Page.load(disk.read("beds.heap", 0, PAGE_BYTES), "beds.heap", 0)
    except Damaged:
        return True
    return False


def test_a_torn_page_is_repaired_from_its_image_and_refused_without_one() -> None:
    repaired = refused = 0
    for luck in range(30):
        disk = VolatileDisk()
        was_torn = torn(disk, luck)
        database = opened(disk)
        assert sum(free for free, _ in stored(database).values()) == 14
        repaired += was_torn

        disk = VolatileDisk()
        if torn(disk, luck, full_page_images=False):
            with pytest.raises(Damaged, match=r"beds\.heap, page 0: its checksum"):
                opened(disk, full_page_images=False)
            refused += 1
        else:
            assert sum(free for free, _ in stored(opened(disk, full_page_images=False)).values()) == 14
    assert repaired > 3 < refused, "else the test shows nothing"


def test_without_images_a_crash_that_tears_nothing_loses_nothing() -> None:
    disk = VolatileDisk()
    database = opened(disk, full_page_images=False)
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute(f"INSERT INTO beds VALUES {', '.join(f'({key}, 1, {LONG!r})' for key in range(60))}")
    database.checkpoint()
    for key in range(0, 60, 7):
        ada.execute(f"UPDATE beds SET free = {key} WHERE id = {key}")
    for table in database.catalogue.tables.values():
        database.pool.flush(table.file)
        disk.sync(table.file.name)
    ada.execute("DELETE FROM beds WHERE id = 59")
    expected = stored(database)
    disk.crash(Random(1).random)
    assert stored(opened(disk, full_page_images=False)) == expected


def test_the_first_change_after_a_checkpoint_logs_the_page_and_the_next_only_what_changed() -> None:
    database = opened(VolatileDisk())
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute("INSERT INTO beds VALUES (1, 1, 'a')")
    database.checkpoint()
    grown = []
    for free in (2, 3, 4):
        before = database.status()
        ada.execute(f"UPDATE beds SET free = {free} WHERE id = 1")
        after = database.status()
        grown.append((after.images - before.images, after.log_bytes - before.log_bytes))
    assert grown[0][0] == 3, "the heap, the index, the fates"
    assert [images for images, _ in grown[1:]] == [0, 0]
    assert grown[0][1] > 8192 > 10 * grown[1][1], "the page of fates is kept whole"


# ------------------------------------------------------------------------------------------------- nothing half-done


def test_what_was_waiting_at_the_crash_never_happened() -> None:
    disk = VolatileDisk()
    database = opened(disk)
    ada, ben = database.session("ada"), database.session("ben")
    ada.execute(CREATE)
    ada.execute("INSERT INTO beds VALUES (1, 1, 'a'), (2, 1, 'b')")
    ada.execute("BEGIN")
    ada.execute("UPDATE beds SET free = 5 WHERE id = 2")
    assert ben.execute("UPDATE beds SET free = 9") == Waits(("ada",))  # the first row is changed, the second is awaited
    database.journal.sync()
    disk.crash(Random(0).random)
    assert stored(opened(disk)) == {1: (1, "a"), 2: (1, "b")}


def test_numbers_of_transactions_are_not_used_twice_after_a_crash() -> None:
    disk = VolatileDisk()
    database = opened(disk)
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute("BEGIN")
    ada.execute("INSERT INTO beds VALUES (1, 1, 'never committed')")
    database.journal.sync()
    disk.crash(Random(0).random)
    database = opened(disk)
    assert database.session("ben").execute("INSERT INTO beds VALUES (2, 1, 'committed')") == Done("INSERT", 1)
    assert list(stored(database)) == [2]


class FullDisk(VolatileDisk):
    """Has no room any more once it is told so."""

    is_full = False

    def append(self, name: str, data: bytes) -> None:
        if self.is_full and data:
            raise OSError(28, "No space left on device")
        super().append(name, data)


def test_a_full_disk_is_an_honest_do_not_know_and_nothing_committed_is_lost() -> None:
    disk = FullDisk()
    database = opened(disk)
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute("INSERT INTO beds VALUES (1, 1, 'a')")
    disk.is_full = True
    with pytest.raises(MayHaveHappened):
        ada.execute("INSERT INTO beds VALUES (2, 1, 'b')")
    disk.is_full = False
    for sql in ("INSERT INTO beds VALUES (3, 1, 'c')", "SELECT id FROM beds"):  # what it shows may be gone tomorrow
        with pytest.raises(DsysLabError, match="open it anew"):
            ada.execute(sql)
    assert stored(opened(disk)) == {1: (1, "a")}


@pytest.mark.parametrize("file", ["beds.heap", "beds.by_id", "tables.catalogue", "transactions.fates"])
def test_a_flipped_bit_is_found_and_named(file: str) -> None:
    disk = VolatileDisk()
    database = opened(disk)
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute("INSERT INTO beds VALUES (1, 1, 'a')")
    database.checkpoint()
    disk.flip(file, 5000)
    with pytest.raises(Damaged, match=rf"{file}, page 0"):
        opened(disk).session("ben").execute("SELECT free FROM beds WHERE id = 1")


def test_a_disk_that_holds_something_else_is_refused() -> None:
    disk = VolatileDisk()
    disk.append("beds.heap", b"x")
    with pytest.raises(Damaged, match="its log is not"):
        opened(disk)


def test_a_failed_statement_leaves_nothing_behind() -> None:
    database = opened(VolatileDisk())
    ada = database.session("ada")
    ada.execute(CREATE)
    assert isinstance(ada.execute("INSERT INTO beds VALUES (1, 1, 'a'), (2, 1, 'b'), (1, 1, 'c')"), Failed)
    assert stored(database) == {}
    ada.execute("VACUUM")
    assert database.status().tables["beds"].dead == 0


def test_a_statement_that_a_damage_breaks_off_takes_its_transaction_with_it() -> None:
    disk, trace = VolatileDisk(), Trace()
    ada = opened(disk).session("ada")
    ada.execute(CREATE)
    for first in (0, 20, 40):
        ada.execute(f"INSERT INTO beds VALUES {', '.join(f'({key}, 1, {LONG!r})' for key in range(first, first + 20))}")
    ada.execute("CHECKPOINT")
    disk.flip("beds.heap", 3 * PAGE_BYTES + 5000)
    ada = opened(disk, recorder=trace).session("ada")
    ada.execute("BEGIN")
    assert ada.execute("UPDATE beds SET free = 2 WHERE id = 1") == Done("UPDATE", 1)
    with pytest.raises(Damaged, match=r"beds\.heap, page 3"):
        ada.execute("UPDATE beds SET free = 3")
    assert [row.fields["ok"] for row in trace.of("end")][-1] is False
    assert ada.execute("COMMIT") == Done("ROLLBACK")
    assert ada.execute("SELECT free FROM beds WHERE id = 1") == Rows(("free",), ((1,),))


def test_a_row_that_fits_a_page_but_not_with_its_stamp_fails_the_statement() -> None:
    database = opened(VolatileDisk())
    ada = database.session("ada")
    ada.execute("CREATE TABLE notes (one text, two text, three text)")
    fits = 0
    for third in range(100, 160):
        answer = ada.execute(f"INSERT INTO notes VALUES ('{'a' * 4000}', '{'b' * 4000}', '{'c' * third}')")
        fits += answer == Done("INSERT", 1)
        assert isinstance(answer, Done) or answer.sqlstate == "22003"  # type: ignore[union-attr]
    assert 0 < fits < 60
    assert database.violations() == []


# ------------------------------------------------------------------------------- every byte of a torn page, and twice


def cut_at_each_step(disk: VolatileDisk, work: Callable[[RelationalDatabase], object]) -> Iterator[RelationalDatabase]:
    """Open what a disk holds after the power went before each step of some work, and once more during the recovery."""
    whole = copy.deepcopy(disk)
    work(opened(whole))
    for step in range(disk.steps, whole.steps + 1):
        cut = copy.deepcopy(disk)
        cut.power_cut_before = step
        with contextlib.suppress(PowerCut):
            work(opened(cut))
        cut.crash(Random(step).random)
        for again in range(1, 12, 3):
            cut.power_cut_before = cut.steps + again
            try:
                opened(cut).checkpoint()
            except PowerCut:
                cut.crash(Random(f"{step}/{again}").random)
        cut.power_cut_before = None
        yield opened(cut)


def filled(rows: int, note: str) -> VolatileDisk:
    disk = VolatileDisk()
    database = opened(disk)
    ada = database.session("ada")
    ada.execute(CREATE)
    ada.execute(f"INSERT INTO beds VALUES {', '.join(f'({key}, 1, {note!r})' for key in range(rows))}")
    database.checkpoint()
    return disk


def test_a_power_cut_at_every_step_of_an_index_split_leaves_every_row_in_its_index() -> None:
    disk = filled(582, "n")
    before = len(opened(copy.deepcopy(disk)).catalogue.tables["beds"].indexes["id"].pages)

    def grow(database: RelationalDatabase) -> None:
        ada = database.session("ada")
        for key in range(1000, 1004):
            ada.execute(f"INSERT INTO beds VALUES ({key}, 1, 'n')")
            database.pool.flush(database.catalogue.tables["beds"].indexes["id"].pages)  # type: ignore[arg-type]
        assert len(database.catalogue.tables["beds"].indexes["id"].pages) > before, "it has split"

    for database in cut_at_each_step(disk, grow):
        assert database.violations() == []
        assert stored(database).keys() >= set(range(582))


def test_a_power_cut_at_every_step_of_a_sweep_and_of_a_checkpoint_changes_no_row() -> None:
    disk = filled(40, LONG)
    ada = opened(disk).session("ada")
    ada.execute("UPDATE beds SET free = 2 WHERE id < 30")
    ada.execute("DELETE FROM beds WHERE id = 30")
    expected = stored(opened(copy.deepcopy(disk)))

    def tend(database: RelationalDatabase) -> None:
        database.vacuum()
        database.journal.sync()
        database.checkpoint()

    for database in cut_at_each_step(disk, tend):
        assert stored(database) == expected
        assert database.violations() == []
        database.vacuum()
        assert database.status().tables["beds"].dead == 0


def test_a_page_torn_at_any_byte_is_repaired() -> None:
    disk = filled(8, LONG)
    old = disk.read("beds.heap", 0, PAGE_BYTES)
    database = opened(disk)
    database.session("ada").execute("UPDATE beds SET free = 2 WHERE id < 6")
    database.pool.flush(database.catalogue.table("beds").file)
    new, expected = disk.read("beds.heap", 0, PAGE_BYTES), stored(database)
    for cut in range(0, PAGE_BYTES + 1, 128):
        for torn_page in (new[:cut] + old[cut:], old[:cut] + new[cut:]):
            torn_disk = copy.deepcopy(disk)
            torn_disk.write("beds.heap", 0, torn_page)
            torn_disk.sync("beds.heap")
            torn_disk.crash(Random(cut).random)
            assert stored(opened(torn_disk)) == expected
