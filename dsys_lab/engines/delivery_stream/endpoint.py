"""A night's pings go to an endpoint that is down for a while, and whose answer is lost once: in memory, and over HTTP.

Both doors are the `WebHookDoor` of lab 21, asked directly or by httpx through Tornado on the loopback. The troubles are
the same and come at the same time by the clock of the story, which is turned and never waits. While the door is down
the real one is stopped, and another is opened for the same door; a lost answer is one that was given and not passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from dsys_lab.brokers.delivery_stream import DeliveryStream, Endpoint, Entry, RequestBody, Settings, carry, records_of
from dsys_lab.brokers.web_hook import Call, WebHookDoor, secret_of
from dsys_lab.brokers.web_hook import Settings as DoorSettings
from dsys_lab.engines.web_hook import DOORS, HttpDoor, call_door
from dsys_lab.errors import EngineMissing, MayHaveHappened, require_choice
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.structures import VolatileDisk

S: Final = 1_000_000
SECRET: Final = secret_of(bytes(range(24)))
PINGS: Final = tuple(f'{{"id": "p{number}", "pulse": {50 + number}}}'.encode() for number in range(12))
EVERY_S: Final = 10
A_CRATE: Final = 4
LOST_AT_S: Final = 30
"""The answer to the first crate."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of a night.

    Attributes
    ----------
    told : tuple of str
        What each call came to, in order: a status, "nobody", or "no answer".
    kept : tuple of bytes
        The pings that the endpoint keeps, in the order in which they came.
    held_at : tuple of (float, int)
        How many pings were held because the endpoint had not taken them, by the second.
    aside : tuple of str
        The prefixes of what was set aside.
    delivered, set_aside, held : int
        Pings, by the stream's own books at the end.
    """

    told: tuple[str, ...]
    kept: tuple[bytes, ...]
    held_at: tuple[tuple[float, int], ...]
    aside: tuple[str, ...]
    delivered: int
    set_aside: int
    held: int

    @property
    def held_most(self) -> int:
        """The most pings that were held at once."""
        return max(pings for _, pings in self.held_at)


class _Street:
    """The way to a door of a kind, with its troubles."""

    def __init__(self, kind: str, down_s: tuple[int, int]) -> None:
        self.door = WebHookDoor("endpoint", DoorSettings(secrets=[SECRET], remember_s=86_400.0), VolatileDisk())
        self.kind, self.down_s, self.now_us = kind, down_s, 0
        self.told: list[str] = []
        self._served: HttpDoor | None = None
        self._lost = False

    def ask(self, clock_us: int, call: Call) -> int:
        """Make a call, and note what it came to."""
        try:
            status = self._passed_on(clock_us, self._asked(clock_us, call))
        except EngineMissing:
            self.told.append("nobody")
            raise
        except MayHaveHappened:
            self.told.append("no answer")
            raise
        self.told.append(str(status))
        return status

    def _passed_on(self, clock_us: int, status: int) -> int:
        """Return an answer; the first one from `LOST_AT_S` on is lost."""
        if self._lost or clock_us < LOST_AT_S * S:
            return status
        self._lost = True
        raise MayHaveHappened("the answer was lost on its way")

    def _asked(self, clock_us: int, call: Call) -> int:
        is_down = self.down_s[0] * S <= clock_us < self.down_s[1] * S
        if self.kind == "HTTP":
            return call_door(self._url(is_down=is_down), call).status
        if is_down:
            raise EngineMissing("nobody answers")
        return self.door.receive(clock_us, call).status

    def _url(self, *, is_down: bool) -> str:
        """Return where the real door is, or where it was before it was stopped."""
        if self._served is None or not (is_down or self._served.is_up):
            self._served = HttpDoor(self.door, clock=lambda: self.now_us)
        if is_down:
            self._served.stop()
        return self._served.url

    def close(self) -> None:
        """Stop what is served."""
        if self._served is not None:
            self._served.stop()

    def kept(self) -> tuple[bytes, ...]:
        """Return the pings that were taken."""
        pings: list[bytes] = []
        while (event := self.door.take(self.now_us)) is not None:
            pings += records_of(event.body)
        return tuple(pings)


def night(
    door: str, *, names: str = "crate", down_s: tuple[int, int] = (60, 130), retry_s: float = 7_200.0
) -> Arrived:
    """Put twelve pings, one every ten seconds, four in a crate, each tried again after ten seconds.

    Parameters
    ----------
    door : str
        "model" or "HTTP".
    names : str
        What a call's id is made of: of the crate, or of the attempt.
    down_s : tuple of int
        From when until when the door is down.
    retry_s : float
        After so long of trying in vain a crate goes to the backup.
    """
    require_choice("door", door, DOORS)
    settings = Settings(
        size_bytes=sum(map(len, PINGS[:A_CRATE])), interval_s=300, pause_s=EVERY_S, retry_s=retry_s, names=names,
        limits=None,
    )  # fmt: skip
    backup, street = JournaledStore(VolatileDisk()), _Street(door, down_s)
    stream = DeliveryStream("pings", VolatileDisk(), settings, form=RequestBody())
    endpoint = Endpoint(street.ask, SECRET, lambda: street.now_us)
    with ExitStack() as stack:
        stack.callback(street.close)
        held_at = _played(stream, street, lambda now_us: carry(
            stream, now_us, {"destination": endpoint, "backup": backup}
        ))  # fmt: skip
    books = stream.status()
    aside = tuple(sorted({one.key.partition("/")[0] for one in every(backup)}))
    return Arrived(
        tuple(street.told), street.kept(), held_at, aside, books.delivered, books.set_aside, books.held
    )


def _played(
    stream: DeliveryStream, street: _Street, deliver: Callable[[int], object]
) -> tuple[tuple[float, int], ...]:
    """Put and deliver by the story's clock until all is over; return what was held at each step."""
    held_at: list[tuple[float, int]] = []
    while len(held_at) < len(PINGS) or stream.status().oldest_us is not None:
        step = len(held_at)
        street.now_us = now_us = step * EVERY_S * S
        if step < len(PINGS):
            stream.put(now_us, Entry(f"p{step}", PINGS[step]))
        deliver(now_us)
        held_at.append((now_us / S, stream.status().held))
    return tuple(held_at)


def nights(door: str = "HTTP") -> list[tuple[str, str, str]]:
    """Return for an id of the attempt, and of the crate, in words: the id, what calls were told, and what is kept."""
    told = ((name, night(door, names=name)) for name in ("attempt", "crate"))
    return [(name, in_short(one.told), f"{len(one.kept)}, of these {twice(one)} twice") for name, one in told]


def in_short(told: Iterable[str]) -> str:
    """Return what calls were told, in order, and how often where it was the same.

    >>> in_short(["202", "nobody", "nobody", "202"])
    '202, 2 x nobody, 202'
    """
    runs = [(word, len(list(same))) for word, same in groupby(told)]
    return ", ".join(word if times == 1 else f"{times} x {word}" for word, times in runs)


def twice(one: Arrived) -> int:
    """Return how many pings the endpoint keeps a second time."""
    return len(one.kept) - len(set(one.kept))
