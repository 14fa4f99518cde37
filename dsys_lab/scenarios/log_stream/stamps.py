"""A reader asks for all since a moment. By whose clock?

Each record bears the time at which the stream's machine took it, by that machine's clock. A reader who wants all since
12:00 means its own 12:00. Where the stream's clock is slow, the first of what it wants bear an earlier time, and are
left out without a word; where it is fast, some come that were not asked for.

Source: Amazon Kinesis API Reference, Record: "ApproximateArrivalTimestamp ... no guarantees about the timestamp
accuracy, or that the timestamp is always increasing"; GetShardIterator, AT_TIMESTAMP.
"""

from __future__ import annotations

from itertools import cycle
from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Settings, Throttled
from dsys_lab.errors import require_positive
from dsys_lab.scenarios.log_stream.machines import RecordsOnly
from dsys_lab.scenarios.log_stream.polling import SHARD, SLEEPERS
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Simulation, to_us
from dsys_lab.structures import VolatileDisk
from dsys_lab.trace import Recorder, Scalar

PLACE: Final = "nights"
HISTORY_S: Final = 60.0
"""The stream is older than the run: a clock may be as much behind."""
OUTLINE: Final = 999
"""The number of the copy that stands for the outline of a record that is left out."""
PAGE: Final = 8
PAGES_EVERY_S: Final = 0.5


class RightTime:
    """A recorder that tells the rows of a system whose clock is off at the time of the run.

    Parameters
    ----------
    off_us : int
        By how much the system's clock is ahead.
    """

    def __init__(self, recorder: Recorder, off_us: int) -> None:
        self._recorder, self._off_us = RecordsOnly(recorder), off_us

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on."""
        if "arrive_us" in fields:
            fields["arrive_us"] = int(fields["arrive_us"] or 0) - self._off_us
        self._recorder.emit(time_us - self._off_us, kind, place, message, **fields)


@scenario("the stream's clock: {ahead_s:+g} s")
def since(
    sim: Simulation,
    *,
    ahead_s: float = -10.0,
    since_s: float = 20.0,
    asks_at_s: float = 40.0,
    every_s: float = 0.5,
) -> Claims:
    """A record comes every `every_s`; at `asks_at_s` a reader asks for all since `since_s`, by its own, right clock."""
    require_positive(since_s=since_s, asks_at_s=asks_at_s, every_s=every_s)
    off_us = to_us(ahead_s + HISTORY_S)
    stream = LogStream(PLACE, VolatileDisk(), Settings(limits=None), recorder=RightTime(sim.recorder, off_us))
    keys = cycle(SLEEPERS)

    def put() -> Body:
        for number in range(1, int(asks_at_s / every_s)):
            yield sim.sleep(every_s)
            sim.emit("publish", "phone", f"m{number}", attempt=1)
            stream.put(sim.now_us + off_us, Entry(f"m{number}", next(keys)))
            sim.emit("publish_ok", "phone", f"m{number}", attempt=1)

    def ask() -> Body:
        yield sim.sleep(asks_at_s)
        asked_us = to_us(since_s + HISTORY_S)
        position = stream.iterator(sim.now_us + off_us, SHARD, "AT_TIMESTAMP", at_us=asked_us)
        for number in range(round(since_s / every_s), position.sequence + 1):
            sim.emit("hole", "auditor", f"m{number}", to="left out", why="its stamp is too early", copy=OUTLINE)
        while True:
            page = stream.read(sim.now_us + off_us, position, limit=PAGE, to="auditor")
            assert not isinstance(page, Throttled), "there are no limits"
            assert page.next is not None, "the shard stays open"
            for record in page.records:
                sim.emit("effect", "auditor", record.message, key=record.key, copy=record.copy)
            position = page.next
            yield sim.sleep(PAGES_EVERY_S)

    sim.spawn(put())
    sim.spawn(ask())
    sim.run(asks_at_s + asks_at_s / every_s / PAGE * PAGES_EVERY_S + 2)
    return Claims({"no acknowledged loss": {}})


def left_out(ahead_s: float, *, since_s: float = 20.0) -> tuple[int, int]:
    """Return how many of the records since then the reader does not get, and how many it gets that came before."""
    run = since(ahead_s=ahead_s, since_s=since_s)
    came_us = {row.message: row.time_us for row in run.of("append")}
    got = {row.message for row in run.of("effect")}
    wanted = {message for message, us in came_us.items() if us >= since_s * 1e6}
    return len(wanted - got), len(got - wanted)
