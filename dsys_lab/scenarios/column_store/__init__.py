"""Nights in a warehouse: which blocks a question reads, what travels between slices, and what a load leaves behind.

`scan`, `shuffle`, `load` and `days` are the runs to be played. `nights` makes the tables, `sorting` counts blocks by
order, `encodings` bytes by codec, `distributing` what a join moves, `loading` what a load costs and breaks, `flown` is
the same on real flights.
"""

from dsys_lab.scenarios.column_store.distributing import shuffle
from dsys_lab.scenarios.column_store.loading import days, load
from dsys_lab.scenarios.column_store.sorting import scan

__all__ = ["days", "load", "scan", "shuffle"]
