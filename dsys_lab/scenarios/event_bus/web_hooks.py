"""A partner's wearable recorded a night: how do we hear of it, and whom do we believe?

`partner` has the events, `door` is ours. The claims, one function each:

1. `hear_of_it`: who asks hears late, and mostly in vain; who is called hears at once, but not of what came while he was
   down for longer than the partner tried; who is called and asks now and then hears of everything.
2. `attack`: each check keeps out its own sort of call, and no other; a clock that is off refuses what is good.
3. `crash_at_the_door`: what is answered before it is stored is lost by a crash, and the partner does not know.

Sources: the semantics and their sources in `dsys_lab.brokers.web_hook`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.brokers.web_hook import CHECKS, IMPATIENT, STANDARD_SCHEDULE, Partner, Schedule, Settings
from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.scenarios.event_bus.attack_script import PARTNERS_SECRET, attack_script, body_of
from dsys_lab.scenarios.event_bus.hook_machines import WORK_S, DoorHost, PartnerHost, Street
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation, to_us
from dsys_lab.simulation.chance import exponential

PARTNER, DOOR, ATTACKER = "partner", "door", "attacker"
WAYS: Final = ("ask", "be called", "be called, and ask")
SCHEDULES: Final[dict[str, Schedule]] = {
    "one attempt": Schedule(()), "three attempts": IMPATIENT, "three days": STANDARD_SCHEDULE,
}  # fmt: skip
"""How long a partner tries, by the words that a page uses."""
NOTHING: Final = "nothing"
LEFT_OUT: Final = (NOTHING, *CHECKS)
ORDERS: Final = ("store, then answer", "answer, then store")
BOOKS: Final[dict[str, dict[str, Any]]] = {"conservation": {}}
MINUTES_10: Final = 600.0


def settings_of(without: str = NOTHING, *, remember_s: float | None = None) -> Settings:
    """Return a door's settings without one of its checks, or without several: "age, id"."""
    left_out = tuple(one for one in without.split(", ") if one != NOTHING)
    for one in left_out:
        require_choice("without", one, LEFT_OUT)
    given = {} if remember_s is None else {"remember_s": remember_s}
    return Settings(secrets=[PARTNERS_SECRET], without=left_out, **given)  # type: ignore[arg-type]


def _happen(sim: Simulation, partner: PartnerHost, events_a_second: float, until_s: float) -> None:
    """Let events happen as a Poisson stream."""
    gap, luck = exponential(1 / events_a_second), sim.stream("events")
    at_s, number = gap(luck), 0
    while at_s < until_s:
        number += 1
        sim.after(at_s, lambda number=number: partner.happens(f"e{number}", body_of(number)))  # type: ignore[misc]
        at_s += gap(luck)


# ------------------------------------------------------------------------------------------ 2. to ask or to be called
@scenario("{way}")
def hear_of_it(
    sim: Simulation,
    *,
    way: str = "be called",
    ask_every_s: float = 60.0,
    events_per_minute: float = 1.0,
    minutes: float = 30.0,
    down_at_s: float = 300.0,
    down_s: float = 0.0,
    tries: str = "three attempts",
) -> Claims:
    """How long after it happened do we hear of a night, and of which never?

    Nights are recorded as a Poisson stream. In "ask" the door asks the partner for what is new every `ask_every_s`; in
    "be called" the partner calls; in "be called, and ask" it does, and the door compares with its list as often. The
    door is down from `down_at_s` on for `down_s`; the partner tries each event for as long as `tries` says.
    """
    require_choice("way", way, WAYS)
    require_choice("tries", tries, tuple(SCHEDULES))
    require_positive(ask_every_s=ask_every_s, events_per_minute=events_per_minute, minutes=minutes)
    require_not_negative(down_at_s=down_at_s, down_s=down_s)
    if down_s and not 0 < down_at_s < minutes * 60:
        raise BadParameter(f"down_at_s = {down_at_s!r}: give a moment of the {minutes:g} minutes")
    called, asks = way != WAYS[0], way != WAYS[1]
    partner = Partner([PARTNERS_SECRET], SCHEDULES[tries])
    settle_s = 2 * SCHEDULES["three attempts"].lasts_s if called else 0.0
    door = DoorHost(sim, settings_of(), asks=PARTNER if asks else None, ask_every_s=ask_every_s, settle_s=settle_s)
    host = PartnerHost(sim, partner, DOOR, pushes=called)
    _happen(sim, host, events_per_minute / 60, minutes * 60)
    if down_s:
        sim.after(down_at_s, door.crash)
        sim.after(down_at_s + down_s, door.restart)
    sim.run(minutes * 60 + down_s + 2 * ask_every_s + 60)
    return Claims({**BOOKS, "at most once": {}})


