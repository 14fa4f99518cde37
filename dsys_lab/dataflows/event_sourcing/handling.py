"""A command comes: load, fold, decide, append; and if another was faster, all of it again.

::

    load ---> fold ---> decide ---> append(expected = the version that was folded) ---> Done
     ^                                |
     '------ Conflict: read on -------'

The same command may come twice: its sender heard no answer, and asks again. Each commit carries the *id* of the command
that it answers, so the fold finds it there, and the answer is the first one. That is exact, for both would append on
the same version, and one of them only can.

Left out: a command whose decision added nothing leaves no id, and is decided again. The ids of a stream are kept for as
long as the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

from dsys_lab.dataflows.event_sourcing.checkpoints import Checkpoints, Saved
from dsys_lab.dataflows.event_sourcing.deciding import Decider
from dsys_lab.dataflows.event_sourcing.events import Event, Recorded
from dsys_lab.dataflows.event_sourcing.schema import EventTypes
from dsys_lab.dataflows.event_sourcing.store import Appended, Conflict, EventStore
from dsys_lab.errors import BadParameter, Damaged

State = TypeVar("State")
ATTEMPTS: Final = 5


@dataclass(slots=True)
class Folded(Generic[State]):
    """What a stream comes to.

    Attributes
    ----------
    state : State
    version : int
        How many events it has.
    answered : dict
        The id of each command that it answers -> the version after that.
    folded_events : int
        How many were read and folded for it.
    """

    state: State
    version: int = 0
    answered: dict[str, int] = field(default_factory=dict)
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


def _done_before(folded: Folded[Any], command_id: str, attempt: int) -> Done | None:
    """Return the answer to a command that the stream answers already, if it does."""
    if not command_id or command_id not in folded.answered:
        return None
    return Done(folded.answered[command_id], (), attempt, repeated=True)


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
        """Return what a stream comes to."""
        decider, folded = self.decider, Folded(self.decider.initial)
        saved = self.checkpoints.newest(decider.name, decider.version, stream) if self.checkpoints else None
        if saved is not None:
            packed, answered = saved.packed
            folded = Folded(decider.unpack(packed), saved.version, dict(answered))
        return self.catch_up(stream, folded)

    def catch_up(self, stream: str, folded: Folded[State]) -> Folded[State]:
        """Fold what the stream has since, and save a checkpoint if it is time for one."""
        new = self.store.load(stream, folded.version)
        self._fold(folded, new)
        if self.checkpoints is not None and new:
            packed = [self.decider.pack(folded.state), folded.answered]
            self.checkpoints.offer(self.decider.name, self.decider.version, stream, Saved(folded.version, packed))
        return folded

    def _fold(self, folded: Folded[State], events: list[Recorded]) -> None:
        folded.state = self.decider.fold((self.types.read(one.written) for one in events), folded.state)
        for one in events:
            folded.version = one.version
            if one.command:
                folded.answered[one.command] = one.version
        folded.folded_events += len(events)

    # ------------------------------------------------------------ write path
    def handle(self, stream: str, command: Any, *, command_id: str = "", attempts: int = ATTEMPTS) -> Done | Conflict:
        """Carry a command out; where another is faster each time, return the last conflict.

        Parameters
        ----------
        command_id : str
            Who may ask twice gives the same id.
        attempts : int
            How often it is decided at most.

        Raises
        ------
        Refused
            If `decide` refuses.
        MayHaveHappened
            If the store gave no answer: ask again with the same id.
        Damaged
            If the log is shorter than what a checkpoint has folded.
        """
        if type(attempts) is not int or attempts < 1:
            raise BadParameter(f"attempts = {attempts!r}: give a whole number, 1 or more")
        folded = self.load(stream)
        for attempt in range(1, attempts + 1):
            if before := _done_before(folded, command_id, attempt):
                return before
            answer = self.decide_on(stream, folded, command, command_id=command_id)
            if not isinstance(answer, Conflict):
                return answer._replace(attempts=attempt)
            if answer.version < folded.version:
                raise Damaged(
                    f"{stream} has {answer.version} events, and the checkpoint had folded {folded.version}: the log "
                    "was restored from an older copy; delete the checkpoints"
                )
            self.catch_up(stream, folded)
        return _done_before(folded, command_id, attempts) or answer  # who was faster may have had this very command

    def decide_on(
        self, stream: str, folded: Folded[State], command: Any, *, command_id: str = ""
    ) -> Done | Conflict:
        """Decide once, on what was folded, and append."""
        events = tuple(self.decider.decide(folded.state, command))
        if not events:
            return Done(folded.version, (), 1)
        written = [self.types.write(event) for event in events]
        answer = self.store.append(stream, written, expected=folded.version, command=command_id)
        return Done(answer.version, events, 1) if isinstance(answer, Appended) else answer
