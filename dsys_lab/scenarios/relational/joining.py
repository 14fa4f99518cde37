"""Each sale with the name of its product: how many rows a join looks at, by three ways.

A sale has the number of its product; the name stands in the table of products. Nothing is left to chance, so a count
has no error.

Sources: `dsys_lab.stores.relational.joins`; the law in `dsys_lab.laws.joins`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from dsys_lab.errors import require_choice, require_positive
from dsys_lab.laws import JOIN_WAYS
from dsys_lab.stores.relational import joins
from dsys_lab.stores.relational.joins import Row

PRODUCTS: Final = 10_000
ON: Final = "product"
STRIDE: Final = 7_919
"""Sale i is of product `7919 i` modulo the number of products: neighbours lie far apart."""


@cache
def _products(count: int) -> tuple[list[Row], dict[int, list[Row]]]:
    rows: list[Row] = [{ON: number, "name": f"product {number}"} for number in range(count)]
    return rows, {row[ON]: [row] for row in rows}


def sales_of(count: int, products: int = PRODUCTS) -> list[Row]:
    """Return so many sales."""
    return [{"id": number, ON: STRIDE * number % products} for number in range(1, count + 1)]


def join_sales(way: str, sales: int, products: int = PRODUCTS) -> joins.Joined:
    """Give each of so many sales its product, by one way."""
    require_choice("way", way, JOIN_WAYS)
    require_positive(sales=sales, products=products)
    rows, index = _products(products)
    asked = sales_of(sales, products)
    if way == "nested loop":
        return joins.nested_loop(asked, rows, ON)
    return joins.by_index(asked, index, ON) if way == "by index" else joins.hashed(asked, rows, ON)


def looked_at(way: str, *sales: int, products: int = PRODUCTS) -> list[tuple[float, float, float]]:
    """Return (sales, rows looked at, no error) for a chart beside its law."""
    return [(count, join_sales(way, count, products).looked_at, 0.0) for count in sales]
