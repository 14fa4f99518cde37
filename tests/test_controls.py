"""A control shows the value that is run, and offers what was asked for."""
from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import BadParameter
from dsys_lab.views.controls import control, round_step

TENTHS = st.integers(-1000, 1000).map(lambda tenths: tenths / 10)


@given(TENTHS, st.integers(1, 2000).map(lambda tenths: tenths / 10), st.floats(0, 1))
def test_the_present_value_lies_on_the_slider_s_grid(low: float, span: float, share: float) -> None:
    now = round(low + share * span, 1)
    step = round_step(low, low + span, now)
    assert span / step > 49
    assert math.isclose((now - low) / step, round((now - low) / step), abs_tol=1e-6)


@pytest.mark.parametrize(("spec", "now", "shown"), [
    ((0.3, 0.95), 0.5, "0.50"),
    ((0.5, 20, 0.5), 4.0, "4.0"),
    ((0, 1, 0.25), 0.25, "0.25"),
])
def test_a_slider_says_the_value_that_it_has(spec: tuple[float, ...], now: float, shown: str) -> None:
    slider = control("utilisation", spec, now)
    assert slider.value == now
    assert format(slider.value, slider.readout_format) == shown


def test_whole_numbers_stay_whole() -> None:
    assert control("capacity", (5, 200), 50).step == 1
    assert isinstance(control("capacity", (5, 200), 50).value, int)


def test_what_is_neither_a_range_nor_a_list_is_refused() -> None:
    with pytest.raises(BadParameter, match="give a range"):
        control("capacity", (200, 5), 50)
