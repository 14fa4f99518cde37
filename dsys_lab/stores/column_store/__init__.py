"""How is a table stored if most questions need few of its columns and most of its rows?

By column. The values of a column lie side by side, so a question reads the columns that it names and no others; and as
they are of one kind, they are alike and need few bytes. What a row store gives away for free must then be bought back:
one row is in as many places as it has columns, and to add one row by itself would cost a page in each. ::

    append, update, delete                             questions
          |                                                ^
          v                                                |
    delta: rows in memory, each change in a log  ----------+
          |                                                |
          |  merge: `merge_rows` changes at once           |
          v                                                |
    row groups of `row_group_rows` rows  ------------------+
          |
          |   column `id`      column `city`     column `minutes`
          |  +--------------+ +---------------+ +----------------+
          +->| chunk 0      | | chunk 0       | | chunk 0        |   group 0
             | delta        | | dictionary    | | frame          |
             | 0 .. 8191    | | "Lima" ..     | | 120 .. 719     |   <- zone maps: smallest, largest, NULLs
             +--------------+ +---------------+ +----------------+
             | chunk 1      | | chunk 1       | | chunk 1        |   group 1, a mask over its deleted rows
             +--------------+ +---------------+ +----------------+
              00-id.0          01-city.0         02-minutes.0         the manifest says which chunks are the table

To be read in this order: `chunk` (one column of one row group, and its zone map), `writing` (which file, two layouts),
`manifest` (which chunks count: one moment decides), `delta` (rows that wait, and their log), `column_files` (bytes,
pages, the cache, checksums), `stores.bounds` and `stretches` (which rows, and how little of them is read), `slots` and
`aggregation` (many values, few numbers), `view` (all that is asked), `incoming` (rows become columns), `opening`,
`store`; and `execution`, the same question row by row and vector by vector.

The store promises
------------------
Those of `stores.table`, of which it keeps the second more strictly: each call of `append`, `update` or `delete` is
there whole or not at all. Beyond these:

1. A crash at any step of a merge, a load or a compaction leaves the table as it was or as it was to be; bytes of both
   may lie there, and the manifest says which count.
2. A damaged or missing chunk is found before a value of it is used, and named with file, number and column; all other
   chunks are still read. Behind a file that was cut short nothing is written. A log that is missing, or does not go on
   where the manifest ends, is damage too: the rows that wait would be gone without a word.
3. Sums of whole numbers are exact, although `numpy.sum` wraps around at 64 bits.
4. Rows are given in the order in which they came, but for updated ones, which come as if new.
5. The pages in the trace are bytes really moved, each page once a question, `used_bytes` of it asked for.

Cost, for N rows, columns of w bytes as they are encoded, pages of 8,168 bytes
------------------------------------------------------------------------------
=====================  =============================================================================================
a question             ceil(N * w / 8168) pages of each column that it names, less what zone maps let it skip
a point read           one chunk of every column, and of the key's one of every row group that has room for the key
one row more           a log record, and `columns * pages of a chunk / merge_rows` pages later
an append of old keys  a read of the key's column where zone maps cannot rule them out; keys that climb cost nothing
a merge                120 bytes of manifest for every chunk of the table
=====================  =============================================================================================

Left out: an index by key; sorting by another column; merging small row groups without writing everything (`compact`
needs room for two tables); several writers; a mask of deleted rows in a file of its own.

Sources: Copeland and Khoshafian, "A decomposition storage model", SIGMOD 1985; Ailamaki et al., "Weaving relations for
cache performance" (PAX), VLDB 2001; Stonebraker et al., "C-Store: a column-oriented DBMS", VLDB 2005; Heman et al.,
"Positional update handling in column stores", SIGMOD 2010; Abadi et al., "Materialization strategies in a
column-oriented DBMS", ICDE 2007; Moerkotte, "Small materialized aggregates" (zone maps), VLDB 1998; Raasveldt and
Muehleisen, "DuckDB: an embeddable analytical database", SIGMOD 2019.
"""

from dsys_lab.stores.column_store.chunk import Chunk, Filled
from dsys_lab.stores.column_store.execution import VECTOR_ROWS, Answer, tuple_at_a_time, vector_at_a_time
from dsys_lab.stores.column_store.manifest import Group
from dsys_lab.stores.column_store.opening import LAYOUTS
from dsys_lab.stores.column_store.store import ROW_GROUP_ROWS, ColumnStore, ColumnStoreStatus

__all__ = [
    "LAYOUTS",
    "ROW_GROUP_ROWS",
    "VECTOR_ROWS",
    "Answer",
    "Chunk",
    "ColumnStore",
    "ColumnStoreStatus",
    "Filled",
    "Group",
    "tuple_at_a_time",
    "vector_at_a_time",
]
