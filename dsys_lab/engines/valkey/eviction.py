"""Least recently used, by a clock that ticks once a second: what does a server with little memory throw out?

Valkey keeps no list of all keys in the order of their use. When it needs room it draws five keys, and throws out the
one that was used longest ago (`maxmemory-policy allkeys-lru`, `maxmemory-samples`). And when a key was used it knows to
the second. Whoever reads thousands of keys a second, as `read_through` does, reads them all at the same age: the hits
are then those of a cache that throws out *any* one (`laws.random_hit_share`), however large the sample. Only where keys
are kept for many seconds does it come close to the true order (`laws.lru_hit_share`).

Source: Valkey, `src/server.h`, `LRU_CLOCK_RESOLUTION`; Valkey documentation, "Key eviction".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.engines.server import LOOPBACK
from dsys_lab.engines.valkey.connection import open_client, start_server, told_apart
from dsys_lab.errors import BadParameter, require_positive

VALUE_BYTES: Final = 4_096
"""So large that entries, and not the server itself, fill its memory."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """What a server with little memory came to.

    Attributes
    ----------
    reads, hits : int
        Counted after the warm-up.
    entries : int
        Keys that were there in the end, which is how many there is room for.
    evicted : int
        By the server's own count, `evicted_keys`.
    """

    reads: int
    hits: int
    entries: int
    evicted: int


def read_through(keys: Iterable[int], *, room_bytes: int, warm: int, samples: int = 5) -> Evicted:
    """Read keys through a server of its own that has `room_bytes` more than it takes empty; a miss fills.

    Parameters
    ----------
    keys : iterable of int
        What is read, in order; the first `warm` of them are not counted.
    samples : int
        Of how many keys the one used longest ago is thrown out.

    Raises
    ------
    BadParameter
        If no read is left to be counted, or a number makes no sense.
    """
    require_positive(room_bytes=room_bytes, samples=samples)
    keys = list(keys)
    if not 0 <= warm < len(keys):
        raise BadParameter(f"warm = {warm!r} of {len(keys)} reads are not counted: give 0 or more, and fewer than all")
    server = start_server("--maxmemory-policy", "allkeys-lru", "--maxmemory-samples", str(samples))
    client = open_client(f"valkey://{LOOPBACK}:{server.port}")
    value, reads, hits = b"x" * VALUE_BYTES, 0, 0
    try:
        with told_apart():
            told: Any = client.info("memory")
            client.config_set("maxmemory", told["used_memory"] + room_bytes)
            for number, key in enumerate(keys):
                there = client.get(f"k{key}") is not None
                if not there:
                    client.set(f"k{key}", value)
                if number >= warm:
                    reads, hits = reads + 1, hits + there
            stats: Any = client.info("stats")
            entries: Any = client.dbsize()
            return Evicted(reads, hits, int(entries), int(stats["evicted_keys"]))
    finally:
        client.close()
        server.stop()


LEAST_RECENT: Final = "the one read longest ago"
ANY_ONE: Final = "any one"


def thrown_out(found: Evicted, shares: Sequence[float]) -> str:
    """Return which law the hits are nearer to: `LEAST_RECENT` or `ANY_ONE` is thrown out.

    Parameters
    ----------
    shares : sequence of float
        Of the reads, that of each key.
    """
    hit_share = found.hits / found.reads
    by_law = {
        LEAST_RECENT: laws.lru_hit_share(shares, found.entries),
        ANY_ONE: laws.random_hit_share(shares, found.entries),
    }
    return min(by_law, key=lambda name: abs(by_law[name] - hit_share))
