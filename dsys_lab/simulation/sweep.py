"""The same run over many parameters, in this process or on any executor.

`executor` is anything with the standard `submit` of `concurrent.futures`: a `ProcessPoolExecutor` on this computer, or
the client of a Dask or Ray cluster for those who outgrow one machine. Results come back in the order of the grid, not
of completion, so the answer does not depend on who was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import product
from typing import Any, TypeVar

from tqdm.auto import tqdm

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
    """Return `run(**point)` for each point, with a progress bar once it takes longer than a second.

    Parameters
    ----------
    run : callable
        For an executor of other processes it must be importable (defined in a module, not in a notebook).
    points : sequence of mappings
        See `grid`.
    """
    bar = {"desc": label, "total": len(points), "delay": 1.0, "leave": False}
    if executor is None:
        return [run(**point) for point in tqdm(points, **bar)]
    futures = [executor.submit(run, **point) for point in points]
    return [future.result() for future in tqdm(futures, **bar)]
