"""A worker in a process of its own, which is killed at the seam between its effect and its acknowledgement.

It is run by its path, imports nothing of the package, and is told one line of JSON on stdin: the servers, the stream,
the order, and the message at whose seam it stops and waits to be killed. What it does it says in a line each on stdout:
`start m3`, `effect m3`, `ack m3`, `seam m3`. It ends by itself when nothing comes for a while.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Final

import nats
import nats.errors

DURABLE: Final = "worker"
IDLE_S: Final = 2.5
"""When nothing comes for so long, there is nothing left: longer than an unacknowledged message is held back."""


def say(word: str, message: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{word} {message}\n")
    sys.stdout.flush()


async def work(told: dict[str, Any]) -> None:
    """Take one message after the other, and stop at the seam of one of them."""
    client = await nats.connect(told["addresses"], allow_reconnect=False)
    subscription = await client.jetstream().pull_subscribe_bind(DURABLE, told["stream"])
    while True:
        try:
            [message] = await subscription.fetch(1, timeout=IDLE_S)
        except (TimeoutError, nats.errors.TimeoutError):
            break
        name = message.data.decode()
        say("start", name)
        steps = ["ack", "effect"] if told["acknowledges_first"] else ["effect", "ack"]
        for step in steps:
            if step == "ack":
                await message.ack_sync()
            say(step, name)
            if name == told["dies_at"] and step == steps[0]:
                say("seam", name)
                await asyncio.sleep(60)  # the kill comes here
    await client.close()


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.stdin.readline())))
