"""Paths by SQL: a table of edges, an index, and either joins or `WITH RECURSIVE`.

The table holds every edge from both ends, in one B-tree sorted by the first end, so one step is one search and a run
of neighbours: O(log n), as in any index. Three ways to take k steps:

- `walks`: k - 1 joins of the table with itself. A row for each walk.
- `reached`: `WITH RECURSIVE … UNION`. Rows that are equal are made once, so each vertex comes once **a hop**, but again
  at later hops: SQL has no "already seen, ever".
- `walks(recursive=True)`: `UNION ALL`: a row for each walk again.

Pages are those that SQLite reads from its file (`engines.sqlite.pages`), with a cache that is empty at first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import apsw

from dsys_lab.engines.sqlite.pages import WatchedFiles
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import BadParameter, Misuse, require_not_negative
from dsys_lab.trace import Trace

PAGE_BYTES: Final = 8_192
_TABLE: Final = """
    create table edge(one integer, other integer, number integer, primary key(one, other, number)) without rowid"""
_WALKS: Final = """
    with recursive walk(hop, at) as (
        select 0, :start union all select hop + 1, other from walk join edge on one = at where hop < :hops
    ) select hop, count(*) from walk where hop > 0 group by hop order by hop"""
_REACHED: Final = """
    with recursive reach(hop, at) as (
        select 0, :start union select hop + 1, other from reach join edge on one = at where hop < :hops
    ) select first, count(*) from (select min(hop) as first from reach group by at) where first > 0
    group by first order by first"""


@dataclass(frozen=True, slots=True)
class SqlStatus:
    """Vertices, edges, and pages of the file."""

    vertices: int
    edges: int
    pages: int


class SqlGraph:
    """The edges of a graph in SQLite.

    Parameters
    ----------
    vertices : int
        They are called 0 to `vertices` - 1.
    pairs : iterable of (int, int)
    folder : path, optional
        Where the file is; by default in a temporary folder that goes with this object.

    Examples
    --------
    >>> with SqlGraph(4, [(0, 1), (1, 2), (2, 3)]) as line:
    ...     line.walks(1, 2), line.reached(1, 2), line.plan(2)
    ([2, 3], [2, 1], ['SEARCH e1 USING PRIMARY KEY (one=?)', 'SEARCH e2 USING PRIMARY KEY (one=?)'])
    """

    engine = f"SQLite {apsw.sqlite_lib_version()}"

    def __init__(
        self,
        vertices: int,
        pairs: Iterable[tuple[int, int]],
        *,
        folder: str | Path | None = None,
    ) -> None:
        require_not_negative(vertices=vertices)
        self.vertices = vertices
        self._temporary = TemporaryDirectory(prefix="dsys_lab-") if folder is None else None
        self._path = Path(self._temporary.name if self._temporary else str(folder)) / "edges.sqlite"
        self._files = WatchedFiles("sql", PAGE_BYTES, WallClock())
        self._database: apsw.Connection | None = None
        rows = [
            (ends[0], ends[1], number)
            for number, pair in enumerate(pairs)
            for ends in (pair, pair[::-1])[: 1 + (pair[0] != pair[1])]
        ]
        if stray := next((row for row in rows if not 0 <= row[0] < vertices), None):
            self._forget_folder()
            raise BadParameter(f"an edge leads to vertex {stray[0]}: they are 0 to {vertices - 1}; leave it out")
        self._open()
        with self._files.quietly():
            self._ask(f"pragma page_size = {PAGE_BYTES}")
            self._ask("pragma synchronous = off")
            self._ask(_TABLE)
            with self._open():
                self._open().executemany("insert into edge values (?, ?, ?)", sorted(rows))
        self.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ------------------------------------------------------------ the questions
    def walks(self, start: int, hops: int, *, recursive: bool = False) -> list[int]:
        """Return how many walks of 1, 2, ... `hops` steps begin at `start`."""
        self._check(start, hops)
        if recursive:
            return [count for _, count in self._ask(_WALKS, start=start, hops=hops)]
        return [self._ask(_joined(hop), start=start)[0][0] for hop in range(1, hops + 1)]

    def reached(self, start: int, hops: int) -> list[int]:
        """Return how many are first reached at each hop; the list ends where nobody is new."""
        self._check(start, hops)
        return [count for _, count in self._ask(_REACHED, start=start, hops=hops)]

    def plan(self, hops: int) -> list[str]:
        """Return how SQLite would join so many steps."""
        return [row[3] for row in self._ask(f"explain query plan {_joined(hops)}", start=0)]

    def pages_read(self, start: int, hops: int) -> int:
        """Return how many pages `reached` reads with nothing in memory, each once."""
        self._check(start, hops)
        self.forget()
        trace = Trace()
        self._files.clock, self._files.watching = WallClock(trace), True
        try:
            self.reached(start, hops)
        finally:
            self._files.clock, self._files.watching = WallClock(), False
        return len({row.fields["page"] for row in trace.of("page_read")})

    def status(self) -> SqlStatus:
        """Return how much there is."""
        rows = self._ask("select count(distinct number) from edge")[0][0]
        return SqlStatus(self.vertices, rows, self._ask("pragma page_count")[0][0])

    def forget(self) -> None:
        """Empty SQLite's memory: what is asked for next is read from the file."""
        if self._database is not None:
            self._database.close()
        self._database = None
        self._open()

    def close(self) -> None:
        """Let the file go."""
        if self._database is not None:
            self._database.close()
        self._database, self._path = None, Path()
        self._forget_folder()

    # ------------------------------------------------------------ talking to it
    def _forget_folder(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def _open(self) -> apsw.Connection:
        if self._database is None:
            if not self._path.name:
                raise Misuse("this graph is closed: make it anew")
            with self._files.quietly():
                self._database = apsw.Connection(str(self._path), vfs=self._files.name)
        return self._database

    def _ask(self, text: str, **values: int) -> list[Any]:
        return list(self._open().execute(text, values))

    def _check(self, start: int, hops: int) -> None:
        if not isinstance(start, int) or not 0 <= start < self.vertices:
            raise BadParameter(f"vertex {start!r}: give 0 to {self.vertices - 1}")
        if not isinstance(hops, int) or not 1 <= hops <= 30:
            raise BadParameter(f"hops = {hops!r}: give 1 to 30")


def _joined(hops: int) -> str:
    """Return the query of so many steps: the table joined with itself."""
    joins = [f"join edge e{hop} on e{hop}.one = e{hop - 1}.other" for hop in range(2, hops + 1)]
    return f"select count(*) from edge e1 {' '.join(joins)} where e1.one = :start"  # noqa: S608  numbers only
