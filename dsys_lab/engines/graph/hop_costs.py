"""What do k hops cost, in pages of 8,192 bytes, by an index, by SQL and by lists of neighbours?

Every way begins with nothing in memory and reads each page once. Lists of neighbours are in memory here; their pages
are those that they would lie on. Ladybug does not tell its pages; what it tells is rows between operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dsys_lab.engines.graph.recursive_sql import SqlGraph
from dsys_lab.stores.graph_store import Adjacency, Quad, QuadStore
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.page import PAGE_BYTES
from dsys_lab.trace import Trace

WAYS: Final = ("index", "SQL", "lists")


def hop_costs(vertices: int, pairs: Sequence[Sequence[int]], start: int, hops: int) -> dict[str, dict[str, int]]:
    """Return by way how many were reached within so many hops, and the pages that were read for it."""
    near = Adjacency(vertices, [pair[0] for pair in pairs], [pair[1] for pair in pairs])
    wave = near.wave(start, hops)
    asked = np.concatenate(wave.hops[:hops])
    with SqlGraph(vertices, [(pair[0], pair[1]) for pair in pairs]) as sql:
        return {
            "index": _by_index(pairs, start, hops),
            "SQL": {"reached": sum(sql.reached(start, hops)), "pages": sql.pages_read(start, hops)},
            "lists": {"reached": sum(wave.sizes), "pages": near.blocks_touched(asked, PAGE_BYTES)},
        }


def _by_index(pairs: Sequence[Sequence[int]], start: int, hops: int) -> dict[str, int]:
    """Follow the ties in SPOG and POGS, everybody once."""
    store = QuadStore(VolatileDisk())
    knows = store.term("name", "FRIEND")
    people = {one: store.term("vertex", one) for one in sorted({one for pair in pairs for one in pair})}
    store.write([Quad(people[pair[0]], knows, people[pair[1]], knows) for pair in pairs])
    store.checkpoint()
    trace = Trace()
    store.watch(trace)
    seen = frontier = {people[start]}
    for _ in range(hops):
        after = {quad.o for one in sorted(frontier) for quad in store.match(Quad(s=one, p=knows))}
        after |= {quad.s for one in sorted(frontier) for quad in store.match(Quad(p=knows, o=one))}
        frontier = {one for one in after if one is not None} - seen
        seen = seen | frontier
    pages = {(row.fields["file"], row.fields["page"]) for row in trace.of("page_read")}
    return {"reached": len(seen) - 1, "pages": len(pages)}
