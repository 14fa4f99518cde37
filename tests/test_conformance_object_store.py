"""The model on plain files and on shards, S3's API by moto, and SeaweedFS answer alike."""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from lake_stories import TWO_WRITERS, appended_by_threads

from dsys_lab.engines import aws
from dsys_lab.engines.aws.object_store import S3Bucket, SeaweedConnection, drill
from dsys_lab.engines.aws.object_store.differences import BOTH, MOTO, SEAWEEDFS, skips
from dsys_lab.engines.lakehouse.race import two_writers
from dsys_lab.errors import BadParameter, EngineMissing
from dsys_lab.stores.object_store import (
    BadParts,
    ConditionFailed,
    ErasureCode,
    JournaledStore,
    NoSuchUpload,
    ObjectStore,
    Part,
    ShardedBlobs,
    every,
)
from dsys_lab.structures.disk import PowerCut, VolatileDisk

MIN = 5 << 20


class Backend:
    """What the suite needs of a store: an empty one, and the same again after the power went."""

    skips: frozenset[str] = frozenset()
    histories: ClassVar[int] = 15

    def opened(self) -> ObjectStore:
        raise NotImplementedError

    def crashed(self, chance: Callable[[], float]) -> ObjectStore:
        raise NotImplementedError

    def clean_up(self) -> None:
        pass


class OnFiles(Backend):
    """The model on a disk that forgets what was not synced."""

    def __init__(self) -> None:
        self.disks = [VolatileDisk()]

    def opened(self) -> ObjectStore:
        return JournaledStore(self.disks[0], checkpoint_records=20)

    def crashed(self, chance: Callable[[], float]) -> ObjectStore:
        for disk in self.disks:
            disk.crash(chance)
        return self.opened()


class OnShards(OnFiles):
    """The model with its blobs on nine such drives, one of which is gone."""

    histories = 8

    def __init__(self) -> None:
        self.disks = [VolatileDisk() for _ in range(10)]

    def opened(self) -> ObjectStore:
        blobs = ShardedBlobs(self.disks[1:], ErasureCode(5, 4))
        blobs.take_away(4)
        return JournaledStore(self.disks[0], blobs=blobs, checkpoint_records=20)


class Bucket(Backend):
    """An endpoint that speaks S3: what crashes is the client, and the bucket stays."""

    histories = 2

    def __init__(self, over: Callable[[], Any], skips: frozenset[str]) -> None:
        self.over, self.skips = over, skips
        self.buckets: list[S3Bucket] = []

    def opened(self) -> ObjectStore:
        self.buckets.append(S3Bucket(over=self.over()))
        return self.buckets[-1]

    def crashed(self, chance: Callable[[], float]) -> ObjectStore:
        return self.buckets[-1]

    def clean_up(self) -> None:
        for bucket in self.buckets:
            bucket.__exit__(None, None, None)


def seaweed() -> Any:
    try:
        return SeaweedConnection.shared()
    except EngineMissing as missing:
        pytest.skip(f"SeaweedFS: {missing}")


