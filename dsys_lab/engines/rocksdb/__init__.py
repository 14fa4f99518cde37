"""RocksDB: the LSM store that stands inside many databases, in this process.

`store` has the verbs of `dsys_lab.stores.key_value.verbs` on it, and says what is otherwise than in the model;
`counters` reads what RocksDB counts by itself: bytes flushed and compacted, files a level, reads that a filter saved.

Sources: RocksDB wiki, "Leveled compaction", "Universal compaction", "Statistics"; behaviour as measured with rocksdict
0.3.29.
"""

from dsys_lab.errors import EngineMissing

try:
    from dsys_lab.engines.rocksdb.store import DIFFERENCES, RocksdbStatus, RocksdbStore
except ModuleNotFoundError as missing:
    raise EngineMissing("rocksdict is not installed: `make lab` installs it, or `pip install rocksdict`") from missing

__all__ = ["DIFFERENCES", "RocksdbStatus", "RocksdbStore"]
