"""A delivery stream on a machine, the wearables that put pings into it, and the buckets that it fills.

The stream is told the time by `StreamHost`, which answers who puts, carries out what is to be delivered, and hears how
it went. A crash of the host is a loss of power: between the moment at which an object is in the bucket and the moment
at which the stream hears so, for one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.delivery_stream import Accepted, Attempt, DeliveryStream, Entry, Settings
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.scenarios.putting import Letter, Putter
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import NO_TRACE

TRIES: Final = 50
"""How often a wearable puts a ping."""
READINGS: Final = 12
"""How often a glass and its hourglass are looked at in an interval."""


class Ping(NamedTuple):
    """What a wearable says of a moment of the night."""

    id: str
    customer: str
    at_us: int
    pulse: int | str

    def data(self, size_bytes: int) -> bytes:
        """Return it as JSON, with blanks up to a size: a reader of JSON does not mind them."""
        return json.dumps(self._asdict()).encode().ljust(size_bytes)


class Bucket(Machine):
    """An object store that may be down."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self.store = JournaledStore(VolatileDisk(), place=name, recorder=NO_TRACE)
        self._unheard: dict[str, int] = {}

    def put(self, attempt: Attempt, crate: str) -> None:
        """Keep an object; it takes the place of one of its name."""
        simulation = self.simulation
        self.store.put(attempt.key, attempt.data, now_us=simulation.now_us)
        before = self._unheard.pop(attempt.key, None)
        if before is not None:
            simulation.emit("forgets", self.name, crate, why="its name was put again", copy=before)

    def never_confirmed(self, attempt: Attempt, crate: str) -> None:
        """Show what stands here although the stream does not know: it was put, and the power went."""
        self._unheard[attempt.key] = attempt.attempt
        count = len(attempt.messages)
        self.simulation.emit("landed", self.name, crate, count=count, copy=attempt.attempt, attempt=attempt.attempt)

    @property
    def objects(self) -> dict[str, bytes]:
        """What landed, by key."""
        keys = [facts.key for facts in every(self.store)]
        return {key: found.data for key in keys if (found := self.store.get(key)) is not None}


