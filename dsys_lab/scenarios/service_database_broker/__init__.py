"""A night was recorded, and three must know: by a table that they read, a service that is called, a log that is kept.

`three_ways` has the runs, `machines` what they wire together; `renaming` changes a column under everybody, `counts`
says what many runs come to, `dual_writes` what is lost between a commit and a message, `faults`
what else goes wrong. Where an acknowledgement stands is tried in `dsys_lab.dataflows.service.acknowledgement`.
"""

from dsys_lab.scenarios.service_database_broker.counts import chain, group, outage, outages
from dsys_lab.scenarios.service_database_broker.dual_writes import dual_write
from dsys_lab.scenarios.service_database_broker.renaming import renamed, replays
from dsys_lab.scenarios.service_database_broker.three_ways import three_ways

__all__ = ["chain", "dual_write", "group", "outage", "outages", "renamed", "replays", "three_ways"]
