"""A log, who writes to it, and a reader that crashes, meets poison, or is simply too slow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Record, Settings, ShardIterator, Throttled
from dsys_lab.errors import require_choice, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.missed_messages.machines import OneBox
from dsys_lab.scenarios.missed_messages.watchers import LOG, hole
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Distribution
from dsys_lab.structures import VolatileDisk

ORDERS: Final = ("acknowledge, then do", "do, then acknowledge")
POISON: Final = ("skip", "stop", "park", "park the key")
BODY: Final = b"ping"
BATCH: Final = 500
POLL_S: Final = 0.2
MISSED: Final = "missed"
"""Where the outlines of those stand that a reader has missed."""


class Tape(Machine):
    """A log of one shard, and its writer, who puts straight into it. It goes by its machine's clock, which may be off.

    Parameters
    ----------
    gap : Distribution or None
        Seconds between two records; None: all are there from the start.
    keys : tuple of str
        Whose records come in turn.
    """

    def __init__(
        self, simulation: Simulation, *, gap: Distribution | None, count: int, keys: tuple[str, ...], retention_s: float
    ) -> None:
        super().__init__(simulation, LOG)
        self.gap, self.count, self.keys = gap, count, keys
        self.read: set[str] = set()
        self._gone = self._clock_us = 0
        recorder = OneBox(
            simulation.recorder, LOG, self.read, ahead_us=lambda: self.clock_us - simulation.now_us
        )
        self.stream = LogStream(LOG, VolatileDisk(), Settings(retention_s=retention_s, limits=None), recorder=recorder)
        self.shard = self.stream.shards()[0].name

    @property
    def clock_us(self) -> int:
        """The time by this machine's clock; where that is set back, the log's stands still until it is caught up."""
        self._clock_us = max(self._clock_us, self.simulation.now_us + self.skew_us)
        return self._clock_us

    def boot(self) -> None:
        """Begin to write."""
        self.spawn(self._write())

    def tick(self) -> None:
        """Let go of what is too old by the clock; draw the outlines of what nobody had read."""
        self.stream.tick(self.clock_us)
        first = self.stream.shards()[0].first
        for message in map(self._name_of, range(self._gone, first)):
            if message not in self.read:
                hole(self.simulation, LOG, message, to=MISSED, why="older than the retention, and not read")
        self._gone = first

    def _write(self) -> Body:
        luck, entries = self.simulation.stream("writer/gaps"), [self._entry(number) for number in range(self.count)]
        if self.gap is None:
            for at in range(0, self.count, BATCH):
                self._put(entries[at : at + BATCH])
            return
        for entry in entries:
            yield self.simulation.sleep(self.gap(luck))
            self._put([entry])

    def _entry(self, number: int) -> Entry:
        return Entry(self._name_of(number), self.keys[number % len(self.keys)], BODY)

    @staticmethod
    def _name_of(offset: int) -> str:
        return f"m{offset + 1}"

    def _put(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.simulation.emit("publish", "phone", entry.message, attempt=1, key=entry.key)
        self.stream.put_many(self.clock_us, entries)
        for entry in entries:
            self.simulation.emit("publish_ok", "phone", entry.message, attempt=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a reader does.

    Attributes
    ----------
    order : str
        One of `ORDERS`: whether it moves its position before or behind a page.
    page : int
        How many records it takes at once: after each page it moves its position.
    work_s : float
        Seconds a record.
    poll_s : float
        How long it waits where it has found nothing.
    crash_share : float
        With this probability it crashes at a record, before the effect.
    back_s : float
        Seconds until it is back.
    keyed : bool
        Whether it knows what it has carried out: the effect has a key.
    poison_share : float
        Of the records cannot be carried out,
    poison : str
        and this is what it does then: one of `POISON`.
    mended_s : float
        When the bug is mended, and what is parked is carried out.
    """

    order: str = ORDERS[1]
    page: int = 10
    work_s: float = 0.1
    poll_s: float = POLL_S
    crash_share: float = 0.0
    back_s: float = 1.0
    keyed: bool = False
    poison_share: float = 0.0
    poison: str = "skip"
    mended_s: float = float("inf")

    def __post_init__(self) -> None:
        require_choice("order", self.order, ORDERS)
        require_choice("poison", self.poison, POISON)
        require_positive(page=self.page, poll_s=self.poll_s)
        require_not_negative(work_s=self.work_s, back_s=self.back_s)
        require_fraction(crash_share=self.crash_share, poison_share=self.poison_share)


