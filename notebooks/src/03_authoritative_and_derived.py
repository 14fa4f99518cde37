# %% [markdown]
# # Authoritative and derived data
#
# <!-- binder --><!-- /binder -->
#
# *One copy is true, all others are made from it: which is which, how old are they, and what does it take to keep them up?*

# %% [markdown]
# ## Question
#
# *Slumber* keeps a **table** of nights. It answered everything, until it was asked too often. So somebody put a cache in
# front of it, somebody else a second copy for the reports, a third one keeps the average of each city, a fourth an index
# of the words in the notes. Now a sleeper corrects a night, and for a while five places say five things.
#
# Which of them is right? That is easy to ask and hard to see: they all look like data. What would be lost if one of them
# were deleted? How long may one of them be wrong, and who notices?
#
# *In a hurry:* Picture, By hand, experiments 1, 2, 3 and 6 of Play, and [Choose](#Choose).

# %%
import pandas as pd

from dsys_lab.lessons import (
    answers,
    exercise,
    notes,
    player,
    predict,
    progress,
    show_source,
)

# %% [markdown]
# ## The notes say

# %%
notes("Authoritative vs Derived Data")

# %% [markdown]
# Right, and all three examples are derived. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | source of truth | there is a *test*: delete a copy and make it anew from the others. What comes back to the last bit was **derived**; what does not was **authoritative**, whatever it is called |
# | (the source) | authority is *per fact*: for what a sleeper typed in it is Slumber's table; for the minutes it is the watch that counted them |
# | caches, materialized views, denormalized data | also secondary indexes, replicas, search indexes, aggregates, trained models |
# | (derived data is old) | not all of it: an index, or a column that a trigger keeps up in the same transaction, is derived and never stale |
# | "the warehouse is our single source of truth" | there it means numbers that all have agreed on. A warehouse can be loaded again, so by the test it is derived (lab 06) |

# %% [markdown]
# ## Picture
#
# The blue slab is the table, and what is ticked off on it is its **log**: a tick for each change, in the order of the
# commits. The number of a change is its **position**. The mast stands at the newest. Each orange disc is a copy that
# *follows* the log; it stands over the change that it took in last (its arrow), and the string to the mast is as long as
# it is behind: its **lag**. In the disc stands how many rows it has.
#
# *replica* has every night, *sums* the count and sum of each city, *extremes* the shortest and the longest night of each
# city, *words* an index of the notes' words. Each takes in as many changes a second as its work allows. Move the second
# past 6, then choose what was **deleted** at second 6: a copy first, and at last the table.

# %%
from dsys_lab.scenarios.authoritative_and_derived.orbit import DELETED, orbit
from dsys_lab.views import charts

# %%
charts.sliding(
    lambda second, deleted: charts.satellites(
        orbit(second=second, deleted=deleted), widest=40, title="How far is each copy?"
    ),
    second=(1, 10),
    deleted=list(DELETED),
    at={"second": 5},
)

# %% [markdown]
# A copy that is deleted grows again from the log (its disc is hollow until it is where it would be). When the table and
# its log are gone the strings are cut, and a copy is worth what can be had back from it:

# %%
charts.satellites(
    orbit(second=8, deleted="the table"), widest=40, title="What a copy gives back"
)

# %% [markdown]
# From a sum nobody gets the nights back, from a replica nearly all: not those that it had not heard of yet.

# %% [markdown]
# ## By hand
#
# A **change** says what a row was and what it is; one of the two is missing if it comes or goes. Tell three of them to a
# view that keeps count and sum of each city:

# %%
from dsys_lab.dataflows.derived_view import Counts
from dsys_lab.stores.relational import Change

# %%
oslo, long_oslo = ({"id": 1, "city": "Oslo", "minutes": m} for m in (430, 470))
lima = {"id": 2, "city": "Lima", "minutes": 410}

# %%
by_city = Counts("nights", by="city", of="minutes")
by_city.apply(Change("nights", None, oslo), 1)
by_city.apply(Change("nights", None, lima), 2)
pd.DataFrame.from_dict(by_city.state(), orient="index")

# %% [markdown]
# A correction: the first night was longer. The view takes the old row out of its group and puts the new one in. It reads
# no other row:

# %%
by_city.apply(Change("nights", oslo, long_oslo), 3)
answers(by_city.status())

# %% [markdown]
# Now forget all of it, and read the table's rows again. A **digest** is one number that stands for everything that a view
# says: equal digests, equal views.

# %%
followed = by_city.digest()
by_city.rebuild([long_oslo, lima], position=3)
print("the same" if by_city.digest() == followed else "another")

