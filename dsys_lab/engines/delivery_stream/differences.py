"""What Firehose's stand-in does otherwise than the model of a delivery stream."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

FIREHOSE: Final = (
    Difference(
        "a glass and an hourglass: records wait for each other", "moto writes an object at every call, at once",
        "size, age and number of crates: ask the model, or a real account",
        ("records_wait_for_each_other", "what_waits_long_enough_goes_out"),
    ),
    Difference(
        "each record of a call is accepted or throttled for itself",
        "moto accepts all, and knows no limit, neither of a call nor of a second",
        "`FailedPutCount` is always 0; calls past the documented limits are refused before they are sent", (),
    ),
    Difference(
        "the key ends in the crate's number and the attempt", "the key ends in a UUID",
        "both name the stream, its version and the second; two attempts are two objects", (),
    ),
    Difference(
        "holds, tries again, sets aside", "moto writes or raises",
        "outages are the model's", (),
    ),
)  # fmt: skip
