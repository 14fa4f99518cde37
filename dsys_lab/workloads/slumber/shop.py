"""The shop: who bought what, and how many are left?

On day d there are `2 (d + 1)` orders, one for ten nights; each has one to four lines. Early customers buy more: a
buyer is the earlier of two people chosen evenly from all who have joined. The r-th of 200 products sells with a weight
of 1/r.

The stock of a product in a warehouse on a day is a *level* and not a flow: levels of one day add up over products and
warehouses, and levels of several days do not add up over days (a semi-additive measure).

Promise: rows are pure functions of (seed, number), like the nights; line k of order j is known without the others.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.workloads.slumber.luck import Columns, Ints, Stream, luck, pick, uniform
from dsys_lab.workloads.slumber.records import record
from dsys_lab.workloads.slumber.size_law import JOINING_A_DAY, day_of_order

PRODUCTS: Final = 200
WAREHOUSES: Final = 4
STOCK_DAYS_MOST: Final = 4096
"""Days that the stock's numbering leaves room for: to the year 2028."""
PRODUCT: Final = record("product_id:u1 product:S24 category:S12 price_cents:u4")
ORDER: Final = record("order_id:u8 date_key:u2 second:u4 person_id:u4 lines:u1")
ORDER_LINE: Final = record("order_id:u8 line:u1 product_id:u1 quantity:u1 unit_price_cents:u4")
STOCK: Final = record("date_key:u2 warehouse:u1 product_id:u1 level:u2")
_PRODUCT_WEIGHTS: Final[Ints] = np.cumsum([1_000_000 // (rank + 1) for rank in range(PRODUCTS)])
_KINDS: Final = (
    # category, from cents, up to cents
    ("pillow", 1_900, 12_900),
    ("blanket", 2_900, 19_900),
    ("mask", 700, 3_900),
    ("lamp", 1_500, 9_900),
    ("mattress", 24_900, 149_900),
)
_NAMES: Final = (
    "Cloud", "Dune", "Fjord", "Heather", "Loft", "Meadow", "Moss", "Otter", "Pebble", "Tide",
)  # fmt: skip


def product_table(seed: int, first: int, last: int) -> Columns:
    """Return the products `first` to `last` - 1: `product_id`, `product`, `category`, `price_cents`."""
    product = np.arange(first, last)
    category = [_KINDS[number % len(_KINDS)][0] for number in product]
    series = [_NAMES[number // 5 % 10] for number in product]
    names = [f"{s} {kind} {n // 50 + 1}" for s, kind, n in zip(series, category, product, strict=True)]
    return {
        "product_id": product.astype(np.uint8),
        "product": np.array(names, dtype=object),
        "category": np.array(category, dtype=object),
        "price_cents": price_cents(seed, product).astype(np.uint32),
    }


def price_cents(seed: int, product: Ints) -> Ints:
    """Return the price of each product, in its category's range and in whole euros."""
    low, high = (np.array([kind[place] for kind in _KINDS])[product % len(_KINDS)] for place in (1, 2))
    return low + uniform(luck(seed, Stream.PRICE, product), (high - low) // 100 + 1) * 100


def order_table(seed: int, first: int, last: int) -> Columns:
    """Return the orders `first` to `last` - 1: `order_id`, `date_key`, `second` of the day, `person_id`, `lines`."""
    order = np.arange(first, last)
    day = day_of_order(order)
    people = JOINING_A_DAY * (day + 1)
    one, other = (uniform(luck(seed, s, order), people) for s in (Stream.BUYER_ONE, Stream.BUYER_TWO))
    return {
        "order_id": order.astype(np.uint64),
        "date_key": day.astype(np.uint16),
        "second": uniform(luck(seed, Stream.ORDER_SECOND, order), 86_400).astype(np.uint32),
        "person_id": np.minimum(one, other).astype(np.uint32),
        "lines": _lines(seed, order).astype(np.uint8),
    }


def _lines(seed: int, order: Ints) -> Ints:
    return 1 + uniform(luck(seed, Stream.ORDER_LINES, order), 4)


def order_line_table(seed: int, first: int, last: int) -> Columns:
    """Return the lines of the orders `first` to `last` - 1.

    Returns
    -------
    Columns
        `order_id`, `line` (0 to 3), `product_id`, `quantity` (1 to 3), `unit_price_cents`.
    """
    order = np.arange(first, last)
    lines = _lines(seed, order)
    owner = np.repeat(order, lines)
    line = np.arange(owner.size) - np.repeat(np.cumsum(lines) - lines, lines)
    number = owner * 4 + line
    product = pick(luck(seed, Stream.LINE_PRODUCT, number), _PRODUCT_WEIGHTS)
    return {
        "order_id": owner.astype(np.uint64),
        "line": line.astype(np.uint8),
        "product_id": product.astype(np.uint8),
        "quantity": (1 + uniform(luck(seed, Stream.LINE_QUANTITY, number), 3)).astype(np.uint8),
        "unit_price_cents": price_cents(seed, product).astype(np.uint32),
    }


def stock_table(seed: int, first: int, last: int) -> Columns:
    """Return the levels of days `first` to `last` - 1: `date_key`, `warehouse`, `product_id`, `level`."""
    day, warehouse, product = (
        axis.ravel() for axis in np.mgrid[first:last, 0:WAREHOUSES, 0:PRODUCTS].astype(np.int64)
    )
    level = 20 + uniform(luck(seed, Stream.STOCK, (product * 8 + warehouse) * STOCK_DAYS_MOST + day), 200)
    return {
        "date_key": day.astype(np.uint16),
        "warehouse": warehouse.astype(np.uint8),
        "product_id": product.astype(np.uint8),
        "level": level.astype(np.uint16),
    }
