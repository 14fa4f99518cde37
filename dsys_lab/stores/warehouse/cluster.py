"""Which machines are there, which slices has each, and what is sent between two of them?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from dsys_lab.errors import BadParameter, Refused

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Cluster:
    """So many nodes with so many slices each; slices are numbered through.

    Examples
    --------
    >>> cluster = Cluster(nodes=2, slices_a_node=2)
    >>> [cluster.name(at) for at in range(cluster.slices)]
    ['node-0.0', 'node-0.1', 'node-1.0', 'node-1.1']
    """

    nodes: int = 2
    slices_a_node: int = 2

    def __post_init__(self) -> None:
        for name in ("nodes", "slices_a_node"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BadParameter(f"{name} = {value!r}: give a whole number, 1 or more")

    @property
    def slices(self) -> int:
        """Return how many slices there are."""
        return self.nodes * self.slices_a_node

    def node(self, at: int) -> int:
        """Return the node of a slice."""
        return at // self.slices_a_node

    def first(self, at: int) -> int:
        """Return the first slice of the node of a slice."""
        return at - at % self.slices_a_node

    def name(self, at: int) -> str:
        """Return the name of a slice: its node, and its number there."""
        return f"node-{self.node(at)}.{at % self.slices_a_node}"


def on_all(executor: Executor | None, work: Callable[..., Result], given: Sequence[tuple[Any, ...]]) -> list[Result]:
    """Return `work(*arguments)` for each slice, in their order, wherever the executor runs them.

    Raises
    ------
    Refused
        If the executor is shut down, or one of its processes died; nothing changed.
    """
    if executor is None:
        return [work(*arguments) for arguments in given]
    try:
        futures = [executor.submit(work, *arguments) for arguments in given]
        return [future.result() for future in futures]
    except BrokenExecutor as error:
        raise Refused("a slice's process died at work; nothing changed: give a new executor") from error
    except RuntimeError as error:
        if "shutdown" not in str(error):
            raise
        raise Refused("the executor is shut down; nothing changed: give a new one") from error
