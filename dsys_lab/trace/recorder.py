"""A trace: what a run leaves behind, and the recorders that a system may be given.

A system takes a recorder as an argument and calls `emit` for everything that happens to it. There are three, and the
system's results are the same with each:

- `Trace` keeps every row: for pictures, checks, queries, golden files.
- `Counters` only sums: for sweeps and benchmarks.
- `NO_TRACE` keeps nothing: the silent default.

Counters are a *fold* over the rows, whether they ride along or are computed afterwards, so a chart that counts and a
picture that shows cannot disagree.

The trace promises
------------------
1. `seq` is dense and is the total order of the run; `time_us` never decreases.
2. Every kind is in the vocabulary and carries its required fields; every field is a plain scalar.
3. The same run gives the same `digest`, on any machine and under any hash seed.

Cost: about half a microsecond a row on a laptop, and a row is a tuple and a small dict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from dsys_lab.errors import BadRow
from dsys_lab.trace.kinds import KINDS, REQUIRED, nearest

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

Scalar = str | int | float | bool | None
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
SUMMED_UNITS: Final = ("_bytes", "_pages", "_rows", "_us", "_count")
"""`Counters` sums numeric fields whose names end in one of these units, but for points in time."""
_POINTS_IN_TIME: Final = frozenset({"arrive_us", "visible_until_us", "until_us", "start_us", "end_us", "at_us"})


class Row(NamedTuple):
    """One thing that happened.

    Attributes
    ----------
    seq : int
        Position in the trace, from 0: the total order of the run.
    time_us : int
        Virtual microseconds (wall microseconds since the start for a real engine).
    kind : str
        What happened, one word of `dsys_lab.trace.kinds`.
    place : str
        Where: a machine, queue, shard or file; `/` nests (`orders/shard-3`).
    message : str or None
        The logical message: the same id on every copy and every retry.
    fields : dict
        Plain scalars whose names carry their units.
    """

    seq: int
    time_us: int
    kind: str
    place: str
    message: str | None
    fields: dict[str, Scalar]


@dataclass(slots=True)
class Header:
    """Where a trace came from: enough to make it again.

    Attributes
    ----------
    lab, scenario : str
        The lab's stem and the scenario function that made the run ("" outside a lab).
    engine : str
        "model", or the real engine's name and version.
    seed : int
    params : dict
        The scenario's parameters, JSON values only.
    faults : list of dict
        The fault plan as data.
    title : str
        What stands over the lane in a picture.
    invariants : dict
        Invariants that this run should keep, by name, each with its parameters (see `dsys_lab.trace.invariants`).
    references : dict
        Lines to draw in a strip: measure -> {"value": number, "label": text}.
    machines : list of str
        What can be struck by a fault; none, where no machine took part.
    strip : list of str
        The gauges that the strip below a picture of the run draws, by name, all of one unit; if empty, it chooses.
    end_us : int
        When the run stopped; the last row may be earlier.
    poster_us : int, optional
        The moment at which a picture of the run opens; without it the picture chooses one.
    follow : str, optional
        The message that a picture of the run follows when it is opened; without it, none.
    parts : dict
        Code of somebody's own that took part, by the parameter that it was given for; `params` has its name. It cannot
        be written down: a saved trace has None in its place.
    """

    lab: str = ""
    scenario: str = ""
    engine: str = "model"
    seed: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    title: str = ""
    invariants: dict[str, dict[str, Any]] = field(default_factory=dict)
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    machines: list[str] = field(default_factory=list)
    strip: list[str] = field(default_factory=list)
    end_us: int = 0
    poster_us: int | None = None
    follow: str | None = None
    parts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the header as JSON values."""
        return asdict(replace(self, parts=dict.fromkeys(self.parts)))


class Recorder(Protocol):
    """Anything that a system can tell what happens to it."""

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Record that `kind` happened at `place` to `message` at `time_us`."""


class _Silence:
    """Keeps nothing."""

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Do nothing."""


