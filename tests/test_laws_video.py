"""What a video stream does follows its laws: how old live is, what key frames cost, what a device's buffer saves."""

from __future__ import annotations

import math

import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.lessons import films
from dsys_lab.scenarios.video_stream import counts
from dsys_lab.workloads.film import CHANGE_BYTES, FPS, KEY_BYTES, modelled


@pytest.mark.parametrize("buffered", [1, 3])
def test_live_is_as_old_as_what_is_buffered_and_its_way(buffered):
    for fragment_s, counted, error in counts.delays_s(0.5, 2, 8, buffered=buffered):
        assert abs(counted - laws.live_delay_s(fragment_s, buffered, counts.way_s(fragment_s))) <= 3 * error
    assert laws.live_delay_s(2, 3, joined=1) == 8, "three fragments of 2 s, and one that was not yet complete"
    assert laws.live_delay_s(2, 3, 0.5, joined=0) == 6.5


def test_on_a_shaky_link_the_first_picture_follows_the_law_and_the_last_is_older_by_the_stalls():
    for buffered, counted, error in counts.first_delays_s(1, 3):
        assert abs(counted - counts.first_by_law_s(buffered)) <= 3 * error
    for seed in (1, 2):
        first, last, still = counts.watched_shaky(1, seed)
        assert last == pytest.approx(first + still)


def test_what_is_longer_than_the_buffer_is_lost():
    for buffer_s, counted, error in counts.shares_lost(0, 30, 120):
        assert abs(counted - counts.share_by_law(buffer_s)) <= 3 * error
    assert laws.film_lost_share(300, 30, 0) == pytest.approx(1 / 11)
    assert laws.film_lost_share(300, 30, 30) == pytest.approx(1 / 11 / math.e)
    assert laws.film_lost_share(300, 0, 30) == 0
    assert laws.film_lost_share(300, 30, laws.device_buffer_s(300, 30, 0.001)) == pytest.approx(0.001)
    assert laws.device_buffer_s(300, 30, 0.5) == 0


def test_a_device_catches_up_by_what_the_link_is_faster():
    fragment_s = counts.FRAGMENT_S
    for link_x, counted, _ in counts.catch_ups_s(1.5, 2, 4):
        assert abs(counted - counts.catch_up_by_law_s(link_x)) <= fragment_s / (link_x - 1) + 1
    assert laws.catch_up_s(20, 1.5) == 40
    assert laws.catch_up_s(20, 1) == math.inf
    assert laws.catch_up_s(0, 1) == 0


def test_key_frames_cost_what_the_law_says():
    """Two films say what a frame costs; the others are as large as the law says, but for an encoder's freedom."""
    for fragment_s, counted, _ in films.bytes_a_second(0.5, 2, 8):
        assert films.bytes_by_law(fragment_s) == pytest.approx(counted, rel=0.1)
    [(_, counted, _)] = films.bytes_a_second(0.25)
    assert 0.8 < counted / films.bytes_by_law(0.25) < 1, "very close ones are cheaper"
    assert modelled(16, 2).bytes_a_second == laws.video_bytes_a_second(
        2, fps=FPS, key_bytes=KEY_BYTES, change_bytes=CHANGE_BYTES
    )


def test_the_model_is_as_large_as_a_real_film():
    real = films.night_film(32.0, 2.0)
    assert films.is_real(real), "the tests have the extra `video`"
    assert modelled(32, 2).bytes_a_second == pytest.approx(real.bytes_a_second, rel=0.1)


def test_half_a_fragment_is_decoded_for_a_moment():
    for fragment_s, counted, _ in films.frames_decoded(0.5, 2):
        assert counted == laws.frames_to_decode(fragment_s, fps=FPS)
    assert laws.frames_to_decode(1 / 12, fps=12) == 1


@pytest.mark.parametrize(("law", "given"), [
    (laws.live_delay_s, {"fragment_s": 0, "buffered": 1}), (laws.live_delay_s, {"fragment_s": 1, "buffered": 0}),
    (laws.live_delay_s, {"fragment_s": 1, "buffered": 1, "joined": 2}),
    (laws.video_bytes_a_second, {"fragment_s": 0.01, "fps": 12, "key_bytes": 9, "change_bytes": 1}),
    (laws.frames_to_decode, {"fragment_s": 1, "fps": 0}), (laws.catch_up_s, {"waiting_s": -1, "link_x": 2}),
    (laws.film_lost_share, {"mtbf_s": 0, "mttr_s": 1, "buffer_s": 0}),
    (laws.film_lost_share, {"mtbf_s": 1, "mttr_s": -1, "buffer_s": 0}),
    (laws.device_buffer_s, {"mtbf_s": 1, "mttr_s": 1, "lost_share": 0}), (modelled, {"seconds": 1, "fragment_s": 2}),
    (modelled, {"seconds": 9, "fragment_s": 0.01}),
])  # fmt: skip
def test_outside_its_domain_a_law_says_so(law, given):
    with pytest.raises(BadParameter):
        law(**given)
