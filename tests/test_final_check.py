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


def test_eight_of_ten_predictions_are_enough_and_seven_are_not():
    def said(kept):
        return {"predictions": {f"13/p{n}": {"score": 1.0 if n < kept else 0.69} for n in range(10)}, "exercises": {}}

    assert by_name(said(8))["predictions kept"].is_met
    assert not by_name(said(7))["predictions kept"].is_met
    open_ones = {"predictions": {"13/a": {"said": 3}, "13/b": {"seen_first": True}}, "exercises": {}}
    assert not by_name(open_ones)["predictions kept"].is_met


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
