"""The LSM store itself: a log, a memtable, runs in levels, and the policy that merges them."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dsys_lab.errors import BadParameter, Damaged, Refused, require_positive
from dsys_lab.stores.key_value.entry import decode, encode, is_tombstone, value_of
from dsys_lab.stores.key_value.lsm import manifest
from dsys_lab.stores.key_value.lsm.block import Stored
from dsys_lab.stores.key_value.lsm.bloom_filter import BITS_PER_KEY_MAX
from dsys_lab.stores.key_value.lsm.compaction import Compaction, CompactionPolicy, Leveled, Levels
from dsys_lab.stores.key_value.lsm.manifest import Manifest, RunInfo
from dsys_lab.stores.key_value.lsm.memtable import Memtable
from dsys_lab.stores.key_value.lsm.merging import merged
from dsys_lab.stores.key_value.lsm.snapshot import Snapshot, lookup
from dsys_lab.stores.key_value.lsm.sorted_run import RunWriter, SortedRun
from dsys_lab.stores.key_value.verbs import Pair, check_key, check_value
from dsys_lab.structures.append_log import EVERY_RECORD, SEGMENT_NAME, AppendLog, Cut, Fsync
from dsys_lab.structures.disk import Disk
from dsys_lab.trace import NO_TRACE, Recorder


@dataclass(frozen=True, slots=True)
class LevelStatus:
    """How many runs lie in a level, with how many entries (tombstones and outdated ones too) and bytes."""

    runs: int
    entries: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LsmStatus:
    """What is where.

    Attributes
    ----------
    memtable_entries, memtable_bytes : int
        Keys that wait for the next flush; bytes of the writes since the last one.
    levels : tuple of LevelStatus
        From level 0 on.
    log_bytes : int
        What would be replayed if the store were opened now.
    cut : Cut or None
        The torn tail that opening cut off the log.
    removed : tuple of str
        The files that opening found in no manifest and took away.
    halted : str
        Why no run is merged any more: a block that a merge had to read is damaged. "" if all is well.
    """

    memtable_entries: int
    memtable_bytes: int
    levels: tuple[LevelStatus, ...]
    log_bytes: int
    cut: Cut | None
    removed: tuple[str, ...]
    halted: str

    @property
    def size_bytes(self) -> int:
        """Bytes of the log and of all runs that count."""
        return self.log_bytes + sum(level.size_bytes for level in self.levels)


class LsmStore:
    """A log-structured merge-tree (see `verbs` for what may be asked of it).

    Parameters
    ----------
    disk : Disk
        Holds this store and nothing else.
    policy : CompactionPolicy
        Which runs are merged, and when; it may be another one at every opening.
    memtable_bytes_max : int
        Writes of this size together make a flush.
    block_bytes : int
        What one read brings.
    bits_per_key : float
        Of the Bloom filters, up to 100; 0 does without.
    fsync : Fsync
        When writes are made durable.
    place : str
        The name under which its rows appear.
    recorder : Recorder
        Where its rows go.
    now_us : int
        When it is opened.

    Raises
    ------
    Damaged
        If the log or the manifest is not what was written, or a file is missing.

    Examples
    --------
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> store = LsmStore(VolatileDisk(), memtable_bytes_max=1_000)
    >>> for night in range(100):
    ...     store.put(b"night-%03d" % night, b"7.5")
    >>> store.delete(b"night-007")
    >>> store.get(b"night-008"), store.get(b"night-007"), [level.runs for level in store.status().levels]
    (b'7.5', None, [0, 1])
    >>> list(store.scan(b"night-006", b"night-009"))
    [(b'night-006', b'7.5'), (b'night-008', b'7.5')]
    """

    def __init__(
        self,
        disk: Disk,
        *,
        policy: CompactionPolicy | None = None,
        memtable_bytes_max: int = 1 << 20,
        block_bytes: int = 4_096,
        bits_per_key: float = 10,
        fsync: Fsync = EVERY_RECORD,
        place: str = "lsm",
        recorder: Recorder = NO_TRACE,
        now_us: int = 0,
    ) -> None:
        require_positive(memtable_bytes_max=memtable_bytes_max, block_bytes=block_bytes)
        if not 0 <= bits_per_key <= BITS_PER_KEY_MAX:
            raise BadParameter(f"bits_per_key = {bits_per_key!r}: give 0 to {BITS_PER_KEY_MAX}; 10 let 1 % pass")
        self.policy = policy if policy is not None else Leveled()
        if isinstance(self.policy, type) or not hasattr(self.policy, "decide"):
            raise BadParameter(f"policy = {policy!r}: give one that decides, as Leveled() or Tiered() do")
        self.disk, self.place, self.recorder = disk, place, recorder
        self._memtable_bytes_max, self._block_bytes, self._bits_per_key = memtable_bytes_max, block_bytes, bits_per_key
        self._manifest = manifest.newest(disk) or Manifest()
        if disk.names() and not any(map(SEGMENT_NAME.match, disk.names())):
            raise Damaged(f"the log from record {self._manifest.lsn} on is missing: restore its files from a copy")
        self._log = AppendLog(disk, fsync=fsync, place=f"{place}/log", recorder=recorder, now_us=now_us)
        self._memtable = Memtable()
        self._snapshots: list[weakref.ref[Snapshot]] = []
        self._outdated: list[SortedRun] = []
        self._halted, self._closed = "", False
        self._require_all_files()
        self._runs = tuple(self._opened(info) for info in self._manifest.runs)
        self._removed = tuple(self._remove_orphans())
        self._replay()

    # ------------------------------------------------------------ write path
    def put(self, key: bytes, value: bytes, *, now_us: int = 0) -> None:
        """Let `key` have `value`: one append to the log, one entry in memory, and now and then a flush."""
        check_value(value)
        self._write(key, value, now_us)

    def delete(self, key: bytes, *, now_us: int = 0) -> None:
        """Let `key` be absent: writes a tombstone, for an older run may have the key."""
        self._write(key, None, now_us)

    def _write(self, key: bytes, value: bytes | None, now_us: int) -> None:
        self._require_open()
        check_key(key)
        stored = encode(key, value)
        self._log.append(now_us, stored)
        self._memtable.put(key, stored)
        if self._memtable.written_bytes >= self._memtable_bytes_max:
            self.flush(now_us=now_us)

    # ------------------------------------------------------------ read path
    def get(self, key: bytes, *, now_us: int = 0) -> bytes | None:
        """Return the value of `key`, or None: asks the memtable, then the runs from the newest to the oldest."""
        self._require_open()
        check_key(key)
        stored = self._memtable.get(key) or lookup(self._runs, key, now_us)
        return value_of(stored) if stored else None

    def scan(self, low: bytes | None = None, high: bytes | None = None, *, now_us: int = 0) -> Iterator[Pair]:
        """Give the pairs from `low` up to but not with `high`: walks memtable and runs side by side."""
        return self.snapshot().scan(low, high, now_us=now_us)

    def snapshot(self) -> Snapshot:
        """Return the store as it stands now, to be read from while it goes on changing."""
        self._require_open()
        snapshot = Snapshot(self._memtable.view(), self._runs, require_open=self._require_open)
        self._snapshots = [other for other in self._snapshots if other() is not None] + [weakref.ref(snapshot)]
        return snapshot

    def status(self) -> LsmStatus:
        """Return what is where."""
        levels = tuple(
            LevelStatus(len(runs), sum(run.entries for run in runs), sum(run.size_bytes for run in runs))
            for runs in ([run.info for run in level] for level in self._levels())
        )
        return LsmStatus(
            len(self._memtable), self._memtable.written_bytes, levels, self._log.status().size_bytes, self._log.cut,
            self._removed, self._halted,
        )  # fmt: skip

    # ------------------------------------------------------------ upkeep
    def flush(self, *, now_us: int = 0) -> None:
        """Write the memtable as a run of level 0, and merge what the policy says."""
        self._require_open()
        if not len(self._memtable):
            return
        self._log.roll(now_us)
        with self._log.or_break("a flush"):
            info = self._writer(level=0).write(self._memtable.view().entries(), now_us)
            self._install(info, (), "memtable", lsn=self._log.next_lsn, now_us=now_us)
        self._log.drop_before(self._manifest.lsn)
        self._memtable = Memtable()
        self.compact(now_us=now_us)

    def compact(self, *, now_us: int = 0) -> None:
        """Merge what the policy says, until it has nothing more to say."""
        self._require_open()
        while not self._halted:
            sizes = tuple(tuple(run.info.entry_bytes for run in level) for level in self._levels())
            decision = self.policy.decide(Levels(self._memtable_bytes_max, sizes))
            if decision is None:
                break
            with self._log.or_break("a compaction"):
                self._merge(decision, now_us)
        self._sweep()

    def sync(self, *, now_us: int = 0) -> None:
        """Make every write durable."""
        self._require_open()
        self._log.sync(now_us)

    def close(self) -> None:
        """Make every write durable and let go."""
        if not self._closed:
            self._log.sync(0)
            self._closed = True
            self._snapshots = []
            self._sweep()

    def _merge(self, decision: Compaction, now_us: int) -> None:
        """Write what a level holds, or two of them, as one run of the next."""
        level, into = decision.level, decision.level + 1
        inputs = tuple(
            run for run in self._runs if run.info.level == level or (decision.with_next and run.info.level == into)
        )
        older = [run.info for run in self._runs if run.info.level >= into and run not in inputs]
        entries = _without_dead(merged([run.entries(now_us=now_us) for run in inputs]), older)
        writer = self._writer(level=into)
        try:
            info = writer.write(entries, now_us)
        except Damaged as error:
            self._halted = str(error)
            self._remove([f"run-{self._manifest.next_run:06d}"])
            return
        of = " ".join(run.info.name for run in inputs)
        self._install(info, inputs, of, lsn=self._manifest.lsn, now_us=now_us)
        self._outdated += inputs

    def _install(self, info: RunInfo | None, gone: tuple[SortedRun, ...], of: str, *, lsn: int, now_us: int) -> None:
        """Let a new run count instead of those that it was made from: in the manifest first."""
        new = (self._opened(info),) if info else ()
        left = [run for run in self._runs if run not in gone]
        above = tuple(run for run in left if info and run.info.level < info.level)
        runs = (*above, *new, *left[len(above) :])
        number, next_run = self._manifest.number + 1, self._manifest.next_run + 1
        self._manifest = Manifest(number, lsn, next_run, tuple(run.info for run in runs))
        manifest.swap(self.disk, self._manifest)
        self._runs = runs
        into = info.name if info else "nothing"
        for run in gone:
            level = f"{self.place}/level-{run.info.level}"
            self.recorder.emit(now_us, "run_merged", level, run.info.name, into=into)
        if info:
            self.recorder.emit(
                now_us, "run", f"{self.place}/level-{info.level}", info.name, count=info.entries,
                size_bytes=info.size_bytes, of=of,
            )  # fmt: skip

    def _sweep(self) -> None:
        """Take away the files of outdated runs that no snapshot needs."""
        snapshots = [snapshot for reference in self._snapshots if (snapshot := reference()) is not None]
        needed = {run.info.number for snapshot in snapshots for run in snapshot.runs}
        gone = [run.info.file for run in self._outdated if run.info.number not in needed]
        if gone:
            with self._log.or_break("the removal of what was merged"):
                self._remove(gone)
        self._outdated = [run for run in self._outdated if run.info.number in needed]

    def _remove(self, names: list[str]) -> None:
        there = set(self.disk.names())
        gone = [name for name in names if name in there]
        for name in gone:
            self.disk.remove(name)
        if gone:
            self.disk.sync_names()

    def _levels(self) -> list[list[SortedRun]]:
        depth = max((run.info.level for run in self._runs), default=0) + 1
        return [[run for run in self._runs if run.info.level == level] for level in range(depth)]

    def _opened(self, info: RunInfo) -> SortedRun:
        return SortedRun(self.disk, info, place=self.place, recorder=self.recorder)

    def _writer(self, *, level: int) -> RunWriter:
        return RunWriter(
            self.disk, self._manifest.next_run, level, block_bytes=self._block_bytes, bits_per_key=self._bits_per_key,
            place=self.place, recorder=self.recorder,
        )  # fmt: skip

    def _require_open(self) -> None:
        if self._closed:
            raise Refused(f"{self.place} is closed: open its disk anew")

    # ------------------------------------------------------------ recovery
    def _require_all_files(self) -> None:
        """Refuse a store of which a part is missing; without a manifest, the log must reach back to the beginning."""
        counts, log = self._manifest, self._log
        names = manifest.stored(self.disk)
        if log.first_lsn > counts.lsn and names and counts == Manifest():
            raise Damaged(f"{names[0]}: its checksum does not match its lines; restore it: it says what counts")
        if not log.first_lsn <= counts.lsn <= log.next_lsn:
            raise Damaged(
                f"the log has records {log.first_lsn} to {log.next_lsn - 1}, and no manifest goes with it: a manifest "
                "or a part of the log is missing; restore it from a copy"
            )
        missing = sorted({run.file for run in counts.runs} - set(self.disk.names()))
        if missing:
            raise Damaged(f"{missing[0]}: {counts.name} counts on it, but it is missing; restore it from a copy")

    def _remove_orphans(self) -> list[str]:
        """Take away what no manifest needs: runs that were being written or are merged, manifests that do not count."""
        known = {run.info.file for run in self._runs} | {self._manifest.name}
        orphans = [name for name in self.disk.names() if name.startswith(("run-", "manifest-")) and name not in known]
        self._remove(orphans)
        return orphans

    def _replay(self) -> None:
        self._log.drop_before(self._manifest.lsn)
        for record in self._log.read(self._manifest.lsn):
            self._memtable.put(decode(record.payload)[0], record.payload)


def _without_dead(entries: Iterable[Stored], older: list[RunInfo]) -> Iterator[Stored]:
    """Leave out the tombstones that hide nothing: no older run may have their key."""
    for key, stored in entries:
        if not is_tombstone(stored) or any(run.first_key <= key <= run.last_key for run in older):
            yield key, stored
