# %% [markdown]
# # Streaming SQL
#
# <!-- binder --><!-- /binder -->
#
# *A question to data that never ends: when may an answer be said, and what becomes of what comes after it?*

# %% [markdown]
# ## Question
#
# The wearables of *Slumber* **ping**: this sleeper, in this city, has slept so many hours. The company wants a number on
# its wall: *how many pings from each city, every ten seconds?* Over a file that is a line of SQL. But pings never end,
# and they are late: a phone without network keeps its pings, and sends them when it is back.
#
# So nobody ever has all the rows. When may the query say a number? What if it was too early? And what must it keep in
# memory until then?
#
# *In a hurry:* Picture, By hand, experiments 1, 2 and 3 of Play, and [Choose](#Choose).

# %%
from functools import partial

from dsys_lab import laws
from dsys_lab.lessons import (
    differences,
    exercise,
    measured,
    notes,
    player,
    predict,
    progress,
    show_source,
    sql_pad,
    where_there,
)
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Kinesis - Data Analytics")

# %% [markdown]
# That the output is a stream again, and can be asked again, is the whole point. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | streaming SQL over your Kinesis data stream | *Kinesis Data Analytics for SQL* took no new applications from 15 October 2025, and was deleted from 27 January 2026. Its sibling has been called *Amazon Managed Service for Apache Flink* since August 2023 |
# | streaming SQL | today that is **Flink's** SQL, and the one of this lab: the same text runs in our model and, if you like, in Flink itself (see [Measure](#Measure)) |
# | output will be another Kinesis data stream | a stream of *changes*, where answers can be corrected: experiment 2 |
# | (pumps, `ROWTIME`, stagger windows) | words of the old product; in Flink `INSERT INTO`, a watermark, a session window |

# %% [markdown]
# ## Picture
#
# Two times are in play. **Event time** is when something *happened* (to the right), **processing time** when news of it
# *came* (upwards). News cannot come before the event: so every ping is a point above the dashed diagonal, by its delay.
#
# A **window** is a stretch of event time, here ten seconds: a column. Someone must claim at some point that a column is
# complete. This claim is the **watermark**, the blue stair: *nothing from left of here is still to come*. It is no more
# than the latest event so far, less a **bound**: how late we believe a ping can be. When the stair passes the right
# edge of a column, the window's count is said: the bar across it. A ping that comes after that is **late**. (The words
# are those of lab 04, where the bound was a *patience*; new is **lateness**, below.)
#
# Move the bound.

# %%
from dsys_lab.scenarios.streaming_sql import windows

charts.sliding(
    lambda **at: charts.event_plane(windows(**at)),
    bound_s=(0, 20),
    at={"bound_s": 3},
)

# %% [markdown]
# A small bound answers soon and misses some; a large one waits. There is no bound that has both. The same run, ping
# by ping: two phones send, the operator *windows* counts. Each phone has its own **partition** (a shard of the log,
# lab 17; what counts here: an input with a watermark of its own); the query's watermark is the *least* of them. Press
# **space**:

# %%
player(windows(bound_s=3), titles=("a bound of 3 s",))

# %% [markdown]
# ✓ and ✗ are pings that were counted and that were dropped; the strip below, **kept**, is how many windows are in memory.

# %% [markdown]
# ## By hand
#
# A table for SQL is a stream with a column of event time and the bound of its watermark, in Flink's words:

# %%
from dsys_lab.dataflows.streaming_sql import Catalog

tables = Catalog()
tables.execute("""CREATE TABLE pings (city STRING, ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)""")

# %% [markdown]
# A query that never ends. `TUMBLE` cuts event time into windows that do not overlap, and gives each row two more
# columns, `window_start` and `window_end`:

# %%
query = tables.query("""SELECT window_start, window_end, city, COUNT(*) AS n
    FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '10' SECOND))
    GROUP BY window_start, window_end, city""")

# %% [markdown]
# Be the stream. You tell it when a row comes, and the row; all times are microseconds. Two pings of the first window:

# %%
from dsys_lab.scenarios.streaming_sql import changes_table

s = 1_000_000
first = query.on_row(2 * s, "pings", ("Oslo", 1 * s))
changes_table(query, first + query.on_row(9 * s, "pings", ("Oslo", 8 * s)))

