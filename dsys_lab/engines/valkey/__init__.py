"""Valkey, the cache server: the verbs of the model's cache, and what it throws out when its memory is full.

One server for a process, started at the first use; `DSYS_LAB_VALKEY=valkey://host:6379/0` uses yours instead
(`connection`). `cache` has the verbs, and says what is otherwise; `eviction` a server with little memory.
"""

from dsys_lab.engines.valkey.cache import CACHE_DIFFERENCES, ValkeyCache
from dsys_lab.engines.valkey.connection import Connection, connection
from dsys_lab.engines.valkey.eviction import ANY_ONE, LEAST_RECENT, Evicted, read_through, thrown_out

__all__ = [
    "ANY_ONE",
    "CACHE_DIFFERENCES",
    "LEAST_RECENT",
    "Connection",
    "Evicted",
    "ValkeyCache",
    "connection",
    "read_through",
    "thrown_out",
]
