# %% [markdown]
# # Log stream
#
# <!-- binder --><!-- /binder -->
#
# *Nothing is taken away by reading: what many readers at many speeds cost, and what order costs.*

# %% [markdown]
# ## Question
#
# The wearables of *Slumber* send what happens in the night: fell asleep, turned over, woke up. **Billing** wants each
# event within a second. **Science** comes once in a while and takes what there is. And next month an **auditor** will
# ask for everything again, from the start.
#
# A queue (lab 16) hands each message to one worker and forgets it. How do many read the same, each at its own pace,
# and none too late to begin from the start? And what does that cost? Each experiment ends with its part of the answer
# (*Towards the answer*), and *Choose* puts the parts together.
#
# *In a hurry:* Picture, By hand, experiments 3, 5, 6 and 7 of Play, and [Choose](#Choose).

# %%
import pandas as pd

from dsys_lab.lessons import (
    exercise,
    facts,
    notes,
    player,
    predict,
    progress,
    show_source,
)
from dsys_lab.trace import Trace, in_slow_motion

# %% [markdown]
# ## The notes say

# %%
notes("Kinesis - Data Streams")

# %% [markdown]
# The role is exactly that: the layer below, into which everything is written once and out of which all others read.
# What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | 100ms ish latency | it depends on how you read; that is experiment 2. The service's own figures stand at the end of it |
# | don't yet have elastic scaling | since 29 November 2021 there is an *on-demand* mode, whose capacity follows twice the recent peak: experiment 10. What it cannot help is experiment 3 |
# | somewhat expensive | one pays by the shard and hour, or by the gigabyte; the number of readers costs little |
# | Firehose, Data Analytics or your own Lambda | since 2026 also *queues* on a stream: its records on loan, out of order, as in lab 16 |

# %% [markdown]
# ## Picture
#
# A **log** is a tape to which one can only add. A **record** on it has a number, its **offset** (labs 01 and 03 said
# *position* of a record), and a **key** (here: a sleeper), shown by its hue. Who reads holds a **position**, the
# small open triangle under the tape: the record that comes next. Reading moves the triangle, and nothing else.
#
# Billing asks each second, science every twelve seconds. At 25 s the auditor comes and reads all from the start. Press
# **space**; **?** shows all keys.

# %%
from dsys_lab.scenarios.log_stream import own_pace

three = own_pace()
player(three)

# %% [markdown]
# Below the picture: **lag** is the age of the oldest record that a reader has not read, **written** how many records came
# in the last second, **depth** how many lie on the tape. Nobody takes anything away, so none is ever *done*. How much
# had each of the three read, and when?

# %%
from dsys_lab.scenarios.log_stream import counts
from dsys_lab.views import charts

charts.lines(
    counts.read_so_far(three), title="Who has read how much?", y="records", steps=True
)

# %% [markdown]
# Each of them read all that there was, at its own pace, and none noticed the others. Out of one queue they would have had a part each.

# %% [markdown]
# ## By hand
#
# Be the stream's only client for a minute. It reads no clock: you tell it the time, in microseconds. A stream is made of
# **shards**, each a tape of its own. Which one a record goes to is decided by its key. Put four records of two sleepers:

# %%
from dsys_lab.brokers.log_stream import Entry, LogStream, Settings
from dsys_lab.scenarios.log_stream.machines import RecordsOnly
from dsys_lab.scenarios.log_stream.told import in_words, laid_out
from dsys_lab.structures import VolatileDisk

# %%
s, steps = 1_000_000, Trace()
settings, recorder = Settings(shards=2), RecordsOnly(steps)
stream = LogStream("nights", VolatileDisk(), settings, recorder=recorder)

# %%
for n, sleeper in enumerate(["anna", "bert", "anna", "bert"]):
    stream.put(n * s, Entry(f"m{n}", sleeper))
laid_out(stream, 4 * s)

# %% [markdown]
# Both of anna's lie on one shard, in the order in which they came. An **iterator** is a position; `TRIM_HORIZON` is the
# oldest record that is still there. Read anna's shard from there:

# %%
start = stream.iterator(4 * s, "shard-001", "TRIM_HORIZON")
first = stream.read(4 * s, start, to="you")
in_words({"from the start": first})

# %% [markdown]
# Now once more from the same iterator, and then from where the first page ended. What does each of the two give?

# %%
again = stream.read(5 * s, start, to="you")
on = stream.read(6 * s, first.next, to="you")
in_words({"from the start, again": again, "from its end": on})

# %% [markdown]
# Reading takes nothing away: the position is in *your* hand, and to ask for what is not there yet is no error. Now one
# shard is not enough any more. **Split** it: it is closed, and two new ones take its keys, one half each. Where does
# anna's next record go, and with which number?

# %%
stream.split(7 * s, "shard-001")
stream.put(8 * s, Entry("m4", "anna"))
laid_out(stream, 8 * s)

