"""Pings by the thousand become a few large objects: when, how large, and who holds them meanwhile.

`pings` has the runs, `machines` the stream on a machine with those who put and where it delivers, `counts` what a run
or many runs come to, `reading` what DuckDB finds in what landed.
"""

from dsys_lab.scenarios.delivery_stream.pings import answers_lost, folders, glass, offline, outage, spoiled

__all__ = ["answers_lost", "folders", "glass", "offline", "outage", "spoiled"]
