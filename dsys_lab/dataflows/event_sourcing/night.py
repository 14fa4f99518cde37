"""A night in Slumber's house, as facts: beds are held, booked, given back.

One stream a night. The rules are those of any seat: a bed is held for one guest, who may book it or let it go; who
booked may cancel, and gets nine tenths of the money back. Nothing here reads a clock or a store.

::

    free --Hold--> held --Book--> booked
     ^              |               |
     '--- Release --'--- Cancel ----'        (NightOpened comes first, and says how many beds there are)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from dsys_lab.dataflows.event_sourcing.deciding import Decider, require
from dsys_lab.dataflows.event_sourcing.events import Event
from dsys_lab.dataflows.event_sourcing.schema import EventType
from dsys_lab.dataflows.service.versions import Version
from dsys_lab.errors import BadParameter

KEPT_OF_REFUND: Final = 10
"""One part in so many is not given back."""


# ------------------------------------------------------------ commands: what is asked
class Open(NamedTuple):
    """Let a night be booked."""

    beds: int


class Hold(NamedTuple):
    """Keep a bed for a guest who is still thinking."""

    bed: int
    guest: str


class Book(NamedTuple):
    """Book the bed that is held."""

    bed: int
    guest: str
    first: str
    last: str
    cents: int


class Release(NamedTuple):
    """Let a held bed go."""

    bed: int
    guest: str


class Cancel(NamedTuple):
    """Give a booked bed back."""

    bed: int
    guest: str


Command = Open | Hold | Book | Release | Cancel


# ------------------------------------------------------------ the state: what the facts come to
class Taken(NamedTuple):
    """Who has a bed, and what was paid; None while it is only held."""

    guest: str
    cents: int | None = None


class Night(NamedTuple):
    """How many beds there are, and who has which."""

    beds: int = 0
    taken: Mapping[int, Taken] = {}

    @property
    def free(self) -> int:
        """How many beds nobody has."""
        return self.beds - len(self.taken)


# ------------------------------------------------------------ decide
def decide(night: Night, command: Command) -> Sequence[Event]:
    """Return what a command comes to, or refuse it."""
    if type(command) not in _DECIDE:
        raise BadParameter(f"{command!r} is no command: give one of {', '.join(one.__name__ for one in _DECIDE)}")
    return _DECIDE[type(command)](night, command)


def _open(night: Night, command: Open) -> Sequence[Event]:
    require(night.beds == 0, f"the night is open already, with {night.beds} beds")
    require(command.beds > 0, f"a night of {command.beds} beds: give 1 or more")
    return [Event("NightOpened", {"beds": command.beds})]


def _hold(night: Night, command: Hold) -> Sequence[Event]:
    require(1 <= command.bed <= night.beds, f"there is no bed {command.bed}: this night has {night.beds}")
    require(command.bed not in night.taken, f"bed {command.bed} is taken")
    return [Event("BedHeld", {"bed": command.bed, "guest": command.guest})]


def _book(night: Night, command: Book) -> Sequence[Event]:
    held = night.taken.get(command.bed)
    require(held == Taken(command.guest), f"bed {command.bed} is not held for {command.guest}")
    return [Event("BedBooked", {**command._asdict(), "currency": "EUR"})]


def _release(night: Night, command: Release) -> Sequence[Event]:
    held = night.taken.get(command.bed)
    require(held == Taken(command.guest), f"bed {command.bed} is not held for {command.guest}")
    return [Event("BedReleased", {"bed": command.bed, "guest": command.guest})]


def _cancel(night: Night, command: Cancel) -> Sequence[Event]:
    booked = night.taken.get(command.bed, Taken(""))
    cents = booked.cents
    require(booked.guest == command.guest and cents is not None, f"bed {command.bed} is not booked by {command.guest}")
    assert cents is not None
    refund = cents - cents // KEPT_OF_REFUND
    return [Event("BookingCancelled", {"bed": command.bed, "guest": command.guest, "refund_cents": refund})]


_DECIDE: Final[dict[type, Callable[[Night, Any], Sequence[Event]]]] = {
    Open: _open, Hold: _hold, Book: _book, Release: _release, Cancel: _cancel,
}  # fmt: skip


# ------------------------------------------------------------ evolve
def evolve(night: Night, event: Event) -> Night:
    """Return the night after a fact; a kind that says nothing about beds changes nothing."""
    says: Mapping[str, Any] = event.says
    match event.kind:
        case "NightOpened":
            return Night(says["beds"], night.taken)
        case "BedHeld":
            return night._replace(taken={**night.taken, says["bed"]: Taken(says["guest"])})
        case "BedBooked":
            return night._replace(taken={**night.taken, says["bed"]: Taken(says["guest"], says["cents"])})
        case "BedReleased" | "BookingCancelled":
            return night._replace(taken={bed: one for bed, one in night.taken.items() if bed != says["bed"]})
    return night


def tells(command: Command) -> str:
    """Return what tells a command from another; the guest's name is left out, for it can be forgotten."""
    return repr(command._replace(first="", last="") if isinstance(command, Book) else command)


NIGHT: Final = Decider(
    "night",
    Night(),
    decide,
    evolve,
    pack=lambda night: [night.beds, [[bed, *one] for bed, one in night.taken.items()]],
    unpack=lambda packed: Night(packed[0], {bed: Taken(*one) for bed, *one in packed[1]}),
    tells=tells,
)
"""Both functions, and an empty house."""


# ------------------------------------------------------------ the bytes, in all forms that there were
def named(said: dict[str, Any]) -> dict[str, Any]:
    """Lift a booking from schema 1 to 2: one name becomes two, cut at the first blank."""
    first, _, last = said["name"].partition(" ")
    return {**{field: value for field, value in said.items() if field != "name"}, "first": first, "last": last}


def in_euros(said: dict[str, Any]) -> dict[str, Any]:
    """Lift a booking from schema 2 to 3: until then all prices were in euros."""
    return {**said, "currency": "EUR"}


BOOKED: Final = (
    Version.of("BedBooked 1", "1 bed u16, 2 guest text, 3 name text, 4 cents u32"),
    Version.of("BedBooked 2", "1 bed u16, 2 guest text, 4 cents u32, 5 first text, 6 last text"),
    Version.of("BedBooked 3", "1 bed u16, 2 guest text, 4 cents u32, 5 first text, 6 last text, 7 currency text"),
)
"""What a booking says, in its three schemas."""
_BED: Final = "1 bed u16, 2 guest text"
TYPES: Final = (
    EventType("NightOpened", (Version.of("NightOpened 1", "1 beds u16"),)),
    EventType("BedHeld", (Version.of("BedHeld 1", _BED),)),
    EventType("BedBooked", BOOKED, (named, in_euros), about="guest", personal=("name", "first", "last")),
    EventType("BedReleased", (Version.of("BedReleased 1", _BED),)),
    EventType("BookingCancelled", (Version.of("BookingCancelled 1", f"{_BED}, 3 refund_cents u32"),)),
)
"""The kinds of events of a night."""
