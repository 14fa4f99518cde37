"""What Flink does otherwise than the model: each row is held by `tests/test_conformance_streaming_sql.py`, but for the
first, whose words are Flink 2.3.0's own, read on 28 November 2026.
"""

from typing import Final

from dsys_lab.engines.difference import Difference

FLINK_DIFFERENCES: Final = (
    Difference(
        "early_s and lateness_s for every window",
        "windows of TABLE(TUMBLE(...))",
        "Flink says: \"window table function based aggregate doesn't support early-fire and late-fire\". It has "
        "them, as settings table.exec.emit.*, for the older form GROUP BY TUMBLE(ts, ...), and they retract as here",
    ),
    Difference(
        "a window ends when the watermark has reached its end",
        "when it is a millisecond short of it",
        "time comes in whole milliseconds, so no row is between; but a row that holds the watermark exactly there "
        "closes the window in Flink and not in the model",
    ),
    Difference(
        "two events whose distance is just the gap of a SESSION make two sessions",
        "one session",
        "a session is a closed interval when it meets its neighbour",
    ),
    Difference(
        "late rows of a join still meet whom they find",
        "they may find others",
        "the two tables are two files, read side by side: how far one watermark is when a row of the other comes is no "
        "longer decided by the rows. Within the bound the answers are the same",
    ),
    Difference(
        "a Top-N over an update stream hears -U and +U one by one",
        "hears an update as one",
        "Flink says fewer changes; their fold is the same table",
    ),
    Difference(
        "INTERVAL '120' SECOND",
        "SECOND(2): two digits, unless you ask for more",
        "Flink refuses it by its place: INTERVAL '120' SECOND(3), or '2' MINUTE",
    ),
    Difference(
        "AVG of whole numbers is refused",
        "is a whole number, its fraction cut off",
        "a mean that is cut off is rarely meant",
    ),
    Difference(
        "any word may be a name",
        "ONE, VALUE, YEAR and three hundred others are reserved",
        "Flink refuses `AS one`; in backticks it takes it",
    ),
)
"""Every way that we know of."""
