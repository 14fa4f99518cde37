"""Table formats on plain files, and programs that nobody here wrote which read them.

`Parquet` lets the model's tables be real ones: with it and a `FolderStore`, `dsys_lab.stores.lake` writes Delta tables
that delta-rs and DuckDB read, and reads theirs. `delta.DeltaRs` is delta-rs behind the verbs of the model's table.
`iceberg.IcebergTable` is the other format, through PyIceberg: a tree of metadata in place of a log, and columns by
number. These two modules need the extra `lake`: `pip install 'dsys_lab[lake]'`.

Sources: delta-io/delta, PROTOCOL.md; iceberg.apache.org, "Spec"; duckdb.org, "Parquet"; behaviour as measured with
deltalake 1.6.6, pyiceberg 0.12.0 and DuckDB 2.0.0, none of which needs pyarrow for what is asked here.
"""

from dsys_lab.engines.lakehouse.asking import ask
from dsys_lab.engines.lakehouse.differences import DIFFERENCES
from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.engines.lakehouse.parquet import Parquet

__all__ = ["DIFFERENCES", "FolderStore", "Parquet", "ask"]
