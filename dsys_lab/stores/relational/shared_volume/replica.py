"""A reader that follows: it holds no storage of its own, and applies the writer's records to the pages that it has
cached.

A record for a page that is not cached is dropped: when somebody asks for that page, a segment makes it. Records are
applied up to the VDL only and a mini-transaction at once, so a replica shows a moment that was, whole; but an old
one. They may come twice and in any order: it goes on only where none is missing, and where a later epoch begins, what
was told before ends. Who has written at lsn 40 and wants to see it says `at_least=40`, and is told `Behind` rather than
shown the past.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsys_lab.errors import Misuse, Refused
from dsys_lab.stores.relational.shared_volume.record import LogRecord
from dsys_lab.stores.relational.shared_volume.segment import Rows, redo
from dsys_lab.trace import NO_TRACE, Recorder


class Behind(Refused):
    """The replica has not come as far as the reader has seen."""


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """A replica at a glance."""

    applied_lsn: int
    waiting: int
    pages: int
    applied: int
    dropped: int


class Replica:
    """One reader.

    Attributes
    ----------
    applied_lsn : int
        The moment that it shows.
    """

    def __init__(self, *, place: str = "replica", recorder: Recorder = NO_TRACE) -> None:
        self.place = place
        self.applied_lsn = 0
        self._recorder = recorder
        self._waiting: dict[int, LogRecord] = {}
        self._begins: dict[int, int] = {}  # epoch -> its lowest lsn that was told
        self._pages: dict[int, Rows] = {}
        self._applied = self._dropped = 0
        self._applied_us = 0

    def hear(self, now_us: int, records: Iterable[LogRecord], vdl: int) -> int:
        """Take what the writer tells; return the moment that is shown from now on."""
        for record in records:
            self._expect(record)
        before = self.applied_lsn
        while self.applied_lsn < vdl and self.applied_lsn + 1 in self._waiting:
            record = self._waiting.pop(self.applied_lsn + 1)
            if record.change.page in self._pages:
                redo(self._pages[record.change.page], record)
                self._applied += 1
            else:
                self._dropped += 1
            self.applied_lsn = record.lsn
        if self.applied_lsn > before:
            self._applied_us = now_us
            self._recorder.emit(now_us, "apply", self.place, view=self.place, position=self.applied_lsn)
        return self.applied_lsn

    def _expect(self, record: LogRecord) -> None:
        """Keep a record for its turn, unless a later epoch has begun at or below it."""
        if record.lsn < self._begins.get(record.epoch, record.lsn + 1):
            self._begins[record.epoch] = record.lsn
            self._waiting = {lsn: one for lsn, one in self._waiting.items() if not self._is_dead(one)}
        if record.lsn > self.applied_lsn and not self._is_dead(record):
            self._waiting[record.lsn] = record

    def _is_dead(self, record: LogRecord) -> bool:
        return any(epoch > record.epoch and lsn <= record.lsn for epoch, lsn in self._begins.items())

    def has(self, page: int) -> bool:
        """Whether the page is cached; if not, ask a segment for it as of `applied_lsn`, and `keep` it."""
        return page in self._pages

    def keep(self, page: int, rows: Rows) -> None:
        """Cache a page as of `applied_lsn`."""
        self._pages[page] = dict(rows)

    def read(self, now_us: int, page: int, key: str, *, at_least: int = 0) -> str | None:
        """Return a row as of the moment that is shown.

        Parameters
        ----------
        at_least : int
            The lsn of what the reader has written or seen; 0 if any moment will do.

        Raises
        ------
        Behind
            If this replica does not show that yet.
        Misuse
            If the page is not cached.
        """
        if page not in self._pages:
            raise Misuse(f"{self.place} does not have page {page}: ask a segment for it, and `keep` it")
        if at_least > self.applied_lsn:
            raise Behind(
                f"{self.place} shows lsn {self.applied_lsn}, and you have seen {at_least}: wait, or ask the writer"
            )
        self._recorder.emit(
            now_us, "look", self.place, view=self.place, key=key, position=self.applied_lsn,
            behind_us=now_us - self._applied_us,
        )  # fmt: skip
        return self._pages[page].get(key)

    def status(self) -> ReplicaStatus:
        """Return how far it is."""
        return ReplicaStatus(self.applied_lsn, len(self._waiting), len(self._pages), self._applied, self._dropped)
