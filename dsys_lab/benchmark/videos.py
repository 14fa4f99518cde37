"""Video: fragments into the stream, each on disk before its answer, and into a plain file; and a moment found again."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.brokers.video_stream import Fragment, VideoStream
from dsys_lab.structures import RealDisk, VolatileDisk

MB: Final = 1_000_000
LASTS_US: Final = 2_000_000
DATA: Final = b"x" * (MB // 2)
"""Two seconds of 2 Mbit/s."""
FRAGMENTS: Final = 20
KEPT: Final = 2_000


def put(fragments: int = FRAGMENTS) -> float:
    """Put fragments of two seconds; return MB."""
    with TemporaryDirectory() as folder:
        stream = VideoStream("bedroom", RealDisk(Path(folder)), retention_s=86_400, segment_bytes=64 * MB)
        for number in range(fragments):
            stream.put((number + 1) * LASTS_US, Fragment(f"f{number}", number * LASTS_US, LASTS_US, DATA))
    return fragments * len(DATA) / MB


def appended(fragments: int = FRAGMENTS, *, safe: bool = False) -> float:
    """Append the same bytes to a file, if `safe` with a sync for each fragment; return MB."""
    with TemporaryDirectory() as folder, Path(folder, "film").open("ab", buffering=0) as file:
        for _ in range(fragments):
            file.write(DATA)
            if safe:
                os.fsync(file.fileno())
    return fragments * len(DATA) / MB


def video() -> None:
    """Put fragments, and append to a plain file with and without a sync for each."""
    rivals = [
        Rival("the model", put),
        Rival("a plain file, a sync a fragment", lambda: appended(safe=True)),
        Rival("a plain file", appended),
    ]
    compare("Fragments of half a megabyte", "MB", rivals)


def moments() -> None:
    """Find moments of an hour of film by its index, and by looking at each fragment."""
    stream = VideoStream("bedroom", VolatileDisk(), retention_s=86_400)
    for number in range(KEPT):
        stream.put((number + 1) * LASTS_US, Fragment(f"f{number}", number * LASTS_US, LASTS_US, b"x"))
    now_us, asked = KEPT * LASTS_US, [7_919_000_003 * one % (KEPT * LASTS_US) for one in range(200)]
    listed = stream.fragments(now_us, 0, now_us)

    def by_index() -> float:
        return float(sum(stream.moment(now_us, at_us) is not None for at_us in asked))

    def one_by_one() -> float:
        return float(sum(any(one.filmed_us <= at_us < one.ends_us("camera") for one in listed) for at_us in asked))

    compare("Moments of an hour of film", "moments", [Rival("the index", by_index), Rival("one by one", one_by_one)])
