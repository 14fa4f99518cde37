# %% [markdown]
# # Facts, measures, dimensions
#
# <!-- binder --><!-- /binder -->
#
# *What a row means, which numbers may be made of numbers, and in which city somebody slept who has moved.*

# %% [markdown]
# ## Question
#
# *Slumber* has many nights and many who ask about them: the average by city, the median by age, all of it by week.
# Nobody wants to read every night for every question. So somebody keeps answers, and makes coarser ones of finer ones:
# the year from the months, the country from the cities.
#
# When may one do that, and when is the result simply wrong, without any error?
#
# *In a hurry:* Picture, By hand, experiments 1, 2 and 5 of Play, and [Choose](#Choose).

# %%
import pandas as pd

from dsys_lab.lessons import exercise, notes, player, predict, progress
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("Facts Measures and Dimensions.")

# %% [markdown]
# This is how tools for analysis speak (a "measure" is a column *and* what is done with it), and also how Kimball, whose
# book made the words common, uses *fact* for the number. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | the fact would be HoursSleep | three layers: the **fact row**, an event (one person, one night); the **value stored** on it (7.25 hours); the **aggregate** over many (their sum, their median) |
# | (not said) | the **grain**: one sentence that says what one row is. Two kinds of rows with different grain are not joined |
# | measures can be median, min, or max | min and max of parts make that of the whole; a **median** does not |
# | dimensions are slicers or filters | and they have a history: *city* is not the same then and now. *Age* has to be banded, and is that of the night |
# | row stores can simulate column stores using star | a narrow fact table helps; each row still has its header (experiment 3) |
# | analytics systems like column store | lab 02 and lab 11 |

# %% [markdown]
# ## Picture
#
# Nights of three cities, three bands of age and a few months: a **cube** of small boxes, its **cells**. A cell is as full
# as its number says: the hours of all nights that fell into it. On the right is its face, by city and age alone. Pour
# the months into it, one layer after the other (*roll up*). A box with dotted lines has been poured.
#
# - **sum**: the liquids simply add.
# - **avg**: two liquids, hours and nights; an average is worked out when somebody looks.
# - **median**: try it.
#
# Or choose one month alone, a *slice*: the others are grey. (Of that one even the median can be told: nothing has to
# be poured.)

# %%
from dsys_lab.scenarios.facts_measures_dimensions import cells

# %%
charts.sliding(
    lambda how, layers, only: charts.poured_cube(
        **cells.poured(how, layers, only), title="Hours by city, age and month"
    ),
    how=list(cells.HOWS),
    layers=(0, len(cells.months())),
    only=["all", *cells.months()],
    at={"layers": 2},
)

# %% [markdown]
# The same as a film, from the very table of the notes. Each row becomes a **fact**: hours stay with it, age and city go
# to the **dimension** `person`. Facts fall into cells by city and age (from forty on one is *older* here); cells are
# poured into cells by city, those into one. The tube in a cell is what its measure says;
# what is poured bears the initials of its cell, *Oo* for *Oslo older*. Press **space**. Then take the median, and
# `median_of_all`: the same median, of cells that keep all their values.

# %%
from dsys_lab.scenarios.facts_measures_dimensions import pouring

# %%
hows = ["sum", "avg", "median", "median_of_all"]
player(pouring, how=hows, sleepers=(2, 16))

# %% [markdown]
# ## By hand
#
# A dimension keeps **versions** of its members. A **surrogate key** is a number that means nothing else; facts point at
# it. Attributes are *historic* (each value is kept: Kimball's type 2) or *overwritten* (the last one counts: type 1); he
# calls a dimension that changes so a *slowly changing dimension*, SCD.

# %%
from dsys_lab.stores.star_schema import Dimension, FactTable, Link, Stored

# %%
person = Dimension("person", historic=["city"], overwritten=["plan"])
first = person.put(17, {"city": "Oslo", "plan": "free"}, at=0)
then = person.put(17, {"city": "Lagos", "plan": "plus"}, at=90)
print("surrogate keys:", first, then)

# %%
from dataclasses import asdict

# %%
versions = [asdict(one) | one.attributes for one in person.history(17)]
pd.DataFrame(versions, dtype=object).drop(columns="attributes")

