# %% [markdown]
# # Event sourcing
#
# <!-- binder --><!-- /binder -->
#
# *What happened is kept; what is the case is worked out from it, whenever somebody asks.*

# %% [markdown]
# ## Question
#
# *Slumber* has a house: whoever wants to be measured in their sleep books a bed for a night. A bed is held, booked, given
# back; money comes in and goes out. A table with a row for each bed would say who has it *now*, and write over who had it
# before.
#
# And then somebody asks: how many beds were free at noon? Why is the sum of July wrong, and since when? Who decided that,
# and what did they see? The table has no answer. What if one kept what *happened*, and worked out the rest? And what does
# one buy with it that one did not want: bytes of ten years ago, names that must be forgotten, letters that hang on a fact?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 6 of Play and Break it, and [Choose](#Choose).

# %%
from functools import partial

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
from dsys_lab.lessons.tables import table
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Event sourcing and event logs")

# %% [markdown]
# The notes have the heading, in the right neighbourhood: next to derived data. For that is the whole idea: the log is the
# truth, and everything else is derived from it. What can be added, as of November 2026:
#
# | a word | what it is, and what it is not |
# |---|---|
# | **event** | a fact of the domain, in the past tense: *BedHeld*. It was decided, and cannot be refused any more |
# | **command** | somebody asks for something: *Hold bed 3*. It may be refused |
# | change capture (lab 23) | says what became of a *row*. An event says what happened, and why |
# | a log stream (lab 17) | carries records, and may let them go. Here the log is the only place where the truth is |

# %% [markdown]
# ## Picture
#
# A night in the house, as a tape of facts. Below it are cards: what the facts *come to*, up to where the hand stands.
# Nobody keeps the cards. They are worked out from the first fact on, one fact after the other; this is a **fold**. Move
# the hand, back and forth.

# %%
from dsys_lab.scenarios.event_sourcing.unrolled import unrolled

# %%
charts.sliding(
    lambda position: charts.fact_tape(*unrolled(position)),
    position=(0, 26),
    at={"position": 16},
)

# %% [markdown]
# The beds are one fold; the two grey cards are others over the same facts: how many beds are free, and what was taken in,
# refunds taken off (who cancels gets nine tenths of the price back). Such a fold with other eyes is a **view**, also
# called a *projection*. Neither was thought of when the first fact was written.

# %% [markdown]
# ## By hand
#
# All that a program needs is two functions. `decide` takes a state and a command and gives events, or refuses:

# %%
from dsys_lab.dataflows.event_sourcing import NIGHT, Hold, Open

# %%
events = [*NIGHT.decide(NIGHT.initial, Open(beds=3))]
events

# %% [markdown]
# `evolve` takes a state and *one* event, and gives the state after it. To fold is to do that with each in turn:

# %%
night = NIGHT.fold(events)
events += NIGHT.decide(night, Hold(bed=1, guest="anna"))
NIGHT.fold(events)

# %% [markdown]
# The state is what `decide` looks at, and nothing else. Bed 1 is held, so Ben is refused:

# %%
from dsys_lab.errors import Refused

# %%
try:
    NIGHT.decide(NIGHT.fold(events), Hold(bed=1, guest="ben"))
except Refused as no:
    print(no)

# %% [markdown]
# Now with a store, where others write, too. Events belong to a **stream**, here a night: one of very many, each short. (A
# log stream as in lab 17 would carry them all.) They are numbered in it: the **version** of a stream is how many it has.
# Anna and Ben both look at version 1:

# %%
from dsys_lab.dataflows.event_sourcing import TYPES, EventLog, EventTypes, Handler
from dsys_lab.structures import VolatileDisk

# %%
log = EventLog(VolatileDisk())
house = Handler(log, EventTypes(TYPES), NIGHT)
house.handle("n1", Open(beds=3)).version

# %%
anna, ben = house.load("n1"), house.load("n1")
house.decide_on("n1", anna, Hold(bed=1, guest="anna")).version

# %% [markdown]
# Ben decides on what he saw. Whoever appends says which version the decision was made on, the **expected version**. It is
# the condition of labs 07 and 10; the field calls it *optimistic concurrency*. The store compares:

# %%
house.decide_on("n1", ben, Hold(bed=1, guest="ben"))

# %% [markdown]
# A **conflict**: nothing was added, and no bed was given away twice. Nobody had to lock anything while thinking. Ben reads
# on, sees the bed taken, and chooses another. What lies in the store is bytes, each event with the number of its
# **schema**, the form in which it was written:

