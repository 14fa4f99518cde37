"""What may go wrong between a desk and a party, and in a party that nobody suspects.

A `Line` stands before a party and does what it is told to at each call. Two troubles are loud, for the caller hears
something or hears nothing; two are silent, and only an audit finds them.

=============  ==========================================================================
"down"         the call does not come through: nothing happened
"no answer"    it was done, and the answer was lost
"lied"         the party says yes and has done nothing
"twice"        the party does it twice, key or no key
=============  ==========================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from dsys_lab.dataflows.verification.way import Call
from dsys_lab.errors import MayHaveHappened, Refused, require_choice

TROUBLES: Final = ("", "down", "no answer", "lied", "twice")
Plan = Callable[[Call, int], str]
"""`(call, which attempt at it, from 1)` -> one of `TROUBLES`."""


class Buggy(Protocol):
    """A party, and the bug that it may have."""

    def do(self, now_us: int, call: Call) -> bool:
        """Do a call, once under its key, and say yes or no."""

    def again(self, now_us: int, call: Call, yes: bool) -> None:
        """Do a call although it was done."""


class Line:
    """The way to a party.

    Parameters
    ----------
    plan : callable
        What happens to each call.
    """

    def __init__(self, party: Buggy, plan: Plan) -> None:
        self.party, self._plan = party, plan
        self._attempts: Counter[Call] = Counter()

    def do(self, now_us: int, call: Call) -> bool:
        """Make a call.

        Raises
        ------
        Refused
            If it does not come through.
        MayHaveHappened
            If its answer is lost.
        """
        self._attempts[call] += 1
        trouble = self._plan(call, self._attempts[call])
        require_choice("trouble", trouble, TROUBLES)
        if trouble == "down":
            raise Refused(f"{call.party} is not there: try again later")
        if trouble == "lied":
            return True
        yes = self.party.do(now_us, call)
        if trouble == "no answer":
            raise MayHaveHappened(f"no answer from {call.party}: ask again, with the same key")
        if trouble == "twice":
            self.party.again(now_us, call, yes)
        return yes
