"""The controls of a prediction, and its reveal, where a kernel listens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Button, FloatLogSlider, FloatSlider, HBox, Layout, RadioButtons, VBox

from dsys_lab.lessons.answer_forms import ChoiceForm, CurveForm, NumberForm, filled
from dsys_lab.lessons.curve_pad import CurvePad
from dsys_lab.lessons.shown import as_html, card, quiet

if TYPE_CHECKING:
    from dsys_lab.lessons.predictions import Prediction, Reveal


def prediction_widget(prediction: Prediction) -> VBox:
    """Return the question, a control for its form of answer, and the button that keeps the answer."""
    control, read = _control(prediction)
    button = Button(description="Keep my prediction", button_style="warning", layout=Layout(width="auto"))
    status = HTML()

    def lock() -> None:
        control.disabled = control.locked = button.disabled = True
        button.layout.display = "none"
        said = prediction.form.told(prediction.said)
        status.value = quiet(f"Kept: you said **{said}**. Run on to see what happens.")

    def press(_: Button) -> None:
        said = read()
        if said is None:
            status.value = quiet("First give an answer, then keep it.")
        else:
            prediction.keep(said)

    button.on_click(press)
    prediction.when_kept(lock)
    if prediction.said is not None:
        lock()
    question = HTML(card(f"<b>Predict</b><br>{as_html(prediction.question)}", role="again"))
    return VBox([question, control, HBox([button, status], layout=Layout(align_items="center", margin="2px 0 0 4px"))])


def _control(prediction: Prediction) -> tuple[Any, Callable[[], Any]]:
    """Return the control for the prediction's form of answer, and how to read it."""
    form, said = prediction.form, prediction.said
    if isinstance(form, NumberForm):
        moved: list[object] = []
        slider = _slider(form, said)
        slider.observe(moved.append, "value")  # where it stands at first is nobody's answer
        return slider, lambda: float(f"{slider.value:.4g}") if moved else None
    if isinstance(form, ChoiceForm):
        choices = RadioButtons(options=form.choices, value=said if said in form.choices else None,
                               layout=Layout(width="max-content", max_width="100%", margin="0 0 0 4px"))  # fmt: skip
        return choices, lambda: choices.value
    assert isinstance(form, CurveForm)
    pad = CurvePad(form, prediction.question)
    if said is not None:
        pad.ys = said
    return pad, lambda: filled(pad.ys) or None


def _slider(form: NumberForm, said: float | None) -> FloatSlider | FloatLogSlider:
    shared = {
        "description": form.unit,
        "readout_format": ".3g",
        "style": {"description_width": "auto", "handle_color": "#E69F00"},
        "layout": Layout(width="min(34em, 98%)", margin="0 0 0 4px"),
    }
    if form.in_factors:
        low, high = math.log10(form.low), math.log10(form.high)
        return FloatLogSlider(said or form.low, min=low, max=high, step=(high - low) / 200, **shared)
    step = (form.high - form.low) / 200
    return FloatSlider(form.low if said is None else said, min=form.low, max=form.high, step=step, **shared)


def reveal_widget(reveal: Reveal) -> VBox:
    """Return the truth; before the reader has predicted, a request to do so."""
    content = HTML(layout=Layout(width="100%"))
    button = Button(description="Show me anyway", layout=Layout(width="auto"))
    box = VBox([content, button], layout=Layout(align_items="flex-start"))

    def show() -> None:
        reveal.open()
        content.value = reveal.html()
        button.layout.display = "none"

    button.on_click(lambda _: show())
    reveal.prediction.when_kept(show)
    if reveal.is_open:
        show()
    else:
        content.value = card(
            f"<b>Predict first</b><br>{as_html(reveal.prediction.question)}<br>"
            + quiet("What was counted appears here as soon as your prediction above is kept."),
            role="again",
        )
    return box