# %% [markdown]
# Its number goes on above those of the shard from which the new one was made. And what is somebody told who stands at
# the end of the old shard?

# %%
in_words({"at the old one's end": stream.read(9 * s, first.next, to="you")})

# %% [markdown]
# All that you did, as a picture. Press **space**, and watch what each read and the split leave on the tapes:

# %%
player(in_slow_motion(steps), titles=("by your own hand",))

# %% [markdown]
# ## Look inside
#
# A key becomes a number, and each open shard has a range of these numbers. No table of keys is needed:

# %%
from dsys_lab.brokers.log_stream import hash_of

show_source(hash_of)

# %% [markdown]
# That is why the order of a key costs so little, and why there is no order of *all* records: two keys on two shards have
# never met. The life of a shard:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> open
#     open --> closed : split, or merged with its neighbour
#     closed --> drained : every reader has read it to its end
#     closed --> gone : its last record is too old
#     drained --> gone : its last record is too old
#     gone --> [*]
# ```
#
# Records become too old at the **retention**, read or not. A shard is also a share of a machine, so it lets only so much
# pass in a second. What is over the limit is turned away, and whoever put it must put it again:

# %%
facts(
    "kinesis_shard_write_records",
    "kinesis_shard_write_bytes",
    "kinesis_shard_read_calls",
    "kinesis_shard_read_bytes",
    "kinesis_retention_default",
    "kinesis_retention_max",
    "kinesis_record_max",
    "kinesis_iterator_life",
)

# %% [markdown]
# **Workers** of one group share the shards. Each shard is *leased* to one of them, in a table that all of the group can
# see; that is how the Kinesis Client Library does it. Whom does a worker take a shard from? From nobody, as long as there
# is one that nobody owns; until it has an even share (which shards may be begun with, is experiment 5):

# %%
from dsys_lab.brokers.log_stream.assignment import even_share, may_begin

show_source(even_share)

# %% [markdown]
# Each step leaves a row in the trace. What the auditor read, page by page:

# %%
counts.pages_of(three, "auditor").head(5)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
usable_share = predict(
    "17/usable-share",
    "A stream has 16 shards. A thousand sleepers write, and by Zipf's law: the second "
    "sends half as much as the first, the third a third, and so on. How much of what "
    "16 shards can take together is in use when the first record is turned away?",
    between=(0, 100),
    unit="%",
)
usable_share

# %% [markdown]
# ## Play
#
# ### 1. Three readers, and a tape that ends
#
# The auditor of the picture found everything, because it was kept. Now the same luck, and records are kept for 10 s only.
# Science still comes every 12 s, the auditor at 25 s. (In lab 14, experiment 4, a reader fell off this end by being slow.)

# %%
who_misses = predict(
    "17/who-misses",
    "Records are kept for 10 s. Which of the three does not get to see all of them?",
    choices=["auditor", "auditor, science", "auditor, billing, science"],
)
who_misses

# %%
short = own_pace(retention_s=10)
who_misses.reveal(
    ", ".join(counts.missed(short)),
    why="What is too old is gone, whether somebody still wanted it or not.",
    show=(
        player(own_pace, retention_s=(5, 40, 5), at={"retention_s": 10}),
        charts.bars(counts.missed(short), title="Gone too soon", unit="records"),
    ),
)

# %% [markdown]
# The grey end of the tape is what nobody can read any more. There was no error at the writer and none at the stream; only a
# reader can notice, by a gap in the offsets. (The lamp *no acknowledged loss* stays green: the loss has a name.) So the
# retention must be longer than the longest absence, and the alarm belongs on the lag.
#
# *Towards the answer:* many read the same because a position is all that a reader is; from the start one can read what the
# retention has kept, and its price is the disk for as long.
#
# ### 2. Ask, or be told?
#
# Who **polls** asks again and again, and all who poll a shard share its five calls a second. Who is registered is
# **pushed** to: records are sent as they come, with bandwidth for each (AWS says *enhanced fan-out*). Six readers poll
# one shard, each once a second, as the client library does if nobody tells it otherwise.

# %%
six_readers = predict(
    "17/six-readers",
    "Six readers poll a shard once a second each. What share of their calls is "
    "turned away?",
    between=(0, 100),
    unit="%",
)
six_readers

# %%
poll_delay = predict(
    "17/poll-delay",
    "And one who polls once a second, alone: how long does a record wait to be read, "
    "on average?",
    between=(0, 2),
    unit="s",
)
poll_delay

# %%
from dsys_lab import laws
from dsys_lab.scenarios.log_stream import readers
from dsys_lab.scenarios.log_stream.many_runs import delays_s, polls_refused

