"""Deployment stamps: one big service for all users, or several small ones, each whole, each for some of the users?

A *stamp* has everything: its own machine, its own data. A user belongs to one, by a hash of the name. What strikes a
stamp, a crash or a bad release, strikes its users and nobody else. What it costs: the stamps do not get equal parts, so
the fullest decides how large all must be; nobody else can serve the users of a stamp that is down; a question about all
users is asked at each of them, and its answer lacks those of a stamp that is down. And somebody stands in front of all
stamps and knows who belongs where: what strikes the router strikes everybody.

*Geodes* are the same with the data everywhere: then any of them can serve any user, and copies must agree
(`dsys_lab.scenarios.key_value`).

Sources: Azure Architecture Center, "Deployment Stamps" and "Geodes".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Stream
from dsys_lab.trace import Trace

USERS, ROUTER = "users", "router"
STAMPS_MAX: Final = 8
SHARE: Final = 0.5
"""The largest share of the users whom one accident may hit."""
QUESTION: Final = "how many slept well"


def stamp_of(user: str, stamps: int) -> str:
    """Return the stamp of a user: the same for ever, and for everybody who asks."""
    return f"stamp-{int(hashlib.sha256(user.encode()).hexdigest(), 16) % stamps + 1}"


class Stamp(Machine):
    """A service that is whole: it answers for its users, out of its own data."""

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Write a night down, or answer a question about all of them."""
        if body["type"] == "question":
            self.simulation.emit("look", self.name, message, view=self.name, key=QUESTION, position=0, behind_us=0)
            self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)
            return
        self.disk[body["user"]] = self.disk.get(body["user"], 0) + 1
        self.simulation.emit("effect", self.name, message, key=message, user=body["user"])
        self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)


class Users(Machine):
    """Those who have a night to write down, or a question about all of them."""

    def send(self, message: str, body: dict[str, Any]) -> None:
        """Send it to the router, and take no for an answer where there is none."""
        simulation, user = self.simulation, {key: body[key] for key in body if key == "user"}
        simulation.emit("publish", self.name, message, attempt=1, **user)
        if simulation.machines[ROUTER].is_reached_by(self.name):
            simulation.network.send(self.name, ROUTER, message, body)
        else:
            simulation.emit("reject", self.name, message, why="the router is down", **user)


class Router(Machine):
    """Knows who belongs where, and tells a user whose stamp is down no."""

    def __init__(self, simulation: Simulation, stamps: int) -> None:
        super().__init__(simulation, ROUTER)
        self.stamps = stamps

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Hand a night to its user's stamp, and a question to each."""
        simulation = self.simulation
        if body["type"] == "night":
            self._hand_on(message, stamp_of(body["user"], self.stamps), body, copy=copy, user=body["user"])
            return
        for stamp in range(1, self.stamps + 1):
            to = f"stamp-{stamp}"
            one = simulation.network.next_copy(f"{message}/{to}")
            simulation.emit("publish", self.name, f"{message}/{to}", attempt=1, copy=one)
            self._hand_on(f"{message}/{to}", to, body, copy=one)
        simulation.emit("fan_out", self.name, message, copies=self.stamps, copy=copy)

    def _hand_on(self, message: str, to: str, body: dict[str, Any], *, copy: int, **user: str) -> None:
        simulation = self.simulation
        if simulation.machines[to].is_reached_by(self.name):
            simulation.network.send(self.name, to, message, body, copy=copy)
        else:
            simulation.emit("reject", self.name, message, why=f"{to} is down", copy=copy, **user)


@scenario("{stamps} stamps")
def stamps(
    sim: Simulation,
    *,
    stamps: int = 4,
    users: int = 60,
    nights_per_s: float = 20.0,
    asks_every_s: float = 10.0,
    until_s: float = 40.0,
) -> Claims:
    """Nights of `users` come in; now and then somebody asks about all users. `stamps=1` is one service for all."""
    if not 1 <= stamps <= STAMPS_MAX:
        raise BadParameter(f"stamps = {stamps!r}: give 1, one service for all, to {STAMPS_MAX}")
    require_positive(users=users, nights_per_s=nights_per_s, asks_every_s=asks_every_s, until_s=until_s)
    asking = Users(sim, USERS)
    Router(sim, stamps)
    for number in range(1, stamps + 1):
        Stamp(sim, f"stamp-{number}")

    def come(number: int, chance: Stream) -> None:
        asking.send(f"n{number}", {"type": "night", "user": f"user-{int(chance() * users) + 1}"})

    def ask() -> Body:
        for number in range(1, int(until_s / asks_every_s)):
            yield sim.sleep(asks_every_s)
            if asking.up:
                asking.send(f"q{number}", {"type": "question"})

    sim.spawn(at_random(sim, "users/nights", rate=nights_per_s, until_s=until_s, comes=come, source=asking))
    sim.spawn(ask())
    sim.run()
    return Claims({"conservation": {}, "hit at most": {"share": SHARE}})


# ------------------------------------------------------------------------------------------ what it came to
def users_hit(trace: Trace) -> int:
    """Return how many users were told no, or lost a night."""
    of = {row.message: row.fields["user"] for row in trace.of("publish") if "user" in row.fields}
    return len({of[row.message] for row in trace.of("reject", "lost") if row.message in of})


def fullest_share(trace: Trace) -> float:
    """Return how many users the fullest stamp has, against an equal part: as large must every stamp be."""
    params = trace.header.params
    parts = Counter(stamp_of(f"user-{number}", params["stamps"]) for number in range(1, params["users"] + 1))
    return max(parts.values()) * params["stamps"] / params["users"]


def asked(trace: Trace) -> int:
    """Return how many machines had to be asked for the questions about all users, whether or not they answered."""
    return sum(row.place == ROUTER for row in trace.of("publish"))
