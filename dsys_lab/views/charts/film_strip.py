"""A film while it is filmed: where each fragment is at a moment, what nobody can see, and how far who watches is.

From left to right is the camera's time; a fragment is as wide as it lasts, and the dark edge at its left is its key
frame. Above are the fragments on the device, the last of them not complete; below those on their way; at the bottom the
archive's shelf. Red and crossed is a gap: filmed by nobody, or let go. Grey was kept and is too old. The triangle is
who watches; the arrow from it to now is how far behind life.

Read from rows `filming`, `enqueue`, `send`, `append`, `drop`, `gone`, `expire`, and those rows `start` that say a
`delay_us`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Row, Trace
from dsys_lab.views.charts.picture import Chart, figure_of, number, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LANES: Final = {"filmed": 2, "waits": 2, "on its way": 1, "kept": 0, "too old": 0}
"""The height of a fragment's lane, by where it is."""
LOOKS: Final = {"filmed": "waiting", "waits": "waiting", "on its way": "moving", "kept": "done", "too old": "skipped"}
BECOMES: Final = {"enqueue": "waits", "send": "on its way", "append": "kept", "expire": "too old"}
"""Where a fragment is after a row of a kind."""
_TALL: Final = 0.62


@dataclass(slots=True)
class _Piece:
    """A fragment: its time by the camera's clock, when it was begun, and where it is."""

    begins_s: float
    lasts_s: float
    begun_s: float
    where: str = "filmed"


@dataclass(frozen=True, slots=True)
class _Strip:
    """What a strip shows at a moment, in seconds."""

    now_s: float
    pieces: list[_Piece]
    seen_s: float | None

    @property
    def life_s(self) -> float:
        """What the camera's clock says now."""
        newest = self.pieces[-1]
        return newest.begins_s + self.now_s - newest.begun_s

    @property
    def behind_s(self) -> float | None:
        """How far behind life whoever watches is, to a tenth of a second."""
        return None if self.seen_s is None else round(self.life_s - self.seen_s, 1)

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """The intervals up to now that no fragment covers."""
        found, reached = list[tuple[float, float]](), 0.0
        there = [(one.begins_s, one.begins_s + one.lasts_s) for one in self.pieces if one.where != "gone"]
        for begins_s, ends_s in [*sorted(there), (self.life_s, self.life_s)]:
            if begins_s > reached + 1e-6:
                found.append((reached, begins_s))
            reached = max(reached, ends_s)
        return found


def film_strip(trace: Trace, now_s: float, *, title: str = "") -> Chart:
    """Return the strip of a trace at a moment.

    Parameters
    ----------
    now_s : float
        When, in seconds of the run.

    Raises
    ------
    BadParameter
        If nothing is filmed in the trace before that.
    """
    strip = _read(trace, now_s)
    with styled():
        figure, axes = figure_of(title or trace.header.title, "the camera's time, s", "", inches=(8.6, 2.9))
        ends_s = max(_ends(row) for row in trace.of("filming"))
        axes.set(xlim=(-0.01 * ends_s, 1.01 * ends_s), ylim=(-1.0, 3.0))
        axes.set_yticks([lane + _TALL / 2 for lane in (2, 1, 0)], ["on the device", "on its way", "in the archive"])
        axes.grid(visible=False)
        _draw_pieces(axes, strip.pieces, strip.now_s)
        _draw_gaps(axes, strip.gaps)
        _draw_viewer(axes, strip)
    return Chart(figure, f"{title or trace.header.title}, at {number(now_s)} s.", _told(strip))


def _ends(row: Row) -> float:
    return (_us(row, "filmed_us") + _us(row, "duration_us")) / 1e6


def _us(row: Row, name: str) -> int:
    return int(row.fields[name] or 0)


def _read(trace: Trace, now_s: float) -> _Strip:
    """Fold the rows up to a moment."""
    pieces: dict[str | None, _Piece] = {}
    seen: Row | None = None
    for row in trace:
        if row.time_us > now_s * 1e6:
            break
        if row.kind == "filming":
            begins_s, lasts_s = _us(row, "filmed_us") / 1e6, _us(row, "duration_us") / 1e6
            pieces[row.message] = _Piece(begins_s, lasts_s, row.time_us / 1e6)
        elif row.kind == "start" and "delay_us" in row.fields:
            seen = row
        elif row.message in pieces:
            _follow(row, pieces[row.message])
    if not pieces:
        raise BadParameter(f"now_s = {now_s!r}: nothing is filmed before that; give a later moment, and a camera's run")
    return _Strip(now_s, list(pieces.values()), _seen(seen, pieces, now_s))


