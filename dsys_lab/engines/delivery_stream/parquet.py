"""Records of JSON as columns, by DuckDB: a `Format` of the delivery stream.

A record that is no JSON object, has a column that the table has not, or a value that does not fit, cannot be written:
the stream sets it aside under `format-conversion-failed/`, and the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from dsys_lab.engines.lakehouse.parquet import Parquet
from dsys_lab.errors import BadParameter, Damaged
from dsys_lab.stores.lake import Columns, Fields

_WHOLE: Final = {"byte": 7, "short": 15, "integer": 31, "long": 63}
_CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,), "boolean": (bool,), "double": (int, float), "float": (int, float),
}  # fmt: skip


class ParquetCrates:
    """A format: one Parquet file a crate.

    Parameters
    ----------
    schema : str
        The columns, as a lake's: `"id string, at_us long, pulse integer?"`; with `?` a value may be missing.

    Examples
    --------
    >>> form = ParquetCrates("id string, pulse integer?")
    >>> form.unfit(b'{"id": "a", "pulse": 61}'), form.unfit(b'{"id": "a", "pulse": "?"}')
    ('', "pulse = '?' is no integer")
    >>> form.pack([b'{"id": "a", "pulse": 61}'])[:4]
    b'PAR1'
    """

    extension = ".parquet"

    def __init__(self, schema: str) -> None:
        self.fields = Fields.of(schema)
        wrong = [field.name for field in self.fields.fields if field.type not in _WHOLE and field.type not in _CLASSES]
        if wrong:
            raise BadParameter(f"{wrong[0]}: JSON has no such values; give {', '.join([*_WHOLE, *_CLASSES])}")
        self._codec = Parquet()

    def unfit(self, data: bytes) -> str:
        """Return why a record is no row of the table, or ""."""
        try:
            record = json.loads(data)
        except ValueError as error:
            return f"it is no JSON ({error})"
        if not isinstance(record, dict):
            return f"it is {type(record).__name__}, and no object"
        unknown = sorted(record.keys() - set(self.fields.names))
        if unknown:
            return f"there is no column {unknown[0]!r}"
        return next((why for field in self.fields.fields if (why := _misfit(field, record.get(field.name)))), "")

    def pack(self, records: Sequence[bytes]) -> bytes:
        """Return a Parquet file of a row for each record."""
        rows = [json.loads(data) for data in records]
        columns: Columns = {name: [row.get(name) for row in rows] for name in self.fields.names}
        return self._codec.encode(self.fields, columns)

    def rows(self, data: bytes) -> Columns:
        """Return the columns of a file.

        Raises
        ------
        Damaged
            If it is no such file.
        """
        if not data.startswith(b"PAR1"):
            raise Damaged("this is no Parquet file: it does not begin with PAR1")
        return self._codec.decode(data, self.fields, self.fields.names)


def _misfit(field: Any, value: Any) -> str:
    if value is None:
        return "" if field.nullable else f"{field.name} is missing"
    if field.type in _WHOLE:
        fits = type(value) is int and -(1 << _WHOLE[field.type]) <= value < 1 << _WHOLE[field.type]
    else:
        fits = type(value) in _CLASSES[field.type]
    return "" if fits else f"{field.name} = {value!r:.30} is no {field.type}"
