"""What JetStream and Kinesis do otherwise than the model, row by row: *model | engine | difference*.

The notebook shows these tables, the conformance suite skips by them, and for each row a test proves that it is so.
"""

from __future__ import annotations

from typing import Final

from dsys_lab.engines.difference import Difference

JETSTREAM: Final = (
    Difference(
        "shards with ranges, split and merged while they work",
        "a stream has one order; shards are subjects that the client chooses by the key's hash, as many as at first",
        "More partitions mean another mapping, and a key's older records stay where they are. Several streams would "
        "stand on several leaders; one stream is one leader, so its subjects share one limit.",
        (
            "a_split_closes_a_shard_and_opens_two_children",
            "neighbours_are_merged_into_one",
            "after_a_split_or_merge_records_go_to_the_children",
            "numbers_rise_across_a_split",
            "a_closed_shard_is_read_to_its_end_and_names_its_children",
        ),
    ),
    Difference(
        "numbers of a shard have no gaps",
        "one number line for the whole stream",
        "A subject's numbers rise with gaps; in return any two records of the stream have an order.",
        ("numbers_of_a_shard_have_no_gaps",),
    ),
    Difference(
        "a shard takes 1,000 records a second and says no to the rest",
        "as fast as the server's disk",
        "What is too much makes the publisher wait, or times out; limits are set on the size of a stream.",
        ("over_its_limit_a_record_is_turned_away_for_itself_alone", "over_its_limit_a_reader_is_turned_away"),
    ),
    Difference(
        "an iterator lives five minutes",
        "a position is a number, for ever",
        "A durable consumer even keeps it on the server.",
        ("an_iterator_expires",),
    ),
    Difference(
        "put_many: one call, an answer for each",
        "one publish each",
        "Here they go out together and the answers are awaited together. If one fails, which of the others are there "
        "must be looked up.",
    ),
)
"""What JetStream does otherwise than the model, as a table."""

KINESIS: Final = (
    Difference(
        "a shard takes 1,000 records a second and says no to the rest",
        "moto: takes all",
        "Kinesis answers `ProvisionedThroughputExceededException`, in PutRecords for each record by itself.",
        ("over_its_limit_a_record_is_turned_away_for_itself_alone", "over_its_limit_a_reader_is_turned_away"),
    ),
    Difference(
        "a closed shard takes no more records, and says when it has been read to its end",
        "moto: it goes on taking them in its children's place, and its iterator never ends; a merge copies the records",
        "So moto cannot show why parents come before children. Kinesis does as the model.",
        (
            "after_a_split_or_merge_records_go_to_the_children",
            "a_closed_shard_is_read_to_its_end_and_names_its_children",
        ),
    ),
    Difference(
        "numbers rise across a split",
        "moto: begin with 1 on each shard",
        "Those of Kinesis rise, with gaps.",
        ("numbers_rise_across_a_split",),
    ),
    Difference(
        "the last hash of a range belongs to its shard",
        "moto: to none, and the server fails with it",
        "One hash in 2^128 for each shard, so only who gives it as `hash_key` meets it.",
        ("the_last_hash_of_a_range_belongs_to_its_shard",),
    ),
    Difference(
        "sequence: one that the shard has had",
        "moto: any number",
        "Kinesis answers `InvalidArgumentException`.",
        ("a_number_that_the_shard_never_had_is_refused",),
    ),
    Difference(
        "an iterator lives five minutes",
        "moto: for ever",
        "Kinesis answers `ExpiredIteratorException`.",
        ("an_iterator_expires",),
    ),
    Difference(
        "retention_s: as short as you say",
        "24 hours at least, and moto lets nothing go",
        "So the end of a record is shown by the model and by JetStream.",
        ("at_its_retention_a_record_is_gone",),
    ),
    Difference(
        "record_max_bytes: up to 10 MiB",
        "moto: PutRecords up to 1 MiB a record and 5 MiB a call; PutRecord any size",
        "Kinesis takes 10 MiB if the stream was made so (`MaxRecordSizeInKiB`). Here the client looks before it calls.",
    ),
)
"""What Kinesis does otherwise than the model, as moto plays it, and where AWS stands."""
