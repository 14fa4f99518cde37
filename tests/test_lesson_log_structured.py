"""A tree changed in place and one that is merged: what the lab claims of them holds for every seed that is tried.

What is measured is bytes, entries and runs, and never seconds.
"""
from __future__ import annotations

import math
from functools import cache

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.key_value import log_structured as lab
from dsys_lab.scenarios.scenario import repeat
from dsys_lab.stores.key_value.lsm import Compaction, Leveled, Levels, Tiered
from dsys_lab.trace import Trace

SEEDS = (1, 2)


def runs_by_level(trace: Trace) -> dict[str, list[str]]:
    """Return the names of the runs that lie in each level at the end, as a picture would show them."""
    levels: dict[str, list[str]] = {}
    for row in trace.of("run", "run_merged"):
        there = levels.setdefault(row.place, [])
        there.append(row.message) if row.kind == "run" else there.remove(row.message)
    return {level: names for level, names in levels.items() if names}


# ------------------------------------------------------------------------------------------ 1. the picture

@pytest.mark.parametrize("policy", lab.POLICIES)
@pytest.mark.parametrize("flushes", [1, 7, 16, 40])
def test_the_bricks_in_the_picture_are_the_digits_of_the_flushes(policy: str, flushes: int) -> None:
    trace = lab.falling_runs(policy=policy, flushes=flushes, size_ratio=4)
    law = {"leveled": laws.leveled_runs, "tiered": laws.tiered_runs}[policy]
    assert sum(map(len, runs_by_level(trace).values())) == law(flushes, 4)


@pytest.mark.parametrize("policy", lab.POLICIES)
def test_every_run_is_made_of_runs_that_then_leave(policy: str) -> None:
    trace = lab.falling_runs(policy=policy, flushes=30)
    made_of = {row.message: row.fields["of"].split() for row in trace.of("run")}
    left = {row.message: row.fields["into"] for row in trace.of("run_merged")}
    assert {source: run for run, sources in made_of.items() for source in sources if source != "memtable"} == left
    assert all(int(row.place[-1]) < int(lab_level(trace, row.fields["into"])) + 1 for row in trace.of("run_merged"))
    assert {row.kind for row in trace} == {"run", "run_merged", "gauge"}


def lab_level(trace: Trace, run: str) -> str:
    return trace.of("run", message=run)[0].place[-1]


def test_time_goes_with_the_bytes_that_are_moved() -> None:
    slow, fast = (lab.falling_runs(on=on).end_us for on in ("hdd", "nvme"))
    assert slow > 5 * fast
    assert lab.falling_runs(policy="leveled").end_us > lab.falling_runs(policy="tiered").end_us


def test_the_picture_ends_at_the_law_and_below_it_where_keys_come_again() -> None:
    for policy, law in lab.LAWS.items():
        end = [
            lab.falling_runs(policy=policy, new_keys=share).of("gauge")[-1].fields["value"] for share in (1.0, 0.3)
        ]
        assert math.isclose(end[0], law(40, 4), abs_tol=0.005)
        assert end[1] < end[0]


def test_a_run_can_be_made_again_from_its_header() -> None:
    trace = lab.falling_runs(policy="tiered", flushes=12, new_keys=0.5, seed=3)
    assert repeat(trace.header).digest() == trace.digest()
    assert repeat(trace.header, seed=4).digest() != trace.digest()


# ------------------------------------------------------------------------------------------ 2. how often rewritten

@pytest.mark.parametrize("policy", lab.POLICIES)
@pytest.mark.parametrize("size_ratio", [2, 3, 10])
def test_counted_played_and_law_agree(policy: str, size_ratio: int) -> None:
    seen = lab.rewritten(policy, size_ratio, 1, 10, 57, 100)
    for way in ("counted", "played"):
        for (flushes, value), (_, law) in zip(seen[way], seen["law"], strict=True):
            assert math.isclose(value, law), (way, flushes)


