# %% [markdown]
# # Delivery stream
#
# <!-- binder --><!-- /binder -->
#
# *Small things arrive all the time, and readers want large files: who waits, how long, and what if nobody opens?*

# %% [markdown]
# ## Question
#
# Every wearable of *Slumber*, a watch say, sends a **ping** now and then: who, when, which pulse. All pings shall lie in an object store
# (lab 07), to be asked in SQL.
#
# An object for each ping would be millions of tiny objects, and every question would open them all. So somebody must let
# pings wait for each other. How long may a ping wait? How large will the objects be? And who has the pings while the
# store is down?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 4 of Play, and [Choose](#Choose).

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

# %% [markdown]
# ## The notes say

# %%
notes("Kinesis - Firehouse")

# %% [markdown]
# All of it is right: it stores and transforms, by itself. (They spell it *Firehouse*.) What can be added, as of November
# 2026:
#
# | the notes | in finer print |
# |---|---|
# | Kinesis Firehouse | *Amazon Data Firehose* since February 2024; in its interface it is still `firehose` |
# | real-time event streams | the *events* are; what lands is seconds to minutes old, for it waited in a buffer |
# | (automatically) | two **hints** say when: a size and an interval. Which of them decides, is experiment 1 |
# | durable storage | while that is down the stream holds the data, but not for ever: experiment 3 |
# | (stores each record once) | at least once: who has no answer puts again (experiment 4) |
# | transform | what cannot be transformed is set aside, with the reason: experiment 5 |
# | S3, Redshift, ES, Splunk, etc | each is a **destination**. Redshift is filled through a bucket of S3 (Break it); a web server may be one, too (experiment 8) |

# %% [markdown]
# ## Picture
#
# Two watches put pings into the stream `pings`. It writes each into its **log**, on disk, and then answers. The ping
# waits in the **buffer**, beside which stand two things: at the left an *hourglass*, whose sand began to run when the
# oldest ping came; at the right a *glass*, which fills with bytes. Whichever is first **seals** the buffer: what is in it
# becomes a **crate**, one object, which slides to the `destination`. A crate is drawn the larger the more bytes it has;
# the number on it is that of its own entry in the log.
#
# In the first lane a ping comes every 0.8 s on average, in the second every 4 s. Press **space**.

# %%
from dsys_lab.scenarios.delivery_stream import glass

# %%
player(glass, compare={"every_s": (0.8, 4.0)})

# %% [markdown]
# Which of the two sealed each crate? Here the crates of such a run lie on a strip of time, each as wide as it filled, which
# is how long its oldest ping waited, and as high as it has bytes. Move the slider until only one hint has its turn.

# %%
from dsys_lab.scenarios.delivery_stream import counts
from dsys_lab.views import charts

# %%
charts.sliding(
    lambda every_s: charts.crate_strip(
        **counts.strip(every_s=every_s), title="How large is each crate?"
    ),
    every_s=(0.5, 6.0, 0.5),
    at={"every_s": 1.5},
)

# %% [markdown]
# ## By hand
#
# Be the stream's only client for a minute. It reads no clock (you tell it the time, in microseconds) and delivers
# nothing: it says what is to be put where, as **attempts**, and you carry them out. A buffer of 12 bytes, or 60 s:

# %%
from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, Settings
from dsys_lab.structures import VolatileDisk

# %%
s = 1_000_000
disk, hints = VolatileDisk(), Settings(size_bytes=12, interval_s=60)
pings = DeliveryStream("pings", disk, hints)
accepted = pings.put(0 * s, Entry("p1", b"anna 61"))
print(accepted.message, "is on disk, under number", accepted.number)

# %% [markdown]
# Is there something to deliver? And when will there be, if nobody else comes?

