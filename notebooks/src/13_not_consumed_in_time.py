# %% [markdown]
# # Not consumed in time
#
# <!-- binder --><!-- /binder -->
#
# *Buffer, lose, or throttle: three answers to too much, and who pays for each.*

# %% [markdown]
# ## Question
#
# It is Monday, 07:00. Every wearable of the sleep survey *Slumber* wakes up and sends the night it has measured. For
# twenty seconds thirty nights a second reach the **inbox**; behind it a **scorer** takes them out one by one, and
# scores ten a second.
#
# Where do the other twenty a second go? Who notices, and when is all well again?

# %%
from dsys_lab.lessons import exercise, notes, player, predict, progress, show_source

# %% [markdown]
# ## The notes say

# %%
notes("What happens when messages are not consumed in time?")

# %% [markdown]
# That list is complete: there are three answers, and every system gives one of them or a mixture. What can be added,
# as of November 2026, is that **each has somebody who pays**, and that there are variants of each:
#
# | answer | variants | who pays |
# |---|---|---|
# | buffer | in memory, on disk, at the sender | everyone, later; then whoever owns the memory |
# | lose | the newest, the oldest, a sample, the least important, the too old | someone gets nothing |
# | throttle | wait, credit, "no, try again", a rate limit | the producer |
#
# Real systems use all three in this order: a small buffer, then a throttle, and when that is not enough they choose
# what to lose. And one more thing happens that nobody chose: clients **try again**. What becomes of that we shall
# see.

# %% [markdown]
# ## Picture
#
# The same twenty seconds of luck, twice. On the left the inbox takes everyone (`unbounded`); on the right it has 50
# places and, when they are taken, lets the oldest go for the newest (`drop_oldest`).
#
# Press **space**. Each disc is one night: it travels from the wearables to the inbox, waits in the tray, is scored,
# and leaves with a green tick. The bar below each picture is the *conservation ledger*: every night that was offered
# is somewhere. Click a disc to follow it for life; press **?** for all keys.

# %%
from dsys_lab.scenarios.not_consumed_in_time import burst

player(burst, compare={"policy": ("unbounded", "drop_oldest")})

# %% [markdown]
# On the left nothing is lost, and yet everybody pays: long after the burst each night still waits behind hundreds of
# others. On the right some nights are gone (the vermillion crosses), and those that got in are scored within seconds.
#
# The lamps above each lane hold what should be true of the run against its rows. *conservation*: every night that was
# offered is in exactly one account of the bar. *depth adds up*: the inbox says the number that its own rows add up
# to. *important kept*: one night in ten is marked "high", for somebody waits for it at breakfast; a red lamp counts
# how many of these were turned away.

# %% [markdown]
# ## By hand
#
# No simulation is needed for the size of it. In the burst more comes in than goes out, so what waits grows by the
# difference, for as long as the burst lasts:

# %%
from dsys_lab.laws import backlog, drain_s

backlog(arrival_rate=30, service_rate=10, seconds=20)

# %% [markdown]
# After the burst 8 a second still come in, so only the remaining two a second of the scorer eat into the backlog:

# %%
drain_s(waiting=400, arrival_rate=8, service_rate=10)

# %% [markdown]
# Twenty seconds of overload, and two hundred to get over it. The rule to take away: **a system recovers at the speed
# of its spare capacity**, and most systems have little of it. Now count both, in runs of six seeds that go on long
# enough to see the end:

# %%
from dsys_lab.scenarios.not_consumed_in_time import drained_after_s
from dsys_lab.trace import outcome

runs = [burst(policy="unbounded", until_s=600, seed=seed) for seed in range(1, 7)]
[outcome(run).deepest for run in runs], [round(drained_after_s(run)) for run in runs]

# %% [markdown]
# The law treats nights as a fluid; a run draws each gap by chance. The depth is near 400 every time. The time to
# drain is right on average and scatters widely, for it hangs on a small difference, two a second, between two large
# and random streams. Keep that in mind when somebody promises you *when* a backlog will be gone.

# %% [markdown]
# ## Look inside
#
# The buffer is one mechanism; a *policy* is two small functions: who pays when it is full, and who is served next.
# These are three of the nine:

# %%
from dsys_lab.brokers.overflow import Buffer, newest_pays, oldest_pays, producer_waits

show_source(newest_pays, oldest_pays, producer_waits)

# %% [markdown]
# And this is all that the buffer does with the verdict. It never sleeps, reads no clock and rolls no dice: time and
# chance are arguments, so the same object is simulated here, tested with random calls, and held beside a real broker
# below.

