# %% [markdown]
# # Missed messages
#
# <!-- binder --><!-- /binder -->
#
# *A message that is missed makes no noise. Where do they go, who notices, how soon, and what brings them back?*

# %% [markdown]
# ## Question
#
# The wearables of *Slumber*'s sleepers send **pings**: one number now and then, all night. Each ping goes a long way: from
# a phone to a topic, through a small buffer, into a log, to a reader that adds it to the sleeper's night. In the morning
# a sleeper asks why an hour of her night is empty. Nobody has seen an error.
#
# At how many places of that way can a ping be lost without a word? How would anybody know that there *was* one? And what
# brings it back?
#
# *In a hurry:* Picture, By hand, experiments 3 and 5 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
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
notes("What happens when a message is missed")

# %% [markdown]
# Nothing stands there yet. Here is what we would put, in three sentences:
#
# > *What happens when a message is missed: nothing, and that is the trouble; it can leave the way at six places, and at
# > most of them nobody is told. Number what you send, let the sender say its last number (a heartbeat), and compare both
# > ends now and then: so a gap is seen, also at the end. Then send again, replay or patch, and give every effect a key, so
# > that doing it twice does no harm.*

# %% [markdown]
# ## Picture
#
# The whole way, as a pipe with six **taps**. The phone **publishes** pings to the topic `pings`, which answers it and
# hands a copy to the `gate`, a small buffer; the gate feeds the `log`, and the `reader` takes **pages** from it, a few
# pings at once, carries each out, and moves its **position**, the mark up to which it has **acknowledged** (the caret
# under the log). *Acknowledge* stands here for all that says "I have it": to publish again no more, or to move a position
# on. Kafka calls the latter to *commit* an offset, Kinesis' client library a *checkpoint*; a worker of SQS *deletes* the
# message, one of NATS sends an *ack*.
#
# | tap | open | closed |
# |---|---|---|
# | 1 gives up | the phone waits a second for its answer, once | it tries again until it has one |
# | 2 unheard | for three seconds the gate is not subscribed to the topic | it always is |
# | 3 overflow | four pings may wait at the gate, and sixteen come at once | there is room for a thousand |
# | 4 too old | the log keeps a ping for eight seconds (its **retention**), and the reader is slow for eighteen | it keeps them for an hour |
# | 5 ack first | the reader acknowledges a page before it begins with it, and crashes | it acknowledges behind the page |
# | 6 skipped | a ping that cannot be carried out (**poison**, by a bug) is skipped | it is set aside, where it can be seen |
#
# All six are open. Where a ping is lost, it leaves an **outline**: dashed and red as long as nobody knows of it; black
# once somebody does, with the seconds that it took; and green when the ping has come after all. The three strips count
# them. (*Lost* in the head of the picture is something else: copies that a link or a buffer let go, of which another may have
# come. And what nobody will ever ask for is not lost there, it is stored: only its outline says that it is missed.) In the
# first run nobody watches; in the second somebody does, and asks the phone to send again; what that sends
# meets the same links, so the losses are not quite the same. (How they know is
# experiment 3. The discs called *beat* are part of it.)
#
# Press **space**; click a disc and it is followed for life, and **?** shows all keys.

# %%
from dsys_lab.scenarios.missed_messages import path

watched_by = {"nobody": path(detector="nobody"), "an audit": path(repair="resend")}
player(watched_by["nobody"], titles=("six open taps, and nobody watches",))

# %%
player(watched_by["an audit"], titles=("the same, watched, and sent again",))

# %% [markdown]
# How many went by each tap, how many of them are known at the end, and how many are there again?

# %%
from dsys_lab.scenarios.missed_messages.counts import taps

taps(watched_by)

# %% [markdown]
# And what does the way itself say? For each tap what one of its systems wrote down, if any did, and where. That is
# somebody's counter or log file; whether anybody reads it is another question.

# %%
from dsys_lab.scenarios.missed_messages.counts import signs

signs(watched_by["nobody"])

# %% [markdown]
# ## By hand
#
# Be the one at the far end. The phone numbers the pings of each sleeper: 1, 2, 3. You note what comes, and ask a
# detector what is missing. Of anna's, 1, 2 and 5 come:

# %%
from dsys_lab.brokers.audit import Heartbeat, SequenceGap
from dsys_lab.scenarios.missed_messages.told import listened, missing_by, silence

