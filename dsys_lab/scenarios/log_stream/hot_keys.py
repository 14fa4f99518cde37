"""Which share of the records lies on which shard, and what that leaves of the shards together.

Sleepers are alike or a few send most (Zipf); or the keys are those of real flights. In both cases the stream itself
places the records; no shard has a limit here, so that all that is asked for can be counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import fmean
from typing import Any, Final

import duckdb

from dsys_lab import laws
from dsys_lab.brokers.log_stream import Limits, even_ranges, hash_of
from dsys_lab.brokers.log_stream.key_ranges import KeyRange
from dsys_lab.errors import BadParameter
from dsys_lab.workloads import flights
from dsys_lab.workloads.keys import zipf

SLEEPERS: Final = 1_000
RECORDS: Final = 20_000
COLUMNS: Final = {
    "one key for all": "'all'",
    "airport it leaves from": "origin",
    "airline": "carrier",
    "airport it goes to": "dest",
    "plane": "tailnum",
    "airline and flight number": "carrier || flight",
}
"""What a flight's key may be, as SQL; a cancelled flight without a plane has the key "none"."""
SHARD_TAKES: Final = Limits().write_records


def shares(counts: Mapping[str, float], ranges: Iterable[KeyRange]) -> list[float]:
    """Return which share of the records lies in each range of hashes, for so many records of each key."""
    tiles, total = list(ranges), sum(counts.values())
    found = dict.fromkeys(range(len(tiles)), 0.0)
    for key, count in counts.items():
        found[_shard(key, tiles)] += count
    return [found[n] / total for n in range(len(tiles))]


def _shard(key: str, tiles: Sequence[KeyRange]) -> int:
    hashed = hash_of(key)
    return next(n for n, tile in enumerate(tiles) if tile.low <= hashed < tile.high)


@lru_cache
def sleepers(exponent: float, seed: int = 1) -> dict[str, int]:
    """Return how many of 20,000 records each of 1,000 sleepers sends, at this exponent of Zipf's law."""
    counts = Counter(f"sleeper-{key}" for key in zipf(SLEEPERS, exponent).draw(seed, "keys", 0, RECORDS))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def expected(exponent: float) -> dict[str, float]:
    """Return the share of each of the sleepers, as Zipf's law has it."""
    return {f"sleeper-{rank}": float(share) for rank, share in enumerate(zipf(SLEEPERS, exponent).shares)}


def usable(counts: Mapping[str, float], shards: int) -> float:
    """Return which share of so many even shards can be used before the hottest is full."""
    return laws.usable_share(shares(counts, even_ranges(shards)))


def usable_by_shards(exponent: float, *shards: int) -> list[tuple[float, float]]:
    """Return the usable share for each number of shards."""
    return [(count, usable(sleepers(exponent), count)) for count in shards]


def after_splits(counts: Mapping[str, int], shards: int, splits: int) -> list[tuple[float, float]]:
    """Return (shards, records a second that they take together) after each split of the shard that is hottest then."""
    tiles, found = list(even_ranges(shards)), []
    for _ in range(splits + 1):
        loads = shares(counts, tiles)
        found.append((float(len(tiles)), SHARD_TAKES / max(loads)))
        hottest = tiles.pop(loads.index(max(loads)))
        tiles += hottest.split(hottest.middle)
    return found


def takes_at_most(counts: Mapping[str, int]) -> float:
    """Return how many records a second any number of shards can take: until the hottest key fills one alone."""
    return SHARD_TAKES * sum(counts.values()) / max(counts.values())


# ------------------------------------------------------------------------------------------ real keys
def _flights(by: str, question: str) -> list[tuple[Any, ...]]:
    if by not in COLUMNS:
        raise BadParameter(f"by = {by!r}: give one of {', '.join(COLUMNS)}")
    with duckdb.connect() as connection:
        flights.attach(connection)
        return connection.execute(question.format(key=COLUMNS[by])).fetchall()


@lru_cache
def departures(by: str) -> dict[str, int]:
    """Return how many flights of 2013 each key has."""
    return dict(_flights(by, "select coalesce({key}, 'none') as key, count(*) from flights group by key order by key"))


def one_after_the_other(by: str, shards: int = 8) -> float:
    """Return, of two flights in a row of the same plane, the share of which both lie on one of so many even shards."""
    rows = _flights(
        by,
        "select tailnum, {key} as key from flights where tailnum is not null "
        "order by tailnum, month, day, sched_dep_time, key",
    )
    tiles = even_ranges(shards)
    shard_of = {key: _shard(key, tiles) for key in {key for _, key in rows}}
    return fmean(shard_of[key] == shard_of[then] for (plane, key), (same, then) in pairwise(rows) if plane == same)
