"""What happens when these people say these things in this order?

`run` goes through a script with any database behind `stores.relational.sessions`: the model, SQLite, PostgreSQL. Nobody
sleeps. Who must wait is passed over: their further steps queue up behind the one that waits, and after every step of
somebody else they are asked again. Who fails rolls back and says nothing more (a real program would begin anew, which
is why a failure is a safe way out: nobody acted on it).

>>> from dsys_lab.workloads.anomalies import load
>>> load("write_skew").people
('ada', 'ben')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dsys_lab.errors import DsysLabError, require_choice
from dsys_lab.stores.relational.sessions import LEVELS, Answer, Database, Failed, Rows, Session, Waits
from dsys_lab.workloads.anomalies.script import AFTER, SETUP, Script, Seen, Step, holds

_ROUNDS_MAX: Final = 200
"""How often those who wait are asked once nobody else has anything to say: an engine needs a moment for a deadlock."""


@dataclass(frozen=True, slots=True)
class Said:
    """One statement and its answer; a statement that waits appears when it begins to, and again with its answer."""

    line: int
    who: str
    sql: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script went.

    Attributes
    ----------
    script : Script
    level : str
    said : tuple of Said
        In the order in which it was answered.
    seen : dict
        What was seen, by `who.name`; what somebody saw who failed does not count, for nobody acted on it.
    failed : dict
        Who failed, and how.
    anomaly : bool
        Whether it went wrong in the end.
    """

    script: Script
    level: str
    said: tuple[Said, ...]
    seen: Mapping[str, Seen]
    failed: Mapping[str, Failed]
    anomaly: bool

    @property
    def verdict(self) -> str:
        """`anomaly`, or `aborted` when somebody was let down so that it did not go wrong, or `right`."""
        return "anomaly" if self.anomaly else "aborted" if self.failed else "right"

    def text(self) -> str:
        """Return what was said and answered, a line each, and how it ended."""
        lines = [f"{one.who}: {one.sql}  ->  {in_words(one.answer)}" for one in self.said]
        seen = ", ".join(f"{name} = {value}" for name, value in self.seen.items())
        return "\n".join([*lines, f"seen: {seen or 'nothing'}", f"{self.script.anomaly}: {self.verdict}"])


def in_words(answer: Answer) -> str:
    """Return an answer in a few words.

    Examples
    --------
    >>> from dsys_lab.stores.relational.sessions import Done
    >>> in_words(Done("UPDATE", 1)), in_words(Waits(("ada",))), in_words(Rows(("free",), ((2,),)))
    ('UPDATE 1', 'waits for ada', '2')
    """
    match answer:
        case Rows(rows=rows):
            return "; ".join(", ".join(map(str, row)) for row in rows) or "no row"
        case Waits(on=on):
            return f"waits for {', '.join(on)}"
        case Failed(sqlstate=sqlstate, why=why):
            return f"fails, {sqlstate}: {why}"
        case _:
            return f"{answer.verb} {answer.count}" if answer.count else answer.verb


@dataclass(slots=True)
class _Person:
    """Somebody in the midst of a script."""

    session: Session
    seen: dict[str, Seen] = field(default_factory=dict)
    queued: list[Step] = field(default_factory=list)
    waiting: tuple[Step, str] | None = None
    failure: Failed | None = None


Tell = Callable[[int, str, str, Answer | None], None]
"""Called with the time, who, and what they say: before it is said, with None, and again with each answer."""


def _nobody_listens(now_us: int, who: str, sql: str, answer: Answer | None) -> None:
    pass


