"""The shards of a stream together: what a split does, what time does, and which rows are told when.

Three orders are kept, whatever the power does. A *split or merge*: the parents are made durable, then the new map; at
the second it has happened. *Going*: a shard leaves the map first, then its files go; files that the map does not know
are taken away at opening. *Telling*: the row of a record is written when the record is durable, so no row says what a
crash could undo.

As in a queue, time is caught up with and never awaited: `reach` first lets go of all that has become too old.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from dsys_lab.brokers.log_stream.admission import Gate
from dsys_lab.brokers.log_stream.key_ranges import KeyRange
from dsys_lab.brokers.log_stream.settings import Settings, require_retention
from dsys_lab.brokers.log_stream.shard_log import ShardLog, remove_files
from dsys_lab.brokers.log_stream.shard_map import MAP_PREFIX, Shard, ShardMap
from dsys_lab.errors import Damaged, Misuse
from dsys_lab.structures import Disk, Fsync
from dsys_lab.structures.part_of_disk import PartOfDisk
from dsys_lab.trace import Recorder

_NEVER: Final = 1 << 62


class Told(NamedTuple):
    """Of one shard: the rows of all records below `appended` have been told, and that those below `expired` went."""

    expired: int
    appended: int


class Shards:
    """The map, and a log and a gate for each shard on it.

    Attributes
    ----------
    map : ShardMap
    logs, gates : dict
        By the name of the shard.
    now_us : int
        The time that it has reached.
    expired : int
        How many records became too old since it was opened.
    """

    def __init__(
        self,
        place: str,
        disk: Disk,
        settings: Settings | None,
        *,
        fsync: Fsync,
        segment_bytes: int,
        recorder: Recorder,
        told: Mapping[str, Told] | None,
        now_us: int,
    ) -> None:
        self.place, self.fsync, self.now_us = place, fsync, now_us
        self._disk, self._segment_bytes, self._recorder = disk, segment_bytes, recorder
        self.expired = 0
        self.map = ShardMap(disk, settings, place=f"{place}/map", recorder=recorder, now_us=now_us)
        self.logs: dict[str, ShardLog] = {}
        self.gates: dict[str, Gate] = {}
        self._due_us = 0
        self._remove_what_the_map_does_not_know()
        self._open()
        for name, log in self.logs.items():
            before = (told or {}).get(name)
            if before is not None:
                log.first, log.told = max(log.first, before.expired), before.appended
                self._tell(log)
        self._let_go(quietly=told is None)

    # ------------------------------------------------------------ shards
    def log(self, name: str) -> ShardLog:
        """Return the log of a shard that is on the map."""
        return self.logs[self.map.shard(name).name]

    def place_of(self, name: str) -> str:
        """Return under which name the rows of a shard appear."""
        return f"{self.place}/{name}"

    def replace(self, op: str, parents: list[Shard], ranges: list[KeyRange]) -> list[str]:
        """Close these shards and open one for each range; return the names."""
        for parent in parents:
            self.sync(self.logs[parent.name])
        closed = [replace(parent, end=self.logs[parent.name].end) for parent in parents]
        shards = self.map.replaced(closed, ranges, self.now_us)
        self.map.write(self.now_us, shards, next_number=self.map.next_number + len(ranges))
        with self.map.log.or_break("the files of the new shards"):
            self._open()
        names = [shard.name for shard in shards[-len(ranges) :]]
        self._recorder.emit(
            self.now_us, "shard", self.place, op=op,
            parents=", ".join(parent.name for parent in parents), children=", ".join(names),
        )  # fmt: skip
        self._due_us = 0
        return names

    def set_retention(self, retention_s: float) -> None:
        """Keep records for so long from now on; what was too old before does not come back."""
        require_retention(retention_s)
        kept = [replace(shard, horizon=self.logs[shard.name].first) for shard in self.map.shards.values()]
        self.map.write(self.now_us, kept, retention_s=retention_s)
        self._let_go()

    # ------------------------------------------------------------ what becomes durable, and is told
    def settle(self, names: Iterable[str]) -> None:
        """Sync those of these shards whose time it is, and tell what has become durable."""
        for name in names:
            log = self.logs[name]
            if (waiting := log.end - log.durable) and self.fsync.is_due(waiting, self.now_us - log.waiting_since_us):
                log.log.sync(self.now_us)
            self._tell(log)

    def sync(self, log: ShardLog) -> None:
        """Make all records of a shard durable, and tell them."""
        log.log.sync(self.now_us)
        self._tell(log)

    def _tell(self, log: ShardLog) -> None:
        for sequence, kept in log.kept(log.told, log.durable):
            self._due_us = min(self._due_us, kept.arrived_us + self.retention_us)
            self._recorder.emit(
                self.now_us, "append", self.place_of(log.name), kept.message,
                shard=log.name, offset=sequence, key=kept.key, copy=kept.copy,
            )  # fmt: skip
        log.told = log.durable

    # ------------------------------------------------------------ what time does
    @property
    def retention_us(self) -> int:
        """How old a record becomes."""
        return int(self.map.retention_s * 1e6 + 0.5)

    def reach(self, now_us: int) -> None:
        """Let time come to `now_us`."""
        if now_us < self.now_us:
            raise Misuse(f"now_us = {now_us} lies before {self.now_us}: time cannot run back")
        self.map.log.require_working()
        self.now_us = now_us
        if now_us >= self._due_us:
            self._let_go()

    def deadline_us(self) -> int | None:
        """Return when something becomes due next."""
        after_us = self.fsync.after_us
        waiting = [log.waiting_since_us for log in self.logs.values() if log.durable < log.end]
        syncs = [] if after_us is None else [since_us + after_us for since_us in waiting]
        due_us = min([*syncs, self._first_expiry_us()])
        return None if due_us == _NEVER else due_us

    def _first_expiry_us(self) -> int:
        """When the first record, or the first closed shard, becomes too old."""
        oldest = [log.first_arrived_us() for log in self.logs.values()]
        oldest += [shard.closed_us for shard in self.map.shards.values()]
        return min((us + self.retention_us for us in oldest if us is not None), default=_NEVER)

    def _let_go(self, *, quietly: bool = False) -> None:
        """Let go of records that are too old, of segments that hold no other, and of closed shards that have none."""
        horizon_us = self.now_us - self.retention_us
        for name, log in self.logs.items():
            gone = list(log.kept(log.first, min(log.first_since(horizon_us + 1), log.durable)))
            self.expired += len(gone)
            for _, kept in () if quietly else gone:
                age_us = self.now_us - kept.arrived_us
                self._recorder.emit(
                    self.now_us, "expire", self.place_of(name), kept.message, age_us=age_us, copy=kept.copy
                )
            if gone:
                log.first += len(gone)
                log.forget()
        shards = self.map.shards.values()
        over = [s.name for s in shards if s.closed_us is not None and s.closed_us <= horizon_us]
        if over:
            self.map.write(self.now_us, [shard for shard in shards if shard.name not in over])
            with self.map.log.or_break(f"the removal of {', '.join(over)}"):
                for name in over:
                    self.logs.pop(name).remove()
                    del self.gates[name]
        self._due_us = self._first_expiry_us()

    # ------------------------------------------------------------ files
    def _open(self) -> None:
        for shard in self.map.shards.values():
            if shard.name not in self.logs:
                log = self.logs[shard.name] = ShardLog(
                    self._disk, shard.name, shard.begin, segment_bytes=self._segment_bytes,
                    place=self.place_of(shard.name), recorder=self._recorder, now_us=self.now_us,
                )  # fmt: skip
                if shard.end not in (None, log.end):
                    raise Damaged(f"{shard.name} was closed at {shard.end} and ends at {log.end}: restore its files")
                log.first = max(log.first, shard.horizon)
                self.gates[shard.name] = Gate(self.map.settings.limits)

    def _remove_what_the_map_does_not_know(self) -> None:
        """Take away the files of shards that had left the map when the power went."""
        for prefix in sorted({name.partition(".")[0] for name in self._disk.names()}):
            if f"{prefix}." != MAP_PREFIX and prefix not in self.map.shards:
                remove_files(PartOfDisk(self._disk, f"{prefix}."))
