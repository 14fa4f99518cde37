"""A replica follows the table's log: how far behind is it, and who reads too early to see what they wrote themselves?

Each change becomes a row of the log, which the replica applies one after the other, each in an exponential time. If it
applies more a second than are committed, its lag is exponential, too: it is a queue with one server, and a change is
through when it leaves (M/M/1). If it applies less, it falls behind for ever.

`following`: each writer comes back `waited_s` after the write and looks for it at the replica. With `until_seen` they
say up to which position they must see, and wait there as long as it takes: never stale, and later.

`reordered`: whoever changes a row tells the replica of it as well, by a network that does not keep the order.

Sources: the semantics in `dsys_lab.dataflows.derived_view`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

import itertools

from dsys_lab.dataflows.derived_view import Latest
from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.scenarios.authoritative_and_derived.caching import READERS, TABLE, Boxes, require_events, version
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.stores.relational import Change
from dsys_lab.structures.schema import Value

REPLICA, NOT_SEEN, OUTLINE = "replica", "not seen", 1
Logged = tuple[int, int, Change]
"""A change in the log: its position, when it was committed, and what it did."""


class Source:
    """The table and its log; each change has the next position."""

    def __init__(self, sim: Simulation, keys: int) -> None:
        self.sim, self.keys = sim, keys
        self.rows: dict[int, dict[str, Value]] = {}
        self.log: list[Logged] = []

    def write(self, key: int) -> int:
        """Change a row; return the position."""
        position, before = len(self.log) + 1, self.rows.get(key)
        self.rows[key] = {"id": key, "version": position}
        change = Change(TABLE, before, self.rows[key])
        self.log.append((position, self.sim.now_us, change))
        self.sim.emit("change", TABLE, f"c{position}", table=TABLE, op=change.kind, key=key, position=position,
                      offset=position)  # fmt: skip
        return position


class Replica(Machine):
    """Applies the log in order. What it has applied is on its disk; a crash loses only the time."""

    def __init__(self, sim: Simulation, source: Source, applies: float) -> None:
        super().__init__(sim, REPLICA)
        self.source, self.apply_s = source, exponential(1 / applies)
        self.view = Latest(TABLE, name=REPLICA)
        self.waiting: list[tuple[int, Event]] = []
        self.news = sim.event()

    def boot(self) -> None:
        """Go on after the last position that was applied."""
        self.spawn(self._follow())

    def hear(self) -> None:
        """The log has grown, and this is further behind: also while it is down."""
        self._say_lag()
        if not self.news.triggered:
            self.news.succeed()

    def _follow(self) -> Body:
        sim, luck = self.simulation, self.simulation.stream("replica")
        while True:
            while self.view.position >= len(self.source.log):
                self.news = sim.event()
                yield self.news
            position, committed_us, change = self.source.log[self.view.position]
            assert change.after is not None, "a row is changed here, and never taken away"
            yield from self.work(self.apply_s(luck))
            self.view.apply(change, position)
            sim.emit("apply", REPLICA, f"c{position}", view=REPLICA, position=position, offset=position, copy=1,
                     key=change.after["id"], behind_us=sim.now_us - committed_us)  # fmt: skip
            sim.emit("commit", REPLICA, shard=TABLE, offset=position + 1, group=REPLICA)
            self._say_lag()
            for seen, event in [one for one in self.waiting if one[0] <= position]:
                self.waiting.remove((seen, event))
                event.succeed()

    def _say_lag(self) -> None:
        lag = len(self.source.log) - self.view.position
        self.simulation.emit("gauge", REPLICA, name="lag", value=lag, unit="changes")

    def has(self, position: int) -> Event:
        """Return what happens when this position is applied."""
        event = self.simulation.event()
        if position <= self.view.position:
            return event.succeed()
        self.waiting.append((position, event))
        return event


@scenario("{writes:g} writes a second, {applies:g} applied a second")
def following(
    sim: Simulation,
    *,
    writes: float = 20.0,
    applies: float = 30.0,
    waited_s: float = 0.1,
    until_seen: bool = False,
    keys: int = 20,
    seconds: float = 20.0,
) -> Claims:
    """Writers change rows, `writes` a second; each looks at the replica `waited_s` later.

    Of who looked in vain an outline stays in "not seen".
    """
    require_positive(writes=writes, applies=applies, keys=keys)
    require_not_negative(waited_s=waited_s)
    require_events(writes, seconds)
    source = Source(sim, keys)
    replica = Replica(sim, source, applies)

    def look(key: int, position: int) -> Body:
        yield sim.sleep(waited_s)
        asked_us, question = sim.now_us, f"q{position}"
        sim.emit("publish", READERS, question, attempt=1)
        if until_seen:
            yield replica.has(position)
        seen = replica.view.position
        behind_us = 0 if seen >= position else sim.now_us - source.log[seen][1]
        sim.emit("look", READERS, view=REPLICA, key=key, position=seen, behind_us=behind_us,
                 stale=seen < position, waited_us=sim.now_us - asked_us)  # fmt: skip
        sim.emit("finish", READERS, question, attempt=1)
        if seen < position:
            sim.emit("hole", READERS, question, to=NOT_SEEN, why="it is not there yet", copy=OUTLINE)

    def write() -> Body:
        luck = sim.stream("writers")
        while True:
            yield sim.sleep(exponential(1 / writes)(luck))
            key = int(luck() * keys)
            position = source.write(key)
            replica.hear()
            sim.spawn(look(key, position))

    sim.spawn(write())
    sim.run(seconds)
    return Claims(strip=("lag",))


@scenario("the newest by {order}")
def reordered(
    sim: Simulation,
    *,
    order: str = "arrival",
    writes: float = 10.0,
    way_s: float = 0.2,
    keys: int = 4,
    seconds: float = 8.0,
) -> Claims:
    """Rows change `writes` times a second, all alike; word of each travels for an exponential time of mean `way_s`."""
    require_positive(writes=writes, way_s=way_s, keys=keys)
    require_events(writes, seconds)
    table, view = Boxes(sim, TABLE), Latest(TABLE, order=order, name=REPLICA)
    shown, positions = Boxes(sim, REPLICA, truth=table), itertools.count(1)

    def travel(key: int, position: int) -> Body:
        word, way = version(position), exponential(way_s)(sim.stream("ways"))
        there, arrive_us = shown.box(key), sim.now_us + round(way * 1e6)
        sim.emit("send", table.box(key), word, to=there, copy=1, type="change", arrive_us=arrive_us)
        yield sim.sleep(way)
        sim.emit("receive", there, word, source=table.box(key), copy=1, type="change")
        late = view.passed_over
        view.apply(Change(TABLE, None, {"id": key, "version": position}), position)
        if view.passed_over > late:
            sim.emit("effect_skip", there, word, key=key, copy=1)
        else:
            shown.hold(key, word)

    def write() -> Body:
        luck = sim.stream("writers")
        while sim.now_s < seconds:
            yield sim.sleep(exponential(1 / writes)(luck))
            key, position = int(luck() * keys), next(positions)
            table.hold(key, version(position))
            shown.compare(key)
            sim.spawn(travel(key, position))

    sim.spawn(write())
    sim.run(seconds)
    sim.run()  # nobody writes any more: let all arrive
    wrong = sum(shown.held.get(key) != true for key, true in table.held.items())
    sim.emit("check", REPLICA, name="the replica is the table", ok=not wrong, expected="0 rows differ",
             got=f"{wrong} differ")  # fmt: skip
    return Claims({"checks hold": {}})
