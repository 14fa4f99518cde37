"""Which rows are asked for?

Few workloads ask for all rows alike. Three ways to choose, each with its law, `shares`, so that what was drawn can be
held against it:

- `uniform`: each key with a share of 1/n;
- `zipf`: the key of rank r with a share proportional to 1/r^s. At s = 1 the hottest of 1,000 keys gets 13.4 % of the
  requests; at s = 0 it is `uniform`;
- `hot`: a few keys get most: 20 % of the keys 80 % of the requests, say.

Popular keys are neighbours (rank 0 is key 0) or, with `scattered`, spread over the whole range, which is what a page, a
shard or a cache line sees in life.

Promises
--------
1. The i-th key drawn is a pure function of (seed, name, i), so two systems meet the same requests in the same order.
2. Keys are drawn by whole-number weights, so every platform draws the same ones.

Cost: one word of luck and one binary search a key.

Sources: Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994; Cooper et al., "Benchmarking
cloud serving systems with YCSB", SoCC 2010.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsys_lab.errors import BadParameter, require_fraction, require_positive
from dsys_lab.workloads.slumber.luck import Ints, luck, pick, require_rows, require_seed

_FINEST: Final = 1 << 40
"""Weight of the hottest key: shares are exact to one part in 10^12."""
_DRAWS_MOST: Final = 1 << 62
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """A way to choose among `count` keys.

    Attributes
    ----------
    name : str
        What it is, for titles.
    cumulative : array of int64, shape (count,)
        Running sum of the weights, the hottest first.
    step : int
        Rank r is key `r * step % count`: 1 keeps the ranks.
    """

    name: str
    cumulative: Ints
    step: int = 1

    @property
    def count(self) -> int:
        """How many keys there are."""
        return len(self.cumulative)

    @property
    def shares(self) -> NDArray[np.float64]:
        """The law: the share of the requests that each rank gets, the hottest first; they sum to 1."""
        return np.diff(self.cumulative, prepend=0) / self.cumulative[-1]

    def of_rank(self, rank: NDArray[Any]) -> Ints:
        """Return the key of each rank."""
        return rank * self.step % self.count

    def draw(self, seed: int, stream: str, first: int, last: int) -> Ints:
        """Return the keys of the draws `first` to `last` - 1, each 0 to `count` - 1.

        Parameters
        ----------
        stream : str
            Who draws: streams of other names are other luck.
        """
        require_seed(seed)
        require_rows("draw", first, last, _DRAWS_MOST)
        words = luck(seed, stream_of(stream), np.arange(first, last))
        return self.of_rank(pick(words, self.cumulative))


def stream_of(name: str) -> int:
    """Return the number of the stream of luck called `name`, 64 bits, the same in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def uniform(count: int) -> Keys:
    """Every key alike."""
    _require_keys(count)
    return Keys("uniform", np.arange(1, count + 1))


def zipf(count: int, exponent: float = 1.0, *, scattered: bool = False) -> Keys:
    """The key of rank r (from 1) with a share proportional to `1 / r**exponent`."""
    _require_keys(count)
    if not 0 <= exponent <= 4:
        raise BadParameter(f"exponent = {exponent!r}: give a number from 0 (all alike) to 4 (nearly all to one)")
    finest = min(_FINEST, (1 << 62) // count)
    weights = np.maximum(1, np.rint(finest / np.arange(1, count + 1, dtype=np.float64) ** exponent)).astype(np.int64)
    return Keys(f"Zipf {exponent:g}", np.cumsum(weights), _step(count, scattered=scattered))


def hot(count: int, *, hot_keys: float = 0.2, hot_requests: float = 0.8, scattered: bool = False) -> Keys:
    """A share `hot_keys` of the keys (at least one) gets a share `hot_requests` of the requests, each group evenly.

    Raises
    ------
    BadParameter
        If the hot keys would get less than the others.
    """
    _require_keys(count)
    require_fraction(hot_keys=hot_keys, hot_requests=hot_requests)
    few = min(max(1, round(count * hot_keys)), count)
    many = count - few
    hotter, cooler = (hot_requests / few, (1 - hot_requests) / many) if many else (1 / few, 0.0)
    if hotter < cooler:
        raise BadParameter(
            f"hot_requests = {hot_requests} makes {few} of {count} keys the cold ones: give {few / count:.3g} or more"
        )
    finest = min(_FINEST, (1 << 62) // count)
    weights = np.rint(np.repeat([hotter, cooler], [few, many]) / max(hotter, cooler) * finest).astype(np.int64)
    return Keys(
        f"{hot_requests:.0%} to {hot_keys:.0%}", np.cumsum(weights), _step(count, scattered=scattered)
    )


def _step(count: int, *, scattered: bool) -> int:
    """Return a step that visits all keys, far from both ends (the golden ratio), or 1."""
    step = int(count * _GOLDEN) if scattered else 1
    while math.gcd(step, count) != 1:
        step += 1
    return step


def _require_keys(count: int) -> None:
    if type(count) is not int:
        raise BadParameter(f"count = {count!r}: give a whole number of keys")
    require_positive(count=count)
