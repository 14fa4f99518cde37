"""All patterns, and all rooms, in one run: one order through every store and broker."""

# one order followed through every store and broker
from dsys_lab.scenarios.patterns.followed import AT_THE_SEAM, followed


__all__ = [
    "AT_THE_SEAM", "followed",
]  # fmt: skip
