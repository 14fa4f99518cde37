"""The durable work queue, three times behind the same verbs: the model, JetStream and SQS.

====================  ==============================================================================================
`books`               what becomes of each message, written down in the model's words
`engine_queue`        the verbs, and what all engines do alike behind them
`model`               the model, on a clock of its own: the verbs of the engines, with virtual time
`differences`         what JetStream and SQS do otherwise than the model, row by row
`runs`                whole runs: the same orders to each of the three
====================  ==============================================================================================

The engines themselves are `dsys_lab.engines.nats.work_queue` and `dsys_lab.engines.aws.work_queue`; for each
difference a test proves that it is so.
"""

from dsys_lab.engines.work_queue.books import Books
from dsys_lab.engines.work_queue.differences import JETSTREAM, SQS
from dsys_lab.engines.work_queue.model import ModelQueue
from dsys_lab.engines.work_queue.runs import QUEUES, cycles, drill, two_hands

__all__ = ["JETSTREAM", "QUEUES", "SQS", "Books", "ModelQueue", "cycles", "drill", "two_hands"]
