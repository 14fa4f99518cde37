"""Promises: settled by the model on a disk, with and without a journal, and by the same desk over real servers.

A kept promise is three acts in the parties' books and three lines of the journal, each synced before the next step. In
PostgreSQL each of them is a commit, and the promise is a message of JetStream that is acknowledged.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from tempfile import TemporaryDirectory

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.dataflows.verification import work, world
from dsys_lab.engines.verification import running
from dsys_lab.structures import RealDisk

PROMISES = 50


def settled(memory: str = "keys and journal", promises: int = PROMISES) -> float:
    """Settle promises on a real folder; return how many."""
    with TemporaryDirectory() as folder, closing(RealDisk(folder)) as disk:
        here = world(disk, pillows=promises, memory=memory)
        for number in range(promises):
            here.promise(number, f"o{number}")
            here.take_in(number)
            work(here.desk, here.parties, number)
    return promises


def settled_by_servers(promises: int = PROMISES) -> float:
    """Settle promises over PostgreSQL and JetStream; return how many."""
    with closing(running("PostgreSQL and JetStream", promises)) as shop:
        for number in range(promises):
            shop.promise(f"o{number}")
        shop.work()
    return promises


def promises() -> None:
    """Settle by a desk with a journal, by one without, and over real servers."""
    rivals = [
        Rival("keys and journal", settled),
        Rival("keys only", partial(settled, "keys only")),
        Rival("PostgreSQL, JetStream", settled_by_servers),
    ]
    compare("Promises, charged, taken and confirmed", "promises", rivals)
