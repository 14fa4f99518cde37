# %% [markdown]
# # Lake and warehouse
#
# <!-- binder --><!-- /binder -->
#
# *Decide what the data look like before they come, or when somebody asks: what each way loses, who pays for it, and what
# a log of files adds to a folder.*

# %% [markdown]
# ## Question
#
# The wearables of *Slumber* send a document a night. In the third week they get a new firmware, in the ninth another
# one, each on a day of its own; and each firmware writes documents of another shape. Nobody asked the people who had
# made a table of the first one.
#
# Should the shape be checked when a document is written, or when it is read? What is lost, when does it show, and who
# does the work?
#
# *In a hurry:* Picture, By hand, experiments 1, 2 and 6 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
    differences,
    exercise,
    facts,
    notes,
    player,
    predict,
    progress,
    show_source,
)
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Data lakes and Data warehouse")

# %% [markdown]
# Keep: a field that was thrown away cannot be had back. That is what an option is worth, and experiment 2 counts it.
# Sharpen, as of November 2026:
#
# | the notes say | in finer print |
# |---|---|
# | in a lake you'll figure out later how to use it | the work is moved, not saved: every reader does it, each in a way of their own |
# | a warehouse can result in data loss | that is a choice of the loader; what does not fit can be set aside, or kept beside the row |
# | a data lake is recommended | keep the raw data *and* make typed tables of them, and decide for each kind of data |
# | a warehouse is the single source of truth | a table made of raw data is derived; the truth is what it can be made from again |
# | lake here, warehouse there | since about 2020 a **table format** gives plain files transactions: a *lakehouse* |
#
# The words: *schema on write* checks a document against a list of columns and types, the **schema**, when it comes;
# *schema on read* when somebody asks. *Drift* is what happens to the shapes of data that nobody holds still.

# %% [markdown]
# ## Picture
#
# Eighteen nights, evenly out of thirteen weeks, come down the river. Each is a disc with the number of its firmware. They
# come to three **gates** of a warehouse whose table was agreed on when there was firmware 1 only. *Strict* puts a document
# that does not fit aside, into a **quarantine**. *Lossy* loads it, and lets go of every value that has no column: it bursts
# at the gate. *Rescue* loads it, and keeps these values aside. Press **space**.

# %%
from dsys_lab.scenarios.lake_and_warehouse import river

# %%
player(river, compare={"way": ("strict", "lossy", "rescue")}, count=(6, 40))

# %% [markdown]
# Under a lane is the account of its discs, documents and values that came off them: *offered* are all that there were,
# *stored* (and the curve *depth*) those that lie somewhere, *dropped* and *lost* those that burst. The lamp of a lane
# breaks if a value is lost for ever.
#
# Now a **lake**, which has no gate. In the end two readers come to it: one knows the shape of firmware 1, one knows all
# shapes. What a reader sees of a document is a disc of its own; where it finds no minutes, it has a *NULL*.

# %%
player(river, way="lake", count=(6, 40))

# %% [markdown]
# ## By hand
#
# The three shapes:

# %%
from dsys_lab.scenarios.lake_and_warehouse.river import shapes

# %%
lines = shapes()
for line in lines.values():
    print(line)

# %% [markdown]
# A schema here is a list of columns: a name, a type, and where in a document it may stand; `*60` converts the unit, `!`
# means that there is no row without it. The first one below is what was agreed on for firmware 1; the second knows all
# three places of the minutes. First on read:

# %%
import pandas as pd

from dsys_lab.stores.lake.schema_on_read import read, wanted

# %%
one_shape = wanted(
    "id! whole", "d text", "p whole", "city text", "minutes whole hours_sleep*60"
)
all_shapes = wanted(
    "id! whole", "minutes whole hours_sleep*60 sleep_minutes sleep.minutes"
)

# %%
by_one, by_all = (read(lines.values(), shape) for shape in (one_shape, all_shapes))
pd.DataFrame(
    {
        "minutes, who knows one shape": by_one.column("minutes"),
        "minutes, who knows all shapes": by_all.column("minutes"),
    },
    index=lines,
    dtype=object,
)