# %%
refused = polls_refused(4, 5, 6, 8)
_, share, error = refused[2]
six_readers.reveal(
    100 * share,
    law=100 * laws.polls_refused(6, 1),
    standard_error=100 * error,
    why="A shard answers 5 calls a second, and 6 / 1 s come: 1 - 5/6 is turned away.",
    show=charts.against_law(
        {"counted": refused},
        laws={"counted": lambda n: laws.polls_refused(n, 1)},
        title="Calls that a shard turns away",
        x="readers that poll every second",
        y="share of the calls",
        whole_x=True,
    ),
)

# %%
waits = delays_s(0.5, 1, 2)
_, wait_s, error = waits[1]
poll_delay.reveal(
    wait_s,
    law=laws.polling_delay_s(1),
    standard_error=error,
    why="It comes at any moment of the interval alike.",
    show=(
        player(readers, compare={"way": ("poll", "push")}, readers=(1, 8)),
        charts.against_law(
            {"counted": waits},
            laws={"counted": laws.polling_delay_s},
            title="How long does a record wait to be read?",
            x="seconds between two calls",
            y="seconds",
        ),
    ),
)

# %% [markdown]
# The laws behind both curves, for *C* readers that ask every *T* seconds: a record waits for half of *T*, and of the calls
# that come, *C* / *T* a second, a shard answers what the limit of *Look inside* lets through. Move the readers' slider to 8,
# and look at the lag of those who are pushed to. What the service itself says:

# %%
facts(
    "kinesis_client_poll", "kinesis_poll_delay", "kinesis_fan_out_delay",
    "kinesis_fan_out_consumers",
)

# %% [markdown]
# *Towards the answer:* each at its own pace, as long as few poll; who must be told soon, or is one of many, pays for a push
# of its own.
#
# ### 3. A hot key
#
# The hot key of labs 01, 07 and 09 once more, for two things are different: a stream is paid by the shard, and it can
# be split while it runs. Keys are spread over the shards by their hash, and a thousand keys spread well. But they do
# not all send alike. First the prediction of the beginning:

# %%
from dsys_lab.scenarios.log_stream import nights
from dsys_lab.scenarios.log_stream.hot_keys import (
    expected,
    sleepers,
    usable,
    usable_by_shards,
)

# %%
counted = 1, 2, 4, 8, 16, 32, 64
usable_share.reveal(
    100 * usable(sleepers(1.0), 16),
    law=100 * usable(expected(1.0), 16),
    why="The shard of the busiest sleeper is full, and the others idle.",
    show=charts.lines(
        {f"Zipf {z:g}": usable_by_shards(z, *counted) for z in (0, 0.7, 1, 1.4)},
        title="What can be used of the shards before the hottest is full?",
        x="shards",
        y="share of all their capacity",
    ),
)

# %% [markdown]
# (*Zipf 0* means that all send alike.) The law behind it: with *S* shards, of which the hottest gets the share *h* of all
# records, this share of the whole is usable:
#
# $$\frac{1}{S\,h}$$
#
# Now watch it. A shard takes 3 records a second here, and four of five records are about one sleeper. What is turned away
# bounces, and is put again (an orange bar over a record):

# %%
player(
    nights,
    at={"shards": 4, "hot_share": 0.8, "write_records": 3, "rate": 8},
    hot_share=(0.0, 1.0, 0.1),
    shards=(1, 6),
    write_records=(1, 9),
    rate=(2, 16),
)

# %% [markdown]
# The remedy that comes to mind first is to split the hot shard, and the hotter of its halves again, and so on. Begin with 4
# shards of a thousand records a second each, and split twelve times:

# %%
split_it = predict(
    "17/split-the-hot",
    "Four shards, and then twelve splits, each of the shard that is hottest. How many "
    "times as much do the 16 shards take as the 4 did, before they turn one away?",
    between=(1, 10),
    unit="times as much",
)
split_it

# %%
from dsys_lab.scenarios.log_stream.hot_keys import after_splits, takes_at_most

# %%
grown = after_splits(sleepers(1.0), 4, 12)
alone = takes_at_most(sleepers(1.0))
split_it.reveal(
    grown[-1][1] / grown[0][1],
    why="The last splits bring little: they part the hot key from its neighbours.",
    show=charts.lines(
        {"all shards": grown},
        references={"hottest key alone": alone},
        title="What do the shards take, for all their number?",
        x="shards",
        y="records a second",
    ),
)

# %% [markdown]
# A key lies on *one* shard, so no number of shards takes more than the dotted line. That holds for on-demand mode as well, which
# splits for you. What helps is another key: sleeper *and* night, or a number from 0 to 9 behind the busiest sleeper's; then
# there is no order across them any more.
#
# *Towards the answer:* what it costs is paid in shards, and the hottest key decides how many of them one can use.
#
# ### 4. Away for a minute
#
# A reader can work off 1.25 records a second, and 1 a second comes. It is away for 60 s, and comes back. It catches up by
# the law of lab 01, experiment 2; and now on a tape that ends:

