# %% [markdown]
# # Verification and apology
#
# <!-- binder --><!-- /binder -->
#
# *May one promise before one knows? What it costs to be wrong, what it costs to ask first, and how every promise is
# settled once, whatever breaks.*

# %% [markdown]
# ## Question
#
# *Slumber*'s shop sells a pillow of which there are only a few. Buyers come to four **gates** (web servers, in four
# parts of the world), and one **stock** knows how many pillows are left. A gate can *ask* the stock for every buyer,
# and let the buyer wait. Or it can *promise* at once, by what it heard of the stock last, and find out later whether
# that was true.
#
# Some promises will then be too many. Is that a bug, or a price? How high is it, who pays it, and how is each promise
# settled exactly once if machines crash, answers are lost, and even the refund fails?
#
# *In a hurry:* Picture, By hand, experiments 1, 2 and 4 of Play, the crashes in Break it, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
    exercise,
    facts,
    notes,
    player,
    predict,
    progress,
    show_source,
)
from dsys_lab.scenarios.verification_and_apology import audited, counts, launch, settle
from dsys_lab.views import charts

# %% [markdown]
# ## The notes say

# %%
notes("E2E asyncronous verification with apology workflow")

# %% [markdown]
# Nothing stands there yet; the heading is the right one, and every word of it counts. Here is what we would put, as of
# November 2026:
#
# > *Asynchronous verification: accept now, check later. What must never be wrong (money, stock) is decided in one
# > place, once for each request; what may lag is only what one believes of it. Where the belief was wrong, apologise:
# > that is no e-mail but a state, with a refund, a deadline and somebody who owns it. End to end: one id goes from the
# > click to the last book, and an audit holds what was promised against what was done.*

# %% [markdown]
# ## Picture
#
# The same buyers and the same luck, twice; 40 pillows. On the left the gates **promise**: an order that was promised
# goes on to the stock, which **confirms** it or, when nothing is left, sends it to the **apologies**, where the buyer
# is paid back and told so. The tube in each box is how many pillows are left: by the stock's own book, and at the gates
# what they *believe*, for news of the stock is a second old there. On the right the gates **ask** first. The stock sets
# a pillow aside (it is **held**) and answers, after 1.5 s on average; and buyers do not wait for ever: they leave after
# 8 s on average.
#
# Press **space** and look at the tubes. On the left those of the gates lag behind the stock's; on the right some
# buyers burst with a cross: they have left. The lines below are the same counts over time; on the right the second one
# is how many pillows are held. Click a disc and it is followed for life; **?** shows all keys. The lamps
# are what a run should keep: *conservation*, that every buyer is somewhere; *stock never below nothing*, that whatever
# was promised no more is given out than there is; *promises settled once*, that each promise ends in one yes or in one
# apology whose money is back. (In the head of the picture a buyer who is told no, now or later, is *rejected*, and one
# who left has *expired*.)

# %%
two_ways = {way: launch(way=way, answer_s=1.5) for way in ("promise", "ask")}
player(*two_ways.values(), titles=("promise now, news 1 s old", "ask first, 1.5 s"))

# %% [markdown]
# How did the two end? A buyer who was told no, and never promised anything, stands in none of the columns but the first.

# %%
counts.compared(two_ways, 40)

# %% [markdown]
# Neither is free. Who promises sells everything and apologises; who asks has nothing to apologise for as long as holds last,
# and loses buyers who would have bought. (Why pillows are left over although many wanted one is the question of experiment 3.)

# %% [markdown]
# ## By hand
#
# Be two gates and a stock of one pillow. A gate reads no clock; you tell it the time, in microseconds, and the news:

# %%
from dsys_lab.dataflows.verification import Gate

# %%
north, south = Gate(left=1), Gate(left=1)
north.offer(0, "ada"), south.offer(1, "ben")

# %% [markdown]
# Two promises, one pillow, and each gate was right by what it knew. Now the news arrives that nothing is left. The
# next buyer is told no; and ada, who clicks again because her page was slow, is promised the same pillow once more,
# not a second one:

# %%
north.told(1_000_000, left=0, as_of_us=500_000)
north.offer(1_000_001, "cy"), north.offer(1_000_002, "ada")

# %% [markdown]
# So far these are only promises. Each is settled at three **parties**: `payments` has the money, `stock` the pillows,
# `post` what was said to whom. Each of them keeps a **book**, and looks before each act whether one with the same
# **key** (the act and the order) stands there. Ask them yourself: charge ada, twice; then a pillow for each of the two.

# %%
from dsys_lab.dataflows.verification import Call, parties_on
from dsys_lab.structures import VolatileDisk

# %%
parties = parties_on(VolatileDisk(), pillows=1)
[parties["payments"].do(at_us, Call("charge", "ada")) for at_us in (10, 20)]

# %%
[parties["stock"].do(30, Call("take", buyer)) for buyer in ("ada", "ben", "ada")]

# %% [markdown]
# Ada has the pillow, however often she is asked for; Ben has none. And how often was ada's money taken?

# %%
parties["payments"].book.entries

# %% [markdown]
# Once, for the second call found its key in the book. That is the **end-to-end** argument of lab 14 once more: the
# network, the queue and the gate may all repeat themselves, as long as the last one in the row, who does it, can tell that
# it is the same order.

# %% [markdown]
# ## Look inside
#
# Who walks a promise from one party to the next is called a **desk**. Its work is a **saga**: a row of acts, each for
# good as soon as it is done. Nothing is rolled back. What must not stay is **compensated** by one more act, as a charge
# is by a refund:
#
# ```mermaid
# stateDiagram-v2
#     direction LR
#     [*] --> accepted
#     accepted --> charged : charge
#     charged --> taken : take, yes
#     charged --> refused : take, no
#     taken --> kept : confirm
#     refused --> refunded : refund
#     refunded --> apologised : apologise
#     kept --> [*]
#     apologised --> [*]
# ```
#
# It is a table, and three pure functions over it, of which these are two. Both the model and the desk over PostgreSQL (in
# Measure) use them:

# %%
from dsys_lab.dataflows.verification import failed, next_call

# %%
show_source(next_call)

# %%
show_source(failed)

# %% [markdown]
# An act that fails is tried again, so many times, and until the promise's deadline if it has one; then the saga has an
# **owner**, a person, and no machine tries any more.
# It is never dropped. How far each promise has come stands in the desk's **journal**, a log on disk, which it writes
# *before* it goes on.
#
# And this is what makes all repeating harmless, a look and an act in one place:

# %%
from dsys_lab.dataflows.verification import Book

# %%
show_source(Book.write)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its
# own experiment.

# %%
too_many = predict(
    "25/too-many",
    "Twenty buyers come a second, and the gates hear of the stock half a second late. "
    "How many promises does a sale have to take back?",
    between=(0, 60),
    unit="apologies",
)
too_many

# %% [markdown]
# ## Play
#
# ### 1. How old may the news be?
#
# The age of the news is what an engineer can buy: faster links, fewer hops, a push instead of a poll. What does it buy?
# Here are sales with four ages of the news, 24 of each, under other luck every time:

# %%
from dsys_lab import laws

# %%
oversold = counts.apologies(0.2, 0.5, 1, 2)
over_news = charts.against_law(
    {"counted": oversold},
    laws={"counted": counts.seen},
    title="How many promises are taken back?",
    x="age of the news, s",
    y="apologies a sale",
)

# %%
_, apologies, error = oversold[1]
too_many.reveal(
    apologies,
    law=counts.seen(0.5),
    standard_error=error,
    why="Promises go on until the news of the last pillow has come to the gates.",
    show=over_news,
)

# %% [markdown]
# What is promised too much is what was promised while the news was on its way, plus the 0.05 s that an order takes to
# the stock. With λ buyers a second and news of age *D* that is on average
#
# $$\lambda\,(D + \text{way})$$
#
# By the law it depends neither on how many pillows there are nor on how many gates. And it is a mean: if buyers come at
# random the number is *Poisson*, by the same law, and its spread is the square root of the mean.
#
# The next picture shows one sale as two counts. The blue line is the stock's own, the dashed one what a gate believes,
# and between them lies what the gate does not know yet. Each stroke below is a promise. Move the age of the news, and see
# where the crossed ones lie; the **reserve** is how many pillows the gates hold back. The title says what the sale has
# earned, where a pillow earns one **margin** (its price, less what it costs us) and an apology costs four.

