"""How few bytes can answer "how many different?" and "what is the middle?", so that two answers still make one?

`HyperLogLog` keeps, for each of 2**p registers, the longest run of leading zeros among the hashes that fell there: many
different values make long runs likely. Two of them merge register by register, by the larger one, and the result is
bit for bit the sketch of all values together. Error: 1.04 / sqrt(2**p), one standard error.

`QuantileSketch` (KLL) keeps values on levels; one on level h stands for 2**h values. A level that is full is sorted and
every second value moves up, beginning with the first or the second by a coin, so errors cancel. Two of them merge level
by level. Each step on level h moves a rank by at most 2**h; their sum, `rank_error_most`, holds for certain.

Values are never changed: `merge` returns a new sketch. The coin is a hash of the seed and of the number of the step, so
the same calls make the same sketch.

Left out: sparse registers and the bias tables of HyperLogLog++; t-digest.

Sources: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog", AOFA 2007; Karnin, Lang and Liberty, "Optimal quantile
approximation in streams", FOCS 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, require_fraction
from dsys_lab.structures.hash_ring import position_of

Number = int | float
_HASH_BITS: Final = 64
_CAPACITY_LEAST: Final = 8
_SHRINK: Final = 2 / 3
_VALUE_BYTES: Final = 8


def _hash(value: object) -> int:
    """Return 64 bits that depend on the value alone; 1 and 1.0 are one value, 1 and "1" are two."""
    plain = int(value) if isinstance(value, float) and value.is_integer() else value
    return position_of(repr(plain).encode())


@dataclass(frozen=True, slots=True)
class HyperLogLog:
    """How many different values were seen.

    Examples
    --------
    >>> HyperLogLog.of(["Oslo", "Lagos", "Oslo"]).estimate()
    2
    """

    registers: bytes

    @classmethod
    def of(cls, values: Iterable[object], *, p: int = 10) -> HyperLogLog:
        """Return the sketch of these values in 2**p registers, p from 4 to 16."""
        if not 4 <= p <= 16:
            raise BadParameter(f"p = {p!r}: give 4 to 16, for 2**p registers")
        registers, rest_bits = bytearray(1 << p), _HASH_BITS - p
        for value in values:
            hashed = _hash(value)
            place, rest = hashed >> rest_bits, hashed & ((1 << rest_bits) - 1)
            registers[place] = max(registers[place], rest_bits - rest.bit_length() + 1)
        return cls(bytes(registers))

    def merge(self, other: HyperLogLog) -> HyperLogLog:
        """Return the sketch of the values of both."""
        if len(self.registers) != len(other.registers):
            raise BadParameter(
                f"{len(self.registers)} and {len(other.registers)} registers: give both sketches the same p"
            )
        return HyperLogLog(bytes(map(max, self.registers, other.registers)))

    def estimate(self) -> int:
        """Return about how many different values there were; few are counted by empty registers."""
        m = len(self.registers)
        alpha = {16: 0.673, 32: 0.697, 64: 0.709}.get(m, 0.7213 / (1 + 1.079 / m))
        raw = alpha * m * m / math.fsum(2.0**-run for run in self.registers)
        empty = self.registers.count(0)
        return round(m * math.log(m / empty) if raw <= 2.5 * m and empty else raw)

    @property
    def size_bytes(self) -> int:
        """One byte a register."""
        return len(self.registers)


@dataclass(frozen=True, slots=True)
class QuantileSketch:
    """The ranks of values, roughly, in little room (KLL).

    Attributes
    ----------
    k : int
        Room of the highest level; lower ones have two thirds of the next.
    count : int
    levels : tuple of tuple
        Values; on level h each stands for 2**h.
    rank_error_most : int
        No rank is further off than this.
    """

    k: int
    seed: int = 0
    count: int = 0
    levels: tuple[tuple[Number, ...], ...] = ((),)
    steps: int = 0
    rank_error_most: int = 0

    @classmethod
    def of(cls, values: Iterable[Number], *, k: int = 200, seed: int = 0) -> QuantileSketch:
        """Return the sketch of these values, k at least 8."""
        if k < _CAPACITY_LEAST:
            raise BadParameter(f"k = {k!r}: give {_CAPACITY_LEAST} or more")
        sketch, waiting = cls(k, seed), []
        for value in values:
            waiting.append(value)
            if len(waiting) == k:
                sketch, waiting = sketch.merge(cls(k, seed, k, (tuple(waiting),))), []
        return sketch.merge(cls(k, seed, len(waiting), (tuple(waiting),)))

    def merge(self, other: QuantileSketch) -> QuantileSketch:
        """Return the sketch of the values of both."""
        if self.k != other.k:
            raise BadParameter(f"k = {self.k} and {other.k}: give both sketches the same k")
        height = max(len(self.levels), len(other.levels))
        levels = [[*_level(self, h), *_level(other, h)] for h in range(height)]
        steps, error = self.steps + other.steps, self.rank_error_most + other.rank_error_most
        while (full := self._full(levels)) is not None:
            if full + 1 == len(levels):
                levels.append([])
            values = sorted(levels[full])
            odd = [values.pop()] if len(values) % 2 else []
            levels[full] = odd
            levels[full + 1] += values[_hash((self.seed, steps)) & 1 :: 2]
            steps, error = steps + 1, error + (1 << full)
        return QuantileSketch(self.k, self.seed, self.count + other.count, tuple(map(tuple, levels)), steps, error)

    def _full(self, levels: list[list[Number]]) -> int | None:
        """Return the lowest level with more values than it has room for."""
        for h, level in enumerate(levels):
            if len(level) > self._room(h, len(levels)):
                return h
        return None

    def quantile(self, share: float) -> Number | None:
        """Return the value below which about this share of the values lies; None of no values."""
        require_fraction(share=share)
        weighed = sorted((value, 1 << h) for h, level in enumerate(self.levels) for value in level)
        target, passed = share * self.count, 0
        for value, weight in weighed:
            passed += weight
            if passed >= target:
                return value
        return None

    @property
    def size_bytes(self) -> int:
        """Eight bytes a value that is kept."""
        return _VALUE_BYTES * sum(map(len, self.levels))

    @property
    def room_bytes(self) -> int:
        """The most bytes that its levels have room for."""
        return _VALUE_BYTES * sum(self._room(h, len(self.levels)) for h in range(len(self.levels)))

    def _room(self, h: int, levels: int) -> int:
        return max(_CAPACITY_LEAST, math.ceil(self.k * _SHRINK ** (levels - 1 - h)))


def _level(sketch: QuantileSketch, h: int) -> tuple[Number, ...]:
    return sketch.levels[h] if h < len(sketch.levels) else ()
