# %% [markdown]
# # Graph store
#
# <!-- binder --><!-- /binder -->
#
# *Follow a path whose length nobody knows beforehand: how many rows that makes, which index finds the next step, and
# what one very well-known person does to it all.*

# %% [markdown]
# ## Question
#
# The sleepers of *Slumber* know each other. The app wants to say: *of your friends' friends, these slept badly, too*;
# and the bank wants to know who pays with a card that is not only theirs. Both are questions about paths: from a
# person to a person, on to the next, and so on. A table of friendships can be joined with itself for each step.
#
# How does the work grow with every step? What does a graph store do about it, and where does it not help at all?
#
# *In a hurry:* Picture, By hand, experiments 1, 3 and 7 of Play, and [Choose](#Choose).

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
notes("Graph - AWS Neptune")

# %% [markdown]
# Nothing stands there yet. Here is what we would put, in one sentence:
#
# > *Graph – AWS Neptune: store relationships as first-class, follow paths of unknown length; property graph (Gremlin,
# > openCypher) or RDF (SPARQL), on Aurora-like storage.*
#
# The words in it: a *graph* is things (**vertices**) and relationships between two of them (**edges**). In a *property
# graph* both have named properties. *RDF* says everything in sentences of three words, subject, predicate, object.
# *openCypher*, *Gremlin* and *SPARQL* are languages to ask in. Four things that are often believed, as of November 2026:
#
# | it is said | in finer print |
# |---|---|
# | a graph database is fast for all that is connected | one or two steps over an indexed table are fine; paths of any length are where it differs |
# | each vertex has a list of its neighbours ("index-free adjacency") | some stores do; Neptune keeps **statements** of four words in sorted indexes, and finds neighbours by a search |
# | property graph and RDF are two views of one thing | in one Neptune database they do not see each other: Gremlin and openCypher share one, SPARQL has the other |
# | Neptune is one thing | *Neptune Database* answers short questions, many at a time; *Neptune Analytics* loads a graph into memory for algorithms over all of it |

# %%
facts(
    "neptune_patterns",
    "neptune_indexes_default",
    "neptune_volume_max",
    "neptune_replicas",
)

# %% [markdown]
# ## Picture
#
# Forty people and who knows whom. Friends pull each other together, all others push apart, and so everybody found a
# place. A question begins at the person with the thick rim and spreads: everybody who is reached lights up **once**,
# green where the wave stands now, with the number of the step, called a **hop**. Right of it, in green, how many those
# are; hatched, what a database has that knows only *joins*: it makes a **row** for every way to get there, over
# the same people as often as they come. (The axis goes up in factors of ten. The square is the best-known person.)
#
# Move the slider from hop to hop, then begin with somebody else.

# %%
from dsys_lab.scenarios.graph import waves

# %%
charts.sliding(
    lambda hop, start: charts.graph_wave(**waves.drawn(start), hop=hop),
    at={"hop": 2, "start": 5},
    hop=(0, 4),
    start=(0, 39),
)

# %% [markdown]
# The same among eighteen people, step by step. First a join: each disc is a row, and its name is the way that was gone,
# back and forth included. Then a wave: each disc is a person; who comes a second time fades. Press **space**.

# %%
from dsys_lab.scenarios.graph import wave

player(wave, compare={"way": ("join", "wave")}, start=(0, 17), hops=(1, 4))

# %% [markdown]
# ## By hand
#
# A graph has a *schema* here: kinds of vertices, the first property of each is its **key**; and kinds of edges, from
# where to where. (Neptune has none; with one, a misspelt word is an error and not an empty answer.)

# %%
from dsys_lab.stores.graph_store import GraphSchema, PropertyGraph
from dsys_lab.structures import VolatileDisk

# %%
people = GraphSchema.of(
    "Person(id: int, name: text)", "Person-FRIEND->Person(since: int)"
)
graph = PropertyGraph(people, VolatileDisk())

# %% [markdown]
# Load three people and four friendships. The last one names somebody who is not there:

# %%
graph.load(
    {"Person": {"id": [1, 2, 3], "name": ["Ada", "Ben", "Cy"]}},
    {
        "FRIEND": {
            "from": [1, 2, 3, 1],
            "to": [2, 3, 1, 9],
            "since": [2017, 2018, 2019, 2020],
        }
    },
)

