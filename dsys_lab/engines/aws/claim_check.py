"""One clip by claim check, told to the model and to SQS with S3 by the same code: what goes where, and what is left.

What each does otherwise stands in `DIFFERENCES`. moto stands in for AWS, unless DSYS_LAB_AWS says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dsys_lab.brokers.work_queue import Settings
from dsys_lab.dataflows.claim_check import ClaimCheck, ClaimGone
from dsys_lab.dataflows.claim_check.crashes import QueueAtHand
from dsys_lab.engines.aws.object_store import S3Bucket
from dsys_lab.engines.aws.work_queue import SqsQueue
from dsys_lab.engines.difference import Difference
from dsys_lab.errors import require_choice
from dsys_lab.stores.object_store import JournaledStore, ObjectStore
from dsys_lab.structures.disk import VolatileDisk

ENGINES: Final = ("model", "SQS and S3")
CLIP: Final = bytes(range(256)) * 8_000
"""2 MB of film: no queue takes that."""

DIFFERENCES: Final = (
    Difference(
        "the bucket forgets an object to the second",
        "S3 deletes by rules that count in days, and some time later",
        "A ticket to nowhere needs a queue that keeps messages for longer than a day, or somebody who deletes.",
    ),
    Difference(
        "a payload above the limit goes beside the message, one below it may go inside",
        "Amazon's extended client library: the same, from 256 KB on unless told otherwise",
        "Both ends must use it: who does not know the ticket's form receives the ticket for the payload.",
    ),
    Difference(
        "an object has a tag of its bytes, and a ticket names it",
        "S3, moto: the tag is another for an upload in parts",
        "Compare it with the one that the put answered, as here, and never with a hash of one's own.",
    ),
)


@contextmanager
def opened(engine: str) -> Iterator[tuple[ClaimCheck, ObjectStore]]:
    """Give a claim check and its store: the model's, or over a queue of SQS and a bucket of S3."""
    require_choice("engine", engine, ENGINES)
    if engine == "model":
        store = JournaledStore(VolatileDisk())
        yield ClaimCheck(QueueAtHand("clips"), store), store
        return
    with SqsQueue("clips", Settings(visibility_s=1)) as queue, S3Bucket() as bucket:
        yield ClaimCheck(queue, bucket), bucket


def told(engine: str) -> dict[str, int | str]:
    """Send a clip of 2 MB, receive it, be done with it; then a second one, whose object is deleted too early."""
    with opened(engine) as (clips, store):
        clips.send("clip-1", CLIP)
        [taken] = clips.receive()
        said: dict[str, int | str] = {
            "bytes of the clip": len(CLIP),
            "bytes in the message": len(taken.body),
            "objects then": len(store.list().keys),
            "bytes received": len(clips.payload(taken)),
        }
        clips.done(taken)
        said["objects at the end"] = len(store.list().keys)
        clips.send("clip-2", CLIP)
        [taken] = clips.receive()
        store.delete("claims/clip-2")
        try:
            clips.payload(taken)
        except ClaimGone as error:
            said["when the object is gone"] = str(error).split(" is gone")[0] + " is gone"
        clips.queue.acknowledge(taken.handle)
        return said
