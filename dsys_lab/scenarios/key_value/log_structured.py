"""A tree whose pages are changed in place, and one whose runs are only ever merged: who moves which bytes?

No store is best at everything. Of *write*, *read* and *space amplification* (bytes moved, or kept, for each byte that
somebody wanted) one can have two low and pays with the third. The claims, a function each:

1. `falling_runs`: runs gather and fall from level to level, merging; the tree is the number of flushes in base T.
2. `rewritten`: how often an entry is written again, as counted by the store, as played on sizes alone (`played`), and
   by law: leveled about T / 2 times a level, tiered once.
3. `amplifications`: the B-tree, the LSM tree under either policy and the hash store do the same work; each loses one.
4. `absent_reads`: what a Bloom filter saves, by bits a key.

Sources: Athanassoulis et al., "Designing access methods: the RUM conjecture", EDBT 2016; Kleppmann, *Designing
Data-Intensive Applications*, ch. 3, "Comparing B-trees and LSM-trees"; the laws and their sources in `dsys_lab.laws`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import stream
from dsys_lab.simulation.devices import Priced, device
from dsys_lab.stores.key_value import HashStore, Leveled, LsmStore, Tiered
from dsys_lab.stores.key_value.lsm import CompactionPolicy, Levels
from dsys_lab.stores.row_store import RowStore
from dsys_lab.structures.append_log import NEVER
from dsys_lab.structures.buffer_pool import BufferPool
from dsys_lab.structures.disk import VolatileDisk
from dsys_lab.structures.schema import Schema
from dsys_lab.trace import Counters, Recorder, Scalar, Trace

POLICIES: Final[dict[str, Callable[[int], CompactionPolicy]]] = {"leveled": Leveled, "tiered": Tiered}
LAWS: Final[dict[str, Callable[[int, int], float]]] = {
    "leveled": laws.leveled_write_amplification,
    "tiered": laws.tiered_write_amplification,
}
STORES: Final = ("B-tree", "LSM, leveled", "LSM, tiered", "hash store")
STORE: Final = "lsm"
KEY_BYTES: Final = 8
VALUE_BYTES: Final = 100
PAIR_BYTES: Final = KEY_BYTES + VALUE_BYTES
ENTRY_BYTES: Final = PAIR_BYTES + 6
_A_FLUSH: Final = 8
_FRAMES: Final = 16
"""Frames of the B-tree's pool, of 8,192 bytes: the fewest that it works with."""
_MEMTABLE_BYTES: Final = 16_384
_SEGMENT_BYTES: Final = 131_072


