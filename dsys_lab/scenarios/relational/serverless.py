"""A database whose size follows the load, as a picture: what is asked, what is there, what waits and what was paid.

One claim, `capacity`: a small one grows slowly, a large one fast; who wakes one that sleeps waits. What it costs
beside a provisioned one is counted by `relational_copies.bills`.

Sources: the policy and its sources in `dsys_lab.stores.relational.serverless`; figures in `dsys_lab/facts.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.facts import fact
from dsys_lab.scenarios.relational.copies import LOADS
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.stores.relational.serverless import STEP_ACU, Capacity, Demand, Limits, bill, following

PRICE_ACU: Final = float(fact("aurora_price_acu").value)
DATABASE: Final = "database"
GAUGE_EVERY_S: Final = 15


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

    What cannot be served in a second waits and is asked for in the next. Gauges: load, capacity, what waits, and what
    was paid so far.
    """
    require_choice("load", load, tuple(LOADS))
    require_positive(hours=hours)
    limits = Limits(min_acu=min_acu, max_acu=max_acu, pause_after_s=pause_after_s)
    sim.spawn(_seconds(sim, LOADS[load], limits))
    sim.run(hours * 3_600)
    return Claims()


def _seconds(sim: Simulation, load: Callable[[int], float], limits: Limits) -> Body:
    size, waits, paid, second = Capacity(acu=max(STEP_ACU, limits.min_acu)), 0.0, 0.0, 0
    while True:
        asked, before = load(second), size.phase
        size = following(size, Demand(cpu_acu=asked + waits, connections=int(asked + waits > 0)), limits)
        waits = max(0.0, waits + asked - size.acu)
        paid += bill([size.acu], PRICE_ACU)
        if size.phase != before:
            sim.emit("note", DATABASE, text=f"the database is {size.phase} after {before}")
        if second % GAUGE_EVERY_S == 0 or size.phase != before:
            for name, value in (("load", asked), ("capacity", size.acu)):
                sim.emit("gauge", DATABASE, name=name, value=value, unit="ACU", full=limits.max_acu)
            sim.emit("gauge", DATABASE, name="waiting", value=round(waits, 3), unit="ACU seconds")
            sim.emit("gauge", DATABASE, name="paid", value=round(paid, 6), unit="USD")
        second += 1
        yield sim.sleep(1)
