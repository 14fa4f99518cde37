"""What each verb of the ring does; the question and the promises are in the room's own docstring."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.ring.version_vector import NOTHING_SEEN, Keep, Vector, Version, context_of, keep_siblings
from dsys_lab.structures.hash_ring import HashRing
from dsys_lab.trace import NO_TRACE, Recorder, Scalar

REPAIR: Final = -1
HAND_OVER: Final = -2
"""Numbers of messages that belong to no put: of a read repair, and of a stand-in to the home of a key."""

Lag = Callable[[str], int]
"""(machine) -> microseconds that the next message to it takes."""


@dataclass(frozen=True, slots=True)
class Put:
    """A write that was taken in.

    Attributes
    ----------
    number : int
        Ask `is_acknowledged` with it.
    version : Version
    coordinator : str
    homes : tuple of str
        The machines to which it was sent; a stand-in counts for the one that it stands in for.
    hinted : tuple of str
        Those of them that are stand-ins.
    acknowledges_us : int
        When `W` of them will have it, if nobody fails before.
    """

    number: int
    version: Version
    coordinator: str
    homes: tuple[str, ...]
    hinted: tuple[str, ...]
    acknowledges_us: int


@dataclass(frozen=True, slots=True)
class Got:
    """What a read found.

    Attributes
    ----------
    values : tuple of str
        The siblings, in an order that means nothing; empty if there is no such key.
    context : Vector
        What was seen: hand it in with the next write, and it takes the place of all of them.
    asked : tuple of str
        The machines that were asked.
    behind : tuple of str
        Those of them that lacked something.
    versions : tuple of Version
    """

    values: tuple[str, ...]
    context: Vector
    asked: tuple[str, ...]
    behind: tuple[str, ...]
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class RingStatus:
    """The ring as it is.

    Attributes
    ----------
    up, down : tuple of str
    keys : dict
        How many keys each machine keeps.
    hints : int
        Versions that stand-ins keep for others.
    on_the_way : int
        Messages that have yet to arrive.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]
    keys: dict[str, int]
    hints: int
    on_the_way: int


