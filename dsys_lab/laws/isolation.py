"""One pool of workers for all, or one each? Laws of pooled and split queues, and of payloads that take another way.

Sources: Kleinrock, *Queueing Systems* vol. 2, sec. 5.1; Smith and Whitt, "Resource sharing for efficiency in traffic
systems", Bell System Technical Journal 1981 (a pool of alike is never slower than its parts).
"""

from __future__ import annotations

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


def break_even_bytes(round_trip_s: float, bytes_per_s: float) -> float:
    """Size of a payload from which on it is quicker beside the bus than through it: `latency * bandwidth`.

    Beside it, the payload spares the bus its `size / bandwidth` seconds and costs one more `round_trip_s`.
    Holds where the store carries bytes so much faster than the bus that its own share does not count.
    """
    require_not_negative(round_trip_s=round_trip_s)
    require_positive(bytes_per_s=bytes_per_s)
    return round_trip_s * bytes_per_s
