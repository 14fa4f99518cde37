"""Claim check: film through the message bus, or beside it?

A camera sends pings of some hundred bytes and now and then a clip. The bus carries one byte after the other, so behind
a clip every ping waits. With a claim check the clip goes into a bucket and its ticket through the bus, at the price of
two round trips to the bucket, put and get.

Two things can go wrong that could not before. A clip above the queue's limit is refused when it travels in the message;
and a bucket that keeps objects for a shorter time than the queue keeps messages leaves tickets to nowhere as soon as
the encoder stands still for a while.

The room is `dsys_lab.dataflows.claim_check`; its sources are there.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.work_queue import Delivery, Sent, Settings, WorkQueue
from dsys_lab.dataflows.claim_check import ClaimCheck, ClaimGone, Taken
from dsys_lab.dataflows.claim_check.check import written_whole
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.machines import Deadlines, wake
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Stream
from dsys_lab.simulation.machine import Crashed
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import Trace

WAYS: Final = ("in the message", "claim check")
CAMERA, LINE, BUS, ENCODER, BUCKET = "camera", "line", "bus", "encoder", "bucket"
PING, CLIP = "ping", "clip"
PING_BYTES: Final = 200
ROUND_TRIP_S: Final = 2 * DELAY_S
PING_P99_S: Final = 0.5
"""How soon a ping must be there."""
LENT_S: Final = 10
TRIES: Final = 3
"""For how long a message is lent, and how often before it is set aside."""
AFTER_S: Final = 45.0


class Bus(Machine):
    """Takes in one byte after the other, and keeps what has come whole in a queue.

    Attributes
    ----------
    queue : WorkQueue
    carried_bytes : int
    """

    def __init__(self, simulation: Simulation, bytes_per_s: float) -> None:
        settings = Settings(visibility_s=LENT_S, max_receives=TRIES, copy_share=0, order_window=1)
        self.queue = WorkQueue(BUS, settings, recorder=simulation.recorder)
        self.bytes_per_s = bytes_per_s
        self.coming: list[tuple[str, int, str]] = []
        self.change = simulation.event()
        self._deadlines = Deadlines(simulation, self._tick)
        super().__init__(simulation, LINE)

    def boot(self) -> None:
        """Take in what stands at the line; what stood there at a crash is lost, for the camera sends nothing again."""
        self.spawn(self._take_in())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Let a message stand in line."""
        self.simulation.emit("enqueue", self.name, message, depth=len(self.coming) + 1, copy=copy)
        self.coming.append((message, copy, body["text"]))
        self.wake()

    def wake(self) -> None:
        """Tell those who wait that something has changed."""
        self.change = wake(self.simulation, self.change)

    def _tick(self) -> None:
        """Let loans end that are over."""
        if self.queue.tick(self.simulation.now_us):
            self.wake()
        self._deadlines.wait_for(self.queue.deadline_us())

    def _take_in(self) -> Body:
        simulation = self.simulation
        while True:
            if not self.coming:
                yield self.change
                continue
            message, copy, text = self.coming[0]
            yield from self.work(len(text) / self.bytes_per_s)
            self.coming.pop(0)
            simulation.emit("gauge", self.name, name="through the bus", value=len(text), unit="bytes")
            self.send(message, text, copy=copy)
            self.wake()

    # ------------------------------------------------------------ the queue's verbs, now
    def send(self, message: str, body: str = "", *, copy: int = 0) -> Sent:
        """Store a message."""
        return self.queue.send(self.simulation.now_us, message, body, copy=copy)

    def receive(self, *, limit: int = 1) -> list[Delivery]:
        """Lend messages to the encoder, which has them after the network's delay."""
        now_us = self.simulation.now_us
        lent = self.queue.receive(now_us, limit=limit, to=ENCODER, arrive_us=now_us + to_us(DELAY_S))
        self._deadlines.wait_for(self.queue.deadline_us())
        return lent

    def acknowledge(self, handle: str) -> object:
        """Let go of a message for good."""
        return self.queue.acknowledge(self.simulation.now_us, handle)

    def on_crash(self) -> None:
        """Drop what stood in line: it was on its way, and in memory."""
        for message, copy, _ in self.coming:
            self.simulation.emit("drop", self.name, message, why="the line crashed", copy=copy)
        self.coming.clear()


