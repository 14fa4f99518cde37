"""Event sourcing: how often two decide at once, and how much a load folds."""

from __future__ import annotations

from dsys_lab.errors import require_not_negative, require_positive


def conflict_share(rate: float, think_s: float) -> float:
    """Share of the decisions on one stream that come too late, none of which is tried again: `l w / (1 + l w)`.

    Decisions begin at random (Poisson), `rate` a second and stream, and each appends `think_s` after it has read. One
    comes in time if none succeeded while it thought. So after each success, those that had begun before it are in
    vain, `l w` on average, and the first that begins after it is the next success.

    Source: the dead time of a counter (Feller, *An Introduction to Probability Theory*, vol. II, XI.9), from the other
    side.
    """
    require_not_negative(rate=rate, think_s=think_s)
    load = rate * think_s
    return load / (1 + load)


def folded_since_checkpoint(every: int) -> float:
    """Events that a load folds on average with a checkpoint every so many: `(S - 1) / 2`.

    Of a stream much longer than that, looked at when any version is as likely as another; without checkpoints it is as
    many as there are.
    """
    require_positive(every=every)
    return (every - 1) / 2
