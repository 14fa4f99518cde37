"""Apache Flink itself, asked the same SQL: the engine behind Amazon Managed Service for Apache Flink.

It is no part of the suite's environment, for its pins (pandas 2, numpy 2.1, pyarrow 16) and the suite's exclude each
other: `make flink` prepares one of its own, `.venv-flink`, with Java from a wheel; `DSYS_LAB_FLINK=/path/to/python`
names another Python that has apache-flink. `engine` speaks with it through a pipe, `answering` is what runs there.

The tables are bounded: each is a file with the rows in the order in which they came, so every query ends, and what
comes out is every change that Flink says, late rows dropped and all. What it does otherwise than the model stands in
`FLINK_DIFFERENCES`.

Sources: Apache Flink documentation, "Windowing table-valued functions", "Time attributes", "FileSystem SQL connector";
behaviour as measured with apache-flink 2.3.0 and Java 17.
"""

from dsys_lab.engines.flink.differences import FLINK_DIFFERENCES
from dsys_lab.engines.flink.engine import SETTING, Flink, FlinkTables

__all__ = ["FLINK_DIFFERENCES", "SETTING", "Flink", "FlinkTables"]
