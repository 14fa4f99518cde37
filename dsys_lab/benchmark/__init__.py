"""The same work by us and by others, interleaved, as ratios.

A time alone says more about the computer than about the code, so every line is a ratio of rivals that ran in turn in
the same process of the same minute: A B A B ..., the median of the rounds, and their range. No test asserts one.

    python -m dsys_lab.benchmark            every table
    python -m dsys_lab.benchmark trace      the tables whose names begin so

A rival that lives in another Python is run there: `DSYS_LAB_HAPPYSIM=/path/to/python3.13` names one that has happysim.
"""

from dsys_lab.benchmark.rivals import Rival, compare, interleaved

__all__ = ["Rival", "compare", "interleaved"]
