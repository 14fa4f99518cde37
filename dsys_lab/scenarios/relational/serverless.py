"""A database whose size follows the load, as a picture: what is asked, what is there, what waits and what was paid.

One claim, `capacity`: a small one grows slowly, a large one fast; who wakes one that sleeps waits. What it costs
beside a provisioned one is counted by `copies.bills`.

Sources: the policy and its sources in `dsys_lab.stores.relational.serverless`; figures in `dsys_lab/facts.toml`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.facts import fact
from dsys_lab.scenarios.relational.copies import HOUR, LOADS
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.stores.relational.serverless import STEP_ACU, Capacity, Demand, Limits, bill, following

PRICE_ACU: Final = float(fact("aurora_price_acu").value)
CLIENTS, DATABASE = "clients", "database"
QUERY_EVERY_S: Final = 5
"""Of all that is asked, the query of every so many seconds is shown; it is served when all before it is."""
GAUGE_EVERY_S: Final = 15
ROUNDING_ACU: Final = 1e-6


@scenario("{load} load, {min_acu:g} to {max_acu:g} ACU")
def capacity(
    sim: Simulation,
    *,
    load: str = "spiky",
    min_acu: float = 0.5,
    max_acu: float = 16.0,
    hours: float = 3.0,
    pause_after_s: float = 300.0,
) -> Claims:
    """Capacity follows the load, second by second.

    What cannot be served in a second waits and is asked for in the next. Every fifth second one query is shown, from
    the moment at which it is asked to the one at which it is served. Gauges: load, capacity, what waits, and what was
    paid so far.
    """
    require_choice("load", load, tuple(LOADS))
    require_positive(hours=hours)
    limits = Limits(min_acu=min_acu, max_acu=max_acu, pause_after_s=pause_after_s)
    sim.spawn(_seconds(sim, LOADS[load], limits))
    sim.run(hours * 3_600)
    return Claims()


def _seconds(sim: Simulation, load: Callable[[int], float], limits: Limits) -> Body:
    paid, asked_so_far, before, queue = 0.0, 0.0, "active", deque[tuple[str, float]]()
    for second, asked, size, waits in served(load, limits):
        paid += bill([size.acu], PRICE_ACU)
        asked_so_far += asked
        if asked and second % QUERY_EVERY_S == 0:
            queue.append((f"query-{second}", asked_so_far))
            sim.emit("publish", CLIENTS, queue[-1][0], attempt=1)
            sim.emit("enqueue", DATABASE, queue[-1][0], depth=len(queue))
        while queue and queue[0][1] <= asked_so_far - waits + ROUNDING_ACU:
            sim.emit("finish", DATABASE, queue.popleft()[0], attempt=1)
        if size.phase != before:
            sim.emit("note", DATABASE, text=f"the database is {size.phase} after {before}")
        if second % GAUGE_EVERY_S == 0 or size.phase != before:
            for name, value in (("load", asked), ("capacity", size.acu)):
                sim.emit("gauge", DATABASE, name=name, value=value, unit="ACU", full=limits.max_acu)
            sim.emit("gauge", DATABASE, name="waiting", value=round(waits, 3), unit="ACU seconds")
            sim.emit("gauge", DATABASE, name="paid", value=round(paid, 6), unit="USD")
        before = size.phase
        yield sim.sleep(1)


def served(load: Callable[[int], float], limits: Limits) -> Iterator[tuple[int, float, Capacity, float]]:
    """Give each second, what is asked in it, the capacity, and what is left to wait (ACU seconds); without end."""
    size, waits = Capacity(acu=max(STEP_ACU, limits.min_acu)), 0.0
    for second in count():
        asked = load(second)
        size = following(size, Demand(cpu_acu=asked + waits, connections=int(asked + waits > 0)), limits)
        waits = max(0.0, waits + asked - size.acu)
        yield second, asked, size, waits


def backlog(*, min_acu: float = 0.0, seconds: int = 120) -> list[tuple[float, float]]:
    """Return (seconds after the first query of the morning, ACU seconds that wait), after an hour of nobody."""
    require_positive(seconds=seconds)
    course = islice(served(LOADS["mornings"], Limits(min_acu=min_acu)), HOUR, HOUR + seconds)
    return [(float(second - HOUR), round(waits, 3)) for second, _, _, waits in course]
