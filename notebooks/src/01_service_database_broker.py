# %% [markdown]
# # Service, database, broker
#
# <!-- binder --><!-- /binder -->
#
# *Three ways for one fact to travel: into a table that others read, by a call that others answer, onto a log that
# others follow. Who must be there, who must agree, and who notices when it goes wrong?*

# %% [markdown]
# ## Question
#
# A sleeper of *Slumber* wakes up, and the app has one fact more: *person 17 slept 7.25 hours*. Call such a fact a
# **night**. The app is its **producer**, and three others need it: billing, the coach, the statistics. They are other
# teams, with other programs, which are changed on other days and are down at other hours.
#
# How does a night get to them? They may read the app's **database**; the app may call their **service**; or it may hand
# the night to a **broker**, who keeps it until they come. What does each way hide from the two sides, and what do they
# go on sharing?
#
# *In a hurry:* Picture, By hand, experiments 1 to 3 of Play, and [Choose](#Choose).

# %%
import pandas as pd

# %%
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
)
from dsys_lab.scenarios.service_database_broker import three_ways
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Dataflows Service vs Database vs Message Broker")

# %% [markdown]
# *Hiding* is the right word for all of it, and the three headings hide different things. What can be added:
#
# | the notes | in finer print |
# |---|---|
# | an interface over a database | often. What counts is that rules stand behind a **contract** that can stay while the inside changes; some services keep no data at all, and one that hands its tables through hides nothing |
# | (a database) | is a service, too: one whose contract is its whole **schema**, the names and types of its columns |
# | an asynchronous uni-directional service | for one topic. A reply is a second one, back. And a log also **keeps**: who comes later, or comes again, finds it |
# | hiding addressability, availability and scalability | of the readers: the broker's own address and availability are shared. And whether a *change* is hidden is asked in experiment 3 |

# %% [markdown]
# ## Picture
#
# The same nights at the same moments, three ways. Night 7 is `t7` on its way to the **table**, `s7` to the
# **service**, `b7` to the **broker**.
#
# - The *table reader* **polls**: once a second it asks the app's table what is new since it asked last.
# - The *service* is the program that needs the night: the app **calls** it, waits up to a second for its answer, and
#   asks up to three times more (thin orange rings). Then it gives the night up.
# - The broker appends the night to a **log**, a tape that is only written at its end. The *log reader* leaves two
#   marks under it: the hollow one says how far it has read, the full one, its bookmark, how far it has worked.
#
# All three work alike, one night after the other. At 2 s all three die, for six seconds. The picture opens just before
# they are back: look where the nights are. Press **space** to play it from the start. The strip *backlog* counts the
# nights that stand in each lane and wait; under a box ✓ counts nights that were worked off, ✗ calls that found nobody
# there, and ⊖ calls that are refused, for the same night is still being worked on. The lamp at the top right,
# *conservation*, is green as long as every copy of every night is accounted for. The ledger beneath counts copies *and
# attempts*: each night once in each lane, and once more for each time that the app asks again; *dropped* is an attempt that
# found nobody there, or was in hand when the service died. **?** shows all keys.

# %%
player(three_ways)

# %% [markdown]
# In two lanes the nights stand and wait, and nobody at the app has noticed anything. In the third there is no place to
# stand: each call ends at a closed door. What the lanes come to in a second run, under another seed: how many nights
# were offered, how many the app gave up, the most that stood and waited at once, and the seconds from the readers'
# return until one had nothing to do:

# %%
from dsys_lab.scenarios.service_database_broker import outages
from dsys_lab.scenarios.service_database_broker.points import compared

# %%
short = {"nights_a_second": 4, "works_a_second": 8, "outage_s": 6, "lasts_s": 20}
compared(outages(**short), of="lane")

# %% [markdown]
# (A dash is one that was not seen: a service does not know what it has missed, and in four nights a second the table's
# reader finds some each time it asks.)

# %% [markdown]
# ## By hand
#
# The same three, without a clock. **A table.** A producer writes, and the reader names the columns that it wants:

# %%
from dsys_lab.dataflows.service import NIGHT_V1, Request, Service, decode, encode
from dsys_lab.dataflows.service.shared_database import SharedTable, TableReader

# %%
table = SharedTable(NIGHT_V1)
billing = TableReader(table, "billing", ["person", "hours_sleep"])

# %%
night = {"person": 17, "hours_sleep": 7.25}
table.write(night)
pd.DataFrame(billing.poll())

# %% [markdown]
# **A service.** A call is bytes, in a **version** of the contract, under a **key**: the caller's own name for what it
# wants done, the same each time it asks. The service judges the call, queues it (and says nothing yet), and carries
# it out when a worker is free:

# %%
service = Service("nights")
call = Request("n1", "v1", encode(NIGHT_V1, night))
service.receive(0, call)

