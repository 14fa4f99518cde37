"""Messages of PostgreSQL's `pgoutput` become changes; what they do not say is not guessed."""

from __future__ import annotations

import struct

import pytest

from dsys_lab.engines.postgres.decoding import decoded
from dsys_lab.errors import Misuse

SALES = 16_384
INTEGER, TEXT = 23, 25


def relation() -> bytes:
    columns = b"".join(b"\x01" + name + b"\0" + struct.pack(">Ii", kind, -1)
                       for name, kind in ((b"id", INTEGER), (b"what", TEXT)))  # fmt: skip
    return b"R" + struct.pack(">I", SALES) + b"public\0sales\0" + b"f" + struct.pack(">H", 2) + columns


def row(role: bytes, *values: str | None) -> bytes:
    told = (b"n" if value is None else b"t" + struct.pack(">i", len(value)) + value.encode() for value in values)
    return role + struct.pack(">H", len(values)) + b"".join(told)


def transaction(*changes: bytes) -> list[bytes]:
    begin, commit = b"B" + struct.pack(">QqI", 90, 0, 7), b"C" + struct.pack(">BQQq", 0, 80, 90, 0)
    return [begin, relation(), *(kind[:1] + struct.pack(">I", SALES) + kind[1:] for kind in changes), commit]


def test_each_kind_of_change_says_what_was_and_what_is():
    [commit] = decoded(transaction(
        b"I" + row(b"N", "1", "pillow"), b"U" + row(b"O", "1", "pillow") + row(b"N", "1", "blanket"),
        b"D" + row(b"O", "1", "blanket"),
    ))  # fmt: skip
    assert commit.position == 90
    assert [(change.before, change.after) for change in commit.changes] == [
        (None, {"id": 1, "what": "pillow"}),
        ({"id": 1, "what": "pillow"}, {"id": 1, "what": "blanket"}),
        ({"id": 1, "what": "blanket"}, None),
    ]


@pytest.mark.parametrize("change", [
    b"U" + row(b"N", "1", "blanket"),
    b"U" + row(b"K", "1", None) + row(b"N", "2", "blanket"),
    b"D" + row(b"K", "1", None),
])  # fmt: skip
def test_a_change_that_does_not_say_what_was_is_refused_with_what_to_do(change):
    with pytest.raises(Misuse, match=r"'sales' was changed.*REPLICA IDENTITY FULL.*snapshot anew"):
        list(decoded(transaction(change)))


def test_a_message_that_nobody_knows_is_refused():
    with pytest.raises(Misuse, match="a message b'X' of pgoutput"):
        list(decoded([b"X"]))
