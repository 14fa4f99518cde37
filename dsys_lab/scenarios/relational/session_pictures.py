"""Sessions at work, as a picture of people, tables and versions.

A database tells of every page and every record of its log; what one wants to see of an accident is who says what, who
waits for whom, which versions of a row there are, and who was let down. The rest is left out here.

`SessionPicture` shows a table as one tray of versions. `AccidentPicture` gives each version a box of its own, so that
the picture reads from left to right: from the versions that there were, to the people who read them, to the versions
that they made of what they read. Where somebody writes a value over a version that they never saw, that one is lost.
"""

from __future__ import annotations

from typing import Final

from sqlglot import expressions as exp

from dsys_lab.scenarios.relational.interleaving import in_words
from dsys_lab.stores.relational import Answer, Failed, Waits
from dsys_lab.stores.relational.sql import Update, parse
from dsys_lab.trace import Recorder, Scalar
from dsys_lab.workloads.anomalies.script import SETUP

TOLD: Final = {
    "transaction_commit", "transaction_abort", "snapshot", "version", "superseded", "sweep", "must_wait", "wait_over",
    "reads_before", "gauge", "says", "hears", "let_down", "check",
}  # fmt: skip


class SessionPicture:
    """A recorder that shows a database as the people at it and the tables in it.

    Parameters
    ----------
    recorder : Recorder
    database : str
        The name of the database, which is left out of every place.

    Attributes
    ----------
    now_us : int
        When the last row was.
    """

    def __init__(self, recorder: Recorder, database: str = "database") -> None:
        self._recorder, self._root, self.now_us = recorder, f"{database}/", 0
        self._said: dict[str, int] = {}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, unless it is of no account here."""
        place = place.removeprefix(self._root)
        if kind in TOLD and place != SETUP:
            self._show(time_us, kind, place, message, **fields)

    def _show(self, now_us: int, kind: str, place: str, message: str | None, /, **fields: Scalar) -> None:
        self._recorder.emit(now_us, kind, place, message, **fields)
        self.now_us = now_us

    def tell(self, now_us: int, who: str, sql: str, answer: Answer | None) -> None:
        """Show what somebody says, or is told; what waits stays where it is."""
        self._said[who] = self._said.get(who, 0) + (answer is None)
        statement = f"{who}'s {self._said[who]}"
        if answer is None:
            self.emit(now_us, "says", who, statement, sql=sql)
        elif isinstance(answer, Failed):
            self.emit(now_us, "let_down", who, statement, why=answer.why)
        elif not isinstance(answer, Waits):
            self.emit(now_us, "hears", who, statement, answer=in_words(answer))


class AccidentPicture(SessionPicture):
    """The same with a box for each version; see `SessionPicture`."""

    def __init__(self, recorder: Recorder, database: str = "database") -> None:
        super().__init__(recorder, database)
        self._speaks = SETUP
        self._blind: set[str] = set()  # who writes a value that is not made of what the row holds
        self._boxes: dict[str, str] = {}  # version -> the place where it is drawn
        self._read: dict[str, dict[str, int]] = {}  # who -> version -> which copy of it they hold
        self._copies = 0
        self._made: dict[str, list[str]] = {}  # who -> versions that their transaction has made
        self._written_over: dict[str, list[str]] = {}  # who -> versions that they never saw

    def tell(self, now_us: int, who: str, sql: str, answer: Answer | None) -> None:
        """Show what somebody says, or is told; who is let down, or takes it back, forgets what they have read."""
        self._speaks = who
        asked = parse(sql)
        if isinstance(asked, Update) and not any(node.find(exp.Column) for _, node in asked.sets):
            self._blind.add(who)
        elif answer is None:
            self._blind.discard(who)
        super().tell(now_us, who, sql, answer)

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a row on, with versions at their boxes."""
        place = place.removeprefix(self._root)
        if kind in {"wait_over", "snapshot"}:
            self._speaks = place
        if kind == "version" and message:
            self._makes(time_us, place, message, fields)
        elif kind == "look" and message:
            self._reads(time_us, message)
        elif kind == "superseded" and message:
            self._writes_over(message)
            super().emit(time_us, kind, self._boxes[message], message, **fields)
        else:
            super().emit(time_us, kind, place, message, **fields)
        if kind in {"transaction_commit", "transaction_abort"}:
            self._ends(time_us, place, commits=kind == "transaction_commit")

    def _makes(self, now_us: int, table: str, version: str, fields: dict[str, Scalar]) -> None:
        was_there = self._speaks == SETUP
        place = f"{table} before/{fields['row']}" if was_there else f"{table} after/{fields['row']} by {self._speaks}"
        self._boxes[version] = place
        if not was_there:
            self._made.setdefault(self._speaks, []).append(version)
            self._moves(now_us, self._speaks, self._boxes[version], version, copy=0)
        super().emit(now_us, "version", self._boxes[version], version, **fields)

    def _reads(self, now_us: int, version: str) -> None:
        """Let a copy of the version go to the reader, once."""
        held = self._read.setdefault(self._speaks, {})
        if self._speaks != SETUP and version not in held:
            self._copies += 1
            held[version] = self._copies
            self._moves(now_us, self._boxes[version], self._speaks, version, copy=self._copies)
            self._show(
                now_us, "receive", self._speaks, version,
                source=self._boxes[version], copy=self._copies, type="version",
            )  # fmt: skip

    def _moves(self, now_us: int, source: str, to: str, version: str, *, copy: int) -> None:
        self._show(now_us, "send", source, version, to=to, copy=copy, type="version", arrive_us=now_us)

    def _writes_over(self, version: str) -> None:
        """Note a version that is written over by who has read this row, but not this version of it."""
        held = self._read.get(self._speaks, {})
        knows_the_row = any(_row_of(one) == _row_of(version) for one in held)
        if self._speaks in self._blind and knows_the_row and version not in held:
            self._written_over.setdefault(self._speaks, []).append(version)

    def _ends(self, now_us: int, who: str, *, commits: bool) -> None:
        """Let what was written over be lost; who comes to nothing leaves no version and forgets what they read."""
        made, lost = self._made.pop(who, []), self._written_over.pop(who, [])
        if commits:
            for version in lost:
                why = f"{who} wrote over it without having seen it"
                self._show(now_us, "drop", self._boxes[version], version, copy=0, why=why)
            return
        for version in made:
            self._show(now_us, "rolled_back", self._boxes[version], version, copy=0, by=who)
        for version, copy in self._read.pop(who, {}).items():
            self._show(now_us, "answered", who, version, source=self._boxes[version], copy=copy, type="version")


def _row_of(version: str) -> str:
    """Return which row a version is one of.

    >>> _row_of("pillow@0.2")
    'pillow'
    """
    return version.rpartition("@")[0]
