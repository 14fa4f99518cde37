"""In which file does a chunk lie, and in what order?

In the layout `columns` (DSM) every column has a file of its own: a question that needs one column reads one file from
end to end. In `row_groups` (PAX) the chunks of a row group lie side by side in one file: a row is found in one place,
and a question that needs one column jumps. The chunks are the same. ::

    columns      00-id.0:    | id, group 0 | id, group 1 | ...      01-city.0:  | city, group 0 | city, group 1 | ...
    row_groups   groups.0:   | id, group 0 | city, group 0 | id, group 1 | city, group 1 | ...

The number at the end counts how often the table was written anew; gaps of up to 7 bytes put chunks on a word's border.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dsys_lab.stores.column_store.chunk import WORD, Chunk, Filled, encode_chunk
from dsys_lab.stores.column_store.column_files import ColumnFiles
from dsys_lab.stores.column_store.manifest import Group
from dsys_lab.structures.schema import Schema


@dataclass(frozen=True, slots=True)
class Form:
    """How new row groups are written: see the parameters of `ColumnStore`."""

    layout: str
    row_group_rows: int
    codec: str | None
    generation: int

    def file_of(self, schema: Schema, column: str) -> str:
        """Return the file in which a column lies."""
        if self.layout == "row_groups":
            return f"groups.{self.generation}"
        return f"{schema.position(column):02d}-{column}.{self.generation}"


def write_groups(
    now_us: int, files: ColumnFiles, schema: Schema, columns: Mapping[str, Filled], form: Form, *, block: int
) -> list[Group]:
    """Append row groups to the files, durable but known to no manifest yet; the first is number `block`."""
    rows = len(columns[schema.names[0]].values)
    groups: list[Group] = []
    new_bytes: dict[str, bytearray] = {}
    for start in range(0, rows, form.row_group_rows):
        some = slice(start, min(start + form.row_group_rows, rows))
        chunks: dict[str, Chunk] = {}
        for column in schema.columns:
            filled = columns[column.name].rows(some)
            chunk, data = encode_chunk(column, filled, block=block + len(groups), codec=form.codec)
            file = form.file_of(schema, column.name)
            buffer, size = new_bytes.setdefault(file, bytearray()), files.sizes.get(file, 0)
            buffer += bytes(-(size + len(buffer)) % WORD)
            chunks[column.name] = replace(chunk, file=file, offset=size + len(buffer))
            buffer += data
        groups.append(Group(some.stop - some.start, chunks))
    for file, buffer in new_bytes.items():
        files.append(now_us, file, bytes(buffer))
    return groups
