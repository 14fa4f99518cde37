# %% [markdown]
# # Key-value store
#
# <!-- binder --><!-- /binder -->
#
# *Look up a thing by its key, among any number of things: what grows without end, and what does not grow at all.*

# %% [markdown]
# ## Question
#
# Every sleeper of *Slumber* has a **card** with last night's sleep. The app asks for a card by the person, millions of
# times a day, and never for anything else. No machine is large enough for all cards; so they are spread over many, and
# more machines take more cards and more calls. On New Year's morning the card of one famous sleeper is asked for by
# everybody.
#
# How does a store that looks up things by their key grow without end? And where does it end nevertheless?
#
# *In a hurry:* Picture, By hand, experiments 1 to 3 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
    differences,
    exercise,
    facts,
    notes,
    player,
    predict,
    progress,
    show_source,
)

# %% [markdown]
# ## The notes say

# %%
notes("Key Value Store - Dynamo DB")

# %% [markdown]
# By key: that is the whole of it, and everything in this lab follows from it. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | a json blob | an **item** of typed attributes: one can be compared, changed or indexed alone; a hundred items change together or not at all; every change can be followed |
# | by key | the *partition key* is hashed and says **where**; a *sort key* keeps the items there in order, so a range is one read |
# | (it scales) | the table does; one **partition** of it has a limit |
# | (its price) | counted in *units*, from bytes |
# | Dynamo DB | not *Dynamo*: the paper of 2007 has no leader and gives two answers; DynamoDB has a leader a partition, and a strong read |
# | (key-value stores are LSM trees) | many are; DynamoDB's replicas keep a log and a **B-tree** (ATC 2022) |

# %%
facts(
    "dynamodb_partition_write",
    "dynamodb_partition_read",
    "dynamodb_partition_size",
    "dynamodb_item_max",
    "dynamodb_burst",
)

# %% [markdown]
# ## Picture
#
# The space of hashes as a bar, cut into four **partitions**; each card lies where the hash of its person falls. In
# each partition stands a tube of **tokens**: so much it may still do in this second. Everything is a fiftieth of its
# real size, so that you see each call: a partition does 20 writes a second, and the table was promised 48.
#
# Forty writes a second come in, on both sides the same, and a few persons get most of them. On the left each partition
# has its even share of the promise, 12; on the right the promise is the table's, and whoever needs it takes it.
#
# Press **space**.

# %%
from dsys_lab.scenarios.key_value import hot_key

player(hot_key, compare={"mode": ("static", "global")})

# %% [markdown]
# On the left one tube runs dry and its writes bounce, while its neighbours' tubes stay full: what they do not use is
# of no use to anybody. On the right all writes pass. Yet also there a partition has a limit of its own, 20, which these
# writes just do not reach. What happens when they do is where this lab is going.

# %% [markdown]
# ## By hand
#
# Be the table's only client. It reads no clock; you tell it the time, in microseconds. Its keys are a person and a
# night:

# %%
from dsys_lab.stores.key_value.partitioned import (
    Compare,
    Exists,
    KeySchema,
    PartitionedTable,
    Update,
)

nights = PartitionedTable("nights", KeySchema("person", "night"))
nights.put(0, {"person": "17", "night": "2017-01-01", "minutes": 435}).units

# %% [markdown]
# One write **unit**: up to 1,024 bytes, names included. What is the size of that item? Names and strings in UTF-8; a
# number takes a byte for two digits, and one more:

# %%
from dsys_lab.stores.key_value.partitioned import size_bytes

size_bytes({"person": "17", "night": "2017-01-01", "minutes": 435})

# %% [markdown]
# An item is no blob. Five minutes more, but only if there are at least 400 already; and a second try of the first
# write, which must not overwrite:

# %%
more = Update(add={"minutes": 5})
nights.update(
    1,
    {"person": "17", "night": "2017-01-01"},
    more,
    condition=Compare("minutes", ">=", 400),
).new["minutes"]

# %%
from dsys_lab.errors import Refused

# %%
try:
    nights.put(2, {"person": "17", "night": "2017-01-01"}, condition=~Exists("person"))
except Refused as refusal:
    print(type(refusal).__name__, refusal)

# %% [markdown]
# The condition is looked at and the write done in one step: nothing comes between. And the arithmetic of the price,
# for a put of 3,000 bytes alone and in a transaction, a strong read of 20 KB, and a query that examines eighteen items
# of 3,045 bytes, *strong* (what was written last) and *eventual* (at half the price, perhaps from a copy that lags):

# %%
from dsys_lab.stores.key_value.partitioned import query_units, read_units, write_units

(
    write_units(0, 3_000),
    write_units(0, 3_000, transactional=True),
    read_units(20 * 1024, consistency="strong"),
    query_units([3_045] * 18, consistency="strong"),
    query_units([3_045] * 18),
)

