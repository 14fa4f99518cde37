"""Lab 08, the log as the database: copies, waiting and capacity do what its notebook says, for every seed."""

from __future__ import annotations

import itertools
import math
from statistics import mean, stdev

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.relational import copies as lab
from dsys_lab.scenarios.relational import serverless
from dsys_lab.scenarios.relational import volume as shared_volume
from dsys_lab.trace import lamps


@pytest.mark.parametrize(("scheme", "more", "works"), [
    ("4 of 6", 0, "writes and reads"), ("4 of 6", 1, "reads and repairs"), ("4 of 6", 2, "nothing"),
    ("2 of 3", 0, "writes and reads"), ("2 of 3", 1, "nothing"),
])
def test_without_a_zone_and_some_more(scheme: str, more: int, works: str) -> None:
    assert lab.what_still_works(scheme=scheme, more=more) == works


@pytest.mark.parametrize("seed", range(4))
def test_a_commit_is_acknowledged_at_the_quorum_and_a_reader_that_asks_at_once_sees_the_past(seed: int) -> None:
    trace = shared_volume.commits(seed=seed)
    for told in trace.of("publish_ok"):
        kept = [row for row in trace.of("log_append") if row.fields["lsn"] == told.fields["lsn"] and row.seq < told.seq]
        assert len(kept) >= 4
    for reader, sees_it in (("asks at once", False), ("says what it wrote", True)):
        told = {lamp.name: lamp.held for lamp in lamps(shared_volume.replica_lag(reader=reader, seed=seed))}
        assert told["acknowledged is read"] is sees_it


def test_the_shares_of_time_are_those_of_the_enumeration() -> None:
    told = lab.stopped()
    assert told["2 of 3: writes"]["at any time"] == pytest.approx(3.63e-6, rel=0.01)
    assert told["4 of 6: writes"]["at any time"] == pytest.approx(1.25e-6, rel=0.01)
    assert told["4 of 6: reads"]["at any time"] == pytest.approx(3.18e-8, rel=0.01)
    assert told["4 of 6: reads"]["while a zone is down"] == pytest.approx(6.0e-6, rel=0.01)
    assert told["2 of 3: reads"]["while a zone is down"] == pytest.approx(2.0e-3, rel=0.01)


@pytest.mark.parametrize("name", ["2 of 3", "4 of 6", "6 of 6"])
def test_the_slow_end_is_what_the_law_says_within_three_standard_errors(name: str) -> None:
    needed, copies = lab.WAITED_FOR[name]
    counted = [lab.answered_ms(needed, copies, writes=4_000, seed=seed) for seed in range(6)]
    error = stdev(counted) / math.sqrt(len(counted))
    assert abs(mean(counted) - lab.law_of_answers_ms(needed, copies)) <= 3 * error + 0.02 * mean(counted)


def test_waiting_for_all_costs_many_times_what_four_of_six_costs() -> None:
    assert lab.law_of_answers_ms(6, 6) > 10 * lab.law_of_answers_ms(4, 6)
    assert lab.law_of_answers_ms(4, 6) < lab.law_of_answers_ms(2, 3)


def test_capacity_follows_up_fast_and_down_slowly_and_pauses_only_at_a_minimum_of_zero() -> None:
    course = lab.capacity_over_load(load="spiky", hours=1)
    up = next(one.second for one in course if one.acu >= 14)
    down = next(one.second for one in course if one.second > 300 and one.acu <= 1)
    assert up < 20 < down - 300
    assert min(one.acu for one in course) == 1.0, "what is asked for in the lull"
    paused = lab.capacity_over_load(load="mornings", min_acu=0)
    assert sum(one.acu == 0 for one in paused) > 3_600
    assert lab.waits_for_resume_s() == 15


def test_the_curves_keep_every_change() -> None:
    course = lab.capacity_over_load(load="mornings", hours=2, min_acu=0)
    there = dict(lab.capacity_curves(load="mornings", minutes=120, min_acu=0)["there"])
    for before, one in itertools.pairwise(course):
        assert (one.acu != before.acu) == (one.second / 60 in there) or one is course[-1]


def test_the_bill_is_lower_for_the_spiky_and_higher_for_the_steady() -> None:
    bills = lab.bills()
    even = laws.break_even_utilisation(lab.price_provisioned_acu(), 0.12)
    assert 0.2 < even < 0.35
    for load, told in bills.items():
        follows = told["following, least 0.5"] < told["provisioned"]
        assert follows is (load != "steady")
        assert told["following, may pause"] <= told["following, least 0.5"]
        used = told["mean ACU asked for"] / told["provisioned ACU"]
        assert (used < even) is follows
    assert {load: told["provisioned ACU"] for load, told in bills.items()} == {"steady": 8, "spiky": 16, "mornings": 16}


@pytest.mark.parametrize("call", [
    lambda: lab.what_still_works(scheme="5 of 9"), lambda: lab.answered_ms(7, 6),
    lambda: lab.capacity_over_load(load="none"),
])
def test_what_cannot_be_is_refused(call: object) -> None:
    with pytest.raises(BadParameter):
        call()  # type: ignore[operator]


def test_what_waits_for_a_cold_instance_is_worked_off_when_it_has_grown_and_a_larger_one_lets_less_wait() -> None:
    cold, warm, large = (dict(serverless.backlog(min_acu=least)) for least in (0.0, 0.5, 4.0))
    assert cold[14.0] == 10 * 15, "fifteen seconds of resume, and ten ACU asked for in each"
    assert max(cold.values()) > max(warm.values()) > max(large.values()) > 0
    for course in (cold, warm, large):
        assert course[119.0] == 0
    trace = serverless.capacity(load="mornings", min_acu=0.0, hours=1.1)
    assert [str(row.fields["text"]).split()[3] for row in trace.of("note")] == ["paused", "resuming", "active"]
    asked, served = ({row.message: row.time_us for row in trace.of(kind)} for kind in ("publish", "finish"))
    waited_s = [(served[query] - asked[query]) / 1e6 for query in asked if query in served]
    assert waited_s[0] > 15, "the resume, and then half an ACU for everybody"
    assert max(waited_s) == max(waited_s[:3])
    assert waited_s[-1] == 0