# %%
show_source(Buffer.offer)

# %% [markdown]
# Whatever happens leaves a row in the **trace**. The picture above is drawn from these rows and from nothing else:

# %%
run = burst(policy="drop_oldest")
print(run.text(0, 12))

# %% [markdown]
# A trace is a table, so ask it as one. What happened how often?

# %%
run.sql("select kind, count(*) as n from trace group by kind order by n desc, kind")

# %% [markdown]
# ## Predict
#
# Write down what you believe before you see it. A prediction that turns out wrong teaches more than ten figures that
# you nodded at.

# %%
wait_at_95 = predict(
    "13/wait-at-95",
    "A scorer that is busy 50% of the time keeps a night for 0.2 s on average. How many times longer at 95%?",
    between=(1, 100),
    unit="times",
)
wait_at_95

# %%
fresher = predict(
    "13/fresher-tail",
    "`drop_newest` and `drop_oldest` lose the same number of nights. Of those that are scored, 99 in 100 are scored "
    "within some seconds. Under which policy are these seconds fewer?",
    choices=["drop_newest", "drop_oldest", "about the same"],
)
fresher

# %%
after_the_spike = predict(
    "13/after-the-spike",
    "The scorer is half busy; from 30 s to 40 s three times as much comes in. Clients wait 1 s for their answer and then "
    "try again, up to three times. Draw the answers that come in time, a second.",
    curve={"x": (0, 120, "s"), "y": (0, 12, "answers in time a second")},
)
after_the_spike

# %% [markdown]
# ## Play
#
# ### 1. The hockey stick
#
# Forget the burst for a moment: nights come in at random at a steady rate, and there is one scorer. How long is a
# night in the system, waiting and scoring together, as the scorer gets busier? That depends on how much the *scoring
# times* vary: all the same (`constant`), as random as the gaps between arrivals (`exponential`), or mostly short with
# one in ten very long (`heavy`). The mean is 0.1 s in all three.

# %%
from dsys_lab.laws import mg1_sojourn_s
from dsys_lab.scenarios.not_consumed_in_time import waits
from dsys_lab.simulation.chance import SQUARED_VARIATION
from dsys_lab.views import charts

shapes = ("constant", "exponential", "heavy")
counted = {shape: waits(0.3, 0.5, 0.7, 0.8, 0.9, service_shape=shape) for shape in shapes}

# %%
laws = {
    shape: lambda busy, c2=SQUARED_VARIATION[shape]: mg1_sojourn_s(10 * busy, 10, squared_variation=c2)
    for shape in counted
}
charts.hockey_stick(counted, laws=laws)

# %% [markdown]
# Dots were counted, means over four seeds; the bar shows three standard errors, within which the true mean lies
# nearly always. Dashed is the law of Pollaczek and Khinchine. Two things to take away: the curve is nearly flat until
# it is not, and **variety** of the work is as bad as more of it. "80% used" does not mean that 20% are to spare.
#
# Now your prediction. Near saturation a queue forgets slowly, so this takes 60,000 nights under each of four seeds,
# and still has a wide error:

# %%
(half,), (busy,) = waits(0.5), waits(0.95, customers=60_000)
wait_at_95.reveal(busy[1] / half[1], law=(1 - 0.5) / (1 - 0.95), standard_error=busy[2] / half[1])

# %% [markdown]
# ### 2. One burst, five bills
#
# The burst again, under five policies and the same luck. First your prediction:

# %%
import pandas as pd

answers = [burst(policy=policy) for policy in ("unbounded", "drop_newest", "drop_oldest", "block", "reject")]
fresher.reveal("drop_oldest")

# %% [markdown]
# In the table, `p50_s` is the time within which half of the scored nights were scored, `p99_s` that of 99 in 100,
# `deepest` the most that waited at once, and `stood_s` for how many seconds the wearables had to stand still.

# %%
pd.DataFrame(map(outcome, answers)).set_index("title")

# %%
charts.outcomes(*answers)

# %% [markdown]
# Read the table as a bill. `unbounded` loses nothing and makes the typical night wait for half a minute.
# `drop_newest` and `drop_oldest` lose the same number, for the scorer can do no more; but the 99th percentile of the
# second is better, because what it keeps is fresh. Under `block` nothing is lost, and fewer nights were *offered*:
# the wearables stood still, and their owners looked at a spinning wheel. `reject` tells them no at once.
#
# Move the sliders: a bigger buffer, a heavier burst, a faster scorer. On the right, the important go first and stay
# longest.

