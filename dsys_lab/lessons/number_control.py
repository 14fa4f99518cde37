"""The control for a number: a slider to drag, and beside it a box that says the number and takes a typed one.

What the box says is what counts. The slider moves in round numbers (two digits on a wide range, whole ones for what is
counted in whole ones); a typed number is taken as it is, though the slider then stands on the nearest of its steps.
"""

from __future__ import annotations

import math
from typing import Final

from ipywidgets import HTML, BoundedFloatText, BoundedIntText, FloatLogSlider, FloatSlider, HBox, Layout

from dsys_lab.lessons.answer_forms import NumberForm
from dsys_lab.lessons.shown import as_html

STEPS: Final = 200


class NumberControl(HBox):
    """A slider and a box that say the same number.

    Attributes
    ----------
    slider, box : Widget
    moved : bool
        Whether the reader has touched either, now or when they answered; where they stand at first is nobody's answer.
    """

    def __init__(self, form: NumberForm, said: float | None) -> None:
        self.form = form
        start = form.low if said is None else said
        at_first = {"readout": False, "style": {"handle_color": "#E69F00"}, "layout": Layout(width="min(26em, 60%)")}
        if form.in_factors:
            low, high = math.log10(form.low), math.log10(form.high)
            self.slider = FloatLogSlider(start, min=low, max=high, step=(high - low) / STEPS, **at_first)
        else:
            step = (form.high - form.low) / STEPS
            step = max(1, round(step)) if form.whole else step
            self.slider = FloatSlider(start, min=form.low, max=form.high, step=step, **at_first)
        kind = BoundedIntText if form.whole else BoundedFloatText
        self.box = kind(int(start) if form.whole else start, min=form.low, max=form.high,
                        step=1 if form.whole else None, layout=Layout(width="7em"))  # fmt: skip
        self.moved, self._following = said is not None, False
        self.slider.observe(self._slid, "value")
        self.box.observe(self._typed, "value")
        unit = HTML(as_html(form.unit))
        super().__init__([self.slider, self.box, unit], layout=Layout(align_items="center", margin="0 0 0 4px"))

    @property
    def answer(self) -> float | None:
        """The number, once the reader has given one."""
        return float(self.box.value) if self.moved else None

    def disable(self) -> None:
        """Take no more answers."""
        self.slider.disabled = self.box.disabled = True

    def _slid(self, change: dict[str, float]) -> None:
        if not self._following and not self._is_echo(change["new"]):
            self._follow(self.box, self._round(change["new"]))

    def _typed(self, change: dict[str, float]) -> None:
        if not self._following:
            self._follow(self.slider, change["new"])

    def _follow(self, other: FloatSlider | BoundedFloatText, value: float) -> None:
        self.moved = self._following = True
        try:
            other.value = value
        finally:
            self._following = False

    def _is_echo(self, value: float) -> bool:
        """Whether the page's slider only says the number of the box again, on the nearest of its steps."""
        there, here = self.box.value, value
        if self.form.in_factors:
            there, here = math.log10(there), math.log10(here)
        return self.moved and abs(here - there) <= 0.501 * self.slider.step

    def _round(self, value: float) -> float:
        """Return a number that one would say: two digits on a wide range, three on a narrow one."""
        said = float(f"{value:.2g}" if self.form.in_factors else f"{value:.3g}")
        said = min(max(said, self.form.low), self.form.high)
        return round(said) if self.form.whole else said
