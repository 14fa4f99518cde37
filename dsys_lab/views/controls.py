"""A slider, a menu or a box for one parameter, and what went wrong when it was moved.

One way to say what a control offers serves the player, the charts that follow sliders and the notebooks:

=====================  =====================================================
`(low, high)`          a slider; of whole numbers, if both are
`(low, high, step)`    the same, in steps
`[choice, …]`          a menu
`True`                 whatever fits the present value: a box, or a slider
=====================  =====================================================

ipywidgets is imported when the first control is made, for a still picture needs none.
"""

from __future__ import annotations

import html
import math
import traceback
from typing import TYPE_CHECKING, Any

from dsys_lab.errors import BadParameter, DsysLabError

if TYPE_CHECKING:
    import ipywidgets


def require_control(name: str, spec: Any) -> None:
    """Refuse what is neither a range nor a list of choices, naming the parameter."""
    is_range = (
        isinstance(spec, tuple)
        and len(spec) in (2, 3)
        and all(isinstance(x, int | float) for x in spec)
        and spec[0] < spec[1]
    )
    if not is_range and not (isinstance(spec, list) and spec):
        raise BadParameter(
            f"{name} = {spec!r}: give a range (lo, hi) or (lo, hi, step) with lo < hi, or a list of at least one choice"
        )


def control(name: str, spec: Any, now: Any) -> ipywidgets.Widget:
    """Return the slider, menu or box for one parameter.

    Parameters
    ----------
    spec : tuple, list or True
        See the table above.
    now : scalar
        The present value.

    Raises
    ------
    BadParameter
        If neither says what to offer.
    """
    import ipywidgets

    look = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if spec is True and isinstance(now, bool):
        return ipywidgets.Checkbox(value=now, indent=False, **look)
    if spec is True and isinstance(now, int | float) and now > 0:
        spec = (0, 3 * now)
    require_control(name, spec)
    if isinstance(spec, list):
        start = now if now in spec else spec[0]
        options = [("none" if choice is None else str(choice), choice) for choice in spec]
        return ipywidgets.Dropdown(options=options, value=start, layout={"width": "auto"}, **look)
    low, high, *step = spec
    whole = all(isinstance(x, int) for x in spec) and (now is None or now == int(now))
    start = min(max(low, low if now is None else now), high)
    look["style"] = {"description_width": "initial", "handle_color": "#0072B2"}
    look["layout"] = {"width": "340px"}
    if whole:
        return ipywidgets.IntSlider(value=start, min=low, max=high, step=step[0] if step else 1, **look)
    size = step[0] if step else round_step(low, high, start)
    decimals = next(d for d in range(9) if d == 8 or all(math.isclose(round(x, d), x) for x in (low, size)))
    return ipywidgets.FloatSlider(value=start, min=low, max=high, step=size, readout_format=f".{decimals}f", **look)


def round_step(low: float, high: float, now: float) -> float:
    """Return a round step of fifty or more to the slider, on whose grid the present value lies.

    A slider moves its value onto its grid, and then another run is shown than the one that was asked for.

    >>> round_step(0.3, 0.95, 0.5), round_step(6.0, 20.0, 10.0), round_step(0.0, 1.0, 0.125)
    (0.01, 0.2, 0.005)
    """
    power = math.floor(math.log10((high - low) / 50))
    steps = [digit * 10.0**exponent for exponent in range(power, power - 4, -1) for digit in (5, 2, 1)]
    fine = [step for step in steps if (high - low) / step >= 50]
    return next((step for step in fine if math.isclose((now - low) / step, round((now - low) / step))), fine[-1])


def in_words(error: Exception) -> str:
    """Return an error as HTML: our own in one line, any other with its traceback folded behind it."""
    line = html.escape(str(error) or type(error).__name__)
    if isinstance(error, DsysLabError):
        return f"<p style='margin:4px 0'>▲ {line}</p>"
    where = html.escape("".join(traceback.format_exception(error)))
    return f"<details><summary>▲ {type(error).__name__}: {line}</summary><pre>{where}</pre></details>"
