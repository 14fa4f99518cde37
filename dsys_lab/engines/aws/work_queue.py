"""SQS itself, through boto3: the verbs of the model, and an honest answer where the wire gives none.

Each verb of the model is a call: `SendMessage`, `ReceiveMessage`, `DeleteMessage`, `ChangeMessageVisibility` for both
`extend` and `nack`. Dead letters go to a second queue by a redrive policy, and are looked up there.

SQS says yes more often than it means it: to a deletion with an old handle, to a message that it has seen before. Where
the answer cannot tell, the queue's counts are compared before and after. They are exact at moto; at a real account they
lag behind, and so may the answer.

A message's logical id, its copy and its number travel with it as attributes.

What moto does otherwise than the model, and where SQS stands, is in `dsys_lab.engines.work_queue.differences`.

Cost: each verb is one request, a receive that may have buried somebody two or more, and a doubtful deletion three.

Sources: Amazon SQS API Reference and Developer Guide, read in November 2026; behaviour as measured with moto 5.2.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from dsys_lab.brokers.work_queue import Delivery, Settings
from dsys_lab.brokers.work_queue.lines import Stored
from dsys_lab.brokers.work_queue.settings import BATCH_MAX, to_us
from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.books import Loan, require_default
from dsys_lab.engines.work_queue.engine_queue import EngineQueue, Label, Outgoing, TooLargeError
from dsys_lab.errors import BadParameter, Refused

FIXED: Final = {
    "in_flight_max": "SQS has a limit of its own that cannot be set",
    "dedup_s": "SQS has a window of its own that cannot be set",
}
"""Settings that SQS does not take."""
PEEK_S: Final = 30
"""For how long dead letters are borrowed to be looked at."""
LABEL: Final = "dsys_lab"
"""The attribute in which a message's label travels."""
COUNTS: Final = {
    "visible": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}


