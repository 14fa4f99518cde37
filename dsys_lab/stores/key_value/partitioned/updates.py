"""How is a part of an item changed?

An update names the attributes that change, so what others changed in the meantime stays. `set` gives attributes a
value, `add` adds to numbers (one that is missing counts from 0) and joins sets, `remove` takes attributes away. An item
that is not there begins as its key.

An `add` is no idempotent thing: sent again after a lost answer it counts twice. A condition, or the token of a
transaction, makes it count once.

Left out: paths into lists and maps, list appends.

Sources: Amazon DynamoDB Developer Guide, "Update expressions".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Final

from dsys_lab.errors import BadParameter
from dsys_lab.stores.key_value.partitioned.conditions import order_kind
from dsys_lab.stores.key_value.partitioned.items import DIGITS_MAX, Item, Value

_EXACT: Final = Context(prec=DIGITS_MAX, traps=[Inexact, InvalidOperation, Overflow])

NOTHING: Final[Mapping[str, Value]] = {}


@dataclass(frozen=True, slots=True)
class Update:
    """Attributes to set, to add to and to remove; no attribute may be named twice.

    Examples
    --------
    >>> Update(set={"city": "Oslo"}, add={"nights": 1}).of({"person": "17", "nights": 4})
    {'person': '17', 'nights': 5, 'city': 'Oslo'}
    """

    set: Mapping[str, Value] = field(default_factory=dict)
    add: Mapping[str, Value] = field(default_factory=dict)
    remove: Iterable[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.remove, str):
            raise BadParameter(f"remove = {self.remove!r}: give a list of names, as {(self.remove,)!r}")
        object.__setattr__(self, "remove", tuple(self.remove))
        named = [*self.set, *self.add, *self.remove]
        if not named or len(named) != len({*named}):
            raise BadParameter(f"an update of {named}: name one attribute or more, and none twice")

    def named(self) -> list[str]:
        """Return the attributes that it changes."""
        return [*self.set, *self.add, *self.remove]

    def of(self, item: Item) -> dict[str, Value]:
        """Return what the item becomes.

        Raises
        ------
        BadParameter
            If a number is added to what is none, or a set to another kind.
        """
        changed = {name: value for name, value in item.items() if name not in {*self.remove}}
        changed |= self.set
        for name, value in self.add.items():
            changed[name] = _sum(name, changed.get(name), value)
        return changed


def _sum(name: str, before: Value, value: Value) -> Value:
    if isinstance(value, set | frozenset) and (before is None or isinstance(before, frozenset)):
        return frozenset(value) | (before or frozenset())
    if order_kind(value) == "N" and (before is None or order_kind(before) == "N"):
        return _exact_sum(name, value, before or 0)
    raise BadParameter(f"add {value!r} to {name} = {before!r}: add a number to a number, or a set to a set")


def _exact_sum(name: str, value: int | Decimal, before: int | Decimal) -> int | Decimal:
    """Add as DynamoDB does, with 38 digits (Python's own context would round to 28 in silence)."""
    if isinstance(value, int) and isinstance(before, int):
        return value + before
    try:
        return _EXACT.add(Decimal(before), Decimal(value))
    except (Inexact, InvalidOperation, Overflow):
        raise BadParameter(
            f"add {value!r} to {name} = {before!r}: the sum has more than {DIGITS_MAX} significant digits"
        ) from None
