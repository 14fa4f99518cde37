# %% [markdown]
# # Relational databases
#
# <!-- binder --><!-- /binder -->
#
# *Many people at the same rows, and a machine that may lose its power: what is promised, to whom, and at what price.*

# %% [markdown]
# ## Question
#
# Slumber has a clinic now, and a shop. In the clinic two sleep nurses are on call; one may go home as long as the
# other stays. In the shop there are ten pillows left. Hundreds of people look at these rows and change them, all at
# once, and each program was written as if it were alone.
#
# What does a database promise so that this goes well? When does it not? And what of it is still there when the
# power comes back?
#
# *In a hurry:* Picture, By hand, experiments 1 to 3 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import exercise, notes, player, predict, progress, show_source

# %% [markdown]
# ## The notes say

# %%
notes("RelationalDB - AWS Aurora and Aurora Serverless")

# %% [markdown]
# Compatible is the right word to begin with: what a PostgreSQL program relies on are the promises of this lab, and
# Aurora keeps them. What can be added, as of November 2026:
#
# - Compatible at the level of SQL and the wire; **the storage below is another one**: the engine sends its log to a
#   volume of six copies and never writes a page.
# - "Reserved" is called **provisioned** today (a *Reserved Instance* is a way to pay). *Serverless v2* is a mode of a
#   single instance, and the two mix in one cluster.
# - Six copies are not six servers. There is **one writer**; it puts the log in order, so the copies need no vote about
#   the order, only enough of them to be sure that it is kept.

# %% [markdown]
# ## Picture
#
# A *transaction* is some statements that belong together: `BEGIN`, …, `COMMIT`; or `ROLLBACK`, and it never was. The
# database keeps more than one **version** of a row. Whoever changes a row leaves the old version where it is and puts a
# new one beside it. Whoever reads takes a **snapshot**: a note of who had committed at that moment.
# (The field says *multiversion concurrency control*, MVCC.)
#
# Each bar is a version of a ward's free beds: **hollow** while its maker has not committed, **filled** from then on,
# and it ends when a successor commits. A **hatched** one was rolled back. A dashed line is a snapshot, with a **ring**
# on every version that it sees.

# %%
from dsys_lab.scenarios.relational import versions
from dsys_lab.views import charts

# %%
charts.version_chains(versions())

# %% [markdown]
# Every dashed line crosses exactly one filled bar of each row: a snapshot sees one moment, whoever is at work. (Where it
# stands on the edge of two bars it was taken first, and the ring says which of the two it sees.) And no reader ever
# waits for a writer, for there is always an old version to show.

# %% [markdown]
# ## By hand
#
# A version carries a *stamp*: `xmin`, the number of the transaction that made it; `xmax`, of the one that replaced it
# (0: nobody); and `ctid`, where its successor stands. A snapshot is two things: the first number that was not given
# away yet, and the numbers that were still running. Say of each version whether it is seen, before you look at the answer
# under its cell. (`Rid` is a page and a place on it; `NOBODY` says that who looks has changed nothing itself.)
#
# Transactions 3 and 7 committed, 8 was rolled back, 9 still runs. Somebody took a snapshot while 7 was running:

# %%
from dsys_lab.stores.relational import Snapshot, Stamp, is_visible
from dsys_lab.stores.relational.visibility import ABORTED, COMMITTED, NOBODY, RUNNING
from dsys_lab.structures.b_tree import Rid

# %%
fates = {3: COMMITTED, 7: COMMITTED, 8: ABORTED, 9: RUNNING}.__getitem__
early = Snapshot(next_xid=8, running=frozenset({7}))

# %%
replaced_by_7 = Stamp(xmin=3, xmax=7, ctid=Rid(0, 2))
is_visible(replaced_by_7, early, NOBODY, fates)

# %%
made_by_7 = Stamp(xmin=7, xmax=8, ctid=Rid(0, 3))
is_visible(made_by_7, early, NOBODY, fates)

# %% [markdown]
# And somebody who looks later, when 9 is running. Mind that 8 wrote its number into the stamp before it was rolled
# back; nobody went back to take it out:

# %%
late = Snapshot(next_xid=10, running=frozenset({9}))
is_visible(made_by_7, late, NOBODY, fates)

# %% [markdown]
# That is why a rollback is free, and why a crash needs no undoing: what has no commit to its name is simply not seen.

# %% [markdown]
# ## Look inside
#
# The rule that you just applied, whole. It asks nobody, changes nothing and waits for nothing:

# %%
show_source(Snapshot.sees, is_visible)

# %% [markdown]
# Only two who want to change the *same* row meet, and then one waits. No thread sleeps here: to have to wait is an
# answer.

# %%
from dsys_lab.scenarios.relational.people import database

# %%
shop = database()
ada, ben = shop.session("ada"), shop.session("ben")
ada.execute("CREATE TABLE stock (id integer PRIMARY KEY, left_over integer)")
ada.execute("INSERT INTO stock VALUES (1, 10)")

