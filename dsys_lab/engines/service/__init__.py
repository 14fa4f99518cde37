"""A service that is really there: a web server on the loopback, behind the same verbs as the model.

`verbs` says what can be done to either, `model` and `http` do it, `drill` is one story for both; `program` is what runs
in the process of its own, with its ledger in SQLite (`ledger`). JupyterLab brings Tornado and httpx; nothing else is
installed, and nothing leaves the loopback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dsys_lab.engines.service.drill import Heard, calls, drill
from dsys_lab.engines.service.http import HttpService
from dsys_lab.engines.service.model import ModelService
from dsys_lab.engines.service.verbs import DIFFERENCES, Answer, RunningService, Size
from dsys_lab.errors import require_choice

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICES: Final[dict[str, Callable[[Size], RunningService]]] = {"model": ModelService, "HTTP": HttpService}


def running(service: str, size: Size | None = None) -> RunningService:
    """Start a service of this kind ("model" or "HTTP"); `close` it."""
    require_choice("service", service, tuple(SERVICES))
    return SERVICES[service](size or Size())


__all__ = [
    "DIFFERENCES", "SERVICES", "Answer", "Heard", "HttpService", "ModelService", "RunningService", "Size", "calls",
    "drill", "running",
]  # fmt: skip
