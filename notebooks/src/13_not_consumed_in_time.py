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
#
# *In a hurry:* By hand, experiments 1, 2 and 4 of Play, and [Choose](#Choose).

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
# You have seen these twenty seconds in lab 00. This time look at what each side pays. On the left the inbox takes
# everyone (`unbounded`); on the right it has 50 places and, when they are taken, lets the oldest go for the newest
# (`drop_oldest`).
#
# Press **space**. Each disc is one night: it travels from the wearables to the inbox, waits in the tray, is scored,
# and leaves with a green tick. The bar below each picture is the *conservation ledger*: every night that was offered
# is somewhere. Click a disc to follow it for life; press **-** to slow down, and **?** for all keys.

# %%
from dsys_lab.scenarios.not_consumed_in_time import burst

player(burst, compare={"policy": ("unbounded", "drop_oldest")}, until_s=330)

# %% [markdown]
# On the left nothing is lost, and yet everybody pays: long after the burst each night still waits behind hundreds of
# others. On the right some nights are gone (the vermillion crosses), and those that got in are scored within seconds.
#
# The lamps above each lane hold what should be true of the run against its rows. *conservation*: every night that was
# offered is in exactly one account of the bar. *depth adds up*: the inbox says the number that its own rows add up
# to. *nothing lost* and *important kept* go red where a policy gives something up, and count it. (One night in ten is
# marked "high", for somebody waits for it at breakfast.) Below each time line the rows that broke an invariant are
# marked; a red lamp jumps to the first.

# %% [markdown]
# ## By hand
#
# No simulation is needed for the size of it. In the burst more comes in than goes out, so what waits grows by the
# difference, for as long as the burst lasts:

# %%
from dsys_lab.laws import backlog, drain_s

backlog(arrival_rate=30, service_rate=10, seconds=20)

# %% [markdown]
# After the burst 8 a second still come in, so only the remaining two a second of the scorer eat into the backlog. It is
# the drain of lab 01, experiment 2:

# %%
drain_s(waiting=400, arrival_rate=8, service_rate=10)

# %% [markdown]
# Twenty seconds of overload, and two hundred to get over it: **a system recovers at the speed of its spare capacity**.
# What the law leaves out is chance. Count both, in runs of six seeds that go on long enough to see the end: how many
# waited at most, and for how many seconds after the burst somebody waited.

# %%
import pandas as pd

from dsys_lab.scenarios.not_consumed_in_time.counts import drained_after_s
from dsys_lab.trace import outcome

runs = [burst(until_s=400, seed=seed) for seed in range(1, 7)]
drained = [drained_after_s(run) for run in runs]
told = {
    "waited at most, nights": [outcome(run).deepest for run in runs],
    "somebody waited for, s": [round(seconds) for seconds in drained],
}
pd.DataFrame(told, index=[f"seed {seed}" for seed in range(1, 7)]).T

# %% [markdown]
# The law treats nights as a fluid; a run draws each gap by chance. The depth is near the law every time. The time to
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
# Write down what you believe before you see it: here, and at the head of every experiment. A prediction that turns
# out wrong teaches more than ten figures that you nodded at.
#
# Forget the burst for a moment: nights come in at random at a steady rate, and there is one scorer. It is sometimes
# idle and sometimes has a line before it, by chance alone.

# %%
wait_at_95 = predict(
    "13/wait-at-95",
    "A scorer that is busy 50% of the time keeps a night for 0.2 s on average, "
    "waiting and scoring together. How many times longer at 95%?",
    between=(1, 100),
    unit="times",
)
wait_at_95

# %% [markdown]
# ## Play
#
# ### 1. How busy may a scorer be?
#
# How long a night is in the system depends on how busy the scorer is, and on how much the *scoring times* vary: all
# the same (`constant`), as random as the gaps between arrivals (`exponential`), or mostly short with one in ten very
# long (`heavy`). The mean is 0.1 s in all three. Near saturation a queue forgets slowly, so the busier the scorer,
# the more nights are counted; this takes some seconds.

# %%
from dsys_lab.scenarios.not_consumed_in_time.counts import law_of_waits, waits
from dsys_lab.views import charts

shapes = ("constant", "exponential", "heavy")
counted = {
    shape: waits(0.3, 0.5, 0.7, 0.8, 0.9, service_shape=shape) for shape in shapes
}
(half,), (busy,) = waits(0.5), waits(0.95, customers=40)

