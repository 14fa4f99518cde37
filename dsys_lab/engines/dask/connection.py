"""The client of dask that a process shares, and the workers that were started for it.

Without a setting the scheduler lives in this process and two workers in processes of their own, on loopback, a thread
each; a nanny starts another one where a worker dies. `DSYS_LAB_DASK=tcp://host:8786` names a scheduler of your own. The
life of a connection is in `dsys_lab.engines.connection`.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from importlib.metadata import version
from typing import Any, Final

from dsys_lab.engines.connection import EngineConnection
from dsys_lab.engines.server import LOOPBACK
from dsys_lab.errors import EngineMissing, Refused

try:
    import distributed
    from distributed.comm.core import CommClosedError
except ModuleNotFoundError as missing:
    raise EngineMissing("dask is not installed: pip install 'dsys_lab[scale]'") from missing

SETTING: Final = "DSYS_LAB_DASK"
ANSWER_WITHIN_S: Final = 10
WORKERS: Final = 2


def connection() -> Connection:
    """Return this process's connection; the first call makes it, and so does the first after it was lost.

    Raises
    ------
    EngineMissing
        If dask is not installed, does not start, or nobody answers at the address.
    """
    return Connection.shared()


class Workers:
    """A scheduler in this process, and workers in processes of their own."""

    def __init__(self, count: int = WORKERS) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dsys_lab-")
        try:
            self.cluster: Any = distributed.LocalCluster(
                n_workers=count, threads_per_worker=1, processes=True, host=LOOPBACK, dashboard_address=f"{LOOPBACK}:0",
                memory_limit=0, local_directory=self._folder.name, silence_logs=logging.CRITICAL,
            )  # fmt: skip
        except BaseException:
            self._folder.cleanup()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the workers that live."""
        workers = self.cluster.workers.values()
        return tuple(worker.pid for worker in workers if worker.pid and worker.status.name == "running")

    def stop(self) -> None:
        """End all of them, and wait until they are gone."""
        self.cluster.close()
        self._folder.cleanup()


class Connection(EngineConnection[Workers]):
    """A client of dask, and the workers that were started for it, if they were.

    Attributes
    ----------
    client : distributed.Client
    engine : str
        What a picture says, such as "dask 2026.8.0".
    """

    SETTING = SETTING

    def start(self) -> Workers:
        """Start a scheduler here, and two workers."""
        try:
            return Workers()
        except (OSError, RuntimeError, TimeoutError) as error:
            raise EngineMissing(f"dask's workers do not start: {error}") from error

    def connect(self) -> None:
        """Reach the scheduler."""
        address = self.setting or (self.server and self.server.cluster.scheduler_address)
        try:
            self.client: Any = distributed.Client(address, timeout=ANSWER_WITHIN_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise EngineMissing(
                f"no scheduler of dask answers at {SETTING}={self.setting}: give its address, tcp://host:8786"
            ) from error
        self.engine = f"dask {version('distributed')}"

    def disconnect(self) -> None:
        """Close the client."""
        self.client.close()

    @property
    def is_lost(self) -> bool:
        """Whether the scheduler is gone."""
        return self.client.status not in {"running", "connecting"}

    def workers(self) -> int:
        """Return how many workers there are."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def kill_worker(self) -> int:
        """Kill one of the workers that were started here, by SIGKILL, and return which process it was.

        Raises
        ------
        Refused
            If the cluster is somebody else's, or none is alive.
        """
        if self.server is None:
            raise Refused(f"{SETTING} names a cluster of your own: kill a worker there yourself")
        if not self.server.pids:
            raise Refused("no worker is alive just now: wait until another one is there")
        pid = self.server.pids[0]
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        return pid


GONE: Final = (CommClosedError, OSError, TimeoutError)
"""What is raised where a scheduler goes in the middle of a question."""
