"""A film in a notebook: it plays where there is a browser, and is a strip of pictures where there is only paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dsys_lab.engines.video.codec import decoded, joined
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
        from matplotlib.image import imsave
        from numpy import hstack

        frames = [frame for _, frame in decoded(self.head, b"".join(self.pieces))]
        chosen = [frames[number * (len(frames) - 1) // max(1, self.stills - 1)] for number in range(self.stills)]
        out = io.BytesIO()
        imsave(out, hstack(chosen), format="png")
        return out.getvalue()

    def video(self) -> str:
        """Return an element of a page that plays it, without any other request."""
        data = base64.b64encode(joined(self.head, self.pieces)).decode()
        return (
            f'<video controls loop muted playsinline style="width:min(480px,100%)" aria-label="{self.says}" '
            f'src="data:video/mp4;base64,{data}"></video>'
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": self.video(), "image/png": self.strip()}
