"""Real video comes apart into fragments that can be decoded alone, and together again into what was filmed."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from dsys_lab.brokers.video_stream import Listed, playlist
from dsys_lab.engines.video import Screen, decoded, film, joined, moment, parts
from dsys_lab.errors import BadParameter, Damaged
from dsys_lab.workloads.night_camera import NightCamera

CAMERA = NightCamera(width=96, height=64, fps=10)


@pytest.fixture(scope="module")
def frames():
    return list(CAMERA.frames(60))


@pytest.fixture(scope="module")
def night(frames):
    return film(frames, fps=10, key_every_s=2)


def test_every_fragment_is_decoded_with_the_head_alone(frames, night) -> None:
    cuts = [(piece.begins_s, piece.lasts_s, piece.frames) for piece in night.pieces]
    assert cuts == [(0, 2, 20), (2, 2, 20), (4, 2, 20)]
    for number, piece in enumerate(night.pieces):
        seen = decoded(night.head, piece.data)
        assert [round(time_s, 3) for time_s, _ in seen] == [round(number * 2 + n / 10, 3) for n in range(20)]
        for (_, frame), filmed in zip(seen, frames[number * 20 :], strict=False):
            assert np.abs(frame.astype(int) - filmed.astype(int)).mean() < 4


def test_the_same_frames_make_the_same_bytes(frames, night) -> None:
    assert film(frames, fps=10, key_every_s=2) == night


def test_a_moment_is_what_was_filmed_then(frames, night) -> None:
    shown = moment(night.head, night.pieces[1], 2.75)
    nearest = min(range(60), key=lambda number: np.abs(shown.astype(int) - frames[number].astype(int)).sum())
    assert nearest == 27
    with pytest.raises(BadParameter, match="the fragment begins at 2 s"):
        moment(night.head, night.pieces[1], 1.9)


def test_more_key_frames_are_more_bytes(frames, night) -> None:
    assert film(frames, fps=10, key_every_s=0.5).size_bytes > 1.3 * night.size_bytes
    assert film(frames, fps=10, key_every_s=2, quality=18).size_bytes > 1.5 * night.size_bytes


def test_without_its_key_frame_a_fragment_cannot_be_seen(frames, night) -> None:
    """The second half of a fragment, cut off where a link broke, tells nothing alone."""
    half = night.pieces[0].data[len(night.pieces[0].data) // 2 :]
    with pytest.raises(Damaged, match="cannot be decoded"):
        decoded(night.head, half)


def test_a_file_of_some_fragments_plays_without_a_gap(night) -> None:
    whole = joined(night.head, [night.pieces[0].data, night.pieces[2].data])
    with av.open(io.BytesIO(whole)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert len(times) == 40
    assert np.diff(times) == pytest.approx(0.1)


def test_a_screen_plays_and_has_pictures_for_paper(night) -> None:
    screen = Screen(night.head, [piece.data for piece in night.pieces], "a sleeper turns over")
    assert str(screen) == "[film: a sleeper turns over]"
    assert screen.video().startswith("<video ")
    assert 'poster="data:image/png' in screen.video()
    assert screen.strip().startswith(b"\x89PNG")


@pytest.mark.parametrize(("content", "words"), [
    (b"abc", "3 bytes are left"), (b"\0\0\0\1ftyp", "says it has 1 bytes"), (b"\0\0\1\0ftyp", "says it has 256 bytes"),
    (b"\0\0\0\x08ftyp", "no box 'moov'"),
])
def test_what_is_no_film_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(Damaged, match=words):
        parts(content)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: film([], fps=10, key_every_s=2), "no frames"), (lambda: film([], fps=0, key_every_s=2), "fps"),
    (lambda: film([np.zeros((4, 4))], fps=10, key_every_s=2), "uint8"),
    (lambda: film([], fps=1, key_every_s=2, quality=52), "quality = 52"),
    (lambda: Screen(b"", [], "x"), "nothing to show"), (lambda: NightCamera(width=65), "even numbers"),
    (lambda: NightCamera(fps=0), "fps"), (lambda: NightCamera(grain=-1), "grain"),
])
def test_bad_input_says_what_to_give(call, words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        call()


# ------------------------------------------------------------------------------------------------------ what is filmed

def test_a_frame_follows_from_its_number_and_the_clock_is_in_it() -> None:
    assert np.array_equal(CAMERA.frame(33), CAMERA.frame(33))
    assert not np.array_equal(CAMERA.frame(33), CAMERA.frame(34))
    assert NightCamera(begins_s=43_199.5).clock(0.6) == "12:00:00.1"


def test_a_restless_sleeper_costs_more_than_a_quiet_one() -> None:
    quiet, restless = (NightCamera(turns_a_minute=turns, grain=0) for turns in (0, 30))
    sizes = [film(camera.frames(120), fps=12, key_every_s=5).size_bytes for camera in (quiet, restless)]
    assert sizes[1] > 1.1 * sizes[0]


def test_a_live_playlist_has_no_end() -> None:
    one = Listed(3, "f3", 0, 0, 1_500_000, 9, True)
    assert playlist.written([one], is_live=True).splitlines()[-2:] == ["#EXTINF:1.500,", "3.m4s"]
    assert "TARGETDURATION:2" in playlist.written([one], is_live=True)
    assert playlist.written([], is_live=False).endswith("ENDLIST")
