"""What a picture of a stream reads off once a second: how much is written, and how far each reader is behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dsys_lab.brokers.log_stream import LeaseTable
from dsys_lab.scenarios.log_stream.machines import StreamHost
from dsys_lab.simulation import Simulation

WRITTEN: Final = "written"
LAG: Final = "lag"
Positions = Callable[[], Mapping[str, int]]
"""() -> by shard, the number of the record that comes next; a shard that is missing was not begun."""


def watch(sim: Simulation, host: StreamHost, readers: Mapping[str, Positions], *, every_s: float = 1.0) -> None:
    """From now on tell, again and again, what each open shard took a second, and each reader's lag.

    The lag is the age of the oldest record that a reader has not worked up: 0 at the tip.
    """
    ends: dict[str, int] = {}

    def tell() -> None:
        if host.up:
            for reader, positions in readers.items():
                sim.emit("gauge", reader, name=LAG, value=round(lag_s(host, positions()), 3), unit="s")
            for shard in host.shards():
                written = shard.end - ends.get(shard.name, shard.first)
                ends[shard.name] = shard.end
                if shard.is_open or written:
                    place = f"{host.name}/{shard.name}"
                    sim.emit("gauge", place, name=WRITTEN, value=written / every_s, unit="records a second")
        sim.after(every_s, tell)

    sim.after(every_s, tell)


def lag_s(host: StreamHost, positions: Mapping[str, int]) -> float:
    """Return the age of the oldest record that comes next on any shard."""
    nexts = [(shard.name, max(positions.get(shard.name, 0), shard.first)) for shard in host.shards()]
    waiting = [host.arrived_us[found] for found in nexts if found in host.arrived_us]
    return (host.simulation.now_us - min(waiting)) / 1e6 if waiting else 0.0


def worked_up(table: LeaseTable) -> dict[str, int]:
    """Return the positions of a group of workers: behind its checkpoints."""
    return {lease.shard: lease.checkpoint + 1 for lease in table.leases() if lease.checkpoint is not None}


def limit_of(write_records: float | None) -> dict[str, dict[str, Any]]:
    """Return the line to hold the write rate against."""
    if write_records is None:
        return {}
    return {WRITTEN: {"value": write_records, "label": f"a shard takes {write_records:g} a second"}}
