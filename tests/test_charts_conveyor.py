"""A belt with a wall: what stands on either side, what the meters say, and what cannot be drawn."""

from __future__ import annotations

import math

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.views import charts

STEPS = ("index", "rank")
METERS = {"by writes": [0.0, 1.0, 5.0], "by reads": [40.0, 8.0, 1.0], "both together": [40.0, 9.0, 6.0]}


def belt(**more):
    return charts.conveyor(**{"steps": STEPS, "wall": 1, "rows": [1.0, 8.0], "meters": METERS, **more})


def test_it_says_what_is_done_when_and_where_the_meters_stand():
    chart = belt(late=("seen after", [0.0, 2.0, math.inf]))
    assert "At each write: index; at each read: rank." in chart.alt
    assert chart.summary.splitlines() == ["by writes: 1", "by reads: 8", "both together: 9", "seen after: 2"]
    assert chart.png.startswith(b"\x89PNG")


def test_sparks_double_and_what_is_out_of_a_meters_range_is_named_at_its_end():
    belt_axes, meters, late = belt(late=("seen after", [0.0, 2.0, math.inf])).figure.axes
    sparks = [len(one.get_offsets()) for one in belt_axes.collections]
    assert sparks == [1, 4], "one row, and eight"
    assert "0" in {text.get_text() for text in meters.texts}
    assert {"0", "never", "2"} <= {text.get_text() for text in late.texts}


@pytest.mark.parametrize("wall", [0, 2])
def test_a_wall_at_an_end_leaves_nothing_on_its_other_side(wall):
    told = belt(wall=wall).alt
    assert ("write: nothing" in told, "read: nothing" in told) == (wall == 0, wall == 2)


@pytest.mark.parametrize(("more", "says"), [
    ({"wall": 3}, "of the 2 steps"), ({"wall": -1}, "of the 2 steps"), ({"wall": 1.0}, "of the 2 steps"),
    ({"rows": [1.0]}, "one for each"), ({"meters": {"x": [1.0]}}, "3 places"),
    ({"late": ("seen after", [1.0])}, "3 places"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(more, says):
    with pytest.raises(BadParameter, match=says):
        belt(**more)
