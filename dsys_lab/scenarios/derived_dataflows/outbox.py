"""Messages wait in a table, and somebody asks for what is new: by the id of a row, or by the order of the commits.

A clerk's transaction puts its message in at its beginning, when the id is given, and commits some time later, when the
row can be seen. `by="id"` asks for ids above the highest that was seen, `by="commit"` reads the log through a slot. The
tape shows the table in the order of who reads it: a cell of another hue was filled behind the reader's back.

`walked` makes the same steps at any database, the model's or PostgreSQL's, with both readers at once; `missed_by_id`
says by the definition alone what a reader by id will miss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from dsys_lab.dataflows.change_capture import ByCommit, ById, Entry, create_outbox, put_in
from dsys_lab.errors import BadParameter, Misuse, require_choice, require_positive
from dsys_lab.scenarios.scenario import DEFAULT_SEED, Claims, scenario
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import Stream, exponential, stream
from dsys_lab.stores.relational import ChangeSource, Done, RelationalDatabase, Session
from dsys_lab.stores.relational.sessions import Database
from dsys_lab.structures.disk import VolatileDisk

READERS: Final = ("id", "commit")
OPEN, OUTBOX, READER, NEVER = "transactions", "outbox", "reader", "never sent"
MESSAGES_MOST: Final = 500
OUTLINE: Final = 9
"""The copy that an outline is drawn of."""


class Putting(NamedTuple):
    """One transaction: its message's id, when that was given, and when its row can be seen."""

    id: int
    put_us: int
    commit_us: int


class Step(NamedTuple):
    """What happens next: "put" or "commit" of a transaction, or a "poll" of the readers."""

    at_us: int
    act: str
    putting: Putting


NOBODY: Final = Putting(0, 0, 0)


def puttings(rate: float, transaction_s: float, seconds: float, seed: int = DEFAULT_SEED) -> list[Putting]:
    """Draw transactions: `rate` a second begin at random, and last for an exponential time of mean `transaction_s`."""
    require_positive(rate=rate, transaction_s=transaction_s, seconds=seconds)
    return list(_drawn(rate, transaction_s, seconds, stream(seed, "clerks")))


def _drawn(rate: float, transaction_s: float, seconds: float, luck: Stream) -> Iterator[Putting]:
    at_s, number = 0.0, 0
    while True:
        at_s += exponential(1 / rate)(luck)
        if at_s > seconds:
            return
        number += 1
        put_us = round(at_s * 1e6)
        yield Putting(number, put_us, put_us + round(exponential(transaction_s)(luck) * 1e6))


def steps(transactions: Sequence[Putting], poll_s: float) -> list[Step]:
    """Return what happens in its order, polls included, until a last one that comes after all commits."""
    require_positive(poll_s=poll_s)
    every_us = max(1, round(poll_s * 1e6))
    end_us = max((one.commit_us for one in transactions), default=0)
    found = [Step(one.put_us, "put", one) for one in transactions]
    found += [Step(one.commit_us, "commit", one) for one in transactions]
    found += [Step(at_us, "poll", NOBODY) for at_us in range(every_us, end_us + 2 * every_us, every_us)]
    return sorted(found, key=lambda step: step.at_us)


def missed_by_id(transactions: Sequence[Putting], poll_s: float) -> list[int]:
    """Return the ids that were passed by before they could be seen."""
    last = highest = 0
    missed = []
    for step in steps(transactions, poll_s):
        if step.act == "poll":
            last = highest
        elif step.act == "commit":
            highest = max(highest, step.putting.id)
            if step.putting.id < last:
                missed.append(step.putting.id)
    return missed


class Walked(NamedTuple):
    """What two readers of one outbox came to.

    Attributes
    ----------
    messages : int
        That were put in.
    by_id, by_commit : tuple of int
        The ids that each of the readers missed.
    """

    messages: int
    by_id: tuple[int, ...]
    by_commit: tuple[int, ...]