# %%
gaps = SequenceGap()
listened(gaps, "anna", 1, 2, 5)

# %% [markdown]
# When 5 comes, 3 and 4 are missing. If a network may deliver out of order, that is too early: 4 may still be on its way.
# So a detector is told how far things may be out of order; with `reorder=2` a number is missing once one *more than 2
# above it* has come. What does it say at 5 now, and what at 7?

# %%
listened(SequenceGap(reorder=2), "anna", 1, 2, 5, 7)

# %% [markdown]
# Now 6 is the last that anna's wearable sends, and it is lost. No 7 comes, ever: silence looks the same whether nothing
# was sent or nothing came through. So let the phone say now and then what its last number was, a **heartbeat**. At 10 s
# it says 6. (Times are microseconds. A beat that might overtake pings would need a wait, its *grace*; this one comes
# behind them on the same way, and needs none.) What do the numbers alone say is missing, and what does the beat add?

# %%
s = 1_000_000
heart = Heartbeat(gaps, every_s=5, grace_s=0)
heart.beat(10 * s, {"anna": 6})
missing_by({"the numbers alone": gaps.missing("anna"), "the beat": heart.due(10 * s)})

# %% [markdown]
# And if the phone itself is dead, or the way is cut, no beats come either. That, too, is a sign, when three in a row
# have not come:

# %%
silence(heart, 15, 20, 26)

# %% [markdown]
# Few and dear things, such as orders, need no numbers: whoever knows of each before it comes writes it into a
# **ledger** of its own (not the one under the pictures): a book of what is expected, with a deadline. Here two orders
# are expected at 0 s, each within ten seconds, and the second one comes:

# %%
from dsys_lab.brokers.audit import Ledger
from dsys_lab.scenarios.missed_messages.told import overdue

# %%
orders = Ledger(within_s=10)
orders.expect(0, "order 1")
orders.expect(0, "order 2")
orders.came(3 * s, "order 2")
overdue(orders, 5, 9, 10, 20)

# %% [markdown]
# ## Look inside
#
# Of each sleeper the detector keeps two numbers, and those in between that have come:

# %%
show_source(SequenceGap.observe)

# %% [markdown]
# A heartbeat tells it that all has been sent up to a number:

# %%
show_source(SequenceGap.all_sent)

# %% [markdown]
# So this is the life of a message that is missed:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> on_its_way : sent
#     on_its_way --> [*] : carried out
#     on_its_way --> undetected : lost, at one of six taps
#     undetected --> known : a later number, a beat, a comparison
#     undetected --> [*] : for ever, if nobody looks
#     known --> on_its_way : sent again, replayed, patched
#     known --> gone : nobody has it any more
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its own
# experiment.

# %%
tail = predict(
    "14/tail",
    "A sleeper's last ping of the night is lost. The phone says its last number every "
    "5 s. How long until the loss is known, on average?",
    between=(0, 20),
    unit="s",
)
tail

# %% [markdown]
# ## Play
#
# ### 1. Away for a moment
#
# The simplest reader hears what is published while it is there, **live**, as at a topic without a queue. It is up for 95 s
# and down for 5 s, on average. (In code, and on the slider: `mtbf_s`, the mean time between failures, and `mttr_s`, to
# repair.) Nobody keeps anything for it.

# %%
live = predict(
    "14/live",
    "A reader listens live and is down 5 s in 100. Of a thousand messages, how many "
    "does it miss?",
    between=(0, 200),
    unit="messages",
)
live

# %%
from dsys_lab.laws import missed_while_down
from dsys_lab.scenarios.missed_messages import away
from dsys_lab.scenarios.missed_messages.counts import missed_shares
from dsys_lab.views import charts

# %%
shares = missed_shares(1, 5, 20, 60)
away_for = charts.against_law(
    {"counted": shares},
    laws={"counted": lambda mttr_s: missed_while_down(95, mttr_s)},
    title="Which share of the messages is missed?",
    x="down for, s on average (up for 95)",
    y="share missed",
)

# %%
_, share, error = shares[1]
live.reveal(
    1000 * share,
    law=1000 * missed_while_down(95, 5),
    standard_error=1000 * error,
    why="They come at any time alike: it misses the share of the time that it is down.",
    show=(player(away, mttr_s=(1, 60), mtbf_s=95, seed=11), away_for),
)

