"""Which shards are there, and who is whose child?

Shards are never changed, only closed. A *split* closes one and opens two, each with a part of its range; a *merge*
closes two neighbours and opens one. So the shards form a graph over time, and a key's records lie along a path in it:
parents first, then their children.

The map is a log of its own, and every change writes the whole map as one record: the last whole record is the map. So a
split is done at the instant at which that record is durable, or it was never begun; a parent that is closed without
children cannot be.

Cost: some 150 bytes a shard and a sync, at every change.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import Any, Final

from dsys_lab.brokers.log_stream.key_ranges import KeyRange, even_ranges
from dsys_lab.brokers.log_stream.settings import Settings
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.structures import EVERY_RECORD, AppendLog, Disk
from dsys_lab.structures.part_of_disk import PartOfDisk
from dsys_lab.trace import NO_TRACE, Recorder

MAP_PREFIX: Final = "map."


@dataclass(frozen=True, slots=True)
class Shard:
    """What the map says of a shard.

    Attributes
    ----------
    name : str
    keys : KeyRange
    parents : tuple of str
    begin : int
        The number of its first record.
    end : int or None
        The number after its last one, once it is closed.
    closed_us : int or None
    horizon : int
        Nothing below can be read, whatever the retention is now.
    """

    name: str
    keys: KeyRange
    parents: tuple[str, ...] = ()
    begin: int = 0
    end: int | None = None
    closed_us: int | None = None
    horizon: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self.end is None


class ShardMap:
    """The shards of a stream, durable.

    Parameters
    ----------
    disk : Disk
        The stream's; the map's files begin with `MAP_PREFIX`.
    settings : Settings or None
        Of a new stream; an old one has its own.
    """

    def __init__(
        self,
        disk: Disk,
        settings: Settings | None,
        *,
        place: str = "map",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        self.log = AppendLog(
            PartOfDisk(disk, MAP_PREFIX), fsync=EVERY_RECORD, place=place, recorder=recorder, now_us=now_us
        )
        self.shards: dict[str, Shard] = {}
        self.retention_s = 0.0
        self.next_number = 0
        self._open: list[Shard] = []  # by their ranges
        found = [payload for _, payload in self.log.read()]
        if found:
            self._take(found[-1])
        else:
            self.settings = settings or Settings()
            self.retention_s = self.settings.retention_s
            shards = [Shard(_name(number), keys) for number, keys in enumerate(even_ranges(self.settings.shards))]
            self.write(now_us, shards, next_number=len(shards))

    def write(
        self, now_us: int, shards: Iterable[Shard], *, next_number: int | None = None, retention_s: float | None = None
    ) -> None:
        """Make this the map, durable, and take older maps away."""
        said = {
            "settings": self.settings.to_json(),
            "retention_s": self.retention_s if retention_s is None else retention_s,
            "next_number": self.next_number if next_number is None else next_number,
            "shards": [asdict(shard) for shard in shards],
        }
        payload = json.dumps(said, separators=(",", ":")).encode()
        with self.log.or_break("the map of shards"):  # what is in memory and what is in the log are never two maps
            self.log.roll(now_us)
            lsn = self.log.append(now_us, payload)
            self._take(payload)
            self.log.drop_before(lsn)

    def _take(self, payload: bytes) -> None:
        try:
            said = json.loads(payload)
            self.settings = Settings.from_json(said["settings"])
            self.retention_s, self.next_number = said["retention_s"], said["next_number"]
            self.shards = {shard["name"]: _shard(shard) for shard in said["shards"]}
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"{self.log.place}: {error!r}; this is no map of shards, open the right disk") from error
        self._open = sorted((shard for shard in self.shards.values() if shard.is_open), key=attrgetter("keys"))

    # ------------------------------------------------------------ questions
    def shard(self, name: str) -> Shard:
        """Return a shard of this name."""
        if name not in self.shards:
            if name in map(_name, range(self.next_number)):
                raise Refused(f"{name} is gone: it was closed, and its last record has become too old")
            raise BadParameter(f"shard = {name!r}: give one of {', '.join(self.shards)}")
        return self.shards[name]

    def open_shard(self, name: str) -> Shard:
        """Return a shard that takes records."""
        shard = self.shard(name)
        if not shard.is_open:
            raise Refused(f"{name} is closed: its keys went to {', '.join(self.children(name)) or 'shards since gone'}")
        return shard

    def of_hash(self, hashed: int) -> Shard:
        """Return the open shard that takes records of this hash."""
        return self._open[bisect_right(self._open, hashed, key=lambda shard: shard.keys.low) - 1]

    def children(self, name: str) -> tuple[str, ...]:
        """Return where a shard's keys went."""
        return tuple(child.name for child in self.shards.values() if name in child.parents)

    # ------------------------------------------------------------ changes
    def replaced(self, parents: list[Shard], ranges: Iterable[KeyRange], now_us: int) -> list[Shard]:
        """Return all shards after these parents were closed, each at its `end`, and one child a range was opened."""
        begin = max(parent.end or 0 for parent in parents)
        names = tuple(parent.name for parent in parents)
        children = [
            Shard(_name(number), keys, names, begin, horizon=begin)
            for number, keys in enumerate(ranges, self.next_number)
        ]
        closed = {parent.name: replace(parent, closed_us=now_us) for parent in parents}
        return [*(self.shards | closed).values(), *children]


def _name(number: int) -> str:
    return f"shard-{number:03d}"


def _shard(said: dict[str, Any]) -> Shard:
    return Shard(**{**said, "keys": KeyRange(*said["keys"]), "parents": tuple(said["parents"])})