# %% [markdown]
# An edge with one end is called an **orphan**, as the fact without a member was in lab 05; it was turned away and
# counted. Now a pattern in Cypher: vertices in round brackets, edges in square ones, an arrow where the direction
# matters; `*1..3` is a path of one to three edges.

# %%
graph.run("MATCH (a:Person {id: 1})-[f:FRIEND]->(b) RETURN b.name, f.since")

# %%
graph.run(
    "MATCH (a:Person {name: 'Ada'})-[p:FRIEND*1..3]-(b) "
    "RETURN length(p), b.name ORDER BY length(p)"
)

# %% [markdown]
# Why does it end? These three know each other in a circle, and one could go round for ever. In Cypher a path never uses
# an edge twice: such a path is a **trail**. A path that may is a **walk**. And `SHORTEST` lets everybody in once:

# %%
graph.run(
    "MATCH (a:Person {name: 'Ada'})-[p:FRIEND* SHORTEST 1..3]-(b) "
    "RETURN b.name, length(p)"
)

# %% [markdown]
# What is wrong is said, with its place; and no edge is left without an end:

# %%
from dsys_lab.errors import DsysLabError

# %%
wrong = [
    "MATCH (a:Person RETURN a.name",
    "MATCH (a:Person) RETURN a.nmae",
    "MATCH (a:Person {id: 1}) DELETE a",
]
for text in wrong:
    try:
        graph.run(text)
    except DsysLabError as error:
        print(f"{type(error).__name__}: {str(error)[:110]}")

# %%
graph.run("MATCH (a:Person {id: 1}) DETACH DELETE a")
graph.status()

# %% [markdown]
# ## Look inside
#
# Everything is a statement of four words: subject, predicate, object, graph. An edge has its own id in the fourth place,
# so that it can be the subject of other statements, its properties:
#
# ```text
# (:Person {id: 17})                      person-17  ~label  Person     ~
#                                         person-17  id      17         ~
# (17)-[:FRIEND {since: 2019}]->(42)      person-17  FRIEND  person-42  edge-5
#                                         edge-5     since   2019       ~
# ```
#
# Words are numbers of eight bytes, a statement is four of them. It is kept several times, in several **orders** of the
# four: an index is a sorted list of all statements, named by its order. *SPOG* is sorted by subject first: all that is
# known of 17 stands side by side there. *POGS* is sorted by predicate, then object: there stands who is a friend of 42.
# A pattern that leaves words open is answered by the order that begins with what is known:

# %%
from dsys_lab.stores.graph_store.quads import known_prefix, way

show_source(known_prefix, way)

# %% [markdown]
# Twelve statements in three orders. Green is what was asked for, in the index that answers; a green frame is the same
# statement in another index, where it lies scattered. What is known of the pattern stands in the title, ? is open;
# choose another one:

# %%
from dsys_lab.scenarios.graph.indexes import ribbons

# %%
charts.sliding(
    lambda pattern: charts.index_strips(**ribbons(pattern)),
    pattern=["?PO?", "SP??", "S???", "???G"],
)

# %% [markdown]
# The other layout is *compressed sparse rows*: the neighbours of vertex 0, of 1, of 2, all in one array, and a second
# array that says where each begins. Who stands at a vertex has its neighbours at once, without a search. It cannot be
# changed, only made again; here it is derived from the statements. Last, the two ways to follow `*` of *By hand*:
# `SHORTEST` is *breadth first search*, one frontier after another, everybody once; a trail goes depth first.

# %%
from dsys_lab.stores.graph_store.cypher.paths import shortest, trails

show_source(shortest, trails)

# %% [markdown]
# ## Predict
#
# The question of the whole lab; the other predictions each open their own experiment. The company has 6,320 people now,
# and they have 6.0 friends on average.

# %%
third_hop = predict(
    "12/third-hop",
    "Person 100 has 21 friends. The table of friends is joined for three steps from "
    "there: how many rows?",
    between=(100, 100_000),
    unit="rows",
)
third_hop

# %% [markdown]
# ## Play
#
# ### 1. Hops
#
# A walk of k steps for each row of a join. Its law: with $A$ the table of who knows whom (1 or 0), the number of walks
# of k steps from v is $(A^k \mathbf 1)_v$, exactly.

# %%
hundred = waves.hops(100)
series = {
    name: list(enumerate(values, start=1))
    for name, values in hundred.items()
    if "law" not in name
}

