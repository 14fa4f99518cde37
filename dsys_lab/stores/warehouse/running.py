"""How is a question answered by all slices together, and what does that move?

The leader decides what travels (`moving`), lets every slice send, carries the parcels and counts the bytes of those
that go from one node to another, lets every slice finish, and puts together what they found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property

from dsys_lab.stores.warehouse.cluster import Cluster, on_all
from dsys_lab.stores.warehouse.distribution import All, Distribution
from dsys_lab.stores.warehouse.grouping import measured_rows, merged
from dsys_lab.stores.warehouse.moving import Move, decide
from dsys_lab.stores.warehouse.moving import Side as Sized
from dsys_lab.stores.warehouse.questions import Question
from dsys_lab.stores.warehouse.scanning import Scan, Touched
from dsys_lab.stores.warehouse.slices import Layout, Slice, Snapshot
from dsys_lab.stores.warehouse.working import Found, Parcel, Side, finish, send
from dsys_lab.structures.schema import WIDTHS, Column, Value, Values

TEXT_BYTES_GUESS = 16
"""What the planner takes a text for, as it has not read any."""
Read = tuple[str, int, Touched]
"""A block that was read: of which alias, on which slice."""
Place = tuple[int, str, int]
"""Where a block is: slice, region, number."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A table as the leader knows it.

    Attributes
    ----------
    slices : tuple of Slice
        One for each slice of the cluster.
    given_rows : int
        Rows of all loads, those that came to nothing too: the turn of `Even` goes on from there.
    rows : int
        Rows that are to be seen, each once.
    analyzed_rows : int
        As many as the planner believes there are.
    """

    name: str
    layout: Layout
    style: Distribution
    slices: tuple[Slice, ...]
    given_rows: int = 0
    rows: int = 0
    analyzed_rows: int = 0

    def places(self, column: str, slices: Iterable[int]) -> list[Place]:
        """Return where the blocks of a column are."""
        return [
            (at, region.name, block.chunk.block)
            for at in slices for region in self.slices[at].regions for block in region.blocks[column]
        ]  # fmt: skip

    def needed_bytes(self, names: Sequence[str]) -> float:
        """Return the bytes of some columns as they would travel; an estimate, as if none were filtered."""
        columns = [self.layout.schema.columns[self.layout.schema.position(name)] for name in names]
        return self.analyzed_rows * sum(WIDTHS.get(column.type, TEXT_BYTES_GUESS) for column in columns)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question brought, and what it took.

    Attributes
    ----------
    columns : tuple of str
    rows : list of tuple
        In the order of their values.
    label : str
        How the join was distributed, "" without one.
    blocks_read, blocks_skipped : dict
        By `alias.column`: blocks that were read, and those of named columns that were not. Hidden columns show only
        where they were read.
    read_bytes : int
        Of the blocks that were read, as they are encoded.
    fetched_bytes : int
        Of blocks that came from managed storage first, for their slice had been lost.
    shuffled : dict
        `(from, to)`, two nodes -> bytes of parcels.
    worked_rows : tuple of int
        Rows that each slice joined or measured.
    """

    columns: tuple[str, ...]
    rows: list[Values]
    label: str = ""
    blocks_read: dict[str, int] = field(default_factory=dict)
    blocks_skipped: dict[str, int] = field(default_factory=dict)
    read_bytes: int = 0
    fetched_bytes: int = 0
    shuffled: dict[tuple[int, int], int] = field(default_factory=dict)
    worked_rows: tuple[int, ...] = ()

    @property
    def shuffled_bytes(self) -> int:
        """Bytes between nodes, in all."""
        return sum(self.shuffled.values())

    def digest(self) -> str:
        """Return 64 bits that say whether two answers are the same (see `digest`)."""
        return digest(self.rows)


def digest(rows: Sequence[Sequence[Value]]) -> str:
    """Return 64 bits of rows in whatever order; numbers of floating point by their first twelve digits.

    Examples
    --------
    >>> digest([(1, None), (2, 0.1 + 0.2)]) == digest([(2, 0.3), (1, None)])
    True
    """
    lines = sorted("\t".join(_written(value) for value in row) for row in rows)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