# %% [markdown]
# Person 17 moved on day 90: two versions, the last one open. (*Inferred* comes in a moment.) Both versions say *plus*, for nobody needs to know the plan of then. Now a table of facts,
# with its grain: one row for each person and day. A night has 60 to 960 minutes; everything else is doubtful.

# %%
nights = FactTable(
    "night",
    ("person", "day"),
    links={"person": Link(person, "infer")},
    measures={"minutes": Stored(60, 960)},
    plain=("day",),
    when="day",
)

# %%
rows = [(17, 30, 435), (17, 95, 410), (17, 95, 410), (17, 96, 7.25), (8, 5, 380)]
names = ("person", "day", "minutes")
told = nights.load(dict(zip(names, row, strict=True)) for row in rows)
reasons = [one.reason for one in told.quarantined]
print(told.loaded, "facts; put aside:", *reasons, sep="\n")

# %% [markdown]
# What does not fit is put aside with the reason, and nothing else happens to it: each row given is a fact or in
# **quarantine**. Of person 8 nobody has heard; a member was *inferred*, to be filled in later. Where did they sleep?

# %%
ways = {as_of: nights.read("person.city", as_of=as_of) for as_of in ("then", "now")}
pd.DataFrame({as_of: read["person.city"] for as_of, read in ways.items()})

# %% [markdown]
# Now a **cuboid**: the cells for some dimensions, and in each cell what is kept of a measure. `avg` keeps two numbers,
# and so it can be rolled up; `median` keeps its answer only:

# %%
from dsys_lab.stores.star_schema import Cuboid, Measured, NotDecomposable

# %%
sleep = {
    "city": ["Oslo", "Oslo", "Lima", "Lima", "Lima"],
    "age": ["20s", "60s", "20s", "20s", "60s"],
    "minutes": [480, 400, 450, 430, 350],
}

# %%
average = Cuboid.of(sleep, ("city", "age"), [Measured("avg", "minutes")])
kept = [(*labels, *state) for labels, (state,) in average.cells.items()]
pd.DataFrame(kept, columns=["city", "age", "sum", "count"])

# %%
by_city = average.rollup(("city",))
pd.DataFrame(by_city.answers(), columns=["city", "avg(minutes)"])

# %%
print("in all:", *by_city.rollup(()).answers()[0])

# %%
try:
    Cuboid.of(sleep, ("city", "age"), [Measured("median", "minutes")]).rollup(())
except NotDecomposable as refusal:
    print(refusal)

# %% [markdown]
# ## Look inside
#
# What has to be kept of many values, so that two parts make the whole? Gray and his colleagues named three classes of
# aggregates by it:
#
# | class | what suffices | such as |
# |---|---|---|
# | **distributive** | the answer | count, sum, min, max |
# | **algebraic** | a fixed number of numbers | average (sum, count); variance (count, mean, squared distances) |
# | **holistic** | all the values, nothing less | median, number of different ones |

# %%
from dsys_lab.stores.star_schema import AGGREGATES

# %%
ways = {
    name: (one.kind, one.keeps, "no" if one.joined is None else "yes")
    for name, one in AGGREGATES.items()
}
pd.DataFrame(ways, index=["class", "keeps", "merges"]).T

# %% [markdown]
# The class is that of the *question*; whether two cells merge depends on what is *kept*. Of a holistic one that can be its
# answer, which does not merge; or all values (`median_of_all`), which do, and take as much room as the facts; or a
# **sketch**: no fourth class, but a stand-in that merges, in little room, and is off by an error that is known (experiment
# 7).
#
# The *stored value* has a class of its own: **additive** numbers may be added along every dimension, **semi-additive**
# ones along some (what lies in stock: over places, not over days), all others along none.
#
# Rolling up is short, for the aggregate knows how its states merge:

# %%
from dsys_lab.lessons import show_source

# %%
show_source(Cuboid.rollup, AGGREGATES["avg"].merge)

# %% [markdown]
# A *star*, a table of facts with a link to a table for each dimension, and its way to an answer:
#
# ```text
#        person (SCD 1, 2)                     filter on city = Oslo
#           |                                        |
#        night: person, day, minutes       surrogate keys of Oslo's versions
#           |                                        |
#          day                             one pass over the facts that point there
#                                                    |
#                                          cuboid (city, age) ──> (city) ──> in all
# ```

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the others each open their own experiment.
#
# Slumber keeps the median minutes for each city, band of age, week, and weekend or not. For the median of a city
# somebody takes the median of those medians.

