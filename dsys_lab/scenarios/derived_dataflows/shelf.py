"""Two clerks change prices in a table, and an index has to have them, too. Who tells it?

`way="dual write"`: each clerk writes to the table and, once told that it was done, to the index, which shows what came
last. `way="by the log"`: they write to the table alone; a feed follows its log through a slot and hands on every change
with its position, and the index lets a change go that is older than what it shows.

The witness says where the index *differs*: a key whose value is not the table's though nothing about it is on its way
any more. By the log that is mended, for what is not confirmed comes again; after a dual write nobody knows.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from dsys_lab.dataflows.derived_view import Latest
from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.simulation.chance import constant, exponential
from dsys_lab.stores.relational import Change, Done, RelationalDatabase, Slot
from dsys_lab.structures.disk import VolatileDisk

WAYS: Final = ("dual write", "by the log")
CLERKS: Final = ("ada", "ben")
TABLE, INDEX, FEED = "table", "index", "feed"
PRICES: Final = "prices"
TO_TABLE_S: Final = 0.005
ANSWER_WITHIN_S: Final = 5.0
QUIET_WITHIN_S: Final = 60.0
KEYS_MOST: Final = 8


class Witness:
    """Sees every write, and says where the index is not what the table says."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.in_table: dict[str, str] = {}
        self.in_index: dict[str, str] = {}
        self.under_way: dict[str, set[str]] = defaultdict(set)
        self._differ: set[str] = set()

    def changed(self, key: str, message: str) -> None:
        """The table has another value, about which the index is to be told."""
        self.in_table[key] = message
        self.under_way[key].add(message)

    def came(self, key: str, message: str) -> None:
        """The index was told about one of them, or never will be."""
        self.under_way[key].discard(message)
        if self.under_way[key]:
            return
        place, agrees = f"{INDEX}/{key}", self.in_index.get(key) == self.in_table[key]
        if agrees and key in self._differ:
            self._differ.remove(key)
            self.simulation.emit("agrees", place)
        elif not agrees and key not in self._differ:
            self._differ.add(key)
            self.simulation.emit("differs", place, expected=self.in_table[key])
        self.simulation.emit("gauge", INDEX, name="differ for good", value=len(self._differ), unit="keys")

    @property
    def is_busy(self) -> bool:
        """Whether the index is still to be told of something."""
        return any(self.under_way.values())

    def check(self) -> None:
        """Say, when all is quiet, whether the two agree."""
        differ = [key for key, message in self.in_table.items() if self.in_index.get(key) != message]
        self.simulation.emit("check", INDEX, name="the index is what the table says", ok=not differ, expected=0,
                             got=len(differ))  # fmt: skip


class Shelf(Machine):
    """What shows one value a key: the last that came."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self._shown: dict[str, tuple[str, int]] = {}

    def show(self, key: str, message: str, copy: int) -> None:
        """Put a value where the last one stood."""
        place = f"{self.name}/{key}"
        if key in self._shown:
            old, old_copy = self._shown[key]
            self.simulation.emit("overwritten", place, old, by=message, copy=old_copy)
        self._shown[key] = message, copy
        self.simulation.emit("written", place, message, key=key, copy=copy)


class Table(Shelf):
    """The system of record: a database with one row a key."""

    def __init__(self, simulation: Simulation, witness: Witness, keys: list[str]) -> None:
        super().__init__(simulation, TABLE)
        self._witness = witness
        self.database = RelationalDatabase(VolatileDisk())
        self._session = self.database.session("clerks")
        self._session.execute(f"CREATE TABLE {PRICES} (item text PRIMARY KEY, value text NOT NULL)")
        for key in keys:
            self._session.execute(f"INSERT INTO {PRICES} VALUES ('{key}', '')")  # noqa: S608  # our own names
        self.slot: Slot = self.database.make_slot(FEED)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Change a price, and say so."""
        key = body["key"]
        done = self._session.execute(f"UPDATE {PRICES} SET value = '{message}' WHERE item = '{key}'")  # noqa: S608  # as above
        assert done == Done("UPDATE", 1)
        self.show(key, message, copy)
        self._witness.changed(key, message)
        self.simulation.network.answer(self.name, source, message, body, copy=copy)