# %% [markdown]
# And on write, in the three modes of the picture. One line more was cut off on its way:

# %%
from dsys_lab.scenarios.lake_and_warehouse.counts import fates

# %%
pd.DataFrame(fates({**lines, "cut off": '{"id":99,"hours_sle'}, one_shape))

# %% [markdown]
# What is no JSON can be loaded by nobody. (And a schema with fewer columns, say `id` and `minutes` alone, would make
# *strict* set firmware 1's own document aside: its `city` would be one value too many.)
#
# Now a table on plain files. Underneath is an **object store** (lab 07): whole objects under keys, and one condition,
# *put only if there is none*.

# %%
from dsys_lab.stores.lake import Fields, JsonLines, LakeTable, TableLog
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.stores.table import Between
from dsys_lab.structures import VolatileDisk

# %%
store = JournaledStore(VolatileDisk())
log = TableLog(store, "nights", JsonLines())
nights = LakeTable.create(log, Fields.of("id long, minutes integer?"))

# %%
nights.append({"id": [1, 2, 3], "minutes": [450, None, 390]})
nights.append({"id": [4], "minutes": [26_000]})
nights.delete(Between("id", 4, 4))
pd.DataFrame(nights.read().columns, dtype=object).set_index("id")

# %% [markdown]
# To make the table was **version** 0, and each change made one more. All of them can still be read:

# %%
ids = {n: nights.read("id", version=n).columns["id"] for n in range(4)}
pd.Series({f"version {n}": str(found) for n, found in ids.items()}).to_frame("ids")

# %% [markdown]
# What does not fit is refused before a byte is written:

# %%
from dsys_lab.scenarios.lake_and_warehouse.counts import refused

# %%
for wrong, told in refused().items():
    print(f"{wrong}: {told}")

# %% [markdown]
# ## Look inside
#
# What lies in the store, and what commit 3 says:

# %%
for one in every(store):
    print(one.key)

# %%
import json

for line in store.get(log.key(3)).data.splitlines():
    print(json.dumps(json.loads(line), indent=1))

# %% [markdown]
# A *commit* (Delta's word; where it ends, Iceberg speaks of a new *snapshot*) is one object, named by its number, a line of JSON for each **action**. A file is of the table if it was
# added and not removed since; nothing else decides. So the table at a version is a fold over the commits:

# %%
from dsys_lab.stores.lake import after

show_source(after)

# %% [markdown]
# Two writers, A and B, begin at version 4. The store lets one of them have the name of commit 5:
#
# ```mermaid
# sequenceDiagram
#     participant A
#     participant store
#     participant B
#     A->>store: put part-a
#     B->>store: put part-b
#     A->>store: put 5.json if absent
#     store-->>A: it is there, version 5 is yours
#     B->>store: put 5.json if absent
#     store-->>B: taken
#     B->>store: get 5.json, what did A do?
#     alt it is no matter to B
#         B->>store: put 6.json if absent
#     else B depends on what A changed
#         B->>B: begin again at version 5
#     end
# ```
#
# Who comes second may go on if he would have written the same, had he begun after the first. This is the whole of that
# rule:

# %%
from dsys_lab.stores.lake import conflict

show_source(conflict)

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the other predictions each open their own experiment.

# %%
unseen = predict(
    "06/unseen",
    "A reader was mended in the third week, and knows firmware 1 and 2 since. Of all "
    "nights of the thirteen weeks, how many of a hundred have no length to it?",
    between=(0, 100),
    unit="%",
)
unseen

# %% [markdown]
# ## Play
#
# ### 1. Drift
#
# A mended reader looks for the length of a night in `hours_sleep` and in `sleep_minutes`. In the ninth week there is a
# third place. 6,000 of the nights, evenly out of all:

# %%
from dsys_lab.scenarios.lake_and_warehouse import counts

# %%
looks = "hours_sleep*60", "sleep_minutes"
share = counts.unseen(*looks)
unseen.reveal(
    100 * share,
    why="Less than five weeks of thirteen, but more people join every day: most nights "
    "are late ones.",
    show=charts.lines(
        {"knows firmware 1 and 2": counts.unseen_by_day(*looks)},
        title="Nights without a length",
        x="day",
        y="share",
    ),
)

