"""One table, its log, and four views that follow it, each as fast as it can: where is each of them now?

Four nights a second are written. Each view takes in so many changes a second as its work allows (`RATES`); one that is
deleted at `STRUCK_S` begins again at the log's first change, and reads on at once, for nobody writes what is old. If it
is the table that is deleted, with its log, the views are all that there is: a night can be had back if its whole row
stands in one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.dataflows.derived_view import Latest, View
from dsys_lab.errors import require_choice, require_not_negative
from dsys_lab.scenarios.authoritative_and_derived.counts import VIEWS, nights
from dsys_lab.stores.relational import Change

COMMITS_A_SECOND: Final = 4
RATES: Final = {"replica": 3.7, "sums": 3.2, "extremes": 2.4, "words": 1.6}
REPLAYS_A_SECOND: Final = 9.0
STRUCK_S: Final = 6
"""At this second something is deleted."""
TABLE: Final = "the table"
DELETED: Final = ("nothing", TABLE, *RATES)


@dataclass(frozen=True, slots=True)
class Satellite:
    """A view, and where it is.

    Attributes
    ----------
    name : str
    position : int
        How many changes it has taken in.
    rows : int
        That it answers with.
    anew : bool
        Whether it was deleted, and has not caught up again.
    gives_back : int
        Nights whose whole row stands in it.
    """

    name: str
    position: int
    rows: int
    anew: bool
    gives_back: int


@dataclass(frozen=True, slots=True)
class Orbit:
    """A table with its views at some second.

    Attributes
    ----------
    head : int
        Changes in the log.
    is_there : bool
        Whether the table and its log are.
    satellites : tuple of Satellite
    """

    head: int
    is_there: bool
    satellites: tuple[Satellite, ...]


def orbit(*, second: int = 5, deleted: str = "nothing", seed: int = 7) -> Orbit:
    """Return where the views are at a second, if one of `DELETED` is deleted at second 6."""
    require_not_negative(second=second)
    require_choice("deleted", deleted, DELETED)
    struck = second >= STRUCK_S
    is_there = not (struck and deleted == TABLE)
    written = COMMITS_A_SECOND * (second if is_there else STRUCK_S)
    table = nights(written, seed)
    told = []
    for name, rate in RATES.items():
        anew = struck and deleted == name
        taken = REPLAYS_A_SECOND * (second - STRUCK_S) if anew else rate * (second if is_there else STRUCK_S)
        usual = min(written, int(rate * second))
        position = min(int(taken), usual) if anew else min(written, int(taken))
        view = _told(VIEWS[name](), position, table)
        whole = len(view.state()) if isinstance(view, Latest) else 0
        told.append(Satellite(name, position, len(view.state()), anew and position < usual, whole))
    return Orbit(written, is_there, tuple(told))


def _told(view: View, position: int, table: dict[int, dict[str, object]]) -> View:
    for number in range(position):
        view.apply(Change(view.table, None, table[number]), number + 1)  # type: ignore[arg-type]
    return view
