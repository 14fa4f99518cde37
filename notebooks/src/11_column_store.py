# %% [markdown]
# # Column store
#
# <!-- binder --><!-- /binder -->
#
# *A question over a whole table, answered by many machines: which blocks nobody has to read, which rows have to travel,
# and who keeps all others waiting.*

# %% [markdown]
# ## Question
#
# *Slumber* has seen so many nights that no single machine reads them in time. *How long do people in Lisbon sleep, month
# by month?* is a question over all of them. So the table is cut, twice: by row, a part for each machine; and on each
# machine by column, into blocks.
#
# Where to cut is decided once, when the table is made. Which questions does that make cheap, and which dear?
#
# *In a hurry:* Picture, By hand, experiments 1, 4 and 5 of Play, *Where one machine ends*, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
    differences,
    exercise,
    facts,
    measured,
    notes,
    player,
    predict,
    progress,
    show_source,
)
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Column Store - AWS Redshift")

# %% [markdown]
# *Keep*: columnar, and made for analytics. *Sharpen*: a column is read at once, but the best scan is the one that does
# not take place. Speed is few columns, times small columns (compression), times **blocks that are skipped**, times many
# machines at work side by side. Lab 02 looks at one machine; here are several. Words that are often taken for each
# other:
#
# | it is said | in finer print |
# |---|---|
# | a sort key is an index | it is the order in which the rows lie; there is one, and nothing beside the table to search in |
# | a distribution key is a partition | it says on which *slice* (a part of a machine, below) a row lies; it skips nothing |
# | a primary key is unique | Redshift takes your word for it: what is loaded twice counts twice |
# | the nodes own the disks | that was 2013; since RA3 (a kind of node, of 2019) every block is an object in managed storage, and a node's disk is a cache |
# | one must choose all of this | AUTO chooses today; who knows the knobs can read what AUTO did |
#
# What AUTO does in Redshift: a small table begins on every node, and when it has grown it is moved in the background,
# to a key if there is a good one, else to rows in turn. From which size on is not published, so that is left out of
# this lab: whoever makes a table says where its rows lie. The *encoding* is chosen here, too, block by block, where
# nothing is said.

# %%
facts("redshift_block", "redshift_hidden_columns", "redshift_regions")

# %% [markdown]
# ## Picture
#
# One column of a table, cut into 48 **blocks**, from the first on top to the last. All that is known of a block without
# reading it is its smallest and its largest value: its **zone map**, drawn as a bar. The band of light is what a question
# asks for. A bar that misses the band is grey: nobody reads that block. Green was read and held something; yellow and
# hatched was read in vain.
#
# Move the band. Then let some of the rows lie elsewhere (`displaced`, the share of rows that are not where the order
# wants them).

# %%
from dsys_lab.scenarios.column_store import days, load, scan, shuffle, sorting

# %%
charts.sliding(
    lambda displaced, middle: charts.zone_maps(**sorting.drawn(displaced, middle)),
    displaced=[0.0, 0.002, 0.01, 0.05, 1.0],
    middle=(0.05, 0.95),
    at={"middle": 0.6},
)

# %% [markdown]
# The same while it happens, on two **slices** (a slice is a part of a machine with its own rows and its own process). A
# tile is a block (here of 1 KiB) of one of the two columns that the question names: the mean of the *minutes* on one
# *date*. Of a block that is read as much is green as was asked for; the rest came along. Press **space**; compare
# nights that lie by date with nights that lie in no order at all.

# %%
player(scan, compare={"order": ("by date", "shuffled")}, slices=(1, 4))

# %% [markdown]
# ## By hand
#
# A warehouse of two machines (*nodes*) with two slices each. A table has a **schema**, a **sort key**, and a
# **distribution** that says where its rows lie: `Even()` in turn, `Key(column)` by a hash of a column, `All()` on every
# node.

# %%
import pandas as pd

from dsys_lab.stores.warehouse import All, Cluster, Key, Warehouse
from dsys_lab.structures.schema import Schema

# %%
lab = Warehouse(Cluster(nodes=2, slices_a_node=2))
night = Schema.of("person u32, day u16, minutes u16?")
lab.create_table("night", night, distribution=Key("person"), sort_key=["day"])
lab.create_table("person", Schema.of("person u32, plan u8"), distribution=All())

# %% [markdown]
# Rows come in by files; a file is a few columns. All of them count together, when the last one is in its place. How many
# rows did each load bring?

