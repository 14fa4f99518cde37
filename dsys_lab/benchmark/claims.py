"""Claims and grants: a clip beside the bus, and leave to go into the bucket, by the model and over the interface of S3.

The other side of both is moto, in a process of its own: what is compared is our code with boto3, its server and the
way between them, on one machine. Signing needs no server on either side: it is an HMAC here, and four in Signature
Version 4.
"""

from __future__ import annotations

from contextlib import ExitStack

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.engines import aws
from dsys_lab.engines.aws.claim_check import ENGINES, opened
from dsys_lab.engines.aws.object_store import S3Bucket
from dsys_lab.engines.aws.object_store.presigned import presigned
from dsys_lab.stores.object_store.valet_key import grant

CLIPS = 40
CLIP = bytes(range(256)) * 1_000
GRANTS = 200


def claims() -> None:
    """Send clips by claim check, receive them and be done with them."""
    with ExitStack() as stack:
        checks = {engine: stack.enter_context(opened(engine))[0] for engine in ENGINES}

        def run(engine: str) -> float:
            clips = checks[engine]
            for number in range(CLIPS):
                clips.send(f"clip-{number}", CLIP)
                [taken] = clips.receive()
                clips.payload(taken)
                clips.done(taken)
            return CLIPS

        rivals = [Rival(engine, lambda engine=engine: run(engine)) for engine in ENGINES]  # type: ignore[misc]
        compare("Clips of 256 kB by claim check", "clips", rivals)
    aws.connection().close()


def grants() -> None:
    """Sign leave to get one object."""
    secret = bytes(range(32))
    with S3Bucket() as bucket:

        def ours() -> float:
            for number in range(GRANTS):
                grant(secret, "get", f"clips/{number}", now_us=number, lives_s=60)
            return GRANTS

        def theirs() -> float:
            for number in range(GRANTS):
                presigned(bucket, "get", f"clips/{number}", lives_s=60)
            return GRANTS

        compare("Leave to get one object, signed", "grants", [Rival("HMAC-SHA256", ours), Rival("boto3", theirs)])
    aws.connection().close()
