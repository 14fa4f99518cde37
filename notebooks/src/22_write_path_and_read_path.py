# %% [markdown]
# # Write path and read path
#
# <!-- binder --><!-- /binder -->
#
# *Between what somebody writes and what somebody reads there is work. Who does it, and when?*

# %% [markdown]
# ## Question
#
# Sleepers of *Slumber* post a line in the evening, and in the morning each opens a page: the best lines of those whom
# they follow. From lines to a page it takes six steps, and somebody has to do them: for every line that is **written**,
# or for every page that is **read**, or some here and some there. So there is a wall on the way. What stands before it
# is the **write path**, what stands behind it the **read path**.
#
# An index, a cache, a feed and a view of a database are that same wall in different places. Where should it stand? What
# does it cost to move it, and who waits?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 4 of Play, and [Choose](#Choose).

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
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Write path vs read path")

# %% [markdown]
# Nothing stands there yet, and it is the right heading. Here is what we would put, in two sentences:
#
# > *Write path vs read path: whatever is derived from data can be worked out when it is written (eager) or when it is
# > read (lazy), and every index, cache, view and feed is a choice of how far the write path reaches. Moving that wall
# > never changes the answer, only who pays, when, and how old the answer may be.*
#
# Four things that are often said:
#
# | it is said | in finer print |
# |---|---|
# | an index is a kind of data | it is work that was moved to the write side; drop it, and every answer stays what it was |
# | precompute everything | most of it nobody ever reads; where that begins to pay is experiment 1 |
# | a cache is a matter of reading | what it holds grows old when somebody *writes*: throwing it out is work of the write path (experiment 6) |
# | separate models for writes and reads (CQRS) mean two databases | they mean a wall, and a wall may stand inside one database |

# %% [markdown]
# ## Picture
#
# The belt goes from a line to a page. **parse** takes a line apart; **store** puts it under its name; **index** files
# it under its author; **join** puts it into the list of each follower; **rank** picks each follower's best three;
# **render** makes a page of them. Steps left of the wall are done at each write, those right of it at each read. Over a
# step rise sparks: the first one is one row **touched** in a second, and each further one doubles that.
#
# Below are three meters of work, and one of **staleness**: how long a line takes, on average, until all that is left of
# the wall is done with it, so that it can be seen. (One worker does that, 5,000 rows a second.) The hollow marks are
# where the meter would stand with the wall elsewhere. A hundred people, ten lines and ten pages a second, counted over
# the first 300 lines. **Move the wall.**

# %%
from dsys_lab.scenarios.write_path_and_read_path import standings

# %%
charts.sliding(
    lambda wall: charts.conveyor(**standings.drawn(wall, reads_a_write=1)),
    wall=(0, 6),
    at={"wall": 3},
)

# %% [markdown]
# With the wall in front of all, a log is searched for each page. Behind *store* stands a table with a key, behind
# *index* a secondary index, behind *join* a feed for each reader, behind *rank* a view that is kept up, behind *render*
# a cache of finished pages.
#
# The same among twelve people, one line and one page after the other: a line walks as far as the wall, and a page is
# made from there on, each stopping at a step for as long as the rows take that it touches. The first lane's wall stands
# behind *index*, the second's behind *rank*. The strip says how many rows the last line touched, and how many the last
# page. Press **space**, then let more be read.

# %%
from dsys_lab.scenarios.write_path_and_read_path import walls

# %%
player(
    walls,
    compare={"eager": (3, 5)},
    titles=("the wall behind index", "the wall behind rank"),
    reads=(0.5, 6.0, 0.5),
    row_ms=80.0,
)

# %% [markdown]
# ## By hand
#
# Ann is followed by Ben and Cy. A line is *name author stars text*; the stars say how good it is. First with the wall
# behind *index*:

# %%
from dsys_lab.dataflows.derived_view import Wall

# %%
people = {"ann": ["ben", "cy"], "ben": ["cy"], "cy": []}
lazy = Wall(people, eager=3)
lazy.write("n1 ann 5 slept like a stone")
standings.rows_at_steps({"Ann writes": lazy.touched})

# %% [markdown]
# One row at each of three steps, and nobody's page was touched. Now Cy reads:

# %%
print(lazy.read("cy"))
standings.rows_at_steps({"Cy reads": lazy.touched})

