"""The machines of a shared volume: storage nodes, the writer and who stands by for it, a replica, mirrors of pages.

The systems are pure and live in `dsys_lab.stores.relational.shared_volume`; these shells give them a clock, a
network, a disk that takes its time, and a fate. What a storage node keeps is on its disk: a crash takes the time, not
the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Distribution, constant, lognormal, mixture
from dsys_lab.stores.relational.shared_volume import (
    Change,
    Quorum,
    Recovery,
    Replica,
    Segment,
    StaleEpoch,
    Writer,
)
from dsys_lab.stores.relational.shared_volume.page_mirror import PageMirror
from dsys_lab.stores.relational.shared_volume.segment import Batch, Report
from dsys_lab.stores.relational.shared_volume.volume import page_of

SAME_ZONE_S: Final = 0.000_25
OTHER_ZONE_S: Final = 0.001
"""One way within a zone and between zones; a model."""
KEEP_MEDIAN_S: Final = 0.001
KEEP_P99_S: Final = 0.003_2
STRAGGLER_FACTOR: Final = 20.0
"""How long a node takes to keep a batch: lognormal with sigma 0.5, and a share of them so many times slower."""
GOSSIP_EVERY_S: Final = 0.01
"""How often a node that is behind asks a peer for what it is missing."""
GIVEN_AT_ONCE: Final = 50


def keep_time(straggler_share: float) -> Distribution:
    """Return how long a storage node takes to keep a batch, in seconds."""
    usual = lognormal(KEEP_MEDIAN_S, KEEP_P99_S)
    return mixture(straggler_share, usual, lambda draw: STRAGGLER_FACTOR * usual(draw))


def set_distances(sim: Simulation, sources: dict[str, str], places: list[str]) -> None:
    """Make ways within a zone short and ways between zones long; `sources` says in which zone others stand."""
    zones = {place: place.split("/")[0] for place in places} | sources
    sim.network.delay = constant(OTHER_ZONE_S)
    for a, zone_a in zones.items():
        for b, zone_b in zones.items():
            if zone_a == zone_b:
                sim.network.link_delay[a, b] = constant(SAME_ZONE_S)


class StorageNode(Machine):
    """Keeps one segment of each group, answers writers, and asks its peers for what it is missing.

    Parameters
    ----------
    keep : Distribution
        Seconds that keeping a batch takes.
    """

    def __init__(self, sim: Simulation, quorum: Quorum, index: int, groups: int, keep: Distribution) -> None:
        self.quorum, self.index, self._keep_time = quorum, index, keep
        self.segments = [
            Segment(group, index, place=quorum.place(index), recorder=sim.recorder) for group in range(groups)
        ]
        self.votes = True
        self._asked = 0
        super().__init__(sim, quorum.place(index))

    def boot(self) -> None:
        """Begin to gossip."""
        self.spawn(self._gossip())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Keep records, or promise."""
        what = body["type"]
        if what == "records":
            self.spawn(self._keep(message, body, source))
        elif what == "promise?":
            self._promise(message, body["epoch"], source)

    def _keep(self, message: str, body: dict[str, Any], source: str) -> Body:
        yield from self.work(self._keep_time(self.simulation.stream(f"{self.name}/disk")))
        segment = self.segments[body["group"]]
        try:
            report = segment.append(self.simulation.now_us, body["batch"])
        except StaleEpoch:
            report = Report(segment.group, self.index, segment.epoch, 0)
        segment.make_pages()
        if self.votes:
            self._answer(message, source, {"type": "kept", "report": report})

    def _promise(self, message: str, epoch: int, source: str) -> None:
        for segment in self.segments:
            try:
                report = segment.promise(epoch)
            except StaleEpoch:
                return
            if self.votes:
                self._answer(message, source, {"type": "promised", "report": report})

    def _answer(self, message: str, source: str, body: dict[str, Any]) -> None:
        """Answer as a copy of its own: the record itself stays here."""
        self.simulation.network.answer(self.name, source, message, body, copy=self.quorum.copies + self.index)

    def _gossip(self) -> Body:
        """Ask one peer after the other for what is missing; only what comes of it leaves rows."""
        sim = self.simulation
        while True:
            yield sim.sleep(GOSSIP_EVERY_S)
            for segment in self.segments if self.votes else ():
                status = segment.status()
                if status.past_holes or segment.vdl > segment.scl:
                    self._asked += 1
                    peer = sim.machines[self.quorum.place((self.index + self._asked) % self.quorum.copies)]
                    yield sim.sleep(2 * OTHER_ZONE_S)
                    if isinstance(peer, StorageNode) and peer is not self and peer.is_reached_by(self.name):
                        segment.fill(sim.now_us, peer.segments[segment.group].give(segment.scl, limit=GIVEN_AT_ONCE))


