"""What can be set, with the defaults of Kinesis; the figures come from `facts.toml`, each with its source and date."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple, Self

from dsys_lab.brokers.log_stream.admission import Limits
from dsys_lab.brokers.log_stream.key_ranges import HASHES
from dsys_lab.errors import BadParameter, require_positive
from dsys_lab.facts import fact

HOUR_S: Final = 3_600
RETENTION_MAX_S: Final = fact("kinesis_retention_max").value * HOUR_S
RECORD_MAX_BYTES: Final = int(fact("kinesis_record_max").value)
PUT_MANY_RECORDS: Final = int(fact("kinesis_put_many_records").value)
PUT_MANY_BYTES: Final = int(fact("kinesis_put_many_bytes").value)
KEY_MAX: Final = int(fact("kinesis_key_max").value)
SHARDS_MAX: Final = 10_000
"""Of one stream here; in Kinesis the quota of the account."""


class Entry(NamedTuple):
    """What is put.

    Attributes
    ----------
    message : str
        The logical message: what rows call it, and what a second copy of it shares.
    key : str
        The partition key: records of one key lie on one shard at a time, in order.
    data : bytes
    hash_key : int or None
        Where it goes in spite of its key, as a hash; Kinesis' `ExplicitHashKey`.
    copy : int
        Which copy of the message, from 0: a producer that sends again counts up.
    """

    message: str
    key: str
    data: bytes = b""
    hash_key: int | None = None
    copy: int = 0

    @property
    def size_bytes(self) -> int:
        """What counts for the limits: key and data."""
        return len(self.key.encode()) + len(self.data)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a stream is made.

    Attributes
    ----------
    shards : int
        At the beginning; afterwards there are splits and merges.
    retention_s : float
        How old a record becomes; can be changed by `set_retention`. (Kinesis: 24 hours at least.)
    record_max_bytes : int
        Of key and data; up to 10 MiB.
    iterator_life_s : float
        How old an iterator may be when it is used.
    limits : Limits or None
        What one shard does in a second; None: all that it is asked, as moto does.
    """

    shards: int = 1
    retention_s: float = fact("kinesis_retention_default").value * HOUR_S
    record_max_bytes: int = int(fact("kinesis_record_default").value)
    iterator_life_s: float = fact("kinesis_iterator_life").value
    limits: Limits | None = field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_positive(iterator_life_s=self.iterator_life_s)
        require_retention(self.retention_s)
        if not 1 <= self.shards <= SHARDS_MAX:
            raise BadParameter(f"shards = {self.shards!r}: give 1 to {SHARDS_MAX:,}")
        if not 1 <= self.record_max_bytes <= RECORD_MAX_BYTES:
            raise BadParameter(f"record_max_bytes = {self.record_max_bytes!r}: give 1 to {RECORD_MAX_BYTES:,}")

    def to_json(self) -> dict[str, Any]:
        """Return them in JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        """Return what `to_json` said."""
        limits = said["limits"]
        return cls(**{**said, "limits": None if limits is None else Limits(**limits)})

    def require_entry(self, entry: Entry) -> None:
        """Refuse what no stream with these settings takes."""
        if not (type(entry.message) is type(entry.key) is str and isinstance(entry.data, bytes)):
            raise BadParameter(f"{entry}: give message and key as str, data as bytes")
        if not 1 <= len(entry.key) <= KEY_MAX or len(entry.message.encode()) > 0xFFFF:
            raise BadParameter(f"key = {entry.key[:20]!r}: give 1 to {KEY_MAX} characters, and a message below 64 KB")
        if entry.size_bytes > self.record_max_bytes:
            raise BadParameter(
                f"{entry.message} has {entry.size_bytes:,} bytes with its key: give up to {self.record_max_bytes:,}, "
                "or make the stream with a higher record_max_bytes"
            )
        if entry.hash_key is not None and not 0 <= entry.hash_key < HASHES:
            raise BadParameter(f"hash_key = {entry.hash_key}: give 0 to 2^128 - 1")
        if not 0 <= entry.copy <= 0xFFFF:
            raise BadParameter(f"copy = {entry.copy}: give 0 to 65,535")


def require_batch(entries: list[Entry]) -> None:
    """Refuse what is too much for one call."""
    size_bytes = sum(entry.size_bytes for entry in entries)
    if not 1 <= len(entries) <= PUT_MANY_RECORDS or size_bytes > PUT_MANY_BYTES:
        raise BadParameter(
            f"{len(entries)} records of {size_bytes:,} bytes: give 1 to {PUT_MANY_RECORDS} of up to "
            f"{PUT_MANY_BYTES:,} bytes together"
        )


def require_retention(retention_s: float) -> None:
    """Refuse what no stream keeps."""
    if not 0 < retention_s <= RETENTION_MAX_S:
        raise BadParameter(f"retention_s = {retention_s!r}: give more than 0, up to {RETENTION_MAX_S:,.0f} (365 days)")
