"""How are values of ten bits stored in ten bits, so that a machine with 64-bit words still likes them?

Not one after the other, where a value begins anywhere in a word and ends in the next, but *by bit*: all lowest bits
first, then all second bits, and so on. Each such bit plane is a row of bits, one for each value::

    eight lanes of m values          plane 0, m bytes        plane 1, m bytes
    lane 0: value 0     value 1      +----+----+-- - --+     +----+----+-- - --+
    lane 1: value m     value m+1    | q0 | q1 |       |     | q0 | q1 |       |   ... as many planes as the
      ...                            +----+----+-- - --+     +----+----+-- - --+       widest value has bits
    lane 7: value 7m    value 7m+1   bit v of byte q_i is bit 0 (bit 1, ...) of value v * m + i

What that buys: the sum of all values is the sum over the planes of 2**j times the number of ones in plane j, and
counting ones is one instruction a word. No value is ever unpacked for it.

Unpacking is a transposition: eight bytes, one from each of eight planes, are a square of 8 by 8 bits; turned over its
diagonal they are one byte of each of eight lanes. Three rounds of swaps do that for all squares at once (`_turn`), and
as turning twice changes nothing, packing is the same function.

Promise: `unpack(pack(values))` is `values`, for any whole numbers of up to 64 bits.

Cost: `bits / 8` bytes a value, rounded up to 64 values; counting touches each byte once, unpacking does 18 passes over
`bits / 8` bytes a value, whatever the number of planes.

Left out: comparing on the planes (the same idea answers `value < 300` in `bits` passes).

Sources: O'Neil and Quass, "Improved query performance with variant indexes", SIGMOD 1997 (bit-sliced index); Li and
Patel, "BitWeaving: fast scans for main memory data processing", SIGMOD 2013; Warren, *Hacker's Delight*, sec. 7-3.
"""

from __future__ import annotations

from typing import Final

import numpy as np

Array = np.ndarray
LANES: Final = 8
WORD: Final = 64
_ROUNDS: Final = (
    (1, np.uint64(0x5555555555555555)),
    (2, np.uint64(0x3333333333333333)),
    (4, np.uint64(0x0F0F0F0F0F0F0F0F)),
)
_UNSIGNED: Final = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}


def plane_bytes(rows: int) -> int:
    """Return the bytes of one plane of `rows` values: a bit each, in whole words."""
    return -(-rows // WORD) * WORD // 8


def bits_of(largest: int) -> int:
    """Return how many planes hold numbers from 0 to `largest`."""
    return largest.bit_length()


def pack(values: Array) -> bytes:
    """Return the planes of unsigned 64-bit `values`, shape (rows,): as many as the largest value has bits.

    Examples
    --------
    >>> len(pack(np.arange(64, dtype=np.uint64)))        # six planes of 64 bits
    48
    """
    rows = len(values)
    bits = bits_of(int(values.max(initial=0)))
    groups = -(-bits // 8)
    lanes = np.zeros(plane_bytes(rows) * LANES, "<u8")
    lanes[:rows] = values
    by_byte = np.ascontiguousarray(lanes.view(np.uint8).reshape(-1, 8).T[:groups])
    squares = by_byte.reshape(groups, LANES, plane_bytes(rows)).view(np.uint64)
    _turn(squares)
    return squares.reshape(groups * 8, plane_bytes(rows) // 8)[:bits].tobytes()


def unpack(planes: Array, rows: int) -> Array:
    """Return the values of a stack of planes.

    Parameters
    ----------
    planes : array of uint8, shape (chunks, bits * plane_bytes(rows))
        The planes of each chunk, one chunk a line.
    rows : int
        Values in each chunk.

    Returns
    -------
    array of the narrowest unsigned type that holds `bits`, shape (chunks, rows)
    """
    chunks, size = planes.shape
    one = plane_bytes(rows)
    bits = size // one if one else 0
    groups = -(-bits // 8)
    squares = np.zeros((groups * 8, chunks, one), np.uint8)
    squares[:bits] = planes.reshape(chunks, bits, one).swapaxes(0, 1)
    _turn(squares.view(np.uint64).reshape(groups, LANES, chunks * one // 8))
    width = 1 << max(groups - 1, 0).bit_length()
    values = np.zeros((chunks, LANES, one), _UNSIGNED[width])
    for by_byte in squares.reshape(groups, LANES, chunks, one)[::-1]:
        if width > 1:
            values <<= 8
        values |= by_byte.swapaxes(0, 1)
    return values.reshape(chunks, LANES * one)[:, :rows]


def total(planes: Array, rows: int) -> int:
    """Return the sum of all values of a stack of planes (see `unpack`) without unpacking one."""
    chunks, size = planes.shape
    one = plane_bytes(rows)
    if not size:
        return 0
    ones = np.bitwise_count(planes.view(np.uint64)).reshape(chunks, size // one, one // 8)
    by_plane = ones.sum(axis=(0, 2), dtype=np.int64)
    return sum(int(count) << plane for plane, count in enumerate(by_plane))


def _turn(squares: Array) -> None:
    """Turn every square of 8 by 8 bits over its diagonal, in place.

    Parameters
    ----------
    squares : array of uint64, shape (..., 8, words)
        Eight lines; each of the 8 bytes of a word belongs to a square of its own.
    """
    *outer, lines, words = squares.shape
    for distance, mask in _ROUNDS:
        pairs = squares.reshape(*outer, lines // (2 * distance), 2, distance, words)
        upper, lower = pairs[..., 0, :, :], pairs[..., 1, :, :]
        swapped = upper >> np.uint64(distance)
        swapped ^= lower
        swapped &= mask
        lower ^= swapped
        swapped <<= np.uint64(distance)
        upper ^= swapped