# %% [markdown]
# Nothing is said: the watermark is at 3 s, five behind the latest event. A ping that happened in second 15 moves it to
# 10, the end of the window:

# %%
changes_table(query, query.on_row(16 * s, "pings", ("Oslo", 15 * s)))

# %% [markdown]
# `+I`: a row is there (its window in seconds). Now a ping of second 9 comes, whose phone was in a tunnel:

# %%
changes_table(query, query.on_row(17 * s, "pings", ("Oslo", 9 * s)))

# %% [markdown]
# It is late, and nobody will ever know of it. The query may be told to keep windows for longer and to correct itself;
# this is its **lateness**:

# %%
from dsys_lab.dataflows.windows import Emission

patient = tables.query(query.sql, emission=Emission(lateness_us=60 * s))
for came, happened in [(2, 1), (9, 8), (16, 15), (17, 9)]:
    said = patient.on_row(came * s, "pings", ("Oslo", happened * s))
changes_table(patient, said)

# %% [markdown]
# `-U` takes the old row back (it is **retracted**), `+U` brings the new one; `-D` would say that a row is gone. A
# stream with only `+I` can be added up by anybody. One with the others is an **update stream**: who counts its rows
# counts wrong. A query without windows can say nothing else:

# %%
forever = tables.query("SELECT city, COUNT(*) AS n FROM pings GROUP BY city")
for second in range(3):
    said = forever.on_row(second * s, "pings", ("Oslo", second * s))
changes_table(forever, said)

# %% [markdown]
# ### Your own SQL
#
# Four streams wait for it: `pings (city, person, hours, ts)`, `orders (id, item, amount, ts)`, `payments (id, cents,
# ts)` and `prices (item, cents, ts)`, five minutes of each. Take a query from the menu or type your own, and press
# **Run**. What stands in the end is held against DuckDB, a real database, which is asked *the same text* as a batch,
# when all rows are there.

# %%
from dsys_lab.engines.duckdb import DuckdbBatch
from dsys_lab.scenarios.streaming_sql import ask
from dsys_lab.scenarios.streaming_sql.queries import QUERIES

# %%
sql_pad(
    partial(ask, batch=DuckdbBatch),
    QUERIES,
    at={"bound_s": 5},
    bound_s=(0, 120),
    lateness_s=(0, 120),
    early_s=(0, 10),
)

# %% [markdown]
# Rows of the batch that "are not there" are windows whose count was said too early: move the slider of the bound, or of
# the lateness, to the right, and run again. Times are shown in seconds. `bound_s` is the bound of all four tables, `lateness_s` as above; with `early_s` windows
# also speak every so many seconds *before* they are complete (0 is never). What cannot be taken is refused before a row is read,
# with a mark under the place, and what is supported below it. What people write:

# %%
from dsys_lab.lessons.tables import table
from dsys_lab.scenarios.streaming_sql.queries import mistakes

table(("typed", "said"), [(f"`{sql}`", said) for sql, said in mistakes().items()])

# %% [markdown]
# ## Look inside
#
# The watermark is a maximum, less the bound, and of several inputs the least. An input that has said nothing for a
# while may be taken for **idle**, and is not waited for:

# %%
from dsys_lab.dataflows.windows import Watermarks

show_source(Watermarks.on_event)

# %%
show_source(Watermarks.tick)

# %% [markdown]
# The life of a window:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> open : its first event
#     open --> open : an event, or an early answer
#     open --> spoken : the watermark reaches its end, the answer is said
#     spoken --> spoken : a late event corrects it
#     spoken --> forgotten : its lateness is over
#     forgotten --> [*] : what comes now is dropped
# ```
#
# A query is a tower of **operators**: each takes changes in, hands changes up, and keeps what it must. `EXPLAIN` says
# what, and for how long. The two busiest cities of every half minute:

# %%
from dsys_lab.scenarios.streaming_sql.world import catalog

print(catalog().query(QUERIES["the two busiest cities"]).explain())

# %% [markdown]
# Each line ends with its promise: kept for a window and the bound, or for ever. `GROUP BY city` alone keeps a count for
# each city that there ever was.

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
spoken_after = predict(
    "18/spoken-after",
    "Pings are late by 10 s on average (exponential), windows are a minute long, and "
    "the bound is 10 s as well. How long after its end does a window speak, on "
    "average?",
    between=(0, 60),
    unit="s",
)
spoken_after