# %%
charts.sliding(
    lambda news_s, reserve, seed: charts.old_news(
        launch(news_s=news_s, reserve=reserve, seed=seed), apology=4
    ),
    news_s=(0.1, 3, 0.1),
    reserve=(0, 25),
    seed=(1, 30),
    at={"news_s": 1.0, "seed": 7},
)

# %% [markdown]
# The crossed strokes all lie where the true count is at nothing and the believed one is not. Choose a reserve that you
# would stay with, and then move only the `seed`, which is the luck: one sale wants more, another one less.
#
# ### 2. How much to hold back?
#
# That is now a question with a price on either side. A pillow too many in reserve stays on the shelf and loses its
# margin; one too few costs an apology. News is half a second old, twenty buyers come a second, an apology costs
# four margins.

# %%
hold_back = predict(
    "25/hold-back",
    "Eleven promises too many are the mean. An apology costs four margins, an unsold "
    "pillow one. How many pillows do you hold back?",
    between=(0, 30),
    unit="pillows",
)
hold_back

# %%
tried = counts.costs(*range(6, 21, 2), apology=4)
mean = counts.seen(0.5)
lost = charts.against_law(
    {"counted": tried},
    laws={"counted": lambda s: laws.reserve_cost(mean, round(s), apology=4, margin=1)},
    title="What does a reserve cost?",
    x="pillows held back",
    y="margins lost a sale",
    whole_x=True,
)

# %%
hold_back.reveal(
    counts.cheapest(tried),
    law=laws.best_reserve(mean, apology=4, margin=1),
    why="More than the mean, for one apology is worth four pillows on the shelf.",
    show=lost,
)

# %% [markdown]
# (Only even reserves were tried, so the count may stand one beside the law.) The law is that of the *newsvendor*, who
# buys papers in the morning and does not know how many will be asked for: hold back the smallest *s* with
#
# $$P(X \le s) \ge \frac{a}{a+m}$$
#
# where *X* is the number of promises too many, *a* the price of an apology, *m* the margin. At *a* = 4 *m* that is the
# number which four sales of five do not exceed. The curve is flat near its lowest point: to be off by one costs little,
# to hold back nothing at all costs much. What a reserve leaves over, and what it saves:

# %%
kept_back = counts.reserves(0, 4, 8, 12, 16, 20)
charts.against_law(
    kept_back,
    laws={
        "apologies": lambda s: laws.apologies_due(mean, round(s)),
        "pillows unsold": lambda s: laws.reserve_unsold(mean, round(s)),
    },
    title="What a reserve saves, and what it leaves over",
    x="pillows held back",
    y="a sale",
    whole_x=True,
)

# %% [markdown]
# ### 3. And if we ask first?
#
# Then nobody is promised what is not there. But an answer takes time, and people leave: here after 8 s on average
# (exponential: who has waited for 8 s is as patient as on the first). The way to the stock and the way back take 0.75 s
# each, on average.

# %%
who_leaves = predict(
    "25/who-leaves",
    "An answer takes 1.5 s on average, and buyers leave after 8 s on average. Of 100 "
    "buyers, how many leave before they have their answer?",
    between=(0, 60),
    unit="buyers",
)
who_leaves

# %%
left = counts.leaving(0.3, 1.5, 3, seeds=24)
while_waiting = charts.against_law(
    {"counted": left},
    laws={"counted": lambda answer_s: laws.leaves_share(answer_s, 8)},
    title="How many leave before they have their answer?",
    x="mean time to the answer, s",
    y="share of the buyers",
)

# %%
_, share, error = left[1]
who_leaves.reveal(
    100 * share,
    law=100 * laws.leaves_share(1.5, 8),
    standard_error=100 * error,
    why="It is the chance that patience ends before the answer comes.",
    show=while_waiting,
)