# %% [markdown]
# A query sums first and rounds once. Eighteen single reads of the same items would be 18 units, strong, and 9, eventual.

# %% [markdown]
# ## Look inside
#
# What happens to a write: its key is hashed, its partition found, its price counted, and it is let in or refused. The
# partition's leader writes it into its journal and ships it to two followers; when one of them has it, two of three
# do, and it is acknowledged (in DynamoDB's own words: the client gets an *HTTP 200*).
#
# ```text
#          hash(person)
# put(card) ───────────> partition ──> tokens? ──> the leader's journal ──> two followers
#                                       │              └──> change stream ──> global indexes
#                                       └─ no: refused, with the reason
# ```
#
# Who may pass? A mode is one small pure function, from what every partition was asked for in the last second to what
# each may do in the next. *Static* gives even shares, *adaptive* lends what others left over, and `one_for_all` is the
# mode *global*:

# %%
from dsys_lab.stores.key_value.partitioned.admission import (
    adaptive,
    max_min_fair,
    one_for_all,
    static,
)

show_source(static, adaptive, one_for_all)

# %% [markdown]
# They divide by *max-min fairness*: everybody gets what they ask for, up to an even share of what is left. 100 units,
# asked for by three:

# %%
max_min_fair(100, [10, 20, 90])

# %% [markdown]
# Where is a busy partition cut? At the key of the *median load*, where as much is asked for on one side as on the
# other. Four positions of hashes, and what was asked for at each:

# %%
from dsys_lab.stores.key_value.partitioned.splitting import median_position

median_position({100: 1, 200: 1, 300: 6, 400: 1})

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the others each open the experiment that they are about. *Zipf with s* means that the
# n-th busiest key gets a share that falls like 1/n to the power s: at 0 all are alike.

# %%
hot = predict(
    "09/hot-key",
    "1,000 keys on eight partitions, Zipf with s = 1.2, static shares. Of what is "
    "asked for, how much passes?",
    between=(0, 100),
    unit="%",
)
hot

# %% [markdown]
# ## Play
#
# ### 1. Hot keys
#
# Eight partitions, 6,000 units a second asked for, 7,000 promised. From left to right the writes gather on fewer keys;
# the law is the sum of min(load, limit) over the partitions:

# %%
from dsys_lab.scenarios.key_value.counts import accepted, accepted_by_law
from dsys_lab.views import charts

# %%
skews = (0.5, 1, 1.2, 1.4)
passed = {mode: accepted(*skews, mode=mode) for mode in ("static", "global")}
laws = {
    mode: lambda skew, mode=mode: accepted_by_law(round(skew, 2), mode=mode)
    for mode in passed
}
_, share, error = passed["static"][2]

# %%
hot.reveal(
    100 * share,
    law=100 * accepted_by_law(1.2),
    standard_error=100 * error,
    why="Shares are even and loads are not: one partition refuses while others idle.",
    show=charts.against_law(
        passed,
        laws=laws,
        title="How much passes, by skew",
        x="skew s",
        y="share that passes",
    ),
)

# %% [markdown]
# A table's promise given out in even shares is good for even loads only. Given out by one tube for the whole table,
# a little more passes, and never much more: the partitions' own limit is near, and at the right end the hottest *key*
# alone asks for more than one partition does. The law knows averages only, and does well with them: every dot lies within
# three standard errors of it. (DynamoDB gives the reason in the error's name: `KeyRangeThroughputExceeded` where a
# partition's limit refuses, `ProvisionedThroughputExceeded` where the table's promise does.)
#
# ### 2. Four modes, one spike
#
# Ten minutes. 4,000 units a second were promised, 3,000 are asked for, and from minute 3 to 7 it is 4,400, a tenth above
# the promise: a spike that the table could nearly bear, if it were spread evenly. A fourth mode here is *burst*: a
# partition keeps what it did not use, up to five minutes' worth, and spends it when it needs more.

# %%
refusing = predict(
    "09/before-the-spike",
    "Before the spike three quarters of what was promised is asked for. Which modes "
    "refuse some of it all the same?",
    choices=["none", "static", "static and burst", "all four"],
)
refusing

# %%
import pandas as pd

from dsys_lab.scenarios.key_value.counts import refused_units, refusing_at_ease, spike

# %%
spikes = {mode: spike(mode) for mode in ("static", "burst", "adaptive", "global")}
by_minute = {
    mode: [(at / 60, refused) for at, refused in told[::5]]
    for mode, told in spikes.items()
}

# %%
refusing.reveal(
    refusing_at_ease(spikes),
    why="Some partitions are always hotter than their even share. Static refuses "
    "there, and so does burst: who never uses less has nothing saved up.",
    show=charts.lines(
        by_minute, title="Refused in a spike", x="minutes", y="units refused a second"
    ),
)

