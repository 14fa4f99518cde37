"""Chance: named streams of luck, and distributions drawn from them.

*Two policies meet the same luck.* Every component draws from a stream of its own, seeded from the run's seed and the
stream's name, so changing the consumer leaves the arrivals untouched (common random numbers: Law, *Simulation Modeling
and Analysis*, ch. 11). A stream is the bound method `Random.random` and nothing else: its sequence is the one that
Python promises to keep from version to version.

A distribution is a function from a stream to a number, so it can be passed, printed and swapped:

>>> draw = stream(7, "phone-1/arrivals")
>>> round(exponential(mean=2.0)(draw), 3)
0.945
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import NormalDist
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive

Stream = Callable[[], float]
"""Gives a number in [0, 1) at each call."""
Distribution = Callable[[Stream], float]
"""Draws one number, in the unit of its parameters, from a stream."""


def stream(seed: int, name: str) -> Stream:
    """Return the stream of luck called `name` in the run with this seed."""
    return random.Random(f"{seed}/{name}").random


def constant(value: float) -> Distribution:
    """Always `value`. Squared coefficient of variation 0."""
    return lambda draw: value


def exponential(mean: float) -> Distribution:
    """Memoryless, as the gaps between independent arrivals are. Squared coefficient of variation 1."""
    require_positive(mean=mean)
    log = math.log
    return lambda draw: -mean * log(1.0 - draw())


def uniform(low: float, high: float) -> Distribution:
    """Anything from `low` to `high` alike."""
    if not low <= high:
        raise BadParameter(f"low = {low!r} lies above high = {high!r}: give low <= high")
    return lambda draw: low + (high - low) * draw()


def erlang(stages: int, mean: float) -> Distribution:
    """The sum of `stages` equal exponentials. Squared coefficient of variation 1/`stages`."""
    require_positive(stages=stages, mean=mean)
    return lambda draw: sum(-mean / stages * math.log(1.0 - draw()) for _ in range(stages))


def pareto(minimum: float, alpha: float) -> Distribution:
    """A heavy tail: P(X > x) = (minimum / x) ** alpha. No mean for alpha <= 1, no variance for alpha <= 2."""
    require_positive(minimum=minimum, alpha=alpha)
    return lambda draw: minimum * (1.0 - draw()) ** (-1.0 / alpha)


_Z99: Final = NormalDist().inv_cdf(0.99)


def lognormal(median: float, p99: float) -> Distribution:
    """What latencies of real services look like, given by the two numbers that one knows of them."""
    require_positive(median=median, p99=p99)
    if p99 < median:
        raise BadParameter(f"p99 = {p99!r} lies below median = {median!r}: give median <= p99")
    sigma, inverse = math.log(p99 / median) / _Z99, NormalDist().inv_cdf
    return lambda draw: median * math.exp(sigma * inverse(min(max(draw(), 1e-12), 1 - 1e-12)))


def mixture(rare_fraction: float, common: Distribution, rare: Distribution) -> Distribution:
    """Mostly `common`, but `rare` for a share of the draws."""
    require_fraction(rare_fraction=rare_fraction)
    return lambda draw: (rare if draw() < rare_fraction else common)(draw)


HEAVY_RARE_FRACTION: Final = 0.1
HEAVY_RATIO: Final = 10.0
SERVICE_SHAPES: Final = ("constant", "erlang", "exponential", "heavy")
"""The shapes that `service` knows, from steady to wild."""
_HEAVY_MEAN: Final = 1 - HEAVY_RARE_FRACTION + HEAVY_RARE_FRACTION * HEAVY_RATIO
SQUARED_VARIATION: Final = {
    "constant": 0.0,
    "erlang": 0.25,
    "exponential": 1.0,
    "heavy": 2 * (1 - HEAVY_RARE_FRACTION + HEAVY_RARE_FRACTION * HEAVY_RATIO**2) / _HEAVY_MEAN**2 - 1,
}
"""Squared coefficient of variation c2 = variance / mean**2 of each shape of `service`."""


def service(shape: str, mean: float) -> Distribution:
    """Return a service time of this shape and mean.

    `heavy` mixes two exponentials: one job in ten takes ten times the time of the others on average; its c2 is 5.04.
    """
    require_choice("service", shape, SERVICE_SHAPES)
    require_positive(mean=mean)
    if shape == "constant":
        return constant(mean)
    if shape == "erlang":
        return erlang(4, mean)
    if shape == "exponential":
        return exponential(mean)
    short = mean / _HEAVY_MEAN
    return mixture(HEAVY_RARE_FRACTION, exponential(short), exponential(HEAVY_RATIO * short))
