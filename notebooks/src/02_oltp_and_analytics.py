# %% [markdown]
# # Transactions and analytics
#
# <!-- binder --><!-- /binder -->
#
# *One table, laid down by row or by column: who must read what, and where does the one overtake the other?*

# %% [markdown]
# ## Question
#
# Slumber keeps a table of nights: thirteen columns, 64 bytes a night. The app asks for all that is known of *one*
# night, thousands of times a second. An analyst asks for *one number of every* night, once an hour: how long does the
# world sleep?
#
# Both ask the same table. Why do they not want the same database?
#
# *In a hurry:* Picture, By hand, experiments 1, 2 and 5 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import exercise, notes, player, predict, progress, show_source

# %% [markdown]
# ## The notes say

# %%
notes("OLTP vs Analytics")

# %% [markdown]
# The contrast of shapes is the heart of it: many columns of one row, against one column of every row. This lab makes
# it into numbers. What can be added, as of November 2026:
#
# - **OLTP**, *online transaction processing*, is many small transactions at once, each isolated from the others, by
#   key. *Real time* alone does not tell it apart: there is analytics in real time, too.
# - Analytics touches **few** columns (three to eight, say) of **many** rows, nearly always through a filter. The
#   cheapest byte is the one that is skipped.
# - A **cube** is one technique inside a warehouse: answers worked out ahead. A warehouse is the system (lab 05).
# - Cutting a row store's table by column does not make it a column store: headers, and the way that work is handed
#   on, matter as much (below, and lab 11).

# %% [markdown]
# ## Picture
#
# The same 24,000 nights twice. Each tile is a **page** of 8 KiB, which is read whole or not at all.
#
# - On the left by row: night after night in one file of pages, the **heap**. Beside it stands `by_night_id`, a tree of
#   keys that says on which page of the heap a night stands: an **index**.
# - On the right by column: every column is a file of its own.
#
# The question: how long did everybody sleep? That is one column of thirteen, `minutes_sleep`. Press **space**. What
# was asked for is **green**; what was read along with it, because it stands on the same page, is **yellow and
# hatched**; what nobody read is grey.

# %%
from dsys_lab.scenarios.oltp_and_analytics import columns_asked

player(columns_asked, compare={"layout": ("rows", "columns")})

# %% [markdown]
# By row each page has a thin green thread in a yellow sheet: 2 bytes of each night were wanted, and 64 came. By
# column the wanted bytes stand side by side, and nothing else moves.

# %% [markdown]
# ## By hand
#
# How many nights fit a page? 8,192 bytes, less a header of 24; each night takes 64, and a slot of 4 that says where
# it begins.

# %%
from dsys_lab.laws import column_pages, row_pages, rows_on_page

rows_on_page(64)

# %% [markdown]
# So a million nights are so many pages, whatever is asked of them:

# %%
row_pages(1_000_000, 64)

# %% [markdown]
# And one column of 2 bytes? No slots, no other columns (and, to keep it simple, none of the bits that say where a
# value is NULL: one a night, an eighth of a byte more):

# %%
column_pages(1_000_000, 2)

# %% [markdown]
# So many times fewer, and no cleverness was needed:

# %%
round(row_pages(1_000_000, 64) / column_pages(1_000_000, 2))

# %% [markdown]
# The rule to take away: **by row you read the rows that you touch, by column the columns that you touch.** The rest
# of this lab is about what happens in between.

# %% [markdown]
# ## Look inside
#
# How does each store find "night 17"?
#
# ```text
# by row      by_night_id: root --> leaf --> "page 0, slot 17"
#                 --> heap, page 0: the whole night
#
# by column   night_id: where does 17 stand? --> "row 17"
#                 --> person_id: its value in row 17
#                 --> date_key:  its value in row 17
#                 --> ... and so on, for every column
# ```
#
# A column is kept in pieces of 8,192 rows, called **chunks**. A chunk is read whole, for it is usually compressed
# whole.

# %%
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore

show_source(RowStore.get, ColumnStore.get)

# %% [markdown]
# Every page that is moved leaves a row in the **trace**, with the bytes of it that were asked for. Pictures and
# counts are made from these rows and from nothing else:

# %%
run = columns_asked(layout="rows")
print(run.text(0, 3))

# %%
run.sql(
    "select file, count(*) as pages, sum(size_bytes)::int as bytes_read, "
    "sum(used_bytes)::int as bytes_asked_for from trace where kind = 'page_read' "
    "group by file"
)

# %% [markdown]
# ## Predict
#
# The question of the whole lab. Write down what you believe before you see it; experiment 2 answers it. (*Cold*:
# nothing is in memory yet.)

# %%
one_night = predict(
    "02/one-night",
    "All that is known of one night, cold: by row it is 3 pages. How many pages are "
    "read by column?",
    between=(3, 300),
    unit="pages",
)
one_night

# %% [markdown]
# ## Play
#
# ### 1. How many columns?
#
# One column of thirteen is the best that can happen to a column store. Now the question is widened, a column at a
# time; the `note`, a text, comes last.

# %%
twelve_columns = predict(
    "02/twelve-columns",
    "One column of all nights: 200 pages by row, 7 by column. And twelve of the "
    "thirteen, all but the note: how many pages by column?",
    between=(7, 700),
    unit="pages",
)
twelve_columns

# %%
from dsys_lab.scenarios.oltp_and_analytics.counts import (
    law_by_columns,
    pages_by_columns,
)
from dsys_lab.views import charts

# %%
counted, law = pages_by_columns(1, 2, 4, 6, 8, 10, 12, 13), law_by_columns()
axes = {"title": "Pages read for all nights", "x": "columns", "y": "pages"}
twelve_columns.reveal(
    next(pages for k, pages, _ in counted["by columns"] if k == 12),
    law=law["by columns"](12),
    why="The twelve are less than half of a night's bytes. Count bytes, not columns.",
    show=charts.against_law(counted, laws=law, whole_x=True, **axes),
)

# %% [markdown]
# Widen the thread yourself: move **columns** from 1 to 13. What does the last step add? Then let the columns be
# *packed* (each written in as few bits as its values need), and try a slower device.

# %%
player(
    columns_asked,
    compare={"layout": ("rows", "columns")},
    columns=(1, 13),
    codec=["plain", "packed"],
    on=["nvme", "hdd", "s3"],
)

# %% [markdown]
# The last step is the note: 36 bytes of text, wider than the twelve others together. And when everything is wanted
# the two read the same: by column there are a few pages more, for every text says how long it is, and every column
# has a last page that is not full.

# %% [markdown]
# ### 2. Two questions, two layouts
#
# Now the app's question, that of your first prediction: one night, all its columns.

# %%
import pandas as pd

from dsys_lab.scenarios.oltp_and_analytics import one_or_all
from dsys_lab.scenarios.oltp_and_analytics.counts import two_by_two

# %%
pages = pd.DataFrame(two_by_two())
one_night.reveal(
    int(pages.loc["by columns", "one night"]),
    why="A piece of every column is read for one value of it.",
    show=(player(one_or_all, compare={"layout": ("rows", "columns")}), pages),
)

# %% [markdown]
# The table is the whole lab in four numbers: whoever is good at the one is bad at the other. Of the column `night_id`
# a chunk was *searched* for the key: that is yellow, too, for nobody asked for the other keys in it.
#
# **Is there nothing in between?** Cut the table into pieces of so many rows, **row groups**, and lay down each piece
# by column, one piece after the other in one file. That is **PAX**, and the form of Parquet files. On the left the
# app's question, on the right the analyst's. Choose how many rows a group has, **group rows**:

# %%
player(
    one_or_all,
    compare={"question": ("one night", "every night")},
    titles=["one night, by row groups", "every night, by row groups"],
    layout="row_groups",
    group_rows=[120, 512, 2_048, 8_192],
)

# %% [markdown]
# At which size do both cost the same? Find it above, then look here:

# %%
from dsys_lab.scenarios.oltp_and_analytics.counts import pages_by_group

by_group = pages_by_group(120, 256, 512, 1_024, 2_048, 4_096, 8_192)
axes = {"title": "Pages by row group", "x": "rows in a group", "y": "pages"}
charts.against_law(by_group, laws={}, log_x=True, log_y=True, **axes)