class Ring:
    """Keys on N machines of many, with a quorum for reads and one for writes, and no leader.

    Parameters
    ----------
    machines : iterable of str
    n, r, w : int
        Copies of a key; how many are asked to read; how many must have it before a write is acknowledged.
    virtual_nodes : int
    sloppy : bool
        Let other machines stand in for those that are down (and keep a hint for whom), rather than refuse.
    read_repair : bool
        Send what was found to those of the asked that lacked it.
    keep : callable
        What becomes of concurrent versions: `keep_siblings` or `last_writer_wins`.
    lag : callable
        How long the next message to a machine takes.

    Examples
    --------
    >>> ring = Ring(["a", "b", "c"], n=3, r=2, w=2)
    >>> _ = ring.put(0, "person 17", "7.25"), ring.put(0, "person 17", "6.5")     # nobody had read the other's
    >>> found = ring.get(0, "person 17")
    >>> found.values
    ('7.25', '6.5')
    >>> _ = ring.put(0, "person 17", "6.875", context=found.context)
    >>> ring.get(0, "person 17").values
    ('6.875',)
    """

    def __init__(
        self,
        machines: Iterable[str],
        *,
        n: int = 3,
        r: int = 2,
        w: int = 2,
        virtual_nodes: int = 64,
        sloppy: bool = False,
        read_repair: bool = True,
        keep: Keep = keep_siblings,
        lag: Lag = lambda machine: 0,
        place: str = "ring",
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.hash_ring = HashRing(machines, virtual_nodes=virtual_nodes)
        if not 1 <= n <= len(self.hash_ring.machines) or not 1 <= r <= n or not 1 <= w <= n:
            most = len(self.hash_ring.machines)
            raise BadParameter(f"n = {n!r}, r = {r!r}, w = {w!r}: give 1 to {most} copies, and 1 to n for r and w")
        self.n, self.r, self.w, self.sloppy, self.read_repair = n, r, w, sloppy, read_repair
        self.keep, self.lag, self.place, self.recorder = keep, lag, place, recorder
        self.down: list[str] = []
        self._kept: dict[str, dict[str, tuple[Version, ...]]] = {machine: {} for machine in self.hash_ring.machines}
        self._hints: list[tuple[str, str, str]] = []  # who stands in, for whom, which key
        self._numbers = dict.fromkeys(self.hash_ring.machines, 0)
        self._on_the_way: list[tuple[int, int, str, str, str, tuple[Version, ...], int]] = []
        self._shown: dict[str, dict[str, int]] = {machine: {} for machine in self.hash_ring.machines}
        self._order = 0
        self._has_it: list[int] = []

    # ------------------------------------------------------------ write path
    def put(
        self, now_us: int, key: str, value: str | None, *, context: Vector = NOTHING_SEEN, clock_us: int | None = None
    ) -> Put:
        """Let `key` have a value; what `context` has seen is replaced, and nothing else. None deletes.

        Parameters
        ----------
        context : Vector
            What the writer had read: of `get`.
        clock_us : int, optional
            The coordinator's clock, if it is wrong.

        Raises
        ------
        Refused
            If fewer than W machines can take it; nothing was sent.
        """
        _require_key(key)
        self.tick(now_us)
        places = self._places(key)
        if len(places) < self.w:
            raise Refused(f"{len(places)} of {self.n} machines for {key!r} are up, {self.w} must take it: try later")
        coordinator = places[0][0]
        self._numbers[coordinator] += 1
        version = Version(value, (coordinator, self._numbers[coordinator]), context,
                          now_us if clock_us is None else clock_us)  # fmt: skip
        kept = self.keep((*self._kept[coordinator].get(key, ()), version))
        versions = (*(one for one in kept if one != version), *(one for one in kept if one == version))
        number = len(self._has_it)
        self._has_it.append(0)
        times = []
        for machine, stands_for in places:
            arrive_us = now_us if machine == coordinator else now_us + self.lag(machine)
            times.append(arrive_us)
            self._send(now_us, arrive_us, coordinator, machine, key=key, versions=versions, number=number)
            if stands_for is not None:
                self._hints.append((machine, stands_for, key))
        self.tick(now_us)
        hinted = tuple(machine for machine, stands_for in places if stands_for is not None)
        return Put(number, version, coordinator, tuple(m for m, _ in places), hinted, sorted(times)[self.w - 1])

    def is_acknowledged(self, put: Put) -> bool:
        """Whether W machines have a write, so that its writer may be told."""
        return self._has_it[put.number] >= self.w

    def _places(self, key: str) -> list[tuple[str, str | None]]:
        """Return the machines for a key that are up, and for whom each stands in (None: for itself)."""
        everyone = self.hash_ring.owners(key.encode(), len(self.hash_ring.machines))
        homes, others = everyone[: self.n], [m for m in everyone[self.n :] if m not in self.down]
        places: list[tuple[str, str | None]] = [(home, None) for home in homes if home not in self.down]
        if self.sloppy:
            absent = [home for home in homes if home in self.down]
            places += list(zip(others, absent, strict=False))
        return places

    def _send(
        self, now_us: int, arrive_us: int, source: str, machine: str, *, key: str, versions: tuple[Version, ...],
        number: int = REPAIR,
    ) -> None:  # fmt: skip
        """Send versions on their way; the row names the newest."""
        self._order += 1
        heapq.heappush(self._on_the_way, (arrive_us, self._order, source, machine, key, versions, number))
        if versions:
            self.recorder.emit(
                now_us, "send", f"{self.place}/{source}", _name(versions[-1]), to=f"{self.place}/{machine}",
                copy=self._order, type="repair" if number < 0 else "write", arrive_us=arrive_us,
            )  # fmt: skip

    # ------------------------------------------------------------ read path
    def get(self, now_us: int, key: str, *, ask: Sequence[str] | None = None) -> Got:
        """Ask R machines for a key, and join what they say.

        Parameters
        ----------
        ask : sequence of str, optional
            Which of `replicas` to ask; the first R of them if it is not given.

        Raises
        ------
        Refused
            If fewer than R are up.
        """
        _require_key(key)
        self.tick(now_us)
        up = self.replicas(key)
        asked = tuple(up[: self.r] if ask is None else ask)
        if len(up) < self.r:
            raise Refused(f"{len(up)} of {self.n} machines for {key!r} are up, and {self.r} must be asked: try later")
        if len({*asked}) != self.r or not {*asked} <= {*up}:
            raise BadParameter(f"ask = {list(asked)}: give {self.r} different machines of {up}")
        versions = self.keep(version for machine in asked for version in self._kept[machine].get(key, ()))
        behind = tuple(machine for machine in asked if self._kept[machine].get(key, ()) != versions)
        if self.read_repair:
            knows = next((machine for machine in asked if machine not in behind), asked[0])
            for machine in behind:
                self._send(now_us, now_us + self.lag(machine), knows, machine, key=key, versions=versions)
            self.tick(now_us)
        values = tuple(version.value for version in versions if version.value is not None)
        return Got(values, context_of(versions), asked, behind, versions)

    def replicas(self, key: str) -> list[str]:
        """Return the machines that can be asked for a key, in the order in which they stand on the ring."""
        return [machine for machine, _ in self._places(key)]

    # ------------------------------------------------------------ time and trouble
    def tick(self, now_us: int) -> None:
        """Let what was sent arrive; what is for a machine that is down is lost. Hand over what was kept for others."""
        for hint in [hint for hint in self._hints if hint[0] not in self.down and hint[1] not in self.down]:
            stand_in, home, key = hint
            self._hints.remove(hint)
            if key in self._kept[stand_in]:
                kept = self._kept[stand_in][key]
                self._send(now_us, now_us + self.lag(home), stand_in, home, key=key, versions=kept, number=HAND_OVER)
        while self._on_the_way and self._on_the_way[0][0] <= now_us:
            _, copy, source, machine, key, versions, number = heapq.heappop(self._on_the_way)
            if machine in self.down:
                self._tell("lost", now_us, machine, versions, source=source, copy=copy, why="it is down")
                if number == HAND_OVER:
                    self._hints.append((source, machine, key))
                continue
            self._tell("receive", now_us, machine, versions, source=source, copy=copy)
            before = self._kept[machine].get(key, ())
            after = self._kept[machine][key] = self.keep((*before, *versions))
            if number >= 0:
                self._has_it[number] += 1
            self._show(now_us, machine, versions, copy, after)
            if number == HAND_OVER:
                self._forget(source, key)

    def _forget(self, stand_in: str, key: str) -> None:
        """Let a stand-in drop what arrived at its home; what it took in itself it must know when it numbers the next.

        Who reads its second version without its first would else seem to have seen both.
        """
        awaited = any((who, which) == (stand_in, key) for who, _, which in self._hints)
        if not awaited and all(version.dot[0] != stand_in for version in self._kept[stand_in].get(key, ())):
            self._kept[stand_in].pop(key, None)

    def _show(
        self, now_us: int, machine: str, versions: tuple[Version, ...], copy: int, after: tuple[Version, ...]
    ) -> None:
        """Show which copies go, now that a machine keeps these versions: each version is shown once there."""
        shown = self._shown[machine]
        came = _name(versions[-1]) if versions else ""
        kept = [_name(version) for version in after]
        newest = kept[-1] if kept else ""
        gone = [(name, which) for name, which in shown.items() if name not in kept]
        if came and (came in shown or came not in kept):
            gone.append((came, copy))
        elif came:
            shown[came] = copy
            self.recorder.emit(now_us, "archive", f"{self.place}/{machine}", came, copy=copy)
        for name, which in gone:
            if shown.get(name) == which:
                del shown[name]
            self.recorder.emit(now_us, "replaced", f"{self.place}/{machine}", name, by=newest, copy=which)

    def _tell(self, kind: str, now_us: int, machine: str, versions: tuple[Version, ...], **fields: Scalar) -> None:
        if versions:
            self.recorder.emit(now_us, kind, f"{self.place}/{machine}", _name(versions[-1]), type="version", **fields)

    def deadline_us(self) -> int | None:
        """When the next message arrives."""
        return self._on_the_way[0][0] if self._on_the_way else None

    def crash(self, now_us: int, machine: str) -> None:
        """Let a machine be out of reach; what it keeps is on its disk."""
        self._require_machine(machine)
        self.tick(now_us)
        if machine not in self.down:
            self.down.append(machine)
            self.recorder.emit(now_us, "crash", f"{self.place}/{machine}")

    def restart(self, now_us: int, machine: str) -> None:
        """Let a machine be in reach again; it knows what it knew, and stand-ins hand over what they kept for it."""
        self._require_machine(machine)
        if machine in self.down:
            self.down.remove(machine)
            self.recorder.emit(now_us, "restart", f"{self.place}/{machine}")
        self.tick(now_us)

    def kept_by(self, machine: str, key: str) -> tuple[Version, ...]:
        """Return the versions of a key that a machine has."""
        self._require_machine(machine)
        return self._kept[machine].get(key, ())

    def _require_machine(self, machine: str) -> None:
        if machine not in self._kept:
            raise BadParameter(f"machine = {machine!r}: give one of {', '.join(self._kept)}")

    def status(self) -> RingStatus:
        """Return who is up, and who keeps how much."""
        up = tuple(machine for machine in self.hash_ring.machines if machine not in self.down)
        keys = {machine: len(kept) for machine, kept in self._kept.items()}
        return RingStatus(up, tuple(self.down), keys, len(self._hints), len(self._on_the_way))


def _name(version: Version) -> str:
    """Return what a version is called in rows: its dot, such as a3."""
    return f"{version.dot[0]}{version.dot[1]}"


def _require_key(key: str) -> None:
    if type(key) is not str or not key:
        raise BadParameter(f"key = {key!r}: give a string that is not empty")
