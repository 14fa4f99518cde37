"""What a camera holds while its link is down, and what it lets go when that is too much.

A device has little memory. While the link is down, fragments wait; when `capacity_us` of video wait, one has to go: the
oldest (the latest minute is worth most) or the newest (what happened first is the evidence). When the link is back,
there is a queue, and again a choice: oldest first fills the archive in order, newest first shows a live viewer the
present at once and the past later.

A fragment leaves the buffer only when it was acknowledged: a link that fails half-way costs a second try and no video.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from dsys_lab.brokers.video_stream.fragments import Fragment
from dsys_lab.errors import Misuse, require_choice, require_not_negative
from dsys_lab.trace import NO_TRACE, Recorder

LETS_GO: Final = ("oldest", "newest")
SENDS: Final = ("oldest", "newest")


class DeviceBuffer:
    """Fragments that wait for the link.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    capacity_us : int
        How much video it holds besides the one fragment that is on its way, or next; 0: none.
    lets_go : str
        Which one goes when there are too many: "oldest" or "newest".
    sends : str
        Which one is sent next: "oldest" or "newest".
    recorder : Recorder

    Attributes
    ----------
    waiting_us : int
        How much video waits, without what is on its way.

    Examples
    --------
    >>> device = DeviceBuffer("camera", capacity_us=1)
    >>> [device.film(n, Fragment(f"f{n}", n, 1, b"x")) for n in range(3)]
    [(), (), ('f0',)]
    >>> device.next(3).message
    'f1'
    """

    def __init__(
        self, place: str, *, capacity_us: int, lets_go: str = "oldest", sends: str = "oldest",
        recorder: Recorder = NO_TRACE,
    ) -> None:  # fmt: skip
        require_not_negative(capacity_us=capacity_us)
        require_choice("lets_go", lets_go, LETS_GO)
        require_choice("sends", sends, SENDS)
        self.place, self.capacity_us, self.recorder = place, capacity_us, recorder
        self.lets_go, self.sends = lets_go, sends
        self._waiting: list[Fragment] = []
        self.waiting_us = 0
        self._out: Fragment | None = None
        self._attempts = Counter[str]()

    def __len__(self) -> int:
        return len(self._waiting)

    def film(self, now_us: int, fragment: Fragment) -> tuple[str, ...]:
        """Take a fragment that is complete; return what had to go for it, which may be itself."""
        self._add(fragment)
        self.recorder.emit(
            now_us, "enqueue", self.place, fragment.message, depth=len(self._waiting), size_bytes=len(fragment.data)
        )
        return self._let_go(now_us)

    def _add(self, fragment: Fragment) -> None:
        self._waiting.append(fragment)
        self.waiting_us += fragment.duration_us

    def _take(self, at: int) -> Fragment:
        fragment = self._waiting.pop(at)
        self.waiting_us -= fragment.duration_us
        return fragment

    def _let_go(self, now_us: int) -> tuple[str, ...]:
        """Let go of what is too much, but for one fragment that is on its way, or next."""
        gone = list[str]()
        needs_no_room = 0 if self._out else 1
        while len(self._waiting) > needs_no_room and self.waiting_us - self._next_us() > self.capacity_us:
            fragment = self._take(0 if self.lets_go == "oldest" else -1)
            gone.append(fragment.message)
            self.recorder.emit(now_us, "drop", self.place, fragment.message, why="the device's buffer was full")
        return tuple(gone)

    def _next_us(self) -> int:
        """How long the fragment is that goes next, if none is on its way."""
        return 0 if self._out else self._waiting[self._next_at].duration_us

    @property
    def _next_at(self) -> int:
        return 0 if self.sends == "oldest" else -1

    def next(self, now_us: int) -> Fragment | None:
        """Return the fragment that is to be sent now, or None: there is none, or one is on its way."""
        if self._out is not None or not self._waiting:
            return None
        self._out = self._take(self._next_at)
        self._attempts[self._out.message] += 1
        return self._out

    def sent(self, now_us: int) -> None:
        """Take it as said that the fragment on its way was acknowledged."""
        del self._attempts[self._required_out().message]
        self._out = None

    def failed(self, now_us: int, why: str) -> tuple[str, ...]:
        """Take it as said that the link failed: the fragment waits again; return what had to go for it."""
        fragment = self._required_out()
        self._out = None
        self._add(fragment)
        self._waiting.sort(key=lambda waiting: waiting.filmed_us)
        attempt = self._attempts[fragment.message]
        self.recorder.emit(now_us, "fail", self.place, fragment.message, why=why, attempt=attempt)
        return self._let_go(now_us)

    def crash(self) -> tuple[str, ...]:
        """Forget all that waits: a device's memory needs power. Return what is gone."""
        gone = [*self._waiting, *filter(None, [self._out])]
        self._waiting, self._out, self.waiting_us = [], None, 0
        return tuple(fragment.message for fragment in gone)

    def _required_out(self) -> Fragment:
        if self._out is None:
            raise Misuse(f"{self.place} has nothing on its way: call next first")
        return self._out
