"""What if readers did not have to ask, and not to share?

Who *polls* learns of a record at its next call, half an interval late on average, and all who poll a shard share its 5
calls and 2 MiB a second: a sixth reader a second is one too many. Who is *registered* and *subscribes* to a shard is
pushed what comes, as soon as it is durable, at up to 2 MiB a second of its own, whoever else reads: *enhanced fan-out*.
A subscription ends after 5 minutes and is then made anew, behind the last record that came.

A push is as sure as a read: what was pushed and never arrived is pushed again to who subscribes from its checkpoint.

Cost: a token bucket and a position for each consumer and shard; each pushed byte is read from the segment files once
for each consumer, where they share nothing but the disk. (AWS bills a consumer by the shard-hour and by the GB.)

Sources: Amazon Kinesis service model in botocore 1.44.5, RegisterStreamConsumer, SubscribeToShard; Developer Guide,
"Develop enhanced fan-out consumers with dedicated throughput".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from dsys_lab.brokers.log_stream.answers import Page, ShardIterator
from dsys_lab.brokers.log_stream.stream import LogStream
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.facts import fact
from dsys_lab.structures.token_bucket import TokenBucket

CONSUMERS_MAX: Final = int(fact("kinesis_fan_out_consumers").value)
BYTES_A_SECOND: Final = fact("kinesis_fan_out_bytes").value
LIFE_US: Final = int(fact("kinesis_subscription_life").value * 1e6)
RESUBSCRIBE_US: Final = int(fact("kinesis_resubscribe").value * 1e6)


class Push(NamedTuple):
    """What a subscriber is sent: a page of records, or that its subscription is over (`page` is None)."""

    consumer: str
    shard: str
    page: Page | None


@dataclass(slots=True)
class _Subscription:
    position: ShardIterator
    since_us: int
    bucket: TokenBucket


class FanOut:
    """The registered consumers of a stream.

    Parameters
    ----------
    stream : LogStream

    Examples
    --------
    >>> from dsys_lab.brokers.log_stream import Entry
    >>> from dsys_lab.structures import VolatileDisk
    >>> stream = LogStream("nights", VolatileDisk())
    >>> fan_out = FanOut(stream)
    >>> fan_out.register("billing")
    >>> fan_out.subscribe(0, "billing", stream.iterator(0, "shard-000", "LATEST"))
    >>> stream.put(7, Entry("m1", "anna"))
    Stored(shard='shard-000', sequence=0)
    >>> [(push.consumer, [record.message for record in push.page.records]) for push in fan_out.push(7)]
    [('billing', ['m1'])]
    """

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream
        self._registered: set[str] = set()
        self._subscriptions: dict[tuple[str, str], _Subscription] = {}

    def register(self, consumer: str) -> None:
        """Give a consumer bandwidth of its own.

        Raises
        ------
        Refused
            If there are 20 already, or one of this name.
        """
        if consumer in self._registered or len(self._registered) >= CONSUMERS_MAX:
            names = ", ".join(sorted(self._registered))
            raise Refused(f"{consumer}: registered are {names}; give another name, and {CONSUMERS_MAX} at most")
        self._registered.add(consumer)

    def deregister(self, consumer: str) -> None:
        """Let a consumer and its subscriptions go."""
        self._require_registered(consumer)
        self._registered.discard(consumer)
        self._subscriptions = {key: one for key, one in self._subscriptions.items() if key[0] != consumer}

    def subscribe(self, now_us: int, consumer: str, position: ShardIterator) -> None:
        """Push what lies behind a position of a shard, and what comes. One of the same consumer is replaced.

        Raises
        ------
        Refused
            Within 5 s of the last one of this consumer to this shard.
        """
        self._require_registered(consumer)
        key = consumer, position.shard
        before = self._subscriptions.get(key)
        if before is not None and now_us - before.since_us < RESUBSCRIBE_US:
            raise Refused(f"{consumer} subscribed to {position.shard} {now_us - before.since_us} us ago: wait 5 s")
        bucket = before.bucket if before else TokenBucket(rate=BYTES_A_SECOND, burst=BYTES_A_SECOND)
        self._subscriptions[key] = _Subscription(position, now_us, bucket)

    def push(self, now_us: int, *, arrive_us: int | None = None) -> list[Push]:
        """Return what is due to each subscriber: call it when something has become durable, and at `deadline_us`."""
        pushed = list[Push]()
        for (consumer, shard), one in sorted(self._subscriptions.items(), key=lambda item: item[0]):
            page = self._due(now_us, one)
            if page is not None and page.records:
                self._stream.tell_read(page, shard, to=consumer, arrive_us=arrive_us)
            if page is not None and (page.records or page.next is None):
                pushed.append(Push(consumer, shard, page))
            if page is not None and page.next is None:
                del self._subscriptions[consumer, shard]
            elif now_us >= one.since_us + LIFE_US:
                pushed.append(Push(consumer, shard, None))
                del self._subscriptions[consumer, shard]
        return pushed

    def _due(self, now_us: int, one: _Subscription) -> Page | None:
        """Return the next page, or None while what was pushed before is still owed."""
        if not one.bucket.has(now_us):
            return None
        page, size_bytes = self._stream.push(now_us, one.position, bytes_max=int(BYTES_A_SECOND))
        one.bucket.owe(now_us, size_bytes)
        if page.next is not None:
            one.position = page.next
        return page

    def deadline_us(self, now_us: int) -> int | None:
        """Return when a push is due at the latest: what is owed is paid, or a subscription is over."""
        times = [one.since_us + LIFE_US for one in self._subscriptions.values()]
        times += [one.bucket.ready_us(now_us) for one in self._subscriptions.values() if not one.bucket.has(now_us)]
        return min(times, default=None)

    def status(self) -> dict[str, tuple[str, ...]]:
        """Return to which shards each registered consumer is subscribed."""
        subscribed = sorted(self._subscriptions)
        return {name: tuple(shard for who, shard in subscribed if who == name) for name in sorted(self._registered)}

    def _require_registered(self, consumer: str) -> None:
        if consumer not in self._registered:
            names = ", ".join(sorted(self._registered)) or "none"
            raise BadParameter(f"consumer = {consumer!r}: registered are {names}; register it first")