# %%
player(
    burst,
    compare={"policy": ("block", "priority")},
    capacity=(5, 200),
    burst_rate=(8, 60),
    service_rate=(6, 20),
)

# %% [markdown]
# ### 3. How big must the buffer be?
#
# A bigger buffer loses less, but each place helps less than the one before. At 90% load:

# %%
from dsys_lab.laws import mm1k_blocking
from dsys_lab.scenarios.not_consumed_in_time import losses

lost = losses(2, 3, 5, 10, 15, 20, 30)
charts.lines(
    {"counted": [point[:2] for point in lost]},
    laws={"the law": [(k, mm1k_blocking(0.9, k)) for k in range(2, 31)]},
    title="Room buys less and less",
    x="places, the one in service included",
    y="share that finds no room",
)

# %% [markdown]
# Beyond some twenty places there is hardly anything left to save. And when more comes in than can be done *for good*,
# no buffer helps at all: it only decides how late the loss begins.

# %%
[round(mm1k_blocking(1.2, capacity), 3) for capacity in (10, 50, 1000)]

# %% [markdown]
# ### 4. The retry storm
#
# Now the senders wait for an answer, one second, and then try again. The spike is short: from 30 s to 40 s three
# times the usual five a second. First your curve:

# %%
from dsys_lab.scenarios.not_consumed_in_time import late_goodput, retry_storm
from dsys_lab.trace import gauge

storm = retry_storm(retries=3)
after_the_spike.reveal(gauge(storm, "goodput"))

# %% [markdown]
# And how it comes about. On the left nobody tries again; on the right everybody does, up to three times. Same luck.
# The lamp *answered in time* counts the callers who gave up; *sends settle* watches that every copy on the network
# arrives or is lost.

# %%
player(retry_storm(retries=0), storm)

# %% [markdown]
# It never comes back. The spike left a backlog of more than a second, so every call in it is already given up when
# the scorer gets to it; its sender has sent another copy (orange rings), which joins the end of the line. The scorer
# is busy all the time, with ghosts. This is a **metastable failure**: the trigger is gone, and the outage feeds
# itself.
#
# How many attempts does one call make when all fail? Three retries make four, and every layer that retries
# multiplies:

# %%
from dsys_lab.laws import attempts_per_call

[attempts_per_call(1.0, 3), attempts_per_call(1.0, 2, layers=5)]

# %% [markdown]
# What helps? Take the calls made late in each run, when the spike is long over: how many of them were answered in
# time?

# %%
cures = {
    "no retries": retry_storm(retries=0),
    "3 retries": storm,
    "3, full jitter": retry_storm(backoff="full_jitter"),
    "3, budget of 10%": retry_storm(budget=0.1),
    "3, room for 8 only": retry_storm(policy="drop_newest", capacity=8),
}
goodput = {name: late_goodput(run)[1] for name, run in cures.items()}
charts.bars(goodput, title="Long after the spike", unit="in time, a second", references={"calls": late_goodput(storm)[0]})

# %% [markdown]
# Jitter spreads the retries out in time, but there are as many of them: it does not heal. What heals is *fewer*
# retries (a budget of one for ten first attempts), or a queue so short that whoever gets in is served in time. And at
# 80% load no spike is needed at all; try the slider.

# %%
player(
    retry_storm,
    compare={"retries": (0, 3)},
    utilisation=(0.3, 0.95),
    spike=(1.0, 5.0),
    policy=["unbounded", "drop_newest", "reject"],
)

# %% [markdown]
# ### 5. Where does the queue go?
#
# Three stages in a row, each slower than the one before, and 20 a second come in. Without limits the queue is before
# the last stage. Now give each stage **credit**: it may hand on only what the next has lent it room for.

# %%
from dsys_lab.scenarios.not_consumed_in_time import pipeline

player(pipeline, compare={"window": (None, 5)})

# %% [markdown]
# The queue has left the system: no inbox grows beyond its window (the lamp *bounded depth* watches it), and the
# source feels the slowest stage. It must stand still, and so it offers only half as much. The throughput is the same,
# for it is the slowest stage's. How long did the source and the stages stand, in seconds, all together?

# %%
outcome(pipeline(window=None)).stood_s, outcome(pipeline(window=5)).stood_s

# %% [markdown]
# ### 6. Who gets how much?
#
# A gate lets 50 a second through; one tenant wants 50, the other 20. Without control each gets in proportion to what
# it asks, and the greedy one wins. A token bucket holds each to half of the limit. But what if nobody knows the
# limit? Then senders can feel for it: a little more while all goes well (*additive increase*), half at the first
# refusal (*multiplicative decrease*):

