"""Many nights of many sleepers, in a log that many read.

`sharing` has the run `nights`, in which workers share the shards; `polling` has `readers`, in which several read the
same. `machines` is the stream's machine, who puts into it and the workers; `counts` says what a run came to.
"""

from dsys_lab.scenarios.log_stream.polling import readers
from dsys_lab.scenarios.log_stream.sharing import nights

__all__ = ["nights", "readers"]
