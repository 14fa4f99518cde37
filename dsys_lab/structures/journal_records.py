"""What stands in the log of `journaled_pages`?

Four kinds of records, told apart by their first byte. Two say what changed on which pages, all of it or nothing, and
one of these what that means to whoever reads the log for another purpose than recovery; one begins a log, and says what
the pages are and how many there are; one adds a file. All numbers are big-endian::

    changes      0x01 | u64 tally | for each page: u8 file, u32 page, u8 form, u32 length, bytes
                    form 0: what was put and moved on the page since its last record (`Page.noted`)
                    form 1: the whole page without its free middle (`Page.image`)
    checkpoint   0x02 | {"about": {...}, "pages": {"night.heap": 84, ...}, "tally": 10000}, the files in their order
    a new file   0x03 | its name
    with a note  0x04 | u64 tally | u32 length, note | as in changes
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter, Damaged

FILES_MAX: Final = 256
NOTED, IMAGE = 0, 1
_CHANGES, _CHECKPOINT, _ADDED, _NOTED_CHANGES = b"\x01", b"\x02", b"\x03", b"\x04"
_TALLY: Final = struct.Struct(">Q")
_NOTE: Final = struct.Struct(">I")
_PART: Final = struct.Struct(">BIBI")


class Part(NamedTuple):
    """What changed on one page: the number of its file, its own, `NOTED` or `IMAGE`, and the bytes of that."""

    file: int
    page: int
    form: int
    data: bytes


def encode_changes(tally: int, parts: Iterable[Part], note: bytes = b"") -> bytes:
    """Return a record of changes, with a note if there is one."""
    pieces = [_NOTED_CHANGES if note else _CHANGES, _TALLY.pack(tally)]
    pieces += [_NOTE.pack(len(note)), note] if note else []
    for part in parts:
        pieces += [_PART.pack(part.file, part.page, part.form, len(part.data)), part.data]
    return b"".join(pieces)


def are_changes(payload: bytes) -> bool:
    """Whether this is a record of changes."""
    return payload[:1] in (_CHANGES, _NOTED_CHANGES)


def tally_of(payload: bytes) -> int:
    """Return the tally of a record of changes."""
    return _TALLY.unpack_from(payload, 1)[0]


def note_of(payload: bytes) -> bytes:
    """Return the note of a record, or nothing."""
    if payload[:1] != _NOTED_CHANGES:
        return b""
    begin = 1 + _TALLY.size + _NOTE.size
    return payload[begin : begin + _NOTE.unpack_from(payload, begin - _NOTE.size)[0]]


def parts_of(payload: bytes) -> Iterator[Part]:
    """Give the parts of a record of changes."""
    offset = 1 + _TALLY.size
    if payload[:1] == _NOTED_CHANGES:
        offset += _NOTE.size + len(note_of(payload))
    while offset < len(payload):
        file, page, form, length = _PART.unpack_from(payload, offset)
        offset += _PART.size
        yield Part(file, page, form, payload[offset : offset + length])
        offset += length


def encode_added(name: str) -> bytes:
    """Return the record of a new file."""
    return _ADDED + name.encode()


def added_name(payload: bytes) -> str | None:
    """Return the name of the file that a record adds, or None if it is another record."""
    return payload[1:].decode() if payload[:1] == _ADDED else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the pages are, and how many in each file; the last so many files were added after the first opening.

    `kept` is what their owner keeps beside them.
    """

    about: dict[str, Any]
    pages: dict[str, int]
    tally: int
    added: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the record; where no file was added or nothing kept, nothing is said of it."""
        said = {name: value for name, value in asdict(self).items() if name not in ("added", "kept") or value}
        return _CHECKPOINT + json.dumps(said).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Checkpoint | None:
        """Return what a record says, or None if it is none that begins a log of pages."""
        if payload[:1] != _CHECKPOINT:
            return None
        try:
            return cls(**json.loads(payload[1:]))
        except (TypeError, ValueError):
            return None


def json_values(about: dict[str, Any]) -> dict[str, Any]:
    """Return what will be read back of `about`: a tuple comes back as a list.

    Raises
    ------
    BadParameter
        If a value is none that JSON has.
    """
    try:
        return json.loads(json.dumps(about))
    except TypeError as error:
        raise BadParameter(f"about = {about!r}: give values that JSON has ({error})") from None


def newest_checkpoint(records: Iterable[tuple[int, bytes]], first_lsn: int) -> tuple[int, Checkpoint]:
    """Return the number of the last record that begins a log, and what it says.

    Raises
    ------
    Damaged
        If there is none before the changes.
    BadParameter
        If this is no log of pages.
    """
    found, last = None, b""
    for lsn, last in records:
        if (checkpoint := Checkpoint.decode(last)) is not None:
            found = lsn, checkpoint
    if found is not None:
        return found
    if not last or are_changes(last):
        raise Damaged(
            f"the log begins with record {first_lsn}, and the checkpoint before it is missing; restore the log's files "
            "from a copy"
        )
    raise BadParameter("the log on this disk is not one of pages; give the table a disk of its own")


def check_names(files: tuple[str, ...]) -> None:
    """Refuse names of files that say nothing."""
    if not 0 < len(set(files)) == len(files) <= FILES_MAX:
        raise BadParameter(f"files = {files!r}: give 1 to {FILES_MAX} names, each once")
