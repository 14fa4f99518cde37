"""The same text asked of the model and of another engine, over rows of which some come too late for either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsys_lab.scenarios.streaming_sql.asking import Batch, ask
from dsys_lab.scenarios.streaming_sql.queries import WINDOWED

if TYPE_CHECKING:
    import pandas as pd

def beside(engine: Batch, *, bound_s: float = 2.0, seconds: float = 120.0, **more: str) -> pd.DataFrame:
    """Ask an engine that knows of lateness, as Flink does, each query of `WINDOWED` and `more`; compare row by row."""
    import pandas as pd

    rows = []
    for name, sql in (WINDOWED | more).items():
        answer = ask(sql, engine, bound_s=bound_s, seconds=seconds)
        ours, theirs = answer.table, answer.batch
        rows.append((name, ours.total(), theirs.total(), (ours - theirs).total() + (theirs - ours).total()))
    return pd.DataFrame(rows, columns=["query", "rows of the model", "rows of the engine", "rows not in both"])