def _follow(row: Row, piece: _Piece) -> None:
    """Move a fragment to where a row says it is; what is kept stays until it is too old."""
    if row.kind in ("drop", "gone") and piece.where in ("filmed", "waits", "on its way"):
        piece.where = "gone"
    elif row.kind in BECOMES and (piece.where != "kept" or row.kind == "expire"):
        piece.where = BECOMES[row.kind]


def _seen(row: Row | None, pieces: dict[str | None, _Piece], now_s: float) -> float | None:
    """Return which second of the film is on the screen."""
    if row is None or row.message not in pieces:
        return None
    piece = pieces[row.message]
    return piece.begins_s + min(piece.lasts_s, now_s - row.time_us / 1e6)


def _draw_pieces(axes: Axes, pieces: list[_Piece], now_s: float) -> None:
    from matplotlib.patches import Rectangle

    for one in pieces:
        if one.where == "gone":
            continue
        lane, role = LANES[one.where], ROLES[LOOKS[one.where]]
        grown_s = min(one.lasts_s, now_s - one.begun_s) if one.where == "filmed" else one.lasts_s
        old = one.where == "too old"
        alpha = 0.35 if old or one.where == "filmed" else 0.85
        corner, key_s = (one.begins_s, lane), min(grown_s, 0.16 * one.lasts_s)
        axes.add_patch(
            Rectangle(corner, grown_s, _TALL, facecolor=role.colour, alpha=alpha, edgecolor="white", linewidth=0.8)
        )
        axes.add_patch(Rectangle(corner, key_s, _TALL, facecolor=role.ink, alpha=0.4 if old else 1))
        if one.where == "filmed":
            axes.add_patch(Rectangle(corner, one.lasts_s, _TALL, fill=False, edgecolor=role.ink, linestyle="--"))


def _draw_gaps(axes: Axes, gaps: list[tuple[float, float]]) -> None:
    from matplotlib.patches import Rectangle

    role = ROLES["lost"]
    for start_s, end_s in gaps:
        axes.add_patch(
            Rectangle((start_s, 0), end_s - start_s, _TALL, facecolor=role.colour, edgecolor="white", hatch="xx",
                      linewidth=0, alpha=0.9)
        )  # fmt: skip
        axes.text((start_s + end_s) / 2, _TALL + 0.05, f"gap, {number(end_s - start_s)} s", ha="center", va="bottom",
                  fontsize=8.5, color=role.ink)  # fmt: skip


def _draw_viewer(axes: Axes, strip: _Strip) -> None:
    """Draw now, and whoever watches, with the arrow of the delay."""
    life_s, ink = strip.life_s, "#24292F"
    axes.plot([life_s] * 2, [-0.4, 2.75], color=ink, linewidth=1.2, linestyle=":")
    axes.text(life_s, 2.78, "now", ha="center", fontsize=9, color=ink)
    old = [one for one in strip.pieces if one.where == "too old"]
    if old:
        edge_s = max(one.begins_s + one.lasts_s for one in old)
        axes.plot([edge_s] * 2, [-0.18, 0.95], color=ROLES["skipped"].ink, linewidth=1.6)
        axes.text(edge_s, 0.98, "too old", ha="right", fontsize=8.5, color=ROLES["skipped"].ink)
    if strip.seen_s is None:
        return
    role = ROLES["late"]
    axes.plot([strip.seen_s], [-0.2], "^", color=role.ink, markersize=9)
    axes.annotate("", (life_s, -0.5), (strip.seen_s, -0.5), arrowprops={"arrowstyle": "<->", "color": role.ink})
    axes.text((strip.seen_s + life_s) / 2, -0.58, f"who watches is {strip.behind_s:g} s behind",
              ha="center", va="top", fontsize=8.5, color=role.ink)  # fmt: skip


def _told(strip: _Strip) -> str:
    """Say the same in words."""
    where = [one.where for one in strip.pieces]
    lines = [f"{name}: {where.count(name)}" for name in LANES if name in where]
    gaps = [f"gap from {number(start)} to {number(end)} s" for start, end in strip.gaps]
    watched = "nobody watches yet"
    if strip.behind_s is not None:
        watched = f"who watches is {strip.behind_s:g} s behind"
    return "\n".join([*lines, *gaps, watched])
