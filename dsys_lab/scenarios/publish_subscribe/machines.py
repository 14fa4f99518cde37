"""A topic on a machine, those who sit at it, and the publisher.

The topic is pure: it says which attempts are due. `TopicHost` carries them out: it calls the endpoint and waits for its
answer, a while at most. There are two kinds of endpoint. A `Listener` answers when it is done; while it is down, or too
busy, the attempt fails, and what it has not begun by then it does not begin. A `QueueEndpoint` answers as soon as the
message lies in a work queue, from which workers take it in their own time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from dsys_lab.brokers.topic import Attempt, Published, Subscription, Topic
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.durable_queue.machines import QueueHost
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.simulation import Body, Event, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Distribution
from dsys_lab.simulation.network import DELAY_S

ANSWER_WITHIN_S: Final = 15.0
"""How long the topic waits for a listener's answer before it calls the attempt failed."""


class Pushing(Protocol):
    """A broker that says which attempts are due, and is told how they went."""

    place: str

    def attempts(self, now_us: int, *, arrive_us: int | None = None) -> Sequence[Any]:
        """Give out what is due."""
        ...

    def deadline_us(self) -> int | None:
        """Return when something becomes due next."""
        ...

    def delivered(self, now_us: int, number: int) -> None:
        """Hear that an attempt went well."""
        ...

    def failed(self, now_us: int, number: int, why: str) -> None:
        """Hear that it did not."""
        ...


