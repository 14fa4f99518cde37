"""A reader misses something: it is away, it crashes at the seam, it is restored, it meets poison, it is too slow."""

from __future__ import annotations

from typing import Final

from dsys_lab.brokers.topic import Subscription, Topic
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.missed_messages.machines import OneBox
from dsys_lab.scenarios.missed_messages.tape import MISSED, ORDERS, POISON, Habits, Tape, TapeReader
from dsys_lab.scenarios.missed_messages.watchers import KEYS, PHONE, PINGS, READER, hole
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import constant, exponential

LISTENS: Final = ("live", "from its position")


class Live(Machine):
    """Hears what is published while it is up: a crash takes its seat away, and nobody keeps anything for it."""

    def __init__(self, simulation: Simulation, topic: Topic) -> None:
        super().__init__(simulation, READER)
        self.topic = topic

    def boot(self) -> None:
        """Subscribe."""
        self.topic.subscribe(self.simulation.now_us, Subscription(name=READER))

    def on_crash(self) -> None:
        """Be subscribed no more."""
        self.topic.unsubscribe(self.simulation.now_us, READER)

    def listen(self) -> None:
        """Carry out what the topic hands over."""
        now_us = self.simulation.now_us
        for attempt in self.topic.attempts(now_us):
            self.topic.delivered(now_us, attempt.number)
            message, copy = attempt.message, attempt.copy
            self.simulation.emit("effect", READER, message, key=message, copy=copy, waited_us=0)
            self.simulation.emit("finish", READER, message, attempt=1, copy=copy)


def _comes_and_goes(reader: Machine, mtbf_s: float, mttr_s: float) -> Body:
    """Let a machine be up and down, each for an exponential time."""
    simulation, luck = reader.simulation, reader.simulation.stream("outages")
    while True:
        yield simulation.sleep(exponential(mtbf_s)(luck))
        reader.crash()
        yield simulation.sleep(exponential(mttr_s)(luck))
        reader.restart()


@scenario("listens {listens}")
def away(
    sim: Simulation,
    *,
    listens: str = "live",
    mtbf_s: float = 95.0,
    mttr_s: float = 5.0,
    every_s: float = 2.0,
    work_s: float = 0.2,
    until_s: float = 200.0,
) -> Claims:
    """A reader is up for `mtbf_s` and down for `mttr_s`, on average. What of that which comes meanwhile does it miss?

    "live" it hears what a topic publishes while it is there; "from its position" it reads a log, and goes on where it
    stopped.
    """
    require_choice("listens", listens, LISTENS)
    require_positive(mtbf_s=mtbf_s, mttr_s=mttr_s, every_s=every_s, work_s=work_s, until_s=until_s)
    count = max(1, int((until_s - 10 * mttr_s) / every_s)) if listens != "live" else int(until_s / every_s)
    if listens == "live":
        topic = Topic(PINGS, recorder=OneBox(sim.recorder, PINGS))
        live = Live(sim, topic)
        reader: Machine = live

        def publish() -> Body:
            luck = sim.stream("writer/gaps")
            for number in range(1, count + 1):
                yield sim.sleep(exponential(every_s)(luck))
                sim.emit("publish", PHONE, f"m{number}", attempt=1)
                topic.publish(sim.now_us, f"m{number}")
                if not live.up:
                    hole(sim, PINGS, f"m{number}", to=MISSED, why="nobody is subscribed")
                live.listen()

        sim.spawn(publish())
    else:
        tape = Tape(sim, gap=exponential(every_s), count=count, keys=KEYS, retention_s=86_400)
        reader = TapeReader(sim, tape, Habits(work_s=work_s, page=1))
    sim.spawn(_comes_and_goes(reader, mtbf_s, mttr_s))
    sim.run(until_s)
    return Claims({"conservation": {}, "nothing lost": {}})