class Clerks:
    """Open transactions at a database, each in a session of its own, which is used again when it is free."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free: list[Session] = []
        self._busy: dict[int, Session] = {}
        self._made = 0

    def put(self, one: Putting) -> None:
        """Begin a transaction and put its message in."""
        session = self._free.pop() if self._free else self._new()
        self._busy[one.id] = session
        _done(session, "BEGIN")
        put_in(session, Entry(one.id, f"m{one.id}"))

    def commit(self, one: Putting) -> None:
        """Let everybody see it."""
        session = self._busy.pop(one.id)
        _done(session, "COMMIT")
        self._free.append(session)

    def _new(self) -> Session:
        self._made += 1
        return self._database.session(f"clerk {self._made}")

    def close(self) -> None:
        """Let all sessions go."""
        for session in [*self._free, *self._busy.values()]:
            session.close()


def made(database: Database) -> None:
    """Make the outbox, before a slot is made that is to hear of it."""
    maker = database.session("maker")
    create_outbox(maker)
    maker.close()


def walked(database: Database, source: ChangeSource, transactions: Sequence[Putting], poll_s: float) -> Walked:
    """Let the transactions happen at a database whose outbox is `made`, and both readers poll at the same moments."""
    clerks, looking = Clerks(database), database.session("reader")
    by_id, by_commit = ById(looking), ByCommit(source)
    seen: dict[str, list[int]] = {"id": [], "commit": []}
    for step in steps(transactions, poll_s):
        if step.act == "poll":
            seen["id"] += [entry.id for entry in by_id.poll()]
            seen["commit"] += [entry.id for entry in by_commit.poll()]
            by_commit.sent()
        elif step.act == "put":
            clerks.put(step.putting)
        else:
            clerks.commit(step.putting)
    clerks.close()
    looking.close()
    if any(len(set(ids)) < len(ids) for ids in seen.values()):
        raise Misuse("a reader was told of a message twice: the database's outbox was not empty, or its slot not new")
    every = {one.id for one in transactions}
    return Walked(len(every), *(tuple(sorted(every - set(ids))) for ids in seen.values()))


def _done(session: Session, sql: str) -> None:
    if not isinstance(answer := session.execute(sql), Done):
        raise Misuse(f"{sql} was not done: {answer}")


@scenario("by {by}, every {poll_s} s")
def outbox(
    sim: Simulation,
    *,
    by: str = "id",
    rate: float = 3.0,
    transaction_s: float = 0.5,
    poll_s: float = 0.5,
    seconds: float = 10.0,
) -> Claims:
    """`rate` transactions a second put a message in and last `transaction_s` on average; it is asked every `poll_s`."""
    require_choice("by", by, READERS)
    require_positive(rate=rate, transaction_s=transaction_s, poll_s=poll_s, seconds=seconds)
    if rate * seconds > MESSAGES_MOST:
        raise BadParameter(f"rate = {rate:g}, seconds = {seconds:g}: give at most {MESSAGES_MOST} messages")
    transactions = puttings(rate, transaction_s, seconds, sim.seed)
    database = RelationalDatabase(VolatileDisk())
    made(database)
    watched = _ById(sim, database) if by == "id" else _ByCommit(sim, database)
    sim.spawn(watched.happen(steps(transactions, poll_s)))
    sim.run()
    missed = len(transactions) - watched.heard
    sim.emit("check", READER, name="every message is sent", ok=not missed, expected=len(transactions),
             got=watched.heard)  # fmt: skip
    just_before_us = watched.behind_us[0] - 1 if watched.behind_us else None
    return Claims({"checks hold": {}, "conservation": {}}, poster_us=just_before_us)


class _Watched:
    """Lets the steps happen, and says so: on a tape, in the order in which its reader looks at it."""

    def __init__(self, sim: Simulation, database: RelationalDatabase) -> None:
        self.sim, self.clerks = sim, Clerks(database)
        self.heard, self.next = 0, 1
        self.behind_us: list[int] = []

    def happen(self, all_steps: Sequence[Step]) -> Body:
        """Let them happen at their times, after a message 0 that was sent before."""
        self.sim.emit("publish", OPEN, "m0", attempt=1, copy=0)
        self.sim.emit("append", OUTBOX, "m0", shard=OUTBOX, offset=0, key="sent before", copy=0)
        self.sim.emit("read", READER, shard=OUTBOX, first=0, count=1, behind_us=0, arrive_us=0)
        for step in all_steps:
            yield self.sim.sleep((step.at_us - self.sim.now_us) / 1e6)
            if step.act == "poll":
                self.look()
            elif step.act == "put":
                self.clerks.put(step.putting)
                self.sim.emit("publish", OPEN, f"m{step.putting.id}", attempt=1, copy=0)
            else:
                self.clerks.commit(step.putting)
                self.stand(step.putting.id)

    def look(self) -> None:
        """Ask for what is new."""
        first, entries = self.next, self.poll()
        self.heard += len(entries)
        if entries:
            now_us = self.sim.now_us
            self.sim.emit("read", READER, shard=OUTBOX, first=first, count=self.next - first, behind_us=0,
                          arrive_us=now_us)  # fmt: skip
        self.sim.emit("gauge", READER, name="sent", value=self.heard, unit="messages")

    def append(self, number: int, offset: int, *, behind: bool) -> None:
        """Let a message stand on the tape; if that is behind the reader's back, its outline stays elsewhere."""
        message, key = f"m{number}", "behind the reader" if behind else "before the reader"
        self.sim.emit("append", OUTBOX, message, shard=OUTBOX, offset=offset, key=key, copy=0)
        if behind:
            self.behind_us.append(self.sim.now_us)
            why = f"id {number} was passed by before"
            self.sim.emit("hole", OUTBOX, message, to=NEVER, why=why, copy=OUTLINE)

    def poll(self) -> list[Entry]:
        """Ask the reader, and move `next` to what it would take next."""
        raise NotImplementedError

    def stand(self, number: int) -> None:
        """A message has committed."""
        raise NotImplementedError


class _ById(_Watched):
    """The tape is the table in the order of its ids."""

    def __init__(self, sim: Simulation, database: RelationalDatabase) -> None:
        super().__init__(sim, database)
        self.reader = ById(database.session(READER))

    def poll(self) -> list[Entry]:
        entries = self.reader.poll()
        self.next = self.reader.last_id + 1
        return entries

    def stand(self, number: int) -> None:
        self.append(number, number, behind=number <= self.reader.last_id)


class _ByCommit(_Watched):
    """The tape is the log: the order of the commits."""

    def __init__(self, sim: Simulation, database: RelationalDatabase) -> None:
        super().__init__(sim, database)
        self.reader, self.committed = ByCommit(database.make_slot(READER)), 1

    def poll(self) -> list[Entry]:
        entries = self.reader.poll()
        self.reader.sent()
        self.next += len(entries)
        return entries

    def stand(self, number: int) -> None:
        self.append(number, self.committed, behind=False)
        self.committed += 1