# %%
ada.execute("BEGIN")
ada.execute("UPDATE stock SET left_over = left_over - 1 WHERE id = 1")
ben.execute("UPDATE stock SET left_over = left_over - 1 WHERE id = 1")

# %%
ada.execute("COMMIT")
ben.proceed()

# %%
ben.execute("SELECT left_over FROM stock").rows

# %% [markdown]
# So an interleaving is a list of who says what, and can be written down. This lab plays five accidents that way:
#
# - **dirty read**: somebody reads a row that another has changed and not committed yet;
# - **read skew**: somebody reads two rows, one after the other, and in between both are changed;
# - **phantom**: somebody looks twice for all rows of a kind, and in between another adds one;
# - **lost update**: two read the same row, and then both write it;
# - **write skew**: two check one rule over several rows, and then each changes another of these rows.
#
# Here is one, word for word as it lies in the package:

# %%
from dsys_lab.workloads.anomalies import text_of

# %%
print(text_of("read_skew"))

# %% [markdown]
# ## Predict
#
# There are four *isolation levels*. At **read committed** each statement takes a snapshot of its own; at **repeatable
# read** the first statement takes one for the whole transaction, and who wants to change a row that was changed since
# is let down; **serializable** also promises that the outcome is that of *some* order one after the other. (Read
# uncommitted may do less. PostgreSQL's does not.)
#
# Two nurses are on call. Each looks, sees two, and signs *herself* off:

# %%
nurses = predict(
    "08/nurses",
    "Both run at repeatable read. Each sees one moment, and they change different "
    "rows. What happens?",
    choices=["all is right", "somebody is let down", "it goes wrong"],
)
nurses

# %% [markdown]
# ## Play
#
# ### 1. Accidents
#
# The nurses at two levels. Each version of a row has a box: on the left what there was, in the middle the people who
# read it, on the right what they made of it. A cross under a person: somebody was let down; under a version: it was
# written over by somebody who had never seen it. Step with the arrow keys and read the sentence.

# %%
from dsys_lab.scenarios.relational.people import accident, how_it_ends

# %%
nurses.reveal(
    how_it_ends("write_skew", "repeatable read"),
    why="Nobody changed a row that the other had changed: each changed one that the "
    "other had read. Only serializable keeps note of what was read.",
    show=player(accident, compare={"level": ("repeatable read", "serializable")}),
)

# %% [markdown]
# Now the pillows. Ada and Ben each read how many are left, each sell one, and each write down what is left *as a
# number that their program worked out*.

# %%
pillows = predict(
    "08/pillows",
    "Two sales of the same stock, both at read committed: Ben's write must wait until "
    "Ada has committed. What happens then?",
    choices=["all is right", "somebody is let down", "it goes wrong"],
)
pillows

# %%
levels = {"level": ("read committed", "repeatable read")}
pillows.reveal(
    how_it_ends("lost_update", "read committed"),
    why="He waits for the row, and then writes over it the number that he had worked "
    "out before. At repeatable read he is told that the row is no longer the one he "
    "saw.",
    show=player(accident, script="lost_update", compare=levels),
)

# %% [markdown]
# All five accidents at all four levels, each played in a database of its own. First a guess:

# %%
grid_cells = predict(
    "08/grid",
    "Five accidents at four levels: in how many of the twenty cells does it go wrong?",
    between=(0, 20),
    unit="cells",
)
grid_cells

# %% [markdown]
# Then fill in the grid, before it opens below. This is the second of the three exercises; it shows you a cell that
# you have wrong, with what was seen in it.

# %%
exercise("08/happens")


# %%
def happens(accident, level): ...


exercise("08/happens", happens)

# %%
import pandas as pd

from dsys_lab.laws import ALLOWED
from dsys_lab.scenarios.relational.people import verdicts

# %%
signs = {"done": "✓", "late": "!", "lost": "✗"}
roles = {
    "all is right": "done",
    "somebody is let down": "late",
    "it goes wrong": "lost",
}
legend = {role: words for words, role in roles.items()}


def boxes(ends):
    return {
        (level, accident.replace("_", "\n")): (roles[end], signs[roles[end]])
        for level, of_level in ends.items()
        for accident, end in of_level.items()
    }


# %%
ours = verdicts()
grid_cells.reveal(
    sum(list(of_level.values()).count("it goes wrong") for of_level in ours.values()),
    law=sum(map(len, ALLOWED.values())),
    why="Each level takes some accidents away, but for the first two, which are alike.",
    show=charts.verdict_grid(
        {"the model": boxes(ours)},
        legend=legend,
        title="Five accidents at four levels",
        box_inches=0.9,
    ),
)

# %% [markdown]
# Read it from top to bottom: the first two rows are alike, as PostgreSQL's are; then each level takes accidents away,
# some of them at the price of people who are *let down*. A dirty read goes wrong nowhere: a database that keeps
# versions has nothing uncommitted to show. (The SQL standard permits it at the first level, to those who keep one
# version only.) To be let down is not an accident: nothing of theirs happened, and their program may begin anew. A
# program that does not is the real danger of the higher levels.

