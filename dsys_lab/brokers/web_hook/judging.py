"""The looks at a call, one after the other: a policy without a clock, a disk or a memory of its own.

The order is the lesson. What costs little and needs no trust comes first (the size); nothing that a call says counts
before its signature does; only then are age and id worth looking at, for who can forge can write any. The body is
opened last: what is not the partner's is never parsed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.web_hook.checks import (
    FORGED,
    MALFORMED,
    SEEN,
    STORED,
    TOO_LARGE,
    TOO_NEW,
    TOO_OLD,
    Settings,
    Verdict,
)
from dsys_lab.brokers.web_hook.signature import Call, Claim, is_signed

Found = tuple[Verdict, str]
"""A verdict, and what was found, in words."""


class Look(NamedTuple):
    """All that a check may look at.

    Attributes
    ----------
    call : Call
    claim : Claim or str
        What the call says of itself, or what it lacks.
    settings : Settings
    clock_us : int
        What our clock shows, in microseconds since 1970.
    has_seen : callable
        Whether an id came before.
    """

    call: Call
    claim: Claim | str
    settings: Settings
    clock_us: int
    has_seen: Callable[[str], bool]


def judge(look: Look) -> Found:
    """Return the verdict of the first check that objects; `STORED`, if none does."""
    for check, objects in ORDER:
        if look.settings.has(check) and (found := objects(look)):
            return found
    return STORED, ""


def _size(look: Look) -> Found | None:
    most = look.settings.size_max_bytes
    return (TOO_LARGE, f"above {most} bytes") if len(look.call.body) > most else None


def _headers(look: Look) -> Found | None:
    return (MALFORMED, look.claim) if isinstance(look.claim, str) else None


def _signature(look: Look) -> Found | None:
    assert isinstance(look.claim, Claim)
    return None if is_signed(look.claim, look.call.body, look.settings.secrets) else (FORGED, "no signature is right")


def _age(look: Look) -> Found | None:
    assert isinstance(look.claim, Claim)
    behind_s = (look.clock_us - look.claim.timestamp_us) / 1e6
    if abs(behind_s) <= look.settings.age_s:
        return None
    return (TOO_OLD, f"signed {behind_s:g} s ago") if behind_s > 0 else (TOO_NEW, f"signed {-behind_s:g} s ahead")


def _seen(look: Look) -> Found | None:
    assert isinstance(look.claim, Claim)
    return (SEEN, "this id came before") if look.has_seen(look.claim.id) else None


def _body(look: Look) -> Found | None:
    fault = fault_of(look.call.body)
    return (MALFORMED, fault) if fault else None


ORDER: Final[tuple[tuple[str, Callable[[Look], Found | None]], ...]] = (
    ("size", _size), ("headers", _headers), ("signature", _signature), ("age", _age), ("id", _seen), ("body", _body),
)  # fmt: skip


# ------------------------------------------------------------------------------------------ what a body must be
def fault_of(body: bytes) -> str:
    """Return what is wrong with a body, or "": it must be a JSON object that says its type."""
    payload = payload_of(body)
    if payload is None:
        return "the body is no JSON object"
    return "" if isinstance(payload.get("type"), str) and payload["type"] else "the body says no type"


def payload_of(body: bytes) -> dict[str, Any] | None:
    """Return the object that a body is; None if it is none."""
    try:
        payload = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None
