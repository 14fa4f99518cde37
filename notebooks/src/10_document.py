# %% [markdown]
# # Document store
#
# <!-- binder --><!-- /binder -->
#
# *A store that looks inside of what it keeps: what it finds by, what arrays hide, and what growing costs.*

# %% [markdown]
# ## Question
#
# Each sleeper of *Slumber* has a **profile**: a city, a plan, how long they sleep, and a list of devices, none for
# some and three for others. The app asks for a profile by its number. But support asks who lives in Oslo, and the
# workshop has found that rings with firmware 3 have a fault: who wears one?
#
# A plain key-value store knows a profile by its number only. What does it take to find it by *anything* that stands in
# it, and what is paid for that?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 7 of Play, and [Choose](#Choose).

# %%
import pandas as pd

from dsys_lab.lessons import exercise, facts, notes, player, predict, progress

# %% [markdown]
# ## The notes say

# %%
notes("Document - AWS DocumentDB")

# %% [markdown]
# A good instinct, and the question mark is right, too. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | better indexing on json properties | indexes over *any* path, also into lists; DynamoDB has secondary indexes as well, but over attributes of the top level only |
# | (asked ad hoc) | a **planner** chooses the index, and says why |
# | (more than get and put) | changes of *parts*, done by the store; sums over many documents |
# | DocumentDB | MongoDB's *API* on a storage of Amazon's own, much like Aurora's (lab 08), and not MongoDB's engine: calls are alike, plans and limits may differ |
# | (the name) | *DocumentDB* is also an extension of PostgreSQL, begun at Microsoft, now with the Linux Foundation: another thing |
# | (no schema) | then the schema is in every reader (lab 06, *schema on read*) |

# %%
facts("documentdb_copies", "documentdb_replicas", "documentdb_document_max")

# %% [markdown]
# ## Picture
#
# Below, profiles as small trees: number, city, minutes of sleep; and a leaf for each device, *ring 2* is a ring with
# firmware 2. Above them an **index**: a shelf of cards, sorted by what stands on them; from each card that led on, a
# line to the tree that it was made from. The question is *who lives in Oslo?*, and the cards are of cities.
#
# Green is a tree that was wanted, or a card that led on; hatched in yellow is what was looked at in vain; grey was left
# alone.

# %%
from dsys_lab.scenarios.document import along_the_shelf
from dsys_lab.views import charts

shelf = charts.shelf_and_trees
shelf(along_the_shelf(question="lives in Oslo", index="city"))

# %% [markdown]
# Now choose: the same question without an index, and other questions over other shelves. On a shelf of devices, a tree
# with two kinds of them has two cards.

# %%
from dsys_lab.scenarios.document.profiles import INDEXES, QUESTIONS

charts.sliding(
    lambda question, index: shelf(along_the_shelf(question=question, index=index)),
    question=list(QUESTIONS)[:4],
    index=list(INDEXES),
)

# %% [markdown]
# The same as a film, a row at a time, with and without the shelf: each tile a card or a document. Press **space**.

# %%
asked = {"question": "lives in Oslo", "people": 120}
player(along_the_shelf(**asked, index="city"), along_the_shelf(**asked, index="none"))

# %% [markdown]
# ## By hand
#
# A **collection** is a set of documents, each with an `_id`. Make one, on a disk that counts and forgets:

# %%
from dsys_lab.stores.document_store import Collection
from dsys_lab.structures import VolatileDisk

profiles = Collection(VolatileDisk())
ring, watch = {"kind": "ring", "fw": 2}, {"kind": "watch", "fw": 3}
for number, devices in ((3, []), (8, [watch]), (17, [ring, watch])):
    told = profiles.insert(
        {"_id": number, "city": "Oslo", "nights": 3, "devices": devices}
    )
told

# %% [markdown]
# One card for the last of them: that of `_id`, the index that is always there. A question is itself a document; a
# **path** has dots between its names, and opens lists on its way. The answer is explained: stages, the last on top and
# how many each handed on; what was looked at; and for each way how many cards and documents it would look at.

# %%
profiles.create_index("devices.kind", "devices.fw")
print(profiles.explain({"devices.kind": "ring"}))

# %% [markdown]
# **IXSCAN** goes along a stretch of cards, **FETCH** opens their documents and tests the whole question on each. Without
# an index it is **COLLSCAN**: open all. What is on the shelf?