# %% [markdown]
# ### 2. What beginning anew costs
#
# The pillow launch: so many buyers look at the same stock at the same moment, at repeatable read. One gets through,
# the others are let down and begin anew, until each has their pillow. (The writers of a lake did so, lab 06,
# experiment 6. New here is a write in one statement: `UPDATE stock SET left_over = left_over - 1`.)

# %%
tries = predict(
    "08/one-statement",
    "Twelve buyers, all at once. Who looks and then writes needs 12 + 11 + … + 1 "
    "attempts together. And in one statement?",
    between=(1, 78),
    unit="attempts",
)
tries

# %%
from dsys_lab.laws import attempts_first_wins
from dsys_lab.scenarios.relational.people import attempts

# %%
buyers = range(1, 21)
counted = {
    "look, then write": [(k, attempts(k)) for k in buyers],
    "in one statement": [(k, attempts(k, how="in one statement")) for k in buyers],
}
law = {"k (k + 1) / 2": [(k, attempts_first_wins(k)) for k in buyers]}
tries.reveal(
    attempts(12, how="in one statement"),
    law=12,
    why="Each waits for the one before and works from what that one has left.",
    show=charts.lines(
        counted,
        laws=law,
        title="Attempts until everybody has bought",
        x="buyers at once",
        y="attempts",
    ),
)

# %% [markdown]
# What is read and written in one statement is never worked out from something old. The lesson is not to fear conflicts
# but to **shape the write**.

# %% [markdown]
# ### 3. A long report
#
# Old versions do not go away by themselves. A *sweep* (PostgreSQL: `VACUUM`) takes those that nobody will ever see
# again. Somebody sells a product each millisecond, and after every five sales the table is swept. In the midst of it
# a report takes a snapshot and stays open for a while.

# %%
dead = predict(
    "08/dead",
    "Sixty sales; the report is open for six tenths of them. How many dead versions "
    "lie in the table at the worst moment?",
    between=(0, 60),
    unit="dead versions",
)
dead

# %%
from dsys_lab.scenarios.relational.people import (
    dead_at_most,
    dead_over_time,
    long_report,
)

# %%
course = {
    "no report": dead_over_time(report=False),
    "report open": dead_over_time(report=True),
}

# %%
dead.reveal(
    dead_at_most(report=True),
    law=60 * 0.6,
    why="What died after the oldest open snapshot must stay, even the versions in "
    "between that no snapshot sees: the sweep looks at the oldest one only. To these "
    "come the few that had died since the sweep before it.",
    show=(
        charts.lines(
            course,
            title="What a long report keeps",
            x="sales",
            y="dead versions",
            steps=True,
        ),
        player(long_report, compare={"report": (False, True)}, sweep_every=(1, 20)),
    ),
)

# %% [markdown]
# Move the slider: to sweep more often does not help while the report is open.

# %% [markdown]
# ### 4. What goes to the log
#
# To commit is to have it on the disk; that the client *hears* of it, and so has it acknowledged, comes after. Not the
# pages (they lie anywhere), but one line in the **log**: what changed. (It is the *write-ahead log*; from it comes the
# log of changes that the copies of lab 03 follow.) There is a trap. A page has two sectors, and when the power goes
# while it is written it may be *torn*: half new, half old. Then a few changed bytes from the log are worth nothing, for
# there is no whole page to put them on. Therefore the first change of a page after each *checkpoint* (in a database:
# the moment at which all pages are written) puts the **whole page** into the log. And an update changes several: the
# page of the old version, which is stamped; the one at the table's end, where the new version goes; one of the index,
# which must find it; and the page on which the database notes who has committed.

# %%
whole_pages = predict(
    "08/whole-pages",
    "A table of 53 pages with 19 rows on each, and an index of 3; right after a "
    "checkpoint you update 100 rows drawn at random, a commit each. How many whole "
    "pages are in the log?",
    between=(0, 300),
    unit="pages",
)
whole_pages

# %%
from dsys_lab.scenarios.relational.log import (
    law_of_images,
    log_growth,
    stock_shape,
)

# %%
steps = (1, 5, 10, 20, 40, 70, 100, 150, 200, 300, 400)
grown = log_growth(*steps)
images = {"counted": [(use.updates, use.images) for use in grown]}
whole_pages.reveal(
    dict(images["counted"])[100],
    law=dict(law_of_images(100))[100],
    why="The law is the mean of all possible draws; this is one of them.",
    show=charts.lines(
        images,
        laws={"law": law_of_images(*steps)},
        references={"all pages of the table as it was": stock_shape().heap_pages},
        title="Pages that go into the log whole",
        x="updates since the checkpoint",
        y="whole pages in the log",
    ),
)

# %% [markdown]
# It bends: once a page is in the log it need not go in again. What still grows on the right are the pages that the new
# versions add at the end of the table. So a checkpoint has a price that falls due right after it. Where do the bytes
# go?

# %%
log_bytes = {
    "whole pages": [(use.updates, use.image_bytes / 1024) for use in grown],
    "what changed": [(use.updates, use.record_bytes / 1024) for use in grown],
}
charts.lines(
    log_bytes,
    title="The log since the checkpoint",
    x="updates since the checkpoint",
    y="KiB of log",
)

