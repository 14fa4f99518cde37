"""Messages of a subject in their order, from wherever one likes: what a log's reader asks of JetStream."""

from __future__ import annotations

from datetime import datetime

from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from dsys_lab.engines.nats.connection import ANSWER_WITHIN_S


async def delivered(
    streams: JetStreamContext, subject: str, limit: int | None = None, *, first: int | None = None,
    since: datetime | None = None,
) -> list[Msg]:  # fmt: skip
    """Have an ordered consumer deliver up to `limit` messages of a subject, and let it go."""
    policy = DeliverPolicy.BY_START_SEQUENCE if first is not None else DeliverPolicy.BY_START_TIME
    start = since.isoformat().replace("+00:00", "Z") if since is not None else None
    config = ConsumerConfig(deliver_policy=policy, opt_start_seq=first, opt_start_time=start)  # type: ignore[arg-type]
    reader = await streams.subscribe(subject, ordered_consumer=True, config=config)
    try:
        info = await reader.consumer_info()  # what it has sent may not be here yet, so its own count of that
        waiting = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
        messages = list[Msg]()
        while waiting and (limit is None or len(messages) < limit):
            messages.append(await reader.next_msg(timeout=ANSWER_WITHIN_S))
            waiting = messages[-1].metadata.num_pending
        return messages
    finally:
        await reader.unsubscribe()


async def newest(streams: JetStreamContext, stream: str, subject: str) -> tuple[int, bytes]:
    """Return the number and the bytes of a subject's newest message; 0 and none where there is none."""
    try:
        message = await streams.get_last_msg(stream, subject)
    except NotFoundError:
        return 0, b""
    return message.seq or 0, message.data or b""
