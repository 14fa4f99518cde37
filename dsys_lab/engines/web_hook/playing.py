"""A script of calls, played against a door: in memory, or over HTTP. Both are asked the same, and must say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from dsys_lab.brokers.web_hook import Call, Settings, WebHookDoor
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.web_hook.client import call_door
from dsys_lab.engines.web_hook.server import HttpDoor
from dsys_lab.errors import require_choice
from dsys_lab.structures.disk import Disk, RealDisk, VolatileDisk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOORS = ("model", "HTTP")
DIFFERENCES = (
    Difference(
        "is told the whole call", "reads a body up to 8 MiB, and hangs up on who sends more",
        "none below that: too large is 413 at both", (),
    ),
    Difference(
        "no time passes while it looks", "each call waits for one sync of the disk",
        "one door takes as many calls a second as its disk syncs", (),
    ),
    Difference(
        "calls come whole, one after the other", "many connections, each in pieces",
        "half a call never reaches the door", (),
    ),
)  # fmt: skip


TimedCall = tuple[int, Call]
"""What a right clock shows when a call is made, in microseconds since 1970, and the call."""
Asked = Callable[[int, Call], int]
"""`(clock_us, call)` -> the status that it is told."""


@contextmanager
def asked(door: str, settings: Settings, *, folder: Path | None = None) -> Iterator[Asked]:
    """Give something that asks a new door of this kind ("model" or "HTTP"), with its clock turned to each call's time.

    Parameters
    ----------
    folder : path, optional
        Where its events are kept; else in memory.
    """
    require_choice("door", door, DOORS)
    with ExitStack() as stack:
        disk: Disk = VolatileDisk() if folder is None else stack.enter_context(closing(RealDisk(folder)))
        judged = WebHookDoor("door", settings, disk)
        if door == "model":
            yield lambda clock_us, call: judged.receive(clock_us, call).status
            return
        shown_us = [0]
        served = stack.enter_context(HttpDoor(judged, clock=lambda: shown_us[0]))

        def over_http(clock_us: int, call: Call) -> int:
            shown_us[0] = clock_us
            return call_door(served.url, call).status

        yield over_http


def play(calls: Iterable[TimedCall], ask: Asked) -> list[int]:
    """Return the status that each call is told."""
    return [ask(clock_us, call) for clock_us, call in calls]


def compared(calls: Iterable[TimedCall], settings: Settings) -> dict[str, list[int]]:
    """Return what each kind of door tells the calls."""
    calls = list(calls)
    told = {}
    for door in DOORS:
        with asked(door, settings) as ask:
            told[door] = play(calls, ask)
    return told
