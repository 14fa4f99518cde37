"""How many copies, how many answers before a write counts, how many copies must be asked to be sure.

Two rules make a quorum *safe*. `read + write > copies`: any `read` segments meet any `write` segments in at least one,
so whoever asks so many sees every write that counted. `2 * write > copies`: two writers cannot both get their quorum.
An unsafe one may be made all the same, to see what is lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter

COPIES_MAX: Final = 26


@dataclass(frozen=True, slots=True)
class Quorum:
    """Copies, quorums, and the zones over which the copies are spread as evenly as they can be.

    >>> [AURORA.place(index) for index in range(3)]
    ['zone-a/segment-1', 'zone-a/segment-2', 'zone-b/segment-3']
    >>> AURORA.is_safe, Quorum(6, 3, 3).is_safe
    (True, False)
    """

    copies: int = 6
    write: int = 4
    read: int = 3
    zones: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.copies <= COPIES_MAX:
            raise BadParameter(f"copies = {self.copies!r}: give 1 to {COPIES_MAX}")
        for name, value in (("write", self.write), ("read", self.read), ("zones", self.zones)):
            if not 1 <= value <= self.copies:
                raise BadParameter(f"{name} = {value!r} of {self.copies} copies: give 1 to {self.copies}")

    @property
    def is_safe(self) -> bool:
        """Whether every read quorum meets every write quorum, and any two write quorums meet."""
        return self.read + self.write > self.copies and 2 * self.write > self.copies

    def zone(self, index: int) -> int:
        """Return the zone of the segment with this index, both from 0."""
        return index * self.zones // self.copies

    def place(self, index: int) -> str:
        """Return where the segment with this index stands."""
        return f"zone-{chr(ord('a') + self.zone(index))}/segment-{index + 1}"

    def in_zone(self, zone: int) -> list[int]:
        """Return the indexes of the segments of a zone."""
        return [index for index in range(self.copies) if self.zone(index) == zone]

    def can_write(self, up: Collection[int]) -> bool:
        """Whether the segments that are up are enough for a write."""
        return len(up) >= self.write

    def can_read(self, up: Collection[int]) -> bool:
        """Whether the segments that are up are enough to find all that was written, and to repair the others."""
        return len(up) >= self.read


AURORA: Final = Quorum(copies=6, write=4, read=3, zones=3)
"""Six copies, two in each of three zones: writes go on without a zone, reads and repair without a zone and one more."""
