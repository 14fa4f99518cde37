"""Several machines, or several processes that stand for them: the same question over the same Parquet by dask.

`DSYS_LAB_DASK=tcp://host:8786` names the scheduler of a cluster of your own; its workers need DuckDB, and the files
under the same path. Without it two processes are started here, and end with this one (`connection`). `DaskParquet` cuts
the files into pieces, lets a task read each with DuckDB, and adds up what they found.
"""

from dsys_lab.engines.dask.connection import Connection, connection
from dsys_lab.engines.dask.parquet import DIFFERENCES, DaskParquet

__all__ = ["DIFFERENCES", "Connection", "DaskParquet", "connection"]
