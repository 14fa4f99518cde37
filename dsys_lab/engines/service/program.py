"""The service as a program of its own: Tornado answers, SQLite remembers, and SIGKILL ends it where it stands.

`python -m dsys_lab.engines.service.program FOLDER WORKERS QUEUE_MAX WORK_S` prints its port and serves on the loopback
until it is killed. `POST /nights` is a call, with `Idempotency-Key` and `Contract-Version` in its headers;
`GET /status` shows its books. The judgement is the model's own (`dsys_lab.dataflows.service.Service`); what is real
are the sockets, the time that the work takes, the file, and the end of the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from dsys_lab.dataflows.service import Reply, Request, Service
from dsys_lab.engines.server import LOOPBACK
from dsys_lab.engines.service.ledger import SqliteLedger

BODY_MAX_BYTES = 1 << 20


class Host:
    """Gives a service time and workers."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._answers: dict[str, asyncio.Future[Reply]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, request: Request) -> Reply:
        """Return the reply to a call, when there is one."""
        reply = self.service.receive(time.monotonic_ns() // 1000, request)
        if reply is not None:
            return reply
        answer = self._answers[request.key] = asyncio.get_running_loop().create_future()
        self._begin()
        return await answer

    def _begin(self) -> None:
        request = self.service.begin(time.monotonic_ns() // 1000)
        if request is not None:
            task = asyncio.ensure_future(self._carry_out(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, request: Request) -> None:
        await asyncio.sleep(self.service.work_s)
        try:
            reply = self.service.finish(time.monotonic_ns() // 1000, request)
        except Exception:  # noqa: BLE001  # the ledger did not take it: no caller may be told yes any more
            traceback.print_exc()
            os._exit(1)
        answer = self._answers.pop(request.key)
        if not answer.done():  # the caller has hung up: the work is done all the same
            answer.set_result(reply)
        self._begin()


class Nights(RequestHandler):
    """A call."""

    def initialize(self, host: Host) -> None:
        """Know whom to ask."""
        self.host = host

    async def post(self) -> None:
        """Ask, and say what was answered."""
        headers = self.request.headers
        key, version = headers.get("Idempotency-Key", ""), headers.get("Contract-Version", "")
        reply = await self.host.ask(Request(key, version, self.request.body))
        self.set_status(reply.status)
        self.set_header("content-type", "text/plain; charset=utf-8")
        if reply.retry_after_s is not None:
            self.set_header("Retry-After", str(reply.retry_after_s))
        if reply.repeated:
            self.set_header("Idempotent-Replayed", "true")
        self.finish(reply.said)


class Books(RequestHandler):
    """What the service says of itself."""

    def initialize(self, host: Host) -> None:
        """Know whom to ask."""
        self.host = host

    def get(self) -> None:
        """Show the books."""
        self.finish(json.dumps(asdict(self.host.service.status())))


async def serve(folder: Path, workers: int, queue_max: int, work_s: float) -> None:
    """Serve until killed."""
    ledger = SqliteLedger(folder / "ledger.sqlite")
    host = Host(Service("nights", ledger, workers=workers, queue_max=queue_max, work_s=work_s))
    given = {"host": host}
    routes = [("/nights", Nights, given), ("/status", Books, given)]
    application = Application(routes, log_function=lambda handler: None)
    server = HTTPServer(application, max_body_size=BODY_MAX_BYTES)
    sockets = bind_sockets(0, LOOPBACK)
    server.add_sockets(sockets)
    print(f"port {sockets[0].getsockname()[1]}", flush=True)  # noqa: T201  # whoever started it reads it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
