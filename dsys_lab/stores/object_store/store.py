"""How does a store keep whole objects so that none is ever half there?

By two kinds of files and one order. The bytes of an object are a *blob*: a new file, never written again. What blobs
mean is said in a *journal*. First the blob is made durable, with its name; then one record of the journal is, and that
record is the moment at which the object exists::

    put(k, bytes) --> blob 17 --> sync --> journal: {"do": "put", "key": k, "pieces": [[17, size]]} --> sync --> answer
                      nobody refers to it   ^ a crash before here: it never was; after here: it is

A second put of the same key writes a second blob and a second record; only then the first blob is let go. A reader has
the one or the other. Parts are blobs as well: to complete an upload is one record that names them in order, so a
terabyte becomes visible as quickly as a byte.

Promises
--------
1. Those of every object store (`verbs`). `complete` copies nothing.
2. A blob that a crash left without a record is removed when the store is opened, and counted in `status().orphans`.
3. After a failed write or sync the store writes nothing more until it is opened anew (`MayHaveHappened`, `Refused`).
4. What is damaged is found by its checksum when it is read; other objects stay readable.

Cost: a put is a write and two syncs of a blob, and a write and a sync of the journal; a get reads the blocks that it
touches; a list reads nothing, for the index is in memory, at some 500 bytes a version. Opening replays the journal
since its last checkpoint, which is written every `checkpoint_records` records.

Left out: several writers of one journal; two conditional writes that overlap in time (S3 may answer 409 to one of
them); events; rules that let objects expire; encryption.

Sources: Bornholt et al., SOSP 2021; Beaver et al., "Finding a needle in Haystack: Facebook's photo storage", OSDI 2010;
Amazon S3 User Guide, "Amazon S3 data consistency model", read in November 2026.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dsys_lab.errors import Refused, require_positive
from dsys_lab.stores.object_store import verbs
from dsys_lab.stores.object_store.blobs import BlobFiles, Blobs
from dsys_lab.stores.object_store.index import NULL, Entry, OpenUpload, Piece, open_uploads
from dsys_lab.stores.object_store.journal import CHECKPOINT_RECORDS, Journal
from dsys_lab.stores.object_store.key_ranges import READS, WRITES, KeyRanges
from dsys_lab.stores.object_store.verbs import (
    PAGE_KEYS_MAX,
    PART_BYTES_MIN,
    ConditionFailed,
    Facts,
    Found,
    NoSuchUpload,
    Page,
    Part,
    Upload,
    Version,
)
from dsys_lab.structures.append_log import Cut
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What is there, and what was asked.

    Attributes
    ----------
    objects, blobs : int
    size_bytes, part_bytes : int
        Of all versions and parts; and of these the bytes of parts that are no object (yet).
    uploads : int
        Open ones.
    requests : dict
        How often each verb was asked, refusals included.
    orphans : int
        Blobs without a record that opening took away.
    cut : Cut or None
        The torn tail that opening cut off the journal.
    """

    objects: int
    blobs: int
    size_bytes: int
    part_bytes: int
    uploads: int
    requests: dict[str, int]
    orphans: int
    cut: Cut | None