# ------------------------------------------------------------------------------------------ 4. whom to believe
@scenario("left out: {without}")
def attack(
    sim: Simulation,
    *,
    without: str = NOTHING,
    events: int = 40,
    each: int = 4,
    every_s: float = 60.0,
    remember_s: float = STANDARD_SCHEDULE.lasts_s + MINUTES_10,
    skew_s: float = 0.0,
) -> Claims:
    """What takes effect of that which the partner did not mean?

    `events` good calls come, and `each` of seven sorts that should leave no effect of their own (see
    `dsys_lab.scenarios.event_bus.attack_script`). The door leaves out the check `without`, or several ("age, id"),
    remembers an id for `remember_s`, and its clock is `skew_s` ahead.
    """
    if remember_s < MINUTES_10:
        raise BadParameter(f"remember_s = {remember_s!r}: give {MINUTES_10:g} or more, twice the age that is good")
    settings = settings_of(without, remember_s=remember_s)
    steps = attack_script(events=events, each=each, every_s=every_s, seed=sim.seed)
    door = DoorHost(sim, settings)
    door.skew_us = round(skew_s * 1e6)
    if skew_s:
        sim.emit("skew", DOOR, skew_us=door.skew_us)
    for name in (PARTNER, ATTACKER):
        Street(sim, name, DOOR, steps)
    sim.run(max(step.at_us for step in steps) / 1e6 + 30)
    copied_us = max(step.at_us for step in steps if step.kind == "copied soon")
    return Claims({**BOOKS, "at most once": {}, "checks hold": {}}, poster_us=copied_us + to_us(WORK_S / 2))


# ------------------------------------------------------------------------------------------ 4. what a crash takes
@scenario("{order}")
def crash_at_the_door(
    sim: Simulation,
    *,
    order: str = "store, then answer",
    stored_every_s: float = 20.0,
    events_per_minute: float = 30.0,
    crash_at_s: float = 70.0,
    back_after_s: float = 10.0,
) -> Claims:
    """What does a crash take of what the partner believes to be safe?

    In "answer, then store" the door answers at once and stores what it answered every `stored_every_s`, which is faster
    and saves syncs. It crashes at `crash_at_s` and is back soon; the partner tries again what was not answered.
    """
    require_choice("order", order, ORDERS)
    require_positive(stored_every_s=stored_every_s, events_per_minute=events_per_minute, crash_at_s=crash_at_s,
                     back_after_s=back_after_s)  # fmt: skip
    partner = Partner([PARTNERS_SECRET], STANDARD_SCHEDULE)
    without = NOTHING if order == ORDERS[0] else "store first"
    door = DoorHost(sim, settings_of(without), stored_every_s=stored_every_s)
    _happen(sim, PartnerHost(sim, partner, DOOR), events_per_minute / 60, crash_at_s + back_after_s + 30)
    sim.after(crash_at_s, door.crash)
    sim.after(crash_at_s + back_after_s, door.restart)
    sim.run(crash_at_s + back_after_s + 60 + sum(STANDARD_SCHEDULE.pauses_s[:2]))
    return Claims({**BOOKS, "promised and kept": {}, "at most once": {}}, poster_us=to_us(crash_at_s) + 1)
