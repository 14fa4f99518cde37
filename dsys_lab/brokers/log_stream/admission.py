"""How much may pass a shard in a second?

So much and no more, for a shard is a share of a machine: 1,000 records and 1 MiB in, 5 calls and 2 MiB out. What a
neighbour does not use helps nobody; what is over the limit is turned away, not kept. Two buckets of tokens stand at
each door, and a record must find enough in both, or it takes from neither.

==========  ============================  ==================================================================
door        buckets                       what is known when
==========  ============================  ==================================================================
write       records, bytes                both before: a record is let in or not
read        calls, bytes                  the bytes only afterwards: they are owed, and the next call waits
==========  ============================  ==================================================================

A bucket holds what drips in within a second, so an idle shard may be fast for a moment: in any window of t seconds at
most 1,000 (1 + t) records pass. A record larger than a second's bytes waits for a full bucket and leaves a debt: 10 MiB
are allowed, 1 MiB a second is the average. A call that returned all that a call may return closes the door for 5 s.

The policy is pure: time is an argument, and the gate knows neither records nor files. Left out: how Kinesis itself
smooths within a second, which is not published; its limits of the calls that are neither put nor read.

Sources: Amazon Kinesis service model in botocore 1.44.5, PutRecord, PutRecords, GetRecords; Amazon Kinesis Data Streams
Developer Guide, "Quotas and limits".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import require_positive
from dsys_lab.facts import fact
from dsys_lab.structures.token_bucket import TokenBucket, take_of_all

READ_MAX_BYTES: Final = int(fact("kinesis_read_max_bytes").value)
"""What a call returns at most."""
PAUSE_US: Final = int(fact("kinesis_read_pause").value * 1e6)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one shard does in a second."""

    write_records: float = fact("kinesis_shard_write_records").value
    write_bytes: float = fact("kinesis_shard_write_bytes").value
    read_calls: float = fact("kinesis_shard_read_calls").value
    read_bytes: float = fact("kinesis_shard_read_bytes").value

    def __post_init__(self) -> None:
        require_positive(**{name: getattr(self, name) for name in self.__slots__})


class Gate:
    """The two doors of one shard.

    Parameters
    ----------
    limits : Limits or None
        None lets everything pass.

    Examples
    --------
    >>> gate = Gate(Limits(write_records=2))
    >>> [gate.write(0, 100), gate.write(0, 100), gate.write(0, 100), gate.write(500_000, 100)]
    ['', '', 'write records', '']
    """

    def __init__(self, limits: Limits | None) -> None:
        self._closed_until_us = 0
        self._buckets: dict[str, TokenBucket] = {}
        if limits is not None:
            rates = {name.replace("_", " "): getattr(limits, name) for name in limits.__slots__}
            self._buckets = {name: TokenBucket(rate=rate, burst=max(1, rate)) for name, rate in rates.items()}

    def write(self, now_us: int, size_bytes: int) -> str:
        """Let a record of this size in and return "", or say which limit turns it away."""
        return self._pass(now_us, {"write records": 1, "write bytes": size_bytes})

    def read(self, now_us: int) -> str:
        """Let a call in and return "", or say which limit turns it away."""
        if self._buckets and now_us < self._closed_until_us:
            return "read bytes"
        return self._pass(now_us, {"read calls": 1, "read bytes": 1})

    def was_read(self, now_us: int, size_bytes: int, *, full: bool) -> None:
        """Count what a call returned; `full`: all that one call may return."""
        if self._buckets:
            self._buckets["read bytes"].owe(now_us, max(0, size_bytes - 1))
            self._closed_until_us = max(self._closed_until_us, now_us + PAUSE_US * full)

    def _pass(self, now_us: int, tokens: dict[str, int]) -> str:
        return take_of_all(self._buckets, now_us, tokens) if self._buckets else ""