def _written(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    return repr(value)


def in_order(rows: list[Values]) -> list[Values]:
    """Return rows in the order of their values, NULL first."""
    return sorted(rows, key=lambda row: tuple((value is not None, value if value is not None else 0) for value in row))


def moved(question: Question, tables: Mapping[str, Stored], cluster: Cluster) -> Move | None:
    """Return how a join is distributed, None without one."""
    if question.on is None:
        return None
    first, second = (
        Sized(tables[name.alias].style, name.column, tables[name.alias].needed_bytes(question.columns_of(name.alias)))
        for name in question.on
    )
    return decide(first, second, nodes=cluster.nodes)


class Run:
    """One question on its way.

    Parameters
    ----------
    tables : mapping
        By alias.
    """

    def __init__(
        self, question: Question, tables: Mapping[str, Stored], cluster: Cluster, snapshot: Snapshot,
        executor: Executor | None,
    ) -> None:  # fmt: skip
        self.question, self.tables, self.cluster = question, tables, cluster
        self.snapshot, self.executor = snapshot, executor
        self.move = moved(question, tables, cluster)
        self.reads: list[Read] = []
        self.shuffled: dict[tuple[int, int], int] = {}

    def answer(self) -> Answer:
        """Let all slices work, and return the answer."""
        sides = [self._sides(at, alias) for at, (alias, _) in enumerate(self.question.tables)]
        found = on_all(self.executor, finish, [(tuple(here), self.question) for here in zip(*sides, strict=True)])
        for at, one in enumerate(found):
            for alias, touched in one.touched.items():
                self._note(alias, self._scanned_at(alias, at), touched)
        reads = list(dict.fromkeys(self.reads))
        read, skipped = self._blocks(reads)
        return Answer(
            columns=tuple(item.label for item in self.question.items),
            rows=in_order(self._rows(found)),
            label=self.move.label if self.move else "",
            blocks_read=read,
            blocks_skipped=skipped,
            read_bytes=sum(touched.size_bytes for _, _, touched in reads),
            shuffled=dict(sorted(self.shuffled.items())),
            worked_rows=tuple(one.worked_rows for one in found),
        )

    # ------------------------------------------------------------ what each slice is given
    def _sides(self, at: int, alias: str) -> list[Side]:
        """Return one table as each slice has it when it finishes."""
        columns = self._columns(alias)
        scans = [self._scan(alias, one) for one in range(self.cluster.slices)]
        style = self.tables[alias].style
        if self.move is None or self._stays(at):
            if isinstance(style, All):
                shared = self.move is not None and self.move.inner == at
                return [Side(alias, columns, self._copy(scans, one, shared=shared)) for one in range(len(scans))]
            return [Side(alias, columns, scan) for scan in scans]
        broadcast = self.move.label == "DS_BCAST_INNER"
        by = None if broadcast else next(name.column for name in self.question.on or () if name.alias == alias)
        sent = on_all(self.executor, send, [(scan, by, self.cluster.slices) for scan in scans])
        arrived: list[list[Parcel]] = [[] for _ in scans]
        for source, (parcels, touched) in enumerate(sent):
            self._note(alias, source, touched)
            for target, parcel in parcels.items():
                for place in range(self.cluster.slices) if target is None else [target]:
                    arrived[place].append(parcel)
                    if target is not None or place == self.cluster.first(place):  # one copy a node is enough
                        self._carry(source, place, parcel)
        return [Side(alias, columns, tuple(parcels)) for parcels in arrived]

    def _stays(self, at: int) -> bool:
        assert self.move is not None
        return self.move.label in {"DS_DIST_NONE", "DS_DIST_ALL_NONE"} or (
            self.move.label != "DS_DIST_BOTH" and self.move.inner != at
        )

    def _copy(self, scans: list[Scan], at: int, *, shared: bool) -> Scan | tuple[Parcel, ...]:
        """Return what a slice reads of a table that is on every node: the copy of its node, or of all one copy."""
        if shared:
            return scans[self.cluster.first(at)]
        return scans[0] if at == 0 else ()

    def _scan(self, alias: str, at: int) -> Scan:
        names, where = self.question.columns_of(alias), self.question.conditions_of(alias)
        return Scan.of(self.tables[alias].slices[at], names, where, self.snapshot)

    def _columns(self, alias: str) -> tuple[Column, ...]:
        schema = self.tables[alias].layout.schema
        return tuple(schema.columns[schema.position(name)] for name in self.question.columns_of(alias))

    def _carry(self, source: int, target: int, parcel: Parcel) -> None:
        nodes = self.cluster.node(source), self.cluster.node(target)
        if nodes[0] != nodes[1]:
            self.shuffled[nodes] = self.shuffled.get(nodes, 0) + parcel.size_bytes

    # ------------------------------------------------------------ what comes of it
    def _rows(self, found: list[Found]) -> list[Values]:
        if not self.question.is_grouped:
            return [row for one in found for row in one.rows]
        return measured_rows(self.question, merged(one.groups for one in found))

    def _scanned_at(self, alias: str, at: int) -> int:
        return self.cluster.first(at) if isinstance(self.tables[alias].style, All) else at

    def _note(self, alias: str, at: int, touched: Sequence[Touched]) -> None:
        self.reads += [(alias, at, one) for one in touched]

    def _blocks(self, reads: list[Read]) -> tuple[dict[str, int], dict[str, int]]:
        read: dict[str, int] = {}
        for alias, _, touched in reads:
            name = f"{alias}.{touched.column}"
            read[name] = read.get(name, 0) + 1
        skipped = {}
        for (alias, column), places in self.places.items():
            name = f"{alias}.{column}"
            skipped[name] = len(places) - read.setdefault(name, 0)
        return dict(sorted(read.items())), dict(sorted(skipped.items()))

    @cached_property
    def places(self) -> dict[tuple[str, str], list[Place]]:
        """Where the blocks of named columns are, by alias and column."""
        found = {}
        for at, (alias, _) in enumerate(self.question.tables):
            names = [*self.question.columns_of(alias), *(one.column for one in self.question.conditions_of(alias))]
            for column in dict.fromkeys(names):
                found[alias, column] = self.tables[alias].places(column, self._asked(at, alias))
        return found

    def _asked(self, at: int, alias: str) -> list[int]:
        """Return the slices that are asked for a table: of one that is on every node often only the first."""
        alone = self.move is None or self.move.inner != at
        return [0] if isinstance(self.tables[alias].style, All) and alone else list(range(self.cluster.slices))