# %%
from dsys_lab.scenarios.log_stream import catch_up
from dsys_lab.scenarios.log_stream.many_runs import caught_up_s

player(catch_up, away_s=(10, 90, 10), retention_s=[3600, 120, 40], seed=3)

# %%
[(_, took_s, error)] = caught_up_s(1.25)
law_s = laws.outage_drain_s(60, 1, 1.25)
print(f"at the tip after {took_s:.0f} s (error {error:.0f} s); law: {law_s:g} s")

# %% [markdown]
# Move the retention down to 40 s: the reader comes back to a tape whose end is gone. And a reader that is only
# *slower* than what comes, and never away, loses too, as in lab 14, experiment 4.
#
# *Towards the answer:* none comes too late who can do more than what comes, and is back within the retention.
#
# ### 5. A split under load
#
# A shard is split while workers are busy with it. Its children are there at once, and a second worker is free: should it
# begin with a child, or wait until the parent is worked up?

# %%
child_first = predict(
    "17/child-first",
    "A free worker begins with the children at once. Of the 120 records, how many are "
    "worked on after a later one of their key?",
    between=(0, 120),
    unit="records",
)
child_first

# %%
load = {"shards": 1, "rate": 20, "records": 120, "split_at_s": 3, "lease_s": 60}
split = {first: nights(**load, parents_first=first) for first in (False, True)}

# %%
named = {"children at once": split[False], "parents first": split[True]}

# %%
sides = counts.compared(
    named, in_wrong_order=counts.inversions, never_done=counts.never_done
)

# %%
child_first.reveal(
    counts.inversions(split[False]),
    why="The parent still has records of the same sleepers that come before.",
    show=(player(*split.values(), titles=tuple(named)), sides),
)

# %% [markdown]
# The double bar is the end of a closed shard; the filled triangle is the group's **checkpoint**, up to which its work
# is written down (the bookmark of lab 01; not the checkpoint of a database, lab 08), and the open one is how far the
# worker has read. On the right no child has a triangle before the parent's is at its end.
#
# And when the night is quiet, two neighbours are **merged** into one: both are closed, and a child takes the keys of both.
# Three workers, two shards, and the third is free.

# %%
merged_when = predict(
    "17/merged",
    "Two shards are merged under load. When may a worker begin with the child, if no "
    "sleeper's records may be worked on out of order?",
    choices=["at once", "when one parent is worked up", "when both are"],
)
merged_when

# %%
quiet = {"shards": 2, "workers": 3, "rate": 20, "records": 120, "merge_at_s": 3}
quiet |= {"work_s": 0.1, "lease_s": 60}
rules = {"child at once": False, "parents first": True}
merged = {name: nights(**quiet, parents_first=rule) for name, rule in rules.items()}
when = "at once", "when one parent is worked up", "when both are"
merged_when.reveal(
    when[counts.parents_worked_up(merged["parents first"])],
    why="The child has the keys of both, and their earlier records lie on either.",
    show=(
        player(*merged.values(), titles=tuple(merged)),
        counts.compared(merged, in_wrong_order=counts.inversions),
        show_source(may_begin),
    ),
)

# %% [markdown]
# *Towards the answer:* more readers at once is more shards, and their number may change under load; who reads must mind the
# seams.

# %% [markdown]
# ### 6. A checkpoint is not a receipt
#
# A queue acknowledges each message. A log writes down one number now and then. (Kinesis' client library calls that a
# *checkpoint*, Kafka *committing* an offset; in the code here it is `commit`.) The batch of lab 01, experiment 5, is
# here what lies between two checkpoints, say 8 records: a worker crashes at any of them, and its successor begins
# behind the checkpoint.

# %%
from dsys_lab.scenarios.log_stream.many_runs import touched_mean

[(_, twice, _)] = touched_mean("effect first", 8)
[(_, never, _)] = touched_mean("commit first", 8)
print(f"the checkpoint behind the work: {twice:g} records twice, on average")
print(f"the checkpoint before the work: {never:g} records never")

# %% [markdown]
# One such crash, with either order. Look at the filled triangle, and where the successor's open one begins:

# %%
dies = {"do": "crash", "target": "worker-1", "at_s": 5.45, "lasts_s": 20}
one = {"shards": 1, "rate": 40, "work_s": 0.1, "poll_s": 2, "faults": [dies]}
orders = "effect first", "commit first"

# %%
died = {order: nights(**one, order=order) for order in orders}
player(*died.values(), titles=tuple(died))

# %%
counts.compared(died, done_twice=counts.repeated, never_done=counts.never_done)

# %% [markdown]
# *Towards the answer:* one number for a reader is cheap; its price is that a crash does some records again, or never.
#
# ### 7. A log or a queue?
#
# The same jobs, keys and arrivals, for eight workers; one job in a hundred takes a hundred times as long as the others.
# Behind a **log** each worker has a shard and works it off in order. Behind a **queue** (lab 16) each takes the next job
# that there is.