# %% [markdown]
# A cache is the laziest of all copies. It is told of nothing; it is *filled* by whoever asked in vain (a **miss**), and
# an entry may be read until its **time to live** (ttl) is over. You tell it the time, in microseconds:

# %%
from dsys_lab.dataflows.derived_view import Cache

# %%
s, cache = 1_000_000, Cache(ttl_s=10)
cache.get(0, "anna")
cache.fill(0, "anna", 7.5, position=3)
answers(cache.get(4 * s, "anna"))

# %% [markdown]
# A **hit**. The entry says as of which position it was read. Whether the table says something else by now, the cache
# cannot know. After ten seconds the entry is gone. The cache's books:

# %%
cache.get(10 * s, "anna")
answers(cache.status())

# %% [markdown]
# ## Look inside
#
# How a table is read and written with a cache in front of it. What a write does to the cache is the choice `on_write`:

# %%
from dsys_lab.dataflows.derived_view import Cached

show_source(Cached.read, Cached.write)

# %% [markdown]
# Two systems are written, one after the other, and nothing holds them together. (The model's cache gives each entry its
# position, so a fill that is older than what is there is passed over.)
#
# A digest is a *sum* of the hashes of all entries. So it does not depend on the order in which they came about, and that
# of a range of keys can be compared alone:

# %%
from dsys_lab.dataflows.derived_view.view import digest_of, entry_hash

show_source(digest_of, entry_hash)

# %% [markdown]
# And the two ways in which a view comes to its state:
#
# ```text
#              change, position                    all rows
#   apply      1 row read                rebuild   every row read
#              1 or 2 groups written               everything written
#   needs      the row as it was, each             a table that stands still
#              change once, in order               meanwhile
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the others each open their own experiment.

# %%
stale = predict(
    "03/stale-hits",
    "A row is written every 10 s, at random, and nobody tells the cache. Its entry may "
    "be read for 20 s. What share of the hits is stale, on average?",
    between=(0, 100),
    unit="%",
)
stale

# %% [markdown]
# ## Play
#
# ### 1. Delete it, and make it anew
#
# Five copies stand beside the table of nights. Four you know: the replica, the sums, the extremes, the words. The fifth
# is a cache called *last seen*: the app asks it when somebody was there last, and writes that into it. Each is deleted in
# turn, and filled again from the table. Which does not come back?

# %%
not_derived = predict(
    "03/not-derived",
    "Deleted, and made anew from the table: which copy is not what it was?",
    choices=[
        "the replica", "the sums", "the words", "last seen", "all are what they were"
    ],
)
not_derived

# %%
from dsys_lab.scenarios.authoritative_and_derived.counts import (
    delete_and_rebuild,
    not_what_it_was,
    what_came_back,
)

# %%
rebuilt = delete_and_rebuild()
not_derived.reveal(
    not_what_it_was(rebuilt),
    why="It looks like a cache, and nobody else has what stands in it.",
    show=pd.DataFrame.from_dict(what_came_back(rebuilt), orient="index"),
)

# %% [markdown]
# The test does not ask how something is called, how fast it is, or in which product it lives. A cache that holds the only
# copy of something is a database without a backup.
#
# ### 2. How old may it be?
#
# Nobody tells the cache anything, and an entry lives for its ttl. A hit comes at any moment of that life alike; it is
# **stale** if a write came between the fill and it. With *w* writes a second and a ttl of *T* the share of stale hits is
#
# $$1-\frac{1-e^{-wT}}{wT}$$
#
# and how often the row is *read* does not matter. In the picture that comes with the answer four rows, *k0* to *k3*, have a
# box in the table and one in the cache each; in it stands a version: *v7* is what the seventh change wrote. A box of the
# cache that is hatched is stale.

# %%
from dsys_lab.laws import stale_hit_share, ttl_hit_share
from dsys_lab.scenarios.authoritative_and_derived import cached
from dsys_lab.scenarios.authoritative_and_derived.sweeps import (
    stale_shares,
    ttl_hit_shares,
)

# %%
of_20_s = stale_shares(1, 5, 20, 60)
[(_, share, error)] = [one for one in of_20_s if one[0] == 20]
ttl_axis = {"x": "time to live, s", "log_x": True}
stale_by_ttl = charts.against_law(
    {"stale": of_20_s, "hits": ttl_hit_shares(1, 5, 20, 60)},
    laws={
        "stale": lambda ttl_s: stale_hit_share(0.1, ttl_s),
        "hits": lambda ttl_s: ttl_hit_share(1.0, ttl_s),
    },
    title="What a longer life buys, and what it costs",
    y="share",
    **ttl_axis,
)

