"""Which answers can be had from answers, without asking the facts again?

A *cuboid* holds one cell for each combination of labels that occurs, and in it the states of its measures. To *roll up*
is to leave a dimension out: cells that differ in nothing else are merged. To *slice* keeps one label of a dimension, to
*dice* some labels of several. `drill_across` lays two cuboids side by side, and only at the same grain: joining facts
of two grains first would count the coarser ones again and again (the fan trap).

A `Cube` has the cuboid of all its dimensions, keeps some coarser ones, and answers from the smallest that will do;
several cuboids at once, as rows of one table, if it is asked for `grouping_sets`.

Promises
--------
1. A rolled-up answer is the one that the facts give; for whole numbers exactly, for sketches within their error.
2. What cannot be rolled up is refused (`NotDecomposable`), before a cell is made.
3. Every row is in one cell of each cuboid: additive measures add up to the same total everywhere.

Cost: building reads every fact once; a roll-up reads the cells of the cuboid that it starts from (`cells_read`).

A recorder sees facts fall into cells and cells being poured into coarser ones; a cell's place is `cuboid/labels`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.stores.star_schema.aggregates import Measured, NotDecomposable
from dsys_lab.stores.star_schema.grouping_sets import (
    GroupedRow,
    dimensions_of,
    finest_first,
    in_order,
    left_out,
)
from dsys_lab.trace import NO_TRACE, Recorder

Labels = tuple[Any, ...]


def place_of(by: Sequence[str], labels: Labels) -> str:
    """Return where a cell stands in a trace.

    >>> place_of(("city", "band"), ("Oslo", "30s")), place_of((), ())
    ('by city, band/Oslo 30s', 'in all')
    """
    return f"by {', '.join(by)}/{' '.join(map(str, labels))}" if by else "in all"


@dataclass(frozen=True, slots=True)
class Cuboid:
    """The measures for each combination of labels.

    Attributes
    ----------
    by : tuple of str
        The dimensions, in the order of the labels.
    measures : tuple of Measured
    cells : dict
        Labels -> a state for each measure.
    cells_read : int
        Rows of facts or cells of a cuboid from which it was made.
    recorder : Recorder
        Sees what is made of this cuboid, too.
    """

    by: tuple[str, ...]
    measures: tuple[Measured, ...]
    cells: Mapping[Labels, tuple[Any, ...]]
    cells_read: int
    recorder: Recorder = field(default=NO_TRACE, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Sequence[Any]],
        by: Sequence[str],
        measures: Sequence[Measured],
        *,
        recorder: Recorder = NO_TRACE,
        named: str = "",
    ) -> Cuboid:
        """Return the cuboid of facts, given by column; None is NULL.

        Parameters
        ----------
        columns : dict
        by : sequence of str
        measures : sequence of Measured
        recorder : Recorder
        named : str
            The column that names a fact in the trace; by default facts are numbered.

        Raises
        ------
        BadParameter
            If a column is missing or shorter than another, a dimension is named twice, or nothing is measured.
        """
        _check(columns, by, measures)
        rows = len(next(iter(columns.values())))
        groups: dict[Labels, list[int]] = {}
        for row in range(rows):
            groups.setdefault(tuple(columns[name][row] for name in by), []).append(row)
        if not by:
            groups.setdefault((), [])
        cells = {
            labels: tuple(measured.aggregate.of(_values(columns[measured.column], group)) for measured in measures)
            for labels, group in groups.items()
        }
        if recorder is not NO_TRACE:
            names = columns[named] if named else range(rows)
            for row in range(rows):
                place = place_of(by, tuple(columns[name][row] for name in by))
                value = str(columns[measures[0].column][row])
                recorder.emit(0, "fall", place, str(names[row]), value=value)
        return cls(tuple(by), tuple(measures), cells, rows, recorder)

    def rollup(self, by: Sequence[str]) -> Cuboid:
        """Return the cuboid by fewer dimensions, made of these cells.

        Raises
        ------
        NotDecomposable
            If a measure keeps no state that merges.
        BadParameter
            If a dimension is not here, or twice.
        """
        places = _places(self.by, by)
        if len(places) < len(self.by):
            self._require_merging(by, places)
        cells: dict[Labels, tuple[Any, ...]] = {}
        for labels, states in self.cells.items():
            coarse = tuple(labels[place] for place in places)
            cells[coarse] = self._merged(cells[coarse], states) if coarse in cells else states
            if self.recorder is not NO_TRACE:
                name = " ".join(map(str, labels))
                self.recorder.emit(0, "cell", place_of(self.by, labels), name, state=str(states[0]))
                self.recorder.emit(0, "pour", place_of(by, coarse), name, state=str(cells[coarse][0]))
        if not by:  # of no facts there is one answer, too
            cells.setdefault((), tuple(measured.aggregate.of([]) for measured in self.measures))
        return Cuboid(tuple(by), self.measures, cells, len(self.cells), self.recorder)

    def _require_merging(self, by: Sequence[str], places: Sequence[int]) -> None:
        try:
            for measured in self.measures:
                if measured.aggregate.joined is None:
                    measured.aggregate.merge(None, None)
        except NotDecomposable:
            for coarse in dict.fromkeys(tuple(labels[place] for place in places) for labels in self.cells):
                why = "of two stored answers no third follows"
                self.recorder.emit(0, "lock", place_of(by, coarse), why=why)
            raise

    def _merged(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
        parts = zip(self.measures, one, other, strict=True)
        return tuple(measured.aggregate.merge(left, right) for measured, left, right in parts)

    def slice(self, dimension: str, label: Any) -> Cuboid:
        """Return the cells of one label, without the dimension."""
        (place,) = _places(self.by, (dimension,))
        kept = {
            labels[:place] + labels[place + 1 :]: states
            for labels, states in self.cells.items()
            if labels[place] == label
        }
        return Cuboid(self.by[:place] + self.by[place + 1 :], self.measures, kept, len(self.cells), self.recorder)

    def dice(self, labels: Mapping[str, Collection[Any]]) -> Cuboid:
        """Return the cells whose labels are among those given for each dimension."""
        wanted = list(zip(_places(self.by, tuple(labels)), labels.values(), strict=True))
        kept = {at: states for at, states in self.cells.items() if all(at[place] in some for place, some in wanted)}
        return Cuboid(self.by, self.measures, kept, len(self.cells), self.recorder)

    def answers(self) -> list[tuple[Any, ...]]:
        """Return the labels and measures of each cell, in the order of the labels, NULL first."""
        return [
            (*labels, *(m.aggregate.final(state) for m, state in zip(self.measures, self.cells[labels], strict=True)))
            for labels in sorted(self.cells, key=in_order)
        ]


def drill_across(one: Cuboid, other: Cuboid) -> list[tuple[Any, ...]]:
    """Return the measures of both beside each other, None where one has no such cell.

    Raises
    ------
    BadParameter
        If they are of different grain.
    """
    if one.by != other.by:
        raise BadParameter(f"by {one.by} and by {other.by}: roll both up to the same dimensions, in one order, first")
    left = {answer[: len(one.by)]: answer[len(one.by) :] for answer in one.answers()}
    right = {answer[: len(one.by)]: answer[len(one.by) :] for answer in other.answers()}
    none_left, none_right = (None,) * len(one.measures), (None,) * len(other.measures)
    labels = sorted(left.keys() | right.keys(), key=in_order)
    return [(*at, *left.get(at, none_left), *right.get(at, none_right)) for at in labels]


class Cube:
    """A cuboid of all dimensions, and the coarser ones that are worth keeping.

    Examples
    --------
    >>> nights = {"city": ["Oslo", "Oslo", "Lagos"], "weekend": [0, 1, 1], "minutes": [400, 460, 430]}
    >>> cube = Cube(Cuboid.of(nights, ("city", "weekend"), [Measured("avg", "minutes")]))
    >>> cube.answer(("city",)).answers()
    [('Lagos', 430.0), ('Oslo', 430.0)]
    """

    def __init__(self, finest: Cuboid) -> None:
        self.finest = finest
        self._kept: dict[frozenset[str], Cuboid] = {frozenset(finest.by): finest}

    def keep(self, groupings: Iterable[Sequence[str]]) -> None:
        """Make these cuboids, each of the smallest that will do, and keep them."""
        made = {frozenset(by): self.answer(by) for by in groupings}
        self._kept |= made

    def answer(self, by: Sequence[str]) -> Cuboid:
        """Return the cuboid by these dimensions; its `cells_read` says what the answer cost."""
        _places(self.finest.by, by)
        able = [cuboid for named, cuboid in self._kept.items() if named >= set(by)]
        return min(able, key=lambda cuboid: len(cuboid.cells)).rollup(by)

    def grouping_sets(self, sets: Sequence[Sequence[str]]) -> list[GroupedRow]:
        """Return the cells of these cuboids as rows of one table, finest first, each cuboid in the order of its labels.

        Raises
        ------
        NotDecomposable
            If a measure keeps no state that merges, and a set leaves a dimension of the cube out.
        BadParameter
            If a set is there twice, or names what is no dimension.
        """
        dimensions, rows = dimensions_of(sets), []
        for by in sets:
            for answer in self.answer(by).answers():
                known = dict(zip(by, answer, strict=False))
                labels = tuple(known.get(name) for name in dimensions)
                rows.append(GroupedRow(labels, left_out(dimensions, by), answer[len(by) :]))
        return sorted(rows, key=finest_first)

    def status(self) -> dict[tuple[str, ...], int]:
        """Return the cells of each cuboid that is kept."""
        return {cuboid.by: len(cuboid.cells) for cuboid in self._kept.values()}


def _values(column: Sequence[Any], rows: Sequence[int]) -> list[Any]:
    return [value for value in (column[row] for row in rows) if value is not None]


def _places(have: tuple[str, ...], wanted: Sequence[str]) -> list[int]:
    for name in wanted:
        if name not in have:
            raise BadParameter(f"no dimension {name!r}: there are {', '.join(have) or 'none left'}")
    if len(set(wanted)) < len(wanted):
        raise BadParameter(f"by {tuple(wanted)}: name each dimension once")
    return [have.index(name) for name in wanted]


def _check(columns: Mapping[str, Sequence[Any]], by: Sequence[str], measures: Sequence[Measured]) -> None:
    if not measures:
        raise BadParameter("nothing is measured: give at least one Measured, as in Measured('sum', 'minutes')")
    _places(tuple(columns), by)
    _places(tuple(columns), tuple(dict.fromkeys(measured.column for measured in measures)))
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BadParameter(f"columns of different length: {lengths}; give each fact a value or None in every column")