class WriterHost(Machine):
    """The machine of a writer: clients send it transactions, and it sends records.

    Parameters
    ----------
    gaps : iterator of float
        Seconds between one transaction and the next.
    writer : Writer, optional
        None for one that stands by until `take_over`.
    told : callable
        `(txn)`, called when a transaction is acknowledged.
    """

    def __init__(
        self,
        sim: Simulation,
        quorum: Quorum,
        groups: int,
        *,
        name: str,
        gaps: Iterator[float],
        writes: bool = True,
        numbers: Iterator[int],
        told: Callable[[int], None] = lambda txn: None,
    ) -> None:
        self.quorum, self.groups, self.gaps, self.numbers, self.told = quorum, groups, gaps, numbers, told
        self.writer = Writer(quorum, groups, place=name, recorder=sim.recorder) if writes else None
        self.recovery: Recovery | None = None
        self.rows_a_txn = 1
        self.follower = ""
        self._followed = 0
        super().__init__(sim, name)

    def boot(self) -> None:
        """Begin to write, if it is the writer. Whoever was the writer and crashed is not any more."""
        if self.writer is not None:
            self.spawn(self._clients())

    def on_crash(self) -> None:
        """Forget everything: a writer keeps nothing on a disk."""
        self.writer = None

    def _clients(self) -> Body:
        for gap in self.gaps:
            yield self.simulation.sleep(gap)
            if self.writer is None or self.writer.is_deposed:
                return
            self.write(next(self.numbers))

    def write(self, txn: int, *, key: str = "") -> int:
        """Begin a transaction; return the lsn that it waits for."""
        assert self.writer is not None, "only the writer writes"
        names = [key] if key else [f"sleeper-{txn * self.rows_a_txn + n}" for n in range(self.rows_a_txn)]
        changes = [Change(page_of(name), name, f"{4 + txn % 6}.5 h") for name in names]
        commit = self.writer.commit(self.simulation.now_us, txn, changes)
        for group, batch in commit.batches:
            for index in range(self.quorum.copies):
                self.send(group, index, batch)
        return commit.lsn

    def send(self, group: int, index: int, batch: Batch) -> None:
        """Send a batch to a storage node."""
        name = batch.records[-1].name if batch.records else f"epoch-{batch.epoch}"
        body = {"type": "records", "group": group, "batch": batch, "size_bytes": max(1, batch.size_bytes)}
        self.simulation.network.send(self.name, self.quorum.place(index), name, body, copy=index)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that a batch was kept, or that a node has promised."""
        if body["type"] == "promised" and self.recovery is not None and self.writer is None:
            if self.recovery.hear(body["report"]):
                self._open()
        elif body["type"] == "kept" and self.writer is not None:
            was_deposed, report = self.writer.is_deposed, body["report"]
            for txn in self.writer.hear(self.simulation.now_us, report):
                self.told(txn)
            if self.writer.is_deposed and not was_deposed:
                later = f"{self.name} is told of epoch {report.epoch}: it is the writer no more"
                self.simulation.emit("note", self.name, text=later)
            self._tell_follower()

    def catch_up(self, index: int) -> None:
        """Send a node all that it is not known to have."""
        if self.writer is not None:
            for group in range(self.groups):
                self.send(group, index, self.writer.again(group, index))

    # ------------------------------------------------------------------------------------------ taking over
    def take_over(self, epoch: int) -> None:
        """Ask every node for its promise."""
        recorder = self.simulation.recorder
        self.recovery = Recovery(self.quorum, self.groups, epoch, place=self.name, recorder=recorder)
        for index in range(self.quorum.copies):
            ask = {"type": "promise?", "epoch": epoch}
            self.simulation.network.send(self.name, self.quorum.place(index), f"promise-{epoch}", ask, copy=index)

    def _open(self) -> None:
        assert self.recovery is not None, "it asked for promises"
        recovered = self.recovery.finish(self.simulation.now_us)
        recorder = self.simulation.recorder
        self.writer = Writer(self.quorum, self.groups, place=self.name, recovered=recovered, recorder=recorder)
        for index in range(self.quorum.copies):
            self.catch_up(index)
        self.spawn(self._clients())

    # ------------------------------------------------------------------------------------------ a reader that follows
    def _tell_follower(self) -> None:
        writer = self.writer
        if not self.follower or writer is None or writer.vdl <= self._followed:
            return
        records = writer.durable_after(self._followed)
        self._followed = writer.vdl
        size = sum(record.size_bytes for record in records)
        body = {"type": "stream", "records": records, "vdl": writer.vdl, "size_bytes": size}
        self.simulation.network.send(self.name, self.follower, f"up-to-{writer.vdl}", body)


class ReplicaHost(Machine):
    """The machine of a replica, which takes `apply_s` for what the writer tells it.

    Attributes
    ----------
    told : callable
        `()`, called when it shows a later moment.
    """

    def __init__(self, sim: Simulation, *, name: str, apply_s: float) -> None:
        self.replica = Replica(place=name, recorder=sim.recorder)
        self.apply_s = apply_s
        self.told: Callable[[], None] = lambda: None
        super().__init__(sim, name)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a part of the log in."""
        self.spawn(self._apply(message, body))

    def _apply(self, message: str, body: dict[str, Any]) -> Body:
        yield from self.work(self.apply_s)
        self.replica.hear(self.simulation.now_us, body["records"], body["vdl"])
        self.told()


