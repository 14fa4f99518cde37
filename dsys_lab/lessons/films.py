"""Films in a notebook: made by a real encoder where it is installed, played, and stopped at any moment.

Where the extra `video` (PyAV) is missing, a film has fragments of the same sizes and no pictures: every run and every
count goes on, and where a film would play stands how to get it.

The committed form of what plays is a strip of its pictures, for a page that runs no code shows no video.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.brokers.video_stream import Fragment
from dsys_lab.errors import BadParameter, Damaged, EngineMissing
from dsys_lab.lessons.shown import INK, as_html
from dsys_lab.views.charts import Sliding, number, sliding
from dsys_lab.views.mode import view_mode
from dsys_lab.workloads.film import FPS, Film, modelled
from dsys_lab.workloads.night_camera import NightCamera

MISSING: Final = "Here a film plays where PyAV is installed: `%pip install av` in a cell of its own, then restart."
SECONDS: Final = 48.0
TURNS_A_MINUTE: Final = 6.0


# ------------------------------------------------------------------------------------------ made
@lru_cache(maxsize=16)
def night_film(seconds: float = SECONDS, fragment_s: float = 2.0) -> Film:
    """Return a film of the night camera, in fragments.

    Parameters
    ----------
    seconds : float
        How long it is.
    fragment_s : float
        From one key frame to the next.
    """
    try:
        from dsys_lab.engines.video import film
    except EngineMissing:
        return modelled(seconds, fragment_s)
    return film(_frames(seconds), fps=FPS, key_every_s=fragment_s)


@lru_cache(maxsize=4)
def _frames(seconds: float) -> tuple[Any, ...]:
    """Return the frames of the night; a shorter film is its beginning."""
    if seconds < SECONDS:
        return _frames(SECONDS)[: round(seconds * FPS)]
    camera = NightCamera(fps=FPS, turns_a_minute=TURNS_A_MINUTE)
    return tuple(camera.frames(round(seconds * FPS)))


def is_real(film: Film) -> bool:
    """Whether a film has pictures."""
    return bool(film.head)


# ------------------------------------------------------------------------------------------ played
class Played:
    """Fragments of a film, to be played.

    Parameters
    ----------
    film : Film
        Whose head they need.
    fragments : sequence of Fragment, optional
        Those that are played, in this order; all of the film by default.
    says : str
        What is seen, for who cannot see it.
    """

    def __init__(
        self, film: Film, fragments: Sequence[Fragment] | None = None, says: str = "a sleeper at night"
    ) -> None:
        self.film, self.says = film, says
        self.pieces = [one.data for one in (film.pieces if fragments is None else fragments)]
        if not self.pieces:
            raise BadParameter("there is nothing to play: give fragments of the film")

    def __str__(self) -> str:
        return f"[film: {self.says}]" if is_real(self.film) else MISSING

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        told: dict[str, Any] = {"text/plain": str(self)}
        if not is_real(self.film):
            return {**told, "text/html": f"<p>{as_html(MISSING)}</p>"}
        from dsys_lab.engines.video import Screen

        screen = Screen(self.film.head, self.pieces, self.says)
        if view_mode() == "still":
            return {**told, "image/png": base64.b64encode(screen.strip()).decode()}
        return {**told, "text/html": screen.video()}


# ------------------------------------------------------------------------------------------ a moment of it
class Moment:
    """What an archive shows of a moment: one frame, decoded from one fragment.

    Parameters
    ----------
    film : Film
        Whose head is needed.
    fragments : sequence of Fragment
        What the archive has.
    at_s : float
        When, by the camera's clock.
    """

    def __init__(self, film: Film, fragments: Sequence[Fragment], at_s: float) -> None:
        self.film, self.fragments, self.at_s = film, fragments, at_s
        at_us = at_s * 1e6
        self.there = next((one for one in fragments if one.filmed_us <= at_us < one.ends_us), None)

    def __str__(self) -> str:
        if self.there is None:
            return f"second {number(self.at_s)}: a gap, nothing to decode"
        read, every = len(self.film.head) + len(self.there.data), sum(len(one.data) for one in self.fragments)
        into_s = self.at_s - self.there.filmed_us / 1e6
        frames = int(into_s * FPS + 1e-6) + 1
        return (
            f"second {number(self.at_s)}: frame {frames} of fragment {self.there.message}; "
            f"{read:,} of {every:,} bytes were read"
        )

    def picture(self) -> bytes | None:
        """Return the frame as a PNG file; None in a gap, and where films have no pictures."""
        if self.there is None or not is_real(self.film):
            return None
        from dsys_lab.engines.video import decoded, png

        frames = decoded(self.film.head, self.there.data)
        into = int((self.at_s - self.there.filmed_us / 1e6) * FPS + 1e-6)
        return png(frames[min(into, len(frames) - 1)][1])

    def html(self) -> str:
        """Return the frame above the shelf from which it was taken."""
        picture = self.picture()
        box = "width:480px;max-width:100%;aspect-ratio:5/3;image-rendering:pixelated;display:block"
        if picture is not None:
            source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
            shown = f'<img alt="{html.escape(str(self))}" src="{source}" style="{box}">'
        else:
            words = as_html(MISSING) if self.there is not None else "gap"
            shown = f'<div style="{box};display:grid;place-items:center;background:#222;color:#E8762C">{words}</div>'
        return f"<div>{shown}{self._shelf()}<div>{html.escape(str(self))}</div></div>"

    def _shelf(self) -> str:
        """Return the archive as a row of fragments; the one that was read is bright."""
        end_us = max(one.ends_us for one in self.fragments)
        cells = []
        for one in self.fragments:
            left, width = 100 * one.filmed_us / end_us, 100 * one.duration_us / end_us
            colour = "#009E73" if one is self.there else "#7A93A8"
            cells.append(
                f'<span style="position:absolute;top:0;bottom:0;left:{left:.2f}%;width:{width + 0.05:.2f}%;'
                f'background:{colour};box-shadow:inset 1px 0 #fff8"></span>'
            )
        left = min(100.0, 100 * self.at_s * 1e6 / end_us)
        cells.append(
            f'<span style="position:absolute;top:-4px;bottom:-4px;left:{left:.2f}%;width:3px;background:{INK}"></span>'
        )
        return (
            '<div role="img" aria-label="the archive\'s fragments" style="position:relative;width:480px;max-width:100%;'
            f'height:16px;margin:6px 0;background:#D55E00">{"".join(cells)}</div>'
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        told: dict[str, Any] = {"text/plain": str(self)}
        if view_mode() != "still":
            return {**told, "text/html": self.html()}
        picture = self.picture()
        if picture is None:
            return told
        shown = {"width": 2 * NightCamera().width, "height": 2 * NightCamera().height}
        return {**told, "image/png": base64.b64encode(picture).decode()}, {"image/png": shown}


def moments(film: Film, fragments: Sequence[Fragment], *, at_s: float = 0.0) -> Sliding:
    """Return the frame of a moment, with a slider for the moment."""
    last_s = max(one.ends_us for one in fragments) / 1e6 - 1 / FPS
    draw: Any = lambda at_s: Moment(film, fragments, at_s)  # noqa: E731  # it draws what a chart draws
    return sliding(draw, at_s=(0.0, round(last_s, 1), 0.1), at={"at_s": at_s})


def cut_in_half(film: Film, number: int) -> str:
    """Say what can be seen of the second half of a fragment alone."""
    if not is_real(film):
        return MISSING
    from dsys_lab.engines.video import decoded

    data = film.pieces[number].data
    try:
        return f"{len(decoded(film.head, data[len(data) // 2 :]))} frames"
    except Damaged as error:
        return str(error)


# ------------------------------------------------------------------------------------------ what key frames cost
def bytes_a_second(*fragment_s: float, seconds: float = 32.0) -> list[tuple[float, float, float]]:
    """Return (fragment's seconds, bytes a second of the film, 0) for each length of a fragment."""
    return [(length, night_film(seconds, length).bytes_a_second, 0.0) for length in map(float, fragment_s)]


def costs(short_s: float = 1.0, long_s: float = 4.0, *, seconds: float = 32.0) -> tuple[float, float]:
    """Return what a key frame costs, and what another frame, in bytes: from films with fragments of two lengths."""
    short, long = (night_film(seconds, length) for length in (short_s, long_s))
    fewer, more = short_s * FPS, long_s * FPS
    small, large = short.bytes_a_second * short_s, long.bytes_a_second * long_s
    change = (large - small) / (more - fewer)
    return small - (fewer - 1) * change, change


def bytes_by_law(fragment_s: float) -> float:
    """Return the law for `bytes_a_second`, with the costs that two of the films say."""
    key, change = costs()
    return laws.video_bytes_a_second(fragment_s, fps=FPS, key_bytes=key, change_bytes=change)


def frames_decoded(*fragment_s: float) -> list[tuple[float, float, float]]:
    """Return how many frames are decoded to see a moment, on average over all moments of a fragment."""
    told = []
    for length in map(float, fragment_s):
        frames = night_film(32.0, length).pieces[0].frames
        told.append((length, sum(range(1, frames + 1)) / frames, 0.0))
    return told


def frames_by_law(fragment_s: float) -> float:
    """Return the law for `frames_decoded`."""
    return laws.frames_to_decode(fragment_s, fps=FPS)
