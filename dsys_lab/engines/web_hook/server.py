"""The door as a real web server: the same judgement, behind HTTP on a free port of the loopback.

Tornado serves, for JupyterLab brings it. The server lives in an event loop of its own thread, so a notebook goes on,
and it ends with the process. It keeps of a body only what it needs to see that it is too large, and throws the rest
away as it comes. One call is looked at after the other, and each waits for a sync of the disk.

The server promises
-------------------
1. When it is made its port answers, on the loopback only; after `stop` nobody does, and all it answered was answered.
2. A call that it refused stands in `refused`, with what was found; the caller is told the verdict and no more.
3. What is sent to it never ends it: a call that is no HTTP, too long or half is 4xx or hung up on.
4. A fork of this process does not keep the port.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, stream_request_body

from dsys_lab.brokers.web_hook import Answer, Call, Status, WebHookDoor
from dsys_lab.engines.event_loop import EventLoop
from dsys_lab.engines.server import LOOPBACK
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.errors import EngineMissing
from dsys_lab.trace import NO_TRACE, Recorder

PATH: Final = "/hooks"
READ_MAX_BYTES: Final = 8 << 20
"""How much of a body is read at all; who sends more is hung up on."""


def unix_us() -> int:
    """Return what this computer's clock shows, in microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that was not taken.

    Attributes
    ----------
    at_us : int
        By the door's clock, in microseconds since 1970.
    id : str or None
        What it claimed to be.
    status : int
    why, found : str
        What the caller was told, and what we know.
    """

    at_us: int
    id: str | None
    status: int
    why: str
    found: str


class HttpDoor:
    """A `WebHookDoor` that is asked over HTTP.

    Parameters
    ----------
    door : WebHookDoor
        It belongs to the server until that is stopped.
    clock : callable
        What its clock shows, in microseconds since 1970. To play a script of hours in a second, turn it.
    recorder : Recorder
        For the door's rows: they are stamped with microseconds since the start.

    Attributes
    ----------
    url : str
        Where it is called, by POST.

    Examples
    --------
    >>> from dsys_lab.brokers.web_hook import Settings, secret_of
    >>> from dsys_lab.engines.web_hook import call_door
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> with HttpDoor(WebHookDoor("door", Settings(secrets=[secret_of(bytes(24))]), VolatileDisk())) as served:
    ...     call_door(served.url, Call({}, b"")).status, served.refused[0].found
    (400, 'no webhook-id, webhook-timestamp, webhook-signature')
    """

    def __init__(
        self, door: WebHookDoor, *, clock: Callable[[], int] = unix_us, recorder: Recorder = NO_TRACE
    ) -> None:
        self._door, self.clock = door, clock
        self._stamps = WallClock(recorder)
        if recorder is not NO_TRACE:
            door.recorder = recorder
        self._refused: list[Refusal] = []
        self._copies: dict[str, int] = {}
        self._loop: EventLoop | None = EventLoop()
        self._sockets = bind_sockets(0, LOOPBACK)
        self.url = f"http://{LOOPBACK}:{self._sockets[0].getsockname()[1]}{PATH}"
        self._server = self._loop.call(self._serve())
        atexit.register(self.stop)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._disown)

    async def _serve(self) -> HTTPServer:
        application = Application([(PATH, _Handler, {"served": self})], log_function=lambda handler: None)
        server = HTTPServer(application, max_body_size=READ_MAX_BYTES)
        server.add_sockets(self._sockets)
        return server

    def _receive(self, call: Call) -> Answer:
        """Look at a call; runs in the server's own thread."""
        at_us = self.clock()
        event_id = call.header("webhook-id")
        copy = 0
        if event_id is not None:
            copy = self._copies[event_id] = self._copies.get(event_id, -1) + 1
        if self._stamps.is_recorded:
            self._stamps.emit("publish", "street", event_id, attempt=copy + 1, copy=copy)
        answer = self._door.receive(self._stamps.now_us, call, clock_us=at_us, message=event_id, copy=copy)
        if not answer.verdict.is_done:
            self._refused.append(Refusal(at_us, answer.id, answer.status, answer.verdict.why, answer.detail))
        return answer

    # ------------------------------------------------------------ what can be asked of it
    def do(self, what: Callable[[WebHookDoor, int], Any]) -> Any:
        """Let `(door, now_us)` be called between two calls, in the server's thread, and return what it returns.

        Raises
        ------
        EngineMissing
            If the server is stopped.
        """

        async def between_two_calls() -> Any:
            return what(self._door, self._stamps.now_us)

        if self._loop is None:
            raise EngineMissing(f"the door at {self.url} is stopped: make another HttpDoor on the same disk")
        return self._loop.call(between_two_calls())

    def status(self) -> Status:
        """Return the door's books."""
        status: Status = self.do(lambda door, now_us: door.status())
        return status

    @property
    def refused(self) -> list[Refusal]:
        """What was not taken, oldest first; also when the server is stopped."""
        return list(self._refused)

    # ------------------------------------------------------------ the end
    @property
    def is_up(self) -> bool:
        """Whether it was not stopped."""
        return self._loop is not None

    def stop(self) -> None:
        """Answer nobody any more, and free the port. Twice is as once."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        atexit.unregister(self.stop)
        loop.call(self._hang_up())
        loop.close()

    async def _hang_up(self) -> None:
        self._server.stop()
        await asyncio.wait_for(self._server.close_all_connections(), timeout=1)

    def _disown(self) -> None:
        """In a fork: leave the port to the parent; the thread that served it is not here."""
        if self._loop is not None:
            self._loop = None
            atexit.unregister(self.stop)
            for socket in self._sockets:
                socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()


@stream_request_body
class _Handler(RequestHandler):
    """One request: collects the body as far as it counts, and hands it to the door."""

    def initialize(self, served: HttpDoor) -> None:
        self.served, self._body = served, bytearray()
        settings = served._door.settings  # noqa: SLF001  # the server and its handler are one
        self._keep_bytes = settings.size_max_bytes + 1 if settings.has("size") else READ_MAX_BYTES

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk[: self._keep_bytes - len(self._body)]

    def post(self) -> None:
        headers = {name: value for name, value in self.request.headers.get_all() if name.startswith("Webhook-")}
        answer = self.served._receive(Call(headers, bytes(self._body)))  # noqa: SLF001
        self.set_status(answer.status)
        for name, value in answer.headers().items():
            self.set_header(name, value)
        self.set_header("content-type", "text/plain")
        self.finish(answer.verdict.why)
