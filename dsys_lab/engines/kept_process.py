"""A process that ends with this one: how does a notebook start a program and never leave it behind?

`KeptProcess` starts the program through the keeper (see `dsys_lab.engines.keeper`), with a temporary folder for what it
stores and a log that has no name. `dsys_lab.engines.server` adds a port of the loopback, `postgres.server` a socket.

A kept process promises
-----------------------
1. It ends with this process: on `stop`, on exit, on SIGKILL. Its folder goes with it.
2. A fork of this process neither keeps it running nor ends it.
3. What it wrote to its standard output and error can be read, also when it has ended.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dsys_lab.engines import keeper

LOG_LINES: Final = 12
"""How many lines of the log an error shows."""


class KeptProcess:
    """A program that runs beside a keeper.

    Parameters
    ----------
    command : callable
        `folder` -> the command line.
    stop_with : signal.Signals
        What asks the program to end.

    Attributes
    ----------
    folder : Path
        The temporary folder that goes when the program ends.
    """

    def __init__(self, command: Callable[[Path], list[str]], *, stop_with: signal.Signals = signal.SIGTERM) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the program and has no name
        self.folder = Path(tempfile.mkdtemp(prefix="dsys_lab-"))
        ours = [sys.executable, "-I", "-S", keeper.__file__, str(int(stop_with)), str(self.folder)]
        self._keeper = subprocess.Popen(  # noqa: S603  # our own engines' commands
            [*ours, *command(self.folder)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        atexit.register(self.stop)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._disown)

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._keeper.poll() is not None

    def becomes(self, ready: Callable[[], bool], *, within_s: float) -> bool:
        """Wait until it is ready, has ended, or the time is over; return whether it is ready.

        An interrupt while it waits ends the program.
        """
        give_up_s = time.monotonic() + within_s
        try:
            while time.monotonic() < give_up_s and not self.ended:
                if ready():
                    return True
                time.sleep(0.005)
        except BaseException:  # nobody will ever hold this process to stop it
            self.stop()
            raise
        return False

    def stop(self) -> None:
        """End it and wait until it is gone."""
        atexit.unregister(self.stop)
        assert self._keeper.stdin
        self._keeper.stdin.close()
        self._keeper.wait()

    def log(self) -> str:
        """Return what it has written to its standard output and error so far."""
        if sys.platform == "win32":
            self._log.seek(0)
            return self._log.read().decode(errors="replace")
        # It writes at the position of this very file: to move it, even for a moment, loses lines of the log.
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode(errors="replace")

    def last_lines(self) -> list[str]:
        """Return the last lines of the log."""
        return self.log().strip().splitlines()[-LOG_LINES:]

    def end_of_log(self) -> str:
        """Return the last lines of the log, fit for the end of an error's message."""
        lines = self.last_lines()
        return "\nThe end of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else " Its log is empty."

    def _disown(self) -> None:
        """In a fork: let go of the pipe, which only the owner may hold, and leave the ending to the owner."""
        atexit.unregister(self.stop)
        assert self._keeper.stdin
        self._keeper.stdin.close()
