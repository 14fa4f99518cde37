"""The exercises of lab 10: the answers pass, and each usual slip is seen and named."""

from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises import document
from dsys_lab.lessons.exercises.document import BUCKET, KEYS, SAME_DEVICE


@pytest.mark.parametrize("task", [KEYS, SAME_DEVICE, BUCKET], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    assert task.check(task.answer).passed
    assert task.picture(task.answer) is not None


def test_a_picture_shows_what_the_reader_said():
    assert all(name in KEYS.picture(KEYS.answer).summary for name in map(document._in_short, document._cases()[:6]))
    any_two = SAME_DEVICE.picture(lambda kind, firmware: {"devices.kind": kind, "devices.fw": firmware})
    assert "a ring, and some firmware 3; index: kind, firmware: 10 of 40 cards looked at" in str(any_two)
    assert SAME_DEVICE.picture(lambda kind, firmware: {"devices.kind": kind, "plan": "plus"}) is None


def matching(index, asked, documents):
    def fits(one, path):
        wanted = asked[path]
        return wanted[0] <= one[path] < wanted[1] if isinstance(wanted, tuple) else one[path] == wanted

    return sum(all(fits(one, path) for path in asked) for one in documents)


def past_the_range(index, asked, documents):
    kept = {path: asked[path] for path in index if path in asked}
    return matching(index, kept, documents)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda index, asked, documents: len(documents), "first path is not asked for"),
        (matching, "how many match"),
        (past_the_range, "narrows nothing|one range"),
        (lambda index, asked, documents: 0, "from the left"),
    ],
)
def test_a_slip_in_the_keys_is_named(wrong, says):
    verdict = KEYS.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda kind, firmware: {"devices.kind": kind, "devices.fw": firmware}, "each with half of it"),
        (lambda kind, firmware: {"devices.kind": kind}, "none of them has both"),
        (lambda kind, firmware: {"devices": {"$elemMatch": {"kind": kind, "fw": 3}}}, "none of them has both"),
        (lambda kind, firmware: {"kind": kind, "fw": firmware}, "is missing"),
    ],
)
def test_the_wrong_device_is_told(wrong, says):
    verdict = SAME_DEVICE.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(lambda *one: 1, "opens a bucket"), (lambda *one: 1_000, "half full"), (lambda *one: 30, "times what buckets of")],
)
def test_a_bucket_too_small_or_too_large_is_told(wrong, says):
    verdict = BUCKET.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(
    ("task", "wrong"),
    [(KEYS, lambda *one: "3"), (KEYS, lambda *one: 2.0), (SAME_DEVICE, lambda *one: "ring"), (BUCKET, lambda *one: 7),
     (BUCKET, lambda *one: None)],
)  # fmt: skip
def test_an_answer_of_another_kind_is_misuse(task, wrong):
    with pytest.raises(Misuse, match="give"):
        task.check(wrong)


def test_the_arithmetic_of_keys_is_that_of_the_store():
    for case in document._cases()[:12]:
        assert document.keys_examined(case.paths, case.asked, document._nights()) == document.by_model(case)
