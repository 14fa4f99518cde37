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
import time
from types import TracebackType
from typing import Any, Final, Self

from dsys_lab.brokers.work_queue import (
    Acknowledged,
    Became,
    DeadLetter,
    Delivery,
    Extended,
    Returned,
    Sent,
    Settings,
    Stale,
    Status,
)
from dsys_lab.brokers.work_queue.settings import BATCH_MAX, VISIBILITY_MAX_S, to_us
from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.wall_clock import WallClock
from dsys_lab.engines.work_queue.books import Books, Loan, require_default
from dsys_lab.errors import BadParameter, MayHaveHappened, Refused

FIXED: Final = {
    "in_flight_max": "SQS has a limit of its own that cannot be set",
    "dedup_s": "SQS has a window of its own that cannot be set",
}
"""Settings that SQS does not take."""
COUNTS: Final = {
    "visible": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}


class SqsQueue:
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
        self.place, self.settings = place, settings or Settings()
        require_default(self.settings, FIXED)
        self.clock = clock or WallClock()
        self._books: Books[str] = Books(place, self.settings, self.clock)
        self._aws = over or connection()
        self._first: dict[str, str] = {}  # deduplication id -> the message that came with it
        self._sent_under: dict[str, str] = {}  # the id that SQS gave -> the message
        self._dead_handles: dict[int, str] = {}
        name = self._aws.new_name()
        self._dead_url = self._create(f"{name}_dead", {}) if self.settings.max_receives is not None else None
        self._url = self._create(name, self._attributes())

    # ------------------------------------------------------------ write path
    def send(
        self,
        message: str,
        body: str = "",
        *,
        group: str | None = None,
        dedup_id: str | None = None,
        delay_s: float | None = None,
        copy: int = 0,
    ) -> Sent:
        """Store a message. SQS takes no empty body.

        Raises
        ------
        MayHaveHappened
            If no answer comes. In a FIFO queue send it again under the same `dedup_id`: then it is there once.
        """
        self._books.require_what_fifo_needs(group, dedup_id, delay_s)
        given: dict[str, Any] = {"MessageBody": body, "MessageAttributes": self._attributes_of(message, copy)}
        if delay_s is not None:
            given["DelaySeconds"] = whole("delay_s", delay_s)
        if group is not None and self.settings.kind != "standard":
            given["MessageGroupId"] = group
        if dedup_id is not None and self.settings.is_fifo:
            given["MessageDeduplicationId"] = dedup_id
        came_before = self._first.get(dedup_id or f"body {body}") if self.settings.is_fifo else None
        there = self._there() if came_before is not None else 0
        try:
            answer = self._call("send_message", **given)
        except MayHaveHappened:
            self._books.leave_out()
            raise
        except Refused as error:
            if "must be shorter" in str(error):
                return self._books.reject(message, copy, "too large")
            raise
        of = self._sent_under.get(answer["MessageId"])
        if of is None and came_before is not None and self._there() == there:
            of = came_before
        if of is not None:
            return self._books.suppress(message, copy, of)
        if self.settings.is_fifo:
            self._sent_under[answer["MessageId"]] = self._first[dedup_id or f"body {body}"] = message
        return self._books.accept(message, copy, body, group, self.settings.delay_s if delay_s is None else delay_s)

    def _attributes_of(self, message: str, copy: int) -> dict[str, dict[str, str]]:
        """What travels with a message, so that whoever receives it knows what it is."""
        values = {"message": message, "copy": str(copy), "number": str(self._books.next_number)}
        return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}

    # ------------------------------------------------------------ read path
    def receive(
        self, *, limit: int = 1, visibility_s: float | None = None, wait_s: float = 0, to: str = "worker"
    ) -> list[Delivery]:
        """Borrow up to `limit` messages; wait for the first one for up to `wait_s`."""
        if not 1 <= limit <= BATCH_MAX:
            raise BadParameter(f"limit = {limit!r}: give 1 to {BATCH_MAX}")
        visibility_s = self.settings.visibility_s if visibility_s is None else visibility_s
        asked_us = self.clock.now_us
        given = self._receive(self._url, limit, whole("visibility_s", visibility_s), whole("wait_s", wait_s))
        self._books.catch_up()
        if self._dead_url is not None and self._books.may_be_dead():
            self._bury(self._dead_url)
        return [self._lend(message, asked_us + to_us(visibility_s), to) for message in given]

    def _receive(self, url: str, limit: int, visibility_s: int, wait_s: int = 0) -> list[dict[str, Any]]:
        return self._call(
            "receive_message",
            QueueUrl=url,
            MaxNumberOfMessages=limit,
            VisibilityTimeout=visibility_s,
            WaitTimeSeconds=wait_s,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["ApproximateReceiveCount", "MessageGroupId"],
        ).get("Messages", [])

    def _lend(self, message: dict[str, Any], until_us: int, to: str) -> Delivery:
        known, counted = travelled(message), message["Attributes"]
        given = Delivery(
            known["message"], int(known["copy"]), message["Body"], counted.get("MessageGroupId"),
            int(counted["ApproximateReceiveCount"]), known["number"], 0, until_us,
        )  # fmt: skip
        return self._books.lend(given, message["ReceiptHandle"], to=to)

    # ------------------------------------------------------------ what a worker says
    def acknowledge(self, handle: str) -> Acknowledged | Stale:
        """Let go of a message for good. SQS says yes to an old handle too; whether it did, the counts tell."""
        loan = self._books.loan(handle)
        why = loan.stale
        there = self._there() if why else 0
        try:
            self._call("delete_message", ReceiptHandle=loan.native)
        except Refused:
            return self._books.refuse(loan, why)
        if why and self._there() == there:
            return self._books.refuse(loan, why)
        return self._books.let_go(loan)

    def extend(self, handle: str, seconds: float) -> Extended | Stale:
        """Keep a message for `seconds` from now, if SQS still takes the handle."""
        loan = self._books.loan(handle)
        if self._change_visibility(loan, whole("seconds", seconds)):
            return self._books.prolong(loan, seconds)
        return self._books.refuse(loan, loan.stale)

    def nack(self, handle: str, *, delay_s: float = 0) -> Returned | Stale:
        """Hand a message back; the others see it after `delay_s`."""
        loan = self._books.loan(handle)
        if self._change_visibility(loan, whole("delay_s", delay_s)):
            return self._books.hand_back(loan, delay_s)
        return self._books.refuse(loan, loan.stale)

    def _change_visibility(self, loan: Loan[str], seconds: int) -> bool:
        try:
            self._call("change_message_visibility", ReceiptHandle=loan.native, VisibilityTimeout=seconds)
        except Refused:
            return False
        return True

    # ------------------------------------------------------------ dead letters
    def _bury(self, url: str) -> None:
        """Take what lies in the queue of the dead letters, on the longest loan there is, and write it down."""
        while found := self._receive(url, BATCH_MAX, int(VISIBILITY_MAX_S)):
            for message in found:
                number = int(travelled(message)["number"])
                self._dead_handles[number] = message["ReceiptHandle"]
                self._books.bury(number)

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was set aside, oldest first."""
        return self._books.dead_letters()

    def redrive(self, *, limit: int | None = None) -> int:
        """Put dead letters back, the oldest first; return how many."""
        self._books.catch_up()
        dead = sorted(self._books.shelf.dead)[:limit]
        for number, letter in dead:
            fifo = {"MessageGroupId": letter.group, "MessageDeduplicationId": f"redriven {number}"}
            attributes = self._attributes_of(letter.message, letter.copy)
            self._call(
                "send_message",
                MessageBody=letter.body,
                MessageAttributes=attributes,
                **(fifo if self.settings.is_fifo else {}),
            )
            self._call("delete_message", QueueUrl=self._dead_url, ReceiptHandle=self._dead_handles.pop(number))
            self._books.shelf.redrive()
        return len(dead)

    # ------------------------------------------------------------ upkeep
    def tick(self) -> list[Became]:
        """Write down what time has done, and say what it was."""
        return self._books.catch_up()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def status(self) -> Status:
        """Return where the messages are, as SQS counts them; what has been is our books'."""
        self.tick()
        shelf = self._books.shelf
        return Status(
            **self._counts(self._url),
            dead=sum(self._counts(self._dead_url).values()) if self._dead_url else 0,
            accepted=shelf.accepted,
            copied=0,
            acknowledged=shelf.acknowledged,
            expired=shelf.expired,
            oldest_sent_us=self._books.oldest_sent_us,
        )

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for url in (self._url, self._dead_url):
            if url is not None:
                self._aws.remove(url)


def travelled(message: dict[str, Any]) -> dict[str, str]:
    """Return what travelled with a message."""
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def whole(name: str, seconds: float) -> int:
    """Return whole seconds, which are all that SQS knows."""
    if seconds != int(seconds):
        raise BadParameter(f"{name} = {seconds!r}: SQS counts in whole seconds; give one")
    return int(seconds)
