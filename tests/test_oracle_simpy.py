"""SimPy alone is the oracle: the same queue in 25 lines of plain SimPy gives every sojourn time to the microsecond.

Same streams of luck, whole microseconds, and none of our machines, buffers, networks or traces. So whatever those add,
they change no number.
"""

from __future__ import annotations

import pytest
import simpy

from dsys_lab.scenarios.not_consumed_in_time.bursts import hockey_stick
from dsys_lab.simulation.chance import exponential, service, stream


def to_us(seconds):
    return int(seconds * 1e6 + 0.5)


def plain_simpy(seed, *, customers, arrival_rate, servers, shape, service_rate):
    """One line of customers, served in order of arrival by whoever has been free for longest."""
    env, sojourns_us = simpy.Environment(), {}
    places = ["scorer"] if servers == 1 else [f"scorer/{number}" for number in range(1, servers + 1)]
    work, gap = service(shape, 1 / service_rate), exponential(1 / arrival_rate)
    luck = {place: stream(seed, f"{place}/work") for place in places}
    free = simpy.Store(env)
    free.items.extend(places)

    def customer(number):
        came_us = env.now
        place = yield free.get()
        yield env.timeout(to_us(work(luck[place])))
        sojourns_us[f"n{number}"] = env.now - came_us
        free.put(place)

    def arrivals():
        draw = stream(seed, "wearables/arrivals")
        for number in range(1, customers + 1):
            yield env.timeout(to_us(gap(draw)))
            env.process(customer(number))

    env.process(arrivals())
    env.run()
    return sojourns_us


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize(
    ("utilisation", "servers", "shape"),
    [(0.5, 1, "exponential"), (0.95, 1, "exponential"), (0.9, 1, "heavy"), (0.9, 4, "exponential"), (0.7, 3, "erlang")],
)
def test_every_sojourn_time_is_identical(seed, utilisation, servers, shape):
    customers, service_rate = 3000, 10.0
    expected = plain_simpy(
        seed,
        customers=customers,
        arrival_rate=utilisation * servers * service_rate,
        servers=servers,
        shape=shape,
        service_rate=service_rate,
    )
    run = hockey_stick(
        seed=seed, customers=customers, utilisation=utilisation, servers=servers, service_shape=shape
    )
    assert {row.message: row.fields["sojourn_us"] for row in run.of("finish")} == expected
    assert len(expected) == customers