# %%
first = service.finish(8_000, service.begin(0))
compared({"called": first, "called again": service.receive(9_000, call)})

# %% [markdown]
# The second answer is to the same call, asked again because the first answer was lost on the road. It is *repeated*,
# and nothing was done twice. What the service keeps, in a ledger of its own (of keys; not that under a picture), is none of
# the caller's business; it is another version:

# %%
service.ledger.find("n1").record

# %% [markdown]
# **A broker.** A record is put under a key, too, and this is a word in another sense: it says whom the record is *about*,
# and many records have the same (a **partition key**). The key of a call names one thing that is to be done, so that it can
# be known again (an **idempotency key**). In the log `n1` is the name of the record, and `17` its key. Each record gets the
# next **position**. Reading takes nothing away, so two readers read the same:

# %%
from dsys_lab.brokers.log_stream import Entry, LogStream, Settings
from dsys_lab.structures import VolatileDisk

# %%
log = LogStream("log", VolatileDisk(), Settings(limits=None))
log.put(0, Entry("n1", "17", encode(NIGHT_V1, night)))
log.put(1, Entry("n2", "18", encode(NIGHT_V1, {"person": 18, "hours_sleep": 6.5})))

# %%
start = log.iterator(2, "shard-000", "TRIM_HORIZON")
readers = "coach", "statistics"
pages = {who: log.read(2, start, to=who).records for who in readers}
read = {
    who: pd.DataFrame([decode(NIGHT_V1, one.data) for one in page])
    for who, page in pages.items()
}
pd.concat(read, names=["reader", "position"])

# %% [markdown]
# (`TRIM_HORIZON` is Kinesis' word for the oldest record that is still kept; a **shard** is one tape of a log.) The
# record itself is bytes, in one of two usual **forms**: each value with its *name*, as in JSON, or with a *number* that
# was agreed for the field, as in Protocol Buffers:

# %%
forms = {form: encode(NIGHT_V1, night, form=form) for form in ("name", "number")}
pd.DataFrame({"bytes": forms, "so many": {form: len(b) for form, b in forms.items()}})

# %% [markdown]
# ## Look inside
#
# ```mermaid
# flowchart LR
#     app([app]) -- "insert" --> table[(table)]
#     reader1([billing]) -. "what is new?" .-> table
#     app -- "call, wait" --> queue["queue | worker | ledger"]
#     queue -- "200" --> app
#     app -- "put" --> tape[["log: 0 1 2 3 …"]]
#     reader2([coach]) -. "from 2 on" .-> tape
# ```
#
# Solid arrows are those without which the app cannot go on. Only one of them ends at somebody who *needs* the night.
#
# The wall of a service is this function. It reads the bytes in the caller's version, and a **mapper** says the same in
# the newest; whoever is not served is refused, with what to do:

# %%
from dsys_lab.dataflows.service import Contract

# %%
show_source(Contract.understand)

# %% [markdown]
# And this is the caller. What it may believe in the end depends on how it was let down: who was refused each time knows
# that nothing was done, and who once heard nothing does not know.

# %%
from dsys_lab.dataflows.service import Conversation

# %%
show_source(Conversation.told)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
given_up = predict(
    "01/given-up",
    "Ten nights a second come, each by a call that is asked four times, about a second "
    "apart. The service is down for 30 s. How many nights does the app give up?",
    between=(0, 400),
    unit="nights",
)
given_up

# %% [markdown]
# ## Play
#
# ### 1. Is asynchronous faster?
#
# "Put it on a queue, that is faster" is often said. Take a calm day, on which nobody is down, and follow each night
# from the app to the moment at which it has been *worked off*.

# %%
worked_off_soonest = predict(
    "01/soonest",
    "Nobody is down. By which way is a night worked off soonest, on average?",
    choices=[
        "table",
        "service",
        "broker",
        "table and broker",
        "service and broker",
        "all three alike",
    ],
)
worked_off_soonest

# %%
from dsys_lab.scenarios.service_database_broker.points import soonest, waits_s

# %%
calm = three_ways(outage_s=0)
waits = waits_s(calm)
done_after = charts.bars(waits, title="Until it is worked off", unit="seconds")

# %%
worked_off_soonest.reveal(
    soonest(waits),
    why="The work takes as long, and the queue before it is the same.",
    show=done_after,
)

# %% [markdown]
# Service and broker do the same work behind the same line. The table's reader has to ask first; it works off what it
# was given, and only then does it sleep for a second and ask again. What *is* faster is the producer. It may forget the night as soon as somebody keeps it: the table or the log
# do at once, the service only when the work is done.

# %%
charts.bars(
    waits_s(calm, until="safe"),
    title="Until the producer may forget it",
    unit="seconds",
)

# %% [markdown]
# So asynchronous means: *accepted* sooner, *done* no sooner. Move the sliders; `poll_s` is how often the table is asked.

