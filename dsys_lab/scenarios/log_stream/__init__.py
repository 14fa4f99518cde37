"""Many nights of many sleepers, in a log that many read.

`nights` has the run, `machines` the stream's machine, who puts into it and the workers that share its shards; `counts`
says what a run came to.
"""

from dsys_lab.scenarios.log_stream.nights import nights

__all__ = ["nights"]
