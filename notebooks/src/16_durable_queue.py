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

# %%
from dsys_lab.lessons import exercise, facts, notes, player, predict, progress, show_source

# %% [markdown]
# ## The notes say

# %%
notes("Durable Message Queues - SQS")

# %% [markdown]
# The picture is the right one. It *is* an asynchronous call: whoever asks does not wait, and need not know who
# answers. Many may write, and each message is somebody's to process, guaranteed. Encoding a video is the very work
# for it. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | a single consumer | one *at a time*: many consumers compete, and each message is on **loan** to one of them |
# | is guaranteed to process | **at least once**: a loan that ends too early is work done twice. Only the handle of the newest loan is sure to end it |
# | (order) | a *standard* queue keeps it as well as it can; a *FIFO* queue keeps it within a **group** |
# | they will queue, at high costs | SQS bills by the request, not by the stored message. The price of nobody listening is **age**, and at the end of the retention a silent deletion |
# | a topic | here a queue; a topic that feeds queues is lab 15 |
#
# The figures behind that, with the day on which they were read:

# %%
facts("sqs_visibility_default", "sqs_retention_default", "sqs_retention_max", "sqs_dedup_window", "sqs_size_max")

# %% [markdown]
# ## Picture
#
# The same uploads and the same luck, twice. A worker that receives a clip has it on loan; the others do not see it.
# Encoding takes 2 s on average, sometimes 1 s, sometimes 8. On the left a loan lasts 2 s, on the right 20 s.
#
# Press **space**. The thin arc round a disc is what is left of its loan. When it has run out before the
# acknowledgement came, the clip shows in the tray again, with an orange ring, and somebody else gets it; the first
# worker knows nothing of that and goes on. The lamps at the top right are what a run should keep; click a red one,
# and it takes you to the row that broke it. **?** shows all keys.

# %%
from dsys_lab.scenarios.durable_queue import encode

player(encode, compare={"visibility_s": (2, 20)})

# %% [markdown]
# On both sides every clip is encoded: the ledger below each picture ends with 60 done. On the left 16 of the 60 clips
# were encoded more than once, one of them six times, and the lamp *at most once* is red. On the right none was; but
# if a worker dies there, its clip lies hidden for up to 20 s. That is the first decision of this lab: **how long is a
# loan?**

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
# counts. So the clip was encoded twice, and that is no accident but a law. If work is exponential with mean *m*, the
# share that ends within a loan of *V* is
#
# $$F = 1 - e^{-V/m}$$
#
# and an attempt succeeds with that chance, so it takes 1/*F* attempts on average:

# %%
from dsys_lab.laws import deliveries_newest, exponential_within

[deliveries_newest(exponential_within(loan_s, 2)) for loan_s in (1, 2, 4, 8, 20)]

# %% [markdown]
# With a loan of half the mean, 2.5 attempts a clip; with ten times the mean hardly more than one. Count it in a run,
# for a loan of 2 s: how many clips were encoded once, how many more often?

# %%
from dsys_lab.scenarios.queue_counts import effects

run = encode(visibility_s=2)
effects(run)

# %% [markdown]
# ## Look inside
#
# A message is in one of few states, and everything that the queue does moves it from one to another:
#
# ```text                 receive                acknowledge delayed --> visible ------> on loan (handle n) ------>
# gone             ^  |              |             |  |              | the loan ends, or it is handed back
# +--|--------------+                |                +--> dead: received too often         (and at the end of the
# retention: expired, wherever it is) ```
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
run.sql("""
    select time_us / 1e6 as seconds, kind, place, coalesce(attempt::varchar, '') as attempt, coalesce(why, '') as why
    from trace where message = (select min(message) from trace where kind = 'deliver' and attempt = 2)
""")

# %% [markdown]
# ## Predict
#
# Six things to write down before you see them.

# %%
lent_again = predict(
    "16/lent-again",
    "Work is exponential, and a loan lasts twice its mean. Of 100 clips, how many are lent more than once?",
    between=(0, 50),
    unit="clips",
)
lent_again

