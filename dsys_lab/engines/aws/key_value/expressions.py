"""How does the model's word for a condition, an update or a range read in DynamoDB's own language?

DynamoDB takes expressions as text in which names stand as `#n0` and values as `:v0`, so that no name can be a reserved
word and no value can be taken for text. An `Expressions` collects them for one call.

Sources: Amazon DynamoDB Developer Guide, "Expressions in DynamoDB".
"""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.types import TypeSerializer

from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned.conditions import (
    BeginsWith,
    Both,
    Compare,
    Condition,
    Either,
    Exists,
    Not,
)
from dsys_lab.stores.key_value.partitioned.items import Item, Value
from dsys_lab.stores.key_value.partitioned.keys import KeySchema
from dsys_lab.stores.key_value.partitioned.queries import Range
from dsys_lab.stores.key_value.partitioned.updates import Update

_serializer = TypeSerializer()


def to_wire(item: Item) -> dict[str, Any]:
    """Return an item as boto3's client takes it."""
    return {name: value_to_wire(value) for name, value in item.items()}


def value_to_wire(value: Value) -> dict[str, Any]:
    """Return a value as boto3's client takes it; a float is refused."""
    try:
        told: dict[str, Any] = _serializer.serialize(value)
    except TypeError as error:
        raise BadParameter(f"{value!r}: {error}") from error
    return told


class Expressions:
    """The names and values of one call."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, Any]] = {}

    def name(self, name: str) -> str:
        """Return what stands for a name."""
        return self._names.setdefault(name, f"#n{len(self._names)}")

    def value(self, value: Value) -> str:
        """Return what stands for a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value_to_wire(value)
        return placeholder

    @property
    def given(self) -> dict[str, Any]:
        """What a call is given beside its expressions."""
        told: dict[str, Any] = {}
        if self._names:
            told["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self._names.items()}
        if self._values:
            told["ExpressionAttributeValues"] = self._values
        return told

    def condition(self, condition: Condition) -> str:
        """Return a condition as text."""
        match condition:
            case Exists(name):
                return f"attribute_exists({self.name(name)})"
            case Compare(name, relation, value):
                return f"{self.name(name)} {relation} {self.value(value)}"
            case BeginsWith(name, prefix):
                return f"begins_with({self.name(name)}, {self.value(prefix)})"
            case Both(first, second):
                return f"({self.condition(first)} AND {self.condition(second)})"
            case Either(first, second):
                return f"({self.condition(first)} OR {self.condition(second)})"
            case Not(denied):
                return f"(NOT {self.condition(denied)})"
        raise BadParameter(f"condition {condition!r}: give one of `partitioned.conditions`")

    def update(self, change: Update) -> str:
        """Return an update as text."""
        clauses = {
            "SET": [f"{self.name(name)} = {self.value(value)}" for name, value in change.set.items()],
            "ADD": [f"{self.name(name)} {self.value(value)}" for name, value in change.add.items()],
            "REMOVE": [self.name(name) for name in change.remove],
        }
        return " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts)

    def key_condition(self, keys: KeySchema, partition: Value, within: Range) -> str:
        """Return a partition key and a range of sort keys as text."""
        told = f"{self.name(keys.partition)} = {self.value(partition)}"
        if keys.sort is None or within == Range():
            return told
        sort = self.name(keys.sort)
        if within.prefix is not None:
            return f"{told} AND begins_with({sort}, {self.value(within.prefix)})"
        if within.low is not None and within.high is not None:
            return f"{told} AND {sort} BETWEEN {self.value(within.low)} AND {self.value(within.high)}"
        relation, bound = (">=", within.low) if within.low is not None else ("<=", within.high)
        return f"{told} AND {sort} {relation} {self.value(bound)}"