# %% [markdown]
# ## Play
#
# ### 1. How long to wait?
#
# Lab 04, experiment 4, had a law for the share of the pings that a window hears of, with a file that is closed so long
# after the window's end. A watermark trails the clock; how much less does it miss?

# %%
from dsys_lab.scenarios.streaming_sql import many_runs

heard = many_runs.in_time(0, 5, 10, 20, 30)
charts.against_law(
    {"a watermark": [(bound_s, 1 - share, error) for bound_s, share, error in heard]},
    laws={"a file": lambda bound_s: 1 - laws.on_time_share(10, 60, bound_s)},
    title="What do windows of a minute not hear of in time?",
    x="bound, s",
    y="share of the pings",
)

# %% [markdown]
# And its price, which you have predicted:

# %%
waits = many_runs.answered_after_s(0, 5, 10, 20, 30)
_, wait_s, error = waits[2]

# %%
spoken_after.reveal(
    wait_s,
    standard_error=error,
    why="The bound, and the wait for an event late enough to move the watermark.",
    show=charts.against_law(
        {"counted": waits},
        laws={"the bound alone": lambda bound_s: bound_s},
        title="How long after its end does a window speak?",
        x="bound, s",
        y="seconds",
    ),
)

# %% [markdown]
# So a bound is chosen from the *counted* delays, for a promise such as "99 in 100": exercise one. That the watermark is
# a claim and no truth can be seen by lateness: whatever comes later can still be told apart, and counted.
#
# ### 2. Early, on time, late
#
# On the wall, an answer now is worth more than a right one later. So windows may speak several times. What does a later
# answer mean for who has the earlier one? Three **modes**:
#
# - *discard*: it is the difference, what is new since;
# - *accumulate*: it is the new whole, write it over the old;
# - *retract*: the old one is taken back, then comes the new whole.
#
# Windows of ten seconds speak every 4 s, on time, and for two minutes late (in the picture, for 20 s). The reader of *discard* puts differences
# together as the number asks for: counts are added, of two means the middle is taken.

# %%
which_mode = predict(
    "18/mode",
    "In which modes does the reader have the right *mean* of every window in the end?",
    choices=[
        "in none",
        "retract",
        "accumulate, retract",
        "discard, accumulate, retract",
    ],
)
which_mode

# %%
from dsys_lab.scenarios.streaming_sql import counts

# %%
modes = counts.modes()
spoken = partial(windows, early_s=4.0, lateness_s=20.0, bound_s=2.0)
right = {one.mode: one.right_means for one in modes}
sent = {one.mode: one.answers + one.taken_back for one in modes}

# %%
which_mode.reveal(
    ", ".join(one.mode for one in modes if one.right_means == 1),
    why="Two means cannot be put together without how many each is of. Counts can.",
    show=(
        charts.sliding(
            lambda mode: charts.event_plane(spoken(mode=mode)),
            mode=["retract", "accumulate", "discard"],
        ),
        charts.bars(right, title="Is the mean right?", unit="share of the windows"),
        charts.bars(sent, title="And what has to be sent for it?", unit="rows"),
    ),
)

# %% [markdown]
# What is struck out was taken back. So a sink that overwrites by key takes *accumulate*; whoever computes further needs
# *retract*, and pays for it in rows. SQL over streams always says its changes as retractions. (Counts come out right in
# all three modes: they can be added.)
#
# ### 3. One of them is silent
#
# The second phone's battery dies at 20 s. The first goes on for a minute. Windows are ten seconds long, each phone has
# a partition of its own. An input may be declared **idle** after `idle_s` seconds of silence, and is then not waited for;
# here nobody has said so.

# %%
silent = predict(
    "18/silence",
    "How many windows have said their count when the minute is over?",
    between=(0, 6),
    unit="windows",
)
silent

# %%
waiting = counts.silence(None, 2.0, 5.0, 20.0)
dead = partial(windows, silent_from_s=20.0, rate=2.0)
names = "never idle", "after 2 s", "after 5 s", "after 20 s"
spoke = {name: one.answers for name, one in zip(names, waiting, strict=True)}
dropped = {name: one.late for name, one in zip(names, waiting, strict=True)}

