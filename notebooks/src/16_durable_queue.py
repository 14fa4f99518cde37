# %% [markdown]
# # Durable queue
#
# <!-- binder --><!-- /binder -->
#
# *A message is lent, not given: who does the work when many could, some crash, and nobody may forget it.*

# %% [markdown]
# ## Question
#
# A sleeper of the survey *Slumber* uploads a night of video, a **clip**. Somebody must encode it: not at once, the
# sleeper is awake and gone, but certainly. Four **workers** could do it, each at its own pace; now and then one of
# them dies in the middle of a clip, and nobody tells us.
#
# How does a queue hand out work so that nothing is forgotten? And what does that promise cost?
#
# *In a hurry:* Picture, By hand, experiments 1 to 3 of Play, and [Choose](#Choose).

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
from dsys_lab.scenarios.durable_queue import encode

# %% [markdown]
# ## The notes say

# %%
notes("Durable Message Queues - SQS")

# %% [markdown]
# The picture is the right one. It *is* an asynchronous call: whoever asks does not wait, and need not know who
# answers. Many may write, and each message is somebody's to process, guaranteed. Encoding a video is the very work
# for it. (What the notes call a topic is a *queue* here; topics that feed queues are lab 15.) What can be added, as
# of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | a single consumer | one *at a time*: many consumers compete, and each message is on **loan** to one of them |
# | is guaranteed to process | somebody will, as long as workers come. Whether only once is the question of experiment 3 |
# | they will queue, at high costs | SQS bills by the request, not by the stored message. What it does cost when nobody listens shows experiment 8 |

# %% [markdown]
# ## Picture
#
# The same uploads and the same luck, twice. A worker that **receives** a clip has it on loan: the others do not see
# it, for as long as SQS calls its *visibility timeout*. When it is done it **acknowledges**, and the clip is gone for good. (In SQS that call is
# *DeleteMessage*, in NATS it is *ack*.) If the loan ends first, the clip can be
# seen again, and the next worker gets it.
#
# Encoding takes 2 s on average, and varies much: often 1 s, sometimes 8. (It is *exponential*: however long a clip
# has taken, what is left takes 2 s on average.) On the left a loan lasts 2 s, on the right 20 s. And on both sides
# `encoder-2` dies for a second, with its second clip in hand.
#
# Press **space**. The thin arc round a disc is what is left of its loan. When it has run out before the
# acknowledgement came, the clip shows in the tray again, with an orange ring, and somebody else gets it; the first
# worker knows nothing of that and goes on. The lamps at the top right are what a run should keep; click a red one,
# and it takes you to the row that broke it. **?** shows all keys.

# %%
start = {"kind": "start", "place": "encoder-2"}
dies = {"do": "crash", "target": "encoder-2", "on": start, "nth": 2, "lasts_s": 1}
player(encode, compare={"visibility_s": (2, 20)}, faults=[dies])

# %% [markdown]
# How many of the sixty clips were encoded more often than once, and how many never? And for how long did nobody work on
# the clip that the dead worker had in hand?

# %%
from dsys_lab.scenarios.durable_queue.counts import effects, lay_hidden_s
from dsys_lab.views import charts

# %%
pair = {loan_s: encode(visibility_s=loan_s, faults=[dies]) for loan_s in (2, 20)}
again = {f"a loan of {s} s": effects(run)["more often"] for s, run in pair.items()}
charts.bars(again, title="How many are encoded more than once?", unit="clips")

# %%
for loan_s, run in pair.items():
    never, lay_s = effects(run)["never"], lay_hidden_s(run)
    print(f"a loan of {loan_s} s: {never} never encoded, that clip lay {lay_s:.0f} s")

# %% [markdown]
# Nothing is forgotten on either side, not even what the dead worker had. But a short loan ends under the hands of
# those who work, and the work is done again; a long one hides what is in dead hands. That is the first decision of
# this lab: **how long is a loan?**

# %% [markdown]
# ## By hand
#
# Be the queue's only clients for a minute. It reads no clock; you tell it the time, in microseconds. Anna receives
# the clip, Bert asks a second later:

# %%
from dsys_lab.brokers.work_queue import Settings, WorkQueue

s = 1_000_000
queue = WorkQueue("clips", Settings(visibility_s=30))
queue.send(0, "c1", "a night of video")

# %%
[anna] = queue.receive(1 * s, to="anna")
anna

# %%
queue.receive(2 * s, to="bert")

# %% [markdown]
# Nothing: it is on loan. At 31 s the loan is over. Anna is still at work, but who could know that? So Bert gets it,
# as the second **attempt**, with a **handle** of his own:

# %%
[bert] = queue.receive(32 * s, to="bert")
bert.attempt, bert.handle

# %% [markdown]
# A handle is the receipt for one loan. Anna is done at last and acknowledges with hers; then Bert with his:

# %%
queue.acknowledge(33 * s, anna.handle)

# %%
queue.acknowledge(34 * s, bert.handle)

# %% [markdown]
# Hers is *stale*: it changed nothing (SQS itself would have told her that all is well). Only the newest handle
# counts. So the clip was encoded twice, and the queue did nothing wrong: it could not tell a slow worker from a dead
# one. Nobody can, over a network.

