"""What was counted at the model and at PostgreSQL, as tables, marks and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dsys_lab.dataflows.derived_view import View
from dsys_lab.scenarios.derived_dataflows.outbox import Walked
from dsys_lab.scenarios.derived_dataflows.sides import Anew, Killed, Met, Side, met
from dsys_lab.stores.relational import Commit

if TYPE_CHECKING:
    import pandas as pd

BETWEEN = {"the stream begins first": -3, "both in one moment": 0, "the tables are taken first": 3}
"""How a stream and the tables may lie to each other: the commits from the tables' moment to the stream's beginning."""


Cell = tuple[str, str]
"""A role of the theme, and a sign: one box of a grid of verdicts."""


def changes(commits: Sequence[Commit]) -> pd.DataFrame:
    """Return what commits say, a row for each change."""
    import pandas as pd

    rows = [
        {"position": commit.position, "change": change.kind, **(change.after or change.before or {})}
        for commit in commits
        for change in commit.changes
    ]
    return pd.DataFrame(rows).set_index("position")


def state(view: View) -> pd.DataFrame:
    """Return what a view answers, a row for each key."""
    import pandas as pd

    return pd.DataFrame.from_dict(view.state(), orient="index").rename_axis("item")


def outboxes(sides: Mapping[str, Walked]) -> pd.DataFrame:
    """Return who missed which messages."""
    import pandas as pd

    rows = {
        name: {
            "messages": one.messages,
            "missed by id": ", ".join(map(str, one.by_id)) or "none",
            "missed by commit": ", ".join(map(str, one.by_commit)) or "none",
        }
        for name, one in sides.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def wrong_steps(runs: Mapping[str, Sequence[Killed]]) -> dict[str, int]:
    """Return, for each way, the number of steps before which a kill leaves the sum wrong."""
    return {way: sum(one.wrong != 0 for one in run) for way, run in runs.items()}


def step_by_step(runs: Mapping[str, Sequence[Killed]]) -> pd.DataFrame:
    """Return by how many sales each sum is wrong, for each step before which it was killed."""
    import pandas as pd

    rows = {way: {one.step + 1: f"{one.wrong:+d}" if one.wrong else "·" for one in run} for way, run in runs.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("killed before step", axis="columns")


def meetings(side: Side) -> dict[str, Met]:
    """Return what becomes of a view for each way in which its stream and its tables may lie to each other."""
    return {name: met(side, between) for name, between in BETWEEN.items()}


def refused(found: Mapping[str, Met]) -> str:
    """Return in which cases a follower that writes its positions down may not begin."""
    return ", ".join(name for name, one in found.items() if one.knows is None) or "in none of these"


def met_at(found: Mapping[str, Met]) -> dict[tuple[str, str], Cell]:
    """Return for each case, and for a follower that keeps its position and one that does not, the mark of its sum."""
    return {
        (name, how): _mark(wrong)
        for name, one in found.items()
        for how, wrong in (("kept", one.knows), ("not kept", one.does_not_know))
    }


def _mark(wrong: int | None) -> Cell:
    if wrong is None:
        return "skipped", "no"
    return ("again" if wrong > 0 else "lost", f"{wrong:+d}") if wrong else ("done", "✓")


def lost_slot(view: Anew) -> str:
    """Return in a sentence what became of a view whose slot was lost, and of the one that was begun after it."""
    return (
        f"it had {view.heard} sales and came back to find: {view.said.split(':')[0]}. It lacks {view.missed}; "
        f"the view that is begun anew, with a snapshot, {'lacks ' + str(view.wrong) if view.wrong else 'lacks none'}"
    )
