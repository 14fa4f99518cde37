"""What JetStream and PostgreSQL do otherwise than the model's log, row by row: *model | engine | difference*."""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

JETSTREAM: Final = (
    Difference(
        "the store knows the versions of a stream",
        "JetStream: it knows the number of the subject's newest message",
        "So the client translates: it remembers which message made the version that it expects, or looks it up.",
    ),
    Difference(
        "`load` after a version reads no more than that",
        "JetStream reads the subject from its first message",
        "What was loaded is counted by the server's work: with checkpoints one would keep message numbers in them.",
        ("a_load_after_a_version_reads_no_more_than_that",),
    ),
    Difference(
        "nothing is ever let go",
        "a stream of JetStream has limits of number, size and age, if somebody sets one",
        "Then the oldest events go. A fold is refused at the gap, and so is a reader of all streams, by the numbers of "
        "the messages; but a stream of which all went looks like a new one to who loads it. A stream is a store only "
        "without limits.",
    ),
    Difference(
        "what was appended is there after the power was cut",
        "JetStream answers when the operating system has the bytes, and syncs them every two minutes (`sync_interval`)",
        "A server that is killed loses nothing; a power cut may take what was acknowledged. `sync_interval: always` is "
        "the setting for a store.",
    ),
)
"""What JetStream does otherwise."""

POSTGRES: Final = (
    Difference(
        "one writer, positions 1, 2, 3",
        "PostgreSQL: many writers; a position is the number of a transaction",
        "Positions rise in the order in which they may be read, with gaps. So a reader of all streams knows a row that "
        "somebody deleted by the versions only: when the next event of that stream comes. And the numbers are this "
        "cluster's: a table that was dumped and restored in another is given new ones first, or nothing is read of it.",
        ("positions_of_the_first_commits_are_counted_from_one",),
    ),
    Difference(
        "what is appended is read at once",
        "readers of PostgreSQL wait for every older transaction of the cluster to end",
        "A session that somebody left open holds back all projections, and the position that `status` gives, not the "
        "writers.",
    ),
)
"""What PostgreSQL does otherwise."""