# %%
player(
    three_ways,
    outage_s=(0, 10),
    nights_a_second=(1, 8),
    works_a_second=(2, 16),
    poll_s=[0.5, 1, 2, 4],
    at={"outage_s": 4},
)

# %% [markdown]
# ### 2. Somebody is down
#
# The question from above, for outages of 2 to 30 s. In the lane of the calls nights are given up; in that of the log
# they stand and wait. (A dot is a mean over several runs, its bar three standard errors: the true mean lies within it
# nearly always. Dashed is the law.)

# %%
from dsys_lab.scenarios.service_database_broker import points

# %%
gave_up, stood = points.failed(2, 5, 10, 20, 30), points.stood(2, 5, 10, 20, 30)

# %%
ASKED_S = 3.35
lanes = {"calls that were given up": gave_up, "records that wait": stood}
outage_law = {
    "calls that were given up": lambda s: laws.calls_failed(10, s, asked_for_s=ASKED_S),
    "records that wait": lambda s: laws.waiting_after_outage(10, s),
}
how_many = charts.against_law(
    lanes,
    laws=outage_law,
    title="Ten nights a second, and whoever needs them is down",
    x="outage, s",
    y="nights",
)

# %%
_, given_up_30, error = gave_up[-1]
given_up.reveal(
    given_up_30,
    law=laws.calls_failed(10, 30, asked_for_s=ASKED_S),
    standard_error=error,
    why="All whose last attempt falls into the outage.",
    show=how_many,
)

# %% [markdown]
# With nights at a rate *λ*, an outage of *T* and a caller who asks for the last time *L* seconds after it asked first,
#
# $$\text{given up} = \lambda \max(0,\, T - L), \qquad \text{waiting on the log} = \lambda T$$
#
# Before the fourth attempt lie three that waited for a second each, and pauses of 50, 100 and 200 ms on average: so *L* is
# 3.35 s. Of an outage that is shorter than that hardly any night is given up, and of a long one nearly all.
#
# What stands on a log is not lost, but it is not done either. When the reader is back it has the old nights to work
# off, while new ones come.

# %%
caught_up = predict(
    "01/caught-up",
    "Ten nights a second come, and the reader of the log works 12 a second off. It was "
    "down for 10 s. For how long after its return do nights have to wait?",
    between=(0, 120),
    unit="seconds",
)
caught_up

# %%
drained = points.drained_s(12, 15, 20, 30)
after = charts.against_law(
    {"counted": drained},
    laws={"counted": lambda works: laws.outage_drain_s(10, 10, works)},
    title="Until the reader has caught up, after 10 s",
    x="nights that it works off, a second",
    y="seconds",
)

# %%
_, seconds, error = drained[0]
caught_up.reveal(
    seconds,
    law=laws.outage_drain_s(10, 10, 12),
    standard_error=error,
    why="A hundred wait, and of twelve that it does a second only two are old ones.",
    show=after,
)

# %% [markdown]
# $$\text{drain} = \frac{\lambda T}{\mu - \lambda}$$
#
# Who is hardly faster (*μ*) than what comes (*λ*) pays for a short outage for a long time, and who is not faster never
# catches up. The course of one such outage, in all three lanes, with ten nights a second. Make it longer, and the reader
# slower:


# %%
def course(outage_s, works_a_second):
    run = three_ways(
        nights_a_second=10,
        works_a_second=works_a_second,
        outage_s=outage_s,
        lasts_s=40,
    )
    return charts.lines(
        points.backlogs(run),
        title="Nights that wait",
        y="nights",
        bands={"down": (2, 2 + outage_s)},
    )


# %%
charts.sliding(
    course,
    outage_s=(1, 20),
    works_a_second=(8, 30),
    at={"outage_s": 10, "works_a_second": 15},
)

# %% [markdown]
# The service has an empty queue all the while that it is down: it does not know of what it has missed. (Afterwards it
# gets, besides the new calls, those that are still asked again.) And the table's reader seldom comes to nought: it works
# off all that it was given, and only then does it sleep a second and ask again, while nights come.
#
# ### 3. A column is renamed
#
# The app's team is unhappy with `hours_sleep`: a count of minutes has no fractions. At noon they replace it by
# `sleep_minutes`. Ten readers need the nights, and none of them was told; each knows the person, and some of the other
# fields. Where they read the table, those break that name the column, all at the same moment. And with a broker in
# between? (With a service in between each of the ten calls it, in the words of v1, the contract of before noon.)

# %%
broken_by = predict(
    "01/broker-rename",
    "The readers know the app's log instead of its table. Whom does the rename break, "
    "when the first night of the new kind comes?",
    choices=["nobody", "those who name it", "all ten"],
)
broken_by

# %%
from dsys_lab.scenarios.service_database_broker import renamed

