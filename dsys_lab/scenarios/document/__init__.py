"""Profiles of sleepers: found by what stands in them, grown, and changed by several at once.

`shelves` plays a question over an index, `editors` several apps at one profile; `profiles` has the collections and the
questions, `counts` and `growing` what many runs come to, `flights` the same questions of real ones.
"""

from dsys_lab.scenarios.document.editors import edits_at_once
from dsys_lab.scenarios.document.shelves import along_the_shelf

__all__ = ["along_the_shelf", "edits_at_once"]
