"""By which way does PostgreSQL bring two tables together, and how many rows does it look at?

The planner chooses; it can be told which ways it may not take (`enable_hashjoin = off`, …), and so each of the three of
`stores.relational.joins` can be had. Rows are counted by EXPLAIN ANALYZE where they come out of a table or an index.

The index is an ordinary one: of a *unique* one a nested loop knows that there is no second match, and stops early.

Source: PostgreSQL 18 documentation, ch. 19.7 "Query Planning", "EXPLAIN".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dsys_lab.engines.postgres.database import PostgresDatabase
from dsys_lab.engines.postgres.plan import Plan, explain
from dsys_lab.errors import require_choice, require_positive

ITS_CHOICE: Final = "its own choice"
_ALWAYS: Final = ("memoize", "material", "mergejoin", "bitmapscan")
OFF: Final[Mapping[str, tuple[str, ...]]] = {
    "nested loop": (*_ALWAYS, "hashjoin", "indexscan", "indexonlyscan"),
    "by index": (*_ALWAYS, "hashjoin"),
    "hash": (*_ALWAYS, "nestloop"),
    ITS_CHOICE: (),
}
"""Way -> what the planner is told not to do."""
QUESTION: Final = "SELECT s.id, p.name FROM sales s LEFT JOIN products p USING (product)"


def joined(
    database: PostgresDatabase, sales: int, way: str = ITS_CHOICE, *, products: int = 10_000, stride: int = 7_919
) -> Plan:
    """Give each of so many sales its product, and return the plan by which that was done, counted.

    Raises
    ------
    BadParameter
        If there is no such way, or nothing to join.
    """
    require_choice("way", way, tuple(OFF))
    require_positive(sales=sales, products=products)
    made = (
        "CREATE TABLE products (product integer, name text)",
        f"INSERT INTO products SELECT n, 'product ' || n FROM generate_series(0, {products - 1}) n",  # noqa: S608  # numbers of our own
        "CREATE INDEX products_by_number ON products (product)",
        "CREATE TABLE sales (id integer, product integer)",
        f"INSERT INTO sales SELECT n, {stride}::bigint * n % {products} FROM generate_series(1, {sales}) n",  # noqa: S608
        "VACUUM ANALYZE products", "VACUUM ANALYZE sales",
        *(f"SET enable_{what} = off" for what in OFF[way]),
    )  # fmt: skip
    try:
        for statement in made:
            database.run(statement)
        return explain(database, QUESTION)
    finally:
        for what in OFF[way]:
            database.run(f"RESET enable_{what}")
        database.run("DROP TABLE IF EXISTS sales, products")


def rows_looked_at(plan: Plan) -> int:
    """Return how many rows came out of tables and indexes, or were looked at there and did not match."""
    if plan.steps:
        return sum(rows_looked_at(step) for step in plan.steps)
    return plan.rows + plan.rows_removed * plan.loops


def outline(plan: Plan) -> str:
    """Return a plan with the rows and pages of each step, wherever the pages came from."""
    what = f"{plan.step} on {plan.on}" if plan.on else plan.step
    below = "\n".join(outline(step) for step in plan.steps)
    counted = f"{what}: {plan.rows:,} rows, {plan.pages_hit + plan.pages_read:,} pages"
    return counted + "".join(f"\n  {line}" for line in below.splitlines())
