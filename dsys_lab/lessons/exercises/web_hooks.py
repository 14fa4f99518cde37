"""An exercise of lab 21: which calls of a web hook are believed, and what each is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dsys_lab.brokers.web_hook import Call, secret_of, signature, signed
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.event_bus import attack
from dsys_lab.scenarios.event_bus.attack_script import EPOCH_US, body_of
from dsys_lab.simulation.chance import stream
from dsys_lab.views import charts

LAB: Final = 21
NOW_S: Final = EPOCH_US // 1_000_000


def verify(headers: dict[str, str], body: bytes, secret: str, now: float, seen: set[str]) -> int:
    """Return what a call is told: 202, 200, 400 or 403; remember in `seen` what is taken."""
    try:
        event_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        given, age_s = headers["webhook-signature"].split(" "), now - int(timestamp)
    except (KeyError, ValueError):
        return 400
    key = base64.b64decode(secret.removeprefix("whsec_"))
    seal = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    right = "v1," + base64.b64encode(seal).decode()
    if not any(hmac.compare_digest(right, one) for one in given):
        return 403
    if abs(age_s) > 300:
        return 400
    if event_id in seen:
        return 200
    seen.add(event_id)
    return 202


class _Case(NamedTuple):
    """A call of the hidden script: of which sort, when, and what it must be told."""

    sort: str
    now: float
    call: Call
    status: int


SORTS: Final = ("good", "forged", "changed", "repeated", "replayed later", "skewed", "rotated keys", "malformed")
SECRET, OLD_SECRET, FORGERS = (secret_of(text) for text in (
    b"lab 21's own secret, new", b"lab 21's own secret, old", b"what a forger would try."
))  # fmt: skip
ROUNDS: Final = 12


@lru_cache(maxsize=1)
def _script() -> tuple[_Case, ...]:
    chance, cases = stream(2101, "calls"), list[_Case]()
    for number in range(ROUNDS):
        now = float(NOW_S + number * 1_000 + int(chance() * 500))
        cases += _round(f"e{number}", now, body_of(number, hours=5 + int(chance() * 4)), chance)
    return tuple(cases)


def _round(name: str, now: float, body: bytes, chance: Callable[[], float]) -> list[_Case]:
    """Return one event with all that may be tried around it; the good call comes after its forgeries."""
    us, soon = round(now * 1e6), now + 1 + int(chance() * 200)
    call = signed([SECRET], name, us, body)
    ahead, behind = (signed([SECRET], f"{name}-{word}", us + shift_s * 1_000_000, body)
                     for word, shift_s in (("ahead", 301), ("behind", -301)))  # fmt: skip
    edge = signed([SECRET], f"{name}-edge", us + (300_000_000 if chance() < 0.5 else -300_000_000), body)
    both = signed([OLD_SECRET, SECRET], f"{name}-both", us, body)
    lacks = ("webhook-id", "webhook-timestamp", "webhook-signature")[int(chance() * 3)]
    return [
        _Case("forged", now, signed([FORGERS], name, us, body), 403),
        _Case("forged", now, _with(call, "webhook-signature", "v1,"), 403),
        _Case("forged", now, signed([FORGERS], name, us - 400_000_000, body), 403),
        _Case("changed", now, Call(call.headers, body.replace(b"hours", b"years")), 403),
        _Case("changed", now, _with(call, "webhook-id", f"{name}-x"), 403),
        _Case("changed", now, _with(call, "webhook-timestamp", str(int(now) + 5)), 403),
        _Case("good", now, call, 202),
        _Case("skewed", now, ahead, 400),
        _Case("skewed", now, behind, 400),
        _Case("skewed", now, edge, 202),
        _Case("rotated keys", now, both, 202),
        _Case("rotated keys", now, signed([OLD_SECRET], f"{name}-old", us, body), 403),
        _Case("malformed", now, Call({k: v for k, v in call.headers.items() if k != lacks}, body), 400),
        _Case("malformed", now, _timeless(name, body), 400),
        _Case("repeated", soon, call, 200),
        _Case("repeated", soon, signed([SECRET], name, round(soon * 1e6), body), 200),
        _Case("forged", soon, signed([FORGERS], name, us, body), 403),
        _Case("replayed later", now + 301 + int(chance() * 400), call, 400),
    ]

def _with(call: Call, name: str, value: str) -> Call:
    return Call({**call.headers, name: value}, call.body)


def _timeless(name: str, body: bytes) -> Call:
    seal = signature(SECRET, name, "now", body)
    return Call({"webhook-id": name, "webhook-timestamp": "now", "webhook-signature": seal}, body)


def _told(function: Callable[..., Any]) -> list[tuple[_Case, Any]]:
    """Return what the function tells each call, with one memory of ids from the first to the last."""
    seen: set[str] = set()
    return [(case, function(dict(case.call.headers), case.call.body, SECRET, case.now, seen)) for case in _script()]


def check_verify(function: Callable[..., Any]) -> Verdict:
    """Hold the function against a hidden script of calls; the first that is told the wrong thing names its sort."""
    seen: set[str] = set()
    for case in _script():
        before = frozenset(seen)
        said = function(dict(case.call.headers), case.call.body, SECRET, case.now, seen)
        if isinstance(said, bool) or said not in (200, 202, 400, 403):
            raise Misuse(f"it returned {brief(said)}; give 202, 200, 400 or 403")
        if said != case.status:
            return Verdict(passed=False, saw=_slip(case, said, before))
        if said != 202 and seen != before:
            extra = ", ".join(sorted(seen ^ before))
            saw = f"{case.sort}: it is told {said}, and {extra} is in `seen` all the same. Whoever can make us remember"
            return Verdict(passed=False, saw=f"{saw} an id can keep the good call out: remember only what is taken.")
    return Verdict(
        passed=True,
        saw=f"Right for {len(_script())} calls of {len(SORTS)} sorts. What no test sees: compare signatures by "
        "`hmac.compare_digest`; `==` ends at the first wrong letter, and who measures when finds the rest.",
    )


def _slip(case: _Case, said: int, before: frozenset[str]) -> str:
    """Say which sort of call was told the wrong thing, and what that points at."""
    name, timestamp = (case.call.header(header) for header in ("webhook-id", "webhook-timestamp"))
    age = f", signed {case.now - int(timestamp):+.0f} s ago" if timestamp and timestamp.isdigit() else ""
    told = f"{case.sort}: the call {name}{age}, must be told {case.status}, and you say {said}."
    return f"{told} {_ADVICE.get((case.sort, said)) or _advice(case, said, before)}"


def _advice(case: _Case, said: int, before: frozenset[str]) -> str:
    if case.status == 202 and said == 200:
        return "It was never taken: something that was refused has left its id in `seen`."
    if case.status == 202 and said == 403:
        return (
            "Its seal is right: HMAC-SHA256 of `id.timestamp.body`, full stops between, the body as it came and not "
            "written anew; the key is what base64 makes of the secret after `whsec_`."
        )
    if said == 202:
        return "Nothing was looked at that would have kept it out."
    return f"In `seen` there are {len(before)} ids." if said == 200 else ""


_ADVICE: Final[dict[tuple[str, int], str]] = {
    ("forged", 202): "Who has not the key can write all the rest: compare the signature.",
    ("forged", 200): "Before its signature is right nothing that a call says counts, and it learns nothing from us.",
    ("forged", 400): "Before its signature is right nothing that a call says counts, its time neither.",
    ("changed", 202): "The seal is over `id.timestamp.body`: leave one out, and it can be changed.",
    ("changed", 200): "The seal is over `id.timestamp.body`: leave one out, and it can be changed.",
    ("repeated", 202): "The id was taken before: is it in `seen`? A copy has the right seal and a good time.",
    ("repeated", 400): "The partner would try for days; what is here already is as good as done, so 2xx.",
    ("repeated", 403): "The partner would try for days; what is here already is as good as done, so 2xx.",
    ("replayed later", 202): "Its seal is right, its time is not: how old may a call be?",
    ("replayed later", 200): "Its age comes before its id: `seen` may have forgotten it by then.",
    ("skewed", 202): "More than 300 s off, in either direction: a call from the future is good for longer.",
    ("skewed", 400): "300 s are still good; more are not.",
    ("rotated keys", 403): "While keys change there are several signatures, with blanks between: one right will do.",
    ("rotated keys", 202): "Signed with the old key alone, which is good no more.",
    ("malformed", 403): "A header is missing, or the time is no number: 400, for the partner's program is wrong.",
}


def _chart_of_sorts(function: Callable[..., Any]) -> charts.Chart:
    """Draw how many calls of each sort there are, beside how many the function tells what they should be told."""
    told = _told(function)
    calls = Counter(case.sort for case, _ in told)
    right = Counter(case.sort for case, said in told if said == case.status)
    return charts.bars(
        {sort: float(calls[sort]) for sort in SORTS}, title="How many calls of each sort are told what they should be?",
        unit="calls", predicted={sort: float(right[sort]) for sort in SORTS},
    )  # fmt: skip


VERIFY: Final = Exercise(
    lab=LAB,
    name="verify",
    title="Whom to believe",
    statement="""
