"""Who is next? Three policies of order beside one mechanism.

A queue hands its visible messages to a `Line` or to `Lanes` and asks it who is next.

==========  ==============  =========================================================================================
kind        class           next is
==========  ==============  =========================================================================================
standard    `Line`          the oldest; given chance, any of the first few (best-effort order)
fair        `Lanes`         groups take turns, within a group the oldest: a tenant with a huge backlog waits for
                            itself, the others hardly notice
fifo        `Lanes`,        as fair, but a group whose message is on loan has no turn, so that its order holds and
            locking         whoever is slow holds up its own group only
==========  ==============  =========================================================================================

Oldest means the lowest number, in the order in which messages were sent. Cost: O(1) a message, O(log n) for one that
comes back.

Sources: Nagle, "On packet switches with infinite storage", IEEE Transactions on Communications 1987 (turns);
Amazon SQS Developer Guide, "Amazon SQS fair queues", "FIFO queue delivery logic".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Final, Protocol

DELAYED: Final = "delayed"
VISIBLE: Final = "visible"
LENT: Final = "in flight"
GONE: Final = "gone"

Chance = Callable[[], float]
"""Gives a number in [0, 1) at each call: a stream of luck."""


@dataclass(slots=True, eq=False)
class Stored:
    """A copy of a message as the queue keeps it: where it stands, and until when."""

    number: int
    message: str
    copy: int
    body: str
    group: str | None
    sent_us: int
    state: str
    until_us: int = 0
    lent_us: int = 0
    receives: int = 0


class Order(Protocol):
    """Visible messages, and who of them is next."""

    def put(self, stored: Stored) -> None:
        """Take in a message that is new."""

    def take(self, chance: Chance | None) -> Stored | None:
        """Hand out who is next, if there is one."""

    def late(self, stored: Stored) -> None:
        """Take in an older message: its delay is over."""

    def back(self, stored: Stored) -> None:
        """Take in a message that was handed out: its loan is over."""

    def settled(self, stored: Stored) -> None:
        """Learn that a message that was handed out will not come back."""

    def forget(self, stored: Stored) -> None:
        """Let go of a visible message."""

    def marks(self) -> dict[str, list]:
        """Return what its order holds beyond the numbers, for a snapshot."""


class Line:
    """One line, oldest first; given chance, one of the first `window` of those that never left it."""

    def __init__(self, window: int = 1) -> None:
        self.window = window
        self._fresh: OrderedDict[int, Stored] = OrderedDict()
        self._returned: list[tuple[int, Stored]] = []
        self._visible = 0

    def __len__(self) -> int:
        return self._visible

    def put(self, stored: Stored) -> None:
        """Take in a message that is new."""
        self._fresh[stored.number] = stored
        self._visible += 1

    def take(self, chance: Chance | None) -> Stored | None:
        """Hand out who is next, if there is one."""
        if not self._visible:
            return None
        fresh = self._fresh
        if self._returned:
            self._drop_gone()
            if self._returned and (not fresh or self._returned[0][0] < next(iter(fresh))):
                self._visible -= 1
                return heappop(self._returned)[1]
        if chance is None or self.window == 1:
            self._visible -= 1
            return fresh.popitem(last=False)[1]
        position = int(chance() * min(self.window, len(fresh)))  # if it fails nothing has changed
        self._visible -= 1
        return fresh.pop(next(islice(fresh, position, None)))

    def late(self, stored: Stored) -> None:
        """Take in an older message."""
        heappush(self._returned, (stored.number, stored))
        self._visible += 1

    back = late

    def settled(self, stored: Stored) -> None:
        """Do nothing: nobody waits for it."""

    def forget(self, stored: Stored) -> None:
        """Let go of a visible message."""
        self._visible -= 1
        self._fresh.pop(stored.number, None)
        self._drop_gone()

    def marks(self) -> dict[str, list]:
        """Return the numbers of those that came back."""
        return {"returned": sorted(number for number, stored in self._returned if stored.state is VISIBLE)}

    def _drop_gone(self) -> None:
        while self._returned and self._returned[0][1].state is not VISIBLE:
            heappop(self._returned)


class Lanes:
    """A line for each group; groups take turns.

    Parameters
    ----------
    locking : bool
        Whether a group has no turn while a message of it is on loan.
    """

    def __init__(self, *, locking: bool) -> None:
        self.locking = locking
        self._lanes: dict[str | None, Line] = {}
        self._locked: dict[str | None, None] = {}
        self._turns: OrderedDict[str | None, None] = OrderedDict()

    def put(self, stored: Stored) -> None:
        """Take in a message that is new, at the end of its group's line."""
        self._lane(stored).put(stored)
        self._line_up(stored.group)

    def take(self, chance: Chance | None) -> Stored | None:
        """Hand out the oldest of the group whose turn it is."""
        if not self._turns:
            return None
        group, _ = self._turns.popitem(last=False)
        stored = self._lanes[group].take(None)
        if self.locking:
            self._locked[group] = None
        self._line_up(group)
        return stored

    def late(self, stored: Stored) -> None:
        """Take in an older message; who has one of its group on loan keeps the group locked."""
        self._lane(stored).late(stored)
        self._line_up(stored.group)

    def back(self, stored: Stored) -> None:
        """Take in a message that was handed out, and unlock its group."""
        self._locked.pop(stored.group, None)
        self.late(stored)

    def settled(self, stored: Stored) -> None:
        """Unlock the group."""
        self._locked.pop(stored.group, None)
        self._line_up(stored.group)

    def forget(self, stored: Stored) -> None:
        """Let go of a visible message; a group without one has no turn."""
        self._lanes[stored.group].forget(stored)
        self._line_up(stored.group)

    def marks(self) -> dict[str, list]:
        """Return the numbers of those that came back, and whose turn it is."""
        returned = [number for lane in self._lanes.values() for number in lane.marks()["returned"]]
        return {"returned": sorted(returned), "turns": list(self._turns)}

    def resume(self, lent: list[str | None], turns: list[str | None]) -> None:
        """Take up from a snapshot: these groups have messages on loan, and these have turns, in this order."""
        for group in lent if self.locking else ():
            self._locked[group] = None
        self._turns = OrderedDict.fromkeys(turns)

    def _lane(self, stored: Stored) -> Line:
        return self._lanes.setdefault(stored.group, Line())

    def _line_up(self, group: str | None) -> None:
        """Give the group a turn if it has a message to give and is not locked; forget an empty lane."""
        if not self._lanes.get(group):
            self._lanes.pop(group, None)
            self._turns.pop(group, None)
        elif group not in self._locked:
            self._turns.setdefault(group)
