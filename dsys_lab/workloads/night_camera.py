"""A camera above a bed: what it sees of a night, frame by frame.

A sleeper is a warm shape in the dark. It breathes, so that every frame differs a little from the last; now and then it
turns over, and for half a second nearly everything differs; and the sensor has grain, which no two frames share: what
differs is what an encoder has to pay for. In the corner stands the camera's own clock, which need not be right: whoever
looks at a frame reads from it when it was filmed.

Everything follows from the seed and the number of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsys_lab.errors import BadParameter, require_not_negative, require_positive

Frame = NDArray[np.uint8]
"""Height by width by 3: red, green, blue."""

DIGITS: Final = {
    "0": "111101101101111", "1": "010110010010111", "2": "111001111100111", "3": "111001111001111",
    "4": "101101111001001", "5": "111100111001111", "6": "111100111101111", "7": "111001001001001",
    "8": "111101111101111", "9": "111101111001111", ":": "000010000010000", ".": "000000000000010",
}  # fmt: skip
"""Each three wide and five high."""
BREATH_S: Final = 4.0
TURN_LASTS_S: Final = 0.6


@dataclass(frozen=True, slots=True)
class NightCamera:
    """What a camera films.

    Attributes
    ----------
    width, height : int
        Pixels; even numbers, as H.264 wants them.
    fps : int
        Frames a second.
    turns_a_minute : float
        How restless the sleeper is.
    grain : float
        How much the sensor adds, in steps of 255.
    begins_s : float
        What the camera's clock says at frame 0, in seconds after midnight.
    seed : int
    """

    width: int = 160
    height: int = 96
    fps: int = 12
    turns_a_minute: float = 4.0
    grain: float = 2.0
    begins_s: float = 0.0
    seed: int = 7

    def __post_init__(self) -> None:
        require_positive(fps=self.fps)
        require_not_negative(turns_a_minute=self.turns_a_minute, grain=self.grain, begins_s=self.begins_s)
        if self.width < 64 or self.height < 48 or self.width % 2 or self.height % 2:
            raise BadParameter(f"width, height = {self.width}, {self.height}: give even numbers, 64 by 48 or more")

    def frames(self, count: int, *, first: int = 0) -> Iterator[Frame]:
        """Give so many frames, from number `first` on."""
        return (self.frame(number) for number in range(first, first + count))

    def frame(self, number: int) -> Frame:
        """Return a frame."""
        at_s = number / self.fps
        picture = self._room() + self._sleeper(at_s)
        if self.grain:
            picture += np.random.default_rng((self.seed, number)).normal(0, self.grain, picture.shape)
        grey = np.clip(picture, 0, 255)
        frame = np.stack([grey * 0.72, grey, grey * 0.78], axis=-1).astype(np.uint8)
        self._write(frame, self.clock(at_s))
        return frame

    def clock(self, at_s: float) -> str:
        """Return what the clock in the corner says, so long after frame 0."""
        tenths = round((self.begins_s + at_s) * 10)
        return f"{tenths // 36_000 % 24:02d}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"

    def _room(self) -> NDArray[np.float64]:
        """Return the bed, which never changes."""
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        room = 18 + 10 * x / self.width + 6 * y / self.height
        bed = (np.abs(x - self.width / 2) < self.width * 0.4) & (y > self.height * 0.3)
        return np.where(bed, room + 14, room).astype(np.float64)

    def _sleeper(self, at_s: float) -> NDArray[np.float64]:
        """Return the warmth of whoever lies there: a body that rises and falls, and a head."""
        side, breath = self._side(at_s), 1 + 0.05 * np.sin(2 * np.pi * at_s / BREATH_S)
        middle = 0.5 + 0.16 * side
        body = self._warmth(middle, 0.68, 0.22, 0.2 * breath)
        head = self._warmth(middle + 0.05 * side, 0.4, 0.07, 0.11)
        return 95 * body + 120 * head

    def _warmth(self, x: float, y: float, width: float, height: float) -> NDArray[np.float64]:
        """Return an ellipse, 1 in the middle and soft at its edge; all in shares of the picture."""
        rows = ((np.arange(self.height) / self.height - y) / height) ** 2
        columns = ((np.arange(self.width) / self.width - x) / width) ** 2
        return np.exp(-((rows[:, None] + columns[None, :]) ** 2))

    def _side(self, at_s: float) -> float:
        """Return on which side they lie, from -1 to 1; on the way for as long as turning over lasts."""
        if not self.turns_a_minute:
            return -1.0
        every_s = 60 / self.turns_a_minute
        turn, since_s = divmod(at_s, every_s)
        way = min(1.0, since_s / TURN_LASTS_S) if turn else 1.0
        return float((-1) ** int(turn) * (1 - 2 * way))

    def _write(self, frame: Frame, text: str) -> None:
        """Write the clock into the corner, white on black."""
        frame[2:11, 2 : 4 + 4 * len(text)] = 0
        for place, letter in enumerate(text):
            dots = np.array(list(DIGITS[letter]), dtype=np.uint8).reshape(5, 3) * 255
            left = 4 + 4 * place
            frame[4:9, left : left + 3] = dots[:, :, None]