# %% [markdown]
# A group of one page is a row store to the disk: every page holds all columns. (So it was published, and what it saves
# is the way from memory to the processor.) Parquet and DuckDB make groups large, 122,880 rows in DuckDB, so that a
# chunk is many pages: then the disk sees a column store. And a row still stands in *one* place, so it is fetched in
# one stretch: on a device where the first byte is dear, one stretch costs less than thirteen.

# %% [markdown]
# ### 3. New rows
#
# A new night changes two pages by row (its own, and one of the key's tree), and one page of *each* column by column.
# What saves the column store is to wait: new rows are kept in memory (and in a log, so that they are safe) and are
# written together. How far does that help?

# %%
new_rows = predict(
    "02/new-rows",
    "A column store writes 64 new nights together. How many pages does it write for "
    "each of them, on average?",
    between=(0.02, 20),
    unit="pages a night",
)
new_rows

# %%
from dsys_lab.scenarios.oltp_and_analytics.counts import law_of_new_rows, pages_written

# %%
layouts, sizes = ("rows", "columns", "row_groups"), (1, 2, 4, 8, 16, 32, 64)
names = [f"by {layout.replace('_', ' ')}" for layout in layouts]
written = {
    name: pages_written(layout, *sizes)
    for name, layout in zip(names, layouts, strict=True)
}
law = {"by columns": law_of_new_rows}
axes = {"title": "Pages written", "x": "nights written together", "y": "pages a night"}
new_rows.reveal(
    written["by columns"][-1][1],
    law=law_of_new_rows(64),
    why="One page of each of the thirteen columns, shared by all that wait together.",
    show=charts.against_law(written, laws=law, log_x=True, log_y=True, **axes),
)

# %% [markdown]
# See it happen: nights wait **in memory** until so many are **together**; a page that is written is **slate**, and the
# curve below counts how many were written so far.

# %%
from dsys_lab.scenarios.oltp_and_analytics import taking_in

player(taking_in, compare={"layout": ("rows", "columns")}, together=(1, 30))

# %% [markdown]
# The dots of the chart stay about as far apart as they began: waiting helps all, and what is left of the difference is of
# almost nothing. (At 64 more is counted than the law says: some columns run over the end of a page, and write two.) Row
# groups write least, but groups of a few nights are rows again (above), so somebody must join them later. The price of
# waiting is not speed but *time*: what waits is in memory and in the log, and every question must look there, too.

# %% [markdown]
# ### 4. Some of the rows
#
# Between one row and all rows there is an index: it says where the wanted rows are, and each page on which one of
# them lies is read once. That must be better than reading everything, or not?

# %%
worth_an_index = predict(
    "02/worth-an-index",
    "24,000 nights on 200 pages. An index finds the nights that you want, which lie "
    "anywhere. How many percent of all nights can you ask for until 9 of 10 pages "
    "must be read?",
    between=(0.1, 100),
    unit="% of the nights",
)
worth_an_index

# %%
from dsys_lab.scenarios.oltp_and_analytics import counts

# %%
asked = {
    "of some people": counts.pages_by_people(1, 2, 4, 8, 16, 32),
    "of some days": counts.pages_by_people(1, 3, 6, 10, 13, by="date_key"),
}
law = {"of some people": counts.law_of_the_heap}
axes = {"title": "Through the index", "x": "nights asked for", "y": "pages of the heap"}
worth_an_index.reveal(
    100 * counts.nights_that_need(180) / 24_000,
    law=100 * counts.law_of_nights_that_need(180) / 24_000,
    why="One night is enough to need a page, and there are many on each.",
    show=charts.against_law(asked, laws=law, **axes),
)

# %% [markdown]
# The law is Cárdenas's: rows thrown on pages by chance. The nights of one *person* are thrown nearly so, but one a day: the
# first days lie on one page each or less, the last ones on eight, so the first pages are met again and again and it takes
# more nights to reach nine of ten. The nights of
# one *day* lie side by side, because they came in that order, and are far below the law: **an index is as good as the
# order of the table allows**. And that is why a database's **planner**, the part of it that chooses how a question is
# answered, so often reads the whole table although there is an index.
#
# And against the column store, which has none?