# %% [markdown]
# And with the wall behind *rank*. The same line, the same page; who does the work is another:

# %%
eager = Wall(people, eager=5)
eager.write("n1 ann 5 slept like a stone")
written = eager.touched
print(eager.read("cy"))
standings.rows_at_steps({"Ann writes": written, "Cy reads": eager.touched})

# %% [markdown]
# What does it cost to change one's mind? A second line of the same name replaces the first. Whoever has copied it must
# take it out everywhere, and may have to look for the next best, which nobody kept:

# %%
for wall in (lazy, eager):
    wall.write("n1 ann 1 woke at three")
standings.rows_at_steps({"behind index": lazy.touched, "behind rank": eager.touched})

# %% [markdown]
# ## Look inside
#
# A write does the eager steps and stops at the wall. (`_put` and `_take` are one row touched, each.)

# %%
show_source(Wall.write, Wall.carry_on)

# %% [markdown]
# A read begins at the end and asks backwards, as far as it must:
#
# ```text
#   page  <-  ranked?  <-  joined?  <-  indexed?  <-  stored?  <-  parsed?  <-  the lines
#             kept: take it
#             not kept: make it of what is left of it
# ```

# %%
show_source(Wall.page_of, Wall.of_reader, Wall.by_author, Wall.by_name)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.
#
# Two thousand people, few of them followed by many: the first by all others, the hundredth by 31; 11.5 followers is the
# mean, and half of them have three or fewer. All post alike, 20 posts a second together. The wall stands behind *join*: a
# worker copies each post into the lists of its author's followers, 500 copies a second, one post after the other. That
# is more than twice as fast as it must be. (*p99*, the 99th percentile: 99 in a hundred are quicker.)

# %%
others_wait = predict(
    "22/others-wait",
    "Look at posts of people with at most ten followers, whose copying takes at most "
    "20 ms. How long until such a post can be seen by all, for the slowest in a "
    "hundred (p99)?",
    between=(0.01, 10),
    unit="seconds",
)
others_wait

# %% [markdown]
# ## Play
#
# ### 1. How often is it read?
#
# In the picture a page was read for each line. But a page of a newspaper is read a million times, and a log hardly
# ever. The wall that costs least depends on that ratio, and on nothing else that we can choose.

# %%
best_wall = predict(
    "22/best-wall",
    "A hundred pages are read for each line that is written. Behind which step does "
    "the wall touch the fewest rows?",
    choices=["nothing", "store", "index", "join", "rank", "render"],
)
best_wall

# %%
found, courses = standings.standings(), standings.courses()

# %%
sliding_wall = charts.sliding(
    lambda wall, reads_a_write, lines: charts.conveyor(
        **standings.drawn(wall, reads_a_write, writes=float(lines))
    ),
    at={"wall": 6, "reads_a_write": 100},
    wall=(0, 6),
    reads_a_write=[0.001, 0.01, 0.1, 1, 10, 100, 1000],
    lines=[10, 100, 150],
)

# %%
per_line = {"x": "pages read for each line", "y": "rows a line"}
title = "Rows touched for each line, by the last step of the write path"
by_ratio = charts.lines(courses, title=title, **per_line, log_x=True, log_y=True)

# %%
best_wall.reveal(
    standings.cheapest(100).last,
    why="A line is written once; what is saved on a page is saved a hundred times.",
    show=(sliding_wall, by_ratio),
)

# %% [markdown]
# (*lines* is how many are written a second.) In the chart, the lowest line at each ratio is the wall to choose: with
# one read for hundreds of lines it stands in front of all, and with more and more reads it moves to the right. Where do
# two walls cost the same? Moving it one step costs each write some rows, *w*, and saves each read some, *r*. It pays
# from
#
# $$\frac{w}{r}$$
#
# reads a write on. For each step, with the rows that were counted:

# %%
standings.moves_table()

# %% [markdown]
# Steps that touch the same rows pay from the same ratio on. So here the cheapest wall stands in front of all, behind
# *index*, behind *rank* or behind *render*, and nowhere else. And whatever the wall: are the pages of all hundred
# people the same in the end, to the letter?

# %%
print(f"{len({one.pages for one in found})} kind of pages, by {len(found)} walls")

