"""A tree of digests: where do two copies differ, and how little has to be compared to find it?

Each leaf is the digest of a range of keys, each node that of its children. The root is compared first, and only below a
node that differs goes the comparison on. A vermillion cross differs, a green disc is the same; what is small and
grey was spared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts.picture import Chart, figure_of, styled
from dsys_lab.views.theme import ROLES

LEAVES_MOST: Final = 64
_DIFFERS, _SAME, _SPARED = ROLES["lost"], ROLES["useful"], ROLES["skipped"]
_MARKS: Final = {"differs": (_DIFFERS, "X"), "same": (_SAME, "o"), "spared": (_SPARED, "o")}


def digest_tree(leaves: int, differing: Iterable[int], *, title: str = "", ranges_of: str = "") -> Chart:
    """Return a binary tree over so many ranges, of which some differ.

    Parameters
    ----------
    differing : iterable of int
        The numbers of the leaves that differ.
    ranges_of : str
        What a leaf is, in words below the tree.

    Raises
    ------
    BadParameter
        If there are no leaves, or more than 64, or one that differs is none of them.
    """
    bad = sorted(set(differing))
    if not 0 < leaves <= LEAVES_MOST or any(not 0 <= leaf < leaves for leaf in bad):
        raise BadParameter(f"digest_tree: {leaves} leaves, differing {bad}: give 1 to {LEAVES_MOST}, and some of them")
    levels = _levels(leaves, bad)
    looks = [look for level in levels for look in level.values()]
    compared = sum(look != "spared" for look in looks)
    with styled():
        figure, axes = figure_of(title, "", "", inches=(8.6, 1.0 + 0.55 * len(levels)))
        for height, level in enumerate(levels):
            for (x, *_), look in level.items():
                role, mark = _MARKS[look]
                if height + 1 < len(levels):
                    parent = next(node for node in levels[height + 1] if node[1] <= x <= node[2])
                    axes.plot([x, parent[0]], [height, height + 1], color=_DIFFERS.colour if look == "differs" else
                              "#D0D7DE", linewidth=2 if look == "differs" else 1, zorder=1)  # fmt: skip
                axes.plot(x, height, mark, color=role.colour, markersize=12 if look != "spared" else 8,
                          markeredgecolor="white", zorder=3)  # fmt: skip
        said = f"{compared} of {len(looks)} digests compared"
        axes.text(-0.5, -0.55, f"{said}{'; ' + ranges_of if ranges_of else ''}", va="top", fontsize=10)
        for look, (role, mark) in _MARKS.items():
            axes.plot([], [], mark, color=role.colour, markersize=9, label=look, linestyle="none")
        axes.legend(loc="upper right", fontsize=9.5)
        axes.set(xlim=(-0.8, leaves - 0.2), ylim=(-1.2, len(levels) - 0.5))
        axes.axis("off")
    listed = ", ".join(str(leaf) for leaf in bad) or "none"
    return Chart(figure, f"{title or 'A tree of digests'}: {said}.", f"ranges that differ: {listed}")


def _levels(leaves: int, bad: list[int]) -> list[dict[tuple[float, float, float], str]]:
    """Return the levels from the leaves to the root: `(x, first leaf, last leaf)` -> how a node was looked at."""
    spans = [[(leaf, leaf) for leaf in range(leaves)]]
    while len(spans[-1]) > 1:
        row = spans[-1]
        spans.append([(row[at][0], row[min(at + 1, len(row) - 1)][1]) for at in range(0, len(row), 2)])
    told = []
    for level, row in enumerate(spans):
        above = spans[level + 1] if level + 1 < len(spans) else []
        seen = [span for span in above if any(span[0] <= leaf <= span[1] for leaf in bad)]
        looks = {}
        for first, last in row:
            compared = not above or any(one[0] <= first and last <= one[1] for one in seen)
            differs = any(first <= leaf <= last for leaf in bad)
            looks[(first + last) / 2, float(first), float(last)] = (
                "spared" if not compared else "differs" if differs else "same"
            )
        told.append(looks)
    return told