# %% [markdown]
# (The chart shows every fifth second; these sums count all, before the spike and over all ten minutes.)

# %%
pd.DataFrame(refused_units(spikes)).map("{:,.0f}".format)

# %% [markdown]
# *Burst* can only spend what was saved up, and the hotter a partition, the less it has saved. *Adaptive* gives them
# what their neighbours leave over, a second late. *Global*, the one that came last, has one tube for all, also of what
# was saved; the little that it refuses is refused by the limit of a partition. Move the sliders. At which skew does
# also the right side begin to refuse? And with twice as many partitions?

# %%
player(
    hot_key,
    compare={"mode": ("static", "adaptive")},
    skew=(0, 1.6, 0.1),
    rate=(10, 80, 5),
    partitions=(2, 8),
)

# %% [markdown]
# ### 3. One key, and what helps
#
# All writes go to one key, and one partition does less than is asked for. Three things can be tried: pay for more
# units; **cut** the partition; or **spread** the key: the writer adds a suffix, `0.0` to `0.5`, in turn, and each is a
# key of its own.

# %%
helps = predict(
    "09/one-hot-key",
    "All writes go to one single key, 2,500 units a second. What helps?",
    choices=[
        "paying for more units",
        "cutting the partition",
        "spreading the key over several",
        "nothing",
    ],
)
helps

# %%
one_key = {"keys": 1, "mode": "global", "rate": 50, "promised": 100, "seconds": 8}
tries = {
    "paying for more units": hot_key(**{**one_key, "promised": 1_000}),
    "cutting the partition": hot_key(**one_key, cut=True),
    "spreading the key over several": hot_key(**one_key, suffixes=6),
}
done = {way: len(run.of("finish")) for way, run in tries.items()}

# %%
_, cut, spread = tries.values()
helps.reveal(
    max(done, key=done.get),
    why="One key is one position, and nothing parts it but another name.",
    show=player(cut, spread, titles=("the partition is cut", "the key is spread")),
)

# %%
charts.bars(done, title="Which of the three helps?", unit="writes done")

# %% [markdown]
# More units do not help, for one partition does no more than its limit, whatever is paid. Nothing is cut on the left, for
# there is nothing to cut: all load is at one position, and no key parts it.

# %%
print(median_position({300: 6}))

# %% [markdown]
# On the right nearly all passes; not all, for it is luck on which partition a suffix falls, and some got two of six. Six
# is what we tried: 2,500 over 1,000 is at least three, and luck wants some more than the arithmetic says. The price is on
# the other side: who reads the whole must read all of its parts. With more keys, though, cutting does help, until the
# hottest is alone. On the left nothing is cut, on the right the busiest ranges are, where the load is:

# %%
many_keys = {"mode": "global", "skew": 1.0, "rate": 80, "promised": 100, "seconds": 4}
player(hot_key, **many_keys, compare={"cut": (False, True)})

# %% [markdown]
# ### 4. Access paths
#
# 4,650 nights of Slumber, each an item, with an index *local* to each person (by minutes) and a *global* one (by city
# and night). An index is a second table in another order, kept by the store. A **scan** goes through all items; a
# **filter** is a condition on what comes out. Three questions, and every way to answer them:

# %%
filtered = predict(
    "09/filter",
    "A scan of 4,650 nights costs 51 units. A filter lets one of them through. What "
    "does it cost then?",
    between=(0.5, 60),
    unit="units",
)
filtered

# %%
from dsys_lab.scenarios.key_value.tables import QUESTIONS, access_paths

paths = {question: access_paths(question) for question in QUESTIONS}
told = {
    (question, path): cost
    for question, ways in paths.items()
    for path, cost in ways.items()
}

# %%
filtered.reveal(
    paths["last night of 17"]["scan"]["units"],
    law=51,
    why="What a filter takes out was read before, and is paid.",
    show=pd.DataFrame(told).T.map("{:g}".format),
)

# %% [markdown]
# The filter takes out what is not wanted *after* it was read. (The local index examines one night where the query
# examines all of a person's; here both are less than the smallest price. It pays where a person has thousands.) A table
# of this kind answers the questions that it was made for; for all others it reads everything. So the access paths come
# first, and the keys follow from them.
#
# ### 5. Reads that are behind
#
# Labs 03 and 08 had such a replica. Here the reader does not even know which of three it asks: a leader and two
# followers, one of which is behind. Such a read costs half of a strong one, and is sometimes old: one card is written
# again and again, a mark above the time line stands for each old answer, and the lamp counts them.

# %%
from dsys_lab.scenarios.key_value import replica_reads