# %%
from dsys_lab.scenarios.not_consumed_in_time import fair_shares, passed_a_second

controls = ("none", "token_bucket", "aimd", "aiad")
shares = {control: fair_shares(control=control, greedy_rate=50, until_s=80) for control in controls}
pd.DataFrame({control: passed_a_second(run, from_s=40) for control, run in shares.items()}).round(1).T

# %%
player(shares["aimd"], shares["aiad"])

# %% [markdown]
# Halving shrinks the difference between the two each time, so they end up equal, and the price is a quarter of the
# limit (they swing between half of it and all of it: 3/4 on average). With a *subtraction* instead (`aiad`) the
# difference of 30 stays for ever. The saw-tooth of `aimd` is how TCP shares the internet.

# %% [markdown]
# ### 7. Fresh or old first?
#
# Overload that lasts: 15 a second for a scorer of 10, and an answer is worth something for 2 s only. Whom do you
# serve?

# %%
from dsys_lab.laws import in_time_most
from dsys_lab.scenarios.not_consumed_in_time import fresh_or_old
from dsys_lab.trace import in_time_share

disciplines = {
    "oldest first": fresh_or_old(policy="unbounded"),
    "newest first": fresh_or_old(policy="lifo"),
    "drop the late": fresh_or_old(policy="deadline"),
    "drop the nearly late": fresh_or_old(policy="deadline", margin_s=0.5),
}
in_time = {name: in_time_share(run, deadline_s=2) for name, run in disciplines.items()}
charts.bars(in_time, title="Served in time", unit="share of what came in", references={"the most": in_time_most(1.5)})

# %% [markdown]
# The polite line serves nearly nobody in time: everyone who reaches the front is already late. Dropping what *is*
# late helps less than one hopes, for what is served then is nearly late, and finishes late. **Drop when too little
# time is left, not when none is.**

# %% [markdown]
# ## Break it
#
# Stop the scorer for five seconds while the burst is on. Nothing is lost under `unbounded`; but look how much later
# all is well again. (The lamps at the top right are the invariants of the run, held against its rows; a red one jumps
# to the row that broke it.)

# %%
pause = {"do": "slow", "target": "scorer", "at_s": 30, "lasts_s": 5, "value": 0}
player(burst(policy="unbounded"), burst(policy="unbounded", faults=[pause]))

# %% [markdown]
# Now crash the inbox. What waited was in memory, and every night of it is a `drop` row with its reason: a loss with a
# name. A buffer that survives this must write before it says yes; that is lab 16.

# %%
crash = {"do": "crash", "target": "inbox", "at_s": 45, "lasts_s": 3}
broken = burst(policy="unbounded", faults=[crash])
outcome(broken).lost

# %%
broken.sql("select kind, why, count(*) as n from trace where why is not null group by all order by n desc")

# %% [markdown]
# Last, cut the network between senders and inbox for eight seconds, in calm weather and without any spike, while
# clients try again up to five times. When the network heals, everybody who was cut off tries once more, at nearly the
# same time: the *thundering herd*. On the right, retries have a budget of one for ten first attempts.

# %%
cut = {"do": "split", "target": "wearables", "at_s": 30, "lasts_s": 8}
calm = {"spike": 1, "utilisation": 0.55, "retries": 5, "faults": [cut]}
herd, tamed = retry_storm(**calm), retry_storm(**calm, budget=0.1)
player(herd, tamed)

# %%
[late_goodput(retry_storm(**calm, seed=seed))[1] for seed in range(1, 6)]

# %% [markdown]
# Eight seconds of a cut cable, and under every one of these seeds no call is answered in time ever after. It was not
# the cut that broke the system, but the retries that waited behind it.
#
# Break it yourself: stop any picture, press **G**, and crash, slow, split, lose or duplicate right at the cursor. The
# run is made again with the same luck and that one fault, before and after side by side. And when a run is worth
# showing around, share it: this line makes it again, anywhere.

# %%
from dsys_lab.lessons import reproduce, share

link = share(broken)
link

# %%
again = reproduce(link.address)
again.digest() == broken.digest()

# %% [markdown]
# ## Measure
#
# All of the above was our model. Now a real broker: NATS, a server started from its wheel, on this machine, for this
# notebook. A JetStream stream with 50 places and `discard: old` should be our `drop_oldest`; with `discard: new` it
# should refuse, as our `reject` does. Both get the same orders: four messages in, one out, 200 in all, and then the
# rest.

