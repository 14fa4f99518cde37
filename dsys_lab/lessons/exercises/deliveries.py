"""Exercise of lab 19: carry a crate to an endpoint that is down, refuses, or takes it and cannot say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, RequestBody, Settings, records_of
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.delivery_stream import outage
from dsys_lab.simulation.chance import stream as luck_of
from dsys_lab.structures import VolatileDisk

S: Final = 1_000_000
PINGS: Final = 60
SEEDS: Final = (1904, 1905, 1906)
Call = Callable[[str, bytes], int]


def deliver(crate: int, attempt: int, body: bytes, call: Call) -> bool:
    """Return whether the crate may be forgotten."""
    try:
        status = call(f"crate-{crate}", body)
    except (ConnectionError, TimeoutError):
        return False
    return 200 <= status < 300


class _Door:
    """An endpoint with troubles, which takes each id once."""

    def __init__(self, seed: int) -> None:
        self._luck, self.kept = luck_of(seed, "door"), dict[str, bytes]()

    def call(self, call_id: str, body: bytes) -> int:
        """Take a body, or not, and say so, or not."""
        if not isinstance(call_id, str) or not isinstance(body, bytes):
            raise Misuse(f"call({brief(call_id)}, {brief(body)}): give the id as str and the body as bytes")
        luck = self._luck()
        if luck < 0.2:
            raise ConnectionError("nobody answers")
        if luck < 0.35:
            return 503
        if luck < 0.5:
            raise TimeoutError("no answer")
        is_new = call_id not in self.kept
        self.kept.setdefault(call_id, body)
        if luck < 0.65:
            raise TimeoutError("no answer")
        return 202 if is_new else 200


def _night(function: Callable[..., Any], seed: int) -> Counter[bytes]:
    """Let a stream hand out crates until it holds none; return how often each ping is kept."""
    door = _Door(seed)
    made = DeliveryStream("pings", VolatileDisk(), Settings(size_bytes=12, interval_s=60, pause_s=10, limits=None),
                          form=RequestBody())  # fmt: skip
    for step in range(PINGS + 60):
        now_us = 10 * step * S
        if step < PINGS:
            made.put(now_us, Entry(f"m{step}", f"p{step:02d}".encode()))
        for out in made.attempts(now_us):
            said = function(out.number, out.attempt, out.data, door.call)
            if not isinstance(said, bool):
                raise Misuse(f"it returned {brief(said)}; give True, if the crate may be forgotten, or False")
            if said:
                made.delivered(now_us, out.number)
            else:
                made.failed(now_us, out.number, "again")
    try:
        return Counter(ping for body in door.kept.values() for ping in records_of(body))
    except ValueError:
        raise Misuse("the door was brought another body than the crate's: give `body` as it came") from None


def check_deliver(function: Callable[..., Any]) -> Verdict:
    """Carry the crates of three nights through the troubles."""
    sent = [f"p{step:02d}".encode() for step in range(PINGS)]
    for seed in SEEDS:
        kept = _night(function, seed)
        missing = [ping.decode() for ping in sent if not kept[ping]]
        if missing:
            saw = (f"{len(missing)} of {PINGS} pings never arrived, {missing[0]} the first: the stream was told to "
                   "forget a crate that the door did not have, or it never came in. Only 2xx says that it is there.")
            return Verdict(passed=False, saw=saw)
        twice = [ping.decode() for ping in sent if kept[ping] > 1]
        if twice:
            saw = (f"{len(twice)} of {PINGS} pings are there twice, {twice[0]} the first: the door had taken its crate "
                   "and could not say so, and then it came under another id.")
            return Verdict(passed=False, saw=saw)
    return Verdict(passed=True, saw=f"Each of {PINGS} pings is there once, in {len(SEEDS)} nights full of trouble.")


DELIVER: Final = Exercise(
    lab=19,
    name="deliver",
    title="Carry a crate to an endpoint",
    statement="""
Between the stream and an endpoint stands your function. It is given the number of a `crate`, which `attempt` this is
(from 1), the `body`, and `call`. `call(id, body)` brings the body under an id, a string, and returns a status of HTTP.
It raises `ConnectionError` if nobody is there, and `TimeoutError` if no answer came: the body may have been taken. The
door takes each id once; what comes again under it is answered with 200 and not kept a second time.

Return `True` if the stream may forget the crate, and `False` if it shall hold it and ask you again later. In the end
each ping must be there, and once.""",
    skeleton="def deliver(crate, attempt, body, call):\n    ...",
    example="If `call` returns 503, the answer is `False`.",
    hints=(
        "What do you know after a `TimeoutError`? And what does the door do if you come again?",
        "The id must be the same at every attempt of a crate, and another for another crate.",
        "`try` the call under `str(crate)`; both errors are `False`; else `200 <= status < 300`.",
    ),
    check=check_deliver,
    play=lambda function: [outage(down_h=1.0, hold_h=4.0)],
    answer=deliver,
)
