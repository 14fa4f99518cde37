"""All patterns, and all rooms, in one run: one order through every store and broker."""

# ------------------------------------------------------------ one order, followed
from dsys_lab.scenarios.patterns.followed import AT_THE_SEAM, followed
from dsys_lab.scenarios.patterns.followed_struck import InPlace, Struck, ages, in_each_place, struck_everywhere

__all__ = [
    "AT_THE_SEAM", "InPlace", "Struck", "ages", "followed", "in_each_place", "struck_everywhere",
]  # fmt: skip