# %%
shares = {
    use.updates: use.image_bytes / (use.image_bytes + use.record_bytes) for use in grown
}
print(f"whole pages, of the log: {shares[5]:.0%} after 5 updates,", end=" ")
print(f"{shares[400]:.0%} after 400")

# %% [markdown]
# Right after a checkpoint the log is nearly all whole pages, and after 400 updates it still is for the most part. And
# after a crash all of the log since the checkpoint must be done again before anybody is served: what a rare checkpoint
# saves on the one side, a restart pays on the other. How much that is, and what becomes of it where the log is the
# database, is experiment 7.

# %% [markdown]
# ### 5. Send the pages, or send the log?
#
# A copy in another zone (lab 07: buildings that do not fail together, some kilometres apart) must get what changes. A
# database that mirrors its disk sends every changed page, twice (once to its place, once against tearing), and the log.
# One that sends *only* the log can leave the pages to the other side: there is nothing to tear on the way.

# %%
sent = predict(
    "08/sent",
    "The log alone to six copies, against pages and log to two mirrors: how many "
    "times fewer bytes leave the machine for a transaction?",
    between=(0.5, 50),
    unit="times fewer",
)
sent

# %%
from dsys_lab.scenarios.relational import commits, mirrored_pages
from dsys_lab.scenarios.relational.log import shipped

# %%
bytes_sent = shipped()
sent.reveal(
    bytes_sent["pages, to two mirrors"] / bytes_sent["the log alone, to six copies"],
    why="Six times something small is less than twice something large.",
    show=(
        charts.bars(
            bytes_sent, title="What goes over the network", unit="bytes a transaction"
        ),
        player(commits),
        player(mirrored_pages(mirrors=2)),
    ),
)

# %% [markdown]
# How much less depends on the rows. Each update logs the new version whole, so wide rows make a long log; and narrow rows
# lie many on a page, which is then sent once for many updates. Move the slider:

# %%
charts.sliding(
    lambda note_chars: charts.bars(
        shipped(note_chars=note_chars),
        title="What goes over the network",
        unit="bytes a transaction",
    ),
    note_chars=[0, 100, 400, 1_000],
)

# %% [markdown]
# In the first picture above each dot is a record on its way to one of six copies; in the second each is a whole page,
# on its way to two mirrors that must both have it. Mind when the writer may say that a commit is done: in the first, as
# soon as four copies have answered, for which experiment 6 gives the reason.

# %% [markdown]
# ### 6. Six copies in three zones
#
# That is what Aurora does: the writer sends its log to six **segments**, two in each of three zones, and segments make
# pages of it on their own. A commit counts when **four** have answered: the *write
# quorum*. After a crash a new writer asks **three**: any four and any three of six have one in common, so whatever was
# acknowledged is found. (This is a quorum and not yet *consensus*: there is one writer, who alone says what comes after
# what. Lab 09 says what it takes when several could.)

# %%
zone_and_one = predict(
    "08/zone-and-one",
    "A whole zone is lost, and while it is away one copy more. What still works?",
    choices=["writes and reads", "reads and repairs", "nothing"],
)
zone_and_one

# %%
from dsys_lab.scenarios.relational import zone_loss
from dsys_lab.scenarios.relational.copies import what_still_works

# %%
zone_and_one.reveal(
    what_still_works(zones=1, more=1),
    why="Three are left: too few for a write, enough to find all that was "
    "acknowledged and to fill a new copy from it.",
    show=player(zone_loss, compare={"more": (0, 1)}),
)

# %% [markdown]
# Three copies with two to write would do for a zone *or* a machine. But a zone is away for hours, and in hours some
# machine fails: "a zone and one more" is the ordinary bad day of a large fleet. Shares of the time in which each is
# stopped, if a copy is down for a thousandth of the time and a zone for a ten-thousandth:

# %%
from dsys_lab.scenarios.relational.copies import stopped

# %%
pd.DataFrame(stopped()).T.map(lambda share: f"1 in {float(f'{1 / share:.2g}'):,.0f}")

# %% [markdown]
# While a zone is down six copies are no gain for writes: four are left and all four are needed, of three copies two and
# both are needed, and four have twice as many that may fail. (Over all time they stop a third as often.) What six
# copies buy stands in the rows of the *reads*: without a zone, three of the four that are left are enough to find
# everything and to make the missing copies anew. Writes that stop for a while are a nuisance; commits that nobody can
# find any more are a loss.

# %% [markdown]
# ### 7. The power goes: what must be done again?
#
# One machine has its log, and pages that are older; each committed update left two records (the row, the commit).
# Beside it a volume of segments, which make pages of records on their own; here they do so after every fifty updates.
# Then the power goes.

# %%
redone = predict(
    "08/redone",
    "310 updates since the checkpoint, then the power goes. How many log records must "
    "the one machine do again before it answers the first query?",
    between=(0, 2000),
    unit="records",
)
redone

