"""Facts about real services, each with its unit, its source and the date on which it was read.

Clouds change their limits; a page that shows one shows its date with it.

>>> print(fact("sqs_retention_default"))
4 days (Amazon SQS Developer Guide, Amazon SQS message quotas; read 2026-11-22)
"""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dsys_lab.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure and where it comes from.

    Attributes
    ----------
    what : str
        What it is a figure of, in a reader's words.
    value : float
    unit : str
    source : str
    date : datetime.date
        On which it was read.
    """

    what: str
    value: float
    unit: str
    source: str
    date: datetime.date

    def __str__(self) -> str:
        return f"{self.value:,} {self.unit} ({self.source}; read {self.date.isoformat()})"


@cache
def _facts() -> dict[str, Fact]:
    text = resources.files("dsys_lab").joinpath("facts.toml").read_text(encoding="utf-8")
    return {name: Fact(**entry) for name, entry in tomllib.loads(text).items()}


def fact(name: str) -> Fact:
    """Return the fact called `name`.

    Raises
    ------
    BadParameter
        If there is none, with those that there are.
    """
    if name not in _facts():
        raise BadParameter(f"no fact {name!r}: give one of {', '.join(_facts())}, or add it to facts.toml")
    return _facts()[name]
