# %% [markdown]
# # Derived dataflows
#
# <!-- binder --><!-- /binder -->
#
# *One table is true, and all that is made of it must hear of each change: who tells them?*

# %% [markdown]
# ## Question
#
# The shop of *Slumber* keeps its prices and its sales in a database. What is found in it by a search, what the wall in
# the office adds up, what a mail says: all this comes from copies elsewhere, which somebody has to keep up to date.
#
# The obvious way is that whoever writes to the database writes to the copy, too. Why do the two end up apart, for ever,
# without an error anywhere? And what does it take that they do not?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 4 of Play, and [Choose](#Choose).

# %%
from functools import partial

from dsys_lab import laws
from dsys_lab.lessons import (
    answers,
    differences,
    exercise,
    measured,
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
notes("Write path derived data system flows")

# %% [markdown]
# So the words come from us. The **system of record** (also: the authoritative data, the source of truth) is what cannot
# be made from anything else; here the tables. **Derived** is what could be deleted and made anew from it: an index, a
# cache, a sum (lab 03). The **write path** is all that happens because somebody wrote, before anybody asks (lab 22). A
# **derived dataflow** is the part of it that leads from the system of record to the copies. (Dual writes and the outbox you
# have met in lab 01, experiment 7, what a dual write leaves in a cache in lab 03, experiment 3. Here is why, and how an
# outbox is to be read.)
#
# | name | who tells the copy | its order |
# |---|---|---|
# | **dual write** | whoever writes, by a second write | that of the arrivals |
# | **outbox** | a row in the same transaction, which somebody reads and sends | as it is read: by id, or by commit |
# | **change data capture**, CDC | the database's own log, which somebody reads | that of the commits |

# %% [markdown]
# ## Picture
#
# Two **clerks**, ada and ben, change three prices. *table* is the database, with one place for each price; *index* is a
# copy, which a message reaches after 0.4 s on average. On the left each change is a dual write: the clerks tell the index
# themselves, as soon as the table has answered. On the right they write to the table alone, and a **feed** reads its log and tells the index.
#
# Press **space**. A value is a disc, `a3` is ada's third. A place of the index gets **hatching** when its value is not the table's and
# nobody is on the way to mend it: look for when it goes away again. The strip *differ for good* counts such places.

# %%
from dsys_lab.scenarios.derived_dataflows import shelf

player(shelf, compare={"way": ("dual write", "by the log")}, delay_s=(0, 2, 0.1))

# %% [markdown]
# No message was lost and nobody saw an error. *log held back* on the right is how much of the log the feed has not
# confirmed yet; we come to that.

# %% [markdown]
# ## By hand
#
# The model of lab 08, a database with a log. Every **commit** in it has a **position**: later commits have higher ones.
# A **slot** is a listener's place in the log:

# %%
from dsys_lab.stores.relational import RelationalDatabase
from dsys_lab.structures import VolatileDisk

database = RelationalDatabase(VolatileDisk())
ada, ben = database.session("ada"), database.session("ben")
ada.execute("CREATE TABLE sales (id integer PRIMARY KEY, item text, cents integer)")
slot = database.make_slot("index")

# %% [markdown]
# Ada begins, ben sells and commits, ada commits, and somebody takes a sale back before it counts:

# %%
ada.execute("BEGIN")
ada.execute("INSERT INTO sales VALUES (1, 'mask', 900)")
ben.execute("INSERT INTO sales VALUES (2, 'tea', 450)")
ada.execute("COMMIT")
ben.execute("BEGIN")
ben.execute("INSERT INTO sales VALUES (3, 'pillow', 2100)")
ben.execute("ROLLBACK")
commits = slot.peek()

# %% [markdown]
# What does a listener hear? `peek` shows what comes after its place:

# %%
from dsys_lab.scenarios.derived_dataflows import told

told.changes(commits)

# %% [markdown]
# Whole transactions, in the order of their commits, and nothing of what was rolled back. `peek` does not move the place:
# who asks again hears the same. `confirm` does, and only then may the log be let go up to there. (PostgreSQL keeps that as
# `confirmed_flush_lsn`; it is what a reader of Kafka *commits* and one of Kinesis *checkpoints*, lab 17. A *commit* here is
# always that of a transaction.)

# %%
slot.confirm(commits[0].position)
told.changes(slot.peek())

# %% [markdown]
# A **follower** is here a view that lives from a slot (not a machine behind a leader, as in labs 09 and 14): it takes a commit in, writes it down together with its position in
# *one* record on its own disk, and confirms after that. Here it adds up the cents of each item:

# %%
from dsys_lab.dataflows.change_capture import Follower
from dsys_lab.dataflows.derived_view import Counts

total = partial(Counts, "sales", by="item", of="cents")
follower = Follower(VolatileDisk(), total, slot)
follower.follow()
answers(follower.status())

# %%
told.state(follower.view)

# %% [markdown]
# The mask alone: the tea was confirmed before it was there. That is what a confirmation means: nobody will ever tell
# it again. A new view must begin with the tables as they are; experiment 5.

# %% [markdown]
# ## Look inside
#
# This is all of it. A commit that comes again, for a crash came before its confirmation, has a position that the
# follower has already:

# %%
show_source(Follower.follow)

# %% [markdown]
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> new
#     new --> following : begin, with the tables at one position
#     following --> following : peek, write down with the position, confirm
#     following --> following : killed, opened again, what comes twice is left alone
#     following --> lost : the slot held back too much of the log
#     lost --> [*] : begin anew with another follower
# ```
#
# And what people write instead, for messages that wait in a table:

# %%
from dsys_lab.dataflows.change_capture import ById

show_source(ById.poll)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
turned = predict(
    "23/turned",
    "One price is changed once a second, and the word of it needs 0.1 s to the index "
    "on average. Of two successive changes, how often does the second arrive first?",
    between=(0, 50),
    unit="% of the pairs",
)
turned

# %% [markdown]
# ## Play
#
# ### 1. Two writes, two orders
#
# You have just predicted it. That a message overtakes another looks like an accident of slow networks. What counts is
# how many changes are under way at once: *load*, the changes of a key a second times the delay of the second write.

# %%
from dsys_lab.scenarios.derived_dataflows import counts

# %%
pairs = counts.turned(0.01, 0.1, 1, 10)
_, share, error = pairs[1]

# %%
turned.reveal(
    100 * share,
    law=100 * laws.inverted_share(1, 0.1),
    standard_error=100 * error,
    why="The first must still be on its way when the second sets out; then it is even.",
    show=charts.against_law(
        {"counted": pairs},
        laws={"counted": lambda delay_s: laws.inverted_share(1, delay_s)},
        title="How often does the second of two changes arrive first?",
        x="delay of the second write, s",
        y="share of the pairs",
        log_x=True,
    ),
)

# %% [markdown]
# With *r* changes a second of a key, and an exponential delay of mean *m*:
#
# $$\frac{1}{2}\,\frac{r m}{1 + r m}$$
#
# It is never zero. And a key that ended the wrong way round stays so until somebody changes it again: for a price that
# may be next year. To try again does not help, for nothing failed.
#
# ### 2. A crash between the two writes
#
# Now the network is as fast as light: nothing can overtake. But ada's machine dies at a bad moment, after the table has
# answered about one of her changes and before she told the index, and she does not come back. There are three prices, and
# ben goes on: twice a second on average he changes one of them, whichever.

# %%
wrong_for = predict(
    "23/wrong_for",
    "For how long is the index wrong about ada's price, on average?",
    between=(0, 20),
    unit="s",
)
wrong_for

# %%
third = {"kind": "answered", "place": "ada"}
dies = {"do": "crash", "target": "ada", "on": third, "nth": 3, "lasts_s": 2}
ways = "dual write", "by the log"
runs = {way: shelf(delay_s=0.0, way=way, faults=[dies]) for way in ways}
differs = {way: len(run.of("differs")) for way, run in runs.items()}
waits = counts.wrong_after_crash_s(1, 3, 6)
_, wrong_s, error = waits[1]
begun = "How often did a price of the index begin to differ for good?"

# %%
wrong_for.reveal(
    wrong_s,
    law=3 / 2,
    standard_error=error,
    why="Until somebody who lives changes that price again: nothing else mends it.",
    show=(
        charts.against_law(
            {"counted": waits},
            laws={"counted": lambda prices: prices / 2},
            title="For how long is the index wrong after a crash?",
            x="prices",
            y="seconds",
        ),
        player(*runs.values(), titles=tuple(runs)),
        charts.bars(differs, title=begun, unit="times"),
    ),
)

# %% [markdown]
# With *n* prices and *r* changes a second that is $n/r$; for a price that is changed once a year, a year. In the picture ada
# is back after 2 s. Nobody saw an error here either: after a dual write she has forgotten what she was about to do, the table
# has her change and is right, and nobody knows what the index lacks. She could keep a list on her disk of what she
# has yet to tell: then she has a log, and it would better be the table's.
#
# ### 3. An outbox, and how to read it
#
# A mail is to go out for each sale. In an **outbox** the message is a row of the same transaction: both happen or
# neither does. Somebody **polls** the table, asks it again and again for what is new, and sends. What is new? The
# reader that you have seen asks for ids above the highest that it has seen. 100 transactions a second put a message in;
# each gets its id at its beginning, and commits, so that others see it, 10 ms later on average. Polled once a second,
# 0.28% of the messages are never sent.

# %%
faster = predict(
    "23/faster",
    "Polled not every second but every 10 ms: how many of the messages are never sent?",
    between=(0.001, 100),
    unit="%",
)
faster

# %%
from dsys_lab.scenarios.derived_dataflows import outbox

# %%
short = counts.missed(0.01, 0.03, 0.1, 0.3, 1)
long = counts.missed(0.01, 0.03, 0.1, 0.3, 1, transaction_s=0.05)
_, share, error = short[0]

# %%
lasting = {"transactions of 10 ms": 0.01, "of 50 ms": 0.05}
missing = {
    name: partial(laws.missed_by_id_share, 100, lasts_s)
    for name, lasts_s in lasting.items()
}

# %%
side_by_side = player(
    outbox,
    compare={"by": ("id", "commit")},
    titles=("by id", "by commit"),
    poll_s=(0.1, 3, 0.1),
    transaction_s=(0.1, 1, 0.1),
)
never_sent = charts.against_law(
    dict(zip(lasting, (short, long), strict=True)),
    laws=missing,
    title="How many messages are never sent?",
    x="polled every, s",
    y="share of the messages",
    log_x=True,
)

# %%
faster.reveal(
    100 * share,
    law=100 * laws.missed_by_id_share(100, 0.01, 0.01),
    standard_error=100 * error,
    why="It is missed by a look between its id and its commit: who looks oftener does "
    "so oftener in that gap.",
    show=(side_by_side, never_sent),
)

# %% [markdown]
# In *by id* the tape has a cell for each id. A cell stays empty while its transaction is open, and the triangle, how far
# the reader has come, passes it by; when it is filled, *behind* the reader, it has another colour, and its outline goes
# to *never sent*. (Message 0 was sent before this reader began.) In *by commit* the tape is the log, whose next cell is
# always the next commit: there are no gaps in it.
#
# The law is two chances, that a look falls between the id and its commit, and that a later id was seen by it. With
# transactions of mean *m*, polled every *P*, and *a* of them open at once, it is
# $(m/P)\,(1 - e^{-P/m})$ times $1 - \sum_{k \ge 0} a^k / ((a+1)(a+2)\cdots(a+1+k))$.
#
# Is that an oddity of our model? The very same steps at the real **PostgreSQL**: two hundred transactions, both readers
# look at the same moments.

# %%
from dsys_lab.engines.postgres import LogicalConnection, PostgresDatabase, make_slot
from dsys_lab.scenarios.derived_dataflows.outbox import made, puttings, walked

# %%
ours = RelationalDatabase(VolatileDisk())
theirs = PostgresDatabase(LogicalConnection.shared())
steps = puttings(rate=100, transaction_s=0.01, seconds=2)
made(ours)
made(theirs)

# %%
at_the_model = walked(ours, ours.make_slot("mails"), steps, poll_s=0.05)
at_postgres = walked(theirs, make_slot(theirs, "mails"), steps, poll_s=0.05)
told.outboxes({"the model": at_the_model, "PostgreSQL": at_postgres})

# %% [markdown]
# The same ones. (`serial` and `IDENTITY` columns, timestamps, and sequences all have this hole. PostgreSQL's own remedy without
# a log is to look only at rows whose transaction is older than all that still run: exercise two.)
#
# ### 4. Killed at every step
#
# By the log, then. But a follower may die at any moment as well. It takes three commits in, and for each of them there
# are three **steps**: it writes its record, makes it durable, confirms. (Lab 01, experiment 5, had the crash between an act
# and its confirmation; new is a view that writes down how far it is.) We kill it before each of the nine in turn, and
# let it come back. This follower adds up, and does *not* write its position down.

# %%
twice = predict(
    "23/twice",
    "Killed before each of the nine steps in turn: after how many of these is its sum "
    "wrong?",
    between=(0, 9),
    unit="of nine",
)
twice

# %%
from dsys_lab.engines.postgres import PostgresSlot, slot_and_rows
from dsys_lab.scenarios.derived_dataflows import capture, sides

# %%
ours = sides.model()
postgres = PostgresDatabase(LogicalConnection.shared())
theirs = sides.Side(postgres, partial(slot_and_rows, postgres), PostgresSlot.drop)

# %%
killed = {way: sides.killed_everywhere(ours, way) for way in sides.WAYS}
there = {way: sides.killed_everywhere(theirs, way) for way in sides.WAYS}
wrong = told.wrong_steps(killed)

# %%
two_views = player(
    capture,
    at={"killed_at": 9, "remembers": False},
    titles=["two views follow one log"],
    killed_at=(0, 30),
    remembers=[True, False],
    confirms=["after", "before"],
)
here_told = {"title": "After how many steps is a sum wrong?", "unit": "steps"}
there_told = {"title": "And with PostgreSQL's log?", "unit": "steps"}

# %%
twice.reveal(
    wrong["no position"],
    why="Durable, and not confirmed: it is told again, and cannot know.",
    show=(
        two_views,
        charts.bars(wrong, **here_told),
        charts.bars(told.wrong_steps(there), **there_told),
        told.step_by_step(killed),
    ),
)

# %% [markdown]
# The tape is the log, a cell a commit, coloured by what was sold. Open triangles under it are what a view *has*, filled
# ones what it has *confirmed*; in a view stands the commit that it is at, and what
# is older is grey. `killed_at` is the step before which both views lose
# their power (0 is never); an item that a view lets go came a second time. The lamp says whether both are what the table
# says in the end: the *index*, which puts rows in their places, does not mind a repetition. The *total* does, unless it
# `remembers` its position. And who `confirms` before it writes down loses: then not even the index is right.
#
# So "exactly once" is not a promise of the log's. The log repeats; the position makes the repetition harmless. The
# table says by how many sales each sum is off: too few, or some twice.

# %% [markdown]
# ### 5. Where the table ends and the stream begins
#
# The log holds only what changed since the slot was made. So a new view begins with a **snapshot**, the table as it is
# at a position *Q*, and goes on with the stream, from a position *P*. Say they lie three commits apart, one way or the
# other. The follower writes its positions down.

# %%
apart = predict(
    "23/apart",
    "In which case can a follower that writes positions down not begin at all?",
    choices=[
        "the stream begins first",
        "both in one moment",
        "the tables are taken first",
        "in none of these",
    ],
)
apart

# %%
met, met_there = told.meetings(ours), told.meetings(theirs)

# %%
apart.reveal(
    told.refused(met),
    why="What lies between is in neither, and nothing would say so: it refuses.",
    show=charts.verdict_grid(
        {"the model": told.met_at(met), "PostgreSQL": told.met_at(met_there)},
        legend={
            "done": "right",
            "skipped": "refuses to begin",
            "again": "so many sales twice",
            "lost": "so many missing",
        },
        title="What becomes of a sum that begins there?",
        columns="the follower's position is",
        box_inches=1.0,
    ),
)

# %% [markdown]
# PostgreSQL hands out a snapshot of the very moment in which a slot is made; `slot_and_rows` asks for
# it by the command `CREATE_REPLICATION_SLOT … (SNAPSHOT 'export')`. Without such a pair: make the slot *first*.
#
# ### 6. A new view beside the old one
#
# The total on the wall has a bug: it passes tea over. Nobody wants to stop the wall. So a new total is begun *beside* the
# old one, from a snapshot that takes 4 s to read, while 1.5 sales a second go on. Then it takes in what it missed, five
# commits a second, and as soon as it has seen as much as the old one, readers are led to it: it is **swapped**.

# %%
swapped = predict(
    "23/swapped",
    "How long is it from the beginning of the snapshot until readers are led to the "
    "new total, on average?",
    between=(0, 20),
    unit="s",
)
swapped

# %%
from dsys_lab.scenarios.derived_dataflows import rebuilding

# %%
swaps = counts.swapped_after_s(2, 4, 8)
_, swap_s, error = swaps[1]


# %%
swapped.reveal(
    swap_s,
    law=counts.swaps_after_s(4),
    standard_error=error,
    why="What was sold while it read waits for it, and more comes meanwhile.",
    show=(
        player(rebuilding, read_s=(1, 10), take_s=(0.1, 0.6, 0.1)),
        charts.against_law(
            {"counted": swaps},
            laws={"counted": counts.swaps_after_s},
            title="How long until the new view takes over?",
            x="the snapshot is read in, s",
            y="seconds",
        ),
    ),
)

# %% [markdown]
# *told too little* is by how many cents the answers to readers are wrong: it grows with each tea, and is gone with the
# swap. (The law leaves chance out, and that the old view is a little behind as well.) A swap that came sooner would lead
# readers back in time, and is refused. If the new view was the wrong idea, the old one is still there, until it is let go.

# %% [markdown]
# ## Break it
#
# ### 7. A slot that nobody reads
#
# The machine of a view is gone, and nobody dropped its slot. What a slot has not confirmed stays in the log, whatever a
# **checkpoint** (PostgreSQL's word for a moment after which the log is not needed for a crash; not a reader's position) would
# let go. 300 sales are committed, with a checkpoint after every twenty.

# %%
longer = predict(
    "23/longer",
    "How many times as long is the log in the end as without the slot?",
    between=(1, 10_000),
    unit="times as long",
)
longer

# %%
logs = {who: sides.log_on_disk(listens=who) for who in sides.LISTENS}
(_, nobody), (_, away) = logs["nobody"][-1], logs["away"][-1]

# %%
longer.reveal(
    away / nobody,
    why="Without a slot a checkpoint cuts the log off; with it, it only grows.",
    show=charts.lines(
        logs,
        title="How long is the log?",
        x="sales",
        y="bytes",
        log_y=True,
    ),
)

# %% [markdown]
# It would grow until the disk is full, and then nobody writes any more: a reader who is away stops the writers.
# PostgreSQL's default is just that. With a limit (there `max_slot_wal_keep_size`) the slot is **lost** at the next checkpoint
# instead. What a real PostgreSQL says then is in lab 14, *Measure*. And our model's view?

# %%
print(told.lost_slot(sides.lost_and_anew()))

# %% [markdown]
# Lost is better than full: it is told, and a snapshot mends it. Watch *log held back* of each slot, in bytes, and be woken
# long before the limit. What one commit of one sale holds back in the real log:

# %%
growth = sides.held_back(theirs, commits=100, every=100)
a_commit = (growth[-1][1] - growth[0][1]) / 100
measured(a_commit, "bytes a commit", usually="some 200 bytes a commit")

# %% [markdown]
# ### 8. One's own sale
#
# Ada sells, and looks for her sale in the index. As in lab 03, experiment 6; but this index *asks* for changes, once every
# *P* = 1 s, and she sold at any moment between two looks. So the law is a straight line: *d* seconds later her sale is not
# there yet with the chance $1 - d/P$.

# %%
from dsys_lab.scenarios.derived_dataflows import lagging, own_reads

# %%
charts.against_law(
    {"counted": lagging.unseen(0, 0.2, 0.4, 0.6, 0.8, 1)},
    laws={"counted": lambda waited_s: laws.unseen_share(waited_s, 1)},
    title="How often is one's own sale not there yet?",
    x="looked after, s",
    y="share of the looks",
)

# %%
player(
    own_reads,
    compare={"until_seen": (False, True)},
    titles=("she looks", "she says up to where"),
    waited_s=(0, 1, 0.1),
    poll_s=(0.2, 2, 0.2),
)

# %%
[(waited_s, held_s)] = lagging.held(0.2)
print(f"{waited_s:g} s after her sale the answer is held for {held_s:.2f} s on average")

# %% [markdown]
# In *she says up to where* ada brings the *position* of her commit along, and the index answers only when it has it: never stale, and
# later. An outline in *not seen* is a sale that she looked for in vain. (Some systems have this built in: a token of the
# session, a `WAIT FOR LSN`. The others can have it in a column.)
#
# ### 9. Too slow, for good or for a while
#
# A view takes two commits a second. (A reader's lag as in lab 17; here the log it holds back is the database's own.)

# %%
behind = predict(
    "23/behind",
    "Three sales a second are committed, for 20 s. How many commits is it behind?",
    between=(0, 60),
    unit="commits",
)
behind

# %%
rates = {f"{rate:g} a second": lagging.behind(rate) for rate in (1, 1.8, 3)}
in_bytes = {
    f"{rate:g} a second": lagging.behind(rate, what="log held back")
    for rate in (1, 3)
}
at_last = lagging.behind_at_last(3, 4, 6)
_, commits, error = at_last[0]

# %%
adds_up = charts.against_law(
    {"counted": at_last},
    laws={"counted": lambda rate: (rate - 2) * 20},
    title="And after 20 s?",
    x="sales a second",
    y="commits behind",
)

# %%
behind.reveal(
    commits,
    law=(3 - 2) * 20,
    standard_error=error,
    why="What comes more than it takes adds up, second by second.",
    show=(
        charts.lines(
            rates,
            laws={"what comes, less what goes": [(0, 0), (20, 20)]},
            title="How far is the view behind, by sales a second?",
            y="commits",
            steps=True,
        ),
        adds_up,
        charts.lines(in_bytes, title="What is held back of the log?", y="bytes"),
    ),
)

# %% [markdown]
# It never catches up, and holds more and more of the log. Two numbers tell a slow view: how many *positions* it is behind, and how many *bytes*. They do not say the same:
# one transaction that changes many rows is one commit.

# %%
spikes = lagging.spike(1, 10, 100, 1_000)
charts.lines(
    {"held back": [(one.rows, one.held_bytes) for one in spikes]},
    title="One commit behind: how much is that?",
    x="rows of the transaction",
    y="bytes",
    log_x=True,
    log_y=True,
)

# %% [markdown]
# A nightly job that touches every row is heard as one huge commit, and all others wait behind it.
#
# ### 10. A commit that the view cannot take
#
# The total was written when the shop sold masks, pillows and tea, and raises an error at any other item. Ten sales come,
# then one of a blanket, and twenty more after that. It is a **poison message**, as in lab 14, experiment 6, and lab 17: one
# that is told again and again and never taken. What is new is the slot, which holds the log back meanwhile.

# %%
unknown = {then: sides.poisoned(ours, then) for then in sides.THEN}
unknown_there = {then: sides.poisoned(theirs, then) for then in sides.THEN}
lacking = {then: one.lacks for then, one in unknown.items()}
alike = lacking == {then: one.lacks for then, one in unknown_there.items()}

# %%
title = "Sales that the total lacks in the end"
charts.bars(lacking, title=title, unit="sales")

# %%
held_bytes = {then: one.held_bytes for then, one in unknown.items()}
charts.bars(held_bytes, title="What its slot holds back of the log", unit="bytes")

# %%
print(f"With PostgreSQL's log it lacks {'as many' if alike else 'not as many'}.")

# %% [markdown]
# *Left alone*, the view stops there: it may not skip what it is told and cannot take it, and the slot holds more and more
# of the log back (experiment 7). Nothing of the blanket is applied, written down or confirmed, so a **mended** view, opened
# again, goes on as if nothing had been. Or somebody looks, and says that this one is to be **set aside**: it is
# written down whole, with its position, as one that the view lacks (others send it to a *dead letter queue*). A follower that
# did so by itself would be wrong and not say so.

# %% [markdown]
# ## Measure
#
# Where PostgreSQL's slots part from the model's, each held by a test that runs both:

# %%
from dsys_lab.engines.postgres import SLOT_DIFFERENCES

differences(SLOT_DIFFERENCES)

# %% [markdown]
# And how long is it from a commit in PostgreSQL until our follower has it on its disk? One sale at a time:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.scenarios.derived_dataflows.machines import MAKES

# %%
with theirs.place() as (slot, beginning):
    ready = Follower(VolatileDisk(), MAKES["total"], slot)
    ready.begin(beginning)
    _, follow_s = interleaved(theirs.sell, ready.follow, rounds=20)
measured([1e3 * s for s in follow_s], "ms", usually="some milliseconds")

# %% [markdown]
# (`python -m dsys_lab.benchmark changes` compares changes a second: a plain loop, our follower, our log, and
# PostgreSQL's decoded by `pgoutput`.)

# %% [markdown]
# ## On real data
#
# Sales at a steady rate were our idea. Nobody made up when planes leave New York: each departure of 11 July 2013, a
# Thursday, until midnight by UTC, which is eight in the evening there, is a commit in its minute. They are 819 in all,
# or 0.57 a minute over the 24 hours. A view follows that takes *one* a minute: nearly twice what is needed on average.

# %%
day = predict(
    "23/day",
    "How many departures is it behind at the worst moment of the day?",
    between=(0, 400),
    unit="departures",
)
day

# %%
days = {
    f"{a_minute:g} a minute": lagging.followed_day(a_minute)
    for a_minute in (0.8, 1, 1.5)
}

# %%
day.reveal(
    days["1 a minute"].most,
    why="A day has peaks, and a view is behind by what came in them.",
    show=charts.lines(
        {name: one.behind for name, one in days.items()},
        title="How far is the view behind?",
        x="hour of 11 July, UTC",
        y="departures",
    ),
)

# %% [markdown]
# A follower is made for the peak, or its readers must live with its delay: the mean tells nothing about either.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | a copy must be what the table says | change capture by the log, positions written down with the view | *log held back*, of every slot |
# | others are to hear of what happened, in words of your own | an outbox, in the same transaction | that it is read by commit order, and emptied |
# | you may not read the log | an outbox polled up to the oldest transaction that still runs (exercise two) | long transactions: they hold all back |
# | the second system is only a cache | let it forget: invalidate and a time to live (lab 03) | the age of what it says |
# | a view changes | a new one beside it, then a swap | room for two |
# | a view cannot take a change | let it stop; mend it, or set that commit aside | what was set aside: the view lacks it |
# | a reader must see their own write | a position that travels with them | how long they wait |
# | both systems must change or neither | one database; or steps that can be undone (lab 25) | |
# | dual writes | only where the copy may be wrong | how often it is: compare the two, by ranges of keys (lab 03) |
#
# **At Amazon**: DynamoDB Streams, Database Migration Service, Aurora's and RDS's zero-ETL integrations with Redshift,
# logical replication of RDS. **Elsewhere**: Debezium on Kafka Connect, with its outbox router; Materialize, which keeps SQL views.

# %% [markdown]
# ## Exercises

# %%
exercise("23/ends_apart")


# %%
def ends_apart(order): ...


exercise("23/ends_apart", ends_apart)

# %%
exercise("23/poll")


# %%
def poll(rows, oldest_running, state): ...


exercise("23/poll", poll)

# %%
exercise("23/apply")


# %%
def apply(view, change): ...


exercise("23/apply", apply)

# %% [markdown]
# **Design question.** From a nightly copy to a stream, without a night off.

# %%
exercise("23/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, "Databases and streams"; "Turning the database inside out",
#   2014; Kleppmann, Beresford and Svingen, "Online event processing", *ACM Queue* 2019.
# - Kreps, "The log: what every software engineer should know about real-time data's unifying abstraction", 2013.
# - Das et al., "All aboard the Databus!", *SoCC* 2012.
# - PostgreSQL 18 documentation, ch. 47 "Logical decoding", `max_slot_wal_keep_size`, `CREATE_REPLICATION_SLOT`; read and run in
#   November 2026.
# - Debezium documentation, "Outbox event router"; Richardson, "Pattern: transactional outbox".
# - Andreakis and Papapanagiotou, "DBLog: a watermark based change-data-capture framework", 2020.
#
# Beyond one machine: the log is copied to a broker, so that many views read it without a slot each at the database (lab 17); DBLog takes snapshots in small
# pieces *between* the changes, so that no table is read in one go; columns change, and a registry of schemas keeps those who read apart from those who
# write; and after a failover the slot must be on the machine that takes over, or all begin anew.
