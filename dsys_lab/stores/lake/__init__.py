"""What must be added to a folder of files, so that it is as good as a table, and what if nothing is?

In reading order: `actions` (what is written down of a change), `snapshot` (which files are the table), `conflicts` (may
the second writer still commit?), `table_log` (transactions on an object store), `files` (rows as bytes), `table`. They
keep to the Delta protocol: with `dsys_lab.engines.lakehouse.Parquet` for files, others read what is written here.
`schema_on_read` is the folder without a table: raw lines, and a schema that each reader brings.
"""

from dsys_lab.stores.lake.actions import Add, CommitInfo, Field, Fields, Metadata, Protocol, Remove, Stats, Transaction
from dsys_lab.stores.lake.conflicts import NOTHING, Read, conflict
from dsys_lab.stores.lake.files import Codec, Columns, JsonLines
from dsys_lab.stores.lake.snapshot import Snapshot, after
from dsys_lab.stores.lake.table import WEEK_MS, Answer, LakeTable, TableStatus, Vacuumed, VersionGone
from dsys_lab.stores.lake.table_log import CommitConflict, Committed, Objects, TableLog

__all__ = [
    "NOTHING",
    "WEEK_MS",
    "Add",
    "Answer",
    "Codec",
    "Columns",
    "CommitConflict",
    "CommitInfo",
    "Committed",
    "Field",
    "Fields",
    "JsonLines",
    "LakeTable",
    "Metadata",
    "Objects",
    "Protocol",
    "Read",
    "Remove",
    "Snapshot",
    "Stats",
    "TableLog",
    "TableStatus",
    "Transaction",
    "Vacuumed",
    "VersionGone",
    "after",
    "conflict",
]
