"""Has a message with this id come before? Asked by every broker that takes a message once for an id, for a while.

The oldest ids are forgotten first, each a window after it came, so a look costs O(1) on average, and there are as many
in memory as come in one window.
"""

from __future__ import annotations

from collections import OrderedDict


class SeenIds:
    """Ids, each remembered with its message for `window_us` from when it came first.

    Examples
    --------
    >>> seen = SeenIds(window_us=10)
    >>> seen.came_before(0, "d", "m1"), seen.came_before(9, "d", "m2"), seen.came_before(10, "d", "m3")
    (None, 'm1', None)
    """

    def __init__(self, window_us: int) -> None:
        self.window_us = window_us
        self._seen: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def before(self, now_us: int, key: str) -> str | None:
        """Return the message that came with this id within the window; remember nothing new."""
        while self._seen and next(iter(self._seen.values()))[0] + self.window_us <= now_us:
            self._seen.popitem(last=False)
        return self._seen[key][1] if key in self._seen else None

    def came_before(self, now_us: int, key: str, message: str) -> str | None:
        """Return the message that came with this id within the window; remember a new one."""
        before = self.before(now_us, key)
        if before is None:
            self._seen[key] = (now_us, message)
        return before

    def snapshot(self, now_us: int) -> list[list[str | int]]:
        """Return what is still remembered, in JSON values."""
        return [[key, *when] for key, when in self._seen.items() if when[0] + self.window_us > now_us]

    def restore(self, snapshot: list[list[str | int]]) -> None:
        """Take in what `snapshot` returned."""
        self._seen = OrderedDict((str(key), (int(when_us), str(message))) for key, when_us, message in snapshot)
