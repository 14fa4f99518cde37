# %% [markdown]
# # Start here
#
# <!-- binder --><!-- /binder -->
#
# *Understand data systems by running them.*
#
# One sentence carries all that follows: **a workload asks a system; the system leaves a trace; views show the
# trace.** You will predict what a system does, run it, watch it, break it, measure it on a real engine, and write a
# small part of it yourself.
#
# **What it is for.** At the end you can take a system that stores or moves data and say, in numbers and before you run it,
# what it reads, what it keeps waiting, what is lost or done twice when a part of it fails, and what it costs to have it
# otherwise. Whether you can is not a feeling: the last page of lab 26 holds five counts against five goals, from the
# predictions that came true to the exercises that you solved.
#
# ## One order
#
# Somebody clicks. One order goes through most of the stores and brokers that these labs are about: it is written into a
# database, which is the moment in which it becomes true, and everything to the right of that is a copy that hears of it
# later, some in seconds, some by the batch. Run the next cell (**Shift+Enter**), click the picture and press **space**.

# %%
from dsys_lab.lessons import map_of_labs, player, predict, progress
from dsys_lab.scenarios.patterns import followed

# %%
player(followed)

# %% [markdown]
# You need not understand any of it yet. Nearly every box has a lab of its own; the last, lab 26, comes back to this
# picture and says which. Two things stand by every picture from here on:
#
# - The **ledger** says what became of each copy of a message that was offered. *Done*: worked off. *Stored*: it stands
#   somewhere and waits. *In flight*: on its way, or in somebody's hands. *Dropped* and *expired*: lost, for want of room or
#   by age. *Dead*: set aside, after it failed too often. *Rejected*: its sender was told no. *Unmatched*: nobody wanted it.
#   What was offered is always the sum of the others.
# - A **lamp** is a sentence that must be true of the whole run, green as long as it is. Rest the mouse on its name to read
#   it. *Promised and kept*, for one: what its sender was told is safe is never lost.
#
# ## A first picture to touch
#
# Monday, 07:00: every wearable of a sleep survey sends its night. They reach the **inbox**; the **scorer** takes one
# after the other out. Before you look, say what you believe. There is no wrong answer yet:

# %%
guess = predict(
    "00/lost",
    "The burst brings 30 nights a second for 20 s; the scorer does 10 a second. How "
    "many nights are lost when 50 may wait?",
    between=(0, 800),
    unit="nights",
)
guess

# %% [markdown]
# Now look: run the next cell, click the picture and press **space**. On the left everyone may wait, on the right 50.

# %%
from dsys_lab.scenarios.not_consumed_in_time import burst

player(
    burst,
    compare={"policy": ("unbounded", "drop_oldest")},
    until_s=330,
    capacity=(5, 100),
    burst_rate=(8, 40),
)

# %% [markdown]
# Two lanes, the same luck: the same nights at the same moments, by one **seed** of the random numbers. On the left the inbox takes everyone; on the right it has only so many places and lets the
# oldest go. Move a slider, and the run is made again while you look.
#
# - **Space** plays, the **arrows** step, one row of the trace at a time, forwards and back. Drag the time line.
# - **Click a disc** to follow that night for life. Click a place to look closer.
# - The **sentence** says what the current row means. Click a red **lamp**, and you stand at the row that broke it: here
#   *nothing lost*, on the right. *Conservation* says that each copy is in one account of the ledger, *bounded depth* that
#   the inbox never holds more than it may, *important kept* that no night marked as important was let go.
# - The **bar** is the ledger, drawn: so many done, waiting, under way, lost.
# - **G** forks the run at the cursor: crash, slow, split, lose or duplicate right there, and see before and after
#   side by side.
# - At speed 1x the whole run takes some twenty seconds; **+** and **-** change it. **?** shows all keys.

# %% [markdown]
# ## What you said
#
# Have you answered, above? Then see what was counted, and what the law says:

# %%
from dsys_lab.trace import outcome

guess.reveal(
    outcome(burst(policy="drop_oldest", capacity=50)).lost,
    law=(30 - 10) * 20 - 50,
    why="In those 20 s 20 a second more come in than go out, and 50 find a place.",
)

# %% [markdown]
# *Counted* is always counted by the code beside it; the *law* is a formula, dashed in every chart. This one knows no
# chance. The run draws every arrival by it, so another seed counts another number:

# %%
[outcome(burst(policy="drop_oldest", seed=seed)).lost for seed in range(1, 7)]

# %% [markdown]
# So a dot in a chart is mostly a mean over several seeds, and the bar through it is three **standard errors**: the true
# mean lies in it nearly always.
#
# ## How a notebook goes
#
# Every lab has the same beats, so you always know where you are:
#
# | beat | what happens |
# |---|---|
# | Question | a situation in which something must be decided |
# | The notes say | the notes on data systems that this suite brings to life, quoted, and what can be added today |
# | Picture | the system in motion, before any explanation |
# | By hand | the size of it with pencil and paper, or one formula |
# | Look inside | the few lines of code that do it |
# | Predict | you say what will happen; your answer is kept |
# | Play | experiments: predicted, counted, and the law, in one chart |
# | Break it | faults on purpose, and exactly what was lost |
# | Measure | the same verbs on a real engine, and where it differs |
# | On real data | where the question is about data: 336,776 real flights |
# | Choose | when to use it, and when not |
# | Exercises | you write a small part; it is checked under hidden seeds, and played |
# | Sources | where it all comes from |

# %% [markdown]
# ## The labs
#
# In the order of the notes. Each can be read alone: a term that another lab explains mostly has a link to it.

# %%
map_of_labs()

# %% [markdown]
# ## Your progress
#
# Predictions and exercises are kept in one file on your own machine, and nowhere else.

# %%
progress()
