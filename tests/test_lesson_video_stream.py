"""What the runs of the video stream teach holds for every luck."""

from __future__ import annotations

import sys

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.lessons import films
from dsys_lab.scenarios.video_stream import counts, edge, kept, live, outage, shaky
from dsys_lab.trace import lamps
from dsys_lab.views import charts
from dsys_lab.workloads.film import modelled

SEEDS = (1, 2, 3)
SPLIT = {"do": "split", "target": "camera", "at_s": 12.2, "lasts_s": 6.0}


def red(trace):
    return [lamp.name for lamp in lamps(trace) if not lamp.held]


def crash(target, at_s=15.3, lasts_s=6.0):
    return {"do": "crash", "target": target, "at_s": at_s, "lasts_s": lasts_s}


def filmed(trace):
    return {row.message for row in trace.of("filming")}


def archived(trace):
    return {row.message for row in trace.of("append")}


def test_all_that_is_filmed_is_kept_and_seen_to_the_end():
    trace = live()
    assert red(trace) == []
    assert len(archived(trace)) == len(filmed(trace)) == 20
    assert {row.message for row in trace.of("finish")} == filmed(trace)
    assert counts.stalls(trace) == 0
    assert kept.gaps(kept.archived(live), 0, 40) == ()


def test_shorter_fragments_and_fewer_of_them_are_less_behind():
    assert counts.delay_s(live(fragment_s=0.5)) < counts.delay_s(live()) < counts.delay_s(live(fragment_s=4.0))
    assert counts.delay_s(live(buffered=1)) < counts.delay_s(live())


def test_an_outage_shorter_than_the_buffer_costs_time_and_one_that_is_longer_costs_film():
    short, long = outage(down_s=20.0), outage(down_s=50.0)
    assert (red(short), counts.lost_s(short)) == ([], 0)
    assert red(long) == ["every moment kept"]
    [gap] = kept.gaps(kept.archived(outage, down_s=50.0), 0, 100)
    assert gap.lasts_us / 1e6 == counts.lost_s(long) == 50 - 30, "what is longer than the buffer"


@pytest.mark.parametrize(("lets_go", "first_s"), [("oldest", 18), ("newest", 50)])
def test_what_is_let_go_is_the_first_of_the_outage_or_the_last(lets_go, first_s):
    [gap] = kept.gaps(kept.archived(outage, down_s=50.0, lets_go=lets_go), 0, 100)
    assert gap.start_us == first_s * 1_000_000


def test_the_newest_first_is_live_at_once_and_the_archive_is_whole_in_the_end():
    old, new = outage(), outage(sends="newest")
    assert counts.last_delay_s(old) > counts.last_delay_s(new) + 15
    assert counts.behind_after_s(new, 10) < counts.behind_after_s(old, 10)
    assert red(old) == red(new) == []
    assert kept.gaps(kept.archived(outage, sends="newest"), 0, 100) == ()
    assert counts.fragments_seen(old) > counts.fragments_seen(new), "who sees the present does not see the past"
    whole_s = counts.last_delay_s(outage(down_s=0.0))
    assert counts.last_delay_s(old) == pytest.approx(whole_s + 20, abs=1), "behind by the outage for good"


def test_more_buffered_stands_still_less_and_begins_later():
    for seed in SEEDS:
        still = [counts.stalled_s(shaky(seed=seed, buffered=buffered)) for buffered in (1, 2, 3, 5)]
        assert still == sorted(still, reverse=True)
        assert still[-1] == 0
        first = [counts.delay_s(shaky(seed=seed, buffered=buffered)) for buffered in (1, 3)]
        assert first[0] < first[1]
        trace = shaky(seed=seed, buffered=1)
        assert counts.last_delay_s(trace) == pytest.approx(counts.delay_s(trace) + counts.stalled_s(trace))
        assert red(trace) == []


def test_what_the_page_says_in_round_numbers_is_so():
    [(_, first_s, _)] = counts.first_delays_s(1)
    assert first_s == pytest.approx(4.5, abs=0.25)
    assert films.night_film().size_bytes == pytest.approx(55_000, rel=0.05)
    assert kept.what_is_left(kept.archived(outage, down_s=50.0), 20, 50) == "its last part"
    assert kept.what_is_left(kept.archived(outage, down_s=50.0, lets_go="newest"), 20, 50) == "its first part"
    assert kept.what_is_left(kept.archived(outage, down_s=20.0), 20, 20) == "all of it, later"
    assert kept.what_is_left(kept.archived(outage, down_s=5.0, seconds=20.0), 30, 5) == "nothing"
    assert kept.compared_with(kept.archived(live, faults=[crash("camera")]), 0, 40, 6) == "longer"


def test_what_is_too_old_goes_and_that_is_no_gap():
    trace = edge()
    assert red(trace) == []
    stream = kept.archived(edge)
    assert stream.status().expired == len(trace.of("expire")) > 0
    [gap] = kept.gaps(stream, 0, 80)
    assert gap.start_us == 0, "who comes now finds nothing before the edge"
    assert counts.seen_by_who_comes_late_min(0) == 5
    assert counts.seen_by_who_comes_late_min(24) == 60


def test_a_clock_that_jumps_makes_a_gap_that_never_was():
    jump = {"do": "skew", "target": "camera", "at_s": 10.0, "value": 120.0}
    stream = kept.archived(live, faults=[jump])
    [gap] = kept.gaps(stream, 0, 160)
    assert (gap.start_us, gap.end_us) == (10_000_000, 130_000_000)
    assert kept.found(stream, 25) == {"the camera's clock": "nothing", "the archive's clock": "f13"}
    assert kept.gap_s(stream, 0, 160) == 120
    assert set(kept.found(kept.archived(live), 25).values()) == {"f13"}


