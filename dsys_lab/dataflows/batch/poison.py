"""What is a record that cannot be counted?

A line that is no number, where numbers are added up: the *poison* of a job. Whoever takes one record at a time can
leave it out and go on; whoever takes a file at a time has no answer for any of the file.
"""

from __future__ import annotations

from typing import Any

from dsys_lab.dataflows.batch.monoids import Monoid
from dsys_lab.dataflows.batch.records import Record
from dsys_lab.errors import Refused


class PoisonRecord(Refused):
    """The function cannot add this record; its state is what it was."""


def added(monoid: Monoid, state: Any, record: Record) -> Any:
    """Return the state with a record.

    Raises
    ------
    PoisonRecord
        If the function does not take its value.
    """
    try:
        return monoid.add(state, monoid.of(record))
    except (TypeError, ValueError):
        named = record.message or f"the one of {record.key!r} at {record.event_us} us"
        raise PoisonRecord(
            f"record {named}: {monoid.name} cannot add {record.value!r}; mend it, or let a stream job skip or park it"
        ) from None