class Endpoint(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """The machine's name."""
        ...

    @property
    def up(self) -> bool:
        """Whether it can be called."""
        ...

    def take(self, attempt: Any) -> Event:
        """Take a message that has come; the event succeeds when it is taken."""
        ...

    def settle(self, attempt: Any, *, heard: bool) -> None:
        """Learn whether the broker has heard so; if not, it has hung up."""
        ...


class PushingHost(Machine):
    """The machine of a broker that calls those who are to hear.

    Attributes
    ----------
    endpoints : dict
        Whom it calls, by the name that an attempt has for them.
    """

    def __init__(self, simulation: Simulation, broker: Pushing) -> None:
        super().__init__(simulation, broker.place)
        self.broker = broker
        self.endpoints: dict[str, Endpoint] = {}
        self._flaky: dict[str, float] = {}
        self._out: set[int] = set()  # attempts that are being carried out
        self._deadlines = Deadlines(simulation, self.push)

    def called(self, attempt: Any) -> str:
        """Return the name of the endpoint that an attempt is for."""
        raise NotImplementedError

    def flaky(self, name: str, share: float) -> None:
        """Let this share of the calls to an endpoint fail: half of them on the way there, half on the way back."""
        self._flaky[name] = share

    def push(self) -> None:
        """Carry out what is due, now and whenever more becomes due; a machine that is down does so when it is back."""
        simulation = self.simulation
        now_us = simulation.now_us
        if not self.up:
            return
        for attempt in self.broker.attempts(now_us, arrive_us=now_us + to_us(DELAY_S)):
            self._out.add(attempt.number)
            self.spawn(self._carry_out(attempt))
        self._deadlines.wait_for(self.broker.deadline_us())

    def boot(self) -> None:
        """Try again what a crash broke off: whether it was taken, nobody heard."""
        broken_off, self._out = sorted(self._out), set()
        for number in broken_off:
            self.broker.failed(self.simulation.now_us, number, f"{self.name} went down")
        self.push()

    def _carry_out(self, attempt: Any) -> Body:
        """Bring a message to its endpoint, hear how it went, and say so to the broker."""
        simulation = self.simulation
        yield simulation.sleep(DELAY_S)
        why = yield from self._call(self.endpoints[self.called(attempt)], attempt)
        yield simulation.sleep(DELAY_S)
        self._out.discard(attempt.number)
        if why:
            self.broker.failed(simulation.now_us, attempt.number, why)
        else:
            self.broker.delivered(simulation.now_us, attempt.number)
        self.push()

    def _call(self, endpoint: Endpoint, attempt: Any) -> Body:
        """Call an endpoint and return why it did not take the message, or "" if it did."""
        network, flaky = self.simulation.network, self._flaky.get(endpoint.name, 0.0)
        luck = self.simulation.stream(f"calls/{endpoint.name}")() if flaky else 1.0
        if not endpoint.up:
            return f"{endpoint.name} is down"
        if network.is_split_between(self.name, endpoint.name) or luck < flaky / 2:
            return "lost on the way there"
        taken = endpoint.take(attempt)
        yield taken | self.simulation.sleep(ANSWER_WITHIN_S)
        lost = network.is_split_between(self.name, endpoint.name) or luck < flaky
        why = ("the connection broke" if lost else "") if taken.triggered else "no answer in time"
        endpoint.settle(attempt, heard=not why)
        return why


class TopicHost(PushingHost):
    """The machine of a topic."""

    def __init__(self, simulation: Simulation, topic: Topic) -> None:
        super().__init__(simulation, topic)
        self.topic = topic

    def called(self, attempt: Attempt) -> str:
        """Return the subscription."""
        return attempt.subscription

    def subscribe(self, subscription: Subscription, endpoint: Endpoint) -> None:
        """Give an endpoint a seat."""
        self.topic.subscribe(self.simulation.now_us, subscription)
        self.endpoints[subscription.name] = endpoint

    def unsubscribe(self, name: str) -> None:
        """Take a seat away."""
        self.topic.unsubscribe(self.simulation.now_us, name)

    def replay(self, name: str, *, since_s: float) -> None:
        """Let a seat hear again what the archive has."""
        self.topic.replay(self.simulation.now_us, name, since_us=to_us(since_s))
        self.push()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take in what was published, say so, and push it to those who hear it."""
        given = {name: body[name] for name in ("attributes", "group", "dedup_id") if name in body}
        answer = self.topic.publish(self.simulation.now_us, message, body.get("text", ""), copy=copy, **given)
        said = "accepted" if isinstance(answer, Published) else type(answer).__name__.lower()
        self.simulation.network.answer(self.name, source, message, {"type": said}, copy=copy)
        self.push()


class Listener(Machine):
    """Somebody who is called directly: works on one message after the other, and answers when each is done.

    Parameters
    ----------
    work_time : Distribution
        Seconds of work at full speed.
    hears : callable, optional
        `(attempt)` -> whether it wants this message at all; what it does not want takes it no time.
    """

    def __init__(
        self,
        simulation: Simulation,
        name: str,
        work_time: Distribution,
        *,
        hears: Callable[[Any], bool] = lambda attempt: True,
    ) -> None:
        super().__init__(simulation, name)
        self.work_time, self.hears = work_time, hears
        self._line: list[tuple[Any, Event]] = []
        self._news: Event | None = None

    def boot(self) -> None:
        """Begin with an empty desk."""
        self._line.clear()
        self.spawn(self._live())

    def take(self, attempt: Any) -> Event:
        """Put a message on the desk."""
        done = self.simulation.event()
        self._line.append((attempt, done))
        if self._news is not None and not self._news.triggered:
            self._news.succeed()
        return done

    def settle(self, attempt: Any, *, heard: bool) -> None:
        """Be done with a message, or throw it off the desk if nobody waits for it any more."""
        if heard:
            self.simulation.emit("finish", self.name, attempt.message, attempt=attempt.attempt, copy=attempt.copy)
        self._line = [(other, done) for other, done in self._line if other is not attempt]

    def _live(self) -> Body:
        while True:
            while self._line:
                attempt, done = self._line.pop(0)
                yield from self.handle(attempt)
                done.succeed()
            self._news = self.simulation.event()
            yield self._news

    def handle(self, attempt: Any) -> Body:
        """Work on a message and carry it out."""
        simulation, message = self.simulation, attempt.message
        if not self.hears(attempt):
            simulation.emit("nomatch", self.name, message, rule=self.name, copy=attempt.copy)
            return
        simulation.emit("start", self.name, message, attempt=attempt.attempt, copy=attempt.copy)
        yield from self.work(self.work_time(simulation.stream(f"work/{message}/{attempt.copy}/{attempt.attempt}")))
        self.carry_out(attempt, f"{message} at {self.name}")
        yield simulation.sleep(0)  # the seam: a crash here leaves an effect whose answer nobody hears

    def carry_out(self, attempt: Any, key: str) -> None:
        """Let the effect of a message come about."""
        waited_us = self.simulation.now_us - attempt.published_us
        self.simulation.emit("effect", self.name, attempt.message, key=key, waited_us=waited_us)


class QueueEndpoint:
    """A work queue as the endpoint of a subscription: taken as soon as it is stored."""

    def __init__(self, host: QueueHost) -> None:
        self.host, self.name = host, host.name

    @property
    def up(self) -> bool:
        """Whether the queue's machine is up."""
        return self.host.up

    def take(self, attempt: Attempt) -> Event:
        """Store the message."""
        now_us = self.host.simulation.now_us
        self.host.queue.send(now_us, attempt.message, attempt.body, group=attempt.group, copy=attempt.copy)
        self.host.spread_the_news()
        stored = self.host.simulation.event()
        stored.succeed()
        return stored

    def settle(self, attempt: Attempt, *, heard: bool) -> None:
        """Do nothing: what is stored is the queue's."""


class Publisher(Machine):
    """Publishes one message after each of the given gaps, and hears only that each was taken in.

    Parameters
    ----------
    gaps : iterable of float
        Seconds between one message and the next.
    attributes_of : callable, optional
        `(number)` -> the attributes of message `number`, from 1.
    group_of : callable, optional
        `(number)` -> its group, at a FIFO topic.
    """

    def __init__(
        self,
        simulation: Simulation,
        host: TopicHost,
        gaps: Iterable[float],
        *,
        name: str,
        attributes_of: Callable[[int], dict[str, Any]] = lambda number: {},
        group_of: Callable[[int], str] | None = None,
    ) -> None:
        super().__init__(simulation, name)
        self.host, self.gaps, self.attributes_of, self.group_of = host, iter(gaps), attributes_of, group_of
        if group_of is not None and not host.topic.fifo:
            raise BadParameter("group_of with a standard topic: only a FIFO topic has groups")

    def boot(self) -> None:
        """Begin to publish."""
        self.spawn(self._publish())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear that a message was taken in."""
        self.simulation.emit("publish_ok", self.name, message, attempt=1)

    def _publish(self) -> Body:
        simulation = self.simulation
        for number, gap in enumerate(self.gaps, 1):
            yield simulation.sleep(gap)
            message = f"v{number}"
            body: dict[str, Any] = {"attributes": self.attributes_of(number)}
            if self.group_of is not None:
                body |= {"group": self.group_of(number), "dedup_id": message}
            simulation.emit("publish", self.name, message, attempt=1, copy=0)
            simulation.network.send(self.name, self.host.name, message, body)


class Caller(Machine):
    """Somebody without a topic: calls each listener itself, one after the other, and waits for each.

    Parameters
    ----------
    listeners : list of Listener
        Whom it calls, in this order. Their copies are numbered from the last one, so that each has the luck that it has
        at a topic where they sit in the opposite order.
    """

    def __init__(self, simulation: Simulation, listeners: list[Listener], gaps: Iterable[float], *, name: str) -> None:
        super().__init__(simulation, name)
        self.listeners, self.gaps = listeners, iter(gaps)

    def boot(self) -> None:
        """Begin to work."""
        self.spawn(self._tell())

    def _tell(self) -> Body:
        """Make the next message when its time has come, but only once everyone has answered about the last."""
        simulation, due_s = self.simulation, 0.0
        for number, gap in enumerate(self.gaps, 1):
            due_s += gap
            yield simulation.sleep(max(0.0, due_s - simulation.now_s))
            message = f"v{number}"
            for copy, listener in zip(range(len(self.listeners), 0, -1), self.listeners, strict=True):
                yield from self._call(message, copy, listener, due_us=to_us(due_s), number=number)
            simulation.emit("publish_ok", self.name, message, attempt=1)

    def _call(self, message: str, copy: int, listener: Listener, *, due_us: int, number: int) -> Body:
        simulation = self.simulation
        arrive_us = simulation.now_us + to_us(DELAY_S)
        simulation.emit("publish", self.name, message, attempt=1, copy=copy)
        simulation.emit("push", self.name, message, to=listener.name, attempt=1, arrive_us=arrive_us, copy=copy)
        yield simulation.sleep(DELAY_S)
        attempt = Attempt(number, listener.name, message, copy, "", {}, None, 1, due_us, is_replay=False)
        yield listener.take(attempt)
        listener.settle(attempt, heard=True)
        yield simulation.sleep(DELAY_S)
