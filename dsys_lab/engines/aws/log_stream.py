"""Kinesis itself, through boto3: the verbs of the model on `PutRecord`, `GetRecords`, `SplitShard` and their like.

A stream is tagged as it is made; moto forgets such tags, and its `sweep` finds nothing.

Kinesis has no place for what a record is called, so the message's id and copy travel in front of the data, as one line
of JSON. A stream and its shards take some seconds to be made or divided at a real account: every such verb waits until
the stream is ACTIVE again.

What moto does otherwise than the model, and where Kinesis stands, is in `dsys_lab.engines.log_stream.differences`.

Cost: each verb is one request; a stream is billed by shard and hour, begun ones whole, until it is removed.

Sources: Amazon Kinesis service model in botocore 1.44.5; behaviour as measured with moto 5.2.5.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from dsys_lab.brokers.log_stream import Entry, KeyRange, Limits, Record, Settings, Stored, Throttled
from dsys_lab.brokers.log_stream.stream import READ_MAX_RECORDS
from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.log_stream.verbs import (
    Read,
    SeenShard,
    Status,
    require_entries,
    require_limit,
    require_position,
    require_shard,
)
from dsys_lab.errors import BadParameter, MayHaveHappened, Refused
from dsys_lab.facts import fact

TOO_FAST: Final = "ProvisionedThroughputExceededException"
RETENTION_MIN_S: Final = fact("kinesis_retention_default").value * 3_600
READY_WITHIN_S: Final = 120
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Token(NamedTuple):
    """A position as Kinesis gives it."""

    shard: str
    native: str


class KinesisStream:
    """A stream of Kinesis with the verbs of the model `LogStream`.

    Use it in a `with` block, which removes it.

    Parameters
    ----------
    place : str
        What it is for; Kinesis is given a name of its own.
    settings : Settings, optional
        `retention_s` in hours, 24 at least; `limits` are Kinesis' own: give those of `Limits()`, or None.
    over : Connection, optional
        Another connection than the one that this process shares.

    Examples
    --------
    >>> with KinesisStream("nights", Settings(shards=2)) as stream:  # doctest: +SKIP
    ...     stored = stream.put(Entry("m1", "anna", b"fell asleep"))
    ...     stream.read(stream.iterator(stored.shard, "TRIM_HORIZON")).records[0].key
    'anna'
    """

    def __init__(self, place: str, settings: Settings | None = None, *, over: Connection | None = None) -> None:
        self.place, self.settings = place, settings or Settings()
        self._put = self._throttled = 0
        if self.settings.limits not in (None, Limits()):
            raise BadParameter(f"limits = {self.settings.limits}: Kinesis has its own; give none, or those of Limits()")
        hours = self.settings.retention_s / 3_600
        if self.settings.retention_s < RETENTION_MIN_S or hours != int(hours):
            raise BadParameter(f"retention_s = {self.settings.retention_s:,.0f}: give whole hours, 24 at least")
        self._aws = over or connection()
        self._name = self._aws.new_name()
        self._call("create_stream", ShardCount=self.settings.shards, Tags=self._aws.tags)
        self._aws.made(self._name, lambda: self._call("delete_stream", EnforceConsumerDeletion=True))
        self._wait_until_active()
        if self.settings.retention_s > RETENTION_MIN_S:
            self._call("increase_stream_retention_period", RetentionPeriodHours=int(hours))
            self._wait_until_active()

    # ------------------------------------------------------------ write path
    def put(self, entry: Entry) -> Stored | Throttled:
        """Write one record, and say where it lies.

        Raises
        ------
        MayHaveHappened
            If no answer comes; whoever puts it again may have put it twice.
        """
        require_entries(self.settings, [entry])
        try:
            answer = self._call("put_record", **_wire(entry))
        except Refused as error:
            if TOO_FAST not in str(error):
                raise
            self._throttled += 1
            return Throttled("", "write")
        self._put += 1
        return Stored(answer["ShardId"], int(answer["SequenceNumber"]))

    def put_many(self, entries: Iterable[Entry]) -> list[Stored | Throttled]:
        """Write up to 500 records; each is stored or throttled for itself."""
        batch = require_entries(self.settings, entries)
        answers = self._call("put_records", Records=[_wire(entry) for entry in batch])["Records"]
        failed = [answer["ErrorMessage"] for answer in answers if answer.get("ErrorCode") not in (None, TOO_FAST)]
        if failed:
            raise MayHaveHappened(f"{len(failed)} of {len(batch)} records failed ({failed[0]}): look which are there")
        said = [
            Stored(answer["ShardId"], int(answer["SequenceNumber"])) if "ShardId" in answer else Throttled("", "write")
            for answer in answers
        ]
        throttled = sum(isinstance(answer, Throttled) for answer in said)
        self._put, self._throttled = self._put + len(said) - throttled, self._throttled + throttled
        return said

    # ------------------------------------------------------------ read path
    def iterator(self, shard: str, kind: str, *, sequence: int | None = None, at_us: int | None = None) -> Token:
        """Return a position on a shard; `at_us` counts from 1970, as `arrived_us` does."""
        require_position(kind, sequence, at_us)
        require_shard(shard, (seen.name for seen in self.shards()))
        given: dict[str, Any] = {}
        if sequence is not None:
            given["StartingSequenceNumber"] = str(sequence)
        if at_us is not None:
            given["Timestamp"] = EPOCH + timedelta(microseconds=at_us)
        answer = self._call("get_shard_iterator", ShardId=shard, ShardIteratorType=kind, **given)
        return Token(shard, answer["ShardIterator"])

    def read(self, iterator: Token, *, limit: int = READ_MAX_RECORDS) -> Read | Throttled:
        """Return the next records of a shard."""
        require_limit(limit)
        try:
            answer = self._aws.call("kinesis", "get_records", ShardIterator=iterator.native, Limit=limit)
        except Refused as error:
            if TOO_FAST not in str(error):
                raise
            self._throttled += 1
            return Throttled(iterator.shard, "read")
        position = answer.get("NextShardIterator")
        return Read(
            tuple(_record(record) for record in answer["Records"]),
            None if position is None else Token(iterator.shard, position),
            answer["MillisBehindLatest"] == 0,
            tuple(child["ShardId"] for child in answer.get("ChildShards", [])),
        )

    # ------------------------------------------------------------ shards
    def split(self, shard: str) -> tuple[str, str]:
        """Close a shard and open one for each half of its range."""
        before = {seen.name: seen for seen in self.shards()}
        require_shard(shard, before)
        self._call("split_shard", ShardToSplit=shard, NewStartingHashKey=str(before[shard].keys.middle))
        first, second = self._new_shards(before)
        return first, second

    def merge(self, shard: str, neighbour: str) -> str:
        """Close two neighbours and open one."""
        before = {seen.name: seen for seen in self.shards()}
        self._call("merge_shards", ShardToMerge=shard, AdjacentShardToMerge=neighbour)
        [child] = self._new_shards(before)
        return child

    def _new_shards(self, before: Iterable[str]) -> list[str]:
        self._wait_until_active()
        known = set(before)
        return [seen.name for seen in self.shards() if seen.name not in known]

    def shards(self) -> list[SeenShard]:
        """Return the shards, oldest first."""
        found, more = list[dict[str, Any]](), dict[str, str]()
        while True:
            answer = self._aws.call("kinesis", "list_shards", **(more or {"StreamName": self._name}))
            found += answer["Shards"]
            if "NextToken" not in answer:
                return [_seen(shard) for shard in found]
            more = {"NextToken": answer["NextToken"]}

    def status(self) -> Status:
        """Return the shards, and what was answered so far."""
        return Status(tuple(self.shards()), self._put, self._throttled)

    # ------------------------------------------------------------ upkeep
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        return self._aws.call("kinesis", operation, StreamName=self._name, **given)

    def _wait_until_active(self) -> None:
        ends_s = time.monotonic() + READY_WITHIN_S
        while (state := self._summary()["StreamStatus"]) != "ACTIVE":
            if time.monotonic() > ends_s:
                raise MayHaveHappened(f"the stream is {state} for {READY_WITHIN_S} s: look at the account")
            time.sleep(0.2)

    def _summary(self) -> dict[str, Any]:
        return self._call("describe_stream_summary")["StreamDescriptionSummary"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._aws.remove(self._name)


def _wire(entry: Entry) -> dict[str, Any]:
    label = json.dumps({"message": entry.message, "copy": entry.copy}).encode()
    given: dict[str, Any] = {"PartitionKey": entry.key, "Data": label + b"\n" + entry.data}
    return given if entry.hash_key is None else {**given, "ExplicitHashKey": str(entry.hash_key)}


def _record(said: dict[str, Any]) -> Record:
    label, _, data = said["Data"].partition(b"\n")
    arrived_us = (said["ApproximateArrivalTimestamp"] - EPOCH) // timedelta(microseconds=1)
    return Record(int(said["SequenceNumber"]), arrived_us, key=said["PartitionKey"], data=data, **json.loads(label))


def _seen(said: dict[str, Any]) -> SeenShard:
    keys = KeyRange(int(said["HashKeyRange"]["StartingHashKey"]), int(said["HashKeyRange"]["EndingHashKey"]) + 1)
    parents = tuple(said[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in said)
    return SeenShard(said["ShardId"], keys, parents, "EndingSequenceNumber" not in said["SequenceNumberRange"])