# %% [markdown]
# ## Look inside
#
# A message is in one of few states, and everything that the queue does moves it from one to another. (*Delayed* is
# what its sender wants to be seen later; *expired* is what nobody acknowledged within the **retention**, the time for
# which a queue keeps a message at all, in whatever state it is; *dead* is what was tried too often. Both come back
# below.)
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> delayed : send, for later
#     [*] --> visible : send
#     delayed --> visible : its time has come
#     visible --> lent : receive (handle n)
#     lent --> visible : the loan ends, or it is handed back
#     lent --> [*] : acknowledge
#     lent --> dead : received too often
#     dead --> visible : redrive
#     visible --> expired : the retention ends
# ```
#
# This is all that an acknowledgement does:

# %%
show_source(WorkQueue.acknowledge)

# %% [markdown]
# And this is what time does by itself. Loans that end stand in a heap, the earliest first; nothing is searched, and
# nothing sleeps: whoever calls brings the time along.

# %%
from dsys_lab.brokers.work_queue.shelf import Shelf

show_source(Shelf.tick)

# %% [markdown]
# Every step leaves a row in the trace. The life of one clip that was lent twice:

# %%
pair[2].sql("""
    select time_us / 1e6 as seconds, kind, place,
           coalesce(attempt::varchar, '') as attempt, coalesce(why, '') as why
    from trace
    where message = (
        select min(message) from trace where kind = 'deliver' and attempt = 2
    )
""")

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
lent_again = predict(
    "16/lent-again",
    "Work is exponential, and a loan lasts twice its mean. Of 100 clips, how many are "
    "lent more than once?",
    between=(0, 50),
    unit="clips",
)
lent_again

# %% [markdown]
# ## Play
#
# ### 1. How long is a loan?
#
# The picture has shown two loans, one of them far too short. Here are five, from half the mean work to five times
# that, with a thousand clips each:

# %%
from dsys_lab.laws import exponential_within
from dsys_lab.scenarios.durable_queue.counts import repeated

# %%
again = repeated(0.5, 1, 2, 3, 5)
lent_twice = charts.against_law(
    {"counted": again},
    laws={"counted": lambda ratio: 1 - exponential_within(ratio, 1)},
    title="How many are lent more than once?",
    x="loan, in means of the work",
    y="share of the clips",
)

# %%
_, twice_lent, error = again[2]
lent_again.reveal(
    100 * twice_lent,
    law=100 * (1 - exponential_within(2, 1)),
    standard_error=100 * error,
    why="A clip is lent again if its work takes longer than the loan.",
    show=lent_twice,
)

# %% [markdown]
# For exponential work with mean *m* the share that ends within a loan of *V* is
#
# $$F = 1 - e^{-V/m}$$
#
# so 1 − *F* are lent again. (Counted is a little more: the loan runs also while the clip is on its way to the worker
# and the acknowledgement on its way back, 40 ms together. The rest is chance, and the same at every loan, for the
# clips are the same.) "Twice the average" sounds generous, and is not: what counts is not the mean but the **tail**,
# the share of the work that takes longer. That depends on the shape of the work. The model knows four: *constant*;
# *erlang*, the sum of four short steps, which is fairly steady; *exponential*; and *heavy*, in which one clip in ten
# takes ten times as long as the others.

# %%
from dsys_lab.scenarios.durable_queue.counts import tails

charts.lines(
    tails(*(n / 50 for n in range(301))),
    title="The tails of four kinds of work, with the same mean",
    x="loan, in means of the work",
    y="share that takes longer",
)

# %% [markdown]
# If all work takes the same time the curve is a cliff: a loan a little longer than the work repeats nothing, and one
# a little shorter never ends at all. Eight clips, each a work of 2 s, on loans of 2.5 and of 1.5 s; how often is one
# encoded, and how often acknowledged?

# %%
same = {"work_shape": "constant", "work_s": 2, "clips": 8, "workers": 16}
cliff = {loan_s: encode(**same, visibility_s=loan_s) for loan_s in (2.5, 1.5)}
kinds = {"encoded": "effect", "acknowledged": "ack"}
charts.bars(
    {
        f"a loan of {loan_s} s: {word}": len(run.of(kind))
        for loan_s, run in cliff.items()
        for word, kind in kinds.items()
    },
    title="Eight clips, on two loans",
    unit="times",
)

# %% [markdown]
# On the shorter loan each handle is stale when it comes: the workers are busy for ever, and nothing is ever done. Now
# move the sliders yourself: a loan, some work, how it varies.

# %%
player(
    encode,
    visibility_s=(0.5, 20, 0.5),
    work_s=(0.5, 4, 0.5),
    work_shape=["exponential", "constant", "erlang", "heavy"],
    workers=(1, 8),
)

# %% [markdown]
# ### 2. The newest handle, or any?
#
# By hand, Anna's handle was stale because Bert had a newer one. There is another rule: an acknowledgement counts with
# *whichever* handle it comes. JetStream has it (the queue of NATS, which runs below), and many other brokers. Loans
# are too short again, and work is done in vain. Under which rule less?

# %%
which_works_more = predict(
    "16/newest-or-any",
    "Loans are too short. Under which rule do the workers work more: only the newest "
    "handle acknowledges, or any?",
    choices=["only the newest", "any handle", "both the same"],
)
which_works_more

