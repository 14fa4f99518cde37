"""What a delivery stream is asked here, whoever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self


class Deliverer(Protocol):
    """Takes records, and lets objects appear in a bucket."""

    def put(self, data: bytes) -> None:
        """Take one record; return when it is safe."""

    def put_many(self, records: Sequence[bytes]) -> int:
        """Take up to 500 records at once; return how many were not taken."""

    def objects(self) -> dict[str, bytes]:
        """Return what is in the bucket, by key, in the order in which it came."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...
