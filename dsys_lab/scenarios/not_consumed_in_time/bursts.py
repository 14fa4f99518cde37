"""07:00 on Monday: every wearable syncs at once.

`wearables` send nights to an `inbox`; a `scorer` takes them one by one and scores them. All is well until more comes in
than goes out. Seven claims, one function each:

1. `hockey_stick`: the wait explodes long before the server is full.
2. `burst`: one burst has four answers, and each has somebody who pays.
3. `blocking`: beyond some twenty places a bigger buffer buys only delay.
4. `retry_storm`: clients that try again can keep a system down for ever after a short spike.
5. `pipeline`: credit moves the queue from the slow stage back to the source.
6. `fair_shares`: who gets how much of a shared limit depends on how the senders react.
7. `fresh_or_old`: under lasting overload, who serves the oldest first serves nobody in time.

What the runs come to is counted in `overflow_counts`; the same buffer under real flights is `closed_airport`.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 11; the laws and their sources in `dsys_lab.laws`.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

from dsys_lab.brokers import overflow_orders
from dsys_lab.brokers.flow_control import Aimd, TokenBucket
from dsys_lab.brokers.overflow import Buffer, Policy, Request
from dsys_lab.brokers.retries import RetryBudget, RetryPolicy
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.machines import Consumer, Inbox, Producer, RetryingClient
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.stages import hand_over_at_random, in_a_row
from dsys_lab.simulation import Body, Simulation
from dsys_lab.simulation.chance import exponential, service, uniform

WEARABLES, INBOX, SCORER = "wearables", "inbox", "scorer"
BALANCED: dict[str, dict[str, Any]] = {"conservation": {}, "depth adds up": {}}


# ------------------------------------------------------------------------------------------ 1. the hockey stick
@scenario("{service_shape} service at {utilisation:.0%}")
def hockey_stick(
    sim: Simulation,
    *,
    utilisation: float = 0.5,
    service_shape: str = "exponential",
    servers: int = 1,
    service_rate: float = 10.0,
    customers: int = 20_000,
) -> Claims:
    """The wait explodes long before the server is full.

    `customers` arrive at random at `utilisation * servers * service_rate` a second, wait in one line, and are served by
    whoever is free. Every `finish` row carries the customer's `sojourn_us`.
    """
    require_positive(utilisation=utilisation, service_rate=service_rate, customers=customers, servers=servers)
    buffer = Buffer(INBOX, capacity=customers, recorder=sim.recorder)
    inbox = Inbox(sim, buffer)
    Consumer(sim, inbox, service(service_shape, 1 / service_rate), name=SCORER, servers=servers)

    sim.spawn(_arrive(sim, inbox, customers, rate=utilisation * servers * service_rate))
    sim.run()
    return Claims({**BALANCED, "nothing lost": {}})


def _arrive(sim: Simulation, inbox: Inbox, customers: int, *, rate: float) -> Body:
    """Let customers come in at random, without a network between them and the line."""
    gap, chance = exponential(1 / rate), sim.stream(f"{WEARABLES}/arrivals")
    for number in range(1, customers + 1):
        yield sim.sleep(gap(chance))
        sim.emit("publish", WEARABLES, f"n{number}", attempt=1)
        inbox.offer(Request(f"n{number}", offered_us=sim.now_us))


# ------------------------------------------------------------------------------------------ 2. one burst
@scenario("{policy}")
def burst(
    sim: Simulation,
    *,
    policy: str | Policy = "unbounded",
    capacity: int = 50,
    rate: float = 8.0,
    burst_rate: float = 30.0,
    burst_from_s: float = 20.0,
    burst_to_s: float = 40.0,
    service_rate: float = 10.0,
    until_s: float = 120.0,
    deadline_s: float = 5.0,
) -> Claims:
    """One burst has four answers, and each has somebody who pays.

    Nights arrive at `rate` a second, and at `burst_rate` between `burst_from_s` and `burst_to_s`; the scorer does
    `service_rate`. Nothing new comes after `until_s`, and the run ends when nothing is left to do.
    """
    require_positive(rate=rate, burst_rate=burst_rate, service_rate=service_rate, until_s=until_s)
    require_positive(deadline_s=deadline_s)
    inbox = Inbox(sim, Buffer(INBOX, capacity=capacity, policy=policy, recorder=sim.recorder))
    Consumer(sim, inbox, exponential(1 / service_rate), name=SCORER)
    Producer(
        sim,
        inbox,
        lambda now_s: burst_rate if burst_from_s <= now_s < burst_to_s else rate,
        name=WEARABLES,
        until_s=until_s,
        deadline_s=deadline_s,
    )
    sim.run()
    bounded = {} if policy == "unbounded" else {"bounded depth": {"depth_max": capacity}}
    return Claims(
        {**BALANCED, **bounded, "nothing lost": {}, "important kept": {"priority": "high"}},
        {"done": {"value": service_rate, "label": f"the scorer does {service_rate:g}/s"}},
    )


# ------------------------------------------------------------------------------------------ 3. how big a buffer
@scenario("room for {capacity}, {utilisation:.0%} offered")
def blocking(
    sim: Simulation,
    *,
    capacity: int = 10,
    utilisation: float = 0.9,
    service_rate: float = 10.0,
    customers: int = 20_000,
) -> Claims:
    """Beyond some twenty places a bigger buffer buys only delay.

    M/M/1/K: `capacity` is K and counts the one in service, so the buffer itself has room for one fewer.
    """
    if capacity < 2:
        raise BadParameter(f"capacity = {capacity!r}: give 2 or more, for it counts the one in service")
    require_positive(utilisation=utilisation, service_rate=service_rate, customers=customers)
    inbox = Inbox(sim, Buffer(INBOX, capacity=capacity - 1, policy="drop_newest", recorder=sim.recorder))
    Consumer(sim, inbox, exponential(1 / service_rate), name=SCORER)

    sim.spawn(_arrive(sim, inbox, customers, rate=utilisation * service_rate))
    sim.run()
    return Claims({**BALANCED, "bounded depth": {"depth_max": capacity - 1}})


# ------------------------------------------------------------------------------------------ 4. the retry storm
@scenario("{retries} retries, {budget} budget, {policy}")
def retry_storm(
    sim: Simulation,
    *,
    retries: int = 3,
    backoff: str = "none",
    budget: float | None = None,
    policy: str | Policy = "unbounded",
    capacity: int = 8,
    utilisation: float = 0.5,
    spike: float = 3.0,
    spike_from_s: float = 30.0,
    spike_to_s: float = 40.0,
    timeout_s: float = 1.0,
    service_rate: float = 10.0,
    until_s: float = 120.0,
) -> Claims:
    """Clients that try again can keep a system down for ever after a short spike.

    Calls arrive at `utilisation * service_rate` a second, `spike` times that during the spike. The server cannot know
    that a client has left, so it works on ghosts. In the ledger each attempt is a copy: it is done when its caller
    still waits, and has expired when nobody does; both cost the same work. The gauge `goodput` counts answers in time.
    """
    require_positive(utilisation=utilisation, spike=spike, service_rate=service_rate, until_s=until_s)
    rate = utilisation * service_rate
    inbox = Inbox(sim, Buffer(INBOX, capacity=capacity, policy=policy, recorder=sim.recorder))

    def answer(source: str, request: Request, *, ok: bool) -> None:
        sim.network.answer(source, WEARABLES, request.message, {"ok": ok}, copy=request.copy)

    inbox.refused = lambda request, _: answer(INBOX, request, ok=False)
    client = RetryingClient(
        sim,
        inbox,
        lambda now_s: rate * spike if spike_from_s <= now_s < spike_to_s else rate,
        RetryPolicy(retries=retries, timeout_s=timeout_s, backoff=backoff),
        RetryBudget(budget),
        name=WEARABLES,
        until_s=until_s,
    )
    done = partial(answer, SCORER, ok=True)
    Consumer(sim, inbox, exponential(1 / service_rate), name=SCORER, wanted=client.waits_for, done=done)
    sim.run(until_s)
    bounded = {} if policy == "unbounded" else {"bounded depth": {"depth_max": capacity}}
    return Claims(
        {**BALANCED, **bounded, "sends settle": {}, "answered in time": {}},
        {"goodput": {"value": rate, "label": f"{rate:g}/s come in before and after"}},
    )


# ------------------------------------------------------------------------------------------ 5. where does the queue go
@scenario("{window} credits between stages")
def pipeline(
    sim: Simulation,
    *,
    window: int | None = None,
    rate: float = 20.0,
    stage_rates: tuple[float, float, float] = (30.0, 20.0, 10.0),
    until_s: float = 60.0,
) -> Claims:
    """Credit moves the queue from the slow stage back to the source.

    Three stages of falling speed in a row. With `window` credits between neighbours a stage hands on only what the next
    has lent it room for, so no inbox grows beyond its window and the source feels the slowest stage.
    """
    require_positive(rate=rate, until_s=until_s)
    names = ("receive", "decode", SCORER)
    stages = {name: (exponential(1 / speed), 1) for name, speed in zip(names, stage_rates, strict=True)}
    sim.spawn(hand_over_at_random(sim, WEARABLES, in_a_row(sim, stages, window), rate=rate))
    sim.run(until_s)
    bounded = {} if window is None else {"bounded depth": {"depth_max": window}, "credit respected": {}}
    return Claims({**BALANCED, **bounded, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ 6. fair shares
CONTROLS = ("none", "token_bucket", "aimd", "aiad")


@scenario("{control}")
def fair_shares(
    sim: Simulation,
    *,
    control: str = "none",
    limit: float = 50.0,
    greedy_rate: float = 80.0,
    modest_rate: float = 20.0,
    increase: float = 1.0,
    until_s: float = 40.0,
) -> Claims:
    """Who gets how much of a shared limit depends on how the senders react.

    Two tenants send to a gate that lets `limit` messages through in every second. `none`: each sends at its own rate.
    `token_bucket`: each is held to half the limit. `aimd`, `aiad`: each starts at its own rate and feels its way, once
    a second, by one bit that both hear: whether the gate turned anybody away.
    """
    require_choice("control", control, CONTROLS)
    require_positive(limit=limit, greedy_rate=greedy_rate, modest_rate=modest_rate)
    require_positive(increase=increase, until_s=until_s)
    rates, additive = {"tenant-a": greedy_rate, "tenant-b": modest_rate}, control == "aiad"
    down = {"factor": 1.0, "decrease": increase} if additive else {"factor": 0.5}
    feelers = {name: Aimd(rate, increase=increase, **down) for name, rate in rates.items()}
    passed: dict[int, int] = {}
    overfull: set[int] = set()

    def tenant(name: str) -> Body:
        allowance = TokenBucket(rate=limit / 2, burst=limit / 2)
        gap, chance, number = uniform(0.5, 1.5), sim.stream(f"{name}/arrivals"), 0
        while True:
            yield sim.sleep(gap(chance) / feelers[name].rate)
            second, number = int(sim.now_s), number + 1
            message = f"{name[-1]}{number}"
            sim.emit("publish", name, message, attempt=1)
            if control == "token_bucket" and not allowance.take(sim.now_us):
                sim.emit("reject", name, message, why="its own bucket is empty")
            elif passed.get(second, 0) < limit:
                passed[second] = passed.get(second, 0) + 1
                sim.emit("finish", "gate", message, attempt=1, tenant=name)
            else:
                overfull.add(second)
                sim.emit("reject", "gate", message, why="the limit is reached")

    def once_a_second() -> Body:
        for second in count():
            yield sim.sleep(1)
            for name, feeler in feelers.items():
                sim.emit("gauge", name, name=name, value=round(feeler.rate, 3), unit="tries a second")
                if control in ("aimd", "aiad"):
                    (feeler.was_refused if second in overfull else feeler.went_well)()

    for name in rates:
        sim.spawn(tenant(name))
    sim.spawn(once_a_second())
    sim.run(until_s)
    fair = {"value": limit / 2, "label": "half the limit"}
    return Claims({"conservation": {}}, dict.fromkeys(rates, fair))


# ------------------------------------------------------------------------------------------ 7. fresh or old first
@scenario("{policy}, {margin_s:g} s in hand")
def fresh_or_old(
    sim: Simulation,
    *,
    policy: str | Policy = "unbounded",
    margin_s: float = 0.0,
    utilisation: float = 1.5,
    deadline_s: float = 2.0,
    service_rate: float = 10.0,
    capacity: int = 10_000,
    until_s: float = 120.0,
) -> Claims:
    """Under lasting overload, who serves the oldest first serves nobody in time.

    Every answer is worth nothing after `deadline_s`. A `finish` row's `sojourn_us` tells whether it came in time.
    """
    require_positive(utilisation=utilisation, deadline_s=deadline_s, service_rate=service_rate, until_s=until_s)
    buffer = Buffer(INBOX, capacity=capacity, policy=policy, margin_us=int(margin_s * 1e6), recorder=sim.recorder)
    inbox = Inbox(sim, buffer)
    Consumer(sim, inbox, exponential(1 / service_rate), name=SCORER)
    Producer(
        sim, inbox, lambda now_s: utilisation * service_rate, name=WEARABLES, until_s=until_s, deadline_s=deadline_s
    )
    sim.run(until_s)
    return Claims(BALANCED, {"done": {"value": service_rate, "label": f"the scorer does {service_rate:g}/s"}})


# ------------------------------------------------------------------------------------------ the drill for real brokers
@scenario("model, {policy}")
def drill(
    sim: Simulation,
    *,
    policy: str | Policy = "drop_oldest",
    capacity: int = 50,
    messages: int = 200,
    offers_per_take: int = 4,
) -> Claims:
    """The same orders to any buffer: so many offers for each take, and at the end take all that is left.

    No chance and no waiting: what a real broker does with the same orders can be compared row for row
    (`dsys_lab.engines.nats.jetstream_overflow`).
    """
    buffer = Buffer(INBOX, capacity=capacity, policy=policy, recorder=sim.recorder)
    overflow_orders.burst(
        overflow_orders.OnClock(buffer, sim), sim, messages=messages, offers_per_take=offers_per_take
    )
    bounded = {} if policy == "unbounded" else {"bounded depth": {"depth_max": capacity}}
    return Claims({**BALANCED, **bounded, "nothing lost": {}})
