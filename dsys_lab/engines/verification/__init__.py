"""A shop that promises now and finds out later, in the model and on PostgreSQL and JetStream: the same desk in both.

`verbs` says what can be done to either, `model` and `real` do it; `program` is the desk as a process of its own, and
`killed` what becomes of its promises when it is ended by SIGKILL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dsys_lab.engines.verification.model import ModelShop
from dsys_lab.engines.verification.verbs import DIFFERENCES, RunningShop
from dsys_lab.errors import require_choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsys_lab.engines.verification.real import RealShop


def _real(pillows: int, **given: object) -> RealShop:
    from dsys_lab.engines.verification.real import RealShop

    return RealShop(pillows, **given)  # type: ignore[arg-type]  # as they came


SHOPS: Final[dict[str, Callable[..., RunningShop]]] = {"model": ModelShop, "PostgreSQL and JetStream": _real}


def running(shop: str, pillows: int, **given: object) -> RunningShop:
    """Open a shop ("model", or "PostgreSQL and JetStream") with so many pillows; `close` it."""
    require_choice("shop", shop, tuple(SHOPS))
    return SHOPS[shop](pillows, **given)


__all__ = ["DIFFERENCES", "SHOPS", "ModelShop", "RunningShop", "running"]
