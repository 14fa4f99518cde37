"""A delivery stream seals by size or by time, holds what nobody takes, and sets aside what cannot be written."""

from __future__ import annotations

import base64
import json

import pytest

from dsys_lab.brokers.delivery_stream import (
    Accepted,
    DeliveryStream,
    Dropped,
    Entry,
    Failed,
    Limits,
    Lines,
    Ok,
    Settings,
    Throttled,
)
from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.structures import AppendLog, VolatileDisk
from dsys_lab.trace import Trace

S = 1_000_000
H = 3_600 * S


def stream_of(settings=None, disk=None, **given):
    return DeliveryStream("nights", VolatileDisk() if disk is None else disk, settings or SMALL, **given)


SMALL = Settings(size_bytes=10, interval_s=60, limits=None)


def put(stream, now_us, *data):
    already = stream.status().accepted
    return stream.put_many(now_us, [Entry(f"m{already + n}", one) for n, one in enumerate(data)])


def deliver(stream, now_us):
    """Deliver all that is due; return the objects by key."""
    objects = {}
    for attempt in stream.attempts(now_us):
        objects[attempt.key] = attempt.data
        stream.delivered(now_us, attempt.number)
    return objects


# ------------------------------------------------------------------------------------------------------- size or time

def test_the_buffer_that_is_full_first_is_sealed_by_size() -> None:
    stream = stream_of()
    put(stream, 0, b"abcd", b"efgh")
    assert stream.attempts(1 * S) == []
    put(stream, 2 * S, b"ij", b"klm")
    assert list(deliver(stream, 2 * S).values()) == [b"abcdefghij"]
    assert stream.status().filling == {"": 3}


def test_the_hourglass_runs_from_the_oldest_record() -> None:
    stream = stream_of()
    put(stream, 5 * S, b"a")
    put(stream, 50 * S, b"b")
    assert stream.deadline_us() == 65 * S
    stream.tick(64 * S)
    assert stream.attempts(64 * S) == []
    assert list(deliver(stream, 65 * S).values()) == [b"ab"]
    assert stream.deadline_us() is None


def test_a_crate_is_below_its_size_and_one_record() -> None:
    stream = stream_of()
    put(stream, 0, *[b"x" * 7] * 9)
    assert [len(data) for data in deliver(stream, 0).values()] == [14, 14, 14, 14]
    assert stream.status().filling == {"": 7}


def test_no_interval_seals_at_every_call() -> None:
    stream = stream_of(Settings(size_bytes=10, interval_s=0))
    put(stream, 3, b"a", b"b")
    assert list(deliver(stream, 3).values()) == [b"ab"]


def test_each_partition_has_a_buffer_of_its_own() -> None:
    stream = stream_of(partition_by=lambda data: f"city={data[:1].decode()}")
    put(stream, 0, b"o1234", b"b1234", b"o5678")
    assert stream.status().filling == {"city=b": 5}
    [(key, data)] = deliver(stream, 0).items()
    assert (key.rpartition("/")[0], data) == ("city=o", b"o1234o5678")


def test_a_key_says_where_when_and_which_attempt() -> None:
    stream = stream_of(Settings(size_bytes=1, prefix="sleep/"), form=Lines(extension=".jsonl"))
    put(stream, 61 * 60 * S, b"a")
    [first] = stream.attempts(61 * 60 * S)
    assert first.key == "sleep/2026/11/02/07/nights-1-2026-11-02-07-01-00-000001-1.jsonl"
    stream.failed(61 * 60 * S, first.number, "down")
    [again] = stream.attempts(61 * 60 * S + 10 * S)
    assert again.key.endswith("000001-2.jsonl")
    assert (again.data, again.messages, again.attempt) == (b"a\n", ("m0",), 2)


