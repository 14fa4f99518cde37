"""The models and the real engines answer alike: hash store, LSM store under either policy, RocksDB, a
partitioned table, DynamoDB."""
from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dsys_lab.engines import aws
from dsys_lab.engines.aws.key_value import DynamoTable
from dsys_lab.engines.rocksdb import RocksdbStore
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.key_value import (
    KEY_BYTES_MAX,
    VALUE_BYTES_MAX,
    HashStore,
    KeyValueStore,
    Leveled,
    LsmStore,
    Tiered,
)
from dsys_lab.stores.key_value.partitioned import PartitionedTable, Settings
from dsys_lab.stores.key_value.partitioned.collection_store import COLLECTION, CollectionStore
from dsys_lab.stores.key_value.partitioned.verbs import ClockedTable
from dsys_lab.structures.disk import PowerCut, VolatileDisk


class Backend:
    """What the suite needs of a store: to open it, and to open it again after the power went."""

    skips: ClassVar[frozenset[str]] = frozenset()
    histories: ClassVar[int] = 20

    def opened(self) -> KeyValueStore:
        raise NotImplementedError

    def crashed(self, chance: Callable[[], float]) -> KeyValueStore:
        """Return the store as it is found after a crash, opened anew."""
        raise NotImplementedError

    def clean_up(self) -> None:
        pass


class OnVolatileDisk(Backend):
    """A model, on a disk that forgets what was not synced."""

    def __init__(self, make: Callable[[VolatileDisk], KeyValueStore]) -> None:
        self.make, self.disk = make, VolatileDisk()

    def opened(self) -> KeyValueStore:
        return self.make(self.disk)

    def crashed(self, chance: Callable[[], float]) -> KeyValueStore:
        self.disk.crash(chance)
        return self.make(self.disk)


class InFolder(Backend):
    """RocksDB: a crash of the process leaves its files as they are at that moment."""

    histories = 3  # opening takes it some 50 ms

    def __init__(self, folder: Path) -> None:
        self.folder, self.generation, self.made = folder, 0, []

    def opened(self) -> KeyValueStore:
        self.made.append(RocksdbStore(self._folder(), memtable_bytes_max=64 << 10, durable=False))
        return self.made[-1]

    def crashed(self, chance: Callable[[], float]) -> KeyValueStore:
        before, self.generation = self._folder(), self.generation + 1
        shutil.copytree(before, self._folder(), ignore=shutil.ignore_patterns("LOCK"))
        self.clean_up()
        return self.opened()

    def clean_up(self) -> None:
        for store in self.made:
            store.close()

    def _folder(self) -> Path:
        return self.folder / str(self.generation)


class Partitioned(Backend):
    """The partitioned table, with each replica's journal on a disk that forgets what was not synced."""

    histories = 8

    def __init__(self, folder: Path) -> None:
        self.disks = [[VolatileDisk() for _ in range(3)] for _ in range(2)]

    def opened(self) -> KeyValueStore:
        much = {"write_rate": 1e9, "write_limit": 1e9, "read_rate": 1e9, "read_limit": 1e9, "split": None}
        table = PartitionedTable("pairs", COLLECTION, Settings(partitions=2, **much),
                                 disks=lambda name: self.disks[int(name[-1])])
        table.recover(0)
        return CollectionStore(ClockedTable(table))

    def crashed(self, chance: Callable[[], float]) -> KeyValueStore:
        for disk in itertools.chain(*self.disks):
            disk.crash(chance)
        return self.opened()


class DynamoDb(Backend):
    """DynamoDB's API: what crashes is the client, and the table stays."""

    histories = 1
    skips = frozenset({  # some 1,400 requests, and nothing that the others lack: a service outlives its client
        "test_a_long_run_gives_what_a_dict_gives", "test_what_was_acknowledged_survives_crash_after_crash",
    })  # fmt: skip

    def __init__(self, folder: Path) -> None:
        self.table: DynamoTable | None = None

    def opened(self) -> KeyValueStore:
        self.table = self.table or DynamoTable(COLLECTION)
        return CollectionStore(self.table)

    def crashed(self, chance: Callable[[], float]) -> KeyValueStore:
        return self.opened()

    def clean_up(self) -> None:
        if self.table is not None:
            self.table.__exit__(None, None, None)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    aws.connection().close()