# %%
people = lab.copy("person", [{"person": [1, 2, 3], "plan": [0, 1, 1]}])
nights = lab.copy(
    "night",
    [
        {"person": [1, 2, 3], "day": [0, 0, 0], "minutes": [430, 390, None]},
        {"person": [1, 2, 3], "day": [1, 1, 1], "minutes": [450, 400, 470]},
    ],
)
print(f"{people.rows} people, {nights.rows} nights")

# %%
joined = (
    "SELECT plan, count(*), avg(minutes) FROM night n "
    "JOIN person p ON n.person = p.person WHERE day >= 1 GROUP BY plan"
)
answer = lab.query(joined)
pd.DataFrame(answer.rows, columns=answer.columns)

# %% [markdown]
# And what it took: blocks of each column that were read, and blocks that were left alone, on all slices together.

# %%
pd.DataFrame({"read": answer.blocks_read, "skipped": answer.blocks_skipped})

# %% [markdown]
# `EXPLAIN` says how it goes. The word behind *Hash Join* is how rows come together; `DS_DIST_ALL_NONE`: one table is
# everywhere, nothing travels. The other words come in experiment 4.

# %%
print(lab.explain(joined))

# %% [markdown]
# What is wrong is said by its name, and changes nothing:

# %%
from dsys_lab.errors import DsysLabError

# %%
wrong = [
    lambda: lab.query("SELECT person FROM night ORDER BY minutes"),
    lambda: lab.copy("night", [{"person": [9], "day": [70_000], "minutes": [1]}]),
    lambda: lab.create_table("t", night, sort_key=["dya"]),
]
for call in wrong:
    try:
        call()
    except DsysLabError as error:
        print(f"{type(error).__name__}: {str(error)[:120]}")

# %% [markdown]
# ## Look inside
#
# Each slice keeps its rows in two **regions**. The *sorted* one is in the order of the sort key. What is loaded later,
# and does not go on behind the last row, lands in the *unsorted* one, until a **vacuum** merges both (in lab 06 it
# deleted old files, in lab 08 old versions; here it also puts rows in order). Two hidden columns say which transaction
# brought a row and which took it away: that is how a load counts whole or not at all. (A third, `row_id`, numbers the
# rows.)
#
# ```text
#                  sorted region                     unsorted region
# day              |0..31|31..60|60..92|             |3..91|0..88|
# minutes          |120..690    |98..705   |         |101..688   |
# insert_xid       |1                      |         |2    2     |     hidden
# delete_xid       |0                      |         |0          |     hidden
# ```
#
# The first blocks of the small table above, as Redshift shows them in `STV_BLOCKLIST`:

# %%
shown = ["slice", "column", "region", "block", "rows", "low", "high", "codec"]
pd.DataFrame(lab.blocks("night"))[shown].head(8)

# %% [markdown]
# Which rows of a region are still in question when the zone maps have been asked:

# %%
from dsys_lab.stores.warehouse.blocks import may_pass
from dsys_lab.stores.warehouse.moving import decide

show_source(may_pass)

# %% [markdown]
# And where it is decided what travels, out of five ways:

# %%
show_source(decide)

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the other predictions each open their own experiment.

# %%
one_in_a_thousand = predict(
    "11/one-in-a-thousand",
    "400,000 rows lie by time, a thousand in a block; but one row in a thousand lies "
    "somewhere else, anywhere. A hundredth of the table, in its middle, is asked for. "
    "Which share of the blocks is read?",
    between=(0, 100),
    unit="%",
)
one_in_a_thousand

# %% [markdown]
# ## Play
#
# ### 1. Order, and a little disorder
#
# With q the share of rows that are elsewhere, B the rows of a block, and a range from l to h (as shares of the table), a
# block below the range is read if *one* of its B rows is a stray from l or above, and the same from the other side:
#
# $$(h - l) + l\,\bigl(1 - (1 - q(1-l))^B\bigr) + (1-h)\,\bigl(1 - (1-qh)^B\bigr)$$

# %%
shares = {where: 100 * sorting.touched(1e-3, where) for where in sorting.WHERE}

# %%
one_in_a_thousand.reveal(
    shares["the middle"],
    law=100 * sorting.touched_by_law(1e-3),
    why="A block of a thousand rows has about one stray, and one is enough to make its "
    "bar reach over the middle.",
    show=charts.bars(shares, title="The same hundredth, elsewhere", unit="% read"),
)

