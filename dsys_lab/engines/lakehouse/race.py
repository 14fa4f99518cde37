"""Two writers at one table, on whatever stands below it: what is each of them told?

The log asks one thing of its store: of two who put the same absent key, one succeeds. A folder has `os.link` for it, S3
the header `If-None-Match: *`, and the model's store says so itself; so the same story is told on all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from dsys_lab.engines.lakehouse.parquet import Parquet
from dsys_lab.stores.lake import CommitConflict, Committed, Fields, LakeTable, Objects, TableLog
from dsys_lab.stores.table import Between


def two_writers(store: Objects) -> list[dict[str, str]]:
    """Let A and B look at the same version, and then commit; twice. Return what each wanted, and what it was told."""
    log = TableLog(store, "nights", Parquet())
    a = LakeTable.create(log, Fields.of("id long, minutes integer"), writer="a")
    b = LakeTable(TableLog(store, "nights", Parquet()), writer="b")
    a.append({"id": [1, 2, 3], "minutes": [450, 420, 390]})
    told = []

    def ask(who: str, what: str, change: Callable[[], Committed]) -> None:
        try:
            done = change()
        except CommitConflict as error:
            answer = str(error).split(":")[0]
        else:
            answer = f"version {done.version}, at try {done.tries}"
        told.append({"writer": who, "wants to": what, "is told": answer})

    seen = log.snapshot()
    ask("A", "delete night 1", lambda: a.delete(Between("id", 1, 1), seen=seen))
    ask("B", "delete night 2", lambda: b.delete(Between("id", 2, 2), seen=seen))
    ask("B", "delete night 2, having looked again", lambda: b.delete(Between("id", 2, 2)))
    later = log.snapshot()
    ask("A", "append night 4", lambda: a.append({"id": [4], "minutes": [400]}, seen=later))
    ask("B", "append night 5", lambda: b.append({"id": [5], "minutes": [410]}, seen=later))
    told.append({"writer": "both", "wants to": "read", "is told": f"nights {sorted(a.read('id').columns['id'])}"})
    return told