# %%
stale.reveal(
    100 * share,
    law=100 * stale_hit_share(0.1, 20),
    standard_error=100 * error,
    why="In a life of 20 s there are two writes: the first comes soon.",
    show=(player(cached, ttl_s=(1, 20, 1), at={"ttl_s": 10}), stale_by_ttl),
)

# %% [markdown]
# *hits* is the share of the reads that the cache answers, with a read a second: from 5 s to 20 s it gains a little, and
# what is stale more than doubles. A ttl is a promise about the *oldest* answer, and not a small one.
#
# Whoever writes may do better and say so: `invalidate` throws the entry out, `fill` puts the new value in. Both lanes,
# the same luck:

# %%
told = {way: cached(on_write=way) for way in ("invalidate", "fill")}
player(*told.values(), titles=tuple(told))

# %% [markdown]
# No hatching in either. With `fill` the next read is a hit, and also what nobody will ever read is put in.
#
# ### 3. Who writes to both
#
# So let every writer tell the copy as well: first the table, then the copy. That is the dual write of lab 01, experiment
# 7. There the program died between the two; here nobody dies, and nothing is lost. But word of a write is under way for a
# while, and now and then a later one is faster. The copy shows what came last.
#
# Each row is written four times a second, and word of it takes 0.3 s on average (exponential). Then everybody stops, and
# we wait until all has come. How many rows of the copy are wrong, and stay so?

# %%
raced = predict(
    "03/raced",
    "Four writes a second to each row, 0.3 s on the way on average. When all is quiet, "
    "what share of the copy's rows is wrong for good?",
    between=(0, 100),
    unit="%",
)
raced

# %%
from dsys_lab.laws import overtaken_share
from dsys_lab.scenarios.authoritative_and_derived import reordered
from dsys_lab.scenarios.authoritative_and_derived.counts import races

# %%
ways = races(0.02, 0.1, 0.3, 1.0, runs=100)
_, _, (_, wrong, error), _ = ways
raced_by_way = charts.against_law(
    {"wrong for good": ways},
    laws={"wrong for good": lambda way_s: overtaken_share(4, way_s)},
    title="Rows that stay wrong",
    x="mean way, s",
    y="share of the rows",
)

# %%
load = {"writes": 16, "way_s": 0.3, "seed": 5}  # 16 a second to four rows
orders = {f"by {one}": reordered(order=one, **load) for one in ("arrival", "position")}
raced.reveal(
    100 * wrong,
    law=100 * overtaken_share(4, 0.3),
    standard_error=100 * error,
    why="Nobody got an error, and nobody will ever look again.",
    show=(player(*orders.values(), titles=tuple(orders)), raced_by_way),
)

# %% [markdown]
# It is the law of experiment 2, with the way in place of the ttl; but this staleness does not end. In the second lane each
# word carries the *position* of its change, and the copy lets go what is older than what it has: right in whatever order
# they come. That is why changes are best taken from the table's own log, which has an order, and not from whoever wrote.
#
# ### 4. All again, or only what changed
#
# 2,000 nights in five cities, and 50 changes. A view may **rebuild** (read everything), or take in each change
# (**incremental** maintenance). A sum is easy: subtract the old, add the new. What of the *longest* night of a city, if
# each of the 50 changes deletes just that one?

# %%
extremes_read = predict(
    "03/extremes",
    "50 changes, each deletes the longest night of a city of 400. How many rows does "
    "the view of extremes read to take them in?",
    between=(50, 50_000),
    unit="rows",
)
extremes_read

# %%
from dsys_lab.laws import extremes_rows_read
from dsys_lab.scenarios.authoritative_and_derived.counts import maintenance, rows_read
from dsys_lab.scenarios.authoritative_and_derived.sweeps import rows_read_for_extremes


# %%
def read_by_law(share):
    nights_of_a_city = (2_000 - 25 * share) / 5
    return extremes_rows_read(50, share, nights_of_a_city)


by_share = rows_read_for_extremes(0.0, 0.5, 1.0)
_, read, error = by_share[-1]

# %%
by_view = charts.sliding(
    lambda share: charts.bars(
        rows_read(maintenance(extreme_share=share)),
        title="Rows read for 50 changes: one run",
        unit="rows read",
        log=True,
    ),
    share=(0.0, 1.0, 0.1),
    at={"share": 1.0},
)

# %%
axis = {
    "title": "Rows read by the extremes, on average",
    "x": "share of changes that take the longest",
    "y": "rows read",
}
extremes_read.reveal(
    read,
    law=read_by_law(1),
    standard_error=error,
    why="Which one is the longest now? Two numbers cannot say: look at the whole city.",
    show=(
        by_view,
        charts.against_law(
            {"extremes": by_share}, laws={"extremes": read_by_law}, **axis
        ),
    ),
)

