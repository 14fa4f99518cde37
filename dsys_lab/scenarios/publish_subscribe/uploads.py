"""A video was uploaded: who hears of it?

`phone` publishes to the topic `uploads`. Whoever is subscribed gets a copy of each message: to make the *thumbnail*, to
put it into the *search* index, to write the bill (*billing*). The claims, one function each:

1. `seats`: only those hear who are there; an archive lets one who came late hear the past.
2. `fan_out`: one message becomes as many as there are seats whose filter lets it through.
3. `isolation`: called one after the other everybody waits for the slowest; a topic, and a queue for each, part them.
4. `outage`: how long a subscriber may be down is the sum of its policy's pauses.
5. `filtering`: a filter at the topic saves the way; a filter with a typo loses all, without a word.
6. `order`: a standard topic reorders and repeats, a FIFO topic does neither.

Sources: the semantics and their sources in `dsys_lab.brokers.topic`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any, Final

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic import TO_HTTP, TO_PEOPLE, TO_QUEUES, DeliveryPolicy, Subscription, Topic
from dsys_lab.brokers.work_queue import Settings, WorkQueue
from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive
from dsys_lab.scenarios.durable_queue.machines import QueueHost
from dsys_lab.scenarios.durable_queue.workers import Task, Worker
from dsys_lab.scenarios.publish_subscribe.machines import Caller, Listener, Publisher, QueueEndpoint, TopicHost
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation, to_us
from dsys_lab.simulation.chance import Distribution, constant, service
from dsys_lab.simulation.network import DELAY_S

PHONE, UPLOADS = "phone", "uploads"
LISTENERS: Final = ("thumbnail", "search", "billing")
POLICIES: Final[dict[str, DeliveryPolicy]] = {"http": TO_HTTP, "people": TO_PEOPLE, "queue": TO_QUEUES}
"""How long each kind of endpoint is tried, by the words that a page uses."""
EVERY_SECOND: Final = DeliveryPolicy(pre_backoff=50, shortest_s=1.0, longest_s=1.0)
KINDS: Final = tuple(f"kind-{number}" for number in range(10))
"""What a video may be: each as often as the others."""
WIRINGS: Final = ("one call after the other", "topic", "topic, a queue each")
ARCHIVES: Final = {"none": 0, "a day": 1}
"""For how many days a topic keeps what was published."""
PLACES: Final = ("topic", "listener")
BOOKS: Final[dict[str, dict[str, Any]]] = {"conservation": {}}


def policy_of(endpoint: str) -> DeliveryPolicy:
    """Return how long this kind of endpoint is tried."""
    require_choice("endpoint", endpoint, tuple(POLICIES))
    return POLICIES[endpoint]


def _listen(sim: Simulation, host: TopicHost, name: str, work: Distribution, **subscription: Any) -> Listener:
    listener = Listener(sim, name, work)
    host.subscribe(Subscription(name=name, **subscription), listener)
    return listener


def _publish_of_all_kinds(sim: Simulation, host: TopicHost, *, every_s: float, messages: int) -> None:
    luck = sim.stream("kinds")
    Publisher(sim, host, repeat(every_s, messages), name=PHONE,
              attributes_of=lambda number: {"kind": KINDS[int(10 * luck())]})  # fmt: skip


# ------------------------------------------------------------------------------------------ 1. who is there
@scenario("archive: {archive}")
def seats(
    sim: Simulation,
    *,
    every_s: float = 4.0,
    join_s: float = 30.0,
    leave_s: float = 40.0,
    back_s: float = 60.0,
    until_s: float = 88.0,
    archive: str = "none",
) -> Claims:
    """Only those hear who are subscribed when it is published.

    *thumbnail* sits there all the time, *search* comes at `join_s`, *billing* leaves at `leave_s` and is back at
    `back_s`. With an archive the topic keeps what was published, and *search* asks for all of it when it comes.
    """
    require_positive(every_s=every_s, join_s=join_s, until_s=until_s)
    require_choice("archive", archive, tuple(ARCHIVES))
    if not leave_s < back_s:
        raise BadParameter(f"leave_s = {leave_s!r}, back_s = {back_s!r}: give leave_s < back_s")
    keeps = ARCHIVES[archive] > 0
    topic = Topic(UPLOADS, fifo=keeps, archive_days=ARCHIVES[archive], recorder=sim.recorder)
    host, work = TopicHost(sim, topic), constant(0.5)
    _listen(sim, host, "thumbnail", work)
    search, billing = Listener(sim, "search", work), Listener(sim, "billing", work)
    host.subscribe(Subscription(name="billing"), billing)

    sim.emit("leave", f"{UPLOADS}/search")

    def joins() -> None:
        host.subscribe(Subscription(name="search"), search)
        if keeps:
            host.replay("search", since_s=0)

    sim.after(join_s, joins)
    sim.after(leave_s, lambda: host.unsubscribe("billing"))
    sim.after(back_s, lambda: host.subscribe(Subscription(name="billing"), billing))
    group_of = (lambda number: "all") if keeps else None  # one line of all
    Publisher(sim, host, repeat(every_s, int((until_s - 8) / every_s)), name=PHONE, group_of=group_of)
    sim.run(until_s)
    missed_s = (leave_s // every_s + 1) * every_s
    return Claims(BOOKS, poster_us=to_us(missed_s + 1.5 * DELAY_S))


# ------------------------------------------------------------------------------------------ 2. one becomes many
@scenario("{subscribers} subscribers that want {wanted:.0%}")
def fan_out(
    sim: Simulation, *, subscribers: int = 5, wanted: float = 1.0, messages: int = 20, every_s: float = 1.0
) -> Claims:
    """One message becomes as many copies as there are seats whose filter lets it through.

    Videos are of ten kinds, each as often. Every subscriber wants the share `wanted` of the kinds, each other ones.
    """
    require_positive(subscribers=subscribers, messages=messages, every_s=every_s)
    require_fraction(wanted=wanted)
    host = TopicHost(sim, Topic(UPLOADS, recorder=sim.recorder))
    share = round(10 * wanted)
    for number in range(subscribers):
        kinds = [KINDS[(number + step) % 10] for step in range(share)] or ["none"]
        only = None if share == 10 else Pattern({"kind": kinds})
        _listen(sim, host, f"listener-{number + 1}", constant(0.2), only=only)
    _publish_of_all_kinds(sim, host, every_s=every_s, messages=messages)
    sim.run(messages * every_s + 5)
    return Claims(BOOKS)


# ------------------------------------------------------------------------------------------ 3. the slow one
@scenario("{wiring}")
def isolation(
    sim: Simulation,
    *,
    wiring: str = "topic",
    work_s: float = 0.4,
    slow_work_s: float = 5.0,
    every_s: float = 1.0,
    messages: int = 30,
) -> Claims:
    """One of three who hear is slow: who waits for it?

    *thumbnail* and *search* take `work_s` for a message, *billing* `slow_work_s`. In "one call after the other" the
    phone's own server calls the three in turn and waits for each. With a "topic" it tells the topic, which calls all
    three. With "topic, a queue each" what is called is a queue, from which each takes in its own time.
    """
    require_choice("wiring", wiring, WIRINGS)
    require_positive(work_s=work_s, slow_work_s=slow_work_s, every_s=every_s, messages=messages)
    gaps = repeat(every_s, messages)
    works = {name: service("exponential", slow_work_s if name == "billing" else work_s) for name in LISTENERS}
    if wiring == "one call after the other":
        Caller(sim, [Listener(sim, name, works[name]) for name in reversed(LISTENERS)], gaps, name=PHONE)
    else:
        host = TopicHost(sim, Topic(UPLOADS, recorder=sim.recorder))
        for name in LISTENERS:
            if wiring == "topic":
                _listen(sim, host, name, works[name], policy=TO_HTTP)
            else:
                _queue_for(sim, host, name, works[name])
        Publisher(sim, host, gaps, name=PHONE)
    sim.run(messages * max(every_s, slow_work_s) + 120)
    return Claims({**BOOKS, "nothing lost": {}}, poster_us=to_us(messages * every_s))


def _queue_for(sim: Simulation, host: TopicHost, name: str, work: Distribution) -> None:
    """Put a queue of its own between the topic and a worker."""
    place = f"{name}-queue"
    settings = Settings(visibility_s=120.0, copy_share=0.0, order_window=1)
    queue = QueueHost(sim, WorkQueue(place, settings, recorder=sim.recorder))
    host.subscribe(Subscription(name=name), QueueEndpoint(queue))
    Worker(sim, queue, name, Task(work))


# ------------------------------------------------------------------------------------------ 4. the one that is down
@scenario("tried as {endpoint}, down for {down_s:g} s")
def outage(
    sim: Simulation,
    *,
    endpoint: str = "http",
    down_s: float = 90.0,
    dead_letters: bool = False,
    every_s: float = 10.0,
    messages: int = 12,
) -> Claims:
    """How long a subscriber may be down is the sum of its policy's pauses.

    *billing* goes down after 15 s, for `down_s`. With `dead_letters` what was tried in vain is set aside.
    """
    require_positive(down_s=down_s, every_s=every_s, messages=messages)
    host = TopicHost(sim, Topic(UPLOADS, recorder=sim.recorder))
    _listen(sim, host, "thumbnail", constant(0.5), policy=policy_of(endpoint))
    billing = _listen(sim, host, "billing", constant(0.5), policy=policy_of(endpoint), dead_letters=dead_letters)
    Publisher(sim, host, repeat(every_s, messages), name=PHONE)
    sim.after(15.0, billing.crash)
    sim.after(15.0 + down_s, billing.restart)
    sim.run(15.0 + down_s + messages * every_s + 90.0)
    return Claims({**BOOKS, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ 5. where to filter
@scenario("filtered at the {at}, by {field}")
def filtering(
    sim: Simulation,
    *,
    at: str = "topic",
    wanted: float = 0.2,
    field: str = "kind",
    messages: int = 30,
    every_s: float = 1.0,
) -> Claims:
    """A filter at the topic saves the way; with a typo it loses all, without a word.

    *billing* wants the share `wanted` of the kinds. It filters at the "topic", or as "listener" hears everything and
    throws away what it does not want. `field` is the attribute that its filter names; that of the videos is "kind".
    """
    require_choice("at", at, PLACES)
    require_fraction(wanted=wanted)
    require_positive(messages=messages, every_s=every_s)
    host = TopicHost(sim, Topic(UPLOADS, recorder=sim.recorder))
    only = Pattern({field: list(KINDS[: round(10 * wanted)]) or ["none"]})
    wants = Subscription(name="billing", only=only)
    _listen(sim, host, "thumbnail", constant(0.2))
    if at == "topic":
        host.subscribe(wants, Listener(sim, "billing", constant(0.2)))
    else:
        hears = lambda attempt: wants.hears(attempt.attributes, attempt.body)  # noqa: E731
        host.subscribe(Subscription(name="billing"), Listener(sim, "billing", constant(0.2), hears=hears))
    _publish_of_all_kinds(sim, host, every_s=every_s, messages=messages)
    sim.run(messages * every_s + 5)
    return Claims(BOOKS)


# ------------------------------------------------------------------------------------------ 6. order and repetition
@scenario("{kind} topic")
def order(
    sim: Simulation,
    *,
    kind: str = "standard",
    groups: int = 2,
    messages: int = 30,
    every_s: float = 0.5,
    fails: float = 0.2,
) -> Claims:
    """A standard topic reorders what it tries again; a FIFO topic keeps each group in order. Both repeat.

    Every message belongs to one of `groups` sleepers. A share `fails` of the calls to *billing* fails: half before the
    work (the call is lost), half after it (the answer is lost). The topic tries again a second later, and so on.
    """
    require_choice("kind", kind, ("standard", "fifo"))
    require_positive(groups=groups, messages=messages, every_s=every_s)
    require_fraction(fails=fails)
    host = TopicHost(sim, Topic(UPLOADS, fifo=kind == "fifo", recorder=sim.recorder))
    billing = _listen(sim, host, "billing", constant(0.1), policy=EVERY_SECOND)
    host.flaky(billing.name, fails)
    of = lambda number: f"sleeper-{(number - 1) % groups + 1}"  # noqa: E731
    Publisher(sim, host, repeat(every_s, messages), name=PHONE, attributes_of=lambda number: {"sleeper": of(number)},
              group_of=of if kind == "fifo" else None)  # fmt: skip
    sim.run(messages * every_s + 120)
    return Claims(BOOKS)
