"""Who asked for this page? Every operation has a number; what is done for it carries the number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dsys_lab.structures.journaled_pages import JournaledPages


class Operations:
    """The operations that were asked of a store, each between its row `begin` and its row `end`."""

    def __init__(self, pages: JournaledPages) -> None:
        self._pages = pages
        self._last = 0

    @contextmanager
    def during(self, name: str, now_us: int) -> Iterator[None]:
        """Make what happens inside one operation. A crash inside leaves it without an end."""
        op = self.begin(name, now_us)
        try:
            yield
        except Exception:
            self.end(op, now_us, ok=False)
            raise
        self.end(op, now_us, ok=True)

    def begin(self, name: str, now_us: int) -> int:
        """Begin an operation and return its number."""
        self._last += 1
        self.resume(self._last, now_us)
        self._pages.recorder.emit(now_us, "begin", self._pages.place, op=self._last, name=name)
        return self._last

    def resume(self, op: int, now_us: int) -> None:
        """Go on with an operation, after others."""
        self._pages.now_us, self._pages.op = now_us, op

    def end(self, op: int, now_us: int, *, ok: bool) -> None:
        """End an operation."""
        self._pages.recorder.emit(now_us, "end", self._pages.place, op=op, ok=ok)
