"""Three ways to join give the same pairs, and look at as many rows as the law says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab import laws
from dsys_lab.engines.postgres import Connection, PostgresDatabase, joined, outline, rows_looked_at
from dsys_lab.errors import BadParameter
from dsys_lab.scenarios.relational.joining import PRODUCTS, join_sales, looked_at
from dsys_lab.stores.relational.joins import by_index, hashed, nested_loop

ROWS = st.lists(st.integers(0, 5), max_size=12)


@given(ROWS, ROWS)
def test_all_ways_find_the_same_pairs_and_each_its_law(left: list[int], right: list[int]) -> None:
    sales = [{"id": at, "product": number} for at, number in enumerate(left)]
    products = [{"product": number, "name": f"{number}/{at}"} for at, number in enumerate(right)]
    index = {number: [row for row in products if row["product"] == number] for number in right}
    loop, looked_up, bucketed = (
        nested_loop(sales, products, "product"), by_index(sales, index, "product"), hashed(sales, products, "product")
    )  # fmt: skip
    assert loop.pairs == looked_up.pairs == bucketed.pairs
    assert len(loop.pairs) == sum(right.count(number) for number in left)
    matches = len(loop.pairs) / len(left) if left else 0.0
    for way, found in (("nested loop", loop), ("by index", looked_up), ("hash", bucketed)):
        law = laws.join_rows_looked_at(way, len(left), len(right), matches=matches)
        assert found.looked_at == pytest.approx(law), way


def test_the_chart_of_the_lab_lies_on_its_law() -> None:
    for way in laws.JOIN_WAYS:
        for sales, rows, _ in looked_at(way, 1, 10, 100):
            assert rows == laws.join_rows_looked_at(way, sales, PRODUCTS)
    assert {row["product"] for row, _ in join_sales("hash", 200, 50).pairs} == set(range(50)), "all are sold"


@pytest.mark.parametrize("way", laws.JOIN_WAYS)
def test_postgresql_looks_at_as_many_rows_as_the_model(postgres: Connection, way: str) -> None:
    with PostgresDatabase(postgres) as database:
        plan = joined(database, 100, way)
        assert plan.rows == len(join_sales(way, 100).pairs) == 100
        assert rows_looked_at(plan) == join_sales(way, 100).looked_at
        assert database.run("SHOW enable_hashjoin") == [("on",)], "what it was told is forgotten"


def test_postgresql_goes_by_pages_and_leaves_the_index_long_before_it_looks_at_more_rows(postgres: Connection) -> None:
    with PostgresDatabase(postgres) as database:
        few, more = joined(database, 10), joined(database, 100)
        assert (few.step, few.steps[1].step, rows_looked_at(few)) == ("Nested Loop", "Index Scan", 20)
        assert (more.step, rows_looked_at(more)) == ("Hash Join", 10_100)
        assert outline(few).splitlines()[0] == "Nested Loop: 10 rows, 31 pages"
        assert few.steps[1].pages_hit + few.steps[1].pages_read == 3 * 10
        assert sum("on products: 10,000 rows, 63 pages" in line for line in outline(more).splitlines()) == 1


def test_a_way_that_is_none_is_refused(postgres: Connection) -> None:
    with pytest.raises(BadParameter, match="nested loop"):
        join_sales("merge", 10)
    with pytest.raises(BadParameter, match="way"):
        laws.join_rows_looked_at("merge", 1, 1)
    with PostgresDatabase(postgres) as database, pytest.raises(BadParameter, match="its own choice"):
        joined(database, 10, "merge")
