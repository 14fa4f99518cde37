"""What if nobody wants to say how many shards there should be?

Then the stream looks at what came. *Provisioned* mode has the shards that somebody ordered, each with its limit
(`admission`). In *on-demand* mode the stream as a whole takes twice the highest rate that it has taken lately, or what
a new stream begins with, if that is more; and what becomes a new peak counts only after a while, in which shards are
split behind the scenes. So growth is followed, and a jump is not.

==============  ====================================================================================================
provisioned     `shards * 1,000 records a second`, whatever comes
on-demand       `max(first, 2 * peak)`, where the peak is the highest rate that was let in until `adapts_s` ago
==============  ====================================================================================================

The policy is pure: from the rates that are offered, step by step, to what is let in. Left out: how the limit is
spread over the shards (each still takes its own part only, so a hot key is as hot as ever); that a peak is forgotten
after 30 days; the warm capacity of On-demand Advantage.

Source: Amazon Kinesis Data Streams Developer Guide, "Choose the data stream capacity mode", "Quotas and limits".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.facts import fact

FIRST: Final = fact("kinesis_on_demand_first").value
TIMES: Final = fact("kinesis_on_demand_times").value
ADAPTS_S: Final = fact("kinesis_on_demand_adapts").value * 60


class Step(NamedTuple):
    """One step: what was offered, what could be taken and what was turned away, in MB a second."""

    offered: float
    capacity: float
    refused: float


@dataclass(frozen=True, slots=True)
class OnDemand:
    """A capacity that follows twice the recent peak.

    Attributes
    ----------
    first : float
        MB a second that a new stream takes.
    times : float
        So many times the peak is taken.
    adapts_s : float
        How long it takes until a new peak counts.
    """

    first: float = FIRST
    times: float = TIMES
    adapts_s: float = ADAPTS_S

    def __post_init__(self) -> None:
        require_positive(first=self.first, times=self.times, adapts_s=self.adapts_s)

    def steps(self, offered: Iterable[float], *, every_s: float = 60.0) -> Iterator[Step]:
        """Give what becomes of the rates that are offered, one for each `every_s` seconds.

        Examples
        --------
        >>> [step.refused for step in OnDemand(first=4, adapts_s=60).steps([4.0, 10.0, 10.0, 20.0])]
        [0.0, 2.0, 0.0, 0.0]
        """
        require_positive(every_s=every_s)
        wait, peaks = max(1, round(self.adapts_s / every_s)), [0.0]
        for rate in offered:
            require_not_negative(offered=rate)
            capacity = max(self.first, self.times * peaks[max(0, len(peaks) - wait)])
            peaks.append(max(peaks[-1], min(rate, capacity)))
            yield Step(rate, capacity, max(0.0, rate - capacity))


def provisioned(offered: Iterable[float], capacity: float) -> Iterator[Step]:
    """Give what becomes of the same rates where the capacity is what somebody ordered."""
    require_positive(capacity=capacity)
    for rate in offered:
        require_not_negative(offered=rate)
        yield Step(rate, capacity, max(0.0, rate - capacity))


def refused_share(steps: Iterable[Step]) -> float:
    """Return which share of what was offered was turned away."""
    told = list(steps)
    offered = sum(step.offered for step in told)
    return sum(step.refused for step in told) / offered if offered else 0.0