# %%
third_hop.reveal(
    hundred["walks"][2],
    law=hundred["walks by law"][2],
    why="A friend has more friends than you: who is known by many stands at the end "
    "of many edges.",
    show=charts.lines(
        series,
        title="Walks from person 100, and whom they reach",
        x="hop",
        y="rows, people",
        log_y=True,
        whole_x=True,
    ),
)

# %% [markdown]
# Whoever multiplied by six each time was far off. Three candidates for the factor: the mean number of friends; the mean
# number of friends *of a friend*, $\sum d^2 / \sum d$; and the largest eigenvalue of $A$, which is where the factor goes
# in the long run. Which of them do the counted factors follow?

# %%
factors = {f"{name}, {value:.1f}": value for name, value in waves.factors().items()}
charts.lines(
    {f"person {start}": waves.growths(start, 14) for start in (17, 100)},
    title="Walks of so many steps over walks of one less",
    x="hop",
    y="times as many",
    references=factors,
    whole_x=True,
)

# %% [markdown]
# They swing about the eigenvalue, for from the best-known person it goes out to the many and back again. People,
# however, run out: a wave cannot reach more than there are. From 17, from 100, and from the best-known person:

# %%
best_known = waves.hub()
from_whom = {"person 17": 17, "person 100": 100}
from_whom[f"the best-known (person {best_known})"] = best_known
charts.lines(
    {
        name: list(enumerate(waves.hops(who)["first reached"], start=1))
        for name, who in from_whom.items()
    },
    title="People first reached at each hop",
    x="hop",
    y="people",
    whole_x=True,
)

# %% [markdown]
# ### 2. Which index?
#
# A pattern has four places, each known or open: sixteen in all. Three indexes are kept. Where an index does not begin
# with all that is known, it looks at more keys than it finds, and throws the rest away.

# %%
in_vain = predict(
    "12/in-vain",
    "Three indexes, SPOG, POGS and GPSO. How many of the 16 patterns look at more "
    "keys than they find?",
    between=(0, 16),
    unit="patterns",
)
in_vain

# %%
from dsys_lab.scenarios.graph.indexes import all_patterns

# %%
told = {orders: all_patterns(orders) for orders in ("three", "four")}
in_vain_of = {
    orders: {name: one["keys"] - one["found"] for name, one in patterns.items()}
    for orders, patterns in told.items()
}
wasteful = [name for name, keys in in_vain_of["three"].items() if keys]

# %%
in_vain.reveal(
    len(wasteful),
    why="Where no index begins with all that is known, keys are looked at in vain.",
    show=tuple(
        charts.bars(
            {
                f"{name}, by {told[orders][name]['index']}": in_vain_of[orders][name]
                for name in wasteful
            },
            title=f"Keys looked at in vain, with {orders} indexes",
            unit="keys",
        )
        for orders in told
    ),
)

# %% [markdown]
# (A person of 200, her first friendship; the other patterns look at what they find and at no key more.)
# The pattern `??O?`, *all that leads to 42*, has no index that begins with its object; but POGS has objects in order
# for each predicate, and there are few predicates. So it is asked once a predicate. A fourth index, OSGP, mends most of
# the others: the second picture.
#
# On the ribbons: yellow and hatched is what was looked at in vain. Choose a pattern, and three indexes or four:

# %%
charts.sliding(
    lambda pattern, orders: charts.index_strips(**ribbons(pattern, orders)),
    pattern=["S?O?", "??O?", "S?OG", "S??G"],
    orders=["three", "four"],
)

# %% [markdown]
# Each index is one more place to write every statement to, and as much disk again.
#
# ### 3. One whom everybody knows
#
# Half of the people have four friends or fewer; the best-known one has 523. Such a vertex is a **supernode**. In a join
# of two steps, friends of friends of everybody, each person in the middle makes a row for each pair of friends: $d^2$.

# %%
through_one = predict(
    "12/supernode",
    "523 of 37,788 ends of friendships are at one person. Of the rows of a two-step "
    "join of all, how many pass there?",
    between=(0, 100),
    unit="%",
)
through_one

# %%
hub = waves.through_the_hub()
shares = {name: 100 * value for name, value in hub.items() if value < 1}
through_one.reveal(
    100 * hub["rows through the hub"],
    why="Rows go with the square of the degree.",
    show=charts.bars(shares, title="Two steps from everybody", unit="%"),
)