class TapeReader(Machine):
    """Reads a tape by its habits. Its position and, if its effects have keys, what it has done are on disk."""

    def __init__(self, simulation: Simulation, tape: Tape, habits: Habits, *, name: str = "reader") -> None:
        super().__init__(simulation, name)
        self.tape, self.habits = tape, habits
        self.disk["position"], self.disk["done"], self.disk["parked"] = 0, {}, []
        self._crashes, self._poison = simulation.stream(f"{name}/crashes"), simulation.stream(f"{name}/poison")
        self._poisoned: dict[str, bool] = {}
        self._in_hand: dict[str, None] = {}

    def on_crash(self) -> None:
        """Draw the outlines of what was acknowledged and is not done."""
        for message in self._in_hand if self.habits.order == ORDERS[0] else ():
            hole(self.simulation, self.name, message, to=MISSED, why="acknowledged, and not done at the crash")
        self._in_hand = {}

    def boot(self) -> None:
        """Go on from the position on disk."""
        self.spawn(self._read_all())

    def _read_all(self) -> Body:
        simulation, habits = self.simulation, self.habits
        while True:
            at = ShardIterator(self.tape.shard, self.disk["position"], self.tape.clock_us)
            page = self.tape.stream.read(self.tape.clock_us, at, limit=habits.page, to=self.name)
            if isinstance(page, Throttled) or not page.records:
                yield from self._take_up_parked()
                yield simulation.sleep(habits.poll_s)
                continue
            self.tape.read.update(record.message for record in page.records)
            after = page.records[-1].sequence + 1
            if habits.order == ORDERS[0]:
                self._commit(after)
            self._in_hand = {record.message: None for record in page.records}
            for record in page.records:
                yield from self._crash_sometimes()
                yield from self.work(habits.work_s)
                yield from self._handle(record)
                del self._in_hand[record.message]
                yield from self._take_up_parked()
            if habits.order == ORDERS[1]:
                self._commit(after)

    def _crash_sometimes(self) -> Body:
        if self.habits.crash_share and self._crashes() < self.habits.crash_share:
            self.simulation.after(0, self.crash)
            self.simulation.after(self.habits.back_s, self.restart)
            yield self.simulation.event()  # the crash comes first

    def _commit(self, position: int) -> None:
        self.disk["position"] = position
        self.simulation.emit("commit", self.name, shard=LOG, offset=position)

    def _handle(self, record: Record) -> Body:
        habits, simulation = self.habits, self.simulation
        if not self._is_poison(record.message):
            if habits.poison == "park the key" and record.key in {one.key for one in self.disk["parked"]}:
                self._park(record)  # behind the one of its key that is parked
            else:
                self._carry_out(record)
            return
        simulation.emit("fail", self.name, record.message, why="it cannot be carried out", attempt=1, copy=record.copy)
        while habits.poison == "stop" and simulation.now_s < habits.mended_s:
            yield simulation.sleep(1.0)
        if habits.poison == "stop":
            self._carry_out(record)
        elif habits.poison == "skip":
            hole(simulation, self.name, record.message, to=MISSED, why="it could not be carried out, and was skipped")
        else:
            self._park(record)

    def _park(self, record: Record) -> None:
        self.disk["parked"].append(record)
        self.simulation.emit(
            "dead", self.name, record.message, receives=1, to=f"{self.name}/parked", copy=record.copy
        )

    def _take_up_parked(self) -> Body:
        """Once the bug is mended: carry out what is parked, in its order."""
        while self.disk["parked"] and self.simulation.now_s >= self.habits.mended_s:
            record = self.disk["parked"].pop(0)
            parked, here = f"{self.name}/parked", self.name
            self.simulation.emit("redrive", parked, record.message, to=here, copy=record.copy)
            yield from self.work(self.habits.work_s)
            self._carry_out(record)

    def _carry_out(self, record: Record) -> None:
        done = self.disk["done"]
        if self.habits.keyed and record.message in done:
            self.simulation.emit("effect_skip", self.name, record.message, key=record.message, copy=record.copy)
            self.simulation.emit("finish", self.name, record.message, attempt=1, copy=record.copy)
            return
        done[record.message] = None
        waited_us = self.tape.clock_us - record.arrived_us
        self.simulation.emit(
            "effect", self.name, record.message, key=record.message, copy=record.copy, waited_us=waited_us
        )
        self.simulation.emit("finish", self.name, record.message, attempt=1, copy=record.copy)

    def _is_poison(self, message: str) -> bool:
        if message not in self._poisoned:
            self._poisoned[message] = self._poison() < self.habits.poison_share
        return self._poisoned[message]