# %% [markdown]
# ### 2. How late is it seen?
#
# What is done at the write has to be done *by somebody*, and until it is, the page is old: *stale*. The worker touches
# 5,000 rows a second. With the wall behind *render* a line takes some 32 rows, and 130 lines come a second, at random.

# %%
seen_after = predict(
    "22/seen-after",
    "A line keeps the worker busy for about 6 ms on average. With 130 lines a second, "
    "how long does it take on average until a line can be seen?",
    between=(1, 1_000),
    unit="ms",
)
seen_after

# %%
late = standings.lateness(10, 50, 80, 100, 120, 130)
[(_, seen_ms, error)] = late["render"][-1:]
by_law = standings.lateness_by_law(*late)

# %%
axes = {"x": "lines written a second", "y": "milliseconds, on average", "log_y": True}
title = "How late is a line seen?"
how_late = charts.against_law(late, laws=by_law, title=title, **axes)

# %%
seen_after.reveal(
    seen_ms,
    law=by_law["render"](130),
    standard_error=error,
    why="Most lines take a moment, and wait behind the few that go to many pages.",
    show=how_late,
)

# %% [markdown]
# (Each mark is a place of the wall, by the last step of the write path; the bars are three standard errors.) The law is
# that of a queue with one server whose work varies, of Pollaczek and Khinchine. And there is an end to it: with 158
# lines a second the worker would be busy all the time, and behind *render* each page would grow older every minute. A
# read never has that trouble; whoever reads pays on the spot.
#
# ### 3. Copy, or gather?
#
# Now *join* alone. Everybody follows some others, and wants to see their newest posts. **Push**: who posts *copies* the
# post into a list of each follower. **Pull**: who reads *gathers* from the list of everybody they follow. Each list
# that is touched counts as one.

# %%
push_pull = predict(
    "22/push-pull",
    "2,000 people with 11.5 followers on average. Each reads ten times for each post "
    "of their own. How many times as many lists does pull touch as push?",
    between=(0.1, 100),
    unit="times",
)
push_pull

# %%
from dsys_lab.scenarios.write_path_and_read_path import counts

# %%
[ten] = counts.touched(10)
touched, by_law = counts.touched_courses(0.1, 0.3, 1, 3, 10), counts.touched_laws()

# %%
axes = {"x": "reads for each post", "y": "lists", "log_x": True, "log_y": True}
title = "Lists touched for each post"
lists = charts.against_law(touched, laws=by_law, title=title, **axes)

# %%
mean = counts.mean_followers()
push_pull.reveal(
    ten.pull / ten.push,
    law=laws.pull_touches(mean, 10) / laws.push_touches(mean, 10),
    why="Push pays f once and then 1 for each read; pull pays f for each read.",
    show=lists,
)

# %% [markdown]
# With *f* followers and *r* reads a post push touches *f + r* lists and pull *1 + r f*. They meet at one read a post,
# however many followers there are. If a copy is dearer than a look, they meet at the ratio of the two prices:

# %%
for write_cost, read_cost in ((1, 1), (3, 1), (1, 3)):
    even = laws.break_even_reads(write_cost=write_cost, read_cost=read_cost)
    print(f"a copy {write_cost}, a look {read_cost}: even at {even:.2g} reads a post")

# %% [markdown]
# ### 4. A celebrity
#
# The mean says little where one is followed by everybody. Sixty people; the first post is by the one whom all follow.
# The worker makes twenty copies a second, of one post after the other. In the second lane whoever has more than ten
# followers is *not* copied, but asked when somebody reads. Press **space**; at *fan-out*, the queue of posts that are
# to be copied, look who stands behind the first.

# %%
from dsys_lab.scenarios.write_path_and_read_path import fan_out

# %%
player(
    fan_out,
    compare={"threshold": (None, 10)},
    titles=("all are copied", "above 10 followers: asked"),
    copies=(5.0, 60.0, 5.0),
    at={"copies": 20.0},
)

# %% [markdown]
# A post takes *f / µ* seconds, with *f* followers and *µ* copies a second. While it does, some followers see it and
# others do not, and everybody's posts wait behind it. Now the question of the whole lab:

# %%
levels = counts.thresholds(None, 1000, 500, 200, 100, 50, 20)
print(f"a post to 1,999 followers takes {laws.fan_out_s(1_999, 500):.1f} s")

