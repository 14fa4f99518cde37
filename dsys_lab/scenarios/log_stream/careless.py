"""Nights in which no worker takes care: what a sink is asked by workers that freeze, die and run ahead."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.scenarios.log_stream.sharing import nights
from dsys_lab.trace import Trace


class Effect(NamedTuple):
    """What a worker wants to carry out."""

    shard: str
    offset: int
    epoch: int


TROUBLES: Final[dict[str, dict[str, Any]]] = {
    "a split, and a worker that begins with the children": {"split_at_s": 2},
    "a worker that froze": {"faults": ("freeze",)},
    "a worker that died": {"faults": ("crash",)},
    "a split, and a worker that froze": {"split_at_s": 2, "faults": ("freeze",)},
}
"""What happens in each of the nights, in the reader's words."""
AT: Final = {"on": {"kind": "effect", "place": "worker-1"}, "nth": 6}
FAULTS: Final[dict[str, dict[str, Any]]] = {
    "freeze": {"do": "slow", "target": "worker-1", "value": 0, "lasts_s": 15, **AT},
    "crash": {"do": "crash", "target": "worker-1", "lasts_s": 30, **AT},
}
SEEDS: Final = (1703, 1704)


def night(trouble: str, seed: int = SEEDS[0], **more: Any) -> Trace:
    """Return a night with this trouble, in which no worker takes care."""
    given = {**TROUBLES[trouble], "looks_at_its_clock": False, "parents_first": False, **more}
    faults = [FAULTS[name] for name in given.pop("faults", ())]
    return nights(seed=seed, shards=1, rate=20, records=60, poll_s=2, work_s=0.2, faults=faults, **given)


class Night(NamedTuple):
    """What a sink is asked in a night, and what is known of its shards."""

    wanted: list[Effect]
    parents: dict[str, tuple[str, ...]]
    last: dict[str, int]
    keys: dict[tuple[str, int], str]


@lru_cache(maxsize=16)
def asked(trouble: str, seed: int) -> Night:
    """Return what the workers of a night want to carry out."""
    run = night(trouble, seed)
    places = {(r.message, r.fields["copy"]): (str(r.fields["shard"]), int(str(r.fields["offset"])))
              for r in run.of("append")}  # fmt: skip
    keys = {places[r.message, r.fields["copy"]]: str(r.fields["key"]) for r in run.of("append")}
    wanted = [Effect(*places[r.message, r.fields["copy"]], int(str(r.fields["epoch"]))) for r in run.of("effect")]
    parents: dict[str, tuple[str, ...]] = {shard: () for shard, _ in keys}
    for row in run.of("shard"):
        for child in str(row.fields["children"]).split(", "):
            parents[child] = tuple(str(row.fields["parents"]).split(", "))
    closed = {parent for names in parents.values() for parent in names}
    last = {shard: max(offset for name, offset in keys if name == shard) for shard in closed}
    return Night(wanted, parents, last, keys)
