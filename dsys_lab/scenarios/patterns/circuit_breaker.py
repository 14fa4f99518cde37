"""Circuit breaker: the storm of lab 13, with callers who stop asking.

After a short spike the server is busy with attempts whose callers have left, and their retries keep it so. A breaker in
the client makes the quiet in which that queue drains. What it costs are calls that are refused at once although the
server would have answered: it is well again before the probe finds out.

The trap is a probe without a timeout. Its answer is lost once, and the breaker stays half-open for ever: the server
stands idle, and every caller is refused by its own side.

Sources: Nygard, *Release It!*, 2007, "Circuit Breaker"; Bronson et al., "Metastable failures in distributed systems",
HotOS 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final

from dsys_lab.brokers.circuit_breaker import CircuitBreaker
from dsys_lab.brokers.overflow import Buffer, Request
from dsys_lab.brokers.retries import RetryBudget, RetryPolicy
from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.machines import Consumer, Inbox, RetryingClient
from dsys_lab.scenarios.patterns.own_breaker import OwnBreaker
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Event, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import Row, Trace

BREAKERS: Final = ("none", "with a timeout", "probe without a timeout")
WEARABLES, INBOX, SCORER = "wearables", "inbox", "scorer"
REFUSED: Final = "the breaker is open"
SETTLED_S: Final = 20.0
"""How long after the spike everything must be well again."""
SHARE: Final = 0.95
IN_THE_SPIKE_S: Final = 8.0
"""A picture opens so long after the spike began: by then the first calls have failed."""


class CarefulClient(RetryingClient):
    """Asks its breaker before each attempt, and gives a call up when the breaker refuses.

    Attributes
    ----------
    breaker : CircuitBreaker or OwnBreaker
    probe_timeout : bool
        Whether the probe has the timeout of every other attempt; if not, it is waited for to the end of the run.
    """

    breaker: CircuitBreaker | OwnBreaker
    probe_timeout: bool = True

    def may_retry(self, why: str) -> bool:
        """Say no when the breaker refused: it will not have closed a moment later."""
        return why != REFUSED and super().may_retry(why)

    def attempt(self, message: str, attempt: int, timeout_s: float | None = None) -> Generator[Event, Any, str]:
        """Ask, if the breaker lets the call through, and tell it how that went."""
        simulation, breaker = self.simulation, self.breaker
        permit = breaker.admit(simulation.now_us, message)
        if permit is None:
            copy = simulation.network.next_copy(message)
            simulation.emit("publish", self.name, message, attempt=attempt, copy=copy)
            simulation.emit("reject", self.name, message, why=REFUSED, copy=copy)
            return REFUSED
        patience_s = self.until_s if permit.is_probe and not self.probe_timeout else None
        why = yield from super().attempt(message, attempt, patience_s)
        (breaker.failed if why else breaker.went_well)(simulation.now_us, permit)
        return why


@scenario("breaker: {breaker}")
def storm(
    sim: Simulation,
    *,
    breaker: str | Callable = "with a timeout",
    failures: int = 5,
    open_s: float = 5.0,
    retries: int = 3,
    utilisation: float = 0.5,
    spike: float = 3.0,
    spike_from_s: float = 30.0,
    spike_to_s: float = 40.0,
    timeout_s: float = 1.0,
    service_rate: float = 10.0,
    until_s: float = 120.0,
) -> Claims:
    """Calls come at `utilisation * service_rate` a second, `spike` times that during the spike; clients try again.

    `breaker` is "none", "with a timeout", "probe without a timeout", or a rule of the reader's own (`OwnBreaker`), to
    which `failures` and `open_s` say nothing. The gauge `goodput` counts answers in time. The run lasts until
    `SETTLED_S` after the spike at least, or nothing could be said of what comes back.
    """
    if isinstance(breaker, str):
        require_choice("breaker", breaker, BREAKERS)
    require_positive(utilisation=utilisation, spike=spike, service_rate=service_rate, failures=failures, open_s=open_s)
    require_not_negative(spike_from_s=spike_from_s)
    if spike_to_s <= spike_from_s:
        raise BadParameter(f"spike_from_s = {spike_from_s:g}, spike_to_s = {spike_to_s:g}: give an end after the begin")
    if until_s <= spike_to_s + SETTLED_S:
        told = f"until_s = {until_s:g}: give more than {spike_to_s + SETTLED_S:g}"
        raise BadParameter(f"{told}, for what comes back is counted from {SETTLED_S:g} s after the spike on")
    rate, policy = utilisation * service_rate, RetryPolicy(retries=retries, timeout_s=timeout_s)
    inbox = Inbox(sim, Buffer(INBOX, capacity=1, policy="unbounded", recorder=sim.recorder))
    kind = RetryingClient if breaker == "none" else CarefulClient
    client = kind(
        sim,
        inbox,
        lambda now_s: rate * spike if spike_from_s <= now_s < spike_to_s else rate,
        policy,
        RetryBudget(None),
        name=WEARABLES,
        until_s=until_s,
    )
    if isinstance(client, CarefulClient) and not isinstance(breaker, str):
        client.breaker = OwnBreaker(breaker, place=WEARABLES, recorder=sim.recorder)
    elif isinstance(client, CarefulClient):
        client.probe_timeout = breaker == "with a timeout"
        within_s = timeout_s if client.probe_timeout else None
        client.breaker = CircuitBreaker(
            failures=failures, open_s=open_s, probe_within_s=within_s, place=WEARABLES, recorder=sim.recorder
        )

    def answer(request: Request) -> None:
        sim.network.answer(SCORER, WEARABLES, request.message, {"ok": True}, copy=request.copy)

    Consumer(sim, inbox, exponential(1 / service_rate), name=SCORER, wanted=client.waits_for, done=answer)
    sim.run(until_s)
    after = {"from_s": spike_to_s + SETTLED_S, "share": SHARE}
    return Claims(
        {"conservation": {}, "depth adds up": {}, "sends settle": {}, "comes back": after},
        {"goodput": {"value": rate, "label": f"{rate:g}/s come in before and after"}},
        poster_us=int(min(_tells_most_s(client, spike_from_s), until_s) * 1e6),
    )


def _tells_most_s(client: RetryingClient, spike_from_s: float) -> float:
    """Return when the first calls have failed; but where a probe is never answered, when everybody is shut out."""
    is_silent = isinstance(client, CarefulClient) and not client.probe_timeout
    return spike_from_s + (SETTLED_S if is_silent else IN_THE_SPIKE_S)


# ------------------------------------------------------------------------------------------ what it came to
def goodput_after(trace: Trace) -> tuple[int, int]:
    """Return how many calls began after the spike had settled, and how many of them had their answer in time."""
    from_us = (trace.header.params["spike_to_s"] + SETTLED_S) * 1e6
    begun = {row.message for row in trace.of("publish") if row.time_us >= from_us and row.fields["attempt"] == 1}
    over = {row.message for row in trace.of("publish_ok", "abandon")} & begun
    return len(over), len({row.message for row in trace.of("publish_ok")} & over)


def refused_in_vain(trace: Trace) -> tuple[int, int]:
    """Return how many calls the breaker refused, and how many of those the server would have answered in time."""
    answers = [would_answer for _, would_answer in refusals(trace)]
    return len(answers), sum(answers)


def refusals(trace: Trace) -> list[tuple[str | None, bool]]:
    """Return each call that the breaker refused, and whether the server would have answered it in time.

    Its line is first come, first served, and the run tells when each of those before the refused call was done with. A
    call that had been let through would have come after them, with a piece of work of the mean length, and the way
    there and back.
    """
    params = trace.header.params
    own_us = (1 / params["service_rate"] + 2 * DELAY_S) * 1e6
    left_us = {_copy(row): row.time_us for row in trace.of("finish", "expire", "drop")}
    waiting: dict[tuple[str | None, object], None] = {}
    found = []
    for row in trace:
        if row.kind == "enqueue":
            waiting[_copy(row)] = None
        elif row.kind in ("finish", "expire", "drop"):
            waiting.pop(_copy(row), None)
        elif row.kind == "reject" and row.place == WEARABLES:
            free_us = max((left_us.get(one, trace.header.end_us) for one in waiting), default=row.time_us)
            found.append((row.message, free_us + own_us - row.time_us <= params["timeout_s"] * 1e6))
    return found


def _copy(row: Row) -> tuple[str | None, object]:
    return row.message, row.fields.get("copy")
