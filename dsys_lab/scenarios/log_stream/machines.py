"""A log stream on a machine, who puts into it, and the workers who share its shards.

The stream is told the time by `StreamHost`, which also answers: a record is acknowledged once it is durable, and a
throttled one is turned away at once. A crash of the host is a loss of power. A `Worker` runs the turns of a `Consumer`;
where that yields, time passes and a crash may come: between an effect and its checkpoint, for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from dsys_lab.brokers.log_stream import (
    Consumer,
    Entry,
    Lease,
    LeaseTable,
    LogStream,
    Page,
    Record,
    Settings,
    ShardIterator,
    ShardStatus,
    Step,
    Stored,
    Throttled,
)
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.scenarios.putting import Letter, Putter
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.structures import Fsync, VolatileDisk
from dsys_lab.trace import Recorder, Scalar

POISON: Final = ("try again", "skip", "set aside")
"""What a worker does with a record that cannot be carried out."""
ASK_AGAIN_S: Final = 0.5
"""How soon a worker asks again whose call did not come through."""


class RecordsOnly:
    """Passes rows on, but for those of the files under a stream: its picture is about records.

    Parameters
    ----------
    recorder : Recorder
    """

    OF_FILES: Final = frozenset({"log_append", "log_sync", "recover"})

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, or let it go."""
        if kind not in self.OF_FILES:
            self._recorder.emit(time_us, kind, place, message, **fields)


class StreamHost(Machine):
    """The machine of a stream; what a loss of power takes from it leaves a `drop` row.

    Attributes
    ----------
    arrived_us : dict
        (shard, number) -> when that record came.
    messages : dict
        (shard, number) -> what it is called.
    """

    def __init__(self, simulation: Simulation, place: str, settings: Settings, fsync: Fsync) -> None:
        super().__init__(simulation, place)
        self.device, self._fsync = VolatileDisk(), fsync
        self._recorder = RecordsOnly(simulation.recorder)
        self.stream = LogStream(place, self.device, settings, fsync=fsync, recorder=self._recorder)
        self.arrived_us: dict[tuple[str, int], int] = {}
        self.messages: dict[tuple[str, int], str] = {}
        self._unanswered: list[tuple[Stored, str, str, int]] = []
        self._deadlines = Deadlines(simulation, self._tick)
        self._was_down = False

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Put what came; answer when it is durable."""
        answer = self.stream.put(self.simulation.now_us, Entry(message, body["key"], body["data"], copy=copy))
        if isinstance(answer, Throttled):
            self.simulation.network.answer(self.name, source, message, {"type": "throttled"}, copy=copy)
        else:
            self.arrived_us[answer], self.messages[answer] = self.simulation.now_us, message
            self._unanswered.append((answer, source, message, copy))
        self._answer()

    def _answer(self) -> None:
        """Tell who put that it is safe, and look again when something else becomes durable."""
        waiting, self._unanswered = self._unanswered, []
        for stored, source, message, copy in waiting:
            if self.stream.is_durable(stored):
                self.simulation.network.answer(self.name, source, message, {"type": "stored"}, copy=copy)
            else:
                self._unanswered.append((stored, source, message, copy))
        self._deadlines.wait_for(self.stream.deadline_us())

    def _tick(self) -> None:
        if self.up:
            self.stream.tick(self.simulation.now_us)
            self._answer()

    # ------------------------------------------------------------ what workers ask
    def shards(self) -> tuple[ShardStatus, ...]:
        """Return the shards."""
        return self.stream.shards()

    def iterator(
        self, now_us: int, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None
    ) -> ShardIterator:
        """Return a position on a shard."""
        return self.stream.iterator(now_us, shard, kind, sequence=sequence, at_us=at_us)

    def read(self, now_us: int, iterator: ShardIterator, *, limit: int = 10_000, to: str = "") -> Page | Throttled:
        """Return the next records, which are there after the network's delay."""
        return self.stream.read(now_us, iterator, limit=limit, to=to, arrive_us=now_us + to_us(DELAY_S))

    def split(self, shard: str) -> None:
        """Divide a shard, if the machine is up and the shard open."""
        if self.up and any(one.name == shard and one.is_open for one in self.stream.shards()):
            self.stream.split(self.simulation.now_us, shard)

    def merge(self, shard: str, neighbour: str) -> None:
        """Make one shard of two, if the machine is up and both are open."""
        if self.up and {shard, neighbour} <= {one.name for one in self.stream.shards() if one.is_open}:
            self.stream.merge(self.simulation.now_us, shard, neighbour)

    # ------------------------------------------------------------ a loss of power
    def on_crash(self) -> None:
        """Forget what a loss of power may forget."""
        self._was_down = True
        self.device.crash(self.simulation.stream(f"{self.name}/power"))

    def boot(self) -> None:
        """Go on with what the disk kept."""
        if self._was_down:
            self._open_again()
            self._answer()

    def _open_again(self) -> None:
        """Open what the disk kept, and name what it did not."""
        self.stream = LogStream(
            self.name, self.device, fsync=self._fsync, recorder=self._recorder, told=self.stream.told,
            now_us=self.simulation.now_us,
        )  # fmt: skip
        waiting, self._unanswered = self._unanswered, []
        for stored, _, message, copy in waiting:
            if not self.stream.is_durable(stored):
                self.simulation.emit("drop", self.name, message, why="it was not yet durable", copy=copy)


