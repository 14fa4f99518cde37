"""SNS itself, through boto3: a topic, and a queue of SQS for each subscriber.

Each verb is a call: `Subscribe` with a filter policy, `Unsubscribe`, `Publish`. What a subscriber hears lies in its
queue until it is asked for, so a subscriber that is down misses nothing.

Cost: a publish is one request; a subscriber is a queue, a policy and a subscription.

Sources: Amazon SNS API Reference; Amazon SNS Developer Guide, "Fanout to Amazon SQS queues"; read in November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.aws.target_queue import TargetQueue


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
        self._queues: dict[str, TargetQueue] = {}
        self._seats: dict[str, str] = {}

    def subscribe(self, name: str, only: Mapping[str, Any] | None = None, *, scope: str = "attributes") -> None:
        """Give a subscriber a queue, and the queue a seat."""
        queue = self._queues[name] = TargetQueue(self._aws)
        self._made.append(queue.url)
        queue.let_in("sns.amazonaws.com", self._arn)
        attributes = {"RawMessageDelivery": "true"}
        if only:
            attributes["FilterPolicy"] = json.dumps(only)
            attributes["FilterPolicyScope"] = "MessageBody" if scope == "body" else "MessageAttributes"
        told = self._aws.call(
            "sns", "subscribe", TopicArn=self._arn, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes,
            ReturnSubscriptionArn=True,
        )  # fmt: skip
        self._seats[name] = told["SubscriptionArn"]

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
        return self._queues[name].drained()

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
