"""A run is known by its name, parameters, seed and faults: enough to make it again, here or anywhere."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest

from dsys_lab.brokers.overflow import Policy, oldest_first
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios import Claims, find, repeat, scenario
from dsys_lab.scenarios.not_consumed_in_time import bursts as lab
from dsys_lab.simulation import Fault
from dsys_lab.trace import INVARIANTS, Header, load

PLAN = [
    Fault(do="slow", target="scorer", at_s=2, lasts_s=1, value=0.1),
    Fault(do="crash", target="scorer", on={"kind": "start"}, nth=9, lasts_s=0.5),
    Fault(do="loss", target="network", at_s=1, lasts_s=2, value=0.3),
]
RUNS = {
    "hockey_stick": {"customers": 200, "utilisation": 0.9, "servers": 2},
    "burst": {"policy": "sample", "until_s": 30.0},
    "blocking": {"customers": 200},
    "retry_storm": {"until_s": 12.0, "spike_from_s": 3.0, "spike_to_s": 6.0, "backoff": "full_jitter"},
    "pipeline": {"window": 3, "until_s": 10.0},
    "fair_shares": {"control": "aimd", "until_s": 5.0},
    "fresh_or_old": {"policy": "deadline", "margin_s": 0.3, "until_s": 20.0},
    "drill": {"policy": "reject", "capacity": 3, "messages": 20},
}
WITHOUT_NETWORK = {"hockey_stick", "blocking"}
WITHOUT_MACHINES = ("fair_shares", "drill")  # two tenants and a gate, a buffer and orders: nothing there to break


def faults_of(name):
    """The plan, as far as it finds something to strike at."""
    if name in WITHOUT_MACHINES:
        return ()
    return PLAN[:2] if name in WITHOUT_NETWORK else PLAN


def made(name, **more):
    faults = faults_of(name)
    return getattr(lab, name)(**{"seed": 3, "faults": faults, **RUNS[name], **more})


def test_every_scenario_of_the_lab_is_tried():
    assert RUNS.keys() == {name for name, value in vars(lab).items() if type(value).__name__ == "Scenario"}


# ------------------------------------------------------------------------------------------ made again
@pytest.mark.parametrize("name", RUNS)
def test_a_header_is_enough_to_make_the_run_again(name, tmp_path):
    trace = made(name)
    again = repeat(trace.header)
    assert (again.digest(), again.header) == (trace.digest(), trace.header)
    trace.save(tmp_path / "run.jsonl")  # and so is one that was sent as a file
    assert repeat(load(tmp_path / "run.jsonl").header).digest() == trace.digest()
    shared = Header(**json.loads(json.dumps(trace.header.as_dict())))  # or as a link
    assert repeat(shared).digest() == trace.digest()


@pytest.mark.parametrize("name", RUNS)
def test_counting_gives_what_the_rows_add_up_to(name):
    faults = faults_of(name)
    trace = made(name)
    assert getattr(lab, name).count(seed=3, faults=faults, **RUNS[name]) == trace.counters()


@pytest.mark.parametrize("name", RUNS)
def test_another_seed_is_another_run_wherever_there_is_chance(name):
    is_the_same = made(name, seed=4).digest() == made(name).digest()
    assert is_the_same == (name == "drill")  # its orders are the same for any broker


def test_one_thing_is_changed_and_the_rest_stays():
    first = made("burst")
    other = repeat(first.header, policy="lifo")
    assert other.header.params == {**first.header.params, "policy": "lifo"}
    assert (other.header.seed, other.header.faults) == (first.header.seed, first.header.faults)
    assert [row.time_us for row in other.of("publish")] == [row.time_us for row in first.of("publish")]  # same luck
    assert repeat(first.header, seed=4).digest() == made("burst", seed=4).digest()


def test_a_fork_is_the_same_run_up_to_the_trouble():
    first = lab.burst(seed=3, until_s=30.0)
    at_row = next(row for row in first if row.time_us > 15e6)
    fork = repeat(first.header, more_faults=[{"do": "crash", "target": "scorer", "at_s": at_row.time_us / 1e6}])
    before = [row for row in first if row.time_us < at_row.time_us]
    assert list(fork)[: len(before)] == before
    assert fork.of("crash")[0].time_us == at_row.time_us
    assert fork.header.faults == [{"do": "crash", "target": "scorer", "at_s": at_row.time_us / 1e6}]
    assert repeat(fork.header).digest() == fork.digest()


CRASH = {"do": "crash", "target": "scorer"}


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (CRASH | {"on": {"kind": "finish", "message": "nobody"}}, "row number 1 .* and 0 came"),
        (CRASH | {"on": {"kind": "start", "message": "n1"}, "nth": 2}, "and 1 came.*smaller nth"),
        (CRASH | {"at_s": 500}, "lies after all that happens"),
        ({"do": "lose", "target": "n1", "at_s": 9}, "no copy of 'n1' goes over the network after that"),
    ],
)
def test_a_fault_that_never_strikes_is_refused_with_what_it_waited_for(plan, says):
    with pytest.raises(BadParameter, match=says):
        lab.burst(seed=3, until_s=10.0, faults=[plan])


def test_trouble_on_a_network_that_nothing_uses_is_refused():
    with pytest.raises(BadParameter, match="nothing goes over the network in this run; give one of crash, slow, skew"):
        lab.hockey_stick(customers=50, faults=[{"do": "loss", "target": "network", "at_s": 1, "value": 0.5}])


# ------------------------------------------------------------------------------------------ a part of the reader's own
def second_pays(waiting, newcomer, capacity, chance):
    return 1 if len(waiting) >= capacity else None


OWN = Policy("second pays", second_pays, oldest_first)


def test_code_of_the_readers_own_takes_part_as_any_other_does():
    trace = lab.burst(seed=3, policy=OWN, capacity=5, until_s=30.0)
    assert (trace.header.title, trace.header.params["policy"]) == ("second pays", "second pays")
    assert trace.of("drop")
    assert repeat(trace.header).digest() == trace.digest()
    slowed = repeat(trace.header, more_faults=[{"do": "slow", "target": "scorer", "at_s": 22.0, "value": 0.2}])
    assert slowed.header.title == "second pays + slow scorer"
    assert len(slowed.of("drop")) > len(trace.of("drop"))


def test_a_saved_run_keeps_the_name_of_a_part_and_asks_for_the_rest(tmp_path):
    lab.burst(seed=3, policy=OWN, capacity=5, until_s=30.0).save(tmp_path / "own.jsonl")
    loaded = load(tmp_path / "own.jsonl")
    with pytest.raises(BadParameter, match=r"'second pays' was code of somebody's own.*policy=…"):
        repeat(loaded.header)
    assert repeat(loaded.header, policy=OWN).digest() == loaded.digest()


@pytest.mark.parametrize("given", [5, len, object(), ["drop_oldest"]])
def test_what_is_neither_a_name_nor_a_part_is_refused(given):
    with pytest.raises(BadParameter, match=r"policy = .*give a word, in quotes or a Policy"):
        lab.burst(policy=given)


# ------------------------------------------------------------------------------------------ what a header says
@pytest.mark.parametrize("name", RUNS)
def test_a_header_says_where_the_run_comes_from(name):
    header = made(name).header
    assert (header.lab, header.scenario, header.engine, header.seed) == ("not_consumed_in_time", name, "model", 3)
    assert header.params == {**getattr(lab, name).defaults, **RUNS[name]}
    assert header.title
    assert "{" not in header.title
    assert header.invariants.keys() <= INVARIANTS.keys()
    assert "conservation" in header.invariants
    assert all(set(line) == {"value", "label"} for line in header.references.values())
    json.dumps(header.as_dict(), allow_nan=False)


def test_a_run_is_as_long_as_it_was_told_or_until_nothing_is_left_to_happen():
    assert made("pipeline").end_us == 10_000_000
    ended = lab.burst(seed=3, until_s=5.0)
    assert ended.end_us == ended[-1].time_us


def test_the_title_fills_in_the_parameters():
    assert lab.hockey_stick(customers=9, utilisation=0.95).header.title == "exponential service at 95%"
    assert lab.pipeline(window=4, until_s=1.0).header.title == "4 credits between stages"
    assert lab.pipeline(until_s=1.0).header.title == "no credits between stages"


# ------------------------------------------------------------------------------------------ found by name
def test_a_scenario_is_found_by_lab_and_name_and_travels_by_them():
    assert find("not_consumed_in_time", "burst") is lab.burst
    assert pickle.loads(pickle.dumps(lab.burst)) is lab.burst
    assert repr(lab.blocking).startswith("not_consumed_in_time.blocking(capacity=10, utilisation=0.9")
    assert "bigger buffer" in lab.blocking.__doc__


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: find("not_consumed", "burst"), r"no lab 'not_consumed'.*name of a folder"),
        (lambda: find("../machines", "burst"), r"no lab"),
        (lambda: find("not_consumed_in_time", "brust"), r"no scenario 'brust'; give one of blocking, burst"),
        (lambda: repeat(Header(lab="nowhere")), r"no lab 'nowhere'"),
        (lambda: repeat(replace(lab.burst(until_s=1.0).header, scenario="gone")), r"no scenario 'gone'"),
        (lambda: lab.burst(polcy="lifo"), r"burst: no parameter 'polcy'; give some of policy, capacity"),
        (lambda: lab.burst.count(polcy="lifo"), r"no parameter 'polcy'"),
        (lambda: lab.burst(policy="best"), r"policy = 'best'.*drop_newest"),
        (lambda: lab.burst(capacity=0), r"capacity = 0"),
        (lambda: lab.burst(rate=0), r"rate = 0"),
        (lambda: lab.blocking(capacity=1), r"capacity = 1.*in service"),
        (lambda: lab.hockey_stick(service_shape="odd"), r"service = 'odd'"),
        (lambda: lab.hockey_stick(servers=0), r"servers = 0"),
        (lambda: lab.retry_storm(retries=-1), r"retries = -1"),
        (lambda: lab.retry_storm(budget=2), r"fraction = 2"),
        (lambda: lab.pipeline(window=0), r"window = 0"),
        (lambda: lab.fair_shares(control="hope"), r"control = 'hope'.*token_bucket"),
        (lambda: lab.fresh_or_old(margin_s=-1.0), r"margin_us = -1000000"),
        (lambda: lab.burst(faults=[{"do": "crash", "target": "scorer"}]), r"either at_s .* or on"),
        (lambda: lab.burst(faults=[Fault(do="crash", target="gate", at_s=1)]), r"no machine 'gate'.*inbox, scorer"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


def test_a_lab_whose_library_is_missing_is_not_called_unknown(monkeypatch):
    import importlib

    def lacks_a_library(name):
        raise ModuleNotFoundError("No module named 'polars'", name="polars")

    monkeypatch.setattr(importlib, "import_module", lacks_a_library)
    with pytest.raises(ModuleNotFoundError, match="polars"):
        find("not_consumed_in_time", "burst")


def test_a_scenario_of_ones_own_is_a_function_with_a_title():
    @scenario("{n} notes")
    def notes(sim, *, n: int = 2) -> Claims:
        """Writes notes."""
        for _ in range(n):
            sim.emit("note", "desk", text="hm")
        return Claims({"nothing lost": {}}, {"notes": {"value": n, "label": "all"}})

    trace = notes(n=3)
    assert (len(trace), trace.header.title, trace.header.invariants) == (3, "3 notes", {"nothing lost": {}})
    assert notes.count().count("note") == 2
    assert notes.__doc__ == "Writes notes."


@pytest.mark.parametrize(("call", "says"), [
    (lambda: lab.burst(capacity="fifty"), "capacity = 'fifty': give a whole number"),
    (lambda: lab.burst(capacity=2.5), "give a whole number"),
    (lambda: lab.burst(seed="x"), "seed = 'x'"),
    (lambda: lab.burst("unbounded"), "by name: policy"),
    (lambda: lab.burst(faults={"do": "crash"}), "give a list of faults"),
    (lambda: lab.burst(faults=[{"do": "crash", "target": "scorer", "at_s": 500.0}]), "after all that happens"),
    (lambda: lab.burst(until_s=1).sql("select knd from trace"), "columns of `trace` are seq"),
])
def test_a_slip_is_told_by_what_was_given_and_what_to_give(call, says):
    with pytest.raises(BadParameter, match=says):
        call()
