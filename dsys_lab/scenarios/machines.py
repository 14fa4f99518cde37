"""The machines that the messaging labs wire together: those who send, a buffer, those who take from it.

A broker is pure and knows no time; these shells give it a clock, a network and a fate. They belong to no single lab.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from dsys_lab.brokers.flow_control import Credit
from dsys_lab.brokers.overflow import Answer, Buffer, Request
from dsys_lab.brokers.retries import RetryBudget, RetryPolicy
from dsys_lab.simulation import Body, Event, Machine, Simulation, to_us
from dsys_lab.simulation.chance import Distribution, exponential

HIGH_FRACTION = 0.1
"""Share of a producer's messages that are marked "high": somebody waits for them."""


class Deadlines:
    """Calls a host when its broker's next deadline has come, and not twice for one.

    Parameters
    ----------
    due : callable
        `()`: something may be due; it asks the broker, and says `wait_for` again.
    """

    def __init__(self, simulation: Simulation, due: Callable[[], object]) -> None:
        self.simulation, self._due = simulation, due
        self._awaited: set[int] = set()

    def wait_for(self, deadline_us: int | None) -> None:
        """Call at this time, unless an earlier call stands out; None: there is nothing to wait for."""
        if deadline_us is None or any(awaited_us <= deadline_us for awaited_us in self._awaited):
            return
        self._awaited.add(deadline_us)
        self.simulation.after(max(0, deadline_us - self.simulation.now_us) / 1e6, lambda: self._has_come(deadline_us))

    def _has_come(self, deadline_us: int) -> None:
        self._awaited.discard(deadline_us)
        self._due()


class Inbox(Machine):
    """A buffer on a machine.

    Attributes
    ----------
    arrival, room : simpy.Event
        Whoever waits for work, or for room, waits for the event that stands here now.
    door : list of Request
        Under `block`: messages that found no room, in order. While anybody stands there, producers must stop.
    refused : callable
        `(request, source)`, called when a message was rejected.
    """

    def __init__(self, simulation: Simulation, buffer: Buffer) -> None:
        self.buffer = buffer
        self.arrival = simulation.event()
        self.room = simulation.event()
        self.door: list[Request] = []
        self._sampling = simulation.stream(f"{buffer.place}/sampling")
        self.refused: Callable[[Request, str], None] = lambda request, source: None
        super().__init__(simulation, buffer.place)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Offer what came to the buffer."""
        deadline_s = body.get("deadline_s")
        now_us = self.simulation.now_us
        deadline_us = None if deadline_s is None else now_us + to_us(deadline_s)
        request = Request(message, copy, now_us, deadline_us, int(body.get("priority") == "high"))
        if self.offer(request) is Answer.REJECTED:
            self.refused(request, source)

    def offer(self, request: Request) -> Answer:
        """Offer a request to the buffer, or leave it at the door; a machine that is down takes nothing."""
        simulation = self.simulation
        if not self.up:
            simulation.emit("drop", self.name, request.message, why=f"{self.name} is down", copy=request.copy)
            return Answer.DROPPED
        answer = (
            Answer.MUST_WAIT
            if self.door
            else self.buffer.offer(simulation.now_us, request, chance=self._sampling())
        )
        if answer is Answer.MUST_WAIT:
            self.door.append(request)
        elif answer is Answer.ACCEPTED:
            self.arrival = wake(simulation, self.arrival)
        return answer

    def take(self) -> Request | None:
        """Take the next request, if there is one."""
        return self.buffer.take(self.simulation.now_us) if self.up else None

    def admit(self) -> None:
        """Let in who waits at the door, now that somebody has been taken."""
        while self.door and self.buffer.has_room():
            self.buffer.offer(self.simulation.now_us, self.door.pop(0))
        if not self.door:
            self.room = wake(self.simulation, self.room)

    def on_crash(self) -> None:
        """Drop all that waited: this buffer is memory."""
        self.buffer.lose_all(self.simulation.now_us, "the inbox crashed")
        for request in self.door:
            self.simulation.emit("drop", self.name, request.message, why="the inbox crashed", copy=request.copy)
        self.door.clear()
        self.room = wake(self.simulation, self.room)


def wake(simulation: Simulation, event: Event) -> Event:
    """Wake whoever waits for `event`; return the event that comes next."""
    if not event.callbacks:
        return event
    event.succeed()
    return simulation.event()


class Consumer(Machine):
    """Takes requests from an inbox and works on each.

    Parameters
    ----------
    work : Distribution
        Seconds of work for a request at full speed.
    servers : int
        How many work side by side; each is a place of its own when there are several.
    passes_on : callable, optional
        `(request)` -> a process body that hands the request on; without it, the work ends with a `finish` row.
    wanted : callable
        `(request)` -> whether anybody still waits for it. If nobody does, the work ends with an `expire` row: it was
        done for nobody, which the consumer itself cannot know.
    done : callable, optional
        `(request)`, called when the request has left, finished or handed on.
    """

    def __init__(
        self,
        simulation: Simulation,
        inbox: Inbox,
        work: Distribution,
        *,
        name: str,
        servers: int = 1,
        passes_on: Callable[[Request], Body] | None = None,
        wanted: Callable[[Request], bool] = lambda request: True,
        done: Callable[[Request], None] = lambda request: None,
    ) -> None:
        self.inbox, self.work_time, self.servers = inbox, work, servers
        self.passes_on, self.wanted, self.done = passes_on, wanted, done
        self._in_hand: dict[str, Request] = {}
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Start one process a server."""
        for number in range(1, self.servers + 1):
            self.spawn(self._serve(self.name if self.servers == 1 else f"{self.name}/{number}"))

    def _serve(self, place: str) -> Body:
        simulation, inbox, chance = self.simulation, self.inbox, self.simulation.stream(f"{place}/work")
        while True:
            request = inbox.take()
            if request is None:
                yield inbox.arrival
                continue
            self._in_hand[place] = request
            simulation.emit("start", place, request.message, attempt=1, copy=request.copy)
            inbox.admit()
            yield from self.work(self.work_time(chance))
            if self.passes_on:
                yield from self.passes_on(request)
            else:
                self._end(place, request)
            self.done(request)
            del self._in_hand[place]

    def _end(self, place: str, request: Request) -> None:
        simulation, message, copy = self.simulation, request.message, request.copy
        sojourn_us = simulation.now_us - request.offered_us
        if self.wanted(request):
            simulation.emit("finish", place, message, attempt=1, copy=copy, sojourn_us=sojourn_us)
        else:
            simulation.emit("expire", place, message, age_us=sojourn_us, copy=copy)

    def on_crash(self) -> None:
        """Drop what was in hand."""
        for place, request in self._in_hand.items():
            self.simulation.emit("drop", place, request.message, why=f"{self.name} crashed", copy=request.copy)
        self._in_hand.clear()


