"""Who gets what: a rule has a pattern and up to five targets; a target has a shape, a retry, perhaps dead letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dsys_lab.brokers.event_bus.retry import CLASSIC, Retry
from dsys_lab.brokers.event_bus.shapes import WHOLE, Constant, Part, Shape, Transformer, Whole
from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.errors import BadParameter
from dsys_lab.facts import fact

TARGETS_MAX: Final = int(fact("eventbridge_targets_max").value)
CATCH_ALL: Final = Pattern({"source": [{"prefix": ""}]})
"""Picks every event: the rule for a log of all, or for an alarm."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go that a rule picks.

    Attributes
    ----------
    name : str
        Unique in its rule.
    shape : Shape
        What it is given of an event.
    retry : Retry
        How long it is tried.
    dead_letters : bool
        Whether what was tried in vain is set aside; otherwise it is dropped.
    """

    name: str
    shape: Shape = WHOLE
    retry: Retry = CLASSIC
    dead_letters: bool = False

    def __post_init__(self) -> None:
        require_name("target", self.name)
        if not isinstance(self.shape, Whole | Part | Constant | Transformer):
            raise BadParameter(f"shape = {self.shape!r}: give a Whole, Part, Constant or Transformer")
        if not isinstance(self.retry, Retry):
            raise BadParameter(f"retry = {self.retry!r}: give a Retry")


@dataclass(frozen=True, slots=True)
class Rule:
    """Which events go to which targets.

    Attributes
    ----------
    name : str
        Unique on its bus.
    pattern : Pattern
        Which events it picks.
    targets : iterable of Target
        Each gets what is picked.
    """

    name: str
    pattern: Pattern
    targets: Iterable[Target] = ()

    def __post_init__(self) -> None:
        require_name("rule", self.name)
        if not isinstance(self.pattern, Pattern):
            raise BadParameter(f"pattern = {self.pattern!r}: give a Pattern")
        targets = tuple(self.targets)
        object.__setattr__(self, "targets", targets)
        if len(targets) > TARGETS_MAX:
            raise BadParameter(f"rule {self.name}: {len(targets)} targets; a rule may have {TARGETS_MAX}, make two")
        if len({target.name for target in targets}) < len(targets):
            raise BadParameter(f"rule {self.name}: two targets of one name; give each its own")


def require_name(what: str, name: object) -> None:
    """Refuse a name that is empty or would not be one place in a trace."""
    if not isinstance(name, str) or not name or "/" in name:
        raise BadParameter(f"{what} = {name!r}: give a name that is not empty and has no slash")
