"""What each verb of the bus does.

An event becomes one *copy* for each target of each rule that picks it, in the shape that the target wants. From there
on the copies know nothing of each other: `dsys_lab.brokers.outbox` tries each of them until it is taken or given up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from dsys_lab.brokers.event_bus.answers import Attempt, Failed, Status, Taken
from dsys_lab.brokers.event_bus.archive import Archive, Kept, Shelf
from dsys_lab.brokers.event_bus.events import Entry, Event
from dsys_lab.brokers.event_bus.matching import Index, Matcher
from dsys_lab.brokers.event_bus.rules import Rule, Target, require_name
from dsys_lab.brokers.event_bus.seats import Copy, Seat
from dsys_lab.brokers.event_bus.shapes import Whole
from dsys_lab.brokers.outbox import DeadLetter, Outbox
from dsys_lab.errors import BadParameter, Misuse, Refused
from dsys_lab.facts import fact
from dsys_lab.trace import NO_TRACE, Recorder

ENTRIES_MAX: Final = int(fact("eventbridge_entries_max").value)
SIZE_MAX_BYTES: Final = int(fact("eventbridge_size_max").value)


class EventBus:
    """Hands each event to the targets of the rules that pick it.

    Parameters
    ----------
    place : str
        The name under which its rows appear; a rule is `place/rule`, an archive `place/archive`.
    matcher : Matcher, optional
        How rules are asked; an `Index` unless another is given.
    recorder : Recorder
        Where its rows go.

    Examples
    --------
    >>> from dsys_lab.brokers.event_bus import Entry, Part, Rule, Target
    >>> from dsys_lab.brokers.event_patterns import Pattern
    >>> bus = EventBus("bus")
    >>> short = Pattern({"detail": {"hours": [{"numeric": ["<", 5]}]}})
    >>> bus.put_rule(0, Rule("short-nights", short, [Target("coach", Part("$.detail"))]))
    >>> bus.put(0, [Entry("wearable", "Night", {"hours": 4}), Entry("wearable", "Night", "no object")])
    [Taken(id='e1'), Failed(code='MalformedDetail', why="detail = 'no object': give a JSON object")]
    >>> [attempt] = bus.attempts(0)
    >>> attempt.target, attempt.body
    ('coach', '{"hours": 4}')
    >>> bus.delivered(0, attempt.number)
    """

    def __init__(self, place: str, *, matcher: Matcher | None = None, recorder: Recorder = NO_TRACE) -> None:
        self.place, self.recorder = place, recorder
        self._matcher = matcher or Index()
        self._seats: dict[str, tuple[Seat, ...]] = {}  # of each rule
        self._shelves: dict[str, Shelf] = {}
        self._replays: set[str] = set()
        self._outbox: Outbox[Copy] = Outbox(place, recorder)
        self._counted: Counter[str] = Counter()  # copies of each event
        self._taken = self._failed = self._unmatched = self._next_number = self._now_us = 0

    # ------------------------------------------------------------ rules and archives
    def put_rule(self, now_us: int, rule: Rule) -> None:
        """Make a rule, or replace the one of this name; what a target had that stays, it keeps."""
        self._reach(now_us)
        if not isinstance(rule, Rule):
            raise BadParameter(f"rule = {rule!r}: give a Rule")
        self._require_free(rule.name, self._shelves)
        before = {seat.target.name: seat for seat in self._seats.get(rule.name, ())}
        seats = []
        for target in rule.targets:
            seat = before.pop(target.name, None) or self._new_seat(rule.name, target)
            seat.serve(target)
            seats.append(seat)
        for seat in before.values():
            self._clear(seat)
        self._seats[rule.name] = tuple(seats)
        self._matcher.add(rule.name, rule.pattern)
        self.recorder.emit(now_us, "join", f"{self.place}/{rule.name}")

    def remove_rule(self, now_us: int, name: str) -> None:
        """Take a rule away, with what waits for its targets, and with their dead letters."""
        self._reach(now_us)
        for seat in self._rule(name):
            self._clear(seat)
        del self._seats[name]
        self._matcher.remove(name)
        self.recorder.emit(now_us, "leave", f"{self.place}/{name}")

    def _new_seat(self, rule: str, target: Target) -> Seat:
        return Seat(
            name=target.name, place=f"{self.place}/{rule}", rule=rule, target=target, retry=target.retry,
            sets_aside=target.dead_letters,
        )  # fmt: skip

    def _clear(self, seat: Seat) -> None:
        self._outbox.forget(self._now_us, seat, list(seat.waiting.values()), "the target was taken away")

    def keep(self, now_us: int, archive: Archive) -> None:
        """Keep from now on what this archive wants."""
        self._reach(now_us)
        self._require_free(archive.name, self._seats)
        if archive.name in self._shelves:
            raise Refused(f"{self.place} has an archive {archive.name}: take another name")
        self._shelves[archive.name] = Shelf(archive)

    def _require_free(self, name: str, others: Iterable[str]) -> None:
        if name in others:
            raise Refused(f"{self.place} has a rule or archive called {name}: take another name")

    # ------------------------------------------------------------ events
    def put(self, now_us: int, entries: Sequence[Entry], *, copy: int = 0) -> list[Taken | Failed]:
        """Take events in, and make the copies for those who want them.

        Parameters
        ----------
        copy : int
            Which copy of the events came in, for the books: who puts them again counts up.

        Returns
        -------
        list of Taken or Failed
            One for each entry, in order. **Some may have failed though the call did not**: look at each.

        Raises
        ------
        Refused
            If there are too many entries, or they are too large together; then none is taken.
        """
        self._require_puttable(entries)
        self._reach(now_us)
        return [self._put(entry, copy) for entry in entries]

    def _require_puttable(self, entries: Sequence[Entry]) -> None:
        if not all(isinstance(entry, Entry) for entry in entries):
            raise BadParameter(f"entries = {entries!r}: give a list of Entry")
        if not 1 <= len(entries) <= ENTRIES_MAX:
            raise Refused(f"{len(entries)} entries: give 1 to {ENTRIES_MAX} at once, and the others in another put")
        size_bytes = sum(entry.size_bytes for entry in entries)
        if size_bytes >= SIZE_MAX_BYTES:
            raise Refused(
                f"the entries have {size_bytes:,} bytes: together they must have less than {SIZE_MAX_BYTES:,}; put "
                "what is large into an object store, and its address into the event"
            )

    def _put(self, entry: Entry, copy: int) -> Taken | Failed:
        code, why = entry.fault()
        if code:
            self._failed += 1
            if entry.id:
                self.recorder.emit(self._now_us, "reject", self.place, entry.id, why=f"{code}: {why}", copy=copy)
            return Failed(code, why)
        self._taken += 1
        event = entry.event(self._now_us, f"e{self._taken}")
        self._counted[event.id] = max(self._counted[event.id], copy)
        made = self._archive(event) + self._route(event)
        if made:
            self.recorder.emit(self._now_us, "fan_out", self.place, event.id, copies=made, copy=copy)
        else:
            self.recorder.emit(self._now_us, "unmatched", self.place, event.id, why="no rule picks it", copy=copy)
        return Taken(event.id)

    def _archive(self, event: Event) -> int:
        """Put a copy into each archive that wants it, and return how many."""
        envelope, made = event.envelope(), 0
        for name, shelf in self._shelves.items():
            if shelf.archive.keeps(envelope):
                made += 1
                copy = self._next_copy(event)
                self._tell_of_copy("match", event, copy, to=f"{self.place}/{name}", rule=name)
                self.recorder.emit(self._now_us, "archive", f"{self.place}/{name}", event.id, copy=copy)
                shelf.keep(Kept(event, copy, self._now_us))
        return made

    def _route(self, event: Event) -> int:
        """Make a copy for each target of each rule that picks the event, and return how many."""
        picked, made = False, 0
        for rule, picks in self._matcher.verdicts(event.envelope()):
            picked |= picks
            if not picks:
                self.recorder.emit(self._now_us, "nomatch", f"{self.place}/{rule}", event.id, rule=rule)
                for seat in self._seats[rule]:
                    seat.books["passed_by"] += 1
                continue
            for seat in self._seats[rule]:
                made += 1
                seat.books["matched"] += 1
                self._stand(seat, event, "match", rule=rule)
        self._unmatched += not picked
        return made

    def _stand(self, seat: Seat, event: Event, kind: str, *, place: str = "", **about: Any) -> None:
        """Make a copy for a target, due at once."""
        copy = self._next_copy(event)
        self._tell_of_copy(kind, event, copy, to=seat.place, place=place, **about)
        if not isinstance(seat.target.shape, Whole):
            self.recorder.emit(self._now_us, "transform", seat.place, event.id, rule=seat.rule, copy=copy)
        self._next_number += 1
        made = Copy(
            number=self._next_number, copy=copy, message=event.id, seat=seat, made_us=self._now_us, event=event
        )
        self._outbox.stand(made, self._now_us)

    def _next_copy(self, event: Event) -> int:
        self._counted[event.id] += 1
        return self._counted[event.id]

    # ------------------------------------------------------------ attempts
    def attempts(self, now_us: int, *, arrive_us: int | None = None) -> list[Attempt]:
        """Give out what is due, the earliest first. Carry each out, then say `delivered` or `failed`.

        Parameters
        ----------
        arrive_us : int, optional
            For the picture: when the event gets to the target.
        """
        self._reach(now_us)
        return [copy.to_attempt() for copy in self._outbox.attempts(now_us, arrive_us=arrive_us)]

    def deadline_us(self) -> int | None:
        """Return when an attempt becomes due next; None: never, as things stand."""
        return self._outbox.deadline_us()

    def delivered(self, now_us: int, number: int) -> None:
        """Say that the target took this attempt. For a target that is no more, nothing changes."""
        self._reach(now_us)
        self._outbox.delivered(now_us, number)

    def failed(self, now_us: int, number: int, why: str, *, again: bool = True) -> None:
        """Say that the target did not take this attempt.

        Parameters
        ----------
        why : str
            What a dead letter says.
        again : bool
            False: it never will (it was deleted, or lets nobody in), so that trying again is no use.
        """
        self._reach(now_us)
        self._outbox.failed(now_us, number, why, again=again)

    def dead_letters(self, rule: str, target: str) -> list[DeadLetter]:
        """Return what was set aside for a target, oldest first."""
        return self._seat(rule, target).letters()

    # ------------------------------------------------------------ again
    def redrive(self, now_us: int, rule: str, target: str) -> int:
        """Try the dead letters of a target again, as if they were new, and return how many.

        The service has no such verb for a bus: its dead letters lie in a queue, and somebody takes them out of there.
        """
        self._reach(now_us)
        copies = self._outbox.redrive(now_us, self._seat(rule, target))
        for copy in copies:
            self._outbox.stand(copy, now_us)
        return len(copies)

    def replay(
        self,
        now_us: int,
        name: str,
        archive: str,
        *,
        since_us: int,
        until_us: int,
        rules: Sequence[str] | None = None,
        luck: Callable[[], float] = lambda: 0.0,
    ) -> int:
        """Hand on again what an archive has of events of this time, to the rules that pick it. Return how many events.

        A replayed event carries the replay's name, is not archived again, and goes minute by minute, but within one in
        any order.

        Parameters
        ----------
        name : str
            Of this replay; each has its own.
        since_us, until_us : int
            From, and up to but not with, by the time in the event.
        rules : sequence of str, optional
            Only these rules get it; unless they are named, all do.
        luck : callable
            Draws the order within a minute: `() -> ` a number in [0, 1). Without it, the order of arrival.
        """
        self._reach(now_us)
        if archive not in self._shelves:
            raise BadParameter(f"archive = {archive!r}: {self.place} has {', '.join(self._shelves) or 'no archive'}")
        require_name("replay", name)
        if name in self._replays:
            raise Refused(f"{self.place} had a replay {name}: take another name")
        if not 0 <= since_us < until_us <= now_us:
            raise BadParameter(f"since_us = {since_us!r}, until_us = {until_us!r}: give 0 <= since < until <= now")
        chosen = [seats for rule in (self._seats if rules is None else rules) for seats in self._rule(rule)]
        self._replays.add(name)
        again = [event.replayed(name) for event in self._shelves[archive].between(since_us, until_us, luck)]
        for event in again:
            picking = {rule for rule, picks in self._matcher.verdicts(event.envelope()) if picks}
            for seat in chosen:
                if seat.rule in picking:
                    seat.books["replayed"] += 1
                    self._stand(seat, event, "replay", place=f"{self.place}/{archive}", of=event.id)
        return len(again)

    # ------------------------------------------------------------ upkeep
    def status(self) -> Status:
        """Return what there is now, and the books."""
        seats = {f"{rule}/{seat.target.name}": seat for rule, seats in self._seats.items() for seat in seats}
        return Status(
            self._taken, self._failed, self._unmatched, self._matcher.asked,
            {name: len(shelf) for name, shelf in self._shelves.items()},
            {name: seat.to_books() for name, seat in seats.items()},
        )  # fmt: skip

    def _reach(self, now_us: int) -> None:
        if now_us < self._now_us:
            raise Misuse(f"now_us = {now_us} lies before {self._now_us}: time cannot run back")
        self._now_us = now_us
        for name, shelf in self._shelves.items():
            for kept in shelf.expire(now_us):
                age_us = now_us - kept.came_us
                self.recorder.emit(
                    now_us, "expire", f"{self.place}/{name}", kept.event.id, age_us=age_us, copy=kept.copy
                )

    def _rule(self, name: str) -> tuple[Seat, ...]:
        if name not in self._seats:
            raise BadParameter(f"rule = {name!r}: {self.place} has {', '.join(self._seats) or 'no rule'}")
        return self._seats[name]

    def _seat(self, rule: str, target: str) -> Seat:
        for seat in self._rule(rule):
            if seat.name == target:
                return seat
        names = ", ".join(seat.name for seat in self._rule(rule))
        raise BadParameter(f"target = {target!r}: rule {rule} has {names or 'none'}")

    def _tell_of_copy(self, kind: str, event: Event, copy: int, *, to: str, place: str = "", **about: Any) -> None:
        self.recorder.emit(
            self._now_us, kind, place or self.place, event.id, to=to, arrive_us=self._now_us, copy=copy, **about
        )
