"""Who hears what of a topic: a name, a filter over attributes or body, and how long the topic keeps trying."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from dsys_lab.brokers.event_patterns import Pattern
from dsys_lab.brokers.topic.delivery import TO_QUEUES, DeliveryPolicy
from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.facts import fact

SCOPES: Final = ("attributes", "body")
KEYS_MAX: Final = fact("sns_policy_keys_max").value
COMBINATIONS_MAX: Final = fact("sns_policy_combinations_max").value


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One seat at a topic.

    Attributes
    ----------
    name : str
        Who sits there; unique in the topic.
    only : Pattern or None
        The filter policy: which messages this seat hears. None: all.
    scope : str
        What the filter looks at: the "attributes" beside a message, or its "body" if that is a JSON object.
    policy : DeliveryPolicy
        How long the topic tries where the endpoint does not take a message.
    dead_letters : bool
        Whether what was tried in vain is set aside for this seat; otherwise it is dropped.
    """

    name: str
    only: Pattern | None = None
    scope: str = "attributes"
    policy: DeliveryPolicy = TO_QUEUES
    dead_letters: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BadParameter(f"name = {self.name!r}: give a name that is not empty")
        require_choice("scope", self.scope, SCOPES)
        if self.only is None:
            return
        if not isinstance(self.only, Pattern):
            raise BadParameter(f"only = {self.only!r}: give a Pattern, or None to hear everything")
        if self.only.keys > KEYS_MAX or self.only.combinations > COMBINATIONS_MAX:
            raise BadParameter(
                f"the filter of {self.name} has {self.only.keys} fields and {self.only.combinations} combinations: "
                f"a filter policy may have {KEYS_MAX} and {COMBINATIONS_MAX}; filter the rest where it is heard"
            )
        if self.scope == "attributes" and self.only.depth > 1:
            raise BadParameter(f"the filter of {self.name} lies deeper than attributes do: give scope='body'")

    def hears(self, attributes: Mapping[str, Any], body: str) -> bool:
        """Whether the filter lets this message through. A body that is no JSON object passes no filter of bodies."""
        if self.only is None:
            return True
        if self.scope == "attributes":
            return self.only.matches(attributes)
        event = event_in(body)
        return event is not None and self.only.matches(event)


@lru_cache(maxsize=1)
def event_in(body: str) -> Mapping[str, Any] | None:
    """Return the JSON object in a body, or None; the last is kept, for every filter of a topic asks for the same."""
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def require_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a message, each a text, a number, a truth value or None, or a list of such."""
    if not isinstance(attributes, Mapping):
        raise BadParameter(f"attributes = {attributes!r}: give a mapping of names to values")
    for name, value in attributes.items():
        plain = value if isinstance(value, list) else [value]
        if not isinstance(name, str) or not all(one is None or isinstance(one, str | int | float) for one in plain):
            raise BadParameter(f"attribute {name!r} = {value!r}: give a text, a number or a list of such")
    return dict(attributes)