# %%
wait_at_95.reveal(
    busy[1] / half[1],
    law=law_of_waits("exponential")(0.95) / law_of_waits("exponential")(0.5),
    standard_error=busy[2] / half[1],
    why="What is left over shrinks from 50% to 5%, and the line grows as it shrinks.",
    show=charts.hockey_stick(
        counted,
        laws={shape: law_of_waits(shape) for shape in shapes},
        title="How long a night is in the system",
    ),
)

# %% [markdown]
# In the chart dots were counted, means over eight seeds, each once its line was as long as it gets; the bar shows
# three standard errors, within which the true mean lies nearly always. Dashed is the law of Pollaczek and Khinchine.
# Two things to take away: the curve is nearly flat until it is not, and **variety** of the work is as bad as more of
# it. "80% used" does not mean that 20% are to spare.

# %% [markdown]
# ### 2. One burst, five bills
#
# The burst again, under five policies and the same luck. `unbounded` takes everyone. The others have 50 places, and
# when these are taken: `drop_newest` loses the newcomer, `drop_oldest` loses the one at the head of the line, under
# `block` the wearables must wait, and `reject` tells them no.

# %%
fresher = predict(
    "13/fresher-tail",
    "`drop_newest` and `drop_oldest` lose the same number of nights. Of those that "
    "are scored, 99 in 100 are scored within some seconds. Under which are these "
    "fewer?",
    choices=["drop_newest", "drop_oldest", "about the same"],
)
fresher

# %% [markdown]
# In the table that comes with the answer, `p50_s` is the time within which half of the scored nights were scored,
# `p99_s` that of 99 in 100, `deepest` the most that waited at once, and `stood_s` for how many seconds the wearables
# had to stand still. (These runs let the last night come at 120 s.)

# %%
from dsys_lab.scenarios.not_consumed_in_time.counts import sooner

# %%
policies = ("unbounded", "drop_newest", "drop_oldest", "block", "reject")
answers = {policy: burst(policy=policy) for policy in policies}
fresher.reveal(
    sooner(answers["drop_newest"], answers["drop_oldest"]),
    why="The scorer can do no more, but what waits before it is newer.",
    show=(
        pd.DataFrame(map(outcome, answers.values())).set_index("title"),
        charts.outcomes(*answers.values()),
    ),
)

# %% [markdown]
# Read the table as a bill. `unbounded` loses nothing, and the typical night waits long. Under `block` nothing is
# lost, and fewer nights were *offered*: the wearables stood still, and their owners looked at a spinning wheel.
# `reject` loses as many as those that drop, but those who are lost are told at once.
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
# A bigger buffer loses less. How much less is each place worth? The scorer is busy 90% of the time now, no burst, and
# who finds all places taken is lost.

# %%
room = predict(
    "13/room-for-twenty",
    "With 2 places, the one in service included, three in ten find no room. Of 1,000, "
    "how many find none with 20 places?",
    between=(0, 300),
    unit="of 1,000",
)
room

# %%
from dsys_lab.laws import mm1k_blocking
from dsys_lab.scenarios.not_consumed_in_time.counts import losses

# %%
places = (2, 3, 5, 10, 15, 20, 30)
lost = dict(zip(places, losses(*places), strict=True))
room.reveal(
    1000 * lost[20][1],
    law=1000 * mm1k_blocking(0.9, 20),
    standard_error=1000 * lost[20][2],
    why="Long lines are rare: each place helps less than the one before.",
    show=charts.against_law(
        {"share lost": list(lost.values())},
        laws={"share lost": lambda k: mm1k_blocking(0.9, round(k))},
        title="How much room is enough?",
        x="places, the one in service included",
        y="share that finds no room",
        whole_x=True,
    ),
)

# %% [markdown]
# And when more comes in than can be done *for good*, here 12 a second for a scorer of 10? The share lost with 10, 50
# and 1,000 places:

# %%
[round(mm1k_blocking(1.2, capacity), 3) for capacity in (10, 50, 1000)]

# %% [markdown]
# Then no buffer helps at all: it only decides how late the loss begins.

# %% [markdown]
# ### 4. Clients that try again
#
# So far a night that was not scored in time was simply late. Now somebody waits for the answer: each sender waits 1 s
# and then sends a second copy, up to three of them, as any HTTP client with retries does. The scorer cannot know that
# a sender has left. It is half busy, with five calls a second; only from 30 s to 40 s three times as many come.

