"""The smallest set of patterns that does what is wished: found by trying them all.

One encoder, a queue, clips that come as fast as two encoders would do them. The encoder dies in the middle of a clip
and does not come back; of twenty clips about one cannot be encoded by anybody. Four patterns are at hand, three things
may be wished, and each wish is counted in a run, or in several under other luck: a set of patterns does what is wished
if it does so in all of them.

Sixteen sets are few enough to run each. Which patterns are needed depends on the wishes together: to have clips done
again is what makes some of them done twice, so the same wish may cost nothing alone and a pattern beside another wish.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import combinations
from typing import Any, Final

from dsys_lab.errors import require_choice
from dsys_lab.scenarios.durable_queue import encode
from dsys_lab.scenarios.durable_queue.counts import effects, times
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.trace import Trace

BARE: Final[dict[str, Any]] = {
    "workers": 1, "visibility_s": 600.0, "idempotent": False, "max_receives": None,
    "poison_share": 0.05, "clips": 40, "work_s": 2.0,
    "faults": [{"do": "crash", "target": "encoder-1", "on": {"kind": "start", "place": "encoder-1"}, "nth": 6}],
}  # fmt: skip
TRIES: Final = 4
AT_HAND: Final[dict[str, dict[str, Any]]] = {
    "Competing Consumers": {"workers": 4},
    "Lease": {"visibility_s": 5.0},
    "Idempotent Consumer": {"idempotent": True},
    "Dead Letter Channel": {"max_receives": TRIES},
}
"""Name -> what it changes: four encoders; who is silent for 5 s loses its clip to another; who does a clip looks
whether it was done; what failed so many times is set aside."""
IN_TIME_S: Final = 40.0


def late(trace: Trace) -> int:
    """Return how many clips that can be encoded were not done within `IN_TIME_S`."""
    came, done = ({row.message: row.time_us for row in trace.of(kind)} for kind in ("publish", "ack"))
    bad = {row.message for row in trace.of("fail")}
    in_time = (clip in done and done[clip] - came[clip] <= IN_TIME_S * 1e6 for clip in came if clip not in bad)
    return sum(not one for one in in_time)


def twice(trace: Trace) -> int:
    """Return how many clips were done more than once."""
    return effects(trace)["more often"]


def pestered(trace: Trace) -> int:
    """Return how many clips were given out more than `TRIES` times."""
    return sum(given > TRIES for given in times(trace, "deliver").values())


WISHES: Final[dict[str, Callable[[Trace], int]]] = {"in time": late, "once": twice, "in peace": pestered}
"""Name -> what is counted against it: clips late, clips done twice, clips given out again and again."""


def run(names: Collection[str], *, seed: int = DEFAULT_SEED) -> Trace:
    """Run with these patterns, and without the others."""
    for name in names:
        require_choice("pattern", name, tuple(AT_HAND))
    changes = {key: value for name in AT_HAND if name in names for key, value in AT_HAND[name].items()}
    return encode(seed=seed, **{**BARE, **changes})


@cache
def _counted(names: frozenset[str], seeds: tuple[int, ...]) -> dict[str, int]:
    """Return for each wish what is counted against it; a set is run once, whatever is wished."""
    runs = [run(names, seed=seed) for seed in seeds]
    return {wish: sum(count(trace) for trace in runs) for wish, count in WISHES.items()}


def against(names: Collection[str], wishes: Iterable[str], *, seeds: Iterable[int]) -> dict[str, int]:
    """Return for each wish what is counted against it with these patterns, over all seeds; empty if all is well."""
    counted = _counted(frozenset(names), tuple(seeds))
    return {wish: counted[wish] for wish in wishes if counted[wish]}


def smallest(wishes: Collection[str], *, seeds: Collection[int]) -> frozenset[str] | None:
    """Return the smallest set of patterns that does what is wished under all seeds; None if none does."""
    for size in range(len(AT_HAND) + 1):
        for names in combinations(AT_HAND, size):
            if not against(names, wishes, seeds=seeds):
                return frozenset(names)
    return None
