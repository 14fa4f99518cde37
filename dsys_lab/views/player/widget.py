"""The player in a running notebook: the widget, and the controls that run a model again.

Imported only when a live view is asked for, so that a still picture needs no widget machinery.
"""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from dsys_lab.errors import BadParameter, DsysLabError
from dsys_lab.views.player.page import MODULE, STYLE

if TYPE_CHECKING:
    from dsys_lab.trace import Trace


class PlayerWidget(anywidget.AnyWidget):
    """What the browser sees: one value of bytes for the picture, one line of words for the reader."""

    _esm = MODULE
    _css = STYLE
    packed = traitlets.Bytes(b"").tag(sync=True)
    height = traitlets.Int(None, allow_none=True).tag(sync=True)
    can_fork = traitlets.Bool(False).tag(sync=True)
    words = traitlets.Unicode("").tag(sync=True)

    def ask(self, answer: Callable[[dict[str, Any]], None]) -> None:
        """Call `answer` with what the reader asks for in the picture: a fork, or the way back."""
        self.on_msg(lambda _, content, buffers: answer(content))


def control(name: str, spec: Any, now: Any) -> ipywidgets.Widget:
    """Return the slider, list or box for one parameter.

    Parameters
    ----------
    spec : tuple, list or True
        `(low, high)`, `(low, high, step)`, a list of choices, or True: whatever fits the present value.
    now : scalar
        The present value.

    Raises
    ------
    BadParameter
        If neither says what to offer.
    """
    look = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if spec is True and isinstance(now, bool):
        return ipywidgets.Checkbox(value=now, indent=False, **look)
    if spec is True and isinstance(now, int | float) and now > 0:
        spec = (0, 3 * now)
    if isinstance(spec, list):
        start = now if now in spec else spec[0]
        options = [("none" if choice is None else str(choice), choice) for choice in spec]
        return ipywidgets.Dropdown(options=options, value=start, layout={"width": "auto"}, **look)
    if isinstance(spec, tuple) and len(spec) in (2, 3) and all(isinstance(x, int | float) for x in spec):
        low, high, *step = spec
        whole = all(isinstance(x, int) for x in spec) and (now is None or now == int(now))
        start = min(max(low, low if now is None else now), high)
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        step = step or [1 if whole else (high - low) / 100]
        look["style"] = {"description_width": "initial", "handle_color": "#0072B2"}
        return kind(value=start, min=low, max=high, step=step[0], layout={"width": "340px"}, **look)
    raise BadParameter(
        f"control {name!r} = {spec!r}: give (low, high), (low, high, step), a list of choices, or True with a value"
    )


class Controls:
    """Sliders above a player; each change runs the model again and shows the new runs.

    While a run is under way the sliders go on moving; what was asked for in between is skipped, the last value counts
    (the front end sends no new value before the kernel is done with the last one).
    """

    def __init__(
        self,
        specs: dict[str, Any],
        values: dict[str, Any],
        again: Callable[..., Any],
        show: Callable[[list[Trace]], None],
    ) -> None:
        self._again, self._show = again, show
        self._controls = {name: control(name, spec, values.get(name)) for name, spec in specs.items()}
        self._words = ipywidgets.HTML()
        for one in self._controls.values():
            one.observe(lambda _: self.run(), names="value")
        row = ipywidgets.HBox(list(self._controls.values()), layout={"flex_flow": "row wrap", "grid_gap": "0 18px"})
        self.widget = ipywidgets.VBox([row, self._words])

    @property
    def values(self) -> dict[str, Any]:
        """The values as they stand."""
        return {name: one.value for name, one in self._controls.items()}

    def run(self) -> None:
        """Run again with the present values; say in words what went wrong, if it did."""
        try:
            traces = self._again(**self.values)
            self._show(list(traces) if isinstance(traces, list | tuple) else [traces])
            self._words.value = ""
        except Exception as error:  # noqa: BLE001  # a callback has no other place to tell the reader
            self._words.value = in_words(error)


def in_words(error: Exception) -> str:
    """Return an error as HTML: our own in one line, any other with its traceback folded behind it."""
    line = html.escape(str(error) or type(error).__name__)
    if isinstance(error, DsysLabError):
        return f"<p style='margin:4px 0'>▲ {line}</p>"
    where = html.escape("".join(traceback.format_exception(error)))
    return f"<details><summary>▲ {type(error).__name__}: {line}</summary><pre>{where}</pre></details>"
