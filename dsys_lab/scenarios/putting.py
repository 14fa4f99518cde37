"""Who puts records into a stream, and each again until it hears that it is safe: a phone, a wearable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.trace import Scalar

ANSWER_WITHIN_S: Final = 1.0
"""How long an answer is waited for; after the first attempt that failed it pauses as long, after the second twice."""


class Letter(NamedTuple):
    """What travels to the stream, and what the row of its publication says."""

    body: dict[str, Any]
    told: dict[str, Scalar]


class Putter(Machine):
    """Puts a record after each gap, and each again until it hears that it is safe.

    The number of the last record is on disk: after a crash none is called like an older one, and what was not answered
    before it is forgotten.

    Parameters
    ----------
    host : Machine
        The stream's.
    gaps : iterable of float
        Seconds between one record and the next.
    letter : callable
        `(message, at_us)` -> the record.
    safe : str
        The type of the answer that says so.
    tries : int
        How often it puts a record, at most.
    """

    def __init__(
        self, simulation: Simulation, host: Machine, gaps: Iterable[float], letter: Callable[[str, int], Letter], *,
        name: str, safe: str, tries: int = 5,
    ) -> None:  # fmt: skip
        super().__init__(simulation, name)
        self.host, self.gaps, self.letter, self.safe, self.tries = host, iter(gaps), letter, safe, tries
        self._answers: dict[str, Event] = {}
        self._has_more = True

    @property
    def is_done(self) -> bool:
        """Whether everything was put and is answered, or given up."""
        return not (self._has_more or self._answers)

    def boot(self) -> None:
        """Begin, or go on."""
        self._answers.clear()
        self.spawn(self._put_all())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that a record is safe, or was turned away."""
        waiting = self._answers.get(message)
        if waiting is not None and not waiting.triggered:
            waiting.succeed(body["type"])

    def _put_all(self) -> Body:
        for gap in self.gaps:
            yield self.simulation.sleep(gap)
            number = self.disk["count"] = self.disk.get("count", 0) + 1
            message = f"{self.name}.{number}"
            self.spawn(self._put(message, self.letter(message, self.simulation.now_us)))
        self._has_more = False

    def _put(self, message: str, letter: Letter) -> Body:
        simulation, network = self.simulation, self.simulation.network
        for attempt in range(1, self.tries + 1):
            copy = network.next_copy(message)
            answer = self._answers[message] = simulation.event()
            simulation.emit("publish", self.name, message, attempt=attempt, copy=copy, **letter.told)
            network.send(self.name, self.host.name, message, letter.body, copy=copy)
            yield answer | simulation.sleep(ANSWER_WITHIN_S)
            if answer.triggered and answer.value == self.safe:
                simulation.emit("publish_ok", self.name, message, attempt=attempt)
                break
            yield simulation.sleep(ANSWER_WITHIN_S * attempt)
        else:
            simulation.emit("publish_fail", self.name, message, attempt=self.tries, why="never acknowledged")
        del self._answers[message]