class CreditLink:
    """The way into an inbox, open to as many messages as its stage has lent credits for.

    A copy that the network made holds no credit. A crash takes the credits of what it destroys with it, and nobody
    gives those back: that both ends agree on their credits anew, as real links do, is left out.

    Parameters
    ----------
    window : int or None
        How many credits; None for no limit.
    """

    def __init__(self, simulation: Simulation, inbox: Inbox, window: int | None) -> None:
        self.simulation, self.inbox = simulation, inbox
        self._credit = Credit(window)
        self._holders: set[tuple[str, int]] = set()
        self._returned = simulation.event()

    def hand_over(self, source: str, request: Request) -> Body:
        """Send the request on its way, when a credit is free."""
        simulation, credit, message = self.simulation, self._credit, request.message
        stopped_us, must_wait = simulation.now_us, False
        while not credit.take():
            if not must_wait:
                must_wait = True
                simulation.emit("block", source, message, depth=len(self.inbox.buffer))
            yield self._returned
        if must_wait:
            simulation.emit("unblock", source, message, waited_us=simulation.now_us - stopped_us)
        self._holders.add((message, request.copy))
        if credit.window is not None:
            held = {"outstanding": credit.outstanding, "window": credit.window}
            simulation.emit("credit", source, message, to=self.inbox.name, **held)
        simulation.network.send(source, self.inbox.name, message, {}, copy=request.copy)

    def give_back(self, request: Request) -> None:
        """Return the credit that the request holds, and wake who waits for one."""
        if (request.message, request.copy) in self._holders:
            self._holders.remove((request.message, request.copy))
            self._credit.give_back()
            self._returned = wake(self.simulation, self._returned)


