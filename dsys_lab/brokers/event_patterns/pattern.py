"""A pattern: read with its paths, then asked of events.

Reading turns the JSON into a tree of two kinds of node: `Field`, a list of wishes at a name, and `AllOf`, the fields,
deeper patterns and choices that must all hold. Asking walks the tree and the event together; a list of objects is tried
object by object, which is all that "array-consistent" takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from dsys_lab.brokers.event_patterns.wishes import OPERATORS, BadWish, Equals, Exists, Scalar, Wish, wish
from dsys_lab.errors import BadParameter

OR: Final = "$or"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a pattern found in an event at one of its fields.

    Attributes
    ----------
    path : str
        Names joined by dots.
    wanted : str
        The wishes, as the pattern has them.
    found : tuple
        The values in the event; none if it has none there.
    holds : bool
    """

    path: str
    wanted: str
    found: tuple[Scalar, ...]
    holds: bool


@dataclass(frozen=True, slots=True)
class Field:
    """The wishes at one name."""

    path: Path
    wishes: tuple[Wish, ...]
    written: str

    def holds(self, here: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
        """Whether a value of this object, or in the whole event the lack of one, fulfils a wish."""
        found = scalars(here.get(self.path[-1], ()))
        return self.among(found) or (not found and self.wants_none and not list(values_at(event, self.path)))

    def among(self, found: Sequence[Scalar]) -> bool:
        """Whether any value fulfils any wish."""
        for value in found:
            for one in self.wishes:
                if one.holds(value):
                    return True
        return False

    @property
    def wants_none(self) -> bool:
        """Whether the lack of a value will do."""
        return any(isinstance(wish, Exists) and not wish.wanted for wish in self.wishes)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Fields, deeper patterns and choices, all of which must hold in one object."""

    fields: tuple[Field, ...]
    deeper: tuple[tuple[str, AllOf], ...]
    choices: tuple[tuple[AllOf, ...], ...]

    def holds(self, here: Any, event: Mapping[str, Any]) -> bool:
        """Whether one of the objects here fulfils all."""
        return any(self._fulfilled_by(found, event) for found in objects(here))

    def _fulfilled_by(self, found: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
        for field in self.fields:  # loops here and in `among`: a generator would cost more than the question
            if not field.holds(found, event):
                return False
        return all(inner.holds(found.get(name), event) for name, inner in self.deeper) and all(
            any(one.holds(found, event) for one in choice) for choice in self.choices
        )

    def every_field(self) -> Iterator[Field]:
        """Yield the fields of the whole tree."""
        yield from self.fields
        for inner in (*(inner for _, inner in self.deeper), *(one for choice in self.choices for one in choice)):
            yield from inner.every_field()

    def certain_fields(self) -> Iterator[Field]:
        """Yield the fields outside every choice: each must hold in an event that is picked."""
        yield from self.fields
        for _, inner in self.deeper:
            yield from inner.certain_fields()


class Pattern:
    """Picks events.

    Parameters
    ----------
    written : str or mapping
        The pattern, as JSON text or as what `json.loads` makes of it.

    Raises
    ------
    BadParameter
        With the path of what is wrong.

    Examples
    --------
    >>> dear = Pattern({"detail": {"price": [{"numeric": [">", 100]}]}})
    >>> dear.matches({"detail": {"price": 120}}), dear.matches({"detail": {"price": "120"}})
    (True, False)
    >>> Pattern('{"price": [{"numerc": [">", 100]}]}')
    Traceback (most recent call last):
    dsys_lab.errors.BadParameter: pattern at price[0]: unknown operator 'numerc': there are prefix, suffix, ...
    """

    __slots__ = ("_whole", "written")

    def __init__(self, written: str | Mapping[str, Any]) -> None:
        given = parsed(written) if isinstance(written, str) else written
        self._whole = read(given, ())
        self.written = json.dumps(given)

    def __repr__(self) -> str:
        """Show it as JSON."""
        return f"Pattern({self.written})"

    def __eq__(self, other: object) -> bool:
        """Whether two patterns are written alike."""
        return isinstance(other, Pattern) and self.written == other.written

    def __hash__(self) -> int:
        """Hash what is written."""
        return hash(self.written)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether it picks this event, given as `json.loads` makes it."""
        return self._whole.holds(require_event(event), event)

    def judge(self, event: Mapping[str, Any]) -> list[Judged]:
        """Say field by field what it found: what a picture lights up."""
        return [self._judged(field, require_event(event)) for field in self._whole.every_field()]

    def _judged(self, field: Field, event: Mapping[str, Any]) -> Judged:
        found = tuple(values_at(event, field.path))
        holds = field.among(found) or (field.wants_none and not found)
        return Judged(".".join(field.path), field.written, found, holds)

    def exact(self) -> dict[Path, tuple[Scalar, ...]]:
        """Return the values of each field that must hold and has no operator: rules can be looked up by them."""
        return {
            field.path: tuple(wish.wanted for wish in field.wishes if isinstance(wish, Equals))
            for field in self._whole.certain_fields()
            if all(isinstance(wish, Equals) for wish in field.wishes)
        }

    @property
    def keys(self) -> int:
        """How many fields it names."""
        return sum(1 for _ in self._whole.every_field())

    @property
    def combinations(self) -> int:
        """How many combinations of wishes there are: by the number of them SNS limits a policy."""
        return prod(len(field.wishes) * len(field.path) for field in self._whole.every_field())

    @property
    def depth(self) -> int:
        """How deep its deepest field lies; 1 where all stand at the top."""
        return max(len(field.path) for field in self._whole.every_field())


# ------------------------------------------------------------------------------------------------- reading a pattern
def parsed(text: str) -> Any:
    """Return what a JSON text holds."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadParameter(f"pattern: no JSON: {error}") from error


def read(given: Any, path: Path, *, is_choice: bool = False) -> AllOf:
    """Read an object of a pattern."""
    if not isinstance(given, Mapping) or not given:
        raise bad(path, f"give an object of fields, not {given!r}")
    fields, deeper, choices = [], [], []
    for name, wanted in given.items():
        there = (*path, name)
        if name == OR:
            choices.append(read_choice(wanted, path))
        elif is_choice and name in OPERATORS:
            raise bad(there, f"{name} is an operator and cannot name a field within {OR}")
        elif isinstance(wanted, list):
            fields.append(read_field(wanted, there))
        elif isinstance(wanted, Mapping):
            deeper.append((name, read(wanted, there, is_choice=is_choice)))
        else:
            raise bad(there, f"give a list of wishes, [{json.dumps(wanted)}], or an object of deeper fields")
    return AllOf(tuple(fields), tuple(deeper), tuple(choices))


def read_choice(wanted: Any, path: Path) -> tuple[AllOf, ...]:
    """Read the patterns of which one must hold."""
    if not isinstance(wanted, list) or len(wanted) < 2:
        raise bad((*path, OR), f"give a list of two or more patterns, not {wanted!r}")
    return tuple(read(one, path, is_choice=True) for one in wanted)


def read_field(wanted: list[Any], path: Path) -> Field:
    """Read the wishes at one name."""
    if not wanted:
        raise bad(path, "an empty list picks nothing: give a value or an operator")
    wishes = []
    for number, one in enumerate(wanted):
        try:
            wishes.append(wish(one))
        except BadWish as error:
            raise bad(path, str(error), f"[{number}]") from error
    return Field(path, tuple(wishes), json.dumps(wanted))


def bad(path: Path, why: str, where: str = "") -> BadParameter:
    """Return the error that names the place in the pattern."""
    return BadParameter(f"pattern at {'.'.join(path) or 'the top'}{where}: {why}")


# ------------------------------------------------------------------------------------------------- walking an event
def require_event(event: Any) -> Mapping[str, Any]:
    """Refuse what is no object of fields."""
    if not isinstance(event, Mapping):
        raise BadParameter(f"event = {event!r}: give an object of fields, as json.loads makes it")
    return event


NOTHING: Final[tuple[Mapping[str, Any], ...]] = ({},)


def objects(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects at a place, through lists of any depth; an empty one where there is none."""
    if isinstance(value, dict):
        return (value,)
    return tuple(one for one in flat(value) if isinstance(one, Mapping)) or NOTHING


def scalars(value: Any) -> tuple[Scalar, ...]:
    """Return the values at a place, through lists of any depth."""
    if isinstance(value, str | int | float):
        return (value,)
    return tuple(one for one in flat(value) if not isinstance(one, Mapping))


def flat(value: Any) -> Iterator[Any]:
    """Yield what is in a list and in the lists within it, or the thing itself."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from flat(one)
    else:
        yield value


def values_at(event: Mapping[str, Any], path: Path) -> Iterator[Scalar]:
    """Yield every value of the event at this path, in whichever element of a list."""
    if len(path) == 1:
        yield from scalars(event.get(path[0], ()))
        return
    for found in objects(event.get(path[0])):
        yield from values_at(found, path[1:])