# %%
silent.reveal(
    waiting[0].answers,
    why="The query's watermark is the least of its inputs', and one stands still.",
    show=(
        charts.sliding(
            lambda idle_s: charts.event_plane(dead(idle_s=idle_s or None)),
            idle_s=(0, 20),
        ),
        charts.bars(spoke, title="Who has spoken within the minute?", unit="windows"),
        charts.bars(dropped, title="And what is dropped as late?", unit="pings"),
    ),
)

# %% [markdown]
# Move `idle_s`, where 0 is never: with 0 the stair stops, and all that was counted waits in memory. (The five bars on top
# of the plane are said when all input has ended, at 70 s: no count within the minute.) An input that is idle after
# some seconds frees the others; what is still on its way from the silent phone may then be late. That is the most
# frequent reason for a streaming query that "says nothing": a partition without traffic.
#
# ### 4. Kinds of windows
#
# `TUMBLE` windows lie side by side. `HOP` windows are as long, and a new one begins every few seconds: they overlap.
# `CUMULATE` windows begin together and end step by step (so far today, every hour). A `SESSION` has no fixed length: it
# goes on while the next event comes within a gap. Size 30 s; the hop, the step and the gap (in the picture `part_s`) are 5 s.

# %%
cumulated = predict(
    "18/cumulate",
    "In how many windows lies a ping on average, if they cumulate in steps of 5 s up "
    "to 30 s?",
    between=(1, 8),
    unit="windows a ping",
)
cumulated

# %%
kinds = ["tumbling", "hopping", "cumulating", "session"]
lies_in = {one.kind: one.windows_a_ping for one in counts.kinds()}

# %%
cumulated.reveal(
    lies_in["cumulating"],
    law=laws.windows_an_event_cumulating(30, 5),
    why="One of the first step lies in all six, one of the last step in one.",
    show=(
        charts.sliding(
            lambda **at: charts.event_plane(windows(lateness_s=20.0, **at)),
            kind=kinds,
            part_s=[5.0, 2.0],
            at={"kind": "session", "part_s": 2.0},
        ),
        charts.bars(
            lies_in,
            title="In how many windows lies a ping?",
            unit="windows a ping",
            references={"law for hopping": laws.windows_an_event(30, 5)},
        ),
    ),
)

# %% [markdown]
# (In the plane windows are 10 s long, so that more of them fit.) With a small gap (`part_s = 2`) look at the sessions: a late ping that falls between two of them makes one out of two,
# and what was said of the first is taken back.
#
# ### 5. What a join keeps
#
# Which orders were paid? A row of one stream has to wait for its partner, who may never come. An **interval join** says
# for how long: a payment counts within so many seconds after its order. Two orders and two payments come each second.

# %%
joined = predict(
    "18/join-state",
    "A payment counts within 20 s after its order. How many rows are in memory, on "
    "average?",
    between=(0, 200),
    unit="rows",
)
joined

# %%
kept = many_runs.rows_kept(5, 10, 20, 40)
_, rows, error = kept[2]

# %%
joined.reveal(
    rows,
    law=many_runs.rows_kept_law(20),
    standard_error=error,
    why="Little's law: what comes a second, times how long it stays. A payment hardly "
    "waits, for it cannot come before its order.",
    show=charts.against_law(
        {"counted": kept},
        laws={"counted": many_runs.rows_kept_law},
        title="What does the join keep?",
        x="a payment counts within, s",
        y="rows in memory",
    ),
)

# %% [markdown]
# With *l* and *r* rows a second, a partner between *low* and *high* seconds later, and a watermark *b* seconds behind:
#
# $$l\,(\text{high} + b) + r\,(b - \text{low})$$
#
# Without bounds on both sides a join would keep every row for ever, and is refused here (Flink lets you, and its state
# grows until somebody sets a time to live).
#
# ### 6. The price that was valid then
#
# Prices change every 20 s on average. An order that comes late should get the price of the moment when it was *made*.
# Joined by arrival it gets the newest that is known. Orders and prices are late by 10 s on average.

# %%
wrong_price = predict(
    "18/wrong-price",
    "Joined by arrival: how many of the orders get a wrong price?",
    between=(0, 100),
    unit="%",
)
wrong_price