# %%
AT_NOON = {
    "done": "goes on",
    "lost": "stops",
    "waiting": "names hours_sleep",
    "skipped": "does not name it",
}
grid = charts.verdict_grid(
    {"at noon": points.rename_grid()},
    legend=AT_NOON,
    columns="reader",
    title="A breaking change, and ten readers",
    box_inches=0.52,
)

# %%
came = renamed("broker")
broken_by.reveal(
    points.who_broke(came),
    why="A broker hides who reads. It does not read the bytes.",
    show=grid,
)

# %% [markdown]
# A broker does not help: bytes are bytes. A service *can*, for it has a place in which the old contract is understood,
# the mapper; without one it breaks even those that never named the column, for it serves no v1 any more. What does
# help all of them is to *add* minutes and to leave the hours where they are. How many boxes of the same grid are then red?

# %%
sum(role == "lost" for role, _ in points.rename_grid("additive").values())

# %% [markdown]
# **And what is old already.** A table is migrated in one moment, rows and all. A log is not: what was written before
# noon stays as it was, for its **retention**, the time for which a log keeps a record. Let it be ten minutes, with a
# night every ten seconds. A new reader, which knows the new version only, reads the log from its beginning.

# %%
old_records = predict(
    "01/old-records",
    "Draw how many records of the log the new reader cannot read, by the minutes since "
    "noon.",
    curve={"x": (0, 15, "minutes since noon"), "y": (0, 80, "records")},
)
old_records

# %%
from dsys_lab.scenarios.service_database_broker import replays

# %%
found = replays(retention_s=600)
old_records.reveal(
    ([one.after_s / 60 for one in found], [one.undecodable for one in found]),
    law=lambda minute: max(0.0, 6 * (10 - minute)),
    why="Six a minute go out of the retention, and with them their version.",
)

# %% [markdown]
# (One less than the law says, as long as there are any: of the sixty that are kept at noon one is of the new kind.)
#
# So writers and readers of a log live with *two* versions for as long as the retention, and so do all who roll out
# a new program machine by machine. Then a change must be readable both ways:
#
# - **backward compatible**: new readers read what old writers wrote;
# - **forward compatible**: old readers read what new writers write.
#
# Here is a contract as it may have grown, in five versions. A field with `= 0` may be left out, and is then 0:

# %%
from dsys_lab.lessons.tables import table as words

# %%
words(("version", "fields"), [(one.name, str(one)) for one in points.HISTORY])

# %% [markdown]
# Against v1: v2 adds a field, v3 renames one and keeps its number and its meaning, v4 removes it and adds another, v5
# gives the *number* of the removed field to the new one. Nobody here knows a rule for what fits to what: each version
# writes bytes, and each other one reads them. A box is green if the reader understood what the writer *meant*:

# %%
charts.verdict_grid(
    points.reading_grids(points.HISTORY),
    legend={"done": "understood", "lost": "an error", "late": "wrong, and no error"},
    title="Each version reads what each version has written",
    rows="written by",
    columns="read by",
)

# %% [markdown]
# Read a pair as two boxes across the diagonal. The rename is free where numbers travel and breaks all where names do.
# And look for the boxes in the third colour: a number that was given out again is read as if nothing had happened. That
# is the worst of all: no error, no line in any log. Person 17 slept 435 *minutes*, says a writer of v5; a reader of v1
# hears:

# %%
v1, *_, v5 = points.HISTORY
of_v5 = encode(v5, {"person": 17, "sleep_minutes": 435.0}, form="number")
pd.DataFrame([decode(v1, of_v5, form="number")])

# %% [markdown]
# (In Protocol Buffers one *reserves* the numbers of removed fields for that reason.)

# %% [markdown]
# ### 4. One calls the next
#
# Billing's service calls the plan's service, which calls the price's, and so on. Each of them is up for 99 % of the
# time, independently of the others, and nobody asks again.

# %%
through_five = predict(
    "01/chain",
    "A call goes through five services, each up for 99 % of the time. Of 1,000 calls, "
    "how many fail?",
    between=(0, 200),
    unit="calls",
)
through_five

# %%
chains = {
    "calls in a chain": points.calls_lost(1, 3, 5, 10),
    "put on a log": points.not_accepted(1, 3, 5, 10),
}
by_hops = charts.against_law(
    chains,
    laws={
        "calls in a chain": lambda n: 1 - laws.chain_availability(0.99, int(n)),
        "put on a log": lambda _: 1 - laws.chain_availability(0.99, 1),
    },
    title="How often is the caller let down?",
    x="services that must all have their turn",
    y="share of the calls",
    whole_x=True,
)

# %%
_, share, error = chains["calls in a chain"][2]
through_five.reveal(
    1_000 * share,
    law=1_000 * (1 - laws.chain_availability(0.99, 5)),
    standard_error=1_000 * error,
    why="All five must be up at once.",
    show=by_hops,
)