# %%
crossover = predict(
    "02/crossover",
    "All nights of one person, 49 of 24,000. By column there is no index. From how "
    "many columns of the thirteen on does the index of the row store read fewer pages?",
    between=(1, 13),
    unit="columns",
)
crossover

# %% [markdown]
# Find it: move **columns** until the last bar overtakes the first. Then ask for two **people**, and for three.

# %%
charts.sliding(
    lambda people, columns: charts.bars(
        counts.pages_of_a_question(people=people, columns=columns),
        title="Pages read for one question, three ways",
        unit="pages",
    ),
    people=(1, 40),
    columns=(1, 13),
)

# %%
ways = {k: counts.pages_of_a_question(people=1, columns=k) for k in range(1, 14)}
by_columns = {way: [(k, ways[k][way]) for k in ways] for way in ways[1]}
wide = {"title": "All nights of one person", "x": "columns", "y": "pages"}

# %%
first = {n: counts.columns_until_the_index_wins(people=n) for n in (1, 2, 3)}
bars = {f"people: {n}": columns for n, columns in first.items()}
crossover.reveal(
    first[1],
    why="With fewer, reading *everything* of them beats knowing *where* to look.",
    show=(
        charts.lines(by_columns, **wide),
        charts.bars(bars, title="The index wins from here on", unit="columns"),
    ),
)

# %% [markdown]
# ### 5. Both at once
#
# Memory holds fewer pages than the disk: here 64, each in a **frame** of the *buffer pool*. When a page is wanted that
# is in no frame, another must go: under `lru` the one *least recently used*.
#
# The app reads single nights, four each millisecond, nine of ten of them from the same tenth of the table, the first:
# that tenth fits the 64 frames with room to spare. From 30 ms to 55 ms a dashboard reads the whole table, over and
# over, a page whenever no read of the app waits.

# %%
who_suffers = predict(
    "02/who-suffers",
    "How long does a typical read of the app take while the dashboard reads, against "
    "before?",
    choices=list(counts.SLOWER),
)
who_suffers

# %%
from dsys_lab.scenarios.oltp_and_analytics import interference

# %%
policies = ("lru", "clock", "scan_resistant")
busy = {policy: interference(policy=policy) for policy in policies}
found = {policy: counts.found_in_memory(run) for policy, run in busy.items()}
memory = {"title": "In memory", "x": "milliseconds", "y": "share of the pages wanted"}
memory["bands"] = {"the dashboard": (30, 55)}
who_suffers.reveal(
    counts.slower_in_words(busy["lru"]),
    why="The scan takes nobody's turn; it takes their memory: each of its pages is "
    "used once and pushes out one that would have been used again.",
    show=charts.lines({"lru": found["lru"]}, **memory),
)

# %% [markdown]
# What would you let go instead? Two other policies:
#
# - `clock` is nearly `lru` and cheaper: a hand goes round the frames and takes the first page that was not used since
#   it last passed.
# - `scan_resistant` lets those go first that were used only once; a page that was used again is kept.

# %%
charts.lines(found, **memory)

# %%
charts.bars(
    {policy: counts.times_as_long(run) for policy, run in busy.items()},
    title="A typical read meanwhile",
    unit="times as long as before",
)

# %% [markdown]
# In the picture is the table, page by page, and **coloured is what is in memory**; what had to leave is grey again.
# Look at the first rows of `heap` from 30 ms on: that is the tenth that the app wants. Then try more **frames**, and
# more reads:

# %%
player(
    interference,
    compare={"policy": ("lru", "scan_resistant")},
    frames=(48, 240),
    reads_a_ms=(1.0, 6.0),
)

# %% [markdown]
# So it is not enough that analytics runs at low priority: the pool must resist scans, or analytics must have a copy of
# its own.

# %% [markdown]
# ### 6. One by one, or by the thousand
#
# The same column, the same bytes: but each value is handed on alone, from the scan to the one who computes to the one
# who adds up, or many at a time. Bytes are not all that costs: every handing on is a call.

