"""Who may pass, when a table was promised so many units a second and its partitions are asked unevenly?

Four answers, in the order in which DynamoDB gave them. Each is a pure function: from what each partition was asked for
in the last second to what each may do in the next one.

==========  ===============================================================  ========================================
mode        a partition may do                                               so what goes wrong
==========  ===============================================================  ========================================
`static`    its even share, rate / partitions                                a hot partition is refused while its
                                                                             neighbours' share goes to waste; a split
                                                                             makes every share smaller
`burst`     the same, and what it did not use in the last 300 seconds        only until that is gone
`adaptive`  what it was asked for, as far as the neighbours leave it:        a second late, and never beyond what one
            max-min fair, re-decided every second, saved as in `burst`       partition can do
`global`    what the table has left, by one bucket for the whole table       nothing but the limit of one partition
==========  ===============================================================  ========================================

In every mode a partition has a hard limit of 1,000 write and 3,000 read units a second, because that is what a replica
is given of its machine: one hot key ends there, whatever the table was promised.

The two refusals have two names: the table's promise is used up (`Provisioned`), or the partition's limit is
(`KeyRange`). Paying for more helps against the first only.

Left out: the delay with which routers learn what is left (ATC 2022, section 4.2: each asks for tokens every few
seconds), the proportional controller of the first adaptive capacity, auto scaling.

Sources: Elhemali et al., "Amazon DynamoDB", USENIX ATC 2022, section 4; Amazon DynamoDB Developer Guide, "Burst and
adaptive capacity", "Key range throughput exceeded"; Bertsekas and Gallager, *Data Networks*, section 6.5.2 (max-min
fairness).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from dsys_lab.errors import require_not_negative
from dsys_lab.facts import fact

BURST_S: Final = fact("dynamodb_burst").value
LIMITS: Final = {
    "Write": float(fact("dynamodb_partition_write").value),
    "Read": float(fact("dynamodb_partition_read").value),
}
"""What one partition does at most, in units a second."""


class Allowance(NamedTuple):
    """Units a second that a partition may do, and how many seconds of it may be saved up."""

    rate: float
    saved_s: float


Policy = Callable[[float, Sequence[float], float], list[Allowance]]
"""(units a second of the table, units a second that each partition was asked for, limit of one) -> what each may do."""


def static(rate: float, asked: Sequence[float], limit: float) -> list[Allowance]:
    """Give each partition its even share."""
    return [Allowance(rate / len(asked), 1)] * len(asked)


def burst(rate: float, asked: Sequence[float], limit: float) -> list[Allowance]:
    """Give each partition its even share, and let it save up what it does not use."""
    return [Allowance(rate / len(asked), BURST_S)] * len(asked)


def adaptive(rate: float, asked: Sequence[float], limit: float) -> list[Allowance]:
    """Give each partition what it was asked for, as far as the table's rate goes, and share the rest evenly.

    Nobody gets nothing: one unit a second is what a partition wants at least.
    """
    wanted = [min(max(units, 1.0), limit) for units in asked]
    fair = max_min_fair(rate, wanted)
    rest = (rate - sum(fair)) / len(asked)
    return [Allowance(units + rest, BURST_S) for units in fair]


def one_for_all(rate: float, asked: Sequence[float], limit: float) -> list[Allowance]:
    """Give no partition less than its limit: the bucket of the whole table decides."""
    return [Allowance(limit, 1)] * len(asked)


MODES: Final[dict[str, Policy]] = {"static": static, "burst": burst, "adaptive": adaptive, "global": one_for_all}


def max_min_fair(total: float, wanted: Sequence[float]) -> list[float]:
    """Share `total` among those who want it: nobody gets more than wanted; the smallest share is as large as can be.

    Examples
    --------
    >>> max_min_fair(10, [2, 8, 8])
    [2, 4.0, 4.0]
    """
    require_not_negative(total=total)
    shares = [0.0] * len(wanted)
    left, waiting = total, sorted(range(len(wanted)), key=lambda number: wanted[number])
    while waiting:
        number = waiting.pop(0)
        shares[number] = min(wanted[number], left / (len(waiting) + 1))
        left -= shares[number]
    return shares
