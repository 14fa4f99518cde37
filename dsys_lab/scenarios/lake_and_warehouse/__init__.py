"""Nights that change their shape come in: what becomes of them in a warehouse, in a folder, and in a table of files?

`river` plays documents at the gate of a warehouse and at a lake, `writers` two who commit at once, and one who crashes
half way, `sweeps` a vacuum beside those who write. `counts` is what many documents, files and cuts come to.
"""

from dsys_lab.scenarios.lake_and_warehouse.river import river
from dsys_lab.scenarios.lake_and_warehouse.sweeps import sweep
from dsys_lab.scenarios.lake_and_warehouse.writers import half_a_job, race

__all__ = ["half_a_job", "race", "river", "sweep"]
