"""Tallies of both ends: where do they differ?

Both ends note every message in the *bucket* of its time of sending. Now and then they compare, for each bucket that is
closed, how many there are (`count`) or a hash over which they are (`hash`). Only where they differ are ids exchanged.

A count does not see that one is missing and another came twice. The hash is the sum of the hashes of all ids, modulo
2^64, so it does not depend on the order, and two of the same do not cancel out, as they would by exclusive or.

With many buckets one compares a *tree* over them (Merkle's): the root first, and children only where parents differ. A
single bucket that differs among a million is found by some forty comparisons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_positive

WORD: Final = 2**64
BY: Final = ("hash", "count")


@dataclass(frozen=True, slots=True)
class Digest:
    """What one end says of a bucket."""

    count: int
    hash: int


class Tally:
    """What one end has sent, or received, by buckets of time.

    Parameters
    ----------
    bucket_s : float
        How long a bucket is.

    Examples
    --------
    >>> sent, came = Tally(60), Tally(60)
    >>> for message in ("m1", "m2"):
    ...     sent.add(0, message)
    >>> came.add(0, "m1")
    >>> differing(sent, came, before_us=60_000_000), sent.not_in(came, 0)
    ([0], ['m2'])
    """

    def __init__(self, bucket_s: float) -> None:
        require_positive(bucket_s=bucket_s)
        self.bucket_us = round(bucket_s * 1e6)
        self._ids: dict[int, Counter[str]] = {}
        self._sums: dict[int, int] = {}

    def add(self, sent_us: int, message: str) -> None:
        """Note a message, in the bucket of the time at which it was sent."""
        bucket = sent_us // self.bucket_us
        self._ids.setdefault(bucket, Counter())[message] += 1
        self._sums[bucket] = (self._sums.get(bucket, 0) + hash_of(message)) % WORD

    def digest(self, bucket: int) -> Digest:
        """Return what is to be compared of a bucket."""
        return Digest(self._ids[bucket].total() if bucket in self._ids else 0, self._sums.get(bucket, 0))

    def buckets(self) -> list[int]:
        """Return the buckets in which something is, in order."""
        return sorted(self._ids)

    def not_in(self, other: Tally, bucket: int) -> list[str]:
        """Return the ids of a bucket that the other end does not have, in the order in which they were noted."""
        there = other._ids.get(bucket, Counter())
        return [message for message in self._ids.get(bucket, ()) if message not in there]

    def forget(self, before_us: int) -> None:
        """Let go of the buckets that end before this time: whoever compared them is done with them."""
        for bucket in [bucket for bucket in self._ids if (bucket + 1) * self.bucket_us <= before_us]:
            del self._ids[bucket], self._sums[bucket]


def hash_of(message: str) -> int:
    """Return 64 bits that stand for an id."""
    return int.from_bytes(blake2b(message.encode(), digest_size=8).digest(), "big")


def differing(sent: Tally, came: Tally, *, before_us: int, by: str = "hash") -> list[int]:
    """Return the buckets that end by `before_us` and differ.

    Parameters
    ----------
    before_us : int
        All that was sent before it has come by now, or never will: now, less what the slowest takes.
    by : str
        "hash", or only "count".
    """
    require_choice("by", by, BY)
    if sent.bucket_us != came.bucket_us:
        raise BadParameter(f"buckets of {sent.bucket_us} and of {came.bucket_us} us: give two tallies of one kind")
    closed = sorted({bucket for bucket in (*sent.buckets(), *came.buckets())
                     if (bucket + 1) * sent.bucket_us <= before_us})  # fmt: skip
    return [bucket for bucket in closed if getattr(sent.digest(bucket), by) != getattr(came.digest(bucket), by)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where two trees differ, and what it took to find out.

    Attributes
    ----------
    leaves : tuple of int
        The positions that differ.
    compared : int
        How many hashes one end had to send to the other.
    """

    leaves: tuple[int, ...]
    compared: int


def compare_trees(ours: Sequence[int], theirs: Sequence[int], *, fan_out: int = 2) -> Comparison:
    """Compare two rows of hashes as Merkle trees: the root first, children only where parents differ.

    Raises
    ------
    BadParameter
        If the rows are not equally long, or are empty.
    """
    if len(ours) != len(theirs) or not ours:
        raise BadParameter(f"{len(ours)} and {len(theirs)} hashes: give two rows of the same length, 1 or more")
    if fan_out < 2:
        raise BadParameter(f"fan_out = {fan_out!r}: give 2 or more")
    mine, others = _levels(ours, fan_out), _levels(theirs, fan_out)
    suspects, compared = [0], 0
    for level in reversed(range(len(mine))):
        compared += len(suspects)
        differ = [node for node in suspects if mine[level][node] != others[level][node]]
        if level == 0:
            return Comparison(tuple(differ), compared)
        below = len(mine[level - 1])
        suspects = [child for node in differ for child in range(node * fan_out, min(below, (node + 1) * fan_out))]
    raise AssertionError("the leaves are a level")


def _levels(leaves: Sequence[int], fan_out: int) -> list[list[int]]:
    """Return the tree from its leaves to its root."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([hash_of(" ".join(map(str, row[at : at + fan_out]))) for at in range(0, len(row), fan_out)])
    return levels
