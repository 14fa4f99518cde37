"""What lab 08 teaches of the shared volume and of capacity that follows load, over many seeds, against the laws."""

from __future__ import annotations

from statistics import fmean

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.relational import serverless as serverless_capacity
from dsys_lab.scenarios.relational import volume as lab
from dsys_lab.scenarios.relational.machines import keep_time
from dsys_lab.scenarios.relational.volume import fail_over
from dsys_lab.simulation import over_seeds
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.relational.shared_volume import AURORA, Change, Quorum, Segment, SharedVolume, Writer
from dsys_lab.trace import lamps, quantile

SEEDS = range(1, 7)
RUNS, TRIES, COMMITS = 8, 300, 400


def stopped(*node_shares: float, quorum: Quorum = AURORA, zone_share: float = 0.05, what: str = "write"):
    """Return the share of moments at which a commit is not acknowledged (or a takeover not possible, what="read")."""

    def share(*, node_share: float, seed: int) -> float:
        luck = stream(seed, f"failures/{node_share}")
        count = 0
        for _ in range(TRIES):
            dark = [luck() < zone_share for _ in range(quorum.zones)]
            volume = SharedVolume(quorum)
            volume.crash(*[i for i in range(quorum.copies) if luck() < node_share or dark[quorum.zone(i)]])
            count += not (volume.commit({"ada": "7.5"}) if what == "write" else volume.status().can_read)
        return count / TRIES

    return over_seeds(share, seeds=RUNS, node_share=node_shares)


def commit_p99_ms(*writes: int, copies: int = 6, straggler_share: float = 0.01):
    """Return the 99th percentile of a commit's wait for its `write`-th answer, in milliseconds, without the network."""

    def p99_ms(*, write: int, seed: int) -> float:
        draw, luck = keep_time(straggler_share), stream(seed, f"answers/{copies}")
        answers = ([draw(luck) for _ in range(copies)] for _ in range(COMMITS))
        waits = [commit_wait_s(Quorum(copies, write, 1, 1), answer) for answer in answers]
        return 1_000 * quantile(waits, 0.99)

    return over_seeds(p99_ms, seeds=RUNS, write=writes)


def commit_wait_s(quorum: Quorum, answers_s: list[float]) -> float:
    """Return when a commit is acknowledged whose segments answer after so many seconds each."""
    writer = Writer(quorum)
    (_, batch) = writer.commit(0, 1, [Change(0, "ada", "7.5")]).batches[0]
    for answer_s, index in sorted(zip(answers_s, range(quorum.copies), strict=True)):
        if writer.hear(0, Segment(0, index).append(0, batch)):
            return answer_s
    raise AssertionError("all have answered")


def takeover_ms(*commits: int):
    """Return the milliseconds from asking for promises to a log that is open, after so many commits."""

    def open_ms(*, commits: int, seed: int) -> float:
        crash_s = commits * 0.004
        trace = fail_over(seed=seed, old="crashes", commits=commits + 2, at_s=crash_s, straggler_share=0.0)
        asked = next(row for row in trace.of("send", place="standby"))
        opened = next(row for row in trace.of("recover"))
        return (opened.time_us - asked.time_us) / 1_000

    return over_seeds(open_ms, seeds=4, commits=commits)


def red(trace):
    return {lamp.name for lamp in lamps(trace) if not lamp.held}


def acknowledged(trace, *, from_s=0.0, until_s=1e9, place=None):
    rows = trace.of("publish_ok", place=place) if place else trace.of("publish_ok")
    return [row.message for row in rows if from_s * 1e6 <= row.time_us < until_s * 1e6]


# ------------------------------------------------------------------------------------------ 1. the fourth answer
@pytest.mark.parametrize("seed", SEEDS)
def test_a_commit_is_acknowledged_at_the_fourth_answer_and_the_stragglers_come_later(seed):
    trace = lab.commits(seed=seed, commits=1, straggler_share=0.0)
    (told,) = trace.of("publish_ok")
    came = [row.seq for row in trace.of("answered")]
    assert (len(came), sum(seq < told.seq for seq in came)) == (6, 4)
    assert not red(trace)