# %%
which_works_more = predict(
    "16/newest-or-any",
    "Loans are too short. Under which rule do the workers work more: only the newest handle acknowledges, or any?",
    choices=["only the newest", "any handle", "both the same"],
)
which_works_more

# %%
at_the_seam = predict(
    "16/at-the-seam",
    "A worker has stored the encoded clip and dies before it acknowledges. What becomes of the clip?",
    choices=["it is lost", "it is encoded once", "it is encoded twice"],
)
at_the_seam

# %%
more_work = predict(
    "16/poison",
    "One clip in twenty is poison: whoever tries, fails. Ten receives are allowed. How much more work is that?",
    between=(1, 100),
    unit="% more",
)
more_work

# %%
one_group = predict(
    "16/one-group",
    "A FIFO queue, all clips in one group. Ten workers, each needs 1 s for a clip. How many clips a second?",
    between=(0.1, 20),
    unit="clips a second",
)
one_group

# %%
nobody_there = predict(
    "16/nobody-home",
    "40 clips a day come in, and for eight days nobody receives. The queue keeps a message for four days. "
    "Draw how many it holds.",
    curve={"x": (0, 8, "days"), "y": (0, 350, "clips")},
)
nobody_there

# %% [markdown]
# ## Play
#
# ### 1. How long is a loan?
#
# First the share of clips that are lent more than once, for loans from half the mean work to five times:

# %%
from dsys_lab.scenarios.queue_counts import repeated
from dsys_lab.views import charts

again = repeated(0.5, 1, 2, 3, 5)
charts.against_law(
    {"counted": again},
    laws={"counted": lambda ratio: 1 - exponential_within(ratio, 1)},
    title="Who is lent twice",
    x="loan, in means of the work",
    y="share of the clips",
)

# %%
_, share, error = again[2]
lent_again.reveal(100 * share, law=100 * (1 - exponential_within(2, 1)), standard_error=100 * error)

# %% [markdown]
# "Twice the average" sounds generous, and one clip in seven is lent again. For one in a hundred the loan must be 4.6
# times the mean. What counts is not the mean but the **tail**. If all work takes the same time the curve is a cliff:
# a loan a little longer than the work repeats nothing, and one a little shorter never ends at all:

# %%
steady = {
    loan_s: encode(work_shape="constant", work_s=2, visibility_s=loan_s, clips=8, workers=16) for loan_s in (2.5, 1.5)
}
{loan_s: {"encoded": len(run.of("effect")), "acknowledged": len(run.of("ack"))} for loan_s, run in steady.items()}

# %% [markdown]
# Work of 2 s. On a loan of 2.5 s eight clips are encoded eight times; on one of 1.5 s hundreds of times, and not one
# is acknowledged: each handle is stale when it comes. Now move the sliders yourself: a loan, some work, how it
# varies. (In what the two lanes differ is the next question.)

# %%
player(
    encode,
    compare={"handles": ("newest", "any")},
    titles=("only the newest handle counts", "any handle counts"),
    at={"visibility_s": 1.0},
    visibility_s=(0.5, 20, 0.5),
    work_s=(0.5, 4, 0.5),
    work_shape=["exponential", "constant", "erlang", "heavy"],
    workers=(1, 8),
)

# %% [markdown]
# ### 2. The newest handle, or any?
#
# The two lanes above differ in one rule. On the right an acknowledgement counts with whichever handle it comes, as in
# JetStream (the queue of NATS, which runs below) and many other brokers. Which rule is the safer one?

# %%
from dsys_lab.laws import deliveries_any
from dsys_lab.scenarios.queue_counts import deliveries

rules = {handles: deliveries(0.5, 1, 2, handles=handles) for handles in ("newest", "any")}
charts.against_law(
    rules,
    laws={"newest": lambda v: deliveries_newest(exponential_within(v, 1)), "any": lambda v: deliveries_any(v, 1)},
    title="The rule that looks safer works more",
    x="loan, in means of the work",
    y="deliveries a clip",
)

