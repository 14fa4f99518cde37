"""The pages of files, where nothing moves: one tile a page, as the player draws them.

Of a page that was read, the part that was asked for is green and the rest is hatched in yellow; what was passed over is
grey; what was written is blue-grey; what was not touched yet is an outline.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from dsys_lab.trace import KINDS, Row
from dsys_lab.views.player.words import trim
from dsys_lab.views.theme import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Tile = tuple[str, str, int]
"""Place, file and page."""
_IN_ORDER: Final = re.compile(r"^\d+-|\.\d+$")
_ROW_TILES_LEAST: Final = 12


def tile_of(row: Row) -> Tile | None:
    """Return the page that a row is about, if it is about one."""
    if KINDS[row.kind].verb not in ("touch", "skip"):
        return None
    page = row.fields.get("page", row.fields.get("block"))
    return row.place, str(row.fields["file"]), int(page or 0)


def tiles_of(rows: Iterable[Row]) -> dict[Tile, Row]:
    """Return each page with the last row about it."""
    return {tile: row for row in rows if (tile := tile_of(row)) is not None}


def label_of(place: str, file: str) -> str:
    """Return a file's name without what is the same for all: its table, its number in order, its generation.

    >>> label_of("night", "06-minutes_sleep.0"), label_of("night", "night.heap")
    ('minutes_sleep', 'heap')
    """
    return _IN_ORDER.sub("", file.removeprefix(f"{place.split('/', maxsplit=1)[0]}."))


def draw_tiles(axes: Axes, tiles: dict[Tile, Row], all_tiles: Iterable[Tile], *, title: str = "") -> None:
    """Draw the pages of `all_tiles`, those of `tiles` as they were touched."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    by_file: dict[tuple[str, str], list[Tile]] = {}
    for tile in sorted(all_tiles):
        by_file.setdefault(tile[:2], []).append(tile)
    across = _across([len(pages) for pages in by_file.values()])
    look: dict[str, list[Rectangle]] = {}
    y = 0
    for (place, file), pages in by_file.items():
        if len(by_file) > 1:
            axes.text(-0.4, -y - 0.5, label_of(place, file), ha="right", va="center", fontsize=7.5, color="#57606A")
        for number, tile in enumerate(pages):
            x, down = number % across, -y - number // across - 1
            for how, start, width in _parts(tiles.get(tile)):
                look.setdefault(how, []).append(Rectangle((x + 0.88 * start, down), 0.88 * width, 0.88))
        y += math.ceil(len(pages) / across)
    for how, patches in look.items():
        role = ROLES.get(how)
        fill = role.colour if role else "white"
        edge = role.ink if how == "unused" and role else "#D0D7DE" if role is None else "none"
        hatch = "////" if how == "unused" and y <= 30 else None
        axes.add_collection(
            PatchCollection(patches, facecolor=fill, edgecolor=edge, linewidth=0.3 if hatch else 0.6, hatch=hatch)
        )
    axes.set(xlim=(-0.3 * across if len(by_file) > 1 else -0.5, across + 0.2), ylim=(-y - 2.2, 0.4), aspect="equal")
    axes.text(0, -y - 0.7, _told(tiles.values()), fontsize=9, va="top")
    axes.set_title(title)
    axes.axis("off")


def _across(pages: list[int]) -> int:
    """Return how many tiles stand beside each other, so that the whole is about twice as wide as high."""
    for across in range(_ROW_TILES_LEAST, 200):
        if sum(math.ceil(count / across) for count in pages) * 1.9 <= across * 1.3:
            return across
    return 200


def _parts(row: Row | None) -> list[tuple[str, float, float]]:
    """Return what a tile is made of, from left to right: role, start, width."""
    if row is None:
        return [("untouched", 0, 1)]
    size_bytes, used_bytes = row.fields.get("size_bytes"), row.fields.get("used_bytes")
    if not isinstance(used_bytes, int) or not isinstance(size_bytes, int):
        role = KINDS[row.kind].role
        return [("unused" if role == "useful" else role, 0, 1)]
    share = min(1.0, max(used_bytes / max(1, size_bytes), 0.1 if used_bytes else 0.0))
    return [part for part in (("useful", 0.0, share), ("unused", share, 1 - share)) if part[2] > 0]


def _told(rows: Collection[Row]) -> str:
    """Say how much was read, and how much of it was asked for."""
    read = [row for row in rows if KINDS[row.kind].role == "useful"]
    reads, things = [row.fields for row in read], "pages" if all(row.kind == "page_read" for row in read) else "tiles"
    size_bytes = sum(int(fields["size_bytes"] or 0) for fields in reads)
    if not size_bytes:
        return ""
    if any(row.kind == "page_evict" for row in rows):
        return f"{len(reads):,} {things} in memory"
    told = f"{len(reads):,} {things} read"
    if all(fields["used_bytes"] is None for fields in reads):
        return told
    share = sum(int(fields["used_bytes"] or 0) for fields in reads) / size_bytes
    return f"{told}, {trim(100 * share, 3 if share >= 0.1 else 2)}% of it asked for"
