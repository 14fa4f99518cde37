"""What does RocksDB count by itself?

It keeps *tickers*, exact sums since it was opened, and prints them as text, one a line::

    rocksdb.flush.write.bytes COUNT : 5343009

and it can say how many files lie in each level. Its statistics table has a column `W-Amp` with one decimal: the bytes
written by flushes and compactions over those written by flushes. From the tickers it comes out whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

LEVELS: Final = 7
_TICKER: Final = re.compile(r"^(\S+) COUNT : (\d+)$", flags=re.MULTILINE)
_PRINTED_W_AMP: Final = re.compile(r"^ Sum +\S+ +\S+ \S+ +(?:\S+ +){7}(\S+)", flags=re.MULTILINE)


def tickers(statistics: str | None) -> dict[str, int]:
    """Return every ticker by its name.

    >>> tickers("rocksdb.flush.write.bytes COUNT : 5343009")
    {'rocksdb.flush.write.bytes': 5343009}
    """
    return {name: int(count) for name, count in _TICKER.findall(statistics or "")}


def files_by_level(property_value: Callable[[str], str | None]) -> tuple[int, ...]:
    """Return how many files lie in each level."""
    return tuple(int(property_value(f"rocksdb.num-files-at-level{level}") or 0) for level in range(LEVELS))


def printed_write_amplification(stats: str | None) -> float:
    """Return the column `W-Amp` of the line `Sum` in what `rocksdb.stats` prints; 0 if nothing was flushed yet."""
    found = _PRINTED_W_AMP.search(stats or "")
    return float(found[1]) if found else 0.0
