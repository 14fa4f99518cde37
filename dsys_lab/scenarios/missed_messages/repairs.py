"""What is read again to bring back what a run has missed: all, a window, the keys that miss something, or by id.

The phone keeps all that it has sent; a repair is a plan of what it sends again. How much of that had been settled
before is what an effect without a key would do twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from dsys_lab.brokers.audit import Kept, Plan, patch, replay, resend
from dsys_lab.scenarios.missed_messages.counts import missed, sent, settled
from dsys_lab.scenarios.missed_messages.path import path
from dsys_lab.trace import Trace


def kept_by(trace: Trace) -> list[Kept]:
    """Return all that the phone has sent, in the order of sending: it keeps everything."""
    keys = {str(row.message): str(row.fields["key"]) for row in trace.of("publish")}
    pings = [message for message in sent(trace) if keys[message] != "beat"]
    return [Kept(at, keys[message], int(message[1:]), message) for at, message in enumerate(pings)]


Repair = Callable[[list[Kept], list[str]], Plan]


def _replay_all(kept: list[Kept], lost: list[str]) -> Plan:
    return replay(kept, position=0)


def _replay_window(kept: list[Kept], lost: list[str]) -> Plan:
    at = [record.position for record in kept if record.message in set(lost)]
    return replay(kept, position=min(at, default=0), until=max(at, default=-1) + 1)


def _resend_keys(kept: list[Kept], lost: list[str]) -> Plan:
    first: dict[str, int] = {}
    for record in kept:
        if record.message in set(lost):
            first.setdefault(record.key, record.number)
    plans = [resend(kept, key=key, number=number) for key, number in first.items()]
    return Plan(tuple(sorted((one for plan in plans for one in plan.records), key=lambda one: one.position)))


def _patch(kept: list[Kept], lost: list[str]) -> Plan:
    return patch(kept, messages=set(lost))


REPAIRS: Final[dict[str, Repair]] = {
    "replay all": _replay_all,
    "replay the window": _replay_window,
    "resend each key": _resend_keys,
    "patch": _patch,
}
"""Four repairs: from what is kept and what is missing to what is read again."""


def reread(trace: Trace) -> dict[str, int]:
    """Return how many records each repair reads again for the losses of a run."""
    kept, lost = kept_by(trace), missed(trace)
    return {name: len(plan(kept, lost).records) for name, plan in REPAIRS.items()}


def reread_of(runs: Mapping[str, Trace]) -> dict[str, int]:
    """Return how many records each repair reads again, in one run and in the other beside each other."""
    counts = {name: reread(run) for name, run in runs.items()}
    return {f"{repair}, {name}": counts[name][repair] for repair in REPAIRS for name in runs}


def scattered_and_together() -> dict[str, Trace]:
    """Return a run whose losses lie all over it, and one whose losses lie together."""
    return {"scattered": path(leak="gives up", every_s=0.8), "together": path(leak="overflow", every_s=0.8)}


def repeated_share(trace: Trace, repair: str) -> float:
    """Return which share of what a repair reads again had been settled before."""
    plan = REPAIRS[repair](kept_by(trace), missed(trace))
    return plan.repeats(settled(trace)) / len(plan.records)


def least_reread(trace: Trace) -> str:
    """Say which repair reads fewest records again."""
    counts = reread(trace)
    return min(counts, key=counts.__getitem__)
