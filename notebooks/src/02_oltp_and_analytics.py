# %% [markdown]
# # Transactions and analytics
#
# <!-- binder --><!-- /binder -->
#
# *The same bytes, laid down by row or by column: who must read what, and where the one overtakes the other.*

# %% [markdown]
# ## Question
#
# Slumber keeps a table of nights: thirteen columns, 64 bytes a night. The app asks for all that is known of *one*
# night, a thousand times a second. An analyst asks for *one number of every* night, once an hour: how long does the
# world sleep?
#
# Both ask the same table. Why do they not want the same database?

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
# - What makes OLTP is **many small transactions at once**, each isolated from the others, by key. *Real time* alone
#   does not tell the two apart: there is analytics in real time, too.
# - Analytics touches **few** columns (three to eight, say) of **many** rows, nearly always through a filter. The
#   cheapest byte is the one that is skipped.
# - A **cube** is one technique inside a warehouse: answers worked out ahead. A warehouse is the system (lab 05).
# - Cutting a row store's table by column does not make it a column store: headers, and the way that work is handed
#   on, matter as much (below, and lab 11).

# %% [markdown]
# ## Picture
#
# The same 24,000 nights twice: on the left by row, on the right by column. Each tile is a **page** of 8 KiB, which is
# read whole or not at all. The question: how long did everybody sleep? That is one column of thirteen.
#
# Press **space**. What was asked for is **green**; what was read along with it, because it stands on the same page,
# is **hatched in yellow**; what stayed unread is grey.

# %%
from dsys_lab.scenarios.oltp_and_analytics import columns_asked

player(columns_asked, compare={"layout": ("rows", "columns")})

# %% [markdown]
# By row each page has a thin green thread in a yellow sheet: 2 bytes of each night were wanted, and 64 came. By
# column the wanted bytes stand side by side, seven pages of them, and nothing else moves.

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
# Thirty-four times fewer, and no cleverness was needed. The rule to take away: **by row you read the rows that you
# touch, by column the columns that you touch.** The rest of this lab is about what happens in between.

# %% [markdown]
# ## Look inside
#
# How does each store answer "night 17"? By row: a tree of keys says on which page it stands; read that page.

# %%
from dsys_lab.stores.column_store import ColumnStore
from dsys_lab.stores.row_store import RowStore

show_source(RowStore.get, ColumnStore.get)

# %% [markdown]
# By column the row has to be put together again: `view.row` reads a piece of every column. And this is how a scan by
# row goes on, a page a step, so that others can come in between:

# %%
from dsys_lab.stores.row_store import Cursor

show_source(Cursor.step)

# %% [markdown]
# Every page that is moved leaves a row in the **trace**, with the bytes of it that were asked for. Pictures and
# counts are made from these rows and from nothing else:

# %%
run = columns_asked(layout="rows")
print(run.text(0, 3))

# %%
run.sql(
    "select file, count(*) as pages, sum(size_bytes)::int as bytes_read, sum(used_bytes)::int as bytes_asked_for "
    "from trace where kind = 'page_read' group by file"
)

# %% [markdown]
# ## Predict
#
# Write down what you believe before you see it.

# %%
all_columns = predict(
    "02/all-columns",
    "One column of all nights: 200 pages by row, 7 by column. And all thirteen columns: how many pages by column?",
    between=(7, 700),
    unit="pages",
)
all_columns

# %%
one_night = predict(
    "02/one-night",
    "All that is known of one night, cold: by row it is 3 pages. How many are read by column?",
    between=(3, 300),
    unit="pages",
)
one_night

# %%
worth_an_index = predict(
    "02/worth-an-index",
    "24,000 nights on 200 pages. An index finds the nights that you want, which lie anywhere. How many percent of all "
    "nights can you ask for until 9 of 10 pages must be read?",
    between=(0.1, 100),
    unit="% of the nights",
)
worth_an_index