# %%
after_the_spike = predict(
    "13/after-the-spike",
    "The scorer is half busy; from 30 s to 40 s three times as much comes in. Clients "
    "wait 1 s for their answer and then try again, up to three times. Draw the "
    "answers that come in time, a second.",
    curve={"x": (0, 120, "s"), "y": (0, 12, "answers in time a second")},
)
after_the_spike

# %%
from dsys_lab.scenarios.not_consumed_in_time import retry_storm
from dsys_lab.trace import gauge

calm, storm = retry_storm(retries=0), retry_storm(retries=3)

# %%
after_the_spike.reveal(
    gauge(storm, "goodput"),
    why="It never comes back: the backlog is longer than anybody waits, so each call "
    "is given up before its turn, and its next copy joins the end of the line.",
    show=player(calm, storm, titles=("nobody tries again", "up to 3 retries")),
)

# %% [markdown]
# Same luck on both sides. The ledger counts *attempts*, for each of them costs work: a call that is tried four times
# stands in it four times (copies have an orange ring). An attempt is **done**, with a green tick, when its caller
# still waits for the answer. It may come too late all the same, when the caller leaves while it is on its way. It has
# **expired**, with a cross, when it was worked on for nobody: a *ghost*. The lamp *answered in time* counts the calls
# that were given up; *sends settle* watches that every copy on the network arrives or is lost. In numbers:

# %%
from dsys_lab.scenarios.not_consumed_in_time.counts import calls_and_attempts

both = {"no retries": calm, "3 retries": storm}
pd.DataFrame({name: calls_and_attempts(run) for name, run in both.items()})

# %% [markdown]
# The scorer is busy all the time, with ghosts. This is a **metastable failure**: the trigger is gone, and the outage
# feeds itself.
#
# How many attempts does one call make when all fail? Three retries make four, and every layer that retries
# multiplies; here five layers, two retries in each:

# %%
from dsys_lab.laws import attempts_per_call

attempts_per_call(1.0, retries=3), attempts_per_call(1.0, retries=2, layers=5)

# %% [markdown]
# What helps? Three cures are often named. *Full jitter*: before each retry wait for a random time, longer and longer,
# so that not all come at once. A *budget*: one retry for ten first attempts, and no more. A *short queue*: room for 8
# and who finds it full is lost. Take the calls made late in each run, when the spike is long over: how many of them
# were answered in time?

# %%
no_cure = predict(
    "13/no-cure",
    "Three cures for the same system, with three retries. Which one does not bring it "
    "back?",
    choices=["full jitter", "budget of 10%", "room for 8 only"],
)
no_cure

# %%
from dsys_lab.scenarios.not_consumed_in_time.counts import late_goodput

cures = {
    "full jitter": retry_storm(backoff="full_jitter"),
    "budget of 10%": retry_storm(budget=0.1),
    "room for 8 only": retry_storm(policy="drop_newest", capacity=8),
}
tried = {"no retries": calm, "3 retries": storm, **cures}
goodput = {name: late_goodput(run)[1] for name, run in tried.items()}
no_cure.reveal(
    min(cures, key=goodput.get),
    why="Jitter spreads the retries out in time, but there are as many of them.",
    show=charts.bars(
        goodput,
        title="Long after the spike",
        unit="in time, a second",
        references={"calls": late_goodput(storm)[0]},
    ),
)

# %% [markdown]
# In the storm of lab 09 jitter helped: there sixty came once, and the partition had room for them in the seconds after.
# Here more copies come than can be done, and spreading them makes them no fewer. What heals is *fewer* retries, or a
# queue so short that whoever gets in is served in time. And the busier the system is, the smaller the spike that it
# takes; with the first slider at 80%, is one needed at all?

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
# Real work passes through several hands. Three stages in a row, each slower than the one before: 30, 20 and 10 a
# second, and 20 a second come in. Without limits the queue is before the last stage. Now give each stage **credit**:
# it may hand on only what the next has lent it room for, five nights at a time.

# %%
credit = predict(
    "13/credit",
    "With credit no line is longer than five, and stages stand still while the next "
    "is full. How many nights are scored in a minute, compared with no limits?",
    choices=["fewer", "about as many", "more"],
)
credit

# %%
from dsys_lab.scenarios.not_consumed_in_time import pipeline
from dsys_lab.scenarios.not_consumed_in_time.counts import more_done

free, held = pipeline(window=None), pipeline(window=5)

# %%
credit.reveal(
    more_done(held, free),
    why="The slowest stage sets the pace, and it is never idle in either.",
    show=player(free, held),
)