# %%
from dsys_lab.laws import deliveries_any, deliveries_newest
from dsys_lab.scenarios.durable_queue.counts import deliveries, more_often

# %%
loans = 0.5, 1, 2
rules = {
    "only the newest": deliveries(*loans),
    "any handle": deliveries(*loans, handles="any"),
}
lent = charts.against_law(
    rules,
    laws={
        "only the newest": lambda v: deliveries_newest(exponential_within(v, 1)),
        "any handle": lambda v: deliveries_any(v, 1),
    },
    title="How often is a clip lent under the two rules?",
    x="loan, in means of the work",
    y="deliveries a clip",
)

# %%
two_rules = player(
    encode,
    compare={"handles": ("newest", "any")},
    titles=("only the newest handle counts", "any handle counts"),
    at={"visibility_s": 1.0},
    visibility_s=(0.5, 20, 0.5),
)
which_works_more.reveal(
    more_often(rules),
    why="A worker that is a moment late has worked for nothing, by that rule.",
    show=(lent, two_rules),
)

# %% [markdown]
# If any handle counts, the first to finish ends it for all. If only the newest does, a worker that was done a moment
# after its loan had ended has worked for nothing, and the clip waits for somebody who *begins* again. In exchange the
# newest rule keeps a worker that was long given up from deleting a message that somebody else has in hand. Neither
# makes it happen once.
#
# The law of the newest rule is short: an attempt succeeds with the chance *F*, so it takes 1/*F* deliveries a clip on
# average. Hold it against the thousand clips of the chart, and against the sixty of the picture, where *V* = *m*:

# %%
from statistics import fmean

from dsys_lab.scenarios.durable_queue.counts import times

# %%
law = deliveries_newest(exponential_within(1, 1))
_, thousand, _ = rules["only the newest"][1]
sixty = fmean(times(encode(visibility_s=2), "deliver").values())
found = {"the law": law, "1,000 clips": thousand, "60 clips": sixty}
charts.bars(found, title="How often is a clip lent?", unit="deliveries a clip")

# %% [markdown]
# Sixty clips are few, and under one luck: a single run shows *how* a thing happens, and many runs *how often*.
#
# ### 3. Between the effect and the acknowledgement
#
# Loans are long enough now, and still a worker may die. It starts, carries the **effect** out (it stores the encoded
# clip), and acknowledges; so there are three seams at which it can happen. It is the seam of labs 01 and 14, now with
# a loan: nobody's position is moved, the loan ends. The same run three times; `encoder-2` dies at its third clip, for
# a second, each time at another seam. What becomes of the clip?

# %%
kinds = {"before both": "start", "between the two": "effect", "after both": "answer"}
strike = {seam: {"kind": kind, "place": "encoder-2"} for seam, kind in kinds.items()}
plans = {seam: [{**dies, "nth": 3, "on": row}] for seam, row in strike.items()}
seams = {seam: encode(visibility_s=20, faults=plan) for seam, plan in plans.items()}

# %%
from dsys_lab.scenarios.durable_queue.counts import fate, hidden_s

for seam, run in seams.items():
    print(f"{seam}: {fate(run)}")

# %% [markdown]
# In the middle, twice. When?

# %%
at_the_seam = predict(
    "16/at-the-seam",
    "Work takes 2 s on average, a loan lasts 20 s. A worker stores its clip and dies "
    "before it acknowledges. After how long does somebody begin it again, on average?",
    between=(0, 40),
    unit="s",
)
at_the_seam

# %%
[(_, begun_again_s, error)] = hidden_s(20)
at_the_seam.reveal(
    begun_again_s,
    law=20 - 2,
    standard_error=error,
    why="The loan runs since the clip was handed out; the work has used up its part.",
)

# %% [markdown]
# So nothing is lost, wherever it dies: the loan ends and somebody else does the work. In one seam it is done twice, and
# no queue can help it, for it cannot know whether the effect had happened. The worker can. If each effect carries a
# **key**, and the worker looks up in the same store whether that key was done, doing it again does nothing: it is
# *idempotent*. Same crash, same luck, with the key on the right (↷ counts what came to a worker and was skipped):

# %%
keyed = encode(visibility_s=20, idempotent=True, faults=plans["between the two"])
player(seams["between the two"], keyed, titles=("without a key", "with a key"))

# %% [markdown]
# The lamp on the right is called *exactly-once effect*, and it is green even with loans that are far too short and a
# queue that hands one clip in ten out twice by itself. Deliveries at least once, effects exactly once: that is all there
# is to "exactly once", and the second half is **your** work.

# %%
rough = encode(visibility_s=1, idempotent=True, copy_share=0.1)
skipped = len(rough.of("effect_skip"))
print(f"{effects(rough)['once']} of 60 clips are encoded once and none more often;")
print(f"{skipped} times a worker looked, and saw that the work was done")

# %% [markdown]
# Must a loan be long, then? Not if the worker asks for more time as long as it lives, a **heartbeat** every half loan
# (here: *I am still at it*; that of lab 14 said a number). A loan of 1 s, without and with it:

# %%
beats = {on: encode(visibility_s=1, heartbeat=on) for on in (False, True)}
names = {False: "without", True: "with a heartbeat"}
again = {names[on]: effects(run)["more often"] for on, run in beats.items()}
charts.bars(again, title="How many are encoded more than once?", unit="clips")

