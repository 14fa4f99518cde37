"""A popular key is thrown out: how many of those who miss it go to the table?

Readers come at random. At one second somebody throws the key out. Who misses asks the table, which has a few workers;
whoever is back first fills the cache. With a single flight only the first goes, and the others wait for it.

Sources: the semantics in `dsys_lab.dataflows.derived_view.flights`.
"""

from __future__ import annotations

from dsys_lab.dataflows.derived_view import Cache, Flights
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.scenarios.authoritative_and_derived.caching import CACHE, READERS, TABLE, Boxes, Mirror, require_events
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Event, Simulation
from dsys_lab.simulation.chance import exponential

KEY, THROWN_OUT_S = "top", 1.0
WAITING = "waiting"


class Counter:
    """The table's workers: who is asked, waits for a worker, and is answered after a while."""

    def __init__(self, sim: Simulation, workers: int, work_s: float) -> None:
        self.sim, self.work_s, self.free = sim, work_s, workers
        self.queue: list[Event] = []

    def read(self, reader: str) -> Body:
        """Go to the table and come back."""
        self.sim.emit("enqueue", TABLE, reader, depth=len(self.queue) + 1)
        turn = self.sim.event()
        self.queue.append(turn)
        self._serve()
        yield turn
        self.sim.emit("start", TABLE, reader, attempt=1)
        yield self.sim.sleep(self.work_s)
        self.free += 1
        self._serve()

    def _serve(self) -> None:
        while self.free and self.queue:
            self.free -= 1
            self.queue.pop(0).succeed()


@scenario("{readers:g} readers a second")
def herd(
    sim: Simulation,
    *,
    single: bool = False,
    readers: float = 200.0,
    workers: int = 2,
    work_s: float = 0.05,
    seconds: float = 2.0,
) -> Claims:
    """Readers of one key come `readers` a second; at one second it is thrown out."""
    require_positive(readers=readers, workers=workers, work_s=work_s)
    require_events(readers, seconds)
    if seconds <= THROWN_OUT_S:
        raise BadParameter(f"seconds = {seconds:g}: the key is thrown out at {THROWN_OUT_S:g} s, give more")
    boxes = Boxes(sim, CACHE)
    cache, flights = Cache(name=CACHE, recorder=Mirror(sim.recorder, boxes)), Flights(single=single)
    table = Counter(sim, workers, work_s)
    landings: dict[str, Event] = {}
    cache.fill(0, KEY, 0, 0)

    def read(reader: str) -> Body:
        came_us = sim.now_us
        sim.emit("publish", READERS, reader, attempt=1)
        if cache.get(sim.now_us, KEY) is None:
            if flights.goes(KEY, reader):
                yield from table.read(reader)
                cache.fill(sim.now_us, KEY, 0, 1)
                for other in flights.land(KEY):
                    landings.pop(other).succeed()
            else:
                landings[reader] = sim.event()
                sim.emit("enqueue", WAITING, reader, depth=len(landings))
                yield landings[reader]
                sim.emit("start", READERS, reader, attempt=1, source=WAITING)
        sim.emit("finish", READERS, reader, attempt=1, sojourn_us=sim.now_us - came_us)

    def come() -> Body:
        luck, number = sim.stream("readers"), 0
        while sim.now_s < seconds:
            yield sim.sleep(exponential(1 / readers)(luck))
            number += 1
            sim.spawn(read(f"r{number}"))

    sim.spawn(come())
    sim.after(THROWN_OUT_S, lambda: cache.invalidate(sim.now_us, KEY))
    sim.run()  # nobody comes after the end: let all be answered
    return Claims({"conservation": {}}, poster_us=round((THROWN_OUT_S + 0.9 * work_s) * 1e6))
