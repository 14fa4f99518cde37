"""Sessions at work, as a picture of people, tables and versions.

A database tells of every page and every record of its log; what one wants to see of an accident is who says what, who
waits for whom, which versions of a row there are, and who was let down. The rest is left out here.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.scenarios.relational.interleaving import in_words
from dsys_lab.stores.relational import Answer, Failed, Waits
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
            self._recorder.emit(time_us, kind, place, message, **fields)
            self.now_us = time_us

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
