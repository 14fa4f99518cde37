"""A trace as a file: JSON lines, the header first.

The first line is the header, with the schema's number, the count of rows that follow and a seal; then one object a row.
The count is there because a file that was cut short at the end of a line looks whole otherwise, the seal because a
changed digit does: it is a digest of the header and the rows. Every line can be read on its own, by eye, by `jq`, or by
DuckDB:

    select kind, count(*) from read_json('run.jsonl') where seq is not null group by kind

Promise: what `load` returns is what was saved. Any other bytes are `Damaged`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from dsys_lab.errors import BadRow, Damaged, Misuse
from dsys_lab.trace.recorder import Header, Trace

SCHEMA: Final = 1
_COLUMNS: Final = {
    "seq": (int,), "time_us": (int,), "kind": (str,), "place": (str,), "message": (str, type(None)), "fields": (dict,),
}  # fmt: skip
_HEADER: Final = {
    "schema": (int,), "rows": (int,), "seal": (str,),
    **{name: (type(value),) for name, value in asdict(Header()).items()},
    "poster_us": (int, type(None)),
    "follow": (str, type(None)),
}  # fmt: skip


def save(trace: Trace, path: str | Path) -> None:
    """Write `trace` to `path`, whole or not at all (written beside, then renamed).

    Raises
    ------
    Misuse
        If the header or a row holds what JSON cannot: a function given as a parameter, an infinite number.
    """
    path = Path(path)
    lines = [_json(f"row {row.seq}", row._asdict()) for row in trace]
    header = _json("the header", trace.header.as_dict())
    first = {"schema": SCHEMA, "rows": len(trace), "seal": _seal(trace), **json.loads(header)}
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(text + "\n" for text in [json.dumps(first), *lines])
    beside.replace(path)


def _json(what: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Misuse(f"{what} cannot be saved: {error}; give JSON values (no function, no infinity)") from None


def _seal(trace: Trace) -> str:
    header = json.dumps(trace.header.as_dict(), sort_keys=True)
    return hashlib.sha256((header + trace.digest()).encode()).hexdigest()[:16]


def load(path: str | Path) -> Trace:
    """Read a trace back.

    Raises
    ------
    Damaged
        Naming the line and the field: not JSON, another schema, a field missing, unknown or of another type, a row out
        of order or refused by the vocabulary, fewer or more rows than the header promises, or a value changed.
    """
    path = Path(path)
    with path.open("rb") as file:
        header = _object(path, 1, file.readline())
        if header.get("schema") != SCHEMA:
            given = header.get("schema")
            raise Damaged(f"{path.name}, line 1: field 'schema' is {given!r}; this reader knows {SCHEMA}")
        _expect(f"{path.name}, line 1", header, _HEADER)
        rows, seal = header.pop("rows"), header.pop("seal")
        del header["schema"]
        trace = Trace(Header(**header))
        for number, line in enumerate(file, start=2):
            _append(trace, path, number, line)
    if len(trace) != rows:
        raise Damaged(
            f"{path.name}, line {len(trace) + 1}: {len(trace)} rows, but the header's field 'rows' says {rows}; "
            "the file was cut short or joined: save the trace again"
        )
    if _seal(trace) != seal:
        raise Damaged(f"{path.name}, line 1: field 'seal' does not fit; a value was changed: save the trace again")
    return trace


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError as error:  # not UTF-8, not JSON, or a number of thousands of digits
        raise Damaged(f"{path.name}, line {number}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise Damaged(f"{path.name}, line {number}: a {type(value).__name__} where an object should be")
    return value


def _expect(where: str, found: dict[str, Any], expected: Mapping[str, tuple[type, ...]]) -> None:
    for name in [*expected, *found]:
        if name not in found:
            raise Damaged(f"{where}: field {name!r} is missing")
        if name not in expected:
            raise Damaged(f"{where}: field {name!r} is not one of {', '.join(expected)}")
        if type(found[name]) not in expected[name]:
            wanted = " or ".join(kind.__name__ for kind in expected[name])
            raise Damaged(f"{where}: field {name!r} is {found[name]!r}, expected {wanted}")


def _append(trace: Trace, path: Path, number: int, line: bytes) -> None:
    row = _object(path, number, line)
    where = f"{path.name}, line {number} (row {number - 2})"
    _expect(where, row, _COLUMNS)
    if row["seq"] != len(trace):
        raise Damaged(f"{where}: field 'seq' is {row['seq']!r}, expected {len(trace)}")
    try:
        trace.emit(row["time_us"], row["kind"], row["place"], row["message"], **row["fields"])
    except BadRow as error:
        raise Damaged(f"{where}: {error}") from None