# %%
which_works_more.reveal("only the newest")

# %% [markdown]
# If any handle counts, the first to finish ends it for all. If only the newest does, a worker that was done a moment
# after its loan had ended has worked for nothing, and the clip waits for somebody who *begins* again. In exchange the
# newest rule keeps a worker that was long given up from deleting a message that somebody else has in hand. Neither
# makes it happen once.
#
# ### 3. Between the effect and the acknowledgement
#
# A worker starts, carries the **effect** out (it stores the encoded clip), and acknowledges. Let it die at each of
# the three seams, for one second, with loans that are long enough:

# %%
import pandas as pd

crash = {"do": "crash", "target": "encoder-2", "nth": 3, "lasts_s": 1}
seams = {"before the effect": "start", "between the two": "effect", "after the acknowledgement": "answer"}
faults = {name: [{**crash, "on": {"kind": kind, "place": "encoder-2"}}] for name, kind in seams.items()}
pd.DataFrame({name: effects(encode(visibility_s=20, faults=plan)) for name, plan in faults.items()}).T

# %%
at_the_seam.reveal("it is encoded twice")

# %% [markdown]
# Nothing is lost, wherever it dies: the loan ends and somebody else does the work. In one seam it is done twice, and
# no queue can help it, for it cannot know whether the effect had happened. The worker can. If each effect carries a
# **key**, and the worker looks up in the same store whether that key was done, doing it again does nothing: it is
# *idempotent*. Same crash, same luck, with the key on the right:

# %%
between = faults["between the two"]
keyed = encode(visibility_s=20, idempotent=True, faults=between)
player(encode(visibility_s=20, faults=between), keyed, titles=("without a key", "with a key"))

# %% [markdown]
# The lamp on the right is called *exactly-once effect*, and it is green even with loans that are far too short and
# copies that the queue makes of itself. Deliveries at least once, effects exactly once: that is all there is to
# "exactly once", and the second half is **your** work.

# %%
effects(encode(visibility_s=1, idempotent=True, copy_share=0.1))

# %% [markdown]
# Must a loan be long, then? Not if the worker asks for more time as long as it lives, a **heartbeat** every half
# loan. A loan of 1 s, without and with it:

# %%
beats = {heartbeat: encode(visibility_s=1, heartbeat=heartbeat) for heartbeat in (False, True)}
rows = {f"heartbeat: {on}": {**effects(run), "extended": len(run.of("extend"))} for on, run in beats.items()}
pd.DataFrame(rows).T

# %% [markdown]
# Each clip once, and a worker that dies is noticed within a second. The price is a call every half second.
#
# ### 4. Poison, and the dead
#
# Some clips cannot be encoded by anyone. Without a limit they go round until the retention ends. With `max_receives`
# a message that was received so often is set aside, among the **dead letters**, for a human to look at. Until then it
# is tried again and again, on everybody's time:

# %%
from dsys_lab.laws import poison_load
from dsys_lab.scenarios.queue_counts import poisoned_load

loads = poisoned_load(0.01, 0.05, 0.1)
charts.against_law(
    {"counted": loads},
    laws={"counted": lambda share: poison_load(share, 10)},
    title="Ten receives for each poisoned clip",
    x="share of poison",
    y="attempts a clip",
)

# %%
more_work.reveal(100 * (loads[1][1] - 1), law=100 * (poison_load(0.05, 10) - 1), standard_error=100 * loads[1][2])

# %% [markdown]
# So fewer receives? Then look at the other side: with loans that are too short, **healthy** clips are set aside too,
# although every attempt did the work. Three receives:

# %%
from dsys_lab.laws import falsely_dead
from dsys_lab.scenarios.queue_counts import healthy_dead