# %% [markdown]
# The law behind the curve has just these two mean times: MTTR / (MTBF + MTTR). Nothing but a shorter repair makes it smaller, as long as nobody keeps anything.
#
# ### 2. With a position
#
# Now the messages lie in a log, and the reader keeps its position on disk. While it is down they wait, and then it has to
# catch up, as in lab 01, experiment 2. It can do 20 a second, 10 come, and it was down for 20 s:

# %%
from dsys_lab.laws import outage_drain_s
from dsys_lab.scenarios.missed_messages import counts

# %%
[(_, took_s, error)] = counts.catch_up_s(20)
law_s = outage_drain_s(20, 10, 20)
print(f"caught up after {took_s:.0f} s (error {error:.1f} s); law: {law_s:g} s")

# %% [markdown]
# And how many does it miss? Ten minutes with outages of the same kind and under the same luck, once live, and once from
# its position (where the phone stops a little sooner, so that the reader can catch up):

# %%
ways = "live", "from its position"
counts.heard({way: away(listens=way, until_s=600, seed=11) for way in ways})

# %% [markdown]
# That closes tap 2, and this is why one subscribes a *queue* or a *log* to a topic, and not a reader. The other taps stay
# as open as they were.
#
# ### 3. How long until somebody knows?
#
# anna's wearable sends a ping every 20 s on average, at random times. One is lost. With numbers alone:

# %%
by_numbers = predict(
    "14/by-numbers",
    "A ping every 20 s on average, numbered. How long after a ping was lost is it "
    "known, on average?",
    between=(0, 60),
    unit="s",
)
by_numbers

# %%
from dsys_lab.laws import known_by_heartbeat_s, known_by_numbers_s
from dsys_lab.scenarios.missed_messages.counts import known_after_s

# %%
known = known_after_s("rate", 0.02, 0.05, 0.1, 0.2, lost_share=0.05)
_, known_s, error = known[1]
by_numbers.reveal(
    known_s,
    law=known_by_numbers_s(0.05, lost_share=0.05),
    standard_error=error,
    why="The next ping of the same sleeper tells it. (One in twenty is lost, too.)",
    show=charts.against_law(
        {"counted": known},
        laws={"counted": lambda rate: known_by_numbers_s(rate, lost_share=0.05)},
        title="How long until a loss is known?",
        x="pings a second of a sleeper",
        y="seconds",
    ),
)

# %% [markdown]
# Who sends seldom is missed for long. Now the phone says its last number every 5 s:

# %%
with_beats = predict(
    "14/with-beats",
    "The same pings, and a heartbeat every 5 s. How long now, on average?",
    between=(0, 20),
    unit="s",
)
with_beats

# %%
from dsys_lab.scenarios.missed_messages.counts import not_known_by_law, not_known_yet

# %%
quiet = {"detector": "heartbeat", "rate": 0.05, "lost_share": 0.05}
arrive = 0.05 * (1 - 0.05)  # pings a second that can tell of another
[(_, known_s, error)] = known_after_s("heartbeat_s", 5, **quiet)
since = {"x": "seconds since a ping was lost (one in five is)", "y": "share not known"}

# %%
with_beats.reveal(
    known_s,
    law=known_by_heartbeat_s(arrive, 5),
    standard_error=error,
    why="Nearly half the beat: a ping seldom comes first.",
    show=charts.sliding(
        lambda gap_s, heartbeat_s: charts.lines(
            not_known_yet(gap_s=gap_s, heartbeat_s=heartbeat_s),
            laws=not_known_by_law(gap_s=gap_s, heartbeat_s=heartbeat_s),
            title="Which share of the losses is not known yet?",
            **since,
        ),
        at={"gap_s": 20, "heartbeat_s": 5},
        gap_s=(1, 40),
        heartbeat_s=(1, 60),
    ),
)

# %% [markdown]
# (`gap_s` is how long it is from one ping to the next, on average. For the curves more pings are lost, so that there are
# many losses to count.) The law: the next ping comes after an exponential time, the next beat after anything from 0 to *H*, and the first of the
# two tells. With *r* pings a second that arrive, it
# is on average
#
# $$\frac{1}{r} - \frac{1 - e^{-rH}}{r^2 H}$$
#
# Which brings us to the last ping of the night, the question of the whole lab: no ping comes any more, *r* is 0. Two
# hundred nights, each with its last ping lost.
#
# A third watcher joins in, a **comparison**: now and then both ends say how many pings they have of each stretch of time
# (in code: a *bucket*), and a hash over which. It needs no numbers, and it sees what two ends disagree on, whatever
# the reason.

