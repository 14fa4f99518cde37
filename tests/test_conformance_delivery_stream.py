"""The model on the wall clock and Firehose's interface keep the same promises, as far as the stand-in goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dsys_lab.brokers.delivery_stream import DeliveryStream, Entry, Settings, carry
from dsys_lab.engines import aws
from dsys_lab.engines.aws.delivery_stream import FirehoseStream
from dsys_lab.engines.aws.object_store import S3Bucket
from dsys_lab.engines.delivery_stream import FIREHOSE, BufferOnTheClock, ParquetCrates, endpoint, files, runs, warehouse
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.lakehouse.folder import FolderStore
from dsys_lab.engines.web_hook import DOORS
from dsys_lab.errors import BadParameter, Damaged, Refused
from dsys_lab.stores.object_store import JournaledStore, every
from dsys_lab.structures import VolatileDisk

MIB = 1 << 20
HINTS = Settings(size_bytes=MIB, interval_s=0.3, prefix="night/", limits=None)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    aws.connection().close()


class Cases:
    """What a delivery stream promises, asked of whatever `open_stream` opens."""

    open_stream: ClassVar[Callable[..., Any]]
    differences: ClassVar[tuple[Difference, ...]] = ()

    @pytest.fixture(autouse=True)
    def skip_by_name(self, request: pytest.FixtureRequest) -> None:
        case = request.node.originalname.removeprefix("test_")
        for difference in self.differences:
            if case in difference.skips:
                pytest.skip(f"{difference.model} | {difference.engine}")

    def landed(self, *calls: list[bytes]) -> dict[str, bytes]:
        with type(self).open_stream() as stream:
            for call in calls:
                assert (stream.put(call[0]) or 0 if len(call) == 1 else stream.put_many(call)) == 0
            early = stream.objects()
        return early or stream.delivered

    def test_every_record_lands_as_it_came_in_order_of_its_call(self) -> None:
        objects = self.landed([b"one|", b"two|", b"three|"], [b"four|"])
        assert any(b"one|two|three|" in data for data in objects.values())
        assert sum(data.count(b"|") for data in objects.values()) == 4

    def test_a_key_begins_with_the_prefix_and_the_hour(self) -> None:
        [(key, _), *_] = self.landed([b"one"]).items()
        prefix, year, month, day, hour, name = key.split("/")
        assert (prefix, len(year), len(month), len(day), len(hour)) == ("night", 4, 2, 2, 2)
        assert f"-1-{year}-{month}-{day}-{hour}-" in name

    def test_records_wait_for_each_other(self) -> None:
        assert list(self.landed([b"one"], [b"two"], [b"three"]).values()) == [b"onetwothree"]

    def test_what_waits_long_enough_goes_out(self) -> None:
        assert list(self.landed([b"alone"]).values()) == [b"alone"]

    @pytest.mark.parametrize("call", [[], [b"x"] * 501, [b"x" * 1_024_001]], ids=["none", "too many", "too large"])
    def test_a_call_past_the_limits_is_refused_whole(self, call: list[bytes]) -> None:
        with type(self).open_stream() as stream:
            with pytest.raises((BadParameter, Refused)):
                stream.put_many(call)
            assert stream.objects() == {}


class TestModel(Cases):
    folder: ClassVar[Path]

    @pytest.fixture(autouse=True)
    def a_folder(self, tmp_path: Path) -> None:
        type(self).open_stream = lambda: BufferOnTheClock(FolderStore(tmp_path), HINTS)
        type(self).folder = tmp_path

    def test_the_folder_has_what_was_delivered(self) -> None:
        objects = self.landed([b"one"], [b"two"])
        there = [path for path in self.folder.rglob("*") if path.is_file()]
        assert {str(path.relative_to(self.folder)): path.read_bytes() for path in there} == objects


class TestFirehose(Cases):
    open_stream = lambda: FirehoseStream(Settings(size_bytes=MIB, prefix="night/"))  # noqa: E731
    differences = FIREHOSE


def test_moto_writes_an_object_at_every_call() -> None:
    with FirehoseStream() as stream:
        stream.put(b"one")
        assert len(stream.objects()) == 1
        assert stream.put_many([b"two", b"three"]) == 0
        assert sorted(stream.objects().values()) == [b"one", b"twothree"]


def test_firehose_takes_whole_mebibytes_only() -> None:
    with pytest.raises(BadParameter, match="whole MiB"):
        FirehoseStream(Settings(size_bytes=1_000))


def test_the_model_fills_a_bucket_of_s3_in_real_time_and_tries_again() -> None:
    class Stubborn:
        def __init__(self) -> None:
            self.bucket, self.refused = S3Bucket(), 0

        def put(self, key: str, data: bytes) -> None:
            self.refused += 1
            if self.refused == 1:
                raise OSError("not now")
            self.bucket.put(key, data)

    store = Stubborn()
    with BufferOnTheClock(store, Settings(interval_s=0.1, pause_s=0.1)) as stream:
        stream.put(b"asleep")
    [key] = stream.delivered
    found = store.bucket.get(key)
    assert found is not None
    assert (found.data, store.refused) == (b"asleep", 2)


def test_both_are_told_the_same_story() -> None:
    made = runs.both()
    assert [sum(data.count(b"\n") for data in objects.values()) for objects in made.values()] == [8, 8]
    assert runs.who_buffers(made) == "the model"
    assert list(runs.pings_of_objects(made).values()) == [8, 1, 1, 1, 5]


# ------------------------------------------------------------------------------------------ Parquet
FORM = ParquetCrates("id string, pulse integer?, at_us long")


def test_rows_of_a_crate_are_read_back() -> None:
    records = [b'{"id": "a", "pulse": 61, "at_us": 5}', b'{"id": "b", "at_us": 6}']
    assert [FORM.unfit(one) for one in records] == ["", ""]
    assert FORM.rows(FORM.pack(records)) == {"id": ["a", "b"], "pulse": [61, None], "at_us": [5, 6]}


@pytest.mark.parametrize(("record", "says"), [
    (b"oops", "no JSON"), (b"\xff", "no JSON"), (b"[1]", "list"), (b'{"id": "a"}', "at_us is missing"),
    (b'{"id": 1, "at_us": 1}', "no string"), (b'{"id": "a", "at_us": true}', "no long"),
    (b'{"id": "a", "at_us": 1, "pulse": 3000000000}', "no integer"),
    (b'{"id": "a", "at_us": 1, "x": 1}', "no column 'x'"),
])  # fmt: skip
def test_a_record_that_is_no_row_is_set_aside_with_the_reason(record: bytes, says: str) -> None:
    assert says in FORM.unfit(record)
    stream = DeliveryStream("pings", VolatileDisk(), Settings(interval_s=0), form=FORM)
    stream.put_many(0, [Entry("bad", record), Entry("good", b'{"id": "a", "at_us": 1}')])
    keys = {attempt.messages: attempt.key for attempt in stream.attempts(0)}
    assert keys["bad",].startswith("format-conversion-failed/")
    assert keys["good",].endswith(".parquet")


def test_what_is_no_parquet_is_damaged_and_a_date_is_no_column_of_json() -> None:
    with pytest.raises(Damaged):
        FORM.rows(b"oops")
    with pytest.raises(BadParameter, match="day"):
        ParquetCrates("day date")


# ------------------------------------------------------------------------------------------ an endpoint, by HTTP
@pytest.mark.parametrize("given", [
    {}, {"names": "attempt"}, {"down_s": (0, 200)}, {"retry_s": 15}, {"retry_s": 0},
], ids=str)  # fmt: skip
def test_the_model_s_door_and_the_real_one_are_told_the_same_and_keep_the_same(given: dict[str, Any]) -> None:
    model, http = (endpoint.night(door, **given) for door in DOORS)
    assert model == http
    assert model.held == 0
    assert model.delivered + model.set_aside == len(endpoint.PINGS), "nothing that was accepted is lost"


def test_the_crate_s_own_id_lets_the_door_know_it_again() -> None:
    by_crate, by_attempt = endpoint.night("model"), endpoint.night("model", names="attempt")
    assert by_crate.kept == endpoint.PINGS
    assert (endpoint.twice(by_crate), endpoint.twice(by_attempt)) == (0, endpoint.A_CRATE)
    assert by_crate.told[:2] == ("no answer", "200")
    assert by_crate.held_most == 2 * endpoint.A_CRATE


def test_what_was_tried_for_too_long_is_set_aside_and_the_rest_arrives() -> None:
    night = endpoint.night("model", retry_s=15)
    assert night.aside == ("destination-failed",)
    assert set(night.kept) == set(endpoint.PINGS[:4] + endpoint.PINGS[8:])


def test_no_such_door_is_refused() -> None:
    with pytest.raises(BadParameter, match="HTTP"):
        endpoint.night("window")


# ------------------------------------------------------------------------------------------ a warehouse
WAREHOUSES = [warehouse.ModelWarehouse, warehouse.DuckWarehouse]


def rows(*ids: int) -> bytes:
    pings = [{"id": f"p{one}", "customer": "c1", "at_us": one, "pulse": 60 + one} for one in ids]
    return warehouse.PINGS.pack([json.dumps(ping).encode() for ping in pings])


def test_a_crate_that_comes_twice_counts_twice_by_copy_and_once_by_merge() -> None:
    told = warehouse.loaded({"a": rows(1, 2), "a again": rows(1, 2), "b": rows(3, 4, 4)})
    assert dict(told["rows"]) == {
        ("copy", "the model"): 7, ("copy", "DuckDB"): 7, ("merge", "the model"): 4, ("merge", "DuckDB"): 4,
    }  # fmt: skip
    by_way = told["mean pulse"].groupby("loaded by").nunique()
    assert set(by_way) == {1}, "the same answer from both"
    assert told.loc[("merge", "DuckDB"), "mean pulse"] == 62.5


@pytest.mark.parametrize("made", WAREHOUSES)
@pytest.mark.parametrize("by", warehouse.WAYS)
def test_what_cannot_be_loaded_leaves_nothing_of_it(made: Callable[[], Any], by: str) -> None:
    loads = made()
    loads.load(rows(1), by)
    with pytest.raises(Exception, match=r"(?i)parquet"):
        loads.load(b"oops", by)
    assert (loads.count(), loads.mean_pulse()) == (1, 61.0)


@pytest.mark.parametrize("made", WAREHOUSES)
def test_while_a_warehouse_is_down_the_object_is_in_the_bucket_and_the_stream_holds_the_crate(
    made: Callable[[], Any],
) -> None:
    bucket = JournaledStore(VolatileDisk())
    way = warehouse.ThroughBucket(bucket, made(), by="merge")
    stream = DeliveryStream("pings", VolatileDisk(), Settings(interval_s=0, pause_s=10), form=warehouse.PINGS)
    way.is_up = False
    stream.put(0, Entry("p1", b'{"id": "p1", "customer": "c1", "at_us": 1, "pulse": 61}'))
    assert carry(stream, 0, {"destination": way}) == []
    assert (stream.status().held, len(list(every(bucket))), way.warehouse.count()) == (1, 1, 0)
    way.is_up = True
    assert len(carry(stream, 10_000_000, {"destination": way})) == 1
    assert (stream.status().held, way.warehouse.count()) == (0, 1)


def test_a_third_way_to_load_is_refused() -> None:
    with pytest.raises(BadParameter, match="merge"):
        warehouse.ThroughBucket(JournaledStore(VolatileDisk()), warehouse.ModelWarehouse(), by="luck")


# ------------------------------------------------------------------------------------------ compaction
def test_by_hand_a_reader_meets_rows_twice_and_by_a_commit_never() -> None:
    by_hand, by_commit = files.compaction_by_hand(4), files.compaction_by_commit(4)
    assert files.reader_finds(by_hand) == "some rows twice"
    assert files.reader_finds(by_commit) == "every row once"
    assert (by_hand[0].files, by_hand[-1].files, by_commit[0].files, by_commit[-1].files) == (4, 1, 4, 1)
    assert files.reader_finds([files.Seen(4, 2), files.Seen(2, 1), files.Seen(4, 1)]) == "some rows missing"


def test_the_same_rows_lie_in_one_file_and_in_many() -> None:
    with files.folder_of(1, 100) as one, files.folder_of(7, 100) as many:
        assert [len(list(folder.iterdir())) for folder in (one, many)] == [1, 7]
    assert all(ratio > 0 for ratio in files.times_as_long(3, rounds=1))
