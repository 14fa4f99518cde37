"""The model of the log stream, JetStream and Kinesis keep the same promises: one suite, three factories.

A case that an engine does not imitate is skipped under the name that its `DIFFERENCES` give, and below stands a test
for each row of these tables that goes red when the engine has changed its mind.
"""
from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from dsys_lab.brokers.log_stream import HASHES, Entry, Limits, Settings, Stored, Throttled, hash_of
from dsys_lab.engines import aws, nats
from dsys_lab.engines.difference import Difference
from dsys_lab.engines.log_stream import JETSTREAM, KINESIS, ModelStream, crowd, read_twice
from dsys_lab.errors import BadParameter, DsysLabError, MayHaveHappened, Refused
from dsys_lab.trace import lamps

Make = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    nats.connection().close()
    aws.connection().close()


def names(answer: Any) -> list[str]:
    return [record.message for record in answer.records]


def put(stream: Any, *messages: str, key: str = "anna") -> list[Stored]:
    stored = [stream.put(Entry(message, key, f"the body of {message}".encode())) for message in messages]
    assert all(isinstance(answer, Stored) for answer in stored)
    return stored


def all_of(stream: Any, shard: str, **given: Any) -> list[str]:
    return names(stream.read(stream.iterator(shard, given.pop("kind", "TRIM_HORIZON"), **given)))


