"""How far is it? One bar for all that may take long.

It goes to stderr, only in a terminal, and only once a second has passed. A notebook would keep what is left of a bar
and show it as an error when it is opened again; a program that is piped wants none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
_SECONDS_UNTIL_SHOWN: Final = 1.0


def with_progress(
    items: Iterable[Item],
    *,
    total: int,
    label: str = "",
    unit: str = "it",
    size: Callable[[Item], int] = lambda item: 1,
) -> Iterator[Item]:
    """Give the items, and show how much of them is done.

    Parameters
    ----------
    items : iterable
    total : int
        How much there is to do: the sizes of all items.
    label, unit : str
        What is being done, and what is counted.
    size : callable
        How much of the total an item is. It is done when the next one is asked for.
    """
    bar = tqdm(
        total=total, desc=label, unit=unit, unit_scale=total > 10_000, leave=False,
        delay=_SECONDS_UNTIL_SHOWN, disable=None,
    )  # fmt: skip
    with bar:
        for item in items:
            yield item
            bar.update(size(item))
