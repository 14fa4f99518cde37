"""How do changes to several pages survive a crash together, or not at all?

A row is added: a page of the heap changes, and a leaf of the index, which splits, so three more pages change. A power
cut between two of these writes would leave an index that leads nowhere. So the pages are not written. What changed is
written to a log, as *one* record, and a record is whole or it is not there. The pages follow whenever it suits. ::

    change pages in memory  -->  one log record  -->  sync: it has happened  ...  much later: pages to their files
                                                                                  (checkpoint, or a frame is needed)

Three rules make it right:

1. *The log first.* A page is written to its file only after the record of its last change is durable.
2. *The first change after a checkpoint logs the whole page.* A page of two sectors may tear when the power goes. Then
   the few bytes of the next change are worth nothing, for what they would be applied to is neither the old page nor the
   new one. From this "full-page image" all later changes can be done again. (PostgreSQL calls it `full_page_writes`;
   MySQL writes each page twice instead, into a *double-write buffer*. Images are the simpler way here: one log, one
   recovery.)
3. *Redo begins from the image*, whatever the file holds: the same changes in the same order give the same page, however
   often the power goes during recovery.

`checkpoint` writes all changed pages, syncs them, and then begins the log anew with a record that says how many pages
there are. Opening replays the log from the last checkpoint on. Somebody else may read the log, too: what a commit means
to them stands as a `note` in its record, and what they still need, from `keep_from` on, outlasts a checkpoint.

How to stand on it: say `now_us` and `op`, look at pages by `file.read`, change them inside `all_or_nothing`, each got
by `file.change` or `file.new`; then `sync`, and only then acknowledge. A page that was got by `read` may leave its
frame at the next call, so it is looked at and not kept; one that was got by `change` stays until the commit.

Promises
--------
1. After a crash at any moment the pages are what they were after some record; none that was synced is missing.
2. A torn page is repaired if it was written since the checkpoint; no other can tear. Any other damage is found when the
   page is read, or at opening when a file is cut short: `Damaged`, with file and page. A log that is not there, or of
   which the beginning is not, is `Damaged`, and nothing is written: once it is restored, all is well again.
3. An error in the midst of a change (a damaged page, a full disk) leaves the pages as they were before it.
4. After a failure of the disk nothing more is written, neither log nor pages, until they are opened anew.

Cost: an image of every page that changes after a checkpoint, so the log grows fastest just after one; a copy in memory
of each page that is being changed. Opening costs the log since the checkpoint.

Left out: undo (changes reach the pages only when their record is written, so there is nothing to undo); checkpoints
that let writers go on; changes larger than the pool, for what is being changed stays in memory until its commit.

Sources: Mohan et al., "ARIES", ACM TODS 1992; Gray and Reuter, *Transaction Processing*, 1993, ch. 10; PostgreSQL
documentation, "Write-ahead logging" and `full_page_writes`; MySQL manual, "Doublewrite buffer".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.structures.append_log import NEVER, AppendLog, segment_names
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import Disk, OrGiveUp
from dsys_lab.structures.journal_records import (
    IMAGE,
    NOTED,
    Checkpoint,
    Part,
    added_name,
    check_names,
    encode_added,
    encode_changes,
    json_values,
    newest_checkpoint,
    parts_of,
    tally_of,
)
from dsys_lab.structures.journaled_file import JournaledFile
from dsys_lab.structures.page import PAGE_BYTES, Page
from dsys_lab.trace import NO_TRACE, Recorder


class JournaledPages:
    """Several files of pages and the log that keeps them together.

    Parameters
    ----------
    disk : Disk
        Holds these files, the log, and nothing else.
    files : tuple of str
        Their names, at most 256; the order is part of the log's format.
    about : dict
        What the pages are, as JSON values; kept in each checkpoint and compared when they are opened again.
    pool : BufferPool
        May be shared with others, but not with the pages of an earlier opening of this disk: what is in memory of those
        would be written over what is newer.
    full_page_images : bool
        Rule 2. Without it a page that tears at the wrong moment is found, and cannot be repaired.
    place : str
        The name under which rows appear: `place/log`, and for a file `night.heap` `place/heap`.
    recorder : Recorder
    now_us : int
        When they are opened.

    Attributes
    ----------
    now_us, op
        When and for which operation something is done now; whoever stands on the pages says so.
    tally : int
        A number from 0 that the owner keeps in the log with each change: how many rows there are. It goes back with a
        change that is taken back.
    kept : dict
        JSON values that the owner keeps in each checkpoint.
    keep_from : int or None
        The oldest record that somebody beside recovery still needs.
    images, image_bytes : int
        Pages that went into the log whole since this opening, and their bytes there.
    files : list of JournaledFile
        In the order of their names.
    log : AppendLog
        Its `status` says how much there is to replay.

    Raises
    ------
    BadParameter
        If the disk holds something else, or the names of the files say nothing.
    Damaged
        If a file is cut short, or the log is damaged or missing.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> from dsys_lab.structures.page import HEAP
    >>> disk = VolatileDisk()
    >>> pages = JournaledPages(disk, ("city.heap",), {}, pool=BufferPool(8))
    >>> with pages.all_or_nothing():
    ...     number, page = pages.files[0].new(HEAP)
    ...     slot = page.insert(b"Oslo")
    >>> pages.sync()
    >>> disk.crash(chance=lambda: 0.9)
    >>> again = JournaledPages(disk, ("city.heap",), {}, pool=BufferPool(8))
    >>> again.files[0].read(number, used=4).record(slot)
    (b'Oslo', False)
    """

    def __init__(
        self,
        disk: Disk,
        files: tuple[str, ...],
        about: dict[str, Any],
        *,
        pool: BufferPool,
        full_page_images: bool = True,
        place: str = "pages",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        check_names(files)
        self.disk, self.about, self.pool = disk, json_values(about), pool
        self.place, self.recorder, self.now_us = place, recorder, now_us
        self.op: int | None = None
        self.tally = self.images = self.image_bytes = 0
        self.kept: dict[str, Any] = {}
        self.keep_from: int | None = None
        self._note = b""
        self.full_page_images = full_page_images
        self.files = [JournaledFile(self, name) for name in files]
        self._given = len(files)
        self._changing: dict[tuple[JournaledFile, int], tuple[Page, Page]] = {}
        self._checkpoint_lsn = 0
        existing = [name for name in disk.names() if name not in segment_names(disk)]
        if existing and not segment_names(disk):
            raise _without_log(existing[0])
        self.log = AppendLog(disk, fsync=NEVER, place=f"{place}/log", recorder=recorder, now_us=now_us)
        if self.log.next_lsn:
            self._recover(existing)
        elif existing:
            raise _without_log(existing[0])
        else:
            self._begin_log()
        self._settle()

    # ------------------------------------------------------------ write path
    def begin_change(self, file: JournaledFile, number: int) -> Page:
        """Listen to a page that is in memory, and remember it as it is, until its change is committed or taken back."""
        if (file, number) in self._changing:
            return self._changing[file, number][0]
        page = self.pool.pin(file, number)
        self._changing[file, number] = page, page.copy()
        is_in_log = page.lsn > self._checkpoint_lsn or (page.lsn and not self.full_page_images)
        page.changes = [] if is_in_log else None
        return page

    @property
    def changing(self) -> int:
        """How many pages have changed since the last `commit`."""
        return len(self._changing)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Commit at the end what was changed inside; take back what was not committed if there was an error.

        It does not nest. `commit` may be called inside, where what was done so far may stay alone.
        """
        try:
            yield
            self.commit()
        except BaseException:
            self._roll_back()
            raise

    def note(self, note: bytes) -> None:
        """Say what the next commit means; it stands in its record, and falls with it."""
        self._note = note

    def commit(self) -> None:
        """Write what changed to the log, as one record; it is durable after `sync`."""
        if not self._changing:
            return
        parts = []
        for (file, number), (page, _) in self._changing.items():
            page.lsn = self.log.next_lsn + 1
            noted = page.noted() if page.changes is not None else b""
            form, data = (NOTED, noted) if 0 < len(noted) < PAGE_BYTES else (IMAGE, page.image())
            parts.append(Part(self.files.index(file), number, form, data))
            self.images += form == IMAGE
            self.image_bytes += len(data) * (form == IMAGE)
        self.log.append(self.now_us, encode_changes(self.tally, parts, self._note))
        for (file, number), (page, _) in self._changing.items():
            page.changes = None
            self.pool.unpin(file, number, changed=True)
        self._changing.clear()
        self._note = b""
        self._settle()

    def _settle(self) -> None:
        """Remember how many pages there are, and the tally, as of the last commit."""
        self._settled = [file.page_count for file in self.files], self.tally

    def _roll_back(self) -> None:
        """Make the pages what they were at the last commit; forget those that are new."""
        counts, self.tally = self._settled
        self._note = b""
        for file, count in zip(self.files, counts, strict=True):
            file.page_count = count
        for (file, number), (page, earlier) in self._changing.items():
            if number >= file.page_count:
                self.pool.forget(file, number)
            else:
                page.take_back(earlier)
                self.pool.unpin(file, number, changed=False)
        self._changing.clear()

    def add_file(self, name: str) -> JournaledFile:
        """Return a new file, empty; that it is there is durable with the next `sync`. Not in the midst of a change.

        Its place is made of its whole name: `place/orders/heap` for `orders.heap`.
        """
        check_names((*(file.name for file in self.files), name))
        self.log.append(self.now_us, encode_added(name))
        return self._added(name)

    def _added(self, name: str) -> JournaledFile:
        self.files.append(JournaledFile(self, name, f"{self.place}/{name.replace('.', '/')}"))
        self._settle()
        return self.files[-1]

    def sync(self) -> None:
        """Make every commit so far durable."""
        self.log.sync(self.now_us)

    def checkpoint(self) -> None:
        """Write all changed pages, make them durable, and begin the log anew.

        Raises
        ------
        Misuse
            If a change is not committed: it would reach the disk without a record.
        MayHaveHappened
            If the disk fails; what was durable is.
        """
        if self._changing:
            raise Misuse(f"{len(self._changing)} pages are being changed: commit before the checkpoint")
        self.sync()
        for file in self.files:
            self.pool.flush(file)
            if file.page_count:
                with self.or_give_up(file.name):
                    self.disk.sync(file.name)
        with self.or_give_up("the names of the files"):
            self.disk.sync_names()
        self._begin_log()

    def _begin_log(self) -> None:
        self.log.roll(self.now_us)
        self._checkpoint_lsn = self.log.next_lsn + 1
        pages = {file.name: file.page_count for file in self.files}
        added = len(self.files) - self._given
        checkpoint = Checkpoint(self.about, pages, self.tally, added, json_values(self.kept))
        self.log.append(self.now_us, checkpoint.encode())
        self.log.sync(self.now_us)
        self.drop_log()

    def drop_log(self) -> None:
        """Take away what of the log nobody needs: neither recovery nor whoever reads from `keep_from` on."""
        needed = self._checkpoint_lsn - 1
        self.log.drop_before(needed if self.keep_from is None else min(needed, self.keep_from))

    @property
    def redo_bytes(self) -> int:
        """How much log would be replayed if the pages were opened now, with the checkpoint that it begins with."""
        return self.log.size_bytes(self._checkpoint_lsn - 1)

    def or_give_up(self, what: str) -> OrGiveUp:
        """Turn a failure of the disk inside into `MayHaveHappened`, after which nothing more is written."""
        self.log.require_working()
        return OrGiveUp(self.log.give_up, what, "open the table anew; its log holds what was acknowledged")

    # ------------------------------------------------------------ recovery
    def _recover(self, existing: list[str]) -> None:
        """Do again what the log says since the last checkpoint."""
        checkpoint_lsn, checkpoint = self._last_checkpoint()
        self._checkpoint_lsn, self.tally, self.kept = checkpoint_lsn + 1, checkpoint.tally, checkpoint.kept
        for name in list(checkpoint.pages)[self._given :]:
            self._added(name)
        for file in self.files:
            file.page_count = checkpoint.pages[file.name]
            size_bytes = self.disk.size_bytes(file.name) if file.name in existing else 0
            if size_bytes < file.page_count * PAGE_BYTES:
                raise Damaged(
                    f"{file.name}, page {size_bytes // PAGE_BYTES}: the file ends here, at byte {size_bytes:,}, "
                    f"and had {file.page_count:,} pages at the last checkpoint; restore it from a copy"
                )
        for lsn, payload in self.log.read(checkpoint_lsn + 1):
            if (new := added_name(payload)) is not None:
                self._added(new)
            else:
                self._redo(lsn, payload)

    def _last_checkpoint(self) -> tuple[int, Checkpoint]:
        """Return the number of the last record that begins a log, and what it says."""
        lsn, checkpoint = newest_checkpoint(self.log.read(), self.log.first_lsn)
        if checkpoint.about != self.about:
            raise BadParameter(f"this disk holds {checkpoint.about}; it was opened as {self.about}")
        if list(checkpoint.pages)[: len(checkpoint.pages) - checkpoint.added] != [file.name for file in self.files]:
            raise BadParameter(f"this disk holds {', '.join(checkpoint.pages)}: give these files, in this order")
        return lsn, checkpoint

    def _redo(self, lsn: int, payload: bytes) -> None:
        self.tally = tally_of(payload)
        for part in parts_of(payload):
            file = self.files[part.file]
            file.page_count = max(file.page_count, part.page + 1)
            if part.form == IMAGE:
                page = Page.of_image(part.data)
            else:
                page = file.read(part.page, PAGE_BYTES)
                if page.lsn <= lsn:  # never otherwise after an image; without images the file may be ahead
                    page.apply(part.data)
            self.pool.add(file, part.page, page)

    def damages(self) -> list[str]:
        """Read every page from the disk that is not in memory; return what is damaged, in words."""
        found = []
        for file in self.files:
            for number in range(file.page_count):
                if not self.pool.holds(file, number):
                    try:
                        file.load(number)
                    except Damaged as damage:
                        found.append(str(damage))
        return found


def _without_log(file: str) -> Damaged:
    return Damaged(f"{file} is there, but its log is not; restore the log's files from a copy")
