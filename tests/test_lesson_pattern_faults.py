"""Lab 26's small scenarios under faults: who is dead does nothing, and what is lost by it is seen."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from dsys_lab.scenarios import patterns
from dsys_lab.scenarios.patterns import asynchronous_reply as replies
from dsys_lab.scenarios.patterns import bulkhead
from dsys_lab.scenarios.patterns import deployment_stamps as cells
from dsys_lab.scenarios.patterns import strangler as fig
from dsys_lab.scenarios.scenario import Scenario
from dsys_lab.simulation import Simulation
from dsys_lab.trace import Trace, lamps

SEEDS = (1, 2, 7)
WAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "billed": ({}, {"elects": False}),
    "bytes_carried": ({}, {"way": "through the service"}, {"thief": "copies it"}),
    "filters": ({"way": "one program"}, {"way": "three filters"}),
    "followed": ({}, {"way": "dual write"}),
    "large": ({"way": "in the message"}, {"way": "claim check"}),
    "order": ({"way": "choreography"}, {"way": "orchestrator"}),
    "pools": ({"pools": "one for all"}, {"pools": "one each"}),
    "replaced": ({"way": "all at once"}, {"way": "piece by piece"}),
    "reports": ({"way": "wait for it"}, {"way": "come back for it"}),
    "settings": ({"way": "in each program"}, {"way": "in a store"}),
    "stamps": ({"stamps": 1}, {"stamps": 4}),
    "storm": ({"breaker": "none"}, {}),
    "translated": ({"layer": False}, {"layer": True}),
}
TROUBLE = ("duplication", "loss")
DEEDS = frozenset({"effect", "finish", "publish", "send", "answer", "verify", "compensate", "change", "look", "note"})


def machines_of(run: Scenario, params: dict[str, Any]) -> list[str]:
    simulation = Simulation(seed=7, recorder=Trace())
    run.__wrapped__(simulation, **{**run.defaults, **params})
    return list(simulation.machines)


def done_by_the_dead(trace: Trace, machine: str) -> Counter[str]:
    """Count the deeds at the places of a machine between its crash and its restart."""
    found, is_dead = Counter[str](), False
    for row in trace:
        if row.place == machine and row.kind in ("crash", "restart"):
            is_dead = row.kind == "crash"
        elif is_dead and row.kind in DEEDS and (row.place == machine or row.place.startswith(f"{machine}/")):
            found[row.kind] += 1
    return found


def crash(target: str, at_s: float, lasts_s: float | None = None) -> dict[str, Any]:
    return {"do": "crash", "target": target, "at_s": at_s, "lasts_s": lasts_s}


def red(trace: Trace) -> set[str]:
    return {lamp.name for lamp in lamps(trace) if not lamp.held}


def test_every_scenario_of_the_package_is_in_the_list() -> None:
    assert {name for name in patterns.__all__ if isinstance(getattr(patterns, name), Scenario)} == set(WAYS)


@pytest.mark.parametrize(("name", "params"), [(name, params) for name in WAYS for params in WAYS[name]])
def test_a_machine_that_is_dead_does_nothing(name: str, params: dict[str, Any]) -> None:
    run = getattr(patterns, name)
    end_s = run(**params).header.end_us / 1e6
    for machine in machines_of(run, params):
        for begins, lasts_s in ((0.1, None), (0.3, 0.3 * end_s)):
            trace = run(faults=[crash(machine, round(begins * end_s, 3), lasts_s)], **params)
            assert not done_by_the_dead(trace, machine), f"{machine} is dead from {begins:.0%} of the run on"


@pytest.mark.parametrize(("name", "params"), [(name, params) for name in WAYS for params in WAYS[name]])
def test_the_books_hold_when_the_network_copies_and_loses(name: str, params: dict[str, Any]) -> None:
    run = getattr(patterns, name)
    lasts_s = run(**params).header.end_us / 2e6
    for seed in SEEDS:
        bad_network = [{"do": do, "target": "network", "at_s": 1, "lasts_s": lasts_s, "value": 0.2} for do in TROUBLE]
        assert not red(run(seed=seed, faults=bad_network, **params)) & {"conservation", "depth adds up"}


# ------------------------------------------------------------------------------------------ what a dead machine costs
@pytest.mark.parametrize("seed", SEEDS)
class TestADeadMachineIsSeen:
    def test_films_through_the_service_are_lost_at_a_dead_bucket(self, seed: int) -> None:
        trace = patterns.bytes_carried(seed=seed, way="through the service", faults=[crash("bucket", 5)])
        assert red(trace) >= {"nothing lost"}
        published = {row.message for row in trace.of("publish")}
        assert published == {row.message for row in trace.of("finish", "lost", "drop")}

    def test_a_thief_does_not_get_into_a_dead_bucket(self, seed: int) -> None:
        trace = patterns.bytes_carried(seed=seed, thief="copies it", faults=[crash("bucket", 1)])
        assert "opens for the owner alone" not in red(trace)
        assert [row.fields["text"] for row in trace.of("note")] == ["the bucket does not answer"]

    def test_the_one_router_of_all_stamps_strikes_everybody(self, seed: int) -> None:
        trace = patterns.stamps(seed=seed, faults=[crash("router", 10, 15)])
        assert (cells.users_hit(trace), red(trace)) == (60, {"hit at most"})

    def test_nothing_is_carried_out_of_a_system_that_is_down_and_no_piece_is_lost(self, seed: int) -> None:
        for way in fig.WAYS:
            for machine in ("old", "new/shop", "phones", *(["front"] if way == "piece by piece" else [])):
                trace = patterns.replaced(seed=seed, way=way, faults=[crash(machine, 5.5, 20)])
                moved = [row for row in trace.of("note") if " at " in row.fields["text"]]
                told = [row for row in moved if machine in (row.place, "old")]
                assert not [row for row in told if 5.5e6 < row.time_us < 25.5e6]
                assert moved[-1].time_us > 25.5e6
                assert "checks hold" not in red(trace)

    def test_calls_that_a_dead_system_loses_are_lost_on_the_lamp(self, seed: int) -> None:
        for way in fig.WAYS:
            assert red(patterns.replaced(seed=seed, way=way, faults=[crash("old", 4, 3)])) == {"nothing lost"}

    def test_who_is_down_for_good_is_not_brought_to_life_by_a_new_program(self, seed: int) -> None:
        trace = patterns.settings(seed=seed, way="in each program", faults=[crash("scorer-1", 5)])
        assert not [row for row in trace.of("restart", "effect") if row.place == "scorer-1" and row.time_us > 5e6]

    def test_a_setting_is_changed_once_its_store_is_back(self, seed: int) -> None:
        trace = patterns.settings(seed=seed, way="in a store", faults=[crash("settings", 8, 7)])
        assert [15e6 <= row.time_us < 17e6 for row in trace.of("change")] == [True]

    def test_a_clip_that_the_camera_was_putting_away_is_lost_with_it(self, seed: int) -> None:
        (first, *_) = [row for row in patterns.large(seed=seed).of("publish") if str(row.message).startswith("c")]
        trace = patterns.large(seed=seed, faults=[crash("camera", first.time_us / 1e6 + 0.01, 1)])
        assert [(row.place, row.message) for row in trace.of("drop")] == [("camera", first.message)]


def test_data_that_stay_behind_where_nobody_is_led_are_not_kept() -> None:
    trace = patterns.replaced(carry_s=0.001, rate=60.0)
    (check,) = trace.of("check")
    assert (red(trace), check.fields["got"] < check.fields["expected"]) == ({"checks hold"}, True)
    kept, leads_to = Counter[tuple[str, str]](), dict.fromkeys(fig.PIECES, "old")
    for row in trace.of("effect", "note"):
        if row.kind == "effect":
            kept[row.fields["key"], row.place] += 1
            continue
        piece, place = row.fields["text"].split()[0], row.fields["text"].split()[3]
        kept[piece, place] += kept.pop((piece, leads_to[piece]), 0)
        leads_to[piece] = place
    assert check.fields["expected"] == sum(kept.values())
    assert check.fields["got"] == sum(kept[piece, place] for piece, place in leads_to.items())


def test_workers_of_a_pool_that_is_down_are_not_idle_and_those_of_one_that_came_back_are() -> None:
    calm = {"noise": 1.0, "until_s": 40.0}
    whole = bulkhead.idle_beside_a_line_s(patterns.pools(pools="one for all", **calm))
    assert whole == 0
    for lasts_s in (0.001, 5.0):
        trace = patterns.pools(pools="one for all", faults=[crash("workers", 20, lasts_s)], **calm)
        assert trace.of("drop")
        assert bulkhead.idle_beside_a_line_s(trace) == 0, "beside its own line nobody is idle for long"
    for struck, at_s, luck in (("noisy-workers", 20, calm), ("noisy-line", 35, {"until_s": 40.0})):
        both = patterns.pools(faults=[crash(struck, at_s, 0.001)], **luck)
        assert both.of("drop")
        assert idle_by_looking(both) == pytest.approx(bulkhead.idle_beside_a_line_s(both))


def idle_by_looking(trace: Trace) -> float:
    """The same by intervals: for each worker the times in which it does nothing, cut with those of a line."""
    names, end_us = ("quiet", "noisy"), trace.header.end_us
    left, times = {}, sorted({row.time_us for row in trace})
    busy, waits = {name: [] for name in names}, {name: [] for name in names}
    for row in trace.of("enqueue"):
        left[row.message] = [row.time_us, None, end_us]
    for row in trace.of("start"):
        left[row.message][1] = row.time_us
    for row in trace.of("finish", "drop"):
        left[row.message][2] = row.time_us
    for message, (came, began, ended) in left.items():
        name = next(name for name in names if message[0] == name[0])
        waits[name].append((came, began if began is not None else ended))
        if began is not None:
            busy[name].append((began, ended))
    idle_us = 0
    for since, until in pairwise(times):
        if any(a <= since < b for name in names for a, b in waits[name]):
            free = sum(4 - sum(a <= since < b for a, b in busy[name]) for name in names)
            idle_us += free * (until - since)
    return idle_us / 1e6


# ------------------------------------------------------------------------------------------ stamps
def test_a_question_to_a_stamp_that_is_down_is_asked_in_vain_and_counted() -> None:
    down = [crash("stamp-1", 10, 15)]
    one, four = (patterns.stamps(stamps=number, faults=down) for number in (1, 4))
    assert [cells.asked(trace) for trace in (one, four)] == [3, 12]
    for trace in (one, four):
        refused = [(row.message, row.fields["why"]) for row in trace.of("reject") if row.message.startswith("q")]
        assert refused == [(f"q{number}/stamp-1", "stamp-1 is down") for number in (1, 2)]
        assert len(trace.of("look")) == cells.asked(trace) - 2


# ------------------------------------------------------------------------------------------ bills
@pytest.mark.parametrize("elects", [True, False])
class TestABillIsSentUntilTheBankHasAnswered:
    def test_none_is_missing_when_the_bank_is_away_for_a_while(self, elects: bool) -> None:
        trace = patterns.billed(elects=elects, faults=[crash("bank", 11.9, 3)])
        assert {row.message for row in trace.of("effect")} == {f"b{number}" for number in range(1, 11)}
        assert red(trace) == (set() if elects else {"at most once"})

    def test_none_is_missing_when_messages_are_lost(self, elects: bool) -> None:
        loss = {"do": "loss", "target": "network", "at_s": 0, "lasts_s": 41, "value": 0.3}
        for seed in SEEDS:
            trace = patterns.billed(seed=seed, elects=elects, faults=[loss])
            assert "checks hold" not in red(trace)
            assert len({row.message for row in trace.of("effect")}) >= 9

    def test_what_nobody_is_left_to_send_is_seen(self, elects: bool) -> None:
        all_die = [crash(f"billing-{number}", 14) for number in (1, 2, 3)]
        trace = patterns.billed(elects=elects, faults=all_die)
        (check,) = trace.of("check")
        assert (check.fields["ok"], check.fields["expected"], check.fields["got"]) == (False, 9, 3)
        assert "checks hold" in red(trace)


def test_whoever_takes_over_is_late_by_a_lease_and_two_looks_at_most() -> None:
    for tenth in range(110, 130):
        for row in patterns.billed(faults=[crash("billing-1", tenth / 10)]).of("effect"):
            late_s = row.time_us / 1e6 - 4 * int(row.message[1:])
            assert late_s <= 3 + 2 * 0.5 + 0.2 + 0.3


# ------------------------------------------------------------------------------------------ reports that never come
@pytest.mark.parametrize("seed", SEEDS)
class TestAReportThatNeverComesIsNotWaitedForForEver:
    twice = (crash("writer", 20, 0.5), crash("writer", 30, 0.5))

    def test_connections_are_closed_after_a_time(self, seed: int) -> None:
        trace = patterns.reports(seed=seed, way="wait for it", faults=self.twice)
        dropped = {row.message for row in trace.of("drop")}
        assert dropped
        assert {row.message for row in trace.of("publish_fail")} == dropped
        assert trace.of("gauge")[-1].fields["value"] == 0

    def test_who_has_a_ticket_stops_asking(self, seed: int) -> None:
        trace = patterns.reports(seed=seed, way="come back for it", faults=self.twice)
        dropped = {row.message for row in trace.of("drop")}
        asked_us: dict[str, int] = {}
        for row in trace.of("look"):
            asked_us[row.fields["key"]] = row.time_us
        came_us = {row.message: row.time_us for row in trace.of("publish")}
        assert {row.message for row in trace.of("publish_fail")} == dropped
        assert max(asked_us[one] - came_us[one] for one in dropped) <= (replies.TICKET_S + 3) * 1e6

    def test_a_gateway_that_comes_back_has_no_connection_open(self, seed: int) -> None:
        trace = patterns.reports(seed=seed, way="wait for it", rate=3.0, faults=[crash("gateway", 20, 1)])
        broken = {row.message for row in trace.of("answer_lost") if row.fields["why"] == "the connection broke"}
        assert broken
        since = [row.fields["value"] for row in trace.of("gauge") if row.time_us >= 21e6]
        assert since[0] == 1