# %%
print(f"{len(beats[True].of('extend'))} calls for more time, for 60 clips")

# %% [markdown]
# And a worker that dies is noticed within a second. The price is a call every half second.
#
# ### 4. Poison, and the dead
#
# Some clips cannot be encoded by anyone: they are **poison** (lab 14, experiment 6, had one on a log). Without a limit they go round until the retention ends.
# With `max_receives` a message that was received so often is set aside, among the **dead letters**, for a human to
# look at. Until then it is tried again and again, on everybody's time.

# %%
more_work = predict(
    "16/poison",
    "One clip in twenty is poison: whoever tries, fails. A clip may be received ten "
    "times. How much more work is that?",
    between=(1, 100),
    unit="% more",
)
more_work

# %%
from dsys_lab.laws import poison_load
from dsys_lab.scenarios.durable_queue.counts import poisoned_load

# %%
loads = poisoned_load(0.01, 0.05, 0.1)
attempts = charts.against_law(
    {"counted": loads},
    laws={"counted": lambda share: poison_load(share, 10)},
    title="What ten receives of each poisoned clip cost",
    x="share of poison",
    y="attempts a clip",
)

# %%
_, load, error = loads[1]
more_work.reveal(
    100 * (load - 1),
    law=100 * (poison_load(0.05, 10) - 1),
    standard_error=100 * error,
    why="Nineteen in twenty are tried once, and one ten times.",
    show=attempts,
)

# %% [markdown]
# So fewer receives? Then look at the other side: with loans that are too short, **healthy** clips are set aside too,
# although every attempt did the work. Three receives:

# %%
from dsys_lab.laws import falsely_dead
from dsys_lab.scenarios.durable_queue.counts import healthy_dead

# %%
charts.against_law(
    {"counted": healthy_dead(0.5, 1, 2)},
    laws={"counted": lambda ratio: falsely_dead(exponential_within(ratio, 1), 3)},
    title="How many healthy clips are among the dead?",
    x="loan, in means of the work",
    y="share of the healthy clips",
)

# %% [markdown]
# Read off what a loan of just the mean costs: three times out of three the work took longer. The two settings belong together: first a loan that nearly
# always suffices, then few receives.

# %%
player(
    encode,
    at={"poison_share": 0.1},
    max_receives=[1, 2, 3, 5, 10],
    poison_share=(0, 0.5, 0.05),
    visibility_s=(1, 12, 0.5),
)

# %% [markdown]
# ### 5. How many workers?
#
# 0.35 clips a second come in, and one takes 20 s: seven workers are busy on average. How many does one need? The wait
# for a free one is Erlang's formula, of 1917, for telephones:

# %%
from dsys_lab.laws import mmc_sojourn_s
from dsys_lab.scenarios.durable_queue.counts import waits

# %%
charts.against_law(
    {"counted": waits(8, 9, 10, 12)},
    laws={"counted": lambda n: mmc_sojourn_s(0.35, 1 / 20, servers=int(n)) - 20},
    title="The wait for a worker",
    x="workers",
    y="seconds, on average",
    whole_x=True,
)

# %% [markdown]
# Eight keep up, and their clips wait long; look what one more does, and another. A mean hides the unlucky ones, so
# set the goal for them: within how many seconds do 95 of 100 clips find a worker?

# %%
from dsys_lab.scenarios.durable_queue.counts import swapped, waits_s
from dsys_lab.trace import quantile

# %%
crowd = {"rate": 0.35, "work_s": 20, "visibility_s": 600, "clips": 400}
crowds = {workers: encode(workers=workers, **crowd) for workers in (8, 9, 10, 11, 12)}
one_run = {n: quantile(waits_s(run), 0.95) for n, run in crowds.items()}

# %% [markdown]
# That is one run of 400 clips, which begins with an empty queue. For a line that goes on for ever Erlang's formula gives
# this share, too: who must wait at all, waits an exponential time.

# %%
from math import log

from dsys_lab.laws import erlang_c

# %%
certain = {n: log(erlang_c(n, 7) / 0.05) * 20 / (n - 7) for n in crowds}
charts.lines(
    {
        "one run": list(one_run.items()),
        "for ever, by the formula": [(n, max(0.0, s)) for n, s in certain.items()],
    },
    title="95 of 100 clips find a worker within",
    x="workers",
    y="seconds",
    whole_x=True,
)

# %% [markdown]
# The one run is too kind. Size by the formula, not by one lucky day.
#
# Competing workers have another price: **order**. Of two neighbours in the line that are in work at the same time,
# how many are done in the other order?

# %%
print(f"{swapped(crowds[10]):.0%} of such neighbours are done in the other order")

# %% [markdown]
# About half: exponential work forgets when it began, so it is a coin toss. The queue hands clips out in order, and
# they are *done* in any. Where that matters there are groups.
#
# ### 6. One at a time
#
# A **FIFO** queue (first in, first out) keeps an order: messages carry the name of a **group**, and within a group
# none is begun before the one ahead of it is done. Between groups anything goes. What does that cost?

