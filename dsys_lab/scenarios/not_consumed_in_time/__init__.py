"""More comes than is taken away: what happens to the rest?

`bursts` has the runs that Slumber makes up, `closed_airport` the one that a blizzard made; `counts` says what many runs
come to. Its machines serve other labs too and stand one floor up.
"""

from dsys_lab.scenarios.not_consumed_in_time.bursts import (
    blocking,
    burst,
    drill,
    fair_shares,
    fresh_or_old,
    hockey_stick,
    pipeline,
    retry_storm,
)
from dsys_lab.scenarios.not_consumed_in_time.closed_airport import departures

__all__ = [
    "blocking",
    "burst",
    "departures",
    "drill",
    "fair_shares",
    "fresh_or_old",
    "hockey_stick",
    "pipeline",
    "retry_storm",
]
