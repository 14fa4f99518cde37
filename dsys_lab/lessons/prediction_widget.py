"""The controls of a prediction, and its reveal, where a kernel listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Button, HBox, Layout, RadioButtons, VBox

from dsys_lab.lessons.answer_forms import ChoiceForm, CurveForm, NumberForm, filled
from dsys_lab.lessons.curve_pad import CurvePad
from dsys_lab.lessons.number_control import NumberControl
from dsys_lab.lessons.own_keys import form
from dsys_lab.lessons.shown import as_html, card, quiet

if TYPE_CHECKING:
    from dsys_lab.lessons.predictions import Prediction, Reveal


def prediction_widget(prediction: Prediction) -> VBox:
    """Return the question, a control for its form of answer, and the button that keeps the answer."""
    control, read, lock_control = _control(prediction)
    button = Button(description="Keep my prediction", button_style="warning", layout=Layout(width="auto"))
    status = HTML()

    def lock() -> None:
        lock_control()
        button.disabled = True
        button.layout.display = "none"
        said = prediction.form.told(prediction.said)
        status.value = quiet(f"Kept: you said **{said}**. Run on to see what happens.")

    def press(_: Button) -> None:
        said = read()
        if said is None:
            is_curve = isinstance(prediction.form, CurveForm)
            status.value = quiet(f"First {'draw a curve' if is_curve else 'give an answer'}, then keep it.")
        else:
            prediction.keep(said)

    button.on_click(press)
    prediction.when_kept(lock)
    if prediction.said is not None:
        lock()
    question = HTML(card(f"<b>Predict</b><br>{as_html(prediction.question)}", role="again"))
    return form(question, control, HBox([button, status], layout=Layout(align_items="center", margin="2px 0 0 4px")))


def _control(prediction: Prediction) -> tuple[Any, Callable[[], Any], Callable[[], None]]:
    """Return the control for the prediction's form of answer, how to read it, and how to lock it."""
    asked, said = prediction.form, prediction.said
    if isinstance(asked, NumberForm):
        number = NumberControl(asked, said)
        return number, lambda: number.answer, number.disable
    if isinstance(asked, ChoiceForm):
        choices = RadioButtons(options=asked.choices, value=said if said in asked.choices else None,
                               layout=Layout(width="max-content", max_width="100%", margin="0 0 0 4px"))  # fmt: skip
        return choices, lambda: choices.value, lambda: setattr(choices, "disabled", True)
    assert isinstance(asked, CurveForm)
    pad = CurvePad(asked, prediction.question)
    if said is not None:
        pad.ys = said
    return pad, lambda: filled(pad.ys) or None, lambda: setattr(pad, "locked", True)


def reveal_widget(reveal: Reveal) -> VBox:
    """Return the truth; before the reader has predicted, a request to do so."""
    content = HTML()  # no width of its own: 100% and its margin would overflow, with a scrollbar below
    button = Button(description="Show me anyway", layout=Layout(width="max-content"))
    behind = VBox()
    box = VBox([form(content, button), behind])

    def show() -> None:
        reveal.open()
        content.value = reveal.html()
        button.layout.display = "none"
        behind.children = [_as_widget(shown) for shown in reveal.show]

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


def _as_widget(shown: Any) -> Any:
    """Return a player's own widget, or a picture, a card or a table as the page shows it."""
    if hasattr(shown, "widget"):
        return shown.widget
    if hasattr(shown, "html"):
        return HTML(shown.html if isinstance(shown.html, str) else shown.html())
    return HTML(f'<div class="jp-RenderedHTMLCommon">{shown.to_html(border=0)}</div>')  # as a cell shows a table