player(replica_reads, lag_ms=(5, 1000, 5), writes=(1, 8))

# %% [markdown]
# How often? If a card is written *w* times a second and one replica of three is *d* behind, then in
# $\tfrac13(1 - e^{-wd})$ of the reads. Here *w* is 8, and each dot has a bar of three standard errors:

# %%
from dsys_lab.laws import stale_at_follower
from dsys_lab.scenarios.key_value.counts import stale_reads

# %%
behind = {"counted": stale_reads(20, 50, 200)}
law = {"counted": lambda ms: stale_at_follower(8, ms / 1000) / 3}
charts.against_law(
    behind, laws=law, title="Old answers", x="ms behind", y="share of the reads"
)

# %% [markdown]
# A **global index** is behind, too, and it has units of its own. Give it fewer than the table is written with, and
# changes pile up, until the table's own writes are refused. Nothing is lost: when the writers pause it catches up, and
# the check at the end says that both agree. (With 4 units a second the film ends before it has: then the check says how
# many changes the index has of those that the table has.)

# %%
from dsys_lab.scenarios.key_value import index_falls_behind

player(index_falls_behind, index_rate=(4, 24, 2), rate=(5, 40, 5))

# %% [markdown]
# ### 6. Ring, modulo, cut
#
# On which machine does a key live, and who must move when there is one machine more? The simplest rule is the hash
# **modulo** the number of machines. The other puts machines as points on a **ring** of hashes, and a key belongs to the
# next point:

# %%
joins = predict(
    "09/one-more-machine",
    "Ten machines, each key on the machine of its hash modulo 10. One machine more: "
    "how many keys move?",
    between=(0, 100),
    unit="%",
)
joins

# %%
from dsys_lab.laws import moved_by_modulo, moved_by_ring
from dsys_lab.scenarios.key_value.counts import fullest_over_mean, moved

# %%
moves = moved(4, 10, 20)
_, share, error = moves["modulo"][1]

# %%
move_laws = {"ring": moved_by_ring, "modulo": moved_by_modulo}
joins.reveal(
    100 * share,
    law=100 * moved_by_modulo(10),
    standard_error=100 * error,
    why="By another divisor nearly every hash has another remainder.",
    show=charts.against_law(
        moves,
        laws=move_laws,
        title="What moves when a machine joins",
        x="machines",
        y="share that moves",
        whole_x=True,
    ),
)

# %% [markdown]
# A cut as in the picture above moves what makes half of one partition's load. On a ring with one point a machine the
# arcs are very different; many points a machine even them out. By how much does the fullest of ten exceed the mean?

# %%
fullest = {f"points: {n}": mean for n, mean, _ in fullest_over_mean(1, 16, 128)}
charts.bars(fullest, title="The fullest of ten machines", unit="times the mean")

# %% [markdown]
# Now the store that was built on that ring, Amazon's *Dynamo* of 2007: no leader; a write is acknowledged when **W** of
# **N** machines have it, a read asks **R** (the *quorums* of lab 08, experiment 6, without a leader who puts the log in
# order). Each read comes right after the acknowledgement, and each
# writer hands in what it last read; where that was old, two versions stand side by side:

# %%
old = predict(
    "09/stale",
    "N = 3 copies, a write is acknowledged by one, a read asks one at random, at "
    "once. How often is it old?",
    between=(0, 100),
    unit="%",
)
old

# %%
from dsys_lab.laws import stale_after_write
from dsys_lab.scenarios.key_value import counts as table_counts
from dsys_lab.scenarios.key_value import ring

# %%
quorums = [(3, 1, 1), (3, 2, 1), (3, 1, 3), (3, 2, 2), (5, 2, 2)]
misses = {quorum: table_counts.stale_after_write(*quorum) for quorum in quorums}
rows = {
    f"N {n}, R {r}, W {w}": {
        "old reads": misses[n, r, w],
        "law": stale_after_write(n, r, w),
    }
    for n, r, w in quorums
}

# %%
old.reveal(
    100 * misses[3, 1, 1],
    law=100 * stale_after_write(3, 1, 1),
    why="One of the three has it, and any of the three is asked.",
    show=(
        pd.DataFrame(rows).T.round(2),
        player(ring(), ring(r=2, w=2), titles=("R = W = 1", "R = W = 2")),
    ),
)

# %% [markdown]
# With R + W > N those that are asked and those that have it overlap, and no read is old. But so that writes go on when
# machines are out of reach, Dynamo lets others **stand in** for them, a *sloppy* quorum; and those do not overlap with
# anybody.

# %%
sloppy = predict(
    "09/sloppy",
    "R = W = 2 of 3. Two of the machines are away during the write and back for the "
    "read. How often is the answer old, though R + W > N?",
    between=(0, 100),
    unit="%",
)
sloppy

