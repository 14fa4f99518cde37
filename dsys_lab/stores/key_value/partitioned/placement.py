"""On which of n machines does a key live, and how many keys move when there are n + 1?

- `ModuloPlacement`: the hash modulo n. It spreads evenly and needs no table; but with n + 1 machines nearly every key
  lives elsewhere, n of n + 1 of them.
- `HashRing` (`dsys_lab.structures.hash_ring`): the first machine clockwise. 1 of n + 1 moves.
- `RangePlacement`: what DynamoDB does. The hash space is cut into ranges; one range is cut in two when it is too large
  or too busy, and one half of it moves. Nothing else does.

Sources: Karger et al., STOC 1997; Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.structures.hash_ring import POSITIONS, position_of


class Placement(Protocol):
    """Says on which machine a key lives."""

    def owner(self, key: bytes) -> str:
        """Return the machine."""


class ModuloPlacement:
    """The hash of the key modulo the number of machines: even, simple, and everything moves when the number changes.

    Examples
    --------
    >>> ten = ModuloPlacement([f"m{n}" for n in range(10)])
    >>> eleven = ModuloPlacement([f"m{n}" for n in range(11)])
    >>> round(moved_share(ten, eleven, (f"person {n}".encode() for n in range(10_000))), 2)
    0.91
    """

    def __init__(self, machines: Iterable[str]) -> None:
        self.machines = list(machines)
        if not self.machines:
            raise BadParameter("machines = []: give one or more")

    def owner(self, key: bytes) -> str:
        """Return the machine on which a key lives."""
        return self.machines[position_of(key) % len(self.machines)]


class RangePlacement:
    """The hash space cut into ranges, each with its machine.

    Parameters
    ----------
    starts : sequence of int
        Where each range begins, the first at 0.
    """

    def __init__(self, machines: Sequence[str], starts: Sequence[int] | None = None) -> None:
        self.machines = list(machines)
        self.starts = even_starts(len(self.machines)) if starts is None else list(starts)
        if len(self.starts) != len(self.machines) or self.starts[:1] != [0] or self.starts != sorted({*self.starts}):
            raise BadParameter(f"starts = {self.starts}: give one for each of {len(self.machines)}, rising from 0")

    def owner(self, key: bytes) -> str:
        """Return the machine on which a key lives."""
        position = position_of(key)
        return next(m for m, start in zip(self.machines[::-1], self.starts[::-1], strict=True) if position >= start)

    def split(self, number: int, machine: str) -> RangePlacement:
        """Return the placement in which the upper half of range `number` lives on another machine."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else POSITIONS
        middle = (self.starts[number] + end) // 2
        at = number + 1
        return RangePlacement(
            [*self.machines[:at], machine, *self.machines[at:]], [*self.starts[:at], middle, *self.starts[at:]]
        )


def even_starts(count: int) -> list[int]:
    """Return where `count` equal ranges of the hash space begin."""
    if count < 1:
        raise BadParameter(f"count = {count!r}: give 1 range or more")
    return [POSITIONS * number // count for number in range(count)]


def moved_share(before: Placement, after: Placement, keys: Iterable[bytes]) -> float:
    """Return the share of the keys that live elsewhere afterwards."""
    moved = [before.owner(key) != after.owner(key) for key in keys]
    return sum(moved) / len(moved)