# %% [markdown]
# With an availability of *a* each, *n* in a chain have $a^n$. With a broker the caller needs one that is up, the
# broker; the others have their turn when they are. But each of the records that was taken must pass through all of
# them in the end. Of 4,000 calls, through as many services as you like:

# %%
from dsys_lab.scenarios.service_database_broker import chain


# %%
def let_down(hops, availability):
    of = chain(hops=hops, availability=availability, calls=4_000)
    came = {
        "the chain failed": of.calls - of.answered,
        "the broker was down": of.calls - of.accepted,
        "taken, and never through": of.accepted - of.completed,
    }
    return charts.bars(came, title="Let down, of 4,000 calls", unit="calls")


# %%
charts.sliding(
    let_down,
    hops=(1, 20),
    availability=[0.9, 0.95, 0.99, 0.999],
    at={"hops": 5, "availability": 0.99},
)

# %% [markdown]
# (*Never through* is what the broker took and what was not through all of them at the end of the run.) A broker turns
# *failed* into *late*. Whether late is good enough, only you can say.
#
# ### 5. Where does a reader say "I have it"?
#
# A log is read in **batches**. For each of them the reader **commits** its position: it writes down how far it came,
# and after a crash it goes on from there. That is its acknowledgement, and it can stand before the work or after it.
#
# (One thing, many names: Kafka *commits an offset*, the library for Kinesis makes a *checkpoint*, JetStream is sent an
# *ack* for each message, PostgreSQL's log of changes is told what is *confirmed*, and at SQS one *deletes* what is done.
# This suite says *commit* of a position in a log and *acknowledge* of one message.)

# %%
commit_first = predict(
    "01/commit-first",
    "A reader reads a batch, commits its position, and then works the batch off. It "
    "may crash at any step, once. What can happen to records?",
    choices=["neither", "some are lost", "some are done twice", "both can happen"],
)
commit_first

# %% [markdown]
# Four records in one batch. The power goes before each step once, the reader starts again from what was committed, and
# then each record's effects are counted:

# %%
from dsys_lab.dataflows.service import crashed_everywhere

# %%
two_places = charts.verdict_grid(
    {"so many records": points.crash_grid("commit first", "process first")},
    legend={"done": "each done once", "lost": "lost", "again": "done twice"},
    columns="the power goes before step",
    title="Two places for the acknowledgement",
)

# %%
commit_first.reveal(
    points.left_by(crashed_everywhere(["read", "commit", "process"])),
    why="What was committed and not yet done is never read again.",
    show=two_places,
)

# %% [markdown]
# The two mirror each other: **at most once** above, **at least once** below. (Of step 0 to 8: with *process first* it
# reads, works on four records in four steps, commits, reads in vain, and commits again.) How many it is depends on the
# batch:

# %%
batches = 1, 2, 5, 10, 20
charts.against_law(
    {
        "lost, commit first": points.at_a_crash("commit first", *batches),
        "done twice, process first": points.at_a_crash("process first", *batches),
    },
    laws={
        "lost, commit first": lambda b: laws.missed_after_crash(int(b)),
        "done twice, process first": lambda b: laws.repeated_after_crash(int(b)),
    },
    title="A crash somewhere in the work",
    x="records in a batch",
    y="records, on average",
    whole_x=True,
)

# %% [markdown]
# For batches of *B* that is (*B* + 1)/2 and (*B* − 1)/2: a crash while one works on the *k*-th record loses it and all
# behind it, or repeats all before it. Can one have neither? With one line more in the loop: exercise 2.
#
# ### 6. More readers
#
# One reader is too slow, so start more. The records of a log are spread over its shards by their keys, and each
# shard belongs to one reader of the **group** at a time.

# %%
eight_readers = predict(
    "01/eight-readers",
    "120 records a second come, onto four shards. A reader works 20 a second off. With "
    "a group of eight readers, how many a second are worked off?",
    between=(0, 160),
    unit="records a second",
)
eight_readers

# %%
counts = 1, 2, 4, 6, 8
groups = {
    "four shards": points.worked_off(*counts),
    "eight shards": points.worked_off(*counts, partitions=8),
}
rates = charts.against_law(
    groups,
    laws={
        "four shards": lambda c: laws.group_throughput(120, 20, int(c), 4),
        "eight shards": lambda c: laws.group_throughput(120, 20, int(c), 8),
    },
    title="How many a second are worked off?",
    x="readers",
    y="records a second",
    whole_x=True,
)

# %%
_, a_second, error = groups["four shards"][-1]
eight_readers.reveal(
    a_second,
    law=laws.group_throughput(120, 20, 8, 4),
    standard_error=error,
    why="Four have a shard, and four have nothing to do.",
    show=rates,
)

