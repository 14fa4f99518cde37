"""Whose turn is it in continuous integration, which has half an hour for what takes longer?

`make test` runs everything, always. Where DSYS_LAB_CI is set, what takes long comes by turns of days, and what has no
turn is left out and counted: half of the notebooks by nbval, each notebook in the browser once a week, and a third of
the files of tests that run many lucks, crashes or engines. DSYS_LAB_TURNS=all gives everybody a turn there, too.
"""
from __future__ import annotations

import datetime
import os
import re
import zlib

HEAVY = re.compile(r"^test_(lesson|exercises|conformance|engines)_|_(crash|crashes|any_order)$")
NBVAL_DAYS, BROWSER_DAYS, FILE_DAYS = 2, 7, 3


def are_taken() -> bool:
    """Whether anything comes by turns here."""
    return "DSYS_LAB_CI" in os.environ and os.environ.get("DSYS_LAB_TURNS") != "all"


def today() -> datetime.date:
    """Return the day that says whose turn it is."""
    return datetime.datetime.now(tz=datetime.UTC).date()


def has_turn(number: int, days: int, day: datetime.date) -> bool:
    """Whether what has this number is run on this day: once in so many days in a row."""
    return number % days == day.toordinal() % days


def is_run(stem: str, day: datetime.date) -> bool:
    """Whether the cells of a notebook, or the tests of a file, are run on this day."""
    if stem[:2].isdecimal():
        return has_turn(int(stem[:2]), NBVAL_DAYS, day)
    return not HEAVY.search(stem) or has_turn(zlib.crc32(stem.encode()), FILE_DAYS, day)
