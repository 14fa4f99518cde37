"""How does a store that looks up items by their key grow without end, and where does it end nevertheless?

It hashes the key, and cuts the space of hashes into *partitions*. Each is small, and is kept three times; there are as
many of them as it takes. So the whole has no ceiling, and each part has one: what is asked of one key goes to one
partition, and one partition does 1,000 writes a second.

What happens to a call: its key is hashed (`keys`), its partition found (`partitions`), its price worked out from the
bytes that it touches (`items`, `capacity`), and it is let in or refused (`admission` decides, `gate` carries out). A
write becomes a command that the partition's leader orders and two of three journals hold before it is acknowledged
(`replica`, `replication`). Then it is in the change stream, and later in the global indexes (`change_stream`,
`indexes`). What must happen to several items together, or not at all, is done in two phases (`transactions`).

The table promises
------------------
1. What was refused did not happen. What was acknowledged survives the loss of any one replica of each partition.
2. A condition is looked at and its write done in one step: nothing comes between.
3. What was examined is paid, in units counted from the bytes; the two refusals for want of units are told apart.
4. A strong read sees every write that was acknowledged before it began; an eventual read may miss the newest.
5. A partition that is cut keeps every item, and no other is touched.
6. A transaction is done wholly or not at all, also across a crash in its middle; under one token it is done once.
7. A global index lags, loses nothing, and slows the writers down rather than fall behind without end.

Cost: each call one binary search for its partition and one for its key; a write three journal entries and two messages.

Left out: request routers and their caches, back-ups, expiry, several regions, batches, PartiQL, nested paths.

Sources: Elhemali et al., "Amazon DynamoDB: A scalable, predictably performant, and fully managed NoSQL database
service", USENIX ATC 2022; Idziorek et al., "Distributed transactions at scale in Amazon DynamoDB", USENIX ATC 2023;
Amazon DynamoDB Developer Guide and API Reference, read in November 2026.
"""

from dsys_lab.stores.key_value.partitioned.answers import (
    ConditionFailed,
    Page,
    PartitionStatus,
    Read,
    Status,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    Written,
)
from dsys_lab.stores.key_value.partitioned.capacity import query_units, read_units, write_units
from dsys_lab.stores.key_value.partitioned.conditions import BeginsWith, Compare, Condition, Exists
from dsys_lab.stores.key_value.partitioned.gate import Gate
from dsys_lab.stores.key_value.partitioned.indexes import GlobalIndex, LocalIndex
from dsys_lab.stores.key_value.partitioned.items import size_bytes
from dsys_lab.stores.key_value.partitioned.keys import KeySchema
from dsys_lab.stores.key_value.partitioned.placement import ModuloPlacement, RangePlacement, moved_share
from dsys_lab.stores.key_value.partitioned.queries import Range
from dsys_lab.stores.key_value.partitioned.replication import ReplicaGroup, first_alive, fullest_journal
from dsys_lab.stores.key_value.partitioned.settings import Settings
from dsys_lab.stores.key_value.partitioned.splitting import SplitPolicy
from dsys_lab.stores.key_value.partitioned.table import PartitionedTable
from dsys_lab.stores.key_value.partitioned.transactions import CheckItem, DeleteItem, PutItem, Transactions, UpdateItem
from dsys_lab.stores.key_value.partitioned.updates import Update

__all__ = [
    "BeginsWith",
    "CheckItem",
    "Compare",
    "Condition",
    "ConditionFailed",
    "DeleteItem",
    "Exists",
    "Gate",
    "GlobalIndex",
    "KeySchema",
    "LocalIndex",
    "ModuloPlacement",
    "Page",
    "PartitionStatus",
    "PartitionedTable",
    "PutItem",
    "Range",
    "RangePlacement",
    "Read",
    "ReplicaGroup",
    "Settings",
    "SplitPolicy",
    "Status",
    "Throttled",
    "TransactionCanceled",
    "TransactionConflict",
    "Transactions",
    "Update",
    "UpdateItem",
    "Written",
    "first_alive",
    "fullest_journal",
    "moved_share",
    "query_units",
    "read_units",
    "size_bytes",
    "write_units",
]
