"""What can be done to a service, whichever it is: the model on a clock of its own, or a web server.

A call is *sent*, and its answer *awaited* for as long as one likes. Who does not wait long enough, or whose service is
killed meanwhile, has `MayHaveHappened`; who finds nobody there has `EngineMissing`, and nothing has happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from dsys_lab.dataflows.service import Reply, Request, Status
from dsys_lab.engines.difference import Difference
from dsys_lab.errors import require_positive

NOT_IN_TIME: Final = "the call may be carried out or not; ask again under its key"
DIFFERENCES: Final = (
    Difference("a call comes whole", "a call comes in pieces, on one of many connections",
               "half a call is never judged"),
    Difference("a call is judged in no time", "one thread judges one call after the other",
               "thousands of calls a second wait for each other before the queue that is counted"),
    Difference("the ledger is memory that is handed on", "the ledger is a file of SQLite",
               "each effect waits for one sync of the disk"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much a service does.

    Attributes
    ----------
    workers, queue_max : int
        Calls at work, and calls that wait besides.
    work_s : float
        How long each takes.
    """

    workers: int = 1
    queue_max: int = 100
    work_s: float = 0.008

    def __post_init__(self) -> None:
        require_positive(workers=self.workers, queue_max=self.queue_max, work_s=self.work_s)


class Answer(Protocol):
    """An answer that is under way."""

    def wait(self, within_s: float) -> Reply:
        """Return it.

        Raises
        ------
        MayHaveHappened
            If it does not come in time, or never will.
        EngineMissing
            If nobody was there to take the call.
        """


class RunningService(Protocol):
    """A service that runs."""

    def send(self, request: Request) -> Answer:
        """Send a call; when this returns it was judged."""

    def ask(self, request: Request, within_s: float) -> Reply:
        """Send a call and wait for its answer, with nothing in between (see `Answer.wait`)."""

    def kill(self) -> None:
        """End it where it stands, and whatever it had in hand."""

    def restart(self) -> None:
        """Start it anew on what it has written."""

    def status(self) -> Status:
        """Return its books."""

    def close(self) -> None:
        """End it for good."""
