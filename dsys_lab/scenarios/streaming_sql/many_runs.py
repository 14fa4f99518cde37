"""What many runs come to. Each function that takes `*values` returns (value, mean, standard error) for each of them."""

from __future__ import annotations

from typing import Final

from dsys_lab import laws
from dsys_lab.scenarios.streaming_sql.counts import crashed, join_state, patience, seen_after, wrong_prices
from dsys_lab.simulation import Measured, over_seeds

RUNS: Final = 5
CRASHES: Final = 48
CRASHED_S: Final = 100.0
"""How many runs crash, and how long each lasts."""
RATE: Final = 4.0
"""Pings a second of `told`."""


def in_time(*bounds_s: float) -> list[Measured]:
    """Return the share of the pings that their window of a minute hears of; they come 10 s late on average."""
    return over_seeds(lambda bound, seed: patience(bound, seed=seed)[0].window_share, seeds=RUNS, bound=bounds_s)


def answered_after_s(*bounds_s: float) -> list[Measured]:
    """Return the seconds from the end of a window to its answer, on average."""
    return over_seeds(lambda bound, seed: patience(bound, seed=seed)[0].window_delay_s, seeds=RUNS, bound=bounds_s)


def rows_kept(*within_s: float) -> list[Measured]:
    """Return the rows in the memory of a join of two orders and two payments a second."""
    return over_seeds(lambda within, seed: join_state(within, seed=seed)[0].kept, seeds=RUNS, within=within_s)


def rows_kept_law(within_s: float) -> float:
    """Return what the law says of `rows_kept`."""
    behind_s = laws.watermark_behind_s(0, [RATE / 2, RATE / 2])
    return laws.joined_rows_kept(RATE / 2, RATE / 2, 0, within_s, behind_s)


def wrong_by_arrival(*delays_s: float) -> list[Measured]:
    """Return the share of the orders that get a wrong price from a join by arrival."""
    return over_seeds(lambda delay, seed: wrong_prices(delay, seed=seed)[0][1], seeds=RUNS, delay=delays_s)


def wrong_by_event(*delays_s: float) -> list[Measured]:
    """Return the same for a join by event time."""
    return over_seeds(lambda delay, seed: wrong_prices(delay, seed=seed)[0][2], seeds=RUNS, delay=delays_s)


def read_again(*every: int) -> list[Measured]:
    """Return how many pings are read again after a crash at any of them alike."""
    return over_seeds(
        lambda records, seed: crashed("two-phase", int(records), seed=seed, seconds=CRASHED_S).replayed,
        seeds=CRASHES, records=every,
    )  # fmt: skip


def seen_after_s(*every: int) -> list[Measured]:
    """Return the seconds from what a query says to what a two-phase sink shows, on average."""
    return over_seeds(lambda records, seed: seen_after(int(records), seed=seed), seeds=RUNS, records=every)