def test_a_name_of_the_crate_is_the_same_at_each_attempt() -> None:
    stream = stream_of(Settings(size_bytes=1, names="crate"))
    put(stream, 0, b"a")
    [first] = stream.attempts(0)
    stream.failed(0, first.number, "down")
    [again] = stream.attempts(10 * S)
    assert again.key == first.key


# ------------------------------------------------------------------------------------------- a destination that is down

def test_what_nobody_takes_is_held_and_said() -> None:
    stream = stream_of()
    for now_us in range(0, 100 * S, 10 * S):
        put(stream, now_us, b"0123456789")
        refuse_all(stream, now_us)
    assert stream.attempts(100 * S - 1) == [], "they wait for their next attempt"
    status = stream.status()
    assert (status.held, status.held_bytes, status.crates, status.oldest_us) == (10, 100, 10, 0)
    assert len(deliver(stream, 100 * S)) == 10
    assert (stream.status().held, stream.status().delivered, stream.status().expired) == (0, 10, 0)


def refuse_all(stream, now_us):
    for attempt in stream.attempts(now_us):
        stream.failed(now_us, attempt.number, "down")


@pytest.mark.parametrize(("outage_h", "lost"), [(1, 0), (23, 0), (25, 3)])
def test_a_record_is_held_for_24_hours_and_then_expires(outage_h: int, lost: int) -> None:
    """A record every half hour: after 25 hours those of the first hour, both ends included, are gone."""
    trace = Trace()
    stream = stream_of(Settings(size_bytes=10, interval_s=900, pause_s=600), recorder=trace)
    for half_hour in range(outage_h * 2):
        put(stream, half_hour * H // 2, b"0123456789")
        refuse_all(stream, half_hour * H // 2)
    assert len(deliver(stream, outage_h * H)) == outage_h * 2 - lost
    assert stream.status().expired == lost
    assert [row.message for row in trace if row.kind == "expire"] == [f"m{n}" for n in range(lost)]


def test_only_what_is_too_old_leaves_a_crate() -> None:
    stream = stream_of(Settings(size_bytes=1_000, interval_s=60, hold_s=100))
    put(stream, 0, b"old")
    put(stream, 50 * S, b"new")
    [attempt] = stream.attempts(60 * S)
    assert attempt.data == b"oldnew"
    stream.tick(101 * S)
    assert stream.status().expired == 0, "the crate is out: it may yet arrive"
    stream.failed(102 * S, attempt.number, "down")
    assert (stream.status().expired, stream.status().held) == (1, 1)
    assert list(deliver(stream, 112 * S).values()) == [b"new"]


def test_after_a_while_the_backup_is_taken_instead() -> None:
    stream = stream_of(Settings(size_bytes=1, retry_s=25))
    put(stream, 0, b"a")
    for now_us in (0, 10 * S, 20 * S, 30 * S):
        [attempt] = stream.attempts(now_us)
        assert attempt.to == "destination"
        stream.failed(now_us, attempt.number, "503")
    [attempt] = stream.attempts(30 * S)
    assert (attempt.to, attempt.key.partition("/")[0]) == ("backup", "destination-failed")
    assert json.loads(attempt.data)["errorMessage"] == "503"
    stream.delivered(30 * S, attempt.number)
    assert (stream.status().set_aside, stream.status().delivered) == (1, 0)


def test_no_time_to_retry_takes_the_backup_at_the_first_failure() -> None:
    stream = stream_of(Settings(size_bytes=1, retry_s=0))
    put(stream, 0, b"a")
    [attempt] = stream.attempts(0)
    stream.failed(5, attempt.number, "503")
    assert [attempt.to for attempt in stream.attempts(5)] == ["backup"]


# ------------------------------------------------------------------------------------------------------- the transform

def judged(records):
    """Shout what is fine, drop what is empty, forget what begins with f, fail at numbers."""
    answer = {}
    for record in records:
        if record.data.isdigit():
            answer[record.number] = Failed("a number")
        elif not record.data:
            answer[record.number] = Dropped()
        elif not record.data.startswith(b"f"):
            answer[record.number] = Ok(record.data.upper())
    return answer


def test_what_fails_is_set_aside_as_it_came_and_holds_up_nobody() -> None:
    stream = stream_of(transform=judged)
    put(stream, 0, b"ab", b"12", b"", b"forgotten", b"cd")
    (_, plain), (key, aside) = sorted(deliver(stream, 0).items())
    assert plain == b"AB"
    assert key.startswith("processing-failed/2026/11/02/06/")
    lines = [json.loads(line) for line in aside.splitlines()]
    assert [(line["errorMessage"], base64.b64decode(line["rawData"])) for line in lines] == [
        ("a number", b"12"), ("the transform did not answer", b"forgotten"),
    ]  # fmt: skip
    status = stream.status()
    assert (status.delivered, status.set_aside, status.dropped, status.filling) == (1, 2, 1, {"": 2})


def test_a_transform_that_raises_is_called_four_times() -> None:
    calls = []

    def broken(records):
        calls.append(len(records))
        raise KeyError("city")

    stream = stream_of(transform=broken)
    put(stream, 0, b"0123456789")
    [(key, aside)] = deliver(stream, 0).items()
    assert calls == [1] * 4
    assert key.startswith("processing-failed/")
    assert json.loads(aside)["errorMessage"] == "the transform raised KeyError: 'city'"


def test_a_transform_that_recovers_has_not_failed() -> None:
    calls = []

    def shaky(records):
        calls.append(1)
        if len(calls) < 4:
            raise TimeoutError
        return judged(records)

    stream = stream_of(transform=shaky)
    put(stream, 0, b"abcdefghij")
    assert list(deliver(stream, 0).values()) == [b"ABCDEFGHIJ"]


@pytest.mark.parametrize(("answer", "why"), [
    (None, "the transform answered NoneType"), ({0: "Ok"}, "the transform answered 'Ok'"),
    ({0: Ok("text")}, "the transform answered Ok(data='text')"), ({7: Ok(b"x")}, "the transform did not answer"),
])
def test_an_answer_that_is_none_is_a_failure(answer, why: str) -> None:
    stream = stream_of(transform=lambda records: answer)
    put(stream, 0, b"0123456789")
    [aside] = deliver(stream, 0).values()
    assert json.loads(aside)["errorMessage"] == why


class Numbers:
    """A format for numbers below 100; packing fails at 13."""

    extension = ".numbers"

    def unfit(self, data):
        return "" if data.isdigit() else f"{data.decode()} is no number"

    def pack(self, records):
        if b"13" in records:
            raise OverflowError("thirteen")
        return b"+".join(records)


def test_what_the_format_cannot_write_is_set_aside() -> None:
    stream = stream_of(form=Numbers())
    put(stream, 0, b"12345", b"seven")
    (plain, data), (aside, why) = sorted(deliver(stream, 0).items())
    assert (plain.endswith(".numbers"), data) == (True, b"12345")
    assert aside.startswith("format-conversion-failed/")
    assert json.loads(why)["errorMessage"] == "seven is no number"


def test_a_format_that_breaks_off_sets_the_crate_aside() -> None:
    stream = stream_of(form=Numbers())
    put(stream, 0, b"12345678", b"13")
    [(key, aside)] = deliver(stream, 0).items()
    assert key.startswith("format-conversion-failed/")
    assert [json.loads(line)["errorMessage"] for line in aside.splitlines()] == [
        "the format raised OverflowError: thirteen"] * 2  # fmt: skip


@pytest.mark.parametrize("partition_by", [lambda data: 1 / 0, lambda data: "", lambda data: None, lambda data: "/"])
def test_a_record_without_a_partition_is_set_aside(partition_by) -> None:
    stream = stream_of(partition_by=partition_by)
    put(stream, 0, b"0123456789")
    [(key, aside)] = deliver(stream, 0).items()
    assert key.startswith("processing-failed/2026/11/02/06/")
    assert json.loads(aside)["errorMessage"] == "its partition cannot be told"


# ---------------------------------------------------------------------------------------------------- limits, bad input

def test_a_call_is_throttled_record_by_record() -> None:
    stream = stream_of(Settings(limits=Limits(records=2, bytes=100)))
    answers = put(stream, 0, b"a", b"b", b"c")
    assert [type(answer) for answer in answers] == [Accepted, Accepted, Throttled]
    assert answers[2].what == "records"
    assert put(stream, S, b"x" * 90, b"x" * 90)[1].what == "bytes"
    assert (stream.status().accepted, stream.status().throttled) == (3, 2)


@pytest.mark.parametrize(("entries", "words"), [
    ([], "0 records"), ([Entry(f"m{n}", b"") for n in range(501)], "501 records of 0 bytes: give 1 to 500"),
    ([Entry("m", b"x" * 1_024_001)], "1,024,001 bytes: give up to 1,024,000"),
    ([Entry(f"m{n}", b"x" * 1_000_000) for n in range(5)], "5 records of 5,000,000 bytes"),
    ([Entry("m", "text")], "data as bytes"), ([Entry(7, b"")], "the message as str"),
    ([Entry("fine", b"x"), Entry("m", b"", -1)], "copy = -1"), ([Entry("m" * 70_000, b"")], "below 64 KB"),
])  # fmt: skip
def test_a_bad_call_changes_nothing(entries, words: str) -> None:
    stream = stream_of()
    with pytest.raises(BadParameter, match=words):
        stream.put_many(0, entries)
    assert stream.status().accepted == 0


@pytest.mark.parametrize(("given", "words"), [
    ({"size_bytes": 0}, "size_bytes = 0"), ({"size_bytes": 129 << 20}, "give 1 to 134,217,728"),
    ({"interval_s": 901}, "interval_s = 901"), ({"interval_s": -1}, "interval_s = -1"),
    ({"interval_s": 60, "hold_s": 30}, "at most hold_s"), ({"hold_s": 0}, "hold_s"), ({"pause_s": 0}, "pause_s"),
    ({"retry_s": 7201}, "give 0 to 7200"), ({"retry_s": -1}, "retry_s"), ({"names": "random"}, "names"),
])
def test_bad_settings_are_refused(given, words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        Settings(**given)


def test_a_crate_that_is_not_out_cannot_be_delivered() -> None:
    stream = stream_of()
    put(stream, 0, b"0123456789")
    [attempt] = stream.attempts(0)
    with pytest.raises(Misuse, match=r"crate 99 is not out: give one of \[1\]"):
        stream.delivered(0, 99)
    stream.delivered(0, attempt.number)
    with pytest.raises(Misuse, match="not out"):
        stream.failed(0, attempt.number, "late")


def test_time_does_not_run_back() -> None:
    stream = stream_of()
    stream.tick(10)
    with pytest.raises(Misuse, match="runs back"):
        put(stream, 9, b"a")


def test_another_log_is_no_journal() -> None:
    disk = VolatileDisk()
    AppendLog(disk).append(0, b"{}")
    with pytest.raises(Damaged, match="no journal of a delivery stream"):
        stream_of(disk=disk)


def test_a_record_that_was_damaged_is_not_delivered() -> None:
    disk = VolatileDisk()
    stream = stream_of(disk=disk)
    put(stream, 0, b"012345678")
    disk.flip(disk.names()[0], 40)
    with pytest.raises(Damaged, match="is not what was written"):
        put(stream, 1, b"9")


def test_the_journal_is_taken_away_behind_what_is_over() -> None:
    disk = VolatileDisk()
    stream = stream_of(disk=disk, segment_bytes=300)
    for second in range(50):
        put(stream, second * S, b"0123456789")
        deliver(stream, second * S)
    assert sum(map(disk.size_bytes, disk.names())) < 700
    assert stream_of(disk=disk).status().held == 0
