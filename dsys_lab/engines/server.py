"""An embedded server: a real engine that starts with the notebook and ends with it.

The engine comes as an executable in a wheel. `Server` starts it on a free port of the loopback, with a temporary folder
for its data, and waits until the port answers. Beside it runs the keeper, which ends it with this process (see
`dsys_lab.engines.keeper`).

A server promises
-----------------
1. When it is made, its port answers; if that fails, `EngineMissing` carries the last lines of its log.
2. It ends with this process: on `stop`, on exit, on SIGKILL. Its folder goes with it.
3. A fork of this process neither keeps it running nor ends it.

Each engine keeps one shared `Server` for a process; two processes have two, on two ports.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from dsys_lab.engines import keeper
from dsys_lab.errors import EngineMissing

LOOPBACK: Final = "127.0.0.1"
PORTS_TRIED: Final = 3
"""Between choosing a free port and the server's taking it, somebody else may: then another is tried."""
LOG_LINES: Final = 12


def executable(package: str, name: str) -> Path:
    """Return where the wheel `package` installed the program `name`.

    Raises
    ------
    EngineMissing
        If the wheel is not installed, or holds no such program.
    """
    try:
        files = distribution(package).files or []
    except PackageNotFoundError as missing:
        raise EngineMissing(f"{name} is not installed: `make lab` installs it, or `pip install {package}`") from missing
    for file in files:
        path = Path(str(file.locate())).resolve()
        if file.stem == name and os.access(path, os.X_OK) and path.is_file():
            return path
    raise EngineMissing(f"{package} is installed without its program {name}: `pip install --force-reinstall {package}`")


class Server:
    """A server process on a free port of the loopback.

    Parameters
    ----------
    name : str
        What errors call it.
    command : callable
        `(port, folder)` -> the command line.
    start_within_s : float
        How long it may take until its port answers.

    Attributes
    ----------
    port : int
        Where it listens, on `LOOPBACK` only.

    Raises
    ------
    EngineMissing
        If it does not start; the message ends with the last lines of its log.
    """

    def __init__(self, name: str, command: Callable[[int, Path], list[str]], *, start_within_s: float = 20.0) -> None:
        self.name = name
        for _ in range(PORTS_TRIED):
            self._start(command)
            try:
                answers = self._answers(start_within_s)
            except BaseException:  # an interrupt: nobody will ever hold this server to stop it
                self.stop()
                raise
            if answers:
                return
            died = self._keeper.poll() is not None
            self.stop()
            if not died:
                raise EngineMissing(f"{name} did not answer within {start_within_s:g} s.{self._told()}")
        raise EngineMissing(f"{name} ended while it was starting.{self._told()}")

    def stop(self) -> None:
        """End the server and wait until it is gone."""
        atexit.unregister(self.stop)
        assert self._keeper.stdin
        self._keeper.stdin.close()
        self._keeper.wait()

    def log(self) -> str:
        """Return what the server has written to its standard output and error so far."""
        if sys.platform == "win32":
            self._log.seek(0)
            return self._log.read().decode(errors="replace")
        # The server writes at the position of this very file: to move it, even for a moment, loses lines of the log.
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode(errors="replace")

    # ------------------------------------------------------------ starting
    def _start(self, command: Callable[[int, Path], list[str]]) -> None:
        self.port = _free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the server and has no name
        folder = Path(tempfile.mkdtemp(prefix="dsys_lab-"))
        self._keeper = subprocess.Popen(  # noqa: S603  # our own engines' commands
            [sys.executable, "-I", "-S", keeper.__file__, str(folder), *command(self.port, folder)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        atexit.register(self.stop)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._disown)

    def _answers(self, within_s: float) -> bool:
        give_up_s = time.monotonic() + within_s
        while time.monotonic() < give_up_s and self._keeper.poll() is None:
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.005)
            else:
                return True
        return False

    def _told(self) -> str:
        lines = self.log().strip().splitlines()[-LOG_LINES:]
        return "\nThe end of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else " Its log is empty."

    def _disown(self) -> None:
        """In a fork: let go of the pipe, which only the owner may hold, and leave the ending to the owner."""
        atexit.unregister(self.stop)
        assert self._keeper.stdin
        self._keeper.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
