"""An engine that a reader may not have: run where it is there, and where it is not, its own words say how to get it.

A committed notebook is compared with a new run of it, and must not depend on what a machine has: in the still form the
engine is not asked, and a phrase says what it answers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from dsys_lab.errors import EngineMissing
from dsys_lab.lessons.measuring import Measured
from dsys_lab.views.mode import view_mode

Engine = TypeVar("Engine")


def where_there(
    engine: Callable[[], AbstractContextManager[Engine]], run: Callable[[Engine], Any], *, usually: str
) -> Any:
    """Return what an engine answers; where it is missing, how to get it; in the still form, what it usually answers.

    Parameters
    ----------
    engine : callable
        Starts it; raises `EngineMissing`, with what to do.
    run : callable
        `(engine)` -> what is shown.
    usually : str
        A sentence that is true wherever the engine is there, and a test holds.
    """
    if view_mode() == "still":
        return Measured(usually)
    try:
        with engine() as started:
            return run(started)
    except EngineMissing as missing:
        return Measured(f"{missing}. Then: {usually}")
