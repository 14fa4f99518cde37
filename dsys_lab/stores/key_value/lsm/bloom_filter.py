"""How can a file say "that key is not in me" without being read?

By a few bits a key. A *Bloom filter* is a row of m bits, all 0; each key sets k of them, chosen by hashing. Whoever
looks for a key looks at its k bits: if one is 0, the key was never added. If all are 1, it probably was, or other keys
set them: a *false positive*, which costs one wasted read and nothing else. ::

    add(b"17")  -->  bits 3, 9, 14        0 0 0 1 0 0 0 0 0 1 0 0 0 0 1 0
    b"4"        -->  bits 1, 9, 12        bit 1 is 0: certainly not here

The filter promises
-------------------
1. It never denies a key that was added.
2. With m / n bits a key and the best k = ln 2 * m / n, it accepts a key that was not added with probability
   `laws.bloom_false_positives(...)`: 2 % at 8 bits, 0.8 % at 10.

Cost: 10 bits a key; a key that is absent is denied after two bits on average. The k bits come from one hash of 64 bits,
h1 + i h2 (Kirsch and Mitzenmacher), so a key is hashed once for all filters that it is asked of.

Left out: deletion (a filter is built once, for a run that never changes); blocked filters, which keep the k bits within
one cache line.

Sources: Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 1970; Kirsch and Mitzenmacher, "Less
hashing, same performance", ESA 2006.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

BITS_PER_KEY_MAX: Final = 100
"""Where RocksDB ends too: 69 bits a key are set, which one byte of the run's end can still count."""


def hash_of(key: bytes) -> int:
    """Return 64 bits that stand for a key."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class BloomFilter:
    """Bits that deny most keys which were not added.

    Attributes
    ----------
    bits : bytes
        The m bits, the first one in the highest bit of the first byte.
    hashes : int
        How many bits a key sets: k.

    Examples
    --------
    >>> seen = BloomFilter.of([b"17", b"4"], bits_per_key=10)
    >>> seen.may_hold(hash_of(b"17")), seen.may_hold(hash_of(b"5"))
    (True, False)
    """

    bits: bytes
    hashes: int

    @classmethod
    def of(cls, keys: Sequence[bytes], *, bits_per_key: float) -> BloomFilter:
        """Return the filter of these keys; with 0 bits a key one that denies nothing."""
        if not bits_per_key:
            return cls(b"", 0)
        hashes = max(1, round(math.log(2) * bits_per_key))
        size = 8 * max(1, math.ceil(len(keys) * bits_per_key / 8))
        digests = b"".join([hashlib.blake2b(key, digest_size=8).digest() for key in keys])
        first, second = np.frombuffer(digests, ">u4").astype(np.uint64).reshape(-1, 2).T
        row = np.zeros(size, bool)
        for number in range(hashes):
            row[(first + np.uint64(number) * second) % np.uint64(size)] = True
        return cls(np.packbits(row).tobytes(), hashes)

    def may_hold(self, key_hash: int) -> bool:
        """Whether a key with this hash may have been added; False is certain."""
        bits, size = self.bits, 8 * len(self.bits)
        position, stride = key_hash >> 32, key_hash & 0xFFFF_FFFF
        for _ in range(self.hashes):
            bit = position % size
            if not bits[bit >> 3] & 128 >> (bit & 7):
                return False
            position += stride
        return True
