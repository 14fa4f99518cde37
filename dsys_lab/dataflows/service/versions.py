"""What is agreed about a message, in one version: which fields it has, of what type, and what holds if one is missing.

A field has three names. Its *number* and its *name* travel, each in one of the two forms of bytes; what it *means* does
not: it stands in the heads of those who agreed. A rename keeps the meaning, and a number given out again changes it; so
only the meaning tells whether what was read is what was said.

A field with a default is optional: a writer may leave it out, and then it costs no byte. One without is required.

Sources: Protocol Buffers, "Encoding" and "Updating a message type"; Kleppmann, *Designing Data-Intensive Applications*,
ch. 4; Google API Improvement Proposals, AIP-180.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.structures.schema import Column, Value

NUMBER_MAX: Final = 2**29 - 1
"""As in Protocol Buffers."""
Record = Mapping[str, Value]
"""By field's name, what a record says."""


class CannotRead(Refused):
    """A reader of one version cannot make sense of a writer's bytes.

    Attributes
    ----------
    version : str
        Of the reader.
    field : str
        Where it stopped.
    """

    def __init__(self, version: str, field: str, why: str) -> None:
        super().__init__(f"a reader of {version} stops at field {field!r}: {why}")
        self.version, self.field = version, field


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes
    ----------
    number, name, type : int, str, str
        The type is one of `dsys_lab.structures.schema`.
    default : int, float, str or None
        What a reader takes if it is not there; None: it must be there.
    means : str
        What it is about; its name, if not said.
    """

    number: int
    name: str
    type: str
    default: Value = None
    means: str = ""

    def __post_init__(self) -> None:
        column = Column(self.name, self.type)
        if not 1 <= self.number <= NUMBER_MAX:
            raise BadParameter(f"field {self.name!r}: number {self.number!r}; give 1 to {NUMBER_MAX:,}")
        if self.default is not None:
            object.__setattr__(self, "default", column.check(self.default))
        object.__setattr__(self, "means", self.means or self.name)

    @property
    def is_required(self) -> bool:
        """Whether it must be there."""
        return self.default is None

    def check(self, value: Any) -> Value:
        """Return the value as this field holds it, or refuse it (see `Column.check`)."""
        return _column(self.name, self.type).check(value)

    def __str__(self) -> str:
        """Return the field as `Version.of` reads it."""
        return f"{self.number} {self.name} {self.type}" + ("" if self.is_required else f" = {self.default}")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a contract.

    Examples
    --------
    >>> v1 = Version.of("v1", "1 person u32, 2 hours_sleep f64, 3 city text = nowhere")
    >>> v1.read({"person": 17, "hours_sleep": 7.25})
    {'person': 17, 'hours_sleep': 7.25, 'city': 'nowhere'}
    >>> str(v1)
    '1 person u32, 2 hours_sleep f64, 3 city text = nowhere'
    """

    name: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if not self.name or not self.fields:
            raise BadParameter(f"version {self.name!r} of {len(self.fields)} fields: give a name, and a field at least")
        for what in ("number", "name", "means"):
            given = [getattr(field, what) for field in self.fields]
            if twice := [one for place, one in enumerate(given) if one in given[:place]]:
                raise BadParameter(f"version {self.name}: {what} {twice[0]!r} stands twice; give each field its own")

    @classmethod
    def of(cls, name: str, text: str) -> Version:
        """Return the version written as `number name type, number name type = default`."""
        fields = []
        for part in text.split(","):
            said, _, default = (piece.strip() for piece in part.partition("="))
            words = said.split()
            if len(words) != 3 or not words[0].isdecimal():
                raise BadParameter(f"version {name}: {part.strip()!r} is no field; write '2 hours_sleep f64 = 0'")
            fields.append(Field(int(words[0]), words[1], words[2], _value(words[2], default)))
        return cls(name, tuple(fields))

    def __str__(self) -> str:
        """Return its fields as `of` reads them."""
        return ", ".join(map(str, self.fields))

    def field(self, name: str) -> Field:
        """Return the field of this name.

        Raises
        ------
        BadParameter
            If there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        names = ", ".join(field.name for field in self.fields)
        raise BadParameter(f"version {self.name} has no field {name!r}: give one of {names}")

    def check(self, record: Record) -> dict[str, Value]:
        """Return what a writer of this version may write: its fields in their order, without those left out.

        Raises
        ------
        BadParameter
            If a field is unknown, of another type, or required and not there.
        """
        for name in record:
            self.field(name)
        for field in self.fields:
            if field.is_required and field.name not in record:
                raise BadParameter(f"version {self.name}: field {field.name!r} is required; give a {field.type}")
        return {field.name: field.check(record[field.name]) for field in self.fields if field.name in record}

    def read(self, said: Record) -> dict[str, Value]:
        """Return what a reader of this version takes from the fields that it found.

        Raises
        ------
        CannotRead
            If a required field is not there, or one is not of the type that this version knows.
        """
        return {field.name: self._read_one(field, said) for field in self.fields}

    def _read_one(self, field: Field, said: Record) -> Value:
        if field.name not in said:
            if field.default is None:
                why = "it is required and not there; let the writer send it, or give it a default"
                raise CannotRead(self.name, field.name, why)
            return field.default
        try:
            return field.check(said[field.name])
        except BadParameter as error:
            raise CannotRead(self.name, field.name, f"{error}; keep the type, or add a new field") from None


@cache
def _column(name: str, kind: str) -> Column:
    """Return what checks a field's values: made once, for it is asked at every record."""
    return Column(name, kind)


def _value(kind: str, text: str) -> Value:
    if not text:
        return None
    try:
        return text if kind == "text" else float(text) if kind == "f64" else int(text)
    except ValueError:
        raise BadParameter(f"default {text!r}: give a {kind}") from None
