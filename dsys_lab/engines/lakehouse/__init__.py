"""Table formats on plain files, and programs that nobody here wrote which read them.

`Parquet` lets the model's tables be real ones: with it and a `FolderStore`, `dsys_lab.stores.lake` writes Delta tables
that delta-rs and DuckDB read, and reads theirs. `DeltaRs` is delta-rs behind the verbs of the model's table.
`IcebergTable` is the other format, through PyIceberg: a tree of metadata in place of a log, and columns by number.

The last two need the extra `lake`: `pip install 'dsys_lab[lake]'`.

Sources: delta-io/delta, PROTOCOL.md; iceberg.apache.org, "Spec"; duckdb.org, "Parquet"; behaviour as measured with
deltalake 1.6.6, pyiceberg 0.12.0 and DuckDB 2.0.0, none of which needs pyarrow for what is asked here.
"""

from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.engines.lakehouse.parquet import Parquet
from dsys_lab.errors import EngineMissing

try:
    from dsys_lab.engines.lakehouse.delta import DIFFERENCES, DeltaRs
    from dsys_lab.engines.lakehouse.iceberg import IcebergTable
except ModuleNotFoundError as missing:
    raise EngineMissing(f"{missing.name} is not installed: pip install 'dsys_lab[lake]'") from missing

__all__ = ["DIFFERENCES", "DeltaRs", "FolderStore", "IcebergTable", "Parquet"]
