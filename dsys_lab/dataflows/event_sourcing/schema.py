"""How are events read that were written by a program of years ago?

They are not changed: others have read them, and they are what happened. Each says in which *schema* it was written, and
the reader *lifts* what it decoded, from one schema to the next, up to the one that the program knows today. This is
*upcasting*: `evolve` sees the newest form only, and old forms are known in one place, a small function each. ::

    bytes of schema 1 --decode by schema 1--> {name} --lift 1 -> 2--> {first, last} --lift 2 -> 3--> ... --> evolve

The four ways that are compared (`dsys_lab.scenarios.event_sourcing.evolving`), after Overeem et al.:

===============  ===================================================================================================
`upcast`         as above: one reader, one function for each step
`weak schema`    read what is there, take defaults for what is not: fine for a new field, blind for one that was split
`new kind`       `BedBooked2`: both kinds live for ever, and each reader has code for both
`copy`           write a new log with every event transformed, and lead everybody there
===============  ===================================================================================================

`EventTypes` promises
---------------------
1. An event of any schema that it knows is read as one of the newest.
2. A kind or a schema that it does not know is refused with its name: nothing is skipped in silence.
3. What was written is never written again.
4. The bytes say which text is sealed: it begins with `sealed:`, and is opened, or refused where there is no ring. A
   plain text that begins so is written behind `plain:`. So neither is ever taken for the other, whoever wrote it and
   with whatever settings; and events from before anything was sealed are read as they are.

Sources: Overeem, Spoor and Jansen, "The dark side of event sourcing: managing data conversion", SANER 2017; Young,
*Versioning in an Event Sourced System*, 2017. The bytes are those of `dsys_lab.dataflows.service.wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.dataflows.event_sourcing.events import Event, Written
from dsys_lab.dataflows.service.versions import CannotRead, Version
from dsys_lab.dataflows.service.wire import FORMS, decode, encode
from dsys_lab.errors import BadParameter, require_choice

Lift = Callable[[dict[str, Any]], dict[str, Any]]
SEALED: Final = "sealed:"
PLAIN: Final = "plain:"
"""What stands before a sealed text, and before a plain one that would look like one of the two."""
OF_THE_STORE: Final = ("stream", "version")
"""What a view is told of an event besides its fields."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event, in all schemas that there ever were.

    Attributes
    ----------
    kind : str
    schemas : tuple of Version
        Oldest first: the first is schema 1.
    lifts : tuple of callable
        What a record of one schema says -> what it says in the next; one less than there are schemas.
    about, personal : str, tuple of str
        The field that names the person whom it is about, and those that are sealed under that person's key
        (see `forgetting`).
    """

    kind: str
    schemas: tuple[Version, ...]
    lifts: tuple[Lift, ...] = ()
    about: str = ""
    personal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.lifts) != len(self.schemas) - 1:
            told = f"{self.kind}: {len(self.schemas)} schemas and {len(self.lifts)} lifts"
            raise BadParameter(f"{told}; give one lift from each schema to the next")
        if self.personal and not self.about:
            raise BadParameter(f"{self.kind}: personal fields, and `about` does not say whose: give that field")
        fields = [{field.name: field.type for field in version.fields} for version in self.schemas]
        if taken := [name for name in OF_THE_STORE if any(name in names for names in fields)]:
            raise BadParameter(f"{self.kind}, field {taken[0]!r}: the store says that of each event; give another name")
        required = [{field.name for field in version.fields if field.is_required} for version in self.schemas]
        if self.about and (self.about in self.personal or not all(self.about in names for names in required)):
            told = f"{self.kind}, about = {self.about!r}: it is sealed, or not in every schema, or may be left out"
            raise BadParameter(f"{told}; give a field that each event says in the clear")
        told_as = {(name, names[name]) for name in self.personal for names in fields if name in names}
        if other := [f"{name!r}: it is {kind}" for name, kind in sorted(told_as) if kind != "text"]:
            raise BadParameter(f"{self.kind}, personal = {other[0]}, and only text is sealed; give fields of text")
        if strange := [name for name in self.personal if not any(name in names for names in fields)]:
            told = f"{self.kind}, personal = {strange[0]!r}: no schema has it, and nothing would be sealed"
            raise BadParameter(f"{told}; give some of {', '.join(sorted(set().union(*fields)))}")


class Seals(Protocol):
    """What hides the personal fields of an event, and opens them again while there is a key."""

    def seal(self, about: str, field: str, text: str) -> str:
        """Return a text that only the person's key opens."""

    def open(self, about: str, field: str, sealed: str) -> str:
        """Return what was sealed, or say that it is forgotten."""