# %% [markdown]
# (The bars are one run, the dots the mean of several, so that they differ a little.)
#
# The slider is the *share* of the 50 that take a longest night away; the others give a night other minutes. With 1, a
# rebuild reads fewer: the nights that are left, once each. What can be *subtracted* (count, sum, and so an average)
# follows at the price of the change; a minimum or a maximum has no inverse, and a median neither. So one chooses by the
# question, and by how many changes there are between two readers.
#
# ### 5. How much room
#
# A cache of 50 entries in front of 500 rows, and when it is full the entry that was read longest ago goes (**LRU**,
# *least recently used*). Not all rows are as popular: of the reads the *k*-th row gets a share that is proportional to
# $1/k^{s}$ (*Zipf's law*; with *s* = 0 all are alike).

# %%
room = predict(
    "03/room",
    "Room for one row in ten, and s = 0.9. What share of the reads hits?",
    between=(0, 100),
    unit="%",
)
room

# %%
from dsys_lab.laws import lru_hit_share
from dsys_lab.scenarios.authoritative_and_derived.sweeps import lru_hit_shares
from dsys_lab.workloads.keys import zipf


# %%
def by_che(skew):
    shares = zipf(500, skew).shares.tolist()
    return lambda entries: lru_hit_share(shares, entries)


skews = {f"s = {skew}": skew for skew in (0.5, 0.9, 1.2)}
room_for = {"keys": 500, "reads": 4_000}
hits = {
    name: lru_hit_shares(12, 50, 150, exponent=skew, **room_for)
    for name, skew in skews.items()
}
_, (_, share, error), _ = hits["s = 0.9"]

# %%
room.reveal(
    100 * share,
    law=100 * by_che(0.9)(50),
    standard_error=100 * error,
    why="The popular tenth gets most of the reads, and stays.",
    show=charts.against_law(
        hits,
        laws={name: by_che(skew) for name, skew in skews.items()},
        title="Room, and skew",
        x="entries, of 500 rows",
        y="share of the reads that hit",
    ),
)

# %% [markdown]
# The law is *Che's approximation*: an entry stays for some time *t* after its last read, the same for all; so a row that
# gets the share *p* of the reads is there with the chance $1-e^{-pt}$, and *t* is such that all of them fill the cache.
#
# ### 6. Who looks too early
#
# The replica takes in the log, one change after the other. It can do 30 a second, and 20 are written. Below, both as tapes:
# a colour is a row, and the arrow under the table's tape is how far the replica is.

# %%
from dsys_lab.scenarios.authoritative_and_derived import following

player(following, writes=(5, 45, 5), applies=(10, 60, 5), at={"writes": 20})

# %% [markdown]
# Each writer comes back a tenth of a second later, and looks *at the replica* for what they wrote.

# %%
own_write = predict(
    "03/own-write",
    "20 changes a second, a replica that can do 30. Who looks 0.1 s after their own "
    "write: how many do not see it?",
    between=(0, 100),
    unit="%",
)
own_write

# %%
from dsys_lab.laws import backlog, held_s, mm1_sojourn_s, stale_own_read
from dsys_lab.scenarios.authoritative_and_derived.sweeps import (
    held_ms,
    lags,
    stale_own_reads,
)

# %%
lag_s, looks = mm1_sojourn_s(20, 30), stale_own_reads(0.02, 0.1, 0.2, 0.4)
_, (_, share, error), *_ = looks
own_write.reveal(
    100 * share,
    law=100 * stale_own_read(0.1, lag_s),
    standard_error=100 * error,
    why="A change is 1/(30 - 20) s under way on average, and some take much longer.",
    show=charts.against_law(
        {"do not see it": looks},
        laws={"do not see it": lambda waited_s: stale_own_read(waited_s, lag_s)},
        title="Who does not see their own write?",
        x="seconds between write and look",
        y="share of the writers",
    ),
)

# %% [markdown]
# To a sleeper that looks as if the correction was lost; they type it in again. The cure is to say what one must see: the
# position of one's own write. The replica lets such a reader wait until it has it (or the reader goes to the table):

# %%
charts.against_law(
    {"held": held_ms(0.02, 0.1, 0.2, 0.4)},
    laws={"held": lambda waited_s: 1e3 * held_s(waited_s, lag_s)},
    title="Nobody is stale, and everybody waits a little",
    x="seconds between write and look",
    y="ms held, on average",
)

