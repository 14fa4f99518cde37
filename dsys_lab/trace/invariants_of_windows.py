"""Windows over time in a trace: what a watermark promises, and when a window may speak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsys_lab.trace.recorder import Row


def watermark_never_runs_back(rows: Iterable[Row]) -> list[Row]:
    """What a place believes to be complete stays complete: its watermark never decreases."""
    marks = [(row, at_us) for row, at_us in _with_watermarks(rows) if row.kind == "watermark"]
    return [row for row, at_us in marks if int(row.fields["at_us"] or 0) < at_us]


def on_time_when_complete(rows: Iterable[Row]) -> list[Row]:
    """A window says its answer as on time once, and not before the watermark has passed its end."""
    said: set[tuple[object, ...]] = set()
    broken = []
    for row, at_us in _with_watermarks(rows):
        if row.kind == "result" and row.fields["pane"] == "on_time":
            window = row.place, row.fields["key"], row.fields["start_us"], row.fields["end_us"]
            if at_us < int(row.fields["end_us"] or 0) or window in said:
                broken.append(row)
            said.add(window)
    return broken


def _with_watermarks(rows: Iterable[Row]) -> Iterable[tuple[Row, int]]:
    """Give each row with the watermark that its place had before it."""
    at_us: dict[str, int] = {}
    for row in rows:
        yield row, at_us.get(row.place, -(1 << 62))
        if row.kind == "watermark":
            at_us[row.place] = int(row.fields["at_us"] or 0)
