"""A slab and what hangs on it: a table with its log, and the copies that follow, each on a string as long as its lag.

The slab below is the table; each tick on it is a change in its log, and the mast stands at the newest one. A satellite
is a derived copy, over the change that it took in last. The further it is behind, the longer its string, and the paler
it is. A hollow one was deleted and comes again from the first change on. Where the table is gone the strings are cut,
and each satellite says how many rows could be had back from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, figure_of, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TABLE, _COPY, _LOST, _USEFUL = ROLES["authoritative"], ROLES["derived"], ROLES["lost"], ROLES["useful"]
_STEP: Final = 1.0
_FIRST: Final = 1.25
_DISC: Final = 21


class Copy(Protocol):
    """A copy: what it is called, how far it is, its rows, whether it comes anew, and how many it could give back."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def anew(self) -> bool: ...  # noqa: D102
    @property
    def gives_back(self) -> int: ...  # noqa: D102


class Orbiting(Protocol):
    """A table: how many changes its log has, whether it is there, and the copies that follow."""

    @property
    def head(self) -> int: ...  # noqa: D102
    @property
    def is_there(self) -> bool: ...  # noqa: D102
    @property
    def satellites(self) -> Sequence[Copy]: ...  # noqa: D102


def satellites(told: Orbiting, *, widest: int = 0, title: str = "") -> Chart:
    """Return a table with its log and the copies that follow it.

    Parameters
    ----------
    told : Orbiting
        What `scenarios.authoritative_and_derived.orbit` returns, for one.
    widest : int
        For how many changes there is room, so that a slider does not move the ground.

    Raises
    ------
    BadParameter
        If there is no copy, or one is ahead of the log.
    """
    head, copies, is_there = told.head, told.satellites, told.is_there
    if not copies or any(not 0 <= one.position <= head for one in copies):
        raise BadParameter(f"satellites: {len(copies)} copies of a log of {head}: give one or more, none ahead of it")
    widest = max(widest, head, 1)
    with styled():
        figure, axes = figure_of(title, "", "", inches=(8.6, 1.5 + 0.62 * len(copies)))
        _draw_slab(axes, head, len(copies), is_there=is_there)
        for place, one in enumerate(copies):
            _draw_copy(axes, one, head, _FIRST + _STEP * place, widest, is_there=is_there)
        axes.set(xlim=(-0.07 * widest, widest * 1.42), ylim=(-0.85, _FIRST + _STEP * len(copies) - 0.3))
        axes.axis("off")
    words = [f"{one.name}: {_words(one, head, is_there=is_there)}" for one in copies]
    where = f"a log of {head} changes" if is_there else f"the table and its log of {head} changes are gone"
    return Chart(figure, f"{title or 'A table and its copies'}: {where}.", "\n".join(words))


def _draw_slab(axes: Axes, head: int, copies: int, *, is_there: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    shape = "round,pad=0,rounding_size=0.25"
    if is_there:
        axes.add_patch(FancyBboxPatch((-0.4, -0.05), head + 0.8, 0.5, boxstyle=shape, facecolor=_TABLE.colour,
                                      linewidth=0))  # fmt: skip
        axes.vlines(range(1, head + 1), 0.05, 0.35, color="white", linewidth=0.9, alpha=0.75)
        axes.plot([head, head], [0.45, _FIRST + _STEP * copies - 0.55], color=_TABLE.colour, linewidth=3,
                  solid_capstyle="round", zorder=1)  # fmt: skip
        said, ink = f"the table, and its log of {head} changes", _TABLE.ink
    else:
        axes.add_patch(FancyBboxPatch((-0.4, -0.05), head + 0.8, 0.5, boxstyle=shape, facecolor="none",
                                      edgecolor=_LOST.colour, linewidth=1.3, linestyle=(0, (4, 3))))  # fmt: skip
        axes.plot([0, head], [0, 0.4], color=_LOST.colour, linewidth=1)
        axes.plot([0, head], [0.4, 0], color=_LOST.colour, linewidth=1)
        said, ink = "the table and its log are gone", _LOST.ink
    axes.text(-0.4, -0.32, said, va="top", fontsize=10, color=ink, fontweight="bold")


def _draw_copy(axes: Axes, one: Copy, head: int, height: float, widest: int, *, is_there: bool) -> None:
    behind = head - one.position
    pale = max(0.3, 1 - 1.4 * behind / max(head, 1))
    end = head if is_there else one.position + 0.4 * behind
    axes.plot([one.position, end], [height, height], color=_COPY.colour, linewidth=2, alpha=0.9, zorder=1,
              linestyle="-" if is_there else (0, (2, 2)))  # fmt: skip
    if is_there:
        axes.plot([one.position] * 2, [0.45, height], color=_COPY.ink, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
        axes.plot(one.position, 0.53, "v", color=_COPY.ink, markersize=5, zorder=3)
    axes.plot(one.position, height, "o", markersize=_DISC, color="white", zorder=2)
    axes.plot(one.position, height, "o", markersize=_DISC, markeredgewidth=2, markeredgecolor=_COPY.colour,
              markerfacecolor="white" if one.anew else _COPY.colour, alpha=1 if one.anew else pale,
              zorder=3)  # fmt: skip
    axes.text(
        one.position, height, str(one.rows), ha="center", va="center", fontsize=9, fontweight="bold", zorder=4
    )
    ink = _USEFUL.ink if not is_there and one.gives_back else "#24292F"
    axes.text(widest * 1.06, height, f"{one.name}\n{_words(one, head, is_there=is_there)}", va="center", fontsize=9.5,
              color=ink, linespacing=1.25)  # fmt: skip


def _words(one: Copy, head: int, *, is_there: bool) -> str:
    if not is_there:
        return f"gives {one.gives_back} of {head} rows back" if one.gives_back else "gives no row back"
    behind = head - one.position
    said = f"{one.rows} rows, {behind} behind" if behind else f"{one.rows} rows, up to date"
    return f"{said}, anew" if one.anew else said