# %%
by_the_thousand = predict(
    "02/calls",
    "24,000 values go from a scan to one who computes to one who adds up. One by one "
    "that is 48,002 calls. And 2,048 at a time?",
    between=(2, 48_002),
    unit="calls",
)
by_the_thousand

# %%
from dsys_lab.laws import calls_by_vector
from dsys_lab.scenarios.oltp_and_analytics.layouts import calls

# %%
by_size = {size: calls(vector_rows=size)[0] for size in (1, 64, 2_048)}
law = {size: calls_by_vector(24_000, 2, vector_rows=size) for size in by_size}
by_the_thousand.reveal(
    by_size[2_048],
    law=law[2_048],
    why="Two askers, a call each for every 2,048 values and one to hear: no more.",
    show=pd.DataFrame({"counted": by_size, "law": law}).rename_axis("values a call"),
)

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.lessons import measured

# %%
one, many = (partial(calls, vector_rows=size) for size in (1, 2_048))
alone, by_thousands = interleaved(one, many, rounds=7)
times = [a / b for a, b in zip(alone, by_thousands, strict=True)]
measured(times, "times faster", usually="several times faster")

# %% [markdown]
# That is the second half of what makes a column store fast, and the half that a row store cut by column does not get.

# %% [markdown]
# ## Break it
#
# **The power goes** while nights wait in memory. On the left inserts were acknowledged as soon as they were in
# memory; on the right when they were safe in the log. Same moment, same luck.

# %%
cut = {"power_cut_after": 40, "seed": 1}
careless, careful = taking_in(synced=False, **cut), taking_in(synced=True, **cut)
player(careless, careful, titles=["in memory is enough", "in the log first"])

# %% [markdown]
# One moment proves little. So let the power go before *every* step that the disk takes, both ways, and count nights that
# were acknowledged and are not there:

# %%
from dsys_lab.scenarios.oltp_and_analytics.layouts import every_power_cut

ways = {"in memory is enough": False, "in the log first": True}
cuts = {
    (f"by {layout}", way): every_power_cut(layout=layout, synced=synced)
    for layout in ("rows", "columns")
    for way, synced in ways.items()
}
pd.DataFrame(
    [(len(lost), sum(lost)) for lost in cuts.values()],
    index=pd.MultiIndex.from_tuples(cuts),
    columns=["power cuts", "acknowledged and lost"],
)

# %% [markdown]
# **One stored bit flips.** Every page and every chunk has a *checksum*, a number made from its bytes, by which that is
# noticed. What can still be read, of this column and of another?

# %%
from dsys_lab.lessons.tables import table
from dsys_lab.scenarios.oltp_and_analytics.layouts import after_a_flipped_bit

flip = {"file": "06-minutes_sleep.0", "offset": 5_000}
by_column = after_a_flipped_bit(layout="columns", **flip)
asked = "city_id", "minutes_sleep"
table(("by column", "what can be read"), [(name, by_column[name]) for name in asked])

# %%
flip = {"file": "night.heap", "offset": 50_000}
by_row = after_a_flipped_bit(layout="rows", **flip)
table(("by row", "what can be read"), [(name, by_row[name]) for name in asked])

# %% [markdown]
# The error names file, column and chunk. By column all other columns are still there; by row one page is gone: every
# question that reads all rows fails, and so does every one about one of its nights; all other nights can still be
# read by key.
#
# **NULL** is the quiet one: it breaks nothing and changes the answer. Where the device was off there is no
# `minutes_sleep`. The average, the sum by the number of nights, and how many percent of all nights have a reading:

# %%
from dsys_lab.scenarios.oltp_and_analytics.night_tables import night_table
from dsys_lab.stores.table import Measure

# %%
measures = [Measure(function, "minutes_sleep") for function in ("avg", "sum", "count")]
measures.append(Measure("count", "night_id"))
[(average, total, read, number)] = night_table("columns").aggregate(measures)
round(average, 1), round(total / number, 1), round(100 * read / number, 1)