# %%
who_suffers = predict(
    "02/who-suffers",
    "A dashboard scans the table that the app reads from; the scan even lets every read go first. What happens to a "
    "typical read?",
    choices=["nothing, it goes first", "twice as slow", "ten times as slow"],
)
who_suffers

# %% [markdown]
# ## Play
#
# ### 1. How many columns?
#
# Widen the thread: move **columns** from 1 to 13. Then let the columns be *packed* (each written in as few bits as
# its values need), and try a slower device.

# %%
player(
    columns_asked,
    compare={"layout": ("rows", "columns")},
    columns=(1, 13),
    codec=["plain", "packed"],
    on=["nvme", "hdd", "s3"],
)

# %%
from dsys_lab.scenarios.oltp_and_analytics import law_by_columns, pages_by_columns
from dsys_lab.views import charts

counted = pages_by_columns(1, 2, 4, 6, 8, 10, 12, 13)
charts.lines(counted, laws=law_by_columns(), title="Pages for k columns of all nights", x="columns", y="pages")

# %%
all_columns.reveal(dict(counted["by columns"])[13], law=law_by_columns()["law of columns"][-1][1])

# %% [markdown]
# The last step is steep, for the last column is the note: 36 bytes of text, wider than the twelve others together. So
# count **bytes, not columns**. And when everything is wanted the two read the same: by column there are a few pages
# more, for every text says how long it is, and every column has a last page that is not full.

# %% [markdown]
# ### 2. Two questions, two layouts
#
# Now the app's question: one night, all its columns.

# %%
from dsys_lab.scenarios.oltp_and_analytics import one_or_all, two_by_two

player(one_or_all, compare={"layout": ("rows", "columns")}, question=["one night", "every night"])

# %%
import pandas as pd

pages = pd.DataFrame(two_by_two())
pages

# %%
one_night.reveal(int(pages.loc["by columns", "one night"]))

# %% [markdown]
# The table is the whole lab in four numbers: whoever is good at the one is bad at the other. A column store keeps
# columns in pieces (*chunks*) of 8,192 rows and reads a piece whole, for it is usually compressed whole. So one night
# costs thirteen pieces, that of the key being searched on the way, and half of their pages are the note's.

# %% [markdown]
# ### 3. New rows
#
# A new night changes two pages by row (its own, and one of the key's tree), and one page of *each* column by column.
# What saves the column store is to wait: new rows are kept in memory (and in a log, so that they are safe) and are
# written together. Move **together**.

# %%
from dsys_lab.scenarios.oltp_and_analytics import pages_written, taking_in

player(taking_in, compare={"layout": ("rows", "columns")}, together=(1, 30))

# %%
from dsys_lab.laws import merge_pages_per_row

sizes = (1, 2, 4, 8, 16, 32, 64)
written = {f"by {layout}": pages_written(layout, *sizes) for layout in ("rows", "columns")}
law = [(size, merge_pages_per_row(13, pages_per_chunk=1, merge_rows=size)) for size in sizes]
charts.lines(written, laws={"13 / together": law}, title="Pages written for one new night", x="together", y="pages")

# %% [markdown]
# Written one by one, a night costs thirteen pages by column and two by row. Written 64 together, it costs a quarter
# of a page by column and a twentieth by row: still four to five times as much, but of almost nothing. The price is
# not speed but *time*: what waits is in memory and in the log, and every question must look there, too.

# %% [markdown]
# ### 4. Some of the rows
#
# Between one row and all rows there is an index. It says where the wanted rows are, and each page on which one of
# them lies is read once. Here are the nights of some people, and the nights of the first days:

# %%
from dsys_lab.laws import pages_hit
from dsys_lab.scenarios.oltp_and_analytics import pages_by_people

