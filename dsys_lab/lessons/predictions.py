"""Predict before you run.

`predict` asks; the first answer that the reader keeps is the one that counts. `reveal` holds it against what was
counted and against the law, in one chart and one line. An answer that was revealed before it was predicted does not
score: then the reader has only read. What would give the answer away (the chart of the whole sweep, the run to play)
is shown with it, behind the same door, and not in a cell above.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from IPython.display import display

from dsys_lab.errors import BadParameter
from dsys_lab.lessons.answer_forms import ChoiceForm, CurveForm, Form, Judgement, NumberForm
from dsys_lab.lessons.map import lab_of
from dsys_lab.lessons.record import progress
from dsys_lab.lessons.shown import Shown, as_html, card, quiet
from dsys_lab.views.mode import view_mode


class Prediction:
    """A question put to the reader, and the answer, once there is one.

    Attributes
    ----------
    key, question : str
    form : Form
        What kind of answer is asked for.
    said : object or None
        The answer that counts.
    """

    def __init__(self, key: str, question: str, form: Form) -> None:
        lab_of(key)
        self.key, self.question, self.form = key, question, form
        kept = progress().of("predictions", key).get("said")
        self.said: Any = kept if form.fits(kept) else None
        self._listeners: list[Callable[[], None]] = []
        self._widget: Any = None

    def keep(self, said: Any) -> None:
        """Take an answer; only the first counts.

        Raises
        ------
        BadParameter
            If it is no answer to this question.
        """
        if not self.form.fits(said):
            raise BadParameter(f"{self.key}: {said!r} is no answer; give {self.form.ask()}")
        if self.said is not None:
            return
        self.said = said
        progress().put("predictions", self.key, said=said)
        for listener in self._listeners:
            listener()

    def when_kept(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the reader has answered."""
        self._listeners.append(listener)

    def reveal(
        self, truth: Any, law: Any = None, *, standard_error: float = 0.0, why: str = "", show: Any = ()
    ) -> Reveal:
        """Hold the prediction against what was counted, and the law.

        Parameters
        ----------
        truth
            A number, one of the choices, or (xs, ys) for a curve.
        law
            A number, words for a choice, or a function of x for a curve.
        standard_error : float
            Of a counted number.
        why : str
            One sentence that says why it is so.
        show : object or tuple of objects
            What is shown below it as soon as the reader has predicted: a chart, a player, a table.
        """
        shown = show if isinstance(show, tuple) else (show,)
        return Reveal(self, truth=truth, law=law, standard_error=standard_error, why=why, show=shown)

    def __str__(self) -> str:
        return f"Predict: {self.question}\nGive {self.form.ask()}."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if view_mode() == "live":
            return {**self.widget._repr_mimebundle_(), "text/plain": str(self)}
        asked = f"<b>Predict</b><br>{as_html(self.question)}<br>{quiet(f'Give {self.form.ask()}.')}"
        return Shown(card(asked, role="again"), str(self))._repr_mimebundle_()

    @property
    def widget(self) -> Any:
        """The question with its control, for a kernel that listens."""
        if self._widget is None:
            from dsys_lab.lessons.prediction_widget import prediction_widget

            self._widget = prediction_widget(self)
        return self._widget