charts.against_law(
    {"counted": healthy_dead(0.5, 1, 1.5, 2)},
    laws={"counted": lambda ratio: falsely_dead(exponential_within(ratio, 1), 3)},
    title="Healthy clips among the dead",
    x="loan, in means of the work",
    y="share of the healthy clips",
)

# %% [markdown]
# With a loan of the mean, one healthy clip in twenty. The two settings belong together: first a loan that nearly
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
from dsys_lab.scenarios.queue_counts import waits

charts.against_law(
    {"counted": waits(8, 9, 10, 12)},
    laws={"counted": lambda workers: mmc_sojourn_s(0.35, 1 / 20, servers=int(workers)) - 20},
    title="The wait for a worker",
    x="workers",
    y="seconds, on average",
    whole_x=True,
)

# %% [markdown]
# Eight keep up, and their clips wait long; two more make the wait about a ninth. A mean hides the unlucky ones, so
# set the goal for them: within how many seconds do 95 of 100 clips find a worker?

# %%
from dsys_lab.scenarios.queue_counts import swapped, waits_s
from dsys_lab.trace import quantile

crowd = {"rate": 0.35, "work_s": 20, "visibility_s": 600, "clips": 400}
crowds = {workers: encode(workers=workers, **crowd) for workers in (8, 9, 10, 11, 12)}
{workers: round(quantile(waits_s(run), 0.95), 1) for workers, run in crowds.items()}

# %% [markdown]
# One run of 400 clips that begins with an empty queue is too kind. For a line that goes on for ever Erlang's formula
# gives this share, too: who must wait at all, waits an exponential time.

# %%
from math import log

from dsys_lab.laws import erlang_c

{workers: round(max(0.0, log(erlang_c(workers, 7) / 0.05) * 20 / (workers - 7)), 1) for workers in crowds}

# %% [markdown]
# Size by the formula, not by one lucky day.
#
# Competing workers have another price: **order**. Of two neighbours in the line that are in work at the same time,
# how many are done in the other order?

# %%
round(swapped(crowds[10]), 2)

# %% [markdown]
# Half of them: exponential work forgets when it began, so it is a coin toss. The queue hands clips out in order, and
# they are *done* in any. Where that matters there are groups.
#
# ### 6. One at a time
#
# A FIFO queue keeps the order within a **group**, and there is only one way to do that: while a message of the group
# is on loan, nobody gets the next. Ten workers, one second of work each, sixty clips spread over one, two, five, ten
# or sixty groups:

# %%
from dsys_lab.scenarios.durable_queue import groups
from dsys_lab.scenarios.queue_counts import throughput

rates = {f"groups: {n}": throughput(groups(groups=n, workers=10)) for n in (1, 2, 5, 10, 60)}
charts.bars(rates, title="A group is one worker wide", unit="clips a second", references={"ten workers": 10})

# %%
one_group.reveal(rates["groups: 1"], law=1)

# %% [markdown]
# The smaller of the two numbers, workers or groups, divided by the work (a little less, for the way to the worker and
# back takes 40 ms). Nine of ten workers stand idle before a single group. So choose the group as small as the order
# allows: the sleeper, not the survey.
#
# And what if the first of a group is poison? It holds up those behind it, and nobody else. Six groups; `c1` cannot be
# encoded. On the left there is no limit, on the right three receives:

# %%
stuck = {"groups": 6, "workers": 6, "poison": "c1", "clips": 42}
player(groups(**stuck), groups(**stuck, max_receives=3), titles=("no limit", "three receives"))

# %% [markdown]
# ### 7. Asking a quiet queue
#
# Every receive is a call that is paid for, the empty ones too. A **short poll** answers at once; ask once a second
# and most answers are "nothing". A **long poll** waits up to 20 s for something to come:

# %%
from dsys_lab.laws import empty_receives_a_day
from dsys_lab.scenarios.queue_counts import empty_a_day

asked = {"short, every second": empty_a_day(0.01, 0.03, 0.1, wait_s=0), "long, 20 s": empty_a_day(0.01, 0.03, 0.1)}
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
from statistics import fmean