# %%
one_group = predict(
    "16/one-group",
    "A FIFO queue, all clips in one group. Ten workers, each needs 1 s for a clip. "
    "How many clips a second are done?",
    between=(0.1, 20),
    unit="clips a second",
)
one_group

# %% [markdown]
# Ten workers and sixty clips, spread over one, two, five, ten or sixty groups:

# %%
from dsys_lab.scenarios.durable_queue import groups
from dsys_lab.scenarios.durable_queue.counts import throughput

# %%
spread = {f"groups: {n}": groups(groups=n, workers=10) for n in (1, 2, 5, 10, 60)}
rates = {name: throughput(run) for name, run in spread.items()}
widths = charts.bars(
    rates,
    title="How many a second, spread over so many groups?",
    unit="clips a second",
    references={"ten workers": 10},
)
one_group.reveal(
    rates["groups: 1"],
    law=1,
    why="While a message of the group is on loan, nobody gets the next.",
    show=widths,
)

# %% [markdown]
# The smaller of the two numbers, workers or groups, divided by the work (a little less, for the way to the worker and
# back takes 40 ms). Before a single group all workers but one stand idle. So choose the group as small as the order
# allows: the sleeper, not the survey.
#
# And what if the first of a group is poison? It holds up those behind it, and nobody else. Six groups; `c1` cannot be
# encoded. On the left there is no limit, on the right three receives:

# %%
stuck = {"groups": 6, "workers": 6, "poison": "c1", "clips": 42}
freed = groups(**stuck, max_receives=3)
player(groups(**stuck), freed, titles=("no limit", "three receives"))

# %% [markdown]
# ### 7. Asking a quiet queue
#
# Every receive is a call that is paid for, the empty ones too. A **short poll** answers at once; ask once a second
# and most answers are "nothing". A **long poll** waits up to 20 s for something to come:

# %%
from dsys_lab.laws import empty_receives_a_day
from dsys_lab.scenarios.durable_queue.counts import empty_a_day

# %%
quiet_rates = 0.01, 0.03, 0.1
asked = {
    "short, every second": empty_a_day(*quiet_rates, wait_s=0),
    "long, 20 s": empty_a_day(*quiet_rates),
}
charts.against_law(
    asked,
    laws={
        "short, every second": empty_receives_a_day,
        "long, 20 s": lambda rate: empty_receives_a_day(rate, wait_s=20),
    },
    title="Calls for nothing",
    x="clips a second",
    y="empty receives, a day and worker",
    log_x=True,
    log_y=True,
)

# %% [markdown]
# And who asks less often waits longer? Here it is the other way round. The mean seconds from upload to worker, short
# and long:

# %%
from dsys_lab.scenarios.durable_queue import quiet

asks = {"short": quiet(wait_s=0), "long": quiet(wait_s=20)}
waited = {poll: fmean(waits_s(run)) for poll, run in asks.items()}
charts.bars(waited, title="From upload to worker", unit="seconds, on average")

# %% [markdown]
# Half an interval against the way to the worker. Fewer calls and a shorter wait: poll long, unless one thread must
# serve several queues.
#
# ### 8. Nobody home
#
# The only worker is down, and nobody notices. Uploads go on as ever, each one answered with "stored", and what gets older
# than the **retention** is deleted, as in lab 14, experiment 8; now with the days of the real service. What would have
# told?

# %%
nobody_there = predict(
    "16/nobody-home",
    "40 clips a day come in, each is kept for four days, and for eight days nobody "
    "receives. Draw how old the oldest clip in the queue is.",
    curve={"x": (0, 8, "days"), "y": (0, 8, "days")},
)
nobody_there

# %%
from dsys_lab.scenarios.durable_queue.clips import RETENTION_DAYS, nobody_home
from dsys_lab.scenarios.durable_queue.counts import by_day

# %%
away, few = nobody_home(away_days=8), nobody_home(away_days=8, clips_a_day=4)
calm = {"40 clips a day": away, "4 clips a day": few}
ages = by_day(calm, "age of the oldest")
nobody_there.reveal(
    tuple(zip(*ages["40 clips a day"], strict=True)),
    law=lambda day: min(day, RETENTION_DAYS),
    why="It rises by a day a day, until the oldest is deleted.",
)

# %% [markdown]
# The flat piece is the most dangerous line of this lab: there, as each new clip comes in, an old one reaches the end
# of its retention and is deleted. No call failed, no log says anything:

# %%
away.sql("""
    select kind, count(*) as n from trace
    where kind in ('publish_ok', 'fail', 'reject', 'expire') group by all order by kind
""")

# %% [markdown]
# So watch that age, and be woken long before it reaches the retention. The depth tells less:

# %%
depths = by_day(calm, "kept")
charts.lines(depths, title="What looks calm: the depth", x="days", y="clips")

# %% [markdown]
# A depth of 16 or of 160: whether that is much depends on how many come, and at neither does anybody wake up. The age is
# the same in both, and is read against the retention: one alarm fits all queues.

# %%
charts.lines(
    ages,
    title="What to watch: the age of the oldest",
    x="days",
    y="days",
    references={"retention": RETENTION_DAYS},
)

# %% [markdown]
# ### 9. The noisy neighbour
#
# Ann, Bob and Cy each upload a clip every two seconds. At 10 s somebody else drops a hundred at once. On the left one
# line for all, on the right the **fair** queue, in which senders (their groups) take turns:

# %%
from dsys_lab.scenarios.durable_queue import tenants

player(tenants, compare={"kind": ("standard", "fair")}, noisy_clips=(10, 400, 10))

# %%
lines = {kind: tenants(kind=kind) for kind in ("standard", "fair")}
senders = ("ann", "bob", "cy", "noisy")
waited = {
    kind: {who: quantile(waits_s(run, place=who), 0.95) for who in senders}
    for kind, run in lines.items()
}
pd.DataFrame(waited).round(1)

# %% [markdown]
# (The strip says how long the clip had waited that each sender's turn brings up; in the table: seconds within which 95 of 100 clips found a worker.) In one line everybody waits behind the hundred. With turns
# the quiet ones hardly notice, and the noisy one waits only a little longer: most of those before it were its own.

# %% [markdown]
# ## Break it
#
# **A pause longer than the loan.** A worker stands still for 30 s (a virtual machine that is moved, a garbage
# collector). It comes back from the dead, believes that no time has passed, finishes, and acknowledges with a handle
# that is no longer worth anything: a *zombie*.

# %%
start = {"kind": "start", "place": "encoder-1"}
pause = {"do": "slow", "target": "encoder-1", "on": start, "nth": 4, "lasts_s": 30}
zombie = encode(visibility_s=10, faults=[pause])
zombie.sql("""
    select time_us / 1e6 as seconds, kind, place, message, attempt, why
    from trace where kind = 'ack_stale'
""")

# %% [markdown]
# *Gone*: when it came, somebody else had encoded the clip and acknowledged it. A heartbeat does not help, for who
# stands still sends none. Only the key does.
#
# **A split during the acknowledgement.** The work is done, the effect stored, and the network between worker and
# queue is cut for two seconds just then. For the queue that is the same as a dead worker:

# %%
stored = {"kind": "effect", "place": "encoder-2"}
cut = {"do": "split", "target": "encoder-2", "on": stored, "nth": 3, "lasts_s": 2}
split = {"visibility_s": 8, "faults": [cut]}
keyed = encode(**split, idempotent=True)
player(encode(**split), keyed, titles=("without a key", "with a key"))

# %% [markdown]
# **Whose clock rules?** A loan ends at a time of day, and clocks go wrong. Let the clocks of all four workers be a
# minute ahead of the queue's. (Loans of 3 s from here on, so that some end too early anyway.)

# %%
whose_clock = predict(
    "16/whose-clock",
    "The clocks of all workers are a minute ahead. What changes in the run?",
    choices=["nothing changes", "more is encoded twice", "nothing is encoded"],
)
whose_clock

# %%
from dsys_lab.scenarios.durable_queue.counts import came_of_it, in_vain, wrong_clocks

# %%
whose_clock.reveal(
    came_of_it(wrong_clocks("none", 60), usual=wrong_clocks("none", 0)),
    why="The queue's clock alone says when a loan is over; nobody asks a worker's.",
)

# %% [markdown]
# But a careful worker may want to look whether its loan is over before it carries the effect out, and then it does
# ask a clock. It can hold the **timestamp** at which the loan ends, written by the queue's clock, against its own; or
# take the time that has passed since it received the clip with a **stopwatch**. With clocks a minute behind, right,
# and a minute ahead; in each box the share of the attempts that came to nothing:

# %%
from dsys_lab.scenarios.durable_queue.counts import clock_verdicts
from dsys_lab.scenarios.durable_queue.workers import WATCHES

# %%
off_s = {"a minute behind": -60, "right": 0, "a minute ahead": 60}
clocks = {(w, off): wrong_clocks(w, off_s[off]) for w in WATCHES for off in off_s}
charts.verdict_grid(
    {"": clock_verdicts(clocks)},
    legend={"done": "all once", "again": "some twice", "lost": "some never"},
    title="What comes of the clips, by what a worker looks at?",
    rows="a worker looks at",
    columns="the workers' clocks",
    box_inches=1.4,
)

# %% [markdown]
# A timestamp from another machine is worth as much as the agreement of the two clocks: behind, one looks in vain and
# does the work twice; ahead, one throws all work away, and nothing is done any more. The stopwatch needs one clock
# only, and it does not matter what time that one shows. It pays with good work thrown away; a heartbeat does not.

# %% [markdown]
# **The answer to the sender is lost.** Twenty clips are on their way; just after the first is stored, the network to
# the phone is cut for half a second. That clip is safe, but the phone never hears so, and sends it again with those
# that were lost on the road. A *standard* queue (no order promised, none kept) now has the first twice, and both are
# encoded. A FIFO queue knows each message by its *deduplication id* and lets the second one go, as a `duplicate`:

# %%
deaf = {"do": "split", "target": "phone", "on": {"kind": "enqueue"}, "lasts_s": 0.5}
deafened = {"groups": 5, "clips": 20, "faults": [deaf]}
twice = {kind: groups(kind=kind, **deafened) for kind in ("standard", "fifo")}
for kind, run in twice.items():
    again, let_go = effects(run)["more often"], len(run.of("duplicate"))
    print(f"{kind}: {again} encoded twice, {let_go} let go as a duplicate")

