r"""How are questions over a whole table answered by many machines at once?

The table is cut twice: by row into *slices*, each worked on by a process of its own, and on every slice by column into
*blocks* that say of themselves which values they can hold. A question then costs what it cannot avoid: blocks whose
values may pass, and rows that must travel because the partners of a join lie on different nodes. Both follow from two
decisions that are made when a table is made: in which order it is kept (*sort key*), and where its rows lie
(*distribution*). ::

                        leader: SQL, plan, EXPLAIN, transaction ids; adds up what slices found
                      /                            |                                 \
    node 0     slice 0.0   slice 0.1    node 1   slice 1.0   slice 1.1     ...
               +---------------------+           +---------------------+
    date_key   | 0..31 | 31..60 | .. |  sorted   | 0..30 | 31..61 | .. |   blocks of 16 KiB, with zone maps
    person_id  | 0..998     | 1..997 |           | 2..999     | ..     |
               |- - - - - - - - - - -|           |- - - - - - - - - - -|
    date_key   | 3..88 |             |  unsorted | 0..91 |             |   what came later, until a vacuum
               +---------------------+           +---------------------+
                          \________ parcels of rows, counted in bytes _______/

To be read in this order: `blocks` (fixed bytes, so rows differ by column), `slices` (two regions, three hidden
columns), `distribution` (three policies), `scanning` (what zone maps leave over), `moving` (what a join must bring
together), `grouping` (partial measures), `working` (a slice's work as a value that travels), `questions` and `sql`,
`cluster`, `running` (a question, from plan to answer), `explaining`, `telling`, `managed` (where blocks are when their
slice is lost), `staging` (what a merge brings), `reports` and `warehouse` (the leader's verbs).

The warehouse promises
----------------------
1. A load, a delete or a merge is seen whole or not at all: what fails at its third file leaves nothing of the first two
   to any question.
2. An answer does not depend on the sort key, the distribution, the encodings, the size of a block, the number of
   slices or of processes, nor on whether a vacuum came before (sums of floating point may differ in their last digits).
3. A block is skipped only if none of its rows can pass. The blocks in `Answer` and in the trace are
   those that were really decoded.
4. The bytes of a shuffle are those of the parcels that go from one node to another, as encoded.
5. A damaged block is found before a value of it is used, and named.
6. A slice or a process that dies never makes an answer wrong. With managed storage the answer is the same; without it a
   question that needs what is lost is refused by the block's name.
7. What SQL asks beyond the shapes of `sql` is refused by its name, before anything is read.

Primary keys are not enforced, as in Redshift: what is loaded twice counts twice; a merge from a staging table mends it.

Cost, for N rows on s slices of n nodes, blocks of B rows
---------------------------------------------------------
==============  ====================================================================================================
a scan          `laws.touched_share` of the N / B blocks of each column that is named
a join          `laws.broadcast_bytes` or `laws.redistributed_bytes` between nodes, or none
a question      the rows of the fullest slice: `laws.straggler_ratio` times the mean
one row more    a block of each of columns + 3: `laws.least_table_bytes` is what a small table takes
a vacuum        every block, read and written
==============  ====================================================================================================

Left out: durability of the leader. Slices are values in memory, and a crash of the leader leaves nothing; how blocks
come to a disk whole is the subject of `stores.column_store`, and how objects outlive a disk that of
`stores.object_store`. Several writers at once; interleaved sort keys; statistics of values (ANALYZE counts
rows); result caches, compiled queries, queues of questions. A process is given the blocks that it needs with each
question, instead of keeping its own.

DISTSTYLE AUTO is left out: Redshift begins a small table as ALL and moves it in the background to KEY or EVEN when it
has grown, from a size that is not published; here who makes a table says where its rows lie, and EVEN is meant if
nothing is said. ENCODE AUTO is what a column has for which no encoding is given: each block has the smallest of
`structures.encoding.CHOSEN`. AZ64 is proprietary; LZO, ZSTD and TEXT255 are not in the standard library, `zlib` stands
for them.

Sources: Armenatzoglou et al., "Amazon Redshift re-invented", SIGMOD 2022; Gupta et al., "Amazon Redshift and the case
for simpler data warehouses", SIGMOD 2015; Amazon Redshift Database Developer Guide; DeWitt and Gray, "Parallel database
systems: the future of high performance database systems", CACM 1992 (shared nothing, partitioned joins); Stonebraker et
al., "C-Store: a column-oriented DBMS", VLDB 2005.
"""

from dsys_lab.stores.warehouse.cluster import Cluster
from dsys_lab.stores.warehouse.distribution import All, Distribution, Even, Key
from dsys_lab.stores.warehouse.managed import ManagedStorage
from dsys_lab.stores.warehouse.moving import LABELS
from dsys_lab.stores.warehouse.reports import BlockStatus, Loaded, Merged, TableStatus, Vacuumed, WarehouseStatus
from dsys_lab.stores.warehouse.running import Answer, digest
from dsys_lab.stores.warehouse.warehouse import Warehouse

__all__ = [
    "LABELS",
    "All",
    "Answer",
    "BlockStatus",
    "Cluster",
    "Distribution",
    "Even",
    "Key",
    "Loaded",
    "ManagedStorage",
    "Merged",
    "TableStatus",
    "Vacuumed",
    "Warehouse",
    "WarehouseStatus",
    "digest",
]
