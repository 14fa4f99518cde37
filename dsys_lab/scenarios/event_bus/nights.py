"""What happened at Slumber: who is told of it, for how long, and how often?

*wearable* puts `Night` events (who slept how long), *shop* puts `Order` events, *partner* puts what no rule of ours
knows. Services are targets of rules. The claims, one function each:

1. `routing`: rules look into events; a target gets its own shape of them.
2. `outage`: what comes while a target is down is lost if the retry does not last so long.
3. `replayed`: a replay into live rules does everything again, unless a key stops it.
4. `loop`: a target that puts what its own rule picks feeds itself.
5. `renamed`: when a field has another name, a pattern picks nothing, and nobody is told unless somebody looks.

Sources: the semantics and their sources in `dsys_lab.brokers.event_bus`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from dsys_lab.brokers.event_bus import (
    CATCH_ALL,
    CLASSIC,
    NEWER,
    NEWER_TUNED,
    Archive,
    Attempt,
    Entry,
    EventBus,
    Loop,
    Part,
    Retry,
    Rule,
    Target,
    Transformer,
)
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.event_bus.machines import BusHost, Sender, Service, WritingService
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation, to_us
from dsys_lab.simulation.chance import constant

BUS, WEARABLE, SHOP, PARTNER, ON_CALL = "bus", "wearable", "shop", "partner", "on-call"
NIGHT, ORDER = "Night", "Order"
HOURS: Final = (7.5, 4.0, 6.5, 3.5, 8.0, 4.5, 7.0)
"""How long the sleepers slept, again and again."""
SHORT: Final = Pattern({"detail-type": [NIGHT], "detail": {"hours": [{"numeric": ["<", 5]}]}})
NIGHTS: Final = Pattern({"detail-type": [NIGHT]})
ORDERS: Final = Pattern({"source": [SHOP]})
ADVICE: Final = Transformer(
    {"who": "$.detail.sleeper", "hours": "$.detail.hours"}, '{"to": <who>, "text": "only <hours> h"}'
)
"""What the coach is given of a night."""
RETRIES: Final[dict[str, Retry]] = {"classic": CLASSIC, "newer": NEWER, "tuned": NEWER_TUNED}
"""How long each bus tries, by the words that a page uses."""
GUARDS: Final = ("none", "hop count", "source")
HOPS_MOST: Final = 3
ROUND_S: Final = 2.0
"""How long after an event the cleaner puts the better one."""
SOON_S: Final = 0.1
"""So long after an event was put it is at those who are to have it."""
REPLAYED_TO: Final = ("nobody", "search alone", "all rules")
WATCHES: Final = ("nobody", "an alarm", "a rule")
BOOKS: Final[dict[str, dict[str, Any]]] = {"conservation": {}}


def night(number: int, *, source: str = WEARABLE, field: str = "hours", **more: Any) -> Entry:
    """Return the event of a night."""
    detail = {"sleeper": ("ann", "bob", "cy")[number % 3], field: HOURS[number % len(HOURS)], **more}
    return Entry(source, NIGHT, detail, id=f"{source[0]}{number}")


def order(number: int) -> Entry:
    """Return the event of an order."""
    return Entry(SHOP, ORDER, {"sleeper": "ann", "pillows": 1 + number % 2}, id=f"s{number}")


def bus_on(sim: Simulation) -> BusHost:
    """Return a bus that asks every rule, so that each is seen to be asked."""
    return BusHost(sim, EventBus(BUS, matcher=Loop(), recorder=sim.recorder))


def serve(sim: Simulation, host: BusHost, rule: str, pattern: Pattern, name: str, **more: Any) -> Service:
    """Make a rule with one service as its target."""
    service = Service(sim, name, constant(more.pop("work_s", 0.3)), once=more.pop("once", False))
    host.put_rule(Rule(rule, pattern, [Target(name, **more)]), service)
    return service


# ------------------------------------------------------------------------------------------ 1. who is told what
@scenario("logged: {logged}")
def routing(sim: Simulation, *, events: int = 12, every_s: float = 2.0, logged: str = "everything") -> Claims:
    """Rules look into events, and each target gets its own shape of what its rule picks.

    *coach* is told of nights of less than five hours, in a shape of its own; *packing* gets what was ordered; *log*
    gets everything, or there is no such rule. *partner* says things of which the others know nothing.
    """
    require_choice("logged", logged, ("everything", "nothing"))
    require_positive(events=events, every_s=every_s)
    host = bus_on(sim)
    serve(sim, host, "short", SHORT, "coach", shape=ADVICE)
    serve(sim, host, "orders", ORDERS, "packing", shape=Part("$.detail"))
    if logged == "everything":
        serve(sim, host, "everything", CATCH_ALL, "log")
    odd = (Entry(PARTNER, "Battery", {"percent": 9 * n}, id=f"p{n}") for n in range(1, events // 3 + 1))
    Sender(sim, host, ((every_s, night(n)) for n in range(1, events + 1)), name=WEARABLE)
    Sender(sim, host, ((2 * every_s + 0.7, order(n)) for n in range(1, events // 2 + 1)), name=SHOP)
    Sender(sim, host, ((3 * every_s + 0.4, one) for one in odd), name=PARTNER)
    sim.run(events * every_s + 12)
    return Claims(BOOKS)


# ------------------------------------------------------------------------------------------ 2. a target is down
@scenario("{retry}, down for {down_s:g} s")
def outage(
    sim: Simulation,
    *,
    retry: str = "classic",
    down_s: float = 600.0,
    dead_letters: bool = False,
    every_s: float = 40.0,
    events: int = 20,
) -> Claims:
    """What comes while a target is down is lost if the retry does not last so long.

    *coach* goes down after 60 s, for `down_s`. With `dead_letters` what was tried in vain is set aside.
    """
    require_choice("retry", retry, tuple(RETRIES))
    require_positive(down_s=down_s, every_s=every_s, events=events)
    host = bus_on(sim)
    coach = serve(sim, host, "nights", NIGHTS, "coach", retry=RETRIES[retry], dead_letters=dead_letters)
    Sender(sim, host, ((every_s, night(n)) for n in range(1, events + 1)), name=WEARABLE)
    sim.after(60.0, coach.crash)
    sim.after(60.0 + down_s, coach.restart)
    sim.run(60.0 + max(down_s, events * every_s) + 560.0)
    return Claims({**BOOKS, "nothing lost": {}})


# ------------------------------------------------------------------------------------------ 3. once more
@scenario("replayed to {to}, {keys}")
def replayed(
    sim: Simulation, *, to: str = "all rules", keys: str = "no keys", every_s: float = 20.0, replay_s: float = 240.0
) -> Claims:
    """A rule that comes late has missed the past; a replay brings it, and does all else again unless a key stops it.

    Events come, until *search* is made, which has missed them. So all is replayed, to "all rules", to "search alone",
    or to "nobody": *mail* and *billing* have done it before. With "keys" these two keep what they did, by the id of the
    event.
    """
    require_choice("keys", keys, ("no keys", "keys"))
    require_choice("to", to, REPLAYED_TO)
    require_positive(every_s=every_s, replay_s=replay_s)
    host = bus_on(sim)
    host.bus.keep(0, Archive("past"))
    for name in ("mail", "billing"):
        serve(sim, host, f"to-{name}", NIGHTS, name, once=keys == "keys")
    events = int(replay_s / every_s)
    Sender(sim, host, ((every_s if n > 1 else 1.0, night(n)) for n in range(1, events + 1)), name=WEARABLE)

    search = Service(sim, "search", constant(0.3))

    def again() -> None:
        host.put_rule(Rule("to-search", NIGHTS, [Target("search")]), search)
        if to != "nobody":
            rules = ["to-search"] if to == "search alone" else None
            host.replay("for-search", "past", since_s=0, until_s=replay_s, rules=rules)

    sim.after(replay_s, again)
    sim.run(replay_s + events + 10)
    return Claims({**BOOKS, "exactly-once effect": {}})


# ------------------------------------------------------------------------------------------ 4. round and round
@scenario("{writes:g} written for each, guard: {guard}")
def loop(
    sim: Simulation, *, guard: str = "none", writes: float = 1.0, events: int = 3, until_s: float = 24.0
) -> Claims:
    """A target that puts what its own rule picks feeds itself.

    *cleaner* gets each night and puts `writes` better ones on the bus, on average, as nights. The guard "hop count"
    lets the pattern pick only what went round less than three times; with "source" it picks what wearables say, and not
    what the cleaner does.
    """
    require_choice("guard", guard, GUARDS)
    require_not_negative(writes=writes)
    require_positive(events=events, until_s=until_s)
    host, luck = bus_on(sim), sim.stream("writes")
    numbers = iter(range(1, 1_000_000))

    def written(attempt: Attempt) -> Iterator[Entry]:
        seen = json.loads(attempt.body)["detail"]
        for _ in range(int(writes) + (luck() < writes % 1)):
            yield Entry("cleaner", NIGHT, {**seen, "hops": seen["hops"] + 1}, id=f"c{next(numbers)}")

    cleaner = WritingService(sim, host, "cleaner", written, after_s=ROUND_S)
    host.put_rule(Rule("nights", _guarded(guard), [Target("cleaner")]), cleaner)
    Sender(sim, host, ((0.5, night(n, hops=0)) for n in range(1, events + 1)), name=WEARABLE)
    sim.run(until_s)
    return Claims(BOOKS)


def _guarded(guard: str) -> Pattern:
    if guard == "source":
        return Pattern({"source": [WEARABLE], "detail-type": [NIGHT]})
    if guard == "hop count":
        return Pattern({"detail-type": [NIGHT], "detail": {"hops": [{"numeric": ["<", HOPS_MOST]}]}})
    return NIGHTS


# ------------------------------------------------------------------------------------------ 5. another name
@scenario("who watches: {watch}")
def renamed(
    sim: Simulation,
    *,
    watch: str = "nobody",
    renamed_s: float = 40.0,
    every_s: float = 4.0,
    until_s: float = 120.0,
) -> Claims:
    """When a field has another name, a pattern picks nothing, and nobody is told unless somebody looks.

    *coach* is told of nights of less than five `hours`. From `renamed_s` on the wearables call the field `hours_slept`.
    With "an alarm" the number of events that no rule picked is looked at every ten seconds. With "a rule" nights
    without `hours` are picked as well, and go to *on-call*.
    """
    require_choice("watch", watch, WATCHES)
    require_positive(renamed_s=renamed_s, every_s=every_s)
    if not renamed_s < until_s:
        raise BadParameter(f"renamed_s = {renamed_s!r}, until_s = {until_s!r}: give renamed_s < until_s")
    host = bus_on(sim)
    serve(sim, host, "short", SHORT, "coach", shape=ADVICE)
    if watch == "an alarm":
        fine = Pattern({"detail-type": [NIGHT], "detail": {"hours": [{"numeric": [">=", 5]}]}})
        serve(sim, host, "long", fine, "statistics")
        host.watch(10.0, ON_CALL)
    elif watch == "a rule":
        unknown = Pattern({"detail-type": [NIGHT], "detail": {"hours": [{"exists": False}]}})
        serve(sim, host, "no-hours", unknown, ON_CALL)
    called = lambda n: "hours" if n * every_s <= renamed_s else "hours_slept"  # noqa: E731
    Sender(sim, host, ((every_s, night(n, field=called(n))) for n in range(1, int(until_s / every_s))), name=WEARABLE)
    sim.run(until_s)
    last_s = int((until_s - 1) / every_s - 1) * every_s
    return Claims(BOOKS, poster_us=to_us(max(renamed_s, last_s) + SOON_S))
