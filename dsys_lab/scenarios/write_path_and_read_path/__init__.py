"""Done when it is written, or when somebody reads: feeds, and a wall on a path of six steps.

`fanning_out` has the run `fan_out` (a worker copies posts to followers), `walking` the run `walls` (a wall on the way
from a line to a page); `counts` says what thresholds and clients come to, `standings` what the wall does in each of its
places; `pages` who makes a page behind a cache; `world` makes the followers; `departures` is the wall on the flights.
"""

from dsys_lab.scenarios.write_path_and_read_path.fanning_out import fan_out
from dsys_lab.scenarios.write_path_and_read_path.walking import walls

__all__ = ["fan_out", "walls"]
