"""Which objects are there, given everything that was ever acknowledged?

The index is a fold over the store's journal. Every record is a small JSON object whose "do" says what happened; to
`apply` it changes the index and says which blobs nobody refers to any more. So what is in memory while the store runs
and what is there after a crash are made by the same lines::

    {"do": "put", "key", "version", "pieces": [[blob, bytes], ...], "etag", "metadata"}     and "upload", if it ends one
    {"do": "mark", "key", "version"}            a delete marker
    {"do": "forget", "key", "version"}          one version is gone for good
    {"do": "keep_versions"}
    {"do": "begin", "upload", "key", "metadata"}
    {"do": "part", "upload", "number", "blob", "size_bytes", "etag"}
    {"do": "abort", "upload"}
    {"do": "open"}                              the store was opened once more
    {"do": "checkpoint", "state": ...}          all of the above, so that the journal before it can go

A blob's number is the count of openings, shifted by 32 bits, plus a count: no number is ever given twice, not even
after a crash that forgot the first one. Otherwise a drive that was away could come back with another blob's bytes.

Cost: a page of a list is a binary search and its entries; a new key moves the keys behind it in one array.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from dsys_lab.stores.object_store.verbs import KEY_BYTES_MAX, Facts, Page, Part, Upload, Version

NULL: Final = "null"
"""The version of what was put while versions were not kept."""
LAST: Final = "\U0010ffff"
"""Sorts behind every other letter."""
_OPENINGS_SHIFT: Final = 32


def end_of(folder: str) -> str:
    """Return a word behind which no key of a folder lies: one `LAST` more than a key has room for."""
    return folder + LAST * (1 + (KEY_BYTES_MAX - len(folder.encode())) // len(LAST.encode()))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an object's bytes: a blob, and how long it is."""

    blob: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a key; a marker has no tag."""

    version: str
    etag: str | None = None
    pieces: tuple[Piece, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole."""
        return sum(piece.size_bytes for piece in self.pieces)

    def facts(self, key: str) -> Facts:
        """Return what may be known of it."""
        return Facts(key, self.size_bytes, self.etag or "", self.version, dict(self.metadata))


@dataclass(slots=True)
class OpenUpload:
    """An upload that is open, and the parts that have come."""

    key: str
    metadata: dict[str, str]
    parts: dict[int, tuple[Part, Piece]] = field(default_factory=dict)