# ------------------------------------------------------------------------------------------ what all of them promise
class Cases:
    """What a log stream promises, asked of whatever `open_stream` opens."""

    open_stream: ClassVar[Callable[..., Any]]
    differences: ClassVar[tuple[Difference, ...]] = ()

    @pytest.fixture(autouse=True)
    def skip_by_name(self, request: pytest.FixtureRequest) -> None:
        case = request.node.originalname.removeprefix("test_")
        for difference in self.differences:
            if case in difference.skips:
                pytest.skip(f"{difference.model} | {difference.engine}")

    @pytest.fixture
    def make(self) -> Iterator[Make]:
        """Open a stream: `make(shards=2)`."""
        with ExitStack() as opened:
            def make(**settings: Any) -> Any:
                return opened.enter_context(type(self).open_stream(Settings(**{"limits": None, **settings})))

            yield make

    # -------------------------------------------------------------------------------- put and read
    def test_what_was_put_is_read_in_order_with_all_that_it_had(self, make: Make) -> None:
        stream = make()
        entries = [Entry("m1", "anna", b"", copy=2), Entry("m 2", "é", b"\n\x00\xff{}"), Entry("m3", "k" * 256)]
        stored = [stream.put(entry) for entry in entries]
        read = stream.read(stream.iterator(stored[0].shard, "TRIM_HORIZON"))
        assert [(r.message, r.key, r.data, r.copy) for r in read.records] == [
            (entry.message, entry.key, entry.data, entry.copy) for entry in entries]
        assert [record.sequence for record in read.records] == [answer.sequence for answer in stored]
        assert read.is_at_tip

    def test_a_key_lies_where_its_md5_says(self, make: Make) -> None:
        stream = make(shards=4)
        shards = {seen.name: seen.keys for seen in stream.shards()}
        for answer, number in zip(put(stream, *"abcdefghij", key="x"), range(10), strict=True):
            keys = shards[answer.shard]
            assert keys.low <= hash_of("x") < keys.high
            keys = shards[put(stream, f"m{number}", key=f"cart-{number}")[0].shard]
            assert keys.low <= hash_of(f"cart-{number}") < keys.high

    def test_a_record_may_be_put_by_hash_in_spite_of_its_key(self, make: Make) -> None:
        stream = make(shards=4)
        shards = [seen.name for seen in stream.shards()]
        hashes = (0, HASHES // 4 - 2, HASHES // 4, HASHES - 2)
        found = [stream.put(Entry("m", "k", hash_key=hashed)).shard for hashed in hashes]
        assert found == [shards[0], shards[0], shards[1], shards[3]]

    def test_the_last_hash_of_a_range_belongs_to_its_shard(self, make: Make) -> None:
        stream = make(shards=4)
        for seen in stream.shards():
            assert stream.put(Entry("m", "k", hash_key=seen.keys.high - 1)).shard == seen.name

    def test_the_shards_tile_all_hashes(self, make: Make) -> None:
        ranges = [seen.keys for seen in make(shards=3).shards()]
        assert (ranges[0].low, ranges[-1].high) == (0, HASHES)
        assert all(low.high == high.low for low, high in pairwise(ranges))

    def test_many_are_put_in_one_call_and_each_has_its_answer(self, make: Make) -> None:
        stream = make(shards=2)
        entries = [Entry(f"m{number}", f"k{number % 9}") for number in range(200)]
        answers = stream.put_many(entries)
        assert (len(answers), stream.status().put) == (200, 200)
        for seen in stream.shards():
            expected = [(entry.message, answer.sequence) for entry, answer in zip(entries, answers, strict=True)
                        if answer.shard == seen.name]
            read = stream.read(stream.iterator(seen.name, "TRIM_HORIZON"))
            assert [(record.message, record.sequence) for record in read.records] == expected
            assert expected

    def test_numbers_of_a_shard_rise(self, make: Make) -> None:
        stream = make()
        numbers = [answer.sequence for answer in put(stream, *"abcde")]
        assert numbers == sorted(set(numbers))

    def test_numbers_of_a_shard_have_no_gaps(self, make: Make) -> None:
        stream = make(shards=2)
        for number in range(10):
            put(stream, f"m{number}", key=f"k{number}")
        for seen in stream.shards():
            numbers = [record.sequence for record in stream.read(stream.iterator(seen.name, "TRIM_HORIZON")).records]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    def test_put_twice_is_there_twice(self, make: Make) -> None:
        stream = make()
        first, second = put(stream, "m1", "m1")
        assert first.sequence < second.sequence
        assert all_of(stream, first.shard) == ["m1", "m1"]

    # -------------------------------------------------------------------------------- positions
    def test_latest_gives_what_comes_from_now_on(self, make: Make) -> None:
        stream = make()
        shard = put(stream, "old")[0].shard
        iterator = stream.iterator(shard, "LATEST")
        read = stream.read(iterator)
        assert (names(read), read.is_at_tip) == ([], True)
        put(stream, "new", "newer")
        assert names(stream.read(read.next)) == ["new", "newer"]
        assert names(stream.read(iterator)) == ["new", "newer"]

    def test_at_and_after_a_number(self, make: Make) -> None:
        stream = make()
        stored = put(stream, *"abcde")
        shard, number = stored[2]
        assert all_of(stream, shard, kind="AT_SEQUENCE_NUMBER", sequence=number) == ["c", "d", "e"]
        assert all_of(stream, shard, kind="AFTER_SEQUENCE_NUMBER", sequence=number) == ["d", "e"]

    def test_a_number_that_the_shard_never_had_is_refused(self, make: Make) -> None:
        stream = make()
        [stored] = put(stream, "a")
        for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
            with pytest.raises(BadParameter, match=f"sequence = {stored.sequence + 1}: give"):
                stream.iterator(stored.shard, kind, sequence=stored.sequence + 1)

    def test_at_a_time(self, make: Make) -> None:
        stream = make()
        shard = put(stream, "a", "b")[0].shard
        stream.wait(0.02)
        put(stream, "c", "d")
        times = [record.arrived_us for record in stream.read(stream.iterator(shard, "TRIM_HORIZON")).records]
        assert times == sorted(times)
        assert times[2] - times[1] >= 15_000
        between_us = times[2] - 8_000  # Kinesis keeps milliseconds
        assert all_of(stream, shard, kind="AT_TIMESTAMP", at_us=between_us) == ["c", "d"]
        assert all_of(stream, shard, kind="AT_TIMESTAMP", at_us=times[0] - 10**6) == ["a", "b", "c", "d"]
        assert all_of(stream, shard, kind="AT_TIMESTAMP", at_us=times[3] + 2_000) == []

    def test_pages_tile_a_shard(self, make: Make) -> None:
        stream = make()
        put(stream, *"abcdefg")
        iterator, found, tips = stream.iterator(stream.shards()[0].name, "TRIM_HORIZON"), [], []
        for _ in range(3):
            read = stream.read(iterator, limit=3)
            found.append("".join(names(read)))
            tips.append(read.is_at_tip)
            iterator = read.next
        assert (found, tips[2]) == (["abc", "def", "g"], True)

    def test_who_reads_again_finds_the_same_and_readers_know_nothing_of_each_other(self, make: Make) -> None:
        stream = make()
        shard = put(stream, *"abc")[0].shard
        fast, slow = stream.iterator(shard, "TRIM_HORIZON"), stream.iterator(shard, "TRIM_HORIZON")
        fast = stream.read(fast).next
        put(stream, "d")
        assert names(stream.read(slow, limit=2)) == ["a", "b"]
        assert names(stream.read(fast)) == ["d"]
        assert names(stream.read(slow)) == names(stream.read(slow)) == ["a", "b", "c", "d"]

    def test_an_empty_shard_reads_nothing_and_goes_on(self, make: Make) -> None:
        stream = make()
        read = stream.read(stream.iterator(stream.shards()[0].name, "TRIM_HORIZON"))
        assert (read.records, read.is_at_tip) == ((), True)
        put(stream, "first")
        assert names(stream.read(read.next)) == ["first"]

    def test_an_iterator_expires(self, make: Make) -> None:
        stream = make()
        iterator = stream.iterator(stream.shards()[0].name, "TRIM_HORIZON")
        stream.wait(301)
        with pytest.raises(Refused, match="ask anew"):
            stream.read(iterator)

    # -------------------------------------------------------------------------------- shards
    def test_a_split_closes_a_shard_and_opens_two_children(self, make: Make) -> None:
        stream = make()
        [parent] = stream.shards()
        put(stream, "a")
        children = stream.split(parent.name)
        seen = {shard.name: shard for shard in stream.shards()}
        assert [seen[name].parents for name in children] == [(parent.name,)] * 2
        assert [seen[name].is_open for name in (parent.name, *children)] == [False, True, True]
        assert [seen[name].keys for name in children] == list(parent.keys.split(HASHES // 2))
        with pytest.raises(Refused):
            stream.split(parent.name)

    def test_numbers_rise_across_a_split(self, make: Make) -> None:
        stream = make()
        before = put(stream, "a", "b")
        stream.split(before[0].shard)
        assert put(stream, "c")[0].sequence > before[1].sequence

    def test_a_closed_shard_is_read_to_its_end_and_names_its_children(self, make: Make) -> None:
        stream = make()
        shard = put(stream, "a", "b")[0].shard
        children = stream.split(shard)
        put(stream, "c")
        read = stream.read(stream.iterator(shard, "TRIM_HORIZON"))
        assert (names(read), read.next, read.children) == (["a", "b"], None, children)

    def test_neighbours_are_merged_into_one(self, make: Make) -> None:
        stream = make(shards=3)
        first, second, third = stream.shards()
        with pytest.raises(DsysLabError):
            stream.merge(first.name, third.name)
        child = stream.merge(first.name, second.name)
        merged = next(seen for seen in stream.shards() if seen.name == child)
        assert (merged.keys.low, merged.keys.high) == (0, second.keys.high)
        assert merged.parents == (first.name, second.name)

    def test_after_a_split_or_merge_records_go_to_the_children(self, make: Make) -> None:
        stream = make()
        children = stream.split(put(stream, "a")[0].shard)
        assert put(stream, "b")[0].shard == children[hash_of("anna") >= HASHES // 2]
        assert stream.merge(*children) == put(stream, "c")[0].shard

    # -------------------------------------------------------------------------------- limits
    def test_at_its_retention_a_record_is_gone(self, make: Make) -> None:
        stream = make(retention_s=1)
        shard = put(stream, "old")[0].shard
        stream.wait(0.5)
        put(stream, "young")
        stream.wait(0.8)
        assert all_of(stream, shard) == ["young"]

    def test_over_its_limit_a_record_is_turned_away_for_itself_alone(self, make: Make) -> None:
        stream = make(shards=2, limits=Limits(write_records=2))
        entries = [Entry(f"m{number}", "k", hash_key=0 if number < 3 else HASHES - 1) for number in range(4)]
        assert [type(answer) for answer in stream.put_many(entries)] == [Stored, Stored, Throttled, Stored]
        assert stream.status()[1:] == (3, 1)

    def test_over_its_limit_a_reader_is_turned_away(self, make: Make) -> None:
        stream = make(limits=Limits())
        iterator = stream.iterator(stream.shards()[0].name, "LATEST")
        assert [type(stream.read(iterator)) is Throttled for _ in range(6)] == [False] * 5 + [True]

    @pytest.mark.parametrize(("call", "words"), [
        (lambda stream, _: stream.put(Entry("m", "")), "give 1 to 256 characters"),
        (lambda stream, _: stream.put(Entry("m", "k", b"x" * 1_000)), "1,001 bytes with its key: give up to 1,000"),
        (lambda stream, _: stream.put(Entry("m", "k", hash_key=-1)), "hash_key = -1"),
        (lambda stream, _: stream.put_many([]), "0 records"),
        (lambda stream, _: stream.put_many([Entry("m", "k")] * 501), "501 records"),
        (lambda stream, _: stream.iterator("shard-x", "LATEST"), "shard = 'shard-x': give one of"),
        (lambda stream, shard: stream.iterator(shard, "NEWEST"), "kind = 'NEWEST': give one of TRIM_HORIZON"),
        (lambda stream, shard: stream.iterator(shard, "AT_TIMESTAMP"), "at_us with AT_TIMESTAMP"),
        (lambda stream, shard: stream.read(stream.iterator(shard, "LATEST"), limit=0), "limit = 0: give 1 to 10,000"),
    ])
    def test_a_wrong_call_says_what_is_allowed_and_changes_nothing(self, make: Make, call: Any, words: str) -> None:
        stream = make(record_max_bytes=1_000)
        shard = put(stream, "m0")[0].shard
        with pytest.raises(BadParameter, match=words):
            call(stream, shard)
        assert all_of(stream, shard) == ["m0"]


class TestModel(Cases):
    open_stream = staticmethod(lambda settings: ModelStream("nights", settings))


class TestJetStream(Cases):
    open_stream = staticmethod(lambda settings: nats.JetStreamLog("nights", settings))
    differences = JETSTREAM


class TestKinesis(Cases):
    open_stream = staticmethod(lambda settings: aws.KinesisStream("nights", settings))
    differences = KINESIS


# ------------------------------------------------------------------------------------------ the same orders to all
@pytest.mark.parametrize("engine", ["jetstream", "kinesis"])
def test_a_whole_run_leaves_the_same_rows_but_for_times_and_numbers(engine: str) -> None:
    def told(name: str) -> list[Any]:
        trace = read_twice(name, records=20)
        assert all(lamp.held for lamp in lamps(trace))
        own = {"arrive_us", "offset", "first"}
        return [(row.kind, row.place, row.message, {k: v for k, v in row.fields.items() if k not in own})
                for row in trace]

    rows = told(engine)
    assert rows == told("model")
    assert sum(kind == "effect" for kind, *_ in rows) == 2 * 20


# ------------------------------------------------------------------------------------------ the differences are so
def test_every_skipped_case_is_a_case() -> None:
    cases = {name.removeprefix("test_") for name in vars(Cases)}
    assert {case for row in (*JETSTREAM, *KINESIS) for case in row.skips} <= cases


@pytest.fixture
def jetstream() -> Iterator[nats.JetStreamLog]:
    with nats.JetStreamLog("nights", Settings(shards=2, limits=None)) as stream:
        yield stream


@pytest.fixture
def kinesis() -> Iterator[aws.KinesisStream]:
    with aws.KinesisStream("nights", Settings(shards=2, limits=None)) as stream:
        yield stream


def test_jetstream_divides_no_subject_and_has_one_number_line(jetstream: nats.JetStreamLog) -> None:
    low, high = [jetstream.put(Entry("m", "k", hash_key=hashed)) for hashed in (0, HASHES - 1)]
    again = jetstream.put(Entry("m", "k", hash_key=0))
    assert (low.sequence, high.sequence, again.sequence) == (1, 2, 3)
    assert low.shard == again.shard != high.shard
    for refused in (lambda: jetstream.split(low.shard), lambda: jetstream.merge(low.shard, high.shard)):
        with pytest.raises(Refused, match="JetStream"):
            refused()


def test_jetstream_takes_more_than_a_thousand_records_a_second_and_knows_no_limits(
        jetstream: nats.JetStreamLog) -> None:
    for _ in range(3):
        jetstream.put_many([Entry("m", "k")] * 500)
    assert jetstream.status() == (tuple(jetstream.shards()), 1_500, 0)
    with pytest.raises(BadParameter, match="limits=None"):
        nats.JetStreamLog("nights", Settings())


def test_a_position_of_jetstream_is_a_number_and_has_no_time(jetstream: nats.JetStreamLog) -> None:
    [stored] = put(jetstream, "m1")
    assert jetstream.iterator(stored.shard, "AT_SEQUENCE_NUMBER", sequence=1) == (stored.shard, 1)


def test_of_a_call_of_many_to_jetstream_the_others_are_there_if_one_fails(jetstream: nats.JetStreamLog) -> None:
    large = Entry("large", "k", b"x" * 1_048_000)
    jetstream.settings = Settings(shards=2, record_max_bytes=2 << 20, limits=None)
    too_large = Entry("too large", "k", b"x" * 1_100_000)
    with pytest.raises(Exception, match="payload"):
        jetstream.put_many([Entry("before", "k"), large, too_large])
    assert all_of(jetstream, put(jetstream, "after", key="k")[0].shard)[-1] == "after"


def test_moto_takes_all_and_says_no_to_nobody(kinesis: aws.KinesisStream) -> None:
    for _ in range(3):
        assert Throttled not in set(map(type, kinesis.put_many([Entry("m", "k")] * 500)))
    iterator = kinesis.iterator(kinesis.shards()[0].name, "LATEST")
    assert Throttled not in {type(kinesis.read(iterator)) for _ in range(7)}
    with pytest.raises(BadParameter, match="Kinesis has its own"):
        aws.KinesisStream("nights", Settings(limits=Limits(write_records=2)))


def test_at_moto_a_closed_shard_goes_on_and_every_shard_begins_with_one(kinesis: aws.KinesisStream) -> None:
    shard, number = kinesis.put(Entry("m0", "k", hash_key=1))
    children = kinesis.split(shard)
    assert kinesis.put(Entry("m1", "k", hash_key=1)) == (shard, number + 1), "and not on its child"
    parent = kinesis.read(kinesis.iterator(shard, "TRIM_HORIZON"))
    assert (names(parent), parent.children) == (["m0", "m1"], ())
    assert parent.next is not None
    other = kinesis.shards()[1].name
    kinesis.put(Entry("m2", "k", hash_key=HASHES - 2))
    merged = kinesis.merge(children[1], other)
    copied = kinesis.read(kinesis.iterator(merged, "TRIM_HORIZON")).records
    assert [(record.message, record.sequence) for record in copied] == [("m2", 1)]


def test_moto_fails_at_the_last_hash_of_a_range(kinesis: aws.KinesisStream) -> None:
    with pytest.raises(MayHaveHappened, match="kinesis said no to put_record"):
        kinesis.put(Entry("m", "k", hash_key=HASHES - 1))


def test_moto_takes_any_number_and_lets_no_iterator_expire(kinesis: aws.KinesisStream) -> None:
    iterator = kinesis.iterator(kinesis.shards()[0].name, "AFTER_SEQUENCE_NUMBER", sequence=999)
    assert kinesis.read(iterator).records == ()
    written = base64.decodebytes(iterator.native.encode()).decode().split(":")
    assert written[1:] == [iterator.shard, "999"], "no time is written in it"


def test_kinesis_keeps_for_a_day_at_least() -> None:
    for retention_s in (60, 90_001):
        with pytest.raises(BadParameter, match="give whole hours, 24 at least"):
            aws.KinesisStream("nights", Settings(retention_s=retention_s))
    with aws.KinesisStream("nights", Settings(retention_s=48 * 3_600, limits=None)) as stream:
        assert stream._summary()["RetentionPeriodHours"] == 48


def test_moto_takes_large_records_one_by_one_only(kinesis: aws.KinesisStream) -> None:
    kinesis.settings = Settings(shards=2, record_max_bytes=3 << 20, limits=None)
    large = Entry("large", "k", b"x" * (2 << 20))
    assert isinstance(kinesis.put(large), Stored)
    with pytest.raises(Refused):
        kinesis.put_many([large])


def test_a_stream_is_removed_and_what_is_left_behind_is_found_by_its_tag() -> None:
    connection = aws.connection()
    with aws.KinesisStream("nights", Settings(limits=None)):
        assert connection.left_behind() == [], "what this process made is its own"
        name = f"{connection.new_name()}_of_another"
        connection.call("kinesis", "create_stream", StreamName=name, ShardCount=1)
        assert connection.left_behind() == [], "it has not our tag"
        connection.call("kinesis", "add_tags_to_stream", StreamName=name, Tags=connection.tags)
        assert connection.left_behind() == [name]
        assert connection.sweep() == [name]
    assert connection.call("kinesis", "list_streams")["StreamNames"] == []


def test_a_crowd_is_turned_away_by_the_model_alone():
    assert crowd("model") == {"stored": 1_000, "turned away": 500}
    assert crowd("jetstream", records=1_001) == {"stored": 1_001, "turned away": 0}
    assert crowd("kinesis", records=1_001) == {"stored": 1_001, "turned away": 0}