# %% [markdown]
# And a replica that can do *less* than is written? Then its lag grows for as long as that goes on. After 20 s, by the
# rate of the commits (the law is that of even streams: where the replica keeps up it says 0, though by chance a few
# changes are on their way):

# %%
charts.against_law(
    {"behind": lags(10, 20, 40, 60)},
    laws={"behind": lambda commits: max(0, backlog(commits, 30, 20))},
    title="A replica that can do 30 changes a second, after 20 s",
    x="changes committed a second",
    y="changes behind",
)

# %% [markdown]
# ### 7. The herd
#
# One row is read 200 times a second, always from the cache; the table needs 0.05 s for a read and does two at a time. At
# one second somebody throws the entry out. How many readers go to the table until the entry is back?

# %%
herd_size = predict(
    "03/herd",
    "200 readers a second, and a read of the table takes 0.05 s. How many go there for "
    "the one row that was thrown out?",
    between=(1, 200),
    unit="readers",
)
herd_size

# %%
from dsys_lab.laws import herd_went
from dsys_lab.scenarios.authoritative_and_derived import herd
from dsys_lab.scenarios.authoritative_and_derived.counts import herds
from dsys_lab.scenarios.authoritative_and_derived.sweeps import who_went

# %%
went = who_went(50, 200, 400, 800)
_, (_, readers, error), *_ = went
herd_axis = {
    "title": "How large is the herd?",
    "x": "readers a second",
    "y": "who go to the table",
}
by_readers = charts.against_law(
    {"counted": went}, laws={"counted": lambda rate: herd_went(rate, 0.05)}, **herd_axis
)
flights = [herd(single=single) for single in (False, True)]

# %%
herd_size.reveal(
    readers,
    law=herd_went(200, 0.05),
    standard_error=error,
    why="All who come before the first one is back.",
    show=(
        player(*flights, titles=("each for themselves", "a single flight")),
        by_readers,
    ),
)

# %% [markdown]
# In the second lane the first goes, and who misses meanwhile waits for what it brings: a **single flight**. (The ledger
# below a lane counts readers; the lamp *conservation* says that none of them is unaccounted for.) What it comes to:

# %%
each, single = (1e3 * one.slowest_s for one in herds())
charts.bars(
    {"each for themselves": each, "a single flight": single},
    title="The slow end, while the entry is away",
    unit="ms within which 99 of 100 readers are answered",
)

# %% [markdown]
# ## Break it
#
# **The writer dies between the two.** Writers invalidate, and there is no ttl, for what is it good for, if everybody says
# what they write? But one in ten dies after the table was written, and before it told the cache.

# %%
lost_words = predict(
    "03/lost-words",
    "One word in ten never reaches the cache, and entries live for ever. One write "
    "comes for ten reads. What share of the reads is stale?",
    between=(0, 100),
    unit="%",
)
lost_words

# %%
from dsys_lab.laws import stale_after_lost_words
from dsys_lab.scenarios.authoritative_and_derived.sweeps import (
    stale_after_lost_words as stale_reads,
)

# %%
lost = stale_reads(0.02, 0.1, 0.3, 0.6)
_, (_, share, error), *_ = lost

# %% [markdown]
# (In the picture three words in ten are lost, and rows are written more often, so that one sees it.)

# %%
dying = {"on_write": "invalidate", "lost": 0.3, "writes": 0.4}
lives = {"no ttl": cached(**dying, ttl_s=None), "ttl 5 s": cached(**dying, ttl_s=5.0)}
lost_axis = {
    "title": "Reads that are stale",
    "x": "share of the words that are lost",
    "y": "share of the reads",
}

# %%
lost_words.reveal(
    100 * share,
    law=100 * stale_after_lost_words(0.1, 0.1, 1),
    standard_error=100 * error,
    why="Such an entry stays until the next write of the same row, however long that "
    "is.",
    show=(
        player(*lives.values(), titles=tuple(lives)),
        charts.against_law(
            {"stale": lost},
            laws={"stale": lambda share: stale_after_lost_words(share, 0.1, 1)},
            **lost_axis,
        ),
    ),
)

# %% [markdown]
# The ttl is there for what went wrong. It bounds how long nobody notices.
#
# **The changes do not come as they should.** A night is inserted and deleted, then others come. One of the first two changes
# is skipped, or comes twice, or they change places. Which view is right in the end, which refuses to go on?

# %%
from dsys_lab.scenarios.authoritative_and_derived.accidents import (
    noticed_grid,
    two_bugs,
)

# %%
charts.verdict_grid(
    {"in the end the view": noticed_grid()},
    legend={"done": "is right", "lost": "refuses", "late": "is wrong, and silent"},
    columns="view",
    title="One change is not as it should be",
    box_inches=0.95,
)