NO_TRACE: Final[Recorder] = _Silence()


class _Measures(dict[str, bool]):
    """Whether a field of this name is summed: worked out once a name, for it is asked at every row."""

    def __missing__(self, name: str) -> bool:
        self[name] = name.endswith(SUMMED_UNITS) and name not in _POINTS_IN_TIME
        return self[name]


_MEASURES: Final = _Measures()


class Counters:
    """Sums a run without keeping its rows.

    Attributes
    ----------
    counts : dict
        `(kind, place)` -> number of rows.
    sums : dict
        `(kind, place, field)` -> sum of the field, for fields that end in a unit of `SUMMED_UNITS`.
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self.sums: dict[tuple[str, str, str], float] = {}

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Count the row and add up its measures."""
        self.counts[kind, place] = self.counts.get((kind, place), 0) + 1
        for name, value in fields.items():
            if _MEASURES[name] and isinstance(value, int | float):
                key = (kind, place, name)
                self.sums[key] = self.sums.get(key, 0) + value

    def count(self, kind: str, place: str | None = None) -> int:
        """Return the number of rows of `kind`, at `place` or anywhere."""
        return sum(n for (k, p), n in self.counts.items() if k == kind and place in (None, p))

    def sum(self, kind: str, name: str, place: str | None = None) -> float:
        """Return the sum of field `name` over the rows of `kind`, at `place` or anywhere."""
        return sum(x for (k, p, f), x in self.sums.items() if k == kind and f == name and place in (None, p))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counters) and self.counts == other.counts and self.sums == other.sums

    __hash__ = None  # type: ignore[assignment]  # counters change, so they cannot be keys


