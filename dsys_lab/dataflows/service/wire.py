r"""How does a record become bytes that another program can read, perhaps one that is older or newer?

By saying with each value which field it is. There are two ways, and they forgive different things::

    by name     {"person":17,"hours_sleep":7.25}          JSON: anybody can read it; a new name is a new field
    by number   08 22 | 11 00 00 00 00 00 00 1d 40        Protocol Buffers' form: a name costs nothing, and is free
                 |  \_ 17        \_ 7.25                  to change; a number given out again is read as what
                 \_ number << 3 | kind                    it was before

A reader skips what it does not know: that is why fields can be added. The kind of a number (0: whole, zigzag and seven
bits a byte; 1: eight bytes; 2: a length and text) says how many bytes to skip.

Each form promises
------------------
1. A reader of the writer's own version reads what was written, with defaults for what was left out.
2. Any other reader reads what it can: it skips fields that it does not know, and stops with `CannotRead` at the first
   that is missing or of another type. Nothing is read halfway.
3. Bytes that no writer of this form makes are `Damaged`.

Left out: lists and messages inside messages. Protocol Buffers cuts a number that is too large; here it is refused.

Sources: Protocol Buffers, "Encoding"; RFC 8259.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from dsys_lab.dataflows.service.versions import CannotRead, Field, Record, Version
from dsys_lab.errors import Damaged, require_choice
from dsys_lab.structures.schema import Value

WHOLE, EIGHT_BYTES, TEXT = 0, 1, 2
_DOUBLE: Final = struct.Struct("<d")
_VARINT_MAX: Final = 10


class Form(NamedTuple):
    """A form of bytes: how a record is written, and how one that was written is read."""

    encode: Callable[[Version, Record], bytes]
    decode: Callable[[Version, bytes], dict[str, Value]]


def encode(version: Version, record: Record, *, form: str = "name") -> bytes:
    """Return the bytes of a record, as a writer of this version writes them.

    Raises
    ------
    BadParameter
        If the record is not of this version, with the field.
    """
    require_choice("form", form, tuple(FORMS))
    return FORMS[form].encode(version, version.check(record))


def decode(version: Version, data: bytes, *, form: str = "name") -> dict[str, Value]:
    """Return what a reader of this version takes from bytes that somebody wrote.

    Raises
    ------
    CannotRead
        If the writer's version is one that this reader cannot follow.
    Damaged
        If they are no bytes of this form.
    """
    require_choice("form", form, tuple(FORMS))
    return version.read(FORMS[form].decode(version, data))


# ------------------------------------------------------------ by name
def _encode_names(version: Version, record: Record) -> bytes:
    return _WRITES.encode(dict(record)).encode()


def _decode_names(version: Version, data: bytes) -> dict[str, Value]:
    try:
        said = _READS.decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{data[:30]!r} is no JSON ({error}): give what `encode` wrote by name") from None
    if not isinstance(said, dict):
        raise Damaged(f"{data[:30]!r} is JSON and no object: give what `encode` wrote by name")
    return said


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number that JSON knows")


_WRITES: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_READS: Final = json.JSONDecoder(parse_constant=_no_number)


# ------------------------------------------------------------ by number
def _encode_numbers(version: Version, record: Record) -> bytes:
    fields = [(version.field(name), value) for name, value in record.items()]
    return b"".join(_varint(field.number << 3 | _kind(field)) + _packed(field, value) for field, value in fields)


def _kind(field: Field) -> int:
    return {"text": TEXT, "f64": EIGHT_BYTES}.get(field.type, WHOLE)


def _packed(field: Field, value: Value) -> bytes:
    if isinstance(value, str):
        data = value.encode()
        return _varint(len(data)) + data
    if isinstance(value, float):
        return _DOUBLE.pack(value)
    assert isinstance(value, int)
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _decode_numbers(version: Version, data: bytes) -> dict[str, Value]:
    fields = {field.number: field for field in version.fields}
    said: dict[str, Value] = {}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        value, at = _read_value(tag & 7, data, at)
        field = fields.get(tag >> 3)
        if field is None:
            continue
        if _kind(field) != tag & 7:
            why = f"number {field.number} holds {value!r}, which is no {field.type}; give new types new numbers"
            raise CannotRead(version.name, field.name, why)
        said[field.name] = value
    return said


def _read_value(kind: int, data: bytes, at: int) -> tuple[Value, int]:
    if kind == WHOLE:
        coded, at = _read_varint(data, at)
        return (coded >> 1) ^ -(coded & 1), at
    length, at = (_DOUBLE.size, at) if kind == EIGHT_BYTES else _read_varint(data, at)
    piece = data[at : at + length]
    if kind not in (EIGHT_BYTES, TEXT) or len(piece) < length:
        raise Damaged(f"byte {at} of {len(data)}: a value of kind {kind} ends too early, or there is no such kind")
    try:
        return (_DOUBLE.unpack(piece)[0] if kind == EIGHT_BYTES else piece.decode()), at + length
    except UnicodeDecodeError:
        raise Damaged(f"byte {at} of {len(data)}: a text that is no UTF-8") from None


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(data[at : at + _VARINT_MAX]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise Damaged(f"byte {at} of {len(data)}: a number that does not end; give what `encode` wrote by number")


FORMS: Final = {"name": Form(_encode_names, _decode_names), "number": Form(_encode_numbers, _decode_numbers)}
"""The two forms, by what stands for a field."""
