"""Where every message stands, and what time does by itself.

Two things are worth a look. *Loans end by themselves*: every loan and every delay is an entry in a heap, (when it ends,
whose), which is looked at when its time comes and not searched for when it ends early; what has ended early is swept
out once it is most of the heap. *Time is caught up with, never awaited*: `reach` first does what time has done up to
now, in the order in which it was due, so the shelf is the same whether it was asked often or seldom in between.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import astuple
from heapq import heapify, heappop, heappush
from typing import Any, Final

from dsys_lab.brokers.work_queue.answers import Became
from dsys_lab.brokers.work_queue.lines import DELAYED, GONE, LENT, VISIBLE, Lanes, Line, Stored
from dsys_lab.brokers.work_queue.settings import Settings, to_us
from dsys_lab.errors import Misuse
from dsys_lab.trace import Recorder

FIRST_OWN_COPY: Final = 1_000
"""Copies that the queue itself makes are numbered from here, so that they never meet those of a producer's retries."""
SWEEP_ABOVE: Final = 1_024
_NEVER: Final = 1 << 62
_COUNTS: Final = ("now_us", "next_number", "accepted", "copied", "acknowledged", "expired")
_STATES: Final = {state: state for state in (DELAYED, VISIBLE, LENT)}  # states are compared by identity