# %% [markdown]
# A replica by position forgives what comes twice or late. The others add up: where a row is to go that was never there they
# see that something is amiss, but a sum that is told twice is wrong and looks like any other. And nobody sees what never
# comes, if nothing else follows on it. So whoever brings the changes must keep count (lab 23): a gap in the positions is a
# reason to rebuild.
#
# **A bug.** One night in ten is added in hours in place of minutes: first the *view* does it, then whoever writes the
# *table*. The bug is mended, and the view made anew. How many cities are wrong before and after?

# %%
bugs = {
    one.where: {"before": one.wrong, "after": one.wrong_after} for one in two_bugs()
}
pd.DataFrame.from_dict(bugs, orient="index").add_suffix(", cities wrong")

# %% [markdown]
# A rebuild heals whatever went wrong on the way. What is wrong in the table it copies faithfully: that is what
# *authoritative* means, too.
#
# **The replica crashes** for two seconds. What it had applied is on its disk, with the position; it goes on from there.

# %%
falls = {"do": "crash", "target": "replica", "at_s": 5, "lasts_s": 2}
fallen = following(writes=10, applies=30, faults=[falls])
player(fallen)

# %% [markdown]
# What it has missed it takes in with what is left of its rate: the drain of lab 01, experiment 2.

# %%
from dsys_lab.laws import outage_drain_s, waiting_after_outage
from dsys_lab.trace import gauge

# %%
missed, drain_s = waiting_after_outage(10, 2), outage_drain_s(2, 10, 30)

# %%
charts.lines(
    {"behind": list(zip(*gauge(fallen, "lag"), strict=True))},
    title=f"Two seconds down: by the law {missed:g} changes, and {drain_s:g} s more",
    y="changes behind",
    bands={"down": (5, 7)},
    laws={"behind": [(5, 0), (7, missed), (7 + drain_s, 0)]},
    steps=True,
)

# %% [markdown]
# **Drift.** One night of a replica is wrong, of 4,096, and nobody knows why. Comparing all of them would mean sending all
# of them. Instead both ends cut the keys into 256 ranges, take a digest of each, and build a tree over them, a *Merkle tree*: each node
# is a digest of the two below it. Only digests are sent, from the root down, and only below those that differ.

# %%
drift = predict(
    "03/drift",
    "One wrong night, 256 ranges in a tree of twos. How many digests have to be sent "
    "until the range is found?",
    between=(1, 511),
    unit="digests",
)
drift

# %%
from dsys_lab.laws import hashes_compared_most
from dsys_lab.scenarios.authoritative_and_derived.counts import drift_tree, drifted


# %%
def tree(wrong_nights, seed):
    found = drift_tree(bad=wrong_nights, seed=seed)
    return charts.digest_tree(
        found.ranges, found.differing, title="Only below what differs is asked"
    )


counted = drifted(1, 4, 16, 64, 256, 1_024, 4_096)
by_ranges = dict(counted)

# %%
finer = "With more ranges, more digests and fewer nights"
sent = {
    "digests sent": [(ranges, one.compared) for ranges, one in counted],
    "nights sent": [(ranges, one.fetched_rows) for ranges, one in counted],
}
drift.reveal(
    by_ranges[256].compared,
    law=hashes_compared_most(1, 256),
    why="Two for each level below the root.",
    show=(
        charts.sliding(tree, wrong_nights=(0, 6), seed=(1, 9), at={"wrong_nights": 1}),
        charts.lines(sent, title=finer, x="ranges", y="sent", log_x=True, log_y=True),
    ),
)

# %% [markdown]
# The tree in the picture has 16 ranges, of 20 nights each. The nights of a bad range are sent and compared one by one: with
# more ranges there are fewer of them. It says *where* two copies differ. Who is right it does not say; that one has to
# know beforehand.

# %% [markdown]
# ## Measure
#
# **A real cache server.** *Valkey* (the free continuation of Redis) behind the same verbs. The same 500 reads and writes
# of 60 rows go through the model and through the server. Are their books the same, and what do they say?

# %%
from dataclasses import asdict

# %%
from dsys_lab.engines.valkey import CACHE_DIFFERENCES, ValkeyCache
from dsys_lab.lessons import differences, measured
from dsys_lab.scenarios.authoritative_and_derived.accidents import asked

# %%
with ValkeyCache() as server:
    theirs = asdict(asked(server))
ours = asdict(asked(Cache()))
ours == theirs, {what: number for what, number in ours.items() if number}