# %% [markdown]
# And the same documents at the three gates of the picture:

# %%
pd.DataFrame(counts.loaded()).T

# %% [markdown]
# (*Strict* lets in more than firmware 1: an unknown field that is null is nothing.)
#
# In the lake everything is there. A reader who wants the length of a night takes whatever stands in a field for it,
# `hours_sleep`, `sleep_minutes` or `sleep.minutes`, and does not look at units. How long is the median night of day 10,
# in the second week, to this reader? (It is 400 to 480 minutes in truth.)

# %%
day_ten = predict(
    "06/day-ten",
    "The median night of day 10, as told by a reader who minds no units?",
    between=(0, 600),
    unit="minutes",
)
day_ten

# %%
seen = counts.drift()
medians = {name: one["median"] for name, one in seen.items()}
nulls = {name: one["null"] for name, one in seen.items()}
blind = dict(medians["takes what is there, no units"])

# %%
day_ten.reveal(
    blind[10],
    why="These are hours. In the third week they become minutes, and nothing says so.",
    show=(
        charts.lines(medians, title="Median night", x="day", y="minutes"),
        charts.lines(nulls, title="Nights without a length", x="day", y="share"),
    ),
)

# %% [markdown]
# Three readers, one lake. One sees the nights vanish and takes it for a quiet month; one sees people sleep sixty times
# longer; one looked at all three shapes. None was told of anything wrong:

# %%
pd.DataFrame(counts.mismatches()).T

# %% [markdown]
# ### 2. Regret
#
# Firmware 3 sends `spo2`, the oxygen in the blood. Nobody asks for it, until after 5,000 of the 6,000 documents
# somebody does, and the table gets a column. The gate is lossy.

# %%
there = counts.with_oxygen()
print(f"the first document with it is number {there[0]:,} of 6,000")

# %%
lost = predict(
    "06/regret",
    "The column is added after 5,000 documents. Of how many nights is the oxygen lost "
    "for ever?",
    between=(0, 6_000),
    unit="nights",
)
lost

# %%
from dsys_lab import laws

# %%
regret = counts.regret(noticed_after=5_000)
lost.reveal(
    regret["lossy"]["lost"],
    why=f"At most {laws.lost_values(6_000, there[0], 5_000):,}: all between its first "
    "day and the change, less those whose wearable was still to get the firmware.",
    show=pd.DataFrame(regret).T,
)

# %% [markdown]
# *In the column*: who asks the table is told these. *Can be told*: by somebody who looks into the quarantine, beside
# the rows, or into the lake. Move the day on which it was noticed:

# %%
charts.sliding(
    lambda after: charts.bars(
        {way: one["lost"] for way, one in counts.regret(noticed_after=after).items()},
        title=f"The column is added after {after:,} documents",
        unit="nights lost",
    ),
    at={"after": 5_000},
    after=(0, 6_000, 1_000),
)

# %% [markdown]
# ### 3. The same nights in five layouts
#
# One question, *the minutes of the first week of March*. Lines must be read whole. **Parquet** has each column apart,
# and says where. And the log tells of each file its least and greatest day, so that a file without such a day is not
# opened; that helps if the days lie together.

# %%
fewer = predict(
    "06/layouts",
    "How many times fewer bytes does the question read of Parquet files by day than "
    "of JSON lines?",
    between=(1, 1_000),
    unit="times",
)
fewer

# %%
from dsys_lab.engines.lakehouse.layouts import layouts
from dsys_lab.scenarios.lake_and_warehouse.river import ALL_SHAPES, documents

# %%
cost = layouts(documents(), ALL_SHAPES, first="2017-03-01", last="2017-03-07")
raw, best = cost["JSON lines"], cost["Parquet, files by day"]

# %%
fewer.reveal(
    raw["read"] / best["read"],
    why="Names and quotes are gone, most columns are left alone, most files too; the "
    "factors multiply.",
    show=(
        charts.bars(
            {name: one["read"] / 1_000 for name, one in cost.items()},
            title="Read for one week and one column",
            unit="KB",
        ),
        pd.DataFrame.from_dict(cost, orient="index").round(2),
    ),
)

