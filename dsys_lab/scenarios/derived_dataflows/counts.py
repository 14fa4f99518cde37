"""What runs of the shelf come to: how often the index was told the wrong way round, and how often it differs.

Each takes a seed or a trace and gives numbers, to be held against `dsys_lab.laws`.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

from dsys_lab.laws import outage_drain_s
from dsys_lab.scenarios.derived_dataflows.capture import rebuilding
from dsys_lab.scenarios.derived_dataflows.outbox import missed_by_id, puttings
from dsys_lab.scenarios.derived_dataflows.shelf import CLERKS, INDEX, TABLE, shelf
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.simulation import Measured, over_seeds
from dsys_lab.simulation.chance import exponential, stream
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


def wrong_for_s(trace: Trace) -> float:
    """Return for how long the first key that differed for good did so, until it was changed again or the run ended."""
    if not trace.of("differs"):
        return 0.0
    begun = trace.of("differs")[0]
    ends_us = [row.time_us for row in trace.of("agrees", place=begun.place) if row.time_us > begun.time_us]
    return (min(ends_us, default=trace.of("check")[-1].time_us) - begun.time_us) / 1e6


def wrong_after_crash_s(*prices: int, rate: float = 2.0, runs: int = 60) -> list[Measured]:
    """Return, for each number of prices, for how long the index is wrong: ada dies between two writes, ben goes on."""
    dies = {"do": "crash", "target": "ada", "on": {"kind": "answered", "place": "ada"}, "nth": 3, "lasts_s": 1_000}

    def seconds(*, keys: int, seed: int) -> float:
        return wrong_for_s(shelf(seed=seed, keys=keys, rate=rate, delay_s=0.0, seconds=20 * keys / rate, faults=[dies]))

    return over_seeds(seconds, seeds=runs, keys=prices)


def turned(*delays_s: float, rate: float = 1.0, changes: int = 5_000) -> list[Measured]:
    """Return, for each delay, the share of the pairs of one key that arrive turned about: the shelf's race alone.

    Changes are committed at random, `rate` a second, and each travels for an exponential time of mean `delay_s`.
    """

    def share(*, delay_s: float, seed: int) -> float:
        luck, now_s, heard_s = stream(seed, "race"), 0.0, []
        for _ in range(changes):
            now_s += exponential(1 / rate)(luck)
            heard_s.append(now_s + exponential(delay_s)(luck))
        return sum(first > second for first, second in pairwise(heard_s)) / (changes - 1)

    return over_seeds(share, delay_s=delays_s)


def missed(*polls_s: float, rate: float = 100.0, transaction_s: float = 0.01, messages: int = 4_000) -> list[Measured]:
    """Return, for each pause between two polls, the share of an outbox's messages that a reader by id misses."""

    def share(*, poll_s: float, seed: int) -> float:
        transactions = puttings(rate, transaction_s, messages / rate, seed)
        return len(missed_by_id(transactions, poll_s)) / len(transactions)

    return over_seeds(share, poll_s=polls_s)


def inverted(way: str, *, rate: float, delay_s: float, seed: int = DEFAULT_SEED) -> Pairs:
    """Run a long shelf of one key, `rate` changes a second in all, and count its pairs."""
    return pairs(shelf(seed=seed, way=way, keys=1, rate=rate / len(CLERKS), delay_s=delay_s, seconds=250 / rate))


# ------------------------------------------------------------------------------------ a view in another's place
def swapped_after_s(*reads_s: float, rate: float = 1.5, take_s: float = 0.2) -> list[Measured]:
    """Return how long it takes until a new view has taken the old one's place, by how long its snapshot is read."""

    def seconds(*, read_s: float, seed: int) -> float:
        begun, done = rebuilding(read_s=read_s, rate=rate, take_s=take_s, seconds=read_s + 20, seed=seed).of("rebuild")
        return (done.time_us - begun.time_us) / 1e6

    return over_seeds(seconds, read_s=reads_s)


def swaps_after_s(read_s: float, rate: float = 1.5, take_s: float = 0.2) -> float:
    """Return what `swapped_after_s` is by the law: the snapshot, and then what came meanwhile, as after an outage."""
    return read_s + outage_drain_s(read_s, rate, 1 / take_s)
