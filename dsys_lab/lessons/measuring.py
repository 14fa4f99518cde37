"""A number that depends on the machine: shown where it was measured, a phrase where it is committed.

A committed notebook is compared with a new run of it, character by character. A measured second would differ each time,
so the still form says in words what the reader may expect.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts import number
from dsys_lab.views.mode import view_mode


def measured(value: float | Sequence[float], unit: str = "s", *, usually: str = "measured when you run it") -> str:
    """Return a measured number with its unit; in the committed form, what it usually is.

    Parameters
    ----------
    value : float or sequence of floats
        One number, or the runs of which the median and the range are told.
    usually : str
        A phrase that is true on any machine: "a few milliseconds".

    Examples
    --------
    >>> print(measured([3.0, 2.5, 9.0], "ms", usually="a few ms"))
    3 ms (median of 3 runs, 2.5 to 9)
    """
    runs = list(value) if isinstance(value, Sequence) else [value]
    if not runs:
        raise BadParameter("measured: nothing was measured; give a number or a list of them")
    if view_mode() == "still":
        return Measured(usually)
    if len(runs) == 1:
        return Measured(f"{number(runs[0])} {unit}")
    spread = f"{number(min(runs))} to {number(max(runs))}"
    return Measured(f"{number(median(runs))} {unit} (median of {len(runs)} runs, {spread})")


class Measured(str):
    """A string that a cell shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__
