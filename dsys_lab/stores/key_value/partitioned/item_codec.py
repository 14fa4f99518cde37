"""How is an item written down?

As JSON in which each value is a map from the letter of its kind to itself: `{"minutes": {"N": "435"}}`. It is the form
in which DynamoDB's API speaks, so a journal of ours reads like a request. Numbers are strings there, for JSON's are
floats to many readers; bytes are base64.

Sources: Amazon DynamoDB API Reference, "AttributeValue".
"""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from dsys_lab.errors import Damaged
from dsys_lab.stores.key_value.partitioned.items import Item, Value
from dsys_lab.stores.key_value.partitioned.keys import Key


def spell_item(item: Item) -> dict[str, Any]:
    """Return an item in letters and strings."""
    return {name: spell(value) for name, value in item.items()}


def read_item(spelled: dict[str, Any]) -> dict[str, Value]:
    """Return the item that `spell_item` spelled."""
    return {name: read(value) for name, value in spelled.items()}


def spell(value: Value) -> dict[str, Any]:  # noqa: PLR0911  # one for each kind
    """Return one value as {letter of its kind: itself}.

    Examples
    --------
    >>> spell(435), spell(None), spell(["a", True])
    ({'N': '435'}, {'NULL': True}, {'L': [{'S': 'a'}, {'BOOL': True}]})
    """
    match value:
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case list():
            return {"L": [spell(element) for element in value]}
        case dict():
            return {"M": spell_item(value)}
    [letter, *_] = (next(iter(spell(element))) for element in value)
    return {f"{letter}S": sorted(spell(element)[letter] for element in value)}


def read(spelled: dict[str, Any]) -> Value:  # noqa: PLR0911
    """Return the value that `spell` spelled."""
    [(letter, value)] = spelled.items()
    match letter:
        case "BOOL" | "S":
            return value
        case "NULL":
            return None
        case "N":
            return _number(value)
        case "B":
            return base64.b64decode(value) if isinstance(value, str) else bytes(value)
        case "L":
            return [read(element) for element in value]
        case "M":
            return read_item(value)
        case "SS" | "NS" | "BS":
            return frozenset(read({letter[0]: element}) for element in value)
    raise Damaged(f"a value of kind {letter!r} in a journal: this is not what was written")


def spell_key(key: Key) -> list[Any]:
    """Return a key in letters and strings."""
    return [key.position, spell(key.partition), spell(key.sort)]


def read_key(spelled: list[Any]) -> Key:
    """Return the key that `spell_key` spelled."""
    return Key(spelled[0], read(spelled[1]), read(spelled[2]))


def _number(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() and "E" not in text else number
