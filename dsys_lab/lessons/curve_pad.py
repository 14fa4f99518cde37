"""A pad on which a curve is dragged by hand, or by arrow keys; the drawing is `curve_pad.js` beside this file."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

from dsys_lab.lessons.answer_forms import CURVE_POINTS, CurveForm
from dsys_lab.views.hearing import hearing


class CurvePad(anywidget.AnyWidget):
    """A pad for one curve.

    Attributes
    ----------
    ys : list
        The height at each place of `CurveForm.xs`, None where nothing is drawn yet.
    locked : bool
        Whether the curve is kept and cannot be changed any more.
    """

    _esm = hearing(Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))
    ys: traitlets.List = traitlets.List(default_value=[None] * CURVE_POINTS).tag(sync=True)
    x_axis: traitlets.List = traitlets.List().tag(sync=True)
    y_axis: traitlets.List = traitlets.List().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    locked = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, form: CurveForm, label: str) -> None:
        super().__init__(x_axis=list(form.x), y_axis=list(form.y), label=label)