# %% [markdown]
# (*columns*, *files*: which share of the bytes the columns and the files that are needed have.) Thirteen files with some
# of every day are worse than one: nothing is skipped, and each has a directory of its own.
#
# ### 4. When does modelling pay?
#
# To make the table, all lines are read once and the table is written. Each question is cheaper from then on. In bytes:

# %%
pays = predict(
    "06/break-even",
    "From how many questions on does the table move fewer bytes than the raw lines?",
    between=(1, 200),
    unit="questions",
    found="worked out",
)
pays

# %%
made = raw["read"] + best["bytes"]
even = laws.break_even_queries(made, raw["read"], best["read"])

# %%
asked = (0, 1, 2, 3, 4, 5)
moved = charts.lines(
    {
        "raw lines": [(n, n * raw["read"] / 1e6) for n in asked],
        "table, with its making": [(n, (made + n * best["read"]) / 1e6) for n in asked],
    },
    title="Bytes moved until the last question is answered",
    x="questions",
    y="MB",
)

# %%
pays.reveal(
    int(even) + 1,
    law=even,
    why="A question on raw lines reads all of them, which is nearly what it costs to "
    "make the table.",
    show=moved,
)

# %% [markdown]
# In bytes it pays at once, and that is not the whole price. Somebody must find out what the fields mean, write it down,
# and do it again at the next firmware. Say what that costs, in the bytes of one reading of the lake:



# %%
def when_it_pays(work, most=300):
    cost = made + work * raw["read"]
    first = int(laws.break_even_queries(cost, raw["read"], best["read"])) + 1
    return charts.lines(
        {
            "lake": [(n, n * raw["read"] / 1e6) for n in (0, most)],
            "table": [(n, (cost + n * best["read"]) / 1e6) for n in (0, most)],
        },
        bands={f"ahead, from {first} on": (first, most)},
        title=f"To model it costs {work} readings of the lake",
        x="questions",
        y="MB moved",
    )


# %%
charts.sliding(when_it_pays, at={"work": 50}, work=(0, 200, 10))

# %% [markdown]
# ### 5. Small files
#
# A wearable's night as a file of its own is the easiest thing to write. 256 MB in 8 files or in 1,000, read over 8
# connections at once. A connection waits 30 ms for the first byte of each file, and then has 90 MB a second (a model's
# speeds).

# %%
slower = predict(
    "06/small-files",
    "How many times longer does it take to read 1,000 files than 8 of the same bytes?",
    between=(1, 100),
    unit="times",
)
slower

# %%
took = dict(counts.small_files_s(1, 8, 64, 256, 1_000, 4_000, 10_000))
by_law = counts.small_files_by_law

# %%
slower.reveal(
    took[1_000] / took[8],
    law=by_law(1_000) / by_law(8),
    why="The bytes take as long as before; each connection waits 125 times for a "
    "first byte.",
    show=charts.against_law(
        {"8 connections": [(files, s, 0.0) for files, s in took.items()]},
        laws={"8 connections": by_law},
        title="Reading 256 MB, cut into files",
        x="files",
        y="seconds",
        log_x=True,
        log_y=True,
        whole_x=True,
    ),
)

# %% [markdown]
# One file is bad, too: seven connections have nothing to do. A **compaction** writes small files as one, in a commit
# that changes no row. *Gets* are the objects that a question fetches, files and log:

# %%
pd.DataFrame(counts.compacted()).T

# %% [markdown]
# The log itself is made of small files, and a reader must fold all of them. So now and then (here every ten commits, and the
# writer decides) a **checkpoint** says what they come to: a reader begins there. (It is a summary of the log. The checkpoint
# of a stream job, in lab 04, is how far a reader came.)

# %%
facts("delta_rs_checkpoint")

