"""Deployment stamps: one big service for all users, or several small ones, each whole, each for some of the users?

A *stamp* has everything: its own machine, its own data. A user belongs to one, by a hash of the name. What strikes a
stamp, a crash or a bad release, strikes its users and nobody else. What it costs: the stamps do not get equal parts, so
the fullest decides how large all must be; nobody else can serve the users of a stamp that is down; and a question about
all users is asked at each of them.

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

ROUTER: Final = "router"
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


class Router(Machine):
    """Knows who belongs where, and tells a user whose stamp is down no."""

    def __init__(self, simulation: Simulation, stamps: int) -> None:
        super().__init__(simulation, ROUTER)
        self.stamps = stamps

    def route(self, message: str, user: str) -> None:
        """Hand a night to its user's stamp."""
        simulation, to = self.simulation, stamp_of(user, self.stamps)
        simulation.emit("publish", self.name, message, attempt=1, user=user)
        if simulation.machines[to].is_reached_by(self.name):
            simulation.network.send(self.name, to, message, {"type": "night", "user": user})
        else:
            simulation.emit("reject", self.name, message, why=f"{to} is down, and has all data of {user}", user=user)

    def ask_all(self, number: int) -> None:
        """Ask each stamp a question about all users."""
        for stamp in range(1, self.stamps + 1):
            self.simulation.emit("publish", self.name, f"q{number}", attempt=1, copy=stamp)
            self.simulation.network.send(self.name, f"stamp-{stamp}", f"q{number}", {"type": "question"}, copy=stamp)


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
    router = Router(sim, stamps)
    for number in range(1, stamps + 1):
        Stamp(sim, f"stamp-{number}")

    def come(number: int, chance: Stream) -> None:
        router.route(f"n{number}", f"user-{int(chance() * users) + 1}")

    def ask() -> Body:
        for number in range(1, int(until_s / asks_every_s)):
            yield sim.sleep(asks_every_s)
            router.ask_all(number)

    sim.spawn(at_random(sim, "users/nights", rate=nights_per_s, until_s=until_s, comes=come))
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
    """Return how many machines were asked for the questions about all users."""
    return len(trace.of("look"))
