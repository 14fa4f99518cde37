"""The desk as a program of its own, to be ended by SIGKILL at a seam.

`python -m dsys_lab.engines.verification.program` is told one line of JSON on stdin: where PostgreSQL and NATS are, the
schema and the stream, and at which seam it stops and waits to be killed. What it does it says, a line each: `before
charge/o1` (the call is due), `act charge/o1` (its party has committed), `noted o1 charged` (it stands in the journal),
`seam`. The policy is the model's own. It ends by itself when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import nats
import psycopg

from dsys_lab.dataflows.verification import Call, Desk, Saga, work
from dsys_lab.engines.verification.promise_log import PromiseLog, read
from dsys_lab.engines.verification.tables import SqlJournal, SqlParty, parties_in
from dsys_lab.engines.verification.verbs import HASTY, now_us


class Mouth:
    """Says what happens, and stops for good where it was told to."""

    def __init__(self, seam: str) -> None:
        self._seam = seam

    def says(self, words: str) -> None:
        """Say a line; at the seam wait for the kill."""
        sys.stdout.write(f"{words}\n")
        if words == self._seam:
            sys.stdout.write("seam\n")
        sys.stdout.flush()
        if words == self._seam:
            time.sleep(60)


class Heard:
    """A party whose every act is told."""

    def __init__(self, party: SqlParty, mouth: Mouth) -> None:
        self._party, self._mouth = party, mouth

    def do(self, now_us: int, call: Call) -> bool:
        """Do a call, and say so before and after."""
        self._mouth.says(f"before {call.key}")
        yes = self._party.do(now_us, call)
        self._mouth.says(f"act {call.key}")
        return yes


class HeardJournal(SqlJournal):
    """A journal whose every line is told."""

    def __init__(self, client: psycopg.Connection, schema: str, mouth: Mouth) -> None:
        super().__init__(client, schema)
        self._mouth = mouth

    def note(self, now_us: int, saga: Saga) -> None:
        """Write down how far a promise has come, and say so."""
        super().note(now_us, saga)
        self._mouth.says(f"noted {saga.order} {saga.state}")


async def serve(told: dict[str, Any]) -> None:
    """Work until nothing is left."""
    mouth = Mouth(told["seam"])
    client = psycopg.connect(told["postgres"], autocommit=True)
    log = PromiseLog(await nats.connect(told["nats"], allow_reconnect=False), told["stream"])
    desk = Desk("desk", HeardJournal(client, told["schema"], mouth), patience=HASTY)
    parties = {name: Heard(party, mouth) for name, party in parties_in(client, told["schema"]).items()}
    while True:
        message = await log.next()
        if message is not None:
            desk.take_in(now_us(), *read(message))
            await message.ack_sync()
        work(desk, parties, now_us())
        if message is None and desk.deadline_us() is None and not await log.is_waiting():
            break
        await asyncio.sleep(0.002)
    await log.client.close()
    client.close()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.stdin.readline())))