# %%
house.catch_up("n1", ben)
house.decide_on("n1", ben, Hold(bed=2, guest="ben"))
table(
    ("version", "kind", "schema", "bytes"),
    [(f"{one.version}", *map(str, one.written)) for one in log.load("n1")],
)

# %% [markdown]
# Cleo holds bed 3, and the answer is lost on its way. She asks again, with the same **id** for the same command:

# %%
hold = Hold(bed=3, guest="cleo")
first = house.handle("n1", hold, command_id="c1")
again = house.handle("n1", hold, command_id="c1")
table(
    ("asked", "version", "events", "repeated"),
    [
        ("once", f"{first.version}", f"{len(first.events)}", f"{first.repeated}"),
        ("again", f"{again.version}", f"{len(again.events)}", f"{again.repeated}"),
    ],
)

# %% [markdown]
# The id lies in the log, beside the events that answer it, with a digest of the command. So she has the first answer, and
# no bed is held twice; and *another* command under this id would be refused, not answered as if it had been carried out.

# %% [markdown]
# ## Look inside
#
# The rules of a bed:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> free : NightOpened
#     free --> held : BedHeld
#     held --> booked : BedBooked
#     held --> free : BedReleased
#     booked --> free : BookingCancelled
# ```
#
# The fold is one line, and the append compares one number:

# %%
from dsys_lab.dataflows.event_sourcing import Decider

# %%
show_source(Decider.fold)

# %%
show_source(EventLog.append)

# %% [markdown]
# From a command to everybody who wants to know. The log is the only thing that is not derived:
#
# ```mermaid
# flowchart LR
#     command --> decide
#     decide -->|expected version| log[(log)]
#     log -->|fold| state
#     state --> decide
#     log --> v1[view: free beds]
#     log --> v2[view: takings]
#     log -.-> others[others who follow the log]
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
in_vain = predict(
    "24/in-vain",
    "Five orders a second come for one night, at random, and each is thought about for "
    "a tenth of a second before it appends. None tries again. How many come too late?",
    between=(0, 100),
    unit="%",
)
in_vain

# %% [markdown]
# ## Play
#
# ### 1. Who thinks in vain?
#
# You have just predicted it. Think of one order that succeeds: all that had begun to think before, and are not done, have
# thought in vain. With λ orders a second and stream, and *w* seconds to think, this share is too late:
#
# $$\frac{\lambda w}{1 + \lambda w}$$

# %%
from dsys_lab.scenarios.event_sourcing import booking, counts

# %%
late = counts.in_vain(1, 5, 10, 20, 50)
_, share, error = late[1]

# %%
in_vain.reveal(
    100 * share,
    law=100 * laws.conflict_share(5, 0.1),
    standard_error=100 * error,
    why="Half an order is being thought about when another succeeds, on average.",
    show=(
        player(booking, rate=(1, 20), think_s=[0.1, 0.5, 0.02], streams=[1, 3, 6]),
        charts.against_law(
            {"counted": late},
            laws={"counted": lambda rate: laws.conflict_share(rate, 0.1)},
            title="How many think in vain?",
            x="orders a second",
            y="share of the orders",
            log_x=True,
        ),
    ),
)

# %% [markdown]
# At the *desk* are the orders that are being thought about. One that is in time becomes a fact on the tape *log/n1*, in a
# colour for its kind; one that is too late bounces. The strip *in vain* is the share so far. Move `rate`. (`think_s` is how long one thinks.)
#
# What helps? To try again: it costs decisions, and each of them may be late again. Or to *divide*: with `streams` the
# house has wings, each a stream of its own, which are not in each other's way.

# %%
divided = predict(
    "24/divided",
    "The same five orders a second, but six wings decide for themselves. How many "
    "come too late now?",
    between=(0, 40),
    unit="%",
)
divided

# %%
[(_, of_six, error)] = counts.in_vain(5, streams=6)
again = counts.retried(0, 1, 3, 10)

# %%
divided.reveal(
    100 * of_six,
    law=100 * laws.conflict_share(5 / 6, 0.1),
    standard_error=100 * error,
    why="Each wing has a sixth of the orders.",
    show=charts.bars(
        {
            **{f"one stream, retries: {n}": given_up for n, _, given_up in again},
            "six wings, retries: 0": of_six,
        },
        title="How many orders come to nothing?",
        unit="share of the orders",
    ),
)

