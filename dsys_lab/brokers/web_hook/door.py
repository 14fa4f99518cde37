"""What the door does with a call: look, keep, answer.

An event is durable *before* the partner hears 2xx, for after that the partner forgets it. The work comes later, and is
none of the partner's: it waits for an answer, for some seconds at most, and calls again if none comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.brokers.web_hook import checks
from dsys_lab.brokers.web_hook.checks import Settings, Verdict
from dsys_lab.brokers.web_hook.inbox import Event, Inbox
from dsys_lab.brokers.web_hook.judging import Look, judge
from dsys_lab.brokers.web_hook.partner import Sent
from dsys_lab.brokers.web_hook.signature import Call, claim_of
from dsys_lab.errors import BadParameter, DidNotHappen, MayHaveHappened, Refused
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered.

    Attributes
    ----------
    verdict : Verdict
    id : str or None
        Which event the call says that it brings, believed or not; None: it does not say.
    detail : str
        What was found, for our own log: the partner hears the verdict's word only.
    number : int or None
        Under which number the event was stored.
    retry_after_s : int or None
        What the header of that name says.
    """

    verdict: Verdict
    id: str | None = None
    detail: str = ""
    number: int | None = None
    retry_after_s: int | None = None

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return self.verdict.status

    def headers(self) -> dict[str, str]:
        """Return what stands beside the status."""
        return {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}


@dataclass(frozen=True, slots=True)
class Status:
    """The door's books.

    Attributes
    ----------
    answers : mapping
        How many calls were told what, by the word of the verdict.
    waiting, out, done : int
        Events that wait, are being worked on, and are done since the door was opened.
    unstored : int
        Events that were answered with 2xx and are not on disk: always 0 but without the check "store first".
    """

    answers: Mapping[str, int]
    waiting: int
    out: int
    done: int
    unstored: int


class _Kept(NamedTuple):
    """An event on its way to the disk."""

    event_id: str
    copy: int
    clock_us: int
    body: bytes