# %% [markdown]
# With credit the queue has left the system: no inbox grows beyond its window (the lamp *bounded depth* watches it),
# and the source feels the slowest stage. It must stand still, and so it offers less. For how many seconds did the
# source and the stages stand, all together, without credit and with it? And how many nights were offered?

# %%
sides = {"without credit": outcome(free), "with credit": outcome(held)}
charts.bars(
    {name: one.stood_s for name, one in sides.items()},
    title="Stood still, all together",
    unit="s",
)

# %%
charts.bars(
    {name: one.offered for name, one in sides.items()},
    title="Nights that were offered",
    unit="nights",
)

# %% [markdown]
# ### 6. Who gets how much?
#
# Whom does a throttle hit? A gate lets 50 a second through; a greedy tenant wants 50, a modest one 20. Without control
# each gets in proportion to what it asks. A *token bucket* (the tubes of labs 07 and 09) holds each to half of the
# limit. But what if nobody knows the limit? Then senders can feel for it: one a second more in each second in which all
# goes well, and less at the first refusal. How much less? `aimd` halves (*additive increase, multiplicative decrease*),
# `aiad` takes one off.

# %%
fair = predict(
    "13/fair-shares",
    "Both tenants start at what they want, 50 and 20, and feel for the limit. Under "
    "which rule do they end up with about the same share?",
    choices=["both", "only when they halve", "only when they take one off", "neither"],
)
fair

# %%
from dsys_lab.scenarios.not_consumed_in_time import fair_shares
from dsys_lab.scenarios.not_consumed_in_time.counts import equal_under, passed_a_second

# %%
controls = ("none", "token_bucket", "aimd", "aiad")
gates = {
    control: fair_shares(control=control, greedy_rate=50, until_s=80)
    for control in controls
}
shares = {name: passed_a_second(run, from_s=40) for name, run in gates.items()}
fair.reveal(
    equal_under(shares),
    why="Halving halves the difference, too; taking one off leaves it as it is.",
    show=(pd.DataFrame(shares).round(1).T, player(gates["aimd"], gates["aiad"])),
)

# %% [markdown]
# The table says what each got through the gate, a second; *tenant-a* is the greedy one. Equality has its price: those
# who halve swing between half of the limit and all of it, and use 3/4 on average. Their saw-tooth is how TCP shares the
# internet.

# %% [markdown]
# ### 7. Fresh or old first?
#
# Overload that lasts: 15 a second for a scorer of 10, and an answer is worth something for 2 s only. At most two
# thirds can be served in time, whoever goes first. Whom do you serve?

# %%
old_first = predict(
    "13/oldest-first",
    "Of 100 that come in, how many are served within 2 s when the oldest goes first, "
    "as in any polite line?",
    between=(0, 66),
    unit="of 100",
)
old_first

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

# %%
old_first.reveal(
    100 * in_time["oldest first"],
    why="Everyone who reaches the front is already late.",
    show=charts.bars(
        in_time,
        title="Served in time",
        unit="share of what came in",
        references={"the most": in_time_most(1.5)},
    ),
)

# %% [markdown]
# Dropping what *is* late helps less than one hopes, for what is served then is nearly late, and finishes late. **Drop
# when too little time is left, not when none is.**

# %% [markdown]
# ## Break it
#
# ### A pause
#
# A scorer that collects its garbage, or moves to another machine, stands still for some seconds. Nothing is lost
# under `unbounded`. What does it cost?

# %%
pause_costs = predict(
    "13/pause",
    "The scorer stands still for 5 s in the middle of the burst. How much later is "
    "the backlog gone?",
    between=(0, 60),
    unit="s",
)
pause_costs

# %%
from statistics import fmean, stdev

pause = {"do": "slow", "target": "scorer", "at_s": 30, "lasts_s": 5, "value": 0}
paused = [burst(until_s=400, seed=seed, faults=[pause]) for seed in range(1, 7)]
later = [drained_after_s(b) - a for a, b in zip(drained, paused, strict=True)]
pause_costs.reveal(
    fmean(later),
    law=drain_s(waiting=5 * 10, arrival_rate=8, service_rate=10),
    standard_error=stdev(later) / len(later) ** 0.5,
    why="What the scorer did not do in 5 s is worked off at its spare two a second.",
    show=player(runs[0], paused[0], titles=("no pause", "5 s of pause")),
)

# %% [markdown]
# ### A crash
#
# Now crash the inbox for three seconds. What waited was in memory:

# %%
from dsys_lab.scenarios.not_consumed_in_time.counts import lost_by