@scenario("{order}, {page} at once")
def seam(
    sim: Simulation,
    *,
    order: str = ORDERS[1],
    page: int = 10,
    crash_share: float = 0.02,
    keyed: bool = False,
    records: int = 200,
) -> Claims:
    """A reader moves its position once a page, before it or behind it, and crashes at a record now and then.

    All records are there from the start, so that each page is full.
    """
    require_positive(records=records)
    tape = Tape(sim, gap=None, count=records, keys=KEYS, retention_s=86_400 * 365)
    habits = Habits(order=order, page=page, crash_share=crash_share, keyed=keyed)
    TapeReader(sim, tape, habits)
    sim.run(records * (0.1 + crash_share * (3 + 0.1 * page)) + 20)
    return Claims({"exactly-once effect" if keyed else "at most once": {}, "at least once": {}})


@scenario("its position comes back {shift:+d} records off")
def restored(sim: Simulation, *, shift: int = -20, keyed: bool = True, records: int = 120) -> Claims:
    """A reader's disk is restored from a backup while it is down, and with it its position: an older one, or a newer.

    A newer one comes from another reader's backup, from a wrong setting, or from a log that has lost its end.
    """
    require_positive(records=records)
    tape = Tape(sim, gap=constant(0.2), count=records, keys=KEYS, retention_s=86_400)
    reader = TapeReader(sim, tape, Habits(work_s=0.1, page=1, keyed=keyed))

    def restore() -> None:
        stood = reader.disk["position"]
        reader.disk["position"] = max(0, stood + shift)
        for number in range(stood + 1, stood + shift + 1):
            hole(sim, READER, f"m{number}", to=MISSED, why="its position came back beyond it")
        reader.restart()

    sim.after(10.0, reader.crash)
    sim.after(18.0, restore)
    sim.run(records * 0.2 + 20)
    return Claims({"exactly-once effect" if keyed else "at most once": {}})


@scenario("poison: {poison}")
def poison(
    sim: Simulation,
    *,
    poison: str = "skip",
    poison_share: float = 0.05,
    every_s: float = 1.0,
    work_s: float = 0.3,
    mended_s: float = 70.0,
    until_s: float = 120.0,
) -> Claims:
    """A share of the records cannot be carried out until a bug is mended: skip them, stop there, or park them?"""
    require_choice("poison", poison, POISON)
    require_positive(every_s=every_s, work_s=work_s, until_s=until_s)
    count = int((until_s - 25) / every_s)
    tape = Tape(sim, gap=constant(every_s), count=count, keys=KEYS, retention_s=86_400)
    habits = Habits(work_s=work_s, page=1, poison=poison, poison_share=poison_share, mended_s=mended_s)
    TapeReader(sim, tape, habits)
    sim.run(until_s)
    return Claims({"at least once": {}, "order per group": {}})


@scenario("reads {reads:.0%} of what comes, kept for {retention_s:g} s")
def falling_off(
    sim: Simulation, *, reads: float = 0.8, retention_s: float = 20.0, rate: float = 4.0, until_s: float = 160.0
) -> Claims:
    """A reader that reads a share `reads` of what comes falls behind, and at last off the end of the log."""
    require_positive(reads=reads, retention_s=retention_s, rate=rate, until_s=until_s)
    tape = Tape(sim, gap=constant(1 / rate), count=int(until_s * rate), keys=KEYS, retention_s=retention_s)
    reader = TapeReader(sim, tape, Habits(work_s=1 / (rate * reads), page=1))

    def measure() -> Body:
        while True:
            yield sim.sleep(1.0)
            tape.tick()
            shard = tape.stream.shards()[0]
            behind = (shard.end - reader.disk["position"]) / rate
            sim.emit("gauge", READER, name="behind", value=round(behind, 2), unit="s")

    sim.spawn(measure())
    sim.run(until_s)
    lasts = {"behind": {"value": retention_s, "label": f"kept for {retention_s:g} s"}}
    return Claims({"nothing lost": {}}, lasts)
