# %% [markdown]
# # Publish and subscribe
#
# <!-- binder --><!-- /binder -->
#
# *One tells, many hear, and none knows the others: who hears what, who misses it, and who notices?*

# %% [markdown]
# ## Question
#
# A sleeper of *Slumber* has uploaded a video. Three services care: **thumbnail** makes a small picture, **search** puts
# it into an index, **billing** charges for the gigabytes. Next month there will be a fourth.
#
# Whoever takes the upload could call all three. Then it must know them, wait for them, and decide what to do if one is
# down. Or it tells a **topic** that something happened, and is done. Who hears of it then, and what happens to those who
# do not?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 4 of Play, and [Choose](#Choose).

# %%
import pandas as pd

from dsys_lab.lessons import (
    answers,
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
notes("Event BroadCasting- PubSub- SNS")

# %% [markdown]
# A good rule, and a good example: "a video was uploaded" says what *happened* (an **event**) and not what to do (a
# **command**). What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | if someone isn't subscribed, they will not hear the message | true, and nobody notices. Who *is* subscribed and is **down** is another case: the topic tries again, for how long is experiment 4 |
# | (all hear all) | a subscription may have a **filter**: over attributes beside the message, or over its body |
# | you'll need to connect SNS to SQS | the safe default: a queue for *each* who acts. Why, is experiment 3 |
# | will not hear | a *FIFO* topic may keep an **archive**, out of which one who came late hears the past |

# %% [markdown]
# ## Picture
#
# The phone **publishes** a message to the topic `uploads`; for each who is **subscribed** the topic makes a copy,
# puts it into that one's tray, its **seat** at the topic, and hands it over. It is *delivered* when the one called
# has answered (to SNS over HTTP: with a status of 200 to 299; in JetStream that answer is an *ack*). *thumbnail* sits
# there all the time. *search* subscribes after 30 s. *billing* unsubscribes at 40 s and is back at 60 s: meanwhile
# its tray is dark. Press **space**.

# %%
from dsys_lab.scenarios.publish_subscribe import seats

player(seats())

# %% [markdown]
# Who heard what? A line for each message that was carried out:

# %%
from dsys_lab.scenarios.publish_subscribe.counts import who_heard
from dsys_lab.views import charts

charts.picked_strips(
    who_heard(seats()), title="Who heard what?", x="messages, in their order"
)

# %% [markdown]
# There is a gap in two of the strips, and nothing in the run says so: no error, no warning, no message that waits
# anywhere. The publisher was told each time that all is well.
#
# A topic may also keep an **archive** of what was published. Here it does, and *search* asks it for the past when it
# comes:

# %%
player(seats(archive="a day"))

# %% [markdown]
# ## By hand
#
# Be the topic's only clients for a minute. It reads no clock (you tell it the time, in microseconds) and sends nothing:
# it says which **attempts** are due, and you carry them out. Nobody is subscribed yet:

# %%
from dsys_lab.brokers.topic import Subscription, Topic

uploads = Topic("uploads")
answers(uploads.publish(0, "v1", "a video"))

# %% [markdown]
# It went to nobody, and that is no error. Now *billing* subscribes:

# %%
s = 1_000_000
uploads.subscribe(1 * s, Subscription(name="billing"))
answers(uploads.publish(2 * s, "v2", "another video"))

# %%
[attempt] = uploads.attempts(2 * s)
print(f"{attempt.message} to {attempt.subscription}, attempt {attempt.attempt}")

# %% [markdown]
# You are to hand `v2` to billing. Say that it did not work, and ask again at once:

# %%
uploads.failed(2 * s, attempt.number, "billing is down")
[again] = uploads.attempts(2 * s)
print(f"{again.message} to {again.subscription}, attempt {again.attempt}")

# %% [markdown]
# A second attempt, without a pause. And `v1`? It never was billing's. Say that it worked this time, and look at the
# books of billing's seat:

# %%
uploads.delivered(2 * s, again.number)
answers(uploads.status().seats["billing"])

# %% [markdown]
# ## Look inside
#
# The topic asks every subscription whether it hears the message:

# %%
show_source(Subscription.hears)

# %% [markdown]
# For each that does it makes a copy, and from here on the copies know nothing of each other. The life of a copy:
#
# ```text
#  the filter says yes      taken
#        |                    ^
#        v                    |
#       due ----------> in flight ----> not taken ----> dead letter, or dropped
#        ^  attempt n                       |           if no retry is left
#        |                                  | a retry is left
#        +------------- waiting <-----------+
#         the pause is over
# ```
#
# (Where the filter says no, there is no copy: the message passed this seat by.) A **dead letter** is a message that was tried in vain and set aside for a human; a subscription has a place for them
# only if somebody asked for it. When the cause is mended, that human orders a **redrive**: the dead letters are tried
# again as if they were new. The **policy** of a subscription says when the next attempt comes, in four phases: at
# once; after short pauses; after pauses that grow (the **backoff**); after the longest, again and again.

# %%
from dsys_lab.brokers.topic import DeliveryPolicy

show_source(DeliveryPolicy.pause_s)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment. When the subscriber is called over HTTP, SNS pauses so before each retry, and after the last one it gives
# the copy up:

# %%
from dsys_lab.brokers.topic import TO_HTTP

for retry in range(1, TO_HTTP.retries + 1):
    print(f"retry {retry}: after {TO_HTTP.pause_s(retry):g} s")

# %%
http_outage = predict(
    "15/http-outage",
    "A subscriber is called over HTTP, with this policy, and is down for five minutes "
    "on average (exponential). How much of what comes meanwhile is lost?",
    between=(0, 100),
    unit="%",
)
http_outage

# %% [markdown]
# ## Play
#
# ### 1. One message becomes many
#
# The videos are of ten kinds, each as often. Five subscribers want three kinds each (a filter; more of it in experiment
# 5). How many copies does the topic make of a message?

# %%
copies_of_one = predict(
    "15/copies",
    "Five subscribers, and each wants three of ten kinds. How many copies of a message "
    "does the topic hand on, on average?",
    between=(0, 5),
    unit="copies a message",
)
copies_of_one

# %%
from dsys_lab.laws import copies_made
from dsys_lab.scenarios.publish_subscribe import fan_out
from dsys_lab.scenarios.publish_subscribe.counts import copies

# %%
made = copies(0.1, 0.3, 0.5, 0.8, 1.0)
_, of_three_kinds, error = made[1]
copies_of_one.reveal(
    of_three_kinds,
    law=copies_made(1, [0.3] * 5),
    standard_error=error,
    why="Each of the five wants three messages of ten.",
    show=(
        charts.against_law(
            {"counted": made},
            laws={"counted": lambda wanted: copies_made(1, [wanted] * 5)},
            title="How many copies of a message?",
            x="share of the kinds that each wants",
            y="copies a message",
        ),
        player(fan_out, subscribers=(1, 6), wanted=(0.0, 1.0, 0.1), at={"wanted": 0.3}),
    ),
)

# %% [markdown]
# The law is a sum: each subscriber adds the share of the messages that it wants. With the sliders, make one of it. (A
# message that nobody wants fades away at the topic, **unmatched**: it concerned nobody, and again nobody is told.)
#
# ### 2. A seat is one place
#
# Two services are to hear everything. It would be convenient to let them share *one* subscription: one seat, behind which
# both sit. A real server, NATS, hands out a hundred messages to such a pair (there it is called a *queue group*):

# %%
one_seat = predict(
    "15/one-seat",
    "Two services sit at one seat, and a hundred messages are published. How many does "
    "each of the two hear?",
    choices=["a hundred each", "about fifty each", "one of them all hundred"],
)
one_seat

# %%
from dsys_lab.engines.topic.runs import heard_by, how_it_was_shared, shared_seat

# %%
shared = shared_seat(100)
one_seat.reveal(
    how_it_was_shared(shared),
    why="One seat, one copy of each message: who shares a seat competes.",
    show=charts.bars(
        heard_by(shared), title="By how many of the two was it heard?", unit="messages"
    ),
)

# %% [markdown]
# Which of the two hears a message the server draws, so about half go to each; it is how workers share the work of lab
# 16. A queue behind the topic that two services read is the same mistake. To hear everything, each needs a seat of
# its own: one topic, a queue for *each*.
#
# ### 3. One of them is slow
#
# *thumbnail* and *search* need 0.4 s for a message, *billing* 5 s, and a message comes every second. First without a
# topic: the phone's own server calls the three, **one call after the other**, and waits for each. Then a **topic** that
# calls all three. Then the **topic with a queue** for each, out of which each takes in its own time. Who waits for
# billing?

# %%
who_waits = predict(
    "15/who-waits",
    "Without a topic, one call after the other: who is late because billing is slow?",
    choices=["billing alone", "billing and search", "all three"],
)
who_waits

# %%
isolated = predict(
    "15/isolated",
    "With a topic that calls the three directly: who is late?",
    choices=["billing alone", "billing and search", "all three"],
)
isolated

# %%
from dsys_lab.scenarios.publish_subscribe import isolation
from dsys_lab.scenarios.publish_subscribe.counts import (
    mean_delays,
    slowest_feels,
    wired,
)
from dsys_lab.scenarios.publish_subscribe.uploads import WIRINGS

# %%
slow, quick = wired(*WIRINGS), wired(*WIRINGS, slow_work_s=0.4)
in_turn, called, queued = WIRINGS
who_waits.reveal(
    slowest_feels(slow[in_turn], quick[in_turn]),
    why="Nobody is told of the next video before billing is done with this one.",
    show=player(slow[in_turn]),
)

# %%
isolated.reveal(
    slowest_feels(slow[called], quick[called]),
    why="Each copy goes its own way. But look at what becomes of billing's.",
    show=player(slow[called], slow[queued], titles=("topic", "topic, a queue each")),
)

# %% [markdown]
# The topic parts the three: what happens to one seat's copies changes nothing for the others. But a slow one who is
# *called* is called again when it does not answer in time, on top of all that is new, and after four attempts the
# topic gives a copy up: the lamp *nothing lost* is broken. With a queue of its own it is just late.

# %%
charts.bars(
    mean_delays(slow), title="How late is what is done?", unit="seconds, on average"
)

# %% [markdown]
# Only where it is called by the topic a copy is given up, or done twice. What became of billing's copies there?

# %%
from dsys_lab.scenarios.publish_subscribe.counts import billings_copies

fates = billings_copies(slow[called])
charts.bars(fates, title="Billing, called by the topic", unit="copies")

# %% [markdown]
# Each copy that is *given up* is one that the lamp counts. Some of these billing had *done all the same*, and answered too
# late, which the topic cannot know; the others were *never done*. *Done again* is what billing did more than once, for it
# was called again while it was at work.
#
# Is billing's slowness really nothing to the others? The same luck, billing slow and not slow: how many messages do
# *thumbnail* and *search* finish in the very same microsecond?

# %%
from dsys_lab.scenarios.publish_subscribe.counts import untouched

untouched(slow, quick)

# %% [markdown]
# ### 4. One of them is down
#
# A subscriber that is *down* is still subscribed. How long the topic tries depends on the kind of the **endpoint**, of
# what is called there. SNS has a policy for each:

# %%
from dsys_lab.scenarios.publish_subscribe.uploads import POLICIES

pd.DataFrame(
    {
        name: {"retries": policy.retries, "last one after": f"{policy.lasts_s:,.0f} s"}
        for name, policy in POLICIES.items()
    }
).T

# %%
facts("sns_retries_to_queues", "sns_retries_to_people", "sns_http_retry_max")

# %% [markdown]
# (*people* are reached by mail, text message and push notification. A *retry* is an attempt after the first: here and in the
# tables, though the service's own calls them *total attempts*.) Of an outage that is exponential with mean *m* more
# than *t* is left with the chance
#
# $$e^{-t/m}$$
#
# whenever one looks. So this share of what comes during an outage is lost, where *t* is the time to the last retry.

# %%
from dsys_lab.laws import lost_in_outage
from dsys_lab.scenarios.publish_subscribe.counts import lost_share, lost_shares

# %%
means_s = 20, 60, 300, 3_600, 6 * 3_600, 24 * 3_600
lasts = {name: policy.lasts_s for name, policy in POLICIES.items()}
curves = {name: lost_shares(*means_s, endpoint=name) for name in ("http", "people")}
lost_by = charts.against_law(
    curves,
    laws={
        "http": lambda mean_s: lost_in_outage(lasts["http"], mean_s),
        "people": lambda mean_s: lost_in_outage(lasts["people"], mean_s),
    },
    title="What is lost of what comes during an outage?",
    x="mean outage, s (to a day)",
    y="share lost",
    log_x=True,
)

# %%
from dsys_lab.scenarios.publish_subscribe import outage

_, share_lost, error = lost_share("http", 300)
http_outage.reveal(
    100 * share_lost,
    law=100 * lost_in_outage(lasts["http"], 300),
    standard_error=100 * error,
    why="After a minute it is given up, and most outages have more than that to go.",
    show=(
        lost_by,
        player(outage, compare={"endpoint": ("http", "queue")}, down_s=(10, 120, 10)),
    ),
)

# %% [markdown]
# Move the slider: up to a minute nothing is lost by *http*. In the other lane billing is tried as a *queue* would be, for
# 23 days; it may be down as long as it likes. (Over HTTP one may ask for more, up to an hour in all.) And in both cases
# what is given up is **gone**, unless the subscription has a place for dead letters:

# %%
player(outage(down_s=120), outage(down_s=120, dead_letters=True))

# %% [markdown]
# ### 5. Filter there, or here?
#
# *billing* wants two of the ten kinds of experiment 1. It may say so to the topic, in a **filter policy**; or hear everything, and throw
# away what it does not want. The policy names a field, and lists what it may be:

# %%
from dsys_lab.brokers.event_patterns import Pattern

wanted = Pattern({"kind": ["film", "series"], "price": [{"numeric": [">", 10]}]})
for video in ({"kind": "film", "price": 20}, {"kind": "film"}):
    print(f"{video}: {'heard' if wanted.matches(video) else 'passed by'}")

# %% [markdown]
# All fields must hold, each by any of its values; an object such as `{"numeric": [">", 10]}` is an operator. There are
# eight of them, and a policy that is wrong is refused with the place where it is wrong:

# %%
from dsys_lab.errors import BadParameter

try:
    Pattern({"price": [{"numerc": [">", 10]}]})
except BadParameter as refused:
    print(refused)

# %%
saved = predict(
    "15/filter",
    "Billing wants two kinds of ten. Filtered at the topic instead of at billing: what "
    "share of the copies to billing is saved?",
    between=(0, 100),
    unit="%",
)
saved

# %%
from dsys_lab.scenarios.publish_subscribe import filtering
from dsys_lab.scenarios.publish_subscribe.counts import saved_shares, traffic

# %%
filters = {at: filtering(at=at) for at in ("topic", "listener")}
shares = saved_shares(0.1, 0.2, 0.5, 0.8)
wanted_share, share, error = shares[1]
saved.reveal(
    100 * share,
    law=100 * (1 - wanted_share),
    standard_error=100 * error,
    why="What billing does not want never sets out.",
    show=(
        player(*filters.values(), titles=tuple(filters)),
        traffic(filters),
        charts.against_law(
            {"counted": shares},
            laws={"counted": lambda wanted_share: 1 - wanted_share},
            title="What does a filter at the topic save?",
            x="share of the kinds that billing wants",
            y="share of the copies",
        ),
    ),
)

# %% [markdown]
# The mark ↷ counts what was handed to billing and thrown away there. Now somebody writes `kinds` where the attribute is called `kind`. Who is told?

# %%
typo = predict(
    "15/typo",
    "Billing's filter names an attribute that no message has. Who notices?",
    choices=["the publisher", "billing", "nobody"],
)
typo

# %%
from dsys_lab.scenarios.publish_subscribe.counts import told_of_it

mistyped = filtering(field="kinds")
typo.reveal(
    told_of_it(mistyped),
    why="To the topic it is a filter like any other: it lets nothing through.",
    show=player(filters["topic"], mistyped, titles=("kind", "kinds")),
)

# %% [markdown]
# No error, no dead letter, no alarm: a subscriber that hears nothing looks like one for whom nothing happened. The remedy
# is a count: alarm on a seat that hears *nothing* for a day.
#
# ### 6. Order, and once more
#
# Calls fail now and then: half of those that do are lost on their way to billing, of half it is the *answer* that is
# lost. The topic cannot tell, and tries again a second later. Every message belongs to one of two sleepers, and to each
# sleeper order matters: *"uploaded"* before *"deleted"*. A FIFO topic keeps the messages of a *message group* (here: of a
# sleeper; nothing to do with a group of readers) in order, for each seat.

# %%
keeps_order = predict(
    "15/order",
    "One call in five fails. Under which kind of topic are the messages of a sleeper "
    "carried out in order?",
    choices=["standard", "fifo", "both", "neither"],
)
keeps_order

# %%
repeats = predict(
    "15/repeats",
    "And under which kind is a message sometimes carried out twice?",
    choices=["standard", "fifo", "both", "neither"],
)
repeats

# %%
from dsys_lab.scenarios.publish_subscribe import order
from dsys_lab.scenarios.publish_subscribe.counts import (
    what_came,
    which_keeps_order,
    which_repeats,
)

# %%
both = {kind: order(kind=kind) for kind in ("standard", "fifo")}
keeps_order.reveal(
    which_keeps_order(both),
    why="In a standard topic the next does not wait for the one that is tried again.",
    show=player(*both.values(), titles=tuple(both)),
)

# %%
repeats.reveal(
    which_repeats(both),
    why="Billing did the work and its answer was lost. No topic can know that.",
    show=what_came(both),
)

# %% [markdown]
# *Overtaken* are those that were first carried out after a later one of their group. Order has a price: whoever stands
# behind a copy that is tried again must wait, and with one group for all, everybody stands behind everybody:

# %%
line = {"groups": 1, "fails": 0.4, "messages": 60}
what_came({kind: order(kind=kind, **line) for kind in ("standard", "fifo")})

# %% [markdown]
# How often is a message carried out? A call succeeds with 1 − *p*; of the others half were carried out. Together
#
# $$\frac{1-p/2}{1-p}$$

# %%
from dsys_lab.laws import effects_of_a_call
from dsys_lab.scenarios.publish_subscribe.counts import effects_a_message

charts.against_law(
    {"counted": effects_a_message(0.1, 0.2, 0.4, 0.6)},
    laws={"counted": effects_of_a_call},
    title="How often is a message carried out?",
    x="share of the calls that fail",
    y="times",
)

# %% [markdown]
# At least once, as everywhere. What makes it once is a key in the effect, and a look at it (labs 01 and 14; more in
# lab 16).

# %% [markdown]
# ## Break it
#
# **The endpoint is deleted**, and not down. A client of the topic knows the difference, and there is no use in trying
# again: SNS does not.

# %%
gone = Topic("uploads")
gone.subscribe(0, Subscription(name="billing"))
gone.publish(0, "v1")
[attempt] = gone.attempts(0)
gone.failed(0, attempt.number, "no such endpoint", again=False)
answers(gone.status().seats["billing"])

# %% [markdown]
# Dropped after one attempt of a policy with a hundred thousand. With a place for dead letters it lies there:

# %%
mended = Topic("uploads")
mended.subscribe(0, Subscription(name="billing", dead_letters=True))
mended.publish(0, "v1")
[attempt] = mended.attempts(0)
mended.failed(0, attempt.number, "no such endpoint", again=False)
answers(*mended.dead_letters("billing"))

# %% [markdown]
# A minute later there is an endpoint again, and somebody orders the redrive:

# %%
mended.redrive(60 * s, "billing")
[attempt] = mended.attempts(60 * s)
print(f"{attempt.message}, attempt {attempt.attempt}")

# %% [markdown]
# **The publisher hears no answer** and publishes again. A standard topic has no memory: everyone hears it twice. A FIFO
# topic knows the **deduplication id**, for five minutes:

# %%
twice = Topic("uploads", fifo=True)
twice.subscribe(0, Subscription(name="billing"))
sent = {"group": "ann", "dedup_id": "v1"}
answers(*[twice.publish(at_s * s, "v1", **sent) for at_s in (0, 299, 301)])

# %% [markdown]
# **A message that is too large** is refused to the publisher, the only one who can do something about it:

# %%
answers(uploads.publish(3 * s, "v3", "x" * 300_000))

# %% [markdown]
# Put what is large into an object store (lab 07) and publish where it lies.
#
# **Everybody is cut off.** The network between the topic and all three is gone for 45 s. The retries of an HTTP endpoint
# last a minute: click a message, press **F**, and see which of them brings it through.

# %%
from dsys_lab.scenarios.publish_subscribe.uploads import LISTENERS

cut = {"do": "split", "target": ",".join(LISTENERS), "at_s": 10, "lasts_s": 45}
player(isolation(slow_work_s=0.4, faults=[cut]))

# %% [markdown]
# **A crash with work in hand.** A subscriber crashes in the middle of a message and is back five seconds later. What it
# had in hand is tried again, and done: at least once.

# %%
busy = {"kind": "start", "place": "billing"}
dies = {"do": "crash", "target": "billing", "on": busy, "nth": 3, "lasts_s": 5}
player(isolation(slow_work_s=0.8, faults=[dies]))

# %% [markdown]
# Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# The same story told to the model and to three real ones: *core NATS*; a *JetStream* stream, of the same server; and the
# API of *SNS*, with a queue of SQS for each, by boto3 against the stand-in moto. `present` is there all the time; `films` wants those; `late` comes after two messages; `leaver` goes
# after three; `down` is down for the fourth and fifth.

# %%
which_misses = predict(
    "15/which-misses",
    "In which of the four does the one who was down miss what came meanwhile?",
    choices=["in all", "core NATS alone", "core NATS and JetStream", "in none"],
)
which_misses

# %%
from dsys_lab.engines.topic import ENGINES, told
from dsys_lab.engines.topic.runs import heard_alike, who_missed

# %%
stories = {engine: told(engine) for engine in ENGINES}
which_misses.reveal(
    who_missed(stories),
    why="It hands a message to whoever is connected at that moment, once.",
    show=charts.picked_strips(
        {
            engine: [message in story["down"] for message in story["present"]]
            for engine, story in stories.items()
        },
        title="What does the one hear who was down?",
        x="messages, in their order",
    ),
)

# %%
print("heard the same in all four:", ", ".join(heard_alike(stories)))

# %% [markdown]
# Core NATS keeps nothing: it is the fire alarm, fast, and for those who are there. JetStream keeps what is published,
# with a position for each subscriber, and SNS has a queue for each: they are the letter box. All differences that we
# know of, each held by a test:

# %%
from dsys_lab.engines.topic import CORE_NATS, JETSTREAM, SNS
from dsys_lab.lessons import differences

differences([*CORE_NATS, *JETSTREAM, *SNS])

# %% [markdown]
# The price of asking many: a message published to a thousand seats, against the same to ten. How many times as long does
# the model take?

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.topics import published
from dsys_lab.lessons import measured

few, many = partial(published, 10), partial(published, 1_000)
ten, thousand = interleaved(few, many, rounds=5)
ratios = [b / a for a, b in zip(ten, thousand, strict=True)]
unit = "times as long"
measured(ratios, unit, usually=f"about a hundred {unit}: every seat costs")

# %% [markdown]
# ## On real data
#
# Every departure from New York in the first week of January 2013 is an event, with airline, origin, destination, delay
# and tail number as attributes. Seven seats say by a filter what they want; the same question is asked of the same rows
# in SQL. (`$or` lists alternatives, of which one must hold.)

# %%
from dsys_lab.lessons.tables import table
from dsys_lab.scenarios.publish_subscribe.departures import policies_of_the_seats

table(("seat", "filter policy"), policies_of_the_seats())

# %%
most = predict(
    "15/departures",
    "Of the seats with a filter, which hears the most departures?",
    choices=[
        "to anywhere but Chicago",
        "a plane of Delta's numbers",
        "early, or to Boston",
    ],
)
most

# %%
from dsys_lab.scenarios.publish_subscribe.departures import heard_and_asked

found = heard_and_asked()
most.reveal(
    found["heard"].drop("everything").idxmax(),
    why="It leaves out one city and hears of all others.",
    show=charts.bars(
        dict(found["heard"]), title="How many departures are heard?", unit="departures"
    ),
)

# %%
alike = (found["heard"] == found["SQL"]).sum()
print(f"SQL finds as many for {alike} of {len(found)} seats")

# %% [markdown]
# So what a filter lets through is what SQL finds, for real attributes with real gaps: `cancelled` asks for flights
# whose delay is *null*, and "more than an hour late" hears none of those. The last seat has the typo of experiment 5.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | somebody must *act* on it, and may be slow or down | a topic, and a **queue for each** who acts | the age of each queue's oldest |
# | it only informs who is there now (a dashboard, a cache that is to forget) | a topic without queues; core NATS, Redis channels | nothing: who is not there, is not |
# | mail, text messages, push | called directly by the service, with **dead letters** | the number of the dead |
# | a web hook of somebody else | over HTTP, with a policy of your own and dead letters | failures a seat |
# | a part of the messages is enough | a **filter** at the topic | a seat that hears *nothing* |
# | order matters within something | FIFO, with the smallest group that it matters in | the delay behind a copy that fails |
# | one who comes late must hear the past | an archive, or a **log** (lab 17) | how far back it goes |
# | two services are to hear everything | two seats; never one queue for both | |
# | you need to know *that* it was done | not this: ask for an answer, or check later (lab 25) | |

# %% [markdown]
# ## Exercises

# %%
exercise("15/who_hears")


# %%
def who_hears(events): ...


exercise("15/who_hears", who_hears)

# %%
exercise("15/survives")


# %%
def survives(policy, outage_s): ...


exercise("15/survives", survives)

# %%
exercise("15/policies")


# %%
def policies(): ...


exercise("15/policies", policies)

# %% [markdown]
# **Design question.** Four teams care about a new video.

# %%
exercise("15/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon SNS Developer Guide and API Reference: *message delivery retries*, *dead-letter queues*, *filter policies*,
#   *FIFO topics*, *message archiving and replay*, *fanout to Amazon SQS queues*; read in November 2026.
# - Amazon EventBridge User Guide, *comparison operators*; aws/event-ruler, README: the grammar of the filters.
# - Hohpe and Woolf, *Enterprise Integration Patterns*: Publish-Subscribe Channel, Message Filter, Durable Subscriber,
#   Event Message, Dead Letter Channel.
# - Eugster, Felber, Guerraoui, Kermarrec, "The many faces of publish/subscribe", *ACM Computing Surveys* 2003.
# - NATS documentation, *core NATS*, *queue groups*, *JetStream consumers*.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, *Messaging systems*.
#
# Beyond one machine: millions of seats a topic (SNS); topics as partitioned logs with a position for each group of
# consumers (Kafka, Pub/Sub, lab 17); content-based routing between accounts and regions (EventBridge, lab 21); and a
# registry for the shapes of the messages, for a publisher who does not know the subscribers cannot ask them.
