"""A name becomes a first and a last name, and the log is full of old bookings: four ways to go on, on real bytes.

Three programs read bookings: the *letters* want the first name, the *guest list* the last, the *takings* the price. The
log has bookings in the old form; on the day of the change new ones come in the new form. Each way is carried out and
counted: how many reads broke off with an error, how many gave a wrong answer without one, how many events were written
again, and how many forms of a booking the three programs know in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from dsys_lab.dataflows.event_sourcing import Event, EventLog, EventType, EventTypes, Written
from dsys_lab.dataflows.event_sourcing.night import BOOKED, named
from dsys_lab.dataflows.service import CannotRead, Version
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.event_sourcing.world import FIRST, LAST
from dsys_lab.structures.disk import VolatileDisk

OLD, NEW = BOOKED[0], BOOKED[1]
WEAK: Final = Version.of("weak", "1 bed u16, 2 guest text, 4 cents u32, 5 first text = unknown, 6 last text = unknown")
"""Reads what is there and takes defaults for what is not."""
PROGRAMS: Final = {"letters": "first", "guest list": "last", "takings": "cents"}
"""What each program wants of a booking."""
Reader = Callable[[Written], Mapping[str, Any]]


class Evolved(NamedTuple):
    """What a way comes to.

    Attributes
    ----------
    way : str
    broken, misread : int
        Reads that broke off, and reads that gave something else than what the guest had said.
    written_again : int
        Events.
    forms_known : int
        In all programs together.
    """

    way: str
    broken: int
    misread: int
    written_again: int
    forms_known: int


def _said(number: int, *, split: bool) -> dict[str, Any]:
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    names = {"first": first, "last": last} if split else {"name": f"{first} {last}"}
    return {"bed": 1 + number % 12, "guest": f"g{number}", "cents": 9_000, **names}


def a_log(old: int, new: int, *, new_kind: str = "BedBooked") -> EventLog:
    """Return a log of so many bookings in the old form, and then so many in the new one."""
    log = EventLog(VolatileDisk())
    before = EventTypes([EventType("BedBooked", (OLD,))])
    after = EventTypes([EventType(new_kind, (NEW,))])
    for number in range(old + new):
        is_old = number < old
        event = Event("BedBooked" if is_old else new_kind, _said(number, split=not is_old))
        written = (before if is_old else after).write(event)
        if not is_old and new_kind == "BedBooked":
            written = written._replace(schema=2)
        log.append("n1", [written], expected=number)
    return log


def evolved(way: str, *, old: int = 30, new: int = 10, late_programs: int = 1) -> Evolved:
    """Go on in one of `WAYS`, and let the three programs read everything.

    Parameters
    ----------
    late_programs : int
        How many of the three are not deployed anew on the day of the change, and know the old form only.
    """
    require_choice("way", way, tuple(_WAYS))
    require_positive(old=old, new=new)
    if not 0 <= late_programs <= len(PROGRAMS):
        raise BadParameter(f"late_programs = {late_programs}: give 0 to {len(PROGRAMS)} of the programs")
    log, reader, written_again, forms = _WAYS[way](old, new)
    behind = EventTypes([EventType("BedBooked", (OLD,))])
    broken = misread = 0
    for number_of, (_, wanted) in enumerate(PROGRAMS.items()):
        is_late = number_of >= len(PROGRAMS) - late_programs
        for number, recorded in enumerate(log.load("n1")):
            try:
                read = behind.read(recorded.written).says if is_late else reader(recorded.written)
                misread += read[wanted] != _said(number, split=True)[wanted]
            except CannotRead:
                broken += 1
    known = forms * (len(PROGRAMS) - late_programs) + late_programs
    return Evolved(way, broken, misread, written_again, known)


def _upcast(old: int, new: int) -> tuple[EventLog, Reader, int, int]:
    types = EventTypes([EventType("BedBooked", (OLD, NEW), (named,))])
    return a_log(old, new), lambda written: types.read(written).says, 0, 1


def _weak(old: int, new: int) -> tuple[EventLog, Reader, int, int]:
    types = EventTypes([EventType("BedBooked", (WEAK,))])
    return a_log(old, new), lambda written: types.read(written._replace(schema=1)).says, 0, 1


def _new_kind(old: int, new: int) -> tuple[EventLog, Reader, int, int]:
    types = EventTypes([EventType("BedBooked", (OLD,)), EventType("BedBooked2", (NEW,))])

    def read(written: Written) -> Mapping[str, Any]:
        says = types.read(written).says
        return says if written.kind == "BedBooked2" else named(dict(says))

    return a_log(old, new, new_kind="BedBooked2"), read, 0, len(types.types)


def _copy(old: int, new: int) -> tuple[EventLog, Reader, int, int]:
    lifting, newest = EventTypes([EventType("BedBooked", (OLD, NEW), (named,))]), EventType("BedBooked", (NEW,))
    types, copied, again = EventTypes([newest]), EventLog(VolatileDisk()), 0
    for recorded in a_log(old, new).load("n1"):
        copied.append("n1", [types.write(lifting.read(recorded.written))], expected=recorded.version - 1)
        again += 1
    return copied, lambda written: types.read(written).says, again, 1


_WAYS: Final = {"upcast": _upcast, "weak schema": _weak, "new kind": _new_kind, "copy": _copy}
WAYS: Final = tuple(_WAYS)
