"""What runs of the shelf come to: how often the index was told the wrong way round, and how often it differs.

Each takes a seed or a trace and gives numbers, to be held against `dsys_lab.laws`.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

from dsys_lab.scenarios.derived_dataflows.shelf import CLERKS, INDEX, TABLE, shelf
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.trace import Trace


class Pairs(NamedTuple):
    """Successive changes of one key, and how many of these reached the index the other way round."""

    pairs: int
    inverted: int

    @property
    def share(self) -> float:
        """Of all pairs."""
        return self.inverted / self.pairs if self.pairs else 0.0


def pairs(trace: Trace) -> Pairs:
    """Count the pairs of successive changes of each key, and those that the index heard the other way round."""
    heard_us = {row.message: row.time_us for row in reversed(trace.of("written")) if row.place.startswith(INDEX)}
    in_table = defaultdict(list)
    for row in trace.of("written"):
        if row.place.startswith(TABLE):
            in_table[row.fields["key"]].append(row.message)
    found = [
        heard_us[first] > heard_us[second]
        for messages in in_table.values() for first, second in pairwise(messages)
        if first in heard_us and second in heard_us
    ]  # fmt: skip
    return Pairs(len(found), sum(found))


def differing(trace: Trace) -> int:
    """Return how many keys differ when all is quiet."""
    return int(trace.of("check")[-1].fields["got"] or 0)


def inverted(way: str, *, rate: float, delay_s: float, seed: int = DEFAULT_SEED) -> Pairs:
    """Run a long shelf of one key, `rate` changes a second in all, and count its pairs."""
    return pairs(shelf(seed=seed, way=way, keys=1, rate=rate / len(CLERKS), delay_s=delay_s, seconds=250 / rate))