class Index(Shelf):
    """A copy elsewhere: it shows what came last, or what is newest by position."""

    def __init__(self, simulation: Simulation, witness: Witness, *, order: str) -> None:
        super().__init__(simulation, INDEX)
        self._witness = witness
        self._view = Latest(PRICES, key="item", order=order)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Show what comes, unless it is older than what is shown, where there are positions to tell."""
        key, late = body["key"], self._view.passed_over
        self._view.apply(Change(PRICES, None, {"item": key, "value": message}), body["position"])
        if self._view.passed_over > late:
            shown = self._witness.in_index[key]
            self.simulation.emit("overwritten", f"{self.name}/{key}", message, by=shown, copy=copy)
        else:
            self.show(key, message, copy)
            self._witness.in_index[key] = message
        self._witness.came(key, message)
        self.simulation.network.answer(self.name, source, message, body, copy=copy)


class Teller(Machine):
    """Tells the index of one change and waits for its answer."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self._answers: dict[str, Event] = {}

    def tell(self, key: str, message: str, position: int | None = None) -> Body:
        """Send a value to the index; return whether it answered in time: `told = yield from self.tell(...)`."""
        simulation = self.simulation
        copy = simulation.network.next_copy(message)
        answer = self._answers[message] = simulation.event()
        simulation.emit("publish", self.name, message, attempt=1, copy=copy)
        simulation.network.send(self.name, INDEX, message, {"key": key, "position": position}, copy=copy)
        yield answer | simulation.sleep(ANSWER_WITHIN_S)
        return answer.triggered

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that the index has it."""
        if (waiting := self._answers.pop(message, None)) is not None:
            waiting.succeed()

    def on_crash(self) -> None:
        """Forget what was waited for."""
        self._answers.clear()


class Clerk(Teller):
    """Changes prices at random times, and tells the index too if that is the way."""

    def __init__(
        self, simulation: Simulation, name: str, witness: Witness, *, keys: list[str], rate: float, until_s: float,
        tells_both: bool,
    ) -> None:  # fmt: skip
        super().__init__(simulation, name)
        self._witness, self._keys, self._rate, self._until_s = witness, keys, rate, until_s
        self._tells_both = tells_both
        self._asked: set[str] = set()
        self._to_tell: dict[str, str] = {}

    def boot(self) -> None:
        """Begin to change prices."""
        self.spawn(self._change())

    def _change(self) -> Body:
        simulation, chance = self.simulation, self.simulation.stream(f"{self.name}/changes")
        choice = simulation.stream(f"{self.name}/keys")
        while True:
            yield simulation.sleep(exponential(1 / self._rate)(chance))
            if simulation.now_s > self._until_s:
                return
            number = self.disk["changes"] = self.disk.get("changes", 0) + 1
            message, key = f"{self.name[0]}{number}", self._keys[int(choice() * len(self._keys))]
            self._asked.add(message)
            simulation.emit("publish", self.name, message, attempt=1, copy=0)
            simulation.network.send(self.name, TABLE, message, {"key": key}, copy=0)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """The table has it, so now the index if that is a dual write; or the index has it."""
        if source == INDEX:
            super().on_message(message, copy, body, source)
        elif self._tells_both and message in self._asked:
            self._asked.remove(message)  # an answer may come twice
            self._to_tell[message] = body["key"]
            self.spawn(self._tell(message, body["key"]))

    def _tell(self, message: str, key: str) -> Body:
        yield self.simulation.sleep(0)  # here a crash comes between the two writes
        told = yield from self.tell(key, message)
        del self._to_tell[message]
        if not told:  # and what now? To try again might write over what others wrote since
            self.simulation.emit("publish_fail", self.name, message, attempt=1, why="no answer from the index")
            self._witness.came(key, message)

    def on_crash(self) -> None:
        """What the index was not told it will never be told: nobody else knows of it."""
        super().on_crash()
        self._asked.clear()
        for message, key in self._to_tell.items():
            self._witness.came(key, message)
        self._to_tell.clear()


class Feed(Teller):
    """Follows the table's log through a slot, and tells the index of every change until it has answered."""

    def __init__(self, simulation: Simulation, slot: Slot, *, poll_s: float) -> None:
        super().__init__(simulation, FEED)
        self._slot, self._poll_s, self._held = slot, poll_s, -1

    def boot(self) -> None:
        """Go on after what was confirmed."""
        self.spawn(self._follow())

    def _follow(self) -> Body:
        while True:
            commits = self._slot.peek()
            told = [self.spawn(self._tell(change, one.position)) for one in commits for change in one.changes]
            yield from told
            if commits:
                self._slot.confirm(commits[-1].position)
            if (held := self._slot.status().lag_bytes) != self._held:
                self._held = held
                self.simulation.emit("gauge", FEED, name="log held back", value=held, unit="bytes")
            yield self.simulation.sleep(self._poll_s)

    def _tell(self, change: Change, position: int) -> Body:
        assert change.after is not None, "a price is changed, and never taken away"
        told = False
        while not told:
            told = yield from self.tell(str(change.after["item"]), str(change.after["value"]), position)


@scenario("{way}")
def shelf(
    sim: Simulation,
    *,
    way: str = "dual write",
    keys: int = 3,
    rate: float = 2.0,
    delay_s: float = 0.4,
    poll_s: float = 0.1,
    seconds: float = 20.0,
) -> Claims:
    """Two clerks change `keys` prices, `rate` times a second each; it takes `delay_s` on average to reach the index.

    Crash "ada", "index" or "feed", or split the network, to see what each way makes of it.
    """
    require_choice("way", way, WAYS)
    require_positive(keys=keys, rate=rate, poll_s=poll_s, seconds=seconds)
    require_not_negative(delay_s=delay_s)
    if keys > KEYS_MOST:
        raise BadParameter(f"keys = {keys}: give at most {KEYS_MOST}, so that each has its place in the picture")
    names = [f"k{number}" for number in range(1, keys + 1)]
    witness = Witness(sim)
    table = Table(sim, witness, names)
    tells_both = way == WAYS[0]
    Index(sim, witness, order="arrival" if tells_both else "position")
    tellers = CLERKS if tells_both else (FEED,)
    for name in CLERKS:
        Clerk(sim, name, witness, keys=names, rate=rate, until_s=seconds, tells_both=tells_both)
        sim.network.link_delay[name, TABLE] = constant(TO_TABLE_S)
    if not tells_both:
        Feed(sim, table.slot, poll_s=poll_s)
    for name in tellers:
        sim.network.link_delay[name, INDEX] = exponential(delay_s) if delay_s else constant(0)
    sim.run(seconds)
    quiet_s = seconds
    while witness.is_busy and quiet_s < seconds + QUIET_WITHIN_S:
        quiet_s += 1
        sim.run(quiet_s)
    witness.check()
    return Claims({"checks hold": {}, "conservation": {}}, strip=("differ for good",))
