"""Log-structured stores: how often is a byte rewritten, how many runs does a read meet, how often does a filter lie?

A store that merges whole levels counts its flushes in base T, T being the size ratio. After n flushes of keys that are
all different, the digits of n are the tree: with digit d at place i (from 0), *tiered* compaction holds d runs of T**i
flushes there, *leveled* compaction one run of d T**i flushes, one level further down. Merging is the carry.
"""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_not_negative, require_positive


def leveled_write_amplification(flushes: int, size_ratio: int) -> float:
    """Return the bytes that leveled compaction writes, flushes included, for each byte that is flushed.

    Level i (from 1) is written anew whenever something falls into it: 1, 2, ... T times T**(i - 1) flushes, then it
    falls itself. Over a whole cycle that is (T + 1) / 2 for each byte.

    Parameters
    ----------
    flushes : int
        So far, of keys that are all different. The log is not counted.
    size_ratio : int
        T; a level falls when it holds T**i flushes.

    Examples
    --------
    >>> leveled_write_amplification(1000, 10), round(leveled_write_amplification(1000, 4), 1)
    (18.5, 12.3)

    References
    ----------
    O'Neil et al., "The log-structured merge-tree (LSM-tree)", Acta Informatica 1996; Dayan et al., "Monkey", SIGMOD
    2017.
    """
    written = 0
    for depth in range(_places(flushes, size_ratio)):
        cycles, rest = divmod(flushes // size_ratio**depth, size_ratio)
        written += size_ratio**depth * (cycles * size_ratio * (size_ratio + 1) + rest * (rest + 1)) // 2
    return 1 + written / flushes


def tiered_write_amplification(flushes: int, size_ratio: int) -> float:
    """Return the same for tiered compaction: whenever T runs have gathered, they are written once.

    Examples
    --------
    >>> tiered_write_amplification(1000, 10), round(tiered_write_amplification(1000, 4), 1)
    (4.0, 4.7)
    """
    sizes = [size_ratio**depth for depth in range(1, _places(flushes, size_ratio))]
    return 1 + sum(size * (flushes // size) for size in sizes) / flushes


def leveled_write_amplification_most(flushes: int, size_ratio: int) -> float:
    """Return the bound 1 + (T + 1) L of the textbooks, for L levels."""
    return 1 + (size_ratio + 1) * _places(flushes, size_ratio)


def leveled_runs(flushes: int, size_ratio: int) -> int:
    """Return how many runs there are under leveled compaction: as many as n has digits in base T that are not 0.

    >>> leveled_runs(999, 10), leveled_runs(1000, 10)
    (3, 1)
    """
    return sum(digit > 0 for digit in _digits(flushes, size_ratio))


def tiered_runs(flushes: int, size_ratio: int) -> int:
    """Return how many runs there are under tiered compaction: the sum of the digits.

    >>> tiered_runs(999, 10), tiered_runs(1000, 10)
    (27, 1)
    """
    return sum(_digits(flushes, size_ratio))


def bloom_false_positives(bits_per_key: float, hashes: int) -> float:
    """Return the share of absent keys that a Bloom filter accepts: (1 - e**(-k n / m))**k.

    Parameters
    ----------
    bits_per_key : float
        m / n; without bits everything is accepted.
    hashes : int
        k, the bits that a key sets.

    Examples
    --------
    >>> [f"{bloom_false_positives(bits, k):.2%}" for bits, k in ((8, 6), (10, 7), (16, 11))]
    ['2.16%', '0.82%', '0.05%']

    References
    ----------
    Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 1970. The formula takes the bits for
    independent; for filters of a few thousand keys the difference is far below a thousandth.
    """
    require_not_negative(bits_per_key=bits_per_key, hashes=hashes)
    if not bits_per_key or not hashes:
        return 1.0
    return (1 - math.exp(-hashes / bits_per_key)) ** hashes


def bloom_best_hashes(bits_per_key: float) -> int:
    """Return the k with the fewest false positives: ln 2 times the bits a key, rounded.

    >>> [bloom_best_hashes(bits) for bits in (8, 10, 16)]
    [6, 7, 11]
    """
    require_positive(bits_per_key=bits_per_key)
    return max(1, round(math.log(2) * bits_per_key))


def _digits(flushes: int, size_ratio: int) -> list[int]:
    """Return the digits of `flushes` in base `size_ratio`, the last one first."""
    require_positive(flushes=flushes)
    if size_ratio < 2:
        raise BadParameter(f"size_ratio = {size_ratio!r}: give 2 or more")
    digits = []
    while flushes:
        flushes, digit = divmod(flushes, size_ratio)
        digits.append(digit)
    return digits


def _places(flushes: int, size_ratio: int) -> int:
    """Return how many digits there are: the levels that were ever used, level 0 apart."""
    return len(_digits(flushes, size_ratio))
