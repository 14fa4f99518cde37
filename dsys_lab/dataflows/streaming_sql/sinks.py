"""Where do a query's changes go, and are they there once when it crashed and said them again?

Three answers. The *plain* sink writes what it is given: after a crash what came since the checkpoint is there twice.
The *upsert* sink writes by key: what is said again overwrites what was there, at once, and the table is right in the
end. The *two-phase* sink collects until a checkpoint, makes that durable, and shows it when the checkpoint is durable
too: each change is there once, but not before then. ::

    barrier n:   sink.prepare(n)      what came since n-1 is durable, and hidden
                 checkpoint n         position, state and the number n, in one durable record: the decision
                 sink.commit(n)       shown; if this is lost, who opens the sink again with n does it

Source: Gray, "Notes on data base operating systems", 1978 (two-phase commit); Apache Flink documentation, "Fault
tolerance guarantees of data sources and sinks".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from dsys_lab.dataflows.streaming_sql.changes import PUTS, Change, Row
from dsys_lab.dataflows.streaming_sql.packing import packed, unpacked
from dsys_lab.errors import require_choice
from dsys_lab.structures.append_log import NEVER, AppendLog
from dsys_lab.structures.disk import Disk

KINDS: Final = ("plain", "upsert", "two-phase")


class Sink(Protocol):
    """Where changes go."""

    def write(self, now_us: int, changes: Iterable[Change]) -> None:
        """Take in changes."""

    def prepare(self, now_us: int, number: int) -> None:
        """Make durable what came since the checkpoint before `number`."""

    def commit(self, now_us: int, number: int) -> None:
        """Show what was prepared: checkpoint `number` is durable."""

    def recover(self, now_us: int, number: int) -> None:
        """Begin again after checkpoint `number`, the last that is durable; 0 for none."""

    def rows(self) -> Counter[Row]:
        """Return what somebody sees who looks: rows, each with how often it is there."""


class PlainSink:
    """Writes what it is given, when it is given it."""

    def __init__(self, disk: Disk) -> None:
        self._log = AppendLog(disk, place="sink")

    def write(self, now_us: int, changes: Iterable[Change]) -> None:
        """Write the changes, durable and seen at once."""
        for change in changes:
            self._log.append(now_us, packed(tuple(change)))

    def prepare(self, now_us: int, number: int) -> None:
        """Do nothing: it is durable already."""

    def commit(self, now_us: int, number: int) -> None:
        """Do nothing: it is shown already."""

    def recover(self, now_us: int, number: int) -> None:
        """Do nothing: what is there stays, and will be there again."""

    def changes(self) -> list[Change]:
        """Return all that was written."""
        return [Change(*unpacked(record.payload)) for record in self._log.read()]

    def rows(self) -> Counter[Row]:
        """Return the rows that came, less those that went, with those that came again."""
        table: Counter[Row] = Counter()
        for op, row in self.changes():
            table[row] += 1 if op in PUTS else -1
        return +table


class UpsertSink(PlainSink):
    """Writes by key: the last row of a key stands.

    Parameters
    ----------
    disk : Disk
    key : sequence of int
        The places of the columns that make a row one.
    """

    def __init__(self, disk: Disk, key: Sequence[int]) -> None:
        super().__init__(disk)
        self._key = tuple(key)

    def rows(self) -> Counter[Row]:
        """Return the row that stands, of each key."""
        table: dict[Row, Row] = {}
        for op, row in self.changes():
            key = tuple(row[place] for place in self._key)
            if op in PUTS:
                table[key] = row
            else:
                table.pop(key, None)
        return Counter(table.values())


class TwoPhaseSink:
    """Shows what came before a checkpoint when the checkpoint is durable."""

    def __init__(self, disk: Disk) -> None:
        self._log = AppendLog(disk, fsync=NEVER, place="sink")
        self._waiting: list[tuple[str, Row]] = []

    def write(self, now_us: int, changes: Iterable[Change]) -> None:
        """Keep the changes until the next checkpoint."""
        self._waiting += map(tuple, changes)  # type: ignore[arg-type]

    def prepare(self, now_us: int, number: int) -> None:
        """Make durable, and hidden, what waits."""
        self._log.append(now_us, packed((number, self._waiting)))
        self._log.sync(now_us)
        self._waiting = []

    def commit(self, now_us: int, number: int) -> None:
        """Show what was prepared."""
        self._log.append(now_us, packed((number, None)))
        self._log.sync(now_us)

    def recover(self, now_us: int, number: int) -> None:
        """Show what was prepared for the last durable checkpoint, if that was still to be done."""
        self._waiting = []
        if number and not any(unpacked(record.payload) == (number, None) for record in self._log.read()):
            self.commit(now_us, number)

    def changes(self) -> list[Change]:
        """Return all that is shown: of what was prepared twice for one checkpoint, the later."""
        prepared: dict[int, list[tuple[str, Row]]] = {}
        shown: list[Change] = []
        for record in self._log.read():
            number, changes = unpacked(record.payload)
            if changes is None:
                shown += [Change(*change) for change in prepared.pop(number, ())]
            else:
                prepared[number] = changes
        return shown

    def rows(self) -> Counter[Row]:
        """Return the rows that came and did not go."""
        table: Counter[Row] = Counter()
        for op, row in self.changes():
            table[row] += 1 if op in PUTS else -1
        return +table


def sink(kind: str, disk: Disk, key: Sequence[int] = ()) -> PlainSink | UpsertSink | TwoPhaseSink:
    """Return a sink of a kind of `KINDS`."""
    require_choice("sink", kind, KINDS)
    if kind == "upsert":
        return UpsertSink(disk, key)
    return PlainSink(disk) if kind == "plain" else TwoPhaseSink(disk)
