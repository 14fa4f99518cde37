"""What does DuckDB tell of a question that it has answered?

Its profile is a tree of operators as JSON. The names of its fields have changed between versions, so they are read
here and nowhere else, and a field that is missing is an error and not a zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from dsys_lab.errors import EngineMissing


@dataclass(frozen=True, slots=True)
class Profile:
    """One question, counted by DuckDB.

    Attributes
    ----------
    read_bytes : int or None
        That came from the file; what is in DuckDB's memory already is not among them. None for a look through an index:
        what that reads stands in no profile.
    scanned_groups, all_groups : int
        Row groups that were looked into, and that there are.
    scanned_rows : int
        Rows of those groups; of a skipped group none.
    """

    read_bytes: int | None
    scanned_groups: int
    all_groups: int
    scanned_rows: int

    @classmethod
    def of(cls, text: str) -> Profile:
        """Return what matters of a profile in JSON.

        Examples
        --------
        >>> counted = '"row_groups_scanned": 1, "total_row_groups_to_scan": 9, "rows_scanned": 122880'
        >>> scan = '{"type": "TABLE_SCAN", ' + counted + "}"
        >>> Profile.of('{"io": {"total_bytes_read": 262144}, "operator": [' + scan + "]}")
        Profile(read_bytes=262144, scanned_groups=1, all_groups=9, scanned_rows=122880)
        """
        root = json.loads(text)
        scans = [one for one in _operators(root.get("operator", [])) if one.get("type") == "TABLE_SCAN"]
        by_index = any(one.get("extra_info", {}).get("Type") == "Index Scan" for one in scans)
        try:
            return cls(
                read_bytes=None if by_index else root["io"]["total_bytes_read"],
                scanned_groups=sum(one.get("row_groups_scanned", 0) for one in scans),
                all_groups=sum(one.get("total_row_groups_to_scan", 0) for one in scans),
                scanned_rows=sum(one.get("rows_scanned", 0) for one in scans),
            )
        except (KeyError, TypeError) as error:
            version = duckdb.__version__
            raise EngineMissing(
                f"DuckDB {version} names its profile otherwise ({error}): install duckdb>=2,<3"
            ) from None


def _operators(some: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in some:
        yield one
        yield from _operators(one.get("children", []))
