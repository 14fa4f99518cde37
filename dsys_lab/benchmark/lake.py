"""A table of files: the model's log and delta-rs, each with Parquet in a folder.

Both write the same rows in as many commits, and each syncs what it syncs by itself: the model
every file and its name. Then both say which files are the table at the latest version.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines.lakehouse import FolderStore, Parquet
from dsys_lab.engines.lakehouse.delta import DeltaRs
from dsys_lab.stores.lake import Columns, Fields, LakeTable, TableLog

FIELDS: Final = Fields.of("id long, minutes integer?, city string?")
ROWS: Final = 1_000
COMMITS: Final = 12


def lake() -> None:
    """Appends of a thousand rows, and opening the log after a hundred commits, against delta-rs."""
    with TemporaryDirectory() as folder:
        log = TableLog(FolderStore(folder), "model", Parquet())
        model = LakeTable.create(log, FIELDS)
        engine = DeltaRs.create(Path(folder, "engine"), FIELDS)
        told = f"Appends of {ROWS:,} rows, a commit each"
        compare(told, "commits", _rivals(model, engine, _append))
        for number in range(100):
            model.append({"id": [number]})
            engine.append({"id": [number]})
        ours, theirs = partial(_open, lambda: log.snapshot().files), partial(_open, engine.files)
        told = "The files of the latest version, after some hundred commits"
        compare(told, "times", [Rival("model", ours), Rival("delta-rs", theirs)])
        engine.close()


def _rivals(model: LakeTable, engine: DeltaRs, work: Callable[[Any], float]) -> list[Rival]:
    return [Rival("model", lambda: work(model)), Rival("delta-rs", lambda: work(engine))]


def _rows() -> Columns:
    ids = list(range(ROWS))
    return {"id": ids, "minutes": [430 + one % 60 for one in ids], "city": ["Oslo", None] * (ROWS // 2)}


def _append(table: Any) -> float:
    rows = _rows()
    for _ in range(COMMITS):
        table.append(rows)
    return COMMITS


def _open(files: Callable[[], Any]) -> float:
    for _ in range(COMMITS):
        files()
    return COMMITS