# %%
from dsys_lab.laws import records_to_replay
from dsys_lab.scenarios.relational.restart import restarts, volume_restarts

# %%
updates = (1, 49, 51, 99, 101, 149, 151, 199, 201, 249, 251, 299, 301, 310)
machine, segments = restarts(*updates), volume_restarts(*updates)
again = {
    "one machine": [(r.updates, r.records) for r in machine],
    "segments": [(r.updates, r.records) for r in segments],
}
redone.reveal(
    machine[-1].records,
    law=records_to_replay(updates[-1]),
    why="Two a transaction, and all of them: redo begins at the checkpoint, whatever "
    "was written since. Segments have made most of theirs into pages by then.",
    show=charts.lines(
        again,
        laws={"2 a transaction": [(u, records_to_replay(u)) for u in updates]},
        references={"not in pages yet, at most": 50},
        title="Done again: by the one machine, before the first query",
        x="updates since the checkpoint",
        y="records done again",
    ),
)

# %% [markdown]
# The line of the one machine grows without end; that of the segments goes up and down below its bound, and nobody waits
# for all of it: whoever reads a page redoes what that page lacks. There is no checkpoint here, and no replay before the
# doors open. In bytes, and in milliseconds on the model of a hard disk (8 ms for each access, 150 MB a second):

# %%
pd.DataFrame(
    {
        name: {
            "records": f"{last.records}",
            "KiB of log": f"{last.log_bytes / 1024:.1f}",
            "milliseconds": f"{1e3 * last.seconds('hdd'):.1f}",
        }
        for name, last in (
            ("one machine", machine[-1]),
            ("segments, all pages", segments[-1]),
        )
    }
)

# %% [markdown]
# With so short a log the disk's accesses, and not the bytes, are most of the time. A checkpoint a quarter of an hour
# apart leaves gigabytes, and then the bytes decide.

# %% [markdown]
# ### 8. Waiting for four of six
#
# Each answer takes about a millisecond, some a little more, and one in a hundred twenty times as long: a disk that
# is busy with itself. A commit waits for the answers that it needs. How long does it take for all but five of a
# thousand commits? (In the film behind the question one answer in five is so late, that some are seen.)

# %%
all_six = predict(
    "08/all-six",
    "Waiting for all six copies, against waiting for four of six: how many times as "
    "long does the slow end of the commits take?",
    between=(1, 40),
    unit="times as long",
)
all_six

# %%
from dsys_lab.scenarios.relational.copies import (
    WAITED_FOR,
    answered_ms,
    law_of_answers_ms,
)

# %%
slow_end = {name: answered_ms(*counts) for name, counts in WAITED_FOR.items()}
by_law = {name: law_of_answers_ms(*counts) for name, counts in WAITED_FOR.items()}
all_six.reveal(
    slow_end["6 of 6"] / slow_end["4 of 6"],
    law=by_law["6 of 6"] / by_law["4 of 6"],
    why="Whoever waits for all waits for the slowest; whoever may leave two out does "
    "not meet a straggler.",
    show=(
        charts.bars(
            slow_end, title="995 of 1,000 commits are done within", unit="milliseconds"
        ),
        player(commits, compare={"write": (4, 6)}),
    ),
)

# %% [markdown]
# ### 9. Capacity that follows the load
#
# *Serverless* means: the size of the instance, in *ACU* (about 2 GiB of memory each), is decided every second. It grows
# by a share of what it is, shrinks slowly, and with a minimum of 0 it pauses when nobody has come for a while. (How
# fast exactly is not published: the shares here are a model.)

# %%
from dsys_lab.lessons import facts

# %%
facts("aurora_acu_step", "aurora_acu_max", "aurora_pause_after_min")

# %%
first_query = predict(
    "08/first-query",
    "The instance has paused. How long does the first query of the morning wait?",
    between=(0, 120),
    unit="seconds",
    found="by AWS's account",
)
first_query

# %%
from dsys_lab.scenarios.relational.copies import capacity_curves, waits_for_resume_s

# %%
sizes = capacity_curves(load="mornings", minutes=63, min_acu=0)
first_query.reveal(
    waits_for_resume_s(),
    why="The model takes it over: nothing is measured here. See how the night is "
    "spent at nought, and what the rush meets in the morning.",
    show=charts.lines(
        sizes, title="A night at nought", x="minutes", y="ACU", steps=True
    ),
)

# %% [markdown]
# Try the loads, and a higher minimum: it costs all day, and it grows faster when the rush comes.

# %%
charts.sliding(
    lambda load, min_acu: charts.lines(
        capacity_curves(load=load, min_acu=min_acu),
        title="What is asked for, and what is there",
        x="minutes",
        y="ACU",
        steps=True,
    ),
    load=["mornings", "spiky", "steady"],
    min_acu=[0.0, 0.5, 4.0],
)

# %% [markdown]
# The same as a film, an hour to a morning: nobody comes in the first hour, so the instance pauses after five minutes;
# then the rush begins. A disc is the query of every fifth second, and the tube how large the instance is. On the right
# at least 4 ACU are kept, all night.

