"""How can any k of k + m pieces bring the whole back, when each piece is only 1/k of it?

By a *Reed-Solomon code*. Lay k bytes next to each other and take them for the values of a polynomial; m more values of
the same polynomial are the *parity*. Any k of the k + m values determine it, so any m may be lost, if one knows which
(an *erasure*; a checksum tells). Three copies cost 3 times the bytes and outlive two losses; 5 + 4 pieces cost 1.8
times and outlive four.

The code is that of *reedsolo*, a kept library in plain Python. It is meant for short messages and does one or two
megabytes a second. But the code is linear: each lost byte is a sum of the k that survive, each times a constant of the
field GF(256). So the library is asked once about k messages that are zero but for a one, which gives all constants;
multiplying by a constant is then a table of 256 bytes, and adding is exclusive or, for a megabyte as for a byte.

>>> code = ErasureCode(5, 4)
>>> shards = code.encode(b"the picture of a night")
>>> len(shards), len(shards[0])
(9, 5)
>>> code.decode([None, None, None, None, *shards[4:]], 22)
b'the picture of a night'

Cost: k * m look-ups a byte column to encode, k a lost byte to rebuild; `make bench` has the megabytes.

Left out: codes that repair from fewer than k pieces (*local reconstruction codes*, Huang et al., ATC 2012).

Sources: Reed and Solomon, "Polynomial codes over certain finite fields", 1960; Plank, "A tutorial on Reed-Solomon
coding for fault-tolerance in RAID-like systems", 1997; Weatherspoon and Kubiatowicz, "Erasure coding vs. replication",
2002.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from reedsolo import RSCodec, gf_mul, init_tables

from dsys_lab.errors import BadParameter, Damaged

SHARDS_MAX: Final = 255
"""A field of 256 elements has no more places in a word."""

init_tables()  # of the field's powers, by which `gf_mul` multiplies
_Bytes = npt.NDArray[np.uint8]


class ErasureCode:
    """k shards of data and m of parity, of which any k bring the data back.

    Parameters
    ----------
    data_shards, parity_shards : int
        k and m; `ErasureCode(1, 2)` is three copies.
    """

    def __init__(self, data_shards: int, parity_shards: int) -> None:
        for name, count in (("data_shards", data_shards), ("parity_shards", parity_shards)):
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise BadParameter(f"{name} = {count!r}: give a whole number, 1 or more")
        if data_shards + parity_shards > SHARDS_MAX:
            raise BadParameter(f"{data_shards} + {parity_shards} shards: give at most {SHARDS_MAX} in all")
        self.data_shards, self.parity_shards = data_shards, parity_shards

    @property
    def shards(self) -> int:
        """How many there are in all."""
        return self.data_shards + self.parity_shards

    @property
    def overhead(self) -> float:
        """Bytes kept for each byte of data."""
        return self.shards / self.data_shards

    def shard_bytes(self, size_bytes: int) -> int:
        """Bytes of each shard of so many bytes of data."""
        return -(-size_bytes // self.data_shards)

    def encode(self, data: bytes) -> list[bytes]:
        """Return the shards: first the data in k stretches, the last filled with zeros, then the parity."""
        width, present = self.shard_bytes(len(data)), range(self.data_shards)
        padded = data.ljust(width * self.data_shards, b"\0")
        stretches = [padded[number * width : (number + 1) * width] for number in present]
        parity = range(self.data_shards, self.shards)
        return stretches + self._combined(tuple(present), stretches, tuple(parity))

    def decode(self, shards: Sequence[bytes | None], size_bytes: int) -> bytes:
        """Return the data from shards of which some are None.

        Raises
        ------
        Damaged
            If fewer than k are left.
        """
        whole = self.rebuild(shards, range(self.data_shards))
        return b"".join(whole)[:size_bytes]

    def rebuild(self, shards: Sequence[bytes | None], wanted: Sequence[int]) -> list[bytes]:
        """Return the shards of these numbers, whether they are there or must be worked out.

        Raises
        ------
        Damaged
            If fewer than k are left.
        BadParameter
            If these are not the shards of one object, or no such shard is wanted.
        """
        if len(shards) != self.shards:
            raise BadParameter(f"{len(shards)} shards: give {self.shards}, None in the place of a lost one")
        if strange := [number for number in wanted if number not in range(self.shards)]:
            raise BadParameter(f"shards {strange} are wanted: give numbers from 0 to {self.shards - 1}")
        there = {number: shard for number, shard in enumerate(shards) if shard is not None}
        if len({len(shard) for shard in there.values()}) > 1:
            sizes = {number: len(shard) for number, shard in there.items()}
            raise BadParameter(f"shards of {sizes} bytes: give those of one object, which are of one size")
        missing = tuple(number for number in wanted if number not in there)
        if missing and len(there) < self.data_shards:
            raise Damaged(
                f"{len(there)} of {self.shards} shards are left, and {self.data_shards} are needed: restore it from "
                "another copy"
            )
        used = tuple(there)[: self.data_shards]
        made = dict(zip(missing, self._combined(used, [there[n] for n in used], missing), strict=True))
        return [made[number] if number in made else there[number] for number in wanted]

    def _combined(self, present: tuple[int, ...], shards: Sequence[bytes], wanted: tuple[int, ...]) -> list[bytes]:
        """Return each wanted shard as the sum of the present ones, each times its constant."""
        if not wanted:
            return []
        constants = _constants(self.data_shards, self.parity_shards, present)
        seen = [np.frombuffer(shard, dtype=np.uint8) for shard in shards]
        made = []
        for number in wanted:
            total: _Bytes = np.zeros(len(shards[0]), dtype=np.uint8)
            for constant, shard in zip(constants[number], seen, strict=True):
                total ^= _table(constant)[shard]
            made.append(total.tobytes())
        return made


@lru_cache(maxsize=512)
def _constants(data_shards: int, parity_shards: int, present: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return for each shard of a word by what each of the k `present` ones is multiplied: reedsolo says it."""
    length = data_shards + parity_shards
    codec, away = RSCodec(parity_shards, nsize=length), [n for n in range(length) if n not in present]
    columns = []
    for one in present:
        word = bytearray(length)
        word[one] = 1
        columns.append(bytes(codec.decode(word, erase_pos=away)[1]))
    return tuple(zip(*columns, strict=True))


@lru_cache(maxsize=256)
def _table(constant: int) -> _Bytes:
    """Return what each byte becomes when it is multiplied by a constant."""
    return np.array([gf_mul(constant, byte) for byte in range(256)], dtype=np.uint8)