crash = {"do": "crash", "target": "inbox", "at_s": 45, "lasts_s": 3}
broken = burst(faults=[crash])
why = charts.bars(lost_by(broken), title="Why are nights lost?", unit="nights")
print(f"{outcome(broken).lost} nights are lost")
why

# %% [markdown]
# Every lost night is a row with its reason: those that waited, and those that came while nobody was there. A loss
# with a name. A buffer that survives this must write before it says yes; that is lab 16.
#
# ### A cut cable
#
# Last, cut the network between senders and inbox for eight seconds, in calm weather and without any spike, while
# clients try again up to five times. When the network heals, everybody who was cut off tries once more, at nearly the
# same time: a *thundering herd* again (in lab 03 it came for one cache entry). On the right, retries have a budget of one
# for ten first attempts.

# %%
cut = {"do": "split", "target": "wearables", "at_s": 30, "lasts_s": 8}
quiet = {"spike": 1, "utilisation": 0.55, "retries": 5, "faults": [cut]}
herd, tamed = retry_storm(**quiet), retry_storm(**quiet, budget=0.1)
player(herd, tamed, titles=("5 retries, no budget", "5 retries, budget of 10%"))

# %% [markdown]
# One seed may have bad luck. Five of them without a budget, long after the cut:

# %%
late = [late_goodput(retry_storm(**quiet, seed=seed)) for seed in range(1, 6)]
answered = sum(answers > 0 for _, answers in late)
print(f"with {answered} of {len(late)} seeds an answer comes in time")

# %% [markdown]
# It was not the cut that broke the system, but the retries that waited behind it.
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

same = ("unbounded", "drop_oldest", "reject")
real = {policy: jetstream_overflow(policy=policy) for policy in same}
model = {policy: drill(policy=policy) for policy in real}

# %% [markdown]
# Is it the same story, row for row, which message was kept, dropped, refused, and in which order?

# %%
from dsys_lab.scenarios.not_consumed_in_time.counts import story

alike = [story(model[policy]) == story(real[policy]) for policy in real]
print(f"the same story under {sum(alike)} of {len(alike)} policies")

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
# One more than may be pending: it was in the handler's hand. Such differences are what a real engine is for. All
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
measured(
    ratios,
    "times the model's time",
    usually="a hundred times the model's time, and more",
)

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
# ## On real data
#
# On 8 February 2013 a blizzard came over New York. The airport of Newark (EWR) sent off its last flight that
# afternoon and the next one on the next day, while the flights kept falling due by the schedule. That is our inbox, with
# real arrivals: the *gates* are the buffer, the *runway* serves, and in its busiest hour of the year it shows what it
# can do. Which of the three answers would you give?

# %%
from dsys_lab.scenarios.not_consumed_in_time.closed_airport import departures, shut

blizzard = shut("EWR")
print(f"Nobody left for {blizzard['lasts_s'] / 3600:.1f} hours.")

# %%
cleared = predict(
    "13/blizzard",
    "Had no flight been cancelled, how many hours after the runway opened again would "
    "the last of those that waited have left?",
    between=(0, 48),
    unit="hours",
)
cleared

# %%
from dsys_lab.scenarios.not_consumed_in_time.closed_airport import bill, fluid_h
from dsys_lab.scenarios.not_consumed_in_time.counts import cleared_after_h

# %%
waiting = departures(policy="unbounded", faults=[blizzard])
fresh = departures(policy="drop_oldest", faults=[blizzard])
cleared.reveal(
    cleared_after_h(waiting),
    law=fluid_h("EWR"),
    why="By the law: what fell due meanwhile, over what the runway has to spare.",
    show=player(waiting, fresh, titles=("nobody is cancelled", "room for 20")),
)

# %% [markdown]
# And what did they do? The last row is counted from the data: the hours are those that a flight left after its time.

# %%
both = {"nobody is cancelled": waiting, "room for 20": fresh}
pd.DataFrame(bill(both)).set_index("answer")

# %% [markdown]
# They lost the oldest, and what they kept was fresh: half of it left nearly on time. It cost more than the runway
# asked for, since planes and crews were elsewhere, which our model leaves out. Buffering would have cancelled nobody,
# and made each passenger of the blizzard wait for most of a day.

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
def drain_time(burst_rate, rate, service_rate, burst_s): ...


exercise("13/drain_time", drain_time)

# %%
exercise("13/overflow")


# %%
def overflow(waiting, newcomer, capacity, chance): ...


exercise("13/overflow", overflow)

# %%
exercise("13/storm_proof")


# %%
def storm_proof(): ...


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
