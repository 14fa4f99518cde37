r"""How does a program with a log of facts decide, and what is its state?

By two pure functions, and nothing else that matters::

    decide(state, command) -> events      may refuse; reads nothing but the state; changes nothing
    evolve(state, event)   -> state       may not refuse: it has happened

The *state* is the left fold of `evolve` over the events, from an initial one. It is kept nowhere; whoever needs it
folds it. So to add a field to the state, or to mend a mistake in `evolve`, is to fold again. ::

    initial --evolve--> . --evolve--> . --evolve--> state        state = fold(events)
               e1            e2           e3          |
                                                   decide(state, command) -> e4, e5

Why `decide` must read no view: a view is behind, by however little. A decision on it would be a decision on the past
without the store noticing, for the expected version speaks of the stream only.

A fold promises, if `evolve` is pure
------------------------------------
1. The same events give the same state, anywhere, at any time.
2. `fold(a + b)` is `fold(b)` from `fold(a)`: it may be interrupted and gone on with. That is all a checkpoint is.

Sources: Fowler, "Event Sourcing", 2005; Chassaing, "Functional Event Sourcing Decider", 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar

from dsys_lab.dataflows.event_sourcing.events import Event
from dsys_lab.errors import BadParameter, Refused

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Decider(Generic[State]):
    """The two functions, and where the fold begins.

    Attributes
    ----------
    name : str
    initial : State
        Before the first event.
    decide : callable
        `(state, command)` -> events; raises `Refused`.
    evolve : callable
        `(state, event)` -> state.
    version : int
        Of `evolve`. Raise it with every change of what it computes: checkpoints of another version are not used.
    pack, unpack : callable
        State to what JSON has, and back, for checkpoints.
    tells : callable
        Command -> the text that tells it from another. Its digest stands beside the command's id in the log, for ever:
        so leave out what is personal, for who can guess a name can find it by its digest. It must say the same each
        time, as `repr` does of a tuple.
    """

    name: str
    initial: State
    decide: Callable[[State, Any], Sequence[Event]]
    evolve: Callable[[State, Event], State]
    version: int = 1
    pack: Callable[[State], Any] = lambda state: state
    unpack: Callable[[Any], State] = lambda packed: packed
    tells: Callable[[Any], str] = repr

    def __post_init__(self) -> None:
        if type(self.version) is not int or self.version < 1:
            raise BadParameter(f"version = {self.version!r}: give the number of this `evolve`, from 1")

    def fold(self, events: Iterable[Event], *begin: State) -> State:
        """Return the state after these events, from the initial one or from `begin` on."""
        return reduce(self.evolve, events, begin[0] if begin else self.initial)


def require(holds: bool, why: str) -> None:
    """Refuse a command, saying why, unless something holds."""
    if not holds:
        raise Refused(why)
