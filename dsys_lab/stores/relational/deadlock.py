"""When does waiting have no end?

When the waiting goes in a circle: Ada waits for Ben, who waits for Ada. Who waits for whom is a graph; each new wait
adds one edge, so a circle, if there is one now, goes through that edge. It is looked for at once, and who closed the
circle fails.

Left out: PostgreSQL looks only after a second (`deadlock_timeout`), for looking costs more than most waits last, and
may so let down another one of the circle.

Sources: Holt, "Some deadlock properties of computer systems", Computing Surveys 1972; PostgreSQL documentation, 13.3.4.
"""

from __future__ import annotations

from collections.abc import Mapping


def circle(waits_for: Mapping[int, int], start: int) -> tuple[int, ...]:
    """Return the circle of waits that `start` is part of, from `start` on, or nothing.

    Examples
    --------
    >>> circle({7: 9, 9: 8, 8: 7}, 8)
    (8, 7, 9)
    >>> circle({7: 9, 9: 8}, 7)
    ()
    """
    path, seen = [start], {start}
    while (following := waits_for.get(path[-1])) is not None:
        if following == start:
            return tuple(path)
        if following in seen:
            return ()
        path.append(following)
        seen.add(following)
    return ()
