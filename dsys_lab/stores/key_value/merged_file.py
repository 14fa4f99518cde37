"""Where do the live entries of a hash store lie after a merge?

In one file that holds, for every key, the record that counted when the log had reached record `lsn`, copied from the
log byte for byte. Its name says so: `merged-00000000000000004711.data` stands for all records below 4,711. Beside it
lies a *hint*, which says where each key is: opening reads a few bytes a key and no values. The hint is written last::

    0            2               10            14
    +------------+---------------+-------------+------ - -
    | key_length | offset        | size_bytes  | key           once a key
    +------------+---------------+-------------+------ - -
     u16 "H"      u64 "Q"         u32 "I"
    +------------------+--------+
    | data_size_bytes  | crc32  |                              once, at the end
    +------------------+--------+
     u64 "Q"            u32 "I"

So a merge that a crash cut short is known by its hint, which is missing or not whole, and by the log, which still
reaches back to where the merge began: its files are taken away. A hint that is broken although the log was shortened
was damaged later; then the data file, which was durable before the hint began, is read from end to end and says the
same. Without any hint nobody knows whether the data file is whole: it is refused.

Source: the hint files of Bitcask (Sheehy and Smith, 2010).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from dsys_lab.errors import Damaged
from dsys_lab.stores.key_value.entry import decode
from dsys_lab.structures.append_log import At, whole_frame
from dsys_lab.structures.disk import Disk

DATA_NAME: Final = re.compile(r"^merged-(\d{20})\.data$")
HINT_NAME: Final = re.compile(r"^merged-(\d{20})\.hint$")
_HINT: Final = struct.Struct(">HQI")
_HINT_END: Final = struct.Struct(">QI")
_WRITE_BYTES: Final = 1 << 20

Index = dict[bytes, At]


def data_name(lsn: int) -> str:
    """Return the name of the file that stands for the records below `lsn`."""
    return f"merged-{lsn:020d}.data"


def hint_name(lsn: int) -> str:
    """Return the name of its hint."""
    return f"merged-{lsn:020d}.hint"


def stored(disk: Disk) -> list[int]:
    """Return the record numbers of the data files on a disk, the newest first."""
    return sorted((int(found[1]) for found in map(DATA_NAME.match, disk.names()) if found), reverse=True)


def write(disk: Disk, lsn: int, frames: Iterable[tuple[bytes, bytes]]) -> Index:
    """Write keys with their records, then the hint, both durable; return where each key now lies."""
    name, index, offset, waiting = data_name(lsn), Index(), 0, bytearray()
    disk.append(name, b"")
    for key, frame in frames:
        index[key] = At(name, offset, len(frame))
        offset += len(frame)
        waiting += frame
        if len(waiting) >= _WRITE_BYTES:
            disk.append(name, bytes(waiting))
            waiting.clear()
    disk.append(name, bytes(waiting))
    disk.sync(name)
    disk.append(hint_name(lsn), _encode_hint(index, offset))
    disk.sync(hint_name(lsn))
    disk.sync_names()
    return index


def load(disk: Disk, lsn: int) -> Index | None:
    """Return where each key lies by the hint, or None if there is no hint that is whole."""
    if hint_name(lsn) not in disk.names():
        return None
    content = disk.read(hint_name(lsn))
    if len(content) < _HINT_END.size:
        return None
    data_size_bytes, crc = _HINT_END.unpack_from(content, len(content) - _HINT_END.size)
    if zlib.crc32(content[:-4]) != crc or disk.size_bytes(data_name(lsn)) != data_size_bytes:
        return None
    return dict(_decode_hint(content[: -_HINT_END.size], data_name(lsn)))


def walk(disk: Disk, lsn: int) -> Index:
    """Return where each key lies by reading all records.

    Raises
    ------
    Damaged
        If one of them is not what was written, or the hint is missing: then nothing says that these are all.
    """
    if hint_name(lsn) not in disk.names():
        raise Damaged(
            f"{data_name(lsn)} has no hint beside it, so it may be cut short, and the log before record {lsn} is not "
            f"whole: restore {hint_name(lsn)}, or what is missing of the log and of older merged files, from a copy"
        )
    name, index, offset = data_name(lsn), Index(), 0
    content = disk.read(name)
    while offset < len(content):
        frame = whole_frame(content, offset)
        if frame is None:
            raise Damaged(
                f"{name}, byte {offset}: not what was written, and without its hint the next record cannot be found; "
                "restore the file or its hint from a copy"
            )
        index[decode(frame.payload)[0]] = At(name, offset, frame.end - offset)
        offset = frame.end
    return index


def remove(disk: Disk, lsn: int) -> list[str]:
    """Take a data file and its hint away; return the names of what was there."""
    gone = [name for name in (hint_name(lsn), data_name(lsn)) if name in disk.names()]
    for name in gone:
        disk.remove(name)
    disk.sync_names()
    return gone


def _encode_hint(index: Index, data_size_bytes: int) -> bytes:
    parts = [_HINT.pack(len(key), at.offset, at.size_bytes) + key for key, at in index.items()]
    content = b"".join(parts) + data_size_bytes.to_bytes(8, "big")
    return content + zlib.crc32(content).to_bytes(4, "big")


def _decode_hint(content: bytes, name: str) -> Iterator[tuple[bytes, At]]:
    start = 0
    while start < len(content):
        key_length, offset, size_bytes = _HINT.unpack_from(content, start)
        start += _HINT.size + key_length
        yield content[start - key_length : start], At(name, offset, size_bytes)