# %%
opened = counts.log_gets(*range(1, 36, 3))
charts.against_law(
    {"checkpoint every 10": [(at, gets, 0.0) for at, gets in opened]},
    laws={"checkpoint every 10": lambda commits: laws.log_gets(int(commits), 10)},
    title="What a reader gets to know the latest version",
    x="commits",
    y="objects",
    whole_x=True,
)

# %% [markdown]
# ### 6. Two write at once
#
# A folder can be a table by agreement: a list of its files, which a writer reads, adds its file to, and puts back. Four
# writers do so, four files each, and each is told *done*. (What can go wrong here is called a *lost update*. You will meet
# it again at one object in lab 07, at one row in lab 08 and in one document in lab 10: each has another cure.)

# %%
kept = predict(
    "06/list",
    "Four writers, four files each, and a list that each puts back as it was read, and "
    "one more. Which share of the files is in the list in the end?",
    between=(0, 100),
    unit="%",
)
kept

# %%
from dsys_lab.scenarios.lake_and_warehouse import race

# %%
shares = {way: counts.kept_rows(way, 1, 2, 4, 8) for way in ("folder", "log")}
((_, share, error),) = [one for one in shares["folder"] if one[0] == 4]

# %%
told = {way: [(n, one) for n, one, _ in points] for way, points in shares.items()}
kept_of = charts.lines(
    told, title="Kept of what was acknowledged", x="writers", y="share"
)

# %%
kept.reveal(
    100 * share,
    standard_error=100 * error,
    why="Who puts the list back takes out whatever came in since it was read.",
    show=(
        player(
            race,
            compare={"way": ("folder", "log")},
            writers=(1, 6),
            each=(1, 4),
            at={"writers": 4, "each": 4},
        ),
        kept_of,
    ),
)

# %% [markdown]
# In the list, a file bursts when somebody puts the list back without it; now and then another's list brings one back, so ✗
# counts those that are gone for now. By the log, a name that is taken bounces, and
# the next one is tried: an append read nothing, so nothing that came between is a matter to it. For $w$ writers who begin
# at once that makes $w(w+1)/2$ tries:

# %%
tried = counts.race_tries(1, 2, 4, 8)
charts.against_law(
    {"counted": [(writers, tries, 0.0) for writers, tries in tried]},
    laws={"counted": lambda writers: laws.race_tries(int(writers))},
    title="Appends that begin at once",
    x="writers",
    y="tries",
    whole_x=True,
)

# %% [markdown]
# A *delete* did read the file that it writes anew. Who comes second is refused, looks again, and does it again. Two
# writers take two nights each out of one file:

# %%
player(race, change="deletes", writers=(1, 4), each=2)

# %% [markdown]
# ### 7. Undo
#
# Somebody loads a day whose minutes are seconds. Because no file is ever changed, the version before is still there:

# %%
pd.DataFrame(counts.undone()).set_index("step")

# %% [markdown]
# A *vacuum* deletes the files that were removed longer ago than the table's own **retention** (not that of a log, lab 01: of
# removed files), a week if nobody says otherwise. It makes room, it is what a person's wish to be deleted waits for, and it
# is the end of every older version that needs them.

# %%
facts("delta_vacuum_retention")

# %% [markdown]
# ### 8. A vacuum beside those who write
#
# A writer that crashes leaves files that no commit names; a vacuum takes these **orphans**, too. But the file of a writer
# that is still at work looks just like one. So the vacuum asks the store when a file was put, and keeps what is younger
# than the retention. Somebody wants room, and sets it to four hours. The loads of this table take ten hours from their
# file to their commit.

# %%
swept = predict(
    "06/swept",
    "A load takes 10 hours from its file to its commit. A vacuum comes once a day, and "
    "keeps what is younger than 4 hours. Of the loads that are told *done*, which "
    "share has lost its file?",
    between=(0, 100),
    unit="%",
)
swept

# %%
from dsys_lab.scenarios.lake_and_warehouse import sweep

# %%
taken = counts.swept_shares(0, 4, 8, 12)
swept_by = charts.against_law(
    {"counted": taken},
    laws={"counted": lambda hours: laws.swept_share(10, hours, 24)},
    title="Loads of ten hours, a vacuum a day",
    x="retention, hours",
    y="share lost",
)