# %%
from dsys_lab.engines.nats import DIFFERENCES, jetstream_overflow, slow_subscriber
from dsys_lab.scenarios.not_consumed_in_time import drill

real = {policy: jetstream_overflow(policy=policy) for policy in ("unbounded", "drop_oldest", "reject")}
model = {policy: drill(policy=policy) for policy in real}

# %% [markdown]
# Is it the same story, row for row, which message was kept, dropped, refused, and in which order?

# %%
{policy: [row[2:5] for row in model[policy]] == [row[2:5] for row in real[policy]] for policy in real}

# %%
charts.outcomes(*real.values(), title="What the real broker did")

# %% [markdown]
# It is. The engine's trace has the same vocabulary, so the same player shows it and the same lamps watch it. Real
# time is microseconds, too fast for eyes, so both play in slow motion:

# %%
from dsys_lab.trace import in_slow_motion

player(in_slow_motion(model["drop_oldest"]), in_slow_motion(real["drop_oldest"]))

# %% [markdown]
# Without JetStream NATS keeps nothing. A subscriber of *core* NATS that is too slow loses what does not fit into its
# client's buffer, and the publisher never hears of it. 500 messages, 50 may be pending:

# %%
slow = slow_subscriber(pending_limit=50, messages=500)
outcome(slow).done, outcome(slow).lost

# %% [markdown]
# Fifty-one, not fifty: the one more was in the handler's hand. Such differences are what a real engine is for. All
# that we know of:

# %%
from dsys_lab.lessons import differences

differences(DIFFERENCES)

# %% [markdown]
# And the price of a real server: both carried out the same orders, row for row, so their times may be compared. On
# your machine the real one, with a network and a file, takes this many times as long:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.lessons import measured

ours, theirs = interleaved(drill, jetstream_overflow, rounds=5)
ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
measured(ratios, "times the model's time", usually="a hundred times the model's time, and more")

# %% [markdown]
# And where do real systems set in with one of the three answers, if nobody sets them otherwise? Figures with their
# dates:

# %%
from dsys_lab.lessons import facts

facts(
    "jetstream_max_ack_pending",
    "nats_client_pending_messages",
    "sqs_retention_default",
    "kinesis_shard_write_records",
)

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | every message must be worked on, some time | a **durable** queue, and scale the workers by the *age* of the oldest | that age; retention deletes silently in the end |
# | only the latest is worth anything (positions, metrics) | `drop_oldest`, small | how many were dropped |
# | somebody waits for the answer | a short queue, then `reject`; deadlines that travel with the request | goodput, not throughput |
# | the producer can wait (a batch job, a file) | `block`, or credit | how long it stands still |
# | some messages matter more | priorities, or a queue of its own for them | the least important ones: do they ever get through? |
#
# And whatever you choose: **bound every queue**, give every retry a **budget**, and let refusals be cheap.

# %% [markdown]
# ## Exercises

# %%
exercise("13/drain_time")

# %%
def drain_time(burst_rate, rate, service_rate, burst_s):
    ...


exercise("13/drain_time", drain_time)

# %%
exercise("13/overflow")

# %%
def overflow(waiting, newcomer, capacity, chance):
    ...


exercise("13/overflow", overflow)

# %%
exercise("13/storm_proof")

# %%
def storm_proof():
    ...


exercise("13/storm_proof", storm_proof)

# %% [markdown]
# **Design question.** A receiver of web-hooks, a payment call, an agent that ships metrics: which of the three
# answers for each, and who is told?

# %%
exercise("13/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, "Messaging systems".
# - Little, "A proof for the queuing formula L = λW", *Operations Research* 1961. Kleinrock, *Queueing Systems* vol.
#   1.
# - Bronson et al., "Metastable failures in distributed systems", HotOS 2021.
# - Brooker, "Exponential backoff and jitter", AWS Architecture Blog 2015; *Site Reliability Engineering*, ch. 21 and
#   22.
# - Floyd and Jacobson, "Random early detection gateways", 1993. Chiu and Jain, "Analysis of the increase and decrease
#   algorithms", 1989. Maurer, "Fail at scale", *ACM Queue* 2015 (adaptive LIFO).
# - NATS documentation, *JetStream: streams, limits and discard policy*; *Slow consumers*.
#
# Beyond one machine: load balancers with concurrency limits, autoscaling (is it faster than the burst?), a queue for
# each tenant, circuit breakers.
