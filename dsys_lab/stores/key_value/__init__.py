"""How does a store find one value among millions by its key, and how does it write?

Two answers that only ever add to files: `HashStore` keeps where each key lies in memory; `LsmStore` sorts what it has
gathered in memory, writes it as a sorted run, and merges runs behind the writer's back. In reading order: `verbs` (what
one may ask), `entry` (the bytes of one write), `hash_store` with its `merged_file`, and `lsm`.

Two more rooms answer what comes next, when one machine is not enough. `partitioned` is a table of typed items over as
many partitions as it takes, with a leader each, in the manner of DynamoDB; `ring` is Amazon's Dynamo of 2007, with no
leader at all. Neither is imported here: each has names of its own.
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