# %%
held_up = predict(
    "17/held-up",
    "Take the time within which 98 of 100 jobs are done. How many times as long is it "
    "behind the log as behind the queue?",
    between=(1, 50),
    unit="times as long",
)
held_up

# %%
from dsys_lab.scenarios.log_stream import jobs
from dsys_lab.scenarios.log_stream.many_runs import done_within, log_or_queue, slow_s

# %%
limits_s = [0.6, *range(1, 140, 3)]
few = {"lanes": 4, "jobs": 80, "slow_share": 0.03}
held_up.reveal(
    slow_s("log") / slow_s("queue"),
    why="Behind a slow record all others of its shard wait, whoever is free.",
    show=(
        player(jobs(**few)),
        player(jobs(**few, mode="queue")),
        charts.lines(
            {mode: done_within(mode, *limits_s) for mode in ("log", "queue")},
            title="How many jobs take longer?",
            x="seconds",
            y="share of the jobs",
            log_y=True,
        ),
    ),
)

# %% [markdown]
# (The pictures have four workers, and more slow jobs, so that one is seen.) A slow job stops a shard, and the line behind it grows;
# the queue's other workers take what comes. But look at the last column:

# %%
log_or_queue("log", "queue")

# %% [markdown]
# *Overtaken* are jobs that were done after a later one of their key: the queue has no order. A shard is one worker with a
# line of its own, and the mean time in it is the law of Pollaczek and Khinchine; eight workers on one line are another
# system. Several runs of the log against that law, with workers that are busy half of the time (a few slow jobs
# decide it, so the error is large):

# %%
from dsys_lab.scenarios.log_stream.jobs import mean_work_s, squared_variation
from dsys_lab.scenarios.log_stream.many_runs import STEADY_LOAD, mean_s

_, found, error = mean_s("log", 0.01)
mean, varies = mean_work_s(0.01), squared_variation(0.01)
law = laws.mg1_sojourn_s(STEADY_LOAD / mean, 1 / mean, squared_variation=varies)
print(f"counted {found:.1f} s (standard error {error:.1f} s); law: {law:.1f} s")

# %% [markdown]
# *Towards the answer:* a log is for what many want to know, in order; jobs of very different length are a queue's.
#
# ### 8. Who was frozen comes back
#
# A worker shows a sign of life now and then. Who shows none for 10 s is taken for dead, and another takes its shard:
# its lease gets a new owner and a higher **epoch**, the count of its owners so far (as the writers of lab 08 have
# one). But a worker may have been *frozen* only (the *zombie* of lab 16), for 15 s, in the middle of a page of
# records. When it comes back it goes on, unless something stops it:
#
# - nothing does;
# - it looks at its own clock before each record, whether its lease may be over;
# - the place where effects go refuses a lower epoch than one it has seen: a **fence**.

# %%
acts_still = predict(
    "17/frozen",
    "The worker that comes back looks at its clock before each record. How many "
    "effects does it carry out on a shard that is another's by now?",
    between=(0, 10),
    unit="effects",
)
acts_still

# %%
fourth = {"kind": "effect", "place": "worker-1"}
freeze = {"do": "slow", "target": "worker-1", "value": 0, "lasts_s": 15}
freeze |= {"on": fourth, "nth": 4}
slow = {"shards": 1, "rate": 20, "poll_s": 2, "work_s": 0.2, "faults": [freeze]}

# %%
blind = {"looks_at_its_clock": False}
ways = {"nothing": blind, "its clock": {}, "a fence": {**blind, "fenced": True}}
frozen = {name: nights(**slow, **way) for name, way in ways.items()}
acts_still.reveal(
    counts.by_former_owners(frozen["its clock"]),
    why="It looked, it froze, it acted. Only who is acted upon can tell, by the epoch.",
    show=(
        player(frozen["its clock"], frozen["a fence"], titles=("its clock", "a fence")),
        counts.compared(
            frozen,
            by_the_former_owner=counts.by_former_owners,
            refused_at_the_fence=lambda run: len(run.of("refuse")),
            done_twice=counts.repeated,
        ),
    ),
)

# %% [markdown]
# (*Done twice* in the table is another matter: what lay between two checkpoints is done again, as in experiment 6.)
#
# *Towards the answer:* where several share the reading, somebody must own each shard, and the epoch of the owner travels
# with every effect.
#
# ### 9. Half a batch
#
# Who puts many records at once (up to 500 in a call) is answered for each of them: some are stored, others turned away. A
# phone puts a batch each second, and those that failed again after 0.7 s. Meanwhile it **goes on** with the next batch, or it
# **waits**.

# %%
half_a_batch = predict(
    "17/half-a-batch",
    "The phone goes on. Are records of one sleeper still in the order in which they "
    "happened?",
    choices=["all in order", "some out of order"],
)
half_a_batch

# %%
from dsys_lab.scenarios.log_stream import batches