# %%
[_, (_, share, error), *_] = taken
swept.reveal(
    100 * share,
    law=100 * laws.swept_share(10, 4, 24),
    standard_error=100 * error,
    why="For six hours the file is old enough and has no commit yet: in six of a day's "
    "24 hours the vacuum comes just then.",
    show=(
        player(sweep, compare={"retention_h": (4, 168)}, load_h=(2, 20, 2)),
        swept_by,
    ),
)

# %% [markdown]
# The load is told *done*, for its commit went through; the commit names a file that is gone. With a week nothing is lost,
# and night 0, whose load crashed, is taken all the same once it is a week old. The retention is two promises in one: how
# far back one can read, and how long a load may take.

# %% [markdown]
# ## Break it
#
# **Half a day.** A writer writes a day in six files of a row each, one every half second; a reader looks, and counts the
# rows, every 0.4 seconds. After 1.6 seconds the writer crashes.

# %%
half = predict(
    "06/half",
    "The folder's reader sees all files that lie there. How many of the day's six rows "
    "does it see from then on?",
    between=(0, 6),
    unit="rows",
)
half

# %%
from dsys_lab.scenarios.lake_and_warehouse import half_a_job

# %%
crash = [{"do": "crash", "target": "writer", "at_s": 1.6}]
stopped = half_a_job(way="folder", faults=crash)
last = stopped.of("gauge")[-1].fields["value"]

# %%
half.reveal(
    last,
    why="A file is there as soon as it is put. Nobody says that the day is not whole.",
    show=player(half_a_job, compare={"way": ("folder", "log")}, faults=crash),
)

# %% [markdown]
# The lamp counts *looks*: each one that saw a part of the day, neither nothing nor the whole.
#
# **The power goes at any moment.** A day of three rows, by a folder and by the log; the power is cut before each step of
# the disk in turn.

# %%
pd.DataFrame({way: counts.power_cuts(way) for way in ("folder", "log")})

# %% [markdown]
# *Files without a commit* are orphans: nobody reads them, and one day a vacuum takes them.
#
# **No answer.** The store does what it was asked, and its answer is lost on the way. The writer tries again:

# %%
pd.DataFrame({"rows of the one that was sent": counts.lost_answer()})

# %% [markdown]
# A number of the writer's own stands in the commit (`txn`), so the second try finds that it was there.
#
# **A reader who came late.** A reader takes version 2, to read it at leisure; meanwhile a row is deleted, and a vacuum
# keeps nothing.

# %%
from dsys_lab.stores.lake import VersionGone

# %%
before = log.snapshot(2)
nights.vacuum(now_ms=0, retention_ms=0)
try:
    nights.read_at(before)
except VersionGone as gone:
    print(gone)

# %% [markdown]
# ## Measure
#
# The model keeps to the *Delta* protocol. So with Parquet for its files, and a real folder for its store, its tables
# are real ones. DuckDB reads the files that the log lists:

# %%
from tempfile import TemporaryDirectory

from dsys_lab.engines.lakehouse import FolderStore, Parquet, ask

# %%
folder = TemporaryDirectory()
ours = LakeTable.create(
    TableLog(FolderStore(folder.name), "nights", Parquet()),
    Fields.of("id long, minutes integer?"),
)
ours.append({"id": [1, 2, 3], "minutes": [450, None, 390]})
[(rows, middle)] = ask(ours, "select count(*), median(minutes) from this")
print(f"{rows} nights, the median of them {middle:g} minutes")

# %% [markdown]
# *delta-rs* is the protocol in Rust, by others: it reads the log, too. Then it writes, and the model reads. (It comes
# with the extra `lake`: `pip install 'dsys_lab[lake]'`.)

# %%
from dsys_lab.errors import EngineMissing

# %%
try:
    from dsys_lab.engines.lakehouse.delta import DeltaRs

    theirs = DeltaRs(f"{folder.name}/nights")
    print("delta-rs reads", *zip(*theirs.read().values(), strict=True))
    theirs.append({"id": [4], "minutes": [420]})
    theirs.delete(Between("id", 2, 2))
    print("the model reads", *sorted(ours.read().rows))
    print("the log says", ", ".join(theirs.operations()))