# %% [markdown]
# With *c* readers and *P* shards it is $\min(\lambda,\ \mu \min(c, P))$. (Where a dot lies under the law, the shards do
# not go evenly into the readers: six readers have eight shards two, two, and one each. And a run lasts five seconds, at
# whose beginning nobody has a record yet: that is the little that is missing elsewhere.) And the keys must be even. Let a
# share of the records have one key, so that they all fall on one shard; four readers, 70 a second:

# %%
charts.against_law(
    {"counted": points.hot(0, 0.2, 0.4, 0.6, 0.8)},
    laws={"counted": lambda h: laws.hot_key_throughput(70, 20, 4, h)},
    title="One hot key",
    x="share of the records with that key",
    y="records a second",
)

# %% [markdown]
# One shard gets that share and its part of the rest, the others get their parts, and each is worked off at *μ* at most.
# More readers do not help, and more shards neither: one key is one shard. Try it, with
# fewer readers, more shards, and a hotter key:

# %%
from dsys_lab.scenarios.service_database_broker import group


# %%
def of_a_group(readers, shards, hot_share):
    rates = {"records_a_second": 70, "each_a_second": 20, "hot_share": hot_share}
    did = group(consumers=readers, partitions=shards, **rates)
    came = {f"shard {n}": count / 20 for n, count in enumerate(did.by_partition)}
    return charts.bars(
        {"worked off, of all": did.a_second} | came,
        title="What is worked off, and what comes onto each shard",
        unit="records a second",
    )


# %%
charts.sliding(
    of_a_group,
    readers=(1, 4),
    shards=(1, 10),
    hot_share=(0.0, 1.0),
    at={"readers": 4, "shards": 4, "hot_share": 0.6},
)

# %% [markdown]
# What one gets for it is **order**. Records that were done *after* one that had come later, of any key and of the same:

# %%
few = {"records_a_second": 120, "each_a_second": 20, "seconds": 5}
four = group(consumers=4, **few)
charts.bars(
    {"of any key": four.overtaken, "of the same key": four.overtaken_by_key},
    title="Records that were overtaken",
    unit="records",
)

# %% [markdown]
# ### 7. Both, please
#
# The app wants its own table *and* the log to have a night: it commits the row, and then it publishes. That is a
# **dual write**, and between the two the program may die. Then the table has the night, the log will never have it, and
# nobody gets an error.
#
# The remedy is an **outbox**: in the *same transaction* as the row, the message is written into a second table. A
# **relay**, a program of its own, reads it from there, publishes, and notes down how far it came. But it may die, too.

# %%
relay_dies = predict(
    "01/outbox",
    "The relay has published a night and dies before it has noted that down. What "
    "becomes of the night on the log?",
    choices=["it is lost", "it is published once", "it is published twice"],
)
relay_dies

# %%
from dsys_lab.scenarios.service_database_broker import dual_write

# %%
boxed = dual_write("outbox", nights=60, crash_share=0.2)
dual = charts.against_law(
    {"commit, then publish": points.missing(0.02, 0.05, 0.1)},
    laws={"commit, then publish": lambda q: laws.messages_missing(q, 100)},
    title="Nights of 100 that the log never has",
    x="share of the times that the program dies in between",
    y="nights",
)

# %%
relay_dies.reveal(
    points.of_the_outbox(boxed),
    why="It finds it in the outbox again, and nothing says that it was published.",
    show=(dual, compared({"outbox": boxed})),
)

# %% [markdown]
# Without an outbox *q n* of *n* nights are missing, quietly. With one that is read in the order of commits none is (lab 23 shows what another order loses), and some come twice: *lost* has become
# *repeated*, and what is repeated can be recognised by its key. The same as in experiment 5, and the remedy is the same
# as well. (Lab 23 is about what can be done with a log of changes.)
#
# ### 8. A real day
#
# So far nights came at one rate. Here are the 1,004 flights that were due to leave New York on 10 July 2013, each a
# record at its minute. Whoever needs them works 90 an hour off, more than twice the day's mean of 42, and is down for
# three hours, from six to nine in the morning.

# %%
real_drain = predict(
    "01/real-day",
    "By the law, with the mean rate, that costs about 2.6 hours afterwards. How many "
    "hours is it on the real day?",
    between=(0, 12),
    unit="hours",
)
real_drain

# %%
from dsys_lab.scenarios.service_database_broker.real_day import by_hour, real_outage

# %%
six = real_outage(6)
mean_rate = six.offered / 24
by_start = charts.lines(
    {"counted": by_hour()},
    title="How many wait after three hours, by when these begin?",
    x="hour of the day",
    y="flights",
    references={"by the mean rate": laws.waiting_after_outage(mean_rate, 3)},
    whole_x=True,
)

# %%
real_drain.reveal(
    six.caught_up_h,
    law=laws.outage_drain_s(3, mean_rate, 90),
    why="By day not 42 an hour come, but 65, and 25 are left of the 90.",
    show=by_start,
)

