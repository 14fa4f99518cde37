"""A price list and the index that is made of it: who tells the index, and what becomes of it?

`shelf` has the run: two clerks who write to both, or a log that tells. `counts` says what many runs come to.
"""

from dsys_lab.scenarios.derived_dataflows.shelf import shelf

__all__ = ["shelf"]
