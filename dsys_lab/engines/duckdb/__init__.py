"""DuckDB: a column store in one file, in the process that asks it.

`profile` reads what DuckDB tells of a question after it was answered: row groups and rows that were scanned, bytes that
came from the file. `table` has the verbs of `dsys_lab.stores.table`, and says what is otherwise than in the model;
`warehouse` has those of `dsys_lab.stores.warehouse`, `cube` those of cuboids, `batch` the verb of a batch job;
`streaming_sql` gives the batch answer to a query over streams; `parquet_groups` reads the zone maps of a Parquet file.

Sources: duckdb.org, "Storage", "Profiling", "Indexing"; Raasveldt and Muehleisen, "DuckDB: an embeddable analytical
database", SIGMOD 2019; behaviour as measured with DuckDB 2.0.0.
"""

from dsys_lab.engines.duckdb.batch import DuckdbBatchJob
from dsys_lab.engines.duckdb.cube import DuckdbCube
from dsys_lab.engines.duckdb.parquet_groups import groups_met
from dsys_lab.engines.duckdb.profile import Profile
from dsys_lab.engines.duckdb.streaming_sql import DuckdbBatch, batch_sql
from dsys_lab.engines.duckdb.table import DIFFERENCES, DuckdbStatus, DuckdbTable
from dsys_lab.engines.duckdb.warehouse import DuckdbWarehouse

__all__ = [
    "DIFFERENCES",
    "DuckdbBatch",
    "DuckdbBatchJob",
    "DuckdbCube",
    "DuckdbStatus",
    "DuckdbTable",
    "DuckdbWarehouse",
    "Profile",
    "batch_sql",
    "groups_met",
]
