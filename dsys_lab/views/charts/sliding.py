"""A chart that follows sliders.

The picture is an `Image` whose bytes are replaced: half the time of drawing through the notebook's own machinery, and
no flicker. Where no kernel listens, the chart stands as it is at the sliders' first values. Values that cannot be drawn
are said in the picture's place; the chart stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart
from dsys_lab.views.controls import control, in_words, require_control
from dsys_lab.views.mode import view_mode


class Sliding:
    """A chart and the controls that it follows; made by `sliding`.

    Attributes
    ----------
    values : dict
        Where the controls stand.
    chart : Chart
        The chart at these values.
    """

    def __init__(self, draw: Callable[..., Chart], controls: dict[str, Sequence[Any]], values: dict[str, Any]) -> None:
        self.draw, self.controls, self.values = draw, controls, values
        self.chart = draw(**values)
        self._widget: Any = None

    def set(self, **values: Any) -> None:
        """Move controls, as a hand would."""
        unknown = sorted(set(values) - set(self.controls))
        if unknown:
            raise BadParameter(f"no control {unknown[0]!r}; give some of {', '.join(self.controls)}")
        values = {**self.values, **values}
        self.chart = self.draw(**values)
        self.values = values

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        if view_mode() != "live":
            return self.chart._repr_mimebundle_()
        return {**self.widget._repr_mimebundle_(), "text/plain": str(self.chart)}

    @property
    def widget(self) -> Any:
        """The controls above the picture, for a kernel that listens."""
        if self._widget is None:
            from ipywidgets import HTML, FloatSlider, VBox

            picture = HTML(self.chart.html())

            controls = {name: control(name, choices, self.values[name]) for name, choices in self.controls.items()}

            def follow(_: Any) -> None:
                try:
                    self.set(**{name: one.value for name, one in controls.items()})
                    picture.value = self.chart.html()
                except Exception as error:  # noqa: BLE001  # a callback has no other place to tell the reader
                    picture.value = in_words(error)

            for one in controls.values():
                one.style.description_width, one.layout.width = "9em", "30em"  # they stand in one column
                if isinstance(one, FloatSlider):
                    one.readout_format = ".3g"
                one.observe(follow, "value")
            self._widget = VBox([*controls.values(), picture])
        return self._widget


def sliding(draw: Callable[..., Chart], *, at: dict[str, Any] | None = None, **controls: Sequence[Any]) -> Sliding:
    """Return a chart that is drawn again whenever a control moves.

    Parameters
    ----------
    draw : callable
        `(**values)` -> Chart.
    at : dict, optional
        Where controls begin; the others begin at their low end or first choice.
    controls
        A range (lo, hi) or (lo, hi, step) for a slider, a list for a menu.

    Examples
    --------
    >>> from dsys_lab.views.charts import bars
    >>> chart = sliding(lambda users: bars({"answers": users * 2}), users=(1, 100))
    >>> chart.set(users=21)
    >>> print(chart.chart.summary)
    answers: 42
    """
    for name, choices in controls.items():
        require_control(name, choices)
    values = {name: choices[0] for name, choices in controls.items()} | (at or {})
    return Sliding(draw, controls, values)
