"""The same run over many parameters, in this process or on any executor.

`executor` is anything with the standard `submit` of `concurrent.futures`: a `ProcessPoolExecutor` on this computer, or
the client of a Dask or Ray cluster for those who outgrow one machine. Results come back in the order of the grid, not
of completion, so the answer does not depend on who was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import product
from statistics import fmean, stdev
from typing import Any, Final, TypeVar

from dsys_lab.progress import with_progress

Result = TypeVar("Result")


def grid(**axes: Iterable[Any]) -> list[dict[str, Any]]:
    """Return every combination of the axes as parameters, the last axis running fastest.

    >>> grid(capacity=(5, 50), seed=(1, 2))[1]
    {'capacity': 5, 'seed': 2}
    """
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def sweep(
    run: Callable[..., Result],
    points: Sequence[Mapping[str, Any]],
    *,
    executor: Executor | None = None,
    label: str = "",
) -> list[Result]:
    """Return `run(**point)` for each point, with a progress bar in a terminal once it takes longer than a second.

    Parameters
    ----------
    run : callable
        For an executor of other processes it must be importable (defined in a module, not in a notebook).
    points : sequence of mappings
        See `grid`.
    """
    total = len(points)
    if executor is None:
        return [run(**point) for point in with_progress(points, total=total, label=label)]
    futures = [executor.submit(run, **point) for point in points]
    return [future.result() for future in with_progress(futures, total=total, label=label)]


Measured = tuple[float, float, float]
"""A parameter, the mean of what was counted over several seeds, and the standard error of that mean."""
SEEDS: Final = 4


def over_seeds(measure: Callable[..., float], *, seeds: int = SEEDS, **axis: Sequence[float]) -> list[Measured]:
    """Return what `measure(parameter=value, seed=seed)` counts at each value of one parameter, over the first seeds.

    >>> over_seeds(lambda depth, seed: depth * 10 + seed, depth=(1, 2))
    [(1, 12.5, 0.6454972243679028), (2, 22.5, 0.6454972243679028)]
    """
    ((name, values),) = axis.items()
    counted = sweep(measure, grid(**axis, seed=range(1, seeds + 1)), label=name)
    rows = [counted[i : i + seeds] for i in range(0, len(counted), seeds)]
    return [(value, fmean(row), stdev(row) / seeds**0.5) for value, row in zip(values, rows, strict=True)]
