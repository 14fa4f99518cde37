"""A slice's work in a process of its own, and what becomes of a question when that process dies.

Processes are started anew (`spawn`), so that they share nothing with this one: what a slice needs travels to it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final

from dsys_lab.errors import Refused
from dsys_lab.scenarios.column_store.nights import warehouse
from dsys_lab.stores.warehouse import Cluster, Even, Warehouse

BY_PLAN: Final = (
    "SELECT plan, count(*), avg(minutes_sleep) FROM night n JOIN person p ON n.person_id = p.person_id GROUP BY plan"
)


def processes(count: int = 2) -> ProcessPoolExecutor:
    """Return so many processes, to be shut down by whoever asked for them."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


class OneDies(Executor):
    """Processes of which one is killed, by SIGKILL, at its `nth` piece of work."""

    def __init__(self, nth: int, *, count: int = 1) -> None:
        self.processes, self.nth, self.given = processes(count), nth, 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a piece of work away, or the one that kills."""
        self.given += 1
        return self.processes.submit(_die) if self.given == self.nth else self.processes.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the processes go that are left."""
        self.processes.shutdown(wait, cancel_futures=cancel_futures)


def _die() -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def killed_at_work(nth: int = 7, *, nights: int = 4_000) -> dict[str, dict[str, str]]:
    """Ask a join of four slices; the process that works on the `nth` piece (of eight) is killed; ask again."""
    lab = warehouse(cluster=Cluster(2, 2), nights=nights, distribution={"night": Even(), "person": Even()})
    told = {"no process of its own": _told(lab)}
    for name, executor in ((f"killed at piece {nth} of 8", OneDies(nth)), ("new processes", processes())):
        with executor:
            lab.executor = executor
            told[name] = _told(lab)
    return told


def _told(lab: Warehouse) -> dict[str, str]:
    try:
        return {"the question is": "answered", "digest of the answer": lab.query(BY_PLAN).digest()}
    except Refused:
        return {"the question is": "refused: a slice's process died at work", "digest of the answer": "none"}
