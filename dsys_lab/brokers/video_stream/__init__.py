"""How does a film that never ends become data that can be asked for a moment?

It is cut. A *fragment* is a few seconds of video that begins with a key frame, a picture that is whole by itself; all
others in it say only what has changed. So a fragment is the least that can be decoded alone, and everything else counts
in fragments: what is uploaded, kept, listed, lost, and how far behind life a live picture is::

    camera ──> device buffer ──> link ──> |  fragments, each with two times  | ──> playlist ──> viewer
    fragment    what waits       fails,    when it was filmed (the camera's      the newest      k of them
    every f s   for the link     slow      clock), when it came (the service's)  few             before it plays

A picture is live when its fragment is complete, uploaded, listed, and `k` of them are there to play: `k f` behind, at
best, and the way. Shorter fragments are fresher, and cost key frames.

The semantics are those of Amazon Kinesis Video Streams. Everything is sans-I/O but for the disk: time is an argument,
and what is in the fragments is somebody else's business (`engines/video` makes and reads them). In reading order:

================  ==================================================================================================
`fragments`       what is put, listed and missing
`device`          what a camera holds while its link is down, and what it lets go
`stream`          the verbs: put, list, find a moment, read, list what is missing
`playlist`        what a player is told (HTTP Live Streaming)
`viewer`          who plays: a small buffer, and what happens when it is empty
================  ==================================================================================================

The stream promises
-------------------
1. A fragment that was answered with `Persisted` is there until it is too old, whenever the power goes. One that was
   answered with `Buffered` is in memory only.
2. A fragment that is put again is there once.
3. Every moment that can be played lies in a fragment that begins with a key frame; every moment of an interval that
   cannot is in the list of gaps.
4. What came late or out of order is found where it was filmed, and where it came.

Not promised: that the camera's clock is right. That is why there are two times.

Cost: one sync a fragment; some 200 bytes of memory each, without the pictures.

What is otherwise in Kinesis Video Streams: its numbers have gaps, a list may lag behind a put for a second, the answers
come in several steps (buffering, received, persisted) on one long connection. Left out: audio, encryption, edge agents,
storage tiers, WebRTC's signalling.

Sources: Amazon Kinesis Video Streams service models in botocore 1.44.5 (CreateStream, ListFragments,
GetHLSStreamingSessionURL) and Developer Guide, "PutMedia", read in November 2026; Pantos and May, "HTTP Live
Streaming", RFC 8216, 2017.
"""

from dsys_lab.brokers.video_stream.device import DeviceBuffer
from dsys_lab.brokers.video_stream.fragments import Buffered, Duplicate, Fragment, Gap, Listed, Persisted, Status
from dsys_lab.brokers.video_stream.stream import VideoStream
from dsys_lab.brokers.video_stream.viewer import Viewer

__all__ = [
    "Buffered",
    "DeviceBuffer",
    "Duplicate",
    "Fragment",
    "Gap",
    "Listed",
    "Persisted",
    "Status",
    "VideoStream",
    "Viewer",
]