scattered = pages_by_people(1, 2, 4, 8, 16, 32)
together = pages_by_people(1, 3, 6, 10, 13, by="date_key")
law = [(rows, pages_hit(200, rows)) for rows in range(1, 1900, 20)]
charts.lines(
    {"of some people": scattered, "of some days": together},
    laws={"anywhere, by chance": law},
    references={"every page": 200},
    title="Pages through the index",
    x="nights asked for",
    y="pages of the heap",
)

# %% [markdown]
# The law is Cárdenas's: rows thrown on pages by chance. It bends early, for there are 120 nights on a page and one is
# enough to need it. The nights of one *person* are thrown nearly so. The nights of one *day* lie side by side,
# because they came in that order, and are far below the law: **an index is as good as the order of the table
# allows**.
#
# Your prediction, against what whole people needed, and against the law:

# %%
by_law = next(rows for rows in range(1, 24_000) if pages_hit(200, rows) >= 180)
counted_rows = next(rows for rows, pages in pages_by_people(*range(12, 20)) if pages >= 180)
worth_an_index.reveal(100 * counted_rows / 24_000, law=100 * by_law / 24_000)

# %% [markdown]
# At two or three rows of a hundred nine pages of ten must be read anyway: that is why a planner so often reads the
# whole table although there is an index. And against the column store, which has none? Begin with the nights of *one*
# person. Find the crossover: move **columns** until the last bar overtakes the first. Then ask for two **people**.

# %%
from dsys_lab.scenarios.oltp_and_analytics import pages_of_a_question

charts.sliding(
    lambda people, columns: charts.bars(pages_of_a_question(people=people, columns=columns), unit="pages"),
    people=(1, 40),
    columns=(1, 13),
)

# %% [markdown]
# The 49 nights of one person, of 24,000, lie on 46 pages; with the two of the index that is 48. Not before ten
# columns is the index worth its name; with fewer, reading *everything* of them beats knowing *where* to look. With
# two people it takes twelve columns, and with more the index wins only because of the note.

# %% [markdown]
# ### 5. Both at once
#
# The app reads single nights, four each millisecond, nine of ten from the same tenth of the table, which fits memory:
# 64 pages. From 30 ms to 55 ms a dashboard scans the table, over and over, but only while no read waits. On the left
# memory keeps what was used last; on the right a page that was used only once has to go first.

# %%
from dsys_lab.scenarios.oltp_and_analytics import interference

player(interference, compare={"policy": ("lru", "scan_resistant")})

# %%
from statistics import median

from dsys_lab.scenarios.oltp_and_analytics import waits_ms

busy = {policy: interference(policy=policy) for policy in ("lru", "clock", "scan_resistant")}
waits = {"before, any": median(waits_ms(busy["lru"], from_ms=10, to_ms=30))}
waits |= {policy: median(waits_ms(run)) for policy, run in busy.items()}
charts.bars(waits, title="A typical read while the dashboard scans", unit="milliseconds")

# %%
who_suffers.reveal("ten times as slow")

# %% [markdown]
# The scan takes nobody's turn; it takes their **memory**. Each of its pages is used once and pushes out one that
# would have been used again. So it is not enough that analytics runs at low priority: the pool must resist scans, or
# analytics must have a copy of its own. Try a larger memory, and more reads:

# %%
player(interference, compare={"policy": ("lru", "scan_resistant")}, frames=(48, 240), reads_a_ms=(1.0, 6.0))

# %% [markdown]
# ### 6. One by one, or by the thousand
#
# The same column, the same bytes: but each value is handed on alone, from the scan to the one who computes to the one
# who adds up, or two thousand at a time. How many calls is that?

# %%
from dsys_lab.laws import calls_by_vector
from dsys_lab.scenarios.oltp_and_analytics import calls

sizes = (1, 64, 2_048)
pd.DataFrame({size: [calls(vector_rows=size)[0], calls_by_vector(24_000, 2, vector_rows=size)] for size in sizes}, index=["counted", "law"])

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.lessons import measured

alone, by_thousands = interleaved(partial(calls, vector_rows=1), partial(calls, vector_rows=2_048), rounds=7)
measured([a / b for a, b in zip(alone, by_thousands, strict=True)], "times faster", usually="several times faster")