# %% [markdown]
# (*Top 1%*: the best-known hundredth of the people; first the share of all ends of friendships that is theirs.) The
# work is not spread over the people but over the squares of their friends. A remedy is not to go *through* those
# whom everybody knows (that they know somebody says little). Orange rings: who is farther away, or out of reach,
# without the square; choose whether the wave may pass it:

# %%
charts.sliding(
    lambda hub, hop: charts.graph_wave(
        **waves.drawn(hub_matters=True, cut_the_hub=hub == "is left out"), hop=hop
    ),
    hub=["is gone through", "is left out"],
    hop=(1, 4),
    at={"hop": 3},
)

# %%
import pandas as pd

cuts = {cut: waves.without_hubs(100, 3, cut=cut) for cut in (0, 1, 10, 100)}
sums = {
    cut: {name: sum(values) for name, values in one.items()}
    for cut, one in cuts.items()
}
pd.DataFrame(sums).T.rename_axis("best known left out")

# %%
of_all = {name: sums[10][name] / sums[0][name] for name in sums[0]}
print(f"ten of 6,320 left out: {of_all['edges looked at']:.0%} of the edges,", end=" ")
print(f"{of_all['first reached']:.0%} of the people")

# %% [markdown]
# Half of the edges are saved, and more than four in ten of those who were reached are lost: what is cut is not only work.
#
# ### 4. Pages a hop
#
# The same wave by three ways, each with nothing in memory, in pages of 8 KB: statements in the indexes SPOG and POGS; a
# table of SQLite, sorted by person, asked by `WITH RECURSIVE` (a query that feeds on its own answer); lists of
# neighbours, as if they lay on a disk.

# %%
fewest = predict(
    "12/pages",
    "Four hops from person 100 of 2,000. Which way reads the fewest pages?",
    choices=["index", "SQL", "lists"],
)
fewest

# %%
from dsys_lab.engines.graph import hop_costs
from dsys_lab.workloads.slumber import ties

# %%
cost = {
    hops: hop_costs(2_000, ties(7, 2_000).tolist(), 100, hops) for hops in (1, 2, 3, 4)
}
pages = {
    one: [(hops, ways[one]["pages"]) for hops, ways in cost.items()] for one in cost[4]
}

# %%
grown = {
    people: hop_costs(people, ties(7, people).tolist(), 100, 2)
    for people in (200, 640, 2_000)
}
more = {
    one: [(people, ways[one]["pages"]) for people, ways in grown.items()]
    for one in grown[200]
}

# %%
fewest.reveal(
    min(cost[4], key=lambda one: cost[4][one]["pages"]),
    why="A statement is 32 bytes in each of two indexes, a neighbour is 8.",
    show=(
        charts.lines(
            pages,
            title="Pages read from person 100 of 2,000",
            x="hops",
            y="pages",
            whole_x=True,
        ),
        charts.lines(
            more,
            title="Pages read for two hops, as the company grows",
            x="people",
            y="pages",
        ),
    ),
)

# %% [markdown]
# A factor, and no wonder: all three find neighbours that lie side by side. What differs is how many bytes a neighbour
# takes, and how many searches there are. When the company grows there are more friends of friends, and they lie farther
# apart. It is not pages that make a join explode; it is rows. The recursive query keeps up because `UNION` throws equal
# rows away, so that a hop has at most as many as there are people. With `UNION ALL` each walk is a row again:

# %%
from dsys_lab.engines.graph import SqlGraph

# %%
with SqlGraph(2_000, ties(7, 2_000).tolist()) as sql:
    rows = {
        "people first reached": sql.reached(100, 4),
        "rows, by UNION ALL": sql.walks(100, 4, recursive=True),
    }
pd.DataFrame(rows, index=pd.Index([1, 2, 3, 4], name="hop"))

# %% [markdown]
# ### 5. From which end?
#
# *Friends of friends of 17*: from the left it begins at one person, from the right at everybody, to look who arrives.
# The rows that come out are the same.

# %%
wrong_end = predict(
    "12/wrong-end",
    "200 people. How many times more edges are looked at when the query begins at its "
    "far end?",
    between=(1, 1_000),
    unit="times",
)
wrong_end

# %%
from dsys_lab.scenarios.graph.companies import company
from dsys_lab.scenarios.graph.questions import FRIENDS_OF_FRIENDS, from_either_end

