"""The final check counts what is in the record, and is met only by who has done it."""

from __future__ import annotations

from dsys_lab.lessons.exercises import Exercise, exercises_of
from dsys_lab.lessons.final_check import criteria, final_check
from dsys_lab.lessons.map import LABS

EMPTY = {"predictions": {}, "exercises": {}}


def by_name(record):
    return {one.name.partition(",")[0]: one for one in criteria(record)}


def test_nothing_done_meets_nothing():
    assert not any(one.is_met for one in criteria(EMPTY))
    assert "open: exercises solved" in final_check(EMPTY).text


def test_eight_of_ten_predictions_are_enough_and_fewer_are_not():
    def said(kept, of=100):
        return {"predictions": {f"13/p{n}": {"score": 1.0 if n < kept else 0.69} for n in range(of)}, "exercises": {}}

    assert by_name(said(80))["predictions that came true"].is_met
    assert not by_name(said(79))["predictions that came true"].is_met
    assert not by_name(said(10, of=10))["predictions that came true"].is_met, "ten of ten are few for 26 labs"
    open_ones = {"predictions": {"13/a": {"said": 3}, "13/b": {"seen_first": True}}, "exercises": {}}
    assert not by_name(open_ones)["predictions that came true"].is_met


def test_all_solved_is_all_of_every_built_lab():
    keys = [task.key for lab in LABS if lab.built for task in exercises_of(lab) if isinstance(task, Exercise)]
    every = {"predictions": {}, "exercises": {key: {"passed": True} for key in keys}}
    assert by_name(every)["exercises solved"].is_met
    assert by_name(every)["labs in which you have said or solved something"].is_met
    but_one = {"predictions": {}, "exercises": {key: {"passed": key != keys[3]} for key in keys}}
    assert not by_name(but_one)["exercises solved"].is_met


def test_the_table_and_the_losses_are_met_by_their_exercises():
    solved = {"predictions": {}, "exercises": {"26/decide": {"passed": True}, "26/loses": {"tries": 2}}}
    met = [one.is_met for one in criteria(solved)][-2:]
    assert met == [True, False]


def test_a_table_that_was_counted_first_is_no_prediction():
    second = {"predictions": {}, "exercises": {"26/decide": {"passed": True, "tries": 2, "failed": 1}}}
    table = next(one for one in criteria(second) if "decision table" in one.name)
    assert not table.is_met
    assert "1 failed before" in table.how
