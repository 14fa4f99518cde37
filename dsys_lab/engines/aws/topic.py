"""SNS itself, through boto3: a topic, and a queue of SQS for each subscriber.

Each verb is a call: `Subscribe` with a filter policy, `Unsubscribe`, `Publish`. What a subscriber hears lies in its
queue until it is asked for, so a subscriber that is down misses nothing. A queue says by its policy that this topic may
send to it; moto does not look, AWS does.

Cost: a publish is one request; a subscriber is a queue, a policy and a subscription.

Sources: Amazon SNS API Reference; Amazon SNS Developer Guide, "Fanout to Amazon SQS queues"; read in November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from dsys_lab.brokers.work_queue.settings import BATCH_MAX
from dsys_lab.engines.aws.connection import Connection, connection


class SnsTopic:
    """A topic of SNS with a queue for each subscriber. Use it in a `with` block, which removes them.

    Parameters
    ----------
    over : Connection, optional
        Another connection than the one that this process shares.
    """

    def __init__(self, *, over: Connection | None = None) -> None:
        self._aws = over or connection()
        tags = [{"Key": key, "Value": value} for key, value in self._aws.tags.items()]
        arn: str = self._aws.call("sns", "create_topic", Name=self._aws.new_name(), Tags=tags)["TopicArn"]
        self._arn, self._made = arn, [arn]
        self._aws.made(arn, lambda: self._aws.call("sns", "delete_topic", TopicArn=arn))
        self._queues: dict[str, str] = {}
        self._seats: dict[str, str] = {}

    def subscribe(self, name: str, only: Mapping[str, Any] | None = None, *, scope: str = "attributes") -> None:
        """Give a subscriber a queue, and the queue a seat."""
        url = self._queues[name] = self._new_queue()
        arn = self._aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"])
        queue_arn = arn["Attributes"]["QueueArn"]
        self._let_in(url, queue_arn)
        attributes = {"RawMessageDelivery": "true"}
        if only:
            attributes["FilterPolicy"] = json.dumps(only)
            attributes["FilterPolicyScope"] = "MessageBody" if scope == "body" else "MessageAttributes"
        told = self._aws.call(
            "sns", "subscribe", TopicArn=self._arn, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes,
            ReturnSubscriptionArn=True,
        )  # fmt: skip
        self._seats[name] = told["SubscriptionArn"]

    def _new_queue(self) -> str:
        created = self._aws.call("sqs", "create_queue", QueueName=self._aws.new_name(), tags=self._aws.tags)
        url: str = created["QueueUrl"]
        self._aws.made(url, lambda: self._aws.call("sqs", "delete_queue", QueueUrl=url))
        self._made.append(url)
        return url

    def _let_in(self, url: str, queue_arn: str) -> None:
        """Let this topic, and nobody else, send to the queue."""
        statement = {
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": self._arn}},
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes={"Policy": policy})

    def unsubscribe(self, name: str) -> None:
        """Take the seat away; what lies in the queue can still be read."""
        self._aws.call("sns", "unsubscribe", SubscriptionArn=self._seats.pop(name))

    def goes_down(self, name: str) -> None:
        """Do nothing: nobody reads the queue, and it fills."""

    def comes_back(self, name: str) -> None:
        """Do nothing: what came meanwhile lies in the queue."""

    def publish(self, message: str, **attributes: Any) -> None:
        """Publish; an attribute is a text, a number or a list of texts."""
        told = {name: _attribute(value) for name, value in attributes.items()}
        self._aws.call("sns", "publish", TopicArn=self._arn, Message=message, MessageAttributes=told)

    def heard(self, name: str) -> list[str]:
        """Receive and delete all that lies in a subscriber's queue."""
        url, told = self._queues[name], []
        receive = {"QueueUrl": url, "MaxNumberOfMessages": BATCH_MAX, "WaitTimeSeconds": int(self._aws.is_real)}
        while found := self._aws.call("sqs", "receive_message", **receive).get("Messages"):
            for message in found:
                told.append(message["Body"])
                self._aws.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for name in self._made:
            self._aws.remove(name)


def _attribute(value: Any) -> dict[str, str]:
    """Return a value as SNS wants it said."""
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    if isinstance(value, int | float):
        return {"DataType": "Number", "StringValue": json.dumps(value)}
    return {"DataType": "String.Array", "StringValue": json.dumps(value)}
