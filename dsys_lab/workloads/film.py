"""A film in pieces: what an encoder makes of a camera's frames, and what is uploaded, kept and played.

A head says what codec and what size; each piece, one *fragment*, begins with a key frame and can be decoded with the
head alone. Real ones come from an encoder (`dsys_lab.engines.video`). Where only the sizes matter, `modelled` makes
pieces without pictures that are as large as those of such a camera: a key frame costs `KEY_BYTES`, with the boxes
around its fragment, and every other frame `CHANGE_BYTES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import BadParameter, require_positive

FPS: Final = 12
KEY_BYTES: Final = 1_150
CHANGE_BYTES: Final = 50
"""Measured on `NightCamera`, 160 by 96 and 12 frames a second, by x264 (a test holds them)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment: when it begins and how long it lasts, in seconds of the film; how many frames, and their bytes."""

    begins_s: float
    lasts_s: float
    frames: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Film:
    """A head, and the pieces that can be decoded with it."""

    head: bytes
    pieces: tuple[Piece, ...]

    @property
    def size_bytes(self) -> int:
        """Of head and pieces."""
        return len(self.head) + sum(len(piece.data) for piece in self.pieces)

    @property
    def lasts_s(self) -> float:
        """How long it is."""
        return sum(piece.lasts_s for piece in self.pieces)

    @property
    def bytes_a_second(self) -> float:
        """Of its pieces."""
        return sum(len(piece.data) for piece in self.pieces) / self.lasts_s


def modelled(seconds: float, fragment_s: float) -> Film:
    """Return a film without pictures, with the sizes of a real one.

    Parameters
    ----------
    seconds : float
        How long it is; a last piece that would be shorter is left out.
    fragment_s : float
        How long a piece is.

    Examples
    --------
    >>> [len(piece.data) for piece in modelled(5, 2).pieces]
    [2300, 2300]
    """
    require_positive(seconds=seconds, fragment_s=fragment_s)
    frames = round(fragment_s * FPS)
    if frames < 1:
        raise BadParameter(f"fragment_s = {fragment_s!r}: a frame lasts {1 / FPS:.3f} s; give that or more")
    data = b"x" * (KEY_BYTES + (frames - 1) * CHANGE_BYTES)
    count = int(seconds / fragment_s + 1e-9)
    if not count:
        raise BadParameter(f"seconds = {seconds!r}: give at least one fragment, {fragment_s:g} s")
    return Film(b"", tuple(Piece(number * fragment_s, fragment_s, frames, data) for number in range(count)))