# %%
from dsys_lab.scenarios.missed_messages.counts import tail_known_s

# %%
watchers = "numbers", "heartbeat", "comparison"
_, mean_s, error = tail_known_s("heartbeat")
tail.reveal(
    mean_s,
    law=known_by_heartbeat_s(0, 5),
    standard_error=error,
    why="Between two beats, anywhere alike. By numbers alone: never, for none follows.",
    show=charts.sliding(
        lambda which, **every: charts.lines(
            not_known_yet(*watchers, which=which, gap_s=5, **every),
            laws=not_known_by_law(*watchers, which=which, gap_s=5, **every),
            title="Which share of the losses is not known yet?",
            **since,
        ),
        at={"heartbeat_s": 5, "compare_s": 20},
        which=["the last of the night", "one in between"],
        heartbeat_s=(1, 30),
        compare_s=(5, 60, 5),
    ),
)

# %% [markdown]
# A comparison every *P* seconds knows after *P*/2 on average. But it must leave out what is still on its way, the newest,
# for as long as a ping may take: add that wait.
#
# On the path of the picture, all six taps open and nothing sent again, each of the three watches; each sleeper sends
# every 8 s. The comparison there comes every 20 s and leaves out what is younger than 30 s, for the reader is slow now
# and then. So of what was lost in the last 50 s of the run it may not know yet: that is the rest in its row. (Beats travel
# with the pings, so those that are lost are not quite the same.)

# %%
from dsys_lab.scenarios.missed_messages.counts import watched

by = {watcher: path(detector=watcher, every_s=8.0) for watcher in watchers}
watched(by)

# %%
player(
    path,
    compare={"detector": ("heartbeat", "comparison")},
    leak=["skipped", "gives up", "unheard", "overflow", "too old", "ack first"],
    heartbeat_s=(1, 20),
    reconcile_s=(5, 60, 5),
)

# %% [markdown]
# Choose a tap in the menu *leak*, and move the sliders. Whichever tap it is, the watcher is the same: it sits at the
# far end, behind the effect, and needs to know nothing of the way. A check in the middle would see only the taps
# before it.
#
# ### 4. Off the end of the log
#
# A log keeps a record for its retention, read or not. A reader that is a little too slow falls behind, further and
# further, until what it wants next is gone. It reads 80% of what comes, and records are kept for 20 s.

# %%
falls = predict(
    "14/falls-off",
    "A reader reads 80% of what comes; records are kept for 20 s. After how long does "
    "it miss the first?",
    between=(0, 300),
    unit="s",
)
falls

# %%
from dsys_lab.laws import retention_lasts_s
from dsys_lab.scenarios.missed_messages import falling_off
from dsys_lab.scenarios.missed_messages.counts import falls_off

# %%
fell = falls_off(0.1, 0.3, 0.5, 0.7, 0.8, 0.9)
off_the_end = charts.against_law(
    {"counted": fell},
    laws={"counted": lambda reads: retention_lasts_s(20, 1, reads)},
    title="When is the first one missed?",
    x="share of what comes that is read",
    y="s",
)

# %%
first_s = {reads: lost_s for reads, lost_s, _ in fell}
falls.reveal(
    first_s[0.8],
    law=retention_lasts_s(20, 1, 0.8),
    why="It falls behind by a fifth of the time, and is off when that is 20 s.",
    show=(player(falling_off, reads=(0.1, 1.0, 0.1), at={"reads": 0.8}), off_the_end),
)

# %% [markdown]
# The law is *R* / (1 − *reads*), with *R* for the retention. From then on it misses a part of everything, for ever, and
# there is no error: it asks for the next record and gets one. Only the
# number is not the next. What the strip shows, how far it is **behind**, is what one should put an alarm on.
#
# ### 5. Acknowledge, then do; or do, then acknowledge?
#
# In lab 01, experiment 5, a crash came at every step of one batch. Here it comes by chance, in a long run, just before an
# effect; and the question is which of the two a **key** can heal. The reader takes pages of ten, and moves its position
# once a page: before the first of it, or behind the last.