ends = from_either_end()
one, everybody = (ends[end]["edges looked at"] for end in ends)
growing = {
    company(nights).count_label("Person"): from_either_end(nights=nights)
    for nights in (250, 1_000, 4_000)
}
seen, law = (
    {end: [(n, told[end][what]) for n, told in growing.items()] for end in ends}
    for what in ("edges looked at", "by law")
)

# %%
wrong_end.reveal(
    everybody / one,
    law=ends["from everybody"]["by law"] / ends["from one person"]["by law"],
    why="From one it is d plus the sum of d over the friends; from all, the sum of d "
    "plus the sum of d squared.",
    show=(
        charts.lines(
            seen,
            laws=law,
            title="Edges looked at, by where one begins",
            x="people",
            y="edges",
            log_y=True,
        ),
        pd.DataFrame(ends).T,
    ),
)

# %% [markdown]
# So a *planner* chooses: it estimates how many vertices each end stands for, and begins at the least. What it chose here,
# with the rows after each step:

# %%
from dsys_lab.lessons.tables import table

# %%
steps = company(1_000).explain(FRIENDS_OF_FRIENDS, who=17).steps
table(("step", "rows after it"), [(f"`{one.step}`", f"{one.rows}") for one in steps])

# %% [markdown]
# ### 6. One fact, two models
#
# *17 and 42 are friends since 2019, with closeness 0.8.* In a property graph the edge has two properties. In RDF a
# sentence has three words, and none is left to say something about the sentence itself. So one describes it by more
# sentences, word by word (*reification*), or puts it into a graph with a name and speaks of the graph.

# %%
sentences = predict(
    "12/one-fact",
    "By sentences that describe the sentence: how many statements does this one fact "
    "take?",
    between=(1, 12),
    unit="statements",
)
sentences

# %%
from dsys_lab.scenarios.graph.questions import one_fact

# %%
fact = one_fact()
sentences.reveal(
    fact["triples that describe a triple"]["statements"],
    why="No word is left to speak of a sentence, so four more describe it.",
    show=(
        charts.bars(
            {way: told["statements"] for way, told in fact.items()},
            title="What one fact takes",
            unit="statements",
        ),
        pd.DataFrame(fact).T,
    ),
)

# %% [markdown]
# The sentence itself; four that describe it (*it is a statement*, its subject, its predicate, its object); and the two
# that were to be said. (Letters: of the query *friends of 17 since after 2018, and how close*, in Cypher and in SPARQL;
# the SPARQL is written down in `scenarios/graph/questions.py`, and not run here.) In exchange RDF joins data of
# strangers, for its words are addresses that all share.
#
# ### 7. Rings
#
# Who pays with one card? One group of four people in two hundred shares a card; they were planted for you to find.
# A ring is three or more who pay with the same one.

# %%
groups = predict(
    "12/rings",
    "6,320 people in groups of four; one group in 200 shares a card. How many such "
    "groups do you find?",
    between=(0, 60),
    unit="groups",
)
groups

# %%
from dsys_lab.scenarios.graph.questions import SHARED, paying, ring_score, shared

# %%
bank = paying()
found = shared(bank)
score = ring_score(found, 6_320)

# %%
groups.reveal(
    score["found"],
    law=6_320 / 4 / 200,
    standard_error=(6_320 / 4 / 200) ** 0.5,
    why="The law is the mean of many companies; who shares a card here was drawn.",
)

# %%
print(f"found {score['found']} of {score['planted']} planted:", end=" ")
print(f"precision {score['precision']:.0%}, recall {score['recall']:.0%}")
print(SHARED)

# %% [markdown]
# (That pattern finds everybody who pays with a card; that there must be three or more is looked at afterwards, in
# Python. The third exercise asks for a pattern that does both.) *Precision* is how much of what was found is right,
# *recall* how much of what is right was found. Real rings share more than a card, and a family does, too; precision is
# where the work lies.
#
# And the friends of friends: whom may 17 know (person, friends in common), and which of them bought product 3?

# %%
from dsys_lab.scenarios.graph.questions import recommended, who_bought

print(f"{len(who_bought(3))} friends of friends bought product 3; whom 17 may know:")
pd.DataFrame(recommended(), columns=["person", "friends in common"])

# %% [markdown]
# ## Break it
#
# **The power goes between forward and backward.** A friendship is found from either end, so it stands in several
# indexes. Suppose each index has a log of its own: one record for each. Six friendships are made, and the power goes
# before each step of the disk in turn.

