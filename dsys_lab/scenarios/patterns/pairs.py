"""Two patterns at once: each is fine by itself, and what do they make together?

Clients try again (*Retry*), a queue of any length levels the load (*Queue-Based Load Leveling*), and a spike of ten
seconds comes by. The four runs differ in nothing else.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.scenarios.not_consumed_in_time import retry_storm
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.trace import Trace

TOGETHER: Final[dict[str, dict[str, Any]]] = {
    "neither": {"retries": 0, "policy": "reject"},
    "retry alone": {"retries": 3, "policy": "reject"},
    "queue alone": {"retries": 0, "policy": "unbounded"},
    "both": {"retries": 3, "policy": "unbounded"},
}
SPIKE: Final[dict[str, Any]] = {"spike_from_s": 15.0, "spike_to_s": 25.0, "until_s": 75.0}
SETTLED_S: Final = 20.0
"""How long after the spike what is answered is counted."""


def after_the_spike(together: str, *, seed: int = DEFAULT_SEED) -> Trace:
    """Run one of `TOGETHER`."""
    return retry_storm(seed=seed, **TOGETHER[together], **SPIKE)


def answered_a_second(trace: Trace) -> float:
    """Return how many calls a second were answered in time, once the spike had settled."""
    params = trace.header.params
    from_s, until_s = params["spike_to_s"] + SETTLED_S, params["until_s"]
    return sum(row.time_us >= from_s * 1e6 for row in trace.of("publish_ok")) / (until_s - from_s)


def compared(*, seed: int = DEFAULT_SEED) -> dict[str, float]:
    """Return the calls answered a second after the spike, for each of `TOGETHER`."""
    return {together: answered_a_second(after_the_spike(together, seed=seed)) for together in TOGETHER}