# %% [markdown]
# At the recent end a stray hardly matters: a bar is drawn into the past by it, not into the future. That is where most
# questions of an app look, and why a warehouse may seem to be in order for years. The share over the disorder, counted
# and by law:

# %%
disorder = [0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
counted = {
    where: [(q, 100 * sorting.touched(q, where)) for q in disorder]
    for where in ("the middle", "the recent end")
}
by_law = {
    f"law, {where}": [(q, 100 * sorting.touched_by_law(q, where)) for q in disorder]
    for where in counted
}

# %%
charts.lines(
    counted,
    laws=by_law,
    title="Blocks read for a hundredth of the table",
    x="share of rows that are elsewhere",
    y="% of the blocks read",
)

# %% [markdown]
# That was made up. Real lateness of *Slumber*: phones without a network deliver their nights days later, and the table
# lies in the order of arrival. One day is asked for, of 250 rows in a block: which share of the rows is that, and which
# share of the blocks is read?

# %%
pd.DataFrame(
    {
        "as they arrived": sorting.as_they_arrived(),
        "after a vacuum": sorting.as_they_arrived(vacuumed=True),
    }
).T.map("{:.1%}".format)

# %% [markdown]
# ### 2. One table, one order
#
# Two questions, each about the minutes slept: of everybody on *one day*, and of *one person* on all days. Both are
# asked of the same nights, on one slice, in blocks of 1,200 bytes.

# %%
other_order = predict(
    "11/other-order",
    "The nights lie by person. Which share of the blocks does the question for one "
    "day read?",
    between=(0, 100),
    unit="%",
)
other_order

# %%
orders = sorting.three_orders()
by_person = orders["by person"]

# %%
other_order.reveal(
    100 * by_person["a day: blocks read"] / by_person["a day: of"],
    why="Everybody has nights on nearly all days, so a block holds nearly all days.",
    show=(
        charts.zone_maps(**sorting.ordered_tiles("by person", "a day")),
        charts.bars(
            {
                f"{order}, {asked}": 100
                * told[f"{asked}: blocks read"]
                / told[f"{asked}: of"]
                for order, told in orders.items()
                for asked in ("a day", "a person")
            },
            title="Blocks read, by order and question",
            unit="% of the blocks",
        ),
    ),
)

# %% [markdown]
# A table has one physical order. Counted are the blocks of the two columns that a question names. Choose order and
# question:

# %%
charts.sliding(
    lambda order, asked: charts.zone_maps(**sorting.ordered_tiles(order, asked)),
    order=["by date", "by person", "shuffled", "as they arrived"],
    asked=["a day", "a person"],
)

# %% [markdown]
# ### 3. Encodings
#
# An **encoding** writes a column smaller, each by one likeness of its values: *run_length* equal neighbours, as value and
# count; *dictionary* few different ones, as codes; *frame* values near each other, as few bits above the smallest;
# *delta* each by its step from the one before; *plain* nothing. (Redshift says RUNLENGTH, BYTEDICT, AZ64, DELTA and
# RAW; what AZ64 does is not published.) A column is read back at every question, so which one fits best is worth
# knowing.

# %%
smallest = predict(
    "11/city-encoding",
    "city_id: fifty cities in no order, one byte each when plain. Which of these five "
    "makes it smallest?",
    choices=["plain", "run_length", "dictionary", "frame", "delta"],
)
smallest

# %%
from dsys_lab.scenarios.column_store import encodings

# %%
bytes_of = encodings.table()
winners = {name: told["smallest"] for name, told in encodings.winners().items()}
sizes_as = {
    "done": "the smallest of the five",
    "moving": "smaller than plain",
    "late": "larger",
}


# %%
def box(name, codec):
    share = bytes_of[name][codec] / bytes_of[name]["plain"]
    role = "moving" if share < 1 else "late"
    said = f"{share:.0%}" if share > 0.1 else f"{100 * share:.2g}%"
    return "done" if winners[name] == codec else role, said


def side_by_side(*codecs):
    return {
        (name, codec.replace("_", "\n")): box(name, codec)
        for name, sizes in bytes_of.items()
        for codec in codecs
        if codec in sizes
    }


# %%
smallest.reveal(
    winners["city_id"],
    why="Fifty cities fit into six bits. A dictionary's code is a whole byte, which is "
    "what plain takes.",
    show=charts.verdict_grid(
        {
            "share of the plain bytes": side_by_side(
                "run_length", "dictionary", "frame", "delta"
            )
        },
        legend=sizes_as,
        title="20,000 nights that lie by date",
        box_inches=0.9,
    ),
)

# %% [markdown]
# The date is smallest as runs, for the nights lie by date; shuffle them, and it is not:

# %%
for name, told in encodings.winners("shuffled").items():
    if told["smallest"] != winners[name]:
        print(f"{name}: smallest by date {winners[name]}, shuffled {told['smallest']}")

# %% [markdown]
# Two laws. A column of *n* values, each of *w* bytes, that makes *r* runs of equal neighbours takes $r\,(w + 4)$ bytes as
# runs, for each run is its value and a length of 4 bytes; as a *frame* it takes $n \lceil \log_2(\text{range}+1) \rceil
# / 8$, where *range* is the largest value less the smallest. What is counted is a little more: a few bytes at the head
# of each block.

# %%
laws_of_bytes = {
    f"{name}, {codec}": {"counted": bytes_of[name][codec], "by law": round(law)}
    for name in ("date_key", "fw", "city_id")
    for codec, law in encodings.by_law(name).items()
}
pd.DataFrame.from_dict(laws_of_bytes, orient="index")

# %% [markdown]
# Two more are there for who names them. *mostly8*, *16*, *32* (as in Redshift) write every value in one, two or four
# bytes, and the few that do not fit whole, with their positions: see `sync_lag_s`, the seconds until a night came,
# mostly minutes and now and then days. *zlib* is a general compressor (Redshift has LZO and ZSTD): it also gives
# frequent values fewer bits, and is often smallest, but then nothing can be asked of a block, not even a sum, before
# all of it is unpacked. So it is not among those that are chosen unasked.

# %%
general = side_by_side("mostly8", "mostly16", "mostly32", "zlib")
charts.verdict_grid(
    {"share of the plain bytes": general},
    legend={role: sizes_as[role] for role in ("moving", "late")},
    title="The four that are never chosen unasked",
    box_inches=0.9,
)

# %% [markdown]
# One thing more: a date that is so small fits into a single block, and the zone map of a single block says nothing.
# That is why Redshift leaves the first column of a sort key RAW unless it is told otherwise.
#
# ### 4. What must travel
#
# Every slice joins what it has with what it has, so before that the partners must lie on one slice. Five ways, by the
# label that `EXPLAIN` prints (the *inner* table is the smaller one); of those that are possible the planner takes the
# one with the fewest bytes:
#
# | label | what travels |
# |---|---|
# | DS_DIST_NONE | nothing, both lie by the column that joins them |
# | DS_DIST_ALL_NONE | nothing, one is on every node |
# | DS_DIST_INNER | the inner table, to where the outer one lies |
# | DS_BCAST_INNER | the inner table, whole, to every node |
# | DS_DIST_BOTH | both, to where a hash of the column sends them |

# %%
travels = predict(
    "11/broadcast",
    "40,000 nights and 1,260 people lie in turn, on 4 nodes. A person on the way is 5 "
    "bytes. How many bytes travel when they are joined?",
    between=(0, 200_000),
    unit="bytes",
)
travels

# %%
from dsys_lab.scenarios.column_store import distributing

# %%
ways = distributing.joins()
grown = distributing.as_the_cluster_grows()

# %%
travels.reveal(
    ways["both in turn"]["bytes"],
    law=ways["both in turn"]["by law"],
    why="Everybody goes to the three nodes where they are not yet.",
    show=(
        charts.lines(
            grown,
            title="What travels to join 640 people",
            x="nodes",
            y="bytes between nodes",
        ),
        pd.DataFrame.from_dict(ways, orient="index"),
    ),
)

# %% [markdown]
# *Law*, for n nodes: a broadcast is inner × (n − 1) bytes, and grows with the cluster; rows that go where a hash sends
# them are (1 − 1/n) of what is sent, for 1/n is there already. Arcs are bytes between nodes; below,
# what each slice has to work on. Choose a way, and the number of nodes:

# %%
charts.sliding(
    lambda way, nodes: charts.slice_lanes(**distributing.drawn(way, nodes)),
    way=list(distributing.WAYS)[:5],
    nodes=(1, 6),
    at={"way": "both in turn", "nodes": 3},
)

# %% [markdown]
# ### 5. The one that all wait for
#
# The answer is there when the last slice has worked. With the city as the key every city lies on one slice.

# %%
waiting = predict(
    "11/straggler",
    "16 slices, the key is the city. A fifth of all nights are in one city. How many "
    "times longer than on even slices does the question take?",
    between=(1, 16),
    unit="times",
)
waiting

# %%
slices = [2, 4, 8, 16, 32, 64]
ratios = {
    key: [(count, distributing.skew(key, count)) for count in slices]
    for key in ("city_id", "person_id", "night_id")
}
at_least = [
    (count, max(1, count * distributing.largest_share("city_id"))) for count in slices
]

# %%
waiting.reveal(
    dict(ratios["city_id"])[16],
    law=dict(at_least)[16],
    why="The law is a floor: the slice of the largest city has at least that city.",
    show=charts.lines(
        ratios,
        laws={"floor, city_id": at_least},
        title="Fullest slice over the mean",
        x="slices",
        y="times",
    ),
)

# %% [markdown]
# As with the hot key of labs 01 and 09, more slices do not help: the line climbs because all others have less and less
# to do. Watch it: a message for each pair of nodes, then each slice at work (a dot in its box), and the leader that
# waits; the line below says how many slices it has heard. The picture opens late, at a moment at which some have done.
# Compare *both in turn* with *nights by city*.

# %%
player(shuffle, compare={"way": ("both in turn", "nights by city")}, nodes=(1, 4))

# %% [markdown]
# ### 6. Many tables of few rows
#
# Beside its few large tables a warehouse has many of a few rows: countries, plans, the settings of last year's campaign.
# What does such a table take on disk? (A block takes its full size there, whatever it holds.)

# %%
thousand_rows = predict(
    "11/few-rows",
    "A thousand nights of 13 columns, sort key, 4 slices, blocks of 1 MiB; some rows "
    "came late. How much does the table take?",
    between=(0.01, 1_000),
    unit="MiB",
)
thousand_rows

# %%
from dsys_lab.scenarios.column_store import loading

# %%
small, rows = loading.tiny(), (1_000, 10_000, 50_000)
by_rows = charts.lines(
    {
        "on disk": [(n, loading.tiny(n)["MiB on disk"]) for n in rows],
        "of values": [(n, loading.tiny(n)["MiB of values in them"]) for n in rows],
    },
    references={"least, by law": small["by law"]},
    title="What a table takes",
    x="nights",
    y="MiB",
    log_x=True,
    log_y=True,
)

# %%
thousand_rows.reveal(
    small["MiB on disk"],
    law=small["by law"],
    why="Every column of every slice has a block of its own, the three hidden ones "
    "too, in each of the two regions: block × (columns + 3) × slices × 2.",
    show=by_rows,
)

# %% [markdown]
# ### 7. Loading, and rows that come late
#
# Rows may be inserted as they happen, or gathered in files first and loaded together. The answers will be the same;
# what is written is not.

# %%
a_row = predict(
    "11/insert",
    "40 nights of 13 columns are inserted, each by itself. How many blocks are written "
    "for each?",
    between=(0, 60),
    unit="blocks a row",
)
a_row

# %%
inserts = loading.one_by_one()
by_batch = charts.against_law(
    {"counted": loading.blocks_a_row(1, 2, 4, 8, 20, 40)},
    laws={"counted": loading.insert_by_law},
    title="Blocks written for each of 40 rows",
    x="rows that come at once",
    y="blocks a row",
    log_x=True,
)

# %%
a_row.reveal(
    inserts["a row at a time"]["a row"],
    law=loading.insert_by_law(),
    why="Of each column, and of the three hidden ones, the last block is written anew.",
    show=(by_batch, pd.DataFrame.from_dict(inserts, orient="index")),
)

# %% [markdown]
# (Up to four rows at once go to four slices, each with its last blocks; from there on they share them.)
#
# And `COPY` gives each file to one slice, which reads one after the other. The rows count when the last file is in its
# place (✓ at the leader; below, how many files wait at a slice). Here is a moment late in a load of five files by four
# slices: who works, and who has nothing to do? Try four files, then eight:

# %%
player(load, files=(1, 9), slices=(1, 6))

# %% [markdown]
# *Rounds* are the files that the busiest slice reads, one after the other; *by law* ⌈files / slices⌉.

# %%
told = {count: loading.files(count) for count in (1, 4, 5, 8)}
pd.DataFrame.from_dict(told, orient="index").rename_axis("files")

# %% [markdown]
# Now late rows. Day after day two thousand nights are loaded; one in a hundred is of the two weeks before. (Rows go on in
# the sorted region only if all of a load come behind all that are there, and nothing is unsorted yet.)

# %%
unsorted = predict(
    "11/unsorted",
    "One row in a hundred comes late. After thirty days without a vacuum: which share "
    "of the rows is in the unsorted region?",
    between=(0, 100),
    unit="%",
)
unsorted

# %%
never, weekly = loading.late_days(0.01), loading.late_days(0.01, vacuum_every=7)
reads = {"no vacuum": never["blocks read"], "weekly": weekly["blocks read"]}
spent = {"by vacuums": weekly["blocks of vacuums"]}

# %%
unsorted.reveal(
    100 * never["unsorted"][-1][1],
    law=100 * loading.unsorted_by_law(),
    why="Behind a single late row nothing goes on in order: its load, and all later "
    "ones, are unsorted. Of two thousand rows hardly ever none is late.",
    show=(
        charts.lines(
            reads, title="Read for a day a week ago", x="day", y="blocks read"
        ),
        charts.lines(
            spent, title="Read and written by vacuums", x="day", y="blocks, in all"
        ),
    ),
)

# %% [markdown]
# And yet the questions do not read everything: each load is in order within itself, so only its first blocks are wide.
# Hold the two charts against each other: with one question a day the vacuum never pays; here and there a question even
# reads more after one than it would have read without. (The last exercise asks for your choice.)
#
# The blocks of the date, day after day: a load writes some (blue), then a question for the day a week before reads
# some, green as far as they were asked for, and skips the others (grey). A tile shows what happened to it last; a
# vacuum moves all that came late to where it belongs. Play both:

# %%
player(
    days, compare={"vacuum": ("never", "every four days")}, late=[0.01, 0.1, 0.0]
)

# %% [markdown]
# ## Break it
#
# **A load that comes twice.** Nobody looks at a primary key. With a *staging table* (new rows into a table of their
# own) and `MERGE` (rows that are there become the new ones, the others are added) it counts once:

# %%
pd.DataFrame.from_dict(loading.twice(), orient="index")

# %% [markdown]
# **A load that is cut off**, before each of its files in turn, and once not at all. At how many of these moments is the
# load seen whole, not at all, or in part?

# %%
cuts = loading.cuts()
print(f"{cuts['moments']} moments: nothing seen at {cuts['nothing']},", end=" ")
print(f"whole at {cuts['whole']}, a part at {cuts['some']};")
print(f"{cuts['rows left in the blocks']:,} rows left in the blocks")

# %% [markdown]
# All of it or nothing, every time. What had been written stays in the blocks, belongs to a transaction that came to
# nothing, and is seen by nobody until a vacuum lets it go.
#
# **A planner that believes in old counts.** It counts rows when `ANALYZE` runs, or when the first rows come into an empty
# table. A table of one row was analyzed, then grew to thirty thousand. It is joined with another one of thirty
# thousand, on 4 nodes; on the way a row of it takes 5 bytes, a row of the other 8.

# %%
old_counts = predict(
    "11/stale",
    "The planner believes in one row and broadcasts the table; the right plan sends "
    "both where a hash wants them. How many times its bytes does the broadcast take?",
    between=(1, 10),
    unit="times",
)
old_counts

# %%
plans = distributing.stale()
old, new = (plans[when]["bytes"] for when in plans)
old_counts.reveal(
    old / new,
    law=distributing.stale_by_law(),
    why="n − 1 copies of the one, where 1 − 1/n of both would do. The answer is the "
    "same, and no error tells.",
    show=pd.DataFrame(plans),
)

# %% [markdown]
# **All slices die.** With managed storage every block is an object somewhere else, and the leader knows all zone maps. So
# nothing is copied back at first; what a question may need is fetched when it is asked.

# %%
fetched = predict(
    "11/lost",
    "All four slices are lost. Then one day of a few dozen is asked for. Which share "
    "of the table's bytes is fetched?",
    between=(0, 100),
    unit="%",
)
fetched

# %%
kept, gone = loading.lost(), loading.lost(kept=False)
fetched.reveal(
    100 * kept["a day: bytes fetched"] / kept["bytes of the table"],
    why="Two columns of five, and of these the blocks that the zone maps leave.",
    show=pd.DataFrame([kept]).T.rename(columns={0: "with managed storage"}),
)

# %% [markdown]
# And without it a question that needs what is lost is told so, and never answered by half:

# %%
print(gone["a day"])

# %% [markdown]
# **A process dies at work.** Each slice may work in a process of its own. One of them is killed at the seventh of eight
# pieces of work; then the same question is asked with new processes. (Digests as in lab 02.)

# %%
from dsys_lab.scenarios.column_store.processes import killed_at_work

# %%
pd.DataFrame.from_dict(killed_at_work(), orient="index")

# %% [markdown]
# The oracle of all this is one sentence: no order, no place, no encoding, no vacuum changes a sum. Twelve warehouses,
# each before and after a vacuum, are asked the same question:

# %%
different = loading.sums_are_the_same(nights=6_000)
print(f"different answers: {len(different)}")

# %% [markdown]
# ## Measure
#
# *DuckDB* is a column store on one machine, in this process. It takes the same SQL:

# %%
from dsys_lab.engines.duckdb import DuckdbWarehouse, groups_met
from dsys_lab.engines.duckdb.warehouse import DIFFERENCES
from dsys_lab.scenarios.column_store.nights import NARROW, in_order, small_tables

# %%
engine, model = DuckdbWarehouse(), distributing.made("both in turn", Cluster(2, 2))
engine.create_table("night", NARROW, sort_key=["date_key"])
engine.copy("night", [in_order("by date", nights=distributing.NIGHTS)])
schema, people = small_tables(distributing.NIGHTS)["person"]
engine.create_table("person", schema)
engine.copy("person", [people])
both = {"the model": model, "DuckDB": engine}
digests = {name: one.query(distributing.BY_PLAN).digest() for name, one in both.items()}
pd.Series(digests, name="digest of the answer").to_frame()

# %% [markdown]
# And *Parquet* files have zone maps, too, written by another hand for the same reason: of each column of each row group
# (lab 02) the footer says the smallest and the largest value. Sixty thousand nights, in row groups of 4,096 rows; day
# 60 and person 17 are asked for. *Met* are groups whose smallest and largest value leave room for it; *bytes* is what
# all groups of that column take in the file, packed by Parquet's own encodings.

# %%
footers = {
    order: groups_met(
        {name: in_order(order)[name] for name in ("date_key", "person_id")},
        wanted={"date_key": 60, "person_id": 17},
        group_rows=4_096,
    )
    for order in ("by date", "by person", "shuffled")
}

# %%
pd.DataFrame(
    {
        (order, column): told
        for order, columns in footers.items()
        for column, told in columns.items()
    }
).T

# %%
differences(DIFFERENCES)

# %% [markdown]
# ## On real data
#
# Every tenth flight that left New York in 2013, in the order of their file. Is there an order in it that nobody made?

# %%
from dsys_lab.scenarios.column_store import flown

# %%
pd.DataFrame(flown.orders()).T.map("{:.1%}".format)

# %% [markdown]
# The file lies by month (as text: 1, 10, 11, 12, 2, …) and by day, for so it was gathered; a single plane is
# everywhere. And which key, on 16 slices: the airline (*carrier*), which suggests itself, or the number on the tail of
# the plane (*tailnum*)?

# %%
charts.sliding(
    lambda key: charts.slice_lanes(
        flown.rows_by_slice(key, 16), {}, slices_a_node=2, title=f"key: {key}"
    ),
    key=["carrier", "tailnum"],
)

# %% [markdown]
# *Times the mean* is how much more than the mean the fullest slice has to do:

# %%
pd.DataFrame.from_dict(flown.carriers(16), orient="index")

# %% [markdown]
# There are as many airlines as slices; but a hash does not deal them out one by one, so some slices have nothing, and
# one has the largest with others beside. Flights and planes, joined by the number on the tail, on two nodes:

# %%
pd.DataFrame.from_dict(flown.joins(2), orient="index")

# %% [markdown]
# ### Where one machine ends
#
# So far machines were played. *dask* runs tasks on as many as there are: here two processes; with
# `DSYS_LAB_DASK=tcp://host:8786` a cluster of your own. The same Parquet file, in pieces of whole row groups; each task
# reads its piece with DuckDB and brings a few partial measures by group, which are added up here, as between slices:

# %%
from dsys_lab.engines.dask import DaskParquet, connection
from dsys_lab.workloads import flights

# %%
tasks = DaskParquet({"flights": [flights.path("flights")]}, piece_rows=20_000)
print(f"{tasks.pieces('flights')} pieces, {connection().workers()} processes")

# %%
import duckdb

from dsys_lab.stores.warehouse import digest

# %%
with duckdb.connect() as alone:
    flights.attach(alone)
    one_machine = digest(alone.execute(flown.BY_CARRIER).fetchall())
found = {"alone": one_machine, "by tasks": tasks.query(flown.BY_CARRIER).digest()}
pd.Series(found, name="digest of the answer").to_frame()

# %% [markdown]
# Now kill one of the processes when three pieces have come in:

# %%
killed = []
answer = tasks.query(
    flown.BY_CARRIER,
    after_piece=lambda done, of: (
        killed.append(connection().kill_worker()) if done == 3 else None
    ),
)
same = "the same" if answer.digest() == one_machine else "another"
print(f"processes killed: {len(killed)}; the answer is {same}")

# %% [markdown]
# What the killed one had in hand was done again by the other. And the clock, on this one
# computer: two processes, and the price of each task, against DuckDB alone.

# %%
from dsys_lab.benchmark import interleaved

# %%
with duckdb.connect(config={"threads": 1}) as alone:
    flights.attach(alone)
    here, there = interleaved(
        lambda: alone.execute(flown.BY_CARRIER).fetchall(),
        lambda: tasks.query(flown.BY_CARRIER),
        rounds=3,
    )
measured(
    [b / a for a, b in zip(here, there, strict=True)],
    "times DuckDB's time",
    usually="many times DuckDB's time, for so small a file",
)

# %% [markdown]
# A third of a million rows are no reason for a cluster. `make bench` asks ten million, and prints the ratios.

# %%
from dsys_lab.engines.dask import DIFFERENCES as DASK_DIFFERENCES

# %%
differences(DASK_DIFFERENCES)

# %%
connection().close()

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | most questions are about some days | sort key: the day on which it *happened* | the unsorted share, blocks read |
# | a few small tables are joined with a large one | ALL for the small ones | storage × nodes |
# | two large tables are always joined by one column | KEY on that column, in both | the straggler ratio |
# | a value of the key is frequent | EVEN, and let the small table travel | bytes between nodes |
# | rows come one at a time | gather them into files first; as many files as slices, or twice as many | blocks written a row |
# | a load may come twice | staging and MERGE | counts |
# | many tables of a few rows | put them together, or leave them in a row store (lab 08) | MiB a thousand rows |
# | questions grew slow and nothing was changed | ANALYZE; then look at `EXPLAIN` | DS_BCAST_INNER where it was not |
# | it all fits on one machine | DuckDB (lab 02) | when it no longer does |
# | files in open formats, read by several engines | a lake (lab 06), with the same zone maps in its footers | small files |

# %% [markdown]
# ## Exercises

# %%
exercise("11/blocks_touched")


# %%
def blocks_touched(zones, low, high): ...


exercise("11/blocks_touched", blocks_touched)

# %%
exercise("11/choose_encoding")


# %%
def choose_encoding(values): ...


exercise("11/choose_encoding", choose_encoding)

# %%
exercise("11/distribute")


# %%
def distribute(tables, joins, nodes, room): ...


exercise("11/distribute", distribute)

# %% [markdown]
# **Design question.** Nights arrive up to fourteen days late. Which sort key, which vacuum, or folders by day?

# %%
exercise("11/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Armenatzoglou et al., "Amazon Redshift re-invented", SIGMOD 2022; Gupta et al., "Amazon Redshift and the case for simpler
#   data warehouses", SIGMOD 2015.
# - Amazon Redshift Database Developer Guide: *sort keys*, *distribution styles*, *compression encodings*, *evaluating the query
#   plan*, *vacuuming tables*, *MERGE*; AWS re:Post on the size of small tables; read in November 2026.
# - DeWitt and Gray, "Parallel database systems: the future of high performance database systems", CACM 1992.
# - Stonebraker et al., "C-Store: a column-oriented DBMS", VLDB 2005; Abadi, Madden and Ferreira, "Integrating compression
#   and execution in column-oriented database systems", SIGMOD 2006.
# - Moerkotte, "Small materialized aggregates: a light weight index structure for data warehousing", VLDB 1998 (zone maps).
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 3.
#
# Beyond one cluster: Redshift Serverless counts in RPU, adds clusters when questions queue, shares data between
# clusters, and reads files in S3 (Spectrum). Snowflake's micro-partitions and BigQuery's Capacitor files have zone maps
# as well; where one pays for bytes read, a block that is skipped is money.
