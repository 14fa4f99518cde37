"""What comes to a door on the street: a script of calls, good ones and seven sorts that should leave no effect.

The same script is played against the model in virtual time and against a real web server: both must answer each call
with the same status.

==================  ================================================================================================
`good`              the partner's own, once
`forged`            an event that never was, signed by somebody who has not the key
`changed`           a good call that is caught, changed, and handed on shortly before the original
`copied soon`       a good call once more, within minutes: its signature and its time are right
`copied late`       the same after a quarter of an hour or more
`held back`         a good call that is caught, and let through for the first time after a quarter of an hour or more
`repeated`          the partner itself, since it heard no answer: signed anew, a little later
`repeated late`     the same some 35 minutes later, which is the fourth attempt of its schedule
==================  ================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from dsys_lab.brokers.web_hook import STANDARD_SCHEDULE, Call, secret_of, signed
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.simulation.chance import Stream, stream

EPOCH_US: Final = 1_795_935_600_000_000
"""What a right clock shows when a run begins: a Saturday morning, 2026-11-28 07:00 UTC."""
PARTNERS_SECRET: Final = secret_of(b"the partner's key, 24 by")
FORGERS_SECRET: Final = secret_of(b"what a forger would try.")
GOOD: Final = "good"
KINDS: Final = ("forged", "changed", "copied soon", "copied late", "held back", "repeated", "repeated late")
GUARDS: Final[dict[str, tuple[str, ...]]] = {
    "forged": ("signature",),
    "changed": ("signature",),
    "copied soon": ("id",),
    "copied late": ("age", "id"),
    "held back": ("age",),
    "repeated": ("id",),
    "repeated late": ("id",),
}
"""Which checks keep each sort out: it leaves an effect only if all of them are left out, or `id` forgets too soon."""
BY_PARTNER: Final = (GOOD, "repeated", "repeated late")


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the script.

    Attributes
    ----------
    at_us : int
        When it is made, since the beginning.
    kind : str
        `GOOD`, or one of `KINDS`.
    message : str
        The event's id.
    call : Call
    """

    at_us: int
    kind: str
    message: str
    call: Call

    @property
    def by(self) -> str:
        """Who makes it."""
        return "partner" if self.kind in BY_PARTNER else "attacker"


def body_of(number: int, *, hours: float = 7.0) -> bytes:
    """Return what the partner says of the sleeper `number`."""
    return f'{{"type": "sleep.recorded", "data": {{"sleeper": {number}, "hours": {hours:g}}}}}'.encode()


def attack_script(*, events: int = 40, each: int = 4, every_s: float = 60.0, seed: int = 7) -> list[Step]:
    """Return the calls in order of time: `events` good ones, and `each` of every other sort, each against another one.

    Examples
    --------
    >>> script = attack_script(events=20, each=2)
    >>> len(script), script[0].kind, script[0].by
    (34, 'good', 'partner')
    """
    require_positive(events=events, each=each, every_s=every_s)
    if events < each * len(KINDS):
        raise BadParameter(f"events = {events}, each = {each}: give {each * len(KINDS)} events or more, one for each")
    luck = stream(seed, "attacks")
    good = [_signed_at(number, number * every_s, GOOD) for number in range(1, events + 1)]
    steps, victims = list(good), sorted(good, key=lambda step: luck())
    for kind in KINDS * each:
        steps.append(_MADE[kind](victims.pop(), len(steps), luck))
    return sorted(steps, key=lambda step: step.at_us)


def timed(steps: Iterable[Step]) -> list[tuple[int, Call]]:
    """Return each call with what a right clock shows when it is made, in microseconds since 1970."""
    return [(EPOCH_US + step.at_us, step.call) for step in steps]


def _signed_at(number: int, at_s: float, kind: str, secret: str = PARTNERS_SECRET, *, name: str = "e") -> Step:
    at_us = round(at_s * 1e6)
    call = signed([secret], f"{name}{number}", EPOCH_US + at_us, body_of(number))
    return Step(at_us, kind, f"{name}{number}", call)


def _later(step: Step, kind: str, after_s: float) -> Step:
    return replace(step, at_us=step.at_us + round(after_s * 1e6), kind=kind)


def _again(step: Step, kind: str, after_s: float) -> Step:
    at_us = step.at_us + round(after_s * 1e6)
    return Step(at_us, kind, step.message, signed([PARTNERS_SECRET], step.message, EPOCH_US + at_us, step.call.body))


def _changed(step: Step, number: int, luck: Stream) -> Step:
    return replace(_later(step, "changed", 0), at_us=step.at_us - 2_000_000,
                   call=replace(step.call, body=step.call.body.replace(b'"hours": 7', b'"hours": 3')))  # fmt: skip


_MADE: Final[dict[str, Callable[[Step, int, Stream], Step]]] = {
    "forged": lambda step, number, luck: _signed_at(number, step.at_us / 1e6 + 7, "forged", FORGERS_SECRET, name="f"),
    "changed": _changed,
    "copied soon": lambda step, number, luck: _later(step, "copied soon", 20 + 200 * luck()),
    "copied late": lambda step, number, luck: _later(step, "copied late", 900 + 900 * luck()),
    "held back": lambda step, number, luck: _later(
        _signed_at(number, step.at_us / 1e6 + 11, "held back", name="h"), "held back", 900 + 900 * luck()
    ),
    "repeated": lambda step, number, luck: _again(step, "repeated", 5 + 10 * luck()),
    "repeated late": lambda step, number, luck: _again(step, "repeated late", sum(STANDARD_SCHEDULE.pauses_s[:3])),
}
