"""Rows that are asked for together lie together: which file does a row go to, and who need not be opened?

A table may be *partitioned* by columns. Then every file has the rows of one value of each, and the value stands in the
log, as a text, and not in the file: whoever asks for one value opens the files of that value and no others. Unlike the
least and greatest values (`actions.Stats`) this helps whatever the order in which rows come, for each write is dealt
out. The price is files: a write of `n` values makes `n` of them, so a column of many values makes many small ones.

The files of a value lie in a folder called `column=value`. That is for people, and for engines without the log; what
counts is the log.

Sources: delta-io/delta, PROTOCOL.md, "Partition Value Serialization"; Apache Hive manual, "Partitioned tables" (the
names of the folders).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from dsys_lab.errors import BadParameter
from dsys_lab.stores.table import Between

if TYPE_CHECKING:
    from dsys_lab.stores.lake.actions import Fields

Partition = Mapping[str, str | None]
"""Column -> its value in every row of a file, as a text; None for NULL."""
NULL_FOLDER: Final = "__HIVE_DEFAULT_PARTITION__"


def check(fields: Fields, by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns by which a table is partitioned; refuse what are none."""
    if isinstance(by, str):
        raise BadParameter(f"partition_by = {by!r}: give a list of names, [{by!r}]")
    fields.require(by)
    if len({*by}) < len(by) or len(by) == len(fields.names):
        raise BadParameter(f"partition_by = {list(by)}: give each column once, and leave one at least to the files")
    return tuple(by)


def dealt(columns: Mapping[str, list[Any]], by: Sequence[str]) -> Iterator[tuple[Partition, dict[str, list[Any]]]]:
    """Give the rows of each partition, in the order in which the partitions come first; without the columns of `by`.

    >>> list(dealt({"id": [1, 2, 3], "city": ["Oslo", None, "Oslo"]}, ["city"]))
    [({'city': 'Oslo'}, {'id': [1, 3]}), ({'city': None}, {'id': [2]})]
    """
    if not by:
        yield {}, dict(columns)
        return
    rows: dict[tuple[Any, ...], list[int]] = {}
    for row, values in enumerate(zip(*(columns[name] for name in by), strict=True)):
        if "" in values:
            raise BadParameter(f"row {row}: an empty text in {list(by)} would be NULL in the log: give None, or a word")
        rows.setdefault(values, []).append(row)
    for values, mine in rows.items():
        rest = {name: [told[row] for row in mine] for name, told in columns.items() if name not in by}
        yield {name: text_of(value) for name, value in zip(by, values, strict=True)}, rest


def folder_of(partition: Partition) -> str:
    """Return where the files of a partition lie: "" if the table has none.

    >>> folder_of({"city": "São Paulo", "month": "2"})
    'city=S%C3%A3o%20Paulo/month=2/'
    """
    words = ((name, NULL_FOLDER if value is None else quote(value, safe="")) for name, value in partition.items())
    return "".join(f"{name}={word}/" for name, word in words)


def text_of(value: Any) -> str | None:
    """Return a value as the log has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def value_of(kind: str, text: str | None) -> Any:
    """Return a value of a column of this type; an empty text is NULL, too."""
    if text is None or text == "":
        return None
    if kind == "boolean":
        return text == "true"
    if kind in {"float", "double"}:
        return float(text)
    return text if kind in {"string", "date"} else int(text)


def may_pass(text: str | None, where: Between) -> bool:
    """Whether rows with this value of the column pass; all of them do, or none."""
    bounds = [bound for bound in (where.low, where.high) if bound is not None]
    if not text or not bounds:
        return bool(text)
    try:
        return where.holds(text if isinstance(bounds[0], str) else _number(text))
    except ValueError:
        raise BadParameter(f"where {where.column!r}: bound {bounds[0]!r} cannot be compared with {text!r}") from None


def _number(text: str) -> int | float:
    """Return the number that a text says: a whole one to its last digit."""
    return int(text) if text.lstrip("-").isdecimal() else float(text)
