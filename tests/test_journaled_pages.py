"""Changes to several pages survive a crash together or not at all, and a log that is not whole is no empty table."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Misuse, Refused
from dsys_lab.structures import AppendLog
from dsys_lab.structures.append_log import segment_names
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.structures.journal_records import IMAGE, NOTED, are_changes, parts_of
from dsys_lab.structures.journaled_pages import JournaledPages
from dsys_lab.structures.page import HEAP, PAGE_BYTES
from dsys_lab.trace import Trace

FILES = ("t.heap", "t.by_id")
ABOUT = {"table": "t"}


def opened(disk: VolatileDisk, frames: int = 8, **more: object) -> JournaledPages:
    return JournaledPages(disk, FILES, ABOUT, pool=BufferPool(frames), **more)


def insert(pages: JournaledPages, *records: tuple[int, int, bytes]) -> None:
    """Put records on pages, each `(file, page, bytes)`, all in one change; a page that is not there is made."""
    with pages.all_or_nothing():
        for which, number, record in records:
            file = pages.files[which]
            page = file.change(number) if number < len(file) else file.new(HEAP)[1]
            page.insert(record)
            pages.tally += 1
    pages.sync()


def content(pages: JournaledPages) -> tuple[int, list[list[list[bytes]]]]:
    """Return the tally, and the records by file and page."""
    return pages.tally, [
        [[record for _, record, _ in file.read(number, 0).records()] for number in range(len(file))]
        for file in pages.files
    ]


def filled() -> VolatileDisk:
    """A disk with a checkpoint, and two changes after it."""
    disk = VolatileDisk()
    pages = opened(disk)
    insert(pages, (0, 0, b"a"), (1, 0, b"b"))
    pages.checkpoint()
    insert(pages, (0, 0, b"c"))
    insert(pages, (0, 0, b"d"), (0, 1, b"e"))
    return disk


FILLED = (5, [[[b"a", b"c", b"d"], [b"e"]], [[b"b"]]])


# ------------------------------------------------------------------------------------------ any calls in any order
class PagesSurvive(RuleBasedStateMachine):
    """Changes, changes that fail, syncs, checkpoints and crashes, with fewer frames than pages."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.luck = Random(seed)
        self.disk = VolatileDisk()
        self.pages = opened(self.disk)
        self.states, self.durable = [content(self.pages)], 0

    def _change(self, size_bytes: int) -> None:
        for _ in range(self.luck.randrange(1, 4)):
            file = self.luck.choice(self.pages.files)
            number = self.luck.randrange(len(file) + 1)
            page = file.change(number) if number < len(file) else file.new(HEAP)[1]
            if page.has_room(size_bytes):
                page.insert(bytes([self.luck.randrange(256)]) * size_bytes)
            elif page.record(0) is not None:
                page.remove(0)
            self.pages.tally += 1

    @rule(size_bytes=st.sampled_from([1, 300, 3000]))
    def commit(self, size_bytes: int) -> None:
        with self.pages.all_or_nothing():
            self._change(size_bytes)
        self.states.append(content(self.pages))

    @rule(size_bytes=st.sampled_from([1, 3000]))
    def fail(self, size_bytes: int) -> None:
        with contextlib.suppress(ZeroDivisionError), self.pages.all_or_nothing():
            self._change(size_bytes)
            raise ZeroDivisionError

    @rule()
    def sync(self) -> None:
        self.pages.sync()
        self.durable = len(self.states) - 1

    @rule()
    def checkpoint(self) -> None:
        self.pages.checkpoint()
        self.durable = len(self.states) - 1

    @rule(cut=st.none() | st.integers(0, 8))
    def crash(self, cut: int | None) -> None:
        """Crash now, or in the midst of a checkpoint, and open again, perhaps twice."""
        if cut is not None:
            self.disk.power_cut_before = self.disk.steps + cut
            with contextlib.suppress(PowerCut):
                self.pages.checkpoint()
        self.disk.crash(self.luck.random)
        self.pages = opened(self.disk)
        found = content(self.pages)
        assert found in self.states[self.durable :], "neither what was durable nor what came after"
        self.states = self.states[: self.durable + self.states[self.durable :].index(found) + 1]
        self.durable = len(self.states) - 1

    @invariant()
    def is_what_was_committed_last(self) -> None:
        assert content(self.pages) == self.states[-1]
        assert self.pages.changing == 0
        assert self.pages.damages() == []


PagesSurvive.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestPagesSurvive = PagesSurvive.TestCase


# ------------------------------------------------------------------------------------------ the three rules
def test_a_page_is_written_only_after_its_record_is_durable() -> None:
    trace = Trace()
    disk = VolatileDisk()
    pages = opened(disk, recorder=trace)
    with pages.all_or_nothing():
        pages.files[0].new(HEAP)[1].insert(b"a")
    pages.pool.flush(pages.files[0])
    kinds = [(row.kind, row.fields.get("lsn")) for row in trace]
    assert kinds[-3:] == [("log_append", 1), ("log_sync", 1), ("page_write", None)]
    pages.pool.flush(pages.files[0])
    assert len(trace) == len(kinds), "what is written is not dirty any more"


def test_the_first_change_after_a_checkpoint_is_an_image_and_the_next_is_not() -> None:
    log = AppendLog(filled())
    forms = [[(part.file, part.page, part.form) for part in parts_of(payload)]
             for _, payload in log.read() if are_changes(payload)]  # fmt: skip
    assert forms == [[(0, 0, IMAGE)], [(0, 0, NOTED), (0, 1, IMAGE)]]


