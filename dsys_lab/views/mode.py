"""How things are shown: one setting, asked by every view and every card."""

from __future__ import annotations

import os
from typing import Final

from dsys_lab.errors import require_choice

SETTING: Final = "DSYS_LAB_VIEW"
MODES: Final = ("live", "html", "still")


def view_mode() -> str:
    """Return how things are shown: "live" (a kernel listens), "html" (a page) or "still" (committed, compared)."""
    mode = os.environ.get(SETTING, "live")
    require_choice(SETTING, mode, MODES)
    return mode
