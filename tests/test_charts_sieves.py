"""A card before sieves: what passes, what lights up, and what is said of it in words."""
from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.event_bus.sieves import CARDS, SIEVES, seen
from dsys_lab.views import charts

CARD = {"source": '"shop"', "detail.price": "12"}


def test_it_says_what_passes_and_what_each_sieve_found():
    chart = charts.sieves(
        CARD, {"dear": ([("detail.price", '[{"numeric": [">", 10]}]', True)], "12"),
               "others": ([("source", '["x"]', False)], None)},
    )  # fmt: skip
    assert "It passes dear." in chart.alt
    assert chart.summary.splitlines() == [
        'dear: detail.price [{"numeric": [">", 10]}] holds; the target is given 12',
        'others: source ["x"] does not hold; passed by',
    ]
    assert chart.png.startswith(b"\x89PNG")


def test_it_grows_with_its_sieves_and_cuts_what_is_too_long():
    sieve = ([(f"detail.field-{n}", "x" * 90, False) for n in range(6)], None)
    small, large = (charts.sieves(CARD, {f"r{n}": sieve for n in range(count)}) for count in (1, 4))
    assert large.size[1] > 2 * small.size[1]
    assert max(len(text.get_text()) for text in large.figure.axes[0].texts) <= 42


def test_a_seal_is_drawn_and_said_and_what_objects_says_why():
    sieve = {"signature": ([("hours", "made with the secret", False)], None)}
    chart = charts.sieves(CARD, sieve, seal="cracked", refused={"signature": "403 forged"})
    assert "Its seal is cracked." in chart.alt
    assert chart.summary.endswith("does not hold; 403 forged")
    assert "403 forged" in {text.get_text() for text in chart.figure.axes[0].texts}
    with pytest.raises(BadParameter, match="whole or cracked"):
        charts.sieves(CARD, sieve, seal="melted")


def test_strips_count_what_is_picked():
    chart = charts.picked_strips({"a": [True, False, True], "b": [False] * 3})
    assert chart.summary == "a: 2 of 3\nb: 0 of 3"
    for bad in ({}, {"a": [True], "b": []}):
        with pytest.raises(BadParameter, match="each asked of the same events"):
            charts.picked_strips(bad)


@pytest.mark.parametrize("given", [({}, {"r": ([], None)}), (CARD, {})])
def test_nothing_to_draw_is_refused(given):
    with pytest.raises(BadParameter, match="give some of both"):
        charts.sieves(*given)


def test_what_is_seen_is_what_the_patterns_pick():
    for number, card in enumerate(CARDS, 1):
        told = seen(number)
        for name, (looked, given) in told["sieves"].items():
            assert (given is not None) == SIEVES[name].pattern.matches(card.envelope())
            assert looked