except EngineMissing as missing:
    print(missing)

# %% [markdown]
# A real lake lies in S3, whose API has the one condition that a commit needs: *put, if there is none*
# (`If-None-Match: *`). The same log over this API, by boto3 against the stand-in *moto* (or the store that
# `DSYS_LAB_S3_ENDPOINT` names). Writers A and B both look at the table, and then each wants to change it; twice:

# %%
from dsys_lab.engines.aws.object_store import S3Bucket
from dsys_lab.engines.lakehouse.race import two_writers

# %%
with S3Bucket() as bucket:
    told = two_writers(bucket)
pd.DataFrame(told).set_index("writer")

# %% [markdown]
# All differences that we know of between the model and delta-rs, each held by a test:

# %%
from dsys_lab.engines.lakehouse import DIFFERENCES

differences(DIFFERENCES)

# %% [markdown]
# *Iceberg* is the other format: not a log but a tree of metadata, whose top is written anew for every version. In it a
# column is its number. So it can be called otherwise, and no file is touched; and a new column of the old name does not
# find the old values. Below, each row has its night, its city, and the new `id`; then the first version, as it was:

# %%
try:
    from dsys_lab.engines.lakehouse.iceberg import IcebergTable

    table = IcebergTable(f"{folder.name}/ice", Fields.of("id long?, city string?"))
    first = table.append({"id": [1], "city": ["Oslo"]})
    table.rename("id", "night")
    table.add_column("id", "long")
    table.append({"night": [2], "id": [9]})
    print("now:", *sorted(zip(*table.read().values(), strict=True)))
    print("the first version:", table.read(snapshot=first))
except EngineMissing as missing:
    print(missing)

# %% [markdown]
# And the clock: the median of 100,000 nights in ten files, by the model's own read and by DuckDB, which asks the same
# log for the same files, in turns.

# %%
from statistics import median

from dsys_lab.benchmark import interleaved
from dsys_lab.lessons import measured

# %%
for first in range(0, 100_000, 10_000):
    ids = list(range(first, first + 10_000))
    ours.append({"id": ids, "minutes": [400 + one % 97 for one in ids]})

# %%
model_s, duckdb_s = interleaved(
    lambda: median(one for (one,) in ours.read("minutes").rows if one is not None),
    lambda: ask(ours, "select median(minutes) from this"),
)
ratio = [a / b for a, b in zip(model_s, duckdb_s, strict=True)]
measured(ratio, "times DuckDB's time", usually="several times DuckDB's time")

# %% [markdown]
# The log costs both the same; the difference is who looks at the values. A table format is no engine: any may read it.

# %% [markdown]
# ## On real data
#
# Every flight that left New York in 2013, a commit a month, in the order in which the months lie in the data: 1, 10,
# 11, 12, 2, … Two questions: about February, and about the airline United.

# %%
from dsys_lab.engines.lakehouse.flight_table import flight_table, opened

# %%
year = flight_table(folder.name)
asked = {"February": Between("month", 2, 2), "United": Between("carrier", "UA", "UA")}
for row in opened({"by month": year}, asked):
    print("{question}: {files opened} of {of} files opened, {KB} KB".format(**row))

# %% [markdown]
# Files are skipped by what they lie together by, and by nothing else. What if the questions are about airlines? Then the
# table can be **partitioned** by the airline, a word for files dealt out by a column's value (labs 09 and 17 mean machines
# by it): each file has the flights of one, and the log says of which, in whatever order the flights come. There are sixteen
# airlines, and still a commit a month.

# %%
parted = predict(
    "06/partitions",
    "The same flights in twelve commits, partitioned by sixteen airlines. How many "
    "files has the table?",
    between=(1, 300),
    unit="files",
)
parted

# %%
by_airline = flight_table(folder.name, name="by_airline", partition_by=["carrier"])
both = opened({"by month": year, "by airline": by_airline}, asked)