def test_changes_larger_than_a_page_are_an_image() -> None:
    pages = opened(VolatileDisk())
    insert(pages, (0, 0, b"x" * 3000))
    with pages.all_or_nothing():
        for size_bytes in (2999, 2998, 2997):
            assert pages.files[0].change(0).replace(0, b"y" * size_bytes)
    assert [part.form for part in parts_of(list(pages.log.read())[-1].payload)] == [IMAGE]


def test_redo_takes_the_image_and_never_looks_at_the_torn_page() -> None:
    disk = filled()
    disk.write("t.heap", 0, b"\xff" * PAGE_BYTES)
    assert content(opened(disk)) == FILLED


def test_a_checkpoint_in_the_midst_of_a_change_is_refused() -> None:
    pages = opened(filled())

    def changes_and_checkpoints() -> None:
        with pages.all_or_nothing():
            pages.files[0].change(0).insert(b"uncommitted")
            pages.checkpoint()

    with pytest.raises(Misuse, match="1 pages are being changed"):
        changes_and_checkpoints()
    assert content(pages) == FILLED
    pages.checkpoint()
    assert content(opened(pages.disk)) == FILLED


# ------------------------------------------------------------------------------------------ damage and failure
@pytest.mark.parametrize("gone", ["all", "empty"])
def test_a_log_that_is_not_there_is_damage_and_once_it_is_restored_all_is_well(gone: str) -> None:
    disk = filled()
    copies = {name: disk.read(name) for name in segment_names(disk)}
    for name in copies:
        if gone == "all":
            disk.remove(name)
        else:
            disk.cut(name, 0)
    before = disk.names()
    with pytest.raises(Damaged, match="its log is not" if gone == "all" else "the checkpoint before it is missing"):
        opened(disk)
    assert disk.names() == before, "nothing was written"
    for name, data in copies.items():
        disk.write(name, 0, data)
    assert content(opened(disk)) == FILLED


def test_a_log_whose_beginning_is_gone_is_damage() -> None:
    disk = filled()
    log = AppendLog(disk)
    log.roll(0)
    log.append(0, [payload for _, payload in log.read() if are_changes(payload)][-1])
    disk.remove(segment_names(disk)[0])
    with pytest.raises(Damaged, match="the checkpoint before it is missing"):
        opened(disk)


def test_a_log_of_something_else_is_refused() -> None:
    disk = VolatileDisk()
    AppendLog(disk).append(0, b'{"send": 1}')
    with pytest.raises(BadParameter, match="not one of pages"):
        opened(disk)


class FailingDisk(VolatileDisk):
    """Cannot write pages for as long as it is told so."""

    fails = False
    writes = 0

    def write(self, name: str, offset: int, data: bytes) -> None:
        if self.fails:
            raise OSError(5, "Input/output error")
        self.writes += 1
        super().write(name, offset, data)


def test_after_a_failure_no_page_is_written_and_nothing_that_was_durable_is_lost() -> None:
    disk = FailingDisk()
    pages = opened(disk)
    insert(pages, *((0, number, b"x") for number in range(6)))
    disk.fails = True
    with pytest.raises(MayHaveHappened, match=r"page 0 of t\.heap.*open the table anew"):
        pages.checkpoint()
    disk.fails = False
    calls: list[Callable[[], object]] = [
        pages.checkpoint,
        lambda: pages.pool.flush(pages.files[0]),
        lambda: insert(pages, (0, 0, b"y")),
    ]
    for call in calls:
        with pytest.raises(Refused, match="its disk failed"):
            call()
    assert disk.writes == 0
    assert content(opened(disk)) == (6, [[[b"x"]] * 6, []])


def test_damages_names_what_is_on_the_disk_and_not_what_is_in_memory() -> None:
    disk = filled()
    opened(disk).checkpoint()
    disk.flip("t.heap", PAGE_BYTES + 100)
    disk.flip("t.by_id", 7)
    pages = opened(disk)
    assert ["t.heap, page 1" in pages.damages()[0], "t.by_id, page 0" in pages.damages()[1]] == [True, True]
    disk.flip("t.heap", PAGE_BYTES + 100)
    pages.files[0].read(1, 0)
    disk.flip("t.heap", PAGE_BYTES + 100)
    assert len(pages.damages()) == 1


# ------------------------------------------------------------------------------------------ what it is
def test_what_the_pages_are_is_compared_as_it_is_read_back() -> None:
    disk = VolatileDisk()
    about = {"key": ("id", "day"), "columns": 3}
    JournaledPages(disk, FILES, about, pool=BufferPool(8))
    assert JournaledPages(disk, FILES, about, pool=BufferPool(8)).about == {"key": ["id", "day"], "columns": 3}
    with pytest.raises(BadParameter, match=r"holds .*day.*opened as .*table"):
        opened(disk)
    with pytest.raises(BadParameter, match="give values that JSON has"):
        JournaledPages(VolatileDisk(), FILES, {"key": b"id"}, pool=BufferPool(8))


@pytest.mark.parametrize("files", [("t.by_id", "t.heap"), ("t.heap",), ("t.heap", "t.by_id", "t.by_day")])
def test_files_in_another_order_or_number_are_refused_and_not_mixed_up(files: tuple[str, ...]) -> None:
    disk = filled()
    with pytest.raises(BadParameter, match=r"holds t\.heap, t\.by_id: give these files, in this order"):
        JournaledPages(disk, files, ABOUT, pool=BufferPool(8))
    assert content(opened(disk)) == FILLED


@pytest.mark.parametrize("files", [(), ("t.heap", "t.heap"), tuple(f"t.{number}" for number in range(257))])
def test_files_that_cannot_be_told_apart_in_the_log_are_refused(files: tuple[str, ...]) -> None:
    with pytest.raises(BadParameter, match="1 to 256 names, each once"):
        JournaledPages(VolatileDisk(), files, ABOUT, pool=BufferPool(8))
