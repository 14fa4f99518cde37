"""Queues: how long is the wait, how many are lost, and how fast does a backlog grow and drain?"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive

_NEAR, _ROUNDS = 1e-12, 100_000


def _stable(arrival_rate: float, service_rate: float, servers: int = 1) -> float:
    """Return the utilisation; refuse a queue that has no steady state."""
    require_positive(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
    utilisation = arrival_rate / (service_rate * servers)
    if utilisation >= 1:
        raise BadParameter(
            f"{arrival_rate:g}/s come in and {service_rate * servers:g}/s can be served: this queue grows for ever "
            "and has no mean wait; use `backlog` for how fast it grows"
        )
    return utilisation


def little(arrival_rate: float, sojourn_s: float) -> float:
    """Mean number in a system, `L = lambda * W`: true of every stable system, whatever is inside.

    Source: Little, "A proof for the queuing formula L = lambda W", Operations Research 1961.
    """
    return arrival_rate * sojourn_s


def mm1_sojourn_s(arrival_rate: float, service_rate: float) -> float:
    """Mean time in an M/M/1 system, waiting and service together: `1 / (mu - lambda)`.

    Random (Poisson) arrivals, exponential service, one server, endless buffer, first in first out, lambda < mu.
    Source: Kleinrock, *Queueing Systems* vol. 1, sec. 3.2.
    """
    _stable(arrival_rate, service_rate)
    return 1 / (service_rate - arrival_rate)


def mm1_sojourn_quantile_s(arrival_rate: float, service_rate: float, *, share: float) -> float:
    """Time within which `share` of the customers leave an M/M/1 system: it is exponential, so p99 = 4.6 W."""
    require_fraction(share=share)
    if share == 1:
        raise BadParameter("share = 1: there is no time within which all leave; give a share below 1")
    return -math.log(1 - share) * mm1_sojourn_s(arrival_rate, service_rate)


def mg1_sojourn_s(arrival_rate: float, service_rate: float, *, squared_variation: float) -> float:
    """Mean time in an M/G/1 system: `S + rho S (1 + c2) / (2 (1 - rho))` (Pollaczek-Khinchine).

    `squared_variation` is c2 = variance / mean**2 of the service time: 0 constant, 1 exponential, more for heavy tails.
    Source: Kleinrock, *Queueing Systems* vol. 1, sec. 5.6.
    """
    if squared_variation < 0:
        raise BadParameter(f"squared_variation = {squared_variation!r}: give 0 (constant) or more")
    utilisation, service_s = _stable(arrival_rate, service_rate), 1 / service_rate
    return service_s + utilisation * service_s * (1 + squared_variation) / (2 * (1 - utilisation))


def dm1_sojourn_s(every_s: float, service_s: float) -> float:
    """Mean seconds in a system that customers enter at equal intervals, with exponential service (D/M/1).

    `S / (1 - sigma)`, where `sigma` is the root below 1 of `sigma = exp(-(1 - sigma) T / S)`: the chance to find the
    server busy. Source: Kleinrock, *Queueing Systems* vol. 1, sec. 6.4 (G/M/1).
    """
    require_positive(every_s=every_s, service_s=service_s)
    _stable(1 / every_s, 1 / service_s)
    sigma = 0.0
    for _ in range(_ROUNDS):  # each round comes nearer by the factor of the slope, which is below 1
        before, sigma = sigma, math.exp(-(1 - sigma) * every_s / service_s)
        if sigma - before < _NEAR:
            break
    return service_s / (1 - sigma)


def erlang_c(servers: int, offered_load: float) -> float:
    """Share of customers that must wait in an M/M/c system; `offered_load` = lambda / mu, below `servers`.

    Source: Erlang 1917; Kleinrock, *Queueing Systems* vol. 1, sec. 3.5. Computed by the stable recursion of Erlang B.
    """
    _stable(offered_load, 1.0, servers)
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = offered_load * blocked / (busy + offered_load * blocked)
    return servers * blocked / (servers - offered_load * (1 - blocked))


def mmc_sojourn_s(arrival_rate: float, service_rate: float, *, servers: int) -> float:
    """Mean time in an M/M/c system: `1/mu + C(c, lambda/mu) / (c mu - lambda)`."""
    _stable(arrival_rate, service_rate, servers)
    waiting = erlang_c(servers, arrival_rate / service_rate)
    return 1 / service_rate + waiting / (servers * service_rate - arrival_rate)


def mm1k_blocking(utilisation: float, capacity: int) -> float:
    """Share lost by an M/M/1/K queue: `(1 - rho) rho**K / (1 - rho**(K+1))`, and `1 / (K + 1)` at rho = 1.

    `capacity` is K and counts the one in service. Holds at any utilisation, above 1 too.
    Source: Kleinrock, *Queueing Systems* vol. 1, sec. 3.6.
    """
    require_positive(utilisation=utilisation, capacity=capacity)
    if math.isclose(utilisation, 1.0):
        return 1 / (capacity + 1)
    if utilisation > 1:  # the same, divided by rho**K: a power that grows would overflow
        return (1 - utilisation) / (utilisation**-capacity - utilisation)
    return (1 - utilisation) * utilisation**capacity / (1 - utilisation ** (capacity + 1))


def backlog(arrival_rate: float, service_rate: float, seconds: float) -> float:
    """Messages that pile up in `seconds` of overload, as a fluid: `(lambda - mu) t`, never below 0."""
    require_not_negative(arrival_rate=arrival_rate, service_rate=service_rate, seconds=seconds)
    return max(0.0, (arrival_rate - service_rate) * seconds)


def drain_s(waiting: float, arrival_rate: float, service_rate: float) -> float:
    """Seconds until a backlog is gone: `backlog / (mu - lambda)`. Needs lambda < mu: else it never drains.

    `arrival_rate` may be 0: nothing new comes.
    """
    if arrival_rate != 0:
        _stable(arrival_rate, service_rate)
    require_positive(service_rate=service_rate)
    require_not_negative(waiting=waiting)
    return waiting / (service_rate - arrival_rate)


def outage_drain_s(outage_s: float, arrival_rate: float, service_rate: float) -> float:
    """Seconds to work off what came in during an outage: `lambda * outage / (mu - lambda)`."""
    return drain_s(arrival_rate * outage_s, arrival_rate, service_rate)


def retention_lasts_s(retention_s: float, arrival_rate: float, service_rate: float) -> float:
    """Seconds until a reader that is too slow loses the first message: `R / (1 - mu / lambda)`.

    Messages are kept for `retention_s`. A reader that stands still (mu = 0) loses after R; one that keeps up, never.
    """
    require_positive(retention_s=retention_s, arrival_rate=arrival_rate)
    if not 0 <= service_rate < arrival_rate:
        raise BadParameter(f"{service_rate:g}/s are read of {arrival_rate:g}/s: this reader keeps up and loses nothing")
    return retention_s / (1 - service_rate / arrival_rate)


def relative_standard_error(utilisation: float, *, customers: int) -> float:
    """Relative standard error of the mean number in an M/M/1 system measured over `customers`.

    `1/(1-rho) * sqrt(2 (1+rho) / (rho mu T))`, with `rho mu T` = customers. By Little's law it holds for the mean
    sojourn as well, a little on the wide side. Near saturation a queue forgets slowly: 200,000 customers give 4.4 % at
    rho = 0.9.

    Source: after Whitt, "Planning queueing simulations", Management Science 1989.
    """
    _stable(utilisation, 1.0)
    require_positive(customers=customers)
    return math.sqrt(2 * (1 + utilisation) / customers) / (1 - utilisation)