# ------------------------------------------------------------------------------------------ 1. the picture
class _RunPicture:
    """A recorder that shows runs, each a brick in its level, at the pace of a device; pages only cost time."""

    def __init__(self, recorder: Recorder, on: str) -> None:
        self._priced = Priced(self, device(on))
        self._recorder = recorder
        self.written = self.flushed = 0
        self.told = False

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Price what comes from the store; pass on what comes back priced."""
        if not self.told:
            self.told = True
            self._priced.emit(time_us, kind, place, message, **fields)
            self.told = False
        elif kind in {"run", "run_merged"}:
            self._recorder.emit(time_us, kind, place, message, **fields)
            if kind == "run":
                self._count(time_us, fields)

    def _count(self, time_us: int, fields: dict[str, Scalar]) -> None:
        count = fields["count"]
        assert isinstance(count, int), "entries are counted"
        self.written += count
        self.flushed += count if fields["of"] == "memtable" else 0
        self._recorder.emit(
            time_us, "gauge", STORE, name="write amplification", value=round(self.written / self.flushed, 2),
            unit="times",
        )  # fmt: skip


@scenario("{policy}, T = {size_ratio}")
def falling_runs(
    sim: Simulation,
    *,
    policy: str = "leveled",
    size_ratio: int = 4,
    flushes: int = 40,
    new_keys: float = 1.0,
    on: str = "hdd",
) -> Claims:
    """Runs gather and fall from level to level, merging; the tree is the number of flushes in base T.

    So many memtables are filled and flushed. A share `new_keys` of the writes has a key that was not there before;
    the others are new values of older keys, and merging lets the older ones go.
    """
    _check(policy, size_ratio, flushes)
    if not 0 < new_keys <= 1:
        raise BadParameter(f"new_keys = {new_keys!r}: give a share above 0, up to 1")
    picture = _RunPicture(sim.recorder, on)
    store, chance = _flushing(policy, size_ratio, picture), sim.stream("keys")
    keys = 0
    for number in range(flushes * _A_FLUSH):
        if not keys or chance() < new_keys:
            key, keys = keys, keys + 1
        else:
            key = int(chance() * keys)
        store.put(_scattered(key), bytes(VALUE_BYTES), now_us=1_000 * number)
    sim.run()  # no machine, so a fault finds nothing to strike, and says so
    law = LAWS[policy](flushes, size_ratio)
    return Claims(references={"write amplification": {"value": law, "label": "law, in the end, of new keys"}})


def _flushing(policy: str, size_ratio: int, recorder: Recorder) -> LsmStore:
    """Return a store that flushes after every eighth write."""
    return LsmStore(
        VolatileDisk(), policy=POLICIES[policy](size_ratio), memtable_bytes_max=_A_FLUSH * ENTRY_BYTES, fsync=NEVER,
        place=STORE, recorder=recorder,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------ 2. how often rewritten
def rewritten(policy: str, size_ratio: int, *flushes: int) -> dict[str, list[tuple[float, float]]]:
    """Return (flushes, entries written a flushed one): as the store counted, as played on sizes, and by law."""
    _check(policy, size_ratio, *flushes)
    trace = Trace()
    store = _flushing(policy, size_ratio, _OnlyRuns(trace))
    for number in range(max(flushes, default=0) * _A_FLUSH):
        store.put(_scattered(number), bytes(VALUE_BYTES))
    counted, written, done = dict[int, float](), 0, 0
    for row in trace:
        done += row.fields["of"] == "memtable"
        written += int(row.fields["count"] or 0)
        counted[done] = written / (done * _A_FLUSH)
    return {
        "counted": [(n, counted[n]) for n in flushes],
        "played": [(n, played(POLICIES[policy](size_ratio), n).write_amplification) for n in flushes],
        "law": [(n, LAWS[policy](n, size_ratio)) for n in flushes],
    }


class _OnlyRuns:
    """A recorder that keeps the runs that were written, and nothing else."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Pass a run on."""
        if kind == "run":
            self._recorder.emit(time_us, kind, place, message, **fields)


@dataclass(frozen=True, slots=True)
class Played:
    """What a policy came to, on sizes alone.

    Attributes
    ----------
    write_amplification : float
        Flushes written, for each flush.
    runs_most, runs_mean : float
        How many runs there were after a flush and its merges.
    levels : tuple of tuple of int
        The runs that are left, in flushes, by level, the newest first.
    """

    write_amplification: float
    runs_most: int
    runs_mean: float
    levels: tuple[tuple[int, ...], ...]


def played(policy: CompactionPolicy, flushes: int, *, steps_most: int = 100) -> Played:
    """Play a policy without a store: n flushes of one unit each, of keys that are all different.

    A policy of a reader's own may be played as well: anything with `decide(levels)`.

    Raises
    ------
    BadParameter
        If the policy asks for what cannot be done, or finds no end.

    Examples
    --------
    >>> played(Tiered(10), 1_000).write_amplification, played(Leveled(10), 1_000).write_amplification
    (4.0, 18.5)
    >>> played(Tiered(3), 17).levels
    ((1, 1), (3, 3), (9,))
    """
    require_positive(flushes=flushes)
    levels: list[list[int]] = [[]]
    written, runs = 0, list[int]()
    for _ in range(flushes):
        levels[0].insert(0, 1)
        written += 1
        for _ in range(steps_most):
            decision = policy.decide(Levels(1, tuple(map(tuple, levels))))
            if decision is None:
                break
            written += _merge(levels, decision.level, with_next=decision.with_next)
        else:
            raise BadParameter(f"{policy!r} decided {steps_most} times after one flush: let it return None in the end")
        runs.append(sum(map(len, levels)))
    return Played(written / flushes, max(runs), sum(runs) / flushes, tuple(map(tuple, levels)))


