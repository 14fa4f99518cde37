"""One row, many people, and a machine that may lose its power.

Whoever changes a row leaves the old version beside the new one; whoever reads picks the version of one moment. Claims,
a function each:

1. `versions`: a snapshot sees one version of each row, whatever others do meanwhile, and nobody who reads waits.
2. `accident`: which accident happens at which level is a matter of the level, and of nothing else.
3. `long_report`: one transaction that stays open keeps every dead version in the table.
What the log grows by, and what is there after a power cut at every step, is counted in `log`.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 7; the laws and their sources in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.scenarios.relational.interleaving import Outcome, grid, run
from dsys_lab.scenarios.relational.session_pictures import AccidentPicture, SessionPicture
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.stores.relational import LEVELS, Database, Failed, RelationalDatabase, Session
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.trace import NO_TRACE, Recorder
from dsys_lab.workloads import anomalies
from dsys_lab.workloads.anomalies import Script

STOCK: Final = "stock"

TOUR: Final = """# Versions: Ada counts while others work.
setup: CREATE TABLE wards (name text PRIMARY KEY, free integer NOT NULL)
setup: INSERT INTO wards VALUES ('north', 2), ('south', 1)
ada: BEGIN
ada: first = SELECT sum(free) FROM wards
ben: BEGIN
ben: UPDATE wards SET free = 5 WHERE name = 'north'
cem: UPDATE wards SET free = 7 WHERE name = 'south'
ada: second = SELECT sum(free) FROM wards
ben: COMMIT
cem: BEGIN
cem: UPDATE wards SET free = 9 WHERE name = 'north'
ada: third = SELECT sum(free) FROM wards
cem: ROLLBACK
dan: now = SELECT sum(free) FROM wards
ada: COMMIT
ada: fourth = SELECT sum(free) FROM wards
anomaly: ada.first != ada.third
"""


def database(recorder: Recorder = NO_TRACE, disk: VolatileDisk | None = None) -> RelationalDatabase:
    """Return an empty database in memory that forgets as a disk does."""
    return RelationalDatabase(disk or VolatileDisk(), recorder=recorder)


# ------------------------------------------------------------------------------------------ 1. versions
@scenario("Ada counts at {level}")
def versions(sim: Simulation, *, level: str = "repeatable read") -> Claims:
    """A snapshot sees one version of each row, whatever others do meanwhile, and nobody who reads waits.

    Ada counts beds three times in one transaction. Ben and Cem change both wards in between; Cem takes one change back.
    """
    _play(sim, anomalies.parse("versions", TOUR), level, SessionPicture(sim.recorder))
    return Claims()


# ------------------------------------------------------------------------------------------ 2. accidents
@scenario("{script} at {level}")
def accident(sim: Simulation, *, script: str = "write_skew", level: str = "read committed") -> Claims:
    """Which accident happens at which level is a matter of the level, and of nothing else."""
    _play(sim, anomalies.load(script), level, AccidentPicture(sim.recorder))
    return Claims({"checks hold": {}})


ENDS: Final = {"anomaly": "it goes wrong", "aborted": "somebody is let down", "right": "all is right"}
"""How a script can end, in words."""


def how_it_ends(script: str, level: str, make: Callable[[], Database] = database) -> str:
    """Return how an accident ends at a level, in the words of `ENDS`."""
    with make() as fresh:
        return ENDS[run(anomalies.load(script), fresh, level).verdict]


def verdicts(make: Callable[[], Database] = database) -> dict[str, dict[str, str]]:
    """Return how each accident ends at each level, in any database: a column a level."""
    found = grid([anomalies.load(name) for name in anomalies.names()], make)
    return {level: {name: ENDS[found[name, level].verdict] for name in anomalies.names()} for level in LEVELS}


def attempts(writers: int, *, how: str = "look, then write") -> int:
    """Return how many attempts it takes until so many have each sold one of the same stock, all at once.

    `look, then write` reads and writes at repeatable read and begins anew when let down; `in one statement` lets the
    database read and write at once.
    """
    require_choice("how", how, ("look, then write", "in one statement"))
    shop, made = database(), 0
    stocked(shop, 1)
    left: list[Session] = [shop.session(f"buyer {number}") for number in range(writers)]
    while left:
        made += len(left)
        left = _sell_one_each(left, together=how == "look, then write")
    return made


def _sell_one_each(buyers: Sequence[Session], *, together: bool) -> list[Session]:
    """Let each buyer try once; return those who must begin anew."""
    if not together:
        for buyer in buyers:
            buyer.execute(f"UPDATE {STOCK} SET left_over = left_over - 1 WHERE id = 0")
        return []
    for buyer in buyers:
        buyer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        buyer.execute(f"SELECT left_over FROM {STOCK} WHERE id = 0")
    failed = []
    for buyer in buyers:
        answer = buyer.execute(f"UPDATE {STOCK} SET left_over = left_over - 1 WHERE id = 0")
        if isinstance(answer, Failed):
            failed.append(buyer)
        buyer.execute("COMMIT")
    return failed


def _play(sim: Simulation, story: Script, level: str, picture: SessionPicture) -> Outcome:
    """Play a script into a simulation's trace, and say in the end whether it went wrong."""
    outcome = run(story, database(picture), level, tell=picture.tell)
    picture.emit(
        picture.now_us, "check", "books", name=story.name, ok=not outcome.anomaly, expected="right",
        got=outcome.verdict,
    )  # fmt: skip
    sim.run()  # no machine, so a fault finds nothing to strike, and says so
    return outcome