# %% [markdown]
# Patience is exponential of mean *τ*, so who waits for *t* is still there with the chance $e^{-t/\tau}$. An answer comes
# in two exponential parts, there and back, of *L* together; the mean over both is
#
# $$1 - \Bigl(1 + \frac{L}{2\tau}\Bigr)^{-2}$$
#
# There is a leak behind this, and it is larger. Two hundred buyers or so come for 150 pillows, so all of them should be
# sold, even if every sixth or seventh buyer leaves.

# %%
on_the_shelf = predict(
    "25/on-the-shelf",
    "200 buyers, 150 pillows, an answer after 1.5 s on average. How many pillows are "
    "unsold in the end?",
    between=(0, 80),
    unit="pillows",
)
on_the_shelf

# %%
idle = {
    "holds for ever": counts.idle_holds(0.3, 1.5, 3, seeds=16),
    "holds for 6 s": counts.idle_holds(0.3, 1.5, 3, ttl_s=6, seeds=16),
}
shelf = charts.against_law(
    idle,
    laws={"holds for ever": lambda answer_s: 150 * laws.leaves_share(answer_s, 8)},
    title="Pillows that nobody has, though somebody wanted them",
    x="mean time to the answer, s",
    y="pillows unsold",
)

# %%
_, unsold, error = idle["holds for ever"][1]
on_the_shelf.reveal(
    unsold,
    law=150 * laws.leaves_share(1.5, 8),
    standard_error=error,
    why="Who left has not told the stock: of every 100 pillows as many stay held as "
    "buyers leave.",
    show=shelf,
)

# %% [markdown]
# (Counted is a little less than the law: the last pillows go to those whose question was fast, and they leave less often.)
# The stock holds a pillow for everybody whom it has answered yes, and it is not told who has gone. A **time to live**
# ends a hold by itself. But think what that is: a promise that is taken back later, on the belief that the buyer has left.
# Who pays after their hold has ended was told yes and hears no, and is paid back, with an apology. Asking first has not
# removed the problem, only moved it, and made it rarer.
#
# ### 4. Which of the two earns more?
#
# Put a price on it. The same buyers, 150 pillows, answers after 1.5 s and news 1 s old; no reserve. Who promises sells all
# of them and pays for apologies; who asks pays in buyers who leave.

# %%
price = predict(
    "25/price",
    "Up to which price of an apology does promising at once earn more than asking "
    "first, where holds last for ever?",
    between=(0, 10),
    unit="margins",
)
price

# %%
sold = counts.ways()
(now, sorry), (asked, _) = sold["promise now"], sold["ask first"]
earned = charts.lines(
    counts.earned(sold, *(n / 4 for n in range(13))),
    title="What three ways of selling earn",
    x="price of an apology, in margins",
    y="earned a sale, in margins",
)

# %%
by_law = 150 * (1 - laws.leaves_share(1.5, 8)), 150, counts.seen(1)
price.reveal(
    laws.price_of_promising(asked, now, sorry),
    law=laws.price_of_promising(*by_law),
    why="Each apology may cost what the pillows lost by asking are worth, divided by "
    "the number of apologies.",
    show=earned,
)

# %% [markdown]
# How the sold pillows and the apologies were counted, a sale on average. (Where holds end, a few who had been told yes
# hear no: their apologies are so rare that the line looks flat.)

# %%
import pandas as pd

# %%
pd.DataFrame(sold, index=["sold", "apologies"]).T.round(1)

# %% [markdown]
# Now change the terms: faster answers, fresher news, a reserve. Where do the lines cross?

# %%
charts.sliding(
    lambda answer_s, news_s, reserve: charts.lines(
        counts.earned(
            counts.ways(answer_s, news_s, reserve=reserve, seeds=4), 0, 1, 2, 3
        ),
        title="What three ways of selling earn",
        x="price of an apology, in margins",
        y="earned a sale, in margins",
    ),
    answer_s=(0.3, 3, 0.3),
    news_s=(0.25, 2, 0.25),
    reserve=(0, 40, 5),
    at={"answer_s": 1.5, "news_s": 1.0},
)

