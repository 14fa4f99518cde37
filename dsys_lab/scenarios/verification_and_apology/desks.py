"""The machines of a settlement: a gate with its log of promises, a desk that may crash, three parties.

Each call is a copy of its order that goes to a party and is done there, so one sees who is asked how often. Who
acts by hand when a machine cannot go on is a person, who takes some time.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.retries import RetryPolicy
from dsys_lab.dataflows.verification import (
    MEMORIES,
    Book,
    Call,
    Desk,
    Entry,
    Line,
    LogJournal,
    Party,
    Saga,
    by_hand,
    next_call,
    parties_on,
)
from dsys_lab.dataflows.verification.books import tell
from dsys_lab.dataflows.verification.desk import Forgetful
from dsys_lab.dataflows.verification.troubles import Plan
from dsys_lab.errors import MayHaveHappened, Refused
from dsys_lab.scenarios.machines import Deadlines
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.structures import VolatileDisk

GATE, DESK, PERSON = "gate", "desk", "a person"
ANSWER_WITHIN_S: Final = 1.0
WORK_S: Final = 0.15
"""How long a party takes for an act."""


class PartyHost(Machine):
    """A party on a machine of its own; its book is on disk."""

    def __init__(self, simulation: Simulation, party: Party, plan: Plan) -> None:
        self.party, self._line = party, Line(party, plan)
        self._in_hand: dict[tuple[str, int], Call] = {}
        super().__init__(simulation, party.book.place)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take a call, and do it in a moment."""
        self._in_hand[message, copy] = body["call"]
        self.spawn(self._work_on(message, copy, body["call"], source))

    def on_crash(self) -> None:
        """Drop the calls in hand; who made them hears nothing."""
        for (message, copy), call in self._in_hand.items():
            self.simulation.emit("drop", self.name, message, why=f"{self.name} crashed over the {call.verb}", copy=copy)
        self._in_hand.clear()

    def _work_on(self, message: str, copy: int, call: Call, source: str) -> Body:
        yield from self.work(WORK_S)
        del self._in_hand[message, copy]
        self._do(message, copy, call, source)

    def _do(self, message: str, copy: int, call: Call, source: str) -> None:
        simulation, before = self.simulation, len(self.party.book.entries)
        answer: dict[str, Any] = {"type": "yes", "call": call, "yes": True}
        try:
            answer["yes"] = self._line.do(simulation.now_us, call)
        except Refused:
            simulation.emit("drop", self.name, message, why=f"{call.verb}: not now", copy=copy)
            return
        except MayHaveHappened:
            answer = {}
        if len(self.party.book.entries) == before:
            simulation.emit("effect_skip", self.name, message, key=call.key, copy=copy)
            simulation.emit("duplicate", self.name, message, of=0, copy=copy)
        else:
            tell(simulation.recorder, self.name, self.party.book.entries[-1], copy=copy)
            simulation.emit("finish", self.name, message, attempt=1, copy=copy)
        if answer:
            answer["type"] = "yes" if answer["yes"] else "no"
            simulation.network.answer(self.name, source, message, answer, copy=copy)


