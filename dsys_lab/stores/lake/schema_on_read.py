"""Who must know what a document looks like: who writes it down, or who reads it?

Documents come as lines of JSON, and their shape changes. A *schema* says what columns somebody wants, of which types,
and where in a document each may stand; `Source` says in which unit. It may be asked at two moments:

- *Schema on read*: lines are kept as they came, whatever they are. `read` brings a schema to them, each reader its own,
  and says what did not fit it. Nothing is lost, for the lines stay; who knows better later reads again.
- *Schema on write*: `load` brings the schema to the lines as they come, and what is kept is the rows. What happens to
  the rest is a choice, made when the table is made:

============  =========================================================  ==========================================
mode          a line that does not fit the schema                        what is lost
============  =========================================================  ==========================================
`strict`      is set aside, whole, in a quarantine                       nothing; but rows are missing until somebody
                                                                         looks
`lossy`       is loaded without what does not fit                        every value that was left out, for ever
`rescue`      is loaded, and what does not fit goes as JSON into a       nothing; whoever wants it reads that column
              column `_rescued` beside it                                by schema on read
============  =========================================================  ==========================================

Promises
--------
1. Every line is in one of two places, the rows or the quarantine, and no line is in both: `len(rows) +
   len(quarantine)` is the number of lines. What is no JSON, or no object, is in the quarantine in every mode.
2. A value is taken from the first source that stands in the document; it fits if it is of the type wanted, or a text
   that says such a number where `cast` is allowed. Nothing is guessed.
3. What did not fit, or was left out, is counted by field.

Left out: lists in documents; types other than whole numbers, numbers and texts; learning a schema from the lines.

Sources: Miller et al., "Data lake management: challenges and opportunities", VLDB 2019; Databricks documentation,
"Rescued data column".
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from dsys_lab.errors import BadParameter, require_choice

TYPES: Final = ("whole", "number", "text")
ON_MISMATCH: Final = ("cast", "null", "quarantine")
MODES: Final = ("strict", "lossy", "rescue")
RESCUED: Final = "_rescued"
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value may stand, with dots between, and by what it is multiplied to be in the unit that is wanted."""

    path: str
    times: float = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column: its name, its type, where it may stand, and whether a row without it is none.

    >>> Wanted.of("minutes whole hours_sleep*60 sleep_minutes").sources
    (Source(path='hours_sleep', times=60.0), Source(path='sleep_minutes', times=1))
    """

    name: str
    type: str
    sources: tuple[Source, ...]
    is_required: bool = False

    def __post_init__(self) -> None:
        require_choice(f"type of {self.name!r}", self.type, TYPES)
        if not self.sources:
            raise BadParameter(f"column {self.name!r}: say where it stands, as in 'minutes whole sleep.minutes'")

    @classmethod
    def of(cls, text: str) -> Wanted:
        """Return the column written as `name type path path*times`; `name!` is required; without a path it is `name`.

        Raises
        ------
        BadParameter
            If it is written otherwise.
        """
        words = text.split()
        if len(words) < 2:
            raise BadParameter(f"column {text!r}: write 'name type', 'name type path' or 'name! type path*60 path'")
        name = words[0].rstrip("!")
        sources = tuple(_source(word) for word in words[2:]) or (Source(name),)
        return cls(name, words[1], sources, words[0].endswith("!"))


def _source(word: str) -> Source:
    path, star, times = word.partition("*")
    try:
        return Source(path, float(times)) if star else Source(path)
    except ValueError:
        raise BadParameter(f"source {word!r}: write a path, or a path and a number, as in 'hours_sleep*60'") from None


def wanted(*columns: str) -> tuple[Wanted, ...]:
    """Return the columns of a schema, each written as `Wanted.of` reads it."""
    told = tuple(Wanted.of(column) for column in columns)
    names = [one.name for one in told]
    if not told or len({*names}) < len(names) or RESCUED in names:
        raise BadParameter(f"columns {names}: give at least one, each once, and none called {RESCUED}")
    return told


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of lines.

    Attributes
    ----------
    columns : tuple of str
    rows : list of tuple
    quarantine : list of str
        Lines that became no row.
    absent : Counter
        By column: rows in which it stands at none of its sources.
    mismatched : Counter
        By column: values that stand there and do not fit.
    lost : Counter
        By path: values that are kept nowhere.
    rescued : Counter
        By path: values that are kept in the column `_rescued`.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    quarantine: list[str]
    absent: Counter[str] = field(default_factory=Counter)
    mismatched: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    rescued: Counter[str] = field(default_factory=Counter)

    def column(self, name: str) -> list[Any]:
        """Return one column."""
        if name not in self.columns:
            raise BadParameter(f"no column {name!r}; there are {', '.join(self.columns)}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


# ------------------------------------------------------------------------------------------ schema on read
def read(lines: Iterable[str], schema: Sequence[Wanted], *, on_mismatch: str = "cast") -> Outcome:
    """Return the rows that a reader with this schema sees in lines that were kept as they came.

    Parameters
    ----------
    on_mismatch : str
        Of a value that does not fit: `cast` takes a text that says a number, and NULL for all else; `null` takes NULL;
        `quarantine` takes no row of the line.

    Examples
    --------
    >>> lines = ['{"id":1,"hours_sleep":"7.25"}', '{"id":2,"sleep_minutes":435}', '{"id":']
    >>> told = read(lines, wanted("id! whole", "minutes whole hours_sleep*60 sleep_minutes"))
    >>> told.rows, told.quarantine
    ([(1, 435), (2, 435)], ['{"id":'])
    """
    require_choice("on_mismatch", on_mismatch, ON_MISMATCH)
    told = Outcome(tuple(one.name for one in schema), [], [])
    for line in lines:
        document = parsed(line)
        found = None if document is None else [_value(one, document, cast=on_mismatch == "cast") for one in schema]
        if document is None or found is None or _missing(schema, found):
            told.quarantine.append(line)
            continue
        _count(told, schema, found)
        if on_mismatch == "quarantine" and not all(one.fits for one in found):
            told.quarantine.append(line)
        else:
            told.rows.append(tuple(one.value for one in found))
    return told


# ------------------------------------------------------------------------------------------ schema on write
def load(lines: Iterable[str], schema: Sequence[Wanted], *, mode: str = "strict") -> Outcome:
    """Return the rows that a table with this schema keeps of lines that come in.

    A source of another unit or name is converted, as in `read`: what the schema knows is no misfit. A value that fits
    no column, or has no column, is treated as the mode says.

    Examples
    --------
    >>> line = '{"id":1,"minutes":435,"spo2":97}'
    >>> for mode in ("strict", "lossy", "rescue"):
    ...     told = load([line], wanted("id! whole", "minutes whole"), mode=mode)
    ...     print(mode, told.rows, dict(told.lost), len(told.quarantine))
    strict [] {} 1
    lossy [(1, 435)] {'spo2': 1} 0
    rescue [(1, 435, '{"spo2":97}')] {} 0
    """
    require_choice("mode", mode, MODES)
    names = tuple(one.name for one in schema)
    told = Outcome((*names, RESCUED) if mode == "rescue" else names, [], [])
    for line in lines:
        document = parsed(line)
        found = None if document is None else [_value(one, document, cast=True) for one in schema]
        if document is None or found is None or _missing(schema, found):
            told.quarantine.append(line)
            continue
        kept = {one.path for one in found if one.fits}
        over = {path: value for path, value in leaves(document) if value is not None and path not in kept}
        if over and mode == "strict":
            told.quarantine.append(line)
            continue
        _count(told, schema, found)
        (told.rescued if mode == "rescue" else told.lost).update(over.keys())
        extra = (json.dumps(over, separators=(",", ":")) if over else None,) if mode == "rescue" else ()
        told.rows.append((*(one.value for one in found), *extra))
    return told


# ------------------------------------------------------------------------------------------ documents
def parsed(line: str) -> dict[str, Any] | None:
    """Return the document of a line; None if it is no JSON, or no object."""
    try:
        told = json.loads(line)
    except (ValueError, TypeError):
        return None
    return told if isinstance(told, dict) else None


def leaves(document: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value of a document that is no object itself, with its path.

    >>> list(leaves({"id": 1, "sleep": {"minutes": 435, "awake": 3}}))
    [('id', 1), ('sleep.minutes', 435), ('sleep.awake', 3)]
    """
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