class Reveal:
    """A prediction held against the truth; made by `Prediction.reveal`."""

    def __init__(
        self,
        prediction: Prediction,
        *,
        truth: Any,
        law: Any,
        standard_error: float,
        why: str,
        show: tuple[Any, ...],
    ) -> None:
        self.prediction, self.truth, self.law = prediction, truth, law
        self.standard_error, self.why, self.show = standard_error, why, show
        prediction.form.facts(truth, law)  # refuses at once what the form cannot be held against
        self._opened = False

    @property
    def judgement(self) -> Judgement | None:
        """How the reader's answer compares, if there is one."""
        said = self.prediction.said
        return None if said is None else self.prediction.form.judge(said, self.truth)

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        form, said = self.prediction.form, self.prediction.said
        facts = form.facts(self.truth, self.law)
        if said is None:
            return f"{facts[0].upper()}{facts[1:]}; no prediction was made."
        return form.verdict(said, self.truth, self.law)

    def open(self) -> None:
        """Show the truth: keep the score of a prediction made before; without one, none will score any more."""
        key, judgement = self.prediction.key, self.judgement
        entry = progress().of("predictions", key)
        if judgement is None:
            progress().put("predictions", key, seen_first=True)
        elif "score" not in entry and not entry.get("seen_first"):
            progress().put("predictions", key, score=round(judgement.score, 3))
        self._opened = True

    @property
    def is_open(self) -> bool:
        """Whether the truth may be shown: the reader has predicted, or would rather see it."""
        return self.prediction.said is not None or self._opened

    def __str__(self) -> str:
        return f"{self.verdict} {self.why}".strip()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        if view_mode() == "live":
            from dsys_lab.lessons.prediction_widget import reveal_widget

            words = str(self) if self.is_open else "Predict first: what was counted appears here."
            return {**reveal_widget(self)._repr_mimebundle_(), "text/plain": words}
        chart = self._chart(title=self.verdict)
        if chart is None:
            return Shown(card(f"<b>{html.escape(self.verdict)}</b> {as_html(self.why)}"), str(self))._repr_mimebundle_()
        data, metadata = chart._repr_mimebundle_()
        return {**data, "text/plain": str(self)}, metadata

    def _ipython_display_(self) -> None:
        """Show it, and below it what goes with it; where a kernel listens, the door keeps that, too."""
        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        if view_mode() != "live":
            display(*self.show)

    def html(self) -> str:
        """Return verdict and chart for the page."""
        judgement = self.judgement
        role = "skipped" if judgement is None else "done" if judgement.score >= 0.7 else "again"
        rule = self.prediction.form.rule
        score = f" &nbsp;{quiet(f'closeness {judgement.score:.0%} ({rule})')}" if judgement and rule else ""
        why = f'<div style="margin-top:.2em">{as_html(self.why)}</div>' if self.why else ""
        chart = self._chart(title="")
        return card(f"<b>{html.escape(self.verdict)}</b>{score}{why}", role=role) + (chart.html() if chart else "")

    def _chart(self, title: str) -> Any:
        prediction = self.prediction
        return prediction.form.chart(prediction.said, self.truth, self.law, self.standard_error, title)


def predict(
    key: str,
    question: str,
    *,
    between: tuple[float, float] | None = None,
    unit: str = "",
    found: str = "counted",
    choices: Sequence[str] | None = None,
    curve: dict[str, tuple[float, float, str]] | None = None,
) -> Prediction:
    """Ask the reader to predict; give exactly one of `between`, `choices` and `curve`.

    Parameters
    ----------
    key : str
        The prediction's address, as in `13/wait_at_95`: under it the answer is kept.
    between : (float, float)
        A number from lo to hi, in `unit`.
    found : str
        How the true number is come by, where nothing is counted: "worked out", "by AWS's account".
    choices : sequence of str
        One of a few.
    curve : dict
        A curve dragged by hand: {"x": (lo, hi, unit), "y": (lo, hi, unit)}.

    Examples
    --------
    >>> wait = predict("13/wait_at_95", "How many times longer is the wait?", between=(1, 100), unit="times")
    >>> print(wait)
    Predict: How many times longer is the wait?
    Give a number from 1 to 100 times.
    """
    given = [
        name for name, value in (("between", between), ("choices", choices), ("curve", curve)) if value is not None
    ]
    if len(given) != 1:
        raise BadParameter(
            f"predict: given {', '.join(given) or 'no form of answer'}; give one of between, choices, curve"
        )
    if between is not None:
        return Prediction(key, question, NumberForm(*between, unit, found))
    if choices is not None:
        return Prediction(key, question, ChoiceForm(tuple(choices)))
    assert curve is not None
    if set(curve) != {"x", "y"}:
        raise BadParameter(f"curve = {curve!r}: give {{'x': (lo, hi, unit), 'y': (lo, hi, unit)}}")
    return Prediction(key, question, CurveForm(curve["x"], curve["y"]))
