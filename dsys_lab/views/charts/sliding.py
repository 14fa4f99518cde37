"""A chart that follows sliders.

The picture is an `Image` whose bytes are replaced: half the time of drawing through the notebook's own machinery, and
no flicker. Where no kernel listens, the chart stands as it is at the sliders' first values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, view_mode


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
        self.values = {**self.values, **values}
        self.chart = self.draw(**self.values)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        if view_mode() != "live":
            return self.chart._repr_mimebundle_()
        return {**self.widget._repr_mimebundle_(), "text/plain": str(self.chart)}

    @property
    def widget(self) -> Any:
        """The controls above the picture, for a kernel that listens."""
        if self._widget is None:
            from ipywidgets import HTML, VBox

            picture = HTML(self.chart.html())

            def follow(name: str) -> Callable[[Any], None]:
                def moved(change: Any) -> None:
                    self.set(**{name: change["new"]})
                    picture.value = self.chart.html()

                return moved

            controls = [_control(name, choices, self.values[name]) for name, choices in self.controls.items()]
            for name, control in zip(self.controls, controls, strict=True):
                control.observe(follow(name), "value")
            self._widget = VBox([*controls, picture])
        return self._widget


def _control(name: str, choices: Sequence[Any], value: Any) -> Any:
    from ipywidgets import Dropdown, FloatSlider, IntSlider, Layout

    label = {
        "description": name.replace("_", " "),
        "style": {"description_width": "9em"},
        "layout": Layout(width="30em"),
    }
    if isinstance(choices, list):
        return Dropdown(options=choices, value=value, **label)
    low, high, *step = choices
    if all(isinstance(choice, int) for choice in choices):
        return IntSlider(min=low, max=high, step=step[0] if step else 1, value=value, **label)
    return FloatSlider(
        min=low, max=high, step=step[0] if step else (high - low) / 100, value=value, readout_format=".3g", **label
    )


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
        is_range = isinstance(choices, tuple) and len(choices) in (2, 3) and choices[0] < choices[1]
        if not is_range and not (isinstance(choices, list) and choices):
            raise BadParameter(f"{name} = {choices!r}: give a range (lo, hi) or (lo, hi, step), or a list of choices")
    values = {name: choices[0] for name, choices in controls.items()} | (at or {})
    return Sliding(draw, controls, values)