# %%
from dsys_lab.scenarios.relational import capacity

# %%
player(capacity, load="mornings", hours=1.1, compare={"min_acu": (0.0, 4.0)})

# %% [markdown]
# Fifteen seconds for the resume, and then the cold instance has half an ACU and everybody at once: what waits is worked
# off only when it has grown. How much waits at the worst moment, and until when?

# %%
from dsys_lab.scenarios.relational.serverless import backlog

# %%
charts.lines(
    {f"least {least:g} ACU": backlog(min_acu=least) for least in (0.0, 0.5, 4.0)},
    title="What waits when the rush comes",
    x="seconds after the first query",
    y="ACU seconds that wait",
)

# %% [markdown]
# What does each load cost an hour, in dollars, following it, and with the smallest instance that is always large enough?
# (Asked for: always the same; five minutes of each hour; one hour of four, and nobody for the rest. Instances come in
# doubling sizes.)

# %%
cheaper = predict(
    "08/cheaper",
    "An ACU that follows costs several times as much as the same memory in a "
    "provisioned instance. Up to which mean use does following it pay all the same?",
    between=(0, 100),
    unit="% of the provisioned size",
    found="worked out",
)
cheaper

# %%
from dsys_lab.facts import fact
from dsys_lab.laws import break_even_utilisation
from dsys_lab.scenarios.relational.copies import bills, price_provisioned_acu

# %%
price, fixed = fact("aurora_price_acu").value, price_provisioned_acu()
uses = (0.0, 0.25, 0.5, 0.75, 1.0)
by_use = charts.lines(
    {"following": [(use, use * price) for use in uses]},
    references={"provisioned": fixed},
    title="What an hour costs for each ACU of the provisioned size",
    x="share of it in use, on average",
    y="USD",
)

# %%
cheaper.reveal(
    100 * break_even_utilisation(fixed, price),
    why="One price divided by the other, as they stand below. At a smaller share "
    "of the provisioned size the one that follows is cheaper.",
    show=(by_use, pd.DataFrame(bills()).round(2)),
)

# %%
facts("aurora_resume", "aurora_price_acu", "aurora_price_provisioned")

# %% [markdown]
# Prices move; the law does not: divide the two. Below that mean use following pays, above it does not. And an instance
# that may pause has a price that stands on no bill: the first query.
#
# ### 10. Two tables, one question
#
# So far a statement had one table. But a sale has only the *number* of its product, and the name stands in another
# table: to have both is a **join**. The question says what is wanted and not how, so the **planner** of the database
# chooses a way. Three of them, each with a count of the rows that it looks at:

# %%
from dsys_lab.stores.relational.joins import by_index, hashed, nested_loop

show_source(nested_loop, by_index, hashed)

# %%
two_loops = predict(
    "08/two-loops",
    "100 sales, 10,000 products, each sale wants the name of its own. How many times "
    "as many rows does a loop in a loop look at as a hash join?",
    between=(1, 10_000),
    unit="times as many",
)
two_loops

# %%
from dsys_lab.laws import JOIN_WAYS, join_rows_looked_at
from dsys_lab.scenarios.relational.joining import looked_at

# %%
some, all_sales = (1, 10, 100, 1_000), (1, 10, 100, 1_000, 10_000, 20_000)
looks = {"nested loop": looked_at("nested loop", *some)}
looks |= {way: looked_at(way, *all_sales) for way in JOIN_WAYS[1:]}
at_100 = {way: points[2][1] for way, points in looks.items()}


def of_way(way):
    return lambda sales: join_rows_looked_at(way, sales, 10_000)


# %%
two_loops.reveal(
    at_100["nested loop"] / at_100["hash"],
    law=of_way("nested loop")(100) / of_way("hash")(100),
    why="The loop looks at all products for each sale, the hash join once.",
    show=charts.against_law(
        looks,
        laws={way: of_way(way) for way in looks},
        title="Rows looked at, of 10,000 products",
        x="sales",
        y="rows",
        log_x=True,
        log_y=True,
    ),
)

# %% [markdown]
# An index looks at fewest rows until there are as many sales as products. But a row that an index finds lies anywhere,
# and those of a scan lie side by side: what that makes of the choice, PostgreSQL shows in [Measure](#Measure).

# %% [markdown]
# ## Break it
#
# **The power goes** before every single step that the disk takes, one run for each. Nurses move beds between wards,
# two rows a transaction; so afterwards one can tell not only what is lost but whether half of a move is there. Once
# COMMIT waits for the disk, once it does not, and once it does but no whole page goes to the log:

# %%
from dsys_lab.scenarios.relational.log import power_cuts

# %%
cuts = {
    "COMMIT waits": power_cuts(),
    "COMMIT does not wait": power_cuts(synced=False),
    "no whole pages in the log": power_cuts(full_page_images=False),
}
pd.DataFrame(
    {
        name: {
            "power cuts": len(found),
            "committed and lost": sum(cut.lost for cut in found if cut.opened),
            "half there": sum(cut.half for cut in found),
            "does not open": sum(not cut.opened for cut in found),
        }
        for name, found in cuts.items()
    }
)

