"""The numbers behind the lab's charts: each counted under several lucks, or tried for each of its pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any, Final

import pandas as pd

from dsys_lab.dataflows.service import (
    NIGHT_V1,
    PLACES,
    Field,
    Outcome,
    Reading,
    Version,
    crashed_everywhere,
    matrix,
)
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.service_database_broker.counts import chain, group, outage
from dsys_lab.scenarios.service_database_broker.dual_writes import DualCounted, dual_write
from dsys_lab.scenarios.service_database_broker.renaming import RenameCounted, fields_known, renamed
from dsys_lab.scenarios.service_database_broker.three_ways import DOWN_AT_S, LANES
from dsys_lab.simulation import over_seeds
from dsys_lab.simulation.sweeps import Measured
from dsys_lab.trace import Trace

Cell = tuple[str, str]
SAFE: Final = {"table": "enqueue", "service": "effect", "broker": "append"}
"""By lane, the row after which the producer may forget the night."""
READERS: Final = {"table": "table reader", "service": "service", "broker": "log reader"}
ALIKE: Final = 0.02
"""Means that are nearer to each other than this share are alike."""
GRID_RECORDS: Final = 4


# ------------------------------------------------------------ what a run says of its lanes
def waits_s(trace: Trace, *, until: str = "worked off") -> dict[str, float]:
    """Return for each lane the mean seconds from a night's first offer until it is "safe", or "worked off"."""
    offered = {row.message: row.time_us for row in trace.of("publish") if row.fields["attempt"] == 1}
    found = {}
    for lane in LANES:
        kind = SAFE[lane] if until == "safe" else "effect"
        rows = [row for row in trace.of(kind) if row.message is not None and row.message[0] == lane[0]]
        found[lane] = fmean((row.time_us - offered[row.message]) / 1e6 for row in rows)
    return found


def soonest(waits: Mapping[str, float]) -> str:
    """Name the lanes of the shortest wait."""
    least = min(waits.values())
    lanes = [lane for lane, wait in waits.items() if wait <= least * (1 + ALIKE)]
    return "all three alike" if len(lanes) == len(LANES) else " and ".join(lanes)


def given_up(trace: Trace, *, back_s: float) -> dict[str, int]:
    """Count the calls that were given up before and after the service was back, and those carried out all the same."""
    left = {row.message: row.time_us for row in trace.of("abandon")}
    done = [row.message for row in trace.of("effect") if row.time_us > left.get(row.message, row.time_us)]
    before = sum(time_us < back_s * 1e6 for time_us in left.values())
    return {"given up while it was down": before, "given up after it was back": len(left) - before,
            "given up, and done all the same": len(done)}  # fmt: skip


def backlogs(trace: Trace) -> dict[str, list[tuple[float, float]]]:
    """Return for each lane (seconds, nights that wait)."""
    rows = [row for row in trace.of("gauge") if row.fields["name"] == "backlog"]
    return {
        lane: [(row.time_us / 1e6, float(row.fields["value"] or 0)) for row in rows if row.place == reader]
        for lane, reader in READERS.items()
    }


def compared(rows: Mapping[str, Any], *, of: str = "") -> pd.DataFrame:
    """Return a row for each of some frozen counts, under its name; what there is none of is a dash."""
    named = {name: {key.replace("_", " "): value for key, value in asdict(row).items()} for name, row in rows.items()}
    table = pd.DataFrame.from_dict(named, orient="index", dtype=object).map(_said)
    return table.rename_axis(of) if of else table


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "–"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


# ------------------------------------------------------------ outages
def failed(*outages_s: float, nights_a_second: float = 10.0, works_a_second: float = 20.0) -> list[Measured]:
    """Return (outage, calls that were given up, its standard error)."""
    return over_seeds(
        lambda outage_s, seed: outage(
            "service", outage_s=outage_s, nights_a_second=nights_a_second, works_a_second=works_a_second,
            lasts_s=DOWN_AT_S + outage_s + 8, seed=seed,
        ).failed,
        outage_s=outages_s,
    )  # fmt: skip


def stood(*outages_s: float, nights_a_second: float = 10.0, works_a_second: float = 20.0) -> list[Measured]:
    """Return (outage, the most records that waited on the log, its standard error)."""
    return over_seeds(
        lambda outage_s, seed: outage(
            "broker", outage_s=outage_s, nights_a_second=nights_a_second, works_a_second=works_a_second,
            lasts_s=DOWN_AT_S + outage_s + 1, seed=seed,
        ).stood_most,
        outage_s=outages_s,
    )  # fmt: skip


def drained_s(*works_a_second: float, nights_a_second: float = 10.0, outage_s: float = 10.0) -> list[Measured]:
    """Return (records a second that the reader works off, seconds until it has caught up, its standard error)."""

    def caught_up_s(works_a_second: float, seed: int) -> float:
        by_law_s = nights_a_second * outage_s / (works_a_second - nights_a_second)
        counted = outage("broker", outage_s=outage_s, nights_a_second=nights_a_second, works_a_second=works_a_second,
                         lasts_s=DOWN_AT_S + outage_s + 2.5 * by_law_s, seed=seed)  # fmt: skip
        assert counted.caught_up_s is not None, "two and a half times the law's time is enough for the lab"
        return counted.caught_up_s

    return over_seeds(caught_up_s, works_a_second=works_a_second)


# ------------------------------------------------------------ chains, groups, crashes
def calls_lost(*hops: int, availability: float = 0.99, calls: int = 8_000) -> list[Measured]:
    """Return (services in a chain, the share of the calls that fail, its standard error)."""
    return over_seeds(
        lambda hops, seed: 1 - chain(hops=hops, availability=availability, calls=calls, seed=seed).answered / calls,
        hops=hops,
    )


