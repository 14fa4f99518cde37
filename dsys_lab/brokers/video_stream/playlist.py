"""What a player is told: a text that names the fragments in order (HTTP Live Streaming).

A player asks for it again and again, and fetches what is new. Each fragment has its length; where two do not meet, the
text says so (`DISCONTINUITY`), so that the player begins its clock anew and does not wait for what never was filmed. A
list that is complete ends with `ENDLIST`.

Source: Pantos and May, "HTTP Live Streaming", RFC 8216, 2017, 4.3; Amazon Kinesis Video Streams service model in
botocore 1.44.5, GetHLSStreamingSessionURL (DiscontinuityMode ON_DISCONTINUITY).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from dsys_lab.brokers.video_stream.fragments import Listed


def written(fragments: Sequence[Listed], *, is_live: bool) -> str:
    """Return the playlist of fragments, in the order in which they were filmed.

    Parameters
    ----------
    fragments : sequence of Listed
        Those that can be played.
    is_live : bool
        Whether more will come.

    Examples
    --------
    >>> one, two = (Listed(number, f"f{number}", start, 0, 2_000_000, 9, True) for number, start in ((3, 0), (4, 9)))
    >>> print(written([one, two], is_live=False))
    #EXTM3U
    #EXT-X-VERSION:7
    #EXT-X-TARGETDURATION:2
    #EXT-X-MEDIA-SEQUENCE:3
    #EXT-X-MAP:URI="head.mp4"
    #EXTINF:2.000,
    3.m4s
    #EXT-X-DISCONTINUITY
    #EXTINF:2.000,
    4.m4s
    #EXT-X-ENDLIST
    """
    longest_s = max((one.duration_us for one in fragments), default=0) / 1e6
    first = fragments[0].number if fragments else 0
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{math.ceil(longest_s)}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}", '#EXT-X-MAP:URI="head.mp4"',
    ]  # fmt: skip
    breaks = {later.number for earlier, later in pairwise(fragments) if earlier.ends_us("camera") != later.filmed_us}
    for one in fragments:
        lines += ["#EXT-X-DISCONTINUITY"] * (one.number in breaks)
        lines += [f"#EXTINF:{one.duration_us / 1e6:.3f},", f"{one.number}.m4s"]
    return "\n".join(lines if is_live else [*lines, "#EXT-X-ENDLIST"])