# %%
profiles.shelf("devices.kind, devices.fw")

# %% [markdown]
# A card for each element; at its end the document's place in the collection, where 0 came first (and has no devices). An
# update says what is *to be done*:

# %%
more = {"$inc": {"nights": 1}, "$push": {"devices": {"kind": "mat", "fw": 1}}}
profiles.update_one({"_id": 17}, more)

# %% [markdown]
# One document changed; so many bytes of it, so many in the log (of a profile this small, saying what is to be done takes
# no less), and one card put up. What does not fit is refused before anything is done:

# %%
from dsys_lab.errors import Refused

try:
    profiles.update_one({"_id": 17}, {"$inc": {"city": 1}})
except Refused as refusal:
    print(refusal)

# %% [markdown]
# ## Look inside
#
# A document is kept as bytes: for each value a *tag* (its kind), its name, and itself. Names are in there each time:

# %%
from dsys_lab.stores.document_store import encode

encode({"fw": 3}).hex(" ")

# %% [markdown]
# A shelf must hold values of every kind in *one* order. Each kind has a bracket, so that no number is ever between two
# strings; and where does that leave a number that came as a string?

# %%
from dsys_lab.stores.document_store.index_keys import emitted, key_of

sorted(["7.5", 8, None, 7.5, True, -1, "10"], key=key_of)

# %% [markdown]
# Which cards does a document put up? One for each element of a list. Two paths into the *same* list take their values
# from one element; that will matter.

# %%
person = {"city": "Oslo", "devices": [ring, watch]}
kind, firmware = ("devices", "kind"), ("devices", "fw")
emitted(person, [kind]), emitted(person, [kind, firmware])

# %%
from dsys_lab.lessons import show_source

show_source(emitted)

# %% [markdown]
# A write becomes one record of a journal; only then do the document and its cards change:
#
# ```text
# $inc ──> find the document ──> work it out on a copy
#      ──> rules: size, validator, unique cards   (no: refused, nothing happened)
#      ──> one record, durable
#      ──> document and cards in memory
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the others each open their own experiment.

# %%
from dsys_lab.scenarios.document.counts import arrays

pitfall = predict(
    "10/any-two",
    "Of the people with a ring and some firmware 3: how many have a ring with it?",
    between=(0, 100),
    unit="%",
)
pitfall

# %% [markdown]
# ## Play
#
# ### 1. All, or a shelf
#
# Who lives in Oslo? The town grows. How many documents are opened, without an index and with one?

# %%
grown = predict(
    "10/town-grows",
    "From 250 people to 1,000: how many times as many are opened, with the index?",
    between=(0, 10),
    unit="times",
)
grown

# %%
from dsys_lab.scenarios.document.counts import looked_at, times_as_many

opened = looked_at(100, 250, 500, 1_000)
times, error = times_as_many(opened["IXSCAN"], 250, 1_000)

# %%
grown.reveal(
    times,
    law=1_000 / 250,
    standard_error=error,
    why="What is wanted grows with the town, and the index opens just that.",
    show=charts.lines(
        opened,
        title="Who lives in Oslo?",
        x="profiles",
        y="documents opened",
    ),
)

# %%
oslo = dict(opened["returned"])
print(f"in Oslo: {oslo[250]} of 250, {oslo[1_000]} of 1,000")

# %% [markdown]
# (The law has the same share for both.) A shelf that is sorted by what is asked for leads to what is wanted and to
# nothing else: the two lower lines are one. But what is wanted grows with the town. An index spares the documents that
# are not in the answer, and none that are.
#
# ### 2. The order of the paths
#
# 3,000 nights: *those of one city, since the tenth day, shortest first*. An index of three paths can have them in six
# orders. Cards of one stretch are looked at one after the other; what a card says is tested on the card, so all six
# open the same documents. But how many cards?

# %%
from dsys_lab.scenarios.document.counts import six_orders

orders = six_orders()
order = predict(
    "10/order-of-paths",
    "Of the orders that need no sorting by minutes: which looks at the fewest cards?",
    choices=list(orders),
)
order

# %%
keys = {name: told["keys examined"] for name, told in orders.items()}
unsorted = {name: count for name, count in keys.items() if not orders[name]["SORT"]}