class _Found(NamedTuple):
    """A column's value, the path at which it stands in the document, or "", and whether it fits. NULL fits."""

    value: Any
    path: str = ""
    fits: bool = True


def _missing(schema: Sequence[Wanted], found: Sequence[_Found]) -> bool:
    """Whether a column that a row must have is NULL."""
    return any(one.is_required and has.value is None for one, has in zip(schema, found, strict=True))


def _count(told: Outcome, schema: Sequence[Wanted], found: Sequence[_Found]) -> None:
    for one, has in zip(schema, found, strict=True):
        told.absent[one.name] += not has.path
        told.mismatched[one.name] += not has.fits


def _value(one: Wanted, document: Mapping[str, Any], *, cast: bool) -> _Found:
    """Return what a document has for a column."""
    for source in one.sources:
        raw = _at(document, source.path)
        if raw is not _ABSENT:
            value = raw if raw is None else _converted(raw, one.type, source.times, cast=cast)
            return _Found(value, source.path, raw is None or value is not None)
    return _Found(None)


def _at(document: Mapping[str, Any], path: str) -> Any:
    told: Any = document
    for name in path.split("."):
        if not isinstance(told, Mapping) or name not in told:
            return _ABSENT
        told = told[name]
    return told


def _converted(raw: Any, kind: str, times: float, *, cast: bool) -> Any:
    """Return a value in the type and the unit that are wanted, or None if it does not fit."""
    if kind == "text":
        return raw if isinstance(raw, str) else None
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str) if cast else (int, float)):
        return None
    try:
        number = float(raw) * times
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if kind == "number":
        return number
    return round(number) if times != 1 or number == int(number) else None
