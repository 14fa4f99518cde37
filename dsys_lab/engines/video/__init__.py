"""Real video: H.264 in fragments, made and read by FFmpeg's libraries (PyAV).

A *fragmented* MP4 is a head, which says what codec and what size, and then fragments, each of which can be decoded with
the head alone, if it begins with a key frame. `film` makes them from frames, `decoded` and `moment` make frames of them
again, `joined` makes a file of several that any player plays. What holds them in between (`brokers/video_stream`) knows
nothing of pictures.

x264 runs on one thread here and uses no instruction that only some processors have otherwise: the same frames make the
same bytes, so sizes on a page can be counted again.

Differences from a camera that uploads to Kinesis Video Streams: it sends Matroska and not MP4 (same frames, another
box around them); its encoder is hardware.

Sources: ISO/IEC 14496-12 (boxes of MP4: moov, moof, mdat, tfdt); PyAV 18 documentation; x264 settings, "keyint".
"""

from dsys_lab.engines.video.boxes import parts
from dsys_lab.engines.video.codec import decoded, film, joined, moment
from dsys_lab.engines.video.screen import Screen, png

__all__ = ["Screen", "decoded", "film", "joined", "moment", "parts", "png"]
