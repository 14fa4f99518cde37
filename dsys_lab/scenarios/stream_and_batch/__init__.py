"""The same function over files and over a stream of wearable pings.

`working` has the run `pings`, in which a machine works file by file or ping by ping; `counts` says what a period costs,
what it cuts, which answers survive it and who is too late; `trouble` spoils the input; `flights_late` asks the same of
departures that nobody made up. `world` makes the pings.
"""

from dsys_lab.scenarios.stream_and_batch.working import pings

__all__ = ["pings"]