# %% [markdown]
# A stream is therefore as *small* as its rules allow: what must be decided together (no bed to two guests) is one stream,
# and what need not be is not. A rule across streams (no guest in two beds) cannot be kept by an expected version any more.
#
# ### 2. Folding from the first fact
#
# After a year a stream is long, and each load folds all of it. As a fold may be interrupted anywhere and gone on with,
# what it has come to can be saved now and then: a **checkpoint**, which others call a *snapshot* of the stream. (It holds
# the state and the version up to which it was folded, as the job's in lab 04; in the picture below they are pins on the
# tape.)

# %%
folded_events = predict(
    "24/checkpoint",
    "A checkpoint every 50 events. Somebody loads the stream at a random moment: how "
    "many events are folded, on average?",
    between=(0, 100),
    unit="events",
)
folded_events

# %%
loads = counts.loaded(10, 25, 50, 100, None)
fifty = loads[2]
pinned = partial(charts.fact_tape, pins=(10, 20))

# %%
folded_events.reveal(
    fifty.folded_mean,
    law=laws.folded_since_checkpoint(50),
    why="Anything from none to 49 has come since the last one. It was loaded once at "
    "each of 200 versions in a row, so chance has no part in the mean.",
    show=(
        charts.sliding(
            lambda position: pinned(*unrolled(position)),
            position=(0, 26),
            at={"position": 17},
        ),
        charts.against_law(
            {"counted": [(one.every, one.folded_mean, 0) for one in loads[:-1]]},
            laws={"counted": laws.folded_since_checkpoint},
            title="How much does a load fold?",
            x="events between two checkpoints",
            y="events folded",
        ),
    ),
)

# %%
print(f"without checkpoints: {loads[-1].folded_mean:.0f} events, and growing")
print(f"checkpoints written, every 10 and every 100: {loads[0][-1]} and {loads[3][-1]}")

# %% [markdown]
# A checkpoint is derived: it may be lost, and needs no sync. But three things make it dangerous:
#
# - it carries whatever *mistake* the fold had that made it. So it says the version of the fold, and one of another
#   version is passed over;
# - it may be *ahead* of its log, which was restored from an older copy. So it keeps a digest of its last event, and each
#   load looks whether that event is where it was. If not, what was acknowledged is gone, and the load says so;
# - it may hold a *name* in the clear, of a guest who is forgotten later (experiment 8). So no name is put into it.
#
# ### 3. A view that was wrong
#
# The takings have *added* refunds since the house was opened. Somebody notices, and the mended code is there after three
# seconds. The office reads the number every second. Lab 23, experiment 6, led readers to a new view *beside* the old one.
# Here are two more ways, which the facts allow, or the lack of them leaves:
#
# - *from now on*: the sum was kept in a table, updated in place. The new code updates it rightly from now on;
# - *in place*: the view is emptied and folded again from the first fact, while the office reads it;
# - *beside*: a second view, *v2*, folds from the first fact. When it has seen as much as *v1*, the office is led to it.

# %%
right_again = predict(
    "24/right-again",
    "In which ways does the office read the right number in the end?",
    choices=["in all", "in place, beside", "beside", "in none"],
)
right_again

# %%
from dsys_lab.scenarios.event_sourcing import rebuilding
from dsys_lab.scenarios.event_sourcing.rebuilding import WAYS

# %%
mended = [counts.mended(way) for way in WAYS]
off_by = {one.way: one.off_by_eur for one in mended}
right = [one.way for one in mended if not one.off_by_eur]

# %%
right_again.reveal(
    ", ".join(right),
    why="Where the facts are kept the past can be added up again; a sum alone has "
    "forgotten what went into it.",
    show=(
        player(rebuilding, compare={"way": ("from now on", "beside")}),
        charts.bars(off_by, title="How wrong is the last answer?", unit="EUR"),
    ),
)

# %% [markdown]
# The triangles under the tape are the views: how far each has read. *Shown* is the view that the office reads; *wrong* and
# hatched is one that does not say what the facts come to. The strip *off by* is the office's error, *wrong answers* how many
# it has read so far. On the right *v2* runs along the tape while *v1* goes on answering.
#
# A month later the view needs a new column. This time nothing was wrong. It is folded again all the same: there are some
# twenty facts, one or two new ones a second, and a rebuild folds five a second.