def _merge(levels: list[list[int]], level: int, *, with_next: bool) -> int:
    """Merge a level of sizes into the next, and return how much was written."""
    if not 0 <= level < len(levels) or not levels[level]:
        raise BadParameter(f"a compaction of level {level}: give one that holds runs")
    if level + 1 == len(levels):
        levels.append([])
    gone = [*levels[level], *(levels[level + 1] if with_next else ())]
    levels[level + 1] = [sum(gone), *(() if with_next else levels[level + 1])]
    levels[level] = []
    return sum(gone)


# ------------------------------------------------------------------------------------------ 3. three amplifications
@dataclass(frozen=True, slots=True)
class Amplification:
    """What one byte of keys and values cost, in bytes really moved or kept.

    Attributes
    ----------
    write : float
        Bytes written to files and log, for each byte that was put.
    log : float
        The log's part of it.
    read, absent : float
        Bytes read from the disk for each byte of a pair that was got, and for a pair that was not there.
    space : float
        Bytes on the disk for each byte of a live pair, the log left out.
    """

    write: float
    log: float
    read: float
    absent: float
    space: float


def amplifications(
    store: str, *, keys: int = 4_000, updates: int = 8_000, reads: int = 400, seed: int = 7
) -> Amplification:
    """Let a store take in keys in random order, change random ones, and be asked for some that are there or are not.

    Each pair is 108 bytes, 432,000 in all. In memory are 131,072 bytes of pages (B-tree), 16,384 of writes with the
    filters and indexes of the runs (LSM), or all keys (hash store). The log is written but not waited for.
    """
    require_choice("store", store, STORES)
    require_positive(keys=keys, updates=updates, reads=reads)
    counted, chance = Counters(), stream(seed, "keys")
    order = sorted(range(keys), key=lambda _: chance())
    able = _able(store, counted)
    for key in order:
        able.put(2 * key, new=True)
    for _ in range(updates):
        able.put(2 * int(chance() * keys), new=False)
    put_bytes = (keys + updates) * PAIR_BYTES
    page_bytes, log_bytes = counted.sum("page_write", "size_bytes"), counted.sum("log_append", "size_bytes")
    size_bytes = able.size_bytes()

    def read(odd: int) -> float:
        before = able.read_bytes()
        for _ in range(reads):
            able.get(2 * int(chance() * (keys - 1)) + odd)
        return (able.read_bytes() - before) / (reads * PAIR_BYTES)

    return Amplification(
        (page_bytes + log_bytes) / put_bytes, log_bytes / put_bytes, read(0), read(1), size_bytes / (keys * PAIR_BYTES)
    )


class _KeyValue:
    """The hash store or the LSM store under whole numbers."""

    def __init__(self, store: HashStore | LsmStore, counted: Counters) -> None:
        self._store, self._counted = store, counted

    def put(self, key: int, *, new: bool) -> None:
        self._store.put(key.to_bytes(KEY_BYTES, "big"), bytes(VALUE_BYTES))

    def get(self, key: int) -> object:
        return self._store.get(key.to_bytes(KEY_BYTES, "big"))

    def size_bytes(self) -> int:
        status = self._store.status()
        return status.size_bytes - getattr(status, "log_bytes", 0)

    def read_bytes(self) -> float:
        return self._counted.sum("page_read", "size_bytes")