class Phone(Putter):
    """Puts records of a hundred bytes.

    Parameters
    ----------
    key_of : callable
        `()` -> the partition key of the next record.
    """

    def __init__(
        self, simulation: Simulation, host: StreamHost, gaps: Iterable[float], key_of: Callable[[], str], *, name: str
    ) -> None:
        def letter(message: str, now_us: int) -> Letter:
            key = key_of()
            return Letter({"key": key, "data": b"x" * 100}, {"key": key})

        super().__init__(simulation, host, gaps, letter, name=name, safe="stored")


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that cannot be carried out until a bug is mended, and what is done about it.

    Attributes
    ----------
    message : str
        What it is called; "" for none.
    way : str
        One of `POISON`: "try again" until it works, "skip" it, or "set aside", where it can be seen.
    mended_s : float
    """

    message: str = ""
    way: str = POISON[0]
    mended_s: float = 0.0

    def spoils(self, message: str, now_us: int) -> bool:
        """Whether this record cannot be carried out now."""
        return message == self.message and now_us < self.mended_s * 1e6


class Sink:
    """Where effects go, outside of all workers.

    Parameters
    ----------
    fenced : bool
        Whether it refuses an effect whose lease has a lower epoch than one that it has seen of the shard.
    poison : Poison
    """

    def __init__(self, simulation: Simulation, place: str, *, fenced: bool, poison: Poison) -> None:
        self._simulation, self._place, self._fenced, self.poison = simulation, place, fenced, poison
        self._epochs: dict[str, int] = {}

    def take(self, now_us: int, record: Record, lease: Lease, *, source: str) -> None:
        """Carry an effect out, or refuse it."""
        newest = self._epochs.get(lease.shard, 0)
        said: dict[str, Scalar] = {"shard": lease.shard, "epoch": lease.epoch, "copy": record.copy}
        if self._fenced and lease.epoch < newest:
            why = f"{source} has epoch {lease.epoch} of {lease.shard}, and {newest} has been here"
            self._simulation.emit("refuse", self._place, record.message, why=why, source=source, **said)
            return
        self._epochs[lease.shard] = max(newest, lease.epoch)
        if self.poison.spoils(record.message, now_us):
            self._let_go(record, source)
            return
        waited_us = now_us - record.arrived_us
        self._simulation.emit("effect", source, record.message, key=record.key, waited_us=waited_us, **said)

    def _let_go(self, record: Record, source: str) -> None:
        """Go on behind a record that cannot be carried out."""
        emit, copy = self._simulation.emit, record.copy
        emit("fail", source, record.message, why="it cannot be carried out", attempt=1, copy=copy)
        if self.poison.way == "set aside":
            emit("dead", source, record.message, receives=1, to=f"{self._place}/set aside", copy=copy)


class Worker(Machine):
    """One of a group that shares the shards by a lease table.

    Parameters
    ----------
    sink : Sink
        The group's.
    poll_s : float
        Seconds from the end of one turn to the next.
    work_s : float
        Seconds of work for a record, at full speed.
    given
        For its `Consumer`.
    """

    def __init__(
        self,
        simulation: Simulation,
        host: StreamHost,
        table: LeaseTable,
        sink: Sink,
        *,
        name: str,
        poll_s: float,
        work_s: float,
        **given: Any,
    ) -> None:
        super().__init__(simulation, name)
        self.host, self.table, self.sink = host, table, sink
        self.poll_s, self.work_s, self._given = poll_s, work_s, given

    def boot(self) -> None:
        """Begin with an empty memory: what it owned stands in the table, and is taken anew."""
        carry_out = partial(self.sink.take, source=self.name)
        self.consumer = Consumer(self.name, self.host, self.table, carry_out, **self._given)
        self.spawn(self._turns())

    def _turns(self) -> Body:
        simulation = self.simulation
        while True:
            yield from self._reach_the_host()
            turn = self.consumer.turn(simulation.now_us)
            step = next(turn, None)
            while step is not None:
                yield from self._let_time_pass(step)
                yield from self._reach_the_host()
                try:
                    step = turn.send(simulation.now_us)
                except StopIteration:
                    step = None
            yield simulation.sleep(self.poll_s)

    def _let_time_pass(self, step: Step) -> Body:
        """Take as long as a step takes: a page travels, a record is worked on; anywhere a crash may come."""
        if step.what == "start":
            yield from self.work(self.work_s)
            yield from self._try_again(step)
        else:
            yield self.simulation.sleep(DELAY_S if step.what == "read" else 0)

    def _try_again(self, step: Step) -> Body:
        """Stay with a record that cannot be carried out, where that is the way."""
        simulation, poison = self.simulation, self.sink.poison
        message = self.host.messages.get((step.shard, step.sequence or 0), "")
        attempt = 0
        while poison.way == "try again" and poison.spoils(message, simulation.now_us):
            attempt += 1
            simulation.emit("fail", self.name, message, why="it cannot be carried out", attempt=attempt)
            yield simulation.sleep(ASK_AGAIN_S)

    def _reach_the_host(self) -> Body:
        while not self.host.is_reached_by(self.name):
            yield self.simulation.sleep(ASK_AGAIN_S)
