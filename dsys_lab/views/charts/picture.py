"""What a chart is: a picture, its description, and its numbers in words.

matplotlib draws with the Agg backend and without pyplot: no global figure, no window, the same bytes in every process.
It takes a second to import, so it is imported when the first chart is drawn.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.views.mode import view_mode
from dsys_lab.views.theme import ROLES, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES: Final = (7.6, 3.4)
PIXELS_PER_INCH: Final = 96
SHARPNESS: Final = 1.5
"""How many pixels are drawn for one that is shown."""
_DARK: Final = (
    "<style>[data-jp-theme-light=false] .dsys-chart,.vscode-dark .dsys-chart"
    "{filter:invert(.93) hue-rotate(180deg) brightness(1.15)}</style>"
)
"""In a dark page light becomes dark and every hue stays: one picture serves both, for it has no ground of its own."""


class Chart:
    """A picture with its text twin.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the picture shows, in a sentence.
    summary : str
        Its numbers, in lines; the same on every machine.
    """

    def __init__(self, figure: Figure, alt: str, summary: str = "") -> None:
        self.figure, self.alt, self.summary = figure, alt, summary

    @property
    def png(self) -> bytes:
        """The picture, on white."""
        return self._drawn(transparent=False)

    def _drawn(self, *, transparent: bool) -> bytes:
        drawn = io.BytesIO()
        with styled():
            self.figure.savefig(
                drawn, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, metadata={"Software": None},
                transparent=transparent,
            )  # fmt: skip
        return drawn.getvalue()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in the pixels of a page."""
        width, height = self.figure.get_size_inches() * PIXELS_PER_INCH
        return round(width), round(height)

    def html(self) -> str:
        """Return the picture as an image element that carries its description and suits light and dark pages."""
        picture = base64.b64encode(self._drawn(transparent=True)).decode()
        return (
            f'{_DARK}<img class="dsys-chart" alt="{html.escape(str(self))}" width="{self.size[0]}" '
            f'src="data:image/png;base64,{picture}" style="max-width:100%;height:auto;margin:2px 0">'
        )

    def __repr__(self) -> str:
        return f"{self.alt}\n{self.summary}".strip()

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        width, height = self.size
        data = {"text/plain": str(self), "image/png": base64.b64encode(self.png).decode()}
        if view_mode() == "live":
            data["text/html"] = self.html()  # JupyterLab takes an image's description from nowhere else
        return data, {"image/png": {"alt": self.alt, "width": width, "height": height}}


def styled() -> Any:
    """Return the context in which every picture is made and drawn."""
    import matplotlib as mpl

    return mpl.rc_context(style())  # type: ignore[arg-type]  # its keys are known by name only


def figure_of(title: str, x: str, y: str, *, inches: tuple[float, float] = INCHES) -> tuple[Figure, Axes]:
    """Return an empty figure and its axes; call it in `styled()`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=inches, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        if _is_share(axis.get_label_text()):
            _write_as_numbers(axis)
    return figure, axes


def _is_share(unit: str) -> bool:
    return unit.startswith("share")


def number(value: float, unit: str = "") -> str:
    """Return a number as one reads it: three significant digits, thousands apart; a share of something in percent.

    >>> number(0.20004), number(1403), number(float("inf")), number(0.0272, "share of the calls")
    ('0.2', '1,403', 'never', '2.72%')
    """
    if _is_share(unit):
        return f"{number(100 * value)}%"
    if not math.isfinite(value):
        return "never" if value > 0 else "nothing"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def plain_ticks(axis: Any) -> None:
    """Write the ticks of a logarithmic axis as numbers rather than powers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 1e3 else (1.0,), numticks=12))
    _write_as_numbers(axis)
    axis.set_minor_formatter(NullFormatter())


def _write_as_numbers(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, axis.get_label_text())))


BARS_SAY: Final = "bar: 3 standard errors"
"""What a bar through a dot is: it reaches so far to both sides of the mean."""


def error_bars(axes: Axes, at: Sequence[float], mean: Sequence[float], error: Sequence[float], colour: str) -> bool:
    """Draw three standard errors up and down from each mean; return whether there is any to be seen."""
    if not any(error):
        return False
    axes.errorbar(at, mean, yerr=[3 * e for e in error], fmt="none", ecolor=colour, capsize=3, linewidth=1.2, zorder=4)
    return True


def legend_beside(figure: Figure, axes: Axes, *, bars: bool = False) -> None:
    """Name the marks to the right of the picture, where they cover nothing; with `bars`, those of errors too."""
    if bars:
        axes.errorbar([], [], yerr=[], fmt="none", ecolor=ROLES["law"].colour, capsize=3, label=BARS_SAY)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right upper", fontsize=9.5, handlelength=2.4)


def is_logarithmic(between: tuple[float, float]) -> bool:
    """Whether a range is wide enough that one thinks of it in factors."""
    return between[0] > 0 and between[1] / between[0] >= 20


def listed(names: Iterable[str]) -> str:
    """Return names as one says them: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
