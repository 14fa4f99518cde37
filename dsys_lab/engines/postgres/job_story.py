"""Two workers at one table: each takes another job, one dies, and its job is free in that moment."""

from __future__ import annotations

import time
from typing import NamedTuple

from dsys_lab.engines.postgres.connection import Connection
from dsys_lab.engines.postgres.job_queue import JobQueue, JobWorker
from dsys_lab.errors import EngineMissing

NOTICED_WITHIN_S = 30.0


class Did(NamedTuple):
    """What a worker did, with which job, and how many jobs were kept and held then."""

    worker: str
    did: str
    job: str
    kept: int
    held: int


def job_story(shared: Connection | None = None) -> list[Did]:
    """Send three jobs, and let Ann and Ben take them; Ann dies with hers in hand."""
    with JobQueue(shared) as queue:
        for body in ("n1", "n2", "n3"):
            queue.send(body)
        story: list[Did] = []

        def note(worker: str, did: str, job: str) -> None:
            status = queue.status()
            story.append(Did(worker, did, job, status.kept, status.held))

        ann, ben = queue.worker(), queue.worker()
        note("ann", "takes", _taken(ann))
        note("ben", "takes", _taken(ben))
        ann.die()
        _until_noticed(queue)
        note("ann", "dies with", "n1")
        ben.done()
        note("ben", "is done with", "n2")
        note("ben", "takes", _taken(ben))
        ben.done()
        note("ben", "is done with", "n1")
        return story


def _taken(worker: JobWorker) -> str:
    job = worker.take()
    assert job is not None, "a job is free"
    return job.body


def _until_noticed(queue: JobQueue) -> None:
    """Wait until the server has seen that one of the two who held a job is gone."""
    give_up_s = time.monotonic() + NOTICED_WITHIN_S
    while queue.status().held > 1:
        if time.monotonic() > give_up_s:
            raise EngineMissing(f"no job was free in {NOTICED_WITHIN_S:g} s: look whether the server answers")
        time.sleep(0.01)