class _BTree:
    """Rows in a heap, found by a tree of their keys; each page is changed where it lies."""

    def __init__(self, counted: Counters) -> None:
        self._from_disk = _FromDisk(counted)
        schema = Schema.of("key u64, value text")
        self._table = RowStore(
            VolatileDisk(), "pairs", schema, key="key", pool=BufferPool(_FRAMES), durable=False,
            checkpoint_bytes=1 << 20, recorder=self._from_disk,
        )  # fmt: skip
        self._value = "v" * VALUE_BYTES

    def put(self, key: int, *, new: bool) -> None:
        if new:
            self._table.append([(key, self._value)])
        else:
            self._table.update(key, {"value": self._value})

    def get(self, key: int) -> object:
        return self._table.get(key)

    def size_bytes(self) -> int:
        return self._table.status().size_bytes

    def read_bytes(self) -> float:
        return self._from_disk.read_bytes


class _FromDisk:
    """A recorder that tells what was read from the disk from what was in memory."""

    def __init__(self, counted: Counters) -> None:
        self._counted = counted
        self.read_bytes = 0.0

    def emit(self, time_us: int, kind: str, place: str, message: str | None = None, /, **fields: Scalar) -> None:
        """Add up, and pass on."""
        if kind == "page_read" and fields["source"] == "disk":
            self.read_bytes += int(fields["size_bytes"] or 0)
        self._counted.emit(time_us, kind, place, message, **fields)


def _able(store: str, counted: Counters) -> Any:
    if store == "B-tree":
        return _BTree(counted)
    if store == "hash store":
        hashed = HashStore(VolatileDisk(), fsync=NEVER, segment_bytes=_SEGMENT_BYTES, recorder=counted)
        return _KeyValue(hashed, counted)
    policy = POLICIES[store.removeprefix("LSM, ")](4)
    return _KeyValue(
        LsmStore(VolatileDisk(), policy=policy, memtable_bytes_max=_MEMTABLE_BYTES, fsync=NEVER, recorder=counted),
        counted,
    )


# ------------------------------------------------------------------------------------------ 4. absent keys
def absent_reads(*bits_per_key: int, keys: int = 4_000, asked: int = 4_000) -> dict[str, list[tuple[float, float]]]:
    """Return (bits a key, share of absent keys for which a block was read): as counted, and by law."""
    require_positive(keys=keys, asked=asked)
    counted = []
    for bits in bits_per_key:
        counters = Counters()
        store = LsmStore(
            VolatileDisk(), memtable_bytes_max=1 << 30, bits_per_key=bits, fsync=NEVER, recorder=counters
        )  # fmt: skip
        for key in range(keys):
            store.put((2 * key).to_bytes(KEY_BYTES, "big"), bytes(VALUE_BYTES))
        store.flush()
        before = counters.count("page_read")
        for key in range(asked):
            store.get((2 * (key % (keys - 1)) + 1).to_bytes(KEY_BYTES, "big") + (key // (keys - 1)).to_bytes(2, "big"))
        counted.append((float(bits), (counters.count("page_read") - before) / asked))
    by_law = [
        (float(bits), laws.bloom_false_positives(bits, laws.bloom_best_hashes(bits) if bits else 0))
        for bits in bits_per_key
    ]
    return {"counted": counted, "law": by_law}


def _scattered(number: int) -> bytes:
    """Return a key of eight bytes; numbers that follow each other lie far apart."""
    return (number * 0x9E37_79B9_7F4A_7C15 % 2**64).to_bytes(KEY_BYTES, "big")


def _check(policy: str, size_ratio: int, *flushes: int) -> None:
    require_choice("policy", policy, tuple(POLICIES))
    POLICIES[policy](size_ratio)
    for number in flushes:
        if number < 1:
            raise BadParameter(f"flushes = {number!r}: give 1 or more")
