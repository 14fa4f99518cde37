"""A real cache server behind the verbs of the model `dsys_lab.dataflows.derived_view.cache`.

An entry is a hash with its position beside it, so that a script in the server can compare and set in one step: two
clients that fill the same key at once do not go back. Old entries go by `PEXPIRE`. What is otherwise is in
`CACHE_DIFFERENCES`.

Sources: Valkey documentation, "Key eviction", `EXPIRE`, `EVAL`; behaviour of Valkey 9.1.2.
"""

from __future__ import annotations

import json
from collections import Counter
from types import TracebackType
from typing import Any, Final, Self

from dsys_lab.dataflows.derived_view import CacheStatus, Entry
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.valkey.connection import Connection, connection
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.structures.schema import Value

CACHE_DIFFERENCES: Final = (
    Difference(
        "time is told by each call",
        "it lives in real time: `now_us` is kept with the entry, and what is too old goes by the server's clock",
        "Wait for a ttl to pass, and give one that is longer than the way to the server.",
        ("time_that_runs_back",),
    ),
    Difference(
        "room is a number of entries, of each cache",
        "room is `maxmemory`, bytes of the whole server, and who goes is the oldest of a few, to the second",
        "`dsys_lab.engines.valkey.eviction` has a server with so little memory, and counts.",
        ("the_one_read_longest_ago_goes_first",),
    ),
    Difference(
        "the status tells what was too old from what had no room",
        "the server says of a key only that it is gone: both are counted as expired",
        "Ask INFO for `expired_keys` and `evicted_keys` of the whole server.",
    ),
    Difference(
        "a hit gives back the very value that was put in, a tuple as a tuple",
        "a value goes there and back as text: a tuple comes back as a list, and a key of a dict as a string",
        "Put in what JSON can say without a change; here the text is JSON.",
    ),
)
"""What Valkey does otherwise than the model."""
_FILL: Final = """
local there = redis.call('HGET', KEYS[1], 'position')
if there and tonumber(there) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'position', ARGV[1], 'entry', ARGV[2])
if ARGV[3] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return there and 1 or 2
"""
"""Returns 0 if something newer is there, 1 if it replaced something, 2 if it did not."""


class ValkeyCache:
    """Entries in a server, under names of their own. Use it in a `with` block.

    Parameters
    ----------
    ttl_s : float, optional
        How long after its fill an entry may be read, at least a millisecond; None: for ever.
    shared : Connection, optional
        Whose server it is; by default the one that the process shares.
    """

    def __init__(self, *, ttl_s: float | None = None, shared: Connection | None = None) -> None:
        if ttl_s is not None:
            require_positive(ttl_s=ttl_s)
        self._ttl_ms = 0 if ttl_s is None else max(1, round(ttl_s * 1e3))
        self._shared = shared or connection()
        self._name = self._shared.new_name()
        self.engine = self._shared.engine
        self._counts: Counter[str] = Counter()
        self._shared.made(self._name, lambda: self._shared.remove_keys(f"{self._name}:"))

    def get(self, now_us: int, key: Value) -> Entry | None:
        """Return what is there and not too old, or None."""
        told = self._shared.ask(lambda client: client.hget(self._key(key), "entry"))
        self._counts["miss" if told is None else "hit"] += 1
        return None if told is None else Entry(*json.loads(told))

    def fill(self, now_us: int, key: Value, value: Any, position: int) -> bool:
        """Put in what the table had at this position; return False if something newer is there.

        Raises
        ------
        BadParameter
            If the value cannot be written as JSON, or the position is none.
        Refused
            If the server has no memory left and may throw nothing out.
        """
        if type(position) is not int or not 0 <= position < 2**53:
            raise BadParameter(f"position = {position!r}: give that of the row's last change, 0 to 2^53 - 1")
        try:
            entry = json.dumps([value, position, now_us])
        except TypeError as error:
            raise BadParameter(f"value = {value!r}: {error}; give what JSON can say") from error
        given = self._key(key), str(position), entry, str(self._ttl_ms)
        told = self._shared.ask(lambda client: client.eval(_FILL, 1, *given))
        self._counts["passed over" if not told else "fill"] += 1
        self._counts["new"] += told == 2
        return bool(told)

    def invalidate(self, now_us: int, key: Value) -> bool:
        """Throw a key out; return whether it was there."""
        gone = bool(self._shared.ask(lambda client: client.delete(self._key(key))))
        self._counts["written"] += gone
        return gone

    def status(self) -> CacheStatus:
        """Return what it has, and what became of what it was asked."""
        pattern, counts = f"{self._name}:*", self._counts
        entries = self._shared.ask(lambda client: sum(1 for _ in client.scan_iter(pattern, count=1_000)))
        gone = counts["new"] - counts["written"] - entries
        return CacheStatus(
            entries, counts["hit"], counts["miss"], counts["fill"], counts["passed over"], gone, 0, counts["written"]
        )

    def _key(self, key: Value) -> str:
        return f"{self._name}:{json.dumps(key)}"

    def close(self) -> None:
        """Remove what it put there."""
        if self._shared.is_open:
            self._shared.remove(self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
