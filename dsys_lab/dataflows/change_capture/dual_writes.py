"""What can go wrong when every writer writes to the table and then to the copy?

Nothing, as long as one writes at a time. Two who write one key at once meet twice, and may win once each: the table
keeps ben's, for his commit was the later one, and the copy ada's, for her message was. Nobody gets an error, and no
later repair knows that there is anything to repair. ::

    ada    table          copy
    ben          table          copy       both end with ben's
    ben          table  copy  |
    ada    table              |  copy      the table ends with ben's, the copy with ada's: for ever

`interleavings` lists every order that two or more writers can have; `ends` says what is left where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dsys_lab.errors import BadParameter


class Write(NamedTuple):
    """One step: who writes, and where: "table" or "copy"."""

    who: str
    where: str


def interleavings(writers: Sequence[str]) -> list[tuple[Write, ...]]:
    """Return every order in which these write, each to the table first and then to the copy.

    Raises
    ------
    BadParameter
        If there are none, or one twice.

    Examples
    --------
    >>> len(interleavings(("ada", "ben"))), len(interleavings(("ada", "ben", "cem")))
    (6, 90)
    """
    if not writers or len(set(writers)) < len(writers):
        raise BadParameter(f"writers = {writers!r}: give one or more, each once")
    return _orders({who: (Write(who, "table"), Write(who, "copy")) for who in writers})


def _orders(left: dict[str, tuple[Write, ...]]) -> list[tuple[Write, ...]]:
    if not left:
        return [()]
    found = []
    for who, (step, *later) in left.items():
        rest = {one: steps for one, steps in left.items() if one != who} | ({who: tuple(later)} if later else {})
        found += [(step, *order) for order in _orders(rest)]
    return found


def ends(order: Sequence[Write]) -> dict[str, str]:
    """Return whose value stands where in the end: the last one's, in each place."""
    return {write.where: write.who for write in order}


def diverging(orders: Sequence[Sequence[Write]]) -> list[Sequence[Write]]:
    """Return those orders after which the copy is not what the table says."""
    return [order for order in orders if len(set(ends(order).values())) > 1]
