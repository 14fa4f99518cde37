"""What every colour means, in every picture of the suite.

The colours are Okabe and Ito's, which colour-blind eyes tell apart. Each *role* has one colour and a second cue that
survives print in grey; nothing else in a picture has colour. The player's stylesheet carries the same values (tested).

Sources: M. Okabe and K. Ito, Color Universal Design, https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Role:
    """One meaning, its colour, and how it is told without the colour.

    Attributes
    ----------
    colour : str
        Of the mark.
    ink : str
        A darker shade of it for text on white (contrast of at least 4.5 to 1).
    cue : str
        The second sign: a shape, a hatch, an outline.
    """

    colour: str
    ink: str
    cue: str


ROLES: Final[dict[str, Role]] = {
    # messages
    "waiting": Role("#7A93A8", "#4F6678", "outline"),
    "moving": Role("#56B4E9", "#0B6CA8", "filled"),
    "done": Role("#009E73", "#00704F", "tick"),
    "again": Role("#E69F00", "#8F5F00", "ring"),
    "lost": Role("#D55E00", "#B04A00", "cross"),
    "late": Role("#CC79A7", "#A04377", "hollow"),
    # stored data
    "authoritative": Role("#0072B2", "#005A8C", "filled"),
    "derived": Role("#E69F00", "#8F5F00", "filled, smaller"),
    "useful": Role("#009E73", "#00704F", "filled tile"),
    "unused": Role("#F0E442", "#6E6700", "hatched tile"),
    "skipped": Role("#B8C0C8", "#57606A", "grey tile"),
    # what is believed and what goes wrong
    "law": Role("#4D4D4D", "#4D4D4D", "dashed line"),
    "fault": Role("#000000", "#000000", "band"),
}
"""Every role by name."""

SERIES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The order in which lines of a chart take colours when they stand for runs rather than for roles."""


def style() -> dict[str, Any]:
    """Return the matplotlib settings of every still picture and chart, for `matplotlib.rc_context`."""
    return {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#8C959F",
        "axes.labelcolor": "#24292F",
        "axes.grid": True,
        "grid.color": "#E6E9EC",
        "grid.linewidth": 0.8,
        "xtick.color": "#57606A",
        "ytick.color": "#57606A",
        "text.color": "#24292F",
        "legend.frameon": False,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "svg.hashsalt": "dsys_lab",
    }