# %%
from dsys_lab.scenarios.missed_messages import seam
from dsys_lab.scenarios.missed_messages.counts import seams, which_is_right

# %%
orders = "acknowledge, then do", "do, then acknowledge"
runs = {order: seam(order=order) for order in orders}
player(*runs.values(), titles=orders)

# %%
seams(runs)

# %% [markdown]
# At most once, or at least once. Now let each effect have a key, and the reader look whether it was done. Which of
# the two orders does that heal?

# %%
healed = predict(
    "14/keyed",
    "Each effect has a key, and what was done is not done again. By which order is "
    "everything right now?",
    choices=["acknowledge, then do", "do, then acknowledge", "both", "neither"],
)
healed

# %%
keyed = {order: seam(order=order, keyed=True) for order in orders}
healed.reveal(
    which_is_right(keyed),
    why="So 'exactly once' is made: at least once, and an effect with a key.",
    show=seams(keyed),
)

# %% [markdown]
# ### 6. Skip, stop, or park?
#
# Some records cannot be carried out, by a bug that is mended at 70 s. Lab 04 had three ways: **skip** them; **stop**
# and try until it works; **park** them, set them aside where they can be seen, and carry them out after the mend. A
# fourth is to **park the key**: that record, and every later one of the same sleeper behind it. No record may be
# missed, those of a sleeper must be carried out in order, and as few as possible should have to wait for the mend.

# %%
with_poison = predict(
    "14/poison",
    "Nothing missed, each sleeper in order, and as few as possible waiting: which way?",
    choices=["skip", "stop", "park", "park the key"],
)
with_poison

# %%
from dsys_lab.scenarios.missed_messages import poison
from dsys_lab.scenarios.missed_messages.counts import best_way, poisoned

# %%
ways = {way: poison(poison=way) for way in ("skip", "stop", "park", "park the key")}
with_poison.reveal(
    best_way(poisoned(ways)),
    why="Only those sleepers wait who have a poisoned record.",
    show=(player(ways["stop"], ways["park the key"]), poisoned(ways)),
)

# %% [markdown]
# Each way costs something else: a loss, a standstill for all, the order, or a standstill for some of the sleepers.
#
# ### 7. What is read again?
#
# Something is missing, and it is known. The phone keeps all that it has sent. One may **replay all**; **replay the
# window** from the first that is missing to the last; **resend each key** that misses something, from its first gap on;
# or **patch**, ask for the missing ones by name. Say that one ping in seventeen is missing, scattered over the run:

# %%
in_vain = predict(
    "14/in-vain",
    "One ping in seventeen is missing, here and there. Of what a replay of the window "
    "reads again, which share was settled before?",
    between=(0, 100),
    unit="%",
)
in_vain

# %%
from dsys_lab.scenarios.missed_messages import repairs

# %%
losses = repairs.scattered_and_together()
in_vain.reveal(
    100 * repairs.repeated_share(losses["scattered"], "replay the window"),
    law=100 * (1 - 1 / 17),
    why="Between the first and the last, all but the missing ones are there.",
    show=charts.bars(
        repairs.reread_of(losses), title="How much is read again?", unit="pings"
    ),
)

# %% [markdown]
# All four bring back all that is missing. *Together* are losses as after an overflow: a window pays where an outage
# had a beginning and an end. A patch reads nothing for nothing, but one must know the ids: that is what numbers are
# for, or a comparison. And all of them are safe only because each effect has a key; without one, each ping *settled
# before* would be counted twice.
#
# How does a comparison find the ids without sending them all? By the tree of digests of lab 03. A year has some thousand
# stretches of nine hours, and one of them differs:

# %%
from dsys_lab.brokers.audit import compare_trees
from dsys_lab.laws import hashes_compared_most

# %%
ours = list(range(1_024))
theirs = [-1 if stretch == 341 else stretch for stretch in ours]
hashes, most = compare_trees(ours, theirs).compared, hashes_compared_most(1, 1_024)
print(f"{hashes} hashes of {len(ours):,} stretches (by the law {most} at most)")