# %%
noticed = predict(
    "24/noticed",
    "The view is right, and rebuilt in place. How many of the office's next 11 "
    "readings are wrong, or older than half a second?",
    between=(0, 11),
    unit="readings",
)
noticed

# %%
rebuilt = {way: counts.mended(way, mistaken=False) for way in ("in place", "beside")}

# %%
noticed.reveal(
    rebuilt["in place"].wrong,
    why="Until it has caught up the office is shown the past, as if it were now.",
    show=(
        player(rebuilding(way="in place", mistaken=False)),
        charts.bars(
            {way: one.wrong for way, one in rebuilt.items()},
            title="How many readings are wrong or old?",
            unit="readings",
        ),
    ),
)

# %% [markdown]
# ### 4. How long does a rebuild take?
#
# While *v2* folds the old facts, new ones come. With *N* facts of history, μ folded and λ new a second it has seen as much
# as the old view after *N* / (μ − λ): the drain of lab 01, experiment 2, and of lab 13. For 120 facts after the opening of
# the night, and 20 folded a second:

# %%
charts.against_law(
    {"counted": counts.rebuilt(0, 5, 10, 14)},
    laws={"counted": lambda rate: laws.drain_s(121, rate, 20)},
    title="How long does a rebuild take?",
    x="new facts a second",
    y="seconds",
)

# %% [markdown]
# So the rate at which a store can be *replayed* is a number to know, before one needs it.
#
# ### 5. How many beds were free at noon?
#
# Fold up to noon. But what is "up to noon"? Some guests tell the porter that they will not come, and he writes it down when
# his day is over. Each fact has two times: when it **happened**, and when it was **recorded**. So there are two lines
# through a day: beds free *as it was seen then*, and *as is known at night*.

# %%
noon = predict(
    "24/noon",
    "Where the two lines differ: which of them says more free beds?",
    choices=["as it was seen then", "as is known at night", "now one, now the other"],
)
noon

# %%
from dsys_lab.scenarios.event_sourcing.past import (
    free_at,
    through_the_day,
    which_is_more,
)

# %%
noon.reveal(
    which_is_more(),
    why="Beds had been given back, and the desk did not know.",
    show=charts.lines(
        through_the_day(),
        title="How many beds are free?",
        x="hour of the day",
        y="free beds",
        steps=True,
    ),
)

# %% [markdown]
# And so there are two answers to the question of the office:

# %%
print(f"free at noon, as it was seen at noon: {free_at(12, known_h=12)}")
print(f"free at noon, as is known at night: {free_at(12)}")

# %% [markdown]
# At 20 h the porter writes down what he knows, and the lines meet. Both are right answers, to different questions: *how
# was it?* and *what did we know when we decided?* Who keeps both times can answer both (**bitemporal**). Nothing was changed
# in the log: late news is one more fact.

# %% [markdown]
# ## Break it
#
# ### 6. A letter for each booking
#
# Six guests book, and each gets a letter. The letter is posted by the code of the view, right where it adds the price up.
# It works for months. Then the view is rebuilt.

# %%
posted = predict(
    "24/letters",
    "How many letters do the six guests get, if the view is rebuilt once?",
    between=(0, 24),
    unit="letters",
)
posted

# %%
from dsys_lab.scenarios.event_sourcing import replaying

# %%
ways = ("in the view", "by a postman")
sent = {way: counts.letters(way) for way in ways}
posted.reveal(
    sent["in the view"],
    why="A fold is repeated, and so is everything that stands in it.",
    show=(
        player(replaying, compare={"way": ways}, rebuild_s=(2, 8)),
        charts.bars(sent, title="How many letters?", unit="letters"),
    ),
)

# %% [markdown]
# On the right letters are posted by a *postman* (*post* in the picture): a follower of the log of its own, who writes down how
# far he has come. The rebuild is none of his business. But he may fall down at the seam of lab 16, experiment 3, with the
# letter posted and nothing written down:

# %%
fallen = predict(
    "24/postman-falls",
    "The postman crashes right after a letter, before he writes it down. How many "
    "letters do the six guests get?",
    between=(0, 24),
    unit="letters",
)
fallen

# %%
crash = {"do": "crash", "target": "post", "on": {"kind": "send"}, "nth": 3}
falls = [{**crash, "lasts_s": 1}]
tumble = partial(counts.letters, "by a postman", faults=falls)

