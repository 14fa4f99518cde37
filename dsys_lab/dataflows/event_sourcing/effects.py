"""A booking is confirmed by a letter. Where is it posted, so that a replay posts nothing?

A fold is repeated at every load, at every rebuild of a view, in every test. What stands in `evolve` or in a view is
therefore done again each time; a letter would be. So effects on the world stand apart, behind a follower of their own
that remembers how far it has come, the *postman*::

    log ---> view          replayed whenever somebody likes, without a trace in the world
        ---> postman       each event once: carry out, then write down the position
                           the effect carries a key, stream/version, by which a repetition is known

Between "carry out" and "write down" lies a crash: then the postman carries out again. It cannot know that it did. The
receiver can, by the key. (Written down before it is carried out, the letter might never go.)

A postman that is new to an old log is told to `begin` at its end, or where the old one stood: from the beginning, where
it begins unless it is told, it would write to everybody who ever booked.

Promises: each event that `wants` an effect has it at least once, in the order of the log; a repetition has the same
key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from dsys_lab.dataflows.event_sourcing.following import EventSource
from dsys_lab.stores.relational import Change, Commit
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk


@dataclass(frozen=True, slots=True)
class PostmanStatus:
    """How far a postman has come: the position of the last commit that is done with, and what was carried out."""

    position: int
    carried_out: int


class Postman:
    """Carries out what events ask of the world, each once under its key.

    Parameters
    ----------
    disk : Disk
        Where it writes down how far it has come; an empty one is told where to begin by `begin`.
    source : EventSource
        The postman is its only reader.
    wants : callable
        `(change)` -> whether the event asks for an effect.
    carry_out : callable
        `(key, change)`.
    begin : int
        The position after which a new postman begins; 0 is right only while nobody has booked.
    """

    def __init__(
        self, disk: Disk, source: EventSource, *, wants: Callable[[Change], bool],
        carry_out: Callable[[str, Change], None], begin: int = 0, now_us: int = 0,
    ) -> None:  # fmt: skip
        self._log = AppendLog(disk, now_us=now_us)
        self._source, self._wants, self._carry_out = source, wants, carry_out
        self._carried_out = 0
        self.position = begin
        for _, payload in self._log.read():
            self.position = json.loads(payload)
        if not self._log.next_lsn:
            self._log.append(now_us, json.dumps(begin).encode())
        self._source.confirm(self.position)

    def work(self, limit: int | None = None) -> int:
        """Carry out what is new, of `limit` commits at most; return how many effects that were."""
        before, left = self._carried_out, limit
        while (left is None or left > 0) and (commit := self.next()) is not None:
            for key, change in self.wanted(commit):
                self._carry_out(key, change)
            self.settle(commit)
            left = None if left is None else left - 1
        return self._carried_out - before

    # ------------------------------------------------------------ the same in steps, for who may crash between them
    def next(self) -> Commit | None:
        """Return the next commit, if there is one."""
        commits = self._source.peek(1)
        return commits[0] if commits else None

    def wanted(self, commit: Commit) -> list[tuple[str, Change]]:
        """Return what the events of a commit ask of the world, each under its key."""
        return [(key_of(change), change) for change in commit.changes if self._wants(change)]

    def settle(self, commit: Commit, *, now_us: int = 0) -> None:
        """Write down that all effects of a commit were carried out."""
        self._carried_out += len(self.wanted(commit))
        self._log.append(now_us, json.dumps(commit.position).encode())
        self.position = commit.position
        self._source.confirm(commit.position)

    def status(self) -> PostmanStatus:
        """Return how far it has come."""
        return PostmanStatus(self.position, self._carried_out)


def key_of(change: Change) -> str:
    """Return the key of an event's effect: nothing else in the store has the same."""
    assert change.after is not None, "an event is a fact that is there"
    return f"{change.after['stream']}/{change.after['version']}"
