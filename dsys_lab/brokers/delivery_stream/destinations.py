"""Where crates go, and how a stream hears whether one has arrived.

A destination has one verb. `put` returns when the object is durable there; if it is not, or if nobody can know, it
raises, and the stream tries again. A folder, a bucket, a warehouse that is filled through a bucket and an HTTP endpoint
are all asked like this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dsys_lab.brokers.delivery_stream.answers import Attempt
from dsys_lab.brokers.delivery_stream.stream import DeliveryStream
from dsys_lab.errors import DsysLabError


class Destination(Protocol):
    """Takes objects."""

    def put(self, key: str, data: bytes, /) -> Any:
        """Let a key have these bytes; return when that is durable."""


def carry(stream: DeliveryStream, now_us: int, destinations: Mapping[str, Destination]) -> list[Attempt]:
    """Put what is due, tell the stream of each how it went, and return what was delivered.

    Parameters
    ----------
    destinations : mapping
        "destination" and, for what is set aside, "backup". A crate for one that is not here is held like one that
        nobody takes.
    """
    taken = []
    for attempt in stream.attempts(now_us):
        if why := _refused(attempt, destinations):
            stream.failed(now_us, attempt.number, why)
        else:
            stream.delivered(now_us, attempt.number)
            taken.append(attempt)
    return taken


def _refused(attempt: Attempt, destinations: Mapping[str, Destination]) -> str:
    """Put an object; return why it may not be there, or ""."""
    if attempt.to not in destinations:
        return f"there is no {attempt.to}"
    try:
        destinations[attempt.to].put(attempt.key, attempt.data)
    except DsysLabError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # else this crate and those behind it would be out for ever
        return f"{attempt.to} raised {type(error).__name__}: {error}"
    return ""
