"""A statement that fails, from wherever in the work it is found out up to the session."""

from __future__ import annotations

from dsys_lab.stores.relational.sessions import Failed


class StatementFails(Exception):
    """Carries the answer of a statement that fails; the session catches it and lets the transaction go."""

    def __init__(self, sqlstate: str, why: str) -> None:
        super().__init__(why)
        self.answer = Failed(sqlstate, why)