# %%
print(len(pings.attempts(1 * s)), "to deliver, next at", pings.deadline_us() // s, "s")

# %% [markdown]
# A second ping fills the glass:

# %%
pings.put(2 * s, Entry("p2", b"bert 70"))
[attempt] = pings.attempts(2 * s)
print(attempt.key, attempt.data.decode(), sep="\n")

# %% [markdown]
# Two lines: the object's **key**, its name in the bucket, and its bytes. The key says which hour, which stream, when the oldest came, which crate and which attempt. Look at the
# bytes: where does the first ping end? (Experiment 7.) Say that it did not work. Who has the pings now?

# %%
from dsys_lab.scenarios.delivery_stream.reading import books

# %%
pings.failed(3 * s, attempt.number, "the bucket is down")
books(pings.status())

# %% [markdown]
# The stream **holds** them. Ask again ten seconds later:

# %%
[again] = pings.attempts(13 * s)
print(again.key)

# %% [markdown]
# The same pings, under another name. Now it works, and the books are settled:

# %%
pings.delivered(14 * s, again.number)
books(pings.status())

# %% [markdown]
# ## Look inside
#
# A sealed buffer is sorted by what becomes of each record. A **transform** may have reshaped it, dropped it on purpose,
# or failed; a **format** may be unable to write it:

# %%
from dsys_lab.brokers.delivery_stream.sealing import sealed

# %%
show_source(sealed)

# %% [markdown]
# The life of a record; each arrow is written into the log before it is walked:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> buffer : put
#     buffer --> crate : size or time
#     buffer --> set_aside : transform or format failed
#     buffer --> [*] : dropped on purpose
#     crate --> [*] : delivered
#     crate --> held : nobody takes it
#     held --> crate : after a pause
#     held --> set_aside : after a while, if there is a backup
#     held --> expired : too old
#     set_aside --> [*] : under a prefix that says why
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment. What cannot be delivered is held, but not for ever:

# %%
facts("firehose_hold")

# %%
down_long = predict(
    "19/outage",
    "The object store is down for 25 h. What of all that is put meanwhile is gone in "
    "the end?",
    choices=[
        "nothing",
        "the first hour or two",
        "the last hour or two",
        "all of it",
    ],
)
down_long

# %% [markdown]
# ## Play
#
# ### 1. Size or time?
#
# From the rate at which bytes come and the two hints follows all the rest. These are what Firehose takes if nobody says
# otherwise:

# %%
facts("firehose_size_default", "firehose_interval_default", "firehose_interval_max")

# %%
gap = predict(
    "19/gap",
    "Pings come at 0.1 MiB/s, and the hints are those above. How long does a crate "
    "fill?",
    between=(0, 900),
    unit="s",
)
gap

# %%
quiet = predict(
    "19/quiet",
    "At night it is a tenth of that, 0.01 MiB/s. How large is a crate?",
    between=(0, 5),
    unit="MiB",
)
quiet

# %%
from dsys_lab import laws

# %%
rates = 0.001, 0.01, 0.1, 1, 10
gaps, sizes = counts.gaps_s(*rates), counts.sizes_mib(*rates)
axes = {"x": "MiB a second", "log_x": True, "log_y": True}
_, counted, error = gaps[2]
gap.reveal(
    counted,
    law=counts.gap_by_law_s(0.1),
    standard_error=error,
    why="The glass was full before the hourglass was empty.",
    show=charts.against_law(
        {"counted": gaps},
        laws={"counted": counts.gap_by_law_s},
        title="How long does a crate fill?",
        y="seconds",
        **axes,
    ),
)

# %%
_, counted, error = sizes[1]
quiet.reveal(
    counted,
    law=counts.size_by_law_mib(0.01),
    standard_error=error,
    why="The hourglass was empty first: what had come by then is all there is.",
    show=charts.against_law(
        {"counted": sizes},
        laws={"counted": counts.size_by_law_mib},
        title="How large does a crate become?",
        y="MiB",
        **axes,
    ),
)

# %% [markdown]
# The law, with rate *r*, size *B* and interval *T*: a crate fills for
#
# $$\min(T,\; B/r)$$
#
# seconds, and holds *r* times that. The oldest ping in it is just as old. Both hints in your hand, and the rate:

# %%
player(
    glass,
    every_s=(0.5, 6.0, 0.5),
    size_bytes=(500, 3_000, 500),
    interval_s=(5, 60, 5),
    at={"every_s": 2.0},
)

# %% [markdown]
# ### 2. Many small files
#
# A short interval brings fresh data, and many objects. Who asks about a day reads them all, eight at a time, say, and
# each costs 50 ms until its first byte comes. Pings come at 0.01 MiB/s. By the law of lab 06 for small files:

# %%
slower = predict(
    "19/small-files",
    "The interval is 1 s instead of 60 s. How many times as long does a question about "
    "a whole day take?",
    between=(1, 100),
    unit="times",
    found="worked out",
)
slower

# %%
slower.reveal(
    counts.question_s(1) / counts.question_s(60),
    why="Sixty times the requests, and the same bytes.",
    show=charts.lines(
        {"by the law": counts.question_curve(1, 3, 10, 30, 60, 120, 300, 900)},
        title="What does a question about a day cost?",
        x="interval, s",
        y="seconds",
        log_x=True,
        log_y=True,
    ),
)

# %% [markdown]
# The bytes are the same everywhere; below a minute it is the requests that cost. And on this machine's own disk, without
# any network? DuckDB asks the same question of the same rows, once in 200 *Parquet* files (columns one after the other,
# lab 06) and once in one:

# %%
from dsys_lab.engines.delivery_stream import files
from dsys_lab.lessons import measured

# %%
unit = "times as long"
measured(files.times_as_long(200), unit, usually=f"several {unit}")

# %% [markdown]
# So somebody writes small files as one, a **compaction**. By hand it is simple: write the new file, then delete the old
# ones. What does somebody see who asks in the meantime?

# %%
between = predict(
    "19/compaction",
    "Somebody writes the new file first and then deletes the small ones. What does a "
    "reader find who asks in between?",
    choices=["every row once", "some rows twice", "some rows missing"],
)
between

# %%
by_hand, by_commit = files.compaction_by_hand(), files.compaction_by_commit()
looks = {"by hand": by_hand, "by a commit": by_commit}
between.reveal(
    files.reader_finds(by_hand),
    why="The folder is the table: whatever lies in it is read.",
    show=charts.lines(
        {how: files.rows_found(seen) for how, seen in looks.items()},
        title="How many rows does a reader find?",
        x="% of the steps that are done",
        y="rows",
        steps=True,
    ),
)

# %% [markdown]
# Deleting first is no better: then rows are missing. What helps is a list of the files that *are* the table, and one
# **commit** that changes the list (the word of table formats; it has nothing to do with the commit of a reader's
# position): the second curve is the lake of lab 06, and its reader finds the same rows at every
# step.
#
# ### 3. Nobody opens
#
# The destination is down. Crates come back to the stream, where they are held, and are tried again after a pause. What
# is too old **expires**: it is gone. Here are many outages of a stream that holds for four hours, and an outage of two
# hours of one that holds for one. In its second lane there is a **backup**, another bucket: what was tried in vain for
# half an hour goes there.

# %%
from dsys_lab.scenarios.delivery_stream import outage

# %%
hours = counts.hours_lost(1, 2, 3, 4, 5, 6, 8, hold_h=4)
how_much = charts.against_law(
    {"counted": hours},
    laws={"least": counts.least_lost_h, "most": counts.most_lost_h},
    title="How many hours of data are gone?",
    x="hours down",
    y="hours of data",
)

# %%
two_lanes = player(
    outage,
    compare={"backup": ("none", "after half an hour")},
    down_h=(0.5, 4.0, 0.5),
    hold_h=1.0,
    at={"down_h": 2.0},
)

# %%
down_long.reveal(
    counts.what_is_lost(25),
    why="What is older than a day expires: that is what came first.",
    show=(two_lanes, how_much),
)

# %% [markdown]
# The lamp *promised and kept* asks: is every ping that its watch was told is safe delivered, still there, or set aside?
# (*Dead* in the ledger is what was set aside.)
#
# What is lost is the outage less the hold (the lower law of the chart), and up to an interval and a pause more, here half
# an hour (the upper one): what lay in the buffer as it began is older than the outage, and the first attempt after it
# comes late. And all that was held lands within minutes, when
# the store is back: the burst after an outage is not the store's best hour. Two ways out: an alarm on the age of the
# oldest, which leaves a day to act, and a backup. Firehose has one for destinations other than S3, after two hours at
# most:

# %%
facts("firehose_retry_max")

# %% [markdown]
# ### 4. No answer
#
# A ping is safe in the log, and the answer to the watch is lost. The watch cannot know, and puts the same ping again. The
# stream keeps no list of what it has. By the law of lab 09, *Break it*, a ping lands $1/(1-p)$ times, if a share *p* of the
# answers is lost:

# %%
from dsys_lab.scenarios.delivery_stream import answers_lost

# %%
player(answers_lost, share=(0.0, 0.6, 0.1), at={"share": 0.2})

# %%
[(lost, times, _)] = counts.puts(0.2)
law = laws.puts_a_record(lost)
print(f"{lost:.0%} of the answers lost: a ping lands {times:.3g} times, law {law:.3g}")

# %% [markdown]
# New is where it is mended: not at the door, which cannot know a ping again, but at the end. The watch gave each ping an
# `id`, and whoever reads takes each once. DuckDB asks what landed:

# %%
from dsys_lab.scenarios.delivery_stream.reading import asked, landed

# %%
QUESTION = "select count(*) as rows, count(distinct id) as pings from landed"
[(rows, pings_there)] = asked(landed(answers_lost), QUESTION).to_numpy().tolist()
print(f"{rows} rows landed, of {pings_there} pings")

# %% [markdown]
# ### 5. One bad ping
#
# A transform checks each ping: the pulse must be a number. One in ten says `"?"`. The stream asks of *each* record what
# became of it; but a transform may also simply raise an error at the first bad one. Crates of ten pings:

# %%
bad_share = predict(
    "19/bad",
    "One ping in ten is bad, ten pings are a crate, and the transform raises an error "
    "at a bad one. What share of the pings is set aside?",
    between=(0, 100),
    unit="%",
)
bad_share

# %%
from dsys_lab.scenarios.delivery_stream import spoiled

# %%
whole = counts.aside(0.02, 0.05, 0.1, 0.2, 0.3, judged="a whole crate")
each = counts.aside(0.02, 0.05, 0.1, 0.2, 0.3, judged="each ping")
set_aside = charts.against_law(
    {"a whole crate": whole, "each ping": each},
    laws={
        "a whole crate": lambda bad: laws.set_aside_share(bad, 10),
        "each ping": laws.set_aside_share,
    },
    title="What is set aside?",
    x="share of bad pings",
    y="share set aside",
)

# %%
_, counted, error = whole[2]
judged = player(spoiled, compare={"judged": ("each ping", "a whole crate")})
bad_share.reveal(
    100 * counted,
    law=100 * laws.set_aside_share(0.1, 10),
    standard_error=100 * error,
    why="A crate is spoiled if any of its ten is: few crates are not.",
    show=(judged, set_aside),
)

# %% [markdown]
# With *p* bad among crates of *n* it is $1-(1-p)^n$. Nothing is lost in either lane: what is set aside lies under
# `processing-failed/`, as it came, with the reason. But somebody has to look there.

# %%
from dsys_lab.scenarios.delivery_stream.reading import reasons

# %%
aside_there = reasons(landed(spoiled, to="backup"))
for (prefix, why), some in aside_there.groupby(["prefix", "why"]):
    print(f"{prefix}/: {len(some)} pings, {why}")

# %% [markdown]
# ### 6. A folder for each customer
#
# Readers of one customer's pings would like them in a folder of their own: `customer=c1/`. Each folder has a buffer of
# its own, with its own glass and hourglass. 200 bytes a second, crates of 1,000 bytes or 20 s. With one folder the glass
# decides. How large are crates with eight?

# %%
eight = predict(
    "19/folders",
    "With one folder a crate is sealed by its 1,000 bytes. With eight customers, each "
    "as often: how large is a crate?",
    between=(0, 1_000),
    unit="bytes",
)
eight

# %%
from dsys_lab.scenarios.delivery_stream import folders

# %%
divided = counts.crate_sizes(1, 2, 3, 8, 16)
how_large = charts.against_law(
    {"counted": divided},
    laws={"counted": counts.folder_by_law},
    title="How large is a crate?",
    x="folders",
    y="bytes",
    whole_x=True,
)

# %%
_, counted, error = divided[3]
eight.reveal(
    counted,
    law=counts.folder_by_law(8),
    standard_error=error,
    why="Each glass fills eight times as slowly; now the hourglass seals.",
    show=(player(folders, customers=(1, 8), at={"customers": 3}), how_large),
)

# %% [markdown]
# With *P* folders a crate has $\min(B,\; rT/P + c)$ bytes, where *c* is the ping that started the hourglass. Near the bend
# less is counted: pings come at random, so now the one hint is first and now the other, and no crate has more than *B*.
# The small files of experiment 2 are back, by a choice that was made for the readers.
#
# ### 7. Where does a ping end?
#
# In By hand two pings stood in one object, one behind the other. Firehose writes records as they are. A reader takes an
# object line by line, each line a ping of JSON. How many does it find?

# %%
found = predict(
    "19/delimiter",
    "120 pings, ten in an object, nothing between them. How many does a reader find "
    "who reads each line as JSON?",
    between=(0, 120),
    unit="pings",
)
found

# %%
from dsys_lab.scenarios.delivery_stream.reading import by_line

# %%
forms = "as they are", "a line each"
read = {form: by_line(landed(glass, form=form)) for form in forms}
found.reveal(
    read["as they are"]["pings"],
    why="An object is one long line, and that is no JSON.",
    show=pd.DataFrame(read).T,
)

# %% [markdown]
# Every byte is there, and hardly a reader can use it. The **delimiter**, a line's end behind each record, must be put there
# by who puts, by a transform, or by a setting of the stream.
#
# ### 8. A destination that is called
#
# A destination need not be a bucket. A crate may be the body of one call to somebody's web server, an **HTTP endpoint**,
# and what that answers decides: a status of 200 to 299, and the crate is delivered; all else, or no answer, and it is held
# and tried again.
# Here it is a small server that keeps what it is sent (the *door* of lab 21), once in memory and once real, on this machine.
# Each call has an **id**, and the door takes each id once.
#
# Twelve pings, four in a crate. The answer to the first call is lost on its way, though the door has taken the crate;
# later nobody is there for a while. The id is made of the *attempt*, or of the *crate*, and then it is the same at each
# attempt.

# %%
kept_by_door = predict(
    "19/endpoint",
    "Twelve pings, and one answer is lost. An id for each attempt: how many pings does "
    "the door keep?",
    between=(0, 24),
    unit="pings",
)
kept_by_door

# %%
from dsys_lab.engines.delivery_stream import endpoint
from dsys_lab.lessons.tables import table

# %%
by_attempt = endpoint.night("HTTP", names="attempt")
held = charts.lines(
    {"held": by_attempt.held_at},
    title="How many pings does the stream hold?",
    y="pings",
    steps=True,
)
kept_by_door.reveal(
    len(by_attempt.kept),
    why="The door cannot know a crate again that comes under another id.",
    show=(
        held,
        table(("an id for each", "calls were told", "pings kept"), endpoint.nights()),
    ),
)

# %%
alike = endpoint.nights("model") == endpoint.nights("HTTP")
print("the door in memory and the real one:", "alike" if alike else "not alike")

# %% [markdown]
# A number is the status of an answer: 202 *stored*, 200 *I had it before*; "nobody" is a call that found nobody there.
# With an id for each crate every ping is there
# once, and while nobody was there the stream held two crates and lost nothing. Firehose's calls have an id that stays
# the same between attempts, too. How long it waits for an answer, and how long it tries:

# %%
facts("firehose_http_answer", "firehose_retry_max")

# %% [markdown]
# What was tried for longer is set aside in the backup bucket, under `destination-failed/`, and nobody calls the endpoint
# about it again: somebody must. With 15 s instead of two hours:

# %%
short = endpoint.night("HTTP", retry_s=15)
print(len(short.kept), "pings arrived,", short.set_aside, "are in", *short.aside)

# %% [markdown]
# ## Break it
#
# **The power goes between two steps.** The crate is in the bucket, and before the stream has written that down its power
# fails. It is back five seconds later, with what its disk kept. The second lane gives all attempts of a crate the *same*
# name. (Between an effect and the note of it: the seam of labs 14 and 16.)

# %%
twice_made = predict(
    "19/power",
    "The power goes after a crate was put and before that was written down. Where does "
    "the destination have the crate's pings twice?",
    choices=["a name for each attempt", "one name for a crate", "both", "neither"],
)
twice_made

# %%
from dsys_lab.scenarios.delivery_stream.reading import who_has_twice

# %%
put_there = {"kind": "handed", "place": "pings"}
power = {"do": "crash", "target": "pings", "on": put_there, "nth": 3, "lasts_s": 5}
names = {"a name for each attempt": "attempt", "one name for a crate": "crate"}
stand = {
    words: landed(glass, names=name, faults=[power]) for words, name in names.items()
}

# %%
twice_made.reveal(
    who_has_twice(stand),
    why="The second attempt of one name replaces the first; it is the same bytes.",
    show=player(
        *(glass(names=name, faults=[power]) for name in names.values()),
        titles=tuple(names),
    ),
)

# %% [markdown]
# Firehose gives each attempt a name of its own. Nothing is lost either way: what was in the log is delivered, and what
# came while the power was gone (the bursts at `pings`) was put again.
#
# **A warehouse behind it.** Amazon Redshift is filled through a bucket: first the object, then a `COPY` of its rows into
# a table. The bucket with a name for each attempt has one crate twice. `COPY` adds all rows of an object; `MERGE` lets
# each row take the place of the one with its `id`, if there is one. Which of the two counts a ping twice?

# %%
doubled = predict(
    "19/loaded",
    "One crate landed twice. Each object is loaded into a table. Which way of loading "
    "leaves more rows than there are pings?",
    choices=["copy", "merge", "both", "neither"],
)
doubled

# %%
from dsys_lab.engines.delivery_stream import warehouse

# %%
rows = warehouse.loaded(stand["a name for each attempt"])
once = len(set(b"".join(stand["one name for a crate"].values()).splitlines()))
doubled.reveal(
    warehouse.counts_twice(rows, once),
    why="A warehouse enforces no primary key: what is loaded twice counts twice.",
    show=rows,
)

# %% [markdown]
# The warehouse of lab 11 and DuckDB agree. A mean looks harmless with a crate twice in it; a sum or a count does not.
# And if the warehouse is down, the object is in the bucket, and the stream holds the crate.
#
# **The shape of the pings changes.** The stream writes Parquet with columns `id` and `pulse`, and a new watch sends a
# field more, or a pulse that is no number:

# %%
from dsys_lab.engines.delivery_stream import ParquetCrates

# %%
columns = ParquetCrates("id string, pulse integer?")
new_watch = b'{"id": "w1", "pulse": 61, "oxygen": 97}'
for ping in b'{"id": "w1", "pulse": "?"}', new_watch:
    print(columns.unfit(ping))

# %%
typed = DeliveryStream("typed", VolatileDisk(), hints, form=columns)
typed.put(0, Entry("p1", new_watch))
[aside] = typed.attempts(0)
print(aside.to, aside.key, sep="\n")

# %% [markdown]
# It is set aside under a prefix of its own; pings that fit the columns go on. Who adds a column does it first in the table, then in the watches (lab 06).
#
# **Monday at seven** everybody syncs at once. A stream has limits:

# %%
facts("firehose_records_a_second", "firehose_bytes_a_second")

# %%
from dsys_lab.brokers.delivery_stream import Limits
from dsys_lab.scenarios.delivery_stream.reading import answers

# %%
two_a_second = Settings(limits=Limits(records=2, bytes=1_000))
small = DeliveryStream("small", VolatileDisk(), two_a_second)
answers(small.put_many(0, [Entry(f"p{n}", b"ping") for n in range(3)]))

# %% [markdown]
# One call, and an answer for *each* record: two were taken, one was not. The call itself succeeded. Who looks only at that
# has lost the third, and no stream can find it again.
#
# **A phone was offline.** Its pings come half an hour late, on average. The folder of an hour holds what *arrived* in it.
# What share lies in another hour than that in which it happened?

# %%
wrong_hour = predict(
    "19/hour",
    "Pings are late by half an hour on average (exponential). What share of them lies "
    "in the folder of another hour than their own?",
    between=(0, 100),
    unit="%",
)
wrong_hour

# %%
from dsys_lab.scenarios.delivery_stream import offline
from dsys_lab.scenarios.delivery_stream.reading import in_another_hour

# %%
by = {by: landed(offline, by=by) for by in ("arrival", "event")}
wrong_hour.reveal(
    100 * in_another_hour(by["arrival"]),
    law=100 * laws.in_another_hour_share(0.5),
    why="Nobody looked into the ping: the stream knows only when it came.",
    show=charts.bars(
        {name: 100 * in_another_hour(objects) for name, objects in by.items()},
        title="What lies in another hour?",
        unit="%",
    ),
)

# %% [markdown]
# Who wants the hour of the *event* makes it the folder (the second bar), and pays as in experiment 6: late pings open
# buffers of old hours. Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# The same story told to our stream in real time, with an interval of one second, and to *Firehose's own interface*, by
# boto3 against the stand-in moto: three pings one by one, then five in one call. Which of the two lets calls wait for each
# other?

# %%
who = predict(
    "19/who-buffers",
    "Three calls with a ping each and one with five, all within a second. Which of the "
    "two makes a single object?",
    choices=["the model", "Firehose's interface on moto", "both", "neither"],
)
who

# %%
from dsys_lab.engines.delivery_stream import runs

# %%
made = runs.both()
who.reveal(
    runs.who_buffers(made),
    why="Moto shows the calls and the names; it writes at once.",
    show=charts.bars(
        runs.pings_of_objects(made), title="Pings in each object", unit="pings"
    ),
)

# %% [markdown]
# So this stand-in is right about calls and names and silent about time. All differences that we know of:

# %%
from dsys_lab.engines.delivery_stream import FIREHOSE
from dsys_lab.lessons import differences

# %%
differences(FIREHOSE)

# %% [markdown]
# What does the promise cost, every ping on disk before its answer? The model delivers calls of a hundred records into a
# real folder. Against it the same bytes are appended to a plain file, once with a sync for each call, which makes them
# safe, and once without:

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.deliveries import MOVED_MIB, appended, put_and_delivered

# %%
ours, safe, plain = interleaved(
    put_and_delivered, partial(appended, safe=True), appended
)
measured([MOVED_MIB / one for one in ours], "MiB/s", usually="some MiB a second")

# %%
against_safe = [b / a for a, b in zip(safe, ours, strict=True)]
measured(against_safe, f"{unit} as the safe file", usually=f"a few {unit}")

# %%
against_plain = [b / a for a, b in zip(plain, ours, strict=True)]
measured(against_plain, f"{unit} as the plain file", usually=f"very many {unit}")

# %% [markdown]
# Nearly all of it is waiting for the disk: a call waits for one sync, a crate for several more (sealed, handed out, in
# its place, delivered), and every byte is written twice, into the log and into its object.

# %% [markdown]
# ## On real data
#
# Each of the departures from New York in the first week of January 2013 is put at its minute, with an interval of 900 s.
# A day has 96 times 900 s. How many objects does the week make?

# %%
week = predict(
    "19/week",
    "A week of departures, an interval of 900 s, and never so many that size matters. "
    "How many objects?",
    between=(0, 1_000),
    unit="objects",
)
week

# %%
from dsys_lab.scenarios.delivery_stream import departures

# %%
objects = departures.delivered()
week.reveal(
    len(objects),
    law=departures.objects_by_law(objects),
    why="At night nobody departs, and an hourglass begins with the first record.",
    show=charts.bars(
        departures.by_hour(objects), title="When do crates come?", unit="objects"
    ),
)

# %% [markdown]
# The law thinks of a steady rate, and these come by day. Does what landed say the same as the flights themselves? Asked by
# the same SQL, how late does one leave?

# %%
late, same = departures.late_by_airport(objects)
title = "How late does a flight leave, by what landed?"
charts.bars(late, title=title, unit="minutes")

# %%
print(f"what landed and the flights themselves: {'alike' if same else 'not alike'}")

# %% [markdown]
# The first day once more, as Parquet, in a folder for each airport:

# %%
by_airport = departures.delivered(
    days=1,
    form=ParquetCrates(departures.SCHEMA),
    partition_by=departures.of_origin,
)
asked(by_airport, "select origin, count(*) as rows from landed group by 1 order by 1")

# %%
print(*list(by_airport)[:3], sep="\n")

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | events shall lie in a store to be asked later, minutes old | a **delivery stream** | the age of the oldest |
# | somebody must *act* on each event within a second | not this: a queue (lab 16) or a log (lab 17) | |
# | readers want large files | a large size *and* an interval long enough to reach it | bytes an object |
# | readers want fresh data | a short interval, and a **compaction** behind it | objects a question |
# | a folder for each customer, hour, kind | only for what readers filter by, and few of them | objects a day |
# | records are JSON | a **delimiter**, or Parquet with a schema | `format-conversion-failed/` |
# | some records may be bad | a transform that judges each for itself | `processing-failed/` |
# | a ping must be one row | its own id, and a merge or a distinct at the end | rows against ids |
# | rows shall be asked by SQL in a warehouse | the bucket first, then `MERGE` by the ping's id | rows against ids |
# | somebody else's server wants them | an HTTP endpoint, and one id for a crate at all its attempts | `destination-failed/` |
# | the store may be down for days | a backup, and an alarm long before a day is over | the age of the oldest |
# | the past must be heard again, by several | a **log** first (lab 17), and the delivery stream as one of its readers | |

# %% [markdown]
# ## Exercises

# %%
exercise("19/flush_plan")


# %%
def flush_plan(rate, size_bytes, interval_s): ...


exercise("19/flush_plan", flush_plan)

# %%
exercise("19/hints")


# %%
def hints(): ...


exercise("19/hints", hints)

# %%
exercise("19/transform")


# %%
def transform(records): ...


exercise("19/transform", transform)

# %%
exercise("19/deliver")


# %%
def deliver(crate, attempt, body, call): ...


exercise("19/deliver", deliver)

# %% [markdown]
# **Design question.** Rows, once each.

# %%
exercise("19/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon Data Firehose Developer Guide: *understand data delivery*, *buffering hints*, *transform source data*, *handle
#   failure in data transformation*, *dynamic partitioning*, *custom prefixes*, *HTTP endpoint delivery request and
#   response specifications*; read in November 2026.
# - Amazon Redshift Database Developer Guide: *COPY*, *MERGE*; read in November 2026.
# - Amazon Data Firehose service model in botocore: the limits of calls and hints.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, *Transmitting event streams*, and ch. 10 on files as
#   output.
# - Armbrust and others, "Delta Lake: high-performance ACID table storage over cloud object stores", *VLDB* 2020: small
#   files, and compaction by a commit.
#
# Beyond one machine: Firehose grows by itself up to the account's quotas; the same work is done by Kafka Connect, Vector
# and Fluent Bit, and by Flink's file sink, whose crates are committed together with its position in the log (two phases,
# lab 18). What changes there is the commit: a table format instead of a folder, and compaction as a standing cost.
