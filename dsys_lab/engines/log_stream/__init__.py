"""The log stream, three times behind the same verbs: the model, JetStream and Kinesis.

====================  ==============================================================================================
`verbs`               the verbs of all three, without a time: an engine lives in it
`model`               the model, on a clock of its own
`differences`         what JetStream and Kinesis do otherwise than the model, row by row
`runs`                a whole run: the same orders to each of the three
====================  ==============================================================================================

The engines themselves are `dsys_lab.engines.nats.log_stream` and `dsys_lab.engines.aws.log_stream`; for each difference
a test proves that it is so.
"""

from dsys_lab.engines.log_stream.differences import JETSTREAM, KINESIS
from dsys_lab.engines.log_stream.model import ModelStream
from dsys_lab.engines.log_stream.runs import STREAMS, crowd, read_twice
from dsys_lab.engines.log_stream.verbs import EngineStream, Read, SeenShard, Status

__all__ = [
    "JETSTREAM",
    "KINESIS",
    "STREAMS",
    "EngineStream",
    "ModelStream",
    "Read",
    "SeenShard",
    "Status",
    "crowd",
    "read_twice",
]
