"""A cube of cells that is poured into its face, layer by layer; and the lattice of all cuboids.

`poured_cube`: left, the cube. Each small box is a cell, as full as its measure says; a cell without facts is a dot, one
that was poured already is hollow, one outside of the slice is grey. Right, the face: a cell for each pair of the two
dimensions that stay. A sum has one vessel, an average two, hours in blue and nights in orange, for it is poured as two
numbers; a median stays shut, with a lock.

`lattice`: a disc for each cuboid, its area as its cells, finest on top; those that are kept are filled, and from each
a line leads to the one from which it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, figure_of, number, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labels = tuple[str, ...]
_FULL, _COUNT, _SHUT, _GREY = ROLES["authoritative"], ROLES["derived"], ROLES["lost"], ROLES["skipped"]
_STEP_X, _STEP_Y, _DEEP = 1.0, 1.0, (0.42, 0.30)
"""From one box to the next, along each of the three dimensions."""
_SIDE: Final = 0.62


class Cell(NamedTuple):
    """What a cell holds: the sum of its values, how many there are, and what its measure says."""

    total: float
    facts: int
    says: float


def poured_cube(
    cells: Mapping[Labels, tuple[float, int, float]],
    face: Mapping[Labels, tuple[float, int, float]],
    *,
    names: Sequence[str],
    how: str,
    layers: int,
    only: str = "",
    title: str = "",
    unit: str = "",
) -> Chart:
    """Return the cube with so many layers of its third dimension poured into the face of the first two.

    Parameters
    ----------
    cells : mapping
        (first, second, third label) -> what the cell holds: the sum of its values, their count, and what is measured.
    face : mapping
        (first, second label) -> what was poured so far, likewise.
    names : sequence of str
        Of the three dimensions.
    how : {"sum", "avg", "median"}
        A median is not poured.
    layers : int
        How many labels of the third dimension have been poured.
    only : str
        The one label of the third dimension that is looked at (a slice); the others are grey.

    Raises
    ------
    BadParameter
        If there are no cells, or not so many layers.
    """
    if not cells or len(names) != 3 or any(len(labels) != 3 for labels in cells):
        raise BadParameter(f"poured_cube: {len(cells)} cells of {len(names)} dimensions; give cells of three")
    across, up, deep = (sorted({labels[axis] for labels in cells}) for axis in range(3))
    filled = {labels: Cell(*held) for labels, held in cells.items()}
    poured = {labels: Cell(*held) for labels, held in face.items()}
    if not 0 <= layers <= len(deep):
        raise BadParameter(f"poured_cube: layers = {layers}; give 0 to {len(deep)}")
    gone = set(deep[:layers]) if how != "median" else set()
    with styled():
        figure, left, right = _panels(title)
        top = max(cell.total if how == "sum" else cell.says for cell in filled.values()) or 1.0
        for z in reversed(range(len(deep))):
            for y in reversed(range(len(up))):
                for x in range(len(across)):
                    at = (x * _STEP_X + z * _DEEP[0], y * _STEP_Y + z * _DEEP[1])
                    held = filled.get((across[x], up[y], deep[z]))
                    value = 0.0 if held is None else held.total if how == "sum" else held.says
                    look = "gone" if deep[z] in gone else "grey" if only and deep[z] != only else "here"
                    _box(left, at, value / top, look, is_there=held is not None)
        _name_axes(left, names, across, up, deep)
        shut = how == "median" and layers > 0
        _draw_face(right, poured, across, up, full=_full(filled, poured), how=how, shut=shut)
        vessels = "blue: hours, orange: nights" if how == "avg" else f"{how}, {unit}".rstrip(", ")
        said = "shut: stored medians do not merge" if shut else vessels
        right.text(-0.1, -0.5, f"{said}; by {names[0]} and {names[1]}", fontsize=8.5, color=_GREY.ink)
    told = [
        f"{one} {other}: {'shut' if shut else ' '.join(_said(poured.get((one, other)), how).split())}"
        for one in across
        for other in up
    ]
    state = "shut" if shut else f"{layers} of {len(deep)} layers poured"
    alt = f"{title or how}: {len(cells)} cells by {', '.join(names)}; {f'only {only}' if only else state}."
    return Chart(figure, alt, "\n".join(told))


def _panels(title: str) -> tuple[Figure, Axes, Axes]:
    figure, first = figure_of("", "", "", inches=(9.2, 3.9))
    first.remove()
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    left.set_title(title)
    for axes in (left, right):
        axes.set_axis_off()
        axes.set_aspect("equal")
    return figure, left, right


def _box(axes: Axes, at: tuple[float, float], share: float, look: str, *, is_there: bool) -> None:
    """Draw a cell as a glass box, filled up to its share."""
    from matplotlib.patches import Polygon, Rectangle

    x, y = at
    if not is_there:
        axes.plot(x + _SIDE / 2, y + _SIDE / 2, ".", color=_GREY.colour, markersize=3)
        return
    role = _GREY if look == "grey" else _FULL
    lid = 0.16
    edge: dict[str, Any] = {"edgecolor": _GREY.colour if look == "gone" else role.ink, "linewidth": 0.7}
    glass = "none" if look == "gone" else "white"
    axes.add_patch(Rectangle((x, y), _SIDE, _SIDE, facecolor=glass, linestyle=":" if look == "gone" else "-", **edge))
    if look == "gone":
        return
    corners = [(x, y + _SIDE), (x + lid, y + _SIDE + lid), (x + _SIDE + lid, y + _SIDE + lid), (x + _SIDE, y + _SIDE)]
    axes.add_patch(Polygon(corners, facecolor="#F6F8FA", **edge))
    side = [(x + _SIDE, y), (x + _SIDE + lid, y + lid), (x + _SIDE + lid, y + _SIDE + lid), (x + _SIDE, y + _SIDE)]
    axes.add_patch(Polygon(side, facecolor="#EAEEF2", **edge))
    axes.add_patch(Rectangle((x, y), _SIDE, _SIDE * share, facecolor=role.colour, linewidth=0))
    axes.add_patch(Rectangle((x, y), _SIDE, _SIDE, facecolor="none", **edge))


def _name_axes(axes: Axes, names: Sequence[str], across: list[str], up: list[str], deep: list[str]) -> None:
    for x, label in enumerate(across):
        axes.text(x * _STEP_X + _SIDE / 2, -0.12, label, ha="center", va="top", fontsize=8.5)
    for y, label in enumerate(up):
        axes.text(-0.12, y * _STEP_Y + _SIDE / 2, label, ha="right", va="center", fontsize=8.5)
    right = (len(across) - 1) * _STEP_X + _SIDE + 0.26
    for z, label in enumerate(deep):
        axes.text(right + z * _DEEP[0], z * _DEEP[1] + 0.1, label, ha="left", va="center", fontsize=8.5)
    axes.text(-0.12, -0.5, f"{names[1]} up, {names[0]} across, {names[2]} into the page", fontsize=8.5,
              color=_GREY.ink)  # fmt: skip
    axes.set_xlim(-0.9, right + len(deep) * _DEEP[0] + 0.6)
    axes.set_ylim(-0.65, (len(up) - 1) * _STEP_Y + _SIDE + len(deep) * _DEEP[1] + 0.3)


def _full(filled: Mapping[Labels, Cell], poured: Mapping[Labels, Cell]) -> dict[str, float]:
    """Return what fills a cell of the face to its brim: the most that any holds when everything is poured."""
    in_all: dict[Labels, Cell] = {}
    for (one, other, _), cell in filled.items():
        held = in_all.get((one, other), Cell(0, 0, 0))
        in_all[one, other] = Cell(held.total + cell.total, held.facts + cell.facts, 0)
    cells = [*in_all.values(), *poured.values()]
    return {name: max(getattr(cell, name) for cell in cells) or 1 for name in Cell._fields}


def _draw_face(
    axes: Axes, face: Mapping[Labels, Cell], across: list[str], up: list[str], *, full: Mapping[str, float], how: str,
    shut: bool,
) -> None:
    from matplotlib.patches import Rectangle

    for x, one in enumerate(across):
        axes.text(x + 0.42, -0.12, one, ha="center", va="top", fontsize=8.5)
        for y, other in enumerate(up):
            held = face.get((one, other))
            axes.add_patch(
                Rectangle((x, y), 0.84, 0.84, facecolor="white", edgecolor=_SHUT.ink if shut else _FULL.ink,
                          linewidth=1.1, hatch="////" if shut else None, alpha=0.35 if shut else 1.0)
            )  # fmt: skip
            if shut:
                _lock(axes, x + 0.42, y + 0.4)
            elif held:
                _vessels(axes, (x, y), held, full, how)
                axes.text(x + 0.42, y + 0.42, _said(held, how), ha="center", va="center", fontsize=8.5, weight="bold",
                          bbox={"facecolor": "white", "linewidth": 0, "pad": 1.2, "alpha": 0.9})  # fmt: skip
    for y, other in enumerate(up):
        axes.text(-0.1, y + 0.42, other, ha="right", va="center", fontsize=8.5)
    axes.set_xlim(-0.9, len(across) + 0.2)
    axes.set_ylim(-0.65, len(up) + 0.6)


def _vessels(axes: Axes, at: tuple[float, float], held: Cell, most: Mapping[str, float], how: str) -> None:
    """Fill a cell of the face: by its sum, by its sum and its count side by side, or by what it says."""
    from matplotlib.patches import Rectangle

    parts = {"sum": ["total"], "avg": ["total", "facts"]}.get(how, ["says"])
    wide = 0.84 / len(parts)
    for place, part in enumerate(parts):
        role = _COUNT if part == "facts" else _FULL
        axes.add_patch(
            Rectangle((at[0] + place * wide, at[1]), wide, 0.84 * getattr(held, part) / most[part], alpha=0.85,
                      facecolor=role.colour, hatch=".." if role is _COUNT else None, edgecolor="white", linewidth=0)
        )  # fmt: skip


def _lock(axes: Axes, x: float, y: float) -> None:
    from matplotlib.patches import Arc, Rectangle

    axes.add_patch(Arc((x, y + 0.07), 0.2, 0.3, theta1=0, theta2=180, color=_SHUT.ink, linewidth=2.4))
    axes.add_patch(Rectangle((x - 0.15, y - 0.17), 0.3, 0.25, facecolor=_SHUT.colour, edgecolor=_SHUT.ink))


def _said(cell: Cell | None, how: str) -> str:
    if cell is None:
        return "nothing"
    if how == "avg":
        return f"{number(cell.total)}\n/ {number(cell.facts)}"
    return number(cell.total if how == "sum" else cell.says)


# ------------------------------------------------------------------------------------------ the lattice
def lattice(
    cells: Mapping[Labels, int], *, kept: Sequence[Labels] = (), title: str = "", short: Mapping[str, str] | None = None
) -> Chart:
    """Return all cuboids as discs, those of so many dimensions in one row, and from where each is answered.

    Parameters
    ----------
    cells : mapping
        Dimensions of a cuboid -> its cells; the one with the most dimensions is always kept.
    kept : sequence
        Dimensions of those that are kept beside it, in the order in which they were chosen.
    short : mapping, optional
        Dimension -> what is written for it.

    Raises
    ------
    BadParameter
        If one that is kept is not there.
    """
    if missing := [by for by in kept if by not in cells]:
        raise BadParameter(f"lattice: no cuboid {missing[0]}; give some of those whose cells are given")
    top = max(cells, key=len)
    able = [top, *kept]
    source = {by: min((one for one in able if set(by) <= set(one)), key=lambda one: cells[one]) for by in cells}
    cost = sum(cells[one] for one in source.values())
    places = _places(list(cells))
    with styled():
        figure, axes = figure_of(title, "", "", inches=(10.4, 6.6))
        axes.set_axis_off()
        most = max(cells.values())
        for by in cells:
            if source[by] != by:
                axes.plot(*_way(by, source[by], places), color=_FULL.colour, linewidth=1.1, alpha=0.55, zorder=1)
        for by, (x, y) in places.items():
            size = max(6, 1100 * cells[by] / most)
            axes.scatter([x], [y], s=size, zorder=2, linewidth=1.2, edgecolor=_FULL.ink,
                         facecolor=_FULL.colour if by in able else "white")  # fmt: skip
            name = " ".join((short or {}).get(one, one) for one in by) or "in all"
            order = f" ({kept.index(by) + 1}.)" if by in kept else ""
            up = 1 if by in able else -1  # lines leave upwards what is not kept, and come from below to what is
            axes.annotate(f"{name}{order}\n{cells[by]:,}", (x, y), (0, up * ((size**0.5) / 2 + 3)),
                          va="bottom" if up > 0 else "top", ha="center", textcoords="offset points", fontsize=9.2,
                          zorder=3, bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6})  # fmt: skip
        axes.margins(x=0.09, y=0.16)
        axes.text(0, 1.0, f"to answer all {len(cells)}: {cost:,} cells read", transform=axes.transAxes, fontsize=9.5,
                  va="bottom")  # fmt: skip
        if title:
            axes.set_title(title, pad=20)
    chosen = [f"{', '.join(by) or 'in all'}: {cells[by]:,} cells" for by in able]
    return Chart(figure, f"{len(cells)} cuboids, {len(able)} kept; to answer all: {cost:,} cells read.",
                 "\n".join(chosen))  # fmt: skip


_ROW_WIDE: Final = 6.0
_ROW_HIGH: Final = 1.25
_NAME_HIGH: Final = 0.55
"""A disc and its name below it."""
_GAP: Final = 0.42
"""How near to a disc, across, a line may pass it."""


def _places(groupings: list[Labels]) -> dict[Labels, tuple[float, float]]:
    """Return where each disc stands: a row for each number of dimensions, as wide as the widest."""
    rows: dict[int, list[Labels]] = {}
    for by in groupings:
        rows.setdefault(len(by), []).append(by)
    return {
        by: ((place + 0.5) * _ROW_WIDE / len(row), height * _ROW_HIGH)
        for height, row in rows.items()
        for place, by in enumerate(row)
    }


def _way(by: Labels, source: Labels, places: Mapping[Labels, tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return the corners of a line from a disc up to its source.

    Through each row on its way, and into that of its source, it goes straight up, for there stand discs and names.
    """
    (x, y), (u, v) = places[by], places[source]
    corners = [(x, y)]
    for height in range(len(by) + 1, len(source) + 1):
        here = height * _ROW_HIGH
        row = sorted(at for at, other in places.values() if other == here)
        if len(row) == 1:
            continue
        at, foot = corners[-1]
        straight = at + (u - at) * (here - foot) / (v - foot)
        free = here < v and all(abs(straight - other) >= _GAP for other in row)
        gaps = [row[0] - _GAP, *((one + after) / 2 for one, after in pairwise(row)), row[-1] + _GAP]
        across = u if here == v else straight if free else min(gaps, key=lambda gap: abs(gap - straight))
        corners += [(across, here - _NAME_HIGH), (across, here)]
    corners.append((u, v))
    return [at for at, _ in corners], [at for _, at in corners]
