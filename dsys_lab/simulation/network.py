"""The network between machines: it delays, and may lose, copy, reorder or split.

Every copy that is sent ends in exactly one row, `receive` or `lost`. Copies of a message are numbered by one count
(`next_copy`), whoever makes them: a client that tries again, or the network itself. Reordering needs no switch of its
own: it is what a delay with spread does. Answers travel like messages but are named apart (`answer`, `answered`,
`answer_lost`), for a lost answer loses no message: the work was done, and only the sender does not know. A body that
says its `size_bytes` has them in its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dsys_lab.errors import Misuse
from dsys_lab.simulation.chance import Distribution, constant

if TYPE_CHECKING:
    from dsys_lab.simulation.clock import Simulation

DELAY_S = 0.02
"""Default one-way delay: a phone to a data centre on its continent."""


class _Words(NamedTuple):
    """The kinds of row that a journey leaves."""

    go: str
    come: str
    lost: str


_MESSAGE = _Words("send", "receive", "lost")
_ANSWER = _Words("answer", "answered", "answer_lost")


class Network:
    """Carries messages between the machines of one simulation.

    Attributes
    ----------
    delay : Distribution
        One-way delay in seconds, for every link without one of its own.
    link_delay : dict
        `(source, target)` -> distribution.
    loss_fraction, duplicate_fraction : float
        Share of messages that are lost or copied.
    splits : list of frozenset
        Each names the machines of one side; messages between the sides are lost.
    journeys : int
        How many copies and answers have set out.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.delay: Distribution = constant(DELAY_S)
        self.link_delay: dict[tuple[str, str], Distribution] = {}
        self.loss_fraction = 0.0
        self.duplicate_fraction = 0.0
        self.splits: list[frozenset[str]] = []
        self.journeys = 0
        self._doomed: set[str] = set()
        self._doubled: set[str] = set()
        self._copies: dict[str, int] = {}

    def next_copy(self, message: str) -> int:
        """Return a number that no copy of `message` has yet; the first is 0."""
        self._copies[message] = self._copies.get(message, -1) + 1
        return self._copies[message]

    def send(self, source: str, target: str, message: str, body: dict[str, Any], *, copy: int = 0) -> None:
        """Send a message on its way; `target`'s machine gets it by `on_message`, or nobody does.

        Raises
        ------
        Misuse
            If there is no machine called `target`.
        """
        if target not in self.simulation.machines:
            raise Misuse(f"{message!r} cannot go to {target!r}: give one of {', '.join(self.simulation.machines)}")
        chance = self.simulation.stream(f"network/{source}/{target}")
        lost = chance() < self.loss_fraction
        doubled = chance() < self.duplicate_fraction or message in self._doubled
        self._doubled.discard(message)
        self._copies[message] = max(self._copies.get(message, 0), copy)
        self._carry(_MESSAGE, source, target, message, body, copy=copy, lost=lost)
        if doubled:
            second = self.next_copy(message)
            self.simulation.emit("copied", source, message, copy=second, of=copy)
            self._carry(_MESSAGE, source, target, message, body, copy=second, lost=lost)

    def answer(self, source: str, target: str, message: str, body: dict[str, Any], *, copy: int = 0) -> None:
        """Send an answer about `message` back."""
        lost = self.simulation.stream(f"network/{source}/{target}")() < self.loss_fraction
        self._carry(_ANSWER, source, target, message, body, copy=copy, lost=lost)

    def lose(self, message: str) -> None:
        """Lose the next copy of `message` that is on its way or will be sent."""
        self._doomed.add(message)

    def duplicate(self, message: str) -> None:
        """Copy `message` when it is sent next."""
        self._doubled.add(message)

    def waits_for(self, message: str) -> bool:
        """Whether `message` is still to be lost or copied, for it never came by."""
        return message in self._doomed or message in self._doubled

    def is_split_between(self, one: str, other: str) -> bool:
        """Whether a split stands between two machines."""
        return any((one in side) != (other in side) for side in self.splits)

    def _carry(
        self, words: _Words, source: str, target: str, message: str, body: dict[str, Any], *, copy: int, lost: bool
    ) -> None:
        simulation = self.simulation
        self.journeys += 1
        delay = self.link_delay.get((source, target), self.delay)
        delay_us = int(delay(simulation.stream(f"delay/{source}/{target}")) * 1e6 + 0.5)
        arrive_us = simulation.now_us + delay_us
        kind = str(body.get("type", "message"))
        size = {"size_bytes": body["size_bytes"]} if "size_bytes" in body else {}
        simulation.emit(words.go, source, message, to=target, copy=copy, type=kind, arrive_us=arrive_us, **size)

        def arrive() -> None:
            machine = simulation.machines[target]
            why = self._why_lost(source, target, message, lost=lost, up=machine.up)
            if why:
                simulation.emit(words.lost, target, message, source=source, copy=copy, type=kind, why=why)
            else:
                simulation.emit(words.come, target, message, source=source, copy=copy, type=kind)
                machine.on_message(message, copy, body, source)

        simulation.after(delay_us / 1e6, arrive)

    def _why_lost(self, source: str, target: str, message: str, *, lost: bool, up: bool) -> str:
        if message in self._doomed:
            self._doomed.discard(message)
            return "lost on the way"
        if lost:
            return "lost on the way"
        if self.is_split_between(source, target):
            return "the network is split"
        return "" if up else f"{target} is down"