class Encoder(Machine):
    """Takes what comes through the bus, and fetches what did not.

    Attributes
    ----------
    missed_us : int or None
        When it first held a ticket to nowhere.
    """

    def __init__(self, simulation: Simulation, bus: Bus, check: ClaimCheck, store_bytes_per_s: float) -> None:
        self.bus, self.check, self.store_bytes_per_s = bus, check, store_bytes_per_s
        self.published_us: dict[str, int] = {}
        self.missed_us: int | None = None
        super().__init__(simulation, ENCODER)

    def boot(self) -> None:
        """Begin to take."""
        self.spawn(self._take())

    def _take(self) -> Body:
        while True:
            taken = self.check.receive()
            if not taken:
                yield self.bus.change
                continue
            yield from self.work(DELAY_S)
            self.spawn(self._carry_out(taken[0]))

    def _carry_out(self, taken: Taken) -> Body:
        """Fetch the payload and take note; a ticket to nowhere stays on loan, and stands in the trace."""
        simulation, message, ticket = self.simulation, taken.message, taken.ticket
        simulation.emit("start", self.name, message, attempt=taken.attempt, copy=taken.copy)
        if ticket is not None:
            yield from self.work(ROUND_TRIP_S + ticket.size_bytes / self.store_bytes_per_s)
        try:
            self.check.payload(taken)
        except ClaimGone as gone:
            self.missed_us = self.missed_us or simulation.now_us
            simulation.emit("miss", BUCKET, message, key=self.check.prefix + message)
            simulation.emit("fail", self.name, message, why=type(gone).__name__, attempt=taken.attempt)
            return
        sojourn_us = simulation.now_us - self.published_us[message]
        kind = PING if message.startswith(PING[0]) else CLIP
        simulation.emit("effect", self.name, message, key=message, tenant=kind, sojourn_us=sojourn_us)
        if self.check.done(taken) and ticket is not None:
            simulation.emit("evict", BUCKET, message, key=ticket.key, why="it was fetched and acknowledged")
        yield simulation.sleep(DELAY_S)
        simulation.emit("answered", self.name, message, source=BUS, copy=taken.copy, type="acknowledged")


@scenario("film: {way}")
def large(
    sim: Simulation,
    *,
    way: str = "claim check",
    payload_bytes: int = 600_000,
    kept_s: float = 300.0,
    pings_per_s: float = 5.0,
    clips_per_s: float = 0.3,
    bus_bytes_per_s: float = 1e6,
    store_bytes_per_s: float = 50e6,
    until_s: float = 60.0,
) -> Claims:
    """A camera sends pings and clips of `payload_bytes`; the bucket keeps an object for `kept_s` at most.

    Nothing new comes after `until_s`; the run goes on for `AFTER_S`. A clip in a message is base64, four bytes for
    three, and above a mebibyte of that the queue refuses it.
    """
    require_choice("way", way, WAYS)
    require_positive(payload_bytes=payload_bytes, kept_s=kept_s, pings_per_s=pings_per_s, clips_per_s=clips_per_s)
    require_positive(bus_bytes_per_s=bus_bytes_per_s, store_bytes_per_s=store_bytes_per_s, until_s=until_s)
    bus, store = Bus(sim, bus_bytes_per_s), JournaledStore(VolatileDisk(), place=BUCKET)
    check = ClaimCheck(bus, store, message_bytes_max=0)
    encoder = Encoder(sim, bus, check, store_bytes_per_s)
    clip, ping = bytes(payload_bytes), bytes(PING_BYTES)

    def expire(message: str) -> None:
        key = check.prefix + message
        if store.head(key) is not None:
            store.delete(key)
            sim.emit("evict", BUCKET, message, key=key, why=f"it is older than {kept_s:g} s")

    def publish(message: str, payload: bytes) -> Body:
        encoder.published_us[message] = sim.now_us
        sim.emit("publish", CAMERA, message, attempt=1, size_bytes=len(payload))
        if way == "claim check" and payload is clip:
            try:
                yield sim.sleep(ROUND_TRIP_S + len(payload) / store_bytes_per_s)
            except Crashed:
                sim.emit("drop", CAMERA, message, why="the camera crashed")
                raise
            text = check.check_in(message, payload)
            sim.emit("fill", BUCKET, message, key=check.prefix + message, position=0)
            sim.after(kept_s, lambda: expire(message))
        else:
            text = written_whole(payload)
        sim.network.send(CAMERA, LINE, message, {"text": text, "size_bytes": len(text)})

    def film(name: str, rate: float, payload: bytes) -> Body:
        def one(number: int, _: Stream) -> None:
            camera.spawn(publish(f"{name[0]}{number}", payload))

        return at_random(sim, f"{CAMERA}/{name}", rate=rate, until_s=until_s, comes=one, source=camera)

    camera = Machine(sim, CAMERA)
    sim.spawn(film(PING, pings_per_s, ping))
    sim.spawn(film(CLIP, clips_per_s, clip))
    sim.run(until_s + AFTER_S)
    return Claims(
        {
            "conservation": {},
            "depth adds up": {},
            "nothing lost": {},
            "none refused": {},
            "keys lead somewhere": {},
            "kept waiting at most": {"tenant": PING, "p99_s": PING_P99_S},
        },
        poster_us=encoder.missed_us,
    )


# ------------------------------------------------------------------------------------------ what it came to
def bus_bytes(trace: Trace) -> int:
    """Return the bytes that went through the bus."""
    return sum(int(row.fields["value"] or 0) for row in trace.of("gauge", place=LINE))


def round_trips(trace: Trace) -> int:
    """Return how often somebody waited for the bucket: to put, to get, to be told that there is nothing."""
    tickets = {row.message for row in trace.of("fill")}
    return len(tickets) + sum(row.message in tickets for row in trace.of("start"))
