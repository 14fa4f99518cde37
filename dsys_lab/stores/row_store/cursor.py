"""A scan that can be watched: one page of the heap a step.

Two ways lead to the rows that pass a filter. `scan` reads every page. `index` first asks the index for the places of
the rows, sorts them by page, and reads each of these pages once (PostgreSQL: a bitmap heap scan), which is fewer pages
only while few rows pass (`laws.pages_hit`). There is no planner: the reader of the lab is the planner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from dsys_lab.stores.row_store.heap_file import HeapFile
from dsys_lab.stores.row_store.operations import Operations
from dsys_lab.stores.row_store.row_format import RowFormat, picker
from dsys_lab.stores.table import Between
from dsys_lab.structures.b_tree import Rid
from dsys_lab.structures.page import Page
from dsys_lab.structures.schema import Values

WAYS: Final = ("scan", "index")

PageOfRows = tuple[int, frozenset[int] | None]
"""A page of the heap, and the slots to look at; None: all."""


def every_page(heap: HeapFile) -> Iterator[PageOfRows]:
    """Give every page there is, all slots."""
    return ((number, None) for number in range(len(heap.pages)))


def pages_of(places: Iterable[Rid]) -> Iterator[PageOfRows]:
    """Give each page that holds one of `places` once, in order, with the slots that are meant."""
    by_page: dict[int, list[int]] = {}
    for place in places:
        by_page.setdefault(place.page, []).append(place.slot)
    yield from ((number, frozenset(by_page[number])) for number in sorted(by_page))


class Cursor:
    """The rows that pass a filter, a page a step.

    Parameters
    ----------
    heap, rows : HeapFile, RowFormat
    columns : sequence of str
        What is asked for, in this order.
    where : Between or None
    pages : iterator
        The pages to look at.
    operations : Operations
        Where the scan is entered, as one operation under `name`.
    """

    def __init__(
        self,
        heap: HeapFile,
        rows: RowFormat,
        *,
        columns: Sequence[str],
        where: Between | None,
        pages: Iterator[PageOfRows],
        operations: Operations,
        name: str,
    ) -> None:
        self._heap, self._rows, self._where, self._pages = heap, rows, where, pages
        self._operations, self._name = operations, name
        self._op: int | None = None
        self._pick: Callable[[Values], Values] = picker(rows.schema, columns)
        touched = {rows.schema.position(name) for name in (*columns, *((where.column,) if where else ()))}
        self._touched = sorted(touched)

    def step(self, now_us: int = 0) -> list[Values] | None:
        """Read the next page and return the rows on it that pass, or None when there are no more pages."""
        if self._op is None:
            self._op = self._operations.begin(self._name, now_us)
        self._operations.resume(self._op, now_us)
        try:
            page = next(self._pages, None)
            if page is not None:
                return self._rows_of(*page)
        except Exception:
            self._operations.end(self._op, now_us, ok=False)
            raise
        self._operations.end(self._op, now_us, ok=True)
        return None

    def rows(self, now_us: int = 0) -> Iterator[Values]:
        """Go on to the end, all at one time."""
        while (rows := self.step(now_us)) is not None:
            yield from rows

    def _rows_of(self, number: int, slots: frozenset[int] | None) -> list[Values]:
        records = self._heap.read_page(number, lambda page: self._used_bytes(page, slots))
        decode = self._rows.decode
        rows = [decode(*record) for rid, record in records if slots is None or rid.slot in slots]
        if self._where:
            place, holds = self._rows.schema.position(self._where.column), self._where.holds
            rows = [row for row in rows if holds(row[place])]
        return list(map(self._pick, rows))

    def _used_bytes(self, page: Page, slots: frozenset[int] | None) -> int:
        """Return how many bytes of a page are values that the question is about."""
        return sum(
            self._rows.used_bytes(data, has_nulls, self._touched)
            for slot, data, has_nulls in page.records()
            if slots is None or slot in slots
        )
