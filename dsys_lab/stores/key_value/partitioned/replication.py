"""How do three copies keep an acknowledged write, when any one of them may fail?

One replica *leads*: it orders the writes, writes each down, and ships it to its two followers. A write is committed
when two of the three have it in their journals; then, and not before, it is acknowledged and may be read. Any two
replicas that are left have one in common with those two, so they know it.

When the leader fails, the fuller journal leads on (`fullest_journal`): it holds every committed write, and may hold
some that nobody was told of, which then count. The one that led before finds on its return that its last, uncommitted
entries are not in the new leader's journal, and forgets them. Whoever takes any live replica for a leader instead
(`first_alive`) loses what was acknowledged: that is the simplest wrong thing, and it stands here beside the right one.

A *strong* read asks the leader. An *eventual* one asks any of the three at half the price, and a follower may lag.

The group promises
------------------
1. A committed write is read by every later strong read, whichever one replica fails.
2. What is not committed is never read.
3. A follower's items are those of the leader at some moment, never a mixture.
4. With fewer than two replicas up nothing is written, and nothing is read strongly: `Refused`, nothing happened.

Cost: two messages a write; a write takes as long as the faster follower.

Left out: how the failure is noticed and the vote itself (whoever calls `elect` is the failure detector), leases, log
replicas, gray failures. A replica that returns takes over what it missed at once.

Sources: Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 3 and 5 (Multi-Paxos groups of three); Ongaro and
Ousterhout, "In search of an understandable consensus algorithm", USENIX ATC 2014, section 5.4 (why the fullest journal
leads).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Final

from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value.partitioned.replica import Applied, Command, Entry, Items, Replica
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder

REPLICAS: Final = 3
QUORUM: Final = 2

Lag = Callable[[int], int]
"""(number of a follower) -> microseconds that the next message to it takes."""


def no_lag(follower: int) -> int:
    """Let every message arrive at once."""
    return 0


def fullest_journal(live: Sequence[Replica]) -> Replica:
    """Choose the replica whose journal goes furthest: it has everything that was committed."""
    return max(live, key=lambda replica: replica.end)


def first_alive(live: Sequence[Replica]) -> Replica:
    """Choose the first that is up, whatever it knows. It may have missed what was acknowledged."""
    return live[0]


class ReplicaGroup:
    """Three replicas of one partition.

    Parameters
    ----------
    place : str
        The partition's name.
    lag : callable
        How long the next message to a follower takes, in microseconds.
    choose : callable
        Who leads on, among those that are up.
    disks : sequence of Disk, optional
        One for each replica's journal. If something is found there, `elect` must say who leads.
    """

    def __init__(
        self,
        place: str,
        *,
        lag: Lag = no_lag,
        choose: Callable[[Sequence[Replica]], Replica] = fullest_journal,
        disks: Sequence[Disk] | None = None,
        now_us: int = 0,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.place, self.lag, self.choose, self.disks, self.recorder = place, lag, choose, disks, recorder
        self.replicas = [
            Replica(f"{place}/replica-{n}", disks[n] if disks else None, now_us=now_us, recorder=recorder)
            for n in range(REPLICAS)
        ]
        self.epoch = max(0, *(replica.end[0] for replica in self.replicas))
        self.committed = 0
        found = any(replica.journal for replica in self.replicas)
        self.leader: Replica | None = None if found else self.replicas[0]
        self._on_the_way: list[tuple[int, int, int, int, Entry]] = []  # arrival, number, epoch, follower, entry
        self._last_us = [0] * REPLICAS

    # ------------------------------------------------------------ write path
    def append(self, now_us: int, command: Command) -> int:
        """Write a command down at the leader and ship it; it is committed once `committed` is above its number.

        Returns
        -------
        int
            The number of its entry.
        """
        leader = self.require_quorum()
        entry = Entry(self.epoch, command)
        number = len(leader.journal)
        leader.append(now_us, entry)
        for n, follower in enumerate(self.replicas):
            if follower is not leader:
                self._last_us[n] = max(self._last_us[n], now_us + self.lag(n))  # messages do not overtake each other
                heapq.heappush(self._on_the_way, (self._last_us[n], number, self.epoch, n, entry))
        return number

    def begin_with(self, now_us: int, command: Command) -> None:
        """Let all three replicas begin with these items: what a partition is given when it is cut from another."""
        for replica in self.replicas:
            replica.append(now_us, Entry(self.epoch, command))
        self.committed = len(self.replicas[0].journal)
        for replica in self.replicas:
            replica.apply(self.committed)

    def tick(self, now_us: int) -> list[Applied]:
        """Let what was shipped arrive; return what became committed."""
        done: list[Applied] = []
        while self._on_the_way and self._on_the_way[0][0] <= now_us:
            done += self._arrive(now_us)
        return done

    def settle(self, now_us: int) -> list[Applied]:
        """Wait until a quorum has all that the leader wrote down; return what became committed.

        For somebody who may not go on before: messages arrive in their order, and the wait has no length here.

        Raises
        ------
        Refused
            If no follower is left that could agree.
        """
        leader, done = self.require_quorum(), list[Applied]()
        while self._on_the_way and self.committed < len(leader.journal):
            done += self._arrive(now_us)
        if self.committed < len(leader.journal):
            raise Refused(f"{self.place}: no quorum has entry {self.committed}: restart a replica, or elect")
        return done

    def _arrive(self, now_us: int) -> list[Applied]:
        """Let the next message arrive; return what became committed by it."""
        _, number, epoch, n, entry = heapq.heappop(self._on_the_way)
        follower = self.replicas[n]
        if epoch != self.epoch or not follower.is_up or number != len(follower.journal):
            return []
        follower.append(now_us, entry)
        done = self._commit(now_us)
        follower.apply(self.committed)
        return done

    def deadline_us(self) -> int | None:
        """When `tick` has something to do, or None."""
        return self._on_the_way[0][0] if self._on_the_way else None

    def commits_us(self) -> int | None:
        """When the newest entry is committed if nobody fails before: when the first message with it arrives."""
        leader = self.leader
        if leader is None or self.committed == len(leader.journal):
            return None
        newest = leader.journal[-1]
        times = [at for at, _, epoch, n, entry in self._on_the_way
                 if entry is newest and epoch == self.epoch and self.replicas[n].is_up]  # fmt: skip
        return min(times, default=None)

    def _commit(self, now_us: int) -> list[Applied]:
        """Count who has what; apply what a quorum has."""
        leader = self.leader
        if leader is None:
            return []
        lengths = sorted(
            (len(replica.journal) for replica in self.replicas if replica.end[0] == self.epoch), reverse=True
        )
        if len(lengths) >= QUORUM and lengths[QUORUM - 1] > self.committed:
            self.committed = lengths[QUORUM - 1]
            self.recorder.emit(now_us, "log_sync", self.place, lsn=self.committed - 1)
            return leader.apply(self.committed)
        return []

    # ------------------------------------------------------------ read path
    def require_quorum(self) -> Replica:
        """Return the leader, if there is one and a follower to agree with it.

        Raises
        ------
        Refused
        """
        if self.leader is None or sum(replica.is_up for replica in self.replicas) < QUORUM:
            up = [replica.place for replica in self.replicas if replica.is_up]
            raise Refused(f"{self.place} has no leader and quorum (up: {up}): restart a replica, or elect")
        return self.leader

    def read(self, *, strong: bool, replica: int = 0) -> Items:
        """Return the items to read: the leader's, or those of one of the three."""
        if strong:
            return self.require_quorum().items
        if not 0 <= replica < REPLICAS:
            raise BadParameter(f"replica = {replica!r}: give 0 to {REPLICAS - 1}")
        live = [r for r in self.replicas[replica:] + self.replicas[:replica] if r.is_up]
        if not live:
            raise Refused(f"{self.place} has no replica that is up: restart one")
        return live[0].items

    # ------------------------------------------------------------ trouble
    def crash(self, now_us: int, number: int) -> None:
        """Let a replica fail. Its journal is on disk; what is on its way to it is lost."""
        replica = self.replicas[number]
        replica.is_up = False
        if self.leader is replica:
            self.leader = None
        self.recorder.emit(now_us, "crash", replica.place)

    def restart(self, now_us: int, number: int) -> list[Applied]:
        """Let a replica return. If there is a leader, it takes over what it missed."""
        replica = self.replicas[number]
        if self.disks:
            replica = self.replicas[number] = Replica(
                replica.place, self.disks[number], now_us=now_us, recorder=self.recorder
            )
        replica.is_up = True
        self.recorder.emit(now_us, "restart", replica.place)
        return self._follow(now_us, replica)

    def elect(self, now_us: int) -> list[Applied]:
        """Let one of those that are up lead, in a new epoch; return what became committed by it.

        Raises
        ------
        Refused
            If fewer than two are up.
        """
        live = [replica for replica in self.replicas if replica.is_up]
        if len(live) < QUORUM:
            raise Refused(f"{self.place}: {len(live)} of {REPLICAS} replicas are up, and {QUORUM} must agree")
        self.epoch += 1
        self.leader = leader = self.choose(live)
        self.committed = min(self.committed, len(leader.journal))  # smaller only if the choice was wrong
        _rebuild(leader, self.committed)
        self.recorder.emit(now_us, "lease", self.place, shard=self.place, owner=leader.place, epoch=self.epoch)
        leader.append(
            now_us, Entry(self.epoch, Command())
        )  # the first word of the epoch: all before it is agreed with it
        done: list[Applied] = []
        for replica in live:
            if replica is not leader:
                done += self._follow(now_us, replica)
        return done

    def _follow(self, now_us: int, replica: Replica) -> list[Applied]:
        """Let a replica take over the leader's journal; forget with it what was applied and is not there."""
        leader = self.leader
        if leader is None or replica is leader:
            return []
        replica.follow(now_us, leader.journal)
        done = self._commit(now_us)
        _rebuild(replica, self.committed)
        return done


def _rebuild(replica: Replica, committed: int) -> None:
    """Work the items out anew from the journal: what is not in it was never there."""
    replica.items, replica.locks, replica.applied = Items(), {}, 0
    replica.apply(committed)
