"""Event time against processing time: pings fall into windows, a watermark follows, windows speak and take back.

Sources: the semantics in `dsys_lab.dataflows.windows`; Akidau et al., "The Dataflow Model", VLDB 2015, figures 2 to 14.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from dsys_lab.dataflows.batch import COUNT, Record
from dsys_lab.dataflows.windows import (
    MODES,
    Assigner,
    Cumulating,
    Emission,
    Hopping,
    Pane,
    Session,
    Tumbling,
    WindowedStream,
    folded,
)
from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation, to_us
from dsys_lab.simulation.chance import exponential, mixture

KINDS: Final = ("tumbling", "hopping", "cumulating", "session")
PHONES: Final = ("phone-1", "phone-2")
OPERATOR: Final = "windows"


def assigner(kind: str, size_s: float, part_s: float) -> Assigner:
    """Return windows of a kind; `part_s` is the slide, the step or the gap."""
    require_choice("kind", kind, KINDS)
    size_us, part_us = round(size_s * 1e6), round(part_s * 1e6)
    if kind == "tumbling":
        return Tumbling(size_us)
    if kind == "session":
        return Session(part_us)
    return Hopping(part_us, size_us) if kind == "hopping" else Cumulating(part_us, size_us)


class Operator:
    """The windows on a machine of their own, which hear pings and the clock."""

    def __init__(self, simulation: Simulation, stream: WindowedStream) -> None:
        self.simulation, self.stream = simulation, stream
        inputs = stream.watermarks.inputs
        self.inputs = {phone: inputs[number % len(inputs)] for number, phone in enumerate(PHONES)}
        self.said: list[Pane] = []
        self.heard: list[Record] = []
        self.on_the_way = 0

    def hear(self, record: Record, phone: str) -> None:
        """Take a ping in, when it comes."""
        simulation, before = self.simulation, self.stream.status()
        came: dict[str, Any] = {"source": phone, "copy": 0, "type": "ping", "event_us": record.event_us}
        simulation.emit("receive", OPERATOR, record.message, **came)
        self.on_the_way -= 1
        self.said += self.stream.on_record(simulation.now_us, record, self.inputs[phone])
        if self.stream.status().assigned == before.assigned:
            simulation.emit("drop", OPERATOR, record.message, why="too late for every window")
        else:
            self.heard.append(record)
            simulation.emit("finish", OPERATOR, record.message, attempt=1)

    def watch(self, every_s: float) -> Body:
        """Let time pass: inputs fall idle, windows speak early; and read how much is kept."""
        while True:
            yield self.simulation.sleep(every_s)
            self.said += self.stream.tick(self.simulation.now_us)
            kept = self.stream.status().kept
            self.simulation.emit("gauge", OPERATOR, name="kept", value=kept, unit="windows")


def _phone(
    sim: Simulation, operator: Operator, name: str, *, rate: float, seconds: float, delay: Any, ahead_s: float,
    silent_from_s: float | None,
) -> Body:  # fmt: skip
    draw, number = sim.stream(f"{name}/pings"), 0
    while True:
        yield sim.sleep(exponential(1 / rate)(draw))
        delay_s, number = delay(draw), number + 1
        if sim.now_s >= seconds or (silent_from_s is not None and sim.now_s >= silent_from_s):
            return
        event_us = sim.now_us + round(ahead_s * 1e6)
        message = f"{name[-1]}-{number}"
        arrive_us = sim.now_us + to_us(delay_s)
        sim.emit("publish", name, message, attempt=1, event_us=event_us)
        sim.emit("send", name, message, to=OPERATOR, copy=0, type="ping", arrive_us=arrive_us)
        record = Record(event_us, arrive_us, "all", 1, message)
        operator.on_the_way += 1
        sim.after(delay_s, lambda record=record: operator.hear(record, name))  # type: ignore[misc]


@scenario("{kind} windows, bound {bound_s} s, {mode}")
def windows(
    sim: Simulation,
    *,
    kind: str = "tumbling",
    size_s: float = 10.0,
    part_s: float = 5.0,
    bound_s: float = 3.0,
    early_s: float | None = None,
    lateness_s: float = 0.0,
    mode: str = "retract",
    rate: float = 1.0,
    seconds: float = 60.0,
    partitions: int = 2,
    delay_mean_s: float = 2.0,
    rare_fraction: float = 0.05,
    rare_delay_s: float = 20.0,
    silent_from_s: float | None = None,
    idle_s: float | None = None,
    clock_ahead_s: float = 0.0,
    ahead_s: float | None = None,
) -> Claims:
    """Two phones ping, each `rate` a second; a ping comes late by `delay_mean_s`, some by `rare_delay_s`.

    Each phone has a partition of its own, whose watermark is waited for, or both share one (`partitions`). The second
    phone falls silent at `silent_from_s`, and its clock is ahead by `clock_ahead_s`. `size_s` and `part_s` (slide, step
    or gap) make the windows; the other parameters are those of `Emission` and `Watermarks`. At the end the answers are
    held against a batch over the pings that were not dropped.
    """
    require_choice("mode", mode, MODES)
    require_positive(rate=rate, seconds=seconds, delay_mean_s=delay_mean_s, rare_delay_s=rare_delay_s)
    require_not_negative(clock_ahead_s=clock_ahead_s, bound_s=bound_s)
    require_fraction(rare_fraction=rare_fraction)
    if partitions not in {1, 2}:
        raise BadParameter(f"partitions = {partitions}: give 1, which both phones share, or 2")
    if rate * seconds > 5_000:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most 5,000 pings a phone")
    emission = Emission(None if early_s is None else round(early_s * 1e6), round(lateness_s * 1e6), mode)
    recorder = _Recorder(sim)
    inputs = [f"partition-{number + 1}" for number in range(partitions)]
    stream = WindowedStream(
        assigner(kind, size_s, part_s), COUNT, emission, inputs=inputs, bound_us=round(bound_s * 1e6),
        idle_us=None if idle_s is None else round(idle_s * 1e6),
        ahead_us=None if ahead_s is None else round(ahead_s * 1e6), place=OPERATOR,
        recorder=recorder,
    )  # fmt: skip
    operator = Operator(sim, stream)
    delay = mixture(rare_fraction, exponential(delay_mean_s), exponential(rare_delay_s))
    for name in PHONES:
        second = name == PHONES[1]
        sim.spawn(_phone(
            sim, operator, name, rate=rate, seconds=seconds, delay=delay, ahead_s=clock_ahead_s if second else 0,
            silent_from_s=silent_from_s if second else None,
        ))  # fmt: skip
    sim.spawn(operator.watch(0.5))
    sim.run(seconds)
    while operator.on_the_way:
        sim.run(sim.now_s + 1)
    _hold_against_batch(operator, recorder.dropped)
    return Claims({"watermark never runs back": {}, "on time when complete": {}, "conservation": {}, "checks hold": {}})


def _hold_against_batch(operator: Operator, dropped: set[tuple[Any, ...]]) -> None:
    """Let all windows speak, and compare them with a batch: window by window, of sessions all pings together."""
    simulation, stream = operator.simulation, operator.stream
    aggregate = stream.aggregate
    if operator.heard:
        latest_us = max(record.event_us for record in operator.heard)
        ends_us = max(window.end_us for window in aggregate.assigner.windows(latest_us))
        operator.said += stream.advance(simulation.now_us, ends_us + aggregate.emission.lateness_us)
    mode = aggregate.emission.mode
    answers = {
        window: count for (_, window), count in folded(operator.said, mode, lambda one, other: one + other).items()
    }
    batch = Counter(
        window
        for record in operator.heard
        for window in aggregate.assigner.windows(record.event_us)
        if (record.message, *window) not in dropped
    )
    agrees = sum(answers.values()) == batch.total() if isinstance(aggregate.assigner, Session) else answers == batch
    simulation.emit(
        "check", OPERATOR, name=f"batch, {mode}", ok=agrees, expected=batch.total(), got=sum(answers.values())
    )


class _Recorder:
    """Tells the simulation, whose clock it is, and remembers what was dropped."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.dropped: set[tuple[Any, ...]] = set()

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Any) -> None:
        """Record the row now."""
        if kind == "late" and fields["action"] == "drop":
            self.dropped.add((message, fields["start_us"], fields["end_us"]))
        self._simulation.emit(kind, place, message, **fields)