class Trace:
    """Keeps every row of a run.

    Parameters
    ----------
    header : Header, optional
        Where the rows come from.

    Examples
    --------
    >>> trace = Trace()
    >>> trace.emit(0, "publish", "phone", "m1", attempt=1)
    >>> trace.emit(1500, "enqueue", "uploads", "m1", depth=1)
    >>> print(trace.text())
        0.000000s  phone        publish      m1       attempt=1
        0.001500s  uploads      enqueue      m1       depth=1
    """

    def __init__(self, header: Header | None = None) -> None:
        self.header = header or Header()
        self._rows: list[tuple[int, str, str, str | None, dict[str, Scalar]]] = []
        self._last_us = 0

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Append a row.

        Raises
        ------
        BadRow
            If the kind is unknown, a required field is missing, a field is not a plain scalar, time is not whole or
            runs back, or a place or message is not a name.
        """
        required = REQUIRED.get(kind)
        if (
            required is None
            or not required <= fields.keys()
            or time_us < self._last_us
            or not _SCALARS.issuperset(map(type, fields.values()))
            or type(time_us) is not int
            or type(place) is not str
            or (message is not None and type(message) is not str)
        ):
            self._refuse(time_us, kind, place, message, fields)
        self._last_us = time_us
        self._rows.append((time_us, kind, place, message, fields))

    def _refuse(self, time_us: int, kind: str, place: str, message: str | None, fields: dict[str, Any]) -> None:
        """Say which promise the row would break."""
        row = f"row {len(self._rows)}"
        if kind not in KINDS:
            raise BadRow(f"{row}: kind {kind!r} is not in the vocabulary; {nearest(kind)}")
        missing = sorted(REQUIRED[kind] - fields.keys())
        if missing:
            raise BadRow(f"{row}: {kind!r} needs the field {missing[0]!r}; it was given {sorted(fields)}")
        if type(time_us) is not int:
            raise BadRow(f"{row}: time_us = {time_us!r} is a {type(time_us).__name__}; give whole microseconds")
        if type(place) is not str:
            raise BadRow(f"{row}: place = {place!r} is a {type(place).__name__}; give the name of a place")
        if message is not None and type(message) is not str:
            raise BadRow(f"{row}: message = {message!r} is a {type(message).__name__}; give its id as a str, or None")
        if time_us < self._last_us:
            raise BadRow(f"{row}: time_us = {time_us} runs back behind {self._last_us}; emit rows in order of time")
        name, value = next((n, v) for n, v in fields.items() if type(v) not in _SCALARS)
        raise BadRow(
            f"{row}: field {name!r} of {kind!r} is a {type(value).__name__}; "
            "give a str, int, float, bool or None (int(x) for a numpy number, ' '.join(xs) for names)"
        )

    # ------------------------------------------------------------ reading
    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        for seq, row in enumerate(self._rows):
            yield Row(seq, *row)

    def __getitem__(self, seq: int) -> Row:
        if not -len(self._rows) <= seq < len(self._rows):
            raise IndexError(f"row {seq}: this trace has rows 0 to {len(self._rows) - 1}")
        seq %= len(self._rows)
        return Row(seq, *self._rows[seq])

    @property
    def end_us(self) -> int:
        """When the run stopped: the header's word, or the time of the last row."""
        return max(self.header.end_us, self._last_us)

    def of(self, *kinds: str, place: str | None = None, message: str | None = None) -> list[Row]:
        """Return the rows of these kinds (all, if none is given), at `place`, about `message`."""
        return [
            row
            for row in self
            if (not kinds or row.kind in kinds)
            and (place is None or row.place == place)
            and (message is None or row.message == message)
        ]

    def counters(self) -> Counters:
        """Fold the rows into `Counters`: equal to what would have been counted on the way."""
        counters = Counters()
        for time_us, kind, place, message, fields in self._rows:
            counters.emit(time_us, kind, place, message, **fields)
        return counters

    def digest(self) -> str:
        """Return 16 hex digits that stand for the rows: equal digests, equal runs."""
        sha = hashlib.sha256()
        for row in self._rows:
            sha.update(json.dumps(row, sort_keys=True, separators=(",", ":")).encode())
        return sha.hexdigest()[:16]

    def text(self, first: int = 0, last: int | None = None) -> str:
        """Return one aligned line a row, for golden files and for eyes."""
        return "\n".join(map(line, (self[seq] for seq in range(*slice(first, last).indices(len(self))))))

    def __repr__(self) -> str:
        title = self.header.title or self.header.scenario or "trace"
        return f"<{title}: {len(self):,} rows over {self.end_us / 1e6:,.2f} s>"

    # ------------------------------------------------------------ doors to other tools
    def save(self, path: str | Path) -> None:
        """Write the trace as JSON lines (see `dsys_lab.trace.jsonl`)."""
        from dsys_lab.trace.jsonl import save

        save(self, path)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame, one column a field."""
        from dsys_lab.trace.table import frame

        return frame(self)

    def sql(self, query: str) -> pd.DataFrame:
        """Run SQL over the rows as table `trace`, in DuckDB.

        Examples
        --------
        >>> trace.sql("select kind, count(*) as n from trace group by kind order by n desc")  # doctest: +SKIP
        """
        from dsys_lab.trace.table import sql

        return sql(self, query)


def line(row: Row) -> str:
    """Return the row as one aligned line."""
    fields = " ".join(f"{name}={value}" for name, value in row.fields.items())
    return f"{row.time_us / 1e6:12.6f}s  {row.place:<12} {row.kind:<12} {row.message or '-':<8} {fields}".rstrip()


def replay(rows: Iterable[Row], recorder: Recorder) -> None:
    """Emit `rows` once more, into another recorder."""
    for row in rows:
        recorder.emit(row.time_us, row.kind, row.place, row.message, **row.fields)


def in_slow_motion(trace: Trace, *, row_us: int = 100_000) -> Trace:
    """Return the rows of a real engine's trace with the same time between any two, so that eyes can follow.

    What a server does within microseconds keeps its order; when it did it is not told any more.
    """
    slowed = Trace(replace(trace.header, title=f"{trace.header.title}, in slow motion", end_us=len(trace) * row_us))
    replay((row._replace(time_us=row.seq * row_us) for row in trace), slowed)
    return slowed