# %% [markdown]
# It knows them for five minutes, as the FIFO topic of lab 15 did, and not for ever. A phone that was offline for longer
# sends a second clip, and again only a key in the effect helps.
#
# **No dead letters at all.** They are a setting, and by default there are none. One clip in five is poison, and it
# is tried until the run ends:

# %%
without_dead = predict(
    "16/no-dead-letters",
    "One clip in five is poison, and nothing is ever set aside. Of 100 attempts, how "
    "many come to nothing?",
    between=(0, 100),
    unit="attempts",
)
without_dead

# %%
ill = {"poison_share": 0.2, "rate": 0.8}
endless, limited = encode(**ill), encode(**ill, max_receives=3)
both = {"no dead letters": endless, "dead after three": limited}
without_dead.reveal(
    100 * in_vain(endless),
    why="Each poisoned clip comes back for ever, and they add up.",
    show=player(*both.values(), titles=tuple(both)),
)

# %% [markdown]
# And the healthy clips pay for it, which wait for a worker as all others do:

# %%
waited = {name: fmean(waits_s(run)) for name, run in both.items()}
charts.bars(waited, title="The wait for a worker", unit="seconds, on average")

# %% [markdown]
# **Redrive** (putting dead letters back) **with the bug still in.** They go back every 30 s in the hope of better
# times. On the left nobody mends anything and they go round; on the right the bug is mended after 100 s:

# %%
sick = {"poison_share": 0.15, "max_receives": 3, "visibility_s": 8}
sick["redrive_every_s"] = 30
mended = encode(**sick, fixed_at_s=100)
player(encode(**sick), mended, titles=("the bug stays in", "mended after 100 s"))

# %% [markdown]
# **The power goes, and the queue with it.** So far the queue itself never died. A *durable* one writes every verb to
# a log on disk, and the question is when it answers: after the disk has it (`fsync` at every record), or before. At
# 10 s the power is gone for two seconds:

# %%
from dsys_lab.scenarios.durable_queue import power_failure

player(power_failure, compare={"fsync": ("every record", "never")})

# %% [markdown]
# Press **End**. On the left all that was answered is there, loans and handles included (what was on the road just
# then is lost there, was never answered, and is sent again). On the right clips are gone although the phone was told
# that they are safe, and the lamp *promised and kept* is red. One crash at one moment proves little, though. The disk
# of the model counts its steps (each write, each sync), so the same story can be told again and again with the power
# cut **before each step**:

# %%
from dsys_lab.scenarios.durable_queue.clips import FSYNC
from dsys_lab.scenarios.durable_queue.power_cuts import power_cuts

# %%
cuts = {fsync: pd.DataFrame(power_cuts(fsync=fsync)) for fsync in FSYNC}
signs = ["torn_bytes", "lost", "back"]
rows = {
    name: {"moments": len(tried), **(tried[signs] > 0).sum()}
    for name, tried in cuts.items()
}
pd.DataFrame.from_dict(rows, orient="index")

# %% [markdown]
# Four clips are sent, received and acknowledged. Of all the moments at which the power can go, in how many was a
# record left *torn* (half written, found by its checksum and cut off), was a promised clip *lost*, and came an
# acknowledged one *back*? With a sync before every answer a record may be torn, too, but it is one that nobody had
# been promised; nothing is lost and nothing comes back, at no moment. The lazier ones have fewer steps, and that
# is their whole point: who shares a sync among ten waits for fewer, and may break up to ten promises at once (with
# only a dozen answers here, *every tenth* looks much like *never*).
#
# Here are the moments at which the careful one has a record torn. `answered` is how many verbs had been answered
# when the power went: the torn record is the next one, whose sender still waits, and asks again. So look at the two
# columns at the end:

# %%
careful = cuts["every record"]
careful[careful.torn_bytes > 0].set_index("step")

# %% [markdown]
# The same queue on a real folder: written by one, taken up by another.

# %%
from tempfile import TemporaryDirectory

from dsys_lab.brokers.work_queue import DurableQueue
from dsys_lab.structures import RealDisk

# %%
folder = TemporaryDirectory()
first, second = RealDisk(folder.name), RealDisk(folder.name)
DurableQueue("clips", first).send(0, "c1", "a night of video")

# %%
heir = DurableQueue("clips", second)
[taken_up] = heir.receive(1 * s)
first.close(), second.close(), folder.cleanup()
taken_up.message, taken_up.body, heir.log.status()

# %% [markdown]
# Break it yourself: stop any picture and press **G**. And share what you found:

# %%
from dsys_lab.lessons import reproduce, share

link = share(zombie)
link

# %%
reproduce(link.address).digest() == zombie.digest()

# %% [markdown]
# ## Measure
#
# Now two real ones behind the same verbs: NATS JetStream, a server started from its wheel, and the API of SQS, by
# boto3 against *moto*, a stand-in that needs no account (with `DSYS_LAB_AWS=real` it is SQS itself; you are asked
# first). All get the same orders: eight clips; at `c2` the worker dies before it acknowledges, `c4` is handed back,
# `c6` is poison.

# %%
from dsys_lab.engines.work_queue import drill

drills = {engine: drill(engine) for engine in ("model", "jetstream", "sqs")}
stories = {engine: [row[2:5] for row in run] for engine, run in drills.items()}
alike = {engine: story == stories["model"] for engine, story in stories.items()}
pd.DataFrame([alike], index=["as the model"])