both = {rule: batches(rule=rule) for rule in ("goes on", "waits")}
late = {rule: counts.overtaken(run, "append") for rule, run in both.items()}
half_a_batch.reveal(
    "some out of order" if late["goes on"] else "all in order",
    why="What was turned away comes again behind the batch that followed it.",
    show=(
        player(*both.values(), titles=tuple(both)),
        charts.bars(late, title="Stored too late", unit="records"),
    ),
)

# %% [markdown]
# The five sleepers write in turn: look where their hues repeat without a fault, and where not. What lies on the tape *is* the
# order to the stream, and it keeps it for ever.
#
# *Towards the answer:* the order that all readers see is made by the writer: one for a key, which knows what to do when a part
# of a batch fails.

# %% [markdown]
# ### 10. Who orders the shards?
#
# *Provisioned*, somebody does. In *on-demand* mode the stream takes twice the highest rate that it has seen. What is a
# new peak counts after a while; in the model, after all of the time within which the service may turn records away:

# %%
facts(
    "kinesis_on_demand_first", "kinesis_on_demand_times", "kinesis_on_demand_adapts"
)

# %% [markdown]
# Monday, 07:00: every wearable syncs at once, and eight times as much comes as on the quiet days before.

# %%
monday = predict(
    "17/monday",
    "On-demand capacity has seen quiet days only. After how many minutes is nothing "
    "turned away any more?",
    between=(0, 120),
    unit="min",
)
monday

# %%
from dsys_lab.brokers.log_stream import OnDemand
from dsys_lab.scenarios.log_stream.monday import follows_after_min, morning

# %%
follows, axes = OnDemand(), {"x": "minutes after 07:00", "y": "MB a second"}
law_s = laws.follows_within_s(8, 2, times=follows.times, adapts_s=follows.adapts_s)
monday.reveal(
    follows_after_min(8, 1),
    law=law_s / 60,
    why="It doubles, and again, each time after a quarter of an hour.",
    show=charts.sliding(
        lambda jump, within_min, ordered_mb: charts.lines(
            morning(jump, within_min, ordered_mb), title="Monday morning", **axes
        ),
        at={"jump": 8, "ordered_mb": 12},
        jump=(1, 16),
        within_min=(1, 90),
        ordered_mb=(4, 64, 4),
    ),
)

# %% [markdown]
# To be at *r* times the capacity takes log₂ *r* doublings. Move the sliders: growth of a factor of two a quarter of an hour
# is followed without a loss, a jump is not, and what was ordered beforehand is there at once (if somebody knew how
# much). Who does know that Monday comes can warm the stream up before it (*On-demand Advantage*). The capacity is that of all
# shards together: for one hot key nothing has changed.
#
# *Towards the answer:* capacity is ordered or follows, and what follows is late at a jump.
#
# ### 11. One bad record
#
# A shard is worked off in order. A record comes that cannot be carried out, for a bug that is mended at 15 s; its worker
# **tries again** until it works. There are four shards and four workers, and 20 sleepers.

# %%
bad_record = predict(
    "17/bad-record",
    "One record cannot be carried out, and its worker tries again and again. Up to "
    "where does it hold up others?",
    choices=["it alone", "its sleeper", "its shard", "other shards"],
)
bad_record

# %%
load = {"shards": 4, "workers": 4, "records": 100, "rate": 8, "lease_s": 60}
wills = "try again", "skip", "set aside"
bad = {will: nights(**load, poison=will) for will in wills}
held = {will: counts.held_up(run, "phone.12", 15) for will, run in bad.items()}
bad_record.reveal(
    counts.widest(held["try again"]),
    why="What comes next on the tape comes next, whosever it is.",
    show=(
        player(bad["try again"], bad["set aside"], titles=("try again", "set aside")),
        pd.DataFrame(held).T,
    ),
)

# %% [markdown]
# The table counts what was stored and not worked on when the bug was mended. Somebody must decide: to stay keeps every
# order and holds up many, to skip loses the record (lab 14, experiment 6, has the same choice for one reader), and to set
# it aside (a place for **dead letters**, as in lab 16) lets
# later ones of its sleeper go first. (Lab 14, experiment 6, weighs the ways against each other.)
#
# *Towards the answer:* order has a price in time as well, and somebody must say who pays it.
#
# ### 12. Since when, by whose clock?
#
# One may also begin neither at the start nor at the tip but at a *time*: `AT_TIMESTAMP`. Each record bears the time at which
# the stream's machine took it. A bug was in the scoring since 20 s; at 40 s the auditor asks for all since then. Two
# records a second come, and the stream's clock is 10 s slow.

# %%
by_whose_clock = predict(
    "17/by-whose-clock",
    "Two records a second, a stream whose clock is 10 s slow, a reader who asks for "
    "all since 20 s by its own. How many of those does it not get?",
    between=(0, 40),
    unit="records",
)
by_whose_clock