# %%
by_arrival = many_runs.wrong_by_arrival(1, 3, 10, 30)
by_event = many_runs.wrong_by_event(1, 3, 10, 30)
_, wrong, error = by_arrival[2]

# %%
wrong_price.reveal(
    100 * wrong,
    standard_error=100 * error,
    why="A price that changed while the order was on its way.",
    show=charts.against_law(
        {"by arrival": by_arrival, "by event time": by_event},
        laws={},
        title="How many orders get a wrong price?",
        x="mean delay, s",
        y="share of the orders",
    ),
)

# %% [markdown]
# `FOR SYSTEM_TIME AS OF o.ts` is the join by event time: it keeps the versions of a price, and lets an order wait until
# the watermark says that no older price can come. Run it in the pad (*the price that was valid then*).

# %% [markdown]
# ## Break it
#
# ### 7. A clock that is ahead
#
# Lab 04 had one ping of an hour ahead. Here the clock of a whole phone is, by ten minutes, and both phones share a
# partition. Nothing else is wrong:

# %%
[(_, dropped)] = counts.clock_ahead(600)
print(f"{dropped:.0%} of all pings are dropped as late")

# %%
shared = partial(windows, partitions=1, rare_fraction=0.0, bound_s=5.0)
caps = {"believed": None, "believed by 1 s at most": 1.0}
charts.sliding(
    lambda clock, **at: charts.event_plane(shared(ahead_s=caps[clock], **at)),
    at={"clock_ahead_s": 30},
    clock_ahead_s=(0, 60, 5),
    clock=list(caps),
)

# %% [markdown]
# The watermark follows the latest event, so what the right clock says is late.

# %%
ahead = predict(
    "18/clock-ahead",
    "The same two phones, one ten minutes ahead, each with a partition of its own. How "
    "many of all pings are dropped as late?",
    between=(0, 100),
    unit="%",
)
ahead

# %%
[(_, capped)] = counts.clock_ahead(600, cap_s=1.0)
[(_, apart)] = counts.clock_ahead(600, partitions=2)
ahead.reveal(
    100 * apart,
    why="The query's watermark is the least of its inputs': here the right clock's.",
    show=charts.bars(
        {
            "one partition, believed": dropped,
            "one partition, believed by 1 s at most": capped,
            "two partitions, believed": apart,
        },
        title="What is dropped of all pings?",
        unit="share of the pings",
    ),
)

# %% [markdown]
# In one partition a wrong clock makes all others late, and nobody's code is to blame; in two the fast phone's own pings
# lie in windows of the future, which are said ten minutes later. Points *below* the diagonal come from the future. The
# remedy is a cap: an event is believed to be at most so far ahead of its arrival.
#
# ### 8. The job loses its power
#
# A query's memory is gone with its machine. So every so often it writes a **checkpoint**: what all operators keep, and
# the position in the log up to which it has read. (That is Flink's word. What a reader of Kinesis calls a checkpoint, lab
# 17, is the position alone; what Flink's two-phase sinks call *commit* is to show what was written.) After a crash it begins there, and reads some pings *again*. What it
# says goes to a **sink**. A *plain* one adds each row. An *upsert* one overwrites by key. A *two-phase* one writes, but
# shows nothing before the next checkpoint is safe.

# %%
sinks = predict(
    "18/sinks",
    "The job crashes once, between two checkpoints. In which sinks do some rows stand "
    "more than once?",
    choices=["in none", "plain", "plain, upsert", "plain, upsert, two-phase"],
)
sinks

# %%
from dsys_lab.scenarios.streaming_sql import surviving

# %%
crash = {"do": "crash", "target": "job", "on": {"kind": "read", "first": 75}}
dies = [{**crash, "lasts_s": 5}]
kinds = "plain", "upsert", "two-phase"
twice = counts.stand_again({sink: surviving(kind=sink, faults=dies) for sink in kinds})

# %%
sinks.reveal(
    ", ".join(sink for sink, rows in twice.items() if rows),
    why="What was said between the checkpoint and the crash is said again.",
    show=(
        player(
            surviving,
            compare={"kind": ("plain", "two-phase")},
            faults=dies,
            titles=("a plain sink", "a two-phase sink"),
        ),
        charts.bars(twice, title="What stands more than once?", unit="rows"),
    ),
)