class DeskHost(Machine):
    """The desk on its machine: a crash takes its memory and what it waits for, not its journal.

    Attributes
    ----------
    escalated_us : int or None
        When it first gave an order to a person.
    """

    escalated_us: int | None = None

    def __init__(
        self,
        simulation: Simulation,
        parties: dict[str, PartyHost],
        *,
        memory: str,
        patience: RetryPolicy,
        deadline_s: float | None,
        person_s: float,
    ) -> None:
        self.parties, self.patience, self.deadline_s, self.person_s = parties, patience, deadline_s, person_s
        self.keyed, self.journaled = MEMORIES[memory]
        self.promises = Book("promises", VolatileDisk())
        self._device = VolatileDisk()
        self._deadlines = Deadlines(simulation, self._work)
        self._asked: dict[Call, int] = {}
        super().__init__(simulation, DESK)

    @property
    def settled(self) -> int:
        """How many promises are settled, as far as the desk knows."""
        status = self.desk.status()
        return status.kept + status.apologised

    def promise(self, order: str) -> None:
        """Write a promise down at the gate, and let the desk read on, if it is there."""
        simulation = self.simulation
        simulation.emit("publish", GATE, order, attempt=1)
        simulation.emit("accept", GATE, order, order=order)
        self.promises.write(Entry("promise", order, simulation.now_us))
        self._read_on()

    def boot(self) -> None:
        """Begin where the journal ends."""
        self._journal = LogJournal(self._device) if self.journaled else Forgetful()
        self.desk = Desk(DESK, self._journal, patience=self.patience, deadline_s=self.deadline_s,
                         recorder=self.simulation.recorder)  # fmt: skip
        self._asked = {}
        for saga in self.desk.owned():
            self._call_person(saga)
        self._read_on()

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Take an answer in."""
        call = body["call"]
        if self._asked.pop(call, None) is not None:
            saga = self.desk.answer(self.simulation.now_us, call, body["yes"])
            self._went_on(saga)
            self._hand_over(saga)
        self._work()

    def _read_on(self) -> None:
        if self.up:
            now_us, entries = self.simulation.now_us, self.promises.entries
            for number in range(self.desk.position, len(entries)):
                order, promised_us = entries[number].order, entries[number].at_us
                self.simulation.emit("push", GATE, order, to=DESK, attempt=1, arrive_us=now_us)
                self.desk.take_in(now_us, number, order, promised_us)
                self.simulation.emit("wait", DESK, order, attempt=1, phase="accepted", until_us=now_us)
            self._work()

    def _work(self) -> None:
        """Make every call that is due."""
        if not self.up:
            return
        while (call := self.desk.begin(self.simulation.now_us)) is not None:
            self._make(call)
        self._deadlines.wait_for(self.desk.deadline_us())

    def _make(self, call: Call) -> None:
        simulation, network = self.simulation, self.simulation.network
        copy = self._asked[call] = network.next_copy(call.order) or network.next_copy(call.order)
        simulation.emit("publish", DESK, call.order, attempt=self.desk.saga(call.order).tries + 1, copy=copy)
        network.send(DESK, call.party, call.order, {"type": call.verb, "call": call}, copy=copy)
        desk = self.desk

        def give_up() -> None:
            if self.up and self.desk is desk and self._asked.get(call) == copy:
                del self._asked[call]
                chance = simulation.stream("desk/pauses")()
                self._hand_over(desk.fail(simulation.now_us, call, "no answer", chance=chance))
                self._work()

        simulation.after(ANSWER_WITHIN_S, give_up)

    def _hand_over(self, saga: Saga) -> None:
        """Call a person, if it is theirs from now on."""
        if saga.owner:
            self.escalated_us = self.escalated_us or self.simulation.now_us
            self._call_person(saga)

    def _call_person(self, saga: Saga) -> None:
        simulation, desk = self.simulation, self.desk

        def act() -> None:
            if self.up and self.desk is desk and desk.saga(saga.order).owner:
                parties = {name: host.party for name, host in self.parties.items()}
                call = next_call(desk.saga(saga.order))
                assert call is not None
                if not self.parties[call.party].up:
                    simulation.after(self.person_s, act)
                    return
                before = len(parties[call.party].book.entries)
                settled = by_hand(desk, parties, simulation.now_us, saga.order)
                simulation.emit("note", PERSON, text=f"{PERSON} does the {call.verb} of {saga.order} by hand")
                for entry in parties[call.party].book.entries[before:]:
                    tell(simulation.recorder, call.party, entry)
                self._went_on(settled)
                self._hand_over(settled)
                self._work()

        simulation.after(self.person_s, act)

    def _went_on(self, saga: Saga) -> None:
        """Say where an order stands now, how much is noted of all, and let go of what is settled."""
        simulation, order = self.simulation, saga.order
        noted = {"noted": self._journal.written}
        if saga.state == "kept":
            simulation.emit("finish", DESK, order, attempt=1, **noted)
        elif saga.state == "apologised":
            simulation.emit("reject", DESK, order, why="paid back, with an apology", **noted)
        else:
            simulation.emit("wait", DESK, order, attempt=1, phase=saga.state, until_us=simulation.now_us, **noted)


def hosts_of(simulation: Simulation, *, pillows: int, keyed: bool, plan: Plan) -> dict[str, PartyHost]:
    """Return the three parties, each on its machine."""
    parties = parties_on(VolatileDisk(), pillows=pillows, keyed=keyed)
    return {name: PartyHost(simulation, party, plan) for name, party in parties.items()}
