"""The versions of each row on an axis of time, and which of them each snapshot sees.

A bar is a version, from the moment in which it was made. It is hollow until its maker commits, filled from then on, and
ends where a successor commits; one whose maker came to nothing is hatched. A dashed line is a snapshot, with a ring on
every version that it sees: those that were committed by then and not yet replaced, and the reader's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Row, Trace
from dsys_lab.views.charts.picture import INCHES, Chart, figure_of, styled
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KEPT, _LOST, _LOOK = ROLES["authoritative"], ROLES["lost"], ROLES["useful"]
_LINE_INCHES: Final = 0.36
_NEVER: Final = float("inf")


@dataclass(slots=True)
class _Version:
    """One bar."""

    name: str
    words: str
    maker: int
    made: int
    committed: float = _NEVER
    came_to_nothing: float = _NEVER
    replaced: float = _NEVER
    remover: int = 0

    @property
    def key(self) -> str:
        return self.name.partition("@")[0]

    def is_seen(self, at: int, own: int) -> bool:
        """Whether a snapshot taken with row number `at` sees it."""
        is_there = self.committed < at or (own != 0 and own == self.maker and self.made < at)
        is_gone = self.replaced < at or (own != 0 and own == self.remover)
        return is_there and not is_gone


def version_chains(trace: Trace, *, title: str = "Versions on an axis of time") -> Chart:
    """Return the versions of each row over time, with the snapshots that were taken.

    Parameters
    ----------
    trace : Trace
        Of a run with rows `version`, `superseded`, `snapshot` and the ends of transactions.

    Raises
    ------
    BadParameter
        If no version was made.
    """
    versions = _versions(trace)
    if not versions:
        raise BadParameter("version_chains: no row of the trace makes a version; give the run of a relational database")
    looks = [row for row in trace.of("snapshot") if any(one.is_seen(row.seq, 0) for one in versions)]
    ordered = sorted(versions, key=lambda one: (one.key, one.made))
    with styled():
        figure, axes = figure_of(title, "milliseconds", "", inches=(INCHES[0], 1.5 + _LINE_INCHES * len(ordered)))
        end_ms = trace.end_us / 1e3 + 1
        for place, one in enumerate(ordered):
            _draw(axes, place, one, trace, end_ms)
        for look in looks:
            _draw_look(axes, look, ordered)
        axes.set_yticks(range(len(ordered)), [f"{one.key} = {one.words}" for one in ordered])
        axes.set_ylim(len(ordered) - 0.4, -1.2)
        axes.set_xlim(-0.3, end_ms)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    told = [_told(one, trace) for one in ordered] + [_seen(look, ordered) for look in looks]
    rows = len({one.key for one in ordered})
    return Chart(figure, f"{title}: {len(ordered)} versions of {rows} rows.", "\n".join(told))


def _versions(trace: Trace) -> list[_Version]:
    """Return the versions that were made; times are numbers of rows."""
    found: dict[str, _Version] = {}
    for row in trace:
        if row.kind == "version":
            words = str(row.fields["row"]).partition(", ")[2]
            found[str(row.message)] = _Version(str(row.message), words, int(row.fields["xmin"] or 0), row.seq)
        elif row.kind == "superseded":
            found[str(row.message)].remover = int(row.fields["xmax"] or 0)
        elif row.kind in {"transaction_commit", "transaction_abort"}:
            _end(found, int(row.fields.get("xid") or 0), row)
    for one in found.values():
        if one.maker and one.committed == one.came_to_nothing == _NEVER and not _has_words(trace, one.maker):
            one.committed = one.made  # it was there before the picture began
    return list(found.values())


def _has_words(trace: Trace, xid: int) -> bool:
    ends = trace.of("transaction_commit", "transaction_abort")
    return any(row.fields.get("xid") == xid for row in ends)


def _end(found: dict[str, _Version], xid: int, row: Row) -> None:
    for one in found.values():
        if xid and one.maker == xid:
            if row.kind == "transaction_commit":
                one.committed = row.seq
            else:
                one.came_to_nothing = row.seq
        if xid and one.remover == xid:
            if row.kind == "transaction_commit":
                one.replaced = min(one.replaced, row.seq)
            else:
                one.remover = 0


def _ms(trace: Trace, seq: float, end_ms: float) -> float:
    return end_ms if seq == _NEVER else trace[int(seq)].time_us / 1e3


def _draw(axes: Axes, place: int, one: _Version, trace: Trace, end_ms: float) -> None:
    made, ended = _ms(trace, one.made, end_ms), _ms(trace, min(one.replaced, one.came_to_nothing), end_ms)
    if one.came_to_nothing < _NEVER:
        axes.barh(place, max(ended - made, 0.2), left=made, height=0.6, facecolor="none", edgecolor=_LOST.colour,
                  hatch="///", linewidth=1.2)  # fmt: skip
        return
    committed = min(_ms(trace, one.committed, end_ms), ended)
    axes.barh(place, ended - made, left=made, height=0.6, facecolor="none", edgecolor=_KEPT.colour, linewidth=1.2)
    axes.barh(place, ended - committed, left=committed, height=0.6, color=_KEPT.colour)


def _draw_look(axes: Axes, look: Row, ordered: list[_Version]) -> None:
    at = look.time_us / 1e3
    axes.axvline(at, color=_LOOK.colour, linestyle=(0, (3, 2)), linewidth=1.4)
    axes.annotate(_reader(look), (at, -0.75), (3, 0), textcoords="offset points", color=_LOOK.ink, fontsize=9)
    for place, one in enumerate(ordered):
        if one.is_seen(look.seq, 0):
            axes.plot(at, place, "o", markersize=10, markerfacecolor="white", markeredgecolor=_LOOK.colour,
                      markeredgewidth=2.2)  # fmt: skip


def _reader(look: Row) -> str:
    return look.place.rpartition("/")[2]


def _told(one: _Version, trace: Trace) -> str:
    made = trace[one.made].time_us / 1e3
    if one.came_to_nothing < _NEVER:
        return f"{one.key} = {one.words}: made at {made:g} ms, came to nothing"
    until = f"until {trace[int(one.replaced)].time_us / 1e3:g} ms" if one.replaced < _NEVER else "to the end"
    return f"{one.key} = {one.words}: made at {made:g} ms, the latest {until}"


def _seen(look: Row, ordered: list[_Version]) -> str:
    seen = ", ".join(f"{one.key} = {one.words}" for one in ordered if one.is_seen(look.seq, 0))
    return f"{_reader(look)} looks at {look.time_us / 1e3:g} ms: {seen}"
