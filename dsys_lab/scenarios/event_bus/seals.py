"""A call that comes to the door, as a card with a seal: what does each check find on it?

`sealed` takes one call of each sort of the attack script, and asks the checks of the door one by one, as if each were
the only one. Which ids the door remembers by then is what it took of the calls before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from dsys_lab.brokers.web_hook.checks import STORED
from dsys_lab.brokers.web_hook.judging import ORDER, Look, judge, payload_of
from dsys_lab.brokers.web_hook.signature import SIGNATURE, Claim, claim_of
from dsys_lab.scenarios.event_bus.attack_script import EPOCH_US, GOOD, KINDS, Step, attack_script
from dsys_lab.scenarios.event_bus.web_hooks import settings_of

SORTS: Final = (GOOD, *KINDS)
LOOKS_AT: Final = {"signature": "signature", "age": "signed at", "id": "id"}
"""Which line of the card each check looks at."""
WANTS: Final = {"signature": "made with the secret", "age": "within five minutes of now", "id": "was not here before"}


def sealed(sort: int) -> dict[str, Any]:
    """Return what `charts.sieves` draws of a call of sort number `sort`, from 1: card, seal, and what checks say."""
    look, step = _at_the_door(SORTS[sort - 1])
    found = {check: objects(look) for check, objects in ORDER if check in WANTS}
    checks = {
        check: ([(LOOKS_AT[check], WANTS[check], objection is None)], None if objection else "it goes on")
        for check, objection in found.items()
    }
    return {
        "card": _card(step, look),
        "sieves": checks,
        "seal": "cracked" if found["signature"] else "whole",
        "refused": {check: f"{one[0].status} {one[0].why}" for check, one in found.items() if one},
        "head": "call",
        "title": f"A call that is {step.kind}",
    }


def _at_the_door(kind: str) -> tuple[Look, Step]:
    """Return the first call of this sort, and all that the door knows when it comes."""
    settings, taken = settings_of(), set[str]()
    for step in attack_script(events=14, each=2):
        clock_us = EPOCH_US + step.at_us
        look = Look(step.call, claim_of(step.call), settings, clock_us, frozenset(taken).__contains__)
        if step.kind == kind:
            return look, step
        if judge(look)[0] is STORED:
            taken.add(step.message)
    raise AssertionError(f"the script has no call that is {kind}")


def _card(step: Step, look: Look) -> dict[str, str]:
    assert isinstance(look.claim, Claim)
    payload = payload_of(step.call.body)
    assert payload is not None
    return {
        "comes at": _clock(look.clock_us),
        "id": look.claim.id,
        "signed at": _clock(look.claim.timestamp_us),
        "hours": f"{payload['data']['hours']}",
        "signature": f"{step.call.header(SIGNATURE)}",
    }


def _clock(clock_us: int) -> str:
    return datetime.fromtimestamp(clock_us // 1_000_000, UTC).strftime("%H:%M:%S")
