"""Many people at one row, a machine that may lose its power, and a log that may outlive both.

`people` has the runs in which sessions meet: `interleaving` plays their scripts on any database, `session_pictures`
shows them. `log` is what a write costs and what a power cut leaves. `volume` has the runs of the shared volume on the
machines of `machines`, `copies` what its laws come to, and `serverless` is a database whose size follows the load.
"""

from dsys_lab.scenarios.relational.people import accident, long_report, versions
from dsys_lab.scenarios.relational.serverless import capacity
from dsys_lab.scenarios.relational.volume import (
    commits,
    fail_over,
    mirrored_pages,
    replica_lag,
    segment_repair,
    zone_loss,
)

__all__ = [
    "accident",
    "capacity",
    "commits",
    "fail_over",
    "long_report",
    "mirrored_pages",
    "replica_lag",
    "segment_repair",
    "versions",
    "zone_loss",
]