# ------------------------------------------------------------------------------------------ 3. a long report
REPORT_FROM, REPORT_TO = 10, 70
"""Between which hundredths of the run the report is open."""


@scenario("{updates} sales, swept every {sweep_every}")
def long_report(
    sim: Simulation, *, report: bool = True, sweep_every: int = 5, updates: int = 60, rows: int = 6
) -> Claims:
    """One transaction that stays open keeps every dead version in the table.

    Every millisecond somebody sells one of `rows` products; after every `sweep_every` sales the table is swept. A
    report begins after a tenth of the sales and ends after seven tenths; all the while it sees the stock of its
    beginning.
    """
    require_positive(updates=updates, rows=rows, sweep_every=sweep_every)
    picture, chance = SessionPicture(sim.recorder), sim.stream("sales")
    shop = database(picture)
    seller, reader = stocked(shop, rows), shop.session("report")
    for number in range(1, updates + 1):
        now_us = number * 1_000
        if report and number == 1 + updates * REPORT_FROM // 100:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ", now_us=now_us)
            reader.execute(f"SELECT sum(left_over) FROM {STOCK}", now_us=now_us)
        if report and number == updates * REPORT_TO // 100:
            reader.execute("COMMIT", now_us=now_us)
        product = int(chance() * rows)
        seller.execute(f"UPDATE {STOCK} SET left_over = left_over - 1 WHERE id = {product}", now_us=now_us)
        if number % sweep_every == 0:
            shop.vacuum(now_us=now_us)
        else:
            dead = shop.status().tables[STOCK].dead
            picture.emit(now_us, "gauge", STOCK, name="dead versions", value=dead, unit="")
    sim.run()
    return Claims()


def stocked(shop: RelationalDatabase, rows: int, note: str = "") -> Session:
    """Return a session at a table of so many products, a hundred of each left."""
    seller = shop.session("seller")
    seller.execute(f"CREATE TABLE {STOCK} (id integer PRIMARY KEY, left_over integer NOT NULL, note text)")
    values = ", ".join(f"({key}, 100, '{note}')" for key in range(rows))
    seller.execute(f"INSERT INTO {STOCK} VALUES {values}")
    return seller


def dead_at_most(**params: Any) -> float:
    """Return how many dead versions there were at the worst moment of a run of `long_report`."""
    return max(dead for _, dead in dead_over_time(**params))


def dead_over_time(**params: Any) -> list[tuple[float, float]]:
    """Return (updates, dead versions) along a run of `long_report`."""
    trace = long_report(**params)
    return [(row.time_us / 1_000, float(row.fields["value"] or 0)) for row in trace.of("gauge")]
