"""A key-value store in RocksDB, with the verbs of `dsys_lab.stores.key_value.verbs`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import rocksdict

from dsys_lab.engines.difference import Difference
from dsys_lab.engines.rocksdb.counters import files_by_level, printed_write_amplification, tickers
from dsys_lab.errors import BadParameter, Damaged, MayHaveHappened, Refused, require_not_negative, require_positive
from dsys_lab.stores.key_value.lsm import Leveled, Tiered
from dsys_lab.stores.key_value.verbs import Pair, check_key, check_range, check_value

DIFFERENCES: Final = (
    Difference(
        "`now_us` labels the rows of a trace",
        "time is real, and there is no trace",
        "It counts instead: `status().counters`.",
    ),
    Difference(
        "a put waits for the flush and the merges that it causes",
        "threads flush and merge behind the writer",
        "What has been written so far depends on the moment; `settle` waits until nothing is left to do.",
    ),
    Difference(
        "a compaction takes whole levels",
        "a level is cut into files, and a compaction takes one of them with what it overlaps below",
        "No compaction is long, and the write amplification is lower than the law of full merges.",
    ),
    Difference(
        "a flush is merged into level 1 at once",
        "four flushes gather in level 0 first",
        "Less is rewritten; a read may have to look into four runs more.",
    ),
    Difference(
        "`Tiered(T)` has levels of T runs",
        "universal compaction merges runs that are next to each other and of similar size, from T runs on",
        "The trade is the same, the shape of the tree is not.",
    ),
    Difference(
        "every block is read from the disk",
        "blocks are kept in a cache of 32 MB, and compressed unless told otherwise",
        "Compression is off here, so that bytes can be compared; reads of the cache are not reads of the disk.",
    ),
    Difference(
        "a damaged block is named by its number",
        "by its offset in the file",
        "A merge that meets it stops writing altogether, until the store is opened anew.",
    ),
)
"""What the engine does otherwise than `stores.key_value.lsm`, as a table."""


@dataclass(frozen=True, slots=True)
class RocksdbStatus:
    """What is where, and what was moved since the store was opened.

    Attributes
    ----------
    keys : int
        RocksDB's estimate.
    files : tuple of int
        How many lie in each level, from level 0 on.
    memtable_bytes, size_bytes : int
        In memory; of all files with entries.
    flushed_bytes, compacted_bytes : int
        Written by flushes, and by compactions.
    bloom_useful : int
        Reads of a file that its Bloom filter saved.
    printed_write_amplification : float
        What `rocksdb.stats` prints, to one decimal.
    counters : dict
        Every ticker by its name.
    """

    keys: int
    files: tuple[int, ...]
    memtable_bytes: int
    size_bytes: int
    flushed_bytes: int
    compacted_bytes: int
    bloom_useful: int
    printed_write_amplification: float
    counters: dict[str, int]

    @property
    def write_amplification(self) -> float:
        """Bytes written to runs, over those that flushes wrote; 0 before the first flush."""
        return (self.flushed_bytes + self.compacted_bytes) / self.flushed_bytes if self.flushed_bytes else 0.0


class RocksdbStore:
    """Keys and values in RocksDB (see `dsys_lab.stores.key_value.verbs` for what may be asked of it).

    Parameters
    ----------
    folder : path, optional
        Where its files are; by default in a temporary folder that goes with this object.
    policy : Leveled or Tiered
        Leveled or universal compaction, with this size ratio.
    memtable_bytes_max : int
        RocksDB's `write_buffer_size`.
    bits_per_key : float
        Of the Bloom filters; 0 does without.
    durable : bool
        Whether a write waits for the disk. Without, it survives a crash of this process, but not a loss of power.

    Raises
    ------
    Refused
        If the folder is in use, or cannot be opened.
    Damaged
        If what it holds is not what was written.

    Examples
    --------
    >>> store = RocksdbStore()
    >>> store.put(b"sleeper-17", b"7.5")
    >>> store.get(b"sleeper-17"), store.get(b"sleeper-18")
    (b'7.5', None)
    >>> store.close()
    """

    engine = f"RocksDB, by rocksdict {version('rocksdict')}"

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        policy: Leveled | Tiered | None = None,
        memtable_bytes_max: int = 1 << 20,
        bits_per_key: float = 10,
        durable: bool = True,
    ) -> None:
        require_positive(memtable_bytes_max=memtable_bytes_max)
        require_not_negative(bits_per_key=bits_per_key)
        policy = Leveled() if policy is None else policy
        if not isinstance(policy, Leveled | Tiered):
            raise BadParameter(f"policy = {policy!r}: RocksDB knows Leveled(...) and Tiered(...)")
        self._options = _options(policy, memtable_bytes_max, bits_per_key)
        self._temporary = TemporaryDirectory(prefix="dsys_lab-", ignore_cleanup_errors=True) if folder is None else None
        self.folder = Path(self._temporary.name if self._temporary else folder or ".")
        self._closed = False
        self._last: RocksdbStatus | None = None
        self._writing = rocksdict.WriteOptions()
        self._writing.sync = durable
        with _told(f"{self.folder} could not be opened", else_raise=Refused):
            self._db: Any = rocksdict.Rdict(str(self.folder), self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ verbs
    def put(self, key: bytes, value: bytes, *, now_us: int = 0) -> None:
        """Let `key` have `value`."""
        self._require_open()
        check_key(key)
        check_value(value)
        with _told("put", else_raise=MayHaveHappened):
            self._db.put(key, value, self._writing)

    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        """Return the value of `key`, or None if it is absent."""
        self._require_open()
        check_key(key)
        with _told("get", else_raise=Refused):
            return self._db.get(key)

    def delete(self, key: bytes, *, now_us: int = 0) -> None:
        """Let `key` be absent."""
        self._require_open()
        check_key(key)
        with _told("delete", else_raise=MayHaveHappened):
            self._db.delete(key, self._writing)

    def scan(self, low: bytes | None = None, high: bytes | None = None, *, now_us: int = 0) -> Iterator[Pair]:
        """Give the pairs from `low` up to but not with `high`; RocksDB's iterator shows the moment of its making."""
        self._require_open()
        check_range(low, high)
        with _told("scan", else_raise=Refused):
            cursor = self._db.iter()
            if low:
                cursor.seek(low)
            else:
                cursor.seek_to_first()
        return self._pairs(cursor, high)

    def _pairs(self, cursor: Any, high: bytes | None) -> Iterator[Pair]:
        """Walk on. (The `items` of rocksdict end at a damaged block as if there were no more; `iter` can be asked.)"""
        while True:
            self._require_open()
            with _told("scan", else_raise=Refused):
                if not cursor.valid():
                    cursor.status()
                    return
                pair = cursor.key(), cursor.value()
                cursor.next()
            if high is not None and pair[0] >= high:
                return
            yield pair

    def status(self) -> RocksdbStatus:
        """Return what is where; once closed, what was there at the end."""
        return self._last if self._last is not None else self._status()

    # ------------------------------------------------------------ upkeep
    def flush(self, *, now_us: int = 0) -> None:
        """Write the memtable as a file of level 0."""
        self._require_open()
        with _told("flush", else_raise=MayHaveHappened):
            self._db.flush()

    def settle(self, *, most_s: float = 60.0) -> None:
        """Flush, and wait until no compaction has run for a tenth of a second.

        (`rocksdb.compaction-pending` would be the better question, but may stay 1 for ever under universal compaction.)

        Raises
        ------
        Refused
            If compactions go on for longer than `most_s`; what was put is none the worse for it.
        """
        self.flush()
        began_s, quiet = time.monotonic(), 0
        while quiet < 10:
            quiet = quiet + 1 if self._property("rocksdb.num-running-compactions") == "0" else 0
            if time.monotonic() - began_s > most_s:
                raise Refused(f"{self.folder}: compactions went on for more than {most_s} s; wait again, or go on")
            time.sleep(0.01)

    def close(self) -> None:
        """Let go of the files; a temporary folder is removed."""
        if self._closed:
            return
        self._last, self._closed = self._status(), True
        with _told("close", else_raise=MayHaveHappened):
            self._db.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _status(self) -> RocksdbStatus:
        counted = tickers(self._options.get_statistics())
        return RocksdbStatus(
            keys=int(self._property("rocksdb.estimate-num-keys")),
            files=files_by_level(self._property),
            memtable_bytes=int(self._property("rocksdb.cur-size-all-mem-tables")),
            size_bytes=int(self._property("rocksdb.total-sst-files-size")),
            flushed_bytes=counted.get("rocksdb.flush.write.bytes", 0),
            compacted_bytes=counted.get("rocksdb.compact.write.bytes", 0),
            bloom_useful=counted.get("rocksdb.bloom.filter.useful", 0),
            printed_write_amplification=printed_write_amplification(self._property("rocksdb.stats")),
            counters=counted,
        )

    def _property(self, name: str) -> str:
        return self._db.property_value(name) or "0"

    def _require_open(self) -> None:
        if self._closed:
            raise Refused(f"{self.folder} is closed: open it anew")


