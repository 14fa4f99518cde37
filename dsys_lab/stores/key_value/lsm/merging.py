"""Which of several entries of one key counts?

The newest. Sources that are each in the order of their keys are walked side by side, and of equal keys the one from the
newer source is given, once.

>>> newer, older = [(b"a", b"A2"), (b"c", b"C2")], [(b"a", b"A1"), (b"b", b"B1")]
>>> list(merged([newer, older]))
[(b'a', b'A2'), (b'b', b'B1'), (b'c', b'C2')]
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from dsys_lab.stores.key_value.lsm.block import Stored


def merged(sources: Sequence[Iterable[Stored]]) -> Iterator[Stored]:
    """Give the entries that count, in the order of their keys; of `sources` the first is the newest."""
    if len(sources) == 1:
        yield from sources[0]
        return
    last = None
    for key, _, stored in heapq.merge(*(_aged(age, source) for age, source in enumerate(sources))):
        if key != last:
            yield key, stored
            last = key


def _aged(age: int, source: Iterable[Stored]) -> Iterator[tuple[bytes, int, bytes]]:
    """Put the age between: of equal keys the newer comes first."""
    return ((key, age, stored) for key, stored in source)
