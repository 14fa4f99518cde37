"""What a real engine does otherwise than its model: said once, shown in the notebook, skipped by name in the tests."""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """One row of the table *model | engine | difference*.

    Attributes
    ----------
    model, engine : str
        What does it here, and what stands in for it there.
    difference : str
        What is otherwise, and what follows from it.
    skips : tuple of str
        The cases of the conformance suite that this is the reason to skip.
    """

    model: str
    engine: str
    difference: str
    skips: tuple[str, ...] = ()
