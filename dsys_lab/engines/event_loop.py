"""Plain calls to a client that is written with asyncio.

A notebook has a running event loop already, so a client's coroutine cannot be run there and waited for. Here is one
more loop, in a thread of its own; a call hands a coroutine over and waits for what it returns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

Result = TypeVar("Result")


GIVE_UP_S: Final = 1.0
"""How long a task may take to end when it is cancelled."""


class EventLoop:
    """An event loop in a daemon thread, which ends with the process.

    Examples
    --------
    >>> loop = EventLoop()
    >>> loop.call(asyncio.sleep(0, "done"))
    'done'
    >>> loop.close()
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dsys_lab engines", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run the coroutine and return its result; an interrupt cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._loop.is_closed()

    def close(self) -> None:
        """Cancel what is still under way, and stop the loop and its thread."""
        self.call(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    """Cancel every other task of this loop: one that is thrown away while it waits complains on stderr."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=GIVE_UP_S)