class StreamHost(Machine):
    """The machine of a stream.

    Parameters
    ----------
    buckets : list of Bucket
        Called "destination" and "backup".
    answers_lost : float
        Share of its answers to a wearable that never arrive.
    given
        For the `DeliveryStream`: transform, form, partition_by.
    """

    def __init__(
        self,
        simulation: Simulation,
        settings: Settings,
        buckets: Iterable[Bucket],
        *,
        place: str = "pings",
        answers_lost: float = 0.0,
        is_watched: bool = True,
        **given: Any,
    ) -> None:
        super().__init__(simulation, place)
        self.device, self.settings, self._given = VolatileDisk(), settings, given
        self.buckets = {bucket.name: bucket for bucket in buckets}
        self.answers_lost, self.is_watched = answers_lost, is_watched
        self.stream = self._open()
        self._deadlines = Deadlines(simulation, self.work_off)
        self._was_down = self._is_looking = False
        self._put: dict[int, Attempt] = {}

    @property
    def is_empty(self) -> bool:
        """Whether all that was accepted has left."""
        return self.up and self.stream.status().oldest_us is None

    def _open(self, told_lsn: int | None = None) -> DeliveryStream:
        return DeliveryStream(
            self.name, self.device, self.settings, recorder=self.simulation.recorder, told_lsn=told_lsn,
            now_us=self.simulation.now_us, **self._given,
        )  # fmt: skip

    # ------------------------------------------------------------ who puts
    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a ping in, and say so."""
        simulation = self.simulation
        answer = self.stream.put(simulation.now_us, Entry(message, body["data"], copy))
        said = "accepted" if isinstance(answer, Accepted) else "throttled"
        if self.answers_lost and simulation.stream("answers")() < self.answers_lost:
            simulation.network.lose(message)
        simulation.network.answer(self.name, source, message, {"type": said}, copy=copy)
        self.work_off()
        if self.is_watched and not self._is_looking:
            self._is_looking = True
            self._look()

    # ------------------------------------------------------------ where it goes
    def work_off(self) -> None:
        """Deliver what is due, now and whenever more becomes due."""
        if not self.up:
            return
        simulation = self.simulation
        now_us = simulation.now_us
        for attempt in self.stream.attempts(now_us, arrive_us=now_us + to_us(DELAY_S)):
            self.spawn(self._deliver(attempt))
        self._tell_levels()
        self._deadlines.wait_for(self.stream.deadline_us())

    def _deliver(self, attempt: Attempt) -> Body:
        """Bring an object to its bucket, and hear how it went."""
        simulation, bucket = self.simulation, self.buckets[attempt.to]
        yield simulation.sleep(DELAY_S)
        reached = bucket.is_reached_by(self.name)
        if reached:
            crate = self._crate(attempt)
            bucket.put(attempt, crate)
            self._put[attempt.number] = attempt
            simulation.emit("handed", self.name, crate, to=attempt.to, attempt=attempt.attempt)
        yield simulation.sleep(DELAY_S)
        if reached:
            del self._put[attempt.number]
            self.stream.delivered(simulation.now_us, attempt.number)
        else:
            self.stream.failed(simulation.now_us, attempt.number, f"{attempt.to} is down")
        self.work_off()

    def _crate(self, attempt: Attempt) -> str:
        return f"{self.name}-{attempt.number}"

    # ------------------------------------------------------------ the glass and the hourglass
    def _look(self) -> None:
        """Look at the glass now and then while something is in it."""
        self._tell_levels()
        self._is_looking = bool(self.stream.status().filling) and self.up
        if self._is_looking:
            self.simulation.after(self.settings.interval_s / READINGS, self._look)

    def _tell_levels(self) -> None:
        if not self.is_watched:
            return
        simulation, status, settings = self.simulation, self.stream.status(), self.settings
        now_us = simulation.now_us
        oldest_s = 0.0 if status.oldest_us is None else (now_us - status.oldest_us) / 1e6
        simulation.emit("gauge", self.name, name="age of the oldest byte", value=round(oldest_s, 2), unit="s")
        for partition in self._partitions(status.filling):
            place = f"{self.name}/{partition or 'buffer'}"
            came_us = self.stream.waiting_since_us(partition)
            left_s = settings.interval_s - (0 if came_us is None else (now_us - came_us) / 1e6)
            left_s, filled = round(max(0.0, left_s), 2), status.filling.get(partition, 0)
            simulation.emit("gauge", place, name="hourglass", value=left_s, unit="s", full=settings.interval_s)
            simulation.emit("gauge", place, name="glass", value=filled, unit="bytes", full=settings.size_bytes)

    def _partitions(self, filling: Iterable[str]) -> list[str]:
        """Return every partition that was ever seen, in the order in which they came."""
        known: dict[str, None] = self.disk.setdefault("partitions", {})
        known.update(dict.fromkeys(filling))
        return list(known)

    # ------------------------------------------------------------ a loss of power
    def on_crash(self) -> None:
        """Forget what a loss of power may forget."""
        self._was_down = True
        self.device.crash(self.simulation.stream(f"{self.name}/power"))
        for attempt in self._put.values():
            self.buckets[attempt.to].never_confirmed(attempt, self._crate(attempt))
        self._put.clear()

    def boot(self) -> None:
        """Go on with what the disk kept."""
        if self._was_down:
            self._is_looking = False
            self.stream = self._open(self.stream.told_lsn)
            self.work_off()


class Wearable(Putter):
    """Puts pings, and each as often as it must.

    Parameters
    ----------
    ping : callable
        `(message, at_us)` -> the ping, as bytes.
    """

    def __init__(
        self, simulation: Simulation, host: StreamHost, gaps: Iterable[float], ping: Callable[[str, int], bytes], *,
        name: str,
    ) -> None:  # fmt: skip
        def letter(message: str, now_us: int) -> Letter:
            data = ping(message, now_us)
            return Letter({"data": data}, {"size_bytes": len(data)})

        super().__init__(simulation, host, gaps, letter, name=name, safe="accepted", tries=TRIES)
