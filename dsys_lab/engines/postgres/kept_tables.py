"""What `kept_views` and `indexed` counted, as a reader looks at it: a table, and numbers for a chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from dsys_lab.engines.postgres.indexed import Indexed
from dsys_lab.engines.postgres.kept_views import KeptView


def table_of_ways(kept: Mapping[str, KeptView]) -> pd.DataFrame:
    """Return for each way what keeping the sum and asking for it touched."""
    told = {
        way: {
            "old until caught up": "yes" if one.was_old else "no",
            "nights read to keep it": one.read_rows, "groups written": one.written_rows,
            "rows read by a question": one.asked_rows, "pages": one.asked_pages,
        }
        for way, one in kept.items()
    }  # fmt: skip
    return pd.DataFrame.from_dict(told, orient="index")


def who_reads_all(kept: Mapping[str, KeptView]) -> str:
    """Return which of "the refresh" and "the trigger" reads nights to keep the sum: one, "both" or "neither"."""
    reads = [way for way in ("refresh", "trigger") if kept[way].read_rows]
    return f"the {reads[0]}" if len(reads) == 1 else "both" if reads else "neither"


def log_records(shelves: Iterable[Indexed]) -> dict[str, float]:
    """Return for each number of indexes how many records an inserted row writes to the log, to a whole number."""
    return {_named(one): round(one.log_records_a_row) for one in shelves}


def pages_asked(shelves: Iterable[Indexed]) -> dict[str, float]:
    """Return for each number of indexes how many pages the question reads."""
    return {_named(one): one.asked_pages for one in shelves}


def _named(one: Indexed) -> str:
    return f"{one.indexes} index{'' if one.indexes == 1 else 'es'}"