SMALL = {"memtable_bytes_max": 600, "block_bytes": 200}
BACKENDS: dict[str, Callable[[Path], Backend]] = {
    "hash": lambda folder: OnVolatileDisk(lambda disk: HashStore(disk, segment_bytes=1_500)),
    "lsm_leveled": lambda folder: OnVolatileDisk(lambda disk: LsmStore(disk, policy=Leveled(3), **SMALL)),
    "lsm_tiered": lambda folder: OnVolatileDisk(lambda disk: LsmStore(disk, policy=Tiered(3), **SMALL)),
    "rocksdb": InFolder,
    "partitioned": Partitioned,
    "dynamodb": DynamoDb,
}
"""One factory a backend. Whoever adds one lists in its `skips` the cases that it does not imitate."""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    made = BACKENDS[request.param](tmp_path)
    if request.function.__name__ in made.skips:
        pytest.skip(f"{request.param} does not imitate this")
    yield made
    made.clean_up()


@pytest.fixture
def store(backend: Backend) -> KeyValueStore:
    return backend.opened()


# --------------------------------------------------------------------------------------------------- one verb at a time

def test_what_was_put_is_got_and_what_was_not_is_none(store: KeyValueStore) -> None:
    store.put(b"sleeper-17", b"7.5")
    assert (store.get(b"sleeper-17"), store.get(b"sleeper-1"), store.get(b"sleeper-170")) == (b"7.5", None, None)


def test_the_empty_value_is_a_value(store: KeyValueStore) -> None:
    store.put(b"k", b"")
    assert store.get(b"k") == b""
    assert list(store.scan()) == [(b"k", b"")]


def test_the_last_put_counts(store: KeyValueStore) -> None:
    for value in (b"7", b"8", b"6.5"):
        store.put(b"k", value)
    assert store.get(b"k") == b"6.5"
    assert list(store.scan()) == [(b"k", b"6.5")]


def test_a_deleted_key_is_absent_until_it_is_put_again(store: KeyValueStore) -> None:
    store.put(b"k", b"1")
    store.delete(b"k")
    assert (store.get(b"k"), list(store.scan())) == (None, [])
    store.put(b"k", b"2")
    assert store.get(b"k") == b"2"


def test_to_delete_what_is_absent_is_no_error(store: KeyValueStore) -> None:
    store.delete(b"never there")
    assert list(store.scan()) == []


RANGES = [
    (None, None, [b"\x00", b"10", b"9", b"a", b"ab", b"b", b"\xff", b"\xff\xff"]),
    (b"9", b"b", [b"9", b"a", b"ab"]),
    (b"8", b"aa", [b"9", b"a"]),
    (None, b"10", [b"\x00"]),
    (b"b", None, [b"b", b"\xff", b"\xff\xff"]),
    (b"\xff\x00", None, [b"\xff\xff"]),
    (b"a", b"a", []), (b"b", b"a", []), (b"", b"", []), (b"\xff\xff\xff", None, []),
]  # fmt: skip


def test_a_scan_goes_by_the_bytes_of_keys_with_low_and_without_high(store: KeyValueStore) -> None:
    for key in (b"b", b"\xff", b"10", b"9", b"ab", b"\x00", b"\xff\xff", b"a"):
        store.put(key, key * 2)
    for low, high, found in RANGES:
        assert list(store.scan(low, high)) == [(key, key * 2) for key in found], (low, high)


