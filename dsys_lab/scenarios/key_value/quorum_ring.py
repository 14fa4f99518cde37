"""A store without a leader: who is asked and who has it overlap, or not.

One card on the ring of 2007. `ring` is played; what it comes to over many writes is counted in `table_counts`.

Sources: the semantics and their sources in `dsys_lab.stores.key_value.ring`; the laws in `dsys_lab.laws.partitions`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from dsys_lab.errors import Refused, require_choice, require_fraction, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.stores.key_value.ring import Ring, keep_siblings, last_writer_wins
from dsys_lab.structures.hash_ring import POSITIONS

KEEP: Final = {"siblings": keep_siblings, "last writer": last_writer_wins}
MACHINES: Final = ("a", "b", "c", "d", "e", "f")


@scenario("N {n}, R {r}, W {w}")
def ring(
    sim: Simulation,
    *,
    n: int = 3,
    r: int = 1,
    w: int = 1,
    sloppy: bool = False,
    keep: str = "siblings",
    read_repair: bool = True,
    rate: float = 3.0,
    seconds: float = 12.0,
    lag_ms: float = 400.0,
    blind: float = 0.0,
) -> Claims:
    """No leader: who is asked and who has it overlap, or not.

    One card is written `rate` times a second, and read right after each acknowledgement, at R of its N machines drawn
    by luck. A message takes up to `lag_ms`. A share `blind` of the writers has not read before.
    """
    require_choice("keep", keep, tuple(KEEP))
    require_fraction(blind=blind)
    require_positive(rate=rate, seconds=seconds, lag_ms=lag_ms)
    luck, choice = sim.stream("lag"), sim.stream("asked")
    nodes = Ring(
        MACHINES, n=n, r=r, w=w, sloppy=sloppy, read_repair=read_repair, keep=KEEP[keep], virtual_nodes=1, place="ring",
        lag=lambda machine: to_us(luck() * lag_ms / 1000), recorder=sim.recorder,
    )  # fmt: skip
    for machine in MACHINES:
        RingHost(sim, nodes, machine)
    for (low, _), (high, machine) in pairwise([(0, ""), *nodes.hash_ring.points]):
        arc = {name: round(100 * position / POSITIONS, 1) for name, position in (("low", low), ("high", high))}
        sim.emit("range", "ring", op="open", key=machine, **arc)
    context: list[Any] = [()]

    def write() -> Body:
        number = 0
        while sim.now_s < seconds:
            yield sim.sleep(1 / rate)
            number += 1
            seen = () if choice() < blind else context[0]
            try:
                put = nodes.put(sim.now_us, "card-17", f"v{number}", context=seen)
            except Refused as error:
                sim.emit("note", "ring", text=str(error))
                continue
            while not nodes.is_acknowledged(put):
                due_us = nodes.deadline_us()
                if due_us is None:
                    break
                yield sim.sleep(max(1, due_us - sim.now_us) / 1e6)
                nodes.tick(sim.now_us)
            read(f"v{number}", put)

    def read(written: str, put: Any) -> None:
        try:
            asked = sorted(nodes.replicas("card-17"), key=lambda _: choice())[:r]
            found = nodes.get(sim.now_us, "card-17", ask=asked)
        except Refused as error:
            sim.emit("note", "ring", text=str(error))
            return
        context[0] = found.context
        fresh = written in found.values
        sim.emit(
            "check", "ring", name="the read sees the write", ok=fresh, expected=written, got=" ".join(found.values),
            siblings=len(found.values),
        )  # fmt: skip

    def settle() -> Body:
        while sim.now_s < seconds + 1:
            yield sim.sleep(0.02)
            nodes.tick(sim.now_us)

    sim.spawn(write())
    sim.spawn(settle())
    sim.run(seconds + 1)
    return Claims()


class RingHost(Machine):
    """A machine of the ring that may be out of reach."""

    def __init__(self, simulation: Simulation, nodes: Ring, machine: str) -> None:
        self.nodes, self.machine = nodes, machine
        super().__init__(simulation, f"ring/{machine}")

    def crash(self) -> None:
        """Be out of reach."""
        if self.up:
            self.up = False
            self.nodes.crash(self.simulation.now_us, self.machine)

    def restart(self) -> None:
        """Be in reach again."""
        if not self.up:
            self.up = True
            self.nodes.restart(self.simulation.now_us, self.machine)