# %%
fallen.reveal(
    tumble(),
    why="He cannot know that he did, and not to post would be worse.",
    show=(
        player(replaying(way="by a postman", keyed=True, faults=falls)),
        charts.bars(
            {"opened": tumble(), "opened, by their keys": tumble(keyed=True)},
            title="How many letters are opened?",
            unit="letters",
        ),
    ),
)

# %% [markdown]
# Each letter carries a **key**, stream and version of its event (`n1/5`). In the player the guests know the keys they
# have, and put the second one aside: so it is *seen* once.
#
# ### 7. Bytes of ten years ago
#
# Lab 01, experiment 3, asked which bytes a reader understands. There old records went out of the retention; here they stay
# for ever. A booking said `name`. From today on it says `first` and `last`. In the log are 30 bookings in the old form; 10 in the new
# one come. Three programs read all of them: the letters (which want the first name), the guest list (the last), the
# takings (the price). Four ways:
#
# - *upcast*: old bytes are decoded in their own schema, and then *lifted* to the next by a small function;
# - *weak schema*: read what is there, take a default for what is not;
# - *new kind*: the new form is another kind of event, and each program knows both;
# - *copy*: a new log, with every event written again in the new form.

# %%
silent = predict(
    "24/old-bytes",
    "In which of them does some program read a wrong name, and gets no error?",
    choices=["upcast", "weak schema", "new kind", "copy"],
)
silent

# %%
from dsys_lab.scenarios.event_sourcing.evolving import WAYS as FOUR_WAYS
from dsys_lab.scenarios.event_sourcing.evolving import evolved

# %%
all_ready = [evolved(way, late_programs=0) for way in FOUR_WAYS]
one_late = [evolved(way) for way in FOUR_WAYS]

# %%
silent.reveal(
    ", ".join(one.way for one in all_ready if one.misread),
    why="A default stands where a name was, and nobody complains.",
    show=(
        charts.bars(
            {one.way: one.misread for one in all_ready},
            title="How many of the 120 reads are wrong without an error?",
            unit="reads",
        ),
        table(
            ("way", "events written again", "forms that the three programs know"),
            [(one.way, f"{one[3]}", f"{one[4]}") for one in all_ready],
        ),
    ),
)

# %% [markdown]
# And on the day itself? One of the three programs, the takings, is deployed a day late, and knows the old form only:

# %%
late_day = predict(
    "24/late-program",
    "In which way does the late program break off most often?",
    choices=["upcast", "weak schema", "new kind", "copy"],
)
late_day

# %%
breaks = {one.way: one.broken for one in one_late}
late_day.reveal(
    max(breaks, key=breaks.get),
    why="In the copy there is no old form left.",
    show=charts.bars(breaks, title="How many of its 40 reads break off?", unit="reads"),
)

# %% [markdown]
# So it is readers first, writers second, in all ways; and whoever copies must move all at once. A view that meets what it
# cannot read stops before it, with the name of the kind. It goes on when its reader is deployed, or when somebody sets
# that commit *aside*, which is written down and counted. This is what a reader with upcasting does, on the bytes of a
# booking of schema 1:

# %%
from dsys_lab.dataflows.event_sourcing import Event

# %%
says = {"bed": 2, "guest": "g9", "name": "Ada King Lovelace", "cents": 9_000}
old = EventTypes(TYPES).write(Event("BedBooked", says), schema=1)
old

# %%
EventTypes(TYPES).read(old)

# %% [markdown]
# (Where a name is cut is a decision, and this one is wrong for some people. It can be changed: the old bytes still say
# what the guest wrote.)
#
# ### 8. The right to be forgotten
#
# A guest wants to be forgotten; last night the log was backed up. Cut the guest's events out? Write over the names? Or
# seal every name *before* it is written, under a key for each guest that lies elsewhere, and throw the key away
# (**crypto-shredding**)?

# %%
shredded = predict(
    "24/forget",
    "After which of them can the name still be read in last night's backup?",
    choices=[
        "after none",
        "cut out",
        "cut out, write over",
        "cut out, write over, throw the key",
    ],
)
shredded

# %%
from dsys_lab.scenarios.event_sourcing.forgetting import WAYS as THREE_WAYS
from dsys_lab.scenarios.event_sourcing.forgetting import forgotten

# %%
found = [forgotten(way) for way in THREE_WAYS]
yes = {True: "yes", False: "no"}