BACKENDS: dict[str, Callable[[], Backend]] = {
    "files": OnFiles, "shards": OnShards, "moto": lambda: Bucket(lambda: None, skips(*BOTH, *MOTO)),
    "seaweedfs": lambda: Bucket(seaweed, skips(*BOTH, *SEAWEEDFS)),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def no_server_is_left_running() -> Iterator[None]:
    yield
    aws.connection().close()
    with suppress(EngineMissing):
        SeaweedConnection.shared().close()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    made = BACKENDS[request.param]()
    if request.node.originalname in made.skips:
        pytest.skip(f"{request.param} does otherwise: see engines/aws/object_store/differences.py")
    yield made
    made.clean_up()


@pytest.fixture
def store(backend: Backend) -> ObjectStore:
    return backend.opened()


# ------------------------------------------------------------------------------------------ whole objects
def test_what_was_put_is_got_whole_and_in_ranges(store: ObjectStore) -> None:
    data = random.Random(1).randbytes(50_000)
    put = store.put("a/b", data, metadata={"night": "2017"})
    got = store.get("a/b")
    assert got.data == data
    assert (got.etag, got.size_bytes, dict(got.metadata)) == (put.etag, 50_000, {"night": "2017"})
    assert store.get("a/b", first=16_380, size_bytes=9).data == data[16_380:16_389]
    assert store.get("a/b", first=49_990, size_bytes=99).data == data[49_990:]
    assert store.get("a/b", first=49_999).data == data[49_999:]
    ranged = store.get("a/b", first=50_000, size_bytes=1)
    assert (ranged.data, ranged.size_bytes) == (b"", 50_000)
    assert store.head("a/b").size_bytes == 50_000


def test_nothing_and_no_bytes_are_two_things(store: ObjectStore) -> None:
    assert store.get("k") is None
    assert store.head("k") is None
    store.delete("k")
    store.put("k", b"")
    assert store.get("k").data == b""
    assert store.head("k").size_bytes == 0


def test_a_put_replaces_the_whole(store: ObjectStore) -> None:
    store.put("k", b"a long old one", metadata={"a": "1"})
    store.put("k", b"new")
    assert store.get("k").data == b"new"
    assert dict(store.get("k").metadata) == {}
    store.delete("k")
    assert store.get("k") is None


def test_equal_bytes_have_equal_tags(store: ObjectStore) -> None:
    tags = [store.put(key, data).etag for key, data in (("a", b"x"), ("b", b"x"), ("c", b"y"))]
    assert tags[0] == tags[1] != tags[2]
    assert tags[0] == "9dd4e461268c8034f5c8564e155c67a6"


# ------------------------------------------------------------------------------------------ conditions
def test_only_one_of_two_can_be_first(store: ObjectStore) -> None:
    store.put("log/1", b"mine", if_absent=True)
    with pytest.raises(ConditionFailed):
        store.put("log/1", b"yours", if_absent=True)
    assert store.get("log/1").data == b"mine"


def test_a_put_on_a_tag_that_is_old_changes_nothing(store: ObjectStore) -> None:
    first = store.put("k", b"1").etag
    second = store.put("k", b"2", if_match=first).etag
    for tag in (first, "0" * 32):
        with pytest.raises(ConditionFailed):
            store.put("k", b"3", if_match=tag)
    assert store.get("k").data == b"2"
    store.put("k", b"3", if_match=second)
    with pytest.raises(ConditionFailed):
        store.put("absent", b"3", if_match=first)
    assert store.get("absent") is None


def test_a_delete_on_a_tag_that_is_old_changes_nothing(store: ObjectStore) -> None:
    old = store.put("k", b"1").etag
    new = store.put("k", b"2").etag
    with pytest.raises(ConditionFailed):
        store.delete("k", if_match=old)
    assert store.get("k").data == b"2"
    store.delete("k", if_match=new)
    assert store.get("k") is None


# ------------------------------------------------------------------------------------------ lists
def test_keys_come_in_the_order_of_their_bytes_page_by_page(store: ObjectStore) -> None:
    keys = ["a", "a+1", "a0", "b", "ä", "é/x", "\U0001f319"]
    for key in reversed(keys):
        store.put(key, b"x")
    assert [facts.key for facts in every(store, page_keys=3)] == sorted(keys, key=str.encode)
    assert store.list(limit=3).next_after is not None
    assert store.list("a", after="a", limit=2).keys == ("a+1", "a0")
    assert store.list("nothing").keys == ()
    whole = store.list("a", limit=3)
    assert (whole.keys, whole.next_after) == (("a", "a+1", "a0"), None)


def test_a_slash_is_a_letter(store: ObjectStore) -> None:
    for key in ("a", "a/", "a//", "a/b"):
        store.put(key, key.encode())
    assert store.list().keys == ("a", "a/", "a//", "a/b")
    assert store.get("a/").data == b"a/"
    store.delete("a")
    assert store.get("a/b").data == b"a/b"


def test_keys_alike_up_to_the_delimiter_count_as_one(store: ObjectStore) -> None:
    for key in ("2017/01/a", "2017/01/b", "2017/02/a", "2017/x", "2018/01/a"):
        store.put(key, b"x")
    top = store.list(delimiter="/")
    assert (top.folders, top.keys) == (("2017/", "2018/"), ())
    inner = store.list("2017/", delimiter="/")
    assert (inner.folders, inner.keys) == (("2017/01/", "2017/02/"), ("2017/x",))
    pages, after = [], ""
    while after is not None:
        page = store.list("2017/", delimiter="/", limit=1, after=after)
        pages.append(page.folders + page.keys)
        after = page.next_after
    assert pages == [("2017/01/",), ("2017/02/",), ("2017/x",)]


# ------------------------------------------------------------------------------------------ versions
def test_versions_are_kept_and_a_delete_is_a_marker(store: ObjectStore) -> None:
    store.keep_versions()
    first = store.put("k", b"1").version
    second = store.put("k", b"22").version
    store.delete("k")
    assert store.get("k") is None
    assert store.list().keys == ()
    found = store.versions("k")
    assert [(one.is_marker, one.is_latest, one.size_bytes) for one in found] == [
        (True, True, 0), (False, False, 2), (False, False, 1)]  # fmt: skip
    assert [one.version for one in found[1:]] == [second, first]
    assert store.get("k", version=first).data == b"1"
    store.delete("k", version=found[0].version)
    assert store.get("k").data == b"22", "without the marker the object is back"
    store.delete("k", version=second)
    assert store.get("k").data == b"1"
    store.delete("k", version=first)
    assert store.versions() == ()


def test_what_was_there_before_versions_were_kept_stays(store: ObjectStore) -> None:
    store.put("k", b"old")
    store.keep_versions()
    store.put("k", b"new")
    assert store.get("k", version="null").data == b"old"
    assert len(store.versions()) == 2


# ------------------------------------------------------------------------------------------ parts
def test_parts_are_nobodys_object_before_they_are_completed(store: ObjectStore) -> None:
    upload = store.begin_upload("big", metadata={"a": "1"})
    last = store.put_part(upload, 7, b"last")
    first = store.put_part(upload, 2, b"x" * MIN)
    assert store.get("big") is None
    assert store.list().keys == ()
    assert store.uploads() == (upload,)
    assert store.parts(upload) == (first, last)
    whole = store.complete(upload, [first, last])
    assert whole.size_bytes == MIN + 4
    assert whole.etag.endswith("-2")
    assert store.get("big", first=MIN - 1, size_bytes=3).data == b"xla"
    assert dict(store.head("big").metadata) == {"a": "1"}
    assert store.uploads() == ()


def test_a_list_that_makes_no_object_leaves_the_upload_open(store: ObjectStore) -> None:
    upload = store.begin_upload("big")
    small, large = store.put_part(upload, 1, b"small"), store.put_part(upload, 2, b"x" * MIN)
    for parts in ([small, large], [], [Part(3, small.etag)], [Part(1, "0" * 32)]):
        with pytest.raises(BadParts):
            store.complete(upload, parts)
        assert store.get("big") is None
    assert store.complete(upload, [large]).size_bytes == MIN


def test_an_upload_that_was_aborted_or_completed_is_gone(store: ObjectStore) -> None:
    gone = store.begin_upload("a")
    store.put_part(gone, 1, b"x")
    store.abort(gone)
    with pytest.raises(NoSuchUpload):
        store.parts(gone)
    assert store.uploads() == ()
    assert store.get("a") is None


def test_nothing_can_be_added_to_an_upload_that_is_gone(store: ObjectStore) -> None:
    gone = store.begin_upload("a")
    part = store.put_part(gone, 1, b"x")
    store.abort(gone)
    with pytest.raises(NoSuchUpload):
        store.put_part(gone, 2, b"x")
    with pytest.raises(NoSuchUpload):
        store.complete(gone, [part])


def test_parts_out_of_order_make_no_object(store: ObjectStore) -> None:
    upload = store.begin_upload("big")
    first, second = (store.put_part(upload, number, b"x" * MIN) for number in (1, 2))
    for parts in ([second, first], [first, first]):
        with pytest.raises(BadParts):
            store.complete(upload, parts)
    assert store.get("big") is None


def test_a_part_that_is_put_again_replaces_the_first(store: ObjectStore) -> None:
    upload = store.begin_upload("k")
    old = store.put_part(upload, 1, b"old")
    new = store.put_part(upload, 1, b"newer")
    assert store.parts(upload) == (new,)
    with pytest.raises(BadParts):
        store.complete(upload, [old])
    store.complete(upload, [new])
    assert store.get("k").data == b"newer"


def test_a_completion_may_have_a_condition(store: ObjectStore) -> None:
    upload = store.begin_upload("k")
    part = store.put_part(upload, 1, b"parts")
    store.put("k", b"was quicker")
    with pytest.raises(ConditionFailed):
        store.complete(upload, [part], if_absent=True)
    assert store.get("k").data == b"was quicker"


# ------------------------------------------------------------------------------------------ misuse
@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.put("", b""),
        lambda store: store.put("k" * 1_025, b""),
        lambda store: store.put("k", "text"),
        lambda store: store.put("k", b"", if_absent=True, if_match="x"),
        lambda store: store.get("k", first=-1),
        lambda store: store.get("k", size_bytes=0),
        lambda store: store.list(limit=0),
        lambda store: store.list(limit=1_001),
        lambda store: store.put_part(store.begin_upload("k"), 0, b""),
        lambda store: store.put_part(store.begin_upload("k"), 10_001, b""),
        lambda store: store.begin_upload(""),
    ],
)
def test_misuse_is_told_alike(store: ObjectStore, call: Callable[[ObjectStore], object]) -> None:
    with pytest.raises(BadParameter):
        call(store)
    assert store.list().keys == ()


