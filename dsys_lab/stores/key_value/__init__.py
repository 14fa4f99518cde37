"""How does a store find one value among millions by its key, and how does it write?

Two answers that only ever add to files: `HashStore` keeps where each key lies in memory; `LsmStore` sorts what it has
gathered in memory, writes it as a sorted run, and merges runs behind the writer's back. In reading order: `verbs` (what
one may ask), `entry` (the bytes of one write), `hash_store` with its `merged_file`, and `lsm`.
"""

from dsys_lab.stores.key_value.hash_store import HashStore, HashStoreStatus
from dsys_lab.stores.key_value.lsm import Leveled, LsmStatus, LsmStore, Tiered
from dsys_lab.stores.key_value.verbs import KEY_BYTES_MAX, VALUE_BYTES_MAX, KeyValueStore, Pair

__all__ = [
    "KEY_BYTES_MAX",
    "VALUE_BYTES_MAX",
    "HashStore",
    "HashStoreStatus",
    "KeyValueStore",
    "Leveled",
    "LsmStatus",
    "LsmStore",
    "Pair",
    "Tiered",
]
