"""The service over HTTP: a process of its own on the loopback, asked by httpx, killed by SIGKILL.

It is started through the keeper, so it ends with this process; its ledger lies in a folder that outlives it until
`close`. Each call is a connection and a thread of ours, for that is what a caller who waits is.
"""

from __future__ import annotations

import re
import shutil
import signal
import ssl
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from dsys_lab.dataflows.service import Reply, Request, Status
from dsys_lab.engines.kept_process import KeptProcess
from dsys_lab.engines.server import LOOPBACK
from dsys_lab.engines.service.verbs import NOT_IN_TIME, Size
from dsys_lab.errors import EngineMissing, MayHaveHappened, require_positive

STARTS_WITHIN_S: Final = 60.0
JUDGED_WITHIN_S: Final = 10.0
CALLS_AT_ONCE: Final = 32
_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The loopback has no TLS. Else httpx would read all the authorities that it trusts, 0.1 s a call."""


class HttpService:
    """See the Protocol `RunningService`."""

    def __init__(self, size: Size | None = None) -> None:
        self.size = size or Size()
        self.folder = Path(tempfile.mkdtemp(prefix="dsys_lab-service-"))
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="dsys_lab callers")
        self._process: KeptProcess | None = None
        self._url = ""
        self.restart()

    def restart(self) -> None:
        """Start it anew on what it has written.

        Raises
        ------
        EngineMissing
            If it does not start, with the end of its log.
        """
        if self._is_up:
            return
        self.kill()
        size = [str(self.size.workers), str(self.size.queue_max), str(self.size.work_s)]
        program = [sys.executable, "-m", "dsys_lab.engines.service.program", str(self.folder), *size]
        process = KeptProcess(lambda folder: program, stop_with=signal.SIGKILL)
        if not process.becomes(lambda: re.search(r"^port \d+$", process.log(), re.MULTILINE) is not None,
                               within_s=STARTS_WITHIN_S):  # fmt: skip
            end = process.end_of_log()
            process.stop()
            raise EngineMissing(f"the service does not start.{end}")
        self._process = process
        port = re.findall(r"^port (\d+)$", process.log(), re.MULTILINE)[0]
        self._url = f"http://{LOOPBACK}:{port}"

    def send(self, request: Request) -> HttpAnswer:
        """Send a call; when this returns it was judged, or nobody is there to judge."""
        before = self.status() if self._is_up else None
        answer = self._submit(request)
        give_up_s = time.monotonic() + JUDGED_WITHIN_S
        with suppress(EngineMissing):  # it ended meanwhile, and the answer says so
            while not answer.is_there and self.status() == before and time.monotonic() < give_up_s:
                time.sleep(0.002)
        return answer

    def ask(self, request: Request, within_s: float) -> Reply:
        """Send a call and wait for its answer: one exchange over the network, and no look at the books."""
        return self._submit(request).wait(within_s)

    def _submit(self, request: Request) -> HttpAnswer:
        return HttpAnswer(request, self._threads.submit(self._ask, request))

    def _ask(self, request: Request) -> Reply:
        headers = {"Idempotency-Key": request.key, "Contract-Version": request.version}
        try:
            said = httpx.post(f"{self._url}/nights", headers=headers, content=request.body, timeout=None,  # noqa: S113  # whoever waits says how long
                              trust_env=False, verify=_TRUSTS_NOBODY)  # fmt: skip
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            why = f"nobody answers at {self._url} ({error}): certainly nothing was taken; restart it"
            raise EngineMissing(why) from None
        except httpx.TransportError as error:
            raise MayHaveHappened(f"{request.key}: hung up on ({type(error).__name__}); {NOT_IN_TIME}") from None
        later = said.headers.get("retry-after", "")
        repeated = said.headers.get("idempotent-replayed") == "true"
        return Reply(said.status_code, said.text, int(later) if later.isdecimal() else None, repeated)

    def kill(self) -> None:
        """End it where it stands, by SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    @property
    def _is_up(self) -> bool:
        return self._process is not None and not self._process.ended

    def status(self) -> Status:
        """Return its books."""
        if not self._is_up:
            raise EngineMissing("the service is down: restart it")
        try:
            said = httpx.get(f"{self._url}/status", timeout=JUDGED_WITHIN_S, trust_env=False, verify=_TRUSTS_NOBODY)
        except httpx.TransportError as error:
            raise EngineMissing(f"nobody answers at {self._url} ({error}): restart it") from None
        return Status(**said.json())

    def close(self) -> None:
        """End it for good, and remove its folder."""
        self.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class HttpAnswer:
    """An answer that is under way."""

    def __init__(self, request: Request, future: Future[Reply]) -> None:
        self._request, self._future = request, future

    @property
    def is_there(self) -> bool:
        """Whether it has come, or never will."""
        return self._future.done()

    def wait(self, within_s: float) -> Reply:
        """Return it (see the Protocol `Answer`)."""
        require_positive(within_s=within_s)
        try:
            return self._future.result(within_s)
        except NotYet:
            raise MayHaveHappened(f"{self._request.key}: no answer in {within_s:g} s; {NOT_IN_TIME}") from None