# %%
rates = 5, 10, 15, 20, 25, 30
loads = [counts.thresholds(None, posts_a_second=rate)[0] for rate in rates]
p99 = [(rate, one.behind_s_p99) for rate, one in zip(rates, loads, strict=True)]

# %%
others_wait.reveal(
    levels[0].behind_s_p99,
    why="They stand in one queue with those whom thousands follow.",
    show=charts.lines(
        {"p99, ten followers at most": p99},
        title="How long does a post of few followers take?",
        x="posts a second",
        y="seconds",
        references={"a post to 1,999 followers": laws.fan_out_s(1_999, 500)},
    ),
)

# %% [markdown]
# ### 5. Some are pushed, some pulled
#
# So celebrities are pulled, and all others pushed: a **hybrid**, with a **threshold** of followers. It has a price.
# Whoever reads must ask each celebrity whom they follow.

# %%
asked = predict(
    "22/threshold",
    "Whoever has more than 200 followers (of 2,000) is pulled. How many celebrities "
    "must an average reader ask?",
    between=(0, 20),
    unit="lists",
)
asked

# %%
waits, asks = counts.threshold_courses(levels)
axes = {"x": "threshold, followers (2,000: nobody is pulled)", "log_x": True}

# %%
title = "How long until a post is seen by all?"
seen = charts.lines(waits, title=title, y="seconds", log_y=True, **axes)
title = "How many lists does a reader ask besides their own?"
besides = charts.lines(asks, title=title, y="lists", **axes)

# %%
by_threshold = {one.threshold: one for one in levels}
asked.reveal(
    by_threshold[200].pulled_a_reader,
    law=counts.pulled_by_law(200),
    why="It is the sum of their followers over the number of readers.",
    show=(seen, besides),
)

# %% [markdown]
# A handful of lists at each read buys a queue in which hardly anybody waits. The wall need not be straight: it may stand in one
# place for some data and in another for the rest.
#
# ### 6. A cache
#
# The laziest of walls is one that moves: nothing is done ahead, but what was worked out for one reader is kept for the
# next, for some time (**ttl**, time to live). Lab 03, experiment 2, has the law of how much of that is wrong. For a page
# that is read once a second and written every ten seconds, and kept for 20 s:

# %%
from dsys_lab.scenarios.authoritative_and_derived.sweeps import (
    stale_own_reads,
    stale_shares,
    ttl_hit_shares,
)

# %%
[(_, hits, _)], [(_, stale, _)] = ttl_hit_shares(20), stale_shares(20)
law = laws.stale_hit_share(0.1, 20)
print(f"{hits:.0%} of the reads hit; {stale:.1%} of these are stale, law {law:.1%}")

# %% [markdown]
# But who makes the page, and how often? With a ttl alone a reader does, when it is too old, and the write path is not even
# told. To **invalidate** it, to throw it out when it is written, is a small step of the write path, and the next reader
# makes it anew. To **fill** it then is to stand the wall behind *render* for this one page: the writer makes it.

# %%
from dsys_lab.scenarios.write_path_and_read_path import pages as cached_page

