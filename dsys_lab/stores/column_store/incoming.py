"""How do rows become columns, and are the columns what the schema says?

What comes in is checked whole before a byte is written. Rows are checked value by value by the schema; numpy columns by
their type and their smallest and largest, which is what makes loading millions quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from dsys_lab.errors import BadParameter
from dsys_lab.stores.column_store.chunk import Filled
from dsys_lab.structures.encoding.codec import DTYPES, Array
from dsys_lab.structures.schema import Column, Schema, Value, Values


def from_rows(schema: Schema, rows: Sequence[Values]) -> dict[str, Filled]:
    """Return checked rows as columns."""
    by_column = zip(*rows, strict=True) if rows else ([] for _ in schema.columns)
    return {column.name: filled_of(column, values) for column, values in zip(schema.columns, by_column, strict=True)}


def filled_of(column: Column, values: Iterable[Value]) -> Filled:
    """Return checked values of a column, None for NULL, as they are stored."""
    given = list(values)
    nulls = np.array([value is None for value in given], bool)
    zero: Value = "" if column.type == "text" else 0
    array = np.empty(len(given), DTYPES[column.type])
    array[:] = [zero if value is None else value for value in given]
    return Filled(array, nulls if nulls.any() else None)


def from_columns(schema: Schema, columns: Mapping[str, Sequence[Value] | Array]) -> dict[str, Filled]:
    """Return columns as they will be stored.

    Parameters
    ----------
    columns : mapping of sequences or numpy arrays, shape (rows,)
        Every column of the schema; NULL as None, or masked in a masked array.

    Raises
    ------
    BadParameter
        If columns are missing, unknown or of different lengths, or a value does not fit.
    """
    for name in columns:
        if name not in schema.names:
            close = get_close_matches(name, schema.names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(schema.names)}"
            raise BadParameter(f"no column {name!r}; {hint}")
    missing = [name for name in schema.names if name not in columns]
    if missing:
        raise BadParameter(f"column {missing[0]!r} is missing: give every column, NULLs as None")
    lengths = {name: len(columns[name]) for name in schema.names}
    if len(set(lengths.values())) > 1:
        raise BadParameter(f"columns of different lengths ({lengths}): give one value a row in each")
    return {column.name: _checked(column, columns[column.name]) for column in schema.columns}


def _checked(column: Column, given: Sequence[Value] | Array) -> Filled:
    """Return one column, checked."""
    kinds = {"f64": "iuf", "text": ""}.get(column.type, "iu")
    if not isinstance(given, np.ndarray) or given.dtype.kind not in kinds:
        return _checked_by_value(column, given)
    if given.ndim != 1:
        raise BadParameter(f"column {column.name!r}: an array of shape {given.shape}; give one of shape (rows,)")
    nulls = np.ma.getmaskarray(given).copy() if np.ma.is_masked(given) else None
    if nulls is not None and not column.nullable:
        column.check(None)
    values = np.ma.filled(given, 0) if isinstance(given, np.ma.MaskedArray) else given
    if nulls is not None:
        values = np.where(nulls, values.dtype.type(0), values)
    _check_range(column, values)
    return Filled(np.ascontiguousarray(values, DTYPES[column.type]), nulls)


def _check_range(column: Column, values: Array) -> None:
    """Refuse the array if its smallest, its largest or a NaN does not fit."""
    if not len(values):
        return
    for at in {int(values.argmin()), int(values.argmax())}:  # a NaN is both
        try:
            column.check(values[at].item())
        except BadParameter as error:
            raise BadParameter(f"row {at}: {error}") from None


def _checked_by_value(column: Column, given: Sequence[Value] | Array) -> Filled:
    values = given.tolist() if isinstance(given, np.ndarray) else given
    checked = []
    for number, value in enumerate(values):
        try:
            checked.append(column.check(value))
        except BadParameter as error:
            raise BadParameter(f"row {number}: {error}") from None
    return filled_of(column, checked)
