"""A letter confirms each booking. In the middle of the run the view is folded again: who gets a second letter?

`way="in the view"`: the letter is posted where the booking is summed up. `way="by a postman"`: a follower of its own
posts, and remembers how far it has come; the rebuild is none of its business. With `keyed` the guests look at the key
of a letter and put aside what they have.

Crash "post", his machine, by a fault on a row `send`: then he has posted and not written it down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.dataflows.event_sourcing import (
    Book,
    EventSource,
    Handler,
    Hold,
    Night,
    Postman,
    Takings,
    key_of,
    projection,
)
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.event_sourcing.world import FIRST, LAST, a_house
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import constant
from dsys_lab.stores.relational import Change
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("in the view", "by a postman")
VIEW, POSTMAN, GUESTS, FACTS = "view", "post", "guests", "log/facts"
POST_S, POLL_S, FOLD_S = 0.35, 0.1, 0.15
BOOKINGS_MOST: Final = 40


class Guests(Machine):
    """Those who get letters."""

    def __init__(self, simulation: Simulation, *, keyed: bool) -> None:
        super().__init__(simulation, GUESTS)
        self.keyed, self.letters = keyed, list[str]()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Open a letter, or put it aside if its key is known."""
        sim = self.simulation
        if self.keyed and message in self.letters:
            sim.emit("effect_skip", GUESTS, message, key=message, copy=copy)
            sim.emit("duplicate", GUESTS, message, of=message, copy=copy)
            return
        sim.emit("effect", GUESTS, message, key=message, copy=copy)
        sim.emit("finish", GUESTS, message, attempt=1, copy=copy)
        self.letters.append(message)
        sim.emit("gauge", GUESTS, name="letters", value=len(self.letters), unit="letters")


def post(sim: Simulation, source: str, key: str) -> None:
    """Send a letter; each time a new copy."""
    copy = sim.network.next_copy(key)
    sim.emit("publish", source, key, attempt=1, copy=copy)
    sim.network.send(source, GUESTS, key, {"type": "letter"}, copy=copy)


class Summing:
    """The takings; the careless one posts a letter where it sums up."""

    def __init__(self, letter: Callable[[str], None] | None) -> None:
        self._takings, self._letter = Takings(), letter

    def apply(self, change: Change) -> None:
        """Take one event in."""
        self._takings.apply(change)
        if self._letter is not None and change.table == "BedBooked":
            self._letter(key_of(change))


class View(Machine):
    """Folds the facts, and folds them all again at `rebuild_s`."""

    def __init__(self, simulation: Simulation, house: Handler[Night], *, posts: bool, rebuild_s: float) -> None:
        super().__init__(simulation, VIEW)
        self.house, self.posts, self.rebuild_s = house, posts, rebuild_s

    def boot(self) -> None:
        """Fold, and once again."""
        self._open()
        self.spawn(self._follow())

    def _open(self) -> None:
        letter = (lambda key: post(self.simulation, VIEW, key)) if self.posts else None
        self.follower = projection(VolatileDisk(), lambda: Summing(letter), self.house.store, self.house.types)

    def _follow(self) -> Body:
        sim, is_rebuilt = self.simulation, False
        while True:
            yield sim.sleep(FOLD_S)
            if not is_rebuilt and sim.now_s >= self.rebuild_s:
                sim.emit("rebuild", VIEW, view="takings", phase="begins, from the first fact")
                self._open()
                is_rebuilt = True
            if self.follower.follow(1):
                at = self.follower.position
                sim.emit("read", VIEW, shard="facts", first=at - 1, count=1, behind_us=0, arrive_us=sim.now_us)


class PostmanMachine(Machine):
    """Posts what is new, and writes down how far he has come."""

    def __init__(self, simulation: Simulation, house: Handler[Night]) -> None:
        super().__init__(simulation, POSTMAN)
        self.house, self.device = house, VolatileDisk()

    def boot(self) -> None:
        """Go on where he was."""
        self.postman = Postman(
            self.device, EventSource(self.house.store, self.house.types), wants=lambda one: one.table == "BedBooked",
            carry_out=lambda key, _: post(self.simulation, POSTMAN, key),
        )  # fmt: skip
        self.spawn(self._walk())

    def on_crash(self) -> None:
        """Lose what was not synced."""
        self.device.crash(self.simulation.stream("post/power"))

    def _walk(self) -> Body:
        sim, postman = self.simulation, self.postman
        while True:
            if (commit := postman.next()) is None:
                yield sim.sleep(POLL_S)
                continue
            for key, _ in postman.wanted(commit):
                post(sim, POSTMAN, key)
                yield sim.sleep(POLL_S)  # here a crash comes between the letter and the note of it
            postman.settle(commit, now_us=sim.now_us)
            at = commit.position - 1
            sim.emit("commit", POSTMAN, shard="facts", offset=at, group=POSTMAN)
            yield sim.sleep(0)


def _book(sim: Simulation, house: Handler[Night], number: int) -> None:
    guest, bed = f"g{number}", number
    person = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    for command in (Hold(bed, guest), Book(bed, guest, *person, 9_000)):
        done = house.handle("n1", command)
        message, kind = f"e{done.version}", "held" if isinstance(command, Hold) else "booked"
        sim.emit("publish", "desk", message, attempt=1, key=kind)
        sim.emit("append", FACTS, message, shard="facts", offset=done.version - 1, key=kind)


@scenario("letters {way}")
def replaying(
    sim: Simulation, *, way: str = "in the view", bookings: int = 6, keyed: bool = False, rebuild_s: float = 6.0
) -> Claims:
    """There are so many `bookings`, one a second; the view is folded again at `rebuild_s`."""
    require_choice("way", way, WAYS)
    require_positive(rebuild_s=rebuild_s)
    if not 1 <= bookings <= BOOKINGS_MOST:
        raise BadParameter(f"bookings = {bookings}: give 1 to {BOOKINGS_MOST}")
    house = a_house(beds=bookings)
    sim.emit("publish", "desk", "e1", attempt=1, key="open")
    sim.emit("append", FACTS, "e1", shard="facts", offset=0, key="open")
    guests = Guests(sim, keyed=keyed)
    posts = way == WAYS[0]
    View(sim, house, posts=posts, rebuild_s=rebuild_s)
    sources = [VIEW]
    if not posts:
        PostmanMachine(sim, house)
        sources = [POSTMAN]
    for source in sources:
        sim.network.link_delay[source, GUESTS] = constant(POST_S)
    for number in range(1, bookings + 1):
        sim.after(0.6 * number, lambda number=number: _book(sim, house, number))  # type: ignore[misc]
    sim.run(max(rebuild_s, 0.6 * bookings) + FOLD_S * (2 * bookings + 4) + 2)
    ok = sorted(guests.letters) == [f"n1/{version}" for version in sorted(_booked(house), key=lambda at: f"n1/{at}")]
    sim.emit("check", GUESTS, name="one letter for each booking", ok=ok, expected=bookings, got=len(guests.letters))
    poster_us = round((rebuild_s + 1.2) * 1e6) if posts else None
    return Claims({"checks hold": {}, "exactly-once effect": {}}, poster_us=poster_us)


def _booked(house: Handler[Night]) -> list[int]:
    return [one.version for one in house.store.load("n1") if one.written.kind == "BedBooked"]
