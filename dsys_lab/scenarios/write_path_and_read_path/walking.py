"""Lines that are written and pages that are read, on one path of six steps with a wall on the way.

A write goes through the steps left of the wall, a read through those right of it, and stays at each for as long as the
rows take that it touches there. Nobody waits for anybody: what is seen is the work, not a queue.

Sources: the semantics in `dsys_lab.dataflows.derived_view.wall`.
"""

from __future__ import annotations

from collections import Counter

from dsys_lab.dataflows.derived_view import STEPS, Wall
from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.write_path_and_read_path.world import followers
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential

WRITERS, READERS, PAGES = "writers", "readers", "pages"
EVENTS_MOST = 50_000


def line_of(number: int, authors: list[str], luck: float) -> str:
    """Return a line by somebody, with stars by luck; the names of lines are in their order."""
    author = authors[int(luck * len(authors))]
    return f"n{number:05} {author} {int(luck * 7919) % 5} post number {number}"


@scenario("the wall behind {eager} steps")
def walls(
    sim: Simulation,
    *,
    eager: int = 3,
    users: int = 12,
    writes: float = 1.0,
    reads: float = 2.0,
    row_ms: float = 2.0,
    seconds: float = 20.0,
) -> Claims:
    """Lines are written and pages are read at random; each row that is touched takes `row_ms`."""
    require_positive(writes=writes, seconds=seconds, row_ms=row_ms)
    require_not_negative(reads=reads)
    if (writes + reads) * seconds > EVENTS_MOST:
        raise BadParameter(f"{writes + reads:g} a second for {seconds:g} s: give at most {EVENTS_MOST:,} of them")
    graph = followers(users, seed=sim.seed)
    names, wall = list(graph), Wall(graph, eager=eager)

    def walk(message: str, place: str, steps: tuple[str, ...], touched: Counter[str]) -> Body:
        began_us = sim.now_us
        for step in steps:
            sim.emit("start", step, message, attempt=1, touched_rows=touched[step])
            yield sim.sleep(touched[step] * row_ms / 1e3)
        sim.emit("finish", place, message, attempt=1, sojourn_us=sim.now_us - began_us, touched_rows=touched.total())
        sim.emit("gauge", place, name="touched", value=touched.total(), unit="rows")

    def write() -> Body:
        luck, number = sim.stream("writers"), 0
        while True:
            yield sim.sleep(exponential(1 / writes)(luck))
            number += 1
            wall.write(line_of(number, names, luck()))
            sim.emit("publish", WRITERS, f"w{number}", attempt=1)
            sim.spawn(walk(f"w{number}", WRITERS, STEPS[:eager], wall.touched))

    def read() -> Body:
        luck, number = sim.stream("readers"), 0
        while True:
            yield sim.sleep(exponential(1 / reads)(luck))
            number += 1
            wall.read(names[int(luck() * users)])
            sim.emit("publish", READERS, f"r{number}", attempt=1)
            sim.spawn(walk(f"r{number}", READERS, STEPS[eager:] or (PAGES,), wall.touched))

    sim.spawn(write())
    if reads:
        sim.spawn(read())
    sim.run(seconds)
    return Claims({"conservation": {}}, poster_us=round(seconds / 2 * 1e6))
