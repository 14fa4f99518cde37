"""What does one row mean, and what happens to a row that does not fit?

A fact table says its *grain* in one sentence and as columns: one row for each person and night. The columns of the
grain are its key, and a second row of the same key is refused. The other columns are surrogate keys of dimensions, and
measures, each with bounds within which a number makes sense. ::

    row from a source      person 17, day 30, 435 minutes
          |  find: which version of person 17 was valid on day 30?     none: unknown (0), inferred, or quarantined
          |  bounds: may a night have 435 minutes?                     no: quarantined
          |  grain: is there a night of person 17 on day 30 already?   yes: quarantined
          v
    fact                   person 1, day 30, 435

What does not fit is put into quarantine with the reason and can be loaded again, when it was repaired. Nothing is lost.

A question names columns as `minutes` or `person.city`. The attribute is that of *then* (the version that the fact
points at), or of *now*. A filter on attributes becomes a set of surrogate keys first, and the facts are gone through
once (an invisible join, here without its bitmaps).

Promises
--------
1. Rows given = rows loaded + rows in quarantine, for every load.
2. The grain is unique. A load of the same rows again changes nothing but the quarantine.
3. A back-filled dimension changes labels, never totals.

Left out: disks (see `stores.column_store` for where such columns would lie); deleting facts.

Sources: Kimball and Ross, "The Data Warehouse Toolkit", 3rd edition, chapters 1 to 3 and 19; Abadi, Madden and Hachem,
"Column-stores vs. row-stores: how different are they really?", SIGMOD 2008 (the invisible join).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

from dsys_lab.errors import BadParameter, require_choice
from dsys_lab.stores.star_schema.dimension import Dimension
from dsys_lab.trace import NO_TRACE, Recorder

MISSING: Final = ("unknown", "infer", "quarantine")
AS_OF: Final = ("then", "now")


@dataclass(frozen=True, slots=True)
class Link:
    """How facts point at a dimension.

    Attributes
    ----------
    dimension : Dimension
    missing : str
        What becomes of a fact whose member is not there: it points at "unknown" (0), lets the member be "infer"-red, or
        goes to "quarantine".
    """

    dimension: Dimension
    missing: str = "unknown"

    def __post_init__(self) -> None:
        require_choice("missing", self.missing, MISSING)


@dataclass(frozen=True, slots=True)
class Stored:
    """A value stored on each fact, and the bounds, both included, within which it makes sense."""

    low: float = -math.inf
    high: float = math.inf
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that was not loaded, and why: the first word is the rule that it broke."""

    row: Mapping[str, Any]
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the rows of one load."""

    given: int
    loaded: int
    quarantined: tuple[Quarantined, ...]


@dataclass(frozen=True, slots=True)
class FactStatus:
    """What is where.

    Attributes
    ----------
    facts : int
    quarantined : dict
        Rule -> rows, of all loads.
    unknown : dict
        Column -> facts that point at surrogate 0.
    """

    facts: int
    quarantined: dict[str, int]
    unknown: dict[str, int]


class FactTable:
    """Facts at one grain.

    Parameters
    ----------
    name : str
    grain : sequence of str
        The columns that make a row one row: keys of dimensions, or `plain` columns.
    links : dict
        Column -> Link. The source's column holds the member's own key.
    measures : dict
        Column -> Stored.
    plain : sequence of str
        Columns kept as they come (an order number: a degenerate dimension).
    when : str
        The column of whole numbers that says when it happened; it is one of `plain`.
    recorder : Recorder
        Sees each row: a fact, or put aside.

    Examples
    --------
    >>> person = Dimension("person", historic=["city"])
    >>> person.put(17, {"city": "Oslo"}, at=0)
    1
    >>> nights = FactTable("night", ("person", "day"), links={"person": Link(person)},
    ...                    measures={"minutes": Stored(60, 960)}, plain=("day",), when="day")
    >>> nights.load([{"person": 17, "day": 3, "minutes": 435}, {"person": 17, "day": 4, "minutes": 7.25}]).loaded
    1
    >>> nights.read("person.city", "minutes")
    {'person.city': ['Oslo'], 'minutes': [435]}
    """

    def __init__(
        self,
        name: str,
        grain: Sequence[str],
        *,
        links: Mapping[str, Link],
        measures: Mapping[str, Stored],
        plain: Sequence[str],
        when: str,
        recorder: Recorder = NO_TRACE,
    ) -> None:
        self.recorder = recorder
        self.name, self.grain, self.when = name, tuple(grain), when
        self.links, self.measures, self.plain = dict(links), dict(measures), tuple(plain)
        self.columns = (*self.links, *self.plain, *self.measures)
        if len(set(self.columns)) < len(self.columns):
            raise BadParameter(f"{name}: a column stands twice in {self.columns}; give each a name of its own")
        able = (*self.links, *self.plain)
        if not self.grain or any(column not in able for column in self.grain) or when not in self.plain:
            raise BadParameter(
                f"{name}: grain {self.grain}, when {when!r}; the grain is of {', '.join(able)}, "
                f"`when` one of {', '.join(self.plain) or 'plain'}"
            )
        self._facts: dict[str, list[Any]] = {column: [] for column in self.columns}
        self._sources: dict[str, list[Any]] = {column: [] for column in self.links}
        self._keys: set[tuple[Any, ...]] = set()
        self.quarantine: list[Quarantined] = []

    # ------------------------------------------------------------ loading
    def load(self, rows: Iterable[Mapping[str, Any]]) -> Loaded:
        """Add rows; each is a fact afterwards, or in quarantine with its reason.

        Raises
        ------
        BadParameter
            If a row is no dict; then none is loaded.
        """
        given, refused = list(rows), []
        for number, row in enumerate(given):
            if not isinstance(row, Mapping):
                raise BadParameter(f"row {number} is a {type(row).__name__}: no row was loaded; give dicts")
        for row in given:
            broken = self._broken(row)
            if broken is None:
                self._add(row)
            else:
                refused.append(Quarantined(dict(row), *broken))
                self._put_aside(refused[-1], copy=len(self.quarantine) + len(refused))
        self.quarantine += refused
        return Loaded(len(given), len(given) - len(refused), tuple(refused))

    def _put_aside(self, one: Quarantined, *, copy: int) -> None:
        """Let the recorder see it; a row of a key that is there already is a copy of it."""
        if self.recorder is not NO_TRACE:
            name, twice = self._name(one.row), copy if one.rule == "grain" else 0
            self.recorder.emit(0, "quarantined", "quarantine", name, rule=one.rule, why=one.reason, copy=twice)

    def _name(self, row: Mapping[str, Any]) -> str:
        return "/".join(str(row.get(column)) for column in self.grain)

    def _broken(self, row: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return the rule that the row breaks, and the reason; nothing is changed yet."""
        wrong = [column for column in self.columns if column not in row] or [c for c in row if c not in self.columns]
        if wrong:
            return "columns", f"{wrong[0]!r} is missing or not known; a row has {', '.join(self.columns)}"
        for column in (*self.links, *self.plain):
            if isinstance(row[column], bool) or not isinstance(row[column], int | str | NoneType):
                return "columns", f"{column} = {row[column]!r}; a key is a whole number, a text or None"
        when = row[self.when]
        if not isinstance(when, int):
            return "when", f"{self.when} = {when!r}; give a whole number"
        for column, stored in self.measures.items():
            if reason := _out_of_bounds(column, row[column], stored):
                return "bounds", reason
        return self._homeless(row, when) or self._repeated(row)

    def _homeless(self, row: Mapping[str, Any], when: int) -> tuple[str, str] | None:
        for column, link in self.links.items():
            if link.missing == "quarantine" and link.dimension.find(row[column], at=when) is None:
                return "orphan", f"{column} {row[column]!r} is not in the dimension {link.dimension.name}"
        return None

    def _repeated(self, row: Mapping[str, Any]) -> tuple[str, str] | None:
        key = self._key(row)
        empty = [column for column, value in zip(self.grain, key, strict=True) if value is None]
        if empty:
            return "grain", f"{empty[0]} is None; a row needs a value for {', '.join(self.grain)}"
        return ("grain", f"there is a row of {dict(zip(self.grain, key, strict=True))}") if key in self._keys else None

    def _key(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[column] for column in self.grain)

    def _add(self, row: Mapping[str, Any]) -> None:
        self._keys.add(self._key(row))
        for column, link in self.links.items():
            self._sources[column].append(row[column])
            self._facts[column].append(_surrogate(link, row[column], row[self.when]))
        for column in (*self.plain, *self.measures):
            self._facts[column].append(row[column])
        if self.recorder is not NO_TRACE:
            values = ", ".join(f"{column} {row[column]}" for column in self.measures)
            self.recorder.emit(0, "fact", self.name, self._name(row), values=values)

    def relabel(self) -> int:
        """Point every fact at the version that was valid when it happened, as is known by now; return how many moved.

        A member that came after its facts, or a change that was told late, moves them.
        """
        moved = 0
        for column, link in self.links.items():
            happened = zip(self._sources[column], self._facts[self.when], strict=True)
            anew = [_surrogate(link, key, when) for key, when in happened]
            moved += sum(one != other for one, other in zip(anew, self._facts[column], strict=True))
            self._facts[column] = anew
        return moved

    # ------------------------------------------------------------ questions
    def read(
        self, *names: str, where: Mapping[str, Collection[Any]] | None = None, as_of: str = "then"
    ) -> dict[str, list[Any]]:
        """Return columns, of facts that pass every filter: `minutes`, or `person.city` for an attribute.

        Parameters
        ----------
        names : str
        where : dict, optional
            Name -> values of which it must be one.
        as_of : str
            Whether an attribute is that of "then" or of "now".

        Raises
        ------
        BadParameter
            If there is no such column or attribute.
        """
        require_choice("as_of", as_of, AS_OF)
        passing: Sequence[int] = range(len(self._facts[self.when]))
        for name, values in (where or {}).items():
            if isinstance(values, str):
                raise BadParameter(f"where {name!r}: {values!r} is one text; give a list or set of values")
            column, wanted = self._wanted(name, values, as_of)
            passing = [row for row in passing if column[row] in wanted]
        return {name: self._read(name, passing, as_of) for name in names}

    def _wanted(self, name: str, values: Collection[Any], as_of: str) -> tuple[list[Any], Collection[Any]]:
        """Return the facts' own column that decides, and its values that pass: a filter goes through members first."""
        column, attribute = self._split(name)
        if not attribute:
            return self._facts[column], values
        dimension = self.links[column].dimension
        used = dict.fromkeys(self._facts[column])
        return self._facts[column], frozenset(one for one in used if _label(dimension, one, attribute, as_of) in values)

    def _read(self, name: str, rows: Sequence[int], as_of: str) -> list[Any]:
        column, attribute = self._split(name)
        values = self._facts[column]
        if not attribute:
            return [values[row] for row in rows]
        dimension = self.links[column].dimension
        labels = {one: _label(dimension, one, attribute, as_of) for one in dict.fromkeys(values)}
        return [labels[values[row]] for row in rows]

    def _split(self, name: str) -> tuple[str, str]:
        column, _, attribute = name.partition(".")
        if column not in self.columns or (attribute and column not in self.links):
            raise BadParameter(f"{self.name}: no column {name!r}; there are {', '.join(self.columns)}")
        if attribute and attribute not in (have := self.links[column].dimension.attributes):
            raise BadParameter(f"{self.name}: {column} has no {attribute!r}; it has {', '.join(have)}")
        return column, attribute

    def status(self) -> FactStatus:
        """Return what is where."""
        unknown = {column: self._facts[column].count(0) for column in self.links}
        rules = Counter(row.rule for row in self.quarantine)
        return FactStatus(len(self._facts[self.when]), dict(rules), unknown)


def _surrogate(link: Link, key: Any, when: int) -> int:
    if link.missing == "infer":
        return link.dimension.find_or_infer(key, at=when)
    return link.dimension.find(key, at=when) or 0


def _label(dimension: Dimension, surrogate: int, attribute: str, as_of: str) -> Any:
    version = dimension.version(surrogate) if as_of == "then" else dimension.current(surrogate)
    return version.attributes[attribute]


def _out_of_bounds(column: str, value: Any, stored: Stored) -> str:
    if value is None:
        return "" if stored.nullable else f"{column} is None, but the measure is not nullable"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{column} = {value!r} is no finite number"
    allowed = f"{stored.low} to {stored.high}"
    return "" if stored.low <= value <= stored.high else f"{column} = {value!r} is not from {allowed}: another unit?"
