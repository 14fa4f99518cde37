"""In continuous integration everything has its turn: each notebook, each file, and none is forgotten."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import turns

FIRST = datetime.date(2026, 11, 28)
ROOT = Path(__file__).parents[1]
STEMS = sorted(path.stem for place in ("tests/test_*.py", "notebooks/[0-9][0-9]_*.ipynb") for path in ROOT.glob(place))


def days(stem: str, count: int) -> int:
    """On how many of so many days in a row something is run."""
    return sum(turns.is_run(stem, FIRST + datetime.timedelta(days=number)) for number in range(count))


@pytest.mark.parametrize("stem", STEMS)
def test_everybody_has_a_turn_soon(stem: str) -> None:
    every = turns.NBVAL_DAYS if stem[0].isdigit() else turns.FILE_DAYS
    assert days(stem, every) == (every if stem.startswith("test_") and not turns.HEAVY.search(stem) else 1)


def test_what_holds_for_the_whole_suite_is_run_every_day() -> None:
    assert days("test_tidy", 3) == days("test_set_up", 3) == days("test_trace", 3) == 3


def test_where_everything_is_asked_for_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSYS_LAB_CI", "1")
    assert turns.are_taken()
    monkeypatch.setenv("DSYS_LAB_TURNS", "all")
    assert not turns.are_taken()