# %%
stray = predict(
    "05/median-of-medians",
    "Median of medians, not the median: how far off, in the city where it is most?",
    between=(0, 60),
    unit="minutes",
)
stray

# %% [markdown]
# ## Play
#
# ### 1. Two grains
#
# *Do people who sleep badly buy more?* Nights are one row for each person and day, order lines one for each product in
# an order. Somebody joins them by person and sums the hours of sleep. There are 10,000 nights, a few of them without
# minutes; for every ten nights there is an order, with one to four lines; early customers buy more.

# %%
fanned = predict(
    "05/fan",
    "Hours summed after the join: how many times those of the people who bought?",
    between=(0.5, 30),
    unit="times",
)
fanned

# %%
from dsys_lab.scenarios.facts_measures_dimensions import counts, fan_trap

# %%
fan = counts.fan()
fan_table = pd.DataFrame({"counted": {name: fan[name] for name in list(fan)[:-2]}})
two = [fan_trap(way=way) for way in ("joined first", "summed first")]

# %%
fanned.reveal(
    fan["times too large"],
    law=fan["times too large, by law"],
    why="Each night is there once for every line of its sleeper.",
    show=(player(*two), fan_table),
)

# %% [markdown]
# (The picture shows a few sleepers of their own, so that one sees each line; the count is of all.) The **fan trap**: no error,
# and a number that looks like one. (*Law*: each night's minutes times the lines of its sleeper, over the minutes; no join is
# needed for it.) And those who bought nothing are gone. The cure is in the right
# lane: sum each kind of facts to the grain that both have, here the person, then lay the sums side by side: *drill
# across*.
#
# ### 2. Answers of answers
#
# Four ways from answers for small groups to one by city, held against the facts themselves:

# %%
off = counts.averages()

# %%
stray.reveal(
    off["median of medians"],
    why="A small group counts as much as a large one.",
    show=charts.bars(
        off,
        title="Averages of a city, put together from its groups",
        unit="minutes off, in the city where it is most",
    ),
)

# %% [markdown]
# Two of the four are right, exactly: those whose states merge. The other two are not wrong by some rounding. Half of
# the groups are of weekends, on which people sleep longer, and two sevenths of the nights; a group of one old person
# weighs as much as one of a hundred young ones.
#
# ### 3. Can a row store look like a column store?
#
# The notes say so. 20,000 nights lie in tables by row, from wide to narrow: with all that is known of each night and of
# its city; as the fact table of a star; as a key and one value; and with all of each night, but an index on the one value,
# which is read in its place. One question, the average of `minutes_sleep`, is asked of each in SQLite, with nothing in
# memory. A real column, two bytes a value, stands beside them.

# %%
from dsys_lab.scenarios.facts_measures_dimensions import LAYOUTS

# %%
columns = {name: len(layout.schema.names) for name, layout in LAYOUTS.items()}
pd.DataFrame({"columns of a row": columns})

# %%
narrow = predict(
    "05/narrow",
    "The fact table of the star: how many times the pages of the real column?",
    between=(1, 100),
    unit="times",
)
narrow

# %%
from dsys_lab.engines.postgres.narrow import heap_pages
from dsys_lab.engines.sqlite import SqliteTable
from dsys_lab.scenarios.facts_measures_dimensions import narrow_tables, pages_by_layout

# %%
pages = pages_by_layout(SqliteTable, nights=20_000)
star, column = pages["star: the fact table"], pages[narrow_tables.COLUMN]
postgres = heap_pages(narrow_tables.by_columns(20_000))

# %%
narrow.reveal(
    star / column,
    why="A row is read whole, with its header and its key.",
    show=(
        charts.bars(
            pages, title="Read in SQLite, and in a column", unit="pages of 8,192 bytes"
        ),
        charts.bars(postgres, title="Read in PostgreSQL", unit="pages of 8,192 bytes"),
    ),
)