def test_the_figures_of_the_lab() -> None:
    assert [round(lab.played(policy(ratio), 1_000).write_amplification, 1) for policy in (Leveled, Tiered)
            for ratio in (10, 4)] == [18.5, 12.3, 4.0, 4.7]  # fmt: skip


@pytest.mark.parametrize("size_ratio", range(2, 13))
def test_what_leveled_pays_in_writing_tiered_pays_in_runs(size_ratio: int) -> None:
    leveled, tiered = (lab.played(policy(size_ratio), 600) for policy in (Leveled, Tiered))
    assert leveled.write_amplification > tiered.write_amplification
    assert leveled.runs_mean <= tiered.runs_mean
    assert leveled.write_amplification <= laws.leveled_write_amplification_most(600, size_ratio)
    assert leveled.levels[0] == ()


def test_a_policy_of_a_readers_own_can_be_played_and_is_told_what_is_wrong() -> None:
    class Never:
        def decide(self, levels: Levels) -> Compaction | None:
            return None

    class Always:
        def decide(self, levels: Levels) -> Compaction | None:
            return Compaction(max(level for level, runs in enumerate(levels.runs) if runs), with_next=True)

    class Nothing:
        def decide(self, levels: Levels) -> Compaction | None:
            return Compaction(5, with_next=True)

    assert lab.played(Never(), 40) == lab.Played(1.0, 40, 20.5, ((1,) * 40,))
    for policy, says in ((Always(), "return None in the end"), (Nothing(), "level 5")):
        with pytest.raises(BadParameter, match=says):
            lab.played(policy, 10)


# ------------------------------------------------------------------------------------------ 3. three amplifications

@cache
def measured(store: str, seed: int) -> lab.Amplification:
    return lab.amplifications(store, keys=2_000, updates=2_500, reads=120, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_store_loses_one(seed: int) -> None:
    tree, leveled, tiered, hashed = (measured(store, seed) for store in lab.STORES)
    assert tree.write > 2 * leveled.write > 2.4 * tiered.write > 2.8 * hashed.write
    assert hashed.read < leveled.read < tree.read
    assert hashed.absent == 0
    assert leveled.absent < 0.1 * leveled.read
    assert tree.space < 1.6, "one version of each pair, and room on its pages"
    assert hashed.space > tree.space


@pytest.mark.parametrize("seed", SEEDS)
def test_every_byte_is_logged_once_with_its_head(seed: int) -> None:
    for store in lab.STORES[1:]:
        assert math.isclose(measured(store, seed).log, (108 + 30) / 108)


def test_a_hash_store_keeps_no_more_garbage_than_it_was_told() -> None:
    assert all(measured("hash store", seed).space <= 2 * (108 + 30) / 108 for seed in SEEDS)


# ------------------------------------------------------------------------------------------ 4. absent keys

def test_filters_save_what_the_law_says() -> None:
    asked = 4_000
    seen = lab.absent_reads(0, 4, 8, 12, asked=asked)
    assert seen["counted"][0] == (0.0, 1.0)
    for (bits, share), (_, law) in zip(seen["counted"][1:], seen["law"][1:], strict=True):
        assert abs(share - law) <= 3 * math.sqrt(law * (1 - law) / asked), bits


# ------------------------------------------------------------------------------------------ what is refused

@pytest.mark.parametrize(("call", "says"), [
    (lambda: lab.falling_runs(policy="lazy"), "leveled, tiered"),
    (lambda: lab.falling_runs(size_ratio=1), "size_ratio"),
    (lambda: lab.falling_runs(flushes=0), "flushes"),
    (lambda: lab.falling_runs(new_keys=0), "new_keys"),
    (lambda: lab.falling_runs(on="tape"), "hdd"),
    (lambda: lab.rewritten("leveled", 4, 0), "flushes"),
    (lambda: lab.amplifications("heap"), "B-tree"),
    (lambda: lab.amplifications("B-tree", keys=0), "keys"),
    (lambda: lab.absent_reads(8, asked=0), "asked"),
])  # fmt: skip
def test_bad_parameters_are_refused_in_words(call, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        call()
