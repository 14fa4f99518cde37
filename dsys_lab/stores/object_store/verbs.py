"""What may one ask of an object store, and what do the answers mean?

Whole objects under keys: put, get, list, delete. Nothing is changed in place, nothing is renamed, nothing is locked. In
their stead stand three things: an object becomes visible whole or not at all; a put may have a *condition* on what is
there; and what is too large for one request comes in *parts*.

What stands behind a key is told by its *entity tag* (`etag`): the MD5 of its bytes, or, of an object that was put
together from n parts, the MD5 of their MD5s, and "-n".

Promises
--------
1. What was acknowledged survives every crash, and is seen by every read and list that begins later.
2. A reader sees an object as one put made it, never parts of two; this holds across a crash, too.
3. A put, or a completion, whose condition does not hold changes nothing (`ConditionFailed`).
4. Keys come in the order of their UTF-8 bytes; a page holds at most 1,000 of them and says where to go on.
5. Parts are nobody's object before the upload is completed, and are kept (and paid) until then, or until it is aborted.

A key that is not there is an answer (None) and no error. There is no promise over two keys.

Sources: Amazon S3 User Guide, "Amazon S3 data consistency model", "Multipart upload limits", "Enforce conditional
writes on Amazon S3 buckets", read in November 2026.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from dsys_lab.errors import BadParameter, DidNotHappen, Refused

KEY_BYTES_MAX: Final = 1_024
PAGE_KEYS_MAX: Final = 1_000
METADATA_BYTES_MAX: Final = 2_048
"""Names and words of an object together. Source: Amazon S3 User Guide, "Working with object metadata"."""
PARTS_MAX: Final = 10_000
PART_BYTES_MIN: Final = 5 << 20
"""Of every part but the last."""
PUT_BYTES_MAX: Final = 5 << 30
"""What one put, or one part, may have; larger objects come in parts."""


class ConditionFailed(Refused):
    """The condition of a put, delete or completion did not hold: 412 in HTTP."""


class NoSuchUpload(Refused):
    """No upload is open under this name: it was never begun, or it was completed or aborted."""


class BadParts(Refused):
    """The list of parts is not one of this upload, or one of them is too small; the upload is still open."""


class SlowDown(DidNotHappen):
    """More was asked of a range of keys than it does in this second: 503 in HTTP. Wait, and try again."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an object without reading it.

    Attributes
    ----------
    etag : str
        Tells whether it is the same.
    version : str
        Its name among the versions of the key; "null" while versions were not kept.
    metadata : mapping
        Words that were put with it.
    """

    key: str
    size_bytes: int
    etag: str
    version: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found(Facts):
    """An object, or the range of its bytes that was asked for; `size_bytes` is of the whole."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key, or a *delete marker*, which says that from then on there is no object."""

    key: str
    version: str
    is_latest: bool
    is_marker: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Attributes
    ----------
    objects : tuple of Facts
    folders : tuple of str
        What keys have in common up to the delimiter: the store has no folders, it only counts keys like this as one.
    next_after : str or None
        Ask for what comes `after` it; None at the end.
    """

    objects: tuple[Facts, ...]
    folders: tuple[str, ...]
    next_after: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the objects."""
        return tuple(found.key for found in self.objects)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload: its number, from 1, and what tells its bytes."""

    number: int
    etag: str
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that is open: its name, and the key that its object will have."""

    upload: str
    key: str