# %%
shredded.reveal(
    ", ".join(one.way for one in found if one.in_backup),
    why="A copy that nobody reaches can be made unreadable, but not changed.",
    show=table(
        (
            "way",
            "name in the log",
            "in the backup",
            "on a view's disk",
            "folds",
            "same takings",
            "events changed",
        ),
        [
            (way, *(yes[one] for one in told), f"{moved}")
            for way, *told, moved in found
        ],
    ),
)

# %% [markdown]
# With a hole in the versions no state can be folded at all. With the key gone every event is where it was, the takings are
# the same, and the name is noise, in every copy. The view had followed the log before: it keeps on its disk what it was
# given, sealed, and opens it each time that it is started. Had it written down what it had opened, the name would have
# outlived its key there. By hand (the bytes say which text is sealed, so that no plain one is ever taken for it):

# %%
from random import Random

from dsys_lab.dataflows.event_sourcing import KeyRing

# %%
ring = KeyRing(VolatileDisk(), Random(7).randbytes)
sealing = EventTypes(TYPES, seals=ring)
sealed = sealing.write(Event("BedBooked", says), schema=1)
sealed.data

# %%
ring.forget("g9")
sealing.read(sealed).says["first"]

# %% [markdown]
# What was *not* sealed is not forgotten: the number of the bed, the price, the guest's number, which still ties their
# nights together. And whoever has read the name before may have kept it: a view that is running has it in memory until it
# is started anew, and what somebody copied out of it no key reaches.

# %% [markdown]
# ## Measure
#
# ### Beside the real engines
#
# The same verbs over **JetStream** (lab 17), where a commit is a message, and over a table of **PostgreSQL** (lab 08).
# Anna and Ben look at one version; Anna is faster; then Ben reads on:

# %%
from dsys_lab.engines.event_store import JETSTREAM, POSTGRES, STORES, who_is_too_late

# %%
table(
    ("store", "Anna", "Ben", "Ben, after reading on"),
    [(name, a, b, c) for name, a, b, _, c in map(who_is_too_late, STORES)],
)

# %% [markdown]
# Each refuses where the order is made. JetStream compares the number of the last message of the subject (header
# `Nats-Expected-Last-Subject-Sequence`, error 10071), PostgreSQL has `UNIQUE (stream, version)`.

# %% [markdown]
# ### When old messages go
#
# A log stream lets old records go: that is what retention is for. This one keeps its newest 15 messages. Twenty commits of
# an event each are appended; then somebody loads the stream.

# %%
gone = predict(
    "24/retention",
    "What does the load say?",
    choices=["the right state", "a wrong state", "it refuses"],
)
gone

# %%
from dsys_lab.engines.nats.event_store import JetStreamEvents
from dsys_lab.scenarios.event_sourcing.shortened import loaded_from

# %%
with JetStreamEvents(keep_messages=15) as short:
    told = loaded_from(short, commits=20)

# %%
gone.reveal(
    told.verdict,
    why="The versions in the events have no gaps, so a missing one is noticed. A fold "
    "that did not look would give beds away twice.",
    show=table(("the load says",), [(told.words,)]),
)

# %% [markdown]
# So a stream is a store only without limits. Where both part from the model, each held by a test, but for the power cut,
# which no test here can make to a server:

# %%
differences([*JETSTREAM, *POSTGRES])

# %% [markdown]
# ### What does it cost?
#
# A pure fold makes a new state for each fact; a plain loop changes one in place. Some thousand facts, by both in turn:

# %%
from dsys_lab.benchmark import event_stores, interleaved

# %%
house = event_stores.grown()
facts = event_stores.decoded(house)

# %%
pure, plain = interleaved(
    partial(event_stores.by_fold, facts), partial(event_stores.by_loop, facts)
)
ratios = [a / b for a, b in zip(pure, plain, strict=True)]
measured(ratios, "times as long as the loop", usually="ten times as long as the loop")

# %% [markdown]
# And a load from the first fact beside one from a checkpoint, with all the bytes read and decoded:

# %%
saved = event_stores.with_checkpoints(house, every=99)
print(f"folded from the first fact: {house.load('n1').folded_events:,}")
print(f"folded from a checkpoint: {saved.load('n1').folded_events}")

# %%
replay, load = interleaved(lambda: house.load("n1"), lambda: saved.load("n1"))
ratios = [a / b for a, b in zip(replay, load, strict=True)]
measured(ratios, "times as long", usually="some tens of times as long, and growing")

