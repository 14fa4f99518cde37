"""On which machine does a key live, when machines come and go?

Machines and keys are hashed onto one ring of 2^64 positions. A key belongs to the first machine clockwise from it, so a
machine that joins takes keys from its right-hand neighbour only, and all others stay where they are. With one point a
machine the arcs are of very different length; so each machine stands on the ring at many points, its *virtual nodes*,
whose arcs even out.

The ring promises
-----------------
1. Where a key lives depends on the key and on the set of machines only: not on the order in which they came, nor on the
   process that asks.
2. When a machine joins, keys move to it only; when one leaves, its keys only move.
3. `owners` gives different machines, the first of which is the owner: the *preference list* of a replicated key.

Cost: one binary search a look-up; a machine that joins or leaves sorts its points in.

Left out: machines of different strength (give such a one more points), bounded loads.

Sources: Karger et al., "Consistent hashing and random trees", STOC 1997; DeCandia et al., "Dynamo: Amazon's highly
available key-value store", SOSP 2007, section 4.2.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final

from dsys_lab.errors import BadParameter

POSITIONS: Final = 1 << 64


def position_of(key: bytes) -> int:
    """Return where on the ring a key lies: 64 bits of its BLAKE2b hash, the same in every process.

    (The built-in `hash` is salted anew in each process: a key placed by it is not found again.)
    """
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")


class HashRing:
    """Machines on a ring of hashes.

    Parameters
    ----------
    machines : iterable of str
    virtual_nodes : int
        How many points each machine has.

    Examples
    --------
    >>> ring = HashRing(["a", "b", "c"], virtual_nodes=64)
    >>> before = [ring.owner(b"person 17"), ring.owner(b"person 18")]
    >>> ring.add("d")
    >>> all(now in (was, "d") for was, now in zip(before, [ring.owner(b"person 17"), ring.owner(b"person 18")]))
    True
    """

    def __init__(self, machines: Iterable[str] = (), *, virtual_nodes: int = 128) -> None:
        if type(virtual_nodes) is not int or virtual_nodes < 1:
            raise BadParameter(f"virtual_nodes = {virtual_nodes!r}: give 1 or more points a machine")
        self.virtual_nodes = virtual_nodes
        self.machines: list[str] = []
        self._points: list[tuple[int, str]] = []
        for machine in machines:
            self.add(machine)

    def add(self, machine: str) -> None:
        """Let a machine join."""
        if type(machine) is not str or machine in self.machines:
            raise BadParameter(f"machine = {machine!r}: give a name that is not on the ring, which has {self.machines}")
        insort(self.machines, machine)
        for number in range(self.virtual_nodes):
            insort(self._points, (position_of(f"{machine}/{number}".encode()), machine))

    def remove(self, machine: str) -> None:
        """Let a machine leave."""
        if machine not in self.machines:
            raise BadParameter(f"machine = {machine!r}: give one of {self.machines}")
        self.machines.remove(machine)
        self._points = [point for point in self._points if point[1] != machine]

    def owner(self, key: bytes) -> str:
        """Return the machine on which a key lives."""
        return self.owners(key, 1)[0]

    def owners(self, key: bytes, count: int) -> list[str]:
        """Return the first `count` different machines clockwise from a key."""
        if not 1 <= count <= len(self.machines):
            raise BadParameter(f"count = {count!r}: give 1 to {len(self.machines)}, for so many machines are there")
        found: list[str] = []
        first = bisect_left(self._points, (position_of(key), ""))
        for step in range(len(self._points)):
            machine = self._points[(first + step) % len(self._points)][1]
            if machine not in found:
                found.append(machine)
                if len(found) == count:
                    break
        return found

    @property
    def points(self) -> list[tuple[int, str]]:
        """Every point: its position and its machine, in order of position."""
        return list(self._points)

    def arc_shares(self) -> dict[str, float]:
        """Return the share of the ring that each machine owns."""
        shares = dict.fromkeys(self.machines, 0.0)
        for (before, _), (position, machine) in zip(self._points[-1:] + self._points[:-1], self._points, strict=True):
            shares[machine] += ((position - before) % POSITIONS or POSITIONS) / POSITIONS
        return shares
