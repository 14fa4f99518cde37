"""Firehose's own interface, and a buffer that fills in real time: what both promise, and what only one has.

`verbs` says what both are asked, `model` is our stream on the wall clock, `dsys_lab.engines.aws.delivery_stream` is
Firehose through boto3, `differences` what is otherwise. `parquet` packs records as columns, `files` measures what many
small ones cost a reader and compacts them, `runs` are stories told to both. Two destinations beside a bucket:
`endpoint` is a door that is called, in memory and over HTTP, `warehouse` a table that is filled through the bucket.
"""

from dsys_lab.engines.delivery_stream.differences import FIREHOSE
from dsys_lab.engines.delivery_stream.model import BufferOnTheClock
from dsys_lab.engines.delivery_stream.parquet import ParquetCrates

__all__ = ["FIREHOSE", "BufferOnTheClock", "ParquetCrates"]