# %% [markdown]
# That is the second half of what makes a column store fast, and the half that a row store cut by column does not get.

# %% [markdown]
# ## Break it
#
# **The power goes** while nights wait in memory. On the left inserts were acknowledged as soon as they were in
# memory; on the right when they were safe in the log. Same moment, same luck.

# %%
cut = {"power_cut_after": 40, "seed": 1}
player(taking_in(synced=False, **cut), taking_in(synced=True, **cut), titles=["in memory is enough", "in the log first"])

# %% [markdown]
# One moment proves little. So let the power go before *every* step that the disk takes, and count nights that were
# acknowledged and are not there:

# %%
from dsys_lab.scenarios.oltp_and_analytics import every_power_cut

cuts = {layout: every_power_cut(layout=layout) for layout in ("rows", "columns")}
{layout: (len(lost), "power cuts", sum(lost), "nights lost") for layout, lost in cuts.items()}

# %% [markdown]
# **One stored bit flips.** Every page and every piece of a column has a checksum. What can still be read?

# %%
from dsys_lab.scenarios.oltp_and_analytics import after_a_flipped_bit

by_column = after_a_flipped_bit(layout="columns", file="06-minutes_sleep.0", offset=5_000)
by_row = after_a_flipped_bit(layout="rows", file="night.heap", offset=50_000)
{name: by_column[name] for name in ("city_id", "minutes_sleep")}

# %%
{name: by_row[name] for name in ("city_id", "minutes_sleep")}

# %% [markdown]
# The error names file, column and piece. By column all other columns are still there; by row one page is gone: every
# question that reads all rows fails, and so does every one about one of its 120 nights; all other nights can still be
# read by key.
#
# **NULL** is the quiet one: it breaks nothing and changes the answer. Where the device was off there is no
# `minutes_sleep`. Average, sum by number of nights:

# %%
from dsys_lab.scenarios.night_tables import night_table
from dsys_lab.stores.table import Measure

measures = [Measure("avg", "minutes_sleep"), Measure("sum", "minutes_sleep"), Measure("count", "night_id")]
[(average, total, number)] = night_table("columns").aggregate(measures)
round(average, 1), round(total / number, 1)

# %% [markdown]
# Three in a hundred are NULL, so the second number is 3% low: it counts a night without a reading as a night without
# sleep. Both are the answer to some question. Which one was asked?

# %% [markdown]
# ## Measure
#
# All of the above were our models. Now two real engines with the same nights: **SQLite**, a row store, whose file
# system we watch, so each page that it really reads is counted; and **DuckDB**, a column store, which tells what it
# read. The workload is the same object for all four; for an engine it turns into SQL:

# %%
from dsys_lab.workloads.operations import Aggregate, PointRead, Question, sql

one = PointRead(17)
every = Question((Aggregate("sum", "minutes_sleep"), Aggregate("count", "minutes_sleep")), by="city_id")
print(sql(one, "night", key="night_id"), sql(every, "night", key="night_id"), sep="\n")

# %%
from dsys_lab.engines.duckdb import DuckdbTable
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.scenarios.night_tables import KEY, NIGHT, carry_out, fill, side_by_side
from dsys_lab.trace import NO_TRACE

systems = {
    "row store": lambda recorder: night_table("rows", recorder=recorder),
    "SQLite": lambda recorder: fill(SqliteTable("night", NIGHT, key=KEY, recorder=recorder)),
    "column store": lambda recorder: night_table("columns", recorder=recorder),
    "DuckDB": lambda recorder: fill(DuckdbTable("night", NIGHT, key=KEY, recorder=recorder)),
}
pd.DataFrame(side_by_side(systems, {"one night": one, "every night, by city": every}))

