"""Leader election: three of us run, so that one may die; and the bill is to be sent once.

Three instances of the billing service know when a bill is due. Without an election each sends it. With one, there is a
*lease* that all of them want: a row in a table, with the name of the leader, written only by who has seen it as it is.
The leader gives a sign of life now and then; who has seen the row stand still for the length of a lease takes over, and
begins behind the last bill that is noted there. So a bill is late by up to a lease and two looks when the leader dies,
and at all times the table is asked and asked.

A bill is noted once the bank has answered; until then it is sent again. So an election does not make it go out *once*:
a leader that dies between sending and noting leaves one that its follower sends again, as it does itself when the
bank's answer is lost, and one that froze over a bill wakes up, a leader no more, and sends it all the same. Against
that helps a bank that knows the bill (idempotent consumer) or the leader's number (a fencing token: lab 17).

The table is that of lab 17, `dsys_lab.brokers.log_stream.leases`, and its sources are there. Source of the pattern:
Azure Architecture Center, "Leader Election".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from dsys_lab.brokers.log_stream.leases import Lease, LeaseTable
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Event, Machine, Simulation
from dsys_lab.structures.disk import VolatileDisk

TABLE, BANK, BILLING = "leases", "bank", "billing"
ROW: Final = "billing"
WORK_S: Final = 0.2
"""How long it takes to write a bill."""
ANSWER_S: Final = 0.3
"""How long the bank's answer is waited for."""


class Bank(Machine):
    """Takes the money for every bill that comes, as often as it comes."""

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Charge, and say so."""
        self.disk[message] = True
        self.simulation.emit("effect", self.name, message, key=message, copy=copy)
        self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)
        self.simulation.network.answer(self.name, source, message, {"type": "charged"}, copy=copy)


class Instance(Machine):
    """One of those who could send the bills."""

    def __init__(self, simulation: Simulation, name: str, *, every_s: float) -> None:
        self.every_s = every_s
        self._answers: dict[str, Event] = {}
        super().__init__(simulation, name)

    def is_due(self, number: int) -> bool:
        """Whether the moment of this bill has come."""
        return self.simulation.now_s >= number * self.every_s

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hear from the bank that a bill is charged."""
        answer = self._answers.pop(message, None)
        if answer is not None:
            answer.succeed()

    def bill(self, number: int) -> Generator[Event, Any, bool]:
        """Write a bill and send it; return whether the bank has answered."""
        yield from self.work(WORK_S)
        message = f"b{number}"
        copy = self.simulation.network.next_copy(message)
        self.simulation.emit("publish", self.name, message, attempt=1, copy=copy)
        self.simulation.network.send(self.name, BANK, message, {}, copy=copy)
        answer = self._answers[message] = self.simulation.event()
        yield answer | self.simulation.sleep(ANSWER_S)
        return answer.triggered


class Alone(Instance):
    """Knows of nobody else, and sends every bill; how far it is stands on its own disk."""

    def boot(self) -> None:
        """Go on behind the last bill that the bank has answered."""
        self.spawn(self._send())

    def _send(self) -> Body:
        while True:
            number = self.disk.get("charged", 0) + 1
            yield self.simulation.sleep(max(0.0, number * self.every_s - self.simulation.now_s))
            if (yield from self.bill(number)):
                self.disk["charged"] = number