from dsys_lab.scenarios.durable_queue import quiet

[round(fmean(waits_s(quiet(wait_s=wait_s))), 2) for wait_s in (0, 20)]

# %% [markdown]
# Half an interval against the way to the worker. Fewer calls and a shorter wait: poll long, unless one thread must
# serve several queues.
#
# ### 8. Nobody home
#
# The only worker is down, and nobody notices. Uploads go on as ever, each one answered with "stored":

# %%
from dsys_lab.scenarios.durable_queue import nobody_home
from dsys_lab.trace import gauge

away = nobody_home(away_days=8)
at_s, kept = gauge(away, "kept")
nobody_there.reveal(([at / 86_400 for at in at_s], kept), law=lambda day: min(40 * day, 160))

# %% [markdown]
# After four days the curve is flat, and that is the most dangerous line of this lab: from then on as each new clip
# comes in, an old one reaches its four days and is deleted. No call failed, no log says anything:

# %%
away.sql("select kind, count(*) as n from trace where kind in ('publish_ok', 'fail', 'reject', 'expire') group by all")

# %% [markdown]
# What would have told? Not the depth, which looks calm, but the **age of the oldest**. Watch that one, and be woken
# long before it reaches the retention.

# %%
ages = list(zip([at / 86_400 for at in at_s], gauge(away, "age of the oldest")[1], strict=True))
charts.lines({"age of the oldest": ages}, title="What to watch", x="days", y="days", references={"retention": 4})

# %% [markdown]
# ### 9. The noisy neighbour
#
# Ann, Bob and Cy each upload a clip every two seconds. At 10 s somebody else drops a hundred at once. On the left one
# line for all, on the right the **fair** queue, in which senders (their groups) take turns:

# %%
from dsys_lab.scenarios.durable_queue import tenants

player(tenants, compare={"kind": ("standard", "fair")}, noise=(1, 100), workers=(2, 8))

# %%
lines = {kind: tenants(kind=kind) for kind in ("standard", "fair")}
senders = ("ann", "bob", "cy", "noisy")
pd.DataFrame(
    {kind: {who: quantile(waits_s(run, place=who), 0.95) for who in senders} for kind, run in lines.items()}
).round(1)

# %% [markdown]
# (Seconds within which 95 of 100 clips found a worker.) In one line everybody waits behind the hundred. With turns
# the quiet ones hardly notice, and the noisy one waits about a sixth longer: most of those before it were its own.

# %% [markdown]
# ## Break it
#
# **A pause longer than the loan.** A worker stands still for 30 s (a virtual machine that is moved, a garbage
# collector). It comes back from the dead, believes that no time has passed, finishes, and acknowledges with a handle
# that is no longer worth anything: a *zombie*.

# %%
pause = {"do": "slow", "target": "encoder-1", "on": {"kind": "start", "place": "encoder-1"}, "nth": 4, "lasts_s": 30}
zombie = encode(visibility_s=10, faults=[pause])
zombie.sql("select time_us / 1e6 as seconds, kind, place, message, attempt, why from trace where kind = 'ack_stale'")

# %% [markdown]
# *Gone*: when it came, somebody else had encoded the clip and acknowledged it. A heartbeat does not help, for who
# stands still sends none. Only the key does.
#
# **A split during the acknowledgement.** The work is done, the effect stored, and the network between worker and
# queue is cut for two seconds just then. For the queue that is the same as a dead worker:

# %%
cut = {"do": "split", "target": "encoder-2", "on": {"kind": "effect", "place": "encoder-2"}, "nth": 3, "lasts_s": 2}
keyed = encode(visibility_s=8, idempotent=True, faults=[cut])
player(encode(visibility_s=8, faults=[cut]), keyed, titles=("without a key", "with a key"))