# %% [markdown]
# The star is the great step; after it, what is left of a row is mostly *not* the value. Even the value alone pays for a
# whole row: in PostgreSQL a header of 24 bytes, a pointer of 4, and its end rounded up to eight, so two bytes take 36.
# Abadi, Madden and Hachem tried it all in 2008: a row store that imitates a column store pays by row.
#
# ### 4. How large is a cube?
#
# A cuboid for each set of dimensions: of $d$ dimensions there are $2^d$. Here there are four, with so many labels:

# %%
columns = cells.nights_by_column()

# %%
pd.DataFrame({"labels": {name: len(set(columns[name])) for name in cells.DIMENSIONS}}).T

# %%
size = predict(
    "05/cube-size",
    "100,000 nights: how many cells have all 16 cuboids together?",
    between=(100, 100_000),
    unit="cells",
)
size

# %%
from dsys_lab.laws import cube_cells_most

# %%
lattice = cells.night_lattice()
labels = [len(set(columns[name])) for name in cells.DIMENSIONS]
added = {"counted": counts.cube_sizes()}
bound = {"at most": lambda d: cube_cells_most(*labels[-int(d) :])}
cube_axes = {
    "title": "Each dimension multiplies",
    "x": "dimensions",
    "y": "cells of all cuboids",
}

# %%
grown = counts.cells_by_nights(1_000, 5_000, 10_000, 25_000, 50_000, 100_000)
filling = charts.lines(
    grown,
    title="How the finest cuboid fills",
    x="nights",
    y="cells of the finest cuboid",
)

# %%
size.reveal(
    sum(lattice.cells.values()),
    law=cube_cells_most(*labels),
    why="Most people live in few cities and few are very old: many cells stay empty.",
    show=(
        charts.against_law(added, laws=bound, log_y=True, whole_x=True, **cube_axes),
        filling,
    ),
)

# %% [markdown]
# (*Law*: one label more in each dimension, *all*, and their product; that is the most there can be.) Fewer cells are
# filled, for most people live in few cities and few are very old: the second chart has the law for nights that fall
# anywhere alike. Still, each dimension more multiplies.
#
# ### 5. Which are worth keeping?
#
# A question by some dimensions reads the smallest cuboid that has all of these. Only the finest is kept; each of the
# sixteen is asked once. Now three more may be kept.

# %%
worth = predict(
    "05/keep",
    "Three more, well chosen: how much is read of what the finest alone takes?",
    between=(0, 100),
    unit="%",
)
worth

# %%
chosen = lattice.greedy(4)
kept = [one.by for one in chosen]
read = {
    "the finest alone": lattice.cost(),
    "three by chance": counts.by_chance(lattice, 3),
    "three, greedily": lattice.cost(kept[:3]),
    "the best three of all": counts.best_of_all(lattice, 3)[1],
    "all sixteen": sum(lattice.cells.values()),
}

# %%
worth.reveal(
    100 * lattice.cost(kept[:3]) / lattice.cost(),
    why="Three cuboids stand nearer to most questions than the finest one does.",
    show=(
        charts.sliding(
            lambda more: charts.lattice(
                lattice.cells, kept=kept[:more], title="Who answers what"
            ),
            more=(0, 4),
            at={"more": 3},
        ),
        charts.bars(
            read,
            title="Which cuboids are kept",
            unit="cells read, to answer all sixteen once",
        ),
    ),
)

# %% [markdown]
# Each disc is a cuboid, its area as its cells (a dot, where that were too small to see); the filled ones are kept, (1.) the first of them, and a line leads to where an answer comes
# from. **Greedily**: keep next what saves most, given what is kept already. That never saves less than 63% of the most
# that is possible (Harinarayan, Rajaraman and Ullman), and often it is the best.
#
# ### 6. City then, or city now?
#
# 40,000 nights, and some people have moved meanwhile. *How many nights in Oslo?* has two answers: by the city of the
# night, and by the city where its sleeper lives today. Who overwrites the city has the second one only.

# %%
moved = predict(
    "05/moved",
    "How many of the nights count for another city now than then?",
    between=(0, 20),
    unit="%",
)
moved

# %%
at_home = counts.then_and_now()
by_city = charts.bars(
    counts.changed_most(at_home["by city"]),
    title="The five cities that gain or lose most",
    unit="nights now, for each one then",
    references={"as then": 1},
)

