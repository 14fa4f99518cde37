"""The path: which places there are, how a copy goes from one to the next, and who saw which order when.

Whatever goes from place to place goes by `carry`: it takes `hop_s`, and at its end both sides are there or it is lost.
What is to be done then is said by the room that is asked: a topic tries again, a queue lends again, a reader of a log
stays where it is. Each place has a copy of its own, so the copy's number says which place a disc belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from dsys_lab.scenarios.patterns.one_order.order import Fact
from dsys_lab.simulation import Body, Event, Machine, Simulation, to_us

SOURCE: Final = "database"
COPIES: Final = {
    "shop": 0, "database": 0, "feed": 1, "topic": 1, "queue": 2, "charger": 2, "index": 3, "cache": 4, "graph": 5,
    "log": 6, "window": 7, "bus": 8, "partner": 8, "crates": 9, "bucket": 9, "lake": 10, "warehouse": 11, "cube": 12,
}  # fmt: skip
"""Which copy of an order comes to which place."""
PLACES: Final = (
    SOURCE, "charger", "index", "cache", "graph", "log", "window", "partner", "bucket", "lake", "warehouse", "cube",
)  # fmt: skip
"""Where the fact stays: asked in the end whether they say the same."""

LOOKS_A_BATCH: Final = 20
"""How often in a batch it is looked whether there is news that nobody told of."""


class Letter(NamedTuple):
    """A copy of an order on its way."""

    message: str
    copy: int


class Path:
    """What all places of a run share.

    Attributes
    ----------
    followed : str
        The order that is told of in words.
    hop_s : float
        How long it takes from one place to the next.
    clicked_us : dict
        Order -> when it was clicked.
    seen_us : dict
        (place, order) -> when it could be seen there first.
    stirred_us : int
        When something came anywhere last, or trouble was over.
    """

    def __init__(self, simulation: Simulation, followed: str, *, hop_s: float, batch_s: float) -> None:
        self.simulation, self.followed, self.hop_s, self.batch_s = simulation, followed, hop_s, batch_s
        self.clicked_us: dict[str, int] = {}
        self.seen_us: dict[tuple[str, str], int] = {}
        self.stirred_us = 0
        self._had: dict[tuple[str, str], int] = {}
        self._news: dict[str, Event] = {}
        self._told: dict[str, float] = {}
        self._again: Counter[str] = Counter()

    def stir(self) -> None:
        """Note that something happened now, of which more may come."""
        self.stirred_us = self.simulation.now_us

    def tell(self, place: str) -> None:
        """Wake who waits for news of a place."""
        if (waits := self._news.pop(place, None)) is not None:
            waits.succeed()

    def news(self, place: str) -> Event:
        """Return what happens when a place has news, or after a while: who comes back says nothing."""
        waits = self._news.setdefault(place, self.simulation.event())
        return waits | self.simulation.sleep(max(self.hop_s, self.batch_s / LOOKS_A_BATCH))

    def letter(self, place: str, message: str) -> Letter:
        """Return the copy that is to go to a place: its own, or one more if that has been there."""
        if (place, message) not in self._had:
            return Letter(message, COPIES[place])
        self._again[message] += 1
        return Letter(message, len(PLACES) + len(COPIES) + self._again[message])

    def age_s(self, message: str) -> float:
        """Return how long ago an order was clicked."""
        return (self.simulation.now_us - self.clicked_us[message]) / 1e6

    def seen_at(self, message: str) -> int:
        """Return at how many places an order has been seen."""
        return sum((place, message) in self.seen_us for place in PLACES)

    def say(self, place: str, message: str, words: str) -> None:
        """Say what happens to the order that is followed."""
        if message == self.followed:
            said = f"{place}, {self.age_s(message):.1f} s after the click: {words}"
            self.simulation.emit("note", place, message, text=said)

    def holds(self, place: str, letter: Letter) -> None:
        """Note that a copy is at a place."""
        self._had[place, letter.message] = letter.copy

    def forgets(self, place: str) -> list[Letter]:
        """Let a place have nothing any more; return what it had."""
        gone = [Letter(message, copy) for (at, message), copy in self._had.items() if at == place]
        for letter in gone:
            del self._had[place, letter.message]
        return gone

    def came(self, place: str, message: str) -> None:
        """Note that an order can be seen at a place."""
        self.stir()
        if (place, message) in self.seen_us:
            return
        self.seen_us[place, message] = self.simulation.now_us
        if place not in PLACES:
            return
        if message == self.followed:
            self._tell(f"places where {message} is seen", self.seen_at(message), f"of {len(PLACES)}")
            self._tell(f"age of {message} where it came last", round(self.age_s(message), 3), "s")
        everywhere = sum(self.seen_at(one) == len(PLACES) for one in self.clicked_us)
        known = sum((SOURCE, one) in self.seen_us for one in self.clicked_us)
        self._tell("true, and not yet seen everywhere", known - everywhere, "orders")

    def _tell(self, name: str, value: float, unit: str) -> None:
        """Leave a gauge, where it has moved."""
        if self._told.get(name) != value:
            self._told[name] = value
            self.simulation.emit("gauge", "Slumber", name=name, value=value, unit=unit)


class Station(Machine):
    """A place on the path."""

    keeps: tuple[str, ...] = ()
    """What it has of an order."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path.simulation, name)
        self.path = path

    def restart(self) -> None:
        """Come back: from now on it may be told what it missed."""
        super().restart()
        self.path.stir()

    # ------------------------------------------------------------ going and coming
    def carry(self, letters: Sequence[Letter], target: Station, *, start: str = "", attempt: int = 1) -> Body:
        """Bring copies to another place; return whether it is there: `there = yield from one.carry(...)`.

        Parameters
        ----------
        start : str
            From where they set out; from here, if nothing is said.
        """
        simulation, begins, arrived = self.simulation, start or self.name, False
        arrive_us = simulation.now_us + to_us(self.path.hop_s)
        for message, copy in letters:
            simulation.emit("push", begins, message, to=target.name, attempt=attempt, arrive_us=arrive_us, copy=copy)
        try:
            yield simulation.sleep(self.path.hop_s)
            arrived = True
        finally:
            if not arrived:
                for message, copy in letters:
                    simulation.emit("lost", target.name, message, source=begins, copy=copy, type="call",
                                    why=f"{self.name} crashed")  # fmt: skip
        network = simulation.network
        lost = simulation.stream(f"network/{begins}/{target.name}")() < network.loss_fraction
        if target.up and simulation.machines[begins].is_reached_by(target.name) and not lost:
            return True
        away = begins if target is self else target.name
        for message, copy in letters:
            target.refuse(Letter(message, copy), "lost on the way" if lost else f"{away} cannot be reached")
        return False

    def refuse(self, letter: Letter, why: str) -> None:
        """Do not take a copy: it is back where it came from."""
        self.simulation.emit("refuse", self.name, letter.message, why=why, copy=letter.copy)

    def pass_through(self, letter: Letter, words: str) -> None:
        """Say that a copy is at work here, and in words what is done."""
        self.simulation.emit("start", self.name, letter.message, attempt=1, copy=letter.copy)
        self.path.holds(self.name, letter)
        self.path.say(self.name, letter.message, words)

    def keep(self, letter: Letter, words: str) -> None:
        """Say that a copy stands here now, and in words what it is."""
        self.simulation.emit("written", self.name, letter.message, key=letter.message, copy=letter.copy)
        self.path.holds(self.name, letter)
        self.path.came(self.name, letter.message)
        self.path.say(self.name, letter.message, words)

    def forget(self) -> None:
        """Say that all that was here is gone: it was in memory, and can be made again."""
        for letter in self.path.forgets(self.name):
            self.simulation.emit("gone", self.name, letter.message, why="it was in memory only", copy=letter.copy)

    def knows(self, letter: Letter) -> None:
        """Say that the same came before, so that nothing is done."""
        self.simulation.emit("duplicate", self.name, letter.message, of=letter.message, copy=letter.copy)

    # ------------------------------------------------------------ what is asked of a place
    @property
    def why_silent(self) -> str:
        """Why it cannot be asked; empty, if it can."""
        return "" if self.up else "down"

    def take(self, fact: Fact, letter: Letter) -> bool:
        """Take an order in; return whether it was."""
        raise NotImplementedError

    def says(self, message: str) -> object:
        """Return what it says of an order, by the room's own verb; None if it has nothing."""
        raise NotImplementedError

    def should_say(self, message: str, source: dict[str, Fact]) -> object:
        """Return what it should say, by what the source says of all orders."""
        return {name: source[message][name] for name in self.keeps}


def part(fact: Fact | None, names: Iterable[str]) -> Fact | None:
    """Return some fields of a fact."""
    return None if fact is None else {name: fact[name] for name in names}


def plural(count: int, what: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "order"), plural(3, "order")
    ('1 order', '3 orders')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def size_of(data: Any) -> str:
    """Return the size of bytes, in words."""
    return f"{len(data):,} bytes"
