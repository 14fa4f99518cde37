"""What lab 02 counts: pages, waits and shares over many runs of its scenarios, and what the laws say of the same.

A prediction is held against what is counted here; where the answer is a choice of words, the words are counted, too.
A dot is (x, what was counted, its standard error): no error where nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median
from typing import Final

from dsys_lab import laws
from dsys_lab.scenarios.oltp_and_analytics.layouts import ASKED, FOUND, columns_asked, one_or_all, rows_asked, taking_in
from dsys_lab.scenarios.oltp_and_analytics.night_tables import (
    BETWEEN,
    INDEXES,
    LAYOUTS,
    NIGHTS,
    RECORD_BYTES,
    TABLE,
    WIDTH_BYTES,
    night_table,
)
from dsys_lab.stores.row_store import RowStore
from dsys_lab.stores.table import Between
from dsys_lab.trace import Counters, Trace, gauge

Dots = list[tuple[float, float, float]]
QUESTIONS: Final = ("one night", "every night")
SLOWER: Final = ("at most twice as long", "two to five times as long", "more than five times as long")
"""How long a read takes against before, in words; the bounds are 2 and 5."""


def pages_read(run: Trace | Counters) -> int:
    """Return how many pages were read in a run."""
    return (run.counters() if isinstance(run, Trace) else run).count("page_read")


# ------------------------------------------------------------------------------------------ 1. few columns of all rows
def pages_by_columns(*columns: int, nights: int = NIGHTS, codec: str = "plain") -> dict[str, Dots]:
    """Return the pages that are read for so many columns of all nights, by each layout."""
    ask = partial(columns_asked.count, nights=nights, codec=codec)
    return {
        f"by {layout}": [(k, pages_read(ask(layout=layout, columns=k)), 0.0) for k in columns] for layout in LAYOUTS
    }


def law_by_columns(nights: int = NIGHTS) -> dict[str, Callable[[float], float]]:
    """Return what the laws say of the same, with the pages of the way to the heap left out."""
    widths = [WIDTH_BYTES[name] for name in ASKED]
    return {
        "by rows": lambda _: laws.row_pages(nights, RECORD_BYTES),
        "by columns": lambda k: laws.column_pages(nights, *widths[: int(k)]),
    }


# ------------------------------------------------------------------------------------------ 2. one row or all of them
def two_by_two(nights: int = NIGHTS) -> dict[str, dict[str, int]]:
    """Return the pages read for each question by each layout."""
    ask = partial(one_or_all.count, nights=nights)
    return {
        question: {f"by {layout}": pages_read(ask(layout=layout, question=question)) for layout in LAYOUTS}
        for question in QUESTIONS
    }


def pages_by_group(*group_rows: int, nights: int = NIGHTS) -> dict[str, Dots]:
    """Return the pages read for each question where so many rows are in a row group."""
    ask = partial(one_or_all.count, layout=BETWEEN, nights=nights)
    return {
        question: [(rows, pages_read(ask(question=question, group_rows=rows)), 0.0) for rows in group_rows]
        for question in QUESTIONS
    }


# ------------------------------------------------------------------------------------------ 3. new rows
def pages_written(layout: str, *together: int, inserts: int = 128) -> Dots:
    """Return the pages that are written for one insert when so many are written together."""
    runs = {size: taking_in.count(layout=layout, inserts=inserts, together=size) for size in together}
    return [(size, run.count("page_write") / inserts, 0.0) for size, run in runs.items()]


def law_of_new_rows(together: float) -> float:
    """Return what the law says of it by column."""
    return laws.merge_pages_per_row(len(ASKED), pages_per_chunk=1, merge_rows=together)


# ------------------------------------------------------------------------------------------ 4. some rows
def pages_by_people(*people: int, via: str = "index", by: str = "person_id") -> Dots:
    """Return rows that pass and heap pages read, for questions about so many people, or days."""
    dots: Dots = []
    for many in people:
        counters = Counters()
        table = night_table("rows", indexes=INDEXES, recorder=counters)
        assert isinstance(table, RowStore), "by row it is"
        rows = sum(1 for _ in table.scan([by], Between(by, 0, many - 1), via=via))
        dots.append((rows, counters.count("page_read", f"{TABLE}/heap"), 0.0))
    return dots


def law_of_the_heap(rows: float, nights: int = NIGHTS) -> float:
    """Return what the law says of heap pages read for rows that lie anywhere."""
    return laws.pages_hit(laws.row_pages(nights, RECORD_BYTES), rows)


def nights_that_need(pages: int) -> float:
    """Return how many nights may be asked for, of ever more people, until so many pages of the heap are read."""
    return next(rows for people in count(1) for rows, read, _ in pages_by_people(people) if read >= pages)


def law_of_nights_that_need(pages: int, nights: int = NIGHTS) -> int:
    """Return what the law says of the same, for nights that lie anywhere."""
    return next(rows for rows in range(1, nights) if law_of_the_heap(rows, nights) >= pages)


def pages_of_a_question(*, people: int, columns: int) -> dict[str, float]:
    """Return the pages read three ways for all nights of so many people, and so many columns of each."""
    ask = partial(rows_asked.count, people=people, columns=columns)
    return {
        "by row, through the index": pages_read(ask(layout="rows", via="index")),
        "by row, every page": pages_read(ask(layout="rows", via="scan")),
        "by column": pages_read(ask(layout="columns")),
    }


def columns_until_the_index_wins(people: int) -> int:
    """Return for how many columns the index first reads fewer pages than the column store, 14 if for none."""
    ask = partial(rows_asked.count, people=people)
    by_index = pages_read(ask(layout="rows", via="index"))
    wins = (k for k in range(1, len(ASKED) + 1) if by_index < pages_read(ask(layout="columns", columns=k)))
    return next(wins, len(ASKED) + 1)


# ------------------------------------------------------------------------------------------ 5. both at once
def waits_ms(run: Trace, *, from_ms: float = 30.0, to_ms: float = 55.0) -> list[float]:
    """Return how long each read took that ended in that time, in milliseconds, in order."""
    ended = [row for row in run.of("finish") if from_ms * 1e3 <= row.time_us < to_ms * 1e3]
    return sorted(float(row.fields["sojourn_us"] or 0) / 1e3 for row in ended)


def times_as_long(run: Trace) -> float:
    """Return how many times as long as before a typical read takes while the dashboard scans."""
    return median(waits_ms(run)) / median(waits_ms(run, from_ms=10, to_ms=30))


def slower_in_words(run: Trace) -> str:
    """Return the same as one of `SLOWER`."""
    times = times_as_long(run)
    return SLOWER[(times > 2) + (times > 5)]


def found_in_memory(run: Trace) -> list[tuple[float, float]]:
    """Return the milliseconds, and which share of the pages that the reads wanted was in memory just before."""
    return [(1e3 * at_s, share) for at_s, share in zip(*gauge(run, FOUND), strict=True)]
