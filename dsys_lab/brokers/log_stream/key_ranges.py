"""On which shard does a key lie?

A key is hashed to a number of 128 bits, and every shard that is open has a range of these numbers. The ranges of the
open shards tile the whole, so each key lies on exactly one; all records of a key lie on the same one, and there they
are in order. Nobody looks at how much a key is used: a hot key stays on one shard, however many there are.

Kinesis hashes by MD5. It is no secret here and none there; that it spreads evenly is all that is asked of it.

Sources: Amazon Kinesis service model in botocore 1.44.5, PutRecord ("An MD5 hash function is used to map partition keys
to 128-bit integer values"), SplitShard, MergeShards.
"""

from __future__ import annotations

from hashlib import md5
from itertools import pairwise
from typing import Final, NamedTuple

from dsys_lab.errors import BadParameter, require_positive

HASHES: Final = 1 << 128


def hash_of(key: str) -> int:
    """Return the number to which a partition key is hashed, from 0 to 2^128 - 1.

    Examples
    --------
    >>> hash_of("slumber-1") * 4 // HASHES      # on which of four even shards
    1
    """
    return int.from_bytes(md5(key.encode(), usedforsecurity=False).digest(), "big")


class KeyRange(NamedTuple):
    """Hashes from `low` up to but not with `high`. (Kinesis says the last one within: `EndingHashKey` is high - 1.)"""

    low: int
    high: int

    @property
    def middle(self) -> int:
        """Where a split makes two halves."""
        return (self.low + self.high) // 2

    def split(self, at: int) -> tuple[KeyRange, KeyRange]:
        """Return what is below `at`, and the rest."""
        if not self.low < at < self.high:
            raise BadParameter(f"at = {at}: give a hash above {self.low} and below {self.high}, so that both get some")
        return KeyRange(self.low, at), KeyRange(at, self.high)

    def joined(self, other: KeyRange) -> KeyRange:
        """Return the range of both, which must be neighbours."""
        low, high = sorted((self, other))
        if low.high != high.low:
            raise BadParameter(f"{self} and {other} are no neighbours: give two ranges without a gap")
        return KeyRange(low.low, high.high)


def even_ranges(count: int) -> list[KeyRange]:
    """Return `count` ranges that tile all hashes and are as even as can be."""
    require_positive(count=count)
    ends = [HASHES * number // count for number in range(count + 1)]
    return [KeyRange(low, high) for low, high in pairwise(ends)]
