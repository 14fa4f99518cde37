"""Lab 16 teaches what a loan is. Each claim is true of many runs, and no trouble makes a promised clip vanish unnamed.

The tests are the lab's claims in its own order; what was counted is held against its law within three standard errors.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import fmean

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.durable_queue import clips as lab
from dsys_lab.scenarios.durable_queue import counts
from dsys_lab.scenarios.durable_queue.power_cuts import power_cuts
from dsys_lab.scenarios.durable_queue.workers import WATCHES
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.network import DELAY_S
from dsys_lab.trace import INVARIANTS, KINDS, balance, gauge, lamps, quantile

SEEDS = range(1, 9)


@lru_cache(maxsize=12)
def run(scenario, seed, **params):
    return getattr(lab, scenario)(seed=seed, **params)


def within(law, counted, *, least=0.0):
    """Whether the law lies within three standard errors of what was counted, or `least`, if that is more."""
    _, mean, error = counted
    return abs(mean - law) <= max(3 * error, least)


def red(trace):
    return {lamp.name for lamp in lamps(trace) if not lamp.held}


# ------------------------------------------------------------------------------------------ 1. messages on loan
@pytest.mark.parametrize("ratio", [0.5, 1, 2, 4])
def test_a_clip_is_lent_as_often_as_the_law_says(ratio):
    inside = laws.exponential_within(ratio, 1)
    assert within(laws.deliveries_newest(inside), *counts.deliveries(ratio))
    assert within(laws.deliveries_any(ratio, 1), *counts.deliveries(ratio, handles="any"))
    assert within(1 - inside, *counts.repeated(ratio), least=0.01)


def test_steady_work_is_done_once_when_the_loan_is_longer_and_never_ends_when_it_is_shorter():
    longer, shorter = (run("encode", 1, work_shape="constant", clips=8, workers=16, visibility_s=v) for v in (2.5, 1.5))
    assert counts.effects(longer) == {"once": 8, "more often": 0, "never": 0}
    assert shorter.of("ack") == []
    assert len(shorter.of("effect")) > 8 * 20


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rule_that_looks_safer_works_more(seed):
    newest, any_ = (run("encode", seed, visibility_s=1.5, handles=handles) for handles in ("newest", "any"))
    assert len(newest.of("start")) > len(any_.of("start"))
    assert balance(newest).done == balance(any_).done == 60


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dead_workers_clip_lies_hidden_for_what_is_left_of_its_loan_and_is_encoded(seed):
    dies = {"do": "crash", "target": "encoder-2", "on": {"kind": "start", "place": "encoder-2"}, "nth": 2, "lasts_s": 1}
    short, long = (lab.encode(seed=seed, visibility_s=loan_s, faults=[dies]) for loan_s in (2, 20))
    assert 1.9 < counts.lay_hidden_s(short) < 20 > counts.lay_hidden_s(long) - 3 > 16
    assert counts.effects(short)["never"] == counts.effects(long)["never"] == 0
    assert counts.effects(short)["more often"] > 5 > counts.effects(long)["more often"]
    assert counts.fate(long) == "it is encoded once"


def test_what_a_dead_worker_had_stored_is_begun_again_after_the_loan_less_the_work():
    for loan_s, mean_s, error in counts.hidden_s(10, 20):
        assert abs(mean_s - (loan_s - 2)) <= 3 * error


def test_a_timestamp_is_worth_as_much_as_two_clocks_and_a_stopwatch_needs_one():
    watches = {(w, str(off_s)): counts.wrong_clocks(w, off_s) for w in WATCHES for off_s in (-60, 0, 60)}
    roles = {name: role for name, (role, _) in counts.clock_verdicts(watches).items()}
    assert [roles["none", off_s] for off_s in ("-60", "0", "60")] == ["again"] * 3
    assert [roles["timestamp", off_s] for off_s in ("-60", "0", "60")] == ["again", "done", "lost"]
    assert [roles["stopwatch", off_s] for off_s in ("-60", "0", "60")] == ["done"] * 3


def test_who_crashes_before_it_has_begun_had_no_clip():
    early = lab.encode(faults=[{"do": "crash", "target": "encoder-2", "at_s": 0.001}])
    with pytest.raises(BadParameter, match="encoder-2 crashed before it had begun a clip"):
        counts.struck(early)


def test_the_four_kinds_of_work_have_the_same_mean_and_very_different_tails():
    ratios = [n / 4 for n in range(25)]
    tails = {shape: dict(points) for shape, points in counts.tails(*ratios).items()}
    for shape in ("exponential", "erlang"):  # the area below a tail is the mean
        points = list(tails[shape].values())
        assert 0.25 * (sum(points) - points[0] / 2) == pytest.approx(1, abs=0.03)
    assert tails["exponential"][2] == pytest.approx(math.exp(-2), abs=0.01)
    assert tails["heavy"][6] > 5 * tails["exponential"][6]
    assert tails["exponential"][4] > 5 * tails["erlang"][4]
    assert (tails["constant"][0.75], tails["constant"][1.25]) == (1, 0)


def test_which_is_more_is_said_only_where_the_counts_are_apart():
    low, high, wide = [(1, 2.0, 0.1)], [(1, 3.0, 0.1)], [(1, 3.0, 1.0)]
    assert counts.more_often({"one": low, "other": high}) == "other"
    assert counts.more_often({"one": high, "other": low}) == "one"
    assert counts.more_often({"one": low, "other": wide}) == "both the same"


SEAMS = {
    "before the effect": ("start", 1),
    "between effect and acknowledgement": ("effect", 2),
    "after the acknowledgement": ("answer", 1),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seam", SEAMS)
def test_a_crash_loses_nothing_and_repeats_only_what_it_struck_between_effect_and_acknowledgement(seed, seam):
    kind, times = SEAMS[seam]
    crash = {"do": "crash", "target": "encoder-2", "on": {"kind": kind, "place": "encoder-2"}, "nth": 3, "lasts_s": 1}
    trace = lab.encode(seed=seed, visibility_s=30, faults=[crash])
    (struck,) = [row.message for row in trace.of(kind, place="encoder-2")][2:3]
    done = [row.message for row in trace.of("effect")]
    assert {message: done.count(message) for message in done if done.count(message) > 1} == (
        {struck: 2} if times == 2 else {}
    )
    assert len(set(done)) == 60
    assert red(trace) == ({"at most once"} if times == 2 else set())
    assert (counts.struck(trace), counts.fate(trace)) == (
        struck,
        "it is encoded twice" if times == 2 else "it is encoded once",
    )
    keyed = lab.encode(seed=seed, visibility_s=30, idempotent=True, faults=[crash])
    assert red(keyed) == set()
    assert [row.message for row in keyed.of("effect_skip")] == ([struck] if times == 2 else [])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_key_makes_every_effect_happen_once_however_short_the_loan(seed):
    trace = run("encode", seed, visibility_s=1, idempotent=True, copy_share=0.1)
    assert red(trace) == set()
    assert len(trace.of("effect")) == 60
    assert len(trace.of("effect_skip")) > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_a_heartbeat_makes_a_short_loan_long_enough_and_a_dead_worker_is_noticed_soon(seed):
    trace = run("encode", seed, visibility_s=1, heartbeat=True)
    assert red(trace) == set()
    crash = {"do": "crash", "target": "encoder-1", "on": {"kind": "start", "place": "encoder-1"}, "nth": 5}
    broken = lab.encode(seed=seed, visibility_s=1, heartbeat=True, faults=[crash])
    (at,) = broken.of("crash")
    assert any(row.time_us - at.time_us <= 1.1e6 for row in broken.of("visible"))
    assert len(broken.of("effect")) == 60


@pytest.mark.parametrize("seed", SEEDS)
def test_who_stands_still_longer_than_the_loan_acknowledges_too_late(seed):
    pause = {"do": "slow", "target": "encoder-1", "on": {"kind": "start", "place": "encoder-1"}, "nth": 4,
             "lasts_s": 40, "value": 0}  # fmt: skip
    for heartbeat in (False, True):
        trace = lab.encode(seed=seed, visibility_s=20, heartbeat=heartbeat, faults=[pause])
        late = [row for row in trace.of("ack_stale") if row.fields["attempt"] == 1]
        assert late
        assert counts.effects(trace)["more often"] >= 1


def story(trace):
    """What happened, without the clocks themselves."""
    return [(row.time_us, row.kind, row.place, row.message) for row in trace if row.kind != "skew"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_workers_clock_may_be_wrong_for_the_queues_clock_rules(seed):
    for watch in ("none", "stopwatch"):
        right = run("encode", seed, loan_watch=watch, visibility_s=3)
        for off_s in (-60, 60):
            wrong = counts.wrong_clocks(watch, off_s, seed=seed)
            assert story(wrong) == story(right)
            assert counts.came_of_it(wrong, right) == "nothing changes"


@pytest.mark.parametrize("seed", SEEDS)
def test_who_looks_at_a_stopwatch_is_never_late_and_pays_with_work_thrown_away(seed):
    trace = run("encode", seed, visibility_s=3, loan_watch="stopwatch")
    assert red(trace) == set()
    assert counts.effects(trace) == {"once": 60, "more often": 0, "never": 0}
    assert 0.1 < counts.in_vain(trace) < 0.4
    assert "at most once" in red(run("encode", seed, visibility_s=3))


@pytest.mark.parametrize("seed", SEEDS)
def test_who_holds_the_queues_timestamp_against_its_own_clock_is_late_or_never_ready(seed):
    right = counts.wrong_clocks("timestamp", 0, seed=seed)
    assert red(right) == set()
    behind = counts.wrong_clocks("timestamp", -60, seed=seed)
    assert story(behind) == story(run("encode", seed, visibility_s=3)), "as who does not look at all"
    assert counts.came_of_it(behind, right) == "more is encoded twice"
    assert counts.came_of_it(right, behind) == "less is encoded twice"
    ahead = counts.wrong_clocks("timestamp", 60, seed=seed)
    assert counts.came_of_it(ahead, right) == "nothing is encoded"
    assert ahead.of("effect") == []
    assert counts.in_vain(ahead) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_without_dead_letters_poison_is_tried_for_ever_and_takes_the_workers_from_the_healthy(seed):
    sick = {"poison_share": 0.2, "rate": 0.8}
    without, with_ = run("encode", seed, **sick), run("encode", seed, max_receives=3, **sick)
    assert max(counts.times(without, "start").values()) > 20
    assert max(counts.times(with_, "start").values()) == 3
    assert (without.of("dead"), balance(without).dead) == ([], 0)
    assert balance(without).stored + balance(without).in_flight > 0, "all day long"
    poisoned = {row.message for row in with_.of("fail")}
    assert {row.message for row in with_.of("dead")} == poisoned
    assert counts.effects(with_)["never"] == len(poisoned)
    assert counts.in_vain(without) > 0.75 > 1.4 * counts.in_vain(with_)
    assert fmean(counts.waits_s(without)) > 5 * fmean(counts.waits_s(with_)), "whoever is healthy waits"


@pytest.mark.parametrize(("params", "words"), [
    ({"loan_watch": "sundial"}, "loan_watch = 'sundial': give one of none, timestamp, stopwatch"),
    ({"loan_watch": "stopwatch", "heartbeat": True}, "heartbeat = True, loan_watch = 'stopwatch'"),
])  # fmt: skip
def test_a_watch_that_is_none_is_refused(params, words):
    with pytest.raises(BadParameter, match=words):
        lab.encode(**params)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_poison_costs_its_receives(share):
    assert within(laws.poison_load(share, 10), *counts.poisoned_load(share))


@pytest.mark.parametrize("ratio", [0.5, 1, 2])
def test_a_short_loan_sets_healthy_clips_aside(ratio):
    law = laws.falsely_dead(laws.exponential_within(ratio, 1), 3)
    assert within(law, *counts.healthy_dead(ratio), least=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_redrive_with_the_bug_still_in_goes_round_and_with_the_bug_mended_ends(seed):
    sick = {"poison_share": 0.2, "max_receives": 3, "redrive_every_s": 30, "visibility_s": 8}
    loop, cured = run("encode", seed, **sick), run("encode", seed, fixed_at_s=100, **sick)
    poisoned = {row.message for row in loop.of("fail")}
    assert len(loop.of("dead")) > 3 * len(poisoned)
    assert len(cured.of("dead")) < 0.6 * len(loop.of("dead"))
    assert counts.effects(loop)["never"] == len(poisoned)
    assert counts.effects(cured)["never"] == 0
    assert balance(cured).done == 60


# ------------------------------------------------------------------------------------------ 2. many workers
@pytest.mark.parametrize("workers", [8, 10, 12])
def test_the_wait_for_a_worker_is_erlangs(workers):
    there_and_back_s = counts.CROWD_WORK_S + 2 * DELAY_S
    law = laws.mmc_sojourn_s(0.35, 1 / there_and_back_s, servers=workers) - there_and_back_s
    assert within(law, *counts.waits(workers))


def test_neighbours_that_overlap_are_done_in_either_order():
    traces = [run("encode", seed, workers=8, rate=0.35, work_s=20, visibility_s=43_200, clips=300) for seed in SEEDS]
    shares = [counts.swapped(trace) for trace in traces]
    assert abs(fmean(shares) - 0.5) <= 3 * 0.5 / math.sqrt(280 * len(SEEDS)) + 0.01
    alone = run("encode", 1, workers=1, work_s=1, rate=0.5, visibility_s=60)
    assert [row.message for row in alone.of("effect")] == [f"c{n}" for n in range(1, 61)]


@pytest.mark.parametrize(("groups", "workers"), [(1, 10), (2, 10), (5, 10), (10, 10), (60, 10), (60, 3)])
def test_a_group_is_one_worker_wide(groups, workers):
    trace = run("groups", 1, groups=groups, workers=workers)
    assert red(trace) == set()
    assert counts.throughput(trace) == pytest.approx(min(workers, groups) / (1 + 2 * DELAY_S), rel=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_poison_at_the_head_of_a_group_holds_up_that_group_and_no_other(seed):
    stuck = run("groups", seed, groups=6, workers=6, poison="c1")
    never = {row.message for row in stuck.of("publish")} - {row.message for row in stuck.of("effect")}
    assert never == {f"c{n}" for n in range(1, 61, 6)}
    freed = run("groups", seed, groups=6, workers=6, poison="c1", max_receives=3)
    assert counts.effects(freed) == {"once": 59, "more often": 0, "never": 1}
    assert [row.message for row in freed.of("dead")] == ["c1"]


# ------------------------------------------------------------------------------------------ 3. a quiet queue
@pytest.mark.parametrize("rate", [0.01, 0.03, 0.1, 0.3])
def test_asking_in_vain_costs_what_the_law_says(rate):
    assert within(laws.empty_receives_a_day(rate, wait_s=20), *counts.empty_a_day(rate))
    assert within(laws.empty_receives_a_day(rate), *counts.empty_a_day(rate, wait_s=0))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_poll_answers_at_once_and_a_short_one_after_half_its_interval(seed):
    long, short = (counts.waits_s(run("quiet", seed, wait_s=wait_s)) for wait_s in (20, 0))
    assert max(long) < 0.1
    assert abs(fmean(short) - 0.5 - DELAY_S) <= 3 * 0.29 / math.sqrt(len(short)) + 0.01


# ------------------------------------------------------------------------------------------ 4. nobody home
@pytest.mark.parametrize("away_days", [3, 5, 8])
def test_what_nobody_receives_is_gone_after_the_retention(away_days):
    trace = run("nobody_home", 1, away_days=away_days)
    too_old = max(0, away_days - 4) * 40
    assert len(trace.of("expire")) == too_old
    assert red(trace) == ({"promised and kept"} if too_old else set())
    assert trace.of("fail", "reject", "publish_fail") == []
    _, kept = gauge(trace, "kept")
    _, age_days = gauge(trace, "age of the oldest")
    assert max(kept) == pytest.approx(min(away_days, 4) * 40, abs=1)
    assert max(age_days) <= 4


# ------------------------------------------------------------------------------------------ 5. a noisy tenant
@pytest.mark.parametrize("seed", SEEDS)
def test_one_noisy_tenant_delays_all_unless_tenants_take_turns(seed):
    plain, fair = (run("tenants", seed, kind=kind) for kind in ("standard", "fair"))
    drain_s = laws.drain_s(100, 1.5, 8)
    for tenant in lab.QUIET_TENANTS:
        waited = [quantile(counts.waits_s(trace, place=tenant), 0.95) for trace in (plain, fair)]
        assert 0.3 * drain_s < waited[0] < 1.1 * drain_s
        assert waited[1] < 1
    assert fmean(counts.waits_s(fair, place="noisy")) < 1.5 * fmean(counts.waits_s(plain, place="noisy"))


# ------------------------------------------------------------------------------------------ 6. a loss of power
@pytest.mark.parametrize("seed", SEEDS)
def test_who_syncs_every_record_before_it_answers_keeps_all_that_it_promised(seed):
    trace = run("power_failure", seed)
    assert red(trace) == set()
    assert counts.effects(trace)["never"] == 0


def test_who_answers_before_the_disk_has_it_breaks_promises_when_the_power_goes():
    runs = [run("power_failure", seed, fsync="never") for seed in SEEDS]
    assert all("promised and kept" in red(trace) for trace in runs)
    assert fmean(len(trace.of("drop")) for trace in runs) > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_before_whichever_step_the_power_goes(seed):
    safe = power_cuts(seed=seed)
    assert len(safe) > 12
    assert all(cut.lost == cut.back == 0 for cut in safe)
    assert any(cut.torn_bytes for seed in SEEDS for cut in power_cuts(seed=seed, fsync="never"))
    assert sum(cut.lost for cut in power_cuts(seed=seed, fsync="never")) > 0


# ------------------------------------------------------------------------------------------ under every fault
SHORT = {
    "encode": [
        {"clips": 14, **more}
        for more in (
            {},
            {"handles": "any", "visibility_s": 1.0},
            {"visibility_s": 3.0, "loan_watch": "stopwatch"},
            {"visibility_s": 1.0, "idempotent": True, "heartbeat": True, "copy_share": 0.2},
            {"poison_share": 0.3, "max_receives": 2, "redrive_every_s": 10, "visibility_s": 2.0},
        )
    ],
    "groups": [{"clips": 16, "groups": 4}, {"clips": 16, "groups": 4, "kind": "fair"}],
    "quiet": [{"until_s": 120, "wait_s": 20}, {"until_s": 120, "wait_s": 0}],
    "nobody_home": [{"away_days": 0.5, "retention_days": 0.25}],
    "tenants": [{"until_s": 15, "noisy_clips": 10}, {"until_s": 15, "noisy_clips": 10, "kind": "fair"}],
    "power_failure": [{"clips": 14, "crash_at_s": 5}],
}
CASES = [(name, params) for name, cases in SHORT.items() for params in cases]
CASE_NAMES = [f"{name}-{'-'.join(map(str, params.values()))}" for name, params in CASES]
MAY_GO_RED = {"at most once", "exactly-once effect", "order per group", "promised and kept"}
"""What trouble may cost: work done twice, so out of order, and what is named in a row."""


def machines_of(name, params):
    sim = Simulation(seed=1)
    getattr(lab, name).__wrapped__(sim, **{**getattr(lab, name).defaults, **params})
    return sorted(sim.machines)


def menu(machines):
    """Each fault, on each machine, at a time and at a row, for a while and for ever."""
    on_machines = [("crash", 0.0), ("slow", 0.0), ("slow", 0.1), ("split", 0.0)]
    whole_plan = [(do, machine, value) for machine in machines for do, value in on_machines]
    whole_plan += [(do, "network", 0.3) for do in ("loss", "duplication")]
    whole_plan += [(do, "c5", 0.0) for do in ("lose", "duplicate")]
    strikes = [{"at_s": 4, "lasts_s": 3}, {"at_s": 5}]
    strikes += [{"on": {"kind": kind}, "nth": nth, "lasts_s": 2.5} for kind, nth in (("deliver", 4), ("effect", 3))]
    for when in strikes:
        yield from ({"do": do, "target": target, "value": value, **when} for do, target, value in whole_plan)


def under(plan, name, params):
    """The run under a fault, or None if the fault finds nothing to strike in it."""
    try:
        return getattr(lab, name)(seed=1, faults=[plan], **params)
    except BadParameter as error:
        if not str(error).startswith("fault "):
            raise
        return None


@pytest.mark.parametrize(("name", "params"), CASES, ids=CASE_NAMES)
def test_under_every_fault_no_copy_vanishes_and_no_promise_is_forgotten(name, params):
    runs = [(plan, under(plan, name, params)) for plan in menu(machines_of(name, params))]
    struck = [(plan, trace) for plan, trace in runs if trace is not None]
    assert len(struck) > 0.8 * len(runs), "most faults must find something to strike"
    for plan, trace in struck:
        may = MAY_GO_RED - ({"exactly-once effect"} if params.get("idempotent") else set())
        assert red(trace) <= may, plan
        assert INVARIANTS["no acknowledged loss"](trace) == [], plan
        assert INVARIANTS["depth adds up"](trace) == [] or name == "power_failure", plan
        assert INVARIANTS["sends settle"](trace) == [], plan


@pytest.mark.parametrize(("name", "params"), CASES, ids=CASE_NAMES)
def test_two_troubles_at_once_break_no_books_either(name, params):
    noise = [{"do": do, "target": "network", "value": 0.2, "at_s": 1} for do in ("loss", "duplication")]
    for machine in machines_of(name, params):
        crashes = [{"do": "crash", "target": machine, "at_s": at_s, "lasts_s": 2} for at_s in (3, 6, 9)]
        trace = getattr(lab, name)(seed=2, faults=[*noise, *crashes], **params)
        assert red(trace) <= MAY_GO_RED - ({"exactly-once effect"} if params.get("idempotent") else set())


@pytest.mark.parametrize(("name", "params"), CASES, ids=CASE_NAMES)
def test_every_row_can_be_said_in_words(name, params):
    for row in getattr(lab, name)(seed=1, **params):
        words = {"place": row.place, **row.fields} | ({"message": row.message} if row.message else {})
        assert KINDS[row.kind].sentence.format(**words)  # KeyError: the sentence wants what the row does not have
