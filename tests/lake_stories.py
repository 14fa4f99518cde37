"""What the log of a lake is told on every store that has put-if-absent: a folder, S3's API, SeaweedFS."""
from __future__ import annotations

import threading

from dsys_lab.stores.lake import Fields, JsonLines, LakeTable, Objects, TableLog

TWO_WRITERS = ["version 2, at try 1", "commit 2 was first", "version 3, at try 1", "version 4, at try 1",
               "version 5, at try 2", "nights [3, 4, 5]"]  # fmt: skip
"""What `engines.lakehouse.race.two_writers` comes to."""


def appended_by_threads(store: Objects, writers: int = 4) -> tuple[list[int], list[int]]:
    """Let threads append at the same moment; return the versions they were told, and the rows that are there."""
    LakeTable.create(TableLog(store, "nights", JsonLines()), Fields.of("id long"))
    begin, versions = threading.Barrier(writers), []

    def write(number: int) -> None:
        table = LakeTable(TableLog(store, "nights", JsonLines()), writer=f"w{number}")
        seen = table.log.snapshot()
        begin.wait()
        versions.append(table.append({"id": [number]}, seen=seen).version)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = LakeTable(TableLog(store, "nights", JsonLines())).read("id").columns["id"]
    return sorted(versions), sorted(rows)