# %% [markdown]
# The triangle under the tape of pings is how far the job has read; after the crash it jumps back to its checkpoint. In
# front of every sink some pings are *read* twice. "Exactly once" is about what is **seen**: the upsert sink hides the
# repetition, the two-phase sink prevents it, at a price: nobody sees an answer before the next checkpoint. Now four pings
# come a second:

# %%
checkpoint_delay = predict(
    "18/checkpoint-delay",
    "A checkpoint every 100 pings, 25 s. How much later is an answer seen in the "
    "two-phase sink, on average?",
    between=(0, 50),
    unit="s",
)
checkpoint_delay

# %%
delays = many_runs.seen_after_s(20, 50, 100, 150)
_, delay_s, error = delays[2]

# %%
read_again = charts.against_law(
    {"counted": many_runs.read_again(20, 50, 100)},
    laws={"counted": lambda every: laws.repeated_after_crash(round(every))},
    title="How many pings are read again after a crash?",
    x="pings between two checkpoints",
    y="pings",
)

# %%
checkpoint_delay.reveal(
    delay_s,
    law=laws.two_phase_delay_s(25),
    standard_error=error,
    why="An answer comes at any moment between two checkpoints: half of the distance.",
    show=(
        charts.against_law(
            {"counted": delays},
            laws={"counted": lambda every: laws.two_phase_delay_s(every / 4)},
            title="How much later is an answer seen?",
            x="pings between two checkpoints",
            y="seconds",
        ),
        read_again,
    ),
)

# %% [markdown]
# The same distance decides what a crash costs, in the second chart: half of it, on average, is read again. Often is fresh, and cheap after a
# crash, and dear all the time.

# %% [markdown]
# ## Measure
#
# ### Beside the real engine
#
# Apache Flink is what runs behind Amazon's service, and it takes the same text. It is 0.9 GB and brings its own Java, so it
# has an environment of its own: `make flink` prepares it once. Where it is there, the cell below starts it, asks both for
# each kind of window over the same pings, with a bound so small that some are late, and compares row by row. Your own
# query comes last; edit it as you like. (It takes a minute or two.)

# %%
from dsys_lab.engines.flink import FLINK_DIFFERENCES, Flink
from dsys_lab.scenarios.streaming_sql.beside import beside

# %%
MINE = """SELECT window_start, city, COUNT(DISTINCT person) AS people
FROM TABLE(TUMBLE(TABLE pings, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE hours > 6
GROUP BY window_start, window_end, city"""

# %%
where_there(
    Flink,
    lambda flink: beside(flink.over, yours=MINE),
    usually="row by row the same, the pings dropped as late included",
)

# %% [markdown]
# Where they part, each held by a test that runs Flink:

# %%
differences(FLINK_DIFFERENCES)

# %% [markdown]
# ### What is the point of it?
#
# A number on the wall that is fresh every 50 pings can also be had by counting a file anew each time. Five and twenty
# minutes of pings, by the query as they come, and by a plain loop over all so far, which knows nothing of lateness. One
# grows with the pings, the other with their square.

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.streams import by_batch_again, by_stream

# %%
few, many = partial(by_batch_again, 300), partial(by_batch_again, 1_200)
streamed_few, streamed_many = partial(by_stream, 300), partial(by_stream, 1_200)
print(f"pings: {streamed_few():,.0f} and {streamed_many():,.0f}, each read once")
print(f"read by counting anew: {few():,.0f} and {many():,.0f}")

# %%
unit = "times as long for four times the pings"
short, long = interleaved(streamed_few, streamed_many, rounds=5)
ratios = [b / a for a, b in zip(short, long, strict=True)]
measured(ratios, unit, usually=f"four {unit}")

# %%
short, long = interleaved(few, many, rounds=5)
ratios = [b / a for a, b in zip(short, long, strict=True)]
measured(ratios, unit, usually=f"sixteen {unit}")

# %% [markdown]
# ## On real data
#
# The departures of lab 04 again, by airport; and now not how many pings are late but how many *answers* are wrong. A
# departure *happens*, for the timetable, when it is due, and news of it *comes* when the plane is gone. On 8 and 9
# February 2013 a blizzard shut the airports. The query counts departures of each airport and hour, with a bound of an
# hour.

