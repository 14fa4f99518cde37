"""What those who speak S3 do otherwise than the model, and where S3 itself stands."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

S3: Final = (
    Difference(
        "SlowDown: when a range of keys has no token left",
        "moto, SeaweedFS: never",
        "S3 answers 503, and cuts the range after a while. So hot prefixes are shown by the model.",
    ),
    Difference(
        "bytes outlive a crash of the store, and lost drives",
        "moto: in memory; SeaweedFS: on one disk, without codes as it is started here",
        "S3 keeps shards in three zones. So crashes and repair are shown by the model.",
        ("test_what_was_acknowledged_survives_crash_after_crash",),
    ),
    Difference(
        "two conditional writes come one after the other",
        "moto, SeaweedFS: they, too",
        "S3 may answer 409 to one of two that overlap: try again, an upload from the beginning.",
    ),
    Difference(
        "a version's name tells its order",
        "moto, SeaweedFS, S3: it is made by luck",
        "Ask for the list of versions: it is in order.",
    ),
    Difference(
        "a range that begins behind the end has no bytes",
        "moto, SeaweedFS, S3: 416",
        "It is told here as an object without data, by a second request.",
    ),
    Difference(
        "a list that says where to go on by the last key",
        "S3 also gives a token",
        "`after` works with all of them.",
    ),
)