# %%
moved.reveal(
    100 * at_home["another city"] / at_home["nights"],
    law=100 * counts.before_a_move() / at_home["nights"],
    why="Few have moved yet, and only their nights before the move count elsewhere.",
    show=by_city,
)

# %% [markdown]
# (*Law*: the nights before a move, from the world that made them.) Few, because few have moved yet; every month adds
# some. And where it matters, *by city*, it is far more: the city that gains most has never seen those nights. Neither
# answer is wrong. One says what happened, the other whom we have; a dimension of versions can give both.
#
# ### 7. Little room, and an error that is known
#
# *How many different sleepers?* is holistic: to merge two answers, one would have to know who. **HyperLogLog** keeps, for
# each of its registers, the longest run of zeros among hashes that fell there; a byte each. Two of them merge into
# exactly the one of all.

# %%
sketch = predict(
    "05/sketch",
    "1,024 bytes, 10,000 different values: by how much is it off, typically?",
    between=(0.1, 30),
    unit="%",
)
sketch

# %%
from dsys_lab.laws import hyperloglog_error

# %%
errors = counts.distinct_errors(4, 7, 10)
_, typical, its_error = errors[2]
people = counts.merged_distinct()

# %%
sketch.reveal(
    100 * typical,
    law=100 * hyperloglog_error(1_024),
    standard_error=100 * its_error,
    why="The error is known beforehand: it falls with the root of the registers.",
    show=(
        charts.against_law(
            {"HyperLogLog": errors},
            laws={"1.04 / sqrt(m)": hyperloglog_error},
            title="How far off a sketch is",
            x="bytes",
            y="share off",
            log_x=True,
            log_y=True,
        ),
        pd.DataFrame({"different sleepers": people}),
    ),
)

# %% [markdown]
# The error falls with the root of the bytes. Sleepers summed over the cities are too many: who moved is counted twice. The
# merged sketches do not fall for it.
#
# And the median? **KLL** keeps some of the values, each standing for many; *k* says how many. A sketch a week, merged: how
# far from the middle is the value that it names, as a share of all nights? It throws coins for what it keeps, so there are
# twelve runs, each with its own coins; and there is a bound that holds whatever they say.

# %%
medians = counts.median_errors(16, 64, 256, 1_024)
room = {int(k): int(size) for k, size in medians.pop("bytes")}
axes = {"x": "k", "y": "share of all nights, from the middle"}
charts.lines(
    medians, title="How far off a median is", log_x=True, log_y=True, **axes
)

# %%
pd.DataFrame({"bytes, at most, of the merged sketch": room}).T.rename_axis("k", axis=1)

# %% [markdown]
# Each merge throws a coin for which half of the values it keeps, so what one throw moves up another moves down: even the worst
# run stays within the bound. All values would take eight bytes each.

# %% [markdown]
# ## Break it
#
# **The sleeper comes after the night.** A wearable syncs before the sign-up has arrived. Fact rows of unknown people
# can be refused, point at *unknown*, or let a member be inferred. Later the details come.

# %%
late = predict(
    "05/late",
    "The details of inferred sleepers come late. What changes in an answer by city?",
    choices=["nothing", "labels only", "the total only", "labels and the total"],
)
late

# %%
filled = pd.DataFrame(counts.back_filled())
labels_moved = filled.before != filled.after
total_moved = filled.T.minutes.nunique() > 1
found = {
    (False, False): "nothing",
    (True, False): "labels only",
    (False, True): "the total only",
    (True, True): "labels and the total",
}[bool(labels_moved["facts of nobody"]), total_moved]

# %%
late.reveal(
    found,
    why="The surrogate key stays; what it stands for is filled in.",
    show=(player(pouring(late=True, spoiled=True)), filled),
)

# %% [markdown]
# The last sleeper's night falls into *(unknown)*, and moves to its own cell when the sleeper is known: the surrogate
# key has stayed. Two more rows are in quarantine: 435 hours is another unit, and the first night came twice.
#
# **Everything at once.** 5,000 nights. By chance, 2% have a sleeper of whom nobody knows (*orphans*); of 2% the device was
# off, so their minutes are NULL, which is allowed; 2% come in hours instead of minutes. Then the first hundred come once
# more. What becomes of them, if an orphan points at *unknown*, is *inferred*, or goes to *quarantine*?

