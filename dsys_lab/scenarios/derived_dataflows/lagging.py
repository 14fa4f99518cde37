"""How far behind is a view: who reads too early, what a load does to it, and the busiest day of New York's airports.

`own_reads` is a picture of writers who look for what they wrote; the functions count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from dsys_lab.dataflows.change_capture import Follower
from dsys_lab.dataflows.change_capture.follower import NOTHING
from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.scenarios.derived_dataflows.capture import capture, require_sales
from dsys_lab.scenarios.derived_dataflows.machines import INDEX, ITEMS, MAKES, TRAVEL_S, Follows, Ledger
from dsys_lab.scenarios.derived_dataflows.sides import Side, model
from dsys_lab.scenarios.scenario import DEFAULT_SEED, Claims, scenario
from dsys_lab.scenarios.stream_and_batch.flights_late import departures
from dsys_lab.simulation import Body, Measured, Simulation, over_seeds
from dsys_lab.simulation.chance import exponential, stream
from dsys_lab.stores.relational import Commit, SlotStatus
from dsys_lab.structures.disk import VolatileDisk

ADA, MISSES = "ada", "not seen"
OUTLINE: Final = 9
"""The copy that an outline is drawn of."""
RUNS: Final = 8
"""Seeds of a mean."""
Points = list[tuple[float, float]]


# ------------------------------------------------------------------------------------------ who reads too early
@scenario("looks after {waited_s} s, until seen: {until_seen}")
def own_reads(
    sim: Simulation,
    *,
    waited_s: float = 0.2,
    until_seen: bool = False,
    poll_s: float = 1.0,
    rate: float = 1.0,
    seconds: float = 15.0,
) -> Claims:
    """Ada sells `rate` times a second, and looks for each sale in the index `waited_s` later.

    The index asks for changes every `poll_s`. With `until_seen` it answers when it has the position of her sale.
    """
    require_not_negative(waited_s=waited_s)
    require_positive(poll_s=poll_s)
    require_sales(rate, TRAVEL_S, seconds)
    ledger = Ledger(sim, clerk=ADA)
    index = Follows(sim, INDEX, MAKES[INDEX], ledger, ledger.database.make_slot(INDEX), take_s=TRAVEL_S, copy=1,
                    poll_s=poll_s)  # fmt: skip

    missed_us: list[int] = []

    def look(position: int, number: int) -> Body:
        yield sim.sleep(waited_s)
        asked_us = sim.now_us
        if until_seen:
            yield index.has(position)
        seen, message = index.follower.position >= position, f"q{number}"
        arrive_us = sim.now_us + round(TRAVEL_S * 1e6)
        sim.emit("answer", INDEX, message, to=ADA, copy=0, type="answer", arrive_us=arrive_us)
        yield sim.sleep(TRAVEL_S)
        sim.emit("answered", ADA, message, source=INDEX, copy=0, type="answer")
        if not seen:
            missed_us.append(sim.now_us)
            sim.emit("hole", INDEX, f"c{number}", to=MISSES, why="it is not there yet", copy=OUTLINE)
        sim.emit("look", ADA, view=INDEX, key=f"c{number}", position=position, behind_us=0 if seen else waited_s * 1e6,
                 stale=not seen, waited_us=sim.now_us - asked_us)  # fmt: skip

    def sell() -> Body:
        luck = sim.stream(ADA)
        while True:
            yield sim.sleep(exponential(1 / rate)(luck))
            if sim.now_s > seconds:
                return
            position = ledger.sell(ITEMS[int(luck() * len(ITEMS))], 100)
            sim.spawn(look(position, len(ledger.positions) - 1))

    sim.spawn(sell())
    sim.run(seconds + waited_s + 2 * poll_s + 1)
    return Claims(poster_us=missed_us[-1] if missed_us else round(seconds * 0.6e6), strip=("behind",))



@cache
def _lags_s(poll_s: float, rate: float, sales: int, seed: int) -> tuple[float, ...]:
    """Return how long after its commit each sale was in a view that polls, at the model, in virtual time."""
    side, luck = model(), stream(seed, "own reads")
    lags: list[float] = []
    with side.place() as (slot, beginning):
        follower = Follower(VolatileDisk(), MAKES[INDEX], slot)
        follower.begin(beginning)
        now_s, next_s = 0.0, poll_s
        waiting: list[float] = []
        while len(lags) < sales:
            now_s += exponential(1 / rate)(luck)
            while next_s <= now_s:
                taken = follower.follow()
                lags += [next_s - sold_s for sold_s in waiting[:taken]]
                waiting, next_s = [], next_s + poll_s
            side.sell()
            waiting.append(now_s)
    return tuple(lags[:sales])


def unseen(
    *waits_s: float, poll_s: float = 1.0, rate: float = 1.0, sales: int = 200, seed: int = DEFAULT_SEED
) -> list[Measured]:
    """Return, for each wait, the share of the writers who do not see their own sale yet, with its standard error."""
    lags_s = _lags_s(poll_s, rate, sales, seed)
    shares = [(wait_s, sum(lag_s > wait_s for lag_s in lags_s) / sales) for wait_s in waits_s]
    return [(wait_s, share, (share * (1 - share) / sales) ** 0.5) for wait_s, share in shares]


def held(
    *waits_s: float, poll_s: float = 1.0, rate: float = 1.0, sales: int = 200, seed: int = DEFAULT_SEED
) -> list[tuple[float, float]]:
    """Return how much longer those are made to wait, on average, who say which position they must see."""
    lags_s = _lags_s(poll_s, rate, sales, seed)
    return [(wait_s, sum(max(0.0, lag_s - wait_s) for lag_s in lags_s) / sales) for wait_s in waits_s]


# ------------------------------------------------------------------------------------------ under load
def behind(
    rate: float, *, take_s: float = 0.5, seconds: float = 20.0, what: str = "behind", seed: int = DEFAULT_SEED
) -> Points:
    """Return how far the index of `capture` is behind over time: (seconds, commits), or bytes of "log held back"."""
    trace = capture(rate=rate, take_s=take_s, seconds=seconds, seed=seed)
    rows = [row for row in trace.of("gauge", place=INDEX) if row.fields["name"] == what]
    return [(row.time_us / 1e6, float(row.fields["value"] or 0)) for row in rows if row.time_us <= seconds * 1e6]


def behind_at_last(*rates: float) -> list[Measured]:
    """Return how many commits the index is behind at the end: (sales a second, mean, standard error over seeds)."""
    return over_seeds(lambda rate, seed: behind(rate, seed=seed)[-1][1], seeds=RUNS, rate=rates)


class Spike(NamedTuple):
    """What one transaction of many rows does to a view."""

    rows: int
    commits: int
    held_bytes: int


def spike(*rows: int, side: Side | None = None) -> list[Spike]:
    """Return what is to be taken in after one transaction of so many rows: in commits, and in bytes."""
    side, found = side or model(), []
    for at_once in rows:
        with side.place() as (slot, _):
            side.sell(2)  # the first changes after a checkpoint write whole pages down
            before = slot.status().lag_bytes
            side.sell(at_once=at_once)
            found.append(Spike(at_once, len(slot.peek()) - 2, slot.status().lag_bytes - before))
    return found


# ------------------------------------------------------------------------------------------ a day that nobody made up
class Day(NamedTuple):
    """A day's departures as commits, minute by minute, and how far a view was behind after each.

    Attributes
    ----------
    a_minute : float
        Commits that the view takes in.
    commits : int
    behind : list of (hour, commits)
    """

    a_minute: float
    commits: int
    behind: Points

    @property
    def most(self) -> float:
        """How far it was behind at worst."""
        return max(value for _, value in self.behind)


@cache
def _a_day(month: int, day: int) -> tuple[int, ...]:
    """Return how many planes left in each minute of a day, as it was told: cut at midnight."""
    found = [one.arrived_us // 60_000_000 for one in departures(month, day, day)]
    first = min(found) // 1440 * 1440
    minutes = [0] * 1440
    for minute in found:
        if minute - first < 1440:
            minutes[minute - first] += 1
    return tuple(minutes)


@cache
def _day_in_the_log(month: int, day: int) -> tuple[tuple[Commit, ...], tuple[int, ...]]:
    """Commit each departure of a day at the model; return what the log says of them, and the minute of each."""
    minutes, side = _a_day(month, day), model()
    with side.place() as (slot, _):
        side.sell(sum(minutes))
        return tuple(slot.peek()), tuple(minute for minute, count in enumerate(minutes) for _ in range(count))


class _UpToNow:
    """The log as far as it is written at a minute of the day."""

    def __init__(self, commits: Sequence[Commit], minute_of: Sequence[int]) -> None:
        self._commits, self._minute_of = commits, minute_of
        self.now = self.confirmed = 0

    @property
    def written(self) -> int:
        return bisect_right(self._minute_of, self.now)

    def peek(self, limit: int | None = None) -> list[Commit]:
        return list(self._commits[self.confirmed : self.written][:limit])

    def confirm(self, position: int) -> None:
        self.confirmed += 1

    def status(self) -> SlotStatus:
        return SlotStatus("day", "active", NOTHING, 0, 0)


def followed_day(a_minute: float, *, month: int = 7, day: int = 11) -> Day:
    """Let a view follow a day's departures, minute by minute, and take `a_minute` of them in."""
    require_positive(a_minute=a_minute)
    commits, minute_of = _day_in_the_log(month, day)
    source = _UpToNow(commits, minute_of)
    follower = Follower(VolatileDisk(), MAKES[INDEX], source)
    found, may = [], 0.0
    for source.now in range(1440):
        may = min(may + a_minute, a_minute + 1)
        if int(may):
            may -= follower.follow(int(may))
        found.append((source.now / 60, float(source.written - source.confirmed)))
    return Day(a_minute, len(commits), found)
