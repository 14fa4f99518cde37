"""What can be set, with the defaults of Amazon Data Firehose; the figures and their sources stand in `facts.toml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from dsys_lab.errors import BadParameter, require_choice, require_not_negative, require_positive
from dsys_lab.facts import fact

MIB: Final = 1 << 20
SIZE_MAX_BYTES: Final = int(fact("firehose_size_max").value) * MIB
INTERVAL_MAX_S: Final = fact("firehose_interval_max").value
RETRY_MAX_S: Final = fact("firehose_retry_max").value
RECORD_MAX_BYTES: Final = int(fact("firehose_record_max").value)
PUT_MANY_RECORDS: Final = int(fact("firehose_put_many_records").value)
PUT_MANY_BYTES: Final = int(fact("firehose_put_many_bytes").value)
NAMES: Final = ("attempt", "crate")


class Entry(NamedTuple):
    """What is put.

    Attributes
    ----------
    message : str
        The logical message: what rows call it, and what a second copy of it shares.
    data : bytes
    copy : int
        Which copy of the message, from 0: a producer that sends again counts up.
    """

    message: str
    data: bytes
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a stream takes in a second."""

    records: float = fact("firehose_records_a_second").value
    bytes: float = fact("firehose_bytes_a_second").value

    def __post_init__(self) -> None:
        require_positive(records=self.records, bytes=self.bytes)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a stream is made.

    Attributes
    ----------
    size_bytes : int
        A buffer is sealed when it holds so much; up to 128 MiB. (Firehose: 1 MiB at least.)
    interval_s : float
        Or when its oldest record has waited so long; up to 900; 0 seals at every call.
    hold_s : float
        How old a record becomes while its destination does not take it.
    retry_s : float or None
        After so long of trying in vain a crate goes to the backup instead; None: never, as with Amazon S3.
    pause_s : float
        Between two attempts. Firehose's own pauses are not published.
    prefix : str
        Every key begins with it.
    names : str
        "attempt": each attempt makes an object of its own, as Firehose does; "crate": each attempt makes the same one.
    limits : Limits or None
        What is taken in a second; None: all.
    starts : datetime
        What the clocks of the world say when the stream's is at 0: the folders of its keys are hours.
    """

    size_bytes: int = int(fact("firehose_size_default").value) * MIB
    interval_s: float = fact("firehose_interval_default").value
    hold_s: float = fact("firehose_hold").value * 3_600
    retry_s: float | None = None
    pause_s: float = 10.0
    prefix: str = ""
    names: str = "attempt"
    limits: Limits | None = field(default_factory=Limits)
    starts: datetime = datetime(2026, 11, 2, 6, tzinfo=UTC)

    def __post_init__(self) -> None:
        require_positive(hold_s=self.hold_s, pause_s=self.pause_s)
        require_choice("names", self.names, NAMES)
        if not 1 <= self.size_bytes <= SIZE_MAX_BYTES:
            raise BadParameter(f"size_bytes = {self.size_bytes!r}: give 1 to {SIZE_MAX_BYTES:,}")
        if not 0 <= self.interval_s <= min(INTERVAL_MAX_S, self.hold_s):
            raise BadParameter(f"interval_s = {self.interval_s!r}: give 0 to {INTERVAL_MAX_S:g}, and at most hold_s")
        if self.retry_s is not None:
            require_not_negative(retry_s=self.retry_s)
            if self.retry_s > RETRY_MAX_S:
                raise BadParameter(f"retry_s = {self.retry_s!r}: give 0 to {RETRY_MAX_S:g}, or None to hold instead")


def require_batch(entries: Sequence[Entry]) -> None:
    """Refuse what no call may bring, before anything of it is taken."""
    for entry in entries:
        if not (type(entry.message) is str and isinstance(entry.data, bytes)):
            raise BadParameter(f"{entry}: give the message as str, data as bytes")
        if len(entry.data) > RECORD_MAX_BYTES or len(entry.message.encode()) > 0xFFFF:
            raise BadParameter(
                f"{entry.message[:20]} has {len(entry.data):,} bytes: give up to {RECORD_MAX_BYTES:,}, and a message "
                "below 64 KB; put what is larger into an object store, and its key here"
            )
        if not 0 <= entry.copy <= 0xFFFF:
            raise BadParameter(f"copy = {entry.copy}: give 0 to 65,535")
    size_bytes = sum(len(entry.data) for entry in entries)
    if not 1 <= len(entries) <= PUT_MANY_RECORDS or size_bytes > PUT_MANY_BYTES:
        raise BadParameter(
            f"{len(entries)} records of {size_bytes:,} bytes: give 1 to {PUT_MANY_RECORDS} of up to "
            f"{PUT_MANY_BYTES:,} bytes together"
        )