# %%
apart = predict(
    "12/apart",
    "A record for each index. After how many of the power cuts can a friendship be "
    "seen from one side only?",
    between=(0, 100),
    unit="%",
)
apart

# %%
from dsys_lab.scenarios.graph.questions import cuts as power_cuts

# %%
logs = {"a record for each": power_cuts(one_record=False), "one for all": power_cuts()}
share = (
    logs["a record for each"]["forward and backward differ"]
    / logs["a record for each"]["moments"]
)

# %%
apart.reveal(
    100 * share,
    why="When one index has its record and the other has not, the power may go.",
    show=pd.DataFrame(logs),
)

# %% [markdown]
# No error tells: each index is whole by itself, and whoever asks from the other end gets another answer. With one record
# for all orders there is no such moment, and nothing that was acknowledged is lost.
#
# **The card that was not there.** Let person 1 pay with a card that does not exist:

# %%
bank.run("MATCH (a:Person {id: 1}), (b:Card {number: -1}) CREATE (a)-[:PAYS]->(b)")

# %% [markdown]
# No error. `MATCH` found no pair, so `CREATE` had nothing to do, as the language says it must. Ask for the count, and
# look at it:

# %%
bank.run(
    "MATCH (a:Person {id: 1}), (b:Card {number: -1}) CREATE (a)-[:PAYS]->(b) RETURN "
    "count(*)"
)

# %% [markdown]
# **A path without an end.** `*` without bounds asks for every trail there is, and among 200 people there are more than
# anybody can count:

# %%
from dsys_lab.errors import Refused

# %%
try:
    company(1_000).run("MATCH (a:Person {id: 17})-[:FRIEND*]-(b) RETURN count(*)")
except Refused as refusal:
    print(refusal)

# %% [markdown]
# ## Measure
#
# *Ladybug*, a graph engine in this process, takes the same text. The model and it, by the same words:

# %%
from dsys_lab.engines.graph import DIFFERENCES, LadybugGraph
from dsys_lab.scenarios.graph.companies import SCHEMA, tables

engine = LadybugGraph(SCHEMA)
engine.load(*tables(1_000)), engine.status() == company(1_000).status()

# %%
texts = [
    (
        "MATCH (a:Person {id: 17})-[p:FRIEND* SHORTEST 1..4]-(b:Person) "
        "RETURN length(p) AS hop, count(*) ORDER BY hop"
    ),
    "MATCH (a:Person {id: 17})-[:FRIEND* TRAIL 1..2]-(b:Person) RETURN count(*)",
    (
        "MATCH (a:Person)-[:BOUGHT]->(p:Product) "
        "RETURN p.id, count(*) AS n ORDER BY n DESC, p.id LIMIT 3"
    ),
    "MATCH (a:Person {id: 17})-[:FRIEND*1..2]-(b:Person) RETURN count(*)",
]
rows = [(text, company(1_000).run(text), engine.run(text)) for text in texts]
told = [(f"`{text}`", f"{ours}", f"{theirs}") for text, ours, theirs in rows]
table(("asked", "the model", "Ladybug"), told)

# %% [markdown]
# Three agree, and the last does not: a bare `*` is a trail in openCypher, and in Neptune; Ladybug takes it for a walk,
# and counts back and forth. The text was the same. All differences that we know of, each held by a test:

# %%
differences(DIFFERENCES)

# %% [markdown]
# And the clock: everybody within three hops, of six people among 6,320, by lists of neighbours, by Ladybug, and by
# SQLite's recursive query, in turns.

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.graph import hop_ways, some_people
from dsys_lab.lessons import measured

ways, starts = hop_ways(6_320, 3, model=False), some_people(6_320, 6)
len({tuple(one(who) for who in starts) for one in ways.values()}) == 1

# %%
from functools import partial

from dsys_lab.benchmark.graph import ask_all

# %%
lists, ladybug, sql = interleaved(
    *(partial(ask_all, one, starts) for one in ways.values()), rounds=5
)
slower = [b / a for a, b in zip(lists, ladybug, strict=True)]
measured(
    slower,
    "times the lists' time, Ladybug",
    usually="a few times the lists' time, Ladybug",
)

