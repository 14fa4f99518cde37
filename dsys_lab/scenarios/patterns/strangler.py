"""Strangler fig: is an old system replaced in one night, or piece by piece behind a front?

The old system does four things, and nobody dares to touch it. A new one is ready, a service for each of the four. What
the old one keeps must be carried over, and while a piece of it is carried nobody may write to it, so its callers are
told to come again later.

All at once: the whole is shut, all of it carried over, and all callers are told the new addresses. Piece by piece: a
*front* stands between, and knows for each piece who has it now; the next piece goes when the last has been looked at
for a while. One of the new services has a fault that no test had found. It is noticed, and what has come there goes
back: the one piece, or all of them, for an old system that does three quarters of its work was not in the plan.

By law, with K pieces of c seconds each and λ calls a second, a move all at once refuses λ K c calls; one by one only
the callers of the piece that is on its way are refused, a K-th of them at a time: λ c.

Left out: pieces that share data, which is what makes it hard (both systems then write, or one reads the other's by
change capture: lab 23); callers who try again; and the day on which the front itself is taken away.

Sources: Fowler, "Strangler Fig Application", 2004 and 2024; Newman, *Building Microservices*, second edition, 2021,
ch. 3; Azure Architecture Center, "Strangler Fig".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from dsys_lab.errors import require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.arrivals import at_random
from dsys_lab.scenarios.machines import wake
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Body, Machine, Simulation
from dsys_lab.simulation.chance import Stream
from dsys_lab.trace import Trace

WAYS: Final = ("all at once", "piece by piece")
PIECES: Final = ("nights", "friends", "shop", "coach")
PHONES, FRONT, OLD = "phones", "front", "old"
FAULTY: Final = "shop"
"""The piece whose new service fails one call in `FAILS_EACH`."""
FAILS_EACH: Final = 3
REFUSED: Final = "its data is being carried over: come again later"
FAILED: Final = "an error in the new program"


class Host(Machine):
    """A machine whose return can be waited for.

    Attributes
    ----------
    back : Event
        Whoever waits for it waits for the event that stands here now.
    """

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self.back = simulation.event()

    def boot(self) -> None:
        """Tell who waits."""
        self.back = wake(self.simulation, self.back)


class Keeper(Host):
    """A system that does some of the pieces: counts, for each, what it was told."""

    def __init__(self, simulation: Simulation, name: str, *, faulty: bool = False) -> None:
        super().__init__(simulation, name)
        self.faulty = faulty
        self.disk |= {"calls": 0, "done": 0}

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Do what is asked, or fail."""
        self.disk["calls"] += 1
        if self.faulty and self.disk["calls"] % FAILS_EACH == 0:
            self.simulation.emit("reject", self.name, message, why=FAILED, copy=copy)
            return
        piece = body["piece"]
        self.disk["done"] += 1
        self.disk[piece] = self.disk.get(piece, 0) + 1
        self.simulation.emit("effect", self.name, message, key=piece, copy=copy)
        self.simulation.emit("finish", self.name, message, attempt=1, copy=copy)