def test_a_scan_shows_the_moment_of_its_call(store: KeyValueStore) -> None:
    for number in range(60):
        store.put(b"%03d" % number, b"before" * 5)
    whole, begun = store.scan(), store.scan(b"010", b"050")
    first = next(begun)
    for number in range(0, 120, 2):
        store.put(b"%03d" % number, b"after" * 9)
        store.delete(b"%03d" % (number + 1))
    assert [first, *begun] == [(b"%03d" % number, b"before" * 5) for number in range(10, 50)]
    assert list(whole) == [(b"%03d" % number, b"before" * 5) for number in range(60)]
    assert list(store.scan()) == [(b"%03d" % number, b"after" * 9) for number in range(0, 120, 2)]


def test_keys_and_values_may_be_as_long_as_is_promised(store: KeyValueStore) -> None:
    key, value = b"\xfe" * KEY_BYTES_MAX, bytes(VALUE_BYTES_MAX)
    store.put(key, value)
    store.put(b"k", b"short")
    assert (store.get(key), store.get(b"k")) == (value, b"short")
    assert [found for found, _ in store.scan()] == [b"k", key]


# -------------------------------------------------------------------------------------------------------- bad inputs

BAD_INPUTS = [
    (lambda store: store.put("k", b"v"), BadParameter, "str: give bytes"),
    (lambda store: store.put(b"k", "v"), BadParameter, "str: give bytes"),
    (lambda store: store.put(b"k", None), BadParameter, "delete"),
    (lambda store: store.put(bytearray(b"k"), b"v"), BadParameter, "bytearray"),
    (lambda store: store.put(17, b"v"), BadParameter, "int"),
    (lambda store: store.get("k"), BadParameter, "str"),
    (lambda store: store.delete(None), BadParameter, "NoneType"),
    (lambda store: store.scan("a"), BadParameter, "low"),
    (lambda store: store.scan(None, 5), BadParameter, "high"),
    (lambda store: store.put(b"", b"v"), Refused, "give 1 to 1,024"),
    (lambda store: store.get(b""), Refused, "0 bytes"),
    (lambda store: store.delete(b"k" * 1_025), Refused, "1,025 bytes"),
    (lambda store: store.put(b"k" * 1_025, b"v"), Refused, "1,025 bytes"),
    (lambda store: store.put(b"k", bytes(262_145)), Refused, "262,145 bytes: give at most 262,144"),
]  # fmt: skip


def test_bad_input_is_refused_in_words_and_changes_nothing(store: KeyValueStore) -> None:
    store.put(b"there", b"1")
    for call, error, says in BAD_INPUTS:
        with pytest.raises(error, match=says):
            call(store)
    assert list(store.scan()) == [(b"there", b"1")]


def test_a_closed_store_refuses_every_verb_but_says_how_it_was(store: KeyValueStore) -> None:
    for number in range(40):
        store.put(b"%02d" % number, b"v" * 20)
    begun = store.scan()
    next(begun)
    store.close()
    store.close()
    for call in (
        lambda: store.put(b"k", b"v"), lambda: store.get(b"00"), lambda: store.delete(b"00"),
        store.scan, lambda: list(begun),
    ):  # fmt: skip
        with pytest.raises(Refused, match="closed"):
            call()
    assert store.status() == store.status()


# ------------------------------------------------------------------------------------------------- long runs, crashes

