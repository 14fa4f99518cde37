"""A video stream finds every moment that it has, lists every moment that it has not, and keeps its word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as run_settings
from hypothesis import strategies as st

from dsys_lab.brokers.video_stream import (
    Buffered,
    DeviceBuffer,
    Duplicate,
    Fragment,
    Gap,
    Listed,
    Persisted,
    VideoStream,
    Viewer,
)
from dsys_lab.brokers.video_stream.fragments import gaps
from dsys_lab.errors import BadParameter, Damaged, Misuse, Refused
from dsys_lab.structures import AppendLog, PowerCut, VolatileDisk
from dsys_lab.trace import Trace

S = 1_000_000


def film(number, *, late_s=0, key=True, lasts_s=2):
    return Fragment(f"f{number}", (number * 2 - late_s) * S, lasts_s * S, b"picture" * 5, key)


def opened(disk=None, retention_s=600, **given):
    return VideoStream("bed", VolatileDisk() if disk is None else disk, retention_s=retention_s, **given)


def names(listed):
    return [one.message for one in listed]


# -------------------------------------------------------------------------------------------------- putting and finding

def test_a_fragment_is_found_by_either_clock() -> None:
    stream = opened()
    assert stream.put(12 * S, film(1)) == Persisted("f1", 0)
    assert stream.put(13 * S, film(0)) == Persisted("f0", 1), "it waited for the link"
    assert names(stream.fragments(13 * S, 0, 4 * S)) == ["f0", "f1"]
    assert names(stream.fragments(13 * S, 0, 13 * S, by="stream")) == ["f1", "f0"]
    assert stream.moment(13 * S, 3 * S).message == "f1"
    assert stream.moment(13 * S, 12 * S, by="stream").message == "f0"
    assert stream.moment(13 * S, 4 * S) is None, "a fragment ends before the next begins"
    assert stream.read(13 * S, 1) == film(0)


def test_a_fragment_that_is_put_again_is_there_once() -> None:
    stream = opened()
    stream.put(2 * S, film(0))
    assert stream.put(3 * S, film(0)) == Duplicate("f0", 0)
    assert (stream.status().kept, stream.status().put, stream.status().repeated) == (1, 1, 1)


def test_what_is_missing_is_listed() -> None:
    stream = opened()
    for number in (0, 1, 4):
        stream.put(20 * S, film(number))
    stream.put(20 * S, film(3, key=False))
    assert stream.gaps(20 * S, 0, 12 * S) == (Gap(4 * S, 8 * S), Gap(10 * S, 12 * S))
    assert stream.moment(20 * S, 7 * S) is None, "without its key frame nobody can play it"


@run_settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=12), st.integers(0, 20), st.integers(0, 20))
def test_gaps_and_intervals_share_out_every_moment(filmed, start, lasts) -> None:
    intervals = [(begins, begins + long) for begins, long in filmed]
    found = gaps(intervals, start, start + lasts)
    for moment in range(start, start + lasts):
        covered = any(begins <= moment < ends for begins, ends in intervals)
        assert covered != any(gap.start_us <= moment < gap.end_us for gap in found)
    assert all(gap.lasts_us > 0 for gap in found)


def test_the_playlist_is_the_newest_in_the_order_of_filming() -> None:
    stream = opened()
    for number in (0, 3, 1, 5, 4):
        stream.put(20 * S, film(number))
    stream.put(20 * S, film(6, key=False))
    assert names(stream.playlist(20 * S, count=3)) == ["f3", "f4", "f5"]
    assert len(stream.playlist(20 * S)) == 5


# ------------------------------------------------------------------------------------------------------------ retention

def test_what_is_too_old_is_gone_with_a_row() -> None:
    trace = Trace()
    stream = opened(retention_s=60, recorder=trace, segment_bytes=200)
    for number in range(20):
        stream.put((number * 2 + 2) * S, film(number))
    assert stream.deadline_us() == 62 * S
    stream.tick(71 * S)
    assert (stream.status().kept, stream.status().expired) == (15, 5)
    assert [row.message for row in trace if row.kind == "expire"] == [f"f{n}" for n in range(5)]
    with pytest.raises(Refused, match="fragment 0 is not here"):
        stream.read(71 * S, 0)


def test_the_log_is_taken_away_behind_what_is_too_old() -> None:
    disk = VolatileDisk()
    stream = opened(disk, retention_s=10, segment_bytes=200)
    for number in range(50):
        stream.put((number * 2 + 2) * S, film(number))
    assert sum(map(disk.size_bytes, disk.names())) < 1_000


def test_without_retention_five_minutes_are_remembered_and_a_crash_takes_them() -> None:
    disk = VolatileDisk()
    stream = opened(disk, retention_s=0)
    assert stream.put(2 * S, film(0)) == Buffered("f0", 0)
    assert stream.put(4 * S, film(1)) == Buffered("f1", 1)
    assert stream.read(301 * S, 1) == film(1)
    stream.tick(303 * S)
    assert (stream.status().kept, stream.status().expired) == (1, 1)
    disk.crash(chance=lambda: 0.99)
    assert opened(disk, retention_s=0).status().kept == 0


def test_without_retention_200_mb_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsys_lab.brokers.video_stream.stream.BUFFER_BYTES", 100)
    stream = opened(retention_s=0)
    for number in range(5):
        stream.put(number, film(number))
    assert (stream.status().kept, stream.status().kept_bytes) == (2, 70)


# -------------------------------------------------------------------------------------------------------------- crashes

def test_wherever_the_power_goes_what_was_persisted_is_there() -> None:
    def run(disk, trace):
        answered, stream = [], None
        try:
            stream = opened(disk, retention_s=20, segment_bytes=200, recorder=trace)
            for turn, number in enumerate((0, 2, 1, 1, 3, 4, 5, 9, 10, 11)):
                stream.put((turn * 3 + 8) * S, film(number))
                answered.append(number)
        except PowerCut:
            pass
        return answered, stream

    whole = VolatileDisk()
    run(whole, Trace())
    for step in range(1, whole.steps + 1):
        disk, trace = VolatileDisk(power_cut_before=step), Trace()
        answered, before = run(disk, trace)
        disk.crash(chance=lambda: 0.5)
        now_us = 36 * S
        stream = opened(disk, retention_s=20, now_us=now_us, recorder=trace, told=before.told if before else 0)
        kept = {one.message for one in stream.fragments(now_us, 0, 100 * S)}
        gone = {row.message for row in trace if row.kind == "expire"}
        told = [row.message for row in trace if row.kind == "append"]
        assert {f"f{number}" for number in answered} <= kept | gone
        assert kept <= set(told), f"cut before step {step}"
        assert len(told) == len(set(told)), "each is told once"
        for one in stream.fragments(now_us, 0, 100 * S):
            assert stream.read(now_us, one.number).data == film(0).data


def test_a_damaged_fragment_is_not_played() -> None:
    disk = VolatileDisk()
    stream = opened(disk)
    stream.put(2 * S, film(0))
    disk.flip(disk.names()[0], 70)
    with pytest.raises(Damaged, match="fragment 0 is not what was written"):
        stream.read(2 * S, 0)


def test_another_log_is_none_of_a_video_stream() -> None:
    disk = VolatileDisk()
    AppendLog(disk).append(0, b"text")
    with pytest.raises(Damaged, match="no log of a video stream"):
        opened(disk)


# ------------------------------------------------------------------------------------------------------------ bad input

@pytest.mark.parametrize(("given", "words"), [
    (("", 0, 1, b"x"), "message = ''"), (("f", 0, 1, b""), "no pictures"), (("f", 0, 1, "x"), "no pictures"),
    (("f", -1, 1, b"x"), "filmed_us = -1"), (("f", 0, 0, b"x"), "duration_us = 0"), ((7, 0, 1, b"x"), "message = 7"),
])
def test_a_bad_fragment_is_refused(given, words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        Fragment(*given)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda stream: stream.fragments(0, 2, 1), BadParameter, "in order"),
    (lambda stream: stream.fragments(0, 0, 1, by="mine"), BadParameter, "by"),
    (lambda stream: stream.gaps(0, 2, 1), BadParameter, "in order"),
    (lambda stream: stream.playlist(0, count=0), BadParameter, "count = 0"),
    (lambda stream: stream.read(0, 7), Refused, "fragment 7 is not here"),
    (lambda stream: stream.tick(-1), Misuse, "runs back"),
    (lambda stream: opened(retention_s=-1), BadParameter, "retention_s"),
    (lambda stream: DeviceBuffer("c", capacity_us=0).sent(0), Misuse, "nothing on its way"),
    (lambda stream: DeviceBuffer("c", capacity_us=0, lets_go="all"), BadParameter, "lets_go"),
    (lambda stream: Viewer("v", buffered=0), BadParameter, "buffered"),
])
def test_misuse_says_what_to_give(call, error, words: str) -> None:
    with pytest.raises(error, match=words):
        call(opened())


# ----------------------------------------------------------------------------------------------------------- the device

@pytest.mark.parametrize(("lets_go", "left"), [("oldest", ["f1", "f4", "f5"]), ("newest", ["f1", "f2", "f3"])])
def test_a_full_device_lets_go_by_its_policy(lets_go: str, left: list[str]) -> None:
    device = DeviceBuffer("camera", capacity_us=4 * S, lets_go=lets_go)
    device.film(0, film(1))
    assert device.next(0) == film(1)
    assert device.next(0) is None, "one at a time"
    gone = [name for number in (2, 3, 4, 5) for name in device.film(number, film(number))]
    assert (len(gone), device.waiting_us) == (2, 4 * S)
    device.sent(9)
    kept = ["f1"]
    while fragment := device.next(9):
        kept.append(fragment.message)
        device.sent(9)
    assert kept == left


def test_what_failed_waits_again_where_it_was() -> None:
    trace = Trace()
    device = DeviceBuffer("camera", capacity_us=60 * S, recorder=trace)
    for number in range(3):
        device.film(number, film(number))
    for _ in range(2):
        assert device.next(3).message == "f0"
        assert device.failed(3, "no link") == ()
    assert [row.fields["attempt"] for row in trace if row.kind == "fail"] == [1, 2]
    assert device.crash() == ("f0", "f1", "f2")
    assert len(device) == 0


def test_a_device_without_a_buffer_still_sends() -> None:
    device = DeviceBuffer("camera", capacity_us=0)
    assert device.film(0, film(0)) == ()
    assert device.next(0) == film(0)
    assert device.film(1, film(1)) == ("f1",), "the link is busy"
    device.failed(2, "no link")
    assert device.film(3, film(2)) == ("f0",)


def test_newest_first_shows_the_present_before_the_past() -> None:
    device = DeviceBuffer("camera", capacity_us=60 * S, sends="newest")
    for number in range(3):
        device.film(number, film(number))
    order = []
    while fragment := device.next(9):
        order.append(fragment.message)
        device.sent(9)
    assert order == ["f2", "f1", "f0"]


# ----------------------------------------------------------------------------------------------------------- the viewer

def listed(number):
    return Listed(number, f"f{number}", number * 2 * S, (number * 2 + 3) * S, 2 * S, 10, True)


def test_a_viewer_waits_for_its_buffer_and_is_as_late_as_that() -> None:
    viewer = Viewer("screen", buffered=3)
    for number in range(3):
        viewer.look((number * 2 + 3) * S, [listed(number)])
    assert viewer.watching(7 * S).state == "playing"
    assert viewer.watching(7 * S).delay_us == 7 * S, "f0 was filmed at 0: three fragments and a second of way"
    assert viewer.deadline_us() == 9 * S
    assert viewer.watching(12 * S).delay_us == 7 * S


def test_a_stall_makes_the_picture_older_for_good() -> None:
    viewer = Viewer("screen", buffered=1)
    viewer.look(3 * S, [listed(0)])
    assert viewer.watching(7 * S).state == "stalled"
    viewer.look(11 * S, [listed(1), listed(2), listed(3)])
    seen = viewer.watching(11 * S)
    assert (seen.delay_us, seen.stalls, seen.stalled_us) == (9 * S, 1, 6 * S)
    assert viewer.watching(16 * S).delay_us == 9 * S


def test_a_viewer_that_skips_to_live_misses_what_lies_between() -> None:
    viewer = Viewer("screen", buffered=1, skips_to_live=True)
    viewer.look(3 * S, [listed(0)])
    viewer.look(11 * S, [listed(1), listed(2), listed(3)])
    seen = viewer.watching(11 * S)
    assert (seen.delay_us, seen.skipped, seen.played) == (5 * S, 2, 1)


def test_what_comes_late_is_not_played_again() -> None:
    viewer = Viewer("screen", buffered=1)
    viewer.look(3 * S, [listed(2)])
    viewer.look(4 * S, [listed(0), listed(2), listed(3)])
    assert viewer.watching(7 * S).played == 2