class Producer(Machine):
    """Sends messages to the inbox at a rate that may change with time, and stops while it is told to.

    The number of the last message is on disk: after a crash no message is called like an older one.
    """

    def __init__(
        self,
        simulation: Simulation,
        inbox: Inbox,
        rate_at: Callable[[float], float],
        *,
        name: str,
        until_s: float,
        **body: Any,
    ) -> None:
        self.inbox, self.rate_at, self.until_s, self.body = inbox, rate_at, until_s, body
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Start to send."""
        self.spawn(self._send())

    def _send(self) -> Body:
        simulation, chance = self.simulation, self.simulation.stream(f"{self.name}/arrivals")
        urgency = simulation.stream(f"{self.name}/urgency")
        while True:
            yield simulation.sleep(exponential(1 / self.rate_at(simulation.now_s))(chance))
            if simulation.now_s > self.until_s:
                return
            number = self.disk["sent"] = self.disk.get("sent", 0) + 1
            message, priority = f"n{number}", "high" if urgency() < HIGH_FRACTION else "low"
            yield from self._wait_for_room(message)
            simulation.emit("publish", self.name, message, attempt=1, priority=priority)
            simulation.network.send(self.name, self.inbox.name, message, {**self.body, "priority": priority})

    def _wait_for_room(self, message: str) -> Body:
        if not self.inbox.door:
            return
        stopped_us = self.simulation.now_us
        self.simulation.emit("block", self.name, message, depth=len(self.inbox.buffer))
        yield self.inbox.room
        self.simulation.emit("unblock", self.name, message, waited_us=self.simulation.now_us - stopped_us)


class RetryingClient(Machine):
    """Every message is a call that waits for its answer, and tries again if none comes in time.

    The number of the last call is on disk: after a crash no call is called like an older one.
    """

    def __init__(
        self,
        simulation: Simulation,
        inbox: Inbox,
        rate_at: Callable[[float], float],
        policy: RetryPolicy,
        budget: RetryBudget,
        *,
        name: str,
        until_s: float,
    ) -> None:
        self.inbox, self.rate_at, self.until_s = inbox, rate_at, until_s
        self.policy, self.budget = policy, budget
        self.in_time = 0
        self._answers: dict[str, Event] = {}
        super().__init__(simulation, name)

    def boot(self) -> None:
        """Start to call, and to report the goodput."""
        self.spawn(self._call_at_random())
        self.spawn(self._report())

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Give an answer to the call that waits for it; nobody may wait any more."""
        waiting = self._answers.pop(message, None)
        if waiting is not None:
            waiting.succeed(body["ok"])

    def waits_for(self, request: Request) -> bool:
        """Whether the caller of this attempt still waits, for this or for a later one."""
        return request.message in self._answers

    def on_crash(self) -> None:
        """Forget every call."""
        self._answers.clear()

    def _call_at_random(self) -> Body:
        simulation, chance = self.simulation, self.simulation.stream(f"{self.name}/arrivals")
        while True:
            yield simulation.sleep(exponential(1 / self.rate_at(simulation.now_s))(chance))
            if simulation.now_s > self.until_s:
                return
            number = self.disk["calls"] = self.disk.get("calls", 0) + 1
            self.spawn(self._call(f"n{number}"))

    def _call(self, message: str) -> Body:
        simulation, policy = self.simulation, self.policy
        began_us = simulation.now_us
        self.budget.first_attempt()
        why = ""
        for attempt in range(1, policy.retries + 2):
            if attempt > 1:
                if not self.may_retry(why):
                    break
                yield simulation.sleep(policy.pause_s(attempt - 1, simulation.stream(f"{self.name}/backoff")()))
            why = yield from self.attempt(message, attempt)
            if not why:
                self.in_time += 1
                simulation.emit("publish_ok", self.name, message, attempt=attempt)
                return
            simulation.emit("publish_fail", self.name, message, attempt=attempt, why=why)
        simulation.emit("abandon", self.name, message, order=message, waited_us=simulation.now_us - began_us)

    def may_retry(self, why: str) -> bool:
        """Say whether to try again after an attempt that failed so."""
        return self.budget.may_retry()

    def attempt(self, message: str, attempt: int, timeout_s: float | None = None) -> Generator[Event, Any, str]:
        """Ask once, and return why that failed, or "" for an answer in time."""
        simulation = self.simulation
        copy = simulation.network.next_copy(message)
        simulation.emit("publish", self.name, message, attempt=attempt, copy=copy)
        simulation.network.send(self.name, self.inbox.name, message, {}, copy=copy)
        answer = self._answers[message] = simulation.event()
        yield answer | simulation.sleep(self.policy.timeout_s if timeout_s is None else timeout_s)
        self._answers.pop(message, None)
        if not answer.triggered:
            return "no answer in time"
        return "" if answer.value else "told no"

    def _report(self) -> Body:
        while self.simulation.now_s < self.until_s:
            self.in_time = 0
            yield self.simulation.sleep(1)
            self.simulation.emit("gauge", self.name, name="goodput", value=self.in_time, unit="in time a second")
