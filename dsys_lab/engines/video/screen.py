"""A film for a page: an element that plays it, and a strip of pictures where there is only paper."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsys_lab.engines.video.codec import Frame, decoded, joined
from dsys_lab.errors import BadParameter, require_positive


@dataclass(frozen=True, slots=True)
class Screen:
    """Some fragments to be shown.

    Attributes
    ----------
    head : bytes
    pieces : sequence of bytes
        Fragments, in order.
    says : str
        What is seen, for who cannot see it.
    stills : int
        How many pictures stand for the film on paper.
    """

    head: bytes
    pieces: Sequence[bytes]
    says: str
    stills: int = 4

    def __post_init__(self) -> None:
        require_positive(stills=self.stills)
        if not self.pieces:
            raise BadParameter("there is nothing to show: give one fragment at least")

    def __str__(self) -> str:
        return f"[film: {self.says}]"

    def strip(self) -> bytes:
        """Return some of its frames side by side, as a PNG file."""
        frames = [frame for _, frame in decoded(self.head, b"".join(self.pieces))]
        last, steps = len(frames) - 1, max(1, self.stills - 1)
        return png(np.hstack([frames[number * last // steps] for number in range(self.stills)]))

    def video(self) -> str:
        """Return an element of a page that plays it, without any other request; it shows its first frame until then."""
        data = base64.b64encode(joined(self.head, self.pieces)).decode()
        first = base64.b64encode(png(decoded(self.head, self.pieces[0])[0][1])).decode()
        says = html.escape(self.says)
        return (
            f'<video controls loop muted playsinline width="480" style="max-width:100%" aria-label="{says}" '
            f'poster="data:image/png;base64,{first}" src="data:video/mp4;base64,{data}"></video>'
        )


def png(frame: Frame) -> bytes:
    """Return a frame as a PNG file."""
    from matplotlib.image import imsave

    out = io.BytesIO()
    imsave(out, frame, format="png", metadata={"Software": "dsys_lab"})
    return out.getvalue()
