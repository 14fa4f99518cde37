"""How does a store write as fast as a log and still find its keys in order?

It gathers writes in memory, sorts them, and writes them out in one go, as a file that is never changed again: a *run*.
Merging runs in the background keeps their number small. This is a *log-structured merge-tree* (LSM). ::

    put(k, v) --> log (durable) --> memtable                                 get(k)
                                       | full: flush                           |  newest first
                                       v                                       v
    level 0                          [run 9]                              memtable, then each run:
    level 1                  [run 8 .........]   |  merged by the         in its range? does its Bloom
    level 2      [run 5 ......................]  v  policy                filter deny it? else read a block

Nothing is changed in place: a new version hides the older ones until a merge drops them; a deletion writes a
*tombstone* that hides them, and goes itself once no older run can have the key.

Promises
--------
1. Those of every key-value store (`verbs`).
2. The manifest decides what counts. What a crash left in the midst of a flush or a compaction is removed when the
   store is opened, and reported in `status().removed`.
3. Under one history every policy gives the same answers; only the bytes that are moved differ.
4. A damaged block is named with its file; other keys stay readable, and writing goes on. Merging stops
   (`status().halted`), for it would have to read the block.
5. Every block that is read, written or left unread leaves a row in the trace: amplification is counted, not estimated.

Cost, for N entries, T the size ratio and L = log_T(N / memtable) levels: a put writes its bytes to the log, and to runs
`laws.leveled_write_amplification` or `laws.tiered_write_amplification` times (about 1 + L T / 2, and 1 + L); a get of a
key that is there reads 1 block, of an absent key almost none; a scan reads from every run that overlaps.

Left out: work in the background (a put waits for the flush and the merges that it causes; RocksDB has threads for them,
and slows writers down when they lag); merging parts of a level; compression; a cache of blocks; versions by number.

In reading order: `block` and `sorted_run` with `bloom_filter` (a file), `memtable` (what is not yet in one), `merging`
(which version counts), `compaction` (the policies), `manifest` (which files count), `snapshot`, `store` (the verbs).

Sources: O'Neil et al., "The log-structured merge-tree (LSM-tree)", Acta Informatica 1996; Kleppmann, *Designing
Data-Intensive Applications*, ch. 3, "SSTables and LSM-trees"; LevelDB, doc/impl.md; mini-lsm.
"""

from dsys_lab.stores.key_value.lsm.bloom_filter import BloomFilter
from dsys_lab.stores.key_value.lsm.compaction import Compaction, CompactionPolicy, Leveled, Levels, Tiered
from dsys_lab.stores.key_value.lsm.snapshot import Snapshot
from dsys_lab.stores.key_value.lsm.store import LevelStatus, LsmStatus, LsmStore

__all__ = [
    "BloomFilter",
    "Compaction",
    "CompactionPolicy",
    "LevelStatus",
    "Leveled",
    "Levels",
    "LsmStatus",
    "LsmStore",
    "Snapshot",
    "Tiered",
]