# %%
became = pd.DataFrame(counts.spoiled())
became.drop(["minutes", "minutes, by city and summed"])

# %%
became.loc["minutes"] == became.loc["minutes, by city and summed"]

# %% [markdown]
# *Bounds* stopped the hours, *grain* what was there already: most of the hundred, for some of these had been put aside the
# first time, too. In each column, facts and rows put aside make up the rows given, and every cuboid has the same total: a
# check that costs little, and that an inner join with the dimension would fail at once.
#
# **Versions that overlap** would let one night belong to two cities. They are refused:

# %%
from dsys_lab.errors import BadParameter
from dsys_lab.stores.star_schema import Version

# %%
twice = [Version(0, 17, {"city": "Oslo"}, 0, 95), Version(0, 17, {"city": "Rome"}, 90)]
try:
    Dimension.load("person", twice, historic=["city"])
except BadParameter as refusal:
    print(refusal)

# %% [markdown]
# **A move that is told late** splits the version that was valid then. Facts that were loaded before keep the old one,
# until somebody asks for them to be pointed anew (`person` is the surrogate key):

# %%
person.put(17, {"city": "Rome"}, at=20)
before = nights.read("person", "person.city")
print("facts that are pointed anew:", nights.relabel())

# %%
after = nights.read("person", "person.city")
pd.concat({"before": pd.DataFrame(before), "after": pd.DataFrame(after)}, axis=1)

# %% [markdown]
# ## Measure
#
# ### Several grains in one answer
#
# SQL asks for several cuboids at once: `GROUP BY GROUPING SETS ((city, age), (city), (age), ())`. `CUBE (city, age)` is
# short for all sets, `ROLLUP (city, age)` for `(city, age)`, `(city)` and `()`. All rows come in one table, so where a
# dimension is left out its column is empty, NULL. PostgreSQL and DuckDB have it; SQLite does not, there one writes a
# `UNION ALL` of several GROUP BYs. Here are five nights, of two of them nobody knows the city:

# %%
some = {
    "city": ["Oslo", "Oslo", "Lima", None, None],
    "age": ["20s", "60s", "20s", "20s", "60s"],
    "minutes": [480, 400, 450, 440, 350],
}
pd.DataFrame(some).fillna("NULL")

# %%
empty = predict(
    "05/null-rows",
    "CUBE (city, age): in how many rows of the answer is the city NULL?",
    between=(0, 16),
    unit="rows",
)
empty

# %%
from dsys_lab.engines.duckdb import DuckdbCube
from dsys_lab.engines.postgres import PostgresCube
from dsys_lab.stores.star_schema import Cube, groupings

# %%
total = [Measured("sum", "minutes")]
sets = groupings(("city", "age"))
said = {"the model": Cube(Cuboid.of(some, sets[0], total)).grouping_sets(sets)}
for engine in (DuckdbCube, PostgresCube):
    with engine.of(some) as cube:
        said[cube.engine] = cube.grouping_sets(sets, total)

# %%
rows = said["the model"]
table = pd.DataFrame([one.labels for one in rows], columns=sets[0]).fillna("NULL")
table["GROUPING"] = [f"{one.left_out:02b}" for one in rows]
for name, answer in said.items():
    table[name] = [one.answers[0] for one in answer]

# %%
alike = all(answer == rows for answer in said.values())
print("the same rows, cell for cell:", alike)

# %%
empty.reveal(
    sum(one.labels[0] is None for one in rows),
    why="Three for the nights of no known city, and three for all cities together.",
    show=table,
)

# %% [markdown]
# Two kinds of NULL: the city is not known, or all cities are meant. `GROUPING (city, age)` tells them apart, a bit for each
# dimension, 1 where it was left out: `10` is a total over all cities, `00` with NULL are the nights without a city. Who
# takes NULL for *all* reads the wrong row, and who sums the column counts each night four times. (The *unknown* row of a
# dimension has a name, so this cannot happen to it.)
#
# ### Does a planner know what merges?
#
# `CUBE (city, band, week, weekend)` is all sixteen cuboids in one question. One suite of tests holds the answers of both
# engines to those of the model, for columns with NULLs, for the star of then and of now, and for the flights. What does
# such a question cost? In DuckDB's profile every GROUP BY tells how many rows went in.

