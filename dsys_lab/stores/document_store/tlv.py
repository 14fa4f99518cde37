"""How does a tree become bytes?

As *TLV*: each value by its tag, its name, and itself, where what has no fixed size says its size first. A reader that
is not interested in a sub-document skips it by its size::

    document  +-----------+---------+---------+- -        element  +-----+------+---------+------------- -
              | size      | element | element |                    | tag | size | name    | value
              +-----------+---------+---------+- -                 +-----+------+---------+------------- -
               u32 "I"                                              u8    u8     0 to 255  by its tag

    tag  value                         bytes
     0   null                          0
     1   false                         0
     2   true                          0
     3   whole number, i64 "q"         8
     4   number, f64 "d"               8
     5   string in UTF-8               4 + its own
     6   document                      4 + its elements
     7   array: elements without name  4 + its elements

`size` counts what follows it. All numbers are big-endian.

Promise: `decode(encode(x))` is x, kind by kind (7 and 7.0 stay different); bytes that nobody wrote raise `Damaged`.

Cost: 2 bytes an element and its name, each time anew: a name in a million documents is stored a million times. That is
the price of having no schema, and why short names save money.

Sources: the idea is BSON's, https://bsonspec.org, which ends names by a zero byte and names an array's elements by
their position. Limits: MongoDB manual, and Amazon DocumentDB Developer Guide: 16 MB.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from dsys_lab.errors import Damaged, Refused
from dsys_lab.stores.document_store.documents import Document

DOCUMENT_BYTES_MAX: Final = 16 * 1024 * 1024
NULL, FALSE, TRUE, INT, FLOAT, STRING, OBJECT, ARRAY = range(8)
_SIZE: Final = struct.Struct(">I")
_INT: Final = struct.Struct(">q")
_FLOAT: Final = struct.Struct(">d")


def encode(document: Document) -> bytes:
    """Return the bytes of a document, however many.

    Examples
    --------
    >>> encode({"fw": 3}).hex(" ")
    '00 00 00 0c 03 02 66 77 00 00 00 00 00 00 00 03'
    """
    return _sized(b"".join(_element(name, value) for name, value in document.items()))


def encode_document(document: Document) -> bytes:
    """Return the bytes of a document that is to be kept.

    Raises
    ------
    Refused
        If they are more than 16 MB.
    """
    encoded = encode(document)
    if len(encoded) > DOCUMENT_BYTES_MAX:
        raise Refused(
            f"a document of {len(encoded):,} bytes; {DOCUMENT_BYTES_MAX:,} are allowed: keep what grows in documents "
            f"of its own (a bucket, or one for each), and refer to it"
        )
    return encoded


def _sized(content: bytes) -> bytes:
    return _SIZE.pack(len(content)) + content


def _element(name: str, value: Any) -> bytes:
    tag, content = _tagged(value)
    encoded = name.encode()
    return bytes((tag, len(encoded))) + encoded + content


def _tagged(value: Any) -> tuple[int, bytes]:  # noqa: PLR0911  # one for each tag
    match value:
        case None:
            return NULL, b""
        case bool():
            return (TRUE if value else FALSE), b""
        case int():
            return INT, _INT.pack(value)
        case float():
            return FLOAT, _FLOAT.pack(value)
        case str():
            return STRING, _sized(value.encode())
        case dict():
            return OBJECT, _sized(b"".join(_element(name, below) for name, below in value.items()))
    return ARRAY, _sized(b"".join(_element("", element) for element in value))


def size_bytes(value: Any) -> int:
    """Return the bytes of one value, without its tag and name."""
    return len(_tagged(value)[1])


def decode(data: bytes) -> Document:
    """Return the document of these bytes.

    Raises
    ------
    Damaged
        If nobody wrote them: a size that does not fit, a tag that is not known, bytes left over.
    """
    try:
        document, end = _decoded(memoryview(data), 0, OBJECT)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise Damaged(f"{len(data):,} bytes are no document ({error}): they are not what was written") from error
    if end != len(data):
        raise Damaged(f"{len(data) - end:,} bytes are left over after a document: they are not what was written")
    return document


def _decoded(data: memoryview, at: int, tag: int) -> tuple[Any, int]:
    """Return the value that begins at a byte, and where it ends."""
    if tag <= TRUE:
        return (None, False, True)[tag], at
    if tag in (INT, FLOAT):
        return (_INT if tag == INT else _FLOAT).unpack_from(data, at)[0], at + 8
    (size,) = _SIZE.unpack_from(data, at)
    at, end = at + 4, at + 4 + size
    if end > len(data):
        raise ValueError(f"{size} bytes are said and {len(data) - at} are there")
    if tag == STRING:
        return str(data[at:end], "utf-8"), end
    if tag not in (OBJECT, ARRAY):
        raise ValueError(f"tag {tag}")
    named: list[tuple[str, Any]] = []
    while at < end:
        below, name_end = data[at], at + 2 + data[at + 1]
        value, next_at = _decoded(data, name_end, below)
        named.append((str(data[at + 2 : name_end], "utf-8"), value))
        at = next_at
    if at != end:
        raise ValueError("an element reaches beyond its document")
    return (dict(named) if tag == OBJECT else [value for _, value in named]), end