class Candidate(Instance):
    """Sends bills while the lease is its own, and otherwise watches whether it is still alive.

    Parameters
    ----------
    host : Machine
        Where the table is.
    lease_s : float
        A row that stands still for so long is free.
    look_s, first_look_s : float
        How often it looks, and when first.
    """

    def __init__(
        self,
        simulation: Simulation,
        name: str,
        host: Machine,
        table: LeaseTable,
        *,
        every_s: float,
        lease_s: float,
        look_s: float,
        first_look_s: float,
    ) -> None:
        self.host, self.table, self.lease_s = host, table, lease_s
        self.look_s, self.first_look_s = look_s, first_look_s
        self._leads: bool | None = None
        super().__init__(simulation, name, every_s=every_s)

    def boot(self) -> None:
        """Begin to watch."""
        self.spawn(self._lead_or_watch())

    def on_crash(self) -> None:
        """Lead no more."""
        self._say(leads=False)

    def _say(self, *, leads: bool) -> None:
        """Say whether it leads, as far as it knows, if that is new."""
        if leads != self._leads:
            self._leads = leads
            self.simulation.emit("gauge", self.name, name="leads", value=int(leads), unit="leader", full=1)

    def _lead_or_watch(self) -> Body:
        seen: Lease | None = None
        since_us = self.simulation.now_us
        yield self.simulation.sleep(self.first_look_s)
        while True:
            if self.host.is_reached_by(self.name):
                row = self._look()
                if row is not None and row.owner == self.name:
                    yield from self._lead(row)
                elif row != seen or row is None:
                    seen, since_us = row, self.simulation.now_us
                    if row is None:
                        self._write(Lease(ROW).taken_by(self.name), seen=None)
                elif self.simulation.now_us - since_us >= self.lease_s * 1e6:
                    self._write(row.taken_by(self.name), seen=row)
            yield from self.work(self.look_s)  # and not a mere pause: who is frozen does not look either

    def _lead(self, row: Lease) -> Body:
        """Send the next bill if it is due, and note it once it is charged; else give a sign of life."""
        number = (row.checkpoint or 0) + 1
        is_charged = self.is_due(number) and (yield from self.bill(number))
        written = row.worked_up(number) if is_charged else row.beaten()
        if self.host.is_reached_by(self.name):
            self._write(written, seen=row)

    def _look(self) -> Lease | None:
        row = next(iter(self.table.leases()), None)
        position = row.epoch if row else 0
        self._say(leads=row is not None and row.owner == self.name)
        self.simulation.emit("look", self.name, view=TABLE, key=ROW, position=position, behind_us=0)
        return row

    def _write(self, row: Lease, *, seen: Lease | None) -> None:
        if self.table.write_if(self.simulation.now_us, row, seen=seen):
            self._say(leads=True)


@scenario("elects: {elects}")
def billed(
    sim: Simulation,
    *,
    elects: bool = True,
    instances: int = 3,
    every_s: float = 4.0,
    lease_s: float = 3.0,
    look_s: float = 0.5,
    until_s: float = 41.0,
) -> Claims:
    """A bill is due each `every_s`, and so many `instances` could send it.

    Who `elects` looks at the lease each `look_s`; it is free when it has stood still for `lease_s`. A bill that is due
    so late in the run that a new leader could not send it any more is not held against anybody.
    """
    require_positive(instances=instances, every_s=every_s, lease_s=lease_s, look_s=look_s, until_s=until_s)
    sign_s = look_s + WORK_S + ANSWER_S
    if lease_s <= sign_s:
        raise BadParameter(
            f"lease_s = {lease_s:g}, look_s = {look_s:g}: give a lease above {sign_s:g} s, or it ends between two "
            "signs of life"
        )
    names = [f"{BILLING}-{number}" for number in range(1, instances + 1)]
    if elects:
        host = Machine(sim, TABLE)
        table = LeaseTable(TABLE, VolatileDisk(), recorder=sim.recorder)
        for number, name in enumerate(names):
            Candidate(sim, name, host, table, every_s=every_s, lease_s=lease_s, look_s=look_s,
                      first_look_s=number * look_s / instances)  # fmt: skip
    else:
        for name in names:
            Alone(sim, name, every_s=every_s)
    bank = Bank(sim, BANK)
    sim.run(until_s)
    late_s = lease_s + look_s + sign_s
    due = [f"b{number}" for number in range(1, int((until_s - late_s) / every_s) + 1)]
    charged = sum(message in bank.disk for message in due)
    sim.emit("check", BANK, name="each bill that is due is charged", ok=charged == len(due), expected=len(due),
             got=charged)  # fmt: skip
    return Claims({"conservation": {}, "at most once": {}, "checks hold": {}})
