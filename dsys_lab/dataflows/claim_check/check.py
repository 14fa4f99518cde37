"""A queue for payloads of any size: small ones in the message, large ones beside it, under a key that the message has.

The body of a message is text. A small payload stands in it as base64, which makes four bytes of three; of a large one
there is a `Ticket`: its key, its size, and the tag by which the store knows its bytes. ::

    sender                     store                    queue                     receiver
      | -- 1 put(key, payload) -> |                       |                          |
      | -- 2 send(ticket) ------------------------------> | -- 3 receive ----------> |
      |                           | <- 4 get(key) ---------------------------------- |
      |                           |                       | <- 5 acknowledge ------- |
      |                           | <- 6 delete(key) ------------------------------- |

The room promises
-----------------
1. What is received is what was sent, byte for byte: the tag is compared.
2. The object is there before anybody can have its ticket, and until the message is acknowledged.
3. A ticket whose object is gone is an error with a name (`ClaimGone`), never an empty payload.
4. The key is made of the message's name: who sends again after a crash writes over what it left, and leaves no litter.
   So a name is for one payload: another one under it takes the object away from the first, which is `ClaimGone` then.

Cost: two more round trips to the store, put and get, and a third for the deletion; a second thing that can be down; and
two retentions that must fit: an object that is kept for a shorter time than its message leaves a ticket to nowhere. A
queue that stores a message twice makes two tickets for one coat: whoever comes second finds the object gone, and may
take it for done. Where that cannot be, let nobody delete, and the store's own expiry do it.

Left out: who may read the object (`valet_key`); sweeping litter (a rule of the store that lets objects expire, later
than the queue lets messages).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from dsys_lab.brokers.answers import Rejected
from dsys_lab.brokers.work_queue import Delivery, Sent, Stale
from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.facts import fact
from dsys_lab.stores.object_store.verbs import Found, check_key

PREFIX: Final = "claims/"
SIZE_MAX_BYTES: Final = int(fact("sqs_size_max").value)


class ClaimGone(Damaged):
    """The message is here, and the object that it stands for is not, or is another one."""


class Queue(Protocol):
    """What is needed of a queue."""

    def send(self, message: str, body: str = "") -> Sent:
        """Store a message."""

    def receive(self, *, limit: int = 1) -> list[Delivery]:
        """Borrow up to so many."""

    def acknowledge(self, handle: str) -> object:
        """Let go of one for good; `Stale` if it is lent to somebody else by now."""


class Store(Protocol):
    """What is needed of an object store."""

    def put(self, key: str, data: bytes) -> Any:
        """Let `key` have these bytes; the answer has their `etag`."""

    def get(self, key: str) -> Found | None:
        """Return an object."""

    def delete(self, key: str) -> None:
        """Let `key` be absent."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stands in the message for a payload that is elsewhere."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A message on loan, its payload not yet fetched: who routes or filters need not.

    Attributes
    ----------
    message, handle : str
        Its name, and what acknowledges this delivery.
    body : str
        As it went through the queue.
    ticket : Ticket or None
        None: the payload is in the body.
    attempt, copy : int
    """

    message: str
    handle: str
    body: str
    ticket: Ticket | None
    attempt: int
    copy: int


class ClaimCheck:
    """Sends and receives payloads over a queue, with an object store beside it.

    Parameters
    ----------
    queue : Queue
    store : Store
    message_bytes_max : int
        Bodies up to so many bytes go through the queue whole; by default as many as SQS takes. 0: every payload is put
        into the store, and so is what a queue with a lower limit of its own says is too large.
    prefix : str
        What the keys begin with.

    Examples
    --------
    >>> from dsys_lab.stores.object_store import JournaledStore
    >>> from dsys_lab.structures.disk import VolatileDisk
    >>> from dsys_lab.dataflows.claim_check.crashes import QueueAtHand
    >>> clips = ClaimCheck(QueueAtHand("clips"), JournaledStore(VolatileDisk()))
    >>> clips.send("clip-1", bytes(3_000_000))
    Accepted(message='clip-1', number=0)
    >>> [taken] = clips.receive()
    >>> len(taken.body) < 150, len(clips.payload(taken))
    (True, 3000000)
    """

    def __init__(
        self, queue: Queue, store: Store, *, message_bytes_max: int = SIZE_MAX_BYTES, prefix: str = PREFIX
    ) -> None:
        is_whole = isinstance(message_bytes_max, int) and not isinstance(message_bytes_max, bool)
        if not (is_whole and 0 <= message_bytes_max <= SIZE_MAX_BYTES):
            told = f"give a whole number, 0 to {SIZE_MAX_BYTES:,}, SQS's limit"
            raise BadParameter(f"message_bytes_max = {message_bytes_max!r}: {told}")
        check_key(f"{prefix}x")
        self.queue, self.store, self.message_bytes_max, self.prefix = queue, store, message_bytes_max, prefix

    # ------------------------------------------------------------ write path
    def send(self, message: str, payload: bytes) -> Sent:
        """Put the payload where it belongs, and then send the message.

        Raises
        ------
        Refused, MayHaveHappened
            From the store or the queue: what was put by then is litter until the message is sent again.
        """
        whole = written_whole(payload)
        if len(whole) <= self.message_bytes_max:
            sent = self.queue.send(message, whole)
            if not isinstance(sent, Rejected):
                return sent
        sent = self.queue.send(message, self._put(message, payload))
        if isinstance(sent, Rejected):
            self.store.delete(self.prefix + message)
        return sent

    def check_in(self, message: str, payload: bytes) -> str:
        """Put a payload into the store unless it is small, and return the body of the message that stands for it."""
        whole = written_whole(payload)
        return whole if len(whole) <= self.message_bytes_max else self._put(message, payload)

    def _put(self, message: str, payload: bytes) -> str:
        """Put a payload into the store, and return its ticket as a body."""
        key = self.prefix + message
        check_key(key)
        return json.dumps(asdict(Ticket(key, len(payload), self.store.put(key, payload).etag)))

    # ------------------------------------------------------------ read path
    def receive(self, *, limit: int = 1) -> list[Taken]:
        """Borrow up to `limit` messages, without their payloads."""
        return [
            Taken(lent.message, lent.handle, lent.body, read_ticket(lent.body), lent.attempt, lent.copy)
            for lent in self.queue.receive(limit=limit)
        ]

    def payload(self, taken: Taken) -> bytes:
        """Fetch what was sent.

        Raises
        ------
        ClaimGone
            If the object is not there any more, or is not the one that was put. The message stays on loan.
        """
        ticket = taken.ticket
        if ticket is None:
            return b64decode(json.loads(taken.body)["payload"])
        found = self.store.get(ticket.key)
        if found is None:
            raise ClaimGone(
                f"{taken.message}: {ticket.key!r} ({ticket.size_bytes:,} bytes) is gone from the store. Let it keep "
                "objects for longer than the queue keeps messages, and set this message aside"
            )
        if found.etag != ticket.etag:
            told = f"{ticket.key!r} has the tag {found.etag}, not {ticket.etag}"
            raise ClaimGone(f"{taken.message}: {told}: somebody changed it since; set this message aside")
        return found.data

    def done(self, taken: Taken) -> bool:
        """Acknowledge the message, and then delete its object: a crash in between leaves litter and loses nothing.

        Returns
        -------
        bool
            Whether the queue took the acknowledgement. If not, the message has been lent to somebody else by now, who
            still needs the object, and it stays.
        """
        if isinstance(self.queue.acknowledge(taken.handle), Stale):
            return False
        if taken.ticket is not None:
            self.store.delete(taken.ticket.key)
        return True


def written_whole(payload: bytes) -> str:
    """Return the body of a message that has its payload in it."""
    if not isinstance(payload, bytes):
        raise BadParameter(f"payload = {type(payload).__name__}: give bytes, such as {'text'!r}.encode()")
    return json.dumps({"payload": b64encode(payload).decode()})


def read_ticket(body: str) -> Ticket | None:
    """Return the ticket of a body, or None if the payload is in it.

    Raises
    ------
    Misuse
        If it was not written here.
    """
    try:
        told = json.loads(body)
        return None if "payload" in told else Ticket(**told)
    except (ValueError, TypeError) as error:
        raise Misuse(f"body = {body[:60]!r}: it is no claim check; receive with what sent it") from error