# %% [markdown]
# `python -m dsys_lab.benchmark folds event_appends` has more of it, with appends to the three stores.
#
# ### You have used one all along
#
# Every picture of this suite is such a view. A run leaves rows, one for each thing that happened; that is its log. The
# player folds them to where every disc stands after *t* rows, and the timeline under it is the hand:

# %%
from dsys_lab.views.player.fold import folded

# %%
run = booking(rate=3.0, think_s=0.3, retries=2, seed=11)
rows = list(run)
player(run)

# %%
hand = 60
where = folded(rows[:hand]).where
[(copy[0], place) for copy, (place, _) in list(where.items())[-6:]]

# %% [markdown]
# It can step *back*, though no row can be undone: it folds again from a checkpoint, of which it keeps one every 1,024 rows.

# %%
step_back = predict(
    "24/step-back",
    "In a run of many thousand rows you press the key for one step back. How many rows "
    "does the player fold for it, on average?",
    between=(0, 2000),
    unit="rows",
    found="worked out",
)
step_back

# %%
step_back.reveal(
    sum(frame % 1024 for frame in range(10_240)) / 10_240,
    law=laws.folded_since_checkpoint(1024),
    why="The law of experiment 2, once more.",
)

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | money, stock, bookings: somebody will ask *why* | event sourcing for that part | the size of a stream: one decision, one stream |
# | one must undo, audit, simulate, ask the past | event sourcing, both times in the event | late facts |
# | a profile, a setting, a text: nobody asks what it was | a table, perhaps with a column for who changed it | |
# | a table that others want to follow | change capture, an outbox (lab 23) | rows are not reasons |
# | conflicts above some percent | smaller streams, then retries | rules that need two streams |
# | loads that take too long | checkpoints with the version of the fold, and a digest of their last event | a mistake that lives on in them; a log that lost its end |
# | a view that was wrong, or is to answer more | rebuild beside, then swap | how fast a replay is, before you need it |
# | letters, payments, calls to others | a postman with a position, and a key for the receiver | a new postman who begins at the first fact |
# | personal data | sealed under a key for each person | copies of the keys; what was not sealed; views and checkpoints that keep it opened |
# | a broker as the store | JetStream without limits, one subject a stream | retention; a power cut, unless it syncs before it answers (`sync_interval: always`); and that a topic in Kafka cannot compare a version for each key |
#
# **At Amazon**: a table of DynamoDB with stream and version as its key, and a condition that the item is not there yet;
# its stream of changes feeds the views, for 24 hours back. **Elsewhere**: KurrentDB (EventStoreDB until release 24.10), Axon, Marten on PostgreSQL.

# %% [markdown]
# ## Exercises

# %%
exercise("24/evolve")


# %%
def evolve(beds, event): ...


exercise("24/evolve", evolve)

# %%
exercise("24/lifted")


# %%
def lifted(schema, says): ...


exercise("24/lifted", lifted)

# %%
exercise("24/swap_at")


# %%
def swap_at(reads): ...


exercise("24/swap_at", swap_at)

# %% [markdown]
# **Design question.** The shop of *Slumber*: which part of it deserves this?

# %%
exercise("24/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Fowler, "Event Sourcing", 2005; Young, *Versioning in an Event Sourced System*, 2017; Chassaing, "Functional Event
#   Sourcing Decider", 2021: the two functions.
# - Helland, "Immutability changes everything", *CIDR* 2015.
# - Overeem, Spoor and Jansen, "The dark side of event sourcing: managing data conversion", *SANER* 2017: four of its ways.
# - Kleppmann, *Designing Data-Intensive Applications*, first edition, 2017, ch. 11, *Event Sourcing*, *State, Streams, and Immutability*.
# - Kung and Robinson, "On optimistic methods for concurrency control", *ACM TODS* 1981.
# - Snodgrass, *Developing Time-Oriented Database Applications in SQL*, 1999 (valid time and transaction time).
# - NIST SP 800-88 Rev. 2, *Guidelines for Media Sanitization*, 2025 (cryptographic erase).
# - NATS documentation, *JetStream publish*, and PostgreSQL 18 documentation, *Transaction ID and snapshot information
#   functions*; both read and run in November 2026.
#
# Beyond one machine: streams are spread by their names, and each is one place where versions are compared. An order over
# *all* streams then needs a sequencer, or one does without it. Checkpoints go to an object store; a replay runs in parallel,
# one worker for some streams each.