# %% [markdown]
# A reserve makes the falling line flatter and lets it begin lower, fresher news makes it flatter for nothing, faster
# answers lift the flat ones. There is no right answer, only a price: where an apology is cheap (a voucher), promise; where
# it is dear (a missed flight, a lost treatment), ask, or hold more back.

# %% [markdown]
# ### 5. A promise is walked to its end
#
# Now to the other half: whatever was promised must be settled. Six orders, four pillows. The desk sends each call as a
# disc of its order to a party, which does it and answers. Where the order itself stands says the sentence below the
# picture: accepted, charged, taken, or refused and refunded. (The head of the picture counts calls as well as orders:
# a call that does not come through is *lost* there, and is made again.) On the left everything works. On the right a **refund
# fails half-way**: the first call does not come through; the second is done, but its answer is lost.

# %%
player(settle, compare={"refund": ("works", "fails half-way")})

# %% [markdown]
# Follow `o5` on the right: it is asked for again, with pauses that grow, and the third time the party finds the key in
# its book, does nothing, and says yes. What stands in the books in the end is the same on both sides. How often it was
# *asked*, and how often the key was found:

# %%
walked = {refund: settle(refund=refund) for refund in ("works", "fails half-way")}
kinds = "send", "effect", "effect_skip", "confirm", "apologise"
rows = {name: {k: len(run.of(k)) for k in kinds} for name, run in walked.items()}
pd.DataFrame(rows).T

# %% [markdown]
# And if the refund never works? After four tries, or when the promise's **deadline** has come, the desk says so
# (`escalate`), and a person does it by hand eight seconds later, under the same key, so that a machine which comes back
# to life cannot pay a second time. A lamp says whether each promise is settled, or in somebody's hands, in time. Choose
# yourself what fails, what the desk remembers, and how long it may try:

# %%
player(
    settle,
    refund=["never works", "works", "fails half-way"],
    memory=["keys and journal", "keys only", "journal only", "neither"],
    deadline_s=(2, 20),
    at={"refund": "never works", "deadline_s": 6},
)

# %% [markdown]
# ### 6. What nobody reported
#
# All of this was loud: somebody heard an error, or heard nothing, and tried again. The worst faults are silent. A
# promise is **dropped** on its way to the desk; a party says yes and has done nothing; a bug does an act twice. The desk
# believes that all is well, and so does every counter.
#
# An **auditor** takes nobody's word. It is the comparison of lab 14, experiment 3, with a log and three books in the place
# of two ends: it reads the gates' log of promises and the books, and holds one against the other. Every sum that does not
# come out has a name:

# %%
from dsys_lab.dataflows.verification import FINDINGS

# %%
pd.Series(FINDINGS, name="means").to_frame()

# %% [markdown]
# Here some orders go wrong in silence; a witness, who belongs to no system, draws an outline for each, and it turns black
# when the auditor has found it, with the seconds that it took. The two lines below count them: orders that went wrong,
# and those that are found. The auditor comes every 10 s. (A promise may be open for 4 s; before that, nothing that is
# *missing* can be called so. A promise that was dropped stays at the gate.)

# %%
night = audited()
player(night)

# %% [markdown]
# What the witness saw, and what the auditor said:

# %%
counts.found(night)

# %% [markdown]
# How long does a fault stay unknown? It depends on what can be bought: how often somebody looks. A charge that was made
# twice is there at once, and is found at the next audit: after half a period, on average.

# %%
how_long = predict(
    "25/how-long",
    "An audit every 10 s; a promise may be open for 4 s. How long does a promise that "
    "was dropped on its way stay unknown, on average?",
    between=(0, 20),
    unit="s",
)
how_long

# %%
twice, dropped = "a charge made twice", "a promise dropped on its way"
known = {f: counts.found_after(5, 10, 20, fault=f, seeds=4) for f in (twice, dropped)}
found_after = charts.against_law(
    known,
    laws={twice: laws.found_after_s, dropped: lambda p: laws.found_after_s(p, 4)},
    title="How long is a silent fault unknown?",
    x="between two audits, s",
    y="seconds",
)