class WebHookDoor:
    """Takes calls from a partner and keeps what it believes, once for an id.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings
    disk : Disk
        Where events are kept. A door that is opened on the disk of another goes on where that one ended.
    recorder : Recorder
        Where its rows go.

    Examples
    --------
    >>> from dsys_lab.brokers.web_hook import Settings, WebHookDoor, secret_of, signed
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> secret = secret_of(bytes(24))
    >>> door = WebHookDoor("door", Settings(secrets=[secret]), VolatileDisk())
    >>> call = signed([secret], "msg_1", 0, b'{"type": "sleep.recorded"}')
    >>> door.receive(0, call).status, door.receive(1, call).status
    (202, 200)
    >>> event = door.take(2)
    >>> event.id, door.done(3, event.number)
    ('msg_1', None)
    """

    def __init__(self, place: str, settings: Settings, disk: Disk, *, recorder: Recorder = NO_TRACE) -> None:
        self.place, self.settings, self.recorder = place, settings, recorder
        self._inbox = Inbox(disk, remember_us=round(settings.remember_s * 1e6))
        self._unstored: list[_Kept] = []
        self._answers: Counter[str] = Counter()
        self._done = 0

    # ------------------------------------------------------------ a call
    def receive(
        self, now_us: int, call: Call, *, clock_us: int | None = None, message: str | None = None, copy: int = 0
    ) -> Answer:
        """Look at a call, keep what is to be kept, and say what it is answered. It never raises for what a call holds.

        Parameters
        ----------
        now_us : int
            For the rows.
        clock_us : int, optional
            What our clock shows, in microseconds since 1970; `now_us` if it is not given. It may be wrong.
        message : str, optional
            What the rows call it; else the id that it claims.
        copy : int
            Which copy of the event it is, for the books.
        """
        clock_us = now_us if clock_us is None else clock_us
        claim = claim_of(call)
        event_id = None if isinstance(claim, str) else claim.id
        message = event_id if message is None else message
        look = Look(call, claim, self.settings, clock_us, lambda seen: self.has_seen(clock_us, seen))
        verdict, detail = judge(look)
        self.recorder.emit(now_us, "verify", self.place, message, ok=verdict.is_done, why=verdict.why, copy=copy)
        answer = Answer(verdict, event_id, detail)
        if verdict is checks.STORED:
            assert event_id is not None
            answer = self._keep(now_us, _Kept(event_id, copy, clock_us, call.body))
        elif verdict is checks.SEEN:
            self.recorder.emit(now_us, "duplicate", self.place, message, of=event_id, copy=copy)
        if not answer.verdict.is_done:
            why = answer.verdict.why
            self.recorder.emit(now_us, "reject", self.place, message, why=why, copy=copy, status=answer.status)
        self._answers[answer.verdict.why] += 1
        return answer

    def has_seen(self, clock_us: int, event_id: str) -> bool:
        """Whether an event with this id came, within the while that ids are remembered."""
        return self._inbox.has_seen(clock_us, event_id) or any(kept.event_id == event_id for kept in self._unstored)

    def _keep(self, now_us: int, kept: _Kept) -> Answer:
        """Store an event that is believed, now or (without "store first") later."""
        if self._inbox.waiting + len(self._unstored) >= self.settings.room:
            return self._turned_away(kept.event_id, f"{self.settings.room} events wait")
        if not self.settings.has("store first"):
            self._unstored.append(kept)
            return Answer(checks.STORED, kept.event_id, "answered, not yet stored")
        number = self._store(now_us, kept)
        if number is None:
            return self._turned_away(kept.event_id, "the disk failed: open the door anew")
        return Answer(checks.STORED, kept.event_id, "", number)

    def _turned_away(self, event_id: str, detail: str) -> Answer:
        return Answer(checks.CANNOT_STORE, event_id, detail, retry_after_s=self.settings.retry_after_s)

    def _store(self, now_us: int, kept: _Kept) -> int | None:
        """Make an event durable and return its number; None: the disk fails, and it may be there or not."""
        try:
            event = self._inbox.store(kept.clock_us, kept.event_id, kept.body, copy=kept.copy)
        except (MayHaveHappened, DidNotHappen):
            return None
        self.recorder.emit(now_us, "enqueue", self.place, event.id, depth=self._inbox.waiting, copy=kept.copy)
        return event.number

    # ------------------------------------------------------------ what was not sent to us, but asked for
    def fetch(self, now_us: int, sent: Sent, *, clock_us: int | None = None, copy: int = 0) -> int | None:
        """Take in an entry of the partner's list, if its id did not come before; return its number, or None.

        It needs no signature, for we have asked, and know whom.

        Raises
        ------
        Refused
            If the disk fails: open the door anew, and compare again.
        """
        clock_us = now_us if clock_us is None else clock_us
        if self.has_seen(clock_us, sent.id):
            return None
        number = self._store(now_us, _Kept(sent.id, copy, clock_us, sent.body))
        if number is None:
            raise Refused(f"{self.place} cannot store {sent.id}, for its disk failed: open it anew, and compare again")
        return number

    # ------------------------------------------------------------ without "store first"
    def store(self, now_us: int) -> list[int]:
        """Make durable what was answered before it was; return the numbers. With "store first" there is nothing."""
        kept, self._unstored = self._unstored, []
        return [number for one in kept if (number := self._store(now_us, one)) is not None]

    def lose(self, now_us: int) -> int:
        """Say in rows what a crash took that was answered and not stored; return how many."""
        lost, self._unstored = self._unstored, []
        for kept in lost:
            self.recorder.emit(now_us, "drop", self.place, kept.event_id, why="answered, not stored", copy=kept.copy)
        return len(lost)

    # ------------------------------------------------------------ the work
    def take(self, now_us: int) -> Event | None:
        """Give out the oldest event that waits. Work on it, and say `done`; after a crash it is given out again."""
        event = self._inbox.take()
        if event is not None:
            self.recorder.emit(now_us, "start", self.place, event.id, attempt=1, copy=event.copy)
        return event

    def done(self, now_us: int, number: int) -> None:
        """Say that the work on an event is done."""
        event = self._inbox.done(now_us, number)
        if event is None:
            raise BadParameter(f"number = {number!r}: no such event of {self.place} is out; ask `take`")
        self._done += 1
        self.recorder.emit(now_us, "finish", self.place, event.id, attempt=1, copy=event.copy)

    def status(self) -> Status:
        """Return the books."""
        inbox = self._inbox
        return Status(dict(self._answers), inbox.waiting, inbox.out, self._done, len(self._unstored))