class MirrorDisk(Machine):
    """A disk that gets every brick."""

    def __init__(self, sim: Simulation, place: str, keep: Distribution) -> None:
        self._keep_time = keep
        super().__init__(sim, place)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Keep it, and say so."""
        self.spawn(self._keep(message, copy, body, source))

    def _keep(self, message: str, copy: int, body: dict[str, Any], source: str) -> Body:
        sim = self.simulation
        yield from self.work(self._keep_time(sim.stream(f"{self.name}/disk")))
        if body["type"] == "log record":
            sim.emit("log_append", self.name, message, lsn=body["lsn"], size_bytes=body["size_bytes"], copy=copy)
        else:
            sim.emit(
                "page_write", self.name, message,
                file=body["type"], page=body["page"], size_bytes=body["size_bytes"], copy=copy,
            )  # fmt: skip
        sim.network.answer(self.name, source, message, {"type": "kept", "txn": body["txn"]}, copy=body["disks"] + copy)


class MirrorWriter(Machine):
    """A database that mirrors its pages: a transaction waits for every brick on every disk."""

    def __init__(self, sim: Simulation, mirror: PageMirror, disks: list[str], gaps: Iterator[float]) -> None:
        self.mirror, self.disks, self.gaps = mirror, disks, gaps
        self._missing: dict[int, int] = {}
        super().__init__(sim, "writer")

    def boot(self) -> None:
        """Begin to write."""
        self.spawn(self._clients())

    def _clients(self) -> Body:
        sim = self.simulation
        for txn, gap in enumerate(self.gaps, 1):
            yield sim.sleep(gap)
            sim.emit("publish", self.name, f"t{txn}", attempt=1)
            name = f"sleeper-{txn}"
            bricks = self.mirror.commit(txn, [Change(page_of(name), name, f"{4 + txn % 6}.5 h")])
            self._missing[txn] = len(bricks) * len(self.disks)
            for brick in bricks:
                for copy, disk in enumerate(self.disks):
                    body = {"type": brick.what, "txn": txn, "lsn": txn, "page": page_of(name),
                            "size_bytes": len(brick.data), "disks": len(self.disks)}  # fmt: skip
                    sim.network.send(self.name, disk, brick.name, body, copy=copy)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Count the answers."""
        txn = body["txn"]
        self._missing[txn] -= 1
        if not self._missing[txn]:
            self.simulation.emit("publish_ok", self.name, f"t{txn}", attempt=1)
            self.simulation.emit("finish", self.name, f"t{txn}", attempt=1)
