# %% [markdown]
# # Event bus
#
# <!-- binder --><!-- /binder -->
#
# *Many tell what happened, each in its own words. Who finds out whom it concerns?*

# %% [markdown]
# ## Question
#
# *Slumber* has grown. Wearables say how long somebody slept, the shop what was ordered, and a dozen partners call with
# nights of their own devices, each in another shape. A coach cares about short nights only; packing about orders; next
# month somebody will care about short nights *of those who ordered a pillow*.
#
# With a topic (lab 15) the publisher decides where a message belongs. With a **bus** everybody puts **events** onto one
# thing, and **rules** look *into* each event to find out whom it concerns. What does that buy, and what can go wrong
# that could not before?
#
# *In a hurry:* Picture, By hand, experiments 1, 4, 5 and 7 of Play, and [Choose](#Choose).

# %%
from dsys_lab.lessons import (
    answers,
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
notes("Event Bridge - Event Bus")

# %% [markdown]
# Well put, and the quotes around *solves* are well placed. What can be added, as of November 2026:
#
# | the notes | in finer print |
# |---|---|
# | (web hooks) get remapped to events | a **web hook** is a call of somebody else's system to an address of ours. EventBridge has sources for some partners; for others, a public address with a function behind it that checks who calls |
# | filter | a **pattern** (the filter of lab 15, in the same grammar) over all that an event says: exact values, numbers, prefixes, what is *not* there. What a slip in it does, is experiment 7 |
# | transform | paths into the event, and a template with holes: one shape for all |
# | solves the call-home problem | it is moved: who called, is it old, was it here before, and what of the calls that never came? Experiments 2 and 4 |
# | (one product) | since autumn 2026 two: the **classic** bus of rules and targets, and a newer one that *keeps* events and gives each subscriber a position in them. That is a log with filters (lab 17). This lab is about the classic one; where the newer differs, it says so |

# %%
facts(
    "eventbridge_retry_age",
    "eventbridge_retries",
    "eventbridge_v2_retry_age",
    "eventbridge_v2_retries",
)

# %% [markdown]
# ## Picture
#
# An event is a card. It flies past sieves, the rules; each looks at some of its fields. A field that is as the rule
# wants it lights up. A card that passes a sieve is handed to that rule's **target**, perhaps folded into another shape.
# Move the slider from card to card.

# %%
from dsys_lab.scenarios.event_bus.sieves import seen

# %%
charts.sliding(lambda event: charts.sieves(**seen(event)), event=(1, 6))

# %% [markdown]
# Card 4 has a night of four and a half hours, and *short* lets it pass by: look closely at its `hours`. Card 5 is a night
# of three hours; why does that pass by?
#
# The same in motion. *wearable*, *shop* and *partner* put events on the bus; the coach, packing and a log of everything
# are targets. In the second lane there is no such log. Under a box stands what
# was done there (✓), lost (✗), or is **unmatched** (–): no rule picks it, and it ends on the bus. Press **space**.

# %%
from dsys_lab.scenarios.event_bus import routing

# %%
player(routing, compare={"logged": ("everything", "nothing")})

# %% [markdown]
# ## By hand
#
# The bus reads no clock (you tell it the time, in microseconds) and sends nothing: it says which **attempts** are due,
# and you carry them out. First a rule, with a pattern and one target:

# %%
from dsys_lab.brokers.event_bus import Entry, EventBus, Part, Rule, Target
from dsys_lab.brokers.event_patterns import Pattern

# %%
short = Pattern({"detail": {"hours": [{"numeric": ["<", 5]}]}})
bus = EventBus("bus")
bus.put_rule(0, Rule("short", short, [Target("coach", Part("$.detail"))]))

# %% [markdown]
# Up to ten events are put at once. Each is **taken** or **fails** for itself:

# %%
nights = [
    Entry("wearable", "Night", {"sleeper": "ann", "hours": 4.5}),
    Entry("wearable", "Night", "four and a half hours"),
    Entry("wearable", "Night", {"sleeper": "bob", "hours": "4.5"}),
]
answers(*bus.put(0, nights))

# %% [markdown]
# The call as a whole went well, and one of three is not there: who does not look at each answer loses it. How many
# attempts will be due?

# %%
[attempt] = bus.attempts(0)
print(f"{attempt.target} is to have {attempt.body}")

# %% [markdown]
# One. The third is an event, and was taken; but its `hours` is a text, and a text is no number. Nobody gets it:
# it is unmatched, which is another thing than *lost*. The bus counts such events, and keeps
# books for each target: what its rule let *pass by*, what it *matched*, and what became of that.

# %%
bus.delivered(0, attempt.number)
print(f"unmatched: {bus.status().unmatched}")
answers(bus.status().targets["short/coach"])

# %% [markdown]
# ## Look inside
#
# For each rule that picks an event, and each of its targets, the bus makes a copy; from there on the copies know nothing
# of each other, as those of a topic. What is new is the first step. Which rules pick an event? The simplest is to ask
# them all:

# %%
from dsys_lab.brokers.event_bus import Index, Loop

# %%
show_source(Loop.verdicts)

# %% [markdown]
# With a thousand rules that is a thousand questions for each event. But most patterns name some **plain values**, and
# an event that is picked must have one of them. So the rules can stand in a table under these values, and the event
# looks up its own, as in the index of a book:

# %%
show_source(Index.verdicts)

# %% [markdown]
# The life of a copy is that of lab 15, but for what ends it: two limits, the **age** of the event and the number of
# **retries**. What was tried in vain is a **dead letter** that says why, if the target has a place for such; else it is
# dropped. (The two limits have the names that the service gives them: *MaximumEventAgeInSeconds* and
# *MaximumRetryAttempts*.)

# %%
from dsys_lab.brokers.event_bus import Retry

# %%
show_source(Retry.ends)

# %% [markdown]
# ## Predict
#
# The question of the whole lab, to write down before you see it. More such questions follow, each at the head of its own
# experiment.
#
# The wearables' new software calls the field `hours` by another name, and the coach's rule, which picks short nights by
# `hours`, picks nothing any more. As with the mistyped filter of lab 15, experiment 5, nobody is told. So there is an
# **alarm**: every ten seconds it looks whether events came that no rule picked, and calls *on-call*, whoever gets up at
# night when something breaks. (For that, there must be a rule for *every* night that is fine.)

# %%
alarmed = predict(
    "21/alarm",
    "A night comes about every three seconds, and the field is renamed at any moment. "
    "How long after that is on-call told, on average?",
    between=(0, 20),
    unit="s",
)

# %%
alarmed

# %% [markdown]
# ## Play
#
# ### 1. Which events does a pattern pick?
#
# Two hundred events: nights and orders. One night in ten has no `hours` at all, and of the others one in ten has
# `hours: null`; `tags` is a list, if it is there; orders have neither. Here are three of the twenty patterns that wait
# for them:

# %%
from dsys_lab.scenarios.event_bus.sieves import (
    EVENTS,
    PATTERNS,
    events,
    match_matrix,
    picks,
    which_tags_count,
    written,
)

# %%
written("has hours", "has no hours", "nap and snore?")

# %%
orders = len([one for one in events() if one.detail_type == "Order"])
missing = predict(
    "21/missing",
    f"Of the {EVENTS} events {orders} are orders. How many does the pattern "
    "`hours: [{exists: false}]` pick?",
    between=(0, EVENTS),
    unit="events",
)

# %%
missing

# %%
both_tags = predict(
    "21/both-tags",
    "A pattern wants `tags: [nap, snore]`. Which events does it pick?",
    choices=[
        "those that have both tags",
        "those that have either tag",
        "those whose list is exactly these two",
    ],
)

# %%
both_tags

# %%
hours = "has hours", "has no hours", "hours is null", "has no hours, or null"

# %%
missing.reveal(
    len(picks("has no hours")),
    why="An order has no hours either. And null is a value: those have hours.",
    show=charts.bars(
        {name: len(picks(name)) for name in hours},
        title="How many events does each pattern pick?",
        unit="events",
    ),
)

# %%
both_tags.reveal(
    which_tags_count(),
    why="Wishes in a list are or, and so are the values of an event's list.",
    show=charts.picked_strips(
        match_matrix(), title="Which events does each pattern pick?", x="events"
    ),
)

# %% [markdown]
# A row is a pattern, a line in it an event that it picks. (*B\** is every city that begins with a B, *10.0.1.\** every
# address on the network that begins so.) Note the pair *snore* and *a tag that is not snore*: some
# events are picked by both, for each asks whether *some* tag is so.
#
# ### 2. To ask, or to be called?
#
# A partner recorded a night. Either we **ask** its list again and again for what is new, or it **calls** us: the web
# hook. First asking, once a minute, for something that happens once a minute on average, at random:

# %%
from dsys_lab.laws import pushes_missed
from dsys_lab.scenarios.event_bus import hear_of_it
from dsys_lab.scenarios.event_bus.hook_counts import (
    asked_delays_s,
    missed_in_outage,
    shares_in_vain,
    tries_last_s,
    ways,
)

# %%
player(hear_of_it, compare={"way": ("ask", "be called")}, minutes=(5, 30, 5))

# %% [markdown]
# What asking costs you know from lab 16, experiment 7 (calls for nothing), and lab 17, experiment 2 (half the interval late):

# %%
[(_, share, _)], [(_, late_s, _)] = shares_in_vain(60.0), asked_delays_s(60.0)
print(f"asked once a minute: {share:.0%} in vain, {late_s:.0f} s late on average")

# %% [markdown]
# Being called is at once and wastes nothing. But now our door is **down** for five minutes. The partner tries each call
# three times, and gives it up:

# %%
missed = predict(
    "21/missed",
    "Six nights a minute; our door is down for five minutes; the partner tries each "
    f"call for {tries_last_s('three attempts'):.0f} s. "
    "Of how many nights do we never hear?",
    between=(0, 40),
    unit="nights",
)

# %%
missed

# %%
outages = missed_in_outage(30.0, 150.0, 300.0)
_, never, error = outages[-1]
lasts_s = tries_last_s("three attempts")

# %%
missed.reveal(
    never,
    law=pushes_missed(0.1, 300.0, lasts_s),
    standard_error=error,
    why="What was called too early was given up before we came back.",
    show=charts.against_law(
        {"counted": outages},
        laws={"counted": lambda down_s: pushes_missed(0.1, down_s, lasts_s)},
        title="Of how many nights do we never hear?",
        x="seconds that our door is down",
        y="nights",
    ),
)

# %% [markdown]
# Nobody notices what never came. The remedy is belt and braces: be called, **and** ask now and then for the partner's
# list, to compare it with what we have (to **reconcile**). Three ways through the same outage:

# %%
down = {"down_s": 300.0, "events_per_minute": 6.0, "minutes": 8.0}
three = ("ask", "be called", "be called, and ask")
found = ways({way: hear_of_it(way=way, **down) for way in three})
title = "How late do we hear, on average?"
charts.bars(found["mean delay, s"].to_dict(), title=title, unit="s")

# %%
title = "Of how many nights do we never hear?"
charts.bars(found["never heard of"].to_dict(), title=title, unit="nights")

# %% [markdown]
# ### 3. A target is down
#
# Now a target of our own: the coach is down for ten minutes. In lab 15, experiment 4, the policy was counted in attempts;
# here two limits end it, age and number. A night comes every forty seconds. The **classic** bus, the **newer** one as it is
# by default, and the newer one **tuned**: told to try for as long as it may. (The limits stand under *The notes say*. How
# the pauses grow within them is not published; here they double.) Nobody asked for dead letters.

# %%
who_loses_it = predict(
    "21/who-loses",
    "A target is down for ten minutes. Which of the three loses events?",
    choices=["classic", "newer", "newer and tuned", "all", "none"],
)
who_loses_it

# %%
from dsys_lab.laws import given_up_share
from dsys_lab.scenarios.event_bus import outage
from dsys_lab.scenarios.event_bus.counts import fates_of, lost_shares, who_loses
from dsys_lab.scenarios.event_bus.nights import RETRIES

# %%
runs = {retry: outage(retry=retry) for retry in RETRIES}

# %%
who_loses_it.reveal(
    who_loses(runs),
    why="Five minutes are less than ten. What is new in a default is worth a look.",
    show=(
        player(outage, compare={"retry": ("classic", "newer")}, down_s=(100, 900, 100)),
        fates_of(runs),
    ),
)

# %% [markdown]
# With a place for dead letters nothing is lost, but somebody has to look there. How much is given up, at which length
# of an outage *D*, if the retries last *t*? What comes in the last *t* of it is saved:
#
# $$\max(0,\ 1 - t/D)$$

# %%
lasts_s = RETRIES["newer"].lasts_s
charts.against_law(
    {"newer": lost_shares(100, 250, 400, 600, 1000)},
    laws={"newer": lambda down_s: given_up_share(down_s, lasts_s)},
    title="How much of what comes during an outage is given up?",
    x="seconds that the target is down",
    y="share given up",
)

# %% [markdown]
# ### 4. Whom do we believe?
#
# The door of experiment 2 stands on the street: everybody who knows the address can call. A good call has a
# **signature**, made from its id, its time and its body with a secret that only the partner and we have; the time must
# be within five minutes of what our clock shows (**age**); and each **id** is taken once. Seven other sorts come:
#
# | sort | what it is |
# |---|---|
# | *forged* | a night that never was, signed by somebody who has not the secret |
# | *changed* | a good call that was caught, changed, and handed on before the original |
# | *copied soon* and *copied late* | a good call once more, byte for byte, within minutes, or after a quarter of an hour |
# | *held back* | a good call, caught, and let through for the first time after a quarter of an hour |
# | *repeated* and *repeated late* | the partner itself, since it heard no answer: signed anew, soon, or half an hour later |

# %%
copied = predict(
    "21/copied",
    "A good call is recorded and sent again within five minutes, byte for byte. Which "
    "check keeps it out?",
    choices=["signature", "age", "id"],
)

# %%
copied

# %%
held = predict(
    "21/held-back",
    "A good call is caught on its way and let through for the first time a quarter of "
    "an hour later. Which check keeps it out?",
    choices=["signature", "age", "id"],
)

# %%
held

# %%
from dsys_lab.scenarios.event_bus import attack
from dsys_lab.scenarios.event_bus.counts import kept_out_by
from dsys_lab.scenarios.event_bus.hook_counts import effects_table
from dsys_lab.scenarios.event_bus.seals import sealed

# %%
copied.reveal(
    kept_out_by("copied soon"),
    why="It is signed and it is young. Only a memory of ids knows it.",
    show=player(
        attack(events=14, each=2),
        attack(events=14, each=2, without="id"),
        titles=("all checks", "without id"),
    ),
)

# %%
whole = {"without nothing": "all checks"}
held.reveal(
    kept_out_by("held back"),
    why="It is signed, and its id was never here. Only the time in it gives it away.",
    show=(
        charts.sliding(
            lambda sort: charts.sieves(**sealed(sort)), sort=(1, 8), at={"sort": 6}
        ),
        effects_table("nothing", "signature", "age", "id").rename(columns=whole),
    ),
)

# %% [markdown]
# The card is a call; the slider goes through the sorts. Its **seal** is whole if the signature is what our secret makes of
# this very card, and cracked if not. Each check is asked as if it were the only one; the door stops at the first that
# objects. The table: how many of four of each sort took effect, with all checks and without one. Each check keeps out
# something that no other does: none of them is to spare. (Only what is *copied late* is kept out twice, by its age and by
# its id.)
#
# The age has a price. It lies between two clocks, and one of them is ours:

# %%
wrong_clock = predict(
    "21/wrong-clock",
    "The clock of our door is six minutes ahead. What share of the good calls does it "
    "refuse?",
    between=(0, 100),
    unit="%",
)

# %%
wrong_clock

# %%
from dsys_lab.laws import refused_for_a_clock
from dsys_lab.scenarios.event_bus.hook_counts import refused_by_clock

# %%
clocks = refused_by_clock(-600, -360, -290, 0, 290, 360, 600)
_, refused, _ = clocks[-2]

# %%
wrong_clock.reveal(
    100 * refused,
    law=100 * refused_for_a_clock(360, 300),
    why="To this clock each of them was signed more than five minutes ago.",
    show=charts.against_law(
        {"counted": clocks},
        laws={"counted": lambda ahead_s: refused_for_a_clock(ahead_s, 300)},
        title="What does a door refuse whose clock is wrong?",
        x="seconds that its clock is ahead",
        y="share of the good calls",
    ),
)

# %% [markdown]
# There is nothing between. And the partner, told that its call is too old, signs it anew and is refused again. So a door
# watches how old calls are by its clock, long before that comes near to five minutes.
#
# The memory of ids has a price as well: a partner that calls again half an hour later, since it heard no answer, needs one
# that is longer than the ten minutes that would do against copies:

# %%
late = effects_table("nothing", remember_s=600.0)["without nothing"]["repeated late"]
print(f"with a memory of ten minutes {late} of the 4 *repeated late* take effect")

# %% [markdown]
# Last, *when* is a call answered? (Acknowledge, then do, or the other way round: lab 14, experiment 5.) A door that answers first and stores later is quicker, until it crashes:

# %%
from dsys_lab.scenarios.event_bus import crash_at_the_door

# %%
either = ("store, then answer", "answer, then store")
player(crash_at_the_door, compare={"order": either})

# %% [markdown]
# In the first lane every night is there in the end. The second lacks what was answered and not yet stored: the lamp
# *promised and kept* counts that. (The rest of what the head counts as *lost* are calls that found the door down, and
# were made again.)
#
# ### 5. A rule that comes late
#
# A rule picks what is put while it is there. *search* is a new service, and twelve nights are over when its rule is made.
# The bus itself remembers none of them; but it may keep an **archive**, and out of that the nights can be **replayed**.
# Say, into all rules; *mail* and *billing* did their work on these nights before.

# %%
again = predict(
    "21/again",
    "Twelve nights are replayed into all rules, for search. mail and billing keep no "
    "memory of what they did. How many mails and bills are sent again, together?",
    between=(0, 48),
    unit="effects",
)

# %%
again

# %%
from dsys_lab.scenarios.event_bus import replayed
from dsys_lab.scenarios.event_bus.counts import (
    came_as,
    done_again,
    effects_of,
    taken,
)
from dsys_lab.scenarios.event_bus.nights import REPLAYED_TO

# %%
twice = {keys: replayed(keys=keys) for keys in ("no keys", "keys")}
again.reveal(
    done_again(twice["no keys"]),
    law=2 * taken(twice["no keys"]),
    why="A replay is an event like any other, to a rule that does not ask.",
    show=(player(*twice.values(), titles=tuple(twice)), effects_of(twice)),
)

# %% [markdown]
# The lamp *exactly-once effect* tells the two apart, and so does the mark ↷: what came to a target that had done it before,
# and was skipped. Three remedies: a **key** in each effect (the second lane); naming the
# rules that are to hear the replay; or a pattern that wants `replay-name` not to exist, for a replayed event carries the
# name of its replay. Replayed to whom, who does what?

# %%
late_rule = {to: replayed(to=to) for to in REPLAYED_TO}
effects_of(late_rule, "mail", "billing", "search")

# %% [markdown]
# Without a replay *search* has nothing: what a bus has handed on, it has no more. And a replay is no rewinding. It goes
# minute by minute, but within a minute as it likes; so *search* heard the nights in this order:

# %%
print(*came_as(late_rule["search alone"]))

# %% [markdown]
# A **log** (lab 17) keeps what came, and each reader a position in it: who comes late begins at the first record, hears
# all in order, and nobody else hears anything again. The newer bus does so: it keeps events for days, and a subscriber
# may begin at a point in time.
#
# ### 6. Round and round
#
# *cleaner* gets each night, repairs it, and puts the better one on the bus, two seconds later, as a night. Its own rule
# picks nights.

# %%
rounds = predict(
    "21/rounds",
    "Three nights are put, and the cleaner puts two for each that it gets (a night and "
    "a nap). How many events are there after five rounds?",
    between=(3, 400),
    unit="events",
)

# %%
rounds

# %%
from dsys_lab.laws import events_in_loop
from dsys_lab.scenarios.event_bus import loop
from dsys_lab.scenarios.event_bus.counts import looped, rounds_of

# %%
grown, late = rounds_of(0, 1, 3, 5), {"until_s": 10, "writes": 2.0}
guards = {"guard": ("none", "hop count")}

# %%
rounds.reveal(
    grown[-1][1],
    law=events_in_loop(2.0, 5, first=3),
    why="Each round is twice the one before. And somebody pays for each event.",
    show=(
        charts.against_law(
            {"counted": grown},
            laws={"counted": lambda n: events_in_loop(2.0, round(n), first=3)},
            title="How many events are there?",
            x="rounds",
            y="events",
            whole_x=True,
        ),
        player(loop, compare=guards, writes=(0.5, 2.0), until_s=(4, 12, 2), at=late),
    ),
)

# %% [markdown]
# (`writer` is the part of the cleaner that puts. What no rule picks is unmatched, and not lost.) In the second lane the cleaner counts in the event how often it went
# round (a **hop count**), and the pattern wants less than three. Better still is a pattern that names the `source`: what
# wearables say, and not what the cleaner does. Is a loop always endless? If *w* are written for each event on average, there
# are after *n* rounds
#
# $$\text{first}\cdot(1 + w + w^2 + \dots + w^n)$$
#
# events. For *w* below 1 the sum has an end, first/(1 − *w*), however many rounds there are: the loop dies out.

# %%
charts.against_law(
    {"counted": looped(0.25, 0.75, 1.0, 1.25)},
    laws={"counted": lambda writes: events_in_loop(writes, 5, first=3)},
    title="How many events are there after five rounds?",
    x="events written for each",
    y="events",
)

# %% [markdown]
# ### 7. A field has another name
#
# The question of the whole lab. At some moment the wearables' new software calls `hours` by the name `hours_slept`.

# %%
from dsys_lab.scenarios.event_bus import renamed
from dsys_lab.scenarios.event_bus.counts import told_after, told_of_it

# %%
watched = {watch: told_after(watch, 1, 3, 7, 11) for watch in ("an alarm", "a rule")}
_, after_s, error = watched["an alarm"][1]

# %%
alarmed.reveal(
    after_s,
    law=(3 + 10) / 2,
    standard_error=error,
    why="Half a gap until such a night comes, and half ten seconds until one looks.",
    show=(
        charts.against_law(
            watched,
            laws={
                "an alarm": lambda every_s: (every_s + 10) / 2,
                "a rule": lambda every_s: every_s / 2,
            },
            title="How long after the change is somebody told?",
            x="seconds from one night to the next",
            y="seconds, on average",
        ),
        player(renamed, compare={"watch": tuple(watched)}),
    ),
)

# %% [markdown]
# The other way to make it loud is a **rule** for what should not be: nights without `hours`, with *on-call* as the target.
# It need not look, so half a gap is all. (The law leaves out some 0.3 s until *on-call* has heard it.) And if nobody
# watches?

# %%
print(f"told of it: {told_of_it(renamed())}")

# %% [markdown]
# ## Break it
#
# **A put of which a part fails.** You saw it by hand. What an HTTP client calls success:

# %%
answers(*bus.put(1, [Entry("wearable", "Night", {"hours": 4}), Entry("", "Night", {})]))

# %% [markdown]
# **Too many, or too large.** Then none of them is taken. (How an entry is counted, and how large a put may be:)

# %%
facts("eventbridge_entries_max", "eventbridge_size_max", "eventbridge_time_bytes")

# %%
from dsys_lab.errors import Refused

# %%
try:
    bus.put(2, [Entry("wearable", "Night", {"film": "x" * 1_100_000})])
except Refused as refused:
    print(refused)

# %% [markdown]
# **A target that is gone for good.** Trying again is no use, and the dead letter says so by its *attempts*:

# %%
kept = EventBus("bus")
to_coach = Target("coach", Part("$.detail"), dead_letters=True)
kept.put_rule(0, Rule("short", short, [to_coach]))
kept.put(0, [Entry("wearable", "Night", {"hours": 4})])
[attempt] = kept.attempts(0)
kept.failed(0, attempt.number, "no such queue", again=False)
answers(*kept.dead_letters("short", "coach"))

# %% [markdown]
# A minute later the queue is there again, and somebody orders the **redrive**: dead letters are tried as if they were new.
# (The service has no such verb: there the dead lie in a queue of yours, out of which you take them.)

# %%
kept.redrive(60_000_000, "short", "coach")
[attempt] = kept.attempts(60_000_000)
kept.delivered(60_000_000, attempt.number)
answers(kept.status().targets["short/coach"])

# %% [markdown]
# **The bus itself crashes** with work in hand, in the middle of an event. (That a target has it is said by its answer, here
# *handed over*; the one who puts is acknowledged by the entry's id in the answer to `PutEvents`.) What it had out it tries again when it is back;
# what is sent to it meanwhile never arrives, and its sender, who has no acknowledgement, would have to put it again.
# Click an event and press **F**, to follow it.

# %%
busy = {"kind": "start", "place": "coach"}
dies = {"do": "crash", "target": "bus", "on": busy, "nth": 2, "lasts_s": 4}
player(routing(faults=[dies]))

# %% [markdown]
# **The network between bus and coach is cut** for nine seconds. Nobody else feels it:

# %%
cut = {"do": "split", "target": "coach", "at_s": 4, "lasts_s": 9}
player(routing(faults=[cut]))

# %% [markdown]
# Break it yourself: stop any picture and press **G**.

# %% [markdown]
# ## Measure
#
# The same story told to the model and to two others: the API of **EventBridge**, by boto3 against the stand-in moto,
# with a queue of SQS for each rule; and **core NATS**, which routes by a *subject* that the publisher writes on the
# envelope, such as `wearable.Night`, and never looks inside: the smallest bus.
#
# The story: *n1* is a night and *n5* a low battery, both from a wearable; *n2* and *n3* are orders of the shop; *n4* is a
# partner's night and *n6* a partner's order. The rule `gone` picks the shop's orders and is taken away after the second
# event; then `orders` is made, which picks the same. Who heard what?

# %%
from dsys_lab.engines.event_bus import ENGINES, told
from dsys_lab.engines.event_bus.runs import picked, who_differs

# %%
stories = {engine: told(engine) for engine in ENGINES}
for rule, heard in stories["model"].items():
    print(f"{rule} heard {', '.join(heard)}")

# %%
alike = [engine for engine, story in stories.items() if story == stories["model"]]
print(f"told alike by {len(alike)} of {len(stories)}: {', '.join(alike)}")

# %% [markdown]
# Do the twenty patterns of experiment 1 pick the same events there? The first fifteen events, for the stand-in is slow:

# %%
same = predict(
    "21/same",
    "Twenty patterns, fifteen events: for how many patterns does moto pick another "
    "number of events than the model?",
    choices=["for none", "for some"],
)

# %%
same

# %%
few = events()[:15]
ours, theirs = picked("model", PATTERNS, few), picked("EventBridge", PATTERNS, few)
alike = sum(ours[name] == theirs[name] for name in ours)
same.reveal(
    who_differs(ours, theirs),
    why=f"{alike} of {len(ours)} are alike; where moto thinks otherwise stands below.",
)

# %% [markdown]
# All differences that we know of, each held by a test:

# %%
from dsys_lab.engines.event_bus import EVENTBRIDGE, SUBJECTS
from dsys_lab.lessons import differences

# %%
differences([*EVENTBRIDGE, *SUBJECTS])

# %% [markdown]
# The door of experiments 2 and 4 as a real web server on this machine: the whole attack once more, over HTTP. How many
# calls are told what? (202: taken; 200: it is here already; 403: the signature is wrong; 400: it is too old.)

# %%
from collections import Counter

from dsys_lab.engines.web_hook import compared
from dsys_lab.scenarios.event_bus.attack_script import attack_script, timed
from dsys_lab.scenarios.event_bus.web_hooks import settings_of

# %%
told_by = compared(timed(attack_script()), settings_of())
statuses = {door: Counter(map(str, said)) for door, said in told_by.items()}
title = "What are the calls told, over HTTP?"
charts.bars(dict(statuses["HTTP"].most_common()), title=title, unit="calls")

# %%
print("the model:", "alike" if statuses["model"] == statuses["HTTP"] else "not alike")

# %% [markdown]
# The last question is the price of many rules. A thousand rules name a hundred devices.
# How many patterns does the index ask of an event?

# %%
by_index = predict(
    "21/by-index",
    "A thousand rules, each names one of a hundred devices. How many patterns does the "
    "index ask of an event?",
    between=(1, 1000),
    unit="patterns",
)

# %%
by_index

# %%
from dsys_lab.laws import patterns_asked
from dsys_lab.scenarios.event_bus.counts import DEVICES, asked_by

# %%
sizes = 100, 300, 1000
indexed = asked_by(*sizes)

# %%
by_index.reveal(
    indexed[-1][1],
    law=patterns_asked(1000, DEVICES),
    why="Those that name the event's own device, and no other.",
    show=charts.against_law(
        {"loop": asked_by(*sizes, how="loop"), "index": indexed},
        laws={"loop": lambda n: n, "index": lambda n: patterns_asked(n, DEVICES)},
        title="How many patterns are asked of an event?",
        x="rules",
        y="patterns",
        log_x=True,
        log_y=True,
    ),
)

# %% [markdown]
# In time, on the same machine, one after the other and again:

# %%
from dsys_lab.benchmark import interleaved
from dsys_lab.benchmark.event_buses import routed
from dsys_lab.lessons import measured

# %%
loops, indexes = interleaved(routed(Loop, count=50), routed(Index, count=50), rounds=3)
ratios = [slow / quick for slow, quick in zip(loops, indexes, strict=True)]
unit = "times as many events a second by the index"
measured(ratios, unit, usually=f"many {unit}")

# %% [markdown]
# ## Choose
#
# | if | then | and watch |
# |---|---|---|
# | many senders, many who may care, and who that is changes | a **bus** with rules | events that no rule picks |
# | one sender, many who hear all or most of it | a **topic** (lab 15): cheaper, faster, no patterns to get wrong | a seat that hears nothing |
# | one service must do it, once | a **queue** (lab 16); behind a bus, a queue as the target | the age of its oldest |
# | order matters, or the past is read again and again | a **log** (lab 17), or the newer bus | how far behind a reader is |
# | somebody else's system calls | a door that checks signature, age and id, **stores**, then answers; then the bus | the difference to the partner's list |
# | shapes do not fit | translate at the door into *one* shape of your own, not in every rule | events without the fields that rules name |
# | a target may be down for longer than five minutes | say how long to try, and have dead letters; look at the default | the number of the dead |
# | a new service must hear the past | a replay to *its* rule alone, and keys in every effect | effects that were skipped |
# | a target puts events | name the source in its pattern | events a minute |

# %% [markdown]
# ## Exercises

# %%
exercise("21/matches")


# %%
def matches(pattern, event): ...


exercise("21/matches", matches)

# %%
exercise("21/verify")


# %%
def verify(headers, body, secret, now, seen): ...


exercise("21/verify", verify)

# %%
exercise("21/shapes")


# %%
def shapes(): ...


exercise("21/shapes", shapes)

# %% [markdown]
# **Design question.** Forty services, twelve partners, and everybody would like to add rules.

# %%
exercise("21/design")

# %%
progress()

# %% [markdown]
# ## Sources
#
# - Amazon EventBridge User Guide: *event patterns*, *comparison operators*, *input transformation*, *how EventBridge
#   retries delivering events*, *dead-letter queues*, *archives and replays*, *receiving SaaS events from Lambda function
#   URLs*; API references and service models of both buses (botocore 1.44.5); read in November 2026.
# - aws/event-ruler, README: how all patterns are compiled into one automaton.
# - *Standard Webhooks* 1.0.0: what is signed, and what a partner does with an answer.
# - Hohpe and Woolf, *Enterprise Integration Patterns*: Content-Based Router, Message Translator, Canonical Data Model,
#   Wire Tap, Dead Letter Channel, Idempotent Receiver.
# - Carzaniga and Wolf, "Forwarding in a content-based network", SIGCOMM 2003.
# - NATS documentation, *subject-based messaging*.
# - Kleppmann, *Designing Data-Intensive Applications*, ch. 11, *Messaging systems*.
#
# Beyond one machine: buses that hand on to buses in other accounts and regions; a **schema registry**, in which a
# changed field is found before it is put; pipes from a source through a filter to one target; CloudEvents, an envelope
# that several makers share.