# %%
slower = [b / a for a, b in zip(lists, sql, strict=True)]
measured(
    slower, "times the lists' time, SQL", usually="a few times the lists' time, SQL"
)

# %% [markdown]
# A few times, not thousands: for everybody within three hops, an indexed table and `UNION` will do. `make bench` asks
# the same of a third of a million people with a million friendships, for two hops and for four.

# %% [markdown]
# ## On real data
#
# The flights that left New York in 2013, as a graph: airports, and a route wherever a plane flew. First, does every
# route have two ends?

# %%
from dsys_lab.scenarios.graph import routes

_, loading = routes.loaded()
loading

# %% [markdown]
# Orphans, in real data: routes to airports that the table of airports does not have. (There are four of them, in Puerto
# Rico and the Virgin Islands.) Whoever loads without looking has edges to nowhere. Which are the supernodes?

# %%
most = dict(routes.busiest())
charts.bars(most, title="Which airports have most routes?", unit="routes")

# %% [markdown]
# On the map: the wave from Los Angeles, hop by hop. (The two far away in the west are Anchorage and Honolulu.)

# %%
charts.sliding(
    lambda start, hop: charts.graph_wave(**routes.drawn(start), hop=hop),
    start=["LAX", "EWR", "HNL", "BOS"],
    hop=(1, 4),
    at={"hop": 2},
)

# %% [markdown]
# And without the three airports of New York?

# %%
charts.graph_wave(**routes.drawn("LAX", without=("EWR", "JFK", "LGA")))

# %% [markdown]
# Nothing. That is not how America flies; it is how these data were gathered: only what *left* New York is in them. A
# graph says first of all what was recorded, and its hubs may be those of the recorder.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | one or two steps, along columns that are known | SQL with an index on either end | rows between the joins |
# | paths of any length, several kinds of edges | a graph store, and a bound: `*1..4` | rows after each step, edges looked at |
# | who is near whom, everybody once | `SHORTEST`, or a breadth first search | the frontier |
# | very many steps, over the whole graph, again and again | lists of neighbours in memory (Neptune Analytics) | how old they are |
# | one vertex that everybody knows | do not go through it, or bound how many of its edges are followed | $\sum d^2$ |
# | one step only, at any scale (my friends) | lists by key, in a key-value store with a cache (lab 09) | the longest list |
# | facts from many sources that do not know each other | RDF | statements a fact |
# | edges come in bulk | a load that rejects and counts orphans | the count |
# | more than one machine can hold | reads: replicas. Writes: one writer. Beyond that each cut edge is a message | edges between the parts |

# %% [markdown]
# ## Exercises

# %%
exercise("12/hops")


# %%
def hops(neighbours, start, most): ...


exercise("12/hops", hops)

# %%
exercise("12/choose_index")


# %%
def choose_index(pattern, orders): ...


exercise("12/choose_index", choose_index)

# %%
exercise("12/ring_query")


# %%
def ring_query(): ...


exercise("12/ring_query", ring_query)

# %% [markdown]
# **Design question.** The feed of friends: a graph, a list for everybody, or a view?

# %%
exercise("12/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon Neptune User Guide: *graph data model*, *how statements are indexed*, *storage, reliability and availability*,
#   *openCypher compliance*; read in November 2026.
# - Francis et al., "Cypher: an evolving query language for property graphs", SIGMOD 2018; openCypher 9.
# - Neumann and Weikum, "RDF-3X: a RISC-style engine for RDF", VLDB 2008; Hartig, "Foundations of RDF-star", 2017.
# - Jin et al., "Kùzu graph database management system", CIDR 2023, Ladybug's ancestor.
# - Feld, "Why your friends have more friends than you do", American Journal of Sociology, 1991; Biggs, *Algebraic Graph
#   Theory*, 1974; Moore, "The shortest path through a maze", 1959.
# - Kumar et al., "Stochastic models for the web graph", FOCS 2000; Fruchterman and Reingold, "Graph drawing by
#   force-directed placement", 1991.
# - Robinson, Webber and Eifrem, *Graph Databases*, 2015; Kleppmann, *Designing Data-Intensive Applications*, ch. 2.
#
# Beyond one machine: Neptune adds replicas for reads, and has one writer. JanusGraph and TigerGraph cut the graph, and
# every edge between two parts is a call over the network. TAO at Facebook gave up paths: lists of associations by key,
# one step at a time, behind a cache (Bronson et al., USENIX ATC 2013).
