"""What will a query do, before it does anything?

A tree of steps: tables at the leaves, the answer at the root. Each step says which columns come out of it, whether rows
are only ever added, how long what it keeps is kept, and how it is made into an operator. `explain` prints the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.streaming_sql.joins import IntervalJoin, VersionJoin
from dsys_lab.dataflows.streaming_sql.operators import (
    AddWindows,
    Choose,
    Function,
    Group,
    GroupWindows,
    Operator,
    Shape,
)
from dsys_lab.dataflows.streaming_sql.ranking import By, TopN
from dsys_lab.dataflows.streaming_sql.tables import Field, StreamTable
from dsys_lab.dataflows.windows import Assigner, Emission, WindowedAggregate
from dsys_lab.trace import NO_TRACE, Recorder

Made = Callable[[Emission, Recorder], Operator]


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes
    ----------
    name, details : str
        What EXPLAIN calls it.
    fields : tuple of Field
        The columns that come out.
    sources : tuple of Step
        Where its rows come from; two of a join.
    make : callable, optional
        Makes the operator; a leaf has none.
    keeps : str
        What it remembers and for how long.
    adds_only : bool
        Whether rows are only ever added to what comes out, if windows speak once.
    is_of_windows : bool
        Whether it is a window's answer that comes out, if windows speak once when they are over.
    counts_in_once : bool
        Whether it can take in only rows that are never taken back.
    table : StreamTable, optional
        Of a leaf.
    """

    name: str
    details: str
    fields: tuple[Field, ...]
    sources: tuple[Step, ...] = ()
    make: Made | None = None
    keeps: str = "nothing"
    adds_only: bool = True
    is_of_windows: bool = False
    counts_in_once: bool = False
    table: StreamTable | None = None

    def position(self, name: str) -> int:
        """Return the place of the only column of a name."""
        return [field.name for field in self.fields].index(name)

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [field.name for field in self.fields]

    @property
    def says_windows(self) -> bool:
        """Whether what comes out rests on what windows say, here or below."""
        return self.name == "WindowAggregate" or any(source.says_windows for source in self.sources)

    def misled_by_updates(self) -> Iterator[Step]:
        """Give the steps that would count twice what windows say twice."""
        if self.counts_in_once and any(source.says_windows for source in self.sources):
            yield self
        for source in self.sources:
            yield from source.misled_by_updates()

    def leaves(self) -> Iterator[Step]:
        """Give the tables that are read."""
        if self.table is not None:
            yield self
        for source in self.sources:
            yield from source.leaves()


def explained(step: Step, indent: int = 0, *, again: bool = False) -> str:
    """Return the tree, one line a step, each with what it keeps; `again`: windows speak more than once."""
    said = "append-only" if step.adds_only and not (again and step.says_windows) else "update stream"
    line = f"{'  ' * indent}{step.name}({step.details})"
    below = [explained(one, indent + 1, again=again) for one in step.sources]
    return "\n".join([f"{line:<72} {said:<13} keeps {step.keeps}", *below])


def scan(table: StreamTable, alias: str) -> Step:
    """Rows of a table as they come."""
    fields = tuple(Field(field.name, field.type, alias) for field in table.fields)
    bound = f", watermark {table.time} - {table.bound_us / 1e6:g} s" if table.time else ", no watermark"
    return Step("Scan", table.name + bound, fields, table=table)


def choose(source: Step, test: Function, words: str) -> Step:
    """Rows of which a condition is true."""
    return _after(source, "Filter", words, source.fields, lambda emission, recorder: Choose(test))


def shape(source: Step, fields: tuple[Field, ...], functions: tuple[Function, ...], words: str) -> Step:
    """Other columns."""
    return _after(source, "Project", words, fields, lambda emission, recorder: Shape(functions))


def add_windows(source: Step, assigner: Assigner, time: int) -> Step:
    """Each row with its windows."""
    fields = (*source.fields, Field("window_start", "time"), Field("window_end", "time"))
    return _after(source, "Windows", words_of(assigner), fields, lambda emission, recorder: AddWindows(assigner, time))


def _after(source: Step, name: str, words: str, fields: tuple[Field, ...], make: Made) -> Step:
    return Step(name, words, fields, (source,), make, "nothing", source.adds_only, source.is_of_windows)


def group(source: Step, keys: tuple[int, ...], made: tuple[Field, ...], monoid: Monoid) -> Step:
    """An answer a key, again at every row."""
    names = [source.fields[place].name for place in keys]
    fields = (*(source.fields[place] for place in keys), *made)
    return Step(
        "GroupAggregate", _by(names, made), fields, (source,), lambda emission, recorder: Group(keys, monoid),
        "a state a key, for ever", adds_only=False, counts_in_once=True,
    )  # fmt: skip