# %%
from dsys_lab.scenarios.log_stream import since
from dsys_lab.scenarios.log_stream.stamps import left_out

# %%
behind_s = 0, 5, 10, 15
not_got = [(slow_s, left_out(-slow_s)[0], 0) for slow_s in behind_s]
by_whose_clock.reveal(
    not_got[2][1],
    law=laws.left_out_by_a_slow_clock(10, rate=2),
    why="What came at 20 s bears 10 s. The first that bears 20 s came at 30 s.",
    show=(
        player(since, ahead_s=(-15, 15, 5), at={"ahead_s": -10}),
        charts.against_law(
            {"counted": not_got},
            laws={"counted": lambda s: laws.left_out_by_a_slow_clock(s, rate=2)},
            title="How many does the reader not get?",
            x="the stream's clock is slow by, s",
            y="records",
        ),
    ),
)

# %% [markdown]
# There is no error: it gets a page, and a next one. With a fast clock it gets some that it did not ask for, and that does no
# harm to an effect with a key. So ask for a little *earlier* than you mean; Kinesis calls its stamps *approximate*, and does
# not promise that they rise.
#
# *Towards the answer:* a number is a place on the tape. A time is one only by somebody's clock.

# %% [markdown]
# ## Break it
#
# **The answer to the phone is lost.** The network to the phone is cut for half a second, just after its third record was
# stored. It hears nothing, and puts again what it had on the road. What was stored already is now there twice:

# %%
stored = {"kind": "append", "place": "nights/shard-000"}
deaf = {"do": "split", "target": "phone", "on": stored, "nth": 3, "lasts_s": 0.5}
twice = nights(shards=1, records=30, faults=[deaf])
player(twice)

# %%
on_tape = [row.message for row in twice.of("append")]
print(f"{len(on_tape)} records of {len(set(on_tape))} different messages")

# %% [markdown]
# A log has no memory for what it has seen. (Kafka's *idempotent producer* numbers its records so that the log can.) Here
# the reader must know them by a key of their own, as in lab 16.
#
# **The power goes.** A record is acknowledged, and shown to readers, when it is on the disk and not before. Where one sync
# serves all that came within 10 ms (*group commit*) it costs less, and promises as much:

# %%
dark = {"do": "crash", "target": "nights", "at_s": 0.8, "lasts_s": 2}
syncs = {"fsync": ("every record", "every 10 ms")}
player(nights, compare=syncs, rate=(10, 60, 10), at={"rate": 40}, faults=[dark])

# %% [markdown]
# **A position that was kept too long.** An iterator lives for five minutes:

# %%
from dsys_lab.errors import Refused

# %%
try:
    stream.read(400 * s, start)
except Refused as refusal:
    print(refusal)

# %% [markdown]
# A reader keeps the *offset*, not the iterator, and asks for a new one. Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# The same orders to the model, to JetStream (NATS, a server started from its wheel; shards are subjects there), and to the
# API of Kinesis, by boto3 against the stand-in *moto*. One puts forty records, two read them, the second when all is there:

# %%
from dsys_lab.engines.log_stream import STREAMS, read_twice

stories = {engine: read_twice(engine) for engine in STREAMS}
player(*(in_slow_motion(run) for run in stories.values()), titles=tuple(stories))

# %%
pd.DataFrame({engine: counts.read_by(run) for engine, run in stories.items()})

# %% [markdown]
# All three tell the same story. JetStream numbers the records of the whole stream, so a shard's have gaps. Now too much at
# once, into one shard: 1,500 records, where a shard of the service takes a thousand a second.

# %%
crowded = predict(
    "17/crowded",
    "A stand-in for Kinesis, and 1,500 records at once for one shard. How many of "
    "them does moto turn away?",
    between=(0, 1500),
    unit="records",
)
crowded

# %%
from dsys_lab.engines.log_stream import crowd

crowds = pd.DataFrame({engine: crowd(engine) for engine in STREAMS})
crowded.reveal(
    crowds["kinesis"]["turned away"],
    why="It has no limit and no clock: it takes whatever it is given.",
    show=crowds,
)

# %% [markdown]
# A stand-in is right about the shape of a call; about limits one asks the model, or the real thing. All differences that we know
# of, each held by a test:

# %%
from dsys_lab.engines.log_stream import JETSTREAM, KINESIS
from dsys_lab.lessons import differences

differences([*JETSTREAM, *KINESIS])

# %% [markdown]
# What does it cost that nothing acknowledged is ever lost? Two hundred records on a real disk, with a sync for each, and
# with one for all of a call:

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.log_streams import appended
from dsys_lab.lessons import measured

each, at_once = partial(appended, 200, 1), partial(appended, 200, 200)
one_by_one, together = interleaved(each, at_once, rounds=5)
ratios = [a / b for a, b in zip(one_by_one, together, strict=True)]
unit = "times as long"
measured(ratios, unit, usually=f"many {unit}: it is the syncs that cost")

