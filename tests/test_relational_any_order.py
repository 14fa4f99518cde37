"""Any statements of any sessions in any order, with sweeps, checkpoints and crashes among them.

Two witnesses. Up to repeatable read, a reference of a hundred lines that copies the whole table for each snapshot. At
serializable, all the orders one after the other: one of them must give what was read and what is left.
"""
from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dsys_lab.stores.relational import Done, Failed, RelationalDatabase, Rows, Waits
from dsys_lab.stores.relational.sessions import DEADLOCK, DUPLICATE_KEY, SERIALIZATION_FAILURE
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import VolatileDisk

CREATE = "CREATE TABLE t (k integer PRIMARY KEY, v integer NOT NULL)"
KEYS, PEOPLE = range(4), ("ada", "ben", "cem")
LEVELS = ("read committed", "repeatable read")

Row = tuple[int, int]
"""A row's birth and its value: a key that is deleted and inserted again is another row."""


@dataclass
class Person:
    """A transaction, as the reference sees it: what it saw at first, what it wrote, what it asks for and waits for."""

    level: str
    snapshot: dict[int, tuple[Row, int]] | None = None
    own: dict[int, Row | None] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)  # keys whose committed row it has replaced or deleted
    asks: tuple[str, int, int] | None = None
    waits_on: str = ""
    waits_for: Person | None = None  # who that was: the name may begin another transaction meanwhile


class Reference:
    """Copies for snapshots, a dict for what is committed, searched from end to end at each question."""

    def __init__(self) -> None:
        self.committed: dict[int, tuple[Row, int]] = {}  # key -> (row, number of its last commit)
        self.people: dict[str, Person] = {}
        self.commits = self.births = 0

    def view(self, person: Person) -> dict[int, int]:
        """What a person sees now."""
        if person.snapshot is None:
            person.snapshot = dict(self.committed)
        if person.level == "read committed":
            person.snapshot = dict(self.committed)
        seen: dict[int, Row | None] = {key: row for key, (row, _) in person.snapshot.items()} | person.own
        return {key: row[1] for key, row in seen.items() if row is not None}

    def ask(self, who: str, verb: str, key: int, value: int) -> Any:
        """What a statement on one key answers: a count, a code, or whom it waits for."""
        person = self.people[who]
        person.asks, person.waits_on, person.waits_for = (verb, key, value), "", None
        answer = self._insert(who, key, value) if verb == "insert" else self._change(who, verb, key, value)
        if isinstance(answer, str) and answer in self.people:
            person.waits_on, person.waits_for = answer, self.people[answer]
            if self._goes_round(who):
                return DEADLOCK
        else:
            person.asks = None
        return answer

    def _insert(self, who: str, key: int, value: int) -> Any:
        person = self.people[who]
        self.view(person)
        other = self._holder(who, key) or self._inserter(who, key)
        if other:
            return other
        now = person.own[key] if key in person.own else self.committed.get(key)
        if now is not None:
            return DUPLICATE_KEY
        self.births += 1
        person.own[key] = (self.births, value)
        return 1

    def _change(self, who: str, verb: str, key: int, value: int) -> Any:
        person = self.people[who]
        if key not in self.view(person):
            return 0
        assert person.snapshot is not None
        if key not in person.own:
            if person.snapshot[key] != self.committed.get(key):
                return SERIALIZATION_FAILURE
            if other := self._holder(who, key):
                return other
            row = person.snapshot[key][0]
            person.taken.add(key)
        else:
            row = person.own[key]  # type: ignore[assignment]
        person.own[key] = None if verb == "delete" else (row[0], value)
        return 1

    def again(self, who: str) -> Any:
        """What a statement answers that has waited, now that the one it waited for is gone."""
        person = self.people[who]
        assert person.asks is not None
        verb, key, value = person.asks
        if verb != "insert" and person.level == "read committed":
            assert person.snapshot is not None
            was, now = person.snapshot[key][0], self.committed.get(key)
            if now is None or now[0][0] != was[0]:  # the row that was seen is gone, whatever stands there now
                person.asks, person.waits_on, person.waits_for = None, "", None
                return 0
        return self.ask(who, verb, key, value)

    def end(self, who: str, *, commits: bool) -> None:
        """Take in what somebody did, or let it go."""
        person = self.people.pop(who)
        if commits and person.own:
            self.commits += 1
            for key, row in person.own.items():
                self.committed.pop(key, None)
                if row is not None:
                    self.committed[key] = row, self.commits

    def _holder(self, who: str, key: int) -> str:
        return next((name for name, one in self.people.items() if name != who and key in one.taken), "")

    def _inserter(self, who: str, key: int) -> str:
        return next((n for n, one in self.people.items() if n != who and key in one.own and key not in one.taken), "")

    def _goes_round(self, who: str) -> bool:
        me = self.people[who]
        at, going = me.waits_for, list(self.people.values())
        while at is not None and at is not me:
            at = at.waits_for if any(at is one for one in going) else None
        return at is me


