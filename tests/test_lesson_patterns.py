"""Lab 26: no pattern is free, and each buys what its card says, whatever the luck."""

from __future__ import annotations

import pytest

from dsys_lab import laws
from dsys_lab.engines import aws
from dsys_lab.engines.aws import claim_check as claims
from dsys_lab.errors import BadParameter
from dsys_lab.lessons.map import LABS
from dsys_lab.lessons.pattern_wall import performed, told_apart, wall
from dsys_lab.scenarios.patterns import counts, filters, pairs, settings, translated
from dsys_lab.scenarios.patterns.cards import PATTERNS
from dsys_lab.scenarios.patterns.catalogue import Counted, named
from dsys_lab.scenarios.patterns.filters import WAYS, with_the_model
from dsys_lab.scenarios.patterns.measures import longest_s, until_s, wait_s
from dsys_lab.scenarios.patterns.translated import unread
from dsys_lab.trace import Trace, lamp, outcome

SEEDS = (1, 2, 7)


# ------------------------------------------------------------------------------------------ the catalogue
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_buys_something_and_costs_something(name):
    for seed in SEEDS:
        counted = PATTERNS[name].counted(seed=seed)
        assert counted.buys[0] > counted.buys[1], f"seed {seed}: it buys nothing"
        assert counted.costs[0] < counted.costs[1], f"seed {seed}: it is free"


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
def test_a_card_is_whole(pattern):
    assert pattern.lab in {lab.name for lab in LABS}
    assert pattern.neighbour in PATTERNS
    assert pattern.neighbour != pattern.name
    assert pattern.problem.endswith(".")
    assert pattern.answer.endswith(".")
    assert not pattern.unlike.endswith(".")
    assert dict(pattern.without).keys() == dict(pattern.with_it).keys()


def test_a_pattern_is_found_however_it_is_written_and_an_unknown_one_refused():
    assert named(PATTERNS, "cache-aside") is PATTERNS["Cache-Aside"]
    with pytest.raises(BadParameter, match=r"no pattern 'Cache'.*Cache-Aside"):
        named(PATTERNS, "Cache")


# ------------------------------------------------------------------------------------------ the measures
def test_what_never_came_waits_until_the_end():
    trace = Trace()
    for at_us, kind, message in ((0, "publish", "a"), (0, "publish", "b"), (2_000_000, "finish", "a")):
        trace.emit(at_us, kind, "x", message, attempt=1)
    trace.header.end_us = 9_000_000
    assert longest_s("", "publish", "finish").of(trace) == 9
    assert wait_s("", "publish", "finish").of(trace) == 2
    assert until_s("", "finish").of(trace) == 2
    with pytest.raises(BadParameter, match="no 'ack' at 'any place'"):
        until_s("", "ack").of(trace)


# ------------------------------------------------------------------------------------------ what readers see
def test_the_wall_has_every_number_and_leads_to_the_lab():
    shown = wall(PATTERNS, [Counted("Retry", (13, 0), (90, 97))])
    assert "buys: events never heard of, 13 -> 0" in shown.text
    assert 'href="21_event_bus.ipynb"' in shown.html
    assert shown.html.count('role="listitem"') == 1


def test_one_player_performs_all_of_them():
    shown = performed(PATTERNS, "external configuration store")
    assert [trace.header.params["way"] for trace in shown.traces] == ["in each program", "in a store"]
    assert [trace.header.title for trace in shown.traces] == ["without it", "External Configuration Store"]


def test_neighbours_are_told_apart():
    text = told_apart(PATTERNS, "retry").text
    assert text.startswith("Retry: ")
    assert "Not Circuit Breaker: " in text


# ------------------------------------------------------------------------------------------ pipes and filters
@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_of_filters_bears_what_its_narrowest_bears_and_programs_what_all_of_them_do(seed):
    steady = {"rate": 14.0, "until_s": 60.0, "seed": seed}
    for hands, in_filters_s in ((1, 1 / 0.2), (2, 2 / 0.2)):
        programs, row = (filters(way=way, hands=hands, **steady) for way in WAYS)
        assert outcome(programs).done == pytest.approx(60 * (hands + 2) / 0.4, rel=0.03)
        assert outcome(row).done == pytest.approx(60 * in_filters_s, rel=0.03)
        assert (with_the_model(programs), with_the_model(row)) == (hands + 2, hands)
        assert not lamp(row, "conservation").rows


