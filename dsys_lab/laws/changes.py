"""Copies that are written beside their source, or told by its log: how often they are wrong, and how late."""

from __future__ import annotations

from dsys_lab.errors import require_not_negative


def inverted_share(rate: float, delay_s: float) -> float:
    """Share of pairs of successive writes of one key that reach a second store the other way round.

    The writes come at random (Poisson), `rate` a second and key; each travels to the second store for an exponential
    time of mean `delay_s` = m. The second overtakes the first with probability `(1/2) (rate m) / (1 + rate m)`: the
    first must still be on its way when the second sets out, and then both are alike.
    """
    require_not_negative(rate=rate, delay_s=delay_s)
    load = rate * delay_s
    return load / (1 + load) / 2
