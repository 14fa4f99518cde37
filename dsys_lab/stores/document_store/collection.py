"""A collection: documents, the shelves that find them, and the journal that keeps both.

A write goes the same way every time: it is worked out on a copy; *refused* if it breaks a rule (size, validator, a
unique card); written to the journal as one record and made durable; and only then done to the document and to the
cards. So what was refused left no trace, and what was acknowledged is whole after a crash.

One call changes one document, at once: nobody sees half of it, and no other call comes between its reading and its
writing. A condition in the filter is therefore a lock that is never held: `update_one({"_id": 1, "version": 3}, ...)`
changes the document if it still is version 3, and says `matched = 0` if it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from dsys_lab.errors import Refused, require_choice
from dsys_lab.stores.document_store import journal, tlv
from dsys_lab.stores.document_store.aggregation import read_pipeline
from dsys_lab.stores.document_store.documents import Document, require_document
from dsys_lab.stores.document_store.execution import DOCUMENTS, Answer, Explained, Reader, run
from dsys_lab.stores.document_store.filters import read_filter
from dsys_lab.stores.document_store.indexes import PathIndex
from dsys_lab.stores.document_store.kept import BY_ID, Kept, Moved, Prepared
from dsys_lab.stores.document_store.planner import Query, plan
from dsys_lab.stores.document_store.updates import changed, changes_of, read_update
from dsys_lab.structures.append_log import EVERY_RECORD, AppendLog, Fsync
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Changed:
    """What a write came to.

    Attributes
    ----------
    matched : int
        Documents that were changed: 1, or 0 where none matched.
    document_bytes : int
        Of the document afterwards: what is written again where it lies.
    log_bytes : int
        Of the journal's record.
    cards : int
        Cards put up and taken away.
    """

    matched: int
    document_bytes: int = 0
    log_bytes: int = 0
    cards: int = 0


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """How much there is.

    Attributes
    ----------
    documents, document_bytes : int
    cards : dict of str to int
        By index.
    multikey : tuple of str
        Indexes to which a document has put up several cards.
    log_bytes : int
    """

    documents: int
    document_bytes: int
    cards: dict[str, int]
    multikey: tuple[str, ...]
    log_bytes: int


class Collection:
    """Documents with an `_id`, found by any path.

    Parameters
    ----------
    disk : Disk
        Where its journal is; no one else's.
    log : str
        What an update's record holds: "delta" or "whole".
    fsync : Fsync
        When records are made durable.
    place : str
        The name under which its rows appear.
    recorder : Recorder
        Where its rows go.

    Raises
    ------
    Damaged
        If the journal is not what was written.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> profiles = Collection(VolatileDisk())
    >>> profiles.insert({"_id": 17, "city": "Oslo", "devices": [{"kind": "ring", "fw": 2}]}).cards
    1
    >>> profiles.create_index("devices.kind", "devices.fw")
    'devices.kind, devices.fw'
    >>> profiles.find({"devices.kind": "ring"})
    [{'_id': 17, 'city': 'Oslo', 'devices': [{'kind': 'ring', 'fw': 2}]}]
    >>> profiles.update_one({"_id": 17}, {"$inc": {"nights": 1}}).matched
    1
    """

    def __init__(
        self,
        disk: Disk,
        *,
        log: str = "delta",
        fsync: Fsync = EVERY_RECORD,
        place: str = "collection",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_choice("log", log, journal.LOGS)
        self.log, self.place, self.recorder = log, place, recorder
        self._kept = Kept()
        self._closed = False
        self._journal = AppendLog(disk, fsync=fsync, place=f"{place}/journal", recorder=recorder, now_us=now_us)
        for record in self._journal.read():
            self._kept.replay(record.payload)

    # ------------------------------------------------------------ write path
    def insert(self, document: Document, *, now_us: int = 0) -> Changed:
        """Add a document.

        Raises
        ------
        BadParameter
            If it is none.
        Refused
            If its `_id` or a unique card is taken, it is too large, or the validator says no.
        """
        self._require_open()
        require_document(document)
        slot = self._kept.next_slot
        return self._write(now_us, journal.inserted(document), slot, self._kept.prepared(document, slot))

    def update_one(self, filter_: Document, update: Document, *, now_us: int = 0) -> Changed:
        """Change the first document that matches; `matched` is 0 if there is none.

        Raises
        ------
        BadParameter
            If the filter or the update is none.
        Refused
            If the update does not fit the document, or what comes of it breaks a rule.
        """
        steps = read_update(update)
        found = self.answer(filter_, limit=1, now_us=now_us)
        if not found.slots:
            return Changed(0)
        (slot,), (before,) = found.slots, found.documents
        changes = changes_of(before, steps)
        after = changed(before, changes)
        record = journal.updated(slot, after, changes, self.log)
        return self._write(now_us, record, slot, self._kept.prepared(after, slot))

    def replace_one(self, filter_: Document, document: Document, *, now_us: int = 0) -> Changed:
        """Put a whole document in the place of the first that matches; its `_id` must be the same.

        Raises
        ------
        BadParameter
            If the document is none.
        Refused
            If it has another `_id`, or breaks a rule.
        """
        require_document(document)
        found = self.answer(filter_, limit=1, now_us=now_us)
        if not found.slots:
            return Changed(0)
        (slot,), (before,) = found.slots, found.documents
        if type(before["_id"]) is not type(document["_id"]) or before["_id"] != document["_id"]:
            raise Refused(f"_id {before['_id']!r} is never changed: insert {document['_id']!r}, delete this one")
        record = journal.updated(slot, document, (), "whole")
        return self._write(now_us, record, slot, self._kept.prepared(document, slot))

    def delete_one(self, filter_: Document, *, now_us: int = 0) -> Changed:
        """Remove the first document that matches."""
        found = self.answer(filter_, limit=1, now_us=now_us)
        if not found.slots:
            return Changed(0)
        (slot,), record = found.slots, journal.deleted(found.slots[0])
        self._journal.append(now_us, record)
        return Changed(1, 0, len(record), self._told(now_us, self._kept.remove(slot)))

    def _write(self, now_us: int, record: bytes, slot: int, prepared: Prepared) -> Changed:
        """Keep the record, then do what it says."""
        self._journal.append(now_us, record)
        moved = self._kept.put(slot, prepared)
        size = len(prepared.data)
        self.recorder.emit(now_us, "document_write", self.place, file=DOCUMENTS, page=slot, size_bytes=size)
        return Changed(1, size, len(record), self._told(now_us, moved))

    def _told(self, now_us: int, moved: Sequence[Moved]) -> int:
        """Say which cards were taken away and put up, and how many."""
        count = 0
        for index, *both in moved:
            for what, cards in zip(("taken away", "put up"), both, strict=True):
                for card in cards:
                    self.recorder.emit(
                        now_us, "card_write", self.place, file=index, page=self._kept.shelves[index].place(card.key),
                        slot=card.slot, size_bytes=len(card.key), what=what,
                    )  # fmt: skip
                count += len(cards)
        return count

    # ------------------------------------------------------------ read path
    def find(
        self,
        filter_: Document | None = None,
        *,
        sort: Sequence[str] = (),
        limit: int | None = None,
        hint: str | None = None,
        now_us: int = 0,
    ) -> list[Document]:
        """Return the documents that match.

        Parameters
        ----------
        sort : sequence of str
            Paths; each with a dash in front for falling order.
        hint : str, optional
            The index to use, by name, or "COLLSCAN".

        Raises
        ------
        BadParameter
            If the question is none, or there is no such index.
        """
        return list(self.answer(filter_, sort=sort, limit=limit, hint=hint, now_us=now_us).documents)

    def explain(self, filter_: Document | None = None, **asked: Any) -> Explained:
        """Answer as `find` does, and return how it was done instead of what was found."""
        return self.answer(filter_, **asked).explained

    def answer(
        self,
        filter_: Document | None = None,
        *,
        sort: Sequence[str] = (),
        limit: int | None = None,
        hint: str | None = None,
        now_us: int = 0,
    ) -> Answer:
        """Return the documents that match, their numbers, and how they were found."""
        self._require_open()
        query = Query(read_filter({} if filter_ is None else filter_), sort, limit)
        choice = plan(query, self._kept.shelves, len(self._kept.heap), hint=hint)
        reader = Reader(self._kept.heap, self.recorder, self.place, now_us)
        return run(query, choice, self._kept.shelves, reader)

    def aggregate(self, pipeline: Sequence[Document], *, now_us: int = 0) -> tuple[list[Document], Explained]:
        """Return what a pipeline comes to, and how its first `$match` was answered.

        Raises
        ------
        BadParameter
            If it is none.
        """
        steps = read_pipeline(pipeline)
        first = pipeline[0]["$match"] if steps and steps[0][0] == "$match" else {}
        found = self.answer(first, now_us=now_us)
        documents = list(found.documents)
        for _, step in steps:
            documents = list(step(documents))
        return documents, found.explained

    # ------------------------------------------------------------ rules
    def create_index(self, *paths: str, unique: bool = False, sparse: bool = False, now_us: int = 0) -> str:
        """Make an index, of all documents that are there, and return its name.

        Raises
        ------
        BadParameter
            If the paths are none.
        Refused
            If there is one of these paths; or documents that are there do not fit it.
        """
        self._require_open()
        index = PathIndex(paths, unique=unique, sparse=sparse)
        if index.name in self._kept.shelves:
            raise Refused(f"there is an index of {index.name}: drop it first, or use it")
        shelf = self._kept.filled(index)
        self._journal.append(now_us, journal.index_made(index))
        self._kept.shelves[index.name] = shelf
        return index.name

    def drop_index(self, name: str, *, now_us: int = 0) -> None:
        """Take an index down.

        Raises
        ------
        BadParameter
            If there is none of this name.
        Refused
            If it is that of `_id`.
        """
        self._require_open()
        require_choice("index", name, tuple(self._kept.shelves))
        if name == BY_ID.name:
            raise Refused("the index of _id stays: it is what keeps two documents from having the same")
        self._journal.append(now_us, journal.index_dropped(name))
        del self._kept.shelves[name]

    def set_validator(self, spelled: Document | None, *, now_us: int = 0) -> int:
        """Let only documents that match a filter be written from now on; None lets all.

        Returns
        -------
        int
            How many of those that are there do not match: they stay, and each reader must know them.
        """
        self._require_open()
        validator = None if spelled is None else read_filter(spelled)
        self._journal.append(now_us, journal.validator_set(spelled))
        self._kept.validator = validator
        if validator is None:
            return 0
        return sum(not validator.matches(tlv.decode(data)) for data in self._kept.heap.values())

    # ------------------------------------------------------------ upkeep
    def violations(self) -> list[str]:
        """Return every card without its document, and every document without its card, in words."""
        return self._kept.violations()

    def status(self) -> CollectionStatus:
        """Return how much there is."""
        return CollectionStatus(
            len(self._kept.heap),
            sum(map(len, self._kept.heap.values())),
            {name: len(shelf) for name, shelf in self._kept.shelves.items()},
            tuple(name for name, shelf in self._kept.shelves.items() if shelf.is_multikey),
            self._journal.status().size_bytes,
        )

    def documents(self) -> list[Document]:
        """Return every document, oldest first, for checks: no row is left by it."""
        return [tlv.decode(self._kept.heap[slot]) for slot in sorted(self._kept.heap)]

    def shelf(self, name: str) -> list[tuple[Any, ...]]:
        """Return what stands on an index's cards, in order, each with its document's number."""
        require_choice("index", name, tuple(self._kept.shelves))
        return deepcopy([(*card.values, card.slot) for card in self._kept.shelves[name]])

    def sync(self, *, now_us: int = 0) -> None:
        """Make every record durable."""
        self._journal.sync(now_us)

    def close(self, *, now_us: int = 0) -> None:
        """Make every record durable, and take no more calls."""
        if not self._closed:
            self.sync(now_us=now_us)
            self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise Refused(f"{self.place} is closed: open its disk anew, Collection(disk)")
