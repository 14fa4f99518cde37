"""A whole run: the same files to the model's batch job and to DuckDB, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dsys_lab.dataflows.batch import MONOIDS, BatchJob, Record
from dsys_lab.engines.duckdb.batch import DuckdbBatchJob
from dsys_lab.errors import BadParameter


def agreement(records: Sequence[Record], *, period_s: float = 60.0) -> pd.DataFrame:
    """Fold the same files by each function with both, and return what each says over all, and whether all agree.

    Two answers agree if no file's differ by more than the last digits of a floating-point number.
    """
    if not records:
        raise BadParameter("records: none; give the records of which the files are made")
    period_us, rows = round(period_s * 1e6), {}
    for name, monoid in MONOIDS.items():
        run = BatchJob(monoid, period_us=period_us).run(records)
        whole = {key: run.merged(key) for key in run.keys}
        with DuckdbBatchJob(name, period_us=period_us) as engine:
            files, over_all = engine.run(records), engine.merged()
        pairs = [(part.answers, found) for part, (_, found) in zip(run.parts, files, strict=True)]
        agree = all(_same(one, other) for one, other in [*pairs, (whole, over_all)])
        rows[name] = _said(whole), _said(over_all), "yes" if agree else "no"
    return pd.DataFrame.from_dict(rows, orient="index", columns=["model", "DuckDB", "agree"])


def files_of(records: Sequence[Record], *periods_s: float) -> dict[str, float]:
    """Return, for each period, the bytes of all Parquet files of the same records."""
    sizes = {}
    for period_s in periods_s:
        with DuckdbBatchJob("count", period_us=round(period_s * 1e6)) as engine:
            engine.run(records)
            files = engine.files()
        sizes[f"{len(files)} of {period_s:g} s"] = float(sum(size for _, size in files))
    return sizes


def _same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[key] - other[key]) <= 1e-9 * abs(one[key]) for key in one)


def _said(answers: dict[str, float]) -> str:
    return ", ".join(f"{answer:,}" if isinstance(answer, int) else f"{answer:,.2f}" for answer in answers.values())