def _options(policy: Leveled | Tiered, memtable_bytes_max: int, bits_per_key: float) -> Any:
    """Return RocksDB's settings: as the model's, where it has the same."""
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.enable_statistics()
    options.set_compression_type(rocksdict.DBCompressionType.none())
    options.set_write_buffer_size(memtable_bytes_max)
    options.set_target_file_size_base(memtable_bytes_max)
    table = rocksdict.BlockBasedOptions()
    if bits_per_key:
        table.set_bloom_filter(round(bits_per_key), False)  # one filter a file
    options.set_block_based_table_factory(table)
    if isinstance(policy, Leveled):
        options.set_level_compaction_dynamic_level_bytes(False)
        options.set_max_bytes_for_level_base(memtable_bytes_max * policy.size_ratio)
        options.set_max_bytes_for_level_multiplier(policy.size_ratio)
    else:
        options.set_compaction_style(rocksdict.DBCompactionStyle.universal())
        options.set_level_zero_file_num_compaction_trigger(policy.size_ratio)
    return options


@contextmanager
def _told(what: str, *, else_raise: type[Exception]) -> Iterator[None]:
    """Say in words of ours what RocksDB complains about: rocksdict raises a bare `Exception` with a sentence."""
    try:
        yield
    except (rocksdict.DbClosedError, StopIteration):
        raise
    except Exception as error:
        if str(error).startswith("Corruption"):
            raise Damaged(f"{what}: {error}; restore the file from a copy") from error
        raise else_raise(f"{what}: {error}") from error