# %%
parted.reveal(
    by_airline.status().files,
    law=12 * 16,
    why="A file for each airline in each commit; not every one flies in every month.",
    show=tuple(
        charts.bars(
            {f"{row['question']}, {row['table']}": row[what] for row in both},
            title=f"{what[0].upper()}{what[1:]} for a question",
            unit=what,
        )
        for what in ("KB", "files opened")
    ),
)

# %% [markdown]
# A question about an airline reads what it needs. All other questions pay for it: many small files (experiment 5), which
# a compaction joins within an airline and no further. So a partition should be a column that is asked for, with few values.
#
# In the files there is no airline any more. DuckDB reads it off the names of the folders, delta-rs out of the log:

# %%
question = "select count(*), max(dep_delay) from this where carrier = 'UA'"
[(flown, longest)] = ask(by_airline, question)
print(f"DuckDB: {flown:,} flights, the longest delay {longest:,} minutes")
try:
    from dsys_lab.engines.lakehouse.delta import DeltaRs

    [(flown, longest)] = DeltaRs(f"{folder.name}/by_airline").select(question)
    print(f"delta-rs: {flown:,} flights, the longest delay {longest:,} minutes")
except EngineMissing as missing:
    print(missing)

# %% [markdown]
# Now a load that goes wrong, as loads do: February
# comes a second time. It is seen, and undone.

# %%
before = year.status()
year.append(year.read(where=Between("month", 2, 2)).columns)
print(year.status().rows - before.rows, "rows too many")
year.restore(before.version)
print(year.status().rows - before.rows, "after version", len(year.history()) - 1)

# %%
folder.cleanup()

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | nobody knows yet what will be asked | keep it raw, as it came, and say who owns it | what nobody has read for a year |
# | the same is asked every day | a typed table, made from the raw data and able to be made again | what lies in the quarantine |
# | shapes change without notice | strict or rescue; never lossy without a copy of the lines | misfits a day, by field |
# | several write, or somebody reads while one writes | a log of commits, not a folder | refused commits |
# | thousands of small files | compact, by what is asked for | requests a question |
# | one column is in nearly every question | partition by it, if it has few values | files, and their size |
# | a bad load must be undone | versions, and a retention longer than it takes to notice, and than a load takes | the age of the oldest version |
# | a person asks to be deleted | tables with few files for a person, or a key for each person | how long until the vacuum |
# | few rows, changed one by one | a database: here each delete writes its file anew | bytes written a row |

# %% [markdown]
# ## Exercises

# %%
exercise("06/minutes_of")


# %%
def minutes_of(line): ...


exercise("06/minutes_of", minutes_of)

# %%
exercise("06/cheapest")


# %%
def cheapest(model_cost, lake_query, warehouse_query, queries): ...


exercise("06/cheapest", cheapest)

# %%
exercise("06/live_files")


# %%
def live_files(commits, version): ...


exercise("06/live_files", live_files)

# %% [markdown]
# **Design question.** Pings, orders, chats: a lake, a warehouse, or both?

# %%
exercise("06/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - github.com/delta-io/delta, *Delta transaction log protocol*; delta.io, *concurrency control*, *vacuum*;
#   iceberg.apache.org, *Iceberg table spec*; read in November 2026.
# - Armbrust et al., "Delta Lake: high-performance ACID table storage over cloud object stores", VLDB 2020; "Lakehouse: a
#   new generation of open platforms that unify data warehousing and advanced analytics", CIDR 2021.
# - Miller et al., "Data lake management: challenges and opportunities", VLDB 2019; Kung and Robinson, "On optimistic
#   methods for concurrency control", TODS 1981.
# - Kimball and Ross, *The Data Warehouse Toolkit*, 2013; Kleppmann, *Designing Data-Intensive Applications*, ch. 4, 10.
# - The flights: Bureau of Transportation Statistics, by way of the R package nycflights13.
#
# Beyond one machine: S3 with the Glue catalogue and Athena, Spark or Trino; S3 Tables, which are Iceberg kept by AWS;
# Redshift reading lake files. There the catalogue is the new single point, planning a question reads thousands of
# manifests, and a prefix takes so many requests a second and no more (lab 07).
