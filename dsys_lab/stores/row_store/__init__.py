"""How does a store answer "the row of key 17" at once, and keep its word when the power goes?

It lays each row down whole, its columns one after the other, in pages of 8,192 bytes, so one page holds all that is
known of 120 nights. A tree of keys says on which page a row is. To change a row is to change a page. ::

    get(17)                                  append(rows)
       |                                        |
       v                                        v
    by_night_id:  root --> leaf --> rid      heap: last page     by_night_id: a leaf
                                     |          |                    |
    heap:  [page][page][page] <------'          `--- one log record -'--> sync --> acknowledged
            120 rows each                                 |
                                                          `--> pages written later: at a checkpoint, or for their frame

That is what a store of many small transactions (OLTP) is made for. The price is paid by whoever wants one column of
every row: the other columns are carried along, for a page is read whole.

Files, all on one `Disk`: `name.heap`, `name.by_column` for the key and each further index, and the segments of the log.
In reading order: `row_format` (a row's bytes), `heap_file` (where rows go), `column_index` (finding them), `cursor` (a
scan, page by page), `folding` (aggregates), `store` (the verbs). Below them stand `structures.page`, `buffer_pool`,
`b_tree` and `journaled_pages`, where the log and the crash are dealt with.

Promises
--------
1. Those of every table (`stores.table`): bad input is refused whole; what was acknowledged survives a crash; a row is
   there whole, in the heap and in every index, or not at all.
2. A torn page is repaired from its image in the log; any other damaged page is found by its checksum and named, and the
   others stay readable.
3. Every page that is read or written leaves a row in the trace, with the bytes of it that were asked for.

Cost, in pages: a point read `height + 1` (4 at a million rows); a scan all `laws.row_pages`, whatever it asks for; an
insert 1 page of the heap and 1 of each index, plus the log.

Left out: several writers and isolation (lab 08 has them); giving room back to other pages (VACUUM); keys of several
columns; a planner.

Sources: Kleppmann, *Designing Data-Intensive Applications*, ch. 3; Hellerstein, Stonebraker and Hamilton, "Architecture
of a database system", 2007, sec. 5; PostgreSQL documentation, "Database physical storage".
"""

from dsys_lab.stores.row_store.cursor import Cursor
from dsys_lab.stores.row_store.store import RowStore, RowStoreStatus

__all__ = ["Cursor", "RowStore", "RowStoreStatus"]