# ------------------------------------------------------------------------------------------ settings
def test_a_scorer_whose_store_is_down_goes_on_with_what_it_has():
    down = {"do": "crash", "target": "settings", "at_s": 8, "lasts_s": 100}
    trace = settings(way="in a store", faults=[down])
    assert {row.fields["setting"] for row in trace.of("effect")} == {1}
    assert outcome(trace).lost == 0


def test_a_scorer_that_starts_without_a_setting_refuses_instead_of_guessing():
    away = {"do": "crash", "target": "settings", "at_s": 8, "lasts_s": 100}
    restarted = {"do": "crash", "target": "scorer-1", "at_s": 12, "lasts_s": 1}
    trace = settings(way="in a store", faults=[away, restarted])
    late = [row.kind for row in trace if row.place == "scorer-1" and row.message and row.time_us > 13e6]
    assert "reject" in late
    assert "effect" not in late


@pytest.mark.parametrize("way", ["in each program", "in a store"])
def test_for_a_while_two_scorers_disagree(way):
    trace = settings(way=way)
    changed_us = {}
    for row in trace.of("gauge"):
        if row.fields["value"] == 7:
            changed_us.setdefault(row.place, row.time_us)
    assert len(changed_us) == 4
    assert max(changed_us.values()) - min(changed_us.values()) <= (5e6 if way == "in a store" else 9e6)
    between = [row for row in trace.of("effect") if 10e6 < row.time_us <= max(changed_us.values())]
    assert {row.fields["setting"] for row in between} == {1, 2}


# ------------------------------------------------------------------------------------------ a layer that translates
@pytest.mark.parametrize("seed", SEEDS)
def test_with_a_layer_the_readers_never_hear_of_the_new_name(seed):
    bare, clad = translated(seed=seed), translated(layer=True, seed=seed)
    assert {row.place for row in bare.of("set_aside")} == {"coach", "billing", "science"}
    assert {row.place for row in clad.of("set_aside")} == {"layer"}
    assert unread(clad) == 3 * len(clad.of("set_aside")) < unread(bare)
    for trace in (bare, clad):
        assert not lamp(trace, "conservation").rows


def test_a_layer_is_a_place_that_can_be_down_for_all():
    down = {"do": "crash", "target": "layer", "at_s": 10, "lasts_s": 10}
    trace = translated(layer=True, faults=[down])
    heard = {reader: [row.time_us for row in trace.of("effect") if row.place == reader]
             for reader in ("coach", "billing", "science")}  # fmt: skip
    assert all(not any(10.1e6 < at < 20e6 for at in times) for times in heard.values())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: filters(way="four"), "one program, three filters"),
        (lambda: filters(rate=0.0), "rate"),
        (lambda: filters(hands=0), "hands"),
        (lambda: settings(way="by mail"), "in each program, in a store"),
        (lambda: settings(restart_s=-1.0), "restart_s"),
        (lambda: translated(mended_after_s=-1.0), "mended_after_s"),
        (lambda: translated(rate=-1.0), "rate"),
    ],
)
def test_misuse_is_told_what_to_give(call, said):
    with pytest.raises(BadParameter, match=said):
        call()


# ------------------------------------------------------------------------------------------ several runs
@pytest.mark.parametrize("seed", SEEDS)
def test_retry_and_a_long_queue_are_each_harmless_and_together_answer_nobody(seed):
    found = pairs.compared(seed=seed)
    assert min(found["retry alone"], found["queue alone"]) > 4
    assert found["both"] == 0


def test_what_the_notebook_says_of_several_runs():
    assert counts.longer_in_quiet_times() == "with a pool each"
    assert counts.who_gets_in() == "copies it"
    assert counts.sooner_from_bytes() == pytest.approx(laws.break_even_bytes(0.08, 0.75e6, 50e6), rel=0.05)
    left = counts.left_by()
    assert left["leave a ticket to nowhere"].to_dict() == {
        "object first, deleted last": 0, "message first": 1, "deleted before acknowledged": 1,
    }  # fmt: skip


@pytest.fixture
def no_server_is_left_running():
    yield
    aws.connection().close()


@pytest.mark.usefixtures("no_server_is_left_running")
@pytest.mark.parametrize("engine", claims.ENGINES)
def test_model_and_services_tell_one_story_of_a_clip(engine):
    told = claims.told(engine)
    assert told["bytes in the message"] < 200 < told["bytes received"] == told["bytes of the clip"]
    assert (told["objects then"], told["objects at the end"]) == (1, 0)
    assert told["when the object is gone"].endswith("is gone")
