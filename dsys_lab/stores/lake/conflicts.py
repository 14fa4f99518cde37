"""Two writers began at the same version, and one was first: may the other still commit what it has?

It may if it would have written the very same, had it begun after the first. So it depends on what it *read*:

=====================================  ==============================================================================
what the other committed meanwhile     who may not go on
=====================================  ==============================================================================
other columns, or another protocol     everybody: what was written was checked against the old ones
removed a file                         who removes it, too: its rows would be deleted, or rewritten, a second time
removed a file                         who read it: what was made from its rows is of rows that are gone
added a file                           who read all rows of a range in which the file has some: they were not seen
=====================================  ==============================================================================

A plain append read nothing; two of them never conflict. A compaction read the files that it rewrites, and no range: it
may go on beside appends.

Sources: Delta protocol and delta.io, "Concurrency control"; Kung and Robinson, "On optimistic methods for concurrency
control", TODS 1981 (validation).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsys_lab.stores.lake.actions import Action, Add, Metadata, Protocol, Remove
from dsys_lab.stores.table import Between


@dataclass(frozen=True, slots=True)
class Read:
    """What a change depends on.

    Attributes
    ----------
    files : frozenset of str
        The files whose rows were read.
    rows_of : tuple of Between or None
        The ranges of which *all* rows were read; None in it is the whole table.
    """

    files: frozenset[str] = frozenset()
    rows_of: tuple[Between | None, ...] = ()


NOTHING = Read()
"""What an append depends on."""


def conflict(mine: Iterable[Action], read: Read, theirs: Iterable[Action]) -> str:
    """Return why `mine` may not follow `theirs`, or "" if it may.

    >>> conflict([Add("b", 1)], NOTHING, [Add("a", 1)])
    ''
    >>> conflict([Remove("a"), Add("b", 1)], Read(frozenset({"a"})), [Remove("a")])
    'a was removed, and this change read it'
    """
    removed = {one.path for one in mine if isinstance(one, Remove)}
    for their in theirs:
        match their:
            case Metadata() | Protocol():
                return "the columns, or the protocol, were changed"
            case Remove() if their.path in read.files:
                return f"{their.path} was removed, and this change read it"
            case Remove() if their.path in removed:
                return f"{their.path} was removed already"
            case Add() if their.changes_data and any(their.may_hold(where) for where in read.rows_of):
                return f"{their.path} was added, and may have rows that this change should have read"
            case _:
                pass
    return ""