class Index:
    """What is there.

    Attributes
    ----------
    keeps_versions : bool
    uploads : dict
        Every open upload by its name.
    """

    def __init__(self) -> None:
        self.keeps_versions = False
        self.uploads: dict[str, OpenUpload] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._sorted: list[str] = []
        self._openings = self._blobs_made = self._names_given = 0

    # ------------------------------------------------------------ what is there
    def latest(self, key: str, version: str | None = None) -> Entry | None:
        """Return the object of a key, or this version of it; a marker is no object."""
        entries = self._entries.get(key, [])
        found = [entry for entry in entries[-1:] if version is None] or [e for e in entries if e.version == version]
        return found[0] if found and found[0].etag is not None else None

    def page(self, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        """Return the keys behind `after` that begin with `prefix`; those alike up to the delimiter count as one."""
        objects: list[Facts] = []
        folders: list[str] = []
        at = max(bisect_left(self._sorted, prefix), bisect_right(self._sorted, after) if after else 0)
        last = after
        while at < len(self._sorted) and self._sorted[at].startswith(prefix):
            key, at = self._sorted[at], at + 1
            entry = self.latest(key)
            if entry is None:
                continue
            if len(objects) + len(folders) == limit:
                return Page(tuple(objects), tuple(folders), last)
            inside, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if cut:
                folders.append(prefix + inside + cut)
                last = end_of(folders[-1])
                at = bisect_right(self._sorted, last)
            else:
                objects.append(entry.facts(key))
                last = key
        return Page(tuple(objects), tuple(folders), None)

    def versions(self, prefix: str) -> Iterator[Version]:
        """Give every version of the keys that begin so, the newest of each first."""
        for key in self._sorted[bisect_left(self._sorted, prefix) :]:
            if not key.startswith(prefix):
                return
            entries = self._entries[key]
            for entry in reversed(entries):
                yield Version(key, entry.version, entry is entries[-1], entry.etag is None, entry.size_bytes)

    def pieces(self) -> Iterator[Piece]:
        """Give every blob that somebody refers to."""
        for entries in self._entries.values():
            for entry in entries:
                yield from (piece for piece in entry.pieces if piece.size_bytes)
        for upload in self.uploads.values():
            yield from (piece for _, piece in upload.parts.values() if piece.size_bytes)

    def orphan_bytes(self) -> int:
        """Return the bytes of parts that are no object: they are kept, and paid, until an abort or a completion."""
        return sum(piece.size_bytes for upload in self.uploads.values() for _, piece in upload.parts.values())

    def count(self) -> int:
        """Return how many objects there are."""
        return sum(entries[-1].etag is not None for entries in self._entries.values())

    # ------------------------------------------------------------ new names
    def new_blob(self) -> int:
        """Return a number that no blob ever had."""
        self._blobs_made += 1
        return (self._openings << _OPENINGS_SHIFT) + self._blobs_made

    def next_name(self, letter: str) -> str:
        """Return the name that the next version or upload gets, once its record is applied."""
        return f"{letter}{self._names_given:012d}"

    # ------------------------------------------------------------ the fold
    def apply(self, record: dict[str, Any]) -> list[Piece]:
        """Let a record of the journal have happened; return the blobs that nobody refers to any more."""
        match record:
            case {"do": "put", "key": key, "version": version, "pieces": pieces}:
                made = Entry(version, record["etag"], tuple(Piece(*piece) for piece in pieces), record["metadata"])
                self._names_given += 1
                return self._unused_parts(record.get("upload"), made) + self._add(key, made)
            case {"do": "mark", "key": key, "version": version}:
                self._names_given += 1
                return self._add(key, Entry(version))
            case {"do": "forget", "key": key, "version": version}:
                return self._forget(key, version)
            case {"do": "keep_versions"}:
                self.keeps_versions = True
            case {"do": "begin", "upload": upload, "key": key, "metadata": metadata}:
                self._names_given += 1
                self.uploads[upload] = OpenUpload(key, metadata)
            case {"do": "part", "upload": upload, "number": number, "blob": blob, "size_bytes": size_bytes}:
                parts = self.uploads[upload].parts
                before = [parts[number][1]] if number in parts else []
                parts[number] = Part(number, record["etag"], size_bytes), Piece(blob, size_bytes)
                return before
            case {"do": "abort", "upload": upload}:
                return [piece for _, piece in self.uploads.pop(upload).parts.values()]
            case {"do": "open"}:
                self._openings += 1
                self._blobs_made = 0
            case {"do": "checkpoint", "state": state}:
                self._restore(state)
        return []

    def _add(self, key: str, made: Entry) -> list[Piece]:
        """Let `made` be the newest of a key; the one of the same name, while versions are not kept, is gone."""
        if key not in self._entries:
            insort(self._sorted, key)
        entries = self._entries.setdefault(key, [])
        replaced = [entry for entry in entries if entry.version == made.version]
        self._entries[key] = [entry for entry in entries if entry.version != made.version] + [made]
        return [piece for entry in replaced for piece in entry.pieces]

    def _forget(self, key: str, version: str) -> list[Piece]:
        gone = [entry for entry in self._entries[key] if entry.version == version]
        self._entries[key] = [entry for entry in self._entries[key] if entry.version != version]
        if not self._entries[key]:
            del self._entries[key]
            del self._sorted[bisect_left(self._sorted, key)]
        return [piece for entry in gone for piece in entry.pieces]

    def _unused_parts(self, upload: str | None, made: Entry) -> list[Piece]:
        """Close the upload that became an object; return the parts that were not listed."""
        if upload is None:
            return []
        return [piece for _, piece in self.uploads.pop(upload).parts.values() if piece not in made.pieces]

    # ------------------------------------------------------------ checkpoints
    def state(self) -> dict[str, Any]:
        """Return all of it, as JSON can have it."""
        return {
            "keeps_versions": self.keeps_versions,
            "counts": [self._openings, self._blobs_made, self._names_given],
            "entries": {key: [asdict(entry) for entry in self._entries[key]] for key in self._sorted},
            "uploads": {
                name: [upload.key, upload.metadata, [[asdict(part), asdict(at)] for part, at in upload.parts.values()]]
                for name, upload in self.uploads.items()
            },
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.keeps_versions = state["keeps_versions"]
        self._openings, self._blobs_made, self._names_given = state["counts"]
        self._entries = {
            key: [Entry(**{**told, "pieces": tuple(Piece(**piece) for piece in told["pieces"])}) for told in entries]
            for key, entries in state["entries"].items()
        }
        self._sorted = list(self._entries)
        self.uploads = {
            name: OpenUpload(key, metadata, {part["number"]: (Part(**part), Piece(**at)) for part, at in parts})
            for name, (key, metadata, parts) in state["uploads"].items()
        }


def open_uploads(index: Index) -> tuple[Upload, ...]:
    """Return every open upload, in order of their keys."""
    found = [Upload(name, upload.key) for name, upload in index.uploads.items()]
    return tuple(sorted(found, key=lambda one: (one.key, one.upload)))