# %%
flights = predict(
    "18/flights",
    "A watermark an hour behind, in the blizzard: of the hours of the airports, how "
    "many have a wrong count, or none?",
    between=(0, 100),
    unit="%",
)
flights

# %%
from dsys_lab.scenarios.streaming_sql.flights_asked import (
    apart,
    asked,
    wrong_hours,
)

# %%
waits = DuckdbBatch, 0, 15, 30, 60, 120, 240, 480
calm = {"month": 9, "first_day": 17, "last_day": 18}
answer = asked(DuckdbBatch)

# %%
flights.reveal(
    100 * answer.missing.total() / answer.batch.total(),
    why="Many a plane left more than an hour late, when its hour was closed.",
    show=(
        charts.lines(
            {"blizzard": wrong_hours(*waits), "calm": wrong_hours(*waits, **calm)},
            title="Which hours are counted wrong?",
            x="bound, minutes",
            y="share of the hours",
        ),
        apart(answer).head(8),
    ),
)

# %% [markdown]
# The second curve is 17 and 18 September, two calm days: they
# would have to be waited for nearly as long. One plane in its hour is enough to make the count wrong, so a bound is a
# promise about the *worst* delay that one cares for, and the mean says little. Who does not want to wait needs corrections.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | a number on a wall, now | early answers, *upsert* sink by key | that nobody adds its rows up |
# | an invoice, a prize, a mail: what cannot be taken back | one answer, bound or lateness from counted delays, *two-phase* sink or a key | what is late: keep it in a table of its own |
# | partitions that may fall silent | an idle time-out, a little above the usual pause | the watermark's age, more than anything else |
# | clocks of others | a cap on how far ahead an event is believed | events from the future |
# | partners that come within a known time | an interval join | rows in memory, by the law |
# | what was valid then | a temporal join, `FOR SYSTEM_TIME AS OF` | the bound of the table of versions |
# | `GROUP BY user` without a window | a time to live, or a window after all | memory that only grows |
# | an answer once a day is enough | a batch over files (lab 04, lab 06) | |
# | only filters and shapes, row by row | a function on the stream, or Firehose (lab 19): no state, no watermark | |
#
# **At Amazon**: Managed Service for Apache Flink runs this SQL; Redshift and others offer materialized views over streams.
# **Elsewhere**: Flink itself, ksqlDB, Spark Structured Streaming, Materialize and RisingWave, which keep *views* up to
# date and speak PostgreSQL's protocol.

# %% [markdown]
# ## Exercises

# %%
exercise("18/bound_for")


# %%
def bound_for(pings, completeness): ...


exercise("18/bound_for", bound_for)

# %%
exercise("18/changes_of")


# %%
def changes_of(answers): ...


exercise("18/changes_of", changes_of)

# %%
exercise("18/remembers_s")


# %%
def remembers_s(): ...


exercise("18/remembers_s", remembers_s)

# %% [markdown]
# **Design question.** A leaderboard on the wall, and prizes on Sunday.

# %%
exercise("18/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Akidau et al., "The Dataflow Model", *VLDB* 2015: the plane of the two times; Akidau, Chernyak and Lax, *Streaming
#   Systems*, ch. 1 to 3.
# - Apache Flink documentation, 2.3: *windowing table-valued functions*, *time attributes*, *dynamic tables*, *joins*,
#   *checkpointing*; read and run in November 2026.
# - Amazon Kinesis Data Analytics for SQL Applications Developer Guide, *discontinuation*; Amazon Managed Service for Apache
#   Flink Developer Guide; read in November 2026.
# - Begoli et al., "One SQL to rule them all", *SIGMOD* 2019; "Watermarks in stream processing systems", *VLDB* 2021.
# - Carbone et al., "Lightweight asynchronous snapshots for distributed dataflows", 2015: checkpoints by barriers.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, *Processing streams*.
#
# Beyond one machine: keys are spread over *key groups* that move between machines; state lies in RocksDB (lab 09) or apart
# from the machines; barriers flow with the records so that all operators take their checkpoint at the same cut, and wait
# for each other where a stream is slow; and incremental views (Materialize, RisingWave) let updates flow through
# aggregates and joins without bounds.
