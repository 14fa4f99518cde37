"""What may one ask of a key-value store, whatever keeps the bytes?

The least that a store can offer: find a value by its key, put it, delete it, and walk over a range of keys. Keys and
values are bytes, which nobody below this line looks into. The hash store, the LSM store and the real engines beside
them answer to the same verbs, so one workload runs through all of them and the answers are compared. What differs is
which bytes they move.

>>> from dsys_lab.stores.key_value import HashStore
>>> from dsys_lab.structures.disk import VolatileDisk
>>> store: KeyValueStore = HashStore(VolatileDisk())
>>> store.put(b"sleeper-17", b"7.5"); store.put(b"sleeper-4", b"")
>>> store.get(b"sleeper-4"), store.get(b"sleeper-5")
(b'', None)
>>> list(store.scan(b"sleeper-1", b"sleeper-2"))
[(b'sleeper-17', b'7.5')]

Every key-value store promises
------------------------------
1. A key has 1 to 1,024 bytes, a value 0 to 262,144; anything else is refused before a byte is written. (So every
   backend can take it: DynamoDB's sort key ends at 1,024 bytes and its item at 400 KB, names included.)
2. `get` says None of a key that is absent, and of nothing else: the empty value is a value.
3. `delete` of an absent key is no error, and does not say whether there was one: a store that only writes at the end of
   a log would have to read before it could tell.
4. `scan` gives keys in the order of their bytes (`b"10" < b"9"`), `low` included, `high` not, and shows the store as it
   stood when `scan` was called, whatever is written while it goes on.
5. When `put` or `delete` returns, a crash does not take it back. Cut short by one, it happened whole or not at all;
   of two, the earlier one is there if the later one is. (A store that is told to sync later promises it from the sync.)
6. After `close`, every verb but `status` and `close` is refused; so are scans that were still going on.

Left out: batches, transactions, conditions, versions, expiry. The partitioned table has conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter, Refused

KEY_BYTES_MAX: Final = 1_024
VALUE_BYTES_MAX: Final = 262_144

Pair = tuple[bytes, bytes]
"""A key and its value."""


class KeyValueStore(Protocol):
    """The verbs. `now_us` is when it happens: it only labels the rows of the trace."""

    def put(self, key: bytes, value: bytes, *, now_us: int = 0) -> None:
        """Let `key` have `value`, whether or not it had one before.

        Raises
        ------
        BadParameter
            If key or value is not `bytes`.
        Refused
            If key or value is too long, the key empty, or the store closed.
        MayHaveHappened
            If the disk failed.
        """

    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        """Return the value of `key`, or None if it is absent.

        Raises
        ------
        Damaged
            If the bytes that hold it are not what was written; other keys stay readable.
        """

    def delete(self, key: bytes, *, now_us: int = 0) -> None:
        """Let `key` be absent."""

    def scan(self, low: bytes | None = None, high: bytes | None = None, *, now_us: int = 0) -> Iterator[Pair]:
        """Give the pairs from `low` up to but not with `high`, in the order of their keys; None leaves a side open."""

    def status(self) -> Any:
        """Return a frozen dataclass: how many keys or entries, in which files, how many bytes."""

    def close(self) -> None:
        """Let go; what was acknowledged is durable. Closing twice is no error."""


def check_key(key: object) -> None:
    """Refuse what is not a key."""
    if not isinstance(key, bytes):
        raise BadParameter(f"key {key!r} is a {type(key).__name__}: give bytes ('17'.encode() for a text)")
    if not 1 <= len(key) <= KEY_BYTES_MAX:
        raise Refused(f"a key of {len(key):,} bytes: give 1 to {KEY_BYTES_MAX:,}")


def check_value(value: object) -> None:
    """Refuse what is not a value."""
    if not isinstance(value, bytes):
        raise BadParameter(f"value {value!r:.60} is a {type(value).__name__}: give bytes; delete(key) makes it absent")
    if len(value) > VALUE_BYTES_MAX:
        raise Refused(f"a value of {len(value):,} bytes: give at most {VALUE_BYTES_MAX:,}")


def check_range(low: object, high: object) -> None:
    """Refuse what is not a range of keys; any bytes may bound one, and one whose `high` is not above `low` is empty."""
    for name, bound in (("low", low), ("high", high)):
        if bound is not None and not isinstance(bound, bytes):
            raise BadParameter(f"{name} = {bound!r} is a {type(bound).__name__}: give bytes, or None for an open side")
