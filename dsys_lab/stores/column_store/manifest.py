"""Which chunks are the table?

Those in the manifest, and no others. A merge writes new chunks behind the old ones, where no manifest knows them; then
it writes a new manifest beside the old one, makes it durable, and takes the old one away. A crash before that moment
leaves the old table, a crash after it the new one: bytes of both may lie there, but the manifest says which count.

A manifest is text, one line a row group, the checksum of all other lines in the last::

    {"manifest": 3, "schema": "id u32, city text", "key": "id", "layout": "columns", "generation": 0, "lsn": 17}
    {"rows": 8192, "chunks": [["00-id.0", 0, 16, 0, "delta", 0, 8191, 1184...], ["01-city.0", 0, ...]]}
    {"rows": 100, "chunks": [...], "deleted": "AAAB..."}
    crc32 9ae1f3d0

A chunk is `[file, offset, size, nulls, codec, low, high, crc32]`; `deleted` is a mask of the rows that are gone, in
base 64. All log records below `lsn` are in the table already.

Promises
--------
1. Of two manifests the higher whole one counts. One that is not whole is a crash's, if an older one is there: nothing
   is taken away that the older one needs before the newer one is durable and the older one is gone.
2. A manifest that is not whole and has no older one beside it is `Damaged`, and named.

Left out: writing only what changed; 120 bytes a chunk are written at every merge.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from dsys_lab.errors import Damaged
from dsys_lab.stores.column_store.chunk import Chunk
from dsys_lab.structures.append_log import segment_names
from dsys_lab.structures.disk import Disk
from dsys_lab.structures.encoding import pack_mask, unpack_mask
from dsys_lab.structures.encoding.codec import Array
from dsys_lab.structures.schema import Schema

FIRST: Final = "manifest-000000"
"""Written when there is nothing but an empty log: where that is all and it is not whole, nothing was promised yet."""
NAME: Final = re.compile(r"^manifest-(\d{6,})$")
_LAST: Final = re.compile(rb"^crc32 ([0-9a-f]{8})\n$")


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: the same rows in every column.

    Attributes
    ----------
    rows : int
    chunks : mapping
        By name of column.
    deleted : array of bool, shape (rows,), or None
        Rows that are gone; never changed in place.
    """

    rows: int
    chunks: Mapping[str, Chunk]
    deleted: Array | None = None

    def without(self, row: int) -> Group:
        """Return the group with one row more gone."""
        deleted = np.zeros(self.rows, bool) if self.deleted is None else self.deleted.copy()
        deleted[row] = True
        return replace(self, deleted=deleted)

    def live_rows(self) -> int:
        """Return how many rows are there."""
        return self.rows if self.deleted is None else self.rows - int(self.deleted.sum())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the table is.

    Attributes
    ----------
    number : int
        Counts up with every swap.
    schema : Schema
    key, layout : str
    generation : int
        Counts up when all files are written anew.
    lsn : int
        The first log record that is not in the table.
    groups : tuple of Group
    """

    number: int
    schema: Schema
    key: str
    layout: str
    generation: int = 0
    lsn: int = 0
    groups: tuple[Group, ...] = ()

    def name(self) -> str:
        """The name of its file."""
        return f"manifest-{self.number:06d}"

    def file_sizes(self) -> dict[str, int]:
        """Return how long each file is as far as it belongs to the table."""
        sizes: dict[str, int] = {}
        for group in self.groups:
            for chunk in group.chunks.values():
                sizes[chunk.file] = max(sizes.get(chunk.file, 0), chunk.end)
        return sizes

    def encode(self) -> bytes:
        """Return the text."""
        head = {"manifest": self.number, "schema": str(self.schema), "key": self.key, "layout": self.layout}
        lines = [json.dumps({**head, "generation": self.generation, "lsn": self.lsn}), *map(_line, self.groups)]
        text = "".join(f"{line}\n" for line in lines).encode()
        return text + b"crc32 %08x\n" % zlib.crc32(text)


def _line(group: Group) -> str:
    chunks = [
        [chunk.file, chunk.offset, chunk.size_bytes, chunk.nulls, chunk.codec, chunk.low, chunk.high, chunk.crc32]
        for chunk in group.chunks.values()
    ]
    line: dict[str, Any] = {"rows": group.rows, "chunks": chunks}
    if group.deleted is not None:
        line["deleted"] = base64.b64encode(pack_mask(group.deleted)).decode()
    return json.dumps(line)


def decode(data: bytes) -> Manifest | None:
    """Return the manifest of these bytes, or None if they are not whole."""
    text, last = data[:-15], _LAST.match(data[-15:])
    if last is None or int(last[1], 16) != zlib.crc32(text):
        return None
    head, *lines = map(json.loads, text.decode().rstrip("\n").split("\n"))
    schema = Schema.of(head["schema"])
    groups = tuple(_group(schema, block, line) for block, line in enumerate(lines))
    return Manifest(head["manifest"], schema, head["key"], head["layout"], head["generation"], head["lsn"], groups)


def _group(schema: Schema, block: int, line: dict[str, Any]) -> Group:
    rows, chunks = line["rows"], {}
    for name, (file, offset, size, nulls, codec, low, high, crc32) in zip(schema.names, line["chunks"], strict=True):
        chunks[name] = Chunk(name, block, file, offset, size, rows, nulls, codec, low, high, crc32)
    if "deleted" not in line:
        return Group(rows, chunks)
    mask = np.frombuffer(base64.b64decode(line["deleted"]), np.uint8)
    return Group(rows, chunks, unpack_mask(mask[np.newaxis], rows)[0])


# ------------------------------------------------------------------------------------------ on disk
def stored(disk: Disk) -> list[str]:
    """Return the names of the manifests on a disk, the newest first."""
    return sorted(filter(NAME.match, disk.names()), key=lambda name: int(name[9:]), reverse=True)


def newest(disk: Disk) -> Manifest | None:
    """Return the manifest that counts, or None if there is none at all.

    Raises
    ------
    Damaged
        If there are manifests and none of them is whole.
    """
    names = stored(disk)
    for name in names:
        if (manifest := decode(disk.read(name))) is not None:
            return manifest
    if names and (names != [FIRST] or others(disk)):
        raise Damaged(f"{names[0]}: its checksum does not match its lines; restore it from a copy: it says what counts")
    return None


def others(disk: Disk) -> list[str]:
    """Return the names of the files that are neither a manifest nor an empty log."""
    empty = [name for name in segment_names(disk) if not disk.size_bytes(name)]
    return [name for name in disk.names() if not NAME.match(name) and name not in empty]


def swap(disk: Disk, new: Manifest) -> None:
    """Make `new` the manifest that counts: from one moment on, which is a sync of names."""
    if new.name() in disk.names():
        disk.remove(new.name())
        disk.sync_names()
    disk.append(new.name(), new.encode())
    disk.sync(new.name())
    disk.sync_names()
    drop_older(disk, new)


def drop_older(disk: Disk, current: Manifest) -> None:
    """Take away every manifest but the current one; only then may go what they needed."""
    others = [name for name in stored(disk) if name != current.name()]
    for name in others:
        disk.remove(name)
    if others:
        disk.sync_names()