def not_accepted(*hops: int, availability: float = 0.99, calls: int = 8_000) -> list[Measured]:
    """Return (consumers behind a broker, the share of the calls that it did not take, its standard error)."""
    return over_seeds(
        lambda hops, seed: 1 - chain(hops=hops, availability=availability, calls=calls, seed=seed).accepted / calls,
        hops=hops,
    )


def worked_off(*consumers: int, partitions: int = 4) -> list[Measured]:
    """Return (consumers, records a second, its standard error): 120 a second come, and each works 20 off."""
    return over_seeds(
        lambda consumers, seed: group(
            consumers=consumers, partitions=partitions, records_a_second=120, each_a_second=20, seconds=5, seed=seed
        ).a_second,
        seeds=3,
        consumers=consumers,
    )


def hot(*shares: float, consumers: int = 4) -> list[Measured]:
    """Return (share of the records under one key, records a second, its standard error): 70 a second come."""
    return over_seeds(
        lambda hot_share, seed: group(
            consumers=consumers, records_a_second=70, each_a_second=20, hot_share=hot_share, seconds=10, seed=seed
        ).a_second,
        seeds=3,
        hot_share=shares,
    )


def missing(*crash_shares: float, way: str = "commit, then publish", nights: int = 100) -> list[Measured]:
    """Return (share of the times that the program dies, messages that never came, its standard error)."""
    return over_seeds(
        lambda crash_share, seed: dual_write(way, nights=nights, crash_share=crash_share, seed=seed).missing,
        crash_share=crash_shares,
    )


def at_a_crash(place: str, *batches: int) -> list[Measured]:
    """Return (batch, records lost or repeated on average, 0): each crash in the middle of the work is tried."""
    found: list[Measured] = []
    for batch in batches:
        outcomes = crashed_everywhere(PLACES[place], records=2 * batch, batch=batch)
        found.append((batch, fmean(one.lost + one.repeated for one in outcomes if one.before == "process"), 0.0))
    return found


# ------------------------------------------------------------ what was counted, in words
def who_broke(came: RenameCounted) -> str:
    """Say whom a change broke."""
    if not came.broken:
        return "nobody"
    naming = tuple(number for number, fields in enumerate(came.readers) if "hours_sleep" in fields)
    return "all ten" if came.failed == came.operations else "those who name it" if came.broken == naming else "others"


def left_by(outcomes: Iterable[Outcome]) -> str:
    """Say what the worst crashes left of the records."""
    outcomes = list(outcomes)
    lost, twice = any(one.lost for one in outcomes), any(one.repeated for one in outcomes)
    words = {(False, False): "neither", (True, False): "some are lost", (False, True): "some are done twice"}
    return words.get((lost, twice), "both can happen")


def of_the_outbox(counted: DualCounted) -> str:
    """Say what became of the nights whose relay died, of which there must be some."""
    if not counted.crashes:
        raise BadParameter("no relay died in this run: give more nights, or a larger crash_share")
    return "it is lost" if counted.missing else "it is published twice" if counted.repeated else "it is published once"


# ------------------------------------------------------------ grids of what was tried
HISTORY: Final = (
    NIGHT_V1,
    Version("v2", (*NIGHT_V1.fields, Field(3, "awakenings", "u8", 0))),
    Version("v3", (NIGHT_V1.fields[0], replace(NIGHT_V1.fields[1], name="sleep_hours"))),
    Version("v4", (NIGHT_V1.fields[0], Field(4, "sleep_minutes", "f64"))),
    Version("v5", (NIGHT_V1.fields[0], Field(2, "sleep_minutes", "f64"))),
)
"""A contract as it may have grown; v3 is a rename, which keeps the meaning, and v5 gives the number 2 out again."""


def crash_grid(*places: str, records: int = GRID_RECORDS) -> dict[tuple[str, str], Cell]:
    """Return for each place of the acknowledgement, and each step before which the power goes, what came of it."""
    cells = {}
    for place in places:
        for one in crashed_everywhere(PLACES[place], records=records, batch=records):
            cells[place, f"{one.step}"] = looks(one)
    return cells


def looks(outcome: Outcome) -> Cell:
    """Return what a crash came to, as a box of a grid."""
    if outcome.lost:
        return "lost", f"{outcome.lost}"
    return ("again", f"{outcome.repeated}") if outcome.repeated else ("done", "✓")


def rename_grid(change: str = "breaking", seed: int = 1) -> dict[tuple[str, str], Cell]:
    """Return for each style and each reader whether it still reads after a change."""
    known = fields_known(10, seed)
    cells: dict[tuple[str, str], Cell] = {}
    for number, fields in enumerate(known):
        needs = "hours_sleep" in fields
        cells["names hours_sleep", f"{number}"] = ("waiting", "yes") if needs else ("skipped", "no")
    tried = {"shared database": True, "service, with a mapper": True, "service, without": False, "broker": True}
    for name, mapper in tried.items():
        came = renamed(name.split(",")[0], change=change, mapper=mapper, seed=seed)
        for number in range(len(known)):
            cells[name, f"{number}"] = ("lost", "✕") if number in came.broken else ("done", "✓")
    return cells


def _understood(reading: Reading) -> Cell:
    return ("done", "✓") if reading.passes else ("late", "≠") if reading.silent else ("lost", "✕")


def reading_grids(versions: Iterable[Version]) -> dict[str, dict[tuple[str, str], Cell]]:
    """Return for both forms of bytes what each version's reader makes of each version's bytes."""
    versions = list(versions)
    return {
        f"bytes by {form}": {pair: _understood(reading) for pair, reading in matrix(versions, form=form).items()}
        for form in ("name", "number")
    }