# %% [markdown]
# The law is right for the rate that there *is*. At night three hours cost nothing, and in the morning they are felt
# until the late afternoon, for by day little is left of those 90. Who sizes a reader by a mean has none left when
# it is needed.

# %% [markdown]
# ## Break it
#
# **A broker says yes too soon.** It answers when the record is written, and **syncs** (makes the disk keep what was
# written) only after every hundredth. The power goes after 250 records.

# %%
unsynced = predict(
    "01/synced",
    "A broker syncs after every 100 records and says yes at once. After 250 the power "
    "goes. How many of those that were told yes are gone?",
    between=(0, 250),
    unit="records",
)
unsynced

# %%
from dsys_lab.scenarios.service_database_broker import faults

# %%
crashes = {n: faults.broker_crash(sync_every=n) for n in (1, 7, 45, 100)}
gone = charts.bars(
    {f"sync every {n}": one.lost for n, one in crashes.items()},
    title="Records that were told yes, and are gone",
    unit="records",
)

# %%
unsynced.reveal(
    crashes[100].lost,
    why="All since the last sync, less what the disk had kept by itself.",
    show=(gone, compared(crashes, of="sync every")),
)

# %% [markdown]
# *Torn bytes* is what was found behind the last whole record: the disk had kept some of what was not synced, and not all,
# so a checksum does not fit there. From there on all is cut off, so that what is before it stays readable. A sync for
# every record loses nothing. That is what one should ask a broker: *what have you done when you say yes?*
#
# **Poison.** A message fails whoever tries it. Without a limit it comes back for ever; with one it is set aside after
# five receives, among the **dead letters**, and the others never notice:

# %%
limits = {"no limit": None, "five receives": 5}
compared({name: faults.poison(max_receives=n) for name, n in limits.items()})

# %% [markdown]
# (*Stuck* is what is neither done nor set aside after twenty rounds.) Lab 16 is about such queues.
#
# **A worker stands still** for longer than its loan of the message lasts, and somebody else gets it. **The network
# doubles**: each of ten calls arrives three times at the service. **The bookmark is lost**: the file with the reader's
# position is gone, and it reads its hundred records from the beginning. How often is each thing done, watched by nothing,
# and by a list of the ids that were *seen* (those of calls are their keys)?

# %%
done = {by: faults.effects_each(by) for by in reversed(faults.WATCHED)}
charts.bars(
    {f"{fault}: {by}": done[by][fault] for fault in done["nothing"] for by in done},
    title="Effects for each one that there should be",
    unit="effects",
)

# %% [markdown]
# Five faults, and for these three the remedy is the same: a key that is written down *together with* the effect.
#
# **Too slow for ever.** A reader that works off less than what comes never catches up; the retention decides then
# (lab 14). In the lane of the service, too, there is a queue now, as soon as it is back. Watch the backlog:

# %%
slow = three_ways(nights_a_second=6, works_a_second=4, outage_s=4)
player(slow)

# %% [markdown]
# The queue is soon longer than a caller waits. So some calls are given up although nobody is down any more, and the
# service works them off all the same, for a caller who has left:

# %%
given_up = points.given_up(slow, back_s=6)
charts.bars(given_up, title="Calls without an answer in time", unit="calls")

# %% [markdown]
# Break it yourself: stop any picture and press **G**. And share what you found:

# %%
from dsys_lab.lessons import reproduce, share

# %%
link = share(calm)
link

# %%
reproduce(link.address).digest() == calm.digest()

# %% [markdown]
# ## Measure
#
# **A service over HTTP.** A web server in a process of its own, on this machine, with its ledger in SQLite; it has the
# same judgement as the model, and what is real are the sockets, the time that the work takes, the file and the death:
# it is killed, by `SIGKILL`, with a call in hand. One story for both, and what the caller heard (the numbers are those
# of HTTP: 200 *done*, 400 *not understood*, 422 *this key stands for another call*):

# %%
from dsys_lab.engines.service import DIFFERENCES, Size, drill, running

# %%
services = {kind: running(kind, Size(work_s=0.4)) for kind in ("model", "HTTP")}
heard = {kind: dict(drill(service)) for kind, service in services.items()}
pd.DataFrame(heard)

# %% [markdown]
# The two that matter: *nothing: it may have happened*, and *certainly not done*. Who knows the key of its call can ask
# again after both. And the price of a call, measured here:

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.engines.service import calls

# %%
quick = {kind: running(kind, Size(work_s=0.001)) for kind in services}
ours, theirs = interleaved(*(partial(calls, one) for one in quick.values()), rounds=3)
measured([s * 100 for s in theirs], "ms a call", usually="some milliseconds a call")

# %%
for service in (*services.values(), *quick.values()):
    service.close()

