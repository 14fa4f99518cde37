"""What uploads, hot ranges, codes, writers and crashes come to, counted over many runs for a chart, without a picture.

Functions that take `*values` return (value, mean, standard error) for each, over runs with luck of their own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from statistics import fmean, stdev
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import Damaged, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.object_store.prefixes import MORNING_S, PERSONS, SCHEMES, even_cuts, key_of
from dsys_lab.scenarios.object_store.uploads import WAYS
from dsys_lab.scenarios.object_store.writers import counter
from dsys_lab.simulation import Measured
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.object_store import ErasureCode, JournaledStore, KeyRanges, Limits, SlowDown, every
from dsys_lab.structures.disk import PowerCut, VolatileDisk

RUNS: Final = 8
SENT_RUNS: Final = 400
LIMIT: Final = 350.0
"""A tenth of what a range does, so that a run is not long; what passes, as a share, is the same."""
CODES: Final = {"3 copies": (1, 2), "5 + 4": (5, 4), "8 + 3": (8, 3), "17 + 3": (17, 3)}


def measured(values: Iterable[float], count: Callable[[float, int], float], *, runs: int = RUNS) -> list[Measured]:
    """Return (value, mean, standard error) of `count(value, seed)`."""
    told = []
    for value in values:
        counted = [count(value, seed) for seed in range(1, runs + 1)]
        told.append((value, fmean(counted), stdev(counted) / runs**0.5))
    return told


# ------------------------------------------------------------------------------------------ uploads
def sent(way: str, *failures: float, pieces: int = 10) -> list[Measured]:
    """Count the pieces sent, for each piece of the object, until it is there whole."""
    require_choice("way", way, WAYS)
    require_positive(pieces=pieces)

    def one(failure: float, seed: int) -> float:
        luck, count, there = stream(seed, f"sent/{way}"), 0, 0
        while there < pieces:
            count += 1
            if luck() >= failure:
                there += 1
            elif way == "one put":
                there = 0
        return count / pieces

    return measured(failures, one, runs=SENT_RUNS)


def sent_by_law(way: str, failure: float, *, pieces: int = 10) -> float:
    """Return the same by law."""
    require_choice("way", way, WAYS)
    law = laws.pieces_sent_in_parts if way == "parts" else laws.pieces_sent_at_once
    return law(pieces, failure) / pieces


# ------------------------------------------------------------------------------------------ hot ranges
def passed(scheme: str, *ranges: float, rate: float = 2_000.0, seconds: int = 3) -> list[Measured]:
    """Count the share of the writes that passes, on a line cut into so many even ranges, none of which is cut again.

    Everything is a tenth of its real size: `rate` writes a second where a range does 350.
    """
    require_choice("scheme", scheme, SCHEMES)
    require_positive(rate=rate, seconds=seconds, ranges=min(ranges, default=1))

    def one(count: float, seed: int) -> float:
        limits, luck = Limits(writes=LIMIT, burst_s=0.02, split_after_s=None), Random(f"{seed}/{count}")
        line = KeyRanges(limits, cuts=even_cuts(scheme, int(count)))
        took, number, at_s = 0, 0, 0.0
        while (at_s := at_s + luck.expovariate(rate)) < seconds:
            number += 1
            key = key_of(scheme, number + seed * 1_000_000, MORNING_S + at_s, int(luck.random() * PERSONS))
            with suppress(SlowDown):
                line.admit(int(at_s * 1e6), key, "writes")
                took += 1
        return took / number

    return measured(ranges, one)


def passed_by_law(scheme: str, ranges: float, *, rate: float = 2_000.0) -> float:
    """Return the same by law: the sum of min(load, limit) over the ranges that the scheme loads, evenly."""
    loaded = 1 if scheme == "time first" else int(ranges)
    return laws.accepted_units([rate / loaded] * loaded, [LIMIT] * loaded) / rate


# ------------------------------------------------------------------------------------------ parallel ranges
def read_s(*connections: float, megabytes: float = 256, rate_mb: float = 90, link_mb: float = 1_250,
           first_byte_ms: float = 30) -> list[tuple[float, float]]:  # fmt: skip
    """Return (connections, seconds) to read an object over so many connections that share a link, packet by packet.

    Each connection asks for one range and then sends packets of a quarter of a megabyte at its own pace; the link
    passes them on one after the other. All speeds are a model's.
    """
    require_positive(connections=min(connections, default=1), megabytes=megabytes, rate_mb=rate_mb, link_mb=link_mb)
    require_not_negative(first_byte_ms=first_byte_ms)
    told = []
    for count in connections:
        packet_mb, left = 0.25, dict.fromkeys(range(int(count)), megabytes / count)
        ready = [(first_byte_ms / 1000 + packet_mb / rate_mb, number) for number in left]
        heapq.heapify(ready)
        free_s = 0.0
        while ready:
            at_s, number = heapq.heappop(ready)
            size_mb = min(packet_mb, left[number])
            free_s = max(at_s, free_s) + size_mb / link_mb
            left[number] -= size_mb
            if left[number] > 0:
                heapq.heappush(ready, (max(at_s, free_s - packet_mb / rate_mb) + packet_mb / rate_mb, number))
        told.append((count, free_s))
    return told


def read_s_by_law(connections: float, *, megabytes: float = 256, rate_mb: float = 90, link_mb: float = 1_250,
                  first_byte_ms: float = 30) -> float:  # fmt: skip
    """Return the same by law."""
    return laws.ranges_s(
        megabytes, max(1, int(connections)), first_byte_s=first_byte_ms / 1000, connection_rate=rate_mb, link=link_mb
    )


# ------------------------------------------------------------------------------------------ lost updates
def counted(way: str, *writers: float, each: int = 6) -> list[Measured]:
    """Count which share of what was added the counter has in the end."""
    return measured(writers, lambda count, seed: _told(counter(seed=seed, way=way, writers=int(count), each=each))[0])


def tries(*writers: float, each: int = 6) -> list[Measured]:
    """Count how many puts on a condition it takes to add one."""
    return measured(
        writers, lambda count, seed: _told(counter(seed=seed, way="if match", writers=int(count), each=each))[1]
    )


def _told(run: Any) -> tuple[float, float]:
    (check,) = run.of("check")
    return check.fields["got"] / check.fields["expected"], len(run.of("publish")) / check.fields["expected"]


# ------------------------------------------------------------------------------------------ lost drives
def lost_objects(code: str, *lost_drives: float, objects: int = 20_000) -> list[Measured]:
    """Count the share of objects that cannot be decoded, each shard gone by itself with this probability."""
    require_choice("code", code, tuple(CODES))
    coder, data = ErasureCode(*CODES[code]), b"a night"
    shards = coder.encode(data)
    known: dict[tuple[bool, ...], bool] = {}

    def is_lost(gone: tuple[bool, ...]) -> bool:
        if gone not in known:
            try:
                left = [None if away else shard for away, shard in zip(gone, shards, strict=True)]
                known[gone] = coder.decode(left, len(data)) != data
            except Damaged:
                known[gone] = True
        return known[gone]

    def one(share: float, seed: int) -> float:
        luck = Random(f"{seed}/{share}")
        return sum(is_lost(tuple(luck.random() < share for _ in shards)) for _ in range(objects)) / objects

    return measured(lost_drives, one)


def codes(shard_lost: float = 0.01) -> dict[str, dict[str, float]]:
    """Return what each code keeps for a byte, how many drives it outlives, and how likely an object is lost."""
    return {
        name: {
            "bytes kept for a byte": ErasureCode(data, parity).overhead,
            "drives it outlives": parity,
            "drives a repair reads": data,
            "an object is lost": laws.object_lost(data, parity, shard_lost),
        }
        for name, (data, parity) in CODES.items()
    }


# ------------------------------------------------------------------------------------------ power cuts
class _Hasty(VolatileDisk):
    """Says of a blob that it is durable while its bytes are only on their way."""

    def sync(self, name: str) -> None:
        """Make a file durable, unless it is a blob."""
        if not name.endswith(".blob"):
            super().sync(name)


def _is_whole(store: JournaledStore, key: str, wholes: tuple[bytes, ...]) -> bool:
    with suppress(Damaged):
        found = store.get(key)
        return found is not None and found.data in wholes
    return False


def power_cuts(*, waits: bool = True) -> dict[str, int]:
    """Cut the power before every step of a put over a put, and of an upload in parts; count what is there then.

    Parameters
    ----------
    waits : bool
        The record waits until its blob is durable.
    """
    make = VolatileDisk if waits else _Hasty
    old, new, parts = b"o" * 5_000, b"n" * 5_000, [b"1" * 5_000, b"2" * 5_000]
    wholes = {"k": (old, new), "big": (b"".join(parts),)}

    def work(disk: VolatileDisk, acknowledged: dict[str, tuple[bytes, ...]]) -> None:
        store = JournaledStore(disk, part_bytes_min=1)
        for data in (old, new):
            store.put("k", data)
            acknowledged["k"] = (data, new)
        upload = store.begin_upload("big")
        put = [store.put_part(upload, number, data) for number, data in enumerate(parts, start=1)]
        store.complete(upload, put)
        acknowledged["big"] = wholes["big"]

    whole = make()
    work(whole, {})
    told = dict.fromkeys(("moments", "acknowledged and lost", "half there", "blobs without a record, removed"), 0)
    for step in range(whole.steps + 1):
        disk, acknowledged = make(power_cut_before=step), dict[str, tuple[bytes, ...]]()
        with suppress(PowerCut):
            work(disk, acknowledged)
        disk.crash(Random(step).random)
        store = JournaledStore(disk, part_bytes_min=1)
        there = [facts.key for facts in every(store)]
        told["moments"] += 1
        told["acknowledged and lost"] += not all(_is_whole(store, *one) for one in acknowledged.items())
        told["half there"] += not all(_is_whole(store, key, wholes[key]) for key in there)
        told["blobs without a record, removed"] += store.status().orphans
    return told
