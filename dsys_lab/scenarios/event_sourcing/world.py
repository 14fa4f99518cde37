"""Guests of Slumber's house, and what they ask for, one after the other, drawn from what the house looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dsys_lab.dataflows.event_sourcing import (
    NIGHT,
    TYPES,
    Book,
    Cancel,
    EventLog,
    EventTypes,
    Handler,
    Hold,
    Night,
    Open,
    Release,
)
from dsys_lab.errors import BadParameter
from dsys_lab.simulation.chance import stream
from dsys_lab.structures.disk import VolatileDisk

BEDS: Final = 12
PRICES: Final = (7_000, 9_000, 12_000)
FIRST: Final = ("Ada", "Ben", "Cleo", "Dana", "Emil", "Fay", "Gil", "Hana")
LAST: Final = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Oak", "Pine", "Yew")
FACTS_MOST: Final = 20_000
SHORT: Final = {
    "NightOpened": "open", "BedHeld": "held", "BedBooked": "booked", "BedReleased": "released",
    "BookingCancelled": "cancelled",
}  # fmt: skip
"""What a picture calls each kind of fact, where there is little room."""

Command = Hold | Book | Release | Cancel


def asked(night: Night, luck: Callable[[], float], number: int) -> Command:
    """Return what the next guest asks for, seeing this night; it is never anything that the rules forbid."""
    free = [bed for bed in range(1, night.beds + 1) if bed not in night.taken]
    if free and (not night.taken or luck() < 0.45):
        return Hold(free[int(luck() * len(free))], f"g{number}")
    bed = sorted(night.taken)[int(luck() * len(night.taken))]
    guest, cents = night.taken[bed]
    if cents is not None:
        return Cancel(bed, guest)
    if luck() < 0.2:
        return Release(bed, guest)
    first, last = FIRST[int(luck() * len(FIRST))], LAST[int(luck() * len(LAST))]
    return Book(bed, guest, first, last, PRICES[int(luck() * len(PRICES))])


def a_house(*, types: EventTypes | None = None, beds: int = BEDS, night: str = "n1") -> Handler[Night]:
    """Return a handler of an empty log, with one night open."""
    handler = Handler(EventLog(VolatileDisk()), types or EventTypes(TYPES), NIGHT)
    handler.handle(night, Open(beds))
    return handler


def filled(handler: Handler[Night], facts: int, *, seed: int, night: str = "n1") -> Handler[Night]:
    """Let guests come until the night has so many facts."""
    if not 1 <= facts <= FACTS_MOST:
        raise BadParameter(f"facts = {facts}: give 1 to {FACTS_MOST:,}")
    luck, folded = stream(seed, f"guests/{night}"), handler.load(night)
    while folded.version < facts:
        handler.decide_on(night, folded, asked(folded.state, luck, folded.version))
        handler.catch_up(night, folded)
    return handler
