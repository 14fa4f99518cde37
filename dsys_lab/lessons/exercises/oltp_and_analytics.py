"""Exercises of lab 02: pages by layout, where the index and the column store meet, and a real engine's own account."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import duckdb

from dsys_lab import laws
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.oltp_and_analytics.counts import pages_read
from dsys_lab.scenarios.oltp_and_analytics.layouts import ASKED, columns_asked, rows_asked
from dsys_lab.scenarios.oltp_and_analytics.night_tables import RECORD_BYTES, WIDTH_BYTES
from dsys_lab.simulation.chance import stream
from dsys_lab.trace import Trace

LAB: Final = 2
PAGE_BYTES: Final = 8_192
HEADER_BYTES: Final = 24
SLOT_BYTES: Final = 4


# ------------------------------------------------------------------------------------------ (a) pages
class Table(NamedTuple):
    """How many rows, how wide each column is, which of them are asked for, and how large a page is."""

    rows: int
    widths: tuple[int, ...]
    asked: tuple[int, ...]
    page_bytes: int

    def __str__(self) -> str:
        columns = f"widths = {list(self.widths)}, asked = {list(self.asked)}"
        return f"rows = {self.rows:,}, {columns}, page_bytes = {self.page_bytes:,}"


NIGHT_WIDTHS: Final = (8, 4, 2, 1, 1, 2, 2, 1, 1, 1, 1, 4, 36)
TABLES: Final = (
    Table(1_000_000, NIGHT_WIDTHS, (6,), 8_192),
    Table(120, NIGHT_WIDTHS, (6,), 8_192),
    Table(121, NIGHT_WIDTHS, tuple(range(13)), 8_192),
    Table(1, (8,), (0,), 4_096),
)


def pages_to_read(rows: int, widths: Sequence[int], asked: Sequence[int], page_bytes: int) -> tuple[int, int]:
    """Return the pages that a question reads by row, and by column."""
    room = page_bytes - 24
    rows_a_page = room // (sum(widths) + 4)
    by_row = -(-rows // rows_a_page)
    by_column = sum(-(-rows * widths[column] // room) for column in asked)
    return by_row, by_column


def _hidden_tables() -> list[Table]:
    chance, tables = stream(1002, "tables"), list(TABLES)
    for _ in range(50):
        widths = tuple((1, 2, 4, 8, 16, 36)[int(chance() * 6)] for _ in range(2 + int(chance() * 12)))
        asked = tuple(column for column in range(len(widths)) if chance() < 0.4) or (0,)
        tables.append(Table(int(10 ** (7 * chance())), widths, asked, (4_096, 8_192, 16_384)[int(chance() * 3)]))
    return tables


def check_pages_to_read(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the layouts' arithmetic in hidden tables, and against two stores that really read."""
    for table in _hidden_tables():
        said, truth = _pair(function(*table)), pages_to_read(*table)
        if said != truth:
            told = f"you said {said[0]:,} pages by row and {said[1]:,} by column; it is {truth[0]:,} and {truth[1]:,}"
            return Verdict(passed=False, saw=f"For {table}: {told}. {_slip(table, said, truth)}".strip())
    nights = 24_000
    said = _pair(function(nights, NIGHT_WIDTHS, (3, 4, 7), PAGE_BYTES))
    counted = nights_read(nights)
    if said != counted:  # pragma: no cover  # only if the stores changed
        return Verdict(passed=False, saw=f"The stores read {counted}, you said {said}.")
    return Verdict(
        passed=True,
        saw=f"Right in {len(_hidden_tables())} tables; and two stores really read {counted[0]} and {counted[1]} pages.",
    )


@lru_cache(maxsize=1)
def nights_read(nights: int) -> tuple[int, int]:
    """Return the pages that the two stores really read for `city_id`, `age` and `awakenings` of all nights."""
    by_row = pages_read(columns_asked.count(layout="rows", columns=3, nights=nights))
    each = [pages_read(columns_asked.count(layout="columns", columns=k, nights=nights)) for k in (1, 3, 4, 5)]
    return by_row, each[1] - each[0] + each[3] - each[2]


def _pair(said: Any) -> tuple[int, int]:
    if not isinstance(said, tuple | list) or len(said) != 2:
        raise Misuse(f"it returned {brief(said)}; give two numbers: pages by row, pages by column")
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in said):
        raise Misuse(f"it returned {brief(said)}; give two whole numbers")
    if any(one != int(one) for one in said):
        raise Misuse(f"it returned {brief(said)}; nobody reads half a page: give whole numbers")
    return int(said[0]), int(said[1])


