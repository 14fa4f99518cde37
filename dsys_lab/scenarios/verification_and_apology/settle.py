"""Promises walk to their end: a desk asks one party after the other, and calls, parties and the desk itself fail.

Sources: as in `dsys_lab.dataflows.verification`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import MEMORIES, Call
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.verification_and_apology.desks import ANSWER_WITHIN_S, DeskHost, hosts_of
from dsys_lab.simulation import Simulation

REFUNDS: Final[dict[str, Callable[[int], str]]] = {
    "works": lambda attempt: "",
    "fails half-way": lambda attempt: {1: "down", 2: "no answer"}.get(attempt, ""),
    "never works": lambda attempt: "down",
}
"""What becomes of the attempts at a refund: "half-way" is once before it is done, and once after, unheard."""
PATIENCE: Final = RetryPolicy(retries=3, timeout_s=1.0, backoff="full_jitter", base_s=1.0, cap_s=4.0)


@scenario("refund {refund}; {memory}")
def settle(
    sim: Simulation,
    *,
    orders: int = 6,
    pillows: int = 4,
    every_s: float = 0.4,
    refund: str = "works",
    memory: str = "keys and journal",
    person_s: float = 8.0,
    deadline_s: float | None = None,
    until_s: float = 40.0,
) -> Claims:
    """Promise `orders`, one `every_s`, with fewer `pillows`, and let the desk settle them.

    `refund` says what becomes of refunds, `memory` whether parties look keys up and whether the desk keeps a journal.
    What a machine could not do, after four tries or until `deadline_s` after the promise, a person does by hand
    `person_s` later.
    """
    require_choice("refund", refund, tuple(REFUNDS))
    require_choice("memory", memory, tuple(MEMORIES))
    require_positive(orders=orders, every_s=every_s, person_s=person_s, until_s=until_s)

    def plan(call: Call, attempt: int) -> str:
        return REFUNDS[refund](attempt) if call.verb == "refund" else ""

    hosts = hosts_of(sim, pillows=pillows, keyed=MEMORIES[memory][0], plan=plan)
    desk = DeskHost(sim, hosts, memory=memory, patience=PATIENCE, deadline_s=deadline_s, person_s=person_s)
    for number in range(1, orders + 1):
        sim.after(number * every_s, lambda number=number: desk.promise(f"o{number}"))  # type: ignore[misc]
    sim.run(orders * every_s + 1)
    while sim.now_s < until_s and not (desk.up and desk.settled >= orders):
        sim.run(sim.now_s + 1)
    claims: dict[str, dict[str, Any]] = {"promises settled once": {}, "exactly-once effect": {}}
    if deadline_s is not None:
        claims["settled or somebody's in time"] = {"within_s": deadline_s + ANSWER_WITHIN_S}
    return Claims(claims, poster_us=desk.escalated_us)