class Shelf:
    """The messages of a queue.

    Attributes
    ----------
    stored : OrderedDict
        What is visible, delayed or on loan, by number, so the oldest is first.
    dead : list
        What was set aside, the oldest first: a heap of (sent, number, message).
    order : Line or Lanes
        Who of the visible is next.
    visible, delayed, in_flight : int
        How many stand where.
    accepted, copied, acknowledged, expired : int
        How many there have been.
    """

    def __init__(self, place: str, settings: Settings, recorder: Recorder) -> None:
        self.place, self._emit = place, recorder.emit
        self.order: Line | Lanes = (
            Line(settings.order_window) if settings.kind == "standard" else Lanes(locking=settings.is_fifo)
        )
        self.stored: OrderedDict[int, Stored] = OrderedDict()
        self.dead: list[tuple[int, int, Stored]] = []
        self.visible = self.delayed = self.in_flight = 0
        self.accepted = self.copied = self.acknowledged = self.expired = 0
        self.next_number = 0
        self.now_us = 0
        self._retention_us, self._is_fifo = to_us(settings.retention_s), settings.is_fifo
        self._ends: list[tuple[int, int]] = []
        self._due_us = _NEVER  # nothing is due before this; it may be too early

    # ------------------------------------------------------------ what the verbs do
    def store(self, message: str, copy: int, body: str, group: str | None, delay_us: int = 0) -> Stored:
        """Take in a message."""
        number, now_us = self.next_number, self.now_us
        self.next_number = number + 1
        stored = self.stored[number] = Stored(number, message, copy, body, group, now_us, VISIBLE)
        if len(self.stored) == 1:
            self._due_us = min(self._due_us, now_us + self._retention_us)
        if delay_us:
            stored.state = DELAYED
            self.delayed += 1
            self.ends_at(stored, now_us + delay_us)
        else:
            self.visible += 1
            self.order.put(stored)
        depth = self.visible + self.delayed
        if group is None:
            self._emit(now_us, "enqueue", self.place, message, depth=depth, copy=copy)
        else:
            self._emit(now_us, "enqueue", self.place, message, depth=depth, copy=copy, group=group)
        return stored

    def lend(self, stored: Stored, until_us: int) -> None:
        """Give out a message that `order` has just handed out."""
        self.visible -= 1
        self.in_flight += 1
        stored.receives += 1
        stored.state = LENT
        stored.lent_us = self.now_us
        self.ends_at(stored, until_us)

    def ends_at(self, stored: Stored, until_us: int) -> None:
        """Let a loan or a delay end at `until_us`."""
        stored.until_us = until_us
        heappush(self._ends, (until_us, stored.number))
        self._due_us = min(self._due_us, until_us)
        if len(self._ends) > SWEEP_ABOVE and len(self._ends) > 4 * (self.in_flight + self.delayed):
            self._ends = [end for end in self._ends if self._ends_now(end)]
            heapify(self._ends)

    def show(self, stored: Stored) -> None:
        """End a loan or a delay: the message is visible to all."""
        before, stored.state = stored.state, VISIBLE
        self.visible += 1
        if before is LENT:
            self.in_flight -= 1
            self.order.back(stored)
        else:
            self.delayed -= 1
            self.order.late(stored)
        depth = self.visible + self.delayed
        self._emit(
            self.now_us, "visible", self.place, stored.message, attempt=stored.receives, depth=depth, copy=stored.copy
        )

    def leave(self, stored: Stored) -> None:
        """Let a message go from wherever it stands."""
        before, stored.state = stored.state, GONE
        del self.stored[stored.number]
        if before is LENT:
            self.in_flight -= 1
            self.order.settled(stored)
        elif before is VISIBLE:
            self.visible -= 1
            self.order.forget(stored)
        else:
            self.delayed -= 1

    def add_copy(self, stored: Stored) -> None:
        """Let a server that did not learn of the loan keep the message visible; the copy's age counts from now."""
        copy = FIRST_OWN_COPY + self.copied
        self.copied += 1
        self._emit(self.now_us, "copied", self.place, stored.message, copy=copy, of=stored.copy)
        self.store(stored.message, copy, stored.body, stored.group)

    def set_aside(self, stored: Stored) -> None:
        """Put a message that `order` has just handed out among the dead. It keeps its age; FIFO: that begins anew."""
        stored.state = GONE
        del self.stored[stored.number]
        self.visible -= 1
        self.order.settled(stored)
        if self._is_fifo:
            stored.sent_us = self.now_us
        heappush(self.dead, (stored.sent_us, stored.number, stored))
        self._emit(
            self.now_us, "dead", self.place, stored.message,
            receives=stored.receives, to=f"{self.place}/dead", copy=stored.copy,
        )  # fmt: skip

    def letters(self) -> list[Stored]:
        """Return what was set aside, oldest first."""
        return [stored for *_, stored in sorted(self.dead)]

    def redrive(self) -> None:
        """Put the oldest dead letter back as if it were new."""
        dead = heappop(self.dead)[-1]
        self._emit(self.now_us, "redrive", f"{self.place}/dead", dead.message, to=self.place, copy=dead.copy)
        self.store(dead.message, dead.copy, dead.body, dead.group)

    # ------------------------------------------------------------ what time does
    def reach(self, now_us: int) -> None:
        """Let time come to `now_us`."""
        if now_us >= self._due_us or now_us < self.now_us:
            self.tick(now_us)
        self.now_us = now_us

    def tick(self, now_us: int) -> list[Became]:
        """Do what has become due, in order, and say what it was."""
        if now_us < self.now_us:
            raise Misuse(f"now_us = {now_us} lies before {self.now_us}: time cannot run back")
        self.now_us = now_us
        became = []
        while (due_us := min(self.first_end_us(), self._first_expiry_us())) <= now_us:
            if due_us == self._first_expiry_us():
                stored = next(iter(self.stored.values()))
                self.leave(stored)
                became.append(self._expire(stored))
            else:
                stored = self.stored[heappop(self._ends)[1]]
                self.show(stored)
                became.append(Became(stored.message, stored.copy, "visible"))
        while self.dead and self._expiry_of_dead_us() <= now_us:
            became.append(self._expire(heappop(self.dead)[-1]))
        self._due_us = min(due_us, self._expiry_of_dead_us())
        return became

    def deadline_us(self) -> int | None:
        """Return when something becomes due next."""
        due_us = min(self.first_end_us(), self._first_expiry_us(), self._expiry_of_dead_us())
        return None if due_us == _NEVER else due_us

    def first_end_us(self) -> int:
        """Return when the first loan or delay ends by itself, or a time beyond all others."""
        while self._ends and not self._ends_now(self._ends[0]):
            heappop(self._ends)
        return self._ends[0][0] if self._ends else _NEVER

    def _ends_now(self, end: tuple[int, int]) -> bool:
        """Whether a heap entry still counts: its loan or delay was neither ended nor changed."""
        stored = self.stored.get(end[1])
        return stored is not None and stored.until_us == end[0] and stored.state is not VISIBLE

    def _first_expiry_us(self) -> int:
        for stored in self.stored.values():
            return stored.sent_us + self._retention_us
        return _NEVER

    def _expiry_of_dead_us(self) -> int:
        return self.dead[0][0] + self._retention_us if self.dead else _NEVER

    def _expire(self, stored: Stored) -> Became:
        self.expired += 1
        age_us = self.now_us - stored.sent_us
        self._emit(self.now_us, "expire", self.place, stored.message, age_us=age_us, copy=stored.copy)
        return Became(stored.message, stored.copy, "expired")

    # ------------------------------------------------------------ to JSON and back
    def snapshot(self) -> dict[str, Any]:
        """Return all that it holds, in JSON values."""
        return {
            **{name: getattr(self, name) for name in _COUNTS},
            "stored": [list(astuple(stored)) for stored in self.stored.values()],
            "dead": [list(astuple(dead)) for dead in self.letters()],
            "order": self.order.marks(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take in what `snapshot` returned; the shelf must be new."""
        for name in _COUNTS:
            setattr(self, name, snapshot[name])
        dead = [Stored(*values) for values in snapshot["dead"]]
        self.dead = [(stored.sent_us, stored.number, stored) for stored in dead]
        returned = set(snapshot["order"]["returned"])
        for number, message, copy, body, group, sent_us, state, *rest in snapshot["stored"]:
            stored = Stored(number, message, copy, body, group, sent_us, _STATES[state], *rest)
            self.stored[number] = stored
            if stored.state is VISIBLE:
                self.visible += 1
                (self.order.late if number in returned else self.order.put)(stored)
            else:
                self.in_flight += stored.state is LENT
                self.delayed += stored.state is DELAYED
                heappush(self._ends, (stored.until_us, number))
        if isinstance(self.order, Lanes):
            self.order.resume([s.group for s in self.stored.values() if s.state is LENT], snapshot["order"]["turns"])
        self._due_us = self.now_us
