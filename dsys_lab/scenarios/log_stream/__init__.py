"""Many nights of many sleepers, in a log that many read.

`sharing` has the run `nights`, in which workers share the shards; `polling` has `readers`, in which several read the
same; `pace` has `own_pace` and `catch_up`, in which one comes late; `jobs` puts the same work through a log and through
a queue; `batches` puts many at a time, `stamps` asks for all since a moment.

`machines` is the stream's machine, who puts into it and the workers; `gauges` what a picture reads off; `counts` says
what a run came to, `many_runs` what many came to, `hot_keys` which key is hot, `told` what a stream says, in tables.
"""

from dsys_lab.scenarios.log_stream.batches import batches
from dsys_lab.scenarios.log_stream.jobs import jobs
from dsys_lab.scenarios.log_stream.pace import catch_up, own_pace
from dsys_lab.scenarios.log_stream.polling import readers
from dsys_lab.scenarios.log_stream.sharing import nights
from dsys_lab.scenarios.log_stream.stamps import since

__all__ = ["batches", "catch_up", "jobs", "nights", "own_pace", "readers", "since"]