A call has the headers `webhook-id`, `webhook-timestamp` (seconds since 1970) and `webhook-signature` (one or several
with blanks between, each `v1,` and base64), and a `body` of bytes. Its seal is the HMAC-SHA256 of `id.timestamp.body`;
the key is what base64 makes of `secret` after `whsec_`. `now` is what your clock shows, in seconds since 1970. `seen`
is a set that you keep from call to call: put an id in once it is taken, and not before.

Return what the call is told: 400 if a header is missing or the time is no number; 403 if no signature is right; 400 if
it was signed more than 300 s ago, or more than 300 s ahead; 200 if its id was taken before; else 202: it is taken.""",
    skeleton="def verify(headers, body, secret, now, seen):\n    ...",
    example="A good call is told 202; the same call a minute later 200; ten minutes later 400.",
    hints=(
        "In which order? Nothing that a call says counts before its signature is right.",
        "`hmac.digest(key, f'{id}.{time}.'.encode() + body, 'sha256')`, in base64, after `v1,`: any of `.split(' ')`.",
        "`abs(now - int(timestamp)) > 300` looks in both directions; `seen.add` is the last line but one.",
    ),
    check=check_verify,
    play=lambda function: [attack(without="id", events=14, each=2), attack(events=14, each=2)],
    picture=_chart_of_sorts,
    is_pure=True,
    answer=verify,
)
