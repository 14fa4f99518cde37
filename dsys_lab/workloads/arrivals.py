"""When do the requests come?

Three shapes of a day: `steady`, one after the other at the same distance; `poisson`, from many who know nothing of each
other, so that they come in clumps; `together`, all at once, as every wearable does at 07:00 on Monday.

Each yields times in whole microseconds that never decrease, without end (`together` ends), and `timed` gives them to
operations. The work offered does not depend on the system (an open workload): a slow system gets a queue, not a rest.

Sources: Schroeder, Wierman and Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import NamedTuple

from dsys_lab.errors import require_positive
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.workloads.operations import Operation


class Timed(NamedTuple):
    """An operation and when it is asked for."""

    time_us: int
    operation: Operation


def steady(rate_per_s: float, *, start_us: int = 0) -> Iterator[int]:
    """Yield times that lie `1 / rate` apart."""
    require_positive(rate_per_s=rate_per_s)
    return (start_us + int(number * 1e6 / rate_per_s) for number in count())


def poisson(rate_per_s: float, *, seed: int, name: str, start_us: int = 0) -> Iterator[int]:
    """Yield times with independent exponential gaps of mean `1 / rate`, from the stream of luck called `name`."""
    draw, gap_us = stream(seed, name), exponential(mean=_mean_us(rate_per_s))

    def times() -> Iterator[int]:
        now_us = float(start_us)
        while True:
            now_us += gap_us(draw)
            yield int(now_us)

    return times()


def _mean_us(rate_per_s: float) -> float:
    require_positive(rate_per_s=rate_per_s)
    return 1e6 / rate_per_s


def together(how_many: int, *, at_us: int = 0) -> Iterator[int]:
    """Yield the same time `how_many` times."""
    require_positive(how_many=how_many)
    return (at_us for _ in range(how_many))


def timed(operations: Iterable[Operation], times: Iterable[int]) -> Iterator[Timed]:
    """Give each operation the next time, until one of the two ends."""
    return map(Timed, times, operations)  # stops at the shorter
