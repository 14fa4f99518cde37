"""One story for both services: what does a caller hear, step by step, and what of it was carried out?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from dsys_lab.dataflows.service import NIGHT_V1, NIGHT_V2, Request, encode
from dsys_lab.engines.service.verbs import RunningService
from dsys_lab.errors import EngineMissing, MayHaveHappened

LONG_S: Final = 30.0
OLD: Final = encode(NIGHT_V1, {"person": 17, "hours_sleep": 7.25})
NEW: Final = encode(NIGHT_V2, {"person": 17, "sleep_minutes": 435})


class Heard(NamedTuple):
    """A step, and what its caller heard."""

    step: str
    heard: str


def drill(service: RunningService) -> list[Heard]:
    """Call a service that is up, kill it with a call in hand, call it, restart it, and call it again."""
    return list(_story(service))


def _story(service: RunningService) -> Iterator[Heard]:
    yield Heard("n1, in the words of v1", _asked(service, Request("n1", "v1", OLD)))
    yield Heard("n1 again: its answer was lost", _asked(service, Request("n1", "v1", OLD)))
    yield Heard("n2, in the words of v2", _asked(service, Request("n2", "v2", NEW)))
    yield Heard("n2, but another night", _asked(service, Request("n2", "v1", OLD)))
    yield Heard("n3, in the words of v9", _asked(service, Request("n3", "v9", NEW)))
    in_hand = service.send(Request("n4", "v1", OLD))
    service.kill()
    try:
        heard = f"{in_hand.wait(LONG_S).status}"
    except MayHaveHappened:
        heard = "nothing: it may have happened"
    yield Heard("n4, and the power goes", heard)
    yield Heard("n5, while it is down", _asked(service, Request("n5", "v1", OLD)))
    service.restart()
    yield Heard("n4 again, after the restart", _asked(service, Request("n4", "v1", OLD)))
    yield Heard("n1 again, after the restart", _asked(service, Request("n1", "v1", OLD)))
    yield Heard("effects in the ledger", f"{service.status().effects}")


def _asked(service: RunningService, request: Request) -> str:
    try:
        reply = service.ask(request, LONG_S)
    except EngineMissing:
        return "nobody is there: certainly not done"
    return f"{reply.status}" + (", done before" if reply.repeated else "")


def calls(service: RunningService, count: int = 10) -> None:
    """Make so many calls, one after the other, each with a key that no other had."""
    before = service.status().effects
    for number in range(before, before + count):
        service.ask(Request(f"m{number}", "v1", OLD), LONG_S)