def operations(seed: int, count: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Give keys with their new values, None to delete: few keys, so that old versions lie everywhere."""
    luck = random.Random(seed)
    for _ in range(count):
        key = b"key-%02d" % luck.randrange(40)
        yield key, None if luck.random() < 0.25 else luck.randbytes(luck.randrange(60))


def carry_out(store: KeyValueStore, known: dict[bytes, bytes], key: bytes, value: bytes | None) -> None:
    """Do it to the store and to a dict."""
    if value is None:
        store.delete(key)
        known.pop(key, None)
    else:
        store.put(key, value)
        known[key] = value


def test_a_long_run_gives_what_a_dict_gives(backend: Backend) -> None:
    store, known = backend.opened(), {}
    for number, (key, value) in enumerate(operations(1, 600)):
        carry_out(store, known, key, value)
        assert store.get(key) == value
        if number % 100 == 99:
            assert list(store.scan()) == sorted(known.items())
            assert {key: store.get(key) for key in known} == known
        if number == 300:
            store.close()
            store = backend.opened()


def test_what_was_acknowledged_survives_crash_after_crash(backend: Backend) -> None:
    luck = random.Random(2)
    store, known = backend.opened(), {}
    for number, (key, value) in enumerate(operations(3, 120)):
        carry_out(store, known, key, value)
        if number % 30 == 29:
            store = backend.crashed(luck.random)
            assert list(store.scan()) == sorted(known.items())


class KeyValueMachine(RuleBasedStateMachine):
    """A store beside a dict, under any order of operations, with the power going in between or in the midst."""

    name: ClassVar[str]
    folder: ClassVar[Path]
    runs: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        type(self).runs += 1
        self.backend = BACKENDS[self.name](self.folder / f"{self.name}-{self.runs}")
        self.store = self.backend.opened()
        self.known: dict[bytes, bytes] = {}
        self.scans: list[tuple[Iterator[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]] = []

    keys = st.sampled_from([b"k%d" % number for number in range(8)])
    values = st.sampled_from([b"", b"short", b"v" * 150, b"\xff" * 400])

    @rule(key=keys, value=values)
    def put(self, key: bytes, value: bytes) -> None:
        carry_out(self.store, self.known, key, value)

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        carry_out(self.store, self.known, key, None)

    @rule(key=keys)
    def get(self, key: bytes) -> None:
        assert self.store.get(key) == self.known.get(key)

    @rule(low=st.none() | keys, high=st.none() | keys)
    def begin_scan(self, low: bytes | None, high: bytes | None) -> None:
        expected = [
            (key, value) for key, value in sorted(self.known.items())
            if (low is None or low <= key) and (high is None or key < high)
        ]  # fmt: skip
        self.scans.append((self.store.scan(low, high), expected))

    @precondition(lambda self: self.scans)
    @rule(data=st.data())
    def finish_scan(self, data: st.DataObject) -> None:
        scan, expected = self.scans.pop(data.draw(st.integers(0, len(self.scans) - 1)))
        assert list(scan) == expected

    @rule()
    def upkeep(self) -> None:
        getattr(self.store, "merge", getattr(self.store, "flush", lambda: None))()

    @rule()
    def close_and_open(self) -> None:
        self.scans.clear()
        self.store.close()
        self.store = self.backend.opened()

    @rule(luck=st.randoms(use_true_random=False))
    def crash(self, luck: random.Random) -> None:
        self.scans.clear()
        self.store = self.backend.crashed(luck.random)

    @precondition(lambda self: isinstance(self.backend, OnVolatileDisk))
    @rule(key=keys, value=st.none() | values, steps=st.integers(0, 12), luck=st.randoms(use_true_random=False))
    def crash_in_the_midst(self, key: bytes, value: bytes | None, steps: int, luck: random.Random) -> None:
        before, after = dict(self.known), dict(self.known)
        self.backend.disk.power_cut_before = self.backend.disk.steps + steps
        try:
            carry_out(self.store, after, key, value)
            before = after  # it was acknowledged
        except PowerCut:
            after.pop(key, None)
            after |= {} if value is None else {key: value}
        self.crash(luck)
        self.known = dict(self.store.scan())
        assert self.known in (before, after)

    @invariant()
    def it_shows_what_it_should(self) -> None:
        assert dict(self.store.scan()) == self.known

    def teardown(self) -> None:
        self.backend.clean_up()


@pytest.mark.parametrize("name", BACKENDS)
def test_any_order_of_operations_and_crashes(name: str, tmp_path: Path) -> None:
    machine = type(f"{name}_machine", (KeyValueMachine,), {"name": name, "folder": tmp_path})
    run_state_machine_as_test(machine, settings=settings(
        max_examples=BACKENDS[name](tmp_path).histories, stateful_step_count=20, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    ))  # fmt: skip