def waits_ms(trace):
    begun = {row.message: row.time_us for row in trace.of("publish")}
    return [(row.time_us - begun[row.message]) / 1_000 for row in trace.of("publish_ok")]


def test_two_stragglers_delay_nobody_and_a_wait_for_all_six_meets_every_one():
    four, six = (
        fmean(
            w for seed in SEEDS for w in waits_ms(lab.commits(seed=seed, write=write, every_s=0.1, straggler_share=0.1))
        )
        for write in (4, 6)
    )
    assert six > 3 * four


@pytest.mark.parametrize("write", [1, 4, 6])
def test_the_share_that_is_answered_within_the_laws_99th_percentile_is_99_percent(write):
    answered = laws.answered_within(1e-3, 0.5, straggler_share=0.01, straggler_factor=20)
    ((_, mean, error),) = commit_p99_ms(write)
    law_ms = 1_000 * laws.quorum_quantile_s(0.99, write, 6, answered)
    assert abs(mean - law_ms) <= max(3 * error, 0.03 * law_ms)


# ------------------------------------------------------------------------------------------ 2. bytes on the wire
def sent_bytes(trace):
    return sum(int(row.fields["size_bytes"]) for row in trace.of("send"))


def test_pages_cost_a_hundred_times_the_bytes_of_the_log():
    log, pages = lab.commits(commits=5, straggler_share=0.0), lab.mirrored_pages(commits=5, straggler_share=0.0)
    record_bytes = sent_bytes(log) / 5 / 6
    assert sent_bytes(pages) == 5 * 4 * (2 * 8_192 + record_bytes)
    assert sent_bytes(pages) > 100 * sent_bytes(log)


# ------------------------------------------------------------------------------------------ 3. zones
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("zone", ["a", "b", "c"])
def test_without_a_zone_writes_go_on_and_without_one_more_they_stop_and_all_are_acknowledged_in_the_end(seed, zone):
    dark = {"from_s": 0.045, "until_s": 0.09}
    one, more = (lab.zone_loss(seed=seed, zone=zone, more=more) for more in (0, 1))
    assert len(acknowledged(one, **dark)) >= 5
    assert acknowledged(more, **dark) == []
    for trace in (one, more):
        assert len(acknowledged(trace)) == 20
        assert not red(trace)


@pytest.mark.parametrize(("what", "needed"), [("write", 4), ("read", 3)])
def test_the_share_of_moments_without_a_quorum_is_the_laws(what, needed):
    ((_, mean, error),) = stopped(0.1, what=what)
    law = laws.quorum_missing(6, needed, zones=3, node_share=0.1, zone_share=0.05)
    assert abs(mean - law) <= 3 * max(error, (law / 2_400) ** 0.5)


# ------------------------------------------------------------------------------------------ 4. repair
def test_a_repair_takes_as_long_as_its_bytes_and_what_was_acknowledged_is_on_the_new_segment():
    times = {}
    for bytes_a_s in (20_000.0, 40_000.0):
        trace = lab.segment_repair(bytes_a_s=bytes_a_s)
        begun, done = trace.of("rebuild")
        lost = [row.message for row in trace.of("gone")]
        kept = [row for row in trace.of("log_append", place="zone-b/segment-3") if row.message in lost]
        assert len(kept) == 2 * len(lost)  # each was kept, lost, and is there again
        copied = int(done.fields["size_bytes"])
        assert copied >= sum(int(row.fields["size_bytes"]) for row in kept) / 2
        times[bytes_a_s] = (done.time_us - begun.time_us) / 1e6
        assert times[bytes_a_s] == pytest.approx(laws.repair_s(copied, 8 * bytes_a_s), rel=1e-3)
        assert len(acknowledged(trace)) == 30
        assert not red(trace)
    assert times[20_000.0] > 1.5 * times[40_000.0]