# %%
looked = charts.bars(keys, title="Cards, by index", unit="cards looked at")
shown = looked, pd.DataFrame(orders).T
order.reveal(
    min(unsorted, key=unsorted.get),
    why="First what must be equal, then the order, and the range last.",
    show=shown,
)

# %% [markdown]
# *Equality, sort, range.* A path that is equal to something keeps its cards together; a range scatters what comes
# behind it. Who puts the range before the order looks at fewer cards, and then has to sort all that it found before it
# can hand out the first.
#
# ### 3. What a list hides
#
# Who wears a ring with firmware 3? It is easy to ask for something else: `{"devices.kind": "ring", "devices.fw": 3}`
# is met by a ring with firmware 1 beside a watch with firmware 3. `$elemMatch` asks for *one element*:

# %%
told = arrays()
same, _, either = (way["returned"] for way in told.values())
share = same / either

# %%
from dsys_lab.scenarios.document.counts import array_laws

law_same, law_either = array_laws().values()
pitfall.reveal(
    100 * share,
    law=100 * law_same / law_either,
    standard_error=100 * (share * (1 - share) / either) ** 0.5,
    why="Two conditions may be met by two devices, one each.",
    show=charts.bars(
        {
            way.replace("; ", "\n") + f" ({n['returned']} wanted)": n["documents"]
            for way, n in told.items()
        },
        title="Documents opened, of 6,320 profiles",
        unit="documents",
    ),
)

# %% [markdown]
# The law knows only how many devices people have and how many of these are rings, or run firmware 3. And the index of
# *kinds* opens every document with a ring, for it has nothing else to go by. Watch it open trees in vain, in another
# small town; then the shelf whose cards have both, from one element:

# %%
ring_3 = {"question": "a ring with firmware 3", "seed": 5}
shelf(along_the_shelf(**ring_3, index="kind of device"))

# %%
shelf(along_the_shelf(**ring_3, index="kind, firmware"))

# %% [markdown]
# And the question that forgot `$elemMatch`, over the same shelf: its two conditions may be met by two cards, so only
# one of them may narrow the stretch. One tree more is green, and has no ring with firmware 3: which?

# %%
some_3 = {"question": "a ring, and some firmware 3", "seed": 5}
shelf(along_the_shelf(**some_3, index="kind, firmware"))

# %% [markdown]
# ### 4. Embed, refer, or bucket
#
# (A *bucket* here is a document of up to thirty elements; nothing to do with the buckets of lab 07.) Every day a night
# more. Kept as a list *inside* the profile, one read gives all. But a document is written whole.

# %%
grows = predict(
    "10/embed",
    "A list grows to 240 elements, not 60: how many times the bytes, all appends?",
    between=(1, 30),
    unit="times",
)
grows

# %%
from dsys_lab.scenarios.document import growing

wrote, sums = growing.written(30, 60, 120, 240), growing.written_by_law()
(_, at_60, _), _, (_, at_240, _) = wrote["embed"][1:]

# %%
title = "What is written for a document that grows"
axes = {"title": title, "x": "nights", "y": "kilobytes written", "whole_x": True}
grows.reveal(
    at_240 / at_60,
    law=sums["embed"](240) / sums["embed"](60),
    why="The n-th append writes n elements: the bytes go with the square.",
    show=charts.against_law(wrote, laws=sums, **axes),
)

# %% [markdown]
# A square: the n-th append writes n elements. *Buckets* of thirty make it a line again, and *reference*, a document for
# each night, is the flattest line. What does a read of the newest thirty open?

# %%
pd.DataFrame(growing.read_newest(240))

# %% [markdown]
# And how long can it go on? So many nights fit into a document at all, and so many clips of 50,000 bytes:

# %%
print(f"{growing.fits():,} nights, {growing.fits(50_000):,} clips")

# %% [markdown]
# ### 5. What indexes cost
#
# Each shelf gets its cards at each insert. One index more, of a path into a list: how many cards more?

# %%
tax = predict(
    "10/index-tax",
    "Ten indexes, each of a path into a list of five: how many cards an insert?",
    between=(1, 100),
    unit="cards",
)
tax

# %%
from dsys_lab.laws import cards_of_insert
from dsys_lab.scenarios.document.counts import index_tax