# %% [markdown]
# (`make bench` has the table, JetStream on the same disk beside it.)

# %% [markdown]
# ## On real data
#
# The keys of lab 09, by another measure: not what is refused but what can be used. Let each of the 336,776 flights from New
# York in 2013 be a record, on eight shards:

# %%
from dsys_lab.scenarios.log_stream.hot_keys import (
    COLUMNS,
    departures,
    one_after_the_other,
)

used = {by: 100 * usable(departures(by), 8) for by in COLUMNS}
charts.bars(used, title="Usable of eight shards", unit="%")

# %% [markdown]
# (Cancelled flights have no plane. Lab 09 could not store an item without its key; a stream takes them, here by the key
# `none`, and all on one shard. Such a default in a key (`""`, `null`, `unknown`) is the usual hot key of the real world.)
#
# Airline and flight number is best. But the key is not free to choose: it says of *what* the order is kept. Say somebody
# follows each plane through its day.

# %%
order_lost = predict(
    "17/order-lost",
    "The key is airline and flight number. Of two flights in a row of the same plane, "
    "in how many cases do both lie on one of the eight shards, so in order?",
    between=(0, 100),
    unit="%",
)
order_lost

# %%
kept = {by: 100 * one_after_the_other(by) for by in COLUMNS}
order_lost.reveal(
    kept["airline and flight number"],
    why="By chance one time in eight, and now and then a plane flies one number twice.",
    show=charts.bars(
        kept, title="Two flights in a row of a plane, on one shard", unit="%"
    ),
)

# %% [markdown]
# Only the plane itself has both, room and order: many keys, each small, and each what somebody follows.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | several want the same, at their own pace | a **log** | the lag of each reader against the retention |
# | someone may want it again: a new service, a mended bug | a log, with a retention as long as that | what is kept, and its price |
# | order matters within something | a log with that as its **key** | the share of the hottest key |
# | one key is more than a shard takes | another key, with a number behind it; order within each part only | records turned away |
# | each is a job for one, jobs differ much in length | a **queue** (lab 16) | the age of the oldest |
# | one bad record must not stop the others | a queue; or put it aside in a place of its own and go on | what lies aside |
# | many readers, or within a tenth of a second | **push** (enhanced fan-out) | readers registered |
# | the load is not known | on-demand mode, and a key that spreads | the hottest shard all the same |
# | the load is known and even | provisioned shards, half as much again as the peak | records turned away |
#
# And always: a key in every effect, a fence where workers may freeze, children after their parents, and an alarm on the
# lag.
#
# **The answer to the lab's question**, out of its parts. Many read the same because the log keeps what came, and a reader is
# nothing but a position; so one more of them costs its reads (2), and who comes late begins wherever the retention reaches
# (1, 4), by number rather than by time (12). It costs the disk for the retention, shards for the rate (10), of which the
# hottest key decides how many are of use (3); and order, which begins at the writer (9), costs waiting: behind a parent (5),
# behind a slow record (7), behind a bad one (11). What it does not give is "once": a crash repeats (6), and who froze acts
# (8), unless the effect knows its key and its epoch.

# %% [markdown]
# ## Exercises

# %%
exercise("17/shard_of")


# %%
def shard_of(key, shards): ...


exercise("17/shard_of", shard_of)

# %%
exercise("17/shards_for")


# %%
def shards_for(records_a_second): ...


exercise("17/shards_for", shards_for)

# %%
exercise("17/carry_out")


# %%
def carry_out(wanted, parents, last): ...


exercise("17/carry_out", carry_out)

# %% [markdown]
# **Design question.** Orders of two million carts, one of them a bot.

# %%
exercise("17/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon Kinesis Data Streams Developer Guide and API: *quotas and limits*, *resharding*, *KCL concepts*, *enhanced fan-out
#   consumers*, *improve low-latency processing*, *document history*; Kinesis service model in botocore 1.44.5; read in November
#   2026.
# - Kreps, "The log: what every software engineer should know about real-time data's unifying abstraction", 2013; Kreps,
#   Narkhede, Rao, "Kafka: a distributed messaging system for log processing", NetDB 2011.
# - Gray, Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file cache consistency", SOSP 1989;
#   Kleppmann, "How to do distributed locking", 2016 (fencing).
# - Pollaczek 1930, Khinchine 1932; Kleinrock, *Queueing Systems* vol. 1, sec. 5.6.
# - NATS documentation, *JetStream: streams, ordered consumers, subject mapping and partitioning*.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, *Partitioned logs*.
#
# Beyond one machine: each shard in several copies with a leader (Kafka, Pulsar, Redpanda), old segments in an object store
# (lab 07), mirrors in other regions. What the streams are for comes in lab 18 (questions that never end), lab 19
# (into files) and lab 24 (the log as the truth).
