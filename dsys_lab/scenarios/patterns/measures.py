"""What a pattern buys and what it costs, as counts of a run: functions of its trace.

Every card of the catalogue names two of these. A pattern that bought something for nothing would be a law of nature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace, lamp, outcome
from dsys_lab.trace.measures import quantile


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a run.

    Attributes
    ----------
    name : str
        What is counted, with its unit: "seconds until all are done".
    of : callable
        Trace -> number.
    """

    name: str
    of: Callable[[Trace], float]


def rows(name: str, *kinds: str, at: str = "") -> Measure:
    """Count the rows of these kinds, at places whose name begins with `at`."""
    return Measure(name, lambda trace: sum(row.place.startswith(at) for kind in kinds for row in trace.of(kind)))


def touched(name: str, at: str) -> Measure:
    """Add up the rows that were touched for whoever was served at places whose name begins with `at`."""
    return Measure(
        name,
        lambda trace: sum(
            int(row.fields["touched_rows"] or 0) for row in trace.of("finish") if row.place.startswith(at)
        ),
    )


def broken(name: str, invariant: str, **parameters: object) -> Measure:
    """Count the rows that break an invariant: what a red lamp counts."""
    return Measure(name, lambda trace: len(lamp(trace, invariant, **parameters).rows))


def last_gauge(gauge: str) -> Callable[[Trace], float]:
    """Take what a gauge said last."""
    def found(trace: Trace) -> float:
        said = [float(row.fields["value"] or 0) for row in trace.of("gauge") if row.fields["name"] == gauge]
        if not said:
            raise BadParameter(f"last_gauge: the run has no gauge {gauge!r}")
        return said[-1]

    return found


def again(name: str) -> Measure:
    """Count the effects beyond the first of a message, wherever it is carried out."""
    return Measure(name, lambda trace: sum(n - 1 for n in Counter(row.message for row in trace.of("effect")).values()))


def wait_s(name: str, first: str, then: str, *, share: float = 0.99, at: str = "") -> Measure:
    """Take the seconds from the first row of one kind to the first of another of a message, as a quantile of all."""

    def found(trace: Trace) -> float:
        since, until = _firsts(trace, first, ""), _firsts(trace, then, at)
        return quantile([until[one] - us for one, us in since.items() if one in until], share) / 1e6

    return Measure(name, found)


def longest_s(name: str, first: str, then: str) -> Measure:
    """Take the most seconds between the first rows of two kinds of a message; what never came counts to the end."""

    def found(trace: Trace) -> float:
        since, until = _firsts(trace, first, ""), _firsts(trace, then, "")
        return max(until.get(one, trace.header.end_us) - us for one, us in since.items()) / 1e6

    return Measure(name, found)


def until_s(name: str, kind: str, *, at: str = "") -> Measure:
    """Take the second of the last row of a kind."""

    def found(trace: Trace) -> float:
        times = [row.time_us for row in trace.of(kind) if row.place.startswith(at)]
        if not times:
            raise BadParameter(f"until_s: the run has no {kind!r} at {at or 'any place'!r}")
        return max(times) / 1e6

    return Measure(name, found)


def _firsts(trace: Trace, kind: str, at: str) -> dict[str | None, int]:
    """Return message -> when it had its first row of this kind."""
    found: dict[str | None, int] = {}
    for row in trace.of(kind):
        if row.place.startswith(at):
            found.setdefault(row.message, row.time_us)
    return found


LOST = Measure("messages lost", lambda trace: outcome(trace).lost)
REFUSED = Measure("messages refused", lambda trace: outcome(trace).told_no)
P99_S = Measure("p99 of the wait, s", lambda trace: outcome(trace).p99_s)
DONE_AGAIN = again("done once too often")
