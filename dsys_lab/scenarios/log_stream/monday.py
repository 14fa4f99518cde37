"""A Monday morning at which every wearable syncs at once: what two ways to order capacity make of it.

A quiet day, then at 07:00 `jump` times as much, reached within `within_min`. On-demand capacity has seen the quiet days
only; provisioned capacity is what somebody ordered.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.brokers.log_stream.on_demand import OnDemand, Step, provisioned, refused_share
from dsys_lab.errors import require_positive

QUIET_MB: Final = 4.0
"""MB a second, on quiet days: so on-demand capacity begins with twice that."""
BEFORE_MIN: Final = 30
MORNING_MIN: Final = 120


def offered(jump: float, within_min: float) -> list[float]:
    """Return the MB a second that come in each minute."""
    require_positive(jump=jump, within_min=within_min)
    grows = (min(1.0, minute / within_min) for minute in range(1, MORNING_MIN + 1))
    return [QUIET_MB] * BEFORE_MIN + [QUIET_MB * (1 + (jump - 1) * share) for share in grows]


def on_demand(jump: float, within_min: float) -> list[Step]:
    """Return what on-demand capacity makes of the morning."""
    return list(OnDemand().steps(offered(jump, within_min)))


def follows_after_min(jump: float, within_min: float) -> int:
    """Return how many minutes after 07:00 nothing is turned away any more."""
    refused = [minute for minute, step in enumerate(on_demand(jump, within_min), 1) if step.refused]
    return max(0, max(refused, default=0) - BEFORE_MIN)


def morning(jump: float, within_min: float, ordered_mb: float) -> dict[str, list[tuple[float, float]]]:
    """Return what comes, and what both take, in MB a second by the minutes after 07:00."""
    steps = on_demand(jump, within_min)
    fixed = list(provisioned(offered(jump, within_min), ordered_mb))

    def curve(values: list[float]) -> list[tuple[float, float]]:
        return list(zip(map(float, range(-BEFORE_MIN, MORNING_MIN)), values, strict=True))

    return {
        "what comes": curve([step.offered for step in steps]),
        f"on-demand: {refused_share(steps):.0%} refused": curve([step.capacity for step in steps]),
        f"ordered: {refused_share(fixed):.0%} refused": curve([step.capacity for step in fixed]),
    }
