"""One pool of workers for all, or one each? Laws of pooled and split queues, and of payloads that take another way.

Sources: Kleinrock, *Queueing Systems* vol. 2, sec. 5.1; Smith and Whitt, "Resource sharing for efficiency in traffic
systems", Bell System Technical Journal 1981 (a pool of alike is never slower than its parts).
"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_not_negative, require_positive
from dsys_lab.laws.queues import mmc_sojourn_s


def pooled_sojourn_s(*arrival_rates: float, service_rate: float, servers: int) -> float:
    """Mean seconds in the system when all tenants share all `servers`: M/M/c at the sum of their rates.

    `service_rate` is of one server. Holds for exponential work of one mean, below saturation.
    """
    return mmc_sojourn_s(sum(arrival_rates), service_rate, servers=servers)


def split_sojourn_s(*arrival_rates: float, service_rate: float, servers: int) -> float:
    """Mean seconds in the system, over the jobs of all, when each tenant has an equal part of the `servers` for itself.

    Each part is an M/M/c of its own: `sum(lambda_i W_i) / sum(lambda_i)`. At equal rates it is never below the pool's.
    """
    if servers % len(arrival_rates):
        raise BadParameter(f"servers = {servers!r}: give a multiple of {len(arrival_rates)}, for equal parts")
    part = servers // len(arrival_rates)
    stays = [rate * mmc_sojourn_s(rate, service_rate, servers=part) for rate in arrival_rates]
    return sum(stays) / sum(arrival_rates)


def break_even_bytes(round_trips_s: float, bus_bytes_per_s: float, store_bytes_per_s: float = math.inf) -> float:
    """Size of a payload from which on it is quicker beside the bus than through it: `latency * bandwidth`.

    Beside the bus it costs `round_trips_s` more, and goes twice, in and out, at the store's pace; through the bus it
    takes `size / bus_bytes_per_s`. So `round_trips_s / (1 / bus - 2 / store)`; infinite where the store is not twice as
    fast. Holds for an idle bus: what stands behind a large message waits for it too, and gains earlier.
    """
    require_not_negative(round_trips_s=round_trips_s)
    require_positive(bus_bytes_per_s=bus_bytes_per_s, store_bytes_per_s=store_bytes_per_s)
    gained_s = 1 / bus_bytes_per_s - 2 / store_bytes_per_s
    return round_trips_s / gained_s if gained_s > 0 else math.inf
