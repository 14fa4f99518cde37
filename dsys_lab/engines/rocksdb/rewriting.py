"""How often does RocksDB write an entry again? It says so itself."""

from __future__ import annotations

from random import Random

from dsys_lab.engines.rocksdb.store import RocksdbStore
from dsys_lab.errors import require_positive
from dsys_lab.stores.key_value.lsm import Leveled, Tiered


def write_amplification(policy: Leveled | Tiered, *, puts: int = 20_000, seed: int = 7) -> float:
    """Put random keys with values of 100 bytes, wait until merging is done, and return what was written a flushed byte.

    The memtable has 64 KiB, so that some 40 runs are flushed. When merges begin depends on threads, so the number
    differs a little from run to run.
    """
    require_positive(puts=puts)
    luck = Random(seed)
    with RocksdbStore(policy=policy, memtable_bytes_max=64 << 10, durable=False) as store:
        for _ in range(puts):
            store.put(luck.randbytes(8), bytes(100))
        store.flush()
        store.settle()
        return store.status().write_amplification
