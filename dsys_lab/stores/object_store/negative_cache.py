"""What could a reader see before December 2020?

That a key which he had asked for too early stays away after it was put. To answer quickly, a cache in front of the
store remembered answers, also the answer *not there*, and a list could miss a new key for a while. Since December 2020
every get and list of S3 sees what was acknowledged before.

`NegativeCache` is the front as it was: it remembers for `stale_us` that a key was not there, and what a list said. A
put goes through it and does not correct it, for the cache stood on other machines than the one that took the put.

Left out: old answers about objects that were there (an overwrite could be missed as well); how S3 did it is not public.

Sources: Barr, "Amazon S3 update: strong read-after-write consistency", AWS News Blog, December 2020; Vogels, "Diving
deep on S3 consistency", 2021.
"""

from __future__ import annotations

from collections.abc import Iterator

from dsys_lab.errors import require_not_negative
from dsys_lab.stores.object_store.store import JournaledStore
from dsys_lab.stores.object_store.verbs import Facts, Found


class NegativeCache:
    """A front that remembers who was not there.

    Parameters
    ----------
    store : JournaledStore
        What is really there.
    stale_us : int
        How long an answer is remembered; 0 for the store as it is today.
    """

    def __init__(self, store: JournaledStore, *, stale_us: int) -> None:
        require_not_negative(stale_us=stale_us)
        self.store, self._stale_us = store, stale_us
        self._absent: dict[str, int] = {}
        self._listed: dict[str, tuple[int, tuple[str, ...]]] = {}

    def put(self, now_us: int, key: str, data: bytes) -> Facts:
        """Put, and correct nothing that was remembered."""
        return self.store.put(key, data, now_us=now_us)

    def get(self, now_us: int, key: str) -> Found | None:
        """Return an object, unless it was asked for a while ago and not there."""
        if self._absent.get(key, now_us) > now_us:
            return None
        found = self.store.get(key, now_us=now_us)
        if found is None:
            self._absent[key] = now_us + self._stale_us
        return found

    def keys(self, now_us: int, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin so, as they are or as they were a while ago."""
        until_us, keys = self._listed.get(prefix, (0, ()))
        if until_us <= now_us:
            keys = tuple(self._all_keys(now_us, prefix))
            self._listed[prefix] = now_us + self._stale_us, keys
        return keys

    def _all_keys(self, now_us: int, prefix: str) -> Iterator[str]:
        after: str | None = ""
        while after is not None:
            page = self.store.list(prefix, after=after, now_us=now_us)
            yield from page.keys
            after = page.next_after
