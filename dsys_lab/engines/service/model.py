"""The model behind the verbs: a service on a clock of its own, which runs on only while somebody waits."""

from __future__ import annotations

from typing import Final

from dsys_lab.dataflows.service import MemoryLedger, Reply, Request, Service, Status
from dsys_lab.engines.service.verbs import NOT_IN_TIME, Size
from dsys_lab.errors import EngineMissing, MayHaveHappened, require_positive

SECOND_US: Final = 1_000_000


class ModelService:
    """See the Protocol `RunningService`.

    Examples
    --------
    >>> service = ModelService()
    >>> service.send(Request("n1", "v1", b'{"person":17,"hours_sleep":7.25}')).wait(within_s=1).said
    'n1 is kept'
    """

    def __init__(self, size: Size | None = None) -> None:
        self.size = size or Size()
        self.now_us = 0
        self._ledger = MemoryLedger()
        self._is_up = False
        self.restart()

    def restart(self) -> None:
        """Start it anew on what it has written."""
        if not self._is_up:
            size = self.size
            self._service = Service("nights", self._ledger, workers=size.workers, queue_max=size.queue_max,
                                    work_s=size.work_s)  # fmt: skip
            self._at_work: list[tuple[int, Request, ModelAnswer]] = []
            self._waiting: dict[str, ModelAnswer] = {}
            self._is_up = True

    def send(self, request: Request) -> ModelAnswer:
        """Send a call; when this returns it was judged."""
        answer = ModelAnswer(self, request)
        if not self._is_up:
            answer.was_missed = True
            return answer
        answer.reply = self._service.receive(self.now_us, request)
        if answer.reply is None:
            self._waiting[request.key] = answer
            self._begin(self.now_us)
        return answer

    def ask(self, request: Request, within_s: float) -> Reply:
        """Send a call and wait for its answer."""
        return self.send(request).wait(within_s)

    def _begin(self, now_us: int) -> None:
        request = self._service.begin(now_us)
        if request is not None:
            ends_us = now_us + int(self.size.work_s * SECOND_US)
            self._at_work.append((ends_us, request, self._waiting.pop(request.key)))

    def run_until(self, until_us: int, answer: ModelAnswer) -> None:
        """Let time pass until an answer is there, or until then."""
        while self._is_up and answer.reply is None and self._at_work and self._at_work[0][0] <= until_us:
            ends_us, request, whose = self._at_work.pop(0)
            self.now_us = max(self.now_us, ends_us)
            whose.reply = self._service.finish(ends_us, request)
            self._begin(ends_us)
        if answer.reply is None:
            self.now_us = until_us

    def kill(self) -> None:
        """End it where it stands."""
        self._service.crash(self.now_us)
        self._at_work.clear()
        self._is_up = False

    def status(self) -> Status:
        """Return its books."""
        if not self._is_up:
            raise EngineMissing("the service is down: restart it")
        return self._service.status()

    def close(self) -> None:
        """End it for good."""
        self.kill()


class ModelAnswer:
    """An answer that is under way."""

    def __init__(self, service: ModelService, request: Request) -> None:
        self._service, self._request = service, request
        self.reply: Reply | None = None
        self.was_missed = False

    def wait(self, within_s: float) -> Reply:
        """Return it (see the Protocol `Answer`)."""
        require_positive(within_s=within_s)
        if self.was_missed:
            raise EngineMissing("nobody answers: the service is down, and certainly nothing was taken; restart it")
        self._service.run_until(self._service.now_us + int(within_s * SECOND_US), self)
        if self.reply is None:
            raise MayHaveHappened(f"{self._request.key}: no answer; {NOT_IN_TIME}")
        return self.reply