class SqsQueue(EngineQueue[str]):
    """A queue of SQS with the verbs and the rows of the model `WorkQueue`.

    Use it in a `with` block, which removes it, and its queue of dead letters.

    Parameters
    ----------
    place : str
        The name under which its rows appear.
    settings : Settings, optional
        Times in whole seconds; `in_flight_max` and `dedup_s` cannot be set, nor `handles`.
    clock : WallClock
        Stamps its rows; silent by default.
    over : Connection, optional
        Another connection than the one that this process shares.

    Examples
    --------
    >>> with SqsQueue("clips") as queue:  # doctest: +SKIP
    ...     queue.send("m1", "a night of video")
    ...     [delivery] = queue.receive()
    ...     queue.acknowledge(delivery.handle)
    Accepted(message='m1', number=0)
    Acknowledged(message='m1')
    """

    def __init__(
        self,
        place: str,
        settings: Settings | None = None,
        *,
        clock: WallClock | None = None,
        over: Connection | None = None,
    ) -> None:
        self._aws = over or connection()
        super().__init__(place, settings, clock, self._aws)
        require_default(self.settings, FIXED)
        self._ids: set[str] = set()  # those that SQS gave
        name = self._aws.new_name()
        self._dead_url = self._create(f"{name}_dead", {}) if self.settings.max_receives is not None else None
        self._url = self._create(name, self._attributes())

    # ------------------------------------------------------------ messages
    def _store(self, outgoing: Outgoing) -> bool:
        """Send a message. SQS says yes to a duplicate too: by the id of the first one, or else the counts tell."""
        given = self._sendable(outgoing.label, outgoing.body, outgoing.key)
        if outgoing.delay_s is not None:
            given["DelaySeconds"] = whole("delay_s", outgoing.delay_s)
        may_be_there = outgoing.came_before and self.settings.is_fifo
        there = self._there() if may_be_there else 0
        try:
            answer = self._call("send_message", **given)
        except Refused as error:
            if "must be shorter" in str(error):
                raise TooLargeError from error
            raise
        if may_be_there and (answer["MessageId"] in self._ids or self._there() == there):
            return True
        self._ids.add(answer["MessageId"])
        return False

    def _sendable(self, label: Label, body: str, key: str | None) -> dict[str, Any]:
        attributes = {LABEL: {"DataType": "String", "StringValue": label.to_text()}}
        given: dict[str, Any] = {"MessageBody": body, "MessageAttributes": attributes}
        if label.group is not None and self.settings.kind != "standard":
            given["MessageGroupId"] = label.group
        if self.settings.is_fifo:
            given["MessageDeduplicationId"] = key
        return given

    def _borrow(self, limit: int, visibility_s: float, wait_s: float) -> list[tuple[Delivery, str]]:
        given = self._receive(self._url, limit, whole("visibility_s", visibility_s), whole("wait_s", wait_s))
        until_us = self.clock.now_us + to_us(visibility_s)
        return [(_delivery(message, until_us), message["ReceiptHandle"]) for message in given]

    def _receive(self, url: str, limit: int, visibility_s: int, wait_s: int = 0) -> list[dict[str, Any]]:
        return self._call(
            "receive_message",
            QueueUrl=url,
            MaxNumberOfMessages=limit,
            VisibilityTimeout=visibility_s,
            WaitTimeSeconds=wait_s,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        ).get("Messages", [])

    def _let_go(self, loan: Loan[str]) -> bool:
        """Delete. SQS says yes to an old handle too: whether it did, the counts tell."""
        was_stale = bool(loan.stale)
        there = self._there() if was_stale else 0
        try:
            self._call("delete_message", ReceiptHandle=loan.native)
        except Refused:
            return False
        return not (was_stale and self._there() == there)

    def _hide(self, loan: Loan[str], seconds: float) -> bool:
        return self._change_visibility(loan.native, whole("seconds", seconds))

    def _hand_back(self, loan: Loan[str], delay_s: float) -> bool:
        return self._change_visibility(loan.native, whole("delay_s", delay_s))

    def _change_visibility(self, handle: str, seconds: int, url: str | None = None) -> bool:
        given = {"ReceiptHandle": handle, "VisibilityTimeout": seconds}
        try:
            self._call("change_message_visibility", **given, **({"QueueUrl": url} if url else {}))
        except Refused:
            return False
        return True

    # ------------------------------------------------------------ dead letters
    def _find_dead(self) -> Iterable[int]:
        """Look at the dead letters and hand them back: in FIFO a letter on loan would hide the next of its group."""
        handles = self._borrow_dead()
        self._hand_back_dead(handles)
        return sorted(handles)

    def _borrow_dead(self) -> dict[int, str]:
        """Borrow all that lies in the queue of the dead letters (FIFO: the first ten of each group)."""
        handles: dict[int, str] = {}
        while self._dead_url is not None and (found := self._receive(self._dead_url, BATCH_MAX, PEEK_S)):
            handles |= {_label(message).number: message["ReceiptHandle"] for message in found}
        return handles

    def _hand_back_dead(self, handles: dict[int, str]) -> None:
        for handle in handles.values():
            self._change_visibility(handle, 0, self._dead_url)

    def _send_again(self, letters: list[Stored]) -> Iterator[None]:
        """Send each to the queue that it came from, and delete it among the dead."""
        handles = self._borrow_dead()
        try:
            for letter in letters:
                if letter.number not in handles:
                    handles |= self._borrow_dead()
                if letter.number not in handles:
                    raise Refused(f"{letter.message} is not among the dead letters now: look again in {PEEK_S} s")
                number = self._books.next_number
                label = Label(letter.message, letter.copy, number, letter.group)
                self._call("send_message", **self._sendable(label, letter.body, f"redriven {number}"))
                self._call("delete_message", QueueUrl=self._dead_url, ReceiptHandle=handles.pop(letter.number))
                yield
        finally:
            self._hand_back_dead(handles)

    # ------------------------------------------------------------ upkeep
    def _where(self) -> dict[str, int]:
        dead = sum(self._counts(self._dead_url).values()) if self._dead_url else 0
        return {**self._counts(self._url), "dead": dead}

    def _there(self) -> int:
        return sum(self._counts(self._url).values())

    def _counts(self, url: str) -> dict[str, int]:
        told = self._call("get_queue_attributes", QueueUrl=url, AttributeNames=list(COUNTS.values()))["Attributes"]
        return {name: int(told[attribute]) for name, attribute in COUNTS.items()}

    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        return self._aws.call("sqs", operation, **{"QueueUrl": getattr(self, "_url", None), **given})

    def _create(self, name: str, attributes: dict[str, str]) -> str:
        """Make a tagged queue, remember it for its removal, and return its address."""
        if self.settings.is_fifo:
            name, attributes = f"{name}.fifo", {**attributes, "FifoQueue": "true"}
        created = self._aws.call("sqs", "create_queue", QueueName=name, Attributes=attributes, tags=self._aws.tags)
        url: str = created["QueueUrl"]
        self._aws.made(url, lambda: self._aws.call("sqs", "delete_queue", QueueUrl=url))
        self._names.append(url)
        return url

    def _attributes(self) -> dict[str, str]:
        settings = self.settings
        attributes = {
            "VisibilityTimeout": str(whole("visibility_s", settings.visibility_s)),
            "MessageRetentionPeriod": str(whole("retention_s", settings.retention_s)),
            "DelaySeconds": str(whole("delay_s", settings.delay_s)),
            "MaximumMessageSize": str(settings.size_max_bytes),
        }
        if settings.is_fifo:
            attributes["ContentBasedDeduplication"] = str(settings.content_dedup).lower()
        if self._dead_url is not None:
            told = self._call("get_queue_attributes", QueueUrl=self._dead_url, AttributeNames=["QueueArn"])
            arn = told["Attributes"]["QueueArn"]
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": settings.max_receives}
            attributes["RedrivePolicy"] = json.dumps(policy)
        return attributes


def _label(message: dict[str, Any]) -> Label:
    return Label.from_text(message["MessageAttributes"][LABEL]["StringValue"])


def _delivery(message: dict[str, Any], until_us: int) -> Delivery:
    label, attempt = _label(message), int(message["Attributes"]["ApproximateReceiveCount"])
    return Delivery(label.message, label.copy, message["Body"], label.group, attempt, str(label.number), 0, until_us)


def whole(name: str, seconds: float) -> int:
    """Return whole seconds, which are all that SQS knows."""
    if seconds != int(seconds):
        raise BadParameter(f"{name} = {seconds!r}: SQS counts in whole seconds; give one")
    return int(seconds)