# ------------------------------------------------------------------------------------------ 5. a new writer
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("old", ["crashes", "is cut off"])
def test_the_old_writer_is_refused_and_nothing_acknowledged_is_lost(seed, old):
    trace = lab.fail_over(seed=seed, old=old)
    (recovered,) = trace.of("recover")
    assert len(acknowledged(trace, place="standby")) == 10
    assert acknowledged(trace, from_s=recovered.time_us / 1e6 + 0.03, place="writer") == []
    if old == "is cut off":
        assert trace.of("refuse")
    assert not red(trace)


def test_an_unsafe_quorum_loses_an_acknowledged_commit_and_the_lamp_says_so():
    assert not Quorum(6, 1, 3).is_safe
    runs = [lab.fail_over(seed=seed, write=1, every_s=0.002, straggler_share=0.3, noticed_s=0.0005) for seed in SEEDS]
    assert any("no acknowledged commit lost" in red(run) for run in runs)


def test_a_takeover_takes_no_longer_after_a_longer_log():
    (_, short, _), (_, long, _) = takeover_ms(5, 40)
    assert short == long


# ------------------------------------------------------------------------------------------ 6. a replica
@pytest.mark.parametrize("seed", SEEDS)
def test_a_replica_shows_the_past_unless_the_reader_says_what_it_wrote(seed):
    assert "acknowledged is read" in red(lab.replica_lag(seed=seed))
    assert not red(lab.replica_lag(seed=seed, reader="says what it wrote"))


# ------------------------------------------------------------------------------------------ faults as data, bad input
def test_a_zone_may_also_be_lost_by_faults_that_are_data():
    faults = [{"do": "crash", "target": f"zone-c/segment-{n}", "at_s": 0.01, "lasts_s": 0.02} for n in (5, 6)]
    trace = lab.commits(faults=faults)
    assert len(trace.of("crash")) == 2
    assert len(acknowledged(trace)) == 6
    assert not red(trace)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: lab.commits(write=7), "write = 7 of 6 copies"),
        (lambda: lab.commits(commits=0), "commits = 0"),
        (lambda: lab.commits(straggler_share=2.0), "straggler_share = 2.0"),
        (lambda: lab.zone_loss(zone="d"), "zone = 'd': give one of a, b, c"),
        (lambda: lab.zone_loss(more=5), "more = 5: 4 copies are left"),
        (lambda: lab.segment_repair(lost=7), "lost = 7: give the number of a segment"),
        (lambda: lab.fail_over(old="sleeps"), "old = 'sleeps': give one of crashes, is cut off"),
        (lambda: lab.replica_lag(lag_s=-1.0), "lag_s = -1.0"),
        (lambda: serverless_capacity.capacity(load="flat"), "load = 'flat': give one of steady, spiky, mornings"),
        (lambda: serverless_capacity.capacity(min_acu=0.3), "min_acu = 0.3"),
    ],
)
def test_bad_input_is_told_what_was_given_and_what_to_give(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


# ------------------------------------------------------------------------------------------ capacity
def gauges(trace, name):
    return [float(row.fields["value"]) for row in trace.of("gauge") if row.fields["name"] == name]


def test_capacity_breathes_with_the_load_and_whoever_comes_first_after_a_pause_waits():
    awake, asleep = (serverless_capacity.capacity(load="mornings", min_acu=least) for least in (0.5, 0.0))
    assert max(gauges(awake, "capacity")) >= 10
    assert (min(gauges(awake, "capacity")), min(gauges(asleep, "capacity"))) == (0.5, 0)
    assert gauges(asleep, "paid")[-1] < gauges(awake, "paid")[-1]
    assert max(gauges(asleep, "waiting")) > 2 * max(gauges(awake, "waiting"))
    assert [row.fields["text"] for row in asleep.of("note")][:3] == [
        f"the database is {now} after {before}"
        for before, now in (("active", "paused"), ("paused", "resuming"), ("resuming", "active"))
    ]