# %%
from functools import partial

reads = 4_000
two_of_three = partial(table_counts.stale_after_write, 3, 2, 2, writes=reads)
by_away = {f"{away} away": two_of_three(sloppy=True, down=away) for away in range(3)}
old_share = by_away["2 away"]

# %%
sloppy.reveal(
    100 * old_share,
    law=100 / 3,
    standard_error=100 * (old_share * (1 - old_share) / reads) ** 0.5,
    why="One of the three has it. Two are asked, and of the three pairs one is the "
    "pair of those that were away.",
    show=charts.bars(
        {away: 100 * share for away, share in by_away.items()},
        title="Old answers, by machines that are away during the write",
        unit="%",
    ),
)

# %% [markdown]
# And without a leader two writers who have not read each other make **siblings**, both of which are kept (each value
# carries a *version vector*, which says of every machine how many of its writes it has seen). A clock cannot decide:
# one that is nine seconds ahead wins over everything that the others write in the next nine seconds.

# %%
from dsys_lab.stores.key_value.ring import Ring, last_writer_wins

both, one = Ring(["a", "b", "c"]), Ring(["a", "b", "c"], keep=last_writer_wins)
for store in (both, one):
    store.put(0, "card 17", "from the watch", clock_us=9_000_000)
    store.put(1, "card 17", "from the phone")
both.get(2, "card 17").values, one.get(2, "card 17").values

# %% [markdown]
# ### 7. Under one partition: B-tree or LSM tree
#
# How does one machine keep its keys? A B-tree changes pages where they lie. An **LSM tree** gathers writes in memory,
# flushes them as a sorted run, and merges runs behind the writer's back. Two policies say when: *leveled* keeps one run
# a level and merges into it at once; *tiered* lets up to T runs gather and merges them together. T is how much larger a
# level is than the one above it.

# %%
rewritten_more = predict(
    "09/leveled-or-tiered",
    "An LSM tree of 1,000 flushes with T = 10. Which policy writes each entry more "
    "often?",
    choices=["leveled", "tiered", "both alike"],
)
rewritten_more

# %%
from dsys_lab.scenarios.key_value.log_structured import played
from dsys_lab.stores.key_value import Leveled, Tiered

# %%
policies = {"leveled": Leveled, "tiered": Tiered}
times = {
    name: played(policy(10), 1_000).write_amplification
    for name, policy in policies.items()
}

# %%
from dsys_lab.scenarios.key_value.log_structured import rewritten

often = {policy: rewritten(policy, 4, 16, 64, 250) for policy in policies}
curves = {
    how: {policy: told[how] for policy, told in often.items()}
    for how in ("counted", "law")
}

# %%
rewritten_more.reveal(
    max(times, key=times.get),
    why="Where a level is one run, it is written anew at each merge into it.",
    show=(
        charts.bars(
            times, title="How often an entry is written, T = 10", unit="times an entry"
        ),
        charts.lines(
            curves["counted"],
            laws=curves["law"],
            title="How often an entry is written, T = 4",
            x="flushes",
            y="times an entry",
        ),
    ),
)

# %% [markdown]
# Watch it: runs fall and merge, and a brick's size is what was written again. Left leveled, right tiered:

# %%
from dsys_lab.scenarios.key_value import falling_runs

player(
    falling_runs,
    compare={"policy": ("leveled", "tiered")},
    size_ratio=(2, 10),
    flushes=(10, 100, 5),
)

# %% [markdown]
# About T/2 times a level against once a level; in exchange there is one run a level to look into, and not up to T.
# Reads of what is not there pay for that; a read of what is there is led to its run by filters, and costs about the
# same in both. Each store moves the bytes that another one saves:

# %%
from dataclasses import asdict

from dsys_lab.scenarios.key_value.log_structured import STORES, amplifications

# %%
work = {"keys": 2_000, "updates": 4_000, "reads": 200}
moved_bytes = {store: asdict(amplifications(store, **work)) for store in STORES}


# %%
def box(column, value):
    of_all = sorted({f"{told[column]:.2g}" for told in moved_bytes.values()}, key=float)
    where = of_all.index(f"{value:.2g}")
    role = "done" if where == 0 else "lost" if where == len(of_all) - 1 else "moving"
    return role, f"{value:.2g}"


# %%
charts.verdict_grid(
    {
        "bytes moved or kept, for each byte": {
            (store, column): box(column, value)
            for store, told in moved_bytes.items()
            for column, value in told.items()
        }
    },
    legend={"done": "the least", "moving": "between", "lost": "the most"},
    title="What each store moves, and keeps",
    box_inches=1.0,
)