# %% [markdown]
# The same story in all three, row for row: what was lent, to whom, what came back, and what was set aside at the end.
# The rows of an engine have the model's vocabulary, so the same player shows them:

# %%
from dsys_lab.trace import in_slow_motion

player(in_slow_motion(drills["model"]), in_slow_motion(drills["jetstream"]))

# %% [markdown]
# Where do they differ? In the rule of experiment 2. Anna is slow, her loan ends, Bert gets the clip; then she
# acknowledges, and then he. Whose acknowledgement counts?

# %%
from dsys_lab.engines.work_queue import two_hands

hands = {engine: two_hands(engine) for engine in drills}
said = {engine: run.of("ack", "ack_stale") for engine, run in hands.items()}
words = {"ack": "counts", "ack_stale": "is stale"}
pd.DataFrame(
    {engine: [words[row.kind] for row in rows] for engine, rows in said.items()},
    index=["Anna's acknowledgement", "Bert's"],
)

# %% [markdown]
# In the model hers is stale and his counts (of an old handle SQS says that the message "might not be deleted").
# JetStream takes hers, the first that comes. And moto takes hers too, where SQS promises nothing of the kind: a
# stand-in is right about the shape of a call, and about time and loss one asks the model, or the real thing. All
# differences that we know of, each held by a test:

# %%
from dsys_lab.engines.work_queue import JETSTREAM, SQS
from dsys_lab.lessons import differences

differences([*JETSTREAM, *SQS])

# %% [markdown]
# And the price of a round trip. Sixty clips sent, received and acknowledged, in turns:

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.engines.work_queue import cycles
from dsys_lab.lessons import measured

ours, theirs = interleaved(
    partial(cycles, count=60), partial(cycles, "jetstream", count=60), rounds=5
)
ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
unit = "times the model's time"
measured(ratios, unit, usually=f"some hundred {unit}")

# %% [markdown]
# Figures of the real service, with the day on which they were read: how long a loan, a retention and a memory for
# duplicates last there, and how much it takes.

# %%
facts(
    "sqs_visibility_default",
    "sqs_visibility_max",
    "sqs_retention_default",
    "sqs_retention_max",
    "sqs_dedup_window",
    "sqs_wait_max",
    "sqs_size_max",
    "sqs_batch_max",
    "sqs_in_flight_max",
    "sqs_max_receives_default",
    "sqs_fifo_calls",
)

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | the work takes about the same time each time | a loan of a few times that | the share received more than once |
# | it takes minutes, or hours, or who knows | a short loan and a **heartbeat**; cut the work into pieces | loans extended near the limit |
# | the effect can be told by a key | an **idempotent** worker: look, do and note in one transaction | how often it skips |
# | it cannot (a mail, a call to others) | pass the key on, and let them look | complaints |
# | order matters within something | **FIFO**, the group as small as that something | the age within the oldest group |
# | order matters for everything | one group, one worker; or ask again whether it does | throughput |
# | some messages are poison | dead letters after a few receives, an alarm on the first, redrive *after* the mend | the number of the dead |
# | many tenants share one queue | a fair queue, or a queue for each | the wait of the quiet ones |
# | everyone must see every message | not this: a topic (lab 15), or a log (lab 17) | |
#
# And always: **long poll**, a key in every effect, and an alarm on the age of the oldest.

# %% [markdown]
# ## Exercises

# %%
exercise("16/choose_visibility")


# %%
def choose_visibility(samples, repeat_share): ...


exercise("16/choose_visibility", choose_visibility)

# %%
exercise("16/handler")


# %%
def handler(clip, store): ...


exercise("16/handler", handler)

# %%
exercise("16/loan_cost")


# %%
def loan_cost(visibility_s, work_mean_s, max_receives, poison_share): ...


exercise("16/loan_cost", loan_cost)

# %% [markdown]
# **Design question.** Jobs that take from a minute to nine hours, on workers that may vanish: how do you lend?

# %%
exercise("16/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon SQS Developer Guide and API Reference: *visibility timeout*, *standard queues: at-least-once delivery*,
#   *FIFO delivery logic*, *fair queues*, *message quotas*; read in November 2026.
# - Hohpe and Woolf, *Enterprise Integration Patterns*: Competing Consumers, Dead Letter Channel, Idempotent Receiver.
# - Gray, "Queues are databases", 1995. Helland, "Idempotence is not a medical condition", *ACM Queue* 2012.
# - Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
#   exchanges", 1917; Kleinrock, *Queueing Systems* vol. 1.
# - Pillai et al., "All file systems are not created equal", OSDI 2014 (what a crash leaves of a file).
# - NATS documentation, *JetStream: consumers, acknowledgement*; Kleppmann, *Designing Data-Intensive Applications*,
#   ch. 11.
#
# Beyond one machine: the queue itself on several machines in several zones (RabbitMQ quorum queues, JetStream with
# replicas, SQS); workers that come and go with the backlog, by age times rate; a queue in the database that you have
# (`select … for update skip locked`). Of the same shape: Azure Service Bus, Google Pub/Sub, and since 2026 queues on
# a Kinesis stream (lab 17).