# %% [markdown]
# **A database as a queue, and as a caller.** PostgreSQL has both. `SELECT … FOR UPDATE SKIP LOCKED` gives a worker the
# first row that nobody holds; the lock is the loan, and it ends with the connection:

# %%
from dsys_lab.engines.postgres import away, job_story

# %%
pd.DataFrame(job_story())

# %% [markdown]
# Ann's job was free in the moment in which her connection ended; no timeout had to pass. And `NOTIFY` calls whoever
# has said `LISTEN`. Of seven messages, the listener was away for the third to the fifth:

# %%
absent = away(before=2, meanwhile=3, after=2)
charts.picked_strips(
    {
        who: [one in names for one in absent.said]
        for who, names in (
            ("said", absent.said),
            ("heard", absent.heard),
            ("gone for good", absent.gone),
        )
    },
    title="NOTIFY keeps nothing",
    x="messages, in their order",
)

# %% [markdown]
# So a notification may say *look at the table*, and must not be the only place where the news is.
#
# What each of them shows, and what it does not:
#
# | | shows | does not show |
# |---|---|---|
# | the model | every outage, crash and version, at any rate, the same each time | time that a machine takes, and the faults that nobody thought of |
# | the HTTP service | sockets, a process that dies, a ledger that outlives it | a network: it is on the loopback; load balancers, a registry of addresses |
# | PostgreSQL | locks as loans, notifications that nobody keeps | a queue with a timeout, dead letters; a log with positions (that is its *replication slot*, lab 23) |
# | brokers | | not here: JetStream, SQS and SNS are in labs 15 to 17, on the same kind of orders |
#
# And where the model and the web server differ, although they tell the same story:

# %%
differences(DIFFERENCES)

# %% [markdown]
# ## Choose
#
# What each way hides from the two sides; in brackets the experiments that show it:
#
# | | shared database | service | broker |
# |---|---|---|---|
# | the **schema** (3) | shared: all of it | hidden behind a contract, as long as there is a mapper | the bytes are shared |
# | the **address** | shared | shared: the caller knows it | hidden: both know the broker only |
# | the **availability** (2, 4) | readers': hidden. The database's: shared | shared: both must be up at once | readers': hidden. The broker's: shared |
# | the **scale** (6) | shared: all load one database | hidden, up to a full queue | hidden, up to the number of shards |
# | the **time** (1) | hidden: they poll | shared: the caller waits | hidden |
#
# | if | then | and watch |
# |---|---|---|
# | the caller cannot go on without the answer (a price, a login) | a **service**, with a timeout, few retries and a key | calls given up; the length of the chain |
# | it can: somebody shall know of it, now or later | a **broker** | the backlog, and its age against the retention |
# | many need it, and more will come | a **log**: each new reader starts where it likes | versions that are still on it |
# | one team owns both sides and deploys them together | a **shared database** is honest, and the least work | the second team that wants to read it |
# | others need to read a lot of it | a copy for them, fed by a log; not the tables themselves | how far the copy is behind |
# | both the table and the log must have it | an **outbox** | repeated messages, and the relay's lag |
# | a contract must change | *add*, move all readers, then remove; never give a number out again | who still asks in the old version |
#
# And always: a **key** in every call and every message, written down together with the effect.

# %% [markdown]
# ## Exercises

# %%
exercise("01/backlog_and_drain")


# %%
def backlog_and_drain(nights_a_second, works_a_second, outage_s): ...


exercise("01/backlog_and_drain", backlog_and_drain)

# %%
exercise("01/turn")


# %%
def turn(reader): ...


exercise("01/turn", turn)

# %%
exercise("01/may_change")


# %%
def may_change(old, new): ...


exercise("01/may_change", may_change)

# %% [markdown]
# **Design question.** An order was placed; stock, mail and warehouse must know. By which way, each?

# %%
exercise("01/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 4, "Modes of dataflow", and ch. 11.
# - Newman, *Building Microservices* and *Monolith to Microservices* (information hiding, shared databases).
# - Hohpe and Woolf, *Enterprise Integration Patterns*: Shared Database, Remote Procedure Invocation, Messaging.
# - Protocol Buffers documentation, "Encoding" and "Updating a message type"; Google API Improvement Proposals, AIP-180.
# - IETF draft "The Idempotency-Key HTTP header field"; Brooker, "Timeouts, retries, and backoff with jitter", Amazon
#   Builders' Library. Richardson, "Pattern: Transactional outbox".
# - PostgreSQL 18 documentation: SELECT, "The Locking Clause"; NOTIFY. Kleinrock, *Queueing Systems* vol. 1.
# - The R package *nycflights13* (flights of 2013, from the Bureau of Transportation Statistics).
#
# Beyond one machine: a broker is a group of machines itself (Kafka, Kinesis, JetStream: lab 17), a service stands
# behind a gateway, a load balancer and a registry of addresses, and contracts stand in a **schema registry** that
# refuses a version which does not fit to those before it.
