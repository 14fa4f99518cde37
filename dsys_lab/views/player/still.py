"""The player's picture where nothing moves: a PNG of the moment that tells most (see `opening`).

For pages that run no script. The same rows are folded by the same verbs as in the player; the drawing is plainer.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.trace import KINDS, Trace
from dsys_lab.trace.ledger import Copy
from dsys_lab.views.player.fold import Fold, folded
from dsys_lab.views.player.opening import opening
from dsys_lab.views.player.still_strip import curves_of, strip
from dsys_lab.views.player.still_tapes import draw_tape, hues_of
from dsys_lab.views.player.still_tiles import draw_tiles, tile_of, tiles_of
from dsys_lab.views.theme import ROLES, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

_BESIDE_UNITS: Final = 9.0
"""Wider pictures than this (a machine's box is 1, a tray 2.4) stand one below the other."""
_CHARACTER_INCHES: Final = 0.0088
"""About the width of a bold character for each point of its size."""
_SMALLEST: Final = 6.5
_ROW: Final = 1.5
"""From one place of a column to the next: a box of 0.8, its name above, its counts below."""
_ROW_INCHES: Final = 0.86
_COLUMN_MOST: Final = 6
"""Parts of one whole below each other."""


def png(traces: Sequence[Trace], titles: Sequence[str]) -> bytes:
    """Return the still picture of up to four runs, beside each other or, with many places, one below the other."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    messages = any(row.message is not None for trace in traces for row in trace)
    tiles = any(tile_of(row) for trace in traces for row in trace)
    until_us = (opening(traces) or (0,))[0]
    end_us = max((trace.end_us for trace in traces), default=0)
    runs = [(folded(row for row in trace if row.time_us <= until_us), folded(trace)) for trace in traces]
    columns = _columns([whole for _, whole in runs])
    stage = max(2.4, 0.4 + _ROW_INCHES * (1 + sum(_reach(columns))))
    heights = {"stage": stage * (messages or not tiles), "tiles": 2.9 * tiles, "depth": 1.0 * (messages or not tiles)}
    shown = {part: height for part, height in heights.items() if height}
    out = io.BytesIO()
    with rc_context(style()):  # type: ignore[arg-type]
        lanes, units = max(1, len(traces)), _across(columns)[1]
        stacked = lanes > 1 and "stage" in shown and units > _BESIDE_UNITS
        alone = min(10.0, max(6.4, 0.62 * units)) if "stage" in shown else 6.4
        size = (alone if stacked or lanes == 1 else 5.2 * lanes, sum(shown.values()) * (lanes if stacked else 1) + 0.1)
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        down, across = (lanes, 1) if stacked else (1, lanes)
        ratios = [*shown.values()] * down
        flat = figure.subplots(len(ratios), across, squeeze=False, height_ratios=ratios).reshape(
            down, len(shown), across
        )
        axes = dict(zip(shown, flat.swapaxes(0, 1).reshape(len(shown), lanes), strict=True))
        inches = size[0] / across - 0.8
        curves = [curves_of(trace) for trace in traces]
        tops = {one.unit: max(other.top for other in curves if other.unit == one.unit) or 1 for one in curves}
        for column, (trace, title, (now, whole)) in enumerate(zip(traces, titles, runs, strict=True)):
            if "stage" in axes:
                held = {row.place for row in trace if row.kind == "holds"}
                _stage(axes["stage"][column], now, columns, title, there=whole.places, room=_room(trace), inches=inches,
                       held=held)  # fmt: skip
                _ways(axes["stage"][column], whole, columns)
                strip(axes["depth"][column], trace, curves[column], until_us=until_us, top=tops[curves[column].unit],
                      end_us=end_us, inches=inches, closed=whole.closed)  # fmt: skip
            if "tiles" in axes:
                touched = tiles_of(row for row in trace if row.time_us <= until_us)
                draw_tiles(axes["tiles"][column], touched, tiles_of(trace), title="" if "stage" in axes else title)
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _columns(folds: Iterable[Fold]) -> dict[str, tuple[float, float, bool]]:
    """Return place -> (column, row, whether it is a tray): cause left, effect right, what leaks out below its place."""
    after: dict[str, list[str]] = {}
    trays: set[str] = set()
    folds = list(folds)
    others = {place for fold in folds for place, source in fold.leaks.items() if not source}
    leaks = {place: source for fold in folds for place, source in fold.leaks.items() if place not in others}
    for fold in folds:
        trays |= fold.trays.keys()
        for place in fold.places:
            after.setdefault(place, [])
        for a, b in fold.flows:
            if b not in leaks and not _reaches(after, b, a):
                after.setdefault(a, []).append(b)
    depth = dict.fromkeys(after, 0)
    for _ in after:
        for a, following in after.items():
            for b in following:
                depth[b] = max(depth[b], depth[a] + 1)
    by_column: dict[float, list[str]] = {}
    together = _together(depth, tied={place for fold in folds for flow in fold.flows for place in flow})
    for place in sorted(together, key=lambda place: (place in leaks, _natural(place))):
        by_column.setdefault(together[leaks.get(place, place)], []).append(place)
    return {
        place: (column, i - (sum(place not in leaks for place in places) - 1) / 2, place in trays)
        for column, places in by_column.items()
        for i, place in enumerate(places)
    }


def _reach(columns: dict[str, tuple[float, float, bool]]) -> tuple[float, float]:
    """Return how many rows lie above and below the middle one."""
    rows = [row for _, row, _ in columns.values()] or [0.0]
    return -min(rows), max(rows)


def _together(depth: dict[str, int], *, tied: Collection[str]) -> dict[str, float]:
    """Put the parts of one whole into one column, whatever they send each other; many of them, in a column a part.

    Which column is decided by the parts that are `tied` to something, if there are any.
    """
    wholes: dict[str, list[str]] = {}
    for place in depth:
        if "/" in place:
            wholes.setdefault(place.partition("/")[0], []).append(place)
    column: dict[str, float] = dict(depth)
    for places in wholes.values():
        parts = sorted({place.rpartition("/")[0] for place in places}, key=_natural)
        step = 0.01 if len(places) > _COLUMN_MOST else 0.0
        first = min(depth[place] for place in [place for place in places if place in tied] or places)
        column |= {place: first + step * parts.index(place.rpartition("/")[0]) for place in places}
    return column


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts drive-2 before drive-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _reaches(after: dict[str, list[str]], a: str, b: str) -> bool:
    return a == b or any(_reaches(after, c, b) for c in after.get(a, []))


def _across(columns: dict[str, tuple[float, float, bool]]) -> tuple[dict[float, tuple[float, float]], float]:
    """Return column -> (left edge, width), and the width of all."""
    wide: dict[float, float] = {}
    for column, _, tray in columns.values():
        wide[column] = max(wide.get(column, 1.0), 2.4 if tray else 1.0)
    edges, x = {}, 0.0
    for column in sorted(wide):
        edges[column] = (x, wide[column])
        x += wide[column] + 0.7
    return edges, max(x - 0.1, 1.2)


def _room(trace: Trace) -> dict[str, int]:
    """Return how many each bounded buffer may hold."""
    depth_max = int(trace.header.invariants.get("bounded depth", {}).get("depth_max", 0))
    stored = (row.place for row in trace if "depth" in row.fields and KINDS[row.kind].account == "stored")
    return dict.fromkeys(stored, depth_max) if depth_max else {}


def _fit(text: str, inches: float, size: float = 9) -> tuple[str, float]:
    """Return `text` and a font size at which it fits: smaller first, shortened if that does not do."""
    wanted = len(text) * _CHARACTER_INCHES * size
    if wanted <= inches:
        return text, size
    if wanted * _SMALLEST / size <= inches:
        return text, size * inches / wanted
    return text[: max(1, int(inches / (_CHARACTER_INCHES * _SMALLEST)) - 1)] + "…", _SMALLEST


def _stage(
    axes: Axes,
    fold: Fold,
    columns: dict[str, tuple[float, float, bool]],
    title: str,
    *,
    there: Collection[str],
    room: dict[str, int],
    inches: float,
    held: Collection[str],
) -> None:
    """Draw the boxes and what stands in them; the stage is about so many inches wide.

    A place that is not `there` is another run's. Of a place in `held` it is told what it holds, not how much: the name
    of the one that is in.
    """
    from matplotlib.patches import FancyBboxPatch

    edges, units = _across(columns)
    above, below = _reach(columns)
    rows = 1 + above + below
    unit = inches / units
    axes.set(xlim=(-0.2, units - 0.2), ylim=(-_ROW * (below + 0.5) - 0.1, _ROW * (above + 0.5) + 0.1))
    columns = {place: at for place, at in columns.items() if place in there}
    axes.set_title(title)
    axes.axis("off")
    moving: Counter[tuple[str, str]] = Counter()
    framed, hues = _frames(axes, columns, edges), hues_of(fold)
    for place, (column, row, tray) in columns.items():
        x0, width, y0 = edges[column][0], edges[column][1] if tray else 1.0, -_ROW * row
        box = FancyBboxPatch(
            (x0, y0 - 0.4), width, 0.8, boxstyle="round,pad=0,rounding_size=0.08", fc="white", ec="#8C959F", lw=1.2
        )
        axes.add_patch(box)
        standing = [(copy, how) for copy, (at, how) in fold.where.items() if at == place]
        standing += [(copy, "ghost") for at, copy in fold.ghosts if at == place]
        moving.update((place, how) for _, how in standing)
        inside = [(copy, how) for copy, how in standing if how != "moving" and (how != "here" or not tray)]
        is_counted = tray and inside and place not in fold.tapes and place not in held
        number = _number(len(inside), room.get(place, 0)) if is_counted else ""
        if place in fold.levels:
            _level(axes, fold.levels[place], x0, y0)
        named = place.rpartition("/")[2] if place in framed else place
        label, size = _fit(named, (width + 0.55) * unit - len(number) * _CHARACTER_INCHES * 9)
        axes.text(x0, y0 + 0.48, label, fontsize=size, fontweight="bold")
        if number:
            axes.text(x0 + width, y0 + 0.48, number, fontsize=9, ha="right", color=ROLES["waiting"].ink)
        points = 66 * min(unit, max(1.9, _ROW_INCHES * rows) / (_ROW * rows + 0.2))
        if place in fold.tapes:
            draw_tape(axes, fold, place, hues, x0=x0, y0=y0, width=width, unit=unit)
        else:
            _discs(axes, inside, fold, x0=x0, y0=y0, width=width, points=min(46, points), box=box)
        if place in held and len(inside) == 1:
            axes.text(x0 + 0.12, y0, inside[0][0][0], fontsize=10, va="center", color=ROLES["waiting"].ink)
        coming = moving[place, "moving"] + (moving[place, "here"] if tray else 0)
        on_their_way = (copy for copy, how in standing if how == "moving")
        back = sum(columns.get(fold.came[copy], (0.0,))[0] > column for copy in on_their_way)
        _coming(axes, coming - back, x0 - 0.18, y0)
        _coming(axes, back, x0 + width + 0.18, y0)
        _fates(axes, fold, place, at=(x0, y0), unit=unit)
        parts = place.split("/")
        wholes = ["/".join(parts[:i]) for i in range(len(parts), 0, -1)]
        states = [words for at in wholes for words in fold.states.get(at, {}).values()]
        if states:
            words, size = _fit(" · ".join(states), (width + 0.5) * unit - 0.12)
            axes.text(
                x0 + width / 2, y0, words, fontsize=size, fontweight="bold", ha="center",
                va="center", color="white", bbox={"fc": "black", "ec": "none", "boxstyle": "round"},
            )  # fmt: skip


def _ways(axes: Axes, whole: Fold, columns: dict[str, tuple[float, float, bool]]) -> None:
    """Draw, behind the boxes, from where to where copies go in the whole run."""
    edges, _ = _across(columns)
    for a, b in whole.flows:
        (column_a, row_a, tray), (column_b, row_b, _) = columns[a], columns[b]
        if column_a == column_b and whole.leaks.get(b):
            at = edges[column_a][0]
            axes.annotate("", (at, -_ROW * row_b), (at, -_ROW * row_a), zorder=0.5, arrowprops={
                "arrowstyle": "->", "color": "#C4CCD4", "lw": 1.0, "connectionstyle": "arc3,rad=0.35"})  # fmt: skip
        if column_a < column_b:
            start = edges[column_a][0] + (edges[column_a][1] if tray else 1.0), -_ROW * row_a
            end = edges[column_b][0] - 0.04, -_ROW * row_b
            axes.annotate("", end, start, zorder=0.5, arrowprops={"arrowstyle": "->", "color": "#C4CCD4", "lw": 1.0})


def _frames(
    axes: Axes, columns: dict[str, tuple[float, float, bool]], edges: dict[float, tuple[float, float]]
) -> set[str]:
    """Frame the places of one whole that stand together in a column, under its name; return who is framed."""
    from matplotlib.patches import Rectangle

    wholes: dict[tuple[str, float], list[str]] = {}
    for place, (column, _, _) in columns.items():
        if "/" in place:
            wholes.setdefault((place.rpartition("/")[0], column), []).append(place)
    framed: set[str] = set()
    for (whole, column), places in wholes.items():
        rows = [columns[place][1] for place in places]
        among = [at for at, row, _ in columns.values() if at == column and min(rows) <= row <= max(rows)]
        if len(places) < 2 or len(among) > len(places):
            continue
        framed.update(places)
        x0, width = edges[column][0] - 0.3, edges[column][1] + 0.4
        low, high = -_ROW * max(rows) - 0.72, -_ROW * min(rows) + 0.84
        axes.add_patch(
            Rectangle((x0, low), width, high - low, fc="none", ec="#B8C0C8", lw=1, ls=(0, (4, 3)), clip_on=False)
        )
        axes.text(x0 + width + 0.03, (low + high) / 2, whole, fontsize=8, rotation=90, va="center", color="#57606A")
    return framed


def _coming(axes: Axes, coming: int, x: float, y: float) -> None:
    """Draw one disc for all that are on their way here from this side, and say how many."""
    if coming:
        axes.plot([x], [y], "o", ms=8, mfc=ROLES["moving"].colour, mec=ROLES["moving"].ink, clip_on=False)
        axes.text(x, y + 0.17, f"{coming}", fontsize=8, ha="center", color=ROLES["moving"].ink)


def _fates(axes: Axes, fold: Fold, place: str, *, at: tuple[float, float], unit: float) -> None:
    """Say under a box how much was done, was skipped, was lost, was refused, and concerned nobody there."""
    said = (
        (fold.done, "✓", "done"), (fold.skipped, "↷", "skipped"), (fold.lost, "✗", "lost"),
        (fold.refused, "⊖", "lost"), (fold.unmatched, "–", "skipped"),
    )  # fmt: skip
    (x, y), after = at, 0.0
    for counted, mark, role in said:
        if counted[place]:
            words = f"{mark} {counted[place]:,}"
            axes.text(x + after, y - 0.43, words, fontsize=9, va="top", color=ROLES[role].ink)
            after += (len(words) + 2) * _CHARACTER_INCHES * 9 / unit


def _level(axes: Axes, full: float, x0: float, y0: float) -> None:
    """Draw a level as a tube at the left of a box; an empty one has a red rim."""
    from matplotlib.patches import Rectangle

    rim = ROLES["moving"].ink if full else ROLES["lost"].colour
    axes.add_patch(Rectangle((x0 + 0.06, y0 - 0.34), 0.12, 0.68 * full, fc=ROLES["moving"].colour, ec="none"))
    axes.add_patch(Rectangle((x0 + 0.06, y0 - 0.34), 0.12, 0.68, fc="none", ec=rim, lw=1 if full else 1.8))


def _number(inside: int, room: int) -> str:
    """Say how many are in, and of how many when that is bounded."""
    return f"{inside:,}" if not room else f"{inside:,} of {room:,}" + " · full" * (inside >= room)


def _discs(
    axes: Axes,
    standing: list[tuple[Copy, str]],
    fold: Fold,
    *,
    x0: float,
    y0: float,
    width: float,
    points: float,
    box: Patch,
) -> None:
    """Draw the copies in a box as a line that winds, its head at the bottom right; a unit is so many points.

    In a narrow box, a machine's, they stand in one row, side by side.
    """
    if not standing:
        return
    cells = (0.2, 0.16, 0.13, 0.1, 0.08, 0.06, 0.05)
    is_row = width < 2
    cell = next((c for c in cells if int(width / c) * (1 if is_row else int(0.78 / c)) >= len(standing)), 0.04)
    across = max(1, int(width / cell))
    look: dict[str, list[tuple[float, float]]] = {}
    for k, (copy, how) in enumerate(standing[: across * max(1, int(0.78 / cell))]):
        r, i = divmod(k, across)
        x = x0 + width - (width - across * cell) / 2 - ((i if r % 2 == 0 else across - 1 - i) + 0.5) * cell
        if is_row:
            x = x0 + width / 2 + (k - (len(standing) - 1) / 2) * cell
        drawn, after_us = fold.holes.get(copy, (how, 0))
        look.setdefault(drawn, []).append((x, y0 - 0.39 + (r + 0.5) * cell if not is_row else y0))
        if drawn == "known" and cell * points > 15:
            axes.text(*look[drawn][-1], f"{after_us / 1e6:.0f}s", fontsize=cell * points / 3, ha="center", va="center")
        if copy in fold.again and how != "ghost":
            look.setdefault("again", []).append(look[drawn][-1])
    size = cell * points
    looks: dict[str, dict[str, Any]] = {
        "waiting": {"mfc": "#E8EFF5", "mec": ROLES["waiting"].colour},
        "here": {"mfc": ROLES["moving"].colour, "mec": ROLES["moving"].ink},
        "ghost": {"mfc": "none", "mec": ROLES["again"].ink, "alpha": 0.6},
        "dead": {"mfc": "white", "mec": ROLES["lost"].colour},
        "again": {"mfc": "none", "mec": ROLES["again"].colour},
        "open": {"mfc": "none", "mec": ROLES["lost"].colour},
        "known": {"mfc": "white", "mec": ROLES["fault"].colour},
        "filled": {"mfc": ROLES["done"].colour, "mec": ROLES["done"].ink},
    }
    for how, spots in look.items():
        for line in axes.plot(*zip(*spots, strict=True), "o", ms=size, mew=max(0.4, size / 9), **looks[how]):
            line.set_clip_path(box)
