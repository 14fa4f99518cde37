"""What is put into a video stream, what is listed of it, and what is missing between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dsys_lab.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Fragment:
    """Some seconds of video.

    Attributes
    ----------
    message : str
        What rows call it; put again, it has the same.
    filmed_us : int
        When it begins, by the camera's clock.
    duration_us : int
    data : bytes
        The pictures, encoded.
    key : bool
        Whether it begins with a key frame. If not, nobody can play it alone.
    """

    message: str
    filmed_us: int
    duration_us: int
    data: bytes
    key: bool = True

    def __post_init__(self) -> None:
        if type(self.message) is not str or not 1 <= len(self.message.encode()) <= 0xFFFF:
            raise BadParameter(f"message = {self.message!r:.40}: give a name of 1 to 65,535 bytes")
        if not isinstance(self.data, bytes) or not self.data:
            raise BadParameter(f"{self.message} has no pictures: give its data as bytes")
        if self.filmed_us < 0 or not 0 < self.duration_us < 1 << 32:
            raise BadParameter(
                f"{self.message}: filmed_us = {self.filmed_us}, duration_us = {self.duration_us}; give 0 or more, and "
                "a duration above 0 and below an hour"
            )

    @property
    def ends_us(self) -> int:
        """When it ends, by the camera's clock."""
        return self.filmed_us + self.duration_us


class Persisted(NamedTuple):
    """The fragment is durable, under this number; numbers rise in the order in which fragments came."""

    message: str
    number: int


class Buffered(NamedTuple):
    """The fragment is in memory, for a while, under this number."""

    message: str
    number: int


class Duplicate(NamedTuple):
    """The fragment came before, under this number; this one is not taken in."""

    message: str
    number: int


@dataclass(frozen=True, slots=True)
class Listed:
    """What is known of a fragment without its pictures.

    Attributes
    ----------
    number : int
    message : str
    filmed_us, came_us : int
        When it begins by the camera's clock; when it was complete by the stream's.
    duration_us, size_bytes : int
    key : bool
        Whether it can be played alone.
    """

    number: int
    message: str
    filmed_us: int
    came_us: int
    duration_us: int
    size_bytes: int
    key: bool

    def begins_us(self, by: str) -> int:
        """When it begins, by the clock that is asked for: "camera" or "stream"."""
        return self.filmed_us if by == "camera" else self.came_us - self.duration_us

    def ends_us(self, by: str) -> int:
        """When it ends, by that clock."""
        return self.begins_us(by) + self.duration_us


class Gap(NamedTuple):
    """An interval of the camera's time of which nothing can be played."""

    start_us: int
    end_us: int

    @property
    def lasts_us(self) -> int:
        """How long it is."""
        return self.end_us - self.start_us


def gaps(playable: Iterable[tuple[int, int]], start_us: int, end_us: int) -> tuple[Gap, ...]:
    """Return what intervals leave open between two times.

    Parameters
    ----------
    playable : iterable of (int, int)
        Where each begins and ends, in any order; they may overlap.
    start_us, end_us : int

    Examples
    --------
    >>> gaps([(4, 6), (0, 2), (1, 3)], 0, 8)
    (Gap(start_us=3, end_us=4), Gap(start_us=6, end_us=8))
    """
    found, reached = list[Gap](), start_us
    for begins, ends in [*sorted(playable), (end_us, end_us)]:
        if reached < min(begins, end_us):
            found.append(Gap(reached, min(begins, end_us)))
        reached = max(reached, ends)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Status:
    """What is there, and the books since the stream was opened.

    Attributes
    ----------
    kept, kept_bytes : int
        Fragments that can be read.
    oldest_us, newest_us : int or None
        The earliest begin and the latest end among them, by the camera's clock.
    put, repeated, expired : int
    """

    kept: int
    kept_bytes: int
    oldest_us: int | None
    newest_us: int | None
    put: int
    repeated: int
    expired: int
