"""A guest wants to be forgotten. Three ways to do it to a log that was backed up last night.

==================  ================================================================================================
`cut out`           the guest's events are left out of a new log
`write over`        the names in the guest's events are written over, in place
`throw the key`     the names were sealed before they were written; the key is thrown away
==================  ================================================================================================

Looked at afterwards: is the name still in the bytes of the log, in those of the backup, or on the disk of a view that
followed the log, for somebody who has the ring as it is now? Does the night still fold, to the same takings? Is every
event where it was?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from dsys_lab.dataflows.event_sourcing import (
    NIGHT,
    TYPES,
    EventTypes,
    Handler,
    KeyRing,
    Night,
    Recorded,
    Takings,
    projection,
)
from dsys_lab.dataflows.event_sourcing.events import require_dense
from dsys_lab.dataflows.event_sourcing.following import change_of, opened
from dsys_lab.errors import BadParameter, DsysLabError, require_choice
from dsys_lab.scenarios.event_sourcing.world import a_house, filled
from dsys_lab.scenarios.scenario import DEFAULT_SEED
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational import Change
from dsys_lab.structures.disk import VolatileDisk


class Forgotten(NamedTuple):
    """What a way leaves behind.

    Attributes
    ----------
    way : str
    in_log, in_backup, in_view : bool
        Whether the guest's name can still be read there.
    folds : bool
        Whether the night still folds.
    same_takings : bool
    moved : int
        Events that are not where they were, or not what they were.
    """

    way: str
    in_log: bool
    in_backup: bool
    in_view: bool
    folds: bool
    same_takings: bool
    moved: int


def forgotten(way: str, *, facts: int = 60, seed: int = DEFAULT_SEED) -> Forgotten:
    """Forget the guest who booked first, in one of `WAYS`."""
    require_choice("way", way, WAYS)
    luck = stream(seed, "keys")
    ring = KeyRing(VolatileDisk(), lambda size: bytes(int(luck() * 256) for _ in range(size)))
    types = EventTypes(TYPES, seals=ring if way == "throw the key" else None)
    house = filled(a_house(types=types), facts, seed=seed)
    backup = house.store.read()
    bookings = [one for one in backup if one.written.kind == "BedBooked"]
    if not bookings:
        raise BadParameter(f"facts = {facts}: nobody has booked in so few; give more")
    booking = bookings[0]
    says = house.types.read(booking.written).says
    guest, name = str(says["guest"]), (str(says["first"]), str(says["last"]))
    before = takings(house, backup)
    view = projection(VolatileDisk(), Takings, house.store, house.types)
    view.follow()
    if way == "throw the key":
        ring.forget(guest)
    about = {one.version for one in backup if _guest(house, one) == guest}
    log = _AFTER[way](backup, about, name)
    return Forgotten(
        way,
        in_log=_can_read(house, map(change_of, log), guest, name),
        in_backup=_can_read(house, map(change_of, backup), guest, name),
        in_view=_can_read(house, (one for _, changes in view.kept() for one in changes), guest, name),
        folds=_folds(house, log),
        same_takings=takings(house, log) == before,
        moved=sum(one not in log for one in backup),
    )


def _guest(house: Handler[Night], one: Recorded) -> str:
    return str(house.types.read(one.written).says.get("guest"))


def _written_over(one: Recorded, name: tuple[str, str]) -> Recorded:
    data = one.written.data
    for part in name:
        data = data.replace(part.encode(), b"x" * len(part))
    return one._replace(written=one.written._replace(data=data))


_AFTER: Final[dict[str, Callable[[list[Recorded], set[int], tuple[str, str]], list[Recorded]]]] = {
    "cut out": lambda log, about, _: [one for one in log if one.version not in about],
    "write over": lambda log, about, name: [_written_over(one, name) if one.version in about else one for one in log],
    "throw the key": lambda log, about, name: log,
}
"""What the log is after the guest was taken out: its events, their versions, the name."""
WAYS: Final = tuple(_AFTER)


def _can_read(house: Handler[Night], kept: Iterable[Change], guest: str, name: tuple[str, str]) -> bool:
    said = [opened(one, house.types).after or {} for one in kept]
    return any(one.get("guest") == guest and (one.get("first"), one.get("last")) == name for one in said)


def _folds(house: Handler[Night], log: list[Recorded]) -> bool:
    try:
        NIGHT.fold(house.types.read(one.written) for one in require_dense("n1", 0, log))
    except DsysLabError:
        return False
    return True


def takings(house: Handler[Night], log: list[Recorded]) -> int:
    """Return what a view makes of these events."""
    view = Takings()
    for one in log:
        view.apply(opened(change_of(one), house.types))
    return view.total
