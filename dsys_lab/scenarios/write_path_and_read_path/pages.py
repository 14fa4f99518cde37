"""One page behind a cache: how often is it made, and by whom, if its writers say nothing, invalidate it, or fill it?

A read that finds nothing makes the page, and keeps it; a writer who fills makes it as well. Reads and writes come at
random, and of all pages that are made somebody has to do the work of the whole belt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.dataflows.derived_view import Cache, Cached
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.chance import exponential, stream

TTL_S: Final = 20.0
WAYS: Final = {"a ttl alone": "nothing", "invalidate": "invalidate", "fill": "fill"}


def pages_a_second(way: str, *, writes: float, reads: float = 1.0, many: int = 6_000, seed: int = 7) -> float:
    """Return how many pages a second are made, over so many reads and writes; only "a ttl alone" has a ttl."""
    require_choice("way", way, tuple(WAYS))
    require_positive(writes=writes, reads=reads, many=many)
    cache = Cache(ttl_s=TTL_S if way == "a ttl alone" else None)
    whole = Cached(cache, read=lambda _: (None, 0), write=lambda *_: 0, on_write=WAYS[way])
    luck, gap_s, now_us = stream(seed, "pages"), exponential(1 / (writes + reads)), 0
    for _ in range(many):
        now_us += round(gap_s(luck) * 1e6)
        if luck() < writes / (writes + reads):  # of two Poisson streams, which one is next
            whole.write(now_us, "page", None)
        else:
            whole.read(now_us, "page")
    return cache.status().fills / (now_us / 1e6)


def made(*writes: float) -> dict[str, list[Measured]]:
    """Return for each way (writes a second, pages made a second, standard error over seeds)."""
    return {way: over_seeds(lambda writes, seed, way=way: pages_a_second(way, writes=writes, seed=seed), writes=writes)
            for way in WAYS}  # fmt: skip


def made_by_law(reads: float = 1.0) -> dict[str, Callable[[float], float]]:
    """Return the law of each way: writes a second -> pages made a second."""
    return {
        "a ttl alone": lambda writes: reads / (1 + reads * TTL_S),
        "invalidate": lambda writes: reads * writes / (reads + writes),
        "fill": lambda writes: writes,
    }