# %% [markdown]
# ### 8. The keeper loses it
#
# So far readers and links failed, and whoever *kept* the messages was as good as its word. Three ways in which it is not.
#
# **A queue's retention.** A queue lends each message to a worker until one acknowledges it (lab 16), and it keeps a message
# for a while only, from when it was sent. This one keeps it for 20 s; a message comes each second; the only worker is away
# for 35 s. What was received three times in vain is set aside among the **dead letters**, where somebody can look at it.

# %%
dead_letters = predict(
    "14/dead-letters",
    "A queue keeps messages for 20 s, one comes each second, and its worker is away "
    "for 35 s. How many are neither carried out nor among the dead letters?",
    between=(0, 35),
    unit="messages",
)
dead_letters

# %%
from dsys_lab.laws import lost_at_failover, lost_to_a_jump, lost_unread
from dsys_lab.scenarios.missed_messages import failover, fast_clock, unread
from dsys_lab.scenarios.missed_messages.counts import in_neither, missed_mean

# %%
aways_s = 0, 10, 20, 35, 50
unheard_of = [(s, in_neither(unread(away_s=s)), 0) for s in aways_s]
dead_letters.reveal(
    in_neither(unread()),
    law=lost_unread(35, 20),
    why="A message that nobody received was never received in vain.",
    show=(
        player(unread, away_s=(0, 50, 5), retention_s=(5, 60, 5)),
        charts.against_law(
            {"counted": unheard_of},
            laws={"counted": lambda away_s: lost_unread(away_s, 20)},
            title="How many does nobody ever get?",
            x="away, s",
            y="messages",
        ),
    ),
)

# %% [markdown]
# **A follower without the tail.** A log lies on two machines: the **leader** takes records and gives them to readers, the
# **follower** has each of them a little later, here after 2 s. When the leader dies for good, the follower is promoted. Four
# records a second come, and the leader acknowledges each *at once*.

# %%
behind = predict(
    "14/failover",
    "Four records a second, acknowledged at once, copied 2 s later. The leader dies. "
    "How many acknowledged records does the reader never carry out?",
    between=(0, 40),
    unit="records",
)
behind

# %%
delays_s = 0.5, 1, 2, 4, 6
not_copied = [(s, in_neither(failover(delay_s=s)), 0) for s in delays_s]

# %%
behind.reveal(
    in_neither(failover()),
    law=lost_at_failover(4, 2),
    why="All that was acknowledged and not yet copied, however far the reader was.",
    show=(
        player(
            failover,
            compare={"acknowledges": ("at once", "when copied")},
            delay_s=(0.5, 6, 0.5),
        ),
        charts.against_law(
            {"counted": not_copied},
            laws={"counted": lambda delay_s: lost_at_failover(4, delay_s)},
            title="What does the death of the leader cost?",
            x="copied after, s",
            y="records",
        ),
    ),
)

# %% [markdown]
# (The strip *lacks* counts what the follower has not got yet.) Look where the outlines come from. Those at the *leader* died with it. Those at the *follower* are of a second kind: the
# reader had read on the leader beyond the follower's end, the follower gave the same numbers to other records, and the
# reader never carried those out. To acknowledge only *when copied*, and to show readers only what is copied, closes both,
# and each put waits for the copy.
#
# **A clock ahead.** A retention is counted by somebody's clock. A reader comes every 20 s and takes all there is; records
# are kept for 40 s, twice as long. Just before a visit the log's clock is set, and is 30 s ahead from then on.

# %%
clock = predict(
    "14/clock",
    "Two records a second, kept for 40 s, read every 20 s. Just before a visit the "
    "log's clock jumps 30 s ahead. How many are gone before they are read?",
    between=(0, 80),
    unit="records",
)
clock

# %%
jumps = missed_mean(fast_clock, ahead_s=(10, 20, 30, 40, 60))
_, gone, error = jumps[2]
clock.reveal(
    gone,
    law=lost_to_a_jump(30, 40, 20, rate=2),
    standard_error=error,
    why="All that is older than ten seconds is older than forty by the new clock.",
    show=(
        player(fast_clock, ahead_s=(0, 60, 5), at={"ahead_s": 30}),
        charts.against_law(
            {"counted": jumps},
            laws={"counted": lambda ahead_s: lost_to_a_jump(ahead_s, 40, 20, rate=2)},
            title="What does a jump of the clock cost?",
            x="ahead, s",
            y="records missed",
        ),
    ),
)