# %% [markdown]
# Not waiting loses the last commits, and never half of one: the log is in order. Without whole pages nothing is lost
# *quietly*: the checksum finds the torn page, and the database refuses to open until somebody brings a copy of it.

# %%
refused = [cut for cut in cuts["no whole pages in the log"] if not cut.opened]
print(refused[0].said)

# %% [markdown]
# **The real PostgreSQL, torn by hand.** A server of its own, and a table of nights with the hours that were slept: a
# checkpoint, nine of ten nights made an hour longer, the page driven to its file, the server killed, and half of the
# old page put back over the new one. With `full_page_writes` on, and off:

# %%
from dsys_lab.engines.postgres import torn_page

# %%
torn = {setting: torn_page(full_page_writes=setting) for setting in (True, False)}
said = {True: "yes", False: "no"}
pd.DataFrame(
    {
        f"full_page_writes = {said[on]}": {
            "it opens": said[one.recovered],
            "hours committed": one.expected,
            "hours found": one.found,
        }
        for on, one in torn.items()
    }
)

# %%
why = next(line for line in torn[False].said if "invalid page" in line)
print(why.partition("] ")[2])

# %% [markdown]
# **An old writer that does not know.** The network hid the writer, so somebody made another one. The old one is still
# there, and commits:

# %%
from dsys_lab.stores.relational.shared_volume import SharedVolume

# %%
volume = SharedVolume()
old = volume.writer
volume.commit({"pillow": "10"}), volume.fail_over()

# %%
volume.commit({"pillow": "9"}, writer=old), volume.commit({"lamp": "3"})

# %% [markdown]
# The segments had promised the new writer not to obey an older one: its *epoch* is refused, its commit is not
# acknowledged, and no clock was asked. The same with a network between them:

# %%
from dsys_lab.scenarios.relational import fail_over, replica_lag

# %%
player(fail_over, compare={"old": ("crashes", "is cut off")})

# %% [markdown]
# **A reader that is behind**, as in lab 03, experiment 6: a *replica* applies what the writer tells it, a little later.
# Somebody writes a row, is told that it is there, and looks at it on the replica at once. On the right whoever asks
# says what it wrote last, and the replica answers when it has come so far:

# %%
player(replica_lag, compare={"reader": ("asks at once", "says what it wrote")})

# %% [markdown]
# **A circle**, the field's *deadlock*. Ada holds one row and wants the other, Ben the other way round. Whoever closes
# the circle is let down; the other goes on:

# %%
ada.execute("INSERT INTO stock VALUES (2, 10)")
first = "UPDATE stock SET left_over = 0 WHERE id = 1"
second = "UPDATE stock SET left_over = 0 WHERE id = 2"

# %%
for person, row in ((ada, first), (ben, second)):
    person.execute("BEGIN")
    person.execute(row)
ada.execute(second)

# %%
ben.execute(first)

# %%
ada.proceed(), ada.execute("ROLLBACK")

# %% [markdown]
# ## Measure
#
# The same scripts, word for word, against three databases: our model, **PostgreSQL 18**, started for this notebook
# from a wheel, and **SQLite**.

# %%
from dsys_lab.engines.postgres import PostgresDatabase
from dsys_lab.engines.sqlite import SqliteDatabase

# %%
theirs = {"PostgreSQL": verdicts(PostgresDatabase), "SQLite": verdicts(SqliteDatabase)}
charts.verdict_grid(
    {name: boxes(ends) for name, ends in ({"the model": ours} | theirs).items()},
    legend=legend,
    title="The same accidents, in three databases",
    box_inches=0.56,
)

# %%
print("PostgreSQL box by box as the model:", theirs["PostgreSQL"] == ours)

# %% [markdown]
# SQLite has one level, whatever is asked for: one writer at a time, and whoever wants to write after somebody else has
# committed since their snapshot is let down.

# %% [markdown]
# PostgreSQL lets us look into its pages. Three sales of the same product, one of them rolled back: the stamps that
# you judged by hand, in a real page.

# %%
from dsys_lab.engines.postgres import explain, heap_page, update_after_checkpoint

# %%
real = PostgresDatabase()
seller = real.session("seller")
seller.execute("CREATE TABLE stock (id integer PRIMARY KEY, left_over integer)")
seller.execute("INSERT INTO stock VALUES (1, 10)")

# %%
sell = "UPDATE stock SET left_over = left_over - 1 WHERE id = 1"
for statement in (sell, "BEGIN", sell, "ROLLBACK", sell):
    seller.execute(statement)
page = pd.DataFrame(heap_page(real, "stock"))
zero = page.xmin.min() - 1
page.assign(xmin=page.xmin - zero, xmax=(page.xmax - zero).clip(lower=0))

# %% [markdown]
# (Numbers of transactions are counted from the first one here.) The chain of `ctid` leads past the version that was
# rolled back: the first sale's `ctid` was written over by the last one's. And what a statement really did, by
# PostgreSQL's own account, `EXPLAIN (ANALYZE, BUFFERS, WAL)`:

# %%
print(explain(real, sell))

# %% [markdown]
# The join of experiment 10, for 100 sales. A planner can be told what it may not do, so each of the three ways can be
# had; where its rows are looked at, it counts what the model counts:

# %%
from dsys_lab.engines.postgres import joined, outline, rows_looked_at

# %%
forced = {way: rows_looked_at(joined(real, 100, way)) for way in JOIN_WAYS}
pd.DataFrame({"model": at_100, "PostgreSQL": forced})

# %% [markdown]
# And left to itself? For 10 sales, then for 100:

# %%
few, more = joined(real, 10), joined(real, 100)
print(outline(few), outline(more), sep="\n\n")

# %% [markdown]
# A *nested loop* with an index on its inner side is the model's *by index*. For 100 sales the index would look at 200
# rows, and the hash join looks at 10,100; it is taken all the same, with the smaller table in the buckets. For the
# planner reckons above all with *pages*: each look through the index is of three, and all the products together stand
# on 63. How many rows a step will have it expects by its statistics; what becomes of a plan when these are old is in
# lab 11.

# %% [markdown]
# The whole pages of experiment 4, in PostgreSQL's log. A hundred rows are updated right after a checkpoint, and then once
# more. Here nothing is drawn at random: each row has a page to itself, and the new version has room beside the old one
# (a *HOT* update, which leaves the index alone). So by the rule it must be a page for each row:

# %%
after, later = update_after_checkpoint()
pd.DataFrame(
    {
        "right after a checkpoint": [
            after.images,
            f"{after.image_bytes / after.size_bytes:.0%}",
        ],
        "once more": [later.images, f"{later.image_bytes / later.size_bytes:.0%}"],
    },
    index=["whole pages in the log", "of its bytes, these are"],
)

# %%
from dsys_lab.lessons import measured

# %%
measured(
    [after.size_bytes / later.size_bytes],
    "times the log of the second update",
    usually="the first update writes fifty times as much log, or more",
)

# %%
real.close()

# %% [markdown]
# What the two engines do otherwise than the model:

# %%
from dsys_lab.engines.postgres import SESSION_DIFFERENCES as POSTGRES
from dsys_lab.engines.sqlite import SESSION_DIFFERENCES as SQLITE
from dsys_lab.lessons import differences

# %%
differences([*POSTGRES, *SQLITE])

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | the change fits one statement (`SET stock = stock - 1 WHERE stock > 0`) | any level; read committed is enough | rows that everybody wants |
# | you read, think, and write back one row | repeatable read and begin anew, or `SELECT … FOR UPDATE`, which takes the row when it reads it | how often somebody is let down; who waits |
# | a rule is about several rows (one nurse stays) | serializable, everywhere that touches the rule, and begin anew | how many a second are let down |
# | two tables in one question | an index on what they are joined by, fresh statistics, and a look at `EXPLAIN` | rows looked at for each row that comes out |
# | a report over everything | repeatable read, read only; better on a replica if it is long | age of the oldest snapshot, dead versions |
# | a few lost commits do no harm | a COMMIT that does not wait | how much a crash would take |
# | the machine must be back in seconds | frequent checkpoints, or a database whose log *is* the storage | bytes of log since the checkpoint |
#
# And whatever you choose: **whoever can be let down must begin anew**. It is the one line that most programs lack.

# %% [markdown]
# ## Exercises
#
# One you met in experiment 1: which accident at which level. Two more:

# %%
exercise("08/least_copies")


# %%
def least_copies(zones, more): ...


exercise("08/least_copies", least_copies)

# %%
exercise("08/recovery_point")


# %%
def recovery_point(groups): ...


exercise("08/recovery_point", recovery_point)

# %% [markdown]
# **Design question.** Five hundred buyers, twenty pillows.

# %%
exercise("08/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 7, "Transactions".
# - Berenson et al., "A critique of ANSI SQL isolation levels", SIGMOD 1995. Fekete et al., "Making snapshot isolation
#   serializable", ACM TODS 2005. Ports and Grittner, "Serializable snapshot isolation in PostgreSQL", VLDB 2012.
# - Mohan et al., "ARIES", ACM TODS 1992. Gray and Reuter, *Transaction Processing*, 1993.
# - Verbitski et al., "Amazon Aurora: design considerations for high throughput cloud-native relational databases",
#   SIGMOD 2017, and "On avoiding distributed consensus for I/Os, commits, and membership changes", SIGMOD 2018.
# - Selinger et al., "Access path selection in a relational database management system", SIGMOD 1979: the planner.
# - PostgreSQL 18 documentation, ch. 13 "Concurrency control" and 28 "Reliability and the write-ahead log". sqlite.org,
#   "Isolation in SQLite".
#
# Beyond one writer: shards with two-phase commit (Aurora Limitless, Citus), several writers with consensus (Spanner,
# CockroachDB, Aurora DSQL). The anomalies stay the same; the clock becomes the hard part.
