"""What a run came to, in a few numbers, each counted from its rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dsys_lab.errors import BadParameter, require_fraction, require_positive
from dsys_lab.trace.ledger import ACCOUNT_OF, Copy, balance, copy_of
from dsys_lab.trace.recorder import Trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who got what, and who paid.

    Attributes
    ----------
    title : str
        The run's title.
    offered, done, lost, told_no : int
        Copies of messages; `lost` were dropped or expired, `told_no` were rejected.
    p50_s, p99_s : float
        Seconds from the buffer's door to done, of those that were done; nan if none was.
    deepest : int
        The most that waited at once.
    stood_s : float
        How long the producer had to stand still.
    """

    title: str
    offered: int
    done: int
    lost: int
    told_no: int
    p50_s: float
    p99_s: float
    deepest: int
    stood_s: float


def outcome(trace: Trace) -> Outcome:
    """Return what a run with a buffer came to."""
    book, waits_s = balance(trace), sojourns_s(trace) or [math.nan]
    return Outcome(
        title=trace.header.title,
        offered=book.offered,
        done=book.done,
        lost=book.lost,
        told_no=book.rejected,
        p50_s=round(quantile(waits_s, 0.5), 2),
        p99_s=round(quantile(waits_s, 0.99), 2),
        deepest=max((int(row.fields["depth"] or 0) for row in trace.of("enqueue")), default=0),
        stood_s=round(sum(int(row.fields["waited_us"] or 0) for row in trace.of("unblock")) / 1e6, 1),
    )


def sojourns_s(trace: Trace) -> list[float]:
    """Return the seconds from offer to done of every message whose end tells it, in the order of their ends."""
    return [int(row.fields["sojourn_us"] or 0) / 1e6 for row in trace.of("finish") if "sojourn_us" in row.fields]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed.

    Raises
    ------
    BadParameter
        If there is no value: a comparison with a number that is none would hold, or not, by accident.
    """
    require_fraction(share=share)
    if not values:
        raise BadParameter("quantile: there is no value; give a run in which something was finished")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def in_time_share(trace: Trace, deadline_s: float) -> float:
    """Return the share of the offered messages that were done within `deadline_s`."""
    return sum(sojourn <= deadline_s for sojourn in sojourns_s(trace)) / max(1, balance(trace).offered)


def depths(trace: Trace, place: str) -> list[tuple[float, float]]:
    """Return (seconds, messages that wait at `place`), one point wherever the number changes.

    A copy waits from the row that stores it there to the next row that moves it, as in the ledger.

    Raises
    ------
    BadParameter
        If nothing ever waits there, with the places where something does.
    """
    where: dict[Copy, str] = {}
    points, waiting = [(0.0, 0.0)], 0
    for row in trace:
        account = ACCOUNT_OF.get(row.kind)
        if not account or row.message is None:
            continue
        waiting -= where.pop(copy_of(row), None) == place
        if account == "stored":
            where[copy_of(row)] = row.place
            waiting += row.place == place
        if waiting != points[-1][1]:
            points.append((row.time_us / 1e6, float(waiting)))
    if len(points) == 1:
        places = sorted({row.place for row in trace if ACCOUNT_OF.get(row.kind) == "stored"})
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


def gauge(trace: Trace, name: str) -> tuple[list[float], list[float]]:
    """Return the times in seconds and the values of a gauge.

    Raises
    ------
    BadParameter
        If the run has no such gauge, with those that it has.
    """
    rows = [row for row in trace.of("gauge") if row.fields["name"] == name]
    if not rows:
        names = sorted({str(row.fields["name"]) for row in trace.of("gauge")})
        raise BadParameter(f"no gauge {name!r} in this run; it has {', '.join(names) or 'none'}")
    return [row.time_us / 1e6 for row in rows], [float(row.fields["value"] or 0) for row in rows]
