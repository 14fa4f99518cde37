"""The AWS services, as far as something on this machine speaks their language.

Three may answer. By default it is *moto*, which keeps everything in memory, in a process of its own on loopback that
ends with this one. `DSYS_LAB_AWS=http://…` names any other endpoint. `DSYS_LAB_AWS=real` is a real account: then a
question comes first, with what it may cost (`connection`).

Moto is right about the shape of calls and much of their meaning; about time, loss and limits ask the model. What each
service does otherwise stands in its module's `DIFFERENCES`.

Sources: docs.getmoto.org; botocore's service models; behaviour as measured with moto 5.2.5 and boto3 1.44.5.
"""

from dsys_lab.engines.aws.connection import Connection, connection
from dsys_lab.engines.aws.event_bus import EventBridgeBus
from dsys_lab.engines.aws.log_stream import KinesisStream
from dsys_lab.engines.aws.topic import SnsTopic
from dsys_lab.engines.aws.work_queue import SqsQueue

__all__ = ["Connection", "EventBridgeBus", "KinesisStream", "SnsTopic", "SqsQueue", "connection"]