# %% [markdown]
# Now a server with little memory, told to throw out what was *used longest ago* (`allkeys-lru`), in front of 400 rows with
# *s* = 0.9. It reads thousands a second. Are its hits those of the law of experiment 5?

# %%
evicts = predict(
    "03/evicts",
    "A small Valkey that is to throw out what was used longest ago: whose hits does it "
    "come to, read thousands of times a second?",
    choices=["the one read longest ago", "any one"],
)
evicts

# %%
from dsys_lab.engines.valkey import read_through, thrown_out
from dsys_lab.laws import random_hit_share

# %%
popular = zipf(400, 0.9)
shares, room = popular.shares.tolist(), (40, 60, 80, 100, 120)
small = {"room_bytes": 400_000, "warm": 1_000}
found = read_through(popular.draw(7, "reads", 0, 8_000).tolist(), **small)
by_law = {
    "the one read longest ago": [(n, lru_hit_share(shares, n)) for n in room],
    "any one": [(n, random_hit_share(shares, n)) for n in room],
}

# %%
hit_share, law = found.hits / found.reads, random_hit_share(shares, found.entries)
tens = found.entries // 10 * 10
came_to = measured(
    100 * hit_share / law,
    "% of what the law for any one says",
    usually="the hits are about 100 % of what the law for any one says",
)
what_hits = charts.lines(
    by_law,
    title="What hits, by what is thrown out",
    x="room for so many entries",
    y="share of the reads",
    bands={"the server's entries, to ten": (tens, tens + 10)},
    references={"its hits, to a twentieth": round(20 * hit_share) / 20},
)

# %%
evicts.reveal(
    thrown_out(found, shares),
    why="It draws five, and knows to the second when each was used: all at the same.",
    show=(what_hits, came_to),
)

# %% [markdown]
# The two curves are the two laws, what is thrown out being the one read longest ago, or any one. What was counted lies
# where the dotted line is in the band, on the lower one. Not a flaw, but a price: an exact order of all keys would cost
# memory in each of them. Where entries stay for minutes, a clock that ticks once a second is good enough. What else it does
# otherwise:

# %%
differences(CACHE_DIFFERENCES)

# %% [markdown]
# How long does a hit take? A plain dictionary of Python, our cache (which also looks at the clock, keeps the order and the
# books), and the server, which lives in another process:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.views import hits_of

# %%
plain, ours = interleaved(hits_of("dict"), hits_of("cache"), rounds=5)
times = [b / a for a, b in zip(plain, ours, strict=True)]
measured(times, "times a dictionary", usually="tens of times a dictionary")

# %%
ours, theirs = interleaved(hits_of("cache"), hits_of("valkey"), rounds=5)
times = [b / a for a, b in zip(ours, theirs, strict=True)]
usual = "tens of times our cache: a way there and back"
measured(times, "times our cache", usually=usual)

# %% [markdown]
# **A real database.** PostgreSQL has *materialized views*, which are rebuilt when told to (`REFRESH`), and *triggers*, by
# which one keeps a sum up oneself, in the same transaction. 2,000 nights, 50 changes, the sum by cities, in four ways;
# what is counted is PostgreSQL's own.

# %%
trigger_reads = predict(
    "03/trigger",
    "Which of these ways reads every night to be up to date after 50 changes?",
    choices=["the refresh", "the trigger", "both", "neither"],
)
trigger_reads

# %%
from dsys_lab.engines.postgres import PostgresDatabase, indexed, kept_views
from dsys_lab.engines.postgres.kept_tables import (
    log_records,
    pages_asked,
    table_of_ways,
    who_reads_all,
)
from dsys_lab.scenarios.authoritative_and_derived.accidents import nights_and_changes

# %%
with PostgresDatabase() as database:
    kept = {one.way: one for one in kept_views(database, *nights_and_changes())}
    shelves = indexed(database, 0, 1, 4, 8)
trigger_reads.reveal(
    who_reads_all(kept),
    why="The trigger sees the old row and the new one, and adjusts two groups.",
    show=table_of_ways(kept),
)

# %% [markdown]
# The row of *query* is who keeps nothing, and reads all nights each time somebody asks. *concurrently* computes the same
# as a refresh and then writes only the groups that differ (each as one that goes and one that comes), so that readers
# need not wait.
#
# A secondary **index** is a derived copy as well, kept up in the same transaction: never stale, and paid for by every
# write. For each number of indexes, records in PostgreSQL's log for an inserted row, and pages read by a question that
# the first of them would answer:

# %%
charts.bars(log_records(shelves), title="The log of an inserted row", unit="records")

# %%
charts.bars(pages_asked(shelves), title="Read by the question", unit="pages", log=True)

