"""A limited launch of pillows: promise at once and find out later, or ask first; and who settles what was promised.

`launch` sells at four gates, `settle` walks promises to their end while things fail, `audited` lets an auditor look for
what nobody reported. `gates` and `desks` are the machines of the first two, `counts` says what many runs come to.
"""

from dsys_lab.scenarios.verification_and_apology.audited import audited
from dsys_lab.scenarios.verification_and_apology.launch import launch
from dsys_lab.scenarios.verification_and_apology.settle import settle

__all__ = ["audited", "launch", "settle"]
