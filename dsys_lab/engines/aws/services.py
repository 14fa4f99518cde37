"""What is special to each service of AWS: what it may cost, and how to find what was left behind.

All else about an account is `connection`. A new service adds one `Service` to `SERVICES`: then the question before a
real account is used names its price too, and `sweep` finds what it left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from dsys_lab.engines.connection import PREFIX
from dsys_lab.errors import Refused
from dsys_lab.facts import fact

TAG: Final = "dsys_lab"
Call = Callable[..., dict[str, Any]]
"""`Connection.call`: service, operation, what is given."""


class Leftover(NamedTuple):
    """Something with our prefix and tag: the name under which it was `made`, and what removes it."""

    address: str
    remove: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of which the suite makes something.

    Attributes
    ----------
    title : str
        What the question calls it.
    price : str
        What it may cost, from `facts.toml`.
    leftovers : callable
        `(call)` -> what there is of it with our prefix and tag.
    """

    title: str
    price: str
    leftovers: Callable[[Call], Iterator[Leftover]]


def _queues(call: Call) -> Iterator[Leftover]:
    for url in call("sqs", "list_queues", QueueNamePrefix=PREFIX).get("QueueUrls", []):
        if TAG in call("sqs", "list_queue_tags", QueueUrl=url).get("Tags", {}):
            yield Leftover(url, partial(call, "sqs", "delete_queue", QueueUrl=url))


def _topics(call: Call) -> Iterator[Leftover]:
    after: dict[str, str] = {}
    while True:
        told = call("sns", "list_topics", **after)
        for topic in told.get("Topics", []):
            arn = topic["TopicArn"]
            if not arn.rpartition(":")[2].startswith(PREFIX):
                continue
            if any(tag["Key"] == TAG for tag in call("sns", "list_tags_for_resource", ResourceArn=arn)["Tags"]):
                yield Leftover(arn, partial(call, "sns", "delete_topic", TopicArn=arn))
        if "NextToken" not in told:
            return
        after = {"NextToken": told["NextToken"]}


def _tables(call: Call) -> Iterator[Leftover]:
    after: dict[str, str] = {"ExclusiveStartTableName": PREFIX}  # names come in order, so ours begin here
    for name in call("dynamodb", "list_tables", **after).get("TableNames", []):
        if not name.startswith(PREFIX):
            continue
        arn = call("dynamodb", "describe_table", TableName=name)["Table"]["TableArn"]
        tags = call("dynamodb", "list_tags_of_resource", ResourceArn=arn).get("Tags", [])
        if any(tag["Key"] == TAG for tag in tags):
            yield Leftover(name, partial(call, "dynamodb", "delete_table", TableName=name))


def _streams(call: Call) -> Iterator[Leftover]:
    names, more = list[str](), True
    while more:
        after = {"ExclusiveStartStreamName": names[-1]} if names else {}
        told = call("kinesis", "list_streams", **after)
        names, more = names + told["StreamNames"], told["HasMoreStreams"]
    for name in names:
        if name.startswith(PREFIX):
            tags = call("kinesis", "list_tags_for_stream", StreamName=name).get("Tags", [])
            if any(tag["Key"] == TAG for tag in tags):
                yield Leftover(name, partial(call, "kinesis", "delete_stream", StreamName=name))


def _buckets(call: Call) -> Iterator[Leftover]:
    for bucket in call("s3", "list_buckets").get("Buckets", []):
        name = bucket["Name"]
        if not name.startswith(PREFIX.replace("_", "-")):
            continue
        with suppress(Refused):  # it has no tags, and so is not ours
            tags = call("s3", "get_bucket_tagging", Bucket=name)["TagSet"]
            if any(tag["Key"] == TAG for tag in tags):
                yield Leftover(name, partial(empty_and_remove, call, name))


def empty_and_remove(call: Call, bucket: str) -> None:
    """Take away every upload and version in a bucket, and the bucket."""
    while uploads := call("s3", "list_multipart_uploads", Bucket=bucket).get("Uploads"):
        for upload in uploads:
            call("s3", "abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    while True:
        told = call("s3", "list_object_versions", Bucket=bucket)
        gone = [*told.get("Versions", []), *told.get("DeleteMarkers", [])]
        if not gone:
            break
        for one in gone:
            call("s3", "delete_object", Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    call("s3", "delete_bucket", Bucket=bucket)


def _buses(call: Call) -> Iterator[Leftover]:
    after: dict[str, str] = {}
    while True:
        told = call("events", "list_event_buses", NamePrefix=PREFIX, **after)
        for bus in told.get("EventBuses", []):
            tags = call("events", "list_tags_for_resource", ResourceARN=bus["Arn"]).get("Tags", [])
            if any(tag["Key"] == TAG for tag in tags):
                yield Leftover(bus["Arn"], partial(clear_and_remove, call, bus["Name"], bus["Arn"]))
        if "NextToken" not in told:
            return
        after = {"NextToken": told["NextToken"]}


def clear_and_remove(call: Call, bus: str, arn: str) -> None:
    """Take away the archives and rules of a bus, and the bus."""
    for archive in call("events", "list_archives", EventSourceArn=arn)["Archives"]:
        call("events", "delete_archive", ArchiveName=archive["ArchiveName"])
    for rule in call("events", "list_rules", EventBusName=bus)["Rules"]:
        remove_rule(call, bus, rule["Name"])
    call("events", "delete_event_bus", Name=bus)


def remove_rule(call: Call, bus: str, rule: str) -> None:
    """Take away the targets of a rule, and the rule."""
    targets = call("events", "list_targets_by_rule", Rule=rule, EventBusName=bus)["Targets"]
    if targets:
        call("events", "remove_targets", Rule=rule, EventBusName=bus, Ids=[target["Id"] for target in targets])
    call("events", "delete_rule", Name=rule, EventBusName=bus)


S3: Final = Service(
    "Amazon S3",
    f"Writes and lists: {fact('s3_price_put')}. Reads: {fact('s3_price_get')}. Kept: {fact('s3_price_storage')}. A "
    "notebook of this suite makes some hundreds of requests, and keeps some megabytes for minutes: less than a cent",
    _buckets,
)

SERVICES: Final = (
    Service(
        "Amazon SQS",
        f"Standard queues: {fact('sqs_price_standard')}. FIFO queues: {fact('sqs_price_fifo')}. A notebook of this "
        "suite makes some hundreds of requests: nothing, or less than a cent",
        _queues,
    ),
    Service(
        "Amazon SNS",
        f"Standard topics: {fact('sns_price_publish')}. A notebook of this suite publishes some dozens: nothing, or "
        "less than a cent",
        _topics,
    ),
    Service(
        "Amazon EventBridge",
        f"Events of one's own: {fact('eventbridge_price_event')}. A notebook of this suite puts some hundreds: less "
        "than a cent",
        _buses,
    ),
    Service(
        "Amazon DynamoDB",
        f"On demand, writes: {fact('dynamodb_price_write')}. Reads: {fact('dynamodb_price_read')}. A notebook of this "
        "suite uses some hundreds of units: less than a cent",
        _tables,
    ),
    S3,
    Service(
        "Amazon Kinesis Data Streams",
        f"Shards: {fact('kinesis_price_shard')}. Records: {fact('kinesis_price_put')}. A notebook of this suite has "
        "some ten shards for minutes, and each is paid for a whole hour: some cents",
        _streams,
    ),
)
"""Those that the suite uses."""