# %% [markdown]
# (*Write*: bytes written for each byte put, and of them the *log*'s; *read*: for each byte that was got, *absent*: for
# each that was not there; *space*: kept for each byte that lives.) The B-tree writes a page of 8 KB for a small pair,
# the LSM trees write the pair a few times, the hash store less than twice; and none of them is the best in every
# column. The logs differ, too: an LSM tree's and a hash store's keep the pair itself, while a B-tree's says what
# changes on which page, of the table and, for a new key, of the index; and the first change of a page after a
# checkpoint puts the whole page there, for a page that is written where it lies can be torn (lab 08). A run is never
# written over, so it needs none of that.
#
# A **Bloom filter**, some bits a key that say *surely not* or *perhaps*, keeps a read of what is not there from opening a
# run:

# %%
from dsys_lab.scenarios.key_value.log_structured import absent_reads

through = absent_reads(2, 4, 6, 8, 10)
charts.lines(
    {"counted": through["counted"]},
    laws={"counted": through["law"]},
    title="What a Bloom filter lets through",
    x="bits a key",
    y="share of absent keys",
    log_y=True,
)

# %% [markdown]
# ## Break it
#
# **The leader fails.** Four writes a second, and each disc is a write in a replica's journal. Replica 1 is three seconds
# behind. At 4.1 s the leader, replica 0, is gone; a second later another one leads: on the left the one with the fullest
# journal, on the right the first that is alive, whatever it knows.

# %%
from dsys_lab.scenarios.key_value import leader_fails

player(leader_fails, compare={"choose": ("fullest journal", "first alive")})

# %%
checks = {
    choose: leader_fails(choose=choose).of("check")[-1].fields
    for choose in ("fullest journal", "first alive")
}
names = {"expected": "acknowledged", "got": "still there"}
pd.DataFrame(checks).T[list(names)].rename(columns=names)

# %% [markdown]
# So many of the acknowledged cards are still there. (The ledger under the picture follows every copy, and calls a card
# that lies in a journal stored: *done* is for what leaves.) On the right replica 2, which had them, was told to forget
# what the new leader does not know. Any two replicas have one in common with the two that acknowledged; one has to ask
# them which of them knows more.
#
# What the left lane does is a part of something with a name. **Consensus** is how several machines come to one order of
# writes though some of them may be gone and messages may be late. In the usual protocols (*Paxos*; *Raft*, which was
# made to be understood) a **majority** elects the leader of a numbered *term*, and votes only for one whose journal is
# no older than its own; and a write counts when a majority has it. Any two majorities have a machine in common, so no
# term has two leaders, and a new leader knows of all that counted. Three machines bear the loss of one, five that of
# two; who finds no majority accepts nothing. DynamoDB's replicas use Multi-Paxos, those of a JetStream stream use Raft:
# the suite's [test of a cluster](../tests/test_engines_nats_cluster.py) freezes and kills a leader of three NATS
# servers and looks for each acknowledged message.
#
# One crash at one moment proves little. Each replica's journal is on a disk that counts its steps; cut the power
# **before each of them**, and let all three come back:

# %%
from dsys_lab.scenarios.key_value.counts import compaction_cuts, journal_cuts

# %%
journals, tree = journal_cuts(), compaction_cuts()
print("three journals:", ", ".join(f"{what}: {n}" for what, n in journals.items()))
print("an LSM tree:", ", ".join(f"{what}: {n}" for what, n in tree.items()))

# %% [markdown]
# First the journals, then an LSM store whose power goes in the middle of flushes and merges: a new run that no manifest
# names is an *orphan*, removed at the next opening. Nothing that was acknowledged is lost, at no moment.
#
# **A storm.** At 07:00 sixty wearables write at once to a partition that does 20 a second. Who is refused tries again:
# on the left after 0.2 s exactly, on the right after a pause drawn by luck from an interval that doubles.

# %%
from dsys_lab.scenarios.key_value import retry_storm

# %%
storms = {
    "all after 0.2 s": retry_storm(backoff="none"),
    "full jitter": retry_storm(backoff="full_jitter"),
}
player(*storms.values(), titles=tuple(storms))

# %%
kinds = {"calls": "publish", "refused": "reject", "done": "finish"}
pd.DataFrame(
    {
        pause: {name: len(run.of(kind)) for name, kind in kinds.items()}
        for pause, run in storms.items()
    }
).T

# %% [markdown]
# The same sixty are done. But whoever was refused together comes back together, and is refused together again. (Two
# things differ on the right: the pause grows, and luck spreads it.)
#
# **The answer is lost.** An `ADD` is carried out, its answer is not heard, and it is sent again, as a call was in lab 01:

# %%
doubled = predict(
    "09/lost-answers",
    "200 nights are each added to a counter. Three answers in ten are lost, and then "
    "it is sent again. What does it say?",
    between=(150, 400),
    unit="nights",
)
doubled

