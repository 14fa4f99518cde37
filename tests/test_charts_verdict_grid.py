"""A grid of verdicts has a box for each pair that was tried, and says the same in words."""

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts import verdict_grid
from dsys_lab.views.theme import ROLES

LEGEND = {"done": "understood", "lost": "an error"}
BY_NAME = {("v1", "v1"): ("done", "✓"), ("v1", "v2"): ("lost", "✕"), ("v2", "v1"): ("done", "✓")}


def test_each_pair_has_a_box_in_the_colour_of_its_role_and_a_sign() -> None:
    chart = verdict_grid({"by name": BY_NAME, "by number": BY_NAME}, legend=LEGEND, rows="written by", title="Who?")
    first, second = chart.figure.axes
    assert [text.get_text() for text in first.texts] == ["✓", "✕", "✓"]
    assert [patch.get_facecolor() for patch in first.patches] == [patch.get_facecolor() for patch in second.patches]
    assert len({patch.get_facecolor() for patch in first.patches}) == 2
    assert "by name, v1, v2: an error" in str(chart)
    assert set(LEGEND) <= set(ROLES)


@pytest.mark.parametrize(("grids", "says"), [
    ({}, "nothing was tried"),
    ({"by name": {}}, "nothing was tried"),
    ({"by name": {("a", "b"): ("late", "?")}}, "role = 'late': give one of done, lost"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(grids, says: str) -> None:
    with pytest.raises(BadParameter, match=says):
        verdict_grid(grids, legend=LEGEND)