# %% [markdown]
# The first index saves nearly all of the pages. The other seven are for other questions; if nobody asks these, they are
# all cost.

# %% [markdown]
# ## On real data
#
# All flights that left New York in 2013, a row each. Some of its columns look like copies. By the test of this lab: delete
# a column, make it anew from the others, compare. `dep_delay` from departure and planned departure; `hour` from the
# planned departure; `distance` from the two airports, as most flights between them have it.

# %%
column = predict(
    "03/columns",
    "Which of these columns does not come back the same for every flight?",
    choices=["hour", "dep_delay", "distance", "all of them come back"],
)
column

# %%
from dsys_lab.scenarios.authoritative_and_derived.flights import (
    blizzard,
    rebuilt_columns,
    two_distances,
)

# %%
remade = rebuilt_columns()
column.reveal(
    remade["not the same"][["hour", "dep_delay", "distance"]].idxmax(),
    why="Two routes have two distances, a mile apart.",
    show=(remade, two_distances()),
)

# %% [markdown]
# The distance of a route stands in every flight: *denormalised*, and somewhere it was written otherwise. Nothing in the
# file says which is right. `carrier` nearly follows from the plane, but planes change hands, and many cancelled flights
# have no plane; `air_time` does not follow from departure and arrival at all: the clocks are in different time zones, and
# a plane also stands and rolls.
#
# And a view that follows: three days in February 2013, with a blizzard on the 8th. Each flight is put into the timetable,
# later it departs (which gives it a delay), or is cancelled and taken out. Three views are told each of these changes; in
# the end the same is asked in SQL of what is left.

# %%
storm = blizzard()
storm.answers

# %%
storm.answers.equals(storm.by_sql), storm.same_digest

# %%
[work] = {tuple(one.items()) for one in storm.rows_read.values()}  # all three alike
charts.bars(dict(work), title="Rows read by each of the three views", unit="rows")

# %% [markdown]
# Row for row the same as SQL's, and the digests as those of a rebuild. Following read more rows than one rebuild did: it was
# right the whole time. Nobody rebuilds a view after each of five thousand changes.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | a copy cannot be made anew | it is authoritative: back it up, whatever it is called | who else writes it |
# | an old answer does no harm for *T* seconds | a cache with that ttl, and nothing else | the share of hits that are stale, by the law |
# | writers can say what they write | invalidate, *and* a ttl for the words that are lost | the age of the oldest wrong answer |
# | two systems must agree | write one, let the other follow its log | the lag; never write both |
# | counts, sums, averages | an incremental view, each change once and in order | its digest against a rebuild, at night |
# | minima, maxima, medians | a rebuild, or an index to look them up again | how many changes take the extreme away |
# | it must never be stale | an index, or a trigger, in the same transaction | what every write pays |
# | somebody must see their own write | wait for its position, or go to the table | how long they are held |
# | one key is read by very many | a single flight | how many go to the source at once |
# | copies are far apart, or old | digests in a tree, from time to time | ranges that differ |

# %% [markdown]
# ## Exercises

# %%
exercise("03/back_up")


# %%
def back_up(copies, makers): ...


exercise("03/back_up", back_up)

# %%
exercise("03/adjust")


# %%
def adjust(groups, change): ...


exercise("03/adjust", adjust)

# %%
exercise("03/longest_ttl")


# %%
def longest_ttl(writes_a_second, stale_share): ...


exercise("03/longest_ttl", longest_ttl)

# %% [markdown]
# **Design question.** Likes, on three surfaces.

# %%
exercise("03/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, introduction to part III, ch. 11 and 12.
# - Helland, "Immutability changes everything", CIDR 2015.
# - Gupta and Mumick, "Maintenance of materialized views", *IEEE Data Engineering Bulletin* 1995.
# - Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013: invalidation, leases, herds.
# - Che, Tung and Wang, "Hierarchical web caching systems", *IEEE JSAC* 2002; Fricker, Robert and Roberts, ITC 2012.
# - DeCandia et al., "Dynamo", SOSP 2007, section 4.7: digests in a tree.
# - PostgreSQL 18 documentation: `REFRESH MATERIALIZED VIEW`, *triggers*, *indexes*. Valkey documentation: *key eviction*.
#
# Beyond one machine: change data capture (Debezium, AWS DMS; lab 23), a log as the source of everything (Kafka, lab 17),
# shared caches (ElastiCache), search engines (OpenSearch), engines for incremental views (Materialize, Feldera), caches
# at the edge of the network. There is no clock and no order across several sources; and a rebuild takes days, so one
# begins with a snapshot and reads the rest of the log.