# %% [markdown]
# The second number is low by just the nights without a reading: it counts each as a night without sleep. Both are the
# answer to some question. Which one was asked?

# %% [markdown]
# ## Measure
#
# All of the above were our models. Now two real engines with the same nights: **SQLite**, a row store, whose file
# system we watch, so each page that it really reads is counted; and **DuckDB**, a column store, which tells what it
# read. The workload is the same object for all four; for an engine it turns into SQL:

# %%
from dsys_lab.workloads.operations import Aggregate, PointRead, Question, sql

# %%
one = PointRead(17)
minutes = Aggregate("sum", "minutes_sleep"), Aggregate("count", "minutes_sleep")
every = Question(minutes, by="city_id")
for operation in (one, every):
    print(sql(operation, "night", key="night_id"))

# %%
from dsys_lab.engines.duckdb import DuckdbTable
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.scenarios.oltp_and_analytics.night_tables import (
    KEY,
    NIGHT,
    carry_out,
    fill,
    kib_told,
    side_by_side,
)
from dsys_lab.trace import NO_TRACE

# %%
engines = SqliteTable, DuckdbTable
nights = [partial(engine, "night", NIGHT, key=KEY) for engine in engines]
systems = {
    "row store": lambda recorder: night_table("rows", recorder=recorder),
    "SQLite": lambda recorder: fill(nights[0](recorder=recorder)),
    "column store": lambda recorder: night_table("columns", recorder=recorder),
    "DuckDB": lambda recorder: fill(nights[1](recorder=recorder)),
}
told = side_by_side(systems, {"one night": one, "every night, by city": every})
{question: {answer.digest for answer in by.values()} for question, by in told.items()}

# %% [markdown]
# The digests, 64 bits of each answer, are **four times the same**: one for each question. And what was read for it:

# %%
charts.bars(kib_told(told["one night"]), title="Read for one night, cold", unit="KiB")

# %%
charts.bars(
    kib_told(told["every night, by city"]),
    title="Read for every night, by city, cold",
    unit="KiB",
)

# %% [markdown]
# SQLite reads as many pages as our row store for one night, and a few more for all. DuckDB reads in blocks of 256 KiB, so
# at this size it has little to choose from; its advantage begins where a column is many blocks. For one night it goes
# through an index, and does not tell what that reads.
#
# What the engines do otherwise than our models:

# %%
from dsys_lab.engines import duckdb, sqlite
from dsys_lab.lessons import differences

differences([*sqlite.DIFFERENCES, *duckdb.DIFFERENCES])

# %% [markdown]
# And time, warm, in turns. For one night SQLite is ahead of DuckDB; for all nights it is the other way round. **The
# sign flips**, and that is the lesson:

# %%
warm = {name: make(NO_TRACE) for name, make in systems.items()}
runs = (partial(carry_out, table, one) for table in warm.values())
_, by_tree, _, by_vector = interleaved(*runs, rounds=9)
measured(
    [b / a for a, b in zip(by_tree, by_vector, strict=True)],
    "times SQLite's time, for one night",
    usually="DuckDB takes many times as long as SQLite, for one night",
)

# %%
runs = (partial(carry_out, table, every) for table in warm.values())
_, by_tree, _, by_vector = interleaved(*runs, rounds=9)
measured(
    [a / b for a, b in zip(by_tree, by_vector, strict=True)],
    "times DuckDB's time, for every night",
    usually="SQLite takes twice as long as DuckDB and more, for every night",
)

# %% [markdown]
# ## On real data
#
# 27,004 flights left New York in January 2013. A flight has no key, so they are numbered; seventeen more columns, and
# NULLs that nobody made up: a cancelled flight has no departure, a diverted one no arrival delay. The same shape of
# question: how late did each carrier come in?

# %%
from dsys_lab.scenarios.oltp_and_analytics.flight_tables import (
    FLIGHT,
    fill_flights,
    flight_table,
)