# %%
charts.against_law(
    cached_page.made(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    laws=cached_page.made_by_law(),
    title="How often is a page made that is read once a second?",
    x="writes a second",
    y="pages made a second",
    log_x=True,
    log_y=True,
)

# %% [markdown]
# With *r* reads and *w* writes a second it is $r/(1+rT)$ with a ttl of *T*, $rw/(r+w)$ by invalidation, and *w* by filling.
# Who invalidates never makes more pages than are read or than are written: an entry that is thrown out twice between two
# reads is made once. Who fills makes pages that nobody reads, as soon as more is written than read: experiment 1 again.
#
# ### 7. One's own words
#
# Whoever writes and then looks wants to see it, even if the rest of the world may wait. Behind the wall stands a copy,
# and a change is under way to it for *l* = 100 ms on average. As in lab 03, experiment 6, whoever looks *d* seconds after
# their write does not find it with the chance $e^{-d/l}$. After 200 ms:

# %%
from dsys_lab.scenarios.authoritative_and_derived import following

# %%
[(_, unseen, _)] = stale_own_reads(0.2, seconds=60.0)
law = laws.stale_own_read(0.2, 0.1)
print(f"{unseen:.1%} of the writers do not see what they wrote, law {law:.1%}")

# %% [markdown]
# The cure costs nothing but patience: the write returns its **position** in the log, and the reader says *I must see at
# least that far*. (PostgreSQL calls the position an *LSN*, and so far has the replica *replayed*.) Each writer comes to
# *readers* a little after the write; who does not find it leaves an outline in *not seen*. In the second lane the copy lets
# them wait, discs at *readers*, until it is there. (A slower copy, so that there is something to see; the strip **lag** says
# by how many changes it is behind.)

# %%
player(
    following(seconds=6.0, applies=22.0),
    following(seconds=6.0, applies=22.0, until_seen=True),
    titles=("takes what is there", "waits for its position"),
)

# %% [markdown]
# ### 8. Indexes
#
# The oldest wall of all stands in every database. Lab 03 counted what indexes cost in PostgreSQL's log. Here both sides of
# the wall are in one picture, for a table of 20,000 rows and 20 columns with a primary key: what each index adds to an
# inserted row, and what it saves the question *which rows have 77 in the first column?*

# %%
from dsys_lab.engines.postgres import PostgresDatabase, indexed

# %%
with PostgresDatabase() as database:
    tables = indexed(database, 0, 1, 2, 5, 10)
records = [(one.indexes, one.log_records_a_row) for one in tables]
pages = [(one.indexes, one.asked_pages) for one in tables]

# %%
charts.lines(
    {"log records a row": records, "pages a question": pages},
    title="What do indexes cost and save?",
    x="indexes besides the key",
    y="records, pages",
    log_y=True,
    whole_x=True,
)

# %% [markdown]
# On the belt the first is the step *index*: one record more at each write, hundreds of pages fewer at each read. The
# others were made for questions that nobody asks: all write path, and no read.
#
# ### 9. The last step is on the phone
#
# Why should the wall end at our own door? Fifty phones show the page. Either each **polls**, asking every ten seconds
# whether there is something new; or it **subscribes**, and each change is sent to it. There is a change every 20 s on
# average, for 10,000 s. (A question and its answer count as one message.)

# %%
clients = predict(
    "22/clients",
    "How many times as many messages are there by polling as by subscribing?",
    between=(0.1, 100),
    unit="times",
)
clients

# %%
poll, subscribe = counts.heard(seconds=10_000)
times, error = counts.times_as_many(seconds=10_000)
messages = counts.heard_courses(0.01, 0.05, 0.1, 0.3, 1.0, seconds=10_000)

# %%
axes = {"x": "changes a second", "y": "messages", "log_x": True, "log_y": True}
title = "Messages in 10,000 s, for fifty phones"
by_law = counts.heard_laws(seconds=10_000)
sent = charts.against_law(messages, laws=by_law, title=title, **axes)

# %%
clients.reveal(
    times,
    law=(1 / 10) / 0.05,
    standard_error=error,
    why="Polls come whether there is news or not: 0.1 a second, for 0.05 changes.",
    show=sent,
)

# %% [markdown]
# How many changes there are in 10,000 s is drawn; each dot is the mean of eight draws. And how late does a phone know of
# a change? (By polling half the interval, as in lab 17, experiment 2.)

# %%
print(f"poll: {poll.late_s:.1f} s, law {laws.polling_delay_s(10):.1f} s")
print(f"subscribe: {subscribe.late_s:.2f} s")

# %% [markdown]
# Where much changes and little is looked at, polling is the cheaper: it is the crossing of experiment 1 once more. And
# a phone that was off has missed what was sent. It comes back with the position of the last change that it knows and
# asks for all that came since; whoever cannot do that begins with the whole page.

# %% [markdown]
# ## Break it
#
# **The worker crashes half-way.** Some followers have the post, others not. It is back after a second. Does it begin
# again?

# %%
crash = {"do": "crash", "target": "worker", "at_s": 1.5, "lasts_s": 1}
player(fan_out(faults=[crash]), titles=("the worker crashes",))

# %% [markdown]
# It asks which followers are still *untold*, who do not have the post yet, and goes on with them: nobody is told twice.
# By hand, with a post that was told to one of two:

# %%
from dsys_lab.dataflows.derived_view import Feed

# %%
feed = Feed(people)
post, to_tell = feed.post("ann", "slept well")
feed.tell(post, "ben")
untold = feed.untold(post.position)
print(f"to tell: {', '.join(to_tell)}; after the crash: {', '.join(untold)}")

# %% [markdown]
# **The worker is slow**: a third of its speed for eight seconds. Nothing is lost, and nothing is said. All that there
# is to see is the queue.

# %%
slow = {"do": "slow", "target": "worker", "at_s": 1, "value": 0.33, "lasts_s": 8}
player(
    fan_out(faults=[slow]),
    fan_out(faults=[slow], threshold=10),
    titles=("all are copied", "above 10 followers: asked"),
)

# %% [markdown]
# What breaks a cache or a copy is in lab 03: word of a write that is lost, two changes that overtake each other, a herd, and
# a view with a bug, which is mended, thrown away and folded once more.
#
# Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# PostgreSQL has the wall in four places, for the sum of the minutes by city. A plain **query** adds up when somebody
# asks. A **materialized view** is the answer, kept as a table: `REFRESH` makes it anew, and until then it is old (here
# somebody refreshes before each question); *concurrently* does that without stopping readers. A **trigger** updates the
# sums with each change, in the same transaction. A thousand nights, of five cities.

# %%
even_changes = predict(
    "22/even-changes",
    "A trigger touches two sums for each change: the old one and the new one. From how "
    "many changes between two questions on does the plain query touch fewer rows?",
    between=(1, 5_000),
    unit="changes",
)
even_changes

# %%
from dsys_lab.engines.postgres import kept_views
from dsys_lab.engines.postgres.kept_views import (
    DIFFERENCES,
    even_at,
    rows_a_question,
)
from dsys_lab.scenarios.write_path_and_read_path.kept import nights_and_changes

# %%
with PostgresDatabase() as database:
    kept = {
        changes: kept_views(database, *nights_and_changes(1_000, changes))
        for changes in (10, 100, 1_000)
    }

# %%
axes = {"x": "changes before the questions", "y": "rows a question"}
title = "Rows touched for each question"
four_ways = charts.sliding(
    lambda questions: charts.lines(
        rows_a_question(kept, questions), title=title, **axes, log_x=True, log_y=True
    ),
    questions=[1, 10, 100],
)

# %%
even_changes.reveal(
    even_at(kept[100]),
    law=laws.break_even_reads(write_cost=1_000 - 5, read_cost=2),
    why="Each change costs two rows; the question saves all but five of a thousand.",
    show=four_ways,
)

# %% [markdown]
# With one question the first three lie on each other: a refresh for each question is never worth it, for it reads all
# that the query reads, and then writes. It pays when there are more questions than refreshes (**choose 10 or 100**),
# and that is the price: in between, the answer is old. (What each way reads and writes stands in the table of lab 03,
# *Measure*.) All four say the same, and so does the model, `Counts`, by `rebuild` and by `apply`. What is otherwise, each
# held by a test:

# %%
differences(DIFFERENCES)

# %% [markdown]
# And by the clock? The same question to 20,000 nights, once to the table and once to the sums that a trigger keeps; then
# a change, without the trigger and with it. They take turns, so that a busy moment hits both:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.views import asking, changing

# %%
with PostgresDatabase() as plain, PostgresDatabase() as triggered:
    asked_s = interleaved(asking(plain, "query"), asking(triggered, "trigger"))
    changed_s = interleaved(changing(triggered), changing(plain))

# %%
times = [slow / quick for slow, quick in zip(*asked_s, strict=True)]
measured(times, "times as long by the query", usually="several times as long")

# %%
times = [slow / quick for slow, quick in zip(*changed_s, strict=True)]
measured(times, "times as long with a trigger", usually="up to twice as long")

# %% [markdown]
# ## On real data
#
# The flights that left New York in 2013, up to Christmas Eve, and then the last week of the year, flight by flight.
# Somebody asks: *how many flights, and how many minutes late, from this airport to that one in this month?* Any of the
# three may be left open. Two steps lead to an answer: the sums **by pair and month**, and **every sum**, also those
# with something left open.

# %%
from dsys_lab.scenarios.write_path_and_read_path import departures

# %%
at_christmas = [f"{many:,} {what}" for what, many in departures.sizes().items()]
print(f"at Christmas: {', '.join(at_christmas)}")

# %%
flights_even = predict(
    "22/flights-even",
    "Keeping every sum touches eight rows a flight instead of one, and a question then "
    "touches one row. From how many questions a flight on is it the cheaper of the "
    "two?",
    between=(0.0001, 10),
    unit="questions a flight",
)
flights_even

# %%
flights_wall = charts.sliding(
    lambda kept, questions: charts.conveyor(
        **departures.drawn(departures.WALLS.index(kept), questions)
    ),
    kept=list(departures.WALLS),
    questions=[0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0],
    at={"kept": departures.WALLS[1], "questions": 0.001},
)

# %%
axes = {"x": "questions a flight", "y": "rows a flight", "log_x": True, "log_y": True}
title = "Rows touched for each flight, by what is kept"
by_law = {name: departures.rows_by_law(at) for at, name in enumerate(departures.WALLS)}
rows = charts.against_law(departures.courses(), laws=by_law, title=title, **axes)

# %%
flights_even.reveal(
    departures.even_at(1, 2),
    law=departures.even_by_law(1, 2),
    why="A question saves two thousand rows, and a flight costs seven more.",
    show=(flights_wall, rows),
)

# %% [markdown]
# (*questions* are those that fall to one flight, and a flight is written each second.) The law takes the sizes at
# Christmas from SQL, and the counts were made while the table grew. Half-way is the best in between: with less than one
# question for some 330 flights, and more than one for some 330,000. Are the answers the same, with all three walls, and
# by SQL over the whole year?

# %%
told = departures.answers_of_all(3)
for flights, minutes in sorted(set(told.values())):
    by = [who for who, answer in told.items() if answer == (flights, minutes)]
    print(f"{flights:,} flights, {minutes:,} minutes late: {', '.join(by)}")

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | it is written often and hardly ever read (logs, audits) | the wall in front: keep the lines, search when asked | how long a search takes |
# | it is read by a few known columns | an **index** for each of them, and for no others | indexes that nobody asks: all cost |
# | the same is read again and again, and may be some seconds old | a **cache** with a ttl, and invalidation at the write | stale hits; misses after it was emptied |
# | sums over much, asked all day | a **view that is kept up** (trigger, stream); refreshed at night if a day old is good enough | how far it is behind |
# | everybody has a page of their own, few followers each | **push**: a feed for each | the queue of the fan-out |
# | a few are followed by very many | a **hybrid**: push the many small, pull the few large | p99 until a post is seen; celebrities a read |
# | people look for what they just wrote | a position at the write, and a read that waits for it | how long it waits |
# | phones show it | the last step on the phone: subscribe, and catch up by position | phones that come back |
# | you do not know yet how often it is read | lazy first; move the wall when the meters say so | both meters |

# %% [markdown]
# ## Exercises

# %%
exercise("22/place_wall")


# %%
def place_wall(stands, writes, reads, wait_rows): ...


exercise("22/place_wall", place_wall)

# %%
exercise("22/push_set")


# %%
def push_set(followers, posts, reads): ...


exercise("22/push_set", push_set)

# %%
exercise("22/in_order")


# %%
def in_order(names): ...


exercise("22/in_order", in_order)

# %% [markdown]
# **Design question.** The number beside the envelope.

# %%
exercise("22/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*: ch. 1, *Describing load*; ch. 12, *Observing derived state*, where
#   the write path meets the read path.
# - Silberstein et al., "Feeding frenzy: selectively materializing users' event feeds", SIGMOD 2010: push and pull, pair
#   by pair.
# - Gupta and Mumick, "Maintenance of materialized views", *IEEE Data Engineering Bulletin* 1995.
# - Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013: invalidation as a part of the write path.
# - Terry et al., "Session guarantees for weakly consistent replicated data", PDIS 1994: to read one's own writes.
# - PostgreSQL 18 documentation: `REFRESH MATERIALIZED VIEW`, ch. 37 *Triggers*, ch. 11 *Indexes*, *EXPLAIN*.
# - Kleinrock, *Queueing Systems*, vol. 1, for the law of Pollaczek and Khinchine.
#
# Beyond one machine: the fan-out becomes a service of its own with a log before it; search indexes are pipelines that
# follow a log (lab 23); engines such as Materialize and Feldera keep any query up to date; a CDN is the far end of the
# write path; and what is done eagerly takes room on disk, which becomes the price that one watches.