# %%
median = predict(
    "05/cube-median",
    "CUBE of four dimensions: how many times the rows of a sum does a median take?",
    between=(0.5, 50),
    unit="times",
)
median

# %%
grouped = {}
with DuckdbCube.of(columns) as cube:
    for how in ("sum", "avg", "median", "median_sketch", "distinct_sketch"):
        answers = cube.grouped(cells.DIMENSIONS, [Measured(how, "minutes")])
        grouped[how] = cube.rows_grouped / 1e6

# %%
from dsys_lab.laws import cuboids

# %%
facts, every = len(columns["city"]), cuboids(len(cells.DIMENSIONS))
rolled = lattice.cost_of_rollups()

# %%
median.reveal(
    grouped["median"] / grouped["sum"],
    law=every * facts / (facts + rolled),
    why="What merges is rolled up from cell to cell; each median begins at the facts.",
    show=charts.bars(
        grouped,
        title="What DuckDB takes for all sixteen",
        unit="million rows into all GROUP BYs",
    ),
)

# %% [markdown]
# (*Law*: the facts, sixteen times, over the facts once and then each cuboid from the smallest finer one.) DuckDB 2 takes
# the facts once for what merges, and rolls up, its own sketches too; not always from the smallest, for it has to guess
# sizes before it knows them. For the median each of the sixteen starts from the facts. The three classes are no theory:
# they stand in the plan.
#
# PostgreSQL goes another way, here for two dimensions. It reads the facts once (`wide` is their table), and adds each of
# them to a cell of every set, of a sum as well. For a median they are sorted, once for each chain of sets that begin alike.
# Look at these words of its plans, which are read from the bottom up: a *Hash Key* is a set whose cells stand in a table
# while the facts go by, and there is one for each set; a *Group Key* is a set whose facts lie together since they were
# sorted by a *Sort Key*. How often does each plan sort?

# %%
with PostgresCube.of(some) as cube:
    for how in ("sum", "median"):
        print(how, *cube.explained(sets[0], [Measured(how, "minutes")]), "", sep="\n")

# %% [markdown]
# Not at all for the sum. Twice for the median: once by city and age, which serves also *city* and the total, and once more
# by age.
#
# And how near are DuckDB's sketches? (PostgreSQL has some in extensions only.)

# %%
asked = {
    "median": [Measured(how, "minutes") for how in ("median", "median_sketch")],
    "sleepers": [Measured(how, "person") for how in ("distinct", "distinct_sketch")],
}

# %%
with DuckdbCube.of(columns) as cube:
    engine = {name: cube.cuboid((), way)[0] for name, way in asked.items()}

# %%
pd.DataFrame(engine, index=["exact", "DuckDB's sketch"], dtype=int)

# %%
from dsys_lab.engines.duckdb.cube import DIFFERENCES as DUCKDB_DIFFERS
from dsys_lab.engines.postgres.cube import DIFFERENCES as POSTGRESQL_DIFFERS
from dsys_lab.lessons import differences

# %%
differences(DUCKDB_DIFFERS)

# %%
differences(POSTGRESQL_DIFFERS)

# %% [markdown]
# ## On real data
#
# The flights that left New York in January 2013: a fact for each, pointing at its plane and at the airport where it went.
# Real dimensions have gaps. Some planes are in no register; some flights, cancelled, never got one.

# %%
lost = predict(
    "05/orphans",
    "Flights joined with their planes, as one does: how many of the miles are lost?",
    between=(0, 60),
    unit="%",
)
lost

# %%
from dsys_lab.scenarios.facts_measures_dimensions import flights_star
from dsys_lab.scenarios.facts_measures_dimensions.flights_star import inferred, miles

# %%
january = flights_star()
flown = {name: count / 1e6 for name, count in miles(january).items()}

# %%
lost.reveal(
    100 * flown["lost by it"] / flown["all flights"],
    why="Many flights have a plane that no register knows, and the join drops them.",
    show=charts.bars(
        flown, title="January, with and without a plane", unit="million miles"
    ),
)