class AnyOrder(RuleBasedStateMachine):
    """The model does what the reference says."""

    @initialize()
    def begin_with_two_rows(self) -> None:
        self.disk = VolatileDisk()
        self.reference = Reference()
        self._open()
        self.by_itself("setup", CREATE)
        for key in (0, 1):
            self.by_itself("setup", f"INSERT INTO t VALUES ({key}, {key})")
            self.reference.births += 1
            self.reference.committed[key] = (self.reference.births, key), 0

    def _open(self) -> None:
        self.database = RelationalDatabase(self.disk, pool=BufferPool(32))
        self.sessions = {name: self.database.session(name) for name in (*PEOPLE, "setup")}

    def by_itself(self, who: str, sql: str) -> None:
        assert isinstance(self.sessions[who].execute(sql), Done)

    def talking(self, who: str, level: str) -> Person | None:
        """Return who is to speak now, in a transaction that is begun if there is none; None if they wait."""
        if who not in self.reference.people:
            self.by_itself(who, f"BEGIN ISOLATION LEVEL {level}")
            self.reference.people[who] = Person(level)
        person = self.reference.people[who]
        return None if person.waits_on else person

    @rule(who=st.sampled_from(PEOPLE), level=st.sampled_from(LEVELS), key=st.sampled_from(KEYS),
          verb=st.sampled_from(("insert", "update", "update", "delete")), value=st.integers(0, 99),
          then=st.sampled_from(("", "", "COMMIT", "ROLLBACK")))
    def change(self, *, who: str, level: str, key: int, verb: str, value: int, then: str) -> None:
        if self.talking(who, level) is None:
            return
        sql = {
            "insert": f"INSERT INTO t VALUES ({key}, {value})", "update": f"UPDATE t SET v = {value} WHERE k = {key}",
            "delete": f"DELETE FROM t WHERE k = {key}",
        }[verb]  # fmt: skip
        self.compare(who, self.sessions[who].execute(sql), self.reference.ask(who, verb, key, value))
        if then:
            self.end(who, then)

    @rule(who=st.sampled_from(PEOPLE))
    def proceed(self, who: str) -> None:
        person = self.reference.people.get(who)
        if person is None or not person.waits_on:
            return
        if any(person.waits_for is one for one in self.reference.people.values()):
            assert self.sessions[who].proceed() == Waits((person.waits_on,))
        else:
            self.compare(who, self.sessions[who].proceed(), self.reference.again(who))

    def compare(self, who: str, answer: Any, expected: Any) -> None:
        if isinstance(answer, Failed):
            assert answer.sqlstate == expected
            self.by_itself(who, "ROLLBACK")
            self.reference.end(who, commits=False)
        elif isinstance(answer, Waits):
            assert answer.on == (expected,)
        else:
            assert answer.count == expected

    @rule(who=st.sampled_from(PEOPLE), level=st.sampled_from(LEVELS))
    def look(self, who: str, level: str) -> None:
        if (person := self.talking(who, level)) is not None:
            answer = self.sessions[who].execute("SELECT k, v FROM t")
            assert dict(answer.rows) == self.reference.view(person)

    @rule(who=st.sampled_from(PEOPLE), verb=st.sampled_from(("COMMIT", "COMMIT", "ROLLBACK")))
    def end(self, who: str, verb: str) -> None:
        person = self.reference.people.get(who)
        if person is not None and not person.waits_on:
            self.by_itself(who, verb)
            self.reference.end(who, commits=verb == "COMMIT")

    @rule(what=st.sampled_from(("VACUUM", "VACUUM", "CHECKPOINT", "crash")), luck=st.integers(0, 9))
    def disturb(self, what: str, luck: int) -> None:
        if what != "crash":
            self.by_itself("setup", what)
            return
        self.disk.crash(Random(luck).random)
        self.reference.people.clear()
        self._open()

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def what_is_committed_is_what_a_newcomer_sees(self) -> None:
        answer = self.sessions["setup"].execute("SELECT k, v FROM t ORDER BY k")
        expected = {key: row[1] for key, (row, _) in self.reference.committed.items()}
        assert list(answer.rows) == sorted(expected.items())  # type: ignore[union-attr]

    def teardown(self) -> None:
        if hasattr(self, "database"):
            assert self.database.violations() == []


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


# --------------------------------------------------------------------------------------------------------- serializable


