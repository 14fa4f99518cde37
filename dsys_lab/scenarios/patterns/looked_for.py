"""Why is an order stuck? A look for it as a person would, in a choreography and with an orchestrator.

Both are read alike: rows as they were written, the newest first, up to the one that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.patterns.choreography import LOOKS_AFTER_S, SERVICES, SHOP, WAYS
from dsys_lab.trace import Trace

SAY_WHY: Final = frozenset({"fail", "refuse", "confirm", "apologise"})
WRITTEN: Final = frozenset({"accept", "begin", "end", "effect", "compensate"}) | SAY_WHY
"""What a machine writes down of its work; what goes over the network it does not."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What a person reads to find out where an order is.

    Attributes
    ----------
    places : int
        Machines whose rows had to be looked at.
    rows : int
        Rows that were read there, the newest first, up to the order's own.
    """

    places: int
    rows: int


def trail(trace: Trace, order: str) -> Trail:
    """Look for an order as a person would who wants to know why nothing is heard of it, `LOOKS_AFTER_S` after it came.

    At each place the newest row is read first, until one is the order's. It says why (or how the order ended): that is
    all. Otherwise one goes on: to the next service in a row; or, if there is an orchestrator, to the one that it has
    told last.

    Raises
    ------
    BadParameter
        If the run has no such order.
    """
    came_us = next((row.time_us for row in trace.of("accept") if row.message == order), None)
    if came_us is None:
        raise BadParameter(f"order = {order!r}: the run has no such order; give one that was accepted, such as 'o1'")
    written = [row for row in trace if row.kind in WRITTEN and row.time_us <= came_us + LOOKS_AFTER_S * 1e6]
    way, places, rows = [SHOP, *SERVICES], 0, 0
    for place in way:
        places += 1
        there = [row for row in reversed(written) if row.place == place]
        read, row = next(((number, row) for number, row in enumerate(there, 1) if row.message == order), (0, None))
        rows += read or len(there)
        if row is None or row.kind in SAY_WHY:
            break
        if row.kind == "begin":
            way[1:] = [str(row.fields["name"]).rpartition(" ")[2]]
    return Trail(places, rows)


def less_with_an_orchestrator(found: Mapping[str, Trail]) -> str:
    """Return what there is less of with an orchestrator than in a choreography, of a look for one order in each."""
    alone, led = (found[way] for way in WAYS)
    fewer_places, fewer_rows = led.places < alone.places, led.rows < alone.rows
    if fewer_places == fewer_rows:
        return "both" if fewer_rows else "neither"
    return "places to look at" if fewer_places else "rows to read"
