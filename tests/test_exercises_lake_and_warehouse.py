"""The exercises of lab 06: the answers pass, and each usual slip is seen and named."""
from __future__ import annotations

import json

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises import lake_and_warehouse as lake
from dsys_lab.lessons.exercises.lake_and_warehouse import CHEAPEST, LIVE, MINUTES


@pytest.mark.parametrize("task", [MINUTES, CHEAPEST, LIVE], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    assert task.check(task.answer).passed
    assert task.picture(task.answer) is not None


def hours(line):
    night = json.loads(line)
    return night["id"], float(night.get("hours_sleep") or 0)


def cut(line):
    told = lake.minutes_of(line)
    night = json.loads(line)
    return (told[0], int(float(night["hours_sleep"]) * 60)) if night.get("hours_sleep") else told


def nothing_is_nought(line):
    told = lake.minutes_of(line)
    return told and (told[0], told[1] or 0)


def only_first(line):
    night = json.loads(line)
    value = night.get("hours_sleep")
    return night["id"], value and round(float(value) * 60)


def stops(line):
    json.loads(line)["id"]
    return lake.minutes_of(line)


@pytest.mark.parametrize(("wrong", "says"), [
    (hours, "hours"), (cut, "do not cut"), (nothing_is_nought, "not 0"), (only_first, "where this firmware keeps it"),
    (stops, "must not end the load"), (lambda line: lake.minutes_of(line) or (0, 0), "is no night"),
])  # fmt: skip
def test_a_slip_in_the_reader_is_named(wrong, says):
    verdict = MINUTES.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(("wrong", "says"), [
    (lambda *_: "warehouse", "it is"),
    (lambda model, raw, table, q: "lake" if q * (raw - table) < model else "warehouse", "it is same"),
    (lambda model, raw, table, q: lake.cheapest(model, table + abs(raw - table), table, q), "never comes back"),
])  # fmt: skip
def test_a_slip_in_the_sums_is_named(wrong, says):
    verdict = CHEAPEST.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


def all_adds(commits, version):
    return {one["add"]["path"] for actions in commits[:version + 1] for one in actions if "add" in one}


def adds_less_removes(commits, version):
    gone = {one["remove"]["path"] for actions in commits[:version + 1] for one in actions if "remove" in one}
    return all_adds(commits, version) - gone


@pytest.mark.parametrize(("wrong", "says"), [
    (all_adds, "its bytes still lie there"), (adds_less_removes, "by a restore"),
    (lambda commits, version: lake.live_files(commits, len(commits)), "the latest version"),
    (lambda commits, version: lake.live_files(commits, version - 1), "belongs to it, too"),
])  # fmt: skip
def test_a_slip_in_the_log_is_named(wrong, says):
    verdict = LIVE.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(("task", "wrong"), [
    (MINUTES, lambda line: 7), (CHEAPEST, lambda *_: 7), (LIVE, lambda *_: 7),
])  # fmt: skip
def test_what_is_no_answer_is_refused(task, wrong):
    with pytest.raises(Misuse, match="give"):
        task.check(wrong)
