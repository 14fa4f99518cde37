"""The token buckets in front of a table: the mechanism under the four admission modes.

Each partition has two buckets: what it is allowed, which the mode decides anew every second, and its hard limit. With
`global` a third stands before the whole table. A call passes if all of them have what it costs; otherwise it is refused
with the reason of the one that did not, and nothing is taken.

The gate promises
-----------------
1. Over any time t, what passes a partition is at most `limit * (t + 1)`, and one call.
2. What passes the table is at most `rate * (t + saved)`, where at most 300 seconds are saved and `static` saves one.
3. A refused call takes nothing.

Cost: two or three buckets a call; a decision a second.

Sources: as `admission`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.stores.key_value.partitioned.admission import BURST_S, LIMITS, MODES, Allowance
from dsys_lab.structures.token_bucket import TokenBucket

PERIOD_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """What was asked of a partition and what passed, in units since the table was made.

    Attributes
    ----------
    offered, passed : float
    refused : dict
        Units refused, by reason.
    """

    offered: float
    passed: float
    refused: dict[str, float]


class _Buckets:
    """One partition's buckets and books."""

    __slots__ = ("allowed", "asked", "limit", "offered", "passed", "refused")

    def __init__(self, allowed: TokenBucket, limit: TokenBucket) -> None:
        self.allowed, self.limit = allowed, limit
        self.asked = self.offered = self.passed = 0.0
        self.refused: dict[str, float] = {}


class Gate:
    """Lets units of one kind ("Read" or "Write") through to the partitions of one table or index.

    Parameters
    ----------
    rate : float
        Units a second of the whole table.
    mode : str
        One of "static", "burst", "adaptive", "global".
    kind : str
        "Read" or "Write".
    partitions : list of str
        The partitions' names.
    limit : float, optional
        Units a second of one partition, in place of DynamoDB's.
    resource : str
        "Table" or "Index": how the reason begins.
    saved : float
        With how much of what can be saved up the buckets begin, 0 to 1.

    Examples
    --------
    >>> gate = Gate(rate=2000, mode="global", kind="Write", partitions=["p0", "p1"])
    >>> gate.admit(0, "p0", 1000), gate.admit(0, "p0", 1)
    ('', 'TableWriteKeyRangeThroughputExceeded')
    """

    def __init__(
        self,
        *,
        rate: float,
        mode: str,
        kind: str,
        partitions: list[str],
        limit: float | None = None,
        resource: str = "Table",
        saved: float = 1.0,
    ) -> None:
        require_choice("mode", mode, tuple(MODES))
        require_choice("kind", kind, tuple(LIMITS))
        require_choice("resource", resource, ("Table", "Index"))
        self.limit = LIMITS[kind] if limit is None else limit
        require_positive(rate=rate, limit=self.limit)
        if not 0 <= saved <= 1:
            raise BadParameter(f"saved = {saved!r}: give a share between 0 and 1")
        self.rate, self.mode, self.kind, self.resource = rate, mode, kind, resource
        self._policy = MODES[mode]
        self._next_us = PERIOD_US
        first = self._policy(rate, [0.0] * len(partitions), self.limit)
        self._at = {
            name: _Buckets(_bucket(allowance, saved), _bucket(Allowance(self.limit, 1)))
            for name, allowance in zip(partitions, first, strict=True)
        }
        self._table = _bucket(Allowance(rate, BURST_S), saved) if mode == "global" else None

    # ------------------------------------------------------------ passing
    def admit(self, now_us: int, partition: str, units: float) -> str:
        """Let a call through, or return the reason why not.

        Returns
        -------
        str
            "" if it passed, else such as "TableWriteKeyRangeThroughputExceeded".
        """
        self.tick(now_us)
        at = self._at[partition]
        at.asked += units
        at.offered += units
        why = self._why_not(now_us, at, units)
        if why:
            at.refused[why] = at.refused.get(why, 0.0) + units
            return why
        for bucket in self._buckets_of(at):
            bucket.take(now_us, units)
        at.passed += units
        return ""

    def ready_us(self, now_us: int, partition: str, units: float) -> int:
        """Return when a call could pass, if no other does before."""
        self.tick(now_us)
        return max(bucket.ready_us(now_us, units) for bucket in self._buckets_of(self._at[partition]))

    def _why_not(self, now_us: int, at: _Buckets, units: float) -> str:
        if not at.limit.has(now_us, units):
            return self._reason("KeyRange")
        if not all(bucket.has(now_us, units) for bucket in self._buckets_of(at)):
            return self._reason("Provisioned")
        return ""

    def _buckets_of(self, at: _Buckets) -> list[TokenBucket]:
        return [at.limit, at.allowed] if self._table is None else [at.limit, self._table]

    def _reason(self, limit: str) -> str:
        return f"{self.resource}{self.kind}{limit}ThroughputExceeded"

    # ------------------------------------------------------------ upkeep
    def tick(self, now_us: int) -> None:
        """Decide anew what each partition may do, if a second has passed."""
        if now_us < self._next_us:
            return
        seconds = 1 + (now_us - self._next_us) // PERIOD_US
        self._next_us += seconds * PERIOD_US
        asked = [at.asked / seconds for at in self._at.values()]
        for at, allowance in zip(self._at.values(), self._policy(self.rate, asked, self.limit), strict=True):
            at.allowed.refit(now_us, rate=allowance.rate, burst=max(1.0, allowance.rate * allowance.saved_s))
            at.asked = 0.0

    def split(self, now_us: int, partition: str, children: tuple[str, str]) -> None:
        """Put two partitions in the place of one: each with its own limit and half of what was allowed and saved."""
        self.tick(now_us)
        before = self._at.pop(partition)
        half = Allowance(before.allowed.rate / 2, before.allowed.burst / before.allowed.rate)
        for child in children:
            at = self._at[child] = _Buckets(_bucket(half), _bucket(Allowance(self.limit, 1)))
            at.allowed.owe(now_us, at.allowed.burst - before.allowed.level(now_us) / 2)
            at.asked = before.asked / 2

    def level(self, now_us: int, partition: str) -> float:
        """Return for how much of a second, at its full rate, the tokens of a partition last: 1 at most."""
        self.tick(now_us)
        buckets = self._buckets_of(self._at[partition])
        return min(1.0, *(bucket.level(now_us) / max(1.0, bucket.rate) for bucket in buckets))

    def status(self) -> dict[str, Use]:
        """Return what was asked of each partition, what passed, and what was refused for which reason."""
        return {name: Use(at.offered, at.passed, dict(at.refused)) for name, at in self._at.items()}


def _bucket(allowance: Allowance, saved: float = 1.0) -> TokenBucket:
    """Return a bucket of `saved_s` seconds, with this share of them in it, but not less than one second's."""
    least, most = max(1.0, allowance.rate), max(1.0, allowance.rate * allowance.saved_s)
    return TokenBucket(rate=allowance.rate, burst=most, tokens=max(least, most * saved))
