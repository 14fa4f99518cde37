"""Where an event lies from the moment that the partner was told it is safe until its work is done.

A log on a disk. What is remembered of ids is read from the same records as the events, so no crash can part the two: an
event that is there has its id remembered, and an id that is remembered has had its event there. That an event is done
is written too. What a crash strikes between the work and that record is worked on once more, under its id.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Final

from dsys_lab.brokers.deduplication import SeenIds
from dsys_lab.structures.append_log import AppendLog
from dsys_lab.structures.disk import Disk

SEGMENT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """What a partner sent, and we believed.

    Attributes
    ----------
    number : int
        What `done` takes.
    id : str
        The partner's: whoever works on it does so once for an id.
    came_us : int
        By our clock, in microseconds since 1970.
    body : bytes
        As it was signed.
    copy : int
        Which copy of the event came in, for the books.
    """

    number: int
    id: str
    came_us: int
    body: bytes
    copy: int = 0


class Inbox:
    """Events on a disk, in the order in which they came, and the ids of those that came within a while.

    Parameters
    ----------
    disk : Disk
        It may not be shared.
    remember_us : int
        How long an id is remembered after it came first.

    Raises
    ------
    Damaged
        If a record that was durable is broken or missing.
    """

    def __init__(self, disk: Disk, *, remember_us: int) -> None:
        self._log = AppendLog(disk, segment_bytes=SEGMENT_BYTES, place="inbox")
        self._seen = SeenIds(remember_us)
        self._came: deque[tuple[int, int]] = deque()  # when, under which number: what `forget` may let go
        self._waiting: dict[int, Event] = {}
        self._out: dict[int, Event] = {}
        for record in self._log.read():
            head, _, body = record.payload.partition(b"\n")
            fields = json.loads(head)
            if "done" in fields:
                self._waiting.pop(fields["done"], None)
            else:
                self._take_in(Event(record.lsn, fields["id"], fields["came_us"], body, fields["copy"]))

    def _take_in(self, event: Event) -> None:
        self._waiting[event.number] = event
        self._came.append((event.came_us, event.number))
        self._seen.came_before(event.came_us, event.id, event.id)

    def has_seen(self, now_us: int, event_id: str) -> bool:
        """Whether an event with this id came within the while that ids are remembered."""
        return self._seen.before(now_us, event_id) is not None

    def store(self, now_us: int, event_id: str, body: bytes, *, copy: int = 0) -> Event:
        """Keep an event; when this returns it is durable.

        Raises
        ------
        MayHaveHappened, Refused
            If the disk fails, or has failed before: then the inbox must be opened anew.
        """
        head = json.dumps({"id": event_id, "came_us": now_us, "copy": copy}).encode()
        number = self._log.append(now_us, head + b"\n" + body)
        event = Event(number, event_id, now_us, body, copy)
        self._take_in(event)
        return event

    def take(self) -> Event | None:
        """Give out the oldest event that waits; None: there is none."""
        for number in self._waiting:
            self._out[number] = self._waiting.pop(number)
            return self._out[number]
        return None

    def done(self, now_us: int, number: int) -> Event | None:
        """Let an event go that was given out, durably; None: it was not."""
        event = self._out.pop(number, None)
        if event is not None:
            self._log.append(now_us, json.dumps({"done": number}).encode())
            self._forget(now_us)
        return event

    def _forget(self, now_us: int) -> None:
        """Take segments off the disk of which nothing waits, is out or is remembered."""
        while self._came and self._came[0][0] + self._seen.window_us <= now_us:
            number = self._came[0][1]
            if number in self._waiting or number in self._out:
                break
            self._came.popleft()
        self._log.drop_before(self._came[0][1] if self._came else self._log.next_lsn)

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    @property
    def out(self) -> int:
        """How many are being worked on."""
        return len(self._out)
