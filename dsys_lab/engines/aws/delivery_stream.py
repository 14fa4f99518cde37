"""Amazon Data Firehose itself, through boto3: a stream, its role and its bucket, and what lands there.

Moto shows the shape of the calls and the names of the objects; it buffers nothing
(`dsys_lab.engines.delivery_stream.differences`).

Cost: each call is one request; at a real account a stream is billed by the gigabyte, and its objects as S3 bills them.

Sources: Amazon Data Firehose service model in botocore 1.44.5; behaviour as measured with moto 5.2.5.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, Self

from dsys_lab.brokers.delivery_stream import Entry, Settings
from dsys_lab.brokers.delivery_stream.settings import require_batch
from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.aws.services import empty_and_remove
from dsys_lab.errors import BadParameter, EngineMissing, MayHaveHappened

MIB: Final = 1 << 20
READY_WITHIN_S: Final = 120


class FirehoseStream:
    """A delivery stream of Firehose into a bucket of its own.

    Use it in a `with` block, which removes both. A real account needs a role that may write to the bucket, which this
    suite does not make: it is for the stand-in.

    Parameters
    ----------
    settings : Settings, optional
        `size_bytes` in whole MiB, `interval_s` and `prefix`.

    Examples
    --------
    >>> with FirehoseStream() as stream:  # doctest: +SKIP
    ...     stream.put(b"fell asleep")
    ...     stream.objects()
    """

    def __init__(self, settings: Settings | None = None, *, over: Connection | None = None) -> None:
        self.settings = settings or Settings()
        size_mib = self.settings.size_bytes / MIB
        if size_mib != int(size_mib):
            raise BadParameter(f"size_bytes = {self.settings.size_bytes:,}: Firehose takes whole MiB, 1 to 128")
        self._aws = over or connection()
        if self._aws.is_real:
            raise EngineMissing("Firehose needs a role that may write to its bucket, and none is made here: use moto")
        self._name, self._bucket = self._aws.new_name(), self._aws.new_name().replace("_", "-").lower()
        self._aws.call("s3", "create_bucket", Bucket=self._bucket)
        self._aws.made(self._bucket, lambda: empty_and_remove(self._aws.call, self._bucket))
        self._call("create_delivery_stream", DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/firehose", "BucketARN": f"arn:aws:s3:::{self._bucket}",
            "Prefix": self.settings.prefix,
            "BufferingHints": {"SizeInMBs": int(size_mib), "IntervalInSeconds": int(self.settings.interval_s)},
        })  # fmt: skip
        self._aws.made(self._name, lambda: self._call("delete_delivery_stream"))
        self._wait_until_active()

    def put(self, data: bytes) -> None:
        """Put one record."""
        require_batch([Entry("", data)])
        self._call("put_record", Record={"Data": data})

    def put_many(self, records: Sequence[bytes]) -> int:
        """Put up to 500 records; return how many were not taken: they must be put again."""
        require_batch([Entry("", data) for data in records])  # moto would take any
        answer = self._call("put_record_batch", Records=[{"Data": data} for data in records])
        return int(answer["FailedPutCount"])

    def objects(self) -> dict[str, bytes]:
        """Return what is in the bucket, oldest first."""
        told = self._aws.call("s3", "list_objects_v2", Bucket=self._bucket).get("Contents", [])
        keys = [one["Key"] for one in sorted(told, key=lambda one: (one["LastModified"], one["Key"]))]
        return {key: self._aws.call("s3", "get_object", Bucket=self._bucket, Key=key)["Body"].read() for key in keys}

    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        return self._aws.call("firehose", operation, DeliveryStreamName=self._name, **given)

    def _wait_until_active(self) -> None:
        ends_s = time.monotonic() + READY_WITHIN_S
        while True:
            state = self._call("describe_delivery_stream")["DeliveryStreamDescription"]["DeliveryStreamStatus"]
            if state == "ACTIVE":
                return
            if time.monotonic() > ends_s:
                raise MayHaveHappened(f"the stream is {state} for {READY_WITHIN_S} s: look at the account")
            time.sleep(0.2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._aws.remove(self._name)
        self._aws.remove(self._bucket)