def _slip(table: Table, said: tuple[int, int], truth: tuple[int, int]) -> str:
    """Name the usual slip that gives these numbers, if one does."""
    rows, widths, asked, page_bytes = table
    room, wide = page_bytes - HEADER_BYTES, sum(widths)
    by_row = {
        -(-rows // (room // wide)): "Each row has a slot of 4 bytes on its page, too.",
        -(-rows // (page_bytes // (wide + SLOT_BYTES))): "A page has a header of 24 bytes.",
        -(-rows // (page_bytes // wide)): "A page has a header of 24 bytes, and each row a slot of 4.",
        -(-rows * (wide + SLOT_BYTES) // room): "A row does not go on on the next page: whole rows fit a page.",
        rows // (room // (wide + SLOT_BYTES)): "The last page is a page even if it is not full.",
    }
    by_column = {
        -(-rows * sum(widths[column] for column in asked) // room): "Each column is a file: its last page is its own.",
        sum(rows * widths[column] // room for column in asked): "The last page is a page even if it is not full.",
        sum(-(-rows * width // room) for width in widths): "By column only the columns that were asked for are read.",
        sum(-(-rows * widths[column] // page_bytes) for column in asked): "A page has room for 24 bytes less.",
        sum(-(-rows * (widths[c] + SLOT_BYTES) // room) for c in asked): "Values in a column stand without slots.",
        sum(-(-rows // (room // widths[c])) for c in asked): "A value may begin on one page and end on the next.",
    }
    if said[0] != truth[0]:
        return by_row.get(said[0], "")
    return by_column.get(said[1], "")


def _two_layouts(columns: int) -> list[Trace]:
    return [columns_asked(layout=layout, columns=columns) for layout in ("rows", "columns")]


PAGES: Final = Exercise(
    lab=LAB,
    name="pages_to_read",
    title="How many pages does a question read?",
    statement="""
A table has `rows` rows; column i is `widths[i]` bytes wide. A question is about every row, but only about the columns
in `asked` (their positions). A page has `page_bytes` bytes, of which 24 are its header.

By row, a row is all its columns one after the other, with a slot of 4 bytes on its page, and does not go on on the next
page. By column, each column is a file of its own, its values side by side without slots; a value may begin on one page
and end on the next.

Return `(pages by row, pages by column)`, exactly.""",
    skeleton="def pages_to_read(rows, widths, asked, page_bytes):\n    ...",
    example="A million nights, `minutes_sleep` asked for, pages of 8,192: `(8334, 245)`.",
    hints=(
        "How many rows fit one page? Whole rows, in what is left beside the header.",
        "Round up once a file: the last page is read whole, too. `-(-a // b)` rounds up.",
        "By row: rows / floor((page - 24) / (sum of widths + 4)); by column: rows * width / (page - 24). Round up.",
    ),
    check=check_pages_to_read,
    play=lambda function: _two_layouts(3),
    answer=pages_to_read,
)


# ------------------------------------------------------------------------------------------ (b) where they meet
def smallest_k(nights: int, rows: int) -> int | None:
    """Return from how many columns on the index of a row store reads fewer pages than the column store."""
    heap = laws.row_pages(nights, 64)
    by_row = laws.pages_hit(heap, rows)
    for k in range(1, 13):
        widths = [WIDTH_BYTES[name] for name in ("person_id", *ASKED[:k])]
        if by_row < laws.column_pages(nights, *widths):
            return k
    return None


def _hidden_questions() -> list[tuple[int, int]]:
    chance = stream(1003, "questions")
    fixed = [(1_000_000, 1), (1_000_000, 500), (1_000_000, 1_000_000), (120, 1), (24_000, 30), (24_000, 24_000)]
    sizes = [int(10 ** (3 + 3 * chance())) for _ in range(44)]
    return fixed + [(nights, max(1, int(nights * 10 ** (-4 * chance())))) for nights in sizes]


def check_smallest_k(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the laws, in hidden questions."""
    nevers = 0
    for nights, rows in _hidden_questions():
        said, truth = function(nights, rows), smallest_k(nights, rows)
        if said is not None and (isinstance(said, bool) or not isinstance(said, int)):
            raise Misuse(f"it returned {brief(said)}; give a number of columns, 1 to 12, or None")
        if said != truth:
            why = _why(nights, rows, said, truth)
            return Verdict(
                passed=False, saw=f"For {rows:,} of {nights:,} nights you said {said}; it is {truth}. {why}".strip()
            )
        nevers += truth is None
    right = len(_hidden_questions())
    return Verdict(passed=True, saw=f"Right in {right} questions; in {nevers} of them the row store never wins.")


def _why(nights: int, rows: int, said: int | None, truth: int | None) -> str:
    hit = laws.pages_hit(laws.row_pages(nights, RECORD_BYTES), rows)
    column = partial(laws.column_pages, nights)
    if said is None:
        k = truth or 1
        by_column = column(*(WIDTH_BYTES[name] for name in ("person_id", *ASKED[:k])))
        return f"With {k} columns the index reads {hit:,.0f} pages and the column store {by_column:,}."
    if rows < hit * 1.5 and truth != said and said > (truth or 0):
        return "Did you count the column by which the rows are chosen, person_id? It is read, too."
    if truth is None:
        return f"The rows lie on {hit:,.0f} pages: as many as all twelve columns together, or more."
    return f"The rows lie on {hit:,.0f} pages, for some share a page."


def play_smallest_k(function: Callable[..., Any]) -> list[Trace]:
    """Play a question at the k that the reader gives, through the index and by column."""
    said = function(24_000, 49)
    k = said if isinstance(said, int) and 1 <= said <= 12 else 1
    ask = partial(rows_asked, people=1, columns=k)
    return [ask(layout="rows"), ask(layout="columns")]


SMALLEST_K: Final = Exercise(
    lab=LAB,
    name="smallest_k",
    title="From how many columns on does the row store win?",
    statement="""
A question is about `rows` nights of `nights`, chosen by `person_id`, and needs k columns of each: the first k of
`ASKED` in `dsys_lab.scenarios.oltp_and_analytics.layouts`, at most 12 (all but the note). The rows lie anywhere.

The row store finds them by its index and reads each page on which one of them lies once (`laws.row_pages`, records of
64 bytes; `laws.pages_hit`; leave the index itself out). The column store reads the column `person_id` and the k columns
whole (`laws.column_pages`; widths in `WIDTH_BYTES` of `dsys_lab.scenarios.oltp_and_analytics.night_tables`).

Return the smallest k at which the row store reads **fewer pages**, or `None` if there is none.""",
    skeleton="""
from dsys_lab import laws
from dsys_lab.scenarios.oltp_and_analytics.night_tables import WIDTH_BYTES
from dsys_lab.scenarios.oltp_and_analytics.layouts import ASKED

def smallest_k(nights, rows):
    ...""",
    example="`smallest_k(1_000_000, 500)` is `1`; `smallest_k(24_000, 24_000)` is `None`.",
    hints=(
        "What the row store reads does not depend on k. What the column store reads only grows with k.",
        "So compute the pages by row once, then try k = 1, 2, …, 12 until the column store reads more.",
        "Compare `laws.pages_hit(laws.row_pages(nights, 64), rows)` with `laws.column_pages(nights, *widths)`.",
    ),
    check=check_smallest_k,
    play=play_smallest_k,
    answer=smallest_k,
)


# ------------------------------------------------------------------------------------------ (c) what an engine says
QUESTIONS: Final = {
    "one column of every night": "select sum(minutes) from night",
    "three days": "select sum(minutes) from night where day between 150 and 152",
    "a day's nights by city": "select city, sum(minutes) from night where day = 7 group by city order by city limit 3",
    "a filter that no zone map helps": "select count(*) from night where minutes between 100 and 101",
    "two days, asked for twice": "select count(*) from (select minutes from night where day = 1 union all "
    "select minutes from night where day = 399)",
    "nothing": "select sum(minutes) from night where day > 1000",
}


def read_profile(profile: dict[str, Any]) -> tuple[int, int, int]:
    """Return row groups skipped, rows scanned, and rows that came out of the scans."""
    skipped = scanned = out = 0
    operators = list(profile["operator"])
    while operators:
        operator = operators.pop()
        operators += operator.get("children", [])
        if operator["type"] == "TABLE_SCAN":
            skipped += operator["total_row_groups_to_scan"] - operator["row_groups_scanned"]
            scanned += operator["rows_scanned"]
            out += operator["intermediate_rows"]
    return skipped, scanned, out


@lru_cache(maxsize=1)
def profiles() -> dict[str, str]:
    """Return DuckDB's own profile of each question, as JSON; four hundred days of a thousand nights."""
    told = {}
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute(
            "create table night as select i as night_id, i // 1000 as day, i * 7919 % 600 as minutes, i % 50 as city "
            "from range(400_000) as t(i)"
        )
        db.execute("set enable_profiling = 'no_output'")
        db.execute("set profiling_mode = 'detailed'")
        for name, question in QUESTIONS.items():
            db.execute(question).fetchall()
            told[name] = db.get_profiling_information(format="json")
    return told


def check_read_profile(function: Callable[..., Any]) -> Verdict:
    """Hold the function against profiles of questions that DuckDB just answered."""
    for name, text in profiles().items():
        said, truth = function(json.loads(text)), read_profile(json.loads(text))
        if not isinstance(said, tuple | list) or len(said) != 3:
            raise Misuse(f"it returned {brief(said)}; give three numbers: groups skipped, rows scanned, rows out")
        for words, mine, right in zip(("row groups skipped", "rows scanned", "rows out"), said, truth, strict=True):
            if mine != right:
                slip = "A plan is a tree: look at the children of the children, and at every scan." * (not mine)
                saw = f"{name.capitalize()} (`{QUESTIONS[name]}`): {words} is {right:,}, you said {brief(mine)}. {slip}"
                return Verdict(passed=False, saw=saw.strip())
    asked = f"{len(QUESTIONS)} questions that DuckDB {duckdb.__version__} just answered"
    return Verdict(passed=True, saw=f"Right for {asked}.")


READ_PROFILE: Final = Exercise(
    lab=LAB,
    name="read_profile",
    title="What did the engine really do?",
    statement="""
After a question DuckDB tells what it did, as a tree of operators: `profile["operator"]` is a list, and an operator may
have `children`. Operators of `type` `TABLE_SCAN` read a table; each has `total_row_groups_to_scan`,
`row_groups_scanned`, `rows_scanned`, and `intermediate_rows`: how many rows it handed on.

(A *row group* is a piece of the table; the engine keeps the smallest and largest value of each column in it, and skips
the group where no row can pass.)

Return `(row groups skipped, rows scanned, rows that came out of the scans)`, over all scans of the plan. The smaller
the last is against the second, the more a better order of the table would help.""",
    skeleton="def read_profile(profile):\n    ...",
    example="Sum of a column over 400,000 rows in four groups, no filter: `(0, 400000, 400000)`.",
    hints=(
        "Print `profile['operator'][0]` and follow `children` down until you meet a TABLE_SCAN.",
        "Keep a list of operators still to look at; take one off, put its children on, until the list is empty.",
        "Skipped is the total less the scanned. Add up over all scans: a union has two.",
    ),
    check=check_read_profile,
    play=lambda function: _two_layouts(1),
    answer=read_profile,
)

# ------------------------------------------------------------------------------------------ to think about
DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="The dashboard on the order table",
    statement="""
The shop's orders stand in a row store, and customers wait for it. Now a dashboard wants revenue by city, refreshed
every five seconds, from the same table.

Let it ask the table itself, a replica, a store with both layouts (HTAP), a stream of changes into a column store, or a
load every night? For your choice: how old may the number be, and what does the dashboard show when its source is
down?""",
    model_answer="""
**Not the table itself.** Every five seconds a scan would push out of memory what the customers' reads live from; a pool
that resists scans helps the memory and not the disk.

**A replica by row** keeps the customers safe and is the least work: the dashboard still reads all columns of all
orders. Fresh to a second or so, until the replica falls behind, which happens exactly when much is sold: show its lag.
Good while a scan takes well under five seconds.

**A stream of changes into a column store** is what lasts: inserts are gathered and written together, the question reads
two columns. Fresh to the batch, some seconds. When the stream stops, the number stands still and looks healthy: so the
dashboard shows "as of 07:03:20" and turns grey after thirty seconds, and when it goes on, changes must be applied once
each, by their position.

**HTAP** is the same with the stream inside one product: less to run, one vendor, and the analytic copy lags, too.

**A load every night** is right when the number is for tomorrow's meeting. Ask first: who decides anything within five
seconds of looking at it?""",
)

TASKS: Final = (PAGES, SMALLEST_K, READ_PROFILE, DESIGN)
