"""A night of video must be encoded, once, whatever happens to those who do it.

`clips` has the runs, `handler` the one with code of the reader's own. `machines` is the queue and who sends to it,
`workers` who borrows from it; `power_cuts` cuts the power before every step of the disk, `counts` says what many runs
come to.
"""

from dsys_lab.scenarios.durable_queue.clips import encode, groups, nobody_home, power_failure, quiet, tenants
from dsys_lab.scenarios.durable_queue.handler import handled

__all__ = ["encode", "groups", "handled", "nobody_home", "power_failure", "quiet", "tenants"]
