"""An engine is imported when somebody wants it: it may be missing, and takes its time."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def when_wanted(module: str, name: str) -> Callable[[], Any]:
    """Return what makes a `name` of `dsys_lab.engines.<module>`, which is imported then.

    Raises
    ------
    EngineMissing
        By what is returned, if the engine is not installed or does not start.
    """

    def make() -> Any:
        return getattr(import_module(f"dsys_lab.engines.{module}"), name)()

    return make