# %%
from dsys_lab.laws import counted_too_often
from dsys_lab.scenarios.key_value.counts import GUARDS, counted_nights
from dsys_lab.simulation import over_seeds

counters = {guard: counted_nights(guard) for guard in GUARDS}
unguarded = over_seeds(
    partial(counted_nights, "nothing"), lost_answers=(0.0, 0.1, 0.3, 0.5)
)

# %%
doubled.reveal(
    counters["nothing"],
    law=200 * counted_too_often(0.3),
    standard_error=(200 * 0.3) ** 0.5 / (1 - 0.3),
    why="Each attempt is carried out, and some are made more than once.",
    show=charts.against_law(
        {"counted": unguarded},
        laws={"counted": lambda lost: 200 * counted_too_often(lost)},
        title="What the counter of 200 nights says",
        x="share of the answers that are lost",
        y="nights",
    ),
)

# %%
charts.bars(counters, title="What it says, and what guards it", unit="nights")

# %% [markdown]
# Each attempt counts, 1/(1 - p) of them. With a condition (*if the counter is what I last saw*) the second attempt is
# refused; with a **token** (not one of those in the tubes: the caller's own name for what it wants done, the *key* of
# lab 01) the transaction knows that it was done.
#
# **The coordinator dies between prepare and commit**, the two halves of *two-phase commit*. A pillow is sold: the stock
# goes down if there is one, an order is written, together. Stop after the first hold:

# %%
from itertools import islice

from dsys_lab.stores.key_value.partitioned import PutItem, Transactions, UpdateItem

shop = PartitionedTable("shop", KeySchema("what"))
shop.put(0, {"what": "pillow", "left": 1})
sell = [
    UpdateItem({"what": "pillow"}, Update(add={"left": -1}), Compare("left", ">", 0)),
    PutItem({"what": "order 1"}),
]

# %%
from dsys_lab.structures import VolatileDisk

ledger, once = VolatileDisk(), "order 1"
[step.what for step in islice(Transactions(shop, ledger).steps(sell, token=once), 2)]

# %%
try:
    shop.update(1, {"what": "pillow"}, Update(add={"left": 5}))
except Refused as refusal:
    print(type(refusal).__name__, refusal)

# %% [markdown]
# The pillow is held by a transaction whose coordinator is dead. Whoever takes over reads the ledger: not decided, so
# let go; and the client, who had no answer, asks again under the same token:

# %%
heir = Transactions(shop, ledger)
heir.recover(2), heir.write(3, sell, token=once), heir.write(4, sell, token=once)

# %%
[shop.get(5, {"what": what}, strong=True).item for what in ("pillow", "order 1")]

# %% [markdown]
# Sold once; the second time under the same token it was known, and cost no write units. (DynamoDB then charges for having
# read the items; here that is free.) Had it died one record later, after *decided*, the heir would have carried it out.

# %% [markdown]
# ## Measure
#
# DynamoDB's own API, by boto3 against *moto*, a stand-in that needs no account (with `DSYS_LAB_AWS=real` it is DynamoDB
# itself; you are asked first). A dozen calls, the same for both:

# %%
from dsys_lab.engines.aws.key_value import DYNAMODB, drill, pressed
from dsys_lab.lessons.tables import table

told = {engine: dict(drill(engine)) for engine in ("model", "dynamodb")}
table(("call", "answer"), [(call, str(got)) for call, got in told["dynamodb"].items()])

# %%
print("both: the same, call by call:", told["model"] == told["dynamodb"])

# %% [markdown]
# The same story, call by call: conditions, transactions with a reason for each action, ranges, limits. In one column
# that is not moto's merit: it answers every call with the same price, and the units in the table are the model's,
# worked out in a hook after each call. And press it: twelve items of 98 units into one partition, all at once:

# %%
pd.DataFrame({engine: pressed(engine) for engine in ("model", "dynamodb")})

# %% [markdown]
# A stand-in is right about the shape of a call; about load, lag and limits one asks the model, or the real thing. All
# differences that we know of, each held by a test:

# %%
differences(DYNAMODB)

# %% [markdown]
# And an LSM tree that the world runs on, RocksDB: 8,000 random puts, and how often it wrote an entry by its own account.
# (When it merges depends on its threads, so the number differs a little from run to run.)

# %%
from dsys_lab.engines.rocksdb.rewriting import write_amplification
from dsys_lab.lessons import measured

# %%
leveled = [write_amplification(Leveled(4), puts=8_000) for _ in range(3)]
measured(leveled, "times, leveled", usually="two to six times, leveled")

# %%
tiered = [write_amplification(Tiered(4), puts=8_000) for _ in range(3)]
measured(tiered, "times, universal (tiered)", usually="fewer times, universal (tiered)")

