"""What is asked: a question in its own words, without SQL.

One table or two that are joined, the ranges that rows must lie in, the columns that form groups, and what is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsys_lab.stores.table import Between


@dataclass(frozen=True, slots=True)
class Name:
    """A column of one of the tables, which go by their aliases."""

    alias: str
    column: str

    def __str__(self) -> str:
        return f"{self.alias}.{self.column}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is wanted.

    Attributes
    ----------
    label : str
        The name of the column of the answer.
    name : Name or None
        None only for `count(*)`.
    how : str
        One of `stores.table.MEASURES`; "" for the column itself.
    """

    label: str
    name: Name | None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A closed range in which a column must lie; NULL never does."""

    alias: str
    between: Between


@dataclass(frozen=True, slots=True)
class Question:
    """A whole question.

    Attributes
    ----------
    tables : tuple of (alias, table)
        One, or two that are joined.
    on : (Name, Name) or None
        The columns that must be equal, of the first and of the second table.
    """

    tables: tuple[tuple[str, str], ...]
    items: tuple[Item, ...]
    where: tuple[Condition, ...] = ()
    by: tuple[Name, ...] = ()
    on: tuple[Name, Name] | None = None

    @property
    def is_grouped(self) -> bool:
        """Whether rows are made into measures."""
        return bool(self.by) or any(item.how for item in self.items)

    def columns_of(self, alias: str) -> tuple[str, ...]:
        """Return the columns of one table that leave its scan, each once."""
        named = [*self.by, *(self.on or ()), *(item.name for item in self.items if item.name)]
        return tuple(dict.fromkeys(name.column for name in named if name.alias == alias))

    def conditions_of(self, alias: str) -> tuple[Between, ...]:
        """Return the ranges of one table."""
        return tuple(one.between for one in self.where if one.alias == alias)