def group_windows(
    source: Step, keys: tuple[int, ...], made: tuple[Field, ...], monoid: Monoid, *, assigner: Assigner, time: int
) -> Step:  # fmt: skip
    """An answer a key and window."""
    names = [source.fields[place].name for place in keys]
    bounds = (Field("window_start", "time"), Field("window_end", "time"))

    def make(emission: Emission, recorder: Recorder) -> Operator:
        windows = WindowedAggregate(assigner, monoid, emission, place="windows", recorder=recorder)
        return GroupWindows(windows, time, keys)

    return Step(
        "WindowAggregate", f"{words_of(assigner)}, {_by(names, made)}",
        (*(source.fields[place] for place in keys), *bounds, *made), (source,), make,
        "a state a key and open window", is_of_windows=True,
    )  # fmt: skip


def interval_join(
    left: Step, right: Step, keys: tuple[list[int], list[int]], times: tuple[int, int], apart_us: tuple[int, int]
) -> Step:
    """Pairs of rows of equal keys whose times are not too far apart."""
    on = ", ".join(f"{left.fields[a].name} = {right.fields[b].name}" for a, b in zip(*keys, strict=True))
    low_s, high_s = (bound / 1e6 for bound in apart_us)
    return Step(
        "IntervalJoin", f"{on}, {low_s:g} s to {high_s:g} s later", left.fields + right.fields, (left, right),
        lambda emission, recorder: IntervalJoin(keys, times, *apart_us),
        f"both sides' rows of {high_s - low_s:g} s and the bound", counts_in_once=True,
    )  # fmt: skip


def version_join(left: Step, right: Step, keys: tuple[int, int], times: tuple[int, int]) -> Step:
    """Each left row with the version that was valid at its time."""
    on = f"{left.fields[keys[0]].name} = {right.fields[keys[1]].name}"
    return Step(
        "TemporalJoin", f"{on}, as of {left.fields[times[0]].name}", left.fields + right.fields, (left, right),
        lambda emission, recorder: VersionJoin(keys, times), "rows until they are certain, a version a key",
        counts_in_once=True,
    )  # fmt: skip


def top_n(source: Step, partition: tuple[int, ...], by: tuple[By, ...], count: int, rank: str) -> Step:
    """The first rows of each partition, with their rank."""
    names = [source.fields[place].name for place in partition]
    waits = source.is_of_windows and {"window_start", "window_end"} <= set(names)
    over_at = source.position("window_end") if waits else None
    order = ", ".join(source.fields[one.place].name + (" DESC" if one.descending else "") for one in by)

    def make(emission: Emission, recorder: Recorder) -> Operator:
        return TopN(partition, by, count, None if emission.speaks_again else over_at)

    return Step(
        "WindowTopN" if waits else "TopN", f"first {count} by {order} of each {', '.join(names) or 'table'}",
        (*source.fields, Field(rank, "i64")), (source,), make,
        "rows of open windows" if waits else "all rows, for ever", adds_only=waits, is_of_windows=waits,
    )  # fmt: skip


def words_of(assigner: Assigner) -> str:
    """Return what EXPLAIN calls a window."""
    sizes = ", ".join(f"{getattr(assigner, name) / 1e6:g} s" for name in assigner.__slots__)
    return f"{type(assigner).__name__.lower()} {sizes}"


def _by(names: list[str], made: tuple[Field, ...]) -> str:
    return f"by {', '.join(names) or 'nothing'}: {', '.join(field.name for field in made) or 'nothing'}"


@dataclass(slots=True)
class Stage:
    """An operator, and where its changes go: each operator above it with the side on which they come in."""

    operator: Operator
    above: list[tuple[Operator, int]]


def stages(
    root: Step, emission: Emission, recorder: Recorder = NO_TRACE
) -> tuple[list[Stage], dict[str, list[list[tuple[Operator, int]]]]]:
    """Return the operators of a plan from the leaves up, and for each table the ways that its rows go."""
    found: list[Stage] = []
    ways: dict[str, list[list[tuple[Operator, int]]]] = {}

    def visit(step: Step, above: list[tuple[Operator, int]]) -> None:
        if step.table is not None:
            ways.setdefault(step.table.name, []).append(above)
            return
        assert step.make is not None, "a step without a table has an operator"
        operator = step.make(emission, recorder)
        for side, source in enumerate(step.sources):
            visit(source, [(operator, side), *above])
        found.append(Stage(operator, above))

    visit(root, [])
    return found, ways
