"""What becomes of each record of a sealed buffer?

A transform is given the records and answers for each of them, under its number: it is fine and reads so (`Ok`), it is
not wanted (`Dropped`), or it cannot be read (`Failed`). Whoever is missing from the answer has failed, too: a record
may not vanish because somebody forgot it. A transform that raises is called again, three times, and then all have
failed. Its answer is written down, so it is asked again only if the power goes before that.

Source: Amazon Data Firehose Developer Guide, "Required parameters for data transformation" and "Handle failure in data
transformation", read in November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from dsys_lab.facts import fact

CALLS: Final = 1 + int(fact("firehose_transform_retries").value)


class Given(NamedTuple):
    """A record as a transform sees it."""

    number: int
    data: bytes
    arrived_us: int


class Ok(NamedTuple):
    """The record is fine, and reads so now."""

    data: bytes


class Dropped(NamedTuple):
    """The record is not wanted: that is no failure."""


class Failed(NamedTuple):
    """The record cannot be transformed; it is set aside as it came."""

    why: str


Fate: TypeAlias = Ok | Dropped | Failed
Transform: TypeAlias = Callable[[Sequence[Given]], Mapping[int, Fate]]


def as_it_came(records: Sequence[Given]) -> Mapping[int, Fate]:
    """Return every record unchanged."""
    return {record.number: Ok(record.data) for record in records}


def fates(transform: Transform, records: Sequence[Given]) -> dict[int, Fate]:
    """Return what becomes of each record, in order; none is missing."""
    answer: Any = None
    for _ in range(CALLS):
        try:
            answer = transform(records)
        except Exception as error:  # noqa: BLE001  # whatever it raises is its answer: nobody is transformed
            why = f"the transform raised {type(error).__name__}: {error}"
        else:
            break
    else:
        return {record.number: Failed(why) for record in records}
    if not isinstance(answer, Mapping):
        return {record.number: Failed(f"the transform answered {type(answer).__name__}") for record in records}
    return {record.number: _checked(answer.get(record.number)) for record in records}


def _checked(fate: Any) -> Fate:
    if isinstance(fate, Dropped | Failed) or (isinstance(fate, Ok) and isinstance(fate.data, bytes)):
        return fate
    return Failed("the transform did not answer" if fate is None else f"the transform answered {fate!r:.40}")
