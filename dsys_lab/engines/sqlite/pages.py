"""Which pages does SQLite really read and write? Ask its file system.

SQLite reaches files through a table of functions, its VFS. Here is one that hands every call on to the real one, and
notes those that move a page. A page that is in SQLite's own cache is not read, so it is not noted.

===================  =====================================================================
SQLite calls         noted as
===================  =====================================================================
`xRead`              `page_read`; reads of less than a page (is the file still the same?) are not
`xWrite`             `page_write`; in the log file, where a page stands after a frame header, `log_append`
`xSync` of the log   `log_sync`
===================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import PurePath
from typing import Final

import apsw

from dsys_lab.engines.wall_clock import WallClock

LOG_SUFFIX: Final = "-wal"
FRAME_HEADER_BYTES: Final = 24
"""Before each page in the log."""
_names = count(1)


class WatchedFiles(apsw.VFS):
    """SQLite's file system, watched.

    Parameters
    ----------
    place : str
    page_bytes : int
    clock : WallClock
        Where rows go. `quietly()` keeps them back.
    """

    def __init__(self, place: str, page_bytes: int, clock: WallClock) -> None:
        self.name = f"watched-{next(_names)}"
        self.place, self.page_bytes, self.clock = place, page_bytes, clock
        self.watching = clock.is_recorded
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  SQLite's name
        """Open a file."""
        return _WatchedFile(self, name, flags)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Let what happens inside leave no rows."""
        before, self.watching = self.watching, False
        try:
            yield
        finally:
            self.watching = before


class _WatchedFile(apsw.VFSFile):
    def __init__(self, files: WatchedFiles, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._files = files
        self._name = PurePath(name if isinstance(name, str) else name.filename() if name else "temporary").name
        self._is_log = self._name.endswith(LOG_SUFFIX)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802  SQLite's name
        """Read bytes."""
        files = self._files
        if files.watching and amount == files.page_bytes:
            page = offset // (amount + FRAME_HEADER_BYTES) if self._is_log else offset // amount
            files.clock.emit(
                "page_read", files.place, file=self._name, page=page, size_bytes=amount, used_bytes=None, source="disk"
            )
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  SQLite's name
        """Write bytes."""
        super().xWrite(data, offset)
        files = self._files
        if files.watching and len(data) == files.page_bytes:
            if self._is_log:
                files.clock.emit("log_append", f"{files.place}/log", lsn=offset, size_bytes=len(data))
            else:
                page = offset // len(data)
                files.clock.emit("page_write", files.place, file=self._name, page=page, size_bytes=len(data))

    def xSync(self, flags: int) -> None:  # noqa: N802  SQLite's name
        """Wait for the disk."""
        super().xSync(flags)
        if self._files.watching and self._is_log:
            self._files.clock.emit("log_sync", f"{self._files.place}/log", lsn=self.xFileSize())
