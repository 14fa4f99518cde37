"""Which of two versions is newer, when there is no leader to ask?

Each version has a *dot*: the machine that took it in, and the how-manieth of that machine it is. And it has *seen* a
set of dots, written as a vector: so many of this machine, so many of that one. A version is obsolete when another one
has seen its dot. If neither has seen the other they are *concurrent*: siblings, both of which are kept and given to the
reader, who alone knows what they mean together.

A clock cannot tell this: by the time of day one of two concurrent versions always looks newer, and the other is thrown
away although it was acknowledged (`last_writer_wins`).

Pure: values and functions.

Sources: Parker et al., "Detection of mutual inconsistency in distributed systems", IEEE TSE 1983; DeCandia et al.,
"Dynamo", SOSP 2007, section 4.4; Preguiça et al., "Dotted version vectors", 2010 (why the dot stands apart).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

Vector = tuple[tuple[str, int], ...]
"""How many of each machine's versions were seen, in the order of the machines' names."""
NOTHING_SEEN: Vector = ()


class Version(NamedTuple):
    """One value of a key.

    Attributes
    ----------
    value : str or None
        None: the key was deleted.
    dot : (str, int)
        The machine that took it in, and the number it gave.
    seen : Vector
        What its writer had read.
    written_us : int
        By the clock of that machine, which may be wrong.
    """

    value: str | None
    dot: tuple[str, int]
    seen: Vector
    written_us: int


def covers(seen: Vector, dot: tuple[str, int]) -> bool:
    """Whether a dot was seen."""
    machine, number = dot
    return dict(seen).get(machine, 0) >= number


def context_of(versions: Iterable[Version]) -> Vector:
    """Return what somebody has seen who read these versions: what is to be handed in with the next write.

    Examples
    --------
    >>> context_of([Version("x", ("a", 2), (("b", 1),), 0), Version("y", ("b", 3), (), 0)])
    (('a', 2), ('b', 3))
    """
    most: dict[str, int] = {}
    for version in versions:
        for machine, number in (*version.seen, version.dot):
            most[machine] = max(most.get(machine, 0), number)
    return tuple(sorted(most.items()))


def keep_siblings(versions: Iterable[Version]) -> tuple[Version, ...]:
    """Keep every version that none of the others has seen.

    Examples
    --------
    >>> old, new = Version("old", ("a", 1), (), 0), Version("new", ("b", 1), (("a", 1),), 0)
    >>> other = Version("other", ("c", 1), (("a", 1),), 0)
    >>> [version.value for version in keep_siblings([old, new, other])]
    ['new', 'other']
    """
    distinct = sorted({version.dot: version for version in versions}.values(), key=lambda version: version.dot)
    return tuple(v for v in distinct if not any(covers(other.seen, v.dot) for other in distinct))


def last_writer_wins(versions: Iterable[Version]) -> tuple[Version, ...]:
    """Keep the version with the latest clock, and throw the others away."""
    return tuple(sorted(versions, key=lambda version: (version.written_us, version.dot))[-1:])


Keep = Callable[[Iterable[Version]], tuple[Version, ...]]