def random_plan(luck: Random) -> list[tuple[str, int]]:
    """A small transaction that reads first and then writes: steps such as `(read, key)` and `(write, key)`."""
    verbs = [luck.choice(("read", "sum")) for _ in range(luck.randint(1, 2))]
    verbs += [luck.choice(("write", "write", "move", "read")) for _ in range(luck.randint(1, 2))]
    return [(verb, luck.choice(KEYS)) for verb in verbs]


def say(session: Any, verb: str, key: int, seen: list[int]) -> tuple[str, Any]:
    """Say one step of a plan; what is written is made of all that was seen, so every read counts."""
    if verb in {"read", "sum"}:
        where = f" WHERE k = {key}" if verb == "read" else ""
        return "read", session.execute(f"SELECT sum(v) FROM t{where}")
    if verb == "write":
        return "write", session.execute(f"UPDATE t SET v = {1 + 2 * sum(seen) % 1000} WHERE k = {key}")
    return "write", session.execute(f"INSERT INTO t VALUES ({10 + key}, {1 + 3 * sum(seen) % 1000})")


def interleaved(plans: list[list[tuple[str, int]]], luck: Random, level: str) -> tuple[dict[int, list[int]], Any]:
    """Run plans at once in a random order; return what each one saw that committed, and what is left."""
    database = RelationalDatabase(VolatileDisk())
    setup = database.session("setup")
    setup.execute(CREATE)
    setup.execute("INSERT INTO t VALUES " + ", ".join(f"({key}, {key + 1})" for key in KEYS))
    sessions = {number: database.session(f"p{number}") for number in range(len(plans))}
    left = {number: [*plan, ("commit", 0)] for number, plan in enumerate(plans)}
    seen: dict[int, list[int]] = {number: [] for number in sessions}
    waiting: set[int] = set()
    committed: dict[int, list[int]] = {}
    for session in sessions.values():
        session.execute(f"BEGIN ISOLATION LEVEL {level}")
    while left:
        number = luck.choice(sorted(left))
        session = sessions[number]
        kind = "write"
        if number in waiting:
            answer = session.proceed()
            waiting.discard(number)
        else:
            verb, key = left[number].pop(0)
            ends = verb == "commit"
            kind, answer = (verb, session.execute("COMMIT")) if ends else say(session, verb, key, seen[number])
        if isinstance(answer, Waits):
            waiting.add(number)
        elif isinstance(answer, Failed):
            del left[number]
            session.execute("ROLLBACK")
        elif isinstance(answer, Rows):
            seen[number].append(int(answer.rows[0][0] or 0))
        elif kind == "commit":
            committed[number] = seen[number]
            del left[number]
    return committed, setup.execute("SELECT k, v FROM t ORDER BY k").rows  # type: ignore[union-attr]


def one_after_the_other(plans: list[list[tuple[str, int]]], order: tuple[int, ...]) -> tuple[dict[int, list[int]], Any]:
    """What plans see and leave, one after the other, in ten lines; None where one would fail."""
    table, saw = {key: key + 1 for key in KEYS}, {}
    for number in order:
        seen: list[int] = []
        for verb, key in plans[number]:
            if verb in {"read", "sum"}:
                seen.append(sum(table.values()) if verb == "sum" else table[key])
            elif verb == "write":
                table[key] = 1 + 2 * sum(seen) % 1000
            elif 10 + key in table:
                return {}, None
            else:
                table[10 + key] = 1 + 3 * sum(seen) % 1000
        saw[number] = seen
    return saw, tuple(sorted(table.items()))


def fits_an_order(plans: list[list[tuple[str, int]]], outcome: tuple[dict[int, list[int]], Any]) -> bool:
    return any(one_after_the_other(plans, order) == outcome for order in itertools.permutations(sorted(outcome[0])))


def test_at_serializable_every_outcome_is_that_of_some_order_one_after_the_other() -> None:
    together = 0
    for seed in range(400):
        luck = Random(seed)
        plans = [random_plan(luck) for _ in range(luck.randint(2, 4))]
        outcome = interleaved(plans, luck, "serializable")
        together += len(outcome[0]) > 1
        assert fits_an_order(plans, outcome), (seed, plans, outcome)
    assert together > 200, "else everybody was let down, and the test shows nothing"


@pytest.mark.parametrize("level", LEVELS)
def test_at_the_weaker_levels_some_outcome_fits_no_order(level: str) -> None:
    misfits = 0
    for seed in range(120):
        luck = Random(seed)
        plans = [random_plan(luck) for _ in range(luck.randint(2, 4))]
        misfits += not fits_an_order(plans, interleaved(plans, luck, level))
    assert misfits > 3
