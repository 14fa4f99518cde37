"""The log as the database: what works without a zone, how long answers take, and capacity that follows the load.

What lab 08 counts of them; how it looks on machines is `volume`. `what_still_works` says what is left without a
zone; `stopped` and `answered_ms` hold quorums against chance; `capacity_over_load` lets a serverless instance follow a
load, and `bills` says what that costs beside a provisioned one.

Sources: Verbitski et al., "Amazon Aurora", SIGMOD 2017 and 2018; the figures in `dsys_lab.facts`; the laws in
`dsys_lab.laws`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from dsys_lab import laws
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.facts import fact
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational.serverless import Capacity, Demand, Limits, bill, following
from dsys_lab.stores.relational.shared_volume import Quorum, SharedVolume

SCHEMES: Final = {"2 of 3": Quorum(3, 2, 2, 3), "4 of 6": Quorum(6, 4, 3, 3)}
"""How many copies of how many must have a write."""


# ------------------------------------------------------------------------------------------ copies and zones
WORKS: Final = {(True, True): "writes and reads", (False, True): "reads and repairs", (False, False): "nothing"}
"""What works, in words, by whether one can write, and whether a read quorum is left."""


def what_still_works(*, scheme: str = "4 of 6", zones: int = 1, more: int = 1) -> str:
    """Return what a volume can still do without so many zones and so many copies more."""
    require_choice("scheme", scheme, tuple(SCHEMES))
    volume = SharedVolume(SCHEMES[scheme])
    volume.commit({"before": "1"})
    for zone in range(zones):
        volume.lose_zone(zone)
    for index in range(SCHEMES[scheme].copies - more, SCHEMES[scheme].copies):
        volume.lose(index)
    status = volume.status()
    return WORKS[status.can_write, status.can_read]


def stopped(*, copy_down: float = 1e-3, zone_down: float = 1e-4) -> dict[str, dict[str, float]]:
    """Return the shares of time for which writes, and reads for repair, are stopped; also while a zone is down."""
    told = {}
    for name, quorum in SCHEMES.items():
        for words, needed in (("writes", quorum.write), ("reads", quorum.read)):
            share = {"node_share": copy_down, "zone_share": zone_down, "zones": quorum.zones}
            told[f"{name}: {words}"] = {
                "at any time": laws.quorum_missing(quorum.copies, needed, **share),  # type: ignore[arg-type]
                "while a zone is down": laws.quorum_missing(quorum.copies, needed, zones_down=1, **share),  # type: ignore[arg-type]
            }
    return told


# ------------------------------------------------------------------------------------------ how long answers take
SIGMA, STRAGGLERS, SLOWER = 0.5, 0.01, 20.0
"""Of an answer: lognormal with this spread about a millisecond; so many of them so much slower. A model."""
WAITED_FOR: Final = {"1 of 1": (1, 1), "2 of 3": (2, 3), "4 of 6": (4, 6), "6 of 6": (6, 6)}


def answered_ms(needed: int, copies: int, *, quantile: float = 0.995, writes: int = 20_000, seed: int = 7) -> float:
    """Return the quantile of the milliseconds until so many of the copies have answered, over many writes."""
    if not 1 <= needed <= copies:
        raise BadParameter(f"needed = {needed!r} of {copies}: give 1 to {copies}")
    chance = stream(seed, f"answers/{copies}")
    waits = sorted(sorted(_one_answer_ms(chance) for _ in range(copies))[needed - 1] for _ in range(writes))
    return waits[math.ceil(quantile * writes) - 1]


def _one_answer_ms(chance: Callable[[], float]) -> float:
    slower = SLOWER if chance() < STRAGGLERS else 1.0
    angle = math.cos(2 * math.pi * chance())
    return slower * math.exp(SIGMA * math.sqrt(-2 * math.log(1 - chance())) * angle)


def law_of_answers_ms(needed: int, copies: int, *, quantile: float = 0.995) -> float:
    """Return what the law says of the same."""
    answered = laws.answered_within(1e-3, SIGMA, straggler_share=STRAGGLERS, straggler_factor=SLOWER)
    return 1e3 * laws.quorum_quantile_s(quantile, needed, copies, answered)


# ------------------------------------------------------------------------------------------ capacity that follows
HOUR: Final = 3_600
LOADS: Final[dict[str, Callable[[int], float]]] = {
    "steady": lambda second: 6.0,
    "spiky": lambda second: 14.0 if second % HOUR < 300 else 1.0,
    "mornings": lambda second: 10.0 if HOUR <= second < 2 * HOUR else 0.0,
}
"""What is asked, in ACU, at each second: always alike; five minutes of each hour; one hour, and then nobody."""


class Followed(NamedTuple):
    """A second of an instance that follows its load."""

    second: int
    load_acu: float
    acu: float


def capacity_over_load(
    *, load: str = "spiky", hours: int = 4, min_acu: float = 0.5, max_acu: float = 16
) -> list[Followed]:
    """Return what was asked and what was there, second by second."""
    require_choice("load", load, tuple(LOADS))
    require_positive(hours=hours)
    limits = Limits(min_acu=min_acu, max_acu=max_acu)
    now, course = Capacity(acu=max(0.5, min_acu)), list[Followed]()
    for second in range(hours * HOUR):
        asked = LOADS[load](second)
        now = following(now, Demand(cpu_acu=asked, connections=int(asked > 0)), limits)
        course.append(Followed(second, asked, now.acu))
    return course


def capacity_curves(
    *, load: str = "spiky", minutes: int = 90, min_acu: float = 0.5
) -> dict[str, list[tuple[float, float]]]:
    """Return what was asked for and what was there, as (minutes, ACU), where one of them changes."""
    require_positive(minutes=minutes)
    course = capacity_over_load(load=load, hours=-(-minutes // 60), min_acu=min_acu)[: 60 * minutes]
    told: dict[str, list[tuple[float, float]]] = {"asked for": [], "there": []}
    for name, value in (("asked for", "load_acu"), ("there", "acu")):
        for one in course:
            if not told[name] or told[name][-1][1] != getattr(one, value) or one is course[-1]:
                told[name].append((one.second / 60, getattr(one, value)))
    return told


def waits_for_resume_s(*, load: str = "mornings") -> int:
    """Return how many seconds the first who comes after a pause must wait."""
    course = capacity_over_load(load=load, min_acu=0)
    return sum(1 for one in course if one.load_acu and not one.acu)


def bills(*, hours: int = 4) -> dict[str, dict[str, float]]:
    """Return what each load costs an hour, in dollars: following it, and with one that is always large enough."""
    price = float(fact("aurora_price_acu").value)
    told = {}
    for load in LOADS:
        following_it = capacity_over_load(load=load, hours=hours)
        pausing = capacity_over_load(load=load, hours=hours, min_acu=0)
        large_enough = provisioned_acu(max(one.load_acu for one in following_it))
        told[load] = {
            "mean ACU asked for": sum(one.load_acu for one in following_it) / len(following_it),
            "following, least 0.5": bill((one.acu for one in following_it), price) / hours,
            "following, may pause": bill((one.acu for one in pausing), price) / hours,
            "provisioned ACU": large_enough,
            "provisioned": large_enough * price_provisioned_acu(),
        }
    return told


def provisioned_acu(load_acu: float) -> float:
    """Return the size of the smallest provisioned instance for a load; each has twice the memory of the one before."""
    smallest = _acu_of_smallest()
    return smallest * 2.0 ** max(0, math.ceil(math.log2(load_acu / smallest)))


def price_provisioned_acu() -> float:
    """Return what the memory of one ACU costs an hour in a provisioned instance, in dollars."""
    return float(fact("aurora_price_provisioned").value) / _acu_of_smallest()


def _acu_of_smallest() -> float:
    return float(fact("aurora_provisioned_memory").value) / float(fact("aurora_acu_memory").value)