class JournaledStore:
    """Blobs, and a journal of what they mean.

    Parameters
    ----------
    disk : Disk
        Holds the journal, and the blobs unless they are elsewhere; nothing else.
    blobs : Blobs, optional
        Where the bytes are; without it, files of `disk`.
    ranges : KeyRanges, optional
        How much may be asked of which keys; without it, anything.
    part_bytes_min : int
        The least size of every part but the last.
    checkpoint_records : int
        After so many records the journal begins anew with all that it said.
    place : str
        The name under which its rows appear.
    recorder : Recorder
        Where its rows go.
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If the journal is not what was written, or a part of it is missing.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> store = JournaledStore(VolatileDisk())
    >>> tag = store.put("pings/2017-01-01/17", b"435 minutes").etag
    >>> store.get("pings/2017-01-01/17", first=0, size_bytes=3).data
    b'435'
    >>> store.list("pings/", delimiter="/").folders
    ('pings/2017-01-01/',)
    """

    def __init__(
        self,
        disk: Disk,
        *,
        blobs: Blobs | None = None,
        ranges: KeyRanges | None = None,
        part_bytes_min: int = PART_BYTES_MIN,
        checkpoint_records: int = CHECKPOINT_RECORDS,
        place: str = "bucket",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_positive(part_bytes_min=part_bytes_min, checkpoint_records=checkpoint_records)
        self.blobs = blobs or BlobFiles(disk, place=place, recorder=recorder)
        self.ranges, self.place, self._part_bytes_min = ranges, place, part_bytes_min
        self._requests: Counter[str] = Counter()
        self._closed = False
        self._journal = Journal(
            disk, self.blobs, checkpoint_records=checkpoint_records, place=f"{place}/journal", recorder=recorder,
            now_us=now_us,
        )  # fmt: skip
        self._index = self._journal.index

    # ------------------------------------------------------------ write path
    def put(
        self,
        key: str,
        data: bytes,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        metadata: Mapping[str, str] | None = None,
        now_us: int = 0,
    ) -> Facts:
        """Let `key` have these bytes (see `verbs`)."""
        self._require_open()
        verbs.check_key(key)
        verbs.check_data(data)
        verbs.check_condition(if_absent, if_match)
        told = verbs.check_metadata(metadata)
        self._admit("put", WRITES, key, now_us)
        self._require_condition(key, if_absent, if_match)
        pieces = self._journal.keep(data, now_us)
        return self._put(now_us, key, pieces, verbs.etag_of(data), told)

    def copy(self, source: str, to: str, *, now_us: int = 0) -> Facts | None:
        """Let `to` have the bytes of `source`, which the store copies itself; None if there is no such object."""
        self._require_open()
        verbs.check_key(source)
        verbs.check_key(to)
        self._admit("copy", WRITES, to, now_us)
        entry = self._index.latest(source)
        if entry is None:
            return None
        data = self._read(entry, 0, entry.size_bytes, now_us)
        return self._put(now_us, to, self._journal.keep(data, now_us), verbs.etag_of(data), dict(entry.metadata))

    def delete(self, key: str, *, version: str | None = None, if_match: str | None = None, now_us: int = 0) -> None:
        """Let `key` be absent, or take one version of it away for good."""
        self._require_open()
        verbs.check_key(key)
        verbs.check_version(version)
        verbs.check_condition(False, if_match)
        self._admit("delete", WRITES, key, now_us)
        self._require_condition(key, False, if_match)
        if version is not None or not self._index.keeps_versions:
            known = {one.version for one in self._index.versions(key) if one.key == key}
            if (version or NULL) in known:
                self._journal.append(now_us, {"do": "forget", "key": key, "version": version or NULL})
        else:
            self._journal.append(now_us, {"do": "mark", "key": key, "version": self._index.next_name("v")})

    def keep_versions(self, *, now_us: int = 0) -> None:
        """From now on, keep every version of every key."""
        self._require_open()
        if not self._index.keeps_versions:
            self._journal.append(now_us, {"do": "keep_versions"})

    def _put(
        self, now_us: int, key: str, pieces: Sequence[Piece], etag: str, metadata: dict[str, str], **more: str
    ) -> Facts:
        """Write the record with which the object exists."""
        version = self._index.next_name("v") if self._index.keeps_versions else NULL
        told = [[piece.blob, piece.size_bytes] for piece in pieces]
        record = {"do": "put", "key": key, "version": version, "pieces": told, "etag": etag, "metadata": metadata}
        self._journal.append(now_us, {**record, **more})
        return Entry(version, etag, tuple(pieces), metadata).facts(key)

    # ------------------------------------------------------------ parts
    def begin_upload(self, key: str, *, metadata: Mapping[str, str] | None = None, now_us: int = 0) -> Upload:
        """Begin an object in parts."""
        self._require_open()
        verbs.check_key(key)
        told = verbs.check_metadata(metadata)
        self._admit("begin_upload", WRITES, key, now_us)
        upload = Upload(self._index.next_name("u"), key)
        self._journal.append(now_us, {"do": "begin", "upload": upload.upload, "key": key, "metadata": told})
        return upload

    def put_part(self, upload: Upload, number: int, data: bytes, *, now_us: int = 0) -> Part:
        """Put part `number`, in the place of one that has this number already."""
        self._require_open()
        self._upload(upload)
        verbs.check_part_number(number)
        verbs.check_data(data)
        self._admit("put_part", WRITES, upload.key, now_us)
        part = Part(number, verbs.etag_of(data), len(data))
        blob = next((piece.blob for piece in self._journal.keep(data, now_us)), 0)
        told = {"number": number, "blob": blob, "size_bytes": len(data), "etag": part.etag}
        self._journal.append(now_us, {"do": "part", "upload": upload.upload, **told})
        return part

    def complete(
        self,
        upload: Upload,
        parts: Sequence[Part],
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        now_us: int = 0,
    ) -> Facts:
        """Let these parts be the object, all at once."""
        self._require_open()
        opened = self._upload(upload)
        verbs.check_condition(if_absent, if_match)
        self._admit("complete", WRITES, upload.key, now_us)
        there = {number: part for number, (part, _) in opened.parts.items()}
        verbs.check_parts(parts, there, part_bytes_min=self._part_bytes_min)
        self._require_condition(upload.key, if_absent, if_match)
        pieces = [opened.parts[part.number][1] for part in parts]
        etag = verbs.etag_of_parts([part.etag for part in parts])
        whole = [piece for piece in pieces if piece.size_bytes]
        return self._put(now_us, upload.key, whole, etag, opened.metadata, upload=upload.upload)

    def abort(self, upload: Upload, *, now_us: int = 0) -> None:
        """Let go of an upload and its parts."""
        self._require_open()
        self._upload(upload)
        self._admit("abort", WRITES, upload.key, now_us)
        self._journal.append(now_us, {"do": "abort", "upload": upload.upload})

    def uploads(self) -> tuple[Upload, ...]:
        """Return every upload that is open, in order of their keys."""
        self._require_open()
        return open_uploads(self._index)

    def parts(self, upload: Upload) -> tuple[Part, ...]:
        """Return the parts of an upload that have come, by number."""
        self._require_open()
        return tuple(part for _, (part, _) in sorted(self._upload(upload).parts.items()))

    def _upload(self, upload: Upload) -> OpenUpload:
        is_one = isinstance(upload, Upload) and isinstance(upload.upload, str)
        found = self._index.uploads.get(upload.upload) if is_one else None
        if found is None or found.key != upload.key:
            raise NoSuchUpload(f"{upload!r} is not open: begin one, or look at `uploads`")
        return found

    # ------------------------------------------------------------ read path
    def get(
        self, key: str, *, first: int = 0, size_bytes: int | None = None, version: str | None = None, now_us: int = 0
    ) -> Found | None:
        """Return an object, or the range of `size_bytes` from byte `first` on; fewer where it ends."""
        self._require_open()
        verbs.check_key(key)
        verbs.check_version(version)
        verbs.check_range(first, size_bytes)
        self._admit("get", READS, key, now_us)
        entry = self._index.latest(key, version)
        if entry is None:
            return None
        data = self._read(entry, first, entry.size_bytes if size_bytes is None else size_bytes, now_us)
        return Found(key, entry.size_bytes, entry.etag or "", entry.version, dict(entry.metadata), data)

    def head(self, key: str, *, version: str | None = None, now_us: int = 0) -> Facts | None:
        """Return what is known of an object."""
        self._require_open()
        verbs.check_key(key)
        verbs.check_version(version)
        self._admit("head", READS, key, now_us)
        entry = self._index.latest(key, version)
        return None if entry is None else entry.facts(key)

    def list(
        self, prefix: str = "", *, delimiter: str = "", after: str = "", limit: int = PAGE_KEYS_MAX, now_us: int = 0
    ) -> Page:
        """Return a page of the keys that begin with `prefix` and come behind `after`."""
        self._require_open()
        verbs.check_list(prefix, delimiter, after, limit)
        self._admit("list", READS, max(prefix, after), now_us)
        return self._index.page(prefix, delimiter, after, limit)

    def versions(self, prefix: str = "") -> tuple[Version, ...]:
        """Return every version of the keys that begin so, the newest of each key first."""
        self._require_open()
        verbs.check_word("prefix", prefix)
        return tuple(self._index.versions(prefix))

    def status(self) -> StoreStatus:
        """Return what is there, and what was asked."""
        pieces = tuple(self._index.pieces())
        return StoreStatus(
            self._index.count(), len(pieces), sum(piece.size_bytes for piece in pieces), self._index.orphan_bytes(),
            len(self._index.uploads), dict(self._requests), self._journal.orphans, self._journal.log.cut,
        )  # fmt: skip

    def _read(self, entry: Entry, first: int, size_bytes: int, now_us: int) -> bytes:
        """Return a range of an object, from the pieces that it lies in."""
        end, begins, found = first + size_bytes, 0, []
        for piece in entry.pieces:
            start, stop = max(first, begins), min(end, begins + piece.size_bytes)
            if start < stop:
                found.append(self.blobs.read(piece, start - begins, stop - start, now_us=now_us))
            begins += piece.size_bytes
        return b"".join(found)

    # ------------------------------------------------------------ upkeep
    def repair(self, *, now_us: int = 0) -> int:
        """Read and check every blob, write again what is lost of it; return how many shards that were.

        Raises
        ------
        Damaged
            If something cannot be brought back (of plain files, nothing can); all else is nevertheless.
        """
        self._require_open()
        return self._journal.repair(now_us)

    def checkpoint(self, *, now_us: int = 0) -> None:
        """Begin the journal anew with all that it said."""
        self._require_open()
        self._journal.checkpoint(now_us)

    def close(self) -> None:
        """Let go; everything is durable already."""
        self._closed = True

    # ------------------------------------------------------------ who may pass
    def _admit(self, verb: str, kind: str, key: str, now_us: int) -> None:
        self._requests[verb] += 1
        if self.ranges is not None:
            self.ranges.admit(now_us, key, kind)

    def _require_condition(self, key: str, if_absent: bool, if_match: str | None) -> None:
        entry = self._index.latest(key)
        if if_absent and entry is not None:
            raise ConditionFailed(f"{key!r} is there already, with the tag {entry.etag}: read it, or take another key")
        if if_match is not None and (entry is None or entry.etag != if_match):
            there = "absent" if entry is None else f"{entry.etag}"
            raise ConditionFailed(f"{key!r} is {there} and not {if_match}: read it again, and decide anew")

    def _require_open(self) -> None:
        if self._closed:
            raise Refused(f"{self.place} is closed: open its disk anew")
