"""The exercises of lab 11: the answers pass, and each usual slip is seen and named."""
from __future__ import annotations

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises import column_store as lab
from dsys_lab.lessons.exercises.column_store import BLOCKS, DISTRIBUTE, ENCODING


@pytest.mark.parametrize("task", [BLOCKS, ENCODING, DISTRIBUTE], ids=lambda task: task.name)
def test_the_answer_passes_and_is_drawn(task):
    verdict = task.check(task.answer)
    assert verdict.passed, verdict.saw
    assert task.picture(task.answer) is not None


def test_the_examples_are_true():
    assert lab.blocks_touched([(0, 9), (10, 19), (None, None)], 9, 9) == 1
    assert lab.choose_encoding([7] * 1000) == "frame"
    assert lab.distribute({"n": 900, "p": 90}, [("n", "k", "p", "k")], 4, 0) == {"n": "k", "p": "k"}


def known(zones):
    return [zone for zone in zones if zone[0] is not None]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda z, low, high: sum(a >= low and b <= high for a, b in known(z)), "it is enough that they overlap"),
        (lambda z, low, high: sum(a < high and b > low for a, b in known(z)), "Both ends belong to the range"),
        (lambda z, low, high: sum(low <= a <= high or low <= b <= high for a, b in known(z)), "neither end lies in it"),
        (lambda z, low, high: sum(a is None or (a <= high and b >= low) for a, b in z), "NULLs alone"),
        (lambda z, low, high: len(z), "were read"),
    ],
)
def test_a_slip_in_the_blocks_is_named(wrong, says):
    verdict = BLOCKS.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda values: "plain", "side by side|each step|few bits"), (lambda values: "run_length", "Worst is"),
        (lambda values: "frame", "Few values are different|Each step"), (lambda values: "delta", "Worst is"),
        (lambda values: "dictionary", "Worst is"),
    ],
)  # fmt: skip
def test_one_encoding_for_all_is_told_where_it_is_worst(wrong, says):
    verdict = ENCODING.check(wrong)
    assert not verdict.passed
    assert "is the least" in verdict.saw
    assert any(part.lower() in verdict.saw.lower() for part in says.split("|"))


def test_an_encoding_that_is_a_little_worse_does_not_pass():
    def nearly(values):
        right = lab.choose_encoding(values)
        return "frame" if right == "dictionary" else right

    verdict = ENCODING.check(nearly)
    assert not verdict.passed
    assert "prices far apart" in verdict.saw


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda tables, joins, nodes, room: dict.fromkeys(tables, "EVEN"), "moves"),
        (lambda tables, joins, nodes, room: dict.fromkeys(tables, "ALL"), "ALL is for small tables"),
        (
            lambda tables, joins, nodes, room: {
                name: next((x if a == name else y for a, x, b, y in joins if name in {a, b}), "EVEN") for name in tables
            },
            "room for copies",
        ),
    ],
)
def test_a_wrong_place_is_told(wrong, says):
    verdict = DISTRIBUTE.check(wrong)
    assert not verdict.passed
    assert says in verdict.saw


def test_copies_that_are_a_little_too_large_are_told():
    def too_many(tables, joins, nodes, room):
        best = lab.distribute(tables, joins, nodes, room)
        return {**best, "person": "ALL"} if "city" in tables else best

    verdict = DISTRIBUTE.check(too_many)
    assert not verdict.passed
    assert "there is room for 10,000" in verdict.saw


def test_the_second_best_copy_does_not_pass():
    def smaller(tables, joins, nodes, room):
        best = lab.distribute(tables, joins, nodes, room)
        return {**best, "product": "EVEN", "city": "ALL"} if "product" in tables else best

    verdict = DISTRIBUTE.check(smaller)
    assert not verdict.passed
    assert "moves 150,000 bytes" in verdict.saw
    assert "120,000" in verdict.saw


def test_a_key_of_the_cheaper_join_is_told():
    def cheaper(tables, joins, nodes, room):
        best = lab.distribute(tables, joins, nodes, room)
        return {**best, "night": "person_id"} if "event" in tables else best

    verdict = DISTRIBUTE.check(cheaper)
    assert not verdict.passed
    assert "A table has one key" in verdict.saw


@pytest.mark.parametrize(
    ("task", "wrong", "says"),
    [
        (BLOCKS, lambda *_: "3", "whole number"), (BLOCKS, lambda *_: True, "whole number"),
        (ENCODING, lambda *_: "zip", "give one of"), (DISTRIBUTE, lambda *_: 3, "give a dict"),
        (DISTRIBUTE, lambda *_: {"x": "ALL"}, "give a dict"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(task, wrong, says):
    with pytest.raises(Misuse, match=says):
        task.check(wrong)
