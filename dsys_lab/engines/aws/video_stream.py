"""Kinesis Video Streams' own interface, as far as boto3 speaks it and its stand-in answers.

boto3 has no call that puts media: a camera speaks to the service by a producer's library, over one long connection. The
stand-in moto makes streams and gives addresses, and has neither fragments nor playlists. So nothing is uploaded here:
`answers` asks each call once, and says who answers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.difference import Difference
from dsys_lab.errors import EngineMissing, Refused

CONTROL, ARCHIVE = "kinesisvideo", "kinesis-video-archived-media"


class Asked(NamedTuple):
    """A call of the service, what it is for, and what came of it."""

    call: str
    what_for: str
    answer: str


CALLS: Final[tuple[tuple[str, str, dict[str, Any], str], ...]] = (
    ("create_stream", CONTROL, {"DataRetentionInHours": 24}, "make a stream"),
    ("describe_stream", CONTROL, {}, "say how long it keeps"),
    ("get_data_endpoint", CONTROL, {"APIName": "PUT_MEDIA"}, "say where to put and read"),
    ("put_media", "kinesis-video-media", {}, "put fragments"),
    ("list_fragments", ARCHIVE, {}, "find fragments by time"),
    ("get_hls_streaming_session_url", ARCHIVE, {}, "play, live or from the archive"),
    ("delete_stream", CONTROL, {}, "remove it"),
)
"""A life of a stream, in order: the call, its service, what is given besides the stream's name, what it is for."""

VIDEO: Final = (
    Difference(
        "a fragment is put when it is complete", "its bytes are sent while they are filmed, on one long connection",
        "the model is later, by the upload of a whole fragment",
    ),
    Difference(
        "one answer a fragment: persisted, or buffered", "three, as it goes: buffering, received, persisted",
        "the last of them is the promise",
    ),
    Difference(
        "fragments are numbered 0, 1, 2 as they come", "numbers have gaps, and are strings of many digits",
        "both rise",
    ),
    Difference(
        "what was put is listed at once", "a list may lag a moment behind",
        "who must not miss any asks again",
    ),
    Difference(
        "MP4", "Matroska goes in; MP4, HLS and DASH come out",
        "the same encoded frames, in another box: nobody encodes them again",
    ),
    Difference(
        "all verbs", "moto makes streams and gives addresses, no more",
        "fragments, lists and playlists are the model's here, or those of an account of your own",
    ),
)  # fmt: skip


def answers(over: Connection | None = None) -> tuple[Asked, ...]:
    """Ask each call of a stream's life once, and return who answers.

    Raises
    ------
    EngineMissing
        If a real account is meant: this asks what the stand-in can.
    """
    aws = over or connection()
    if aws.is_real:
        raise EngineMissing("this asks what the stand-in answers, and makes nothing in a real account: use moto")
    name, arn = aws.new_name(), ""
    told = []
    for call, service, given, what_for in CALLS:
        stream = {"StreamARN": arn} if call == "delete_stream" else {"StreamName": name}
        answer, found = _ask(aws, service, call, {**stream, **given})
        arn = str(found.get("StreamARN", arn))
        told.append(Asked(call, what_for, answer))
    return tuple(told)


def _ask(aws: Connection, service: str, call: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return in words who answered, and the answer."""
    if not hasattr(aws.client(service), call):
        return "boto3 has no such call", {}
    try:
        return "answered", aws.call(service, call, **given)
    except Refused:
        return "not by the stand-in", {}
