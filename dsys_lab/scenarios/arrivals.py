"""Independent arrivals: whoever comes, comes at random, whatever happened before."""

from __future__ import annotations

from collections.abc import Callable

from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Stream, exponential


def at_random(
    simulation: Simulation,
    stream: str,
    *,
    rate: float,
    until_s: float,
    comes: Callable[[int, Stream], object],
    source: Machine | None = None,
) -> Body:
    """Call `comes(1, chance)`, `comes(2, chance)`, ... at random, `rate` a second, until that time has passed.

    `chance` is the stream of this name, from which the gaps are drawn, too. While the machine `source` is down nobody
    comes.
    """
    gap, chance, number = exponential(1 / rate), simulation.stream(stream), 0
    while True:
        yield simulation.sleep(gap(chance))
        if simulation.now_s > until_s:
            return
        if source is None or source.up:
            number += 1
            comes(number, chance)