# %% [markdown]
# The price of a round trip, a card put and got, in turns:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.engines.aws.key_value.drill import cycles

# %%
ours, theirs = interleaved(
    partial(cycles, "model"), partial(cycles, "dynamodb"), rounds=5
)
ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
measured(
    ratios,
    "times the model's time",
    usually="some ten to hundred times the model's time",
)

# %%
facts(
    "dynamodb_on_demand_write",
    "dynamodb_on_demand_read",
    "dynamodb_transaction_items",
    "dynamodb_global_indexes",
    "dynamodb_prime_day",
)

# %% [markdown]
# ## On real data
#
# The 336,776 flights that left New York in 2013, each to be an item. What shall be the partition key? Written at 6,000
# units a second into eight partitions of 1,000 each:

# %%
from dsys_lab.scenarios.key_value.tables import FLIGHT_KEYS, flight_keys, flight_loads

# %%
loads = {key: flight_loads(key) for key in FLIGHT_KEYS}
charts.bars(
    {
        f"{key} ({told['keys']:,} keys)": 100 * told["counted"]
        for key, told in loads.items()
    },
    title="What passes, by partition key",
    unit="%",
)

# %%
missing = loads["tailnum"]["without"]
two_in_one = len(flight_keys("flight and day")) - loads["flight and day"]["keys"]
print(f"{missing:,} flights without a tail number;")
print(f"{two_in_one} fewer keys than flights by flight and day")

# %% [markdown]
# Three origins are three keys: more than half of the partitions never see a flight, and half of the writes are
# refused. Sixteen carriers are better, and 105 destinations are nearly enough. The tail number looks like the natural
# key, and some flights have none: they were cancelled before anybody assigned a plane, and an item without its
# partition key cannot be stored at all. *Flight and day* is even and never missing, and not quite unique:
# there are a few keys less than flights, and where two flights have one key the second overwrites the first. And it
# answers one question only.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | things are looked up by one key, at any scale | a key-value store; list every access path first | refusals, by reason |
# | `…KeyRangeThroughputExceeded` | the key is hot: spread it, or put a cache in front | the hottest keys (Contributor Insights) |
# | `…ProvisionedThroughputExceeded` | the table is too small: pay for more, or on demand | units used against promised |
# | a second access path | a global index, with units to spare | how far it is behind |
# | the answer must be the newest | a strong read, at twice the price | whether it really must |
# | several items, all or nothing | a transaction, with a token | cancellations, by reason |
# | a counter, and answers may be lost | a token, or a condition | never a bare `ADD` |
# | always writable, whatever is out of reach | a ring, siblings, and a join that you write | siblings a key |
# | many small random writes on one machine | an LSM tree; tiered for fewer writes, leveled for less space and absent keys | write amplification, runs a read |
# | ad-hoc questions over everything | not this: labs 02 and 11 | |

# %% [markdown]
# ## Exercises

# %%
exercise("09/units")


# %%
def units(call, sizes, way): ...


exercise("09/units", units)

# %%
exercise("09/suffixes")


# %%
def suffixes(writes, item_bytes): ...


exercise("09/suffixes", suffixes)

# %%
exercise("09/quorum_read")


# %%
def quorum_read(replies): ...


exercise("09/quorum_read", quorum_read)

# %% [markdown]
# **Design question.** Sessions, last night's cards and a leader board, in one table: which keys?

# %%
exercise("09/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Elhemali et al., "Amazon DynamoDB: A scalable, predictably performant, and fully managed NoSQL database service",
#   USENIX ATC 2022; Idziorek et al., "Distributed transactions at scale in Amazon DynamoDB", USENIX ATC 2023.
# - DeCandia et al., "Dynamo: Amazon's highly available key-value store", SOSP 2007; Bailis et al., "Probabilistically
#   bounded staleness", VLDB 2012; Karger et al., "Consistent hashing and random trees", STOC 1997.
# - O'Neil et al., "The log-structured merge-tree", 1996; Athanassoulis et al., "The RUM conjecture", EDBT 2016.
# - Amazon DynamoDB Developer Guide and API Reference: *item sizes*, *read and write operations*, *burst and adaptive
#   capacity*, *throttling*, *secondary indexes*, *transactions*; read in November 2026.
# - Brooker, "Exponential backoff and jitter", 2015; Kleppmann, *Designing Data-Intensive Applications*, ch. 3, 5, 6.
#
# Beyond one machine: request routers with a cache of where partitions are (MemDS), which must not all go cold at once;
# tables in several regions; DAX, a cache in front; ScyllaDB and Cassandra, rings with partitions that are cut by hand;
# FoundationDB and TiKV, ranges instead of hashes.
