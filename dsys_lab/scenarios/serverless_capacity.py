"""A database whose size follows the load: what it serves, what it leaves waiting, and what it costs.

One claim, `load`: capacity that follows pays for spiky and idle loads and not for steady ones; a small one grows
slowly; who wakes one that sleeps waits.

Sources: the policy and its sources in `dsys_lab.stores.relational.serverless`; figures in `dsys_lab/facts.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.facts import fact
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.stores.relational.serverless import MEMORY_GIB, STEP_ACU, Capacity, Demand, Limits, bill, following
from dsys_lab.trace import Trace

PRICE_ACU: Final = float(fact("aurora_price_acu").value)
PRICE_PROVISIONED: Final = float(fact("aurora_price_provisioned").value)
PROVISIONED_ACU: Final = fact("aurora_provisioned_memory").value / MEMORY_GIB
DATABASE: Final = "database"


def _spiky(minute: float, peak: float) -> float:
    """Every wearable syncs at once: five minutes of each half hour."""
    return peak if minute % 30 < 5 else 0.05 * peak


def _steady(minute: float, peak: float) -> float:
    return 0.8 * peak


def _idle(minute: float, peak: float) -> float:
    """Somebody works for two minutes, and then nobody for the rest of the hour."""
    return 0.5 * peak if minute % 60 < 2 else 0.0


SHAPES: Final[dict[str, Callable[[float, float], float]]] = {"spiky": _spiky, "steady": _steady, "idle": _idle}


@scenario("{shape} load, {min_acu:g} to {max_acu:g} ACU")
def load(
    sim: Simulation,
    *,
    shape: str = "spiky",
    min_acu: float = 0.5,
    max_acu: float = 16.0,
    peak_acu: float = 8.0,
    minutes: float = 120.0,
    pause_after_s: float = 300.0,
    gauge_every_s: float = 15.0,
) -> Claims:
    """Capacity follows the load, second by second.

    What cannot be served in a second waits and is asked for in the next. Gauges: load, capacity, what waits, and what
    was paid so far.
    """
    require_choice("shape", shape, tuple(SHAPES))
    require_positive(peak_acu=peak_acu, minutes=minutes, gauge_every_s=gauge_every_s)
    limits = Limits(min_acu=min_acu, max_acu=max_acu, pause_after_s=pause_after_s)
    sim.spawn(_seconds(sim, SHAPES[shape], limits, peak_acu, int(gauge_every_s)))
    sim.run(minutes * 60)
    return Claims()


def _seconds(
    sim: Simulation, shape: Callable[[float, float], float], limits: Limits, peak: float, gauge_every: int
) -> Body:
    size, waits, paid = Capacity(acu=max(STEP_ACU, limits.min_acu)), 0.0, 0.0
    second = 0
    while True:
        asked = shape(second / 60, peak)
        before = size.phase
        size = following(size, Demand(cpu_acu=asked + waits, connections=int(asked + waits > 0)), limits)
        waits = max(0.0, waits + asked - size.acu)
        paid += bill([size.acu], PRICE_ACU)
        if size.phase != before:
            sim.emit("note", DATABASE, text=f"the database is {size.phase} after {before}")
        if second % gauge_every == 0 or size.phase != before:
            for name, value, unit, full in (
                ("load", asked, "ACU", limits.max_acu),
                ("capacity", size.acu, "ACU", limits.max_acu),
                ("waiting", waits, "ACU seconds", None),
                ("paid", paid, "USD", None),
            ):
                level = {} if full is None else {"full": full}
                sim.emit("gauge", DATABASE, name=name, value=round(value, 6), unit=unit, **level)
        second += 1
        yield sim.sleep(1)


def costs(trace: Trace) -> dict[str, float]:
    """Return what a run was paid, what the same time costs provisioned for its peak, and the longest queue."""
    hours = trace.end_us / 3.6e9
    machines = -(-float(str(trace.header.params["peak_acu"])) // PROVISIONED_ACU)
    gauges = {name: [float(str(row.fields["value"])) for row in trace.of("gauge") if row.fields["name"] == name]
              for name in ("paid", "waiting")}  # fmt: skip
    return {
        "serverless USD": gauges["paid"][-1],
        "provisioned USD": machines * PRICE_PROVISIONED * hours,
        "waited most ACU s": max(gauges["waiting"]),
    }
