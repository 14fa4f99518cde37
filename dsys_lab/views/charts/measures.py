"""The numbers that a trace holds: how many wait, how many a second, how long each took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from dsys_lab.errors import BadParameter, require_fraction, require_positive
from dsys_lab.trace import Trace

LEAVES: Final = ("start", "drop", "expire", "reject", "receive")
"""The kinds by which a copy that waits goes elsewhere."""


def depths(trace: Trace, place: str) -> list[tuple[float, float]]:
    """Return (seconds, messages that wait at `place`), one point wherever the number changes."""
    waiting: set[tuple[str | None, object]] = set()
    points = [(0.0, 0.0)]
    for row in trace:
        copy = (row.message, row.fields.get("copy", 0))
        if row.kind == "enqueue" and row.place == place:
            waiting.add(copy)
        elif row.kind in LEAVES:
            waiting.discard(copy)
        if len(waiting) != points[-1][1]:
            points.append((row.time_us / 1e6, float(len(waiting))))
    if len(points) == 1:
        places = sorted({row.place for row in trace.of("enqueue")})
        raise BadParameter(
            f"place {place!r}: nothing ever waits there; give one of {', '.join(places) or 'another run'}"
        )
    return [*points, (trace.end_us / 1e6, points[-1][1])]


def rates(trace: Trace, kind: str, *, window_s: float = 1.0) -> list[tuple[float, float]]:
    """Return (middle of the window, rows of `kind` a second) for each whole window of the run."""
    require_positive(window_s=window_s)
    counts = [0] * max(1, int(trace.end_us / 1e6 / window_s))
    for row in trace.of(kind):
        window = int(row.time_us / 1e6 / window_s)
        if window < len(counts):
            counts[window] += 1
    return [((i + 0.5) * window_s, count / window_s) for i, count in enumerate(counts)]


def sojourns_s(trace: Trace) -> list[float]:
    """Return how long each finished message took, waiting and service together, in seconds, shortest first."""
    return sorted(int(row.fields["sojourn_us"] or 0) / 1e6 for row in trace.of("finish") if "sojourn_us" in row.fields)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value of an ordered sequence that at least `share` of it does not exceed."""
    require_fraction(share=share)
    if not ordered:
        raise BadParameter("quantile: there is no value; give a run in which something was finished")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
