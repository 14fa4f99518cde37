"""A column is renamed at noon. Who is broken, and until when? Each style is asked, by everybody, with real bytes.

Ten consumers need the nights. Each knows the number of the person and some of the other fields, drawn by luck, and is
written for v1. At noon the producer moves: `hours_sleep` is gone, and another field stands in its place.

- *shared database*: the table is migrated, and each consumer runs its own query again;
- *service*: the newest version is v2, and each consumer calls once more in the words of v1, with a mapper or without;
- *broker*: the log holds nights of both versions, and consumers of both read all that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Settings
from dsys_lab.dataflows.service import (
    CannotRead,
    Contract,
    Field,
    Request,
    Service,
    Version,
    decode,
    encode,
)
from dsys_lab.dataflows.service.shared_database import SharedTable, TableReader
from dsys_lab.dataflows.service.versions import Record
from dsys_lab.errors import require_choice, require_positive
from dsys_lab.simulation.chance import stream
from dsys_lab.structures import VolatileDisk
from dsys_lab.structures.schema import Value

STYLES: Final = ("shared database", "service", "broker")
CHANGES: Final = ("breaking", "additive")
BEFORE: Final = Version.of("v1", "1 person u32, 2 hours_sleep f64, 3 awakenings u8, 4 city text")
_MINUTES: Final = Field(5, "sleep_minutes", "u16")
AFTER: Final = {
    "breaking": Version("v2", (*(one for one in BEFORE.fields if one.name != "hours_sleep"), _MINUTES)),
    "additive": Version("v1", (*BEFORE.fields, replace(_MINUTES, default=0))),
}
"""The two ways to bring minutes in: in place of the hours, or beside them; what is only added needs no new name."""
NIGHT: Final[dict[str, Value]] = {"person": 17, "hours_sleep": 7.25, "awakenings": 2, "city": "Oslo"}
OTHER_FIELDS: Final = ("hours_sleep", "awakenings", "city")


@dataclass(frozen=True, slots=True)
class RenameCounted:
    """What a change came to.

    Attributes
    ----------
    readers : tuple of tuple of str
        The fields that each consumer knows.
    broken : tuple of int
        Which of them, by number from 0, failed at their first operation after noon.
    operations, failed : int
        What was tried after noon.
    why : str
        The first error, or "".
    """

    readers: tuple[tuple[str, ...], ...]
    broken: tuple[int, ...]
    operations: int
    failed: int
    why: str


def fields_known(readers: int, seed: int = 1) -> tuple[tuple[str, ...], ...]:
    """Return the fields that each consumer knows: the person, and each other one at the toss of a coin."""
    require_positive(readers=readers)
    luck = stream(seed, "fields")
    return tuple(("person", *(name for name in OTHER_FIELDS if luck() < 0.5)) for _ in range(readers))


def renamed(
    style: str = "shared database", *, readers: int = 10, change: str = "breaking", mapper: bool = True, seed: int = 1
) -> RenameCounted:
    """Rename the column, and let each consumer go on as it was written.

    Parameters
    ----------
    change : str
        "breaking": minutes in place of hours; "additive": minutes beside them.
    mapper : bool
        Whether a service still understands v1.
    """
    require_choice("style", style, STYLES)
    require_choice("change", change, CHANGES)
    known, after = fields_known(readers, seed), AFTER[change]
    errors = {
        "shared database": lambda: _read_table(known, after),
        "service": lambda: _call_service(known, after, mapper=mapper),
        "broker": lambda: _read_log(known, after),
    }[style]()
    failed = [why for why in errors if why]
    broken = tuple(number for number, why in enumerate(errors) if why)
    return RenameCounted(known, broken, len(errors), len(failed), failed[0] if failed else "")


def to_minutes(after: Version, night: Record) -> dict[str, Value]:
    """Say a night of v1 in the words of v2."""
    hours = night["hours_sleep"]
    assert isinstance(hours, float)
    said = {**night, "sleep_minutes": round(hours * 60)}
    return {field.name: said[field.name] for field in after.fields}


def _read_table(known: Sequence[Sequence[str]], after: Version) -> list[str]:
    table = SharedTable(BEFORE)
    table.write(NIGHT)
    consumers = [TableReader(table, f"reader {number}", fields) for number, fields in enumerate(known)]
    for consumer in consumers:
        consumer.poll()
    table.migrate(after, lambda night: to_minutes(after, night))
    table.write(to_minutes(after, NIGHT))
    return [_error(consumer.poll) for consumer in consumers]


def _call_service(known: Sequence[Sequence[str]], after: Version, *, mapper: bool) -> list[str]:
    """Let each consumer call in the words of v1."""
    older = {BEFORE: lambda night: to_minutes(after, night)} if mapper and after.name != BEFORE.name else {}
    service = Service("nights", contract=Contract(after, older), queue_max=len(known) + 1)
    told = [service.receive(0, Request(f"n{number}", "v1", encode(BEFORE, NIGHT))) for number in range(len(known))]
    return ["" if reply is None else reply.said for reply in told]


def _read_log(known: Sequence[Sequence[str]], after: Version) -> list[str]:
    """Let each consumer, written for v1 with the fields that it knows, read the nights of after noon."""
    log = LogStream("log", VolatileDisk(), Settings(limits=None))
    log.put(0, Entry("n1", "17", encode(after, to_minutes(after, NIGHT))))
    page = log.read(0, log.iterator(0, "shard-000", "TRIM_HORIZON"))
    assert isinstance(page, Page)
    data = page.records[0].data
    written_for = [Version("v1", tuple(BEFORE.field(name) for name in fields)) for fields in known]
    return [_error(partial(decode, version, data)) for version in written_for]


def _error(act: Callable[[], object]) -> str:
    try:
        act()
    except CannotRead as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a consumer that knows only v2 finds when it reads a log from its beginning, some time after noon.

    Attributes
    ----------
    after_s : float
        Since noon.
    kept, undecodable : int
        Records that the log still has, and those of them that the consumer cannot read.
    """

    after_s: float
    kept: int
    undecodable: int


def replays(*, retention_s: float = 600.0, every_s: float = 60.0, until_s: float = 900.0) -> list[Replayed]:
    """Write a night every ten seconds, v1 before noon and v2 after it, and let a consumer of v2 replay the log."""
    require_positive(retention_s=retention_s, every_s=every_s, until_s=until_s)
    log = LogStream("log", VolatileDisk(), Settings(limits=None, retention_s=retention_s), segment_bytes=1)
    noon_s, after, found, looks_s = retention_s, AFTER["breaking"], list[Replayed](), 0.0
    now_s = 0.0
    while now_s <= noon_s + until_s:
        now_us, is_new = int(now_s * 1e6), now_s >= noon_s
        data = encode(after, to_minutes(after, NIGHT)) if is_new else encode(BEFORE, NIGHT)
        log.put(now_us, Entry("n", "17", data))
        if now_s >= noon_s + looks_s:
            found.append(_replay(log, now_us, after, now_s - noon_s))
            looks_s += every_s
        now_s += 10
    return found


def _replay(log: LogStream, now_us: int, version: Version, after_s: float) -> Replayed:
    page = log.read(now_us, log.iterator(now_us, "shard-000", "TRIM_HORIZON"))
    assert isinstance(page, Page)
    errors = [_error(partial(decode, version, record.data)) for record in page.records]
    return Replayed(after_s, len(errors), sum(map(bool, errors)))