taxes = {f"lists of {n}": index_tax(0, 2, 5, 10, length=n) for n in (1, 5)}
tax.reveal(
    taxes["lists of 5"][-1][1],
    law=1 + cards_of_insert(*[5] * 10),
    why="Five cards in each of ten indexes, and one in that of `_id`.",
    show=charts.lines(
        taxes,
        title="What an insert pays",
        x="indexes",
        y="cards an insert puts up",
    ),
)

# %% [markdown]
# One of them is that of `_id`. Reads choose one index; writes pay for all.
#
# ### 6. One field of a large profile
#
# A profile of 20 KB, and one number in it changes. Who keeps it under a key as a blob gets and puts the whole; a
# document store is told what to do, and may write down only that: a **delta** (no relation to the format of
# lab 06).

# %%
field = predict(
    "10/one-field",
    "One number of a profile of 20 KB: how many bytes does a log of deltas get?",
    between=(8, 40_000),
    unit="bytes",
)
field

# %%
from dsys_lab.scenarios.document.counts import one_field

ways, sizes_kb = one_field(20), (1, 2, 5, 10, 20, 50)
in_the_log = {
    name: [(kb, one_field(kb)[name]["in the log"]) for kb in sizes_kb] for name in ways
}
by_size = charts.lines(
    in_the_log,
    title="Bytes in the log for one number that changes",
    x="kilobytes of the profile",
    y="bytes",
    log_x=True,
    log_y=True,
)

# %%
field.reveal(
    ways["$set, logged as a delta"]["in the log"],
    why="The log is told what is to be done, and not what the profile is then.",
    show=(by_size, pd.DataFrame(ways).T),
)

# %% [markdown]
# Over the wire and in the log a small change is small. Where the document lies it is written whole all the same:
# that part of the cost no API takes away.
#
# ### 7. Several at once
#
# Watch, phone and web count nights in the same profile, four each. The store is *atomic*: a call changes a document at
# once, and no other comes between. But each app reads the profile, adds one, and sends it back: the lost update of labs
# 07 and 08. Their cure works here, too: replace only if the **version** is still the one that was read, and else read
# and try again. A document store adds one more: say what is to be done, `$inc`.

# %%
calls = predict(
    "10/calls",
    "Twelve edits by three apps at once: $inc takes 12 calls. How many does it take on "
    "the condition of the version?",
    between=(12, 120),
    unit="calls",
)
calls

# %%
from dsys_lab.scenarios.document import edits_at_once

runs = {way: edits_at_once(way=way) for way in ("replace", "version", "inc")}
made = {way: len(run.of("send")) for way, run in runs.items()}
left = {way: run.of("check")[-1].fields["got"] for way, run in runs.items()}

# %%
calls.reveal(
    made["version"],
    why="To read and to replace are two calls; who comes too late makes both again.",
    show=(
        charts.bars(
            {f"{way} ({left[way]} of 12 left)": n for way, n in made.items()},
            title="Calls for twelve edits, and what is left of them",
            unit="calls",
        ),
        player(runs["replace"], runs["inc"], titles=("read, then replace", "$inc")),
    ),
)

# %% [markdown]
# All twelve are done, say the apps, and nothing was lost on the way; the lamp *checks hold* leads to each write that
# undid another. What goes wrong goes wrong *between* two atomic calls: who sends the whole back sends back the past.
# On the condition of the version, *again* counts who comes too late:

# %%
ways_to_add = ["version", "replace", "inc"]
start = {"way": "version"}
player(edits_at_once, way=ways_to_add, editors=(1, 5), edits=(1, 6), at=start)

# %% [markdown]
# That was one run's luck. Over eight seeds, four edits an app, with three standard errors:

# %%
from dsys_lab.scenarios.document.counts import edits_left

shares = {way: edits_left(way, 1, 2, 4, 8) for way in ("replace", "version", "inc")}
charts.against_law(
    shares,
    laws={},
    title="Edits that are left in the end",
    x="apps",
    y="share that is left",
    whole_x=True,
)

# %% [markdown]
# Either cure keeps all of them, for one app as for eight. Without one, the more apps the smaller the share that is left.

# %% [markdown]
# ## Break it
#
# **The power goes.** A document and its cards can be written down as one record, or as two, each made durable before
# the next step. Cut the power before every step of ten inserts, and look at what is there afterwards:

# %%
torn = predict(
    "10/torn",
    "Document and cards in two records. Does any cut leave a document its index lacks?",
    choices=["none does", "some do"],
)
torn

# %%
from dsys_lab.scenarios.document.counts import power_cuts

cuts = {way: power_cuts(way) for way in ("together", "apart")}
unknown = cuts["apart"]["documents without a card"]
torn.reveal(
    "some do" if unknown else "none does",
    why="Between the two records lies a moment at which the power may go.",
    show=pd.DataFrame(cuts).T,
)

# %% [markdown]
# Nothing acknowledged is lost on either side. But in two records a document is there when one looks at all, and is not
# when one asks the index; one more insert, after each cut, did not mend it. In one record, cards *follow* from
# documents.
#
# **A number comes as a string.** Firmware 1 sends `"7.25"`, a later loader a number. Who slept longer than seven hours?

# %%
from dsys_lab.scenarios.document.counts import kinds_of_hours

charts.bars(kinds_of_hours(), title="Who slept longer than seven hours?", unit="nights")

# %% [markdown]
# No error, and half of the answer. To ask for strings does not give the other half: as strings, `"7.00"` lies beyond
# `"7"` and is found, `"10.00"` lies before it and is not. A **validator**, the strict gate of lab 06, lets only
# documents through that match a filter: from now on. Those that are there already stay, and every reader has to know
# them.
#
# **Null, or absent.** `None` finds both; `$exists` tells them apart. And a *unique* index takes absent for null: one
# document may lack the path, the second is refused, unless the index is *sparse*: there, who lacks it has no card.

# %%
strange = Collection(VolatileDisk())
for number, plan in enumerate(({"plan": "plus"}, {"plan": None}, {})):
    strange.insert({"_id": number, **plan})
questions = (None, {"$exists": True}, {"$ne": None})
[[one["_id"] for one in strange.find({"plan": asked})] for asked in questions]

# %%
strange.create_index("email", unique=True, sparse=True)
try:
    strange.create_index("phone", unique=True)
except Refused as refusal:
    print(refusal)

# %% [markdown]
# **A list without end** is refused at the limit, before anything is written:

# %%
strange.update_one({"_id": 0}, {"$set": {"clip": "z" * 16_000_000}})
try:
    strange.update_one({"_id": 0}, {"$push": {"clips": "z" * 1_000_000}})
except Refused as refusal:
    print(refusal)

# %% [markdown]
# ## Measure
#
# PostgreSQL keeps documents in a column of type *JSONB*. The very questions of this lab go through both, and one suite
# of tests holds both to the same answers. But which index PostgreSQL uses depends on how the question is *written*. A
# **GIN** index has every value of every path; a **B-tree** can be made over one expression.

# %%
from dsys_lab.engines.postgres.document_plans import CITY, array_pitfall, spellings

spelling = predict(
    "10/spelling",
    "With a GIN index: which spelling looks at every row of the table?",
    choices=[*list(CITY)[:2], "both", "neither"],
)
spelling

# %%
from dsys_lab.scenarios.document.profiles import profiles_of

people = profiles_of(6_320)
spelled = spellings(people)
whole = [name for name in list(CITY)[:2] if spelled[name].way == "whole table"]

# %%
spelling.reveal(
    whole[0] if len(whole) == 1 else "both" if whole else "neither",
    why="`->>` takes the value out and compares it where GIN cannot help.",
    show=charts.bars(
        {f"{name}\n{one.way}": one.candidates for name, one in spelled.items()},
        title="Rows looked at, by how the question is spelled",
        unit="rows",
        log=True,
    ),
)

# %% [markdown]
# The same rows, the same indexes. `->>` takes the value out and compares it outside of what GIN knows; GIN knows
# equality and no ranges; and a B-tree of the very expression does the range. The choice of the operator is the choice
# of the index.
#
# And the ring with firmware 3? GIN knows that there is a ring and that there is a 3. (To see what it hands over, going
# through the whole table is forbidden here; so many rows lie on nearly every page.)

# %%
for name, one in array_pitfall(people).items():
    print(f"{name}: {one.way} hands over {one.candidates}, {one.rows} are wanted")

# %% [markdown]
# The candidates are those of the wrong question, the one from experiment 3; PostgreSQL opens each and throws away the
# rest. And one number of a body of 20,000 bytes, changed: what goes into PostgreSQL's log?