# %% [markdown]
# In all three the sender has its acknowledgement and the reader no error. A watcher at the far end sees each of them: it
# does not ask who lost it.

# %% [markdown]
# ## Break it
#
# **The answer is lost, not the ping.** The network between phone and topic is cut for a second. Some pings are lost on
# their way; of others only the answer is, and the phone cannot tell which. With tap 1 closed it sends them all again, and
# some come twice. What does it come to, with a reader that skips what it has done?

# %%
cut = {"do": "split", "target": "phone", "at_s": 30.0, "lasts_s": 1.0}
again = path(leak="none", faults=[cut])
counts.noticed(again)

# %% [markdown]
# **A position from elsewhere.** The reader's disk is restored from a backup, and with it its position: twenty records too
# old in the first lane, twenty too *new* in the second (somebody else's backup, or a slip of a finger). Each effect has a
# key. What becomes of it?

# %%
from dsys_lab.scenarios.missed_messages.counts import both_zero

backup = predict(
    "14/backup",
    "A position twenty records too new, and every effect has a key. What comes of it?",
    choices=["some are done again", "some are missed", "both", "neither"],
)
backup

# %%
from dsys_lab.scenarios.missed_messages import restored

old, new = restored(shift=-20), restored(shift=20)
backup.reveal(
    both_zero(new),
    why="Nobody ever asks for what lies before a position. In doubt, go back.",
    show=player(old, new, titles=("twenty too old", "twenty too new")),
)

# %% [markdown]
# (The lamp *exactly-once effect* says only that
# nothing was done twice; what is never done has an outline.)
#
# **A bound that does not hold.** The detector was told that the network keeps order (`reorder=0`), and it does not. It
# says that 2 is missing, and then 2 comes: a false alarm. It is crossed off, and counted among what *came after all*:

# %%
listened(SequenceGap(), "anna", 1, 3, 2)

# %% [markdown]
# **One is missing, and another came twice.** The phone sent a1 and a2; a1 came twice, and a2 never. Do the counts of both
# ends differ? Do the hashes over the ids?

# %%
from dsys_lab.brokers.audit import Tally
from dsys_lab.scenarios.missed_messages.told import both_ends

# %%
sends, comes = Tally(60), Tally(60)
[sends.add(0, ping) for ping in ("a1", "a2")]
[comes.add(0, ping) for ping in ("a1", "a1")]
both_ends(sends, comes, bucket=0)

# %% [markdown]
# The counts agree, the hashes do not, and only then ids are exchanged. (The hashes of the ids are added up and not combined
# by exclusive or, by which an id that comes twice cancels out.)
#
# **Nobody numbered it.** The sixth ping of the night never got a number, for the wearable's battery was empty. Nothing on
# this page sees that. Only who knows what *ought* to be there can, and that is never the way in between: the *end-to-end*
# argument.
#
# Break it yourself: stop any picture and press **G**. And share what you found:

# %%
from dsys_lab.lessons import reproduce, share

link = share(again)
link

# %%
reproduce(link.address).digest() == again.digest()

# %% [markdown]
# ## Measure
#
# Real ones. First experiment 5 on NATS JetStream: a worker in a process of its own, killed by the operating system
# between its first and its second step at the third message. Then another worker takes over. What is missed, what is done
# again?

# %%
from dsys_lab.engines.nats import killed_at_the_seam

killed = {order: killed_at_the_seam(order) for order in orders}
seams(killed)

# %%
from dsys_lab.trace import in_slow_motion

player(*map(in_slow_motion, killed.values()), titles=orders)

# %% [markdown]
# As in the model. (There the crash comes just before the effect, here between the two steps: so a page of one, which in
# the model costs nothing by the second order, costs one here.)
#
# Then experiment 4: a stream with `max_age` of one second. A consumer reads three of twelve messages and is busy for too
# long; then three more come, and it reads on.

# %%
off_the_stream = predict(
    "14/off-the-stream",
    "JetStream has let go of nine messages that a consumer had not read. What is the "
    "consumer told when it reads on?",
    choices=["an error", "nothing"],
)
off_the_stream

# %%
from dsys_lab.engines.nats import fallen_off, unheard

off = fallen_off()
off_the_stream.reveal(
    off.told,
    why="It asks for the next message and gets one; only the number is not the next.",
    show=off.table(),
)

