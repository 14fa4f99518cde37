"""A command comes: load, fold, decide, append; and if another was faster, all of it again.

::

    load ---> fold ---> decide ---> append(expected = the version that was folded) ---> Done
     ^                                |
     '------ Conflict: read on -------'

The same command may come twice: its sender heard no answer, and asks again. Each commit carries the *id* of the command
that it answers, so the fold finds it there, and the answer is the first one. That is exact, for both would append on
the same version, and one of them only can. Beside the id stands a digest of the command: an id that was given to
another one is refused, and not answered as if that had been done.

Whoever reads on looks once more at the event that the fold, or its checkpoint, ended with: if the log has another one
there, or none, what was acknowledged is lost, and every command is refused with `Damaged`, a repeated one as well.

Left out: a command whose decision added nothing leaves no id, and is decided again. The ids of a stream are kept for as
long as the stream, and seen in this stream only: a command that comes again for another one is decided there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

from dsys_lab.dataflows.event_sourcing.checkpoints import Checkpoints, Saved
from dsys_lab.dataflows.event_sourcing.deciding import Decider
from dsys_lab.dataflows.event_sourcing.events import Event, Recorded, digest_of
from dsys_lab.dataflows.event_sourcing.schema import EventTypes
from dsys_lab.dataflows.event_sourcing.store import Appended, Conflict, EventStore
from dsys_lab.errors import BadParameter, Damaged, Refused

State = TypeVar("State")
ATTEMPTS: Final = 5
_MARK: Final = re.compile(r"(?P<id>.*)#(?P<digest>[0-9a-f]{16})", flags=re.DOTALL)
"""What a commit carries of its command."""


class Answered(NamedTuple):
    """A command that a stream answers: the version right after it, and its digest, "" if none was written down."""

    version: int
    digest: str


@dataclass(slots=True)
class Folded(Generic[State]):
    """What a stream comes to.

    Attributes
    ----------
    state : State
    version : int
        How many events it has.
    digest : str
        Of the event of that version.
    answered : dict
        The id of each command that it answers -> `Answered`.
    folded_events : int
        How many were read and folded for it.
    """

    state: State
    version: int = 0
    digest: str = ""
    answered: dict[str, Answered] = field(default_factory=dict)
    folded_events: int = 0


class Done(NamedTuple):
    """A command was carried out.

    Attributes
    ----------
    version : int
        Of the stream, right after it.
    events : tuple of Event
        What it came to; none, if it came again.
    attempts : int
        How often it was decided.
    repeated : bool
        Whether it had been carried out before.
    """

    version: int
    events: tuple[Event, ...]
    attempts: int
    repeated: bool = False


class Handler(Generic[State]):
    """Carries commands out on the streams of a store.

    Parameters
    ----------
    store : EventStore
    types : EventTypes
    decider : Decider
    checkpoints : Checkpoints, optional
        Without them each load folds from the first event.
    """

    def __init__(
        self, store: EventStore, types: EventTypes, decider: Decider[State], *, checkpoints: Checkpoints | None = None
    ) -> None:
        self.store, self.types, self.decider, self.checkpoints = store, types, decider, checkpoints

    # ------------------------------------------------------------ read path
    def load(self, stream: str) -> Folded[State]:
        """Return what a stream comes to.

        Raises
        ------
        Damaged
            If what was folded, for the checkpoint or just now, is not in the log.
        """
        decider = self.decider
        saved = self.checkpoints.newest(decider.name, decider.version, stream) if self.checkpoints else None
        if saved is None:
            return self.catch_up(stream, Folded(decider.initial))
        packed, answered = saved.packed
        found = {command_id: Answered(*one) for command_id, one in answered.items()}
        return self.catch_up(stream, Folded(decider.unpack(packed), saved.version, saved.digest, found))

    def catch_up(self, stream: str, folded: Folded[State]) -> Folded[State]:
        """Fold what the stream has since, and save a checkpoint if it is time for one; see `load`."""
        new = self._since(stream, folded)
        self._fold(folded, new)
        if self.checkpoints is not None and new:
            packed = [self.decider.pack(folded.state), folded.answered]
            saved = Saved(folded.version, folded.digest, packed)
            self.checkpoints.offer(self.decider.name, self.decider.version, stream, saved)
        return folded

    def _since(self, stream: str, folded: Folded[State]) -> list[Recorded]:
        """Return what follows on what was folded, if the event that this ends with lies where it was."""
        if not folded.digest:
            return self.store.load(stream, folded.version)
        try:
            found = self.store.load(stream, folded.version - 1)
        except Refused:
            return self.store.load(stream, folded.version)  # shortened up to here: what follows must be there
        if not found or _digest(found[0]) != folded.digest:
            raise Damaged(
                f"{stream}: {folded.version} events were folded, for a checkpoint or just now, and the last of them is "
                "not in the log, which was restored from an older copy or lost its end; what was acknowledged is gone. "
                "Restore the log, or delete the checkpoints to go on without"
            )
        return found[1:]

    def _fold(self, folded: Folded[State], events: list[Recorded]) -> None:
        folded.state = self.decider.fold((self.types.read(one.written) for one in events), folded.state)
        for one in events:
            folded.version = one.version
            if one.command:
                command_id, digest = found.groups() if (found := _MARK.fullmatch(one.command)) else (one.command, "")
                folded.answered[command_id] = Answered(one.version, digest)
        if events:
            folded.digest = _digest(events[-1])
        folded.folded_events += len(events)

    # ------------------------------------------------------------ write path
    def handle(self, stream: str, command: Any, *, command_id: str = "", attempts: int = ATTEMPTS) -> Done | Conflict:
        """Carry a command out; where another is faster each time, return the last conflict.

        Parameters
        ----------
        command_id : str
            Who may ask twice gives the same id, and each other command one of its own.
        attempts : int
            How often it is decided at most.

        Raises
        ------
        Refused
            If `decide` refuses.
        BadParameter
            If this id was given to another command.
        MayHaveHappened
            If the store gave no answer: ask again with the same id.
        Damaged
            See `load`.
        """
        if type(attempts) is not int or attempts < 1:
            raise BadParameter(f"attempts = {attempts!r}: give a whole number, 1 or more")
        folded = self.load(stream)
        for attempt in range(1, attempts + 1):
            answer = self.decide_on(stream, folded, command, command_id=command_id)
            if not isinstance(answer, Conflict):
                return answer._replace(attempts=attempt)
            self.catch_up(stream, folded)
        # who was faster may have had this very command
        before = self._done_before(folded, command, command_id)
        return before._replace(attempts=attempts) if before else answer

    def _done_before(self, folded: Folded[State], command: Any, command_id: str) -> Done | None:
        """Return the answer to a command that the stream answers already, if it does."""
        if not command_id or (before := folded.answered.get(command_id)) is None:
            return None
        if before.digest not in ("", self._digest_of(command)):
            raise BadParameter(
                f"command_id = {command_id!r}: version {before.version} answers another command of this id, and this "
                f"one, {type(command).__name__}, was not carried out; give each command an id of its own"
            )
        return Done(before.version, (), 1, repeated=True)

    def _digest_of(self, command: Any) -> str:
        return digest_of(self.decider.tells(command))

    def decide_on(
        self, stream: str, folded: Folded[State], command: Any, *, command_id: str = ""
    ) -> Done | Conflict:
        """Decide once, on what was folded, and append; what that answers already is not decided again."""
        if not isinstance(command_id, str):
            raise BadParameter(f"command_id = {command_id!r}: give a text, or nothing")
        if before := self._done_before(folded, command, command_id):
            return before
        events = tuple(self.decider.decide(folded.state, command))
        if not events:
            return Done(folded.version, (), 1)
        written = [self.types.write(event) for event in events]
        mark = f"{command_id}#{self._digest_of(command)}" if command_id else ""
        answer = self.store.append(stream, written, expected=folded.version, command=mark)
        return Done(answer.version, events, 1) if isinstance(answer, Appended) else answer


def _digest(event: Recorded) -> str:
    """Return what an event in its place is known by, wherever its log was copied to."""
    kind, schema, data = event.written
    return digest_of(event.stream, event.version, event.command, kind, schema, data.decode("latin-1"))