# %%
from dsys_lab.engines.postgres.document_plans import one_field_changed
from dsys_lab.lessons import measured

first, again = one_field_changed()
times = [again.size_bytes / ways["$set, logged as a delta"]["in the log"]]
measured(times, "times our delta", usually="some two hundred times our delta")

# %% [markdown]
# PostgreSQL has no delta for a value of a column: a body that changes is written anew, to the table and to the log.
# What else it does otherwise:

# %%
from dsys_lab.engines.postgres.documents import DOCUMENT_DIFFERENCES
from dsys_lab.lessons import differences

differences(DOCUMENT_DIFFERENCES)

# %% [markdown]
# A server that speaks MongoDB's own protocol (MongoDB, Amazon DocumentDB, FerretDB) stands behind the same verbs where
# `DSYS_LAB_MONGODB` names one; its `explain` is read back in our words. (Here none is named, so the cell says what to
# set.)

# %%
from dsys_lab.engines.mongodb import MongoDocuments
from dsys_lab.errors import EngineMissing

try:
    with MongoDocuments() as mongo:
        print(mongo.engine)
except EngineMissing as missing:
    print(missing)

# %% [markdown]
# ## On real data
#
# The flights that left New York in the three days from 8 February 2013, the blizzard among them, as documents: a field
# without a value is not there. With two indexes, of `(dest, dep_delay)` and of `tailnum`:

# %%
from dsys_lab.scenarios.document.flights import asked_of_flights, sizes

pd.DataFrame(asked_of_flights()).T

# %% [markdown]
# The last two ask for what is *not* there. The index of planes knows where to look, for absent stands on its cards as
# null, beside null itself: each is opened and asked which it is. No index has departures, which a cancelled flight
# lacks: all are opened. And what does a flight cost as a document?

# %%
size = sizes()
print(f"{size['bytes a document']} bytes,", end=" ")
print(f"{size['of these names and tags']} of them names and tags")

# %% [markdown]
# Half of its bytes are names and tags of its fields, nearly the same in every flight. That is the price of having no
# schema; lab 11 is about the opposite.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | things are found by many of their properties, asked ad hoc | a document store, or JSONB in the database that you have | documents examined for each returned |
# | by their key only | a key-value store (lab 09) | |
# | equal, sorted, and a range | one index, in this order: equality, sort, range | SORT in the plan |
# | two conditions on one element | `$elemMatch`, and an index of both paths | |
# | read together, small, with a bound | embed | bytes of the largest document |
# | grows without a bound | refer, or buckets | |
# | changed by several | `$inc`, `$push`, or a version in the filter | never read and replace |
# | several documents, all or nothing | a transaction; better: one document | |
# | kinds that differ by the sender's age | a validator, and a look at what is there already | who is found by no question |
# | MongoDB's API at Amazon | DocumentDB; test plans and operators there | what is not supported |

# %% [markdown]
# ## Exercises

# %%
exercise("10/keys_examined")


# %%
def keys_examined(index, asked, documents): ...


exercise("10/keys_examined", keys_examined)

# %%
exercise("10/same_device")


# %%
def same_device(kind, firmware): ...


exercise("10/same_device", same_device)

# %%
exercise("10/bucket")


# %%
def bucket(appends, reads, newest, head_bytes, element_bytes): ...


exercise("10/bucket", bucket)

# %% [markdown]
# **Design question.** Devices, nights, friends: what belongs into a profile?

# %%
exercise("10/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - MongoDB manual: *multikey indexes*, *the ESR guideline*, *explain results*, *query for null or missing fields*,
#   *data modeling: the bucket pattern*; BSON, https://bsonspec.org.
# - Amazon DocumentDB Developer Guide: *how it works*, *MongoDB compatibility*, *functional differences*, *quotas*.
# - PostgreSQL 18 documentation: *JSON types*, *jsonb indexing*, *the SQL/JSON path language*.
# - Selinger et al., "Access path selection in a relational database management system", SIGMOD 1979.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 2 and 3.
#
# Beyond one machine: copies serve reads; a collection is cut into *shards* by the hash or the range of a path. Then a
# question without that path asks every shard, what is unique is unique in its shard only, and *change streams* tell
# others what has changed.
