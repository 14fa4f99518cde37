"""A queue of SQS into which another service puts what it hands on: what a topic or a bus told somebody lies here.

The queue says by its policy who may send to it; moto does not look, AWS does.
"""

from __future__ import annotations

import json

from dsys_lab.brokers.work_queue.settings import BATCH_MAX
from dsys_lab.engines.aws.connection import Connection


class TargetQueue:
    """A new queue, to be removed by `Connection.remove(url)`.

    Attributes
    ----------
    url, arn : str
    """

    def __init__(self, aws: Connection) -> None:
        self._aws = aws
        self.url: str = aws.call("sqs", "create_queue", QueueName=aws.new_name(), tags=aws.tags)["QueueUrl"]
        aws.made(self.url, lambda: aws.call("sqs", "delete_queue", QueueUrl=self.url))
        told = aws.call("sqs", "get_queue_attributes", QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn: str = told["Attributes"]["QueueArn"]

    def let_in(self, service: str, source_arn: str) -> None:
        """Let this topic or rule of a service, and nobody else, send to the queue."""
        statement = {
            "Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage",
            "Resource": self.arn, "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._aws.call("sqs", "set_queue_attributes", QueueUrl=self.url, Attributes={"Policy": policy})

    def drained(self) -> list[str]:
        """Receive and delete all that lies in it, and return the bodies."""
        receive = {"QueueUrl": self.url, "MaxNumberOfMessages": BATCH_MAX, "WaitTimeSeconds": int(self._aws.is_real)}
        told = []
        while found := self._aws.call("sqs", "receive_message", **receive).get("Messages"):
            for message in found:
                told.append(message["Body"])
                self._aws.call("sqs", "delete_message", QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return told