class EventTypes:
    """Writes events as bytes in the newest schema, and reads them from any.

    Parameters
    ----------
    types : iterable of EventType
    form : str
        Of the bytes, one of `dsys_lab.dataflows.service.FORMS`.
    seals : Seals, optional
        Where personal fields are hidden; without it they lie open.

    Examples
    --------
    >>> v1 = Version.of("v1", "1 name text")
    >>> v2 = Version.of("v2", "2 first text, 3 last text")
    >>> split = lambda said: dict(zip(("first", "last"), said["name"].split(" ", 1)))
    >>> types = EventTypes([EventType("Came", (v1, v2), (split,))])
    >>> old = types.write(Event("Came", {"name": "Ada Lovelace"}), schema=1)
    >>> old
    Written(kind='Came', schema=1, data=b'{"name":"Ada Lovelace"}')
    >>> types.read(old)
    Event(kind='Came', says={'first': 'Ada', 'last': 'Lovelace'})
    """

    def __init__(self, types: Iterable[EventType], *, form: str = "name", seals: Seals | None = None) -> None:
        require_choice("form", form, tuple(FORMS))
        given = tuple(types)
        self.types = {one.kind: one for one in given}
        if len(self.types) < len(given):
            kinds = ", ".join(one.kind for one in given)
            raise BadParameter(f"types: {kinds}: one kind stands twice; give each once, with all its schemas")
        self.form, self.seals = form, seals

    def write(self, event: Event, *, schema: int | None = None) -> Written:
        """Return an event's bytes, in the newest schema, or as a writer of an older one wrote them."""
        kind = self._type(event.kind)
        schema = len(kind.schemas) if schema is None else schema
        version = self._schema(kind, schema)
        says = self._closed(kind, version.check(event.says))
        return Written(kind.kind, schema, encode(version, says, form=self.form))

    def read(self, written: Written) -> Event:
        """Return an event as the newest schema says it.

        Raises
        ------
        CannotRead
            If the kind is unknown, or the schema is newer than all that this program knows; if a text is sealed, and
            there is nothing here that opens it.
        Damaged
            If they are no bytes of this form.
        """
        kind = self._type(written.kind)
        said = decode(self._schema(kind, written.schema), written.data, form=self.form)
        said = {name: self._opened(kind, name, value, said) for name, value in said.items()}
        for lift in kind.lifts[written.schema - 1 :]:
            said = lift(said)
        return Event(written.kind, said)

    def _type(self, kind: str) -> EventType:
        if kind not in self.types:
            why = f"no such kind of event is known, but {', '.join(self.types)}: deploy its reader first"
            raise CannotRead("today", kind, why)
        return self.types[kind]

    def _schema(self, kind: EventType, schema: int) -> Version:
        if not 1 <= schema <= len(kind.schemas):
            newest = len(kind.schemas)
            raise CannotRead(f"schema {newest}", kind.kind, f"it is of schema {schema}: deploy the newer reader first")
        return kind.schemas[schema - 1]

    def _closed(self, kind: EventType, said: dict[str, Any]) -> dict[str, Any]:
        """Seal what is personal, and mark what only looks as if it were sealed."""
        closed = {name: PLAIN + value for name, value in said.items() if str(value).startswith((SEALED, PLAIN))}
        if self.seals is not None:
            for name in (one for one in kind.personal if one in said):
                closed[name] = SEALED + self.seals.seal(str(said[kind.about]), name, said[name])
        return {**said, **closed}

    def _opened(self, kind: EventType, name: str, value: Any, said: dict[str, Any]) -> Any:
        """Open one field, if its own bytes say that it is closed."""
        if not isinstance(value, str):
            return value
        if not value.startswith(SEALED):
            return value.removeprefix(PLAIN)
        if self.seals is None or not kind.about:
            lacks = "these types have no seals" if self.seals is None else "the kind does not say `about` whom it is"
            raise CannotRead("today", name, f"it is sealed, and {lacks}: give both")
        return self.seals.open(str(said[kind.about]), name, value.removeprefix(SEALED))