# %%
_, seconds, error = known[dropped][1]
how_long.reveal(
    seconds,
    law=laws.found_after_s(10, 4),
    standard_error=error,
    why="For 4 s it may still come; then it waits for the next audit, half a period.",
    show=found_after,
)

# %% [markdown]
# What is there *twice* is found at the next audit; what is *missing* only after its deadline as well. Without an audit both
# lines are at infinity.

# %% [markdown]
# ## Break it
#
# **The same split, at two moments.** For three seconds the network is cut between the stock and all gates. Once while 35
# pillows are left, once while two are.

# %%
which_split = predict(
    "25/which-split",
    "The gates promise, and the stock cannot be reached for three seconds. Which split "
    "costs more apologies?",
    choices=["the early one", "the late one", "both the same"],
)
which_split

# %%
early, late = (counts.split_when(pillows) for pillows in (35, 2))
which_split.reveal(
    counts.dearer(early, late),
    why="While enough is there old news does no harm; at the end it does all of it.",
    show=player(late, early, titles=("cut off at 2 left", "cut off at 35 left")),
)

# %% [markdown]
# Who asks first cannot sell at all meanwhile, at either moment, and buyers leave. The same two splits for both ways, and
# no split (answers take 0.3 s here):

# %%
cuts = {f"{way}, no split": launch(way=way, seed=7) for way in ("promise", "ask")}
cuts |= {
    f"{way}, at {left} left": counts.split_when(left, way)
    for way in ("promise", "ask")
    for left in (35, 2)
}
counts.compared(cuts, 40).sort_index(ascending=False)

# %% [markdown]
# **A gate that knows that it does not know.** Its news grows old, and it could notice. With `news_age_max_s` it closes when its
# news is older than 2 s, a *circuit breaker* on knowledge (lab 26 has one on calls). The same late split, ever longer,
# without and with it:

# %%
longer = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8]
ages = {"goes on": None, "closes at 2 s": 2.0}
splits = {
    (name, lasts): counts.split_when(2, lasts_s=lasts, news_age_max_s=age)
    for name, age in ages.items()
    for lasts in longer
}
sorry_for = {
    name: [(s, counts.outcome(splits[name, s])["apologies"]) for s in longer]
    for name in ages
}
unseen = laws.promised_unseen(8, 2, 0.05)

# %%
charts.lines(
    sorry_for,
    title="What a longer split costs",
    x="the split lasts, s",
    y="apologies",
    references={
        "within 2 s, law": unseen,
        "and three spreads": unseen + 3 * unseen**0.5,
    },
)

# %% [markdown]
# A gate that goes on promises to everybody who comes, as long as the split lasts; the line ends where the sale does. One
# that closes promises nothing on news that is older than its limit, however long the split is. So what it promises too much
# has a mean that the split cannot raise (the lower dotted line: eight buyers a second for 2 s), and three of its spreads
# above it (the upper one) is what one can promise to whoever pays for the apologies. Counted is less: news that is on its
# way is lost in a split, so the gate closes a second sooner. (Half a second it does not notice: its news is never older
# than 2 s then.) What it costs are sales, where there would have been pillows. The same gate, and an *early* split of six
# seconds:

# %%
early_6_s = {
    name: counts.split_when(35, lasts_s=6, news_age_max_s=age)
    for name, age in ages.items()
}
counts.compared(early_6_s, 40)

# %% [markdown]
# **Answers are lost**, as in lab 09. The network loses one message in five, so gates ask again. On the left the stock does
# not look whether it has decided an order before; on the right the key stands in its own book. (In the ledger a call that
# finds its key is *done* as well.)

# %%
lossy = {keyed: counts.taken_twice(0.2, keyed=keyed) for keyed in (False, True)}
player(*lossy.values(), titles=("without a key", "with a key"))

# %%
names = {False: "without a key", True: "with a key"}
pd.DataFrame({names[keyed]: counts.decisions(run) for keyed, run in lossy.items()}).T