def test_a_crash_of_the_camera_is_a_gap_and_one_of_the_archive_is_none():
    camera, archive = live(faults=[crash("camera")]), live(faults=[crash("archive")])
    assert red(camera) == ["every moment kept"]
    assert red(archive) == []
    [gap] = kept.gaps(kept.archived(live, faults=[crash("camera")]), 0, 40)
    assert gap.lasts_us >= 6_000_000
    assert kept.gaps(kept.archived(live, faults=[crash("archive")]), 0, 40) == ()


@pytest.mark.parametrize("fault", [
    SPLIT, {"do": "lose", "target": "f4", "at_s": 1.0}, {"do": "duplicate", "target": "f4", "at_s": 1.0},
    crash("viewer"), {"do": "loss", "target": "network", "value": 0.3, "at_s": 5.0, "lasts_s": 20.0},
], ids=lambda fault: fault["do"])  # fmt: skip
def test_what_is_lost_on_the_way_is_sent_again_and_kept_once(fault):
    for seed in SEEDS:
        trace = live(seed=seed, faults=[fault])
        assert red(trace) == []
        assert len(trace.of("append")) == len(archived(trace)) == 20


def test_a_real_film_is_archived_piece_by_piece_and_a_moment_of_it_found_again():
    film = films.night_film(16.0)
    stream = kept.archived(live, film=film)
    assert [one.data for one in kept.fragments(stream)] == [piece.data for piece in film.pieces]
    moment = films.Moment(film, kept.fragments(stream), 5.0)
    assert str(moment).startswith("second 5: frame 13 of fragment f3")
    assert moment.picture().startswith(b"\x89PNG")
    assert "live" not in str(live(film=film).header.params["film"])


def test_a_film_plays_or_says_how_to_get_it(monkeypatch):
    film = films.night_film(16.0)
    monkeypatch.setenv("DSYS_LAB_VIEW", "still")
    assert set(films.Played(film)._repr_mimebundle_()) == {"text/plain", "image/png"}
    monkeypatch.setenv("DSYS_LAB_VIEW", "live")
    assert "<video" in films.Played(film)._repr_mimebundle_()["text/html"]
    told = films.Played(modelled(16, 2))._repr_mimebundle_()
    assert "pip install" in told["text/html"]
    assert "<video" not in told["text/html"]
    with pytest.raises(BadParameter, match="give fragments"):
        films.Played(film, [])


def test_without_the_encoder_all_goes_on_and_says_how_to_get_it(monkeypatch):
    for name in [name for name in sys.modules if name == "av" or name.startswith("dsys_lab.engines.video")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    films.night_film.cache_clear()
    try:
        film = films.night_film()
        assert not films.is_real(film)
        fragments = kept.fragments(kept.archived(outage, film=film, down_s=20.0, device_s=8.0))
        assert str(films.Played(film, fragments)) == films.cut_in_half(film, 3) == films.MISSING
        assert "pip install" in films.Moment(film, fragments, 5.0).html()
        assert films.bytes_a_second(1)[0][1] == pytest.approx(films.bytes_by_law(1))
    finally:
        films.night_film.cache_clear()


def test_a_moment_in_a_gap_says_so():
    film = films.night_film(48.0)
    fragments = kept.fragments(kept.archived(outage, film=film, down_s=20.0, device_s=8.0))
    moment = films.Moment(film, fragments, 22.0)
    assert str(moment) == "second 22: a gap, nothing to decode"
    assert moment.picture() is None
    assert "gap" in moment.html()
    slider = films.moments(film, fragments, at_s=2.0)
    slider.set(at_s=22.0)
    assert "a gap" in str(slider.chart)


def test_a_strip_says_where_each_fragment_is():
    trace = outage(down_s=50.0)
    before, after = (str(charts.film_strip(trace, at_s)) for at_s in (62, 80))
    assert "waits: 16\nkept: 9\ngap from 18 to 30 s" in before
    assert "on its way: 1" in after
    assert "gap from 18 to 38 s" in after
    assert "too old: 15" in str(charts.film_strip(edge(), 61))
    assert "nobody watches yet" in str(charts.film_strip(live(), 3))
    crashed = str(charts.film_strip(live(faults=[crash("camera")]), 33))
    assert "gap from 14 to 22 s" in crashed
    with pytest.raises(BadParameter, match="nothing is filmed"):
        charts.film_strip(trace, -1)


@pytest.mark.parametrize(("run", "given", "says"), [
    (live, {"fragment_s": 0.01}, "a frame lasts"), (live, {"buffered": 0}, "buffered"),
    (live, {"link_x": 0.0}, "link_x"), (live, {"seconds": 1.0}, "at least one fragment"),
    (live, {"joins_s": -1.0}, "joins_s"), (live, {"film": 3}, "Film"), (outage, {"sends": "best"}, "newest"),
    (outage, {"down_s": -1.0}, "down_s"), (outage, {"device_s": -1.0}, "device_s"),
    (outage, {"lets_go": "none"}, "oldest"), (shaky, {"buffered": 0}, "buffered"),
    (edge, {"retention_s": 0.0}, "retention_s"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(run, given, says):
    with pytest.raises(BadParameter, match=says):
        run(**given)
