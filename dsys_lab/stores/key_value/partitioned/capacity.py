"""What does a call cost?

Not time but *units*: a table is given so many a second, and pays for so many a month. A unit is a number of bytes
begun, so small items waste the rest of theirs and large ones add up.

====================  ==========================================================  =======================
call                  units                                                       beside
====================  ==========================================================  =======================
read, strong          size / 4 KB, rounded up                                     at least 1
read, eventual        half of that
read, transactional   twice that                                                  one to prepare, one to commit
query, scan           the *sum* of the sizes of what was examined, then as above  a filter comes after
write                 size / 1 KB, rounded up; the larger of old and new          at least 1
write, transactional  twice that
====================  ==========================================================  =======================

So a query of many small items is far cheaper than as many single reads, for it rounds once; and a filter makes the
answer smaller but never the bill.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB read and write operations", "Transactions: capacity management";
1 KB is 1,024 bytes there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.facts import fact
from dsys_lab.stores.key_value.partitioned.items import KB

READ_UNIT_BYTES: Final = int(fact("dynamodb_read_unit").value) * KB
WRITE_UNIT_BYTES: Final = int(fact("dynamodb_write_unit").value) * KB
CONSISTENCIES: Final = ("eventual", "strong", "transactional")
_READ_FACTOR: Final = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}


def read_units(size_bytes: int, *, consistency: str = "eventual") -> float:
    """Return the units of reading one item; one that is not there is paid like the smallest.

    Examples
    --------
    >>> read_units(20 * 1024, consistency="strong"), read_units(20 * 1024)
    (5.0, 2.5)
    """
    require_choice("consistency", consistency, CONSISTENCIES)
    return _begun(size_bytes, READ_UNIT_BYTES) * _READ_FACTOR[consistency]


def query_units(sizes_bytes: Iterable[int], *, consistency: str = "eventual") -> float:
    """Return the units of one page of a query or scan: what was *examined* is summed, then rounded once.

    Examples
    --------
    >>> query_units([3045] * 18, consistency="strong"), query_units([3045] * 18)
    (14.0, 7.0)
    """
    return read_units(sum(sizes_bytes), consistency=consistency)


def write_units(old_bytes: int, new_bytes: int = 0, *, transactional: bool = False) -> float:
    """Return the units of putting, changing or deleting an item: the larger size counts.

    Examples
    --------
    >>> write_units(0, 3000), write_units(0, 3000, transactional=True)
    (3.0, 6.0)
    """
    return float(_begun(max(old_bytes, new_bytes), WRITE_UNIT_BYTES) * (2 if transactional else 1))


def _begun(size_bytes: int, unit_bytes: int) -> int:
    if size_bytes < 0:
        raise BadParameter(f"size_bytes = {size_bytes}: give 0 or more")
    return max(1, -(-size_bytes // unit_bytes))