# %% [markdown]
# That no message is lost and none is repeated *by the queue* would not have helped: here the answer was lost, after the work. Only
# the end itself can know.
#
# **The power goes, at every moment.** The desk's journal and the keys both help against crashes. Would one of them do?
# Here is a story of three promises and two pillows; the first try of the refund does not come through. It is told
# again and again, with the power cut **before each step of the disk** (each write and each sync). Then all is opened
# again and goes on to the end, and an auditor reads the books.

# %%
one_of_them = predict(
    "25/one-of-them",
    "The power may go at any step. Which of the two alone is enough, so that nothing "
    "is done twice and no promise stays open?",
    choices=["the keys", "the journal", "either", "neither"],
)
one_of_them

# %%
every_step = counts.crashes("neither", "journal only", "keys only", "keys and journal")
one_of_them.reveal(
    counts.enough(every_step),
    why="A crash between an act and its line in the journal makes the act due again.",
    show=counts.crash_table(every_step),
)

# %% [markdown]
# And if the *compensation* fails half-way as well: the second try of the refund is done, and its answer is lost? With
# keys and a journal, at every step again; a line for each way in which it ends:

# %%
from dsys_lab.dataflows.verification import crashed_everywhere

# %%
print(counts.ends_told(crashed_everywhere("keys and journal")))

# %% [markdown]
# There is one way only. The log of promises was never lost, for a promise is written down before the buyer hears of it.
# So one who remembers nothing else may begin every promise from its beginning, and the keys make that harmless, though
# it makes more calls again. A journal alone cannot close the seam between the act and the record of it. With both,
# nothing is done twice, and there are fewer calls left to make.
#
# One of those moments, as a picture: the desk dies right after the first refund was paid, before it has heard of it.

# %%
paid = {"kind": "compensate"}
dies = [{"do": "crash", "target": "desk", "on": paid, "lasts_s": 2}]
memories = "journal only", "keys and journal"
player(*(settle(memory=memory, faults=dies) for memory in memories), titles=memories)

# %% [markdown]
# Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# Now two real ones behind the same verbs: the gates' log of promises is a stream of NATS JetStream, and the books and the
# desk's journal are tables of PostgreSQL. The desk is the model's own: it walks by the same three functions. Both get three promises and two
# pillows, and a refund that fails half-way:

# %%
from dsys_lab.dataflows.verification.crashes import refund_fails_half_way
from dsys_lab.engines.verification import SHOPS, running

# %%
orders = "o1", "o2", "o3"
shops = {name: running(name, 2, trouble=refund_fails_half_way) for name in SHOPS}
promised = [shop.promise(order) for shop in shops.values() for order in orders]
calls = {name: {"calls made": shop.work()} for name, shop in shops.items()}

# %%
states = {name: {o: shop.saga(o).state for o in orders} for name, shop in shops.items()}
pd.DataFrame({name: states[name] | calls[name] for name in shops})

# %% [markdown]
# An act's key is a primary key there, and the look and the act are one statement, `INSERT … ON CONFLICT DO NOTHING`. The
# stock has a second lock of its own: its table refuses to go below zero (`CHECK (pillows >= 0)`).
#
# Now the real thing: the desk is a **process of its own**, and it is killed by SIGKILL, at the worst moment: the refund of `o3` is
# committed, and the desk has not written that down. Then another process takes over.

# %%
killed = predict(
    "25/killed",
    "A desk is killed right after a refund was committed, and another one goes on. How "
    "often does the refund stand in the book of the payments in the end?",
    between=(0, 3),
    unit="times",
)
killed

# %%
from dsys_lab.engines.verification.killed import finished, killed_at

# %%
shop = running("PostgreSQL and JetStream", 2)
promised = [shop.promise(order) for order in orders]
first, second = killed_at(shop, "act refund/o3"), finished(shop)

# %%
acts = [entry.key for entry in shop.books().entries]
killed.reveal(
    acts.count("refund/o3"),
    law=1,
    why="The second desk asked for it again, and the key was there.",
    show=pd.DataFrame({"the first, last": first[-4:], "the second, first": second[:4]}),
)

