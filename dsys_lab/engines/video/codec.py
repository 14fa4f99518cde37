"""Frames to fragments, and back."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsys_lab.engines.video.boxes import parts
from dsys_lab.errors import BadParameter, Damaged, EngineMissing, require_positive
from dsys_lab.workloads.film import Film, Piece

try:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream as AvStream
except ModuleNotFoundError as missing:
    raise EngineMissing(f"{missing.name} is not installed: pip install 'dsys_lab[video]'") from missing

Frame = NDArray[np.uint8]
FRAGMENTED: Final = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
ENCODER: Final = {
    "preset": "veryfast", "tune": "zerolatency", "sc_threshold": "0", "threads": "1",
    "x264-params": "cpu-independent=1",
}  # fmt: skip
QUALITY: Final = 28
"""x264's constant rate factor: 0 is without loss, 51 the worst."""


def film(frames: Iterable[Frame], *, fps: int, key_every_s: float, quality: int = QUALITY) -> Film:
    """Encode frames as H.264, a key frame and with it a new fragment every so often.

    Parameters
    ----------
    frames : iterable of array
        Height by width by 3, uint8.
    fps : int
        Frames a second.
    key_every_s : float
        Seconds from one key frame to the next: how long a fragment is.
    quality : int
        x264's constant rate factor, 0 (best) to 51.

    Raises
    ------
    BadParameter
        If there is no frame, or one is none.
    """
    require_positive(fps=fps, key_every_s=key_every_s)
    if not 0 <= quality <= 51:
        raise BadParameter(f"quality = {quality!r}: give 0 (best) to 51")
    out, stream = io.BytesIO(), None
    with av.open(out, "w", format="mp4", options=FRAGMENTED) as container:
        for frame in frames:
            _require_frame(frame)
            if stream is None:
                stream = _stream(container, frame, fps, max(1, round(key_every_s * fps)), quality)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if stream is None:
            raise BadParameter("there are no frames: give one at least")
        container.mux(stream.encode())
    return parts(out.getvalue())


def _stream(container: av.container.OutputContainer, frame: Frame, fps: int, key_every: int, quality: int) -> AvStream:
    stream = container.add_stream("libx264", rate=fps, options={**ENCODER, "crf": str(quality)})
    stream.height, stream.width = frame.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.gop_size = key_every
    stream.codec_context.time_base = Fraction(1, fps)
    return stream


def _require_frame(frame: Frame) -> None:
    if getattr(frame, "ndim", 0) != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise BadParameter("a frame is an array of uint8, height by width by 3")


def _reading(content: bytes) -> InputContainer:
    container = av.open(io.BytesIO(content), "r")
    assert isinstance(container, InputContainer)
    return container


def decoded(head: bytes, data: bytes) -> list[tuple[float, Frame]]:
    """Return the frames of one fragment or of several behind each other, each with its second of the film.

    Raises
    ------
    Damaged
        If nothing can be decoded.
    """
    try:
        with _reading(head + data) as container:
            frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    except (av.error.FFmpegError, IndexError) as error:
        raise Damaged(f"{len(data):,} bytes cannot be decoded: {error}") from error
    if not frames:
        raise Damaged(f"{len(data):,} bytes cannot be decoded: there is no whole frame in them")
    return [(float(time_s or 0), np.asarray(frame, np.uint8)) for time_s, frame in frames]


def moment(head: bytes, piece: Piece, at_s: float) -> Frame:
    """Return the frame that is on the screen at a second of the film, from its fragment alone."""
    shown = [frame for time_s, frame in decoded(head, piece.data) if time_s <= at_s + 1e-6]
    if not shown:
        raise BadParameter(f"at_s = {at_s!r}: the fragment begins at {piece.begins_s:g} s")
    return shown[-1]


def joined(head: bytes, pieces: Iterable[bytes]) -> bytes:
    """Return a plain MP4 file of some fragments: the same frames, not encoded again, and no gap between them."""
    out, clock = io.BytesIO(), 0
    with _reading(head + b"".join(pieces)) as source, av.open(out, "w", format="mp4") as target:
        old = source.streams.video[0]
        new = target.add_stream_from_template(old)
        for packet in source.demux(old):
            if packet.size:  # the last one is empty
                packet.pts = packet.dts = clock
                packet.stream = new
                clock += packet.duration or 0
                target.mux(packet)
    return out.getvalue()