# %% [markdown]
# `first_seq` above `ack_floor` + 1: whoever asks the server for these two numbers knows what a consumer has missed. And
# core NATS, where nobody keeps anything: how many of those are heard that are published, without an error, the first five
# while nobody is subscribed?

# %%
charts.bars(unheard(), title="Core NATS", unit="messages")

# %% [markdown]
# PostgreSQL has the same cliff. A **replication slot** is a reader's position in the server's log of changes; the server
# keeps the log from there on, but at most `max_slot_wal_keep_size` of it (here 32 MB). A reader hears three changes and
# is away for five, while the log goes on, until the slot is *lost*. Then the reader comes back and asks for the next change.

# %%
off_the_slot = predict(
    "14/lost-slot",
    "PostgreSQL has let go of the log that a reader's slot still needed. What is the "
    "reader told when it reads on?",
    choices=["an error", "nothing"],
)
off_the_slot

# %%
from dsys_lab.engines.postgres import lost_slot

slot = lost_slot()
left = {"heard": slot.heard, "missed": slot.missed, "in a snapshot": slot.snapshot}
off_the_slot.reveal(
    slot.told,
    why=f"The slot was {', then '.join(slot.states)}. {slot.said}",
    show=charts.bars(left, title="What becomes of eight changes?", unit="changes"),
)

# %% [markdown]
# The changes that were missed are gone for good. What is left to the reader is a **snapshot** of the table as it stands, and
# a new slot from there on.
#
# The snapshot has all the rows: the *state* is right again. What happened in between, in which order, and what was there
# for a moment only, it does not say.
#
# How long the real services keep what nobody reads, with the day on which the figures were read:

# %%
facts(
    "sqs_retention_default",
    "sqs_retention_max",
    "kinesis_retention_default",
    "kinesis_retention_max",
    "sns_retries_to_queues",
    "sns_retries_to_people",
)

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | it may be missed now and then (a live view) | listen live, and say so | the share of the time that you are away |
# | it may not | a queue or a log between, and a position | how far you are behind, against the retention |
# | messages of a key are numbered, or can be | **numbers** at the far end | gaps, and what came late |
# | a key may fall silent | numbers and a **heartbeat** on the same way | beats that do not come |
# | nobody numbers anything, or several systems are in between | **compare** counts and hashes, by stretches of time | those that differ |
# | single, dear things (orders, payments) | a **ledger** of expected ids with deadlines | what is overdue |
# | something was missed, in a known stretch of time | replay the window | that every effect has a key |
# | here and there | patch by ids | the same |
# | the source no longer has it | a snapshot, and go on from there | what the snapshot cannot say |
# | a record cannot be carried out | park it, and its key where order matters | the number of the parked |
#
# And always: acknowledge *behind* the effect, give the effect a key, and let the last one who can know, check.

# %% [markdown]
# ## Exercises

# %%
exercise("14/name_the_leak")


# %%
def name_the_leak(rows): ...


exercise("14/name_the_leak", name_the_leak)

# %%
exercise("14/missing_numbers")


# %%
def missing_numbers(came, reorder): ...


exercise("14/missing_numbers", missing_numbers)

# %%
exercise("14/choose_intervals")


# %%
def choose_intervals(rate): ...


exercise("14/choose_intervals", choose_intervals)

# %% [markdown]
# **Design question.** "We have dead letters, so we cannot lose messages."

# %%
exercise("14/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Saltzer, Reed and Clark, "End-to-end arguments in system design", ACM TOCS 1984: only the last receiver can know.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11 (partitioned logs, acknowledgements) and ch. 12 (the
#   end-to-end argument for databases).
# - Merkle, "A digital signature based on a conventional encryption function", CRYPTO 1987; DeCandia et al., "Dynamo",
#   SOSP 2007 (trees of hashes between replicas).
# - NATS documentation, *JetStream: streams, consumers*; PostgreSQL 18 documentation, *Replication slots*.
# - Amazon SQS, SNS and Kinesis Data Streams, Developer Guides; read in November 2026.
#
# Beyond one machine: audit trails that carry an id from the first service to the last; alarms on the lag of every reader;
# a count of each hour at both ends of a pipeline; anti-entropy between replicas (digests as in lab 03). Of the same shape: a ship's
# manifest, a bank's daily balance, the numbers on cheques.
