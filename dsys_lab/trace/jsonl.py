"""A trace as a file: JSON lines, the header first.

The first line is the header, with the schema's number and the count of rows that follow; then one object a row. The
count is there because a file that was cut short at the end of a line looks whole otherwise. Every line can be read on
its own, by eye, by `jq`, or by DuckDB's `read_json`.
"""

from __future__ import annotations

import json
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Final

from dsys_lab.errors import BadRow, Damaged
from dsys_lab.trace.recorder import Header, Trace

SCHEMA: Final = 1
_COLUMNS: Final = ("seq", "time_us", "kind", "place", "message", "fields")


def save(trace: Trace, path: str | Path) -> None:
    """Write `trace` to `path`, whole or not at all (written beside, then renamed)."""
    path = Path(path)
    header = {"schema": SCHEMA, "rows": len(trace), **trace.header.as_dict()}
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        for row in trace:
            file.write(json.dumps(row._asdict()) + "\n")
    beside.replace(path)


def load(path: str | Path) -> Trace:
    """Read a trace back.

    Raises
    ------
    Damaged
        Naming the line and the field: not JSON, another schema, a column missing, a row out of order or refused by
        the vocabulary, or fewer rows than the header promises.
    """
    path = Path(path)
    with path.open(encoding="utf-8") as file:
        header = _object(path, 1, file.readline())
        if header.get("schema") != SCHEMA:
            raise Damaged(f"{path.name}, line 1: field 'schema' is {header.get('schema')!r}; this reader knows {SCHEMA}")
        known = {f.name for f in fields_of(Header)}
        trace = Trace(Header(**{name: value for name, value in header.items() if name in known}))
        for number, text in enumerate(file, start=2):
            _append(trace, path, number, text)
    if len(trace) != header.get("rows"):
        raise Damaged(
            f"{path.name}: {len(trace)} rows, but the header's field 'rows' says {header.get('rows')}; "
            "the file was cut short or joined: save the trace again"
        )
    return trace


def _object(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Damaged(f"{path.name}, line {number}: not JSON at column {error.colno} ({error.msg})") from None
    if not isinstance(value, dict):
        raise Damaged(f"{path.name}, line {number}: a {type(value).__name__} where an object should be")
    return value


def _append(trace: Trace, path: Path, number: int, text: str) -> None:
    row = _object(path, number, text)
    where = f"{path.name}, line {number} (row {number - 2})"
    for column in _COLUMNS:
        if column not in row:
            raise Damaged(f"{where}: field {column!r} is missing")
    if row["seq"] != len(trace):
        raise Damaged(f"{where}: field 'seq' is {row['seq']!r}, expected {len(trace)}")
    if type(row["time_us"]) is not int:
        raise Damaged(f"{where}: field 'time_us' is {row['time_us']!r}, expected whole microseconds")
    if not isinstance(row["fields"], dict):
        raise Damaged(f"{where}: field 'fields' is a {type(row['fields']).__name__}, expected an object")
    try:
        trace.emit(row["time_us"], row["kind"], row["place"], row["message"], **row["fields"])
    except BadRow as error:
        raise Damaged(f"{where}: {error}") from None
