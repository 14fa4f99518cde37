"""What those who speak S3 do otherwise than the model, and where S3 itself stands."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

BOTH: Final = (
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
        "a range that begins behind the end has no bytes",
        "moto, SeaweedFS: 416, as S3",
        "It is told here as an object without data, at the price of a second request.",
    ),
    Difference(
        "parts are listed by rising number",
        "moto, SeaweedFS: take them in another order, or one twice",
        "S3 says InvalidPartOrder.",
        ("test_parts_out_of_order_make_no_object",),
    ),
)
MOTO: Final = (
    Difference(
        "NoSuchUpload: a part of an upload that is gone",
        "moto: fails with an error of its own (500)",
        "S3 says NoSuchUpload. A 500 is told as `MayHaveHappened`; nothing was stored.",
        ("test_nothing_can_be_added_to_an_upload_that_is_gone",),
    ),
)
SEAWEEDFS: Final = (
    Difference(
        "a key is a word, and / a letter in it",
        "SeaweedFS: keys are paths of a file system, and what ends in / is a folder",
        "In S3 `a`, `a/` and `a/b` are three objects.",
        ("test_a_slash_is_a_letter",),
    ),
    Difference(
        "a part that is put again takes the place of the first",
        "SeaweedFS: the list of parts has both",
        "S3 lists the last. Which of them counts is told by the tag at completion.",
        ("test_a_part_that_is_put_again_replaces_the_first",),
    ),
)
S3: Final = (*BOTH, *MOTO, *SEAWEEDFS)


def skips(*differences: Difference) -> frozenset[str]:
    """Return the cases of the conformance suite that these are the reason to skip."""
    return frozenset(name for difference in differences for name in difference.skips)
