"""Rivals that take turns, and the ratio between them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rival:
    """One way to do the work.

    Attributes
    ----------
    name : str
    run : callable
        Does the work once and returns how many units of it were done.
    measures_itself : bool
        `run` returns units a second instead, for it ran in another process.
    """

    name: str
    run: Callable[[], float]
    measures_itself: bool = False


def compare(title: str, unit: str, rivals: list[Rival], *, rounds: int = 5) -> None:
    """Run the rivals in turn, and print each one's rate and its ratio to the first."""
    rates: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for _ in range(rounds):
        for rival in rivals:
            began = time.perf_counter()
            done = rival.run()
            rates[rival.name].append(done if rival.measures_itself else done / (time.perf_counter() - began))
    ours = statistics.median(rates[rivals[0].name])
    print(f"\n{title}\n{'':46}{unit + '/s':>16}{'range':>26}{'ours is':>12}")
    for name, measured in rates.items():
        median = statistics.median(measured)
        span = f"{min(measured):,.0f} to {max(measured):,.0f}"
        print(f"  {name:44}{median:16,.0f}{span:>26}{ours / median:11.2f}x")


def interleaved(*runs: Callable[[], object], rounds: int = 5) -> list[list[float]]:
    """Return the seconds that each of `runs` took in each round; they take turns, so that a busy minute hits all."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, taken in zip(runs, seconds, strict=True):
            began = time.perf_counter()
            run()
            taken.append(time.perf_counter() - began)
    return seconds