# %%
pd.DataFrame({"flights that point at unknown": january.status().unknown}).T

# %%
print("airports that only flights know of:", ", ".join(inferred(january)))

# %% [markdown]
# Pointing at *unknown* costs one row in the dimension, and every cuboid keeps its total. (The airports lie in Puerto Rico
# and the Virgin Islands.) A label can be filled in; a mile that a join has lost is not missed by anybody.
#
# And the average of averages, of the airlines' delays? By maker and airline first, then by airline:

# %%
by = ("plane.manufacturer", "carrier")
delays = january.read(*by, "arr_delay")
by_two = Cuboid.of(delays, by, [Measured("avg", "arr_delay")])

# %%
merged = dict(by_two.rollup(("carrier",)).answers())
parts = pd.DataFrame(by_two.answers(), columns=["maker", "carrier", "mean"])
naive = parts.groupby("carrier")["mean"].mean()
both = pd.DataFrame({"right": merged, "average of averages": naive})
flew = both.drop("OO")  # SkyWest, which hardly did
charts.against_law(
    {"an airline": [(*means, 0) for means in flew.itertuples(index=False)]},
    laws={"an airline": lambda right: right},
    title="Delays: the average of averages, against the right one",
    x="minutes late on arrival, on average",
    y="average of averages",
)

# %%
both[both["right"] * both["average of averages"] < 0].round(1)

# %% [markdown]
# Where both are the same a dot lies on the line. For these two airlines even the sign is turned: Delta (DL) came in early,
# and the average of averages says late.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | a new table of numbers | first its grain, in one sentence; then a unique key that says so | rows refused by it |
# | two kinds of facts in one question | each summed to a common grain, then side by side | a total that is too large |
# | count, sum, min, max | keep the answer, add freely | levels: not over time |
# | averages, ratios, variance | keep what they are made of, divide last | who stores a percentage |
# | subtotals beside the rows | `GROUPING`, or one question for each grain | NULL in a label |
# | medians, different ones | ask the facts; or a sketch, with its error | a median that was "rolled up" |
# | an attribute changes | historic if somebody asks *then*, else overwritten | which of the two a report means |
# | a fact whose member is missing | unknown, or inferred; never an inner join | facts of nobody, as a number |
# | many ask, by many dimensions | keep a few cuboids, greedily, or let a column store scan | cells, and how old they are |
# | a row store that scans too much | a star first; then a column store | pages, not opinions |

# %% [markdown]
# ## Exercises

# %%
exercise("05/may_add")


# %%
def may_add(number, along): ...


exercise("05/may_add", may_add)

# %%
exercise("05/merged")


# %%
def merged(one, other): ...


exercise("05/merged", merged)

# %%
exercise("05/first_three")


# %%
def first_three(cells): ...


exercise("05/first_three", first_three)

# %% [markdown]
# **Design question.** Nights and the shop, in one warehouse.

# %%
exercise("05/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kimball and Ross, *The Data Warehouse Toolkit*, 3rd edition, 2013, ch. 1 to 6 and 19.
# - Gray et al., "Data cube: a relational aggregation operator generalizing group-by, cross-tab, and sub-totals", Data
#   Mining and Knowledge Discovery 1, 1997.
# - Harinarayan, Rajaraman and Ullman, "Implementing data cubes efficiently", SIGMOD 1996.
# - Abadi, Madden and Hachem, "Column-stores vs. row-stores: how different are they really?", SIGMOD 2008.
# - Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog", AOFA 2007; Karnin, Lang and Liberty, "Optimal quantile
#   approximation in streams", FOCS 2016.
# - duckdb.org: *GROUP BY: grouping sets*, *aggregate functions*, *profiling*; PostgreSQL 18: *GROUPING SETS, CUBE, and
#   ROLLUP*, *database page layout*.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 3.
#
# Beyond one machine: a small dimension is sent to every node, a large one has to be moved to where the facts are (lab
# 11); sketches become the rule, for they travel well; and surrogate keys have to be given out by many at once. Redshift,
# Snowflake, BigQuery and ClickHouse scan; Druid and Pinot pour beforehand; a *semantic layer* keeps the definitions.
