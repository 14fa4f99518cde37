"""What is followed: an order of Slumber's shop, as the bytes of a call, as JSON, and as a digest.

The orders are those of the world, each with its first line. What travels is the same fact all the way; what a place
keeps of it is its own affair, so two places are compared by the digest of what both keep.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from dsys_lab.dataflows.service import Contract, Version, encode
from dsys_lab.workloads.slumber import Slumber

ORDER_V1: Final = Version.of("v1", "1 person u32, 2 product u32, 3 quantity u8, 4 cents u32, 5 clicked_ms u32")
"""What the app and the shop have agreed on."""
CONTRACT: Final = Contract(newest=ORDER_V1, older={})
WORLD_NIGHTS: Final = 10_000
FIRST: Final = 400
"""The first order of the world that is used: by then there are people in several cities."""
Fact = dict[str, Any]


class Order(NamedTuple):
    """An order, before it has been clicked."""

    id: str
    person: int
    product: int
    quantity: int
    cents: int

    def body(self, clicked_ms: int) -> bytes:
        """Return it as the body of a call."""
        said = {"person": self.person, "product": self.product, "quantity": self.quantity, "cents": self.cents}
        return encode(ORDER_V1, {**said, "clicked_ms": clicked_ms})


class Shelves(NamedTuple):
    """What is known of people and products besides: a city for each person, a category for each product."""

    city_of: dict[int, str]
    category_of: dict[int, str]


def orders_of(seed: int, count: int) -> list[Order]:
    """Return so many orders of the world, called o1, o2, …"""
    world = Slumber(seed=seed, nights=WORLD_NIGHTS)
    order = world.read("orders", FIRST, FIRST + count)
    line = world.read("order_line", FIRST, FIRST + count)
    first = {int(line["order_id"][at]): at for at in reversed(range(len(line["order_id"])))}
    told = []
    for number, (order_id, person) in enumerate(zip(order["order_id"], order["person_id"], strict=True), 1):
        at = first[int(order_id)]
        quantity, price = int(line["quantity"][at]), int(line["unit_price_cents"][at])
        told.append(Order(f"o{number}", int(person), int(line["product_id"][at]), quantity, quantity * price))
    return told


def shelves_of(seed: int, orders: list[Order]) -> Shelves:
    """Return what is known of the people and products of these orders."""
    world = Slumber(seed=seed, nights=WORLD_NIGHTS)
    cities = world.read("city")["city"]
    people = sorted({order.person for order in orders})
    products = sorted({order.product for order in orders})
    city_of = {one: str(cities[world.read("person", one, one + 1)["city_id"][0]]) for one in people}
    return Shelves(city_of, {one: str(world.read("product", one, one + 1)["category"][0]) for one in products})


class Silent(NamedTuple):
    """What a place says that cannot be asked: nothing, and that is not the same as having nothing."""

    why: str


def as_json(fact: Mapping[str, Any]) -> str:
    """Return a fact as text, the same for the same fact."""
    return json.dumps(fact, sort_keys=True, separators=(",", ":"))


def digest(fact: object) -> str:
    """Return eight letters that stand for what is said; "nothing" for nothing, and why, if nobody can be asked.

    >>> digest({"cents": 3900}), digest(None), digest(Silent("down"))
    ('25b35db5', 'nothing', 'down')
    """
    if isinstance(fact, Silent):
        return fact.why
    if fact is None:
        return "nothing"
    return hashlib.sha256(json.dumps(fact, sort_keys=True, default=list).encode()).hexdigest()[:8]
