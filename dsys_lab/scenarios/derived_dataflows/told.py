"""What was counted at the model and at PostgreSQL, beside each other, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from dsys_lab.dataflows.derived_view import View
from dsys_lab.scenarios.derived_dataflows.outbox import Walked
from dsys_lab.scenarios.derived_dataflows.sides import Anew, Killed, Met, Poisoned, Side, met
from dsys_lab.stores.relational import Commit

if TYPE_CHECKING:
    import pandas as pd

BETWEEN = {"the stream begins first": -3, "both in one moment": 0, "the tables are taken first": 3}
"""How a stream and the tables may lie to each other: the commits from the tables' moment to the stream's beginning."""


class LostSlot(Protocol):
    """What `engines.postgres.lost_slot` tells."""

    heard: int
    missed: int
    said: str
    snapshot: int


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


def met_at(sides: Mapping[str, Mapping[str, Met]]) -> pd.DataFrame:
    """Return how wrong a sum is, for followers that write positions down and for those that do not."""
    import pandas as pd

    columns: dict[str, dict[str, str]] = {}
    for side, found in sides.items():
        columns[f"{side}: keeps its position"] = {name: _said(one.knows) for name, one in found.items()}
        columns[f"{side}: does not"] = {name: _said(one.does_not_know) for name, one in found.items()}
    return pd.DataFrame(columns)


def _said(wrong: int | None) -> str:
    if wrong is None:
        return "refused"
    return f"{abs(wrong)} {'twice' if wrong > 0 else 'missing'}" if wrong else "right"


def poisons(sides: Mapping[str, Mapping[str, Poisoned]]) -> pd.DataFrame:
    """Return what a view has after a commit that it could not take, by what was done about it."""
    import pandas as pd

    rows = {
        f"{side}, {then}": {"later sales that it has": one.later, "sales that it lacks": one.lacks,
                            "commits set aside": one.aside}
        for side, found in sides.items() for then, one in found.items()
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def lost_slots(ours: Anew, theirs: LostSlot) -> pd.DataFrame:
    """Return what became of the views of two lost slots."""
    import pandas as pd

    rows = {
        "changes that the view had": (ours.heard, theirs.heard),
        "that it lacked when it came back": (ours.missed, theirs.missed),
        "what it was told": (ours.said.split(":")[0], theirs.said.split(";")[0].removeprefix("PostgreSQL said no: ")),
        "rows of the snapshot that a new one begins with": (ours.heard + ours.missed, theirs.snapshot),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["the model", "PostgreSQL"])
