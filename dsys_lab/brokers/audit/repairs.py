"""What is read again, when something is known to be missing?

Four repairs, each a pure function of what the source still keeps. They differ in what one must know, and in how much is
read again for nothing:

=============  ===============================  =====================================================================
repair         one must know                    read again
=============  ===============================  =====================================================================
`resend`       the key, and from which number   all of that key from there on
`replay`       from which position              all of every key from there on
`patch`        the very ids                     those, and nothing else
`resume`       nothing                          one snapshot of the state, then what came after it
=============  ===============================  =====================================================================

The first three bring messages again that had come: only an *idempotent* effect makes that safe. The fourth brings the
state right and never says what happened in between. None brings back what the source itself no longer keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.errors import BadParameter


class Kept(NamedTuple):
    """A record that the source still keeps."""

    position: int
    key: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read again.

    Attributes
    ----------
    records : tuple of Kept
        In the order of their positions.
    """

    records: tuple[Kept, ...]

    def repeats(self, done: Collection[str]) -> int:
        """Return how many of them were carried out before."""
        return sum(record.message in done for record in self.records)

    def brings_back(self, missing: Collection[str]) -> int:
        """Return how many of the missing come again."""
        return len({record.message for record in self.records} & set(missing))


def resend(kept: Iterable[Kept], *, key: str, number: int) -> Plan:
    """Read a key again from a number on: what a sender does that is told "I have up to 17"."""
    return _in_order(record for record in kept if record.key == key and record.number >= number)


def replay(kept: Iterable[Kept], *, position: int, until: int | None = None) -> Plan:
    """Read everything again from a position on, up to but not with `until`."""
    if until is not None and until < position:
        raise BadParameter(f"position = {position}, until = {until}: give position <= until")
    return _in_order(r for r in kept if r.position >= position and (until is None or r.position < until))


def patch(kept: Iterable[Kept], *, messages: Collection[str]) -> Plan:
    """Read these messages again, by their ids."""
    return _in_order(record for record in kept if record.message in messages)


def resume(kept: Iterable[Kept], *, snapshot_position: int) -> Plan:
    """Take a snapshot of the state that holds all before `snapshot_position`, and read on from there."""
    return replay(kept, position=snapshot_position)


def _in_order(records: Iterable[Kept]) -> Plan:
    return Plan(tuple(sorted(records, key=lambda record: record.position)))
