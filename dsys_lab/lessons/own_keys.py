"""A form whose keys are its own: JupyterLab would take an arrow key for a walk to the next cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
from ipywidgets import Layout, VBox


class OwnKeys(anywidget.AnyWidget):
    """Nothing to see: it marks the form that it stands in; how is `own_keys.js` beside this file."""

    _esm = Path(__file__).with_suffix(".js")


def form(*children: Any, layout: Layout | None = None) -> VBox:
    """Return the children one below the other, with the keys to themselves."""
    unseen = OwnKeys(layout=Layout(width="0", height="0", margin="0"))
    box = VBox([*children, unseen], layout=layout or Layout())
    box.add_class("dsys-form")
    return box
