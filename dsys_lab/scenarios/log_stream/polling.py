"""Several who read the same shard: each asks once in a while, or all are told at once.

`poll`: they share the 5 calls and 2 MiB that a shard serves in a second, and learn half an interval late. `push`: each
is registered, and is sent what comes, on bandwidth of its own. Readers only read here, and know nothing of leases.

Sources: the semantics and their sources in `dsys_lab.brokers.log_stream.fan_out`; the laws in
`dsys_lab.laws.log_streams`.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any, Final

from dsys_lab.brokers.log_stream import FanOut, Limits, Page, Settings, ShardIterator, Throttled
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.facts import fact
from dsys_lab.scenarios.log_stream.gauges import Positions, watch
from dsys_lab.scenarios.log_stream.machines import ASK_AGAIN_S, Phone, StreamHost
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation, to_us
from dsys_lab.simulation.chance import exponential
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.structures import EVERY_RECORD

SHARD: Final = "shard-000"
SLEEPERS: Final = ("anna", "bert", "cleo", "dora", "emil")
WAYS: Final = ("poll", "push")
GAUGED_EVERY_S: Final = 0.25
POLL_S: Final = fact("kinesis_client_poll").value


class PushingHost(StreamHost):
    """A stream's machine that pushes to registered readers whatever becomes durable.

    After a loss of power they are registered again, behind what was pushed last.
    """

    def __init__(self, simulation: Simulation, settings: Settings, readers: list[str]) -> None:
        super().__init__(simulation, "nights", settings, EVERY_RECORD)
        self._next = dict.fromkeys(readers, 0)
        self._register()

    def _open_again(self) -> None:
        super()._open_again()
        self._register()

    def pushed_to(self, reader: str) -> Positions:
        """Return how a reader's position is asked for."""
        return lambda: {SHARD: self._next[reader]}

    def _register(self) -> None:
        self.fan_out, now_us = FanOut(self.stream), self.simulation.now_us
        for reader, sequence in self._next.items():
            self.fan_out.register(reader)
            self.fan_out.subscribe(now_us, reader, ShardIterator(SHARD, sequence, now_us))

    def _answer(self) -> None:
        super()._answer()
        now_us = self.simulation.now_us
        for push in self.fan_out.push(now_us, arrive_us=now_us + to_us(DELAY_S)):
            if push.page is None:
                position = ShardIterator(SHARD, self._next[push.consumer], now_us)
                self.fan_out.subscribe(now_us, push.consumer, position)
            else:
                self._next[push.consumer] = push.page.records[-1].sequence + 1


class Poller(Machine):
    """Asks a shard for what is new, again and again, from its own moment of the interval on.

    Parameters
    ----------
    poll_s : float
        Seconds from one call to the next.
    begins_s : float
        When it asks first, at the earliest.
    page_records : int
        At most so many at a call.
    """

    def __init__(
        self, simulation: Simulation, host: StreamHost, *, name: str, poll_s: float, begins_s: float = 0.0,
        page_records: int = 10_000,
    ) -> None:  # fmt: skip
        super().__init__(simulation, name)
        self.host, self.poll_s, self.begins_s, self.page_records = host, poll_s, begins_s, page_records

    def positions(self) -> dict[str, int]:
        """Return where it stands, once it has begun."""
        return {SHARD: self.disk["next"]} if "next" in self.disk else {}

    def boot(self) -> None:
        """Go on at the position that is on disk."""
        self.spawn(self._poll())

    def _poll(self) -> Body:
        simulation = self.simulation
        phase_s = simulation.stream(f"{self.name}/phase")() * self.poll_s
        yield simulation.sleep(max(0.0, self.begins_s - simulation.now_s) + phase_s)
        while True:
            while not self.host.is_reached_by(self.name):
                yield simulation.sleep(ASK_AGAIN_S)
            now_us = simulation.now_us
            position = ShardIterator(SHARD, self.disk.get("next", 0), now_us)
            answer = self.host.read(now_us, position, limit=self.page_records, to=self.name)
            if not isinstance(answer, Throttled):
                self._take(answer)
            yield simulation.sleep(self.poll_s)

    def _take(self, page: Page) -> None:
        if page.skipped:
            why = f"{page.skipped} records were too old before it came"
            self.simulation.emit("let_down", self.name, why=why, count=page.skipped)
        if page.records:
            self.disk["next"] = page.records[-1].sequence + 1
        else:
            self.simulation.emit("empty", self.name, source=f"nights/{SHARD}")


@scenario("readers: {readers}, by {way}")
def readers(
    sim: Simulation,
    *,
    way: str = "poll",
    readers: int = 3,
    poll_s: float = POLL_S,
    rate: float = 5.0,
    records: int = 100,
) -> Claims:
    """All read the same shard, and each reads all of it.

    `records` are put at random, `rate` a second. The `readers` poll every `poll_s`, each from a moment of its own, or
    are pushed to.
    """
    require_choice("way", way, WAYS)
    require_positive(readers=readers, poll_s=poll_s, rate=rate, records=records)
    names = [f"reader-{number}" for number in range(1, readers + 1)]
    host = PushingHost(sim, Settings(limits=Limits()), names if way == "push" else [])
    lags: dict[str, Positions] = {}
    for name in names:
        lags[name] = Poller(sim, host, name=name, poll_s=poll_s).positions if way == "poll" else host.pushed_to(name)
    watch(sim, host, lags, every_s=GAUGED_EVERY_S)
    arrivals = sim.stream("phone/arrivals")
    gaps = (exponential(1 / rate)(arrivals) for _ in range(records))
    phone = Phone(sim, host, gaps, cycle(SLEEPERS).__next__, name="phone")
    while not phone.is_done:
        sim.run(sim.now_s + 1)
    sim.run(sim.now_s + 3 * poll_s)
    kept: dict[str, dict[str, Any]] = {"no acknowledged loss": {}, "sends settle": {}}
    return Claims(kept)
