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

A letter to somebody who was forgotten meanwhile would go to `FORGOTTEN`: `wants` sees it, and may say no.

Promises: each event that `wants` an effect has it at least once, in the order of the log; a repetition has the same
key. An event that nobody here can read stops the postman before its commit, until there is a reader, or until somebody
says `set_aside`: then nothing of that commit is carried out, for good, and it is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from dsys_lab.dataflows.event_sourcing.following import EventSource, digest_of_changes, place_of
from dsys_lab.dataflows.service.versions import CannotRead
from dsys_lab.errors import BadParameter, Misuse
from dsys_lab.stores.relational import Change, Commit
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk


@dataclass(frozen=True, slots=True)
class PostmanStatus:
    """How far a postman has come.

    Attributes
    ----------
    position : int
        Of the last commit that is done with.
    carried_out : int
        Effects, since it was opened.
    aside : int
        Commits that were ever set aside.
    """

    position: int
    carried_out: int
    aside: int


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

    Raises
    ------
    Damaged
        If the log is not the one in which it had come so far.
    """

    def __init__(
        self, disk: Disk, source: EventSource, *, wants: Callable[[Change], bool],
        carry_out: Callable[[str, Change], None], begin: int = 0, now_us: int = 0,
    ) -> None:  # fmt: skip
        self._log = AppendLog(disk, now_us=now_us)
        self._source, self._wants, self._carry_out = source, wants, carry_out
        self._carried_out = self._aside = 0
        written: list[tuple[int, str, bool]] = [json.loads(payload) for _, payload in self._log.read()]
        self.position, digest, _ = written[-1] if written else (begin, "", False)
        self._aside = sum(is_aside for _, _, is_aside in written)
        if digest:
            source.resume(self.position, digest)
        elif begin and begin > (last := source.store.status().position):
            raise BadParameter(f"begin = {begin}: the log ends at {last}, and what comes next would have no effect")
        else:
            source.confirm(self.position)
        if not written:
            self._write_down(begin, "", now_us)

    def work(self, limit: int | None = None) -> int:
        """Carry out what is new, of `limit` commits at most; return how many effects that were.

        Raises
        ------
        CannotRead
            Before a commit with an event that nobody here can read: deploy its reader, or `set_aside`.
        Refused
            If an event is missing: see `EventSource`.
        """
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
        """Return what the events of a commit ask of the world, each under its key, opened to be read."""
        return [(key_of(change), change) for change in map(self._source.open, commit.changes) if self._wants(change)]

    def settle(self, commit: Commit, *, now_us: int = 0) -> None:
        """Write down that all effects of a commit were carried out."""
        self._carried_out += len(self.wanted(commit))
        self._done_with(commit, now_us)

    def set_aside(self, *, now_us: int = 0) -> int:
        """Pass over the next commit, which nobody here can read, for good and durably; return its position.

        Raises
        ------
        Misuse
            If there is no such commit.
        """
        commit = self.next()
        try:
            known = commit is None or self.wanted(commit) is not None
        except CannotRead:
            known = False
        if commit is None or known:
            raise Misuse("this postman has not stopped before a commit: there is nothing to set aside; `work`")
        self._aside += 1
        self._done_with(commit, now_us, aside=True)
        return commit.position

    def _done_with(self, commit: Commit, now_us: int, *, aside: bool = False) -> None:
        self._write_down(commit.position, digest_of_changes(commit.changes), now_us, aside=aside)
        self.position = commit.position
        self._source.confirm(commit.position)

    def _write_down(self, position: int, digest: str, now_us: int, *, aside: bool = False) -> None:
        self._log.append(now_us, json.dumps([position, digest, aside]).encode())

    def status(self) -> PostmanStatus:
        """Return how far it has come."""
        return PostmanStatus(self.position, self._carried_out, self._aside)


def key_of(change: Change) -> str:
    """Return the key of an event's effect: nothing else in the store has the same."""
    stream, version = place_of(change)
    return f"{stream}/{version}"