# %% [markdown]
# What the first desk said last, and the second one first. (*before* is a call that is due, *act* one that its party has committed, *noted* one that stands in the journal; *seam* is where it stood when it was killed.)
#
# And the audit, which over tables is one SQL statement. Before it finds anything, something must be wrong: in this shop a bug makes a new key at each
# try, as programs do that number their attempts, and an apology is sent twice.

# %%
buggy = running(
    "PostgreSQL and JetStream",
    0,
    trouble=lambda call, attempt: "twice" if call.verb == "apologise" else "",
)
buggy.promise("o1"), buggy.work()
pd.DataFrame(buggy.audit(within_s=0.001))

# %% [markdown]
# The same finding by the same name as the auditor of the model has (a test holds them together). What else differs between the two:

# %%
from dsys_lab.engines.verification import DIFFERENCES
from dsys_lab.lessons import differences

# %%
for one in (*shops.values(), shop, buggy):
    one.close()
differences(DIFFERENCES)

# %% [markdown]
# And why not let the queue see to it that nothing comes twice? Because its memory is short. How long SQS remembers an
# id in a queue that lets no message in twice:

# %%
facts("sqs_dedup_window")

# %% [markdown]
# Who clicks again after that is new to the queue. The book of the payments still knows.

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | an apology is cheap against a lost buyer | **promise** at once, with a reserve by the newsvendor's law | apologies a day, and their price |
# | an apology is dear, or cannot be made good | **ask first**, and make the answer fast | who leaves while waiting |
# | you hold something for those who were asked | a **time to live** on every hold | unsold stock, holds that ended |
# | the news can stop | a gate that **closes** on old news | the age of the news, at the gate |
# | a promise needs several parties | a **saga**: a journal, and one act after the other | the oldest open promise |
# | an act may be asked for twice (it may) | a **key** from the click to the last book | how often it is found |
# | a compensation can fail (it can) | tries with pauses, then a **person** who owns it | what persons have in hand |
# | nobody would notice (nobody would) | an **audit** over the books at both ends | findings, and the time since the last audit |
# | one stock for the whole world is too far | move stock, not messages: a **quota** for each gate | who has none left while others have |
#
# And always: what must be right is decided in one place; what may be late is said to be late.

# %% [markdown]
# ## Exercises

# %%
exercise("25/choose_reserve")


# %%
def choose_reserve(rate, delay_s, apology, margin): ...


exercise("25/choose_reserve", choose_reserve)

# %%
exercise("25/next_act")


# %%
def next_act(done): ...


exercise("25/next_act", next_act)

# %%
exercise("25/charged_again")


# %%
def charged_again(rows): ...


exercise("25/charged_again", charged_again)

# %% [markdown]
# **Design question.** Promise now, or ask first?

# %%
exercise("25/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Kleppmann, *Designing Data-Intensive Applications*, first edition, 2017, ch. 12: "Aiming for Correctness" (timeliness and integrity;
#   coordination-avoiding systems; trust, but verify).
# - Helland and Campbell, "Building on Quicksand", CIDR 2009 (memories, guesses and apologies).
# - Garcia-Molina and Salem, "Sagas", SIGMOD 1987. Hohpe, "Your Coffee Shop Does Not Use Two-Phase Commit", *IEEE
#   Software* 2005.
# - Saltzer, Reed and Clark, "End-to-end arguments in system design", *ACM TOCS* 1984.
# - Bailis et al., "Coordination Avoidance in Database Systems", VLDB 2014 (which promises need no asking).
# - Arrow, Harris and Marschak, "Optimal inventory policy", *Econometrica* 1951 (the newsvendor).
# - PostgreSQL 18 documentation, INSERT, "ON CONFLICT"; NATS documentation, "Streams: message deduplication".
#
# Beyond one machine: escrow and quotas (each region owns a share of the stock, and shares are moved, not every order);
# counters with bounds that merge (CRDTs); payment holds, which expire by themselves; workflow engines that keep the journal for you (Step
# Functions, Temporal); and the law, which in many countries says how long "later" may be.
