"""Retries, throttles and deadlines: what senders do to a system that cannot keep up."""

from __future__ import annotations

from typing import Final

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def attempts_per_call(failure_share: float, retries: int, *, layers: int = 1) -> float:
    """Calls that reach the bottom for one at the top: `((1 - p**(r+1)) / (1 - p)) ** layers`.

    Each layer tries up to `retries` more times, and each attempt fails independently with `failure_share`. With
    `failure_share` = 1 that is `(r + 1) ** layers`: three tries in five layers make 243 calls.
    Source: *Site Reliability Engineering*, ch. 22.
    """
    require_fraction(failure_share=failure_share)
    if retries < 0 or layers < 1:
        raise BadParameter(f"retries = {retries!r}, layers = {layers!r}: give 0 retries or more, in 1 layer or more")
    one = retries + 1 if failure_share == 1 else (1 - failure_share ** (retries + 1)) / (1 - failure_share)
    return float(one**layers)


def token_bucket_most(rate: float, burst: float, seconds: float) -> float:
    """The most that a token bucket lets through in any window of `seconds`: `burst + rate * t`."""
    require_positive(rate=rate, burst=burst)
    require_not_negative(seconds=seconds)
    return burst + rate * seconds


AIMD_UTILISATION: Final = 0.75
"""Mean use of a shared limit by synchronised senders that halve at refusal: they swing between half and all of it.

Source: Chiu and Jain, Computer Networks 1989; holds for steps that are small against the limit."""


def in_time_most(utilisation: float) -> float:
    """The largest share of requests that any discipline can serve in time under overload: `1 / rho`."""
    require_positive(utilisation=utilisation)
    return min(1.0, 1 / utilisation)
