"""The player in a running notebook: the widget, and the controls that run a model again.

Imported only when a live view is asked for, so that a still picture needs no widget machinery.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from dsys_lab.views.controls import control, in_words
from dsys_lab.views.hearing import hearing
from dsys_lab.views.player.page import MODULE, STYLE

if TYPE_CHECKING:
    from dsys_lab.trace import Trace


class PlayerWidget(anywidget.AnyWidget):
    """What the browser sees: one value of bytes for the picture, one line of words for the reader."""

    _esm = hearing(MODULE)
    _css = STYLE
    packed = traitlets.Bytes(b"").tag(sync=True)
    height = traitlets.Int(None, allow_none=True).tag(sync=True)
    can_fork = traitlets.Bool(False).tag(sync=True)
    words = traitlets.Unicode("").tag(sync=True)

    def ask(self, answer: Callable[[dict[str, Any]], None]) -> None:
        """Call `answer` with what the reader asks for in the picture: a fork, or the way back."""
        self.on_msg(lambda _, content, buffers: answer(content))


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
