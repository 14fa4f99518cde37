"""What does a store look like that keeps whole objects, any number of them, and never loses one?

Flat keys in one order, and under each a whole object that is replaced and never changed. In reading order: `verbs`
(what one may ask), `store` (blobs and a journal), `index` (what the journal means), `blobs` with `block_file` and
`erasure_code` (where the bytes lie, and how they outlive a drive), `key_ranges` (how much may be asked of which keys),
`negative_cache` (what readers saw before December 2020).

Who builds on it, a lake for example, needs three verbs: `put(key, data, if_absent=True)` commits, and only one of two
can; `get(key, first=…, size_bytes=…)` reads a range; `every(store, prefix)` lists.
"""

from dsys_lab.stores.object_store.blobs import BlobFiles, ShardedBlobs
from dsys_lab.stores.object_store.erasure_code import ErasureCode
from dsys_lab.stores.object_store.key_ranges import KeyRanges, Limits, median_key
from dsys_lab.stores.object_store.negative_cache import NegativeCache
from dsys_lab.stores.object_store.store import JournaledStore, StoreStatus
from dsys_lab.stores.object_store.verbs import (
    PART_BYTES_MIN,
    PARTS_MAX,
    BadParts,
    ConditionFailed,
    Facts,
    Found,
    NoSuchUpload,
    ObjectStore,
    Page,
    Part,
    SlowDown,
    Upload,
    Version,
    every,
)

__all__ = [
    "PARTS_MAX",
    "PART_BYTES_MIN",
    "BadParts",
    "BlobFiles",
    "ConditionFailed",
    "ErasureCode",
    "Facts",
    "Found",
    "JournaledStore",
    "KeyRanges",
    "Limits",
    "NegativeCache",
    "NoSuchUpload",
    "ObjectStore",
    "Page",
    "Part",
    "ShardedBlobs",
    "SlowDown",
    "StoreStatus",
    "Upload",
    "Version",
    "every",
    "median_key",
]
