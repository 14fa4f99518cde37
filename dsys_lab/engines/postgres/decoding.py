r"""What does PostgreSQL's log say, once it is decoded? The messages of `pgoutput`, the plugin that replicas use.

Each message is a letter and its fields, big-endian; `peek` gets them in the order of the commits::

    B  u64 end of the commit's record | i64 when | u32 xid                 a transaction begins
    R  u32 relation | schema\0 | table\0 | u8 | u16 n | n columns          what a table looks like from here on
         a column: u8 is in the key | name\0 | u32 type | i32 modifier
    I  u32 relation | N row                                                 inserted
    U  u32 relation | [K or O row] | N row                                  updated; O: all of the row as it was
    D  u32 relation | K or O row                                            deleted; K: only its key
    C  u8 | u64 where the commit's record is | u64 where it ends | i64 when a transaction commits

Only an O row says what was there. A change without one is refused: nobody could take it back out of a sum.
A row is the number of its columns and, of each, `n` (NULL), `u` (long, and not changed) or `t`, a length and a text.

Source: PostgreSQL 18 documentation, ch. 54.9 "Logical Replication Message Formats" (protocol version 1).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import psycopg

from dsys_lab.errors import Misuse
from dsys_lab.stores.relational import Change, Commit

READ: Final[dict[int, Callable[[str], Any]]] = {
    16: lambda text: text == "t", 20: int, 21: int, 23: int, 700: float, 701: float,
}  # fmt: skip
"""Types by their number in `pg_type`: boolean, the integers, the floats. All others stay texts."""
_BEGIN: Final = struct.Struct(">QqI")
_COMMIT: Final = struct.Struct(">BQQq")
_RELATION: Final = struct.Struct(">I")
_COUNT: Final = struct.Struct(">H")
_COLUMN: Final = struct.Struct(">Ii")
_LENGTH: Final = struct.Struct(">i")


def decoded(messages: Iterable[bytes]) -> Iterator[Commit]:
    """Give the transactions in messages of `pgoutput`; each one's position is where its commit's record ends."""
    tables: dict[int, _Table] = {}
    changes: list[Change] = []
    xid = 0
    for message in messages:
        kind, body = message[:1], message[1:]
        if kind == b"B":
            changes, xid = [], _BEGIN.unpack(body)[2]
        elif kind == b"R":
            tables[_RELATION.unpack_from(body)[0]] = _Table(body)
        elif kind in b"IUD":
            changes.append(tables[_RELATION.unpack_from(body)[0]].change(kind, body))
        elif kind == b"C" and changes:
            yield Commit(_COMMIT.unpack(body)[2], xid, tuple(changes))
        elif kind not in b"CYO":
            raise Misuse(f"a message {kind!r} of pgoutput; this reader knows B, R, I, U, D and C, and skips Y and O")


def rows_of(answer: psycopg.Cursor[Any]) -> list[dict[str, Any]]:
    """Return the rows of an answer, each value read as the stream's values are."""
    result, columns = answer.pgresult, answer.description
    assert result is not None, "it was answered"
    assert columns is not None, "it was a SELECT"
    reads = [READ.get(column.type_code, str) for column in columns]
    texts = ([result.get_value(row, at) for at in range(len(columns))] for row in range(result.ntuples))
    return [
        {column.name: None if text is None else read(text.decode())
         for column, read, text in zip(columns, reads, row, strict=True)}
        for row in texts
    ]  # fmt: skip


class _Table:
    """What a table looks like: its name, its columns, and how to read them."""

    def __init__(self, body: bytes) -> None:
        _, name, rest = body[_RELATION.size :].split(b"\0", 2)
        self.name = name.decode()
        self._columns: list[tuple[str, Callable[[str], Any]]] = []
        offset = 1 + _COUNT.size
        for _ in range(_COUNT.unpack_from(rest, 1)[0]):
            end = rest.index(b"\0", offset + 1)
            type_, _ = _COLUMN.unpack_from(rest, end + 1)
            self._columns.append((rest[offset + 1 : end].decode(), READ.get(type_, str)))
            offset = end + 1 + _COLUMN.size

    def change(self, kind: bytes, body: bytes) -> Change:
        """Return one inserted, updated or deleted row; one that was updated or deleted comes with all that it was."""
        rows: dict[bytes, dict[str, Any]] = {}
        offset = _RELATION.size
        while offset < len(body):
            role = body[offset : offset + 1]
            rows[role], offset = self._row(body, offset + 1)
        if kind != b"I" and b"O" not in rows:
            raise Misuse(
                f"a row of {self.name!r} was changed, and PostgreSQL does not say what it was: ALTER TABLE {self.name} "
                "REPLICA IDENTITY FULL, which `make_slot` sets for the tables that are there, and take a snapshot anew"
            )
        before, after = rows.get(b"O"), rows.get(b"N")
        if before and after:
            after = before | after  # a long value that did not change is not sent again
        return Change(self.name, before, after)

    def _row(self, body: bytes, offset: int) -> tuple[dict[str, Any], int]:
        row: dict[str, Any] = {}
        offset += _COUNT.size
        for name, read in self._columns:
            kind, offset = body[offset : offset + 1], offset + 1
            if kind == b"t":
                end = offset + _LENGTH.size + _LENGTH.unpack_from(body, offset)[0]
                row[name], offset = read(body[offset + _LENGTH.size : end].decode()), end
            elif kind == b"n":
                row[name] = None
        return row, offset