class ObjectStore(Protocol):
    """Whole objects under keys. For errors see above; a wrong call is `BadParameter`, and changes nothing."""

    def put(
        self,
        key: str,
        data: bytes,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Facts:
        """Let `key` have these bytes, if there is no object yet, or if the one there has the tag `if_match`."""

    def get(
        self, key: str, *, first: int = 0, size_bytes: int | None = None, version: str | None = None
    ) -> Found | None:
        """Return an object, or the range of `size_bytes` from byte `first` on; fewer where it ends."""

    def head(self, key: str, *, version: str | None = None) -> Facts | None:
        """Return what is known of an object."""

    def list(self, prefix: str = "", *, delimiter: str = "", after: str = "", limit: int = PAGE_KEYS_MAX) -> Page:
        """Return a page of the keys that begin with `prefix` and come behind `after`."""

    def delete(self, key: str, *, version: str | None = None, if_match: str | None = None) -> None:
        """Let `key` be absent: where versions are kept, by a marker; or take one version away for good."""

    def keep_versions(self) -> None:
        """From now on, keep every version of every key."""

    def versions(self, prefix: str = "") -> tuple[Version, ...]:
        """Return every version of the keys that begin so, the newest of each key first."""

    def begin_upload(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Upload:
        """Begin an object in parts."""

    def put_part(self, upload: Upload, number: int, data: bytes) -> Part:
        """Put part `number`, in the place of one that has this number already."""

    def complete(
        self, upload: Upload, parts: Sequence[Part], *, if_absent: bool = False, if_match: str | None = None
    ) -> Facts:
        """Let these parts be the object, all at once."""

    def abort(self, upload: Upload) -> None:
        """Let go of an upload and its parts."""

    def uploads(self) -> tuple[Upload, ...]:
        """Return every upload that is open, in order of their keys."""

    def parts(self, upload: Upload) -> tuple[Part, ...]:
        """Return the parts of an upload that have come, by number."""


class Listed(Protocol):
    """Whatever keys can be listed of."""

    def list(self, prefix: str = "", *, after: str = "", limit: int = PAGE_KEYS_MAX) -> Page:
        """Return a page of the keys that begin with `prefix` and come behind `after`."""


def every(store: Listed, prefix: str = "", *, page_keys: int = PAGE_KEYS_MAX) -> Iterator[Facts]:
    """Give all objects whose keys begin so, page by page: a request each `page_keys`."""
    after: str | None = ""
    while after is not None:
        page = store.list(prefix, after=after, limit=page_keys)
        yield from page.objects
        after = page.next_after


# ------------------------------------------------------------------------------------------ tags
def etag_of(data: bytes) -> str:
    """Return the tag of bytes that were put at once.

    >>> etag_of(b"")
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def etag_of_parts(etags: Sequence[str]) -> str:
    """Return the tag of an object of several parts."""
    return f"{etag_of(b''.join(map(bytes.fromhex, etags)))}-{len(etags)}"


# ------------------------------------------------------------------------------------------ what is refused
def check_key(key: str) -> None:
    """Refuse what is no key."""
    if not isinstance(key, str):
        raise BadParameter(f"key = {key!r}: give a word of 1 to {KEY_BYTES_MAX:,} bytes")
    size_bytes = _utf8_bytes("key", key)
    if not 1 <= size_bytes <= KEY_BYTES_MAX:
        raise BadParameter(f"key of {size_bytes:,} bytes: give 1 to {KEY_BYTES_MAX:,}")


def _utf8_bytes(name: str, word: str) -> int:
    """Return how many bytes a word has; refuse one that has none."""
    try:
        return len(word.encode())
    except UnicodeEncodeError as error:
        raise BadParameter(f"{name} = {word!r}: it has no UTF-8 ({error.reason}); give another") from None


def check_data(data: bytes) -> None:
    """Refuse what is not bytes, or too many of them for one request."""
    if not isinstance(data, bytes):
        raise BadParameter(f"data = {type(data).__name__}: give bytes, such as {'text'!r}.encode()")
    if len(data) > PUT_BYTES_MAX:
        raise BadParameter(f"data of {len(data):,} bytes: give at most {PUT_BYTES_MAX:,}, and more than that in parts")


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return the words that are put with an object; refuse what are none."""
    if not isinstance(metadata, Mapping | None):
        raise BadParameter(f"metadata = {metadata!r}: give names and words, as in {{'night': '2017-01-01'}}")
    told = dict(metadata or {})
    if not all(isinstance(word, str) and word.isascii() for pair in told.items() for word in pair):
        raise BadParameter(f"metadata = {metadata!r}: give names and words of ASCII")
    if not all(word.isprintable() for pair in told.items() for word in pair):
        raise BadParameter(f"metadata = {metadata!r}: give letters that can be printed, for they travel in a header")
    if not all(name and name == name.lower() for name in told):
        raise BadParameter(f"metadata = {metadata!r}: give names in small letters, which is how they come back")
    size_bytes = sum(len(word) for pair in told.items() for word in pair)
    if size_bytes > METADATA_BYTES_MAX:
        raise BadParameter(f"metadata of {size_bytes:,} bytes: give {METADATA_BYTES_MAX:,} in all, names and words")
    return told


def check_condition(if_absent: bool, if_match: str | None) -> None:
    """Refuse a condition that no object and every object would meet."""
    if if_absent and if_match is not None:
        raise BadParameter(f"if_absent and if_match = {if_match!r}: give one of them, for no object can meet both")
    if if_match is not None and not isinstance(if_match, str):
        raise BadParameter(f"if_match = {if_match!r}: give the etag of an object")


def check_version(version: str | None) -> None:
    """Refuse what can be no version's name."""
    if version is not None and (not isinstance(version, str) or not version):
        raise BadParameter(f"version = {version!r}: give the name of a version, as `versions` tells it, or None")


def check_range(first: int, size_bytes: int | None) -> None:
    """Refuse a range that has no bytes."""
    for name, value, least in (("first", first, 0), ("size_bytes", size_bytes, 1)):
        if value is None and name == "size_bytes":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadParameter(f"{name} = {value!r}: give a whole number, {least} or more")


def check_list(prefix: str, delimiter: str, after: str, limit: int) -> None:
    """Refuse a list that is none."""
    for name, word in (("prefix", prefix), ("delimiter", delimiter), ("after", after)):
        check_word(name, word)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= PAGE_KEYS_MAX:
        raise BadParameter(f"limit = {limit!r}: give 1 to {PAGE_KEYS_MAX:,} keys a page")


def check_word(name: str, word: str) -> None:
    """Refuse what no key can begin with, or come after."""
    if not isinstance(word, str):
        raise BadParameter(f"{name} = {word!r}: give a word, '' for none")
    _utf8_bytes(name, word)


def check_part_number(number: int) -> None:
    """Refuse what is no number of a part."""
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= PARTS_MAX:
        raise BadParameter(f"part {number!r}: give a number from 1 to {PARTS_MAX:,}")


def check_parts(given: Sequence[Part], there: Mapping[int, Part], *, part_bytes_min: int = PART_BYTES_MIN) -> None:
    """Refuse a list of parts that makes no object: the upload stays open.

    Raises
    ------
    BadParts
        If it is empty, out of order, names what did not come, or a part before the last is below the least size.
    """
    if not isinstance(given, Sequence):
        raise BadParameter(f"parts = {given!r}: give a list, for it is gone through more than once")
    if not given:
        raise BadParts("no parts were listed: list at least one")
    for part in given:
        if not isinstance(part, Part):
            raise BadParameter(f"parts: {part!r} is none; list what `put_part` gave, or what `parts` tells")
        check_part_number(part.number)
    numbers = [part.number for part in given]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise BadParts(f"the parts are listed as {numbers[:20]}: list each once, by rising number")
    for part in given:
        if part.number not in there or there[part.number].etag != part.etag:
            raise BadParts(f"part {part.number}, tag {part.etag!r}, has not come: put it, or list what `parts` tells")
    for part in given[:-1]:
        size_bytes = there[part.number].size_bytes
        if size_bytes < part_bytes_min:
            raise BadParts(
                f"part {part.number} has {size_bytes:,} bytes: every part but the last needs {part_bytes_min:,}"
            )