# %% [markdown]
# **The answer to the sender is lost.** Twenty clips are on their way; just after the first is stored, the network to
# the phone is cut for half a second. That clip is safe, but the phone never hears so, and sends it again with those
# that were lost on the road. A standard queue now has the first twice, and both are encoded. A FIFO queue knows their
# *deduplication ids* and lets the second ones go:

# %%
deaf = {"do": "split", "target": "phone", "on": {"kind": "enqueue"}, "lasts_s": 0.5}
twice = {kind: groups(groups=5, clips=20, kind=kind, faults=[deaf]) for kind in ("standard", "fifo")}
pd.DataFrame({kind: {**effects(run), "let go": len(run.of("duplicate"))} for kind, run in twice.items()}).T

# %% [markdown]
# It knows them for five minutes, not for ever. With the clock in your hand:

# %%
fifo = WorkQueue("clips", Settings(kind="fifo"))
[fifo.send(at_s * s, "c1", group="ann", dedup_id="c1") for at_s in (0, 299, 301)]

# %% [markdown]
# A phone that was offline for longer than the window sends a second clip, and again only a key in the effect helps.
#
# **Redrive** (putting dead letters back) **with the bug still in.** They go back every 30 s in the hope of better
# times. On the left nobody mends anything and they go round; on the right the bug is mended after 100 s:

# %%
sick = {"poison_share": 0.15, "max_receives": 3, "visibility_s": 8, "redrive_every_s": 30}
player(encode(**sick), encode(**sick, fixed_at_s=100), titles=("the bug stays in", "mended after 100 s"))

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
from dsys_lab.scenarios.durable_queue import FSYNC
from dsys_lab.scenarios.power_cuts import power_cuts

cuts = {fsync: pd.DataFrame(power_cuts(fsync=fsync)) for fsync in FSYNC}
columns = ["torn_bytes", "lost", "back"]
pd.DataFrame({fsync: {"moments": len(told), **(told[columns] > 0).sum()} for fsync, told in cuts.items()}).T

# %% [markdown]
# Four clips are sent, received and acknowledged. Of all the moments at which the power can go, in how many was a
# record left *torn* (half written, found by its checksum and cut off), was a promised clip *lost*, and came an
# acknowledged one *back*? With a sync before every answer a record is torn at two moments, but it is one that nobody
# had been promised; nothing is lost and nothing comes back, at no moment. The lazier ones have fewer steps, and that
# is their whole point: who shares a sync among ten waits for fewer, and may break up to ten promises at once (with
# only a dozen answers here, *every tenth* looks much like *never*). And step by step, as the careful one is cut:

# %%
cuts["every record"].iloc[5:14]

# %% [markdown]
# The same queue on a real folder: written by one, taken up by another.

# %%
from tempfile import TemporaryDirectory

from dsys_lab.brokers.work_queue import DurableQueue
from dsys_lab.structures import RealDisk

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
from dsys_lab.lessons import reproduce
from dsys_lab.lessons import share as share_run

link = share_run(zombie)
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
{engine: [row[2:5] for row in run] == [row[2:5] for row in drills["model"]] for engine, run in drills.items()}

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
{engine: [(row.kind, row.fields["attempt"]) for row in run.of("ack", "ack_stale")] for engine, run in hands.items()}

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

ours, theirs = interleaved(partial(cycles, count=60), partial(cycles, "jetstream", count=60), rounds=5)
ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
measured(ratios, "times the model's time", usually="some hundred times the model's time")

# %% [markdown]
# Figures of the real service, with their dates:

# %%
facts("sqs_visibility_max", "sqs_wait_max", "sqs_batch_max", "sqs_in_flight_max", "sqs_max_receives_default", "sqs_fifo_calls")

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
def choose_visibility(samples, repeat_share):
    ...


exercise("16/choose_visibility", choose_visibility)

# %%
exercise("16/handler")

# %%
def handler(clip, store):
    ...


exercise("16/handler", handler)

# %%
exercise("16/loan_cost")

# %%
def loan_cost(visibility_s, work_mean_s, max_receives, poison_share):
    ...


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
