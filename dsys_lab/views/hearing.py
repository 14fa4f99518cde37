"""Ears for a widget that came while the page was busy; why and how is `hearing.js` beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dsys_lab.errors import BadParameter

_EARS: Final = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_EXPORTS: Final = "export default { render"


def hearing(module: str) -> str:
    """Return the text of a widget's module, whose last line exports `{ render }` and no more, with ears.

    Raises
    ------
    BadParameter
        If the module ends otherwise, or has a `render` among its named exports: anywidget would take that alone.
    """
    before, exports, rest = module.rpartition(_EXPORTS)
    if not exports or rest.count("\n") != 1 or "export function render" in before:
        told = f"a widget's module ends with `{_EXPORTS} }};` and names no other render"
        raise BadParameter(f"{told}; this one ends with {module[-60:]!r}")
    return f"{before}\n{_EARS}export default {{ initialize, render{rest}"