class _Run:
    """A script in the midst of its run."""

    def __init__(self, script: Script, database: Database, level: str, tell: Tell) -> None:
        self.level, self.said, self.now_us, self.tell = level, list[Said](), 0, tell
        self.people = {who: _Person(database.session(who)) for who in script.people}

    def say(self, step: Step) -> None:
        """Let somebody say a step, or queue it behind what they wait for; then ask all who wait again."""
        self.people[step.who].queued.append(step)
        self._go_on(self.people[step.who])
        while any(self._ask_again(person) for person in self.people.values()):
            pass

    def finish(self) -> None:
        """Ask those who wait until none does."""
        for _ in range(_ROUNDS_MAX):
            if not any(person.waiting for person in self.people.values()):
                return
            for person in self.people.values():
                self._ask_again(person)
        raise DsysLabError(f"{', '.join(who for who, one in self.people.items() if one.waiting)} wait for ever")

    def _go_on(self, person: _Person) -> None:
        while person.queued and person.waiting is None and person.failure is None:
            step = person.queued.pop(0)
            if step.is_said(person.seen):
                sql = step.sql_with(person.seen)
                sql = f"BEGIN ISOLATION LEVEL {self.level.upper()}" if sql.upper() == "BEGIN" else sql
                self.tell(self._tick(), step.who, sql, None)
                self._take(person, step, sql, person.session.execute(sql, now_us=self.now_us))

    def _ask_again(self, person: _Person) -> bool:
        """Ask for the statement that waits; return whether it has its answer."""
        if person.waiting is None:
            return False
        step, sql = person.waiting
        answer = person.session.proceed(now_us=self._tick())
        if isinstance(answer, Waits):
            return False
        person.waiting = None
        self._take(person, step, sql, answer)
        self._go_on(person)
        return True

    def _take(self, person: _Person, step: Step, sql: str, answer: Answer) -> None:
        self.said.append(Said(step.line, step.who, sql, answer))
        self.tell(self.now_us, step.who, sql, answer)
        if isinstance(answer, Waits):
            person.waiting = step, sql
        elif isinstance(answer, Failed):
            person.failure = answer
            person.session.execute("ROLLBACK", now_us=self._tick())
        elif isinstance(answer, Rows) and step.keeps:
            person.seen[step.keeps] = answer.rows[0][0] if answer.rows else None

    def _tick(self) -> int:
        self.now_us += 1_000
        return self.now_us


def run(script: Script, database: Database, level: str, *, tell: Tell = _nobody_listens) -> Outcome:
    """Return how a script goes in an empty database.

    Raises
    ------
    BadParameter
        If `level` is none of `LEVELS`, or the script holds SQL that the database does not take.
    DsysLabError
        If somebody waits for ever.
    """
    require_choice("level", level, LEVELS)
    alone(script.setup, database)
    running = _Run(script, database, level, tell)
    for step in script.steps:
        running.say(step)
    running.finish()
    for person in running.people.values():
        person.session.close()
    failed = {who: person.failure for who, person in running.people.items() if person.failure}
    seen = {
        f"{who}.{name}": value
        for who, person in running.people.items() if who not in failed
        for name, value in person.seen.items()
    }  # fmt: skip
    seen |= alone(script.after, database, now_us=running.now_us)
    return Outcome(script, level, tuple(running.said), seen, failed, holds(script.anomaly, seen))


def alone(steps: Sequence[Step], database: Database, *, now_us: int = 0) -> dict[str, Seen]:
    """Say some steps with nobody else about, all at one moment; return what was seen, by `after.name`."""
    seen: dict[str, Seen] = {}
    session = database.session(SETUP)
    for step in steps:
        answer = session.execute(step.sql_with(seen), now_us=now_us)
        if isinstance(answer, Failed | Waits):
            raise DsysLabError(f"line {step.line}: {step.sql}: {answer}")
        if isinstance(answer, Rows) and step.keeps:
            seen[f"{AFTER}.{step.keeps}"] = answer.rows[0][0] if answer.rows else None
    session.close()
    return seen


def grid(scripts: Sequence[Script], make: Callable[[], Database]) -> dict[tuple[str, str], Outcome]:
    """Return how each script goes at each level, each time in a database of its own, by name and level."""
    found = {}
    for script in scripts:
        for level in LEVELS:
            with make() as database:
                found[script.name, level] = run(script, database, level)
    return found