class Router(Host):
    """Knows who has each piece now: the front, or, without one, every phone."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        super().__init__(simulation, name)
        self.disk |= dict.fromkeys(PIECES, OLD)

    def on_message(self, message: str, copy: int, body: dict[str, Any], source: str) -> None:
        """Send a call on to whoever has its piece; while that is being carried, to nobody."""
        has_it = self.disk[body["piece"]]
        if has_it is None:
            self.simulation.emit("reject", self.name, message, why=REFUSED, copy=copy)
        else:
            self.simulation.network.send(self.name, has_it, message, body, copy=copy)


class Mover:
    """Carries pieces from one system to another, and tells the router; while one of them is down it waits."""

    def __init__(self, simulation: Simulation, router: Router, keepers: dict[str, Keeper], *, carry_s: float) -> None:
        self.simulation, self.router, self.keepers, self.carry_s = simulation, router, keepers, carry_s
        self.tell_old()

    def tell_old(self) -> None:
        """Say how many pieces the old system still has."""
        left = sum(self.router.disk[piece] == OLD for piece in PIECES)
        self.simulation.emit("gauge", OLD, name="pieces", value=left, unit="pieces", full=len(PIECES))

    def carry(self, pieces: Sequence[str], to: Callable[[str], str]) -> Body:
        """Shut these pieces, carry what is kept of them, and open them at their new place."""
        keepers, places = self.keepers, {piece: self.router.disk[piece] for piece in pieces}
        yield from self._all_up(self.router)
        self.router.disk |= dict.fromkeys(pieces)
        self.tell_old()
        yield self.simulation.sleep(self.carry_s * len(pieces))
        names = {*places.values(), *map(to, pieces)}
        yield from self._all_up(self.router, *(keepers[name] for name in sorted(names)))
        for piece in pieces:
            kept = keepers[places[piece]].disk.pop(piece, 0)
            keepers[to(piece)].disk[piece] = keepers[to(piece)].disk.get(piece, 0) + kept
            self.router.disk[piece] = to(piece)
            text = f"{piece} are at {to(piece)} now" if piece.endswith("s") else f"{piece} is at {to(piece)} now"
            self.simulation.emit("note", self.router.name, text=text)
        self.tell_old()

    def _all_up(self, *hosts: Host) -> Body:
        while down := next((host for host in hosts if not host.up), None):
            yield down.back


@scenario("replaced {way}")
def replaced(
    sim: Simulation,
    *,
    way: str = "piece by piece",
    faulty: bool = True,
    carry_s: float = 2.0,
    looks_s: float = 6.0,
    rate: float = 6.0,
    from_s: float = 5.0,
    until_s: float = 60.0,
) -> Claims:
    """Replace the old system from `from_s` on; `carry_s` for each piece, which is then looked at for `looks_s`.

    A fault of the new service for `FAULTY` is noticed at the end of its look, and what was moved with it goes back. A
    piece that is carried in less time than a call is on its way leaves that call's data behind, and a check says so.
    """
    require_choice("way", way, WAYS)
    require_positive(carry_s=carry_s, looks_s=looks_s, rate=rate, until_s=until_s)
    require_not_negative(from_s=from_s)
    has_front = way == WAYS[1]
    router = Router(sim, FRONT if has_front else PHONES)
    phones = Machine(sim, PHONES) if has_front else router
    keepers = {OLD: Keeper(sim, OLD)}
    keepers |= {new(piece): Keeper(sim, new(piece), faulty=faulty and piece == FAULTY) for piece in PIECES}

    def call(number: int, chance: Stream) -> None:
        message, body = f"c{number}", {"piece": PIECES[int(chance() * len(PIECES))]}
        sim.emit("publish", PHONES, message, attempt=1, piece=body["piece"])
        if has_front:
            sim.network.send(PHONES, FRONT, message, body)
        else:
            router.on_message(message, 0, body, PHONES)

    def move() -> Body:
        mover = Mover(sim, router, keepers, carry_s=carry_s)
        yield sim.sleep(from_s)
        for pieces in [(piece,) for piece in PIECES] if has_front else [PIECES]:
            yield from mover.carry(pieces, new)
            yield sim.sleep(looks_s)
            if faulty and FAULTY in pieces:
                yield from mover.carry(pieces, lambda _: OLD)

    sim.spawn(at_random(sim, f"{PHONES}/calls", rate=rate, until_s=until_s, comes=call, source=phones))
    sim.spawn(move())
    sim.run()
    done = sum(keeper.disk["done"] for keeper in keepers.values())
    kept = sum(keeper.disk.get(piece, 0) for piece in PIECES for name, keeper in keepers.items()
               if router.disk[piece] in (name, None))  # fmt: skip  # None: it is shut, for its move is not over
    sim.emit("check", OLD, name="all that was done is kept where its callers are led", ok=done == kept, expected=done,
             got=kept)  # fmt: skip
    return Claims({"conservation": {}, "nothing lost": {}, "checks hold": {}})


def new(piece: str) -> str:
    """Return the name of the new service for a piece."""
    return f"new/{piece}"


# ------------------------------------------------------------------------------------------ what it came to
def turned_away(trace: Trace) -> dict[str, int]:
    """Return how many calls were told to come again, and how many met the fault."""
    whys = [row.fields["why"] for row in trace.of("reject")]
    return {"told to come again": whys.count(REFUSED), "failed": whys.count(FAILED)}