# %% [markdown]
# Read it twice. First the digests: 64 bits of each answer, and **four times the same**. Then the bytes: SQLite reads
# as many pages as our row store for one night, and three more of two hundred for all. DuckDB reads in blocks of 256
# KiB, so at this size it has little to choose from; its advantage begins where a column is many blocks. For one night
# it goes through an index, and does not tell what that reads.
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
_, by_tree, _, by_vector = interleaved(*(partial(carry_out, table, one) for table in warm.values()), rounds=9)
measured([b / a for a, b in zip(by_tree, by_vector, strict=True)], "times SQLite's time, for one night", usually="DuckDB takes many times as long as SQLite, for one night")

# %%
_, by_tree, _, by_vector = interleaved(*(partial(carry_out, table, every) for table in warm.values()), rounds=9)
measured([a / b for a, b in zip(by_tree, by_vector, strict=True)], "times DuckDB's time, for every night", usually="SQLite takes twice as long as DuckDB and more, for every night")

# %% [markdown]
# ## On real data
#
# 27,004 flights left New York in January 2013. A flight has no key, so they are numbered; seventeen more columns, and
# NULLs that nobody made up: a cancelled flight has no departure, a diverted one no arrival delay. The same shape of
# question: how late did each carrier come in?

# %%
from dsys_lab.scenarios.flight_tables import FLIGHT, fill_flights, flight_table

late = Question((Aggregate("sum", "arr_delay"), Aggregate("count", "arr_delay"), Aggregate("count")), by="carrier")
skies = {
    "row store": lambda recorder: flight_table("rows", recorder=recorder),
    "SQLite": lambda recorder: fill_flights(SqliteTable("flights", FLIGHT, key="id", recorder=recorder)),
    "column store": lambda recorder: flight_table("columns", recorder=recorder),
    "DuckDB": lambda recorder: fill_flights(DuckdbTable("flights", FLIGHT, key="id", recorder=recorder)),
}
pd.DataFrame(side_by_side(skies, {"how late, by carrier": late, "one flight": PointRead(17)}))

# %% [markdown]
# Again four times the same answer, and the same shape: a factor of five between the layouts for two columns of
# eighteen, and the reverse for one flight. The answer itself, with the average taken over the flights that arrived,
# and over all:

# %%
answer = pd.DataFrame(carry_out(flight_table("columns"), late), columns=["carrier", "minutes", "arrived", "flights"])
answer.assign(over_arrived=answer.minutes / answer.arrived, over_all=answer.minutes / answer.flights).round(1)

# %% [markdown]
# SkyWest (OO) had one flight. And look at the two columns at the right: where many were cancelled, "over all" makes a
# late carrier look better *because* it cancelled.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | single rows by key, many writers, some columns change | a row store (PostgreSQL, MySQL, Aurora, SQLite) | p99 of reads; share of pages found in memory |
# | few columns of many rows, rows come in batches | a column store (DuckDB, Redshift, ClickHouse, Parquet files) | bytes read for a question; row groups skipped |
# | both, and the analyst may be a minute behind | a row store, and a copy by column, fed by its changes (lab 23) | how far the copy is behind |
# | both, on one machine, small | the row store alone, a pool that resists scans, and a covering index | that share again, when the report runs |
# | a filter finds less than 1% of the rows | an index, by row; a sort order, by column | pages read against rows returned |
#
# And whatever you choose: **count bytes first**. Most of the difference is there before anybody has optimised
# anything.

# %% [markdown]
# ## Exercises

# %%
exercise("02/pages_to_read")

# %%
def pages_to_read(rows, widths, asked, page_bytes):
    ...


exercise("02/pages_to_read", pages_to_read)

# %%
exercise("02/smallest_k")

# %%
def smallest_k(nights, rows):
    ...


exercise("02/smallest_k", smallest_k)

# %%
exercise("02/read_profile")

# %%
def read_profile(profile):
    ...


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
# the contract. HTAP systems (TiDB with TiFlash, SingleStore, AlloyDB) keep both layouts and the stream between them.
