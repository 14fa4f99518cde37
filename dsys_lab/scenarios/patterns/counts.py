"""What several runs of the patterns come to, as one number, one word or one table."""

from __future__ import annotations

from statistics import fmean
from typing import Any, Final

import pandas as pd

from dsys_lab.dataflows.claim_check.crashes import ORDERS, crashed_everywhere
from dsys_lab.scenarios.patterns.bulkhead import POOLS, mean_wait_s
from dsys_lab.scenarios.patterns.claim_check import CLIP, WAYS, large
from dsys_lab.scenarios.patterns.valet_key import THIEVES, bytes_carried
from dsys_lab.trace import Trace, lamp

SEEDS: Final = (1, 2, 3)
QUIET: Final[dict[str, Any]] = {"noise": 1.0, "until_s": 120.0}
RARE: Final[dict[str, Any]] = {"pings_per_s": 0.02, "clips_per_s": 0.1, "until_s": 40.0}
"""So seldom that nothing waits for anything else: then a payload's way alone is measured."""


def longer_in_quiet_times() -> str:
    """Return with which pools the mean wait is longer when both tenants send alike."""
    waits = {pools: fmean(mean_wait_s(pools_are=pools, seed=seed, **QUIET) for seed in SEEDS) for pools in POOLS}
    if waits["one for all"] == waits["one each"]:
        return "the same"
    return "with one pool" if waits["one for all"] > waits["one each"] else "with a pool each"


def sooner_from_bytes(*, nearer_than: int = 2_000) -> int:
    """Return from which size on a clip is there sooner with a claim check, by halving a range of sizes."""
    low, high = 1_000, 500_000
    while high - low > nearer_than:
        size = (low + high) // 2
        inside, beside = (_clip_s(large(way=way, payload_bytes=size, **RARE)) for way in WAYS)
        low, high = (low, size) if beside < inside else (size, high)
    return (low + high) // 2


def _clip_s(trace: Trace) -> float:
    """Return the least seconds that a clip took from the camera to the encoder's work: nothing was in its way."""
    sent = {row.message: row.time_us for row in trace.of("publish") if str(row.message).startswith(CLIP[0])}
    return min(row.time_us - sent[row.message] for row in trace.of("effect") if row.message in sent) / 1e6


def who_gets_in() -> str:
    """Return which thieves the door lets in."""
    found = [thief for thief in THIEVES if lamp(bytes_carried(thief=thief), "opens for the owner alone").rows]
    return " and ".join(found) or "none of them"


def left_by() -> pd.DataFrame:
    """Crash before each step of each order of the two writes; return how many of the crashes leave what."""
    told = {}
    for order in ORDERS:
        outcomes = crashed_everywhere(order)
        told[order] = {
            "crashes": len(outcomes),
            "leave litter": sum(one.litter > 0 for one in outcomes),
            "leave a ticket to nowhere": sum(one.to_nowhere > 0 for one in outcomes),
            "done twice": sum(one.done > 1 for one in outcomes),
        }
    return pd.DataFrame.from_dict(told, orient="index")
