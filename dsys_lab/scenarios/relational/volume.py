"""The log is the database: a writer in zone a sends records to segments in three zones, and pages are made there.

The claims, one function each:

1. `commits`: a commit is acknowledged at the fourth answer of six, and two stragglers delay nobody.
2. `mirrored_pages`: the simplest other way sends each page twice to every mirror, and waits for the slowest.
3. `zone_loss`: without a zone writes go on; without a zone and one more they stop, reads and repair do not, and nothing
   acknowledged is lost.
4. `segment_repair`: a lost segment is made again from its peers; how long that takes is the time in which one more
   failure must not come.
5. `fail_over`: a new writer takes over under a new epoch; the old one, which is only cut off, is refused.
6. `replica_lag`: a replica shows the past; who has written and wants to see it must say so.

`machines` holds the machines, `copies` what the notebook counts over many runs.

Sources: the semantics and their sources in `dsys_lab.stores.relational.shared_volume`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, repeat
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.relational.machines import (
    MirrorDisk,
    MirrorWriter,
    ReplicaHost,
    StorageNode,
    WriterHost,
    keep_time,
    set_distances,
)
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.stores.relational.shared_volume import Behind, Quorum, Segment
from dsys_lab.stores.relational.shared_volume.page_mirror import PageMirror
from dsys_lab.stores.relational.shared_volume.volume import page_of

KEPT: Final[dict[str, dict[str, Any]]] = {"no acknowledged commit lost": {}, "epochs never run back": {}}
WRITER, STANDBY, REPLICA = "writer", "standby", "replica"
HOME_ZONE: Final = "zone-a"


class _Volume:
    """The machines of a volume, wired together."""

    def __init__(
        self,
        sim: Simulation,
        quorum: Quorum,
        *,
        commits: int,
        every_s: float,
        groups: int = 1,
        rows_a_txn: int = 1,
        straggler_share: float = 0.0,
    ) -> None:
        require_positive(commits=commits, every_s=every_s, groups=groups, rows_a_txn=rows_a_txn)
        require_fraction(straggler_share=straggler_share)
        self.sim, self.quorum, self.groups = sim, quorum, groups
        self.numbers = count(1)
        self.nodes = [
            StorageNode(sim, quorum, index, groups, keep_time(straggler_share)) for index in range(quorum.copies)
        ]
        self.writer = self.host(WRITER, repeat(every_s, commits))
        self.writer.rows_a_txn = rows_a_txn
        set_distances(sim, {WRITER: HOME_ZONE, STANDBY: "zone-b", REPLICA: "zone-b"}, [n.name for n in self.nodes])

    def host(self, name: str, gaps: Iterator[float], *, writes: bool = True) -> WriterHost:
        return WriterHost(self.sim, self.quorum, self.groups, name=name, gaps=gaps, writes=writes, numbers=self.numbers)

    def crash(self, *indexes: int) -> None:
        for index in indexes:
            self.nodes[index].crash()
        self.gauge()

    def restart(self, *indexes: int) -> None:
        for index in indexes:
            self.nodes[index].restart()
            self.writer.catch_up(index)
        self.gauge()

    def gauge(self) -> None:
        """Say how many copies are up, and whether that is enough."""
        up = [node.index for node in self.nodes if node.up and node.votes]
        self.sim.emit("gauge", WRITER, name="copies", value=len(up), unit=f"of {self.quorum.copies} answer")
        for name, enough in (("writes", self.quorum.can_write(up)), ("reads and repair", self.quorum.can_read(up))):
            self.sim.emit("gauge", WRITER, name=name, value=int(enough), unit="possible" if enough else "not possible")


# ------------------------------------------------------------------------------------------ 1. the fourth answer
@scenario("log records: {write} of {copies} answers")
def commits(
    sim: Simulation,
    *,
    copies: int = 6,
    write: int = 4,
    read: int = 3,
    zones: int = 3,
    groups: int = 1,
    commits: int = 6,
    every_s: float = 0.006,
    rows_a_txn: int = 1,
    straggler_share: float = 0.2,
) -> Claims:
    """A commit is acknowledged at the fourth answer of six, and two stragglers delay nobody.

    A transaction changes `rows_a_txn` rows every `every_s`. Each record goes to every segment of its group; a share of
    the answers takes twenty times as long. Segments that miss something ask their peers.
    """
    quorum = Quorum(copies, write, read, zones)
    _Volume(sim, quorum, commits=commits, every_s=every_s, groups=groups, rows_a_txn=rows_a_txn,
            straggler_share=straggler_share)  # fmt: skip
    sim.run((commits + 1) * every_s + 0.08)
    return Claims({**KEPT})


# ------------------------------------------------------------------------------------------ 2. pages over the same wire
@scenario("pages to {mirrors} mirrors")
def mirrored_pages(
    sim: Simulation, *, mirrors: int = 4, commits: int = 6, every_s: float = 0.006, straggler_share: float = 0.2
) -> Claims:
    """The simplest other way sends each page twice to every mirror, and waits for the slowest.

    The same transactions as in `commits`, one row each. A log record is a small disc, a page a large one.
    """
    require_positive(mirrors=mirrors, commits=commits, every_s=every_s)
    require_fraction(straggler_share=straggler_share)
    quorum = Quorum(mirrors, mirrors, 1, min(2, mirrors))
    places = [quorum.place(index).replace("segment", "disk") for index in range(mirrors)]
    for place in places:
        MirrorDisk(sim, place, keep_time(straggler_share))
    MirrorWriter(sim, PageMirror(mirrors), places, repeat(every_s, commits))
    set_distances(sim, {WRITER: HOME_ZONE}, places)
    sim.run((commits + 1) * every_s + 0.2)
    return Claims({"sends settle": {}})


# ------------------------------------------------------------------------------------------ 3. a zone, and one more
@scenario("zone {zone} is lost, and {more} more")
def zone_loss(
    sim: Simulation,
    *,
    zone: str = "b",
    more: int = 0,
    copies: int = 6,
    write: int = 4,
    read: int = 3,
    at_s: float = 0.03,
    for_s: float = 0.06,
    commits: int = 20,
    every_s: float = 0.006,
) -> Claims:
    """Without a zone writes go on; without a zone and one more they stop, and nothing acknowledged is lost.

    From `at_s` on all segments of a zone are down for `for_s`, and `more` others with them. What could not be
    acknowledged is, once enough are back and have caught up.
    """
    quorum = Quorum(copies, write, read, 3)
    require_choice("zone", zone, ("a", "b", "c"))
    require_not_negative(more=more)
    require_positive(at_s=at_s, for_s=for_s)
    dark = quorum.in_zone(ord(zone) - ord("a"))
    others = [index for index in range(copies) if index not in dark]
    if more > len(others):
        raise BadParameter(f"more = {more!r}: {len(others)} copies are left without the zone, give 0 to {len(others)}")
    struck = [*dark, *others[:more]]
    volume = _Volume(sim, quorum, commits=commits, every_s=every_s)
    sim.after(0, volume.gauge)
    sim.after(at_s, lambda: volume.crash(*struck))
    sim.after(at_s + for_s, lambda: volume.restart(*struck))
    sim.run(max(at_s + for_s, (commits + 1) * every_s) + 0.05)
    return Claims({**KEPT})


# ------------------------------------------------------------------------------------------ 4. repair
@scenario("repair at {bytes_a_s:,.0f} bytes a second")
def segment_repair(
    sim: Simulation,
    *,
    bytes_a_s: float = 40_000.0,
    lost: int = 3,
    at_s: float = 0.05,
    commits: int = 30,
    every_s: float = 0.004,
) -> Claims:
    """A lost segment is made again from its peers; how long that takes is the time in which one more must not fail.

    At `at_s` segment number `lost` loses its disk. A new one takes its place and copies what a read quorum of its peers
    has; it votes only when it has all. Meanwhile writes go on.
    """
    quorum = Quorum()
    if not 1 <= lost <= quorum.copies:
        raise BadParameter(f"lost = {lost!r}: give the number of a segment, 1 to {quorum.copies}")
    require_positive(bytes_a_s=bytes_a_s, at_s=at_s)
    volume = _Volume(sim, quorum, commits=commits, every_s=every_s)
    sim.after(at_s, lambda: sim.spawn(_repaired(volume, lost - 1, bytes_a_s)))
    sim.run((commits + 1) * every_s + 0.3)
    return Claims({**KEPT})


def _repaired(volume: _Volume, index: int, bytes_a_s: float) -> Body:
    """Lose a segment, and fill a new one from a read quorum of its peers."""
    sim, node = volume.sim, volume.nodes[index]
    node.crash()
    for record in node.segments[0].records():
        sim.emit("gone", node.name, record.name, why="its disk is lost", copy=index)
    node.segments = [Segment(0, index, place=node.name, recorder=sim.recorder)]
    node.votes = False
    if volume.writer.writer is not None:
        volume.writer.writer.forget(index)
    volume.gauge()
    yield sim.sleep(0.01)
    node.restart()
    sim.emit("rebuild", node.name, view=node.name, phase="begins")
    peers = [peer for peer in volume.nodes if peer.up and peer.votes][: volume.quorum.read]
    copied_bytes = 0
    for peer in peers:
        while batch := peer.segments[0].give(node.segments[0].scl, limit=4):
            if not batch.records:
                break
            yield sim.sleep(batch.size_bytes / bytes_a_s)
            copied_bytes += batch.size_bytes
            if not node.segments[0].fill(sim.now_us, batch):
                break
    node.votes = True
    sim.emit("rebuild", node.name, view=node.name, phase="done", size_bytes=copied_bytes)
    volume.gauge()
    volume.writer.catch_up(index)


# ------------------------------------------------------------------------------------------ 5. a new writer
@scenario("the old writer {old}")
def fail_over(
    sim: Simulation,
    *,
    old: str = "is cut off",
    copies: int = 6,
    write: int = 4,
    read: int = 3,
    at_s: float = 0.03,
    noticed_s: float = 0.01,
    for_s: float = 0.03,
    commits: int = 20,
    every_s: float = 0.004,
    straggler_share: float = 0.1,
) -> Claims:
    """A new writer takes over under a new epoch; the old one, which is only cut off, is refused.

    At `at_s` the old writer crashes, or is cut off for `for_s` and writes on. After `noticed_s` the standby asks for
    promises, finds where the log ends and writes on from there.
    """
    require_choice("old", old, ("crashes", "is cut off"))
    require_positive(at_s=at_s, noticed_s=noticed_s, for_s=for_s)
    quorum = Quorum(copies, write, read, min(3, copies))
    volume = _Volume(sim, quorum, commits=commits, every_s=every_s, straggler_share=straggler_share)
    standby = volume.host(STANDBY, repeat(every_s, commits // 2), writes=False)
    if old == "crashes":
        sim.after(at_s, volume.writer.crash)
    else:
        alone = frozenset({WRITER})
        sim.after(at_s, lambda: _cut_off(sim, alone))
        sim.after(at_s + for_s, lambda: _let_in(sim, alone))
    sim.after(at_s + noticed_s, lambda: standby.take_over(2))
    sim.run(max(at_s + for_s, (commits + 1) * every_s) + 0.06)
    return Claims({**KEPT})


def _cut_off(sim: Simulation, side: frozenset[str]) -> None:
    sim.network.splits.append(side)
    sim.emit("split", "network", side=", ".join(sorted(side)))


def _let_in(sim: Simulation, side: frozenset[str]) -> None:
    sim.network.splits.remove(side)
    sim.emit("heal", "network", side=", ".join(sorted(side)))


# ------------------------------------------------------------------------------------------ 6. a replica is behind
@scenario("a replica that is {lag_s:g} s behind, {reader}")
def replica_lag(
    sim: Simulation,
    *,
    lag_s: float = 0.02,
    reader: str = "asks at once",
    commits: int = 10,
    every_s: float = 0.01,
) -> Claims:
    """A replica shows the past; who has written and wants to see it must say so.

    After each of its writes is acknowledged a client looks at the same row on a replica, which takes `lag_s` to apply
    what the writer tells it. The reader "asks at once", or "says what it wrote" and is told to wait.
    """
    require_choice("reader", reader, ("asks at once", "says what it wrote"))
    require_not_negative(lag_s=lag_s)
    volume = _Volume(sim, Quorum(), commits=1, every_s=every_s)
    volume.writer.gaps = iter(())
    host = ReplicaHost(sim, name=REPLICA, apply_s=lag_s)
    for page in range(64):
        host.replica.keep(page, {})
    volume.writer.follower = REPLICA
    sim.spawn(_writes_and_looks(volume, host, commits, every_s, says=reader == "says what it wrote"))
    sim.run((commits + 1) * (every_s + lag_s) + 0.1)
    return Claims({**KEPT, "acknowledged is read": {}})


def _writes_and_looks(volume: _Volume, host: ReplicaHost, commits: int, every_s: float, *, says: bool) -> Body:
    """One after the other: write, wait for the acknowledgement, look."""
    sim, replica = volume.sim, host.replica
    for txn in range(1, commits + 1):
        yield sim.sleep(every_s)
        acknowledged, key = sim.event(), "ada"
        volume.writer.told = lambda _, acknowledged=acknowledged: acknowledged.succeed()  # type: ignore[misc]
        lsn = volume.writer.write(txn, key=key)
        yield acknowledged
        while True:
            try:
                replica.read(sim.now_us, page_of(key), key, at_least=lsn if says else 0)
                break
            except Behind as told:
                sim.emit("note", REPLICA, text=str(told))
                news = sim.event()
                host.told = lambda news=news: None if news.triggered else news.succeed()  # type: ignore[misc]
                yield news
