"""How large should a database be, second by second, when nobody knows the load?

Capacity is counted in ACU, Aurora capacity units: about 2 GiB of memory each, with processors and network to match.
Every second a pure policy looks at what is asked and says how large the instance is next:

- it *grows* by at most a share of its present size, so a small one takes long to become large, and a large one not;
- it *shrinks* gradually, a small share a second, so a short lull costs little and the cache is not thrown away at once;
- with a minimum of 0 it *pauses* after `pause_after_s` without a connection, and costs nothing; the first who comes
  then waits for the resume: about 15 s, and about 30 s after more than a day, and finds a small, cold instance.

>>> sizes = [Capacity(acu=0.5)]
>>> for second in range(8):
...     sizes.append(following(sizes[-1], Demand(cpu_acu=8, connections=1), Limits(max_acu=16)))
>>> [size.acu for size in sizes]
[0.5, 1.0, 1.5, 2.0, 2.5, 3.5, 4.5, 6.0, 8.0]

Promises
--------
1. A size is a multiple of half an ACU, at least the minimum and at most the maximum; 0 only while paused or resuming.
2. Nobody is served while it is paused or resuming, and nothing is paid for.
3. An instance with a connection is never paused.

Cost: the bill is the size summed over time; storage and requests are paid apart.

Left out: what the figures of growth and shrinking really are (they are not published: shares here are a model); buffer
cache and its warming; readers beside the writer; that some features keep an instance awake.

Sources: figures in `dsys_lab/facts.toml`; Amazon Aurora User Guide, "How Aurora Serverless v2 works" and "Scaling to
Zero ACUs with automatic pause and resume"; AWS Database Blog, "Introducing scaling to 0 capacity with Amazon Aurora
Serverless v2", 2024.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.facts import fact

STEP_ACU: Final = float(fact("aurora_acu_step").value)
ACU_MAX: Final = float(fact("aurora_acu_max").value)
MEMORY_GIB: Final = float(fact("aurora_acu_memory").value)
PAUSE_AFTER_S: Final = (float(fact("aurora_pause_after_min").value), float(fact("aurora_pause_after_max").value))
RESUME_S: Final = float(fact("aurora_resume").value)
RESUME_DEEP_S: Final = float(fact("aurora_resume_deep").value)
DEEP_AFTER_S: Final = 3_600 * float(fact("aurora_deep_sleep_after").value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large it may be, and how fast it changes.

    Attributes
    ----------
    min_acu, max_acu : float
        In half steps; a minimum of 0 lets it pause.
    pause_after_s : float
        Seconds without a connection before a pause; only where the minimum is 0.
    growth_share, shrink_share : float
        By which share of its size it grows or shrinks in a second, at most; it grows by half an ACU at least. A model.
    """

    min_acu: float = 0.5
    max_acu: float = 16.0
    pause_after_s: float = PAUSE_AFTER_S[0]
    growth_share: float = 0.4
    shrink_share: float = 0.02

    def __post_init__(self) -> None:
        for name, value, least in (("min_acu", self.min_acu, 0.0), ("max_acu", self.max_acu, 1.0)):
            if not least <= value <= ACU_MAX or value % STEP_ACU:
                raise BadParameter(f"{name} = {value!r}: give {least:g} to {ACU_MAX:g} in steps of {STEP_ACU:g}")
        if self.min_acu > self.max_acu:
            raise BadParameter(f"min_acu = {self.min_acu!r} lies above max_acu = {self.max_acu!r}: give min <= max")
        low, high = PAUSE_AFTER_S
        if not low <= self.pause_after_s <= high:
            raise BadParameter(f"pause_after_s = {self.pause_after_s!r}: give {low:g} to {high:g} seconds")
        require_positive(growth_share=self.growth_share, shrink_share=self.shrink_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked in one second: processors as ACU, memory in GiB, open connections."""

    cpu_acu: float = 0.0
    memory_gib: float = 0.0
    connections: int = 0

    @property
    def acu(self) -> float:
        """The size that would do: the largest of what is asked."""
        return max(self.cpu_acu, self.memory_gib / MEMORY_GIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How large it is, and what it remembers.

    Attributes
    ----------
    acu : float
        0 while paused or resuming.
    idle_s : float
        For how long nobody has been connected.
    resume_left_s : float
        While resuming: until it is there.
    pull_acu : float
        How far it has shrunk towards its next half step.
    """

    acu: float
    idle_s: float = 0.0
    resume_left_s: float = 0.0
    pull_acu: float = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether it is asleep, and nobody has come to wake it."""
        return not self.acu and not self.resume_left_s

    @property
    def phase(self) -> str:
        """In one word: active, paused or resuming."""
        return "active" if self.acu else "resuming" if self.resume_left_s else "paused"


def resume_s(idle_s: float) -> float:
    """Return how long a resume takes after so long a time without anybody."""
    return RESUME_DEEP_S if idle_s > DEEP_AFTER_S else RESUME_S


def following(now: Capacity, demand: Demand, limits: Limits) -> Capacity:
    """Return the capacity a second later."""
    require_not_negative(cpu_acu=demand.cpu_acu, memory_gib=demand.memory_gib, connections=demand.connections)
    idle_s = 0.0 if demand.connections else now.idle_s + 1
    if now.resume_left_s:
        left_s = now.resume_left_s - 1
        return replace(now, idle_s=0.0, resume_left_s=left_s) if left_s > 0 else Capacity(acu=_least(limits))
    if now.is_paused:
        return Capacity(acu=0.0, idle_s=idle_s, resume_left_s=resume_s(now.idle_s) if demand.connections else 0.0)
    if not limits.min_acu and idle_s >= limits.pause_after_s:
        return Capacity(acu=0.0, idle_s=idle_s)
    wanted = min(limits.max_acu, max(_least(limits), _up(demand.acu)))
    if wanted > now.acu:
        return Capacity(acu=min(wanted, now.acu + max(STEP_ACU, _down(limits.growth_share * now.acu))), idle_s=idle_s)
    if wanted == now.acu:
        return Capacity(acu=now.acu, idle_s=idle_s)
    pull = now.pull_acu + limits.shrink_share * now.acu
    smaller = max(wanted, now.acu - _down(pull))
    return Capacity(acu=smaller, idle_s=idle_s, pull_acu=pull - _down(pull))


def _least(limits: Limits) -> float:
    return max(STEP_ACU, limits.min_acu)


def _up(acu: float) -> float:
    return math.ceil(acu / STEP_ACU) * STEP_ACU


def _down(acu: float) -> float:
    return math.floor(acu / STEP_ACU) * STEP_ACU


def bill(acu_each_second: Iterable[float], price_acu_hour: float) -> float:
    """Return what the capacity costs, in the money of the price: the sizes summed over time."""
    require_not_negative(price_acu_hour=price_acu_hour)
    return math.fsum(acu_each_second) / 3_600 * price_acu_hour