# %%
delay = [Aggregate(function, "arr_delay") for function in ("sum", "count")]
late = Question((*delay, Aggregate("count")), by="carrier")
flights = [partial(engine, "flights", FLIGHT, key="id") for engine in engines]
skies = {
    "row store": lambda recorder: flight_table("rows", recorder=recorder),
    "SQLite": lambda recorder: fill_flights(flights[0](recorder=recorder)),
    "column store": lambda recorder: flight_table("columns", recorder=recorder),
    "DuckDB": lambda recorder: fill_flights(flights[1](recorder=recorder)),
}
questions = {"how late, by carrier": late, "one flight": PointRead(17)}
told = side_by_side(skies, questions)
{question: {answer.digest for answer in by.values()} for question, by in told.items()}

# %%
charts.bars(
    kib_told(told["how late, by carrier"]),
    title="Read for how late, by carrier",
    unit="KiB",
)

# %%
charts.bars(kib_told(told["one flight"]), title="Read for one flight", unit="KiB")

# %% [markdown]
# Again four times the same answer, and the same shape: the layouts far apart for two columns of eighteen, and the
# reverse for one flight. The answer itself, with the average taken over the flights that arrived, and over all:

# %%
names = ["carrier", "minutes", "arrived", "flights"]
answer = pd.DataFrame(carry_out(flight_table("columns"), late), columns=names)
averages = {"over_arrived": answer.arrived, "over_all": answer.flights}
answer.assign(**{name: answer.minutes / n for name, n in averages.items()}).round(1)

# %% [markdown]
# Pass over SkyWest (OO), which hardly flew. And look at the two columns at the right: where many were cancelled, "over
# all" makes a late carrier look better *because* it cancelled.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | single rows by key, many writers, some columns change | a row store (PostgreSQL, MySQL, Aurora, SQLite) | the slowest hundredth of the reads (p99); share of pages found in memory |
# | few columns of many rows, rows come in batches | a column store (DuckDB, Redshift, ClickHouse, Parquet files) | bytes read for a question; row groups skipped |
# | both, and the analyst may be a minute behind | a row store, and a copy by column, fed by its changes (lab 23) | how far the copy is behind |
# | both, on one machine, small | the row store alone, a pool that resists scans, and an index that holds the few columns asked for itself (a *covering* index) | that share again, when the report runs |
# | a filter finds less than 1% of the rows | an index, by row; a sort order, by column | pages read against rows returned |
#
# And whatever you choose: **count bytes first**. Most of the difference is there before anybody has optimised
# anything.

# %% [markdown]
# ## Exercises

# %%
exercise("02/pages_to_read")


# %%
def pages_to_read(rows, widths, asked, page_bytes): ...


exercise("02/pages_to_read", pages_to_read)

# %%
exercise("02/smallest_k")


# %%
def smallest_k(nights, rows): ...


exercise("02/smallest_k", smallest_k)

# %%
exercise("02/read_profile")


# %%
def read_profile(profile): ...


exercise("02/read_profile", read_profile)

# %% [markdown]
# **Design question.** A dashboard wants revenue by city every five seconds, from the table that customers order from.

# %%
exercise("02/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 3, "Transaction processing or analytics?",
#   "Column-oriented storage".
# - Copeland and Khoshafian, "A decomposition storage model", SIGMOD 1985. Ailamaki et al., "Weaving relations for
#   cache performance" (PAX), VLDB 2001. Stonebraker et al., "C-Store", VLDB 2005.
# - Cárdenas, "Analysis and performance of inverted data base structures", CACM 1975.
# - Johnson and Shasha, "2Q", VLDB 1994. Hellerstein, Stonebraker and Hamilton, "Architecture of a database system",
#   2007.
# - Boncz, Zukowski and Nes, "MonetDB/X100: hyper-pipelining query execution", CIDR 2005. Raasveldt and Mühleisen,
#   "DuckDB", SIGMOD 2019.
# - Abadi, Madden and Hachem, "Column-stores vs. row-stores: how different are they really?", SIGMOD 2008.
#
# Beyond one machine: OLTP goes on with replicas, sharding and consensus (labs 08, 09); analytics with many machines
# that share a store (labs 06, 11), where the network takes the place of the disk and freshness becomes a number in
# the contract. Systems for both (*HTAP*: TiDB with TiFlash, SingleStore, AlloyDB) keep both layouts and the stream between them.
