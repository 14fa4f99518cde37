"""A table of PostgreSQL as a queue, and notifications that nobody keeps."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from dsys_lab.engines.postgres import Absence, Connection, JobQueue, Listener, away, job_story, notify
from dsys_lab.errors import BadParameter, Misuse


@pytest.fixture
def queue(postgres: Connection) -> Iterator[JobQueue]:
    with JobQueue(postgres) as made:
        yield made


def test_workers_skip_what_is_held_and_none_waits(queue: JobQueue) -> None:
    for body in ("a", "b"):
        queue.send(body)
    ada, ben, eve = (queue.worker() for _ in range(3))
    held = [worker.take() for worker in (ada, ben, eve)]
    assert [job and job.body for job in held] == ["a", "b", None]
    assert (queue.status().kept, queue.status().held) == (2, 2)
    ben.done()
    assert (queue.status().kept, queue.status().held) == (1, 1)


def test_a_worker_that_dies_leaves_its_job_to_the_next(queue: JobQueue) -> None:
    queue.send("a")
    ada, ben = queue.worker(), queue.worker()
    first = ada.take()
    assert ben.take() is None
    ada.die()
    again = None
    while again is None:  # until the server has noticed
        again = ben.take()
    assert again == first
    ben.done()
    assert queue.status().kept == 0


def test_many_workers_at_once_do_each_job_once(queue: JobQueue) -> None:
    for number in range(40):
        queue.send(str(number))
    done = Counter[str]()

    def work() -> None:
        worker = queue.worker()
        while job := worker.take():
            done[job.body] += 1
            worker.done()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == Counter(map(str, range(40)))


def test_what_is_notified_while_nobody_listens_is_gone(postgres: Connection) -> None:
    assert away(shared=postgres) == Absence(
        said=("n1", "n2", "n3", "n4", "n5", "n6", "n7"), heard=("n1", "n2", "n6", "n7"), gone=("n3", "n4", "n5")
    )


def test_a_listener_hears_its_own_channel_only(postgres: Connection) -> None:
    with Listener("nights", postgres) as listener:
        notify("days", "d1", postgres)
        notify("nights", "n1", postgres)
        assert listener.heard(expect=1, within_s=10) == ["n1"]
        assert listener.heard(within_s=0.05) == []


def test_bad_input_is_told_what_to_do(queue: JobQueue, postgres: Connection) -> None:
    worker = queue.worker()
    cases = [
        (BadParameter, lambda: queue.send(b"a"), "give a text of up to 100,000"),  # type: ignore[arg-type]
        (BadParameter, lambda: notify("no name", "n1", postgres), "channel = 'no name': give up to 63 small"),
        (BadParameter, lambda: notify("nights", "x" * 8_000, postgres), "up to 7,999 bytes"),
        (BadParameter, lambda: away(before=-1, shared=postgres), "before = -1: give 0 or more"),
        (Misuse, worker.done, "this worker holds no job: take one"),
    ]
    for error, act, says in cases:
        with pytest.raises(error, match=says):
            act()
    queue.send("a")
    worker.take()
    with pytest.raises(Misuse, match="holds job 1: say done, or let it die"):
        worker.take()
    worker.die()
    with pytest.raises(Misuse, match="this worker died"):
        worker.take()
    listener = Listener("nights", postgres)
    listener.close()
    with pytest.raises(Misuse, match="this listener is closed"):
        listener.heard()


def test_the_story_of_the_lab_frees_a_job_with_the_connection_that_held_it(postgres: Connection) -> None:
    story = job_story(postgres)
    assert [(one.worker, one.did, one.job) for one in story] == [
        ("ann", "takes", "n1"), ("ben", "takes", "n2"), ("ann", "dies with", "n1"), ("ben", "is done with", "n2"),
        ("ben", "takes", "n1"), ("ben", "is done with", "n1"),
    ]  # fmt: skip
    assert [(one.kept, one.held) for one in story] == [(3, 1), (3, 2), (3, 1), (2, 0), (2, 1), (1, 0)]
