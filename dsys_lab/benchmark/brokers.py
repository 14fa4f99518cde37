"""Brokers: the models in memory against servers with a network and a file."""

from __future__ import annotations

from dsys_lab.benchmark.rivals import Rival, compare
from dsys_lab.brokers.overflow import Buffer, Request


def overflow() -> None:
    """Offer and take, one by one: the model in memory against a server with a network and a file."""
    from dsys_lab.engines import nats

    def model(cycles: int = 50_000) -> float:
        buffer = Buffer("inbox", capacity=8, policy="reject")
        for now_us in range(cycles):
            buffer.offer(now_us, Request("m"))
            buffer.take(now_us)
        return cycles

    def jetstream(cycles: int = 500) -> float:
        with nats.StreamBuffer("inbox", capacity=8, policy="reject") as buffer:
            for _ in range(cycles):
                buffer.offer(Request("m"))
                buffer.take()
        return cycles

    nats.connection()
    compare("Offer and take", "cycles", [Rival("the model's buffer", model), Rival("JetStream", jetstream)])
    nats.connection().close()


def work_queue() -> None:
    """Send, receive and acknowledge, one by one: the pure model, the same on a clock, JetStream and SQS at moto."""
    from dsys_lab.brokers.work_queue import WorkQueue
    from dsys_lab.engines import aws, nats
    from dsys_lab.engines.work_queue import cycles

    def pure(count: int = 50_000) -> float:
        queue = WorkQueue("clips")
        for now_us in range(count):
            queue.send(now_us, "c", "a night of video")
            [given] = queue.receive(now_us)
            queue.acknowledge(now_us, given.handle)
        return count

    rivals = [
        Rival("WorkQueue, pure", pure),
        Rival("the model behind the engines' verbs", lambda: cycles("model", count=20_000)),
        Rival("JetStream", lambda: cycles("jetstream", count=300)),
        Rival("SQS at moto", lambda: cycles("sqs", count=40)),
    ]
    compare("Send, receive, acknowledge", "cycles", rivals)
    nats.connection().close()
    aws.connection().close()
