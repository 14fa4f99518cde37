"""The keeper: how does a server end with the one who wanted it, even if that one is killed?

A killed process runs no clean-up of its own. So between it and the server stands this small process, whose standard
input is a pipe that only the owner holds. However the owner ends, the operating system closes the pipe; the keeper
reads its end, stops the server, removes its folder and ends too.

The keeper promises
-------------------
1. The server is gone soon after the owner is: at once if it heeds the request to stop, after `GRACE_S` otherwise.
2. Its folder is removed when it has ended, whoever ended it, or if it never began.
3. Ctrl-C for the owner is none for the server: the owner starts the keeper in a session of its own.
4. The server's exit code is the keeper's, so the owner sees a start that fails.

Run as `python keeper.py SIGNAL FOLDER COMMAND…`; the signal's number is the request to stop, for a server may have its
own. The keeper imports only the standard library, for it must start fast.

Why not `PR_SET_PDEATHSIG`: it strikes when the *thread* that started the server ends, it must be set between fork and
exec in a process full of threads, and only Linux has it. A pipe has none of that.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading

GRACE_S = 5.0
"""How long the server may take to stop before it is killed."""


def keep(stop_with: int, folder: str, command: list[str]) -> int:
    """Run the server until it ends or the owner does; return its exit code."""
    try:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  # our own engines' commands
        signal.signal(signal.SIGTERM, lambda *_: server.send_signal(stop_with))
        threading.Thread(target=end_with_owner, args=(server, stop_with), daemon=True).start()
        return server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end_with_owner(server: subprocess.Popen[bytes], stop_with: int) -> None:
    """Wait for the end of standard input, then stop the server."""
    os.read(sys.stdin.fileno(), 1)
    server.send_signal(stop_with)
    try:
        server.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
