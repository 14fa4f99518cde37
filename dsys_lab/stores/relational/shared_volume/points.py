"""The positions of a log that is kept in pieces: SCL, PGCL, VCL, VDL, and where a volume recovers to. All pure.

Why answers count by SCL and not record by record: say records 16 and 17 each reach four segments, but not the same
four. Two segments have 17 and not 16. At recovery those two say "complete up to 15", and with a third that has 16
nobody has both: 17 would be cut off although it was acknowledged. A segment's word is therefore its SCL, and 17
counts at a segment only from the moment when its hole at 16 is filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from dsys_lab.errors import Refused
from dsys_lab.stores.relational.shared_volume.record import LogRecord


class CannotRecover(Refused):
    """Too few segments of a group can be reached to know what was acknowledged."""


def segment_complete(records: Iterable[LogRecord]) -> int:
    """Return the SCL of a segment with these records: how far the chain of its group goes without a hole."""
    after = {record.previous: record.lsn for record in records}
    scl = 0
    while scl in after:
        scl = after[scl]
    return scl


def group_complete(scls: Iterable[int], write: int) -> int:
    """Return the PGCL: the `write`-th highest of the SCLs of a group's segments.

    >>> group_complete([9, 7, 9, 4, 8, 9], write=4)
    8
    """
    ranked = sorted(scls, reverse=True)
    return ranked[write - 1] if len(ranked) >= write else 0


def volume_complete(records: Iterable[LogRecord], pgcls: Mapping[int, int], *, after: int = 0) -> int:
    """Return the VCL, given the PGCL of each group: the last lsn before a record that is missing or above it."""
    kept = {record.lsn for record in records if record.lsn <= pgcls.get(record.group, 0)}
    vcl = after
    while vcl + 1 in kept:
        vcl += 1
    return vcl


def volume_durable(records: Iterable[LogRecord], vcl: int) -> int:
    """Return the VDL: the last consistency point at or below the VCL; 0 if there is none."""
    return max((record.lsn for record in records if record.is_consistency_point and record.lsn <= vcl), default=0)


def recovery_point(logs: Mapping[int, Sequence[Iterable[LogRecord]]], read: int) -> int:
    """Return the VDL that a new writer finds, from what the segments that it reaches have.

    A segment without a hole up to its SCL holds every record of its group up to there, so the highest SCL of a group is
    how far the group goes. Whatever was acknowledged has an SCL in at least one of any `read` segments.

    Parameters
    ----------
    logs : mapping
        Group -> the records of each of its segments that can be reached, in any order. Every group of the volume.
    read : int
        The read quorum.

    Raises
    ------
    CannotRecover
        If fewer than `read` segments of a group can be reached.
    """
    kept: dict[int, LogRecord] = {}
    for group, segments in logs.items():
        if len(segments) < read:
            raise CannotRecover(
                f"group {group}: {len(segments)} segments can be reached, and {read} must be asked to know what was "
                "acknowledged; bring one back or repair it, then recover"
            )
        chains = [{record.lsn: record for record in records} for records in segments]
        highest = max((segment_complete(chain.values()) for chain in chains), default=0)
        kept |= {lsn: record for chain in chains for lsn, record in chain.items() if lsn <= highest}
    vcl = sum(1 for _ in takewhile(kept.__contains__, range(1, len(kept) + 1)))
    return volume_durable(kept.values(), vcl)
