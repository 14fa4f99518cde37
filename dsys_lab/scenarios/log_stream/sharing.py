"""Phones send what happens in the night to the stream `nights`; `worker-1`, `worker-2`, … work it off, shard by shard.

What the run shows: a key's records in order on one shard; a hot sleeper who fills a shard while the others idle; leases
that move when a worker dies or freezes; a repetition for what lay between two checkpoints; a split under load, parents
before children; and a stream that keeps its word through a loss of power.

Sources: the semantics and their sources in `dsys_lab.brokers.log_stream`; the laws in `dsys_lab.laws.log_streams`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from dsys_lab.brokers.log_stream import LeaseTable, Limits, Settings
from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive
from dsys_lab.scenarios.log_stream.gauges import limit_of, watch, worked_up
from dsys_lab.scenarios.log_stream.machines import (
    POISON,
    Phone,
    Poison,
    RecordsOnly,
    Sink,
    StreamHost,
    Worker,
)
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.structures import EVERY_RECORD, Fsync, VolatileDisk

SLEEPERS: Final = 20
PATIENCE_S: Final = 600.0
BAD: Final = 12
MENDED_S: Final = 15.0
"""Which record of the phone cannot be carried out, where one cannot, and until when."""
FSYNC: Final = {"every record": EVERY_RECORD, "every 10 ms": Fsync(after_s=0.01)}
"""When the stream waits for its disk, by the words that a page uses."""


@scenario("shards: {shards}, workers: {workers}")
def nights(
    sim: Simulation,
    *,
    shards: int = 2,
    workers: int = 2,
    records: int = 60,
    rate: float = 5.0,
    hot_share: float = 0.0,
    write_records: float | None = None,
    fsync: str = "every record",
    checkpoint_every: int = 10,
    order: str = "effect first",
    poll_s: float = 1.0,
    work_s: float = 0.05,
    lease_s: float = 10.0,
    split_at_s: float | None = None,
    merge_at_s: float | None = None,
    poison: str | None = None,
    parents_first: bool = True,
    looks_at_its_clock: bool = True,
    fenced: bool = False,
) -> Claims:
    """Many read what many write, in order by key, whoever dies.

    `records` are put at random, `rate` a second; a share `hot_share` of them is about one sleeper, the others about 20
    alike. A shard takes `write_records` a second (None: all). Workers poll every `poll_s`, work `work_s` on a record
    and write down how far they came after `checkpoint_every` of a page; who shows no sign of life for `lease_s` loses
    its shards, and itself lets go of them then if it `looks_at_its_clock`. A `fenced` sink refuses the effects of who
    has lost a shard without knowing. At `split_at_s` the first shard is divided, at `merge_at_s` the first two become
    one. With `poison`, one of `POISON`, one record cannot be carried out before a bug is mended at 15 s.
    """
    require_positive(workers=workers, records=records, rate=rate, poll_s=poll_s)
    require_fraction(hot_share=hot_share)
    require_choice("fsync", fsync, tuple(FSYNC))
    if poison is not None:
        require_choice("poison", poison, POISON)
    if work_s < 0:
        raise BadParameter(f"work_s = {work_s!r}: give 0 or more")
    limits = None if write_records is None else Limits(write_records=write_records)
    host = StreamHost(sim, "nights", Settings(shards=shards, limits=limits), FSYNC[fsync])
    table = LeaseTable("scoring", VolatileDisk(), recorder=RecordsOnly(sim.recorder))
    bad = Poison() if poison is None else Poison(f"phone.{BAD}", poison, MENDED_S)
    sink, luck = Sink(sim, "scores", fenced=fenced, poison=bad), sim.stream("sleepers")

    def sleeper() -> str:
        return "hot" if luck() < hot_share else f"sleeper-{int(luck() * SLEEPERS)}"

    arrivals = sim.stream("phone/arrivals")
    gaps = (exponential(1 / rate)(arrivals) for _ in range(records))
    phone = Phone(sim, host, gaps, sleeper, name="phone")
    for number in range(1, workers + 1):
        Worker(
            sim, host, table, sink, name=f"worker-{number}", poll_s=poll_s, work_s=work_s, lease_s=lease_s,
            checkpoint_every=checkpoint_every, order=order, parents_first=parents_first,
            looks_at_its_clock=looks_at_its_clock,
        )  # fmt: skip
    if split_at_s is not None:
        sim.after(split_at_s, lambda: host.split("shard-000"))
    if merge_at_s is not None:
        sim.after(merge_at_s, lambda: host.merge("shard-000", "shard-001"))
    watch(sim, host, {"scoring": partial(worked_up, table)})
    _run_until_read(sim, host, table, phone)
    kept: dict[str, dict[str, Any]] = {"no acknowledged loss": {}, "in order by key": {}, "one owner": {}}
    if order == "effect first" and poison in (None, "try again"):
        kept["at least once"] = {}
    return Claims(kept, limit_of(write_records))


def _run_until_read(sim: Simulation, host: StreamHost, table: LeaseTable, phone: Phone) -> None:
    """Run until all was put and every shard's checkpoint is at its end, or until patience ends."""
    while sim.now_s < PATIENCE_S:
        sim.run(sim.now_s + 5)
        read = {lease.shard: lease.checkpoint for lease in table.leases()}
        ends = {shard.name: shard for shard in host.shards()}
        behind = [name for name, shard in ends.items() if shard.first < shard.end and read.get(name) != shard.end - 1]
        if phone.is_done and host.up and not behind:
            return