# ------------------------------------------------------------------------------------------ any order, any crash
KEYS = st.sampled_from(["a/a", "a/b", "a0", "b"])


class AnyOrder(RuleBasedStateMachine):
    """Objects are a dict of bytes, whatever is asked in whatever order; the power may go in between."""

    backend: ClassVar[Callable[[], Backend]]
    crashes: ClassVar[bool] = True

    @initialize()
    def open(self) -> None:
        self.made = self.backend()
        self.store = self.made.opened()
        self.known: dict[str, bytes] = {}
        self.parts: list[tuple[Any, list[Part], bytes]] = []

    @rule(key=KEYS, data=st.binary(max_size=60), only_first=st.booleans())
    def put(self, key: str, data: bytes, only_first: bool) -> None:
        if only_first and key in self.known:
            with pytest.raises(ConditionFailed):
                self.store.put(key, data, if_absent=True)
            return
        self.store.put(key, data, if_absent=only_first)
        self.known[key] = data

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.store.delete(key)
        self.known.pop(key, None)

    @rule(key=KEYS, data=st.binary(min_size=1, max_size=60))
    def begin(self, key: str, data: bytes) -> None:
        upload = self.store.begin_upload(key)
        self.parts.append((upload, [self.store.put_part(upload, 1, data)], data))

    @rule(keep=st.booleans())
    def end(self, keep: bool) -> None:
        if self.parts:
            upload, parts, data = self.parts.pop()
            if keep:
                self.store.complete(upload, parts)
                self.known[upload.key] = data
            else:
                self.store.abort(upload)

    @rule(seed=st.integers(0, 99))
    def crash(self, seed: int) -> None:
        self.store = self.made.crashed(random.Random(seed).random)

    @invariant()
    def all_is_there(self) -> None:
        assert [facts.key for facts in every(self.store)] == sorted(self.known)
        for key, data in self.known.items():
            assert self.store.get(key).data == data
        assert len(self.store.uploads()) == len(self.parts)

    def teardown(self) -> None:
        self.made.clean_up()


