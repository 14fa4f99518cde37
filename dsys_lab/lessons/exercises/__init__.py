"""Exercises: the reader writes a small part, and it is run inside the scenario.

`exercise(key)` shows the task; `exercise(key, function)` runs the reader's function under hidden seeds and faults, says
what was seen, and plays the reader's own code. There is no account and no server: the check runs here, and its code may
be read like all other code, once one has tried.

One file a lab, named like its scenario file, holds that lab's tasks with their checks and reference answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.trying import Attempt, attempt
from dsys_lab.lessons.map import Lab, lab_of

__all__ = ["Attempt", "Exercise", "OpenQuestion", "Verdict", "exercise", "exercises_of", "find"]


def exercise(key: str, function: Callable[..., Any] | None = None) -> Exercise | OpenQuestion | Attempt:
    """Show a task, or check the reader's function for it.

    Parameters
    ----------
    key : str
        The exercise's address, as in `13/drain_time`.
    function : callable, optional
        The reader's answer.

    Raises
    ------
    BadParameter
        If there is no such exercise, or what is given for a function cannot be called.
    """
    task = find(key)
    if function is None:
        return task
    if isinstance(task, OpenQuestion):
        raise BadParameter(f"{key} is a question to think about: exercise({key!r}) shows it, with a model answer")
    if not callable(function):
        raise BadParameter(
            f"{key}: given {function!r}; give the function itself, exercise({key!r}, {task.function_name})"
        )
    return attempt(task, function)


def exercises_of(lab: Lab) -> tuple[Exercise | OpenQuestion, ...]:
    """Return the tasks of a lab, in their order; none where there are none yet."""
    address = f"{__name__}.{lab.name}"
    try:
        return tuple(importlib.import_module(address).TASKS)
    except ModuleNotFoundError as error:
        if error.name != address:
            raise  # they are there, and something that they need is not
        return ()


def find(key: str) -> Exercise | OpenQuestion:
    """Return the task at this address."""
    lab, (number, _, name) = lab_of(key), key.partition("/")
    found = {task.name: task for task in exercises_of(lab)}
    if not found:
        raise BadParameter(f"{key}: lab {lab.stem} has no exercises yet")
    if name not in found:
        raise BadParameter(
            f"{key}: no exercise {name!r}; give one of {', '.join(f'{number}/{known}' for known in found)}"
        )
    return found[name]
