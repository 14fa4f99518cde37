"""Stills: what a place did and what it skipped, where a leak hangs, which places and which strip a lane has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from dsys_lab.scenarios.missed_messages import path
from dsys_lab.scenarios.publish_subscribe import filtering
from dsys_lab.trace import Trace, balance
from dsys_lab.views.player import Player, still
from dsys_lab.views.player.fold import folded
from dsys_lab.views.player.still_strip import curves_of


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counter[str]]:
    """Return `(*traces)` -> how often each word stands in their still picture."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    said: list[str] = []
    save = Figure.savefig

    def read_and_save(figure: Figure, *where: object, **how: object) -> None:
        said.extend(text.get_text() for text in figure.findobj(Text))
        save(figure, *where, **how)

    monkeypatch.setattr(Figure, "savefig", read_and_save)

    def words_of(*traces: Trace) -> Counter[str]:
        said.clear()
        still.png(traces, [""] * len(traces))
        return Counter(said)

    return words_of


def waiting(*, lag_s: int) -> Trace:
    """One message waits, and a gauge says how far somebody is behind."""
    trace = Trace()
    trace.emit(0, "publish", "phone", "m1", attempt=1)
    trace.emit(1, "enqueue", "uploads", "m1", depth=1)
    trace.emit(2, "gauge", "uploads", name="lag", value=lag_s, unit="s")
    trace.emit(3, "gauge", "uploads", name="calls", value=900, unit="calls")
    return trace


def test_what_a_place_does_nothing_for_is_not_among_what_it_did() -> None:
    trace = filtering(at="listener")
    end, thrown_away = folded(trace), len(trace.of("nomatch", place="billing"))
    assert end.skipped == {"billing": thrown_away}
    assert end.done["billing"] == len(trace.of("effect", place="billing")) > 0 < thrown_away
    assert end.done["thumbnail"] == 30
    assert f"skipped {thrown_away}: " in repr(Player(trace))
    assert "skipped" not in repr(Player(filtering()))
    assert balance(trace).done == balance(filtering(at="topic")).done + thrown_away, "the ledger has it as done"


def test_what_was_skipped_is_done_where_it_comes_to_the_same_place_again() -> None:
    trace = Trace()
    for at_us, attempt in ((0, 1), (10, 2)):
        trace.emit(at_us, "start", "billing", "m1", attempt=attempt)
        if attempt == 1:
            trace.emit(at_us, "effect_skip", "billing", "m1", key="m1")
    trace.emit(20, "finish", "billing", "m1", attempt=2)
    assert (folded(trace).skipped["billing"], folded(trace).done["billing"]) == (1, 1)


def test_a_still_hangs_what_leaks_below_the_place_where_it_was_lost() -> None:
    end = folded(path(until_s=45))
    columns = still._columns([end])
    leaks = {place: source for place, source in end.leaks.items() if source}
    assert leaks["tap 1: gives up"] == "phone"
    assert leaks["tap 2: unheard"] == "pings"
    for place, source in leaks.items():
        assert columns[place][0] == columns[source][0]
        assert columns[place][1] > columns[source][1]
    mains = {row for place, (_, row, _) in columns.items() if place not in leaks}
    assert mains == {0}, "the way itself is one line"


def test_a_place_where_more_than_outlines_stand_is_no_leak() -> None:
    trace = waiting(lag_s=1)
    trace.emit(4, "hole", "phone", "m2", to="uploads", why="a bug", copy=9)
    assert not folded(trace).leaks["uploads"]


def test_a_lane_has_no_place_of_another_run(words) -> None:
    open_taps, closed = path(until_s=45), path(until_s=45, leak="none")
    both = words(open_taps, closed)
    assert both["phone"] == 2
    assert both["tap 2: unheard"] == 1
    assert not words(closed)["tap 2: unheard"]


def test_a_place_that_lets_everything_pass_by_is_there_nevertheless(words) -> None:
    both = words(filtering(), filtering(field="kinds"))
    assert both["thumbnail"] == 4, "a seat and a listener in each lane"
    assert both["billing"] == 3, "whom nobody calls has a seat, and is no place of that lane"
    columns = still._columns([folded(filtering(field="kinds"))])
    assert columns["uploads/billing"][0] == columns["uploads/thumbnail"][0]


def test_a_frame_goes_round_its_places_also_where_another_run_has_one_between() -> None:
    from matplotlib.figure import Figure

    axes, edges = Figure().subplots(), {0: (0.0, 1.0)}
    apart = {"bus/long": (0, -1.0, False), "bus/short": (0, 1.0, False)}
    assert still._frames(axes, apart, edges) == apart.keys()
    assert still._frames(axes, {**apart, "coach": (0, 0.0, False)}, edges) == set()


def test_who_refuses_stands_behind_the_one_who_came_in_vain() -> None:
    trace = waiting(lag_s=1)
    trace.emit(5, "start", "worker", "m1", attempt=1)
    trace.emit(6, "refuse", "fence", "m1", why="an epoch that is over", source="worker")
    end = folded(trace)
    assert end.refused["fence"] == 1
    columns = still._columns([end])
    assert columns["worker"][0] < columns["fence"][0]


def test_the_sentence_above_a_strip_keeps_to_its_lane(words) -> None:
    trace = waiting(lag_s=3)
    trace.emit(9, "drop", "uploads", "m1", why="a reason that is longer than any lane is wide " * 3, copy=0)
    trace.header.poster_us = 9
    (said,) = [text for text in words(trace, trace, trace) if text.startswith("at ")]
    assert said.endswith("…")
    assert len(said) < 80


def test_a_strip_draws_the_gauges_that_a_run_names_and_the_depth_where_it_has_none(words) -> None:
    trace = waiting(lag_s=3)
    assert (curves_of(trace).unit, words(trace)["lag"]) == ("depth", 0)
    trace.header.strip = ["lag"]
    curves = curves_of(trace)
    assert (curves.unit, curves.top, list(curves.gauges)) == ("s", 3, [("uploads", "lag")])
    assert words(trace)["lag"] == 1
    trace.header.strip = ["no such gauge"]
    assert curves_of(trace).unit == "depth"


def test_lanes_that_draw_one_unit_share_its_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    tops: list[float] = []
    monkeypatch.setattr(still, "strip", lambda *_, top, **__: tops.append(top))
    lanes = [waiting(lag_s=3), waiting(lag_s=30), waiting(lag_s=7)]
    for trace in lanes[:2]:
        trace.header.strip = ["lag"]
    still.png(lanes, [""] * 3)
    assert tops == [30, 30, 1]


@pytest.mark.parametrize(("width", "copies"), [(1.0, 1), (1.0, 5), (1.0, 8), (1.0, 20), (2.4, 8), (2.4, 60)])
def test_no_disc_reaches_beyond_its_box(width: float, copies: int) -> None:
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, axes = plt.subplots()
    box = Rectangle((0, -0.4), width, 0.8)
    axes.add_patch(box)
    standing = [((f"m{number}", 0), "here") for number in range(copies)]
    still._discs(axes, standing, folded(Trace()), x0=0.0, y0=0.0, width=width, points=100.0, box=box)
    spots = [(x, line.get_markersize() / 200) for line in axes.lines for x in line.get_xdata()]
    assert len(spots) == copies
    assert all(x - half >= -1e-9 and x + half <= width + 1e-9 for x, half in spots)
    plt.close(figure)