def test_any_order_gives_what_a_dict_gives(request: pytest.FixtureRequest, backend: Backend) -> None:
    name = request.node.callspec.params["backend"]
    machine = type("Machine", (AnyOrder,), {"backend": staticmethod(BACKENDS[name])})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=backend.histories, stateful_step_count=12, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_what_was_acknowledged_survives_crash_after_crash(backend: Backend) -> None:
    store, known, luck = backend.opened(), {}, random.Random(4)
    for number in range(30):
        key = f"k{luck.randrange(9)}"
        known[key] = luck.randbytes(300)
        store.put(key, known[key])
        for disk in backend.disks:
            disk.power_cut_before = disk.steps + luck.randrange(2)
        with suppress(PowerCut):
            for _ in range(3):
                store.put("in flight", b"%d" % number)
            pytest.fail("the power did not go")
        store = backend.crashed(luck.random)
        store.delete("in flight")
        assert {facts.key: store.get(facts.key).data for facts in every(store)} == known


def test_a_lake_on_it_tells_the_second_of_two_writers(store: ObjectStore) -> None:
    assert [row["is told"] for row in two_writers(store)] == TWO_WRITERS


def test_a_lake_on_it_loses_nothing_of_threads_that_append_at_once() -> None:
    with S3Bucket(over=seaweed()) as bucket:
        assert appended_by_threads(bucket) == ([1, 2, 3, 4], [0, 1, 2, 3])


def test_the_engines_tell_the_models_story() -> None:
    model = drill("model")
    assert len(model) > 10
    assert drill("s3") == model
    seaweed()
    assert drill("seaweedfs") == model
